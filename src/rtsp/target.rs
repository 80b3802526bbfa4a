//! URLs: the user's, and those derived from what cameras send.

use std::fmt;

use percent_encoding::percent_decode_str;
use url::Url;

use super::Credentials;
use super::limits::URL_MAX_BYTES;

/// The port of `rtsp:`. RFC 2326 section 3.2.
const PORT: u16 = 554;
/// The port of `rtsps:`. RFC 7826 section 4.2.
const TLS_PORT: u16 = 322;

/// A camera's URL, without the credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    url: Url,
}

/// Why a URL is not a camera's. Repeats nothing that could be secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UrlError {
    /// It does not parse.
    Invalid(url::ParseError),
    /// The scheme is neither `rtsp://` nor `rtsps://`.
    Scheme,
    /// There is no host.
    NoHost,
    /// It is longer than [`URL_MAX_BYTES`].
    TooLong(usize),
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(error) => {
                write!(f, "bad rtsp url: {error} (write special characters of a password as %XX)")
            }
            Self::Scheme => write!(f, "bad rtsp url: must begin with rtsp:// or rtsps://"),
            Self::NoHost => write!(f, "bad rtsp url: no host"),
            Self::TooLong(bytes) => write!(f, "bad rtsp url: {bytes} bytes, at most {URL_MAX_BYTES}"),
        }
    }
}

impl std::error::Error for UrlError {}

impl Target {
    /// Splits a URL. User name and password may be percent-encoded.
    pub fn parse(text: &str) -> Result<(Self, Option<Credentials>), UrlError> {
        if text.len() > URL_MAX_BYTES {
            return Err(UrlError::TooLong(text.len()));
        }
        let mut url = Url::parse(text).map_err(UrlError::Invalid)?;
        if !matches!(url.scheme(), "rtsp" | "rtsps") {
            return Err(UrlError::Scheme);
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(UrlError::NoHost);
        }
        let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let credentials = (!url.username().is_empty())
            .then(|| Credentials::new(decode(url.username()), decode(url.password().unwrap_or_default())));
        // Neither fails on a URL with a host.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.set_fragment(None);
        Ok((Self { url }, credentials))
    }

    /// The URL without credentials.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The host name, or address without brackets.
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']')
    }

    /// The port to connect to.
    pub fn port(&self) -> u16 {
        self.url.port().unwrap_or(if self.is_tls() { TLS_PORT } else { PORT })
    }

    /// HOST:PORT, an IPv6 address in brackets.
    pub(super) fn address(&self) -> String {
        format!("{}:{}", self.url.host_str().unwrap_or_default(), self.port())
    }

    /// Whether to connect by TLS.
    pub fn is_tls(&self) -> bool {
        self.url.scheme() == "rtsps"
    }

    /// The target of a redirect. Credentials in it are ignored. RFC 2326 requires a full URL; some servers
    /// send a path, or what follows the last `/`.
    pub(super) fn redirected(&self, location: &str) -> Option<Self> {
        let location = location.trim();
        if location.is_empty() || location.starts_with("//") {
            return None;
        }
        let is_whole =
            location.split_once("://").is_some_and(|(scheme, _)| !scheme.contains(['/', '?', '#']));
        let target = if is_whole { location.to_owned() } else { self.url.join(location).ok()?.to_string() };
        Self::parse(&target).ok().map(|(target, _)| target)
    }

    /// Whether `other` may get these credentials: the same host and port, and not unencrypted if they were
    /// encrypted. Another port may be another machine behind a router.
    pub(super) fn shares_credentials_with(&self, other: &Self) -> bool {
        self.is_at(other) && (other.is_tls() || !self.is_tls())
    }

    /// Whether the other has the same host and port.
    pub(super) fn is_at(&self, other: &Self) -> bool {
        self.host().eq_ignore_ascii_case(other.host()) && self.port() == other.port()
    }
}

/// The base for control attributes. RFC 2326 section C.1.1: Content-Base, Content-Location, or the request's
/// URL. Cameras write `rtsp://rtsp://...`, omit the scheme, or write IPv6 without brackets. What still does
/// not parse after repairing common mistakes is ignored.
pub(super) fn base(request: &Url, content_base: Option<&str>, content_location: Option<&str>) -> Url {
    [content_base, content_location].into_iter().flatten().find_map(mend).unwrap_or_else(|| request.clone())
}

fn mend(text: &str) -> Option<Url> {
    let text = text.split(',').next().unwrap_or_default().trim();
    let mut rest = text;
    while let Some(tail) = strip_scheme(rest) {
        rest = tail;
    }
    if rest.len() == text.len() || rest.is_empty() {
        return None; // No scheme: not worth guessing what it is relative to.
    }
    let scheme = if text[..5].eq_ignore_ascii_case("rtsps") { "rtsps" } else { "rtsp" };
    absolute(&format!("{scheme}://{rest}"))
}

fn strip_scheme(text: &str) -> Option<&str> {
    ["rtsp://", "rtsps://"].into_iter().find_map(|scheme| {
        let head = text.get(..scheme.len())?;
        head.eq_ignore_ascii_case(scheme).then(|| &text[scheme.len()..])
    })
}

fn absolute(text: &str) -> Option<Url> {
    Target::parse(text).ok().map(|(target, _)| target.url)
}

/// The URL of a control attribute, joined by appending, like live555 and FFmpeg, as cameras therefore expect,
/// not by RFC 3986: `rtsp://host/cam?channel=1` and `trackID=0` give `rtsp://host/cam?channel=1/trackID=0`.
/// `None` if that is not a valid URL.
pub(super) fn join(base: &Url, control: Option<&str>) -> Option<Url> {
    let control = control.map(str::trim).unwrap_or_default();
    if control.is_empty() || control == "*" {
        return Some(base.clone());
    }
    if strip_scheme(control).is_some() {
        return mend(control);
    }
    let base = base.as_str();
    // Some servers take a double slash for another path.
    let joined = match (base.ends_with('/'), control.starts_with('/')) {
        (true, true) => format!("{base}{}", &control[1..]),
        (false, false) => format!("{base}/{control}"),
        _ => format!("{base}{control}"),
    };
    absolute(&joined)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn credentials_are_taken_out_and_decoded() {
        let (target, credentials) = Target::parse("rtsp://admin:p%40ss@192.0.2.1/a?b=c#d").unwrap();
        assert_eq!(target.url().as_str(), "rtsp://192.0.2.1/a?b=c");
        assert_eq!(credentials, Some(Credentials::new("admin", "p@ss")));
        assert_eq!((target.host(), target.port(), target.is_tls()), ("192.0.2.1", 554, false));
        let (target, credentials) = Target::parse("rtsps://[2001:db8::1]").unwrap();
        assert_eq!((target.host(), target.port(), target.is_tls()), ("2001:db8::1", 322, true));
        assert_eq!((credentials, target.address()), (None, "[2001:db8::1]:322".to_owned()));
    }

    #[test]
    fn errors_do_not_repeat_the_url() {
        let error = Target::parse("rtsp://admin:secret/word@host:99999999/").unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
        assert_eq!(Target::parse("http://host/"), Err(UrlError::Scheme));
        assert_eq!(Target::parse("rtsp:///x"), Err(UrlError::NoHost));
        assert_eq!(Target::parse(&format!("rtsp://{}", "a".repeat(3000))), Err(UrlError::TooLong(3007)));
    }

    #[test]
    fn malformed_bases() {
        let request = url("rtsp://host/cam?a=1");
        for (text, expected) in [
            ("rtsp://host/cam/", "rtsp://host/cam/"),
            ("rtsp://rtsp://host:554/cam/", "rtsp://host:554/cam/"),
            ("rtsp://u:p@host/cam/", "rtsp://host/cam/"),
            ("host/cam/", "rtsp://host/cam?a=1"),
            ("rtsp://fe80::1:2:554/cam/", "rtsp://host/cam?a=1"),
            ("", "rtsp://host/cam?a=1"),
            ("rtsp://", "rtsp://host/cam?a=1"),
        ] {
            assert_eq!(base(&request, Some(text), None).as_str(), expected, "{text}");
        }
        assert_eq!(base(&request, None, Some("rtsp://host/b")).as_str(), "rtsp://host/b");
    }

    #[test]
    fn controls_are_appended() {
        for (base, control, expected) in [
            ("rtsp://host/cam/", "trackID=0", "rtsp://host/cam/trackID=0"),
            ("rtsp://host/cam", "trackID=0", "rtsp://host/cam/trackID=0"),
            ("rtsp://host/cam?a=1&b=2", "trackID=0", "rtsp://host/cam?a=1&b=2/trackID=0"),
            ("rtsp://host/cam/", "/trackID=0", "rtsp://host/cam/trackID=0"),
            ("rtsp://host/cam/", "*", "rtsp://host/cam/"),
            ("rtsp://host/cam/", "rtsp://10.0.0.1/x/track1", "rtsp://10.0.0.1/x/track1"),
            ("rtsp://host/cam/", "rtsp://u:p@host/track1", "rtsp://host/track1"),
            ("rtsp://host/cam/", "?ctype=video", "rtsp://host/cam/?ctype=video"),
        ] {
            assert_eq!(join(&url(base), Some(control)).unwrap().as_str(), expected);
        }
        assert_eq!(join(&url("rtsp://host/a"), None).unwrap().as_str(), "rtsp://host/a");
        assert_eq!(join(&url("rtsp://host/a"), Some("rtsp://")), None);
    }

    #[test]
    fn redirects() {
        let (from, _) = Target::parse("rtsps://host/a").unwrap();
        let to = |location: &str| from.redirected(location).unwrap();
        assert!(from.shares_credentials_with(&to("rtsps://HOST:322/b")));
        assert!(!from.shares_credentials_with(&to("rtsps://host:8554/b")));
        let (plain, _) = Target::parse("rtsp://host:322/a").unwrap();
        assert!(plain.shares_credentials_with(&from) && !from.shares_credentials_with(&plain));
        assert!(from.shares_credentials_with(&to("/b?c")));
        assert_eq!(to("/b?c").url().as_str(), "rtsps://host/b?c");
        assert_eq!(to("b?c").url().as_str(), "rtsps://host/b?c");
        assert_eq!(to("/b?c=rtsp://x/").url().as_str(), "rtsps://host/b?c=rtsp://x/");
        let (deep, _) = Target::parse("rtsp://u:p@host:8554/a/b?c").unwrap();
        assert_eq!(deep.redirected("d").unwrap().url().as_str(), "rtsp://host:8554/a/d");
        assert_eq!(from.redirected(""), None);
        assert_eq!(from.redirected("host:554/b"), None);
        assert!(!from.shares_credentials_with(&to("rtsp://host/b")));
        assert!(!from.shares_credentials_with(&to("rtsps://other/b")));
        assert_eq!(from.redirected("http://host/"), None);
        assert_eq!(from.redirected("//"), None);
    }
}
