//! Video coded as H.264 or H.265, parsed without decoding: access units, NAL units, parameter sets. No
//! socket, no clock, no library.
//!
//! RTP, files and other video sources make [`AccessUnit`]s, and the decoder takes them. In memory, NAL units
//! are always in byte stream format (annex B of both standards).

mod bits;
mod format;
pub mod framing;
mod h264;
mod h265;
pub mod nal;
pub mod parameter_sets;
pub mod picture_order;
pub mod profile;
pub mod sps;
mod unit;
mod vui;

pub use format::{Codec, Format};
pub use unit::{ACCESS_UNIT_MAX_BYTES, AccessUnit, PADDING_BYTES, UnitBytes};
