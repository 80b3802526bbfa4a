//! The requests that a session sends. RFC 2326 section 10.

use rtsp_types::{HeaderName, HeaderValue, Method, Request, Version, headers};
use url::Url;

use super::{Output, Session, State, Step};
use crate::clock::Monotonic;
use crate::rtsp::limits::{ANSWER_MAX, PENDING_MAX};
use crate::rtsp::{Failed, Transport, transport};

/// Some cameras answer 401 to requests without it.
const USER_AGENT: &str = concat!("Pinhole/", env!("CARGO_PKG_VERSION"));

/// An unanswered request.
#[derive(Debug)]
pub(super) struct Pending {
    pub cseq: u32,
    pub method: Method,
    pub url: Url,
    extra: Vec<(HeaderName, String)>,
    /// False for keep-alives and teardowns: the session does not wait for the answer.
    pub is_awaited: bool,
    sent: Monotonic,
    /// The nonce of its authorization.
    pub nonce: Option<Vec<u8>>,
    /// How often it was repeated because of a challenge.
    pub retries: u32,
}

impl Pending {
    pub fn name(&self) -> &'static str {
        name(&self.method)
    }

    /// Whether it was repeated to answer a challenge.
    pub fn is_authorized_again(&self) -> bool {
        self.retries > 0
    }
}

/// A method's name for messages.
pub(super) fn name(method: &Method) -> &'static str {
    match method {
        Method::Options => "OPTIONS",
        Method::Describe => "DESCRIBE",
        Method::Setup => "SETUP",
        Method::Play => "PLAY",
        Method::GetParameter => "GET_PARAMETER",
        Method::Teardown => "TEARDOWN",
        _ => "request",
    }
}

impl Session {
    pub(super) fn send_options(&mut self, now: Monotonic) {
        self.send(Method::Options, self.target.url().clone(), Vec::new(), true, now);
    }

    pub(super) fn send_describe(&mut self, now: Monotonic) {
        let accept = vec![(headers::ACCEPT, "application/sdp".to_owned())];
        self.send(Method::Describe, self.target.url().clone(), accept, true, now);
    }

    /// Requests the media over the current transport; for UDP, first requests local ports.
    pub(super) fn send_setup(&mut self, now: Monotonic) {
        if self.transport == Transport::Udp && self.our_rtp_port == 0 {
            self.outputs.push_back(Output::OpenUdp);
            return;
        }
        let offer = transport::offer(self.transport, self.our_rtp_port);
        let extra = vec![(headers::TRANSPORT, offer)];
        self.send(Method::Setup, self.media_url.clone(), extra, true, now);
    }

    pub(super) fn send_play(&mut self, url: Url, now: Monotonic) {
        let range = vec![(headers::RANGE, "npt=0.000-".to_owned())];
        self.send(Method::Play, url, range, true, now);
    }

    pub(super) fn send_keep_alive(&mut self, now: Monotonic) {
        let method = if self.has_get_parameter { Method::GetParameter } else { Method::Options };
        self.send(method, self.aggregate_url.clone(), Vec::new(), false, now);
        self.keep_alive_due = Some(now + self.keep_alive_interval());
    }

    pub(super) fn send_teardown(&mut self, now: Monotonic) {
        self.send(Method::Teardown, self.aggregate_url.clone(), Vec::new(), false, now);
    }

    /// Repeats a challenged request.
    pub(super) fn send_again(&mut self, pending: Pending, now: Monotonic) {
        let Pending { method, url, extra, is_awaited, retries, .. } = pending;
        self.send(method, url, extra, is_awaited, now);
        if let Some(again) = self.pending.back_mut() {
            again.retries = retries + 1;
        }
    }

    /// When the awaited answer is overdue.
    pub(super) fn answer_deadline(&self) -> Option<Monotonic> {
        self.pending
            .iter()
            .filter(|pending| pending.is_awaited)
            .map(|pending| pending.sent + ANSWER_MAX)
            .min()
    }

    pub(super) fn check_answers(&mut self, now: Monotonic) {
        if self.answer_deadline().is_none_or(|deadline| now < deadline) {
            return;
        }
        let overdue = self.pending.iter().position(|pending| pending.is_awaited);
        let Some(pending) = overdue.and_then(|at| self.pending.remove(at)) else { return };
        if pending.method == Method::Play && self.has_data() {
            // Data arrive: playing without the answer beats reconnecting.
            self.playing(now);
        } else {
            self.fail(Failed::NoAnswer { method: pending.name(), after: ANSWER_MAX }, now);
        }
    }

    fn send(
        &mut self,
        method: Method,
        url: Url,
        extra: Vec<(HeaderName, String)>,
        is_awaited: bool,
        now: Monotonic,
    ) {
        if is_awaited {
            self.step = Step::Asking(name(&method));
        }
        self.cseq = self.cseq.wrapping_add(1);
        let mut request = Request::builder(method.clone(), Version::V1_0)
            .request_uri(url.clone())
            .header(headers::CSEQ, self.cseq.to_string())
            .header(headers::USER_AGENT, USER_AGENT);
        if let Some(id) = &self.id {
            request = request.header(headers::SESSION, HeaderValue::from(id.as_str()));
        }
        for (name, value) in &extra {
            request = request.header(name.clone(), value.as_str());
        }
        let mut bytes = Vec::new();
        // Writing to memory cannot fail.
        let _ = request.empty().write(&mut bytes);
        let mut nonce = None;
        if let Some(authorization) = self.authorization(&method, &url) {
            // The camera's words in it may be in any encoding. Insert it before the empty line.
            bytes.truncate(bytes.len() - 2);
            bytes.extend([b"Authorization: ", &authorization[..], b"\r\n\r\n"].concat());
            nonce = self.authenticator.as_ref().map(|authenticator| authenticator.nonce().to_owned());
        }
        self.outputs.push_back(Output::Send(bytes));
        self.remember(Pending {
            cseq: self.cseq,
            method,
            url,
            extra,
            is_awaited,
            sent: now,
            nonce,
            retries: 0,
        });
    }

    /// The answer to the current challenge, unless the target must not get the password.
    fn authorization(&mut self, method: &Method, url: &Url) -> Option<Vec<u8>> {
        let credentials = self.credentials.as_ref()?;
        if !self.origin.shares_credentials_with(&self.target) {
            return None;
        }
        let method: &str = method.into();
        Some(self.authenticator.as_mut()?.authorize(credentials, method, url.as_str(), &mut self.random))
    }

    fn remember(&mut self, pending: Pending) {
        if self.pending.len() >= PENDING_MAX
            && let Some(at) = self.pending.iter().position(|pending| !pending.is_awaited)
        {
            self.pending.remove(at);
        }
        self.pending.push_back(pending);
    }

    /// Whether an answer is awaited.
    pub(super) fn is_negotiating(&self) -> bool {
        self.state == State::Negotiating
    }
}
