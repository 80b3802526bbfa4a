//! Runs a source that waits in the kernel on a thread of its own.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::camera::lost::Lost;

/// Runs `work` on a thread called `name` (the kernel keeps 15 bytes of it) and returns its result.
/// A panic, which a binding may raise over what a driver answers, is a loss like any other.
pub async fn run<F>(name: &str, work: F) -> Result<(), Lost>
where
    F: FnOnce() -> Result<(), Lost> + Send + 'static,
{
    let (done, result) = smol::channel::bounded(1);
    let name: String = name.chars().filter(char::is_ascii).take(15).collect();
    std::thread::Builder::new()
        .name(name)
        .spawn(move || {
            let result = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
                Err(Lost::Driver(format!("unexpected answer ({})", message(&*panic))))
            });
            // The receiver is gone only when the service ends without waiting for this thread.
            let _ = done.try_send(result);
        })
        .map_err(|error| Lost::Driver(format!("no thread to capture with: {error}")))?;
    result.recv().await.unwrap_or_else(|_| Err(Lost::Driver("capture thread vanished".to_owned())))
}

fn message(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_reason_not_an_end() {
        let lost = smol::block_on(run("panics", || panic!("Invalid colorspace: 99"))).unwrap_err();
        assert_eq!(lost.to_string(), "camera driver: unexpected answer (Invalid colorspace: 99)");
    }
}
