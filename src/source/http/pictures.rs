//! Passes pictures from a body to the publisher: they are checked and published, not decoded.

use std::io;
use std::sync::Arc;

use smol::io::{AsyncRead, AsyncReadExt};

use super::body::{Body, Piece};
use super::conversation::Content;
use crate::camera::lost::{LocalLost, Lost, NetworkLost, Task};
use crate::clock::Clock;
use crate::limits::JPEG_MAX_BYTES;
use crate::multipart::{self, Reader};
use crate::source::publisher::Publisher;
use crate::source::relay::Relay;
use crate::turn::Turn;

/// Bytes to read at a time: as much as a kernel delivers of a fast stream.
const READ_BYTES: usize = 64 << 10;

/// A response whose body is to be read.
#[derive(Debug)]
pub struct Answer<C> {
    /// The connection, after the head.
    pub connection: C,
    /// Bytes that arrived with the head.
    pub ahead: Vec<u8>,
    /// How the body is framed.
    pub body: Body,
    /// Its content.
    pub content: Content,
}

/// Delivers one camera's pictures to be published.
#[derive(Debug)]
pub struct Pictures<'a> {
    publisher: &'a Arc<Publisher>,
    clock: &'a Clock,
    relay: Relay,
    is_stream: bool,
    buffer: Vec<u8>,
    /// Limits each turn: a camera may send without end, and thousands of small pictures at once.
    turn: Turn,
}

impl<'a> Pictures<'a> {
    /// Delivers pictures to this publisher.
    ///
    /// # Errors
    /// If the system refuses a thread.
    pub fn new(publisher: &'a Arc<Publisher>, clock: &'a Clock) -> Result<Self, Lost> {
        Ok(Self {
            publisher,
            clock,
            relay: Relay::start(publisher)?,
            is_stream: false,
            buffer: vec![0; READ_BYTES],
            turn: Turn::new(clock),
        })
    }

    /// Delivers the pictures of a response until its body ends, and returns their number once all are
    /// published.
    ///
    /// # Errors
    /// Why no more will come.
    pub async fn read<C: AsyncRead + Unpin>(&mut self, answer: Answer<C>) -> Result<u64, Lost> {
        let Answer { mut connection, ahead, mut body, content } = answer;
        self.is_stream = matches!(content, Content::Stream(_) | Content::Unknown);
        let mut reader =
            Reader::new(if let Content::Stream(boundary) = &content { boundary.as_deref() } else { None });
        if self.take(&mut body, &mut reader, &ahead).await? {
            self.relay.drained().await;
            return Ok(reader.counters().pictures);
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        let ended = loop {
            match receive(&mut connection, &mut buffer).await {
                Ok(0) if body.may_be_closed() => break Ok(()),
                Ok(0) => {
                    break Err(
                        NetworkLost::Closed { during: "in the middle of its answer".to_owned() }.into()
                    );
                }
                Ok(bytes) => match self.take(&mut body, &mut reader, &buffer[..bytes]).await {
                    Ok(false) => {}
                    Ok(true) => break Ok(()),
                    Err(lost) => break Err(lost),
                },
                Err(lost) => break Err(lost),
            }
        };
        self.buffer = buffer;
        let counters = reader.counters();
        log::debug!("camera {}: body ended: {counters:?}", self.publisher.camera().name());
        self.relay.drained().await;
        ended.map(|()| counters.pictures)
    }

    /// Delivers the pictures in these bytes of a connection; returns whether the body has served its purpose.
    /// A single picture is whole at its end: some cameras send no length and keep the connection open,
    /// although the request asks to close it.
    async fn take(&mut self, body: &mut Body, reader: &mut Reader, bytes: &[u8]) -> Result<bool, Lost> {
        let mut bytes = bytes;
        loop {
            self.turn.step().await;
            match body.next(&mut bytes).map_err(super::malformed)? {
                Piece::Wait => return Ok(false),
                Piece::End => return Ok(true),
                Piece::Bytes(mut piece) => {
                    while !piece.is_empty() {
                        piece = &piece[reader.push(piece)..];
                        let before = reader.counters();
                        while let Some(picture) = reader.pull() {
                            self.turn.step().await;
                            self.hand_over(picture);
                        }
                        self.note(&before, reader);
                    }
                    if !self.is_stream && reader.counters().pictures > 0 {
                        return Ok(true);
                    }
                }
            }
        }
    }

    /// Notes content that is not a picture.
    fn note(&self, before: &multipart::Counters, reader: &Reader) {
        let now = reader.counters();
        for _ in before.too_long..now.too_long {
            self.publisher.damaged(format!("longer than {JPEG_MAX_BYTES} bytes"));
        }
        if now.skipped > before.skipped
            && let Some(other) = reader.other()
        {
            self.publisher.other(other.to_owned());
        }
        if let Some((what, max_bytes)) = reader.too_long() {
            self.publisher.too_long(what, max_bytes);
        }
    }

    fn hand_over(&self, picture: &[u8]) {
        // The camera's clock and its timestamps are unrelated to this machine's: arrival counts.
        let now = self.clock.now();
        // Single pictures are requested at the wanted rate.
        if !self.is_stream || self.publisher.admits(now) {
            self.relay.push(picture, now);
        }
    }
}

/// Reads available bytes; 0 at the end.
async fn receive(connection: &mut (impl AsyncRead + Unpin), buffer: &mut [u8]) -> Result<usize, Lost> {
    connection.read(buffer).await.map_err(|error| match error.kind() {
        io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof => {
            NetworkLost::Closed { during: "while it sent pictures".to_owned() }.into()
        }
        _ => LocalLost::new(Task::Connect, error).into(),
    })
}
