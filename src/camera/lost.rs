//! Why a camera gives no picture, in words for its operator.

mod code;
mod driver;
mod file;
mod local;
mod network;
mod protocol;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::config::shown;

use crate::limits;
pub use code::Code;
pub use driver::DriverLost;
pub use file::FileLost;
pub use local::{LocalLost, SystemError, Task};
pub use network::{Awaited, NetworkLost};
pub use protocol::{ProtocolFault, TlsFault};

/// Why a camera gives no picture. `Display` writes the sentence for card, page, health and log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lost {
    /// There is no camera at all (source `auto`).
    NoCamera,
    /// The configured device has not appeared since the start.
    Absent(PathBuf),
    /// The camera is no longer in the configuration.
    Removed,
    /// The device was unplugged.
    Unplugged,
    /// Another configured camera, of this name, is the same device.
    SameDevice(String),
    /// Another program has the device (EBUSY).
    Busy,
    /// No permission to open the device (EACCES, EPERM).
    Forbidden,
    /// The USB bus has no bandwidth left (ENOSPC at the start of the stream).
    NoBandwidth,
    /// It is open, but no picture came for so many seconds.
    Silent {
        /// The time without a picture.
        seconds: u64,
    },
    /// It was live, but publishes no more pictures.
    StandsStill {
        /// The time without a picture.
        seconds: u64,
        /// Damaged pictures in that time.
        damaged: u64,
    },
    /// It is open, but every picture was damaged.
    Damaged {
        /// Damaged pictures.
        pictures: u64,
        /// The time in which they came.
        seconds: u64,
        /// The defect of the last one.
        last: String,
    },
    /// It cannot capture pictures, or only in formats that cannot be served.
    Unsupported(String),
    /// Its pictures cannot be turned or cropped as configured.
    Orientation(String),
    /// Decoding its pictures would exceed the memory budget.
    TooLarge(String),
    /// The decoder failed.
    Decoder(String),
    /// The driver refused a request or gave an invalid answer.
    Driver(DriverLost),
    /// This machine lacked something.
    Local(LocalLost),
    /// A thread of the camera panicked: a fault of Pinhole.
    Internal {
        /// The panic's message.
        message: String,
    },
    /// A reason of network cameras.
    Network(NetworkLost),
    /// A reason of files.
    File(FileLost),
}

impl Lost {
    /// Whether its device is absent: nothing to try until one is plugged in.
    pub fn is_absent(&self) -> bool {
        matches!(
            self,
            Self::NoCamera | Self::Absent(_) | Self::Removed | Self::Unplugged | Self::SameDevice(_)
        )
    }

    /// Whether retrying soon does harm.
    pub fn wants_patience(&self) -> bool {
        matches!(self, Self::Network(lost) if lost.locks_accounts())
    }

    /// Whether its pictures come, and only decoding them failed.
    pub fn is_of_decoding(&self) -> bool {
        matches!(self, Self::TooLarge(_) | Self::Unsupported(_) | Self::Decoder(_) | Self::Damaged { .. })
    }

    /// How long to leave it alone, where known.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            // Memory may become free, or the camera's size another one; a try costs a connection. A changed
            // orientation is tried at once.
            Self::TooLarge(_) | Self::Orientation(_) => Some(limits::RETRY_TOO_LARGE),
            Self::Network(NetworkLost::Overloaded { retry_after_seconds, .. }) => {
                retry_after_seconds.map(Duration::from_secs)
            }
            _ => None,
        }
    }

    /// Whether both are the same reason, whatever the figures.
    pub fn is_like(&self, other: &Self) -> bool {
        use std::mem::discriminant;
        match (self, other) {
            (Self::Network(one), Self::Network(other)) => discriminant(one) == discriminant(other),
            (Self::File(one), Self::File(other)) => discriminant(one) == discriminant(other),
            _ => discriminant(self) == discriminant(other),
        }
    }
}

impl From<DriverLost> for Lost {
    fn from(lost: DriverLost) -> Self {
        Self::Driver(lost)
    }
}

impl From<LocalLost> for Lost {
    fn from(lost: LocalLost) -> Self {
        Self::Local(lost)
    }
}

impl From<NetworkLost> for Lost {
    fn from(lost: NetworkLost) -> Self {
        Self::Network(lost)
    }
}

impl From<FileLost> for Lost {
    fn from(lost: FileLost) -> Self {
        Self::File(lost)
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCamera => f.write_str("no camera found; plug in a USB camera"),
            Self::Absent(path) => {
                write!(f, "no device at {}; plug the camera in, or correct the source", shown::device(path))
            }
            Self::Removed => f.write_str("this camera was removed from the configuration"),
            Self::Unplugged => f.write_str("camera unplugged, waiting for it to come back"),
            Self::SameDevice(name) => write!(
                f,
                "the same device as camera {name}; remove one of the two from the configuration"
            ),
            Self::Busy => f.write_str("camera busy: another program is using it; close that program"),
            Self::Forbidden => f.write_str(
                "no permission to open the camera; add the user that runs Pinhole to the group \"video\"",
            ),
            Self::NoBandwidth => f.write_str(
                "no USB bandwidth left for this camera; choose a smaller size or a lower rate, or plug it into another USB port",
            ),
            Self::Silent { seconds } => write!(
                f,
                "camera connected but silent for {seconds} s; if that goes on, unplug it and plug it in again"
            ),
            Self::StandsStill { seconds, damaged } => {
                write!(f, "no new picture for {seconds} s, though the camera is connected; waiting for the next")?;
                if *damaged > 0 { write!(f, " ({damaged} came damaged)") } else { Ok(()) }
            }
            Self::Damaged { pictures, seconds, last } => write!(
                f,
                "camera sends only damaged pictures ({pictures} in {seconds} s, last: {last}); try another cable or port"
            ),
            Self::TooLarge(what) => write!(f, "too large for this machine: {what}"),
            Self::Orientation(what) => write!(f, "cannot turn or crop its pictures as configured: {what}"),
            Self::Unsupported(what) => write!(f, "not usable as a camera: {what}"),
            Self::Decoder(what) => write!(f, "cannot decode the camera's video: {what}"),
            Self::Driver(lost) => write!(f, "camera driver: {lost}"),
            Self::Local(lost) => lost.fmt(f),
            Self::Internal { message } => {
                write!(f, "a fault in Pinhole ({message}); please report it, with the log around it")
            }
            Self::Network(lost) => lost.fmt(f),
            Self::File(lost) => lost.fmt(f),
        }
    }
}
