//! Video files and folders of JPEGs, played in a loop at the recorded rate.
//!
//! A thread reads a few pictures ahead; each goes to the decoder, or as JPEG to the relay, when it is due.
//! Each round opens the file again, so that a changed file shows in the next.

mod folder;
mod reader;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_lite::future::or;
use smol::channel::Receiver;

use super::coded::CodedDelivery;
use super::publisher::Publisher;
use super::relay::Relay;
use super::silence::What;
use super::thread;
use crate::camera::lost::{FileLost, Lost};
use crate::camera::stop::Stop;
use crate::clock::{Clock, Monotonic};
use crate::config::Picture;
use crate::decode::demux::Coded;
use crate::picture::Shape;
use crate::turn::Turn;
use crate::video::AccessUnit;
use reader::{Item, Reader};

/// Pictures to read ahead: a card or a network share needs only a few. Riding out a disk that spins up would
/// need dozens.
const AHEAD_MAX: usize = 8;

/// A picture later than this delays all that follow: the machine slept, or the file was slow to read.
const LATE_MAX: Duration = Duration::from_secs(1);

/// How long a file may play without a picture.
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
    pub async fn run(&self, publisher: &Arc<Publisher>, clock: &Clock, stop: &Stop) -> Result<(), Lost> {
        let (items, receiver) = smol::channel::bounded(AHEAD_MAX);
        let reader = Reader::new(&self.path, self.picture.fps, items.clone());
        thread::spawn(&format!("file {}", self.name), move || {
            if let Err(lost) = thread::guarded(|| reader.run()) {
                // The receiver is gone once the source is stopped.
                let _ = items.send_blocking(Err(lost));
            }
        })?;
        let stopped = async {
            stop.requested().await;
            Ok(())
        };
        let video = CodedDelivery::new(publisher, clock, &self.picture);
        or(stopped, or(video.follow(), self.play(publisher, &video, clock, receiver))).await
    }

    async fn play(
        &self,
        publisher: &Arc<Publisher>,
        video: &CodedDelivery,
        clock: &Clock,
        items: Receiver<Result<Item, Lost>>,
    ) -> Result<(), Lost> {
        let mut player = Player { source: self, publisher, video, relay: None };
        publisher.expect();
        let mut begin = clock.now();
        let mut turn = Turn::new(clock);
        while let Ok(item) = items.recv().await {
            // All pictures of a file may be due at once.
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
    publisher: &'a Arc<Publisher>,
    /// Where H.264 and H.265 go.
    video: &'a CodedDelivery,
    /// Passes JPEG through.
    relay: Option<Relay>,
}

impl Player<'_> {
    fn show(&mut self, item: Item, due: Monotonic) -> Result<(), Lost> {
        let Item { data, is_key, is_hidden, shape, .. } = item;
        match data {
            Coded::Jpeg(data) => self.jpeg(&data, due),
            Coded::Video(codec, data) => {
                let unit = AccessUnit { codec, data, arrived: due, is_key, is_hidden, discontinuity: false };
                self.video(unit, shape)
            }
        }
    }

    fn video(&mut self, unit: AccessUnit, shape: Shape) -> Result<(), Lost> {
        self.relay = None;
        self.video.push(unit, shape).map_err(|lost| match lost {
            Lost::Unsupported(problem) => self.source.no_video(problem),
            other => other,
        })
    }

    fn jpeg(&mut self, data: &[u8], due: Monotonic) -> Result<(), Lost> {
        let relay = match &mut self.relay {
            Some(relay) => relay,
            none => {
                self.publisher.set_format("JPEG");
                none.insert(Relay::start(self.publisher)?)
            }
        };
        if self.publisher.admits(due) {
            relay.push(data, due);
        }
        Ok(())
    }

    /// Gives up on a file without pictures. A short one may need more than one round for its first.
    fn check(&self, round: u64) -> Result<(), Lost> {
        let quiet = self.publisher.quiet_so_far();
        if round < 2 || quiet.time <= NO_PICTURE_MAX {
            return Ok(());
        }
        Err(self.source.no_video(match quiet.instead {
            What::Damaged { last, .. } => last,
            _ => "no whole picture in it".to_owned(),
        }))
    }
}

#[cfg(test)]
mod tests;
