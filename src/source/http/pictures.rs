//! From a body to the hub: pictures are checked and published, not decoded.

use std::io;
use std::sync::Arc;

use futures_lite::future::or;
use smol::io::{AsyncRead, AsyncReadExt};

use super::SILENCE_MAX;
use super::body::{Body, Piece};
use super::conversation::Content;
use crate::camera::lost::{Lost, NetworkLost};
use crate::clock::Monotonic;
use crate::frame::{Frame, Kind};
use crate::hub::{Hub, Opened};
use crate::limits::JPEG_MAX_BYTES;
use crate::mjpeg;
use crate::multipart::{self, Reader};
use crate::source::pace::Pace;
use crate::turn::Turn;

/// Bytes read at a time: what a kernel hands over of a fast stream.
const READ_BYTES: usize = 64 << 10;

/// An answer whose body is to be read.
#[derive(Debug)]
pub struct Answer<C> {
    /// The connection, behind the head.
    pub connection: C,
    /// What came with the head.
    pub ahead: Vec<u8>,
    /// How the body is framed.
    pub body: Body,
    /// What it is.
    pub content: Content,
}

/// Publishes one camera's pictures.
#[derive(Debug)]
pub struct Pictures<'a> {
    name: &'a str,
    hub: &'a Arc<Hub>,
    /// Leaves pictures of a stream out, unread. Single ones are asked for as often as is wanted.
    pace: Pace,
    is_stream: bool,
    opened: Option<(u32, u32)>,
    /// When the last good picture came.
    good_at: Monotonic,
    /// Damaged ones since, and what was wrong with the last.
    damaged: u64,
    damage: String,
    /// What came in place of pictures since.
    other: Option<String>,
    too_long: Option<(&'static str, usize)>,
    buffer: Vec<u8>,
    /// A camera may send without end, and thousands of small pictures at once.
    turn: Turn,
}

impl<'a> Pictures<'a> {
    /// Publishes to this hub, at most so many a second of a stream.
    pub fn new(name: &'a str, hub: &'a Arc<Hub>, fps: Option<u32>) -> Self {
        let good_at = hub.clock().now();
        Self {
            name,
            hub,
            pace: Pace::new(fps),
            is_stream: false,
            opened: None,
            good_at,
            damaged: 0,
            damage: String::new(),
            other: None,
            too_long: None,
            buffer: vec![0; READ_BYTES],
            turn: Turn::new(hub.clock()),
        }
    }

    /// Publishes the pictures of an answer until its body ends, and says how many they were.
    ///
    /// # Errors
    /// Why no more will come.
    pub async fn read<C: AsyncRead + Unpin>(&mut self, answer: Answer<C>) -> Result<u64, Lost> {
        let Answer { mut connection, ahead, mut body, content } = answer;
        self.is_stream = matches!(content, Content::Stream(_) | Content::Unknown);
        let mut reader =
            Reader::new(if let Content::Stream(boundary) = &content { boundary.as_deref() } else { None });
        if self.take(&mut body, &mut reader, &ahead).await? {
            return Ok(reader.counters().pictures);
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        let ended = loop {
            match self.receive(&mut connection, &mut buffer).await {
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
        log::debug!("camera {}: body ended: {counters:?}", self.name);
        ended.map(|()| counters.pictures)
    }

    /// Reads what has come; 0 at the end.
    async fn receive(
        &self,
        connection: &mut (impl AsyncRead + Unpin),
        buffer: &mut [u8],
    ) -> Result<usize, Lost> {
        let reading = async {
            connection.read(buffer).await.map_err(|error| match error.kind() {
                io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof => {
                    NetworkLost::Closed { during: "while it sent pictures".to_owned() }.into()
                }
                _ => Lost::from(NetworkLost::Local(error.to_string())),
            })
        };
        or(reading, async {
            self.hub.clock().sleep_until(self.good_at + SILENCE_MAX).await;
            Err(self.silence())
        })
        .await
    }

    /// Why the camera is lost when there was no good picture for too long.
    fn silence(&self) -> Lost {
        let seconds = SILENCE_MAX.as_secs();
        let lost = match (&self.other, self.damaged, self.too_long) {
            (Some(offered), ..) => NetworkLost::NotPictures { offered: offered.clone(), seconds },
            (None, 0, Some((what, max))) => {
                NetworkLost::TooLarge { what: what.to_owned(), bytes: None, max_bytes: max as u64 }
            }
            (None, 0, None) => NetworkLost::Silent { seconds },
            (None, pictures, _) => NetworkLost::Damaged { pictures, seconds, last: self.damage.clone() },
        };
        lost.into()
    }

    /// Publishes what is in these bytes of a connection; whether no more is wanted of the body. A
    /// single picture is whole at its end: some cameras give no length with it and keep the
    /// connection open, though asked to close it.
    async fn take(&mut self, body: &mut Body, reader: &mut Reader, bytes: &[u8]) -> Result<bool, Lost> {
        let mut bytes = bytes;
        loop {
            self.turn.step().await;
            match body.next(&mut bytes).map_err(NetworkLost::Protocol)? {
                Piece::Wait => return Ok(false),
                Piece::End => return Ok(true),
                Piece::Bytes(mut piece) => {
                    while !piece.is_empty() {
                        piece = &piece[reader.push(piece)..];
                        let before = reader.counters();
                        while let Some(picture) = reader.pull() {
                            self.turn.step().await;
                            self.publish(picture);
                        }
                        for _ in before.too_long..reader.counters().too_long {
                            self.damaged(format!("longer than {JPEG_MAX_BYTES} bytes"));
                        }
                        if reader.counters().skipped > before.skipped && reader.other().is_some() {
                            self.other = reader.other().map(str::to_owned);
                        }
                        self.too_long = reader.too_long();
                    }
                    if !self.is_stream && reader.counters().pictures > 0 {
                        return Ok(true);
                    }
                }
            }
            if self.hub.clock().now().since(self.good_at) >= SILENCE_MAX {
                return Err(self.silence());
            }
        }
    }

    fn publish(&mut self, picture: &[u8]) {
        // The camera's clock is not this machine's, nor are its time stamps: arrival counts.
        let now = self.hub.clock().now();
        if self.is_stream && !self.pace.admits(now) {
            return;
        }
        let mut jpeg = self.hub.pool().take();
        let info = match mjpeg::mend(picture, &mut jpeg) {
            Ok(info) => info,
            Err(damaged) => {
                if let Some(other) = multipart::of_content(picture) {
                    self.other = Some(other.to_owned());
                }
                return self.damaged(damaged.to_string());
            }
        };
        let size = (info.width, info.height);
        if self.opened.replace(size) != Some(size) {
            self.hub.set_opened(Opened { width: info.width, height: info.height, format: "MJPG".to_owned() });
        }
        (self.good_at, self.damaged, self.other) = (now, 0, None);
        if self.hub.publish(Frame::new(jpeg, self.hub.clock(), now, info.width, info.height, Kind::Picture)) {
            log::log!(
                self.hub.log_level(),
                "camera {}: live, MJPG {}x{}",
                self.name,
                info.width,
                info.height
            );
        }
    }

    fn damaged(&mut self, damage: String) {
        log::debug!("camera {}: picture: {damage}", self.name);
        self.hub.count_bad();
        self.damaged += 1;
        self.damage = damage;
    }

    /// Starts the wait for pictures anew: an answer has just begun.
    pub fn expect(&mut self) {
        self.good_at = self.hub.clock().now();
    }
}
