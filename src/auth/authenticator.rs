//! Answers challenges. RFC 7616 (Digest), RFC 7617 (Basic), RFC 2069 if there is no qop.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::Md5;
use sha2::{Digest, Sha256};

use super::challenge::{Challenge, Scheme};
use super::credentials::Credentials;
use crate::random::Random;

/// The challenge in force, and how often its nonce has been used.
#[derive(Debug)]
pub struct Authenticator {
    challenge: Challenge,
    nonce_count: u32,
}

impl Authenticator {
    /// Answers this challenge from now on.
    pub fn new(challenge: Challenge) -> Self {
        Self { challenge, nonce_count: 0 }
    }

    /// The nonce in force, empty with Basic.
    pub fn nonce(&self) -> &[u8] {
        &self.challenge.nonce
    }

    /// The kind of authentication in force.
    pub fn scheme(&self) -> Scheme {
        self.challenge.scheme
    }

    /// The Authorization header for one request, with the camera's parameters byte for byte. `uri` is the
    /// request's, as sent.
    pub fn authorize(
        &mut self,
        credentials: &Credentials,
        method: &str,
        uri: &str,
        random: &mut Random,
    ) -> Vec<u8> {
        if self.challenge.scheme == Scheme::Basic {
            let pair = format!("{}:{}", credentials.username(), credentials.password());
            return format!("Basic {}", STANDARD.encode(pair)).into_bytes();
        }
        self.nonce_count += 1;
        self.digest(credentials, method, uri, &format!("{:016x}", random.number()))
    }

    /// RFC 7616 section 3.4.
    fn digest(&self, credentials: &Credentials, method: &str, uri: &str, cnonce: &str) -> Vec<u8> {
        let Challenge { realm, nonce, .. } = &self.challenge;
        let mut a1 =
            self.hash(&[credentials.username().as_bytes(), realm, credentials.password().as_bytes()]);
        if self.challenge.is_sess {
            a1 = self.hash(&[a1.as_bytes(), nonce, cnonce.as_bytes()]);
        }
        let a2 = self.hash(&[method.as_bytes(), uri.as_bytes()]);
        let count = format!("{:08x}", self.nonce_count);
        let response = if self.challenge.qop_auth {
            let parts: [&[u8]; 6] =
                [a1.as_bytes(), nonce, count.as_bytes(), cnonce.as_bytes(), b"auth", a2.as_bytes()];
            self.hash(&parts)
        } else {
            self.hash(&[a1.as_bytes(), nonce, a2.as_bytes()])
        };
        let username = credentials.username().replace('\\', "\\\\").replace('"', "\\\"");
        let mut parts = vec![
            format!(r#"username="{username}""#).into_bytes(),
            quoted("realm", realm),
            quoted("nonce", nonce),
            format!(r#"uri="{uri}", response="{response}""#).into_bytes(),
        ];
        let algorithm = self.challenge.algorithm.as_ref();
        parts.extend(algorithm.map(|algorithm| format!("algorithm={algorithm}").into_bytes()));
        parts.extend(self.challenge.opaque.as_ref().map(|opaque| quoted("opaque", opaque)));
        if self.challenge.qop_auth {
            parts.push(format!(r#"qop=auth, nc={count}, cnonce="{cnonce}""#).into_bytes());
        } else if self.challenge.is_sess {
            parts.push(format!(r#"cnonce="{cnonce}""#).into_bytes());
        }
        [b"Digest ", &parts.join(&b", "[..])[..]].concat()
    }

    /// The hash of the parts, joined by colons, in hexadecimal.
    fn hash(&self, parts: &[&[u8]]) -> String {
        let text = parts.join(&b':');
        match self.challenge.scheme {
            Scheme::DigestSha256 => hexadecimal(&Sha256::digest(text)),
            _ => hexadecimal(&Md5::digest(text)),
        }
    }
}

/// A parameter with its value as received; escapes in it are kept.
fn quoted(name: &str, value: &[u8]) -> Vec<u8> {
    [name.as_bytes(), b"=\"", value, b"\""].concat()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::super::challenge::strongest;
    use super::*;

    fn text(header: Vec<u8>) -> String {
        String::from_utf8(header).unwrap()
    }

    const URI: &str = "/dir/index.html";

    fn authenticator(challenge: &str) -> Authenticator {
        Authenticator { nonce_count: 1, ..Authenticator::new(strongest(challenge.as_bytes()).unwrap()) }
    }

    /// RFC 7616 section 3.9.1.
    #[test]
    fn the_examples_of_the_rfc() {
        let credentials = Credentials::new("Mufasa", "Circle of Life");
        let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        let nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";
        let opaque = "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS";
        for (algorithm, response) in [
            ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
            ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
        ] {
            let challenge = format!(
                r#"Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={algorithm}, nonce="{nonce}", opaque="{opaque}""#
            );
            let header = text(authenticator(&challenge).digest(&credentials, "GET", URI, cnonce));
            assert!(header.contains(&format!(r#"response="{response}""#)), "{header}");
            assert!(header.ends_with(&format!(r#"qop=auth, nc=00000001, cnonce="{cnonce}""#)));
            assert!(header.contains(&format!("algorithm={algorithm}")));
        }
    }

    /// RFC 2617 section 3.5 has the same hash inputs; without qop as in RFC 2069.
    #[test]
    fn without_qop() {
        let challenge = r#"Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093""#;
        let credentials = Credentials::new("Mufasa", "Circle Of Life");
        let header = text(authenticator(challenge).digest(&credentials, "GET", URI, "x"));
        assert!(header.ends_with(r#"response="670fd8c2df070c60b045671b8b24ff02""#), "{header}");
    }

    #[test]
    fn basic_and_nonce_counts() {
        let mut random = Random::new(1);
        let credentials = Credentials::new("a\"b", "c");
        let mut basic = authenticator("Basic realm=x");
        assert_eq!(basic.authorize(&credentials, "OPTIONS", "*", &mut random), b"Basic YSJiOmM=");
        let mut digest = authenticator(r#"Digest realm="x", nonce="n", qop="auth""#);
        let header = text(digest.authorize(&credentials, "OPTIONS", "*", &mut random));
        assert!(header.contains("nc=00000002") && header.contains(r#"username="a\"b""#), "{header}");
    }

    /// Issue 10, number 22. The response is that of `printf 'joe:Cam\xe9ra:hush' | md5sum`, and so on.
    #[test]
    fn a_realm_is_hashed_and_returned_byte_for_byte() {
        let challenge = strongest(b"Digest realm=\"Cam\xe9ra\", nonce=\"\xb4n\", opaque=\"\xff\"").unwrap();
        let credentials = Credentials::new("joe", "hush");
        let header = Authenticator::new(challenge).digest(&credentials, "GET", "/", "x");
        let has = |part: &[u8]| header.windows(part.len()).any(|window| window == part);
        assert!(has(b"realm=\"Cam\xe9ra\", nonce=\"\xb4n\"") && has(b"opaque=\"\xff\""));
        assert!(has(b"response=\"7f57f1ae3c39ea431a3a8b01b30f7c75\""), "{}", header.escape_ascii());
    }
}
