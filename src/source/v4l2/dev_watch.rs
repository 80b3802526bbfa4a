//! Events of video devices and of the links to them, from the kernel and udev.

use std::os::fd::OwnedFd;

use rustix::fs::inotify;
use smol::Async;

/// Events read at a time; a flood of events must not block the serving thread.
const EVENTS_MAX: usize = 1024;

/// inotify on the folders in which video devices and their links appear.
pub(super) struct Watch {
    inotify: Async<OwnedFd>,
}

impl Watch {
    pub fn new() -> std::io::Result<Self> {
        let fd = inotify::init(inotify::CreateFlags::NONBLOCK | inotify::CreateFlags::CLOEXEC)?;
        let watch = Self { inotify: Async::new(fd)? };
        watch.add("/dev")?;
        watch.add_link_folders();
        Ok(watch)
    }

    fn add(&self, folder: &str) -> std::io::Result<()> {
        use inotify::WatchFlags as On;
        let events = On::CREATE | On::DELETE | On::MOVED_TO | On::MOVED_FROM | On::ATTRIB;
        inotify::add_watch(&self.inotify, folder, events)?;
        Ok(())
    }

    /// udev creates these folders with the first link in them. Adding a watch twice changes nothing.
    fn add_link_folders(&self) {
        for folder in ["/dev/v4l", "/dev/v4l/by-id", "/dev/v4l/by-path"] {
            if let Err(error) = self.add(folder) {
                log::debug!("{folder}: {error}");
            }
        }
    }

    /// Returns after an event that concerns video devices.
    pub async fn video_event(&self) -> std::io::Result<()> {
        loop {
            self.inotify.readable().await?;
            if self.drain() {
                return Ok(());
            }
        }
    }

    /// Reads all pending events; true if one of them concerns video devices.
    pub fn drain(&self) -> bool {
        let mut buffer = [std::mem::MaybeUninit::uninit(); 4096];
        let mut events = inotify::Reader::new(&self.inotify, &mut buffer);
        let mut concerns = false;
        for _ in 0..EVENTS_MAX {
            let Ok(event) = events.next() else { break };
            let name = event.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            concerns |= name.starts_with("video") || name.starts_with("v4l") || name.contains("video-index");
            concerns |= name == "by-id" || name == "by-path";
        }
        if concerns {
            self.add_link_folders();
        }
        concerns
    }
}
