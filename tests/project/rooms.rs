//! Which room of `src/` may use which: only those on the floors below its own.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The floors, from the ground up. A room is a folder or a file of `src/`; those of one floor do not know
/// each other.
const FLOORS: &[&[&str]] = &[
    // The ground: nothing of ours.
    &["clock", "limits", "logging", "memory", "offload", "random"],
    &["auth", "frame", "picture", "rate_limit", "systemd", "turn"],
    // What is configured; what one camera is; pictures as JPEG.
    &["config", "draw", "encode"],
    &["camera", "cli", "mjpeg"],
    // Protocols and codecs, without a socket.
    &["multipart", "video"],
    &["decode", "rtp"],
    &["rtsp"],
    // Where pictures come from, and all cameras that have such a source.
    &["source"],
    &["cameras"],
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

/// Tests may use whatever makes them short.
fn is_test(file: &Path) -> bool {
    let of_tests = |part: &std::path::Component<'_>| {
        ["tests", "tests.rs", "fake.rs", "test_camera.rs"].iter().any(|it| part.as_os_str() == *it)
    };
    file.components().any(|part| of_tests(&part))
}

/// The rooms that code names by `crate::ROOM`, but for its tests.
fn used_by(text: &str) -> BTreeSet<String> {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let mut used = BTreeSet::new();
    for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
        for rest in line.split("crate::").skip(1) {
            let room: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            if !room.is_empty() {
                used.insert(room);
            }
        }
        if let Some(rest) = line.split("crate::{").nth(1) {
            let names = rest.split(['{', '}', ',', ';']).map(|it| it.trim().split(':').next().unwrap());
            used.extend(names.filter(|it| !it.is_empty()).map(str::to_owned));
        }
    }
    used
}
