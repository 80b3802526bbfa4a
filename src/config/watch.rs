//! Detects changes of the configuration file.

use std::ffi::OsString;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::inotify::{self, CreateFlags, WatchFlags as On};
use smol::Async;

use crate::clock::Clock;

/// How long to wait after a change: editors write a file in several steps (another name, a backup,
/// permissions).
const SETTLE: Duration = Duration::from_millis(200);

/// Events to read in one batch.
const EVENTS_MAX: usize = 1024;

/// A watch on the folder of a file. Editors replace the file, so a watch on the file itself would end with
/// the first change.
#[derive(Debug)]
pub struct Watch {
    inotify: Async<OwnedFd>,
    /// The names under which it may change: its own, and the name of the link's target.
    names: Vec<OsString>,
}

impl Watch {
    /// Starts to watch a file, which need not exist; its folder must.
    ///
    /// # Errors
    /// If the folder cannot be watched.
    pub fn new(file: &Path) -> io::Result<Self> {
        let inotify = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        let events = On::CLOSE_WRITE | On::MOVED_TO | On::CREATE | On::DELETE | On::MOVED_FROM;
        let mut names = Vec::new();
        let target = std::fs::canonicalize(file).ok().filter(|target| target != file);
        for path in [Some(file.to_owned()), target].into_iter().flatten() {
            let Some(name) = path.file_name() else { continue };
            inotify::add_watch(&inotify, folder(&path), events)?;
            names.push(name.to_owned());
        }
        Ok(Self { inotify: Async::new(inotify)?, names })
    }

    /// Returns once the file may have changed, and its writer has had time to finish.
    ///
    /// # Errors
    /// If the kernel reports no more events.
    pub async fn changed(&self, clock: &Clock) -> io::Result<()> {
        loop {
            self.inotify.readable().await?;
            if self.drain() {
                clock.sleep(SETTLE).await;
                self.drain();
                return Ok(());
            }
        }
    }

    /// Takes all waiting events; true if one of them concerns the file.
    fn drain(&self) -> bool {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut events = inotify::Reader::new(&self.inotify, &mut buffer);
        let mut concerns = false;
        for _ in 0..EVENTS_MAX {
            let Ok(event) = events.next() else { break };
            let name = event.file_name().map(|name| name.to_bytes().to_owned()).unwrap_or_default();
            // Kubernetes and others replace a link named ..data beside the file.
            concerns |= name == b"..data" || self.names.iter().any(|it| it.as_encoded_bytes() == name);
        }
        concerns
    }
}

fn folder(file: &Path) -> PathBuf {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_lite::future::{or, yield_now};

    #[test]
    fn every_kind_of_change_to_the_file_is_detected_and_its_neighbours_are_ignored() {
        let folder = std::env::temp_dir().join(format!("pinhole-watch-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("pinhole.toml");
        std::fs::write(&file, "a").unwrap();
        let watch = Watch::new(&file).unwrap();
        let notices = |watch: &Watch, change: &dyn Fn()| {
            change();
            watch.drain()
        };
        assert!(!notices(&watch, &|| ()));
        assert!(notices(&watch, &|| std::fs::write(&file, "b").unwrap()), "written");
        let new = folder.join("pinhole.toml.new");
        assert!(!notices(&watch, &|| std::fs::write(&new, "c").unwrap()), "a neighbour");
        assert!(notices(&watch, &|| std::fs::rename(&new, &file).unwrap()), "renamed to it");
        assert!(notices(&watch, &|| std::fs::remove_file(&file).unwrap()), "removed");
        assert!(notices(&watch, &|| std::fs::write(&file, "d").unwrap()), "there again");
        let elsewhere = folder.join("elsewhere");
        std::fs::create_dir_all(&elsewhere).unwrap();
        std::fs::rename(&file, elsewhere.join("real.toml")).unwrap();
        std::os::unix::fs::symlink(elsewhere.join("real.toml"), &file).unwrap();
        let watch = Watch::new(&file).unwrap();
        assert!(
            notices(&watch, &|| std::fs::write(elsewhere.join("real.toml"), "e").unwrap()),
            "behind a link"
        );
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_file_is_read_once_its_writer_has_had_time_to_finish() {
        let folder = std::env::temp_dir().join(format!("pinhole-settle-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("pinhole.toml");
        let watch = Watch::new(&file).unwrap();
        let (clock, hand) = Clock::manual();
        std::fs::write(&file, "half of").unwrap();
        let begin = clock.now();
        let time = async {
            std::fs::write(&file, "all of it").unwrap();
            loop {
                hand.advance(SETTLE / 10);
                yield_now().await;
            }
        };
        smol::block_on(or(watch.changed(&clock), time)).unwrap();
        assert!(clock.now().since(begin) >= SETTLE);
        assert!(!watch.drain(), "both are one change");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
