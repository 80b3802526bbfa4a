//! Configuration, as written: what a TOML file may hold, with the place of each value, so that a
//! mistake can be shown where it stands.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::keys::{Keys, kind};
use super::mistakes::Collector;
use super::quote::{is_shown, key_word};
use super::suggest::{self, Section};

/// A whole file.
#[derive(Debug, Default)]
pub struct File {
    pub http: Http,
    pub camera: Vec<Camera>,
}

/// The table `[http]`.
#[derive(Debug, Default)]
pub struct Http {
    pub listen: Option<Spanned<Vec<Spanned<String>>>>,
    pub connections_max: Option<Spanned<i64>>,
    pub connections_per_address_max: Option<Spanned<i64>>,
    pub allow_origin: Option<Spanned<String>>,
    pub hosts: Option<Spanned<Vec<Spanned<String>>>>,
    pub trusted_proxies: Option<Spanned<Vec<Spanned<String>>>>,
    pub password_hash: Option<Spanned<String>>,
    pub closed: Option<Spanned<String>>,
}

/// A table `[[camera]]`.
#[derive(Debug)]
pub struct Camera {
    pub name: Option<Spanned<String>>,
    /// Missing where there is none, or where it has been reported already.
    pub source: Option<Spanned<String>>,
    pub size: Option<Spanned<String>>,
    pub fps: Option<Spanned<i64>>,
    pub format: Option<Spanned<String>>,
    pub quality: Option<Spanned<i64>>,
    pub chroma: Option<Spanned<String>>,
    pub on_demand: Option<bool>,
    pub transport: Option<Spanned<String>>,
    pub tls_fingerprint: Option<Spanned<String>>,
}

impl File {
    /// Takes a parsed file apart; what is wrong in it goes to the mistakes.
    pub fn of(root: &DeTable<'_>, mistakes: &mut Collector<'_>) -> Self {
        let mut file = Self::default();
        for (name, value) in root {
            let place = name.span();
            match (name.get_ref().as_ref(), value.get_ref()) {
                ("http", DeValue::Table(table)) => file.http = Http::of(table, mistakes),
                ("http", DeValue::Array(tables)) if has_tables(tables) => {
                    let what = "write [http], with one pair of brackets, and only once";
                    mistakes.add(place, "http", what);
                }
                ("http", other) => {
                    let what = format!(
                        "must be a section: a line [http], and its keys below it; got {}",
                        kind(other)
                    );
                    mistakes.add(place, "http", &what);
                }
                ("camera", DeValue::Array(tables)) => file.cameras(tables, mistakes),
                ("camera", DeValue::Table(table)) => {
                    mistakes.add(place, "camera", &one_camera(table));
                }
                ("camera", other) => {
                    let what = format!(
                        "must be a section: a line [[camera]], and its keys below it; got {}",
                        kind(other)
                    );
                    mistakes.add(place, "camera", &what);
                }
                (name, other) => {
                    let key = key_word(name).unwrap_or("this key");
                    mistakes.add(place, key, &suggest::for_table(name, other));
                }
            }
        }
        file
    }

    fn cameras(&mut self, tables: &DeArray<'_>, mistakes: &mut Collector<'_>) {
        for table in tables {
            if let DeValue::Table(keys) = table.get_ref() {
                self.camera.push(Camera::of(keys, table.span(), mistakes));
            } else {
                let what = format!(
                    "must be a section: a line [[camera]], and its keys below it; got {}",
                    kind(table.get_ref())
                );
                return mistakes.add(table.span(), "camera", &what);
            }
        }
    }
}

impl Http {
    fn of(table: &DeTable<'_>, mistakes: &mut Collector<'_>) -> Self {
        let mut keys = Keys::of(Section::Http, table, mistakes);
        Self {
            listen: keys.texts("listen"),
            connections_max: keys.number("connections_max"),
            connections_per_address_max: keys.number("connections_per_address_max"),
            allow_origin: keys.text("allow_origin"),
            hosts: keys.texts("hosts"),
            trusted_proxies: keys.texts("trusted_proxies"),
            password_hash: keys.text("password_hash"),
            closed: keys.text("closed"),
        }
    }
}

impl Camera {
    fn of(table: &DeTable<'_>, place: Range<usize>, mistakes: &mut Collector<'_>) -> Self {
        if !table.contains_key("source") {
            let what = "is missing; write source = \"/dev/video0\", \"rtsp://HOST/PATH\" or another source";
            mistakes.add(place, "camera.source", what);
        }
        let mut keys = Keys::of(Section::Camera, table, mistakes);
        Self {
            name: keys.text("name"),
            source: keys.text("source"),
            size: keys.text("size"),
            fps: keys.number("fps"),
            format: keys.text("format"),
            quality: keys.number("quality"),
            chroma: keys.text("chroma"),
            on_demand: keys.truth("on_demand"),
            transport: keys.text("transport"),
            tls_fingerprint: keys.text("tls_fingerprint"),
        }
    }
}

fn has_tables(array: &DeArray<'_>) -> bool {
    !array.is_empty() && array.iter().all(|value| matches!(value.get_ref(), DeValue::Table(_)))
}

/// What to write in place of `[camera]`, `[camera.yard]` or `camera = { ... }`.
fn one_camera(table: &DeTable<'_>) -> String {
    let named = table.iter().find(|(_, value)| matches!(value.get_ref(), DeValue::Table(_)));
    match named {
        Some((name, _)) => {
            let name = if is_shown(name.get_ref()) { super::slug(name.get_ref()) } else { "yard".to_owned() };
            format!("write [[camera]], and name = \"{name}\" below it")
        }
        None => {
            "write [[camera]], with two pairs of brackets: each camera begins with such a line".to_owned()
        }
    }
}
