//! A camera that speaks RTSP over TCP, as the bytes it sends.

use std::time::Duration;

use pinhole::clock::Monotonic;
use pinhole::rtsp::{Input, Options, Output, Session, Target, Transport};

use super::clips;

/// Bytes of a fragment (RFC 6184 section 5.8), so that a packet fits an Ethernet frame.
const FRAGMENT_BYTES: usize = 1400;

/// A playing session, and the bytes of each further picture.
pub struct Camera {
    pub session: Session,
    pub pictures: Vec<Vec<u8>>,
}

impl Camera {
    /// A camera that sends this H.264 stream.
    pub fn new(stream: &[u8]) -> Self {
        let mut sequence = 0;
        let units = clips::units(stream, false).into_iter().zip(0..);
        let pictures =
            units.map(|((unit, _), number)| packets(&unit, number * 3600, &mut sequence)).collect();
        Self { session: playing(), pictures }
    }
}

fn playing() -> Session {
    let now = Monotonic::since_zero(Duration::ZERO);
    let (target, credentials) = Target::parse("rtsp://192.0.2.1/cam").unwrap();
    let options = Options { transport: Transport::Tcp, may_change: false, seed: 1 };
    let mut session = Session::new(target, credentials, options, now);
    session.handle_input(Input::Connected, now);
    let description = "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n";
    for (cseq, headers, body) in [(1, "", ""), (2, "", description), (3, "Session: 1\r\n", ""), (4, "", "")] {
        let length = body.len();
        let answer =
            format!("RTSP/1.0 200 OK\r\nCSeq: {cseq}\r\n{headers}Content-Length: {length}\r\n\r\n{body}");
        session.handle_input(Input::Bytes(answer.as_bytes()), now);
    }
    while !matches!(session.poll_output(), Output::Timeout(_)) {}
    session
}

/// The interleaved packets of a unit, the last with a marker.
fn packets(unit: &[u8], timestamp: u32, sequence: &mut u16) -> Vec<u8> {
    let mut payloads = Vec::new();
    for nal in nal_units(unit) {
        if nal.len() <= FRAGMENT_BYTES {
            payloads.push(nal.to_vec());
            continue;
        }
        let parts: Vec<_> = nal[1..].chunks(FRAGMENT_BYTES).collect();
        for (i, part) in parts.iter().enumerate() {
            let ends = u8::from(i == 0) << 7 | u8::from(i + 1 == parts.len()) << 6;
            payloads.push([&[nal[0] & 0xe0 | 0x1c, ends | nal[0] & 0x1f], *part].concat());
        }
    }
    let (mut bytes, last) = (Vec::new(), payloads.len() - 1);
    for (i, payload) in payloads.iter().enumerate() {
        *sequence = sequence.wrapping_add(1);
        bytes.extend([b'$', 0]);
        bytes.extend((12 + payload.len() as u16).to_be_bytes());
        bytes.extend([0x80, u8::from(i == last) << 7 | 0x60]);
        bytes.extend(sequence.to_be_bytes());
        bytes.extend(timestamp.to_be_bytes());
        bytes.extend([0, 0, 0, 1]);
        bytes.extend(payload);
    }
    bytes
}

/// The NAL units of a unit with start codes.
fn nal_units(unit: &[u8]) -> Vec<&[u8]> {
    let starts: Vec<usize> = memchr::memmem::find_iter(unit, &[0, 0, 1]).map(|at| at + 3).collect();
    let ends = starts.iter().skip(1).map(|next| next - 3).chain([unit.len()]);
    starts.iter().zip(ends).map(|(begin, end)| trim(&unit[*begin..end])).collect()
}

/// Strips the zero in front of a longer start code.
fn trim(nal: &[u8]) -> &[u8] {
    nal.strip_suffix(&[0]).unwrap_or(nal)
}
