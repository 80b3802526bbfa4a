//! Where a part's content ends.

use super::boundary::{Boundary, Seen};
use super::head::PartHead;
use crate::mjpeg::extent::{Extent, ExtentFinder};

/// A part's content as it arrives.
#[derive(Debug)]
pub(super) struct Body {
    pub head: PartHead,
    extent: ExtentFinder,
    /// Where the next delimiter is looked for.
    searched: usize,
}

/// Where a part's content ends.
pub(super) enum End {
    Wait,
    At(usize),
    /// The length in the part's head is not that of its content.
    WrongLength,
}

impl Body {
    /// The content behind a head.
    pub fn behind(head: PartHead) -> Self {
        Self { head, extent: ExtentFinder::default(), searched: 0 }
    }

    /// By its length, which is right if a delimiter follows, or if the JPEG ends there; and wrong if
    /// the JPEG ends before and a delimiter follows that.
    pub fn end_by_length(&mut self, rest: &[u8], length: usize, boundary: &Boundary) -> End {
        let content = &rest[..rest.len().min(length)];
        let extent = if self.head.is_other { Extent::Unknown } else { self.extent.find(content) };
        match extent {
            Extent::Ends(end) if end < length => match boundary.begins(&content[end..]) {
                Seen::Yes(()) => return End::WrongLength,
                _ if rest.len() < length => return End::Wait,
                _ => return End::At(length),
            },
            _ if rest.len() < length => return End::Wait,
            Extent::Ends(_) => return End::At(length),
            _ => {}
        }
        match boundary.begins(&rest[length..]) {
            Seen::Yes(()) => End::At(length),
            Seen::Perhaps => End::Wait,
            Seen::No => End::WrongLength,
        }
    }

    /// By the JPEG's own end, or by the next delimiter, whichever comes first. Within a JPEG's
    /// headers, what looks like a delimiter is none.
    pub fn end_by_content(&mut self, rest: &[u8], boundary: &Boundary) -> End {
        let extent = if self.head.is_other { Extent::Unknown } else { self.extent.find(rest) };
        // Something that is no JPEG may be over before the next one begins.
        let start = self.extent.start();
        if (start.is_some() || extent == Extent::Open)
            && let Seen::Yes(end) = boundary.find(&rest[..start.unwrap_or(rest.len())], &mut 0)
        {
            return End::At(end);
        }
        // What stands in the place of a marker may be the delimiter behind a picture that was cut.
        match (self.extent.strays_at().or(self.extent.data_at()), extent) {
            (Some(from), _) => self.searched = self.searched.max(from),
            (None, Extent::Open) => return End::Wait,
            (None, _) => {}
        }
        let until = if let Extent::Ends(end) = extent { end } else { rest.len() };
        let delimiter = match rest.get(..until) {
            Some(content) if self.searched <= until => boundary.find(content, &mut self.searched),
            _ => Seen::Perhaps,
        };
        match (delimiter, extent) {
            (Seen::Yes(end), _) | (_, Extent::Ends(end)) => End::At(end),
            _ => End::Wait,
        }
    }
}
