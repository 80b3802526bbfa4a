//! Pictures and settings that the encoder refuses, and the error for each.

use super::*;

#[test]
fn truncated_pictures_are_refused_with_the_bytes_they_lack() {
    let mut out = BufferPool::default().take();
    for format in PixelFormat::ALL {
        for (width, height) in [(16, 8), (7, 5)] {
            let stride = stride_of(format, width);
            let data = Scene::new(width, height).bytes(format, stride);
            let mut encoder = JpegEncoder::new(QUALITY, Chroma::Yuv420).unwrap();
            let mut need_seen = 0;
            for have in 0..=data.len() {
                let picture = RawPicture { format, width, height, stride, data: &data[..have] };
                match encoder.encode(&picture, &mut out) {
                    Ok(()) => {
                        assert!(have >= need_seen && !out.is_empty(), "{format}: {have} bytes accepted");
                    }
                    Err(EncodeError::Short { have: told, need, .. }) => {
                        assert!(
                            told == have && have < need && need <= data.len(),
                            "{format}: {have}, {need}"
                        );
                        assert!(out.is_empty());
                        need_seen = need;
                    }
                    Err(other) => panic!("{format}: {other}"),
                }
            }
            // Only the padding of the last row may be absent.
            assert!(data.len() - need_seen < stride, "{format}: {need_seen} of {} needed", data.len());
        }
    }
}

#[test]
fn nonsense_sides_and_strides_are_refused() {
    let data = vec![0; 4096];
    let mut out = BufferPool::default().take();
    let mut encoder = JpegEncoder::new(QUALITY, Chroma::Yuv420).unwrap();
    let beyond = limits::PICTURE_SIDE_MAX_PIXELS + 1;
    for format in PixelFormat::ALL {
        for (width, height) in [(0, 1), (1, 0), (0, 0), (beyond, 1), (1, beyond), (usize::MAX, usize::MAX)] {
            let picture = RawPicture { format, width, height, stride: 64, data: &data };
            assert_eq!(encoder.encode(&picture, &mut out), Err(EncodeError::Sides { width, height }));
        }
        let (width, height) = (8001, 8000);
        let picture = RawPicture { format, width, height, stride: 1 << 16, data: &data };
        assert_eq!(encoder.encode(&picture, &mut out), Err(EncodeError::Pixels { width, height }));
        for stride in [0, 1, 15, usize::MAX, usize::MAX / 2, 1 << 31, 1 << 40] {
            for height in [1, 2, 3] {
                let picture = RawPicture { format, width: 16, height, stride, data: &data };
                let result = encoder.encode(&picture, &mut out);
                assert!(matches!(result, Err(EncodeError::Stride { .. })), "{format} {stride}: {result:?}");
            }
        }
        // The largest stride that the library can count, with too few rows to show in the length.
        let picture = RawPicture { format, width: 16, height: 1, stride: (1 << 31) - 2, data: &data };
        let _ = encoder.encode(&picture, &mut out);
    }
}

#[test]
fn nonsense_planes_are_refused() {
    let samples = [128; 64];
    let plane = |stride, len: usize| Plane { stride, data: &samples[..len] };
    let good = Planes {
        width: 8,
        height: 8,
        chroma: Chroma::Yuv420,
        y: plane(8, 64),
        u: plane(4, 16),
        v: plane(4, 16),
    };
    let mut out = BufferPool::default().take();
    let mut encoder = JpegEncoder::new(QUALITY, Chroma::Yuv420).unwrap();
    let mut error = |planes: Planes<'_>| encoder.encode_planes(&planes, &mut out).unwrap_err().to_string();
    assert_eq!(
        error(Planes { v: plane(4, 15), ..good }),
        "cr plane of a picture of 8x8 pixels too short: 15 bytes, need 16"
    );
    assert_eq!(
        error(Planes { u: plane(3, 64), ..good }),
        "cb plane 8 pixels wide: stride of 3 bytes for rows of 4 bytes"
    );
    assert_eq!(
        error(Planes { chroma: Chroma::Yuv422, ..good }),
        "cb plane of a picture of 8x8 pixels too short: 16 bytes, need 32"
    );
    assert_eq!(error(Planes { width: 0, ..good }), "picture of 0x8 pixels: sides must be within 1 to 16384");
}

#[test]
fn settings_are_checked() {
    assert_eq!(JpegEncoder::new(0, Chroma::Yuv420).unwrap_err(), EncodeError::Quality(0));
    assert_eq!(JpegEncoder::new(101, Chroma::Yuv420).unwrap_err(), EncodeError::Quality(101));
    assert_eq!(JpegEncoder::new(80, Chroma::Grey).unwrap_err(), EncodeError::Chroma);
}
