//! Third-party RTSP servers.

use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use pinhole::clock::Clock;

/// A running server; it ends when dropped.
pub struct Server {
    child: Child,
    pub port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// gst-rtsp-server with these clips (`NAME=FILE.mkv:CODEC`); `None` if it is not installed.
pub fn gst(address: &str, digest: bool, clips: &[String]) -> Option<Server> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/rtsp_servers/gst_server.py");
    // Debian's own interpreter has the bindings; another in PATH does not.
    let mut child = Command::new("/usr/bin/python3")
        .args([script, address, if digest { "DIGEST" } else { "-" }])
        .args(clips)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take()?).read_line(&mut line).ok()?;
    let Ok(port) = line.trim().parse() else {
        let _ = child.wait();
        return None;
    };
    Some(Server { child, port })
}

/// A port that is free at the moment, for servers that do not report theirs.
fn free_port() -> Option<u16> {
    Some(TcpListener::bind("127.0.0.1:0").ok()?.local_addr().ok()?.port())
}

/// live555 with these clips (`NAME=FILE.mkv`); `Err` gives the reason why it is unavailable.
pub fn live555(digest: bool, clips: &[String]) -> Result<Server, String> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/rtsp_servers/build-live555");
    let built = Command::new(script).stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    if !built.status.success() {
        let said = String::from_utf8_lossy(&built.stderr);
        return Err(said.lines().last().unwrap_or("it does not build").to_owned());
    }
    let program = String::from_utf8_lossy(&built.stdout).trim().to_owned();
    // Another process may take the port first.
    for _ in 0..9 {
        let port = free_port().ok_or("no port")?;
        let mut child = Command::new(&program)
            .args([port.to_string().as_str(), if digest { "DIGEST" } else { "-" }])
            .args(clips)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| error.to_string())?;
        let mut line = String::new();
        let out = child.stdout.take().ok_or("no output")?;
        BufReader::new(out).read_line(&mut line).map_err(|error| error.to_string())?;
        if line.trim() == port.to_string() {
            return Ok(Server { child, port });
        }
        let _ = child.wait();
    }
    panic!("live555 was built and does not start");
}

/// VLC with one clip at `/cam`, looped; `None` if it is not installed.
pub fn vlc(clip: &Path) -> Option<Server> {
    let port = free_port()?;
    let home = clip.parent()?.to_str()?;
    let is_root = rustix::process::geteuid().is_root();
    // VLC refuses to run as root.
    let (program, first): (&str, &[&str]) = if is_root {
        ("setpriv", &["--reuid=65534", "--regid=65534", "--clear-groups", "vlc"])
    } else {
        ("vlc", &[])
    };
    let mut child = Command::new(program)
        .args(first)
        .args(["-I", "dummy", "--no-audio", "--loop"])
        .arg(clip)
        .arg(format!("--sout=#rtp{{sdp=rtsp://127.0.0.1:{port}/cam}}"))
        .arg("--sout-keep")
        .env("HOME", home)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let clock = Clock::kernel();
    for _ in 0..200 {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Some(Server { child, port });
        }
        if child.try_wait().ok()?.is_some() {
            return None;
        }
        smol::block_on(clock.sleep(Duration::from_millis(100)));
    }
    let _ = child.kill();
    let _ = child.wait();
    None
}
