//! A client's socket: written to without waiting longer than the client deserves.

use std::io::{self, IoSlice, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use futures_lite::future::or;
use smol::Async;
use socket2::SockRef;

use super::held::Held;
use crate::clock::{Clock, Monotonic};
use crate::frame::Frame;
use crate::health::HttpMeter;
use crate::limits;
use crate::turn::Turn;

/// A client's socket.
#[derive(Debug, Clone)]
pub struct Socket {
    stream: Arc<Async<TcpStream>>,
    clock: Clock,
    meter: Arc<HttpMeter>,
    held: Arc<Held>,
}

/// How a write went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// Bytes that the kernel took at once.
    pub at_once: usize,
    /// Bytes that it took after its buffer had been full: the client is slower than what it is sent.
    pub after_waiting: usize,
    /// How long these took.
    pub waited: Duration,
}

impl Socket {
    /// A socket that was just accepted.
    pub fn new(stream: Async<TcpStream>, clock: Clock, meter: Arc<HttpMeter>, held: Arc<Held>) -> Self {
        // A part's last segment must not wait for an acknowledgement of the segments before.
        if let Err(error) = stream.get_ref().set_nodelay(true) {
            log::debug!("TCP_NODELAY: {error}");
        }
        // What the kernel holds unsent is bounded, so that a slow viewer sees new pictures, not a queue,
        // and the answers of a client that sends many requests do not run ahead of what it reads.
        if let Err(error) = SockRef::from(stream.get_ref()).set_tcp_notsent_lowat(limits::UNSENT_MAX_BYTES) {
            log::debug!("TCP_NOTSENT_LOWAT: {error}");
        }
        Self { stream: Arc::new(stream), clock, meter, held }
    }

    /// A turn of a task that reads from this socket.
    pub fn turn(&self) -> Turn {
        Turn::new(&self.clock)
    }

    /// Reads what has come, at most the length of `buffer`; 0 at the end.
    pub async fn read(&self, buffer: &mut [u8], turn: &mut Turn) -> io::Result<usize> {
        turn.step().await;
        loop {
            match self.stream.get_ref().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.stream.readable().await?;
                    turn.waited();
                }
                read => return read,
            }
        }
    }

    /// Writes all of `parts` in order, in as few system calls as the kernel allows.
    ///
    /// # Errors
    /// `TimedOut` if the client takes no byte for [`limits::WRITE_STALL_MAX`], or all of them more slowly
    /// than at [`limits::TAKE_RATE_MIN`]; else the socket's.
    pub async fn write_all<const N: usize>(&self, parts: [&[u8]; N]) -> io::Result<Written> {
        self.write_rest(parts, 0).await
    }

    /// Writes as [`write_rest`](Self::write_rest) parts of which one is a frame. It is shared, and let go
    /// early if slow clients hold too much together.
    ///
    /// # Errors
    /// As `write_all`; `TimedOut` too if others want the memory.
    pub async fn write_frame<const N: usize>(
        &self,
        frame: &Arc<Frame>,
        parts: [&[u8]; N],
        sent: usize,
    ) -> io::Result<Written> {
        self.held.while_sending(frame, &self.clock, self.write_rest(parts, sent)).await
    }

    /// Writes as [`write_all`](Self::write_all) what comes behind the first `sent` bytes, which the
    /// kernel has taken already.
    ///
    /// # Errors
    /// As `write_all`.
    pub async fn write_rest<const N: usize>(&self, parts: [&[u8]; N], sent: usize) -> io::Result<Written> {
        let mut slices = parts.map(IoSlice::new);
        let mut left = &mut slices[..];
        IoSlice::advance_slices(&mut left, sent);
        let mut written = Written { at_once: sent, ..Written::default() };
        let mut full_since = None;
        let begin = self.clock.now();
        let bytes: usize = left.iter().map(|slice| slice.len()).sum();
        let until =
            begin + limits::TAKE_GRACE + Duration::from_secs(1) * (bytes / limits::TAKE_RATE_MIN) as u32;
        let mut turn = self.turn();
        while !left.is_empty() {
            turn.step().await;
            match self.stream.get_ref().write_vectored(left) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(bytes) => {
                    self.meter.count_sent(bytes);
                    match full_since {
                        None => written.at_once += bytes,
                        Some(_) => written.after_waiting += bytes,
                    }
                    IoSlice::advance_slices(&mut left, bytes);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    full_since.get_or_insert_with(|| self.clock.now());
                    self.writable_before(until).await?;
                    turn.waited();
                }
                Err(error) => return Err(error),
            }
        }
        written.waited = full_since.map_or(Duration::ZERO, |since| self.clock.now().since(since));
        Ok(written)
    }

    /// Writes of `parts` what the kernel takes at once, on any thread; how many bytes that is.
    ///
    /// # Errors
    /// If the connection is gone.
    pub fn write_some<const N: usize>(&self, parts: [&[u8]; N]) -> io::Result<usize> {
        match self.stream.get_ref().write_vectored(&parts.map(IoSlice::new)) {
            Ok(bytes) => {
                self.meter.count_sent(bytes);
                Ok(bytes)
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock) => {
                Ok(0)
            }
            Err(error) => Err(error),
        }
    }

    /// Returns once the kernel takes more bytes.
    ///
    /// # Errors
    /// As [`write_all`](Self::write_all).
    pub async fn writable(&self) -> io::Result<()> {
        self.writable_before(self.clock.now() + limits::WRITE_STALL_MAX).await
    }

    async fn writable_before(&self, until: Monotonic) -> io::Result<()> {
        let now = self.clock.now();
        if now >= until {
            return Err(io::ErrorKind::TimedOut.into());
        }
        or(self.stream.writable(), async {
            self.clock.sleep_until(until.min(now + limits::WRITE_STALL_MAX)).await;
            Err(io::ErrorKind::TimedOut.into())
        })
        .await
    }

    /// Says that nothing more is written, and reads away what the client still sends: closing a
    /// socket with unread bytes makes the kernel reset it, and the client would lose the answer.
    pub async fn finish(&self) {
        let drain = async {
            let mut buffer = [0; 1024];
            let mut left = limits::DRAIN_MAX_BYTES;
            let mut turn = self.turn();
            if self.stream.get_ref().shutdown(std::net::Shutdown::Write).is_ok() {
                while let Ok(bytes @ 1..) = self.read(&mut buffer, &mut turn).await {
                    left = left.saturating_sub(bytes);
                    if left == 0 {
                        break;
                    }
                }
            }
        };
        or(drain, self.clock.sleep(limits::DRAIN_TIME_MAX)).await;
    }
}
