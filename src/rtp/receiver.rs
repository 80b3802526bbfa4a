//! The receiving end of one RTP stream.

use std::time::Duration;

use super::depacketize::Depacketizer;
use super::limits::{
    GOODBYE_WAIT, KEY_REQUEST_INTERVAL, PAYLOAD_TYPE_SILENCE, REPORT_FIRST, REPORT_INTERVAL,
};
use super::reorder::Reorder;
use super::report::{self, KeyRequest, SenderReport};
use super::source::Source;
use super::ssrc::{SsrcFilter, Verdict};
use super::{Error, Format, Gap, Packet, Picture};
use crate::clock::Monotonic;

/// Packets assumed to be missing in front of a new source.
const SOURCE_GAP: u16 = 2;

/// The first payload type whose meaning the SDP defines. RFC 3551 section 6.
const DYNAMIC_PAYLOAD_TYPE_MIN: u8 = 96;

/// The negotiated parameters of a stream.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// Payload type of the pictures; others are ignored, unless this one never comes.
    pub payload_type: u8,
    /// Units of the timestamp in a second.
    pub clock_rate: u32,
    /// The camera's SSRC, if it announced one.
    pub announced_ssrc: Option<u32>,
    /// SSRC of our receiver reports; random.
    pub our_ssrc: u32,
    /// Packets can arrive out of order (UDP).
    pub reorder: bool,
    /// How the camera accepts requests for a key picture, if it does.
    pub key_request: Option<KeyRequest>,
}

/// Counters of a stream's packets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counters {
    /// RTP packets accepted.
    pub packets: u64,
    /// Payload bytes accepted.
    pub bytes: u64,
    /// Packets that never arrived.
    pub lost: u64,
    /// Packets that arrived early and were held back.
    pub reordered: u64,
    /// Packets that arrived twice, or too late.
    pub late: u64,
    /// Packets that do not parse, or that a depacketizer refused.
    pub bad: u64,
    /// Packets of a payload type that was not negotiated.
    pub stray_payload_types: u64,
    /// RTP and RTCP packets of another sender's SSRC.
    pub stray_ssrcs: u64,
    /// Pictures delivered.
    pub units: u64,
    /// Pictures dropped: incomplete, or withheld until the next key picture.
    pub units_dropped: u64,
    /// Bytes copied to assemble pictures: each byte of a payload once, and again if it had to be moved, or
    /// held back until its turn.
    pub copied_bytes: u64,
    /// Variation of the packets' travel time (RFC 3550 6.4.1).
    pub jitter: Duration,
}

/// Turns RTP and RTCP packets into pictures and receiver reports.
#[derive(Debug)]
pub struct Receiver {
    config: Config,
    begun: Monotonic,
    depacketizer: Depacketizer,
    ssrc: SsrcFilter,
    /// The SSRC of the last packet accepted.
    taken: Option<u32>,
    source: Option<Source>,
    reorder: Option<Reorder>,
    /// The next sequence number, if packets cannot be reordered.
    next: Option<u16>,
    sender: Option<SenderReport>,
    report_due: Monotonic,
    /// When a key picture was last requested, and how often.
    key_requested: Option<Monotonic>,
    key_requests: u8,
    heard: Option<Monotonic>,
    counters: Counters,
    last_error: Option<Error>,
}

impl Receiver {
    /// Begins; the first report is due [`REPORT_FIRST`] after `now`.
    pub fn new(config: Config, depacketizer: Depacketizer, now: Monotonic) -> Self {
        Self {
            config,
            begun: now,
            depacketizer,
            ssrc: SsrcFilter::new(config.announced_ssrc, config.reorder, now),
            taken: None,
            source: None,
            reorder: config.reorder.then(Reorder::default),
            next: None,
            sender: None,
            report_due: now + REPORT_FIRST,
            key_requested: None,
            key_requests: 0,
            heard: None,
            counters: Counters::default(),
            last_error: None,
        }
    }

    /// Takes an RTP packet; pull the pictures afterwards. Bad packets are counted.
    pub fn push_rtp(&mut self, bytes: &[u8], now: Monotonic) {
        let packet = match Packet::parse(bytes) {
            Ok(packet) => packet,
            Err(error) => return self.bad(error),
        };
        self.note_payload_type(packet.payload_type, now);
        if packet.payload_type != self.config.payload_type {
            self.counters.stray_payload_types += 1;
            return;
        }
        let begin = || self.depacketizer.begin(packet.payload);
        match self.ssrc.judge(&packet, bytes, begin, now) {
            Verdict::Ignore => {}
            Verdict::Accept => self.take(&packet, bytes, now),
            Verdict::Continue => {
                self.count_source();
                self.taken = Some(packet.ssrc);
                self.take(&packet, bytes, now);
            }
        }
    }

    /// Takes a packet from the camera.
    fn take(&mut self, packet: &Packet<'_>, bytes: &[u8], arrived: Monotonic) {
        if self.taken.replace(packet.ssrc).is_some_and(|ssrc| ssrc != packet.ssrc) {
            self.begin_source(packet);
        }
        self.heard = Some(arrived);
        self.counters.packets += 1;
        self.counters.bytes += packet.payload.len() as u64;
        let clock_rate = self.config.clock_rate;
        self.source.get_or_insert_with(|| Source::new(clock_rate, packet.sequence, arrived)).received(
            packet.sequence,
            packet.timestamp,
            arrived,
        );
        match &mut self.reorder {
            // A packet in order passes without being held or copied.
            Some(reorder) if reorder.passes(packet.sequence) => {
                let gap = reorder.pass();
                self.depacketize(packet, gap, arrived);
            }
            Some(reorder) => reorder.push(packet.sequence, bytes, arrived),
            None => self.in_order(packet, arrived),
        }
    }

    /// Takes an RTCP packet; pull the pictures afterwards.
    pub fn push_rtcp(&mut self, bytes: &[u8], now: Monotonic) {
        match report::read(bytes, self.ssrc.current(), now) {
            Ok(heard) => {
                self.sender = heard.sender.or(self.sender);
                self.counters.stray_ssrcs += heard.strangers;
                if heard.bye {
                    self.ssrc.said_goodbye(now);
                }
            }
            Err(error) => self.bad(error),
        }
    }

    /// When to act on the camera's goodbye, if nothing of it has come since.
    pub fn goodbye_deadline(&self) -> Option<Monotonic> {
        self.ssrc.goodbye().map(|said| said + GOODBYE_WAIT)
    }

    /// Takes the next picture. After each push, and at [`deadline`](Self::deadline), pull until this returns
    /// `None`.
    pub fn pull(&mut self, now: Monotonic) -> Option<Picture> {
        loop {
            if let Some(picture) = self.depacketizer.pull() {
                self.counters.units += 1;
                return Some(picture);
            }
            if let Some(ordered) = self.reorder.as_mut().and_then(|reorder| reorder.pull(now)) {
                // It parsed when it was pushed.
                let packet = Packet::parse(&ordered.bytes).ok()?;
                self.depacketize(&packet, ordered.gap, ordered.arrived);
                continue;
            }
            let held = self.ssrc.pull(now)?;
            let packet = Packet::parse(&held.bytes).ok()?;
            self.take(&packet, &held.bytes, held.arrived);
        }
    }

    /// Reports that a pulled picture will not be decoded: pictures that need it are withheld.
    pub fn picture_lost(&mut self) {
        self.depacketizer.picture_lost();
    }

    /// The receiver report, if one is due.
    pub fn report(&mut self, now: Monotonic) -> Option<Vec<u8>> {
        if now < self.report_due {
            return None;
        }
        self.report_due = now + REPORT_INTERVAL;
        let about = self.ssrc.current().zip(self.source.as_mut().map(Source::report));
        Some(report::write(self.config.our_ssrc, about, self.sender, now))
    }

    /// When withholding began because no key picture has come.
    pub fn key_awaited(&self) -> Option<Monotonic> {
        self.depacketizer.key_awaited()
    }

    /// The request for a key picture, if one is due.
    pub fn key_request(&mut self, now: Monotonic) -> Option<Vec<u8>> {
        let since = self.key_awaited()?.max(self.key_requested.unwrap_or(self.begun));
        let (request, ssrc) = self.config.key_request.zip(self.ssrc.current())?;
        if now.since(since) < KEY_REQUEST_INTERVAL {
            return None;
        }
        self.key_requested = Some(now);
        self.key_requests = self.key_requests.wrapping_add(1);
        Some(report::write_key_request(self.config.our_ssrc, ssrc, request, self.key_requests))
    }

    /// A report without counts, to open a network path.
    pub fn empty_report(&self, now: Monotonic) -> Vec<u8> {
        report::write(self.config.our_ssrc, None, None, now)
    }

    /// When to pull again or to ask for a report.
    pub fn deadline(&self) -> Monotonic {
        self.pull_deadline().map_or(self.report_due, |held| held.min(self.report_due))
    }

    /// When to pull again.
    pub fn pull_deadline(&self) -> Option<Monotonic> {
        let reorder = self.reorder.as_ref().and_then(Reorder::deadline);
        reorder.into_iter().chain(self.ssrc.deadline()).min()
    }

    /// When the camera's last packet arrived.
    pub fn heard(&self) -> Option<Monotonic> {
        self.heard
    }

    /// The format of the pictures, as far as it is known.
    pub fn format(&self) -> Option<Format> {
        self.depacketizer.format()
    }

    /// Pictures that arrived incomplete, or refer to one that did.
    pub fn units_dropped(&self) -> u64 {
        self.depacketizer.dropped()
    }

    /// The counters so far.
    pub fn counters(&self) -> Counters {
        Counters {
            lost: self.counters.lost + self.source.as_ref().map_or(0, Source::lost),
            jitter: self.source.as_ref().map_or(Duration::ZERO, Source::jitter),
            reordered: self.counters.reordered + self.reorder.as_ref().map_or(0, |reorder| reorder.early),
            late: self.counters.late + self.reorder.as_ref().map_or(0, |reorder| reorder.late),
            units_dropped: self.units_dropped(),
            copied_bytes: self.depacketizer.copied_bytes()
                + self.reorder.as_ref().map_or(0, |reorder| reorder.copied_bytes),
            stray_ssrcs: self.counters.stray_ssrcs + self.ssrc.strays(),
            ..self.counters.clone()
        }
    }

    /// The error of the last bad packet.
    pub fn last_error(&self) -> Option<&Error> {
        self.last_error.as_ref()
    }

    /// Some cameras announce one payload type and send another: if the announced one never arrives, the one
    /// that does is used.
    fn note_payload_type(&mut self, payload_type: u8, now: Monotonic) {
        if self.heard.is_none()
            && payload_type >= DYNAMIC_PAYLOAD_TYPE_MIN
            && now.since(self.begun) >= PAYLOAD_TYPE_SILENCE
        {
            self.config.payload_type = payload_type;
        }
    }

    /// Begins a new source with its first packet.
    fn begin_source(&mut self, packet: &Packet<'_>) {
        self.count_source();
        if let Some(reorder) = &mut self.reorder {
            reorder.begin_again(packet.sequence);
        }
        // How many packets are missing between the two sources is unknown.
        self.next = self.next.map(|_| packet.sequence.wrapping_sub(SOURCE_GAP));
    }

    /// Ends the present source: its losses stay counted.
    fn count_source(&mut self) {
        self.counters.lost += self.source.take().map_or(0, |source| source.lost());
        self.sender = None;
    }

    fn in_order(&mut self, packet: &Packet<'_>, now: Monotonic) {
        let next = self.next.unwrap_or(packet.sequence);
        if packet.sequence == next.wrapping_sub(1) && self.next.is_some() {
            self.counters.late += 1;
            return;
        }
        self.next = Some(packet.sequence.wrapping_add(1));
        self.depacketize(packet, Gap::of(u64::from(packet.sequence.wrapping_sub(next))), now);
    }

    fn depacketize(&mut self, packet: &Packet<'_>, gap: Gap, arrived: Monotonic) {
        if let Err(error) = self.depacketizer.push(packet, gap, arrived) {
            self.bad(error);
        }
    }

    fn bad(&mut self, error: Error) {
        self.counters.bad += 1;
        self.last_error = Some(error);
    }
}

#[cfg(test)]
mod tests;
