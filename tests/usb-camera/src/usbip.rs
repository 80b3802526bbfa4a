//! The cable into this machine's kernel: USB/IP to `vhci-hcd` over a socket pair.
//!
//! The messages are described in the kernel's Documentation/usb/usbip_protocol.rst, the files of
//! the virtual host controller in Documentation/ABI/testing/sysfs-platform-usbip-vudc and in
//! tools/usb/usbip. All numbers are big-endian.

use std::fs;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use crate::camera::{Camera, Completed, Urb};
use crate::control::{Answer, Setup};
use crate::descriptors::VIDEO_ENDPOINT;

const CONTROLLER: &str = "/sys/devices/platform/vhci_hcd.0";

/// Bytes of one transfer; `uvcvideo` asks for 16 KiB (bulk) or 32 packets (isochronous).
const TRANSFER_MAX_BYTES: usize = 1 << 20;
/// Packets of one isochronous transfer; the kernel's own limit is 1024.
const PACKETS_MAX: usize = 1024;

const HEADER_BYTES: usize = 48;
const PACKET_DESCRIPTOR_BYTES: usize = 16;

const CMD_SUBMIT: u32 = 1;
const CMD_UNLINK: u32 = 2;
const RET_SUBMIT: u32 = 3;
const RET_UNLINK: u32 = 4;

const EPIPE: i32 = 32;
const ECONNRESET: i32 = 104;

/// A message from the host.
#[derive(Debug, PartialEq, Eq)]
enum Request {
    Submit(Submit),
    Unlink { sequence: u32, target: u32 },
}

/// A transfer requested by the host.
#[derive(Debug, PartialEq, Eq)]
struct Submit {
    sequence: u32,
    to_host: bool,
    endpoint: u32,
    length: usize,
    packets: Vec<usize>,
    setup: [u8; 8],
    data: Vec<u8>,
}

impl Request {
    fn read(from: &mut impl Read) -> io::Result<Request> {
        let mut header = [0; HEADER_BYTES];
        from.read_exact(&mut header)?;
        let field = |index: usize| {
            let bytes = header[index * 4..].first_chunk().copied().unwrap_or_default();
            u32::from_be_bytes(bytes)
        };
        let sequence = field(1);
        match field(0) {
            CMD_UNLINK => Ok(Request::Unlink { sequence, target: field(5) }),
            CMD_SUBMIT => {
                let to_host = field(3) == 1;
                let length = limited("transfer", field(6), TRANSFER_MAX_BYTES)?;
                // All ones mean that it is not isochronous.
                let packets = if field(8) == u32::MAX { 0 } else { field(8) };
                let packets = limited("packet count", packets, PACKETS_MAX)?;
                let setup = header[40..].first_chunk().copied().unwrap_or_default();
                let mut data = vec![0; if to_host { 0 } else { length }];
                from.read_exact(&mut data)?;
                let packets = read_packet_lengths(from, packets)?;
                Ok(Request::Submit(Submit {
                    sequence,
                    to_host,
                    endpoint: field(4),
                    length,
                    packets,
                    setup,
                    data,
                }))
            }
            other => Err(io::Error::other(format!("usb/ip: unknown command {other}"))),
        }
    }
}

fn limited(what: &str, value: u32, max: usize) -> io::Result<usize> {
    let value = value as usize;
    if value <= max {
        Ok(value)
    } else {
        Err(io::Error::other(format!("usb/ip: {what} of {value}, at most {max}")))
    }
}

fn read_packet_lengths(from: &mut impl Read, packets: usize) -> io::Result<Vec<usize>> {
    let mut descriptors = vec![0; packets * PACKET_DESCRIPTOR_BYTES];
    from.read_exact(&mut descriptors)?;
    let length = |d: &[u8]| u32::from_be_bytes([d[4], d[5], d[6], d[7]]) as usize;
    Ok(descriptors.chunks_exact(PACKET_DESCRIPTOR_BYTES).map(length).collect())
}

/// Builds a message: the five header fields common to all, then those of its kind.
fn message(command: u32, sequence: u32, fields: &[i32]) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADER_BYTES);
    for field in [command, sequence, 0, 0, 0] {
        out.extend_from_slice(&field.to_be_bytes());
    }
    for field in fields {
        out.extend_from_slice(&field.to_be_bytes());
    }
    out.resize(HEADER_BYTES, 0);
    out
}

/// The end of a transfer without packets.
fn ret_submit(sequence: u32, status: i32, actual: usize, data: &[u8]) -> Vec<u8> {
    let mut out = message(RET_SUBMIT, sequence, &[status, actual as i32, 0, -1, 0]);
    out.extend_from_slice(data);
    out
}

/// The end of a transfer with video. Isochronous data are packed; the host moves each packet to
/// its place by the descriptors that follow.
fn ret_video(done: &Completed) -> Vec<u8> {
    let sequence = done.urb.id as u32;
    if done.urb.packets.is_empty() {
        return ret_submit(sequence, 0, done.data.len(), &done.data);
    }
    let packets = done.urb.packets.len() as i32;
    let mut out = message(RET_SUBMIT, sequence, &[0, done.data.len() as i32, 0, packets, 0]);
    out.extend_from_slice(&done.data);
    let mut offset = 0;
    for (length, actual) in done.urb.packets.iter().zip(&done.packet_bytes) {
        for field in [offset, *length, *actual, 0] {
            out.extend_from_slice(&(field as u32).to_be_bytes());
        }
        offset += length;
    }
    out
}

/// A port of the virtual host controller with the camera in it. Dropping it pulls the cable.
#[derive(Debug)]
pub struct Port {
    socket: UnixStream,
    /// Control requests that a hanging camera has swallowed; the host will unlink them.
    unanswered: Vec<u32>,
}

impl Port {
    /// Puts the cable into the first free high-speed port.
    pub fn plug() -> io::Result<Port> {
        const SPEED_HIGH: u32 = 3;
        let status = fs::read_to_string(format!("{CONTROLLER}/status")).map_err(|error| {
            io::Error::new(error.kind(), format!("{CONTROLLER}: {error} (is vhci-hcd loaded?)"))
        })?;
        let port = free_port(&status).ok_or_else(|| io::Error::other("vhci-hcd: no free port"))?;
        let (socket, kernel_end) = UnixStream::pair()?;
        // The kernel takes its own reference; ours to that end is dropped with this function.
        let device_id = 1 << 16 | (port + 1);
        let attach = format!("{port} {} {device_id} {SPEED_HIGH}", kernel_end.as_raw_fd());
        fs::write(format!("{CONTROLLER}/attach"), attach)?;
        Ok(Port { socket, unanswered: Vec::new() })
    }

    /// Readable when the host has sent something.
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Takes one message from the host; an error means that the host has disconnected.
    pub fn serve(&mut self, camera: &mut Camera, now: Duration) -> io::Result<()> {
        match Request::read(&mut self.socket)? {
            Request::Unlink { sequence, target } => self.unlink(camera, sequence, target),
            Request::Submit(submit) if submit.endpoint == 0 => self.control(camera, &submit, now),
            Request::Submit(submit) => self.video(camera, submit),
        }
    }

    /// Ends a transfer with video.
    pub fn complete(&mut self, done: &Completed) -> io::Result<()> {
        self.socket.write_all(&ret_video(done))
    }

    fn control(&mut self, camera: &mut Camera, submit: &Submit, now: Duration) -> io::Result<()> {
        let reply = match camera.control(Setup::from(submit.setup), &submit.data, now) {
            None => {
                self.unanswered.push(submit.sequence);
                return Ok(());
            }
            Some(Answer::Data(data)) => ret_submit(submit.sequence, 0, data.len(), &data),
            Some(Answer::Done) => ret_submit(submit.sequence, 0, submit.data.len(), &[]),
            Some(Answer::Stall) => ret_submit(submit.sequence, -EPIPE, 0, &[]),
        };
        self.socket.write_all(&reply)
    }

    fn video(&mut self, camera: &mut Camera, submit: Submit) -> io::Result<()> {
        let sequence = submit.sequence;
        let is_video = submit.to_host && submit.endpoint == u32::from(VIDEO_ENDPOINT & 0x0f);
        let urb = Urb { id: u64::from(sequence), room: submit.length, packets: submit.packets };
        if is_video && camera.submit(urb) {
            return Ok(());
        }
        self.socket.write_all(&ret_submit(sequence, -EPIPE, 0, &[]))
    }

    /// Unlinking succeeded if the status is "connection reset"; with 0 the host waits for the transfer's own
    /// end, which is on its way. The controller unlinks a hanging camera.
    fn unlink(&mut self, camera: &mut Camera, sequence: u32, target: u32) -> io::Result<()> {
        let swallowed = self.unanswered.iter().position(|&request| request == target);
        if let Some(position) = swallowed {
            self.unanswered.swap_remove(position);
        }
        let unlinked = swallowed.is_some() || camera.cancel(u64::from(target));
        let status = if unlinked { -ECONNRESET } else { 0 };
        self.socket.write_all(&message(RET_UNLINK, sequence, &[status]))
    }
}

/// Lines are `hub port status speed device socket bus-id`; a port of status 4 is empty.
fn free_port(status: &str) -> Option<u32> {
    status.lines().find_map(|line| {
        let mut fields = line.split_whitespace();
        let (hub, port, state) = (fields.next()?, fields.next()?, fields.next()?);
        if hub == "hs" && state.parse() == Ok(4) { port.parse().ok() } else { None }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_port_is_found() {
        let status = "hub port sta spd dev      sockfd local_busid\n\
            hs  0000 006 003 00010001 000003 1-1\n\
            hs  0001 004 000 00000000 000000 0-0\n\
            ss  0008 004 000 00000000 000000 0-0\n";
        assert_eq!(free_port(status), Some(1));
        assert_eq!(free_port("hub port sta spd dev\nss  0008 004 000 0 0 0-0\n"), None);
    }

    #[test]
    fn a_submit_with_packets_is_read() {
        let mut bytes = Vec::new();
        for field in [CMD_SUBMIT, 9, 0x10001, 1, 1, 0, 6144, 0, 2, 1] {
            bytes.extend_from_slice(&u32::to_be_bytes(field));
        }
        bytes.extend_from_slice(&[0; 8]);
        for field in [0, 3072, 0, 0, 3072, 3000, 0, 0] {
            bytes.extend_from_slice(&u32::to_be_bytes(field));
        }
        let Ok(Request::Submit(submit)) = Request::read(&mut bytes.as_slice()) else { panic!("no submit") };
        assert_eq!((submit.sequence, submit.endpoint, submit.length), (9, 1, 6144));
        assert_eq!(submit.packets, [3072, 3000]);
    }

    #[test]
    fn nonsense_is_an_error_and_not_a_huge_buffer() {
        let read = |field_8: u32, command: u32| {
            let mut bytes = Vec::new();
            for field in [command, 1, 0, 1, 1, 0, 64, 0, field_8] {
                bytes.extend_from_slice(&u32::to_be_bytes(field));
            }
            bytes.resize(HEADER_BYTES, 0);
            Request::read(&mut bytes.as_slice()).expect_err("an error").to_string()
        };
        assert_eq!(read(1_000_000, CMD_SUBMIT), "usb/ip: packet count of 1000000, at most 1024");
        assert_eq!(read(0, 77), "usb/ip: unknown command 77");
    }

    #[test]
    fn packets_go_back_packed_with_their_places() {
        let urb = Urb { id: 5, room: 20, packets: vec![10, 10] };
        let bytes = ret_video(&Completed { urb, data: vec![1, 2, 3], packet_bytes: vec![3, 0] });
        assert_eq!(bytes.len(), HEADER_BYTES + 3 + 2 * PACKET_DESCRIPTOR_BYTES);
        assert_eq!(bytes[48..51], [1, 2, 3]);
        assert_eq!(bytes[51 + 16..51 + 20], 10_u32.to_be_bytes());
    }
}
