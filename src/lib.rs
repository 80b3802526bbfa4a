//! Pinhole: any USB or IP camera, in any browser.
//!
//! Frames flow one way: [`source`], [`encode`], [`camera`], [`http`]. `ARCHITECTURE.md` has the map.

pub mod appliance;
pub mod auth;
pub mod camera;
pub mod cameras;
pub mod cli;
pub mod clock;
pub mod commands;
pub mod config;
pub mod decode;
pub mod derived;
pub mod draw;
pub mod encode;
pub mod frame;
pub mod health;
pub mod http;
pub mod limits;
pub mod logging;
pub mod memory;
pub mod mjpeg;
pub mod mp4;
pub mod multipart;
pub mod offload;
pub mod picture;
pub mod random;
pub mod rate_limit;
pub mod rtp;
pub mod rtsp;
pub mod service;
pub mod source;
pub mod systemd;
pub mod turn;
pub mod video;

#[cfg(test)]
#[path = "../tests/support/clips.rs"]
mod clips;
