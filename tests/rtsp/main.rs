//! Replays transcripts of cameras against an RTSP session, without sockets or sleep.
//!
//! `transcripts/README.md` explains their format; there is one for each quirk of real cameras.

mod mutate;
mod replay;
mod sockets;
mod transcript;

use std::path::{Path, PathBuf};

use replay::{Feed, replay};
use transcript::Transcript;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rtsp/transcripts")
}

fn names() -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .filter(|name| !name.starts_with("opening-"))
        .collect();
    names.sort();
    names
}

fn transcripts() -> Vec<Transcript> {
    names().iter().map(|name| Transcript::read(&folder(), name)).collect()
}

/// All except the endless access unit: 8 MiB byte by byte take long and show nothing new.
fn is_small(transcript: &Transcript) -> bool {
    transcript.input_bytes() < 1 << 20
}

fn named(name: &str) -> Transcript {
    transcripts().into_iter().find(|transcript| transcript.name == name).unwrap()
}

#[test]
fn every_transcript_unsplit() {
    let transcripts = transcripts();
    assert!(transcripts.len() > 40, "found only {}", transcripts.len());
    let failures: Vec<_> =
        transcripts.iter().filter_map(|transcript| replay(transcript, Feed::Whole).err()).collect();
    assert!(failures.is_empty(), "{} fail:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn every_transcript_is_in_the_table() {
    let table = std::fs::read_to_string(folder().join("README.md")).unwrap();
    let missing: Vec<_> = names()
        .into_iter()
        .filter(|name| !table.contains(&format!("`{}`", name.trim_end_matches(".txt"))))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_transcript_byte_by_byte() {
    for transcript in transcripts().iter().filter(|transcript| is_small(transcript)) {
        replay(transcript, Feed::Bytes).unwrap();
    }
}

#[test]
fn the_main_transcripts_split_at_every_point() {
    for name in ["tcp-h264.txt", "garbage-between-frames.txt"] {
        let transcript = named(name);
        for at in 1..transcript.longest_input() {
            replay(&transcript, Feed::SplitAt(at)).unwrap();
        }
    }
}

#[test]
fn mutated_transcripts_never_panic() {
    for transcript in transcripts().iter().filter(|transcript| is_small(transcript)) {
        for seed in 0..200 {
            mutate::run(transcript, seed);
        }
    }
}

/// Transcripts that depend on the sockets themselves: missing ports (the loopback interface has them), the
/// notation of an address other than IPv4, and the arrival time of a useless packet; and those over TLS.
const NOT_ON_SOCKETS: [&str; 4] = [
    "udp-ports-unavailable.txt",
    "content-base-ipv6-unbracketed.txt",
    "key-picture-asked-for.txt",
    "redirect-to-unencrypted.txt",
];

#[test]
fn every_transcript_on_sockets() {
    let possible =
        |name: &str| !NOT_ON_SOCKETS.contains(&name) && (name != "ipv6.txt" || sockets::has_ipv6());
    let names: Vec<_> = names().into_iter().filter(|name| possible(name)).collect();
    let failures: Vec<_> = names.iter().filter_map(|name| sockets::play(&folder(), name).err()).collect();
    assert!(failures.is_empty(), "{} of {} fail:\n{}", failures.len(), names.len(), failures.join("\n"));
}
