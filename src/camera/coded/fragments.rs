//! The newest fragments, by position.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::units::{KEPT_MAX, KEPT_MAX_BYTES};
use crate::clock::Monotonic;
use crate::mp4::{Fragment, InitSegment, Muxer, Start, Unplayable};
use crate::video::AccessUnit;

/// How long pictures before the last start are kept, for viewers that are a little behind. One that is further
/// behind goes on with that start.
pub(super) const BEHIND_MAX: Duration = Duration::from_secs(1);

/// Makes fragments, once for all viewers, and keeps the newest.
#[derive(Debug, Default)]
pub(super) struct Fragments {
    muxer: Muxer,
    entries: VecDeque<Entry>,
    /// The position of the first entry.
    first: u64,
    bytes: usize,
    /// The position of the last start, if it is kept.
    start: Option<u64>,
    /// Where the stream broke off last, and why.
    fault: Option<(u64, Unplayable)>,
}

/// One picture.
#[derive(Debug)]
pub(super) struct Entry {
    pub fragment: Arc<Fragment>,
    /// What a viewer needs before it.
    pub init: Arc<InitSegment>,
    arrived: Monotonic,
}

/// What is at a position.
pub(super) enum At<'a> {
    Entry(&'a Entry),
    /// It was dropped.
    Gone,
    /// It is still to come.
    Ahead,
}

impl Fragments {
    /// Takes the next unit.
    pub fn push(&mut self, unit: &AccessUnit) {
        match self.muxer.push(unit) {
            Ok(Some(muxed)) => {
                if let Some(init) = self.muxer.init().cloned() {
                    let fragment = Arc::new(muxed.fragment);
                    self.append(Entry { fragment, init, arrived: unit.arrived });
                }
            }
            // Where it is damaged, it goes on with the next start.
            Ok(None) | Err(Unplayable::Damaged | Unplayable::ParametersChanged) => {}
            Err(why) => self.fault = Some((self.end(), why)),
        }
    }

    fn append(&mut self, entry: Entry) {
        let newest = entry.arrived;
        if entry.fragment.start == Start::Here {
            self.start = Some(self.end());
        }
        self.bytes += entry.fragment.bytes.len();
        self.entries.push_back(entry);
        while self.entries.len() > 1
            && self.entries.front().is_some_and(|first| self.is_too_old(newest.since(first.arrived)))
        {
            self.drop_first();
        }
    }

    fn is_too_old(&self, age: Duration) -> bool {
        let is_before_start = self.start.is_some_and(|start| self.first < start);
        self.bytes > KEPT_MAX_BYTES || age > KEPT_MAX || (is_before_start && age > BEHIND_MAX)
    }

    fn drop_first(&mut self) {
        if let Some(entry) = self.entries.pop_front() {
            self.bytes -= entry.fragment.bytes.len();
            self.first += 1;
        }
        self.start = self.start.filter(|start| *start >= self.first);
    }

    /// Forgets all pictures.
    pub fn clear(&mut self) {
        (self.first, self.start, self.bytes) = (self.end(), None, 0);
        self.entries.clear();
    }

    /// The position after the newest entry.
    fn end(&self) -> u64 {
        self.first + self.entries.len() as u64
    }

    pub fn at(&self, position: u64) -> At<'_> {
        match position.checked_sub(self.first) {
            None => At::Gone,
            Some(index) => self.entries.get(index as usize).map_or(At::Ahead, At::Entry),
        }
    }

    /// Position and init segment of the last start.
    pub fn start(&self) -> Option<(u64, &Arc<InitSegment>)> {
        let start = self.start?;
        match self.at(start) {
            At::Entry(entry) => Some((start, &entry.init)),
            At::Gone | At::Ahead => None,
        }
    }

    /// Why the stream broke off after the position at which a viewer began, and at or before the one at which
    /// it is.
    pub fn fault_between(&self, began: u64, position: u64) -> Option<Unplayable> {
        self.fault.filter(|(at, _)| began < *at && *at <= position).map(|(_, why)| why)
    }

    /// The last fault.
    pub fn fault(&self) -> Option<Unplayable> {
        self.fault.map(|(_, why)| why)
    }

    #[cfg(test)]
    pub fn count(&self) -> usize {
        self.entries.len()
    }

    #[cfg(test)]
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}
