//! Why a camera's driver gives no picture.

use std::fmt;
use std::path::PathBuf;

use super::SystemError;
use crate::config::shown;

/// Why a camera's driver gives no picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DriverLost {
    /// The device cannot be opened, for a reason without a variant of its own.
    CannotOpen {
        /// The device.
        device: PathBuf,
        /// The kernel's error.
        error: SystemError,
    },
    /// A request fails.
    Refuses {
        /// The request, as in `set its format`.
        request: &'static str,
        /// The kernel's error.
        error: SystemError,
    },
    /// The camera does not answer its driver (EIO, ETIMEDOUT).
    DoesNotAnswer {
        /// The request.
        request: &'static str,
        /// The kernel's error.
        error: SystemError,
    },
    /// The driver does not return from a request.
    Hangs {
        /// How long it has been waited for.
        seconds: u64,
    },
    /// Waiting for pictures fails: poll(2) returns an error.
    CannotBeWaitedFor {
        /// The kernel's error.
        error: SystemError,
    },
    /// It sets an impossible picture size.
    WrongSize {
        /// The requested mode.
        asked: String,
        /// In pixels.
        width: u32,
        /// In pixels.
        height: u32,
    },
    /// It returns a buffer that was never queued.
    WrongBuffer {
        /// The buffer's index.
        index: u32,
        /// The number of buffers.
        count: u32,
    },
    /// An answer that the `v4l` crate does not understand.
    UnexpectedAnswer {
        /// The `v4l` crate's message.
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
