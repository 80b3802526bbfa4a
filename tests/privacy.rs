//! Secrets stay secret in the real program: pictures behind a password, and passwords in the sources of
//! cameras.

#[path = "support/service.rs"]
#[allow(dead_code)] // Each test program uses a part of it.
mod service;
#[path = "support/wait.rs"]
mod wait;

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pinhole::clock::Clock;
use service::Service;
use wait::until;

/// The longest wait of a right password (`limits::PASSWORD_WAIT_MAX`).
const PASSWORD_WAIT_MAX: Duration = Duration::from_secs(30);

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("pinhole-privacy-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        Self(folder)
    }

    fn file(&self, text: &str) -> String {
        let file = self.0.join("pinhole.toml");
        std::fs::write(&file, text).expect("written");
        file.to_str().expect("UTF-8").to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn basic(password: &str) -> String {
    format!("Authorization: Basic {}\r\n", STANDARD.encode(format!("admin:{password}")))
}

fn hash_of(password: &str) -> String {
    let mut child = Command::new(env!("CARGO_BIN_EXE_pinhole"))
        .arg("hash-password")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it runs");
    child.stdin.take().expect("piped").write_all(password.as_bytes()).expect("taken");
    let output = child.wait_with_output().expect("it ends");
    let text = String::from_utf8(output.stdout).expect("text");
    let at = text.find("$argon2id$").expect("a hash");
    text[at..].trim_end().trim_end_matches('"').to_owned()
}

/// The output of `pinhole check`, and whether the file is valid.
fn check(file: &str) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_pinhole")).args(["check", file]).output().expect("it runs");
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    (output.status.success(), said)
}

#[test]
fn a_closed_service_shows_only_the_reason() {
    let folder = Folder::new("closed");
    let file =
        folder.file("[http]\nclosed = \"line 3: password <is> odd\"\n[[camera]]\nsource = \"test:\"\n");
    let service = Service::start(&["--config", &file]);
    for target in [
        "/stream",
        "/snapshot",
        "/snapshot.jpg",
        "/cameras/test/stream",
        "/cameras/test/snapshot.jpg",
        "/?action=stream",
        "/?action=snapshot_0",
        "/metrics",
        "/api/cameras",
        "/api/cameras/test",
        "/api/cameras/test/controls",
        "/nowhere",
    ] {
        let answer = service.request("GET", target, "");
        assert_eq!(answer.status, 503, "{target}");
        assert!(answer.head.contains("application/json"), "{target}: {}", answer.head);
        assert!(answer.text().contains("line 3") && !answer.text().contains("\"test\""), "{target}");
    }
    for (target, accept) in [("/", ""), ("/", "Accept: text/html\r\n"), ("/health", "Accept: text/html\r\n")]
    {
        let answer = service.request("GET", target, accept);
        assert_eq!(answer.status, 503);
        assert!(answer.text().contains("line 3: password &lt;is&gt; odd"), "{}", answer.text());
        assert!(answer.text().contains("pinhole-errors.txt"));
    }
    assert_eq!(service.json("/health"), (503, serde_json::json!({ "status": "failed" })));
    assert_eq!(service.request("PATCH", "/api/cameras/test/controls", "").status, 503);
    assert!(service.terminate().success());
}

/// Spellings of sources with a secret in them: correct ones, distorted ones, and lines that are not TOML.
fn lines_with_secrets() -> Vec<String> {
    let right = [
        "rtsp://cam:SECRET@127.0.0.1:9/x",
        "rtsp://SECRET:x@127.0.0.1:9/x",
        "rtsp://127.0.0.1:9/SECRET",
        "rtsp://127.0.0.1:9/live?pin=SECRET",
        "rtsp://127.0.0.1:9/live?code=SECRET&x=1",
        "rtsp://127.0.0.1:9/user=admin_password=SECRET_channel=1",
        "rtsp://127.0.0.1:9/live#SECRET",
        "RTSP://cam:SECRET@127.0.0.1:9/",
        "rtsps://cam:SECRET@127.0.0.1:9/",
        "http://cam:SECRET@127.0.0.1:9/",
        "http://127.0.0.1:9/SECRET/video.mjpg",
        "http://127.0.0.1:9/?SECRET",
        "http://127.0.0.1:9/;SECRET",
        "https://cam:SECRET@127.0.0.1:9/x",
        "http://cam:x@SECRET@127.0.0.1:9/",
        "file:cam:SECRET@host",
        "file:/SECRET/clip.mp4",
        "/cam:SECRET/host",
    ];
    let wrong = [
        "rtsp:/cam:SECRET@host/x",
        "rtsp:cam:SECRET@host/x",
        "rtsp//cam:SECRET@host/x",
        "rtps://cam:SECRET@host/x",
        "http:/cam:SECRET@host/x",
        "http:///cam:SECRET@host/x",
        "cam:SECRET@host/x",
        "//cam:SECRET@host/x",
        "/cam:SECRET@host/x",
        "'rtsp://cam:SECRET@host/x'",
        "<rtsp://cam:SECRET@host/x>",
        "\u{201c}rtsp://cam:SECRET@host/x\u{201d}",
        " rtsp://cam:SECRET@host/x",
        "source=rtsp://cam:SECRET@host",
        "rtsp://cam:SEC/SECRET@host/",
        "rtsp://cam:5/SECRET@host/",
        "rtsp://cam#SECRET@host/",
        "rtsp://cam:SECRET@ho st/",
        "rtsp://cam:SECRET@host:99999/",
        "rtsp://cam:SECRET@",
        "file:rtsp://cam:SECRET@host/",
        "file://cam:SECRET@host/",
        "SECRET",
    ];
    let mut lines: Vec<String> =
        right.iter().chain(&wrong).map(|source| format!("source = \"{source}\"")).collect();
    lines.extend(
        [
            "source = rtsp://cam:SECRET@host/x",
            "source = 'rtsp://cam:SECRET@host/x",
            "source = \"\\\"rtsp://cam:SECRET@host/x\\\"\"",
            "source = rtsp://cam:SECRET@host/?a=b",
            "rtsp://cam:SECRET@host/?a=b",
            "rtsp://cam:SECRET@host/x",
            "\"rtsp://cam:SECRET@host/x\" = 1",
            "source = [\"rtsp://cam:SECRET@host/x\"]",
            "source = { url = \"rtsp://cam:SECRET@host/x\" }",
            "source \"rtsp://cam:SECRET@host/x\"",
            "source: rtsp://cam:SECRET@host/x",
            "source = \"test:\"\nname = \"rtsp://cam:SECRET@host/x\"",
            "source = \"test:\"\nsize = \"rtsp://cam:SECRET@host/x\"",
            "source = \"test:\"\nfps = \"rtsp://cam:SECRET@host/x\"",
            "source = \"test:\"\nformat = \"cam:SECRET@host\"",
            "source = \"rtsp://h\"\ntransport = \"//cam:SECRET@host/x\"",
            "source = \"rtsps://h\"\ntls_fingerprint = \"SECRET\"",
            "source = \"test:\"\n[http]\npassword_hash = \"SECRET\"",
            "source = \"test:\"\n[http]\nlisten = [\"http://cam:SECRET@host/x\"]",
            "source = \"test:\"\n[http]\nallow_origin = \"ftp://cam:SECRET@host/x\"",
        ]
        .map(str::to_owned),
    );
    lines
}

#[test]
fn no_spelling_of_a_source_shows_its_secret() {
    let folder = Folder::new("secrets");
    let lines = lines_with_secrets();
    assert!(lines.len() > 40);
    let mut good = String::new();
    let mut served = 0;
    for (number, line) in lines.iter().enumerate() {
        let text = format!("[[camera]]\n{line}\n");
        let (is_valid, said) = check(&folder.file(&text));
        assert!(!said.contains("SECRET"), "check: {line}: {said}");
        if is_valid {
            write!(good, "[[camera]]\nname = \"cam-{number}\"\non_demand = false\n{line}\n")
                .expect("written");
            served += 1;
        }
    }
    assert!(served >= 15, "only {served} are right");
    let errors = folder.0.join("log");
    let log = std::fs::File::create(&errors).expect("created");
    let port = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a port").port();
    let child = Command::new(env!("CARGO_BIN_EXE_pinhole"))
        .args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--config", &folder.file(&good)])
        .env("PINHOLE_LOG", "debug")
        .stdin(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("it starts");
    let service = Process(child);
    let get = |target: &str| -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
        write!(stream, "GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok()?;
        Some(String::from_utf8_lossy(&answer).into_owned())
    };
    // Until every camera has been tried, and has a reason for giving no picture.
    let health = until("cameras say why they are lost", service::PATIENCE * 2, || {
        get("/health").filter(|health| health.matches("\"state\": \"lost\"").count() == served)
    });
    let others = ["/metrics", "/api/cameras", "/", "/health?x"].map(|target| get(target).expect("an answer"));
    drop(service);
    let log = std::fs::read_to_string(&errors).expect("a log");
    assert!(health.contains("rtsp://127.0.0.1") && log.len() > 1000);
    for (what, text) in
        [("health", &health), ("log", &log)].into_iter().chain(others.iter().map(|it| ("page", it)))
    {
        let line = text.lines().find(|line| line.contains("SECRET"));
        assert_eq!(line, None, "{what}");
    }
}

#[test]
fn no_argument_shows_its_secret() {
    for arguments in [
        &["serve", "rtsp:/cam:SECRET@host/x"][..],
        &["serve", "cam:SECRET@host/x"],
        &["serve", "SECRET"],
        &["rtsp//cam:SECRET@host/x"],
        &["probe", "rtps://cam:SECRET@host/x"],
        &["probe", "rtsp://cam:SECRET@127.0.0.1:9/SECRET?SECRET"],
        &["probe", "--json", "http://cam:SECRET@127.0.0.1:9/SECRET?SECRET"],
        &["probe", "test:", "rtsp://cam:SECRET@host/x"],
        &["snapshot", "\"rtsp://cam:SECRET@host/x\"", "--output", "x"],
        &["snapshot", "rtsp://cam:SECRET@127.0.0.1:9/SECRET", "--output", "/dev/null"],
        &["--rtsp://cam:SECRET@host/x"],
        &["serve", "--size", "rtsp://cam:SECRET@host/x", "test:"],
        &["serve", "--fps", "rtsp://cam:SECRET@host/x", "test:"],
        &["serve", "--format", "rtsp://cam:SECRET@host/x", "test:"],
        &["serve", "--listen", "rtsp://cam:SECRET@host/x", "test:"],
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_pinhole")).args(arguments).output().expect("it runs");
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(!output.status.success() && !said.is_empty(), "{arguments:?}");
        assert!(!said.contains("SECRET"), "{arguments:?}: {said}");
    }
}

struct Process(std::process::Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The status of a response, on a separate connection.
fn status(address: SocketAddr, headers: &str) -> u16 {
    let mut stream = TcpStream::connect(address).expect("connected");
    write!(stream, "GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n")
        .expect("taken");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("it ends");
    String::from_utf8_lossy(&answer).split(' ').nth(1).and_then(|it| it.parse().ok()).expect("a status")
}

/// Attackers at the owner's own address (a proxy's, a household's) try wrong passwords without pause, each on
/// its own connections. Before the first login, and after.
#[test]
fn the_owner_gets_in_while_others_at_the_same_address_guess() {
    const ATTACKERS: usize = 24;
    let folder = Folder::new("guess");
    let file = folder
        .file(&format!("[http]\npassword_hash = \"{}\"\n[[camera]]\nsource = \"test:\"\n", hash_of("right")));
    let service = Service::start(&["--config", &file]);
    let (is_over, guesses) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for attacker in 0..ATTACKERS {
            let (address, is_over, guesses) = (service.address, &is_over, &guesses);
            scope.spawn(move || {
                for number in 0.. {
                    if is_over.load(Ordering::Relaxed) {
                        return;
                    }
                    let guess = basic(&format!("guess {attacker} {number}"));
                    assert_eq!(status(address, &guess), 401);
                    guesses.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        // They have started.
        let clock = Clock::kernel();
        let begin = clock.now();
        while guesses.load(Ordering::Relaxed) < 10 && clock.now().since(begin) < service::PATIENCE {
            std::thread::yield_now();
        }
        let mut waits = Vec::new();
        for _ in 0..2 {
            let begin = clock.now();
            let status = service.request("GET", "/snapshot.jpg", &basic("right")).status;
            waits.push((status, clock.now().since(begin)));
        }
        // Ends them before any assertion can fail: the scope waits for them.
        is_over.store(true, Ordering::Relaxed);
        println!("the owner waited {waits:?}; {} guesses were answered", guesses.load(Ordering::Relaxed));
        assert!(waits.iter().all(|(status, wait)| *status == 200 && *wait < PASSWORD_WAIT_MAX), "{waits:?}");
    });
}

/// One client at the owner's address has the old password, and sends requests all the time.
#[test]
fn a_forgotten_client_does_not_lock_the_owner_out() {
    let folder = Folder::new("forgotten");
    let file = folder
        .file(&format!("[http]\npassword_hash = \"{}\"\n[[camera]]\nsource = \"test:\"\n", hash_of("right")));
    let service = Service::start(&["--config", &file]);
    for _ in 0..50 {
        assert_eq!(service.request("GET", "/", &basic("old")).status, 401);
    }
    let clock = Clock::kernel();
    let begin = clock.now();
    assert_eq!(service.request("GET", "/", &basic("right")).status, 200);
    let waited = clock.now().since(begin);
    assert!(waited < Duration::from_secs(5), "{waited:?}");
}

#[test]
fn an_address_that_logged_in_is_remembered_across_restarts() {
    let folder = Folder::new("state");
    let hash = hash_of("right");
    let file = folder.file(&format!("[http]\npassword_hash = \"{hash}\"\n[[camera]]\nsource = \"test:\"\n"));
    let start = |state: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pinhole"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--config", &file]).env("STATE_DIRECTORY", state);
        Service::from_command(&mut command)
    };
    let service = start(&folder.0);
    assert_eq!(service.request("GET", "/", &basic("right")).status, 200);
    let remembered = folder.0.join("known-addresses");
    until("an address is remembered", service::PATIENCE, || remembered.exists().then_some(()));
    assert_eq!(std::fs::read_to_string(&remembered).expect("read"), "127.0.0.1\n");
    assert!(service.terminate().success());
    let again = start(&folder.0);
    assert_eq!(again.request("GET", "/", &basic("right")).status, 200);
    // If nothing can be written, everything else works.
    let nowhere = start(Path::new("/proc/nowhere"));
    assert_eq!(nowhere.request("GET", "/", &basic("right")).status, 200);
}
