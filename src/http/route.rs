//! Which request means what.

use percent_encoding::percent_decode_str;

use super::page::{self, Asset};
use crate::cameras::registry::Selector;
use crate::limits;

/// What a path and a query ask for.
#[derive(Debug, Clone, PartialEq)]
pub enum Route {
    /// The page with every camera.
    Page,
    /// A file beside the page: an icon, the manifest.
    Asset(&'static Asset),
    /// A stream, of at most so many pictures per second.
    Stream(Selector, Option<f64>),
    /// One picture.
    Snapshot(Selector),
    /// Health, for programs and people.
    Health,
    /// Health, for Prometheus.
    Metrics,
    /// Every camera, as JSON.
    Cameras,
    /// One camera, as JSON.
    Camera(String),
    /// The controls of one camera.
    Controls(String),
}

/// Why there is no route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoRoute {
    /// Nothing has this path.
    NotFound,
    /// The query has a value that is not allowed.
    Wrong(String),
}

impl Route {
    /// The route of a path and a query, both as they came.
    ///
    /// # Errors
    /// Why there is none.
    pub fn parse(path: &str, query: &str) -> Result<Self, NoRoute> {
        // Programs append `?NAME=VALUE` or `&NAME=VALUE`, escaped or not, to whatever URL they were
        // given: OctoPrint's plugins ask for `/?action=stream?nonce=1`. Nothing here has a name or a
        // value with one of the separators in it, so each of them begins another pair.
        let decoded = percent_decode_str(path).decode_utf8_lossy();
        let (path, appended) = decoded.split_once(SEPARATORS).unwrap_or((&decoded, ""));
        let query = format!("{appended}&{}", percent_decode_str(query).decode_utf8_lossy());
        Self::of(path, &query)
    }

    fn of(path: &str, query: &str) -> Result<Self, NoRoute> {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        // Proxies pass /webcam/ on as it is, and the page asks for everything below its own address.
        match parts.split_first().and_then(|(first, rest)| Some((webcam_number(first)?, rest))) {
            Some((nth, rest)) => Self::below(rest, nth, query),
            None => Self::below(&parts, 0, query),
        }
    }

    /// The route of a path below one whose first camera is the Nth.
    fn below(parts: &[&str], nth: usize, query: &str) -> Result<Self, NoRoute> {
        match *parts {
            [] => Self::by_action(nth, query),
            ["index.html"] => Ok(Self::Page),
            ["stream"] => Ok(Self::Stream(Selector::Nth(nth), fps(query)?)),
            ["snapshot" | "snapshot.jpg"] => Ok(Self::Snapshot(Selector::Nth(nth))),
            ["cameras", name, "stream"] => Ok(Self::Stream(Selector::Named(name.to_owned()), fps(query)?)),
            ["cameras", name, "snapshot" | "snapshot.jpg"] => {
                Ok(Self::Snapshot(Selector::Named(name.to_owned())))
            }
            ["health"] => Ok(Self::Health),
            ["metrics"] => Ok(Self::Metrics),
            ["api", "cameras"] => Ok(Self::Cameras),
            ["api", "cameras", name] => Ok(Self::Camera(name.to_owned())),
            ["api", "cameras", name, "controls"] => Ok(Self::Controls(name.to_owned())),
            [name] => page::asset(name).map(Self::Asset).ok_or(NoRoute::NotFound),
            _ => Err(NoRoute::NotFound),
        }
    }

    /// The queries that software made for mjpg-streamer sends: `?action=stream`, `?action=snapshot`,
    /// and the same with `_N` for the Nth camera.
    fn by_action(nth: usize, query: &str) -> Result<Self, NoRoute> {
        let Some(action) = value(query, "action") else { return Ok(Self::Page) };
        let (verb, nth) = match action.split_once('_') {
            Some((verb, number)) => (verb, number.parse().map_err(|_| unknown_action(action))?),
            None => (action, nth),
        };
        match verb {
            "stream" => Ok(Self::Stream(Selector::Nth(nth), fps(query)?)),
            "snapshot" => Ok(Self::Snapshot(Selector::Nth(nth))),
            _ => Err(unknown_action(action)),
        }
    }
}

fn unknown_action(action: &str) -> NoRoute {
    NoRoute::Wrong(format!(
        "action={action} is not known; stream, snapshot, stream_N and snapshot_N are allowed"
    ))
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

/// What pairs of a query begin with.
const SEPARATORS: [char; 3] = ['?', '&', ';'];

/// The value of the first pair with this key. A slash at its end belongs to a base URL, to which paths
/// are appended.
pub(super) fn value<'a>(query: &'a str, key: &str) -> Option<&'a str> {
    let mut pairs = query.split(SEPARATORS).filter_map(|pair| pair.split_once('='));
    pairs.find(|(name, _)| *name == key).map(|(_, value)| value.trim_end_matches('/'))
}

fn fps(query: &str) -> Result<Option<f64>, NoRoute> {
    let Some(text) = value(query, "fps") else { return Ok(None) };
    let max = f64::from(limits::FPS_MAX);
    let fps = text.parse::<f64>().ok().filter(|fps| (limits::VIEWER_FPS_MIN..=max).contains(fps));
    let allowed =
        || format!("fps={text} is not allowed; a number from {} to {max} is", limits::VIEWER_FPS_MIN);
    fps.map(Some).ok_or_else(|| NoRoute::Wrong(allowed()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(target: &str) -> Result<Route, NoRoute> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Route::parse(path, query)
    }

    #[test]
    fn the_paths_of_the_contract() {
        let nth = Selector::Nth;
        let named = |name: &str| Selector::Named(name.to_owned());
        assert_eq!(route("/"), Ok(Route::Page));
        assert_eq!(route("/stream"), Ok(Route::Stream(nth(0), None)));
        assert_eq!(route("/stream?fps=2.5&t=1"), Ok(Route::Stream(nth(0), Some(2.5))));
        assert_eq!(route("/snapshot"), Ok(Route::Snapshot(nth(0))));
        assert_eq!(route("/snapshot.jpg?1234"), Ok(Route::Snapshot(nth(0))));
        assert_eq!(route("/cameras/yard/stream"), Ok(Route::Stream(named("yard"), None)));
        assert_eq!(route("/cameras/yard/snapshot.jpg"), Ok(Route::Snapshot(named("yard"))));
        assert_eq!(route("/health"), Ok(Route::Health));
        assert_eq!(route("/metrics"), Ok(Route::Metrics));
        assert_eq!(route("/api/cameras/"), Ok(Route::Cameras));
        assert_eq!(route("/api/cameras/yard"), Ok(Route::Camera("yard".to_owned())));
        assert_eq!(route("/api/cameras/yard/controls"), Ok(Route::Controls("yard".to_owned())));
    }

    #[test]
    fn the_paths_of_mjpg_streamer_and_its_users() {
        let nth = Selector::Nth;
        assert_eq!(route("/?action=stream"), Ok(Route::Stream(nth(0), None)));
        assert_eq!(route("/?action=snapshot"), Ok(Route::Snapshot(nth(0))));
        assert_eq!(route("/?action=stream_1"), Ok(Route::Stream(nth(1), None)));
        assert_eq!(route("/?action=snapshot_2&n=7"), Ok(Route::Snapshot(nth(2))));
        assert_eq!(route("/webcam/?action=stream"), Ok(Route::Stream(nth(0), None)));
        assert_eq!(route("/webcam2/?action=snapshot"), Ok(Route::Snapshot(nth(1))));
        assert_eq!(route("/webcam4?action=stream"), Ok(Route::Stream(nth(3), None)));
        assert_eq!(route("/webcam/"), Ok(Route::Page));
    }

    /// README's lines for nginx pass /webcam/ on as it is: everything that the page asks for lies there.
    #[test]
    fn below_webcam_is_everything() {
        let nth = Selector::Nth;
        assert_eq!(route("/webcam"), Ok(Route::Page));
        assert_eq!(route("/webcam/index.html"), Ok(Route::Page));
        assert_eq!(route("/webcam/stream?fps=2"), Ok(Route::Stream(nth(0), Some(2.0))));
        assert_eq!(route("/webcam2/stream"), Ok(Route::Stream(nth(1), None)));
        assert_eq!(route("/webcam3/snapshot.jpg"), Ok(Route::Snapshot(nth(2))));
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
                assert_eq!(route(&format!("{webcam}{path}")), direct, "{webcam}{path}");
            }
        }
        for path in ["/webcam/webcam/", "/webcam/webcam/health", "/webcam5/health", "/pin/health"] {
            assert_eq!(route(path), Err(NoRoute::NotFound), "{path}");
        }
    }

    #[test]
    fn issue_10_number_16_queries_appended_to_queries() {
        let (stream, snapshot) =
            (|n, fps| Ok(Route::Stream(Selector::Nth(n), fps)), |n| Ok(Route::Snapshot(Selector::Nth(n))));
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
            assert_eq!(route(target), stream(0, None), "{target}");
        }
        for target in [
            "/stream?fps=5?x",
            "/stream?x=1?fps=5",
            "/?action=stream?fps=5?x=1",
            "/stream&fps=5",
            "/stream%3Ffps=5%26x",
        ] {
            assert_eq!(route(target), stream(0, Some(5.0)), "{target}");
        }
        for target in ["/?action=snapshot?x=1", "/?action=snapshot_1?x=1", "/webcam2/?action=snapshot%3Fx=1"]
        {
            assert!(matches!(route(target), Ok(Route::Snapshot(_))), "{target}");
        }
        assert_eq!(route("/?action=snapshot_1?x=1"), snapshot(1));
        assert_eq!(route("/snapshot.jpg&x=1"), snapshot(0));
        assert_eq!(route("/?action=reboot?action=stream").unwrap_err(), unknown_action("reboot"));
    }

    #[test]
    fn escaped_paths_mean_what_they_say() {
        let yard = Selector::Named("yard-1".to_owned());
        assert_eq!(route("/cameras/yard%2D1/strea%6d"), Ok(Route::Stream(yard, None)));
        for path in ["/%ff", "/cameras/%00/x", "/%", "/%zz", "/stream%", "/stre\u{e4}m"] {
            assert_eq!(route(path), Err(NoRoute::NotFound), "{path}");
        }
    }

    #[test]
    fn what_is_not_there() {
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
