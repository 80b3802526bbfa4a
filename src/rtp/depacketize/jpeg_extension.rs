//! JPEG segments in an RTP header extension. ONVIF Streaming Specification, "JPEG header extension": carries
//! what RFC 2435 cannot (sizes above 2040, other Huffman tables) and overrides it.

/// The extension's profile identifier: SOI.
const PROFILE: u16 = 0xffd8;

/// Start of frame, baseline.
const SOF0: u8 = 0xc0;
/// Huffman tables.
const DHT: u8 = 0xc4;
/// Quantization tables.
const DQT: u8 = 0xdb;
/// Restart interval.
const DRI: u8 = 0xdd;

/// The relevant segments, each whole with its marker; empty if not sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Segments {
    /// DQT segments.
    pub quantization: Vec<u8>,
    /// DHT segments.
    pub huffman: Vec<u8>,
    /// The SOF0 segment, checked.
    pub frame: Vec<u8>,
    /// The DRI segment.
    pub restart: Vec<u8>,
}

impl Segments {
    /// Reads an extension; `None` if it is a different one.
    pub fn read(extension: Option<(u16, &[u8])>) -> Option<Self> {
        let (PROFILE, mut rest) = extension? else { return None };
        let mut segments = Self::default();
        while let [0xff, marker, high, low, tail @ ..] = rest {
            // Padding after the last segment is 0xffff.
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            if *marker == 0xff || length < 2 || length - 2 > tail.len() {
                break;
            }
            let segment = &rest[..2 + length];
            match *marker {
                DQT => segments.quantization.extend(segment),
                DHT => segments.huffman.extend(segment),
                DRI if length == 4 => segments.restart = segment.to_vec(),
                SOF0 if is_frame(segment) => segments.frame = segment.to_vec(),
                _ => {}
            }
            rest = &rest[2 + length..];
        }
        Some(segments)
    }

    /// Width and height in pixels.
    pub fn size(&self) -> Option<(u32, u32)> {
        let [_, _, _, _, _, h1, h0, w1, w0, ..] = self.frame[..] else { return None };
        Some((u32::from(u16::from_be_bytes([w1, w0])), u32::from(u16::from_be_bytes([h1, h0]))))
    }
}

/// ITU-T T.81 section B.2.2: eight bits, one or three components.
fn is_frame(segment: &[u8]) -> bool {
    let [_, _, _, _, precision, _, _, _, _, components, ..] = segment else { return false };
    *precision == 8 && matches!(components, 1 | 3) && segment.len() == 10 + 3 * usize::from(*components)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frame_tables_and_padding() {
        let frame = [0xff, 0xc0, 0, 17, 8, 0x05, 0xa0, 0x0a, 0x00, 3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1];
        let bytes = [&frame[..], &[0xff, 0xdd, 0, 4, 0, 9], &[0xff; 5]].concat();
        let segments = Segments::read(Some((0xffd8, &bytes))).unwrap();
        assert_eq!(segments.size(), Some((2560, 1440)));
        assert_eq!(segments.restart, [0xff, 0xdd, 0, 4, 0, 9]);
        assert_eq!(Segments::read(Some((0xbede, &bytes))), None);
    }

    #[test]
    fn damaged_extensions_yield_their_whole_segments() {
        let segments = Segments::read(Some((0xffd8, &[0xff, 0xc0, 0, 17, 8, 0, 0]))).unwrap();
        assert_eq!(segments, Segments::default());
        assert!(Segments::read(Some((0xffd8, &[0xff, 0xdb, 0, 1, 0, 0]))).is_some());
    }
}
