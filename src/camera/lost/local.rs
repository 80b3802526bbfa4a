//! What this machine could not do for a camera.

use std::fmt;
use std::io;

/// What this machine could not do, for want of memory, descriptors or threads mostly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalLost {
    /// What it could not do.
    pub task: Task,
    /// Why, in the words of the kernel or a library.
    pub problem: String,
}

/// What is done for a camera on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// To open what it is stopped by.
    OpenCamera,
    /// To connect to it, or to read from the connection.
    Connect,
    /// To start one of its threads.
    StartThread,
    /// To keep one of its threads.
    GoOn,
    /// To wait for the kernel.
    Wait,
    /// To encode its pictures.
    Encode,
    /// To draw the test card.
    DrawTestCard,
    /// To ask the device for its controls.
    AskDevice,
}

impl LocalLost {
    /// It could not do this, and this is why.
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

/// An error of the kernel, as its number and its words.
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
