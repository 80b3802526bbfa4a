//! `pinhole hash-password`.

use std::io::{self, BufRead, Read, Write};

use rustix::termios::{LocalModes, OptionalActions, Termios, isatty, tcgetattr, tcsetattr};

use super::{Failure, print};
use crate::config::PasswordHash;
use crate::config::password::PASSWORD_MAX_BYTES;

/// Reads a password, twice if it is typed in a terminal, and prints its hash.
pub fn run() -> Result<(), Failure> {
    let other = |error: io::Error| Failure::Other(format!("standard input: {error}"));
    let password = if isatty(io::stdin()) {
        let first = typed("Password: ").map_err(other)?;
        if typed("Repeat: ").map_err(other)? != first {
            return Err(Failure::Usage("the two passwords differ".to_owned()));
        }
        first
    } else {
        line().map_err(other)?
    };
    let hash = PasswordHash::of(&password).map_err(Failure::Usage)?;
    print(&format!("{hash}\n"))
}

/// The first line of standard input, without its line end.
fn line() -> io::Result<String> {
    let mut line = String::new();
    io::stdin().lock().take(PASSWORD_MAX_BYTES as u64 + 2).read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn typed(prompt: &str) -> io::Result<String> {
    let mut stderr = io::stderr();
    write!(stderr, "{prompt}")?;
    stderr.flush()?;
    let hidden = Hidden::new()?;
    let line = line();
    drop(hidden);
    writeln!(stderr)?;
    line
}

/// A terminal with echo turned off, until dropped.
struct Hidden(Termios);

impl Hidden {
    fn new() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Flush, &hidden)?;
        Ok(Self(before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // An error cannot be reported here, and the shell resets its terminal anyway.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}
