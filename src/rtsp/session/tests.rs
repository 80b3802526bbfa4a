//! What transcripts cannot say; they are in `tests/rtsp`.

use super::*;
use crate::rtsp::limits::QUEUED_UNITS_MAX_BYTES;

fn at(ms: u64) -> Monotonic {
    Monotonic::since_zero(Duration::from_millis(ms))
}

fn answer(cseq: u32, headers: &str, body: &str) -> String {
    format!("RTSP/1.0 200 OK\r\nCSeq: {cseq}\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len())
}

/// A session that plays H.264 by TCP, drained.
fn playing() -> Session {
    let (target, credentials) = Target::parse("rtsp://mallory:hunter2@192.0.2.1/cam").unwrap();
    let options = Options { transport: Transport::Tcp, may_change: true, seed: 1 };
    let mut session = Session::new(target, credentials, options, at(0));
    session.handle_input(Input::Connected, at(0));
    let description = "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n";
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
fn units_that_nobody_polls_are_bounded_and_never_leave_a_gap() {
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
        Output::Event(Event::AccessUnit(unit)) => Some(unit),
        _ => None,
    })
    .collect();
    assert!(units.iter().map(|unit| unit.data.len()).sum::<usize>() <= QUEUED_UNITS_MAX_BYTES);
    assert!(units.windows(2).all(|pair| pair[1].timestamp == pair[0].timestamp + 3600));
    session.handle_input(Input::Bytes(&packet(400, &p)), at(0));
    assert!(matches!(session.poll_output(), Output::Timeout(_)), "needs one that was dropped");
    session.handle_input(Input::Bytes(&packet(401, &idr)), at(0));
    let Output::Event(Event::AccessUnit(unit)) = session.poll_output() else { panic!("no unit") };
    assert!(unit.discontinuity);
}

#[test]
fn how_far_a_session_came_is_known_after_its_end() {
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
fn nothing_secret_is_printed() {
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
