//! The commands.

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

use crate::cli::{self, Command};
use crate::config::quote;

/// Why a command failed; decides the exit status.
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
    // If standard error cannot be written to, there is no place to report that.
    let _ = text.lines().try_for_each(|line| writeln!(std::io::stderr(), "pinhole: {line}"));
    ExitCode::from(status)
}

/// A message about a source; the name of `test:` already has its colon.
fn said_of(source: &str, what: &impl std::fmt::Display) -> String {
    format!("{}: {what}", source.trim_end_matches(':'))
}

/// Writes to standard output.
fn print(text: &str) -> Result<(), Failure> {
    match std::io::stdout().write_all(text.as_bytes()) {
        // The reader has closed the pipe: it has read enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        result => result.map_err(|error| Failure::Other(format!("standard output: {error}"))),
    }
}

/// Prints help or version, or a mistake in the command line as one line.
pub fn explain(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        return match print(&error.render().to_string()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::from(1),
        };
    }
    let _ = writeln!(std::io::stderr(), "pinhole: {}", mistake(error));
    ExitCode::from(2)
}

/// Where to find the commands and options.
const LIST: &str = "\"pinhole help\" and \"pinhole help COMMAND\" list what there is";

/// The mistake in the command line. clap's own message repeats the argument, which may be a password.
fn mistake(error: &clap::Error) -> String {
    use clap::error::{ContextKind, ContextValue, ErrorKind};
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(" "),
        _ => String::new(),
    };
    let argument = text(ContextKind::InvalidArg);
    match error.kind() {
        ErrorKind::ValueValidation => {
            let what = std::error::Error::source(error).map_or_else(String::new, ToString::to_string);
            match argument.split_whitespace().next().filter(|option| option.starts_with('-')) {
                Some(option) => format!("{option}: {what}"),
                None => what,
            }
        }
        ErrorKind::UnknownArgument if argument.starts_with('-') => {
            let option = quote::quoted(&argument);
            match cli::nearest_option(&argument) {
                None => format!("unknown option {option}; {LIST}"),
                Some(near) => format!("unknown option {option}; did you mean {near}?"),
            }
        }
        ErrorKind::UnknownArgument => format!("unexpected argument {}; {LIST}", quote::quoted(&argument)),
        ErrorKind::MissingRequiredArgument => format!("missing {argument}; {LIST}"),
        // All but the first paragraph is usage and a pointer to help.
        _ => {
            let all = error.render().to_string();
            all.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    #[test]
    fn mistakes_in_the_command_line_are_one_plain_line_without_secrets() {
        for (line, expected) in [
            ("--size big", "--size: must be WIDTHxHEIGHT, each 16 to 16384, as in 1280x720, got \"big\""),
            ("--fps 0", "--fps: must be 1 to 240, got 0"),
            ("--fps fast", "--fps: must be 1 to 240, got \"fast\""),
            ("--listen 70000", "--listen: port must be 1 to 65535, got 70000"),
            ("video0", "unknown source; write \"/dev/video0\""),
            ("rtsp:/cam:hush@h/x", "unknown source; write rtsp://HOST/PATH"),
            ("probe gopher:hush", "unknown source; a network camera's URL begins with rtsp:// or http://"),
            ("probe test: joe:hush@host", "unexpected argument \"...\"; \"pinhole help\" and"),
            ("--password=hush", "unknown option \"...\"; \"pinhole help\" and"),
            ("--qualty 80", "unknown option \"--qualty\"; did you mean --quality?"),
            ("check", "missing <FILE>; \"pinhole help\" and"),
            ("snapshot test:", "missing --output <FILE>; \"pinhole help\" and"),
            ("--size", "a value is required for '--size <WxH>' but none was supplied"),
            ("server", "unknown command \"server\"; did you mean \"pinhole serve\"?"),
            ("help sevre", "unrecognized subcommand 'sevre'"),
        ] {
            let arguments = ["pinhole"].into_iter().chain(line.split_whitespace()).map(OsString::from);
            let words = mistake(&crate::cli::parse(arguments).unwrap_err());
            assert!(words.starts_with(expected), "{line}: {words}");
            assert!(words.lines().count() == 1 && !words.contains("hush"), "{line}: {words}");
        }
    }
}
