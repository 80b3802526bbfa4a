//! In which order, and how fast, passwords are checked. Sans-IO: times in, turns out.
//!
//! Each connection waits with at most one request, so the ceiling of connections bounds this queue, and no
//! request can push out another: a waiting one only comes nearer. Reconnecting does not help either, as a
//! place is lost with its connection. Addresses that gave the right password before have a lane of their own,
//! and every other turn.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

use super::Digest;
use super::wrongs::Wrongs;
use crate::clock::Monotonic;
use crate::limits::{PASSWORD_TURN_MIN, PASSWORD_TURNS_WAIT_MAX};

/// A waiting password.
#[derive(Debug)]
pub struct Waiting<T> {
    id: u64,
    /// The client.
    pub address: IpAddr,
    /// The password's digest.
    pub digest: Digest,
    is_known: bool,
    /// The caller's data.
    pub more: T,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The queue is empty.
    Nothing,
    /// Wait until this moment.
    At(Monotonic),
    /// It is the turn of this id.
    Turn(u64),
}

/// The waiting passwords.
#[derive(Debug)]
pub struct Turns<T> {
    waiting: VecDeque<Waiting<T>>,
    by_address: HashMap<IpAddr, usize>,
    ids: u64,
    last: Option<Monotonic>,
    last_was_known: bool,
}

impl<T> Turns<T> {
    /// An empty queue.
    pub fn new() -> Self {
        Self {
            waiting: VecDeque::new(),
            by_address: HashMap::new(),
            ids: 0,
            last: None,
            last_was_known: false,
        }
    }

    /// The number waiting.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Takes a place at the end; returns its id.
    pub fn enter(&mut self, address: IpAddr, digest: Digest, is_known: bool, more: T) -> u64 {
        self.ids += 1;
        *self.by_address.entry(address).or_insert(0) += 1;
        self.waiting.push_back(Waiting { id: self.ids, address, digest, is_known, more });
        self.ids
    }

    /// Frees a place, if it still exists.
    pub fn leave(&mut self, id: u64) {
        if let Some(at) = self.waiting.iter().position(|it| it.id == id) {
            self.remove(at);
        }
    }

    /// A waiting password by its id.
    pub fn get(&self, id: u64) -> Option<&Waiting<T>> {
        self.waiting.iter().find(|it| it.id == id)
    }

    /// The one that has waited longest.
    pub fn first(&self) -> Option<&Waiting<T>> {
        self.waiting.front()
    }

    /// Whose turn it is.
    pub fn next(&self, wrongs: &Wrongs, now: Monotonic) -> Next {
        let Some(number) = u32::try_from(self.waiting.len()).ok().filter(|number| *number > 0) else {
            return Next::Nothing;
        };
        let interval = PASSWORD_TURN_MIN.min(PASSWORD_TURNS_WAIT_MAX / number);
        let free = self.last.map_or(now, |last| last + interval);
        if now < free {
            return Next::At(free);
        }
        let due = |it: &Waiting<T>| {
            wrongs.due(it.address, self.by_address.get(&it.address).copied().unwrap_or(1), now)
        };
        let mut due_of = HashMap::new();
        let (mut other_lane, mut soonest) = (None, None);
        for it in &self.waiting {
            let due = *due_of.entry(it.address).or_insert_with(|| due(it));
            if due > now {
                soonest = Some(soonest.map_or(due, |soonest: Monotonic| soonest.min(due)));
            } else if it.is_known != self.last_was_known {
                return Next::Turn(it.id);
            } else if other_lane.is_none() {
                other_lane = Some(it.id);
            }
        }
        match (other_lane, soonest) {
            (Some(id), _) => Next::Turn(id),
            (None, Some(soonest)) => Next::At(soonest),
            (None, None) => Next::Nothing,
        }
    }

    /// Starts the turn of `id`: the next one waits for its interval to pass.
    pub fn begin(&mut self, id: u64, now: Monotonic) {
        self.last = Some(now);
        self.last_was_known = self.get(id).is_some_and(|it| it.is_known);
    }

    /// Removes all that wait with the same password: they get the same answer.
    pub fn take(&mut self, digest: &Digest) -> Vec<Waiting<T>> {
        let mut taken = Vec::new();
        let mut at = 0;
        while at < self.waiting.len() {
            if self.waiting[at].digest == *digest {
                taken.extend(self.remove(at));
            } else {
                at += 1;
            }
        }
        taken
    }

    fn remove(&mut self, at: usize) -> Option<Waiting<T>> {
        let removed = self.waiting.remove(at)?;
        if let Some(count) = self.by_address.get_mut(&removed.address) {
            *count -= 1;
            if *count == 0 {
                self.by_address.remove(&removed.address);
            }
        }
        Some(removed)
    }
}

#[cfg(test)]
mod tests;
