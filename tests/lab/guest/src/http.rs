//! A strict viewer: a multipart reader by RFC 2046 and Content-Length.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::wait::{PATIENCE, Stopwatch};
use crate::{Outcome, ensure};

/// A stream must give a part, picture or card, within this time.
const PART_WAIT_MAX: Duration = Duration::from_secs(30);
const HEAD_LINES_MAX: usize = 64;
const PART_MAX_BYTES: usize = 32 << 20;

/// A complete response.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// GET with the body read to its end.
pub fn get(address: SocketAddr, path: &str) -> Result<Answer, String> {
    answer(request(address, path)?, path)
}

/// PATCH with this body.
pub fn patch(address: SocketAddr, path: &str, body: &str) -> Result<Answer, String> {
    let connect = || {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PART_WAIT_MAX))?;
        let length = body.len();
        write!(stream, "PATCH {path} HTTP/1.1\r\nHost: lab\r\nContent-Length: {length}\r\n\r\n{body}")?;
        Ok(stream)
    };
    let stream = connect().map_err(|error: std::io::Error| format!("PATCH {path}: {error}"))?;
    answer(BufReader::new(stream), path)
}

fn answer(mut reader: BufReader<TcpStream>, path: &str) -> Result<Answer, String> {
    let head = Head::read(&mut reader)?;
    let mut body = Vec::new();
    let read = match head.field("content-length").map(str::parse::<usize>) {
        Some(Ok(length)) if length <= PART_MAX_BYTES => {
            body.resize(length, 0);
            reader.read_exact(&mut body)
        }
        Some(_) => return Err(format!("{path}: bad Content-Length")),
        None => reader.read_to_end(&mut body).map(drop),
    };
    read.map_err(|error| format!("{path}: body: {error}"))?;
    Ok(Answer { status: head.status, body })
}

fn request(address: SocketAddr, path: &str) -> Result<BufReader<TcpStream>, String> {
    let connect = || {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PART_WAIT_MAX))?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: lab\r\nAccept: */*\r\nConnection: close\r\n\r\n")?;
        Ok(stream)
    };
    let stream = connect().map_err(|error: std::io::Error| format!("GET {path}: {error}"))?;
    Ok(BufReader::with_capacity(1 << 16, stream))
}

/// A status line and fields.
struct Head {
    status: u16,
    fields: Vec<(String, String)>,
}

impl Head {
    fn read(reader: &mut impl BufRead) -> Result<Head, String> {
        let line = read_line(reader)?;
        let status =
            line.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5)).and_then(|code| code.parse().ok());
        let status = status.ok_or_else(|| format!("not a status line: {line:?}"))?;
        Ok(Head { status, fields: read_fields(reader)? })
    }

    fn field(&self, name: &str) -> Option<&str> {
        field(&self.fields, name)
    }
}

fn field<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

fn read_fields(reader: &mut impl BufRead) -> Result<Vec<(String, String)>, String> {
    let mut fields = Vec::new();
    for _ in 0..HEAD_LINES_MAX {
        let line = read_line(reader)?;
        if line.is_empty() {
            return Ok(fields);
        }
        let (name, value) = line.split_once(':').ok_or_else(|| format!("not a header field: {line:?}"))?;
        fields.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
    }
    Err(format!("more than {HEAD_LINES_MAX} header fields"))
}

/// One line without its CRLF, which is required.
fn read_line(reader: &mut impl BufRead) -> Result<String, String> {
    const LINE_MAX_BYTES: u64 = 8 << 10;
    let mut line = Vec::new();
    reader
        .take(LINE_MAX_BYTES)
        .read_until(b'\n', &mut line)
        .map_err(|error| format!("cannot read: {error}"))?;
    if line.is_empty() {
        return Err("the server closed the connection".into());
    }
    let text = line.strip_suffix(b"\r\n").ok_or_else(|| format!("no CRLF after {:?}", lossy(&line)))?;
    Ok(lossy(text))
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(120)]).into_owned()
}

/// A viewer of a stream.
pub struct Viewer {
    reader: BufReader<TcpStream>,
    delimiter: String,
}

impl Viewer {
    /// Opens a stream.
    pub fn open(address: SocketAddr, path: &str) -> Outcome<Viewer> {
        let mut reader = request(address, path)?;
        let head = Head::read(&mut reader)?;
        let content_type = head.field("content-type").unwrap_or_default();
        ensure!(head.status == 200, "GET {path}: status {}", head.status);
        ensure!(
            head.field("transfer-encoding").is_none(),
            "GET {path}: a stream in chunks is not shown by <img>"
        );
        let boundary = content_type
            .strip_prefix("multipart/x-mixed-replace")
            .and_then(|rest| rest.split_once("boundary="))
            .map(|(_, boundary)| boundary.trim_matches('"'))
            .ok_or_else(|| format!("GET {path}: Content-Type {content_type:?}"))?;
        Ok(Viewer { delimiter: format!("--{boundary}"), reader })
    }

    /// The next JPEG, exactly as long as its part says.
    pub fn next(&mut self) -> Result<Vec<u8>, String> {
        let mut line = read_line(&mut self.reader)?;
        if line.is_empty() {
            line = read_line(&mut self.reader)?;
        }
        if line != self.delimiter {
            return Err(format!("expected {:?}, got {line:?}", self.delimiter));
        }
        let fields = read_fields(&mut self.reader)?;
        if field(&fields, "content-type") != Some("image/jpeg") {
            return Err(format!("a part that is no JPEG: {fields:?}"));
        }
        let timestamp = field(&fields, "x-timestamp").and_then(|time| time.parse::<f64>().ok());
        timestamp.ok_or_else(|| format!("a part without X-Timestamp: {fields:?}"))?;
        let length = field(&fields, "content-length").and_then(|length| length.parse().ok());
        let length: usize = length.ok_or_else(|| format!("a part without Content-Length: {fields:?}"))?;
        if length > PART_MAX_BYTES {
            return Err(format!("a part of {length} bytes"));
        }
        let mut jpeg = vec![0; length];
        self.reader.read_exact(&mut jpeg).map_err(|error| format!("a part of {length} bytes: {error}"))?;
        Ok(jpeg)
    }

    /// Reads until a wanted JPEG comes. A stream that breaks is an error at once.
    pub fn wait_for(&mut self, what: &str, wanted: impl Fn(&[u8]) -> bool) -> Outcome<Vec<u8>> {
        let watch = Stopwatch::start();
        let mut unwanted = 0;
        loop {
            let jpeg = self.next()?;
            if wanted(&jpeg) {
                return Ok(jpeg);
            }
            unwanted += 1;
            ensure!(!watch.exceeds(PATIENCE), "waited for {what}, got {unwanted} other parts");
        }
    }

    /// Reads until the server ends the stream; true if it did so in time.
    pub fn drain(mut self) -> bool {
        std::io::copy(&mut self.reader, &mut std::io::sink()).is_ok()
    }
}
