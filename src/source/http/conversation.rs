//! Makes requests to a camera and interprets its responses, without a socket.

mod authentication;
mod content;
mod redirects;

use std::net::IpAddr;

use percent_encoding::percent_decode_str;
use url::Url;

use super::answer::Head;
use super::cookies::Jar;
use crate::auth::{Authenticator, Credentials};
use crate::camera::lost::NetworkLost;
use crate::config::SourceUrl;
use crate::random::Random;
use authentication::may_know;
pub use content::Content;
use redirects::strip;

/// A conversation with one camera, over as many connections as it takes.
#[derive(Debug)]
pub struct Conversation {
    /// The configured URL, to which the credentials belong.
    origin: Url,
    /// The current URL, after redirects.
    target: Url,
    /// The address that sent the last redirect.
    redirected_from: Option<IpAddr>,
    credentials: Option<Credentials>,
    authenticator: Option<Authenticator>,
    cookies: Jar,
    random: Random,
    /// The challenge in force has not been accepted yet.
    is_on_trial: bool,
    redirects: u32,
    stale_nonces: u32,
}

/// The consequence of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Send another request.
    Ask,
    /// The body contains pictures.
    Read(Content),
}

impl Conversation {
    /// A new conversation.
    pub fn new(url: &SourceUrl, random: Random) -> Self {
        let mut target = url.expose().clone();
        let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let credentials = (!target.username().is_empty() || target.password().is_some()).then(|| {
            Credentials::new(decode(target.username()), decode(target.password().unwrap_or_default()))
        });
        strip(&mut target);
        Self {
            origin: target.clone(),
            target,
            redirected_from: None,
            credentials,
            authenticator: None,
            cookies: Jar::default(),
            random,
            is_on_trial: false,
            redirects: 0,
            stale_nonces: 0,
        }
    }

    /// The destination: host, port, and whether to use TLS.
    pub fn destination(&self) -> (&str, u16, bool) {
        let host = self.target.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        let is_tls = self.target.scheme() == "https";
        (host, self.target.port_or_known_default().unwrap_or(if is_tls { 443 } else { 80 }), is_tls)
    }

    /// The address of the camera whose redirect led to the present destination.
    pub fn redirected_from(&self) -> Option<IpAddr> {
        self.redirected_from
    }

    /// The bytes of the next request. The connection is not reused: many cameras close it anyway, some
    /// without announcing it.
    pub fn request(&mut self) -> Vec<u8> {
        let path = &self.target[url::Position::BeforePath..url::Position::AfterQuery];
        let host = &self.target[url::Position::BeforeHost..url::Position::AfterPort];
        let mut personal = Vec::new();
        match (&mut self.authenticator, &self.credentials) {
            (Some(authenticator), Some(credentials)) if may_know(&self.origin, &self.target) => {
                let value = authenticator.authorize(credentials, "GET", path, &mut self.random);
                personal.extend([b"Authorization: ", &value[..], b"\r\n"].concat());
            }
            _ => {}
        }
        if let Some(cookies) = self.cookies.header(&self.target) {
            personal.extend([b"Cookie: ", &cookies[..], b"\r\n"].concat());
        }
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: pinhole/{}\r\n\
             Accept: multipart/x-mixed-replace, image/jpeg, */*;q=0.5\r\nAccept-Encoding: identity\r\n\
             Connection: close\r\n",
            env!("CARGO_PKG_VERSION")
        );
        // The camera's values in a challenge and a cookie may be in any encoding.
        [request.as_bytes(), &personal, b"\r\n"].concat()
    }

    /// Interprets a response from the camera at this address.
    ///
    /// # Errors
    /// Why this response leads to no picture.
    pub fn answered(&mut self, head: &Head, peer: IpAddr) -> Result<Next, NetworkLost> {
        for cookie in &head.cookies {
            self.cookies.take(cookie, &self.target);
        }
        match head.status {
            200 => {
                (self.is_on_trial, self.redirects, self.stale_nonces) = (false, 0, 0);
                content::content(head).map(Next::Read)
            }
            301 | 302 | 303 | 307 | 308 => self.redirected(head, peer),
            401 => self.challenged(head),
            403 => Err(NetworkLost::Forbidden),
            404 | 410 => Err(NetworkLost::NoSuchStream),
            429 | 503 => Err(NetworkLost::Overloaded {
                status: head.status,
                retry_after_seconds: head.retry_after.map(|after| after.as_secs()),
            }),
            status => Err(NetworkLost::Status { status, reason: head.reason.clone() }),
        }
    }
}

#[cfg(test)]
mod tests;
