//! The cost of one more viewer, as a ratio to the floor: a bare loop that sends one shared frame to every
//! viewer by `writev` and does nothing else.
//!
//! `cargo bench --bench fanout`: both run as separate processes, alternate, and are charged for each frame
//! that a viewer got, less their cost with a single viewer, so that drawing the test card is not counted.
//! Linux on loopback charges the sender with receiving too, equally for both.

use std::io::{ErrorKind, IoSlice, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const FPS: u32 = 30;
const VIEWERS: [usize; 3] = [10, 50, 200];
const ROUNDS: usize = 5;
const WARM_UP: Duration = Duration::from_secs(1);
const WINDOW: Duration = Duration::from_secs(2);

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|it| it == "--floor") {
        floor(arguments[at + 1].parse().expect("bytes of a frame"));
    }
    let bytes = frame_bytes();
    println!("{} kB at {FPS} fps, medians of {ROUNDS} rounds, us per further frame", bytes / 1000);
    println!("{:8} {:>8} {:>8} {:>8}", "viewers", "floor", "pinhole", "ratio");
    let mut floor: [Vec<f64>; VIEWERS.len()] = Default::default();
    let mut pinhole: [Vec<f64>; VIEWERS.len()] = Default::default();
    for _ in 0..ROUNDS {
        for (costs, server) in
            [(&mut floor, Server::floor as fn(usize) -> Server), (&mut pinhole, |_| Server::pinhole())]
        {
            let costs_now = server(bytes).costs(bytes);
            costs.iter_mut().zip(costs_now).for_each(|(costs, now)| costs.push(now));
        }
    }
    for ((viewers, floor), pinhole) in VIEWERS.iter().zip(floor).zip(pinhole) {
        let (floor, pinhole) = (median(floor), median(pinhole));
        println!("{viewers:<8} {floor:>8.1} {pinhole:>8.1} {:>8.2}", pinhole / floor);
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A server in its own process.
struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    fn floor(bytes: usize) -> Self {
        let program = std::env::current_exe().expect("this program");
        let mut child = Command::new(program)
            .args(["--floor", &bytes.to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let address = address_in(child.stdout.as_mut().expect("piped"));
        Self { child, address }
    }

    fn pinhole() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_pinhole"))
            .args(["serve", "--listen", "127.0.0.1:0", "--size", "1280x720", "--quality", "100"])
            .args(["--fps", &FPS.to_string(), "test:"])
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let address = address_in(child.stderr.as_mut().expect("piped"));
        Self { child, address }
    }

    /// Microseconds of processor time per frame for the second and further viewers, for every number of
    /// viewers.
    fn costs(&self, bytes: usize) -> [f64; VIEWERS.len()] {
        let one = self.measure(1, bytes);
        VIEWERS.map(|viewers| {
            let many = self.measure(viewers, bytes);
            (many.0 - one.0) / (many.1 - one.1)
        })
    }

    /// Microseconds of processor time, and frames delivered, in one window.
    fn measure(&self, viewers: usize, bytes: usize) -> (f64, f64) {
        let viewers: Vec<_> = (0..viewers).map(|_| Viewer::connect(self.address)).collect();
        let poller: Vec<_> = viewers.iter().map(|viewer| &viewer.0).collect();
        receive(&poller, WARM_UP);
        let before = self.processor_us();
        let received = receive(&poller, WINDOW);
        (self.processor_us() - before, received as f64 / bytes as f64)
    }

    fn processor_us(&self) -> f64 {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).expect("it runs").flatten();
        let nanoseconds = |text: String| text.split(' ').next().and_then(|it| it.parse::<f64>().ok());
        tasks
            .filter_map(|task| nanoseconds(std::fs::read_to_string(task.path().join("schedstat")).ok()?))
            .sum::<f64>()
            / 1e3
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The address in the first line that contains one.
fn address_in(output: &mut impl Read) -> SocketAddr {
    let mut text = String::new();
    let mut byte = [0];
    while output.read_exact(&mut byte).is_ok() {
        if byte[0] != b'\n' {
            text.push(byte[0].into());
        } else if let Some((_, address)) = text.split_once("http://") {
            return address.trim_end_matches('/').parse().expect("an address");
        } else {
            text.clear();
        }
    }
    panic!("the server did not say where it listens");
}

struct Viewer(TcpStream);

impl Viewer {
    fn connect(address: SocketAddr) -> Self {
        let mut stream = TcpStream::connect(address).expect("it accepts");
        stream.write_all(b"GET /stream HTTP/1.1\r\nHost: bench\r\n\r\n").expect("taken");
        stream.set_nonblocking(true).expect("set");
        Self(stream)
    }
}

/// Reads all data that arrives within a time; returns the number of bytes.
#[allow(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn receive(streams: &[&TcpStream], time: Duration) -> usize {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let end = Instant::now() + time;
    let mut buffer = vec![0; 1 << 18];
    let mut received = 0;
    while let Some(left) = end.checked_duration_since(Instant::now()) {
        let mut fds: Vec<_> = streams.iter().map(|stream| PollFd::new(stream, PollFlags::IN)).collect();
        let timeout = Timespec::try_from(left).expect("seconds");
        poll(&mut fds, Some(&timeout)).expect("poll");
        let ready: Vec<bool> = fds.iter().map(|fd| !fd.revents().is_empty()).collect();
        for (mut stream, _) in streams.iter().copied().zip(ready).filter(|(_, ready)| *ready) {
            match stream.read(&mut buffer) {
                Ok(bytes) => received += bytes,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => panic!("a viewer was dropped: {error}"),
            }
        }
    }
    received
}

/// The size of the frames from pinhole.
fn frame_bytes() -> usize {
    let server = Server::pinhole();
    let mut stream = TcpStream::connect(server.address).expect("it accepts");
    stream.write_all(b"GET /snapshot HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n").expect("taken");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    let head = answer.windows(4).position(|it| it == b"\r\n\r\n").expect("a head") + 4;
    answer.len() - head
}

/// Sends one frame of `bytes` bytes to every viewer, `FPS` times a second. Does not return.
#[allow(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn floor(bytes: usize) -> ! {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.set_nonblocking(true).expect("set");
    println!("http://{}/", listener.local_addr().expect("an address"));
    let head = format!("--b\r\nContent-Type: image/jpeg\r\nContent-Length: {bytes}\r\n\r\n");
    let body = vec![0_u8; bytes];
    let mut viewers: Vec<(TcpStream, usize)> = Vec::new();
    let whole = head.len() + body.len();
    let mut due = Instant::now();
    loop {
        while let Ok((mut stream, _)) = listener.accept() {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
            stream.set_nonblocking(true).expect("set");
            stream.set_nodelay(true).expect("set");
            viewers.push((stream, whole));
        }
        let is_due = Instant::now() >= due;
        if is_due {
            due += Duration::from_secs(1) / FPS;
        }
        viewers.retain_mut(|(stream, sent)| {
            if is_due && *sent == whole {
                *sent = 0;
            }
            *sent == whole || send(stream, &head, &body, sent)
        });
        let is_busy = viewers.iter().any(|(_, sent)| *sent < whole);
        let rest = due.saturating_duration_since(Instant::now());
        std::thread::sleep(if is_busy { rest.min(Duration::from_millis(1)) } else { rest });
    }
}

/// Sends as much of the frame as the kernel accepts; false if the viewer is gone.
fn send(stream: &mut TcpStream, head: &str, body: &[u8], sent: &mut usize) -> bool {
    let of_head = (*sent).min(head.len());
    let parts = [IoSlice::new(&head.as_bytes()[of_head..]), IoSlice::new(&body[*sent - of_head..])];
    match stream.write_vectored(&parts) {
        Ok(bytes) => {
            *sent += bytes;
            true
        }
        Err(error) => error.kind() == ErrorKind::WouldBlock,
    }
}
