//! Control requests: USB 9.3 and 9.4 (standard), UVC 4 (video class).

use crate::descriptors::{
    self, BULK_PAYLOAD_MAX_BYTES, FRAME_INTERVALS, ISOCHRONOUS_PAYLOAD_MAX_BYTES, Identity, MODES, Mode,
    PROCESSING_UNIT, Transfer, VIDEO_CONTROL_INTERFACE, VIDEO_STREAMING_INTERFACE,
};

/// The eight bytes of a setup packet (USB 9.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setup {
    /// bmRequestType.
    pub request_type: u8,
    /// bRequest.
    pub request: u8,
    /// wValue.
    pub value: u16,
    /// wIndex.
    pub index: u16,
    /// wLength.
    pub length: u16,
}

impl From<[u8; 8]> for Setup {
    fn from(b: [u8; 8]) -> Setup {
        let word = |low, high| u16::from_le_bytes([low, high]);
        Setup {
            request_type: b[0],
            request: b[1],
            value: word(b[2], b[3]),
            index: word(b[4], b[5]),
            length: word(b[6], b[7]),
        }
    }
}

/// How a control transfer ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Data for the host, cut to wLength.
    Data(Vec<u8>),
    /// The host's data were accepted.
    Done,
    /// Not supported.
    Stall,
}

/// The effect of a request on the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    None,
    /// Video starts.
    Start,
    /// Video stops.
    Stop,
}

// Standard requests (USB table 9-4).
const GET_STATUS: u8 = 0;
const CLEAR_FEATURE: u8 = 1;
const SET_FEATURE: u8 = 3;
const GET_DESCRIPTOR: u8 = 6;
const GET_CONFIGURATION: u8 = 8;
const SET_CONFIGURATION: u8 = 9;
const GET_INTERFACE: u8 = 10;
const SET_INTERFACE: u8 = 11;

// Class requests (UVC A.8).
const SET_CUR: u8 = 0x01;
const GET_CUR: u8 = 0x81;
const GET_MIN: u8 = 0x82;
const GET_MAX: u8 = 0x83;
const GET_RES: u8 = 0x84;
const GET_LEN: u8 = 0x85;
const GET_INFO: u8 = 0x86;
const GET_DEF: u8 = 0x87;

/// GET_INFO: both GET and SET are supported (UVC 4.1.2).
const INFO_GET_SET: u8 = 0b11;

/// The host's settings.
#[derive(Debug)]
pub struct Control {
    transfer: Transfer,
    configuration: u8,
    alternate_setting: u8,
    probe: Negotiation,
    commit: Negotiation,
    brightness: i16,
    contrast: i16,
}

impl Control {
    /// The state after a reset.
    pub fn new(transfer: Transfer) -> Control {
        Control {
            transfer,
            configuration: 0,
            alternate_setting: 0,
            probe: Negotiation::DEFAULT,
            commit: Negotiation::DEFAULT,
            brightness: LEVEL_DEFAULT,
            contrast: LEVEL_DEFAULT,
        }
    }

    /// The mode and the frame interval in units of 100 ns that the host has committed to.
    pub fn committed(&self) -> (Mode, u32) {
        (self.commit.mode, self.commit.interval)
    }

    /// Answers one request; `data` are those that the host sent with it.
    pub fn answer(&mut self, identity: &Identity, setup: Setup, data: &[u8]) -> (Answer, Effect) {
        const TYPE_AND_RECIPIENT: u8 = 0x7f;
        const CLASS_INTERFACE: u8 = 0x21;
        const TYPE: u8 = 0x60;
        let (answer, effect) = if setup.request_type & TYPE == 0 {
            self.standard(identity, setup)
        } else if setup.request_type & TYPE_AND_RECIPIENT == CLASS_INTERFACE {
            self.class(setup, data)
        } else {
            (Answer::Stall, Effect::None)
        };
        match answer {
            Answer::Data(mut bytes) => {
                bytes.truncate(usize::from(setup.length));
                (Answer::Data(bytes), effect)
            }
            other => (other, effect),
        }
    }

    fn standard(&mut self, identity: &Identity, setup: Setup) -> (Answer, Effect) {
        const RECIPIENT: u8 = 0x1f;
        const RECIPIENT_ENDPOINT: u8 = 2;
        let [low, high] = setup.value.to_le_bytes();
        let is_stream = setup.index == u16::from(VIDEO_STREAMING_INTERFACE);
        let mut effect = Effect::None;
        let answer = match setup.request {
            GET_STATUS => Answer::Data(vec![0, 0]),
            GET_DESCRIPTOR => descriptors::descriptor(identity, self.transfer, high, low)
                .map_or(Answer::Stall, Answer::Data),
            GET_CONFIGURATION => Answer::Data(vec![self.configuration]),
            GET_INTERFACE => Answer::Data(vec![if is_stream { self.alternate_setting } else { 0 }]),
            SET_CONFIGURATION => {
                (self.configuration, self.alternate_setting) = (low, 0);
                effect = Effect::Stop;
                Answer::Done
            }
            SET_INTERFACE => {
                if is_stream {
                    self.alternate_setting = low;
                    effect = if low > 0 { Effect::Start } else { Effect::Stop };
                }
                Answer::Done
            }
            // A bulk stream has no alternate setting to leave: the Linux driver ends it this way.
            CLEAR_FEATURE if setup.request_type & RECIPIENT == RECIPIENT_ENDPOINT => {
                if self.transfer == Transfer::Bulk {
                    effect = Effect::Stop;
                }
                Answer::Done
            }
            CLEAR_FEATURE | SET_FEATURE => Answer::Done,
            _ => Answer::Stall,
        };
        (answer, effect)
    }

    /// wIndex: the interface in the low byte, a unit of it in the high one. wValue: the selector
    /// of the control in the high byte.
    fn class(&mut self, setup: Setup, data: &[u8]) -> (Answer, Effect) {
        const VS_PROBE_CONTROL: u8 = 1;
        const VS_COMMIT_CONTROL: u8 = 2;
        const VC_REQUEST_ERROR_CODE_CONTROL: u8 = 2;
        const ERROR_INVALID_CONTROL: u8 = 6;
        const PU_BRIGHTNESS_CONTROL: u8 = 2;
        const PU_CONTRAST_CONTROL: u8 = 3;
        let [interface, unit] = setup.index.to_le_bytes();
        let selector = setup.value.to_le_bytes()[1];
        let answer = match (interface, unit, selector) {
            (VIDEO_STREAMING_INTERFACE, 0, VS_PROBE_CONTROL) => {
                negotiate(&mut self.probe, self.transfer, setup.request, data)
            }
            (VIDEO_STREAMING_INTERFACE, 0, VS_COMMIT_CONTROL) => {
                let answer = negotiate(&mut self.commit, self.transfer, setup.request, data);
                let begins = self.transfer == Transfer::Bulk && answer == Answer::Done;
                return (answer, if begins { Effect::Start } else { Effect::None });
            }
            (VIDEO_CONTROL_INTERFACE, 0, VC_REQUEST_ERROR_CODE_CONTROL) => {
                Answer::Data(vec![ERROR_INVALID_CONTROL])
            }
            (VIDEO_CONTROL_INTERFACE, PROCESSING_UNIT, PU_BRIGHTNESS_CONTROL) => {
                level(&mut self.brightness, setup.request, data)
            }
            (VIDEO_CONTROL_INTERFACE, PROCESSING_UNIT, PU_CONTRAST_CONTROL) => {
                level(&mut self.contrast, setup.request, data)
            }
            _ => Answer::Stall,
        };
        (answer, Effect::None)
    }
}

const LEVEL_DEFAULT: i16 = 128;

/// A control of the processing unit (UVC 4.2.2.3): 0 to 255.
fn level(current: &mut i16, request: u8, data: &[u8]) -> Answer {
    let value = match request {
        SET_CUR => {
            let Some(bytes) = data.first_chunk() else { return Answer::Stall };
            *current = i16::from_le_bytes(*bytes);
            return Answer::Done;
        }
        GET_INFO => return Answer::Data(vec![INFO_GET_SET]),
        GET_CUR => *current,
        GET_MIN => 0,
        GET_MAX => 255,
        GET_RES => 1,
        GET_DEF => LEVEL_DEFAULT,
        GET_LEN => 2,
        _ => return Answer::Stall,
    };
    Answer::Data(value.to_le_bytes().to_vec())
}

/// The subject of probe and commit.
#[derive(Debug, Clone, Copy)]
struct Negotiation {
    mode: Mode,
    interval: u32,
}

/// Length of the probe and commit controls in UVC 1.1 (table 4-47).
const PROBE_BYTES: usize = 34;

impl Negotiation {
    const DEFAULT: Negotiation = Negotiation { mode: MODES[0], interval: FRAME_INTERVALS[0] };

    /// The host's wish, or the nearest supported mode.
    fn wanted(data: &[u8]) -> Option<Negotiation> {
        let (&format_index, &frame_index) = (data.get(2)?, data.get(3)?);
        let wanted = u32::from_le_bytes(*data.get(4..)?.first_chunk()?);
        let mode = Mode::by_index(format_index, frame_index).or_else(|| Mode::by_index(format_index, 1));
        let interval = FRAME_INTERVALS.into_iter().min_by_key(|interval| interval.abs_diff(wanted))?;
        Some(Negotiation { mode: mode.unwrap_or(MODES[0]), interval })
    }

    /// UVC 4.3.1.1. Zero fields: compression, delay, clock and framing, which this camera leaves open.
    fn encode(self, transfer: Transfer) -> Vec<u8> {
        const KEEP_FRAME_INTERVAL: u8 = 1;
        let payload_bytes_max = match transfer {
            Transfer::Bulk => BULK_PAYLOAD_MAX_BYTES,
            Transfer::Isochronous => ISOCHRONOUS_PAYLOAD_MAX_BYTES,
        };
        let mut out = vec![0; PROBE_BYTES];
        out[0] = KEEP_FRAME_INTERVAL;
        out[2] = self.mode.format as u8;
        out[3] = self.mode.frame_index;
        out[4..8].copy_from_slice(&self.interval.to_le_bytes());
        out[18..22].copy_from_slice(&self.mode.frame_bytes_max().to_le_bytes());
        out[22..26].copy_from_slice(&(payload_bytes_max as u32).to_le_bytes());
        out
    }
}

fn negotiate(current: &mut Negotiation, transfer: Transfer, request: u8, data: &[u8]) -> Answer {
    match request {
        SET_CUR => {
            let Some(wanted) = Negotiation::wanted(data) else { return Answer::Stall };
            *current = wanted;
            Answer::Done
        }
        GET_CUR => Answer::Data(current.encode(transfer)),
        // The limits apply to the chosen mode; only the interval has a range.
        GET_MIN => Answer::Data(Negotiation { interval: FRAME_INTERVALS[0], ..*current }.encode(transfer)),
        GET_MAX => Answer::Data(Negotiation { interval: FRAME_INTERVALS[1], ..*current }.encode(transfer)),
        GET_DEF => Answer::Data(Negotiation::DEFAULT.encode(transfer)),
        GET_LEN => Answer::Data((PROBE_BYTES as u16).to_le_bytes().to_vec()),
        GET_INFO => Answer::Data(vec![INFO_GET_SET]),
        _ => Answer::Stall,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::descriptors::Format;

    fn identity() -> Identity {
        Identity { manufacturer: "M".into(), product: "P".into(), serial: None }
    }

    fn stream_request(request_type: u8, request: u8, selector: u16) -> Setup {
        Setup { request_type, request, value: selector << 8, index: 1, length: PROBE_BYTES as u16 }
    }

    #[test]
    fn a_bulk_stream_starts_with_commit_and_stops_with_clear_halt() {
        let mut control = Control::new(Transfer::Bulk);
        let mut wanted = vec![0; PROBE_BYTES];
        (wanted[2], wanted[3]) = (Format::Yuyv as u8, 2);
        wanted[4..8].copy_from_slice(&600_000_u32.to_le_bytes());
        let started = control.answer(&identity(), stream_request(0x21, SET_CUR, 2), &wanted);
        assert_eq!(started, (Answer::Done, Effect::Start));
        assert_eq!(control.committed(), (MODES[3], 666_666));
        let clear_halt = Setup { request_type: 2, request: CLEAR_FEATURE, value: 0, index: 0x81, length: 0 };
        assert_eq!(control.answer(&identity(), clear_halt, &[]), (Answer::Done, Effect::Stop));
    }

    #[test]
    fn an_isochronous_stream_follows_the_alternate_setting() {
        let mut control = Control::new(Transfer::Isochronous);
        let mut set = Setup { request_type: 1, request: SET_INTERFACE, value: 1, index: 1, length: 0 };
        assert_eq!(control.answer(&identity(), set, &[]), (Answer::Done, Effect::Start));
        set.value = 0;
        assert_eq!(control.answer(&identity(), set, &[]), (Answer::Done, Effect::Stop));
    }

    #[test]
    fn short_or_unknown_requests_stall() {
        let mut control = Control::new(Transfer::Bulk);
        let answer = control.answer(&identity(), stream_request(0x21, SET_CUR, 1), &[1, 2, 3]);
        assert_eq!(answer, (Answer::Stall, Effect::None));
        let vendor = Setup { request_type: 0xc0, request: 1, value: 0, index: 0, length: 1 };
        assert_eq!(control.answer(&identity(), vendor, &[]), (Answer::Stall, Effect::None));
    }

    #[test]
    fn answers_are_cut_to_the_requested_length() {
        let mut setup = stream_request(0xa1, GET_CUR, 1);
        setup.length = 4;
        let (answer, _) = Control::new(Transfer::Bulk).answer(&identity(), setup, &[]);
        assert_eq!(answer, Answer::Data(vec![1, 0, 1, 1]));
    }
}
