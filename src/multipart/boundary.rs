//! The line between two parts, as cameras write it. RFC 2046 section 5.1.1.

use std::ops::Range;

use memchr::{memchr, memmem};

/// Bytes of a line that may be a boundary, or a part's header.
pub const LINE_MAX_BYTES: usize = 4 << 10;

/// What is known of the boundary.
///
/// The answer's head names it, and each delimiter line is two dashes and that name. Cameras put
/// dashes into the name (`boundary=--myboundary`) or leave them out of the line, so that dashes
/// before the name are not compared. Others name no boundary, or another than they send: what the
/// first line that looks like one says is believed then.
#[derive(Debug, Clone, Default)]
pub struct Boundary {
    /// Without the dashes before it; empty while not known.
    name: Vec<u8>,
    /// A line has been the delimiter.
    is_proven: bool,
}

/// Whether something is there, as far as can be told from what has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen<T> {
    /// It is.
    Yes(T),
    /// It is not.
    No,
    /// More bytes are needed to tell.
    Perhaps,
}

impl Boundary {
    /// The boundary that the answer's head names, if it does.
    pub fn new(declared: Option<&str>) -> Self {
        let name = undashed(declared.unwrap_or_default().trim().as_bytes());
        Self { name: name.to_vec(), is_proven: false }
    }

    /// A line proved to be the delimiter.
    pub fn prove(&mut self) {
        self.is_proven = true;
    }

    /// Whether a line between parts, without its end, is the delimiter.
    pub fn is_delimiter(&self, line: &[u8]) -> bool {
        let line = line.trim_ascii_end();
        let name = undashed(line);
        !self.name.is_empty() && (name == self.name || name.strip_suffix(b"--") == Some(&self.name))
    }

    /// The boundary that a line between parts would make, were it the delimiter of a camera that
    /// names another one, or none.
    pub fn learned_from(&self, line: &[u8]) -> Option<Self> {
        let line = line.trim_ascii_end();
        let name = undashed(line);
        let fits = line.starts_with(b"--") && !name.is_empty() && name.iter().all(u8::is_ascii_graphic);
        (fits && !self.is_proven).then(|| Self { name: name.to_vec(), is_proven: false })
    }

    /// Whether `data` begins with a delimiter, behind line breaks or not.
    pub fn begins(&self, data: &[u8]) -> Seen<()> {
        let breaks = data.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        match line(&data[breaks..]) {
            Seen::Yes(line) if self.is_delimiter(&data[breaks..][line.clone()]) => Seen::Yes(()),
            Seen::Yes(line) if self.learned_from(&data[breaks..][line.clone()]).is_some() => Seen::Yes(()),
            Seen::Perhaps if self.may_begin(&data[breaks..]) => Seen::Perhaps,
            _ => Seen::No,
        }
    }

    /// Whether this beginning of a line may become a delimiter.
    fn may_begin(&self, data: &[u8]) -> bool {
        let name = undashed(data);
        let shown = name.len().min(self.name.len());
        name[..shown] == self.name[..shown] || !self.is_proven && data.first().is_none_or(|it| *it == b'-')
    }

    /// The first delimiter in a body that does not tell its end, from `from` on: where the body ends,
    /// which is before the line break. It stands on a line of its own and has its two dashes, for
    /// a body may hold anything. With [`Seen::Perhaps`], what lies before `from` need not be searched
    /// again.
    pub fn find(&self, body: &[u8], from: &mut usize) -> Seen<usize> {
        loop {
            // Two dashes at the beginning of the body, or of a line.
            let dashes = if *from == 0 && body.starts_with(b"--") {
                0
            } else {
                let Some(at) = memmem::find(&body[*from..], b"\n--") else {
                    // The last bytes may be the beginning of one.
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

/// The line at the beginning of `data`, without its end.
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
