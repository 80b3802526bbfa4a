//! Guesses the intention behind an unknown key or word.

mod near;
mod slips;
mod values;

use toml::de::{DeTable, DeValue};

use super::quote::quoted;
use super::sections::{FileKind, Section};
pub use near::{is_within, nearest};
pub use values::{for_crop, for_size, for_source};

/// Whether any section of the file allows this key.
pub fn is_key(file: FileKind, key: &str) -> bool {
    file.sections().iter().any(|section| section.keys(file).contains(&key))
}

/// An example value for a key of a section, for messages about a line that cannot be parsed. If the section
/// is unknown or lacks the key, the first section with the key supplies it.
pub fn example(file: FileKind, section: Option<Section>, key: &str) -> &'static str {
    let all = section.iter().chain(file.sections());
    all.into_iter().find_map(|section| section.example(key)).unwrap_or("\"value\"")
}

/// Advice for a key that a section does not allow.
pub fn for_key(file: FileKind, section: Section, key: &str, table: &DeTable<'_>) -> String {
    let plain = plain(key);
    let keys = section.keys(file);
    if file == FileKind::Card && section == Section::Http && plain == "listen" {
        return format!("cannot be set here; {}", slips::CARD_PORT);
    }
    let advice = if keys.contains(&plain.as_str()) {
        Some(format!("write {plain}"))
    } else {
        by_values(file, section, &plain, table)
            .or_else(|| section.slip(file, &plain).map(str::to_owned))
            .or_else(|| belongs_below(file, &plain))
            .or_else(|| nearest(&plain, &keys).map(|near| format!("did you mean {near}?")))
    };
    let advice = advice.unwrap_or_else(|| format!("use one of: {}", keys.join(", ")));
    format!("unknown key; {advice}")
}

/// Advice for an unknown section, or an unknown key above all sections.
pub fn for_section(file: FileKind, name: &str, value: &DeValue<'_>) -> String {
    let plain = plain(name);
    let is_section = match value {
        DeValue::Array(values) => values.iter().any(|value| matches!(value.get_ref(), DeValue::Table(_))),
        value => matches!(value, DeValue::Table(_)),
    };
    let is_table = matches!(value, DeValue::Table(_));
    let owner = if is_table { None } else { belongs_below(file, &plain) };
    let advice = if let Some(owner) = owner {
        owner
    } else if plain == "port" && !is_table {
        match file {
            FileKind::Service => {
                format!("write listen = [\"[::]:{}\"] below a line [http]", port(value).unwrap_or(8080))
            }
            FileKind::Card => slips::CARD_PORT.to_owned(),
        }
    } else if let Some(section) = section_like(file, &plain) {
        format!("write {}", section.header())
    } else {
        let headers = headers(file.sections(), "and");
        match FileKind::Card.section(&plain) {
            Some(section) => {
                format!(
                    "{} is for the pinhole.toml of the flashed card; here use {headers}",
                    section.header()
                )
            }
            None => format!("use {headers}"),
        }
    };
    format!("unknown {}; {advice}", if is_section { "section" } else { "key" })
}

/// The section meant by an alternative or mistyped name.
fn section_like(file: FileKind, plain: &str) -> Option<Section> {
    let is_meant = |section: &Section| {
        section.other_names().contains(&plain) || nearest(plain, &[section.name()]).is_some()
    };
    file.sections().iter().copied().find(is_meant)
}

/// The header lines of these sections, as in `[http] and [[camera]]`.
pub fn headers(sections: &[Section], last: &str) -> String {
    let headers: Vec<_> = sections.iter().map(|section| section.header()).collect();
    match headers.split_last() {
        Some((end, before)) if !before.is_empty() => format!("{} {last} {end}", before.join(", ")),
        _ => headers.concat(),
    }
}

/// Where a key belongs, if other sections of the file allow it.
fn belongs_below(file: FileKind, key: &str) -> Option<String> {
    let has_key = |section: &Section| section.keys(file).contains(&key);
    let owners: Vec<_> = file.sections().iter().copied().filter(has_key).collect();
    (!owners.is_empty()).then(|| format!("{key} belongs below a line {}", headers(&owners, "or")))
}

/// Advice that repeats the written value.
fn by_values(file: FileKind, section: Section, key: &str, table: &DeTable<'_>) -> Option<String> {
    match (section, key) {
        (Section::Http, "port" | "http_port" | "listen_port" | "stream_port" | "webcontrol_port") => {
            if file == FileKind::Card {
                return Some(slips::CARD_PORT.to_owned());
            }
            let port = port(table.get(key)?.get_ref()).unwrap_or(8080);
            Some(format!("write listen = [\"[::]:{port}\"]"))
        }
        (Section::Camera, "width" | "height") => {
            let side = |key| match table.get(key).map(toml::Spanned::get_ref) {
                Some(DeValue::Integer(number)) => number.as_str().parse::<u16>().ok(),
                _ => None,
            };
            let (width, height) = side("width").zip(side("height")).unwrap_or((1280, 720));
            Some(format!("write size = \"{width}x{height}\""))
        }
        _ => None,
    }
}

fn port(value: &DeValue<'_>) -> Option<u16> {
    match value {
        DeValue::Integer(number) => number.as_str().parse().ok(),
        DeValue::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// A key in Pinhole's spelling.
fn plain(key: &str) -> String {
    key.trim().to_ascii_lowercase().replace(['-', ' ', '.'], "_")
}

/// `unknown WHAT "X"; use one of: ...`, with the nearest known word if one is near.
pub fn unknown(what: &str, text: &str, words: &[&str]) -> String {
    let quoted = quoted(text);
    match nearest(text.trim(), words) {
        Some(near) => format!("unknown {what} {quoted}; did you mean \"{near}\"?"),
        None => format!("unknown {what} {quoted}; use one of: {}", words.join(", ")),
    }
}
