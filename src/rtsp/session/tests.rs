//! Cases that transcripts (in `tests/rtsp`) cannot express.

use super::*;
use crate::rtp::Picture;
use crate::rtsp::limits::QUEUED_UNITS_MAX_BYTES;

fn at(ms: u64) -> Monotonic {
    Monotonic::since_zero(Duration::from_millis(ms))
}

fn answer(cseq: u32, headers: &str, body: &str) -> String {
    format!("RTSP/1.0 200 OK\r\nCSeq: {cseq}\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len())
}

/// A session that plays H.264 over TCP, drained.
fn playing() -> Session {
    let (target, credentials) = Target::parse("rtsp://mallory:hunter2@192.0.2.1/cam").unwrap();
    let options = Options { transport: Transport::Tcp, may_change: true, seed: 1 };
    let mut session = Session::new(target, credentials, options, at(0));
    session.handle_input(Input::Connected, at(0));
    let description = "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n\
        a=fmtp:96 sprop-parameter-sets=Z2QAKKzZQHgCJ+XARAAAAwAEAAADAMg8YMZY,aOvjyyLA\r\n";
    for text in
        [answer(1, "", ""), answer(2, "", description), answer(3, "Session: 1\r\n", ""), answer(4, "", "")]
    {
        session.handle_input(Input::Bytes(text.as_bytes()), at(0));
    }
    while !matches!(session.poll_output(), Output::Timeout(_)) {}
    session
}

/// An interleaved packet with a marker.
fn packet(sequence: u16, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![b'$', 0];
    packet.extend((12 + payload.len() as u16).to_be_bytes());
    packet.extend([0x80, 0xe0]);
    packet.extend(sequence.to_be_bytes());
    packet.extend((u32::from(sequence) * 3600).to_be_bytes());
    packet.extend([0, 0, 0, 1]);
    packet.extend(payload);
    packet
}

#[test]
fn unpolled_units_are_bounded_and_never_leave_a_gap() {
    let mut session = playing();
    let mut idr = vec![7; 60_000];
    idr[..3].copy_from_slice(&[0x65, 0x88, 0x84]);
    let mut p = idr.clone();
    p[..2].copy_from_slice(&[0x41, 0x9a]);
    for sequence in 0..400 {
        let nal = if sequence % 100 == 0 { &idr } else { &p };
        session.handle_input(Input::Bytes(&packet(sequence, nal)), at(0));
    }
    let units: Vec<_> = std::iter::from_fn(|| match session.poll_output() {
        Output::Event(Event::Picture(picture)) => Some(picture),
        _ => None,
    })
    .collect();
    assert!(units.iter().map(Picture::bytes).sum::<usize>() <= QUEUED_UNITS_MAX_BYTES);
    assert!(units.windows(2).all(|pair| pair[1].timestamp() == pair[0].timestamp() + 3600));
    session.handle_input(Input::Bytes(&packet(400, &p)), at(0));
    assert!(matches!(session.poll_output(), Output::Timeout(_)), "needs one that was dropped");
    session.handle_input(Input::Bytes(&packet(401, &idr)), at(0));
    let Output::Event(Event::Picture(Picture::Video(picture))) = session.poll_output() else {
        panic!("no picture")
    };
    assert!(picture.unit.discontinuity);
}

#[test]
fn how_far_a_session_got_is_known_after_its_end() {
    let (target, credentials) = Target::parse("rtsp://192.0.2.1/cam").unwrap();
    let options = Options { transport: Transport::Tcp, may_change: true, seed: 1 };
    let mut session = Session::new(target, credentials, options, at(0));
    assert_eq!(session.status().step, Step::Connecting);
    session.handle_input(Input::Connected, at(0));
    let server = format!("Server: {}\r\n", "x".repeat(500));
    session.handle_input(Input::Bytes(answer(1, &server, "").as_bytes()), at(0));
    session.handle_input(
        Input::Bytes(b"RTSP/1.0 302 Moved\r\nCSeq: 2\r\nLocation: rtsp://[2001:db8::1]/b\r\n\r\n"),
        at(0),
    );
    session.handle_input(Input::Connected, at(0));
    session.handle_input(Input::Bytes(answer(3, "", "").as_bytes()), at(0));
    session.handle_input(Input::Bytes(b"RTSP/1.0 500 Oops\r\nCSeq: 4\r\n\r\n"), at(0));
    let status = session.status();
    assert_eq!(status.step, Step::Asking("DESCRIBE"));
    assert_eq!(status.server, Some("x".repeat(crate::rtsp::limits::SERVER_MAX_CHARS)));
    assert_eq!(status.redirected_to.as_deref(), Some("[2001:db8::1]:554"));
}

#[test]
fn secrets_are_not_printed() {
    let session = playing();
    let printed = format!("{session:?} {:?}", session.status());
    assert!(!printed.contains("mallory") && !printed.contains("hunter2"), "{printed}");
}

#[test]
fn an_ended_session_stays_ended() {
    let mut session = playing();
    session.handle_input(Input::Closed, at(0));
    for _ in 0..2 {
        assert!(matches!(session.poll_output(), Output::Ended(Err(Error::Failed(Failed::Closed { .. })))));
        session.handle_input(Input::Connected, at(1));
        session.handle_input(Input::Close, at(1));
    }
}

/// Fragments (FU-A) of a NAL unit of this size, cut as by cameras.
fn fragments(sequence: &mut u16, picture: u32, kind: u8, bytes: usize) -> Vec<u8> {
    const FRAGMENT_BYTES: usize = 1400;
    let header = match kind {
        5 => [0x88, 0x84],
        _ => [0x9a, 0x04],
    };
    let nal: Vec<u8> = header.into_iter().chain(std::iter::repeat(7)).take(bytes).collect();
    let (mut stream, count) = (Vec::new(), nal.chunks(FRAGMENT_BYTES).count());
    for (i, part) in nal.chunks(FRAGMENT_BYTES).enumerate() {
        let ends = u8::from(i == 0) << 7 | u8::from(i + 1 == count) << 6;
        *sequence = sequence.wrapping_add(1);
        let mut one = packet(*sequence, &[&[0x7c, ends | kind], part].concat());
        one[5] = if i + 1 == count { 0xe0 } else { 0x60 };
        one[8..12].copy_from_slice(&(picture * 3600).to_be_bytes());
        stream.extend(one);
    }
    stream
}

/// Bytes of pictures, and bytes copied for them between the connection and the decoder, for a camera of 4
/// Mbit/s that is read in pieces of at most `piece` bytes. Its parameter sets are in its description.
fn copies(piece: usize) -> (u64, u64, u64) {
    let mut session = playing();
    let (mut sequence, mut stream) = (0, Vec::new());
    let mut copied = |session: &mut Session, pictures: std::ops::Range<u32>| {
        let mut bytes = 0;
        for picture in pictures {
            // Key pictures are ten times larger, and others differ by a quarter.
            let (kind, size) = if picture % 25 == 0 { (5, 150_000) } else { (1, 15_000 + picture % 5 * 700) };
            stream.extend(fragments(&mut sequence, picture, kind, size as usize));
            let whole = if picture % 25 == 24 { stream.len() } else { stream.len() / piece * piece };
            let mut ready = stream.drain(..whole).collect::<Vec<_>>();
            while !ready.is_empty() {
                let room = session.room();
                let read = ready.len().min(piece).min(room.len());
                room[..read].copy_from_slice(&ready[..read]);
                ready.drain(..read);
                session.handle_input(Input::Received(read), at(0));
                while let Output::Event(Event::Picture(picture)) = session.poll_output() {
                    bytes += picture.bytes() as u64;
                }
            }
        }
        let status = session.status();
        (bytes, status.packets.copied_bytes, status.ignored.moved_bytes)
    };
    // Buffers have their size once there has been a picture of each kind.
    let (_, copied_before, moved_before) = copied(&mut session, 0..25);
    let (bytes, copied, moved) = copied(&mut session, 25..125);
    (bytes, copied - copied_before, moved - moved_before)
}

#[test]
fn an_access_unit_is_copied_once_between_the_connection_and_the_decoder() {
    // A whole picture at a time, as networks deliver it, and reads that end within packets.
    for piece in [1 << 20, 64 << 10, 16 << 10, 1460, 1000] {
        let (bytes, copied, moved) = copies(piece);
        println!("reads of {piece}: {bytes} bytes, {copied} copied, {moved} moved");
        assert_eq!(copied, bytes, "each byte once");
        assert!(moved * 50 <= bytes, "reads of {piece}: {moved} of {bytes} bytes moved");
    }
}
