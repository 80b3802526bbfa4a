//! Packets of sources that may turn out to be the camera's.

use std::collections::VecDeque;

use super::place::Place;
use crate::clock::Monotonic;
use crate::rtp::Packet;
use crate::rtp::depacketize::Begin;
use crate::rtp::limits::{SSRC_HELD_MAX_BYTES, SSRC_HELD_MAX_PACKETS};

/// A packet that was held back.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::rtp) struct Held {
    /// The packet as received.
    pub bytes: Vec<u8>,
    /// When it was received.
    pub arrived: Monotonic,
    ssrc: u32,
    place: Place,
    sequence: u16,
}

impl Held {
    /// Holds a packet.
    pub fn of(packet: &Packet<'_>, bytes: &[u8], arrived: Monotonic) -> Self {
        let (ssrc, sequence) = (packet.ssrc, packet.sequence);
        Self { bytes: bytes.to_vec(), arrived, ssrc, place: Place::of(packet), sequence }
    }
}

/// Holds the packets of a source from its key picture on, and of sources that replace it.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    held: VecDeque<Held>,
    bytes: usize,
    /// The last source among them has begun with a key picture; until then, only packets that may lead to one
    /// are held.
    is_key: bool,
}

impl Candidates {
    /// When the first packet was received.
    pub fn since(&self) -> Option<Monotonic> {
        self.held.front().map(|held| held.arrived)
    }

    /// Whether the last source has begun a key picture.
    pub fn is_key(&self) -> bool {
        self.is_key
    }

    /// Whether this is the last of the sources.
    pub fn is_last(&self, ssrc: u32) -> bool {
        self.held.back().is_some_and(|held| held.ssrc == ssrc)
    }

    /// Holds a packet if it may be the camera's; returns how many packets were dropped.
    pub fn offer(&mut self, packet: &Packet<'_>, bytes: &[u8], begin: Begin, now: Monotonic) -> u64 {
        if self.is_last(packet.ssrc) {
            if begin == Begin::Other && !self.is_key {
                return 1 + self.drop_last();
            }
            self.is_key |= begin == Begin::Key;
            self.hold(packet, bytes, now);
        } else if let Some(earlier) = self.held.iter().rev().find(|held| held.ssrc == packet.ssrc) {
            // Two sources that take turns are not one camera.
            return 1 + if earlier.place.is_before(packet) { self.drop_all() } else { 0 };
        } else if begin == Begin::Other {
            return 1;
        } else {
            let dropped = if self.is_key { 0 } else { self.drop_last() };
            self.is_key = begin == Begin::Key;
            self.hold(packet, bytes, now);
            return dropped;
        }
        let is_full = self.bytes > SSRC_HELD_MAX_BYTES || self.held.len() > SSRC_HELD_MAX_PACKETS;
        if is_full { self.drop_all() } else { 0 }
    }

    /// Takes all packets; those of each source are in the order in which they were sent.
    pub fn take(&mut self) -> impl ExactSizeIterator<Item = Held> + use<> {
        let mut held: Vec<_> = std::mem::take(&mut self.held).into();
        (self.bytes, self.is_key) = (0, false);
        for source in held.chunk_by_mut(|one, next| one.ssrc == next.ssrc) {
            let first = source[0].sequence;
            source.sort_by_key(|held| held.sequence.wrapping_sub(first) as i16);
        }
        held.into_iter()
    }

    fn hold(&mut self, packet: &Packet<'_>, bytes: &[u8], now: Monotonic) {
        self.bytes += bytes.len();
        self.held.push_back(Held::of(packet, bytes, now));
    }

    /// Drops the packets of the last source.
    fn drop_last(&mut self) -> u64 {
        let mut dropped = 0;
        let last = self.held.back().map(|held| held.ssrc);
        while let Some(held) = self.held.pop_back_if(|held| Some(held.ssrc) == last) {
            self.bytes -= held.bytes.len();
            dropped += 1;
        }
        self.is_key = !self.held.is_empty();
        dropped
    }

    fn drop_all(&mut self) -> u64 {
        self.take().len() as u64
    }
}
