//! Runs the seeds of the fuzz targets, unchanged and damaged.

#[path = "../fuzz/bodies.rs"]
mod bodies;

use std::path::Path;

/// Damaged copies of each seed.
const COPIES: u64 = 2000;

fn run(target: &str, body: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let mut seeds = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let seed = std::fs::read(entry.unwrap().path()).unwrap();
        body(&seed);
        (0..COPIES).for_each(|copy| body(&damage(&seed, copy)));
        seeds += 1;
    }
    assert!(seeds > 0, "no seeds for {target}");
}

/// Flips, cuts, repeats and inserts some bytes; deterministic for each number.
fn damage(seed: &[u8], number: u64) -> Vec<u8> {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut roll = |sides: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % sides.max(1) as u64) as usize
    };
    let mut bytes = seed.to_vec();
    for _ in 0..=roll(6) {
        let at = roll(bytes.len());
        let end = bytes.len().min(at + roll(40));
        match roll(5) {
            0 => bytes.truncate(at.max(1)),
            1 => bytes.insert(at, roll(256) as u8),
            2 => {
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = roll(256) as u8;
                }
            }
        }
    }
    bytes
}

#[test]
fn appliance() {
    run("appliance", bodies::appliance);
}

#[test]
fn rtsp() {
    run("rtsp", bodies::rtsp);
}

#[test]
fn session() {
    run("session", bodies::session);
}

#[test]
fn sdp() {
    run("sdp", bodies::sdp);
}

#[test]
fn rtp() {
    run("rtp", bodies::rtp);
}

#[test]
fn h264() {
    run("h264", bodies::h264);
}

#[test]
fn h265() {
    run("h265", bodies::h265);
}

#[test]
fn jpeg() {
    run("jpeg", bodies::jpeg);
}

#[test]
fn mp4() {
    run("mp4", bodies::mp4);
}

#[test]
fn multipart() {
    run("multipart", bodies::multipart);
}

#[test]
fn http() {
    run("http", bodies::http);
}

#[test]
fn request() {
    run("request", bodies::request);
}

#[test]
fn mjpeg() {
    run("mjpeg", bodies::mjpeg);
}

#[test]
fn config() {
    run("config", bodies::config);
}
