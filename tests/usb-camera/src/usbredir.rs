//! The cable into a QEMU virtual machine: usbredir over a socket, with the camera as the device side of the
//! protocol ("usb-host").
//!
//! The messages are described in usbredir's docs/usb-redirection-protocol.md, version 0.7. All numbers are
//! little-endian. Bulk only: isochronous streams have buffers and clocks of their own in this protocol.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use crate::camera::{Camera, Completed, Urb};
use crate::control::{Answer, Setup};
use crate::descriptors::{VIDEO_CONTROL_INTERFACE, VIDEO_ENDPOINT, VIDEO_STREAMING_INTERFACE};

/// Bytes of one message; the host requests 16 KiB at a time.
const MESSAGE_MAX_BYTES: usize = 1 << 20;
const HELLO_VERSION_BYTES: usize = 64;
/// Interfaces and endpoints that fit the tables of the protocol.
const TABLE_ENTRIES: usize = 32;

const HELLO: u32 = 0;
const DEVICE_CONNECT: u32 = 1;
const INTERFACE_INFO: u32 = 4;
const ENDPOINT_INFO: u32 = 5;
const SET_CONFIGURATION: u32 = 6;
const GET_CONFIGURATION: u32 = 7;
const CONFIGURATION_STATUS: u32 = 8;
const SET_ALT_SETTING: u32 = 9;
const GET_ALT_SETTING: u32 = 10;
const ALT_SETTING_STATUS: u32 = 11;
const CANCEL_DATA_PACKET: u32 = 21;
const CONTROL_PACKET: u32 = 100;
const BULK_PACKET: u32 = 101;

const CAP_DEVICE_VERSION: u32 = 1 << 1;
const CAP_MAX_PACKET_SIZE: u32 = 1 << 4;
const CAP_64BIT_IDS: u32 = 1 << 5;
const CAP_32BIT_LENGTH: u32 = 1 << 6;
const CAPABILITIES: u32 = CAP_DEVICE_VERSION | CAP_MAX_PACKET_SIZE | CAP_64BIT_IDS | CAP_32BIT_LENGTH;

const SUCCESS: u8 = 0;
const CANCELLED: u8 = 1;
const STALL: u8 = 4;

const TYPE_CONTROL: u8 = 0;
const TYPE_BULK: u8 = 2;
const TYPE_INVALID: u8 = 255;
const SPEED_HIGH: u8 = 2;

/// The pid.codes identifiers of the device descriptor, and its version 1.00.
const DEVICE: [u16; 3] = [0x1209, 0x0001, 0x0100];
/// Miscellaneous device with interface association (USB ECN "Interface Association Descriptor").
const DEVICE_CLASS: [u8; 3] = [0xef, 2, 1];

/// A camera plugged into a virtual machine. Dropping it unplugs it.
#[derive(Debug)]
pub struct Port {
    socket: UnixStream,
    /// The capabilities of both sides, once the other's greeting has arrived.
    common: Option<u32>,
    configuration: u8,
}

impl Port {
    /// Plugs in: connects to the machine's socket and greets.
    ///
    /// # Errors
    /// The socket's.
    pub fn plug(socket: &Path) -> io::Result<Port> {
        let mut port = Port { socket: UnixStream::connect(socket)?, common: None, configuration: 0 };
        let mut hello = b"pinhole usb-camera".to_vec();
        hello.resize(HELLO_VERSION_BYTES, 0);
        hello.extend_from_slice(&CAPABILITIES.to_le_bytes());
        port.send(HELLO, 0, &[&hello])?;
        Ok(port)
    }

    /// Becomes readable when the host has sent something.
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Takes one message from the host.
    ///
    /// # Errors
    /// The socket's, and invalid messages.
    pub fn serve(&mut self, camera: &mut Camera, now: Duration) -> io::Result<()> {
        let (kind, id, body) = self.receive()?;
        match kind {
            HELLO => self.greeted(&body),
            CONTROL_PACKET => self.control(camera, id, &body, now),
            BULK_PACKET => self.bulk(camera, id, &body),
            CANCEL_DATA_PACKET => {
                if camera.cancel(id) {
                    let header = self.bulk_header(CANCELLED, 0);
                    self.send(BULK_PACKET, id, &[&header])?;
                }
                Ok(())
            }
            SET_CONFIGURATION => {
                self.configuration = byte(&body, 0)?;
                let value = u16::from(self.configuration);
                camera.control(Setup { request_type: 0, request: 9, value, index: 0, length: 0 }, &[], now);
                self.send(CONFIGURATION_STATUS, id, &[&[SUCCESS, self.configuration]])
            }
            GET_CONFIGURATION => self.send(CONFIGURATION_STATUS, id, &[&[SUCCESS, self.configuration]]),
            SET_ALT_SETTING => {
                let (interface, alt) = (byte(&body, 0)?, byte(&body, 1)?);
                let (value, index) = (u16::from(alt), u16::from(interface));
                camera.control(Setup { request_type: 1, request: 11, value, index, length: 0 }, &[], now);
                self.send(ALT_SETTING_STATUS, id, &[&[SUCCESS, interface, alt]])
            }
            GET_ALT_SETTING => self.send(ALT_SETTING_STATUS, id, &[&[SUCCESS, byte(&body, 0)?, 0]]),
            // A reset needs no response; the others concern features that this camera lacks.
            _ => Ok(()),
        }
    }

    /// Sends a transfer's data.
    ///
    /// # Errors
    /// The socket's.
    pub fn complete(&mut self, done: &Completed) -> io::Result<()> {
        let header = self.bulk_header(SUCCESS, done.data.len());
        self.send(BULK_PACKET, done.urb.id, &[&header, &done.data])
    }

    /// The other side is ready: describes the device to it.
    fn greeted(&mut self, body: &[u8]) -> io::Result<()> {
        let theirs = body.get(HELLO_VERSION_BYTES..).and_then(|rest| rest.first_chunk().copied());
        let common = CAPABILITIES & u32::from_le_bytes(theirs.unwrap_or_default());
        self.common = Some(common);

        let mut interfaces = vec![0; 4 + 4 * TABLE_ENTRIES];
        interfaces[0] = 2;
        for (at, number, subclass) in [(0, VIDEO_CONTROL_INTERFACE, 1), (1, VIDEO_STREAMING_INTERFACE, 2)] {
            interfaces[4 + at] = number;
            interfaces[4 + TABLE_ENTRIES + at] = 0x0e;
            interfaces[4 + 2 * TABLE_ENTRIES + at] = subclass;
        }
        self.send(INTERFACE_INFO, 0, &[&interfaces])?;

        // Numbers towards the host are in the second half.
        let video = TABLE_ENTRIES / 2 + usize::from(VIDEO_ENDPOINT & 0x0f);
        let (mut types, mut owners, mut sizes) =
            ([TYPE_INVALID; TABLE_ENTRIES], [0; TABLE_ENTRIES], [0_u16; TABLE_ENTRIES]);
        for control in [0, TABLE_ENTRIES / 2] {
            (types[control], sizes[control]) = (TYPE_CONTROL, 64);
        }
        (types[video], owners[video], sizes[video]) = (TYPE_BULK, VIDEO_STREAMING_INTERFACE, 512);
        let sizes: Vec<u8> = sizes.iter().flat_map(|size| size.to_le_bytes()).collect();
        let sizes = if common & CAP_MAX_PACKET_SIZE == 0 { &[] } else { &sizes[..] };
        self.send(ENDPOINT_INFO, 0, &[&types, &[0; TABLE_ENTRIES], &owners, sizes])?;

        let numbers: Vec<u8> = DEVICE.iter().flat_map(|number| number.to_le_bytes()).collect();
        let numbers = if common & CAP_DEVICE_VERSION == 0 { &numbers[..4] } else { &numbers[..] };
        self.send(DEVICE_CONNECT, 0, &[&[SPEED_HIGH], &DEVICE_CLASS, numbers])
    }

    fn control(&mut self, camera: &mut Camera, id: u64, body: &[u8], now: Duration) -> io::Result<()> {
        let Some((header, data)) = body.split_first_chunk::<10>() else { return Err(too_short()) };
        let word = |at: usize| u16::from_le_bytes([header[at], header[at + 1]]);
        let setup = Setup {
            request_type: header[2],
            request: header[1],
            value: word(4),
            index: word(6),
            length: word(8),
        };
        let (status, length, data) = match camera.control(setup, data, now) {
            None => return Ok(()),
            Some(Answer::Data(data)) => (SUCCESS, data.len() as u16, data),
            Some(Answer::Done) => (SUCCESS, setup.length, Vec::new()),
            Some(Answer::Stall) => (STALL, 0, Vec::new()),
        };
        let mut reply = *header;
        reply[3] = status;
        reply[8..].copy_from_slice(&length.to_le_bytes());
        self.send(CONTROL_PACKET, id, &[&reply, &data])
    }

    fn bulk(&mut self, camera: &mut Camera, id: u64, body: &[u8]) -> io::Result<()> {
        let length = [byte(body, 2)?, byte(body, 3)?];
        let high = if self.has(CAP_32BIT_LENGTH) { [byte(body, 8)?, byte(body, 9)?] } else { [0; 2] };
        let room = u16::from_le_bytes(length) as usize | (u16::from_le_bytes(high) as usize) << 16;
        let is_video = byte(body, 0)? == VIDEO_ENDPOINT && room <= MESSAGE_MAX_BYTES;
        if is_video && camera.submit(Urb { id, room, packets: Vec::new() }) {
            return Ok(());
        }
        let header = self.bulk_header(STALL, 0);
        self.send(BULK_PACKET, id, &[&header])
    }

    fn bulk_header(&self, status: u8, length: usize) -> Vec<u8> {
        let length = (length as u32).to_le_bytes();
        let mut header = vec![VIDEO_ENDPOINT, status, length[0], length[1], 0, 0, 0, 0];
        if self.has(CAP_32BIT_LENGTH) {
            header.extend_from_slice(&length[2..]);
        }
        header
    }

    fn has(&self, capability: u32) -> bool {
        self.common.is_some_and(|common| common & capability != 0)
    }

    /// Message ids have 64 bits once both sides have announced that capability.
    fn send(&mut self, kind: u32, id: u64, parts: &[&[u8]]) -> io::Result<()> {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        let mut message = Vec::with_capacity(16 + length);
        message.extend_from_slice(&kind.to_le_bytes());
        message.extend_from_slice(&(length as u32).to_le_bytes());
        message.extend_from_slice(&id.to_le_bytes()[..self.id_bytes()]);
        for part in parts {
            message.extend_from_slice(part);
        }
        self.socket.write_all(&message)
    }

    fn receive(&mut self) -> io::Result<(u32, u64, Vec<u8>)> {
        let mut header = [0; 16];
        let header_bytes = 8 + self.id_bytes();
        self.socket.read_exact(&mut header[..header_bytes])?;
        let word =
            |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        let length = word(4) as usize;
        if length > MESSAGE_MAX_BYTES {
            return Err(io::Error::other(format!(
                "usbredir: message of {length} bytes, at most {MESSAGE_MAX_BYTES}"
            )));
        }
        let mut body = vec![0; length];
        self.socket.read_exact(&mut body)?;
        Ok((word(0), u64::from(word(8)) | u64::from(word(12)) << 32, body))
    }

    fn id_bytes(&self) -> usize {
        if self.has(CAP_64BIT_IDS) { 8 } else { 4 }
    }
}

fn byte(body: &[u8], at: usize) -> io::Result<u8> {
    body.get(at).copied().ok_or_else(too_short)
}

fn too_short() -> io::Error {
    io::Error::other("usbredir: message too short")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::descriptors::{Identity, Transfer};

    fn camera() -> Camera {
        let identity = Identity { manufacturer: "M".into(), product: "P".into(), serial: None };
        Camera::new(identity, Transfer::Bulk)
    }

    /// A port and the host's end of its socket, after the greetings.
    fn greeted(capabilities: u32) -> (Port, UnixStream, Camera) {
        let (socket, mut host) = UnixStream::pair().unwrap();
        let mut port = Port { socket, common: None, configuration: 0 };
        let mut camera = camera();
        let mut hello = [&HELLO.to_le_bytes()[..], &68_u32.to_le_bytes(), &[0; 4], &[0; 64]].concat();
        hello.extend_from_slice(&capabilities.to_le_bytes());
        host.write_all(&hello).unwrap();
        port.serve(&mut camera, Duration::ZERO).unwrap();
        (port, host, camera)
    }

    fn take(host: &mut UnixStream, header_bytes: usize) -> (u32, Vec<u8>) {
        let mut header = vec![0; header_bytes];
        host.read_exact(&mut header).unwrap();
        let mut body = vec![0; u32::from_le_bytes([header[4], header[5], header[6], header[7]]) as usize];
        host.read_exact(&mut body).unwrap();
        (u32::from(header[0]), body)
    }

    #[test]
    fn the_device_is_described_in_the_form_that_the_host_knows() {
        let (_port, mut host, _) = greeted(u32::MAX);
        let lengths: Vec<_> =
            (0..3).map(|_| take(&mut host, 16)).map(|(kind, body)| (kind, body.len())).collect();
        assert_eq!(lengths, [(INTERFACE_INFO, 132), (ENDPOINT_INFO, 160), (DEVICE_CONNECT, 10)]);
        let (_port, mut host, _) = greeted(0);
        let lengths: Vec<_> =
            (0..3).map(|_| take(&mut host, 12)).map(|(kind, body)| (kind, body.len())).collect();
        assert_eq!(lengths, [(INTERFACE_INFO, 132), (ENDPOINT_INFO, 96), (DEVICE_CONNECT, 8)]);
    }

    #[test]
    fn a_descriptor_is_answered_and_a_transfer_can_be_cancelled() {
        let (mut port, mut host, mut camera) = greeted(u32::MAX);
        (0..3).for_each(|_| drop(take(&mut host, 16)));
        let send = |host: &mut UnixStream, kind: u32, body: &[u8]| {
            let header =
                [kind.to_le_bytes(), (body.len() as u32).to_le_bytes(), [7, 0, 0, 0], [0; 4]].concat();
            host.write_all(&[&header[..], body].concat()).unwrap();
        };
        send(&mut host, CONTROL_PACKET, &[0x80, 6, 0x80, 0, 0, 1, 0, 0, 18, 0]);
        port.serve(&mut camera, Duration::ZERO).unwrap();
        let (kind, body) = take(&mut host, 16);
        assert_eq!((kind, body.len(), body[3], body[10]), (CONTROL_PACKET, 28, SUCCESS, 18));
        send(&mut host, BULK_PACKET, &[VIDEO_ENDPOINT, 0, 0, 0x40, 0, 0, 0, 0, 0, 0]);
        port.serve(&mut camera, Duration::ZERO).unwrap();
        send(&mut host, CANCEL_DATA_PACKET, &[]);
        port.serve(&mut camera, Duration::ZERO).unwrap();
        let (kind, body) = take(&mut host, 16);
        assert_eq!((kind, body[1]), (BULK_PACKET, CANCELLED));
    }

    #[test]
    fn nonsense_is_an_error() {
        let (mut port, mut host, mut camera) = greeted(u32::MAX);
        host.write_all(&[BULK_PACKET.to_le_bytes(), 1_u32.to_le_bytes(), [0; 4], [0; 4]].concat()).unwrap();
        host.write_all(&[0]).unwrap();
        assert!(port.serve(&mut camera, Duration::ZERO).is_err());
        host.write_all(&[[0; 4], u32::MAX.to_le_bytes(), [0; 4], [0; 4]].concat()).unwrap();
        assert!(port.serve(&mut camera, Duration::ZERO).unwrap_err().to_string().contains("at most"));
    }
}
