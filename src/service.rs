//! The whole service, put together: cameras, hubs, HTTP.

use std::io;
use std::net::TcpListener;
use std::rc::Rc;
use std::sync::Arc;

use futures_lite::future::or;
use smol::{LocalExecutor, Task};

use crate::camera::registry::Registry;
use crate::camera::stop::Stop;
use crate::camera::{Camera, supervisor};
use crate::clock::Clock;
use crate::config::{self, Config, SourceSpec};
use crate::health::Health;
use crate::http::{self, Server};
use crate::hub::Hub;
use crate::limits;
use crate::memory;
use crate::source::v4l2::devices::Device;
use crate::source::v4l2::monitor::{self, Claim, Monitor};
use crate::source::{Source, v4l2};
use crate::turn;

/// Runs the service on these listeners until `shutdown` is requested.
///
/// `ready` is called once cameras are known and connections are accepted. Returns when streams have
/// ended and devices are closed, at the latest [`limits::SHUTDOWN_MAX`] after the request.
///
/// # Errors
/// If the process is out of file descriptors.
pub async fn run(
    config: Config,
    listeners: Vec<TcpListener>,
    clock: Clock,
    shutdown: Stop,
    ready: impl FnOnce(),
) -> io::Result<()> {
    let executor = Rc::new(LocalExecutor::new());
    let registry = Registry::new(clock.clone());
    let health = Health::new(clock.clone(), registry.clone());
    let server = Server::new(config.http.clone(), registry.clone(), health, clock.clone(), shutdown.clone());
    let mut cameras = Cameras {
        executor: executor.clone(),
        registry,
        monitor: Monitor::new(clock.clone()),
        clock: clock.clone(),
        shutdown: shutdown.clone(),
        tasks: Vec::new(),
    };
    let tasks = executor.clone();
    let main = async {
        // Clients that connect during discovery wait, so none sees "no camera" too early. Where nothing may be
        // shown, no camera is opened.
        let cameras_shown = if config.http.closed.is_none() { config.cameras } else { Vec::new() };
        cameras.start(cameras_shown).await;
        let serving = http::listen::serve(&executor, &Rc::new(server), listeners)?;
        ready();
        memory::unmap_unused_code();
        shutdown.requested().await;
        // Streams end first: their sockets close with their tasks.
        drop(serving);
        let closed = async {
            for task in cameras.tasks.drain(..) {
                task.await;
            }
        };
        or(closed, clock.sleep(limits::SHUTDOWN_MAX)).await;
        Ok(())
    };
    turn::run(&tasks, &clock, main).await
}

/// Starts cameras, those of the configuration and those that `auto` finds.
struct Cameras {
    executor: Rc<LocalExecutor<'static>>,
    registry: Arc<Registry>,
    monitor: Arc<Monitor>,
    clock: Clock,
    shutdown: Stop,
    tasks: Vec<Task<()>>,
}

impl Cameras {
    async fn start(&mut self, configured: Vec<config::Camera>) {
        self.spawn(supervisor::stand_in(self.registry.nobody().clone(), self.shutdown.clone()));
        let auto = configured.iter().position(|camera| camera.source == SourceSpec::Auto);
        let auto = auto.map(|place| (place, configured[place].clone()));
        let is_v4l2 = |spec: &SourceSpec| matches!(spec, SourceSpec::Auto | SourceSpec::V4l2(_));
        let uses_v4l2 = configured.iter().any(|camera| is_v4l2(&camera.source));
        let mut fixed = Vec::new();
        for (place, camera) in configured.into_iter().enumerate() {
            let source = match (&camera.source, Source::of(&camera, &camera.effective_name())) {
                (_, Some(source)) => FixedSource::Ready(source),
                (SourceSpec::V4l2(path), None) => {
                    let claim = Claim::on_path(path, &camera.effective_name());
                    self.monitor.add(claim.clone());
                    FixedSource::V4l2(claim)
                }
                (_, None) => continue,
            };
            fixed.push((place, camera, source));
        }
        let found = if uses_v4l2 { self.monitor.rescan().await } else { Vec::new() };
        for (place, camera, source) in fixed {
            self.add_fixed(place, &camera, source);
        }
        if let Some((place, template)) = auto {
            self.follow_auto(place, template, found);
        }
        if uses_v4l2 {
            let (watch, shutdown) = (self.monitor.clone().watch(), self.shutdown.clone());
            self.spawn(async move { or(watch, shutdown.requested()).await });
        }
    }

    fn add_fixed(&mut self, place: usize, camera: &config::Camera, source: FixedSource) {
        let name = camera.effective_name();
        let source = match source {
            FixedSource::Ready(source) => source,
            FixedSource::V4l2(claim) => {
                Source::V4l2(v4l2::Source::new(&name, claim, self.monitor.clone(), &camera.picture))
            }
        };
        let task = add(&self.registry, &self.clock, place, camera, name, camera.source.to_string(), source);
        self.supervise(task);
    }

    fn supervise(&mut self, (camera, source): (Arc<Camera>, Source)) {
        self.spawn(supervisor::supervise(camera, source, self.shutdown.clone()));
    }

    fn spawn(&mut self, future: impl Future<Output = ()> + 'static) {
        self.tasks.push(self.executor.spawn(future));
    }

    /// Adds the cameras that were found, and every one that is plugged in later.
    fn follow_auto(&mut self, place: usize, template: config::Camera, found: Vec<Device>) {
        let (registry, monitor, clock) = (self.registry.clone(), self.monitor.clone(), self.clock.clone());
        let (executor, shutdown) = (self.executor.clone(), self.shutdown.clone());
        if found.is_empty() {
            log::info!("no camera found; waiting for one to be plugged in");
        }
        let follow = async move {
            let mut tasks = Vec::new();
            let mut found = found;
            loop {
                let news = monitor.listen();
                let taken: Vec<_> = registry.all().iter().map(|camera| camera.name.clone()).collect();
                let names = monitor::names(&found, &taken);
                for (device, name) in found.drain(..).zip(names) {
                    if registry.all().len() >= limits::CAMERAS_MAX {
                        log::warn!("{}: not served: {} cameras already", device.card, limits::CAMERAS_MAX);
                        continue;
                    }
                    let path = device.stable_path().display().to_string();
                    log::info!("camera {name}: found {} at {path}", device.card);
                    let claim = Claim::on_device(&device, &name);
                    monitor.add(claim.clone());
                    let source =
                        Source::V4l2(v4l2::Source::new(&name, claim, monitor.clone(), &template.picture));
                    let (camera, source) = add(&registry, &clock, place, &template, name, path, source);
                    tasks.push(executor.spawn(supervisor::supervise(camera, source, shutdown.clone())));
                }
                let waited = async {
                    news.await;
                    true
                };
                if !or(waited, async {
                    shutdown.requested().await;
                    false
                })
                .await
                {
                    break;
                }
                found = monitor.unclaimed().await;
            }
            for task in tasks {
                task.await;
            }
        };
        self.spawn(follow);
    }
}

enum FixedSource {
    Ready(Source),
    V4l2(Arc<Claim>),
}

fn add(
    registry: &Registry,
    clock: &Clock,
    place: usize,
    camera: &config::Camera,
    name: String,
    label: String,
    source: Source,
) -> (Arc<Camera>, Source) {
    let device = source.device().cloned();
    let hub = Hub::new(clock.clone());
    let camera = Arc::new(Camera { name, source: label, on_demand: camera.on_demand, device, hub });
    registry.add(place, camera.clone());
    (camera, source)
}
