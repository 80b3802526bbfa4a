//! The access units from the last start on.

use std::collections::VecDeque;
use std::time::Duration;

use crate::video::AccessUnit;

/// Bytes of the units that are kept, and again of the fragments that are made of them: 16 s of an ordinary
/// stream of 4 Mb/s. Of a longer group of pictures nothing is kept until the next start, and new viewers wait
/// for that.
pub(super) const KEPT_MAX_BYTES: usize = 8 << 20;

/// The time that they may span: longer than any camera's interval between key pictures, but for those that
/// send one to new clients alone.
pub(super) const KEPT_MAX: Duration = Duration::from_secs(15);

/// Units that begin with one that can be decoded alone, or none.
#[derive(Debug, Default)]
pub(super) struct Units {
    units: VecDeque<AccessUnit>,
    bytes: usize,
}

impl Units {
    pub fn push(&mut self, unit: AccessUnit) {
        let is_other = self.units.front().is_some_and(|first| first.codec != unit.codec);
        if is_other || unit.discontinuity || unit.starts_anew() {
            self.clear();
        }
        if self.units.is_empty() && !unit.is_key {
            return;
        }
        let newest = unit.arrived;
        self.bytes += unit.data.len();
        self.units.push_back(unit);
        while self.bytes > KEPT_MAX_BYTES
            || self.units.front().is_some_and(|first| newest.since(first.arrived) > KEPT_MAX)
        {
            self.drop_to_next_key();
        }
    }

    fn drop_to_next_key(&mut self) {
        let next = self.units.iter().skip(1).position(|unit| unit.is_key);
        let dropped = next.map_or(self.units.len(), |at| at + 1);
        self.bytes -= self.units.drain(..dropped).map(|unit| unit.data.len()).sum::<usize>();
    }

    pub fn clear(&mut self) {
        self.units.clear();
        self.bytes = 0;
    }

    pub fn iter(&self) -> impl Iterator<Item = &AccessUnit> {
        self.units.iter()
    }

    /// Those from the last one that decoding can begin with.
    pub fn units_since_key(&self) -> Vec<AccessUnit> {
        let key = self.units.iter().rposition(|unit| unit.is_key).unwrap_or_default();
        self.units.iter().skip(key).cloned().collect()
    }

    #[cfg(test)]
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}
