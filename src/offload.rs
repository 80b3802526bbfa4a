//! Runs work that blocks or takes long on threads beside the executor's.
//!
//! Each kind of work has its own bounded pool, so that hanging work (opening a device, a name server) blocks
//! no other kind. A thread ends with its work: an idle service has none.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use smol::lock::Semaphore;

/// A bounded number of threads for one kind of work.
#[derive(Debug)]
pub struct BlockingPool {
    name: &'static str,
    places: Semaphore,
}

impl BlockingPool {
    /// A pool of at most `threads_max` threads called `name`; the kernel keeps 15 bytes of it.
    pub const fn new(name: &'static str, threads_max: usize) -> Self {
        Self { name, places: Semaphore::new(threads_max) }
    }

    /// Does `work` on its own thread, once the pool has a place. The work keeps its place until it is done,
    /// even if the caller is gone.
    ///
    /// # Errors
    /// If the system refuses a thread, or the work panics.
    pub async fn run<T: Send + 'static>(
        &'static self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<T> {
        let place = self.places.acquire().await;
        let (done, result) = smol::channel::bounded(1);
        thread::Builder::new().name(self.name.to_owned()).spawn(move || {
            let result = catch_unwind(AssertUnwindSafe(work));
            drop(place);
            // The caller may be gone.
            let _ = done.try_send(result);
        })?;
        match result.recv().await {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(panic)) => Err(io::Error::other(format!("{}: {}", self.name, message(&*panic)))),
            Err(_) => Err(io::Error::other(format!("{}: the thread vanished", self.name))),
        }
    }
}

/// A panic's message.
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
    fn a_pool_that_hangs_keeps_its_ceiling_and_blocks_no_other() {
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
    fn work_that_panics_is_an_error_and_frees_its_place() {
        static POOL: BlockingPool = BlockingPool::new("panics", 1);
        smol::block_on(async {
            for _ in 0..3 {
                let error = POOL.run(|| -> u32 { panic!("no such thing: {}", 7) }).await.unwrap_err();
                assert_eq!(error.to_string(), "panics: no such thing: 7");
            }
        });
    }
}
