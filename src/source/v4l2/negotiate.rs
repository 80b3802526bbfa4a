//! Sets format, size and rate as configured, and checks what the driver made of them.

use super::driver::{Api, Driver, Format, Rate};
use super::modes::{self, Encoding, Mode, OfferedFormat, fourcc_text};
use super::{formats, refused};
use crate::camera::lost::{DriverLost, Lost};
use crate::config::{FormatChoice, Picture};
use crate::limits;
use crate::picture::PixelFormat;

/// The mode that was requested, and what the driver set.
#[derive(Debug)]
pub struct Negotiated {
    pub asked: Mode,
    pub given: Format,
    /// Pictures per second; `None` if the driver reports none.
    pub fps: Option<f64>,
    pub encoding: Encoding,
}

/// Sets format, size and rate.
///
/// # Errors
/// Why the device cannot give pictures.
pub fn negotiate(driver: &impl Driver, picture: &Picture) -> Result<Negotiated, Lost> {
    let formats =
        formats::formats(driver, Api::SinglePlanar).map_err(|error| refused("list its formats", &error))?;
    let asked = modes::choose(&formats, picture)
        .ok_or_else(|| Lost::Unsupported(unsuitable(&formats, picture.format)))?;
    let given = driver
        .set_format(asked.fourcc, (asked.width, asked.height))
        .map_err(|error| refused("set its format", &error))?;
    let rate = driver.set_rate(asked.fps).or_else(|_| driver.rate());
    let encoding = Encoding::from_fourcc(given.fourcc).ok_or_else(|| {
        Lost::Unsupported(format!(
            "asked for {asked}, it gives {}, which Pinhole cannot read",
            fourcc_text(given.fourcc)
        ))
    })?;
    let possible = 1..=limits::PICTURE_SIDE_MAX_PIXELS as u32;
    if !possible.contains(&given.width) || !possible.contains(&given.height) {
        let (asked, width, height) = (asked.to_string(), given.width, given.height);
        return Err(DriverLost::WrongSize { asked, width, height }.into());
    }
    Ok(Negotiated { asked, given, fps: rate.ok().and_then(Rate::per_second), encoding })
}

/// Why none of the device's formats can be used.
fn unsuitable(formats: &[OfferedFormat], choice: FormatChoice) -> String {
    let served: Vec<Encoding> =
        formats.iter().filter_map(|offered| Encoding::from_fourcc(offered.fourcc)).collect();
    match (formats, choice) {
        ([], _) => "it lists no picture formats".to_owned(),
        (_, choice) if choice != FormatChoice::Auto && !served.is_empty() => {
            format!("it offers {}, not the configured format {choice}", names(formats))
        }
        _ => format!("it offers only {}, which Pinhole cannot read; {}", names(formats), readable()),
    }
}

/// Why a multi-planar device cannot be used.
pub fn multi_planar(driver: &impl Driver) -> Lost {
    let formats = formats::formats(driver, Api::MultiPlanar).unwrap_or_default();
    let formats = if formats.is_empty() { "its pictures".to_owned() } else { names(&formats) };
    Lost::Unsupported(format!("it gives {formats} by the multi-planar API only, which Pinhole cannot read"))
}

fn names(formats: &[OfferedFormat]) -> String {
    formats.iter().map(|offered| fourcc_text(offered.fourcc)).collect::<Vec<_>>().join(", ")
}

fn readable() -> String {
    let raw = PixelFormat::ALL.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    format!("it reads MJPG, JPEG, {raw}")
}

#[cfg(test)]
mod tests {
    use rustix::io::Errno;

    use super::*;
    use crate::picture::range::Range;
    use crate::source::v4l2::driver::fake::Fake;

    fn negotiated(driver: &Fake) -> Result<Negotiated, Lost> {
        negotiate(driver, &Picture::default())
    }

    fn reason(driver: &Fake, format: FormatChoice) -> String {
        negotiate(driver, &Picture { format, ..Picture::default() }).unwrap_err().to_string()
    }

    #[test]
    fn an_error_names_the_unsupported_formats() {
        assert_eq!(
            reason(&Fake::offering(&[*b"H264", *b"BGGR", *b"PJPG"]), FormatChoice::Auto),
            "not usable as a camera: it offers only H264, BGGR, PJPG, which Pinhole cannot read; it reads MJPG, \
             JPEG, YUYV, UYVY, YVYU, VYUY, NV12, YU12, NV21, YV12, 422P, NV16, RGB3, BGR3, RGBP, GREY"
        );
        assert_eq!(
            reason(&Fake::offering(&[*b"YUYV"]), FormatChoice::Mjpeg),
            "not usable as a camera: it offers YUYV, not the configured format mjpeg"
        );
        assert!(reason(&Fake::offering(&[*b"H264"]), FormatChoice::Mjpeg).contains("only H264"));
        let mut empty = Fake::offering(&[]);
        empty.given.width = 0;
        assert_eq!(reason(&empty, FormatChoice::Auto), "not usable as a camera: it lists no picture formats");
    }

    #[test]
    fn an_error_names_the_multi_planar_formats() {
        let mut driver = Fake::offering(&[*b"YUYV"]);
        driver.planar = vec![*b"NM12", *b"NV12"];
        assert_eq!(
            multi_planar(&driver).to_string(),
            "not usable as a camera: it gives NM12, NV12 by the multi-planar API only, which Pinhole cannot read"
        );
        driver.planar.clear();
        driver.list_error = Errno::IO;
        assert!(multi_planar(&driver).to_string().contains("gives its pictures by"));
    }

    #[test]
    fn another_format_or_size_than_requested_is_accepted_or_an_error() {
        let mut driver = Fake::offering(&[*b"YUYV"]);
        driver.given = Format { fourcc: *b"MJPG", width: 352, height: 288, ..driver.given };
        let given = negotiated(&driver).unwrap();
        assert_eq!((given.encoding, given.given.width), (Encoding::Jpeg, 352));
        driver.given.fourcc = *b"H264";
        let words = negotiated(&driver).unwrap_err().to_string();
        assert!(
            words.contains("asked for YUYV 640x480 at 30 fps, it gives H264, which Pinhole cannot"),
            "{words}"
        );
        for (width, height) in [(0, 480), (640, 0), (u32::MAX, 480), (20_000, 480)] {
            driver.given = Format { fourcc: *b"YUYV", width, height, ..driver.given };
            let words = negotiated(&driver).unwrap_err().to_string();
            assert!(words.contains(&format!("it gives pictures of {width}x{height} pixels")), "{words}");
        }
        driver.set_error = Some(Errno::BUSY);
        assert_eq!(negotiated(&driver).unwrap_err(), Lost::Busy);
    }

    #[test]
    fn an_impossible_rate_is_unknown() {
        let mut driver = Fake::offering(&[*b"YUYV"]);
        for (interval, is_known, fps) in [
            ((1, 25), true, Some(25.0)),
            ((1, 25), false, None),
            ((0, 0), true, None),
            ((1, 0), true, None),
            ((0, 1), true, None),
            ((1, u32::MAX), true, None),
        ] {
            driver.rate = Ok(Rate { interval, is_known });
            assert_eq!(negotiated(&driver).unwrap().fps, fps, "{interval:?}");
        }
        driver.rate = Err(Errno::NOTTY);
        assert_eq!(negotiated(&driver).unwrap().fps, None);
    }

    #[test]
    fn a_stride_that_is_too_small_becomes_the_least_possible() {
        let mut format = Fake::offering(&[*b"YUYV"]).given;
        (format.width, format.height) = (641, 480);
        for (pixels, least) in
            [(PixelFormat::Yuyv, 1284), (PixelFormat::Nv12, 641), (PixelFormat::Rgb24, 1923)]
        {
            for (stride, expected) in [(0, least), (7, least), (2048, 2048)] {
                format.stride = stride;
                assert_eq!(format.row_bytes(pixels), expected, "{pixels} {stride}");
            }
        }
    }

    #[test]
    fn the_range_is_full_unless_the_driver_says_limited() {
        let format = Fake::offering(&[]).given;
        for (quantization, range) in
            [(0, Range::Full), (1, Range::Full), (2, Range::Limited), (77, Range::Full)]
        {
            assert_eq!(Format { quantization, ..format }.range(), range, "{quantization}");
        }
    }
}
