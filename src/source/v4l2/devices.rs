//! Finds the capture devices of this machine.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use v4l::capability::{Capabilities, Flags};

use super::identity::Identity;
use crate::camera::lost::{DriverLost, Lost};
use crate::config::shown;

/// udev's control socket, and its records of devices (`c81:0` for the first video node).
const UDEV_CONTROL: &str = "/run/udev/control";
const UDEV_RECORDS: &str = "/run/udev/data";

/// Drivers whose capture nodes are not cameras: image processors and codecs of the Raspberry Pi.
const NOT_CAMERAS: [&str; 5] = ["bcm2835-isp", "bcm2835-codec", "pispbe", "rpi-hevc-dec", "rpivid"];

/// A capture device.
#[derive(Debug, Clone)]
pub struct Device {
    /// Its node, /dev/videoN.
    pub node: PathBuf,
    /// Recognises it when it comes back.
    pub identity: Identity,
    /// Its name according to the driver.
    pub card: String,
    /// The driver.
    pub driver: String,
    /// The link in /dev/v4l/by-id, for USB devices.
    pub by_id: Option<PathBuf>,
    /// The link in /dev/v4l/by-path.
    pub by_path: Option<PathBuf>,
}

impl Device {
    /// The most stable path to this camera: by its identity if it has a serial number, else by its port, else
    /// its node.
    pub fn stable_path(&self) -> &Path {
        let by_id = self.by_id.as_ref().filter(|_| self.identity.serial.is_some());
        by_id.or(self.by_path.as_ref()).or(self.by_id.as_ref()).unwrap_or(&self.node)
    }
}

/// The video nodes in /dev, by number. Opens none of them.
pub fn nodes() -> Vec<PathBuf> {
    let number = |name: &str| name.strip_prefix("video")?.parse::<u32>().ok();
    let entries = fs::read_dir("/dev").into_iter().flatten().flatten();
    let numbered: BTreeMap<u32, PathBuf> = entries
        .filter_map(|entry| {
            Some((number(entry.file_name().to_str()?)?, Path::new("/dev").join(entry.file_name())))
        })
        .collect();
    numbered.into_values().collect()
}

/// Every device that captures pictures, by number; no metadata, output, tuner or codec nodes.
pub fn capture_devices() -> Vec<Device> {
    let links = Links::read();
    nodes().iter().filter_map(|node| describe(node)).map(|device| links.of(device)).collect()
}

/// Every device that captures by the multi-planar API only. These are listed but never opened by `auto`: most
/// are parts of a processor's camera pipeline.
pub fn multi_planar_devices() -> Vec<Device> {
    let links = Links::read();
    let device = |node: &PathBuf| {
        let capabilities = query(node).ok().filter(is_multi_planar)?;
        Some(links.of(device_of(node, capabilities)))
    };
    nodes().iter().filter_map(device).collect()
}

/// The links from udev to nodes.
pub struct Links {
    by_id: BTreeMap<PathBuf, PathBuf>,
    by_path: BTreeMap<PathBuf, PathBuf>,
}

impl Links {
    /// The current links.
    pub fn read() -> Self {
        Self { by_id: links("/dev/v4l/by-id"), by_path: links("/dev/v4l/by-path") }
    }

    /// The device with its links.
    pub fn of(&self, device: Device) -> Device {
        let link = |links: &BTreeMap<_, _>| links.get(&device.node).cloned();
        Device { by_id: link(&self.by_id), by_path: link(&self.by_path), ..device }
    }
}

/// Whether udev has created the node's links and set its permissions. Without udev, true unless
/// `awaits_link`: a small system may start udev after the cameras.
pub fn is_settled(node: &Path, awaits_link: bool) -> bool {
    if !exists(Path::new(UDEV_CONTROL)) {
        return !awaits_link;
    }
    // Nothing to wait for once the node is gone.
    let Ok(status) = rustix::fs::stat(node) else { return true };
    let (major, minor) = (rustix::fs::major(status.st_rdev), rustix::fs::minor(status.st_rdev));
    exists(&Path::new(UDEV_RECORDS).join(format!("c{major}:{minor}")))
}

fn links(folder: &str) -> BTreeMap<PathBuf, PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| Some((fs::canonicalize(entry.path()).ok()?, entry.path()))).collect()
}

/// Opens a node and queries it; `None` unless it is a camera. The links are left empty.
pub fn describe(node: &Path) -> Option<Device> {
    let device = match query(node) {
        Ok(capabilities) if !is_camera(&capabilities) => return None,
        Ok(capabilities) => device_of(node, capabilities),
        // Its capabilities are unknown. The first node of a device is its camera, and a camera without
        // permission is listed with that reason.
        Err(Lost::Forbidden) if attribute(node, "index").as_deref() == Some("0") => Device {
            node: node.to_owned(),
            identity: identity(node, None),
            card: attribute(node, "name").unwrap_or_else(|| "camera".to_owned()),
            driver: String::new(),
            by_id: None,
            by_path: None,
        },
        Err(error) => {
            log::debug!("{}: {error}", node.display());
            return None;
        }
    };
    Some(device)
}

fn device_of(node: &Path, capabilities: Capabilities) -> Device {
    let identity = identity(node, Some(&capabilities));
    let Capabilities { card, driver, .. } = capabilities;
    Device { node: node.to_owned(), identity, card, driver, by_id: None, by_path: None }
}

/// Queries the capabilities of a node.
pub fn query(node: &Path) -> Result<Capabilities, Lost> {
    catch_unwind(|| v4l::Device::with_path(node).and_then(|device| device.query_caps()))
        .unwrap_or_else(|_| Err(io::Error::other("answers that are not V4L2")))
        .map_err(|error| open_error(node, &error))
}

/// The reason for a failed open or QUERYCAP.
pub fn open_error(node: &Path, error: &io::Error) -> Lost {
    use rustix::io::Errno;
    match Errno::from_io_error(error) {
        Some(Errno::NOENT | Errno::NODEV | Errno::NXIO) => Lost::Unplugged,
        Some(Errno::ACCESS | Errno::PERM) => Lost::Forbidden,
        Some(Errno::BUSY) => Lost::Busy,
        Some(Errno::NOTTY | Errno::INVAL | Errno::ISDIR) => {
            let is_file = std::fs::metadata(node).is_ok_and(|found| found.is_file() || found.is_dir());
            let node = shown::device(node);
            let hint = if is_file {
                format!("; for a video or a folder of pictures write file:{node}")
            } else {
                String::new()
            };
            Lost::Unsupported(format!("{node} is not a V4L2 device{hint}"))
        }
        _ => DriverLost::CannotOpen { device: node.to_owned(), error: error.into() }.into(),
    }
}

/// Whether a node with these capabilities is a camera that captures in the one way that Pinhole supports:
/// single-planar, by memory mapping.
pub fn is_camera(capabilities: &Capabilities) -> bool {
    captures_by(Flags::VIDEO_CAPTURE, capabilities)
}

/// Whether a node with these capabilities captures, but only in a way that Pinhole does not support.
pub fn is_multi_planar(capabilities: &Capabilities) -> bool {
    captures_by(Flags::VIDEO_CAPTURE_MPLANE, capabilities) && !is_camera(capabilities)
}

fn captures_by(api: Flags, capabilities: &Capabilities) -> bool {
    let flags = capabilities.capabilities;
    flags.contains(api | Flags::STREAMING)
        && !flags.intersects(Flags::VIDEO_M2M | Flags::VIDEO_M2M_MPLANE)
        && !NOT_CAMERAS.iter().any(|driver| capabilities.driver.starts_with(driver))
}

fn identity(node: &Path, capabilities: Option<&Capabilities>) -> Identity {
    let index = attribute(node, "index").and_then(|index| index.parse().ok()).unwrap_or(0);
    match (usb_device(node), capabilities) {
        // The same with and without permission to open it.
        (Some(usb), _) => Identity {
            model: format!("{}:{}", usb.vendor, usb.product),
            serial: usb.serial,
            bus: usb.bus,
            index,
            is_unasked: false,
        },
        (None, Some(capabilities)) => Identity {
            model: capabilities.driver.clone(),
            serial: None,
            bus: capabilities.bus.clone(),
            index,
            is_unasked: false,
        },
        (None, None) => Identity {
            model: String::new(),
            serial: None,
            bus: node.display().to_string(),
            index,
            is_unasked: true,
        },
    }
}

struct UsbDevice {
    vendor: String,
    product: String,
    serial: Option<String>,
    bus: String,
}

/// The USB device behind a node, from sysfs: the nearest ancestor with USB identifiers.
fn usb_device(node: &Path) -> Option<UsbDevice> {
    let device = fs::canonicalize(sysfs(node)?.join("device")).ok()?;
    let usb = device.ancestors().find(|folder| exists(&folder.join("idVendor")))?;
    Some(UsbDevice {
        vendor: read(&usb.join("idVendor"))?,
        product: read(&usb.join("idProduct"))?,
        serial: read(&usb.join("serial")),
        bus: usb_bus(usb, &read(&usb.join("devpath"))?).unwrap_or_else(|| usb.display().to_string()),
    })
}

/// The port's name in the kernel (`usb_make_path`): the controller and the ports on the way, so it does not
/// depend on the bus number.
fn usb_bus(usb: &Path, ports: &str) -> Option<String> {
    let name = |folder: &Path| folder.file_name()?.to_str().map(str::to_owned);
    let root_hub = usb
        .ancestors()
        .find(|folder| name(folder).is_some_and(|name| name.starts_with("usb") && name != "usb"))?;
    Some(format!("usb-{}-{ports}", name(root_hub.parent()?)?))
}

fn sysfs(node: &Path) -> Option<PathBuf> {
    Some(Path::new("/sys/class/video4linux").join(node.file_name()?))
}

fn attribute(node: &Path, name: &str) -> Option<String> {
    read(&sysfs(node)?.join(name))
}

/// Whether the path exists.
pub fn exists(path: &Path) -> bool {
    rustix::fs::access(path, rustix::fs::Access::EXISTS).is_ok()
}

fn read(file: &Path) -> Option<String> {
    let text = String::from_utf8_lossy(&fs::read(file).ok()?).trim().to_owned();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capabilities(driver: &str, flags: Flags) -> Capabilities {
        Capabilities {
            driver: driver.to_owned(),
            card: "card".to_owned(),
            bus: "bus".to_owned(),
            version: (6, 1, 0),
            capabilities: flags,
        }
    }

    #[test]
    fn a_camera_captures_video_by_streaming() {
        let capture = Flags::VIDEO_CAPTURE | Flags::STREAMING;
        assert!(is_camera(&capabilities("uvcvideo", capture)));
        assert!(!is_camera(&capabilities("uvcvideo", Flags::META_CAPTURE | Flags::STREAMING)));
        assert!(!is_camera(&capabilities("vivid", Flags::VIDEO_OUTPUT | Flags::STREAMING)));
        assert!(!is_camera(&capabilities("old", Flags::VIDEO_CAPTURE | Flags::READ_WRITE)));
        assert!(!is_camera(&capabilities("bcm2835-isp", capture)));
        assert!(!is_camera(&capabilities("m2m", capture | Flags::VIDEO_M2M)));
        let planar = Flags::VIDEO_CAPTURE_MPLANE | Flags::STREAMING;
        let is = |driver, flags| {
            let capabilities = capabilities(driver, flags);
            (is_camera(&capabilities), is_multi_planar(&capabilities))
        };
        assert_eq!(is("rkisp1", planar), (false, true));
        assert_eq!(is("both", capture | planar), (true, false));
        assert_eq!(is("codec", planar | Flags::VIDEO_M2M_MPLANE), (false, false));
        assert_eq!(is("rpivid", planar), (false, false));
    }

    #[test]
    fn a_port_is_named_by_its_controller() {
        let folder = "/sys/devices/pci0000:00/0000:00:14.0/usb3/3-1/3-1.2";
        let bus = usb_bus(Path::new(folder), "1.2");
        assert_eq!(bus.as_deref(), Some("usb-0000:00:14.0-1.2"));
        assert_eq!(usb_bus(Path::new("/sys/devices/virtual"), "1"), None);
    }

    #[test]
    fn other_files_are_not_video_devices() {
        assert_eq!(query(Path::new("/dev/video9999")).unwrap_err(), Lost::Unplugged);
        let null = query(Path::new("/dev/null")).unwrap_err();
        assert_eq!(null, Lost::Unsupported("/dev/null is not a V4L2 device".to_owned()));
    }
}
