//! Depacketizers: RTP payloads in, access units out, each a pure push and pull value.
//!
//! Loss and corruption cost pictures, never the stream: after either, units are withheld until one
//! that can be decoded without what was lost, so that nobody sees a smeared picture.

mod assembler;
mod bits;
mod gate;
mod h264;
mod h265;
mod jpeg;
mod jpeg_extension;
mod jpeg_header;
mod jpeg_tables;
mod nal_units;
mod parameter_sets;
pub mod sps;

pub use h264::H264;
pub use h265::H265;
pub use jpeg::Jpeg;

use super::{Error, Gap, Packet};
use crate::clock::Monotonic;

/// How the pictures of a stream are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// ITU-T H.264, by RFC 6184.
    H264,
    /// ITU-T H.265, by RFC 7798.
    H265,
    /// Baseline JPEG, by RFC 2435.
    Jpeg,
}

impl Codec {
    /// The name that people know.
    pub const fn name(self) -> &'static str {
        match self {
            Self::H264 => "H.264",
            Self::H265 => "H.265",
            Self::Jpeg => "JPEG",
        }
    }
}

/// What the parameter sets, or a JPEG's header, say about the pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    /// How they are coded.
    pub codec: Codec,
    /// profile_idc (H.264 table A, H.265 annex A); `None` for JPEG.
    pub profile: Option<u8>,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

impl Format {
    /// The profile's name, where it is one that cameras have.
    pub fn profile_name(&self) -> Option<&'static str> {
        Some(match (self.codec, self.profile?) {
            (Codec::H264, 66) => "Baseline",
            (Codec::H264, 77) | (Codec::H265, 1) => "Main",
            (Codec::H264, 88) => "Extended",
            (Codec::H264, 100) => "High",
            (Codec::H264, 110) => "High 10",
            (Codec::H264, 122) => "High 4:2:2",
            (Codec::H264, 244) => "High 4:4:4",
            (Codec::H265, 2) => "Main 10",
            (Codec::H265, 3) => "Main Still Picture",
            (Codec::H265, 4) => "Range Extensions",
            _ => return None,
        })
    }
}

/// One coded picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessUnit {
    /// How it is coded.
    pub codec: Codec,
    /// H.264 and H.265: NAL units with Annex B start codes. JPEG: a file from SOI to EOI.
    pub data: Vec<u8>,
    /// RTP timestamp, in units of the media's clock rate. Cameras' clocks jump: for live pictures
    /// go by `arrived`.
    pub timestamp: u32,
    /// When its first packet arrived.
    pub arrived: Monotonic,
    /// It can be decoded without the units before it: an IDR or IRAP picture, or one with a
    /// recovery point, after which a decoder holds back pictures until they are whole.
    pub is_key: bool,
    /// No other unit refers to it: it can be left out.
    pub is_disposable: bool,
    /// It is decoded for others that refer to it, and not shown: it lies before the cut of a file.
    pub is_hidden: bool,
    /// Units before it were lost or withheld: flush the decoder. Only ever set on a key unit.
    pub discontinuity: bool,
    /// Its parameter sets differ from those before (the size may have changed).
    pub new_parameter_sets: bool,
}

/// What a packet says of the beginning of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// A picture that decoding can begin with, or what belongs in front of one.
    Key,
    /// What stands in front of any picture, or nothing.
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
    /// Takes the next packet in order; `gap` is what is missing before it.
    ///
    /// An error is about this packet; the depacketizer goes on.
    pub fn push(&mut self, packet: &Packet<'_>, gap: Gap, arrived: Monotonic) -> Result<(), Error> {
        match self {
            Self::H264(depacketizer) => depacketizer.push(packet, gap, arrived),
            Self::H265(depacketizer) => depacketizer.push(packet, gap, arrived),
            Self::Jpeg(depacketizer) => depacketizer.push(packet, gap, arrived),
        }
    }

    /// The next complete unit. Pull until there is none after each push.
    pub fn pull(&mut self) -> Option<AccessUnit> {
        match self {
            Self::H264(depacketizer) => depacketizer.pull(),
            Self::H265(depacketizer) => depacketizer.pull(),
            Self::Jpeg(depacketizer) => depacketizer.pull(),
        }
    }

    /// A unit that was pulled is not going to be decoded: those that need it are withheld.
    pub fn unit_lost(&mut self) {
        match self {
            Self::H264(depacketizer) => depacketizer.unit_lost(),
            Self::H265(depacketizer) => depacketizer.unit_lost(),
            Self::Jpeg(_) => {}
        }
    }

    /// How a stream would begin whose first packet has this payload.
    pub fn begin(&self, payload: &[u8]) -> Begin {
        match self {
            Self::H264(depacketizer) => depacketizer.begin(payload),
            Self::H265(depacketizer) => depacketizer.begin(payload),
            Self::Jpeg(_) => jpeg::begin(payload),
        }
    }

    /// What is known about the pictures so far.
    pub fn format(&self) -> Option<Format> {
        match self {
            Self::H264(depacketizer) => depacketizer.format(),
            Self::H265(depacketizer) => depacketizer.format(),
            Self::Jpeg(depacketizer) => depacketizer.format(),
        }
    }

    /// Since when units are withheld for want of a key unit, if they are.
    pub fn key_awaited(&self) -> Option<Monotonic> {
        match self {
            Self::H264(depacketizer) => depacketizer.key_awaited(),
            Self::H265(depacketizer) => depacketizer.key_awaited(),
            Self::Jpeg(_) => None,
        }
    }

    /// Units that were begun and dropped, or withheld for want of a key unit.
    pub fn dropped(&self) -> u64 {
        match self {
            Self::H264(depacketizer) => depacketizer.dropped(),
            Self::H265(depacketizer) => depacketizer.dropped(),
            Self::Jpeg(depacketizer) => depacketizer.dropped(),
        }
    }
}
