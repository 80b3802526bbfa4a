//! Stretched, rotated and untouched pictures.

use super::*;
use crate::picture::PixelAspect;

const CHROMAS: [Chroma; 4] = [Chroma::Yuv444, Chroma::Yuv422, Chroma::Yuv420, Chroma::Grey];

/// A picture whose samples encode their position: bright to the right, and colours downwards and to the
/// right.
struct Ramp {
    size: (usize, usize),
    chroma: Chroma,
    planes: [Vec<u8>; 3],
}

const PADDING: usize = 5;

impl Ramp {
    fn new(width: usize, height: usize, chroma: Chroma) -> Self {
        let (columns, rows) = chroma.plane_size(width, height);
        let plane = |width: usize, height: usize, sample: &dyn Fn(usize, usize) -> usize| {
            let mut bytes = Vec::new();
            for row in 0..height {
                bytes.extend((0..width).map(|column| sample(column, row) as u8));
                bytes.extend([77; PADDING]);
            }
            bytes
        };
        let y = plane(width, height, &|x, y| 200 * x / width + 50 * y / height);
        let u = plane(columns, rows, &|x, _| 250 * x / columns);
        let v = plane(columns, rows, &|_, y| 250 * y / rows);
        Self { size: (width, height), chroma, planes: [y, u, v] }
    }

    fn planes(&self) -> Planes<'_> {
        let (width, height) = self.size;
        let (columns, _) = self.chroma.plane_size(width, height);
        let plane = |width, data| Plane { stride: width + PADDING, data };
        let [y, u, v] = &self.planes;
        let (y, u, v) = (plane(width, y), plane(columns, u), plane(columns, v));
        Planes { width, height, chroma: self.chroma, y, u, v }
    }
}

fn sample(plane: Plane<'_>, x: usize, y: usize) -> i32 {
    i32::from(plane.data[y * plane.stride + x])
}

fn aspect(width: u32, height: u32) -> Shape {
    Shape { aspect: PixelAspect { width, height }, turn: Turn::NONE }
}

#[test]
fn the_short_side_is_stretched() {
    for ((width, height), (n, d), expected) in [
        ((352, 480), (20, 11), (640, 480)),
        ((1440, 1080), (4, 3), (1920, 1080)),
        ((720, 576), (16, 15), (768, 576)),
        ((720, 576), (64, 45), (1024, 576)),
        ((720, 480), (8, 9), (720, 540)),
        ((704, 288), (1, 2), (704, 576)),
        ((1, 1), (2, 1), (2, 1)),
        // Unknown, square, nearly square, and absurd.
        ((640, 480), (0, 1), (640, 480)),
        ((640, 480), (1, 0), (640, 480)),
        ((640, 480), (1, 1), (640, 480)),
        ((640, 480), (3000, 3001), (640, 480)),
        ((640, 480), (65_535, 1), (640, 480)),
        ((640, 480), (u32::MAX, 1), (640, 480)),
        // Too large to stretch: the other side shrinks.
        ((4096, 4096), (2, 1), (4096, 2048)),
        ((16_384, 100), (2, 1), (16_384, 50)),
        ((100, 16_384), (1, 4), (26, 16_384)),
    ] {
        assert_eq!(aspect(n, d).stretched(width, height), expected, "{width}x{height} {n}:{d}");
    }
}

#[test]
fn a_stretched_picture_shows_the_same() {
    let mut reshaper = Reshaper::default();
    for chroma in CHROMAS {
        for (size, shape) in [
            ((352, 480), aspect(20, 11)),
            ((353, 241), aspect(20, 11)),
            ((64, 48), aspect(3, 4)),
            ((63, 47), aspect(1, 3)),
            ((1, 1), aspect(4, 1)),
            ((2, 3), aspect(1, 4)),
        ] {
            let ramp = Ramp::new(size.0, size.1, chroma);
            let given = ramp.planes();
            let planes = reshaper.reshape(&given, &shape);
            assert_eq!((planes.width, planes.height), shape.stretched(size.0, size.1));
            let before = chroma.plane_size(size.0, size.1);
            let after = chroma.plane_size(planes.width, planes.height);
            for (plane, given, before, after) in [
                (planes.y, given.y, size, (planes.width, planes.height)),
                (planes.u, given.u, before, after),
                (planes.v, given.v, before, after),
            ] {
                assert_eq!(plane.data.len(), after.0 * after.1);
                for y in 0..after.1 {
                    for x in 0..after.0 {
                        let from = sample(given, x * before.0 / after.0, y * before.1 / after.1);
                        let step = 250 / before.0.min(before.1).max(1) as i32 + 2;
                        assert!((sample(plane, x, y) - from).abs() <= step, "{chroma:?} {size:?} {x},{y}");
                    }
                }
            }
        }
    }
}

#[test]
fn edges_stay_edges_and_levels_stay_levels() {
    // A half of black and one of white, four times as wide.
    let row = [[0; 8], [255; 8]].concat();
    let none = Plane { stride: 0, data: &[][..] };
    let given = Planes {
        width: 16,
        height: 1,
        chroma: Chroma::Grey,
        y: Plane { stride: 16, data: &row },
        u: none,
        v: none,
    };
    let mut reshaper = Reshaper::default();
    let wide = reshaper.reshape(&given, &aspect(4, 1));
    let first_bright = wide.y.data.iter().position(|sample| *sample > 127).unwrap();
    assert_eq!(first_bright, 32, "{:?}", wide.y.data);
    assert!(wide.y.data.is_sorted());
    assert!(wide.y.data[..29].iter().all(|sample| *sample == 0));
    assert!(wide.y.data[35..].iter().all(|sample| *sample == 255));
}

#[test]
fn all_eight_turns() {
    let mut reshaper = Reshaper::default();
    for chroma in CHROMAS {
        for size in [(1, 1), (3, 2), (35, 70), (64, 48)] {
            let ramp = Ramp::new(size.0, size.1, chroma);
            let given = ramp.planes();
            for bits in 0..8 {
                let (transposed, mirrored, flipped) = (bits & 1 != 0, bits & 2 != 0, bits & 4 != 0);
                let turn = Turn { transposed, mirrored, flipped };
                let planes = reshaper.reshape(&given, &Shape { turn, ..Shape::default() });
                let (width, height) = if transposed { (size.1, size.0) } else { size };
                assert_eq!((planes.width, planes.height), (width, height));
                let halves = transposed && chroma == Chroma::Yuv422;
                assert_eq!(planes.chroma, if halves { Chroma::Yuv420 } else { chroma });
                let check = |plane: Plane<'_>, given: Plane<'_>, (width, height): (usize, usize)| {
                    for y in 0..height {
                        for x in 0..width {
                            let (p, q) = (
                                if mirrored { width - 1 - x } else { x },
                                if flipped { height - 1 - y } else { y },
                            );
                            let (p, q) = if transposed { (q, p) } else { (p, q) };
                            let message = format!("{chroma:?} {size:?} {turn:?} at {x},{y}");
                            assert_eq!(sample(plane, x, y), sample(given, p, q), "{message}");
                        }
                    }
                };
                check(planes.y, given.y, (width, height));
                if !halves {
                    let colours = planes.chroma.plane_size(width, height);
                    check(planes.u, given.u, colours);
                    check(planes.v, given.v, colours);
                }
            }
        }
    }
}

#[test]
fn matrices_of_players() {
    const ONE: i32 = 1 << 16;
    let turn = |transposed, mirrored, flipped| Turn { transposed, mirrored, flipped };
    for (matrix, expected) in [
        ([ONE, 0, 0, ONE], Turn::NONE),
        // Clockwise by 90, 180 and 270 degrees.
        ([0, ONE, -ONE, 0], turn(true, true, false)),
        ([-ONE, 0, 0, -ONE], turn(false, true, true)),
        ([0, -ONE, ONE, 0], turn(true, false, true)),
        ([-ONE, 0, 0, ONE], turn(false, true, false)),
        ([ONE, 0, 0, -ONE], turn(false, false, true)),
        ([0, ONE, ONE, 0], turn(true, false, false)),
        // Of nothing, of the extremes, and by three degrees.
        ([0, 0, 0, 0], Turn::NONE),
        ([i32::MIN, i32::MIN, i32::MAX, i32::MAX], turn(false, true, false)),
        ([65_446, 3430, -3430, 65_446], Turn::NONE),
    ] {
        let [a, b, c, d] = matrix;
        assert_eq!(Turn::of_matrix(a, b, c, d), expected, "{matrix:?}");
    }
}

#[test]
fn a_picture_in_the_right_shape_is_not_touched() {
    let ramp = Ramp::new(64, 48, Chroma::Yuv420);
    let mut reshaper = Reshaper::default();
    let given = ramp.planes();
    let planes = reshaper.reshape(&given, &aspect(1, 1));
    assert!(std::ptr::eq(planes.y.data, given.y.data));
    assert!(reshaper.stretched.iter().chain(&reshaper.turned).all(Vec::is_empty));
}
