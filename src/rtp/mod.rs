//! RTP (RFC 3550): turns a camera's packets into pictures. No socket, no clock.
//!
//! The entry point is [`Receiver`]: it filters packets by payload type and SSRC, puts them in order, counts
//! them, reports to the camera, and pushes them through a [`depacketize::Depacketizer`].

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
