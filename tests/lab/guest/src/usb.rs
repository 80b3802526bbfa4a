//! A USB camera as a process.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use usb_camera::descriptors::Mode;
use usb_camera::frames::{self, Stamp};

use crate::http::Viewer;
use crate::picture;
use crate::service::{end, output, program};
use crate::wait::{PATIENCE, until};
use crate::{Outcome, ensure};

/// A plugged-in `usb-camera`; unplugged when dropped.
pub struct UsbCamera {
    child: Child,
    control: String,
    serial: String,
}

impl UsbCamera {
    /// Plugs in a camera and waits for its link in /dev/v4l/by-id.
    pub fn plug_in(serial: &str, options: &[&str]) -> Outcome<UsbCamera> {
        let camera = UsbCamera::plug_in_unseen(serial, options)?;
        camera.wait_for_link()?;
        Ok(camera)
    }

    /// Plugs in a camera without waiting for udev.
    pub fn plug_in_unseen(serial: &str, options: &[&str]) -> Outcome<UsbCamera> {
        let control = format!("/run/usb-camera-{serial}");
        let child = Command::new(program("USB_CAMERA_BIN")?)
            .args(["--control", &control, "--serial", serial])
            .args(options)
            .stdin(Stdio::null())
            .spawn()
            .map_err(|error| format!("cannot start usb-camera: {error}"))?;
        Ok(UsbCamera { child, control, serial: serial.into() })
    }

    /// The stable name from udev.
    pub fn link(&self) -> String {
        format!("/dev/v4l/by-id/usb-Pinhole_Lab_Camera_{}-video-index0", self.serial)
    }

    /// The node that the stable name refers to now.
    pub fn node(&self) -> Outcome<PathBuf> {
        fs::canonicalize(self.link()).map_err(|error| format!("{}: {error}", self.link()).into())
    }

    /// Waits until udev has created the link and its node.
    pub fn wait_for_link(&self) -> Outcome<PathBuf> {
        let link = self.link();
        until(&link, PATIENCE, || fs::canonicalize(&link).map_err(|error| error.to_string()))
    }

    /// Sends a command and waits until the camera has executed it.
    pub fn tell(&self, command: &str) -> Outcome<String> {
        let mut arguments = vec!["tell", &self.control];
        arguments.extend(command.split_whitespace());
        output(&program("USB_CAMERA_BIN")?, &arguments)
    }

    /// Unplugs it and waits until udev has noticed.
    pub fn unplug(&self) -> Outcome {
        self.tell("unplug")?;
        let link = self.link();
        until("the link to go", PATIENCE, || {
            if fs::symlink_metadata(&link).is_err() { Ok(()) } else { Err("it is there".into()) }
        })
    }

    /// Plugs it in again and waits for the link.
    pub fn replug(&self) -> Outcome<PathBuf> {
        self.tell("plug")?;
        self.wait_for_link()
    }
}

impl Drop for UsbCamera {
    fn drop(&mut self) {
        end(&mut self.child);
        let link = self.link();
        // The next case needs an empty bus; if this one is not empty, the next case reports it.
        let _ = until("the link to go", PATIENCE, || {
            if fs::symlink_metadata(&link).is_err() { Ok(()) } else { Err("it is there".into()) }
        });
    }
}

/// Reads until a picture from a camera arrives that is later than frame `after`.
pub fn next_picture(viewer: &mut Viewer, after: u32) -> Outcome<Vec<u8>> {
    viewer.wait_for("a picture of the camera", |jpeg| {
        Stamp::of_jpeg(jpeg).is_some_and(|stamp| stamp.sequence > after)
    })
}

/// Reads until a card arrives in place of a picture; it must be a valid JPEG.
pub fn next_card(viewer: &mut Viewer) -> Outcome {
    let card = viewer.wait_for("a card", |jpeg| Stamp::of_jpeg(jpeg).is_none())?;
    picture::decode(&card)?;
    Ok(())
}

/// Checks that a delivered JPEG is, byte for byte, the frame that the camera sent with its number.
pub fn check_identical(mode: Mode, jpeg: &[u8]) -> Outcome<u32> {
    let stamp = Stamp::of_jpeg(jpeg).ok_or_else(|| format!("no stamp in a frame of {} bytes", jpeg.len()))?;
    let sent = frames::frame(mode, stamp, true);
    ensure!(jpeg == sent, "frame {} has {} bytes, not the {} sent", stamp.sequence, jpeg.len(), sent.len());
    Ok(stamp.sequence)
}
