//! A picture to draw on.

use std::ops::Range;

use super::text::Lettering;
use super::{Colour, Font};
use crate::limits::PICTURE_SIDE_MAX_PIXELS;
use crate::picture::{Chroma, Plane, Planes};

/// A rectangle in pixels. May lie outside the picture; that part is not drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Area {
    /// First column, counted from the left edge of the picture.
    pub x: isize,
    /// First row, counted from the top edge of the picture.
    pub y: isize,
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

impl Area {
    /// The rectangle with this upper left corner and size, in pixels.
    pub const fn new(x: isize, y: isize, width: usize, height: usize) -> Self {
        Self { x, y, width, height }
    }
}

/// A planar 4:2:0 picture to draw on. Coordinates are in pixels from the upper left corner; shapes
/// are clipped at the edges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Canvas {
    width: usize,
    height: usize,
    y: Vec<u8>,
    cb: Vec<u8>,
    cr: Vec<u8>,
}

impl Canvas {
    /// A canvas of one colour. Sides are in pixels, clamped to the range from 1 to
    /// [`PICTURE_SIDE_MAX_PIXELS`].
    pub fn new(width: usize, height: usize, colour: Colour) -> Self {
        let [width, height] = [width, height].map(|side| side.clamp(1, PICTURE_SIDE_MAX_PIXELS));
        let chroma_len = width.div_ceil(2) * height.div_ceil(2);
        Self {
            width,
            height,
            y: vec![colour.y; width * height],
            cb: vec![colour.cb; chroma_len],
            cr: vec![colour.cr; chroma_len],
        }
    }

    /// Width in pixels.
    pub const fn width(&self) -> usize {
        self.width
    }

    /// Height in pixels.
    pub const fn height(&self) -> usize {
        self.height
    }

    /// The picture for the encoder.
    pub fn planes(&self) -> Planes<'_> {
        let chroma_stride = self.chroma_stride();
        Planes {
            width: self.width,
            height: self.height,
            chroma: Chroma::Yuv420,
            y: Plane { stride: self.width, data: &self.y },
            u: Plane { stride: chroma_stride, data: &self.cb },
            v: Plane { stride: chroma_stride, data: &self.cr },
        }
    }

    /// Fills a rectangle.
    pub fn fill_rect(&mut self, area: Area, colour: Colour) {
        let (columns, rows) = self.clip(area);
        if columns.is_empty() {
            return;
        }
        for row in rows.clone() {
            self.y[row * self.width..][columns.clone()].fill(colour.y);
        }
        for block_row in blocks(&rows) {
            self.fill_chroma(block_row, covered(block_row, &rows, self.height), &columns, colour);
        }
    }

    /// Fills one row of chroma samples; the shape covers `row_share` halves of its height.
    fn fill_chroma(&mut self, block_row: usize, row_share: u32, columns: &Range<usize>, colour: Colour) {
        let touched = blocks(columns);
        let whole = if row_share == 2 { whole_blocks(columns, self.width) } else { touched.end..touched.end };
        let row = block_row * self.chroma_stride();
        // Filling is several times cheaper than mixing, and most of the test card is filled.
        self.cb[row..][whole.clone()].fill(colour.cb);
        self.cr[row..][whole.clone()].fill(colour.cr);
        for block_column in (touched.start..whole.start).chain(whole.end..touched.end) {
            let share = row_share * covered(block_column, columns, self.width);
            self.mix_chroma(block_column, block_row, colour, share * 255 / 4);
        }
    }

    /// Draws one line of text, its upper left corner at `x`, `y`.
    pub fn text(&mut self, x: isize, y: isize, text: &str, font: Font, colour: Colour) {
        self.letters(x, y, text, &mut Lettering::new(font), colour);
    }

    /// Draws one line of text like [`Self::text`], with cached glyphs.
    pub(super) fn letters(
        &mut self,
        x: isize,
        y: isize,
        text: &str,
        lettering: &mut Lettering,
        colour: Colour,
    ) {
        let font = lettering.font();
        let mut cell = Area::new(x, y, font.advance(), font.height());
        for character in text.chars() {
            if cell.x >= self.width as isize {
                break;
            }
            let glyph = lettering.glyph(character);
            self.blend(cell, colour, |x, y| glyph.coverage(x, y));
            cell.x = cell.x.saturating_add_unsigned(cell.width);
        }
    }

    /// Draws a shape. `coverage` returns how much of a pixel it covers, from 0 to 255, for the pixel's column
    /// and row within `area`.
    pub fn blend(&mut self, area: Area, colour: Colour, coverage: impl Fn(usize, usize) -> u8) {
        let (columns, rows) = self.clip(area);
        if columns.is_empty() {
            return;
        }
        let first_block = blocks(&columns).start;
        let mut sums = vec![0; blocks(&columns).len()];
        for block_row in blocks(&rows) {
            sums.fill(0);
            for row in overlap(block_row, &rows) {
                let y = (row as isize - area.y) as usize;
                let line = &mut self.y[row * self.width..][columns.clone()];
                for (column, luma) in columns.clone().zip(line) {
                    let share = coverage((column as isize - area.x) as usize, y);
                    // Most of a glyph is empty.
                    if share > 0 {
                        *luma = mix(*luma, colour.y, share.into());
                        sums[column / 2 - first_block] += u32::from(share);
                    }
                }
            }
            self.blend_chroma(block_row, first_block, &sums, colour);
        }
    }

    /// Mixes one row of chroma samples, by the sums of their pixels' coverage.
    fn blend_chroma(&mut self, block_row: usize, first_block: usize, sums: &[u32], colour: Colour) {
        let rows = overlap(block_row, &(0..self.height)).len();
        for (block_column, &sum) in (first_block..).zip(sums) {
            if sum > 0 {
                let pixels = rows * overlap(block_column, &(0..self.width)).len();
                self.mix_chroma(block_column, block_row, colour, sum / pixels as u32);
            }
        }
    }

    const fn chroma_stride(&self) -> usize {
        self.width.div_ceil(2)
    }

    fn mix_chroma(&mut self, block_column: usize, block_row: usize, colour: Colour, share: u32) {
        let at = block_row * self.chroma_stride() + block_column;
        self.cb[at] = mix(self.cb[at], colour.cb, share);
        self.cr[at] = mix(self.cr[at], colour.cr, share);
    }

    /// Columns and rows of an area that lie on the canvas; both are empty if one is.
    fn clip(&self, area: Area) -> (Range<usize>, Range<usize>) {
        let side = |start: isize, len: usize, end: usize| {
            let clip = |at: isize| at.clamp(0, end as isize) as usize;
            clip(start)..clip(start.saturating_add_unsigned(len))
        };
        let columns = side(area.x, area.width, self.width);
        let rows = side(area.y, area.height, self.height);
        if columns.is_empty() || rows.is_empty() { (0..0, 0..0) } else { (columns, rows) }
    }
}

/// Chroma samples that pixels share, along one side: a sample stands for two pixels.
fn blocks(pixels: &Range<usize>) -> Range<usize> {
    pixels.start / 2..pixels.end.div_ceil(2)
}

/// Chroma samples with all their pixels in a range, along a side of this length.
fn whole_blocks(pixels: &Range<usize>, side: usize) -> Range<usize> {
    let end = if pixels.end == side { side.div_ceil(2) } else { pixels.end / 2 };
    pixels.start.div_ceil(2)..end
}

/// The pixels of a chroma sample that are in a range.
fn overlap(block: usize, pixels: &Range<usize>) -> Range<usize> {
    (2 * block).max(pixels.start)..(2 * block + 2).min(pixels.end)
}

/// Halves of a chroma sample that a range covers, along a side of this length. The last sample of an
/// odd side has one pixel, which counts as two halves.
fn covered(block: usize, pixels: &Range<usize>, side: usize) -> u32 {
    (2 * overlap(block, pixels).len() / overlap(block, &(0..side)).len()) as u32
}

/// Interpolates from one sample to another by `share` of 255.
fn mix(from: u8, to: u8, share: u32) -> u8 {
    ((u32::from(from) * (255 - share) + u32::from(to) * share + 127) / 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    const RED: Colour = Colour::rgb(255, 0, 0);

    #[test]
    fn a_rectangle_covers_its_pixels_and_shares_chroma_at_odd_edges() {
        let mut canvas = Canvas::new(5, 5, Colour::BLACK);
        canvas.fill_rect(Area::new(1, 2, 4, 2), RED);
        let (blank, full) = (0, RED.y);
        let row = [blank, full, full, full, full];
        assert_eq!(canvas.y, [[blank; 5], [blank; 5], row, row, [blank; 5]].concat());
        let half = mix(128, RED.cr, 127);
        assert_eq!(canvas.cr, [128, 128, 128, half, RED.cr, RED.cr, 128, 128, 128]);
    }

    #[test]
    fn a_single_pixel_at_an_odd_edge_has_its_own_chroma_sample() {
        let mut filled = Canvas::new(17, 17, Colour::BLACK);
        let mut blended = filled.clone();
        filled.fill_rect(Area::new(-3, -3, 40, 40), RED);
        blended.blend(Area::new(-3, -3, 40, 40), RED, |_, _| 255);
        assert_eq!(filled, Canvas::new(17, 17, RED));
        assert_eq!(blended, Canvas::new(17, 17, RED));
    }

    #[test]
    fn a_filled_rectangle_is_a_shape_that_covers_all_of_it() {
        for (width, height) in [(1, 1), (6, 6), (7, 5)] {
            for (x, y) in (-2..8).flat_map(|x| (-2..8).map(move |y| (x, y))) {
                for (columns, rows) in (0..10).flat_map(|columns| (0..10).map(move |rows| (columns, rows))) {
                    let mut filled = Canvas::new(width, height, Colour::BLACK);
                    let mut blended = filled.clone();
                    filled.fill_rect(Area::new(x, y, columns, rows), RED);
                    blended.blend(Area::new(x, y, columns, rows), RED, |_, _| 255);
                    assert_eq!(filled, blended, "{columns}x{rows} at {x}, {y} of {width}x{height}");
                }
            }
        }
    }

    #[test]
    fn text_is_clipped_at_any_position() {
        let fonts = [Font::regular(16), Font::bold(24), Font::bold(96)];
        for (width, height) in [(1, 1), (1, 40), (40, 1), (2, 3), (16, 16), (33, 17)] {
            for font in fonts {
                for x in (-120..60).step_by(7).chain([isize::MIN, isize::MAX]) {
                    for y in (-100..50).step_by(11).chain([isize::MIN, isize::MAX]) {
                        let mut canvas = Canvas::new(width, height, Colour::BLACK);
                        canvas.text(x, y, "Wg\u{e9}\u{4e2d}", font, Colour::WHITE);
                        let planes = canvas.planes();
                        assert_eq!(planes.y.data.len(), width * height);
                        assert_eq!(planes.u.data.len(), planes.u.stride * height.div_ceil(2));
                    }
                }
            }
        }
    }

    #[test]
    fn clipped_text_looks_like_a_piece_of_a_larger_canvas() {
        let font = Font::bold(48);
        let mut large = Canvas::new(200, 120, Colour::NIGHT);
        large.text(57, 33, "Pinhole", font, Colour::AMBER);
        let mut small = Canvas::new(80, 40, Colour::NIGHT);
        small.text(57 - 60, 33 - 40, "Pinhole", font, Colour::AMBER);
        for row in 0..40 {
            assert_eq!(small.y[row * 80..][..80], large.y[(row + 40) * 200 + 60..][..80], "row {row}");
        }
        for row in 0..20 {
            assert_eq!(small.cb[row * 40..][..40], large.cb[(row + 20) * 100 + 30..][..40], "row {row}");
        }
    }

    #[test]
    fn rectangles_outside_the_canvas_leave_it_alone() {
        let blank = Canvas::new(16, 16, Colour::BLACK);
        let mut canvas = blank.clone();
        for (x, y) in [(16, 0), (0, 16), (-4, 0), (0, -4), (isize::MIN, 0), (0, isize::MAX)] {
            canvas.fill_rect(Area::new(x, y, 4, 4), Colour::WHITE);
        }
        canvas.fill_rect(Area::new(0, 0, 0, 9), Colour::WHITE);
        assert_eq!(canvas, blank);
        canvas.fill_rect(Area::new(-4, -4, usize::MAX, usize::MAX), Colour::WHITE);
        assert_eq!(canvas, Canvas::new(16, 16, Colour::WHITE));
    }

    #[test]
    fn sides_are_kept_within_their_limits() {
        let canvas = Canvas::new(0, usize::MAX, Colour::BLACK);
        assert_eq!((canvas.width(), canvas.height()), (1, PICTURE_SIDE_MAX_PIXELS));
    }
}
