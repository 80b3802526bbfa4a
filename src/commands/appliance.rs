//! `pinhole appliance`, for the image's own units.

use super::Failure;
use crate::appliance::{self, apply, screen};
use crate::cli::Appliance;
use crate::clock::Clock;
use crate::logging;

/// Carries out a unit's command.
pub fn run(command: Appliance) -> Result<(), Failure> {
    logging::start();
    match command {
        Appliance::Configure => {
            configure();
            Ok(())
        }
        Appliance::Status => smol::block_on(screen::run(&Clock::kernel())),
    }
}

/// Mistakes do not fail the command: the rest was applied.
fn configure() {
    let mistakes: Vec<String> = apply::apply().iter().map(appliance::words).collect();
    for mistake in &mistakes {
        log::warn!("pinhole.toml: {mistake}");
    }
    if let Err(error) = apply::tell_on_card(&mistakes) {
        log::warn!("{error}");
    }
}
