//! The line between two parts, with its variants in cameras. RFC 2046 section 5.1.1.

use std::ops::Range;

use memchr::{memchr, memmem};

/// Bytes of a line that may be a boundary, or a part's header.
pub const LINE_MAX_BYTES: usize = 4 << 10;

/// The boundary, as far as it is known.
///
/// The response head names it, and each delimiter line is two dashes and that name. Cameras put dashes into
/// the name (`boundary=--myboundary`) or omit them from the line, so dashes before the name are not compared.
/// Others name no boundary, or send a different one: then the first line that looks like a boundary is used.
#[derive(Debug, Clone, Default)]
pub struct Boundary {
    /// Without the dashes before it; empty while unknown.
    name: Vec<u8>,
    /// A line has proved to be the delimiter.
    is_proven: bool,
}

/// Whether something is present, as far as the bytes so far show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen<T> {
    /// It is.
    Yes(T),
    /// It is not.
    No,
    /// More bytes are needed.
    Perhaps,
}

impl Boundary {
    /// The boundary that the response head names, if any.
    pub fn new(declared: Option<&str>) -> Self {
        let name = undashed(declared.unwrap_or_default().trim().as_bytes());
        Self { name: name.to_vec(), is_proven: false }
    }

    /// Notes that a line proved to be the delimiter.
    pub fn prove(&mut self) {
        self.is_proven = true;
    }

    /// Whether a line between parts, without its line end, is the delimiter.
    pub fn is_delimiter(&self, line: &[u8]) -> bool {
        let line = line.trim_ascii_end();
        let name = undashed(line);
        !self.name.is_empty() && (name == self.name || name.strip_suffix(b"--") == Some(&self.name))
    }

    /// The boundary that a line between parts implies, if it is the delimiter of a camera that names another
    /// one, or none.
    pub fn learned_from(&self, line: &[u8]) -> Option<Self> {
        let line = line.trim_ascii_end();
        let name = undashed(line);
        let fits = line.starts_with(b"--") && !name.is_empty() && name.iter().all(u8::is_ascii_graphic);
        (fits && !self.is_proven).then(|| Self { name: name.to_vec(), is_proven: false })
    }

    /// Whether `data` begins with a delimiter, perhaps after line breaks.
    pub fn begins(&self, data: &[u8]) -> Seen<()> {
        let breaks = data.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        match line(&data[breaks..]) {
            Seen::Yes(line) if self.is_delimiter(&data[breaks..][line.clone()]) => Seen::Yes(()),
            Seen::Yes(line) if self.learned_from(&data[breaks..][line.clone()]).is_some() => Seen::Yes(()),
            Seen::Perhaps if self.may_begin(&data[breaks..]) => Seen::Perhaps,
            _ => Seen::No,
        }
    }

    /// Whether this beginning of a line may continue to a delimiter.
    fn may_begin(&self, data: &[u8]) -> bool {
        let name = undashed(data);
        let shown = name.len().min(self.name.len());
        name[..shown] == self.name[..shown] || !self.is_proven && data.first().is_none_or(|it| *it == b'-')
    }

    /// Finds the first delimiter, from `from` on, in a body without a known end; returns the end of the body,
    /// which is before the line break. The delimiter is on its own line and has its two dashes, as a body may
    /// contain anything. After [`Seen::Perhaps`], bytes before `from` need not be searched again.
    pub fn find(&self, body: &[u8], from: &mut usize) -> Seen<usize> {
        loop {
            // Two dashes at the beginning of the body, or of a line.
            let dashes = if *from == 0 && body.starts_with(b"--") {
                0
            } else {
                let Some(at) = memmem::find(&body[*from..], b"\n--") else {
                    // The last bytes may begin one.
                    *from = (*from).max(body.len().saturating_sub(2));
                    return Seen::Perhaps;
                };
                *from + at + 1
            };
            match self.begins(&body[dashes..]) {
                Seen::Yes(()) => {
                    let before = &body[..dashes];
                    let before = before.strip_suffix(b"\n").unwrap_or(before);
                    return Seen::Yes(before.strip_suffix(b"\r").unwrap_or(before).len());
                }
                Seen::No => *from = dashes + 1,
                Seen::Perhaps => {
                    *from = dashes.saturating_sub(1);
                    return Seen::Perhaps;
                }
            }
        }
    }
}

/// The line at the beginning of `data`, without its line end.
pub fn line(data: &[u8]) -> Seen<Range<usize>> {
    let window = &data[..data.len().min(LINE_MAX_BYTES)];
    match memchr(b'\n', window) {
        Some(end) => Seen::Yes(0..data[..end].strip_suffix(b"\r").map_or(end, <[u8]>::len)),
        None if data.len() < LINE_MAX_BYTES => Seen::Perhaps,
        None => Seen::No,
    }
}

fn undashed(line: &[u8]) -> &[u8] {
    &line[line.iter().take_while(|byte| **byte == b'-').count()..]
}
