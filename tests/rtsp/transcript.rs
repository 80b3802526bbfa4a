//! Reads transcripts; `transcripts/README.md` explains their format.

use std::path::Path;
use std::time::Duration;

use pinhole::rtsp::{Transport, UdpChannel};

/// One step of a transcript, with its line.
pub struct Step {
    pub line: usize,
    pub what: What,
}

pub enum What {
    /// The client sends a request: its first line, then required headers (a `*` at the end matches the rest)
    /// or, after `!`, forbidden ones.
    Request(Vec<String>),
    /// The client sends on an interleaved channel.
    SendInterleaved(u8),
    /// The client sends a datagram to a port.
    SendDatagram(UdpChannel, u16),
    /// The client connects, closes or opens ports: in words.
    Expect(String),
    /// The session emits an event: in words.
    Event(String),
    /// The camera sends bytes; `@` in a CSeq header stands for that of the last request.
    Bytes(Vec<u8>),
    /// The camera sends a datagram.
    Datagram(UdpChannel, u16, Vec<u8>),
    /// An outside event: `connected`, `closed`, `udp PORT`, `no udp`, `close`.
    Happens(String),
    /// Time passes.
    Wait(Duration),
    /// A counter of the session has a value.
    Counter(String, u64),
}

pub struct Transcript {
    pub name: String,
    pub url: String,
    pub transport: Transport,
    pub steps: Vec<Step>,
}

impl Transcript {
    pub fn read(folder: &Path, name: &str) -> Self {
        Self::read_with(folder, name, &str::to_owned)
    }

    /// Reads a transcript and first changes its text.
    pub fn read_with(folder: &Path, name: &str, change: &dyn Fn(&str) -> String) -> Self {
        let mut transcript =
            Self { name: name.to_owned(), url: String::new(), transport: Transport::Tcp, steps: Vec::new() };
        transcript.append(folder, name, change);
        transcript
    }

    /// Bytes of the longest input.
    pub fn longest_input(&self) -> usize {
        let inputs = self.steps.iter().map(|step| match &step.what {
            What::Bytes(bytes) => bytes.len(),
            _ => 0,
        });
        inputs.max().unwrap_or(0)
    }

    /// Bytes of all inputs.
    pub fn input_bytes(&self) -> usize {
        self.steps.iter().map(|step| if let What::Bytes(bytes) = &step.what { bytes.len() } else { 0 }).sum()
    }

    fn append(&mut self, folder: &Path, name: &str, change: &dyn Fn(&str) -> String) {
        let text = change(&std::fs::read_to_string(folder.join(name)).unwrap());
        let mut message = Message::default();
        for (at, line) in text.lines().enumerate() {
            let fail = || -> ! { panic!("{name}:{}: not understood: {line}", at + 1) };
            if let Some(part) = line.strip_prefix("S:").or_else(|| line.strip_prefix("S|")) {
                let is_body = line.starts_with("S|");
                message.line = if message.is_empty() { at + 1 } else { message.line };
                message.add(is_body, part.strip_prefix(' ').unwrap_or(part));
                continue;
            }
            self.steps.extend(message.take());
            if let Some(header) = line.strip_prefix("C: ") {
                self.request_line(at + 1, header);
            } else if let Some(other) = line.strip_prefix("include ") {
                self.append(folder, other, change);
            } else if let Some(url) = line.strip_prefix("url ") {
                url.clone_into(&mut self.url);
            } else if line == "transport udp" {
                self.transport = Transport::Udp;
            } else if !line.is_empty() && !line.starts_with('#') {
                let what = step(line).unwrap_or_else(|| fail());
                self.steps.push(Step { line: at + 1, what });
            }
        }
        self.steps.extend(message.take());
    }

    /// A request line begins a request; any other line belongs to the request before.
    fn request_line(&mut self, line: usize, text: &str) {
        if text.ends_with("RTSP/1.0") || text.starts_with("RTSP/1.0") {
            self.steps.push(Step { line, what: What::Request(vec![text.to_owned()]) });
        } else if let Some(Step { what: What::Request(lines), .. }) = self.steps.last_mut() {
            lines.push(text.to_owned());
        } else {
            panic!("{}:{line}: a header without a request", self.name);
        }
    }
}

/// A message from the camera, being collected.
#[derive(Default)]
struct Message {
    line: usize,
    head: Vec<u8>,
    body: Vec<u8>,
}

impl Message {
    fn is_empty(&self) -> bool {
        self.head.is_empty() && self.body.is_empty()
    }

    fn add(&mut self, is_body: bool, text: &str) {
        let part = if is_body { &mut self.body } else { &mut self.head };
        part.extend_from_slice(text.as_bytes());
        part.extend_from_slice(b"\r\n");
    }

    /// The message to send; with the length of the body for `Content-Length: @`.
    fn take(&mut self) -> Option<Step> {
        if self.is_empty() {
            return None;
        }
        let head = String::from_utf8(std::mem::take(&mut self.head)).unwrap();
        let head = head.replace("Content-Length: @", &format!("Content-Length: {}", self.body.len()));
        let bytes = [head.as_bytes(), b"\r\n", &std::mem::take(&mut self.body)].concat();
        Some(Step { line: self.line, what: What::Bytes(bytes) })
    }
}

fn step(line: &str) -> Option<What> {
    let (kind, text) = line.split_once(' ')?;
    let words: Vec<_> = text.split_ascii_whitespace().collect();
    Some(match kind {
        "C$" => What::SendInterleaved(text.parse().ok()?),
        "C~" => What::SendDatagram(udp_channel(words.first()?)?, words.get(1)?.parse().ok()?),
        "C>" => What::Expect(text.to_owned()),
        "E>" => What::Event(text.to_owned()),
        "S$" => {
            let packet = packet(&words[1..])?;
            let channel = words.first()?.parse().ok()?;
            let length = (packet.len() as u16).to_be_bytes();
            What::Bytes([&[b'$', channel, length[0], length[1]], &packet[..]].concat())
        }
        "S#" => What::Bytes(packet(&words)?),
        "S~" => {
            What::Datagram(udp_channel(words.first()?)?, words.get(1)?.parse().ok()?, packet(&words[2..])?)
        }
        "S>" => What::Happens(text.to_owned()),
        "T>" => What::Wait(Duration::from_millis(text.strip_suffix(" ms")?.parse().ok()?)),
        "=>" => What::Counter((*words.first()?).to_owned(), words.get(1)?.parse().ok()?),
        _ => return None,
    })
}

fn udp_channel(word: &str) -> Option<UdpChannel> {
    match word {
        "rtp" => Some(UdpChannel::Rtp),
        "rtcp" => Some(UdpChannel::Rtcp),
        _ => None,
    }
}

/// Bytes in hexadecimal, or `rtp TYPE SEQUENCE TIMESTAMP MARKER SSRC PAYLOAD...`, where a word of
/// the payload `HEX*N` is repeated N times.
fn packet(words: &[&str]) -> Option<Vec<u8>> {
    let ["rtp", kind, sequence, timestamp, marker, ssrc, payload @ ..] = words else {
        return hexadecimal(words);
    };
    let marker = match *marker {
        "M" => 0x80,
        "-" => 0,
        _ => return None,
    };
    let mut packet = vec![0x80, marker | kind.parse::<u8>().ok()?];
    packet.extend(sequence.parse::<u16>().ok()?.to_be_bytes());
    packet.extend(timestamp.parse::<u32>().ok()?.to_be_bytes());
    packet.extend(u32::from_str_radix(ssrc, 16).ok()?.to_be_bytes());
    packet.extend(hexadecimal(payload)?);
    Some(packet)
}

fn hexadecimal(words: &[&str]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for word in words {
        let (word, times) = word.split_once('*').unwrap_or((word, "1"));
        let digits = word.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
        let once: Vec<u8> = digits.map(|pair| u8::from_str_radix(pair, 16).ok()).collect::<Option<_>>()?;
        bytes.extend(once.repeat(times.parse().ok()?));
    }
    Some(bytes)
}
