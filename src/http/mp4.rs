//! A camera's coded video as fragmented MP4 that does not end: for players, which decode it themselves.
//!
//! A progressive MP4 cannot say that its size or parameters change, and has no card for a lost camera: it ends,
//! between two pictures, and the next request gets the new parameters or the reason.

use std::fmt::Display;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures_lite::future::or;
use http_types::StatusCode;

use super::Server;
use super::answer::Answer;
use super::routes::Reply;
use super::socket::Socket;
use super::stream::head;
use crate::camera::lost::Lost;
use crate::camera::{Camera, CodedViewer, End};
use crate::cameras::registry::{Found, Selector};
use crate::mp4::InitSegment;

/// How long the first key picture is waited for. Cameras take up to 3 s to be opened, and most send a key
/// picture at least each 10 s.
const START_MAX: Duration = Duration::from_secs(12);

/// A stream that can begin.
#[derive(Debug)]
pub struct Stream {
    viewer: CodedViewer,
    init: Arc<InitSegment>,
    head_only: bool,
}

/// Why there is no stream.
enum NoStream {
    /// There never will be one.
    NotCoded(String),
    /// There is none now.
    NotNow(String),
}

/// Waits until a stream can begin, and opens the camera for it. Does not wait for a camera known to be lost.
pub async fn offer(server: &Server, selector: &Selector, head_only: bool) -> Reply {
    let camera = match server.registry.find(selector) {
        Found::Camera(camera) => camera,
        Found::NoneYet => return not_now(&Lost::NoCamera).into(),
        Found::Unknown => return Answer::error(StatusCode::NotFound, "there is no such camera").into(),
    };
    // Noted first: a lost camera is then retried for the next request.
    camera.ask(server.clock.now());
    let mut viewer = camera.watch_coded();
    let begun = or(begin(&mut viewer), lost(server, &camera)).await;
    let begun = match begun {
        Some(begun) => begun,
        None => Err(NoStream::NotNow(reason(server, &viewer))),
    };
    match begun {
        Ok(init) => Reply::Mp4(Box::new(Stream { viewer, init, head_only })),
        Err(NoStream::NotNow(why)) => not_now(&why).into(),
        Err(NoStream::NotCoded(format)) => {
            let what = format!(
                "this camera gives {}, not H.264 or H.265; use /cameras/{}/stream",
                in_words(&format),
                camera.name()
            );
            Answer::error(StatusCode::NotFound, &what).into()
        }
    }
}

async fn begin(viewer: &mut CodedViewer) -> Option<Result<Arc<InitSegment>, NoStream>> {
    Some(viewer.begin().await.map_err(|end| match end {
        End::NotCoded(format) => NoStream::NotCoded(format),
        other => NoStream::NotNow(other.to_string()),
    }))
}

/// Returns once waiting is useless, or has lasted too long.
async fn lost<T>(server: &Server, camera: &Camera) -> Option<T> {
    or(camera.until(Camera::is_lost), server.clock.sleep(START_MAX)).await;
    None
}

fn reason(server: &Server, viewer: &CodedViewer) -> String {
    let camera = viewer.camera().report(server.clock.now());
    camera.reason().or_else(|| viewer.fault().map(|fault| fault.to_string())).unwrap_or_else(|| {
        format!("no key picture within {} s; set the camera to one each second or two", START_MAX.as_secs())
    })
}

fn not_now(why: &impl Display) -> Answer {
    let mut answer = Answer::error(StatusCode::ServiceUnavailable, &why.to_string());
    answer.insert_header("retry-after", "5");
    answer
}

/// The name of a format for people.
fn in_words(format: &str) -> &str {
    match format {
        "MJPG" | "JPEG" => "MJPEG",
        "TEST" => "drawn pictures",
        other => other,
    }
}

/// Sends pictures until the client disconnects or there are no more that fit. A slow client falls behind, and
/// goes on with the next start.
///
/// # Errors
/// How the client disconnected.
pub async fn serve(server: &Rc<Server>, socket: &Socket, stream: Stream) -> io::Result<()> {
    let Stream { mut viewer, init, head_only } = stream;
    let head = head(server, &init.content_type(), "no-store\r\naccept-ranges: none");
    if head_only {
        socket.write_all([head.as_bytes()]).await?;
        return Ok(());
    }
    socket.write_all([head.as_bytes(), init.bytes()]).await?;
    drop(init);
    let camera = viewer.camera().clone();
    let mut turn = socket.turn();
    loop {
        turn.step().await;
        let lost = async {
            camera.until(Camera::is_lost).await;
            Err(camera.report(server.clock.now()).reason().unwrap_or_default())
        };
        let next = async { viewer.next().await.map_err(|end| end.to_string()) };
        match or(next, lost).await {
            Ok(fragment) => socket.write_picture(&fragment, [&fragment.bytes], 0).await?,
            Err(why) => {
                log::info!("camera {}: a stream of MP4 ends: {why}", camera.name());
                return Ok(());
            }
        };
    }
}
