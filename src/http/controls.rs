//! Lists and sets a camera's controls.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures_lite::future::or;
use http_types::StatusCode;
use serde_json::{Map, Value};

use super::Server;
use super::answer::Answer;
use crate::camera::Camera;
use crate::camera::controls::Refused;
use crate::camera::device::Device;
use crate::camera::lost::{DriverLost, LocalLost, Lost, Task};
use crate::limits;
use crate::offload::BlockingPool;

/// Bytes of a PATCH body: all controls of a camera have about 2 KB.
pub const BODY_MAX_BYTES: usize = 16 << 10;

/// The time limit for a device; uvcvideo gives each of its requests 5 s.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// Concurrent queries of devices: one for each camera.
static DEVICES: BlockingPool = BlockingPool::new("controls", limits::CAMERAS_MAX);

/// The answer to `GET /api/cameras/NAME/controls`. Only V4L2 devices have controls.
pub async fn list(server: &Rc<Server>, name: &str) -> Answer {
    let Some(camera) = find(server, name) else { return missing() };
    let Some(device) = camera.settings().device else { return Answer::json(StatusCode::Ok, &[(); 0]) };
    match asked(server, &device, |device| device.controls()).await.flatten() {
        Ok(controls) => Answer::json(StatusCode::Ok, &controls),
        Err(why) => lost(&why),
    }
}

/// The answer to `PATCH /api/cameras/NAME/controls` with this body.
pub async fn set(server: &Rc<Server>, name: &str, body: &[u8]) -> Answer {
    let Some(camera) = find(server, name) else { return missing() };
    let wanted: Map<String, Value> = match serde_json::from_slice(body) {
        Ok(wanted) => wanted,
        Err(error) => {
            let what = format!("the body is no JSON object such as {{\"brightness\": 128}}: {error}");
            return Answer::error(StatusCode::BadRequest, &what);
        }
    };
    let Some(device) = camera.settings().device else {
        return Answer::error(StatusCode::BadRequest, "this camera is no V4L2 device and has no controls");
    };
    let set = asked(server, &device, move |device| device.set_controls(&wanted)).await;
    match set.map_err(Refused::Lost).flatten() {
        Ok(controls) => {
            log::info!("camera {name}: controls set");
            Answer::json(StatusCode::Ok, &controls)
        }
        Err(Refused::Wrong(what)) => Answer::error(StatusCode::BadRequest, &what),
        Err(Refused::Device(what)) => Answer::error(StatusCode::Conflict, &what),
        Err(Refused::Lost(why)) => lost(&why),
    }
}

/// Awaits a device's answer, up to the time limit.
async fn asked<T: Send + 'static>(
    server: &Server,
    device: &Arc<dyn Device>,
    ask: impl FnOnce(&dyn Device) -> T + Send + 'static,
) -> Result<T, Lost> {
    let answer = async {
        let (turn, device) = (device.turn().lock_arc().await, device.clone());
        let answer = DEVICES.run(move || {
            let _turn = turn;
            ask(&*device)
        });
        answer.await.map_err(|error| LocalLost::new(Task::AskDevice, error).into())
    };
    or(answer, async {
        server.clock.sleep(ANSWER_MAX).await;
        Err(DriverLost::Hangs { seconds: ANSWER_MAX.as_secs() }.into())
    })
    .await
}

fn find(server: &Server, name: &str) -> Option<Arc<Camera>> {
    server.registry.named(name)
}

fn missing() -> Answer {
    Answer::error(StatusCode::NotFound, "there is no such camera")
}

fn lost(why: &Lost) -> Answer {
    Answer::error(StatusCode::ServiceUnavailable, &why.to_string())
}
