//! The resources that the service holds, and when it releases them.

use std::time::Duration;

use crate::service::{Holdings, Pinhole};
use crate::usb::{UsbCamera, next_card, next_picture};
use crate::wait::{PATIENCE, Stopwatch, until};
use crate::{Case, Outcome, ensure};

const ROUNDS: usize = 20;
/// After this many rounds, pools and caches are filled.
const ROUNDS_WARM: usize = 4;
/// A leaked frame buffer in each round would exceed this.
const GROWTH_MAX_KIB: usize = 2 << 10;
/// The camera is closed 5 s after its last viewer; the rest is for the emulator.
const LINGER_LIMIT: Duration = Duration::from_secs(15);
/// The service promises 1 s.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(5);

/// The cases.
pub fn cases() -> Vec<Case> {
    vec![
        Case::new("on demand: the device is open only while somebody watches", on_demand),
        Case::new("20 rounds of unplugging and replugging leak nothing", no_leak),
        Case::new("SIGTERM: streams end, status 0", terminated),
    ]
}

fn serve(camera: &UsbCamera) -> Outcome<Pinhole> {
    Pinhole::serve(&["--format", "mjpeg", "--size", "640x480", &camera.link()])
}

fn on_demand() -> Outcome {
    let camera = UsbCamera::plug_in("DEMAND1", &[])?;
    let service = serve(&camera)?;
    ensure!(service.open_devices()?.is_empty(), "open before anybody watches: {:?}", service.open_devices()?);
    service.wait_for_state("idle", PATIENCE)?;
    for round in ["first", "second"] {
        let mut viewer = service.view("/stream")?;
        next_picture(&mut viewer, 0)?;
        ensure!(service.open_devices()?.len() == 1, "{round} viewer: open are {:?}", service.open_devices()?);
        drop(viewer);
        until("the device to be closed", LINGER_LIMIT, || match service.open_devices()?.as_slice() {
            [] => Ok(()),
            open => Err(format!("open are {open:?}")),
        })?;
        service.wait_for_state("idle", PATIENCE)?;
        let status = camera.tell("status")?;
        ensure!(status.contains("streaming=0"), "the camera still streams: {status}");
    }
    Ok(())
}

fn no_leak() -> Outcome {
    let camera = UsbCamera::plug_in("LEAK1", &[])?;
    let service = serve(&camera)?;
    let mut viewer = service.view("/stream")?;
    next_picture(&mut viewer, 0)?;
    let mut warm: Option<Holdings> = None;
    for round in 1..=ROUNDS {
        camera.unplug()?;
        next_card(&mut viewer)?;
        camera.replug()?;
        next_picture(&mut viewer, 0)?;
        if round == ROUNDS_WARM {
            warm = Some(service.holdings()?);
        }
    }
    let warm = warm.ok_or("no round was warm")?;
    // A scan for devices or drawing of a card may be in progress; a leaked thread stays.
    until("threads and descriptors to be as many as in a warm round", PATIENCE, || {
        let after = service.holdings()?;
        if after.descriptors <= warm.descriptors && after.threads.len() <= warm.threads.len() {
            return Ok(());
        }
        Err(format!("{warm:?}, then {after:?}"))
    })?;
    let after = service.holdings()?;
    ensure!(after.own_kib <= warm.own_kib + GROWTH_MAX_KIB, "memory: {warm:?}, then {after:?}");
    Ok(())
}

fn terminated() -> Outcome {
    let camera = UsbCamera::plug_in("TERM1", &[])?;
    let mut service = serve(&camera)?;
    let mut viewer = service.view("/stream")?;
    next_picture(&mut viewer, 0)?;
    let watch = Stopwatch::start();
    service.terminate()?;
    ensure!(viewer.drain(), "the stream did not end");
    let status = service.wait_for_end(SHUTDOWN_LIMIT)?;
    ensure!(status.code() == Some(0), "{status}");
    ensure!(!watch.exceeds(SHUTDOWN_LIMIT), "it took {:.1} s", watch.seconds());
    let streams = camera.tell("status")?;
    ensure!(streams.contains("streaming=0"), "the camera still streams: {streams}");
    Ok(())
}
