//! Watches which capture devices there are, and which camera each of them is.

use std::collections::BTreeMap;
use std::fs;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use event_listener::{Event, EventListener};
use rustix::fs::inotify;
use smol::Async;

use super::devices::{self, Device};
use super::identity::{self, Identity, Wanted};
use crate::clock::Clock;

/// Events of one plugging-in come within this time: the node, its permissions, its links.
const SETTLE: Duration = Duration::from_millis(100);

/// A device that a camera stands for, wherever it is plugged in.
#[derive(Debug)]
pub struct Claim {
    /// The configured path; `None` for a camera that `auto` found.
    path: Option<PathBuf>,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    identity: Option<Identity>,
    node: Option<PathBuf>,
}

impl Claim {
    /// The claim of a configured path, which may be a link such as those in /dev/v4l/by-id.
    pub fn on_path(path: &Path) -> Arc<Self> {
        Arc::new(Self { path: Some(path.to_owned()), seen: Mutex::default() })
    }

    /// The claim of a device that was found.
    pub fn on_device(device: &Device) -> Arc<Self> {
        let seen = Seen { identity: Some(device.identity.clone()), node: Some(device.node.clone()) };
        Arc::new(Self { path: None, seen: Mutex::new(seen) })
    }

    /// The node to open; `None` while the device is not there.
    pub fn node(&self) -> Option<PathBuf> {
        self.seen().node.clone()
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Which devices there are, and whose they are.
#[derive(Debug, Default)]
pub struct Monitor {
    claims: Mutex<Vec<Arc<Claim>>>,
    /// What the last look found: the nodes in /dev, and the devices that no claim covers.
    last: smol::lock::Mutex<Look>,
    changed: Event,
}

#[derive(Debug, Default)]
struct Look {
    nodes: Option<Vec<PathBuf>>,
    unclaimed: Vec<Device>,
}

impl Monitor {
    /// A monitor that has not looked yet.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Adds a claim; the next [`rescan`](Self::rescan) gives it its device.
    pub fn add(&self, claim: Arc<Claim>) {
        self.claims().push(claim);
    }

    fn claims(&self) -> MutexGuard<'_, Vec<Arc<Claim>>> {
        self.claims.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hears when devices came or went.
    pub fn listen(&self) -> EventListener {
        self.changed.listen()
    }

    /// Looks at the nodes, and at the devices only if there are other nodes than at the last look.
    pub async fn look(self: &Arc<Self>) {
        let nodes = smol::unblock(devices::nodes).await;
        if self.last.lock().await.nodes.as_ref() != Some(&nodes) {
            self.rescan().await;
        }
    }

    /// The devices that no claim covered at the last look and covers now.
    pub async fn unclaimed(&self) -> Vec<Device> {
        let last = self.last.lock().await;
        let claims = self.claims().clone();
        let claimed =
            |device: &Device| claims.iter().any(|claim| claim.node().as_ref() == Some(&device.node));
        last.unclaimed.iter().filter(|device| !claimed(device)).cloned().collect()
    }

    /// Looks at all devices and gives each claim its own.
    ///
    /// Returns those that no claim covers.
    pub async fn rescan(self: &Arc<Self>) -> Vec<Device> {
        let mut last = self.last.lock().await;
        let claims = self.claims().clone();
        // A driver may take its time to answer an open.
        let (look, changed) = smol::unblock(move || {
            let nodes = devices::nodes();
            let (unclaimed, changed) = deal(&claims, devices::capture_devices());
            (Look { nodes: Some(nodes), unclaimed }, changed)
        })
        .await;
        let before: Vec<_> = last.unclaimed.iter().map(|device| &device.node).collect();
        let changed =
            changed || before != look.unclaimed.iter().map(|device| &device.node).collect::<Vec<_>>();
        *last = look;
        let unclaimed = last.unclaimed.clone();
        drop(last);
        if changed {
            self.changed.notify(usize::MAX);
        }
        unclaimed
    }

    /// Rescans whenever the kernel or udev changes something about video devices. Does not return.
    pub async fn watch(self: Arc<Self>, clock: Clock) {
        let watch = match Watch::new() {
            Ok(watch) => watch,
            Err(error) => {
                log::warn!("no events of plugged-in cameras ({error}); looking every few seconds instead");
                return futures_lite::future::pending().await;
            }
        };
        loop {
            if let Err(error) = watch.video_event().await {
                log::warn!("no more events of plugged-in cameras: {error}");
                return futures_lite::future::pending().await;
            }
            clock.sleep(SETTLE).await;
            watch.drain();
            self.rescan().await;
            // A retry after "no permission" or "busy" is worth it even if the nodes are the same.
            self.changed.notify(usize::MAX);
        }
    }
}

/// Gives each claim its device. Returns the devices that are left, and whether any claim changed.
fn deal(claims: &[Arc<Claim>], devices: Vec<Device>) -> (Vec<Device>, bool) {
    let known: Vec<Option<Identity>> = claims.iter().map(|claim| claim.seen().identity.clone()).collect();
    let paths: Vec<Option<PathBuf>> = claims.iter().map(|claim| claim.path.as_deref().map(target)).collect();
    let wanted: Vec<Wanted<'_>> = known
        .iter()
        .zip(&paths)
        .map(|(identity, path)| Wanted {
            identity: identity.as_ref(),
            at_path: path.as_ref().and_then(|path| devices.iter().position(|device| device.node == *path)),
        })
        .collect();
    let identities: Vec<Identity> = devices.iter().map(|device| device.identity.clone()).collect();
    let given = identity::assign(&wanted, &identities);
    let mut changed = false;
    for ((claim, device), path) in claims.iter().zip(&given).zip(paths) {
        let mut seen = claim.seen();
        let node = match device {
            Some(device) => {
                seen.identity = Some(identities[*device].clone());
                Some(devices[*device].node.clone())
            }
            // Not among the devices found: a node of another name, or no camera. Opening it says.
            None => path.filter(|path| {
                seen.identity.is_none()
                    && devices::exists(path)
                    && !devices.iter().any(|device| device.node == *path)
            }),
        };
        changed |= seen.node != node;
        seen.node = node;
    }
    let mut number = 0..;
    let left = devices.into_iter().filter(|_| !given.contains(&number.next())).collect();
    (left, changed)
}

/// Where a configured path points.
fn target(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// inotify on the folders in which video devices and their links appear.
struct Watch {
    inotify: Async<OwnedFd>,
}

impl Watch {
    fn new() -> std::io::Result<Self> {
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

    /// udev makes these folders with the first link in them. Adding a watch again changes nothing.
    fn add_link_folders(&self) {
        for folder in ["/dev/v4l", "/dev/v4l/by-id", "/dev/v4l/by-path"] {
            if let Err(error) = self.add(folder) {
                log::debug!("{folder}: {error}");
            }
        }
    }

    /// Returns after an event that concerns video devices.
    async fn video_event(&self) -> std::io::Result<()> {
        loop {
            self.inotify.readable().await?;
            if self.drain() {
                return Ok(());
            }
        }
    }

    /// Takes all waiting events; true if one of them concerns video devices.
    fn drain(&self) -> bool {
        let mut buffer = [std::mem::MaybeUninit::uninit(); 4096];
        let mut events = inotify::Reader::new(&self.inotify, &mut buffer);
        let mut concerns = false;
        while let Ok(event) = events.next() {
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

/// A name for each device from its driver's name for it, unique among them and among `taken`.
pub fn names(devices: &[Device], taken: &[String]) -> Vec<String> {
    let mut count: BTreeMap<String, usize> = taken.iter().map(|name| (name.clone(), 1)).collect();
    devices
        .iter()
        .map(|device| {
            let base = crate::config::slug(&device.card);
            let mut name = base.clone();
            while count.contains_key(&name) {
                let number = count.entry(base.clone()).or_insert(1);
                *number += 1;
                name = format!("{base}-{number}");
            }
            count.insert(name.clone(), 1);
            name
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(node: &str, card: &str, serial: Option<&str>, bus: &str) -> Device {
        let identity = Identity {
            model: "1209:0001".to_owned(),
            serial: serial.map(str::to_owned),
            bus: bus.to_owned(),
            index: 0,
        };
        Device {
            node: node.into(),
            identity,
            card: card.to_owned(),
            driver: "uvcvideo".to_owned(),
            by_id: None,
            by_path: None,
        }
    }

    #[test]
    fn a_claim_follows_its_camera_to_another_number() {
        let claim = Claim::on_path(Path::new("/dev/video70"));
        let claims = [claim.clone()];
        let (left, changed) = deal(&claims, vec![device("/dev/video70", "Cam", Some("A"), "usb-1")]);
        assert_eq!((left.len(), changed, claim.node()), (0, true, Some("/dev/video70".into())));

        let (left, changed) = deal(&claims, vec![]);
        assert_eq!((left.len(), changed, claim.node()), (0, true, None));

        let back = device("/dev/video72", "Cam", Some("A"), "usb-1");
        let other = device("/dev/video70", "Other", Some("B"), "usb-2");
        let (left, changed) = deal(&claims, vec![other, back]);
        assert_eq!((changed, claim.node()), (true, Some("/dev/video72".into())));
        assert_eq!(left.iter().map(|device| device.card.as_str()).collect::<Vec<_>>(), ["Other"]);
    }

    #[test]
    fn a_path_that_is_no_camera_is_opened_all_the_same_to_say_what_it_is() {
        let claim = Claim::on_path(Path::new("/dev/null"));
        deal(std::slice::from_ref(&claim), vec![]);
        assert_eq!(claim.node(), Some("/dev/null".into()));
    }

    #[test]
    fn names_are_unique_and_fit_into_a_url() {
        let devices = [
            device("/dev/video0", "HD Pro Webcam C920", None, "1"),
            device("/dev/video2", "HD Pro Webcam C920", None, "2"),
            device("/dev/video4", "日本", None, "3"),
        ];
        let taken = ["hd-pro-webcam-c920-2".to_owned()];
        assert_eq!(names(&devices, &taken), ["hd-pro-webcam-c920", "hd-pro-webcam-c920-3", "camera"]);
    }
}
