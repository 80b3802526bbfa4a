//! Answers authentication challenges, and decides where credentials may be sent.

use url::Url;

use super::{Conversation, Next};
use crate::auth::{self, Authenticator};
use crate::camera::lost::NetworkLost;
use crate::source::http::answer::Head;

/// Maximum repeats of a request with a newer nonce because the camera called the previous one stale.
const STALE_NONCES_MAX: u32 = 2;

impl Conversation {
    /// The next request after a 401, which answers the strongest challenge.
    pub(super) fn challenged(&mut self, head: &Head) -> Result<Next, NetworkLost> {
        if self.credentials.is_none() {
            return Err(NetworkLost::NoCredentials);
        }
        if !may_know(&self.origin, &self.target) {
            let (host, port, _) = self.destination();
            return Err(NetworkLost::Redirected { host: format!("{host}:{port}") });
        }
        // Some cameras send 401 without a challenge, and some a malformed one. Neither asks for Basic, which
        // would give the password away.
        let challenges = head.challenges.as_deref().unwrap_or_default();
        let challenge =
            auth::strongest(challenges).map_err(|offered| NetworkLost::UnknownAuthentication { offered })?;
        let is_news = !std::mem::replace(&mut self.is_on_trial, true);
        if !is_news {
            if !challenge.stale || self.stale_nonces == STALE_NONCES_MAX {
                self.is_on_trial = false;
                self.authenticator = None;
                return Err(NetworkLost::WrongCredentials);
            }
            self.stale_nonces += 1;
        }
        self.authenticator = Some(Authenticator::new(challenge));
        Ok(Next::Ask)
    }
}

/// Whether credentials for `origin` may go to `target`: only to the same host and port, and not unencrypted
/// if they would have been encrypted. Another port may be another machine behind a router.
pub(super) fn may_know(origin: &Url, target: &Url) -> bool {
    origin.host() == target.host()
        && origin.port_or_known_default() == target.port_or_known_default()
        && (target.scheme() == "https" || origin.scheme() == "http")
}

#[cfg(test)]
mod tests {
    use super::super::Content;
    use super::super::tests::{JPEG, challenge, conversation, good, request};
    use super::*;

    #[test]
    fn the_strongest_challenge_is_answered_and_a_wrong_password_is_reported_at_once() {
        let mut conversation = conversation("http://joe:hush@yard/s");
        let asks = challenge(r#"Basic realm="x", Digest realm="x", nonce="n1", qop="auth""#);
        assert_eq!(conversation.heard(&asks), Ok(Next::Ask));
        let asked = request(&mut conversation);
        assert!(asked.contains(r#"Authorization: Digest username="joe""#) && asked.contains(r#"uri="/s""#));
        assert_eq!(conversation.heard(&asks), Err(NetworkLost::WrongCredentials));
    }

    #[test]
    fn stale_nonces_are_renewed_a_few_times() {
        let mut conversation = conversation("http://joe:hush@yard/s");
        let asks = |nonce: u32, stale: bool| {
            challenge(&format!(r#"Digest realm="x", nonce="n{nonce}", stale={stale}"#))
        };
        assert_eq!(conversation.heard(&asks(1, false)), Ok(Next::Ask));
        assert_eq!(conversation.heard(&asks(2, true)), Ok(Next::Ask));
        assert!(request(&mut conversation).contains("nonce=\"n2\""));
        assert_eq!(conversation.heard(&good(JPEG)), Ok(Next::Read(Content::Picture)));
        // Later, the camera has forgotten the nonce without calling it stale.
        assert_eq!(conversation.heard(&asks(3, false)), Ok(Next::Ask));
        for nonce in 4..4 + STALE_NONCES_MAX {
            assert_eq!(conversation.heard(&asks(nonce, true)), Ok(Next::Ask));
        }
        assert_eq!(conversation.heard(&asks(9, true)), Err(NetworkLost::WrongCredentials));
    }

    #[test]
    fn without_credentials_or_a_known_scheme() {
        let mut without = conversation("http://yard/s");
        assert_eq!(without.heard(&challenge("Basic")), Err(NetworkLost::NoCredentials));
        let mut with = conversation("http://joe:hush@yard/s");
        let lost = with.heard(&challenge("Negotiate")).unwrap_err();
        assert_eq!(lost, NetworkLost::UnknownAuthentication { offered: "Negotiate".to_owned() });
    }

    #[test]
    fn the_password_is_not_sent_unless_basic_is_asked_for() {
        for challenges in [None, Some(""), Some("Digest realm=\"a"), Some("Digest realm=\"Basic \"Basic\"\"")]
        {
            let mut conversation = conversation("http://joe:hush@yard/s");
            let asks = Head {
                status: 401,
                challenges: challenges.map(|it| it.as_bytes().to_vec()),
                ..Head::default()
            };
            let lost = conversation.heard(&asks).unwrap_err();
            assert!(matches!(lost, NetworkLost::UnknownAuthentication { .. }), "{challenges:?}: {lost:?}");
            assert!(!request(&mut conversation).contains("Authorization"), "{challenges:?}");
        }
        // A byte not allowed in a header field, so that the challenge is skipped.
        let text =
            b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"\x01\", nonce=\"n\"\r\n\r\n";
        let (head, _) = Head::parse(text).unwrap().unwrap();
        let mut conversation = conversation("http://joe:hush@yard/s");
        let lost = conversation.heard(&head).unwrap_err().to_string();
        assert!(lost.contains("Digest and Basic"), "{lost}");
        assert!(!request(&mut conversation).contains("Authorization"));
    }

    #[test]
    fn credentials_follow_only_to_the_same_host_and_port() {
        let url = |text: &str| Url::parse(text).unwrap();
        assert!(may_know(&url("http://yard:8443/"), &url("https://YARD:8443/")));
        assert!(!may_know(&url("http://yard/"), &url("https://yard/")), "another port");
        assert!(!may_know(&url("https://yard:80/"), &url("http://yard/")), "in the clear");
        assert!(may_know(&url("http://yard/"), &url("http://yard:80/x")));
        assert!(!may_know(&url("http://yard/"), &url("http://yard:81/")));
        assert!(!may_know(&url("https://yard/"), &url("http://yard/")));
    }

    /// Issue 10, number 22.
    #[test]
    fn a_realm_in_another_encoding_is_answered_byte_for_byte() {
        let mut conversation = conversation("http://joe:hush@yard/s");
        let challenges = Some(b"Digest realm=\"\xc9\xe3\xcf\xf1\", nonce=\"n\"".to_vec());
        let asks = Head { status: 401, challenges, ..Head::default() };
        assert_eq!(conversation.heard(&asks), Ok(Next::Ask));
        let (asked, realm) = (conversation.request(), b"realm=\"\xc9\xe3\xcf\xf1\"");
        assert!(asked.windows(realm.len()).any(|window| window == realm), "{}", asked.escape_ascii());
    }
}
