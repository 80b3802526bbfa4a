//! `pinhole snapshot`.

use std::cell::Cell;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_lite::future::or;

use super::{Failure, said_of};
use crate::camera;
use crate::camera::lost::{LocalLost, Lost, NetworkLost, Task};
use crate::camera::stop::Stop;
use crate::clock::Clock;
use crate::config::{Camera, Picture, SourceSpec};
use crate::frame::{Frame, Kind};
use crate::source::publisher::Publisher;
use crate::source::{Source, Sources};

/// The first picture must arrive within this time. Opening may take a device seconds; a network camera has
/// its own time-outs, up to 30 s, whose errors say more.
const FIRST_PICTURE_MAX: Duration = Duration::from_secs(40);

/// Takes one picture of a source.
pub fn run(source: SourceSpec, output: &Path, picture: &Picture) -> Result<(), Failure> {
    let label = source.to_string();
    let taken = smol::block_on(async {
        let source = find(source, picture).await?;
        with_source(&source, picture, async |camera, clock| first_picture(camera, clock).await).await
    });
    let frame = taken.map_err(|lost| Failure::Other(said_of(&label, &lost)))?;
    let written = if output.as_os_str() == "-" {
        std::io::stdout().write_all(&frame.jpeg)
    } else {
        fs::write(output, &*frame.jpeg)
    };
    written.map_err(|error| Failure::Other(format!("{}: {error}", output.display())))
}

/// Opens a source alone, without the service, does `work` and closes it.
///
/// # Errors
/// Those of `work`, or why the source gave no pictures.
pub async fn with_source<T>(
    source: &Source,
    picture: &Picture,
    work: impl AsyncFnOnce(&Arc<camera::Camera>, &Clock) -> Result<T, Lost>,
) -> Result<T, Lost> {
    let (camera, clock) = (camera::Camera::on_demand("camera"), Clock::kernel());
    let publisher = Publisher::new(&camera, &clock, picture);
    let stop = Stop::new().map_err(|error| LocalLost::new(Task::OpenCamera, error))?;
    let ended = Cell::new(false);
    let mut running = pin!(async {
        let result = source.run(&publisher, &clock, &stop).await;
        ended.set(true);
        result
    });
    let refused = async { Err(publisher.refused().await) };
    let result = or(or(work(&camera, &clock), refused), async {
        (&mut running).await?;
        Err(Lost::Network(NetworkLost::Ended))
    })
    .await;
    stop.request();
    if !ended.get() {
        // The device is closed before the program reports success.
        let _ = running.await;
    }
    result
}

/// The source for this description, not yet opened.
///
/// # Errors
/// If the device does not exist.
pub async fn find(source: SourceSpec, picture: &Picture) -> Result<Source, Lost> {
    let camera = Camera::of(source, picture.clone());
    let name = camera.effective_name();
    let sources = Sources::new(&Clock::kernel());
    let source = sources.of(&camera, &name);
    let found = sources.rescan(std::slice::from_ref(&camera)).await;
    match source {
        Some(source) => Ok(source),
        None => Ok(sources.of_found(found.first().ok_or(Lost::NoCamera)?, &camera, &name)),
    }
}

/// The first picture of an opened source.
///
/// # Errors
/// If none arrives within the longest time that a source may take.
pub async fn first_picture(camera: &Arc<camera::Camera>, clock: &Clock) -> Result<Arc<Frame>, Lost> {
    let mut viewer = camera.watch();
    let picture = async {
        loop {
            let frame = viewer.next().await;
            if frame.kind == Kind::Picture {
                return Ok(frame);
            }
        }
    };
    let too_late = async {
        clock.sleep(FIRST_PICTURE_MAX).await;
        Err(Lost::Silent { seconds: FIRST_PICTURE_MAX.as_secs() })
    };
    or(picture, too_late).await
}
