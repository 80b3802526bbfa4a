//! Parses the head of a camera's response. RFC 9112 section 4, with cameras' deviations.
//!
//! The only module that names `httparse`.

use std::time::Duration;

use httparse::{EMPTY_HEADER, Header, ParserConfig, Response, Status};
use percent_encoding::{AsciiSet, percent_encode};

/// Bytes of a response's head. Real ones have less than 1 KiB.
pub const HEAD_MAX_BYTES: usize = 16 << 10;

/// Maximum headers of a response.
const HEADERS_MAX: usize = 64;

/// Characters of a reason phrase to show.
const REASON_MAX_CHARS: usize = 80;

/// The content of a response's head.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// The status code.
    pub status: u16,
    /// The reason phrase.
    pub reason: String,
    /// The value of Content-Type.
    pub content_type: String,
    /// Length of the body in bytes, if given.
    pub length: Option<u64>,
    /// The body comes in chunks (RFC 9112 section 7.1).
    pub is_chunked: bool,
    /// The content coding of the body, if any.
    pub coding: Option<String>,
    /// The URL to try instead.
    pub location: Option<String>,
    /// Every WWW-Authenticate, byte for byte.
    pub challenges: Option<Vec<u8>>,
    /// Every Set-Cookie, byte for byte.
    pub cookies: Vec<Vec<u8>>,
    /// How long to wait before the next request.
    pub retry_after: Option<Duration>,
}

impl Head {
    /// Reads a head at the beginning of `bytes`; returns it and its length, or `None` while it is incomplete.
    ///
    /// # Errors
    /// The head is malformed.
    pub fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, String> {
        let mut headers = [EMPTY_HEADER; HEADERS_MAX];
        let mut response = Response::new(&mut headers);
        let mut config = ParserConfig::default();
        config
            .allow_spaces_after_header_name_in_responses(true)
            .allow_multiple_spaces_in_response_status_delimiters(true)
            .allow_obsolete_multiline_headers_in_responses(true)
            .ignore_invalid_headers_in_responses(true);
        match config.parse_response(&mut response, bytes) {
            Ok(Status::Complete(length)) => {
                let status = response.code.unwrap_or_default();
                let reason = response.reason.unwrap_or_default();
                let reason = reason.chars().filter(|c| !c.is_control()).take(REASON_MAX_CHARS).collect();
                Ok(Some((Self { status, reason, ..Self::of(response.headers) }, length)))
            }
            Ok(Status::Partial) if bytes.len() < HEAD_MAX_BYTES => Ok(None),
            Ok(Status::Partial) => {
                Err(format!("the head of its answer is longer than {HEAD_MAX_BYTES} bytes"))
            }
            Err(httparse::Error::TooManyHeaders) => {
                Err(format!("its answer has more than {HEADERS_MAX} headers"))
            }
            Err(error) => Err(format!("its answer is not HTTP ({error})")),
        }
    }

    fn of(headers: &[Header<'_>]) -> Self {
        let mut head = Self::default();
        for header in headers {
            let value = String::from_utf8_lossy(header.value);
            let value = value.trim();
            match header.name.to_ascii_lowercase().as_str() {
                "content-type" => value.clone_into(&mut head.content_type),
                "content-length" => head.length = value.parse().ok(),
                "transfer-encoding" => {
                    head.is_chunked =
                        value.rsplit(',').next().is_some_and(|it| it.trim().eq_ignore_ascii_case("chunked"));
                }
                "content-encoding" if !value.eq_ignore_ascii_case("identity") && !value.is_empty() => {
                    head.coding = Some(value.to_owned());
                }
                // A location in another encoding than UTF-8 is returned byte for byte.
                "location" => {
                    let location = percent_encode(header.value.trim_ascii(), &AsciiSet::EMPTY);
                    head.location = Some(location.to_string());
                }
                "set-cookie" => head.cookies.push(header.value.to_vec()),
                "www-authenticate" => {
                    let challenges = head.challenges.get_or_insert_default();
                    if !challenges.is_empty() {
                        challenges.extend_from_slice(b", ");
                    }
                    challenges.extend_from_slice(header.value.trim_ascii());
                }
                "retry-after" => head.retry_after = value.parse().ok().map(Duration::from_secs),
                _ => {}
            }
        }
        head
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(bytes: &[u8]) -> Head {
        let (head, length) = Head::parse(bytes).unwrap().unwrap();
        assert_eq!(length, bytes.len());
        head
    }

    #[test]
    fn responses_of_all_kinds_of_cameras() {
        let stream = b"HTTP/1.0 200 OK\r\nServer: thttpd\r\nContent-Type: multipart/x-mixed-replace;boundary=x\r\n\r\n";
        assert_eq!(head(stream).content_type, "multipart/x-mixed-replace;boundary=x");
        for end in 0..stream.len() {
            assert_eq!(Head::parse(&stream[..end]), Ok(None), "{end} bytes");
        }
        let chunked =
            head(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, Chunked\r\nContent-Length: 9\r\n\r\n");
        assert!(chunked.is_chunked && chunked.length == Some(9));
        let sloppy = head(b"HTTP/1.1  401  Who are you\nwww-authenticate : Basic realm=a\nBad header\nWWW-Authenticate:Digest nonce=b\n\n");
        assert_eq!((sloppy.status, sloppy.reason.trim()), (401, "Who are you"));
        assert_eq!(sloppy.challenges.as_deref(), Some(&b"Basic realm=a, Digest nonce=b"[..]));
        let busy = head(b"HTTP/1.1 503\r\nRetry-After: 30\r\nContent-Length: many\r\n\r\n");
        assert_eq!((busy.status, busy.retry_after, busy.length), (503, Some(Duration::from_secs(30)), None));
    }

    #[test]
    fn other_encodings_stay_as_they_are() {
        let odd = head(b"HTTP/1.1 401 No\r\nWWW-Authenticate: Digest realm=\"\xe9\"\r\nLocation: /\xe9\r\nSet-Cookie: a=\xff\r\nset-cookie: b=1; Path=/\r\n\r\n");
        assert_eq!(odd.challenges.as_deref(), Some(&b"Digest realm=\"\xe9\""[..]));
        assert_eq!(odd.location.as_deref(), Some("/%E9"));
        assert_eq!(odd.cookies, [&b"a=\xff"[..], b"b=1; Path=/"]);
    }

    #[test]
    fn malformed_responses() {
        assert!(Head::parse(b"RTSP/1.0 200 OK\r\n\r\n").unwrap_err().contains("not HTTP"));
        assert!(Head::parse(b"\xff\xd8\xff\xe0").unwrap_err().contains("not HTTP"));
        let endless = [&b"HTTP/1.1 200 OK\r\nX: "[..], &[b'x'; HEAD_MAX_BYTES]].concat();
        assert!(Head::parse(&endless).unwrap_err().contains("longer than"));
        let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: y\r\n".repeat(HEADERS_MAX + 1));
        assert!(Head::parse(many.as_bytes()).unwrap_err().contains("more than 64 headers"));
    }
}
