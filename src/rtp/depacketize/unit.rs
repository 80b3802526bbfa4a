//! The access unit being assembled.

use super::gate::Traits;
use crate::clock::Monotonic;
use crate::video::PADDING_BYTES;
use crate::video::parameter_sets::ParameterSets;

/// The part of a unit received so far.
#[derive(Debug, Default)]
pub(super) struct Unit {
    pub data: Vec<u8>,
    pub timestamp: Option<u32>,
    pub arrived: Option<Monotonic>,
    /// Where in `data` the NAL unit begins that is arriving in fragments.
    pub open_nal: Option<usize>,
    /// The unit was prepared for its first slice.
    pub is_prepared: bool,
    pub has_slice: bool,
    pub key: bool,
    pub not_intra: bool,
    pub leading: bool,
    pub has_sequence_set: bool,
    pub has_picture_set: bool,
    pub damaged: bool,
    /// One packet before this unit is missing. If this unit's beginning is missing too, the packet belonged
    /// to it; otherwise it was a separate picture.
    pub may_be_headless: bool,
    /// No other picture of its sub-layer refers to this one, as far as its headers show.
    pub disposable: bool,
    pub reference: bool,
    pub layer: u8,
    /// Bytes copied into `data`, or moved within it.
    pub copied_bytes: u64,
}

impl Unit {
    pub fn traits(&self) -> Traits {
        Traits { key: self.key, intra: !self.not_intra, leading: self.leading }
    }

    pub fn append(&mut self, bytes: &[u8]) {
        self.make_room(bytes.len());
        self.data.extend_from_slice(bytes);
        self.copied_bytes += bytes.len() as u64;
    }

    /// Reserves this many bytes, and the padding of [`crate::video::UnitBytes`].
    pub fn make_room(&mut self, bytes: usize) {
        if self.data.capacity() - self.data.len() < bytes + PADDING_BYTES {
            self.copied_bytes += self.data.len() as u64;
            self.data.reserve(bytes + PADDING_BYTES);
        }
    }

    /// Removes a range of bytes; the bytes after it move.
    pub fn remove(&mut self, bytes: std::ops::Range<usize>) {
        self.copied_bytes += (self.data.len() - bytes.end) as u64;
        self.data.drain(bytes);
    }

    /// Inserts the parameter sets in front, if the unit lacks them.
    pub fn complete_with(&mut self, sets: &ParameterSets) {
        if self.has_sequence_set && self.has_picture_set {
            return;
        }
        (self.has_sequence_set, self.has_picture_set) = (true, true);
        let sets = sets.byte_stream();
        self.make_room(sets.len());
        self.copied_bytes += (sets.len() + self.data.len()) as u64;
        self.data.splice(0..0, sets);
    }
}
