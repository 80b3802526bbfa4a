//! Why a file gives no picture.

use std::fmt;
use std::path::PathBuf;

use crate::config::shown;

/// Why a file gives no picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileLost {
    /// It does not exist.
    Missing {
        /// Where it should be.
        path: PathBuf,
    },
    /// It cannot be read.
    Unreadable {
        /// Its path.
        path: PathBuf,
        /// Why.
        problem: String,
    },
    /// It holds no video that Pinhole can show.
    NoVideo {
        /// Its path.
        path: PathBuf,
        /// What it holds instead, or what is wrong with it.
        problem: String,
    },
}

impl fmt::Display for FileLost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { path } => {
                write!(f, "no file {}; check the path in the source", shown::file(path))
            }
            Self::Unreadable { path, problem } => {
                write!(f, "{} cannot be read: {problem}", shown::file(path))
            }
            Self::NoVideo { path, problem } => write!(
                f,
                "{} has no video that Pinhole can show: {problem}; use H.264 or H.265 in MP4, MKV or AVI, MJPEG, or a folder of JPEGs",
                shown::file(path)
            ),
        }
    }
}
