//! Counts the packets, losses and jitter of one source.

use std::time::Duration;

use super::limits::{DROPOUT_MAX_PACKETS, MISORDER_MAX_PACKETS};
use crate::clock::Monotonic;

const SEQUENCES: u64 = 1 << 16;

/// Reception statistics of one SSRC. RFC 3550 appendix A.1 (sequence numbers), A.3 (loss), A.8
/// (jitter).
#[derive(Debug)]
pub(super) struct Source {
    clock_rate: u32,
    begin: Monotonic,
    first: u64,
    highest: u64,
    /// The sequence number that would confirm a restart of the source.
    restart: Option<u16>,
    received: u64,
    /// Packets expected and received before the last restart.
    lost_before: u64,
    prior: (u64, u64),
    transit: Option<i64>,
    /// Sixteen times the jitter, in units of the clock rate.
    jitter_16: u32,
}

/// The counted part of a receiver report block (RFC 3550 6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reception {
    /// The fraction of packets lost since the last report, in 256ths.
    pub fraction_lost: u8,
    /// Packets lost, as 24-bit two's complement.
    pub cumulative_lost: u32,
    /// Cycles and highest sequence number.
    pub highest_sequence: u32,
    /// In units of the clock rate.
    pub jitter: u32,
}

impl Source {
    pub fn new(clock_rate: u32, sequence: u16, now: Monotonic) -> Self {
        Self {
            clock_rate: clock_rate.max(1),
            begin: now,
            first: u64::from(sequence),
            highest: u64::from(sequence),
            restart: None,
            received: 0,
            lost_before: 0,
            prior: (0, 0),
            transit: None,
            jitter_16: 0,
        }
    }

    /// Counts a packet.
    pub fn received(&mut self, sequence: u16, timestamp: u32, now: Monotonic) {
        let ahead = sequence.wrapping_sub(self.highest as u16);
        if ahead < DROPOUT_MAX_PACKETS {
            self.highest += u64::from(ahead);
            self.restart = None;
        } else if ahead <= u16::MAX - MISORDER_MAX_PACKETS {
            if self.restart != Some(sequence) {
                self.restart = Some(sequence.wrapping_add(1));
                return;
            }
            self.begin_again(sequence);
        }
        self.received += 1;
        self.measure_jitter(timestamp, now);
    }

    /// Packets lost so far; duplicates do not make it negative.
    pub fn lost(&self) -> u64 {
        self.lost_before + self.expected().saturating_sub(self.received)
    }

    /// Interarrival jitter.
    pub fn jitter(&self) -> Duration {
        Duration::from_secs(1) * (self.jitter_16 >> 4) / self.clock_rate
    }

    /// The counts for a report; the next call's fraction starts here.
    pub fn report(&mut self) -> Reception {
        let (expected, received) = (self.expected(), self.received);
        let lost = expected as i64 - received as i64 + self.lost_before as i64;
        let interval = (expected.saturating_sub(self.prior.0), received.saturating_sub(self.prior.1));
        let interval_lost = interval.0.saturating_sub(interval.1);
        self.prior = (expected, received);
        Reception {
            fraction_lost: interval_lost.saturating_mul(256).checked_div(interval.0).unwrap_or(0).min(255)
                as u8,
            cumulative_lost: (lost.clamp(-0x80_0000, 0x7f_ffff) & 0xff_ffff) as u32,
            highest_sequence: self.highest as u32,
            jitter: self.jitter_16 >> 4,
        }
    }

    fn expected(&self) -> u64 {
        self.highest - self.first + 1
    }

    fn begin_again(&mut self, sequence: u16) {
        self.lost_before = self.lost();
        self.first = (self.highest / SEQUENCES + 1) * SEQUENCES + u64::from(sequence);
        self.highest = self.first;
        (self.received, self.prior, self.restart, self.transit) = (0, (0, 0), None, None);
    }

    fn measure_jitter(&mut self, timestamp: u32, now: Monotonic) {
        let arrival = now.since(self.begin).as_micros() as i64 * i64::from(self.clock_rate) / 1_000_000;
        let transit = arrival - i64::from(timestamp);
        if let Some(before) = self.transit.replace(transit) {
            // Timestamps wrap, and some cameras' jump by hours: such a step does not count as jitter.
            let step = (transit - before).unsigned_abs();
            if step < u64::from(self.clock_rate) * 10 {
                let jitter = u64::from(self.jitter_16);
                self.jitter_16 = (jitter + step - ((jitter + 8) >> 4)) as u32;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Monotonic {
        Monotonic::since_zero(Duration::from_millis(ms))
    }

    #[test]
    fn loss_across_the_wrap() {
        let mut source = Source::new(90_000, 65_534, at(0));
        for sequence in [65_534_u16, 65_535, 1, 2] {
            source.received(sequence, 0, at(0));
        }
        assert_eq!(source.lost(), 1);
        let report = source.report();
        assert_eq!((report.fraction_lost, report.cumulative_lost), (51, 1));
        assert_eq!(report.highest_sequence, 0x1_0002);
        source.received(3, 0, at(0));
        assert_eq!(source.report().fraction_lost, 0);
    }

    #[test]
    fn a_late_packet_is_no_longer_lost_and_a_duplicate_does_not_underflow() {
        let mut source = Source::new(90_000, 10, at(0));
        for sequence in [10, 12, 11, 11, 11] {
            source.received(sequence, 0, at(0));
        }
        assert_eq!(source.lost(), 0);
        assert_eq!(source.report().cumulative_lost, 0xff_fffe, "two duplicates: minus two");
    }

    #[test]
    fn a_restart_needs_two_packets_in_order() {
        let mut source = Source::new(90_000, 10, at(0));
        source.received(10, 0, at(0));
        source.received(40_000, 0, at(0));
        assert_eq!(source.report().highest_sequence, 10);
        source.received(40_001, 0, at(0));
        assert_eq!((source.report().highest_sequence, source.lost()), (0x1_0000 + 40_001, 0));
    }

    #[test]
    fn jitter_is_zero_at_an_even_rate_and_ignores_outliers() {
        let mut source = Source::new(90_000, 0, at(0));
        for packet in 0..50_u16 {
            source.received(packet, u32::from(packet) * 3600, at(u64::from(packet) * 40));
        }
        assert_eq!(source.jitter(), Duration::ZERO);
        source.received(50, 4_000_000_000, at(2000));
        assert_eq!(source.jitter(), Duration::ZERO);
        source.received(51, 4_000_000_000 + 3600, at(2080));
        assert!(source.jitter() > Duration::from_millis(2));
    }
}
