//! The `pinhole` program.

use std::process::ExitCode;

use pinhole::{cli, commands};

fn main() -> ExitCode {
    match cli::parse(std::env::args_os()) {
        Ok(command) => commands::run(command),
        Err(error) => commands::explain(&error),
    }
}
