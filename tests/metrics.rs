//! `GET /metrics`, parsed as strictly as by Prometheus and its linter.

#[allow(dead_code)] // Other tests use the rest.
#[path = "support/service.rs"]
mod service;
#[allow(dead_code)] // Other tests use the rest.
#[path = "support/stream.rs"]
mod stream;

use std::collections::{BTreeMap, BTreeSet};

use service::Service;
use stream::Stream;

/// A family of metrics.
#[derive(Debug, Default)]
struct Family {
    kind: String,
    /// Labels as written, by the name of the sample.
    samples: Vec<(String, BTreeMap<String, String>, f64)>,
}

/// Parses a page; panics at anything that a scraper or `promtool check metrics` would refuse.
fn parse(text: &str, is_open: bool) -> BTreeMap<String, Family> {
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let mut current = String::new();
    let mut seen = BTreeSet::new();
    let body = if is_open { text.strip_suffix("# EOF\n").expect("OpenMetrics ends in # EOF") } else { text };
    assert!(body.ends_with('\n') && !body.contains("\n\n") && !body.contains('\r'));
    for line in body.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').expect("HELP NAME TEXT");
            assert!(
                families.insert(name.to_owned(), Family::default()).is_none(),
                "{name} stands there twice"
            );
            assert!(!help.is_empty(), "{name} has no help");
            name.clone_into(&mut current);
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("TYPE NAME KIND");
            assert_eq!(name, current, "TYPE follows HELP");
            assert!(["gauge", "counter", "summary"].contains(&kind), "{kind}");
            kind.clone_into(&mut families.get_mut(name).expect("HELP came first").kind);
        } else {
            let (name, labels, value) = sample(line);
            let family = families.get_mut(&current).expect("a sample follows its TYPE");
            let suffix = name.strip_prefix(&current).unwrap_or_else(|| panic!("{name} is not of {current}"));
            let allowed: &[&str] = match (family.kind.as_str(), is_open) {
                ("counter", true) => &["_total"],
                ("summary", _) => &["", "_sum", "_count"],
                _ => &[""],
            };
            assert!(allowed.contains(&suffix), "{line}");
            assert!(seen.insert((name.clone(), labels.clone())), "{line} stands there twice");
            family.samples.push((name, labels, value));
        }
    }
    for (name, family) in &families {
        lint(name, family, is_open);
    }
    families
}

/// Checks for the warnings of `promtool check metrics`.
fn lint(name: &str, family: &Family, is_open: bool) {
    assert!(
        name.starts_with("pinhole_")
            && name.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'_'),
        "{name}"
    );
    assert!(!family.samples.is_empty(), "{name} has no sample");
    assert_eq!(name.ends_with("_total"), family.kind == "counter" && !is_open, "{name} {}", family.kind);
    for unit in ["milliseconds", "_ms", "percent", "kilobytes", "minutes"] {
        assert!(!name.contains(unit), "{name}: base units are wanted");
    }
    for (sample, labels, value) in &family.samples {
        assert!(value.is_finite() && (*value >= 0.0 || name.contains("celsius")), "{sample} {value}");
        assert_eq!(labels.contains_key("quantile"), family.kind == "summary" && *sample == name, "{sample}");
    }
}

/// `NAME{LABEL="VALUE",...} VALUE`.
fn sample(line: &str) -> (String, BTreeMap<String, String>, f64) {
    let end = line.find(['{', ' ']).unwrap_or_else(|| panic!("no value: {line}"));
    let (name, mut rest) = line.split_at(end);
    let mut labels = BTreeMap::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        loop {
            let (label, tail) = rest.split_once("=\"").unwrap_or_else(|| panic!("a label: {line}"));
            assert!(
                label.bytes().all(|it| it.is_ascii_lowercase() || it == b'_') && !label.is_empty(),
                "{line}"
            );
            let (value, tail) = value(tail);
            assert!(labels.insert(label.to_owned(), value).is_none(), "{line}");
            let Some(more) = tail.strip_prefix(',') else {
                rest = tail.strip_prefix('}').unwrap_or_else(|| panic!("no end of labels: {line}"));
                break;
            };
            rest = more;
        }
    }
    let value =
        rest.strip_prefix(' ').and_then(|it| it.parse().ok()).unwrap_or_else(|| panic!("a value: {line}"));
    (name.to_owned(), labels, value)
}

/// A label's value, unescaped, and the text after its closing quote.
fn value(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, &text[at + 1..]),
            '\\' => match chars.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, escaped @ ('\\' | '"'))) => value.push(escaped),
                other => panic!("a wrong escape: {other:?}"),
            },
            c => value.push(c),
        }
    }
    panic!("a value without an end: {text}");
}

#[test]
fn both_formats_match_health() {
    let service = Service::start(&["--size", "160x120", "--fps", "30", "test:", "test:"]);
    let mut stream = Stream::open(service.connect(), "/stream");
    // A frame counts once it is sent: the sixth may not be counted yet.
    (0..6).for_each(|_| drop(stream.part()));
    let health = service.json("/health").1;
    let open = "Accept: application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5\r\n";
    for (headers, is_open, content_type) in [
        ("", false, "text/plain; version=0.0.4; charset=utf-8"),
        (open, true, "application/openmetrics-text; version=1.0.0; charset=utf-8"),
    ] {
        let answer = service.request("GET", "/metrics", headers);
        assert!(answer.status == 200 && answer.head.contains(content_type), "{}", answer.head);
        let families = parse(&answer.text(), is_open);
        let get = |name: &str, wanted: &[(&str, &str)]| {
            let family = if is_open { name.trim_end_matches("_total") } else { name };
            let family = families.get(family.trim_end_matches("_count").trim_end_matches("_sum"));
            let family = family.unwrap_or_else(|| panic!("{name} is missing"));
            let of = |labels: &BTreeMap<String, String>| {
                wanted.iter().all(|(label, value)| labels.get(*label).is_some_and(|it| it == value))
            };
            let found: Vec<_> =
                family.samples.iter().filter(|(it, labels, _)| it == name && of(labels)).collect();
            assert_eq!(found.len(), 1, "{name} {wanted:?}: {:?}", family.samples);
            found[0].2
        };
        assert_eq!(
            get("pinhole_build_info", &[("version", env!("CARGO_PKG_VERSION"))]).to_bits(),
            1_f64.to_bits()
        );
        assert!(
            get("pinhole_camera_frames_total", &[("camera", "test")])
                >= health["cameras"][0]["frames_total"].as_f64().expect("a number")
        );
        let is_one = |value: f64| (value - 1.0).abs() < f64::EPSILON;
        assert!(is_one(get("pinhole_camera_state", &[("camera", "test"), ("state", "live")])));
        assert!(is_one(get("pinhole_camera_state", &[("camera", "test-2"), ("state", "idle")])));
        assert!(get("pinhole_camera_state", &[("camera", "test"), ("state", "lost")]) < 0.5);
        assert!(is_one(get("pinhole_camera_viewers", &[("camera", "test")])));
        assert!(is_one(get("pinhole_status", &[("status", "ok")])));
        let latency = get("pinhole_camera_latency_seconds", &[("camera", "test"), ("quantile", "0.5")]);
        assert!((0.000_001..5.0).contains(&latency), "seconds, not milliseconds: {latency}");
        assert!(get("pinhole_camera_latency_seconds_count", &[("camera", "test")]) >= 5.0);
        assert!(get("pinhole_camera_latency_seconds_sum", &[("camera", "test")]) > 0.0);
        assert!(get("pinhole_http_sent_bytes_total", &[]) > 1000.0);
        assert!(get("pinhole_system_memory_bytes", &[]) >= get("pinhole_system_memory_available_bytes", &[]));
        assert!((1e6..1e9).contains(&get("pinhole_resident_memory_bytes", &[])));
        // The second camera was never open: unknown values have no line.
        let rates = &families["pinhole_camera_frames_per_second"].samples;
        assert!(rates.iter().all(|(_, labels, _)| labels["camera"] == "test"), "{rates:?}");
    }
    assert_eq!(service.request("HEAD", "/metrics", "").status, 200);
}
