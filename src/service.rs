//! The whole service: cameras, HTTP, and the configuration that they follow.

use std::io;
use std::rc::Rc;
use std::sync::Arc;

use event_listener::EventListener;
use futures_lite::future::{or, pending};
use smol::channel::Receiver;
use smol::{LocalExecutor, Task};

use crate::camera::stop::Stop;
use crate::cameras::registry::Registry;
use crate::cameras::{Applied, Cameras};
use crate::clock::Clock;
use crate::config::{self, Config, Mistakes};
use crate::health::Health;
use crate::http::Server;
use crate::http::listen::{Listening, Sockets};
#[cfg(doc)]
use crate::limits;
use crate::offload::BlockingPool;
use crate::source::Sources;
use crate::turn;

/// Reading the file may hang, as on a network share.
static READING: BlockingPool = BlockingPool::new("read settings", 1);

/// How to reload the configuration.
pub struct Reload {
    /// Reads it.
    pub read: Arc<dyn Fn() -> Result<Config, Mistakes> + Send + Sync>,
    /// Requests to reload.
    pub requests: Receiver<()>,
}

/// Runs the service on these sockets until `shutdown` is requested.
///
/// Calls `ready` once cameras are known and connections are accepted. Returns when streams have ended and
/// devices are closed, at the latest [`limits::SHUTDOWN_MAX`] after the request.
///
/// # Errors
/// If the process is out of file descriptors.
pub async fn run(
    config: Config,
    sockets: Sockets,
    reload: Option<Reload>,
    clock: Clock,
    shutdown: Stop,
    ready: impl FnOnce(),
) -> io::Result<()> {
    let executor = Rc::new(LocalExecutor::new());
    let registry = Registry::new();
    let health = Health::new(clock.clone(), registry.clone());
    let http = config.http.clone();
    let server =
        Rc::new(Server::new(http, registry.clone(), health.clone(), clock.clone(), shutdown.clone()));
    let cameras = Cameras::new(executor.clone(), registry, Sources::new(&clock), clock.clone());
    let tasks = executor.clone();
    let main = async {
        let (executor, watch) = (executor.clone(), None);
        let mut running =
            Running { executor: executor.clone(), cameras, watch, server: server.clone(), health, config };
        // Clients that connect during discovery wait, so none sees "no camera" too early.
        running.apply_cameras().await;
        if running.cameras.is_waiting() {
            log::info!("no camera found; waiting for one to be plugged in");
        }
        let mut listening = Listening::start(&executor, &server, sockets)?;
        ready();
        or(running.follow(reload, &mut listening), shutdown.requested()).await;
        // Streams end first: their sockets close with their tasks.
        drop(listening);
        running.cameras.shut_down().await;
        Ok(())
    };
    turn::run(&tasks, &clock, main).await
}

/// The parts that follow the configuration.
struct Running {
    executor: Rc<LocalExecutor<'static>>,
    cameras: Cameras,
    /// Watches for devices, once a configuration needs any.
    watch: Option<Task<()>>,
    server: Rc<Server>,
    health: Rc<Health>,
    config: Config,
}

enum News {
    Devices,
    Reload,
}

impl Running {
    /// Follows the configuration and the devices that come and go. Does not return.
    async fn follow(&mut self, reload: Option<Reload>, listening: &mut Listening) {
        let sources = self.cameras.sources().clone();
        loop {
            let devices = sources.listen();
            let found = sources.unbound().await;
            self.cameras.adopt(found);
            let news = next(devices, reload.as_ref()).await;
            if let (News::Reload, Some(reload)) = (news, &reload) {
                self.reload(reload, listening).await;
            }
        }
    }

    /// The cameras to run: none while the service is closed.
    fn configured_cameras(&self) -> &[config::Camera] {
        if self.config.http.closed.is_none() { &self.config.cameras } else { &[] }
    }

    async fn apply_cameras(&mut self) -> Applied {
        let configured = self.configured_cameras().to_vec();
        if self.watch.is_none() && Sources::need_devices(&configured) {
            let sources = self.cameras.sources().clone();
            self.watch = Some(self.executor.spawn(async move { sources.watch().await }));
        }
        self.cameras.apply(&configured).await
    }

    /// Applies the current configuration. One with a mistake changes nothing.
    async fn reload(&mut self, reload: &Reload, listening: &mut Listening) {
        let read = reload.read.clone();
        let config = match READING.run(move || read()).await {
            Ok(Ok(config)) => config,
            Ok(Err(mistakes)) => {
                let mistakes: Vec<String> = mistakes.lines().collect();
                for mistake in &mistakes {
                    log::warn!("{mistake}");
                }
                log::warn!("configuration not applied, because of these mistakes; the one of before goes on");
                return self.health.set_mistakes(mistakes);
            }
            Err(error) => return log::error!("the configuration cannot be read: {error}"),
        };
        let mut notes = Vec::new();
        if let Err(why) = listening.apply(&config.http.listen).await {
            log::warn!("http.listen: {why}");
            notes.push(format!("http.listen: {why}"));
        }
        self.server.apply(config.http.clone());
        let is_same_http = self.config.http == config.http;
        self.config = config;
        let applied = self.apply_cameras().await;
        log::info!("configuration applied: {}", words(&applied, is_same_http));
        self.health.set_mistakes(notes);
    }
}

async fn next(devices: EventListener, reload: Option<&Reload>) -> News {
    let device = async {
        devices.await;
        News::Devices
    };
    let reload = async {
        match reload {
            // The channel closes only with the program.
            Some(reload) if reload.requests.recv().await.is_ok() => News::Reload,
            _ => pending().await,
        }
    };
    or(device, reload).await
}

/// The effect of a changed configuration, for the log.
fn words(applied: &Applied, is_same_http: bool) -> String {
    let Applied { added, removed, changed, reopened } = applied;
    let of =
        |what: &str, names: &[String]| (!names.is_empty()).then(|| format!("{what} {}", names.join(", ")));
    let parts = [
        of("added", added),
        of("removed", removed),
        of("changed", changed),
        of("reopened", reopened),
        (!is_same_http).then(|| "[http] changed".to_owned()),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { "nothing changed".to_owned() } else { parts.join("; ") }
}
