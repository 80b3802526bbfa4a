//! H.264: extracts NAL units from RTP payloads. RFC 6184.

use super::Begin;
use super::assembler::Assembler;
use super::nal_units::{NalUnits, PayloadFormat, aggregated, begin_of, begin_of_all};
use crate::rtp::{Error, Packet};
use crate::video::Codec;
use crate::video::nal::{LOOK_BYTES, classify, without_start_code};

/// The depacketizer of RFC 6184, packetization modes 0 and 1.
pub type H264 = NalUnits<Rfc6184>;

impl H264 {
    /// Begins with parameter sets from the SDP (`sprop-parameter-sets`, decoded): NAL units with or without
    /// start codes; invalid ones are skipped.
    pub fn new<'a>(parameter_sets: impl IntoIterator<Item = &'a [u8]>) -> Self {
        Self::of(Rfc6184, Assembler::new(Codec::H264), parameter_sets)
    }
}

/// How RTP carries H.264.
#[derive(Debug)]
pub struct Rfc6184;

impl PayloadFormat for Rfc6184 {
    /// RFC 6184 section 5.4: the first byte says which structure follows.
    fn unpack(&self, packet: &Packet<'_>, assembler: &mut Assembler) -> Result<(), Error> {
        let Some((&indicator, rest)) = packet.payload.split_first() else {
            return Ok(()); // Cameras send empty packets to keep a path open.
        };
        match indicator & 0x1f {
            0..=23 => assembler.nal(packet.payload),
            24 => aggregate(rest, packet.sequence, assembler),
            28 => fragment(indicator, rest, packet.sequence, assembler),
            kind => Err(Error::Packetization { codec: "h264", sequence: packet.sequence, kind }),
        }
    }

    fn begin(&self, payload: &[u8]) -> Begin {
        let payload = without_start_code(payload);
        let of = |nal: &[u8]| begin_of(classify(Codec::H264, nal));
        match payload {
            [] => Begin::Unknown,
            [indicator, rest @ ..] if indicator & 0x1f == 24 => begin_of_all(aggregated(rest, 0).map(of)),
            [indicator, header, rest @ ..] if indicator & 0x1f == 28 => match header & 0x1f {
                5 => Begin::Key,
                kind if header & 0x80 != 0 => {
                    let look = &rest[..rest.len().min(LOOK_BYTES)];
                    of(&[&[indicator & 0xe0 | kind], look].concat())
                }
                _ => Begin::Other,
            },
            nal => of(nal),
        }
    }
}

/// STAP-A, RFC 6184 section 5.7.1.
fn aggregate(mut rest: &[u8], sequence: u16, assembler: &mut Assembler) -> Result<(), Error> {
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
            assembler.nal(nal)?;
        }
        rest = tail;
    }
    Ok(())
}

/// FU-A, RFC 6184 section 5.8. Cameras set start and end together, omit the end, send empty fragments, and
/// change the type within a unit: the first fragment's type counts.
fn fragment(indicator: u8, rest: &[u8], sequence: u16, assembler: &mut Assembler) -> Result<(), Error> {
    let Some((&header, payload)) = rest.split_first() else {
        return Err(Error::PayloadTooShort { what: "h264 fu-a", sequence, bytes: 1, need: 2 });
    };
    let (start, end) = (header & 0x80 != 0, header & 0x40 != 0);
    let kind = header & 0x1f;
    // Type 0 is the first byte of a start code that the camera mistook for the NAL unit's header.
    let header = [if kind == 0 { 0 } else { indicator & 0xe0 | kind }];
    assembler.note_piece(&header);
    if start {
        assembler.fragment_begin(&header, payload)?;
    } else if !assembler.fragment_continue(payload)? && !payload.is_empty() {
        return Err(Error::FragmentWithoutStart { sequence });
    }
    if end {
        assembler.fragment_end();
    }
    Ok(())
}

#[cfg(test)]
mod tests;
