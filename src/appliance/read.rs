//! The card's `pinhole.toml`: valid settings are applied, and each mistake is reported with its line. Only
//! this module and `config` name `toml`.

mod own_sections;

use toml::de::DeTable;

use super::blocks::{self, Lines};
use super::settings::Settings;
use super::{CLOSED, MISTAKES_MAX, suspicion, text, words};
use crate::config::sections::FileKind;
use crate::config::{Config, Mistake, syntax};

/// Lines to remove before giving up on the rest.
const ATTEMPTS_MAX: usize = 200;

/// The settings in a file, and its mistakes.
#[derive(Debug, Default)]
pub struct Reading {
    /// The settings that are valid.
    pub settings: Settings,
    /// The mistakes, in order of lines.
    pub mistakes: Vec<Mistake>,
}

impl Reading {
    /// The result for a file that cannot be read. It may have held a password, so nothing is shown.
    pub fn of_trouble(what: String) -> Self {
        let mut reading = Self { mistakes: vec![Mistake::of_file(what.clone())], ..Self::default() };
        reading.close(what);
        reading
    }

    /// Whether the page will ask for a password.
    pub fn has_password(&self) -> bool {
        let of_service = || Config::parse(&self.settings.service, "").ok()?.http.password_hash;
        self.settings.password.is_some() || of_service().is_some()
    }

    /// Hides every picture, for this reason.
    pub fn close(&mut self, why: String) {
        self.mistakes.retain(|mistake| mistake.line.is_some() || mistake.what != why);
        self.mistakes.insert(0, Mistake::of_file(format!("{CLOSED}{why}")));
        self.settings.closed = Some(why);
    }
}

/// Reads the file's bytes.
pub fn read(bytes: &[u8], zone_exists: &dyn Fn(&str) -> bool) -> Reading {
    let mut mistakes = Vec::new();
    let text = text::decode(bytes, &mut mistakes);
    let mut reader = Reader { lines: Lines::of(&text), mistakes, is_given_up: false, zone_exists };
    reader.take_out_what_is_not_toml();
    let mut settings = reader.own_sections();
    settings.service = reader.service(settings.password.is_some());
    let is_given_up = reader.is_given_up;
    let mut mistakes = reader.mistakes;
    mistakes.sort();
    mistakes.dedup();
    let wish = suspicion::wish(&text);
    let of_wish = mistakes.iter().find(|mistake| wish.is_some() && mistake.line == wish);
    let of_wish = of_wish.map(words);
    if mistakes.len() > MISTAKES_MAX {
        let more = mistakes.len() - MISTAKES_MAX;
        mistakes.truncate(MISTAKES_MAX);
        mistakes.push(Mistake::of_file(format!("and {more} more mistakes")));
    }
    let mut reading = Reading { settings, mistakes };
    if !reading.has_password() {
        let how = "write password = \"...\" below a line [system]";
        match (wish, of_wish) {
            (Some(_), Some(mistake)) => {
                reading.close(format!("no password is set: {mistake}; {how}"));
            }
            (Some(line), None) => {
                reading.close(format!(
                    "line {line} looks like a password, but holds none that can be read; {how}"
                ));
            }
            _ if is_given_up || text::is_damaged(bytes, &text) => {
                reading.close("the file is damaged and may have held a password; write it again".to_owned());
            }
            _ => {}
        }
    }
    reading
}

struct Reader<'a> {
    lines: Lines,
    mistakes: Vec<Mistake>,
    /// The file could not be turned into valid TOML.
    is_given_up: bool,
    zone_exists: &'a dyn Fn(&str) -> bool,
}

impl Reader<'_> {
    /// Advice for a line that is not TOML.
    fn explain(&self, number: usize, message: &str) -> String {
        let line = self.lines.line(number);
        let header = self.lines.header_of(number).and_then(|head| blocks::header(self.lines.line(head)));
        let within = header.and_then(|name| FileKind::Card.section(name));
        let what = syntax::explain(FileKind::Card, within, line, message);
        let is_header = blocks::header(line).is_some();
        if is_header { what + "; the whole section is left out" } else { what }
    }

    /// Removes lines until the rest is TOML. Each pass removes one, so the loop ends.
    fn take_out_what_is_not_toml(&mut self) {
        for _ in 0..ATTEMPTS_MAX {
            let text = self.lines.text();
            let Err(error) = DeTable::parse(&text) else { return };
            let at = error.span().map_or(0, |span| span.start);
            let Some(line) = self.lines.last_written(self.lines.line_at(at)) else { break };
            let what = self.explain(line, error.message());
            self.mistakes.push(Mistake::on_line(line, what));
            self.lines.take_out(line);
        }
        if DeTable::parse(&self.lines.text()).is_err() {
            self.lines = Lines::of("");
            self.is_given_up = true;
            self.mistakes.push(Mistake::of_file("the rest cannot be read"));
        }
    }

    /// All sections except cameras and HTTP.
    fn own_sections(&mut self) -> Settings {
        let text = self.lines.text();
        let (settings, mistakes) = own_sections::read(&text, self.zone_exists);
        self.mistakes.extend(mistakes);
        settings
    }

    /// The sections of the service, as written except for values that it would refuse.
    fn service(&mut self, has_password: bool) -> String {
        let mut lines = self.lines.clone();
        lines.take_out_tables(|name| !matches!(name, Some("camera" | "http")));
        if has_password {
            self.take_out_second_password(&mut lines);
        }
        for _ in 0..ATTEMPTS_MAX {
            let Err(mistakes) = Config::parse_card(&lines.text()) else { break };
            let mut gone = false;
            for mistake in mistakes.list {
                let Some(line) = mistake.line.and_then(|line| lines.last_written(line)) else {
                    self.mistakes.push(mistake);
                    continue;
                };
                // A camera without a source is removed entirely.
                let is_source = mistake.key.as_deref() == Some("camera.source");
                let header = lines.header_of(line).filter(|_| is_source);
                lines.take_out(header.unwrap_or(line));
                self.mistakes.push(Mistake { line: Some(line), ..mistake });
                gone = true;
            }
            if !gone {
                return String::new();
            }
        }
        let text = lines.text();
        if Config::parse_card(&text).is_ok() { text } else { String::new() }
    }

    /// Removes `http.password_hash` if there is a `system.password` too: the owner can read the latter.
    fn take_out_second_password(&mut self, lines: &mut Lines) {
        let is_hash = |line: &str| {
            let key = line.split('=').next().unwrap_or_default();
            key.trim().trim_matches(['"', '\'']) == "password_hash"
        };
        for number in 1..=lines.text().lines().count() {
            let section = lines.header_of(number).and_then(|head| blocks::header(lines.line(head)));
            if section == Some("http") && is_hash(lines.line(number)) {
                let what = "is left out, because system.password counts; keep one of them";
                self.mistakes.push(Mistake::in_key(number, "http.password_hash", what));
                lines.take_out(number);
            }
        }
    }
}

#[cfg(test)]
mod tests;
