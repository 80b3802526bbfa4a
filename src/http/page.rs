//! The pages for people. Each is put together here into one document that loads nothing else: a page
//! that has arrived works, whatever happens to the service or the network afterwards.

macro_rules! document {
    ($body:literal, $script:literal) => {
        concat!(
            include_str!("page/head.html"),
            "<style>\n",
            include_str!("page/style.css"),
            "</style>\n",
            include_str!($body),
            "<script>\n",
            include_str!("page/common.js"),
            include_str!($script),
            "</script>\n",
        )
    };
}

/// Every camera, live.
pub const INDEX: &str = document!("page/index.html", "page/index.js");

/// The health report, for people.
pub const HEALTH: &str = document!("page/health.html", "page/health.js");
