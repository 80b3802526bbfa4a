//! RTCP: reads the camera's reports and writes ours. RFC 3550 section 6, by `rtcp-types`.

use std::time::Duration;

use rtcp_types::{
    Compound, Fir, Packet, PayloadFeedback, Pli, ReceiverReport, ReportBlock, RtcpPacketWriter,
    RtcpPacketWriterExt, Sdes, SdesChunk, SdesItem,
};

use super::Error;
use super::source::Reception;
use crate::clock::Monotonic;

/// CNAME is 1 (RFC 3550 6.5.1).
const CNAME: u8 = 1;

/// How a camera accepts requests for a key picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyRequest {
    /// Picture Loss Indication, RFC 4585 section 6.3.1.
    Pli,
    /// Full Intra Request, RFC 5104 section 4.3.1.
    Fir,
}

/// The parts of a sender report that receiver reports refer to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SenderReport {
    /// The middle 32 bits of the NTP time.
    pub ntp_middle: u32,
    /// When it arrived.
    pub arrived: Monotonic,
}

/// The content of one compound packet about one source.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Heard {
    /// The source's sender report.
    pub sender: Option<SenderReport>,
    /// The source said goodbye.
    pub bye: bool,
    /// Reports and goodbyes of other sources.
    pub strangers: u64,
}

/// Reads a compound packet. `ssrc` is the camera's; while it is unknown, a report is taken for the camera's,
/// but not a goodbye, which may belong to an earlier session.
pub(super) fn read(data: &[u8], ssrc: Option<u32>, now: Monotonic) -> Result<Heard, Error> {
    let wrong = |error: rtcp_types::RtcpParseError| Error::Rtcp(error.to_string());
    let ours = |other: u32| ssrc.is_none_or(|ssrc| ssrc == other);
    let mut heard = Heard::default();
    for packet in Compound::parse(data).map_err(wrong)? {
        match packet.map_err(wrong)? {
            Packet::Sr(report) if ours(report.ssrc()) => {
                let ntp_middle = (report.ntp_timestamp() >> 16) as u32;
                heard.sender = Some(SenderReport { ntp_middle, arrived: now });
            }
            Packet::Bye(bye) if bye.ssrcs().any(|other| ssrc == Some(other)) => heard.bye = true,
            Packet::Sr(_) | Packet::Bye(_) => heard.strangers += 1,
            _ => {}
        }
    }
    Ok(heard)
}

/// Writes a receiver report about a source, or an empty one if nothing was received yet.
pub(super) fn write(
    our_ssrc: u32,
    about: Option<(u32, Reception)>,
    sender: Option<SenderReport>,
    now: Monotonic,
) -> Vec<u8> {
    let mut report = ReceiverReport::builder(our_ssrc);
    if let Some((ssrc, reception)) = about {
        let mut block = ReportBlock::builder(ssrc)
            .fraction_lost(reception.fraction_lost)
            .cumulative_lost(reception.cumulative_lost)
            .extended_sequence_number(reception.highest_sequence)
            .interarrival_jitter(reception.jitter);
        if let Some(sender) = sender {
            block = block
                .last_sender_report_timestamp(sender.ntp_middle)
                .delay_since_last_sender_report_timestamp(in_65536ths(now.since(sender.arrived)));
        }
        report = report.add_report_block(block);
    }
    // The CNAME must not identify the viewer's machine (RFC 7022): the random SSRC will do.
    let name = format!("{our_ssrc:08x}@pinhole");
    let chunk = SdesChunk::builder(our_ssrc).add_item_owned(SdesItem::builder(CNAME, &name));
    let compound = Compound::builder().add_packet(report).add_packet(Sdes::builder().add_chunk(chunk));
    let mut bytes = vec![0; compound.calculate_size().unwrap_or(0)];
    let written = compound.write_into(&mut bytes).unwrap_or(0);
    bytes.truncate(written);
    bytes
}

/// Writes a request for a key picture from a source, after an empty report (RFC 4585 section 3.1). `number`
/// counts the requests.
pub(super) fn write_key_request(our_ssrc: u32, ssrc: u32, request: KeyRequest, number: u8) -> Vec<u8> {
    let feedback = match request {
        KeyRequest::Pli => PayloadFeedback::builder_owned(Pli::builder()).media_ssrc(ssrc),
        // The entry names the source. RFC 5104 section 4.3.1.2.
        KeyRequest::Fir => PayloadFeedback::builder_owned(Fir::builder().add_ssrc(ssrc, number)),
    };
    let mut bytes = write(our_ssrc, None, None, Monotonic::since_zero(Duration::ZERO));
    let feedback = feedback.sender_ssrc(our_ssrc);
    let begin = bytes.len();
    bytes.resize(begin + feedback.calculate_size().unwrap_or(0), 0);
    let written = feedback.write_into(&mut bytes[begin..]).unwrap_or(0);
    bytes.truncate(begin + written);
    bytes
}

fn in_65536ths(time: Duration) -> u32 {
    u32::try_from(time.as_micros() * 65_536 / 1_000_000).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Monotonic {
        Monotonic::since_zero(Duration::from_millis(ms))
    }

    fn sender_report(ssrc: u32) -> Vec<u8> {
        let mut packet = vec![0x80, 200, 0, 6];
        packet.extend(ssrc.to_be_bytes());
        packet.extend(0x0102_0304_0506_0708_u64.to_be_bytes());
        packet.extend([0; 12]);
        packet
    }

    #[test]
    fn a_report_refers_to_the_sender_report() {
        let heard = read(&sender_report(9), Some(9), at(0)).unwrap();
        assert_eq!(heard.sender.unwrap().ntp_middle, 0x0304_0506);
        let reception =
            Reception { fraction_lost: 5, cumulative_lost: 6, highest_sequence: 0x1_0007, jitter: 8 };
        let report = write(0xabcd, Some((9, reception)), heard.sender, at(500));
        let Packet::Rr(report) = Compound::parse(&report).unwrap().next().unwrap().unwrap() else {
            panic!("not a receiver report")
        };
        let block = report.report_blocks().next().unwrap();
        assert_eq!((report.ssrc(), block.ssrc(), block.fraction_lost()), (0xabcd, 9, 5));
        assert_eq!((block.cumulative_lost(), block.extended_sequence_number()), (6, 0x1_0007));
        assert_eq!(block.last_sender_report_timestamp(), 0x0304_0506);
        assert_eq!(block.delay_since_last_sender_report_timestamp(), 32_768);
    }

    /// Issue 10, number 18.
    #[test]
    fn key_pictures_are_requested_in_two_ways() {
        for (request, expected) in [
            (KeyRequest::Pli, vec![0x81, 206, 0, 2, 0, 0, 0xab, 0xcd, 0, 0, 0, 9]),
            (KeyRequest::Fir, vec![0x84, 206, 0, 4, 0, 0, 0xab, 0xcd, 0, 0, 0, 0, 0, 0, 0, 9, 7, 0, 0, 0]),
        ] {
            let bytes = write_key_request(0xabcd, 9, request, 7);
            assert!(bytes.ends_with(&expected), "{bytes:02x?}");
            assert_eq!(Compound::parse(&bytes).unwrap().map(Result::unwrap).count(), 3);
        }
    }

    #[test]
    fn an_empty_report_is_valid() {
        let report = write(1, None, None, at(0));
        assert_eq!(Compound::parse(&report).unwrap().count(), 2);
    }

    #[test]
    fn strangers_do_not_end_the_stream() {
        let bye = [0x81, 203, 0, 1, 0, 0, 0, 5];
        assert_eq!(read(&bye, Some(9), at(0)).unwrap(), Heard { strangers: 1, ..Heard::default() });
        assert!(read(&bye, Some(5), at(0)).unwrap().bye);
        assert!(!read(&bye, None, at(0)).unwrap().bye);
        assert_eq!(read(&sender_report(5), Some(9), at(0)).unwrap().strangers, 1);
    }

    #[test]
    fn damaged_packets_are_errors() {
        assert!(matches!(read(&[0x80, 200, 0, 60, 1], None, at(0)), Err(Error::Rtcp(_))));
        assert!(read(&[], None, at(0)).is_err());
    }
}
