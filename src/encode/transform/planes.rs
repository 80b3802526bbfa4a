//! Planes turned and cropped to the pixel.

use crate::encode::alter::AlterError;
use crate::encode::layout::check_planes;
use crate::encode::reshape::Reshaper;
use crate::encode::rows::average;
use crate::picture::orientation::{Crop, Orientation};
use crate::picture::{Chroma, Plane, Planes, Shape, Turn};

/// Turns and crops planes, in memory that lasts as long as the camera.
#[derive(Debug, Default)]
pub struct PlanesTransformer {
    reshaper: Reshaper,
    /// Colour of crops that begin between its samples.
    between: [Vec<u8>; 2],
    /// A row of colour between two rows.
    row: Vec<u8>,
}

impl PlanesTransformer {
    /// The picture as it is wanted. A crop copies nothing, but for the colour where it begins between two
    /// samples of it: those are averaged. It is made before the turn, which then has less to do.
    ///
    /// # Errors
    /// Where sides, strides or lengths of the planes are impossible, or the picture does not hold the crop.
    pub fn transform<'a>(
        &'a mut self,
        planes: &Planes<'a>,
        orientation: &Orientation,
    ) -> Result<Planes<'a>, AlterError> {
        check_planes(planes)?;
        let turn = orientation.turn();
        let Planes { width, height, .. } = *planes;
        let turned = if turn.transposed { (height, width) } else { (width, height) };
        let kept = orientation.kept(turned)?;
        let Self { reshaper, between, row } = self;
        let cropped = crop(planes, before_turn(with_pairs(kept, turn, turned), turn, turned), between, row);
        let shown = reshaper.reshape(&cropped, &Shape { turn, ..Shape::default() });
        Ok(Planes { width: kept.width, height: kept.height, ..shown })
    }
}

/// One column or row more where a turn begins with what was the last one: it shares its colour with the one
/// before, and would begin a pair alone.
fn with_pairs(kept: Crop, turn: Turn, (width, height): (usize, usize)) -> Crop {
    let more = |is_turned: bool, start: usize, len: usize, side| {
        usize::from(is_turned && len % 2 == 1 && start + len < side)
    };
    Crop {
        width: kept.width + more(turn.mirrored, kept.x, kept.width, width),
        height: kept.height + more(turn.flipped, kept.y, kept.height, height),
        ..kept
    }
}

/// Where a part of a turned picture of this size lies before it is turned.
fn before_turn(kept: Crop, turn: Turn, (width, height): (usize, usize)) -> Crop {
    let Crop { mut x, mut y, .. } = kept;
    if turn.mirrored {
        x = width - x - kept.width;
    }
    if turn.flipped {
        y = height - y - kept.height;
    }
    if turn.transposed {
        Crop { x: y, y: x, width: kept.height, height: kept.width }
    } else {
        Crop { x, y, ..kept }
    }
}

/// Planes that `layout` has checked, and a part that lies in them.
fn crop<'a>(planes: &Planes<'a>, kept: Crop, between: &'a mut [Vec<u8>; 2], row: &mut Vec<u8>) -> Planes<'a> {
    let Crop { x, y, width, height } = kept;
    let chroma = planes.chroma;
    let (columns, rows) = chroma.plane_size(planes.width, planes.height);
    let (across, down) = match chroma {
        Chroma::Yuv444 | Chroma::Grey => (1, 1),
        Chroma::Yuv422 => (2, 1),
        Chroma::Yuv420 => (2, 2),
    };
    let luma = part(planes.y, x, y);
    let [mut u, mut v] = [planes.u, planes.v];
    if chroma != Chroma::Grey {
        let (size, place) = (chroma.plane_size(width, height), (x / across, y / down));
        let left = (columns - place.0, rows - place.1);
        let is_between = (x % across != 0, y % down != 0);
        let [between_u, between_v] = between;
        for (plane, memory) in [(&mut u, between_u), (&mut v, between_v)] {
            *plane = part(*plane, place.0, place.1);
            if is_between != (false, false) {
                shift(*plane, left, is_between, size, row, memory);
                *plane = Plane { stride: size.0, data: memory };
            }
        }
    }
    Planes { width, height, chroma, y: luma, u, v }
}

/// The rest of a plane from a sample that lies in it.
fn part(plane: Plane<'_>, x: usize, y: usize) -> Plane<'_> {
    Plane { stride: plane.stride, data: &plane.data[y * plane.stride + x..] }
}

/// Writes the means of neighbours, in a row, in a column, or both; the last one is its own neighbour.
fn shift(
    plane: Plane<'_>,
    (width, height): (usize, usize),
    (right, down): (bool, bool),
    (columns, rows): (usize, usize),
    row: &mut Vec<u8>,
    out: &mut Vec<u8>,
) {
    out.resize(columns * rows, 0);
    let at = |i: usize| &plane.data[i.min(height - 1) * plane.stride..][..width];
    for (i, out) in out.chunks_exact_mut(columns).enumerate() {
        row.clear();
        row.extend_from_slice(at(i));
        if down {
            average(at(i), at(i + 1), row);
        }
        out.copy_from_slice(&row[..columns]);
        if right {
            average(row, &row[1..], out);
        }
    }
}
