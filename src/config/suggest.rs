//! What somebody meant by a key or a word that Pinhole does not know.

mod near;
mod values;

use toml::de::{DeTable, DeValue};

use super::quote::quoted;
pub use near::{is_within, nearest};
pub use values::{for_size, for_source};

/// A table of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// `[http]`.
    Http,
    /// `[[camera]]`.
    Camera,
}

/// The keys of `[http]`, each with an example.
const HTTP: [(&str, &str); 8] = [
    ("listen", "[\"[::]:8080\"]"),
    ("password_hash", "\"$argon2id$...\""),
    ("connections_max", "256"),
    ("connections_per_address_max", "128"),
    ("allow_origin", "\"http://octopi.local\""),
    ("hosts", "[\"camera.example.org\"]"),
    ("trusted_proxies", "[\"127.0.0.1\"]"),
    ("closed", "\"out of order\""),
];

/// The keys of `[[camera]]`, each with an example.
const CAMERA: [(&str, &str); 10] = [
    ("name", "\"yard\""),
    ("source", "\"/dev/video0\""),
    ("size", "\"1280x720\""),
    ("fps", "15"),
    ("format", "\"mjpeg\""),
    ("quality", "80"),
    ("chroma", "\"4:2:0\""),
    ("on_demand", "true"),
    ("transport", "\"tcp\""),
    ("tls_fingerprint", "\"AB:CD:...\""),
];

/// Keys that other programs have, or that seem likely, and what to write for them.
const HTTP_SLIPS: [(&[&str], &str); 6] = [
    (
        &[
            "host",
            "bind",
            "address",
            "addr",
            "ip",
            "interface",
            "listen_address",
            "bind_address",
            "listen_on",
        ],
        "write the address with its port, as in listen = [\"192.168.1.5:8080\"]",
    ),
    (
        &["password", "pass", "passwd", "passphrase", "pwd", "auth", "credentials"],
        "write password_hash with the line that \"pinhole hash-password\" prints",
    ),
    (
        &["user", "username", "login", "user_name"],
        "there is no user name to set: people log in as \"viewer\" or \"admin\" with the password of password_hash",
    ),
    (
        &["max_connections", "connections", "clients_max", "max_clients", "max_viewers", "viewers_max"],
        "write connections_max = 256",
    ),
    (
        &["cors", "origin", "origins", "allowed_origins", "allow_origins", "access_control_allow_origin"],
        "write allow_origin = \"http://octopi.local\"",
    ),
    (
        &["https", "ssl", "cert", "certificate", "key_file", "tls_cert"],
        "this version serves plain HTTP; put a proxy such as nginx or caddy in front of it for HTTPS",
    ),
];

const CAMERA_SLIPS: [(&[&str], &str); 13] = [
    (
        &["resolution", "dimensions", "frame_size", "res", "geometry", "picture_size"],
        "write size = \"1280x720\"",
    ),
    (
        &["framerate", "frame_rate", "rate", "max_fps", "frames", "frames_per_second", "desired_fps"],
        "write fps = 15",
    ),
    (
        &[
            "device",
            "dev",
            "url",
            "uri",
            "path",
            "input",
            "stream",
            "rtsp",
            "address",
            "ip",
            "host",
            "file",
            "src",
            "video_device",
            "videodevice",
            "netcam_url",
            "stream_url",
            "camera",
        ],
        "write source = \"/dev/video0\", \"rtsp://HOST/PATH\" or \"http://HOST/PATH\"",
    ),
    (
        &["user", "username", "login", "password", "pass", "passwd", "pwd", "auth", "credentials"],
        "user and password are part of the source: source = \"rtsp://USER:PASSWORD@HOST/PATH\"",
    ),
    (&["title", "label", "id", "camera_name", "display_name"], "write name = \"yard\""),
    (&["jpeg_quality", "compression"], "write quality = 80"),
    (
        &["pixel_format", "pixelformat", "pix_fmt", "codec", "encoding", "palette", "input_format", "fourcc"],
        "write format = \"mjpeg\"",
    ),
    (&["subsampling", "chroma_subsampling", "subsamp"], "write chroma = \"4:2:0\""),
    (&["always_on", "keep_open", "always"], "write on_demand = false"),
    (&["protocol", "rtsp_transport"], "write transport = \"tcp\""),
    (&["fingerprint", "certificate", "cert", "sha256", "tls"], "write tls_fingerprint = \"AB:CD:...\""),
    (
        &["port"],
        "a camera's port is part of its source: source = \"rtsp://HOST:PORT/PATH\"; the page's port is in listen \
         below a line [http]",
    ),
    (
        &[
            "rotate",
            "rotation",
            "mirror",
            "flip",
            "hflip",
            "vflip",
            "crop",
            "text",
            "timestamp",
            "record",
            "motion",
        ],
        "this version cannot do that",
    ),
];

/// Names of tables that other programs have.
const HTTP_TABLES: [&str; 7] = ["server", "web", "webserver", "www", "https", "service", "listen"];
const CAMERA_TABLES: [&str; 7] = ["cameras", "cam", "cams", "source", "sources", "stream", "streams"];
const CARD_TABLES: [&str; 3] = ["system", "wifi", "network"];

impl Section {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Camera => "camera",
        }
    }

    /// The line that begins it.
    const fn header(self) -> &'static str {
        match self {
            Self::Http => "[http]",
            Self::Camera => "[[camera]]",
        }
    }

    const fn table(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Http => &HTTP,
            Self::Camera => &CAMERA,
        }
    }

    /// The keys that it may have.
    pub fn keys(self) -> Vec<&'static str> {
        self.table().iter().map(|(key, _)| *key).collect()
    }

    /// A value that a key may have.
    pub fn example(self, key: &str) -> &'static str {
        self.table().iter().find(|(name, _)| *name == key).map_or("...", |(_, example)| example)
    }

    fn slip(self, key: &str) -> Option<&'static str> {
        let slips: &[(&[&str], &str)] = match self {
            Self::Http => &HTTP_SLIPS,
            Self::Camera => &CAMERA_SLIPS,
        };
        slips.iter().find(|(keys, _)| keys.contains(&key)).map(|(_, advice)| *advice)
    }
}

/// The line that begins the section of this name.
pub fn header(name: &str) -> Option<&'static str> {
    [Section::Camera, Section::Http].into_iter().find(|section| section.name() == name).map(Section::header)
}

/// Whether any section has this key.
pub fn is_key(key: &str) -> bool {
    [Section::Camera, Section::Http].into_iter().any(|section| section.keys().contains(&key))
}

/// A value for a key of any section, for messages about a line of which only the key is sure.
pub fn example(key: &str) -> &'static str {
    let known = [Section::Camera, Section::Http].into_iter().find(|section| section.keys().contains(&key));
    known.map_or("\"value\"", |section| section.example(key))
}

/// What to do about a key that a section does not have.
pub fn for_key(section: Section, key: &str, table: &DeTable<'_>) -> String {
    let plain = plain(key);
    let advice = if section.keys().contains(&plain.as_str()) {
        Some(format!("write {plain}"))
    } else {
        by_values(section, &plain, table)
            .or_else(|| section.slip(&plain).map(str::to_owned))
            .or_else(|| elsewhere(section, &plain))
            .or_else(|| nearest(&plain, &section.keys()).map(|near| format!("did you mean {near}?")))
    };
    let advice = advice.unwrap_or_else(|| format!("use one of: {}", section.keys().join(", ")));
    format!("unknown key; {advice}")
}

/// What to do about a table, or a key above all tables, that is not known.
pub fn for_table(name: &str, value: &DeValue<'_>) -> String {
    let plain = plain(name);
    let owner = [Section::Camera, Section::Http]
        .into_iter()
        .find(|section| section.keys().contains(&plain.as_str()))
        .filter(|_| !matches!(value, DeValue::Table(_)));
    let is_port = plain == "port" && !matches!(value, DeValue::Table(_));
    let advice = if let Some(owner) = owner {
        format!("{plain} belongs below a line {}", owner.header())
    } else if is_port {
        format!("write listen = [\"[::]:{}\"] below a line [http]", port(value).unwrap_or(8080))
    } else if CARD_TABLES.contains(&plain.as_str()) {
        format!("[{plain}] is for the pinhole.toml of the flashed card; here use [http] and [[camera]]")
    } else if CAMERA_TABLES.contains(&plain.as_str()) || nearest(&plain, &["camera"]).is_some() {
        "write [[camera]]".to_owned()
    } else if HTTP_TABLES.contains(&plain.as_str()) || nearest(&plain, &["http"]).is_some() {
        "write [http]".to_owned()
    } else {
        "use [http] and [[camera]]".to_owned()
    };
    let is_section = match value {
        DeValue::Array(values) => values.iter().any(|value| matches!(value.get_ref(), DeValue::Table(_))),
        value => matches!(value, DeValue::Table(_)),
    };
    format!("unknown {}; {advice}", if is_section { "section" } else { "key" })
}

/// Advice that takes up what was written.
fn by_values(section: Section, key: &str, table: &DeTable<'_>) -> Option<String> {
    match (section, key) {
        (Section::Http, "port" | "http_port" | "listen_port" | "stream_port" | "webcontrol_port") => {
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

fn elsewhere(section: Section, key: &str) -> Option<String> {
    let other = if section == Section::Http { Section::Camera } else { Section::Http };
    other.keys().contains(&key).then(|| format!("{key} belongs below a line {}", other.header()))
}

/// A key as Pinhole writes keys.
fn plain(key: &str) -> String {
    key.trim().to_ascii_lowercase().replace(['-', ' ', '.'], "_")
}

/// `unknown WHAT "X"; use one of: ...`, with the word that is nearest where one is near.
pub fn unknown(what: &str, text: &str, words: &[&str]) -> String {
    let quoted = quoted(text);
    match nearest(text.trim(), words) {
        Some(near) => format!("unknown {what} {quoted}; did you mean \"{near}\"?"),
        None => format!("unknown {what} {quoted}; use one of: {}", words.join(", ")),
    }
}
