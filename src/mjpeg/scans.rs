//! Scans after the first, in pictures with more than one.

use memchr::memchr;

use super::head::{Head, Scan};
use super::segment::{Segment, marker, next_marker};
use super::{Damaged, SCANS_MAX};

/// Walks the other scans (T.81, B.2.1) to the offset after EOI, and notes the standard tables that they need.
/// Segments with any content may be between the scans, so EOI cannot be searched from the end.
pub(super) fn walk(data: &[u8], head: &mut Head) -> Result<usize, Damaged> {
    let mut offset = head.data_at;
    let mut scans = 1;
    loop {
        offset = compressed_end(data, offset).ok_or(Damaged::Truncated { bytes: data.len() })?;
        // Segments up to the next scan.
        loop {
            match next_marker(data, offset).map(|(begin, code)| (begin, code, data[code])) {
                Some((_, code, marker::EOI)) => return Ok(code + 1),
                Some((begin, _, marker::SOI)) => return Err(Damaged::SecondPicture { offset: begin }),
                _ => {}
            }
            let segment = Segment::next(data, offset)?;
            offset = segment.end;
            if segment.is_stray || head.tables.take(&segment)? {
                continue;
            }
            if segment.marker != marker::SOS {
                return Err(Damaged::Misplaced { marker: segment.marker, offset: segment.begin });
            }
            scans += 1;
            if scans > SCANS_MAX {
                return Err(Damaged::Scans);
            }
            let scan = Scan::read(&segment, &head.frame)?;
            head.needs_standard |= head.tables.check(&segment, &head.frame, &scan)?;
            break;
        }
    }
}

/// The offset of the marker that ends compressed data: RSTn, and 0xff before zero, belong to the data (T.81,
/// B.1.1.5).
fn compressed_end(data: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        at += memchr(0xff, data.get(at..)?)?;
        match *data.get(at + 1)? {
            0x00 | 0xd0..=0xd7 => at += 2,
            0xff => at += 1,
            _ => return Some(at),
        }
    }
}
