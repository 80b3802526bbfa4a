//! No client or camera may harm the others: the real program under attack.

#[path = "support/mjpeg_camera.rs"]
mod mjpeg_camera;
#[allow(dead_code)] // Other tests use the rest.
#[path = "support/service.rs"]
mod service;
#[allow(dead_code)] // Other tests use the rest.
#[path = "support/stream.rs"]
mod stream;
#[path = "support/wait.rs"]
mod wait;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use mjpeg_camera::{Camera, numbered, padded};
use service::{PATIENCE, Service};
use socket2::{Domain, Socket, Type};
use stream::Stream;
use wait::until;

/// A client that sends without a pause, and reads the responses.
struct Attacker {
    socket: TcpStream,
    answered: Arc<AtomicU64>,
    threads: Vec<JoinHandle<()>>,
}

impl Attacker {
    fn start(service: &Service, bytes: &str) -> Self {
        let socket = service.connect();
        socket.set_read_timeout(None).expect("no time-out");
        let many = bytes.repeat((64 << 10) / bytes.len());
        let answered = Arc::new(AtomicU64::new(0));
        let (mut requests, mut answers) =
            (socket.try_clone().expect("a handle"), socket.try_clone().expect("a handle"));
        let count = answered.clone();
        let threads = vec![
            std::thread::spawn(move || while requests.write_all(many.as_bytes()).is_ok() {}),
            std::thread::spawn(move || {
                let mut buffer = vec![0; 64 << 10];
                while let Ok(read @ 1..) = answers.read(&mut buffer) {
                    count.fetch_add(read as u64, Ordering::Relaxed);
                }
            }),
        ];
        Self { socket, answered, threads }
    }

    fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }
}

impl Drop for Attacker {
    fn drop(&mut self) {
        let _ = self.socket.shutdown(Shutdown::Both);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n")
}

/// Sends a request and reads the response, on a connection that stays open.
fn ask(connection: &mut TcpStream) {
    connection.write_all(get("/health").as_bytes()).expect("taken");
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let read = connection.read(&mut buffer).expect("an answer");
        assert!(read > 0, "the connection is kept");
        answer.extend(&buffer[..read]);
        let text = String::from_utf8_lossy(&answer);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("a length");
        if body.len() == length.parse::<usize>().expect("a number") {
            return assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        }
    }
}

/// Issue 10, number 1. Reads and writes that succeed at once do not suspend their task: such a client had the
/// whole service to itself for as long as it continued.
#[test]
fn clients_that_never_pause_delay_no_other_client() {
    let folder = std::env::temp_dir().join(format!("pinhole-fair-{}", std::process::id()));
    let notify = UnixDatagram::bind(&folder).expect("a notify socket");
    notify.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    let mut command = Command::new(env!("CARGO_BIN_EXE_pinhole"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--size", "320x240", "--fps", "30", "test:"]);
    command.env("NOTIFY_SOCKET", &folder).env("WATCHDOG_USEC", "200000");
    let service = Service::from_command(&mut command);
    let is_fed = || {
        let mut buffer = [0; 256];
        let bytes = notify.recv(&mut buffer).expect("a notification");
        buffer[..bytes].starts_with(b"WATCHDOG=1")
    };

    let mut viewer = Stream::open(service.connect(), "/stream");
    let mut poller = service.connect();
    ask(&mut poller);
    let attacks = ["/health", "/health", "/health", "/", "/metrics", "/api/cameras", "/nothing"].map(get);
    let attackers: Vec<_> =
        (0..32).map(|number| Attacker::start(&service, &attacks[number % attacks.len()])).collect();
    // An empty line before a request is ignored; here no request ever comes.
    let empty_lines = Attacker::start(&service, "\r\n");
    let progress = |than: &[u64]| {
        let answered: Vec<u64> = attackers.iter().map(Attacker::answered).collect();
        answered.iter().zip(than).all(|(now, before)| now > before).then_some(answered)
    };
    let before = until("each attacker is answered too", PATIENCE, || progress(&[0; 32]));

    for _ in 0..20 {
        // All but the first are sent after the attack began: without turns, none would ever be answered.
        ask(&mut poller);
        assert_eq!(service.request("GET", "/health", "").status, 200);
        viewer.part();
    }
    for _ in 0..10 {
        while !is_fed() {}
    }
    until("the attack went on meanwhile", PATIENCE, || progress(&before));

    assert_eq!(service.terminate().code(), Some(0), "SIGTERM ends it in the middle of the attack");
    drop((attackers, empty_lines));
    let _ = std::fs::remove_file(folder);
}

/// The opposite end: the serving thread also reads from cameras.
#[test]
fn a_camera_that_never_pauses_delays_no_client() {
    let camera = Camera::start();
    let service = Service::start(&[&camera.url, "test:"]);
    let mut viewer = Stream::open(service.connect(), "/cameras/test/stream");
    let mut watched = Stream::open(service.connect(), "/stream");
    camera.send_without_end(&numbered(7));
    let frames =
        |health: &serde_json::Value| health["cameras"][0]["frames_total"].as_u64().expect("a number");
    let begin = frames(&service.until("/health", |health| frames(health) > 1000));
    let mut poller = service.connect();
    for _ in 0..20 {
        ask(&mut poller);
        viewer.part();
    }
    watched.part();
    service.until("/health", |health| frames(health) > begin);
    assert_eq!(service.terminate().code(), Some(0));
}

/// A client that requests a resource and reads hardly any of it.
fn slow_client(service: &Service, target: &str) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    // Little of a picture fits into the kernel's buffer on this side.
    socket.set_recv_buffer_size(16 << 10).expect("a small buffer");
    socket.connect(&service.address.into()).expect("it accepts connections");
    let mut stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    stream.write_all(get(target).as_bytes()).expect("taken");
    stream
}

/// Issue 10, number 4: each slow client held a different picture of 6 MB, or a copy of one.
#[test]
fn slow_clients_do_not_fill_the_memory() {
    const PICTURE: usize = 6 << 20;
    const CLIENTS: usize = 40;
    /// The limit for all slow clients together, and as much again for the service itself, the newest pictures
    /// and spare buffers.
    const RESIDENT_MAX: u64 = (2 * 64) << 20;
    for target in ["/stream", "/snapshot"] {
        let camera = Camera::start();
        let service = Service::start(&[&camera.url]);
        let mut clients = Vec::new();
        // Keeps the camera open.
        let mut ordinary = service.connect();
        ordinary.write_all(get("/stream").as_bytes()).expect("taken");
        std::thread::spawn(move || while let Ok(1..) = ordinary.read(&mut vec![0; 1 << 20]) {});
        let viewers = |health: &serde_json::Value| health["cameras"][0]["viewers"].as_u64();
        service.until("/health", |health| viewers(health) == Some(1));
        camera.send(&padded(&numbered(255), PICTURE));
        for number in 0..CLIENTS {
            let mut client = slow_client(&service, target);
            if target == "/snapshot" {
                service.until("/health", |health| viewers(health) == Some(2));
            }
            // A separate picture for each client, of which it reads the beginning.
            camera.send(&padded(&numbered(number as u8), PICTURE));
            let mut beginning = vec![0; 64 << 10];
            client.read_exact(&mut beginning).expect("a picture begins");
            clients.push(client);
        }
        let health = service
            .until("/health", |health| health["system"]["resident_bytes"].as_u64().is_some_and(|it| it > 0));
        let resident = health["system"]["resident_bytes"].as_u64().expect("a number");
        println!("{target}: {CLIENTS} slow clients, {} MiB resident", resident >> 20);
        assert!(resident < RESIDENT_MAX, "{target}: {} MiB", resident >> 20);
        assert_eq!(service.request("GET", "/api/cameras", "").status, 200);
        assert_eq!(service.terminate().code(), Some(0));
    }
}

/// The other side of the limit: a slow client gets a small picture, complete.
#[test]
fn a_slow_viewer_gets_whole_pictures() {
    let camera = Camera::start();
    let service = Service::start(&[&camera.url]);
    let mut client = slow_client(&service, "/stream");
    let picture = padded(&numbered(3), 300 << 10);
    service.until("/health", |health| health["cameras"][0]["viewers"] == 1);
    camera.send(&picture);
    let mut received: Vec<u8> = Vec::new();
    let mut buffer = [0; 1000];

    while !received.windows(picture.len().min(received.len() + 1)).any(|it| it == picture) {
        let read = client.read(&mut buffer).expect("it goes on");
        assert!(read > 0, "the stream goes on");
        received.extend(&buffer[..read]);
    }
}
