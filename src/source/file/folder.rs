//! The JPEGs of a folder, in natural order.

use std::cmp::Ordering;
use std::io;
use std::path::{Path, PathBuf};

use crate::config::shown;

/// Pictures of a folder: an hour at ten per second. The rest is left out.
const PICTURES_MAX: usize = 36_000;

/// The JPEGs in a folder, not in its subfolders.
pub(super) fn pictures(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut pictures = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if is_jpeg(&path) && path.is_file() {
            pictures.push(path);
        }
        if pictures.len() == PICTURES_MAX {
            log::warn!("{}: more than {PICTURES_MAX} pictures; the others are left out", shown::file(folder));
            break;
        }
    }
    pictures.sort_by(|one, other| {
        let name = |path: &PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        natural(&name(one), &name(other))
    });
    Ok(pictures)
}

/// Whether the name is that of a JPEG.
pub(super) fn is_jpeg(path: &Path) -> bool {
    path.extension().is_some_and(|extension| {
        // MPO, written by 3D cameras: a JPEG for each eye, one after the other.
        ["jpg", "jpeg", "mpo"].iter().any(|known| extension.eq_ignore_ascii_case(known))
    })
}

/// `2.jpg` comes before `10.jpg`: numbers in names are compared as numbers.
fn natural(one: &str, other: &str) -> Ordering {
    let (mut a, mut b) = (one, other);
    loop {
        let (number_a, number_b) = (digits(a), digits(b));
        if !number_a.is_empty() && !number_b.is_empty() {
            let (trimmed_a, trimmed_b) = (number_a.trim_start_matches('0'), number_b.trim_start_matches('0'));
            let order = trimmed_a.len().cmp(&trimmed_b.len()).then_with(|| trimmed_a.cmp(trimmed_b));
            if order.is_ne() {
                return order;
            }
            (a, b) = (&a[number_a.len()..], &b[number_b.len()..]);
            continue;
        }
        let (mut chars_a, mut chars_b) = (a.chars(), b.chars());
        match (chars_a.next(), chars_b.next()) {
            // Such as 1.jpg and 01.jpg.
            (None, None) => return one.cmp(other),
            (x, y) if x != y => return x.cmp(&y),
            _ => (a, b) = (chars_a.as_str(), chars_b.as_str()),
        }
    }
}

/// The digits that a text begins with.
fn digits(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_as_numbers() {
        let mut names = [
            "img10.jpg",
            "b.jpg",
            "img2.jpg",
            "img02.jpg",
            "img2b.jpg",
            "img1.jpg",
            "2024-11-9.jpg",
            "2024-9-1.jpg",
            "ä.jpg",
        ];
        names.sort_by(|a, b| natural(a, b));
        let expected = [
            "2024-9-1.jpg",
            "2024-11-9.jpg",
            "b.jpg",
            "img1.jpg",
            "img02.jpg",
            "img2.jpg",
            "img2b.jpg",
            "img10.jpg",
            "ä.jpg",
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn only_jpegs_count() {
        for (name, expected) in [
            ("a.jpg", true),
            ("a.JPEG", true),
            ("a.MPO", true),
            ("a.png", false),
            ("jpg", false),
            (".jpg", false),
        ] {
            assert_eq!(is_jpeg(Path::new(name)), expected, "{name}");
        }
    }
}
