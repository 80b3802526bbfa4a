//! Health in Prometheus's format, from the same value as the JSON.
//!
//! Two formats that differ little: the text format 0.0.4, and OpenMetrics 1.0, which names counters without
//! `_total` in their descriptions and ends with `# EOF`. Unknown values have no line.

use std::fmt::{Display, Write};

use super::{CameraHealth, Report, Status};

/// A camera's states, in the words of `State::word`.
const STATES: [&str; 4] = ["idle", "starting", "live", "lost"];

/// The text format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Version 0.0.4.
    Prometheus,
    /// Version 1.0.0.
    OpenMetrics,
}

impl Format {
    /// The preferred format of an `Accept` value.
    pub fn accepted(accept: &str) -> Self {
        let weight = |name: &str| {
            let named =
                accept.split(',').filter(|part| part.split(';').next().unwrap_or_default().trim() == name);
            named.map(quality).fold(0.0, f32::max)
        };
        let open = weight("application/openmetrics-text");
        if open > 0.0 && open >= weight("text/plain") { Self::OpenMetrics } else { Self::Prometheus }
    }

    /// Its content type.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// The weight of one part of `Accept`. RFC 9110 section 12.4.2.
fn quality(part: &str) -> f32 {
    let named = part.split(';').skip(1).find_map(|parameter| parameter.trim().strip_prefix("q="));
    named.map_or(1.0, |weight| weight.trim().parse().unwrap_or(0.0))
}

/// The report in this format.
pub fn text(report: &Report, format: Format) -> String {
    let mut page = Page { text: String::new(), format };
    page.gauge("build_info", "Version of Pinhole.", [(labels(&[("version", report.version)]), Some(1.0))]);
    page.gauge("uptime_seconds", "Time since the start.", [(String::new(), Some(report.uptime_seconds))]);
    let statuses = [("ok", Status::Ok), ("degraded", Status::Degraded), ("failed", Status::Failed)];
    page.gauge(
        "status",
        "1 for what health says: ok, degraded (some cameras are lost) or failed (all are).",
        statuses.map(|(word, status)| (labels(&[("status", word)]), Some(is(status == report.status)))),
    );
    page.cameras(&report.cameras);
    page.http(report);
    page.system(report);
    if format == Format::OpenMetrics {
        page.text.push_str("# EOF\n");
    }
    page.text
}

struct Page {
    text: String,
    format: Format,
}

/// A series: its labels, and its value if known.
type Series = (String, Option<f64>);

impl Page {
    fn cameras(&mut self, cameras: &[CameraHealth]) {
        let each = |value: &dyn Fn(&CameraHealth) -> Option<f64>| -> Vec<Series> {
            cameras.iter().map(|camera| (labels(&[("camera", &camera.name)]), value(camera))).collect()
        };
        let states = cameras.iter().flat_map(|camera| {
            STATES.map(|word| {
                (labels(&[("camera", &camera.name), ("state", word)]), Some(is(word == camera.state)))
            })
        });
        self.gauge("camera_state", "1 for the state that the camera is in.", states);
        let reasons = cameras.iter().filter_map(|camera| {
            let reason = camera.reason_code?;
            Some((labels(&[("camera", &camera.name), ("reason", reason)]), Some(1.0)))
        });
        self.gauge("camera_reason", "1 for the reason why the camera gives no picture.", reasons);
        let info = cameras.iter().map(|camera| {
            let format = camera.format.as_deref().unwrap_or_default();
            (labels(&[("camera", &camera.name), ("source", &camera.source), ("format", format)]), Some(1.0))
        });
        self.gauge("camera_info", "Source, without secrets, and format of the camera.", info);
        self.gauge("camera_width_pixels", "Width of its pictures.", each(&|it| it.width.map(f64::from)));
        self.gauge("camera_height_pixels", "Height of its pictures.", each(&|it| it.height.map(f64::from)));
        self.gauge("camera_frames_per_second", "Measured rate.", each(&|it| it.fps));
        self.gauge(
            "camera_last_frame_age_seconds",
            "Age of the newest picture.",
            each(&|it| it.last_frame_age_seconds),
        );
        self.gauge("camera_viewers", "Connections that watch.", each(&|it| Some(it.viewers as f64)));
        self.counter("camera_frames", "Pictures published.", each(&|it| Some(it.frames_total as f64)));
        self.counter(
            "camera_frames_bad",
            "Pictures that came damaged and were left out.",
            each(&|it| Some(it.frames_bad_total as f64)),
        );
        self.counter(
            "camera_frames_dropped",
            "Pictures that the driver or a busy encoder skipped.",
            each(&|it| Some(it.frames_dropped_total as f64)),
        );
        self.counter(
            "camera_reconnects",
            "Times that the camera came back after it was lost.",
            each(&|it| Some(it.reconnects_total as f64)),
        );
        self.latencies(cameras);
    }

    /// A summary: quantiles of the last deliveries, sum and count of all.
    fn latencies(&mut self, cameras: &[CameraHealth]) {
        let name = "camera_latency_seconds";
        let mut is_described = false;
        for camera in cameras {
            let latency = &camera.latency_ms;
            let (Some(p50), Some(p99)) = (latency.p50, latency.p99) else { continue };
            if !std::mem::replace(&mut is_described, true) {
                self.describe(name, "summary", "From a picture's capture until a viewer's socket had it.");
            }
            for (quantile, milliseconds) in [("0.5", p50), ("0.99", p99)] {
                let labels = labels(&[("camera", &camera.name), ("quantile", quantile)]);
                self.line(name, "", &labels, milliseconds / 1000.0);
            }
            let labels = labels(&[("camera", &camera.name)]);
            self.line(name, "_sum", &labels, latency.sum_seconds);
            self.line(name, "_count", &labels, latency.count as f64);
        }
    }

    fn http(&mut self, report: &Report) {
        let http = &report.http;
        self.one("http_connections", "Connections at present.", Some(http.connections as f64));
        self.one(
            "http_connections_max",
            "Connections that are taken at a time.",
            Some(http.connections_max as f64),
        );
        let total = |value: u64| [(String::new(), Some(value as f64))];
        self.counter(
            "http_connections_refused",
            "Connections refused because there were too many.",
            total(http.connections_refused_total),
        );
        self.counter(
            "http_connections_evicted",
            "Connections closed because their places went to others.",
            total(http.connections_evicted_total),
        );
        self.counter("http_sent_bytes", "Bytes sent to clients.", total(http.bytes_sent_total));
    }

    fn system(&mut self, report: &Report) {
        let system = &report.system;
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let info = labels(&[
            ("model", &text(&system.model)),
            ("image_version", &text(&system.image_version)),
            ("boot_slot", &text(&system.boot_slot)),
        ]);
        self.gauge("system_info", "The machine.", [(info, Some(1.0))]);
        let bytes = |value: Option<u64>| value.map(|bytes| bytes as f64);
        self.one(
            "system_cpu_ratio",
            "Share of the machine's processors in use.",
            system.cpu_percent.map(|it| it / 100.0),
        );
        self.one("system_load1", "Load average of one minute.", system.load_1m);
        self.one("system_memory_bytes", "The machine's memory.", bytes(system.memory_total_bytes));
        self.one(
            "system_memory_available_bytes",
            "Memory that is available.",
            bytes(system.memory_available_bytes),
        );
        let mistakes = system.configuration_errors.as_ref().map_or(0, Vec::len);
        self.one(
            "configuration_mistakes",
            "Mistakes of the configuration that wait to be mended.",
            Some(mistakes as f64),
        );
        self.one("resident_memory_bytes", "Memory that Pinhole uses.", bytes(system.resident_bytes));
        self.one("system_temperature_celsius", "The processor's temperature.", system.temperature_celsius);
        self.one(
            "system_under_voltage",
            "1 while the power supply is too weak.",
            system.under_voltage.map(is),
        );
        self.one(
            "system_clock_synchronised",
            "1 if the clock was set over the network since the boot.",
            system.clock_synchronised.map(is),
        );
    }

    fn one(&mut self, name: &str, help: &str, value: Option<f64>) {
        self.gauge(name, help, [(String::new(), value)]);
    }

    fn gauge(&mut self, name: &str, help: &str, series: impl IntoIterator<Item = Series>) {
        self.family(name, "gauge", "", help, series);
    }

    fn counter(&mut self, name: &str, help: &str, series: impl IntoIterator<Item = Series>) {
        self.family(name, "counter", "_total", help, series);
    }

    fn family(
        &mut self,
        name: &str,
        kind: &str,
        suffix: &str,
        help: &str,
        series: impl IntoIterator<Item = Series>,
    ) {
        let mut is_described = false;
        for (labels, value) in series {
            let Some(value) = value else { continue };
            if !std::mem::replace(&mut is_described, true) {
                match self.format {
                    Format::Prometheus => self.describe(&format!("{name}{suffix}"), kind, help),
                    Format::OpenMetrics => self.describe(name, kind, help),
                }
            }
            self.line(name, suffix, &labels, value);
        }
    }

    fn describe(&mut self, name: &str, kind: &str, help: &str) {
        self.write(format_args!("# HELP pinhole_{name} {help}\n# TYPE pinhole_{name} {kind}\n"));
    }

    fn line(&mut self, name: &str, suffix: &str, labels: &str, value: f64) {
        self.write(format_args!("pinhole_{name}{suffix}{labels} {value}\n"));
    }

    fn write(&mut self, line: impl Display) {
        // Writing to a string cannot fail.
        let _ = write!(self.text, "{line}");
    }
}

const fn is(condition: bool) -> f64 {
    if condition { 1.0 } else { 0.0 }
}

fn labels(pairs: &[(&str, &str)]) -> String {
    let each: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
    format!("{{{}}}", each.join(","))
}

/// Escapes a label's value: backslash, double quote and line feed.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_follows_accept() {
        let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        assert_eq!(Format::accepted(prometheus), Format::OpenMetrics);
        for other in [
            "",
            "*/*",
            "text/plain",
            "text/html,*/*",
            "application/openmetrics-text;q=0",
            "text/plain,application/openmetrics-text;q=0.9",
        ] {
            assert_eq!(Format::accepted(other), Format::Prometheus, "{other}");
        }
    }

    #[test]
    fn labels_are_escaped() {
        assert_eq!(labels(&[("a", "b\"\\\nc"), ("d", "")]), r#"{a="b\"\\\nc",d=""}"#);
    }
}
