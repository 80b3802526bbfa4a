//! One picture, captured after the request for it arrived.

use std::rc::Rc;
use std::sync::Arc;

use futures_lite::future::or;
use http_types::StatusCode;

use super::Server;
use super::answer::Answer;
use crate::camera::Camera;
use crate::camera::registry::Selector;
use crate::clock::Monotonic;
use crate::frame::{Frame, Kind};
use crate::hub::State;
use crate::limits;

/// Takes a picture of a camera, opening it if need be.
pub async fn take(server: &Rc<Server>, selector: &Selector, arrived: Monotonic) -> Answer {
    let Some(camera) = server.registry.find(selector) else {
        return Answer::error(StatusCode::NotFound, "there is no such camera");
    };
    let picture = or(picture_after(&camera, arrived), or(absent(&camera), too_late(server, &camera))).await;
    match picture {
        Ok(frame) => {
            let time = frame.unix_time;
            let mut answer = Answer::jpeg(frame);
            answer.insert_header("x-timestamp", &format!("{}.{:06}", time.as_secs(), time.subsec_micros()));
            answer
        }
        Err(why) => {
            let mut answer = Answer::error(StatusCode::ServiceUnavailable, &why);
            answer.insert_header("retry-after", "5");
            answer
        }
    }
}

async fn picture_after(camera: &Camera, moment: Monotonic) -> Result<Arc<Frame>, String> {
    let mut viewer = camera.hub.watch();
    loop {
        let frame = viewer.next().await;
        if frame.kind == Kind::Picture && frame.captured >= moment {
            return Ok(frame);
        }
    }
}

/// Waiting is of no use for a device that is not plugged in.
async fn absent(camera: &Camera) -> Result<Arc<Frame>, String> {
    let is_absent = |state: State| matches!(state, State::Lost(lost) if lost.is_absent());
    camera.hub.until(|hub| is_absent(hub.state())).await;
    Err(reason(camera))
}

async fn too_late(server: &Rc<Server>, camera: &Camera) -> Result<Arc<Frame>, String> {
    server.clock.sleep(limits::SNAPSHOT_TIME_MAX).await;
    Err(reason(camera))
}

fn reason(camera: &Camera) -> String {
    match camera.hub.state() {
        State::Lost(lost) => lost.to_string(),
        _ => format!("no picture within {} s", limits::SNAPSHOT_TIME_MAX.as_secs()),
    }
}
