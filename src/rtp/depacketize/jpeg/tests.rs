use std::time::Duration;

use super::*;

/// A main header: fragment offset, type, Q, and width and height in blocks.
fn header(offset: u32, kind: u8, q: u8, blocks: (u8, u8)) -> Vec<u8> {
    [&offset.to_be_bytes()[..], &[kind, q, blocks.0, blocks.1]].concat()
}

struct Push<'a> {
    timestamp: u32,
    marker: bool,
    loss: bool,
    extension: Option<(u16, &'a [u8])>,
}

const MORE: Push<'static> = Push { timestamp: 0, marker: false, loss: false, extension: None };
const LAST: Push<'static> = Push { marker: true, ..MORE };

fn push(jpeg: &mut Jpeg, with: &Push<'_>, parts: &[&[u8]]) -> Result<Option<JpegPicture>, Error> {
    let payload = parts.concat();
    let packet = Packet {
        sequence: 9,
        timestamp: with.timestamp,
        marker: with.marker,
        payload_type: 26,
        ssrc: 1,
        extension: with.extension,
        payload: &payload,
    };
    jpeg.push(&packet, gap(with.loss), Monotonic::since_zero(Duration::ZERO))?;
    Ok(jpeg.pull())
}

fn find(data: &[u8], marker: u8) -> Option<usize> {
    memchr::memmem::find(data, &[0xff, marker])
}

#[test]
fn computed_tables_and_two_fragments() {
    let mut jpeg = Jpeg::default();
    assert_eq!(push(&mut jpeg, &MORE, &[&header(0, 1, 50, (80, 60)), b"abc"]), Ok(None));
    let unit = push(&mut jpeg, &LAST, &[&header(3, 1, 50, (80, 60)), b"def"]).unwrap().unwrap();
    assert!(unit.data.starts_with(&[0xff, 0xd8, 0xff, 0xdb, 0, 67, 0, 16, 11]));
    assert!(unit.data.ends_with(b"\x00\x3f\x00abcdef\xff\xd9"));
    let frame = find(&unit.data, 0xc0).unwrap();
    assert_eq!(unit.data[frame + 4..frame + 12], [8, 1, 224, 2, 128, 3, 1, 0x22]);
    assert!(find(&unit.data, 0xc4).is_some() && find(&unit.data, 0xdd).is_none());
    assert_eq!(jpeg.format().map(|format| format.size()), Some((640, 480)));
}

#[test]
fn type_0_is_sampled_horizontally_only_and_an_eoi_is_kept() {
    let mut jpeg = Jpeg::default();
    let unit = push(&mut jpeg, &LAST, &[&header(0, 0, 50, (2, 2)), b"a\xff\xd9"]).unwrap().unwrap();
    let frame = find(&unit.data, 0xc0).unwrap();
    assert_eq!(unit.data[frame + 11], 0x21);
    assert!(unit.data.ends_with(b"a\xff\xd9") && !unit.data.ends_with(b"\xff\xd9\xff\xd9"));
}

#[test]
fn restart_markers() {
    let mut jpeg = Jpeg::default();
    let restart = [0, 5, 0xff, 0xff];
    let unit = push(&mut jpeg, &LAST, &[&header(0, 65, 50, (2, 2)), &restart, b"abc"]).unwrap().unwrap();
    let at = find(&unit.data, 0xdd).unwrap();
    assert_eq!(unit.data[at..at + 6], [0xff, 0xdd, 0, 4, 0, 5]);
    assert!(unit.data.ends_with(b"abc\xff\xd9"));
}

#[test]
fn tables_in_band_are_cached_by_q() {
    let mut jpeg = Jpeg::default();
    let (luma, chroma) = ([7; 64], [9; 64]);
    let first = [&header(0, 1, 200, (2, 2))[..], &[0, 0, 0, 128], &luma, &chroma];
    let with_tables = push(&mut jpeg, &LAST, &[&first.concat(), b"abc"]).unwrap().unwrap();
    let cached = [&header(0, 1, 200, (2, 2))[..], &[0, 0, 0, 0], b"abc"];
    let unit = push(&mut jpeg, &Push { timestamp: 1, ..LAST }, &cached).unwrap().unwrap();
    assert_eq!(unit.data, with_tables.data);
    assert_eq!(unit.data[2..8], [0xff, 0xdb, 0, 67, 0, 7]);
    let other = [&header(0, 1, 201, (2, 2))[..], &[0, 0, 0, 0], b"abc"];
    let error = push(&mut jpeg, &Push { timestamp: 2, ..LAST }, &other).unwrap_err();
    assert_eq!(error.to_string(), "rtp packet 9: no quantization tables for jpeg with q 201");
}

#[test]
fn q_255_is_never_cached_and_one_table_serves_all() {
    let mut jpeg = Jpeg::default();
    let first = [&header(0, 1, 255, (2, 2))[..], &[0, 0, 0, 64], &[7; 64], b"abc"];
    let unit = push(&mut jpeg, &LAST, &first).unwrap().unwrap();
    assert_eq!(unit.data[2 + 69..][..6], [0xff, 0xdb, 0, 67, 1, 7]);
    let without = [&header(0, 1, 255, (2, 2))[..], &[0, 0, 0, 0], b"abc"];
    assert!(push(&mut jpeg, &LAST, &without).is_err());
}

#[test]
fn sixteen_bit_tables_make_it_extended_sequential() {
    let mut jpeg = Jpeg::default();
    let first = [&header(0, 1, 255, (2, 2))[..], &[0, 1, 0, 192], &[0; 128], &[9; 64], b"abc"];
    let unit = push(&mut jpeg, &LAST, &first).unwrap().unwrap();
    assert_eq!(unit.data[2..7], [0xff, 0xdb, 0, 131, 0x10]);
    assert!(find(&unit.data, 0xc1).is_some());
}

#[test]
fn fragments_must_follow_each_other() {
    let mut jpeg = Jpeg::default();
    push(&mut jpeg, &MORE, &[&header(0, 1, 50, (2, 2)), b"abc"]).unwrap();
    let error = push(&mut jpeg, &LAST, &[&header(9, 1, 50, (2, 2)), b"def"]).unwrap_err();
    assert_eq!(error.to_string(), "jpeg fragment in rtp packet 9 at byte 9, expected 3");
    assert_eq!((jpeg.pull(), jpeg.dropped()), (None, 1));
}

#[test]
fn loss_costs_one_picture() {
    let mut jpeg = Jpeg::default();
    push(&mut jpeg, &MORE, &[&header(0, 1, 50, (2, 2)), b"abc"]).unwrap();
    let lossy = Push { loss: true, ..LAST };
    assert_eq!(push(&mut jpeg, &lossy, &[&header(6, 1, 50, (2, 2)), b"ghi"]), Ok(None));
    let next = Push { timestamp: 1, ..LAST };
    assert!(push(&mut jpeg, &next, &[&header(0, 1, 50, (2, 2)), b"abc"]).unwrap().is_some());
}

#[test]
fn without_markers_the_timestamp_splits() {
    let mut jpeg = Jpeg::default();
    push(&mut jpeg, &MORE, &[&header(0, 1, 50, (2, 2)), b"abc"]).unwrap();
    let next = Push { timestamp: 1, ..MORE };
    assert!(push(&mut jpeg, &next, &[&header(0, 1, 50, (2, 2)), b"abc"]).unwrap().is_some());
}

#[test]
fn sizes_above_2040() {
    let mut jpeg = Jpeg::new(Some((2560, 1440)));
    push(&mut jpeg, &LAST, &[&header(0, 1, 50, (64, 180)), b"abc"]).unwrap();
    assert_eq!(jpeg.format().map(|format| format.size()), Some((2560, 1440)));
    // A size in the SDP that is another stream's is ignored.
    push(&mut jpeg, &LAST, &[&header(0, 1, 50, (80, 60)), b"abc"]).unwrap();
    assert_eq!(jpeg.format().map(|format| format.size()), Some((640, 480)));
    let mut jpeg = Jpeg::default();
    let error = push(&mut jpeg, &LAST, &[&header(0, 1, 50, (0, 0)), b"abc"]).unwrap_err();
    assert_eq!(error.to_string(), "rtp packet 9: jpeg without a size");
    let frame = [0xff, 0xc0, 0, 17, 8, 0x05, 0xa0, 0x0a, 0x00, 3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1, 0xff];
    let with = Push { extension: Some((0xffd8, &frame)), ..LAST };
    let unit = push(&mut jpeg, &with, &[&header(0, 1, 50, (0, 0)), b"abc"]).unwrap().unwrap();
    assert!(memchr::memmem::find(&unit.data, &frame[..19]).is_some());
    assert_eq!(jpeg.format().map(|format| format.size()), Some((2560, 1440)));
}

#[test]
fn damaged_headers_are_named_in_the_error() {
    let mut jpeg = Jpeg::default();
    let error = push(&mut jpeg, &LAST, &[&[0; 5]]).unwrap_err();
    assert_eq!(error.to_string(), "jpeg header in rtp packet 9 too short: 5 bytes, need 8");
    let error = push(&mut jpeg, &LAST, &[&header(0, 64, 50, (2, 2)), &[0]]).unwrap_err();
    assert_eq!(error.to_string(), "jpeg restart header in rtp packet 9 too short: 1 bytes, need 4");
    let error = push(&mut jpeg, &LAST, &[&header(0, 1, 255, (2, 2)), &[0, 0, 1, 0, 5]]).unwrap_err();
    assert_eq!(error.to_string(), "jpeg quantization tables in rtp packet 9 too short: 1 bytes, need 256");
    let error = push(&mut jpeg, &LAST, &[&header(0, 2, 50, (2, 2)), b"abc"]).unwrap_err();
    assert_eq!(error.to_string(), "rtp packet 9: jpeg packetization 2 is not supported");
}

fn gap(loss: bool) -> Gap {
    if loss { Gap::More } else { Gap::None }
}
