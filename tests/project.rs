//! Holds the documents and the rules of the project to the code.

#[path = "project/documents.rs"]
mod documents;
#[path = "project/rooms.rs"]
mod rooms;
#[path = "project/tools.rs"]
mod tools;

use std::path::{Path, PathBuf};

use pinhole::config::Config;

/// Each commented-out line is valid in its place once the # is removed, as the file promises.
#[test]
fn the_packaged_configuration_is_valid() {
    let text = include_str!("../deb/pinhole.toml");
    let packaged = Config::parse(text, "deb/pinhole.toml").unwrap();
    assert_eq!(packaged, Config::default());
    let all_on: Vec<&str> =
        text.lines().map(|line| line.strip_prefix('#').filter(is_setting).unwrap_or(line)).collect();
    let all_on = Config::parse(&all_on.join("\n"), "deb/pinhole.toml").unwrap();
    assert!(all_on.cameras.len() > 2, "{all_on:?}");
}

/// Whether a commented-out line is a setting rather than prose.
fn is_setting(line: &&str) -> bool {
    line.starts_with(|c: char| c == '[' || c.is_ascii_lowercase())
}

/// The parts of source paths that may name a crate (ARCHITECTURE.md, "Doors").
const DOORS: &[(&str, &[&str])] = &[
    ("argon2", &["config/password.rs"]),
    ("v4l", &["source/v4l2/"]),
    ("turbojpeg", &["encode/jpeg.rs", "encode/jpeg/"]),
    ("ffmpeg_next", &["decode/"]),
    ("async_h1", &["http/head.rs", "http/answer.rs"]),
    ("http_types", &["http/"]),
    ("httparse", &["source/http/answer.rs"]),
    ("socket2", &["http/"]),
    ("rtsp_types", &["rtsp/"]),
    ("sdp_types", &["rtsp/"]),
    ("rtp_types", &["rtp/"]),
    ("rtcp_types", &["rtp/"]),
    ("futures_rustls", &["source/connect/"]),
    ("ring", &["source/connect/tls/key.rs"]),
    ("rustls_native_certs", &["source/connect/tls.rs"]),
    ("sysinfo", &["health/system.rs"]),
    ("toml", &["config/", "appliance/read"]),
    ("clap", &["cli.rs", "commands/mod.rs"]),
    ("noto_sans_mono_bitmap", &["draw/text.rs"]),
    ("sd_notify", &["systemd.rs"]),
    ("listenfd", &["systemd.rs"]),
];

#[test]
fn each_dependency_is_used_only_behind_its_door() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&src, &mut files);
    for (name, doors) in DOORS {
        let mut uses = 0;
        for file in &files {
            let text = std::fs::read_to_string(file).unwrap();
            if !text.lines().any(|line| names_crate(line, name)) {
                continue;
            }
            uses += 1;
            let place = file.strip_prefix(&src).unwrap().to_str().unwrap();
            assert!(doors.iter().any(|door| place.starts_with(door)), "src/{place} names the crate {name}");
        }
        assert!(uses > 0, "nothing names the crate {name}: take it out of Cargo.toml and of this list");
    }
}

fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// Whether code on this line has a path into the crate; comments may mention it.
fn names_crate(line: &str, name: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    code.match_indices(&format!("{name}::")).any(|(at, _)| {
        !code[..at].ends_with(|before: char| before.is_alphanumeric() || matches!(before, '_' | ':'))
    })
}
