//! Failures of this machine on behalf of a camera.

use std::fmt;
use std::io;

/// A failure of this machine, mostly for lack of memory, descriptors or threads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalLost {
    /// The failed operation.
    pub task: Task,
    /// Why, in the words of the kernel or a library.
    pub problem: String,
}

/// What this machine does for a camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// Open the camera.
    OpenCamera,
    /// Connect to it, or read from the connection.
    Connect,
    /// Start one of its threads.
    StartThread,
    /// Keep one of its threads going.
    GoOn,
    /// Wait for the kernel.
    Wait,
    /// Encode its pictures.
    Encode,
    /// Draw the test card.
    DrawTestCard,
    /// Query the device's controls.
    AskDevice,
}

impl LocalLost {
    /// A failed task, and why.
    pub fn new(task: Task, problem: impl fmt::Display) -> Self {
        Self { task, problem: problem.to_string() }
    }
}

impl fmt::Display for LocalLost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let task = match self.task {
            Task::OpenCamera => "open the camera",
            Task::Connect => "connect",
            Task::StartThread => "start a thread",
            Task::GoOn => "go on",
            Task::Wait => "wait",
            Task::Encode => "encode",
            Task::DrawTestCard => "draw the test card",
            Task::AskDevice => "ask the device",
        };
        write!(f, "this machine cannot {task}: {}", self.problem)
    }
}

/// An error of the kernel: its number and message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemError {
    /// errno, where the kernel gave one.
    pub code: Option<i32>,
    words: String,
}

impl From<&io::Error> for SystemError {
    fn from(error: &io::Error) -> Self {
        Self { code: error.raw_os_error(), words: error.to_string() }
    }
}

impl From<io::Error> for SystemError {
    fn from(error: io::Error) -> Self {
        Self::from(&error)
    }
}

impl fmt::Display for SystemError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}
