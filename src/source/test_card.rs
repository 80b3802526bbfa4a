//! The built-in test card: a moving picture with clock and frame counter, for trying things out
//! without a camera.

use std::sync::Arc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::thread;
use crate::camera::lost::Lost;
use crate::camera::stop::Stop;
use crate::clock::Monotonic;
use crate::config::Picture;
use crate::draw::TestCard;
use crate::encode::JpegEncoder;
use crate::frame::{Frame, Kind};
use crate::hub::{Hub, Opened};
use crate::picture::Chroma;

const DEFAULT_SIZE: (u32, u32) = (1280, 720);
const DEFAULT_FPS: u32 = 30;

/// A test card of one camera.
#[derive(Debug)]
pub struct Source {
    name: String,
    picture: Picture,
}

impl Source {
    /// A test card that shows this camera name.
    pub fn new(name: &str, picture: &Picture) -> Self {
        Self { name: name.to_owned(), picture: picture.clone() }
    }

    /// Draws and publishes until `stop` is requested.
    pub async fn run(&self, hub: &Arc<Hub>, stop: &Stop) -> Result<(), Lost> {
        let (name, picture, hub, stop) = (self.name.clone(), self.picture.clone(), hub.clone(), stop.clone());
        thread::run(&format!("card {name}"), move || deliver(&name, &picture, &hub, &stop)).await
    }
}

fn deliver(name: &str, picture: &Picture, hub: &Hub, stop: &Stop) -> Result<(), Lost> {
    let (width, height) = picture.size.unwrap_or(DEFAULT_SIZE);
    let fps = picture.fps.unwrap_or(DEFAULT_FPS);
    let internal = |error: crate::encode::EncodeError| Lost::Driver(format!("test card: {error}"));
    let mut encoder = JpegEncoder::new(picture.quality, Chroma::Yuv420).map_err(internal)?;
    let mut card = TestCard::new(name, width as usize, height as usize);
    hub.set_opened(Opened { width, height, format: "TEST".to_owned() });
    let interval = Duration::from_secs(1) / fps;
    let mut due = hub.clock().now();
    for number in 0.. {
        if wait_until(due, hub, stop)? {
            return Ok(());
        }
        let now = hub.clock().now();
        let mut jpeg = hub.pool().take();
        encoder.encode_planes(&card.draw(number, hub.clock().unix_time(now)), &mut jpeg).map_err(internal)?;
        if hub.publish(Frame::new(jpeg, hub.clock(), now, width, height, Kind::Picture)) {
            log::log!(hub.log_level(), "camera {name}: live, test card {width}x{height} at {fps} fps");
        }
        // A machine too slow for the rate draws what it can instead of falling behind.
        due = (due + interval).max(now);
    }
    Ok(())
}

/// True if the stop came first.
fn wait_until(due: Monotonic, hub: &Hub, stop: &Stop) -> Result<bool, Lost> {
    let timeout = Timespec::try_from(due.since(hub.clock().now()))
        .map_err(|error| Lost::Driver(format!("test card: {error}")))?;
    match poll(&mut [PollFd::new(&stop.readable(), PollFlags::IN)], Some(&timeout)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(stop.is_requested()),
        Err(error) => Err(Lost::Driver(format!("test card: {error}"))),
    }
}
