//! The camera lab's cases. Runs as root inside the lab's virtual machine:
//! `lab-guest [FILTER]...` with the programs under test in `PINHOLE_BIN` and `USB_CAMERA_BIN`.
//!
//! Each case prints a line, `ok NAME (SECONDS)`, `FAILED NAME: WHY` or `skipped NAME: WHY`; the last line
//! counts them. Emulation is slow and its speed varies, so cases check order, counts and recovery, never
//! rates.

mod cases;
mod http;
mod picture;
mod service;
mod usb;
mod v4l2;
mod wait;

use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;

use wait::Stopwatch;

/// Why a case did not pass.
#[derive(Debug)]
pub enum Trouble {
    /// The program under test, or the lab, is at fault.
    Failed(String),
    /// The case does not apply to this kernel.
    Skipped(String),
}

impl<T: Into<String>> From<T> for Trouble {
    fn from(why: T) -> Trouble {
        Trouble::Failed(why.into())
    }
}

/// The result of a case or a step.
pub type Outcome<T = ()> = Result<T, Trouble>;

/// A test case.
pub struct Case {
    /// The property that holds if it passes.
    pub name: String,
    /// Checks it.
    pub run: Box<dyn Fn() -> Outcome>,
}

impl Case {
    /// A case from its name and a function.
    pub fn new(name: impl Into<String>, run: impl Fn() -> Outcome + 'static) -> Case {
        Case { name: name.into(), run: Box::new(run) }
    }
}

/// Fails the case unless the condition holds.
#[macro_export]
macro_rules! ensure {
    ($condition:expr, $($message:tt)+) => {
        if !$condition {
            return Err($crate::Trouble::Failed(format!($($message)+)));
        }
    };
}

fn main() -> ExitCode {
    let filters: Vec<String> = std::env::args().skip(1).collect();
    let wanted = |case: &Case| filters.is_empty() || filters.iter().any(|filter| case.name.contains(filter));
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for case in cases::all().into_iter().filter(wanted) {
        let watch = Stopwatch::start();
        // A panic fails its case without ending the others.
        let outcome = panic::catch_unwind(AssertUnwindSafe(|| (case.run)()))
            .unwrap_or_else(|_| Err("panicked (message above)".into()));
        let seconds = watch.seconds();
        match outcome {
            Ok(()) => {
                passed += 1;
                println!("ok      {} ({seconds:.1} s)", case.name);
            }
            Err(Trouble::Failed(why)) => {
                failed += 1;
                println!("FAILED  {}: {why} ({seconds:.1} s)", case.name);
            }
            Err(Trouble::Skipped(why)) => {
                skipped += 1;
                println!("skipped {}: {why}", case.name);
            }
        }
    }
    println!("{passed} passed, {failed} failed, {skipped} skipped");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
