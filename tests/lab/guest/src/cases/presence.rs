//! A camera that disappears, appears, falls silent, hangs or is in use by another program: what viewers see
//! and `/health` reports.

use std::fs::{self, File};
use std::path::Path;
use std::time::Duration;

use usb_camera::descriptors::MODES;

use crate::service::{Pinhole, output};
use crate::usb::{UsbCamera, check_identical, next_card, next_picture};
use crate::v4l2::{self, Occupant};
use crate::wait::{PATIENCE, Stopwatch, until};
use crate::{Case, Outcome, ensure};

/// A silent camera is lost after 5 s; as much again for the emulator.
const SILENCE_LIMIT: Duration = Duration::from_secs(10);

/// A camera may adjust its exposure, or the bus may be busy.
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
        Case::new(
            "a camera that is there before its links is one camera, the configured one",
            before_its_links,
        ),
        Case::new("two entries for one device: the second says so", named_twice),
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
    // While the old node is open, its number is not free for the new one.
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
    // Longer than the limit, so that the limit takes effect before the stall ends.
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
    let shown = service.json(&format!("/api/cameras/{name}"))?;
    ensure!(shown["source"] == camera.link(), "its lasting path is not shown: {shown}");
    camera.unplug()?;
    next_card(&mut viewer)
}

fn before_its_links() -> Outcome {
    let events = HeldEvents::begin()?;
    let camera = UsbCamera::plug_in_unseen("EARLY1", &[])?;
    let node = until("the node of the new camera", PATIENCE, || {
        let nodes = v4l2::nodes("Lab Camera")?;
        nodes.first().cloned().ok_or_else(|| "none".to_owned())
    })?;
    ensure!(fs::symlink_metadata(camera.link()).is_err(), "udev goes on, and has made {}", camera.link());
    let service = serve_configured(&format!(
        "[[camera]]\nname = \"yard\"\nsource = \"{}\"\n[[camera]]\nsource = \"auto\"\n",
        camera.link()
    ))?;
    let names = camera_names(&service)?;
    ensure!(names == ["yard", "vivid"], "before {node} has its link: {names:?}");
    drop(events);
    let mut viewer = service.view("/cameras/yard/stream")?;
    next_picture(&mut viewer, 0)?;
    let names = camera_names(&service)?;
    ensure!(names == ["yard", "vivid"], "after it: {names:?}");
    Ok(())
}

fn named_twice() -> Outcome {
    let camera = UsbCamera::plug_in("TWICE1", &[])?;
    let service = serve_configured(&format!(
        "[[camera]]\nname = \"one\"\nsource = \"{}\"\n[[camera]]\nname = \"two\"\nsource = \"{}\"\n",
        camera.link(),
        camera.node()?.display()
    ))?;
    let reason = until("a reason for the second", PATIENCE, || {
        let health = service.json("/health")?;
        let reason = health["cameras"][1]["reason"].as_str().map(str::to_owned);
        reason.ok_or_else(|| health.to_string())
    })?;
    ensure!(reason.starts_with("the same device as camera one"), "the reason is {reason:?}");
    let mut viewer = service.view("/cameras/one/stream")?;
    next_picture(&mut viewer, 0)?;
    next_card(&mut service.view("/cameras/two/stream")?)
}

fn serve_configured(text: &str) -> Outcome<Pinhole> {
    const FILE: &str = "/tmp/presence.toml";
    fs::write(FILE, text).map_err(|error| format!("{FILE}: {error}"))?;
    Pinhole::serve(&["--config", FILE])
}

/// udev processes no events while this exists.
struct HeldEvents;

impl HeldEvents {
    fn begin() -> Outcome<HeldEvents> {
        output(Path::new("udevadm"), &["control", "--stop-exec-queue"])?;
        Ok(HeldEvents)
    }
}

impl Drop for HeldEvents {
    fn drop(&mut self) {
        // If this fails, the next case finds no link, and reports it.
        let _ = output(Path::new("udevadm"), &["control", "--start-exec-queue"]);
    }
}

fn camera_names(service: &Pinhole) -> Result<Vec<String>, String> {
    let answer = service.json("/api/cameras")?;
    let cameras = answer.as_array().or_else(|| answer["cameras"].as_array());
    let cameras = cameras.ok_or_else(|| format!("/api/cameras: no list: {answer}"))?;
    Ok(cameras.iter().filter_map(|camera| camera["name"].as_str()).map(str::to_owned).collect())
}
