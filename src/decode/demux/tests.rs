//! Containers, and files with false contents.

use super::*;
use crate::clips::{self, Folder, Scene};
use crate::clock::Monotonic;
use crate::decode::{Decoder, Memory};
use crate::video::AccessUnit;

fn read(folder: &Folder, name: &str, fps: Option<u32>) -> Result<(Demuxer, Vec<CodedPicture>), String> {
    let file = File::open(folder.file(name)).unwrap();
    let mut demuxer = Demuxer::open(file, name, fps, || false)?;
    let pictures = demuxer.by_ref().collect();
    Ok((demuxer, pictures))
}

fn codec_of(picture: &CodedPicture) -> Option<Codec> {
    match picture.data {
        Coded::Video(codec, _) => Some(codec),
        Coded::Jpeg(_) => None,
    }
}

#[test]
fn every_container_at_its_rate() {
    if !clips::available("files") {
        return;
    }
    let folder = Folder::new("demux");
    let h264 = "-r 20 -c:v libx264 -pix_fmt yuv420p -x264-params keyint=10:scenecut=0:bframes=2";
    let h265 =
        "-r 20 -c:v libx265 -pix_fmt yuv420p -x265-params log-level=none:keyint=10:scenecut=0:bframes=2";
    let mjpeg = "-r 20 -c:v mjpeg -pix_fmt yuvj420p";
    for (name, options, codec, fps) in [
        ("a.mp4", h264, Some(Codec::H264), 20),
        ("b.mkv", h264, Some(Codec::H264), 20),
        ("c.avi", h264, Some(Codec::H264), 20),
        ("d.h264", h264, Some(Codec::H264), 20),
        ("e.mp4", h265, Some(Codec::H265), 20),
        ("f.mkv", h265, Some(Codec::H265), 20),
        ("g.h265", h265, Some(Codec::H265), 20),
        ("h.avi", mjpeg, None, 20),
        ("i.mkv", mjpeg, None, 20),
        ("j.mp4", mjpeg, None, 20),
        // It states no rate.
        ("k.mjpeg", mjpeg, None, 25),
    ] {
        clips::encode_to(&folder.file(name), (160, 120), 25, options);
        let (_, pictures) = read(&folder, name, None).unwrap();
        assert!(pictures.iter().all(|picture| codec_of(picture) == codec), "{name}");
        assert_eq!(pictures.len(), 25, "{name}");
        assert!(pictures[0].is_key && pictures.is_sorted_by_key(|picture| picture.due), "{name}");
        let interval = Duration::from_secs(1) / fps;
        for (i, picture) in pictures.iter().enumerate() {
            let off = picture.due.abs_diff(interval * i as u32);
            assert!(off < Duration::from_millis(2), "{name}: {i} is due at {:?}", picture.due);
        }
        let keys = pictures.iter().filter(|picture| picture.is_key).count();
        assert_eq!(keys, if codec.is_none() { 25 } else { 3 }, "{name}");
    }
    assert_eq!(read(&folder, "k.mjpeg", Some(5)).unwrap().0.interval(), Duration::from_millis(200));
}

#[test]
fn hostile_files_end_or_are_refused() {
    if !clips::available("files") {
        return;
    }
    let folder = Folder::new("hostile");
    let options = "-c:v libx264 -pix_fmt yuv420p -movflags +faststart";
    clips::encode_to(&folder.file("good.mp4"), (160, 120), 25, options);
    clips::encode_to(&folder.file("sound.mp4"), (160, 120), 25, "-c:v mpeg4");
    let good = std::fs::read(folder.file("good.mp4")).unwrap();
    let refused = |bytes: &[u8]| {
        std::fs::write(folder.file("bad.mp4"), bytes).unwrap();
        read(&folder, "bad.mp4", None).map(|(_, pictures)| pictures.len())
    };
    assert_eq!(refused(&good), Ok(25));
    assert!(refused(&good[..good.len() / 2]).is_ok_and(|pictures| (1..25).contains(&pictures)));
    assert!(refused(&[]).is_err());
    assert!(refused(b"just text, nothing else").unwrap_err().contains("format is not known"));
    assert!(refused(&good[..40]).is_err());
    assert_eq!(read(&folder, "sound.mp4", None).map(|_| ()), Err("its video is mpeg4".to_owned()));
    // Corrupt one byte after another: parsing always ends.
    for at in (0..good.len()).step_by(61) {
        let mut bad = good.clone();
        bad[at] ^= 0xff;
        let _ = refused(&bad);
    }
}

/// A film that starts within a group of pictures: those before the cut are decoded, and not shown.
#[test]
fn pictures_before_the_cut_are_not_shown() {
    if !clips::available("files") {
        return;
    }
    let folder = Folder::new("cut");
    let whole = folder.file("whole.mp4");
    let size = (160, 120);
    let options = "-c:v libx264 -pix_fmt yuv420p -crf 5 -x264-params keyint=25:scenecut=0:bframes=2";
    clips::encode_to(&whole, size, 50, options);
    // From picture 30 on, the sixth after a key picture.
    let cut = folder.file("cut.mp4");
    let (whole, cut) = (whole.to_str().unwrap(), cut.to_str().unwrap());
    clips::ffmpeg(&["-ss", "1.2", "-i", whole, "-c", "copy", cut]);
    let (demuxer, pictures) = read(&folder, "cut.mp4", None).unwrap();
    let hidden = pictures.iter().filter(|picture| picture.is_hidden).count();
    assert_eq!((pictures.len(), hidden), (25, 5));
    assert!(pictures.is_sorted_by_key(|picture| picture.due));
    let first = pictures.iter().find(|picture| !picture.is_hidden).unwrap().due;
    let shown = pictures.last().unwrap().due.abs_diff(first);
    assert!(shown > demuxer.interval() * 17, "those that are shown keep their rate: {shown:?}");

    let mut decoder = Decoder::new(Codec::H264).unwrap();
    let (mut memory, mut lumas) = (Memory::default(), Vec::new());
    let mut pull = |decoder: &mut Decoder| {
        while let Some(picture) = decoder.pull().unwrap() {
            let planes = picture.planes(&mut memory).unwrap();
            let rows = planes.y.data.chunks(planes.y.stride);
            lumas.push(rows.flat_map(|row| row[..160].to_vec()).collect::<Vec<u8>>());
        }
    };
    for picture in pictures {
        let CodedPicture { data: Coded::Video(_, data), is_key, is_hidden, due } = picture else {
            panic!("no video")
        };
        let unit = AccessUnit {
            is_hidden,
            codec: Codec::H264,
            data,
            arrived: Monotonic::since_zero(due),
            is_key,
            discontinuity: false,
        };
        decoder.push(unit).unwrap();
        pull(&mut decoder);
    }
    decoder.end();
    pull(&mut decoder);
    assert_eq!(lumas.len(), 20);
    let scene = Scene::new(size, 50);
    let psnr = |number: usize| {
        clips::psnr(&lumas[0], &clips::full_range(&scene.pictures[number], size)[..160 * 120])
    };
    let nearest = (0..50).max_by(|one, other| psnr(*one).total_cmp(&psnr(*other))).unwrap();
    assert_eq!(nearest, 30);
}
