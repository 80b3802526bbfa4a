//! Tests of requests and statuses, and helpers for the tests of the submodules.

use super::*;

pub(super) const CAMERA: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

impl Conversation {
    pub(super) fn heard(&mut self, head: &Head) -> Result<Next, NetworkLost> {
        self.answered(head, CAMERA)
    }
}

pub(super) fn conversation(url: &str) -> Conversation {
    Conversation::new(&SourceUrl::parse(url, &["http", "https"]).unwrap(), Random::new(1))
}

pub(super) fn redirect(location: &str) -> Head {
    Head { status: 302, location: Some(location.to_owned()), ..Head::default() }
}

pub(super) fn challenge(challenges: &str) -> Head {
    Head { status: 401, challenges: Some(challenges.as_bytes().to_vec()), ..Head::default() }
}

pub(super) fn request(conversation: &mut Conversation) -> String {
    String::from_utf8(conversation.request()).unwrap()
}

pub(super) const JPEG: &str = "image/jpeg";

pub(super) fn good(content_type: &str) -> Head {
    Head { status: 200, content_type: content_type.to_owned(), ..Head::default() }
}

#[test]
fn a_request_suits_cameras() {
    let mut conversation = conversation("http://joe:hu%40sh@[2001:db8::1]:8080/a b?c=d#e");
    let asked = request(&mut conversation);
    assert!(asked.starts_with("GET /a%20b?c=d HTTP/1.1\r\nHost: [2001:db8::1]:8080\r\n"), "{asked}");
    assert!(asked.ends_with("\r\n\r\n") && !asked.contains("Authorization"), "{asked}");
    assert_eq!(conversation.destination(), ("2001:db8::1", 8080, false));
    assert_eq!(self::conversation("https://yard").destination(), ("yard", 443, true));
}

#[test]
fn other_statuses_give_advice() {
    let lost = |head: &Head| conversation("http://joe:hush@yard/s?token=abc").heard(head).unwrap_err();
    let missing = lost(&Head { status: 404, ..Head::default() }).to_string();
    assert!(missing.contains("no stream") && !missing.contains("abc"), "{missing}");
    let busy = Head { status: 503, retry_after: Some(std::time::Duration::from_secs(30)), ..Head::default() };
    assert_eq!(lost(&busy), NetworkLost::Overloaded { status: 503, retry_after_seconds: Some(30) });
    assert_eq!(lost(&Head { status: 403, ..Head::default() }), NetworkLost::Forbidden);
    let page = lost(&good("text/html; charset=utf-8")).to_string();
    assert!(page.contains("text/html") && page.contains("MJPEG"), "{page}");
    assert!(lost(&Head { coding: Some("gzip".to_owned()), ..good(JPEG) }).to_string().contains("gzip"));
}
