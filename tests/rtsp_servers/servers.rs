//! Servers that nobody here wrote.

use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use pinhole::clock::Clock;

/// A running server; it ends with this.
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

/// gst-rtsp-server with these clips (`NAME=FILE.mkv:CODEC`); `None` where it is not installed.
pub fn gst(digest: bool, clips: &[String]) -> Option<Server> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/rtsp_servers/gst_server.py");
    // Debian's own interpreter has the bindings, another in PATH has not.
    let mut child = Command::new("/usr/bin/python3")
        .args([script, if digest { "DIGEST" } else { "-" }])
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

/// VLC with one clip at `/cam`, again and again; `None` where it is not installed.
pub fn vlc(clip: &Path) -> Option<Server> {
    // It takes a port, but does not say which it took.
    let port = TcpListener::bind("127.0.0.1:0").ok()?.local_addr().ok()?.port();
    let home = clip.parent()?.to_str()?;
    let is_root = rustix::process::geteuid().is_root();
    // It refuses to run as root.
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
