//! What the depacketizers of H.264 and H.265 have in common: packets in, access units out of an
//! [`Assembler`]. How a payload carries NAL units is the codec's own.

use super::assembler::Assembler;
use super::{AccessUnit, Format};
use crate::clock::Monotonic;
use crate::rtp::{Error, Gap, Packet};

/// A payload format that carries NAL units.
pub trait PayloadFormat {
    /// Hands the NAL units of a payload, or the pieces of one, to the assembler.
    ///
    /// # Errors
    /// What is wrong with the payload.
    fn unpack(&self, packet: &Packet<'_>, assembler: &mut Assembler) -> Result<(), Error>;
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
    pub fn pull(&mut self) -> Option<AccessUnit> {
        self.assembler.pull()
    }

    /// A unit that was pulled is not going to be decoded: those that need it are withheld.
    pub fn unit_lost(&mut self) {
        self.assembler.unit_lost();
    }

    /// Profile and size, once a sequence parameter set is known.
    pub fn format(&self) -> Option<Format> {
        self.assembler.format()
    }

    /// Access units dropped or withheld.
    pub fn dropped(&self) -> u64 {
        self.assembler.dropped()
    }
}
