//! Configuration, as written: what a TOML file may hold, with the place of each value, so that a
//! mistake can be shown where it stands.

use serde::Deserialize;
use toml::Spanned;

/// A whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    #[serde(default)]
    pub http: Http,
    #[serde(default)]
    pub camera: Vec<Camera>,
}

/// The table `[http]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    pub listen: Option<Vec<Spanned<String>>>,
    pub connections_max: Option<Spanned<i64>>,
    pub connections_per_address_max: Option<Spanned<i64>>,
    pub allow_origin: Option<Spanned<String>>,
    pub hosts: Option<Spanned<Vec<Spanned<String>>>>,
    pub password_hash: Option<Spanned<String>>,
}

/// A table `[[camera]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Camera {
    pub name: Option<Spanned<String>>,
    pub source: Spanned<String>,
    pub size: Option<Spanned<String>>,
    pub fps: Option<Spanned<i64>>,
    pub format: Option<Spanned<String>>,
    pub quality: Option<Spanned<i64>>,
    pub chroma: Option<Spanned<String>>,
    pub on_demand: Option<bool>,
    pub transport: Option<Spanned<String>>,
    pub tls_fingerprint: Option<Spanned<String>>,
}
