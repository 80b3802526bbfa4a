//! Which synchronisation source is the camera.

use super::limits::SSRC_SILENCE;
use crate::clock::Monotonic;

/// Lets one SSRC pass: the announced one, else the first, until it has been silent for
/// [`SSRC_SILENCE`].
///
/// An old live555 can put the data of another client's session on a connection; and what cameras
/// announce in `Transport: ...;ssrc=` is often not what they send, so it is only a preference.
#[derive(Debug)]
pub(super) struct SsrcFilter {
    current: Option<u32>,
    heard: Monotonic,
}

/// What to do with a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is from the camera.
    Accept,
    /// It is from the camera, which has a new SSRC: earlier packets have nothing to do with it.
    Switch,
    /// It is from somebody else.
    Ignore,
}

impl SsrcFilter {
    pub fn new(announced: Option<u32>, now: Monotonic) -> Self {
        Self { current: announced, heard: now }
    }

    pub fn judge(&mut self, ssrc: u32, now: Monotonic) -> Verdict {
        let verdict = match self.current {
            Some(current) if current == ssrc => Verdict::Accept,
            Some(_) if now.since(self.heard) < SSRC_SILENCE => return Verdict::Ignore,
            Some(_) | None => Verdict::Switch,
        };
        (self.current, self.heard) = (Some(ssrc), now);
        verdict
    }

    pub fn current(&self) -> Option<u32> {
        self.current
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(ms: u64) -> Monotonic {
        Monotonic::since_zero(Duration::from_millis(ms))
    }

    #[test]
    fn the_first_source_is_kept_while_it_speaks() {
        let mut filter = SsrcFilter::new(None, at(0));
        assert_eq!(filter.judge(1, at(0)), Verdict::Switch);
        assert_eq!(filter.judge(1, at(500)), Verdict::Accept);
        assert_eq!(filter.judge(2, at(1400)), Verdict::Ignore);
        assert_eq!(filter.judge(2, at(1500)), Verdict::Switch);
        assert_eq!(filter.judge(1, at(1501)), Verdict::Ignore);
    }

    #[test]
    fn a_falsely_announced_source_delays_but_does_not_block() {
        let mut filter = SsrcFilter::new(Some(7), at(0));
        assert_eq!(filter.judge(8, at(900)), Verdict::Ignore);
        assert_eq!(filter.judge(8, at(1000)), Verdict::Switch);
        let mut filter = SsrcFilter::new(Some(7), at(0));
        assert_eq!(filter.judge(7, at(900)), Verdict::Accept);
    }
}
