//! The common part of the H.264 and H.265 depacketizers: packets in, access units out, through an
//! [`Assembler`]. How a payload carries NAL units is specific to the codec.

use super::Begin;
use super::assembler::Assembler;
use crate::clock::Monotonic;
use crate::rtp::{Error, Gap, Packet, VideoPicture};
use crate::video::Format;
use crate::video::nal::Nal;
use crate::video::parameter_sets::Kind;

/// A payload format that carries NAL units.
pub trait PayloadFormat {
    /// Passes the NAL units of a payload, or pieces of one, to the assembler.
    ///
    /// # Errors
    /// The payload is malformed or not supported.
    fn unpack(&self, packet: &Packet<'_>, assembler: &mut Assembler) -> Result<(), Error>;

    /// How a stream begins if this is its first payload.
    fn begin(&self, payload: &[u8]) -> Begin;
}

/// How a stream begins if this is its first NAL unit.
pub(super) fn begin_of(nal: Nal) -> Begin {
    match nal {
        Nal::Slice(slice) if slice.key || slice.intra => Begin::Key,
        Nal::Slice(_) => Begin::Other,
        Nal::ParameterSet(Kind::Sequence | Kind::Video, ..) | Nal::RecoveryPoint => Begin::Key,
        Nal::ParameterSet(Kind::Picture, ..) | Nal::Other => Begin::Unknown,
    }
}

/// How a stream begins with these NAL units: the first conclusive one decides.
pub(super) fn begin_of_all(nals: impl Iterator<Item = Begin>) -> Begin {
    let mut telling = nals.filter(|begin| *begin != Begin::Unknown);
    telling.next().unwrap_or(Begin::Unknown)
}

/// The NAL units of an aggregation packet. Each follows its length of two bytes and, from the second on,
/// `before` other bytes.
pub(super) fn aggregated(mut rest: &[u8], before: usize) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (size, tail) = rest.split_at_checked(2)?;
        let (nal, tail) = tail.split_at_checked(usize::from(u16::from_be_bytes([size[0], size[1]])))?;
        rest = tail.get(before..).unwrap_or_default();
        Some(nal)
    })
    .filter(|nal| !nal.is_empty())
}

/// A depacketizer for a payload format.
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

    /// Takes the next packet in order; `gap` counts the packets missing before it.
    ///
    /// # Errors
    /// The packet is malformed or not supported; the depacketizer goes on.
    pub fn push(&mut self, packet: &Packet<'_>, gap: Gap, arrived: Monotonic) -> Result<(), Error> {
        self.assembler.begin(packet.timestamp, gap, arrived);
        let result = self.payload_format.unpack(packet, &mut self.assembler);
        if result.is_err() {
            self.assembler.damage_unit();
        }
        self.assembler.end(packet.marker);
        result
    }

    /// Takes the next complete access unit.
    pub fn pull(&mut self) -> Option<VideoPicture> {
        self.assembler.pull()
    }

    /// Reports that a pulled unit will not be decoded: units that need it are withheld.
    pub fn picture_lost(&mut self) {
        self.assembler.unit_lost();
    }

    /// How a stream begins if this is its first payload.
    pub fn begin(&self, payload: &[u8]) -> Begin {
        self.payload_format.begin(payload)
    }

    /// Profile and size, once a sequence parameter set is known.
    pub fn format(&self) -> Option<Format> {
        self.assembler.format()
    }

    /// When withholding began because no key unit has come.
    pub fn key_awaited(&self) -> Option<Monotonic> {
        self.assembler.key_awaited()
    }

    /// Access units dropped or withheld.
    pub fn dropped(&self) -> u64 {
        self.assembler.dropped()
    }

    /// Bytes copied to assemble access units.
    pub fn copied_bytes(&self) -> u64 {
        self.assembler.copied_bytes()
    }
}
