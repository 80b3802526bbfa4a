//! A configuration file of its own for a running program.

#![allow(dead_code, reason = "each test uses what it needs")]

use std::path::PathBuf;
use std::process::Command;

use super::service::Service;

/// A configuration file in a folder of its own, which is removed when dropped.
pub struct File(pub PathBuf);

impl File {
    pub fn new(name: &str, text: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("pinhole-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let file = Self(folder.join("pinhole.toml"));
        file.write(text);
        file
    }

    pub fn write(&self, text: &str) {
        std::fs::write(&self.0, text).expect("it is written");
    }

    /// As editors do.
    pub fn replace(&self, text: &str) {
        let new = self.0.with_extension("new");
        std::fs::write(&new, text).expect("it is written");
        std::fs::rename(&new, &self.0).expect("it is renamed");
    }

    pub fn serve(&self, more: &[&str]) -> Service {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pinhole"));
        Service::from_command(
            command.args(["serve", "--config", self.0.to_str().expect("a path")]).args(more),
        )
    }

    pub fn serve_anywhere(&self) -> Service {
        self.serve(&["--listen", "127.0.0.1:0"])
    }
}

impl Drop for File {
    fn drop(&mut self) {
        if let Some(folder) = self.0.parent() {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

/// The table of one camera.
pub fn camera(name: &str, source: &str, more: &str) -> String {
    format!("[[camera]]\nname = \"{name}\"\nsource = \"{source}\"\n{more}\n")
}
