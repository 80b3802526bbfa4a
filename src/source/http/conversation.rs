//! What is asked, and what an answer means: authentication and redirects, without a socket.

use std::net::IpAddr;

use percent_encoding::percent_decode_str;
use url::Url;

use super::answer::Head;
use super::cookies::Jar;
use crate::auth::{self, Authenticator, Credentials};
use crate::camera::lost::{NetworkLost, ProtocolFault};
use crate::config::SourceUrl;
use crate::random::Random;

/// Redirects followed before a camera gave a picture.
const REDIRECTS_MAX: u32 = 5;

/// Times that a request is sent again with a newer nonce because the camera called the one before
/// stale.
const STALE_NONCES_MAX: u32 = 2;

/// Bytes of a boundary. RFC 2046 allows 70.
const BOUNDARY_MAX_BYTES: usize = 256;

/// A conversation with one camera, over as many connections as it takes.
#[derive(Debug)]
pub struct Conversation {
    /// Where the configuration points: whose credentials they are.
    origin: Url,
    /// Where redirects have led.
    target: Url,
    /// The address of the camera that sent us there.
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

/// What follows from an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Ask once more.
    Ask,
    /// Pictures are in its body.
    Read(Content),
}

/// What a body is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Pictures for as long as it lasts, with this boundary.
    Stream(Option<String>),
    /// One picture.
    Picture,
    /// It does not say.
    Unknown,
}

impl Conversation {
    /// A conversation that has not begun.
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

    /// Where to connect to: host, port, and whether by TLS.
    pub fn destination(&self) -> (&str, u16, bool) {
        let host = self.target.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        let is_tls = self.target.scheme() == "https";
        (host, self.target.port_or_known_default().unwrap_or(if is_tls { 443 } else { 80 }), is_tls)
    }

    /// Whose redirect leads to the present destination, where one does.
    pub fn redirected_from(&self) -> Option<IpAddr> {
        self.redirected_from
    }

    /// The bytes of the next request. The connection is not used again: many cameras close it
    /// anyhow, some without saying so.
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
        // The camera's words in a challenge and a cookie may be in any encoding.
        [request.as_bytes(), &personal, b"\r\n"].concat()
    }

    /// What an answer from the camera at this address means.
    ///
    /// # Errors
    /// Why there will be no picture.
    pub fn answered(&mut self, head: &Head, peer: IpAddr) -> Result<Next, NetworkLost> {
        for cookie in &head.cookies {
            self.cookies.take(cookie, &self.target);
        }
        match head.status {
            200 => {
                (self.is_on_trial, self.redirects, self.stale_nonces) = (false, 0, 0);
                content(head).map(Next::Read)
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

    fn redirected(&mut self, head: &Head, peer: IpAddr) -> Result<Next, NetworkLost> {
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
            // Its nonce is of no use there.
            self.authenticator = None;
        }
        self.target = target;
        self.redirected_from = Some(peer);
        Ok(Next::Ask)
    }

    fn challenged(&mut self, head: &Head) -> Result<Next, NetworkLost> {
        if self.credentials.is_none() {
            return Err(NetworkLost::NoCredentials);
        }
        if !may_know(&self.origin, &self.target) {
            let (host, port, _) = self.destination();
            return Err(NetworkLost::Redirected { host: format!("{host}:{port}") });
        }
        // Some cameras answer 401 and nothing else, and some write a challenge that no HTTP reader takes:
        // neither asks for Basic, which would give the password away.
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

/// Takes out what is not sent as part of a request's target.
fn strip(url: &mut Url) {
    // Neither fails on a URL with a host.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_fragment(None);
}

/// Whether credentials for `origin` may be given to `target`: the same host and port, and not in the
/// clear where they would have been encrypted. Another port may be another machine behind a router.
fn may_know(origin: &Url, target: &Url) -> bool {
    origin.host() == target.host()
        && origin.port_or_known_default() == target.port_or_known_default()
        && (target.scheme() == "https" || origin.scheme() == "http")
}

/// What the body is, by its content type.
fn content(head: &Head) -> Result<Content, NetworkLost> {
    if let Some(coding) = &head.coding {
        return Err(ProtocolFault::Compressed { coding: coding.clone() }.into());
    }
    let essence = head.content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        multipart if multipart.starts_with("multipart/") => Ok(Content::Stream(boundary(&head.content_type))),
        // JPEGs one behind the other, as some cameras call them.
        "video/x-motion-jpeg" | "video/mjpeg" | "video/x-mjpeg" | "video/jpeg" | "video/x-jpeg" => {
            Ok(Content::Stream(None))
        }
        "image/jpeg" | "image/jpg" | "image/pjpeg" => Ok(Content::Picture),
        "" | "application/octet-stream" | "binary/octet-stream" => Ok(Content::Unknown),
        _ => {
            let essence = essence.chars().filter(|c| !c.is_control()).take(60).collect();
            Err(NetworkLost::NotMjpeg { offered: essence })
        }
    }
}

/// The parameter `boundary` of a content type, quoted or not.
fn boundary(content_type: &str) -> Option<String> {
    let at = content_type.to_ascii_lowercase().find("boundary=")? + "boundary=".len();
    let value = content_type[at..].trim_start();
    let value = match value.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next(),
        None => value.split([';', ' ', '\t']).next(),
    }?;
    (!value.is_empty() && value.len() <= BOUNDARY_MAX_BYTES).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAMERA: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    impl Conversation {
        fn heard(&mut self, head: &Head) -> Result<Next, NetworkLost> {
            self.answered(head, CAMERA)
        }
    }

    fn conversation(url: &str) -> Conversation {
        Conversation::new(&SourceUrl::parse(url, &["http", "https"]).unwrap(), Random::new(1))
    }

    fn redirect(location: &str) -> Head {
        Head { status: 302, location: Some(location.to_owned()), ..Head::default() }
    }

    fn challenge(challenges: &str) -> Head {
        Head { status: 401, challenges: Some(challenges.as_bytes().to_vec()), ..Head::default() }
    }

    fn request(conversation: &mut Conversation) -> String {
        String::from_utf8(conversation.request()).unwrap()
    }

    const JPEG: &str = "image/jpeg";

    fn good(content_type: &str) -> Head {
        Head { status: 200, content_type: content_type.to_owned(), ..Head::default() }
    }

    #[test]
    fn a_request_is_what_cameras_understand() {
        let mut conversation = conversation("http://joe:hu%40sh@[2001:db8::1]:8080/a b?c=d#e");
        let asked = request(&mut conversation);
        assert!(asked.starts_with("GET /a%20b?c=d HTTP/1.1\r\nHost: [2001:db8::1]:8080\r\n"), "{asked}");
        assert!(asked.ends_with("\r\n\r\n") && !asked.contains("Authorization"), "{asked}");
        assert_eq!(conversation.destination(), ("2001:db8::1", 8080, false));
        assert_eq!(self::conversation("https://yard").destination(), ("yard", 443, true));
    }

    #[test]
    fn the_strongest_challenge_is_answered_and_a_wrong_password_is_told_at_once() {
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
        // Later, the camera has forgotten the nonce and does not say so.
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
        // A challenge with a byte that no field may have, so that it is passed over.
        let text =
            b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"\x01\", nonce=\"n\"\r\n\r\n";
        let (head, _) = Head::parse(text).unwrap().unwrap();
        let mut conversation = conversation("http://joe:hush@yard/s");
        let lost = conversation.heard(&head).unwrap_err().to_string();
        assert!(lost.contains("Digest and Basic"), "{lost}");
        assert!(!request(&mut conversation).contains("Authorization"));
    }

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

    #[test]
    fn credentials_follow_to_the_same_host_and_port_alone() {
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

    #[test]
    fn other_statuses_say_what_to_do() {
        let lost = |head: &Head| conversation("http://joe:hush@yard/s?token=abc").heard(head).unwrap_err();
        let missing = lost(&Head { status: 404, ..Head::default() }).to_string();
        assert!(missing.contains("no stream") && !missing.contains("abc"), "{missing}");
        let busy =
            Head { status: 503, retry_after: Some(std::time::Duration::from_secs(30)), ..Head::default() };
        assert_eq!(lost(&busy), NetworkLost::Overloaded { status: 503, retry_after_seconds: Some(30) });
        assert_eq!(lost(&Head { status: 403, ..Head::default() }), NetworkLost::Forbidden);
        let page = lost(&good("text/html; charset=utf-8")).to_string();
        assert!(page.contains("text/html") && page.contains("MJPEG"), "{page}");
        assert!(lost(&Head { coding: Some("gzip".to_owned()), ..good(JPEG) }).to_string().contains("gzip"));
    }

    #[test]
    fn boundaries() {
        for (content_type, expected) in [
            ("multipart/x-mixed-replace;boundary=frame", Some("frame")),
            ("multipart/x-mixed-replace; charset=x; Boundary=\"a b;c\"; y", Some("a b;c")),
            ("Multipart/x-mixed-replace; boundary=--frame ; x", Some("--frame")),
            ("multipart/mixed; boundary=\"", None),
            ("multipart/x-mixed-replace", None),
        ] {
            let Ok(Next::Read(Content::Stream(boundary))) =
                conversation("http://yard").heard(&good(content_type))
            else {
                panic!("{content_type}")
            };
            assert_eq!(boundary.as_deref(), expected, "{content_type}");
        }
        assert_eq!(content(&good("")), Ok(Content::Unknown));
        assert_eq!(content(&good("video/x-motion-jpeg")), Ok(Content::Stream(None)));
    }
}
