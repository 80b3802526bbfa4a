//! `pinhole appliance`, for the image's own units.

use super::Failure;
use crate::appliance::{self, apply, screen};
use crate::cli::Appliance;
use crate::clock::Clock;
use crate::logging;

/// Carries out what a unit asks for.
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

/// Mistakes are no failure: the rest was applied.
fn configure() {
    let mistakes: Vec<String> = apply::apply().iter().map(appliance::words).collect();
    for mistake in &mistakes {
        log::warn!("pinhole.toml: {mistake}");
    }
    if let Err(error) = apply::tell_on_card(&mistakes) {
        log::warn!("{error}");
    }
}
