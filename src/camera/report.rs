//! A camera as health, page, card and log see it.

use std::time::Duration;

use super::lost::{Code, Lost};
use super::meter::Latency;

/// What a camera is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Closed, because nobody watches; reachable as far as is known.
    Idle,
    /// Being opened.
    Starting,
    /// Pictures come.
    Live,
    /// No pictures come, and why.
    Lost(Lost),
}

impl State {
    /// The word that health and page use.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Starting => "starting",
            Self::Live => "live",
            Self::Lost(_) => "lost",
        }
    }
}

/// What a source negotiated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// The format's four-character code or codec name.
    pub format: String,
}

/// A camera as health shows it.
#[derive(Debug, Clone)]
pub struct Report {
    /// What it is doing.
    pub state: State,
    /// What was negotiated, since the camera was last opened.
    pub opened: Option<Opened>,
    /// Pictures published.
    pub frames: u64,
    /// Pictures that arrived damaged and were not published.
    pub bad: u64,
    /// Pictures that the driver or a busy encoder skipped.
    pub dropped: u64,
    /// Times that the camera came back after it had been lost.
    pub reconnects: u64,
    /// Measured pictures per second; `None` while it is not live.
    pub fps: Option<f64>,
    /// Age of the newest picture.
    pub last_frame_age: Option<Duration>,
    /// Connections that watch.
    pub viewers: usize,
    /// From capture until a viewer's socket had taken the last byte.
    pub latency: Option<Latency>,
    /// How long a key picture has been waited for, where that is worth a word.
    pub key_wait: Option<Duration>,
}

impl Report {
    /// Why there is no picture, as a stable word.
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
