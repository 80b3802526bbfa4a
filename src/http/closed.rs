//! A service that shows nothing but the reason (`http.closed`): on the card, an unreadable password must not
//! leave the cameras open to everyone.

use http_types::{Method, StatusCode};

use super::Server;
use super::answer::Answer;
use super::head::Request;
use super::route::Route;

/// The page, without the reason.
const PAGE: &str = include_str!("page/closed.html");

/// Where the reason goes in [`PAGE`].
const REASON: &str = "{{reason}}";

/// The answer to every request while the service is closed.
pub fn answer(server: &Server, request: &Request, route: Option<&Route>) -> Option<Answer> {
    let rules = server.rules();
    let why = rules.config.closed.as_deref()?;
    let wants_page = request.accept.contains("text/html");
    let entry = route.and_then(|route| route.entry(Method::Get));
    let is_open = entry.is_some_and(|entry| entry.unauthenticated().is_some());
    Some(match entry.map(|entry| entry.path) {
        // A monitor learns as little as without the password.
        _ if is_open && !wants_page => {
            Answer::json(StatusCode::ServiceUnavailable, &serde_json::json!({ "status": "failed" }))
        }
        Some("/" | "/index.html") => page(why),
        _ if wants_page => page(why),
        _ => Answer::error(StatusCode::ServiceUnavailable, &format!("no picture is shown to anybody: {why}")),
    })
}

fn page(why: &str) -> Answer {
    let escaped = why.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    Answer::notice(StatusCode::ServiceUnavailable, &PAGE.replace(REASON, &escaped))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_a_place_for_the_reason_and_loads_nothing() {
        assert_eq!(PAGE.matches(REASON).count(), 1);
        assert!(!PAGE.contains("<script") && !PAGE.contains("src=") && !PAGE.contains("href="));
    }
}
