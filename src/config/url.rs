//! URLs of network cameras. Their secrets are never shown.

use std::fmt;

use url::Url;

/// Bytes of a URL in the configuration.
const URL_MAX_BYTES: usize = 2048;

/// The URL of a network camera, as configured.
///
/// `Display` and `Debug` show scheme and host alone: cameras take passwords and tokens as user and password,
/// in any part of the path and as the value of any name in the query, and no list of names covers them all.
#[derive(Clone, PartialEq, Eq)]
pub struct SourceUrl(Url);

impl SourceUrl {
    /// Accepts a URL that has one of these schemes and a host.
    ///
    /// # Errors
    /// The mistake, without any part of the text, which may hold a password in any place.
    pub fn parse(text: &str, schemes: &[&'static str]) -> Result<Self, String> {
        if text.len() > URL_MAX_BYTES {
            return Err(format!("the URL has {} bytes, at most {URL_MAX_BYTES} are allowed", text.len()));
        }
        let begins = |scheme: &&&str| {
            text.split_once(':').is_some_and(|(written, _)| written.eq_ignore_ascii_case(scheme))
        };
        let Some(scheme) = schemes.iter().find(begins) else {
            return Err(format!("the URL must begin with {}://", schemes.join(":// or ")));
        };
        let how = format!("write {scheme}://USER:PASSWORD@HOST:PORT/PATH");
        // The parser would repair some of them, and take part of a password for the host of others.
        let Some(rest) = text[scheme.len() + 1..].strip_prefix("//") else {
            return Err(format!("the URL does not go on with // after {scheme}:; {how}"));
        };
        if rest.is_empty() || rest.starts_with(['/', '\\', '?', '#']) {
            return Err(format!("the {scheme}:// URL names no host; write {scheme}://HOST/PATH"));
        }
        if let Some((bare, encoded)) = bare_character(text) {
            return Err(format!(
                "the {scheme}:// URL has a bare {bare} in its user name or password; write {encoded} for it"
            ));
        }
        let escapes = "%40 for @, %3A for :, %2F for /, %23 for # and %3F for ? in a password";
        let url = Url::parse(text)
            .map_err(|error| format!("the {scheme}:// URL is wrong: {error}; {how}, with {escapes}"))?;
        if url.host_str().is_none_or(str::is_empty) {
            return Err(format!("the {scheme}:// URL names no host; write {scheme}://HOST/PATH"));
        }
        if url.port() == Some(0) {
            return Err("port must be 1 to 65535, got 0".to_owned());
        }
        Ok(Self(url))
    }

    /// The whole URL, with user and password. For the connecting source only; never show it.
    pub fn expose(&self) -> &Url {
        &self.0
    }

    /// Host name, or address without brackets.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']')
    }

    /// The host in the form to show. A name without a dot may be a user name: an unescaped `/` in a user name
    /// or password makes the rest, with its `@`, part of the path.
    fn shown_host(&self) -> &str {
        if self.may_be_user() { "..." } else { self.0.host_str().unwrap_or_default() }
    }

    /// A default camera name: the host in the form to show.
    pub fn name(&self) -> String {
        if self.may_be_user() { "camera".to_owned() } else { super::slug(self.host()) }
    }

    fn may_be_user(&self) -> bool {
        let is_host = self.host().contains(['.', ':']) || !self.0.username().is_empty();
        !is_host && self.0[url::Position::BeforePath..].contains('@')
    }
}

/// A character in a user name or password that ends their part of the URL, and how to escape it. Such a URL
/// may be valid, and lead to a host that is a piece of the password.
fn bare_character(text: &str) -> Option<(char, &'static str)> {
    let (_, rest) = text.split_once("://")?;
    let at = rest.find(['/', '?', '#', '\\'])?;
    let (authority, tail) = rest.split_at(at);
    let bare = tail.chars().next()?;
    let (before, host) = tail[1..].rsplit_once('@')?;
    // The part in front: USER, USER:PIECE, or USER:PIECE@PIECE if the password contains an @ too.
    let taken_for_host = authority.rsplit('@').next().unwrap_or_default();
    let is_name = |host: &str| {
        let name = host.split(':').next().unwrap_or_default();
        name.contains('.') || host.starts_with('[') || name == "localhost"
    };
    let is_valid = Url::parse(&text[..text.len() - tail.len()]).is_ok();
    let has_password = authority.contains([':', '@']);
    let is_bare = match bare {
        // A fragment would have no effect.
        '#' => true,
        // A path or query may contain an @, but then a host precedes it.
        _ if !is_valid => true,
        // This is the query's.
        '/' if before.contains('?') => false,
        '?' if before.contains('=') => false,
        _ => {
            has_password
                && !is_name(taken_for_host)
                && is_name(host.split(['/', '?']).next().unwrap_or_default())
        }
    };
    is_bare.then_some((
        bare,
        match bare {
            '/' => "%2F",
            '?' => "%3F",
            '#' => "%23",
            _ => "%5C",
        },
    ))
}

impl fmt::Display for SourceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.0.scheme(), self.shown_host())
    }
}

impl fmt::Debug for SourceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        SourceUrl::parse(text, &["rtsp", "http"]).unwrap().to_string()
    }

    #[test]
    fn only_scheme_and_host_are_shown() {
        for (url, expected) in [
            ("rtsp://admin:secret@192.0.2.10:554/cam/realmonitor?channel=1&subtype=1", "rtsp://192.0.2.10"),
            ("http://h/v.cgi?usr=joe&pwd=hush&rate=0", "http://h"),
            ("http://h.example/hush", "http://h.example"),
            ("http://h/live?pin=hush", "http://h"),
            ("http://h/live;code=hush#hush", "http://h"),
            ("rtsp://h/user=admin_password=hush_channel=1_stream=0.sdp?real_stream", "rtsp://h"),
            ("RTSP://joe:hush@[2001:db8::1]:8554/a#hush", "rtsp://[2001:db8::1]"),
            ("rtsp://joe:hu@sh@host/", "rtsp://host"),
            ("rtsp://192.0.2.1/live@1", "rtsp://192.0.2.1"),
        ] {
            assert_eq!(shown(url), expected, "{url}");
        }
        let url = SourceUrl::parse("rtsp://joe:hush@host/", &["rtsp"]).unwrap();
        assert_eq!(format!("{url:?}"), "rtsp://host");
        assert_eq!(url.expose().password(), Some("hush"));
    }

    /// Issue 10, number 22.
    #[test]
    fn an_unescaped_character_in_a_password_is_named_without_its_neighbours() {
        for (url, encoded) in [
            ("rtsp://admin:se#cret@192.0.2.1/live", "%23"),
            ("rtsp://admin:12#34@192.0.2.1/live", "%23"),
            ("rtsp://admin#cret@192.0.2.1/live", "%23"),
            ("rtsp://admin:se/cret@192.0.2.1/live", "%2F"),
            ("rtsp://admin:12/34@192.0.2.1:554/live", "%2F"),
            ("rtsp://admin:12/34@[2001:db8::1]/live", "%2F"),
            ("rtsp://admin:p@12/34@yard.local/live", "%2F"),
            ("http://admin:12?34@192.0.2.1/live", "%3F"),
            ("http://admin:se?cret@yard/live", "%3F"),
            ("rtsp://admin:/secret@yard.local/live", "%2F"),
        ] {
            let error = SourceUrl::parse(url, &["rtsp", "http"]).unwrap_err();
            assert!(error.contains(&format!("write {encoded} for it")), "{url}: {error}");
            for piece in ["cret", "12", "34", "admin", "192", "yard", "se/", "p@"] {
                assert!(!error.contains(piece), "{url}: {error}");
            }
        }
        // An @ alone is unambiguous: the last one ends the password.
        let url = SourceUrl::parse("rtsp://admin:se@cr@et@192.0.2.1/live", &["rtsp"]).unwrap();
        assert_eq!((url.host(), url.expose().password()), ("192.0.2.1", Some("se%40cr%40et")));
        for url in [
            "rtsp://192.0.2.1:554/user@stream.sdp",
            "http://yard.local:80/?mail=joe@example.com",
            "http://yard/stream?mail=joe@example.com",
            "http://yard:8080/stream?to=joe@example.com&x=1",
            "http://joe:hush@192.0.2.1/a@b.c",
            "http://[2001:db8::1]:80/a@b.c",
            "http://yard/a@b.c",
        ] {
            assert!(SourceUrl::parse(url, &["rtsp", "http"]).is_ok(), "{url}");
        }
    }

    #[test]
    fn mistakes_give_the_allowed_form_and_no_part_of_the_url() {
        for (text, part) in [
            ("rtsp://admin:hush#@host/", "bare #"),
            ("rtsp:///x", "names no host"),
            ("http:///hush@host/x", "names no host"),
            ("rtsp:/cam:hush@host/x", "//"),
            ("http:/cam:hush@host/x", "//"),
            ("http:cam:hush@host/x", "//"),
            ("rtsp:\\\\cam:hush@host\\x", "//"),
            ("http:///x", "names no host"),
            ("http:////x", "names no host"),
            ("rtsp://joe:hush@host:0/", "port must be 1 to 65535, got 0"),
            ("http://joe:hush@host:70000/", "invalid port"),
            ("http://", "http://"),
            ("ftp://joe:hush@host/", "rtsp:// or http://"),
            ("hush", "rtsp:// or http://"),
        ] {
            let error = SourceUrl::parse(text, &["rtsp", "http"]).unwrap_err();
            assert!(error.contains(part) && !error.contains("hush"), "{text}: {error}");
        }
        assert!(SourceUrl::parse(&format!("rtsp://{}", "a".repeat(3000)), &["rtsp"]).is_err());
    }
}
