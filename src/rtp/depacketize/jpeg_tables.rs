//! The tables that RTP/JPEG omits because both sides know them.

/// A quantization table in zigzag order.
pub(super) type Quantization = [u8; 64];

/// Luminance, ITU-T T.81 table K.1 in zigzag order (RFC 2435 appendix A).
const LUMA: Quantization = [
    16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40, 26, 24, 22, 22, 24, 49, 35, 37, 29, 40,
    58, 51, 61, 60, 57, 51, 56, 55, 64, 72, 92, 78, 64, 68, 87, 69, 55, 56, 80, 109, 81, 87, 95, 98, 103,
    104, 103, 62, 77, 113, 121, 112, 100, 120, 92, 101, 103, 99,
];

/// Chrominance, ITU-T T.81 table K.2 in zigzag order (RFC 2435 appendix A).
const CHROMA: Quantization = [
    17, 18, 18, 24, 21, 24, 47, 26, 26, 47, 99, 66, 56, 66, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
];

/// Luminance and chrominance tables for a Q of 1 to 99. RFC 2435 section 4.2.
pub(super) fn quantization(q: u8) -> Option<[Quantization; 2]> {
    let q = u32::from(q);
    let scale = match q {
        1..50 => 5000 / q,
        50..100 => 200 - 2 * q,
        _ => return None,
    };
    let scaled = |value: u8| ((u32::from(value) * scale + 50) / 100).clamp(1, 255) as u8;
    Some([LUMA.map(scaled), CHROMA.map(scaled)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_scale_as_in_libjpeg() {
        assert_eq!(quantization(50).unwrap(), [LUMA, CHROMA]);
        assert_eq!(quantization(99).unwrap()[0][..3], [1, 1, 1]);
        assert_eq!(quantization(1).unwrap()[0][..2], [255, 255]);
        assert_eq!(quantization(25).unwrap()[1][0], 34);
        assert!([0, 100, 127, 128, 255].iter().all(|q| quantization(*q).is_none()));
    }
}
