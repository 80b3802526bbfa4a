//! NAL units of H.264.

use super::bits::Bits;
use super::nal::{Nal, SEI_RECOVERY_POINT, Slice, has_sei};
use super::parameter_sets::Kind;
use super::sps;

/// Bytes of a slice header to read: two Exp-Golomb codes.
const SLICE_HEADER_LOOK_BYTES: usize = 12;

/// ITU-T H.264 section 7.4.1, table 7-1.
pub(super) fn classify(nal: &[u8]) -> Nal {
    let Some((header, rest)) = nal.split_first() else { return Nal::Other };
    match header & 0x1f {
        kind if is_slice(kind) => slice(*header, rest, kind == 5),
        6 if has_sei(rest, SEI_RECOVERY_POINT) => Nal::RecoveryPoint,
        7 => match sps::h264(nal) {
            Some(sps::Sequence { id, format, .. }) => Nal::ParameterSet(Kind::Sequence, id, Some(format)),
            None => Nal::Other,
        },
        8 => match Bits::new(rest, 8).ue() {
            Some(id) if id < 256 => Nal::ParameterSet(Kind::Picture, id, None),
            _ => Nal::Other,
        },
        _ => Nal::Other,
    }
}

/// Sub-layer of a slice whose picture no other refers to. H.264 has no sub-layers: 0.
pub(super) fn disposable_layer(header: &[u8]) -> Option<u8> {
    let header = *header.first()?;
    (is_slice(header & 0x1f) && !is_reference(header)).then_some(0)
}

/// ITU-T H.264 section 7.3.3: first_mb_in_slice, slice_type.
fn slice(header: u8, rest: &[u8], key: bool) -> Nal {
    let mut bits = Bits::new(rest, SLICE_HEADER_LOOK_BYTES);
    let first = bits.ue() == Some(0);
    let intra = matches!(bits.ue(), Some(2 | 7));
    Nal::Slice(Slice { first, key, intra, leading: false, layer: 0, disposable: !is_reference(header) })
}

/// A slice, or its first partition. ITU-T H.264 table 7-1.
fn is_slice(kind: u8) -> bool {
    matches!(kind, 1 | 2 | 5)
}

/// nal_ref_idc: zero in all slices of a picture that no other refers to, nonzero in all slices of any other.
/// ITU-T H.264 section 7.4.1.
fn is_reference(header: u8) -> bool {
    header & 0x60 != 0
}
