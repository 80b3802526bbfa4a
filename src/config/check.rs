//! Checks configuration as written and makes configuration as checked.

mod camera;
mod http;

use std::ops::Range;

use toml::Spanned;
use toml::de::DeTable;

use super::mistakes::{Collector, Mistake, line_of};
use super::sections::FileKind;
use super::{Camera, Config, Mistakes, syntax, written};
use crate::limits;

/// Checks a file's text. All mistakes are reported at once, except that a syntax error in the TOML hides
/// those after it.
pub fn parse(kind: FileKind, text: &str, file: &str) -> Result<Config, Mistakes> {
    let mut check = Check { mistakes: Collector::of(kind, text, file) };
    let config = match DeTable::parse(text) {
        Ok(root) => {
            let written = written::File::of(root.get_ref(), &mut check.mistakes);
            check.file(&written)
        }
        Err(error) => {
            let gave_up = line_of(text, error.span().map_or(0, |place| place.start));
            let number = syntax::culprit(text, gave_up);
            let line = text.lines().nth(number - 1).unwrap_or_default();
            let what = syntax::explain(kind, None, line, error.message());
            check.mistakes.push(Mistake::on_line(number, what));
            Config::default()
        }
    };
    check.mistakes.or_else(config)
}

struct Check<'a> {
    mistakes: Collector<'a>,
}

impl Check<'_> {
    fn file(&mut self, written: &written::File) -> Config {
        let mut checked: Vec<(&written::Camera, Camera)> = Vec::new();
        for written in written.camera.iter().take(limits::CAMERAS_MAX) {
            let camera = self.camera(written);
            self.name_is_new(written, &camera, &checked);
            checked.push((written, camera));
        }
        let mut cameras: Vec<Camera> = checked.into_iter().map(|(_, camera)| camera).collect();
        if written.camera.len() > limits::CAMERAS_MAX {
            let what = format!("has {} cameras; at most {} fit", written.camera.len(), limits::CAMERAS_MAX);
            self.mistakes.push(Mistake::of_file(what));
        }
        if cameras.is_empty() {
            cameras = Config::default().cameras;
        }
        Config { http: self.http(&written.http), cameras }
    }

    fn value<T, U>(
        &mut self,
        key: &str,
        value: Option<&Spanned<T>>,
        check: impl FnOnce(&T) -> Result<U, String>,
    ) -> Option<U> {
        self.mistakes.checked(key, value, check)
    }

    /// Checks each value of a list with at most `max` entries.
    fn list<T>(
        &mut self,
        key: &str,
        list: Option<&Spanned<Vec<Spanned<String>>>>,
        max: usize,
        check: impl Fn(&String) -> Result<T, String>,
    ) -> Vec<T> {
        let entries = self.entries(key, list, max);
        entries.iter().filter_map(|value| self.value(key, Some(value), &check)).collect()
    }

    /// The entries of a list; empty if it is too long.
    fn entries<'w>(
        &mut self,
        key: &str,
        list: Option<&'w Spanned<Vec<Spanned<String>>>>,
        max: usize,
    ) -> &'w [Spanned<String>] {
        let Some(list) = list else { return &[] };
        let count = list.get_ref().len();
        if count > max {
            self.error(list.span(), key, &format!("must have at most {max} entries, got {count}"));
            return &[];
        }
        list.get_ref()
    }

    fn error(&mut self, place: Range<usize>, key: &str, what: &str) {
        self.mistakes.add(place, key, what);
    }
}

#[cfg(test)]
mod tests;
