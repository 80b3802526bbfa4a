//! The log: standard error, a line for each event, with levels for journald if it listens.

use std::io::Write as _;
use std::os::linux::fs::MetadataExt as _;

use log::{Level, LevelFilter, Log, Metadata, Record};

struct Stderr {
    for_journal: bool,
}

impl Log for Stderr {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("pinhole")
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            // A line break in a message (from a driver, say) must not start a new line.
            let message = record.args().to_string().replace(['\n', '\r'], " ");
            let line = if self.for_journal {
                format!("<{}>{message}\n", priority(record.level()))
            } else {
                let now = humantime::format_rfc3339_seconds(wall_time());
                format!("{now} {:5} {message}\n", record.level())
            };
            // One write per line, so that threads' lines do not mix. An error has nowhere to go.
            let _ = std::io::stderr().write_all(line.as_bytes());
        }
    }

    fn flush(&self) {}
}

/// The priority of sd-daemon(3).
const fn priority(level: Level) -> u8 {
    match level {
        Level::Error => 3,
        Level::Warn => 4,
        Level::Info => 6,
        Level::Debug | Level::Trace => 7,
    }
}

#[allow(clippy::disallowed_methods)] // The log's own time stamp; nothing waits for it.
fn wall_time() -> std::time::SystemTime {
    std::time::SystemTime::now()
}

/// Starts the log. `PINHOLE_LOG=debug` makes it verbose.
pub fn start() {
    let level = match std::env::var("PINHOLE_LOG").as_deref() {
        Ok("debug") => LevelFilter::Debug,
        Ok("warn") => LevelFilter::Warn,
        Ok("error") => LevelFilter::Error,
        _ => LevelFilter::Info,
    };
    if log::set_boxed_logger(Box::new(Stderr { for_journal: stderr_is_journal() })).is_ok() {
        log::set_max_level(level);
    }
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let thread = std::thread::current();
        let message = panic.payload_as_str().unwrap_or("no message");
        log::error!("thread {}: panic at {place}: {message}", thread.name().unwrap_or("?"));
    }));
}

/// Whether standard error goes to journald (systemd.exec(5), JOURNAL_STREAM: device and inode).
fn stderr_is_journal() -> bool {
    let Ok(stream) = std::env::var("JOURNAL_STREAM") else { return false };
    let Ok(stderr) = std::fs::metadata("/dev/fd/2") else { return false };
    stream == format!("{}:{}", stderr.st_dev(), stderr.st_ino())
}
