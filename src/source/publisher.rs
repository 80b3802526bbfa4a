//! The end of every source: the one place where pictures become frames of their camera.
//!
//! A publisher serves one run of a source, from open to close, and may be used from any thread. It limits the
//! rate, turns and crops JPEGs as configured, records what was negotiated, logs the first picture, counts damaged
//! and dropped pictures, and knows how long there has been no good picture, and why. It publishes on the calling
//! thread; pictures that arrive on the executor go through a relay (`relay`).

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use event_listener::{Event, listener};

use super::silence::{Quiet, Silence};
use crate::camera::lost::Lost;
use crate::camera::{Camera, Opened};
use crate::clock::{Clock, Monotonic};
use crate::config::Picture;
use crate::encode::Encoded;
use crate::encode::alter::AlterError;
use crate::encode::transform::transform_jpeg;
use crate::frame::{Frame, FrameBuffer, Kind};
use crate::mjpeg::JpegInfo;
use crate::picture::orientation::Orientation;
use crate::rate_limit::RateLimit;
use crate::{limits, mjpeg, multipart};

/// Pictures in a row that do not fit the configured orientation until the camera is lost for it. The first alone
/// may be one whose head came damaged, or one of a folder of many sizes.
const UNFIT_MAX: u32 = 3;

/// Publishes the pictures of one run of a source.
#[derive(Debug)]
pub struct Publisher {
    camera: Arc<Camera>,
    clock: Clock,
    quality: AtomicU8,
    orientation: Mutex<Orientation>,
    rate_limit: Mutex<RateLimit>,
    silence: Mutex<Silence>,
    /// Held while a picture is published, so that none follows a [`close`](Self::close).
    out: Mutex<Out>,
    /// There is a refusal.
    refused: Event,
}

#[derive(Debug, Default)]
struct Out {
    format: String,
    /// For the log at the first picture, instead of format and size.
    words: Option<String>,
    size: Option<(u32, u32)>,
    /// The pictures are coded as video.
    is_coded: bool,
    /// Pictures in a row that do not fit the orientation.
    unfit: u32,
    /// Why no picture can be shown as configured.
    refusal: Option<Lost>,
    is_closed: bool,
}

impl Publisher {
    /// A publisher for a source that is about to be opened.
    pub fn new(camera: &Arc<Camera>, clock: &Clock, picture: &Picture) -> Arc<Self> {
        camera.coded.expect_anything();
        Arc::new(Self {
            camera: camera.clone(),
            clock: clock.clone(),
            quality: AtomicU8::new(picture.quality),
            orientation: Mutex::new(picture.orientation),
            rate_limit: Mutex::new(RateLimit::new(picture.fps.map(f64::from))),
            silence: Mutex::default(),
            out: Mutex::default(),
            refused: Event::new(),
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

    /// How pictures are to be turned and cropped at this moment. What a source encodes, it encodes so; JPEGs that
    /// are checked here are turned here.
    pub fn orientation(&self) -> Orientation {
        *self.orientation.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes quality, orientation and rate while the source is open.
    pub fn change(&self, picture: &Picture) {
        self.quality.store(picture.quality, Ordering::Relaxed);
        *self.orientation.lock().unwrap_or_else(PoisonError::into_inner) = picture.orientation;
        let mut out = self.out();
        (out.unfit, out.refusal) = (0, None);
        drop(out);
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

    /// Records what was negotiated, and the words for the log, before the first picture. Its size is what is left
    /// of the camera's by then, to the pixel; the first picture may correct that.
    pub fn opened(&self, format: &str, width: u32, height: u32, words: String) {
        let shown = self.orientation().size_of((width as usize, height as usize));
        let (width, height) = shown.map_or((width, height), |(width, height)| (width as u32, height as u32));
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
        out.unfit = 0;
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
        let words = match &out.words {
            None => format!("{}{size}", out.format),
            Some(words) if self.orientation() == Orientation::NONE => words.clone(),
            Some(words) => format!("{words}, shown as{size}"),
        };
        log::log!(self.camera.log_level(), "camera {}: live, {words}", self.camera.name());
    }

    /// Publishes what an encoder made of a picture.
    pub fn publish_encoded(&self, (jpeg, (width, height)): Encoded, captured: Monotonic) {
        self.publish(jpeg, captured, width as u32, height as u32);
    }

    /// Checks and repairs a camera's JPEG and publishes it, or counts it as damaged.
    pub fn check(&self, jpeg: &[u8], captured: Monotonic) {
        let mut mended = self.buffer();
        match mjpeg::mend(jpeg, &mut mended) {
            Ok(info) => self.publish_oriented(mended, captured, info),
            Err(damaged) => self.damaged(damaged.to_string()),
        }
    }

    /// Like [`check`](Self::check), for a JPEG that becomes the frame itself if it needs no repair.
    pub fn check_owned(&self, jpeg: FrameBuffer, captured: Monotonic) {
        match mjpeg::mend_owned(jpeg, || self.buffer()) {
            Ok((info, jpeg)) => self.publish_oriented(jpeg, captured, info),
            Err((damaged, jpeg)) => {
                if let Some(other) = multipart::of_content(&jpeg) {
                    self.other(other.to_owned());
                }
                self.damaged(damaged.to_string());
            }
        }
    }

    /// Publishes a whole JPEG, turned and cropped if so configured, and else as it is.
    fn publish_oriented(&self, jpeg: FrameBuffer, captured: Monotonic, info: JpegInfo) {
        let orientation = self.orientation();
        if orientation == Orientation::NONE {
            return self.publish(jpeg, captured, info.width, info.height);
        }
        let mut turned = self.buffer();
        match transform_jpeg(&jpeg, &orientation, &mut turned) {
            Ok(size) => self.publish_encoded((turned, size), captured),
            Err(error) => self.not_altered(&error),
        }
    }

    /// Checks and repairs a camera's JPEG and turns and crops it as configured, without publishing it; returns width
    /// and height.
    ///
    /// # Errors
    /// Where it is damaged, or does not fit what is configured.
    pub fn turn(&self, jpeg: &[u8], out: &mut FrameBuffer) -> Result<(usize, usize), AlterError> {
        let mut mended = self.buffer();
        mjpeg::mend(jpeg, &mut mended).map_err(|damaged| AlterError::Damaged(damaged.to_string()))?;
        transform_jpeg(&mended, &self.orientation(), out)
    }

    /// Counts a picture that could not be encoded, turned or cropped.
    pub fn not_altered(&self, error: &AlterError) {
        if error.concerns_setting() { self.unfit(error) } else { self.damaged(error.to_string()) }
    }

    /// Skips a picture that does not fit the configured orientation, and gives up after some.
    pub fn unfit(&self, error: &AlterError) {
        log::debug!("camera {}: picture: {error}", self.camera.name());
        self.camera.count_dropped(1);
        self.silence().damaged(error.to_string());
        let mut out = self.out();
        out.unfit += 1;
        if out.unfit >= UNFIT_MAX {
            out.refusal = Some(Lost::Orientation(error.to_string()));
            drop(out);
            self.refused.notify(usize::MAX);
        }
    }

    /// Why no picture can be shown as configured, unless that has changed since.
    pub fn refusal(&self) -> Option<Lost> {
        self.out().refusal.clone()
    }

    /// Returns once pictures do not fit the configured orientation, with the reason.
    pub async fn refused(&self) -> Lost {
        loop {
            listener!(self.refused => refused);
            if let Some(lost) = self.refusal() {
                return lost;
            }
            refused.await;
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
mod tests;
