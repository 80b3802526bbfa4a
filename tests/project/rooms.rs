//! Which modules ("rooms") of `src/` may use which: only those on lower floors.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The floors, from the ground up. A room is a folder or a file of `src/`; rooms of one floor do not use each
/// other.
const FLOORS: &[&[&str]] = &[
    // The ground: uses no other room.
    &["clock", "limits", "logging", "memory", "offload", "random"],
    &["auth", "frame", "picture", "rate_limit", "systemd", "turn", "video"],
    // What is configured; what one camera is; pictures as JPEG and as MP4.
    &["config", "draw", "encode", "mp4"],
    &["camera", "cli", "mjpeg"],
    // Protocols and codecs, without a socket.
    &["decode", "multipart", "rtp"],
    &["rtsp"],
    // Sources of pictures, and all cameras with such a source.
    &["source"],
    &["cameras", "derived"],
    // What is seen of them.
    &["appliance"],
    &["health"],
    &["http"],
    // Everything put together.
    &["service"],
    &["commands"],
];

fn floor(room: &str) -> usize {
    let floor = FLOORS.iter().position(|floor| floor.contains(&room));
    floor.unwrap_or_else(|| panic!("src/{room} has no floor: give it one in tests/project/rooms.rs"))
}

#[test]
fn no_room_uses_one_on_its_own_floor_or_above() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    super::rust_files(&src, &mut files);
    let mut rooms = BTreeSet::new();
    for file in files {
        let room = room_of(&src, &file);
        if ["lib", "main"].contains(&&*room) || is_test(file.strip_prefix(&src).unwrap()) {
            continue;
        }
        for used in used_by(&std::fs::read_to_string(&file).unwrap()) {
            let is_below = used == room || floor(&used) < floor(&room);
            assert!(is_below, "{}: {room} may not use {used}", file.display());
        }
        rooms.insert(room);
    }
    let floors: BTreeSet<String> =
        FLOORS.iter().flat_map(|floor| floor.iter()).map(|it| (*it).to_owned()).collect();
    assert_eq!(rooms, floors, "the rooms, and those that have a floor");
}

/// The first part of a path below `src/`, without its ending.
fn room_of(src: &Path, file: &Path) -> String {
    let place: PathBuf = file.strip_prefix(src).unwrap().into();
    let first = place.components().next().unwrap().as_os_str().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

/// Whether a file has only tests, which may use any room.
fn is_test(file: &Path) -> bool {
    let of_tests = |part: &std::path::Component<'_>| {
        ["tests", "tests.rs", "fake.rs", "test_camera.rs"].iter().any(|it| part.as_os_str() == *it)
    };
    file.components().any(|part| of_tests(&part))
}

/// The rooms that code, except tests, names by `crate::ROOM`.
fn used_by(text: &str) -> BTreeSet<String> {
    let code = without_comments(text.split("#[cfg(test)]\nmod tests {").next().unwrap());
    let mut used = BTreeSet::new();
    for (at, begin) in code.match_indices("crate::") {
        if !code[..at].ends_with(is_of_name) {
            rooms_of(&code[at + begin.len()..], &mut used);
        }
    }
    used
}

/// Strips comments. A comment begins with `//` at the start of a line or after a space, as rustfmt writes it;
/// in a URL there is no space before it. A room in a comment of another kind is reported rather than missed.
fn without_comments(text: &str) -> String {
    let mut code = String::new();
    for line in text.lines() {
        let is_comment = |at: &usize| line[..*at].chars().last().is_none_or(char::is_whitespace);
        let end = line.match_indices("//").map(|(at, _)| at).find(is_comment);
        code.push_str(&line[..end.unwrap_or(line.len())]);
        code.push('\n');
    }
    code
}

fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The names that follow in a path: one, or those in braces, each a path or more braces.
fn rooms_of(path: &str, rooms: &mut BTreeSet<String>) {
    let path = path.trim_start();
    let Some(list) = path.strip_prefix('{') else {
        let name = path.split(|c| !is_of_name(c)).next().unwrap();
        if !name.is_empty() {
            rooms.insert(name.to_owned());
        }
        return;
    };
    rooms_of(list, rooms);
    let mut depth = 0;
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => rooms_of(&list[at + 1..], rooms),
            _ => {}
        }
    }
}

#[track_caller]
fn assert_used(text: &str, rooms: &[&str]) {
    assert_eq!(used_by(text), rooms.iter().map(|it| (*it).to_owned()).collect(), "{text}");
}

#[test]
fn a_use_on_one_line_is_seen() {
    assert_used("use crate::config::Config;\npub(crate) use crate::clock;\n", &["clock", "config"]);
    assert_used("use crate::{auth, config::{Config, Mistake}};", &["auth", "config"]);
    assert_used("use othercrate::config;\nuse super::auth;", &[]);
}

#[test]
fn a_use_over_several_lines_is_seen() {
    assert_used("use crate::{\n    clock::{self, Clock},\n    limits,\n};\nfn f() {}", &["clock", "limits"]);
    assert_used(
        "pub(crate) use crate::{\n    auth, // not config, crate::video\n    frame as f,\n};",
        &["auth", "frame"],
    );
}

#[test]
fn nested_braces_are_seen_and_items_below_a_room_are_not_rooms() {
    let text = "use crate::{\n    config::{check::{self, Checked}, Mistake},\n    {rtp, rtsp::{sdp, Url}},\n};\nuse std::{fs, io};";
    assert_used(text, &["config", "rtp", "rtsp"]);
}

#[test]
fn a_path_in_the_middle_of_code_is_seen() {
    assert_used(
        "let x = f(\"rtsp://x\", &crate::limits::X)?; <crate::frame::Frame>::new()",
        &["frame", "limits"],
    );
    assert_used("macro_rules! m { () => { $crate::memory::used() } }", &["memory"]);
}

#[test]
fn mentions_in_comments_and_tests_do_not_count() {
    assert_used("//! See crate::service.\n/// As [`crate::http`].\nfn f() {} // not crate::health\n", &[]);
    assert_used("use crate::auth;\n#[cfg(test)]\nmod tests {\n    use crate::service;\n}", &["auth"]);
}
