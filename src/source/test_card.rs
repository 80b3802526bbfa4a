//! The built-in test card: a moving picture with clock and frame counter, for use without a camera.

use std::sync::Arc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::publisher::Publisher;
use super::thread;
use crate::camera::lost::{LocalLost, Lost, Task};
use crate::camera::stop::Stop;
use crate::clock::{Clock, Monotonic};
use crate::config::Picture;
use crate::draw::TestCard;
use crate::encode::JpegEncoder;
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
    pub async fn run(&self, publisher: &Arc<Publisher>, clock: &Clock, stop: &Stop) -> Result<(), Lost> {
        let (picture, publisher) = (self.picture.clone(), publisher.clone());
        let (clock, stop) = (clock.clone(), stop.clone());
        let name = self.name.clone();
        thread::run(&format!("card {name}"), move || deliver(&name, &picture, &publisher, &clock, &stop))
            .await
    }
}

fn deliver(
    name: &str,
    picture: &Picture,
    publisher: &Publisher,
    clock: &Clock,
    stop: &Stop,
) -> Result<(), Lost> {
    let (width, height) = picture.size.unwrap_or(DEFAULT_SIZE);
    let fps = picture.fps.unwrap_or(DEFAULT_FPS);
    let internal = |error: crate::encode::EncodeError| LocalLost::new(Task::DrawTestCard, error);
    let mut encoder = JpegEncoder::new(picture.quality, Chroma::Yuv420).map_err(internal)?;
    let mut card = TestCard::new(name, width as usize, height as usize);
    publisher.opened("TEST", width, height, format!("test card {width}x{height} at {fps} fps"));
    let interval = Duration::from_secs(1) / fps;
    let mut due = clock.now();
    for number in 0.. {
        if wait_until(due, clock, stop)? {
            return Ok(());
        }
        let now = clock.now();
        let mut jpeg = publisher.buffer();
        encoder.set_quality(publisher.quality()).map_err(internal)?;
        let planes = card.draw(number, clock.unix_time(now));
        match encoder.encode_planes_oriented(&planes, &publisher.orientation(), &mut jpeg) {
            Ok(size) => publisher.publish_encoded((jpeg, size), now),
            Err(error) if error.concerns_setting() => publisher.unfit(&error),
            Err(error) => return Err(LocalLost::new(Task::DrawTestCard, error).into()),
        }
        // A machine that is too slow for the rate skips pictures instead of falling behind.
        due = (due + interval).max(now);
    }
    Ok(())
}

/// True if the stop came first.
fn wait_until(due: Monotonic, clock: &Clock, stop: &Stop) -> Result<bool, Lost> {
    let timeout = Timespec::try_from(due.since(clock.now()))
        .map_err(|error| LocalLost::new(Task::DrawTestCard, error))?;
    match poll(&mut [PollFd::new(&stop.readable(), PollFlags::IN)], Some(&timeout)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(stop.is_requested()),
        Err(error) => Err(LocalLost::new(Task::DrawTestCard, error).into()),
    }
}
