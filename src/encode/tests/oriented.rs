//! Pictures that are turned and cropped while they are encoded.

use super::{QUALITY, decode, encode, psnr, scene};
use crate::encode::JpegEncoder;
use crate::encode::alter::AlterError;
use crate::frame::{BufferPool, FrameBuffer};
use crate::picture::orientation::{Crop, Mirror, Orientation, Rotation};
use crate::picture::{Chroma, PixelFormat, RawPicture};
use scene::{Scene, stride_of};

/// As good as the picture that is not turned: both go through the encoder once.
const SAME_MIN_DB: f64 = 32.0;
const SIZE: (usize, usize) = (160, 96);

fn oriented(
    format: PixelFormat,
    orientation: &Orientation,
) -> Result<(FrameBuffer, (usize, usize)), AlterError> {
    let (width, height) = SIZE;
    let stride = stride_of(format, width);
    let data = Scene::new(width, height).bytes(format, stride);
    let mut out = BufferPool::default().take();
    let mut encoder = JpegEncoder::new(QUALITY, Chroma::Yuv420).unwrap();
    let picture = RawPicture { format, width, height, stride, data: &data };
    let size = encoder.encode_oriented(&picture, orientation, &mut out)?;
    Ok((out, size))
}

#[test]
fn every_format_is_turned_and_cropped() {
    let crop = Crop { x: 16, y: 32, width: 64, height: 80 };
    let orientation =
        Orientation { rotate: Rotation::Quarter, mirror: Some(Mirror::Vertical), crop: Some(crop) };
    for format in PixelFormat::ALL.into_iter().filter(|format| *format != PixelFormat::Grey) {
        let (jpeg, size) = oriented(format, &orientation).unwrap();
        assert_eq!(size, (64, 80), "{format}");
        let (turned, whole) = (decode(&jpeg), decode(&encode(format, Chroma::Yuv420, SIZE.0, SIZE.1)));
        assert_eq!((turned.width, turned.height), size, "{format}");
        // A quarter turn and a vertical mirror: rows and columns exchanged, and both from their ends.
        let before = |x: usize, y: usize| (SIZE.0 - 1 - (y + crop.y), SIZE.1 - 1 - (x + crop.x));
        let places = (0..80).flat_map(|y| (0..64).map(move |x| (x, y)));
        let expected: Vec<f64> =
            places.map(|(x, y)| before(x, y)).map(|(x, y)| whole.ycbcr[y * SIZE.0 + x][0]).collect();
        let psnr = psnr(&expected, &turned.component(0, (1, 1)));
        assert!(psnr >= SAME_MIN_DB, "{format}: {psnr:.1} dB");
    }
}

#[test]
fn without_an_orientation_it_is_the_same_jpeg() {
    for format in [PixelFormat::Yuyv, PixelFormat::Nv12, PixelFormat::Rgb24, PixelFormat::Grey] {
        let (jpeg, size) = oriented(format, &Orientation::NONE).unwrap();
        assert_eq!(size, SIZE);
        assert_eq!(*jpeg, *encode(format, Chroma::Yuv420, SIZE.0, SIZE.1), "{format}");
    }
}

#[test]
fn a_crop_outside_of_the_picture_is_the_fault_of_the_setting() {
    let crop = Some(Crop { x: 100, y: 0, width: 64, height: 64 });
    for format in [PixelFormat::Yuyv, PixelFormat::Rgb24] {
        let error = oriented(format, &Orientation { crop, ..Orientation::NONE }).unwrap_err();
        assert!(error.concerns_setting());
        assert_eq!(error.to_string(), "crop 100,0,64,64 lies outside of the camera's 160x96 pixels");
    }
}
