//! Mistakes of a configuration file, as values: line, key, text.

use std::fmt;
use std::ops::Range;

use toml::Spanned;

use super::sections::FileKind;

/// Mistakes to list; a file of some other kind has one on each line.
const LISTED_MAX: usize = 50;

/// Mistakes to keep; further ones are only counted. Finding the line of each takes a pass over the file.
const FOUND_MAX: usize = 1000;

/// One mistake. It holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// The line, from 1; `None` if the mistake concerns the whole file.
    pub line: Option<usize>,
    /// The key, as in `camera.fps`; `None` if the mistake does not concern one.
    pub key: Option<String>,
    /// What is wrong, and what to write.
    pub what: String,
}

impl Mistake {
    /// A mistake of the file as a whole.
    pub fn of_file(what: impl Into<String>) -> Self {
        Self { line: None, key: None, what: what.into() }
    }

    /// A mistake on a line.
    pub fn on_line(line: usize, what: impl Into<String>) -> Self {
        Self { line: Some(line), key: None, what: what.into() }
    }

    /// A mistake in a key or its value.
    pub fn in_key(line: usize, key: impl Into<String>, what: impl Into<String>) -> Self {
        Self { line: Some(line), key: Some(key.into()), what: what.into() }
    }
}

/// The key and what is wrong with it, without the line.
impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.key {
            Some(key) => write!(f, "{key}: {}", self.what),
            None => f.write_str(&self.what),
        }
    }
}

/// The mistakes of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistakes {
    /// The file's name.
    pub file: String,
    /// In the order of the file.
    pub list: Vec<Mistake>,
}

impl Mistakes {
    /// A single mistake of a file as a whole.
    pub fn of_file(file: &str, what: impl Into<String>) -> Self {
        Self { file: file.to_owned(), list: vec![Mistake::of_file(what)] }
    }

    /// A line for each: `FILE:LINE: KEY: WHAT`.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        self.list.iter().map(|mistake| match mistake.line {
            Some(line) => format!("{}:{line}: {mistake}", self.file),
            None => format!("{}: {mistake}", self.file),
        })
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines().collect::<Vec<_>>().join("\n"))
    }
}

impl std::error::Error for Mistakes {}

/// Collects mistakes and puts them in the order of the file.
#[derive(Debug)]
pub struct Collector<'a> {
    kind: FileKind,
    text: &'a str,
    file: &'a str,
    found: Vec<Mistake>,
    /// The number of further mistakes, beyond [`FOUND_MAX`].
    more: usize,
}

impl<'a> Collector<'a> {
    /// An empty collection for this text of a file with this name.
    pub fn of(kind: FileKind, text: &'a str, file: &'a str) -> Self {
        Self { kind, text, file, found: Vec::new(), more: 0 }
    }

    /// The kind of file.
    pub fn kind(&self) -> FileKind {
        self.kind
    }

    /// The text of the file.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// Checks a value; an error becomes a mistake at the value's place.
    pub fn checked<T, U>(
        &mut self,
        key: &str,
        value: Option<&Spanned<T>>,
        check: impl FnOnce(&T) -> Result<U, String>,
    ) -> Option<U> {
        let value = value?;
        match check(value.get_ref()) {
            Ok(checked) => Some(checked),
            Err(error) => {
                self.add(value.span(), key, &error);
                None
            }
        }
    }

    /// Adds a mistake in the value of a key, or in the key itself.
    pub fn add(&mut self, place: Range<usize>, key: &str, what: &str) {
        if self.found.len() >= FOUND_MAX {
            self.more += 1;
            return;
        }
        self.found.push(Mistake::in_key(line_of(self.text, place.start), key, what));
    }

    /// Adds a mistake.
    pub fn push(&mut self, mistake: Mistake) {
        self.found.push(mistake);
    }

    /// The mistakes in the order in which they were found, at most `FOUND_MAX`.
    pub fn into_list(self) -> Vec<Mistake> {
        self.found
    }

    /// Returns `good` if there was no mistake.
    ///
    /// # Errors
    /// The mistakes, those of one line in the order in which they were found; those of the file as a whole
    /// come last.
    pub fn or_else<T>(mut self, good: T) -> Result<T, Mistakes> {
        if self.found.is_empty() {
            return Ok(good);
        }
        self.found.sort_by_key(|mistake| mistake.line.unwrap_or(usize::MAX));
        let more = self.more + self.found.len().saturating_sub(LISTED_MAX);
        self.found.truncate(LISTED_MAX);
        if more > 0 {
            self.found.push(Mistake::of_file(format!("and {more} more mistakes")));
        }
        Err(Mistakes { file: self.file.to_owned(), list: self.found })
    }
}

/// The number of the line that contains this byte; from 1.
pub fn line_of(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}
