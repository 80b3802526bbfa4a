//! Checks the systemd units with systemd itself.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The limit for `systemd-analyze security`: 0 is no exposure, 100 full. The unit explains the remaining
/// exposure.
const EXPOSURE_MAX_TENTHS: u32 = 15;
/// Keys newer than the oldest supported systemd, which may ignore them.
const MAY_BE_UNKNOWN: [&str; 4] = ["RestartSteps", "RestartMaxDelaySec", "ProtectProc", "PrivateIPC"];

/// The units in a separate folder, with the program of this build in place of the installed one.
fn units(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).unwrap();
    for unit in ["pinhole.service", "pinhole.socket"] {
        let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd").join(unit))
            .unwrap();
        std::fs::write(folder.join(unit), text.replace("/usr/bin/pinhole", env!("CARGO_BIN_EXE_pinhole")))
            .unwrap();
    }
    folder
}

/// Runs systemd-analyze; `None`, and a printed line, if this machine has none that is suitable.
fn analyze(arguments: &[&str], unit: &Path) -> Option<Output> {
    let result = Command::new("systemd-analyze").args(arguments).arg(unit).output();
    let missing = |why: &str| println!("SKIPPED: units: systemd-analyze {}: {why}", arguments.join(" "));
    match result {
        Ok(output) if String::from_utf8_lossy(&output.stderr).contains("unrecognized option") => {
            missing("too old");
            None
        }
        Ok(output) => Some(output),
        Err(error) => {
            missing(&error.to_string());
            None
        }
    }
}

#[test]
fn systemd_accepts_the_units() {
    let folder = units("verify");
    for unit in ["pinhole.service", "pinhole.socket"] {
        let Some(output) = analyze(&["verify", "--man=no"], &folder.join(unit)) else { return };
        // It also reports on other units of this machine that ours are connected to.
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let of_ours: Vec<&str> = said
            .lines()
            .filter(|line| line.contains("pinhole"))
            .filter(|line| !MAY_BE_UNKNOWN.iter().any(|key| line.contains(&format!("'{key}'"))))
            .collect();
        assert!(of_ours.is_empty(), "{of_ours:#?}");
    }
}

#[test]
fn the_service_is_sandboxed() {
    let unit = units("security").join("pinhole.service");
    let threshold = format!("--threshold={EXPOSURE_MAX_TENTHS}");
    let Some(output) = analyze(&["security", "--offline=true", "--no-pager", &threshold], &unit) else {
        return;
    };
    let said = String::from_utf8_lossy(&output.stdout);
    let score = said.lines().find(|line| line.contains("Overall exposure level"));
    println!("{}", score.unwrap_or(&said));
    assert!(score.is_some() && output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
}
