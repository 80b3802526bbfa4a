//! Inspects devices without the program under test, using `v4l2-ctl`.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::service::{end, output};
use crate::wait::{PATIENCE, until};
use crate::{Outcome, Trouble};

/// vivid's only capture node: it is loaded before any camera is plugged in.
pub const VIVID: &str = "/dev/video0";

fn v4l2_ctl(arguments: &[&str]) -> Outcome<String> {
    output(Path::new("v4l2-ctl"), arguments)
}

/// The fourccs that a device offers.
pub fn formats(device: &str) -> Outcome<Vec<String>> {
    let listing = v4l2_ctl(&["-d", device, "--list-formats"])?;
    Ok(listing.lines().filter_map(|line| line.split('\'').nth(1)).map(str::to_owned).collect())
}

/// Makes vivid's picture static: colour bars, no text, no counter.
pub fn freeze_vivid() -> Outcome {
    v4l2_ctl(&["-d", VIVID, "-c", "test_pattern=0,osd_text_mode=2,horizontal_movement=3,vertical_movement=3"])
        .map(drop)
}

/// The nodes of devices whose name has this prefix.
pub fn nodes(name: &str) -> Result<Vec<String>, String> {
    let folder = "/sys/class/video4linux";
    let entries = fs::read_dir(folder).map_err(|error| format!("{folder}: {error}"))?;
    let is_wanted = |path: &Path| fs::read_to_string(path.join("name")).is_ok_and(|it| it.starts_with(name));
    Ok(entries
        .flatten()
        .filter(|entry| is_wanted(&entry.path()))
        .map(|entry| format!("/dev/{}", entry.file_name().to_string_lossy()))
        .collect())
}

/// The value of one of vivid's controls.
pub fn control(name: &str) -> Outcome<i64> {
    let line = v4l2_ctl(&["-d", VIVID, "-C", name])?;
    let value = line.split_once(':').and_then(|(_, value)| value.split_whitespace().next()?.parse().ok());
    value.ok_or_else(|| format!("no value in {line:?}").into())
}

/// Sets one of vivid's controls.
pub fn set_control(name: &str, value: i64) -> Outcome {
    v4l2_ctl(&["-d", VIVID, "-c", &format!("{name}={value}")]).map(drop)
}

/// Captures unchanged frames and returns their bytes, one after the other.
pub fn capture(
    device: &str,
    fourcc: &str,
    (width, height): (usize, usize),
    frames: usize,
) -> Outcome<Vec<u8>> {
    const FILE: &str = "/tmp/captured";
    let format = format!("--set-fmt-video=width={width},height={height},pixelformat={fourcc}");
    let count = format!("--stream-count={frames}");
    let to = format!("--stream-to={FILE}");
    v4l2_ctl(&["-d", device, &format, "--stream-mmap=4", &count, &to])?;
    fs::read(FILE).map_err(|error| format!("{FILE}: {error}").into())
}

/// Another program that streams from a device; it ends when dropped.
pub struct Occupant(Child);

impl Occupant {
    /// Starts it and waits for its first frame.
    pub fn begin(device: &str) -> Outcome<Occupant> {
        const FILE: &str = "/tmp/occupied";
        let _ = fs::remove_file(FILE);
        let child = Command::new("v4l2-ctl")
            .args(["-d", device, "--stream-mmap=4", "--stream-to", FILE])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| Trouble::Failed(format!("v4l2-ctl: {error}")))?;
        let occupant = Occupant(child);
        until("another program to stream", PATIENCE, || match fs::metadata(FILE) {
            Ok(file) if file.len() > 0 => Ok(()),
            Ok(_) => Err("no frame yet".into()),
            Err(error) => Err(error.to_string()),
        })?;
        Ok(occupant)
    }
}

impl Drop for Occupant {
    fn drop(&mut self) {
        end(&mut self.0);
    }
}
