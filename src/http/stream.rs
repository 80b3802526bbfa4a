//! A stream: `multipart/x-mixed-replace`, with the newest frame whenever the viewer's socket has room.

use std::fmt::Write as _;
use std::io;
use std::rc::Rc;
use std::sync::Arc;

use futures_lite::future::or;
use http_types::StatusCode;

use super::Server;
use super::answer::{Answer, PICTURE_HEADERS};
use super::backlog::Backlog;
use super::part_heads::PartHeads;
use super::routes::Reply;
use super::socket::Socket;
use super::viewer_socket::{Boundary, Claimed, Part, ViewerSocket};
use crate::camera::Viewer;
use crate::cameras::registry::{Found, Selector};
use crate::clock::Monotonic;
use crate::derived;
use crate::limits;

/// The request of a viewer.
#[derive(Debug)]
pub struct Wanted {
    /// Which camera.
    pub selector: Selector,
    /// The maximum rate in pictures per second.
    pub fps: Option<f64>,
    /// Smaller pictures, or another quality.
    pub derived: derived::Wanted,
    /// When to send the parts' heads.
    pub heads: PartHeads,
    /// Only the answer's head is requested.
    pub head_only: bool,
}

/// Starts a stream, if the camera exists.
pub fn offer(server: &Server, wanted: Wanted) -> Reply {
    match server.registry.find(&wanted.selector) {
        Found::Camera(_) | Found::NoneYet => Reply::Stream(wanted),
        Found::Unknown => Answer::error(StatusCode::NotFound, "there is no such camera").into(),
    }
}

/// Sends frames until the client disconnects.
///
/// # Errors
/// How the client disconnected.
pub async fn serve(server: &Rc<Server>, socket: &Socket, wanted: &Wanted) -> io::Result<()> {
    let boundary = Boundary::random();
    // The first boundary goes out with the first frame: while the camera opens, some clients would take the
    // head and an empty part for a broken stream.
    let content_type = format!("multipart/x-mixed-replace; boundary={boundary}");
    let caching = "no-store, no-cache, must-revalidate, no-transform\r\npragma: no-cache";
    socket.write_all([head(server, &content_type, caching).as_bytes()]).await?;
    if wanted.head_only {
        return Ok(());
    }
    let mut watch = Watch::new(server, wanted, socket, &boundary)?;
    let mut backlog = Backlog::default();
    let mut turn = socket.turn();
    loop {
        turn.step().await;
        let Some(part) = watch.next().await? else { return Ok(()) };
        let written = socket.write_picture(&part.frame, watch.viewer_socket.slices(&part), part.sent).await?;
        watch.delivered(&part);
        // Release it before waiting: the next picture needs its memory.
        watch.viewer_socket.recycle(part);
        if written.after_waiting > 0 {
            // The kernel still holds bytes of this frame. A frame started now would be old by its turn;
            // choose the newest then.
            socket.writable().await?;
            server.clock.sleep(backlog.wait(&written)).await;
        }
    }
}

/// The head of an answer that ends with its connection. `caching` is the value of `cache-control`, and may go
/// on with further headers.
pub(super) fn head(server: &Server, content_type: &str, caching: &str) -> String {
    let mut head = format!(
        "HTTP/1.1 200 OK\r\n\
         content-type: {content_type}\r\n\
         cache-control: {caching}\r\n\
         x-accel-buffering: no\r\n\
         connection: close\r\n",
    );
    for (name, value) in PICTURE_HEADERS {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    if let Some(origin) = &server.rules().config.allow_origin {
        let _ = write!(head, "access-control-allow-origin: {origin}\r\n");
    }
    head.push_str("\r\n");
    head
}

/// Watches the selected camera. While there is no camera at all, viewers of the first one see a card that
/// says so, and the camera as soon as it is plugged in.
struct Watch<'a> {
    server: &'a Server,
    wanted: &'a Wanted,
    viewer_socket: Arc<ViewerSocket>,
    viewer: Option<Viewer>,
    /// Waits for the first frame, whose width decides which derived track is meant.
    choosing: Option<Viewer>,
    /// When the next card is due.
    card: Monotonic,
}

impl<'a> Watch<'a> {
    fn new(server: &'a Server, wanted: &'a Wanted, socket: &Socket, boundary: &Boundary) -> io::Result<Self> {
        let viewer_socket = ViewerSocket::new(socket, wanted.fps, boundary, wanted.heads);
        let card = server.clock.now();
        let mut watch = Self { server, wanted, viewer_socket, viewer: None, choosing: None, card };
        watch.find()?;
        Ok(watch)
    }

    /// Starts to watch the camera, if there is one.
    fn find(&mut self) -> io::Result<()> {
        match self.server.registry.find(&self.wanted.selector) {
            Found::Camera(camera) if self.wanted.derived == derived::Wanted::default() => {
                self.viewer = Some(camera.subscribe(self.viewer_socket.clone()));
            }
            Found::Camera(camera) => self.choosing = Some(camera.watch()),
            Found::NoneYet => {}
            Found::Unknown => return Err(io::ErrorKind::NotFound.into()),
        }
        Ok(())
    }

    /// The next part for this task to send, rather than for the publishing thread; `None` once the camera is
    /// removed.
    async fn next(&mut self) -> io::Result<Option<Part>> {
        loop {
            if let Some(choosing) = self.choosing.take() {
                self.choose(choosing).await;
            }
            let Some(viewer) = &self.viewer else {
                match self.wait_for_camera().await? {
                    Some(card) => return Ok(Some(card)),
                    None => continue,
                }
            };
            let left = self.viewer_socket.listen();
            match self.viewer_socket.claim(viewer.track())? {
                Claimed::Part(part) => return Ok(Some(part)),
                Claimed::End if viewer.camera().jpeg.has_ended() => return Ok(None),
                // The derived track is of another size than the camera's pictures have now.
                Claimed::End => {
                    self.choosing = Some(viewer.camera().watch());
                    self.viewer = None;
                }
                Claimed::Nothing => left.await,
            }
        }
    }

    /// Waits for the camera's first frame, and watches the track that is meant for its width.
    async fn choose(&mut self, mut choosing: Viewer) {
        let camera = choosing.camera().clone();
        let first = or(async { Some(choosing.next().await) }, async {
            camera.until(|camera| camera.jpeg.has_ended()).await;
            None
        });
        let track = match first.await {
            Some(frame) => {
                let variant = self.wanted.derived.variant(frame.width);
                let track = self.server.derived.track(&camera, variant);
                // Too large is better than nothing.
                track.inspect_err(|why| log::debug!("camera {}: {why}", camera.name())).ok()
            }
            None => None,
        };
        let track = track.unwrap_or_else(|| camera.jpeg.clone());
        self.viewer_socket.begin_track();
        self.viewer = Some(camera.subscribe_to(&track, self.viewer_socket.clone()));
    }

    /// Waits until there is a camera or the next card is due.
    async fn wait_for_camera(&mut self) -> io::Result<Option<Part>> {
        let (server, clock) = (self.server, &self.server.clock);
        let changed = server.registry.listen();
        self.find()?;
        if self.viewer.is_some() || self.choosing.is_some() {
            return Ok(None);
        }
        if clock.now() < self.card {
            or(clock.sleep_until(self.card), changed).await;
            return Ok(None);
        }
        self.card = clock.now() + limits::CARD_INTERVAL;
        match server.registry.no_camera.card(clock).await {
            Ok(card) => Ok(Some(self.viewer_socket.part(&card))),
            Err(error) => {
                log::error!("no card: {error}");
                Ok(None)
            }
        }
    }

    /// Notes that the socket has accepted the whole part.
    fn delivered(&self, part: &Part) {
        if let Some(viewer) = &self.viewer {
            viewer.camera().delivered(&part.frame, self.server.clock.now());
        }
    }
}
