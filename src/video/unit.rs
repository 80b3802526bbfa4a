//! One coded picture.

use std::ops::{Deref, Range};

use super::Codec;
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

/// The bytes of an access unit, with [`PADDING_BYTES`] zeros after them in the same allocation, so that a
/// decoder can take it without a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitBytes {
    padded: Vec<u8>,
}

impl UnitBytes {
    /// Appends NAL units with their start codes.
    pub fn append(&mut self, nal_units: &[u8]) {
        self.padded.truncate(self.len());
        self.padded.extend_from_slice(nal_units);
        self.padded.resize(self.padded.len() + PADDING_BYTES, 0);
    }

    /// Removes these bytes; those after them move.
    pub fn remove(&mut self, bytes: Range<usize>) {
        debug_assert!(bytes.end <= self.len());
        self.padded.drain(bytes);
    }

    /// The allocation; its last [`PADDING_BYTES`] are the padding.
    pub fn into_padded(self) -> Vec<u8> {
        self.padded
    }
}

impl From<Vec<u8>> for UnitBytes {
    /// Does not copy if the vector has room for the padding.
    fn from(mut bytes: Vec<u8>) -> Self {
        bytes.resize(bytes.len() + PADDING_BYTES, 0);
        Self { padded: bytes }
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
        unit.remove(1..3);
        assert_eq!(unit[..], [1, 4, 5]);
        assert_eq!(unit.into_padded()[3..], [0; PADDING_BYTES]);
    }
}
