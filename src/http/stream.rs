//! A stream: `multipart/x-mixed-replace`, the newest frame whenever the viewer's socket takes one.

use std::fmt::Write as _;
use std::io;
use std::rc::Rc;
use std::sync::Arc;

use futures_lite::future::or;

use super::Server;
use super::answer::PICTURE_HEADERS;
use super::backlog::Backlog;
use super::outlet::{Boundary, Outlet, Part};
use super::pace::Pace;
use super::part_heads::PartHeads;
use super::socket::Socket;
use crate::camera::registry::Selector;
use crate::hub::Viewer;

/// What a viewer asks for.
#[derive(Debug)]
pub struct Wanted {
    /// Which camera.
    pub selector: Selector,
    /// At most so many pictures per second.
    pub fps: Option<f64>,
    /// When parts' heads are sent.
    pub heads: PartHeads,
    /// The answer's head is all that is wanted.
    pub head_only: bool,
}

/// Sends frames until the client goes away.
///
/// # Errors
/// How the client went.
pub async fn serve(server: &Rc<Server>, socket: &Socket, wanted: &Wanted) -> io::Result<()> {
    let boundary = Boundary::random();
    // The first boundary goes out with the first frame, not before: some clients take the head and
    // an empty part for a broken stream if the camera needs a while.
    socket.write_all([head(server, &boundary).as_bytes()]).await?;
    if wanted.head_only {
        return Ok(());
    }
    let mut watch = Watch::new(server, wanted, socket, &boundary)?;
    let mut backlog = Backlog::default();
    let mut turn = socket.turn();
    loop {
        turn.step().await;
        let part = watch.next().await?;
        let written = socket.write_frame(&part.frame, watch.outlet.slices(&part), part.sent).await?;
        watch.viewer.hub().delivered(&part.frame);
        // Let go before the wait: its memory is wanted for the next picture.
        watch.outlet.recycle(part);
        if written.after_waiting > 0 {
            // The kernel still holds bytes of this frame. A frame begun now would be old when its
            // turn comes; the newest is chosen when it is.
            socket.writable().await?;
            server.clock.sleep(backlog.wait(&written)).await;
        }
    }
}

fn head(server: &Server, boundary: &Boundary) -> String {
    let mut head = format!(
        "HTTP/1.1 200 OK\r\n\
         content-type: multipart/x-mixed-replace; boundary={boundary}\r\n\
         cache-control: no-store, no-cache, must-revalidate, no-transform\r\n\
         pragma: no-cache\r\n\
         x-accel-buffering: no\r\n\
         connection: close\r\n",
    );
    for (name, value) in PICTURE_HEADERS {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    if let Some(origin) = &server.config.allow_origin {
        let _ = write!(head, "access-control-allow-origin: {origin}\r\n");
    }
    head.push_str("\r\n");
    head
}

/// Watches the camera that a selector means, also when that becomes another one: who asked for the
/// first camera while there was none sees it as soon as it is plugged in.
struct Watch<'a> {
    server: &'a Server,
    selector: &'a Selector,
    outlet: Arc<Outlet>,
    viewer: Viewer,
    is_settled: bool,
}

impl<'a> Watch<'a> {
    fn new(server: &'a Server, wanted: &'a Wanted, socket: &Socket, boundary: &Boundary) -> io::Result<Self> {
        let selector = &wanted.selector;
        let camera = server.registry.find(selector).ok_or(io::ErrorKind::NotFound)?;
        let is_settled = !Arc::ptr_eq(&camera, server.registry.nobody());
        let outlet = Outlet::new(socket, &camera.hub, wanted.fps.map(Pace::new), boundary, wanted.heads);
        let viewer = camera.hub.watch_by(outlet.clone());
        Ok(Self { server, selector, outlet, viewer, is_settled })
    }

    /// The next part that is to be sent here, and not by the thread that publishes its frame.
    async fn next(&mut self) -> io::Result<Part> {
        loop {
            let left = self.outlet.listen();
            let added = (!self.is_settled).then(|| self.server.registry.listen());
            if let Some(part) = self.outlet.claim()? {
                return Ok(part);
            }
            match added {
                None => left.await,
                Some(_) if self.settle() => {}
                Some(added) => or(left, added).await,
            }
        }
    }

    /// Turns to the camera that is meant, if there is one by now.
    fn settle(&mut self) -> bool {
        let Some(camera) = self.server.registry.find(self.selector) else { return false };
        if Arc::ptr_eq(&camera, self.server.registry.nobody()) {
            return false;
        }
        self.outlet.move_to(&camera.hub);
        self.viewer = camera.hub.watch_by(self.outlet.clone());
        self.is_settled = true;
        true
    }
}
