//! Reads a file or a folder, round after round.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use smol::channel::Sender;

use super::folder;
use crate::camera::lost::{FileLost, Lost};
use crate::decode::demux::{Coded, CodedPicture, Demuxer};
use crate::limits;
use crate::picture::Shape;
use crate::video::Codec;

/// Default pictures per second of a folder.
const FOLDER_FPS_DEFAULT: u32 = 10;

/// Ends a sequence of H.265 (7.3.2.6: a NAL unit of type 36): pictures of the next round must not refer to
/// those of the last.
const END_OF_SEQUENCE: [u8; 6] = [0, 0, 0, 1, 36 << 1, 1];

/// A coded picture and its due time.
#[derive(Debug)]
pub(super) struct Item {
    pub data: Coded,
    pub is_key: bool,
    pub is_hidden: bool,
    pub shape: Shape,
    /// Since the first picture of the first round.
    pub due: Duration,
    /// Counts from 0.
    pub round: u64,
}

/// Reads one file or folder.
pub(super) struct Reader {
    path: PathBuf,
    fps: Option<u32>,
    items: Sender<Result<Item, Lost>>,
}

/// The start and length of a round.
struct Round {
    number: u64,
    begin: Duration,
    pictures: u64,
    end: Duration,
}

/// Why reading ends.
enum End {
    /// The receiver is gone: the source was stopped.
    Stopped,
    Lost(Lost),
}

impl From<Lost> for End {
    fn from(lost: Lost) -> Self {
        Self::Lost(lost)
    }
}

impl Reader {
    pub fn new(path: &Path, fps: Option<u32>, items: Sender<Result<Item, Lost>>) -> Self {
        Self { path: path.to_owned(), fps, items }
    }

    /// Reads until the source is stopped.
    pub fn run(self) -> Result<(), Lost> {
        let mut begin = Duration::ZERO;
        for number in 0.. {
            let mut round = Round { number, begin, pictures: 0, end: begin };
            match self.round(&mut round) {
                Ok(()) => {}
                Err(End::Stopped) => return Ok(()),
                Err(End::Lost(lost)) => return Err(lost),
            }
            if round.pictures == 0 {
                return Err(self.no_video("no key picture in it".to_owned()));
            }
            begin = round.end;
        }
        Ok(())
    }

    fn round(&self, round: &mut Round) -> Result<(), End> {
        let metadata = std::fs::metadata(&self.path).map_err(|error| self.unreadable(&error))?;
        if metadata.is_dir() {
            let pictures = folder::pictures(&self.path).map_err(|error| self.unreadable(&error))?;
            if pictures.is_empty() {
                return Err(self.no_video("a folder without a .jpg file".to_owned()).into());
            }
            return self.stills(&pictures, round);
        }
        if !metadata.is_file() {
            return Err(self.no_video("neither a file nor a folder".to_owned()).into());
        }
        if metadata.len() == 0 {
            return Err(self.no_video("it is empty".to_owned()).into());
        }
        if folder::is_jpeg(&self.path) {
            return self.stills(std::slice::from_ref(&self.path), round);
        }
        self.video(round)
    }

    fn stills(&self, pictures: &[PathBuf], round: &mut Round) -> Result<(), End> {
        let interval = Duration::from_secs(1) / self.fps.unwrap_or(FOLDER_FPS_DEFAULT).max(1);
        for path in pictures {
            // A file removed in the meantime is skipped.
            let Ok(data) = read(path) else { continue };
            let due = round.end;
            let picture = CodedPicture { data: Coded::Jpeg(data), is_key: true, is_hidden: false, due };
            self.send(round, Shape::default(), picture)?;
            round.end = due + interval;
        }
        Ok(())
    }

    fn video(&self, round: &mut Round) -> Result<(), End> {
        let file = File::open(&self.path).map_err(|error| self.unreadable(&error))?;
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let items = self.items.clone();
        let opened = Demuxer::open(file, &name, self.fps, move || items.is_closed());
        if self.items.is_closed() {
            return Err(End::Stopped);
        }
        let mut demuxer = opened.map_err(|problem| self.no_video(problem))?;
        let shape = demuxer.shape();
        // Pictures before the first key picture refer to missing ones.
        let mut next = demuxer.find(|picture| picture.is_key);
        while let Some(mut picture) = next {
            next = demuxer.next();
            if next.is_none()
                && let Coded::Video(Codec::H265, unit) = &mut picture.data
            {
                unit.append(&END_OF_SEQUENCE);
            }
            picture.due += round.begin;
            round.end = picture.due + demuxer.interval();
            self.send(round, shape, picture)?;
        }
        Ok(())
    }

    fn send(&self, round: &mut Round, shape: Shape, picture: CodedPicture) -> Result<(), End> {
        let CodedPicture { data, is_key, is_hidden, due } = picture;
        round.pictures += 1;
        let item = Item { data, is_key, is_hidden, shape, due, round: round.number };
        self.items.send_blocking(Ok(item)).map_err(|_| End::Stopped)
    }

    fn unreadable(&self, error: &io::Error) -> Lost {
        let path = self.path.clone();
        match error.kind() {
            io::ErrorKind::NotFound => FileLost::Missing { path },
            _ => FileLost::Unreadable { path, problem: error.to_string() },
        }
        .into()
    }

    fn no_video(&self, problem: String) -> Lost {
        FileLost::NoVideo { path: self.path.clone(), problem }.into()
    }
}

/// Reads a file, up to the ceiling of a JPEG: a longer one then fails the check too.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut data = Vec::new();
    File::open(path)?.take(limits::JPEG_MAX_BYTES as u64 + 1).read_to_end(&mut data)?;
    Ok(data)
}
