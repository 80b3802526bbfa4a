//! Runs a source that blocks in the kernel on its own thread.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::camera::lost::{LocalLost, Lost, Task};
use crate::offload::message;

/// Runs `work` on a thread called `name` and returns its result.
pub async fn run<F>(name: &str, work: F) -> Result<(), Lost>
where
    F: FnOnce() -> Result<(), Lost> + Send + 'static,
{
    let (done, result) = smol::channel::bounded(1);
    spawn(name, move || {
        // The receiver is gone only if the service ended without waiting for this thread.
        let _ = done.try_send(guarded(work));
    })?;
    result.recv().await.unwrap_or_else(|_| Err(LocalLost::new(Task::GoOn, "a thread vanished").into()))
}

/// Starts a thread called `name`; the kernel keeps 15 bytes of it.
pub fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), Lost> {
    let name: String = name.chars().filter(char::is_ascii).take(15).collect();
    std::thread::Builder::new()
        .name(name)
        .spawn(work)
        .map(drop)
        .map_err(|error| LocalLost::new(Task::StartThread, error).into())
}

/// Does `work`. A panic becomes a loss like any other.
pub fn guarded(work: impl FnOnce() -> Result<(), Lost>) -> Result<(), Lost> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|panic| Err(Lost::Internal { message: message(&*panic).to_owned() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_reason() {
        let lost = smol::block_on(run("panics", || panic!("Invalid colorspace: 99"))).unwrap_err();
        assert_eq!(lost, Lost::Internal { message: "Invalid colorspace: 99".to_owned() });
    }
}
