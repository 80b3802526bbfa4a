//! `pinhole check`.

use std::path::Path;

use super::{Failure, print};
use crate::config::{Config, SourceSpec};

/// Checks a configuration file, and warns of anything missing on this machine.
pub fn run(file: &Path) -> Result<(), Failure> {
    let config = Config::read(file).map_err(|errors| Failure::Usage(errors.to_string()))?;
    let sources: Vec<_> = config.cameras.iter().map(|camera| camera.source.to_string()).collect();
    let file = file.display();
    let warnings: Vec<_> =
        warnings(&config).iter().map(|what| format!("{file}: warning: {what}\n")).collect();
    print(&format!("{}{file} is valid; cameras: {}\n", warnings.concat(), sources.join(", ")))
}

/// Things that the file names and this machine lacks. These are not mistakes: a camera may be plugged in
/// later, and the file may be for another machine.
fn warnings(config: &Config) -> Vec<String> {
    let warning = |camera: &crate::config::Camera| {
        let what = match &camera.source {
            SourceSpec::V4l2(path) => device(path)?,
            SourceSpec::File(path) => clip(path)?,
            _ => return None,
        };
        // In the form to show: a URL with a password is easily taken for a path.
        Some(format!("camera {}: {} {what}", camera.effective_name(), camera.source))
    };
    config.cameras.iter().filter_map(warning).collect()
}

fn device(path: &Path) -> Option<String> {
    use std::os::unix::fs::FileTypeExt as _;
    match std::fs::metadata(path) {
        Ok(found) if found.file_type().is_char_device() => None,
        Ok(_) => Some("is not a device; for a video file or a folder of pictures write file:PATH".to_owned()),
        Err(error) => Some(missing(&error, "\"pinhole cameras\" lists the cameras that are plugged in")),
    }
}

fn clip(path: &Path) -> Option<String> {
    // A relative path is resolved where the service runs, which may be elsewhere.
    let hint =
        if path.is_absolute() { "check the path" } else { "write the whole path, which begins with /" };
    std::fs::metadata(path).err().map(|error| missing(&error, hint))
}

fn missing(error: &std::io::Error, hint: &str) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => format!("does not exist; {hint}"),
        _ => format!("cannot be read: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_devices_are_warnings() {
        let folder = std::env::temp_dir();
        let text = format!(
            "[[camera]]\nsource = \"/dev/video987\"\n[[camera]]\nsource = \"file:no-such-clip.mp4\"\n\
             [[camera]]\nsource = \"{}\"\n[[camera]]\nsource = \"/dev/null\"\n[[camera]]\nsource = \"test:\"\n",
            folder.display()
        );
        let found = warnings(&Config::parse(&text, "f").unwrap());
        let expected = [
            "camera video987: /dev/video987 does not exist; \"pinhole cameras\" lists".to_owned(),
            "camera no-such-clip: file:no-such-clip.mp4 does not exist; write the whole path".to_owned(),
            "camera camera: /... is not a device; for a video file or a folder of pictures".to_owned(),
        ];
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (found, expected) in found.iter().zip(&expected) {
            assert!(found.contains(expected), "{found}");
        }
    }
}
