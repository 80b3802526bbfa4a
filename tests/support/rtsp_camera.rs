//! A camera that speaks RTSP over TCP and sends a JPEG when the test asks for it. The incidents of cameras on
//! a wall can be applied to it.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;

const SDP: &str =
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=Camera\r\nt=0 0\r\nm=video 0 RTP/AVP 26\r\na=control:track\r\n";

/// The camera.
pub struct Camera {
    shared: Arc<Shared>,
    address: SocketAddr,
    server: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    is_down: bool,
    is_frozen: bool,
    /// The last client requested datagrams.
    is_silent: bool,
    /// The required Authorization header.
    authorization: Option<String>,
    requests: Vec<String>,
    connections: Vec<TcpStream>,
    playing: Vec<TcpStream>,
    pictures: u16,
    clients: Vec<JoinHandle<()>>,
}

impl Camera {
    /// A camera on a free port.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut camera = Self { shared: Arc::default(), address, server: None };
        camera.serve(listener);
        camera
    }

    /// Its URL.
    pub fn url(&self, credentials: &str) -> String {
        format!("rtsp://{credentials}{}/cam", self.address)
    }

    fn serve(&mut self, listener: TcpListener) {
        let shared = self.shared.clone();
        self.server = Some(std::thread::spawn(move || {
            for connection in listener.incoming() {
                let mut state = shared.state();
                if state.is_down {
                    return;
                }
                let connection = connection.unwrap();
                state.connections.push(connection.try_clone().unwrap());
                let of = shared.clone();
                state.clients.push(std::thread::spawn(move || of.client(connection)));
            }
        }));
    }

    /// Cuts the power: connections are reset, the port is closed. Returns when nothing is left.
    pub fn power_off(&mut self) {
        let clients = {
            let mut state = self.shared.state();
            state.is_down = true;
            state.is_frozen = false;
            state.playing.clear();
            for connection in state.connections.drain(..) {
                let _ = connection.shutdown(Shutdown::Both);
            }
            std::mem::take(&mut state.clients)
        };
        self.shared.changed.notify_all();
        // Wakes the server, which then ends.
        drop(TcpStream::connect(self.address));
        if let Some(server) = self.server.take() {
            server.join().unwrap();
        }
        for client in clients {
            client.join().unwrap();
        }
    }

    /// Restores the power.
    pub fn power_on(&mut self) {
        self.shared.state().is_down = false;
        self.serve(TcpListener::bind(self.address).unwrap());
    }

    /// Swallows all incoming data from now on, or stops doing so.
    pub fn freeze(&self, is_frozen: bool) {
        self.shared.state().is_frozen = is_frozen;
        self.shared.changed.notify_all();
    }

    /// Closes all connections.
    pub fn hang_up(&self) {
        let mut state = self.shared.state();
        state.playing.clear();
        for connection in state.connections.drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }

    /// Requires this header from clients from now on.
    pub fn set_authorization(&self, authorization: Option<&str>) {
        self.shared.state().authorization = authorization.map(str::to_owned);
    }

    /// Clients that play.
    pub fn playing(&self) -> usize {
        self.shared.state().playing.len()
    }

    /// The number of requests of this method so far.
    pub fn requests(&self, method: &str) -> usize {
        self.shared.state().requests.iter().filter(|it| *it == method).count()
    }

    /// Sends a packet that yields no picture: a fragment without its beginning.
    #[allow(dead_code)] // Not every test program that has this camera asks for it.
    pub fn send_useless(&self) {
        self.send_piece(3000);
    }

    /// Sends a picture to every playing client.
    pub fn send_picture(&self) {
        self.send_piece(0);
    }

    /// Sends the piece of a picture that begins at this byte.
    fn send_piece(&self, offset: u16) {
        let mut state = self.shared.state();
        state.pictures = state.pictures.wrapping_add(1);
        let number = state.pictures;
        // RFC 2435: type 1, Q 60, 64x48 pixels; the scan data are two bytes.
        let mut packet = vec![b'$', 0, 0, 22, 0x80, 0x80 | 0x1a];
        packet.extend(number.to_be_bytes());
        packet.extend((u32::from(number) * 3600).to_be_bytes());
        packet.extend([0, 0, 0, 1, 0, 0]);
        packet.extend(offset.to_be_bytes());
        packet.extend([1, 60, 8, 6]);
        packet.extend([1, number as u8 & 0x7f]);
        state.playing.retain(|client| (&*client).write_all(&packet).is_ok());
    }
}

impl Drop for Camera {
    fn drop(&mut self) {
        if self.server.is_some() {
            self.power_off();
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn client(&self, mut connection: TcpStream) {
        let mut received = Vec::new();
        loop {
            let Some(end) = received.windows(4).position(|it| it == b"\r\n\r\n") else {
                let mut buffer = [0; 2048];
                match connection.read(&mut buffer) {
                    Ok(0) | Err(_) => return,
                    Ok(bytes) => received.extend(&buffer[..bytes]),
                }
                // The client's reports, between its requests.
                while let [b'$', _, high, low, ..] = received[..] {
                    let length = 4 + usize::from(u16::from_be_bytes([high, low]));
                    received.drain(..length.min(received.len()));
                }
                continue;
            };
            let head: Vec<u8> = received.drain(..end + 4).collect();
            if !self.request(&String::from_utf8_lossy(&head), &mut connection) {
                return;
            }
        }
    }

    /// Answers a request; false if the connection is over.
    fn request(&self, head: &str, connection: &mut TcpStream) -> bool {
        let header = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        let method = head.split(' ').next().unwrap_or_default();
        let mut state = self.changed.wait_while(self.state(), |state| state.is_frozen).unwrap();
        state.requests.push(method.to_owned());
        let authorized = state.authorization.as_deref().is_none_or(|it| it == header("Authorization: "));
        let ports = header("Transport: ").split(';').find(|part| part.starts_with("client_port="));
        let datagrams = ports.map(|ports| format!("Transport: RTP/AVP;unicast;{ports}\r\nSession: 1\r\n"));
        let (status, headers, body) = match method {
            _ if !authorized => ("401 Unauthorized", "WWW-Authenticate: Basic realm=\"cam\"\r\n", ""),
            "DESCRIBE" => ("200 OK", "Content-Type: application/sdp\r\n", SDP),
            // Clients that request datagrams are promised some, and get none.
            "SETUP" if datagrams.is_some() => ("200 OK", datagrams.as_deref().unwrap_or_default(), ""),
            "SETUP" => ("200 OK", "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 1\r\n", ""),
            _ => ("200 OK", "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n", ""),
        };
        let answer = format!(
            "RTSP/1.0 {status}\r\nCSeq: {}\r\n{headers}Content-Length: {}\r\n\r\n{body}",
            header("CSeq: "),
            body.len()
        );
        if connection.write_all(answer.as_bytes()).is_err() {
            return false;
        }
        state.is_silent = if method == "SETUP" { datagrams.is_some() } else { state.is_silent };
        if method == "PLAY" && status == "200 OK" && !state.is_silent {
            state.playing.push(connection.try_clone().unwrap());
        }
        method != "TEARDOWN"
    }
}
