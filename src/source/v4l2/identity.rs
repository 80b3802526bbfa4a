//! Recognises a camera when it comes back under another number.
//!
//! /dev/videoN does not identify a device: plugged in again, it gets another number while its old descriptor
//! is still open. The USB vendor, product and serial number stay the same, and so does the port.

/// What identifies a capture device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Vendor and product of a USB device (`046d:082d`), else the driver's name.
    pub model: String,
    /// The USB serial number. Cheap cameras have none, or all share one.
    pub serial: Option<String>,
    /// Where it is plugged in (V4L2's `bus_info`).
    pub bus: String,
    /// The index among the device's video nodes: cameras with two sensors have two that capture.
    pub index: u32,
    /// The device could not be queried: only its node's number is known.
    pub is_unasked: bool,
}

/// How certainly two identities belong to one camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Likeness {
    /// The same model without serial numbers, in another port.
    Model,
    /// The same model and serial number, in another port.
    Serial,
    /// The same model and serial number, if there is one, in the same port.
    Exact,
}

impl Identity {
    /// The likeness to another identity; `None` if it cannot be the same camera.
    pub fn likeness(&self, other: &Self) -> Option<Likeness> {
        if (&self.model, self.index) != (&other.model, other.index) || self.serial != other.serial {
            return None;
        }
        Some(match (self.bus == other.bus, &self.serial) {
            (true, _) => Likeness::Exact,
            (false, Some(_)) => Likeness::Serial,
            (false, None) => Likeness::Model,
        })
    }
}

/// What a binding is matched by.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The identity of its device when it was last seen.
    pub identity: Option<&'a Identity>,
    /// The device at the node that its device had.
    pub at_node: Option<usize>,
    /// The device that its configured path leads to.
    pub at_path: Option<usize>,
}

/// Assigns a device (its index in `devices`) to each binding, and each device at most once.
///
/// In this order: exact matches; devices that cannot be queried, by their node; new bindings, by the
/// configured path; cameras that moved to another port; and a configured path that now leads to another
/// camera.
pub fn assign(bindings: &[Wanted<'_>], devices: &[Identity]) -> Vec<Option<usize>> {
    let mut given = vec![None; bindings.len()];
    let mut taken = vec![false; devices.len()];
    let mut pass = |choose: &dyn Fn(&Wanted<'_>, &[bool]) -> Option<usize>| {
        for (binding, slot) in bindings.iter().zip(given.iter_mut()) {
            if slot.is_none()
                && let Some(device) = choose(binding, &taken)
            {
                *slot = Some(device);
                taken[device] = true;
            }
        }
    };
    let alike = |least: Likeness| {
        move |binding: &Wanted<'_>, taken: &[bool]| {
            let identity = binding.identity?;
            (0..devices.len()).find(|&device| {
                !taken[device]
                    && identity.likeness(&devices[device]).is_some_and(|likeness| likeness >= least)
            })
        }
    };
    let free_path = |binding: &Wanted<'_>, taken: &[bool]| binding.at_path.filter(|&device| !taken[device]);
    pass(&alike(Likeness::Exact));
    pass(&|binding, taken| {
        let device = binding.at_node.filter(|&device| !taken[device])?;
        (binding.identity?.is_unasked || devices[device].is_unasked).then_some(device)
    });
    pass(&|binding, taken| if binding.identity.is_none() { free_path(binding, taken) } else { None });
    pass(&alike(Likeness::Serial));
    pass(&alike(Likeness::Model));
    pass(&free_path);
    given
}

#[cfg(test)]
mod tests {
    use super::*;

    fn camera(model: &str, serial: &str, bus: &str) -> Identity {
        Identity {
            model: model.to_owned(),
            serial: (!serial.is_empty()).then(|| serial.to_owned()),
            bus: bus.to_owned(),
            index: 0,
            is_unasked: false,
        }
    }

    fn known(identity: &Identity) -> Wanted<'_> {
        Wanted { identity: Some(identity), at_node: None, at_path: None }
    }

    #[test]
    fn a_camera_keeps_its_binding_when_it_moves() {
        let (a, b) = (camera("c920", "A", "usb-1"), camera("c920", "B", "usb-2"));
        let moved = [camera("c920", "B", "usb-7"), camera("c920", "A", "usb-2")];
        assert_eq!(assign(&[known(&a), known(&b)], &moved), [Some(1), Some(0)]);
    }

    #[test]
    fn twins_without_serial_numbers_are_distinguished_by_port() {
        let (left, right) = (camera("cheap", "", "usb-1"), camera("cheap", "", "usb-2"));
        let one = [camera("cheap", "", "usb-2")];
        assert_eq!(assign(&[known(&left), known(&right)], &one), [None, Some(0)]);
        let moved = [camera("cheap", "", "usb-2"), camera("cheap", "", "usb-3")];
        assert_eq!(assign(&[known(&left), known(&right)], &moved), [Some(1), Some(0)]);
    }

    #[test]
    fn equal_serial_numbers_are_distinguished_by_port_too() {
        let (left, right) = (camera("cheap", "SN0001", "usb-1"), camera("cheap", "SN0001", "usb-2"));
        let devices = [camera("cheap", "SN0001", "usb-2"), camera("cheap", "SN0001", "usb-1")];
        assert_eq!(assign(&[known(&left), known(&right)], &devices), [Some(1), Some(0)]);
    }

    #[test]
    fn a_path_finds_its_device_and_does_not_steal_a_known_one() {
        let known_one = camera("c920", "A", "usb-1");
        let by_path = Wanted { identity: None, at_node: None, at_path: Some(0) };
        let devices = [camera("c920", "A", "usb-1"), camera("other", "", "usb-2")];
        assert_eq!(assign(&[by_path], &devices), [Some(0)]);
        assert_eq!(assign(&[by_path, known(&known_one)], &devices), [None, Some(0)]);
        let replaced = Wanted { identity: Some(&known_one), at_node: None, at_path: Some(0) };
        assert_eq!(assign(&[replaced], &devices[1..]), [Some(0)], "another camera at the configured path");
    }

    #[test]
    fn a_camera_without_permission_for_a_while_keeps_its_binding() {
        let asked = camera("vivid", "", "platform:vivid-000");
        let unasked = Identity { is_unasked: true, ..camera("", "", "/dev/video0") };
        let at_node = |identity| Wanted { identity: Some(identity), at_node: Some(0), at_path: None };
        assert_eq!(assign(&[at_node(&unasked)], std::slice::from_ref(&asked)), [Some(0)]);
        assert_eq!(assign(&[at_node(&asked)], std::slice::from_ref(&unasked)), [Some(0)]);
        let other = camera("uvcvideo", "", "usb-1");
        assert_eq!(assign(&[at_node(&asked)], &[other]), [None], "another camera has the number");
    }
}
