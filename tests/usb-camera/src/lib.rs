//! A simulated USB video class camera.
//!
//! [`camera::Camera`] is a value without I/O: a control request or a free transfer goes in, a response or
//! video data come out, and the time is passed in. A transport connects it to a host: [`usbip`] plugs the
//! camera into the kernel of the same machine, [`usbredir`] into a QEMU virtual machine from outside.
//! References "USB" are to the USB 2.0 specification, "UVC" to the USB Device Class Definition for Video
//! Devices 1.1.

pub mod camera;
pub mod control;
pub mod descriptors;
pub mod faults;
pub mod frames;
mod jpeg;
pub mod payload;
pub mod usbip;
pub mod usbredir;
