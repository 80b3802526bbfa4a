//! `pinhole probe`.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::snapshot::{find, first_picture, with_source};
use super::{Failure, advice, print, said_of};
use crate::camera::lost::Lost;
use crate::config::{Picture, SourceSpec};
use crate::frame::Frame;
use crate::hub::{Hub, Snapshot};
use crate::rtsp::{Media, Step};
use crate::source::{Source, rtsp};

/// How long the rate is measured, once pictures come.
const MEASURE: Duration = Duration::from_secs(3);

/// What was measured.
struct Measured {
    first: Arc<Frame>,
    first_after: Duration,
    seen: Snapshot,
}

/// Opens a source and shows what it delivers; where nothing comes, how far it got, and why.
pub fn run(source: SourceSpec, json: bool, picture: &Picture) -> Result<(), Failure> {
    let label = source.to_string();
    let (measured, session) = smol::block_on(async {
        let source = match find(source, picture).await {
            Ok(source) => source,
            Err(lost) => return (Err(lost), None),
        };
        let measured = with_source(&source, measure).await;
        (measured, if let Source::Rtsp(source) = source { Some(source.report()) } else { None })
    });
    match measured {
        Ok(measured) if json => print(&format!("{}\n", measured.json(&label, session.as_ref()))),
        Ok(measured) => print(&measured.text(&label, session.as_ref())),
        Err(lost) => {
            print(&if json {
                format!("{}\n", failed_json(&label, &lost, session.as_ref()))
            } else {
                failed_text(&label, &lost, session.as_ref())
            })?;
            Err(Failure::Other(said_of(&label, &lost)))
        }
    }
}

async fn measure(hub: &Arc<Hub>) -> Result<Measured, Lost> {
    let begin = hub.clock().now();
    let first = first_picture(hub).await?;
    let first_after = hub.clock().now().since(begin);
    hub.clock().sleep(MEASURE).await;
    Ok(Measured { first, first_after, seen: hub.snapshot() })
}

fn failed_json(label: &str, lost: &Lost, session: Option<&rtsp::Report>) -> Value {
    let mut report = json!({ "source": label, "error": lost.to_string(), "try": advice::what_to_try(lost) });
    if let Some(session) = session {
        report["rtsp"] = session_json(session);
    }
    report
}

fn failed_text(label: &str, lost: &Lost, session: Option<&rtsp::Report>) -> String {
    let mut text = said_of(label, &"no picture\n");
    if let Some(session) = session {
        text += &session_text(session);
    }
    for hint in advice::what_to_try(lost) {
        let _ = writeln!(text, "  try: {hint}");
    }
    text
}

impl Measured {
    fn format(&self) -> &str {
        self.seen.opened.as_ref().map_or("", |opened| &opened.format)
    }

    /// What the source delivers, in words.
    fn origin(&self) -> String {
        match self.format() {
            "TEST" => "drawn here".to_owned(),
            "" => "of unknown format".to_owned(),
            format => format!("from {format}"),
        }
    }

    fn fps(&self) -> Option<f64> {
        self.seen.fps.map(|fps| (fps * 100.0).round() / 100.0)
    }

    fn json(&self, label: &str, session: Option<&rtsp::Report>) -> Value {
        let mut report = json!({
            "source": label, "format": self.format(), "width": self.first.width, "height": self.first.height,
            "fps": self.fps(), "first_frame_seconds": self.first_after.as_secs_f64(),
            "frame_bytes": self.first.jpeg.len(), "frames_total": self.seen.frames,
            "frames_bad_total": self.seen.bad, "frames_dropped_total": self.seen.dropped,
        });
        if let Some(session) = session {
            report["rtsp"] = session_json(session);
        }
        report
    }

    fn text(&self, label: &str, session: Option<&rtsp::Report>) -> String {
        let fps = self.fps().map_or("unknown".to_owned(), |fps| fps.to_string());
        let (width, height) = (self.first.width, self.first.height);
        let mut text = format!("{label}\n  picture: {width}x{height}, {}\n", self.origin());
        if let Some(session) = session {
            text += &session_text(session);
        }
        let _ = write!(
            text,
            "  rate: {fps} fps, measured over {} s\n  first picture: after {:.2} s, {} kB as JPEG\n  \
             damaged pictures: {}, skipped: {}\n",
            MEASURE.as_secs(),
            self.first_after.as_secs_f64(),
            self.first.jpeg.len() / 1000,
            self.seen.bad,
            self.seen.dropped,
        );
        text
    }
}

fn session_json(report: &rtsp::Report) -> Value {
    let media = |media: &Media| json!({ "kind": media.kind, "encoding": media.encoding, "clock_rate": media.clock_rate });
    let offers: Vec<Value> =
        report.description.iter().flat_map(|description| &description.media).map(media).collect();
    let mut json = json!({ "offers": offers, "transport": report.transport.map(|it| it.to_string()) });
    if let Some(status) = &report.status {
        json["step"] = status.step.to_string().into();
        json["server"] = status.server.clone().into();
        json["redirected_to"] = status.redirected_to.clone().into();
        json["authentication"] = status.authentication.map(|scheme| scheme.to_string()).into();
        json["codec"] = status.codec.map(crate::rtp::Codec::name).into();
        json["profile"] = status.format.and_then(|format| format.profile_name()).into();
        json["coded_width"] = status.format.map(|format| format.width).into();
        json["coded_height"] = status.format.map(|format| format.height).into();
        let packets = &status.packets;
        json["packets"] = json!({
            "received": packets.packets, "lost": packets.lost, "reordered": packets.reordered,
            "late": packets.late, "bad": packets.bad, "jitter_ms": packets.jitter.as_secs_f64() * 1000.0,
        });
        json["garbage_bytes"] = status.ignored.garbage_bytes.into();
    }
    json
}

fn session_text(report: &rtsp::Report) -> String {
    let mut text = String::new();
    let Some(status) = &report.status else { return text };
    if let Some(host) = &status.redirected_to {
        let _ = writeln!(text, "  redirected to: {host}");
    }
    if let Some(server) = &status.server {
        let _ = writeln!(text, "  server: {server}");
    }
    if let Some(description) = &report.description {
        let _ = writeln!(text, "  offers: {}", description.offered());
    }
    if let Some(format) = status.format {
        let profile = format.profile_name().map_or(String::new(), |name| format!(" {name}"));
        let _ =
            writeln!(text, "  coded: {}{profile} {}x{}", format.codec.name(), format.width, format.height);
    }
    if status.step != Step::Connecting {
        let scheme = status.authentication.map_or("none".to_owned(), |scheme| scheme.to_string());
        let _ = writeln!(text, "  transport: {}, authentication: {scheme}", status.transport);
    }
    if status.step != Step::Playing {
        let _ = writeln!(text, "  ended at: {}", status.step);
        return text;
    }
    let packets = &status.packets;
    let _ = writeln!(
        text,
        "  packets: {} received, {} lost, {} reordered, {} bad, jitter {:.1} ms",
        packets.packets,
        packets.lost,
        packets.reordered,
        packets.bad,
        packets.jitter.as_secs_f64() * 1000.0,
    );
    if let Some(error) = &status.last_packet_error {
        let _ = writeln!(text, "  last bad packet: {error}");
    }
    text
}
