//! NAL units of H.265.

use super::bits::Bits;
use super::nal::{Nal, SEI_RECOVERY_POINT, Slice, has_sei};
use super::parameter_sets::Kind;
use super::sps;

/// Bytes of the NAL unit header. ITU-T H.265 section 7.3.1.2.
const HEADER_BYTES: usize = 2;

/// ITU-T H.265 section 7.4.2.2, table 7-1.
pub(super) fn classify(nal: &[u8]) -> Nal {
    let Some((header, rest)) = nal.split_at_checked(HEADER_BYTES) else { return Nal::Other };
    if header[0] & 1 != 0 || header[1] & 0xf8 != 0 {
        return Nal::Other; // Not of the base layer.
    }
    match header[0] >> 1 & 0x3f {
        kind @ 0..=31 => Nal::Slice(Slice {
            // first_slice_segment_in_pic_flag is the first bit (7.3.6.1).
            first: rest.first().is_some_and(|byte| byte & 0x80 != 0),
            key: (16..=23).contains(&kind),
            // slice_type comes after fields that need the parameter sets; not worth parsing.
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

/// Sub-layer of a slice segment whose picture no other of its sub-layer refers to.
pub(super) fn disposable_layer(header: &[u8]) -> Option<u8> {
    let [first, second, ..] = header else { return None };
    is_disposable(first >> 1 & 0x3f).then(|| layer(*second))
}

/// A picture of an even type below 16 is not referred to by its own sub-layer or those below. ITU-T H.265
/// section 7.4.2.2.
fn is_disposable(kind: u8) -> bool {
    kind < 16 && kind.is_multiple_of(2)
}

/// TemporalId: the sub-layer. ITU-T H.265 section 7.4.2.2.
fn layer(second_header_byte: u8) -> u8 {
    (second_header_byte & 7).saturating_sub(1)
}
