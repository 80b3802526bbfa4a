//! Locates the planes of a picture and checks that they are complete.
//!
//! Every length and stride is checked here, once: the code that follows may index, and the JPEG library,
//! which asserts, never gets a plane that is too short.

use crate::limits;
use crate::picture::{PixelFormat, Plane, Planes, RawPicture};

use super::EncodeError;

/// One plane of a format, in bytes.
#[derive(Debug, Clone, Copy)]
struct Extent {
    row: usize,
    rows: usize,
    stride: usize,
}

impl Extent {
    const NONE: Self = Self { row: 0, rows: 0, stride: 0 };

    /// Bytes to the end of the last row. The padding after it may be absent: V4L2 drivers differ in whether
    /// `bytesused` counts it.
    fn len(self) -> usize {
        match self.rows {
            0 => 0,
            rows => self.stride.saturating_mul(rows - 1).saturating_add(self.row),
        }
    }

    /// The JPEG library counts strides in C's `int`.
    fn check(self, plane: &'static str, width: usize) -> Result<(), EncodeError> {
        if self.stride < self.row || self.stride > i32::MAX as usize {
            return Err(EncodeError::Stride { plane, width, stride: self.stride, need: self.row });
        }
        Ok(())
    }
}

/// The one to three planes of a picture in its buffer; unused entries are empty.
pub(super) fn planes_of<'a>(picture: &RawPicture<'a>) -> Result<[Plane<'a>; 3], EncodeError> {
    let RawPicture { format, width, height, stride, data } = *picture;
    check_sides(width, height)?;
    let extents = extents(picture);
    for (extent, name) in extents.iter().zip(["first plane", "second plane", "third plane"]) {
        extent.check(name, width)?;
    }
    let offsets = offsets(&extents);
    let need = extents
        .iter()
        .zip(offsets)
        .map(|(extent, offset)| offset.saturating_add(extent.len()))
        .max()
        .unwrap_or_default();
    if data.len() < need {
        return Err(EncodeError::Short { format, width, height, stride, have: data.len(), need });
    }
    let plane = |i: usize| Plane {
        stride: extents[i].stride,
        data: data.get(offsets[i]..).and_then(|rest| rest.get(..extents[i].len())).unwrap_or_default(),
    };
    Ok([plane(0), plane(1), plane(2)])
}

/// Each plane begins where the padded rows of the one before end
/// (kernel: Documentation/userspace-api/media/v4l/pixfmt-yuv-planar.rst).
fn offsets(extents: &[Extent; 3]) -> [usize; 3] {
    let [first, second, third] = *extents;
    let second_at = first.stride.saturating_mul(first.rows);
    let third_at = second_at.saturating_add(second.stride.saturating_mul(second.rows));
    [0, if second.rows == 0 { 0 } else { second_at }, if third.rows == 0 { 0 } else { third_at }]
}

/// Chroma strides follow from the luma stride: half of it for a separate plane, all of it for interleaved Cb
/// and Cr. Odd ones round up, as in the kernel's `v4l2_fill_pixfmt`.
fn extents(picture: &RawPicture<'_>) -> [Extent; 3] {
    let RawPicture { format, width, height, stride, .. } = *picture;
    let (half_width, half_height, half_stride) = (width.div_ceil(2), height.div_ceil(2), stride.div_ceil(2));
    let one = |row| [Extent { row, rows: height, stride }, Extent::NONE, Extent::NONE];
    let luma = Extent { row: width, rows: height, stride };
    let interleaved = |rows| {
        let pairs = Extent { row: 2 * half_width, rows, stride: half_stride.saturating_mul(2) };
        [luma, pairs, Extent::NONE]
    };
    let separate = |rows| {
        let chroma = Extent { row: half_width, rows, stride: half_stride };
        [luma, chroma, chroma]
    };
    match format {
        PixelFormat::Yuyv
        | PixelFormat::Uyvy
        | PixelFormat::Yvyu
        | PixelFormat::Vyuy
        | PixelFormat::Rgb24
        | PixelFormat::Bgr24
        | PixelFormat::Rgb565
        | PixelFormat::Grey => one(format.row_bytes(width)),
        PixelFormat::Nv12 | PixelFormat::Nv21 => interleaved(half_height),
        PixelFormat::Nv16 => interleaved(height),
        PixelFormat::Yu12 | PixelFormat::Yv12 => separate(half_height),
        PixelFormat::Yuv422p => separate(height),
    }
}

/// Checks that planes from outside are as large as their picture requires.
pub(super) fn check_planes(planes: &Planes<'_>) -> Result<(), EncodeError> {
    let Planes { width, height, .. } = *planes;
    check_sides(width, height)?;
    let (chroma_row, chroma_rows) = planes.chroma.plane_size(width, height);
    for (plane, name, row, rows) in [
        (planes.y, "luma plane", width, height),
        (planes.u, "cb plane", chroma_row, chroma_rows),
        (planes.v, "cr plane", chroma_row, chroma_rows),
    ] {
        if rows == 0 {
            continue;
        }
        let extent = Extent { row, rows, stride: plane.stride };
        extent.check(name, width)?;
        let (have, need) = (plane.data.len(), extent.len());
        if have < need {
            return Err(EncodeError::ShortPlane { plane: name, width, height, have, need });
        }
    }
    Ok(())
}

/// Whether a picture may be so large.
pub(super) fn check_sides(width: usize, height: usize) -> Result<(), EncodeError> {
    let possible = 1..=limits::PICTURE_SIDE_MAX_PIXELS;
    if !possible.contains(&width) || !possible.contains(&height) {
        return Err(EncodeError::Sides { width, height });
    }
    if width * height > limits::PICTURE_MAX_PIXELS {
        return Err(EncodeError::Pixels { width, height });
    }
    Ok(())
}
