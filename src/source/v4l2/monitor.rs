//! Tracks the capture devices that are plugged in, and which camera each of them is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use event_listener::{Event, EventListener};
use futures_lite::future::or;

use super::binding::{Binding, target};
use super::dev_watch::Watch;
use super::device_probe::{Answer, DeviceProbe};
use super::devices::{self, Device, Links};
use super::identity::{self, Identity, Wanted};
use crate::clock::{Clock, Monotonic};

/// Plugging in one device causes several events (node, permissions, links) within this time.
const SETTLE: Duration = Duration::from_millis(100);
/// `auto` waits until udev has created a new device's links (a configured camera may be waiting for one of
/// them) and set its permissions, but no longer than this: at boot udev may be slow.
const UDEV_TIME_MAX: Duration = Duration::from_secs(10);

/// The devices and the bindings to them.
#[derive(Debug)]
pub struct Monitor {
    clock: Clock,
    device_probe: Arc<DeviceProbe>,
    bindings: Mutex<Vec<Arc<Binding>>>,
    /// Result of the last scan: the nodes in /dev, and the devices without a binding.
    last: smol::lock::Mutex<Look>,
    changed: Event,
}

#[derive(Debug, Default)]
struct Look {
    nodes: Option<Vec<PathBuf>>,
    devices: Vec<Device>,
    unbound: Vec<Device>,
    /// Devices that udev has not processed yet, and when they appeared.
    unsettled: BTreeMap<PathBuf, Monotonic>,
}

impl Look {
    fn awaits_udev(&self, now: Monotonic) -> bool {
        self.unsettled.values().any(|since| now.since(*since) < UDEV_TIME_MAX)
    }
}

impl Monitor {
    /// A monitor before its first scan.
    pub fn new(clock: Clock) -> Arc<Self> {
        let (device_probe, bindings, last) = Default::default();
        Arc::new(Self { clock, device_probe, bindings, last, changed: Event::new() })
    }

    /// Adds a binding; the next [`rescan`](Self::rescan) gives it its device.
    pub fn add(&self, binding: Arc<Binding>) {
        self.bindings().push(binding);
    }

    /// Removes a binding, which frees its device for others.
    pub fn remove(&self, binding: &Arc<Binding>) {
        self.bindings().retain(|other| !Arc::ptr_eq(other, binding));
    }

    fn bindings(&self) -> MutexGuard<'_, Vec<Arc<Binding>>> {
        self.bindings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A listener for devices that come or go.
    pub fn listen(&self) -> EventListener {
        self.changed.listen()
    }

    /// Lists the nodes, and scans the devices only if the nodes have changed or udev had not finished with
    /// all of them.
    pub async fn look(self: &Arc<Self>) {
        let last = self.last.lock().await;
        let is_news = last.nodes != Some(devices::nodes()) || last.awaits_udev(self.clock.now());
        drop(last);
        if is_news {
            self.rescan().await;
        }
    }

    /// The devices that had no binding at the last scan and still have none.
    pub async fn unbound(&self) -> Vec<Device> {
        let last = self.last.lock().await;
        let bindings = self.bindings().clone();
        let is_bound =
            |device: &Device| bindings.iter().any(|binding| binding.node().as_ref() == Some(&device.node));
        last.unbound.iter().filter(|device| !is_bound(device)).cloned().collect()
    }

    /// Scans all devices and assigns them to the bindings.
    ///
    /// Returns the devices without a binding.
    pub async fn rescan(self: &Arc<Self>) -> Vec<Device> {
        let mut last = self.last.lock().await;
        let nodes = devices::nodes();
        let devices = self.ask(&nodes, &last.devices).await;
        let bindings = self.bindings().clone();
        let (left, changed) = deal(&bindings, devices.clone());
        let awaits_link = bindings.iter().any(|binding| binding.awaits_link());
        let is_settled = |node: &Path| devices::is_settled(node, awaits_link);
        let (unbound, unsettled) = settled(left, &last.unsettled, self.clock.now(), &is_settled);
        let before: Vec<_> = last.unbound.iter().map(|device| &device.node).collect();
        let changed = changed || before != unbound.iter().map(|device| &device.node).collect::<Vec<_>>();
        *last = Look { nodes: Some(nodes), devices, unbound: unbound.clone(), unsettled };
        drop(last);
        if changed {
            self.changed.notify(usize::MAX);
        }
        unbound
    }

    /// Describes the cameras at these nodes. A node that hangs keeps its last description.
    async fn ask(&self, nodes: &[PathBuf], known: &[Device]) -> Vec<Device> {
        let answers = self.device_probe.call(nodes, &self.clock, devices::describe).await;
        let links = Links::read();
        let said = |(node, answer): (&PathBuf, Answer<Option<Device>>)| match answer {
            Answer::Said(device) => device,
            Answer::Hangs => known.iter().find(|device| device.node == *node).cloned(),
        };
        nodes.iter().zip(answers).filter_map(said).map(|device| links.of(device)).collect()
    }

    /// Rescans on events of video devices from kernel or udev, and on late answers. Does not return.
    pub async fn watch(self: Arc<Self>) {
        let watch = match Watch::new() {
            Ok(watch) => watch,
            Err(error) => {
                log::warn!("cannot watch /dev for cameras ({error}); checking every few seconds instead");
                return futures_lite::future::pending().await;
            }
        };
        loop {
            let event = or(async { watch.video_event().await.map(|()| true) }, async {
                self.device_probe.late_answer().await;
                Ok(true)
            });
            match or(event, self.until_udev_may_be_done()).await {
                Ok(true) => {
                    self.clock.sleep(SETTLE).await;
                    watch.drain();
                    self.rescan().await;
                    // After "no permission" or "busy" a retry is worthwhile even if the nodes are the same.
                    self.changed.notify(usize::MAX);
                }
                Ok(false) => {
                    self.rescan().await;
                }
                Err(error) => {
                    log::warn!("cannot watch /dev for cameras any more: {error}");
                    return futures_lite::future::pending().await;
                }
            }
        }
    }

    /// Returns after [`SETTLE`] while udev has devices left to process: its records cause no event.
    async fn until_udev_may_be_done(&self) -> std::io::Result<bool> {
        if !self.last.lock().await.awaits_udev(self.clock.now()) {
            return futures_lite::future::pending().await;
        }
        self.clock.sleep(SETTLE).await;
        Ok(false)
    }
}

/// Splits unbound devices into those that udev has finished with (or has had its time for) and the others,
/// with the times when they appeared.
fn settled(
    devices: Vec<Device>,
    before: &BTreeMap<PathBuf, Monotonic>,
    now: Monotonic,
    is_settled: &dyn Fn(&Path) -> bool,
) -> (Vec<Device>, BTreeMap<PathBuf, Monotonic>) {
    let mut unsettled = BTreeMap::new();
    let mut ready = Vec::new();
    for device in devices {
        let since = before.get(&device.node).copied().unwrap_or(now);
        if is_settled(&device.node) {
            ready.push(device);
        } else {
            if now.since(since) >= UDEV_TIME_MAX {
                ready.push(device.clone());
            }
            unsettled.insert(device.node, since);
        }
    }
    (ready, unsettled)
}

/// Assigns devices to bindings. Returns the devices that are left, and whether any binding changed.
fn deal(bindings: &[Arc<Binding>], devices: Vec<Device>) -> (Vec<Device>, bool) {
    let at = |node: &Path| devices.iter().position(|device| device.node == node);
    let known: Vec<(Option<Identity>, Option<usize>)> = bindings
        .iter()
        .map(|binding| {
            let seen = binding.seen();
            (seen.identity.clone(), seen.node.as_deref().and_then(at))
        })
        .collect();
    let paths: Vec<Option<PathBuf>> =
        bindings.iter().map(|binding| binding.path.as_deref().map(target)).collect();
    let wanted: Vec<Wanted<'_>> = known
        .iter()
        .zip(&paths)
        .map(|((identity, at_node), path)| Wanted {
            identity: identity.as_ref(),
            at_node: *at_node,
            at_path: path.as_deref().and_then(at),
        })
        .collect();
    let identities: Vec<Identity> = devices.iter().map(|device| device.identity.clone()).collect();
    let given = identity::assign(&wanted, &identities);
    let mut changed = false;
    for (((binding, device), path), wanted) in bindings.iter().zip(&given).zip(&paths).zip(&wanted) {
        // A binding that lost its device is not meant for the device that has its number now.
        let same_as = match (device, wanted.identity, wanted.at_path) {
            (None, None, Some(at_path)) => {
                let other = given.iter().position(|given| *given == Some(at_path));
                other.map(|other| bindings[other].name.clone())
            }
            _ => None,
        };
        let mut seen = binding.seen();
        let node = match device {
            Some(device) => {
                seen.identity = Some(identities[*device].clone());
                seen.lasting = Some(devices[*device].stable_path().to_owned());
                Some(devices[*device].node.clone())
            }
            // Not among the devices found: a node of another name, or not a camera. Opening it gives the
            // reason.
            None => path
                .clone()
                .filter(|path| seen.identity.is_none() && devices::exists(path) && at(path).is_none()),
        };
        changed |= seen.node != node || seen.same_as != same_as;
        seen.node = node;
        seen.same_as = same_as;
    }
    let mut number = 0..;
    let left = devices.into_iter().filter(|_| !given.contains(&number.next())).collect();
    (left, changed)
}

/// A unique name for each device, from its card name; avoids those in `taken`.
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
    use crate::camera::device::Device as _;
    use crate::camera::lost::Lost;

    fn device(node: &str, card: &str, serial: Option<&str>, bus: &str) -> Device {
        let identity = Identity {
            model: "1209:0001".to_owned(),
            serial: serial.map(str::to_owned),
            bus: bus.to_owned(),
            index: 0,
            is_unasked: false,
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
    fn a_binding_follows_its_camera_to_another_number() {
        let binding = Binding::on_path(Path::new("/dev/video70"), "yard");
        let bindings = [binding.clone()];
        let (left, changed) = deal(&bindings, vec![device("/dev/video70", "Cam", Some("A"), "usb-1")]);
        assert_eq!((left.len(), changed, binding.node()), (0, true, Some("/dev/video70".into())));

        let (left, changed) = deal(&bindings, vec![]);
        assert_eq!((left.len(), changed, binding.node()), (0, true, None));

        let back = device("/dev/video72", "Cam", Some("A"), "usb-1");
        let other = device("/dev/video70", "Other", Some("B"), "usb-2");
        let (left, changed) = deal(&bindings, vec![other, back]);
        assert_eq!((changed, binding.node()), (true, Some("/dev/video72".into())));
        assert_eq!(left.iter().map(|device| device.card.as_str()).collect::<Vec<_>>(), ["Other"]);
    }

    #[test]
    fn a_second_binding_to_a_device_names_the_first() {
        let bindings = [
            Binding::on_path(Path::new("/dev/video70"), "yard"),
            Binding::on_path(Path::new("/dev/video70"), "gate"),
        ];
        let camera = device("/dev/video70", "Cam", Some("A"), "usb-1");
        deal(&bindings, vec![camera.clone()]);
        assert_eq!(bindings[0].node(), Some("/dev/video70".into()));
        assert_eq!((bindings[1].node(), bindings[1].missing()), (None, Lost::SameDevice("yard".to_owned())));
        deal(&bindings, vec![]);
        assert_eq!(bindings[0].missing(), Lost::Unplugged);
        assert_eq!(bindings[1].missing(), Lost::Absent("/dev/video70".into()), "never seen by itself");
        // A camera that had its own device is unplugged, even if another has its number now.
        let own = Binding::on_path(Path::new("/dev/video70"), "barn");
        deal(std::slice::from_ref(&own), vec![device("/dev/video70", "Cam", Some("B"), "usb-2")]);
        deal(&[bindings[0].clone(), own.clone()], vec![camera]);
        assert_eq!(own.missing(), Lost::Unplugged);
    }

    #[test]
    fn the_path_of_an_auto_camera_is_its_link_once_there_is_one() {
        let mut camera = device("/dev/video70", "Cam", None, "usb-1");
        let binding = Binding::on_device(&camera, "cam");
        assert_eq!(binding.found_at(), Some("/dev/video70".into()));
        camera.by_path = Some("/dev/v4l/by-path/usb-1".into());
        deal(std::slice::from_ref(&binding), vec![camera]);
        assert_eq!(binding.found_at(), Some("/dev/v4l/by-path/usb-1".into()));
        deal(std::slice::from_ref(&binding), vec![]);
        assert_eq!(binding.found_at(), Some("/dev/v4l/by-path/usb-1".into()), "unplugged");
        assert_eq!(Binding::on_path(Path::new("/dev/video70"), "yard").found_at(), None);
    }

    #[test]
    fn auto_waits_for_udev_but_not_for_ever() {
        let begin = Monotonic::since_zero(Duration::from_secs(100));
        let camera = || vec![device("/dev/video70", "Cam", None, "usb-1")];
        let (ready, waiting) = settled(camera(), &BTreeMap::new(), begin, &|_| false);
        assert_eq!((ready.len(), waiting.len()), (0, 1));
        let (ready, _) = settled(camera(), &waiting, begin + SETTLE, &|_| true);
        assert_eq!(ready.len(), 1, "udev is done");
        let (ready, still) = settled(camera(), &waiting, begin + UDEV_TIME_MAX, &|_| false);
        assert_eq!(ready.len(), 1, "udev has had its time");
        assert_eq!(still, waiting);
    }

    #[test]
    fn a_path_that_is_not_a_camera_is_opened_to_say_so() {
        let binding = Binding::on_path(Path::new("/dev/null"), "yard");
        deal(std::slice::from_ref(&binding), vec![]);
        assert_eq!(binding.node(), Some("/dev/null".into()));
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
