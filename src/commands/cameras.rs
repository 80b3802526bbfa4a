//! `pinhole cameras`.

use std::fmt::Write as _;

use serde::Serialize;

use super::{Failure, print};
use crate::camera::lost::Lost;
use crate::source::v4l2::devices::{self, Device};
use crate::source::v4l2::modes::{OfferedFormat, Size, Sizes, fourcc_text};
use crate::source::v4l2::{self};

#[derive(Serialize)]
struct Listed {
    name: String,
    path: String,
    device: String,
    driver: String,
    bus: String,
    formats: Vec<Format>,
    error: Option<String>,
}

#[derive(Serialize)]
struct Format {
    #[serde(rename = "format")]
    fourcc: String,
    served: bool,
    sizes: Vec<ListedSize>,
}

#[derive(Serialize)]
struct ListedSize {
    size: String,
    fps: Vec<f64>,
}

/// Lists the capture devices of this machine.
pub fn run(json: bool) -> Result<(), Failure> {
    let cameras = devices::capture_devices().into_iter().map(|device| list(&device));
    let planar = devices::multi_planar_devices().into_iter().map(|device| list_multi_planar(&device));
    let listed: Vec<Listed> = cameras.chain(planar).collect();
    if json {
        let text =
            serde_json::to_string_pretty(&listed).map_err(|error| Failure::Other(error.to_string()))?;
        return print(&format!("{text}\n"));
    }
    if listed.is_empty() {
        return print("No camera found. Plug in a USB camera; no setup needed.\n");
    }
    print(&listed.iter().map(describe).collect::<Vec<_>>().join("\n"))
}

fn list(device: &Device) -> Listed {
    match v4l2::formats_of(&device.node) {
        Ok(formats) => {
            listed(device, formats.iter().map(|offered| format(offered, is_served(offered))).collect(), None)
        }
        Err(lost) => listed(device, Vec::new(), Some(&lost)),
    }
}

fn list_multi_planar(device: &Device) -> Listed {
    match v4l2::multi_planar_formats_of(&device.node) {
        Ok((formats, why)) => {
            listed(device, formats.iter().map(|offered| format(offered, false)).collect(), Some(&why))
        }
        Err(lost) => listed(device, Vec::new(), Some(&lost)),
    }
}

fn is_served(offered: &OfferedFormat) -> bool {
    v4l2::modes::Encoding::from_fourcc(offered.fourcc).is_some()
}

fn listed(device: &Device, formats: Vec<Format>, error: Option<&Lost>) -> Listed {
    Listed {
        name: device.card.clone(),
        path: device.stable_path().display().to_string(),
        device: device.node.display().to_string(),
        driver: device.driver.clone(),
        bus: device.identity.bus.clone(),
        formats,
        error: error.map(ToString::to_string),
    }
}

fn format(offered: &OfferedFormat, served: bool) -> Format {
    let size =
        |size: &Size| ListedSize { size: format!("{}x{}", size.width, size.height), fps: size.fps.clone() };
    let sizes = match &offered.sizes {
        Sizes::Discrete(sizes) => sizes.iter().map(size).collect(),
        Sizes::Range { min, max, step } => {
            let text =
                format!("{}x{} to {}x{} in steps of {}x{}", min.0, min.1, max.0, max.1, step.0, step.1);
            vec![ListedSize { size: text, fps: Vec::new() }]
        }
    };
    Format { fourcc: fourcc_text(offered.fourcc), served, sizes }
}

fn describe(camera: &Listed) -> String {
    let mut text = format!("{}\n  {}\n", camera.name, camera.path);
    if camera.path != camera.device {
        let _ = writeln!(text, "  {} at present", camera.device);
    }
    if let Some(error) = &camera.error {
        let _ = writeln!(text, "  {error}");
    }
    for format in &camera.formats {
        let note = if format.served { "" } else { " (not served)" };
        let sizes: Vec<String> = format.sizes.iter().map(ListedSize::text).collect();
        let _ = writeln!(text, "  {}{note}: {}", format.fourcc, sizes.join(", "));
    }
    text
}

impl ListedSize {
    fn text(&self) -> String {
        let fastest = self.fps.iter().copied().fold(0.0, f64::max);
        if fastest > 0.0 {
            format!("{} at {} fps", self.size, (fastest * 100.0).round() / 100.0)
        } else {
            self.size.clone()
        }
    }
}
