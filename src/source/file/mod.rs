//! Video files and folders of JPEGs, in a loop at the recorded rate.
//!
//! A thread reads ahead by a few pictures; each goes to the decoder, or as JPEG to the hub, when it is
//! due. The file is opened anew for each round, so that one that has changed shows at the next.

mod folder;
mod reader;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_lite::future::or;
use smol::channel::Receiver;

use super::coded::Coded;
use super::pace::Pace;
use super::thread;
use crate::camera::lost::{FileLost, Lost};
use crate::camera::stop::Stop;
use crate::clock::Monotonic;
use crate::config::Picture;
use crate::frame::{Frame, Kind};
use crate::hub::{Hub, Opened};
use crate::mjpeg;
use crate::picture::Shape;
use crate::rtp::{AccessUnit, Codec};
use crate::turn::Turn;
use reader::{Item, Reader};

/// Pictures that are read ahead: enough for a disk that has to spin up now and then at ordinary rates
/// would be dozens; a card or a network share needs few.
const AHEAD_MAX: usize = 8;

/// A picture that is later than this moves all that follow it: the machine slept, or the file did not
/// come in time.
const LATE_MAX: Duration = Duration::from_secs(1);

/// A file that is played for this long without giving a picture has none.
const NO_PICTURE_MAX: Duration = Duration::from_secs(10);

/// One file or folder.
#[derive(Debug)]
pub struct Source {
    name: String,
    path: PathBuf,
    picture: Picture,
}

impl Source {
    /// A source that plays this file.
    pub fn new(name: &str, path: &Path, picture: &Picture) -> Self {
        Self { name: name.to_owned(), path: path.to_owned(), picture: picture.clone() }
    }

    /// Delivers until `stop` is requested.
    ///
    /// # Errors
    /// Why no more pictures come.
    pub async fn run(&self, hub: &Arc<Hub>, stop: &Stop) -> Result<(), Lost> {
        let (items, receiver) = smol::channel::bounded(AHEAD_MAX);
        let reader = Reader::new(&self.path, self.picture.fps, items.clone());
        thread::spawn(&format!("file {}", self.name), move || {
            if let Err(lost) = thread::guarded(|| reader.run()) {
                // Nobody listens once the source has been stopped.
                let _ = items.send_blocking(Err(lost));
            }
        })?;
        let stopped = async {
            stop.requested().await;
            Ok(())
        };
        or(stopped, self.play(hub, receiver)).await
    }

    async fn play(&self, hub: &Arc<Hub>, items: Receiver<Result<Item, Lost>>) -> Result<(), Lost> {
        let clock = hub.clock();
        let mut player = Player::new(self, hub);
        let mut begin = clock.now();
        let mut turn = Turn::new(clock);
        while let Ok(item) = items.recv().await {
            // A file may say that all of its pictures are due at once.
            turn.step().await;
            let item = item?;
            let late = clock.now().since(begin + item.due);
            if late > LATE_MAX {
                begin = begin + late;
            }
            let due = begin + item.due;
            clock.sleep_until(due).await;
            let round = item.round;
            player.show(item, due)?;
            player.check(round)?;
        }
        Err(self.no_video("reading it ended unexpectedly".to_owned()))
    }

    fn no_video(&self, problem: String) -> Lost {
        FileLost::NoVideo { path: self.path.clone(), problem }.into()
    }
}

/// Shows the pictures of a file.
struct Player<'a> {
    source: &'a Source,
    hub: &'a Arc<Hub>,
    coded: Option<((Codec, Shape), Coded)>,
    pace: Pace,
    size: (u32, u32),
    /// Pictures of the hub, when their number last changed.
    frames: (u64, Monotonic),
    problem: Option<String>,
}

impl<'a> Player<'a> {
    fn new(source: &'a Source, hub: &'a Arc<Hub>) -> Self {
        Self {
            source,
            hub,
            coded: None,
            pace: Pace::new(source.picture.fps),
            size: (0, 0),
            frames: (hub.frames(), hub.clock().now()),
            problem: None,
        }
    }

    fn show(&mut self, item: Item, due: Monotonic) -> Result<(), Lost> {
        if item.codec == Codec::Jpeg {
            self.jpeg(&item.data, due);
            return Ok(());
        }
        let Source { name, picture, .. } = self.source;
        let kind = (item.codec, item.shape);
        if self.coded.as_ref().is_none_or(|(before, _)| *before != kind) {
            self.coded = Some((kind, Coded::start(name, self.hub, picture, item.codec, item.shape)?));
        }
        let Some((_, coded)) = &self.coded else { return Ok(()) };
        let unit = AccessUnit {
            codec: item.codec,
            data: item.data,
            timestamp: 0,
            arrived: due,
            is_key: item.is_key,
            is_hidden: item.is_hidden,
            discontinuity: false,
            new_parameter_sets: false,
            is_disposable: false,
        };
        // What is dropped is counted there; the next key picture goes on.
        if !coded.push(unit)
            && let Some(lost) = coded.failure()
        {
            return Err(match lost {
                Lost::Unsupported(problem) => self.source.no_video(problem),
                other => other,
            });
        }
        Ok(())
    }

    fn jpeg(&mut self, data: &[u8], due: Monotonic) {
        if !self.pace.admits(due) {
            return;
        }
        let mut jpeg = self.hub.pool().take();
        let info = match mjpeg::mend(data, &mut jpeg) {
            Ok(info) => info,
            Err(damaged) => {
                self.problem = Some(damaged.to_string());
                return self.hub.count_bad();
            }
        };
        let (width, height) = (info.width, info.height);
        if self.size != (width, height) {
            self.size = (width, height);
            self.hub.set_opened(Opened { width, height, format: Codec::Jpeg.name().to_owned() });
        }
        if self.hub.publish(Frame::new(jpeg, self.hub.clock(), due, width, height, Kind::Picture)) {
            log::log!(self.hub.log_level(), "camera {}: live, JPEG {width}x{height}", self.source.name);
        }
    }

    /// Whether there are pictures at all. A short file needs more than one round for its first.
    fn check(&mut self, round: u64) -> Result<(), Lost> {
        let (frames, now) = (self.hub.frames(), self.hub.clock().now());
        if frames != self.frames.0 {
            self.frames = (frames, now);
        } else if round >= 2 && now.since(self.frames.1) > NO_PICTURE_MAX {
            let damage = self.coded.as_ref().and_then(|(_, coded)| coded.last_damage());
            let problem = damage.or_else(|| self.problem.take());
            return Err(self.source.no_video(problem.unwrap_or_else(|| "no whole picture in it".to_owned())));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
