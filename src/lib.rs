//! Pinhole: any USB or IP camera, in any browser.
//!
//! Frames flow one way: source, decode, encode, hub, HTTP. `ARCHITECTURE.md` has the map.

pub mod clock;
pub mod draw;
pub mod encode;
pub mod frame;
pub mod limits;
pub mod mjpeg;
pub mod picture;
pub mod rtp;
pub mod rtsp;
