//! The configuration changes while cameras of a real kernel stream.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use usb_camera::descriptors::{MODES, Mode};

use crate::service::Pinhole;
use crate::usb::{UsbCamera, check_identical, next_card, next_picture};
use crate::wait::{PATIENCE, until};
use crate::{Case, Outcome, ensure};

/// The cases.
pub fn cases() -> Vec<Case> {
    vec![
        Case::new("reload: one camera changes while another streams, which notices nothing", beside_another),
        Case::new("reload: a renamed camera is the same device under its new name", renamed),
        Case::new("reload: a device goes from auto to a name and back", from_auto_to_a_name),
        Case::new("reload: a file that is wrong for a while changes nothing", wrong_for_a_while),
    ]
}

/// A configuration file of one case.
struct File(PathBuf);

impl File {
    fn new(name: &str, text: &str) -> Outcome<Self> {
        let folder = PathBuf::from(format!("/tmp/reload-{name}"));
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let file = Self(folder.join("pinhole.toml"));
        file.replace(text)?;
        Ok(file)
    }

    /// Replaces the file, as editors do.
    fn replace(&self, text: &str) -> Outcome {
        let new = self.0.with_extension("new");
        let written = fs::write(&new, text).and_then(|()| fs::rename(&new, &self.0));
        written.map_err(|error| format!("{}: {error}", self.0.display()).into())
    }

    fn serve(&self) -> Outcome<Pinhole> {
        Pinhole::serve(&["--config", &self.0.to_string_lossy()])
    }
}

fn entry(name: &str, camera: &UsbCamera) -> String {
    sized(name, camera, MODES[0])
}

fn sized(name: &str, camera: &UsbCamera, mode: Mode) -> String {
    let (link, width, height) = (camera.link(), mode.width, mode.height);
    let picture = format!("format = \"mjpeg\"\nsize = \"{width}x{height}\"");
    format!("[[camera]]\nname = \"{name}\"\nsource = \"{link}\"\n{picture}\n")
}

fn camera(service: &Pinhole, name: &str) -> Result<Value, String> {
    let camera = service.json(&format!("/api/cameras/{name}"))?;
    if camera["name"] == name { Ok(camera) } else { Err(camera.to_string()) }
}

fn wait_for_names(service: &Pinhole, expected: &[&str]) -> Outcome {
    until(&format!("the cameras {expected:?}"), PATIENCE, || {
        let cameras = service.json("/api/cameras")?;
        let names: Vec<_> = cameras.as_array().into_iter().flatten().map(|it| it["name"].clone()).collect();
        if names == expected { Ok(()) } else { Err(format!("{names:?}")) }
    })
}

fn beside_another() -> Outcome {
    let (yard, door) = (UsbCamera::plug_in("RELOAD1", &[])?, UsbCamera::plug_in("RELOAD2", &[])?);
    let yards = entry("yard", &yard);
    let file = File::new("beside", &(yards.clone() + &entry("door", &door)))?;
    let service = file.serve()?;
    let (mut of_yard, mut of_door) =
        (service.view("/cameras/yard/stream")?, service.view("/cameras/door/stream")?);
    let mut last = check_identical(MODES[0], &next_picture(&mut of_yard, 0)?)?;
    next_picture(&mut of_door, 0)?;
    for mode in [MODES[1], MODES[0], MODES[1], MODES[0], MODES[1]] {
        file.replace(&(yards.clone() + &sized("door", &door, mode)))?;
        // Its device is closed and reopened, and the same connection continues.
        of_door.wait_for("a picture of the other size", |jpeg| check_identical(mode, jpeg).is_ok())?;
        for _ in 0..5 {
            // Anything but a whole picture after the last one is an error here.
            let jpeg = of_yard.next()?;
            let number = check_identical(MODES[0], &jpeg)?;
            ensure!(number > last, "picture {number} behind {last}");
            last = number;
        }
    }
    let yard = camera(&service, "yard")?;
    ensure!(yard["reconnects_total"] == 0 && yard["state"] == "live", "it was disturbed: {yard}");
    ensure!(service.open_devices()?.len() == 2, "open are {:?}", service.open_devices()?);
    Ok(())
}

fn renamed() -> Outcome {
    let usb = UsbCamera::plug_in("RELOAD3", &[])?;
    let file = File::new("renamed", &entry("before", &usb))?;
    let service = file.serve()?;
    let mut viewer = service.view("/cameras/before/stream")?;
    next_picture(&mut viewer, 0)?;
    file.replace(&entry("after", &usb))?;
    next_card(&mut viewer)?;
    ensure!(viewer.drain(), "the stream of the old name does not end");
    let mut viewer = service.view("/cameras/after/stream")?;
    check_identical(MODES[0], &next_picture(&mut viewer, 0)?)?;
    wait_for_names(&service, &["after"])?;
    ensure!(service.open_devices()?.len() == 1, "open are {:?}", service.open_devices()?);
    Ok(())
}

fn from_auto_to_a_name() -> Outcome {
    let usb = UsbCamera::plug_in("RELOAD4", &[])?;
    let auto = "[[camera]]\nsource = \"auto\"\n";
    let file = File::new("auto", auto)?;
    let service = file.serve()?;
    wait_for_names(&service, &["vivid", "lab-camera-lab-camera"])?;
    let mut of_vivid = service.view("/cameras/vivid/stream")?;
    of_vivid.next()?;
    file.replace(&(entry("bench", &usb) + auto))?;
    wait_for_names(&service, &["bench", "vivid"])?;
    let mut viewer = service.view("/cameras/bench/stream")?;
    check_identical(MODES[0], &next_picture(&mut viewer, 0)?)?;
    of_vivid.next()?;
    file.replace(auto)?;
    next_card(&mut viewer)?;
    wait_for_names(&service, &["vivid", "lab-camera-lab-camera"])?;
    let mut viewer = service.view("/cameras/lab-camera-lab-camera/stream")?;
    next_picture(&mut viewer, 0)?;
    of_vivid.next()?;
    let vivid = camera(&service, "vivid")?;
    ensure!(vivid["reconnects_total"] == 0 && vivid["state"] == "live", "it was disturbed: {vivid}");
    Ok(())
}

fn wrong_for_a_while() -> Outcome {
    let usb = UsbCamera::plug_in("RELOAD5", &[])?;
    let good = entry("yard", &usb);
    let file = File::new("wrong", &good)?;
    let service = file.serve()?;
    let mut viewer = service.view("/cameras/yard/stream")?;
    let last = check_identical(MODES[0], &next_picture(&mut viewer, 0)?)?;
    let errors = || Ok::<_, String>(service.json("/health")?["system"]["configuration_errors"].clone());
    file.replace(&(good.clone() + "fps = \"many\"\n"))?;
    until("the mistake in /health", PATIENCE, || {
        let listed = errors()?;
        let is_told = listed[0].as_str().is_some_and(|line| line.contains("pinhole.toml:6: camera.fps"));
        if is_told { Ok(()) } else { Err(listed.to_string()) }
    })?;
    next_picture(&mut viewer, last)?;
    file.replace(&good)?;
    until("no mistake in /health", PATIENCE, || {
        let listed = errors()?;
        if listed.is_null() { Ok(()) } else { Err(listed.to_string()) }
    })?;
    let yard = camera(&service, "yard")?;
    ensure!(yard["reconnects_total"] == 0 && yard["state"] == "live", "it was disturbed: {yard}");
    Ok(())
}
