//! Enumerates the formats, sizes and rates of a device (`VIDIOC_ENUM_FMT` and its kin).
//!
//! Drivers list sizes of 0, intervals of 0/0, the same entry at every index, or nothing at all. Every list
//! has a ceiling, and impossible entries are dropped.

use std::cell::Cell;
use std::io;

use super::driver::{Api, Driver, FrameInterval, FrameSize, per_second};
use super::modes::{OfferedFormat, Size, Sizes};
use crate::limits;

/// The longest side of a picture.
const SIDE_MAX: u32 = limits::PICTURE_SIDE_MAX_PIXELS as u32;

/// The formats that the device offers, in its own order.
///
/// # Errors
/// If the driver reports neither its formats nor the current one.
pub fn formats(driver: &impl Driver, api: Api) -> io::Result<Vec<OfferedFormat>> {
    let mut asked = Asked { driver, questions: Cell::new(0) };
    let mut formats: Vec<OfferedFormat> = Vec::new();
    for index in 0..limits::DRIVER_FORMATS_MAX {
        let fourcc = match driver.format_at(api, index) {
            Ok(fourcc) => fourcc,
            Err(error) if index == 0 => return current(driver, error),
            Err(_) => break,
        };
        if !formats.iter().any(|offered| offered.fourcc == fourcc) {
            formats.push(OfferedFormat { fourcc, sizes: asked.sizes(fourcc) });
        }
    }
    Ok(formats)
}

/// The current format, for a driver that lists none.
fn current(driver: &impl Driver, error: io::Error) -> io::Result<Vec<OfferedFormat>> {
    use rustix::io::Errno;
    // EINVAL ends an empty list at index 0; ENOTTY is a driver without the request.
    if !matches!(Errno::from_io_error(&error), Some(Errno::INVAL | Errno::NOTTY)) {
        return Err(error);
    }
    let Ok(format) = driver.format() else { return Ok(Vec::new()) };
    if format.fourcc == [0; 4] || !is_possible(format.width, format.height) {
        return Ok(Vec::new());
    }
    let size = Size { width: format.width, height: format.height, fps: Vec::new() };
    Ok(vec![OfferedFormat { fourcc: format.fourcc, sizes: Sizes::Discrete(vec![size]) }])
}

struct Asked<'d, D> {
    driver: &'d D,
    /// Sizes and intervals queried so far.
    questions: Cell<u32>,
}

impl<D: Driver> Asked<'_, D> {
    fn may_ask(&self) -> bool {
        self.questions.set(self.questions.get() + 1);
        self.questions.get() <= limits::DRIVER_QUESTIONS_MAX
    }

    fn sizes(&mut self, fourcc: [u8; 4]) -> Sizes {
        let mut sizes: Vec<Size> = Vec::new();
        for index in 0..limits::DRIVER_SIZES_MAX {
            if !self.may_ask() {
                break;
            }
            match self.driver.size_at(fourcc, index) {
                Err(_) => break,
                Ok(FrameSize::Stepwise(width, height)) => return range(width, height),
                Ok(FrameSize::Discrete(width, height)) => {
                    let is_known = sizes.iter().any(|size| (size.width, size.height) == (width, height));
                    if is_possible(width, height) && !is_known {
                        sizes.push(Size { width, height, fps: self.rates(fourcc, (width, height)) });
                    }
                }
            }
        }
        if sizes.is_empty() {
            let current = self.driver.format().ok().map(|format| (format.width, format.height));
            let (width, height) = current.filter(|size| is_possible(size.0, size.1)).unwrap_or((640, 480));
            sizes.push(Size { width, height, fps: Vec::new() });
        }
        Sizes::Discrete(sizes)
    }

    fn rates(&self, fourcc: [u8; 4], size: (u32, u32)) -> Vec<f64> {
        let mut rates = Vec::new();
        for index in 0..limits::DRIVER_INTERVALS_MAX {
            if !self.may_ask() {
                break;
            }
            match self.driver.interval_at(fourcc, size, index) {
                Err(_) => break,
                Ok(FrameInterval::Discrete(interval)) => rates.extend(per_second(interval)),
                Ok(FrameInterval::Stepwise(shortest, longest)) => {
                    // The shortest interval is the fastest rate.
                    rates.extend([shortest, longest].into_iter().filter_map(per_second));
                    break;
                }
            }
        }
        rates.dedup();
        rates
    }
}

fn is_possible(width: u32, height: u32) -> bool {
    (1..=SIDE_MAX).contains(&width) && (1..=SIDE_MAX).contains(&height)
}

/// Minimum, maximum and step of width and height.
fn range(width: [u32; 3], height: [u32; 3]) -> Sizes {
    let side = |[min, max, step]: [u32; 3]| {
        let min = min.clamp(1, SIDE_MAX);
        (min, max.clamp(min, SIDE_MAX), step.max(1))
    };
    let (width, height) = (side(width), side(height));
    Sizes::Range { min: (width.0, height.0), max: (width.1, height.1), step: (width.2, height.2) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Picture;
    use crate::source::v4l2::driver::fake::Fake;
    use crate::source::v4l2::modes::choose;

    fn chosen(driver: &Fake) -> String {
        let formats = formats(driver, Api::SinglePlanar).unwrap();
        choose(&formats, &Picture::default()).map_or("none".to_owned(), |mode| mode.to_string())
    }

    #[test]
    fn impossible_entries_are_dropped() {
        let mut driver = Fake::offering(&[*b"YUYV"]);
        driver.sizes = [(0, 0), (0, 480), (u32::MAX, u32::MAX), (800, 600)]
            .map(|(width, height)| FrameSize::Discrete(width, height))
            .to_vec();
        driver.intervals = [(0, 0), (1, 0), (0, 1), (1, u32::MAX), (u32::MAX, 1), (1, 25)]
            .map(FrameInterval::Discrete)
            .to_vec();
        let formats = formats(&driver, Api::SinglePlanar).unwrap();
        let size = Size { width: 800, height: 600, fps: vec![25.0] };
        assert_eq!(formats, [OfferedFormat { fourcc: *b"YUYV", sizes: Sizes::Discrete(vec![size]) }]);
        assert_eq!(chosen(&driver), "YUYV 800x600 at 25 fps");
    }

    #[test]
    fn impossible_ranges_are_clamped() {
        let mut driver = Fake::offering(&[*b"YUYV"]);
        for (size, expected) in [
            (FrameSize::Stepwise([0, 0, 0], [0, 0, 0]), "YUYV 1x1 at 30 fps"),
            (FrameSize::Stepwise([640, 320, 16], [480, 240, 16]), "YUYV 640x480 at 30 fps"),
            (FrameSize::Stepwise([1, u32::MAX, 1], [1, u32::MAX, 1]), "YUYV 1280x720 at 30 fps"),
            (FrameSize::Stepwise([u32::MAX, 0, u32::MAX], [2, 2000, u32::MAX]), "YUYV 16384x2 at 30 fps"),
        ] {
            driver.sizes = vec![size];
            assert_eq!(chosen(&driver), expected, "{size:?}");
        }
        driver.sizes = vec![FrameSize::Discrete(640, 480)];
        driver.intervals = vec![FrameInterval::Stepwise((0, 0), (0, 1))];
        assert_eq!(chosen(&driver), "YUYV 640x480 at 30 fps");
        driver.intervals = vec![FrameInterval::Stepwise((1, 10), (0, 0))];
        assert_eq!(chosen(&driver), "YUYV 640x480 at 10 fps");
    }

    #[test]
    fn endless_lists_stop_at_the_ceiling() {
        let mut driver = Fake::offering(&[*b"YUYV", *b"MJPG"]);
        driver.is_endless = true;
        driver.sizes = vec![FrameSize::Discrete(640, 480), FrameSize::Discrete(1280, 720)];
        driver.intervals = vec![FrameInterval::Discrete((1, 30))];
        assert_eq!(chosen(&driver), "MJPG 1280x720 at 30 fps");
        let most = limits::DRIVER_QUESTIONS_MAX + 2 * limits::DRIVER_FORMATS_MAX;
        assert!(driver.questions() <= most, "{} questions", driver.questions());
    }

    #[test]
    fn without_lists_the_current_format_is_used() {
        use rustix::io::Errno;
        for error in [Errno::INVAL, Errno::NOTTY] {
            let mut driver = Fake::offering(&[]);
            driver.list_error = error;
            assert_eq!(chosen(&driver), "YUYV 320x240 at 30 fps", "{error}");
        }
        let mut broken = Fake::offering(&[]);
        broken.list_error = Errno::IO;
        assert!(formats(&broken, Api::SinglePlanar).is_err());
        let mut nothing = Fake::offering(&[]);
        nothing.given.width = 0;
        assert_eq!(formats(&nothing, Api::SinglePlanar).unwrap(), []);
        let mut without_sizes = Fake::offering(&[*b"MJPG"]);
        without_sizes.sizes.clear();
        assert_eq!(chosen(&without_sizes), "MJPG 320x240 at 30 fps");
    }
}
