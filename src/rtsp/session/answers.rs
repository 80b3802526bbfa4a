//! Handles the camera's answers. RFC 2326 sections 7 and 10.

use rtsp_types::{HeaderName, Method, Response, headers};

use super::requests::Pending;
use super::{Event, Session, State};
use crate::auth::{self, Authenticator, Challenge};
use crate::clock::Monotonic;
use crate::rtsp::limits::{
    BODY_MAX_BYTES, HEAD_MAX_BYTES, REDIRECTS_MAX, SERVER_MAX_CHARS, STALE_NONCES_MAX,
};
use crate::rtsp::message::{challenges, cseq, header, status};
use crate::rtsp::{Description, Error, Failed, Refused, target};

type Answer = Response<Vec<u8>>;

impl Session {
    /// Handles an answer that cannot be read.
    pub(super) fn head_too_long(&mut self, now: Monotonic) {
        if let Some(pending) = self.pending.iter().find(|pending| pending.is_awaited) {
            let what = format!("the head of its answer to {}", pending.name());
            self.fail(Failed::TooLarge { what, bytes: None, max: HEAD_MAX_BYTES }, now);
        }
    }

    /// Handles a response; `too_large` is the size of a body that was not read.
    pub(super) fn response(&mut self, response: &Answer, too_large: Option<u64>, now: Monotonic) {
        let status = status(response.status());
        if status < 200 {
            return; // Continue.
        }
        if let Some(server) = header(response, &headers::SERVER) {
            self.server = Some(server.chars().take(SERVER_MAX_CHARS).collect());
        }
        let Some(pending) = self.take_pending(cseq(header(response, &headers::CSEQ))) else {
            self.counters.stray_responses += 1;
            return;
        };
        if let State::TearingDown { .. } = self.state {
            if pending.method == Method::Teardown {
                self.end(Ok(()));
            }
            return;
        }
        let result = match status {
            // Bodies of other answers do not matter.
            200..=299 if too_large.is_some() && pending.method == Method::Describe => {
                let what = "its session description (SDP)".to_owned();
                Err(Failed::TooLarge { what, bytes: too_large, max: BODY_MAX_BYTES }.into())
            }
            401 => self.unauthorized(pending, response, now),
            301..=303 | 305 | 307 | 308 if self.is_negotiating() => self.redirect(response, now),
            _ => self.answered(&pending, status, response, now),
        };
        if let Err(error) = result {
            self.fail(error, now);
        }
    }

    /// The request of a response. Some cameras omit the number: then the oldest.
    fn take_pending(&mut self, cseq: Option<u32>) -> Option<Pending> {
        let at = match cseq {
            Some(cseq) => self.pending.iter().position(|pending| pending.cseq == cseq)?,
            None => 0,
        };
        self.pending.remove(at)
    }

    fn answered(
        &mut self,
        pending: &Pending,
        status: u16,
        response: &Answer,
        now: Monotonic,
    ) -> Result<(), Error> {
        let success = (200..300).contains(&status);
        match pending.method {
            _ if !pending.is_awaited => self.keep_alive_answered(pending, status),
            Method::Options => {
                // Some cameras answer 404 or 405: only DESCRIBE matters.
                self.options_answered(response);
                self.send_describe(now);
                Ok(())
            }
            Method::Setup if status == 461 => {
                self.try_other_transport(now);
                Ok(())
            }
            // Some cameras accept only the media's URL, not the session's own.
            Method::Play if !success && pending.url != self.media_url && is_url_problem(status) => {
                self.send_play(self.media_url.clone(), now);
                Ok(())
            }
            _ if !success => Err(failure(pending, status, response)),
            Method::Describe => self.described(response, now),
            Method::Setup => {
                self.set_up(response, now);
                Ok(())
            }
            Method::Play => {
                self.note_session(response);
                self.playing(now);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn options_answered(&mut self, response: &Answer) {
        let has = |name: &HeaderName| {
            let list = header(response, name).unwrap_or_default();
            list.split([',', ' ']).any(|method| method == "GET_PARAMETER")
        };
        self.has_get_parameter = has(&headers::PUBLIC) || has(&headers::ALLOW);
    }

    fn keep_alive_answered(&mut self, pending: &Pending, status: u16) -> Result<(), Error> {
        match (status, &pending.method) {
            (454, _) => Err(Failed::SessionLost.into()),
            // Advertised, but not implemented.
            (400.., Method::GetParameter) => {
                self.has_get_parameter = false;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// RFC 2326 section 10.2, appendix C.
    fn described(&mut self, response: &Answer, now: Monotonic) -> Result<(), Error> {
        let description = Description::parse(response.body());
        self.counters.media_skipped = description.media_skipped;
        let base = target::base(
            self.target.url(),
            header(response, &headers::CONTENT_BASE),
            header(response, &headers::CONTENT_LOCATION),
        );
        let offered = || {
            let is_empty = response.body().is_empty();
            if is_empty { "an empty session description".to_owned() } else { description.offered() }
        };
        let media = description.video().cloned().ok_or_else(|| Failed::NoVideo { offered: offered() })?;
        self.media_url = target::join(&base, media.control.as_deref()).ok_or(Failed::BadControl)?;
        self.aggregate_url = target::join(&base, description.control.as_deref()).unwrap_or(base);
        self.media = Some(media);
        self.event(Event::Described(description));
        self.send_setup(now);
        Ok(())
    }

    /// RFC 2326 section 11.3, RFC 7826 section 18.7: repeats the request at another URL.
    fn redirect(&mut self, response: &Answer, now: Monotonic) -> Result<(), Error> {
        let location = header(response, &headers::LOCATION).unwrap_or_default();
        let target = self.target.redirected(location).ok_or(Failed::BadRedirect)?;
        self.redirects += 1;
        if self.redirects > REDIRECTS_MAX {
            return Err(Failed::TooManyRedirects.into());
        }
        if self.target.is_tls() && !target.is_tls() {
            return Err(Failed::Unencrypted.into());
        }
        if !target.is_at(&self.target) {
            // Its nonce is useless there.
            self.authenticator = None;
        }
        (self.aggregate_url, self.media_url) = (target.url().clone(), target.url().clone());
        self.target = target;
        self.connect(true, now);
        Ok(())
    }

    /// RFC 7235 section 3.1. A camera that refuses a fresh answer to its own challenge has another password;
    /// trying again would make it lock the account.
    fn unauthorized(&mut self, pending: Pending, response: &Answer, now: Monotonic) -> Result<(), Error> {
        let challenge =
            auth::strongest(&challenges(response)).map_err(|offered| Refused::NoScheme { offered })?;
        let realm = challenge.shown_realm();
        if self.credentials.is_none() {
            return Err(Refused::NoCredentials { realm }.into());
        }
        if !self.origin.shares_credentials_with(&self.target) {
            return Err(Refused::OtherHost { host: self.target.address() }.into());
        }
        if !may_try_again(&pending, &challenge) {
            return Err(Refused::WrongCredentials { realm }.into());
        }
        self.authenticator = Some(Authenticator::new(challenge));
        self.send_again(pending, now);
        Ok(())
    }
}

/// Whether a challenge is new: the first one, a newer nonce for a request with an older one, or one marked
/// stale.
fn may_try_again(pending: &Pending, challenge: &Challenge) -> bool {
    match &pending.nonce {
        None => true,
        Some(_) if challenge.stale => pending.retries <= STALE_NONCES_MAX,
        Some(nonce) => pending.retries == 0 && !challenge.nonce.is_empty() && *nonce != challenge.nonce,
    }
}

/// Statuses of cameras for a URL that they do not expect (RFC 2326 section 11.3).
fn is_url_problem(status: u16) -> bool {
    matches!(status, 400 | 404 | 405 | 454 | 455 | 459 | 460)
}

fn failure(pending: &Pending, status: u16, response: &Answer) -> Error {
    let method = pending.name();
    match status {
        403 => Refused::Forbidden { method }.into(),
        404 => Failed::NotFound { method }.into(),
        454 => Failed::SessionLost.into(),
        _ => Failed::Status { method, status, reason: response.reason_phrase().to_owned() }.into(),
    }
}
