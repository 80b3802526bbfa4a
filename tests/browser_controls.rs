//! Every button, key and link of the pages, with real clicks and keys in a real browser.

#[allow(dead_code)] // Other tests use the rest.
#[path = "support/browsing.rs"]
mod browsing;
#[allow(dead_code)] // Other tests use the rest.
#[path = "support/service.rs"]
mod service;
#[path = "support/wait.rs"]
mod wait;
#[allow(dead_code)] // Other tests use the rest.
#[path = "support/webdriver.rs"]
mod webdriver;

use std::path::PathBuf;

use browsing::{SOON, browser, text, until_moving, until_pictures};
use serde_json::{Value, json};
use service::Service;
use wait::until;
use webdriver::{Browser, key};

const TWO: [&str; 6] = ["--size", "320x240", "--fps", "10", "test:", "test:"];

/// Everything that can be clicked or focused, by its id or its text.
const CONTROLS: &str =
    "return [...document.querySelectorAll('a, button, [onclick], [tabindex], summary, input')]
    .map((it) => it.id || it.className || it.textContent)";

fn url(service: &Service, path: &str) -> String {
    format!("http://{}/{path}", service.address)
}

/// The camera in the large view, if any.
fn large(browser: &Browser) -> String {
    text(browser, "#large-name")
}

/// Waits until this camera, or none, is in the large view, and the address agrees: the page has then finished
/// reacting to a click or a key.
fn until_large(browser: &Browser, name: &str) {
    let state =
        "const dialog = document.querySelector('#large'), picture = document.querySelector('#large-picture');
        return [dialog.open ? picture.dataset.picture : 'closed', location.hash]";
    let (shown, hash) =
        if name.is_empty() { ("closed", String::new()) } else { ("live", format!("#{name}")) };
    until(&format!("the large picture is {name:?}"), SOON, || {
        (large(browser) == name && browser.run(state) == json!([shown, hash])).then_some(())
    });
}

fn until_full_screen(browser: &Browser, expected: bool) {
    let filled = "const it = document.fullscreenElement; if (!it) return false;
        const picture = document.querySelector('#large-picture').getBoundingClientRect();
        return it.contains(document.querySelector('#large-picture'))
            && picture.width === innerWidth && picture.height === innerHeight";
    until(&format!("full screen: {expected}"), SOON, || (browser.run(filled) == expected).then_some(()));
}

/// Number 12: a `<dialog>` cannot be requested in full screen, so neither button nor key worked.
#[test]
fn full_screen_by_button_key_and_double_click() {
    let Some((browser, _turn)) = browser() else { return };
    let service = Service::start(&TWO);
    browser.resize(1280, 720);
    browser.open(&url(&service, "#test"));
    until_large(&browser, "test");
    assert_eq!(text(&browser, "#large-screen"), "Full screen");

    let until_labelled = |label: &str| {
        until(&format!("the button says {label}"), SOON, || {
            (text(&browser, "#large-screen") == label).then_some(())
        });
    };
    browser.click("#large-screen");
    until_full_screen(&browser, true);
    until_labelled("Leave full screen");
    until_moving(&browser, "#large-picture");
    // The other camera, and back: full screen stays.
    browser.press(key::RIGHT);
    until_large(&browser, "test-2");
    until_full_screen(&browser, true);
    browser.press(key::LEFT);
    until_large(&browser, "test");
    // The bar hides after a while, and reappears with the first movement.
    let bar = |shown: &str| {
        let opacity = "return getComputedStyle(document.querySelector('.large-bar')).opacity";
        until(&format!("the bar's opacity is {shown}"), SOON, || {
            (browser.run(opacity) == shown).then_some(())
        });
    };
    bar("0");
    browser.press('x');
    bar("1");
    browser.click("#large-screen");
    until_full_screen(&browser, false);
    until_labelled("Full screen");
    until_large(&browser, "test");

    for key in ['f', 'F'] {
        browser.press(key);
        until_full_screen(&browser, true);
        browser.press(key);
        until_full_screen(&browser, false);
    }
    browser.double_click("#large-picture");
    until_full_screen(&browser, true);
    browser.double_click("#large-picture");
    until_full_screen(&browser, false);

    browser.press('f');
    until_full_screen(&browser, true);
    browser.click("#large-close");
    until_large(&browser, "");
    until_full_screen(&browser, false);
    // Without a large picture the key has no effect.
    browser.press('f');
    until_full_screen(&browser, false);
}

/// iPhones have no full screen for elements: a button would have no effect.
#[test]
fn without_full_screen_there_is_no_button() {
    let Some((browser, _turn)) = browser() else { return };
    let service = Service::start(&TWO);
    browser.run_first(
        "for (const name of ['fullscreenEnabled', 'webkitFullscreenEnabled', 'fullscreenElement', 'webkitFullscreenElement'])
            delete Document.prototype[name];
        for (const name of ['requestFullscreen', 'webkitRequestFullscreen', 'webkitRequestFullScreen'])
            delete Element.prototype[name];
        addEventListener('error', (event) => { window.failure = event.message; });
        addEventListener('unhandledrejection', (event) => { window.failure = String(event.reason); });",
    );
    browser.open(&url(&service, "#test"));
    until_large(&browser, "test");
    assert_eq!(text(&browser, "#large-screen"), "", "the button is hidden");
    browser.press('f');
    browser.double_click("#large-picture");
    until_large(&browser, "test");
    browser.click("#large-next");
    until_large(&browser, "test-2");
    browser.click("#large-close");
    until_large(&browser, "");
    assert_eq!(browser.run("return window.failure ?? null"), Value::Null);
}

#[test]
fn the_large_picture_by_every_button_and_key() {
    let Some((browser, _turn)) = browser() else { return };
    let service = Service::start(&TWO);
    browser.resize(1280, 800);
    browser.open(&url(&service, "?from=a-bookmark"));
    until_pictures(&browser, "the page", SOON, &["live", "live"]);
    let address = browser.address();

    browser.click("article:nth-child(2) .picture");
    until_large(&browser, "test-2");
    assert_eq!(browser.address(), format!("{address}#test-2"), "it can be bookmarked");
    browser.click("#large-next");
    until_large(&browser, "test");
    browser.click("#large-before");
    until_large(&browser, "test-2");
    browser.press(key::LEFT);
    until_large(&browser, "test");
    browser.press(key::RIGHT);
    until_large(&browser, "test-2");
    browser.click("#large-close");
    until_large(&browser, "");
    assert_eq!(browser.address(), address);
    let focus = || browser.run("return document.activeElement.closest('article')?.dataset.name");
    assert_eq!(focus(), "test-2", "the keyboard is where it was left");

    browser.press(key::ENTER);
    until_large(&browser, "test-2");
    browser.press(key::ESCAPE);
    until_large(&browser, "");
    assert_eq!(focus(), "test-2");
    browser.press(key::ENTER);
    until_large(&browser, "test-2");
    browser.run("history.back()");
    until_large(&browser, "");

    let expected = [
        "health",
        "reload",
        "health page",
        "picture",
        "Stream",
        "Snapshot",
        "picture",
        "Stream",
        "Snapshot",
        "large-before",
        "large-next",
        "large-screen",
        "large-close",
    ];
    let mut controls: Vec<Value> = browser.run(CONTROLS).as_array().expect("a list").clone();
    let mut expected: Vec<Value> = expected.iter().map(|it| json!(it)).collect();
    controls.sort_by_key(Value::to_string);
    expected.sort_by_key(Value::to_string);
    assert_eq!(controls, expected, "a test of this file holds what each does");
}

#[test]
fn every_link_leads_to_its_target() {
    let Some((browser, _turn)) = browser() else { return };
    let service = Service::start(&TWO);
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("downloads-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    browser.save_downloads(&folder);
    browser.resize(1280, 800);
    browser.open(&url(&service, ""));
    until_pictures(&browser, "the page", SOON, &["live", "live"]);

    // "Snapshot" saves a picture, and leaves the page as it is.
    browser.click("article:nth-child(2) .links a:last-child");
    let file = folder.join("test-2.jpg");
    let jpeg =
        until("the download", SOON, || std::fs::read(&file).ok().filter(|it| it.ends_with(&[0xff, 0xd9])));
    assert!(jpeg.starts_with(&[0xff, 0xd8]));
    let _ = std::fs::remove_dir_all(&folder);
    assert_eq!(browser.address(), url(&service, ""));

    // "Stream" opens its own tab, which cannot access the page.
    browser.click("article:nth-child(2) .links a:first-child");
    let stream = url(&service, "cameras/test-2/stream");
    let tab =
        until("a tab for the stream", SOON, || browser.tabs().into_iter().find(|tab| tab["url"] == stream));
    assert_eq!(tab["canAccessOpener"], false);
    let viewers = || service.json("/health").1["cameras"][1]["viewers"].clone();
    // The page itself is hidden now, and has no streams open.
    until("the stream is watched there", SOON, || (viewers() == 1).then_some(()));
    assert_eq!(browser.address(), url(&service, ""));
    browser.close(&tab);
    until_pictures(&browser, "the page is as it was", SOON, &["live", "live"]);

    let until_health = || {
        until("the health page", SOON, || (text(&browser, "#status") == "OK").then_some(()));
        assert_eq!(browser.address(), url(&service, "health"));
    };
    browser.click("#health");
    until_health();
    assert_eq!(browser.run(CONTROLS), json!(["Pinhole", "Back to the cameras", "reload"]));
    browser.click(".summary a");
    until_pictures(&browser, "the way back", SOON, &["live", "live"]);
    assert_eq!(browser.address(), url(&service, ""));
    browser.click("#health");
    until_health();
    browser.click(".brand a");
    until_pictures(&browser, "the way back by the name", SOON, &["live", "live"]);
}

/// Number 15: red beside friendly words, although nothing has failed.
#[test]
fn without_any_camera_nothing_looks_failed() {
    let Some((browser, _turn)) = browser() else { return };
    let service = Service::start(&["auto"]);
    if service.json("/health").1["cameras"] != json!([]) {
        println!("SKIPPED: page without cameras: this machine has one");
        return;
    }
    let grey = "const it = getComputedStyle(document.querySelector(arguments[0] || '#health'));
        const [r, g, b] = it.backgroundColor.match(/[0-9]+/g).map(Number); return Math.max(r, g, b) - Math.min(r, g, b) < 30";
    browser.open(&url(&service, ""));
    until("the first page", SOON, || (text(&browser, "#health") == "health: no camera").then_some(()));
    assert!(text(&browser, "#empty").contains("No camera yet"));
    assert!(!text(&browser, "body").contains("fail"), "{}", text(&browser, "body"));
    assert_eq!(browser.run(grey), true, "the colour is neutral");
    browser.click("#empty a");
    until("its health page", SOON, || (text(&browser, "#status") == "No camera").then_some(()));
    assert!(!text(&browser, "main").contains("ailed"), "{}", text(&browser, "main"));
    let grey = grey.replace("#health", "#verdict");
    assert_eq!(browser.run(&grey), true, "the colour is neutral");
}

#[test]
fn icons_and_manifest_are_there() {
    let Some((browser, _turn)) = browser() else { return };
    let service = Service::start(&TWO);
    for page in ["", "health"] {
        browser.open(&url(&service, page));
        let links = browser.run(
            "return [...document.querySelectorAll('link')].map((it) => [it.rel, new URL(it.href).pathname])",
        );
        let expected = json!([
            ["icon", "/favicon.ico"],
            ["icon", "/icon.svg"],
            ["apple-touch-icon", "/apple-touch-icon.png"],
            ["manifest", "/manifest.webmanifest"],
        ]);
        assert_eq!(links, expected);
        let colours = "return [...document.querySelectorAll('meta[name=theme-color]')].map((it) =>
            matchMedia(it.media).matches && it.content).filter(Boolean)";
        assert_eq!(browser.run(colours).as_array().map(Vec::len), Some(1), "one colour for either scheme");
    }
    for (path, side) in [("favicon.ico", 32), ("apple-touch-icon.png", 180), ("icon.svg", 150)] {
        browser.open(&url(&service, path));
        let size =
            "return document.querySelector('img')?.naturalWidth ?? document.documentElement.clientWidth";
        assert!(browser.run(size).as_u64() >= Some(side), "{path}");
    }
    let (status, manifest) = service.json("/manifest.webmanifest");
    assert_eq!((status, &manifest["start_url"]), (200, &json!("./")));
    for icon in manifest["icons"].as_array().expect("icons") {
        let answer = service.request("GET", &format!("/{}", icon["src"].as_str().expect("a place")), "");
        assert_eq!(answer.status, 200);
        assert!(answer.head.contains(&format!("content-type: {}", icon["type"].as_str().expect("a type"))));
    }
}

#[test]
fn mistakes_of_a_changed_configuration_are_shown_on_the_page_until_they_are_corrected() {
    let Some((browser, _turn)) = browser() else { return };
    let folder = std::env::temp_dir().join(format!("pinhole-page-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("pinhole.toml");
    let good = "[[camera]]\nname = \"yard\"\nsource = \"test:\"\nsize = \"64x48\"\n";
    std::fs::write(&file, good).expect("it is written");
    let service = Service::start(&["--config", file.to_str().expect("a path")]);
    browser.open(&url(&service, ""));
    let until_shown = |expected: &dyn Fn(&str) -> bool| {
        until("the mistakes", SOON, || expected(&text(&browser, "#mistakes")).then_some(()));
    };
    until_shown(&str::is_empty);
    std::fs::write(&file, format!("{good}fps = 1000\n")).expect("it is written");
    until_shown(&|words| {
        words.starts_with("Correct these lines of pinhole.toml:\n")
            && words.contains("pinhole.toml:5: camera.fps: must be 1 to 240, got 1000")
    });
    std::fs::write(&file, good).expect("it is written");
    until_shown(&str::is_empty);
    std::fs::remove_dir_all(&folder).expect("it is removed");
}
