//! Files that are to be shown in another shape than they are coded in.

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;

use super::*;
use crate::clips::Scene;

const SIZE: (usize, usize) = (160, 120);

/// The first picture that a file shows: its sides and its brightness.
fn first(path: &Path) -> ((usize, usize), Vec<u8>) {
    let mut seen = None;
    play(path, &Picture::default(), async |to| {
        let frame = to.watch().next().await;
        let opened = to.report_now().opened.unwrap();
        assert_eq!((opened.width, opened.height), (frame.width, frame.height), "health says what is shown");
        let rgb = JpegDecoder::new(ZCursor::new(&frame.jpeg[..])).decode().unwrap();
        let (pixels, _) = rgb.as_chunks::<3>();
        let luma = |[r, g, b]: &[u8; 3]| {
            (0.299 * f64::from(*r) + 0.587 * f64::from(*g) + 0.114 * f64::from(*b)).round() as u8
        };
        seen = Some(((frame.width as usize, frame.height as usize), pixels.iter().map(luma).collect()));
    })
    .unwrap();
    seen.unwrap()
}

/// Puts a display matrix into an MP4's track header (ISO/IEC 14496-12, 8.3.2).
fn set_matrix(path: &Path, [a, b, c, d]: [i32; 4]) {
    let mut file = std::fs::read(path).unwrap();
    let header = file.windows(4).position(|name| name == b"tkhd").unwrap();
    let matrix = [a, b, 0, c, d, 0, 0, 0, 1 << 30];
    for (i, word) in matrix.iter().enumerate() {
        file[header + 44 + 4 * i..][..4].copy_from_slice(&word.to_be_bytes());
    }
    std::fs::write(path, file).unwrap();
}

const ONE: i32 = 1 << 16;

/// Maps x, y of the shown picture to the coded one.
type From = fn(usize, usize) -> (usize, usize);

#[test]
fn a_rotated_video_is_shown_upright() {
    if !clips::available("files") {
        return;
    }
    let folder = Folder::new("turned");
    let scene = Scene::new(SIZE, 1);
    let upright = clips::full_range(&scene.pictures[0], SIZE);
    let sample = |x: usize, y: usize| upright[y * SIZE.0 + x];
    let cases: [([i32; 4], (usize, usize), From); 5] = [
        ([ONE, 0, 0, ONE], (160, 120), |x, y| (x, y)),
        ([0, ONE, -ONE, 0], (120, 160), |x, y| (y, 119 - x)),
        ([-ONE, 0, 0, -ONE], (160, 120), |x, y| (159 - x, 119 - y)),
        ([0, -ONE, ONE, 0], (120, 160), |x, y| (159 - y, x)),
        ([-ONE, 0, 0, ONE], (160, 120), |x, y| (159 - x, y)),
    ];
    for (codec, name) in [
        ("-c:v libx264 -crf 5 -x264-params bframes=0", "a.mp4"),
        ("-c:v libx265 -crf 5 -x265-params log-level=none:bframes=0", "b.mp4"),
    ] {
        let path = clip(&folder, name, &format!("{codec} -pix_fmt yuv420p"));
        for (matrix, expected, from) in cases {
            set_matrix(&path, matrix);
            let (size, luma) = first(&path);
            assert_eq!(size, expected, "{name} {matrix:?}");
            let right: Vec<u8> = (0..size.1)
                .flat_map(|y| (0..size.0).map(move |x| from(x, y)))
                .map(|(x, y)| sample(x, y))
                .collect();
            let psnr = clips::psnr(&luma, &right);
            assert!(psnr > 28.0, "{name} {matrix:?}: {psnr:.1} dB");
        }
    }
}

#[test]
fn pixels_that_are_not_square() {
    if !clips::available("files") {
        return;
    }
    let folder = Folder::new("oblong");
    let h264 = "-c:v libx264 -pix_fmt yuv420p -x264-params bframes=0";
    for name in ["a.mp4", "b.mkv", "c.h264"] {
        let path = clip(&folder, name, &format!("-vf setsar=4/3 {h264}"));
        assert_eq!(first(&path).0, (214, 120), "{name}");
    }
    // The container overrides the parameter sets.
    let path = clip(&folder, "d.mp4", &format!("-vf setsar=4/3 {h264}"));
    let mut file = std::fs::read(&path).unwrap();
    let pixels = file.windows(4).position(|name| name == b"pasp").unwrap();
    file[pixels + 4..pixels + 12].copy_from_slice(&[0, 0, 0, 1, 0, 0, 0, 2]);
    std::fs::write(&path, file).unwrap();
    assert_eq!(first(&path).0, (160, 240));
    // Rotated as well.
    set_matrix(&path, [0, ONE, -ONE, 0]);
    assert_eq!(first(&path).0, (240, 160));
}
