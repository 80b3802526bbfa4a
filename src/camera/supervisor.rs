//! Keeps one camera going: opens it when it is wanted, closes it when it is not, tries again when it
//! is lost, for ever.

use std::sync::Arc;
use std::time::Duration;

use futures_lite::future::{or, pending};

use super::backoff::Backoff;
use super::lost::Lost;
use super::stop::Stop;
use super::{Camera, cards, standstill};
use crate::hub::{Hub, State};
use crate::limits;
use crate::memory;
use crate::random;
use crate::source::Source;
use crate::turn::Turn;

/// A camera that has been live for this long has used once what it goes on using: each viewer that
/// waited has begun to watch, and the rate has been measured.
const SETTLED_AFTER: Duration = Duration::from_secs(1);

/// Runs a camera until `shutdown` is requested; returns when its device is closed.
pub async fn supervise(camera: Arc<Camera>, source: Source, shutdown: Stop) {
    let backoff = Backoff::new(random::seed());
    let mut supervisor = Supervisor { camera: &camera, source: &source, backoff };
    or(
        async {
            or(shutdown.requested(), or(cards::show(&camera), standstill::watch(&camera))).await;
            // The source sees the shutdown by itself and closes its device first.
            pending::<()>().await;
        },
        supervisor.run(&shutdown),
    )
    .await;
}

/// Shows cards to the viewers of a camera that does not exist, until `shutdown` is requested.
pub async fn stand_in(camera: Arc<Camera>, shutdown: Stop) {
    or(shutdown.requested(), cards::show(&camera)).await;
}

struct Supervisor<'a> {
    camera: &'a Camera,
    source: &'a Source,
    backoff: Backoff,
}

impl Supervisor<'_> {
    async fn run(&mut self, shutdown: &Stop) {
        let mut turn = Turn::new(self.hub().clock());
        while !shutdown.is_requested() {
            turn.step().await;
            self.take_stock().await;
            if self.is_wanted() && !matches!(self.hub().state(), State::Lost(lost) if lost.is_absent()) {
                self.run_once(shutdown).await;
            }
            or(self.rest(), shutdown.requested()).await;
        }
    }

    fn hub(&self) -> &Arc<Hub> {
        &self.camera.hub
    }

    /// Somebody watches, or the camera is to be open always. One that was lost is wanted until it
    /// has shown that it works: health must not call it reachable because nobody looks.
    fn is_wanted(&self) -> bool {
        !self.camera.on_demand || self.hub().viewers() > 0 || matches!(self.hub().state(), State::Lost(_))
    }

    /// Sets the state of a camera that is closed, by whether its device is there.
    async fn take_stock(&self) {
        match (self.source.absent().await, self.hub().state()) {
            (Some(lost), _) => self.lose(lost),
            (None, State::Lost(lost)) if lost.is_absent() => {
                log::info!("camera {}: plugged in", self.camera.name);
                self.hub().set_state(if self.camera.on_demand { State::Idle } else { State::Starting });
            }
            _ => {}
        }
    }

    /// Opens the camera, and closes it when nobody has watched for a while.
    async fn run_once(&mut self, shutdown: &Stop) {
        if !matches!(self.hub().state(), State::Lost(_)) {
            self.hub().set_state(State::Starting);
        }
        let stop = match Stop::new() {
            Ok(stop) => stop,
            Err(error) => return self.lose(Lost::Driver(format!("out of file descriptors: {error}"))),
        };
        let (frames_before, opened) = (self.hub().frames(), self.hub().clock().now());
        let ended = or(self.source.run(self.hub(), &stop), async {
            let no_more = or(self.unwanted(), standstill::is_stuck(self.hub()));
            or(or(no_more, self.settled()), shutdown.requested()).await;
            stop.request();
            // The source's own end is waited for: a device is opened again only once it is closed.
            pending().await
        })
        .await;
        self.hub().set_key_wait(None);
        let open_for = self.hub().clock().now().since(opened);
        if self.hub().frames() > frames_before && open_for >= limits::STEADY_MIN {
            self.backoff.reset();
        }
        match ended {
            Ok(()) => self.close(shutdown),
            Err(lost) => self.lose(lost),
        }
    }

    fn close(&self, shutdown: &Stop) {
        // A lost camera that was given up before it showed a picture has not shown that it works.
        if !matches!(self.hub().state(), State::Lost(_)) {
            let level = self.hub().log_level();
            self.hub().set_state(State::Idle);
            let why = if shutdown.is_requested() { "shutting down" } else { "no viewers" };
            log::log!(level, "camera {}: closed: {why}", self.camera.name);
        }
    }

    fn lose(&self, lost: Lost) {
        let news = match self.hub().state() {
            State::Lost(before) => !before.is_like(&lost),
            _ => true,
        };
        if news {
            log::warn!("camera {}: lost: {lost}", self.camera.name);
        }
        self.hub().set_state(State::Lost(lost));
    }

    /// Returns once a camera on demand has had no viewer for [`limits::LINGER`] and nobody has asked it for
    /// a single picture for [`limits::LINGER_STILL`], or, while it has yet to show that it is no longer
    /// lost, for [`limits::PROVE_MAX`]. Never returns where the camera is to be open always.
    async fn unwanted(&self) {
        if !self.camera.on_demand {
            return pending().await;
        }
        let is_lost = |hub: &Hub| matches!(hub.state(), State::Lost(_));
        loop {
            self.hub().until(|hub| hub.viewers() == 0).await;
            let (was_lost, asked) = (is_lost(self.hub()), self.hub().asked());
            let patience = if was_lost { limits::PROVE_MAX } else { self.linger() };
            let changed = or(
                async {
                    self.hub().clock().sleep(patience).await;
                    false
                },
                async {
                    self.hub().until(|hub| hub.viewers() > 0 || (was_lost && !is_lost(hub))).await;
                    true
                },
            )
            .await;
            // A viewer that was served at once may have come and gone between two looks.
            if !changed && (was_lost || self.hub().asked() == asked) {
                return;
            }
        }
    }

    /// How long the camera stays open without viewers, from now.
    fn linger(&self) -> Duration {
        let since_asked = self.hub().asked().map(|asked| self.hub().clock().now().since(asked));
        let for_stills =
            since_asked.map_or(Duration::ZERO, |since| limits::LINGER_STILL.saturating_sub(since));
        limits::LINGER.max(for_stills)
    }

    /// Gives back what opening the camera took, once it is live. Does not return.
    async fn settled(&self) {
        self.hub().until(|hub| hub.state() == State::Live).await;
        self.hub().clock().sleep(SETTLED_AFTER).await;
        memory::unmap_unused_code();
        pending::<()>().await;
    }

    /// Waits until the closed camera is worth another look.
    async fn rest(&mut self) {
        let clock = self.hub().clock().clone();
        match self.hub().state() {
            State::Lost(lost) => {
                let soonest = self.backoff_for(&lost);
                let wait = self.wait_for(&lost, soonest);
                let early = async {
                    if lost.wants_patience() {
                        return pending().await;
                    }
                    or(self.news(), or(self.first_viewer(), self.asked_after(soonest))).await
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
                        self.hub().until(|_| self.is_wanted()).await;
                        false
                    },
                    self.news(),
                )
                .await;
            }
        }
    }

    /// How soon a camera that somebody wants to see is tried again.
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
        match (lost.is_absent(), self.hub().viewers()) {
            (true, 0) => limits::PRESENCE_UNWATCHED,
            (true, _) => limits::PRESENCE_WATCHED,
            (false, 0) if self.camera.on_demand => limits::RETRY_UNWATCHED.max(soonest),
            (false, _) => soonest,
        }
    }

    /// False once somebody has asked for a single picture since now, but not before `soonest`: those who
    /// ask again and again hammer a lost camera no more than those who watch.
    async fn asked_after(&self, soonest: Duration) -> bool {
        let begin = self.hub().clock().now();
        self.hub().clock().sleep(soonest).await;
        self.hub().until(|hub| hub.asked().is_some_and(|asked| asked >= begin)).await;
        false
    }

    /// True once devices came or went.
    async fn news(&self) -> bool {
        match self.source.news() {
            Some(news) => {
                news.await;
                true
            }
            None => pending().await,
        }
    }

    /// True when somebody begins to watch a camera that nobody watched.
    async fn first_viewer(&self) -> bool {
        if self.hub().viewers() > 0 {
            return pending().await;
        }
        self.hub().until(|hub| hub.viewers() > 0).await;
        true
    }
}

#[cfg(test)]
mod tests;
