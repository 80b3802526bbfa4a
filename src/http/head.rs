//! Reads a request's head: bounded, timed, and converted to the form that async-h1 accepts.
//!
//! `async_h1::server::decode` alone would read an endless line, refuses HTTP/1.0 and heads of 8 KiB, panics
//! on header values that are not ASCII, and starts threads for `Expect: 100-continue`. So this module reads
//! the head and checks it (`syntax`); async-h1 gets only the request line, in HTTP/1.1 and with a host.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_lite::future::or;
use futures_lite::io::{AsyncRead, AsyncWrite};
use http_types::{Method, StatusCode};

use super::host::Host;
use super::password;
use super::socket::Socket;
use super::syntax::{Body, Head};
use crate::auth::Credentials;
use crate::clock::{Clock, Monotonic};
use crate::limits;
use crate::turn::Turn;

/// A request, without its body.
#[derive(Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The path, starting with `/`, percent-encoded as received.
    pub path: String,
    /// The query, without `?`.
    pub query: String,
    /// The requested host; HTTP/1.0 may omit it.
    pub host: Option<Host>,
    /// The value of `Accept`.
    pub accept: String,
    /// The value of `User-Agent`.
    pub user_agent: String,
    /// The value of `Sec-Fetch-Dest`, which browsers send only on secure pages.
    pub fetch_destination: String,
    /// Whether it has `Accept-Language`, like every browser's requests.
    pub has_languages: bool,
    /// The values of `X-Forwarded-For`; they count only from a trusted proxy.
    pub forwarded_for: String,
    /// User name and password.
    pub credentials: Option<Credentials>,
    /// Bytes of the body, if a length is given.
    pub body_bytes: Option<usize>,
    /// Whether the connection may be used again.
    pub keep_alive: bool,
    /// When its first byte arrived.
    pub arrived: Monotonic,
}

/// Why there is no request.
#[derive(Debug)]
pub enum NoRequest {
    /// The client closed the connection, or was idle too long.
    Closed,
    /// The request is invalid; the answer has this status and message.
    Refused(StatusCode, String),
    /// The method is none that any path has, whatever the target.
    UnknownMethod {
        /// The request's target.
        target: String,
    },
}

impl From<io::Error> for NoRequest {
    fn from(_: io::Error) -> Self {
        Self::Closed
    }
}

fn bad(what: impl Into<String>) -> NoRequest {
    NoRequest::Refused(StatusCode::BadRequest, what.into())
}

/// Reads the request heads of one connection.
#[derive(Debug)]
pub struct HeadReader {
    /// Bytes read beyond the last request: a client may send the next one early.
    ahead: Vec<u8>,
    turn: Turn,
}

impl HeadReader {
    /// Reads from this socket, starting with its first request.
    pub fn new(socket: &Socket) -> Self {
        Self { ahead: Vec::new(), turn: socket.turn() }
    }

    /// How often reading has had to wait for the client.
    pub fn waits(&self) -> u64 {
        self.turn.waits()
    }

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
        let (begin, end) = or(self.read_head(socket), async {
            clock.sleep(limits::REQUEST_HEAD_TIME_MAX).await;
            let seconds = limits::REQUEST_HEAD_TIME_MAX.as_secs();
            let what = format!("the request's head did not come whole within {seconds} s");
            Err(NoRequest::Refused(StatusCode::RequestTimeout, what))
        })
        .await?;
        // The rest gets memory of its own size, so that a large head's is freed.
        let next = self.ahead.split_off(end);
        let head = std::mem::replace(&mut self.ahead, next);
        decode(&head[begin..], arrived).await
    }

    /// Reads up to the empty line; returns where the head begins and ends.
    async fn read_head(&mut self, socket: &Socket) -> Result<(usize, usize), NoRequest> {
        loop {
            // Ignore empty lines before a request (RFC 9112, section 2.2).
            let begin = 2 * self.ahead.chunks_exact(2).take_while(|line| *line == b"\r\n").count();
            if let Some(length) = head_end(&self.ahead[begin..]) {
                return Ok((begin, begin + length));
            }
            if self.ahead.len() >= limits::REQUEST_HEAD_MAX_BYTES {
                let what =
                    format!("the request's head is longer than {} bytes", limits::REQUEST_HEAD_MAX_BYTES);
                return Err(NoRequest::Refused(StatusCode::RequestHeaderFieldsTooLarge, what));
            }
            self.read_more(socket).await?;
        }
    }

    /// Reads the body of the last request.
    pub async fn body(
        &mut self,
        socket: &Socket,
        clock: &Clock,
        request: &Request,
        bytes_max: usize,
    ) -> Result<Vec<u8>, NoRequest> {
        let Some(bytes) = request.body_bytes else {
            let what = "the request has no Content-Length".to_owned();
            return Err(NoRequest::Refused(StatusCode::LengthRequired, what));
        };
        if bytes > bytes_max {
            let what = format!("the request's body is longer than {bytes_max} bytes");
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
        match socket.read(&mut buffer, &mut self.turn).await? {
            0 => Err(NoRequest::Closed),
            bytes => {
                self.ahead.extend_from_slice(&buffer[..bytes]);
                Ok(())
            }
        }
    }
}

/// Where a head ends: after the first empty line. Lines may end in LF alone (RFC 9112, 2.2).
fn head_end(bytes: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'\n', bytes).find_map(|at| match &bytes[at + 1..] {
        [b'\n', ..] => Some(at + 2),
        [b'\r', b'\n', ..] => Some(at + 3),
        _ => None,
    })
}

pub(super) async fn decode(head: &[u8], arrived: Monotonic) -> Result<Request, NoRequest> {
    let mut head = Head::parse(head)?;
    let request = match async_h1::server::decode(Memory::new(rewritten(&head))).await {
        Ok(Some((request, _body))) => request,
        Ok(None) => return Err(bad("the request ends early")),
        Err(error) => return Err(bad(format!("not a request: {error}"))),
    };
    let named = |option: &str| head.connection.split(',').any(|part| part.trim() == option);
    let keep_alive = if head.is_http_1_0 { named("keep-alive") } else { !named("close") };
    Ok(Request {
        method: request.method(),
        path: request.url().path().to_owned(),
        query: request.url().query().unwrap_or_default().to_owned(),
        // Hardly any route takes a body; an unread one must not be parsed as the next request.
        keep_alive: keep_alive && matches!(head.body, Body::None | Body::Bytes(0)),
        body_bytes: match head.body {
            Body::Bytes(bytes) => Some(bytes),
            Body::None | Body::Chunks => None,
        },
        credentials: password::basic(&head.take("authorization")),
        accept: head.take("accept"),
        user_agent: head.take("user-agent"),
        fetch_destination: head.take("sec-fetch-dest"),
        has_languages: !head.take("accept-language").is_empty(),
        forwarded_for: head.take("x-forwarded-for"),
        host: head.host,
        arrived,
    })
}

/// The head for async-h1: HTTP/1.1, a host, and nothing that is parsed here. async-h1 refuses heads of 8 KiB,
/// which a request line within its ceiling never reaches.
fn rewritten(head: &Head) -> Vec<u8> {
    format!("{} {} HTTP/1.1\r\nhost: pinhole\r\n\r\n", head.method, head.target).into_bytes()
}

/// A head in memory, as async-h1's connection. Writes are discarded: async-h1 writes only to clients that
/// expect `100 Continue`, and never sees that header.
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
            Err(NoRequest::UnknownMethod { .. }) => 405,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn requests_of_various_clients() {
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
        assert!(request("GET / HTTP/1.1\r\nHost: a\r\nAccept: ö\r\n\r\n".as_bytes()).is_ok());
    }

    #[test]
    fn invalid_requests_are_refused_with_the_right_status() {
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
    fn issue_10_number_16_long_values_do_not_reach_the_ceiling_of_async_h1() {
        for name in ["Accept", "Authorization", "Cookie", "Referer", "User-Agent", "X-Forwarded-For"] {
            let head = format!("GET /health HTTP/1.1\r\nHost: a\r\n{name}: {}\r\n\r\n", "x".repeat(16 << 10));
            assert_eq!(request(head.as_bytes()).unwrap().path, "/health", "{name}");
        }
        let target = "a".repeat(limits::REQUEST_LINE_MAX_BYTES - "BASELINE-CONTROL / HTTP/1.1".len());
        let head = format!("BASELINE-CONTROL /{target} HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(request(head.as_bytes()).unwrap().path.len(), 1 + target.len());
    }

    #[test]
    fn arbitrary_bytes_never_panic() {
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
