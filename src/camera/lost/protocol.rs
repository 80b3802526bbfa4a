//! What a camera on a network does that its protocol does not allow, or that nobody would follow.

use std::fmt;

/// How a camera violates the protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProtocolFault {
    /// It redirects more often than is followed.
    TooManyRedirects {
        /// How often that is.
        max: u32,
    },
    /// It redirects without saying where to, or to something else than a camera's URL.
    RedirectToNowhere,
    /// It redirects from an encrypted connection to one that is not.
    RedirectUnencrypted,
    /// It redirects to an address that no other machine has a reason to name.
    RedirectOutOfReach {
        /// HOST:PORT.
        address: String,
        /// What that address is.
        place: &'static str,
    },
    /// Its answer is compressed, though nobody offered to take that (RFC 9110 section 12.5.3).
    Compressed {
        /// The content coding.
        coding: String,
    },
    /// It answers with interim answers (1xx) alone.
    NeverAnswers,
    /// It asks for one more request again and again.
    NeverPictures,
    /// What it sends cannot be read.
    Malformed {
        /// What is wrong with it.
        problem: String,
    },
    /// No URL can be made of what it says of the media (RFC 2326 appendix C.1.1).
    BadControl,
}

impl fmt::Display for ProtocolFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyRedirects { max } => write!(f, "it redirects more than {max} times"),
            Self::RedirectToNowhere => f.write_str("it redirects to nowhere"),
            Self::RedirectUnencrypted => {
                f.write_str("it redirects from an encrypted connection to one that is not encrypted")
            }
            Self::RedirectOutOfReach { address, place } => write!(
                f,
                "it redirects to {address}, {place}; Pinhole does not follow such a redirect. If that address is right, write it into the source"
            ),
            Self::Compressed { coding } => write!(f, "its answer is compressed ({coding}) unasked"),
            Self::NeverAnswers => f.write_str("it never comes to its answer"),
            Self::NeverPictures => f.write_str("it answers without end, and never with pictures"),
            Self::Malformed { problem } => f.write_str(problem),
            Self::BadControl => f.write_str("no URL can be made of the control attribute of the media"),
        }
    }
}

/// Why no encrypted connection comes about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TlsFault {
    /// The TLS library gives up.
    Library {
        /// Its words.
        problem: String,
    },
    /// The camera has another certificate with each connection.
    CertificateChanges,
    /// The camera shows the pinned certificate, but does not have its key.
    NotTheKey,
}

impl fmt::Display for TlsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Library { problem } => f.write_str(problem),
            Self::CertificateChanges => f.write_str("the camera changes its certificate"),
            Self::NotTheKey => f.write_str("it does not have the key of the pinned certificate"),
        }
    }
}
