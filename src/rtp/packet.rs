//! The RTP header. RFC 3550 section 5.1, by `rtp-types`.

use rtp_types::{RtpPacket, RtpParseError};

use super::Error;

/// One RTP packet, borrowed from the buffer that it was received in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Sequence number; the next packet's is one more, modulo 2^16.
    pub sequence: u16,
    /// Sampling time in units of the media's clock rate.
    pub timestamp: u32,
    /// The marker bit: for video, the last packet of a picture.
    pub marker: bool,
    /// Payload type, 0 to 127.
    pub payload_type: u8,
    /// Synchronisation source.
    pub ssrc: u32,
    /// The header extension: its profile identifier and its bytes.
    pub extension: Option<(u16, &'a [u8])>,
    /// The bytes after the header, without padding.
    pub payload: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Parses a packet.
    pub fn parse(data: &'a [u8]) -> Result<Self, Error> {
        let packet = RtpPacket::parse(data).map_err(|error| match error {
            RtpParseError::UnsupportedVersion(version) => Error::Version(version),
            RtpParseError::Truncated { expected, actual } => {
                Error::PacketTooShort { bytes: actual, need: expected }
            }
            RtpParseError::PaddingInvalid(padding) => Error::Padding(padding),
        })?;
        let (begin, len) = (packet.payload_offset(), packet.payload_len());
        let extension =
            packet.extension().map(|(profile, bytes)| (profile, &data[begin - bytes.len()..begin]));
        Ok(Self {
            sequence: packet.sequence_number(),
            timestamp: packet.timestamp(),
            marker: packet.marker_bit(),
            payload_type: packet.payload_type(),
            ssrc: packet.ssrc(),
            extension,
            payload: &data[begin..begin + len],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: [u8; 12] = [0x80, 0xe0, 0x01, 0x02, 3, 4, 5, 6, 7, 8, 9, 10];

    #[test]
    fn header_and_payload() {
        let packet = [&HEADER[..], b"abc"].concat();
        let packet = Packet::parse(&packet).unwrap();
        assert_eq!((packet.sequence, packet.timestamp, packet.ssrc), (0x102, 0x0304_0506, 0x0708_090a));
        assert_eq!((packet.marker, packet.payload_type, packet.payload), (true, 96, &b"abc"[..]));
    }

    #[test]
    fn extension_and_padding_are_not_payload() {
        let mut packet = [&HEADER[..], &[0xff, 0xd8, 0, 1], b"extn", b"abc", &[0, 0, 3]].concat();
        packet[0] |= 0x30;
        let packet = Packet::parse(&packet).unwrap();
        assert_eq!(packet.extension, Some((0xffd8, &b"extn"[..])));
        assert_eq!(packet.payload, b"abc");
    }

    #[test]
    fn short_packets_give_their_length_in_the_error() {
        let error = Packet::parse(&HEADER[..8]).unwrap_err();
        assert_eq!(error.to_string(), "rtp packet too short: 8 bytes, need 12");
        let mut long = HEADER;
        long[0] |= 0x0f;
        assert_eq!(Packet::parse(&long), Err(Error::PacketTooShort { bytes: 12, need: 72 }));
        assert_eq!(Packet::parse(&[0x40; 12]), Err(Error::Version(1)));
    }

    #[test]
    fn padding_longer_than_the_packet() {
        let mut packet = [&HEADER[..], &[9]].concat();
        packet[0] |= 0x20;
        assert_eq!(Packet::parse(&packet), Err(Error::PacketTooShort { bytes: 13, need: 21 }));
        packet[12] = 0;
        assert_eq!(Packet::parse(&packet), Err(Error::Padding(0)));
    }
}
