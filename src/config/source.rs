//! What can be named as a camera's source.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Where a camera's pictures come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceSpec {
    /// Every V4L2 capture device, those plugged in later included.
    Auto,
    /// One V4L2 capture device.
    V4l2(PathBuf),
    /// The built-in moving test card.
    TestCard,
}

impl SourceSpec {
    /// A name for a camera that was given none.
    pub fn default_name(&self) -> String {
        match self {
            Self::Auto => "camera".to_owned(),
            Self::V4l2(path) => {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                // "usb-Vendor_Product_Serial-video-index0" without what is the same in all.
                let name = name.trim_start_matches("usb-").trim_end_matches("-video-index0");
                super::slug(name)
            }
            Self::TestCard => "test".to_owned(),
        }
    }
}

impl FromStr for SourceSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let allowed = "auto, a device such as /dev/video0 or /dev/v4l/by-id/..., or test: is allowed";
        match text {
            "auto" => Ok(Self::Auto),
            "test:" => Ok(Self::TestCard),
            _ if text.starts_with('/') => Ok(Self::V4l2(Path::new(text).to_owned())),
            "" => Err(format!("the source is empty; {allowed}")),
            _ => {
                // What comes before "://" holds no secret; what comes after may.
                let shown = text.split_once("://").map_or(text, |(scheme, _)| scheme);
                Err(format!("\"{shown}\" is no source; {allowed}"))
            }
        }
    }
}

impl fmt::Display for SourceSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::V4l2(path) => write!(f, "{}", path.display()),
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
        assert_eq!("auto".parse(), Ok(SourceSpec::Auto));
    }

    #[test]
    fn a_refused_source_does_not_tell_its_password() {
        let error = "gopher://admin:secret@host/".parse::<SourceSpec>().unwrap_err();
        assert!(error.starts_with("\"gopher\" is no source") && !error.contains("secret"), "{error}");
        assert!("video0".parse::<SourceSpec>().is_err());
    }
}
