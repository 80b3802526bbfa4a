//! Keeps one camera going: opens it when needed, closes it when not, and retries for ever when it is lost.

use std::sync::Arc;
use std::time::Duration;

use futures_lite::future::{or, pending};

use super::backoff::Backoff;
use super::plan::Plan;
use super::{cards, standstill};
use crate::camera::lost::{LocalLost, Lost, Task};
use crate::camera::stop::Stop;
use crate::camera::{Camera, State};
use crate::clock::Clock;
use crate::limits;
use crate::random;
use crate::source::Source;
use crate::source::publisher::Publisher;
use crate::turn::Turn;

/// Runs a camera until `stop` is requested; returns once its device is closed.
pub async fn supervise(camera: Arc<Camera>, plan: Arc<Plan>, clock: Clock, stop: Stop) {
    let backoff = Backoff::new(random::seed());
    let mut supervisor = Supervisor { camera: &camera, plan: &plan, clock: &clock, backoff };
    or(
        async {
            let watching = or(cards::show(&camera, &clock), standstill::watch(&camera, &clock));
            or(stop.requested(), watching).await;
            // The source sees the stop itself and closes its device first.
            pending::<()>().await;
        },
        supervisor.run(&stop),
    )
    .await;
}

struct Supervisor<'a> {
    camera: &'a Arc<Camera>,
    plan: &'a Plan,
    clock: &'a Clock,
    backoff: Backoff,
}

impl Supervisor<'_> {
    async fn run(&mut self, stop: &Stop) {
        let mut turn = Turn::new(self.clock);
        while !stop.is_requested() {
            turn.step().await;
            let (source, version) = self.plan.source();
            self.take_stock(&source).await;
            if self.is_wanted() && !matches!(self.camera.state(), State::Lost(lost) if lost.is_absent()) {
                self.run_once(&source, version, stop).await;
            }
            let replaced = self.plan.replaced(version);
            or(or(self.rest(&source), replaced), stop.requested()).await;
        }
    }

    /// Whether the camera has viewers or must stay open always. A lost camera is wanted until it has shown
    /// that it works: health must not call it reachable only because it has no viewers.
    fn is_wanted(&self) -> bool {
        !self.is_on_demand() || self.camera.viewers() > 0 || self.camera.is_lost()
    }

    fn is_on_demand(&self) -> bool {
        self.camera.settings().on_demand
    }

    /// Sets the state of a closed camera by whether its device is present.
    async fn take_stock(&self, source: &Source) {
        let absent = match source.presence() {
            Some(presence) => presence.absent().await,
            None => None,
        };
        match (absent, self.camera.state()) {
            (Some(lost), _) => self.lose(lost),
            (None, State::Lost(lost)) if lost.is_absent() => {
                if source.presence().is_some() {
                    log::info!("camera {}: plugged in", self.camera.name());
                }
                self.camera.set_state(if self.is_on_demand() { State::Idle } else { State::Starting });
            }
            _ => {}
        }
    }

    /// Opens the camera, and closes it after a while without viewers.
    async fn run_once(&mut self, source: &Source, version: u64, shutdown: &Stop) {
        if !self.camera.is_lost() {
            self.camera.set_state(State::Starting);
        }
        let stop = match Stop::new() {
            Ok(stop) => stop,
            Err(error) => return self.lose(LocalLost::new(Task::OpenCamera, error).into()),
        };
        let (frames_before, opened) = (self.camera.frames(), self.clock.now());
        let publisher = Publisher::new(self.camera, self.clock, &self.plan.picture());
        self.plan.opened(&publisher);
        let ended = or(source.run(&publisher, self.clock, &stop), async {
            let refused = async { drop(publisher.refused().await) };
            let no_more = or(self.unwanted(), or(standstill::is_stuck(self.camera, self.clock), refused));
            or(no_more, or(self.plan.replaced(version), shutdown.requested())).await;
            stop.request();
            // Wait for the source's own end: a device is opened again only once it is closed.
            pending().await
        })
        .await;
        publisher.close();
        self.camera.set_key_wait(None);
        if self.plan.source().1 != version && !shutdown.is_requested() {
            return self.reopen();
        }
        let open_for = self.clock.now().since(opened);
        if self.camera.frames() > frames_before && open_for >= limits::STEADY_MIN {
            self.backoff.reset();
        }
        match publisher.refusal().map_or(ended, Err) {
            Ok(()) => self.close(shutdown),
            Err(lost) => self.lose(lost),
        }
    }

    /// Resets the state for a new source.
    fn reopen(&mut self) {
        log::info!("camera {}: settings changed", self.camera.name());
        self.backoff.reset();
        // A lost camera stays lost until the new source has shown that it works.
        if !self.camera.is_lost() {
            self.camera.set_state(if self.is_wanted() { State::Starting } else { State::Idle });
        }
    }

    fn close(&self, shutdown: &Stop) {
        // A lost camera that was closed before it gave a picture has not shown that it works.
        if !self.camera.is_lost() {
            let level = self.camera.log_level();
            self.camera.set_state(State::Idle);
            let why = if shutdown.is_requested() { "stopped" } else { "no viewers" };
            log::log!(level, "camera {}: closed: {why}", self.camera.name());
        }
    }

    fn lose(&self, lost: Lost) {
        let news = match self.camera.state() {
            State::Lost(before) => !before.is_like(&lost),
            _ => true,
        };
        if news {
            log::warn!("camera {}: lost: {lost}", self.camera.name());
        }
        self.camera.set_state(State::Lost(lost));
    }

    /// Returns once an on-demand camera has had no viewer for [`limits::LINGER`] and no request for a single
    /// picture for [`limits::LINGER_STILL`], or, while it has yet to show that it is no longer lost, for
    /// [`limits::PROVE_MAX`]. Never returns for a camera that is always open.
    async fn unwanted(&self) {
        let is_unwatched = |camera: &Camera| camera.viewers() == 0 && camera.settings().on_demand;
        loop {
            self.camera.until(is_unwatched).await;
            let (was_lost, asked) = (self.camera.is_lost(), self.camera.asked());
            let patience = if was_lost { limits::PROVE_MAX } else { self.linger() };
            let changed = or(
                async {
                    self.clock.sleep(patience).await;
                    false
                },
                async {
                    self.camera
                        .until(|camera| !is_unwatched(camera) || (was_lost && !camera.is_lost()))
                        .await;
                    true
                },
            )
            .await;
            // A viewer that was served at once may have come and gone between two checks.
            if !changed && (was_lost || self.camera.asked() == asked) {
                return;
            }
        }
    }

    /// How long the camera stays open without viewers from now on.
    fn linger(&self) -> Duration {
        let since_asked = self.camera.asked().map(|asked| self.clock.now().since(asked));
        let for_stills =
            since_asked.map_or(Duration::ZERO, |since| limits::LINGER_STILL.saturating_sub(since));
        limits::LINGER.max(for_stills)
    }

    /// Waits until the closed camera is worth another try.
    async fn rest(&mut self, source: &Source) {
        let clock = self.clock;
        match self.camera.state() {
            State::Lost(lost) => {
                let soonest = self.backoff_for(&lost);
                let wait = self.wait_for(&lost, soonest);
                let early = async {
                    if lost.wants_patience() {
                        return pending().await;
                    }
                    or(news(source), or(self.first_viewer(), self.asked_after(soonest))).await
                };
                let plugged = or(
                    async {
                        clock.sleep(wait).await;
                        false
                    },
                    early,
                )
                .await;
                if plugged {
                    self.backoff.reset();
                }
            }
            _ => {
                or(
                    async {
                        self.camera.until(|_| self.is_wanted()).await;
                        false
                    },
                    news(source),
                )
                .await;
            }
        }
    }

    /// How soon to retry a camera that is wanted.
    fn backoff_for(&mut self, lost: &Lost) -> Duration {
        if lost.wants_patience() || lost.is_absent() {
            return Duration::ZERO;
        }
        let wanted = lost.retry_after().unwrap_or_default().min(limits::RETRY_AFTER_MAX);
        self.backoff.next().max(wanted)
    }

    fn wait_for(&self, lost: &Lost, soonest: Duration) -> Duration {
        if lost.wants_patience() {
            return limits::RETRY_PATIENT;
        }
        match (lost.is_absent(), self.camera.viewers()) {
            (true, 0) => limits::PRESENCE_UNWATCHED,
            (true, _) => limits::PRESENCE_WATCHED,
            (false, 0) if self.is_on_demand() => limits::RETRY_UNWATCHED.max(soonest),
            (false, _) => soonest,
        }
    }

    /// Returns false at the next request for a single picture, but not before `soonest`: polling for single
    /// pictures retries a lost camera no more often than watching it.
    async fn asked_after(&self, soonest: Duration) -> bool {
        let begin = self.clock.now();
        self.clock.sleep(soonest).await;
        self.camera.until(|camera| camera.asked().is_some_and(|asked| asked >= begin)).await;
        false
    }

    /// True at the first viewer of an unwatched camera.
    async fn first_viewer(&self) -> bool {
        if self.camera.viewers() > 0 {
            return pending().await;
        }
        self.camera.until(|camera| camera.viewers() > 0).await;
        true
    }
}

/// True once devices have come or gone.
async fn news(source: &Source) -> bool {
    match source.presence() {
        Some(presence) => {
            presence.news().await;
            true
        }
        None => pending().await,
    }
}

#[cfg(test)]
mod tests;
