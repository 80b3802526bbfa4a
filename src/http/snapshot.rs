//! One picture, captured after its request arrived.

use std::io;
use std::rc::Rc;
use std::sync::Arc;

use futures_lite::future::or;
use http_types::StatusCode;

use super::Server;
use super::answer::Answer;
use super::head::Request;
use crate::camera::lost::Lost;
use crate::camera::{Camera, State};
use crate::cameras::cards;
use crate::cameras::registry::{Found, Selector};
use crate::clock::Monotonic;
use crate::derived;
use crate::frame::{Frame, Kind};
use crate::limits;

/// Takes a picture of a camera, opening it if necessary. Does not wait for a camera known to be lost.
pub async fn take(
    server: &Rc<Server>,
    selector: &Selector,
    wanted: derived::Wanted,
    request: &Request,
) -> Answer {
    let camera = match server.registry.find(selector) {
        Found::Camera(camera) => camera,
        Found::NoneYet => return no_camera(server, request).await,
        Found::Unknown => return Answer::error(StatusCode::NotFound, "there is no such camera"),
    };
    // Noted first: a lost camera is then retried for the next request.
    camera.ask(server.clock.now());
    let arrived = let_in(request.arrived, server.clock.now());
    let missing = or(lost(server, &camera), too_late(server, &camera, arrived));
    match or(missing, picture_after(&camera, arrived)).await {
        Ok(frame) => picture(derived::still(&camera, frame, wanted).await),
        Err(why) => {
            let card = async { cards::card(&camera, &why, &server.clock).await };
            refusal(server, card, &why, &request.accept).await
        }
    }
}

async fn no_camera(server: &Server, request: &Request) -> Answer {
    let card = server.registry.no_camera.card(&server.clock);
    refusal(server, card, &Lost::NoCamera.to_string(), &request.accept).await
}

/// The earliest capture time: the request's arrival or, if its password waited for a turn, the end of that
/// wait.
fn let_in(arrived: Monotonic, now: Monotonic) -> Monotonic {
    if now.since(arrived) > limits::SNAPSHOT_PROMPT { now } else { arrived }
}

fn picture(frame: Arc<Frame>) -> Answer {
    let time = frame.unix_time;
    let mut answer = Answer::jpeg(frame);
    answer.insert_header("x-timestamp", &format!("{}.{:06}", time.as_secs(), time.subsec_micros()));
    answer
}

/// Responds with the reason why there is no picture: as JSON, or as a card for software that would show any
/// body as a picture.
async fn refusal(
    server: &Server,
    card: impl Future<Output = io::Result<Arc<Frame>>>,
    why: &str,
    accept: &str,
) -> Answer {
    let card = if takes_pictures_only(accept) { in_time(server, card).await } else { None };
    let mut answer = match card {
        Some(card) => picture(card).with_status(StatusCode::ServiceUnavailable),
        None => Answer::error(StatusCode::ServiceUnavailable, why),
    };
    answer.insert_header("retry-after", "5");
    answer
}

async fn in_time(server: &Server, card: impl Future<Output = io::Result<Arc<Frame>>>) -> Option<Arc<Frame>> {
    let too_late = async {
        server.clock.sleep(limits::SNAPSHOT_CARD_TIME_MAX).await;
        Err(io::Error::other("it takes too long to draw"))
    };
    or(card, too_late).await.inspect_err(|error| log::debug!("no card for a snapshot: {error}")).ok()
}

/// Whether a client accepts JPEG and nothing but pictures (RFC 9110, section 12.5.1).
fn takes_pictures_only(accept: &str) -> bool {
    let mut takes_jpeg = false;
    for range in accept.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
        let is_refused = parts.any(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or_default();
            name.trim().eq_ignore_ascii_case("q") && value.trim().parse() == Ok(0.0)
        });
        if kind.is_empty() || is_refused {
            continue;
        }
        if !kind.starts_with("image/") {
            return false;
        }
        // Some say "jpg", which is not registered.
        takes_jpeg |= matches!(kind.as_str(), "image/*" | "image/jpeg" | "image/jpg" | "image/pjpeg");
    }
    takes_jpeg
}

async fn picture_after(camera: &Arc<Camera>, moment: Monotonic) -> Result<Arc<Frame>, String> {
    let mut viewer = camera.watch();
    loop {
        let frame = viewer.next().await;
        if frame.kind == Kind::Picture && frame.captured >= moment {
            return Ok(frame);
        }
    }
}

/// Returns once the camera is lost: waiting is useless then.
async fn lost(server: &Server, camera: &Camera) -> Result<Arc<Frame>, String> {
    camera.until(Camera::is_lost).await;
    Err(reason(camera, server.clock.now()))
}

async fn too_late(server: &Server, camera: &Camera, arrived: Monotonic) -> Result<Arc<Frame>, String> {
    let waited = server.clock.now().since(arrived);
    server.clock.sleep(limits::SNAPSHOT_TIME_MAX.saturating_sub(waited)).await;
    Err(reason(camera, server.clock.now()))
}

fn reason(camera: &Camera, now: Monotonic) -> String {
    let now = camera.report(now);
    let seconds = limits::SNAPSHOT_TIME_MAX.as_secs();
    if let Some(why) = now.reason() {
        return why;
    }
    match (now.state, now.last_frame_age) {
        (State::Live, Some(age)) => {
            format!("no picture within {seconds} s; the last one came {} s ago", age.as_secs())
        }
        _ => format!("no picture within {seconds} s: the camera is still being opened; try again"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_clients_that_accept_nothing_but_pictures_get_a_card() {
        for accept in [
            "image/*",
            "image/jpeg",
            "Image/JPEG",
            "image/jpg",
            "image/png, image/jpeg;q=0.8",
            "image/avif,image/webp,image/*;q=0.8",
            "image/*, */*;q=0",
            " image/* ; q=0.5 , ",
        ] {
            assert!(takes_pictures_only(accept), "{accept}");
        }
        for accept in [
            "",
            "*/*",
            "application/json",
            "text/html,image/*",
            "image/*,*/*;q=0.8",
            "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8",
            "image/png",
            "image/png, image/jpeg;q=0",
            "image/*, application/json;q=0.1",
            "imagejpeg",
            ";;,=,;q",
        ] {
            assert!(!takes_pictures_only(accept), "{accept}");
        }
    }
}
