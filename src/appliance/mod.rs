//! Turns a flashed card into an appliance: reads `pinhole.toml` from the boot partition, and shows the status
//! on screen and serial console. Only the image uses it (`image-build/`), through `pinhole appliance`.
//!
//! [`read`] is pure: bytes in, settings and mistakes out; [`files`] makes the system's configuration from the
//! settings. [`apply`] does the reading and writing.

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

/// The mistakes for the health report, one per line; the file is empty if there are none.
pub const MISTAKES_FILE: &str = "/run/pinhole-appliance/configuration-errors";
/// Likewise, the reason why Wi-Fi does not connect.
pub const WIFI_TROUBLE_FILE: &str = "/run/pinhole-appliance/wifi-error";

/// The beginning of the first mistake, if nothing is shown until the file is corrected.
pub const CLOSED: &str = "No picture is shown to anybody until this is corrected: ";

/// Mistakes to report; whoever made more corrects these first.
pub const MISTAKES_MAX: usize = 20;

/// A mistake in `pinhole.toml`, as screen, card and page show it.
pub fn words(mistake: &Mistake) -> String {
    match mistake.line {
        Some(line) => format!("line {line}: {mistake}"),
        None => mistake.to_string(),
    }
}
