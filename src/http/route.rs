//! Finds the table entry and the camera for a request.

use http_types::Method;
use percent_encoding::percent_decode_str;

use super::routes::{Entry, ROUTES};
use crate::cameras::registry::Selector;
use crate::derived;
use crate::limits;

/// The result of a request's path and query.
#[derive(Debug)]
pub struct Route {
    /// The entries of the path, one for each method.
    entries: Vec<&'static Entry>,
    /// The camera, if the path has one.
    pub selector: Selector,
    query: String,
}

/// Why there is no route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoRoute {
    /// Unknown path.
    NotFound,
    /// An invalid value in the query.
    Wrong(String),
}

impl Route {
    /// Finds the route for a path and a query, both as received.
    ///
    /// # Errors
    /// Why there is no route.
    pub fn parse(path: &str, query: &str) -> Result<Self, NoRoute> {
        // Programs append `?NAME=VALUE` or `&NAME=VALUE`, escaped or not, to whatever URL they have:
        // OctoPrint's plugins request `/?action=stream?nonce=1`. No name or value here contains a separator,
        // so each separator starts another pair.
        let decoded = percent_decode_str(path).decode_utf8_lossy();
        let (path, appended) = decoded.split_once(SEPARATORS).unwrap_or((&decoded, ""));
        let query = format!("{appended}&{}", percent_decode_str(query).decode_utf8_lossy());
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        // Proxies pass /webcam/ on unchanged, and the page requests everything relative to its own address.
        let (parts, nth) = match parts.split_first().and_then(|(first, _)| webcam_number(first)) {
            Some(nth) => (&parts[1..], nth),
            None => (&parts[..], 0),
        };
        if let ([], Some(action)) = (parts, value(&query, "action")) {
            let (path, nth) = of_action(action, nth)?;
            return Self::of(&[path], nth, query);
        }
        Self::of(parts, nth, query)
    }

    fn of(parts: &[&str], nth: usize, query: String) -> Result<Self, NoRoute> {
        let entries: Vec<_> = ROUTES.iter().filter(|entry| entry.is_at(parts)).collect();
        let Some(first) = entries.first() else { return Err(NoRoute::NotFound) };
        let name = first.name(parts);
        let selector = name.map_or(Selector::Nth(nth), |name| Selector::Named(name.to_owned()));
        Ok(Self { entries, selector, query })
    }

    /// The entry for this method; HEAD is answered like GET.
    pub fn entry(&self, method: Method) -> Option<&'static Entry> {
        let method = if method == Method::Head { Method::Get } else { method };
        self.entries.iter().copied().find(|entry| entry.method == method)
    }

    /// The methods of the path, for `Allow`.
    pub fn allowed(&self) -> String {
        let methods = self.entries.iter().map(|entry| match entry.method {
            Method::Get => READING.to_owned(),
            other => other.to_string(),
        });
        methods.collect::<Vec<_>>().join(", ")
    }

    /// The camera's name.
    pub fn name(&self) -> &str {
        match &self.selector {
            Selector::Named(name) => name,
            Selector::Nth(_) => "",
        }
    }

    /// The requested rate, in pictures per second.
    ///
    /// # Errors
    /// Which values are allowed.
    pub fn fps(&self) -> Result<Option<f64>, String> {
        let Some(text) = value(&self.query, "fps") else { return Ok(None) };
        let (min, max) = (limits::VIEWER_FPS_MIN, f64::from(limits::FPS_MAX));
        let fps = text.parse::<f64>().ok().filter(|fps| (min..=max).contains(fps));
        fps.map(Some).ok_or_else(|| format!("fps must be {min} to {max}, got {text}"))
    }

    /// The width and quality that a viewer asks for.
    ///
    /// # Errors
    /// What is allowed.
    pub fn derived(&self) -> Result<derived::Wanted, String> {
        let width = self.number("width", 1, limits::PICTURE_SIDE_MAX_PIXELS as u32)?;
        let quality = self.number("quality", 1, 100)?;
        Ok(derived::Wanted { width, quality: quality.map(|quality| quality as u8) })
    }

    fn number(&self, key: &str, min: u32, max: u32) -> Result<Option<u32>, String> {
        let Some(text) = value(&self.query, key) else { return Ok(None) };
        let number = text.parse::<u32>().ok().filter(|number| (min..=max).contains(number));
        number.map(Some).ok_or_else(|| format!("{key} must be {min} to {max}, got {text}"))
    }
}

/// The methods that every path supports.
pub const READING: &str = "GET, HEAD";

/// The path and camera behind mjpg-streamer's `?action=stream` and `?action=snapshot`, and the same with `_N`
/// for the Nth camera.
fn of_action(action: &str, nth: usize) -> Result<(&'static str, usize), NoRoute> {
    let (verb, nth) = match action.split_once('_') {
        Some((verb, number)) => (verb, number.parse().map_err(|_| unknown_action(action))?),
        None => (action, nth),
    };
    match verb {
        "stream" => Ok(("stream", nth)),
        "snapshot" => Ok(("snapshot", nth)),
        _ => Err(unknown_action(action)),
    }
}

fn unknown_action(action: &str) -> NoRoute {
    NoRoute::Wrong(format!("unknown action={action}; use stream, snapshot, stream_N or snapshot_N"))
}

/// The paths of OctoPi and crowsnest: /webcam/, /webcam2/ to /webcam4/.
fn webcam_number(part: &str) -> Option<usize> {
    match part {
        "webcam" => Some(0),
        "webcam2" => Some(1),
        "webcam3" => Some(2),
        "webcam4" => Some(3),
        _ => None,
    }
}

/// What starts a pair in a query.
const SEPARATORS: [char; 3] = ['?', '&', ';'];

/// The value of the first pair with this key. A trailing slash belongs to a base URL that paths are appended
/// to.
pub(super) fn value<'a>(query: &'a str, key: &str) -> Option<&'a str> {
    let mut pairs = query.split(SEPARATORS).filter_map(|pair| pair.split_once('='));
    pairs.find(|(name, _)| *name == key).map(|(_, value)| value.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::routes::Role;

    /// The path in the table, the camera, and the rate.
    type Found = (&'static str, Selector, Option<f64>);

    fn route(target: &str) -> Result<Found, NoRoute> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let route = Route::parse(path, query)?;
        let fps = route.fps().map_err(NoRoute::Wrong)?;
        Ok((route.entries[0].path, route.selector, fps))
    }

    fn at(path: &'static str) -> Found {
        (path, Selector::Nth(0), None)
    }

    fn stream(nth: usize, fps: Option<f64>) -> Found {
        ("/stream", Selector::Nth(nth), fps)
    }

    fn snapshot(nth: usize) -> Found {
        ("/snapshot", Selector::Nth(nth), None)
    }

    fn of(path: &'static str, name: &str) -> Found {
        (path, Selector::Named(name.to_owned()), None)
    }

    #[test]
    fn the_paths_of_the_contract() {
        assert_eq!(route("/"), Ok(at("/")));
        assert_eq!(route("/stream"), Ok(stream(0, None)));
        assert_eq!(route("/stream?fps=2.5&t=1"), Ok(stream(0, Some(2.5))));
        assert_eq!(route("/snapshot"), Ok(snapshot(0)));
        assert_eq!(route("/snapshot.jpg?1234"), Ok(at("/snapshot.jpg")));
        assert_eq!(route("/cameras/yard/stream"), Ok(of("/cameras/NAME/stream", "yard")));
        assert_eq!(route("/cameras/yard/snapshot.jpg"), Ok(of("/cameras/NAME/snapshot.jpg", "yard")));
        assert_eq!(route("/health"), Ok(at("/health")));
        assert_eq!(route("/metrics"), Ok(at("/metrics")));
        assert_eq!(route("/api/cameras/"), Ok(at("/api/cameras")));
        assert_eq!(route("/api/cameras/yard"), Ok(of("/api/cameras/NAME", "yard")));
        assert_eq!(route("/api/cameras/yard/controls"), Ok(of("/api/cameras/NAME/controls", "yard")));
    }

    #[test]
    fn the_paths_of_mjpg_streamer_and_its_clients() {
        assert_eq!(route("/?action=stream"), Ok(stream(0, None)));
        assert_eq!(route("/?action=snapshot"), Ok(snapshot(0)));
        assert_eq!(route("/?action=stream_1"), Ok(stream(1, None)));
        assert_eq!(route("/?action=snapshot_2&n=7"), Ok(snapshot(2)));
        assert_eq!(route("/webcam/?action=stream"), Ok(stream(0, None)));
        assert_eq!(route("/webcam2/?action=snapshot"), Ok(snapshot(1)));
        assert_eq!(route("/webcam4?action=stream"), Ok(stream(3, None)));
        assert_eq!(route("/webcam/"), Ok(at("/")));
    }

    /// README's lines for nginx pass /webcam/ on unchanged: everything that the page requests lies below it.
    #[test]
    fn everything_is_also_below_webcam() {
        assert_eq!(route("/webcam"), Ok(at("/")));
        assert_eq!(route("/webcam/index.html"), Ok(at("/index.html")));
        assert_eq!(route("/webcam/stream?fps=2"), Ok(stream(0, Some(2.0))));
        assert_eq!(route("/webcam2/stream"), Ok(stream(1, None)));
        assert_eq!(route("/webcam3/snapshot.jpg"), Ok(("/snapshot.jpg", Selector::Nth(2), None)));
        for path in [
            "/health",
            "/metrics",
            "/api/cameras",
            "/api/cameras/yard",
            "/api/cameras/yard/controls",
            "/cameras/yard/stream",
            "/cameras/yard/snapshot.jpg",
            "/favicon.ico",
            "/manifest.webmanifest",
        ] {
            let direct = route(path);
            assert!(direct.is_ok(), "{path}");
            for webcam in ["/webcam", "/webcam4", "//webcam/"] {
                let below = route(&format!("{webcam}{path}"));
                assert_eq!(below.map(|it| it.0), direct.clone().map(|it| it.0), "{webcam}{path}");
            }
        }
        for path in ["/webcam/webcam/", "/webcam/webcam/health", "/webcam5/health", "/pin/health"] {
            assert_eq!(route(path), Err(NoRoute::NotFound), "{path}");
        }
    }

    #[test]
    fn issue_10_number_16_queries_appended_to_queries() {
        for target in [
            "/?action=stream?nonce=123",
            "/?action=stream&1608856928650",
            "/?action=stream&nonce=1?x&y",
            "/?action=stream%3Fnonce=1",
            "/?action=stream%3fnonce%3D1",
            "/?action=stream%26nonce=1",
            "/?action=stream??x=1",
            "/?action=stream?",
            "/?action=stream/?x=1",
            "/?action=stream;x=1",
            "/?action%3Dstream",
            "/?nonce=1?action=stream",
            "/webcam/?action=stream?nonce_dashboard=1",
            "/webcam?action=stream?x",
            "/%3Faction=stream",
            "/webcam/%3faction=stream",
            "/stream?x=1?y=2",
            "/stream&x=1",
            "/stream%3Fx=1",
            "/stream%26x",
            "/webcam2/?action=stream_0?x=1",
        ] {
            assert_eq!(route(target), Ok(stream(0, None)), "{target}");
        }
        for target in [
            "/stream?fps=5?x",
            "/stream?x=1?fps=5",
            "/?action=stream?fps=5?x=1",
            "/stream&fps=5",
            "/stream%3Ffps=5%26x",
        ] {
            assert_eq!(route(target), Ok(stream(0, Some(5.0))), "{target}");
        }
        for target in ["/?action=snapshot?x=1", "/?action=snapshot_1?x=1", "/webcam2/?action=snapshot%3Fx=1"]
        {
            assert_eq!(route(target).map(|it| it.0), Ok("/snapshot"), "{target}");
        }
        assert_eq!(route("/?action=snapshot_1?x=1"), Ok(snapshot(1)));
        assert_eq!(route("/snapshot.jpg&x=1"), Ok(at("/snapshot.jpg")));
        assert_eq!(route("/?action=reboot?action=stream").unwrap_err(), unknown_action("reboot"));
    }

    #[test]
    fn escaped_paths_are_equivalent() {
        assert_eq!(route("/cameras/yard%2D1/strea%6d"), Ok(of("/cameras/NAME/stream", "yard-1")));
        for path in ["/%ff", "/cameras/%00/x", "/%", "/%zz", "/stream%", "/stre\u{e4}m"] {
            assert_eq!(route(path), Err(NoRoute::NotFound), "{path}");
        }
    }

    #[test]
    fn methods_follow_from_the_table() {
        let allowed = |path: &str| Route::parse(path, "").unwrap().allowed();
        assert_eq!(
            (allowed("/stream"), allowed("/api/cameras/yard/controls")),
            (READING.to_owned(), "GET, HEAD, PATCH".to_owned())
        );
        let controls = Route::parse("/api/cameras/yard/controls", "").unwrap();
        let role = |method| controls.entry(method).map(|entry| entry.role);
        assert!(matches!(role(Method::Head), Some(Role::Viewer)));
        assert!(matches!(role(Method::Patch), Some(Role::Admin)));
        assert!(role(Method::Post).is_none());
    }

    #[test]
    fn unknown_paths() {
        for path in ["/nothing", "/cameras", "/cameras/yard", "/webcam5/?action=stream", "/api", "/stream/x"]
        {
            assert_eq!(route(path), Err(NoRoute::NotFound), "{path}");
        }
        for target in
            ["/?action=reboot", "/?action=stream_x", "/stream?fps=0", "/stream?fps=nan", "/stream?fps=x"]
        {
            assert!(matches!(route(target), Err(NoRoute::Wrong(_))), "{target}");
        }
    }
}
