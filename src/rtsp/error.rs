//! Why a session ended.

use std::fmt;
use std::time::Duration;

use super::Transport;

/// Why a session ended. The type decides what to do: [`Refused`] is retried slowly or not at all (cameras
/// lock accounts), [`Failed`] with ordinary back-off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The camera denies access.
    Refused(Refused),
    /// A failure that may be gone next time.
    Failed(Failed),
}

/// The camera denies access.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// It requires credentials, and none are configured.
    NoCredentials {
        /// Its realm.
        realm: String,
    },
    /// It does not accept the user name and password.
    WrongCredentials {
        /// Its realm.
        realm: String,
    },
    /// It redirected to another host or port, which requires credentials that belong to the first.
    OtherHost {
        /// The other, as HOST:PORT.
        host: String,
    },
    /// It requires an unsupported authentication scheme.
    NoScheme {
        /// The schemes that it offers.
        offered: String,
    },
    /// 403: the account may not see this stream.
    Forbidden {
        /// The request.
        method: &'static str,
    },
}

/// A failure that may be gone next time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failed {
    /// Connecting took too long.
    ConnectTimeout(Duration),
    /// The camera closed the connection.
    Closed {
        /// The request in progress.
        during: &'static str,
    },
    /// An answer took too long.
    NoAnswer {
        /// The request.
        method: &'static str,
        /// How long it has been awaited.
        after: Duration,
    },
    /// 404: no such stream.
    NotFound {
        /// The request.
        method: &'static str,
    },
    /// An error status.
    Status {
        /// The request.
        method: &'static str,
        /// The status code.
        status: u16,
        /// The camera's reason phrase.
        reason: String,
    },
    /// The description has no video that can be shown.
    NoVideo {
        /// What it has.
        offered: String,
    },
    /// Something exceeds its ceiling.
    TooLarge {
        /// What it is.
        what: String,
        /// Its bytes, where known.
        bytes: Option<u64>,
        /// The ceiling, in bytes.
        max: usize,
    },
    /// The camera supports neither transport, or answers with another than requested.
    TransportRefused,
    /// It plays over UDP, but no datagram arrives.
    NoDatagrams(Duration),
    /// It plays, but no packet arrives.
    Silent(Duration),
    /// The camera ended the stream.
    Goodbye,
    /// 454: the camera has forgotten the session.
    SessionLost,
    /// More redirects than [`REDIRECTS_MAX`](super::limits::REDIRECTS_MAX).
    TooManyRedirects,
    /// A redirect from `rtsps://` to `rtsp://`.
    Unencrypted,
    /// A redirect without a valid target.
    BadRedirect,
    /// The camera's control attribute gives no valid URL.
    BadControl,
}

impl Error {
    /// The transport to try at once, if the one in use failed.
    pub fn other_transport(&self, used: Transport) -> Option<Transport> {
        match (self, used) {
            (Self::Failed(Failed::NoDatagrams(_)), Transport::Udp) => Some(Transport::Tcp),
            _ => None,
        }
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<Failed> for Error {
    fn from(failed: Failed) -> Self {
        Self::Failed(failed)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refused) => refused.fmt(f),
            Self::Failed(failed) => failed.fmt(f),
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCredentials { realm } => {
                write!(f, "camera {realm:?} asks for a user name and password, and the url has none")
            }
            Self::WrongCredentials { realm } => {
                write!(f, "camera {realm:?} does not accept the user name and password")
            }
            Self::OtherHost { host } => {
                write!(f, "camera redirects to {host}, which asks for credentials; use that url")
            }
            Self::NoScheme { offered } => {
                write!(f, "camera asks for authentication by {offered:?}, supported are digest and basic")
            }
            Self::Forbidden { method } => write!(f, "{method} answered 403: the account lacks the right"),
        }
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ConnectTimeout(after) => write!(f, "no connection within {} s", after.as_secs()),
            Self::Closed { during } => write!(f, "camera closed the connection during {during}"),
            Self::NoAnswer { method, after } => {
                write!(f, "no answer to {method} within {} s", after.as_secs())
            }
            // Paths may hold tokens, so no URL is repeated, neither ours nor the camera's.
            Self::NotFound { method } => write!(f, "{method} answered 404: no stream at this url"),
            Self::Status { method, status, reason } => write!(f, "{method} answered {status} {reason}"),
            Self::NoVideo { offered } => {
                write!(f, "camera offers {offered}, supported are H264, H265 and JPEG")
            }
            Self::TooLarge { what, bytes: Some(bytes), max } => {
                write!(f, "{what} is too large: {bytes} bytes, at most {max} are read")
            }
            Self::TooLarge { what, bytes: None, max } => {
                write!(f, "{what} is too large: more than {max} bytes")
            }
            Self::TransportRefused => write!(f, "camera takes rtp neither over tcp nor over udp"),
            Self::NoDatagrams(after) => write!(f, "no udp packet within {} s", after.as_secs()),
            Self::Silent(after) => write!(f, "no packet for {} s", after.as_secs()),
            Self::Goodbye => write!(f, "camera ended the stream"),
            Self::SessionLost => write!(f, "camera does not know the session any more"),
            Self::TooManyRedirects => write!(f, "camera redirects in a circle"),
            Self::Unencrypted => write!(f, "camera redirects from rtsps to rtsp, which is not encrypted"),
            Self::BadRedirect => write!(f, "camera redirects to something that is not an rtsp url"),
            Self::BadControl => write!(f, "no url can be made of the control attribute of the media"),
        }
    }
}

impl std::error::Error for Error {}
