//! Reads `multipart/x-mixed-replace`, in which cameras send pictures over HTTP, without a socket or a clock.
//! RFC 2046 section 5.1, with cameras' deviations.
//!
//! Bytes go in through [`Reader::push`], pictures come out of [`Reader::pull`], independent of how the bytes
//! were split. A part ends according to its length, unless that proves wrong; else where the JPEG in it ends;
//! else at the next delimiter. So a picture is available as soon as its last byte is, and a boundary's text
//! inside a picture does not end it.
//!
//! Between parts everything is skipped except a delimiter, a part's header without one, or a JPEG without
//! either: a body of consecutive JPEGs is read too.

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

/// Bytes received and not yet delivered: the largest picture, and the delimiter after it.
pub const BUFFER_MAX_BYTES: usize = JPEG_MAX_BYTES + boundary::LINE_MAX_BYTES;

/// Memory to keep between pictures, in bytes; more is freed after an unusually large picture.
const KEPT_MAX_BYTES: usize = 4 << 20;

/// Reads one body.
#[derive(Debug)]
pub struct Reader {
    boundary: Boundary,
    /// The boundary before a doubtful line was taken for a new one.
    doubted: Option<Boundary>,
    state: State,
    buffer: Vec<u8>,
    /// Bytes at the beginning of the buffer that have been consumed.
    given: usize,
    /// No length has been wrong yet.
    lengths_believed: bool,
    counters: Counters,
    other: Option<String>,
    too_long: Option<(&'static str, usize)>,
}

/// Counters of the reader.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Pictures delivered.
    pub pictures: u64,
    /// Parts that are not pictures, or empty.
    pub skipped: u64,
    /// Pictures longer than [`JPEG_MAX_BYTES`], skipped.
    pub too_long: u64,
    /// Bytes that belong to no part.
    pub garbage_bytes: u64,
}

#[derive(Debug)]
enum State {
    /// After a part, or at the beginning.
    Between {
        is_line_start: bool,
    },
    Head(PartHead),
    Body(Body),
}

/// The meaning of the next bytes.
enum Step {
    /// Nothing yet; more bytes are needed.
    Wait,
    /// Consumed.
    Over,
    /// A picture: the next bytes of the buffer.
    Picture(usize),
}

impl Reader {
    /// A reader for a body with this boundary, from the response's content type.
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

    /// A description of the last part that is not a picture.
    pub fn other(&self) -> Option<&str> {
        self.other.as_deref()
    }

    /// What was last skipped for its length, and the limit in bytes.
    pub const fn too_long(&self) -> Option<(&'static str, usize)> {
        self.too_long
    }

    /// The counters so far.
    pub const fn counters(&self) -> Counters {
        self.counters
    }

    /// Takes as many of the bytes as fit, and returns how many; at least one if [`pull`](Self::pull) was
    /// called until it returned `None`.
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

    /// The next picture, from its part's first byte to its last. The caller checks whether it is a whole
    /// JPEG.
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
            // Some cameras omit the empty line.
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

    /// An apparent head of a part turned out not to be one.
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
                // Most likely a line of dashes in a preamble.
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

/// Whether a part's head follows after one or more empty lines.
fn head_follows(data: &[u8]) -> Seen<()> {
    let breaks = data.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    if breaks > HEAD_MAX_BYTES { Seen::No } else { head::begins_header(&data[breaks..]) }
}

/// Reads arbitrary bytes as a body, split at arbitrary points: returns the counters, and the bytes of all
/// pictures. For fuzzing.
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
