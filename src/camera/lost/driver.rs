//! Why a camera's driver gives no picture.

use std::fmt;
use std::path::PathBuf;

use super::SystemError;
use crate::config::shown;

/// Why a camera's driver gives no picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DriverLost {
    /// The device cannot be opened, for another reason than those with a name of their own.
    CannotOpen {
        /// The device.
        device: PathBuf,
        /// The kernel's words.
        error: SystemError,
    },
    /// A request fails.
    Refuses {
        /// What was asked for, as in `set its format`.
        request: &'static str,
        /// The kernel's words.
        error: SystemError,
    },
    /// The camera does not answer its driver (EIO, ETIMEDOUT).
    DoesNotAnswer {
        /// What was asked for.
        request: &'static str,
        /// The kernel's words.
        error: SystemError,
    },
    /// The driver does not come back from a request.
    Hangs {
        /// How long it was waited for.
        seconds: u64,
    },
    /// Nothing says when the next picture is there: poll(2) fails.
    CannotBeWaitedFor {
        /// The kernel's words.
        error: SystemError,
    },
    /// It gives pictures of a size that cannot be true.
    WrongSize {
        /// What it was asked for.
        asked: String,
        /// In pixels.
        width: u32,
        /// In pixels.
        height: u32,
    },
    /// It gives a buffer that it was never given.
    WrongBuffer {
        /// The buffer's index.
        index: u32,
        /// How many there are.
        count: u32,
    },
    /// It answers what the V4L2 binding does not understand.
    UnexpectedAnswer {
        /// The binding's words.
        message: String,
    },
}

impl fmt::Display for DriverLost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CannotOpen { device, error } => {
                write!(f, "{} cannot be opened: {error}", shown::device(device))
            }
            Self::Refuses { request, error } => write!(f, "it refuses to {request}: {error}"),
            Self::DoesNotAnswer { request, error } => write!(
                f,
                "it does not answer when asked to {request} ({error}); unplug the camera and plug it in again"
            ),
            Self::Hangs { seconds } => write!(f, "no answer for {seconds} s"),
            Self::CannotBeWaitedFor { error } => write!(f, "cannot be waited for: {error}"),
            Self::WrongSize { asked, width, height } => {
                write!(f, "asked for {asked}, it gives pictures of {width}x{height} pixels")
            }
            Self::WrongBuffer { index, count } => write!(f, "it gives buffer {index} of {count}"),
            Self::UnexpectedAnswer { message } => write!(f, "unexpected answer ({message})"),
        }
    }
}
