//! The whole service from the user's side: the real program over real sockets.

#[path = "support/service.rs"]
mod service;
#[path = "support/stream.rs"]
#[allow(dead_code)] // Each test program uses a part of it.
mod stream;

use std::io::{Read, Write};
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Output, Stdio};

use service::{PATIENCE, Service};
use stream::Stream;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;

const SMALL: [&str; 5] = ["--size", "320x240", "--fps", "60", "test:"];

fn size_of(jpeg: &[u8]) -> (usize, usize) {
    let mut decoder = JpegDecoder::new(ZCursor::new(jpeg));
    decoder.decode().expect("the picture decodes");
    decoder.dimensions().expect("it has a size")
}

fn pinhole(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pinhole"))
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("it runs")
}

#[test]
fn a_stream_is_parts_in_order_each_followed_by_its_boundary() {
    let service = Service::start(&SMALL);
    let mut stream = Stream::open(service.connect(), "/stream");
    let parts: Vec<_> = (0..20).map(|_| stream.part()).collect();
    for pair in parts.windows(2) {
        assert!(pair[0].timestamp < pair[1].timestamp, "newer and newer");
        assert_ne!(pair[0].jpeg, pair[1].jpeg, "the test card moves");
    }
    assert!(parts.iter().all(|part| size_of(&part.jpeg) == (320, 240)));
    // Parts were read one by one, and the boundary of the next has already arrived: Chromium shows a picture
    // only after the boundary that follows it.
    let boundary = format!("--{}\r\n", stream.boundary());
    assert_eq!(stream.buffered().get(..boundary.len()), Some(boundary.as_bytes()));
    let health = service.json("/health").1;
    assert_eq!(health["cameras"][0]["viewers"], 1);
    assert!(health["cameras"][0]["latency_ms"]["p50"].as_f64().is_some_and(|ms| ms > 0.0));
}

#[test]
fn a_viewer_can_ask_for_a_lower_rate() {
    let service = Service::start(&SMALL);
    let mut slow = Stream::open(service.connect(), "/stream?fps=5");
    let times: Vec<f64> = (0..6).map(|_| slow.part().timestamp).collect();
    let span = times[5] - times[0];
    assert!((0.9..2.0).contains(&span), "five intervals of 0.2 s took {span}");
    assert_eq!(service.request("GET", "/stream?fps=0", "").status, 400);
}

#[test]
fn a_snapshot_is_captured_after_its_request() {
    let service = Service::start(&SMALL);
    let first = service.request("GET", "/snapshot", "");
    assert_eq!((first.status, size_of(&first.body)), (200, (320, 240)));
    assert!(first.head.contains("content-type: image/jpeg"), "{}", first.head);
    let time = |head: &str| -> f64 {
        let line = head.lines().find_map(|line| line.strip_prefix("x-timestamp: ")).expect("a time");
        line.parse().expect("seconds")
    };
    let mut before = time(&first.head);
    for target in
        ["/snapshot.jpg", "/?action=snapshot", "/cameras/test/snapshot.jpg", "/webcam/?action=snapshot_0"]
    {
        let next = service.request("GET", target, "");
        assert_eq!(next.status, 200, "{target}");
        assert!(time(&next.head) > before, "{target} is a new picture");
        before = time(&next.head);
    }
    let head = service.request("HEAD", "/snapshot", "");
    assert!(
        head.status == 200 && head.body.is_empty() && !head.head.contains("content-length: 0"),
        "{}",
        head.head
    );
}

#[test]
fn software_made_for_mjpg_streamer_finds_its_urls() {
    let service = Service::start(&["--size", "160x120", "test:", "test:"]);
    for target in [
        "/?action=stream",
        "/?action=stream_1",
        "/webcam/?action=stream",
        "/webcam2/?action=stream",
        "/cameras/test-2/stream",
    ] {
        assert_eq!(size_of(&Stream::open(service.connect(), target).part().jpeg), (160, 120), "{target}");
    }
    assert_eq!(service.request("GET", "/?action=stream_2", "").status, 404);
    assert_eq!(service.request("GET", "/cameras/nobody/stream", "").status, 404);
}

#[test]
fn methods_paths_and_types_follow_http() {
    let service = Service::start(&SMALL);
    let page = service.request("GET", "/", "");
    assert!(
        page.status == 200
            && page.head.contains("text/html")
            && page.head.contains("content-security-policy")
    );
    let head = service.request("HEAD", "/", "");
    let length = |head: &str| head.lines().find(|line| line.starts_with("content-length")).map(str::to_owned);
    assert!(head.body.is_empty() && length(&head.head) == length(&page.head));
    let post = service.request("POST", "/stream", "Content-Length: 0\r\n");
    assert!(post.status == 405 && post.head.contains("allow: get, head"), "{}", post.head);
    let missing = service.request("GET", "/api/cameras/nobody", "");
    assert_eq!((missing.status, missing.text().contains("\"error\"")), (404, true));
    assert_eq!(service.request("GET", "/nothing", "").status, 404);
    let health = service.request("GET", "/health", "Accept: text/html,*/*\r\n");
    assert!(
        health.head.contains("text/html")
            && service.request("GET", "/health", "").head.contains("application/json")
    );
    let (status, cameras) = service.json("/api/cameras");
    assert_eq!((status, cameras[0]["name"].as_str()), (200, Some("test")));
    assert_eq!(service.json("/api/cameras/test").1["stream"], "/cameras/test/stream");
}

#[test]
fn connections_are_reused_and_pipelined_requests_are_answered_in_order() {
    let service = Service::start(&SMALL);
    let answer = service.exchange(
        b"GET /api/cameras HTTP/1.1\r\nHost: a\r\n\r\nGET /nothing HTTP/1.1\r\nHost: a\r\n\r\nGET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    );
    let statuses: Vec<_> = answer.lines().filter_map(|line| line.strip_prefix("HTTP/1.1 ")).collect();
    assert_eq!(statuses, ["200 OK", "404 Not Found", "200 OK"], "{answer}");
    let old = service.exchange(b"GET /api/cameras HTTP/1.0\r\n\r\n");
    assert!(old.starts_with("HTTP/1.1 200") && old.contains("connection: close"), "{old}");
}

#[test]
fn invalid_requests_are_refused_and_the_service_continues() {
    let service = Service::start(&SMALL);
    let long = [b"GET / HTTP/1.1\r\nX: ".to_vec(), vec![b'a'; 100_000]].concat();
    for (request, status) in [
        (&b"\x16\x03\x01\x02\x00\x01\xfc\x03\x03\n\n"[..], "400"),
        (b"GET / HTTP/1.1\r\n\r\n", "400"),
        (b"GET / HTTP/3.0\r\nHost: a\r\n\r\n", "505"),
        (b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", "405"),
        (&long, "431"),
    ] {
        let answer = service.exchange(request);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{status}: {answer}");
    }
    assert_eq!(service.json("/health").0, 200);
}

#[test]
fn a_client_over_the_ceiling_gets_an_answer() {
    let file =
        ConfigFile::new("[http]\nconnections_max = 3\n[[camera]]\nsource = \"test:\"\nsize = \"160x120\"\n");
    let service = Service::start(&["--config", file.path()]);
    let mut viewers: Vec<_> = (0..3).map(|_| Stream::open(service.connect(), "/stream")).collect();
    let refused = service.exchange(b"GET /stream HTTP/1.1\r\nHost: a\r\n\r\n").to_lowercase();
    assert!(refused.starts_with("http/1.1 503 ") && refused.contains("retry-after: 5"), "{refused}");
    for viewer in &mut viewers {
        viewer.part();
    }
    drop(viewers.pop());
    // The place is free as soon as the service has seen the viewer go.
    let answered = (0..10_000).any(|_| {
        service
            .exchange(b"GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            .starts_with("HTTP/1.1 200")
    });
    assert!(answered, "a viewer that left frees its place");
    let health =
        service.until("/health", |health| health["http"]["connections_refused_total"].as_u64() > Some(0));
    assert_eq!(health["http"]["connections_max"], 3);
}

#[test]
fn a_slow_viewer_sees_current_pictures_and_costs_the_others_nothing() {
    let service = Service::start(&["--size", "1280x720", "--fps", "30", "test:"]);
    let slow = Stream::open(service.connect(), "/stream");
    let mut fast = Stream::open(service.connect(), "/stream");
    // The slow one reads nothing while the fast one gets four seconds of pictures, all of them.
    let times: Vec<f64> = (0..120).map(|_| fast.part().timestamp).collect();
    let longest = times.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max);
    assert!(longest < 1.0, "the fast viewer waited {longest} s");
    let mut slow = slow;
    let now = fast.part().timestamp;
    // The kernel's buffer for it has old pictures; the first picture begun after it read again is new.
    let behind = (0..60).map(|_| slow.part().timestamp).position(|time| time >= now - 0.2);
    assert!(behind.is_some_and(|parts| parts < 60), "the slow viewer never caught up");
    let skipped = 120 > behind.unwrap_or(120);
    assert!(skipped, "it got every old picture");
}

#[test]
fn an_absent_camera_is_reported_in_words_everywhere() {
    let service = Service::start(&["/dev/video99"]);
    let words = "no device at /dev/video99; plug the camera in, or correct the source";
    let mut stream = Stream::open(service.connect(), "/stream");
    let (one, two) = (stream.part(), stream.part());
    assert_eq!(size_of(&one.jpeg), (1280, 720), "a card");
    assert!(two.timestamp - one.timestamp > 0.5, "cards come once a second");
    let (status, health) = service.json("/health");
    assert_eq!((status, health["status"].as_str()), (503, Some("failed")));
    assert_eq!(health["cameras"][0]["state"], "lost");
    assert_eq!(health["cameras"][0]["reason"], words);
    assert_eq!(health["cameras"][0]["frames_total"], 0, "cards are no pictures");
    let snapshot = service.request("GET", "/snapshot", "");
    assert_eq!((snapshot.status, snapshot.text().contains(words)), (503, true));
    service.log_line(&format!("camera video99: lost: {words}"));
}

#[test]
fn a_source_that_is_not_a_camera_is_named() {
    let service = Service::start(&["/dev/null"]);
    let mut stream = Stream::open(service.connect(), "/stream");
    stream.part();
    let health = service.until("/health", |health| health["cameras"][0]["state"] == "lost");
    let reason = health["cameras"][0]["reason"].as_str().unwrap_or_default().to_owned();
    assert_eq!(reason, "not usable as a camera: /dev/null is not a V4L2 device");
}

#[test]
fn without_viewers_nothing_runs() {
    let service = Service::start(&SMALL);
    assert_eq!(service.json("/health").1["cameras"][0]["state"], "idle");
    let mut stream = Stream::open(service.connect(), "/stream");
    stream.part();
    assert_eq!(service.json("/health").1["cameras"][0]["state"], "live");
    drop(stream);
    let idle = service.until("/health", |health| health["cameras"][0]["state"] == "idle");
    let frames = &idle["cameras"][0]["frames_total"];
    assert_eq!(&service.json("/health").1["cameras"][0]["frames_total"], frames);
    service.log_line("camera test: closed: no viewers");
}

#[test]
fn sigterm_ends_streams_and_the_exit_is_clean() {
    let service = Service::start(&SMALL);
    let mut stream = Stream::open(service.connect(), "/stream");
    stream.part();
    assert_eq!(service.terminate().code(), Some(0));
    assert!(stream.is_ended());
}

#[test]
fn systemd_passes_the_socket_and_gets_notifications() {
    let folder = std::env::temp_dir().join(format!("pinhole-notify-{}", std::process::id()));
    let notify = UnixDatagram::bind(&folder).expect("a notify socket");
    notify.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    // Opens a socket and becomes the program, as systemd does (sd_listen_fds(3)).
    let activate = "import os, socket, sys
s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(); os.dup2(s.fileno(), 3); os.set_inheritable(3, True)
os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[1], sys.argv[1:])";
    let mut command = Command::new("python3");
    command.args(["-c", activate, env!("CARGO_BIN_EXE_pinhole"), "serve", "test:"]);
    command.env("NOTIFY_SOCKET", &folder).env("WATCHDOG_USEC", "400000");
    let service = Service::from_command(&mut command);
    let heard = || {
        let mut buffer = [0; 256];
        let bytes = notify.recv(&mut buffer).expect("a message");
        String::from_utf8_lossy(&buffer[..bytes]).trim().to_owned()
    };
    let mut first: Vec<_> = (0..3).map(|_| heard()).collect();
    first.sort();
    assert_eq!(first, ["READY=1", "WATCHDOG=1", "WATCHDOG=1"]);
    assert_eq!(service.json("/health").0, 200);
    assert_eq!(service.terminate().code(), Some(0));
    assert!((0..100).any(|_| heard() == "STOPPING=1"));
    let _ = std::fs::remove_file(folder);
}

#[test]
fn an_invalid_configuration_stops_the_start_with_line_key_and_allowed_values() {
    for (text, expected) in [
        (
            "[[camera]]\nsource = \"auto\"\nqualty = 80\n",
            "3: camera.qualty: unknown key; did you mean quality?",
        ),
        ("[http]\nlisten = [\"::\"]\n", "2: http.listen: \"::\" has no port; write \"[::]:8080\""),
        (
            "[[camera]]\nname = \"a b\"\nsource = \"test:\"\nfps = 1000\n",
            "4: camera.fps: must be 1 to 240, got 1000",
        ),
    ] {
        let file = ConfigFile::new(text);
        for arguments in [vec!["check", file.path()], vec!["serve", "--config", file.path()]] {
            let output = pinhole(&arguments);
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(2), "{error}");
            assert!(error.contains(&format!("{}:{expected}", file.path())), "{error}");
            assert!(error.lines().all(|line| line.starts_with("pinhole: ")), "{error}");
        }
    }
    let good = ConfigFile::new("[[camera]]\nsource = \"test:\"\n");
    assert_eq!(pinhole(&["check", good.path()]).status.code(), Some(0));
    let absent = ConfigFile::new("[[camera]]\nsource = \"/dev/video987\"\n");
    let output = pinhole(&["check", absent.path()]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "a warning, not a mistake");
    assert!(said.contains("warning: camera video987: /dev/video987 does not exist"), "{said}");
}

#[test]
fn an_invalid_command_line_is_one_line_and_exit_status_2() {
    for (arguments, part) in [
        (vec!["--size", "huge"], "WIDTHxHEIGHT"),
        (vec!["serve", "webcam"], "/dev/video0"),
        (vec!["--frobnicate"], "--frobnicate"),
        (vec!["snapshot", "test:"], "--output"),
    ] {
        let output = pinhole(&arguments);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), error.lines().count()), (Some(2), 1), "{error}");
        assert!(error.starts_with("pinhole: ") && error.contains(part), "{error}");
    }
    assert_eq!(pinhole(&["--version"]).status.code(), Some(0));
}

#[test]
fn a_port_in_use_is_an_error_with_advice() {
    let service = Service::start(&SMALL);
    let output = pinhole(&["--listen", &service.address.to_string(), "test:"]);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1));
    assert!(error.contains("choose another port"), "{error}");
}

#[test]
fn the_commands_for_one_source() {
    let picture = pinhole(&["snapshot", "--size", "320x240", "--output", "-", "test:"]);
    assert_eq!(size_of(&picture.stdout), (320, 240));
    let probe = pinhole(&["probe", "--json", "--fps", "20", "--size", "320x240", "test:"]);
    let report: serde_json::Value = serde_json::from_slice(&probe.stdout).expect("JSON");
    assert_eq!((report["width"].as_u64(), report["height"].as_u64()), (Some(320), Some(240)));
    assert!(report["fps"].as_f64().is_some_and(|fps| (10.0..21.0).contains(&fps)), "{report}");
    let absent = pinhole(&["probe", "/dev/video99"]);
    let error = String::from_utf8_lossy(&absent.stderr).into_owned();
    assert_eq!(
        (absent.status.code(), error.contains("no device at /dev/video99; plug")),
        (Some(1), true),
        "{error}"
    );
    assert!(serde_json::from_slice::<serde_json::Value>(&pinhole(&["cameras", "--json"]).stdout).is_ok());
}

#[test]
fn ipv6_is_answered_too() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pinhole"));
    command.args(["serve", "--listen", "[::]:0", "--size", "160x120", "test:"]);
    let service = Service::from_command(&mut command);
    let port = service.address.port();
    for host in ["127.0.0.1", "::1"] {
        let Ok(mut stream) = std::net::TcpStream::connect((host, port)) else {
            // A machine without IPv6 has fallen back to IPv4.
            assert!(host == "::1" && service.address.is_ipv4(), "{host} refuses");
            continue;
        };
        stream
            .write_all(b"GET /api/cameras HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            .expect("taken");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("text");
        assert!(answer.starts_with("HTTP/1.1 200"), "{host}: {answer}");
    }
}

#[test]
fn ffmpeg_and_curl_read_the_stream() {
    let service = Service::start(&["--size", "320x240", "--fps", "30", "test:"]);
    let url = format!("http://{}/stream", service.address);
    let ffmpeg = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "mpjpeg", "-i", &url, "-frames:v", "10", "-f", "framemd5", "-"])
        .stdin(Stdio::null())
        .output()
        .expect("ffmpeg is installed");
    assert!(
        ffmpeg.status.success() && ffmpeg.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&ffmpeg.stderr)
    );
    let frames =
        String::from_utf8_lossy(&ffmpeg.stdout).lines().filter(|line| line.starts_with("0,")).count();
    assert_eq!(frames, 10);
    let snapshot = format!("http://{}/snapshot", service.address);
    let curl = Command::new("curl").args(["-sSf", &snapshot]).output().expect("curl is installed");
    assert_eq!(size_of(&curl.stdout), (320, 240));
}

/// A configuration file that is removed with the test.
struct ConfigFile(String);

impl ConfigFile {
    fn new(text: &str) -> Self {
        use std::sync::atomic::{AtomicU32, Ordering};
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("pinhole-{}-{}.toml", std::process::id(), NUMBER.fetch_add(1, Ordering::SeqCst));
        let path = std::env::temp_dir().join(name).to_str().expect("a path of text").to_owned();
        std::fs::write(&path, text).expect("it is written");
        Self(path)
    }

    fn path(&self) -> &str {
        &self.0
    }
}

impl Drop for ConfigFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn a_body_is_read_only_if_the_route_takes_one_and_bounded() {
    let service = Service::start(&SMALL);
    let patch = |headers: &str, body: &str| {
        let head = "PATCH /api/cameras/test/controls HTTP/1.1\r\nHost: a\r\nConnection: close\r\n";
        let answer = service.exchange(format!("{head}{headers}\r\n{body}").as_bytes());
        answer.split(' ').nth(1).and_then(|status| status.parse::<u16>().ok()).expect("a status")
    };
    assert_eq!(service.json("/api/cameras/test/controls"), (200, serde_json::json!([])));
    assert_eq!(patch("Content-Length: 2\r\n", "{}"), 400, "the test card has no controls");
    assert_eq!(patch("Content-Length: 3\r\n", "{x}"), 400);
    assert_eq!(patch("", ""), 411);
    assert_eq!(patch("Content-Length: 1000000\r\n", ""), 413);
    assert_eq!(service.request("PATCH", "/api/cameras/nobody/controls", "Content-Length: 0\r\n").status, 404);
    let put = service.request("PUT", "/api/cameras/test/controls", "");
    assert!(put.status == 405 && put.head.contains("allow: get, head, patch"), "{}", put.head);
    let unknown = service.request("BREW", "/api/cameras/test/controls", "");
    assert!(unknown.status == 405 && unknown.head.contains("allow: get, head, patch"), "{}", unknown.head);
    let elsewhere = service.request("PATCH", "/api/cameras/test", "");
    assert!(elsewhere.status == 405 && !elsewhere.head.contains("patch"), "{}", elsewhere.head);
}
