//! Plays the camera's part of a transcript and compares the client's.

use std::collections::VecDeque;
use std::fmt::Write;
use std::time::Duration;

use pinhole::clock::Monotonic;
use pinhole::rtp::Picture;
use pinhole::rtsp::{Event, Input, Options, Output, Session, Target, UdpChannel};

use crate::transcript::{Step, Transcript, What};

/// How the camera's bytes are split.
#[derive(Clone, Copy)]
pub enum Feed {
    Whole,
    Bytes,
    SplitAt(usize),
}

pub struct Replay {
    session: Session,
    now: Monotonic,
    outputs: VecDeque<Output>,
    last_cseq: String,
    /// The session's deadline.
    deadline: Option<Monotonic>,
    feed: Feed,
}

/// Replays a transcript; an error names the line that differs.
pub fn replay(transcript: &Transcript, feed: Feed) -> Result<(), String> {
    let mut replay = Replay::new(transcript, feed);
    for step in &transcript.steps {
        replay.step(step).map_err(|error| format!("{}:{}: {error}", transcript.name, step.line))?;
    }
    match replay.outputs.front() {
        None => Ok(()),
        Some(output) => Err(format!("{}: at the end, unexpected {}", transcript.name, describe(output))),
    }
}

impl Replay {
    pub fn new(transcript: &Transcript, feed: Feed) -> Self {
        let (target, credentials) = Target::parse(&transcript.url).unwrap();
        let now = Monotonic::since_zero(Duration::from_secs(1000));
        let options = Options { transport: transcript.transport, may_change: true, seed: 7 };
        let session = Session::new(target, credentials, options, now);
        let mut replay =
            Self { session, now, outputs: VecDeque::new(), last_cseq: String::new(), deadline: None, feed };
        replay.drain();
        replay
    }

    fn step(&mut self, step: &Step) -> Result<(), String> {
        match &step.what {
            What::Request(lines) => self.request(lines),
            What::SendInterleaved(channel) => match self.next()? {
                Output::Send(bytes) if bytes.starts_with(&[b'$', *channel]) => Ok(()),
                other => Err(format!("expected a packet on channel {channel}, got {}", describe(&other))),
            },
            What::SendDatagram(channel, port) => match self.next()? {
                Output::SendDatagram { channel: c, port: p, .. } if (c, p) == (*channel, *port) => Ok(()),
                other => Err(format!("expected a datagram to {channel:?} {port}, got {}", describe(&other))),
            },
            What::Expect(text) | What::Event(text) => {
                let got = describe(&self.next()?);
                if got == *text { Ok(()) } else { Err(format!("expected {text:?}, got {got:?}")) }
            }
            What::Counter(name, value) => self.counter(name, *value),
            input => {
                if let Some(output) = self.outputs.front() {
                    return Err(format!("unexpected {}", describe(output)));
                }
                self.input(input);
                Ok(())
            }
        }
    }

    /// Does the camera's part of a step, regardless of the client.
    pub fn input(&mut self, what: &What) {
        match what {
            What::Bytes(bytes) => self.bytes(bytes),
            What::Datagram(channel, port, bytes) => self.datagram(*channel, *port, bytes),
            What::Happens(text) => self.happens(text),
            What::Wait(time) => self.wait(*time),
            _ => {}
        }
    }

    fn next(&mut self) -> Result<Output, String> {
        self.outputs.pop_front().ok_or_else(|| "the client does nothing".to_owned())
    }

    fn give(&mut self, input: Input<'_>) {
        self.session.handle_input(input, self.now);
        self.drain();
    }

    fn drain(&mut self) {
        loop {
            match self.session.poll_output() {
                Output::Timeout(deadline) => {
                    self.deadline = Some(deadline);
                    return;
                }
                Output::Event(Event::Described(_)) => {}
                ended @ Output::Ended(_) => {
                    if self.outputs.back() != Some(&ended) && self.deadline.is_some() {
                        self.outputs.push_back(ended);
                    }
                    self.deadline = None;
                    return;
                }
                output => self.outputs.push_back(output),
            }
        }
    }

    fn bytes(&mut self, bytes: &[u8]) {
        let placeholder = bytes.windows(7).position(|window| window == b"CSeq: @");
        let bytes = match placeholder {
            Some(at) => [&bytes[..at + 6], self.last_cseq.as_bytes(), &bytes[at + 7..]].concat(),
            None => bytes.to_vec(),
        };
        let pieces: Vec<&[u8]> = match self.feed {
            Feed::Whole => vec![&bytes],
            Feed::Bytes => bytes.chunks(1).collect(),
            Feed::SplitAt(at) => bytes.split_at_checked(at).map_or(vec![&bytes], |(a, b)| vec![a, b]),
        };
        for piece in pieces {
            self.give(Input::Bytes(piece));
        }
    }

    pub fn datagram(&mut self, channel: UdpChannel, from_port: u16, bytes: &[u8]) {
        self.give(Input::Datagram { channel, from_port, bytes });
    }

    fn happens(&mut self, text: &str) {
        match text.split_once(' ') {
            Some(("udp", port)) => self.give(Input::UdpOpened { rtp_port: port.parse().unwrap() }),
            _ => self.give(match text {
                "connected" => Input::Connected,
                "closed" => Input::Closed,
                "close" => Input::Close,
                "no-udp" => Input::UdpUnavailable,
                _ => panic!("what happens: {text}?"),
            }),
        }
    }

    /// Advances the time, and calls the session at its deadlines.
    fn wait(&mut self, time: Duration) {
        let end = self.now + time;
        let mut calls = 0;
        while let Some(deadline) = self.deadline.filter(|deadline| *deadline <= end) {
            self.now = deadline.max(self.now);
            self.give(Input::Timeout);
            calls += 1;
            assert!(calls < 10_000, "the session wants to be called without end");
        }
        self.now = end;
    }

    fn request(&mut self, expected: &[String]) -> Result<(), String> {
        let output = self.next()?;
        let Output::Send(bytes) = &output else {
            return Err(format!("expected {}, got {}", expected[0], describe(&output)));
        };
        let text = String::from_utf8_lossy(bytes);
        let lines: Vec<_> = text.lines().collect();
        if lines.first() != Some(&expected[0].as_str()) {
            return Err(format!("expected {}, got {}", expected[0], lines.first().unwrap_or(&"nothing")));
        }
        if let Some(cseq) = lines.iter().find_map(|line| line.strip_prefix("CSeq: ")) {
            cseq.clone_into(&mut self.last_cseq);
        }
        for header in &expected[1..] {
            let found = |wanted: &str| {
                lines.iter().any(|line| match wanted.strip_suffix('*') {
                    Some(begin) => line.starts_with(begin),
                    None => *line == wanted,
                })
            };
            let as_expected = match header.strip_prefix('!') {
                Some(name) => !found(&format!("{name}*")),
                None => found(header),
            };
            if !as_expected {
                return Err(format!("expected {header} in\n{text}"));
            }
        }
        Ok(())
    }

    fn counter(&mut self, name: &str, expected: u64) -> Result<(), String> {
        let status = self.session.status();
        let value = match name {
            "garbage_bytes" => status.ignored.garbage_bytes,
            "stray_channels" => status.ignored.stray_channels,
            "stray_responses" => status.ignored.stray_responses,
            "server_requests" => status.ignored.server_requests,
            "media_skipped" => status.ignored.media_skipped,
            "lost" => status.packets.lost,
            "bad" => status.packets.bad,
            "reordered" => status.packets.reordered,
            "units_dropped" => status.packets.units_dropped,
            "stray_ssrcs" => status.packets.stray_ssrcs,
            "stray_payload_types" => status.packets.stray_payload_types,
            "width" => status.format.map_or(0, |format| u64::from(format.size().0)),
            _ => return Err(format!("no counter {name}")),
        };
        if value == expected { Ok(()) } else { Err(format!("{name} is {value}, expected {expected}")) }
    }
}

/// An output in the notation of a transcript.
pub fn describe(output: &Output) -> String {
    match output {
        Output::Connect(to) => {
            format!("connect {} {}{}", to.host, to.port, if to.tls { " tls" } else { "" })
        }
        Output::OpenUdp => "open udp".to_owned(),
        Output::Event(Event::Playing(transport)) => format!("playing {transport:?}").to_lowercase(),
        Output::Event(Event::Picture(picture)) => {
            let mut text = format!("unit {}", picture.timestamp());
            let flags = match picture {
                Picture::Video(it) => [it.unit.is_key, it.unit.discontinuity, it.new_parameter_sets],
                Picture::Jpeg(_) => [true, false, false],
            };
            for (flag, name) in flags.into_iter().zip([" key", " discontinuity", " parameter-sets"]) {
                text += if flag { name } else { "" };
            }
            let _ = write!(text, " bytes={}", picture.bytes());
            text
        }
        Output::Event(Event::AwaitingKey(_)) => "awaiting a key picture".to_owned(),
        Output::Ended(Ok(())) => "ended".to_owned(),
        Output::Ended(Err(pinhole::rtsp::Error::Refused(refused))) => format!("refused: {refused}"),
        Output::Ended(Err(pinhole::rtsp::Error::Failed(failed))) => format!("failed: {failed}"),
        Output::Send(bytes) => format!("send {}", String::from_utf8_lossy(bytes)),
        other => format!("{other:?}"),
    }
}
