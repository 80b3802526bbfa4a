//! Ordinary answers: a head and a body of known length, encoded by async-h1.

use std::io;

use futures_lite::AsyncReadExt;
use http_types::{Body, Method, Response, StatusCode};
use serde::Serialize;

use super::socket::Socket;

/// An ordinary answer.
#[derive(Debug)]
pub struct Answer {
    response: Response,
}

impl Answer {
    fn new(status: StatusCode, content_type: &str, body: Vec<u8>) -> Self {
        let mut response = Response::new(status);
        response.set_body(Body::from_bytes(body));
        response.insert_header("content-type", content_type);
        // A camera's picture, state and page are of this moment.
        response.insert_header("cache-control", "no-store");
        response.insert_header("x-content-type-options", "nosniff");
        Self { response }
    }

    /// A JPEG.
    pub fn jpeg(body: &[u8]) -> Self {
        Self::new(StatusCode::Ok, "image/jpeg", body.to_vec())
    }

    /// A page. It may load and reach nothing but this service.
    pub fn html(body: &str) -> Self {
        let mut answer = Self::new(StatusCode::Ok, "text/html; charset=utf-8", body.as_bytes().to_vec());
        answer.insert_header(
            "content-security-policy",
            "default-src 'none'; img-src 'self' data:; connect-src 'self'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'self'",
        );
        answer
    }

    /// Text of this content type.
    pub fn text(content_type: &str, body: &str) -> Self {
        Self::new(StatusCode::Ok, content_type, body.as_bytes().to_vec())
    }

    /// A value as JSON.
    pub fn json(status: StatusCode, value: &impl Serialize) -> Self {
        // Serialising the service's own types cannot fail; a bug there must not end the connection.
        let mut body =
            serde_json::to_vec_pretty(value).unwrap_or_else(|error| error.to_string().into_bytes());
        body.push(b'\n');
        Self::new(status, "application/json", body)
    }

    /// An error, as JSON.
    pub fn error(status: StatusCode, what: &str) -> Self {
        Self::json(status, &serde_json::json!({ "error": what }))
    }

    /// The answer to a method that a path does not have.
    pub fn method_not_allowed(allowed: &str) -> Self {
        let what = format!("only {allowed} are allowed here");
        let mut answer = Self::error(StatusCode::MethodNotAllowed, &what);
        answer.insert_header("allow", allowed);
        answer
    }

    /// The answer to who did not give user name and password, or wrong ones.
    pub fn unauthorized(what: &str) -> Self {
        let mut answer = Self::error(StatusCode::Unauthorized, what);
        answer.insert_header("www-authenticate", "Basic realm=\"Pinhole\", charset=\"UTF-8\"");
        answer
    }

    /// Adds or replaces a header.
    pub fn insert_header(&mut self, name: &str, value: &str) {
        self.response.insert_header(name, value);
    }

    /// The answer's bytes; `method` tells whether the body is among them.
    async fn encode(self, method: Method) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        async_h1::server::Encoder::new(self.response, method).read_to_end(&mut bytes).await?;
        Ok(bytes)
    }

    /// Sends the answer.
    ///
    /// # Errors
    /// The socket's.
    pub async fn send(mut self, socket: &Socket, method: Method, keep_alive: bool) -> io::Result<()> {
        self.insert_header("connection", if keep_alive { "keep-alive" } else { "close" });
        let bytes = self.encode(method).await?;
        socket.write_all([&bytes]).await?;
        Ok(())
    }
}
