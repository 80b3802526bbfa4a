//! Reads `multipart/x-mixed-replace`, the way in which cameras send pictures over HTTP, without a
//! socket or a clock. RFC 2046 section 5.1, and what cameras make of it.
//!
//! Bytes go in by [`Reader::push`], pictures come out by [`Reader::pull`], in the same way however
//! the bytes were split. A part ends where its length says, unless that proves wrong, else where the
//! JPEG in it ends, else at the next delimiter: so a picture is there as soon as its last byte is,
//! and a boundary's text inside a picture ends nothing.
//!
//! Between parts anything is passed over but a delimiter, a part's header without one, or a JPEG
//! without either: a body of nothing but JPEGs one behind the other is read too.

mod body;
mod boundary;
mod head;
mod other;

use std::ops::Range;

use memchr::memchr;

use crate::limits::JPEG_MAX_BYTES;
use body::{Body, End};
use boundary::{Boundary, Seen, line};
use head::{HEAD_MAX_BYTES, PartHead};
pub use other::of_content;

/// Bytes received and not yet given out: the largest picture, and the delimiter behind it.
pub const BUFFER_MAX_BYTES: usize = JPEG_MAX_BYTES + boundary::LINE_MAX_BYTES;

/// Memory that is kept between pictures, in bytes; more is given back behind a picture that was
/// larger than all usual ones.
const KEPT_MAX_BYTES: usize = 4 << 20;

/// Reads one body.
#[derive(Debug)]
pub struct Reader {
    boundary: Boundary,
    /// What `boundary` was before a line was believed that may not be one.
    doubted: Option<Boundary>,
    state: State,
    buffer: Vec<u8>,
    /// Bytes at the beginning of the buffer that are done with.
    given: usize,
    /// No length was wrong yet.
    lengths_believed: bool,
    counters: Counters,
    other: Option<String>,
    too_long: Option<(&'static str, usize)>,
}

/// What was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Pictures given out.
    pub pictures: u64,
    /// Parts that are no pictures, or empty.
    pub skipped: u64,
    /// Pictures longer than [`JPEG_MAX_BYTES`], left out.
    pub too_long: u64,
    /// Bytes that belong to no part.
    pub garbage_bytes: u64,
}

#[derive(Debug)]
enum State {
    /// Behind a part, or at the beginning.
    Between {
        is_line_start: bool,
    },
    Head(PartHead),
    Body(Body),
}

/// What the next bytes are.
enum Step {
    /// So far nothing; more bytes are needed.
    Wait,
    /// Something done with.
    Over,
    /// A picture, which is the buffer's next bytes.
    Picture(usize),
}

impl Reader {
    /// A reader of a body with this boundary, as the answer's content type names it.
    pub fn new(boundary: Option<&str>) -> Self {
        Self {
            boundary: Boundary::new(boundary),
            doubted: None,
            state: State::Between { is_line_start: true },
            buffer: Vec::new(),
            given: 0,
            lengths_believed: true,
            counters: Counters::default(),
            other: None,
            too_long: None,
        }
    }

    /// What the last part was that is not a picture.
    pub fn other(&self) -> Option<&str> {
        self.other.as_deref()
    }

    /// What was last passed over because it is too long, and its ceiling in bytes.
    pub const fn too_long(&self) -> Option<(&'static str, usize)> {
        self.too_long
    }

    /// What was read so far.
    pub const fn counters(&self) -> Counters {
        self.counters
    }

    /// Takes as much of the bytes as there is room for, and says how much; at least one where
    /// [`pull`](Self::pull) was called until it gave nothing.
    pub fn push(&mut self, bytes: &[u8]) -> usize {
        self.buffer.drain(..self.given);
        self.given = 0;
        if self.buffer.capacity() > KEPT_MAX_BYTES.max(4 * self.buffer.len()) {
            self.buffer.shrink_to(KEPT_MAX_BYTES);
        }
        let taken = bytes.len().min(BUFFER_MAX_BYTES.saturating_sub(self.buffer.len()));
        self.buffer.extend_from_slice(&bytes[..taken]);
        taken
    }

    /// The next picture, from its part's first byte to its last. Whether it is a whole JPEG is for
    /// others to say.
    pub fn pull(&mut self) -> Option<&[u8]> {
        loop {
            let step = match &mut self.state {
                State::Between { .. } => self.between(),
                State::Head(_) => self.head(),
                State::Body(_) => self.body(),
            };
            match step {
                Step::Wait => return None,
                Step::Over => {}
                Step::Picture(bytes) => {
                    let begin = self.given;
                    self.end_body(bytes);
                    self.counters.pictures += 1;
                    return Some(&self.buffer[begin..begin + bytes]);
                }
            }
        }
    }

    fn pass_over(&mut self, bytes: usize) -> Step {
        self.given += bytes;
        self.counters.garbage_bytes += bytes as u64;
        Step::Over
    }

    fn between(&mut self) -> Step {
        let rest = &self.buffer[self.given..];
        if let State::Between { is_line_start: false } = self.state {
            let bytes = memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
            if bytes == 0 {
                return Step::Wait;
            }
            self.state = State::Between { is_line_start: rest[bytes - 1] == b'\n' };
            return self.pass_over(bytes);
        }
        match rest {
            [] | [0xff] => return Step::Wait,
            [0xff, 0xd8, ..] => return self.begin_body(PartHead::default()),
            _ => {}
        }
        match line(rest) {
            Seen::Perhaps => Step::Wait,
            Seen::No => {
                self.state = State::Between { is_line_start: false };
                Step::Over
            }
            Seen::Yes(range) => self.line_between(range),
        }
    }

    fn line_between(&mut self, range: Range<usize>) -> Step {
        let rest = &self.buffer[self.given..];
        let bytes = memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
        let text = &rest[range];
        if self.boundary.is_delimiter(text) {
            self.boundary.prove();
        } else if let Some(learned) = self.boundary.learned_from(text) {
            self.doubted = Some(std::mem::replace(&mut self.boundary, learned));
        } else if head::is_part_header(text) {
            self.state = State::Head(PartHead::default());
            return Step::Over;
        } else if text.is_empty() {
            self.given += bytes;
            return Step::Over;
        } else {
            return self.pass_over(bytes);
        }
        self.given += bytes;
        self.state = State::Head(PartHead::default());
        Step::Over
    }

    fn head(&mut self) -> Step {
        let State::Head(head) = &mut self.state else { return Step::Wait };
        let rest = &self.buffer[self.given..];
        match rest {
            [] | [0xff] => return Step::Wait,
            // Some cameras send no empty line.
            [0xff, 0xd8, ..] => {
                let head = PartHead { is_proven: true, ..std::mem::take(head) };
                return self.begin_body(head);
            }
            _ => {}
        }
        let range = match line(rest) {
            Seen::Perhaps => return Step::Wait,
            Seen::Yes(range) if head.bytes <= HEAD_MAX_BYTES => range,
            Seen::Yes(_) => {
                self.too_long = Some(("the head of a part", HEAD_MAX_BYTES));
                return self.no_head();
            }
            Seen::No => {
                self.too_long = Some(("a line in the head of a part", boundary::LINE_MAX_BYTES));
                return self.no_head();
            }
        };
        let text = &rest[range];
        if self.boundary.is_delimiter(text) {
            self.counters.skipped += 1;
            *head = PartHead::default();
        } else if self.doubted.as_ref().is_some_and(|declared| declared.is_delimiter(text)) {
            return self.no_head();
        } else if text.is_empty() {
            let bytes = memchr(b'\n', rest).map_or(0, |at| at + 1);
            // Some cameras put empty lines between the delimiter and the head.
            let follows =
                if head.bytes == head.empty_bytes { head_follows(&rest[bytes..]) } else { Seen::No };
            match follows {
                Seen::Perhaps => return Step::Wait,
                Seen::Yes(()) => head.empty_bytes += bytes,
                Seen::No => {
                    let head = std::mem::take(head);
                    self.given += bytes;
                    return self.begin_body(head);
                }
            }
        } else {
            head.take(text);
        }
        let bytes = memchr(b'\n', rest).map_or(0, |at| at + 1);
        head.bytes += bytes;
        self.given += bytes;
        Step::Over
    }

    /// What looked like a part's head is none.
    fn no_head(&mut self) -> Step {
        if let Some(boundary) = self.doubted.take() {
            self.boundary = boundary;
        }
        self.state = State::Between { is_line_start: true };
        Step::Over
    }

    fn begin_body(&mut self, head: PartHead) -> Step {
        if let Some(boundary) = self.doubted.take() {
            if head.is_proven {
                self.boundary.prove();
            } else {
                // A line of dashes in a preamble, most likely.
                self.boundary = boundary;
                self.state = State::Between { is_line_start: true };
                return Step::Over;
            }
        }
        self.state = State::Body(Body::behind(head));
        Step::Over
    }

    fn body(&mut self) -> Step {
        let State::Body(body) = &mut self.state else { return Step::Wait };
        let rest = &self.buffer[self.given..];
        let is_other = body.head.is_other;
        let end = match body.head.length.filter(|bytes| self.lengths_believed && *bytes <= JPEG_MAX_BYTES) {
            Some(length) => body.end_by_length(rest, length, &self.boundary),
            None => body.end_by_content(rest, &self.boundary),
        };
        match end {
            End::Wait if rest.len() < BUFFER_MAX_BYTES => Step::Wait,
            End::Wait => {
                self.counters.too_long += 1;
                self.state = State::Between { is_line_start: false };
                Step::Over
            }
            End::WrongLength => {
                self.lengths_believed = false;
                Step::Over
            }
            End::At(bytes) if bytes == 0 || is_other => {
                self.counters.skipped += 1;
                if is_other {
                    self.other = Some(other::of_part(&body.head, &rest[..bytes]));
                }
                self.end_body(bytes);
                Step::Over
            }
            End::At(bytes) => Step::Picture(bytes),
        }
    }

    fn end_body(&mut self, bytes: usize) {
        self.given += bytes;
        self.state = State::Between { is_line_start: true };
    }
}

/// Whether a part's head follows behind an empty line, or behind some.
fn head_follows(data: &[u8]) -> Seen<()> {
    let breaks = data.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    if breaks > HEAD_MAX_BYTES { Seen::No } else { head::begins_header(&data[breaks..]) }
}

/// Reads arbitrary bytes as a body, split at arbitrary points: what was read, and the pictures' bytes
/// in all. For fuzzing.
#[doc(hidden)]
pub fn read_all<'a>(boundary: Option<&str>, pieces: impl IntoIterator<Item = &'a [u8]>) -> (Counters, usize) {
    let (mut reader, mut bytes) = (Reader::new(boundary), 0);
    for mut piece in pieces {
        while !piece.is_empty() {
            piece = &piece[reader.push(piece)..];
            while let Some(picture) = reader.pull() {
                bytes += picture.len();
            }
        }
    }
    (reader.counters(), bytes)
}

#[cfg(test)]
mod tests;
