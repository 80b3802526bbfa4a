//! What each command does.

mod advice;
mod appliance;
mod cameras;
mod check;
mod hash_password;
mod probe;
mod serve;
mod snapshot;

use std::io::Write as _;
use std::process::ExitCode;

use crate::cli::Command;
use crate::config::quote;

/// Why a command failed, and the exit status that says so.
#[derive(Debug)]
pub enum Failure {
    /// A mistake in the command line or in the configuration: 2.
    Usage(String),
    /// Anything else: 1.
    Other(String),
}

/// Carries a command out.
pub fn run(command: Command) -> ExitCode {
    let result = match command {
        Command::Serve(options) => serve::run(options),
        Command::Cameras { json } => cameras::run(json),
        Command::Probe { source, json, picture } => probe::run(source, json, &picture.picture()),
        Command::Snapshot { source, output, picture } => snapshot::run(source, &output, &picture.picture()),
        Command::Check { file } => check::run(&file),
        Command::HashPassword => hash_password::run(),
        Command::Appliance(command) => appliance::run(command),
    };
    let (text, status) = match result {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Failure::Usage(text)) => (text, 2),
        Err(Failure::Other(text)) => (text, 1),
    };
    // There is nowhere left to say that standard error cannot be written to.
    let _ = text.lines().try_for_each(|line| writeln!(std::io::stderr(), "pinhole: {line}"));
    ExitCode::from(status)
}

/// clap repeats a value that is refused; a source may hold a password, and so may a word in its place.
fn hide_secrets(error: &mut clap::Error) {
    use clap::error::{ContextKind, ContextValue};
    if let Some(ContextValue::String(value)) = error.get(ContextKind::InvalidValue)
        && !quote::is_shown(value)
    {
        let shown = value.split_once("://").map_or("...".to_owned(), |(scheme, _)| {
            let is_scheme = scheme.chars().all(|c| c.is_ascii_alphanumeric());
            if is_scheme { format!("{scheme}://...") } else { "...".to_owned() }
        });
        error.insert(ContextKind::InvalidValue, ContextValue::String(shown));
    }
}

/// Writes to standard output.
fn print(text: &str) -> Result<(), Failure> {
    match std::io::stdout().write_all(text.as_bytes()) {
        // Whoever reads has read enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        result => result.map_err(|error| Failure::Other(format!("standard output: {error}"))),
    }
}

/// Prints help or version, or the mistake in the command line as one line.
pub fn explain(mut error: clap::Error) -> ExitCode {
    hide_secrets(&mut error);
    if !error.use_stderr() {
        return match print(&error.render().to_string()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::from(1),
        };
    }
    let text = error.render().to_string();
    let lines = text.lines().map(str::trim).take_while(|line| !line.starts_with("Usage:"));
    let line = lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ");
    let _ = writeln!(std::io::stderr(), "pinhole: {}", line.trim_start_matches("error: "));
    ExitCode::from(2)
}
