//! A decoded picture in the decoder's memory.

#![allow(unsafe_code, reason = "a picture lies in memory of the C library")]

use ffmpeg_next::codec::Context;
use ffmpeg_next::format::Pixel;
use ffmpeg_next::frame::side_data;
use ffmpeg_next::packet::Mut as _;
use ffmpeg_next::{Packet, color, ffi, frame};

use super::log::Complaints;
use super::matrix::Bt709;
use super::samples::{self, Depth, Range};
use super::{DecodeError, account};
use crate::clock::Monotonic;
use crate::limits;
use crate::picture::{Chroma, PixelAspect, Plane, Planes, Shape, Turn};

/// HD pictures have at least these columns, or more than these rows: PAL has 576.
const HD_WIDTH: u32 = 1280;
const SD_HEIGHT_MAX: u32 = 576;

/// Sets up a context in ways that the `ffmpeg-next` crate does not offer.
pub(super) fn set_up(context: &mut Context, pixels_max: i64, complaints: &Complaints) {
    // SAFETY: the context is not open yet. `opaque` is ours; FFmpeg copies it and never looks. The
    // decoder that owns the context owns the complaints, and drops them after it.
    unsafe {
        let context = context.as_mut_ptr();
        (*context).max_pixels = pixels_max;
        (*context).opaque = std::ptr::from_ref(complaints).cast_mut().cast();
        (*context).get_buffer2 = Some(account::get_buffer);
    }
}

/// Marks a packet's picture as decoded but not shown.
pub(super) fn hide(packet: &mut Packet) {
    // SAFETY: the packet is ours, and its flags are a number.
    unsafe {
        (*packet.as_mut_ptr()).flags |= ffi::AV_PKT_FLAG_DISCARD;
    }
}

/// A decoded picture in the decoder's memory, which it returns on drop.
pub struct Picture {
    frame: frame::Video,
    kind: Kind,
    /// Its time of arrival.
    pub captured: Monotonic,
}

/// How the samples are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Kind {
    chroma: Chroma,
    depth: Depth,
    range: Range,
    /// Whether the matrix is BT.709.
    is_bt709: bool,
}

/// Memory for pictures that must be converted; it lasts as long as the stream.
#[derive(Debug, Default)]
pub struct Memory {
    planes: [Vec<u8>; 3],
    bt709: Bt709,
}

impl Picture {
    pub(super) fn new(frame: frame::Video, captured: Monotonic) -> Result<Self, DecodeError> {
        let (width, height) = (frame.width() as usize, frame.height() as usize);
        let possible = 1..=limits::PICTURE_SIDE_MAX_PIXELS;
        if !possible.contains(&width) || !possible.contains(&height) {
            return Err(DecodeError::Unsupported(format!("pictures of {width}x{height} pixels")));
        }
        let kind = kind(&frame)?;
        Ok(Self { frame, kind, captured })
    }

    /// Width in pixels.
    pub fn width(&self) -> u32 {
        self.frame.width()
    }

    /// Height in pixels.
    pub fn height(&self) -> u32 {
        self.frame.height()
    }

    /// The shape of its pixels, and its own rotation (SEI display orientation). What the file says overrides
    /// both.
    pub fn shape(&self, beside: Shape) -> Shape {
        let aspect = self.frame.aspect_ratio();
        let side = |side: i32| u32::try_from(side).unwrap_or(0);
        let own = PixelAspect { width: side(aspect.numerator()), height: side(aspect.denominator()) };
        let matrix = self.frame.side_data(side_data::Type::DisplayMatrix);
        let turn = matrix.and_then(|matrix| turn_of(matrix.data()));
        Shape {
            aspect: if beside.aspect.is_known() { beside.aspect } else { own },
            turn: if beside.turn == Turn::NONE { turn.unwrap_or_default() } else { beside.turn },
        }
    }

    /// The samples in JPEG's form, 8 bits of full range with the matrix of BT.601: in place if possible, else
    /// converted in `memory`.
    ///
    /// # Errors
    /// If the decoder's memory is smaller than it should be.
    pub fn planes<'a>(&'a self, memory: &'a mut Memory) -> Result<Planes<'a>, DecodeError> {
        let Kind { chroma, depth, range, is_bt709 } = self.kind;
        let (width, height) = (self.frame.width() as usize, self.frame.height() as usize);
        let (columns, rows) = chroma.plane_size(width, height);
        let y = self.plane(0, width * depth.bytes(), height)?;
        let (u, v) = if rows == 0 {
            (Plane { stride: 0, data: &[][..] }, Plane { stride: 0, data: &[][..] })
        } else {
            (self.plane(1, columns * depth.bytes(), rows)?, self.plane(2, columns * depth.bytes(), rows)?)
        };
        let given = Planes { width, height, chroma, y, u, v };
        if depth == Depth::EIGHT && range == Range::Full && !is_bt709 {
            return Ok(given);
        }
        Ok(memory.convert(&given, self.kind))
    }

    /// A plane with rows of this many bytes.
    fn plane(&self, index: usize, row: usize, rows: usize) -> Result<Plane<'_>, DecodeError> {
        // SAFETY: the frame was filled by the decoder. Its buffers hold `size` bytes from `data`, all
        // of them initialised by the decoder or its pool, and are not written while the frame, which
        // `self` borrows, holds them: a decoder waits for nobody, it takes another buffer. That the
        // plane lies within one of them is checked by `plane_within`, on addresses alone.
        unsafe {
            let frame = &*self.frame.as_ptr();
            let begin = frame.data[index];
            let stride = usize::try_from(frame.linesize[index]).unwrap_or(0);
            let buffers = frame.buf.iter().filter_map(|buffer| buffer.as_ref());
            let extents = buffers.map(|buffer| (buffer.data.addr(), buffer.size));
            let len = plane_within(extents, begin.addr(), stride, row, rows);
            let len = len.ok_or_else(|| DecodeError::Library(format!("plane {index} is not whole")))?;
            Ok(Plane { stride, data: std::slice::from_raw_parts(begin, len) })
        }
    }
}

/// The rotation in FFmpeg's display matrix: nine words, with a, b, c, d among them.
pub(super) fn turn_of(matrix: &[u8]) -> Option<Turn> {
    let (words, _) = matrix.as_chunks::<4>();
    let word = |i: usize| words.get(i).map(|word| i32::from_ne_bytes(*word));
    Some(Turn::of_matrix(word(0)?, word(1)?, word(3)?, word(4)?))
}

/// The length of a plane from `begin` to the end of its last row, if it lies in one of the buffers.
fn plane_within(
    mut buffers: impl Iterator<Item = (usize, usize)>,
    begin: usize,
    stride: usize,
    row: usize,
    rows: usize,
) -> Option<usize> {
    if row == 0 || stride < row || rows == 0 {
        return None;
    }
    let len = stride.checked_mul(rows - 1)?.checked_add(row)?;
    let end = begin.checked_add(len)?;
    buffers.any(|(from, size)| from <= begin && end <= from.saturating_add(size)).then_some(len)
}

impl Memory {
    /// Converts row by row, so that each stays in the L1 cache for all steps.
    fn convert(&mut self, given: &Planes<'_>, kind: Kind) -> Planes<'_> {
        let Kind { chroma, depth, range, is_bt709 } = kind;
        let Planes { width, height, .. } = *given;
        let (columns, rows) = chroma.plane_size(width, height);
        let Self { planes: [y, u, v], bt709 } = self;
        y.resize(width * height, 0);
        u.resize(columns * rows, 0);
        v.resize(columns * rows, 0);
        let (shared_columns, shared_rows) = match chroma {
            Chroma::Yuv420 => (2, 2),
            Chroma::Yuv422 => (2, 1),
            Chroma::Yuv444 | Chroma::Grey => (1, 1),
        };
        for (i, luma) in y.chunks_mut(width * shared_rows).enumerate() {
            let from = given.y.data.chunks(given.y.stride).skip(i * shared_rows);
            for (from, to) in from.zip(luma.chunks_exact_mut(width)) {
                samples::to_full_range(from, to, depth, range, false);
            }
            if rows == 0 {
                continue;
            }
            let mut colours = [(given.u, &mut *u), (given.v, &mut *v)].map(|(from, to)| {
                let to = &mut to[i * columns..][..columns];
                samples::to_full_range(&from.data[i * from.stride..], to, depth, range, true);
                to
            });
            if is_bt709 {
                let [u, v] = &mut colours;
                bt709.convert(luma, width, u, v, shared_columns);
            }
        }
        let plane = |stride, data| Plane { stride, data };
        Planes { width, height, chroma, y: plane(width, y), u: plane(columns, u), v: plane(columns, v) }
    }
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Picture").field("kind", &self.kind).finish_non_exhaustive()
    }
}

fn kind(frame: &frame::Video) -> Result<Kind, DecodeError> {
    let (chroma, bits) = match frame.format() {
        Pixel::YUV420P | Pixel::YUVJ420P => (Chroma::Yuv420, 8),
        Pixel::YUV422P | Pixel::YUVJ422P => (Chroma::Yuv422, 8),
        Pixel::YUV444P | Pixel::YUVJ444P => (Chroma::Yuv444, 8),
        Pixel::GRAY8 => (Chroma::Grey, 8),
        Pixel::YUV420P10LE => (Chroma::Yuv420, 10),
        Pixel::YUV422P10LE => (Chroma::Yuv422, 10),
        Pixel::YUV444P10LE => (Chroma::Yuv444, 10),
        Pixel::GRAY10LE => (Chroma::Grey, 10),
        Pixel::YUV420P12LE => (Chroma::Yuv420, 12),
        Pixel::YUV422P12LE => (Chroma::Yuv422, 12),
        Pixel::YUV444P12LE => (Chroma::Yuv444, 12),
        Pixel::GRAY12LE => (Chroma::Grey, 12),
        other => {
            let name = other.descriptor().map_or("unknown", |descriptor| descriptor.name());
            return Err(DecodeError::Unsupported(format!("pictures of the form {name}")));
        }
    };
    let full = matches!(frame.format(), Pixel::YUVJ420P | Pixel::YUVJ422P | Pixel::YUVJ444P)
        || frame.color_range() == color::Range::JPEG;
    Ok(Kind {
        chroma,
        depth: Depth(bits),
        range: if full { Range::Full } else { Range::Limited },
        is_bt709: chroma != Chroma::Grey && is_bt709(frame),
    })
}

/// The stream's own statement (ITU-T H.264 table E-5) or, as most make none, by size: players assume BT.709
/// for HD and BT.601 for smaller pictures, and cameras are made to look right in them.
fn is_bt709(frame: &frame::Video) -> bool {
    match frame.color_space() {
        color::Space::BT709 | color::Space::SMPTE240M => true,
        color::Space::Unspecified => frame.width() >= HD_WIDTH || frame.height() > SD_HEIGHT_MAX,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plane_must_lie_within_a_buffer() {
        let within = |begin, stride, row, rows| {
            plane_within([(1000, 100), (5000, 64)].into_iter(), begin, stride, row, rows)
        };
        assert_eq!(within(1000, 10, 8, 10), Some(98));
        assert_eq!(within(1002, 10, 8, 10), Some(98));
        assert_eq!(within(1003, 10, 8, 10), None, "beyond the end");
        assert_eq!(within(999, 10, 8, 1), None, "before the beginning");
        assert_eq!(within(5000, 64, 64, 1), Some(64));
        assert_eq!(within(5000, 63, 64, 1), None, "rows overlap");
        assert_eq!(within(0, 0, 0, 1), None);
        assert_eq!(within(1000, usize::MAX, 8, 3), None);
    }
}
