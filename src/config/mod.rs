//! Configuration, as checked: the service can use every value.
//!
//! `written` has the values as in the file; this module has their meaning.

mod check;
pub mod host;
pub mod keys;
pub mod listen;
mod mistakes;
pub mod network;
pub mod orientation;
pub mod password;
pub mod proxies;
pub mod quote;
pub mod sections;
pub mod shown;
pub mod source;
pub mod suggest;
pub mod syntax;
mod unused;
pub mod url;
pub mod watch;
mod written;

use std::fmt;
use std::io::Read as _;
use std::net::SocketAddr;
use std::path::Path;
use std::str::FromStr;

use crate::limits;
use crate::picture::orientation::Orientation;
use crate::picture::{Chroma, PixelFormat};
pub use mistakes::{Collector, Mistake, Mistakes};
pub use network::Network;
pub use password::PasswordHash;
pub use proxies::TrustedProxies;
use sections::FileKind;
pub use source::SourceSpec;
pub use url::SourceUrl;

/// The default configuration file.
pub const DEFAULT_FILE: &str = "/etc/pinhole/pinhole.toml";

/// Characters of `http.closed`: a few sentences.
pub const CLOSED_MAX_CHARS: usize = 1000;

/// The whole configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The HTTP server.
    pub http: Http,
    /// The cameras, in the order of the page.
    pub cameras: Vec<Camera>,
}

/// The HTTP server.
#[derive(Debug, Clone, PartialEq)]
pub struct Http {
    /// Addresses to listen on; if empty, port 8080 on every address.
    pub listen: Vec<SocketAddr>,
    /// Maximum concurrent connections.
    pub connections_max: usize,
    /// Maximum concurrent connections from one address that is not this machine's own.
    pub connections_per_address_max: usize,
    /// The value of `Access-Control-Allow-Origin`, for pages of other origins that read the pictures.
    pub allow_origin: Option<String>,
    /// Names besides this machine's own that requests may address, as [`host::normalised`] returns them.
    pub hosts: Vec<String>,
    /// Reverse proxies trusted to name their clients in `X-Forwarded-For`.
    pub trusted_proxies: TrustedProxies,
    /// The hash of the password that every request must give.
    pub password_hash: Option<PasswordHash>,
    /// Why nothing is shown, if nothing is. The card sets it if a password was intended and none could be
    /// read.
    pub closed: Option<String>,
}

/// One camera, or with [`SourceSpec::Auto`] every camera found.
#[derive(Debug, Clone, PartialEq)]
pub struct Camera {
    /// Its name; detected cameras are named after their devices.
    pub name: Option<String>,
    /// Where its pictures come from.
    pub source: SourceSpec,
    /// The pictures to ask for.
    pub picture: Picture,
    /// How to talk to it, if it is on a network.
    pub network: Network,
    /// Whether it is open only while it has viewers.
    pub on_demand: bool,
}

/// What pictures to ask a camera for, and how to show them.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// Width and height in pixels; if `None`, the size nearest to 1280x720 that the camera has.
    pub size: Option<(u32, u32)>,
    /// Frames per second; if `None`, the rate nearest to 30 that the camera has.
    pub fps: Option<u32>,
    /// The format to capture in.
    pub format: FormatChoice,
    /// JPEG quality of pictures that Pinhole encodes, 1 to 100.
    pub quality: u8,
    /// Chroma of pictures that Pinhole encodes from 4:2:2.
    pub chroma: Chroma,
    /// How to turn and crop them.
    pub orientation: Orientation,
}

/// The format to capture in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormatChoice {
    /// The best that the camera has.
    Auto,
    /// JPEG as the camera encodes it.
    Mjpeg,
    /// An uncompressed format.
    Raw(PixelFormat),
}

impl Default for Http {
    fn default() -> Self {
        Self {
            listen: Vec::new(),
            connections_max: limits::CONNECTIONS_DEFAULT,
            connections_per_address_max: limits::CONNECTIONS_PER_ADDRESS_DEFAULT,
            allow_origin: None,
            hosts: Vec::new(),
            trusted_proxies: TrustedProxies::default(),
            password_hash: None,
            closed: None,
        }
    }
}

impl Default for Picture {
    fn default() -> Self {
        Self {
            size: None,
            fps: None,
            format: FormatChoice::Auto,
            quality: 80,
            chroma: Chroma::Yuv420,
            orientation: Orientation::NONE,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self { http: Http::default(), cameras: vec![Camera::of(SourceSpec::Auto, Picture::default())] }
    }
}

impl Camera {
    /// A camera on demand, named after its source.
    pub fn of(source: SourceSpec, picture: Picture) -> Self {
        Self { name: None, source, picture, network: Network::default(), on_demand: true }
    }
}

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// All mistakes in it, each with file, line, key and the allowed values.
    pub fn read(file: &Path) -> Result<Self, Mistakes> {
        let name = file.display().to_string();
        let mut bytes = Vec::new();
        std::fs::File::open(file)
            // One byte more, to detect a file that is too long.
            .and_then(|file| file.take(syntax::FILE_MAX_BYTES as u64 + 1).read_to_end(&mut bytes))
            .map_err(|error| Mistakes::of_file(&name, format!("cannot be read: {error}")))?;
        match syntax::decode(&bytes) {
            Ok(text) => Self::parse(&text, &name),
            Err(mistake) => Err(Mistakes { file: name, list: vec![mistake] }),
        }
    }

    /// Checks a file's text; `file` is its name in errors.
    ///
    /// # Errors
    /// As for [`read`](Self::read).
    pub fn parse(text: &str, file: &str) -> Result<Self, Mistakes> {
        check::parse(FileKind::Service, text, file)
    }

    /// Checks the sections `[http]` and `[[camera]]` of the card's file.
    ///
    /// # Errors
    /// As for [`read`](Self::read), with advice for the card.
    pub fn parse_card(text: &str) -> Result<Self, Mistakes> {
        check::parse(FileKind::Card, text, "")
    }
}

/// Parses `WIDTHxHEIGHT`.
///
/// # Errors
/// What is allowed.
pub fn parse_size(text: &str) -> Result<(u32, u32), String> {
    size(text).ok_or_else(|| {
        let hint = suggest::for_size(text).map_or(String::new(), |meant| format!("; did you mean {meant}?"));
        let most = limits::PICTURE_SIDE_MAX_PIXELS;
        format!("must be WIDTHxHEIGHT, each 16 to {most}, as in 1280x720, got {}{hint}", quote::quoted(text))
    })
}

fn size(text: &str) -> Option<(u32, u32)> {
    let side = |text: &str| {
        text.parse::<u32>().ok().filter(|side| (16..=limits::PICTURE_SIDE_MAX_PIXELS as u32).contains(side))
    };
    let (width, height) = text.split_once(['x', 'X'])?;
    Some((side(width)?, side(height)?))
}

/// Checks a rate in frames per second.
///
/// # Errors
/// What is allowed.
pub fn check_fps(fps: i64) -> Result<u32, String> {
    check_range(fps, 1, i64::from(limits::FPS_MAX))
}

/// Checks a JPEG quality.
///
/// # Errors
/// What is allowed.
pub fn check_quality(quality: i64) -> Result<u8, String> {
    check_range(quality, 1, 100)
}

fn check_range<T: TryFrom<i64>>(value: i64, min: i64, max: i64) -> Result<T, String> {
    let allowed = (min..=max).contains(&value).then(|| T::try_from(value).ok()).flatten();
    allowed.ok_or_else(|| format!("must be {min} to {max}, got {value}"))
}

impl FromStr for FormatChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let lower = text.to_ascii_lowercase();
        match lower.as_str() {
            "auto" => Ok(Self::Auto),
            "mjpeg" | "mjpg" | "jpeg" => Ok(Self::Mjpeg),
            name => PixelFormat::from_name(name).map(Self::Raw).ok_or_else(|| {
                let raw = PixelFormat::ALL.iter().map(|format| format.name());
                suggest::unknown(
                    "format",
                    text,
                    &["auto", "mjpeg"].into_iter().chain(raw).collect::<Vec<_>>(),
                )
            }),
        }
    }
}

impl fmt::Display for FormatChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Mjpeg => f.write_str("mjpeg"),
            Self::Raw(format) => f.write_str(format.name()),
        }
    }
}

/// A name that fits into a URL, made from any text: lower-case letters, digits and single hyphens.
pub fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
        if slug.len() >= limits::NAME_MAX_BYTES {
            break;
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { "camera".to_owned() } else { slug.to_owned() }
}

/// Checks a camera's name, which is part of its URLs.
///
/// # Errors
/// What is allowed.
pub fn check_name(name: &str) -> Result<(), String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if !name.is_empty()
        && name.len() <= limits::NAME_MAX_BYTES
        && name.chars().all(fits)
        && !name.starts_with('.')
    {
        return Ok(());
    }
    let meant = slug(name);
    let hint = if name.chars().any(|c| c.is_ascii_alphanumeric()) {
        format!("; did you mean \"{meant}\"?")
    } else {
        String::new()
    };
    Err(format!(
        "must be 1 to {} letters a-z, digits, \"-\", \"_\" or \".\" (it is part of a URL), got {}{hint}",
        limits::NAME_MAX_BYTES,
        quote::quoted(name)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_formats_and_names() {
        assert_eq!(parse_size("1280x720"), Ok((1280, 720)));
        for wrong in ["1280", "x720", "1280x", "0x0", "99999x10", "-1x5", "1280x720x3"] {
            assert!(parse_size(wrong).unwrap_err().starts_with("must be WIDTHxHEIGHT"), "{wrong}");
        }
        assert_eq!("YUYV".parse(), Ok(FormatChoice::Raw(PixelFormat::Yuyv)));
        assert_eq!("422p".parse(), Ok(FormatChoice::Raw(PixelFormat::Yuv422p)));
        assert!("h264".parse::<FormatChoice>().unwrap_err().contains("use one of: auto, mjpeg, yuyv"));
        assert_eq!(slug("UVC Camera (046d:0825)"), "uvc-camera-046d-0825");
        assert_eq!(slug("---"), "camera");
        assert!(check_name("yard_2.front-door").is_ok());
        for wrong in ["", "a b", "a/b", "..", "größe"] {
            assert!(check_name(wrong).is_err(), "{wrong}");
        }
    }
}
