//! Redirects: how many to follow, and where they may lead.

use std::net::IpAddr;

use url::Url;

use super::{Conversation, Next};
use crate::camera::lost::{NetworkLost, ProtocolFault};
use crate::source::http::answer::Head;

/// Redirects to follow before a camera delivers a picture.
const REDIRECTS_MAX: u32 = 5;

impl Conversation {
    /// The next request after a redirect by the camera at this address.
    pub(super) fn redirected(&mut self, head: &Head, peer: IpAddr) -> Result<Next, NetworkLost> {
        if self.redirects == REDIRECTS_MAX {
            return Err(ProtocolFault::TooManyRedirects { max: REDIRECTS_MAX }.into());
        }
        self.redirects += 1;
        let nowhere = || NetworkLost::from(ProtocolFault::RedirectToNowhere);
        let location = head.location.as_deref().ok_or_else(nowhere)?;
        let mut target = self.target.join(location).map_err(|_| nowhere())?;
        if !matches!(target.scheme(), "http" | "https") || target.host_str().is_none_or(str::is_empty) {
            return Err(nowhere());
        }
        if self.target.scheme() == "https" && target.scheme() != "https" {
            return Err(ProtocolFault::RedirectUnencrypted.into());
        }
        strip(&mut target);
        if target.origin() != self.target.origin() {
            // Its nonce is useless there.
            self.authenticator = None;
        }
        self.target = target;
        self.redirected_from = Some(peer);
        Ok(Next::Ask)
    }
}

/// Removes the parts that are not sent in a request's target.
pub(super) fn strip(url: &mut Url) {
    // Neither can fail on a URL with a host.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_fragment(None);
}

#[cfg(test)]
mod tests {
    use super::super::tests::{CAMERA, challenge, conversation, redirect, request};
    use super::*;

    #[test]
    fn redirects_are_followed_and_credentials_stay_at_home() {
        let mut conversation = conversation("http://joe:hush@yard/s");
        assert_eq!(conversation.heard(&challenge("Basic realm=x")), Ok(Next::Ask));
        assert_eq!(conversation.heard(&redirect("/live?x=1")), Ok(Next::Ask));
        let asked = request(&mut conversation);
        assert!(asked.starts_with("GET /live?x=1 ") && asked.contains("Authorization: Basic"), "{asked}");
        assert_eq!(conversation.heard(&redirect("http://eve:evil@other/live")), Ok(Next::Ask));
        assert!(!request(&mut conversation).contains("Authorization"));
        let lost = conversation.heard(&challenge("Basic realm=x")).unwrap_err().to_string();
        assert!(lost.contains("other:80") && !lost.contains("hush") && !lost.contains("eve"), "{lost}");
        assert_eq!(conversation.destination().0, "other");
        assert_eq!(conversation.redirected_from(), Some(CAMERA));
    }

    /// Issue 10, number 22.
    #[test]
    fn a_cookie_set_with_a_redirect_goes_along_to_the_same_host_only() {
        let mut conversation = conversation("http://joe:hush@yard/login");
        let with_cookie = |location: &str, cookie: &str| Head {
            cookies: vec![cookie.as_bytes().to_vec()],
            ..redirect(location)
        };
        assert_eq!(conversation.heard(&with_cookie("/stream", "id=42; Path=/")), Ok(Next::Ask));
        let asked = request(&mut conversation);
        assert!(asked.starts_with("GET /stream ") && asked.contains("\r\nCookie: id=42\r\n"), "{asked}");
        assert_eq!(conversation.heard(&with_cookie("http://other/s", "id=43; Path=/")), Ok(Next::Ask));
        assert!(!request(&mut conversation).contains("Cookie"));
        assert_eq!(conversation.heard(&redirect("http://yard:8080/s")), Ok(Next::Ask));
        assert!(request(&mut conversation).contains("\r\nCookie: id=43\r\n"));
        assert!(!format!("{conversation:?}").contains("id="));
    }

    #[test]
    fn redirects_that_lead_nowhere() {
        let mut circle = conversation("http://yard/s");
        for _ in 0..REDIRECTS_MAX {
            assert_eq!(circle.heard(&redirect("/s")), Ok(Next::Ask));
        }
        assert!(circle.heard(&redirect("/s")).unwrap_err().to_string().contains("more than 5"));
        let lost = |url: &str, head: &Head| conversation(url).heard(head).unwrap_err().to_string();
        for location in ["ftp://yard/", "http://", "data:,x"] {
            assert!(lost("http://yard/", &redirect(location)).contains("to nowhere"), "{location}");
        }
        assert!(lost("http://yard/", &Head { status: 301, ..Head::default() }).contains("to nowhere"));
        assert!(lost("https://yard/", &redirect("http://yard/")).contains("not encrypted"));
    }
}
