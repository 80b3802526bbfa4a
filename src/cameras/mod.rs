//! All cameras: which ones exist, and what keeps each of them going.
//!
//! [`Cameras::apply`] makes the running cameras match a configuration and leaves the unchanged ones alone.
//! [`Cameras::adopt`] adds the cameras that `auto` finds.

mod backoff;
pub mod cards;
mod difference;
mod plan;
pub mod registry;
mod standstill;
pub mod supervisor;

use std::rc::Rc;
use std::sync::Arc;

use futures_lite::future::or;
use smol::{LocalExecutor, Task};

use crate::camera::device::Device;
use crate::camera::lost::Lost;
use crate::camera::stop::Stop;
use crate::camera::{Camera, Settings, State};
use crate::clock::Clock;
use crate::config::{self, SourceSpec};
use crate::limits;
use crate::source::{Found, Source, Sources};
use difference::Difference;
use plan::Plan;
use registry::Registry;

/// The running cameras.
pub struct Cameras {
    executor: Rc<LocalExecutor<'static>>,
    registry: Arc<Registry>,
    sources: Sources,
    clock: Clock,
    running: Vec<Running>,
    auto: Option<Auto>,
    /// Removed cameras whose devices were not closed in time.
    closing: Vec<Task<()>>,
}

/// The place of `auto` in the configuration, and its settings.
#[derive(Debug, Clone, PartialEq)]
struct Auto {
    place: usize,
    template: config::Camera,
}

/// A camera named in the configuration.
struct Named<'a> {
    place: usize,
    name: String,
    config: &'a config::Camera,
}

/// A running camera.
struct Running {
    /// Its place in the configuration; cameras that `auto` found share one.
    place: usize,
    config: config::Camera,
    is_found: bool,
    camera: Arc<Camera>,
    plan: Arc<Plan>,
    stop: Stop,
    task: Task<()>,
}

/// What [`Cameras::apply`] did, by camera name.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Applied {
    /// New cameras.
    pub added: Vec<String>,
    /// Removed cameras.
    pub removed: Vec<String>,
    /// Cameras changed in place.
    pub changed: Vec<String>,
    /// Cameras whose source was closed, to be opened again.
    pub reopened: Vec<String>,
}

impl Cameras {
    /// No cameras yet.
    pub fn new(
        executor: Rc<LocalExecutor<'static>>,
        registry: Arc<Registry>,
        sources: Sources,
        clock: Clock,
    ) -> Self {
        let (running, closing) = (Vec::new(), Vec::new());
        Self { executor, registry, sources, clock, running, auto: None, closing }
    }

    /// Makes the cameras match this configuration, comparing them by name: unchanged cameras go on, others
    /// are changed in place if possible, and the rest is reopened, added or removed. Viewers of a changed
    /// camera stay; those of a removed one see a card that says so, and then the end.
    pub async fn apply(&mut self, configured: &[config::Camera]) -> Applied {
        let (named, auto) = split(configured);
        self.auto = auto;
        let removed = self.remove(&named).await;
        let mut applied = Applied { removed, ..Applied::default() };
        let reopened = self.change(&named, &mut applied);
        let added = self.missing(named);
        // Devices are assigned once every binding is known.
        let found = self.sources.rescan(configured).await;
        for (name, source) in reopened {
            self.replace(&name, source);
            applied.reopened.push(name);
        }
        for (Named { place, name, config }, source) in added {
            let label = config.source.to_string();
            self.start(place, config.clone(), false, &name, label, source);
            applied.added.push(name);
        }
        self.list();
        applied.added.extend(self.adopt(found));
        applied
    }

    /// Changes the cameras that stay; returns the sources of those to be reopened.
    fn change(&mut self, named: &[Named<'_>], applied: &mut Applied) -> Vec<(String, Source)> {
        let mut reopened = Vec::new();
        for running in &mut self.running {
            let name = running.camera.name().to_owned();
            let (place, config, is_found) = match (named.iter().find(|it| it.name == name), &self.auto) {
                (Some(named), _) => (named.place, named.config, false),
                (None, Some(auto)) => (auto.place, &auto.template, true),
                (None, None) => continue,
            };
            running.place = place;
            match running.change(config, is_found) {
                Difference::None => {}
                Difference::InPlace => applied.changed.push(name),
                Difference::Reopen => {
                    let (before, _) = running.plan.source();
                    let source = if is_found {
                        self.sources.again(&before, config, &name)
                    } else {
                        self.sources.instead_of(&before, config, &name)
                    };
                    reopened.extend(source.map(|source| (name, source)));
                }
            }
        }
        reopened
    }

    /// The cameras that do not run yet, with their sources.
    fn missing<'a>(&self, named: Vec<Named<'a>>) -> Vec<(Named<'a>, Source)> {
        let runs = |name: &str| self.running.iter().any(|running| running.camera.name() == name);
        let missing = named.into_iter().filter(|named| !runs(&named.name));
        missing
            .filter_map(|named| Some((self.sources.of(named.config, &named.name)?, named)))
            .map(|(source, named)| (named, source))
            .collect()
    }

    /// Adds cameras that were found, if the configuration has `auto`; returns their names.
    pub fn adopt(&mut self, found: Vec<Found>) -> Vec<String> {
        let Some(Auto { place, template }) = self.auto.clone() else { return Vec::new() };
        let taken: Vec<_> = self.running.iter().map(|running| running.camera.name().to_owned()).collect();
        let mut added = Vec::new();
        for (device, name) in self.sources.named(found, &taken) {
            if self.running.len() >= limits::CAMERAS_MAX {
                log::warn!("{}: not served: {} cameras already", device.card(), limits::CAMERAS_MAX);
                continue;
            }
            let path = device.path();
            log::info!("camera {name}: found {} at {path}", device.card());
            let source = self.sources.of_found(&device, &template, &name);
            self.start(place, template.clone(), true, &name, path, source);
            added.push(name);
        }
        if !added.is_empty() {
            self.list();
        }
        added
    }

    /// Whether `auto` is configured and there is no camera.
    pub fn is_waiting(&self) -> bool {
        self.auto.is_some() && self.running.is_empty()
    }

    /// Makes sources and knows the devices.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// Closes every camera. Returns once all are closed, or after [`limits::SHUTDOWN_MAX`].
    pub async fn shut_down(&mut self) {
        let closing = self.running.drain(..).map(|running| {
            running.stop.request();
            running.task
        });
        let closing: Vec<_> = closing.chain(self.closing.drain(..)).collect();
        let closed = async {
            for task in closing {
                task.await;
            }
        };
        or(closed, self.clock.sleep(limits::SHUTDOWN_MAX)).await;
    }

    /// Removes the cameras that are no longer configured, and waits until their devices are closed; returns
    /// their names.
    async fn remove(&mut self, named: &[Named<'_>]) -> Vec<String> {
        let has_auto = self.auto.is_some();
        let stays = |running: &Running| {
            let is_named = named.iter().any(|named| named.name == running.camera.name());
            let is_taken = named.iter().any(|named| running.is_at(&named.config.source));
            is_named || (running.is_found && has_auto && !is_taken)
        };
        let (kept, gone): (Vec<_>, Vec<_>) = self.running.drain(..).partition(stays);
        self.running = kept;
        self.closing.retain(|task| !task.is_finished());
        if gone.is_empty() {
            return Vec::new();
        }
        self.list();
        for running in &gone {
            log::info!("camera {}: removed", running.camera.name());
            running.stop.request();
            self.sources.release(&running.plan.source().0);
        }
        let until = self.clock.now() + limits::REMOVAL_MAX;
        let mut names = Vec::new();
        for Running { camera, mut task, .. } in gone {
            let closed = async {
                (&mut task).await;
                true
            };
            let too_late = async {
                self.clock.sleep_until(until).await;
                false
            };
            if !or(closed, too_late).await {
                log::warn!("camera {}: its device does not close", camera.name());
                self.closing.push(task);
            }
            camera.set_state(State::Lost(Lost::Removed));
            cards::say_goodbye(&camera, &self.clock).await;
            names.push(camera.name().to_owned());
        }
        names
    }

    fn replace(&self, name: &str, source: Source) {
        let Some(running) = self.running.iter().find(|running| running.camera.name() == name) else { return };
        running.camera.set_settings(settings(&running.config, &source, running.camera.settings().source));
        running.camera.coded.expect_anything();
        running.plan.replace(source, running.config.picture.clone());
    }

    fn start(
        &mut self,
        place: usize,
        config: config::Camera,
        is_found: bool,
        name: &str,
        label: String,
        source: Source,
    ) {
        let stop = match Stop::new() {
            Ok(stop) => stop,
            Err(error) => return log::error!("camera {name}: not served: out of file descriptors: {error}"),
        };
        let camera = Camera::new(name, settings(&config, &source, label));
        let plan = Plan::new(source, config.picture.clone());
        let task = self.executor.spawn(supervisor::supervise(
            camera.clone(),
            plan.clone(),
            self.clock.clone(),
            stop.clone(),
        ));
        self.running.push(Running { place, config, is_found, camera, plan, stop, task });
    }

    /// Updates the registry with the cameras, in order.
    fn list(&mut self) {
        self.running.sort_by_key(|running| running.place);
        self.registry.set(self.running.iter().map(|running| running.camera.clone()).collect());
    }
}

impl Running {
    /// Takes over a changed configuration, as far as that needs no other source.
    fn change(&mut self, config: &config::Camera, is_found: bool) -> Difference {
        // A camera that is closed because it does not fit its settings is tried at once with others.
        let is_unfit = matches!(self.camera.state(), State::Lost(Lost::Orientation(_)));
        let difference = match Difference::between(&self.config, config) {
            Difference::InPlace if is_unfit => Difference::Reopen,
            difference if self.is_found == is_found => difference,
            _ => Difference::Reopen,
        };
        if difference != Difference::None {
            let label = if is_found { self.camera.settings().source } else { config.source.to_string() };
            let settings = Settings { source: label, on_demand: config.on_demand, ..self.camera.settings() };
            self.camera.set_settings(settings);
        }
        if difference == Difference::InPlace {
            self.plan.change(config.picture.clone());
        }
        (self.config, self.is_found) = (config.clone(), is_found);
        difference
    }

    /// Whether `auto` found it, and this source is its device.
    fn is_at(&self, source: &SourceSpec) -> bool {
        match source {
            SourceSpec::V4l2(path) if self.is_found => {
                self.plan.source().0.presence().is_some_and(|presence| presence.binding().is_at(path))
            }
            _ => false,
        }
    }
}

/// Splits a configuration into named cameras and `auto`.
fn split(configured: &[config::Camera]) -> (Vec<Named<'_>>, Option<Auto>) {
    let (mut named, mut auto) = (Vec::new(), None);
    for (place, config) in configured.iter().enumerate() {
        if config.source == SourceSpec::Auto {
            auto = Some(Auto { place, template: config.clone() });
        } else {
            named.push(Named { place, name: config.effective_name(), config });
        }
    }
    (named, auto)
}

fn settings(config: &config::Camera, source: &Source, label: String) -> Settings {
    let device = source.presence().map(|presence| presence.binding().clone() as Arc<dyn Device>);
    Settings { source: label, on_demand: config.on_demand, device }
}

#[cfg(test)]
mod tests;
