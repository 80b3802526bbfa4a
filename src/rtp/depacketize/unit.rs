//! The access unit that is being assembled.

use super::gate::Traits;
use crate::clock::Monotonic;
use crate::video::PADDING_BYTES;
use crate::video::parameter_sets::ParameterSets;

/// What has come of a unit so far.
#[derive(Debug, Default)]
pub(super) struct Unit {
    pub data: Vec<u8>,
    pub timestamp: Option<u32>,
    pub arrived: Option<Monotonic>,
    /// Where in `data` the NAL unit begins that is being received in fragments.
    pub open_nal: Option<usize>,
    /// Its first slice was looked at before it was appended.
    pub is_prepared: bool,
    pub has_slice: bool,
    pub key: bool,
    pub not_intra: bool,
    pub leading: bool,
    pub has_sequence_set: bool,
    pub has_picture_set: bool,
    pub damaged: bool,
    /// One packet before this unit is missing. It was of this unit, if the unit's beginning turns out
    /// to be missing, else a picture of its own.
    pub may_be_headless: bool,
    /// No other picture of its sub-layer refers to this one, as far as was seen.
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

    /// Makes room for so many bytes and the padding of [`crate::video::UnitBytes`].
    pub fn make_room(&mut self, bytes: usize) {
        if self.data.capacity() - self.data.len() < bytes + PADDING_BYTES {
            self.copied_bytes += self.data.len() as u64;
            self.data.reserve(bytes + PADDING_BYTES);
        }
    }

    /// Removes bytes in front of these, which therefore move.
    pub fn remove(&mut self, bytes: std::ops::Range<usize>) {
        self.copied_bytes += (self.data.len() - bytes.end) as u64;
        self.data.drain(bytes);
    }

    /// Puts the parameter sets in front, if the unit has come without.
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
