//! Converts samples to JPEG's 8 bits of full range (JFIF 1.02, as ITU-T T.871).
//!
//! LLVM turns each loop into vector code on the baselines of x86-64 and aarch64.

use crate::picture::range;
pub(super) use crate::picture::range::Range;

/// Bits of a sample, 8 to 12; more than 8 are stored in little-endian words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Depth(pub u8);

impl Depth {
    pub const EIGHT: Self = Self(8);

    /// Bytes of a sample.
    pub const fn bytes(self) -> usize {
        if self.0 > 8 { 2 } else { 1 }
    }
}

/// Converts one row to 8 bits of full range. Stops at the end of the shorter slice.
pub(super) fn to_full_range(from: &[u8], to: &mut [u8], depth: Depth, range: Range, is_chroma: bool) {
    match (depth, range, is_chroma) {
        (Depth::EIGHT, Range::Full, _) => {
            let len = from.len().min(to.len());
            to[..len].copy_from_slice(&from[..len]);
        }
        (Depth::EIGHT, Range::Limited, false) => range::stretch_luma(from, to),
        (Depth::EIGHT, Range::Limited, true) => range::stretch_chroma(from, to),
        (Depth(bits), range, is_chroma) => deep(from, to, bits, range, is_chroma),
    }
}

fn deep(from: &[u8], to: &mut [u8], bits: u8, range: Range, is_chroma: bool) {
    let one = 1 << (bits - 8);
    let (zero, span, centre) = match (range, is_chroma) {
        (Range::Full, _) => (0, 256 * one - 1, 0),
        (Range::Limited, false) => (16 * one, 219 * one, 0),
        (Range::Limited, true) => (128 * one, 224 * one, 128),
    };
    // In 65,536ths; 12 bits times this fit 32 with a sign.
    let factor = (255 << 16) / span;
    let (words, _) = from.as_chunks::<2>();
    for (to, word) in to.iter_mut().zip(words) {
        let sample = i32::from(u16::from_le_bytes(*word)) - zero;
        *to = (((sample * factor + (1 << 15)) >> 16) + centre).clamp(0, 255) as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exact(sample: f64, depth: Depth, range: Range, is_chroma: bool) -> f64 {
        let one = f64::from(1 << (depth.0 - 8));
        let value = match (range, is_chroma) {
            (Range::Full, _) => sample * 255.0 / (256.0 * one - 1.0),
            (Range::Limited, false) => (sample - 16.0 * one) * 255.0 / (219.0 * one),
            (Range::Limited, true) => (sample - 128.0 * one) * 255.0 / (224.0 * one) + 128.0,
        };
        value.clamp(0.0, 255.0)
    }

    #[test]
    fn every_sample_is_within_three_quarters() {
        for depth in [Depth(8), Depth(10), Depth(12)] {
            for range in [Range::Full, Range::Limited] {
                for is_chroma in [false, true] {
                    let samples: Vec<u16> = (0..1 << depth.0).collect();
                    let bytes: Vec<u8> = match depth.bytes() {
                        1 => samples.iter().map(|sample| *sample as u8).collect(),
                        _ => samples.iter().flat_map(|sample| sample.to_le_bytes()).collect(),
                    };
                    let mut out = vec![0; samples.len()];
                    to_full_range(&bytes, &mut out, depth, range, is_chroma);
                    for (sample, out) in samples.iter().zip(&out) {
                        let exact = exact(f64::from(*sample), depth, range, is_chroma);
                        let off = (f64::from(*out) - exact).abs();
                        assert!(
                            off <= 0.76,
                            "{depth:?} {range:?} {is_chroma} {sample}: {out}, exactly {exact}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn black_white_and_grey_are_exact() {
        let mut out = [0; 2];
        to_full_range(&[16, 235], &mut out, Depth(8), Range::Limited, false);
        assert_eq!(out, [0, 255]);
        to_full_range(&[128, 240], &mut out, Depth(8), Range::Limited, true);
        assert_eq!(out, [128, 255]);
        to_full_range(&[64, 0, 0xac, 3], &mut out, Depth(10), Range::Limited, false);
        assert_eq!(out, [0, 255]);
    }
}
