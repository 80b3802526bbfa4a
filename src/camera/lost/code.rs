//! Stable codes for the reasons why a camera gives no picture: for programs. The sentences are for people and
//! may change.

use super::{Awaited, FileLost, Lost, NetworkLost};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// Why a camera gives no picture, as one word: `reason_code` in JSON, the label `reason` in metrics.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Code {
            $($(#[$doc])* $name,)*
        }

        impl Code {
            /// All codes.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The word.
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }
        }
    };
}

codes! {
    /// There is no camera at all.
    NoCamera = "no_camera",
    /// Nothing has been at the configured path since the start.
    Absent = "absent",
    /// The device is gone.
    Unplugged = "unplugged",
    /// The camera is no longer in the configuration.
    Removed = "removed",
    /// Another camera is bound to the device.
    SameDevice = "same_device",
    /// Another program has it.
    Busy = "busy",
    /// The service has no permission to open it.
    Permission = "permission",
    /// The USB bus has no bandwidth left.
    Bandwidth = "bandwidth",
    /// Connected, but no data come.
    Silent = "silent",
    /// It was live, but publishes no more pictures.
    Standstill = "standstill",
    /// Only damaged pictures come.
    Damaged = "damaged",
    /// Data come, but no picture.
    NoPicture = "no_picture",
    /// It waits for a key picture.
    AwaitingKey = "awaiting_key",
    /// It cannot give pictures, or only in formats that cannot be shown.
    Unsupported = "unsupported",
    /// Its pictures cannot be turned or cropped as configured.
    Orientation = "orientation",
    /// It exceeds the memory budget, or sends more than is read.
    TooLarge = "too_large",
    /// The decoder failed.
    Decoder = "decoder",
    /// The driver refused a request or gave an invalid answer.
    Driver = "driver",
    /// The name of its host has no address.
    HostNotFound = "host_not_found",
    /// Connections to its address are refused.
    Refused = "refused",
    /// No route to its address.
    Unreachable = "unreachable",
    /// Connecting, or resolving its name, took too long.
    Timeout = "timeout",
    /// It is connected, but did not answer a request in time.
    NoAnswer = "no_answer",
    /// It closed the connection.
    Closed = "closed",
    /// It ended the stream.
    Ended = "ended",
    /// User name and password are missing or wrong, or requested by an unknown scheme.
    Unauthorized = "unauthorized",
    /// The user may not see this.
    Forbidden = "forbidden",
    /// The stream or file does not exist.
    NotFound = "not_found",
    /// It answered with an error status.
    Status = "status",
    /// It has no room for another viewer.
    Overloaded = "overloaded",
    /// It offers no usable transport, or no datagram arrives.
    Transport = "transport",
    /// It redirects to another machine, which asks for a password.
    Redirected = "redirected",
    /// Its certificate is not trusted, or not the pinned one.
    Certificate = "certificate",
    /// Encryption could not be negotiated.
    Tls = "tls",
    /// It violates the protocol.
    Protocol = "protocol",
    /// The file cannot be read.
    Unreadable = "unreadable",
    /// This machine ran out of memory, descriptors or threads.
    Local = "local",
    /// A fault of Pinhole itself.
    Internal = "internal",
}

impl Lost {
    /// The stable code for this reason.
    pub const fn code(&self) -> Code {
        match self {
            Self::NoCamera => Code::NoCamera,
            Self::Absent(_) => Code::Absent,
            Self::Removed => Code::Removed,
            Self::Unplugged => Code::Unplugged,
            Self::SameDevice(_) => Code::SameDevice,
            Self::Busy => Code::Busy,
            Self::Forbidden => Code::Permission,
            Self::NoBandwidth => Code::Bandwidth,
            Self::Silent { .. } => Code::Silent,
            Self::StandsStill { .. } => Code::Standstill,
            Self::Damaged { .. } => Code::Damaged,
            Self::Unsupported(_) => Code::Unsupported,
            Self::Orientation(_) => Code::Orientation,
            Self::TooLarge(_) => Code::TooLarge,
            Self::Decoder(_) => Code::Decoder,
            Self::Driver(_) => Code::Driver,
            Self::Local(_) => Code::Local,
            Self::Internal { .. } => Code::Internal,
            Self::Network(lost) => lost.code(),
            Self::File(lost) => lost.code(),
        }
    }
}

impl NetworkLost {
    const fn code(&self) -> Code {
        match self {
            Self::HostNotFound { .. } => Code::HostNotFound,
            Self::Refused { .. } => Code::Refused,
            Self::Unreachable { .. } => Code::Unreachable,
            Self::TimedOut { awaited: Awaited::AnswerTo(_), .. } => Code::NoAnswer,
            Self::TimedOut { .. } => Code::Timeout,
            Self::Closed { .. } => Code::Closed,
            Self::Silent { .. } => Code::Silent,
            Self::Ended => Code::Ended,
            Self::WrongCredentials | Self::NoCredentials | Self::UnknownAuthentication { .. } => {
                Code::Unauthorized
            }
            Self::Forbidden => Code::Forbidden,
            Self::NoSuchStream => Code::NotFound,
            Self::Status { .. } => Code::Status,
            Self::Overloaded { .. } => Code::Overloaded,
            Self::NotMjpeg { .. } | Self::NotPictures { .. } | Self::NoVideo { .. } => Code::Unsupported,
            Self::Damaged { .. } => Code::Damaged,
            Self::TooLarge { .. } => Code::TooLarge,
            Self::NoTransport | Self::NoDatagrams { .. } => Code::Transport,
            Self::NoPicture { .. } => Code::NoPicture,
            Self::Redirected { .. } => Code::Redirected,
            Self::UntrustedCertificate { .. }
            | Self::OtherCertificate { .. }
            | Self::UnusableCertificate { .. } => Code::Certificate,
            Self::Tls(_) => Code::Tls,
            Self::Protocol(_) => Code::Protocol,
            Self::Local(_) => Code::Local,
        }
    }
}

impl FileLost {
    const fn code(&self) -> Code {
        match self {
            Self::Missing { .. } => Code::NotFound,
            Self::Unreadable { .. } => Code::Unreadable,
            Self::NoVideo { .. } => Code::Unsupported,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn each_code_is_unique_and_documented() {
        let words: HashSet<_> = Code::ALL.iter().map(|code| code.word()).collect();
        assert_eq!(words.len(), Code::ALL.len());
        let page = include_str!("../../../docs/health.md");
        for word in words {
            assert!(page.contains(&format!("| `{word}` |")), "docs/health.md does not describe {word}");
        }
    }
}
