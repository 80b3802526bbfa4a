//! Converts colours of BT.709 to BT.601, which JPEG uses (ITU-T T.871 section 7).
//!
//! Without conversion, reds look orange and greens bluish. The two matrices (BT.601-7 section
//! 2.5.1, BT.709-6 section 3) give, for components with Y' from 0 to 1 and colour from -0.5 to 0.5:
//!
//! ```text
//! Y'  = Y' + 0.1016 Cb + 0.1961 Cr
//! Cb' =      0.9899 Cb - 0.1107 Cr
//! Cr' =    - 0.0725 Cb + 0.9834 Cr
//! ```
//!
//! Every lane of the loops is a whole word, so that LLVM vectorises them.

/// Converts rows of one picture, 8 bits of full range, from BT.709 to BT.601 in place.
#[derive(Debug, Default)]
pub(super) struct Bt709 {
    /// The correction to the luma of pixels that share a chroma sample.
    added: Vec<i16>,
}

impl Bt709 {
    /// One row of each colour, and the rows of luma that share it, one after another: all of them so
    /// wide that `shared` (1 or 2) samples share one of colour.
    pub fn convert(&mut self, luma: &mut [u8], width: usize, u: &mut [u8], v: &mut [u8], shared: usize) {
        self.added.resize(u.len(), 0);
        colour(u, v, &mut self.added);
        for row in luma.chunks_mut(width) {
            if shared == 2 { add_to_pairs(row, &self.added) } else { add(row, &self.added) }
        }
    }
}

fn colour(u: &mut [u8], v: &mut [u8], added: &mut [i16]) {
    for ((u, v), added) in u.iter_mut().zip(v).zip(added) {
        let (cb, cr) = (i16::from(*u) - 128, i16::from(*v) - 128);
        *added = (13 * cb + 25 * cr + 64) >> 7;
        // The correction in 512ths: the products fit 16 bits.
        *u = (i16::from(*u) + ((256 - 5 * cb - 57 * cr) >> 9)).clamp(0, 255) as u8;
        *v = (i16::from(*v) + ((256 - 37 * cb - 9 * cr) >> 9)).clamp(0, 255) as u8;
    }
}

fn add(luma: &mut [u8], added: &[i16]) {
    for (luma, added) in luma.iter_mut().zip(added) {
        *luma = (i16::from(*luma) + added).clamp(0, 255) as u8;
    }
}

fn add_to_pairs(luma: &mut [u8], added: &[i16]) {
    let (pairs, odd) = luma.as_chunks_mut::<2>();
    for (pair, added) in pairs.iter_mut().zip(added) {
        let both = u16::from_le_bytes(*pair);
        let first = ((both & 0xff) as i16 + added).clamp(0, 255) as u16;
        let second = ((both >> 8) as i16 + added).clamp(0, 255) as u16;
        *pair = (first | second << 8).to_le_bytes();
    }
    // Of an odd width: the last sample shares its colour with none.
    let pairs = pairs.len();
    add(odd, added.get(pairs..).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R'G'B' of 0 to 255 to Y'CbCr of full range, by the shares of red and blue in luma.
    fn coded([r, g, b]: [f64; 3], kr: f64, kb: f64) -> [u8; 3] {
        let y = kr * r + (1.0 - kr - kb) * g + kb * b;
        let (cb, cr) = ((b - y) / (2.0 - 2.0 * kb) + 128.0, (r - y) / (2.0 - 2.0 * kr) + 128.0);
        [y, cb, cr].map(|it| it.round().clamp(0.0, 255.0) as u8)
    }

    #[test]
    fn colours_of_one_become_those_of_the_other() {
        let levels = [0.0, 40.0, 128.0, 200.0, 255.0];
        for r in levels {
            for g in levels {
                for b in levels {
                    let ([y, u, v], wanted) =
                        (coded([r, g, b], 0.2126, 0.0722), coded([r, g, b], 0.299, 0.114));
                    let mut luma = [y; 10];
                    for shared in [1, 2] {
                        let (mut row, mut u, mut v) = (luma, [u; 10], [v; 10]);
                        let colours = 10 / shared;
                        let (u, v) = (&mut u[..colours], &mut v[..colours]);
                        Bt709::default().convert(&mut row, 10, u, v, shared);
                        for (got, wanted) in
                            [(row[0], wanted[0]), (row[9], wanted[0]), (u[0], wanted[1]), (v[0], wanted[2])]
                        {
                            assert!(got.abs_diff(wanted) <= 2, "{r} {g} {b}: {got}, exactly {wanted}");
                        }
                    }
                    // Two rows of an odd width share one of colour.
                    Bt709::default().convert(&mut luma, 5, &mut [u; 3], &mut [v; 3], 2);
                    assert!(luma.iter().all(|luma| luma.abs_diff(wanted[0]) <= 2), "{r} {g} {b}: {luma:?}");
                }
            }
        }
    }

    #[test]
    fn grey_stays_as_it_is() {
        let mut luma: Vec<u8> = (0..=255).collect();
        Bt709::default().convert(&mut luma, 256, &mut [128; 128], &mut [128; 128], 2);
        assert!(luma.iter().zip(0..=255_u8).all(|(one, other)| *one == other));
    }
}
