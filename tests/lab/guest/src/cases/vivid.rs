//! Raw formats: viewers get the picture that the sensor saw.

use std::collections::HashMap;

use crate::picture::{self, Planes};
use crate::service::Pinhole;
use crate::{Case, Outcome, Trouble, ensure, v4l2};

/// The raw formats that the service encodes: V4L2's code and the name on the command line.
const FORMATS: [(&str, &str); 14] = [
    ("YUYV", "yuyv"),
    ("UYVY", "uyvy"),
    ("YVYU", "yvyu"),
    ("VYUY", "vyuy"),
    ("NV12", "nv12"),
    ("NV21", "nv21"),
    ("NV16", "nv16"),
    ("YU12", "yu12"),
    ("YV12", "yv12"),
    ("422P", "422p"),
    ("RGB3", "rgb24"),
    ("BGR3", "bgr24"),
    ("RGBP", "rgb565"),
    ("GREY", "grey"),
];
/// Formats for which the driver declares limited range.
const LIMITED: [(&str, &str); 2] = [("YUYV", "yuyv"), ("NV12", "nv12")];
/// One that is turned as planes, and one that is turned as the JPEG that it becomes.
const TURNED: [(&str, &str); 2] = [("YUYV", "yuyv"), ("RGB3", "rgb24")];
/// vivid's test pattern with black and white as they are at 100 %.
const FULL_COLOURBARS: i64 = 1;
/// `V4L2_QUANTIZATION_LIM_RANGE`.
const LIMITED_RANGE: i64 = 2;
const SIZE: (usize, usize) = (640, 480);
const FRAMES: usize = 100;
/// Colour bars at quality 90 reach 38 dB in chroma, which a decoder smooths across their edges, and 100 in
/// luma; swapped chroma yields 10.
const PSNR_MIN_DB: f64 = 35.0;

/// A case for each format.
pub fn cases() -> Vec<Case> {
    let case = |(fourcc, name)| {
        Case::new(format!("vivid {fourcc}: 100 frames like the raw picture"), move || raw(fourcc, name))
    };
    let limited = |(fourcc, name)| {
        let title = format!("vivid {fourcc} of limited range: black is black, white is white");
        Case::new(title, move || limited_range(fourcc, name))
    };
    let turned = |(fourcc, name)| {
        Case::new(format!("vivid {fourcc}: turned by 90 degrees"), move || turned(fourcc, name))
    };
    let of_range = LIMITED.into_iter().map(limited);
    FORMATS.into_iter().map(case).chain(of_range).chain(TURNED.into_iter().map(turned)).collect()
}

fn raw(fourcc: &str, name: &str) -> Outcome {
    if !v4l2::formats(v4l2::VIVID)?.iter().any(|offered| offered == fourcc) {
        return Err(Trouble::Skipped("this kernel's vivid does not offer it".into()));
    }
    v4l2::freeze_vivid()?;
    let captured = v4l2::capture(v4l2::VIVID, fourcc, SIZE, 1)?;
    let reference = picture::from_raw(fourcc, SIZE.0, SIZE.1, &captured)
        .ok_or_else(|| format!("a raw picture of {} bytes", captured.len()))?;
    let size = format!("{}x{}", SIZE.0, SIZE.1);
    let service =
        Pinhole::serve(&["--format", name, "--size", &size, "--fps", "30", "--quality", "90", v4l2::VIVID])?;
    let mut viewer = service.view("/stream")?;
    // The picture is static, so most frames are equal, and equal ones need one comparison.
    let mut seen = HashMap::new();
    for _ in 0..FRAMES {
        *seen.entry(viewer.next()?).or_insert(0) += 1;
    }
    for jpeg in seen.keys() {
        compare(&reference, jpeg)?;
    }
    let camera = service.camera()?;
    ensure!(camera["format"] == fourcc, "/health has format {}, not {fourcc}", camera["format"]);
    ensure!(camera["frames_bad_total"] == 0, "/health counts bad frames: {camera}");
    Ok(())
}

fn turned(fourcc: &str, name: &str) -> Outcome {
    v4l2::freeze_vivid()?;
    let captured = v4l2::capture(v4l2::VIVID, fourcc, SIZE, 1)?;
    let Planes { width, height, pixels } = picture::from_raw(fourcc, SIZE.0, SIZE.1, &captured)
        .ok_or_else(|| format!("a raw picture of {} bytes", captured.len()))?;
    // The left column, from its bottom, is the first row.
    let columns = (0..width).flat_map(|x| (0..height).rev().map(move |y| y * width + x));
    let pixels = columns.map(|at| pixels[at]).collect();
    let reference = Planes { width: height, height: width, pixels };
    let size = format!("{}x{}", SIZE.0, SIZE.1);
    let service = Pinhole::serve(&[
        "--format",
        name,
        "--size",
        &size,
        "--quality",
        "90",
        "--rotate",
        "90",
        v4l2::VIVID,
    ])?;
    compare(&reference, &service.view("/stream")?.next()?)?;
    let camera = service.camera()?;
    ensure!(camera["width"] == SIZE.1 && camera["height"] == SIZE.0, "/health has another size: {camera}");
    Ok(())
}

/// vivid's control of that name sets what it draws, and what it says in its format.
fn limited_range(fourcc: &str, name: &str) -> Outcome {
    v4l2::freeze_vivid()?;
    v4l2::set_control("test_pattern", FULL_COLOURBARS)?;
    v4l2::set_control("quantization", LIMITED_RANGE)?;
    let outcome = stretched(fourcc, name);
    v4l2::set_control("quantization", 0)?;
    v4l2::freeze_vivid()?;
    outcome
}

fn stretched(fourcc: &str, name: &str) -> Outcome {
    let captured = v4l2::capture(v4l2::VIVID, fourcc, SIZE, 1)?;
    let mut reference = picture::from_raw(fourcc, SIZE.0, SIZE.1, &captured)
        .ok_or_else(|| format!("a raw picture of {} bytes", captured.len()))?;
    let luma = || reference.pixels.iter().map(|[luma, ..]| *luma);
    let drawn = (luma().min(), luma().max());
    // Its white is rounded down.
    ensure!(
        drawn == (Some(16), Some(234)) || drawn == (Some(16), Some(235)),
        "vivid draws luma of {drawn:?}"
    );
    for [y, u, v] in &mut reference.pixels {
        *y = ((f64::from(*y) - 16.0) * 255.0 / 219.0).round() as u8;
        for chroma in [u, v] {
            *chroma = ((f64::from(*chroma) - 128.0) * 255.0 / 224.0 + 128.0).round() as u8;
        }
    }
    let size = format!("{}x{}", SIZE.0, SIZE.1);
    let service = Pinhole::serve(&["--format", name, "--size", &size, "--quality", "90", v4l2::VIVID])?;
    let jpeg = service.view("/stream")?.next()?;
    compare(&reference, &jpeg)
}

fn compare(reference: &Planes, jpeg: &[u8]) -> Outcome {
    let likeness = picture::likeness(reference, &picture::decode(jpeg)?)?;
    let alike = likeness.iter().all(|component| *component >= PSNR_MIN_DB);
    ensure!(alike, "unlike the raw picture: PSNR of Y, Cb, Cr is {likeness:.1?} dB");
    Ok(())
}
