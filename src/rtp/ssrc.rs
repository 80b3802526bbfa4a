//! Which synchronisation source is the camera.
//!
//! One SSRC passes: the announced one, else the first. An old live555 can put the data of another
//! client's session on a connection, so that another SSRC is not believed as such. But some cameras
//! (Uniview) begin a new one with every group of pictures, and RFC 3550 section 8.2 allows a new one
//! at any time. Another source is therefore taken
//!
//! - at once, where its first packet continues the sequence numbers and timestamps of the present one,
//!   or where the present one said goodbye;
//! - where it begins with a key picture and the present one is quiet for longer than pictures of it
//!   usually are apart; its packets are held until then, and nothing of it is lost. A camera that has
//!   done so a few times is believed at once;
//! - after [`SSRC_SILENCE`] of the present one, however it begins: what cameras announce in
//!   `Transport: ...;ssrc=` is often not what they send.
//!
//! If the source before speaks again beside the new one, the new one was a stranger's.

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

/// Lets the camera's source pass.
#[derive(Debug)]
pub(super) struct SsrcFilter {
    current: Option<u32>,
    /// When the present source was last heard; for an announced one, when that was.
    heard: Monotonic,
    newest: Option<Place>,
    /// When the newest picture began to arrive.
    picture_at: Option<Monotonic>,
    /// The longest recent distance between pictures.
    pace: Option<Duration>,
    /// When the present source said goodbye.
    goodbye: Option<Monotonic>,
    candidates: Candidates,
    /// Packets of a source that was taken, to be handed on.
    released: VecDeque<Held>,
    /// Sources that others were taken for, the last at the end.
    left: VecDeque<Left>,
    /// Sources that spoke beside the camera's.
    strangers: VecDeque<u32>,
    /// Sources taken for their key picture, none of them wrongly.
    changes: u32,
    reorders: bool,
    strays: u64,
}

#[derive(Debug)]
struct Left {
    ssrc: u32,
    newest: Place,
    /// When it spoke again.
    again: Option<Monotonic>,
}

/// What to do with a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is from the camera. Where its SSRC is new, earlier packets have nothing to do with it.
    Accept,
    /// It is from the camera, which has a new SSRC and goes on with it where it was.
    Continue,
    /// It is held back, or from somebody else.
    Ignore,
}

impl SsrcFilter {
    /// Begins with the announced SSRC. `reorders` says that packets can change places on their way.
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

    /// Judges a packet, of which `begin` says how its picture begins.
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
                    // It was not over: whatever spoke meanwhile is somebody else.
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

    /// The next packet of a source that was taken after its packets were held back.
    pub fn pull(&mut self, now: Monotonic) -> Option<Held> {
        self.release_due(now);
        self.released.pop_front()
    }

    /// When packets that are held back will be handed on, if the present source stays quiet.
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

    /// The present source has said that it ends.
    pub fn said_goodbye(&mut self, now: Monotonic) {
        self.goodbye.get_or_insert(now);
    }

    /// When the present source said that it ends, and no other has come since.
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

    /// The present source is over: another one is the camera.
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

    /// Whether a source that was left speaks beside the one that was taken for it. Then that one was
    /// a stranger's.
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

    /// Hands on what was held back for long enough.
    fn release_due(&mut self, now: Monotonic) {
        if self.deadline().is_some_and(|due| due <= now) {
            self.changes = self.changes.saturating_add(1);
            self.release();
        }
    }

    /// Hands on what is held back: its last source is the camera's from now on.
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

    /// Notes a packet of the present source; true where a picture begins with it.
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
