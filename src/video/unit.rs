//! One coded picture.

use std::ops::{Deref, Range};
use std::sync::Arc;

use super::Codec;
use super::nal::{self, Nal};
use crate::clock::Monotonic;

/// Bytes of an access unit. A 4K key picture at a camera's highest rate has about 3 MB.
pub const ACCESS_UNIT_MAX_BYTES: usize = 8 << 20;

/// Zeros behind the bytes of an access unit: decoders read ahead (`AV_INPUT_BUFFER_PADDING_SIZE`).
pub const PADDING_BYTES: usize = 64;

/// One coded picture, with the attributes that a decoder needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessUnit {
    /// Its codec.
    pub codec: Codec,
    /// NAL units in byte stream format. A key unit has its parameter sets in front.
    pub data: UnitBytes,
    /// When its first byte arrived, or when it is due.
    pub arrived: Monotonic,
    /// It can be decoded without the units before it: an IDR or IRAP picture, or one with a recovery point,
    /// after which a decoder holds back pictures until they are whole.
    pub is_key: bool,
    /// It is decoded because others refer to it, but not shown: it lies before a file's cut.
    pub is_hidden: bool,
    /// Units before it are missing: the decoder is flushed. Only set on a key unit.
    pub discontinuity: bool,
}

impl AccessUnit {
    /// Whether it refers to nothing before it: an IDR picture (H.264) or IRAP picture (H.265), not one with
    /// a recovery point.
    pub fn starts_anew(&self) -> bool {
        let first = || {
            nal::all(&self.data).find_map(|nal| match nal::classify(self.codec, nal) {
                Nal::Slice(slice) => Some(slice),
                _ => None,
            })
        };
        self.is_key && first().is_some_and(|slice| slice.key)
    }
}

/// The bytes of an access unit, with [`PADDING_BYTES`] zeros behind them in the same memory, so that a
/// decoder can take that memory instead of a copy. Clones share it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitBytes {
    padded: Arc<Vec<u8>>,
}

impl UnitBytes {
    /// Adds NAL units at the end, with their start codes. Copies what is shared.
    pub fn append(&mut self, nal_units: &[u8]) {
        let len = self.len();
        let padded = Arc::make_mut(&mut self.padded);
        padded.truncate(len);
        padded.extend_from_slice(nal_units);
        padded.resize(padded.len() + PADDING_BYTES, 0);
    }

    /// Removes these bytes. Those behind them move. Copies what is shared.
    pub fn remove(&mut self, bytes: Range<usize>) {
        debug_assert!(bytes.end <= self.len());
        Arc::make_mut(&mut self.padded).drain(bytes);
    }

    /// The memory, whose last [`PADDING_BYTES`] are the padding.
    pub fn into_padded(self) -> Arc<Vec<u8>> {
        self.padded
    }
}

impl From<Vec<u8>> for UnitBytes {
    /// Does not copy if the vector has room for the padding.
    fn from(mut bytes: Vec<u8>) -> Self {
        bytes.resize(bytes.len() + PADDING_BYTES, 0);
        Self { padded: Arc::new(bytes) }
    }
}

impl Deref for UnitBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.padded[..self.padded.len() - PADDING_BYTES]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_padding_is_in_the_same_memory() {
        let mut bytes = Vec::with_capacity(3 + PADDING_BYTES);
        bytes.extend([1, 2, 3]);
        let memory = bytes.as_ptr();
        let unit = UnitBytes::from(bytes);
        assert_eq!((&unit[..], unit.as_ptr()), (&[1, 2, 3][..], memory));
        let padded = unit.into_padded();
        assert_eq!(padded.as_ptr(), memory);
        assert_eq!(padded[3..], [0; PADDING_BYTES]);
    }

    #[test]
    fn appending_and_removing_keep_the_padding() {
        let mut unit = UnitBytes::from(vec![1, 2, 3]);
        unit.append(&[4, 5]);
        let shared = unit.clone();
        unit.remove(1..3);
        assert_eq!((&unit[..], &shared[..]), (&[1, 4, 5][..], &[1, 2, 3, 4, 5][..]));
        assert_eq!(unit.into_padded()[3..], [0; PADDING_BYTES]);
    }
}
