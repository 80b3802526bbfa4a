//! When to send the head of a stream's part: with the part, or ahead of it.
//!
//! Chromium (156, and as far back as reports go) paints a part only when the head of the next one is
//! complete, so each picture would appear one late: at `?fps=2` half a second, and for ever if the camera
//! stands still. Firefox paints at the next boundary. So browsers with Chromium's engine get the boundary and
//! head of the next part right after each picture. Such a head cannot have `Content-Length` and
//! `X-Timestamp`, which programs want; these get exact heads.
//!
//! `?advance_headers=1` and `=0`, ustreamer's parameter, override the guess.

use super::head::Request;
use super::route;

/// When to send the head of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartHeads {
    /// With its part, with `Content-Length` and `X-Timestamp`.
    Exact,
    /// After the part before, without these headers.
    Ahead,
}

impl PartHeads {
    /// The choice in the query, or else what the client needs.
    ///
    /// # Errors
    /// If the query's value is invalid.
    pub fn wanted(request: &Request) -> Result<Self, String> {
        match route::value(&request.query, "advance_headers") {
            Some("1" | "true" | "yes" | "on") => Ok(Self::Ahead),
            Some("0" | "false" | "no" | "off") => Ok(Self::Exact),
            Some(other) => Err(format!("advance_headers must be 0 or 1, got {other:?}")),
            None if is_blink(&request.user_agent) && !is_script(request) => Ok(Self::Ahead),
            None => Ok(Self::Exact),
        }
    }
}

/// Whether a User-Agent is a browser with Chromium's engine: Chrome, Edge, Opera, Android's WebView and
/// others all name `Chrome/` or `Chromium/` with a version. Chrome on iOS is WebKit and says `CriOS/`; Edge
/// before version 79 also says `Edge/`. Text in parentheses is a comment.
fn is_blink(user_agent: &str) -> bool {
    let mut depth = 0_usize;
    let mut found = false;
    for product in user_agent.split_inclusive([' ', '(', ')']) {
        if depth == 0 {
            let (name, version) = product.split_once('/').unwrap_or((product, ""));
            match name {
                "Edge" | "CriOS" | "EdgiOS" | "OPiOS" => return false,
                "Chrome" | "HeadlessChrome" | "Chromium" => {
                    found |= version.starts_with(|first: char| first.is_ascii_digit());
                }
                _ => {}
            }
        }
        match product.chars().next_back() {
            Some('(') => depth += 1,
            Some(')') => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    found
}

/// Whether a page's script reads the stream itself (as Mainsail's does), rather than an `<img>`: it needs
/// each picture's length. Browsers send `Sec-Fetch-Dest` only on secure pages; on others, a script accepts
/// anything, while an `<img>` lists picture types. Programs with a browser's name but without its languages
/// are judged by that name.
fn is_script(request: &Request) -> bool {
    match request.fetch_destination.as_str() {
        "" => request.accept == "*/*" && request.has_languages,
        destination => destination == "empty",
    }
}

#[cfg(test)]
mod tests {
    use super::super::head::decode;
    use super::*;
    use crate::clock::Clock;

    const CHROME: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36";

    fn wanted(query: &str, user_agent: &str, headers: &str) -> Result<PartHeads, String> {
        let head =
            format!("GET /stream{query} HTTP/1.1\r\nHost: a\r\nUser-Agent: {user_agent}\r\n{headers}\r\n");
        let request = smol::block_on(decode(head.as_bytes(), Clock::manual().0.now()));
        PartHeads::wanted(&request.expect("a request"))
    }

    #[test]
    fn browsers_with_chromiums_engine_get_heads_ahead() {
        for agent in [
            CHROME,
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/156.0.0.0 Safari/537.36",
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36 Edg/156.0.0.0",
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 OPR/128.0.0.0",
            "Mozilla/5.0 (Linux; Android 15; Pixel 9; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/156.0.0.0 Mobile Safari/537.36",
            "Mozilla/5.0 (X11; Linux aarch64) AppleWebKit/537.36 (KHTML, like Gecko) Ubuntu Chromium/80.0.3987.163 Chrome/80.0.3987.163 Safari/537.36",
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) QtWebEngine/6.8.2 Chrome/122.0.6261.171 Safari/537.36",
        ] {
            assert_eq!(wanted("", agent, ""), Ok(PartHeads::Ahead), "{agent}");
        }
    }

    #[test]
    fn other_clients_get_exact_heads() {
        for agent in [
            "",
            "curl/8.14.1",
            "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0",
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Safari/605.1.15",
            "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/156.0.0.0 Mobile/15E148 Safari/604.1",
            "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) EdgiOS/156.0.0.0 Mobile/15E148 Safari/604.1",
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/70.0.3538.102 Safari/537.36 Edge/18.19042",
            "Recorder/1.0 (not Chrome/156.0 but (like Chrome/1) it; Chrome/2)",
            "NotChrome/1.0 Chrome Chrome/ Chrome/x",
            ")))) ((((",
        ] {
            assert_eq!(wanted("", agent, ""), Ok(PartHeads::Exact), "{agent}");
        }
    }

    #[test]
    fn a_script_in_such_a_browser_gets_exact_heads() {
        let image = "Accept: image/avif,image/webp,*/*;q=0.8\r\nAccept-Language: en\r\n";
        let script = "Accept: */*\r\nAccept-Language: en\r\n";
        for (headers, expected) in [
            (image, PartHeads::Ahead),
            ("Accept: text/html,*/*;q=0.8\r\nAccept-Language: en\r\n", PartHeads::Ahead),
            (script, PartHeads::Exact),
            ("Accept: */*\r\nAccept-Language: en\r\nSec-Fetch-Dest: image\r\n", PartHeads::Ahead),
            ("Accept: image/jpeg\r\nSec-Fetch-Dest: empty\r\n", PartHeads::Exact),
            ("Accept: */*\r\n", PartHeads::Ahead),
        ] {
            assert_eq!(wanted("", CHROME, headers), Ok(expected), "{headers}");
        }
        assert_eq!(wanted("?advance_headers=1", CHROME, script), Ok(PartHeads::Ahead));
    }

    #[test]
    fn the_query_overrides_the_user_agent() {
        assert_eq!(wanted("?advance_headers=1&fps=2", "curl/8", ""), Ok(PartHeads::Ahead));
        assert_eq!(wanted("?fps=2&advance_headers=0", CHROME, ""), Ok(PartHeads::Exact));
        let error = wanted("?advance_headers=maybe", CHROME, "").unwrap_err();
        assert_eq!(error, "advance_headers must be 0 or 1, got \"maybe\"");
    }
}
