//! What the frame header of a JPEG says of its blocks (ITU-T T.81, B.2.2).
//!
//! The library names the usual samplings only, and cuts by those that stand in the header.

/// Size and blocks of a JPEG.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::encode) struct FrameHeader {
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// Width and height in pixels of an MCU, the smallest part that can be moved without loss.
    pub mcu: (usize, usize),
}

const SOI: [u8; 2] = [0xff, 0xd8];
/// Samples of a row or column of a block.
const BLOCK: usize = 8;
/// T.81, B.2.2.
const SAMPLING_MAX: u8 = 4;

impl FrameHeader {
    /// Reads the first one, of a grey picture or one of three components. Where segments do not follow each other
    /// without a gap there is none: the library would go on elsewhere, and perhaps find another one.
    pub fn read(jpeg: &[u8]) -> Option<Self> {
        let mut rest = jpeg.strip_prefix(&SOI)?;
        loop {
            let (marker, segments) = marker(rest)?;
            let (length, _) = segments.split_first_chunk()?;
            let (segment, after) = segments.split_at_checked(u16::from_be_bytes(*length).into())?;
            match marker {
                // SOS, and what has no length: a stuffed zero, TEM, RST, SOI, EOI.
                0xda | 0x00 | 0x01 | 0xd0..=0xd9 => return None,
                // DHT, JPG and DAC stand among the SOFs.
                0xc4 | 0xc8 | 0xcc => {}
                0xc0..=0xcf => return Self::of_segment(segment),
                _ => {}
            }
            rest = after;
        }
    }

    fn of_segment(segment: &[u8]) -> Option<Self> {
        let &[_, _, _, y1, y0, x1, x0, count, ref components @ ..] = segment else { return None };
        let (components, rest) = components.as_chunks::<3>();
        if !matches!(count, 1 | 3) || components.len() != usize::from(count) || !rest.is_empty() {
            return None;
        }
        let samplings = || components.iter().map(|[_, sampling, _]| (sampling >> 4, sampling & 15));
        let is_sampling = |factor| (1..=SAMPLING_MAX).contains(&factor);
        if !samplings().all(|(h, v)| is_sampling(h) && is_sampling(v)) {
            return None;
        }
        // The only component of a picture has one block in an MCU, whatever its sampling (A.2.2).
        let (h, v) = if count == 1 {
            (1, 1)
        } else {
            (samplings().map(|it| it.0).max()?, samplings().map(|it| it.1).max()?)
        };
        Some(Self {
            width: u16::from_be_bytes([x1, x0]).into(),
            height: u16::from_be_bytes([y1, y0]).into(),
            mcu: (BLOCK * usize::from(h), BLOCK * usize::from(v)),
        })
    }
}

/// The next marker, before which 0xff may be repeated (B.1.1.2), and what follows it.
fn marker(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let fill = bytes.iter().take_while(|byte| **byte == 0xff).count();
    let (marker, rest) = bytes.get(fill..)?.split_first()?;
    (fill > 0).then_some((*marker, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SOI, a comment, a fill byte, and SOF0 of these components.
    fn header(sampling: &[u8]) -> Vec<u8> {
        let count = sampling.len() as u8;
        let mut jpeg = vec![0xff, 0xd8, 0xff, 0xfe, 0, 4, 1, 2, 0xff, 0xff, 0xc0, 0, 8 + 3 * count];
        jpeg.extend([8, 2, 208, 5, 0, count]);
        jpeg.extend(sampling.iter().enumerate().flat_map(|(i, sampling)| [i as u8, *sampling, 0]));
        jpeg
    }

    #[test]
    fn blocks_are_as_large_as_the_largest_sampling() {
        for (sampling, mcu) in [
            (&[0x22, 0x11, 0x11][..], (16, 16)),
            (&[0x21, 0x11, 0x11], (16, 8)),
            (&[0x41, 0x11, 0x11], (32, 8)),
            (&[0x22, 0x12, 0x12], (16, 16)),
            (&[0x11, 0x11, 0x11], (8, 8)),
            (&[0x22], (8, 8)),
        ] {
            let expected = FrameHeader { width: 1280, height: 720, mcu };
            assert_eq!(FrameHeader::read(&header(sampling)), Some(expected), "{sampling:02x?}");
        }
    }

    #[test]
    fn what_ends_early_or_has_impossible_sampling_has_no_header() {
        let whole = header(&[0x22, 0x11, 0x11]);
        for cut in 0..whole.len() {
            assert_eq!(FrameHeader::read(&whole[..cut]), None, "{cut}");
        }
        let four = [0x11; 4];
        for sampling in [&[0x02, 0x11, 0x11][..], &[0x20, 0x11, 0x11], &[0x51, 0x11, 0x11], &[], &four] {
            assert_eq!(FrameHeader::read(&header(sampling)), None, "{sampling:02x?}");
        }
        assert_eq!(FrameHeader::read(&[0xff, 0xd8, 0xff, 0xfe, 0, 0, 0xff, 0xfe, 0, 1]), None);
        assert_eq!(FrameHeader::read(&[0xff, 0xd8, 0xff, 0xda, 0, 2]), None);
    }

    /// The library reads the first header here, which has 0xffc0 pixels a side; by length the second is next.
    #[test]
    fn no_other_header_than_the_library_reads_is_taken_for_it() {
        for marker in [0x00, 0x01, 0xd0, 0xd7, 0xd8] {
            let mut jpeg = vec![0xff, 0xd8, 0xff, marker];
            let first = jpeg.len();
            jpeg.extend([
                0xff, 0xc0, 0, 17, 8, 0xff, 0xc0, 0xff, 0xc0, 3, 1, 0x22, 0, 2, 0x11, 0, 3, 0x11, 0,
            ]);
            jpeg.resize(first + 0xffc0, 0);
            jpeg.extend(&header(&[0x22, 0x11, 0x11])[2..]);
            assert_eq!(FrameHeader::read(&jpeg), None, "{marker:02x}");
        }
    }
}
