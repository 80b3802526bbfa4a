//! Reads id, profile, size and decoder memory from a sequence parameter set.

use super::bits::Bits;
use super::picture_order::{Counting, Order};
use super::vui::Vui;
use super::{Codec, Format, nal};

/// Bytes of a sequence parameter set to read. Scaling lists of H.264 come before the size, and have up to 1.5
/// kB.
const LOOK_MAX_BYTES: usize = 4096;

/// Maximum reference pictures of a stream (H.264 A.3.1, H.265 A.4.2).
const PICTURES_MAX: u32 = 16;

/// profile_idc of a profile without B slices (H.264 A.2.1).
const BASELINE: u8 = 66;

/// What a sequence parameter set says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sequence {
    /// Its number, below 32 in H.264 and 16 in H.265.
    pub id: u32,
    /// Codec, profile and displayed size.
    pub format: Format,
    /// Coded width and height in pixels; at least the displayed size.
    pub coded: (u32, u32),
    /// chroma_format_idc: 0 for grey, 1 for 4:2:0, 2 for 4:2:2, 3 for 4:4:4.
    pub chroma: u8,
    /// Bits of a sample, 8 to 16: of luma or chroma, whichever has more.
    pub bits: u8,
    /// Bits of a luma sample and of a chroma sample.
    pub depths: (u8, u8),
    /// Pictures that a decoder keeps beside the one that it decodes, 16 at most: max_num_ref_frames
    /// (H.264), sps_max_dec_pic_buffering_minus1 (H.265).
    pub pictures: u8,
    /// How pictures are ordered.
    pub order: Order,
    /// Width and height of a pixel, where it is said. It is not looked for in H.265, where it lies behind
    /// the reference picture sets.
    pub pixel_aspect: Option<(u16, u16)>,
}

/// The sequence parameter sets of an access unit: the NAL unit (the part that is read), and its content if it
/// parses.
pub fn all(codec: Codec, unit: &[u8]) -> impl Iterator<Item = (&[u8], Option<Sequence>)> {
    nal::all(unit).filter_map(move |nal| {
        let nal = &nal[..nal.len().min(LOOK_MAX_BYTES)];
        match (codec, nal[0]) {
            (Codec::H264, header) if header & 0x1f == 7 => Some((nal, h264(nal))),
            (Codec::H265, header) if header >> 1 & 0x3f == 33 => Some((nal, h265(nal))),
            _ => None,
        }
    })
}

/// Reads a sequence parameter set with its header.
pub fn read(codec: Codec, nal: &[u8]) -> Option<Sequence> {
    match codec {
        Codec::H264 => h264(nal),
        Codec::H265 => h265(nal),
    }
}

/// Reads an H.264 sequence parameter set with its one-byte header. ITU-T H.264 section 7.3.2.1.1.
pub(super) fn h264(nal: &[u8]) -> Option<Sequence> {
    let mut bits = Bits::new(nal.get(1..)?, LOOK_MAX_BYTES);
    let profile = bits.u(8)? as u8;
    bits.skip(16)?;
    let id = bits.ue().filter(|id| *id < 32)?;
    let (mut chroma, mut depths) = (Chroma::default(), (8, 8));
    if matches!(profile, 100 | 110 | 122 | 244 | 44 | 83 | 86 | 118 | 128 | 138 | 139 | 134 | 135) {
        (chroma, depths) = h264_high_profile_fields(&mut bits)?;
    }
    let frame_num_bits = count_bits(bits.ue()?)?;
    let counting = h264_picture_order_count(&mut bits)?;
    let pictures = bits.ue()?; // max_num_ref_frames
    bits.flag()?; // gaps_in_frame_num_value_allowed_flag
    let width = macroblocks(bits.ue()?)?;
    let map_units = macroblocks(bits.ue()?)?;
    let frame_mbs_only = bits.flag()?;
    if !frame_mbs_only {
        bits.flag()?; // mb_adaptive_frame_field_flag
    }
    bits.flag()?; // direct_8x8_inference_flag
    let field_factor = if frame_mbs_only { 1 } else { 2 };
    let unit = match chroma.format {
        1 => (2, 2 * field_factor),
        2 => (2, field_factor),
        _ => (1, field_factor),
    };
    let crop = if bits.flag()? { crop(&mut bits, unit)? } else { (0, 0) };
    let coded = (width, map_units * field_factor);
    let format = format(Codec::H264, profile, coded, crop)?;
    // What is wrong with this does not keep the picture from being decoded.
    let vui = if bits.flag() == Some(true) { Vui::read(&mut bits) } else { Vui::default() };
    let has_no_b_slices = profile == BASELINE || counting == Counting::Decoding;
    let depth = if has_no_b_slices { Some(0) } else { vui.reordered.map(depth) };
    let (has_fields, has_planes) = (!frame_mbs_only, chroma.has_planes);
    let order = Order { counting, depth, frame_num_bits, has_fields, has_planes };
    let sequence = sequence(id, format, coded, chroma, depths, pictures, order)?;
    Some(Sequence { pixel_aspect: vui.pixel_aspect, ..sequence })
}

/// Pictures that are shown later than they are decoded. No decoder keeps more.
fn depth(pictures: u32) -> u8 {
    pictures.min(PICTURES_MAX) as u8
}

/// Bits of a count, 4 to 16 (log2_max_frame_num_minus4, log2_max_pic_order_cnt_lsb_minus4).
fn count_bits(minus_4: u32) -> Option<u8> {
    (minus_4 <= 12).then(|| minus_4 as u8 + 4)
}

/// How colour is coded.
#[derive(Debug, Clone, Copy)]
struct Chroma {
    /// chroma_format_idc.
    format: u32,
    /// separate_colour_plane_flag.
    has_planes: bool,
}

impl Default for Chroma {
    /// What is not said.
    fn default() -> Self {
        Self { format: 1, has_planes: false }
    }
}

fn chroma(bits: &mut Bits) -> Option<Chroma> {
    let format = bits.ue()?;
    Some(Chroma { format, has_planes: format == 3 && bits.flag()? })
}

/// Chroma format and bit depths.
fn h264_high_profile_fields(bits: &mut Bits) -> Option<(Chroma, (u32, u32))> {
    let chroma = chroma(bits)?;
    let depths = depths(bits)?;
    bits.flag()?; // qpprime_y_zero_transform_bypass_flag
    if bits.flag()? {
        for list in 0..if chroma.format == 3 { 12 } else { 8 } {
            if bits.flag()? {
                skip_scaling_list(bits, if list < 6 { 16 } else { 64 })?;
            }
        }
    }
    Some((chroma, depths))
}

/// bit_depth_luma_minus8 and bit_depth_chroma_minus8.
fn depths(bits: &mut Bits) -> Option<(u32, u32)> {
    Some((bits.ue()?.checked_add(8)?, bits.ue()?.checked_add(8)?))
}

fn sequence(
    id: u32,
    format: Format,
    coded: (u32, u32),
    chroma: Chroma,
    depths: (u32, u32),
    pictures: u32,
    order: Order,
) -> Option<Sequence> {
    let chroma = u8::try_from(chroma.format).ok().filter(|chroma| *chroma <= 3)?;
    let bits = u8::try_from(depths.0.max(depths.1)).ok().filter(|bits| *bits <= 16)?;
    let depths = (depths.0 as u8, depths.1 as u8);
    // Decoders take more for the most.
    let pictures = pictures.min(PICTURES_MAX) as u8;
    Some(Sequence { id, format, coded, chroma, bits, depths, pictures, order, pixel_aspect: None })
}

/// ITU-T H.264 section 7.3.2.1.1.1.
fn skip_scaling_list(bits: &mut Bits, size: usize) -> Option<()> {
    let mut scale = 8;
    for _ in 0..size {
        scale = (scale + bits.se()?.rem_euclid(256)) % 256;
        if scale == 0 {
            break;
        }
    }
    Some(())
}

fn h264_picture_order_count(bits: &mut Bits) -> Option<Counting> {
    Some(match bits.ue()? {
        0 => Counting::Bits(count_bits(bits.ue()?)?),
        1 => {
            bits.flag()?; // delta_pic_order_always_zero_flag
            bits.se()?; // offset_for_non_ref_pic
            bits.se()?; // offset_for_top_to_bottom_field
            let frames = bits.ue()?;
            if frames > 255 {
                return None;
            }
            for _ in 0..frames {
                bits.se()?;
            }
            Counting::Cycle
        }
        _ => Counting::Decoding,
    })
}

/// Reads an H.265 sequence parameter set with its two-byte header. ITU-T H.265 section 7.3.2.2.1.
pub(super) fn h265(nal: &[u8]) -> Option<Sequence> {
    let mut bits = Bits::new(nal.get(2..)?, LOOK_MAX_BYTES);
    bits.skip(4)?; // sps_video_parameter_set_id
    let sub_layers = bits.u(3)? as usize;
    bits.flag()?; // sps_temporal_id_nesting_flag
    let profile = h265_profile_tier_level(&mut bits, sub_layers)?;
    let id = bits.ue().filter(|id| *id < 16)?;
    let chroma = chroma(&mut bits)?;
    let (width, height) = (bits.ue()?, bits.ue()?);
    let unit = match chroma.format {
        1 => (2, 2),
        2 => (2, 1),
        _ => (1, 1),
    };
    let crop = if bits.flag()? { crop(&mut bits, unit)? } else { (0, 0) };
    let format = format(Codec::H265, profile, (width, height), crop)?;
    let depths = depths(&mut bits)?;
    let counting = Counting::Bits(count_bits(bits.ue()?)?);
    let first = if bits.flag()? { 0 } else { sub_layers };
    let (mut pictures, mut reordered) = (0, 0);
    for _ in first..=sub_layers {
        pictures = pictures.max(bits.ue()?); // sps_max_dec_pic_buffering_minus1
        reordered = reordered.max(bits.ue()?); // sps_max_num_reorder_pics
        bits.ue()?; // sps_max_latency_increase_plus1
    }
    let (depth, has_planes) = (Some(depth(reordered)), chroma.has_planes);
    let order = Order { counting, depth, frame_num_bits: 0, has_fields: false, has_planes };
    sequence(id, format, (width, height), chroma, depths, pictures, order)
}

/// ITU-T H.265 section 7.3.3; gives general_profile_idc.
fn h265_profile_tier_level(bits: &mut Bits, sub_layers: usize) -> Option<u8> {
    bits.skip(3)?; // general_profile_space, general_tier_flag
    let profile = bits.u(5)? as u8;
    bits.skip(32 + 48 + 8)?; // compatibility and constraint flags, general_level_idc
    let mut present = Vec::with_capacity(sub_layers);
    for _ in 0..sub_layers {
        present.push((bits.flag()?, bits.flag()?));
    }
    if sub_layers > 0 {
        bits.skip(2 * (8 - sub_layers))?;
    }
    for (profile_present, level_present) in present {
        bits.skip(if profile_present { 88 } else { 0 } + if level_present { 8 } else { 0 })?;
    }
    Some(profile)
}

fn macroblocks(minus_1: u32) -> Option<u32> {
    minus_1.checked_add(1)?.checked_mul(16).filter(|pixels| *pixels <= 1 << 20)
}

/// The four crop offsets, as pixels to subtract from width and height.
fn crop(bits: &mut Bits, unit: (u32, u32)) -> Option<(u32, u32)> {
    let (left, right, top, bottom) = (bits.ue()?, bits.ue()?, bits.ue()?, bits.ue()?);
    Some((left.checked_add(right)?.checked_mul(unit.0)?, top.checked_add(bottom)?.checked_mul(unit.1)?))
}

fn format(codec: Codec, profile: u8, coded: (u32, u32), crop: (u32, u32)) -> Option<Format> {
    let (width, height) = (coded.0.checked_sub(crop.0)?, coded.1.checked_sub(crop.1)?);
    (width > 0 && height > 0).then_some(Format { codec, profile, width, height })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h264_high_1080p_with_cropping() {
        // x264, High, 1920x1080: 68 rows of macroblocks, eight lines cropped.
        let sps = [
            0x67, 0x64, 0x00, 0x28, 0xac, 0xd9, 0x40, 0x78, 0x02, 0x27, 0xe5, 0xc0, 0x44, 0x00, 0x00, 0x03,
            0x00, 0x04, 0x00, 0x00, 0x03, 0x00, 0xc8, 0x3c, 0x60, 0xc6, 0x58,
        ];
        let Sequence { id, format, coded, chroma, bits, pictures, order, .. } = h264(&sps).unwrap();
        assert_eq!(id, 0);
        assert_eq!((format.profile, format.width, format.height), (100, 1920, 1080));
        assert_eq!((coded, chroma, bits, pictures), ((1920, 1088), 1, 8, 4));
        assert_eq!((order.counting, order.depth), (Counting::Bits(6), Some(2)));
    }

    #[test]
    fn h265_main_1080p() {
        let sps = [
            0x42, 0x01, 0x01, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00, 0x03,
            0x00, 0x78, 0xa0, 0x03, 0xc0, 0x80, 0x10, 0xe5, 0x96, 0x56, 0x69, 0x24, 0xca, 0xe0,
        ];
        let Sequence { id, format, coded, chroma, bits, pictures, order, .. } = h265(&sps).unwrap();
        assert_eq!(id, 0);
        assert_eq!((format.profile, format.width, format.height), (1, 1920, 1080));
        assert_eq!((coded, chroma, bits, pictures), ((1920, 1080), 1, 8, 4));
        assert_eq!((order.counting, order.depth), (Counting::Bits(8), Some(2)));
    }

    #[test]
    fn truncated_and_absurd_sets_have_no_format() {
        assert_eq!(h264(&[0x67]), None);
        assert_eq!(h264(&[0x67, 0x64, 0, 0x28, 0xac]), None);
        assert_eq!(h265(&[0x42, 1]), None);
        assert_eq!(h264(&[0x67, 66, 0, 30, 0, 0, 0, 0, 0, 0, 0]), None);
    }
}
