//! Cookies that a camera sets on the way to its pictures: kept in memory, for the host that set them. RFC
//! 6265, as far as cameras need it.

use std::collections::VecDeque;

use url::Url;

/// Cookies to keep; cameras set one to three. The oldest is dropped first.
const COOKIES_MAX: usize = 16;

/// Bytes of a cookie's name and value. RFC 6265 section 6.1.
const COOKIE_MAX_BYTES: usize = 4096;

/// Bytes of the cookies in one request: cameras' servers accept 4 to 8 KiB of headers.
const SENT_MAX_BYTES: usize = 4096;

/// The cookies of a camera.
#[derive(Default)]
pub struct Jar(VecDeque<Cookie>);

struct Cookie {
    host: String,
    path: String,
    is_secure: bool,
    /// `NAME=VALUE`, byte for byte.
    pair: Vec<u8>,
    name_bytes: usize,
}

impl Jar {
    /// Takes the value of a Set-Cookie header of a response from `url`. Ignores cookies for another host.
    pub fn take(&mut self, set_cookie: &[u8], url: &Url) {
        let Some(host) = url.host_str() else { return };
        let mut parts = set_cookie.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
        let pair = parts.next().unwrap_or_default();
        let Some(name_bytes) = memchr::memchr(b'=', pair).filter(|at| *at > 0) else { return };
        // A line break inside would begin another header.
        if pair.len() > COOKIE_MAX_BYTES || pair.iter().any(u8::is_ascii_control) {
            return;
        }
        let mut cookie = Cookie {
            host: host.to_owned(),
            path: default_path(url.path()).to_owned(),
            is_secure: false,
            pair: pair.to_vec(),
            name_bytes,
        };
        let (mut is_past, mut max_age) = (false, None);
        for part in parts {
            let (name, value) = part.split_at(memchr::memchr(b'=', part).unwrap_or(part.len()));
            let value = String::from_utf8_lossy(value.strip_prefix(b"=").unwrap_or_default());
            let value = value.trim();
            match name.trim_ascii_end().to_ascii_lowercase().as_slice() {
                b"secure" => cookie.is_secure = true,
                b"path" if value.starts_with('/') => value.clone_into(&mut cookie.path),
                b"domain" if !is_within(host, value) => return,
                b"max-age" => max_age = value.parse::<i64>().ok(),
                // A date mostly serves to delete a cookie: usually one in 1970.
                b"expires" => is_past = ["-1970 ", "-70 ", " 1970 "].iter().any(|year| value.contains(year)),
                _ => {}
            }
        }
        if cookie.is_secure && url.scheme() != "https" {
            return;
        }
        self.0.retain(|old| !old.is_same(&cookie));
        if max_age.map_or(!is_past, |seconds| seconds > 0) {
            if self.0.len() == COOKIES_MAX {
                self.0.pop_front();
            }
            self.0.push_back(cookie);
        }
    }

    /// The value of the Cookie header for a request to `url`, if there are cookies for it.
    pub fn header(&self, url: &Url) -> Option<Vec<u8>> {
        let mut header = Vec::new();
        for cookie in self.0.iter().filter(|cookie| cookie.is_for(url)) {
            let separator: &[u8] = if header.is_empty() { b"" } else { b"; " };
            if header.len() + separator.len() + cookie.pair.len() <= SENT_MAX_BYTES {
                header.extend_from_slice(separator);
                header.extend_from_slice(&cookie.pair);
            }
        }
        (!header.is_empty()).then_some(header)
    }
}

impl std::fmt::Debug for Jar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Cookies are as secret as passwords.
        write!(f, "Jar({})", self.0.len())
    }
}

impl Cookie {
    fn is_same(&self, other: &Self) -> bool {
        self.pair[..self.name_bytes] == other.pair[..other.name_bytes]
            && self.host == other.host
            && self.path == other.path
    }

    fn is_for(&self, url: &Url) -> bool {
        let path = url.path();
        let rest = path.strip_prefix(&self.path);
        let fits =
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || self.path.ends_with('/'));
        fits && url.host_str() == Some(&self.host) && (!self.is_secure || url.scheme() == "https")
    }
}

/// RFC 6265 section 5.1.4.
fn default_path(path: &str) -> &str {
    match path.rfind('/') {
        Some(at) if at > 0 => &path[..at],
        _ => "/",
    }
}

/// Whether a host belongs to the domain that a cookie names. RFC 6265 section 5.1.3.
fn is_within(host: &str, domain: &str) -> bool {
    let domain = domain.strip_prefix('.').unwrap_or(domain).to_ascii_lowercase();
    let parent = host.strip_suffix(&domain);
    domain.is_empty() || parent.is_some_and(|parent| parent.is_empty() || parent.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cookies sent to one URL after another has set these.
    fn sent(from: &str, set: &[&str], to: &str) -> Option<String> {
        let mut jar = Jar::default();
        for value in set {
            jar.take(value.as_bytes(), &Url::parse(from).unwrap());
        }
        jar.header(&Url::parse(to).unwrap()).map(|header| String::from_utf8(header).unwrap())
    }

    #[test]
    fn a_cookie_returns_only_to_its_host_and_path() {
        let sent = |set: &[&str], to| sent("http://yard:81/a/login?x", set, to);
        for (set, to, expected) in [
            (&["s=1"][..], "http://yard:82/a/s", Some("s=1")),
            (&["s=1", "t=2; Path=/; HttpOnly", "s=3; SameSite=Lax"], "http://yard/a/s", Some("t=2; s=3")),
            (&["s=1"], "http://yard/b", None),
            (&["s=1"], "http://yard/ab", None),
            (&["s=1;path=/b"], "http://yard/b/c", Some("s=1")),
            (&["s=1; Path=/"], "http://other/", None),
            (&["s=1; Path=/; Domain=.YARD"], "http://yard/", Some("s=1")),
            (&["s=1; Path=/; Domain=other"], "http://yard/", None),
            (&["s=1; Path=/; Domain=ard"], "http://yard/", None),
            (&["s=1; Path=/; Secure"], "https://yard/", None),
            (&["s=1; Path=/", "s=; Max-Age=0; Path=/"], "http://yard/", None),
            (&["s=1; Path=/", "s=; path=/; expires=Thu, 01-Jan-1970 00:00:00 GMT"], "http://yard/", None),
            (
                &["s=1; Path=/; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT"],
                "http://yard/",
                Some("s=1"),
            ),
            (&["=1; Path=/", "s; Path=/", ";", "", "s\r\nX: y=1; Path=/"], "http://yard/", None),
        ] {
            assert_eq!(sent(set, to).as_deref(), expected, "{set:?} {to}");
        }
    }

    #[test]
    fn secure_cookies_are_for_tls() {
        let set = ["s=1; Secure; Path=/"];
        assert_eq!(sent("https://yard/", &set, "https://yard:8443/x").as_deref(), Some("s=1"));
        assert_eq!(sent("https://yard/", &set, "http://yard/x"), None);
    }

    #[test]
    fn bounded() {
        let mut jar = Jar::default();
        let url = Url::parse("http://yard/").unwrap();
        for n in 0..1000 {
            jar.take(format!("n{n}={}", "x".repeat(1000)).as_bytes(), &url);
            jar.take(format!("l{n}={}", "x".repeat(5000)).as_bytes(), &url);
        }
        assert_eq!(jar.0.len(), COOKIES_MAX);
        assert!(jar.header(&url).unwrap().len() <= SENT_MAX_BYTES);
        assert_eq!(format!("{jar:?}"), "Jar(16)");
    }
}
