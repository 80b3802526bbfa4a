//! `http://` sources, against third-party servers, and one that imitates the errors of cameras.

#[allow(dead_code)] // Other tests use the rest.
#[path = "support/service.rs"]
mod service;
#[allow(dead_code)] // Other tests use the rest.
#[path = "support/stream.rs"]
mod stream;

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use service::Service;
use stream::Stream;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;

fn size_of(jpeg: &[u8]) -> (usize, usize) {
    let mut decoder = JpegDecoder::new(ZCursor::new(jpeg));
    decoder.decode().expect("the picture decodes");
    decoder.dimensions().expect("it has a size")
}

/// A process that ends with its test.
struct Peer(Child);

impl Peer {
    fn start(command: &mut Command) -> Self {
        Self(command.stdin(Stdio::null()).spawn().expect("it starts"))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a free port").port()
}

/// Serves a source, and takes some pictures of its stream.
fn pictures(url: &str, count: usize) -> (Service, Vec<Vec<u8>>) {
    let service = Service::start(&[url]);
    let mut stream = Stream::open(service.connect(), "/stream");
    let pictures = live(&service, &mut stream, count);
    (service, pictures)
}

/// Pictures of the camera itself: a snapshot is never a card, nor is a newer part of the stream.
fn live(service: &Service, stream: &mut Stream, count: usize) -> Vec<Vec<u8>> {
    service.until("/health", |health| health["cameras"][0]["state"] == "live");
    let snapshot = service.request("GET", "/snapshot", "");
    assert_eq!(snapshot.status, 200, "{}", snapshot.text());
    let time = snapshot.head.lines().find_map(|line| line.strip_prefix("x-timestamp: "));
    let time: f64 = time.and_then(|time| time.parse().ok()).expect("a time");
    let newer = std::iter::repeat_with(|| stream.part()).skip_while(|part| part.timestamp < time);
    newer.take(count).map(|part| part.jpeg).collect()
}

#[test]
fn another_pinhole_byte_for_byte_and_after_its_restart() {
    let arguments = ["--size", "320x240", "--fps", "30", "test:"];
    let first = Service::start(&arguments);
    let address = first.address;
    let url = format!("http://{address}/stream");
    let (service, pictures) = pictures(&url, 5);
    assert!(pictures.iter().all(|jpeg| size_of(jpeg) == (320, 240)));
    let mut direct = Stream::open(first.connect(), "/stream");
    let mut relayed = Stream::open(service.connect(), "/stream");
    let pairs = (0..60).map(|_| (direct.part().jpeg, relayed.part().jpeg));
    let (made, seen): (Vec<_>, Vec<_>) = pairs.unzip();
    assert!(seen.iter().filter(|jpeg| made.contains(jpeg)).count() > 5, "pictures go through untouched");
    drop((direct, first));
    let lost = service.until("/health", |health| health["cameras"][0]["state"] == "lost");
    let reason = lost["cameras"][0]["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("camera"), "{reason}");
    let again = Service::from_command(
        Command::new(env!("CARGO_BIN_EXE_pinhole"))
            .args(["serve", "--listen", &address.to_string()])
            .args(arguments),
    );
    assert_eq!(size_of(&live(&service, &mut relayed, 1)[0]), (320, 240), "the same viewer sees it again");
    let health = service.json("/health").1;
    assert_eq!(health["cameras"][0]["reconnects_total"], 1);
    drop(again);
}

#[test]
fn without_viewers_the_other_pinhole_has_none_either() {
    let other = Service::start(&["--size", "160x120", "test:"]);
    let (service, _) = pictures(&format!("http://{}/?action=stream", other.address), 1);
    other.until("/health", |health| health["cameras"][0]["viewers"] == 0);
    service.until("/health", |health| health["cameras"][0]["state"] == "idle");
}

#[test]
fn a_snapshot_url_is_requested_repeatedly() {
    let other = Service::start(&["--size", "160x120", "test:"]);
    let url = format!("http://{}/snapshot.jpg", other.address);
    let service = Service::start(&["--fps", "20", &url]);
    let mut stream = Stream::open(service.connect(), "/stream");
    let pictures = live(&service, &mut stream, 5);
    assert!(pictures.windows(2).all(|pair| pair[0] != pair[1]), "each is new");
}

#[test]
fn a_pinhole_with_a_password_and_the_reason_without() {
    use std::io::Write;
    let mut hash = Command::new(env!("CARGO_BIN_EXE_pinhole"))
        .arg("hash-password")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it runs");
    hash.stdin.take().expect("piped").write_all(b"hush:hush\n").expect("taken");
    let output = hash.wait_with_output().expect("it ends");
    let hash = String::from_utf8(output.stdout).expect("text");
    let file = std::env::temp_dir().join(format!("pinhole-password-{}.toml", std::process::id()));
    let text = format!(
        "[http]\npassword_hash = \"{}\"\n[[camera]]\nsource = \"test:\"\nsize = \"160x120\"\n",
        hash.trim()
    );
    std::fs::write(&file, text).expect("written");
    let other = Service::from_command(
        Command::new(env!("CARGO_BIN_EXE_pinhole"))
            .args(["serve", "--listen", "127.0.0.1:0", "--config"])
            .arg(&file),
    );
    let _ = std::fs::remove_file(&file);

    // For a browser and for a monitor.
    let page = other.request("GET", "/", "Accept: text/html\r\n");
    assert!(page.status == 401 && page.head.contains("www-authenticate: basic realm="), "{}", page.head);
    for target in ["/stream", "/snapshot", "/api/cameras", "/metrics", "/nothing"] {
        assert_eq!(other.request("GET", target, "").status, 401, "{target}");
    }
    let (status, health) = other.json("/health");
    assert_eq!((status, health), (200, serde_json::json!({ "status": "ok" })));
    // viewer:hush:hush and admin:wrong
    let right = "Authorization: Basic dmlld2VyOmh1c2g6aHVzaA==\r\n";
    let wrong = "Authorization: Basic YWRtaW46d3Jvbmc=\r\n";
    assert_eq!(other.request("GET", "/", wrong).status, 401);
    assert!(other.request("GET", "/health", right).text().contains("\"cameras\""));
    assert_eq!(size_of(&other.request("GET", "/snapshot", right).body), (160, 120));

    // For another Pinhole.
    let address = other.address;
    let (service, _) = pictures(&format!("http://viewer:hush%3Ahush@{address}/stream?token=pst"), 2);
    for target in ["/health", "/api/cameras", "/metrics"] {
        let text = service.request("GET", target, "").text();
        assert!(!text.contains("hush") && !text.contains("pst") && !text.contains("viewer:"), "{text}");
    }
    for (userinfo, words) in [("", "requires user name and password"), ("viewer:nope@", "rejects user name")]
    {
        let refused = Service::start(&[&format!("http://{userinfo}{address}/stream")]);
        let _viewer = Stream::open(refused.connect(), "/stream");
        let health = refused.until("/health", |health| health["cameras"][0]["state"] == "lost");
        let reason = health["cameras"][0]["reason"].as_str().unwrap_or_default().to_owned();
        assert!(reason.contains(words), "{reason}");
        let line = refused.log_line("lost: ");
        assert!(line.contains(words) && !line.contains("nope"), "{line}");
    }
}

#[test]
fn ffmpeg_as_a_server_declares_no_type_and_no_boundary() {
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}/feed");
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-re", "-f", "lavfi", "-i", "testsrc=size=320x240:rate=25"]);
    command.args(["-f", "mpjpeg", "-listen", "1", &url]).stderr(Stdio::null());
    let _ffmpeg = Peer::start(&mut command);
    let (_service, pictures) = pictures(&url, 10);
    assert!(pictures.iter().all(|jpeg| size_of(jpeg) == (320, 240)));
    assert!(pictures.windows(2).any(|pair| pair[0] != pair[1]));
}

#[test]
fn vlc_as_a_server() {
    if Command::new("cvlc").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
        println!("SKIPPED: http source of VLC: vlc is not installed");
        return;
    }
    let clip = std::env::temp_dir().join(format!("pinhole-vlc-{}.avi", std::process::id()));
    let made = Command::new("ffmpeg")
        .args([
            "-v",
            "error",
            "-y",
            "-f",
            "lavfi",
            "-i",
            "testsrc=size=320x240:rate=25:duration=20",
            "-c:v",
            "mjpeg",
        ])
        .arg(&clip)
        .status()
        .expect("ffmpeg runs");
    assert!(made.success());
    let port = free_port();
    let mut command = Command::new("cvlc");
    if rustix::process::geteuid().is_root() {
        // VLC refuses to run as root.
        command.uid(65_534).gid(65_534);
    }
    command.env("HOME", std::env::temp_dir()).args(["--quiet", "--loop"]).arg(&clip).arg(format!(
        "--sout=#standard{{access=http{{mime=multipart/x-mixed-replace; boundary=7b3cc56e5f51db803f790dad720ed50a}},mux=mpjpeg,dst=127.0.0.1:{port}/cam}}"
    ));
    let _vlc = Peer::start(&mut command);
    let (_service, pictures) = pictures(&format!("http://127.0.0.1:{port}/cam"), 10);
    assert!(pictures.iter().all(|jpeg| size_of(jpeg) == (320, 240)));
    let _ = std::fs::remove_file(clip);
}

/// Python's server behind TLS, with a self-signed certificate.
const ENCRYPTED_CAMERA: &str = r#"
import http.server, ssl, sys
jpeg = open(sys.argv[1], "rb").read()
class Camera(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "image/jpeg")
        self.send_header("Content-Length", str(len(jpeg)))
        self.end_headers()
        self.wfile.write(jpeg)
    def log_message(self, *arguments): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Camera)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.set_ciphers("ALL:@SECLEVEL=0")
context.load_cert_chain(sys.argv[2])
if len(sys.argv) > 3:
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = getattr(ssl.TLSVersion, sys.argv[3])
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
server.serve_forever()
"#;

/// Starts it and returns its URL.
fn encrypted_camera(arguments: &[&OsStr]) -> (Peer, String) {
    let mut command = Command::new("python3");
    command.args(["-c", ENCRYPTED_CAMERA]).args(arguments).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut camera = Peer::start(&mut command);
    let mut port = String::new();
    let stdout = camera.0.stdout.take().expect("piped");
    BufReader::new(stdout).read_line(&mut port).expect("a port");
    (camera, format!("https://127.0.0.1:{}/snapshot", port.trim()))
}

/// Issue 10, number 21: X.509 version 1, RSA with 1024 bits, signed by MD5, by OpenSSL.
#[test]
fn a_camera_with_an_old_certificate_that_is_pinned() {
    let file = |ending: &str, bytes: &[u8]| {
        let path = std::env::temp_dir().join(format!("pinhole-old-{}.{ending}", std::process::id()));
        std::fs::write(&path, bytes).expect("written");
        path
    };
    let jpeg = Service::start(&["--size", "160x120", "test:"]).request("GET", "/snapshot", "").body;
    let picture = file("jpg", &jpeg);
    let pem = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/certificates/v1-rsa-1024.pem");
    for version in ["TLSv1_2", "TLSv1_3"] {
        let (_camera, url) = encrypted_camera(&[picture.as_os_str(), pem.as_os_str(), OsStr::new(version)]);
        let refusing = Service::start(&[&url]);
        let _viewer = Stream::open(refusing.connect(), "/stream");
        let health = refusing.until("/health", |health| health["cameras"][0]["state"] == "lost");
        let reason = health["cameras"][0]["reason"].as_str().unwrap_or_default().to_owned();
        let fingerprint = reason.split('"').nth(1).unwrap_or_else(|| panic!("what to pin: {reason}"));
        let config =
            format!("[[camera]]\nsource = \"{url}\"\nfps = 10\ntls_fingerprint = \"{fingerprint}\"\n");
        let config = file("toml", config.as_bytes());
        let service = Service::from_command(
            Command::new(env!("CARGO_BIN_EXE_pinhole"))
                .args(["serve", "--listen", "127.0.0.1:0", "--config"])
                .arg(&config),
        );
        let mut stream = Stream::open(service.connect(), "/stream");
        assert!(live(&service, &mut stream, 3).iter().all(|picture| *picture == jpeg), "{version}");
        let _ = std::fs::remove_file(config);
    }
    let (_camera, url) = encrypted_camera(&[picture.as_os_str(), pem.as_os_str(), OsStr::new("TLSv1_1")]);
    let old = Service::start(&[&url]);
    let _viewer = Stream::open(old.connect(), "/stream");
    let health = old.until("/health", |health| health["cameras"][0]["state"] == "lost");
    let reason = health["cameras"][0]["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("TLS versions older than 1.2"), "{reason}");
    let _ = std::fs::remove_file(picture);
}

#[test]
fn https_requires_a_certificate_that_is_trusted_or_pinned() {
    let other = Service::start(&["--size", "160x120", "test:"]);
    let jpeg = other.request("GET", "/snapshot", "").body;
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
    let file = |ending: &str, bytes: &[u8]| {
        let path = std::env::temp_dir().join(format!("pinhole-tls-{}.{ending}", std::process::id()));
        std::fs::write(&path, bytes).expect("written");
        path
    };
    let picture = file("jpg", &jpeg);
    // RFC 7468.
    let block = |label: &str, der: &[u8]| {
        let lines: Vec<_> = der.chunks(48).map(|line| STANDARD.encode(line)).collect();
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
    };
    let pem =
        block("CERTIFICATE", made.cert.der()) + &block("PRIVATE KEY", &made.signing_key.serialize_der());
    let pem = file("pem", pem.as_bytes());
    let (_camera, url) = encrypted_camera(&[picture.as_os_str(), pem.as_os_str()]);

    let refusing = Service::start(&[&url]);
    let _viewer = Stream::open(refusing.connect(), "/stream");
    let health = refusing.until("/health", |health| health["cameras"][0]["state"] == "lost");
    let reason = health["cameras"][0]["reason"].as_str().unwrap_or_default().to_owned();
    let fingerprint = reason.split('"').nth(1).unwrap_or_else(|| panic!("what to pin: {reason}"));
    assert!(reason.contains("tls_fingerprint"), "{reason}");

    let config = format!("[[camera]]\nsource = \"{url}\"\nfps = 10\ntls_fingerprint = \"{fingerprint}\"\n");
    let config = file("toml", config.as_bytes());
    let service = Service::from_command(
        Command::new(env!("CARGO_BIN_EXE_pinhole"))
            .args(["serve", "--listen", "127.0.0.1:0", "--config"])
            .arg(&config),
    );
    let mut stream = Stream::open(service.connect(), "/stream");
    assert!(live(&service, &mut stream, 3).iter().all(|picture| *picture == jpeg));
    for path in [picture, pem, config] {
        let _ = std::fs::remove_file(path);
    }
}

/// Python's server, which uses several ways of sending parts in turn. A real camera uses one of them.
const ODD_CAMERA: &str = r#"
import http.server, sys, time
jpeg = open(sys.argv[1], "rb").read()
def chunks(data, size):
    for at in range(0, len(data), size):
        piece = data[at:at + size]
        yield b"%X;odd=1\r\n%s\r\n" % (len(piece), piece)
class Camera(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        way = self.path[1:]
        if way == "moved":
            self.send_response(302); self.send_header("Location", "/lf"); self.end_headers(); return
        self.protocol_version = "HTTP/1.1" if way == "chunked" else "HTTP/1.0"
        self.send_response(200)
        kind = {"dashes": 'multipart/x-mixed-replace; boundary="--odd"', "raw": "video/x-motion-jpeg"}
        self.send_header("Content-Type", kind.get(way, "multipart/x-mixed-replace;boundary=odd"))
        if way == "chunked": self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while True:
            one = {
                "lf": b"--odd\nContent-type: image/jpeg\n\n" + jpeg + b"\n",
                "dashes": b"--odd\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(jpeg) + jpeg + b"\r\n",
                "wrong": b"--odd\r\nContent-Length: %d\r\n\r\n" % (len(jpeg) * 3) + jpeg + b"\r\n",
                "mixed": b"--odd\r\nContent-Type: text/plain\r\n\r\n20 C\r\n--odd\r\n\r\n" + jpeg + b"\r\n",
                "raw": jpeg,
                "chunked": b"--odd\r\nContent-Type: image/jpeg\r\n\r\n" + jpeg + b"\r\n",
            }[way]
            for piece in chunks(one, 1000) if way == "chunked" else [one]:
                self.wfile.write(piece)
            time.sleep(0.04)
    def log_message(self, *arguments): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Camera)
print(server.server_address[1], flush=True)
server.serve_forever()
"#;

#[test]
fn cameras_with_deviations() {
    let other = Service::start(&["--size", "160x120", "test:"]);
    let jpeg = other.request("GET", "/snapshot", "").body;
    let file = std::env::temp_dir().join(format!("pinhole-odd-{}.jpg", std::process::id()));
    std::fs::write(&file, &jpeg).expect("written");
    let mut command = Command::new("python3");
    let mut camera =
        Peer::start(command.args(["-c", ODD_CAMERA]).arg(&file).stdout(Stdio::piped()).stderr(Stdio::null()));
    let mut port = String::new();
    let stdout = camera.0.stdout.take().expect("piped");
    BufReader::new(stdout).read_line(&mut port).expect("a port");
    for way in ["lf", "dashes", "wrong", "mixed", "raw", "chunked", "moved"] {
        let (service, pictures) = pictures(&format!("http://127.0.0.1:{}/{way}", port.trim()), 3);
        assert!(pictures.iter().all(|picture| *picture == jpeg), "{way}: pictures go through untouched");
        assert_eq!(service.json("/health").1["cameras"][0]["frames_bad_total"], 0, "{way}");
    }
    let _ = std::fs::remove_file(file);
}
