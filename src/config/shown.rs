//! Prepares paths for messages ([`quote`](super::quote) does keys and values). A password is easily written
//! in the wrong place, and messages end up in logs, on the page and in bug reports.

use std::path::Path;

/// Replaces text that may hold a secret.
const HIDDEN: &str = "...";

/// The name of a file without its folders, which are private. A path that looks like a URL with a password is
/// hidden.
pub fn file(path: &Path) -> String {
    let name = path.file_name().map_or_else(|| HIDDEN.into(), |name| name.to_string_lossy());
    if path.to_string_lossy().contains('@') { HIDDEN.to_owned() } else { name.into_owned() }
}

/// Whether a path is in the folder of devices.
pub fn is_device(path: &Path) -> bool {
    path.starts_with("/dev")
}

/// The path of a device. A path elsewhere is reduced as by [`file()`].
pub fn device(path: &Path) -> String {
    if is_device(path) { path.display().to_string() } else { "/...".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_that_may_hold_a_password_are_hidden() {
        assert_eq!(file(Path::new("/home/joe/clip.mp4")), "clip.mp4");
        assert_eq!(file(Path::new("cam:hush@host")), "...");
    }
}
