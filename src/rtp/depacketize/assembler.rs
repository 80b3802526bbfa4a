//! Assembles access units of H.264 and H.265 from their NAL units, and withholds what cannot be
//! decoded. The payload formats (RFC 6184, RFC 7798) differ only in how they carry NAL units.

use std::collections::VecDeque;

use memchr::memmem;

use super::gate::{Gate, Traits};
use super::parameter_sets::{Kind, ParameterSets};
use super::{AccessUnit, Codec, Format};
use crate::clock::Monotonic;
use crate::rtp::limits::{ACCESS_UNIT_MAX_BYTES, UNITS_READY_MAX};
use crate::rtp::{Error, Gap};

/// Separates NAL units (ITU-T H.264 and H.265, annex B).
const START_CODE: [u8; 4] = [0, 0, 0, 1];

/// What the assembler has to know of a NAL unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nal {
    /// A piece of a picture.
    Slice(Slice),
    /// A parameter set with its id.
    ParameterSet(Kind, u32, Option<Format>),
    /// The picture that follows is one that decoding can begin with.
    RecoveryPoint,
    /// Anything else; it is passed on.
    Other,
}

/// A slice (H.264) or slice segment (H.265).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slice {
    /// It is the first of its picture.
    pub first: bool,
    /// Decoding can begin with its picture.
    pub key: bool,
    /// It refers to no other picture.
    pub intra: bool,
    /// It belongs to a leading picture that refers to pictures before the key picture (RASL).
    pub leading: bool,
    /// The temporal sub-layer of its picture; 0 in H.264.
    pub layer: u8,
    /// No picture of this sub-layer, nor of those below, refers to its picture.
    pub disposable: bool,
}

/// The codec's part.
#[derive(Debug)]
pub struct Syntax {
    pub codec: Codec,
    /// Looks at a NAL unit of at least one byte.
    pub classify: fn(&[u8]) -> Nal,
}

/// The unit being assembled.
#[derive(Debug, Default)]
struct Unit {
    data: Vec<u8>,
    timestamp: Option<u32>,
    arrived: Option<Monotonic>,
    /// Where in `data` the NAL unit begins that is being received in fragments.
    open_nal: Option<usize>,
    has_slice: bool,
    key: bool,
    not_intra: bool,
    leading: bool,
    has_sequence_set: bool,
    has_picture_set: bool,
    damaged: bool,
    /// One packet before this unit is missing. It was of this unit, if the unit's beginning turns out
    /// to be missing, else a picture of its own.
    may_be_headless: bool,
    /// No other picture of its sub-layer refers to this one, as far as was seen.
    disposable: bool,
    reference: bool,
    layer: u8,
}

impl Unit {
    fn traits(&self) -> Traits {
        Traits { key: self.key, intra: !self.not_intra, leading: self.leading }
    }
}

/// Assembles the access units of one stream.
#[derive(Debug)]
pub struct Assembler {
    syntax: &'static Syntax,
    unit: Unit,
    gate: Gate,
    sets: ParameterSets,
    /// Parameter sets are known that no unit has carried yet.
    sets_unsent: bool,
    format: Option<Format>,
    /// The last unit that a marker completed.
    marked: Option<u32>,
    /// Markers have completed units: one without has lost its last packet.
    has_markers: bool,
    /// Some cameras set the marker on every slice: units then end where the timestamp changes.
    marker_trusted: bool,
    /// The highest sub-layer seen: only its pictures can be done without.
    layer_max: u8,
    /// Decoding began with a picture of intra slices that nothing marks as a key picture: others like it
    /// will have to serve as well.
    has_intra_keys: bool,
    /// When the first unit arrived that is withheld for want of a key unit.
    key_awaited: Option<Monotonic>,
    ready: VecDeque<AccessUnit>,
    dropped: u64,
}

impl Assembler {
    pub fn new(syntax: &'static Syntax) -> Self {
        Self {
            syntax,
            unit: Unit::default(),
            gate: Gate::Closed,
            sets: ParameterSets::default(),
            sets_unsent: false,
            format: None,
            marked: None,
            has_markers: false,
            marker_trusted: true,
            layer_max: 0,
            has_intra_keys: false,
            key_awaited: None,
            ready: VecDeque::new(),
            dropped: 0,
        }
    }

    /// Takes parameter sets from elsewhere (the SDP), with or without start codes.
    pub fn parameter_sets(&mut self, bytes: &[u8]) {
        for_each_nal(bytes, |nal| {
            if let Nal::ParameterSet(kind, id, format) = (self.syntax.classify)(nal) {
                self.insert(kind, id, format, nal);
            }
        });
    }

    /// A packet begins; the unit before it may end with that.
    pub fn begin(&mut self, timestamp: u32, gap: Gap, arrived: Monotonic) {
        let is_same_unit = self.unit.timestamp == Some(timestamp);
        let is_open = self.unit.timestamp.is_some();
        match gap {
            Gap::None => {}
            // The packets of a picture follow each other: all that is missing was of this one.
            _ if is_same_unit => self.damage_unit(),
            // The one packet was the last of the unit before, which therefore has no marker.
            Gap::One if is_open && self.has_markers && self.marker_trusted => self.damage_unit(),
            Gap::One if !is_open => {
                self.unit.may_be_headless = true;
                self.marked = None;
            }
            // Whole pictures may be missing, and others may refer to them.
            _ => {
                self.damage();
                self.marked = None;
            }
        }
        if is_open && !is_same_unit {
            self.complete();
        }
        self.unit.timestamp.get_or_insert(timestamp);
        self.unit.arrived.get_or_insert(arrived);
    }

    /// A whole NAL unit.
    pub fn nal(&mut self, nal: &[u8]) -> Result<(), Error> {
        self.fragment_begin(&[], nal)?;
        self.fragment_end();
        Ok(())
    }

    /// The first fragment of a NAL unit. One that is still open has ended without saying so.
    pub fn fragment_begin(&mut self, header: &[u8], payload: &[u8]) -> Result<(), Error> {
        self.fragment_end();
        self.append(&START_CODE)?;
        if !self.unit.damaged {
            self.unit.open_nal = Some(self.unit.data.len());
        }
        self.append(header)?;
        self.append(payload)
    }

    /// A further fragment; false where none has begun. That is nothing new where units are withheld
    /// already, after a loss or when a stream is joined amid a picture.
    pub fn fragment_continue(&mut self, payload: &[u8]) -> Result<bool, Error> {
        let is_known = matches!(self.gate, Gate::Closed) || self.unit.may_be_headless;
        if self.unit.open_nal.is_none() && is_known && !payload.is_empty() {
            self.damage_unit();
        }
        let begun = self.unit.open_nal.is_some() || self.unit.damaged;
        self.append(payload)?;
        Ok(begun)
    }

    /// The last fragment has come.
    pub fn fragment_end(&mut self) {
        let Some(begin) = self.unit.open_nal.take() else { return };
        let mut data = std::mem::take(&mut self.unit.data);
        let first_is_empty = memmem::find(&data[begin..], &START_CODE[1..])
            .is_some_and(|at| data[begin..begin + at].iter().all(|byte| *byte == 0));
        for_each_nal(&data[begin..], |nal| self.note(nal));
        if first_is_empty {
            // The camera sent a start code of its own in front of the NAL unit.
            data.drain(begin - START_CODE.len()..begin);
        }
        if !self.unit.damaged {
            self.unit.data = data;
        }
    }

    /// The packet has ended.
    pub fn end(&mut self, marker: bool) {
        // Cameras set the marker on parameter sets and SEI, too: a unit is one with a picture.
        if marker && self.marker_trusted && (self.unit.has_slice || self.unit.damaged || self.open_slice()) {
            self.marked = self.unit.timestamp;
            self.has_markers = true;
            self.complete();
        }
    }

    /// Something of the present unit is missing, or bad, and of no other.
    pub fn damage_unit(&mut self) {
        self.unit.may_be_headless = false;
        if self.unit.timestamp.is_some() {
            self.unit.damaged = true;
            self.unit.open_nal = None;
            self.unit.data.clear();
        }
    }

    /// A piece of the present unit says that no other of its sub-layer refers to it.
    pub fn note_disposable(&mut self, layer: u8) {
        self.unit.disposable = true;
        self.unit.layer = layer;
    }

    /// Something of the present unit, or before it, is missing.
    fn damage(&mut self) {
        self.gate = Gate::Closed;
        self.damage_unit();
    }

    /// A unit that was pulled is not going to be decoded.
    pub fn unit_lost(&mut self) {
        self.gate = Gate::Closed;
        self.dropped += 1;
    }

    pub fn pull(&mut self) -> Option<AccessUnit> {
        self.ready.pop_front()
    }

    pub fn format(&self) -> Option<Format> {
        self.format
    }

    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    pub fn key_awaited(&self) -> Option<Monotonic> {
        self.key_awaited
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if self.unit.damaged {
            return Ok(());
        }
        if self.unit.data.len() + bytes.len() > ACCESS_UNIT_MAX_BYTES {
            self.damage();
            self.unit.data = Vec::new();
            let timestamp = self.unit.timestamp.unwrap_or(0);
            return Err(Error::UnitTooLarge { timestamp, max: ACCESS_UNIT_MAX_BYTES });
        }
        self.unit.data.extend_from_slice(bytes);
        Ok(())
    }

    /// A slice whose last fragment did not say so.
    fn open_slice(&self) -> bool {
        self.unit.open_nal.is_some_and(|begin| {
            let nal = &self.unit.data[begin..];
            !nal.is_empty() && matches!((self.syntax.classify)(nal), Nal::Slice(_))
        })
    }

    fn note(&mut self, nal: &[u8]) {
        match (self.syntax.classify)(nal) {
            Nal::Slice(slice) => self.note_slice(slice),
            Nal::ParameterSet(kind, id, format) => {
                self.unit.has_sequence_set |= kind == Kind::Sequence;
                self.unit.has_picture_set |= kind == Kind::Picture;
                self.insert(kind, id, format, nal);
            }
            Nal::RecoveryPoint => self.unit.key = true,
            Nal::Other => {}
        }
    }

    fn note_slice(&mut self, slice: Slice) {
        let unit = &mut self.unit;
        self.layer_max = self.layer_max.max(slice.layer);
        unit.layer = slice.layer;
        unit.disposable |= slice.disposable;
        unit.reference |= !slice.disposable;
        if !unit.has_slice && !slice.first && unit.may_be_headless {
            return self.damage_unit();
        }
        if std::mem::take(&mut unit.may_be_headless) {
            // The unit is whole: what is missing was a picture that others may refer to.
            self.gate = Gate::Closed;
        }
        if !unit.has_slice && !slice.first {
            // The first slices are in the unit before, where the marker ended it too early, or lost.
            self.marker_trusted &= unit.timestamp != self.marked;
            self.damage();
            return;
        }
        unit.has_slice = true;
        unit.key |= slice.key;
        unit.not_intra |= !slice.intra;
        unit.leading |= slice.leading;
    }

    fn insert(&mut self, kind: Kind, id: u32, format: Option<Format>, nal: &[u8]) {
        if self.sets.insert(kind, id, nal) {
            self.sets_unsent = true;
            self.format = format.or(self.format);
        }
    }

    fn complete(&mut self) {
        self.fragment_end();
        let capacity = self.unit.data.len() + self.unit.data.len() / 4;
        let mut unit = std::mem::take(&mut self.unit);
        self.unit.data = Vec::with_capacity(capacity);
        if !unit.has_slice && !unit.damaged {
            // Parameter sets alone: what was missing before is missing before the next.
            self.unit.may_be_headless = unit.may_be_headless;
            return;
        }
        let is_disposable = unit.disposable && !unit.reference && unit.layer >= self.layer_max;
        if unit.damaged && !is_disposable {
            self.gate = Gate::Closed;
        }
        let passes = if unit.damaged { None } else { self.gate.admit(unit.traits()) };
        let (Some(discontinuity), Some(timestamp), Some(arrived)) = (passes, unit.timestamp, unit.arrived)
        else {
            self.dropped += 1;
            if let (Gate::Closed, Some(arrived)) = (&self.gate, unit.arrived) {
                self.key_awaited.get_or_insert(arrived);
            }
            return;
        };
        self.key_awaited = None;
        self.has_intra_keys |= discontinuity && !unit.key;
        let is_key = unit.key || discontinuity || (self.has_intra_keys && !unit.not_intra);
        if (is_key || self.sets_unsent) && !(unit.has_sequence_set && unit.has_picture_set) {
            unit.data.splice(0..0, self.sets.annex_b());
        }
        if self.ready.len() >= UNITS_READY_MAX {
            // Whoever pushes without pulling loses pictures, not memory.
            self.dropped += 1 + self.ready.len() as u64;
            self.ready.clear();
            self.gate = Gate::Closed;
            return;
        }
        self.ready.push_back(AccessUnit {
            is_hidden: false,
            codec: self.syntax.codec,
            data: unit.data,
            timestamp,
            arrived,
            is_key,
            is_disposable,
            discontinuity,
            new_parameter_sets: std::mem::take(&mut self.sets_unsent),
        });
    }
}

/// Calls with each NAL unit of a byte stream, without start codes and trailing zeros (annex B).
fn for_each_nal(bytes: &[u8], mut call: impl FnMut(&[u8])) {
    let mut begin = 0;
    let ends = memmem::find_iter(bytes, &START_CODE[1..]).chain([bytes.len()]);
    for end in ends {
        let nal = &bytes[begin..end];
        let len = nal.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        if len > 0 {
            call(&nal[..len]);
        }
        begin = end + START_CODE.len() - 1;
    }
}
