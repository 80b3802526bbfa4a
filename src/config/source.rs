//! The sources that a camera can have.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use url::Url;

use super::{SourceUrl, shown, suggest};

/// Where a camera's pictures come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceSpec {
    /// Every V4L2 capture device, including those plugged in later.
    Auto,
    /// One V4L2 capture device.
    V4l2(PathBuf),
    /// A camera that speaks RTSP: `rtsp://` or, by TLS, `rtsps://`.
    Rtsp(SourceUrl),
    /// MJPEG from another device: `http://` or `https://`.
    Http(SourceUrl),
    /// A video file, or a folder of JPEGs.
    File(PathBuf),
    /// The built-in moving test card.
    TestCard,
}

impl SourceSpec {
    /// The default name for a camera without one.
    pub fn default_name(&self) -> String {
        match self {
            Self::Auto => "camera".to_owned(),
            Self::V4l2(path) if !shown::is_device(path) => "camera".to_owned(),
            Self::V4l2(path) => {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                // "usb-Vendor_Product_Serial-video-index0" without the parts that all have in common.
                let name = name.trim_start_matches("usb-").trim_end_matches("-video-index0");
                super::slug(name)
            }
            Self::Rtsp(url) | Self::Http(url) => url.name(),
            Self::File(path) => {
                let name = shown::file(path);
                super::slug(&Path::new(&name).file_stem().unwrap_or_default().to_string_lossy())
            }
            Self::TestCard => "test".to_owned(),
        }
    }

    /// Whether the source is on a network.
    pub const fn is_network(&self) -> bool {
        matches!(self, Self::Rtsp(_) | Self::Http(_))
    }
}

impl FromStr for SourceSpec {
    type Err = String;

    /// The error shows no part of an invalid source: it may be a password.
    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        // Schemes are case-insensitive.
        let (scheme, rest) = text.split_once(':').unwrap_or(("", text));
        match scheme.to_ascii_lowercase().as_str() {
            "" if text.eq_ignore_ascii_case("auto") => Ok(Self::Auto),
            "" if text.is_empty() => Err(format!("is empty; {ALLOWED}")),
            "test" if rest.is_empty() => Ok(Self::TestCard),
            "rtsp" | "rtsps" if rest.starts_with("//") => {
                SourceUrl::parse(text, &["rtsp", "rtsps"]).map(Self::Rtsp)
            }
            "http" | "https" if rest.starts_with("//") => {
                SourceUrl::parse(text, &["http", "https"]).map(Self::Http)
            }
            "file" => file(rest).map(Self::File),
            _ if text.contains('\0') => Err(format!("has a zero byte; {ALLOWED}")),
            _ if text.starts_with("//") || (text.starts_with('/') && text.contains('@')) => {
                Err(format!("unknown source; a URL must begin with rtsp:// or the like; {ALLOWED}"))
            }
            _ if text.starts_with('/') => Ok(Self::V4l2(Path::new(text).to_owned())),
            _ => Err(match suggest::for_source(text) {
                Some(meant) => format!("unknown source; {meant}"),
                None => format!("unknown source; {ALLOWED}"),
            }),
        }
    }
}

const ALLOWED: &str = "use one of: auto, a device such as /dev/video0 or /dev/v4l/by-id/..., \
                       rtsp://USER:PASSWORD@HOST/PATH, rtsps://..., http://HOST/PATH, https://..., file:clip.mp4, \
                       test:";

/// The path after `file:`, taken literally; if it begins with `//`, it is a URL (RFC 8089) with `%20` for a
/// space.
fn file(path: &str) -> Result<PathBuf, String> {
    let how = "write file:clip.mp4, file:/srv/clip.mp4 or file:///srv/clip.mp4";
    if path.starts_with("//") {
        return Url::parse(&format!("file:{path}"))
            .ok()
            .and_then(|url| url.to_file_path().ok())
            .ok_or_else(|| format!("names another machine; {how}"));
    }
    if path.contains("://") {
        return Err(format!("names a URL, not a file; leave file: out before a URL, or {how}"));
    }
    if path.is_empty() || path.contains('\0') {
        return Err(format!("names no file; {how}"));
    }
    Ok(PathBuf::from(path))
}

/// For viewers: contains no secrets.
impl fmt::Display for SourceSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::V4l2(path) => f.write_str(&shown::device(path)),
            Self::Rtsp(url) | Self::Http(url) => write!(f, "{url}"),
            Self::File(path) => write!(f, "file:{}", shown::file(path)),
            Self::TestCard => f.write_str("test:"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_and_their_names() {
        let name = |text: &str| text.parse::<SourceSpec>().unwrap().default_name();
        assert_eq!(name("/dev/video0"), "video0");
        assert_eq!(
            name("/dev/v4l/by-id/usb-046d_HD_Pro_Webcam_C920_1B2C-video-index0"),
            "046d-hd-pro-webcam-c920-1b2c"
        );
        assert_eq!(name("test:"), "test");
        assert_eq!(name("rtsp://joe:hush@yard.local:554/cam?channel=1"), "yard-local");
        assert_eq!(name("RTSPS://[2001:db8::1]/"), "2001-db8-1");
        assert_eq!(name("https://192.0.2.7/stream"), "192-0-2-7");
        assert_eq!(name("file:clips/Front door.mp4"), "front-door");
        assert_eq!("auto".parse(), Ok(SourceSpec::Auto));
    }

    #[test]
    fn files() {
        let path = |text: &str| match text.parse::<SourceSpec>() {
            Ok(SourceSpec::File(path)) => Ok(path.display().to_string()),
            other => Err(other),
        };
        for (text, expected) in [
            ("file:clip.mp4", "clip.mp4"),
            ("file:a/100%25.mp4", "a/100%25.mp4"),
            ("file:/srv/clip.mp4", "/srv/clip.mp4"),
            ("file:///srv/a%20clip.mp4", "/srv/a clip.mp4"),
            ("file://localhost/srv/clip.mp4", "/srv/clip.mp4"),
        ] {
            assert_eq!(path(text).as_deref(), Ok(expected), "{text}");
        }
        for wrong in ["file:", "file://clip.mp4"] {
            assert!(path(wrong).unwrap_err().unwrap_err().contains("write file:clip.mp4"), "{wrong}");
        }
    }

    #[test]
    fn an_unknown_source_is_hidden() {
        for text in
            ["gopher://admin:secret@host/", "rtsp:/cam:secret@host/x", "secret", "'rtsp://a:secret@h/'"]
        {
            let error = text.parse::<SourceSpec>().unwrap_err();
            assert!(error.starts_with("unknown source; ") && !error.contains("secret"), "{text}: {error}");
        }
        let shown = format!("{:?}", "rtsp://admin:secret@host/".parse::<SourceSpec>());
        assert!(!shown.contains("secret") && !shown.contains("admin"), "{shown}");
    }

    #[test]
    fn a_refused_source_is_hidden() {
        for text in [
            "gopher://admin:hush@host/",
            "cam:hush@host/x",
            "rtsp:/cam:hush@host/x",
            "rtsp//cam:hush@host/x",
            "rtps://cam:hush@host/x",
            "//cam:hush@host/x",
            "/cam:hush@host/x",
            "\"rtsp://cam:hush@host/x\"",
            "'rtsp://cam:hush@host/x'",
            "\u{201c}rtsp://cam:hush@host/x\u{201d}",
            "<rtsp://cam:hush@host/x>",
            "url=rtsp://cam:hush@host/x",
            "file:rtsp://cam:hush@host/x",
            "file://cam:hush@host/x",
            "hush",
        ] {
            let error = text.parse::<SourceSpec>().unwrap_err();
            assert!(!error.contains("hush") && !error.contains("cam:"), "{text}: {error}");
        }
        assert!("video0".parse::<SourceSpec>().unwrap_err().contains("/dev/video0"));
    }

    #[test]
    fn no_secret_of_a_source_is_shown() {
        for text in [
            "rtsp://admin:hush@host/",
            "https://host/hush?hush",
            "file:cam:hush@host",
            "file:/home/hush/clip.mp4",
            "/hush",
            "/cam:hush/host",
        ] {
            let source: SourceSpec = text.parse().unwrap();
            let shown = format!("{source} {}", source.default_name());
            assert!(!shown.contains("hush") && !shown.contains("admin"), "{shown}");
        }
        let shown = format!("{:?}", "rtsp://admin:hush@host/".parse::<SourceSpec>());
        assert!(!shown.contains("hush") && !shown.contains("admin"), "{shown}");
    }

    #[test]
    fn case_and_surrounding_blanks_of_a_source_do_not_matter() {
        for text in ["Auto", " auto "] {
            assert_eq!(text.parse(), Ok(SourceSpec::Auto), "{text}");
        }
        assert_eq!("TEST:".parse(), Ok(SourceSpec::TestCard));
        assert_eq!("/dev/video0\n".parse(), Ok(SourceSpec::V4l2("/dev/video0".into())));
    }
}
