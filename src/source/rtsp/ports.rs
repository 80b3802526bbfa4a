//! A pair of UDP ports, for RTP and RTCP. RFC 3550 section 11.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::task::{Context, Poll, ready};

use smol::Async;

use crate::rtsp::UdpChannel;

/// Pairs to try: the neighbour of a port that the kernel picks at random is mostly free.
const TRIES_MAX: usize = 16;

/// The kernel's receive buffer for the RTP port. A key picture of 500 kB comes in one burst, and the kernel
/// counts its own overhead; it grants at most `net.core.rmem_max`.
const RECEIVE_BUFFER_BYTES: usize = 2 << 20;

/// Stray datagrams and errors to skip before other tasks run.
const STRAYS_MAX: usize = 16;

/// A pair of ports, the first even.
#[derive(Debug)]
pub(super) struct Ports {
    rtp: Async<UdpSocket>,
    rtcp: Async<UdpSocket>,
    rtp_port: u16,
    /// The camera's address. Datagrams from other addresses are ignored.
    peer: SocketAddr,
}

/// A received datagram; its bytes are in the caller's buffer.
#[derive(Debug)]
pub(super) struct Received {
    pub channel: UdpChannel,
    pub from_port: u16,
    pub bytes: usize,
}

impl Ports {
    /// Opens a pair on a local address.
    pub fn open(local: IpAddr, peer: SocketAddr) -> io::Result<Self> {
        let mut last = io::Error::from(io::ErrorKind::AddrInUse);
        for _ in 0..TRIES_MAX {
            match pair(local) {
                Ok((rtp, rtcp)) => {
                    // If the kernel refuses the size, its default stays.
                    let _ = rustix::net::sockopt::set_socket_recv_buffer_size(&rtp, RECEIVE_BUFFER_BYTES);
                    let rtp_port = rtp.local_addr()?.port();
                    return Ok(Self { rtp: Async::new(rtp)?, rtcp: Async::new(rtcp)?, rtp_port, peer });
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    pub fn rtp_port(&self) -> u16 {
        self.rtp_port
    }

    /// Sends to the camera. A lost datagram does no harm: it is a report, or opens a firewall.
    pub fn send(&self, channel: UdpChannel, port: u16, bytes: &[u8]) {
        let mut to = self.peer;
        to.set_port(port);
        let socket = match channel {
            UdpChannel::Rtp => &self.rtp,
            UdpChannel::Rtcp => &self.rtcp,
        };
        if let Err(error) = socket.get_ref().send_to(bytes, to) {
            log::debug!("datagram to {to}: {error}");
        }
    }

    /// The next datagram of the camera.
    pub fn poll(&self, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<Received> {
        for (channel, socket) in [(UdpChannel::Rtp, &self.rtp), (UdpChannel::Rtcp, &self.rtcp)] {
            if let Poll::Ready((from_port, bytes)) = self.poll_socket(socket, context, buffer) {
                return Poll::Ready(Received { channel, from_port, bytes });
            }
        }
        Poll::Pending
    }

    fn poll_socket(
        &self,
        socket: &Async<UdpSocket>,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<(u16, usize)> {
        for _ in 0..STRAYS_MAX {
            match socket.get_ref().recv_from(buffer) {
                Ok((bytes, from)) if from.ip().to_canonical() == self.peer.ip().to_canonical() => {
                    return Poll::Ready((from.port(), bytes));
                }
                // From a stranger, or the echo of a datagram that could not be delivered.
                Ok(_) => {}
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => {
                    log::debug!("datagram from {}: {error}", self.peer.ip());
                }
                Err(_) => {
                    if ready!(socket.poll_readable(context)).is_err() {
                        return Poll::Pending;
                    }
                }
            }
        }
        // A flood must not starve the serving thread.
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

/// The kernel picks one port; the other is its neighbour.
fn pair(local: IpAddr) -> io::Result<(UdpSocket, UdpSocket)> {
    let first = UdpSocket::bind((local, 0))?;
    let port = first.local_addr()?.port();
    let second = UdpSocket::bind((local, port ^ 1))?;
    Ok(if port.is_multiple_of(2) { (first, second) } else { (second, first) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_lite::future::{poll_fn, poll_once};

    #[test]
    fn a_pair_is_even_and_receives_only_from_the_camera() {
        let camera = UdpSocket::bind("127.0.0.2:0").unwrap();
        let stranger = UdpSocket::bind("127.0.0.3:0").unwrap();
        let ports = Ports::open([127, 0, 0, 1].into(), camera.local_addr().unwrap()).unwrap();
        assert_eq!(ports.rtp_port() % 2, 0);
        stranger.send_to(b"evil", ("127.0.0.1", ports.rtp_port())).unwrap();
        camera.send_to(b"report", ("127.0.0.1", ports.rtp_port() + 1)).unwrap();
        camera.send_to(&[7; 10_000], ("127.0.0.1", ports.rtp_port())).unwrap();
        smol::block_on(async {
            let mut buffer = vec![0; 65_536];
            let mut heard = Vec::new();
            for _ in 0..2 {
                let received = poll_fn(|context| ports.poll(context, &mut buffer)).await;
                heard.push((received.channel, received.bytes));
                assert_eq!(received.from_port, camera.local_addr().unwrap().port());
            }
            assert_eq!(heard, [(UdpChannel::Rtp, 10_000), (UdpChannel::Rtcp, 6)]);
            assert!(poll_once(poll_fn(|context| ports.poll(context, &mut buffer))).await.is_none());
        });
        ports.send(UdpChannel::Rtcp, camera.local_addr().unwrap().port(), b"hello");
        let mut buffer = [0; 16];
        let (bytes, from) = camera.recv_from(&mut buffer).unwrap();
        assert_eq!((&buffer[..bytes], from.port()), (&b"hello"[..], ports.rtp_port() + 1));
    }

    /// Issue 10, number 1: a flood must not starve the serving thread.
    #[test]
    fn stray_datagrams_are_skipped_a_few_at_a_time() {
        let camera = UdpSocket::bind("127.0.0.2:0").unwrap();
        let stranger = UdpSocket::bind("127.0.0.3:0").unwrap();
        let ports = Ports::open([127, 0, 0, 1].into(), camera.local_addr().unwrap()).unwrap();
        for _ in 0..3 * STRAYS_MAX {
            stranger.send_to(b"evil", ("127.0.0.1", ports.rtp_port())).unwrap();
        }
        camera.send_to(b"picture", ("127.0.0.1", ports.rtp_port())).unwrap();
        smol::block_on(async {
            let mut buffer = vec![0; 65_536];
            let mut turns = 1;
            let received = poll_fn(|context| {
                let polled = ports.poll(context, &mut buffer);
                turns += usize::from(polled.is_pending());
                polled
            });
            assert_eq!(received.await.bytes, b"picture".len());
            assert_eq!(turns, 4);
        });
    }
}
