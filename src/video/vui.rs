//! Video usability information of H.264: the shape of pixels, and how far pictures are reordered.
//! ITU-T H.264 annex E.

use super::bits::Bits;

/// Width and height of a pixel, by aspect_ratio_idc from 1 on. ITU-T H.264 table E-1.
const PIXEL_ASPECTS: [(u16, u16); 16] = [
    (1, 1),
    (12, 11),
    (10, 11),
    (16, 11),
    (40, 33),
    (24, 11),
    (20, 11),
    (32, 11),
    (80, 33),
    (18, 11),
    (15, 11),
    (64, 33),
    (160, 99),
    (4, 3),
    (3, 2),
    (2, 1),
];

/// aspect_ratio_idc of a ratio that is written out.
const EXTENDED_SAR: u32 = 255;

/// What is used of it. A field is `None` where the stream does not say, or is cut short before it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Vui {
    /// Width and height of a pixel.
    pub pixel_aspect: Option<(u16, u16)>,
    /// max_num_reorder_frames.
    pub reordered: Option<u32>,
}

impl Vui {
    /// Reads what follows vui_parameters_present_flag. ITU-T H.264 section E.1.1.
    pub fn read(bits: &mut Bits) -> Self {
        let mut vui = Self::default();
        if let Some(pixel_aspect) = pixel_aspect(bits) {
            vui.pixel_aspect = pixel_aspect;
            vui.reordered = skip_to_restriction(bits).and_then(|()| reordered(bits));
        }
        vui
    }
}

/// `None` where it is cut short.
#[allow(clippy::option_option, reason = "what is not said is not cut short")]
fn pixel_aspect(bits: &mut Bits) -> Option<Option<(u16, u16)>> {
    if !bits.flag()? {
        return Some(None);
    }
    let (width, height) = match bits.u(8)? {
        EXTENDED_SAR => (bits.u(16)? as u16, bits.u(16)? as u16),
        0 => return Some(None),
        idc => PIXEL_ASPECTS.get(idc as usize - 1).copied().unwrap_or_default(),
    };
    Some((width > 0 && height > 0).then_some((width, height)))
}

/// From overscan_info_present_flag to pic_struct_present_flag.
fn skip_to_restriction(bits: &mut Bits) -> Option<()> {
    if bits.flag()? {
        bits.skip(1)?; // overscan_appropriate_flag
    }
    if bits.flag()? {
        bits.skip(4)?; // video_format, video_full_range_flag
        if bits.flag()? {
            bits.skip(24)?; // colour_primaries, transfer_characteristics, matrix_coefficients
        }
    }
    if bits.flag()? {
        bits.ue()?; // chroma_sample_loc_type_top_field
        bits.ue()?; // chroma_sample_loc_type_bottom_field
    }
    if bits.flag()? {
        bits.skip(65)?; // num_units_in_tick, time_scale, fixed_frame_rate_flag
    }
    let mut has_hrd = false;
    for _ in ["nal_hrd_parameters", "vcl_hrd_parameters"] {
        if bits.flag()? {
            skip_hrd(bits)?;
            has_hrd = true;
        }
    }
    bits.skip(usize::from(has_hrd) + 1) // low_delay_hrd_flag, pic_struct_present_flag
}

/// ITU-T H.264 section E.1.2.
fn skip_hrd(bits: &mut Bits) -> Option<()> {
    let schedules = bits.ue()?.checked_add(1).filter(|count| *count <= 32)?;
    bits.skip(8)?; // bit_rate_scale, cpb_size_scale
    for _ in 0..schedules {
        bits.ue()?; // bit_rate_value_minus1
        bits.ue()?; // cpb_size_value_minus1
        bits.skip(1)?; // cbr_flag
    }
    bits.skip(20) // four lengths
}

/// max_num_reorder_frames, if there are restrictions.
fn reordered(bits: &mut Bits) -> Option<u32> {
    if !bits.flag()? {
        return None;
    }
    bits.skip(1)?; // motion_vectors_over_pic_boundaries_flag
    for _ in ["max_bytes_per_pic_denom", "max_bits_per_mb_denom", "horizontal", "vertical"] {
        bits.ue()?;
    }
    bits.ue()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_and_restrictions() {
        // Extended 64:33; nothing else; restrictions with five codes of 0, then 2 (011).
        let stream = [0b1111_1111, 0b1000_0000, 0b0010_0000, 0, 0b0001_0000, 0b1000_0000];
        // 1 11111111 0000000001000000 0000000000100001 000000 0 1 ...
        let mut bits = Bits::new(&stream, 64);
        assert_eq!(Vui::read(&mut bits), Vui { pixel_aspect: Some((64, 33)), reordered: None });
        let stream = [0b1000_0001, 0b0000_0000, 0b1111_1101, 0b1000_0000];
        // 1 00000010: 12:11; 0 overscan, 0 signal, 0 location, 0 timing, 0 nal, 0 vcl, 0 structure;
        // 1 restriction, 1, 1 1 1 1, 011.
        let mut bits = Bits::new(&stream, 64);
        assert_eq!(Vui::read(&mut bits), Vui { pixel_aspect: Some((12, 11)), reordered: Some(2) });
    }

    #[test]
    fn what_is_cut_short_is_not_said() {
        for bytes in 0..4 {
            let vui = Vui::read(&mut Bits::new(&[0xff; 4][..bytes], 64));
            assert_eq!(vui, Vui::default());
        }
    }
}
