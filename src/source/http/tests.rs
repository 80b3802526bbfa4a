use super::*;
use crate::config::Picture;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use crate::draw::TestCard;
use crate::encode::JpegEncoder;
use crate::frame::BufferPool;
use crate::picture::Chroma;
use crate::source::test_camera::TestCamera;

/// A camera that sends the next of these responses to each connection, and keeps the last one open.
struct Camera {
    url: String,
    requests: smol::channel::Receiver<String>,
    held: smol::channel::Receiver<TcpStream>,
}

impl Camera {
    fn start(answers: Vec<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url =
            format!("http://joe:hush@127.0.0.1:{}/cam?token=abc", listener.local_addr().unwrap().port());
        let (sender, requests) = smol::channel::unbounded();
        let (holder, held) = smol::channel::unbounded();
        std::thread::spawn(move || {
            let last = answers.len() - 1;
            for (number, answer) in answers.into_iter().enumerate() {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    let mut byte = [0];
                    stream.read_exact(&mut byte).unwrap();
                    request.push(byte[0]);
                }
                sender.try_send(String::from_utf8(request).unwrap()).unwrap();
                // The client may close the connection early.
                let _ = stream.write_all(&answer);
                if number == last {
                    holder.try_send(stream).unwrap();
                }
            }
        });
        Self { url, requests, held }
    }

    fn source(&self) -> Source {
        let url = SourceUrl::parse(&self.url, &["http"]).unwrap();
        Source::new("yard", &url, &Network::default())
    }
}

fn jpeg() -> Vec<u8> {
    let mut jpeg = BufferPool::default().take();
    let mut encoder = JpegEncoder::new(80, Chroma::Yuv420).unwrap();
    encoder.encode_planes(&TestCard::new("yard", 64, 48).draw(1, Duration::ZERO), &mut jpeg).unwrap();
    jpeg.to_vec()
}

fn answer(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 {status}\r\n{headers}\r\n").as_bytes(), body].concat()
}

fn stream(pictures: &[&[u8]]) -> Vec<u8> {
    let mut body = Vec::new();
    for picture in pictures {
        body.extend_from_slice(b"--b\r\nContent-Type: image/jpeg\r\n\r\n");
        body.extend_from_slice(picture);
        body.extend_from_slice(b"\r\n");
    }
    answer("200 OK", "Content-Type: multipart/x-mixed-replace;boundary=b\r\n", &body)
}

/// Runs a source until it is lost.
fn lost(camera: &Camera, to: &TestCamera) -> Lost {
    smol::block_on(camera.source().run(&to.publisher, &to.clock, &Stop::new().unwrap())).unwrap_err()
}

/// Runs a source until it is lost, which takes time; its last connection stays open.
fn lost_after(camera: &Camera, to: &TestCamera, time: Duration, ready: impl Fn(&TestCamera) -> bool) -> Lost {
    let (source, stop) = (camera.source(), Stop::new().unwrap());
    let mut running = Box::pin(source.run(&to.publisher, &to.clock, &stop));
    smol::block_on(async {
        let held = or(camera.held.recv(), async { panic!("ended early: {:?}", (&mut running).await) })
            .await
            .unwrap();
        while !ready(to) {
            assert!(futures_lite::future::poll_once(&mut running).await.is_none(), "ended early");
            futures_lite::future::yield_now().await;
        }
        to.hand.advance(time.checked_sub(Duration::from_millis(1)).unwrap());
        for _ in 0..100 {
            assert!(futures_lite::future::poll_once(&mut running).await.is_none(), "ended early");
        }
        to.hand.advance(Duration::from_millis(1));
        let lost = running.await.unwrap_err();
        drop(held);
        lost
    })
}

#[test]
fn a_stream_is_published_and_its_end_is_reported() {
    let (jpeg, to) = (jpeg(), TestCamera::default());
    let mut ended = stream(&[&jpeg, b"\xff\xd8\xff\xd9", &jpeg]);
    ended.extend_from_slice(b"--b--\r\n");
    let camera = Camera::start(vec![ended, Vec::new()]);
    assert_eq!(lost(&camera, &to), NetworkLost::Ended.into());
    let seen = to.report_now();
    assert_eq!((seen.frames, seen.bad), (2, 1));
    let opened = seen.opened.unwrap();
    assert_eq!((opened.width, opened.height, opened.format.as_str()), (64, 48, "MJPG"));
}

#[test]
fn a_password_is_sent_when_it_is_asked_for() {
    let (jpeg, to) = (jpeg(), TestCamera::default());
    let asks = answer(
        "401 Unauthorized",
        "WWW-Authenticate: Digest realm=\"x\", nonce=\"n\", algorithm=SHA-256, qop=\"auth\"\r\nContent-Length: 4\r\n",
        b"page",
    );
    let camera = Camera::start(vec![asks.clone(), stream(&[&jpeg]), Vec::new()]);
    assert_eq!(lost(&camera, &to), NetworkLost::Ended.into());
    assert_eq!(to.report_now().frames, 1);
    let (first, second) = (camera.requests.try_recv().unwrap(), camera.requests.try_recv().unwrap());
    assert!(
        first.starts_with("GET /cam?token=abc HTTP/1.1\r\n") && !first.contains("Authorization"),
        "{first}"
    );
    assert!(
        second.contains("Authorization: Digest username=\"joe\"") && !second.contains("hush"),
        "{second}"
    );
    let refuses = Camera::start(vec![asks.clone(), asks]);
    assert_eq!(lost(&refuses, &to), NetworkLost::WrongCredentials.into());
}

#[test]
fn silence_differs_from_damaged_pictures() {
    let (jpeg, to) = (jpeg(), TestCamera::default());
    let camera = Camera::start(vec![stream(&[&jpeg])]);
    let silent = lost_after(&camera, &to, SILENCE_MAX, |to| to.frames() == 1);
    assert_eq!(silent, NetworkLost::Silent { seconds: 10 }.into());
    let camera = Camera::start(vec![stream(&[b"\xff\xd8\xff\xd9", b"\xff\xd8\xff\xd9"])]);
    let damaged = lost_after(&camera, &to, SILENCE_MAX, |to| to.bad() == 2);
    assert!(
        matches!(damaged, Lost::Network(NetworkLost::Damaged { pictures: 2, seconds: 10, .. })),
        "{damaged:?}"
    );
}

#[test]
fn a_camera_that_never_responds_is_given_up() {
    let to = TestCamera::default();
    let camera = Camera::start(vec![b"HTTP/1.1 200".to_vec()]);
    let lost = lost_after(&camera, &to, ANSWER_MAX, |_| true);
    assert_eq!(lost, NetworkLost::TimedOut { awaited: Awaited::AnswerTo("the request"), seconds: 10 }.into());
}

#[test]
fn single_pictures_are_requested_at_the_rate() {
    let (jpeg, to) = (jpeg(), TestCamera::default());
    let length = format!("Content-Type: image/jpeg\r\nContent-Length: {}\r\n", jpeg.len());
    let one = answer("200 OK", &length, &jpeg);
    let camera = Camera::start(vec![one.clone(), one.clone(), one]);
    let (source, stop) = (camera.source(), Stop::new().unwrap());
    let mut running = Box::pin(source.run(&to.publisher, &to.clock, &stop));
    smol::block_on(async {
        for number in 1..=3 {
            while to.frames() < number {
                assert!(futures_lite::future::poll_once(&mut running).await.is_none(), "ended early");
                futures_lite::future::yield_now().await;
            }
            assert_eq!(to.frames(), number);
            to.hand.advance(Duration::from_millis(500));
        }
        stop.request();
        running.await.unwrap();
    });
}

#[test]
fn a_stop_closes_the_connection() {
    let (jpeg, to) = (jpeg(), TestCamera::default());
    let camera = Camera::start(vec![stream(&[&jpeg])]);
    let stop = Stop::new().unwrap();
    let source = camera.source();
    smol::block_on(or(async { source.run(&to.publisher, &to.clock, &stop).await.unwrap() }, async {
        to.camera.until(|camera| camera.frames() == 1).await;
        stop.request();
        std::future::pending::<()>().await;
    }));
    let mut held = camera.held.recv_blocking().unwrap();
    assert_eq!(held.read(&mut [0]).unwrap(), 0);
}

#[test]
fn the_reason_for_anything_but_a_camera_gives_advice() {
    let to = TestCamera::default();
    let chunk = "Content-Type: multipart/x-mixed-replace;boundary=b\r\nTransfer-Encoding: chunked\r\n";
    for (given, words) in [
        (answer("200 OK", "Content-Type: text/html\r\n", b"<html>"), "does not serve MJPEG (got text/html)"),
        (answer("200 OK", "Content-Length: 5\r\n", b"hello"), "no declared type"),
        (answer("200 OK", "Content-Type: image/jpeg\r\nContent-Length: 5\r\n", b"hello"), "not a whole one"),
        (answer("503 Busy", "Retry-After: 7\r\n", b""), "asks for a retry in 7 s"),
        (answer("200 OK", chunk, b"xyz\r\n"), "invalid chunk size"),
        (answer("404 Not Found", "", b""), "no stream at the path"),
        (b"SSH-2.0-OpenSSH_9.2\r\n".to_vec(), "not HTTP"),
        (b"HTTP/1.1 100 Continue\r\n\r\n".repeat(20), "never comes to its answer"),
    ] {
        let camera = Camera::start(vec![given, Vec::new()]);
        let lost = lost(&camera, &to).to_string();
        assert!(lost.contains(words), "{words}: {lost}");
        assert!(!lost.contains("hush") && !lost.contains("abc"), "{lost}");
    }
    assert_eq!(to.frames(), 0);
}

#[test]
fn no_more_pictures_of_a_stream_are_published_than_configured() {
    let picture = Picture { fps: Some(10), ..Picture::default() };
    let (jpeg, to) = (jpeg(), TestCamera::new(&picture));
    let mut pictures = Pictures::new(&to.publisher, &to.clock).unwrap();
    let head = answer("200 OK", "Content-Type: multipart/x-mixed-replace;boundary=b\r\n", b"");
    let (head, _) = Head::parse(&head).unwrap().unwrap();
    // 25 a second, for 4 s; each is a separate response, followed by the boundary.
    for _ in 0..100 {
        let ahead = [stream(&[&jpeg]), b"--b--\r\n".to_vec()].concat();
        let ahead = ahead[ahead.windows(4).position(|it| it == b"\r\n\r\n").unwrap() + 4..].to_vec();
        let content = Content::Stream(Some("b".to_owned()));
        let body = Body::behind(&head);
        let answer = Answer { connection: smol::io::empty(), ahead, body, content };
        assert_eq!(smol::block_on(pictures.read(answer)), Ok(1));
        to.hand.advance(Duration::from_millis(40));
    }
    assert!((39..=41).contains(&to.frames()), "{} in 4 s", to.frames());
    // Single pictures come as often as they are requested.
    let answer = Answer {
        connection: smol::io::empty(),
        ahead: jpeg,
        body: Body::behind(&head),
        content: Content::Picture,
    };
    let before = to.frames();
    assert_eq!(smol::block_on(pictures.read(answer)), Ok(1));
    assert_eq!(to.frames(), before + 1);
}

#[test]
fn a_single_picture_is_complete_at_its_end_on_a_connection_that_stays_open() {
    let (jpeg, to) = (jpeg(), TestCamera::default());
    let mut pictures = Pictures::new(&to.publisher, &to.clock).unwrap();
    let (head, _) = Head::parse(&answer("200 OK", "Content-Type: image/jpeg\r\n", b"")).unwrap().unwrap();
    let (connection, _held) = smol::net::unix::UnixStream::pair().unwrap();
    let answer = Answer { connection, ahead: jpeg, body: Body::behind(&head), content: Content::Picture };
    let read = smol::block_on(pictures.read(answer));
    assert_eq!((read, to.frames()), (Ok(1), 1));
}

/// A connection that always has more to read.
struct Endless {
    bytes: std::io::Cursor<Vec<u8>>,
    reads: u32,
}

impl AsyncRead for Endless {
    fn poll_read(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        buffer: &mut [u8],
    ) -> std::task::Poll<io::Result<usize>> {
        self.reads += 1;
        assert!(self.reads <= crate::limits::TURN_OPERATIONS_MAX, "the others have no turn");
        if self.bytes.position() == self.bytes.get_ref().len() as u64 {
            self.bytes.set_position(0);
        }
        std::task::Poll::Ready(self.bytes.read(buffer))
    }
}

/// Issue 10, number 1: a turn covers neither many reads nor many pictures of one read.
#[test]
fn a_camera_that_sends_without_a_pause_has_its_turn_and_no_more() {
    let picture = jpeg();
    let small = picture.repeat(64_000 / picture.len());
    for bytes in [small, vec![b'x'; 64_000]] {
        let to = TestCamera::default();
        let mut pictures = Pictures::new(&to.publisher, &to.clock).unwrap();
        let answer = Answer {
            connection: Endless { bytes: std::io::Cursor::new(bytes), reads: 0 },
            ahead: Vec::new(),
            body: Body::behind(&Head { status: 200, ..Head::default() }),
            content: Content::Stream(None),
        };
        assert!(smol::block_on(futures_lite::future::poll_once(pictures.read(answer))).is_none());
        assert!(to.frames() <= u64::from(crate::limits::TURN_OPERATIONS_MAX), "{}", to.frames());
    }
}
