//! A strict reader of an MJPEG stream.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

/// One part.
pub struct Part {
    pub timestamp: f64,
    pub jpeg: Vec<u8>,
}

/// A stream that is being read.
pub struct Stream {
    reader: BufReader<TcpStream>,
    pub head: String,
    boundary: String,
}

impl Stream {
    /// Requests a stream and reads the response's head.
    pub fn open(mut stream: TcpStream, target: &str) -> Self {
        write!(stream, "GET {target} HTTP/1.1\r\nHost: test\r\n\r\n").expect("the request is taken");
        let mut stream = Self {
            reader: BufReader::with_capacity(4096, stream),
            head: String::new(),
            boundary: String::new(),
        };
        while !stream.head.ends_with("\r\n\r\n") {
            let line = stream.line();
            stream.head.push_str(&line);
        }
        assert!(stream.head.starts_with("HTTP/1.1 200 "), "{}", stream.head);
        let named =
            stream.head.split("multipart/x-mixed-replace; boundary=").nth(1).and_then(|it| it.lines().next());
        stream.boundary = named.unwrap_or_else(|| panic!("a boundary in {}", stream.head)).to_owned();
        stream
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.reader.read_line(&mut line).expect("a line");
        assert!(line.ends_with("\r\n"), "a line ends in CRLF: {line:?}");
        line
    }

    /// The next part, which must conform exactly.
    pub fn part(&mut self) -> Part {
        assert_eq!(self.line(), format!("--{}\r\n", self.boundary));
        assert_eq!(self.line(), "Content-Type: image/jpeg\r\n");
        let header = |line: String, name: &str| {
            line.strip_prefix(name).unwrap_or_else(|| panic!("{name} in {line:?}")).trim().to_owned()
        };
        let length = header(self.line(), "Content-Length: ").parse().expect("a length");
        let timestamp = header(self.line(), "X-Timestamp: ").parse().expect("a time");
        assert_eq!(self.line(), "\r\n");
        let mut jpeg = vec![0; length];
        self.reader.read_exact(&mut jpeg).expect("the whole JPEG");
        assert!(jpeg.starts_with(&[0xff, 0xd8]) && jpeg.ends_with(&[0xff, 0xd9]), "SOI to EOI");
        assert_eq!(self.line(), "\r\n");
        Part { timestamp, jpeg }
    }

    /// The separator of the parts.
    pub fn boundary(&self) -> &str {
        &self.boundary
    }

    /// The next part; `None` if the stream is over.
    pub fn try_part(&mut self) -> Option<Part> {
        (!self.reader.fill_buf().ok()?.is_empty()).then(|| self.part())
    }

    /// The socket, to hang up with.
    pub fn socket(&self) -> TcpStream {
        self.reader.get_ref().try_clone().expect("another handle")
    }

    /// Bytes already in the reader, without another read: those that came with the last part.
    pub fn buffered(&self) -> &[u8] {
        self.reader.buffer()
    }

    /// Everything up to the end of the stream.
    pub fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        self.reader.read_to_end(&mut rest).expect("it ends");
        rest
    }

    /// True when the service has ended the stream.
    pub fn is_ended(&mut self) -> bool {
        let mut rest = Vec::new();
        self.reader.read_to_end(&mut rest).is_ok()
    }
}
