//! A real nginx in front of a service, with the lines of docs/other-software.md and its own path.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::wait::until;

/// A running nginx. It ends when dropped.
pub struct Nginx {
    process: Child,
    folder: PathBuf,
    /// Its address, with a slash at the end.
    pub url: String,
}

impl Nginx {
    /// Starts nginx, if it is installed.
    pub fn start(service: SocketAddr) -> Option<Self> {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("nginx-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let port =
            TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a free port").port();
        let here = folder.display();
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {here}/{kind};\n"))
            .concat();
        let configuration = format!(
            "worker_processes 1;\npid {here}/pid;\nerror_log {here}/errors;\nevents {{}}\nhttp {{\naccess_log off;\n{temporary}\
             server {{\nlisten 127.0.0.1:{port};\n\
             location /webcam/ {{\nproxy_pass http://{service}/webcam/;\nproxy_buffering off;\n}}\n\
             location /pin/ {{\nproxy_pass http://{service}/;\nproxy_buffering off;\n}}\n}}\n}}\n"
        );
        let file = folder.join("nginx.conf");
        std::fs::write(&file, configuration).expect("written");
        let started = ["nginx", "/usr/sbin/nginx"].into_iter().find_map(|program| {
            let mut command = Command::new(program);
            command.args(["-g", "daemon off;", "-p"]).arg(&folder).arg("-c").arg(&file);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()
        });
        let Some(process) = started else {
            println!("SKIPPED: nginx: it is not installed");
            let _ = std::fs::remove_dir_all(&folder);
            return None;
        };
        let nginx = Self { process, folder, url: format!("http://127.0.0.1:{port}/") };
        until("nginx listens", Duration::from_secs(20), || TcpStream::connect(("127.0.0.1", port)).ok());
        Some(nginx)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Its worker ends with it only on SIGTERM, not if it is killed.
        if let Some(pid) = rustix::process::Pid::from_raw(self.process.id() as i32) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
