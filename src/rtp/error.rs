//! What can be wrong with one packet. An error costs that packet, and at most one picture.

use std::fmt;

/// Why a packet was ignored, or the access unit that it belongs to was dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// An RTP packet ends before the length that its header announces. Both in bytes.
    PacketTooShort {
        /// Bytes present.
        bytes: usize,
        /// Bytes required by the header.
        need: usize,
    },
    /// The RTP version is not 2.
    Version(u8),
    /// The last byte announces padding of zero bytes, or more than the packet has.
    Padding(u8),
    /// An RTCP compound packet that does not parse.
    Rtcp(String),
    /// A payload ends before the length that its header announces. Both in bytes.
    PayloadTooShort {
        /// The structure that ends early.
        what: &'static str,
        /// Sequence number of the packet.
        sequence: u16,
        /// Bytes present.
        bytes: usize,
        /// Bytes required by the structure.
        need: usize,
    },
    /// A packetization that was not negotiated, or is not supported.
    Packetization {
        /// The payload format.
        codec: &'static str,
        /// Sequence number of the packet.
        sequence: u16,
        /// NAL unit type or RFC 2435 type.
        kind: u8,
    },
    /// A fragment whose beginning was not received.
    FragmentWithoutStart {
        /// Sequence number of the packet.
        sequence: u16,
    },
    /// A JPEG fragment does not follow the one before. Both in bytes.
    FragmentOffset {
        /// Sequence number of the packet.
        sequence: u16,
        /// Offset in the packet.
        offset: usize,
        /// Expected offset.
        expected: usize,
    },
    /// An access unit grew beyond its ceiling, in bytes.
    UnitTooLarge {
        /// Timestamp of the unit.
        timestamp: u32,
        /// The ceiling.
        max: usize,
    },
    /// A JPEG refers to quantization tables that were not sent.
    NoQuantizationTables {
        /// Sequence number of the packet.
        sequence: u16,
        /// The Q value.
        q: u8,
    },
    /// A JPEG without a usable size.
    NoPictureSize {
        /// Sequence number of the packet.
        sequence: u16,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PacketTooShort { bytes, need } => {
                write!(f, "rtp packet too short: {bytes} bytes, need {need}")
            }
            Self::Version(version) => write!(f, "rtp version {version}, expected 2"),
            Self::Padding(padding) => write!(f, "rtp padding of {padding} bytes does not fit the packet"),
            Self::Rtcp(what) => write!(f, "bad rtcp packet: {what}"),
            Self::PayloadTooShort { what, sequence, bytes, need } => {
                write!(f, "{what} in rtp packet {sequence} too short: {bytes} bytes, need {need}")
            }
            Self::Packetization { codec, sequence, kind } => {
                write!(f, "rtp packet {sequence}: {codec} packetization {kind} is not supported")
            }
            Self::FragmentWithoutStart { sequence } => {
                write!(f, "rtp packet {sequence} continues a fragmented unit that has not begun")
            }
            Self::FragmentOffset { sequence, offset, expected } => {
                write!(f, "jpeg fragment in rtp packet {sequence} at byte {offset}, expected {expected}")
            }
            Self::UnitTooLarge { timestamp, max } => {
                write!(f, "access unit {timestamp} larger than {max} bytes")
            }
            Self::NoQuantizationTables { sequence, q } => {
                write!(f, "rtp packet {sequence}: no quantization tables for jpeg with q {q}")
            }
            Self::NoPictureSize { sequence } => {
                write!(f, "rtp packet {sequence}: jpeg without a size")
            }
        }
    }
}

impl std::error::Error for Error {}
