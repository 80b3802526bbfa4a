//! Restores the order of datagrams.

use std::collections::BTreeMap;

use super::Gap;
use super::limits::{
    DROPOUT_MAX_PACKETS, MISORDER_MAX_PACKETS, REORDER_BYTES_MAX, REORDER_PACKETS_MAX, REORDER_WAIT,
};
use crate::clock::Monotonic;

/// A packet in order.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ordered {
    /// The packet as received.
    pub bytes: Vec<u8>,
    /// When it was received.
    pub arrived: Monotonic,
    /// Packets lost between the previous one and this.
    pub gap: Gap,
}

/// Holds packets back while an earlier one is missing; bounded in packets, bytes and time.
#[derive(Debug, Default)]
pub(super) struct Reorder {
    /// Position of the packet that comes next; its low 16 bits are the sequence number.
    next: Option<u64>,
    held: BTreeMap<u64, (Vec<u8>, Monotonic)>,
    held_bytes: usize,
    /// The sequence number that would confirm a restart of the source.
    restart: Option<u16>,
    /// The source began again, and how many packets were lost is unknown.
    restarted: bool,
    /// Packets that arrived after their turn, or twice.
    pub late: u64,
    /// Packets that arrived before their turn.
    pub early: u64,
    /// Bytes of packets held back.
    pub copied_bytes: u64,
}

impl Reorder {
    /// Whether a packet is the next in order while nothing is held: it can be [`pass`](Self::pass)ed instead
    /// of pushed.
    pub fn passes(&self, sequence: u16) -> bool {
        self.held.is_empty() && self.next.is_some_and(|next| next as u16 == sequence)
    }

    /// Passes the next packet by; returns the gap before it.
    pub fn pass(&mut self) -> Gap {
        self.restart = None;
        self.next = self.next.map(|next| next + 1);
        if std::mem::take(&mut self.restarted) { Gap::More } else { Gap::None }
    }

    /// Takes a packet; drain [`pull`](Self::pull) afterwards.
    pub fn push(&mut self, sequence: u16, bytes: &[u8], now: Monotonic) {
        // Starts one cycle up, so that a late packet's position does not become negative.
        let next = *self.next.get_or_insert(u64::from(sequence) + (1 << 16));
        let ahead = sequence.wrapping_sub(next as u16);
        let position = if ahead < DROPOUT_MAX_PACKETS {
            self.early += u64::from(ahead > 0);
            self.restart = None;
            next + u64::from(ahead)
        } else if ahead > u16::MAX - MISORDER_MAX_PACKETS {
            self.late += 1;
            return;
        } else if self.restart == Some(sequence) {
            self.begin_again(sequence);
            u64::from(sequence) + (1 << 16)
        } else {
            self.restart = Some(sequence.wrapping_add(1));
            return;
        };
        if let Some((before, _)) = self.held.insert(position, (bytes.to_vec(), now)) {
            self.held_bytes -= before.len();
            self.late += 1;
        }
        self.held_bytes += bytes.len();
        self.copied_bytes += bytes.len() as u64;
    }

    /// Takes the next packet in order, or the one after a gap that has lasted long enough.
    pub fn pull(&mut self, now: Monotonic) -> Option<Ordered> {
        let entry = self.held.first_entry()?;
        let next = self.next?;
        let missing = entry.key().saturating_sub(next);
        let full = self.held_bytes > REORDER_BYTES_MAX || self.held_over();
        if missing > 0 && !full && now < self.deadline()? {
            return None;
        }
        let (position, (bytes, arrived)) = self.held.pop_first()?;
        self.held_bytes -= bytes.len();
        self.next = Some(position + 1);
        let gap = if std::mem::take(&mut self.restarted) { Gap::More } else { Gap::of(missing) };
        Some(Ordered { bytes, arrived, gap })
    }

    /// Forgets the packets so far: the one with this sequence number is the first of a new source.
    pub fn begin_again(&mut self, sequence: u16) {
        self.held.clear();
        self.held_bytes = 0;
        self.restart = None;
        self.restarted |= self.next.is_some();
        self.next = Some(u64::from(sequence) + (1 << 16));
    }

    /// When to stop waiting for the missing packet.
    pub fn deadline(&self) -> Option<Monotonic> {
        // Arrival times follow the waiting time, not the position: the oldest of at most 64 decides.
        self.held.values().map(|(_, arrived)| *arrived).min().map(|oldest| oldest + REORDER_WAIT)
    }

    fn held_over(&self) -> bool {
        self.held.len() > REORDER_PACKETS_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn at(ms: u64) -> Monotonic {
        Monotonic::since_zero(Duration::from_millis(ms))
    }

    fn push(reorder: &mut Reorder, sequence: u16, ms: u64) {
        reorder.push(sequence, &sequence.to_be_bytes(), at(ms));
    }

    fn drain(reorder: &mut Reorder, ms: u64) -> Vec<(u16, bool)> {
        std::iter::from_fn(|| reorder.pull(at(ms)))
            .map(|packet| (u16::from_be_bytes([packet.bytes[0], packet.bytes[1]]), packet.gap != Gap::None))
            .collect()
    }

    #[test]
    fn swapped_packets_across_the_wrap() {
        let mut reorder = Reorder::default();
        let mut pulled = Vec::new();
        for sequence in [65_534, 0, 65_535, 1] {
            push(&mut reorder, sequence, 0);
            pulled.extend(drain(&mut reorder, 0));
        }
        assert_eq!(pulled, [(65_534, false), (65_535, false), (0, false), (1, false)]);
        assert_eq!((reorder.early, reorder.late), (1, 0));
    }

    #[test]
    fn a_lost_packet_is_waited_for_and_then_reported() {
        let mut reorder = Reorder::default();
        for sequence in [1, 3, 4] {
            push(&mut reorder, sequence, 0);
        }
        assert_eq!(drain(&mut reorder, 59), [(1, false)]);
        assert_eq!(reorder.deadline(), Some(at(60)));
        assert_eq!(drain(&mut reorder, 60), [(3, true), (4, false)]);
        push(&mut reorder, 2, 61);
        assert_eq!(drain(&mut reorder, 200), []);
        assert_eq!(reorder.late, 1);
    }

    #[test]
    fn the_window_is_bounded() {
        let mut reorder = Reorder::default();
        push(&mut reorder, 0, 0);
        for sequence in 2..REORDER_PACKETS_MAX as u16 + 3 {
            push(&mut reorder, sequence, 0);
        }
        let pulled = drain(&mut reorder, 0);
        assert_eq!(pulled[..2], [(0, false), (2, true)]);
        assert_eq!(pulled.len(), REORDER_PACKETS_MAX + 2);
    }

    #[test]
    fn a_restarted_source_is_followed_after_two_packets() {
        let mut reorder = Reorder::default();
        push(&mut reorder, 5, 0);
        push(&mut reorder, 30_000, 0);
        assert_eq!(drain(&mut reorder, 0), [(5, false)]);
        push(&mut reorder, 30_001, 0);
        assert_eq!(drain(&mut reorder, 0), [(30_001, true)]);
    }
}
