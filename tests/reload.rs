//! A configuration that changes while the real program runs.

#[path = "support/config_file.rs"]
mod config_file;
#[path = "support/mjpeg_camera.rs"]
mod mjpeg_camera;
#[allow(dead_code)] // Other tests use the rest.
#[path = "support/service.rs"]
mod service;
#[allow(dead_code)] // Other tests use the rest.
#[path = "support/stream.rs"]
mod stream;

use std::fmt::Write as _;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;

use config_file::{File, camera};
use mjpeg_camera::{Camera, numbered};
use service::Service;
use stream::Stream;

fn names(service: &Service) -> Vec<String> {
    let health = service.json("/health").1;
    let cameras = health["cameras"].as_array().expect("cameras");
    cameras.iter().map(|camera| camera["name"].as_str().expect("a name").to_owned()).collect()
}

fn hang_up(service: &Service) {
    let status = Command::new("kill").args(["-HUP", &service.pid().to_string()]).status().expect("kill runs");
    assert!(status.success());
}

#[test]
fn a_changed_file_is_applied_and_an_invalid_one_changes_nothing_until_it_is_corrected() {
    let (yard, door) = (Camera::start(), Camera::start());
    let file = File::new("reload-changed", &camera("yard", &yard.url, ""));
    let service = file.serve_anywhere();
    let mut viewer = Stream::open(service.connect(), "/cameras/yard/stream");
    yard.send(&numbered(1));
    assert_eq!(viewer.part().jpeg, numbered(1));

    let both = camera("yard", &yard.url, "") + &camera("door", &door.url, "");
    file.replace(&both);
    service.log_line("configuration applied: added door");
    assert_eq!(names(&service), ["yard", "door"]);
    yard.send(&numbered(2));
    assert_eq!(viewer.part().jpeg, numbered(2), "its viewer has noticed nothing");

    file.write(&(both.clone() + "fps = 1001\n"));
    let line = service.log_line("camera.fps");
    assert!(line.contains("pinhole.toml:9: camera.fps: must be 1 to 240, got 1001"), "{line}");
    service.log_line("configuration not applied");
    let mistakes = |health: &serde_json::Value| health["system"]["configuration_errors"].clone();
    let health = service.json("/health").1;
    let listed = mistakes(&health);
    assert_eq!(listed.as_array().map(Vec::len), Some(1), "{health:#}");
    assert!(listed[0].as_str().is_some_and(|line| line.contains(":9: camera.fps")), "{listed}");
    assert_eq!(names(&service), ["yard", "door"]);
    yard.send(&numbered(3));
    assert_eq!(viewer.part().jpeg, numbered(3));

    file.write(&(both + "fps = 90\n"));
    service.log_line("configuration applied: changed door");
    assert!(mistakes(&service.json("/health").1).is_null());
    hang_up(&service);
    service.log_line("configuration applied: nothing changed");
    yard.send(&numbered(4));
    assert_eq!(viewer.part().jpeg, numbered(4));
    std::fs::remove_file(&file.0).expect("it is removed");
    service.log_line("cannot be read");
    service.log_line("configuration not applied");
    assert_eq!(service.terminate().code(), Some(0));
}

#[test]
fn viewers_of_a_changed_camera_stay_and_those_of_a_removed_one_get_a_card_before_the_end() {
    let (first, second) = (Camera::start(), Camera::start());
    let file =
        File::new("reload-removed", &(camera("yard", &first.url, "") + &camera("door", &first.url, "")));
    let service = file.serve_anywhere();
    let mut of_yard = Stream::open(service.connect(), "/cameras/yard/stream");
    first.send(&numbered(1));
    assert_eq!(of_yard.part().jpeg, numbered(1));
    let mut of_door = Stream::open(service.connect(), "/cameras/door/stream");
    service.until("/health", |health| health["cameras"][1]["viewers"] == 1);

    file.replace(&camera("yard", &second.url, ""));
    let line = service.log_line("configuration applied");
    assert!(line.contains("removed door") && line.contains("reopened yard"), "{line}");
    second.send(&numbered(2));
    assert_eq!(of_yard.part().jpeg, numbered(2), "from another camera, on the same connection");
    let card = of_door.part().jpeg;
    assert!(card.len() > 5_000, "{} bytes", card.len());
    // The boundary after the card shows that it is complete.
    assert_eq!(of_door.rest(), format!("--{}\r\n", of_door.boundary()).as_bytes());
    assert_eq!(service.request("GET", "/cameras/door/stream", "").status, 404);
    assert_eq!(service.request("GET", "/cameras/yard/snapshot.jpg", "").status, 503);
    assert_eq!(service.terminate().code(), Some(0));
}

/// Neither the port nor the password needs a restart.
#[test]
fn addresses_and_password_change_too() {
    let free =
        || TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a free port").port();
    let (before, after) = (free(), free());
    let http = |port: u16, more: &str| {
        format!(
            "[http]\nlisten = [\"127.0.0.1:{port}\"]\n{more}\n[[camera]]\nname = \"card\"\nsource = \"test:\"\nsize = \"64x48\"\n"
        )
    };
    let file = File::new("reload-http", &http(before, ""));
    let mut service = file.serve(&[]);
    assert_eq!(service.address.port(), before);
    let mut viewer = Stream::open(service.connect(), "/stream");
    viewer.part();

    file.replace(&http(after, ""));
    service.log_line(&format!("listening on http://127.0.0.1:{after}/"));
    service.log_line("[http] changed");
    assert!(TcpStream::connect(("127.0.0.1", before)).is_err(), "nobody listens there any more");
    service.address.set_port(after);
    viewer.part();
    assert_eq!(names(&service), ["card"]);

    // A port in use: everything else is applied, and the log says so.
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("it listens").port();
    file.replace(&http(port, "allow_origin = \"*\""));
    service.log_line("http.listen: cannot listen on 127.0.0.1:");
    service.log_line("[http] changed");
    let answer = service.request("GET", "/health", "");
    assert!(answer.head.contains("access-control-allow-origin: *"), "{}", answer.head);
    assert!(answer.text().contains("http.listen: cannot listen on"), "{}", answer.text());
    viewer.part();
    hang_up(&service);
    service.log_line("configuration applied: nothing changed");
    let still = service.request("GET", "/health", "").text();
    assert!(still.contains("http.listen: cannot listen on"), "it stays until it is mended: {still}");

    let hash = Command::new(env!("CARGO_BIN_EXE_pinhole"))
        .arg("hash-password")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .and_then(|mut child| {
            std::io::Write::write_all(child.stdin.as_mut().expect("piped"), b"open sesame\n")?;
            child.wait_with_output()
        })
        .expect("it runs");
    let hash = String::from_utf8(hash.stdout).expect("text");
    file.replace(&http(after, &format!("password_hash = \"{}\"", hash.trim())));
    service.log_line("[http] changed");
    assert!(viewer.is_ended(), "whoever watched has to show the password");
    assert_eq!(service.request("GET", "/api/cameras", "").status, 401);
    let right = "Authorization: Basic dmlld2VyOm9wZW4gc2VzYW1l\r\n";
    assert_eq!(service.request("GET", "/api/cameras", right).status, 200);
    file.replace(&http(after, ""));
    service.log_line("[http] changed");
    assert_eq!(service.request("GET", "/api/cameras", "").status, 200);
    assert_eq!(service.terminate().code(), Some(0));
}

/// The kernel's counts for a process.
#[derive(Debug, Clone, Copy)]
struct Use {
    descriptors: usize,
    threads: usize,
    private_kib: u64,
}

impl Use {
    fn of(service: &Service) -> Self {
        let folder = PathBuf::from(format!("/proc/{}", service.pid()));
        let count = |name: &str| std::fs::read_dir(folder.join(name)).expect("it runs").count();
        let smaps = std::fs::read_to_string(folder.join("smaps_rollup")).expect("it runs");
        let private = smaps.lines().filter_map(|line| line.strip_prefix("Private_Dirty:"));
        let private_kib =
            private.filter_map(|it| it.trim().trim_end_matches(" kB").parse::<u64>().ok()).sum();
        Self { descriptors: count("fd"), threads: count("task"), private_kib }
    }
}

/// 8 cameras, of which one changes each time: viewers of the others miss no frame, and nothing grows.
#[test]
fn a_thousand_reloads_cost_the_other_cameras_no_frame_and_the_machine_nothing() {
    const RELOADS: usize = 1000;
    /// Reloads until every one-time allocation has happened.
    const WARM: usize = 100;
    /// Private memory may differ by this much: one buffer that a viewer may or may not hold.
    const GROWTH_MAX_KIB: u64 = 1024;
    let cameras: Vec<Camera> = (0..7).map(|_| Camera::start()).collect();
    let text = |round: usize| {
        let mut text = String::new();
        for (number, it) in cameras.iter().enumerate() {
            let _ = write!(text, "{}", camera(&format!("c{number}"), &it.url, ""));
        }
        // Changes settings, source and name in turn.
        let (name, size) = (format!("x{}", round / 3 % 2), ["64x48", "96x64"][round % 2]);
        text + &camera(&name, "test:", &format!("size = \"{size}\"\nquality = {}", 50 + round % 3))
    };
    let file = File::new("reload-thousand", &text(0));
    let service = file.serve_anywhere();
    let mut viewers: Vec<Stream> = (0..cameras.len())
        .map(|number| Stream::open(service.connect(), &format!("/cameras/c{number}/stream")))
        .collect();
    let mut of_changing = None;
    let mut warm = None;
    for round in 1..=RELOADS {
        let picture = numbered((round % 256) as u8);
        file.replace(&text(round));
        hang_up(&service);
        // During the change.
        for camera in &cameras {
            camera.send(&picture);
        }
        for viewer in &mut viewers {
            assert_eq!(viewer.part().jpeg, picture, "reload {round}");
        }
        service.log_line("configuration applied");
        if round % 50 == 0 {
            let name = format!("x{}", round / 3 % 2);
            // The line may be about the file as it was before: the watch on it reads it too.
            service.until("/health", |health| health["cameras"][7]["name"] == *name);
            let mut viewer = Stream::open(service.connect(), &format!("/cameras/{name}/stream"));
            viewer.part();
            of_changing = Some(viewer);
        }
        if round == WARM {
            warm = Some(Use::of(&service));
        }
    }
    drop(of_changing);
    service.until("/health", |health| health["cameras"][7]["viewers"] == 0);
    let (warm, end) = (warm.expect("it came to that"), Use::of(&service));
    println!("after {WARM} reloads: {warm:?}; after {RELOADS}: {end:?}");
    assert!(end.descriptors <= warm.descriptors + 1, "{warm:?} {end:?}");
    assert!(end.threads <= warm.threads + 1, "{warm:?} {end:?}");
    assert!(end.private_kib <= warm.private_kib + GROWTH_MAX_KIB, "{warm:?} {end:?}");
    let health = service.json("/health").1;
    for camera in health["cameras"].as_array().expect("cameras").iter().take(7) {
        assert_eq!((&camera["frames_total"], &camera["reconnects_total"]), (&RELOADS.into(), &0.into()));
    }
    assert_eq!(service.terminate().code(), Some(0));
}
