//! Heads of JPEGs with a single error: the check accepts those that libjpeg-turbo decodes, the decoder of
//! Chromium and Firefox.

#![allow(unsafe_code, reason = "the binding does not tell warnings from errors")]

use std::ffi::CStr;
use std::ops::Range;

use pinhole::frame::BufferPool;
use pinhole::mjpeg::{self, Damaged};
use turbojpeg::raw;

const WIDTH: usize = 48;
const HEIGHT: usize = 40;

/// Larger pictures are not decoded here: it takes too long, and sizes have separate tests.
const DECODED_MAX_PIXELS: usize = 1 << 20;

/// The result of libjpeg-turbo for a picture.
enum Verdict {
    /// The pixels, perhaps with a warning.
    Decodes(Vec<u8>),
    Refuses(String),
    /// Too large to try.
    Unknown,
}

/// Beginnings of warnings (libjpeg-turbo: jerror.h, JWRN).
const WARNINGS: [&str; 6] = [
    "Corrupt JPEG data",
    "Premature end",
    "Inconsistent progression",
    "Unknown Adobe color",
    "Invalid SOS parameters",
    "Warning",
];

fn verdict(jpeg: &[u8]) -> Verdict {
    // SAFETY: the handle is used here only, and destroyed at the end. The library gets slices with their
    // lengths; the output has room for the announced picture with four bytes per pixel.
    unsafe {
        let handle = raw::tj3Init(raw::TJINIT_TJINIT_DECOMPRESS as i32);
        assert!(!handle.is_null());
        let verdict = (|| {
            let get = |what| raw::tj3Get(handle, what as i32);
            let failed = |result: i32| {
                if result == 0 {
                    return None;
                }
                let words = CStr::from_ptr(raw::tj3GetErrorStr(handle)).to_string_lossy().into_owned();
                (!WARNINGS.iter().any(|warning| words.contains(warning))).then_some(words)
            };
            let header = raw::tj3DecompressHeader(handle, jpeg.as_ptr(), jpeg.len() as raw::size_t);
            if let Some(words) = failed(header) {
                return Verdict::Refuses(words);
            }
            let width = usize::try_from(get(raw::TJPARAM_TJPARAM_JPEGWIDTH)).unwrap_or(0);
            let height = usize::try_from(get(raw::TJPARAM_TJPARAM_JPEGHEIGHT)).unwrap_or(0);
            if width * height > DECODED_MAX_PIXELS {
                return Verdict::Unknown;
            }
            let colours = get(raw::TJPARAM_TJPARAM_COLORSPACE) as u32;
            let is_cmyk = colours == raw::TJCS_TJCS_CMYK || colours == raw::TJCS_TJCS_YCCK;
            let format = if is_cmyk { raw::TJPF_TJPF_CMYK } else { raw::TJPF_TJPF_RGBX };
            let mut pixels = vec![0; width * height * 4];
            let decoded = raw::tj3Decompress8(
                handle,
                jpeg.as_ptr(),
                jpeg.len() as raw::size_t,
                pixels.as_mut_ptr(),
                4 * width as i32,
                format,
            );
            failed(decoded).map_or(Verdict::Decodes(pixels), Verdict::Refuses)
        })();
        raw::tj3Destroy(handle);
        verdict
    }
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
}

fn compressed(format: turbojpeg::PixelFormat, subsamp: turbojpeg::Subsamp, progressive: bool) -> Vec<u8> {
    let mut noise = Noise(7);
    let bytes = format.size();
    let pixels: Vec<u8> =
        (0..bytes * WIDTH * HEIGHT).map(|i| (i / 24) as u8 ^ (noise.next() as u8 & 63)).collect();
    let mut compressor = turbojpeg::Compressor::new().unwrap();
    compressor.set_subsamp(subsamp).unwrap();
    compressor.set_progressive(progressive).unwrap();
    compressor.set_quality(80).unwrap();
    let image =
        turbojpeg::Image { pixels: &pixels[..], width: WIDTH, pitch: bytes * WIDTH, height: HEIGHT, format };
    compressor.compress_to_vec(image).unwrap()
}

/// Three scans of one component each, from three grey pictures.
fn one_component_a_scan() -> Vec<u8> {
    let grey = compressed(turbojpeg::PixelFormat::GRAY, turbojpeg::Subsamp::Gray, false);
    let (heads, _) = segments(&grey);
    let mut out = vec![0xff, 0xd8];
    for (marker, range) in heads.iter().filter(|(marker, _)| !matches!(marker, 0xc0 | 0xda)) {
        assert!(matches!(marker, 0xe0 | 0xdb | 0xc4));
        out.extend_from_slice(&grey[range.clone()]);
    }
    let (size, scan) =
        ([0, HEIGHT as u8, 0, WIDTH as u8], &grey[heads.last().unwrap().1.end..grey.len() - 2]);
    out.extend([0xff, 0xc0, 0, 17, 8]);
    out.extend(size);
    out.extend([3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0]);
    for id in 1..=3 {
        out.extend([0xff, 0xda, 0, 8, 1, id, 0, 0, 63, 0]);
        out.extend_from_slice(scan);
    }
    out.extend([0xff, 0xd9]);
    out
}

/// All segments, including those between scans, as marker and range; and the end of the head.
fn segments(jpeg: &[u8]) -> (Vec<(u8, Range<usize>)>, usize) {
    let (mut segments, mut at, mut head) = (Vec::new(), 2, 0);
    loop {
        let end = at + 2 + usize::from(jpeg[at + 2]) * 256 + usize::from(jpeg[at + 3]);
        segments.push((jpeg[at + 1], at..end));
        at = end;
        if segments.last().unwrap().0 == 0xda {
            head = if head == 0 { end } else { head };
            at += jpeg[at..]
                .windows(2)
                .position(|two| two[0] == 0xff && !matches!(two[1], 0 | 0xd0..=0xd7))
                .unwrap();
            if jpeg[at + 1] == 0xd9 {
                return (segments, head);
            }
        }
    }
}

fn pictures() -> Vec<(&'static str, Vec<u8>)> {
    use turbojpeg::{PixelFormat, Subsamp};
    vec![
        ("4:2:0", compressed(PixelFormat::RGB, Subsamp::Sub2x2, false)),
        ("grey", compressed(PixelFormat::GRAY, Subsamp::Gray, false)),
        ("4:2:2 progressive", compressed(PixelFormat::RGB, Subsamp::Sub2x1, true)),
        ("CMYK", compressed(PixelFormat::CMYK, Subsamp::None, false)),
        ("one component a scan", one_component_a_scan()),
    ]
}

#[derive(Debug, Default)]
struct Counts {
    passed: usize,
    dropped: usize,
    dropped_for_browsers: usize,
}

fn compare(what: &dyn Fn() -> String, jpeg: &[u8], counts: &mut Counts) {
    let mut out = BufferPool::default().take();
    match (mjpeg::mend(jpeg, &mut out), verdict(jpeg)) {
        (Ok(_), Verdict::Decodes(pixels)) => {
            counts.passed += 1;
            let Verdict::Decodes(mended) = verdict(&out) else { panic!("{}: mending breaks it", what()) };
            assert!(mended == pixels, "{}: mending changes the picture", what());
        }
        (Ok(_), Verdict::Refuses(words)) => panic!("{}: passes, libjpeg-turbo says: {words}", what()),
        (Err(_), Verdict::Refuses(_)) => counts.dropped += 1,
        // Features that browsers lack, and truncated data.
        (
            Err(
                Damaged::Process { .. }
                | Damaged::Size { .. }
                | Damaged::Pixels { .. }
                | Damaged::Truncated { .. }
                | Damaged::SecondPicture { .. },
            ),
            Verdict::Decodes(_),
        ) => counts.dropped_for_browsers += 1,
        (Err(damaged), Verdict::Decodes(_)) => panic!("{}: libjpeg-turbo decodes it: {damaged}", what()),
        (_, Verdict::Unknown) => {}
    }
}

#[test]
fn every_value_of_every_byte_of_a_head() {
    for (name, jpeg) in pictures() {
        let mut counts = Counts::default();
        compare(&|| name.to_owned(), &jpeg, &mut counts);
        assert_eq!(counts.passed, 1, "{name}");
        for (marker, range) in segments(&jpeg).0 {
            for at in range.clone() {
                let mut bad = jpeg.clone();
                // Values of tables have no individual meaning, except near the beginning.
                let step = if at < range.start + 30 { 1 } else { 37 };
                for value in (0..=255).step_by(step) {
                    bad[at] = value;
                    let offset = at - range.start;
                    compare(
                        &|| format!("{name}: 0xff{marker:02x}[{offset}] = {value:#x}"),
                        &bad,
                        &mut counts,
                    );
                }
            }
        }
        println!("{name}: {counts:?}");
        assert!(counts.passed > 2000 && counts.dropped > 2000, "{name}: {counts:?}");
    }
}

#[test]
fn segments_removed_doubled_and_truncated() {
    for (name, jpeg) in pictures() {
        let mut counts = Counts::default();
        for (marker, range) in segments(&jpeg).0 {
            let (before, segment, after) = (&jpeg[..range.start], &jpeg[range.clone()], &jpeg[range.end..]);
            let mut cases = vec![
                ("left out", Vec::new()),
                ("twice", [segment, segment].concat()),
                ("cut", segment[..segment.len() - 1].to_vec()),
            ];
            // Shorter and longer than its length field, and with a matching length.
            for change in [-2, -1, 1, 2] {
                let mut content = segment[4..].to_vec();
                content.resize((content.len() as isize + change) as usize, 7);
                let length = (content.len() as u16 + 2).to_be_bytes();
                cases.push(("another length", [&segment[..2], &length, &content].concat()));
            }
            for (how, segment) in cases {
                let bad = [before, &segment, after].concat();
                compare(&|| format!("{name}: 0xff{marker:02x} {how}"), &bad, &mut counts);
            }
        }
        println!("{name}: {counts:?}");
        assert!(counts.passed > 5 && counts.dropped > 5, "{name}: {counts:?}");
    }
}

/// Tables of 16 bits, of other destinations, of arithmetic coding; every marker, with and without a length;
/// and bytes that belong to no segment.
#[test]
fn bytes_between_segments() {
    let table =
        |name: u8, bytes: usize| [&[0xff, 0xdb, 0, bytes as u8 + 3, name][..], &vec![9; bytes]].concat();
    let mut inserted = vec![
        vec![0],
        vec![0x12; 20],
        vec![0xff, 0],
        vec![0xff, 0, 0xff, 0xff, 0],
        vec![0xff; 7],
        vec![0xff, 0xff, 0, 0x41],
        vec![0xff, 0xe3, 0, 0],
        vec![0xff, 0xfe, 0, 1, 0x41],
        vec![0xff, 0xc0, 0, 0],
        vec![0xff, 0xc4, 0, 2],
        vec![0xff, 0xc4, 0, 3, 0],
        vec![0xff, 0xdd, 0, 4, 0, 0],
        vec![0xff, 0xdd, 0, 5, 0, 0, 0],
        vec![0xff, 0xcc, 0, 4, 0x10, 5],
        vec![0xff, 0xcc, 0, 4, 0x00, 0x10],
        vec![0xff, 0xcc, 0, 4, 0x00, 0x01],
        vec![0xff, 0xcc, 0, 4, 0x20, 0],
        vec![0xff, 0xcc, 0, 3, 0],
        table(3, 64),
        table(4, 64),
        table(0x13, 128),
        table(0xf3, 128),
        table(0x13, 64),
    ];
    for marker in 1..=0xff {
        inserted.extend([vec![0xff, marker], vec![0xff, marker, 0, 4, 1, 2]]);
    }
    for (name, jpeg) in pictures() {
        let mut counts = Counts::default();
        for (marker, range) in segments(&jpeg).0 {
            for bytes in &inserted {
                let bad = [&jpeg[..range.start], bytes, &jpeg[range.start..]].concat();
                compare(&|| format!("{name}: {bytes:x?} before 0xff{marker:02x}"), &bad, &mut counts);
            }
        }
        println!("{name}: {counts:?}");
        assert!(counts.passed > 100 && counts.dropped > 100, "{name}: {counts:?}");
    }
}

/// Sampling factors of all components at once, which changing a single byte does not cover.
#[test]
fn sampling_factors() {
    let mut counts = Counts::default();
    for (name, jpeg) in pictures() {
        let heads = segments(&jpeg).0;
        let frame = heads.iter().find(|(marker, _)| matches!(marker, 0xc0 | 0xc2)).unwrap().1.start;
        let components = usize::from(jpeg[frame + 9]);
        let factors = || [0x11, 0x12, 0x21, 0x22, 0x14, 0x41, 0x31, 0x13, 0x32, 0x23, 0x44, 0x42].into_iter();
        for luma in factors() {
            for colour in factors() {
                for last in factors() {
                    let mut bad = jpeg.clone();
                    for component in 0..components {
                        let factors = if component == 0 { luma } else { colour };
                        bad[frame + 11 + 3 * component] = factors;
                    }
                    bad[frame + 11 + 3 * (components - 1)] = last;
                    compare(&|| format!("{name}: {luma:x} {colour:x} {last:x}"), &bad, &mut counts);
                }
            }
        }
    }
    println!("{counts:?}");
    assert!(counts.passed > 500 && counts.dropped > 500, "{counts:?}");
}

/// Counts of codes, all with legal lengths, from none to more than are possible.
#[test]
fn counts_of_codes() {
    let jpeg = &pictures()[0].1;
    let mut noise = Noise(3);
    let mut counts = Counts::default();
    for (_, range) in segments(jpeg).0.iter().filter(|(marker, _)| *marker == 0xc4) {
        let (class, values) = (jpeg[range.start + 4], range.len() - 21);
        for _ in 0..3000 {
            // As many codes as before, with other lengths.
            let mut lengths = [0_u8; 16];
            let shortest = noise.next() % 12;
            for _ in 0..values {
                let length = (shortest + noise.next() % (16 - shortest)) as usize;
                lengths[length] = lengths[length].saturating_add(1);
            }
            let mut bad = jpeg.clone();
            bad[range.start + 5..range.start + 21].copy_from_slice(&lengths);
            compare(&|| format!("table {class:x}: {lengths:?}"), &bad, &mut counts);
        }
    }
    println!("{counts:?}");
    assert!(counts.passed > 500 && counts.dropped > 500, "{counts:?}");
}
