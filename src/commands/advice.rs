//! Advice for a camera without pictures; has more room than a card.

use crate::camera::lost::{Code, Lost, NetworkLost};
use crate::config::SourceSpec;

/// Paths of the main stream in cameras of common makers, from their manuals.
const RTSP_PATHS: &str = "the path that the camera's manual gives; common ones are \
    /Streaming/Channels/101 (Hikvision), /cam/realmonitor?channel=1&subtype=0 (Dahua, Amcrest), \
    /h264Preview_01_main (Reolink), /stream1 (TP-Link), /axis-media/media.amp (Axis), /onvif1, /live";

/// Likewise for MJPEG and JPEG.
const HTTP_PATHS: &str = "the path that the camera's manual gives for MJPEG or JPEG; common ones are \
    /axis-cgi/mjpg/video.cgi (Axis), /cgi-bin/mjpg/video.cgi?channel=1&subtype=1 (Dahua, Amcrest), \
    /ISAPI/Streaming/channels/102/httpPreview (Hikvision), /videostream.cgi (Foscam), \
    /?action=stream (mjpg-streamer), /stream (ustreamer, Pinhole), /video";

/// How the source is reached: advice for one kind does not help with another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Rtsp,
    Http,
    Here,
}

/// Suggestions, one per line; empty if the reason says everything.
pub fn what_to_try(lost: &Lost, source: &SourceSpec) -> Vec<&'static str> {
    let way = match source {
        SourceSpec::Rtsp(_) => Way::Rtsp,
        SourceSpec::Http(_) => Way::Http,
        SourceSpec::Auto | SourceSpec::V4l2(_) | SourceSpec::File(_) | SourceSpec::TestCard => Way::Here,
    };
    match way {
        Way::Here => of_device(lost.code()),
        Way::Rtsp | Way::Http => of_network(code_of_status(lost), way == Way::Rtsp),
    }
}

fn of_device(code: Code) -> Vec<&'static str> {
    match code {
        Code::Silent => {
            vec!["another cable, another port, a powered hub", "another program: does it show a picture?"]
        }
        _ => Vec::new(),
    }
}

/// The code; also for statuses that `Lost::code` leaves unclassified.
fn code_of_status(lost: &Lost) -> Code {
    match lost {
        Lost::Network(NetworkLost::Status { status: 400 | 405 | 451 | 454..=460, .. }) => Code::NotFound,
        Lost::Network(NetworkLost::Status { status: 453 | 503, .. }) => Code::Overloaded,
        lost => lost.code(),
    }
}

fn of_network(code: Code, is_rtsp: bool) -> Vec<&'static str> {
    match code {
        Code::Refused if is_rtsp => vec![
            "switching RTSP on in the camera's settings (in some apps it is called ONVIF or third-party access)",
            "another port: 554 is usual, then 8554, 88 and 10554",
        ],
        Code::Refused => vec![
            "the camera's page in a browser, at the same address and port",
            "another port: 80 is usual, 443 for https://, then 8080, 8081 and 81",
        ],
        Code::NoAnswer => {
            vec!["again in a minute: the camera may be starting", "switching the camera off and on"]
        }
        Code::Timeout | Code::Unreachable => vec![
            "ping to the camera's address from this machine",
            "the camera's page in a browser: its address may have changed (give it a fixed one in the router)",
        ],
        Code::Unauthorized => vec![
            if is_rtsp {
                "the user that the camera has for RTSP or ONVIF, which may be another than that of its app"
            } else {
                "the user of the camera's own page, which may be another than that of its app"
            },
            "writing special characters of the password as %XX (@ is %40, : is %3A, / is %2F)",
            "waiting half an hour, or restarting the camera: it may have locked the account",
        ],
        Code::NotFound => vec![if is_rtsp { RTSP_PATHS } else { HTTP_PATHS }],
        Code::Overloaded => vec![
            "closing other viewers of the camera: it serves only so many at a time",
            "its second, smaller stream",
        ],
        Code::Unsupported if is_rtsp => {
            vec!["H.264, H.265 or MJPEG as the coding in the camera's settings", "its second stream"]
        }
        Code::Unsupported => vec![
            HTTP_PATHS,
            "the camera's RTSP stream, if it has H.264 or H.265: rtsp://USER:PASSWORD@HOST:554/PATH",
        ],
        Code::Damaged => vec![
            "the camera's page in a browser: is the picture whole there?",
            "a smaller size or a lower rate in the camera's settings",
        ],
        Code::Transport => vec!["transport = \"tcp\", \"udp\" and \"auto\" in the configuration"],
        Code::NoPicture => vec![
            "a shorter distance between key pictures (I-frame interval, GOP) in the camera's settings: 1 to 2 s",
            "H.264 in place of H.265, \"smart\" or \"+\" codecs switched off",
            "transport = \"tcp\", if packets are lost",
        ],
        Code::Closed | Code::Ended | Code::Silent => vec![
            if is_rtsp {
                "again in a minute: the camera may be starting, or still hold an old session"
            } else {
                "again in a minute: the camera may be starting"
            },
            "closing other viewers of the camera: it serves only so many at a time",
            "the camera's own page or app: does it show a picture there?",
        ],
        Code::Tls | Code::Protocol if is_rtsp => {
            vec!["the port and the beginning of the URL: rtsp:// is mostly at 554, rtsps:// at 322"]
        }
        Code::Tls | Code::Protocol => {
            vec!["the port and the beginning of the URL: http:// is mostly at 80 or 8080, https:// at 443"]
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::camera::lost::{ProtocolFault, TlsFault};

    /// Issue 10, number 20.
    #[test]
    fn advice_matches_the_source() {
        let rtsp: SourceSpec = "rtsp://192.0.2.1/".parse().unwrap();
        let http: SourceSpec = "http://192.0.2.1/".parse().unwrap();
        let address = || "192.0.2.1:80".to_owned();
        let some = || "x".to_owned();
        for lost in [
            NetworkLost::Refused { address: address() },
            NetworkLost::Unreachable { address: address() },
            NetworkLost::WrongCredentials,
            NetworkLost::NoSuchStream,
            NetworkLost::NotPictures { offered: some(), seconds: 10 },
            NetworkLost::Damaged { pictures: 2, seconds: 10, last: some() },
            NetworkLost::Silent { seconds: 10 },
            NetworkLost::Ended,
            NetworkLost::Tls(TlsFault::CertificateChanges),
            NetworkLost::Protocol(ProtocolFault::NeverAnswers),
        ] {
            let words = format!("{lost} {}", what_to_try(&Lost::from(lost.clone()), &http).join(" "));
            for foreign in ["another cable", "plug", "switching RTSP", "ONVIF", "session", "554 is usual"] {
                assert!(!words.contains(foreign), "{foreign}: {words}");
            }
            let advice = what_to_try(&Lost::from(lost.clone()), &rtsp);
            assert!(!advice.is_empty() && !advice.join(" ").contains("cable"), "{lost}: {advice:?}");
        }
        let silent = what_to_try(&Lost::Silent { seconds: 5 }, &"/dev/video0".parse().unwrap());
        assert!(silent.join(" ").contains("cable"), "{silent:?}");
    }
}
