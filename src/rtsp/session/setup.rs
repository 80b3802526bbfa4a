//! Negotiates the transport. RFC 2326 section 10.4.

use rtsp_types::{Response, headers};

use super::media::Path;
use super::{Output, Session, UdpChannel};
use crate::clock::Monotonic;
use crate::rtp::{Config, Receiver};
use crate::rtsp::message::header;
use crate::rtsp::{Failed, Transport, transport};

/// Channels to request. RFC 2326 section 12.39.
const CHANNELS: (u8, u8) = (0, 1);

impl Session {
    /// Local ports are available.
    pub(super) fn udp_opened(&mut self, rtp_port: u16, now: Monotonic) {
        if self.is_negotiating() && self.transport == Transport::Udp && self.our_rtp_port == 0 {
            self.our_rtp_port = rtp_port;
            self.send_setup(now);
        }
    }

    /// The camera or this machine does not support the current transport.
    pub(super) fn try_other_transport(&mut self, now: Monotonic) {
        if !self.is_negotiating() {
            return;
        }
        if !std::mem::take(&mut self.may_change_transport) {
            return self.fail(Failed::TransportRefused, now);
        }
        self.transport = self.transport.other();
        self.send_setup(now);
    }

    /// Notes the Session header: a camera may change the id with every answer.
    pub(super) fn note_session(&mut self, response: &Response<Vec<u8>>) {
        if let Some((id, timeout)) = header(response, &headers::SESSION).and_then(transport::session) {
            self.id = Some(id);
            self.timeout = timeout.unwrap_or(self.timeout);
        }
    }

    /// Handles a successful SETUP: packets may arrive from now on, even before the answer to PLAY.
    pub(super) fn set_up(&mut self, response: &Response<Vec<u8>>, now: Monotonic) {
        self.note_session(response);
        let answer = transport::Answer::parse(header(response, &headers::TRANSPORT).unwrap_or_default());
        let chosen = answer.transport(self.transport);
        if chosen == Transport::Udp && self.transport == Transport::Tcp {
            // Asked for TCP, the camera wants to send to ports that are not open.
            return self.try_other_transport(now);
        }
        self.transport = chosen;
        self.path = Some(match chosen {
            Transport::Tcp => {
                let (rtp, rtcp) = answer.interleaved.unwrap_or(CHANNELS);
                Path::Interleaved { rtp, rtcp }
            }
            Transport::Udp => {
                let (rtp_port, rtcp_port) = answer.server_port.unzip();
                Path::Udp { rtp_port, rtcp_port }
            }
        });
        self.receiver = self.media.as_ref().and_then(|media| {
            let config = Config {
                payload_type: media.payload_type,
                clock_rate: media.clock_rate,
                announced_ssrc: answer.ssrc,
                our_ssrc: self.random.number() as u32,
                reorder: chosen == Transport::Udp,
                key_request: media.key_request,
            };
            Some(Receiver::new(config, media.depacketizer()?, now))
        });
        self.punch_holes(now);
        self.send_play(self.aggregate_url.clone(), now);
    }

    /// Opens firewalls and NATs for the camera's datagrams with one from each port: an RTP header without
    /// payload, and an empty receiver report.
    fn punch_holes(&mut self, now: Monotonic) {
        let Some(Path::Udp { rtp_port: Some(port), .. }) = self.path else { return };
        let mut header = [0; 12];
        header[0] = 0x80;
        self.outputs.push_back(Output::SendDatagram {
            channel: UdpChannel::Rtp,
            port,
            bytes: header.to_vec(),
        });
        if let Some(report) = self.receiver.as_ref().map(|receiver| receiver.empty_report(now)) {
            self.send_rtcp(report);
        }
    }
}
