//! A driver for tests, with scripted answers.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;

use rustix::io::Errno;

use super::{Api, Driver, Filled, Format, FrameInterval, FrameSize, Rate, flag};

/// A driver that answers from its fields.
pub struct Fake {
    pub formats: Vec<[u8; 4]>,
    /// Formats of the multi-planar API.
    pub planar: Vec<[u8; 4]>,
    pub sizes: Vec<FrameSize>,
    pub intervals: Vec<FrameInterval>,
    /// Repeats the last entry past the end of a list.
    pub is_endless: bool,
    /// The error that ends a list.
    pub list_error: Errno,
    pub given: Format,
    pub set_error: Option<Errno>,
    pub rate: Result<Rate, Errno>,
    questions: Cell<u32>,
    dequeued: RefCell<VecDeque<Result<Filled, Errno>>>,
    queued: RefCell<Vec<u32>>,
    forgotten: Cell<Option<u32>>,
}

impl Fake {
    /// Offers these formats in 640x480 at 30 fps and sets YUYV in 320x240.
    pub fn offering(formats: &[[u8; 4]]) -> Self {
        Self {
            formats: formats.to_vec(),
            planar: Vec::new(),
            sizes: vec![FrameSize::Discrete(640, 480)],
            intervals: vec![FrameInterval::Discrete((1, 30))],
            is_endless: false,
            list_error: Errno::INVAL,
            given: Format { fourcc: *b"YUYV", width: 320, height: 240, stride: 640, quantization: 0 },
            set_error: None,
            rate: Ok(Rate { interval: (1, 30), is_known: true }),
            questions: Cell::new(0),
            dequeued: RefCell::default(),
            queued: RefCell::default(),
            forgotten: Cell::new(None),
        }
    }

    /// Gives these answers to dequeue.
    pub fn dequeuing(answers: Vec<Result<Filled, Errno>>) -> Self {
        Self { dequeued: RefCell::new(answers.into()), ..Self::offering(&[*b"YUYV"]) }
    }

    pub fn has_answers(&self) -> bool {
        !self.dequeued.borrow().is_empty()
    }

    /// Queries of lists so far.
    pub fn questions(&self) -> u32 {
        self.questions.get()
    }

    /// The buffers that were queued, in order.
    pub fn queued(&self) -> Vec<u32> {
        self.queued.borrow().clone()
    }

    /// Loses a buffer: neither queued nor done, until it is queued again.
    pub fn forget_buffer(&self, index: u32) {
        self.forgotten.set(Some(index));
    }

    fn entry<T: Copy>(&self, list: &[T], index: u32) -> io::Result<T> {
        self.questions.set(self.questions.get() + 1);
        let last = if self.is_endless { list.last().copied() } else { None };
        list.get(index as usize).copied().or(last).ok_or_else(|| self.list_error.into())
    }
}

impl Driver for Fake {
    fn format_at(&self, api: Api, index: u32) -> io::Result<[u8; 4]> {
        self.entry(if api == Api::SinglePlanar { &self.formats } else { &self.planar }, index)
    }

    fn size_at(&self, _: [u8; 4], index: u32) -> io::Result<FrameSize> {
        self.entry(&self.sizes, index)
    }

    fn interval_at(&self, _: [u8; 4], _: (u32, u32), index: u32) -> io::Result<FrameInterval> {
        self.entry(&self.intervals, index)
    }

    fn format(&self) -> io::Result<Format> {
        Ok(self.given)
    }

    fn set_format(&self, _: [u8; 4], _: (u32, u32)) -> io::Result<Format> {
        self.set_error.map_or(Ok(self.given), |error| Err(error.into()))
    }

    fn rate(&self) -> io::Result<Rate> {
        self.rate.map_err(Into::into)
    }

    fn set_rate(&self, _: u32) -> io::Result<Rate> {
        self.rate.map_err(Into::into)
    }

    fn queue(&self, index: u32) -> io::Result<()> {
        self.queued.borrow_mut().push(index);
        self.forgotten.set(self.forgotten.get().filter(|forgotten| *forgotten != index));
        Ok(())
    }

    fn dequeue(&self) -> io::Result<Filled> {
        self.dequeued.borrow_mut().pop_front().unwrap_or(Err(Errno::AGAIN)).map_err(Into::into)
    }

    fn buffer_flags(&self, index: u32) -> io::Result<u32> {
        Ok(if self.forgotten.get() == Some(index) { 0 } else { flag::QUEUED })
    }
}
