//! Mistakes of a configuration file, each with its line and its key.

use std::ops::Range;

use super::Errors;

/// Mistakes that are listed; a file that is something else altogether has one on each line.
const LISTED_MAX: usize = 50;

/// Mistakes that are looked at; the others are only counted. Finding the line of each takes a walk through the
/// file.
const FOUND_MAX: usize = 1000;

/// Collects mistakes and puts them in the order of the file.
#[derive(Debug)]
pub struct Mistakes<'a> {
    text: &'a str,
    file: &'a str,
    found: Vec<(usize, String)>,
    /// Further ones, behind [`FOUND_MAX`].
    more: usize,
}

impl<'a> Mistakes<'a> {
    /// No mistakes yet in this text of a file of this name.
    pub fn of(text: &'a str, file: &'a str) -> Self {
        Self { text, file, found: Vec::new(), more: 0 }
    }

    /// Adds a mistake in the value of a key, or in the key itself.
    pub fn add(&mut self, place: Range<usize>, key: &str, what: &str) {
        if self.found.len() >= FOUND_MAX {
            self.more += 1;
            return;
        }
        let line = line_of(self.text, place.start);
        self.found.push((line, format!("{}:{line}: {key}: {what}", self.file)));
    }

    /// Adds a mistake that is in no key.
    pub fn add_on_line(&mut self, line: usize, what: &str) {
        self.found.push((line, format!("{}:{line}: {what}", self.file)));
    }

    /// Adds a mistake of the file as a whole.
    pub fn add_of_file(&mut self, what: &str) {
        self.found.push((usize::MAX, format!("{}: {what}", self.file)));
    }

    /// `good`, if there was no mistake.
    ///
    /// # Errors
    /// The mistakes, those of one line in the order in which they were found.
    pub fn or_else<T>(mut self, good: T) -> Result<T, Errors> {
        if self.found.is_empty() {
            return Ok(good);
        }
        self.found.sort_by_key(|(line, _)| *line);
        let more = self.more + self.found.len().saturating_sub(LISTED_MAX);
        self.found.truncate(LISTED_MAX);
        let mut lines: Vec<String> = self.found.into_iter().map(|(_, what)| what).collect();
        if more > 0 {
            lines.push(format!("{}: and {more} more mistakes", self.file));
        }
        Err(Errors(lines))
    }
}

/// The number of the line with this byte; from 1.
pub fn line_of(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}
