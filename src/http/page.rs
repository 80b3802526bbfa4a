//! The pages for people. Each is assembled here into one self-contained document: once loaded, a page works
//! whatever happens to the service or the network.

macro_rules! document {
    ($body:literal, $($script:literal),+) => {
        concat!(
            include_str!("page/head.html"),
            "<style>\n",
            include_str!("page/style.css"),
            "</style>\n",
            include_str!($body),
            "<script>\n",
            include_str!("page/common.js"),
            $(include_str!($script),)+
            "</script>\n",
        )
    };
}

/// Every camera, live.
pub const INDEX: &str = document!(
    "page/index.html",
    "page/picture.js",
    "page/tiles.js",
    "page/share.js",
    "page/large.js",
    "page/poll.js"
);

/// The health report, for people.
pub const HEALTH: &str = document!("page/health.html", "page/health.js");

/// A static file for the pages: an icon, the manifest. Pages work without it.
#[derive(Debug, PartialEq, Eq)]
pub struct Asset {
    name: &'static str,
    /// Its media type.
    pub content_type: &'static str,
    /// Its contents.
    pub bytes: &'static [u8],
}

macro_rules! asset {
    ($name:literal, $content_type:literal) => {
        Asset { name: $name, content_type: $content_type, bytes: include_bytes!(concat!("page/", $name)) }
    };
}

/// Browsers request the first by themselves, iPhones the second.
static ASSETS: [Asset; 4] = [
    asset!("favicon.ico", "image/x-icon"),
    asset!("apple-touch-icon.png", "image/png"),
    asset!("icon.svg", "image/svg+xml"),
    asset!("manifest.webmanifest", "application/manifest+json"),
];

/// The asset with this name.
pub fn asset(name: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.name == name)
}
