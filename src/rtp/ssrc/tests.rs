use std::time::Duration;

use super::*;

fn at(ms: u64) -> Monotonic {
    Monotonic::since_zero(Duration::from_millis(ms))
}

/// A filter, and the packets it passed.
struct Test {
    filter: SsrcFilter,
    passed: Vec<(u32, u16)>,
}

impl Test {
    fn new(announced: Option<u32>, reorders: bool) -> Self {
        Self { filter: SsrcFilter::new(announced, reorders, at(0)), passed: Vec::new() }
    }

    /// Pushes a packet: its source, number, timestamp and beginning.
    fn push(&mut self, ms: u64, ssrc: u32, sequence: u16, timestamp: u32, begin: Begin) -> Verdict {
        let mut bytes = vec![0x80, 0xe0];
        bytes.extend(sequence.to_be_bytes());
        bytes.extend(timestamp.to_be_bytes());
        bytes.extend(ssrc.to_be_bytes());
        let verdict = self.filter.judge(&Packet::parse(&bytes).unwrap(), &bytes, || begin, at(ms));
        if verdict != Verdict::Ignore {
            self.passed.push((ssrc, sequence));
        }
        self.pull(ms);
        verdict
    }

    fn pull(&mut self, ms: u64) {
        while let Some(held) = self.filter.pull(at(ms)) {
            let packet = Packet::parse(&held.bytes).unwrap();
            self.passed.push((packet.ssrc, packet.sequence));
        }
    }

    /// Pictures of one packet each, 40 ms apart, the first of which may be a key picture.
    fn group(&mut self, ms: u64, ssrc: u32, sequence: u16, count: u16, first: Begin) -> u64 {
        for n in 0..count {
            let begin = if n == 0 { first } else { Begin::Other };
            let time = ms + u64::from(n) * 40;
            self.pull(time);
            self.push(time, ssrc, sequence + n, ssrc * 1_000_000_000 + u32::from(n) * 3600, begin);
        }
        ms + u64::from(count) * 40
    }

    fn take_passed(&mut self) -> Vec<(u32, u16)> {
        std::mem::take(&mut self.passed)
    }
}

fn packets(ssrc: u32, sequence: u16, count: u16) -> Vec<(u32, u16)> {
    (sequence..sequence + count).map(|sequence| (ssrc, sequence)).collect()
}

/// Uniview: issue 10, number 17.
#[test]
fn a_source_that_begins_with_a_key_picture_replaces_one_that_is_quiet() {
    for announced in [None, Some(1)] {
        for reorders in [false, true] {
            let mut test = Test::new(announced, reorders);
            let mut ms = 0;
            let mut expected = Vec::new();
            // Two sources that take turns are not foreign either.
            for (ssrc, sequence) in [(1, 7), (2, 900), (3, 60_000), (1, 50), (2, 3), (3, 1), (1, 9_000)] {
                ms = test.group(ms, ssrc, sequence, 25, Begin::Key);
                expected.extend(packets(ssrc, sequence, 25));
            }
            test.pull(ms + 100);
            assert_eq!(test.take_passed(), expected, "{announced:?} {reorders}");
            assert_eq!(test.filter.strays(), 0);
        }
    }
}

#[test]
fn the_first_changes_wait_for_quiet_and_later_ones_do_not() {
    let mut test = Test::new(None, false);
    let mut ms = test.group(0, 1, 1, 25, Begin::Key);
    for ssrc in 2..=3 {
        test.take_passed();
        test.push(ms, ssrc, 1, 0, Begin::Key);
        assert_eq!(test.take_passed(), [], "{ssrc}");
        // One and a half times 40 ms after the last packet of the previous source.
        assert_eq!(test.filter.deadline(), Some(at(ms - 40 + 60)));
        test.pull(ms - 40 + 60);
        assert_eq!(test.take_passed(), [(ssrc, 1)]);
        ms = test.group(ms + 40, ssrc, 2, 25, Begin::Other);
    }
    test.take_passed();
    test.push(ms, 4, 1, 0, Begin::Key);
    assert_eq!(test.take_passed(), [(4, 1)]);
}

#[test]
fn a_source_that_continues_the_previous_one_is_accepted_at_once() {
    let mut test = Test::new(None, false);
    test.push(0, 1, 65_535, 5000, Begin::Key);
    assert_eq!(test.push(1, 2, 0, 8600, Begin::Other), Verdict::Continue);
    // Neither far away in time, nor with another number.
    assert_eq!(test.push(2, 3, 1, 8600 + (2 << 20), Begin::Other), Verdict::Ignore);
    assert_eq!(test.push(3, 3, 2, 8700, Begin::Other), Verdict::Ignore);
    assert_eq!(test.push(4, 2, 1, 12_200, Begin::Other), Verdict::Accept);
    assert_eq!(test.filter.strays(), 2);
}

#[test]
fn another_session_beside_the_camera_stays_out() {
    let mut test = Test::new(None, false);
    let mut stray = 0;
    for n in 0..500_u16 {
        let ms = u64::from(n) * 40;
        let begin = if n % 25 == 0 { Begin::Key } else { Begin::Other };
        test.push(ms, 1, 100 + n, u32::from(n) * 3600, begin);
        // Ahead and behind, in pieces, with the data in front of its pictures.
        for (piece, begin) in [(0, Begin::Unknown), (1, begin), (2, Begin::Other)] {
            test.push(ms + u64::from(n * 7 % 39), 2, 30_000 + n * 3 + piece, u32::from(n) * 3600, begin);
            stray += 1;
        }
    }
    assert_eq!(test.take_passed(), packets(1, 100, 500));
    // What is still held back is not counted yet.
    assert!(test.filter.strays() > stray - 80, "{} of {stray}", test.filter.strays());
}

#[test]
fn a_source_that_speaks_again_beside_its_successor_is_the_camera() {
    let mut test = Test::new(None, false);
    let ms = test.group(0, 1, 1, 25, Begin::Key);
    // It stalls for a moment, and another session's key picture comes just then.
    test.group(ms, 2, 1, 5, Begin::Key);
    assert_eq!(test.filter.current(), Some(2));
    let mut passed = Vec::new();
    for n in 0..50_u16 {
        let time = ms + 200 + u64::from(n) * 40;
        let begin = if n % 10 == 9 { Begin::Key } else { Begin::Other };
        test.take_passed();
        test.push(time, 1, 26 + n, u32::from(n) * 3600, Begin::Other);
        test.push(time + 10, 2, 6 + n, u32::from(n + 5) * 3600, begin);
        passed.extend(test.take_passed());
    }
    assert_eq!(passed[0], (2, 6), "not known yet");
    assert_eq!(passed[1..], packets(1, 27, 49), "and from then on never again");
}

#[test]
fn sources_of_one_picture_each() {
    let mut test = Test::new(None, false);
    for n in 0..100 {
        test.push(u64::from(n) * 40, n, 7, n * 999_999, Begin::Key);
    }
    let passed = test.take_passed();
    assert_eq!(passed, (0..100).map(|ssrc| (ssrc, 7)).collect::<Vec<_>>());
}

#[test]
fn data_in_front_of_a_key_picture_is_kept_even_out_of_order() {
    let mut test = Test::new(None, true);
    let ms = test.group(0, 1, 1, 25, Begin::Key);
    test.take_passed();
    for (sequence, begin) in
        [(11, Begin::Unknown), (10, Begin::Unknown), (13, Begin::Key), (12, Begin::Other)]
    {
        test.push(ms, 2, sequence, 0, begin);
    }
    test.pull(ms + 60);
    assert_eq!(test.take_passed(), packets(2, 10, 4));
}

#[test]
fn a_falsely_announced_source_delays_but_does_not_block() {
    let mut test = Test::new(Some(7), false);
    test.push(100, 8, 1, 0, Begin::Other);
    test.push(900, 8, 2, 3600, Begin::Key);
    test.push(999, 8, 3, 7200, Begin::Other);
    assert_eq!(test.take_passed(), []);
    test.pull(1000);
    assert_eq!(test.take_passed(), [(8, 2), (8, 3)], "its key picture was kept");
    let mut test = Test::new(Some(7), false);
    assert_eq!(test.push(900, 7, 1, 0, Begin::Key), Verdict::Accept);
}

#[test]
fn after_a_second_of_silence_or_a_goodbye_any_source_is_accepted() {
    let mut test = Test::new(None, false);
    test.push(0, 1, 1, 0, Begin::Key);
    test.push(500, 1, 2, 3600, Begin::Other);
    assert_eq!(test.push(1499, 2, 1, 0, Begin::Other), Verdict::Ignore);
    assert_eq!(test.push(1500, 2, 2, 3600, Begin::Other), Verdict::Accept);
    assert_eq!(test.push(1501, 1, 4, 7200, Begin::Other), Verdict::Ignore);
    test.filter.said_goodbye(at(1510));
    assert_eq!(test.filter.goodbye(), Some(at(1510)));
    assert_eq!(test.push(1511, 3, 1, 0, Begin::Other), Verdict::Accept);
    assert_eq!(test.filter.goodbye(), None);
}

#[test]
fn held_packets_are_bounded() {
    let mut test = Test::new(None, false);
    test.push(0, 1, 1, 0, Begin::Key);
    for n in 0..3 * crate::rtp::limits::SSRC_HELD_MAX_PACKETS {
        test.push(1, 2, n as u16, 0, Begin::Key);
    }
    assert!(test.filter.candidates.take().len() <= crate::rtp::limits::SSRC_HELD_MAX_PACKETS);
    for ssrc in 3..100_000 {
        test.push(1, ssrc, 5, 0, Begin::Unknown);
    }
    assert!(test.filter.candidates.take().len() <= 1);
}
