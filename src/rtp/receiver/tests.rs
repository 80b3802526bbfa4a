use super::*;
use crate::rtp::depacketize::H264;
use crate::rtp::limits::REORDER_WAIT;

const SPS: &[u8] = &[
    0x67, 0x64, 0x00, 0x28, 0xac, 0xd9, 0x40, 0x78, 0x02, 0x27, 0xe5, 0xc0, 0x44, 0x00, 0x00, 0x03, 0x00,
    0x04, 0x00, 0x00, 0x03, 0x00, 0xc8, 0x3c, 0x60, 0xc6, 0x58,
];
const IDR: &[u8] = &[0x65, 0x88, 0x84, 1, 2, 3];
const P: &[u8] = &[0x41, 0x9a, 4, 5, 6];

fn at(ms: u64) -> Monotonic {
    Monotonic::since_zero(Duration::from_millis(ms))
}

fn receiver(reorder: bool) -> Receiver {
    let config = Config {
        payload_type: 96,
        clock_rate: 90_000,
        announced_ssrc: None,
        our_ssrc: 1,
        reorder,
        key_request: Some(KeyRequest::Pli),
    };
    Receiver::new(config, Depacketizer::H264(H264::new([])), at(0))
}

/// A packet with a marker and a timestamp derived from its sequence number.
fn packet(ssrc: u32, sequence: u16, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x80, 0xe0];
    packet.extend(sequence.to_be_bytes());
    packet.extend((u32::from(sequence) * 3600).to_be_bytes());
    packet.extend(ssrc.to_be_bytes());
    packet.extend(payload);
    packet
}

fn timestamps(receiver: &mut Receiver, ms: u64) -> Vec<u32> {
    std::iter::from_fn(|| receiver.pull(at(ms))).map(|unit| unit.timestamp() / 3600).collect()
}

#[test]
fn over_tcp_a_gap_is_a_loss_at_once() {
    let mut receiver = receiver(false);
    let mut units = Vec::new();
    for (sequence, nal) in [(1, IDR), (2, P), (2, P), (4, P), (5, IDR), (6, P)] {
        receiver.push_rtp(&packet(7, sequence, nal), at(0));
        units.extend(timestamps(&mut receiver, 0));
    }
    assert_eq!(units, [1, 2, 5, 6]);
    let counters = receiver.counters();
    assert_eq!((counters.packets, counters.late, counters.units, counters.units_dropped), (6, 1, 4, 1));
}

#[test]
fn over_udp_packets_are_put_in_order_and_lost_ones_waited_for() {
    let mut receiver = receiver(true);
    let mut units = Vec::new();
    for (sequence, nal) in [(1, IDR), (3, P), (2, P), (5, P), (6, IDR)] {
        receiver.push_rtp(&packet(7, sequence, nal), at(0));
        units.extend(timestamps(&mut receiver, 0));
    }
    assert_eq!(units, [1, 2, 3]);
    assert_eq!(receiver.deadline(), at(0) + REORDER_WAIT);
    assert_eq!(timestamps(&mut receiver, 60), [6]);
    let counters = receiver.counters();
    assert_eq!((counters.lost, counters.reordered, counters.units_dropped), (1, 3, 1));
}

#[test]
fn strangers_are_ignored_and_counted() {
    let mut receiver = receiver(false);
    receiver.push_rtp(&packet(7, 1, IDR), at(0));
    receiver.push_rtp(&packet(8, 50, IDR), at(10));
    let mut audio = packet(7, 2, b"audio");
    audio[1] = 97;
    receiver.push_rtp(&audio, at(10));
    receiver.push_rtp(b"short", at(10));
    receiver.push_rtp(&packet(7, 2, P), at(20));
    assert_eq!(timestamps(&mut receiver, 20), [1, 2]);
    let counters = receiver.counters();
    assert_eq!((counters.stray_ssrcs, counters.stray_payload_types, counters.bad), (1, 1, 1));
    assert_eq!(receiver.last_error().unwrap().to_string(), "rtp packet too short: 5 bytes, need 12");
}

#[test]
fn a_new_ssrc_after_silence_starts_over() {
    for reorder in [false, true] {
        let mut receiver = receiver(reorder);
        let mut units = Vec::new();
        for (ssrc, sequence, nal, ms) in
            [(7, 1, IDR, 0), (7, 2, P, 0), (8, 900, P, 2000), (8, 901, IDR, 2000), (8, 902, P, 2000)]
        {
            receiver.push_rtp(&packet(ssrc, sequence, nal), at(ms));
            units.extend(timestamps(&mut receiver, ms));
        }
        assert_eq!(units, [1, 2, 901, 902]);
        assert_eq!(receiver.counters().lost, 0);
    }
}

/// Issue 10, number 18.
#[test]
fn a_key_picture_is_requested_if_none_comes() {
    let mut receiver = receiver(false);
    for n in 0..80_u16 {
        let ms = u64::from(n) * 40;
        receiver.push_rtp(&packet(7, n, P), at(ms));
        assert!(timestamps(&mut receiver, ms).is_empty());
        assert_eq!(receiver.key_awaited(), Some(at(0)));
        let request = receiver.key_request(at(ms));
        assert_eq!(request.is_some(), matches!(ms, 1000 | 2000 | 3000), "{ms}");
    }
    receiver.push_rtp(&packet(7, 80, IDR), at(3200));
    assert_eq!(timestamps(&mut receiver, 3200), [80]);
    assert_eq!((receiver.key_awaited(), receiver.key_request(at(9000))), (None, None));
}

#[test]
fn reports_are_due_after_one_second_and_then_every_five() {
    let mut receiver = receiver(false);
    receiver.push_rtp(&packet(7, 1, IDR), at(0));
    assert_eq!(receiver.report(at(999)), None);
    assert_eq!(receiver.deadline(), at(1000));
    let report = receiver.report(at(1000)).unwrap();
    assert_eq!(report[1], 201);
    assert_eq!(report[8..12], [0, 0, 0, 7]);
    assert_eq!(receiver.deadline(), at(6000));
}

#[test]
fn goodbye_counts_from_the_camera_only() {
    let mut receiver = receiver(false);
    receiver.push_rtp(&packet(7, 1, IDR), at(0));
    for bytes in [&[0x81, 203, 0, 1, 0, 0, 0, 8][..], b"nonsense"] {
        receiver.push_rtcp(bytes, at(0));
        assert_eq!(receiver.goodbye_deadline(), None);
    }
    receiver.push_rtcp(&[0x81, 203, 0, 1, 0, 0, 0, 7], at(5));
    assert_eq!(receiver.goodbye_deadline(), Some(at(5) + GOODBYE_WAIT));
    // It goes on under another SSRC.
    receiver.push_rtp(&packet(9, 400, IDR), at(6));
    assert_eq!((timestamps(&mut receiver, 6), receiver.goodbye_deadline()), (vec![1, 400], None));
    let counters = receiver.counters();
    assert_eq!((counters.stray_ssrcs, counters.bad), (1, 1));
}

#[test]
fn another_payload_type_is_accepted_if_the_announced_one_never_comes() {
    let of_type = |payload_type: u8, sequence, nal| {
        let mut packet = packet(7, sequence, nal);
        packet[1] = 0x80 | payload_type;
        packet
    };
    let mut receiver = receiver(false);
    for (ms, payload_type, sequence) in [(1999, 97, 1), (2000, 35, 2), (2000, 97, 3), (2040, 97, 4)] {
        receiver.push_rtp(&of_type(payload_type, sequence, IDR), at(ms));
    }
    assert_eq!(timestamps(&mut receiver, 2040), [3, 4]);
    // From then on it alone counts.
    receiver.push_rtp(&of_type(98, 5, IDR), at(9000));
    assert_eq!((receiver.counters().packets, receiver.counters().stray_payload_types), (2, 3));
}

/// Uniview: issue 10, number 17.
#[test]
fn a_new_ssrc_with_every_group_of_pictures() {
    for reorder in [false, true] {
        let mut receiver = receiver(reorder);
        let (mut units, mut ms) = (Vec::new(), 0);
        for group in 0..5_u16 {
            for n in 0..10 {
                ms += 40;
                let nal = if n == 0 { IDR } else { P };
                receiver.push_rtp(&packet(u32::from(group), 1000 * group + n, nal), at(ms));
                units.extend(timestamps(&mut receiver, ms));
            }
        }
        units.extend(timestamps(&mut receiver, ms + 100));
        let expected: Vec<_> = (0..5).flat_map(|group| (0..10).map(move |n| 1000 * group + n)).collect();
        assert_eq!(units, expected, "{reorder}");
        let counters = receiver.counters();
        assert_eq!((counters.lost, counters.stray_ssrcs, counters.units_dropped), (0, 0, 0));
    }
}

#[test]
fn how_a_stream_begins() {
    use crate::rtp::depacketize::{Begin, H265, Jpeg};
    let h264 = Depacketizer::H264(H264::new([]));
    let stap = |nals: &[&[u8]]| {
        let nal = |nal: &&[u8]| [&(nal.len() as u16).to_be_bytes()[..], nal].concat();
        [&[24], &nals.iter().flat_map(nal).collect::<Vec<_>>()[..]].concat()
    };
    for (payload, expected) in [
        (&[][..], Begin::Unknown),
        (&[0x09, 0xf0], Begin::Unknown),
        (SPS, Begin::Key),
        (IDR, Begin::Key),
        (P, Begin::Other),
        (&[&[0, 0, 0, 1], IDR].concat(), Begin::Key),
        // An intra picture, and the fragments of an IDR and of a P picture.
        (&[0x41, 0xb8, 0x84], Begin::Key),
        (&[0x7c, 0x85, 0x88], Begin::Key),
        (&[0x7c, 0x05, 1, 2], Begin::Key),
        (&[0x5c, 0x81, 0x9a], Begin::Other),
        (&[0x5c, 0x01, 0x88], Begin::Other),
        (&stap(&[&[0x09, 0xf0], SPS]), Begin::Key),
        (&stap(&[&[0x09, 0xf0], P]), Begin::Other),
        (&[24, 0], Begin::Unknown),
    ] {
        assert_eq!(h264.begin(payload), expected, "{payload:02x?}");
    }
    let h265 = Depacketizer::H265(H265::new([], false));
    for (payload, expected) in [
        (&[0x26, 1, 0xaf][..], Begin::Key),
        (&[0x02, 1, 0xd0], Begin::Other),
        (&[0x46, 1, 0x10], Begin::Unknown),
        (&[0x40, 1, 0x0c], Begin::Key),
        (&[0x62, 1, 0x93, 7], Begin::Key),
        (&[0x62, 1, 0x81, 7], Begin::Other),
        (&[0x60, 1, 0, 3, 0x26, 1, 0xaf], Begin::Key),
        (&[0x26], Begin::Unknown),
    ] {
        assert_eq!(h265.begin(payload), expected, "{payload:02x?}");
    }
    let jpeg = Depacketizer::Jpeg(Jpeg::new(None));
    assert_eq!(jpeg.begin(&[0, 0, 0, 0, 1, 60, 8, 6]), Begin::Key);
    assert_eq!(jpeg.begin(&[0, 0, 5, 0, 1, 60, 8, 6]), Begin::Other);
}

/// Bytes copied for packets in this order: those of the pictures, and those held back.
#[test]
fn datagrams_in_order_are_not_held_and_not_copied() {
    let copied = |order: [u16; 6]| {
        let mut receiver = receiver(true);
        let mut bytes = 0;
        for sequence in order {
            receiver.push_rtp(&packet(7, sequence, if sequence == 1 { IDR } else { P }), at(0));
            bytes += std::iter::from_fn(|| receiver.pull(at(0))).map(|it| it.bytes() as u64).sum::<u64>();
        }
        assert_eq!(receiver.counters().units, 6);
        receiver.counters().copied_bytes - bytes
    };
    assert_eq!(copied([1, 2, 3, 4, 5, 6]), 12 + IDR.len() as u64, "the first, before which one could come");
    let held = 2 * (12 + P.len() as u64);
    assert_eq!(
        copied([1, 2, 4, 3, 5, 6]) - (12 + IDR.len() as u64),
        held,
        "the one, and what filled the gap"
    );
}
