//! The keys of one table: each asked for by its name and its type, the others reported.
//!
//! Types are looked at here and not by `serde`, whose words ("invalid type: map, expected a
//! sequence") mean nothing to most operators.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::mistakes::Collector;
use super::quote::key_word;
use super::suggest::{self, Section};

/// The keys of one table.
pub struct Keys<'t, 'm, 'f> {
    section: Section,
    table: &'t DeTable<'t>,
    mistakes: &'m mut Collector<'f>,
}

impl<'t, 'm, 'f> Keys<'t, 'm, 'f> {
    /// The keys of a table. Those that it cannot have are mistakes.
    pub fn of(section: Section, table: &'t DeTable<'t>, mistakes: &'m mut Collector<'f>) -> Self {
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            if !section.keys().contains(&name) {
                let what = suggest::for_key(section, name, table);
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

    /// A list of texts; one text alone is a list of one. A number is taken as its digits.
    pub fn texts(&mut self, key: &'static str) -> Option<Spanned<Vec<Spanned<String>>>> {
        let value = self.value(key)?;
        let value_span = value.span();
        let one = std::slice::from_ref(value);
        let values = if let DeValue::Array(values) = value.get_ref() { &values[..] } else { one };
        let mut texts = Vec::with_capacity(values.len());
        for value in values {
            let text = match value.get_ref() {
                DeValue::String(text) => text.clone().into_owned(),
                DeValue::Integer(number) => number.to_string(),
                _ => return self.wrong(key, "a list of texts in quotes", value),
            };
            texts.push(Spanned::new(value.span(), text));
        }
        Some(Spanned::new(value_span, texts))
    }

    fn value(&self, key: &'static str) -> Option<&'t Spanned<DeValue<'t>>> {
        debug_assert!(self.section.keys().contains(&key), "{key} is not in the section's list");
        self.table.get(key)
    }

    fn wrong<T>(&mut self, key: &str, needed: &str, value: &Spanned<DeValue<'_>>) -> Option<T> {
        let example = self.section.example(key);
        let what = format!("must be {needed}, as in {key} = {example}; got {}", kind(value.get_ref()));
        self.mistakes.add(value.span(), &format!("{}.{key}", self.section.name()), &what);
        None
    }
}

/// What somebody has written, in their words.
pub fn kind(value: &DeValue<'_>) -> &'static str {
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
