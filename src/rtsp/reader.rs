//! Splits the bytes of a connection into messages and interleaved packets.

use memchr::memmem;
use rtsp_types::Message;

use super::limits::{BUFFER_MAX_BYTES, HEAD_MAX_BYTES};
use super::message::{Head, METHODS};

/// Bytes before an interleaved packet. RFC 2326 section 10.12.
const INTERLEAVED_HEADER_BYTES: usize = 4;

/// Bytes of the shortest RTP or RTCP packet (RFC 3550: an empty receiver report).
const PACKET_MIN_BYTES: usize = 8;

/// A message or packet on the connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Element<'a> {
    /// An interleaved packet.
    Packet {
        /// The interleaved channel.
        channel: u8,
        /// The packet.
        bytes: &'a [u8],
    },
    /// A request or a response.
    Message(Message<Vec<u8>>),
    /// A message without its body, which has so many bytes and is too large.
    Bodiless(Message<Vec<u8>>, u64),
    /// A message with too long a head, which is skipped.
    HeadTooLong,
}

/// Bytes of the receive buffer: unparsed bytes, and room for a read after them.
const RECEIVE_BUFFER_BYTES: usize = 2 * BUFFER_MAX_BYTES;

/// With less room than this, an incomplete element is moved to the beginning before the next read.
const READ_MIN_BYTES: usize = BUFFER_MAX_BYTES / 4;

/// Holds received bytes until they complete an [`Element`]: at most [`BUFFER_MAX_BYTES`] of an incomplete
/// one. The connection is read into it and elements borrow from it, without a copy.
#[derive(Debug, Default)]
pub(super) struct Reader {
    /// At its full size once something is received.
    buffer: Vec<u8>,
    /// Bytes at the beginning that were returned as elements.
    given: usize,
    /// Bytes received.
    filled: usize,
    /// Whether synchronisation is lost: only plausible elements are accepted.
    lost: bool,
    /// Bytes skipped as garbage.
    pub garbage_bytes: u64,
    /// Bytes moved to the beginning of the buffer.
    pub moved_bytes: u64,
}

/// The element at the start of the buffer.
enum Scan {
    Data { channel: u8, len: usize },
    Message(Box<Head>, usize),
    LineBreak,
    Garbage(usize),
    HeadTooLong,
    Incomplete,
}

impl Reader {
    /// Room for the next bytes; not empty if [`pull`](Self::pull) was called until it gave nothing.
    pub fn room(&mut self) -> &mut [u8] {
        self.buffer.resize(RECEIVE_BUFFER_BYTES, 0);
        if self.given == self.filled {
            (self.given, self.filled) = (0, 0);
        } else if self.buffer.len() - self.filled < READ_MIN_BYTES {
            self.moved_bytes += (self.filled - self.given) as u64;
            self.buffer.copy_within(self.given..self.filled, 0);
            (self.given, self.filled) = (0, self.filled - self.given);
        }
        &mut self.buffer[self.filled..]
    }

    /// Notes that so many bytes were read into [`room`](Self::room).
    pub fn received(&mut self, bytes: usize) {
        self.filled = (self.filled + bytes).min(self.buffer.len());
    }

    /// Discards the bytes of a closed connection.
    pub fn reset(&mut self) {
        *self = Self { garbage_bytes: self.garbage_bytes, moved_bytes: self.moved_bytes, ..Self::default() };
    }

    /// The next element. `is_assigned` says which channels were negotiated.
    pub fn pull(&mut self, is_assigned: impl Fn(u8) -> bool) -> Option<Element<'_>> {
        loop {
            let rest = &self.buffer[self.given..self.filled];
            match scan(rest, self.lost, &is_assigned) {
                Scan::Incomplete if rest.len() < BUFFER_MAX_BYTES => return None,
                Scan::Incomplete => self.pass_over(1),
                Scan::Garbage(bytes) => self.pass_over(bytes),
                Scan::HeadTooLong => {
                    let was_lost = self.lost;
                    self.pass_over(1);
                    if !was_lost {
                        return Some(Element::HeadTooLong);
                    }
                }
                Scan::LineBreak => self.given += 1,
                Scan::Data { channel, len } => {
                    let begin = self.given + INTERLEAVED_HEADER_BYTES;
                    (self.given, self.lost) = (begin + len, false);
                    return Some(Element::Packet { channel, bytes: &self.buffer[begin..begin + len] });
                }
                Scan::Message(head, head_bytes) => {
                    let begin = self.given + head_bytes;
                    let end = begin + head.body_bytes;
                    (self.given, self.lost) = (end, head.too_large.is_some());
                    let too_large = head.too_large;
                    let message = head.with_body(&self.buffer[begin..end]);
                    return Some(match too_large {
                        Some(bytes) => Element::Bodiless(message, bytes),
                        None => Element::Message(message),
                    });
                }
            }
        }
    }

    fn pass_over(&mut self, bytes: usize) {
        self.given += bytes;
        self.garbage_bytes += bytes as u64;
        self.lost = true;
    }
}

fn scan(data: &[u8], lost: bool, is_assigned: &impl Fn(u8) -> bool) -> Scan {
    match data {
        [] => Scan::Incomplete,
        // As in `garbage`: the bytes skipped must not depend on how they were split.
        [first, ..] if lost && !matches!(first, b'$' | b'R') => garbage(data),
        [b'\r' | b'\n', ..] => Scan::LineBreak,
        [b'$', ..] => scan_interleaved(data, lost, is_assigned),
        _ if begins_message(data) => scan_message(data),
        _ => garbage(data),
    }
}

/// RFC 2326 section 10.12. Cameras send on unassigned channels; but `$` may also be any byte, so that such a
/// packet, or anything after garbage, must look like RTP.
fn scan_interleaved(data: &[u8], lost: bool, is_assigned: &impl Fn(u8) -> bool) -> Scan {
    let [_, channel, high, low, packet @ ..] = data else { return Scan::Incomplete };
    let (channel, len) = (*channel, usize::from(u16::from_be_bytes([*high, *low])));
    let assigned = is_assigned(channel);
    if lost || !assigned {
        if len < PACKET_MIN_BYTES || (lost && !assigned) {
            return garbage(data);
        }
        match packet.first() {
            None => return Scan::Incomplete,
            Some(first) if first >> 6 != 2 => return garbage(data),
            Some(_) => {}
        }
    }
    if packet.len() < len { Scan::Incomplete } else { Scan::Data { channel, len } }
}

fn scan_message(data: &[u8]) -> Scan {
    let window = &data[..data.len().min(HEAD_MAX_BYTES)];
    // Some cameras end lines with LF alone.
    let end = [&b"\r\n\r\n"[..], b"\n\n"]
        .into_iter()
        .filter_map(|end| memmem::find(window, end).map(|at| at + end.len()))
        .min();
    let Some(end) = end else {
        return if data.len() < HEAD_MAX_BYTES { Scan::Incomplete } else { Scan::HeadTooLong };
    };
    match Head::parse(&data[..end]) {
        None => garbage(data),
        Some(head) if data.len() - end < head.body_bytes => Scan::Incomplete,
        Some(head) => Scan::Message(Box::new(head), end),
    }
}

/// Whether this may be the start of a message.
fn begins_message(data: &[u8]) -> bool {
    let begins = |start: &str, then: u8| {
        let shown = data.len().min(start.len());
        data[..shown] == start.as_bytes()[..shown] && data.get(start.len()).is_none_or(|byte| *byte == then)
    };
    begins("RTSP", b'/') || METHODS.iter().any(|method| begins(method, b' '))
}

/// Skips garbage up to the next byte that could start an element.
fn garbage(data: &[u8]) -> Scan {
    let skip = memchr::memchr2(b'$', b'R', &data[1..]).map_or(data.len(), |at| at + 1);
    Scan::Garbage(skip)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &[u8] = b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 3\r\n\r\nabc";

    fn packet(channel: u8, len: u8) -> Vec<u8> {
        let mut packet = vec![b'$', channel, 0, len, 0x80];
        packet.resize(4 + usize::from(len), channel);
        packet
    }

    /// Writes as much as fits, at most 64 KiB; returns the number of bytes.
    fn push(reader: &mut Reader, bytes: &[u8]) -> usize {
        let room = reader.room();
        let len = bytes.len().min(room.len()).min(64 << 10);
        room[..len].copy_from_slice(&bytes[..len]);
        reader.received(len);
        len
    }

    /// The elements of a stream: channels of packets, and -1 for messages.
    fn read(pieces: &[&[u8]]) -> (Vec<i32>, u64) {
        let (mut reader, mut seen) = (Reader::default(), Vec::new());
        for mut piece in pieces.iter().copied() {
            while !piece.is_empty() {
                piece = &piece[push(&mut reader, piece)..];
                while let Some(element) = reader.pull(|channel| channel < 2) {
                    seen.push(match element {
                        Element::Packet { channel, .. } => i32::from(channel),
                        Element::Message(_) => -1,
                        Element::Bodiless(..) => -2,
                        Element::HeadTooLong => -3,
                    });
                }
            }
        }
        (seen, reader.garbage_bytes)
    }

    #[test]
    fn messages_and_packets_split_anywhere() {
        let stream = [ANSWER, &packet(0, 20), b"\r\n", &packet(1, 8), &packet(0, 0), ANSWER].concat();
        for split in 0..stream.len() {
            let (first, second) = stream.split_at(split);
            assert_eq!(read(&[first, second]), (vec![-1, 0, 1, 0, -1], 0), "split at {split}");
        }
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        assert_eq!(read(&bytes), (vec![-1, 0, 1, 0, -1], 0));
    }

    #[test]
    fn packets_on_unassigned_channels_must_look_like_rtp() {
        assert_eq!(read(&[&packet(6, 12), &packet(0, 12)]), (vec![6, 0], 0));
        let mut odd = packet(6, 12);
        odd[4] = 0;
        assert_eq!(read(&[&odd, &packet(0, 12)]), (vec![0], 16));
    }

    #[test]
    fn garbage_is_skipped_up_to_the_next_plausible_element() {
        let garbage = b"abc$\x09\x00\x10\x80$$R$\x00\x00\x00RTSP/2";
        let (seen, passed) = read(&[garbage, &packet(0, 12), ANSWER]);
        assert_eq!((seen, passed), (vec![0, -1], garbage.len() as u64));
        let (seen, _) = read(&[b"garbage", ANSWER, b"RTSP/1.0 nonsense\r\n\r\n", ANSWER]);
        assert_eq!(seen, [-1, -1]);
    }

    #[test]
    fn oversized_messages_are_reported_and_skipped() {
        let body = vec![b'x'; 70_000];
        let large = b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 70000\r\n\r\n";
        let (seen, passed) = read(&[large, &body, ANSWER, &packet(0, 12)]);
        assert_eq!((seen, passed), (vec![-2, -1, 0], 70_000));
        let head = [b"RTSP/1.0 200 OK\r\nX: ".as_slice(), &vec![b'x'; 20_000], b"\r\n\r\n"].concat();
        assert_eq!(read(&[&head, ANSWER]).0, [-3, -1]);
    }

    #[test]
    fn an_endless_head_is_bounded() {
        let mut stream = b"RTSP/1.0 200 OK\r\nX: ".to_vec();
        stream.resize(3 * BUFFER_MAX_BYTES, b'x');
        let mut reader = Reader::default();
        let (mut rest, mut too_long) = (&stream[..], 0);
        while !rest.is_empty() {
            let taken = push(&mut reader, rest);
            assert!(taken > 0 && reader.buffer.len() <= RECEIVE_BUFFER_BYTES);
            rest = &rest[taken..];
            while let Some(element) = reader.pull(|_| true) {
                assert_eq!(element, Element::HeadTooLong);
                too_long += 1;
            }
        }
        assert_eq!(too_long, 1, "said once");
        assert_eq!(reader.garbage_bytes, stream.len() as u64);
    }
}
