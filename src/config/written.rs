//! Configuration, as written: the values of a TOML file, each with its place, so that a mistake can give its
//! line.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::keys::{self, Keys};
use super::mistakes::Collector;
use super::quote::is_shown;
use super::sections::Section;

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
    /// `None` if it is missing, or invalid and already reported.
    pub source: Option<Spanned<String>>,
    pub size: Option<Spanned<String>>,
    pub fps: Option<Spanned<i64>>,
    pub format: Option<Spanned<String>>,
    pub quality: Option<Spanned<i64>>,
    pub chroma: Option<Spanned<String>>,
    pub rotate: Option<Spanned<i64>>,
    pub mirror: Option<Spanned<String>>,
    pub crop: Option<Spanned<String>>,
    pub on_demand: Option<bool>,
    pub transport: Option<Spanned<String>>,
    pub tls_fingerprint: Option<Spanned<String>>,
}

impl File {
    /// Reads a parsed file; anything invalid goes to the mistakes.
    pub fn of(root: &DeTable<'_>, mistakes: &mut Collector<'_>) -> Self {
        let mut file = Self::default();
        for (name, value) in root {
            match (mistakes.kind().section(name.get_ref()), value.get_ref()) {
                (Some(Section::Http), DeValue::Table(table)) => file.http = Http::of(table, mistakes),
                (Some(Section::Camera), DeValue::Array(tables)) => file.cameras(tables, mistakes),
                (Some(Section::Camera), DeValue::Table(table)) => {
                    mistakes.add(name.span(), "camera", &one_camera(table));
                }
                (Some(section @ (Section::Http | Section::Camera)), other) => {
                    keys::not_a_section(section, name.span(), other, mistakes);
                }
                // For the appliance.
                (Some(Section::System | Section::Wifi | Section::Network), _) => {}
                (None, other) => keys::unknown(name, other, mistakes),
            }
        }
        file
    }

    fn cameras(&mut self, tables: &DeArray<'_>, mistakes: &mut Collector<'_>) {
        for table in tables {
            if let DeValue::Table(keys) = table.get_ref() {
                self.camera.push(Camera::of(keys, table.span(), mistakes));
            } else {
                return keys::not_a_section(Section::Camera, table.span(), table.get_ref(), mistakes);
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
            rotate: keys.number("rotate"),
            mirror: keys.text("mirror"),
            crop: keys.text("crop"),
            on_demand: keys.truth("on_demand"),
            transport: keys.text("transport"),
            tls_fingerprint: keys.text("tls_fingerprint"),
        }
    }
}

/// The correct form of `[camera]`, `[camera.yard]` or `camera = { ... }`.
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
