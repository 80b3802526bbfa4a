use std::time::Duration;

use super::*;
use crate::clock::Monotonic;
use crate::rtp::{Gap, VideoPicture};

const VPS: &[u8] = &[0x40, 0x01, 0x0c, 0x01, 0xff, 0xff, 0x01, 0x60];
const SPS: &[u8] = &[
    0x42, 0x01, 0x01, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00, 0x03, 0x00,
    0x78, 0xa0, 0x03, 0xc0, 0x80, 0x10, 0xe5, 0x96, 0x56, 0x69, 0x24, 0xca, 0xe0,
];
const PPS: &[u8] = &[0x44, 0x01, 0xc1, 0x72, 0xb4, 0x62, 0x40];
const IDR: &[u8] = &[0x26, 0x01, 0xaf, 1, 2, 3];
const CRA: &[u8] = &[0x2a, 0x01, 0xaf, 1, 2, 3];
const RASL: &[u8] = &[0x12, 0x01, 0xaf, 4, 5];
const TRAIL: &[u8] = &[0x02, 0x01, 0xd0, 4, 5];

fn push(
    h265: &mut H265,
    loss: bool,
    timestamp: u32,
    marker: bool,
    payload: &[u8],
) -> Result<Option<VideoPicture>, Error> {
    let sequence = timestamp as u16;
    let packet = Packet { sequence, timestamp, marker, payload_type: 96, ssrc: 1, extension: None, payload };
    h265.push(&packet, gap(loss), Monotonic::since_zero(Duration::ZERO))?;
    Ok(h265.pull())
}

fn annex_b(nals: &[&[u8]]) -> Vec<u8> {
    nals.iter().flat_map(|nal| [&[0, 0, 0, 1], *nal].concat()).collect()
}

fn aggregate(nals: &[&[u8]]) -> Vec<u8> {
    let units = nals.iter().flat_map(|nal| [&(nal.len() as u16).to_be_bytes(), *nal].concat());
    [0x60, 0x01].into_iter().chain(units).collect()
}

fn fragment(flags: u8, nal: &[u8], payload: &[u8]) -> Vec<u8> {
    [&[0x62, 0x01, flags | (nal[0] >> 1 & 0x3f)], payload].concat()
}

#[test]
fn aggregates_fragments_and_single_units() {
    let mut h265 = H265::new([], false);
    assert_eq!(push(&mut h265, false, 0, false, &aggregate(&[VPS, SPS, PPS])), Ok(None));
    assert_eq!(push(&mut h265, false, 0, false, &fragment(0x80, IDR, &IDR[2..4])), Ok(None));
    let unit = push(&mut h265, false, 0, true, &fragment(0x40, IDR, &IDR[4..])).unwrap().unwrap();
    assert_eq!(unit.unit.data.to_vec(), annex_b(&[VPS, SPS, PPS, IDR]));
    assert!(unit.unit.is_key && unit.unit.discontinuity && unit.new_parameter_sets);
    let format = h265.format().unwrap();
    assert_eq!((format.codec, format.width, format.height), (Codec::H265, 1920, 1080));
    let unit = push(&mut h265, false, 1, true, TRAIL).unwrap().unwrap();
    assert_eq!((unit.unit.data.to_vec(), unit.unit.is_key), (annex_b(&[TRAIL]), false));
}

#[test]
fn leading_pictures_after_a_gap_are_withheld_until_they_are_whole() {
    let mut h265 = H265::new([VPS, SPS, PPS], false);
    assert!(push(&mut h265, false, 0, true, IDR).unwrap().is_some());
    assert_eq!(push(&mut h265, true, 1, true, TRAIL), Ok(None));
    let unit = push(&mut h265, false, 2, true, CRA).unwrap().unwrap();
    assert!(unit.unit.discontinuity);
    assert_eq!(unit.unit.data.to_vec(), annex_b(&[VPS, SPS, PPS, CRA]));
    assert_eq!(push(&mut h265, false, 3, true, RASL), Ok(None));
    assert!(push(&mut h265, false, 4, true, TRAIL).unwrap().is_some());
    assert!(push(&mut h265, false, 5, true, CRA).unwrap().is_some_and(|unit| !unit.unit.discontinuity));
    assert!(push(&mut h265, false, 6, true, RASL).unwrap().is_some());
}

#[test]
fn decoding_order_numbers_are_skipped() {
    let mut h265 = H265::new([], true);
    let single = [&IDR[..2], &[0, 1], &IDR[2..]].concat();
    assert_eq!(push(&mut h265, false, 0, true, &single).unwrap().unwrap().unit.data[..], annex_b(&[IDR]));
    let pair = [&[0x60, 1, 0, 2, 0, TRAIL.len() as u8], TRAIL, &[0, 0, TRAIL.len() as u8], TRAIL].concat();
    let unit = push(&mut h265, false, 1, true, &pair).unwrap().unwrap();
    assert_eq!(unit.unit.data.to_vec(), annex_b(&[TRAIL, TRAIL]));
    let start = [&fragment(0x80, TRAIL, &[0, 3])[..], &TRAIL[2..3]].concat();
    push(&mut h265, false, 2, false, &start).unwrap();
    let unit = push(&mut h265, false, 2, true, &fragment(0x40, TRAIL, &TRAIL[3..])).unwrap().unwrap();
    assert_eq!(unit.unit.data.to_vec(), annex_b(&[TRAIL]));
}

#[test]
fn damaged_structures_are_named_in_the_error() {
    let mut h265 = H265::new([], false);
    let error = push(&mut h265, false, 7, true, &[0x60, 1, 0, 9, 1]).unwrap_err();
    assert_eq!(error.to_string(), "h265 aggregation packet in rtp packet 7 too short: 1 bytes, need 9");
    let error = push(&mut h265, false, 8, true, &[0x62, 1]).unwrap_err();
    assert_eq!(error.to_string(), "h265 fragmentation unit in rtp packet 8 too short: 2 bytes, need 3");
    let error = push(&mut h265, false, 9, true, &[0x26]).unwrap_err();
    assert_eq!(error.to_string(), "h265 nal unit in rtp packet 9 too short: 1 bytes, need 2");
    let error = push(&mut h265, false, 10, true, &[0x64, 1, 0]).unwrap_err();
    assert_eq!(error.to_string(), "rtp packet 10: h265 packetization 50 is not supported");
    let end = fragment(0x40, IDR, &[1]);
    assert_eq!(push(&mut h265, false, 11, true, &end), Ok(None), "withheld anyway");
    assert!(push(&mut h265, false, 12, true, IDR).unwrap().is_some());
    let error = push(&mut h265, false, 13, true, &end).unwrap_err();
    assert_eq!(error, Error::FragmentWithoutStart { sequence: 13 });
}

fn gap(loss: bool) -> Gap {
    if loss { Gap::More } else { Gap::None }
}
