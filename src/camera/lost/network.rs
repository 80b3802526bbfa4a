//! Why a camera on a network gives no picture.

use std::fmt;

use super::{LocalLost, ProtocolFault, TlsFault};

/// Why a camera on a network gives no picture. Nothing in it is secret: of URLs, hosts and
/// ports stand here alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NetworkLost {
    /// The name has no address.
    HostNotFound {
        /// The name.
        host: String,
    },
    /// Nobody listens there (ECONNREFUSED).
    Refused {
        /// HOST:PORT.
        address: String,
    },
    /// No way leads there (EHOSTUNREACH, ENETUNREACH).
    Unreachable {
        /// HOST:PORT.
        address: String,
    },
    /// No connection, or no answer, in time.
    TimedOut {
        /// What did not come.
        awaited: Awaited,
        /// How long it was waited for.
        seconds: u64,
    },
    /// The camera closed or reset the connection.
    Closed {
        /// What was going on, as in `PLAY`.
        during: String,
    },
    /// It plays, but no data come.
    Silent {
        /// How long none came.
        seconds: u64,
    },
    /// It ended the stream, and said so.
    Ended,
    /// 401: it does not take user and password.
    WrongCredentials,
    /// 401: it asks for user and password, and there are none.
    NoCredentials,
    /// 401: it asks in a way that Pinhole does not know.
    UnknownAuthentication {
        /// What it offers.
        offered: String,
    },
    /// 403: the user may not see this.
    Forbidden,
    /// 404: no such stream.
    NoSuchStream,
    /// Another status than success.
    Status {
        /// The status code.
        status: u16,
        /// The camera's words.
        reason: String,
    },
    /// 429, 503: it has no room for one more viewer at the moment.
    Overloaded {
        /// The status code.
        status: u16,
        /// How long it wants to be left alone.
        retry_after_seconds: Option<u64>,
    },
    /// What is at the URL is something else than MJPEG or a JPEG.
    NotMjpeg {
        /// Its content type, or what it is.
        offered: String,
    },
    /// What comes at the URL is no pictures.
    NotPictures {
        /// Its content type, or what it is.
        offered: String,
        /// How long there was no picture.
        seconds: u64,
    },
    /// Every picture is damaged.
    Damaged {
        /// How many were.
        pictures: u64,
        /// In how many seconds.
        seconds: u64,
        /// What was wrong with the last one.
        last: String,
    },
    /// No video that Pinhole can show.
    NoVideo {
        /// What there is.
        offered: String,
    },
    /// It sends more of something than is read.
    TooLarge {
        /// What it is.
        what: String,
        /// Its bytes, where they are known.
        bytes: Option<u64>,
        /// The ceiling, in bytes.
        max_bytes: u64,
    },
    /// It sends pictures neither on the connection nor as datagrams, as far as those are allowed.
    NoTransport,
    /// It plays, but no datagram arrives.
    NoDatagrams {
        /// How long none arrived.
        seconds: u64,
    },
    /// Data come, but no picture out of them.
    NoPicture {
        /// How long there was none.
        seconds: u64,
        /// What was wrong with the last one.
        problem: String,
    },
    /// It sends us on to another machine, which asks for a password that is not meant for it.
    Redirected {
        /// The other machine.
        host: String,
    },
    /// Its certificate is signed by nobody whom this machine trusts.
    UntrustedCertificate {
        /// What is wrong with it.
        problem: String,
        /// What may be pinned.
        fingerprint: String,
    },
    /// Its certificate is not the pinned one.
    OtherCertificate {
        /// That of the certificate that it has.
        fingerprint: String,
    },
    /// Nothing that its certificate's key signs can be checked, pinned or not.
    UnusableCertificate {
        /// What is wrong with it.
        problem: String,
    },
    /// No encrypted connection came about.
    Tls(TlsFault),
    /// It does not keep to the protocol.
    Protocol(ProtocolFault),
    /// This machine could not.
    Local(LocalLost),
}

/// What a camera on a network is waited for with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Awaited {
    /// An address of this name, from the name server.
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
    /// Whether trying again soon does harm: cameras lock an account after some wrong passwords.
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
            // The path may be the secret: some cameras have a token there.
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
