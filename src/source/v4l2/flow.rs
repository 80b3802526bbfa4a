//! Dequeues filled buffers and queues them again, through transient errors.

use std::io;

use rustix::io::Errno;

use super::driver::{Driver, Filled, flag};
use super::refused;
use crate::camera::lost::{DriverLost, Lost};
use crate::limits;

/// The queue of one stream.
pub struct Flow<'d, D> {
    driver: &'d D,
    count: u32,
    /// EIO errors in a row.
    errors: u32,
}

impl<'d, D: Driver> Flow<'d, D> {
    /// Queues all `count` buffers.
    ///
    /// # Errors
    /// If the driver refuses one.
    pub fn of(driver: &'d D, count: u32) -> io::Result<Self> {
        (0..count).try_for_each(|index| driver.queue(index))?;
        Ok(Self { driver, count, errors: 0 })
    }

    /// Dequeues the next filled buffer. `None` if there is none after all (EAGAIN, for `poll` may err), or if
    /// this one was lost (EIO: "internal error, can also indicate temporary problems like signal loss",
    /// kernel: v4l/vidioc-qbuf.rst).
    ///
    /// # Errors
    /// Why the camera is lost.
    pub fn take(&mut self) -> Result<Option<Filled>, Lost> {
        let error = match self.driver.dequeue() {
            Ok(filled) if filled.index < self.count => {
                self.errors = 0;
                return Ok(Some(filled));
            }
            Ok(filled) => {
                let (index, count) = (filled.index, self.count);
                return Err(DriverLost::WrongBuffer { index, count }.into());
            }
            Err(error) => error,
        };
        match Errno::from_io_error(&error) {
            Some(Errno::AGAIN | Errno::INTR) => Ok(None),
            Some(Errno::IO) if self.errors < limits::DRIVER_ERRORS_MAX => {
                self.errors += 1;
                log::debug!("no buffer: {error} ({} in a row)", self.errors);
                self.find_lost_buffers();
                Ok(None)
            }
            _ => Err(refused("give a picture", &error)),
        }
    }

    /// Queues a buffer again.
    ///
    /// # Errors
    /// Why the camera is lost.
    pub fn give_back(&self, filled: Filled) -> Result<(), Lost> {
        self.driver.queue(filled.index).map_err(|error| refused("take a buffer back", &error))
    }

    /// "The driver might dequeue an (empty) buffer despite returning an error": queues such a buffer again.
    fn find_lost_buffers(&self) {
        for index in 0..self.count {
            let is_lost = |flags: u32| flags & (flag::QUEUED | flag::DONE) == 0;
            if self.driver.buffer_flags(index).is_ok_and(is_lost) {
                let _ = self.driver.queue(index);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::v4l2::driver::fake::Fake;

    fn errors(number: Errno, count: usize) -> Vec<Result<Filled, Errno>> {
        vec![Err(number); count]
    }

    fn filled(index: u32) -> Filled {
        Filled { index, ..Filled::default() }
    }

    /// The dequeued buffers' indices, -1 for none, up to the first loss.
    fn taken(answers: Vec<Result<Filled, Errno>>) -> (Vec<i64>, Option<Lost>) {
        let driver = Fake::dequeuing(answers);
        let mut flow = Flow::of(&driver, 4).unwrap();
        let mut indices = Vec::new();
        while driver.has_answers() {
            match flow.take() {
                Ok(Some(filled)) => indices.push(i64::from(filled.index)),
                Ok(None) => indices.push(-1),
                Err(lost) => return (indices, Some(lost)),
            }
        }
        (indices, None)
    }

    #[test]
    fn no_buffer_after_poll_is_not_a_loss() {
        let answers = [errors(Errno::AGAIN, 1000), vec![Ok(filled(2))], errors(Errno::INTR, 1)].concat();
        let (indices, lost) = taken(answers);
        assert_eq!((indices[999], indices[1000], indices[1001], lost), (-1, 2, -1, None));
    }

    #[test]
    fn a_driver_may_fail_a_few_times_in_a_row() {
        let most = limits::DRIVER_ERRORS_MAX as usize;
        let few = [errors(Errno::IO, most), vec![Ok(filled(1))], errors(Errno::IO, most)].concat();
        assert_eq!(taken(few).1, None);
        let many = errors(Errno::IO, most + 1);
        let (indices, lost) = taken(many);
        assert_eq!(indices.len(), most);
        assert!(matches!(lost, Some(Lost::Driver(DriverLost::DoesNotAnswer { .. }))), "{indices:?}");
    }

    #[test]
    fn a_buffer_that_an_error_dequeued_is_queued_again() {
        let driver = Fake::dequeuing(vec![Err(Errno::IO)]);
        let mut flow = Flow::of(&driver, 4).unwrap();
        driver.forget_buffer(3);
        assert_eq!(flow.take(), Ok(None));
        assert_eq!(driver.queued(), [0, 1, 2, 3, 3], "the one that was lost, and no other");
    }

    #[test]
    fn fatal_errors_are_a_loss() {
        assert_eq!(taken(errors(Errno::NODEV, 1)).1, Some(Lost::Unplugged));
        assert!(matches!(taken(errors(Errno::INVAL, 1)).1, Some(Lost::Driver(_))));
        let (_, lost) = taken(vec![Ok(filled(4))]);
        assert_eq!(lost, Some(DriverLost::WrongBuffer { index: 4, count: 4 }.into()));
    }
}
