//! Converts samples of limited range to JPEG's full range (ITU-T T.871 section 6.2).
//!
//! In limited range (BT.601-7 and BT.709-6) black is 16, white 235, and chroma goes from 16 to 240.
//! LLVM turns each loop into vector code on the baselines of x86-64 and aarch64.

/// The range of samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    /// Black is 0, white 255.
    Full,
    /// Black is 16, white 235, chroma goes from 16 to 240.
    Limited,
}

/// Luma, grey, or a component of RGB: (y - 16) * 255 / 219, rounded. Stops at the end of the shorter slice.
pub fn stretch_luma(from: &[u8], to: &mut [u8]) {
    for (to, from) in to.iter_mut().zip(from) {
        let above_black = u16::from(from.saturating_sub(16));
        *to = ((above_black * 149 + 64) >> 7).min(255) as u8;
    }
}

/// Chroma: (c - 128) * 255 / 224 + 128, rounded. Stops at the end of the shorter slice.
pub fn stretch_chroma(from: &[u8], to: &mut [u8]) {
    for (to, from) in to.iter_mut().zip(from) {
        let colour = i16::from(*from) - 128;
        *to = (((colour * 146 + 64) >> 7) + 128).clamp(0, 255) as u8;
    }
}
