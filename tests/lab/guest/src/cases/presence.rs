//! A camera that goes, comes, falls silent, hangs or belongs to somebody else: what viewers see and
//! what `/health` says.

use std::fs::File;
use std::time::Duration;

use usb_camera::descriptors::MODES;

use crate::service::Pinhole;
use crate::usb::{UsbCamera, check_identical, next_card, next_picture};
use crate::v4l2::Occupant;
use crate::wait::{PATIENCE, Stopwatch, until};
use crate::{Case, Outcome, ensure};

/// A silent camera is lost after 5 s; as much again for the emulator.
const SILENCE_LIMIT: Duration = Duration::from_secs(10);

/// A camera may adjust its exposure, or the bus be busy.
const SILENCE_TOLERATED: Duration = Duration::from_secs(1);

/// The cases.
pub fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "unplugged under 3 viewers, replugged as another node: the same connections go on",
            replugged,
        ),
        Case::new("a camera that stalls is lost within its time, and comes back", stalled),
        Case::new("a camera that hangs when it is opened is told, and comes back", hung),
        Case::new("a busy device is told, and served when it is free", busy),
        Case::new("auto: a camera plugged in later is served", hot_plugged),
    ]
}

fn serve(camera: &UsbCamera) -> Outcome<Pinhole> {
    Pinhole::serve(&["--format", "mjpeg", "--size", "640x480", &camera.link()])
}

fn replugged() -> Outcome {
    let camera = UsbCamera::plug_in("REPLUG1", &[])?;
    let service = serve(&camera)?;
    let mut viewers = [service.view("/stream")?, service.view("/stream")?, service.view("/stream")?];
    let mut last = 0;
    for viewer in &mut viewers {
        last = check_identical(MODES[0], &next_picture(viewer, 0)?)?.max(last);
    }
    let old_node = camera.node()?;
    // As long as somebody holds the old node, its number is not free for the new one.
    let held = File::open(&old_node).map_err(|error| format!("{}: {error}", old_node.display()))?;
    camera.unplug()?;
    for viewer in &mut viewers {
        next_card(viewer)?;
    }
    service.wait_until_lost(PATIENCE)?;
    let new_node = camera.replug()?;
    ensure!(new_node != old_node, "the camera came back as {}", new_node.display());
    for viewer in &mut viewers {
        check_identical(MODES[0], &next_picture(viewer, last)?)?;
    }
    drop(held);
    let health = service.wait_for_state("live", PATIENCE)?;
    ensure!(health["reason"].is_null(), "live with a reason: {health}");
    ensure!(health["reconnects_total"].as_u64() >= Some(1), "no reconnect counted: {health}");
    Ok(())
}

fn stalled() -> Outcome {
    let camera = UsbCamera::plug_in("STALL1", &[])?;
    let service = serve(&camera)?;
    let mut viewer = service.view("/stream")?;
    let last = check_identical(MODES[0], &next_picture(&mut viewer, 0)?)?;
    // Longer than the limit, so that it is the limit that is seen, and not the end of the stall.
    camera.tell(&format!("stall {}", SILENCE_LIMIT.as_secs() + 2))?;
    let watch = Stopwatch::start();
    service.wait_until_lost(SILENCE_LIMIT)?;
    let seconds = watch.seconds();
    ensure!(watch.exceeds(SILENCE_TOLERATED), "lost after {seconds:.1} s of silence: a camera may be slow");
    next_card(&mut viewer)?;
    next_picture(&mut viewer, last)?;
    service.wait_for_state("live", PATIENCE).map(drop)
}

fn hung() -> Outcome {
    let camera = UsbCamera::plug_in("HANG1", &[])?;
    let service = serve(&camera)?;
    // The driver waits 5 s for each answer.
    camera.tell("hang 9")?;
    let mut viewer = service.view("/stream")?;
    service.wait_until_lost(PATIENCE)?;
    next_card(&mut viewer)?;
    next_picture(&mut viewer, 0)?;
    service.wait_for_state("live", PATIENCE).map(drop)
}

fn busy() -> Outcome {
    let camera = UsbCamera::plug_in("BUSY1", &[])?;
    let occupant = Occupant::begin(&camera.node()?.to_string_lossy())?;
    let service = serve(&camera)?;
    let mut viewer = service.view("/stream")?;
    let reason = service.wait_until_lost(PATIENCE)?;
    ensure!(reason.to_lowercase().contains("busy") || reason.contains("in use"), "the reason is {reason:?}");
    next_card(&mut viewer)?;
    drop(occupant);
    next_picture(&mut viewer, 0).map(drop)
}

fn hot_plugged() -> Outcome {
    let service = Pinhole::serve(&["auto"])?;
    let before = until("vivid alone in /api/cameras", PATIENCE, || {
        let names = camera_names(&service)?;
        if names.len() == 1 { Ok(names) } else { Err(format!("{names:?}")) }
    })?;
    let camera = UsbCamera::plug_in("HOT1", &[])?;
    let name = until("the new camera in /api/cameras", PATIENCE, || {
        let names = camera_names(&service)?;
        names.iter().find(|name| !before.contains(name)).cloned().ok_or_else(|| format!("{names:?}"))
    })?;
    let mut viewer = service.view(&format!("/cameras/{name}/stream"))?;
    let picture = next_picture(&mut viewer, 0)?;
    // The size is the service's choice.
    check_identical(MODES[0], &picture).or_else(|_| check_identical(MODES[1], &picture))?;
    camera.unplug()?;
    next_card(&mut viewer)
}

fn camera_names(service: &Pinhole) -> Result<Vec<String>, String> {
    let answer = service.json("/api/cameras")?;
    let cameras = answer.as_array().or_else(|| answer["cameras"].as_array());
    let cameras = cameras.ok_or_else(|| format!("/api/cameras: no list: {answer}"))?;
    Ok(cameras.iter().filter_map(|camera| camera["name"].as_str()).map(str::to_owned).collect())
}
