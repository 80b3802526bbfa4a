//! Host names, as the configuration and requests spell them.

use super::quote::quoted;

/// Bytes of a host name (RFC 1035, section 2.3.4).
const NAME_MAX_BYTES: usize = 253;

/// Bytes between two dots of a host name (RFC 1035, section 2.3.4).
const LABEL_MAX_BYTES: usize = 63;

/// A host name in the form used for comparison: lower case, without the root's dot at the end. `None` if the
/// text is not a host name. Underscores are accepted: some machines have them in their names.
pub fn normalised(text: &str) -> Option<String> {
    let name = text.strip_suffix('.').unwrap_or(text);
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let is_label = |label: &str| (1..=LABEL_MAX_BYTES).contains(&label.len()) && label.bytes().all(fits);
    (name.len() <= NAME_MAX_BYTES && name.split('.').all(is_label)).then(|| name.to_ascii_lowercase())
}

/// Checks a name of `http.hosts`.
///
/// # Errors
/// What is allowed.
pub fn check(text: &str) -> Result<String, String> {
    let ascii = match url::Host::parse(text) {
        // Browsers send internationalised names in this form (RFC 5891).
        Ok(url::Host::Domain(name)) if !text.is_ascii() => name,
        _ => text.to_owned(),
    };
    normalised(&ascii).ok_or_else(|| {
        format!(
            "{} is not a host name; write the name alone, without scheme, port or *, as in \
             \"camera.example.org\" (addresses always work)",
            quoted(text)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_in_one_form() {
        assert_eq!(normalised("Cam_1.Example.ORG."), Some("cam_1.example.org".to_owned()));
        let long = format!("{}.org", "a".repeat(64));
        for wrong in ["", ".", "a..b", ".a", "a b", "a/b", "a:80", "*.a", "größe", "a%20b", "a..", &long] {
            assert_eq!(normalised(wrong), None, "{wrong}");
        }
        assert_eq!(normalised(&"a.".repeat(130)), None, "longer than a name may be");
    }

    #[test]
    fn a_configured_host_is_a_name_without_a_port() {
        assert_eq!(check("größe.example"), Ok("xn--gre-6ka8i.example".to_owned()));
        for wrong in ["http://a.example", "a.example:8080", "a.example/x", "*", "", "[::1]"] {
            let error = check(wrong).unwrap_err();
            assert!(error.starts_with(&format!("{} is not a host name; write", quoted(wrong))), "{error}");
        }
    }
}
