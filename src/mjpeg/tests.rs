//! Whole, padded, truncated, stripped and garbled pictures.

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;

use super::*;
use crate::encode::JpegEncoder;
use crate::frame::BufferPool;
use crate::picture::{Chroma, PixelFormat, RawPicture};

const WIDTH: usize = 48;
const HEIGHT: usize = 40;

/// A noisy colour picture: its scan uses every table.
fn jpeg() -> Vec<u8> {
    let mut noise = Noise(7);
    let data: Vec<u8> = (0..3 * WIDTH * HEIGHT).map(|i| (i / 24) as u8 ^ (noise.next() as u8 & 63)).collect();
    let picture = RawPicture {
        format: PixelFormat::Rgb24,
        width: WIDTH,
        height: HEIGHT,
        stride: 3 * WIDTH,
        data: &data,
    };
    let mut out = BufferPool::default().take();
    JpegEncoder::new(80, Chroma::Yuv420).unwrap().encode(&picture, &mut out).unwrap();
    out.to_vec()
}

/// xorshift64 (Marsaglia, 2003).
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}

/// The segments from SOI to SOS, as marker and range. Independent of the code under test.
fn segments(jpeg: &[u8]) -> Vec<(u8, std::ops::Range<usize>)> {
    let (mut segments, mut at) = (Vec::new(), 2);
    loop {
        let end = at + 2 + usize::from(jpeg[at + 2]) * 256 + usize::from(jpeg[at + 3]);
        segments.push((jpeg[at + 1], at..end));
        if jpeg[at + 1] == 0xda {
            return segments;
        }
        at = end;
    }
}

fn offset_of(jpeg: &[u8], marker: u8) -> usize {
    segments(jpeg).into_iter().find(|segment| segment.0 == marker).unwrap().1.start
}

/// The JPEG without the DHT segments whose class and destination are in `remove`.
fn without_tables(jpeg: &[u8], remove: &[u8]) -> Vec<u8> {
    let mut stripped = jpeg[..2].to_vec();
    let mut end = 2;
    for (marker, range) in segments(jpeg) {
        end = range.end;
        if marker != 0xc4 || !remove.contains(&jpeg[range.start + 4]) {
            stripped.extend_from_slice(&jpeg[range]);
        }
    }
    stripped.extend_from_slice(&jpeg[end..]);
    stripped
}

fn inserted(jpeg: &[u8], offset: usize, bytes: &[u8]) -> Vec<u8> {
    [&jpeg[..offset], bytes, &jpeg[offset..]].concat()
}

fn mended(data: &[u8]) -> Result<Vec<u8>, Damaged> {
    let mut out = BufferPool::default().take();
    let result = mend(data, &mut out);
    assert_eq!(result.is_err(), out.is_empty());
    assert_eq!(
        result.as_ref().ok().map(|info| (info.width, info.height)),
        result.as_ref().ok().and(read_size(data))
    );
    result.map(|_| out.to_vec())
}

fn pixels(jpeg: &[u8]) -> Vec<u8> {
    JpegDecoder::new(ZCursor::new(jpeg)).decode().unwrap()
}

#[test]
fn a_whole_picture_stays_as_it_is() {
    let jpeg = jpeg();
    let mut out = BufferPool::default().take();
    let info = mend(&jpeg, &mut out).unwrap();
    assert_eq!((info.width as usize, info.height as usize), (WIDTH, HEIGHT));
    assert_eq!(*out, *jpeg);
}

#[test]
fn every_prefix_is_refused() {
    let jpeg = jpeg();
    for cut in 0..jpeg.len() {
        assert!(mended(&jpeg[..cut]).is_err(), "the first {cut} of {} bytes", jpeg.len());
    }
    let cut = jpeg.len() - 1;
    assert_eq!(mended(&jpeg[..cut]).unwrap_err().to_string(), format!("jpeg ends before EOI ({cut} bytes)"));
}

#[test]
fn padding_is_cut() {
    let jpeg = jpeg();
    for padding in [&[0; 500][..], &[0xff; 3], &[0xff, 0xd8], &[0xd9], &jpeg, &jpeg[..jpeg.len() / 2]] {
        assert_eq!(mended(&[&jpeg, padding].concat()), Ok(jpeg.clone()));
    }
    assert_eq!(mended(&[&[0; 64][..], &jpeg].concat()), Ok(jpeg.clone()));
    assert_eq!(mended(&[&[0; 65][..], &jpeg].concat()), Err(Damaged::NoStart { bytes: 65 + jpeg.len() }));
    let filled = inserted(&jpeg, offset_of(&jpeg, 0xda), &[0xff; 5]);
    assert_eq!(mended(&filled), Ok(filled));
}

#[test]
fn missing_tables_are_inserted() {
    let jpeg = jpeg();
    let stripped = without_tables(&jpeg, &[0x00, 0x01, 0x10, 0x11]);
    assert_eq!(jpeg.len() - stripped.len(), 2 * (33 + 183));
    let mended_jpeg = mended(&stripped).unwrap();
    assert_eq!(pixels(&mended_jpeg), pixels(&jpeg));
    // The encoder writes the same standard tables in the same place.
    assert_eq!(mended_jpeg, jpeg);
}

#[test]
fn only_missing_tables_are_inserted() {
    let jpeg = jpeg();
    for removed in [&[0x00][..], &[0x10], &[0x01], &[0x11], &[0x01, 0x11], &[0x00, 0x11]] {
        let mended = mended(&without_tables(&jpeg, removed)).unwrap();
        assert_eq!((pixels(&mended), mended.len()), (pixels(&jpeg), jpeg.len()), "{removed:x?}");
    }
}

#[test]
fn tables_are_not_added_if_they_would_not_help() {
    let jpeg = jpeg();
    let (sof, sos) = (offset_of(&jpeg, 0xc0), offset_of(&jpeg, 0xda));
    // Every component uses the luma tables: those of chroma are not missing.
    let mut luma_only = jpeg.clone();
    for component in 0..3 {
        luma_only[sos + 6 + 2 * component] = 0;
    }
    let luma_only = without_tables(&luma_only, &[0x01, 0x11]);
    assert_eq!(mended(&luma_only), Ok(luma_only));

    // A progressive picture with one scan, DC only. T.81 has no tables for it.
    let mut progressive = jpeg.clone();
    progressive[sof + 1] = 0xc2;
    progressive[sos + 12] = 0;
    assert_eq!(mended(&progressive), Ok(progressive.clone()));
    let stripped = without_tables(&progressive, &[0x00, 0x01, 0x10, 0x11]);
    assert_eq!(mended(&stripped), Err(Damaged::NoTable));

    let mut third_table = jpeg.clone();
    third_table[sos + 6] = 0x22;
    assert_eq!(mended(&third_table), Err(Damaged::NoTable));
}

#[test]
fn a_thumbnails_end_is_not_the_pictures() {
    let jpeg = jpeg();
    let thumbnail = [&[0xff, 0xe1][..], &(jpeg.len() as u16 + 2).to_be_bytes(), &jpeg].concat();
    let with_thumbnail = inserted(&jpeg, 2, &thumbnail);
    assert_eq!(mended(&with_thumbnail), Ok(with_thumbnail.clone()));
    for cut in [2 + thumbnail.len(), with_thumbnail.len() / 2 + 300, with_thumbnail.len() - 1] {
        assert_eq!(mended(&with_thumbnail[..cut]), Err(Damaged::Truncated { bytes: cut }));
    }
}

#[test]
fn a_second_picture_before_the_end_of_the_first_is_damage() {
    let jpeg = jpeg();
    let cut = jpeg.len() - 100;
    let both = [&jpeg[..cut], &jpeg].concat();
    assert_eq!(mended(&both), Err(Damaged::SecondPicture { offset: cut }));
}

/// Decoders skip them with a warning; the mended picture is without them.
#[test]
fn bytes_between_segments_are_cut() {
    let jpeg = jpeg();
    for stray in [
        &[0][..],
        &[0x12; 40],
        b"\xff\0",
        b"\xff\xd0",
        b"\xff\x01ab\xff\0",
        b"\xff\xe5\0\0",
        b"\xff\xfe\0\x01a",
    ] {
        for (marker, range) in segments(&jpeg) {
            let dirty = inserted(&jpeg, range.start, stray);
            assert_eq!(mended(&dirty), Ok(jpeg.clone()), "{stray:x?} before {marker:x}");
        }
    }
    let everywhere: Vec<u8> =
        segments(&jpeg).into_iter().flat_map(|(_, range)| [&b"stray\0"[..], &jpeg[range]].concat()).collect();
    let data_at = segments(&jpeg).last().unwrap().1.end;
    let dirty = [&jpeg[..2], &everywhere, &jpeg[data_at..]].concat();
    assert_eq!(mended(&dirty), Ok(jpeg.clone()));
    // With tables to insert as well.
    let stripped = without_tables(&jpeg, &[0x00, 0x01, 0x10, 0x11]);
    assert_eq!(mended(&inserted(&stripped, offset_of(&stripped, 0xda), b"stray")), Ok(jpeg));
}

/// A 3D camera's file is one picture after the other (CIPA DC-007).
#[test]
fn a_3d_picture_shows_one_eye() {
    let jpeg = jpeg();
    let index = inserted(&jpeg, 2, b"\xff\xe2\0\x0cMPF\0MM\0\x2a\0\0");
    for padding in [0, 1, 512] {
        let file = [&index[..], &vec![0; padding], &jpeg, b"\0\0"].concat();
        assert_eq!(mended(&file), Ok(index.clone()));
    }
}

#[test]
fn impossible_headers_are_refused() {
    let jpeg = jpeg();
    let (sof, sos) = (offset_of(&jpeg, 0xc0), offset_of(&jpeg, 0xda));
    let patched = |offset: usize, bytes: &[u8]| {
        let mut patched = jpeg.clone();
        patched[offset..offset + bytes.len()].copy_from_slice(bytes);
        mended(&patched).unwrap_err()
    };
    assert_eq!(patched(sof + 5, &[0, 0]), Damaged::Size { width: 48, height: 0 });
    assert_eq!(patched(sof + 7, &[0xff, 0xff]), Damaged::Size { width: 65_535, height: 40 });
    assert_eq!(patched(sof + 1, &[0xfe]), Damaged::NoFrameHeader);
    assert_eq!(patched(sof + 1, &[0xc9]), Damaged::Process { marker: 0xc9 });
    assert_eq!(patched(sof + 1, &[0xd9]), Damaged::Misplaced { marker: 0xd9, offset: sof });
    assert_eq!(patched(sof, &[0x12]), Damaged::NoFrameHeader);
    let pixels = Damaged::Pixels { width: 8001, height: 8000 };
    assert_eq!(pixels.to_string(), "jpeg of 8001x8000 pixels: at most 64 million are passed on");
    assert_eq!(patched(sof + 5, &[0x1f, 0x40, 0x1f, 0x41]), pixels);
    assert_eq!(patched(sof + 5, &[0x40, 0, 0x40, 0]), Damaged::Pixels { width: 16384, height: 16384 });
    assert_eq!(patched(sof + 5, &[0xff, 0xff, 0, 1]), Damaged::Size { width: 1, height: 65_535 });
    assert_eq!(patched(sof + 9, &[4]), Damaged::Segment { marker: 0xc0, offset: sof, bytes: 17 });
    assert_eq!(patched(sof + 2, &[0, 1]), Damaged::Segment { marker: 0xc0, offset: sof, bytes: 1 });
    assert_eq!(patched(sos + 4, &[2]), Damaged::Segment { marker: 0xda, offset: sos, bytes: 12 });
    let twice = inserted(&jpeg, sof, &jpeg[sof..sof + 19]);
    assert_eq!(mended(&twice), Err(Damaged::Misplaced { marker: 0xc0, offset: sof + 19 }));
    let too_long = vec![0; limits::JPEG_MAX_BYTES + 1];
    assert_eq!(mended(&too_long), Err(Damaged::TooLong { bytes: too_long.len() }));
}

#[test]
fn garbage_never_panics_and_accepted_pictures_have_both_ends() {
    let whole = jpeg();
    let headers = segments(&whole).last().unwrap().1.end;
    let sources = [without_tables(&whole, &[0x00, 0x01, 0x10, 0x11]), whole];
    let (mut noise, mut accepted) = (Noise(0x5eed), 0);
    for round in 0..20_000 {
        let mut data = sources[round % 2].clone();
        for _ in 0..=noise.below(4) {
            // Mostly in the headers, which are parsed.
            let reach = if noise.below(4) == 0 { data.len() } else { data.len().min(headers) };
            let at = noise.below(reach.max(1));
            let byte = [0x00, 0xff, 0xd8, 0xd9, 0xda, 0xc4, noise.next() as u8][noise.below(7)];
            match noise.below(16) {
                0 => data.truncate(at),
                1 => data.insert(at.min(data.len()), byte),
                2 => drop(data.drain(at.min(data.len())..(at + noise.below(40)).min(data.len()))),
                3 => data.extend_from_within(at.min(data.len())..),
                _ => data.iter_mut().skip(at).take(1).for_each(|old| *old = byte),
            }
        }
        if let Ok(jpeg) = mended(&data) {
            accepted += 1;
            assert!(jpeg.starts_with(&[0xff, 0xd8]) && jpeg.ends_with(&[0xff, 0xd9]), "round {round}");
            assert_eq!(mended(&jpeg), Ok(jpeg), "round {round}: mending a second time changes it");
        }
    }
    assert!((2_000..18_000).contains(&accepted), "{accepted} accepted: the loop tests one side only");
}
