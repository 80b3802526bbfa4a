//! A client's socket, with bounded waits for the client.

use std::io::{self, IoSlice, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use futures_lite::future::or;
use smol::Async;
use socket2::SockRef;

use super::held::{Held, Shared};
use crate::clock::{Clock, Monotonic};
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

/// The course of a write.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// Bytes that the kernel accepted at once.
    pub at_once: usize,
    /// Bytes accepted after its buffer had been full: the client is slower than the stream.
    pub after_waiting: usize,
    /// How long these took.
    pub waited: Duration,
}

impl Socket {
    /// Wraps a newly accepted socket.
    pub fn new(stream: Async<TcpStream>, clock: Clock, meter: Arc<HttpMeter>, held: Arc<Held>) -> Self {
        // A part's last segment must not wait for the acknowledgement of earlier ones.
        if let Err(error) = stream.get_ref().set_nodelay(true) {
            log::debug!("TCP_NODELAY: {error}");
        }
        // Bound the kernel's unsent bytes, so that a slow viewer sees new pictures and not a queue, and the
        // answers to many requests do not run ahead of the client.
        if let Err(error) = SockRef::from(stream.get_ref()).set_tcp_notsent_lowat(limits::UNSENT_MAX_BYTES) {
            log::debug!("TCP_NOTSENT_LOWAT: {error}");
        }
        Self { stream: Arc::new(stream), clock, meter, held }
    }

    /// A turn for a task that reads from this socket.
    pub fn turn(&self) -> Turn {
        Turn::new(&self.clock)
    }

    /// Reads what has arrived, at most the length of `buffer`; 0 at the end.
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
    /// `TimedOut` if the client accepts no byte for [`limits::WRITE_STALL_MAX`], or is slower overall than
    /// [`limits::TAKE_RATE_MIN`]; else the socket's error.
    pub async fn write_all<const N: usize>(&self, parts: [&[u8]; N]) -> io::Result<Written> {
        self.write_rest(parts, 0).await
    }

    /// Like [`write_rest`](Self::write_rest), for parts that include a picture. The picture is shared, and
    /// released early if slow clients hold too much together.
    ///
    /// # Errors
    /// As `write_all`; also `TimedOut` if others need the memory.
    pub async fn write_picture<const N: usize>(
        &self,
        picture: impl Into<Shared>,
        parts: [&[u8]; N],
        sent: usize,
    ) -> io::Result<Written> {
        self.held.while_sending(picture, &self.clock, self.write_rest(parts, sent)).await
    }

    /// Like [`write_all`](Self::write_all), but skips the first `sent` bytes, which the kernel has already.
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

    /// Writes as much of `parts` as the kernel accepts at once, on any thread; returns the number of bytes.
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

    /// Returns once the kernel accepts more bytes.
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

    /// Ends writing, and discards what the client still sends: closing a socket with unread bytes makes the
    /// kernel reset it, and the client would lose the answer.
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
