//! Helpers for all tests of the pages.

use std::net::SocketAddr;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::json;

use crate::service::Service;
use crate::wait::until;
use crate::webdriver::Browser;

/// Generous, for small machines under load; tests do not normally wait this long.
pub const SOON: Duration = Duration::from_secs(20);
/// The present state of each camera's picture.
pub const PICTURES: &str =
    "return [...document.querySelectorAll('article .picture')].map((it) => it.dataset.picture)";

/// One browser at a time: each uses all of a small machine.
pub fn browser() -> Option<(Browser, MutexGuard<'static, ()>)> {
    static ONE: Mutex<()> = Mutex::new(());
    let turn = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    match Browser::start() {
        Ok(browser) => Some((browser, turn)),
        Err(reason) => {
            println!("SKIPPED: browser: {reason}");
            assert!(std::env::var("CI").as_deref() != Ok("true"), "in CI the browser must run: {reason}");
            None
        }
    }
}

/// Starts the service again at the same address.
pub fn start_on(address: SocketAddr, arguments: &[&str]) -> Service {
    let address = address.to_string();
    let mut command = Command::new(env!("CARGO_BIN_EXE_pinhole"));
    Service::from_command(command.args(["--listen", &address]).args(arguments))
}

/// Waits until the cameras' pictures have the expected states.
pub fn until_pictures(browser: &Browser, what: &str, limit: Duration, expected: &[&str]) {
    let mut seen = json!(null);
    let look = || {
        seen = browser.run(PICTURES);
        (seen == json!(expected)).then_some(())
    };
    until(&format!("{what}: pictures are {expected:?}"), limit, look);
}

/// Waits until the picture in an element changes.
pub fn until_moving(browser: &Browser, selector: &str) {
    let first = browser.screenshot(&browser.element(selector));
    until(&format!("{selector} moves"), SOON, || {
        // The element may have been replaced by one with a new connection.
        (browser.screenshot(&browser.element(selector)) != first).then_some(())
    });
}

/// The visible text of an element; empty if it is hidden.
pub fn text(browser: &Browser, selector: &str) -> String {
    let script = format!(
        "const it = document.querySelector({selector:?}); return it?.checkVisibility() ? it.innerText : ''"
    );
    browser.run(&script).as_str().unwrap_or_default().to_owned()
}

/// Asserts that the page fits a window of this width.
pub fn assert_fits(browser: &Browser, width: u32) {
    let widths = browser.run("return [innerWidth, document.documentElement.scrollWidth]");
    assert_eq!(widths, json!([width, width]), "window and contents at {width} px");
}
