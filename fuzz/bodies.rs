//! The bodies of the fuzz targets.

// Each target uses one of them.
#![allow(dead_code)]

use std::time::Duration;

use pinhole::clock::Monotonic;
use pinhole::mp4::{Muxed, Muxer, Start};
use pinhole::rtp::depacketize::{Depacketizer, H264, H265, Jpeg};
use pinhole::rtp::{Config, Gap, KeyRequest, Packet, Picture, Receiver, VideoPicture};
use pinhole::rtsp::{Description, Input, Media, Options, Output, Session, Target, Transport, UdpChannel};
use pinhole::video::{ACCESS_UNIT_MAX_BYTES, AccessUnit, Codec};

fn at(ms: u64) -> Monotonic {
    Monotonic::since_zero(Duration::from_millis(ms))
}

/// `pinhole.toml` of a flashed card: whatever it contains, the applied settings are valid.
pub fn appliance(data: &[u8]) {
    let reading = pinhole::appliance::read::read(data, &|zone| zone == "Europe/Berlin");
    // Two more: the number of omitted mistakes, and the reason why nothing is shown.
    assert!(reading.mistakes.len() <= pinhole::appliance::MISTAKES_MAX + 2);
    let files = pinhole::appliance::files::files(&reading.settings, None);
    for file in files {
        match file.path {
            pinhole::config::DEFAULT_FILE => {
                pinhole::config::Config::parse(&file.content, "f")
                    .expect("a configuration that the service takes");
            }
            // No typed text begins a line of its own.
            pinhole::appliance::files::WIFI => {
                let known = ["ctrl_", "update_", "p2p_disabled=1", "country=", "network={", "}", "\t"];
                assert!(file.content.lines().all(|line| known.iter().any(|it| line.starts_with(it))));
            }
            _ => {}
        }
    }
}

/// A connection's bytes: the result does not depend on how they are split.
pub fn rtsp(data: &[u8]) {
    let Some((first, data)) = data.split_first() else { return };
    let pieces = data.chunks(usize::from(*first) + 1);
    assert_eq!(pinhole::rtsp::read_all(pieces), pinhole::rtsp::read_all([data]));
}

/// A camera's responses: a session ends or waits for a deadline, never for one that has passed.
pub fn session(data: &[u8]) {
    let Some((flags, data)) = data.split_first() else { return };
    let transport = if flags & 1 == 0 { Transport::Tcp } else { Transport::Udp };
    let Ok((target, credentials)) = Target::parse("rtsp://user:pass@192.0.2.1/cam") else { return };
    let mut now = 0;
    let mut session =
        Session::new(target, credentials, Options { transport, may_change: true, seed: 1 }, at(now));
    for part in data.split(|byte| *byte == 0xff) {
        let mut deadline = None;
        for _ in 0..10_000 {
            match session.poll_output() {
                Output::Connect(_) => session.handle_input(Input::Connected, at(now)),
                Output::OpenUdp => session.handle_input(Input::UdpOpened { rtp_port: 5000 }, at(now)),
                Output::Timeout(moment) => {
                    deadline = Some(moment);
                    break;
                }
                Output::Ended(_) => return,
                _ => {}
            }
        }
        assert!(deadline.is_some(), "outputs without end");
        match part.split_first() {
            Some((0, bytes)) => session
                .handle_input(Input::Datagram { channel: UdpChannel::Rtp, from_port: 1, bytes }, at(now)),
            Some((1, bytes)) => session
                .handle_input(Input::Datagram { channel: UdpChannel::Rtcp, from_port: 2, bytes }, at(now)),
            Some((2, _)) => session.handle_input(Input::Closed, at(now)),
            Some((3, rest)) => {
                now += rest.len() as u64 * 500;
                session.handle_input(Input::Timeout, at(now));
            }
            _ => session.handle_input(Input::Bytes(part), at(now)),
        }
    }
    let _ = session.status();
}

/// A session description.
pub fn sdp(data: &[u8]) {
    let description = Description::parse(data);
    if let Some(mut depacketizer) = description.video().and_then(Media::depacketizer) {
        assert!(depacketizer.pull().is_none());
        let _ = depacketizer.format();
    }
    let _ = description.offered();
}

/// Pieces of the data, each after one byte of flags and two of length.
fn pieces(mut data: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        let [flags, high, low, rest @ ..] = data else { return None };
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(rest.len());
        let (piece, tail) = rest.split_at(length);
        data = tail;
        Some((*flags, piece))
    })
}

/// Packets for a receiver, in and out of order.
pub fn rtp(data: &[u8]) {
    for reorder in [false, true] {
        let config = Config {
            payload_type: 96,
            clock_rate: 90_000,
            announced_ssrc: None,
            our_ssrc: 1,
            reorder,
            key_request: Some(KeyRequest::Fir),
        };
        let mut receiver = Receiver::new(config, Depacketizer::H264(H264::new([])), at(0));
        let mut now = 0;
        for (flags, bytes) in pieces(data) {
            now += u64::from(flags >> 2);
            if flags & 1 == 0 {
                receiver.push_rtp(bytes, at(now));
            } else {
                receiver.push_rtcp(bytes, at(now));
            }
            while receiver.pull(at(now)).is_some() {}
            assert!(receiver.pull_deadline().is_none_or(|deadline| deadline > at(now)));
            let _ = (receiver.report(at(now)), receiver.key_request(at(now)));
        }
        let _ = receiver.counters();
    }
}

/// Payloads of RFC 6184.
pub fn h264(data: &[u8]) {
    depacketize(Depacketizer::H264(H264::new([])), data);
}

/// Payloads of RFC 7798, without and with decoding order numbers.
pub fn h265(data: &[u8]) {
    for has_donl in [false, true] {
        depacketize(Depacketizer::H265(H265::new([], has_donl)), data);
    }
}

/// Payloads of RFC 2435.
pub fn jpeg(data: &[u8]) {
    depacketize(Depacketizer::Jpeg(Jpeg::new(Some((2560, 1440)))), data);
}

fn depacketize(mut depacketizer: Depacketizer, data: &[u8]) {
    let (mut sequence, mut timestamp) = (0_u16, 0_u32);
    for (flags, bytes) in pieces(data) {
        let [marker, loss, next, extended] = [1, 2, 4, 8].map(|bit| flags & bit != 0);
        sequence = sequence.wrapping_add(1);
        timestamp = timestamp.wrapping_add(u32::from(next));
        let (extension, payload) = if extended { bytes.split_at(bytes.len() / 2) } else { (&[][..], bytes) };
        let packet = Packet {
            sequence,
            timestamp,
            marker,
            payload_type: 96,
            ssrc: 1,
            extension: extended.then_some((0xffd8, extension)),
            payload,
        };
        let gap = Gap::of(u64::from(loss) * (1 + u64::from(flags >> 4)));
        let _ = depacketizer.push(&packet, gap, at(0));
        while let Some(picture) = depacketizer.pull() {
            let bytes = picture.bytes();
            assert!(bytes > 0 && bytes <= 2 * ACCESS_UNIT_MAX_BYTES + (1 << 20));
            if let Picture::Video(VideoPicture { unit, .. }) = picture {
                assert!(unit.is_key || !unit.discontinuity);
            }
        }
    }
    let _ = (depacketizer.format(), depacketizer.dropped());
}

/// Access units for browsers: boxes are as long as they say, and time goes on.
pub fn mp4(data: &[u8]) {
    let (mut muxer, mut now, mut decoded) = (Muxer::default(), 0, None);
    for (flags, bytes) in pieces(data) {
        let [h265, is_key, gap] = [1, 2, 4].map(|bit| flags & bit != 0);
        now += u64::from(flags >> 3);
        let unit = AccessUnit {
            codec: if h265 { Codec::H265 } else { Codec::H264 },
            data: bytes.to_vec().into(),
            arrived: at(now),
            is_key,
            is_hidden: false,
            discontinuity: is_key && gap,
        };
        let Ok(Some(Muxed { init, fragment })) = muxer.push(&unit) else { continue };
        assert!(init.is_none() || fragment.start == Start::Here);
        assert!(decoded < Some(fragment.decode_time) && fragment.duration > 0);
        assert!(fragment.composition_offset >= 0);
        decoded = Some(fragment.decode_time);
        let mut boxes = &fragment.bytes[..];
        for _ in 0..2 {
            let size = u32::from_be_bytes(*boxes.first_chunk().expect("a box"));
            boxes = &boxes[size as usize..];
        }
        assert!(boxes.is_empty() && fragment.bytes.len() <= 2 * bytes.len() + 112);
    }
}

/// A body of multipart/x-mixed-replace, its boundary declared, wrong, or not: in how many pieces it
/// arrives makes no difference, and no byte is read twice.
pub fn multipart(data: &[u8]) {
    let [flags, data @ ..] = data else { return };
    let boundary = [None, Some("frame"), Some("--frame"), Some("another")][usize::from(flags & 3)];
    let pieces = data.chunks(usize::from(flags >> 2) + 1);
    let (counters, bytes) = pinhole::multipart::read_all(boundary, pieces);
    assert_eq!(
        (counters, bytes),
        pinhole::multipart::read_all(boundary, [data]),
        "{} {:?}",
        flags,
        data.escape_ascii().to_string()
    );
    assert!(bytes as u64 + counters.garbage_bytes <= data.len() as u64);
}

/// A camera's response over HTTP: the result does not depend on how it is split.
pub fn http(data: &[u8]) {
    let Some((first, data)) = data.split_first() else { return };
    let pieces = data.chunks(usize::from(*first) + 1);
    assert_eq!(pinhole::source::http::read_answer(pieces), pinhole::source::http::read_answer([data]));
}

/// The head of a client's request.
pub fn request(data: &[u8]) {
    pinhole::http::read_request(data);
}

/// A camera's picture: an accepted one is a whole JPEG, and is accepted again unchanged.
pub fn mjpeg(data: &[u8]) {
    use pinhole::frame::BufferPool;
    use pinhole::mjpeg::extent::{Extent, ExtentFinder};
    let pool = BufferPool::default();
    let (mut once, mut twice) = (pool.take(), pool.take());
    let whole = ExtentFinder::default().find(data);
    let mut finder = ExtentFinder::default();
    let mut by_byte = Extent::Open;
    for end in 0..=data.len() {
        by_byte = finder.find(&data[..end]);
    }
    assert_eq!(whole, by_byte);
    let Ok(info) = pinhole::mjpeg::mend(data, &mut once) else { return assert!(once.is_empty()) };
    assert!(once.starts_with(&[0xff, 0xd8]) && once.ends_with(&[0xff, 0xd9]));
    assert_eq!(pinhole::mjpeg::mend(&once, &mut twice), Ok(info));
    assert_eq!(*once, *twice);
}

/// A configuration file: every mistake is reported with the file's name, on its own line.
pub fn config(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Err(errors) = pinhole::config::Config::parse(text, "f.toml") {
        let words = errors.to_string();
        assert!(!words.is_empty() && words.lines().all(|line| line.starts_with("f.toml:")), "{words}");
    }
}
