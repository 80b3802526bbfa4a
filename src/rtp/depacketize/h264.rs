//! H.264: NAL units out of RTP payloads. RFC 6184.

use super::assembler::{Assembler, Nal, Slice, Syntax};
use super::bits::Bits;
use super::nal_units::{NalUnits, PayloadFormat, aggregated, begin_of, begin_of_all, without_start_code};
use super::parameter_sets::Kind;
use super::{Begin, Codec, sps};
use crate::rtp::{Error, Packet};

/// Bytes of a slice header that are looked at: two Exp-Golomb codes.
const SLICE_HEADER_LOOK_BYTES: usize = 12;

/// SEI payload type of a recovery point (ITU-T H.264 annex D.1.8, H.265 annex D.2.8).
pub(super) const SEI_RECOVERY_POINT: u32 = 6;

static SYNTAX: Syntax = Syntax { codec: Codec::H264, classify };

/// The depacketizer of RFC 6184, packetization modes 0 and 1.
pub type H264 = NalUnits<Rfc6184>;

impl H264 {
    /// Begins, with parameter sets from the SDP (`sprop-parameter-sets`, decoded): NAL units, with
    /// or without start codes; invalid ones are passed over.
    pub fn new<'a>(parameter_sets: impl IntoIterator<Item = &'a [u8]>) -> Self {
        Self::of(Rfc6184, Assembler::new(&SYNTAX), parameter_sets)
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
        let of = |nal: &[u8]| begin_of(classify(nal));
        match payload {
            [] => Begin::Unknown,
            [indicator, rest @ ..] if indicator & 0x1f == 24 => begin_of_all(aggregated(rest, 0).map(of)),
            [indicator, header, rest @ ..] if indicator & 0x1f == 28 => match header & 0x1f {
                5 => Begin::Key,
                kind if header & 0x80 != 0 => {
                    let look = &rest[..rest.len().min(SLICE_HEADER_LOOK_BYTES)];
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

/// FU-A, RFC 6184 section 5.8. Cameras set start and end together, leave the end away, send
/// empty fragments, and change the type within a unit: the first fragment's type counts.
fn fragment(indicator: u8, rest: &[u8], sequence: u16, assembler: &mut Assembler) -> Result<(), Error> {
    let Some((&header, payload)) = rest.split_first() else {
        return Err(Error::PayloadTooShort { what: "h264 fu-a", sequence, bytes: 1, need: 2 });
    };
    let (start, end) = (header & 0x80 != 0, header & 0x40 != 0);
    if is_slice(header & 0x1f) && !is_reference(indicator) {
        assembler.note_disposable(0);
    }
    if start {
        // Type 0 is the first byte of a start code that the camera took for the NAL unit's.
        let kind = header & 0x1f;
        assembler.fragment_begin(&[if kind == 0 { 0 } else { indicator & 0xe0 | kind }], payload)?;
    } else if !assembler.fragment_continue(payload)? && !payload.is_empty() {
        return Err(Error::FragmentWithoutStart { sequence });
    }
    if end {
        assembler.fragment_end();
    }
    Ok(())
}

/// ITU-T H.264 section 7.4.1, table 7-1.
fn classify(nal: &[u8]) -> Nal {
    match nal[0] & 0x1f {
        kind if is_slice(kind) => slice(nal, kind == 5),
        6 if has_sei(&nal[1..], SEI_RECOVERY_POINT) => Nal::RecoveryPoint,
        7 => match sps::h264(nal) {
            Some(sps::Sequence { id, format, .. }) => Nal::ParameterSet(Kind::Sequence, id, Some(format)),
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
fn slice(nal: &[u8], key: bool) -> Nal {
    let mut bits = Bits::new(&nal[1..], SLICE_HEADER_LOOK_BYTES);
    let first = bits.ue() == Some(0);
    let intra = matches!(bits.ue(), Some(2 | 7));
    Nal::Slice(Slice { first, key, intra, leading: false, layer: 0, disposable: !is_reference(nal[0]) })
}

/// A slice, or its first partition. ITU-T H.264 table 7-1.
fn is_slice(kind: u8) -> bool {
    matches!(kind, 1 | 2 | 5)
}

/// nal_ref_idc, which is zero in all slices of a picture that no other refers to, or in none. ITU-T
/// H.264 section 7.4.1.
fn is_reference(header: u8) -> bool {
    header & 0x60 != 0
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
