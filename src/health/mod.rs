//! Health: one value for JSON, pages and metrics.

pub mod metrics;
mod system;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use serde::Serialize;

use crate::camera::lost::Code;
use crate::camera::{Camera, State};
use crate::cameras::registry::Registry;
use crate::clock::{Clock, Monotonic};
use system::{System, SystemHealth};

/// Whether cameras give pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Every camera is live, or idle and reachable.
    Ok,
    /// Some are lost.
    Degraded,
    /// All are lost, or there are none.
    Failed,
}

/// The answer to `GET /health`.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Whether cameras give pictures.
    pub status: Status,
    version: &'static str,
    uptime_seconds: f64,
    cameras: Vec<CameraHealth>,
    http: HttpHealth,
    system: SystemHealth,
}

/// One camera in [`Report`]. Unknown values are `None`.
#[derive(Debug, Serialize)]
pub struct CameraHealth {
    /// Its name.
    pub name: String,
    source: String,
    state: &'static str,
    reason: Option<String>,
    /// The reason as a stable code.
    pub reason_code: Option<&'static str>,
    width: Option<u32>,
    height: Option<u32>,
    format: Option<String>,
    fps: Option<f64>,
    frames_total: u64,
    frames_bad_total: u64,
    frames_dropped_total: u64,
    reconnects_total: u64,
    last_frame_age_seconds: Option<f64>,
    viewers: usize,
    latency_ms: LatencyHealth,
}

#[derive(Debug, Serialize)]
struct LatencyHealth {
    p50: Option<f64>,
    p99: Option<f64>,
    #[serde(skip)]
    sum_seconds: f64,
    #[serde(skip)]
    count: u64,
}

#[derive(Debug, Serialize)]
struct HttpHealth {
    connections: usize,
    connections_max: usize,
    connections_refused_total: u64,
    connections_evicted_total: u64,
    bytes_sent_total: u64,
}

/// Counters of the HTTP server, for any thread.
#[derive(Debug, Default)]
pub struct HttpMeter {
    connections: AtomicUsize,
    connections_max: AtomicUsize,
    refused: AtomicU64,
    evicted: AtomicU64,
    bytes_sent: AtomicU64,
}

impl HttpMeter {
    /// Sets the number of connections.
    pub fn set_connections(&self, count: usize) {
        self.connections.store(count, Ordering::Relaxed);
    }

    /// Sets the ceiling of connections.
    pub fn set_connections_max(&self, max: usize) {
        self.connections_max.store(max, Ordering::Relaxed);
    }

    /// Counts a connection that was refused.
    pub fn count_refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a connection that was evicted.
    pub fn count_evicted(&self) {
        self.evicted.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts bytes that the kernel accepted.
    pub fn count_sent(&self, bytes: usize) {
        self.bytes_sent.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

/// Knows the state of the service.
#[derive(Debug)]
pub struct Health {
    clock: Clock,
    started: Monotonic,
    registry: Arc<Registry>,
    system: System,
    /// The HTTP server's counters.
    pub http: Arc<HttpMeter>,
    /// Mistakes in a configuration that was not applied.
    mistakes: RefCell<Vec<String>>,
}

impl Health {
    /// The health of a service that starts now.
    pub fn new(clock: Clock, registry: Arc<Registry>) -> Rc<Self> {
        let started = clock.now();
        Rc::new(Self {
            clock,
            started,
            registry,
            system: System::new(),
            http: Arc::default(),
            mistakes: RefCell::default(),
        })
    }

    /// Sets the configuration's mistakes, one per line; empty once they are corrected.
    pub fn set_mistakes(&self, mistakes: Vec<String>) {
        *self.mistakes.borrow_mut() = mistakes;
    }

    /// Every camera, in order.
    pub fn cameras(&self) -> Vec<CameraHealth> {
        let now = self.clock.now();
        self.registry.all().iter().map(|camera| CameraHealth::of(camera, now)).collect()
    }

    /// The full report.
    pub fn report(&self) -> Report {
        let states: Vec<State> = self.registry.all().iter().map(|camera| camera.state()).collect();
        Report {
            status: status(&states),
            version: env!("CARGO_PKG_VERSION"),
            uptime_seconds: rounded(self.clock.now().since(self.started).as_secs_f64(), 1000.0),
            cameras: self.cameras(),
            http: HttpHealth {
                connections: self.http.connections.load(Ordering::Relaxed),
                connections_max: self.http.connections_max.load(Ordering::Relaxed),
                connections_refused_total: self.http.refused.load(Ordering::Relaxed),
                connections_evicted_total: self.http.evicted.load(Ordering::Relaxed),
                bytes_sent_total: self.http.bytes_sent.load(Ordering::Relaxed),
            },
            system: self.system.health(self.clock.now()).with_mistakes(&self.mistakes.borrow()),
        }
    }
}

fn status(states: &[State]) -> Status {
    let lost = states.iter().filter(|state| matches!(state, State::Lost(_))).count();
    match lost {
        lost if lost == states.len() => Status::Failed,
        0 => Status::Ok,
        _ => Status::Degraded,
    }
}

impl CameraHealth {
    fn of(camera: &Camera, now: Monotonic) -> Self {
        let now = camera.report(now);
        let milliseconds = |time: std::time::Duration| rounded(time.as_secs_f64() * 1000.0, 100.0);
        Self {
            name: camera.name().to_owned(),
            source: camera.source(),
            state: now.state.word(),
            reason: now.reason(),
            reason_code: now.reason_code().map(Code::word),
            width: now.opened.as_ref().map(|opened| opened.width),
            height: now.opened.as_ref().map(|opened| opened.height),
            format: now.opened.map(|opened| opened.format),
            fps: now.fps.map(|fps| rounded(fps, 100.0)),
            frames_total: now.frames,
            frames_bad_total: now.bad,
            frames_dropped_total: now.dropped,
            reconnects_total: now.reconnects,
            last_frame_age_seconds: now.last_frame_age.map(|age| rounded(age.as_secs_f64(), 1000.0)),
            viewers: now.viewers,
            latency_ms: LatencyHealth {
                p50: now.latency.map(|latency| milliseconds(latency.p50)),
                p99: now.latency.map(|latency| milliseconds(latency.p99)),
                sum_seconds: now.latency.map_or(0.0, |latency| latency.sum.as_secs_f64()),
                count: now.latency.map_or(0, |latency| latency.count),
            },
        }
    }
}

fn rounded(value: f64, per_unit: f64) -> f64 {
    (value * per_unit).round() / per_unit
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::camera::lost::Lost;

    #[test]
    fn the_status_follows_the_cameras() {
        let lost = || State::Lost(Lost::Unplugged);
        assert_eq!(status(&[]), Status::Failed);
        assert_eq!(status(&[lost()]), Status::Failed);
        assert_eq!(status(&[State::Idle, lost()]), Status::Degraded);
        assert_eq!(status(&[State::Idle, State::Live, State::Starting]), Status::Ok);
    }
}
