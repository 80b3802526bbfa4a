use super::*;
use crate::camera::Camera;
use crate::clock::Clock;
use crate::frame::Kind;
use smol::Async;
use std::io::Read;
use std::net::{TcpListener, TcpStream};

struct Scene {
    camera: Arc<Camera>,
    clock: Clock,
    viewer_socket: Arc<ViewerSocket>,
    socket: Socket,
    client: Option<TcpStream>,
}

fn scene(fps: Option<f64>) -> Scene {
    scene_with(fps, PartHeads::Exact)
}

fn scene_with(fps: Option<f64>, heads: PartHeads) -> Scene {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let stream = Async::new(listener.accept().unwrap().0).unwrap();
    let (camera, clock) = (Camera::on_demand("yard"), Clock::manual().0);
    let socket = Socket::new(stream, clock.clone(), Arc::default(), Arc::default());
    let viewer_socket = ViewerSocket::new(&socket, fps, &Boundary("b".to_owned()), heads);
    Scene { camera, clock, viewer_socket, socket, client: Some(client) }
}

impl Scene {
    fn publish(&self, jpeg: &[u8]) {
        let mut memory = self.camera.jpeg.pool().take();
        memory.extend_from_slice(jpeg);
        let (clock, kind) = (&self.clock, Kind::Picture);
        self.camera.publish(Frame::new(memory, clock, clock.now(), 4, 2, kind), clock);
    }

    fn claim(&self) -> io::Result<Option<Part>> {
        self.viewer_socket.claim(&self.camera.jpeg).map(|claimed| match claimed {
            Claimed::Part(part) => Some(part),
            Claimed::Nothing => None,
            Claimed::End => panic!("it has ended"),
        })
    }
}

const FIRST_BOUNDARY: &str = "--b\r\n";

fn part(boundary: &str, jpeg: &str) -> String {
    let length = jpeg.len();
    format!(
        "{boundary}Content-Type: image/jpeg\r\nContent-Length: {length}\r\n\
         X-Timestamp: 1000.000000\r\n\r\n{jpeg}\r\n--b\r\n"
    )
}

#[test]
fn the_publisher_writes_whole_parts_in_its_turn() {
    let mut scene = scene(None);
    let viewer = scene.camera.subscribe(scene.viewer_socket.clone());
    scene.publish(b"not yet the publisher's turn");
    let first = scene.claim().unwrap().unwrap();
    assert_eq!(&*first.frame.jpeg, b"not yet the publisher's turn");
    assert!(scene.claim().unwrap().is_none(), "the task has the only frame");
    for jpeg in ["one", "another"] {
        scene.publish(jpeg.as_bytes());
        let mut bytes = vec![0; part("", jpeg).len()];
        scene.client.as_mut().unwrap().read_exact(&mut bytes).unwrap();
        assert_eq!(String::from_utf8(bytes).unwrap(), part("", jpeg));
    }
    assert!(scene.claim().unwrap().is_none(), "everything is sent");
    drop(viewer);
    scene.publish(b"nobody watches");
    scene.client.as_mut().unwrap().set_nonblocking(true).unwrap();
    assert_eq!(
        scene.client.as_mut().unwrap().read(&mut [0; 9]).unwrap_err().kind(),
        io::ErrorKind::WouldBlock
    );
}

#[test]
fn data_refused_by_the_socket_is_left_to_the_task_and_the_newest_follows() {
    let mut scene = scene(None);
    let _viewer = scene.camera.subscribe(scene.viewer_socket.clone());
    assert!(scene.claim().unwrap().is_none());
    // More than the kernel holds for a client that does not read.
    let large = "x".repeat(32 << 20);
    scene.publish(large.as_bytes());
    for jpeg in ["missed", "newest"] {
        scene.publish(jpeg.as_bytes());
    }
    let expected = part(FIRST_BOUNDARY, &large) + &part("", "newest");
    let length = expected.len();
    let mut client = scene.client.take().unwrap();
    let reader = std::thread::spawn(move || {
        let mut bytes = vec![0; length];
        client.read_exact(&mut bytes).unwrap();
        bytes
    });
    let rest = scene.claim().unwrap().unwrap();
    assert!((1..large.len()).contains(&rest.sent), "{} sent", rest.sent);
    for part in [rest, scene.claim().unwrap().unwrap()] {
        smol::block_on(scene.socket.write_picture(&part.frame, scene.viewer_socket.slices(&part), part.sent))
            .unwrap();
        scene.viewer_socket.recycle(part);
    }
    assert!(reader.join().unwrap() == expected.as_bytes(), "the parts are whole");
    assert!(scene.claim().unwrap().is_none());
}

/// Issue 10, number 11: when a picture is complete, so is the head of the next part.
#[test]
fn heads_sent_ahead_follow_each_picture_at_once() {
    let mut scene = scene_with(None, PartHeads::Ahead);
    let viewer = scene.camera.subscribe(scene.viewer_socket.clone());
    assert!(scene.claim().unwrap().is_none());
    let next = "--b\r\nContent-Type: image/jpeg\r\n\r\n";
    let mut expected = String::new();
    for jpeg in ["one", "another"] {
        scene.publish(jpeg.as_bytes());
        let _ = write!(expected, "{jpeg}\r\n{next}");
    }
    drop((viewer, scene.viewer_socket, scene.socket));
    let mut text = String::new();
    scene.client.as_mut().unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, format!("{next}{expected}"));
}

#[test]
fn the_end_comes_after_the_newest_frame() {
    let scene = scene(None);
    let _viewer = scene.camera.subscribe(scene.viewer_socket.clone());
    let left = scene.viewer_socket.listen();
    scene.publish(b"the last");
    scene.camera.end();
    assert!(smol::block_on(futures_lite::future::poll_once(left)).is_some(), "the task is woken");
    assert_eq!(&*scene.claim().unwrap().unwrap().frame.jpeg, b"the last");
    assert!(matches!(scene.viewer_socket.claim(&scene.camera.jpeg), Ok(Claimed::End)));
}

#[test]
fn boundaries_are_unique_and_valid_tokens() {
    let boundaries: std::collections::HashSet<_> = (0..1000).map(|_| Boundary::random().0).collect();
    assert_eq!(boundaries.len(), 1000);
    // RFC 2046 allows 70 characters; letters, digits and dashes need no quotes.
    assert!(
        boundaries
            .iter()
            .all(|it| it.len() <= 70 && it.bytes().all(|c| c == b'-' || c.is_ascii_alphanumeric()))
    );
}

#[test]
fn the_rate_limit_holds_on_the_publishing_thread_too() {
    let mut scene = scene(Some(1.0));
    let viewer = scene.camera.subscribe(scene.viewer_socket.clone());
    assert!(scene.claim().unwrap().is_none());
    for jpeg in ["due", "too early"] {
        scene.publish(jpeg.as_bytes());
    }
    assert!(scene.claim().unwrap().is_none(), "nothing is due");
    drop((viewer, scene.viewer_socket, scene.socket));
    let mut text = String::new();
    scene.client.as_mut().unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, part(FIRST_BOUNDARY, "due"));
}

#[test]
fn the_task_learns_that_the_client_is_gone() {
    let mut scene = scene(None);
    let _viewer = scene.camera.subscribe(scene.viewer_socket.clone());
    assert!(scene.claim().unwrap().is_none());
    drop(scene.client.take());
    // The first write finds the connection closed only once the kernel knows.
    let gone = (0..1000).find_map(|_| {
        scene.publish(b"a picture");
        scene.claim().err()
    });
    assert!(gone.is_some());
}
