//! Assembles access units of H.264 and H.265 from their NAL units, and withholds those that cannot be
//! decoded. The payload formats (RFC 6184, RFC 7798) differ only in how they carry NAL units.

use std::collections::VecDeque;

use memchr::memmem;

use super::gate::Gate;
use super::unit::Unit;
use crate::clock::Monotonic;
use crate::rtp::limits::UNITS_READY_MAX;
use crate::rtp::{Error, Gap, VideoPicture};
use crate::video::nal::{self, Nal, START_CODE, Slice, classify};
use crate::video::parameter_sets::{Kind, ParameterSets};
use crate::video::{ACCESS_UNIT_MAX_BYTES, AccessUnit, Codec, Format};

/// Assembles the access units of one stream.
#[derive(Debug)]
pub struct Assembler {
    codec: Codec,
    unit: Unit,
    /// Size of the last unit of each kind, in bytes: the next of its kind will be about as large.
    key_bytes: usize,
    other_bytes: usize,
    copied_bytes: u64,
    gate: Gate,
    sets: ParameterSets,
    /// There are parameter sets that no unit has carried yet.
    sets_unsent: bool,
    format: Option<Format>,
    /// Timestamp of the last unit that a marker completed.
    marked: Option<u32>,
    /// The stream uses markers: a unit without one has lost its last packet.
    has_markers: bool,
    /// Some cameras set the marker on every slice: units then end where the timestamp changes.
    marker_trusted: bool,
    /// The highest sub-layer seen: only its pictures can be left out.
    layer_max: u8,
    /// Decoding began with a picture of intra slices that is not marked as a key picture: later ones may have
    /// to serve as key pictures too.
    has_intra_keys: bool,
    /// Arrival of the first unit withheld because no key unit has come.
    key_awaited: Option<Monotonic>,
    ready: VecDeque<VideoPicture>,
    dropped: u64,
}

impl Assembler {
    pub fn new(codec: Codec) -> Self {
        Self {
            codec,
            unit: Unit::default(),
            key_bytes: 0,
            other_bytes: 0,
            copied_bytes: 0,
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

    /// Takes parameter sets from outside the stream (the SDP), with or without start codes.
    pub fn parameter_sets(&mut self, bytes: &[u8]) {
        for nal in nal::all(bytes) {
            if let Nal::ParameterSet(kind, id, format) = classify(self.codec, nal) {
                self.insert(kind, id, format, nal);
            }
        }
    }

    /// Begins a packet; this may end the unit before it.
    pub fn begin(&mut self, timestamp: u32, gap: Gap, arrived: Monotonic) {
        let is_same_unit = self.unit.timestamp == Some(timestamp);
        let is_open = self.unit.timestamp.is_some();
        match gap {
            Gap::None => {}
            // The packets of a picture are consecutive: the missing ones belong to this picture.
            _ if is_same_unit => self.damage_unit(),
            // The missing packet was the last one of the previous unit, which therefore has no marker.
            Gap::One if is_open && self.has_markers && self.marker_trusted => self.damage_unit(),
            Gap::One if !is_open => {
                self.unit.may_be_headless = true;
                self.marked = None;
            }
            // Whole pictures may be missing, and later ones may refer to them.
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

    /// Takes a whole NAL unit.
    pub fn nal(&mut self, nal: &[u8]) -> Result<(), Error> {
        self.fragment_begin(&[], nal)?;
        self.fragment_end();
        Ok(())
    }

    /// Takes the first fragment of a NAL unit. A NAL unit still open has ended without its last fragment.
    pub fn fragment_begin(&mut self, header: &[u8], payload: &[u8]) -> Result<(), Error> {
        self.fragment_end();
        if !self.unit.damaged && !self.unit.has_slice && !self.unit.is_prepared {
            self.prepare(header, payload);
        }
        self.append(&START_CODE)?;
        if !self.unit.damaged {
            self.unit.open_nal = Some(self.unit.data.len());
        }
        self.append(header)?;
        self.append(payload)
    }

    /// Takes a further fragment; false if none has begun. That is no new error if units are withheld already,
    /// after a loss or when joining in the middle of a picture.
    pub fn fragment_continue(&mut self, payload: &[u8]) -> Result<bool, Error> {
        let is_known = matches!(self.gate, Gate::Closed) || self.unit.may_be_headless;
        if self.unit.open_nal.is_none() && is_known && !payload.is_empty() {
            self.damage_unit();
        }
        let begun = self.unit.open_nal.is_some() || self.unit.damaged;
        self.append(payload)?;
        Ok(begun)
    }

    /// Notes that the last fragment has come.
    pub fn fragment_end(&mut self) {
        let Some(begin) = self.unit.open_nal.take() else { return };
        let data = std::mem::take(&mut self.unit.data);
        let received = &data[begin..];
        let inner = memmem::find(received, &START_CODE[1..]);
        let first_is_empty = inner.is_some_and(|at| received[..at].iter().all(|byte| *byte == 0));
        let is_left_out = inner.is_none() && nal::is_left_out(self.codec, received);
        nal::all(received).for_each(|nal| self.note(nal));
        if self.unit.damaged {
            return;
        }
        self.unit.data = data;
        if first_is_empty {
            // The camera put its own start code in front of the NAL unit.
            self.unit.remove(begin - START_CODE.len()..begin);
        } else if is_left_out {
            self.unit.data.truncate(begin - START_CODE.len());
        }
    }

    /// Ends the packet.
    pub fn end(&mut self, marker: bool) {
        // Cameras set the marker on parameter sets and SEI too; only a picture completes a unit.
        if marker && self.marker_trusted && (self.unit.has_slice || self.unit.damaged || self.open_slice()) {
            self.marked = self.unit.timestamp;
            self.has_markers = true;
            self.complete();
        }
    }

    /// Something is missing or damaged in the present unit only.
    pub fn damage_unit(&mut self) {
        self.unit.may_be_headless = false;
        if self.unit.timestamp.is_some() {
            self.unit.damaged = true;
            self.unit.open_nal = None;
            self.unit.data.clear();
        }
    }

    /// Notes a received piece of the present unit, with this NAL unit header: the header may show that no
    /// other unit of its sub-layer refers to this one.
    pub fn note_piece(&mut self, header: &[u8]) {
        if let Some(layer) = nal::disposable_layer(self.codec, header) {
            self.unit.disposable = true;
            self.unit.layer = layer;
        }
    }

    /// Something is missing in the present unit or before it.
    fn damage(&mut self) {
        self.gate = Gate::Closed;
        self.damage_unit();
    }

    /// Reports that a pulled unit will not be decoded.
    pub fn unit_lost(&mut self) {
        self.gate = Gate::Closed;
        self.dropped += 1;
    }

    pub fn pull(&mut self) -> Option<VideoPicture> {
        self.ready.pop_front()
    }

    pub fn format(&self) -> Option<Format> {
        self.format
    }

    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    pub fn copied_bytes(&self) -> u64 {
        self.copied_bytes + self.unit.copied_bytes
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
        self.unit.append(bytes);
        Ok(())
    }

    /// Prepares a unit for its first slice: reserves as many bytes as the last unit of its kind had, and
    /// inserts missing parameter sets while there is almost nothing to move.
    fn prepare(&mut self, header: &[u8], payload: &[u8]) {
        let mut look = [0; nal::LOOK_BYTES];
        let bytes = header.iter().chain(payload);
        let len = look.iter_mut().zip(bytes).map(|(to, from)| *to = *from).count();
        let Nal::Slice(slice) = classify(self.codec, &look[..len]) else { return };
        self.unit.is_prepared = true;
        let begins = matches!(self.gate, Gate::Closed) || self.has_intra_keys;
        let is_key = self.unit.key || slice.key || (begins && slice.intra);
        let expected = if is_key { self.key_bytes } else { self.other_bytes };
        self.unit.make_room(expected + expected / 4);
        if is_key || self.sets_unsent {
            self.unit.complete_with(&self.sets);
        }
    }

    /// A slice without an end flag on its last fragment.
    fn open_slice(&self) -> bool {
        self.unit.open_nal.is_some_and(|begin| {
            let nal = &self.unit.data[begin..];
            !nal.is_empty() && matches!(classify(self.codec, nal), Nal::Slice(_))
        })
    }

    fn note(&mut self, nal: &[u8]) {
        match classify(self.codec, nal) {
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
            // The unit is whole; the missing packet was a picture that others may refer to.
            self.gate = Gate::Closed;
        }
        if !unit.has_slice && !slice.first {
            // The first slices are in the previous unit, which the marker ended too early, or they are lost.
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
        let mut unit = std::mem::take(&mut self.unit);
        self.copied_bytes += std::mem::take(&mut unit.copied_bytes);
        if !unit.has_slice && !unit.damaged {
            // Parameter sets alone: what was missing before them is still missing before the next unit.
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
        if is_key || self.sets_unsent {
            unit.complete_with(&self.sets);
            self.copied_bytes += unit.copied_bytes;
        }
        let bytes = if is_key { &mut self.key_bytes } else { &mut self.other_bytes };
        *bytes = unit.data.len();
        if self.ready.len() >= UNITS_READY_MAX {
            // A caller that pushes without pulling loses pictures, and memory stays bounded.
            self.dropped += 1 + self.ready.len() as u64;
            self.ready.clear();
            self.gate = Gate::Closed;
            return;
        }
        let (codec, data) = (self.codec, unit.data.into());
        let unit = AccessUnit { codec, data, arrived, is_key, is_hidden: false, discontinuity };
        let new_parameter_sets = std::mem::take(&mut self.sets_unsent);
        self.ready.push_back(VideoPicture { unit, timestamp, is_disposable, new_parameter_sets });
    }
}
