//! Clips of real encoders, muxed here, and read by the programs of FFmpeg.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::clips::{self, Folder, Size, ffmpeg};
use crate::clock::Monotonic;
use crate::video::nal::{self, Nal};
use crate::video::{AccessUnit, Codec};

const SIZE: Size = (320, 180);
const PICTURES: usize = 60;
/// Ticks of a picture of a clip.
const INTERVAL: i64 = 3600;

fn codec_of(options: &str) -> Codec {
    if options.ends_with("hevc") { Codec::H265 } else { Codec::H264 }
}

/// The units of a delimited stream, 40 ms apart.
fn units(stream: &[u8], codec: Codec) -> Vec<AccessUnit> {
    let unit = |(i, (data, is_key)): (usize, (Vec<u8>, bool))| {
        let is_recovery = nal::all(&data).any(|nal| nal::classify(codec, nal) == Nal::RecoveryPoint);
        AccessUnit {
            codec,
            data: data.into(),
            arrived: Monotonic::since_zero(Duration::from_millis(1000 + 40 * i as u64)),
            is_key: is_key || is_recovery,
            is_hidden: false,
            discontinuity: false,
        }
    };
    clips::units(stream, codec == Codec::H265).into_iter().enumerate().map(unit).collect()
}

fn mux(units: &[AccessUnit]) -> Vec<Muxed> {
    let mut muxer = Muxer::default();
    units.iter().filter_map(|unit| muxer.push(unit).unwrap()).collect()
}

/// What a viewer gets.
fn bytes<'a>(init: &InitSegment, fragments: impl IntoIterator<Item = &'a Muxed>) -> Vec<u8> {
    let fragments = fragments.into_iter().flat_map(|muxed| &muxed.fragment.bytes);
    init.bytes().iter().chain(fragments).copied().collect()
}

/// Every picture in a file, in display order.
fn decode(file: &Path) -> Vec<u8> {
    let file = file.to_str().unwrap();
    ffmpeg(&["-i", file, "-fps_mode", "passthrough", "-pix_fmt", "yuv420p", "-f", "rawvideo", "-"])
}

fn probe(file: &Path, arguments: &str) -> String {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-of", "csv=p=0"])
        .args(arguments.split_whitespace())
        .arg(file)
        .output()
        .unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A clip, its pictures, and what became of it.
struct Clip {
    folder: Folder,
    pictures: Vec<u8>,
    muxed: Vec<Muxed>,
}

impl Clip {
    fn new(name: &str, options: &str) -> Self {
        let folder = Folder::new(&format!("mp4-{name}"));
        let stream = clips::encode(SIZE, PICTURES, options);
        let original = folder.file(if codec_of(options) == Codec::H265 { "clip.h265" } else { "clip.h264" });
        std::fs::write(&original, &stream).unwrap();
        let pictures = decode(&original);
        assert_eq!(pictures.len(), PICTURES * SIZE.0 * SIZE.1 * 3 / 2);
        Self { folder, pictures, muxed: mux(&units(&stream, codec_of(options))) }
    }

    fn init(&self) -> &InitSegment {
        self.muxed[0].init.as_ref().unwrap()
    }

    /// Decodes what a viewer gets that begins with this fragment.
    fn decode_from(&self, first: usize) -> Vec<u8> {
        let is_wanted = |muxed: &&Muxed| muxed.fragment.start != Start::NotAfterLast;
        let (mut begin, rest) = (self.muxed[first..].iter(), &self.muxed[first + 1..]);
        let next_start = rest.iter().position(|it| it.fragment.start == Start::Here).unwrap_or(rest.len());
        let (leading, after) = rest.split_at(next_start);
        let fragments = begin.next().into_iter().chain(leading.iter().filter(is_wanted)).chain(after);
        let file = self.folder.file("viewer.mp4");
        std::fs::write(&file, bytes(self.init(), fragments)).unwrap();
        decode(&file)
    }
}

/// Streams of H.264 and H.265 as cameras and files have them, and by how many pictures they are reordered.
fn streams() -> Vec<(&'static str, String, i64)> {
    vec![
        ("baseline", clips::h264("bframes=0 -profile:v baseline"), 0),
        ("high", clips::h264("bframes=0:slices=4 -profile:v high"), 0),
        ("b", clips::h264("bframes=1:b-adapt=0"), 1),
        ("pyramid", clips::h264("bframes=3:b-adapt=0:b-pyramid=normal"), 2),
        ("open", clips::h264("bframes=3:b-adapt=0:open-gop=1"), 2),
        ("h265", clips::h265("bframes=0"), 0),
        ("h265-b", clips::h265("bframes=3:b-adapt=0:open-gop=0"), 2),
        ("h265-open", clips::h265("bframes=4:b-adapt=0:open-gop=1"), 2),
    ]
}

#[test]
fn every_picture_is_decoded_as_from_the_stream_itself() {
    if !clips::available("fragmented MP4 of real encoders") {
        return;
    }
    for (name, options, depth) in streams() {
        let clip = Clip::new(name, &options);
        assert_eq!(clip.muxed.len(), PICTURES, "{name}");
        assert!(clip.decode_from(0) == clip.pictures, "{name}: other pictures");
        assert_times(name, &clip, depth);
        let file = clip.folder.file("viewer.mp4");
        let stream =
            probe(&file, "-count_frames -show_entries stream=codec_tag_string,width,height,nb_read_frames");
        let tag = if codec_of(&options) == Codec::H265 { "hvc1" } else { "avc1" };
        assert_eq!(stream.trim(), format!("{tag},{},{},{PICTURES}", SIZE.0, SIZE.1), "{name}");
    }
}

/// As ffprobe reads them: pictures are decoded one after the other, and shown one after the other, never
/// before they are decoded.
fn assert_times(name: &str, clip: &Clip, depth: i64) {
    let packets = probe(&clip.folder.file("viewer.mp4"), "-show_entries packet=pts,dts,duration,flags");
    let packets: Vec<(i64, i64, i64, bool)> = packets
        .lines()
        .map(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            let number = |at: usize| fields[at].parse().unwrap();
            (number(0), number(1), number(2), fields[3].starts_with('K'))
        })
        .collect();
    assert_eq!(packets.len(), PICTURES);
    let decode: Vec<i64> = (0..PICTURES as i64).map(|n| n * INTERVAL).collect();
    assert_eq!(packets.iter().map(|it| it.1).collect::<Vec<_>>(), decode, "{name}");
    assert!(packets.iter().all(|it| it.0 >= it.1 && it.2 == INTERVAL), "{name}");
    let mut shown: Vec<i64> = packets.iter().map(|it| it.0 - depth * INTERVAL).collect();
    shown.sort_unstable();
    assert_eq!(shown, decode, "{name}");
    let starts = clip.muxed.iter().map(|it| it.fragment.start == Start::Here);
    // FFmpeg looks into the slices, and takes recovery points for keys as well.
    assert!(name == "open" || starts.eq(packets.iter().map(|it| it.3)), "{name}");
}

#[test]
fn a_viewer_can_begin_with_every_start() {
    if !clips::available("viewers that begin in the middle") {
        return;
    }
    let mut leading = 0;
    for (name, options, _) in streams() {
        let clip = Clip::new(&format!("{name}-begin"), &options);
        let starts: Vec<usize> =
            (0..clip.muxed.len()).filter(|n| clip.muxed[*n].fragment.start == Start::Here).collect();
        // Without IDR pictures but for the first, there is one.
        assert!(starts.len() == if name == "open" { 1 } else { 3 }, "{name}: {starts:?}");
        for start in starts {
            let pictures = clip.decode_from(start);
            assert!(pictures.len() >= (PICTURES - start - 4) * SIZE.0 * SIZE.1 * 3 / 2, "{name} {start}");
            assert!(clip.pictures.ends_with(&pictures), "{name}: other pictures from {start} on");
        }
        leading += clip.muxed.iter().filter(|it| it.fragment.start == Start::NotAfterLast).count();
    }
    assert_eq!(leading, 8, "two groups of H.265 that begin with four B-frames");
}

#[test]
fn content_types_name_profile_and_level() {
    if !clips::available("content types") {
        return;
    }
    let high = Clip::new("type-high", &clips::h264("bframes=0:level=40 -profile:v high"));
    assert_eq!(high.init().content_type(), "video/mp4; codecs=\"avc1.640028\"");
    let baseline = Clip::new("type-baseline", &clips::h264("bframes=0:level=30 -profile:v baseline"));
    assert_eq!(baseline.init().codecs(), "avc1.42c01e");
    let main = Clip::new("type-main", &clips::h265("bframes=0:level-idc=31"));
    assert_eq!(main.init().codecs(), "hvc1.1.6.L93.90");
    assert_eq!(main.init().size(), (320, 180));
}

/// FFmpeg's own muxer makes the same record of the same stream.
#[test]
fn decoder_configurations_are_those_of_another_muxer() {
    if !clips::available("decoder configurations") {
        return;
    }
    for (name, options, tag, kind) in [
        ("record-h264", clips::h264("bframes=2 -aspect 4:3"), "avc1", b"avcC"),
        ("record-h265", clips::h265("bframes=2"), "hvc1", b"hvcC"),
    ] {
        let clip = Clip::new(name, &options);
        let (original, other) = (clip.folder.file("clip.h264"), clip.folder.file("other.mp4"));
        let original = if original.exists() { original } else { clip.folder.file("clip.h265") };
        let arguments =
            ["-i", original.to_str().unwrap(), "-c", "copy", "-tag:v", tag, other.to_str().unwrap()];
        ffmpeg(&arguments);
        let other = std::fs::read(&other).unwrap();
        let (ours, theirs) = (content(clip.init().bytes(), *kind), content(&other, *kind));
        if kind == b"hvcC" {
            // It reads min_spatial_segmentation_idc and the constancy of the rate as well, and keeps x265's
            // supplemental information in a fourth array.
            assert_eq!((&ours[..13], &ours[16..21]), (&theirs[..13], &theirs[16..21]), "{name}");
            let arrays = ours.len() - 23;
            assert!(theirs[23..].iter().eq(&ours[23..]) || theirs[23..].starts_with(&ours[23..23 + arrays]));
        } else {
            assert_eq!(ours, theirs, "{name}");
            assert_eq!(content(clip.init().bytes(), *b"pasp"), content(&other, *b"pasp"));
        }
    }
}

/// The content of the first box of a kind.
fn content(bytes: &[u8], kind: [u8; 4]) -> &[u8] {
    let at = bytes.windows(4).position(|it| it == kind).unwrap();
    let size = u32::from_be_bytes(bytes[at - 4..at].try_into().unwrap());
    &bytes[at + 4..at - 4 + size as usize]
}

#[test]
fn other_parameters_make_another_init_segment_with_a_start_behind_it() {
    if !clips::available("parameters that change") {
        return;
    }
    let options = clips::h264("bframes=2");
    let (one, other) = (clips::encode(SIZE, 30, &options), clips::encode((160, 120), 30, &options));
    let h265 = clips::encode(SIZE, 30, &clips::h265("bframes=2"));
    let mut all = units(&[one, other].concat(), Codec::H264);
    all.extend(units(&h265, Codec::H265));
    for (n, unit) in all.iter_mut().enumerate() {
        unit.arrived = Monotonic::since_zero(Duration::from_millis(40 * n as u64));
    }
    let muxed = mux(&all);
    assert_eq!(muxed.len(), 90);
    let inits: Vec<(usize, &Arc<InitSegment>)> =
        muxed.iter().enumerate().filter_map(|(n, it)| Some((n, it.init.as_ref()?))).collect();
    let sizes: Vec<_> = inits.iter().map(|(n, init)| (*n, init.size())).collect();
    assert_eq!(sizes, [(0, (320, 180)), (30, (160, 120)), (60, (320, 180))]);
    assert!(inits.iter().all(|(n, _)| muxed[*n].fragment.start == Start::Here));
    assert!(muxed.windows(2).all(|it| it[0].fragment.decode_time < it[1].fragment.decode_time));
    let mut in_order: Vec<u64> = Vec::new();
    for part in muxed.chunks(30) {
        let mut times: Vec<u64> = part.iter().map(shown).collect();
        times.sort_unstable();
        in_order.extend(times);
    }
    assert!(in_order.windows(2).all(|it| it[0] < it[1]), "display goes on where it was");
    let folder = Folder::new("mp4-change");
    let file = folder.file("part.mp4");
    for ((_, init), part) in inits.iter().zip(muxed.chunks(30)) {
        std::fs::write(&file, bytes(init, part)).unwrap();
        let (width, height) = init.size();
        assert_eq!(decode(&file).len(), 30 * usize::from(width) * usize::from(height) * 3 / 2);
    }
}

/// When a picture is shown.
fn shown(muxed: &Muxed) -> u64 {
    muxed.fragment.decode_time + muxed.fragment.composition_offset as u64
}

#[test]
fn lost_units_cost_no_order_and_no_lasting_delay() {
    if !clips::available("lost units") {
        return;
    }
    for (name, options, depth) in streams() {
        let mut some = units(&clips::encode(SIZE, 100, &options), codec_of(&options));
        let key = (65..100).find(|at| some[*at].is_key).unwrap();
        some[key].discontinuity = true;
        // Some whose loss is said, and two of which it is not.
        some.drain(60..key);
        some.drain(30..32);
        let mut muxer = Muxer::default();
        let muxed: Vec<Muxed> = some.iter().filter_map(|unit| muxer.push(unit).ok().flatten()).collect();
        assert!(muxed.windows(2).all(|it| it[0].fragment.decode_time < it[1].fragment.decode_time), "{name}");
        let mut times: Vec<u64> = muxed.iter().map(shown).collect();
        times.sort_unstable();
        assert!(times.windows(2).all(|it| it[0] < it[1]), "{name}: two pictures at once");
        let mut starts = muxed.iter().filter(|it| it.fragment.start == Start::Here);
        let delay = i64::from(starts.next_back().unwrap().fragment.composition_offset);
        assert!(delay <= depth * INTERVAL * 2, "{name}: {delay}");
        // Streams whose only IDR picture is the first end where units are said to be missing.
        assert!(muxed.len() >= if name == "open" { 56 } else { 80 }, "{name}: {}", muxed.len());
    }
}

fn unit(data: &[u8], is_key: bool) -> AccessUnit {
    AccessUnit {
        codec: Codec::H264,
        data: data.to_vec().into(),
        arrived: Monotonic::since_zero(Duration::ZERO),
        is_key,
        is_hidden: false,
        discontinuity: false,
    }
}

const SPS: &[u8] = b"\0\0\0\x01\x67\x64\0\x28\xac\xd9\x40\x78\x02\x27\xe5\xc0\x44\0\0\x03\0\x04\0\0\x03\0\xc8\x3c\x60\xc6\x58";
const PPS: &[u8] = b"\0\0\0\x01\x68\xeb\xe3\xcb\x22\xc0";
const IDR: &[u8] = b"\0\0\0\x01\x65\x88\x84\0\x33\xff";

#[test]
fn what_is_no_picture_or_lacks_parameter_sets_is_refused() {
    let mut muxer = Muxer::default();
    assert_eq!(muxer.push(&unit(b"", true)), Err(Unplayable::Damaged));
    assert_eq!(muxer.push(&unit(b"\0\0\0\x01\0\0\x01", true)), Err(Unplayable::Damaged));
    assert_eq!(muxer.push(&unit(IDR, false)), Ok(None));
    assert_eq!(muxer.push(&unit(IDR, true)), Err(Unplayable::NoParameterSets));
    assert_eq!(muxer.push(&unit(&[SPS, IDR].concat(), true)), Err(Unplayable::NoParameterSets));
    assert_eq!(muxer.push(&unit(&[PPS, IDR].concat(), true)), Err(Unplayable::NoParameterSets));
    let muxed = muxer.push(&unit(&[SPS, PPS, IDR].concat(), true)).unwrap().unwrap();
    assert!(muxed.init.is_some() && muxer.init().is_some());
    // Parameter sets are known now, and others cannot come between.
    assert_eq!(muxer.push(&unit(&[PPS, IDR].concat(), true)).unwrap().unwrap().init, None);
    let other = [&PPS[..PPS.len() - 1], &[0xc1], IDR].concat();
    assert_eq!(muxer.push(&unit(&other, false)), Err(Unplayable::ParametersChanged));
    assert_eq!(muxer.push(&unit(IDR, false)), Ok(None));
    assert!(muxer.push(&unit(IDR, true)).unwrap().is_some());
    let slices = IDR.repeat(NAL_UNITS_MAX + 1);
    assert_eq!(muxer.push(&unit(&slices, true)), Err(Unplayable::TooLarge));
}

#[test]
fn samples_have_slices_and_supplemental_information_alone() {
    let aud = b"\0\0\0\x01\x09\x10";
    let (sei, filler, private) =
        (b"\0\0\0\x01\x06\x05\x01\x07\x80", b"\0\0\x01\x0c\xff\x80", b"\0\0\x01\x1e\x01");
    let key = [aud, SPS, PPS, sei, IDR, filler, private].concat();
    let muxed = Muxer::default().push(&unit(&key, true)).unwrap().unwrap();
    let sample = [&b"\0\0\0\x05"[..], &sei[4..], b"\0\0\0\x06", &IDR[4..]].concat();
    assert_eq!(content(&muxed.fragment.bytes, *b"mdat"), sample);
}
