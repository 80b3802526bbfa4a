//! A viewer's socket, written to by two threads in turn.
//!
//! As long as the socket takes whole parts at once, the thread that publishes a frame writes it. What
//! the socket does not take is left to the viewer's task, which waits for it, and hands the socket
//! back once it has caught up. So a part is written by one of them from its first byte to its last,
//! or begun by the publishing thread and ended by the task.

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

/// What every part's head begins with.
const CONTENT_TYPE: &str = "Content-Type: image/jpeg\r\n";

/// What separates the parts of one connection. No camera can guess it, so none can have it in a picture
/// to begin a part of its own.
#[derive(Debug)]
pub struct Boundary(String);

impl Boundary {
    /// Another one than all before.
    pub fn random() -> Self {
        Self(format!("pinhole-{:016x}{:016x}", random::seed(), random::seed()))
    }
}

impl fmt::Display for Boundary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A part of the stream on its way out.
#[derive(Debug)]
pub struct Part {
    /// The frame in it.
    pub frame: Arc<Frame>,
    head: String,
    /// Bytes that the socket has taken.
    pub sent: usize,
}

/// What the task has to do.
#[derive(Debug)]
pub enum Claimed {
    /// To send this.
    Part(Part),
    /// To wait.
    Nothing,
    /// To end: nothing comes any more.
    End,
}

/// A viewer's socket as publisher and task see it.
pub struct ViewerSocket {
    socket: Socket,
    /// Follows each JPEG at once, so that a browser sees that the picture is whole: the boundary, and the
    /// next part's head where that is sent ahead.
    after_jpeg: String,
    heads: PartHeads,
    state: Mutex<State>,
    /// Something was left to the task.
    left: Event,
}

struct State {
    /// What was sent last, as the track counts.
    seen: u64,
    turn: Turn,
    rate_limit: RateLimit,
    /// What precedes the first part; every other part's boundary is sent with the part before.
    opening: String,
    /// Memory of part heads.
    head: String,
}

/// Whose turn it is to write.
enum Turn {
    Task,
    Publisher,
    /// The task's, and this is what the publisher could not do.
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

    /// Hears when [`claim`](Self::claim) will give something.
    pub fn listen(&self) -> EventListener {
        self.left.listen()
    }

    /// The part that the task has to send: what the publisher left, or the newest frame. If there is
    /// neither, it is the publisher's turn.
    ///
    /// # Errors
    /// How the publisher found the client gone.
    pub fn claim(&self, track: &Track) -> io::Result<Claimed> {
        let mut state = self.state();
        if let Turn::Left(left) = std::mem::replace(&mut state.turn, Turn::Task) {
            return left.map(Claimed::Part);
        }
        let has_ended = track.has_ended();
        // Under the lock: a frame published from here on finds that it is the publisher's turn.
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

    /// Takes the memory of a part that the task has sent.
    pub fn recycle(&self, part: Part) {
        self.state().head = part.head;
    }

    /// A part with a frame of no track, for the task to send while it watches none.
    pub fn part(&self, frame: &Arc<Frame>) -> Part {
        self.state().part(frame, self.heads)
    }

    /// Lets `work` have a frame if it is the publisher's turn. True once all of it is sent.
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
    /// A part with this frame, unless the viewer asked for fewer.
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
    // Writing to a String does not fail.
    let _ = write!(
        text,
        "{CONTENT_TYPE}Content-Length: {}\r\nX-Timestamp: {seconds}.{micros:06}\r\n\r\n",
        frame.jpeg.len()
    );
}

#[cfg(test)]
mod tests;
