//! Likely wrong names of keys and sections, and the correct ones.

use super::super::sections::{FileKind, Section};

/// Keys for a password.
const PASSWORD: [&str; 7] = ["password", "pass", "passwd", "passphrase", "pwd", "auth", "credentials"];

/// Advice about an address or port for the page of the card.
pub(super) const CARD_PORT: &str = "the page of the card is always on port 80";

/// Keys of other programs and likely guesses, each group with its advice.
type Slips = [(&'static [&'static str], &'static str)];

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
    (&PASSWORD, "write password_hash with the line that \"pinhole hash-password\" prints"),
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

const CAMERA_SLIPS: [(&[&str], &str); 16] = [
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
        &["rotation", "orientation", "angle", "turn", "rot", "degrees"],
        "write rotate = 90, 180 or 270, in degrees clockwise",
    ),
    (
        &[
            "flip",
            "hflip",
            "vflip",
            "flip_axis",
            "flip_horizontal",
            "flip_vertical",
            "horizontal_flip",
            "vertical_flip",
            "mirrored",
        ],
        "write mirror = \"horizontal\" or \"vertical\"",
    ),
    (&["cropping", "roi", "region", "clip", "zoom"], "write crop = \"X,Y,WIDTH,HEIGHT\" in pixels"),
    (&["text", "timestamp", "record", "motion"], "this version cannot do that"),
];

/// On the card the page has a fixed port, and a password that its owner can read.
const CARD_HTTP_SLIPS: [(&[&str], &str); 2] =
    [(HTTP_SLIPS[0].0, CARD_PORT), (&PASSWORD, "write password = \"your password\" below a line [system]")];

const SYSTEM_SLIPS: [(&[&str], &str); 4] = [
    (&["hostname", "host_name", "host", "device_name", "title", "local_name"], "write name = \"garden\""),
    (&["timezone", "tz", "zone", "time"], "write time_zone = \"Europe/Berlin\""),
    (
        &["passwort", "pass", "passwd", "passphrase", "pwd", "pw", "password_hash", "page_password"],
        "write password = \"your password\"",
    ),
    (
        &["user", "username", "user_name", "login"],
        "there is no user name to set: people log in as \"viewer\" or \"admin\" with the password",
    ),
];

const WIFI_SLIPS: [(&[&str], &str); 4] = [
    (&["ssid", "essid", "network", "network_name", "wifi_name"], "write name = \"My network\""),
    (
        &["psk", "key", "passwort", "pass", "passwd", "passphrase", "pwd", "wpa_passphrase", "wifi_password"],
        "write password = \"its password\"",
    ),
    (&["country_code", "region", "land"], "write country = \"DE\""),
    (&["scan_ssid", "is_hidden", "hidden_ssid", "invisible"], "write hidden = true"),
];

const NETWORK_SLIPS: [(&[&str], &str); 5] = [
    (
        &["ip", "ip_address", "ipaddress", "addr", "static_ip", "ipv4", "ipv6", "static"],
        "write address = \"192.168.1.50/24\"",
    ),
    (
        &["netmask", "mask", "subnet", "subnet_mask", "prefix"],
        "the prefix is part of the address: address = \"192.168.1.50/24\"",
    ),
    (&["router", "gw", "default_gateway", "route"], "write gateway = \"192.168.1.1\""),
    (
        &["dns_server", "dns_servers", "nameserver", "nameservers", "name_servers", "resolver"],
        "write dns = [\"192.168.1.1\"]",
    ),
    (&["iface", "device", "dev", "adapter", "nic"], "write interface = \"wired\" or \"wifi\""),
];

impl Section {
    /// Advice for a key that other programs use.
    pub(super) fn slip(self, file: FileKind, key: &str) -> Option<&'static str> {
        let find =
            |slips: &Slips| slips.iter().find(|(keys, _)| keys.contains(&key)).map(|(_, advice)| *advice);
        match self {
            Self::Http if file == FileKind::Card => find(&CARD_HTTP_SLIPS).or_else(|| find(&HTTP_SLIPS)),
            Self::Http => find(&HTTP_SLIPS),
            Self::Camera => find(&CAMERA_SLIPS),
            Self::System => find(&SYSTEM_SLIPS),
            Self::Wifi => find(&WIFI_SLIPS),
            Self::Network => find(&NETWORK_SLIPS),
        }
    }

    /// Alternative names for this section.
    pub(super) const fn other_names(self) -> &'static [&'static str] {
        match self {
            Self::Http => &["server", "web", "webserver", "www", "https", "service", "listen"],
            Self::Camera => &["cameras", "cam", "cams", "source", "sources", "stream", "streams"],
            Self::System => &["device", "host", "general", "pinhole"],
            Self::Wifi => &["wi_fi", "wlan", "wireless", "ssid"],
            Self::Network => &["net", "lan", "ethernet", "eth0", "ip", "address"],
        }
    }
}
