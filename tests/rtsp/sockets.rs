//! Plays the camera's part of a transcript on real sockets of the loopback interface, against the
//! socket loop of the source.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::time::Duration;

use futures_lite::future::{or, pending, yield_now};
use pinhole::clock::{Clock, Hand};
use pinhole::rtsp::{Error, Event, Options, Session, Target, UdpChannel};
use pinhole::source::rtsp::{End, SessionDriver};
use smol::Async;
use smol::channel::{Receiver, Sender, unbounded};
use smol::io::{AsyncReadExt, AsyncWriteExt};

use crate::replay::describe;
use crate::transcript::{Step, Transcript, What};

/// No step waits this long.
const PATIENCE: Duration = Duration::from_secs(20);

/// Time advances in such steps, so that everything due in between happens in its turn.
const TICK: Duration = Duration::from_millis(50);

/// The sockets for the camera's addresses in the transcripts.
struct Sockets {
    listeners: Vec<(String, Async<TcpListener>)>,
    rtp: Async<UdpSocket>,
    rtcp: Async<UdpSocket>,
    /// Text of a transcript, and its replacement here.
    names: Vec<(String, String)>,
}

impl Sockets {
    fn open() -> Self {
        let listeners = [
            ("192.0.2.1", 554, "127.0.0.1"),
            ("192.0.2.1", 8554, "127.0.0.1"),
            ("198.51.100.1", 554, "127.0.0.2"),
            ("2001:db8::1", 554, "::1"),
        ]
        .into_iter()
        .filter(|(.., address)| *address != "::1" || has_ipv6())
        .map(|(host, port, address)| {
            (host, port, address, Async::new(TcpListener::bind((address, 0)).unwrap()).unwrap())
        })
        .collect::<Vec<_>>();
        let (rtp, rtcp) = (0..99)
            .find_map(|_| {
                let rtp = UdpSocket::bind("127.0.0.1:0").ok()?;
                let port = rtp.local_addr().ok()?.port();
                let rtcp = UdpSocket::bind(("127.0.0.1", port.checked_add(1)?)).ok()?;
                Some((Async::new(rtp).ok()?, Async::new(rtcp).ok()?))
            })
            .expect("a pair of ports");
        let mut names = Vec::new();
        for (host, port, address, listener) in &listeners {
            let here = listener.get_ref().local_addr().unwrap().port();
            names.push((format!("connect {host} {port}"), format!("connect {address} {here}")));
            let bracketed = |it: &str| if it.contains(':') { format!("[{it}]") } else { it.to_owned() };
            let (host, address) = (bracketed(host), bracketed(address));
            names.push((format!("//{host}:{port}"), format!("//{address}:{here}")));
            names.push((format!(" {host}:{port},"), format!(" {address}:{here},")));
            if *port == 554 {
                for end in ["/", "?", "\r", " ", "\""] {
                    names.push((format!("//{host}{end}"), format!("//{address}:{here}{end}")));
                    names.push((format!("@{host}{end}"), format!("@{address}:{here}{end}")));
                }
            }
        }
        let port = rtp.get_ref().local_addr().unwrap().port();
        for (there, here) in [("6970", port), ("6971", port + 1), ("7000", port), ("7001", port + 1)] {
            names.push((there.to_owned(), here.to_string()));
        }
        // The client picks its own.
        names.push(("client_port=5000-5001\n".to_owned(), "client_port=*\n".to_owned()));
        let listeners = listeners.into_iter().map(|(_, _, address, listener)| {
            let port = listener.get_ref().local_addr().unwrap().port();
            (format!("connect {address} {port}"), listener)
        });
        Self { listeners: listeners.collect(), rtp, rtcp, names }
    }

    fn rename(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (there, here) in &self.names {
            text = text.replace(there, here);
        }
        // A digest covers the URL, which differs here.
        let lines = text.lines().map(|line| match line.split_once("response=\"") {
            Some((before, _)) if line.starts_with("C: Authorization") => format!("{before}*"),
            _ => line.to_owned(),
        });
        lines.collect::<Vec<_>>().join("\n") + "\n"
    }
}

/// Whether this machine's loopback interface has its IPv6 address.
pub fn has_ipv6() -> bool {
    TcpListener::bind("[::1]:0").is_ok()
}

/// The camera.
struct Camera<'a> {
    sockets: &'a Sockets,
    connection: Option<Async<TcpStream>>,
    received: Vec<u8>,
    last_cseq: String,
    client_port: u16,
    events: Receiver<String>,
    quit: Sender<()>,
    hand: Hand,
}

/// Plays a transcript; an error names the line that differs.
pub fn play(folder: &Path, name: &str) -> Result<(), String> {
    let sockets = Sockets::open();
    let transcript = Transcript::read_with(folder, name, &|text| sockets.rename(text));
    let (clock, hand) = Clock::manual();
    let (target, credentials) = Target::parse(&transcript.url).unwrap();
    let options = Options { transport: transcript.transport, may_change: true, seed: 7 };
    let mut session = Session::new(target, credentials, options, clock.now());
    let (events_in, events) = unbounded();
    let (quit, quitting) = unbounded();
    let mut camera = Camera {
        sockets: &sockets,
        connection: None,
        received: Vec::new(),
        last_cseq: String::new(),
        client_port: 0,
        events,
        quit,
        hand,
    };
    let line = RefCell::new(0);
    let client = async {
        let mut driver = SessionDriver::new(&clock, None);
        let quit = async {
            let _ = quitting.recv().await;
        };
        let end = driver
            .run(&mut session, quit, |_, event| {
                if !matches!(event, Event::Described(_)) {
                    events_in.try_send(describe(&pinhole::rtsp::Output::Event(event))).unwrap();
                }
            })
            .await;
        let end = match end {
            End::Closed => "ended".to_owned(),
            End::Session(Error::Refused(refused)) => format!("refused: {refused}"),
            End::Session(Error::Failed(failed)) => format!("failed: {failed}"),
            End::Network(lost) => format!("lost: {lost}"),
        };
        events_in.try_send(end).unwrap();
        pending().await
    };
    let playing = async {
        for step in &transcript.steps {
            *line.borrow_mut() = step.line;
            camera.step(step).await?;
        }
        Ok(())
    };
    let too_late = async {
        Clock::kernel().sleep(PATIENCE).await;
        Err(format!("nothing comes for {} s", PATIENCE.as_secs()))
    };
    smol::block_on(or(playing, or(client, too_late)))
        .map_err(|error: String| format!("{name}:{}: {error}", line.borrow()))
}

impl Camera<'_> {
    async fn step(&mut self, step: &Step) -> Result<(), String> {
        match &step.what {
            What::Expect(text) if text == "open udp" => {}
            What::Expect(text) => {
                let (_, listener) = self.sockets.listeners.iter().find(|(name, _)| name == text).unwrap();
                self.received.clear();
                self.connection = Some(listener.accept().await.map_err(|it| it.to_string())?.0);
            }
            What::Request(lines) => self.request(lines).await?,
            What::SendInterleaved(channel) => {
                let packet = self.receive(|bytes| {
                    let length = bytes.get(2..4)?;
                    let length = 4 + usize::from(u16::from_be_bytes([length[0], length[1]]));
                    (bytes.len() >= length).then_some(length)
                });
                let packet = packet.await?;
                if !packet.starts_with(&[b'$', *channel]) {
                    return Err(format!("expected a packet on {channel}, got {packet:?}"));
                }
            }
            What::SendDatagram(channel, _) => {
                self.socket(*channel).recv(&mut [0; 2048]).await.map_err(|error| error.to_string())?;
            }
            What::Event(text) => {
                let got = self.events.recv().await.map_err(|error| error.to_string())?;
                if got != *text {
                    return Err(format!("expected {text:?}, got {got:?}"));
                }
            }
            What::Bytes(bytes) => self.send(bytes).await,
            What::Datagram(channel, _, bytes) => {
                let port = self.client_port + u16::from(*channel == UdpChannel::Rtcp);
                let sent = self.socket(*channel).send_to(bytes, ([127, 0, 0, 1], port)).await;
                sent.map_err(|error| error.to_string())?;
            }
            What::Happens(text) => match text.as_str() {
                "closed" => self.connection = None,
                "close" => self.quit.try_send(()).unwrap(),
                _ => {}
            },
            What::Wait(time) => self.wait(*time).await,
            // The replay without sockets checks them.
            What::Counter(..) => {}
        }
        Ok(())
    }

    async fn request(&mut self, expected: &[String]) -> Result<(), String> {
        let end = |bytes: &[u8]| bytes.windows(4).position(|it| it == b"\r\n\r\n").map(|at| at + 4);
        let text = String::from_utf8_lossy(&self.receive(end).await?).into_owned();
        let lines: VecDeque<&str> = text.lines().collect();
        for line in &lines {
            if let Some(cseq) = line.strip_prefix("CSeq: ") {
                cseq.clone_into(&mut self.last_cseq);
            }
            if let Some((_, ports)) = line.split_once("client_port=") {
                self.client_port = ports.split('-').next().and_then(|port| port.parse().ok()).unwrap();
            }
        }
        for wanted in expected {
            let absent = wanted.strip_prefix('!');
            let begin = absent.unwrap_or(wanted);
            let found = lines.iter().any(|line| match begin.strip_suffix('*') {
                Some(begin) => line.starts_with(begin),
                None if absent.is_some() => line.starts_with(begin),
                None => *line == begin,
            });
            if found == absent.is_some() {
                return Err(format!("expected {wanted} in\n{text}"));
            }
        }
        Ok(())
    }

    /// Bytes from the client, as many as `end` returns once they have arrived.
    async fn receive(&mut self, end: impl Fn(&[u8]) -> Option<usize>) -> Result<Vec<u8>, String> {
        loop {
            if let Some(end) = end(&self.received) {
                return Ok(self.received.drain(..end).collect());
            }
            let connection = self.connection.as_mut().ok_or("no connection")?;
            let mut buffer = [0; 4096];
            match connection.read(&mut buffer).await {
                Ok(0) | Err(_) => return Err("the client hung up".to_owned()),
                Ok(bytes) => self.received.extend(&buffer[..bytes]),
            }
        }
    }

    /// Sends bytes; the client may have hung up before.
    async fn send(&mut self, bytes: &[u8]) {
        let placeholder = bytes.windows(7).position(|window| window == b"CSeq: @");
        let bytes = match placeholder {
            Some(at) => [&bytes[..at + 6], self.last_cseq.as_bytes(), &bytes[at + 7..]].concat(),
            None => bytes.to_vec(),
        };
        if let Some(connection) = &mut self.connection {
            let _ = connection.write_all(&bytes).await;
        }
    }

    async fn wait(&mut self, time: Duration) {
        for _ in 0..time.as_millis().div_ceil(TICK.as_millis()) {
            // The client has received everything sent before, and done everything due.
            for _ in 0..50 {
                yield_now().await;
            }
            self.hand.advance(TICK);
        }
    }

    fn socket(&self, channel: UdpChannel) -> &Async<UdpSocket> {
        match channel {
            UdpChannel::Rtp => &self.sockets.rtp,
            UdpChannel::Rtcp => &self.sockets.rtcp,
        }
    }
}
