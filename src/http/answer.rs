//! Ordinary answers: a head and a body of known length, encoded by async-h1.

use std::io;
use std::sync::Arc;

use futures_lite::AsyncReadExt;
use futures_lite::io::empty;
use http_types::{Body, Method, Response, StatusCode};
use serde::Serialize;

use super::socket::Socket;
use crate::frame::Frame;

/// Headers of pictures and streams, which other sites' pages may show.
pub const PICTURE_HEADERS: &[(&str, &str)] = &[
    ("x-content-type-options", "nosniff"),
    ("cross-origin-resource-policy", "cross-origin"),
    ("referrer-policy", "same-origin"),
];

/// Headers of everything else: for this service's own pages, and for programs.
const OWN_HEADERS: &[(&str, &str)] = &[
    ("x-content-type-options", "nosniff"),
    ("cross-origin-resource-policy", "same-origin"),
    ("referrer-policy", "same-origin"),
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
];

/// What a page may load and connect to: this service alone.
const PAGE_POLICY: &str = "default-src 'none'; img-src 'self' data:; connect-src 'self'; manifest-src 'self'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'self'";

/// Who may frame a page: other pages of the same site, as behind a proxy. A foreign page could lay something
/// over it and trick its visitor into pressing buttons.
const FRAMED_BY_ITSELF: &str = "frame-ancestors 'self'";

/// An ordinary answer.
#[derive(Debug)]
pub struct Answer {
    response: Response,
    body: Content,
}

/// A body, sent from where it lies without a copy.
#[derive(Debug)]
enum Content {
    Text(Vec<u8>),
    Page(&'static str),
    Asset(&'static [u8]),
    Picture(Arc<Frame>),
}

impl Content {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(bytes) => bytes,
            Self::Page(page) => page.as_bytes(),
            Self::Asset(bytes) => bytes,
            Self::Picture(frame) => &frame.jpeg,
        }
    }
}

impl Answer {
    fn new(status: StatusCode, content_type: &str, body: Content) -> Self {
        let mut response = Response::new(status);
        // The encoder needs only its length.
        response.set_body(Body::from_reader(empty(), Some(body.bytes().len())));
        response.insert_header("content-type", content_type);
        // Pictures, states and pages change all the time.
        response.insert_header("cache-control", "no-store");
        let is_picture = content_type.starts_with("image/");
        for (name, value) in if is_picture { PICTURE_HEADERS } else { OWN_HEADERS } {
            response.insert_header(*name, *value);
        }
        Self { response, body }
    }

    /// A JPEG.
    pub fn jpeg(frame: Arc<Frame>) -> Self {
        Self::new(StatusCode::Ok, "image/jpeg", Content::Picture(frame))
    }

    /// Sets the status.
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.response.set_status(status);
        self
    }

    /// A static file for the pages: an icon, the manifest. It changes only with the program.
    pub fn asset(content_type: &str, bytes: &'static [u8]) -> Self {
        let mut answer = Self::new(StatusCode::Ok, content_type, Content::Asset(bytes));
        answer.insert_header("cache-control", "private, max-age=86400");
        answer
    }

    /// A page, which may load only from this service.
    pub fn html(page: &'static str) -> Self {
        let mut answer = Self::new(StatusCode::Ok, "text/html; charset=utf-8", Content::Page(page));
        answer.insert_header("content-security-policy", &format!("{PAGE_POLICY}; {FRAMED_BY_ITSELF}"));
        answer
    }

    /// A page in place of all others, which loads nothing at all.
    pub fn notice(status: StatusCode, page: &str) -> Self {
        let mut answer =
            Self::new(status, "text/html; charset=utf-8", Content::Text(page.as_bytes().to_vec()));
        let policy = format!("default-src 'none'; style-src 'unsafe-inline'; {FRAMED_BY_ITSELF}");
        answer.insert_header("content-security-policy", &policy);
        answer
    }

    /// Text with this content type.
    pub fn text(content_type: &str, body: &str) -> Self {
        Self::new(StatusCode::Ok, content_type, Content::Text(body.as_bytes().to_vec()))
    }

    /// A value as JSON.
    pub fn json(status: StatusCode, value: &impl Serialize) -> Self {
        // Serialising the service's own types cannot fail; a bug there must not end the connection.
        let mut body =
            serde_json::to_vec_pretty(value).unwrap_or_else(|error| error.to_string().into_bytes());
        body.push(b'\n');
        Self::new(status, "application/json", Content::Text(body))
    }

    /// An error, as JSON.
    pub fn error(status: StatusCode, what: &str) -> Self {
        Self::json(status, &serde_json::json!({ "error": what }))
    }

    /// 405 for a method that the path does not support.
    pub fn method_not_allowed(allowed: &str) -> Self {
        let what = format!("only {allowed} are allowed here");
        let mut answer = Self::error(StatusCode::MethodNotAllowed, &what);
        answer.insert_header("allow", allowed);
        answer
    }

    /// 400 for an invalid value.
    pub fn bad_request(what: &str) -> Self {
        Self::error(StatusCode::BadRequest, what)
    }

    /// 404 for an unknown path.
    pub fn not_found(path: &str) -> Self {
        Self::error(StatusCode::NotFound, &format!("there is nothing at {path}"))
    }

    /// 401 for missing or wrong credentials.
    pub fn unauthorized(what: &str) -> Self {
        let mut answer = Self::error(StatusCode::Unauthorized, what);
        answer.insert_header("www-authenticate", "Basic realm=\"Pinhole\", charset=\"UTF-8\"");
        answer
    }

    /// Keeps a browser from opening its password dialogue: the page polls every few seconds and asks for the
    /// password itself. A 401 must name a scheme (RFC 9110, section 15.5.2); browsers ignore unknown ones.
    pub fn without_dialogue(&mut self) {
        if self.response.status() == StatusCode::Unauthorized {
            self.insert_header("www-authenticate", "Page realm=\"Pinhole\"");
        }
    }

    /// Lets scripts from this origin read the answer. A single origin, unlike `*`, may also show the page in
    /// a frame.
    pub fn open_to(&mut self, origin: &str) {
        self.insert_header("access-control-allow-origin", origin);
        // Special characters would start another directive of the policy.
        let is_source = |byte: u8| byte.is_ascii_alphanumeric() || b":/.-[]".contains(&byte);
        let policy = self.response.header("content-security-policy").map(|it| it.as_str().to_owned());
        if let Some(policy) = policy.filter(|policy| policy.ends_with(FRAMED_BY_ITSELF))
            && origin.bytes().all(is_source)
        {
            self.insert_header("content-security-policy", &format!("{policy} {origin}"));
        }
    }

    /// Adds or replaces a header.
    pub fn insert_header(&mut self, name: &str, value: &str) {
        self.response.insert_header(name, value);
    }

    /// Sends the answer.
    ///
    /// # Errors
    /// If the socket fails.
    pub async fn send(mut self, socket: &Socket, method: Method, keep_alive: bool) -> io::Result<()> {
        self.insert_header("connection", if keep_alive { "keep-alive" } else { "close" });
        let mut head = Vec::new();
        async_h1::server::Encoder::new(self.response, Method::Head).read_to_end(&mut head).await?;
        match (method, &self.body) {
            (Method::Head, _) => socket.write_all([&head]).await?,
            (_, Content::Picture(frame)) => socket.write_picture(frame, [&head, &frame.jpeg], 0).await?,
            (_, body) => socket.write_all([&head, body.bytes()]).await?,
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::frame::{BufferPool, Kind};

    fn header(answer: &Answer, name: &str) -> String {
        answer.response.header(name).map(|values| values.as_str().to_owned()).unwrap_or_default()
    }

    #[test]
    fn issue_10_number_6_pictures_may_be_shown_elsewhere_and_pages_may_not() {
        let clock = Clock::manual().0;
        let frame = Frame::new(BufferPool::default().take(), &clock, clock.now(), 4, 2, Kind::Picture);
        let frame = Arc::new(frame);
        let (picture, page, api) =
            (Answer::jpeg(frame), Answer::html(""), Answer::error(StatusCode::NotFound, "nothing"));
        for (answer, resource_policy) in
            [(&picture, "cross-origin"), (&page, "same-origin"), (&api, "same-origin")]
        {
            assert_eq!(header(answer, "cross-origin-resource-policy"), resource_policy);
            assert_eq!(header(answer, "x-content-type-options"), "nosniff");
            assert_eq!(header(answer, "referrer-policy"), "same-origin");
        }
        assert_eq!(header(&picture, "content-security-policy"), "");
        assert!(header(&page, "content-security-policy").ends_with("; frame-ancestors 'self'"));
        assert!(header(&api, "content-security-policy").ends_with("; frame-ancestors 'none'"));
    }

    #[test]
    fn one_origin_that_may_read_may_also_frame_the_page() {
        for (origin, end) in [
            ("http://octopi.local", "frame-ancestors 'self' http://octopi.local"),
            ("*", "frame-ancestors 'self'"),
            ("http://a;script-src", "frame-ancestors 'self'"),
        ] {
            let (mut page, mut api) = (Answer::html(""), Answer::text("text/plain", ""));
            page.open_to(origin);
            api.open_to(origin);
            assert_eq!(header(&page, "access-control-allow-origin"), origin);
            assert!(header(&page, "content-security-policy").ends_with(end), "{origin}");
            assert!(header(&api, "content-security-policy").ends_with("frame-ancestors 'none'"), "{origin}");
        }
    }
}
