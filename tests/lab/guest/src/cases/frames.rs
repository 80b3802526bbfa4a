//! MJPEG passes through: whole frames exactly as sent by the camera, no others.

use usb_camera::descriptors::{MODES, Mode};
use usb_camera::frames::{self, Stamp};

use crate::picture;
use crate::service::Pinhole;
use crate::usb::{UsbCamera, check_identical};
use crate::{Case, Outcome, ensure};

const MODE: Mode = MODES[0];
const FRAMES: usize = 40;

/// The cases.
pub fn cases() -> Vec<Case> {
    vec![
        Case::new("usb: frames are those sent, in order", || in_order(&[])),
        Case::new("usb: isochronous frames are those sent, in order", || in_order(&["--iso"])),
        Case::new("usb: truncated frames are counted and never shown", || spoilt("truncate 5")),
        Case::new("usb: garbage frames are counted and never shown", || spoilt("garbage 5")),
        Case::new("usb: empty frames and the error bit do no harm", || {
            dropped_by_the_driver(&["zero 5", "err 7"])
        }),
        Case::new("usb: padding after the end of image is cut", || {
            let (_camera, service) = watched("PAD1", &[], &["padding 500"])?;
            collect(&service).map(drop)
        }),
        Case::new("usb: missing Huffman tables are added", without_dht),
        Case::new("usb: JPEGs are turned and cropped", turned),
    ]
}

/// A camera with faults set before the first viewer, and the service on it.
fn watched(serial: &str, options: &[&str], faults: &[&str]) -> Outcome<(UsbCamera, Pinhole)> {
    let camera = UsbCamera::plug_in(serial, options)?;
    for fault in faults {
        camera.tell(fault)?;
    }
    let service = Pinhole::serve(&["--format", "mjpeg", "--size", "640x480", &camera.link()])?;
    Ok((camera, service))
}

/// Takes frames from a stream; each is identical to the sent one and later than the previous one.
fn collect(service: &Pinhole) -> Outcome<Vec<u32>> {
    let mut viewer = service.view("/stream")?;
    let mut sequences: Vec<u32> = Vec::new();
    while sequences.len() < FRAMES {
        let sequence = check_identical(MODE, &viewer.next()?)?;
        let last = sequences.last().copied().unwrap_or_default();
        ensure!(sequence > last, "frame {sequence} came after {last}");
        sequences.push(sequence);
    }
    Ok(sequences)
}

fn in_order(options: &[&str]) -> Outcome {
    let (_camera, service) = watched("ORDER1", options, &[])?;
    collect(&service)?;
    let camera = service.camera()?;
    // On an isochronous bus the host itself may lose packets under load.
    let is_clean = camera["frames_bad_total"] == 0 || !options.is_empty();
    ensure!(camera["state"] == "live" && is_clean, "/health: {camera}");
    Ok(())
}

fn turned() -> Outcome {
    let camera = UsbCamera::plug_in("TURN1", &[])?;
    let link = camera.link();
    let turned = ["--rotate", "90", "--crop", "0,0,480,320"];
    let service =
        Pinhole::serve(&[&["--format", "mjpeg", "--size", "640x480", &link], &turned[..]].concat())?;
    let mut viewer = service.view("/stream")?;
    for _ in 0..FRAMES {
        let picture = picture::decode(&viewer.next()?)?;
        let size = (picture.width, picture.height);
        ensure!(size == (480, 320), "a picture of {size:?}");
    }
    let camera = service.camera()?;
    // An emulated processor may be too slow for each of them.
    ensure!(camera["state"] == "live" && camera["frames_bad_total"] == 0, "/health: {camera}");
    ensure!(camera["width"] == 480 && camera["height"] == 320, "/health has another size: {camera}");
    Ok(())
}

fn spoilt(fault: &str) -> Outcome {
    const EVERY: u32 = 5;
    let (_camera, service) = watched("SPOILT1", &[], &[fault])?;
    let sequences = collect(&service)?;
    ensure!(
        sequences.iter().all(|sequence| sequence % EVERY != 0),
        "a spoilt frame was shown: {sequences:?}"
    );
    let (first, last) = (sequences[0], sequences[FRAMES - 1]);
    // Frames for which the driver had no buffer are lost before the service sees them.
    let bad_min = u64::from((last / EVERY - first / EVERY) / 2).max(1);
    let camera = service.camera()?;
    let bad = camera["frames_bad_total"].as_u64().unwrap_or_default();
    ensure!(bad >= bad_min, "{bad} bad frames counted between {first} and {last}, not {bad_min}");
    ensure!(camera["state"] == "live", "/health: {camera}");
    Ok(())
}

fn dropped_by_the_driver(faults: &[&str]) -> Outcome {
    let (_camera, service) = watched("DROP1", &[], faults)?;
    let sequences = collect(&service)?;
    ensure!(sequences.iter().all(|sequence| sequence % 5 != 0), "an empty frame was shown: {sequences:?}");
    Ok(())
}

fn without_dht() -> Outcome {
    let (camera, service) = watched("NODHT1", &[], &["nodht 1"])?;
    let mut viewer = service.view("/stream")?;
    for _ in 0..10 {
        let jpeg = viewer.next()?;
        picture::decode(&jpeg)?;
        let (bare, tables) = picture::without_dht(&jpeg).ok_or("the segments of a frame cannot be read")?;
        let stamp = Stamp::of_jpeg(&jpeg).ok_or("no stamp in a frame")?;
        ensure!(tables > 0, "frame {} has no Huffman tables", stamp.sequence);
        ensure!(bare == frames::frame(MODE, stamp, false), "frame {} is not the one sent", stamp.sequence);
    }
    camera.tell("ok")?;
    viewer.wait_for("a frame as it was sent", |jpeg| check_identical(MODE, jpeg).is_ok()).map(drop)
}
