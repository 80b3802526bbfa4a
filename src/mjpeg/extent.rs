//! Finds the end of a JPEG that is still arriving. ITU-T T.81, B.1.1 and B.2.1.

use memchr::{memchr, memmem};

use super::LEADING_BYTES_MAX;
use super::segment::{SOI, Shape, marker, next_marker, shape};

/// Whether the end of a picture has arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Not yet.
    Open,
    /// EOI ends before this byte.
    Ends(usize),
    /// This is not a JPEG, or a damaged one: its end cannot be found.
    Unknown,
}

/// Walks a JPEG's segments and scans as bytes arrive. Compressed data cannot contain EOI (B.1.1.5), and
/// segments are skipped by their length, so a thumbnail's EOI inside one does not count.
#[derive(Debug, Clone, Default)]
pub struct ExtentFinder {
    /// Bytes examined.
    at: usize,
    place: Place,
    /// Offset of SOI.
    start: Option<usize>,
    /// Offset of the first scan's compressed data.
    data_at: Option<usize>,
    /// Offset of the first bytes in the place of a marker, before the first scan.
    strays_at: Option<usize>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Place {
    #[default]
    BeforeStart,
    /// A marker comes next, perhaps after fill bytes.
    Marker,
    Compressed,
    Over(Extent),
}

impl ExtentFinder {
    /// Examines the new bytes. `data` is the picture from its first byte on, at least as long as in the last
    /// call.
    pub fn find(&mut self, data: &[u8]) -> Extent {
        loop {
            let step = match self.place {
                Place::BeforeStart => self.before_start(data),
                Place::Marker => self.marker(data),
                Place::Compressed => self.compressed(data),
                Place::Over(extent) => return extent,
            };
            match step {
                Some(place) => self.place = place,
                None => return Extent::Open,
            }
        }
    }

    /// Offset of SOI, once found.
    pub const fn start(&self) -> Option<usize> {
        self.start
    }

    /// Offset of the first scan's compressed data: everything before is headers.
    pub const fn data_at(&self) -> Option<usize> {
        self.data_at
    }

    /// Offset of the first bytes in the place of a marker, before the first scan: the picture may have been
    /// cut off there.
    pub const fn strays_at(&self) -> Option<usize> {
        self.strays_at
    }

    fn before_start(&mut self, data: &[u8]) -> Option<Place> {
        let max = LEADING_BYTES_MAX + SOI.len();
        match memmem::find(&data[..data.len().min(max)], &SOI) {
            Some(start) => {
                self.start = Some(start);
                self.at = start + SOI.len();
                Some(Place::Marker)
            }
            None => (data.len() >= max).then_some(Place::Over(Extent::Unknown)),
        }
    }

    fn marker(&mut self, data: &[u8]) -> Option<Place> {
        let Some((begin, code)) = next_marker(data, self.at) else {
            // The last bytes may begin a marker.
            let kept = data.iter().rev().take_while(|byte| **byte == 0xff).count();
            let looked_at = self.at.max(data.len() - kept);
            self.note_strays(looked_at);
            self.at = looked_at;
            return None;
        };
        self.note_strays(begin);
        let marker = data[code];
        let shape = shape(marker);
        match shape {
            Shape::Edge if marker == marker::EOI => return Some(Place::Over(Extent::Ends(code + 1))),
            Shape::Edge => return Some(Place::Over(Extent::Unknown)),
            Shape::Alone => {
                self.at = code + 1;
                return Some(Place::Marker);
            }
            Shape::Passed | Shape::Read => {}
        }
        self.at = begin;
        let length = data.get(code + 1..code + 3)?;
        let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
        if length < 2 && shape == Shape::Read {
            return Some(Place::Over(Extent::Unknown));
        }
        self.at = code + 1 + length.max(2);
        if marker != marker::SOS {
            return Some(Place::Marker);
        }
        self.data_at.get_or_insert(self.at);
        Some(Place::Compressed)
    }

    /// Notes that there is no marker before this offset.
    fn note_strays(&mut self, end: usize) {
        if end > self.at && self.data_at.is_none() {
            self.strays_at.get_or_insert(self.at);
        }
    }

    fn compressed(&mut self, data: &[u8]) -> Option<Place> {
        loop {
            let Some(found) = memchr(0xff, data.get(self.at..)?) else {
                self.at = data.len();
                return None;
            };
            self.at += found;
            match *data.get(self.at + 1)? {
                0x00 | 0xd0..=0xd7 => self.at += 2,
                0xff => self.at += 1,
                _ => return Some(Place::Marker),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SOI, a comment that contains EOI, SOS, data with a stuffed 0xff and a restart, a second scan, EOI.
    const JPEG: &[u8] = b"\xff\xd8\xff\xfe\x00\x06\xff\xd9ab\xff\xff\xda\x00\x03x12\xff\x00\xff\xd03\xff\xc4\x00\x04\xff\xd9\xff\xda\x00\x02456\xff\xff\xd9";

    fn find(data: &[u8]) -> Extent {
        ExtentFinder::default().find(data)
    }

    #[test]
    fn the_end_is_found_in_any_split() {
        let padded = [JPEG, b"\r\n--x\r\n"].concat();
        assert_eq!(find(&padded), Extent::Ends(JPEG.len()));
        let mut finder = ExtentFinder::default();
        for end in 0..JPEG.len() {
            assert_eq!(finder.find(&JPEG[..end]), Extent::Open, "{end} bytes");
        }
        assert_eq!(finder.find(&padded), Extent::Ends(JPEG.len()));
        assert_eq!(finder.data_at(), Some(16));
    }

    #[test]
    fn bytes_between_segments_are_skipped() {
        for stray in
            [&b"\0"[..], b"ab", b"\xff\0", b"\xff\xd3", b"\xff\xfe\0\0", b"\xff\xff\0z\xff\xe1\0\x01"]
        {
            for at in [2, 10] {
                let dirty = [&JPEG[..at], stray, &JPEG[at..]].concat();
                let mut finder = ExtentFinder::default();
                for end in 0..dirty.len() {
                    assert_eq!(finder.find(&dirty[..end]), Extent::Open, "{stray:x?}: {end} bytes");
                }
                assert_eq!(finder.find(&dirty), Extent::Ends(dirty.len()), "{stray:x?}");
                assert_eq!(finder.data_at(), Some(16 + stray.len()), "{stray:x?}");
            }
        }
        let mut finder = ExtentFinder::default();
        assert_eq!(finder.find(JPEG), Extent::Ends(JPEG.len()));
        assert_eq!(finder.strays_at(), None);
        let mut finder = ExtentFinder::default();
        assert_eq!(finder.find(b"\xff\xd8\r\n--x\r\n"), Extent::Open);
        assert_eq!(finder.strays_at(), Some(2), "perhaps the picture was cut");
    }

    #[test]
    fn padding_in_front_is_skipped_and_anything_else_is_unknown() {
        let padded = [&[0; LEADING_BYTES_MAX][..], JPEG].concat();
        assert_eq!(find(&padded), Extent::Ends(padded.len()));
        assert_eq!(find(&[0; LEADING_BYTES_MAX + 2]), Extent::Unknown);
        assert_eq!(find(&[0; LEADING_BYTES_MAX + 1]), Extent::Open);
        for damaged in [&b"\xff\xd8\xff\xd8"[..], b"\xff\xd8\xff\xdb\x00\x01", b"\xff\xd8\x00\xff\xd8"] {
            assert_eq!(find(damaged), Extent::Unknown, "{damaged:?}");
        }
        let second = [&JPEG[..JPEG.len() - 3], JPEG].concat();
        assert_eq!(find(&second), Extent::Unknown);
    }
}
