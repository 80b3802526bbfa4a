//! The pages are readable: at every zoom, in both colour schemes, and by a screen reader (number 15).

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

use browsing::{SOON, assert_fits, browser};
use serde_json::{Value, json};
use service::Service;
use wait::until;
use webdriver::Browser;

/// A camera's name of maximum length, without a place to break it.
const LONG: &str = "/dev/v4l/by-id/a_camera_whose_vendor_gave_it_a_very_long_name00";
/// An address without a listener.
const REFUSED: &str = "rtsp://127.0.0.1:1/stream";

/// The first text that is cut off, covered or outside the window, of elements with their own text.
const UNSEEN: &str = "
    for (const it of document.querySelectorAll(SELECTOR)) {
        if (!it.checkVisibility() || it.children.length || !it.textContent.trim()) continue;
        it.scrollIntoView({ block: 'center' });
        const range = document.createRange();
        range.selectNodeContents(it);
        for (const { left, right, top, bottom } of range.getClientRects()) {
            if (right - left < 1) continue;
            if (left < 0 || right > innerWidth + 1) return `beside the window: ${it.textContent}`;
            for (const x of [left + 1, right - 1]) {
                const found = document.elementFromPoint(x, (top + bottom) / 2);
                if (!found || !(it.contains(found) || found.contains(it))) return `cut off or covered: ${it.textContent}`;
                for (let box = it; box; box = box.parentElement) {
                    const clip = box.getBoundingClientRect();
                    const clips = getComputedStyle(box).overflowY !== 'visible';
                    if (clips && (top < clip.top - 1 || bottom > clip.bottom + 1)) return `cut off: ${it.textContent}`;
                }
            }
        }
    }
    return null;";

/// The first text with a contrast below 4.5 (WCAG 2.2, 1.4.3), with its figures. Texts over pictures have
/// their own background.
const FAINT: &str = "
    const part = (value) => { const it = value / 255; return it <= .04045 ? it / 12.92 : ((it + .055) / 1.055) ** 2.4; };
    const light = ([r, g, b]) => .2126 * part(r) + .7152 * part(g) + .0722 * part(b);
    const numbers = (colour) => { const [r, g, b, a = 1] = colour.match(/[0-9.]+/g).map(Number); return [r, g, b, a]; };
    const over = (top, below) => [0, 1, 2].map((at) => top[at] * top[3] + below[at] * (1 - top[3]));
    const ground = (it) => {
        if (!it) return [255, 255, 255];
        const own = numbers(getComputedStyle(it).backgroundColor);
        return own[3] === 1 ? own.slice(0, 3) : over(own, ground(it.parentElement));
    };
    for (const it of document.querySelectorAll('body, body *')) {
        const isText = [...it.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
        if (!isText || !it.checkVisibility() || ['SCRIPT', 'STYLE'].includes(it.tagName)) continue;
        const below = ground(it);
        const [one, two] = [light(over(numbers(getComputedStyle(it).color), below)), light(below)];
        const contrast = (Math.max(one, two) + .05) / (Math.min(one, two) + .05);
        if (contrast < 4.5) return `${contrast.toFixed(2)}: ${it.textContent}`;
    }
    return null;";

fn until_reasons(browser: &Browser, service: &Service) {
    browser.open("about:blank");
    browser.open(&format!("http://{}/", service.address));
    let reasons =
        "return [...document.querySelectorAll('article .reason')].map((it) => it.innerText.split(' ')[0])";
    until("the reasons", SOON, || (browser.run(reasons) == json!(["No", "Connection", ""])).then_some(()));
}

fn assert_seen(browser: &Browser, selector: &str, what: &str) {
    let unseen = browser.run(&UNSEEN.replace("SELECTOR", &format!("{selector:?}")));
    assert_eq!(unseen, Value::Null, "{what}");
}

/// A window of 1280 pixels at 100, 200 and 400 %, a phone's at 100 and 200 %.
#[test]
fn a_lost_camera_can_be_read_at_every_zoom() {
    let Some((browser, _turn)) = browser() else { return };
    let service = Service::start(&["--size", "320x240", "--fps", "5", LONG, REFUSED, "test:"]);
    for (width, height) in [(1280, 800), (640, 400), (320, 200), (390, 844), (195, 422)] {
        let what = format!("{width} x {height}");
        browser.resize(width, height);
        until_reasons(&browser, &service);
        assert_fits(&browser, width);
        assert_seen(
            &browser,
            ".reason, .caption h2, .caption .state, .facts, .links a, .cover strong, #health",
            &what,
        );
        // The state beside the name does not squeeze it: text that does not fit moves below.
        let narrow = "return [...document.querySelectorAll('.caption-head')].filter((it) => {
            const [name, state] = [...it.children].map((child) => child.getBoundingClientRect());
            const isBeside = state.top < name.bottom;
            return isBeside && name.width < it.clientWidth / 2 && name.height > 60;
        }).map((it) => it.innerText)";
        assert_eq!(browser.run(narrow), json!([]), "{what}");

        for (place, words) in [(1, "No device"), (2, "Connection refused")] {
            browser.run(&format!("document.querySelector('article:nth-of-type({place}) .picture').click()"));
            let reason = "return document.querySelector('#large').open ? document.querySelector('#large .cover span').innerText : ''";
            until("the large view", SOON, || browser.run(reason).as_str()?.starts_with(words).then_some(()));
            assert_seen(&browser, "#large h2, #large .state, #large button", &format!("{what}, large"));
            // A window too small for the reason scrolls it, with the keyboard too.
            let reach = "const it = document.querySelector('#large .cover'); return it.scrollHeight <= it.clientHeight || it.tabIndex === 0";
            assert_eq!(browser.run(reach), true, "{what}");
            browser.run("document.querySelector('#large-close').click()");
        }

        browser.open(&format!("http://{}/health", service.address));
        until("the health page", SOON, || (browsing::text(&browser, "#status") == "Degraded").then_some(()));
        assert_fits(&browser, width);
        assert_seen(&browser, "main *, .brand *", &format!("{what}, health page"));
    }
}

#[test]
fn the_page_suits_a_screen_reader() {
    let Some((browser, _turn)) = browser() else { return };
    let service =
        Service::start(&["--size", "320x240", "--fps", "5", "/dev/pinhole-test-99", REFUSED, "test:"]);
    browser.resize(1280, 800);
    until_reasons(&browser, &service);
    // The reason is text of the page, and not inside a link, as the link's name would hide it.
    let hidden = "return [...document.querySelectorAll('.reason')].some((it) => it.closest('a, [aria-hidden], [aria-label]'))";
    assert_eq!(browser.run(hidden), false);
    let names = |selector: &str| -> Vec<String> {
        browser.elements(selector).iter().map(|element| browser.label(element)).collect()
    };
    let links = names("article:nth-of-type(1) a");
    assert_eq!(
        links,
        [
            "Enlarge pinhole-test-99 No picture",
            "Stream of pinhole-test-99 in a new tab",
            "Snapshot of pinhole-test-99: save one picture"
        ]
    );
    assert_eq!(names("article:nth-of-type(3) .picture"), ["Enlarge test"]);
    for page in ["", "health", "#test"] {
        browser.open("about:blank");
        browser.open(&format!("http://{}/{page}", service.address));
        // Usable elements: while the large view is open, nothing behind it.
        let mark = "const large = document.querySelector('#large[open]');
            for (const it of document.querySelectorAll('a, button'))
                it.toggleAttribute('data-seen', it.checkVisibility() && (!large || large.contains(it)));
            return [...document.querySelectorAll('h2')].some((it) => it.checkVisibility())";
        until("the page", SOON, || (browser.run(mark) == true).then_some(()));
        let names = names("[data-seen]");
        assert!(!names.is_empty());
        for name in names {
            assert!(name.chars().any(char::is_alphabetic), "/{page}: {name:?} says what it does");
        }
    }
    // Changes are announced: lost connections, and the number of lost cameras.
    browser.open(&format!("http://{}/", service.address));
    until("the summary", SOON, || {
        (browsing::text(&browser, "#summary") == "3 cameras, 2 lost").then_some(())
    });
    let live = "return ['#offline', '#summary', '#large-state'].every((it) => document.querySelector(it).closest('[role=status]'))";
    assert_eq!(browser.run(live), true);
}

#[test]
fn every_text_contrasts_with_its_background() {
    let Some((browser, _turn)) = browser() else { return };
    let service =
        Service::start(&["--size", "320x240", "--fps", "5", "/dev/pinhole-test-99", REFUSED, "test:"]);
    browser.resize(1280, 800);
    for scheme in ["light", "dark"] {
        browser.choose_colours(scheme);
        until_reasons(&browser, &service);
        assert_eq!(browser.run(FAINT), Value::Null, "the page, {scheme}");
        browser.run("document.querySelector('article .picture').click()");
        until("the large view", SOON, || (!browsing::text(&browser, "#large-name").is_empty()).then_some(()));
        assert_eq!(browser.run(FAINT), Value::Null, "one camera, {scheme}");
        browser.run(
            "document.querySelector('#large-close').click();
            showNoAnswer(new NoAnswer('password', 'A password is needed.'))",
        );
        assert_eq!(browser.run(FAINT), Value::Null, "no answer, {scheme}");
        browser.open(&format!("http://{}/health", service.address));
        until("the health page", SOON, || (browsing::text(&browser, "#status") == "Degraded").then_some(()));
        assert_eq!(browser.run(FAINT), Value::Null, "the health page, {scheme}");
    }
}
