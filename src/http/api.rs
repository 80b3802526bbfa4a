//! Health and cameras, as JSON.

use http_types::StatusCode;
use serde::Serialize;

use super::Server;
use super::answer::Answer;
use crate::health::metrics::{self, Format};
use crate::health::{CameraHealth, Status};

/// A camera with its URLs.
#[derive(Serialize)]
struct CameraEntry {
    #[serde(flatten)]
    health: CameraHealth,
    stream: String,
    snapshot: String,
}

impl CameraEntry {
    fn new(health: CameraHealth) -> Self {
        let place = format!("/cameras/{}", health.name);
        Self { health, stream: format!("{place}/stream"), snapshot: format!("{place}/snapshot.jpg") }
    }
}

/// The answer to `GET /health`.
pub fn health(server: &Server) -> Answer {
    let report = server.health.report();
    let status = if report.status == Status::Ok { StatusCode::Ok } else { StatusCode::ServiceUnavailable };
    Answer::json(status, &report)
}

/// The answer to `GET /health` without a password: whether all is well, and nothing else.
pub fn status(server: &Server) -> Answer {
    let report = server.health.report();
    let status = if report.status == Status::Ok { StatusCode::Ok } else { StatusCode::ServiceUnavailable };
    Answer::json(status, &serde_json::json!({ "status": report.status }))
}

/// The answer to `GET /metrics`.
pub fn metrics(server: &Server, accept: &str) -> Answer {
    let format = Format::accepted(accept);
    Answer::text(format.content_type(), &metrics::text(&server.health.report(), format))
}

/// The answer to `GET /api/cameras`.
pub fn cameras(server: &Server) -> Answer {
    let cameras: Vec<_> = server.health.cameras().into_iter().map(CameraEntry::new).collect();
    Answer::json(StatusCode::Ok, &cameras)
}

/// The answer to `GET /api/cameras/NAME`.
pub fn camera(server: &Server, name: &str) -> Answer {
    match server.health.cameras().into_iter().find(|camera| camera.name == name) {
        Some(camera) => Answer::json(StatusCode::Ok, &CameraEntry::new(camera)),
        None => Answer::error(StatusCode::NotFound, "there is no such camera"),
    }
}
