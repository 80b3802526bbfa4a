//! Admission and refusal of requests: the real program over real sockets.

#[path = "support/service.rs"]
#[allow(dead_code)] // Each test program uses a part of it.
mod service;
#[path = "support/stream.rs"]
#[allow(dead_code)]
mod stream;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use service::{PATIENCE, Service};
use socket2::{Domain, Socket, Type};
use stream::Stream;

const SMALL: [&str; 3] = ["--size", "160x120", "test:"];

/// The status of a request sent byte for byte.
fn status(service: &Service, request: &[u8]) -> u16 {
    let answer = service.exchange(request);
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("{answer:?}"))
}

#[test]
fn issue_10_number_16_queries_that_programs_append() {
    let service = Service::start(&SMALL);
    for target in [
        "/?action=stream?nonce_dashboard=1679189181050",
        "/webcam/?action=stream?nonce_dashboard=1",
        "/?action=stream&1608856928650",
        "/?action=stream%3Fnonce=1",
        "/stream?fps=5?x",
    ] {
        Stream::open(service.connect(), target).part();
    }
    for target in ["/?action=snapshot?nonce=1", "/webcam/?action=snapshot&bypassCache=1", "/snapshot.jpg?1?2"]
    {
        let answer = service.request("GET", target, "");
        assert_eq!((answer.status, &answer.body[..2]), (200, &[0xff, 0xd8][..]), "{target}");
    }
}

#[test]
fn issue_10_number_16_sixteen_kilobytes_of_cookies_fit() {
    let service = Service::start(&SMALL);
    for (bytes, expected) in [(4000, 200), (8119, 200), (16 << 10, 200), (40_000, 431)] {
        let cookies = format!("Cookie: extjs={}\r\n", "x".repeat(bytes));
        assert_eq!(service.request("GET", "/snapshot", &cookies).status, expected, "{bytes} bytes");
    }
    for name in ["Accept", "Referer", "User-Agent"] {
        let header = format!("{name}: text/html{}\r\n", ",x".repeat(4 << 10));
        assert_eq!(service.request("GET", "/", &header).status, 200, "{name}");
    }
    let target = format!("/{}", "a".repeat(9000));
    assert_eq!(service.request("GET", &target, "").status, 414);
}

#[test]
fn issue_10_number_6_ambiguous_requests_are_refused() {
    let service = Service::start(&SMALL);
    for lines in [
        "Content-Length: 5\r\nContent-Length: 5\r\n",
        "Content-Length: 5, 5\r\n",
        "Content-Length: +5\r\n",
        "Host: localhost\r\n",
        "X: a\0b\r\n",
        "X: a\rb\r\n",
        "X: a\r\n folded\r\n",
        "X : a\r\n",
        "Transfer-Encoding: identity\r\n",
    ] {
        let request =
            format!("GET /health HTTP/1.1\r\nHost: localhost\r\n{lines}\r\nGET /nothing HTTP/1.1\r\n\r\n");
        let answer = service.exchange(request.as_bytes());
        assert!(answer.starts_with("HTTP/1.1 400 "), "{lines:?}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "nothing behind it is read: {answer}");
    }
    assert_eq!(status(&service, b"get / HTTP/1.1\r\nHost: localhost\r\n\r\n"), 400);
    assert_eq!(status(&service, b"GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n"), 400);
    assert_eq!(status(&service, b"GET / HTTP/1.1\r\nHost: local host\r\n\r\n"), 400);
}

#[test]
fn issue_10_number_6_a_foreign_host_gets_the_line_to_configure() {
    let service = Service::start(&["--config", &configuration("hosts = [\"Cam.Example.org\"]")]);
    let host = |host: &str, target: &str| {
        let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        service.exchange(request.as_bytes())
    };
    for target in
        ["/", "/stream", "/?action=stream", "/snapshot", "/health", "/metrics", "/api/cameras", "/nothing"]
    {
        let answer = host("Rebound.example:8080", target);
        assert!(answer.starts_with("HTTP/1.1 421 "), "{target}: {answer}");
        assert!(answer.contains(r#"hosts = [\"rebound.example\"] under [http]"#), "{answer}");
    }
    let port = service.address.port();
    for ours in ["localhost", "127.0.0.1", &format!("[::1]:{port}"), "PINHOLE.local.", "cam.example.org:443"]
    {
        assert!(host(ours, "/api/cameras").starts_with("HTTP/1.1 200 "), "{ours}");
    }
    assert_eq!(status(&service, b"GET /api/cameras HTTP/1.0\r\n\r\n"), 200, "no browser speaks HTTP/1.0");
    assert_eq!(status(&service, b"GET / HTTP/1.0\r\nHost: rebound.example\r\n\r\n"), 421);
}

#[test]
fn issue_10_number_6_headers_that_keep_other_sites_out() {
    let service = Service::start(&SMALL);
    let stream = Stream::open(service.connect(), "/stream").head;
    let snapshot = service.request("GET", "/snapshot", "").head;
    let page = service.request("GET", "/", "").head;
    let refused = service.exchange(b"get / HTTP/1.1\r\n\r\n");
    for (head, policy) in [
        (&stream, "cross-origin"),
        (&snapshot, "cross-origin"),
        (&page, "same-origin"),
        (&refused, "same-origin"),
    ] {
        assert!(head.contains("x-content-type-options: nosniff\r\n"), "{head}");
        assert!(head.contains("referrer-policy: same-origin\r\n"), "{head}");
        assert!(head.contains(&format!("cross-origin-resource-policy: {policy}\r\n")), "{head}");
    }
    assert!(page.contains("frame-ancestors 'self'\r\n"), "{page}");
}

#[test]
fn only_a_trusted_proxy_names_its_clients() {
    let service = Service::start(&[
        "--config",
        &configuration(&format!("trusted_proxies = [\"127.0.0.1\"]\npassword_hash = \"{}\"", hash("right"))),
    ]);
    // "admin:wrong"
    let wrong = "Authorization: Basic YWRtaW46d3Jvbmc=\r\n";
    assert_eq!(
        service.request("GET", "/", &format!("{wrong}X-Forwarded-For: 198.51.100.9, 192.0.2.7\r\n")).status,
        401
    );
    service.log_line("192.0.2.7: wrong user name or password");
    let hearsay = format!("{wrong}X-Forwarded-For: unknown\r\n");
    assert_eq!(service.request("GET", "/", &hearsay).status, 401);
    service.log_line("127.0.0.1: wrong user name or password");
}

/// A connection from another address of this machine.
fn connect_from(service: &Service, address: [u8; 4]) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.bind(&SocketAddr::from((address, 0)).into()).expect("all of 127.0.0.0/8 is this machine's");
    socket.connect(&service.address.into()).expect("it accepts connections");
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE)).expect("a read time-out");
    stream
}

/// The status of a GET from this address.
fn status_from(service: &Service, address: [u8; 4], target: &str, headers: &str) -> u16 {
    let mut stream = connect_from(service, address);
    let request = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).expect("taken");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("text");
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("{answer:?}"))
}

/// Connections of two neighbours that take all 16 places and send no whole request.
fn squatters(service: &Service) -> Vec<TcpStream> {
    let begun: [&[u8]; 4] = [
        b"",
        b"GET / HT",
        b"PATCH /api/cameras/test/controls HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{",
        b"GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n",
    ];
    let squat = |n: usize| {
        let mut stream = connect_from(service, [127, 0, 0, if n < 8 { 2 } else { 3 }]);
        stream.write_all(begun[n % 4]).expect("taken");
        stream
    };
    (0..16).map(squat).collect()
}

const NARROW: &str = "connections_max = 16\nconnections_per_address_max = 8";

#[test]
fn issue_10_number_3_connections_without_a_request_shut_out_no_client() {
    let service = Service::start(&["--config", &configuration(NARROW)]);
    for _ in 0..5 {
        let _squatters = squatters(&service);
        assert_eq!(status_from(&service, [127, 0, 0, 4], "/api/cameras", ""), 200);
        assert_eq!(status_from(&service, [127, 0, 0, 2], "/api/cameras", ""), 200, "nor their own address");
    }
    let http = service.json("/health").1["http"].clone();
    assert!(http["connections_evicted_total"].as_u64() >= Some(5), "{http}");
    assert_eq!(http["connections_refused_total"], 0, "{http}");
    let metrics = service.request("GET", "/metrics", "").text();
    assert!(metrics.contains("\npinhole_http_connections_evicted_total "), "{metrics}");
}

#[test]
fn issue_10_number_3_streams_of_two_addresses_leave_room_for_a_third() {
    let service = Service::start(&["--config", &configuration(NARROW)]);
    let open = |address| Stream::open(connect_from(&service, address), "/stream");
    let mut crowd: Vec<_> = (0..16).map(|n| open([127, 0, 0, if n < 8 { 2 } else { 3 }])).collect();
    for stream in &mut crowd {
        drop(stream.part());
    }
    let mut guest = open([127, 0, 0, 4]);
    guest.part();
    for _ in 0..20 {
        assert_eq!(status_from(&service, [127, 0, 0, 2], "/stream", ""), 503, "one of those that crowd");
    }
    for _ in 0..5 {
        guest.part();
    }
    let http = service.json("/health").1["http"].clone();
    // One stream was evicted for the guest's, and one for this request.
    assert_eq!(
        (http["connections_evicted_total"].as_u64(), http["connections_refused_total"].as_u64()),
        (Some(2), Some(20)),
        "{http}"
    );
}

#[test]
fn issue_10_number_3_the_password_holds_a_place_against_a_flood() {
    let password = format!("{NARROW}\npassword_hash = \"{}\"", hash("right"));
    let service = Service::start(&["--config", &configuration(&password)]);
    let mut squatters = squatters(&service);
    let mut stream = connect_from(&service, [127, 0, 0, 4]);
    // "viewer:right"
    stream
        .write_all(b"GET /stream HTTP/1.1\r\nHost: a\r\nAuthorization: Basic dmlld2VyOnJpZ2h0\r\n\r\n")
        .expect("taken");
    // During the check of the password, and after it.
    for n in 0..200 {
        squatters.push(connect_from(&service, [127, 0, 0, 2 + (n % 2) as u8]));
    }
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).expect("an answer");
    assert_eq!(line, "HTTP/1.1 200 OK\r\n");
    for n in 0..200 {
        squatters.push(connect_from(&service, [127, 0, 0, 2 + (n % 2) as u8]));
    }
    assert_eq!(
        status_from(&service, [127, 0, 0, 4], "/api/cameras", "Authorization: Basic dmlld2VyOnJpZ2h0\r\n"),
        200
    );
    let mut pictures = vec![0; 100_000];
    reader.read_exact(&mut pictures).expect("the stream goes on");
}

fn hash(password: &str) -> String {
    pinhole::config::PasswordHash::of(password).expect("a password").to_string()
}

/// A configuration file with this text under `[http]`.
fn configuration(http: &str) -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::SeqCst);
    let path = format!("{}/door-{}-{number}.toml", env!("CARGO_TARGET_TMPDIR"), std::process::id());
    let text = format!("[http]\n{http}\n[[camera]]\nsource = \"test:\"\nsize = \"160x120\"\n");
    std::fs::write(&path, text).expect("it is written");
    path
}
