//! Protocol violations of a network camera, and redirects that no client should follow.

use std::fmt;

/// How a camera violates the protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProtocolFault {
    /// It redirects too often.
    TooManyRedirects {
        /// The ceiling.
        max: u32,
    },
    /// It redirects without a target, or to a URL that is not a camera's.
    RedirectToNowhere,
    /// It redirects from an encrypted connection to an unencrypted one.
    RedirectUnencrypted,
    /// It redirects to an address that is out of its reach.
    RedirectOutOfReach {
        /// HOST:PORT.
        address: String,
        /// The kind of address.
        place: &'static str,
    },
    /// Its answer is compressed without a request to do so (RFC 9110 section 12.5.3).
    Compressed {
        /// The content coding.
        coding: String,
    },
    /// It sends only interim answers (1xx).
    NeverAnswers,
    /// It demands another request again and again.
    NeverPictures,
    /// Its answer cannot be parsed.
    Malformed {
        /// The defect.
        problem: String,
    },
    /// Its control attribute gives no valid URL (RFC 2326 appendix C.1.1).
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

/// Why encryption could not be negotiated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TlsFault {
    /// The TLS library failed.
    Library {
        /// Its message.
        problem: String,
    },
    /// The camera changes its certificate with each connection.
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
