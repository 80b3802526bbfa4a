//! A TOML file as lines. Single lines and whole tables can be removed; the rest keeps its line numbers.

/// The lines of a file.
#[derive(Debug, Clone)]
pub struct Lines(Vec<String>);

impl Lines {
    /// A text's lines.
    pub fn of(text: &str) -> Self {
        Self(text.lines().map(str::to_owned).collect())
    }

    /// The text, with an empty line for each removed one.
    pub fn text(&self) -> String {
        self.0.iter().fold(String::new(), |text, line| text + line + "\n")
    }

    /// The number of the line that contains this byte of [`text`](Self::text); from 1.
    pub fn line_at(&self, at: usize) -> usize {
        let mut end = 0;
        for (index, line) in self.0.iter().enumerate() {
            end += line.len() + 1;
            if at < end {
                return index + 1;
            }
        }
        self.0.len().max(1)
    }

    /// A line; empty if there is none with that number.
    pub fn line(&self, number: usize) -> &str {
        self.0.get(number.wrapping_sub(1)).map_or("", String::as_str)
    }

    /// The last line up to a number that is not empty.
    pub fn last_written(&self, number: usize) -> Option<usize> {
        (1..=number.min(self.0.len())).rev().find(|&number| !self.line(number).trim().is_empty())
    }

    /// Removes a line; if it begins a table, the whole table, as its keys would join the table before.
    pub fn take_out(&mut self, number: usize) {
        if header(self.line(number)).is_some() {
            for line in self.block(number) {
                self.0[line - 1].clear();
            }
        } else if let Some(line) = self.0.get_mut(number.wrapping_sub(1)) {
            line.clear();
        }
    }

    /// Removes everything in the tables, or outside all tables, if `goes` is true of the name.
    pub fn take_out_tables(&mut self, goes: impl Fn(Option<&str>) -> bool) {
        let mut going = goes(None);
        for line in &mut self.0 {
            if let Some(name) = header(line) {
                going = goes(Some(name));
            }
            if going {
                line.clear();
            }
        }
    }

    /// The line that begins the table of a given line.
    pub fn header_of(&self, number: usize) -> Option<usize> {
        (1..=number.min(self.0.len())).rev().find(|&number| header(self.line(number)).is_some())
    }

    fn block(&self, first: usize) -> std::ops::Range<usize> {
        let next = (first + 1..=self.0.len()).find(|&number| header(self.line(number)).is_some());
        first..next.unwrap_or(self.0.len() + 1)
    }
}

/// The name of the table that a line begins, even if the closing bracket is missing.
pub fn header(line: &str) -> Option<&str> {
    let name = line.trim_start().strip_prefix('[')?.trim_start_matches('[');
    Some(name.split([']', '#']).next().unwrap_or_default().trim().trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "a = 1\n[wifi]\nname = \"x\"\n\n[[camera]] # yard\nfps = 5\n";

    #[test]
    fn lines_and_tables_are_removed() {
        let mut lines = Lines::of(TEXT);
        lines.take_out(3);
        assert_eq!(lines.text(), TEXT.replace("name = \"x\"", ""));
        lines.take_out(5);
        assert_eq!(lines.text(), "a = 1\n[wifi]\n\n\n\n\n");
        let mut lines = Lines::of(TEXT);
        lines.take_out_tables(|name| name != Some("camera"));
        assert_eq!(lines.text(), "\n\n\n\n[[camera]] # yard\nfps = 5\n");
    }

    #[test]
    fn byte_positions_become_line_numbers() {
        let lines = Lines::of(TEXT);
        assert_eq!([0, 5, 6, 13, 999].map(|at| lines.line_at(at)), [1, 1, 2, 3, 6]);
        assert_eq!((lines.header_of(6), lines.header_of(4), lines.header_of(1)), (Some(5), Some(2), None));
        assert_eq!(
            (lines.last_written(4), lines.last_written(99), lines.last_written(0)),
            (Some(3), Some(6), None)
        );
        assert_eq!(
            [header("[wifi"), header(" [[camera]]"), header("x = [1]")],
            [Some("wifi"), Some("camera"), None]
        );
    }
}
