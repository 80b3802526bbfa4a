//! Decodes the framing of a response's body. RFC 9112 sections 6.3 and 7.1.

use memchr::memchr;

use super::answer::Head;

/// Bytes of the line before a chunk, or of a line of the trailer.
const CHUNK_LINE_MAX_BYTES: usize = 1 << 10;

/// Maximum lines of a trailer.
const TRAILER_LINES_MAX: usize = 64;

/// Extracts a body from a connection's bytes, without a socket.
#[derive(Debug)]
pub struct Body(Framing);

#[derive(Debug)]
enum Framing {
    UntilClosed,
    /// Bytes still to come.
    Length(u64),
    Chunks(Chunks),
    Over,
}

/// The next piece of a body.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Bytes of the body.
    Bytes(&'a [u8]),
    /// All given bytes are used up.
    Wait,
    /// The body has ended.
    End,
}

impl Body {
    /// The body after a head.
    pub fn behind(head: &Head) -> Self {
        Self(match head.length {
            _ if matches!(head.status, 204 | 304) => Framing::Over,
            _ if head.is_chunked => Framing::Chunks(Chunks::default()),
            Some(length) => Framing::Length(length),
            None => Framing::UntilClosed,
        })
    }

    /// Whether the body is whole if the connection closes now.
    pub const fn may_be_closed(&self) -> bool {
        matches!(self.0, Framing::UntilClosed | Framing::Over)
    }

    /// The next piece of the body in `bytes`; advances `bytes` past it.
    ///
    /// # Errors
    /// The chunks are malformed.
    pub fn next<'a>(&mut self, bytes: &mut &'a [u8]) -> Result<Piece<'a>, String> {
        match &mut self.0 {
            Framing::Over | Framing::Length(0) => return Ok(Piece::End),
            _ if bytes.is_empty() => return Ok(Piece::Wait),
            Framing::UntilClosed => return Ok(Piece::Bytes(std::mem::take(bytes))),
            Framing::Length(left) => {
                let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                *left -= taken as u64;
                return Ok(Piece::Bytes(bytes.split_off(..taken).unwrap_or_default()));
            }
            Framing::Chunks(chunks) => {
                if let Some(piece) = chunks.next(bytes)? {
                    return Ok(piece);
                }
            }
        }
        self.0 = Framing::Over;
        Ok(Piece::End)
    }
}

#[derive(Debug, Default)]
struct Chunks {
    place: Place,
    /// The part of an incomplete line received so far.
    line: Vec<u8>,
    trailer_lines: usize,
}

#[derive(Debug, Default)]
enum Place {
    #[default]
    Size,
    Content(u64),
    /// The line break after a chunk.
    Break,
    Trailer,
}

impl Chunks {
    /// `None` at the end.
    fn next<'a>(&mut self, bytes: &mut &'a [u8]) -> Result<Option<Piece<'a>>, String> {
        loop {
            if let Place::Content(left) = &mut self.place {
                let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                if taken == 0 {
                    return Ok(Some(Piece::Wait));
                }
                *left -= taken as u64;
                if *left == 0 {
                    self.place = Place::Break;
                }
                return Ok(Some(Piece::Bytes(bytes.split_off(..taken).unwrap_or_default())));
            }
            let Some(line) = self.line(bytes)? else { return Ok(Some(Piece::Wait)) };
            self.place = match self.place {
                Place::Size => match size(&line)? {
                    0 => Place::Trailer,
                    size => Place::Content(size),
                },
                Place::Trailer if line.is_empty() => return Ok(None),
                Place::Trailer if self.trailer_lines == TRAILER_LINES_MAX => {
                    return Err(format!("more than {TRAILER_LINES_MAX} lines behind the last chunk"));
                }
                Place::Trailer => {
                    self.trailer_lines += 1;
                    Place::Trailer
                }
                Place::Break | Place::Content(_) if line.is_empty() => Place::Size,
                Place::Break | Place::Content(_) => {
                    return Err("a chunk is longer than its size says".to_owned());
                }
            };
        }
    }

    /// The next line, without its line end; `None` while it is incomplete.
    fn line(&mut self, bytes: &mut &[u8]) -> Result<Option<Vec<u8>>, String> {
        let end = memchr(b'\n', bytes);
        let taken = bytes.split_off(..end.map_or(bytes.len(), |at| at + 1)).unwrap_or_default();
        if self.line.len() + taken.len() > CHUNK_LINE_MAX_BYTES {
            return Err(format!("a line between chunks is longer than {CHUNK_LINE_MAX_BYTES} bytes"));
        }
        self.line.extend_from_slice(taken);
        if end.is_none() {
            return Ok(None);
        }
        let mut line = std::mem::take(&mut self.line);
        line.truncate(line.trim_ascii_end().len());
        Ok(Some(line))
    }
}

/// The size in the line before a chunk, which may have an extension.
fn size(line: &[u8]) -> Result<u64, String> {
    let digits = line.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    std::str::from_utf8(digits)
        .ok()
        .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
        .and_then(|digits| u64::from_str_radix(digits, 16).ok())
        .ok_or_else(|| format!("invalid chunk size \"{}\"", digits[..digits.len().min(20)].escape_ascii()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The body from these pieces of a connection, and whether it ended.
    fn read(head: &Head, pieces: &[&[u8]]) -> Result<(Vec<u8>, bool), String> {
        let mut body = Body::behind(head);
        let mut read = Vec::new();
        for mut piece in pieces.iter().copied() {
            loop {
                match body.next(&mut piece)? {
                    Piece::Bytes(bytes) => read.extend_from_slice(bytes),
                    Piece::Wait => break,
                    Piece::End => return Ok((read, true)),
                }
            }
        }
        Ok((read, false))
    }

    const CHUNKED: &[u8] = b"5;name=value\r\nhello\r\n0006 \n world\n0\r\nTrailer: x\r\n\r\n";

    #[test]
    fn chunks_split_anywhere() {
        let head = Head { is_chunked: true, ..Head::default() };
        for split in 0..CHUNKED.len() {
            let (first, second) = CHUNKED.split_at(split);
            assert_eq!(read(&head, &[first, second]), Ok((b"hello world".to_vec(), true)), "at {split}");
        }
        assert_eq!(read(&head, &CHUNKED.chunks(1).collect::<Vec<_>>()), Ok((b"hello world".to_vec(), true)));
    }

    #[test]
    fn wrong_chunks() {
        let head = Head { is_chunked: true, ..Head::default() };
        let error = |bytes: &[u8]| read(&head, &[bytes]).unwrap_err();
        assert!(error(b"-5\r\nhello").contains("invalid chunk size"));
        assert!(error(b"--boundary\r\n").contains("invalid chunk size"));
        assert!(error(b"11111111111111111\r\n").contains("invalid chunk size"));
        assert!(error(b"2\r\nhello\r\n").contains("longer than its size"));
        assert!(error(&[b'0'; 2000]).contains("longer than 1024 bytes"));
        assert!(error(&[&b"0\r\n"[..], &b"x\r\n".repeat(100)].concat()).contains("64 lines"));
    }

    #[test]
    fn lengths_and_bodies_without_one() {
        let head = Head { length: Some(5), ..Head::default() };
        assert_eq!(read(&head, &[b"hel", b"lo world"]), Ok((b"hello".to_vec(), true)));
        assert_eq!(read(&Head { length: Some(0), ..Head::default() }, &[b"x"]), Ok((Vec::new(), true)));
        assert_eq!(read(&Head::default(), &[b"hel", b"lo"]), Ok((b"hello".to_vec(), false)));
        assert!(Body::behind(&Head::default()).may_be_closed() && !Body::behind(&head).may_be_closed());
        assert_eq!(read(&Head { status: 204, ..Head::default() }, &[b"x"]), Ok((Vec::new(), true)));
    }
}
