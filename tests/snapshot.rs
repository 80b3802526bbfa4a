//! Single pictures of lost cameras, as requested by OctoPrint, Home Assistant and similar software.

#[allow(dead_code)] // Other tests use the rest.
#[path = "support/service.rs"]
mod service;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use pinhole::clock::Clock;
use service::{Answer, PATIENCE, Service};

/// Clients give up after this long.
const CLIENTS_WAIT: Duration = Duration::from_secs(5);

/// The meaning of "at once" on a small machine under load.
const AT_ONCE: Duration = Duration::from_secs(2);

/// A network camera that refuses every request until it is repaired.
struct Camera {
    source: String,
    is_mended: Arc<AtomicBool>,
    /// A message for each request.
    requests: Receiver<()>,
}

impl Camera {
    fn start(jpeg: Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let source = format!("http://{}/shot.jpg", listener.local_addr().expect("it listens"));
        let (is_mended, (sender, requests)) = (Arc::new(AtomicBool::new(false)), channel());
        let of_thread = is_mended.clone();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                if read_head(&stream) && sender.send(()).is_ok() {
                    let status =
                        if of_thread.load(Ordering::SeqCst) { "200 OK" } else { "500 Internal Server Error" };
                    let _ = answer(&mut stream, status, &jpeg);
                }
            }
        });
        Self { source, is_mended, requests }
    }
}

fn read_head(stream: &TcpStream) -> bool {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    lines.any(|line| line.is_empty())
}

fn answer(stream: &mut TcpStream, status: &str, body: &[u8]) -> std::io::Result<()> {
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: image/jpeg\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    )?;
    stream.write_all(body)
}

/// A response, and how long it took.
fn timed(service: &Service, target: &str, headers: &str) -> (Answer, Duration) {
    let clock = Clock::kernel();
    let begin = clock.now();
    let answer = service.request("GET", target, headers);
    (answer, clock.now().since(begin))
}

fn a_picture() -> Vec<u8> {
    let service = Service::start(&["--size", "64x48", "test:"]);
    let answer = service.request("GET", "/snapshot", "");
    assert_eq!(answer.status, 200);
    answer.body
}

/// Number 14: the service waited for 5 s, when OctoPrint had given up.
#[test]
fn a_camera_known_to_be_lost_is_answered_at_once_and_retried_for_the_next() {
    let camera = Camera::start(a_picture());
    let service = Service::start(&[&camera.source]);
    let reason = "camera answers 500 Internal Server Error";
    // The first request has to find out that the camera is lost.
    let (first, took) = timed(&service, "/snapshot", "");
    assert_eq!((first.status, first.text().contains(reason)), (503, true), "{}", first.text());
    assert!(first.head.contains("content-type: application/json"), "{}", first.head);
    assert!(took < CLIENTS_WAIT, "{took:?}");
    service.until("/health", |health| health["cameras"][0]["viewers"] == 0);
    for target in ["/snapshot", "/?action=snapshot", "/webcam/?action=snapshot"] {
        let (again, took) = timed(&service, target, "");
        assert_eq!((again.status, again.text().contains(reason)), (503, true), "{}", again.text());
        assert!(took < AT_ONCE, "{target}: {took:?}");
    }
    // Without viewers, health alone would retry it only after a minute.
    while camera.requests.try_recv().is_ok() {}
    service.request("GET", "/snapshot", "");
    camera.requests.recv_timeout(PATIENCE).expect("it is tried again");

    camera.is_mended.store(true, Ordering::SeqCst);
    let clock = Clock::kernel();
    let begin = clock.now();
    while service.request("GET", "/snapshot", "").status != 200 {
        assert!(clock.now().since(begin) < PATIENCE, "those who go on asking get a picture");
        let _ = camera.requests.recv_timeout(Duration::from_secs(1));
    }
}

/// Number 14: a camera that accepts the connection and sends nothing.
#[test]
fn a_camera_that_is_silent_is_given_up_before_its_clients_do() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let source = format!("http://{}/stream", silent.local_addr().expect("it listens"));
    let service = Service::start(&[&source]);
    let (answer, took) = timed(&service, "/snapshot.jpg", "");
    assert!(took < CLIENTS_WAIT, "{took:?}");
    assert_eq!(answer.status, 503);
    assert!(answer.text().contains("no picture within 4 s"), "{}", answer.text());
    assert!(answer.head.contains("retry-after: 5"), "{}", answer.head);
}

/// Number 14: Home Assistant shows any body as a picture.
#[test]
fn clients_that_accept_nothing_but_pictures_get_the_card() {
    let service = Service::start(&["/dev/pinhole-test-99", "test:"]);
    for accept in ["image/*", "image/jpeg", "image/webp, image/jpeg;q=0.9"] {
        let (card, took) = timed(&service, "/snapshot", &format!("Accept: {accept}\r\n"));
        assert_eq!(card.status, 503, "{accept}");
        assert!(card.head.contains("content-type: image/jpeg"), "{accept}: {}", card.head);
        assert!(card.body.starts_with(&[0xff, 0xd8]) && card.body.ends_with(&[0xff, 0xd9]), "{accept}");
        assert!(took < AT_ONCE, "{accept}: {took:?}");
    }
    for headers in ["", "Accept: */*\r\n", "Accept: application/json\r\n", "Accept: image/*,*/*;q=0.8\r\n"] {
        let answer = service.request("GET", "/snapshot", headers);
        let error = serde_json::from_slice::<serde_json::Value>(&answer.body).expect("JSON")["error"].clone();
        assert_eq!(
            (answer.status, error.as_str()),
            (503, Some("no device at /dev/pinhole-test-99; plug the camera in, or correct the source"))
        );
    }
    let head = service.request("HEAD", "/snapshot", "Accept: image/*\r\n");
    assert_eq!((head.status, head.body.len()), (503, 0));
    let picture = service.request("GET", "/cameras/test/snapshot.jpg", "Accept: image/*\r\n");
    assert_eq!(picture.status, 200, "a picture is one as before");
}

/// Drawing does not hold up the executor, and requests for cards do not hold up each other.
#[test]
fn a_crowd_that_requests_cards_shares_them() {
    let service = Service::start(&["/dev/pinhole-test-99"]);
    let clock = Clock::kernel();
    let begin = clock.now();
    let crowd: Vec<_> = (0..64)
        .map(|_| {
            let mut one = service.connect();
            let request =
                "GET /snapshot HTTP/1.1\r\nHost: test\r\nAccept: image/*\r\nConnection: close\r\n\r\n";
            one.write_all(request.as_bytes()).expect("taken");
            one
        })
        .collect();
    for mut one in crowd {
        let mut answer = Vec::new();
        one.read_to_end(&mut answer).expect("the answer ends");
        let head = String::from_utf8_lossy(&answer[..answer.len().min(400)]).to_lowercase();
        assert!(head.starts_with("http/1.1 503 ") && head.contains("content-type: image/jpeg"), "{head}");
    }
    let took = clock.now().since(begin);
    assert!(took < CLIENTS_WAIT, "{took:?}");
}
