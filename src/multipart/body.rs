//! Finds the end of a part's content.

use super::boundary::{Boundary, Seen};
use super::head::PartHead;
use crate::mjpeg::extent::{Extent, ExtentFinder};

/// A part's content as it arrives.
#[derive(Debug)]
pub(super) struct Body {
    pub head: PartHead,
    extent: ExtentFinder,
    /// Where to continue the search for the next delimiter.
    searched: usize,
}

/// The end of a part's content.
pub(super) enum End {
    Wait,
    At(usize),
    /// The length in the part's head is wrong.
    WrongLength,
}

impl Body {
    /// The content after a head.
    pub fn behind(head: PartHead) -> Self {
        Self { head, extent: ExtentFinder::default(), searched: 0 }
    }

    /// By its length, which is right if a delimiter follows, or if the JPEG ends there; and wrong if the JPEG
    /// ends earlier and a delimiter follows that.
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

    /// By the JPEG's own end, or by the next delimiter, whichever comes first. Inside a JPEG's headers,
    /// apparent delimiters do not count.
    pub fn end_by_content(&mut self, rest: &[u8], boundary: &Boundary) -> End {
        let extent = if self.head.is_other { Extent::Unknown } else { self.extent.find(rest) };
        // Content that is not a JPEG may end before the next JPEG begins.
        let start = self.extent.start();
        if (start.is_some() || extent == Extent::Open)
            && let Seen::Yes(end) = boundary.find(&rest[..start.unwrap_or(rest.len())], &mut 0)
        {
            return End::At(end);
        }
        // The bytes in the place of a marker may be the delimiter after a truncated picture.
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
