//! Paths as messages may show them ([`quote`](super::quote) has keys and values). A password is easily written
//! in the wrong place, and messages end up in logs, on the page and in bug reports.

use std::path::Path;

/// Replaces what may hold a secret.
const HIDDEN: &str = "...";

/// The name of a file without its folders, which are private. A URL with a password that was taken for a path
/// is hidden.
pub fn file(path: &Path) -> String {
    let name = path.file_name().map_or_else(|| HIDDEN.into(), |name| name.to_string_lossy());
    if path.to_string_lossy().contains('@') { HIDDEN.to_owned() } else { name.into_owned() }
}

/// Whether a path is where devices are.
pub fn is_device(path: &Path) -> bool {
    path.starts_with("/dev")
}

/// The path of a device. One that is not among devices is left out, as [`file()`] does.
pub fn device(path: &Path) -> String {
    if is_device(path) { path.display().to_string() } else { "/...".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_may_hold_a_password_are_not_repeated() {
        assert_eq!(file(Path::new("/home/joe/clip.mp4")), "clip.mp4");
        assert_eq!(file(Path::new("cam:hush@host")), "...");
    }
}
