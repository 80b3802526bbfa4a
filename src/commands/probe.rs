//! `pinhole probe`.

use std::time::Duration;

use serde_json::json;

use super::snapshot::{first_picture, with_source};
use super::{Failure, print};
use crate::config::{Picture, SourceSpec};

/// How long the rate is measured, once pictures come.
const MEASURE: Duration = Duration::from_secs(3);

/// Opens a source and says what it delivers.
pub fn run(source: SourceSpec, json: bool, picture: &Picture) -> Result<(), Failure> {
    let label = source.to_string();
    let measured = smol::block_on(with_source(source, picture, async |hub| {
        let begin = hub.clock().now();
        let first = first_picture(hub).await?;
        let first_after = hub.clock().now().since(begin);
        hub.clock().sleep(MEASURE).await;
        Ok((first, first_after, hub.snapshot()))
    }));
    let (first, first_after, seen) = match measured {
        Ok(measured) => measured,
        Err(why) if json => {
            print(&format!("{}\n", json!({ "source": label, "error": why })))?;
            return Err(Failure::Other(format!("{label}: {why}")));
        }
        Err(why) => return Err(Failure::Other(format!("{label}: {why}"))),
    };
    let format = seen.opened.map_or_else(String::new, |opened| opened.format);
    let fps = seen.fps.map(|fps| (fps * 100.0).round() / 100.0);
    if json {
        let report = json!({
            "source": label, "format": format, "width": first.width, "height": first.height, "fps": fps,
            "first_frame_seconds": first_after.as_secs_f64(), "frame_bytes": first.jpeg.len(),
            "frames_total": seen.frames, "frames_bad_total": seen.bad, "frames_dropped_total": seen.dropped,
        });
        return print(&format!("{report}\n"));
    }
    let fps = fps.map_or("unknown".to_owned(), |fps| fps.to_string());
    print(&format!(
        "{label}: {format} {}x{}\n  rate: {fps} fps measured over {} s\n  first picture: after {:.2} s\n  \
         picture: {} kB as JPEG\n  damaged: {}, skipped: {}\n",
        first.width,
        first.height,
        MEASURE.as_secs(),
        first_after.as_secs_f64(),
        first.jpeg.len() / 1000,
        seen.bad,
        seen.dropped,
    ))
}
