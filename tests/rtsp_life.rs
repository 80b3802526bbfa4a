//! Incidents of cameras on a wall, applied to the whole service with simulated time.

#[path = "support/rtsp_camera.rs"]
mod rtsp_camera;
#[path = "support/stream.rs"]
#[allow(dead_code)] // Each test program uses a part of it.
mod stream;

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use pinhole::camera::stop::Stop;
use pinhole::clock::{Clock, Hand};
use pinhole::config::Config;
use pinhole::http::listen::Sockets;
use pinhole::limits::{
    LINGER, RETRY_MAX, RETRY_PATIENT, RETRY_SOON_MAX, STANDSTILL_DISTANCES, STANDSTILL_LOOK,
};
use pinhole::{memory, service};
use rtsp_camera::Camera;
use stream::Stream;

/// No test waits this long.
const PATIENCE: Duration = Duration::from_secs(20);

/// The longest wait between two tries of a camera that was lost less than two minutes ago.
const WAIT_MAX: Duration = Duration::from_millis(RETRY_SOON_MAX.as_millis() as u64 * 5 / 4);

/// Time advances in such steps.
const TICK: Duration = Duration::from_millis(100);

/// One test at a time: the resources of the process are counted.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The whole service in this process, with a manual clock.
struct Service {
    address: SocketAddr,
    hand: Hand,
    clock: Clock,
    shutdown: Stop,
    running: Option<JoinHandle<()>>,
}

impl Service {
    fn start(url: &str) -> Self {
        Self::start_with(url, "")
    }

    fn start_with(url: &str, keys: &str) -> Self {
        let text = format!("[[camera]]\nname = \"yard\"\nsource = \"{url}\"\n{keys}\n");
        let config = Config::parse(&text, "test").unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (clock, hand) = Clock::manual();
        let shutdown = Stop::new().unwrap();
        let (stop, by) = (shutdown.clone(), clock.clone());
        let running = std::thread::spawn(move || {
            smol::block_on(service::run(
                config,
                Sockets::Passed(Vec::new(), vec![listener]),
                None,
                by,
                stop,
                || {},
            ))
            .unwrap();
        });
        Self { address, hand, clock, shutdown, running: Some(running) }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    fn watch(&self) -> Viewer {
        Viewer::of(Stream::open(self.connect(), "/cameras/yard/stream"))
    }

    /// The camera's entry in health.
    fn health(&self) -> serde_json::Value {
        let mut stream = self.connect();
        write!(stream, "GET /health HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        serde_json::from_str::<serde_json::Value>(body).unwrap()["cameras"][0].clone()
    }

    /// Advances the time until something holds; returns how much. Each step makes a request and gets its
    /// response, so that the sockets keep up with the time.
    fn until(&self, what: &str, holds: impl Fn() -> bool) -> Duration {
        let (begin, real) = (self.clock.now(), Clock::kernel());
        let real_begin = real.now();
        while !holds() {
            let health = self.health();
            assert!(real.now().since(real_begin) < PATIENCE, "never: {what}; {health:#}");
            self.hand.advance(TICK);
        }
        self.clock.now().since(begin)
    }

    /// Waits until something holds without advancing the time: nothing in the service waits.
    fn at_once(&self, what: &str, holds: impl Fn() -> bool) {
        let real = Clock::kernel();
        let begin = real.now();
        while !holds() {
            let health = self.health();
            assert!(real.now().since(begin) < PATIENCE, "not without more time: {what}; {health:#}");
        }
    }

    /// A camera that has just come back, after this many PLAY requests, shows its picture once the longest
    /// retry wait is over, and needs no further time.
    fn is_back(&self, camera: &Camera, viewer: &Viewer, plays: usize) {
        let is_back = || camera.requests("PLAY") > plays && camera.playing() > 0;
        self.hand.advance(WAIT_MAX);
        // A try refused just before the camera came back may be reported only now: it waits once more. If
        // time ran ahead of the sockets, on a busy machine, that may be the longest wait.
        let real = Clock::kernel();
        for _ in 0..3 {
            let begin = real.now();
            while !is_back() && real.now().since(begin) < PATIENCE / 10 {
                self.health();
            }
            if is_back() {
                break;
            }
            self.hand.advance(RETRY_MAX * 5 / 4);
        }
        self.at_once("the camera plays", is_back);
        let before = viewer.pictures();
        camera.send_picture();
        self.at_once("the viewer sees the picture", || viewer.pictures() > before);
    }

    /// Advances the time until health gives a reason with these words.
    fn until_reason(&self, words: &str) {
        let has = || self.health()["reason"].as_str().is_some_and(|reason| reason.contains(words));
        self.until(words, has);
    }

    /// Advances the time evenly, so that everything due in between happens.
    fn pass(&self, time: Duration) {
        let end = self.clock.now() + time;
        while self.clock.now() < end {
            self.hand.advance(Duration::from_secs(1));
            self.health();
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.shutdown.request();
        // Ends anything that still waits.
        self.hand.advance(Duration::from_mins(1));
        if let Some(running) = self.running.take() {
            running.join().unwrap();
        }
    }
}

/// A viewer, and the parts it has seen.
struct Viewer {
    seen: Arc<Mutex<Seen>>,
    stream: TcpStream,
}

#[derive(Default)]
struct Seen {
    pictures: usize,
    cards: usize,
}

impl Viewer {
    fn of(mut stream: Stream) -> Self {
        let viewer = Self { seen: Arc::default(), stream: stream.socket() };
        let seen = viewer.seen.clone();
        std::thread::spawn(move || {
            while let Some(part) = stream.try_part() {
                let mut seen = seen.lock().unwrap();
                // A camera's picture has two bytes of scan data, a card has text.
                if part.jpeg.len() < 700 {
                    seen.pictures += 1;
                } else {
                    seen.cards += 1;
                }
            }
        });
        viewer
    }

    fn pictures(&self) -> usize {
        self.seen.lock().unwrap().pictures
    }

    fn cards(&self) -> usize {
        self.seen.lock().unwrap().cards
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

/// Checks that a picture goes through the service to the viewer.
fn sees_picture(service: &Service, camera: &Camera, viewer: &Viewer) {
    let before = viewer.pictures();
    camera.send_picture();
    service.until("the viewer sees the picture", || viewer.pictures() > before);
}

fn sees_card(service: &Service, viewer: &Viewer) {
    let before = viewer.cards();
    service.until("the viewer sees a card", || viewer.cards() > before);
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

fn status(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
    line.trim().split(' ').next().unwrap().parse().unwrap()
}

#[test]
fn a_camera_that_is_killed_and_comes_back_twenty_times() {
    let _alone = alone();
    memory::set_up();
    let mut camera = Camera::start();
    let service = Service::start(&camera.url(""));
    let viewer = service.watch();
    let (mut steady, mut plays) = (None, 0);
    for round in 0..20 {
        service.is_back(&camera, &viewer, plays);
        let health = service.health();
        assert_eq!((&health["state"], &health["reason"]), (&"live".into(), &serde_json::Value::Null));
        assert_eq!(health["reconnects_total"], round);
        camera.power_off();
        service.until("it is lost", || service.health()["state"] == "lost");
        service.until_reason("connection refused");
        sees_card(&service, &viewer);
        if round == 4 {
            steady = Some((descriptors(), status("Threads:"), status("VmRSS:")));
        }
        plays = camera.requests("PLAY");
        camera.power_on();
    }
    let (descriptors_before, threads, kilobytes) = steady.unwrap();
    camera.power_off();
    service.until_reason("connection refused");
    // Threads that drew a card are kept for a moment.
    service.until("no thread is left over", || status("Threads:") <= threads + 1);
    assert!(descriptors() <= descriptors_before + 1, "{descriptors_before} then {}", descriptors());
    assert!(status("VmRSS:") < kilobytes + 8192, "{kilobytes} kB then {} kB", status("VmRSS:"));
}

/// Issue 10, number 17: packets keep coming, but no picture.
#[test]
fn a_picture_that_stands_still_is_not_live() {
    let _alone = alone();
    let camera = Camera::start();
    let service = Service::start(&camera.url(""));
    let viewer = service.watch();
    service.until("the camera plays", || camera.playing() == 1);
    for _ in 0..20 {
        sees_picture(&service, &camera, &viewer);
    }
    // Slow, but live.
    for _ in 0..5 {
        service.pass(Duration::from_secs(4));
        assert_eq!(service.health()["state"], "live");
        sees_picture(&service, &camera, &viewer);
    }
    let stopped = service.until("it is not live", || {
        camera.send_useless();
        service.health()["state"] == "lost"
    });
    assert!(stopped <= STANDSTILL_DISTANCES * Duration::from_secs(5) + STANDSTILL_LOOK * 2, "{stopped:?}");
    let reason = service.health()["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("no new picture for") && reason.contains("camera is connected"), "{reason}");
    sees_card(&service, &viewer);
    // It was not reopened, and continues as if nothing had happened.
    sees_picture(&service, &camera, &viewer);
    let health = service.health();
    assert_eq!((&health["state"], &health["reason"]), (&"live".into(), &serde_json::Value::Null));
    assert_eq!(camera.requests("PLAY"), 1);
}

#[test]
fn a_network_that_swallows_everything_for_half_a_minute() {
    let _alone = alone();
    let camera = Camera::start();
    let service = Service::start(&camera.url(""));
    let viewer = service.watch();
    service.until("the camera plays", || camera.playing() == 1);
    sees_picture(&service, &camera, &viewer);
    camera.freeze(true);
    service.until_reason("silent for 10 s");
    sees_card(&service, &viewer);
    let before = camera.requests("PLAY");
    service.pass(Duration::from_secs(20));
    service.until_reason("no answer to OPTIONS within 10 s");
    camera.freeze(false);
    // It is in the middle of a try, which is answered at once, or between two.
    let back = service.until("the camera plays again", || {
        (0..20).any(|_| {
            service.health();
            camera.requests("PLAY") > before
        })
    });
    assert!(back <= WAIT_MAX + Duration::from_secs(1), "{back:?}");
    sees_picture(&service, &camera, &viewer);
    assert_eq!(service.health()["state"], "live");
}

#[test]
fn if_no_datagram_arrives_tcp_takes_over_permanently() {
    let _alone = alone();
    let mut camera = Camera::start();
    let service = Service::start_with(&camera.url(""), "transport = \"udp\"");
    let viewer = service.watch();
    let playing = service.until("the camera plays", || camera.playing() == 1);
    assert!(playing >= Duration::from_secs(3), "datagrams were waited for: {playing:?}");
    // Time passes while a busy machine delays the camera's threads.
    assert!(playing <= Duration::from_secs(15), "{playing:?}");
    assert_eq!((camera.requests("SETUP"), camera.requests("TEARDOWN")), (2, 1));
    sees_picture(&service, &camera, &viewer);
    camera.power_off();
    service.until_reason("connection refused");
    camera.power_on();
    service.until("the camera plays", || camera.playing() == 1);
    assert_eq!(camera.requests("SETUP"), 3, "datagrams are not tried again");
    // Hikvision: each session is described anew.
    assert_eq!(camera.requests("DESCRIBE"), 3);
    sees_picture(&service, &camera, &viewer);
}

#[test]
fn a_changed_password_is_not_retried_soon() {
    /// joe:hush
    const RIGHT: Option<&str> = Some("Basic am9lOmh1c2g=");
    let _alone = alone();
    let camera = Camera::start();
    camera.set_authorization(RIGHT);
    let service = Service::start(&camera.url("joe:hush@"));
    let viewer = service.watch();
    service.until("the camera plays", || camera.playing() == 1);
    sees_picture(&service, &camera, &viewer);
    camera.set_authorization(Some("Basic changed"));
    camera.hang_up();
    service.until_reason("rejects user name or password");
    assert!(!service.health().to_string().contains("hush"));
    sees_card(&service, &viewer);
    let asked = camera.requests("OPTIONS");
    let again = service.watch();
    service.pass(RETRY_PATIENT.checked_sub(Duration::from_secs(30)).unwrap());
    assert_eq!(camera.requests("OPTIONS"), asked, "cameras lock accounts, whoever watches");
    drop(again);
    camera.set_authorization(RIGHT);
    let back = service.until("the camera plays", || camera.playing() == 1);
    assert!(back <= Duration::from_secs(40), "{back:?}");
    sees_picture(&service, &camera, &viewer);
}

#[test]
fn probe_reports_how_far_it_came_and_what_to_try() {
    let _alone = alone();
    let camera = Camera::start();
    let probe = |credentials: &str, more: &[&str]| {
        let mut probe = Command::new(env!("CARGO_BIN_EXE_pinhole"));
        let done = probe.arg("probe").args(more).arg(camera.url(credentials)).output().unwrap();
        assert_eq!(done.status.code(), Some(1));
        (String::from_utf8(done.stdout).unwrap(), String::from_utf8(done.stderr).unwrap())
    };
    camera.set_authorization(Some("Basic another"));
    let (out, error) = probe("joe:hush@", &[]);
    assert!(out.contains("ended at: OPTIONS\n") && out.contains("authentication: Basic\n"), "{out}");
    assert!(out.contains("try: writing special characters of the password as %XX"), "{out}");
    assert!(error.contains("rejects user name or password") && !error.contains("hush"), "{error}");
    let (out, _) = probe("", &["--json"]);
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert!(report["error"].as_str().unwrap().contains("requires user name and password"), "{report}");
    assert_eq!(report["rtsp"]["step"], "OPTIONS");
    // It plays, and sends nothing.
    camera.set_authorization(None);
    let (out, error) = probe("", &[]);
    assert!(error.contains("silent for 10 s"), "{error}");
    for line in ["offers: video JPEG\n", "packets: 0 received", "try: again in a minute"] {
        assert!(out.contains(line), "{line} in {out}");
    }
}

#[test]
fn a_camera_without_viewers_is_torn_down() {
    let _alone = alone();
    let camera = Camera::start();
    let service = Service::start(&camera.url(""));
    service.pass(Duration::from_secs(5));
    let health = service.health();
    assert_eq!((&health["state"], &health["reason"]), (&"idle".into(), &serde_json::Value::Null));
    assert_eq!(camera.requests("OPTIONS"), 0, "nobody has watched");
    let viewer = service.watch();
    service.until("the camera plays", || camera.playing() == 1);
    sees_picture(&service, &camera, &viewer);
    drop(viewer);
    // The service notices that the viewer is gone when it sends.
    let closed = service.until("the session is torn down", || {
        camera.send_picture();
        camera.requests("TEARDOWN") == 1
    });
    assert!(closed <= LINGER * 4, "{closed:?}");
    service.until("the camera is idle", || service.health()["state"] == "idle");
}

#[test]
fn a_lost_camera_shows_that_it_works_even_without_viewers() {
    let _alone = alone();
    let mut camera = Camera::start();
    camera.power_off();
    let service = Service::start(&camera.url(""));
    let viewer = service.watch();
    service.until_reason("connection refused");
    drop(viewer);
    service.until("nobody watches", || service.health()["viewers"] == 0);
    camera.power_on();
    let opened = service.until("it is looked at again", || camera.playing() == 1);
    assert!(opened <= Duration::from_secs(75), "{opened:?}");
    // A key picture comes only after 12 s.
    service.pass(Duration::from_secs(9));
    assert_eq!(service.health()["state"], "lost");
    camera.send_picture();
    service.until("it works again", || service.health()["state"] != "lost");
    service.until("it is closed again", || service.health()["state"] == "idle");
}
