//! The pictures: colour bars with some texture and a white square that moves to the right.
//!
//! A frame is a pure function of its mode, number and time, so a receiver can reproduce it and compare every
//! byte.

use std::time::Duration;

use crate::descriptors::{Format, Mode};
use crate::faults::noise;
use crate::jpeg::{Block, Scan, write_head};

/// White, yellow, cyan, green, magenta, red, blue, black at 75 %, as Y, Cb, Cr (BT.601).
const BARS: [[u8; 3]; 8] = [
    [180, 128, 128],
    [162, 44, 142],
    [131, 156, 44],
    [112, 72, 58],
    [84, 184, 198],
    [65, 100, 212],
    [35, 212, 114],
    [16, 128, 128],
];
const WHITE: [u8; 3] = [235, 128, 128];

/// AC coefficients of each luma block. They give a JPEG the size of a real camera's (60 kB at
/// 640x480), so that a frame takes several transfers.
const TEXTURE: usize = 24;

/// The content of a JPEG's comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// The frame number, counted from 1 since the camera's program started.
    pub sequence: u32,
    /// CLOCK_MONOTONIC when the frame was made, to the microsecond.
    pub made: Duration,
}

const COMMENT_NAME: &str = "pinhole-usb-camera";

impl Stamp {
    fn comment(self) -> String {
        let (seconds, micros) = (self.made.as_secs(), self.made.subsec_micros());
        format!("{COMMENT_NAME} seq={} mono={seconds}.{micros:06}", self.sequence)
    }

    /// Reads the comment, which directly follows SOI.
    pub fn of_jpeg(jpeg: &[u8]) -> Option<Stamp> {
        let length = match jpeg.get(..6)? {
            [0xff, 0xd8, 0xff, 0xfe, high, low] => usize::from(u16::from_be_bytes([*high, *low])),
            _ => return None,
        };
        let comment = std::str::from_utf8(jpeg.get(6..4 + length)?).ok()?;
        let (sequence, made) =
            comment.strip_prefix(COMMENT_NAME)?.strip_prefix(" seq=")?.split_once(" mono=")?;
        let (seconds, micros) = made.split_once('.')?;
        let made = Duration::from_secs(seconds.parse().ok()?) + Duration::from_micros(micros.parse().ok()?);
        Some(Stamp { sequence: sequence.parse().ok()?, made })
    }
}

/// The frame with this stamp. Without `with_dht` a JPEG lacks its Huffman tables.
pub fn frame(mode: Mode, stamp: Stamp, with_dht: bool) -> Vec<u8> {
    match mode.format {
        Format::Mjpeg => jpeg(mode, stamp, with_dht),
        Format::Yuyv => yuyv(mode, stamp.sequence),
    }
}

/// A JPEG with a comment that carries the stamp.
fn jpeg(mode: Mode, stamp: Stamp, with_dht: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(mode.frame_bytes_max() as usize / 8);
    write_head(&mut out, (mode.width, mode.height), &stamp.comment(), with_dht);
    let picture = Picture::new(mode, stamp.sequence);
    let mut state = stamp.sequence;
    let mut scan = Scan::new(&mut out);
    for y in (0..mode.height).step_by(8) {
        // One minimum coded unit of 4:2:2: two luma blocks side by side, one of each chroma.
        for x in (0..mode.width).step_by(16) {
            let [left, cb, cr] = picture.colour(x, y).map(|level| i16::from(level) - 128);
            let right = i16::from(picture.colour(x + 8, y)[0]) - 128;
            scan.block(0, Block { dc: left, ac: &texture(&mut state) });
            scan.block(0, Block { dc: right, ac: &texture(&mut state) });
            scan.block(1, Block { dc: cb, ac: &[] });
            scan.block(2, Block { dc: cr, ac: &[] });
        }
    }
    scan.finish();
    out
}

/// Small coefficients of either sign: a few grey levels of grain.
fn texture(state: &mut u32) -> [i16; TEXTURE] {
    std::array::from_fn(|_| [-3, -2, -1, -1, 1, 1, 2, 3][usize::from(noise(state) >> 5)])
}

/// Flat colours, with the frame number as 32 squares of 8x8 pixels (white is 1) along the top.
fn yuyv(mode: Mode, sequence: u32) -> Vec<u8> {
    let picture = Picture::new(mode, sequence);
    let mut out = Vec::with_capacity(mode.frame_bytes_max() as usize);
    // Everything is on a grid of 8 pixels, so eight rows are equal.
    for y in (0..mode.height).step_by(8) {
        let mut row = Vec::with_capacity(usize::from(mode.width) * 2);
        for x in (0..mode.width).step_by(2) {
            let [luma, cb, cr] = picture.colour(x, y);
            let luma = if y == 0 && x < 256 { number_bit(sequence, x / 8) } else { luma };
            row.extend_from_slice(&[luma, cb, luma, cr]);
        }
        out.extend(row.repeat(8));
    }
    out
}

fn number_bit(sequence: u32, column: u16) -> u8 {
    if sequence >> (31 - column) & 1 == 1 { 235 } else { 16 }
}

/// The frame number in a YUYV picture, read from the middle of each square.
pub fn sequence_of_yuyv(mode: Mode, picture: &[u8]) -> Option<u32> {
    let row = picture.get(4 * usize::from(mode.width) * 2..)?;
    let lumas = (0..32).map(|column| row.get((column * 8 + 4) * 2));
    lumas.into_iter().try_fold(0, |number, luma| Some(number << 1 | u32::from(*luma? > 128)))
}

/// The layout of the colours in one frame.
struct Picture {
    bar_width: u16,
    square_side: u16,
    square_x: u16,
    square_y: u16,
}

impl Picture {
    fn new(mode: Mode, sequence: u32) -> Picture {
        // On the grid of 16 pixels, so that each block of a JPEG has one colour.
        const GRID: u16 = 16;
        let square_side = mode.height / 6 / GRID * GRID;
        let steps = u32::from((mode.width - square_side) / GRID);
        Picture {
            bar_width: mode.width / BARS.len() as u16,
            square_side,
            square_x: (sequence % steps) as u16 * GRID,
            square_y: (mode.height - square_side) / 2 / GRID * GRID,
        }
    }

    fn colour(&self, x: u16, y: u16) -> [u8; 3] {
        let inside = |at: u16, from: u16| (from..from + self.square_side).contains(&at);
        if inside(x, self.square_x) && inside(y, self.square_y) {
            WHITE
        } else {
            BARS[usize::from(x / self.bar_width)]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::descriptors::MODES;

    #[test]
    fn a_stamp_survives_the_comment_and_the_frame_is_reproduced() {
        let stamp = Stamp { sequence: 4_000_000_000, made: Duration::from_micros(12_000_345) };
        let first = frame(MODES[0], stamp, true);
        assert_eq!(Stamp::of_jpeg(&first), Some(stamp));
        assert_eq!(frame(MODES[0], Stamp::of_jpeg(&first).unwrap(), true), first);
        assert!((40_000..90_000).contains(&first.len()), "{} bytes", first.len());
    }

    #[test]
    fn no_stamp_in_other_pictures() {
        assert_eq!(Stamp::of_jpeg(&[]), None);
        assert_eq!(Stamp::of_jpeg(&[0xff, 0xd8, 0xff, 0xfe, 0xff, 0xff, b'p']), None);
        assert_eq!(Stamp::of_jpeg(&[0xff, 0xd8, 0xff, 0xfe, 0, 0]), None);
    }

    #[test]
    fn the_number_of_a_yuyv_frame_can_be_read() {
        let mode = MODES[2];
        let stamp = Stamp { sequence: 0xdead_beef, made: Duration::ZERO };
        let picture = frame(mode, stamp, true);
        assert_eq!(picture.len(), 320 * 240 * 2);
        assert_eq!(sequence_of_yuyv(mode, &picture), Some(0xdead_beef));
    }
}
