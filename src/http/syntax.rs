//! The syntax of a request's head (RFC 9112), parsed strictly.
//!
//! Ambiguous syntax is refused: a proxy in front might read it differently, and see other requests than this
//! service does.

use http_types::{Method, StatusCode};

use super::head::NoRequest;
use super::host::Host;
use crate::limits;

/// Headers to keep. Above all not cookies: a stream keeps its request.
const KEPT: [&str; 6] =
    ["accept", "accept-language", "authorization", "sec-fetch-dest", "user-agent", "x-forwarded-for"];

/// Headers that must not be repeated: it would be unclear which one counts.
const SINGLE: [&str; 4] = ["authorization", "content-length", "host", "transfer-encoding"];

/// A head, checked.
#[derive(Debug)]
pub struct Head {
    /// The method.
    pub method: Method,
    /// The target, from its path on.
    pub target: String,
    /// Whether the client speaks HTTP/1.0.
    pub is_http_1_0: bool,
    /// The requested host; HTTP/1.0 may omit it.
    pub host: Option<Host>,
    /// What follows the head.
    pub body: Body,
    /// The values of `Connection`, lower case.
    pub connection: String,
    kept: Vec<(&'static str, String)>,
}

/// What follows a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// Nothing.
    None,
    /// So many bytes.
    Bytes(usize),
    /// Chunks, until an empty one.
    Chunks,
}

fn refused(status: StatusCode, what: impl Into<String>) -> NoRequest {
    NoRequest::Refused(status, what.into())
}

fn bad(what: impl Into<String>) -> NoRequest {
    refused(StatusCode::BadRequest, what)
}

impl Head {
    /// Reads a head, up to and with its empty line. Lines may end in LF alone (RFC 9112, section 2.2).
    ///
    /// # Errors
    /// What is wrong with it, and the status for it.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoRequest> {
        let mut lines =
            bytes.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let first = lines.next().unwrap_or_default();
        let line = RequestLine::parse(first)?;
        let mut fields = Fields::default();
        for line in lines.take_while(|line| !line.is_empty()) {
            fields.add(line)?;
        }
        let host = fields.host(&line)?;
        let body = fields.body(line.is_http_1_0)?;
        Ok(Self {
            method: line.method,
            target: line.target,
            is_http_1_0: line.is_http_1_0,
            host,
            body,
            connection: fields.connection.to_ascii_lowercase(),
            kept: fields.kept,
        })
    }

    /// Takes the value of a header in [`KEPT`]; several are joined by commas, none is empty.
    pub fn take(&mut self, name: &str) -> String {
        let place = self.kept.iter().position(|(kept, _)| *kept == name);
        place.map(|place| self.kept.swap_remove(place).1).unwrap_or_default()
    }
}

/// A host, and its scheme's default port.
type Authority = (Host, u16);

/// `METHOD TARGET VERSION`.
struct RequestLine {
    method: Method,
    target: String,
    /// Host and default port of a target in absolute form.
    authority: Option<Authority>,
    is_http_1_0: bool,
}

impl RequestLine {
    fn parse(line: &[u8]) -> Result<Self, NoRequest> {
        if line.len() > limits::REQUEST_LINE_MAX_BYTES {
            let what = format!("the request line is longer than {} bytes", limits::REQUEST_LINE_MAX_BYTES);
            return Err(refused(StatusCode::UriTooLong, what));
        }
        let is_text = line.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ');
        let line = std::str::from_utf8(line).ok().filter(|_| is_text);
        let mut words = line.ok_or_else(|| bad("the request line is not ASCII text"))?.split(' ');
        let (Some(method), Some(target), Some(version), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(bad("the request line is not METHOD TARGET VERSION with one space between"));
        };
        let is_http_1_0 = is_version_1_0(version)?;
        let method = parse_method(method, target)?;
        let (authority, target) = split_target(target)?;
        Ok(Self { method, target: target.to_owned(), authority, is_http_1_0 })
    }
}

fn is_version_1_0(version: &str) -> Result<bool, NoRequest> {
    match version.as_bytes() {
        b"HTTP/1.1" => Ok(false),
        b"HTTP/1.0" => Ok(true),
        [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
            if major.is_ascii_digit() && minor.is_ascii_digit() =>
        {
            Err(refused(StatusCode::HttpVersionNotSupported, "HTTP/1.0 and HTTP/1.1 are spoken here"))
        }
        _ => Err(bad("the request line does not end in HTTP/1.1")),
    }
}

/// Parses a method. Methods are case-sensitive: `get` is not `GET` (RFC 9110, section 9.1), though others may
/// accept it.
fn parse_method(method: &str, target: &str) -> Result<Method, NoRequest> {
    if method.is_empty()
        || !method.bytes().all(is_token)
        || method.bytes().any(|byte| byte.is_ascii_lowercase())
    {
        return Err(bad("the method is not one in capitals, such as GET"));
    }
    let not_allowed = || NoRequest::UnknownMethod { target: target.to_owned() };
    let known = method.parse().map_err(|_| not_allowed())?;
    // Their targets need not be paths (RFC 9112, sections 3.2.3 and 3.2.4).
    let is_elsewhere = known == Method::Connect || known == Method::Options && target == "*";
    if is_elsewhere { Err(not_allowed()) } else { Ok(known) }
}

/// Splits a target into its host, in absolute form (RFC 9112, section 3.2.2), and its path and query.
fn split_target(target: &str) -> Result<(Option<Authority>, &str), NoRequest> {
    if target.starts_with('/') {
        return Ok((None, target));
    }
    let (scheme, rest) = target.split_once("://").ok_or_else(|| bad("the request's target is not a path"))?;
    let port = match scheme.to_ascii_lowercase().as_str() {
        "http" => 80,
        "https" => 443,
        _ => return Err(bad("the request's target has another scheme than http")),
    };
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let host = Host::parse(authority)
        .ok_or_else(|| bad("the request's target has no valid host, or user information before it"))?;
    match path {
        "" => Ok((Some((host, port)), "/")),
        path if path.starts_with('/') => Ok((Some((host, port)), path)),
        _ => Err(bad("the request's target has no path")),
    }
}

/// The header fields that matter here.
#[derive(Default)]
struct Fields {
    count: usize,
    host: Option<Host>,
    length: Option<usize>,
    is_chunked: bool,
    connection: String,
    kept: Vec<(&'static str, String)>,
    seen: Vec<&'static str>,
}

impl Fields {
    fn add(&mut self, line: &[u8]) -> Result<(), NoRequest> {
        self.count += 1;
        if self.count > limits::REQUEST_HEADERS_MAX {
            let what = format!("the request has more than {} headers", limits::REQUEST_HEADERS_MAX);
            return Err(refused(StatusCode::RequestHeaderFieldsTooLarge, what));
        }
        let (name, value) = split_field(line)?;
        if let Some(single) = SINGLE.into_iter().find(|single| *single == name) {
            if self.seen.contains(&single) {
                return Err(bad(format!("the header {name} stands in the request twice")));
            }
            self.seen.push(single);
        }
        match name.as_str() {
            "host" => self.host = Some(parse_host(value)?),
            "content-length" => self.length = Some(parse_length(value)?),
            "transfer-encoding" if value.eq_ignore_ascii_case(b"chunked") => self.is_chunked = true,
            "transfer-encoding" => {
                return Err(bad("Transfer-Encoding is not chunked, the only one known here"));
            }
            "connection" => append(&mut self.connection, value),
            _ => self.keep(&name, value),
        }
        Ok(())
    }

    fn keep(&mut self, name: &str, value: &[u8]) {
        let Some(name) = KEPT.into_iter().find(|kept| *kept == name) else { return };
        if let Some((_, text)) = self.kept.iter_mut().find(|(kept, _)| *kept == name) {
            append(text, value);
        } else {
            self.kept.push((name, String::from_utf8_lossy(value).into_owned()));
        }
    }

    fn host(&mut self, line: &RequestLine) -> Result<Option<Host>, NoRequest> {
        let Some((authority, port)) = &line.authority else {
            return match self.host.take() {
                None if !line.is_http_1_0 => Err(bad("the header Host is missing")),
                host => Ok(host),
            };
        };
        // Both must agree: a client that sends two means different things by them.
        match self.host.take() {
            Some(host) if !host.is_same(authority, *port) => {
                Err(bad("the request's target and its header Host name different hosts"))
            }
            None if !line.is_http_1_0 => Err(bad("the header Host is missing")),
            _ => Ok(Some(authority.clone())),
        }
    }

    fn body(&self, is_http_1_0: bool) -> Result<Body, NoRequest> {
        match (self.length, self.is_chunked) {
            (Some(_), true) => Err(bad("the request has both Content-Length and Transfer-Encoding")),
            // RFC 9112, section 6.1.
            (_, true) if is_http_1_0 => Err(bad("Transfer-Encoding does not exist in HTTP/1.0")),
            (_, true) => Ok(Body::Chunks),
            (None, false) => Ok(Body::None),
            (Some(bytes), false) => Ok(Body::Bytes(bytes)),
        }
    }
}

fn append(text: &mut String, value: &[u8]) {
    if !text.is_empty() {
        text.push_str(", ");
    }
    text.push_str(&String::from_utf8_lossy(value));
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Splits a header line into its name in lower case and its value (RFC 9112, section 5; RFC 9110, section
/// 5.5).
fn split_field(line: &[u8]) -> Result<(String, &[u8]), NoRequest> {
    if line.starts_with(b" ") || line.starts_with(b"\t") {
        return Err(bad("a header line begins with a space: folded headers are not taken"));
    }
    let colon = memchr::memchr(b':', line).ok_or_else(|| bad("a header line has no colon"))?;
    let (name, value) = (&line[..colon], trimmed(&line[colon + 1..]));
    if name.is_empty() || !name.iter().copied().all(is_token) {
        return Err(bad("a header's name is not a token right before its colon"));
    }
    if value.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') {
        return Err(bad("a header's value holds a control character"));
    }
    Ok((String::from_utf8_lossy(name).to_ascii_lowercase(), value))
}

/// Trims optional whitespace (RFC 9110, section 5.6.3).
fn trimmed(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

fn parse_host(value: &[u8]) -> Result<Host, NoRequest> {
    let text = std::str::from_utf8(value).ok();
    text.and_then(Host::parse).ok_or_else(|| bad("the header Host is not HOST or HOST:PORT"))
}

/// Parses digits only (RFC 9110, section 8.6). A number beyond every ceiling saturates.
fn parse_length(value: &[u8]) -> Result<usize, NoRequest> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return Err(bad("Content-Length is not a number"));
    }
    let digit = |length: usize, byte: &u8| length.saturating_mul(10).saturating_add(usize::from(byte - b'0'));
    Ok(value.iter().fold(0, digit))
}

#[cfg(test)]
mod tests;
