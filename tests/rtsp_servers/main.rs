//! The whole program against third-party RTSP servers: viewers see the clip, in order and at its rate.

mod relay;
mod scene;
mod servers;
#[path = "../support/service.rs"]
#[allow(dead_code)] // Each test program uses a part of it.
mod service;
#[path = "../support/stream.rs"]
#[allow(dead_code)]
mod stream;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use pinhole::clock::{Clock, Monotonic};
use scene::{FPS, KEY_INTERVAL};
use servers::Server;
use service::Service;
use stream::Stream;

/// Minimum similarity of a viewer's picture to the clip's, in dB.
const PSNR_MIN_DB: f64 = 32.0;

const X264: [&str; 6] = ["-c:v", "libx264", "-preset", "fast", "-crf", "20"];

/// A folder with the clips, made once for all tests; `None` if ffmpeg is not installed.
fn clips() -> Option<&'static Path> {
    static CLIPS: OnceLock<Option<PathBuf>> = OnceLock::new();
    CLIPS
        .get_or_init(|| {
            Command::new("ffmpeg").arg("-version").output().ok()?;
            let folder = std::env::temp_dir().join(format!("pinhole-clips-{}", std::process::id()));
            std::fs::create_dir_all(&folder).unwrap();
            let x264 = |name: &str, more: &[&str]| scene::clip(&folder, name, &[&X264[..], more].concat());
            x264("baseline", &["-profile:v", "baseline", "-bf", "0"]);
            x264("high", &["-profile:v", "high", "-bf", "2", "-coder", "1"]);
            x264("slices", &["-profile:v", "main", "-bf", "0", "-slices", "4"]);
            let quiet = format!("log-level=none:keyint={KEY_INTERVAL}:bframes=2");
            let x265 = ["-c:v", "libx265", "-preset", "fast", "-crf", "20", "-x265-params", &quiet];
            scene::clip(&folder, "hevc", &x265);
            scene::clip(
                &folder,
                "jpeg",
                &["-c:v", "mjpeg", "-huffman", "default", "-q:v", "2", "-pix_fmt", "yuvj420p"],
            );
            Some(folder)
        })
        .as_deref()
}

fn skipped(what: &str, why: &str) {
    println!("SKIPPED: RTSP servers, {what}: {why}");
}

/// gst-rtsp-server with all clips.
fn gst(address: &str, digest: bool) -> Option<Server> {
    let Some(folder) = clips() else {
        skipped("gst-rtsp-server", "ffmpeg is not installed");
        return None;
    };
    let codec = |name: &str| {
        if name == "hevc" {
            "h265"
        } else if name == "jpeg" {
            "jpeg"
        } else {
            "h264"
        }
    };
    let clips = ["baseline", "high", "slices", "hevc", "jpeg"]
        .map(|name| format!("{name}={}:{}", folder.join(name).with_extension("mkv").display(), codec(name)));
    let server = servers::gst(address, digest, &clips);
    if server.is_none() {
        skipped("gst-rtsp-server", "it is not installed");
    }
    server
}

/// The program with one camera.
struct Watched {
    service: Service,
    config: PathBuf,
}

impl Watched {
    fn new(url: &str, transport: &str) -> Self {
        let name = url.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        let config = std::env::temp_dir().join(format!("pinhole-{transport}{name}.toml"));
        let text = format!(
            "[[camera]]\nname = \"cam\"\nsource = \"{url}\"\ntransport = \"{transport}\"\nquality = 90\n"
        );
        std::fs::write(&config, text).unwrap();
        Self { service: Service::start(&["--config", config.to_str().unwrap()]), config }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.config);
    }
}

/// Numbers, times and similarity of the next pictures that a viewer sees, and their arrival.
fn watch(stream: &mut Stream, pictures: usize) -> (Vec<(usize, f64, f64)>, Vec<Monotonic>) {
    let (mut seen, mut come) = (Vec::new(), Vec::new());
    let clock = Clock::kernel();
    // Cards come before the first picture if the server is slow.
    for _ in 0..pictures + 60 {
        let part = stream.part();
        let now = clock.now();
        if scene::is_clip(&part.jpeg) {
            let (number, psnr) = scene::recognise(&part.jpeg);
            seen.push((number, part.timestamp, psnr));
            come.push(now);
        }
        if seen.len() == pictures {
            break;
        }
    }
    assert_eq!(seen.len(), pictures, "too few pictures");
    (seen, come)
}

/// The percentage of pictures that followed another too soon to be seen: in less than a quarter of their
/// interval, as in a burst.
fn bunched_percent(come: &[Monotonic]) -> usize {
    let soon = Duration::from_secs(1) / (4 * FPS as u32);
    let bunched = come.windows(2).filter(|pair| pair[1].since(pair[0]) < soon).count();
    100 * bunched / come.len()
}

/// Checks that a viewer sees the clip: similar enough, in order, every picture, at its rate.
fn shows(url: &str, transport: &str) {
    let watched = Watched::new(url, transport);
    let mut stream = Stream::open(watched.service.connect(), "/stream");
    let (seen, come) = watch(&mut stream, 120);
    for (number, _, psnr) in &seen {
        assert!(*psnr >= PSNR_MIN_DB, "{url} over {transport}: picture {number} has {psnr:.1} dB");
    }
    let order: Vec<_> = seen.iter().map(|(number, ..)| *number).collect();
    assert!(order.windows(2).all(|pair| pair[0] < pair[1]), "{url} over {transport}: {order:?}");
    let (first, last) = (seen[20], seen[seen.len() - 1]);
    let missing = (last.0 - first.0) - (seen.len() - 21);
    // A machine that is busy with other tests skips some.
    assert!(missing <= seen.len() / 10, "{url} over {transport}: {missing} pictures skipped: {order:?}");
    let rate = (last.0 - first.0) as f64 / (last.1 - first.1);
    assert!((rate / FPS as f64 - 1.0).abs() < 0.1, "{url} over {transport}: {rate:.2} pictures a second");
    let worst = seen.iter().map(|(.., psnr)| *psnr).fold(f64::MAX, f64::min);
    // With B-frames, which bring three pictures at a time, two in three were once bunched.
    let bunched = bunched_percent(&come[40..]);
    assert!(bunched <= 25, "{url} over {transport}: {bunched} % bunched");
    println!(
        "{url} over {transport}: worst picture {worst:.1} dB, {rate:.2} fps, {missing} skipped, {bunched} % bunched"
    );
}

#[test]
fn gst_rtsp_server_over_tcp_with_digest() {
    let Some(server) = gst("127.0.0.1", true) else { return };
    for clip in ["jpeg", "baseline", "high", "slices", "hevc"] {
        shows(&format!("rtsp://joe:hush@127.0.0.1:{}/{clip}", server.port), "tcp");
    }
}

#[test]
fn gst_rtsp_server_over_ipv6() {
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        return skipped("gst-rtsp-server over IPv6", "this machine has no ::1");
    }
    let Some(server) = gst("::1", true) else { return };
    for transport in ["tcp", "udp"] {
        shows(&format!("rtsp://joe:hush@[::1]:{}/baseline", server.port), transport);
    }
}

#[test]
fn gst_rtsp_server_over_udp() {
    let Some(server) = gst("127.0.0.1", false) else { return };
    for clip in ["jpeg", "baseline", "high", "slices", "hevc"] {
        shows(&format!("rtsp://127.0.0.1:{}/{clip}", server.port), "udp");
    }
}

/// live555 with the clips that it supports.
fn live555(digest: bool) -> Option<Server> {
    let Some(folder) = clips() else {
        skipped("live555", "ffmpeg is not installed");
        return None;
    };
    let clips =
        LIVE555_CLIPS.map(|name| format!("{name}={}", folder.join(name).with_extension("mkv").display()));
    servers::live555(digest, &clips).inspect_err(|why| skipped("live555", why)).ok()
}

/// It extracts no JPEG from Matroska.
const LIVE555_CLIPS: [&str; 4] = ["baseline", "high", "slices", "hevc"];

#[test]
fn live555_over_tcp_with_digest() {
    let Some(server) = live555(true) else { return };
    for clip in LIVE555_CLIPS {
        shows(&format!("rtsp://joe:hush@127.0.0.1:{}/{clip}", server.port), "tcp");
    }
}

#[test]
fn live555_over_udp() {
    let Some(server) = live555(false) else { return };
    for clip in LIVE555_CLIPS {
        shows(&format!("rtsp://127.0.0.1:{}/{clip}", server.port), "udp");
    }
}

#[test]
fn vlc_over_udp_and_its_behaviour_over_tcp() {
    let Some(folder) = clips() else { return skipped("VLC", "ffmpeg is not installed") };
    for clip in ["high", "hevc"] {
        for transport in ["udp", "auto"] {
            let Some(server) = servers::vlc(&folder.join(clip).with_extension("mkv")) else {
                return skipped("VLC", "it is not installed, or does not start");
            };
            shows(&format!("rtsp://127.0.0.1:{}/cam", server.port), transport);
        }
    }
}

#[test]
fn a_wrong_password_and_a_missing_stream_are_named() {
    let Some(server) = gst("127.0.0.1", true) else { return };
    for (path, words) in [
        ("joe:wrong@127.0.0.1", "rejects user name or password"),
        ("127.0.0.1", "requires user name and password"),
    ] {
        let (user, host) = path.rsplit_once('@').map_or(("", path), |(user, host)| (user, host));
        let at = if user.is_empty() { "" } else { "@" };
        let watched = Watched::new(&format!("rtsp://{user}{at}{host}:{}/high", server.port), "auto");
        let _viewer = Stream::open(watched.service.connect(), "/stream");
        watched.service.until("/health", |health| {
            health["cameras"][0]["reason"].as_str().is_some_and(|reason| reason.contains(words))
        });
    }
}

#[test]
fn losing_five_percent_of_datagrams_costs_pictures_and_smears_none() {
    let Some(server) = gst("127.0.0.1", false) else { return };
    for clip in ["high", "slices", "hevc", "jpeg"] {
        let (port, log) = relay::start(server.port);
        let watched = Watched::new(&format!("rtsp://127.0.0.1:{port}/{clip}"), "udp");
        let mut stream = Stream::open(watched.service.connect(), "/stream");
        let mut seen: Vec<(usize, f64, f64)> = Vec::new();
        while seen.last().is_none_or(|(number, ..)| *number < 8 * FPS) {
            let part = stream.part();
            if scene::is_clip(&part.jpeg) {
                let (number, psnr) = scene::recognise(&part.jpeg);
                seen.push((number, part.timestamp, psnr));
            }
        }
        for (number, _, psnr) in &seen {
            assert!(*psnr >= PSNR_MIN_DB, "{clip}: picture {number} has {psnr:.1} dB: smeared");
        }
        assert!(seen.windows(2).all(|pair| pair[0].0 < pair[1].0), "{clip}: in order");
        let pictures = log.pictures();
        let lost: usize = pictures.iter().map(|picture| picture.lost).sum();
        let packets: usize = lost + pictures.iter().map(|picture| picture.passed).sum::<usize>();
        println!(
            "{clip}: {} pictures seen of {}, {lost} of {packets} datagrams lost",
            seen.len(),
            pictures.len()
        );
        assert!(lost > 5, "{clip}: the relay lost {lost}");
        // Wherever a key picture and some after it are complete, pictures are shown again: the key picture,
        // or on a busy machine a later one. A decoder of B-frames outputs a picture only after the next has
        // come.
        let number = |timestamp: u32| (timestamp.wrapping_sub(pictures[0].timestamp) / 3600) as usize;
        let last = seen.last().map_or(0, |(number, ..)| *number);
        let whole: Vec<_> = pictures
            .windows(5)
            .filter(|run| run[0].is_key && run.iter().all(|picture| picture.lost == 0))
            .map(|run| number(run[0].timestamp))
            .filter(|number| (seen[0].0..last - 5).contains(number))
            .collect();
        assert!(!whole.is_empty(), "{clip}: no key picture came whole");
        for key in whole {
            let is_shown = seen.iter().any(|(number, ..)| (key..key + 6).contains(number));
            assert!(is_shown, "{clip}: key picture {key} came whole and is not shown");
        }
        watched.service.until("/health", |health| health["cameras"][0]["state"] == "live");
    }
}
