//! Decides what a changed configuration requires of a running camera.

use crate::config::{Camera, SourceSpec};

/// How far two configurations of a camera differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    /// Not at all.
    None,
    /// The open source continues.
    InPlace,
    /// The source must be closed and opened again.
    Reopen,
}

impl Difference {
    /// The action for a camera that was configured like `old`.
    pub fn between(old: &Camera, new: &Camera) -> Self {
        if old == new {
            return Self::None;
        }
        let mut changed = old.clone();
        changed.name.clone_from(&new.name);
        changed.on_demand = new.on_demand;
        changed.picture.quality = new.picture.quality;
        changed.picture.orientation = new.picture.orientation;
        if is_limited_here(&new.source) {
            changed.picture.fps = new.picture.fps;
        }
        if changed == *new { Self::InPlace } else { Self::Reopen }
    }
}

/// Whether the rate limits what arrives, rather than being requested from the source.
fn is_limited_here(source: &SourceSpec) -> bool {
    matches!(source, SourceSpec::Rtsp(_) | SourceSpec::Http(_))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn camera(source: &str, more: &str) -> Camera {
        let text = format!("[[camera]]\nname = \"yard\"\nsource = \"{source}\"\n{more}");
        Config::parse(&text, "f").unwrap().cameras.remove(0)
    }

    #[test]
    fn a_source_is_reopened_only_if_necessary() {
        let of = |source: &str, before: &str, after: &str| {
            Difference::between(&camera(source, before), &camera(source, after))
        };
        let (rtsp, usb) = ("rtsp://192.0.2.1/cam", "/dev/video0");
        assert_eq!(of(usb, "quality = 80", "quality = 80"), Difference::None);
        assert_eq!(of(usb, "", "quality = 80"), Difference::None, "the default");
        assert_eq!(of(usb, "", "rotate = 0"), Difference::None, "the default");
        for (source, before, after) in [
            (usb, "quality = 80", "quality = 60"),
            (usb, "", "on_demand = false"),
            (rtsp, "fps = 5", "fps = 10\nquality = 9"),
            (rtsp, "fps = 5", ""),
            (usb, "", "rotate = 90\nmirror = \"vertical\"\ncrop = \"0,0,64,48\""),
            (usb, "rotate = 90", "rotate = 0"),
        ] {
            assert_eq!(of(source, before, after), Difference::InPlace, "{before} {after}");
        }
        for (source, before, after) in [
            (usb, "", "size = \"640x480\""),
            (usb, "fps = 5", "fps = 10"),
            (usb, "", "format = \"yuyv\""),
            (rtsp, "", "transport = \"udp\""),
            ("test:", "fps = 5", "fps = 10"),
        ] {
            assert_eq!(of(source, before, after), Difference::Reopen, "{before} {after}");
        }
        let (here, there) = (camera(rtsp, ""), camera("rtsp://192.0.2.2/cam", ""));
        assert_eq!(Difference::between(&here, &there), Difference::Reopen);
    }
}
