//! `pinhole cameras`.

use serde_json::Value;

use crate::service::{output, program};
use crate::usb::UsbCamera;
use crate::{Case, Outcome, ensure, v4l2};

/// The cases.
pub fn cases() -> Vec<Case> {
    vec![Case::new("cameras --json lists vivid and the USB camera by its stable name", lists_capture_devices)]
}

fn lists_capture_devices() -> Outcome {
    let camera = UsbCamera::plug_in("LIST1", &[])?;
    let text = output(&program("PINHOLE_BIN")?, &["cameras", "--json"])?;
    let listed: Value = serde_json::from_str(&text).map_err(|error| format!("no JSON: {error}: {text}"))?;
    let cameras = listed.as_array().or_else(|| listed["cameras"].as_array());
    let cameras = cameras.ok_or_else(|| format!("no list of cameras: {text}"))?;
    let naming = |name: &str| cameras.iter().filter(|camera| camera.to_string().contains(name)).count();
    ensure!(naming(v4l2::VIVID) == 1, "vivid is not listed once: {text}");
    ensure!(naming(&camera.link()) == 1, "{} is not listed once: {text}", camera.link());
    ensure!(naming("video-index1") == 0, "the metadata node is listed: {text}");
    ensure!(cameras.len() == 2, "not two cameras: {text}");
    let usb =
        cameras.iter().map(Value::to_string).find(|entry| entry.contains(&camera.link())).unwrap_or_default();
    let usb = usb.to_lowercase();
    let has_format = usb.contains("mjpg") && usb.contains("yuyv");
    ensure!(has_format && usb.contains("1280"), "formats or sizes are missing: {usb}");
    Ok(())
}
