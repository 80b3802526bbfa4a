//! Planes made smaller by the means of blocks.

use super::Step;
use crate::encode::EncodeError;
use crate::encode::layout::check_planes;
use crate::picture::{Plane, Planes};

/// Makes planes smaller, in memory that lasts as long as the camera.
#[derive(Debug, Default)]
pub struct PlanesResizer {
    smaller: [Vec<u8>; 3],
    /// The sums of the columns of a row of blocks; they stay in the L1 cache.
    sums: Vec<u16>,
}

impl PlanesResizer {
    /// Each sample is the mean, rounded, of a block of 2x2, 4x4 or 8x8; of as many as there are at the right
    /// and bottom edges. The whole size passes untouched, at no cost. Colour keeps its sampling.
    ///
    /// # Errors
    /// Where sides, strides or lengths of the planes are impossible.
    pub fn resize<'a>(&'a mut self, planes: &Planes<'a>, step: Step) -> Result<Planes<'a>, EncodeError> {
        check_planes(planes)?;
        let shrink = match step {
            Step::Whole => return Ok(*planes),
            Step::Half => shrink::<2>,
            Step::Quarter => shrink::<4>,
            Step::Eighth => shrink::<8>,
        };
        let Planes { width, height, chroma, y, u, v } = *planes;
        let colours = chroma.plane_size(width, height);
        let sizes = [(width, height), colours, colours];
        for ((plane, size), smaller) in [y, u, v].into_iter().zip(sizes).zip(&mut self.smaller) {
            shrink(plane, size, &mut self.sums, smaller);
        }
        let (columns, _) = (step.scaled(colours.0), step.scaled(colours.1));
        let [y, u, v] = &self.smaller;
        let plane = |stride, data| Plane { stride, data };
        let (width, height) = (step.scaled(width), step.scaled(height));
        Ok(Planes { width, height, chroma, y: plane(width, y), u: plane(columns, u), v: plane(columns, v) })
    }
}

/// Blocks of `SIDE` by `SIDE` samples. A sum of eight, or of eight by eight, fits 16 bits.
fn shrink<const SIDE: usize>(
    plane: Plane<'_>,
    (width, height): (usize, usize),
    sums: &mut Vec<u16>,
    out: &mut Vec<u8>,
) {
    let columns = width.div_ceil(SIDE);
    out.resize(columns * height.div_ceil(SIDE), 0);
    if columns == 0 {
        return;
    }
    sums.resize(width, 0);
    for (i, out) in out.chunks_exact_mut(columns).enumerate() {
        let rows = SIDE.min(height - i * SIDE);
        sum_columns(plane, width, i * SIDE..i * SIDE + rows, sums);
        let (blocks, rest) = sums.as_chunks::<SIDE>();
        if rows == SIDE {
            // A constant divisor becomes a shift.
            means(blocks, out, |sum| mean(sum, SIDE * SIDE));
        } else {
            means(blocks, out, |sum| mean(sum, SIDE * rows));
        }
        if !rest.is_empty() {
            out[columns - 1] = mean(rest.iter().sum(), rest.len() * rows);
        }
    }
}

/// The sum of each column over these rows, of which there is one at least.
fn sum_columns(plane: Plane<'_>, width: usize, mut rows: std::ops::Range<usize>, sums: &mut [u16]) {
    let row = |row: usize| &plane.data[row * plane.stride..][..width];
    for (sum, sample) in sums.iter_mut().zip(rows.next().map(row).unwrap_or_default()) {
        *sum = u16::from(*sample);
    }
    for row in rows.map(row) {
        for (sum, sample) in sums.iter_mut().zip(row) {
            *sum += u16::from(*sample);
        }
    }
}

fn means<const SIDE: usize>(blocks: &[[u16; SIDE]], out: &mut [u8], mean: impl Fn(u16) -> u8) {
    for (out, block) in out.iter_mut().zip(blocks) {
        *out = mean(block.iter().sum());
    }
}

fn mean(sum: u16, count: usize) -> u8 {
    let count = count as u16;
    ((sum + count / 2) / count) as u8
}
