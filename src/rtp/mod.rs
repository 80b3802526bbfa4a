//! RTP (RFC 3550): a camera's packets in, its pictures out. No socket, no clock.
//!
//! [`Receiver`] is the whole of it: packets are filtered by payload type and SSRC, put in order,
//! counted, reported to the camera, and pushed through a [`depacketize::Depacketizer`].

pub mod depacketize;
mod error;
mod gap;
pub mod limits;
mod packet;
mod picture;
mod receiver;
mod reorder;
mod report;
mod source;
mod ssrc;

pub use error::Error;
pub use gap::Gap;
pub use packet::Packet;
pub use picture::{Encoding, Format, JpegPicture, Picture, VideoPicture};
pub use receiver::{Config, Counters, Receiver};
pub use report::KeyRequest;
