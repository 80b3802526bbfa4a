//! Stable words for the reasons why a camera gives no picture: for programs, where the sentences are for
//! people and may change.

use super::{Awaited, FileLost, Lost, NetworkLost};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// Why a camera gives no picture, as one word: `reason_code` in JSON, the label `reason` in metrics.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Code {
            $($(#[$doc])* $name,)*
        }

        impl Code {
            /// All of them.
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
    /// The configuration does not name the camera any more.
    Removed = "removed",
    /// Another camera has the device.
    SameDevice = "same_device",
    /// Another program has it.
    Busy = "busy",
    /// The service may not open it.
    Permission = "permission",
    /// The USB bus has no bandwidth left.
    Bandwidth = "bandwidth",
    /// Connected, but nothing comes.
    Silent = "silent",
    /// It was live, and publishes no more pictures.
    Standstill = "standstill",
    /// Only damaged pictures come.
    Damaged = "damaged",
    /// Data come, but no picture out of them.
    NoPicture = "no_picture",
    /// A key picture is waited for.
    AwaitingKey = "awaiting_key",
    /// Not something that pictures can be had from, or in no format that can be shown.
    Unsupported = "unsupported",
    /// It takes more memory than there is for it, or sends more than is read.
    TooLarge = "too_large",
    /// The decoder failed.
    Decoder = "decoder",
    /// The driver refused a request or answered nonsense.
    Driver = "driver",
    /// The name of its host has no address.
    HostNotFound = "host_not_found",
    /// Nobody listens at its address.
    Refused = "refused",
    /// No way leads to its address.
    Unreachable = "unreachable",
    /// No connection to it, or no address of its name, in time.
    Timeout = "timeout",
    /// It is connected, but did not answer a request in time.
    NoAnswer = "no_answer",
    /// It closed the connection.
    Closed = "closed",
    /// It ended the stream.
    Ended = "ended",
    /// User name and password are missing, wrong, or wanted in an unknown way.
    Unauthorized = "unauthorized",
    /// The user may not see this.
    Forbidden = "forbidden",
    /// There is no such stream or file.
    NotFound = "not_found",
    /// It answered with another status than success.
    Status = "status",
    /// It has no room for one more viewer.
    Overloaded = "overloaded",
    /// It offers no usable transport, or no datagram arrives.
    Transport = "transport",
    /// It sends on to another machine, which asks for a password.
    Redirected = "redirected",
    /// Its certificate is not trusted, or not the pinned one.
    Certificate = "certificate",
    /// No encrypted connection came about.
    Tls = "tls",
    /// It does not keep to the protocol.
    Protocol = "protocol",
    /// The file cannot be read.
    Unreadable = "unreadable",
    /// This machine could not, for want of memory, descriptors or threads.
    Local = "local",
    /// A fault of Pinhole itself.
    Internal = "internal",
}

impl Lost {
    /// The stable word for this reason.
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
    fn each_word_stands_once_and_is_described() {
        let words: HashSet<_> = Code::ALL.iter().map(|code| code.word()).collect();
        assert_eq!(words.len(), Code::ALL.len());
        let page = include_str!("../../../docs/health.md");
        for word in words {
            assert!(page.contains(&format!("| `{word}` |")), "docs/health.md does not describe {word}");
        }
    }
}
