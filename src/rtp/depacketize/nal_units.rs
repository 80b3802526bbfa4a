//! What the depacketizers of H.264 and H.265 have in common: packets in, access units out of an
//! [`Assembler`]. How a payload carries NAL units is the codec's own.

use super::Begin;
use super::assembler::Assembler;
use crate::clock::Monotonic;
use crate::rtp::{Error, Gap, Packet, VideoPicture};
use crate::video::Format;
use crate::video::nal::Nal;
use crate::video::parameter_sets::Kind;

/// A payload format that carries NAL units.
pub trait PayloadFormat {
    /// Hands the NAL units of a payload, or the pieces of one, to the assembler.
    ///
    /// # Errors
    /// What is wrong with the payload.
    fn unpack(&self, packet: &Packet<'_>, assembler: &mut Assembler) -> Result<(), Error>;

    /// How a stream would begin whose first packet has this payload.
    fn begin(&self, payload: &[u8]) -> Begin;
}

/// How a stream would begin whose first NAL unit is of this kind.
pub(super) fn begin_of(nal: Nal) -> Begin {
    match nal {
        Nal::Slice(slice) if slice.key || slice.intra => Begin::Key,
        Nal::Slice(_) => Begin::Other,
        Nal::ParameterSet(Kind::Sequence | Kind::Video, ..) | Nal::RecoveryPoint => Begin::Key,
        Nal::ParameterSet(Kind::Picture, ..) | Nal::Other => Begin::Unknown,
    }
}

/// How a stream would begin with these NAL units: the first that tells decides.
pub(super) fn begin_of_all(nals: impl Iterator<Item = Begin>) -> Begin {
    let mut telling = nals.filter(|begin| *begin != Begin::Unknown);
    telling.next().unwrap_or(Begin::Unknown)
}

/// The NAL units of an aggregation packet, each behind its length of two bytes and, from the second
/// on, so many other bytes.
pub(super) fn aggregated(mut rest: &[u8], before: usize) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (size, tail) = rest.split_at_checked(2)?;
        let (nal, tail) = tail.split_at_checked(usize::from(u16::from_be_bytes([size[0], size[1]])))?;
        rest = tail.get(before..).unwrap_or_default();
        Some(nal)
    })
    .filter(|nal| !nal.is_empty())
}

/// A depacketizer of a payload format.
#[derive(Debug)]
pub struct NalUnits<P> {
    assembler: Assembler,
    payload_format: P,
}

impl<P: PayloadFormat> NalUnits<P> {
    pub(super) fn of<'a>(
        payload_format: P,
        mut assembler: Assembler,
        parameter_sets: impl IntoIterator<Item = &'a [u8]>,
    ) -> Self {
        parameter_sets.into_iter().for_each(|set| assembler.parameter_sets(set));
        Self { assembler, payload_format }
    }

    /// Takes the next packet in order; `gap` is what is missing before it.
    ///
    /// # Errors
    /// What is wrong with the packet; the depacketizer goes on.
    pub fn push(&mut self, packet: &Packet<'_>, gap: Gap, arrived: Monotonic) -> Result<(), Error> {
        self.assembler.begin(packet.timestamp, gap, arrived);
        let result = self.payload_format.unpack(packet, &mut self.assembler);
        if result.is_err() {
            self.assembler.damage_unit();
        }
        self.assembler.end(packet.marker);
        result
    }

    /// The next complete access unit.
    pub fn pull(&mut self) -> Option<VideoPicture> {
        self.assembler.pull()
    }

    /// A unit that was pulled is not going to be decoded: those that need it are withheld.
    pub fn picture_lost(&mut self) {
        self.assembler.unit_lost();
    }

    /// How a stream would begin whose first packet has this payload.
    pub fn begin(&self, payload: &[u8]) -> Begin {
        self.payload_format.begin(payload)
    }

    /// Profile and size, once a sequence parameter set is known.
    pub fn format(&self) -> Option<Format> {
        self.assembler.format()
    }

    /// Since when units are withheld for want of a key unit.
    pub fn key_awaited(&self) -> Option<Monotonic> {
        self.assembler.key_awaited()
    }

    /// Access units dropped or withheld.
    pub fn dropped(&self) -> u64 {
        self.assembler.dropped()
    }

    /// Bytes copied to put access units together.
    pub fn copied_bytes(&self) -> u64 {
        self.assembler.copied_bytes()
    }
}
