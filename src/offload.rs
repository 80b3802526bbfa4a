//! Work that waits or takes long, on threads beside the executor's.
//!
//! Each kind of work has a pool with a ceiling of its own, so that what hangs (the open of a device, a
//! name server) keeps nothing else waiting. A thread ends with its work: an idle service has none.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use smol::lock::Semaphore;

/// Threads for one kind of work, at most so many at a time.
#[derive(Debug)]
pub struct BlockingPool {
    name: &'static str,
    places: Semaphore,
}

impl BlockingPool {
    /// A pool of at most so many threads; `name` is theirs, of which the kernel keeps 15 bytes.
    pub const fn new(name: &'static str, threads_max: usize) -> Self {
        Self { name, places: Semaphore::new(threads_max) }
    }

    /// Does `work` on a thread of its own, once the pool has a place. The place is taken until the work
    /// is done, also if nobody waits for it any more.
    ///
    /// # Errors
    /// If the system gives no thread, and if the work panics.
    pub async fn run<T: Send + 'static>(
        &'static self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<T> {
        let place = self.places.acquire().await;
        let (done, result) = smol::channel::bounded(1);
        thread::Builder::new().name(self.name.to_owned()).spawn(move || {
            let result = catch_unwind(AssertUnwindSafe(work));
            drop(place);
            // Nobody may wait for it any more.
            let _ = done.try_send(result);
        })?;
        match result.recv().await {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(panic)) => Err(io::Error::other(format!("{}: {}", self.name, message(&*panic)))),
            Err(_) => Err(io::Error::other(format!("{}: the thread vanished", self.name))),
        }
    }
}

/// What a panic says.
pub fn message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    use futures_lite::future::poll_once;

    #[test]
    fn a_pool_that_hangs_keeps_to_its_ceiling_and_no_other_waiting() {
        static HANGING: BlockingPool = BlockingPool::new("hangs", 1);
        static OTHER: BlockingPool = BlockingPool::new("other", 1);
        let (release, held) = mpsc::channel::<()>();
        smol::block_on(async {
            let mut hangs = Box::pin(HANGING.run(move || held.recv().is_err()));
            assert!(poll_once(&mut hangs).await.is_none());
            // The caller is gone; the work continues.
            drop(hangs);
            let mut next = Box::pin(HANGING.run(|| 2));
            assert!(poll_once(&mut next).await.is_none(), "the pool is full");
            assert_eq!(OTHER.run(|| 1).await.unwrap(), 1);
            assert!(poll_once(&mut next).await.is_none(), "the pool is still full");
            drop(release);
            assert_eq!(next.await.unwrap(), 2);
        });
    }

    #[test]
    fn work_that_panics_is_an_error_and_gives_its_place_back() {
        static POOL: BlockingPool = BlockingPool::new("panics", 1);
        smol::block_on(async {
            for _ in 0..3 {
                let error = POOL.run(|| -> u32 { panic!("no such thing: {}", 7) }).await.unwrap_err();
                assert_eq!(error.to_string(), "panics: no such thing: 7");
            }
        });
    }
}
