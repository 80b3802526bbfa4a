//! What makes a flashed card an appliance: `pinhole.toml` on the boot partition, and the status on screen
//! and serial console. Only the image uses it (`image-build/`), by `pinhole appliance`.
//!
//! [`read`] is pure: a file's bytes in, settings and mistakes out; [`files`] makes the system's own
//! configuration of settings. [`apply`] does the reading and writing around them.

pub mod apply;
mod blocks;
pub mod files;
mod local_name;
pub mod read;
pub mod screen;
pub mod settings;
pub mod status;
mod suspicion;
mod text;
pub mod wifi;

use crate::config::Mistake;

/// Where mistakes stand for the health report, a line each; the file is empty where there are none.
pub const MISTAKES_FILE: &str = "/run/pinhole-appliance/configuration-errors";
/// The same for Wi-Fi that does not come up.
pub const WIFI_TROUBLE_FILE: &str = "/run/pinhole-appliance/wifi-error";

/// What the first mistake begins with where nothing is shown until the file is corrected.
pub const CLOSED: &str = "No picture is shown to anybody until this is corrected: ";

/// Mistakes that are told; who makes more of them corrects these first.
pub const MISTAKES_MAX: usize = 20;

/// A mistake in `pinhole.toml`, as screen, card and page show it.
pub fn words(mistake: &Mistake) -> String {
    match mistake.line {
        Some(line) => format!("line {line}: {mistake}"),
        None => mistake.to_string(),
    }
}
