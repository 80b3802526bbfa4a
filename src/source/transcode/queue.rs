//! Units that wait for the decoder: as few and as young as live pictures need.

use std::collections::VecDeque;
use std::time::Duration;

use crate::clock::Monotonic;
use crate::video::AccessUnit;

/// The age of a waiting unit at which it is dropped with all behind it, up to the next key unit: better a gap
/// than an old picture. A camera's burst at the start of a stream is decoded faster than this.
pub(super) const LAG_MAX: Duration = Duration::from_millis(500);

/// The age at which unreferenced pictures are skipped: about three pictures of an ordinary camera.
pub(super) const LAG_OF_ALL_MAX: Duration = Duration::from_millis(120);

/// Waiting units. Cameras send the last second or two at once when a stream starts.
const UNITS_MAX: usize = 64;

/// Bytes of waiting units: four of the largest that a depacketizer gives.
const BYTES_MAX: usize = 32 << 20;

/// Units in decoding order.
#[derive(Debug, Default)]
pub(super) struct Queue {
    units: VecDeque<AccessUnit>,
    bytes: usize,
    /// Units before all others, decoded as fast as that goes. Their bytes are those of the camera's track.
    ahead: VecDeque<AccessUnit>,
    /// When the last of them was taken.
    ahead_until: Option<Monotonic>,
    /// Units were dropped: up to the next key unit none can be decoded.
    needs_key: bool,
}

/// The fate of a unit.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pushed {
    /// It will be decoded.
    pub is_accepted: bool,
    /// Dropped units, including this one.
    pub dropped: u64,
}

impl Queue {
    pub fn push(&mut self, mut unit: AccessUnit, now: Monotonic) -> Pushed {
        let lags = self.units.front().is_some_and(|first| self.lag(first, now) > LAG_MAX);
        let is_full = self.units.len() >= UNITS_MAX || self.bytes + unit.data.len() > BYTES_MAX;
        let mut dropped = 0;
        if lags || is_full {
            dropped = self.units.len() as u64;
            self.clear();
            self.needs_key = true;
        }
        if self.needs_key && !unit.is_key {
            return Pushed { is_accepted: false, dropped: dropped + 1 };
        }
        unit.discontinuity |= std::mem::take(&mut self.needs_key);
        self.bytes += unit.data.len();
        self.units.push_back(unit);
        Pushed { is_accepted: true, dropped }
    }

    /// How long a unit has waited for the decoder, but for the time that units ahead of it took.
    fn lag(&self, unit: &AccessUnit, now: Monotonic) -> Duration {
        if !self.ahead.is_empty() {
            return Duration::ZERO;
        }
        now.since(self.ahead_until.map_or(unit.arrived, |until| until.max(unit.arrived)))
    }

    /// Begins with these units, which arrived before.
    pub fn begin_with(&mut self, units: Vec<AccessUnit>) {
        self.ahead = units.into();
    }

    pub fn pop(&mut self, now: Monotonic) -> Option<AccessUnit> {
        if let Some(unit) = self.ahead.pop_front() {
            self.ahead_until = Some(now);
            return Some(unit);
        }
        let unit = self.units.pop_front()?;
        self.bytes -= unit.data.len();
        Some(unit)
    }

    /// Drops all units.
    pub fn clear(&mut self) {
        self.units.clear();
        self.ahead.clear();
        self.bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::video::Codec;

    fn at(ms: u64) -> Monotonic {
        Monotonic::since_zero(Duration::from_millis(ms))
    }

    fn unit(ms: u64, is_key: bool, bytes: usize) -> AccessUnit {
        AccessUnit {
            is_hidden: false,
            codec: Codec::H264,
            data: vec![0; bytes].into(),
            arrived: at(ms),
            is_key,
            discontinuity: false,
        }
    }

    const ACCEPTED: Pushed = Pushed { is_accepted: true, dropped: 0 };

    #[test]
    fn units_that_waited_too_long_are_dropped_up_to_the_next_key_unit() {
        let mut queue = Queue::default();
        assert_eq!(queue.push(unit(0, true, 9), at(0)), ACCEPTED);
        assert_eq!(queue.push(unit(500, false, 9), at(500)), ACCEPTED, "just in time");
        assert_eq!(queue.push(unit(501, false, 9), at(501)), Pushed { is_accepted: false, dropped: 3 });
        assert!(queue.pop(at(0)).is_none());
        assert_eq!(queue.push(unit(540, false, 9), at(540)), Pushed { is_accepted: false, dropped: 1 });
        assert_eq!(queue.push(unit(580, true, 9), at(580)), ACCEPTED);
        assert_eq!(queue.push(unit(620, true, 9), at(620)), ACCEPTED);
        assert!(queue.pop(at(0)).unwrap().discontinuity, "the decoder must forget what was before");
        assert!(!queue.pop(at(0)).unwrap().discontinuity);
        assert_eq!(queue.push(unit(5000, false, 9), at(5000)), ACCEPTED, "idle is not late");
    }

    #[test]
    fn units_ahead_come_first_and_their_time_does_not_count_as_lag() {
        let mut queue = Queue::default();
        queue.begin_with(vec![unit(0, true, 9), unit(40, false, 9)]);
        assert_eq!(queue.push(unit(80, false, 9), at(80)), ACCEPTED);
        assert_eq!(queue.push(unit(700, false, 9), at(700)), ACCEPTED, "the decoder is not there yet");
        assert_eq!(queue.pop(at(700)).unwrap().arrived, at(0));
        assert_eq!(queue.pop(at(900)).unwrap().arrived, at(40));
        assert_eq!(queue.push(unit(1400, false, 9), at(1400)), ACCEPTED, "it has had 500 ms");
        assert_eq!(queue.push(unit(1401, false, 9), at(1401)), Pushed { is_accepted: false, dropped: 4 });
    }

    #[test]
    fn units_and_bytes_are_bounded() {
        let mut queue = Queue::default();
        for _ in 0..UNITS_MAX {
            assert_eq!(queue.push(unit(0, true, 9), at(0)), ACCEPTED);
        }
        assert_eq!(
            queue.push(unit(0, true, 9), at(0)),
            Pushed { is_accepted: true, dropped: UNITS_MAX as u64 }
        );
        assert_eq!(queue.push(unit(0, false, BYTES_MAX), at(0)), Pushed { is_accepted: false, dropped: 2 });
        assert_eq!((queue.bytes, queue.units.len()), (0, 0));
    }
}
