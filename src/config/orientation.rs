//! The settings that turn and crop a camera's pictures, from file and command line.

use std::str::FromStr;

use super::quote::quoted;
use super::suggest;
use crate::picture::orientation::{Crop, Mirror, Rotation};

/// Checks a rotation in degrees.
///
/// # Errors
/// What is allowed.
pub fn check_rotation(degrees: i64) -> Result<Rotation, String> {
    Rotation::from_degrees(degrees).map_err(|error| format!("{error}, got {degrees}"))
}

/// Parses a rotation in degrees.
///
/// # Errors
/// What is allowed.
pub fn parse_rotation(text: &str) -> Result<Rotation, String> {
    Rotation::from_str(text).map_err(|error| format!("{error}, got {}", quoted(text)))
}

/// Parses `horizontal` or `vertical`.
///
/// # Errors
/// What is allowed.
pub fn parse_mirror(text: &str) -> Result<Mirror, String> {
    Mirror::from_str(text).map_err(|error| {
        let hint = match text.to_ascii_lowercase().as_str() {
            "both" | "hv" | "vh" => "; for both write rotate = 180".to_owned(),
            lower => suggest::nearest(lower, &["horizontal", "vertical"])
                .map_or(String::new(), |near| format!("; did you mean \"{near}\"?")),
        };
        format!("{error}, got {}{hint}", quoted(text))
    })
}

/// Parses `X,Y,WIDTH,HEIGHT`.
///
/// # Errors
/// What is allowed.
pub fn parse_crop(text: &str) -> Result<Crop, String> {
    Crop::from_str(text).map_err(|error| {
        let hint =
            suggest::for_crop(text).map_or(String::new(), |meant| format!("; did you mean \"{meant}\"?"));
        format!("{error}, got {}{hint}", quoted(text))
    })
}
