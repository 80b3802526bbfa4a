//! What a camera asks for with 401.

use std::fmt;

/// Challenges in one answer that are looked at; cameras send one to three.
const CHALLENGES_MAX: usize = 8;

/// Kinds of authentication, the stronger the later.
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
    /// What kind it is.
    pub scheme: Scheme,
    /// What the camera calls itself.
    pub realm: String,
    /// The camera's number used once.
    pub nonce: String,
    /// To be given back as it came.
    pub opaque: Option<String>,
    /// The algorithm as the camera wrote it, to be given back.
    pub algorithm: Option<String>,
    /// The hash covers nonce and cnonce (`-sess`).
    pub is_sess: bool,
    /// The camera wants `qop=auth`.
    pub qop_auth: bool,
    /// The nonce before was too old, the password may be right.
    pub stale: bool,
}

/// The strongest challenge that is supported.
///
/// # Errors
/// The names of those that are offered, none of which is.
pub fn strongest(header: &str) -> Result<Challenge, String> {
    let raw = split(header);
    let names = || raw.iter().map(|(scheme, _)| *scheme).collect::<Vec<_>>().join(", ");
    raw.iter()
        .filter_map(|(scheme, parameters)| supported(scheme, parameters))
        .max_by_key(|c| c.scheme)
        .ok_or_else(names)
}

type Raw<'a> = (&'a str, Vec<(&'a str, &'a str)>);

/// Challenges with their parameters. RFC 7235 section 4.1: challenges and their parameters are
/// both separated by commas, which some cameras leave away, or write as semicolons; a name without
/// `=` begins the next challenge.
fn split(header: &str) -> Vec<Raw<'_>> {
    let mut challenges: Vec<Raw<'_>> = Vec::new();
    let mut rest = header;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',', ';', '=', '"']);
        let end = rest.find([' ', '\t', ',', ';', '=', '"']).unwrap_or(rest.len());
        if end == 0 {
            return challenges;
        }
        let (name, tail) = rest.split_at(end);
        let Some(value) = tail.trim_start().strip_prefix('=') else {
            if challenges.len() == CHALLENGES_MAX {
                return challenges;
            }
            challenges.push((name, Vec::new()));
            rest = tail;
            continue;
        };
        let value = value.trim_start();
        let (value, tail) = match value.strip_prefix('"') {
            Some(quoted) => quoted.split_at(end_of_quoted(quoted)),
            None => value.split_at(value.find([' ', '\t', ',', ';']).unwrap_or(value.len())),
        };
        if let Some((_, parameters)) = challenges.last_mut() {
            parameters.push((name, value));
        }
        rest = tail.strip_prefix('"').unwrap_or(tail);
    }
}

fn end_of_quoted(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at,
            _ => {}
        }
    }
    text.len()
}

fn supported(scheme: &str, parameters: &[(&str, &str)]) -> Option<Challenge> {
    let get = |wanted: &str| {
        parameters.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| *value)
    };
    let algorithm = get("algorithm");
    let (hash, is_sess) = match algorithm.unwrap_or("MD5").to_ascii_uppercase().as_str() {
        "MD5" | "" => (Scheme::DigestMd5, false),
        "MD5-SESS" => (Scheme::DigestMd5, true),
        "SHA-256" => (Scheme::DigestSha256, false),
        "SHA-256-SESS" => (Scheme::DigestSha256, true),
        _ if scheme.eq_ignore_ascii_case("basic") => (Scheme::Basic, false),
        _ => return None,
    };
    let scheme = match scheme.to_ascii_lowercase().as_str() {
        "digest" => hash,
        "basic" => Scheme::Basic,
        _ => return None,
    };
    let qops = get("qop").map(|qop| qop.split(',').any(|qop| qop.trim().eq_ignore_ascii_case("auth")));
    if scheme != Scheme::Basic && (qops == Some(false) && get("qop") != Some("") || get("nonce").is_none()) {
        return None;
    }
    Some(Challenge {
        scheme,
        realm: get("realm").unwrap_or_default().to_owned(),
        nonce: get("nonce").unwrap_or_default().to_owned(),
        opaque: get("opaque").map(str::to_owned),
        algorithm: algorithm.map(str::to_owned),
        is_sess,
        qop_auth: qops == Some(true),
        stale: get("stale").is_some_and(|stale| stale.eq_ignore_ascii_case("true")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strongest_of_several() {
        let header = r#"Basic realm="a, b", Digest realm="c", nonce="n1", Digest realm="c", nonce="n2", algorithm=SHA-256, qop="auth,auth-int""#;
        let challenge = strongest(header).unwrap();
        assert_eq!((challenge.scheme, challenge.nonce.as_str()), (Scheme::DigestSha256, "n2"));
        assert!(challenge.qop_auth);
        let weaker = strongest(r#"Digest realm="c", nonce="n1", stale=TRUE , Basic realm="x""#).unwrap();
        assert_eq!((weaker.scheme, weaker.stale, weaker.qop_auth), (Scheme::DigestMd5, true, false));
    }

    #[test]
    fn sloppy_challenges() {
        let challenge = strongest(r#"digest realm = IPCam,nonce="x\"y",opaque="""#).unwrap();
        assert_eq!((challenge.realm.as_str(), challenge.nonce.as_str()), ("IPCam", r#"x\"y"#));
        assert_eq!(challenge.opaque.as_deref(), Some(""));
        let challenge =
            strongest(r#"Digest realm="a;b"; nonce=n1==;qop="auth"  opaque="x" algorithm="SHA-256""#);
        let challenge = challenge.unwrap();
        assert_eq!((challenge.realm.as_str(), challenge.nonce.as_str()), ("a;b", "n1=="));
        assert_eq!((challenge.scheme, challenge.qop_auth), (Scheme::DigestSha256, true));
        assert_eq!(challenge.opaque.as_deref(), Some("x"));
        assert_eq!(strongest("Basic").unwrap().scheme, Scheme::Basic);
        assert_eq!(strongest(r#"Digest realm="unclosed"#), Err("Digest".to_owned()));
    }

    #[test]
    fn what_is_not_supported_is_named() {
        let header = r#"Negotiate abc==, Digest realm="a", nonce="n", algorithm=FOO"#;
        assert_eq!(strongest(header), Err("Negotiate, Digest".to_owned()));
        assert_eq!(strongest(r#"Digest realm="a", nonce="n", qop="auth-int""#), Err("Digest".to_owned()));
        assert_eq!(strongest(""), Err(String::new()));
        assert_eq!(strongest("=,\"=,"), Err(String::new()));
    }

    #[test]
    fn endless_challenges_are_cut_off() {
        assert_eq!(split(&"a ".repeat(1000)).len(), CHALLENGES_MAX);
    }
}
