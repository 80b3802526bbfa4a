//! Shows that a real browser displays each picture of a stream. Needs Chromium and its driver (Debian:
//! `chromium`, `chromium-driver`).

#[path = "support/mjpeg_camera.rs"]
mod mjpeg_camera;
#[allow(dead_code)] // Other tests use the rest.
#[path = "support/service.rs"]
mod service;
#[path = "support/wait.rs"]
mod wait;
#[allow(dead_code)] // Other tests use the rest.
#[path = "support/webdriver.rs"]
mod webdriver;

use std::time::Duration;

use mjpeg_camera::{BITS, CELL, Camera, numbered};
use serde_json::json;
use service::Service;
use wait::until;
use webdriver::Browser;

/// Generous, for small machines under load; tests do not normally wait this long.
const SOON: Duration = Duration::from_secs(20);

fn browser() -> Option<Browser> {
    match Browser::start() {
        Ok(browser) => Some(browser),
        Err(reason) => {
            println!("SKIPPED: browser: {reason}");
            assert!(std::env::var("CI").as_deref() != Ok("true"), "in CI the browser must run: {reason}");
            None
        }
    }
}

/// Waits until an image shows this number.
fn until_shown(browser: &Browser, selector: &str, number: u8) {
    let (width, height) = (BITS * CELL, CELL);
    let script = format!(
        "const image = document.querySelector({selector:?});
        if (!image?.naturalWidth) return null;
        const canvas = Object.assign(document.createElement('canvas'), {{ width: {width}, height: {height} }});
        const context = canvas.getContext('2d');
        context.drawImage(image, 0, 0, {width}, {height});
        const row = context.getImageData(0, {height} / 2, {width}, 1).data;
        let number = 0;
        for (let bit = 0; bit < {BITS}; bit++) number = 2 * number + (row[4 * (bit * {CELL} + {CELL} / 2)] > 127);
        return number"
    );
    let mut shown = json!(null);
    let look = || {
        shown = browser.run(&script);
        (shown == json!(number)).then_some(())
    };
    until(&format!("picture {number} is seen in {selector}, before there is another"), SOON, look);
}

/// Issue 10, number 11: Chromium paints a part when the head of the next one is complete. Each picture is
/// sent only after the previous one was seen, so a late one would never be seen.
#[test]
fn each_picture_is_seen_before_the_next_one_comes() {
    let Some(browser) = browser() else { return };
    let camera = Camera::start();
    let service = Service::start(&[&camera.url]);
    let watched = || {
        service.until("/health", |health| {
            health["cameras"][0]["viewers"].as_u64().is_some_and(|viewers| viewers > 0)
        });
    };
    // On a page of this service, so that a script may read the picture.
    browser.open(&format!("http://{}/health", service.address));
    browser.run("document.body.prepend(Object.assign(new Image(), { id: 'stream', src: '/stream' }))");
    watched();
    for number in [1, 2, 4, 170, 85, 0, 255] {
        camera.send(&numbered(number));
        until_shown(&browser, "#stream", number);
    }
    // As the page itself shows it.
    browser.open(&format!("http://{}/", service.address));
    watched();
    for number in [7, 8, 9] {
        camera.send(&numbered(number));
        until_shown(&browser, "article img", number);
    }
}
