//! `pinhole probe`.

use std::cell::Cell;
use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use futures_lite::future::or;
use serde_json::{Value, json};

use super::snapshot::{find, first_picture, with_source};
use super::{Failure, advice, print, said_of};
use crate::camera::lost::Lost;
use crate::camera::{Camera, Report};
use crate::clock::Clock;
use crate::config::{Picture, SourceSpec};
use crate::frame::Frame;
use crate::rtsp::{Media, Step};
use crate::source::{Source, rtsp};

/// How long to measure the rate after the first picture.
const MEASURE: Duration = Duration::from_secs(3);

/// How long to measure a camera that sends fewer than two pictures in that time.
const MEASURE_MAX: Duration = Duration::from_secs(12);

/// How often to check whether a slow camera has sent another picture.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The measurements.
struct Measured {
    first: Arc<Frame>,
    first_after: Duration,
    /// The part of the wait that was for a key picture.
    key_wait: Duration,
    rate: Rate,
    seen: Report,
}

/// Pictures published after the first, and when.
#[derive(Debug, Clone, Copy)]
struct Rate {
    pictures: u64,
    measured: Duration,
    /// Time since the last one.
    still: Duration,
}

impl Rate {
    /// Pictures per second up to the last one; includes the time after it if that is longer than a pause.
    fn fps(self) -> Option<f64> {
        let time = if self.stands_still() { self.measured } else { self.measured.saturating_sub(self.still) };
        let fps = self.pictures as f64 / time.as_secs_f64();
        (self.pictures > 0 && fps.is_finite()).then_some((fps * 100.0).round() / 100.0)
    }

    fn stands_still(self) -> bool {
        let mean = (self.measured.saturating_sub(self.still))
            / u32::try_from(self.pictures.max(1)).unwrap_or(u32::MAX);
        self.pictures == 0 || self.still > mean * 4 + Duration::from_millis(200)
    }

    fn text(self) -> String {
        let seconds = self.measured.as_secs();
        match self.fps() {
            None => format!("no further picture within {seconds} s"),
            Some(fps) if self.stands_still() => format!(
                "{fps} fps, measured over {seconds} s, but none for the last {:.1} s",
                self.still.as_secs_f64()
            ),
            Some(fps) => format!("{fps} fps, measured over {seconds} s"),
        }
    }
}

/// Opens a source and shows what it delivers; if nothing comes, shows how far it got and why.
pub fn run(source: SourceSpec, json: bool, picture: &Picture) -> Result<(), Failure> {
    let (label, spec) = (source.to_string(), source.clone());
    let (measured, session) = smol::block_on(async {
        let source = match find(source, picture).await {
            Ok(source) => source,
            Err(lost) => return (Err(lost), None),
        };
        let measured = with_source(&source, picture, measure).await;
        (measured, if let Source::Rtsp(source) = source { Some(source.report()) } else { None })
    });
    match measured {
        Ok(measured) if json => print(&format!("{}\n", measured.json(&label, session.as_ref()))),
        Ok(measured) => print(&measured.text(&label, session.as_ref())),
        Err(lost) => {
            print(&if json {
                format!("{}\n", failed_json(&label, &lost, &spec, session.as_ref()))
            } else {
                failed_text(&label, &lost, &spec, session.as_ref())
            })?;
            Err(Failure::Other(said_of(&label, &lost)))
        }
    }
}

async fn measure(camera: &Arc<Camera>, clock: &Clock) -> Result<Measured, Lost> {
    let begin = clock.now();
    let key_wait = Cell::new(Duration::ZERO);
    let first = or(first_picture(camera, clock), say_key_wait(camera, clock, &key_wait)).await?;
    // Without a viewer, pictures would be counted and not decoded.
    let _viewer = camera.watch();
    let (shown, before) = (clock.now(), camera.frames());
    clock.sleep(MEASURE).await;
    let measured = || clock.now().since(shown);
    while camera.frames() < before + 2 && measured() < MEASURE_MAX {
        clock.sleep(LOOK_EVERY).await;
    }
    let seen = camera.report(clock.now());
    let (pictures, measured) = (seen.frames.saturating_sub(before), measured());
    let still = seen.last_frame_age.unwrap_or(measured).min(measured);
    let rate = Rate { pictures, measured, still };
    Ok(Measured { first, first_after: shown.since(begin), key_wait: key_wait.get(), rate, seen })
}

/// Reports a wait for a key picture, and records how long it takes. Does not return.
async fn say_key_wait<T>(camera: &Arc<Camera>, clock: &Clock, waited: &Cell<Duration>) -> T {
    camera.until(|camera| camera.report(clock.now()).key_wait.is_some()).await;
    let words = "the camera sends pictures; waiting for a key picture, without which no other can be shown";
    let _ = writeln!(std::io::stderr(), "{words}");
    loop {
        if let Some(wait) = camera.report(clock.now()).key_wait {
            waited.set(wait);
        }
        clock.sleep(LOOK_EVERY).await;
    }
}

fn failed_json(label: &str, lost: &Lost, spec: &SourceSpec, session: Option<&rtsp::Report>) -> Value {
    let advice = advice::what_to_try(lost, spec);
    let mut report = json!({
        "source": label, "error": lost.to_string(), "reason_code": lost.code().word(), "try": advice,
    });
    if let Some(session) = session {
        report["rtsp"] = session_json(session);
    }
    report
}

fn failed_text(label: &str, lost: &Lost, spec: &SourceSpec, session: Option<&rtsp::Report>) -> String {
    let mut text = said_of(label, &"no picture\n");
    if let Some(session) = session {
        text += &session_text(session);
    }
    for hint in advice::what_to_try(lost, spec) {
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

    fn json(&self, label: &str, session: Option<&rtsp::Report>) -> Value {
        let mut report = json!({
            "source": label, "format": self.format(), "width": self.first.width, "height": self.first.height,
            "fps": self.rate.fps(), "stands_still": self.rate.stands_still(),
            "key_picture_wait_seconds": self.key_wait.as_secs_f64(), "first_frame_seconds": self.first_after.as_secs_f64(),
            "frame_bytes": self.first.jpeg.len(), "frames_total": self.seen.frames,
            "frames_bad_total": self.seen.bad, "frames_dropped_total": self.seen.dropped,
        });
        if let Some(session) = session {
            report["rtsp"] = session_json(session);
        }
        report
    }

    fn text(&self, label: &str, session: Option<&rtsp::Report>) -> String {
        let waited = match self.key_wait.as_secs() {
            0 => String::new(),
            seconds => format!(", of which {seconds} s for a key picture"),
        };
        let (width, height) = (self.first.width, self.first.height);
        let mut text = format!("{label}\n  picture: {width}x{height}, {}\n", self.origin());
        if let Some(session) = session {
            text += &session_text(session);
        }
        let _ = write!(
            text,
            "  rate: {}\n  first picture: after {:.2} s{waited}, {} kB as JPEG\n  \
             damaged pictures: {}, skipped: {}\n",
            self.rate.text(),
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
        json["codec"] = status.encoding.map(crate::rtp::Encoding::name).into();
        json["profile"] = status.format.and_then(|format| format.profile_name()).into();
        json["coded_width"] = status.format.map(|format| format.size().0).into();
        json["coded_height"] = status.format.map(|format| format.size().1).into();
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
        let (width, height) = format.size();
        let _ = writeln!(text, "  coded: {}{profile} {width}x{height}", format.encoding().name());
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Issue 10, number 17: the rate counts pictures shown, not the packets of a camera whose picture stands
    /// still.
    #[test]
    fn the_rate_counts_pictures_up_to_the_end() {
        let text = |pictures, measured, still| {
            let ms = Duration::from_millis;
            Rate { pictures, measured: ms(measured), still: ms(still) }.text()
        };
        assert_eq!(text(90, 3010, 10), "30 fps, measured over 3 s");
        assert_eq!(text(5, 3000, 500), "2 fps, measured over 3 s");
        assert_eq!(text(2, 10_500, 500), "0.2 fps, measured over 10 s");
        assert_eq!(text(15, 3000, 2000), "5 fps, measured over 3 s, but none for the last 2.0 s");
        assert_eq!(text(0, 12_000, 12_000), "no further picture within 12 s");
    }
}
