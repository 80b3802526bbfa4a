//! The camera without I/O: requests and free transfers in, responses and video out.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use crate::control::{Answer, Control, Effect, Setup};
use crate::descriptors::{BULK_PAYLOAD_MAX_BYTES, ISOCHRONOUS_PAYLOAD_MAX_BYTES, Identity, Transfer};
use crate::faults::{Fault, Faults, Serial};
use crate::frames::{self, Stamp};
use crate::payload::Payloads;

/// Transfers that a host may have pending; `uvcvideo` has five.
pub const URBS_MAX: usize = 256;

/// One transfer in which the host waits for video: a "USB request block".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Urb {
    /// The transport's own number for it.
    pub id: u64,
    /// Bytes that fit.
    pub room: usize,
    /// For an isochronous transfer: bytes that fit in each of its packets.
    pub packets: Vec<usize>,
}

/// A transfer filled with data.
#[derive(Debug, PartialEq, Eq)]
pub struct Completed {
    /// As submitted.
    pub urb: Urb,
    /// The payloads, one after the other.
    pub data: Vec<u8>,
    /// For an isochronous transfer: bytes of `data` in each packet.
    pub packet_bytes: Vec<usize>,
}

/// The camera. Times are of CLOCK_MONOTONIC.
#[derive(Debug)]
pub struct Camera {
    identity: Identity,
    transfer: Transfer,
    control: Control,
    faults: Faults,
    urbs: VecDeque<Urb>,
    stream: Option<Stream>,
    sequence: u32,
    counts: Counts,
}

/// The state that exists only while video flows.
#[derive(Debug)]
struct Stream {
    due: Duration,
    frame_id: bool,
    frame: Option<Payloads>,
}

#[derive(Debug, Default)]
struct Counts {
    frames: u64,
    skipped: u64,
    bytes: u64,
    urbs: u64,
}

impl Camera {
    /// A camera in its factory state.
    pub fn new(identity: Identity, transfer: Transfer) -> Camera {
        Camera {
            identity,
            transfer,
            control: Control::new(transfer),
            faults: Faults::default(),
            urbs: VecDeque::new(),
            stream: None,
            sequence: 0,
            counts: Counts::default(),
        }
    }

    /// Powers the camera on: only the frame number and the built-in faults remain.
    pub fn power_on(&mut self, serial: Serial) {
        match serial {
            Serial::Same => {}
            Serial::None => self.identity.serial = None,
            Serial::New(serial) => self.identity.serial = Some(serial),
        }
        self.control = Control::new(self.transfer);
        self.faults.end_stall_and_hang();
        self.urbs.clear();
        self.stream = None;
    }

    /// Sets a fault.
    pub fn set_fault(&mut self, fault: Fault, now: Duration) {
        self.faults.set(fault, now);
    }

    /// Ends all faults.
    pub fn clear_faults(&mut self) {
        self.faults = Faults::default();
    }

    /// Answers a control request; `None` if the camera hangs and will never answer.
    pub fn control(&mut self, setup: Setup, data: &[u8], now: Duration) -> Option<Answer> {
        if self.faults.is_hung(now) {
            return None;
        }
        let (answer, effect) = self.control.answer(&self.identity, setup, data);
        match effect {
            Effect::None => {}
            Effect::Start => self.stream = Some(Stream { due: now, frame_id: false, frame: None }),
            Effect::Stop => self.stream = None,
        }
        Some(answer)
    }

    /// Takes a transfer to fill; `false` if there are too many.
    pub fn submit(&mut self, urb: Urb) -> bool {
        let fits = self.urbs.len() < URBS_MAX;
        if fits {
            self.urbs.push_back(urb);
        }
        fits
    }

    /// Gives up a transfer; `false` if it is not (or no longer) waiting.
    pub fn cancel(&mut self, id: u64) -> bool {
        let position = self.urbs.iter().position(|urb| urb.id == id);
        position.and_then(|position| self.urbs.remove(position)).is_some()
    }

    /// The next transfer that has data by now. Call until `None`.
    pub fn poll(&mut self, now: Duration) -> Option<Completed> {
        if now < self.faults.silent_until() {
            return None;
        }
        self.begin_frame(now);
        let frame = self.stream.as_mut()?.frame.as_mut()?;
        let completed = fill(frame, self.urbs.pop_front()?);
        self.counts.urbs += 1;
        if frame.is_ended() {
            self.counts.frames += 1;
            self.counts.bytes += frame.frame_bytes() as u64;
            if let Some(stream) = &mut self.stream {
                stream.frame = None;
            }
        }
        Some(completed)
    }

    /// When [`poll`](Self::poll) may have something new, if the host does nothing.
    pub fn wake_at(&self) -> Option<Duration> {
        let stream = self.stream.as_ref()?;
        let silent_until = self.faults.silent_until();
        match &stream.frame {
            None => Some(stream.due.max(silent_until)),
            // The rest of the frame waits for a transfer from the host.
            Some(_) if self.urbs.is_empty() => None,
            Some(_) => Some(silent_until),
        }
    }

    /// A real sensor does not wait: while the host is slow, or the camera silent, frames are skipped.
    fn begin_frame(&mut self, now: Duration) {
        let (mode, interval) = self.control.committed();
        let interval = Duration::from_nanos(u64::from(interval) * 100).max(self.faults.interval_min());
        let Some(stream) = &mut self.stream else { return };
        if stream.frame.is_some() || now < stream.due {
            return;
        }
        let late = (now.saturating_sub(stream.due).as_nanos() / interval.as_nanos()) as u32;
        self.counts.skipped += u64::from(late);
        stream.due += interval * (late + 1);
        self.sequence += 1;
        let stamp = Stamp { sequence: self.sequence, made: now };
        let mut frame = frames::frame(mode, stamp, self.faults.has_dht());
        self.faults.spoil(self.sequence, &mut frame);
        stream.frame = Some(Payloads::new(frame, stream.frame_id, self.faults.has_error_bit(self.sequence)));
        stream.frame_id = !stream.frame_id;
    }
}

/// Bulk: one payload. Isochronous: one to each packet, until the frame ends.
fn fill(frame: &mut Payloads, urb: Urb) -> Completed {
    let mut data = Vec::with_capacity(urb.room);
    let mut packet_bytes = Vec::with_capacity(urb.packets.len());
    if urb.packets.is_empty() {
        frame.next(urb.room.min(BULK_PAYLOAD_MAX_BYTES), &mut data);
    }
    for room in &urb.packets {
        packet_bytes.push(frame.next((*room).min(ISOCHRONOUS_PAYLOAD_MAX_BYTES), &mut data));
    }
    Completed { urb, data, packet_bytes }
}

/// The answer to `status`.
impl fmt::Display for Camera {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts { frames, skipped, bytes, urbs } = self.counts;
        let (streaming, serial) =
            (u8::from(self.stream.is_some()), self.identity.serial.as_deref().unwrap_or("-"));
        write!(f, "serial={serial} streaming={streaming} frames={frames} skipped={skipped} ")?;
        write!(f, "bytes={bytes} urbs={urbs} seq={}", self.sequence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);
    const COMMIT: Setup = Setup { request_type: 0x21, request: 1, value: 0x0200, index: 1, length: 34 };

    fn camera(transfer: Transfer) -> Camera {
        let identity = Identity { manufacturer: "M".into(), product: "P".into(), serial: None };
        Camera::new(identity, transfer)
    }

    fn start(camera: &mut Camera, now: Duration) {
        let mut wanted = [0; 34];
        (wanted[2], wanted[3]) = (1, 1);
        assert_eq!(camera.control(COMMIT, &wanted, now), Some(Answer::Done));
    }

    /// Feeds transfers until a frame is complete; returns it without payload headers.
    fn receive(camera: &mut Camera, now: Duration) -> Vec<u8> {
        let mut frame = Vec::new();
        for id in 0..64 {
            camera.submit(Urb { id, room: BULK_PAYLOAD_MAX_BYTES, packets: Vec::new() });
            let Some(completed) = camera.poll(now) else { break };
            frame.extend_from_slice(&completed.data[2..]);
            if completed.data[1] & 2 != 0 {
                break;
            }
        }
        frame
    }

    #[test]
    fn a_received_frame_can_be_reproduced() {
        let mut camera = camera(Transfer::Bulk);
        start(&mut camera, MS);
        let received = receive(&mut camera, MS);
        let stamp = Stamp::of_jpeg(&received).expect("a stamp");
        assert_eq!(stamp, Stamp { sequence: 1, made: MS });
        assert_eq!(received, frames::frame(crate::descriptors::MODES[0], stamp, true));
        assert_eq!(camera.wake_at(), Some(MS + Duration::from_nanos(33_333_300)));
    }

    #[test]
    fn frames_are_skipped_while_the_host_is_slow() {
        let mut camera = camera(Transfer::Bulk);
        start(&mut camera, Duration::ZERO);
        receive(&mut camera, Duration::ZERO);
        receive(&mut camera, 1000 * MS);
        assert_eq!((camera.counts.frames, camera.counts.skipped, camera.sequence), (2, 29, 2));
    }

    #[test]
    fn a_stall_ends_by_itself_and_a_hang_answers_nothing() {
        let mut camera = camera(Transfer::Bulk);
        start(&mut camera, MS);
        camera.set_fault(Fault::Stall(100 * MS), MS);
        assert_eq!((receive(&mut camera, 50 * MS), camera.wake_at()), (Vec::new(), Some(101 * MS)));
        assert!(!receive(&mut camera, 101 * MS).is_empty());
        camera.set_fault(Fault::Hang(100 * MS), 200 * MS);
        assert_eq!(camera.control(COMMIT, &[0; 34], 201 * MS), None);
        assert!(camera.control(COMMIT, &[0; 34], 301 * MS).is_some());
    }

    #[test]
    fn isochronous_packets_each_have_a_header() {
        let mut camera = camera(Transfer::Isochronous);
        let set_interface = Setup { request_type: 1, request: 11, value: 1, index: 1, length: 0 };
        camera.control(set_interface, &[], MS);
        camera.submit(Urb { id: 1, room: 3 * 3072, packets: vec![3072; 3] });
        let completed = camera.poll(MS).expect("data");
        assert_eq!(completed.packet_bytes, [3072; 3]);
        assert_eq!([0, 3072, 6144].map(|at| completed.data[at]), [2; 3]);
    }

    #[test]
    fn a_transfer_can_be_cancelled_once() {
        let mut camera = camera(Transfer::Bulk);
        camera.submit(Urb { id: 7, room: 512, packets: Vec::new() });
        assert_eq!((camera.cancel(7), camera.cancel(7)), (true, false));
    }
}
