//! Round and slanted shapes, as coverage for [`Canvas::blend`](super::Canvas::blend).
//!
//! Each fills a square with the given side in pixels.

/// A ring that touches the sides of its square; `line` is its thickness in pixels.
pub(super) fn ring(side: usize, line: usize) -> impl Fn(usize, usize) -> u8 {
    let outer = side as f32 / 2.0;
    let inner = outer - line as f32;
    move |x, y| {
        let radius = f32::hypot(from_centre(x, side), from_centre(y, side));
        coverage((outer - radius).min(radius - inner))
    }
}

/// A disc that touches the sides of its square.
pub(super) fn disc(side: usize) -> impl Fn(usize, usize) -> u8 {
    ring(side, 2 * side)
}

/// A line, `line` pixels thick with round ends, from the lower left corner of its square to the upper right
/// one.
pub(super) fn slash(side: usize, line: usize) -> impl Fn(usize, usize) -> u8 {
    let half = line as f32 / 2.0;
    // Centres of the round ends, which touch the corner's two sides.
    let end = (side as f32 / 2.0 - half).max(0.0);
    move |x, y| {
        let (x, y) = (from_centre(x, side), from_centre(y, side));
        let along = f32::midpoint(x, -y).clamp(-end, end);
        coverage(half - f32::hypot(x - along, y + along))
    }
}

/// Pixels from the centre of a square to the centre of a pixel, along one side.
fn from_centre(pixel: usize, side: usize) -> f32 {
    pixel as f32 + 0.5 - side as f32 / 2.0
}

/// The coverage of a pixel with its centre this many pixels inside the shape's edge.
fn coverage(inside: f32) -> u8 {
    ((inside + 0.5).clamp(0.0, 1.0) * 255.0) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disc_has_the_area_of_a_circle() {
        let covered = |shape: &dyn Fn(usize, usize) -> u8| {
            (0..50 * 50).map(|at| f64::from(shape(at % 50, at / 50)) / 255.0).sum::<f64>()
        };
        assert!((covered(&disc(50)) - 1963.5).abs() < 10.0);
        assert!((covered(&ring(50, 5)) - 706.9).abs() < 10.0);
    }

    #[test]
    fn a_slash_rises_to_the_right() {
        let line = slash(20, 4);
        assert_eq!([line(2, 17), line(17, 2), line(2, 2), line(17, 17)], [255, 255, 0, 0]);
    }
}
