//! H.264: NAL units out of RTP payloads. RFC 6184.

use super::assembler::{Assembler, Nal, Slice, Syntax};
use super::bits::Bits;
use super::parameter_sets::Kind;
use super::{AccessUnit, Codec, Format, sps};
use crate::clock::Monotonic;
use crate::rtp::{Error, Packet};

/// Bytes of a slice header that are looked at: two Exp-Golomb codes.
const SLICE_HEADER_LOOK_BYTES: usize = 12;

/// SEI payload type of a recovery point (ITU-T H.264 annex D.1.8, H.265 annex D.2.8).
pub(super) const SEI_RECOVERY_POINT: u32 = 6;

static SYNTAX: Syntax = Syntax { codec: Codec::H264, classify };

/// The depacketizer of RFC 6184, packetization modes 0 and 1.
#[derive(Debug)]
pub struct H264(Assembler);

impl H264 {
    /// Begins, with parameter sets from the SDP (`sprop-parameter-sets`, decoded): NAL units, with
    /// or without start codes; invalid ones are passed over.
    pub fn new<'a>(parameter_sets: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut assembler = Assembler::new(&SYNTAX);
        parameter_sets.into_iter().for_each(|set| assembler.parameter_sets(set));
        Self(assembler)
    }

    /// Takes the next packet in order. `loss`: packets before it are missing.
    pub fn push(&mut self, packet: &Packet<'_>, loss: bool, arrived: Monotonic) -> Result<(), Error> {
        self.0.begin(packet.timestamp, loss, arrived);
        let result = self.payload(packet);
        if result.is_err() {
            self.0.damage();
        }
        self.0.end(packet.marker);
        result
    }

    /// The next complete access unit.
    pub fn pull(&mut self) -> Option<AccessUnit> {
        self.0.pull()
    }

    /// A unit that was pulled is not going to be decoded: those that need it are withheld.
    pub fn unit_lost(&mut self) {
        self.0.unit_lost();
    }

    /// Profile and size, once a sequence parameter set is known.
    pub fn format(&self) -> Option<Format> {
        self.0.format()
    }

    /// Access units dropped or withheld.
    pub fn dropped(&self) -> u64 {
        self.0.dropped()
    }

    /// RFC 6184 section 5.4: the first byte says which structure follows.
    fn payload(&mut self, packet: &Packet<'_>) -> Result<(), Error> {
        let Some((&indicator, rest)) = packet.payload.split_first() else {
            return Ok(()); // Cameras send empty packets to keep a path open.
        };
        match indicator & 0x1f {
            0..=23 => self.0.nal(packet.payload),
            24 => self.aggregate(rest, packet.sequence),
            28 => self.fragment(indicator, rest, packet.sequence),
            kind => Err(Error::Packetization { codec: "h264", sequence: packet.sequence, kind }),
        }
    }

    /// STAP-A, RFC 6184 section 5.7.1.
    fn aggregate(&mut self, mut rest: &[u8], sequence: u16) -> Result<(), Error> {
        while let [high, low, tail @ ..] = rest {
            let need = usize::from(u16::from_be_bytes([*high, *low]));
            let bytes = tail.len();
            let (nal, tail) = tail.split_at_checked(need).ok_or(Error::PayloadTooShort {
                what: "h264 stap-a",
                sequence,
                bytes,
                need,
            })?;
            if !nal.is_empty() {
                self.0.nal(nal)?;
            }
            rest = tail;
        }
        Ok(())
    }

    /// FU-A, RFC 6184 section 5.8. Cameras set start and end together, leave the end away, send
    /// empty fragments, and change the type within a unit: the first fragment's type counts.
    fn fragment(&mut self, indicator: u8, rest: &[u8], sequence: u16) -> Result<(), Error> {
        let Some((&header, payload)) = rest.split_first() else {
            return Err(Error::PayloadTooShort { what: "h264 fu-a", sequence, bytes: 1, need: 2 });
        };
        let (start, end) = (header & 0x80 != 0, header & 0x40 != 0);
        if start {
            // Type 0 is the first byte of a start code that the camera took for the NAL unit's.
            let kind = header & 0x1f;
            self.0.fragment_begin(&[if kind == 0 { 0 } else { indicator & 0xe0 | kind }], payload)?;
        } else if !self.0.fragment_continue(payload)? && !payload.is_empty() {
            return Err(Error::FragmentWithoutStart { sequence });
        }
        if end {
            self.0.fragment_end();
        }
        Ok(())
    }
}

/// ITU-T H.264 section 7.4.1, table 7-1.
fn classify(nal: &[u8]) -> Nal {
    match nal[0] & 0x1f {
        kind @ (1 | 2 | 5) => slice(&nal[1..], kind == 5),
        6 if has_sei(&nal[1..], SEI_RECOVERY_POINT) => Nal::RecoveryPoint,
        7 => match sps::h264(nal) {
            Some((id, format)) => Nal::ParameterSet(Kind::Sequence, id, Some(format)),
            None => Nal::Other,
        },
        8 => match Bits::new(&nal[1..], 8).ue() {
            Some(id) if id < 256 => Nal::ParameterSet(Kind::Picture, id, None),
            _ => Nal::Other,
        },
        _ => Nal::Other,
    }
}

/// ITU-T H.264 section 7.3.3: first_mb_in_slice, slice_type.
fn slice(header: &[u8], key: bool) -> Nal {
    let mut bits = Bits::new(header, SLICE_HEADER_LOOK_BYTES);
    let first = bits.ue() == Some(0);
    let intra = matches!(bits.ue(), Some(2 | 7));
    Nal::Slice(Slice { first, key, intra, leading: false })
}

/// Whether a message of this type is among the supplemental enhancement information.
/// ITU-T H.264 and H.265, section 7.3.2.3.1 and 7.3.5.
pub(super) fn has_sei(mut payload: &[u8], wanted: u32) -> bool {
    /// Reads a number coded as a sum of bytes that ends with one below 255.
    fn sum(payload: &mut &[u8]) -> Option<u32> {
        let mut value = 0_u32;
        loop {
            let (&byte, rest) = payload.split_first()?;
            *payload = rest;
            value = value.saturating_add(u32::from(byte));
            if byte != 255 {
                return Some(value);
            }
        }
    }
    while payload.len() > 1 {
        let (Some(kind), Some(size)) = (sum(&mut payload), sum(&mut payload)) else { return false };
        if kind == wanted {
            return true;
        }
        // Emulation prevention bytes make a message longer than its size: at worst, this misses one.
        payload = payload.get(size as usize..).unwrap_or_default();
    }
    false
}

#[cfg(test)]
mod tests;
