//! A viewer's socket, written to by two threads in turn.
//!
//! While the socket accepts whole parts at once, the publishing thread writes them. What the socket does not
//! accept is left to the viewer's task, which waits for it and hands the socket back once it has caught up.
//! So a part is written by one of them from its first byte to its last, or started by the publishing thread
//! and finished by the task.

use std::fmt::{self, Write as _};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use event_listener::{Event, EventListener};

use super::part_heads::PartHeads;
use super::socket::Socket;
use crate::camera::{Subscriber, Track};
use crate::frame::Frame;
use crate::random;
use crate::rate_limit::RateLimit;

/// The start of every part's head.
const CONTENT_TYPE: &str = "Content-Type: image/jpeg\r\n";

/// Separates the parts of one connection. No camera can guess it, so no picture can contain it to start a
/// part of its own.
#[derive(Debug)]
pub struct Boundary(String);

impl Boundary {
    /// A unique boundary.
    pub fn random() -> Self {
        Self(format!("pinhole-{:016x}{:016x}", random::seed(), random::seed()))
    }
}

impl fmt::Display for Boundary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A part of the stream being sent.
#[derive(Debug)]
pub struct Part {
    /// The frame in it.
    pub frame: Arc<Frame>,
    head: String,
    /// Bytes that the socket has accepted.
    pub sent: usize,
}

/// What the task has to do.
#[derive(Debug)]
pub enum Claimed {
    /// Send this.
    Part(Part),
    /// Wait.
    Nothing,
    /// End: no more frames come.
    End,
}

/// A viewer's socket, shared by publisher and task.
pub struct ViewerSocket {
    socket: Socket,
    /// Sent right after each JPEG, so that a browser knows that the picture is complete: the boundary, and
    /// the next part's head if that is sent ahead.
    after_jpeg: String,
    heads: PartHeads,
    state: Mutex<State>,
    /// Something was left to the task.
    left: Event,
}

struct State {
    /// The number of the last frame sent.
    seen: u64,
    turn: Turn,
    rate_limit: RateLimit,
    /// Precedes the first part; every other part's boundary is sent with the part before.
    opening: String,
    /// A buffer for part heads.
    head: String,
}

/// Whose turn it is to write.
enum Turn {
    Task,
    Publisher,
    /// The task's, with what the publisher could not finish.
    Left(io::Result<Part>),
}

impl ViewerSocket {
    /// The socket of a viewer of one track; the task writes first.
    pub fn new(socket: &Socket, fps: Option<f64>, boundary: &Boundary, heads: PartHeads) -> Arc<Self> {
        let opening = match heads {
            PartHeads::Exact => format!("--{boundary}\r\n"),
            PartHeads::Ahead => format!("--{boundary}\r\n{CONTENT_TYPE}\r\n"),
        };
        let after_jpeg = format!("\r\n{opening}");
        let state = State {
            seen: 0,
            turn: Turn::Task,
            rate_limit: RateLimit::new(fps),
            opening,
            head: String::with_capacity(160),
        };
        Arc::new(Self {
            socket: socket.clone(),
            after_jpeg,
            heads,
            state: Mutex::new(state),
            left: Event::new(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All bytes of a part.
    pub fn slices<'a>(&'a self, part: &'a Part) -> [&'a [u8]; 3] {
        [part.head.as_bytes(), &part.frame.jpeg, self.after_jpeg.as_bytes()]
    }

    fn is_sent(&self, part: &Part) -> bool {
        part.sent == part.head.len() + part.frame.jpeg.len() + self.after_jpeg.len()
    }

    /// Listens for the next time that [`claim`](Self::claim) has something.
    pub fn listen(&self) -> EventListener {
        self.left.listen()
    }

    /// The part for the task to send: what the publisher left, or the newest frame. If there is neither, it
    /// becomes the publisher's turn.
    ///
    /// # Errors
    /// If the publisher found the client gone.
    pub fn claim(&self, track: &Track) -> io::Result<Claimed> {
        let mut state = self.state();
        if let Turn::Left(left) = std::mem::replace(&mut state.turn, Turn::Task) {
            return left.map(Claimed::Part);
        }
        let has_ended = track.has_ended();
        // Under the lock: a frame published from here on sees that it is the publisher's turn.
        let newer = track.newer_than(state.seen);
        let part = newer.and_then(|(frame, serial)| state.begin(&frame, serial, self.heads));
        Ok(match part {
            Some(part) => Claimed::Part(part),
            None if has_ended => Claimed::End,
            None => {
                state.turn = Turn::Publisher;
                Claimed::Nothing
            }
        })
    }

    /// Forgets what was sent last: the frames of another track follow, which has its own serial numbers.
    pub fn begin_track(&self) {
        self.state().seen = 0;
    }

    /// Takes back the memory of a part that the task has sent.
    pub fn recycle(&self, part: Part) {
        self.state().head = part.head;
    }

    /// A part with a frame that belongs to no track, for the task to send while there is no camera.
    pub fn part(&self, frame: &Arc<Frame>) -> Part {
        self.state().part(frame, self.heads)
    }

    /// Passes a frame to `work` if it is the publisher's turn. Returns true once all of it is sent.
    fn publish(
        &self,
        frame: &Arc<Frame>,
        serial: u64,
        work: impl FnOnce(&mut Part) -> io::Result<()>,
    ) -> bool {
        let mut state = self.state();
        if !matches!(state.turn, Turn::Publisher) || serial <= state.seen {
            return false;
        }
        let Some(mut part) = state.begin(frame, serial, self.heads) else { return false };
        let result = work(&mut part);
        if result.is_ok() && self.is_sent(&part) {
            state.head = part.head;
            return true;
        }
        state.turn = Turn::Left(result.map(|()| part));
        drop(state);
        self.left.notify(usize::MAX);
        false
    }
}

impl Subscriber for ViewerSocket {
    fn deliver(&self, frame: &Arc<Frame>, serial: u64) -> bool {
        self.publish(frame, serial, |part| {
            part.sent = self.socket.write_some(self.slices(part))?;
            Ok(())
        })
    }

    fn defer(&self, frame: &Arc<Frame>, serial: u64) {
        self.publish(frame, serial, |_| Ok(()));
    }

    fn end(&self) {
        self.left.notify(usize::MAX);
    }
}

impl State {
    /// Starts a part with this frame, unless the viewer's rate skips it.
    fn begin(&mut self, frame: &Arc<Frame>, serial: u64, heads: PartHeads) -> Option<Part> {
        self.seen = serial;
        if !self.rate_limit.admits(frame.captured) {
            return None;
        }
        Some(self.part(frame, heads))
    }

    fn part(&mut self, frame: &Arc<Frame>, heads: PartHeads) -> Part {
        let mut head = std::mem::take(&mut self.head);
        head.clear();
        head.push_str(&std::mem::take(&mut self.opening));
        if heads == PartHeads::Exact {
            write_part_head(&mut head, frame);
        }
        Part { frame: frame.clone(), head, sent: 0 }
    }
}

fn write_part_head(text: &mut String, frame: &Frame) {
    let (seconds, micros) = (frame.unix_time.as_secs(), frame.unix_time.subsec_micros());
    // Writing to a String cannot fail.
    let _ = write!(
        text,
        "{CONTENT_TYPE}Content-Length: {}\r\nX-Timestamp: {seconds}.{micros:06}\r\n\r\n",
        frame.jpeg.len()
    );
}

#[cfg(test)]
mod tests;
