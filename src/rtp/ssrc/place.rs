//! How far a source's stream has come.

use crate::rtp::Packet;
use crate::rtp::limits::{MISORDER_MAX_PACKETS, SSRC_CONTINUED_MAX_TICKS};

/// The newest packet of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    sequence: u16,
    timestamp: u32,
}

impl Place {
    pub fn of(packet: &Packet<'_>) -> Self {
        Self { sequence: packet.sequence, timestamp: packet.timestamp }
    }

    /// Whether a packet with this number is newer, and neither late nor a duplicate.
    pub fn is_behind(self, sequence: u16) -> bool {
        self.sequence.wrapping_sub(sequence) > MISORDER_MAX_PACKETS
    }

    /// Whether a packet is of a later picture.
    pub fn is_before(self, packet: &Packet<'_>) -> bool {
        packet.timestamp != self.timestamp && self.is_behind(packet.sequence)
    }

    /// Whether a packet of another source continues here. The chance that a foreign one does is one in a
    /// hundred million.
    pub fn is_continued_by(self, packet: &Packet<'_>) -> bool {
        packet.sequence == self.sequence.wrapping_add(1)
            && packet.timestamp.wrapping_sub(self.timestamp) < SSRC_CONTINUED_MAX_TICKS
    }
}
