//! NAL units: where they begin, and their kinds. ITU-T H.264 and H.265, section 7.4 and annex B.

use memchr::memmem;

use super::parameter_sets::Kind;
use super::{Codec, Format, h264, h265};

/// Precedes each NAL unit of a byte stream; the first byte may be missing (annex B).
pub const START_CODE: [u8; 4] = [0, 0, 0, 1];

/// SEI payload type of a recovery point (ITU-T H.264 annex D.1.8, H.265 annex D.2.8).
pub(super) const SEI_RECOVERY_POINT: u32 = 6;

/// Bytes of a NAL unit needed to classify it, except for parameter sets.
pub const LOOK_BYTES: usize = 14;

/// The kind of a NAL unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nal {
    /// A piece of a picture.
    Slice(Slice),
    /// A parameter set with its id.
    ParameterSet(Kind, u32, Option<Format>),
    /// Decoding can begin with the picture that follows.
    RecoveryPoint,
    /// Anything else.
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

/// Classifies a NAL unit without its start code.
pub fn classify(codec: Codec, nal: &[u8]) -> Nal {
    match codec {
        Codec::H264 => h264::classify(nal),
        Codec::H265 => h265::classify(nal),
    }
}

/// The temporal sub-layer of a picture that no other of its sub-layer refers to, from the NAL unit header of
/// one of its pieces; `None` for other pictures.
pub fn disposable_layer(codec: Codec, header: &[u8]) -> Option<u8> {
    match codec {
        Codec::H264 => h264::disposable_layer(header),
        Codec::H265 => h265::disposable_layer(header),
    }
}

/// Whether a NAL unit with this header is left out: supplemental information of H.265. None of it is needed,
/// and the decoder reports errors in it as damage.
pub fn is_left_out(codec: Codec, header: &[u8]) -> bool {
    codec == Codec::H265 && header.first().is_some_and(|first| matches!(first >> 1 & 0x3f, 39 | 40))
}

/// The NAL units of a byte stream, without start codes and trailing zeros (annex B).
pub fn all(stream: &[u8]) -> impl Iterator<Item = &[u8]> {
    let ends = memmem::find_iter(stream, &START_CODE[1..]).chain([stream.len()]);
    let mut begin = 0;
    ends.filter_map(move |end| {
        let nal = &stream[begin..end];
        begin = end + START_CODE.len() - 1;
        let len = nal.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        (len > 0).then(|| &nal[..len])
    })
}

/// Strips the start code that some cameras put in front of a NAL unit.
pub fn without_start_code(nal: &[u8]) -> &[u8] {
    nal.strip_prefix(&START_CODE).or(nal.strip_prefix(&START_CODE[1..])).unwrap_or(nal)
}

/// Whether the supplemental enhancement information has a message of this type. ITU-T H.264 and H.265,
/// section 7.3.2.3.1 and 7.3.5.
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
mod tests {
    use super::*;

    #[test]
    fn nal_units_of_a_byte_stream() {
        let stream = b"\0\0\0\x01ab\0\0\x01\0\0\x01c\0\0\0\0\x01d\0";
        assert_eq!(all(stream).collect::<Vec<_>>(), [&b"ab"[..], b"c", b"d"]);
    }

    #[test]
    fn supplemental_information_is_left_out_of_h265_only() {
        assert!(is_left_out(Codec::H265, &[39 << 1, 1]) && is_left_out(Codec::H265, &[40 << 1, 1]));
        assert!(!is_left_out(Codec::H265, &[34 << 1, 1]) && !is_left_out(Codec::H264, &[39 << 1, 1]));
        assert!(!is_left_out(Codec::H265, &[]));
    }
}
