//! Coded video as fragmented MP4, for browsers that decode it themselves (Media Source Extensions).
//!
//! [`Muxer`] takes access units in decoding order and gives an [`InitSegment`] (`ftyp` and `moov`) for
//! each set of parameters, and a [`Fragment`] (`moof` and `mdat`) for each picture, at once: nothing is
//! held back. ISO/IEC 14496-12 has the boxes, 14496-15 what H.264 and H.265 put into them, RFC 6381 the
//! names of the codecs. No socket, no clock, no library.

mod boxes;
mod configuration;
mod fragment;
mod init;
mod muxer;
mod order;
mod parameters;
mod picture;
#[cfg(test)]
mod tests;
mod timeline;

pub use fragment::{Fragment, Start};
pub use init::InitSegment;
pub use muxer::{Muxed, Muxer, Unplayable};
pub use picture::NAL_UNITS_MAX;

/// Units of a second in which all times are written. That of RTP for video, in which the intervals of 24,
/// 25, 30, 50 and 60 pictures a second, and of 29.97, are whole numbers.
pub const TIMESCALE_HZ: u32 = 90_000;
