//! The program under test as a process.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Signal};
use serde_json::Value;

use crate::http::{self, Viewer};
use crate::wait::{PATIENCE, until};
use crate::{Outcome, Trouble};

/// The path of a program, from an environment variable that the host sets.
pub fn program(variable: &str) -> Outcome<PathBuf> {
    std::env::var_os(variable).map(PathBuf::from).ok_or_else(|| format!("{variable} is not set").into())
}

/// A running `pinhole serve`; killed when dropped.
pub struct Pinhole {
    child: Child,
    address: SocketAddr,
    log: PathBuf,
}

/// The resources of a process.
#[derive(Debug, Clone)]
pub struct Holdings {
    /// Open descriptors.
    pub descriptors: usize,
    /// Names of the threads.
    pub threads: Vec<String>,
    /// Private memory in KiB: mapped pages of the program's file come and go.
    pub own_kib: usize,
}

impl Pinhole {
    /// Starts the service with these options and sources, and waits until it accepts connections.
    pub fn serve(arguments: &[&str]) -> Outcome<Pinhole> {
        static NEXT_PORT: AtomicU16 = AtomicU16::new(18_000);
        let address = SocketAddr::from(([127, 0, 0, 1], NEXT_PORT.fetch_add(1, Ordering::Relaxed)));
        let log = PathBuf::from(format!("/tmp/pinhole-{}.log", address.port()));
        let output = File::create(&log).map_err(|error| format!("{}: {error}", log.display()))?;
        let errors = output.try_clone().map_err(|error| error.to_string())?;
        let child = Command::new(program("PINHOLE_BIN")?)
            .args(["serve", "--listen", &address.to_string()])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .map_err(|error| format!("cannot start pinhole: {error}"))?;
        let mut service = Pinhole { child, address, log };
        until("pinhole to listen", PATIENCE, || {
            if let Ok(Some(status)) = service.child.try_wait() {
                return Ok(Err(format!("pinhole ended: {status}\n{}", service.log_tail())));
            }
            match http::get(address, "/health") {
                Ok(_) => Ok(Ok(())),
                Err(error) => Err(format!("{error}\n{}", service.log_tail())),
            }
        })??;
        Ok(service)
    }

    fn log_tail(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(8)..].join("\n")
    }

    /// A viewer of `path`.
    pub fn view(&self, path: &str) -> Outcome<Viewer> {
        Viewer::open(self.address, path)
    }

    /// JSON from `path`, whatever its status.
    pub fn json(&self, path: &str) -> Result<Value, String> {
        let answer = http::get(self.address, path)?;
        serde_json::from_slice(&answer.body)
            .map_err(|error| format!("GET {path}: status {}: {error}", answer.status))
    }

    /// Sends JSON to `path`; returns the status and the JSON of the response.
    pub fn patch(&self, path: &str, body: &Value) -> Result<(u16, Value), String> {
        let answer = http::patch(self.address, path, &body.to_string())?;
        let value = serde_json::from_slice(&answer.body)
            .map_err(|error| format!("PATCH {path}: status {}: {error}", answer.status))?;
        Ok((answer.status, value))
    }

    /// The first (mostly only) camera of `/health`.
    pub fn camera(&self) -> Result<Value, String> {
        let health = self.json("/health")?;
        health["cameras"].get(0).cloned().ok_or_else(|| format!("/health has no camera: {health}"))
    }

    /// Waits until the camera is in this state, and returns its entry in `/health`.
    pub fn wait_for_state(&self, state: &str, limit: Duration) -> Outcome<Value> {
        until(&format!("state {state:?}"), limit, || {
            let camera = self.camera()?;
            if camera["state"] == state { Ok(camera) } else { Err(format!("{camera}\n{}", self.log_tail())) }
        })
    }

    /// Waits until the camera is lost, and returns the reason, which is required.
    pub fn wait_until_lost(&self, limit: Duration) -> Outcome<String> {
        let camera = self.wait_for_state("lost", limit)?;
        let reason = camera["reason"].as_str().unwrap_or_default().to_owned();
        if reason.is_empty() { Err(format!("lost without a reason: {camera}").into()) } else { Ok(reason) }
    }

    /// The V4L2 devices that the process has open.
    pub fn open_devices(&self) -> Result<Vec<PathBuf>, String> {
        let is_device = |path: &PathBuf| path.to_string_lossy().starts_with("/dev/video");
        Ok(self.descriptors()?.into_iter().filter(is_device).collect())
    }

    fn descriptors(&self) -> Result<Vec<PathBuf>, String> {
        let directory = format!("/proc/{}/fd", self.child.id());
        let entries = fs::read_dir(&directory).map_err(|error| format!("{directory}: {error}"))?;
        // A descriptor may close between listing and reading.
        Ok(entries.flatten().filter_map(|entry| fs::read_link(entry.path()).ok()).collect())
    }

    /// The process's present resources.
    pub fn holdings(&self) -> Result<Holdings, String> {
        let path = format!("/proc/{}/status", self.child.id());
        let status = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
        let own_kib = line
            .and_then(|line| line.split_whitespace().next()?.parse().ok())
            .ok_or_else(|| format!("{path}: no RssAnon"))?;
        Ok(Holdings { descriptors: self.descriptors()?.len(), threads: self.threads()?, own_kib })
    }

    fn threads(&self) -> Result<Vec<String>, String> {
        let directory = format!("/proc/{}/task", self.child.id());
        let entries = fs::read_dir(&directory).map_err(|error| format!("{directory}: {error}"))?;
        // A thread may end between listing and reading.
        let names = entries.flatten().filter_map(|entry| fs::read_to_string(entry.path().join("comm")).ok());
        Ok(names.map(|name| name.trim_end().to_owned()).collect())
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) -> Outcome {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).ok_or("no process id")?;
        rustix::process::kill_process(pid, Signal::TERM).map_err(|error| format!("kill: {error}").into())
    }

    /// Waits for the process to end.
    pub fn wait_for_end(&mut self, limit: Duration) -> Outcome<ExitStatus> {
        until("pinhole to end", limit, || match self.child.try_wait() {
            Ok(Some(status)) => Ok(status),
            Ok(None) => Err("it runs".into()),
            Err(error) => Err(error.to_string()),
        })
    }
}

impl Drop for Pinhole {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// Kills a process and waits for it. It may have ended already.
pub fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

/// Runs a program to its end and returns its standard output.
pub fn output(program: &Path, arguments: &[&str]) -> Outcome<String> {
    let name = program.display();
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Trouble::Failed(format!("{name}: {error}")))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    Err(format!("{name} {}: {}: {}", arguments.join(" "), output.status, errors.trim()).into())
}
