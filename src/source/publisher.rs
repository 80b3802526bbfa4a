//! The end of every source: the one place where pictures become frames of their camera.
//!
//! A publisher serves one run of a source, from open to close, and may be used from any thread. It limits the
//! rate, records what was negotiated, logs the first picture, counts damaged and dropped pictures, and knows
//! how long there has been no good picture, and why. It publishes on the calling thread; pictures that arrive
//! on the executor go through a relay (`relay`).

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::silence::{Quiet, Silence};
use crate::camera::{Camera, Opened};
use crate::clock::{Clock, Monotonic};
use crate::config::Picture;
use crate::frame::{Frame, FrameBuffer, Kind};
use crate::rate_limit::RateLimit;
use crate::{limits, mjpeg, multipart};

/// Publishes the pictures of one run of a source.
#[derive(Debug)]
pub struct Publisher {
    camera: Arc<Camera>,
    clock: Clock,
    quality: AtomicU8,
    rate_limit: Mutex<RateLimit>,
    silence: Mutex<Silence>,
    /// Held while a picture is published, so that none follows a [`close`](Self::close).
    out: Mutex<Out>,
}

#[derive(Debug, Default)]
struct Out {
    format: String,
    /// For the log at the first picture, instead of format and size.
    words: Option<String>,
    size: Option<(u32, u32)>,
    /// The pictures are coded as video.
    is_coded: bool,
    is_closed: bool,
}

impl Publisher {
    /// A publisher for a source that is about to be opened.
    pub fn new(camera: &Arc<Camera>, clock: &Clock, picture: &Picture) -> Arc<Self> {
        Arc::new(Self {
            camera: camera.clone(),
            clock: clock.clone(),
            quality: AtomicU8::new(picture.quality),
            rate_limit: Mutex::new(RateLimit::new(picture.fps.map(f64::from))),
            silence: Mutex::default(),
            out: Mutex::default(),
        })
    }

    fn out(&self) -> MutexGuard<'_, Out> {
        self.out.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn silence(&self) -> MutexGuard<'_, Silence> {
        self.silence.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The camera whose pictures these are.
    pub fn camera(&self) -> &Arc<Camera> {
        &self.camera
    }

    /// An empty buffer for the next picture.
    pub fn buffer(&self) -> FrameBuffer {
        self.camera.jpeg.pool().take()
    }

    /// The current JPEG quality, 1 to 100.
    pub fn quality(&self) -> u8 {
        self.quality.load(Ordering::Relaxed)
    }

    /// Changes quality and rate while the source is open.
    pub fn change(&self, picture: &Picture) {
        self.quality.store(picture.quality, Ordering::Relaxed);
        self.rate_limit.lock().unwrap_or_else(PoisonError::into_inner).set(picture.fps.map(f64::from));
    }

    /// The current rate limit in pictures per second; `None` for the camera's own rate.
    pub fn fps(&self) -> Option<f64> {
        self.rate_limit.lock().unwrap_or_else(PoisonError::into_inner).fps()
    }

    /// Whether the rate limit admits a picture at this moment.
    pub fn admits(&self, at: Monotonic) -> bool {
        self.rate_limit.lock().unwrap_or_else(PoisonError::into_inner).admits(at)
    }

    /// Sets the camera's format: a four-character code or a codec's name.
    pub fn set_format(&self, format: &str) {
        let mut out = self.out();
        if out.format != format {
            (out.format, out.size, out.is_coded) = (format.to_owned(), None, false);
        }
    }

    /// The same for coded video.
    pub fn set_coded_format(&self, codec: &str) {
        self.set_format(codec);
        self.out().is_coded = true;
    }

    /// Records what was negotiated, and the words for the log, before the first picture.
    pub fn opened(&self, format: &str, width: u32, height: u32, words: String) {
        let mut out = self.out();
        (out.format, out.words, out.size) = (format.to_owned(), Some(words), Some((width, height)));
        self.camera.set_opened(Opened { width, height, format: format.to_owned() });
        self.camera.coded.set_other(format);
    }

    /// Counts a coded picture that arrived and goes on as it is; with its size, where that is news.
    pub fn passed_on(&self, arrived: Monotonic, size: Option<(u32, u32)>) {
        let mut out = self.out();
        if out.is_closed {
            return;
        }
        self.silence().end(self.clock.now());
        if let Some((width, height)) = size {
            out.size = size;
            self.camera.set_opened(Opened { width, height, format: out.format.clone() });
        }
        if self.camera.count_coded(arrived) {
            self.say_live(&out);
        }
    }

    /// Publishes a JPEG that needs no check.
    pub fn publish(&self, jpeg: FrameBuffer, captured: Monotonic, width: u32, height: u32) {
        let mut out = self.out();
        if out.is_closed {
            return;
        }
        self.silence().end(self.clock.now());
        if out.size != Some((width, height)) {
            out.size = Some((width, height));
            self.camera.set_opened(Opened { width, height, format: out.format.clone() });
            if !out.is_coded {
                self.camera.coded.set_other(&out.format);
            }
        }
        let frame = Frame::new(jpeg, &self.clock, captured, width, height, Kind::Picture);
        if self.camera.publish(frame, &self.clock) {
            self.say_live(&out);
        }
    }

    fn say_live(&self, out: &Out) {
        let size = out.size.map_or(String::new(), |(width, height)| format!(" {width}x{height}"));
        let words = out.words.clone().unwrap_or_else(|| format!("{}{size}", out.format));
        log::log!(self.camera.log_level(), "camera {}: live, {words}", self.camera.name());
    }

    /// Checks and repairs a camera's JPEG and publishes it, or counts it as damaged.
    pub fn check(&self, jpeg: &[u8], captured: Monotonic) {
        let mut mended = self.buffer();
        match mjpeg::mend(jpeg, &mut mended) {
            Ok(info) => self.publish(mended, captured, info.width, info.height),
            Err(damaged) => self.damaged(damaged.to_string()),
        }
    }

    /// Like [`check`](Self::check), for a JPEG that becomes the frame itself if it needs no repair.
    pub fn check_owned(&self, jpeg: FrameBuffer, captured: Monotonic) {
        match mjpeg::mend_owned(jpeg, || self.buffer()) {
            Ok((info, jpeg)) => self.publish(jpeg, captured, info.width, info.height),
            Err((damaged, jpeg)) => {
                if let Some(other) = multipart::of_content(&jpeg) {
                    self.other(other.to_owned());
                }
                self.damaged(damaged.to_string());
            }
        }
    }

    /// Counts a picture that arrived damaged.
    pub fn damaged(&self, damage: String) {
        log::debug!("camera {}: picture: {damage}", self.camera.name());
        self.camera.count_bad();
        self.silence().damaged(damage);
    }

    /// Counts pictures that were skipped before they could be published.
    pub fn dropped(&self, pictures: u64) {
        self.camera.count_dropped(pictures);
    }

    /// Notes that the camera sends something other than pictures.
    pub fn other(&self, offered: String) {
        self.silence().other(offered);
    }

    /// Notes that something was skipped because it exceeds its ceiling, in bytes.
    pub fn too_long(&self, what: &'static str, max_bytes: usize) {
        self.silence().too_long(what, max_bytes);
    }

    /// Notes since when the stream has been waiting for a key picture.
    pub fn await_key(&self, since: Option<Monotonic>) {
        self.silence().await_key(since);
        self.camera.set_key_wait(since);
    }

    /// Starts the wait for a good picture, or restarts it: the source is open.
    pub fn expect(&self) {
        self.silence().end(self.clock.now());
    }

    /// What came instead of a good picture since the last one.
    pub fn quiet_so_far(&self) -> Quiet {
        self.silence().quiet(self.clock.now())
    }

    /// Returns once there has been no good picture for `patience`, with what came instead. The time starts
    /// with [`expect`](Self::expect).
    pub async fn quiet(&self, patience: Duration) -> Quiet {
        loop {
            let (since, now) = (self.silence().since(), self.clock.now());
            match since {
                Some(since) if now.since(since) >= patience => return self.silence().quiet(now),
                Some(since) => self.clock.sleep_until(since + patience).await,
                // Opening a device may take longer than the silence allowed.
                None => self.clock.sleep(limits::STANDSTILL_LOOK).await,
            }
        }
    }

    /// Ends the publisher: after this returns, nothing is published.
    pub fn close(&self) {
        self.out().is_closed = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::silence::What;
    use crate::source::test_camera::TestCamera;
    use futures_lite::future::poll_once;

    const PATIENCE: Duration = Duration::from_secs(5);

    #[test]
    fn silence_starts_when_the_source_is_open() {
        let TestCamera { publisher, hand, .. } = TestCamera::default();
        smol::block_on(async {
            let mut quiet = Box::pin(publisher.quiet(PATIENCE));
            for _ in 0..60 {
                assert_eq!(poll_once(&mut quiet).await, None, "it is being opened");
                hand.advance(Duration::from_secs(1));
            }
            publisher.expect();
            for _ in 0..5 {
                assert_eq!(poll_once(&mut quiet).await, None, "it may be silent for a while");
                hand.advance(Duration::from_secs(1));
            }
            assert_eq!(quiet.await, Quiet { time: PATIENCE, instead: What::Nothing });
        });
    }

    #[test]
    fn nothing_is_published_after_close_and_changes_reach_the_open_source() {
        let to = TestCamera::default();
        let picture = |width| to.publisher.publish(to.publisher.buffer(), to.clock.now(), width, 2);
        to.publisher.set_format("MJPG");
        picture(4);
        picture(8);
        let opened = to.report_now().opened.unwrap();
        assert_eq!((opened.width, opened.height, opened.format.as_str()), (8, 2, "MJPG"));
        to.publisher.change(&Picture { quality: 12, fps: Some(3), ..Picture::default() });
        assert_eq!((to.publisher.quality(), to.publisher.fps()), (12, Some(3.0)));
        to.publisher.close();
        picture(4);
        assert_eq!(to.frames(), 2);
    }
}
