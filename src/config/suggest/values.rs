//! Guesses the intention behind an invalid source, size or crop.

use super::nearest;
use crate::config;
use crate::picture::orientation::Crop;

/// The intended source, if it is obvious; never shows a part of the text that could be part of a password.
pub fn for_source(text: &str) -> Option<String> {
    let lower = text.trim().to_ascii_lowercase();
    let number = |rest: &str| rest.parse::<u8>().ok();
    let video =
        ["/dev/video", "dev/video", "video", "v4l2:/dev/video", "v4l2:///dev/video", "usb:", "cam", ""];
    if let Some(number) = video.iter().find_map(|prefix| number(lower.strip_prefix(prefix)?)) {
        return Some(format!("write \"/dev/video{number}\""));
    }
    let (scheme, rest) = lower.split_once(':').unwrap_or((&lower, ""));
    let words = match scheme {
        "test" | "testcard" | "test-card" | "test_card" | "testsrc" | "demo" => "write \"test:\"",
        "usb" | "webcam" | "camera" | "all" | "any" | "*" | "default" | "automatic" | "v4l2" => {
            "write \"auto\" for every camera of this machine, or a device such as \"/dev/video0\""
        }
        "video" => "write \"/dev/video0\"",
        "rtsp" | "rtsps" | "http" | "https" | "file" => {
            return Some(format!(
                "write {scheme}:{}",
                if scheme == "file" { "clip.mp4" } else { "//HOST/PATH" }
            ));
        }
        "rtmp" | "rtmps" | "srt" | "udp" | "rtp" | "onvif" | "ws" | "wss" | "ftp" | "mms" => {
            "this kind of URL is not supported; cameras usually have an rtsp:// or http:// URL too"
        }
        "exec" | "csi" | "libcamera" | "rpicam" | "picamera" => "this version cannot read that",
        _ if lower.starts_with('~') => "write file: and the whole path, as in \"file:/home/me/clip.mp4\"",
        _ if is_video_name(&lower) => "write file: before the name of a video, as in \"file:clip.mp4\"",
        _ if rest.starts_with("//") => {
            let near = nearest(scheme, &["rtsp", "rtsps", "http", "https", "file"])?;
            return Some(format!("did you mean {near}://?"));
        }
        _ if lower.contains(['.', ':', '/', '@']) => {
            "a network camera's URL begins with rtsp:// or http://, as in \"rtsp://HOST/PATH\""
        }
        _ => {
            let near = nearest(&lower, &["auto", "test"])?;
            return Some(format!("did you mean \"{}\"?", if near == "test" { "test:" } else { near }));
        }
    };
    Some(words.to_owned())
}

fn is_video_name(lower: &str) -> bool {
    [".mp4", ".mkv", ".avi", ".mov", ".mjpg", ".mjpeg", ".jpg", ".jpeg", ".h264", ".h265"]
        .iter()
        .any(|ending| lower.ends_with(ending))
        && !lower.contains("://")
        && !lower.contains('@')
}

/// The intended size.
pub fn for_size(text: &str) -> Option<String> {
    let known = match text.trim().to_ascii_lowercase().as_str() {
        "vga" | "480p" | "sd" => Some("640x480"),
        "svga" => Some("800x600"),
        "hd" | "720p" | "hd720" => Some("1280x720"),
        "fhd" | "fullhd" | "full hd" | "1080p" | "1080" | "hd1080" => Some("1920x1080"),
        "qhd" | "1440p" | "2k" => Some("2560x1440"),
        "4k" | "uhd" | "2160p" => Some("3840x2160"),
        _ => None,
    };
    if let Some(known) = known {
        return Some(known.to_owned());
    }
    let mut numbers = text.split(|c: char| !c.is_ascii_digit()).filter(|digits| !digits.is_empty());
    let (width, height) = (numbers.next()?, numbers.next()?);
    let fit = numbers.next().is_none() && width.len() <= 5 && height.len() <= 5 && !text.contains('-');
    let meant = format!("{width}x{height}");
    (fit && config::size(&meant).is_some()).then_some(meant)
}

/// What is meant by a crop that is none: four numbers, those of `640x480+10+20` (X, ImageMagick) in that order.
pub fn for_crop(text: &str) -> Option<String> {
    let numbers: Vec<&str> = text.split(|c: char| !c.is_ascii_digit()).filter(|it| !it.is_empty()).collect();
    let &[a, b, c, d] = &numbers[..] else { return None };
    let is_geometry = text.contains('x') && text.contains('+');
    let meant = if is_geometry { [c, d, a, b] } else { [a, b, c, d] }.join(",");
    (!text.contains('-') && meant.parse::<Crop>().is_ok()).then_some(meant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_for_invalid_sources_repeats_no_part_of_them() {
        for (text, words) in [
            ("test", "write \"test:\""),
            ("video0", "write \"/dev/video0\""),
            ("dev/video2", "write \"/dev/video2\""),
            ("0", "write \"/dev/video0\""),
            ("usb:1", "write \"/dev/video1\""),
            ("webcam", "write \"auto\""),
            ("rtsp", "write rtsp://HOST/PATH"),
            ("clip.mp4", "write file: before"),
            ("~/clip.mp4", "write file: and the whole path"),
            ("192.168.1.9/hush", "a network camera's URL begins"),
            ("joe:hush@192.168.1.9", "a network camera's URL begins"),
            ("rstp://joe:hush@h/", "did you mean rtsp://?"),
            ("htp://joe:hush@h/", "did you mean http://?"),
            ("srt://joe:hush@h/", "this kind of URL is not supported"),
            ("atuo", "did you mean \"auto\"?"),
            ("tets", "did you mean \"test:\"?"),
        ] {
            let hint = for_source(text).unwrap_or_default();
            assert!(hint.starts_with(words) && !hint.contains("hush"), "{text}: {hint}");
        }
        assert_eq!(for_source("gopher://joe:hush@h/"), None);
        assert_eq!(for_source("frobnicate"), None);
    }

    #[test]
    fn crops_that_are_written_otherwise() {
        for (text, meant) in [
            ("640x480+10+20", "10,20,640,480"),
            ("10 20 640 480", "10,20,640,480"),
            ("10,20,640x480", "10,20,640,480"),
            ("(0, 0, 640, 480)", "0,0,640,480"),
        ] {
            assert_eq!(for_crop(text).as_deref(), Some(meant), "{text}");
        }
        for text in ["", "640x480", "1,2,3,4,5", "-1,0,640,480", "0,0,99999,480", "0 0 0 0"] {
            assert_eq!(for_crop(text), None, "{text}");
        }
    }

    #[test]
    fn sizes_that_are_written_otherwise() {
        for (text, meant) in [
            ("720p", "1280x720"),
            ("Full HD", "1920x1080"),
            ("1280*720", "1280x720"),
            ("1280 x 720", "1280x720"),
            ("1280×720", "1280x720"),
            ("1280,720", "1280x720"),
        ] {
            assert_eq!(for_size(text).as_deref(), Some(meant), "{text}");
        }
        for text in ["big", "1280", "1x1", "99999x99999", "1280x720x3", "-1x500"] {
            assert_eq!(for_size(text), None, "{text}");
        }
    }
}
