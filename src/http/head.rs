//! Reads a request's head: bounded, timed, and put into the one form that async-h1 takes.
//!
//! `async_h1::server::decode` alone would read a line without end, refuses HTTP/1.0, panics on header
//! values that are not ASCII, and starts threads of its own for `Expect: 100-continue`. So the head
//! is read here, checked, and handed over rewritten: HTTP/1.1, a host, and the headers that matter.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_lite::future::or;
use futures_lite::io::{AsyncRead, AsyncWrite};
use http_types::{Method, StatusCode};

use super::controls::BODY_MAX_BYTES;
use super::password;
use super::socket::Socket;
use crate::auth::Credentials;
use crate::clock::{Clock, Monotonic};
use crate::limits;

/// Headers handed on; others do not matter to any answer.
const HEADERS: [&str; 5] = ["accept", "authorization", "connection", "content-length", "transfer-encoding"];

/// A request, without its body.
#[derive(Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The path, from `/`, percent-encoded as it came.
    pub path: String,
    /// The query, without its `?`.
    pub query: String,
    /// The value of `Accept`.
    pub accept: String,
    /// User name and password.
    pub credentials: Option<Credentials>,
    /// Bytes of its body, where a length is named.
    pub body_bytes: Option<usize>,
    /// Whether the connection may be used again.
    pub keep_alive: bool,
    /// When its first byte came.
    pub arrived: Monotonic,
}

/// Why there is no request.
#[derive(Debug)]
pub enum NoRequest {
    /// The client closed the connection, or let it rest too long.
    Closed,
    /// The client is to be told so.
    Refused(StatusCode, String),
}

impl From<io::Error> for NoRequest {
    fn from(_: io::Error) -> Self {
        Self::Closed
    }
}

fn bad(what: impl Into<String>) -> NoRequest {
    NoRequest::Refused(StatusCode::BadRequest, what.into())
}

/// Reads the heads of one connection's requests.
#[derive(Debug, Default)]
pub struct HeadReader {
    /// Bytes read and not yet part of a request: a client may send the next one early.
    ahead: Vec<u8>,
}

impl HeadReader {
    /// The next request.
    pub async fn next(&mut self, socket: &Socket, clock: &Clock) -> Result<Request, NoRequest> {
        if self.ahead.is_empty() {
            or(self.read_more(socket), async {
                clock.sleep(limits::KEEP_ALIVE).await;
                Err(NoRequest::Closed)
            })
            .await?;
        }
        let arrived = clock.now();
        let end = or(self.read_head(socket), async {
            clock.sleep(limits::REQUEST_HEAD_TIME_MAX).await;
            let seconds = limits::REQUEST_HEAD_TIME_MAX.as_secs();
            let what = format!("the request's head did not come whole within {seconds} s");
            Err(NoRequest::Refused(StatusCode::RequestTimeout, what))
        })
        .await?;
        let head: Vec<u8> = self.ahead.drain(..end).collect();
        decode(&head, arrived).await
    }

    /// Reads until the empty line; its end.
    async fn read_head(&mut self, socket: &Socket) -> Result<usize, NoRequest> {
        loop {
            // An empty line before a request is to be ignored (RFC 9112, 2.2).
            while self.ahead.starts_with(b"\r\n") {
                self.ahead.drain(..2);
            }
            if let Some(end) = head_end(&self.ahead) {
                return Ok(end);
            }
            if self.ahead.len() >= limits::REQUEST_HEAD_MAX_BYTES {
                let what =
                    format!("the request's head is longer than {} bytes", limits::REQUEST_HEAD_MAX_BYTES);
                return Err(NoRequest::Refused(StatusCode::RequestHeaderFieldsTooLarge, what));
            }
            self.read_more(socket).await?;
        }
    }

    /// The body of the request whose head came last.
    pub async fn body(
        &mut self,
        socket: &Socket,
        clock: &Clock,
        request: &Request,
    ) -> Result<Vec<u8>, NoRequest> {
        let Some(bytes) = request.body_bytes else {
            let what = "the request has no Content-Length".to_owned();
            return Err(NoRequest::Refused(StatusCode::LengthRequired, what));
        };
        if bytes > BODY_MAX_BYTES {
            let what = format!("the request's body is longer than {BODY_MAX_BYTES} bytes");
            return Err(NoRequest::Refused(StatusCode::PayloadTooLarge, what));
        }
        let reading = async {
            while self.ahead.len() < bytes {
                self.read_more(socket).await?;
            }
            Ok(())
        };
        or(reading, async {
            clock.sleep(limits::REQUEST_HEAD_TIME_MAX).await;
            let what = "the request's body did not come whole in time".to_owned();
            Err(NoRequest::Refused(StatusCode::RequestTimeout, what))
        })
        .await?;
        Ok(self.ahead.drain(..bytes).collect())
    }

    async fn read_more(&mut self, socket: &Socket) -> Result<(), NoRequest> {
        let mut buffer = [0; 1024];
        match socket.read(&mut buffer).await? {
            0 => Err(NoRequest::Closed),
            bytes => {
                self.ahead.extend_from_slice(&buffer[..bytes]);
                Ok(())
            }
        }
    }
}

/// Where a head ends: behind the first empty line. Lines may end in LF alone (RFC 9112, 2.2).
fn head_end(bytes: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'\n', bytes).find_map(|at| match &bytes[at + 1..] {
        [b'\n', ..] => Some(at + 2),
        [b'\r', b'\n', ..] => Some(at + 3),
        _ => None,
    })
}

pub(super) async fn decode(head: &[u8], arrived: Monotonic) -> Result<Request, NoRequest> {
    let rewritten = rewrite(head)?;
    let decoded = async_h1::server::decode(Memory::new(rewritten.bytes)).await;
    let request = match decoded {
        Ok(Some((request, _body))) => request,
        Ok(None) => return Err(bad("the request ends early")),
        Err(error) => return Err(bad(format!("not a request: {error}"))),
    };
    let header = |name: &str| request.header(name).map_or("", |values| values.as_str());
    let has_body = !matches!(header("content-length"), "" | "0") || !header("transfer-encoding").is_empty();
    let connection = header("connection").to_ascii_lowercase();
    let named = |option: &str| connection.split(',').any(|part| part.trim() == option);
    // Hardly anything takes a body; one that is not read must not be taken for the next request.
    let keep_alive = !has_body && if rewritten.is_http_1_0 { named("keep-alive") } else { !named("close") };
    Ok(Request {
        method: request.method(),
        path: request.url().path().to_owned(),
        query: request.url().query().unwrap_or_default().to_owned(),
        accept: header("accept").to_owned(),
        body_bytes: header("content-length").parse().ok(),
        credentials: password::basic(header("authorization")),
        keep_alive,
        arrived,
    })
}

struct Rewritten {
    bytes: Vec<u8>,
    is_http_1_0: bool,
}

/// The head as async-h1 wants it.
fn rewrite(head: &[u8]) -> Result<Rewritten, NoRequest> {
    let mut lines = head.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let first = lines.next().and_then(|line| std::str::from_utf8(line).ok());
    let mut words = first.ok_or_else(|| bad("the request line is not text"))?.split(' ');
    let (Some(method), Some(target), Some(version), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(bad("the request line is not METHOD TARGET VERSION"));
    };
    let is_http_1_0 = match version {
        "HTTP/1.1" => false,
        "HTTP/1.0" => true,
        version if version.starts_with("HTTP/") => {
            return Err(NoRequest::Refused(
                StatusCode::HttpVersionNotSupported,
                "HTTP/1.0 and HTTP/1.1 are spoken here".to_owned(),
            ));
        }
        _ => return Err(bad("the request line does not end in HTTP/1.1")),
    };
    if method.parse::<Method>().is_err() {
        return Err(NoRequest::Refused(StatusCode::MethodNotAllowed, "no such method".to_owned()));
    }
    let mut bytes = format!("{method} {} HTTP/1.1\r\nhost: pinhole\r\n", origin_form(target)?).into_bytes();
    let mut has_host = is_http_1_0;
    for line in lines.filter(|line| !line.is_empty()) {
        let (name, value) = header(line)?;
        has_host |= name == "host";
        if HEADERS.contains(&name.as_str()) {
            bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
    }
    if !has_host {
        return Err(bad("the header Host is missing"));
    }
    bytes.extend_from_slice(b"\r\n");
    Ok(Rewritten { bytes, is_http_1_0 })
}

/// A request's target as a path: proxies may send the absolute form (RFC 9112, 3.2).
fn origin_form(target: &str) -> Result<&str, NoRequest> {
    let path = match target.strip_prefix("http://").or_else(|| target.strip_prefix("https://")) {
        Some(rest) => rest.find('/').map_or("/", |at| &rest[at..]),
        None => target,
    };
    if path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(path)
    } else {
        Err(bad("the request's target is not a path"))
    }
}

fn header(line: &[u8]) -> Result<(String, String), NoRequest> {
    let line = String::from_utf8_lossy(line);
    let (name, value) = line.split_once(':').ok_or_else(|| bad("a header line has no colon"))?;
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_token) {
        return Err(bad("a header's name is not a token"));
    }
    let value: String = value.trim().chars().filter(|c| (' '..='~').contains(c)).collect();
    Ok((name.to_ascii_lowercase(), value))
}

/// A head in memory, as the connection that async-h1 decodes from. What it writes is lost; it writes
/// only to clients that expect `100 Continue`, and is never told of these.
#[derive(Debug, Clone)]
struct Memory {
    bytes: std::sync::Arc<[u8]>,
    at: usize,
}

impl Memory {
    fn new(bytes: Vec<u8>) -> Self {
        Self { bytes: bytes.into(), at: 0 }
    }
}

impl AsyncRead for Memory {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let left = &self.bytes[self.at..];
        let bytes = left.len().min(buffer.len());
        buffer[..bytes].copy_from_slice(&left[..bytes]);
        self.at += bytes;
        Poll::Ready(Ok(bytes))
    }
}

impl AsyncWrite for Memory {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(buffer.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(head: &[u8]) -> Result<Request, NoRequest> {
        smol::block_on(decode(head, Clock::manual().0.now()))
    }

    fn refused(head: &[u8]) -> u16 {
        match request(head) {
            Err(NoRequest::Refused(status, _)) => status.into(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn requests_of_all_sorts_of_clients() {
        let get = request(b"GET /?action=stream&x=1 HTTP/1.1\r\nHost: pi:8080\r\nAccept: text/html\r\n\r\n")
            .unwrap();
        assert_eq!(
            (get.method, get.path.as_str(), get.query.as_str()),
            (Method::Get, "/", "action=stream&x=1")
        );
        assert_eq!((get.accept.as_str(), get.keep_alive), ("text/html", true));
        let old = request(b"GET /stream HTTP/1.0\n\n").unwrap();
        assert!(!old.keep_alive, "HTTP/1.0 closes unless it says otherwise");
        assert!(request(b"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").unwrap().keep_alive);
        assert!(!request(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n").unwrap().keep_alive);
        let proxied = request(b"GET http://pi/snapshot HTTP/1.1\r\nHost: pi\r\n\r\n").unwrap();
        assert_eq!(proxied.path, "/snapshot");
        let body =
            request(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
                .unwrap();
        assert!(!body.keep_alive, "a body that is not read must not be taken for a request");
        assert!(request("GET / HTTP/1.1\r\nHost: a\r\nCookie: größe\r\nX-Ü: 1\r\n\r\n".as_bytes()).is_err());
        assert!(request("GET / HTTP/1.1\r\nHost: ö\r\nAccept: ö\r\n\r\n".as_bytes()).is_ok());
    }

    #[test]
    fn what_is_no_request_is_refused_with_its_status() {
        assert_eq!(refused(b"GET / HTTP/1.1\r\n\r\n"), 400);
        assert_eq!(refused(b"GET / HTTP/2.0\r\nHost: a\r\n\r\n"), 505);
        assert_eq!(refused(b"FROB / HTTP/1.1\r\nHost: a\r\n\r\n"), 405);
        assert_eq!(refused(b"GET * HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
        assert_eq!(refused(b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
        assert_eq!(refused(b"GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n"), 400);
        assert_eq!(refused(b"\x16\x03\x01\x02\x00\x01\n\n"), 400);
        let both = b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert_eq!(refused(both), 400, "request smuggling");
    }

    #[test]
    fn no_bytes_panic() {
        let valid =
            b"GET /cameras/a/stream?fps=2 HTTP/1.1\r\nHost: pi\r\nAccept: */*\r\nConnection: close\r\n\r\n";
        let mut seed = 1_u32;
        for _ in 0..20_000 {
            let mut head = valid.to_vec();
            for _ in 0..3 {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let at = (seed >> 8) as usize % head.len();
                head[at] = (seed >> 24) as u8;
            }
            let _ = request(&head);
        }
    }
}
