//! `pinhole serve`.

use std::net::TcpListener;
use std::path::Path;

use futures_lite::StreamExt;
use futures_lite::future::or;

use super::Failure;
use crate::camera::stop::Stop;
use crate::cli::Serve;
use crate::clock::Clock;
use crate::config::listen::{self, Listen};
use crate::config::{self, Camera, Config};
use crate::{http, logging, memory, service, systemd};

/// Serves until SIGTERM or SIGINT.
pub fn run(options: Serve) -> Result<(), Failure> {
    memory::set_up();
    logging::start();
    let config = configuration(options)?;
    raise_descriptor_limit();
    let listeners = listeners(&config)?;
    let other = |error: std::io::Error| Failure::Other(error.to_string());
    let shutdown = Stop::new().map_err(other)?;
    let clock = Clock::kernel();
    smol::block_on(async {
        let stopper = shutdown.clone();
        let signals = async {
            until_signal().await;
            systemd::stopping();
            stopper.request();
            futures_lite::future::pending().await
        };
        let watchdog = systemd::feed_watchdog(clock.clone());
        let service = service::run(config, listeners, clock.clone(), shutdown, systemd::ready);
        or(service, or(signals, watchdog)).await.map_err(other)
    })?;
    log::info!("stopped");
    Ok(())
}

/// The file's configuration, with what the command line says in its place.
fn configuration(options: Serve) -> Result<Config, Failure> {
    let default = Path::new(config::DEFAULT_FILE);
    let is_there = |file: &Path| rustix::fs::access(file, rustix::fs::Access::EXISTS).is_ok();
    let file = options.config.as_deref().or_else(|| is_there(default).then_some(default));
    let mut config = match file {
        Some(file) => Config::read(file).map_err(|errors| Failure::Usage(errors.to_string()))?,
        None => Config::default(),
    };
    if !options.listen.is_empty() {
        let addresses: Vec<_> = options.listen.into_iter().flat_map(|Listen(addresses)| addresses).collect();
        if let Some((_, what)) = listen::clash(&addresses) {
            return Err(Failure::Usage(format!("--listen: {what}")));
        }
        config.http.listen = addresses;
    }
    if !options.sources.is_empty() || file.is_none() {
        let sources =
            if options.sources.is_empty() { vec![config::SourceSpec::Auto] } else { options.sources };
        let picture = options.picture.picture();
        config.cameras = sources.into_iter().map(|source| Camera::of(source, picture.clone())).collect();
        name_apart(&mut config.cameras);
    } else if let Some(option) = options.picture.given() {
        return Err(Failure::Usage(format!(
            "{option} is for sources that are named on the command line; name them, or set it in {}",
            file.unwrap_or(default).display()
        )));
    }
    Ok(config)
}

/// The same source may be named twice: `test: test:`.
fn name_apart(cameras: &mut [Camera]) {
    let cameras_max = cameras.len() + 1;
    for at in 1..cameras.len() {
        let (before, [camera, ..]) = cameras.split_at_mut(at) else { return };
        let base = camera.effective_name();
        let taken = |name: &str| before.iter().any(|other| other.effective_name() == name);
        if taken(&base) {
            camera.name =
                (2..=cameras_max).map(|number| format!("{base}-{number}")).find(|name| !taken(name));
        }
    }
}

/// The sockets that systemd opened, else those of the configuration.
fn listeners(config: &Config) -> Result<Vec<TcpListener>, Failure> {
    let passed =
        systemd::listeners().map_err(|error| Failure::Other(format!("sockets of systemd: {error}")))?;
    if !passed.is_empty() {
        return Ok(passed);
    }
    http::listen::open(&config.http.listen).map_err(Failure::Other)
}

/// Each viewer is a descriptor; the usual soft limit of 1024 is for programs that use `select`.
fn raise_descriptor_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })
    {
        log::debug!("descriptor limit: {error}");
    }
}

async fn until_signal() {
    use async_signal::{Signal, Signals};
    let mut signals = match Signals::new([Signal::Term, Signal::Int]) {
        Ok(signals) => signals,
        Err(error) => {
            log::warn!(
                "cannot wait for signals ({error}); SIGTERM will end the service without closing streams"
            );
            return futures_lite::future::pending().await;
        }
    };
    while let Some(signal) = signals.next().await {
        if let Ok(signal) = signal {
            return log::info!("stopping on SIG{}", format!("{signal:?}").to_uppercase());
        }
    }
}
