//! Parses the challenges in a 401 response.

use std::fmt;

/// Maximum challenges to read in one response; cameras send one to three.
const CHALLENGES_MAX: usize = 8;

/// Authentication schemes, from weak to strong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scheme {
    /// RFC 7617.
    Basic,
    /// RFC 7616 with MD5.
    DigestMd5,
    /// RFC 7616 with SHA-256.
    DigestSha256,
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Basic => "Basic",
            Self::DigestMd5 => "Digest MD5",
            Self::DigestSha256 => "Digest SHA-256",
        })
    }
}

/// One challenge of a WWW-Authenticate header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// Its scheme.
    pub scheme: Scheme,
    /// The camera's name for itself, in any encoding: hashed and returned byte for byte.
    pub realm: Vec<u8>,
    /// The camera's nonce.
    pub nonce: Vec<u8>,
    /// Returned byte for byte.
    pub opaque: Option<Vec<u8>>,
    /// The algorithm in the camera's spelling, to be returned.
    pub algorithm: Option<String>,
    /// The hash covers nonce and cnonce (`-sess`).
    pub is_sess: bool,
    /// The camera wants `qop=auth`.
    pub qop_auth: bool,
    /// The previous nonce was too old; the password may be right.
    pub stale: bool,
}

impl Challenge {
    /// The realm, for display.
    pub fn shown_realm(&self) -> String {
        shown(&self.realm)
    }
}

/// The strongest supported challenge in the headers, which are raw bytes: cameras write Latin-1 or GBK.
///
/// Basic sends the password itself, so it is chosen only if the camera clearly asks for it: the word `Basic`
/// in the remains of a damaged Digest challenge does not count.
///
/// # Errors
/// The names of the offered schemes; none of them is supported.
pub fn strongest(header: &[u8]) -> Result<Challenge, String> {
    let raw = split(header);
    let names = || raw.iter().map(|it| shown(it.scheme)).collect::<Vec<_>>().join(", ");
    let is_alone = raw.len() == 1;
    raw.iter()
        .filter(|it| !it.scheme.eq_ignore_ascii_case(b"basic") || it.is_basic_for_sure(is_alone))
        .filter_map(|it| supported(it.scheme, &it.parameters))
        .max_by_key(|c| c.scheme)
        .ok_or_else(names)
}

fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).chars().filter(|c| !c.is_control()).collect()
}

/// A challenge as found in the header.
struct Raw<'a> {
    scheme: &'a [u8],
    parameters: Vec<(&'a [u8], &'a [u8])>,
    /// It is where a challenge may begin: first, or after a comma, with no quote before it left open or
    /// closed in the wrong place.
    is_in_place: bool,
}

impl Raw<'_> {
    fn is_basic_for_sure(&self, is_alone: bool) -> bool {
        let has = |wanted: &[u8]| self.parameters.iter().any(|(name, _)| name.eq_ignore_ascii_case(wanted));
        // RFC 7617 section 2 requires a realm; cameras that know only Basic omit it.
        self.is_in_place && (is_alone || has(b"realm")) && !has(b"nonce")
    }
}

/// Splits challenges and their parameters. RFC 7235 section 4.1 separates both by commas, which some cameras
/// omit or write as semicolons; a name without `=` begins the next challenge.
fn split(header: &[u8]) -> Vec<Raw<'_>> {
    let may_be_two_bytes = std::str::from_utf8(header).is_err();
    let mut challenges: Vec<Raw<'_>> = Vec::new();
    let mut rest = header;
    let mut is_damaged = false;
    loop {
        let begin = rest.iter().position(|byte| !b" \t,;=\"".contains(byte)).unwrap_or(rest.len());
        let (between, begun) = rest.split_at(begin);
        is_damaged |= between.iter().any(|byte| b"\"=".contains(byte));
        let is_in_place = !is_damaged && (challenges.is_empty() || between.contains(&b','));
        let (name, tail) = begun.split_at(end_of(begun, b" \t,;=\""));
        if name.is_empty() {
            return challenges;
        }
        let Some(value) = tail.trim_ascii_start().strip_prefix(b"=") else {
            if challenges.len() == CHALLENGES_MAX {
                return challenges;
            }
            challenges.push(Raw { scheme: name, parameters: Vec::new(), is_in_place });
            rest = tail;
            continue;
        };
        let value = value.trim_ascii_start();
        let (value, tail) = match value.strip_prefix(b"\"") {
            Some(quoted) => quoted.split_at(end_of_quoted(quoted, may_be_two_bytes)),
            None => value.split_at(end_of(value, b" \t,;")),
        };
        is_damaged |= value.contains(&b'"') && !value.contains(&b'\\');
        if let Some(challenge) = challenges.last_mut() {
            challenge.parameters.push((name, value));
        }
        rest = tail.strip_prefix(b"\"").unwrap_or(tail);
    }
}

fn end_of(text: &[u8], ends: &[u8]) -> usize {
    text.iter().position(|byte| ends.contains(byte)).unwrap_or(text.len())
}

/// In GBK and similar encodings, a character's second byte may equal a backslash.
fn end_of_quoted(text: &[u8], may_be_two_bytes: bool) -> usize {
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        let is_pair = match byte {
            b'"' => return at,
            b'\\' => true,
            0x81.. => may_be_two_bytes && text.get(at + 1).is_some_and(|second| *second >= 0x40),
            _ => false,
        };
        at += if is_pair { 2 } else { 1 };
    }
    text.len()
}

fn supported(scheme: &[u8], parameters: &[(&[u8], &[u8])]) -> Option<Challenge> {
    let get = |wanted: &str| {
        let named = parameters.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted.as_bytes()));
        named.map(|(_, value)| *value)
    };
    let algorithm = get("algorithm").map(shown);
    let (hash, is_sess) = match algorithm.as_deref().unwrap_or("MD5").to_ascii_uppercase().as_str() {
        "MD5" | "" => (Scheme::DigestMd5, false),
        "MD5-SESS" => (Scheme::DigestMd5, true),
        "SHA-256" => (Scheme::DigestSha256, false),
        "SHA-256-SESS" => (Scheme::DigestSha256, true),
        _ if scheme.eq_ignore_ascii_case(b"basic") => (Scheme::Basic, false),
        _ => return None,
    };
    let scheme = match scheme.to_ascii_lowercase().as_slice() {
        b"digest" => hash,
        b"basic" => Scheme::Basic,
        _ => return None,
    };
    let is_auth = |qop: &[u8]| qop.trim_ascii().eq_ignore_ascii_case(b"auth");
    let qops = get("qop").map(|qop| qop.split(|byte| *byte == b',').any(is_auth));
    let has_other_qop = qops == Some(false) && get("qop").is_some_and(|qop| !qop.is_empty());
    if scheme != Scheme::Basic && (has_other_qop || get("nonce").is_none()) {
        return None;
    }
    Some(Challenge {
        scheme,
        realm: get("realm").unwrap_or_default().to_owned(),
        nonce: get("nonce").unwrap_or_default().to_owned(),
        opaque: get("opaque").map(<[u8]>::to_vec),
        algorithm,
        is_sess,
        qop_auth: qops == Some(true),
        stale: get("stale").is_some_and(|stale| stale.eq_ignore_ascii_case(b"true")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strongest(header: &str) -> Result<Challenge, String> {
        super::strongest(header.as_bytes())
    }

    #[test]
    fn the_strongest_of_several() {
        let header = r#"Basic realm="a, b", Digest realm="c", nonce="n1", Digest realm="c", nonce="n2", algorithm=SHA-256, qop="auth,auth-int""#;
        let challenge = strongest(header).unwrap();
        assert_eq!((challenge.scheme, &challenge.nonce[..]), (Scheme::DigestSha256, &b"n2"[..]));
        assert!(challenge.qop_auth);
        let weaker = strongest(r#"Digest realm="c", nonce="n1", stale=TRUE , Basic realm="x""#).unwrap();
        assert_eq!((weaker.scheme, weaker.stale, weaker.qop_auth), (Scheme::DigestMd5, true, false));
    }

    #[test]
    fn sloppy_challenges() {
        let challenge = strongest(r#"digest realm = IPCam,nonce="x\"y",opaque="""#).unwrap();
        assert_eq!((&challenge.realm[..], &challenge.nonce[..]), (&b"IPCam"[..], &br#"x\"y"#[..]));
        assert_eq!(challenge.opaque.as_deref(), Some(&b""[..]));
        let challenge =
            strongest(r#"Digest realm="a;b"; nonce=n1==;qop="auth"  opaque="x" algorithm="SHA-256""#);
        let challenge = challenge.unwrap();
        assert_eq!((&challenge.realm[..], &challenge.nonce[..]), (&b"a;b"[..], &b"n1=="[..]));
        assert_eq!((challenge.scheme, challenge.qop_auth), (Scheme::DigestSha256, true));
        assert_eq!(challenge.opaque.as_deref(), Some(&b"x"[..]));
        assert_eq!(strongest("Basic").unwrap().scheme, Scheme::Basic);
        assert_eq!(strongest(r#"Digest realm="unclosed"#), Err("Digest".to_owned()));
    }

    #[test]
    fn unsupported_schemes_are_named() {
        let header = r#"Negotiate abc==, Digest realm="a", nonce="n", algorithm=FOO"#;
        assert_eq!(strongest(header), Err("Negotiate, Digest".to_owned()));
        assert_eq!(strongest(r#"Digest realm="a", nonce="n", qop="auth-int""#), Err("Digest".to_owned()));
        assert_eq!(strongest(""), Err(String::new()));
        assert_eq!(strongest("=,\"=,"), Err(String::new()));
    }

    /// Issue 10, number 22.
    #[test]
    fn other_encodings_are_kept_byte_for_byte() {
        let latin1 =
            super::strongest(b"Digest realm=\"Cam\xe9ra\", nonce=\"\xa0n\x85\", opaque=\"\xff\"").unwrap();
        assert_eq!((&latin1.realm[..], &latin1.nonce[..]), (&b"Cam\xe9ra"[..], &b"\xa0n\x85"[..]));
        assert_eq!(
            (latin1.opaque.as_deref(), latin1.shown_realm()),
            (Some(&b"\xff"[..]), "Cam\u{fffd}ra".to_owned())
        );
        // The last character's second byte equals a backslash, and the quote after it ends the value.
        let gbk = super::strongest(b"Digest realm=\"\xc9\xe3\x81\x5c\", nonce=\"n\"").unwrap();
        assert_eq!((&gbk.realm[..], &gbk.nonce[..]), (&b"\xc9\xe3\x81\x5c"[..], &b"n"[..]));
        let utf8 = strongest("Digest realm=\"\u{6444}\u{50cf}\", nonce=\"n\"").unwrap();
        assert_eq!(utf8.shown_realm(), "\u{6444}\u{50cf}");
    }

    #[test]
    fn basic_is_answered_only_if_it_is_asked_for() {
        for damaged in [
            r#"Digest realm="Acme "Basic" cam", nonce="n""#,
            "Digest realm=Acme Basic cam, nonce=n, algorithm=FOO",
            "Digest realm=Acme, Basic cam, nonce=n, algorithm=FOO",
            "Digest realm=Acme, Basic realm=x, nonce=n, algorithm=FOO",
            "Digest Basic",
            "Digest, Basic",
            r#"Digest realm="a, nonce="n", Basic realm="b""#,
            r#"Digest realm="a" Basic realm="b""#,
            "Digest realm=a; Basic realm=b",
            r#"Digest realm="a", nonce="n", algorithm=FOO, "Basic realm="b""#,
            "= Basic realm=x",
            "xBasic realm=x",
            "",
        ] {
            let chosen = strongest(damaged).map(|challenge| challenge.scheme);
            assert!(!matches!(chosen, Ok(Scheme::Basic)), "{damaged}: {chosen:?}");
        }
        for asked in [
            "Basic",
            " basic ",
            "Basic realm=x",
            "BASIC Realm=\"a, b\"",
            r#"Digest realm="a", nonce="n", algorithm=SHA-512-256, Basic realm="a""#,
            r#"Negotiate, Basic realm="a", NTLM"#,
            r#"Basic realm="a", charset="UTF-8", Digest realm="a", nonce="#,
        ] {
            let chosen = strongest(asked).map(|challenge| challenge.scheme);
            assert!(chosen.is_ok(), "{asked}: {chosen:?}");
        }
    }

    #[test]
    fn endless_challenges_are_cut_off() {
        assert_eq!(split("a ".repeat(1000).as_bytes()).len(), CHALLENGES_MAX);
    }
}
