//! Pictures turned and cropped as an operator wants them.

mod planes;

use super::alter::{AlterError, HELD_MAX_PIXELS, check_length_and_scans};
use super::jpeg;
use super::jpeg::frame_header::FrameHeader;
use super::layout::check_sides;
use crate::frame::FrameBuffer;
use crate::picture::orientation::{Crop, Orientation};

pub use planes::PlanesTransformer;

/// Turns and crops a JPEG, replacing the content of `out`, and returns width and height. It moves the blocks
/// without decoding them, so quality is not lost. Metadata is left out.
///
/// Only whole MCUs can be moved, of 8 to 32 pixels a side (16x16 where colour is 4:2:0):
///
/// - A part of one at the right or bottom edge is cut where it would have to become the left or top edge: of
///   1920x1080 in 4:2:0, turned upside down, 1920x1072 are left, without the 8 rows that would be at the top.
/// - A crop begins with the first whole MCU in it: what is less at the left and top is cut. At the right and
///   bottom it ends as configured; beyond that, the last MCU still holds pixels that viewers do not see but a
///   program could read.
///
/// The result never shows what lies outside of the crop. Colour of 4:2:2 becomes 4:4:0 when rows become
/// columns, which browsers show.
///
/// # Errors
/// Where the JPEG is damaged or too large, is turned and smaller than an MCU, or does not hold the crop; `out` is
/// empty then.
pub fn transform_jpeg(
    jpeg: &[u8],
    orientation: &Orientation,
    out: &mut FrameBuffer,
) -> Result<(usize, usize), AlterError> {
    out.clear();
    check_length_and_scans(jpeg)?;
    let header = FrameHeader::read(jpeg)
        .ok_or(AlterError::Kind("it has no frame header of a grey or colour picture"))?;
    let FrameHeader { width, height, .. } = header;
    check_sides(width, height)?;
    if width * height > HELD_MAX_PIXELS {
        return Err(AlterError::TooLarge { width, height });
    }
    let Movable { size, kept } = Movable::find(&header, orientation)?;
    let is_cut = size != (kept.width, kept.height);
    jpeg::transform::transform(jpeg, (width, height), orientation.turn(), is_cut.then_some(kept), out)?;
    Ok((kept.width, kept.height))
}

/// What of a JPEG can be moved, after it is turned.
struct Movable {
    /// Width and height without the cut parts of blocks.
    size: (usize, usize),
    /// What is kept of that.
    kept: Crop,
}

impl Movable {
    fn find(header: &FrameHeader, orientation: &Orientation) -> Result<Self, AlterError> {
        let FrameHeader { width, height, mcu } = *header;
        let turn = orientation.turn();
        let turned = |(x, y): (usize, usize)| if turn.transposed { (y, x) } else { (x, y) };
        let (whole, block) = (turned((width, height)), turned(mcu));
        let crop = orientation.kept(whole)?;
        // At the left and top after the turn.
        let cut = |is_moved: bool, side, block| if is_moved { side % block } else { 0 };
        let cuts = (cut(turn.mirrored, whole.0, block.0), cut(turn.flipped, whole.1, block.1));
        let size = (whole.0 - cuts.0, whole.1 - cuts.1);
        if size.0 == 0 || size.1 == 0 {
            return Err(AlterError::SmallerThanBlock { width, height, block: mcu });
        }
        let x = kept(crop.x, crop.width, cuts.0, block.0);
        let y = kept(crop.y, crop.height, cuts.1, block.1);
        let (Some((x, width)), Some((y, height))) = (x, y) else {
            return Err(AlterError::NoBlock { crop, block });
        };
        Ok(Self { size, kept: Crop { x, y, width, height } })
    }
}

/// First pixel and length of what is kept of a side of which a part is cut.
fn kept(start: usize, len: usize, cut: usize, block: usize) -> Option<(usize, usize)> {
    let first = start.saturating_sub(cut).next_multiple_of(block);
    let len = (start + len).checked_sub(cut + first).filter(|len| *len > 0)?;
    Some((first, len))
}

#[cfg(test)]
mod tests;
