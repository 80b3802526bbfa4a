//! The sections of each kind of file, and the keys of each section.

/// The kinds of settings files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// `/etc/pinhole/pinhole.toml`.
    Service,
    /// `pinhole.toml` on the boot partition of the flashed card.
    Card,
}

/// A section of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// `[http]`.
    Http,
    /// `[[camera]]`.
    Camera,
    /// `[system]`.
    System,
    /// `[wifi]` or `[[wifi]]`.
    Wifi,
    /// `[network]`.
    Network,
}

/// The keys of `[http]`, each with an example value.
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

/// The keys of `[[camera]]`.
const CAMERA: [(&str, &str); 13] = [
    ("name", "\"yard\""),
    ("source", "\"/dev/video0\""),
    ("size", "\"1280x720\""),
    ("fps", "15"),
    ("format", "\"mjpeg\""),
    ("quality", "80"),
    ("chroma", "\"4:2:0\""),
    ("rotate", "90"),
    ("mirror", "\"horizontal\""),
    ("crop", "\"10,20,640,480\""),
    ("on_demand", "true"),
    ("transport", "\"tcp\""),
    ("tls_fingerprint", "\"AB:CD:...\""),
];

/// The keys of `[system]`.
const SYSTEM: [(&str, &str); 3] =
    [("name", "\"garden\""), ("time_zone", "\"Europe/Berlin\""), ("password", "\"your password\"")];

/// The keys of `[wifi]`.
const WIFI: [(&str, &str); 4] =
    [("country", "\"DE\""), ("name", "\"My network\""), ("password", "\"its password\""), ("hidden", "true")];

/// The keys of `[network]`.
const NETWORK: [(&str, &str); 4] = [
    ("interface", "\"wired\""),
    ("address", "\"192.168.1.50/24\""),
    ("gateway", "\"192.168.1.1\""),
    ("dns", "[\"192.168.1.1\"]"),
];

impl FileKind {
    /// The sections that the file may have.
    pub const fn sections(self) -> &'static [Section] {
        match self {
            Self::Service => &[Section::Http, Section::Camera],
            Self::Card => &[Section::System, Section::Wifi, Section::Network, Section::Camera, Section::Http],
        }
    }

    /// The section of this name.
    pub fn section(self, name: &str) -> Option<Section> {
        self.sections().iter().copied().find(|section| section.name() == name)
    }
}

impl Section {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Camera => "camera",
            Self::System => "system",
            Self::Wifi => "wifi",
            Self::Network => "network",
        }
    }

    /// The line that begins it.
    pub const fn header(self) -> &'static str {
        match self {
            Self::Http => "[http]",
            Self::Camera => "[[camera]]",
            Self::System => "[system]",
            Self::Wifi => "[wifi]",
            Self::Network => "[network]",
        }
    }

    const fn table(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Http => &HTTP,
            Self::Camera => &CAMERA,
            Self::System => &SYSTEM,
            Self::Wifi => &WIFI,
            Self::Network => &NETWORK,
        }
    }

    /// The keys that the section may have in a file of this kind.
    pub fn keys(self, file: FileKind) -> Vec<&'static str> {
        // The card's page is always on port 80: its address needs no port.
        let fits = |key: &&str| (file, self, *key) != (FileKind::Card, Self::Http, "listen");
        self.table().iter().map(|(key, _)| *key).filter(fits).collect()
    }

    /// An example value of a key.
    pub fn example(self, key: &str) -> Option<&'static str> {
        self.table().iter().find(|(name, _)| *name == key).map(|(_, example)| *example)
    }
}
