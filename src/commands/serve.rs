//! `pinhole serve`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_signal::{Signal, Signals};
use futures_lite::StreamExt;
use futures_lite::future::{or, pending};
use smol::channel::Sender;

use super::Failure;
use crate::camera::stop::Stop;
use crate::cli::Serve;
use crate::clock::Clock;
use crate::config::listen::{self, Listen};
use crate::config::watch::Watch;
use crate::config::{self, Camera, Config, Mistakes, Picture, SourceSpec};
use crate::http::listen::Sockets;
use crate::service::Reload;
use crate::{http, logging, memory, service, systemd};

/// Serves until SIGTERM or SIGINT.
pub fn run(options: Serve) -> Result<(), Failure> {
    memory::set_up();
    logging::start();
    let origin = Arc::new(Origin::of(options)?);
    let config = origin.read().map_err(|errors| Failure::Usage(errors.to_string()))?;
    raise_descriptor_limit();
    let sockets = sockets(&config)?;
    let other = |error: std::io::Error| Failure::Other(error.to_string());
    let shutdown = Stop::new().map_err(other)?;
    let clock = Clock::kernel();
    let (reloads, requests) = smol::channel::bounded(1);
    let file = origin.file.clone();
    let reload = file.is_some().then(|| Reload { read: Arc::new(move || origin.read()), requests });
    smol::block_on(async {
        let stopper = shutdown.clone();
        let signals = async {
            until_stopped(&reloads, file.is_some()).await;
            systemd::stopping();
            stopper.request();
            pending().await
        };
        let changes = follow_file(file.as_deref(), &clock, &reloads);
        let watchdog = systemd::feed_watchdog(clock.clone());
        let service = service::run(config, sockets, reload, clock.clone(), shutdown, systemd::ready);
        or(service, or(signals, or(changes, watchdog))).await.map_err(other)
    })?;
    log::info!("stopped");
    Ok(())
}

/// The origin of the configuration, so that it can be read again.
#[derive(Debug)]
struct Origin {
    /// `None` if there is no file and none was named.
    file: Option<PathBuf>,
    listen: Vec<SocketAddr>,
    sources: Vec<SourceSpec>,
    picture: Picture,
}

impl Origin {
    /// The file, and the options of the command line that override it.
    fn of(options: Serve) -> Result<Self, Failure> {
        let default = Path::new(config::DEFAULT_FILE);
        let is_there = |file: &Path| rustix::fs::access(file, rustix::fs::Access::EXISTS).is_ok();
        let file = options.config.or_else(|| is_there(default).then(|| default.to_owned()));
        let listen: Vec<_> = options.listen.into_iter().flat_map(|Listen(addresses)| addresses).collect();
        if let Some((_, what)) = listen::clash(&listen) {
            return Err(Failure::Usage(format!("--listen: {what}")));
        }
        let has_cameras = options.sources.is_empty() && file.is_some();
        if let Some(option) = options.picture.given().filter(|_| has_cameras) {
            return Err(Failure::Usage(format!(
                "{option} is for sources that are named on the command line; name them, or set it in {}",
                file.as_deref().unwrap_or(default).display()
            )));
        }
        Ok(Self { file, listen, sources: options.sources, picture: options.picture.picture() })
    }

    /// Reads the present configuration.
    fn read(&self) -> Result<Config, Mistakes> {
        let mut config = match &self.file {
            Some(file) => Config::read(file)?,
            None => Config::default(),
        };
        if !self.listen.is_empty() {
            config.http.listen.clone_from(&self.listen);
        }
        if !self.sources.is_empty() || self.file.is_none() {
            let auto = [SourceSpec::Auto];
            let sources = if self.sources.is_empty() { &auto } else { &self.sources[..] };
            let camera = |source: &SourceSpec| Camera::of(source.clone(), self.picture.clone());
            config.cameras = sources.iter().map(camera).collect();
            name_apart(&mut config.cameras);
        }
        Ok(config)
    }
}

/// Requests a reload when the file changes. Does not return.
async fn follow_file<T>(file: Option<&Path>, clock: &Clock, reloads: &Sender<()>) -> T {
    let Some(file) = file else { return pending().await };
    let watch = match Watch::new(file) {
        Ok(watch) => watch,
        Err(error) => {
            log::warn!(
                "cannot watch {} for changes ({error}); SIGHUP or \"systemctl reload pinhole\" applies them",
                file.display()
            );
            return pending().await;
        }
    };
    loop {
        if let Err(error) = watch.changed(clock).await {
            log::warn!("cannot watch {} any more: {error}", file.display());
            return pending().await;
        }
        // One pending reload is enough.
        let _ = reloads.try_send(());
    }
}

/// Numbers the default names if a source is given more than once, as in `test: test:`.
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

/// The sockets passed by systemd, else those of the configuration.
fn sockets(config: &Config) -> Result<Sockets, Failure> {
    let passed =
        systemd::listeners().map_err(|error| Failure::Other(format!("sockets of systemd: {error}")))?;
    if !passed.is_empty() {
        return Ok(Sockets::Passed(config.http.listen.clone(), passed));
    }
    http::listen::open_configured(&config.http.listen).map_err(Failure::Other)
}

/// Each viewer needs a descriptor; the usual soft limit of 1024 exists for programs that use `select`.
fn raise_descriptor_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })
    {
        log::debug!("descriptor limit: {error}");
    }
}

/// Returns on SIGTERM or SIGINT; SIGHUP requests a reload.
async fn until_stopped(reloads: &Sender<()>, has_file: bool) {
    let mut signals = match Signals::new([Signal::Term, Signal::Int, Signal::Hup]) {
        Ok(signals) => signals,
        Err(error) => {
            log::warn!(
                "cannot wait for signals ({error}); SIGTERM will end the service without closing streams"
            );
            return pending().await;
        }
    };
    while let Some(signal) = signals.next().await {
        match signal {
            Ok(Signal::Hup) if has_file => {
                // One pending reload is enough.
                let _ = reloads.try_send(());
            }
            Ok(Signal::Hup) => log::info!("SIGHUP: there is no configuration file to read again"),
            Ok(signal) => return log::info!("stopping on SIG{}", format!("{signal:?}").to_uppercase()),
            Err(error) => log::debug!("signals: {error}"),
        }
    }
}
