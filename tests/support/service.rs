//! The real program, started for a test and ended with it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// No test waits this long.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A running `pinhole serve`.
pub struct Service {
    child: Child,
    log: Receiver<String>,
    /// Its address.
    pub address: SocketAddr,
}

impl Service {
    /// Starts the program with these arguments on a free port of the loopback interface.
    pub fn start(arguments: &[&str]) -> Self {
        Self::from_command(
            Command::new(env!("CARGO_BIN_EXE_pinhole"))
                .args(["serve", "--listen", "127.0.0.1:0"])
                .args(arguments),
        )
    }

    /// Starts a prepared command and waits until it reports its address.
    pub fn from_command(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().expect("pinhole starts");
        let stderr = child.stderr.take().expect("its standard error is piped");
        let (sender, log) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let mut service = Self { child, log, address: ([127, 0, 0, 1], 0).into() };
        let line = service.log_line("listening on http://");
        let address = line.split("http://").nth(1).and_then(|it| it.trim_end_matches('/').parse().ok());
        service.address = address.unwrap_or_else(|| panic!("no address in {line:?}"));
        service
    }

    /// The next line of the log that contains `part`.
    pub fn log_line(&self, part: &str) -> String {
        loop {
            match self.log.recv_timeout(PATIENCE) {
                Ok(line) if line.contains(part) => return line,
                Ok(_) => {}
                Err(error) => panic!("no log line with {part:?}: {error}"),
            }
        }
    }

    /// The process's id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A connection to it.
    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).expect("it accepts connections");
        stream.set_read_timeout(Some(PATIENCE)).expect("a read time-out");
        stream
    }

    /// Sends bytes and reads the response until the service closes the connection.
    pub fn exchange(&self, request: &[u8]) -> String {
        let mut stream = self.connect();
        stream.write_all(request).expect("the request is taken");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("the answer ends");
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Sends one request on its own connection; returns status, head and body of the response.
    pub fn request(&self, method: &str, target: &str, headers: &str) -> Answer {
        let mut stream = self.connect();
        write!(stream, "{method} {target} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n{headers}\r\n")
            .expect("taken");
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).expect("the answer ends");
        Answer::parse(&bytes)
    }

    /// The body of a GET as JSON, and its status.
    pub fn json(&self, target: &str) -> (u16, serde_json::Value) {
        let answer = self.request("GET", target, "");
        let value = serde_json::from_slice(&answer.body).unwrap_or_else(|error| panic!("{target}: {error}"));
        (answer.status, value)
    }

    /// Repeats the request until the JSON of `target` meets the condition.
    pub fn until(&self, target: &str, condition: impl Fn(&serde_json::Value) -> bool) -> serde_json::Value {
        let clock = pinhole::clock::Clock::kernel();
        let begin = clock.now();
        // Each request is a round trip; there is no other wait.
        loop {
            let last = self.json(target).1;
            if condition(&last) {
                return last;
            }
            assert!(clock.now().since(begin) < PATIENCE * 2, "{target} never met the condition: {last:#}");
        }
    }

    /// Sends SIGTERM and waits for the end.
    pub fn terminate(mut self) -> ExitStatus {
        let killed = Command::new("kill").arg(self.pid().to_string()).status().expect("kill runs");
        assert!(killed.success());
        self.child.wait().expect("it ends")
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A response.
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    fn parse(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|it| it == b"\r\n\r\n").expect("a head") + 4;
        let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
        let status = head.split(' ').nth(1).and_then(|it| it.parse().ok()).expect("a status");
        Self { status, head, body: bytes[end..].to_vec() }
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}
