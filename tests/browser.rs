//! The page in a real browser. Needs Chromium and its driver (Debian: `chromium`, `chromium-driver`).

#[allow(dead_code)] // Other tests use the rest.
#[path = "support/browsing.rs"]
mod browsing;
#[path = "support/proxy.rs"]
mod proxy;
#[allow(dead_code)] // Other tests use the rest.
#[path = "support/service.rs"]
mod service;
#[path = "support/wait.rs"]
mod wait;
#[allow(dead_code)] // Other tests use the rest.
#[path = "support/webdriver.rs"]
mod webdriver;

use std::process::Command;
use std::time::Duration;

use browsing::{PICTURES, SOON, assert_fits, browser, start_on, text, until_moving, until_pictures};
use pinhole::config::PasswordHash;
use proxy::Proxy;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use service::Service;
use wait::until;
use webdriver::key;

/// Longer than the page's own time-outs.
const LATER: Duration = Duration::from_mins(1);

/// Four connections for streams, one for polling, one for single pictures.
const CONNECTIONS_MAX: u64 = 6;

fn url(service: &Service) -> String {
    format!("http://{}/", service.address)
}

fn signal(service: &Service, signal: Signal) {
    let pid = Pid::from_raw(service.pid() as i32).expect("it runs");
    kill_process(pid, signal).expect("it runs");
}

fn health(service: &Service) -> Value {
    service.json("/health").1
}

/// The number of viewers of each camera.
fn viewers(service: &Service) -> Vec<u64> {
    let health = health(service);
    let cameras = health["cameras"].as_array().expect("cameras");
    cameras.iter().map(|camera| camera["viewers"].as_u64().expect("a number")).collect()
}

#[test]
fn the_picture_moves_and_the_page_fits_every_width() {
    let Some((browser, _turn)) = browser() else { return };
    let service = Service::start(&["--size", "640x480", "--fps", "10", "test:"]);
    for (width, height) in [(1280, 800), (360, 740)] {
        browser.resize(width, height);
        browser.open(&url(&service));
        until_pictures(&browser, "the page", SOON, &["live"]);
        let size = browser.run(
            "const it = document.querySelector('article img'); return [it.naturalWidth, it.naturalHeight]",
        );
        assert_eq!(size, json!([640, 480]));
        until_moving(&browser, "article .picture");
        assert_fits(&browser, width);
        until("the state in words", SOON, || (text(&browser, "article .state") == "live").then_some(()));
        let facts = until("the measured rate", SOON, || {
            let facts = text(&browser, "article .facts");
            // The previous page may still count as a viewer.
            (facts.contains(" fps") && facts.ends_with(" 1 viewer")).then_some(facts)
        });
        assert!(facts.starts_with("640 × 480"), "{facts}");
        let in_window = "const it = document.querySelector('article .state').getBoundingClientRect();
            return it.width > 0 && it.left >= 0 && it.right <= innerWidth && it.bottom <= innerHeight";
        assert_eq!(browser.run(in_window), json!(true), "the state is seen at {width} px");
    }
}

#[test]
fn the_page_recovers_when_the_service_does() {
    let Some((browser, _turn)) = browser() else { return };
    let service = Service::start(&["--fps", "10", "test:"]);
    let address = service.address;
    browser.open(&url(&service));
    until_pictures(&browser, "the page", SOON, &["live"]);
    let offline = || text(&browser, "#notices").contains("Connection to Pinhole lost, trying again");

    drop(service);
    until("the page says that the service is gone", SOON, || offline().then_some(()));
    assert_eq!(text(&browser, "article .state"), "unknown");
    // With another camera besides: it appears without a reload.
    let service = start_on(address, &["--fps", "10", "test:", "test:"]);
    until_pictures(&browser, "after a restart", SOON, &["live", "live"]);
    until_moving(&browser, "article .picture");
    assert!(!offline());

    // A restart too quick for any poll to fail: the uptime reveals it.
    drop(service);
    let service = start_on(address, &["--fps", "10", "test:", "test:"]);
    until("streams are open again", SOON, || (viewers(&service) == [1, 1]).then_some(()));
    until_moving(&browser, "article .picture");

    signal(&service, Signal::STOP);
    until("the page says that the service hangs", LATER, || offline().then_some(()));
    signal(&service, Signal::CONT);
    until_pictures(&browser, "after a hang", SOON, &["live", "live"]);
    until_moving(&browser, "article .picture");
}

#[test]
fn a_stream_that_died_silently_is_reopened() {
    let Some((browser, _turn)) = browser() else { return };
    let service = Service::start(&["--fps", "10", "test:"]);
    let proxy = Proxy::start(service.address);
    // There is another viewer too, so the number of viewers does not show it.
    let other = ureq::get(format!("{}stream", url(&service))).call().expect("a stream");
    browser.open(&proxy.url);
    until_pictures(&browser, "the page", SOON, &["live"]);
    until_moving(&browser, "article .picture");
    let before = proxy.streams();
    proxy.freeze_streams();
    until("a new connection", LATER, || (proxy.streams() > before).then_some(()));
    until_pictures(&browser, "over the new connection", SOON, &["live"]);
    until_moving(&browser, "article .picture");
    drop(other);
}

#[test]
fn six_cameras_share_the_connections_and_hidden_tabs_use_none() {
    let Some((browser, _turn)) = browser() else { return };
    let service = Service::start(&[
        "--size", "320x240", "--fps", "5", "test:", "test:", "test:", "test:", "test:", "test:",
    ]);
    let connections = || {
        let count = health(&service)["http"]["connections"].as_u64().expect("a number");
        // One of them is the health request of this test.
        assert!(count <= CONNECTIONS_MAX + 1, "{count} connections");
    };
    browser.resize(1280, 900);
    browser.open(&url(&service));
    until("six pictures", SOON, || {
        connections();
        (browser.run(PICTURES) == json!(["live", "live", "live", "live", "still", "still"])).then_some(())
    });
    let last = || browser.run("return document.querySelector('article:last-child canvas').toDataURL()");
    let first = last();
    until("the last picture is refreshed", SOON, || {
        connections();
        (last() != first).then_some(())
    });

    let tab = browser.open_tab();
    until("nobody watches from a hidden tab", SOON, || (viewers(&service) == [0; 6]).then_some(()));
    until("every camera is closed", LATER, || {
        let cameras = health(&service)["cameras"].clone();
        cameras.as_array()?.iter().all(|camera| camera["state"] == "idle").then_some(())
    });
    browser.close_tab(&tab);
    until_pictures(&browser, "the tab is back", SOON, &["live", "live", "live", "live", "still", "still"]);
}

#[test]
fn cameras_out_of_view_stay_closed_until_they_are_scrolled_to() {
    let Some((browser, _turn)) = browser() else { return };
    let service = Service::start(&[
        "--size", "320x240", "--fps", "5", "test:", "test:", "test:", "test:", "test:", "test:",
    ]);
    browser.resize(360, 600);
    browser.open(&url(&service));
    let begin = || browser.run(PICTURES)[0].clone();
    until("the first picture", SOON, || (begin() == "live").then_some(()));
    // By now, every camera in view has delivered a picture.
    until_moving(&browser, "article .picture");
    let frames = |at: usize| health(&service)["cameras"][at]["frames_total"].as_u64().expect("a number");
    assert_eq!((frames(4), frames(5)), (0, 0), "the last two were opened");
    browser.run("document.querySelector('article:last-child').scrollIntoView()");
    let end = "return document.querySelector('article:last-child .picture').dataset.picture";
    until("the last picture", SOON, || (browser.run(end) == "live").then_some(()));
    until("the first stream is closed", SOON, || (viewers(&service)[0] == 0).then_some(()));
}

#[test]
fn one_camera_is_shown_large_by_keyboard_and_by_address() {
    let Some((browser, _turn)) = browser() else { return };
    let service = Service::start(&["--fps", "10", "test:", "test:"]);
    browser.open(&url(&service));
    until_pictures(&browser, "the page", SOON, &["live", "live"]);
    let large = || {
        browser.run("return document.querySelector('#large').open && document.querySelector('#large-picture').dataset.picture")
    };

    browser.run("document.querySelector('article .picture').focus()");
    browser.press(key::ENTER);
    until("the large picture", SOON, || (large() == "live").then_some(()));
    assert_eq!(text(&browser, "#large-name"), "test");
    until_moving(&browser, "#large-picture");
    until("the other stream is closed", SOON, || (viewers(&service) == [1, 0]).then_some(()));
    browser.press(key::RIGHT);
    until("the next camera", SOON, || {
        (text(&browser, "#large-name") == "test-2" && large() == "live").then_some(())
    });
    browser.press(key::ESCAPE);
    until("all cameras", SOON, || (large() == false).then_some(()));
    until_pictures(&browser, "back", SOON, &["live", "live"]);
    let focus = browser.run("return document.activeElement.closest('article').dataset.name");
    assert_eq!(focus, "test-2", "the keyboard is where it was left");

    browser.open(&format!("{}#test-2", url(&service)));
    until("the camera of the address", SOON, || (large() == "live").then_some(()));
    assert_eq!(text(&browser, "#large-name"), "test-2");
}

#[test]
fn a_lost_camera_says_why_and_no_text_is_html() {
    let Some((browser, _turn)) = browser() else { return };
    let hot = "/dev/<img src=x onerror=document.title='hit'>";
    let service = Service::start(&["--fps", "10", "/dev/pinhole-test-99", hot, "test:"]);
    browser.resize(360, 1100);
    browser.open(&url(&service));
    until_pictures(&browser, "the page", SOON, &["lost", "lost", "live"]);
    let reason = "No device at /dev/pinhole-test-99; plug the camera in, or correct the source";
    assert_eq!(text(&browser, "article .reason"), reason);
    assert_eq!(text(&browser, "article .state"), "lost");
    assert_eq!(text(&browser, "#summary"), "3 cameras, 2 lost");
    assert_fits(&browser, 360);

    browser.open(&format!("{}health", url(&service)));
    until("the health page", SOON, || (text(&browser, "#status") == "Degraded").then_some(()));
    let page = text(&browser, "main");
    assert!(page.contains(hot) && page.contains(reason), "{page}");
    let hits = browser
        .run("return document.querySelectorAll('[src=x]').length + (document.title === 'hit' ? 1 : 0)");
    assert_eq!(hits, 0);
    assert_fits(&browser, 360);
}

#[test]
fn the_health_page_shows_values_and_leads_back() {
    let Some((browser, _turn)) = browser() else { return };
    let service = Service::start(&["--fps", "10", "test:"]);
    browser.open(&format!("{}health", url(&service)));
    until("the status", SOON, || (text(&browser, "#status") == "OK").then_some(()));
    assert_eq!(text(&browser, "#cameras .state"), "idle");
    let service_values = text(&browser, "#service");
    assert!(service_values.contains(env!("CARGO_PKG_VERSION")), "{service_values}");
    let report = health(&service);
    let shown = |name: &str| {
        let script = format!(
            "return [...document.querySelectorAll('dt')].find((it) => it.innerText === {name:?}).nextSibling.innerText"
        );
        browser.run(&script).as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(shown("Model"), report["system"]["model"].as_str().unwrap_or("unknown"));
    let is_card = !report["system"]["configuration_errors"].is_null();
    assert_eq!(text(&browser, "#machine").contains("Image version"), is_card);
    assert!(shown("Memory").contains(" free of "));
    assert_eq!(browser.run("return document.querySelector('.brand a').pathname"), "/");
    let address = service.address;
    drop(service);
    until("the loss", SOON, || text(&browser, "#offline").contains("trying again").then_some(()));
    let _service = start_on(address, &["test:"]);
    until("the service is back", SOON, || text(&browser, "#offline").is_empty().then_some(()));
}

#[test]
fn without_any_camera_the_page_says_how_to_connect_one() {
    let Some((browser, _turn)) = browser() else { return };
    let service = Service::start(&["auto"]);
    if health(&service)["cameras"] != json!([]) {
        println!("SKIPPED: page without cameras: this machine has one");
        return;
    }
    browser.open(&url(&service));
    until("the explanation", SOON, || text(&browser, "#empty").contains("Plug a USB camera").then_some(()));
    let address = service.address;
    drop(service);
    let _service = start_on(address, &["--fps", "10", "test:"]);
    until_pictures(&browser, "the first camera", SOON, &["live"]);
    assert_eq!(text(&browser, "#empty"), "");
}

#[test]
fn a_password_is_asked_for_once_and_serves_pictures_and_polls() {
    let Some((browser, _turn)) = browser() else { return };
    let hash = PasswordHash::of("hush").expect("a password");
    let file = std::env::temp_dir().join(format!("pinhole-browser-{}.toml", std::process::id()));
    let text =
        format!("[http]\npassword_hash = \"{hash}\"\n[[camera]]\nsource = \"test:\"\nsize = \"320x240\"\n");
    std::fs::write(&file, text).expect("written");
    let service = Service::from_command(
        Command::new(env!("CARGO_BIN_EXE_pinhole"))
            .args(["serve", "--listen", "127.0.0.1:0", "--config"])
            .arg(&file),
    );
    let _ = std::fs::remove_file(&file);
    // Typed into the dialogue, which no driver can reach; the browser keeps it for the host.
    browser.open(&format!("http://viewer:hush@{}/", service.address));
    until_pictures(&browser, "the picture behind the password", SOON, &["live"]);
    until_moving(&browser, "article .picture");
    browser.open(&url(&service));
    until_pictures(&browser, "the same without typing it again", SOON, &["live"]);
}
