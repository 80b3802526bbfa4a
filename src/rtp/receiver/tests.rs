use super::*;
use crate::rtp::depacketize::H264;
use crate::rtp::limits::REORDER_WAIT;

const IDR: &[u8] = &[0x65, 0x88, 0x84, 1, 2, 3];
const P: &[u8] = &[0x41, 0x9a, 4, 5, 6];

fn at(ms: u64) -> Monotonic {
    Monotonic::since_zero(Duration::from_millis(ms))
}

fn receiver(reorder: bool) -> Receiver {
    let config = Config { payload_type: 96, clock_rate: 90_000, announced_ssrc: None, our_ssrc: 1, reorder };
    Receiver::new(config, Depacketizer::H264(H264::new([])), at(0))
}

/// A packet with a marker, whose timestamp follows from its sequence number.
fn packet(ssrc: u32, sequence: u16, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x80, 0xe0];
    packet.extend(sequence.to_be_bytes());
    packet.extend((u32::from(sequence) * 3600).to_be_bytes());
    packet.extend(ssrc.to_be_bytes());
    packet.extend(payload);
    packet
}

fn timestamps(receiver: &mut Receiver, ms: u64) -> Vec<u32> {
    std::iter::from_fn(|| receiver.pull(at(ms))).map(|unit| unit.timestamp / 3600).collect()
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
fn a_new_ssrc_after_silence_begins_anew() {
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
    assert!(!receiver.push_rtcp(&[0x81, 203, 0, 1, 0, 0, 0, 8], at(0)));
    assert!(!receiver.push_rtcp(b"nonsense", at(0)));
    assert!(receiver.push_rtcp(&[0x81, 203, 0, 1, 0, 0, 0, 7], at(0)));
    let counters = receiver.counters();
    assert_eq!((counters.stray_ssrcs, counters.bad), (1, 1));
}

#[test]
fn another_payload_type_than_the_announced_one_is_believed_where_that_never_comes() {
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
