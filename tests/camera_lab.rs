//! The camera lab: `cargo test --test camera_lab [-- CASE...]`.
//!
//! Builds the lab's two programs, boots one virtual machine (`tests/lab/run`) and lets `tests/lab/guest` run
//! its cases there against the `pinhole` of this build, or the one in `PINHOLE_BIN`. Each case prints a line;
//! the last one counts them. If the machine cannot run, one line says so and it counts as skipped; with
//! `CI=true` it is a failure.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus};

/// Seconds for all cases; they take about four minutes.
const TIMEOUT_S: &str = "900";
/// `tests/lab/run`: this machine cannot run the lab.
const STATUS_SKIPPED: i32 = 77;
/// `tests/lab/run`: the time is up.
const STATUS_TIMEOUT: i32 = 124;
/// The guest program: cases failed, and it has counted them.
const STATUS_FAILED: i32 = 1;

fn main() -> ExitCode {
    // Options of the ordinary test harness, such as --nocapture, do not apply here.
    let cases: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let programs = match build() {
        Ok(programs) => programs,
        Err(problem) => return broken(&problem),
    };
    match boot(&programs, &cases) {
        Ok(status) => conclude(status),
        Err(problem) => broken(&problem),
    }
}

/// The programs that run in the guest.
struct Programs {
    pinhole: PathBuf,
    usb_camera: PathBuf,
    guest: PathBuf,
}

fn build() -> Result<Programs, String> {
    let pinhole =
        std::env::var_os("PINHOLE_BIN").map_or_else(|| env!("CARGO_BIN_EXE_pinhole").into(), PathBuf::from);
    let pinhole = pinhole.canonicalize().map_err(|error| format!("{}: {error}", pinhole.display()))?;
    let built = Path::new(env!("CARGO_BIN_EXE_pinhole"));
    let directory = built.parent().ok_or("the build has no directory")?;
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(env!("CARGO_MANIFEST_DIR")).args([
        "build",
        "--package=usb-camera",
        "--package=lab-guest",
    ]);
    if directory.ends_with("release") {
        cargo.arg("--release");
    }
    let status = cargo.status().map_err(|error| format!("cargo: {error}"))?;
    if !status.success() {
        return Err(format!("the lab's programs do not build: {status}"));
    }
    Ok(Programs { pinhole, usb_camera: directory.join("usb-camera"), guest: directory.join("lab-guest") })
}

/// Runs the guest program in the virtual machine; passes its output through.
fn boot(programs: &Programs, cases: &[String]) -> Result<ExitStatus, String> {
    let variable = |name: &str, path: &Path| format!("{name}={}", path.display());
    Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/run"))
        .args(["--timeout", TIMEOUT_S, "--", "env"])
        .arg(variable("PINHOLE_BIN", &programs.pinhole))
        .arg(variable("USB_CAMERA_BIN", &programs.usb_camera))
        .arg(&programs.guest)
        .args(cases)
        .status()
        .map_err(|error| format!("tests/lab/run: {error}"))
}

fn conclude(status: ExitStatus) -> ExitCode {
    match status.code() {
        Some(0) => ExitCode::SUCCESS,
        Some(STATUS_FAILED) => ExitCode::FAILURE,
        Some(STATUS_SKIPPED) => {
            println!("0 passed, 0 failed, 1 skipped");
            ExitCode::SUCCESS
        }
        Some(STATUS_TIMEOUT) => broken(&format!("the cases took longer than {TIMEOUT_S} s")),
        _ => broken(&format!("the virtual machine: {status}")),
    }
}

/// The lab itself failed; how many of its cases would have passed is unknown.
fn broken(problem: &str) -> ExitCode {
    println!("FAILED  camera lab: {problem}");
    println!("0 passed, 1 failed, 0 skipped");
    ExitCode::FAILURE
}
