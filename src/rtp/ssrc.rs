//! Decides which synchronisation source is the camera.
//!
//! One SSRC passes: the announced one, else the first. An old live555 can put another client's session data
//! on a connection, so a new SSRC is not accepted as such. But some cameras (Uniview) begin a new one with
//! every group of pictures, and RFC 3550 section 8.2 allows a new one at any time. A new source is therefore
//! accepted
//!
//! - at once, if its first packet continues the sequence numbers and timestamps of the present one,
//!   or if the present one said goodbye;
//! - if it begins with a key picture and the present one is quiet for longer than its usual picture
//!   interval; its packets are held until then, and none is lost. After a few such changes, a camera's
//!   next one is accepted at once;
//! - after [`SSRC_SILENCE`] of the present one, however the new one begins: what cameras announce in
//!   `Transport: ...;ssrc=` is often not what they send.
//!
//! If the previous source sends again beside the new one, the new one was foreign.

mod candidates;
mod place;

use std::collections::VecDeque;
use std::time::Duration;

use super::Packet;
use super::depacketize::Begin;
use super::limits::{
    REORDER_WAIT, SSRC_CHANGES_TRUSTED, SSRC_QUIET_MIN, SSRC_SILENCE, SSRCS_LEFT_MAX, SSRCS_STRANGE_MAX,
};
use crate::clock::Monotonic;
use candidates::Candidates;
pub(super) use candidates::Held;
use place::Place;

/// Passes the camera's source.
#[derive(Debug)]
pub(super) struct SsrcFilter {
    current: Option<u32>,
    /// When the present source last sent; for an announced one that has not sent yet, when it was announced.
    heard: Monotonic,
    newest: Option<Place>,
    /// When the newest picture began to arrive.
    picture_at: Option<Monotonic>,
    /// The longest recent picture interval.
    pace: Option<Duration>,
    /// When the present source said goodbye.
    goodbye: Option<Monotonic>,
    candidates: Candidates,
    /// Packets of an accepted source, to be passed on.
    released: VecDeque<Held>,
    /// Sources that others replaced, the latest at the end.
    left: VecDeque<Left>,
    /// Sources that sent beside the camera's.
    strangers: VecDeque<u32>,
    /// Changes of source at key pictures since the last mistake.
    changes: u32,
    reorders: bool,
    strays: u64,
}

#[derive(Debug)]
struct Left {
    ssrc: u32,
    newest: Place,
    /// When it sent again.
    again: Option<Monotonic>,
}

/// What to do with a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is from the camera. If its SSRC is new, it does not continue earlier packets.
    Accept,
    /// It is from the camera, which continues its stream under a new SSRC.
    Continue,
    /// It is held back, or from another sender.
    Ignore,
}

impl SsrcFilter {
    /// Begins with the announced SSRC. `reorders` means that packets can arrive out of order.
    pub fn new(announced: Option<u32>, reorders: bool, now: Monotonic) -> Self {
        Self {
            current: announced,
            heard: now,
            newest: None,
            picture_at: None,
            pace: None,
            goodbye: None,
            candidates: Candidates::default(),
            released: VecDeque::new(),
            left: VecDeque::new(),
            strangers: VecDeque::new(),
            changes: 0,
            reorders,
            strays: 0,
        }
    }

    /// Judges a packet; `begin` describes how its picture begins.
    pub fn judge(
        &mut self,
        packet: &Packet<'_>,
        bytes: &[u8],
        begin: impl FnOnce() -> Begin,
        now: Monotonic,
    ) -> Verdict {
        if self.current != Some(packet.ssrc) {
            self.release_due(now);
        }
        let verdict = self.decide(packet, bytes, begin, now);
        if verdict == Verdict::Ignore || self.released.is_empty() {
            return verdict;
        }
        self.released.push_back(Held::of(packet, bytes, now));
        Verdict::Ignore
    }

    fn decide(
        &mut self,
        packet: &Packet<'_>,
        bytes: &[u8],
        begin: impl FnOnce() -> Begin,
        now: Monotonic,
    ) -> Verdict {
        match self.current {
            Some(current) if current == packet.ssrc => {
                if self.note(packet, now) && self.candidates.is_key() {
                    // The source had not ended: the one that sent meanwhile is foreign.
                    self.changes = 0;
                    self.drop_candidates();
                }
                return Verdict::Accept;
            }
            None => {
                self.change_to(packet.ssrc);
                self.note(packet, now);
                return Verdict::Accept;
            }
            Some(_) => {}
        }
        if self.newest.is_some_and(|newest| newest.is_continued_by(packet)) {
            self.drop_candidates();
            self.change_to(packet.ssrc);
            self.note(packet, now);
            return Verdict::Continue;
        }
        if self.goodbye.is_some() || now.since(self.heard) >= SSRC_SILENCE {
            return self.succeed(packet, bytes, now);
        }
        if self.strangers.contains(&packet.ssrc) {
            self.strays += 1;
            return Verdict::Ignore;
        }
        let begin = begin();
        if begin == Begin::Other && self.speaks_again(packet, now) {
            return Verdict::Accept;
        }
        self.strays += self.candidates.offer(packet, bytes, begin, now);
        Verdict::Ignore
    }

    /// The next packet of a source that was accepted after its packets were held back.
    pub fn pull(&mut self, now: Monotonic) -> Option<Held> {
        self.release_due(now);
        self.released.pop_front()
    }

    /// When held packets will be passed on, if the present source stays quiet.
    pub fn deadline(&self) -> Option<Monotonic> {
        let since = self.candidates.since()?;
        if !self.candidates.is_key() {
            return None;
        }
        if self.goodbye.is_some() {
            return Some(since);
        }
        if self.changes >= SSRC_CHANGES_TRUSTED {
            // The first packets may be out of order.
            return Some(if self.reorders { since + REORDER_WAIT } else { since });
        }
        let quiet = self.pace.map_or(SSRC_SILENCE, |pace| pace + pace / 2);
        Some(self.heard + quiet.clamp(SSRC_QUIET_MIN, SSRC_SILENCE))
    }

    /// Notes the goodbye of the present source.
    pub fn said_goodbye(&mut self, now: Monotonic) {
        self.goodbye.get_or_insert(now);
    }

    /// When the present source said goodbye, if no other has come since.
    pub fn goodbye(&self) -> Option<Monotonic> {
        self.goodbye
    }

    pub fn current(&self) -> Option<u32> {
        self.current
    }

    /// Packets of other sources.
    pub fn strays(&self) -> u64 {
        self.strays
    }

    /// Ends the present source: another one is the camera.
    fn succeed(&mut self, packet: &Packet<'_>, bytes: &[u8], now: Monotonic) -> Verdict {
        self.strangers.clear();
        if self.candidates.is_last(packet.ssrc) {
            self.strays += self.candidates.offer(packet, bytes, Begin::Key, now);
            self.release();
            return Verdict::Ignore;
        }
        self.drop_candidates();
        self.change_to(packet.ssrc);
        self.note(packet, now);
        Verdict::Accept
    }

    /// Whether a replaced source sends beside the one that replaced it. If so, the newer one was foreign.
    fn speaks_again(&mut self, packet: &Packet<'_>, now: Monotonic) -> bool {
        let Some(left) = self.left.iter_mut().find(|left| left.ssrc == packet.ssrc) else { return false };
        if !left.newest.is_before(packet) {
            return false;
        }
        left.newest = Place::of(packet);
        let began = *left.again.get_or_insert(now);
        if self.heard <= began {
            return false;
        }
        if self.strangers.len() == SSRCS_STRANGE_MAX {
            self.strangers.pop_front();
        }
        self.strangers.extend(self.current);
        self.changes = 0;
        self.drop_candidates();
        self.change_to(packet.ssrc);
        self.left.retain(|left| !self.strangers.contains(&left.ssrc));
        self.note(packet, now);
        true
    }

    /// Passes on packets held back for long enough.
    fn release_due(&mut self, now: Monotonic) {
        if self.deadline().is_some_and(|due| due <= now) {
            self.changes = self.changes.saturating_add(1);
            self.release();
        }
    }

    /// Passes on all held packets: their last source is the camera's from now on.
    fn release(&mut self) {
        for held in self.candidates.take() {
            if let Ok(packet) = Packet::parse(&held.bytes) {
                if self.current != Some(packet.ssrc) {
                    self.change_to(packet.ssrc);
                }
                self.note(&packet, held.arrived);
                self.released.push_back(held);
            }
        }
    }

    fn change_to(&mut self, ssrc: u32) {
        self.left.retain(|left| left.ssrc != ssrc);
        if let (Some(current), Some(newest)) = (self.current, self.newest) {
            if self.left.len() == SSRCS_LEFT_MAX {
                self.left.pop_front();
            }
            self.left.push_back(Left { ssrc: current, newest, again: None });
        }
        (self.current, self.newest, self.goodbye) = (Some(ssrc), None, None);
    }

    /// Notes a packet of the present source; true if a picture begins with it.
    fn note(&mut self, packet: &Packet<'_>, arrived: Monotonic) -> bool {
        self.heard = self.heard.max(arrived);
        self.goodbye = None;
        let is_picture = self.newest.is_none_or(|newest| newest.is_before(packet));
        if self.newest.is_none_or(|newest| newest.is_behind(packet.sequence)) {
            self.newest = Some(Place::of(packet));
        }
        if is_picture && let Some(before) = self.picture_at.replace(arrived) {
            let pace = self.pace.unwrap_or_default();
            self.pace = Some(arrived.since(before).max(pace.saturating_sub(pace / 16)));
        }
        is_picture
    }

    fn drop_candidates(&mut self) {
        self.strays += self.candidates.take().count() as u64;
    }
}

#[cfg(test)]
mod tests;
