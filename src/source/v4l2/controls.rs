//! Lists and sets a device's controls, such as brightness or focus.
//!
//! The `v4l` crate's own listing panics at the first control of an unknown type, and new kernels bring new
//! types. So this module queries control by control, and skips unknown types.

use std::ffi::{CStr, c_char, c_void};
use std::io;
use std::path::Path;

use serde_json::{Map, Value};
use v4l::Device;
use v4l::v4l_sys::{v4l2_ext_control, v4l2_ext_controls, v4l2_query_ext_ctrl, v4l2_querymenu};
use v4l::v4l2::{self, vidioc};

use super::devices::open_error;
use crate::camera::controls::{Control, Kind, MenuItem, Refused};
use crate::camera::lost::Lost;

/// Controls of one device; cameras have 5 to 30.
const CONTROLS_MAX: usize = 256;

/// Menu items to query; cameras have 2 to 10.
const MENU_ITEMS_MAX: i64 = 128;

/// Flags of a control. Linux, videodev2.h.
mod flag {
    pub const DISABLED: u32 = 0x1;
    pub const READ_ONLY: u32 = 0x4;
    pub const INACTIVE: u32 = 0x10;
    pub const WRITE_ONLY: u32 = 0x40;
    pub const NEXT: u32 = 0x8000_0000;
}

/// The kind of a control's value. Kinds with more than one value (classes, strings, arrays) are skipped.
const fn kind_of(number: u32) -> Option<Kind> {
    Some(match number {
        1 => Kind::Integer,
        2 => Kind::Boolean,
        3 => Kind::Menu,
        4 => Kind::Button,
        5 => Kind::Integer64,
        8 => Kind::Bitmask,
        9 => Kind::IntegerMenu,
        _ => return None,
    })
}

/// Automatic modes are set before the values that they would override.
const fn is_set_late(kind: Kind) -> bool {
    !matches!(kind, Kind::Menu | Kind::Boolean)
}

/// The controls of the device at a node.
///
/// # Errors
/// If the device cannot be opened.
pub fn list(node: &Path) -> Result<Vec<Control>, Lost> {
    open(node).map(|device| read(&device))
}

/// Sets controls by name to numbers, `true` and `false`, or the words of their menus. Checks all of them
/// before it sets the first. Returns the controls afterwards.
///
/// # Errors
/// If a value is invalid or the device refuses it.
pub fn set(node: &Path, wanted: &Map<String, Value>) -> Result<Vec<Control>, Refused> {
    let device = open(node).map_err(Refused::Lost)?;
    let controls = read(&device);
    let mut settings = Vec::new();
    for (name, value) in wanted {
        let control = controls.iter().find(|control| control.name == *name).ok_or_else(|| {
            let names: Vec<_> = controls.iter().map(|control| control.name.as_str()).collect();
            Refused::Wrong(format!("unknown control \"{name}\"; use one of: {}", names.join(", ")))
        })?;
        settings.push((control, control.check(value).map_err(Refused::Wrong)?));
    }
    settings.sort_by_key(|(control, _)| is_set_late(control.kind));
    for (control, value) in settings {
        write(&device, control, value).map_err(|error| {
            Refused::Device(format!("the camera refuses to set {}: {error}", control.name))
        })?;
    }
    Ok(read(&device))
}

fn open(node: &Path) -> Result<Device, Lost> {
    Device::with_path(node).map_err(|error| open_error(node, &error))
}

/// Every control, in the device's order; empty if it has none or does not support the query.
fn read(device: &Device) -> Vec<Control> {
    let mut controls: Vec<Control> = Vec::new();
    let mut id = 0;
    for _ in 0..CONTROLS_MAX {
        let Ok(query) = query_after(device, id) else { break };
        // Some drivers return the same control for ever.
        if query.id <= id {
            break;
        }
        id = query.id;
        let Some(kind) = kind_of(query.type_).filter(|_| query.flags & flag::DISABLED == 0) else {
            continue;
        };
        let label = text(&query.name);
        let before: Vec<_> = controls.iter().map(|control| control.name.as_str()).collect();
        let name = name_of(&label, &before);
        let can_be_read = kind != Kind::Button && query.flags & flag::WRITE_ONLY == 0;
        controls.push(Control {
            id,
            name,
            label,
            kind,
            min: query.minimum,
            max: query.maximum,
            step: query.step,
            default: query.default_value,
            value: if can_be_read { value(device, id, kind).ok() } else { None },
            menu: if kind.has_menu() { menu(device, &query, kind) } else { Vec::new() },
            read_only: query.flags & flag::READ_ONLY != 0,
            inactive: query.flags & flag::INACTIVE != 0,
        });
    }
    controls
}

/// A control's name as v4l2-ctl writes it: "White Balance, Automatic" is white_balance_automatic.
fn name_of(label: &str, before: &[&str]) -> String {
    let base = crate::config::slug(label).replace('-', "_");
    let is_taken = |name: &str| before.contains(&name);
    let numbered = (2..=CONTROLS_MAX).map(|number| format!("{base}_{number}"));
    std::iter::once(base.clone()).chain(numbered).find(|name| !is_taken(name)).unwrap_or(base)
}

/// A driver's string up to the first NUL, whatever bytes it holds.
fn text(bytes: &[c_char]) -> String {
    let bytes: Vec<u8> = bytes.iter().map(|byte| *byte as u8).chain([0]).collect();
    CStr::from_bytes_until_nul(&bytes).unwrap_or_default().to_string_lossy().trim().to_owned()
}

fn menu(device: &Device, query: &v4l2_query_ext_ctrl, kind: Kind) -> Vec<MenuItem> {
    let last = query.maximum.min(query.minimum.saturating_add(MENU_ITEMS_MAX));
    // Drivers skip the items that are not allowed.
    (query.minimum..=last).filter_map(|index| menu_item(device, query.id, index, kind)).collect()
}

/// `VIDIOC_QUERY_EXT_CTRL` for the control after `id`. Compound controls are not requested.
#[allow(unsafe_code)]
fn query_after(device: &Device, id: u32) -> io::Result<v4l2_query_ext_ctrl> {
    // SAFETY: a structure of numbers; zero is one of their values.
    let mut query: v4l2_query_ext_ctrl = unsafe { std::mem::zeroed() };
    query.id = id | flag::NEXT;
    ask(device, vidioc::VIDIOC_QUERY_EXT_CTRL, &mut query)?;
    Ok(query)
}

#[allow(unsafe_code)]
fn menu_item(device: &Device, id: u32, index: i64, kind: Kind) -> Option<MenuItem> {
    // SAFETY: a structure of numbers; zero is one of their values.
    let mut item: v4l2_querymenu = unsafe { std::mem::zeroed() };
    (item.id, item.index) = (id, u32::try_from(index).ok()?);
    ask(device, vidioc::VIDIOC_QUERYMENU, &mut item).ok()?;
    // SAFETY: both members are numbers, and which one the driver wrote depends on the kind alone.
    let label = unsafe {
        match kind {
            Kind::IntegerMenu => { item.__bindgen_anon_1.value }.to_string(),
            _ => text(&item.__bindgen_anon_1.name.map(|byte| byte as c_char)),
        }
    };
    Some(MenuItem { value: index, label })
}

fn value(device: &Device, id: u32, kind: Kind) -> io::Result<i64> {
    let mut value = 0;
    exchange(device, vidioc::VIDIOC_G_EXT_CTRLS, id, kind, &mut value)?;
    Ok(value)
}

fn write(device: &Device, control: &Control, mut value: i64) -> io::Result<()> {
    exchange(device, vidioc::VIDIOC_S_EXT_CTRLS, control.id, control.kind, &mut value)
}

/// Gets or sets the value of one control.
#[allow(unsafe_code)]
fn exchange(
    device: &Device,
    request: vidioc::_IOC_TYPE,
    id: u32,
    kind: Kind,
    value: &mut i64,
) -> io::Result<()> {
    // SAFETY: structures of numbers and of pointers that may be null.
    let (mut control, mut controls): (v4l2_ext_control, v4l2_ext_controls) = unsafe { std::mem::zeroed() };
    control.id = id;
    if kind == Kind::Integer64 {
        control.__bindgen_anon_1.value64 = *value;
    } else {
        control.__bindgen_anon_1.value = *value as i32;
    }
    (controls.count, controls.controls) = (1, &raw mut control);
    ask(device, request, &mut controls)?;
    // SAFETY: the members are numbers, and which one the driver wrote depends on the kind alone.
    *value = unsafe {
        match kind {
            Kind::Integer64 => control.__bindgen_anon_1.value64,
            Kind::Bitmask => i64::from(control.__bindgen_anon_1.value as u32),
            _ => i64::from(control.__bindgen_anon_1.value),
        }
    };
    Ok(())
}

#[allow(unsafe_code)]
fn ask<T>(device: &Device, request: vidioc::_IOC_TYPE, argument: &mut T) -> io::Result<()> {
    // SAFETY: each request above is called with the structure that it is defined with, which lives
    // until the call returns.
    unsafe { v4l2::ioctl(device.handle().fd(), request, (&raw mut *argument).cast::<c_void>()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_v4l2_ctl_and_are_unique() {
        let first = name_of("White Balance, Automatic", &[]);
        assert_eq!(first, "white_balance_automatic");
        assert_eq!(name_of("White Balance, Automatic", &[&first]), "white_balance_automatic_2");
        assert_eq!(text(&[b'G' as c_char, -4_i8 as c_char, b' ' as c_char, 0, b'x' as c_char]), "G\u{fffd}");
    }

    #[test]
    fn a_missing_device_is_lost() {
        assert!(list(Path::new("/dev/video-none")).is_err());
        assert!(matches!(set(Path::new("/dev/video-none"), &Map::new()), Err(Refused::Lost(_))));
    }
}
