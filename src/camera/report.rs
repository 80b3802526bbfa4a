//! A camera, as shown in health, page, card and log.

use std::time::Duration;

use super::lost::{Code, Lost};
use super::meter::Latency;

/// The state of a camera.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Closed for lack of viewers; reachable as far as is known.
    Idle,
    /// Being opened.
    Starting,
    /// Pictures come.
    Live,
    /// No pictures come; with the reason.
    Lost(Lost),
}

impl State {
    /// The word for it in health and page.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Starting => "starting",
            Self::Live => "live",
            Self::Lost(_) => "lost",
        }
    }
}

/// The format and size that a source negotiated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// The format's four-character code or codec name.
    pub format: String,
}

/// A report of a camera for health.
#[derive(Debug, Clone)]
pub struct Report {
    /// The state.
    pub state: State,
    /// The format negotiated when the camera was last opened.
    pub opened: Option<Opened>,
    /// Pictures published.
    pub frames: u64,
    /// Pictures that arrived damaged and were not published.
    pub bad: u64,
    /// Pictures that the driver or a busy encoder skipped.
    pub dropped: u64,
    /// How often the camera came back after it was lost.
    pub reconnects: u64,
    /// Measured pictures per second; `None` while it is not live.
    pub fps: Option<f64>,
    /// Age of the newest picture.
    pub last_frame_age: Option<Duration>,
    /// Viewers.
    pub viewers: usize,
    /// From capture until a viewer's socket has accepted the last byte.
    pub latency: Option<Latency>,
    /// How long a key picture has been awaited, if long enough to mention.
    pub key_wait: Option<Duration>,
}

impl Report {
    /// Why there is no picture, as a stable code.
    pub fn reason_code(&self) -> Option<Code> {
        match (&self.state, self.key_wait) {
            (State::Starting | State::Lost(_), Some(_)) => Some(Code::AwaitingKey),
            (State::Lost(lost), None) => Some(lost.code()),
            _ => None,
        }
    }

    /// Why there is no picture, in words.
    pub fn reason(&self) -> Option<String> {
        match (&self.state, self.key_wait) {
            (State::Starting | State::Lost(_), Some(wait)) => {
                let seconds = wait.as_secs();
                Some(format!(
                    "camera is connected; waiting for a key picture for {seconds} s, without which no other can be shown"
                ))
            }
            (State::Lost(lost), None) => Some(lost.to_string()),
            _ => None,
        }
    }
}
