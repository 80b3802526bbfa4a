//! The lab's own behaviour, seen by `v4l2-ctl`: the basis for the cases of the service.

use usb_camera::descriptors::{MODES, Mode};
use usb_camera::frames::{self, Stamp};

use crate::usb::UsbCamera;
use crate::{Case, Outcome, ensure, v4l2};

/// The cases.
pub fn cases() -> Vec<Case> {
    vec![
        Case::new("lab: bulk frames arrive whole in each mode", || whole_in_each_mode(&[])),
        Case::new("lab: isochronous frames arrive whole", || whole_in_each_mode(&["--iso"])),
        Case::new("lab: truncated JPEGs reach a program", truncated),
        Case::new("lab: empty frames and the error bit do not", dropped_by_the_driver),
    ]
}

fn whole_in_each_mode(options: &[&str]) -> Outcome {
    const FRAMES: usize = 8;
    let camera = UsbCamera::plug_in("WHOLE1", options)?;
    let node = camera.node()?;
    let node = node.to_string_lossy();
    for mode in &MODES[..2] {
        let captured = capture_jpegs(&node, *mode, FRAMES)?;
        let whole = captured.iter().filter(|jpeg| is_as_sent(*mode, jpeg)).count();
        // Under load the host may lose isochronous packets, as on a real bus.
        let needed = if options.is_empty() { FRAMES } else { FRAMES / 2 };
        ensure!(whole >= needed, "{mode:?}: {whole} of {} frames whole", captured.len());
    }
    let mode = MODES[2];
    let picture = v4l2::capture(&node, "YUYV", (mode.width.into(), mode.height.into()), 1)?;
    let sequence = frames::sequence_of_yuyv(mode, &picture).unwrap_or_default();
    let stamp = Stamp { sequence, made: std::time::Duration::ZERO };
    ensure!(picture == frames::frame(mode, stamp, true), "the YUYV picture is not frame {sequence}");
    Ok(())
}

fn truncated() -> Outcome {
    let camera = UsbCamera::plug_in("SHORT1", &[])?;
    camera.tell("truncate 3")?;
    let captured = capture_jpegs(&camera.node()?.to_string_lossy(), MODES[0], 12)?;
    let whole = captured.iter().filter(|jpeg| is_as_sent(MODES[0], jpeg)).count();
    ensure!((captured.len(), whole) == (12, 8), "{whole} of {} frames whole, not 8 of 12", captured.len());
    Ok(())
}

fn dropped_by_the_driver() -> Outcome {
    let camera = UsbCamera::plug_in("EMPTY1", &[])?;
    for fault in ["zero 3", "err 3"] {
        camera.tell("ok")?;
        camera.tell(fault)?;
        let captured = capture_jpegs(&camera.node()?.to_string_lossy(), MODES[0], 8)?;
        let whole = captured.iter().filter(|jpeg| is_as_sent(MODES[0], jpeg)).count();
        ensure!(whole == 8, "{fault}: {whole} of 8 frames whole");
    }
    Ok(())
}

fn is_as_sent(mode: Mode, jpeg: &[u8]) -> bool {
    Stamp::of_jpeg(jpeg).is_some_and(|stamp| frames::frame(mode, stamp, true) == jpeg)
}

/// Captures and splits the bytes at the start of each stamped frame.
fn capture_jpegs(node: &str, mode: Mode, count: usize) -> Outcome<Vec<Vec<u8>>> {
    let bytes = v4l2::capture(node, "MJPG", (mode.width.into(), mode.height.into()), count)?;
    let is_start = |at: &usize| bytes[*at] == 0xff && Stamp::of_jpeg(&bytes[*at..]).is_some();
    let mut starts: Vec<usize> = (0..bytes.len()).filter(is_start).collect();
    starts.push(bytes.len());
    Ok(starts.windows(2).map(|ends| bytes[ends[0]..ends[1]].to_vec()).collect())
}
