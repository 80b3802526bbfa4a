//! Packets of the media in use, and the reports for them. RFC 2326 section 10.12, RFC 3550.

use rtsp_types::Data;

use super::{Event, Output, Session, State, Step, UdpChannel};
use crate::clock::Monotonic;
use crate::limits::KEY_WAIT_SAID;
use crate::rtp::Receiver;
use crate::rtsp::limits::{QUEUED_UNITS_MAX_BYTES, SILENCE_MAX, UDP_SILENCE_MAX};
use crate::rtsp::{Failed, Transport};

/// The route of packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Path {
    /// Channels on the connection.
    Interleaved { rtp: u8, rtcp: u8 },
    /// The camera's ports, once it has named them or sent from them.
    Udp { rtp_port: Option<u16>, rtcp_port: Option<u16> },
}

impl Session {
    /// Whether a channel was negotiated.
    pub(super) fn is_assigned(&self, channel: u8) -> bool {
        matches!(self.path, Some(Path::Interleaved { rtp, rtcp }) if channel == rtp || channel == rtcp)
    }

    pub(super) fn interleaved(&mut self, channel: u8, bytes: &[u8], now: Monotonic) {
        match self.path {
            Some(Path::Interleaved { rtp, .. }) if channel == rtp => self.rtp(bytes, now),
            Some(Path::Interleaved { rtcp, .. }) if channel == rtcp => self.rtcp(bytes, now),
            _ => self.counters.stray_channels += 1,
        }
    }

    pub(super) fn datagram(&mut self, channel: UdpChannel, from_port: u16, bytes: &[u8], now: Monotonic) {
        let Some(Path::Udp { rtp_port, rtcp_port }) = &mut self.path else {
            self.counters.stray_channels += 1;
            return;
        };
        // If the camera names no ports, answer to where it sends from.
        match channel {
            UdpChannel::Rtp => {
                rtp_port.get_or_insert(from_port);
                self.rtp(bytes, now);
            }
            UdpChannel::Rtcp => {
                rtcp_port.get_or_insert(from_port);
                self.rtcp(bytes, now);
            }
        }
    }

    fn rtp(&mut self, bytes: &[u8], now: Monotonic) {
        if let Some(receiver) = &mut self.receiver {
            receiver.push_rtp(bytes, now);
        }
        self.drain_receiver(now);
    }

    fn rtcp(&mut self, bytes: &[u8], now: Monotonic) {
        if let Some(receiver) = &mut self.receiver {
            receiver.push_rtcp(bytes, now);
        }
        self.drain_receiver(now);
    }

    /// When to believe the camera's goodbye.
    pub(super) fn goodbye_deadline(&self) -> Option<Monotonic> {
        self.receiver.as_ref().and_then(Receiver::goodbye_deadline)
    }

    pub(super) fn check_goodbye(&mut self, now: Monotonic) {
        if self.goodbye_deadline().is_some_and(|deadline| now >= deadline) {
            self.fail(Failed::Goodbye, now);
        }
    }

    /// Emits complete pictures and the report that is due.
    pub(super) fn drain_receiver(&mut self, now: Monotonic) {
        let Some(receiver) = &mut self.receiver else { return };
        while let Some(picture) = receiver.pull(now) {
            let bytes = picture.bytes();
            if self.queued_bytes + bytes > QUEUED_UNITS_MAX_BYTES {
                if !picture.is_disposable() {
                    receiver.picture_lost();
                }
                continue;
            }
            self.queued_bytes += bytes;
            self.outputs.push_back(Output::Event(Event::Picture(picture)));
        }
        let State::Playing { .. } = self.state else { return };
        let packets = [receiver.report(now), receiver.key_request(now)];
        let awaited = receiver.key_awaited().filter(|since| now.since(*since) >= KEY_WAIT_SAID);
        packets.into_iter().flatten().for_each(|packet| self.send_rtcp(packet));
        if let (Some(since), false) = (awaited, self.said_awaiting) {
            self.event(Event::AwaitingKey(since));
        }
        self.said_awaiting = awaited.is_some();
    }

    pub(super) fn receiver_deadline(&self) -> Option<Monotonic> {
        let receiver = self.receiver.as_ref()?;
        match self.state {
            State::Playing { .. } => Some(receiver.deadline()),
            _ => receiver.pull_deadline(),
        }
    }

    pub(super) fn send_rtcp(&mut self, report: Vec<u8>) {
        match self.path {
            Some(Path::Interleaved { rtcp, .. }) => {
                let mut bytes = Vec::new();
                // Writing to memory cannot fail.
                let _ = Data::new(rtcp, report).write(&mut bytes);
                self.outputs.push_back(Output::Send(bytes));
            }
            Some(Path::Udp { rtcp_port: Some(port), .. }) => self.outputs.push_back(Output::SendDatagram {
                channel: UdpChannel::Rtcp,
                port,
                bytes: report,
            }),
            Some(Path::Udp { rtcp_port: None, .. }) | None => {}
        }
    }

    /// Handles a successful PLAY. RTP-Info is not read: its sequence numbers and times are often wrong, and
    /// live pictures need neither.
    pub(super) fn playing(&mut self, now: Monotonic) {
        self.state = State::Playing { since: now };
        self.step = Step::Playing;
        self.keep_alive_due = Some(now + self.keep_alive_interval());
        self.event(Event::Playing(self.transport));
    }

    pub(super) fn has_data(&self) -> bool {
        self.receiver.as_ref().is_some_and(|receiver| receiver.heard().is_some())
    }

    /// When the camera's silence becomes too long.
    pub(super) fn silence_deadline(&self) -> Option<Monotonic> {
        let State::Playing { since } = self.state else { return None };
        let heard = self.receiver.as_ref().and_then(Receiver::heard);
        Some(match heard {
            Some(heard) => heard.max(since) + SILENCE_MAX,
            None if self.transport == Transport::Udp => since + UDP_SILENCE_MAX,
            None => since + SILENCE_MAX,
        })
    }

    pub(super) fn check_silence(&mut self, now: Monotonic) {
        if self.silence_deadline().is_none_or(|deadline| now < deadline) {
            return;
        }
        match self.transport {
            Transport::Udp if !self.has_data() => self.fail(Failed::NoDatagrams(UDP_SILENCE_MAX), now),
            _ => self.fail(Failed::Silent(SILENCE_MAX), now),
        }
    }
}
