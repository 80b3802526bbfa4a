//! Smaller pictures and other qualities: `?width=` and `?quality=`.

#[allow(dead_code)] // Other tests use the rest.
#[path = "support/service.rs"]
mod service;
#[allow(dead_code)] // Other tests use the rest.
#[path = "support/stream.rs"]
mod stream;

use service::Service;
use stream::Stream;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;

/// 1280 pixels wide, so that there are steps of 640, 320 and 160.
const CARD: [&str; 5] = ["--size", "1280x720", "--fps", "30", "test:"];

fn size_of(jpeg: &[u8]) -> (usize, usize) {
    let mut decoder = JpegDecoder::new(ZCursor::new(jpeg));
    decoder.decode().expect("the picture decodes");
    decoder.dimensions().expect("it has a size")
}

#[test]
fn a_stream_is_at_least_as_wide_as_wanted_and_at_most_twice() {
    let service = Service::start(&CARD);
    for (query, size) in [
        ("?width=1", (160, 90)),
        ("?width=160", (160, 90)),
        ("?width=161", (320, 180)),
        ("?width=640", (640, 360)),
        ("?width=641", (1280, 720)),
        ("?width=9000", (1280, 720)),
        ("?quality=80", (1280, 720)),
        ("?width=300&fps=20&quality=30", (320, 180)),
        ("", (1280, 720)),
    ] {
        let mut stream = Stream::open(service.connect(), &format!("/stream{query}"));
        let parts: Vec<_> = (0..3).map(|_| stream.part()).collect();
        assert!(parts.iter().all(|part| size_of(&part.jpeg) == size), "{query}");
        assert!(parts.windows(2).all(|pair| pair[0].timestamp < pair[1].timestamp), "{query}");
        assert!(parts.windows(2).all(|pair| pair[0].jpeg != pair[1].jpeg), "{query}: it moves");
    }
}

#[test]
fn a_stream_of_a_lower_quality_is_smaller() {
    let service = Service::start(&CARD);
    let bytes = |query: &str| Stream::open(service.connect(), &format!("/stream{query}")).part().jpeg.len();
    let (all, half, low) = (bytes(""), bytes("?width=640"), bytes("?width=640&quality=10"));
    assert!(half < all / 2 && low < half / 2, "{all}, {half}, {low}");
}

#[test]
fn viewers_of_a_derived_track_are_viewers_of_the_camera() {
    let service = Service::start(&CARD);
    let mut streams: Vec<_> = ["?width=320", "?width=300", "?width=160", ""]
        .map(|query| Stream::open(service.connect(), &format!("/cameras/test/stream{query}")))
        .into_iter()
        .collect();
    for stream in &mut streams {
        stream.part();
    }
    service.until("/health", |health| health["cameras"][0]["viewers"] == 4);
    drop(streams);
    // Nobody is left that would keep the camera open.
    service.until("/health", |health| health["cameras"][0]["viewers"] == 0);
    service.until("/health", |health| health["cameras"][0]["state"] == "idle");
}

#[test]
fn a_snapshot_has_the_wanted_width_and_quality() {
    let service = Service::start(&CARD);
    let take = |target: &str| service.request("GET", target, "");
    let small = take("/cameras/test/snapshot.jpg?width=200&quality=40");
    assert_eq!((small.status, size_of(&small.body)), (200, (320, 180)));
    assert!(small.head.contains("x-timestamp: "), "{}", small.head);
    let whole = take("/snapshot?width=1280");
    assert_eq!(size_of(&whole.body), (1280, 720));
    assert!(take("/snapshot?quality=10").body.len() < whole.body.len());
}

#[test]
fn what_cannot_be_is_refused_with_what_can() {
    let service = Service::start(&CARD);
    for (query, words) in [
        ("width=0", "width must be 1 to 16384, got 0"),
        ("width=-1", "width must be"),
        ("width=x", "width must be"),
        ("width=99999999999", "width must be"),
        ("quality=0", "quality must be 1 to 100, got 0"),
        ("quality=101", "quality must be 1 to 100, got 101"),
    ] {
        for target in ["stream", "snapshot"] {
            let answer = service.request("GET", &format!("/{target}?{query}"), "");
            assert!(answer.status == 400 && answer.text().contains(words), "{query}: {}", answer.text());
        }
    }
    assert_eq!(service.request("HEAD", "/stream?width=100", "").status, 200);
}
