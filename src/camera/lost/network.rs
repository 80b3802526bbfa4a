//! Why a camera on a network gives no picture.

use std::fmt;

use super::{LocalLost, ProtocolFault, TlsFault};

/// Why a camera on a network gives no picture. Holds no secrets: of URLs, only host and port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NetworkLost {
    /// The name has no address.
    HostNotFound {
        /// The name.
        host: String,
    },
    /// The connection was refused (ECONNREFUSED).
    Refused {
        /// HOST:PORT.
        address: String,
    },
    /// No route (EHOSTUNREACH, ENETUNREACH).
    Unreachable {
        /// HOST:PORT.
        address: String,
    },
    /// A connection or an answer took too long.
    TimedOut {
        /// The missing response or connection.
        awaited: Awaited,
        /// How long.
        seconds: u64,
    },
    /// The camera closed or reset the connection.
    Closed {
        /// The operation in progress, as in `PLAY`.
        during: String,
    },
    /// It plays, but no data come.
    Silent {
        /// The time without data.
        seconds: u64,
    },
    /// It ended the stream, and said so.
    Ended,
    /// 401: user name or password is wrong.
    WrongCredentials,
    /// 401: credentials are required, and none are configured.
    NoCredentials,
    /// 401: the scheme is unknown.
    UnknownAuthentication {
        /// The schemes that it offers.
        offered: String,
    },
    /// 403: the user is not allowed to see this.
    Forbidden,
    /// 404: no such stream.
    NoSuchStream,
    /// An error status.
    Status {
        /// The status code.
        status: u16,
        /// The camera's reason phrase.
        reason: String,
    },
    /// 429, 503: it has no room for another viewer at the moment.
    Overloaded {
        /// The status code.
        status: u16,
        /// How long it asks to be left alone.
        retry_after_seconds: Option<u64>,
    },
    /// The URL serves neither MJPEG nor a JPEG.
    NotMjpeg {
        /// The content type, or what it serves.
        offered: String,
    },
    /// The URL serves something other than pictures.
    NotPictures {
        /// The content type, or what it serves.
        offered: String,
        /// The time without a picture.
        seconds: u64,
    },
    /// Every picture is damaged.
    Damaged {
        /// Damaged pictures.
        pictures: u64,
        /// The time in which they came.
        seconds: u64,
        /// The defect of the last one.
        last: String,
    },
    /// No video that Pinhole can show.
    NoVideo {
        /// What it offers.
        offered: String,
    },
    /// It sends more of something than is read.
    TooLarge {
        /// What exceeds the ceiling.
        what: String,
        /// Its bytes, where known.
        bytes: Option<u64>,
        /// The ceiling, in bytes.
        max_bytes: u64,
    },
    /// It supports none of the allowed transports.
    NoTransport,
    /// It plays, but no datagram arrives.
    NoDatagrams {
        /// The time without a datagram.
        seconds: u64,
    },
    /// Data come, but no picture.
    NoPicture {
        /// The time without a picture.
        seconds: u64,
        /// The defect of the last one.
        problem: String,
    },
    /// It redirects to another machine, which asks for a password that is not meant for it.
    Redirected {
        /// The other machine.
        host: String,
    },
    /// Its certificate is not signed by an authority that this machine trusts.
    UntrustedCertificate {
        /// The defect.
        problem: String,
        /// The fingerprint to pin.
        fingerprint: String,
    },
    /// Its certificate is not the pinned one.
    OtherCertificate {
        /// The fingerprint of the certificate that it has.
        fingerprint: String,
    },
    /// Signatures by its certificate's key cannot be verified, pinned or not.
    UnusableCertificate {
        /// The defect.
        problem: String,
    },
    /// Encryption could not be negotiated.
    Tls(TlsFault),
    /// It violates the protocol.
    Protocol(ProtocolFault),
    /// This machine lacked something.
    Local(LocalLost),
}

/// A request or event that a camera did not answer in time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Awaited {
    /// The address of this name, from the resolver.
    AddressOf(String),
    /// A connection, to HOST:PORT where that is known.
    Connection(Option<String>),
    /// The answer to a request of this method.
    AnswerTo(&'static str),
}

impl fmt::Display for Awaited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddressOf(host) => write!(f, "address of {host} from the name server"),
            Self::Connection(None) => f.write_str("connection"),
            Self::Connection(Some(address)) => write!(f, "connection to {address}"),
            Self::AnswerTo(request) => write!(f, "answer to {request}"),
        }
    }
}

impl From<ProtocolFault> for NetworkLost {
    fn from(fault: ProtocolFault) -> Self {
        Self::Protocol(fault)
    }
}

impl From<LocalLost> for NetworkLost {
    fn from(lost: LocalLost) -> Self {
        Self::Local(lost)
    }
}

impl NetworkLost {
    /// Whether retrying soon does harm: cameras lock accounts after some wrong passwords.
    pub const fn locks_accounts(&self) -> bool {
        matches!(
            self,
            Self::WrongCredentials
                | Self::NoCredentials
                | Self::UnknownAuthentication { .. }
                | Self::Forbidden
        )
    }
}

impl fmt::Display for NetworkLost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HostNotFound { host } => write!(
                f,
                "cannot find {host} (no such name); check the name in the source, or use the camera's IP address"
            ),
            Self::Refused { address } => write!(
                f,
                "connection refused by {address}; check the port, and that RTSP or HTTP is enabled in the camera (it may also be starting)"
            ),
            Self::Unreachable { address } => write!(
                f,
                "cannot reach {address}; check that the camera has power and a connection, and that this machine is on its network"
            ),
            Self::TimedOut { awaited, seconds } => {
                write!(f, "no {awaited} within {seconds} s; check the camera's power and its address")
            }
            Self::Closed { during } => write!(f, "camera closed the connection ({during}); trying again"),
            Self::Silent { seconds } => {
                write!(f, "camera connected but silent for {seconds} s; trying again")
            }
            Self::Ended => f.write_str("camera ended the stream; trying again"),
            Self::WrongCredentials => f.write_str(
                "camera rejects user name or password; correct them in the source (retried rarely, because cameras lock accounts)",
            ),
            Self::NoCredentials => f.write_str(
                "camera requires user name and password; add them to the source: USER:PASSWORD@ before the host",
            ),
            Self::UnknownAuthentication { offered } if offered.is_empty() => f.write_str(
                "camera asks for a password without saying how, or not in a readable way; supported are Digest and Basic",
            ),
            Self::UnknownAuthentication { offered } => {
                write!(f, "camera offers authentication by {offered} only; Pinhole supports Digest and Basic")
            }
            Self::Forbidden => f.write_str(
                "camera forbids this stream to this user (403); allow it in the camera's user settings",
            ),
            // The path may be secret: some cameras have a token in it.
            Self::NoSuchStream => f.write_str(
                "camera has no stream at the path of the source (404); check what follows its host",
            ),
            Self::Status { status, reason } => write!(f, "camera answers {status} {reason}"),
            Self::Overloaded { status, retry_after_seconds } => {
                write!(f, "camera accepts no more viewers at the moment ({status}); ")?;
                match retry_after_seconds {
                    Some(seconds) => write!(f, "it asks for a retry in {seconds} s"),
                    None => f.write_str("trying again"),
                }
            }
            Self::NotMjpeg { offered } => write!(
                f,
                "this URL does not serve MJPEG (got {offered}); use the URL of the camera's MJPEG stream or JPEG snapshot, not of its web page"
            ),
            Self::NotPictures { offered, seconds } => write!(
                f,
                "camera sends {offered}, not pictures ({seconds} s without one); the source must be the URL of an MJPEG stream or a JPEG snapshot"
            ),
            Self::Damaged { pictures, seconds, last } => {
                write!(f, "camera sends only damaged pictures ({pictures} in {seconds} s, last: {last})")
            }
            Self::NoVideo { offered } => {
                write!(f, "camera offers {offered}; Pinhole needs H.264, H.265 or JPEG video")
            }
            Self::TooLarge { what, bytes: Some(bytes), max_bytes } => {
                write!(f, "camera sends too much: {what} has {bytes} bytes, at most {max_bytes} are read")
            }
            Self::TooLarge { what, bytes: None, max_bytes } => {
                write!(f, "camera sends too much: {what} has more than {max_bytes} bytes")
            }
            Self::NoTransport => f.write_str(
                "camera refuses to send pictures over this transport; set transport = \"auto\"",
            ),
            Self::NoDatagrams { seconds } => write!(
                f,
                "camera plays, but no UDP packets arrived within {seconds} s; allow UDP in the firewall, or set transport = \"tcp\""
            ),
            Self::NoPicture { seconds, problem } => {
                write!(f, "camera sends data, but no good picture within {seconds} s (last: {problem})")
            }
            Self::Redirected { host } => write!(
                f,
                "camera redirects to {host}, which requires a password; use that address in the source"
            ),
            Self::UntrustedCertificate { problem, fingerprint } => write!(
                f,
                "camera's certificate is not trusted ({problem}); if it is the camera's own, set tls_fingerprint = \"{fingerprint}\""
            ),
            Self::OtherCertificate { fingerprint } => write!(
                f,
                "camera's certificate is not the pinned one; if it was renewed, set tls_fingerprint = \"{fingerprint}\""
            ),
            Self::UnusableCertificate { problem } => write!(
                f,
                "certificate of the camera cannot be used: {problem}; make a new one in the camera (RSA with 2048 bits, or ECDSA on P-256), or use its unencrypted port in a network that you trust"
            ),
            Self::Tls(what) => write!(f, "cannot set up TLS with the camera: {what}"),
            Self::Protocol(what) => write!(f, "camera violates the protocol: {what}"),
            Self::Local(lost) => lost.fmt(f),
        }
    }
}
