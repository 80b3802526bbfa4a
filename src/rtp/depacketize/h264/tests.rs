use std::time::Duration;

use super::*;
use crate::clock::Monotonic;
use crate::rtp::{Gap, VideoPicture};
use crate::video::ACCESS_UNIT_MAX_BYTES;

const SPS: &[u8] = &[
    0x67, 0x64, 0x00, 0x28, 0xac, 0xd9, 0x40, 0x78, 0x02, 0x27, 0xe5, 0xc0, 0x44, 0x00, 0x00, 0x03, 0x00,
    0x04, 0x00, 0x00, 0x03, 0x00, 0xc8, 0x3c, 0x60, 0xc6, 0x58,
];
const PPS: &[u8] = &[0x68, 0xeb, 0xe3, 0xcb, 0x22, 0xc0];
/// first_mb_in_slice 0, slice_type 7 (I).
const IDR: &[u8] = &[0x65, 0x88, 0x84, 1, 2, 3];
/// first_mb_in_slice 0, slice_type 5 (P).
const P: &[u8] = &[0x41, 0x9a, 4, 5, 6];
/// first_mb_in_slice 1.
const P_SECOND: &[u8] = &[0x41, 0x4d, 7, 8];

struct Stream {
    h264: H264,
    sequence: u16,
}

impl Stream {
    fn new() -> Self {
        Self { h264: H264::new([]), sequence: 0 }
    }

    fn push(&mut self, timestamp: u32, marker: bool, payload: &[u8]) -> Result<(), Error> {
        self.push_after(Gap::None, timestamp, marker, payload)
    }

    fn push_after(&mut self, gap: Gap, timestamp: u32, marker: bool, payload: &[u8]) -> Result<(), Error> {
        self.sequence += 1;
        let packet = Packet {
            sequence: self.sequence,
            timestamp,
            marker,
            payload_type: 96,
            ssrc: 1,
            extension: None,
            payload,
        };
        self.h264.push(&packet, gap, Monotonic::since_zero(Duration::from_millis(5)))
    }

    fn pull(&mut self) -> VideoPicture {
        self.h264.pull().expect("an access unit")
    }

    fn no_unit(&mut self) {
        assert_eq!(self.h264.pull(), None);
    }

    /// A stream that has shown its first key picture.
    fn running() -> Self {
        let mut stream = Self::new();
        stream.push(0, false, SPS).unwrap();
        stream.push(0, false, PPS).unwrap();
        stream.push(0, true, IDR).unwrap();
        assert!(stream.pull().unit.discontinuity);
        stream
    }
}

fn annex_b(nals: &[&[u8]]) -> Vec<u8> {
    nals.iter().flat_map(|nal| [&[0, 0, 0, 1], *nal].concat()).collect()
}

fn fragment(start: bool, end: bool, kind: u8, payload: &[u8]) -> Vec<u8> {
    [&[0x7c, u8::from(start) << 7 | u8::from(end) << 6 | kind], payload].concat()
}

#[test]
fn single_units_aggregates_and_fragments() {
    let mut stream = Stream::new();
    let aggregate = [&[24, 0, SPS.len() as u8], SPS, &[0, PPS.len() as u8], PPS].concat();
    stream.push(0, false, &aggregate).unwrap();
    stream.push(0, false, &fragment(true, false, 5, &IDR[1..3])).unwrap();
    stream.push(0, true, &fragment(false, true, 5, &IDR[3..])).unwrap();
    let unit = stream.pull();
    assert_eq!(unit.unit.data.to_vec(), annex_b(&[SPS, PPS, IDR]));
    assert!(unit.unit.is_key && unit.unit.discontinuity && unit.new_parameter_sets);
    let format = stream.h264.format().unwrap();
    assert_eq!((format.width, format.height), (1920, 1080));
    stream.push(3600, true, P).unwrap();
    let unit = stream.pull();
    assert_eq!((unit.unit.data.to_vec(), unit.timestamp), (annex_b(&[P]), 3600));
    assert!(!unit.unit.is_key && !unit.unit.discontinuity && !unit.new_parameter_sets);
}

#[test]
fn pictures_before_the_first_key_picture_are_withheld() {
    let mut stream = Stream::new();
    stream.push(0, true, P).unwrap();
    stream.no_unit();
    assert_eq!(stream.h264.dropped(), 1);
}

#[test]
fn loss_withholds_until_the_next_key_picture() {
    let mut stream = Stream::running();
    stream.push(1, false, &fragment(true, false, 1, &P[1..])).unwrap();
    stream.push_after(Gap::More, 1, true, &fragment(false, true, 1, &[9])).unwrap();
    stream.push(2, true, P).unwrap();
    stream.no_unit();
    stream.push(3, true, IDR).unwrap();
    let unit = stream.pull();
    assert!(unit.unit.discontinuity && unit.unit.is_key);
    assert_eq!(unit.unit.data.to_vec(), annex_b(&[SPS, PPS, IDR]), "the last parameter sets come along");
    stream.push(4, true, P).unwrap();
    assert!(!stream.pull().unit.discontinuity);
    assert_eq!(stream.h264.dropped(), 2);
}

#[test]
fn a_key_picture_whose_first_slice_was_lost_is_not_shown() {
    let mut stream = Stream::running();
    let second = [0x65, 0x4d, 1, 2];
    stream.push_after(Gap::More, 1, true, &second).unwrap();
    stream.push(2, true, P).unwrap();
    stream.no_unit();
}

#[test]
fn a_lost_marker_costs_the_picture_before() {
    let mut stream = Stream::running();
    stream.push(1, false, P).unwrap();
    stream.push_after(Gap::More, 2, true, IDR).unwrap();
    assert_eq!(stream.pull().timestamp, 2);
    stream.no_unit();
}

#[test]
fn without_markers_the_timestamp_splits() {
    let mut stream = Stream::new();
    for (timestamp, nal) in [(0, SPS), (0, PPS), (0, IDR), (1, P), (1, P_SECOND), (2, P)] {
        stream.push(timestamp, false, nal).unwrap();
    }
    assert_eq!(stream.pull().unit.data.to_vec(), annex_b(&[SPS, PPS, IDR]));
    assert_eq!(stream.pull().unit.data.to_vec(), annex_b(&[P, P_SECOND]));
    stream.no_unit();
}

#[test]
fn markers_on_parameter_sets_and_sei_do_not_split() {
    let mut stream = Stream::new();
    let sei = [6, 5, 2, 1, 1, 0x80];
    for nal in [SPS, PPS, &sei] {
        stream.push(0, true, nal).unwrap();
        stream.no_unit();
    }
    stream.push(0, true, IDR).unwrap();
    assert_eq!(stream.pull().unit.data.to_vec(), annex_b(&[SPS, PPS, &sei, IDR]));
}

#[test]
fn parameter_sets_with_a_timestamp_of_their_own() {
    let mut stream = Stream::new();
    stream.push(0, true, SPS).unwrap();
    stream.push(1, true, PPS).unwrap();
    stream.push(2, true, IDR).unwrap();
    let unit = stream.pull();
    assert_eq!(unit.unit.data.to_vec(), annex_b(&[SPS, PPS, IDR]));
    assert!(unit.new_parameter_sets);
    assert_eq!(stream.h264.dropped(), 0);
}

#[test]
fn markers_on_every_slice_are_no_longer_trusted() {
    let mut stream = Stream::running();
    stream.push(1, true, P).unwrap();
    stream.pull();
    stream.push(1, true, P_SECOND).unwrap();
    for (timestamp, nal) in [(2, IDR), (2, P_SECOND), (3, P), (3, P_SECOND), (4, P)] {
        stream.push(timestamp, true, nal).unwrap();
    }
    assert_eq!(stream.pull().unit.data.to_vec(), annex_b(&[SPS, PPS, IDR, P_SECOND]));
    assert_eq!(stream.pull().unit.data.to_vec(), annex_b(&[P, P_SECOND]));
    stream.no_unit();
}

#[test]
fn start_codes_inside_a_payload() {
    let mut stream = Stream::new();
    let whole = annex_b(&[SPS, PPS, IDR]);
    stream.push(0, true, &whole[4..]).unwrap();
    let unit = stream.pull();
    assert_eq!(unit.unit.data.to_vec(), whole);
    assert!(unit.unit.is_key);
    // With a start code in front, in one packet and in fragments of type 0.
    stream.push(1, true, &whole).unwrap();
    assert_eq!(stream.pull().unit.data.to_vec(), whole);
    stream.push(2, false, &fragment(true, false, 0, &whole[1..9])).unwrap();
    stream.push(2, true, &fragment(false, true, 0, &whole[9..])).unwrap();
    assert_eq!(stream.pull().unit.data.to_vec(), whole);
}

#[test]
fn fragments_with_start_and_end_both_set() {
    let mut stream = Stream::running();
    stream.push(1, true, &fragment(true, true, 1, &P[1..])).unwrap();
    assert_eq!(stream.pull().unit.data.to_vec()[5..], P[1..]);
}

#[test]
fn fragments_without_an_end() {
    let mut stream = Stream::running();
    stream.push(1, false, &fragment(true, false, 1, &P[1..])).unwrap();
    stream.push(1, false, &fragment(true, false, 1, &P_SECOND[1..])).unwrap();
    stream.push(1, true, &fragment(false, false, 1, &[])).unwrap();
    assert_eq!(stream.pull().unit.data.len(), 8 + P.len() + P_SECOND.len());
}

#[test]
fn empty_fragments_and_packets_are_skipped() {
    let mut stream = Stream::running();
    stream.push(1, false, &[]).unwrap();
    stream.push(1, false, &fragment(false, false, 1, &[])).unwrap();
    stream.push(1, true, P).unwrap();
    assert_eq!(stream.pull().unit.data.to_vec(), annex_b(&[P]));
}

#[test]
fn a_type_that_changes_within_a_fragmented_unit() {
    let mut stream = Stream::running();
    stream.push(1, false, &fragment(true, false, 1, &P[1..])).unwrap();
    stream.push(1, true, &fragment(false, true, 5, &[9])).unwrap();
    let unit = stream.pull();
    assert_eq!(unit.unit.data.to_vec(), annex_b(&[&[0x61, 0x9a, 4, 5, 6, 9]]));
    assert!(!unit.unit.is_key);
}

#[test]
fn a_fragment_without_its_start_costs_the_picture() {
    let mut stream = Stream::running();
    let error = stream.push(1, true, &fragment(false, true, 1, &[9])).unwrap_err();
    assert_eq!(error.to_string(), "rtp packet 4 continues a fragmented unit that has not begun");
    stream.push(2, true, P).unwrap();
    stream.no_unit();
}

#[test]
fn key_pictures_without_parameter_sets_get_those_of_the_sdp() {
    let mut stream = Stream { h264: H264::new([SPS, b"junk", PPS]), sequence: 0 };
    stream.push(0, true, IDR).unwrap();
    let unit = stream.pull();
    assert_eq!(unit.unit.data.to_vec(), annex_b(&[SPS, PPS, IDR]));
    assert!(unit.new_parameter_sets);
}

#[test]
fn invalid_parameter_sets_of_the_sdp_are_not_used() {
    let mut stream = Stream { h264: H264::new([&[0x67, 0xff][..], &[0x68], &[]]), sequence: 0 };
    stream.push(0, true, IDR).unwrap();
    assert_eq!(stream.pull().unit.data.to_vec(), annex_b(&[IDR]));
}

#[test]
fn a_new_size_is_announced() {
    let mut stream = Stream::running();
    // Baseline 640x480.
    let small = [0x67, 0x42, 0x00, 0x1e, 0xf4, 0x05, 0x01, 0xec, 0x80];
    stream.push(1, false, &small).unwrap();
    stream.push(1, false, PPS).unwrap();
    stream.push(1, true, IDR).unwrap();
    let unit = stream.pull();
    assert!(unit.new_parameter_sets && !unit.unit.discontinuity);
    let format = stream.h264.format().unwrap();
    assert_eq!((format.profile, format.width, format.height), (66, 640, 480));
}

#[test]
fn an_endless_unit_is_capped() {
    let mut stream = Stream::running();
    let mut capped = 0;
    stream.push(1, false, &fragment(true, false, 1, &P[1..])).unwrap();
    let more = fragment(false, false, 1, &vec![1; 60_000]);
    for _ in 0..ACCESS_UNIT_MAX_BYTES / 60_000 + 10 {
        capped += u32::from(stream.push(1, false, &more).is_err());
    }
    assert_eq!(capped, 1);
    stream.push(2, true, IDR).unwrap();
    assert!(stream.pull().unit.discontinuity);
}

#[test]
fn recovery_points_are_key_pictures() {
    let mut stream = Stream::new();
    stream.push(0, false, &[6, 6, 1, 0xc4, 0x80]).unwrap();
    stream.push(0, true, P).unwrap();
    assert!(stream.pull().unit.is_key);
}

/// Issue 10, number 18: a camera joined in the middle of its stream that marks no key picture.
#[test]
fn intra_pictures_serve_if_no_key_picture_comes() {
    let mut stream = Stream::new();
    let intra = [0x41, 0x88, 1, 2];
    for timestamp in 0..20 {
        stream.push(timestamp, true, P).unwrap();
        stream.no_unit();
    }
    stream.push(20, true, &intra).unwrap();
    let unit = stream.pull();
    assert!(unit.unit.is_key && unit.unit.discontinuity);
    stream.push(21, true, P).unwrap();
    assert!(!stream.pull().unit.is_key);
    // The decoder may have to start again.
    stream.push(22, true, &intra).unwrap();
    let unit = stream.pull();
    assert!(unit.unit.is_key && !unit.unit.discontinuity);
}

#[test]
fn damaged_structures_are_named_in_the_error() {
    let mut stream = Stream::running();
    let error = stream.push(1, true, &[24, 0, 9, 0x41]).unwrap_err();
    assert_eq!(error.to_string(), "h264 stap-a in rtp packet 4 too short: 1 bytes, need 9");
    let error = stream.push(2, true, &[28]).unwrap_err();
    assert_eq!(error.to_string(), "h264 fu-a in rtp packet 5 too short: 1 bytes, need 2");
    let error = stream.push(3, true, &[25, 0, 0]).unwrap_err();
    assert_eq!(error.to_string(), "rtp packet 6: h264 packetization 25 is not supported");
}

#[test]
fn units_not_pulled_do_not_pile_up() {
    let mut stream = Stream::running();
    for timestamp in 1..100 {
        stream.push(timestamp, true, P).unwrap();
    }
    assert!(std::iter::from_fn(|| stream.h264.pull()).count() <= 4);
}

/// A picture that no other refers to: nal_ref_idc 0.
const B: &[u8] = &[0x01, 0x9e, 4, 5, 6];

#[test]
fn a_lost_packet_of_a_disposable_picture_costs_that_picture_alone() {
    // Within the picture, any number of packets.
    let mut stream = Stream::running();
    stream.push(1, false, &[&[0x1c, 0x81], &B[1..3]].concat()).unwrap();
    stream.push_after(Gap::More, 1, true, &[&[0x1c, 0x41], &B[3..]].concat()).unwrap();
    stream.no_unit();
    stream.push(2, true, P).unwrap();
    assert_eq!((stream.pull().timestamp, stream.h264.dropped()), (2, 1));

    // Its first packet: the second one names the picture.
    stream.push_after(Gap::One, 3, true, &[&[0x1c, 0x41], &B[3..]].concat()).unwrap();
    stream.no_unit();
    stream.push(4, true, P).unwrap();
    assert_eq!((stream.pull().timestamp, stream.h264.dropped()), (4, 2));

    // Its last packet: the next picture begins without a marker.
    stream.push(5, false, &[&[0x1c, 0x81], &B[1..3]].concat()).unwrap();
    stream.push_after(Gap::One, 6, true, P).unwrap();
    assert_eq!((stream.pull().timestamp, stream.h264.dropped()), (6, 3));
}

#[test]
fn losing_a_reference_picture_withholds_until_the_next_key_picture() {
    let first = |kind: u8, bytes: &[u8]| [&[0x5c, 0x80 | kind], bytes].concat();
    let last = |kind: u8, bytes: &[u8]| [&[0x5c, 0x40 | kind], bytes].concat();
    // A whole picture in one packet, which was lost.
    let mut stream = Stream::running();
    stream.push_after(Gap::One, 2, true, P).unwrap();
    stream.no_unit();
    // A reference picture's first, middle and last packets; two packets between two pictures.
    let mut stream = Stream::running();
    stream.push_after(Gap::One, 1, true, &last(1, &P[3..])).unwrap();
    stream.push(2, true, P).unwrap();
    stream.no_unit();
    let mut stream = Stream::running();
    stream.push(1, false, &first(1, &P[1..3])).unwrap();
    stream.push_after(Gap::One, 1, true, &last(1, &P[3..])).unwrap();
    stream.push(2, true, P).unwrap();
    stream.no_unit();
    let mut stream = Stream::running();
    stream.push(1, false, &first(1, &P[1..3])).unwrap();
    stream.push_after(Gap::One, 2, true, P).unwrap();
    stream.no_unit();
    let mut stream = Stream::running();
    stream.push(1, false, &[&[0x1c, 0x81], &B[1..3]].concat()).unwrap();
    stream.push_after(Gap::More, 2, true, P).unwrap();
    stream.no_unit();
    stream.push(3, true, IDR).unwrap();
    assert!(stream.pull().unit.discontinuity);
}

#[test]
fn a_unit_says_whether_it_can_be_left_out() {
    let mut stream = Stream::running();
    stream.push(1, true, B).unwrap();
    assert!(stream.pull().is_disposable);
    stream.push(2, true, P).unwrap();
    assert!(!stream.pull().is_disposable);
}
