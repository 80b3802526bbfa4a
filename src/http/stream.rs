//! A stream: `multipart/x-mixed-replace`, the newest frame whenever the viewer's socket takes one.

use std::fmt::Write as _;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures_lite::future::or;

use super::Server;
use super::backlog::Backlog;
use super::socket::Socket;
use crate::camera::registry::Selector;
use crate::clock::Monotonic;
use crate::frame::Frame;
use crate::hub::Viewer;

/// The boundary follows each JPEG at once: Chromium shows a part only when it sees that it is whole.
const AFTER_JPEG: &str = "\r\n--pinhole-frame\r\n";

/// Sends frames until the client goes away.
///
/// # Errors
/// How the client went.
pub async fn serve(
    server: &Rc<Server>,
    socket: &Socket,
    selector: &Selector,
    fps: Option<f64>,
    head_only: bool,
) -> io::Result<()> {
    socket.write_all([head(server).as_bytes()]).await?;
    if head_only {
        return Ok(());
    }
    // The first boundary goes out with the first frame, not before: some clients take the head and
    // an empty part for a broken stream if the camera needs a while.
    let mut before: &str = "--pinhole-frame\r\n";
    socket.bound_backlog();
    let mut watch = Watch::new(server, selector)?;
    let mut pace = fps.map(Pace::new);
    let mut part_head = String::with_capacity(160);
    let mut backlog = Backlog::default();
    loop {
        let frame = watch.next().await;
        if pace.as_mut().is_some_and(|pace| !pace.is_due(frame.captured)) {
            continue;
        }
        write_part_head(&mut part_head, before, &frame);
        before = "";
        let written = socket.write_all([part_head.as_bytes(), &frame.jpeg, AFTER_JPEG.as_bytes()]).await?;
        watch.viewer.hub().delivered(&frame);
        // Let go before the wait: its memory is wanted for the next picture.
        drop(frame);
        if written.after_waiting > 0 {
            // The kernel still holds bytes of this frame. A frame begun now would be old when its
            // turn comes; the newest is chosen when it is.
            socket.writable().await?;
            server.clock.sleep(backlog.wait(&written)).await;
        }
    }
}

fn head(server: &Server) -> String {
    let mut head = String::from(
        "HTTP/1.1 200 OK\r\n\
         content-type: multipart/x-mixed-replace; boundary=pinhole-frame\r\n\
         cache-control: no-store, no-cache, must-revalidate, no-transform\r\n\
         pragma: no-cache\r\n\
         x-accel-buffering: no\r\n\
         connection: close\r\n",
    );
    if let Some(origin) = &server.config.allow_origin {
        let _ = write!(head, "access-control-allow-origin: {origin}\r\n");
    }
    head.push_str("\r\n");
    head
}

fn write_part_head(text: &mut String, before: &str, frame: &Frame) {
    text.clear();
    let (seconds, micros) = (frame.unix_time.as_secs(), frame.unix_time.subsec_micros());
    // Writing to a String does not fail.
    let _ = write!(
        text,
        "{before}Content-Type: image/jpeg\r\nContent-Length: {}\r\nX-Timestamp: {seconds}.{micros:06}\r\n\r\n",
        frame.jpeg.len()
    );
}

/// Watches the camera that a selector means, also when that becomes another one: who asked for the
/// first camera while there was none sees it as soon as it is plugged in.
struct Watch<'a> {
    server: &'a Server,
    selector: &'a Selector,
    viewer: Viewer,
    is_settled: bool,
}

impl<'a> Watch<'a> {
    fn new(server: &'a Server, selector: &'a Selector) -> io::Result<Self> {
        let camera = server.registry.find(selector).ok_or(io::ErrorKind::NotFound)?;
        let is_settled = !Arc::ptr_eq(&camera, server.registry.nobody());
        Ok(Self { server, selector, viewer: camera.hub.watch(), is_settled })
    }

    async fn next(&mut self) -> Arc<Frame> {
        while !self.is_settled {
            let added = self.server.registry.listen();
            if let Ok(watch) = Self::new(self.server, self.selector)
                && watch.is_settled
            {
                *self = watch;
                break;
            }
            let frame = or(async { Some(self.viewer.next().await) }, async {
                added.await;
                None
            });
            if let Some(frame) = frame.await {
                return frame;
            }
        }
        self.viewer.next().await
    }
}

/// Lets frames through at a rate.
struct Pace {
    interval: Duration,
    due: Option<Monotonic>,
}

impl Pace {
    fn new(fps: f64) -> Self {
        Self { interval: Duration::from_secs_f64(1.0 / fps), due: None }
    }

    /// Whether a frame captured at this moment is to be sent. The next is due one interval after
    /// this one was due, so that the rate holds on average, but never in the past.
    fn is_due(&mut self, captured: Monotonic) -> bool {
        // A camera's own jitter must not cost every other frame.
        let slack = self.interval / 8;
        let due = self.due.unwrap_or(captured);
        if captured + slack < due {
            return false;
        }
        self.due = Some((due + self.interval).max(captured + slack));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_met_on_average_whatever_the_camera_gives() {
        for (camera, asked, expected) in
            [(30, 10.0, 100), (30, 20.0, 200), (25, 10.0, 100), (10, 30.0, 100), (30, 30.0, 300)]
        {
            let mut pace = Pace::new(asked);
            let sent = (0..camera * 10)
                .filter(|n| {
                    let jitter = (n * 7919 % 5) * 1000;
                    let at = Duration::from_micros(n * 1_000_000 / camera + jitter);
                    pace.is_due(Monotonic::since_zero(at))
                })
                .count();
            assert!(
                (expected..=expected + 2).contains(&sent) || expected - sent <= 2,
                "{camera} fps, {asked} asked: {sent}"
            );
        }
    }
}
