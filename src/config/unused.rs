//! Keys of a camera that its source does not use.

use super::SourceSpec;

/// Why a key has no effect on a source, and where else to set it, if it can be set.
pub(super) fn why(key: &str, source: &SourceSpec) -> Option<&'static str> {
    const RTSP: &str = "rtsp:// cameras: they have streams of several sizes, chosen by the source's path or in \
                        the camera's settings";
    const HTTP: &str = "http:// cameras, whose pictures are passed on as they are: set it in the camera, or in \
                        the source's query where the camera takes it there";
    const FILE: &str = "files, which are shown as they were recorded";
    const CARD: &str = "the test card";
    match (key, source) {
        (_, SourceSpec::Auto | SourceSpec::V4l2(_))
        | ("quality", SourceSpec::Rtsp(_) | SourceSpec::File(_) | SourceSpec::TestCard)
        | ("size", SourceSpec::TestCard) => None,
        (_, SourceSpec::Rtsp(_)) => Some(RTSP),
        (_, SourceSpec::Http(_)) => Some(HTTP),
        (_, SourceSpec::File(_)) => Some(FILE),
        (_, SourceSpec::TestCard) => Some(CARD),
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    /// Every kind of source with every key: the key is accepted, or refused with its line and advice.
    #[test]
    fn a_key_that_a_source_ignores_is_a_mistake() {
        let keys =
            [("size", "\"640x480\""), ("format", "\"yuyv\""), ("quality", "70"), ("chroma", "\"4:2:2\"")];
        for (source, used) in [
            ("/dev/video0", vec!["size", "format", "quality", "chroma"]),
            ("auto", vec!["size", "format", "quality", "chroma"]),
            ("rtsp://192.0.2.1/cam", vec!["quality"]),
            ("http://192.0.2.1/cam", vec![]),
            ("file:/srv/clip.mp4", vec!["quality"]),
            ("test:", vec!["size", "quality"]),
        ] {
            for (key, value) in keys {
                let text = format!("[[camera]]\nsource = \"{source}\"\nfps = 5\n{key} = {value}\n");
                match Config::parse(&text, "pinhole.toml") {
                    Ok(_) => assert!(used.contains(&key), "{key} of {source}"),
                    Err(mistakes) => {
                        let words = mistakes.to_string();
                        assert!(!used.contains(&key), "{words}");
                        let begin = format!("pinhole.toml:4: camera.{key}: has no effect on ");
                        assert!(words.starts_with(&begin) && words.ends_with("; leave it out"), "{words}");
                        let mistake = &mistakes.list[0];
                        let full = format!("camera.{key}");
                        assert_eq!((mistake.line, mistake.key.as_deref()), (Some(4), Some(&full[..])));
                    }
                }
            }
        }
    }
}
