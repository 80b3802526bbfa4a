//! Smaller pictures beside the means of the blocks of the whole ones.

use super::*;
use crate::encode::jpeg::samples::{
    CODINGS, Coding, Component, SAMPLINGS, Sampling, decode, flipped, hostile, jpeg, psnr,
};
use crate::frame::BufferPool;
use crate::limits;
use crate::picture::{Chroma, Plane, Planes};

const STEPS: [Step; 4] = [Step::Whole, Step::Half, Step::Quarter, Step::Eighth];

#[test]
fn a_step_is_at_least_as_wide_as_wanted_and_no_wider_than_the_camera() {
    for (camera, wanted, step) in [
        (1280, 0, Step::Eighth),
        (1280, 160, Step::Eighth),
        (1280, 161, Step::Quarter),
        (1280, 320, Step::Quarter),
        (1280, 321, Step::Half),
        (1280, 640, Step::Half),
        (1280, 641, Step::Whole),
        (1280, 1280, Step::Whole),
        (1280, 4000, Step::Whole),
        (1, 1, Step::Eighth),
        (1279, 160, Step::Eighth),
        (1281, 161, Step::Eighth),
    ] {
        assert_eq!(step_for(camera, wanted), step, "{wanted} of {camera}");
    }
    for camera in 1..400 {
        for wanted in 0..=camera {
            let step = step_for(camera, wanted);
            assert!((wanted..=camera).contains(&step.scaled(camera)), "{wanted} of {camera}: {step:?}");
        }
    }
}

fn resized(jpeg: &[u8], step: Step) -> Vec<u8> {
    let mut out = BufferPool::default().take();
    let size = JpegResizer::new(95).unwrap().resize(jpeg, step, &mut out).unwrap();
    assert_eq!(decode(&out).size, size);
    out.to_vec()
}

fn means(plane: &Component, side: usize) -> Component {
    let (width, height, samples) = plane;
    let (columns, rows) = (width.div_ceil(side), height.div_ceil(side));
    let mut means = Vec::new();
    for y in 0..rows {
        for x in 0..columns {
            let (mut sum, mut count) = (0, 0);
            for y in y * side..((y + 1) * side).min(*height) {
                for x in x * side..((x + 1) * side).min(*width) {
                    sum += u32::from(samples[y * width + x]);
                    count += 1;
                }
            }
            means.push(((sum + count / 2) / count) as u8);
        }
    }
    (columns, rows, means)
}

#[test]
fn every_kind_becomes_smaller_and_keeps_its_colour() {
    for sampling in SAMPLINGS {
        for coding in CODINGS {
            let jpeg = jpeg(sampling, coding, (192, 128));
            for step in STEPS {
                let (whole, smaller) = (decode(&jpeg), decode(&resized(&jpeg, step)));
                let case = format!("{sampling:?} {coding:?} {step:?}");
                assert_eq!(smaller.size, (192 / step.divisor(), 128 / step.divisor()), "{case}");
                assert_eq!(smaller.sampling, sampling, "{case}");
                for (i, (whole, smaller)) in whole.planes.iter().zip(&smaller.planes).enumerate() {
                    let psnr = psnr(&means(whole, step.divisor()), smaller);
                    assert!(psnr > PSNR_MIN_DB, "{case}: component {i} has {psnr:.1} dB");
                }
            }
        }
    }
}

/// The library's own way down is not the mean, at hard edges least of all.
const PSNR_MIN_DB: f64 = 30.0;

#[test]
fn sides_round_up() {
    for sampling in SAMPLINGS {
        for size in [(1, 1), (2, 3), (17, 9), (33, 31), (127, 95), (200, 8)] {
            for step in STEPS {
                let smaller = decode(&resized(&jpeg(sampling, Coding::Baseline, size), step));
                assert_eq!(smaller.size, (step.scaled(size.0), step.scaled(size.1)), "{size:?} {step:?}");
            }
        }
    }
}

/// Nine blocks: at an eighth, the tenth sample of the padded luma has no block.
#[test]
fn the_last_column_and_row_are_those_of_the_picture() {
    for sampling in SAMPLINGS {
        for side in [65, 72] {
            let jpeg = jpeg(sampling, Coding::Baseline, (side, side));
            for step in [Step::Half, Step::Quarter, Step::Eighth] {
                let (whole, smaller) = (decode(&jpeg), decode(&resized(&jpeg, step)));
                let ((width, height, means), smaller) =
                    (means(&whole.planes[0], step.divisor()), &smaller.planes[0].2);
                let last_column = (0..height).map(|y| y * width + width - 1);
                for at in last_column.chain((height - 1) * width..height * width) {
                    let off = means[at].abs_diff(smaller[at]);
                    assert!(off < 25, "{sampling:?} {side} {step:?}: off by {off} at {at}");
                }
            }
        }
    }
}

#[test]
fn what_cannot_be_decoded_is_said_in_words_and_does_no_harm_to_the_next() {
    let mut out = BufferPool::default().take();
    let mut resizer = JpegResizer::new(80).unwrap();
    let good = jpeg(Sampling::Sub2x2, Coding::Baseline, (64, 48));
    for (what, bytes) in hostile() {
        let error = resizer.resize(&bytes, Step::Half, &mut out).expect_err(what);
        assert!(out.is_empty(), "{what}");
        assert!(error.to_string().len() > 20, "{what}: {error}");
        assert_eq!(resizer.resize(&good, Step::Half, &mut out), Ok((32, 24)), "after {what}: {error}");
    }
    let long = vec![0; limits::JPEG_MAX_BYTES + 1];
    assert_eq!(
        resizer.resize(&long, Step::Half, &mut out),
        Err(AlterError::TooLong { bytes: limits::JPEG_MAX_BYTES + 1 })
    );
    assert_eq!(JpegResizer::new(0).unwrap_err(), EncodeError::Quality(0));
    assert_eq!(resizer.set_quality(101), Err(EncodeError::Quality(101)));
}

#[test]
fn stray_bytes_before_a_marker_are_passed_over() {
    let mut jpeg = jpeg(Sampling::Sub2x2, Coding::Baseline, (64, 48));
    let end = jpeg.len() - 2;
    jpeg.splice(end..end, [1, 2, 3]);
    assert_eq!(decode(&resized(&jpeg, Step::Half)).size, (32, 24));
}

#[test]
fn flipped_bytes_do_no_harm() {
    let mut out = BufferPool::default().take();
    let mut resizer = JpegResizer::new(80).unwrap();
    flipped(60, |jpeg| {
        for step in [Step::Half, Step::Eighth] {
            let size = resizer.resize(jpeg, step, &mut out);
            assert_eq!(size.is_err(), out.is_empty());
        }
    });
}

const PADDING: usize = 3;

/// Planes of noise.
fn noise(size: (usize, usize), chroma: Chroma) -> [Component; 3] {
    let mut state = 1_u32;
    let colours = chroma.plane_size(size.0, size.1);
    [size, colours, colours].map(|(width, height)| {
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        (width, height, (0..width * height).map(|_| next()).collect())
    })
}

#[test]
fn planes_become_the_means_of_their_blocks() {
    let mut resizer = PlanesResizer::default();
    for chroma in [Chroma::Yuv444, Chroma::Yuv422, Chroma::Yuv420, Chroma::Grey] {
        for size in [(1, 1), (2, 3), (7, 9), (8, 8), (17, 33), (130, 67), (257, 16)] {
            let given = noise(size, chroma);
            let padded = given.clone().map(|(width, _, samples)| {
                samples
                    .chunks(width.max(1))
                    .flat_map(|row| [row, &[9; PADDING]].concat())
                    .collect::<Vec<u8>>()
            });
            let plane = |i: usize| Plane { stride: given[i].0 + PADDING, data: &padded[i][..] };
            let (width, height) = size;
            let planes = Planes { width, height, chroma, y: plane(0), u: plane(1), v: plane(2) };
            for step in STEPS {
                let smaller = resizer.resize(&planes, step).unwrap();
                assert_eq!((smaller.width, smaller.height), (step.scaled(width), step.scaled(height)));
                check_planes_equal(&smaller, &given.clone().map(|plane| means(&plane, step.divisor())));
            }
        }
    }
}

#[track_caller]
fn check_planes_equal(planes: &Planes<'_>, expected: &[Component; 3]) {
    for (plane, (width, height, samples)) in [planes.y, planes.u, planes.v].iter().zip(expected) {
        for y in 0..*height {
            assert_eq!(plane.data[y * plane.stride..][..*width], samples[y * width..][..*width], "row {y}");
        }
    }
}

#[test]
fn planes_that_are_too_short_are_refused() {
    let empty = Plane { stride: 16, data: &[][..] };
    let planes = Planes { width: 16, height: 16, chroma: Chroma::Yuv420, y: empty, u: empty, v: empty };
    assert!(PlanesResizer::default().resize(&planes, Step::Half).is_err());
}
