//! H.265: NAL units out of RTP payloads. RFC 7798.

use super::assembler::{Assembler, Nal, Slice, Syntax};
use super::bits::Bits;
use super::h264::{SEI_RECOVERY_POINT, has_sei};
use super::nal_units::{NalUnits, PayloadFormat, aggregated, begin_of, begin_of_all, without_start_code};
use super::parameter_sets::Kind;
use super::{Begin, Codec, sps};
use crate::rtp::{Error, Packet};

/// Bytes of the NAL unit header, and of the payload header. RFC 7798 section 1.1.4.
const HEADER_BYTES: usize = 2;

static SYNTAX: Syntax = Syntax { codec: Codec::H265, classify };

/// The depacketizer of RFC 7798.
pub type H265 = NalUnits<Rfc7798>;

impl H265 {
    /// Begins, with parameter sets from the SDP (`sprop-vps`, `-sps`, `-pps`, decoded), and whether
    /// it says that decoding order numbers are there.
    pub fn new<'a>(parameter_sets: impl IntoIterator<Item = &'a [u8]>, has_donl: bool) -> Self {
        let payload_format = Rfc7798 { donl_bytes: if has_donl { 2 } else { 0 } };
        Self::of(payload_format, Assembler::new(&SYNTAX), parameter_sets)
    }
}

/// How RTP carries H.265.
#[derive(Debug)]
pub struct Rfc7798 {
    /// Bytes of the decoding order number in front of NAL units and fragments: two where the SDP
    /// says `sprop-max-don-diff` above zero. Cameras do not interleave, so it is passed over.
    donl_bytes: usize,
}

impl PayloadFormat for Rfc7798 {
    /// RFC 7798 section 4.4: the payload header's type says which structure follows.
    fn unpack(&self, packet: &Packet<'_>, assembler: &mut Assembler) -> Result<(), Error> {
        let (payload, sequence) = (packet.payload, packet.sequence);
        if payload.is_empty() {
            return Ok(()); // Cameras send empty packets to keep a path open.
        }
        let short = |what, need| Error::PayloadTooShort { what, sequence, bytes: payload.len(), need };
        let (header, rest) =
            payload.split_at_checked(HEADER_BYTES).ok_or_else(|| short("h265 nal unit", HEADER_BYTES))?;
        match kind(header) {
            48 => self.aggregate(rest, sequence, assembler),
            49 => self.fragment([header[0], header[1]], rest, sequence, assembler),
            kind @ 50..=63 => Err(Error::Packetization { codec: "h265", sequence, kind }),
            _ if self.donl_bytes == 0 => assembler.nal(payload),
            _ => {
                let nal = rest.get(self.donl_bytes..).ok_or_else(|| short("h265 nal unit", 4))?;
                assembler.fragment_begin(header, nal)?;
                assembler.fragment_end();
                Ok(())
            }
        }
    }

    fn begin(&self, payload: &[u8]) -> Begin {
        let payload = without_start_code(payload);
        let Some((header, rest)) = payload.split_at_checked(HEADER_BYTES) else { return Begin::Unknown };
        let of = |nal: &[u8]| begin_of(classify(nal));
        match kind(header) {
            48 => {
                let rest = rest.get(self.donl_bytes..).unwrap_or_default();
                begin_of_all(aggregated(rest, self.donl_bytes / 2).map(of))
            }
            49 => match rest {
                [fu, ..] if (16..=23).contains(&(fu & 0x3f)) => Begin::Key,
                [fu, ..] if fu & 0x80 != 0 => of(&[(header[0] & 0x81) | (fu & 0x3f) << 1, header[1]]),
                _ => Begin::Other,
            },
            _ if self.donl_bytes == 0 => of(payload),
            _ => of(&[header, rest.get(self.donl_bytes..).unwrap_or_default()].concat()),
        }
    }
}

impl Rfc7798 {
    /// Aggregation packet, RFC 7798 section 4.4.2.
    fn aggregate(&self, mut rest: &[u8], sequence: u16, assembler: &mut Assembler) -> Result<(), Error> {
        let mut skip = self.donl_bytes;
        while rest.len() > skip + 1 {
            let (size, tail) = rest[skip..].split_at(2);
            let need = usize::from(u16::from_be_bytes([size[0], size[1]]));
            let bytes = tail.len();
            let (nal, tail) = tail.split_at_checked(need).ok_or(Error::PayloadTooShort {
                what: "h265 aggregation packet",
                sequence,
                bytes,
                need,
            })?;
            if !nal.is_empty() {
                assembler.nal(nal)?;
            }
            rest = tail;
            skip = self.donl_bytes / 2; // DOND has one byte, DONL two.
        }
        Ok(())
    }

    /// Fragmentation unit, RFC 7798 section 4.4.3. As tolerant as FU-A in H.264.
    fn fragment(
        &self,
        header: [u8; 2],
        rest: &[u8],
        sequence: u16,
        assembler: &mut Assembler,
    ) -> Result<(), Error> {
        let short = |need| Error::PayloadTooShort {
            what: "h265 fragmentation unit",
            sequence,
            bytes: HEADER_BYTES + rest.len(),
            need,
        };
        let (&fu, payload) = rest.split_first().ok_or_else(|| short(HEADER_BYTES + 1))?;
        let (start, end) = (fu & 0x80 != 0, fu & 0x40 != 0);
        if is_disposable(fu & 0x3f) {
            assembler.note_disposable(layer(header[1]));
        }
        if start {
            let payload = payload.get(self.donl_bytes..).ok_or_else(|| short(HEADER_BYTES + 3))?;
            assembler.fragment_begin(&[(header[0] & 0x81) | (fu & 0x3f) << 1, header[1]], payload)?;
        } else if !assembler.fragment_continue(payload)? && !payload.is_empty() {
            return Err(Error::FragmentWithoutStart { sequence });
        }
        if end {
            assembler.fragment_end();
        }
        Ok(())
    }
}

/// No picture of its own sub-layer, nor of those below, refers to one of an even type below 16.
/// ITU-T H.265 section 7.4.2.2.
fn is_disposable(kind: u8) -> bool {
    kind < 16 && kind.is_multiple_of(2)
}

/// TemporalId: the sub-layer. ITU-T H.265 section 7.4.2.2.
fn layer(second_header_byte: u8) -> u8 {
    (second_header_byte & 7).saturating_sub(1)
}

fn kind(header: &[u8]) -> u8 {
    header[0] >> 1 & 0x3f
}

/// ITU-T H.265 section 7.4.2.2, table 7-1.
fn classify(nal: &[u8]) -> Nal {
    let Some((header, rest)) = nal.split_at_checked(HEADER_BYTES) else { return Nal::Other };
    if header[0] & 1 != 0 || header[1] & 0xf8 != 0 {
        return Nal::Other; // Not of the base layer.
    }
    match kind(header) {
        kind @ 0..=31 => Nal::Slice(Slice {
            // first_slice_segment_in_pic_flag is the first bit (7.3.6.1).
            first: rest.first().is_some_and(|byte| byte & 0x80 != 0),
            key: (16..=23).contains(&kind),
            // slice_type lies behind fields that need the parameter sets; not worth it.
            intra: false,
            leading: matches!(kind, 8 | 9),
            layer: layer(header[1]),
            disposable: is_disposable(kind),
        }),
        32 => match rest.first() {
            Some(byte) => Nal::ParameterSet(Kind::Video, u32::from(byte >> 4), None),
            None => Nal::Other,
        },
        33 => match sps::h265(nal) {
            Some(sps::Sequence { id, format, .. }) => Nal::ParameterSet(Kind::Sequence, id, Some(format)),
            None => Nal::Other,
        },
        34 => match Bits::new(rest, 8).ue() {
            Some(id) if id < 64 => Nal::ParameterSet(Kind::Picture, id, None),
            _ => Nal::Other,
        },
        39 if has_sei(rest, SEI_RECOVERY_POINT) => Nal::RecoveryPoint,
        _ => Nal::Other,
    }
}

#[cfg(test)]
mod tests;
