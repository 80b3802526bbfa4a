//! Whole streams through the decoder. `damage` has those that are not whole.

mod damage;

use super::*;
use crate::clips::{self, Scene, Size};
use crate::picture::{Chroma, Plane, Planes};

use damage::assert_no_smear;

const SIZE: Size = (320, 240);

fn units(stream: &[u8], codec: Codec) -> Vec<AccessUnit> {
    let units = clips::units(stream, codec == Codec::H265);
    units
        .into_iter()
        .enumerate()
        .map(|(i, (data, is_key))| AccessUnit {
            is_hidden: false,
            codec,
            data: data.into(),
            arrived: Monotonic::since_zero(Duration::from_millis(1000 + 40 * i as u64)),
            is_key,
            discontinuity: false,
        })
        .collect()
}

/// The samples of a picture in one row: Y, Cb, Cr.
fn samples(planes: &Planes<'_>) -> Vec<u8> {
    let (columns, rows) = planes.chroma.plane_size(planes.width, planes.height);
    let mut samples = Vec::new();
    for (plane, columns, rows) in
        [(planes.y, planes.width, planes.height), (planes.u, columns, rows), (planes.v, columns, rows)]
    {
        let Plane { stride, data } = plane;
        (0..rows).for_each(|row| samples.extend_from_slice(&data[row * stride..][..columns]));
    }
    samples
}

/// The output for a stream: pictures, and the number of damage errors.
#[derive(Default)]
struct Decoded {
    pictures: Vec<Vec<u8>>,
    sizes: Vec<(u32, u32)>,
    captured: Vec<Monotonic>,
    damaged: usize,
    /// Units pushed before the first picture.
    delay: Option<usize>,
}

impl Decoded {
    fn pull(&mut self, decoder: &mut Decoder, memory: &mut Memory) {
        loop {
            match decoder.pull() {
                Ok(Some(picture)) => {
                    self.pictures.push(samples(&picture.planes(memory).unwrap()));
                    self.sizes.push((picture.width(), picture.height()));
                    self.captured.push(picture.captured);
                }
                Ok(None) => return,
                Err(DecodeError::Damaged(_)) => self.damaged += 1,
                Err(error) => panic!("{error}"),
            }
        }
    }
}

fn decode(codec: Codec, units: &[AccessUnit]) -> Decoded {
    let mut decoder = Decoder::new(codec).unwrap();
    let (mut decoded, mut memory) = (Decoded::default(), Memory::default());
    for (i, unit) in units.iter().enumerate() {
        if let Err(error) = decoder.push(unit.clone()) {
            assert!(matches!(error, DecodeError::Damaged(_)), "{error}");
            decoded.damaged += 1;
        }
        decoded.pull(&mut decoder, &mut memory);
        if decoded.delay.is_none() && !decoded.pictures.is_empty() {
            decoded.delay = Some(i);
        }
    }
    decoder.end();
    decoded.pull(&mut decoder, &mut memory);
    decoded
}

/// Asserts that every picture of the scene is there, in order and looking right.
fn assert_shows(decoded: &Decoded, scene: &Scene, what: &str) {
    assert_eq!(decoded.pictures.len(), scene.pictures.len(), "{what}");
    for (i, (picture, original)) in decoded.pictures.iter().zip(&scene.pictures).enumerate() {
        let psnr = clips::psnr(picture, &clips::full_range(original, scene.size));
        assert!(psnr >= 36.0, "{what}: picture {i} has {psnr:.1} dB");
    }
    assert!(decoded.captured.is_sorted(), "{what}");
    assert_eq!(decoded.damaged, 0, "{what}");
}

#[test]
fn every_kind_of_stream_is_in_order_and_without_needless_delay() {
    if !clips::available("decoding") {
        return;
    }
    let scene = Scene::new(SIZE, 60);
    let (h264, h265) = (clips::h264, clips::h265);
    for (codec, options, delay) in [
        (Codec::H264, h264("bframes=0") + " -profile:v baseline", 0),
        (Codec::H264, h264("bframes=3:b-adapt=0:cabac=1"), 2),
        (Codec::H264, h264("bframes=0:slices=4"), 0),
        (Codec::H264, h264("bframes=0:8x8dct=1") + " -profile:v high", 0),
        (Codec::H265, h265("bframes=0"), 0),
        (Codec::H265, h265("bframes=3:b-adapt=0"), 2),
        (Codec::H265, h265("bframes=0:wpp=1:slices=4"), 0),
        (Codec::H265, h265("bframes=0").replace("yuv420p", "yuv420p10le"), 0),
    ] {
        let stream = clips::encode(SIZE, 60, &options);
        let decoded = decode(codec, &units(&stream, codec));
        assert_shows(&decoded, &scene, &options);
        assert_eq!(decoded.delay, Some(delay), "{options}");
    }
}

#[test]
fn cropped_sizes() {
    if !clips::available("decoding") {
        return;
    }
    for size in [(322, 242), (318, 186), (98, 50)] {
        let scene = Scene::new(size, 5);
        for (codec, options) in
            [(Codec::H264, clips::h264("bframes=0")), (Codec::H265, clips::h265("bframes=0"))]
        {
            let decoded = decode(codec, &units(&clips::encode(size, 5, &options), codec));
            assert_shows(&decoded, &scene, &format!("{size:?} {options}"));
        }
    }
}

#[test]
fn full_range_and_more_chroma_are_kept() {
    if !clips::available("decoding") {
        return;
    }
    for (form, chroma) in
        [("yuvj420p", Chroma::Yuv420), ("yuvj422p", Chroma::Yuv422), ("yuvj444p", Chroma::Yuv444)]
    {
        let options =
            clips::h264("bframes=0").replace("-pix_fmt yuv420p", &format!("-pix_fmt {form} -color_range pc"));
        let stream = clips::encode(SIZE, 1, &options);
        let raw = clips::encode(SIZE, 1, &format!("-pix_fmt {form} -f rawvideo"));
        let mut decoder = Decoder::new(Codec::H264).unwrap();
        decoder.push(units(&stream, Codec::H264).remove(0)).unwrap();
        let picture = decoder.pull().unwrap().unwrap();
        let mut memory = Memory::default();
        let planes = picture.planes(&mut memory).unwrap();
        assert_eq!(planes.chroma, chroma, "{form}");
        let psnr = clips::psnr(&samples(&planes), &raw);
        assert!(psnr >= 36.0, "{form}: {psnr:.1} dB");
        drop(memory);
    }
}

/// Bars of strong colours look the same in either matrix.
#[test]
fn colours_match_the_scene_in_either_matrix() {
    if !clips::available("decoding") {
        return;
    }
    let pixels = |matrix: &str, (width, height): Size, is_said: bool| {
        let source = format!("smptebars=size={width}x{height}:rate=25");
        let scale = format!("scale=out_color_matrix={matrix}:out_range=tv,format=yuv420p");
        let mut arguments = vec!["-f", "lavfi", "-i", &source, "-frames:v", "1", "-vf", &scale];
        let said =
            format!("aud=1:bframes=0:colormatrix={}", if matrix == "bt709" { "bt709" } else { "smpte170m" });
        arguments.extend(["-c:v", "libx264", "-crf", "4", "-f", "h264"]);
        arguments.extend(["-x264-params", if is_said { &*said } else { "aud=1:bframes=0" }, "-"]);
        let stream = clips::ffmpeg(&arguments);
        let mut decoder = Decoder::new(Codec::H264).unwrap();
        decoder.push(units(&stream, Codec::H264).remove(0)).unwrap();
        let (picture, mut memory) = (decoder.pull().unwrap().unwrap(), Memory::default());
        samples(&picture.planes(&mut memory).unwrap())
    };
    let (small, hd) = ((640, 360), (1280, 720));
    let psnr = clips::psnr(&pixels("bt709", small, true), &pixels("bt601", small, true));
    assert!(psnr >= 40.0, "{psnr:.1} dB");
    let psnr = clips::psnr(&pixels("bt709", hd, false), &pixels("bt601", hd, true));
    assert!(psnr >= 40.0, "{psnr:.1} dB where HD says nothing");
    let psnr = clips::psnr(&pixels("bt601", small, false), &pixels("bt601", small, true));
    assert!(psnr >= 60.0, "{psnr:.1} dB where a small picture says nothing");
    let psnr = clips::psnr(&pixels("bt709", small, false), &pixels("bt601", small, true));
    assert!(psnr < 36.0, "{psnr:.1} dB: the matrix makes a difference");
}

#[test]
fn grey_stays_grey() {
    if !clips::available("decoding") {
        return;
    }
    let options = clips::h265("bframes=0").replace("-pix_fmt yuv420p", "-pix_fmt gray");
    let mut decoder = Decoder::new(Codec::H265).unwrap();
    decoder.push(units(&clips::encode(SIZE, 1, &options), Codec::H265).remove(0)).unwrap();
    let (picture, mut memory) = (decoder.pull().unwrap().unwrap(), Memory::default());
    assert_eq!(picture.planes(&mut memory).unwrap().chroma, Chroma::Grey);
}

#[test]
fn the_size_may_change_midstream() {
    if !clips::available("decoding") {
        return;
    }
    for (codec, options) in [(Codec::H264, clips::h264("bframes=2")), (Codec::H265, clips::h265("bframes=2"))]
    {
        let mut both = units(&clips::encode(SIZE, 10, &options), codec);
        both.extend(units(&clips::encode((640, 360), 10, &options), codec));
        let decoded = decode(codec, &both);
        let sizes: Vec<_> = [vec![(320, 240); 10], vec![(640, 360); 10]].concat();
        assert_eq!(decoded.sizes, sizes, "{codec:?}");
        assert_eq!(decoded.damaged, 0, "{codec:?}");
    }
}

#[test]
fn unreferenced_pictures_can_be_skipped() {
    if !clips::available("decoding") {
        return;
    }
    let scene = Scene::new(SIZE, 25);
    for (codec, options) in [
        (Codec::H264, clips::h264("bframes=3:b-adapt=0:b-pyramid=0")),
        (Codec::H265, clips::h265("bframes=3:b-adapt=0:b-pyramid=0")),
    ] {
        let stream = units(&clips::encode(SIZE, 25, &options), codec);
        let mut decoder = Decoder::new(codec).unwrap();
        decoder.skip_non_reference(true);
        let (mut decoded, mut memory) = (Decoded::default(), Memory::default());
        for unit in &stream {
            decoder.push(unit.clone()).unwrap();
            decoded.pull(&mut decoder, &mut memory);
        }
        decoder.end();
        decoded.pull(&mut decoder, &mut memory);
        assert!((6..=9).contains(&decoded.pictures.len()), "{codec:?}: {}", decoded.pictures.len());
        assert_eq!(decoded.damaged, 0);
        assert_no_smear(&decoded, &scene, &options);
    }
}

#[test]
fn supplemental_information_is_cut_out() {
    let nal = |kind: u8, content: &[u8]| [&[0, 0, 0, 1, kind << 1, 1], content].concat();
    let [sei, slice, suffix] = [nal(39, b"sei"), nal(19, b"slice"), nal(40, b"suffix")];
    let cut = |parts: &[&[u8]]| {
        let mut unit = UnitBytes::from(parts.concat());
        remove_sei(&mut unit);
        unit.to_vec()
    };
    assert_eq!(cut(&[&slice]), slice);
    assert_eq!(cut(&[&sei, &sei, &slice, &suffix]), [&[0][..], &slice[1..], &[0]].concat());
    assert_eq!(cut(&[&slice, &sei, &slice]), [&slice[..], &[0], &slice[1..]].concat());
    assert_eq!(cut(&[&sei]), [0]);
    assert!(cut(&[]).is_empty());
}
