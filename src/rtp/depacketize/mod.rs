//! Depacketizers turn RTP payloads into pictures. Each is a pure push and pull value.
//!
//! Loss and corruption cost pictures, never the stream: after either, units are withheld until one can be
//! decoded without the lost data, so that no viewer sees a smeared picture.

mod assembler;
mod gate;
mod h264;
mod h265;
mod jpeg;
mod jpeg_extension;
mod jpeg_header;
mod jpeg_tables;
mod nal_units;
mod unit;

pub use h264::H264;
pub use h265::H265;
pub use jpeg::Jpeg;

use super::{Error, Format, Gap, Packet, Picture};
use crate::clock::Monotonic;

/// What a packet shows about the beginning of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// A picture that decoding can begin with, or data that belongs in front of one.
    Key,
    /// Data that stands in front of any picture, or nothing.
    Unknown,
    /// A picture that needs others, or the middle of one.
    Other,
}

/// The depacketizer for a stream's codec.
#[derive(Debug)]
pub enum Depacketizer {
    /// RFC 6184.
    H264(H264),
    /// RFC 7798.
    H265(H265),
    /// RFC 2435.
    Jpeg(Jpeg),
}

impl Depacketizer {
    /// Takes the next packet in order; `gap` counts the packets missing before it.
    ///
    /// An error concerns this packet alone; the depacketizer goes on.
    pub fn push(&mut self, packet: &Packet<'_>, gap: Gap, arrived: Monotonic) -> Result<(), Error> {
        match self {
            Self::H264(depacketizer) => depacketizer.push(packet, gap, arrived),
            Self::H265(depacketizer) => depacketizer.push(packet, gap, arrived),
            Self::Jpeg(depacketizer) => depacketizer.push(packet, gap, arrived),
        }
    }

    /// Takes the next complete picture. After each push, pull until this returns `None`.
    pub fn pull(&mut self) -> Option<Picture> {
        match self {
            Self::H264(depacketizer) => depacketizer.pull().map(Picture::Video),
            Self::H265(depacketizer) => depacketizer.pull().map(Picture::Video),
            Self::Jpeg(depacketizer) => depacketizer.pull().map(Picture::Jpeg),
        }
    }

    /// Reports that a pulled picture will not be decoded: pictures that need it are withheld.
    pub fn picture_lost(&mut self) {
        match self {
            Self::H264(depacketizer) => depacketizer.picture_lost(),
            Self::H265(depacketizer) => depacketizer.picture_lost(),
            Self::Jpeg(_) => {}
        }
    }

    /// How a stream begins if this is its first payload.
    pub fn begin(&self, payload: &[u8]) -> Begin {
        match self {
            Self::H264(depacketizer) => depacketizer.begin(payload),
            Self::H265(depacketizer) => depacketizer.begin(payload),
            Self::Jpeg(_) => jpeg::begin(payload),
        }
    }

    /// The format of the pictures, as far as it is known.
    pub fn format(&self) -> Option<Format> {
        match self {
            Self::H264(depacketizer) => depacketizer.format().map(Format::Video),
            Self::H265(depacketizer) => depacketizer.format().map(Format::Video),
            Self::Jpeg(depacketizer) => depacketizer.format(),
        }
    }

    /// When withholding began because no key picture has come, if pictures are withheld.
    pub fn key_awaited(&self) -> Option<Monotonic> {
        match self {
            Self::H264(depacketizer) => depacketizer.key_awaited(),
            Self::H265(depacketizer) => depacketizer.key_awaited(),
            Self::Jpeg(_) => None,
        }
    }

    /// Pictures begun and dropped, or withheld because no key picture has come.
    pub fn dropped(&self) -> u64 {
        match self {
            Self::H264(depacketizer) => depacketizer.dropped(),
            Self::H265(depacketizer) => depacketizer.dropped(),
            Self::Jpeg(depacketizer) => depacketizer.dropped(),
        }
    }

    /// Bytes copied to assemble pictures: each byte of a payload once, and again if it had to be moved.
    pub fn copied_bytes(&self) -> u64 {
        match self {
            Self::H264(depacketizer) => depacketizer.copied_bytes(),
            Self::H265(depacketizer) => depacketizer.copied_bytes(),
            Self::Jpeg(depacketizer) => depacketizer.copied_bytes(),
        }
    }
}
