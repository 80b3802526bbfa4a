//! Translates the end of a session into a reason for the operator.

use crate::camera::lost::{Awaited, NetworkLost, ProtocolFault};
use crate::rtsp::limits::REDIRECTS_MAX;
use crate::rtsp::{Error, Failed, Refused};

impl From<Error> for NetworkLost {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(refused) => refused.into(),
            Error::Failed(failed) => failed.into(),
        }
    }
}

impl From<Refused> for NetworkLost {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NoCredentials { .. } => Self::NoCredentials,
            Refused::WrongCredentials { .. } => Self::WrongCredentials,
            Refused::OtherHost { host } => Self::Redirected { host },
            Refused::NoScheme { offered } => Self::UnknownAuthentication { offered },
            Refused::Forbidden { .. } => Self::Forbidden,
        }
    }
}

impl From<Failed> for NetworkLost {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::ConnectTimeout(after) => {
                Self::TimedOut { awaited: Awaited::Connection(None), seconds: after.as_secs() }
            }
            Failed::NoAnswer { method, after } => {
                Self::TimedOut { awaited: Awaited::AnswerTo(method), seconds: after.as_secs() }
            }
            Failed::Closed { during } => Self::Closed { during: format!("during {during}") },
            Failed::SessionLost => Self::Closed { during: "it forgot the session".to_owned() },
            Failed::NotFound { .. } => Self::NoSuchStream,
            Failed::Status { method, status, reason } => {
                Self::Status { status, reason: format!("{reason} to {method}") }
            }
            Failed::NoVideo { offered } => Self::NoVideo { offered },
            Failed::TransportRefused => Self::NoTransport,
            Failed::NoDatagrams(after) => Self::NoDatagrams { seconds: after.as_secs() },
            Failed::Silent(after) => Self::Silent { seconds: after.as_secs() },
            Failed::Goodbye => Self::Ended,
            Failed::TooLarge { what, bytes, max } => Self::TooLarge { what, bytes, max_bytes: max as u64 },
            Failed::TooManyRedirects => ProtocolFault::TooManyRedirects { max: REDIRECTS_MAX }.into(),
            Failed::Unencrypted => ProtocolFault::RedirectUnencrypted.into(),
            Failed::BadRedirect => ProtocolFault::RedirectToNowhere.into(),
            Failed::BadControl => ProtocolFault::BadControl.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_for_a_missing_stream_has_no_url() {
        let words = NetworkLost::from(Failed::NotFound { method: "DESCRIBE" }).to_string();
        assert!(words.contains("no stream") && words.contains("(404)"), "{words}");
    }

    #[test]
    fn wrong_passwords_are_not_retried_soon() {
        let realm = "cam".to_owned();
        assert!(NetworkLost::from(Refused::WrongCredentials { realm }).locks_accounts());
        assert!(!NetworkLost::from(Failed::Goodbye).locks_accounts());
    }
}
