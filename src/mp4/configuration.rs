//! What a decoder has to know before the first picture: the record in the sample entry
//! (ISO/IEC 14496-15) and the name of the codec (RFC 6381).
//!
//! Parameter sets stand there alone (`avc1`, `hvc1`), not with the pictures (`avc3`, `hev1`): Safari
//! plays H.265 only so, and a browser then knows the profile and the size before the first picture.

use std::fmt::Write;

use super::boxes::u16;
use crate::video::Codec;
use crate::video::parameter_sets::{Kind, ParameterSets};
use crate::video::profile::General;
use crate::video::sps::{self, Sequence};

/// Bytes of the length before each NAL unit, less one. Four, as everybody has them.
const LENGTH_SIZE_MINUS_ONE: u8 = 3;

/// The type of the sample entry.
pub(super) const fn sample_entry(codec: Codec) -> [u8; 4] {
    match codec {
        Codec::H264 => *b"avc1",
        Codec::H265 => *b"hvc1",
    }
}

/// The box in it that has the record.
pub(super) const fn record_box(codec: Codec) -> [u8; 4] {
    match codec {
        Codec::H264 => *b"avcC",
        Codec::H265 => *b"hvcC",
    }
}

/// The record; `None` if parameter sets that it needs are missing or cut short.
pub(super) fn record(sets: &ParameterSets, sequence: &Sequence) -> Option<Vec<u8>> {
    let codec = sequence.format.codec;
    let needed: &[Kind] = match codec {
        Codec::H264 => &[Kind::Sequence, Kind::Picture],
        Codec::H265 => &[Kind::Video, Kind::Sequence, Kind::Picture],
    };
    if needed.iter().any(|kind| sets.of(*kind).next().is_none()) {
        return None;
    }
    match codec {
        Codec::H264 => avc(sets, sequence),
        Codec::H265 => hevc(sets, sequence),
    }
}

/// The sequence parameter set that the pictures refer to, as it was sent.
fn active<'a>(sets: &'a ParameterSets, sequence: &Sequence) -> Option<&'a [u8]> {
    let is_active = |nal: &[u8]| sps::read(sequence.format.codec, nal).is_some_and(|it| it.id == sequence.id);
    sets.of(Kind::Sequence).find(|nal| is_active(nal))
}

/// AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1.2).
fn avc(sets: &ParameterSets, sequence: &Sequence) -> Option<Vec<u8>> {
    let [profile, compatibility, level] = *active(sets, sequence)?.get(1..)?.first_chunk()?;
    let mut record = vec![1, profile, compatibility, level, 0xfc | LENGTH_SIZE_MINUS_ONE];
    record.push(0xe0 | count(sets, Kind::Sequence));
    append(&mut record, sets, Kind::Sequence);
    record.push(count(sets, Kind::Picture));
    append(&mut record, sets, Kind::Picture);
    if !matches!(profile, 66 | 77 | 88) {
        let (luma, chroma) = sequence.depths;
        let minus_8 = |bits: u8| bits.saturating_sub(8) & 7;
        // numOfSequenceParameterSetExt: auxiliary pictures are left out.
        record.extend([0xfc | sequence.chroma, 0xf8 | minus_8(luma), 0xf8 | minus_8(chroma), 0]);
    }
    Some(record)
}

/// HEVCDecoderConfigurationRecord (ISO/IEC 14496-15, 8.3.3.1.2). Average and constant rates are not said
/// (0), nor how far a picture can be decoded in parallel.
fn hevc(sets: &ParameterSets, sequence: &Sequence) -> Option<Vec<u8>> {
    let general = General::read(active(sets, sequence)?)?;
    let mut record = vec![1, general.space << 6 | u8::from(general.high_tier) << 5 | general.profile];
    record.extend(general.compatibility.to_be_bytes());
    record.extend(general.constraints);
    record.push(general.level);
    record.extend([0xf0, 0, 0xfc]); // min_spatial_segmentation_idc, parallelismType
    let (luma, chroma) = sequence.depths;
    let minus_8 = |bits: u8| bits.saturating_sub(8) & 7;
    record.extend([0xfc | sequence.chroma, 0xf8 | minus_8(luma), 0xf8 | minus_8(chroma)]);
    u16(&mut record, 0); // avgFrameRate
    record.push(general.sub_layers.min(7) << 3 | u8::from(general.nested) << 2 | LENGTH_SIZE_MINUS_ONE);
    let arrays = [(Kind::Video, 32), (Kind::Sequence, 33), (Kind::Picture, 34)];
    record.push(arrays.len() as u8);
    for (kind, nal_unit_type) in arrays {
        record.push(0x80 | nal_unit_type); // array_completeness
        u16(&mut record, u16::from(count(sets, kind)));
        append(&mut record, sets, kind);
    }
    Some(record)
}

/// How many there are of a kind; `ParameterSets` ends at 16.
fn count(sets: &ParameterSets, kind: Kind) -> u8 {
    sets.of(kind).count() as u8
}

/// Those of a kind, each behind its length, which `ParameterSets` bounds.
fn append(record: &mut Vec<u8>, sets: &ParameterSets, kind: Kind) {
    for nal in sets.of(kind) {
        u16(record, nal.len() as u16);
        record.extend_from_slice(nal);
    }
}

/// The codec with profile and level, as `codecs` of a content type names them. RFC 6381 section 3.3,
/// ISO/IEC 14496-15 annex E.
pub(super) fn codecs(sets: &ParameterSets, sequence: &Sequence) -> Option<String> {
    let nal = active(sets, sequence)?;
    Some(match sequence.format.codec {
        Codec::H264 => {
            let [profile, compatibility, level]: [u8; 3] = *nal.get(1..)?.first_chunk()?;
            format!("avc1.{profile:02x}{compatibility:02x}{level:02x}")
        }
        Codec::H265 => hevc_codecs(&General::read(nal)?),
    })
}

fn hevc_codecs(general: &General) -> String {
    let space = ["", "A", "B", "C"][usize::from(general.space & 3)];
    let tier = if general.high_tier { 'H' } else { 'L' };
    let compatibility = general.compatibility.reverse_bits();
    let mut codecs = format!("hvc1.{space}{}.{compatibility:X}.{tier}{}", general.profile, general.level);
    let constraints = general.constraints.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    for byte in &general.constraints[..constraints] {
        let _ = write!(codecs, ".{byte:X}");
    }
    codecs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_h265() {
        let mut general = General {
            sub_layers: 1,
            nested: true,
            space: 0,
            high_tier: false,
            profile: 1,
            compatibility: 0x6000_0000,
            constraints: [0xb0, 0, 0, 0, 0, 0],
            level: 93,
        };
        assert_eq!(hevc_codecs(&general), "hvc1.1.6.L93.B0");
        general = General { space: 1, high_tier: true, constraints: [0, 0, 0x23, 0, 0, 0], ..general };
        assert_eq!(hevc_codecs(&general), "hvc1.A1.6.H93.0.0.23");
        assert_eq!(hevc_codecs(&General { constraints: [0; 6], ..general }), "hvc1.A1.6.H93");
    }
}
