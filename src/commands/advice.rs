//! What to try where a camera gives no picture: more than fits a card.

use crate::camera::lost::{Lost, NetworkLost};

/// Paths of the main stream in cameras of common makers, as their manuals give them.
const COMMON_PATHS: &str = "the path that the camera's manual gives; common ones are \
    /Streaming/Channels/101 (Hikvision), /cam/realmonitor?channel=1&subtype=0 (Dahua, Amcrest), \
    /h264Preview_01_main (Reolink), /stream1 (TP-Link), /axis-media/media.amp (Axis), /onvif1, /live";

/// One thing to try a line; none where the reason itself says all.
pub fn what_to_try(lost: &Lost) -> Vec<&'static str> {
    match lost {
        Lost::Network(lost) => network(lost),
        Lost::Silent { .. } => vec!["the camera's own page or app: does it show a picture there?"],
        _ => Vec::new(),
    }
}

fn network(lost: &NetworkLost) -> Vec<&'static str> {
    match lost {
        NetworkLost::Refused { .. } => vec![
            "switching RTSP on in the camera's settings (in some apps it is called ONVIF or third-party access)",
            "another port: 554 is usual, then 8554, 88 and 10554",
        ],
        NetworkLost::TimedOut { what, .. } if what.starts_with("no answer") => {
            vec!["again in a minute: the camera may be starting", "switching the camera off and on"]
        }
        NetworkLost::TimedOut { .. } | NetworkLost::Unreachable { .. } => vec![
            "ping to the camera's address from this machine",
            "the camera's page in a browser: its address may have changed (give it a fixed one in the router)",
        ],
        NetworkLost::WrongCredentials => vec![
            "the user that the camera has for RTSP or ONVIF, which may be another than that of its app",
            "writing special characters of the password as %XX (@ is %40, : is %3A, / is %2F)",
            "waiting half an hour, or restarting the camera: it may have locked the account",
        ],
        NetworkLost::NoSuchStream { .. }
        | NetworkLost::Status { status: 400 | 405 | 451 | 454..=460, .. } => vec![COMMON_PATHS],
        NetworkLost::Status { status: 453 | 503, .. } | NetworkLost::Overloaded { .. } => vec![
            "closing other viewers of the camera: it serves only so many at a time",
            "its second, smaller stream",
        ],
        NetworkLost::NoVideo { .. } => {
            vec!["H.264, H.265 or MJPEG as the coding in the camera's settings", "its second stream"]
        }
        NetworkLost::NoTransport | NetworkLost::NoDatagrams { .. } => {
            vec!["transport = \"tcp\", \"udp\" and \"auto\" in the configuration"]
        }
        NetworkLost::NoPicture { .. } => vec![
            "a shorter distance between key pictures (I-frame interval, GOP) in the camera's settings: 1 to 2 s",
            "H.264 in place of H.265, \"smart\" or \"+\" codecs switched off",
            "transport = \"tcp\", if packets are lost",
        ],
        NetworkLost::Closed { .. } | NetworkLost::Ended | NetworkLost::Silent { .. } => vec![
            "again in a minute: the camera may be starting, or still hold an old session",
            "closing other viewers of the camera: it serves only so many at a time",
        ],
        NetworkLost::Tls(_) | NetworkLost::Protocol(_) => vec![
            "the port and the beginning of the URL: rtsp:// is mostly at 554, rtsps:// at 322, http:// at 80",
        ],
        _ => Vec::new(),
    }
}
