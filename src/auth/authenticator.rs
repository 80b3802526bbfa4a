//! Answers challenges. RFC 7616 (Digest), RFC 7617 (Basic), RFC 2069 where there is no qop.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::Md5;
use sha2::{Digest, Sha256};

use super::challenge::{Challenge, Scheme};
use super::credentials::Credentials;
use crate::random::Random;

/// The challenge in force, and how often its nonce was used.
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
    pub fn nonce(&self) -> &str {
        &self.challenge.nonce
    }

    /// The kind of authentication in force.
    pub fn scheme(&self) -> Scheme {
        self.challenge.scheme
    }

    /// The Authorization header for one request. `uri` is the request's, as it is sent.
    pub fn authorize(
        &mut self,
        credentials: &Credentials,
        method: &str,
        uri: &str,
        random: &mut Random,
    ) -> String {
        if self.challenge.scheme == Scheme::Basic {
            let pair = format!("{}:{}", credentials.username(), credentials.password());
            return format!("Basic {}", STANDARD.encode(pair));
        }
        self.nonce_count += 1;
        self.digest(credentials, method, uri, &format!("{:016x}", random.number()))
    }

    /// RFC 7616 section 3.4.
    fn digest(&self, credentials: &Credentials, method: &str, uri: &str, cnonce: &str) -> String {
        let Challenge { realm, nonce, .. } = &self.challenge;
        let mut a1 = self.hash(&[credentials.username(), realm, credentials.password()]);
        if self.challenge.is_sess {
            a1 = self.hash(&[&a1, nonce, cnonce]);
        }
        let a2 = self.hash(&[method, uri]);
        let count = format!("{:08x}", self.nonce_count);
        let response = if self.challenge.qop_auth {
            self.hash(&[&a1, nonce, &count, cnonce, "auth", &a2])
        } else {
            self.hash(&[&a1, nonce, &a2])
        };
        let username = credentials.username().replace('\\', "\\\\").replace('"', "\\\"");
        let mut parts = vec![
            format!(r#"username="{username}", realm="{realm}", nonce="{nonce}""#),
            format!(r#"uri="{uri}", response="{response}""#),
        ];
        parts.extend(self.challenge.algorithm.as_ref().map(|algorithm| format!("algorithm={algorithm}")));
        parts.extend(self.challenge.opaque.as_ref().map(|opaque| format!(r#"opaque="{opaque}""#)));
        if self.challenge.qop_auth {
            parts.push(format!(r#"qop=auth, nc={count}, cnonce="{cnonce}""#));
        } else if self.challenge.is_sess {
            parts.push(format!(r#"cnonce="{cnonce}""#));
        }
        format!("Digest {}", parts.join(", "))
    }

    /// The hash of the parts with colons between them, in hexadecimal.
    fn hash(&self, parts: &[&str]) -> String {
        let text = parts.join(":");
        match self.challenge.scheme {
            Scheme::DigestSha256 => hexadecimal(&Sha256::digest(text)),
            _ => hexadecimal(&Md5::digest(text)),
        }
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::super::challenge::strongest;
    use super::*;

    const URI: &str = "/dir/index.html";

    fn authenticator(challenge: &str) -> Authenticator {
        Authenticator { nonce_count: 1, ..Authenticator::new(strongest(challenge).unwrap()) }
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
            let header = authenticator(&challenge).digest(&credentials, "GET", URI, cnonce);
            assert!(header.contains(&format!(r#"response="{response}""#)), "{header}");
            assert!(header.ends_with(&format!(r#"qop=auth, nc=00000001, cnonce="{cnonce}""#)));
            assert!(header.contains(&format!("algorithm={algorithm}")));
        }
    }

    /// RFC 2617 section 3.5 has the same hash parts; without qop as in RFC 2069.
    #[test]
    fn without_qop() {
        let challenge = r#"Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093""#;
        let credentials = Credentials::new("Mufasa", "Circle Of Life");
        let header = authenticator(challenge).digest(&credentials, "GET", URI, "x");
        assert!(header.ends_with(r#"response="670fd8c2df070c60b045671b8b24ff02""#), "{header}");
    }

    #[test]
    fn basic_and_nonce_counts() {
        let mut random = Random::new(1);
        let credentials = Credentials::new("a\"b", "c");
        let mut basic = authenticator("Basic realm=x");
        assert_eq!(basic.authorize(&credentials, "OPTIONS", "*", &mut random), "Basic YSJiOmM=");
        let mut digest = authenticator(r#"Digest realm="x", nonce="n", qop="auth""#);
        let header = digest.authorize(&credentials, "OPTIONS", "*", &mut random);
        assert!(header.contains("nc=00000002") && header.contains(r#"username="a\"b""#), "{header}");
    }
}
