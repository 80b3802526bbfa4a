//! The keys of one section: each is read by name and type, unknown ones are reported.
//!
//! Types are checked here rather than by `serde`, whose messages ("invalid type: map, expected a sequence")
//! mean nothing to most operators.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeArray, DeString, DeTable, DeValue};

use super::mistakes::Collector;
use super::quote::key_word;
use super::sections::Section;
use super::suggest;

/// The keys of one section.
pub struct Keys<'t, 'm, 'f> {
    section: Section,
    table: &'t DeTable<'t>,
    mistakes: &'m mut Collector<'f>,
}

impl<'t, 'm, 'f> Keys<'t, 'm, 'f> {
    /// The keys of a section. Unknown ones are mistakes.
    pub fn of(section: Section, table: &'t DeTable<'t>, mistakes: &'m mut Collector<'f>) -> Self {
        let (file, known) = (mistakes.kind(), section.keys(mistakes.kind()));
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            if !known.contains(&name) {
                let what = suggest::for_key(file, section, name, table);
                let place = if name.contains('\n') { value.span() } else { key.span() };
                let key = key_word(name).map_or(String::new(), |key| format!(".{key}"));
                mistakes.add(place, &format!("{}{key}", section.name()), &what);
            }
        }
        Self { section, table, mistakes }
    }

    /// Text.
    pub fn text(&mut self, key: &'static str) -> Option<Spanned<String>> {
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::String(text) => Some(Spanned::new(value.span(), text.clone().into_owned())),
            _ => self.wrong(key, "text in quotes", value),
        }
    }

    /// Text, or a whole number as written: a password may consist of digits.
    pub fn text_or_digits(&mut self, key: &'static str) -> Option<Spanned<String>> {
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::Integer(_) => {
                let written = self.mistakes.text().get(value.span()).unwrap_or_default();
                Some(Spanned::new(value.span(), written.to_owned()))
            }
            _ => self.text(key),
        }
    }

    /// A whole number.
    pub fn number(&mut self, key: &'static str) -> Option<Spanned<i64>> {
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::Integer(number) => {
                let Ok(number) = i64::from_str_radix(number.as_str(), number.radix()) else {
                    let name = format!("{}.{key}", self.section.name());
                    self.mistakes.add(value.span(), &name, "is far too large");
                    return None;
                };
                Some(Spanned::new(value.span(), number))
            }
            DeValue::String(_) => self.wrong(key, "a whole number without quotes", value),
            _ => self.wrong(key, "a whole number", value),
        }
    }

    /// `true` or `false`.
    pub fn truth(&mut self, key: &'static str) -> Option<bool> {
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::Boolean(truth) => Some(*truth),
            DeValue::String(_) => self.wrong(key, "true or false, without quotes", value),
            _ => self.wrong(key, "true or false", value),
        }
    }

    /// A list of texts; a single text is a list of one. A number is taken as its digits. Entries of another
    /// type are left out, and the first of them is reported.
    pub fn texts(&mut self, key: &'static str) -> Option<Spanned<Vec<Spanned<String>>>> {
        let value = self.value(key)?;
        let value_span = value.span();
        let one = std::slice::from_ref(value);
        let values = if let DeValue::Array(values) = value.get_ref() { &values[..] } else { one };
        let mut texts = Vec::with_capacity(values.len());
        let mut wrong = None;
        for value in values {
            let text = match value.get_ref() {
                DeValue::String(text) => text.clone().into_owned(),
                DeValue::Integer(number) => number.to_string(),
                _ => {
                    wrong = wrong.or(Some(value));
                    continue;
                }
            };
            texts.push(Spanned::new(value.span(), text));
        }
        if let Some(value) = wrong {
            self.wrong::<()>(key, "a list of texts in quotes", value);
        }
        Some(Spanned::new(value_span, texts))
    }

    fn value(&self, key: &'static str) -> Option<&'t Spanned<DeValue<'t>>> {
        debug_assert!(self.section.example(key).is_some(), "{key} is not in the section's list");
        self.table.get(key)
    }

    fn wrong<T>(&mut self, key: &str, needed: &str, value: &Spanned<DeValue<'_>>) -> Option<T> {
        let example = self.section.example(key).unwrap_or_default();
        let what = format!("must be {needed}, as in {key} = {example}; got {}", kind(value.get_ref()));
        self.mistakes.add(value.span(), &format!("{}.{key}", self.section.name()), &what);
        None
    }
}

/// Reports a section, or a key above all sections, that the file does not allow.
pub fn unknown(name: &Spanned<DeString<'_>>, value: &DeValue<'_>, mistakes: &mut Collector<'_>) {
    let key = key_word(name.get_ref()).unwrap_or("this key");
    let what = suggest::for_section(mistakes.kind(), name.get_ref(), value);
    mistakes.add(name.span(), key, &what);
}

/// Reports a value that is not a section where a section belongs.
pub fn not_a_section(
    section: Section,
    place: Range<usize>,
    value: &DeValue<'_>,
    mistakes: &mut Collector<'_>,
) {
    let (header, name) = (section.header(), section.name());
    let what = match value {
        DeValue::Array(tables) if has_tables(tables) => {
            format!("write {header}, with one pair of brackets, and only once")
        }
        other => format!("must be a section: a line {header}, and its keys below it; got {}", kind(other)),
    };
    mistakes.add(place, name, &what);
}

fn has_tables(array: &DeArray<'_>) -> bool {
    !array.is_empty() && array.iter().all(|value| matches!(value.get_ref(), DeValue::Table(_)))
}

/// The type of a value, for messages.
fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a decimal number",
        DeValue::Boolean(true) => "true",
        DeValue::Boolean(false) => "false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
