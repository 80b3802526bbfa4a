//! Turned JPEGs that lose nothing, and crops of which no more is seen than is kept.

use super::*;
use crate::encode::jpeg::samples::{
    CODINGS, Coding, Component, SAMPLINGS, Samples, Sampling, decode, flipped, hostile, jpeg, psnr,
};
use crate::encode::layout::check_planes;
use crate::frame::BufferPool;
use crate::limits;
use crate::picture::orientation::{Mirror, Rotation};
use crate::picture::{Chroma, Plane, Planes};

const ROTATIONS: [Rotation; 4] = [Rotation::None, Rotation::Quarter, Rotation::Half, Rotation::ThreeQuarters];
const MIRRORS: [Option<Mirror>; 3] = [None, Some(Mirror::Horizontal), Some(Mirror::Vertical)];

fn rotated(rotate: Rotation) -> Orientation {
    Orientation { rotate, ..Orientation::default() }
}

fn transformed(jpeg: &[u8], orientation: &Orientation) -> Vec<u8> {
    let mut out = BufferPool::default().take();
    let size = transform_jpeg(jpeg, orientation, &mut out).unwrap();
    assert_eq!(decode(&out).size, size, "{orientation:?}");
    out.to_vec()
}

fn times(jpeg: &[u8], orientation: &Orientation, times: usize) -> Vec<u8> {
    (0..times).fold(jpeg.to_vec(), |jpeg, _| transformed(&jpeg, orientation))
}

/// Decoded samples are equal only where each coefficient is.
#[test]
fn turned_until_it_is_upright_again_a_jpeg_has_lost_nothing() {
    for sampling in SAMPLINGS {
        for coding in CODINGS {
            let jpeg = jpeg(sampling, coding, (128, 96));
            let whole = decode(&jpeg);
            let unturned = transformed(&jpeg, &Orientation::default());
            assert_eq!(decode(&unturned), whole);
            let mirror = |mirror| Orientation { mirror: Some(mirror), ..Orientation::default() };
            for (orientation, count) in [
                (rotated(Rotation::Quarter), 4),
                (rotated(Rotation::Half), 2),
                (rotated(Rotation::ThreeQuarters), 4),
                (mirror(Mirror::Horizontal), 2),
                (mirror(Mirror::Vertical), 2),
            ] {
                let again = times(&jpeg, &orientation, count);
                assert_eq!(again, unturned, "{sampling:?} {coding:?} {orientation:?}");
                assert_ne!(transformed(&jpeg, &orientation), unturned);
            }
        }
    }
}

/// The planes of a decoded JPEG of a sampling that `Chroma` has.
fn planes(samples: &Samples) -> Planes<'_> {
    let plane = |i: usize| {
        let (width, _, data) = &samples.planes[i];
        Plane { stride: *width, data }
    };
    let (width, height) = samples.size;
    let chroma = match samples.sampling {
        Sampling::None => Chroma::Yuv444,
        Sampling::Sub2x2 => Chroma::Yuv420,
        other => panic!("{other:?}"),
    };
    Planes { width, height, chroma, y: plane(0), u: plane(1), v: plane(2) }
}

fn components(planes: &Planes<'_>) -> Vec<Component> {
    let colours = planes.chroma.plane_size(planes.width, planes.height);
    [(planes.y, (planes.width, planes.height)), (planes.u, colours), (planes.v, colours)]
        .into_iter()
        .map(|(plane, (width, height))| {
            let row = |y| &plane.data[y * plane.stride..][..width];
            (width, height, (0..height).flat_map(row).copied().collect())
        })
        .collect()
}

/// Kept the same: the inverse transform of a transposed block rounds otherwise, by one.
const SAME_MIN_DB: f64 = 48.0;

#[test]
fn a_jpeg_shows_what_its_planes_show() {
    let crops = [None, Some(Crop { x: 16, y: 32, width: 53, height: 40 })];
    let mut transformer = PlanesTransformer::default();
    for sampling in [Sampling::None, Sampling::Sub2x2] {
        let jpeg = jpeg(sampling, Coding::Baseline, (128, 96));
        let whole = decode(&jpeg);
        for rotate in ROTATIONS {
            for mirror in MIRRORS {
                for crop in crops {
                    let orientation = Orientation { rotate, mirror, crop };
                    let result = decode(&transformed(&jpeg, &orientation));
                    let planes = planes(&whole);
                    let expected = transformer.transform(&planes, &orientation).unwrap();
                    assert_eq!(result.size, (expected.width, expected.height), "{orientation:?}");
                    for (a, b) in components(&expected).iter().zip(&result.planes) {
                        let psnr = psnr(a, b);
                        assert!(psnr > SAME_MIN_DB, "{sampling:?} {orientation:?}: {psnr:.1} dB");
                    }
                }
            }
        }
    }
}

#[test]
fn parts_of_blocks_that_would_have_to_move_are_cut() {
    use Sampling::{Gray, Sub2x1, Sub2x2, Sub4x1};
    let size = |sampling, size, orientation| {
        decode(&transformed(&jpeg(sampling, Coding::Baseline, size), &orientation)).size
    };
    let mirrored = |mirror| Orientation { mirror: Some(mirror), ..Orientation::default() };
    assert_eq!(size(Sub2x2, (190, 108), rotated(Rotation::None)), (190, 108));
    assert_eq!(size(Sub2x2, (190, 108), rotated(Rotation::Quarter)), (96, 190));
    assert_eq!(size(Sub2x2, (190, 108), rotated(Rotation::Half)), (176, 96));
    assert_eq!(size(Sub2x2, (190, 108), rotated(Rotation::ThreeQuarters)), (108, 176));
    assert_eq!(size(Sub2x2, (190, 108), mirrored(Mirror::Horizontal)), (176, 108));
    assert_eq!(size(Sub2x2, (190, 108), mirrored(Mirror::Vertical)), (190, 96));
    assert_eq!(size(Sub2x1, (190, 108), rotated(Rotation::Half)), (176, 104));
    assert_eq!(size(Sub4x1, (190, 108), rotated(Rotation::Half)), (160, 104));
    assert_eq!(size(Gray, (190, 108), rotated(Rotation::Half)), (184, 104));
}

#[test]
fn a_crop_begins_with_the_first_whole_block_in_it() {
    let jpeg = jpeg(Sampling::Sub2x2, Coding::Baseline, (190, 108));
    let mut out = BufferPool::default().take();
    let mut cropped = |rotate, crop: &str| {
        let orientation = Orientation { rotate, mirror: None, crop: Some(crop.parse().unwrap()) };
        transform_jpeg(&jpeg, &orientation, &mut out)
    };
    assert_eq!(cropped(Rotation::None, "0,0,190,108"), Ok((190, 108)));
    assert_eq!(cropped(Rotation::None, "0,0,100,50"), Ok((100, 50)));
    assert_eq!(cropped(Rotation::None, "1,17,100,50"), Ok((85, 35)));
    assert_eq!(cropped(Rotation::None, "176,96,14,12"), Ok((14, 12)));
    // Without the 14 columns and 12 rows that became the left and top edges, blocks begin at 14, 30 and 12, 28.
    assert_eq!(cropped(Rotation::Half, "0,0,190,108"), Ok((176, 96)));
    assert_eq!(cropped(Rotation::Half, "14,12,100,50"), Ok((100, 50)));
    assert_eq!(cropped(Rotation::Half, "15,13,100,50"), Ok((85, 35)));
    assert_eq!(cropped(Rotation::Quarter, "0,0,108,190"), Ok((96, 190)));
    assert_eq!(cropped(Rotation::Quarter, "12,16,20,20"), Ok((20, 20)));
    let no_block = cropped(Rotation::None, "1,0,15,15").unwrap_err();
    assert_eq!(
        no_block.to_string(),
        "crop 1,0,15,15 is too small: no block of 16x16 pixels of the jpeg begins in it"
    );
    assert!(matches!(cropped(Rotation::Half, "0,0,10,10"), Err(AlterError::NoBlock { .. })));
    assert!(matches!(cropped(Rotation::None, "0,0,191,108"), Err(AlterError::CropBeyond(_))));
    assert!(matches!(cropped(Rotation::Quarter, "0,0,190,108"), Err(AlterError::CropBeyond(_))));
}

#[test]
fn every_sampling_is_cropped_to_its_blocks() {
    for sampling in SAMPLINGS {
        let jpeg = jpeg(sampling, Coding::Baseline, (160, 144));
        for rotate in ROTATIONS {
            for mirror in MIRRORS {
                let crop = Some(Crop { x: 3, y: 5, width: 90, height: 80 });
                let (width, height) = decode(&transformed(&jpeg, &Orientation { rotate, mirror, crop })).size;
                assert!((59..=85).contains(&width) && (49..=77).contains(&height), "{width}x{height}");
            }
        }
    }
}

#[test]
fn a_jpeg_smaller_than_its_blocks_is_cropped_only() {
    let mut out = BufferPool::default().take();
    let jpeg = jpeg(Sampling::Sub2x2, Coding::Baseline, (1, 1));
    assert_eq!(transform_jpeg(&jpeg, &Orientation::default(), &mut out), Ok((1, 1)));
    let error = transform_jpeg(&jpeg, &rotated(Rotation::Half), &mut out).unwrap_err();
    assert_eq!(
        error.to_string(),
        "jpeg of 1x1 pixels cannot be turned: it is smaller than its blocks of 16x16"
    );
    assert!(out.is_empty());
}

#[test]
fn what_cannot_be_read_is_said_in_words() {
    let mut out = BufferPool::default().take();
    for (what, bytes) in hostile() {
        let error = transform_jpeg(&bytes, &rotated(Rotation::Quarter), &mut out).expect_err(what);
        assert!(out.is_empty(), "{what}");
        assert!(error.to_string().len() > 20, "{what}: {error}");
    }
    let long = vec![0; limits::JPEG_MAX_BYTES + 1];
    assert!(matches!(
        transform_jpeg(&long, &Orientation::default(), &mut out),
        Err(AlterError::TooLong { .. })
    ));
}

#[test]
fn stray_bytes_before_a_marker_are_passed_over() {
    let mut jpeg = jpeg(Sampling::Sub2x2, Coding::Baseline, (64, 48));
    let whole = decode(&jpeg);
    let end = jpeg.len() - 2;
    jpeg.splice(end..end, [1, 2, 3]);
    assert_eq!(decode(&times(&jpeg, &rotated(Rotation::Half), 2)), whole);
}

#[test]
fn flipped_bytes_do_no_harm() {
    let mut out = BufferPool::default().take();
    let crop = Some(Crop { x: 0, y: 0, width: 40, height: 40 });
    flipped(40, |jpeg| {
        for orientation in [rotated(Rotation::Quarter), Orientation { crop, ..rotated(Rotation::Half) }] {
            let size = transform_jpeg(jpeg, &orientation, &mut out);
            assert_eq!(size.is_err(), out.is_empty());
        }
    });
}

/// Samples that say where they are, and colours that do, at the middle of their pixels.
fn map(width: usize, height: usize, chroma: Chroma) -> [Vec<u8>; 3] {
    let (columns, rows) = chroma.plane_size(width, height);
    let (across, down) = (width.div_ceil(columns.max(1)), height.div_ceil(rows.max(1)));
    let plane = |width, height, sample: &dyn Fn(usize, usize) -> usize| {
        (0..height).flat_map(|y| (0..width).map(move |x| sample(x, y) as u8)).collect::<Vec<u8>>()
    };
    [
        plane(width, height, &|x, y| (x * 7 + y * 13) % 256),
        plane(columns, rows, &|x, _| 2 * (across * x) + across - 1),
        plane(columns, rows, &|_, y| 2 * (down * y) + down - 1),
    ]
}

#[test]
fn planes_are_turned_and_cropped_to_the_pixel() {
    let (width, height) = (40, 30);
    let mut transformer = PlanesTransformer::default();
    for chroma in [Chroma::Yuv444, Chroma::Yuv422, Chroma::Yuv420, Chroma::Grey] {
        let [y, u, v] = &map(width, height, chroma);
        let (columns, _) = chroma.plane_size(width, height);
        let plane = |stride, data| Plane { stride, data };
        let planes =
            Planes { width, height, chroma, y: plane(width, y), u: plane(columns, u), v: plane(columns, v) };
        for rotate in ROTATIONS {
            for mirror in MIRRORS {
                for (left, top, wide, high) in
                    [(0, 0, 30, 30), (4, 6, 12, 10), (5, 7, 12, 10), (5, 6, 11, 9), (29, 29, 1, 1)]
                {
                    let crop = Crop { x: left, y: top, width: wide, height: high };
                    let orientation = Orientation { rotate, mirror, crop: Some(crop) };
                    let result = transformer.transform(&planes, &orientation).unwrap();
                    assert_eq!((result.width, result.height), (wide, high));
                    check_planes(&result).unwrap();
                    for y in 0..high {
                        for x in 0..wide {
                            let (p, q) = before(&orientation, (x + left, y + top), (width, height));
                            let sample = result.y.data[y * result.y.stride + x];
                            assert_eq!(
                                usize::from(sample),
                                (p * 7 + q * 13) % 256,
                                "{orientation:?} {x},{y}"
                            );
                        }
                    }
                    check_colours(&result, &orientation, crop, (width, height));
                }
            }
        }
    }
}

/// Where a pixel of the turned picture was: the definition, step by step.
fn before(
    orientation: &Orientation,
    (mut x, mut y): (usize, usize),
    (width, height): (usize, usize),
) -> (usize, usize) {
    let is_sideways = matches!(orientation.rotate, Rotation::Quarter | Rotation::ThreeQuarters);
    let (turned_width, turned_height) = if is_sideways { (height, width) } else { (width, height) };
    match orientation.mirror {
        Some(Mirror::Horizontal) => x = turned_width - 1 - x,
        Some(Mirror::Vertical) => y = turned_height - 1 - y,
        None => {}
    }
    match orientation.rotate {
        Rotation::None => (x, y),
        Rotation::Quarter => (y, height - 1 - x),
        Rotation::Half => (width - 1 - x, height - 1 - y),
        Rotation::ThreeQuarters => (width - 1 - y, x),
    }
}

/// Twice the place of a colour is that of the middle of the pixels which share it, as near as a byte says it.
fn check_colours(planes: &Planes<'_>, orientation: &Orientation, crop: Crop, size: (usize, usize)) {
    let (columns, rows) = planes.chroma.plane_size(planes.width, planes.height);
    let (across, down) = match planes.chroma {
        Chroma::Yuv444 | Chroma::Grey => (1, 1),
        Chroma::Yuv422 => (2, 1),
        Chroma::Yuv420 => (2, 2),
    };
    for y in 0..rows {
        for x in 0..columns {
            let at = (x * across + crop.x, y * down + crop.y);
            let last = (crop.x + crop.width - 1, crop.y + crop.height - 1);
            let end = ((at.0 + across - 1).min(last.0), (at.1 + down - 1).min(last.1));
            let (first, second) = (before(orientation, at, size), before(orientation, end, size));
            let sample = |plane: Plane<'_>| i32::from(plane.data[y * plane.stride + x]);
            for (sample, middle) in
                [(sample(planes.u), first.0 + second.0), (sample(planes.v), first.1 + second.1)]
            {
                // At an odd edge, one pixel has the colour of two.
                let off = (sample - middle as i32).abs();
                assert!(off <= 2, "{:?} {orientation:?}: off by {off} at {x},{y}", planes.chroma);
            }
        }
    }
}
