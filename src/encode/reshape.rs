//! Reshapes pictures for display: pixels that are not square, and cameras that were held sideways.
//!
//! A JPEG cannot express either in a way that all viewers respect, so the samples are moved. The side that is
//! too short is stretched, so that no part of the picture is lost, with linear interpolation. Pictures in the
//! right shape pass untouched, at no cost.

use crate::picture::{Chroma, Plane, Planes, Shape, Turn};

/// Reshapes pictures; keeps its memory as long as the stream.
#[derive(Debug, Default)]
pub struct Reshaper {
    stretched: [Vec<u8>; 3],
    turned: [Vec<u8>; 3],
    /// A chroma plane with half the rows.
    halved: Vec<u8>,
    places: Places,
}

impl Reshaper {
    /// The picture in this shape.
    pub fn reshape<'a>(&'a mut self, planes: &Planes<'a>, shape: &Shape) -> Planes<'a> {
        let Self { stretched, turned, halved, places } = self;
        let size = shape.stretched(planes.width, planes.height);
        let mut planes = *planes;
        if size != (planes.width, planes.height) {
            planes = stretch(&planes, size, stretched, places);
        }
        if shape.turn == Turn::NONE { planes } else { turn(&planes, shape.turn, turned, halved) }
    }
}

/// The origin of the samples of a longer or shorter row: the first of two neighbours, and the weight of the
/// second, of 256.
#[derive(Debug, Default)]
struct Places {
    of: (usize, usize),
    each: Vec<(u32, u16)>,
}

impl Places {
    fn find(&mut self, from: usize, to: usize) -> &[(u32, u16)] {
        if self.of != (from, to) {
            self.of = (from, to);
            self.each.clear();
            self.each.extend((0..to).map(|at| place(at, from, to)));
        }
        &self.each
    }
}

/// Centres of samples are half a sample from the edge. Nothing after the last one is read.
fn place(at: usize, from: usize, to: usize) -> (u32, u16) {
    let (at, from, to) = (at as u64, from as u64, to as u64);
    // In 256ths of a sample.
    let centre = ((2 * at + 1) * from * 128 / to).saturating_sub(128).min((from - 1) * 256);
    let first = (centre / 256).min(from.saturating_sub(2));
    (first as u32, (centre - first * 256) as u16)
}

fn stretch<'a>(
    planes: &Planes<'a>,
    (width, height): (usize, usize),
    memory: &'a mut [Vec<u8>; 3],
    places: &mut Places,
) -> Planes<'a> {
    let before = planes.chroma.plane_size(planes.width, planes.height);
    let after = planes.chroma.plane_size(width, height);
    let sizes = [((planes.width, planes.height), (width, height)), (before, after), (before, after)];
    for ((plane, memory), (before, after)) in
        [planes.y, planes.u, planes.v].iter().zip(&mut *memory).zip(sizes)
    {
        memory.resize(after.0 * after.1, 0);
        if before.1 == 0 {
            continue;
        }
        if before.1 == after.1 {
            let places = places.find(before.0, after.0);
            for (from, to) in plane.data.chunks(plane.stride).zip(memory.chunks_exact_mut(after.0)) {
                widen(&from[..before.0], to, places);
            }
        } else {
            heighten(plane, before, memory, after.1);
        }
    }
    over(memory, width, height, planes.chroma)
}

fn widen(from: &[u8], to: &mut [u8], places: &[(u32, u16)]) {
    let last = from.len() - 1;
    for (to, &(first, share)) in to.iter_mut().zip(places) {
        let first = first as usize;
        *to = between(from[first], from[(first + 1).min(last)], share);
    }
}

fn heighten(plane: &Plane<'_>, (width, height): (usize, usize), memory: &mut [u8], rows: usize) {
    for (i, to) in memory.chunks_exact_mut(width).enumerate() {
        let (first, share) = place(i, height, rows);
        let row = |row: usize| &plane.data[row.min(height - 1) * plane.stride..][..width];
        let (above, below) = (row(first as usize), row(first as usize + 1));
        for ((to, above), below) in to.iter_mut().zip(above).zip(below) {
            *to = between(*above, *below, share);
        }
    }
}

fn between(first: u8, second: u8, share: u16) -> u8 {
    ((u16::from(first) * (256 - share) + u16::from(second) * share + 128) >> 8) as u8
}

/// Rows and columns of a square that stays in the L1 cache during rotation.
const TILE: usize = 32;

fn turn<'a>(
    planes: &Planes<'a>,
    turn: Turn,
    memory: &'a mut [Vec<u8>; 3],
    halved: &mut Vec<u8>,
) -> Planes<'a> {
    let Planes { width, height, chroma, .. } = *planes;
    // Colour shared by neighbours in a row would become shared by those in a column.
    let halves = turn.transposed && chroma == Chroma::Yuv422;
    let after = if halves { Chroma::Yuv420 } else { chroma };
    let (columns, rows) = chroma.plane_size(width, height);
    let [y, u, v] = memory;
    turn_plane(&planes.y, (width, height), turn, y);
    for (plane, out) in [(planes.u, u), (planes.v, v)] {
        if halves {
            average_rows(&plane, (columns, rows), halved);
            let plane = Plane { stride: columns, data: halved };
            turn_plane(&plane, (columns, rows.div_ceil(2)), turn, out);
        } else {
            turn_plane(&plane, (columns, rows), turn, out);
        }
    }
    let (width, height) = if turn.transposed { (height, width) } else { (width, height) };
    over(memory, width, height, after)
}

/// Averages pairs of rows; the last row of an odd number stands for both.
fn average_rows(plane: &Plane<'_>, (width, height): (usize, usize), out: &mut Vec<u8>) {
    out.resize(width * height.div_ceil(2), 0);
    for (i, out) in out.chunks_exact_mut(width).enumerate() {
        let row = |row: usize| &plane.data[row.min(height - 1) * plane.stride..][..width];
        super::rows::average(row(2 * i), row(2 * i + 1), out);
    }
}

fn turn_plane(plane: &Plane<'_>, (width, height): (usize, usize), turn: Turn, out: &mut Vec<u8>) {
    out.resize(width * height, 0);
    if width * height == 0 {
        return;
    }
    if !turn.transposed {
        for (i, out) in out.chunks_exact_mut(width).enumerate() {
            let row = if turn.flipped { height - 1 - i } else { i };
            out.copy_from_slice(&plane.data[row * plane.stride..][..width]);
            if turn.mirrored {
                out.reverse();
            }
        }
        return;
    }
    // A row of the source is a column here.
    for top in (0..height).step_by(TILE) {
        for left in (0..width).step_by(TILE) {
            for row in top..(top + TILE).min(height) {
                let from = &plane.data[row * plane.stride..][..width];
                let column = if turn.mirrored { height - 1 - row } else { row };
                for (at, sample) in from.iter().enumerate().take(left + TILE).skip(left) {
                    let line = if turn.flipped { width - 1 - at } else { at };
                    out[line * height + column] = *sample;
                }
            }
        }
    }
}

/// Planes in this memory, without gaps.
fn over(memory: &[Vec<u8>; 3], width: usize, height: usize, chroma: Chroma) -> Planes<'_> {
    let (columns, _) = chroma.plane_size(width, height);
    let [y, u, v] = memory;
    let plane = |stride, data| Plane { stride, data };
    Planes { width, height, chroma, y: plane(width, y), u: plane(columns, u), v: plane(columns, v) }
}

#[cfg(test)]
mod tests;
