//! H.265: extracts NAL units from RTP payloads. RFC 7798.

use super::Begin;
use super::assembler::Assembler;
use super::nal_units::{NalUnits, PayloadFormat, aggregated, begin_of, begin_of_all};
use crate::rtp::{Error, Packet};
use crate::video::Codec;
use crate::video::nal::{classify, without_start_code};

/// Bytes of the NAL unit header, and of the payload header. RFC 7798 section 1.1.4.
const HEADER_BYTES: usize = 2;

/// The depacketizer of RFC 7798.
pub type H265 = NalUnits<Rfc7798>;

impl H265 {
    /// Begins with parameter sets from the SDP (`sprop-vps`, `-sps`, `-pps`, decoded). `has_donl` says
    /// whether the SDP announces decoding order numbers.
    pub fn new<'a>(parameter_sets: impl IntoIterator<Item = &'a [u8]>, has_donl: bool) -> Self {
        let payload_format = Rfc7798 { donl_bytes: if has_donl { 2 } else { 0 } };
        Self::of(payload_format, Assembler::new(Codec::H265), parameter_sets)
    }
}

/// How RTP carries H.265.
#[derive(Debug)]
pub struct Rfc7798 {
    /// Bytes of the decoding order number in front of NAL units and fragments: two if the SDP has
    /// `sprop-max-don-diff` above zero. Cameras do not interleave, so the number is skipped.
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
        let of = |nal: &[u8]| begin_of(classify(Codec::H265, nal));
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
        let header = [(header[0] & 0x81) | (fu & 0x3f) << 1, header[1]];
        assembler.note_piece(&header);
        if start {
            let payload = payload.get(self.donl_bytes..).ok_or_else(|| short(HEADER_BYTES + 3))?;
            assembler.fragment_begin(&header, payload)?;
        } else if !assembler.fragment_continue(payload)? && !payload.is_empty() {
            return Err(Error::FragmentWithoutStart { sequence });
        }
        if end {
            assembler.fragment_end();
        }
        Ok(())
    }
}

fn kind(header: &[u8]) -> u8 {
    header[0] >> 1 & 0x3f
}

#[cfg(test)]
mod tests;
