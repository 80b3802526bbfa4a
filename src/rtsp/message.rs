//! The head of a message. RFC 2326 sections 4 to 7, by `rtsp-types`, which is strict: what cameras write is
//! normalised first.

use percent_encoding::{AsciiSet, percent_encode};
use rtsp_types::{Message, StatusCode};

use super::limits::{BODY_MAX_BYTES, HEADERS_MAX};

/// Request methods, each of which starts a message. RFC 2326 section 10, RFC 7826 section 13.
pub(super) const METHODS: [&str; 12] = [
    "OPTIONS",
    "DESCRIBE",
    "ANNOUNCE",
    "SETUP",
    "PLAY",
    "PAUSE",
    "TEARDOWN",
    "GET_PARAMETER",
    "SET_PARAMETER",
    "REDIRECT",
    "RECORD",
    "PLAY_NOTIFY",
];

/// Bytes above 127 are always encoded.
const NOT_ASCII: AsciiSet = AsciiSet::EMPTY;

/// A message without its body.
#[derive(Debug)]
pub(super) struct Head {
    pub message: Message<Vec<u8>>,
    /// Bytes of the body that follows.
    pub body_bytes: usize,
    /// Bytes of a body that is too large to read; it is skipped as garbage.
    pub too_large: Option<u64>,
}

impl Head {
    /// Parses a head, up to the empty line; `None` if it is not a message.
    pub fn parse(head: &[u8]) -> Option<Self> {
        let head = text(head);
        let mut lines = head.lines();
        let mut text = first_line(lines.next()?)?;
        let (mut body_bytes, mut too_large) = (0, None);
        for (name, value) in headers(lines) {
            if name.eq_ignore_ascii_case("content-length") {
                let bytes = length(&value);
                too_large = (bytes > BODY_MAX_BYTES as u64).then_some(bytes);
                body_bytes = if too_large.is_some() { 0 } else { bytes as usize };
            } else {
                text.extend([name, ": ", &value, "\r\n"]);
            }
        }
        text += "\r\n";
        let (message, _) = Message::parse(text.as_bytes()).ok()?;
        Some(Self { message, body_bytes, too_large })
    }

    /// The message with its body.
    pub fn with_body(self, body: &[u8]) -> Message<Vec<u8>> {
        match self.message {
            Message::Request(request) => request.replace_body(body.to_vec()).into(),
            Message::Response(response) => response.replace_body(body.to_vec()).into(),
            data @ Message::Data(_) => data,
        }
    }
}

/// The value of Content-Length, 0 if it is not a number.
fn length(value: &str) -> u64 {
    let is_number = !value.is_empty() && value.bytes().all(|digit| digit.is_ascii_digit());
    // A number that does not fit is large in any case.
    if is_number { value.parse().unwrap_or(u64::MAX) } else { 0 }
}

/// Maps bytes above 127 in a challenge to characters of a private area, which no text parser changes.
const RAW_BYTES: u32 = 0xe000;

/// A head as text. Challenges are returned to the camera byte for byte, whatever their encoding
/// ([`challenges`]), and so are its URLs.
fn text(head: &[u8]) -> String {
    let mut text = String::with_capacity(head.len());
    let mut is_raw = false;
    for line in head.split_inclusive(|byte| *byte == b'\n') {
        let name = line.split(|byte| *byte == b':').next().unwrap_or_default().trim_ascii_end();
        let is = |wanted: &str| name.eq_ignore_ascii_case(wanted.as_bytes());
        is_raw =
            is("WWW-Authenticate") || is_raw && line.starts_with(b" ") || is_raw && line.starts_with(b"\t");
        if is_raw {
            text.extend(line.iter().filter_map(|byte| match byte {
                0x80.. => char::from_u32(RAW_BYTES + u32::from(*byte)),
                ascii => Some(char::from(*ascii)),
            }));
        } else if is("Location") || is("Content-Base") || is("Content-Location") {
            text += &percent_encode(line, &NOT_ASCII).to_string();
        } else {
            text += &String::from_utf8_lossy(line);
        }
    }
    text
}

/// The challenges of a response, byte for byte.
pub(super) fn challenges(response: &rtsp_types::Response<Vec<u8>>) -> Vec<u8> {
    let value = header(response, &rtsp_types::headers::WWW_AUTHENTICATE).unwrap_or_default();
    let raw = |c: char| u32::from(c).checked_sub(RAW_BYTES).and_then(|byte| u8::try_from(byte).ok());
    value.chars().filter_map(|c| if c.is_ascii() { Some(c as u8) } else { raw(c) }).collect()
}

/// Normalises the status or request line for `rtsp-types`: some cameras omit the reason, or write another
/// minor version.
fn first_line(line: &str) -> Option<String> {
    let mut words = line.split_ascii_whitespace();
    let first = words.next()?;
    if first.starts_with("RTSP/") {
        let status: u16 = words.next()?.parse().ok().filter(|status| (100..1000).contains(status))?;
        let reason: Vec<_> = words.collect();
        return Some(format!("RTSP/1.0 {status:03} {}\r\n", reason.join(" ")));
    }
    let (url, version) = (words.next()?, words.next()?);
    if !version.starts_with("RTSP/") || !METHODS.contains(&first) {
        return None;
    }
    // Of a camera's request only the method matters; its URL need not parse.
    let url = if rtsp_types::Url::parse(url).is_ok() { url } else { "*" };
    Some(format!("{first} {url} RTSP/1.0\r\n"))
}

/// Header lines with a usable name, unfolded, without spaces around name and value.
fn headers<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<(&'a str, String)> {
    let mut headers: Vec<(&str, String)> = Vec::new();
    for line in lines {
        if let (true, Some((_, value))) = (line.starts_with([' ', '\t']), headers.last_mut()) {
            *value += " ";
            *value += line.trim();
        } else if let Some((name, value)) = line.split_once(':')
            && headers.len() < HEADERS_MAX
            && is_token(name.trim())
        {
            headers.push((name.trim(), value.trim().replace(|c: char| c.is_control(), " ")));
        }
    }
    headers
}

/// RFC 2326 section 15.1.
fn is_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|c| c.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&c))
}

/// The value of a header of a response.
pub(super) fn header<'a>(
    response: &'a rtsp_types::Response<Vec<u8>>,
    name: &rtsp_types::HeaderName,
) -> Option<&'a str> {
    response.header(name).map(rtsp_types::HeaderValue::as_str)
}

/// The sequence number, if valid. RFC 2326 section 12.17.
pub(super) fn cseq(value: Option<&str>) -> Option<u32> {
    // Repeated headers are joined by commas.
    value?.split(',').next()?.trim().parse().ok()
}

/// The status as a number.
pub(super) fn status(status: StatusCode) -> u16 {
    status.into()
}

#[cfg(test)]
mod tests {
    use rtsp_types::{Method, headers::CSEQ};

    use super::*;

    fn response(head: &str) -> (rtsp_types::Response<Vec<u8>>, usize) {
        match Head::parse(head.as_bytes()) {
            Some(Head { message: Message::Response(response), body_bytes, .. }) => (response, body_bytes),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn sloppy_responses() {
        let (answer, body) = response("RTSP/1.1 200\nCseq : 4  \nContent-length: 7\nBad Header: x\n: y\n\n");
        assert_eq!((status(answer.status()), body), (200, 7));
        assert_eq!(cseq(header(&answer, &CSEQ)), Some(4));
        assert_eq!(answer.headers().count(), 1);
        let (answer, _) = response("RTSP/1.0 401  Un\u{e9}authorized \r\nX: a\r\n b\r\nX: c\r\n\r\n");
        assert_eq!(answer.reason_phrase(), "Un\u{e9}authorized");
        assert_eq!(answer.headers().next().unwrap().1.as_str(), "a b, c");
        assert_eq!(cseq(Some("5, 5")), Some(5));
        assert_eq!(cseq(None), None);
    }

    /// Issue 10, number 22.
    #[test]
    fn challenges_and_urls_in_other_encodings() {
        let head =
            b"RTSP/1.0 401 No\r\nWWW-Authenticate: Digest realm=\"\xc9\xe3\x85\",\r\n nonce=\"\xa0\"\r\n\
            Location: rtsp://host/\xe9\r\nServer: \xe9\r\nWWW-Authenticate: Basic realm=\"\xe9\"\r\n\r\n";
        let Some(Head { message: Message::Response(response), .. }) = Head::parse(head) else {
            panic!("not a response")
        };
        let expected = b"Digest realm=\"\xc9\xe3\x85\", nonce=\"\xa0\", Basic realm=\"\xe9\"";
        assert_eq!(challenges(&response), expected);
        assert_eq!(header(&response, &rtsp_types::headers::LOCATION), Some("rtsp://host/%E9"));
        assert_eq!(header(&response, &rtsp_types::headers::SERVER), Some("\u{fffd}"));
    }

    #[test]
    fn requests_of_a_camera() {
        for line in ["OPTIONS rtsp://192.0.2.1/ RTSP/1.0", "OPTIONS * RTSP/1.0", "OPTIONS :: RTSP/1.0"] {
            let Some(Head { message: Message::Request(request), .. }) =
                Head::parse(format!("{line}\r\nCSeq: 1\r\n\r\n").as_bytes())
            else {
                panic!("{line}")
            };
            assert_eq!(request.method(), Method::Options);
        }
    }

    #[test]
    fn invalid_messages() {
        for head in
            ["", "RTSP/1.0\r\n\r\n", "RTSP/1.0 99 x\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "PLAY x\r\n\r\n"]
        {
            assert!(Head::parse(head.as_bytes()).is_none(), "{head}");
        }
    }

    #[test]
    fn absurd_lengths() {
        for length in ["-1", "99999999999999999999", "70000", "x"] {
            assert_eq!(response(&format!("RTSP/1.0 200 OK\r\nContent-Length: {length}\r\n\r\n")).1, 0);
        }
        for (length, too_large) in [("70000", Some(70_000)), ("65536", None), ("-1", None)] {
            let head = format!("RTSP/1.0 200 OK\r\nContent-Length: {length}\r\n\r\n");
            assert_eq!(Head::parse(head.as_bytes()).unwrap().too_large, too_large, "{length}");
        }
    }
}
