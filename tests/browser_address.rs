//! The pages below a path of a reverse proxy, and their messages if an address leads elsewhere (number 13).

#[allow(dead_code)] // Other tests use the rest.
#[path = "support/browsing.rs"]
mod browsing;
#[path = "support/nginx.rs"]
mod nginx;
#[path = "support/prefix_proxy.rs"]
mod prefix_proxy;
#[allow(dead_code)] // Other tests use the rest.
#[path = "support/service.rs"]
mod service;
#[path = "support/wait.rs"]
mod wait;
#[allow(dead_code)] // Other tests use the rest.
#[path = "support/webdriver.rs"]
mod webdriver;

use std::process::Command;

use browsing::{SOON, browser, start_on, text, until_moving, until_pictures};
use nginx::Nginx;
use pinhole::config::PasswordHash;
use prefix_proxy::{Mood, PrefixProxy};
use serde_json::Value;
use service::Service;
use wait::until;
use webdriver::Browser;

/// More cameras than can have a stream: the last two are shown by single pictures.
const SIX: [&str; 10] =
    ["--size", "160x120", "--fps", "5", "test:", "test:", "test:", "test:", "test:", "test:"];
const SIX_PICTURES: [&str; 6] = ["live", "live", "live", "live", "still", "still"];

/// The page, everything it requests, and all its links are below `base`, which ends with a slash.
fn assert_lives_below(browser: &Browser, page: &str, base: &str) {
    browser.open(page);
    until_pictures(browser, page, SOON, &SIX_PICTURES);
    until_moving(browser, "article .picture");
    assert_eq!(text(browser, "#notices"), "", "{page}");
    let asked = "return performance.getEntriesByType('resource').map((it) => it.name)
        .concat([...document.querySelectorAll('a[href], link[href]')].map((it) => it.href))";
    let asked = browser.run(asked);
    for address in asked.as_array().expect("a list").iter().filter_map(Value::as_str) {
        let is_below = address.starts_with(base) || address.starts_with("data:");
        // A camera's address is below the page's own, which may lack the slash.
        assert!(
            is_below || address.starts_with(&format!("{}#", page.split('#').next().unwrap_or(page))),
            "{page}: {address}"
        );
    }
    let icon = browser
        .run_later("fetch(document.querySelector('link[rel=icon]').href).then((it) => done(it.status))");
    assert_eq!(icon, 200);

    browser.click("article .picture");
    until("the large picture", SOON, || (text(browser, "#large-name") == "test").then_some(()));
    let large = "return document.querySelector('#large-picture').dataset.picture";
    until("it is live", SOON, || (browser.run(large) == "live").then_some(()));
    browser.click("#large-close");
    assert_eq!(browser.address(), page, "the address is as before");

    browser.click("#health");
    until("the health page", SOON, || (text(browser, "#status") == "OK").then_some(()));
    assert_eq!(browser.address(), format!("{base}health"));
    browser.click(".summary a");
    until_pictures(browser, "the way back", SOON, &SIX_PICTURES);
    assert_eq!(browser.address(), base);
}

#[test]
fn below_a_path_of_a_proxy_with_and_without_a_slash() {
    let Some((browser, _turn)) = browser() else { return };
    let service = Service::start(&SIX);
    browser.resize(1280, 900);
    let proxy = PrefixProxy::start(service.address, "/pin");
    for end in ["", "/", "/index.html", "/?from=elsewhere"] {
        assert_lives_below(&browser, &format!("{}{end}", proxy.url), &format!("{}/", proxy.url));
    }
    // Deeper, and with the name of a page of Pinhole.
    let proxy = PrefixProxy::start(service.address, "/house/health");
    assert_lives_below(&browser, &proxy.url, &format!("{}/", proxy.url));
    let page = format!("{}/health/", proxy.url);
    browser.open(&page);
    until("the health page with a slash", SOON, || (text(&browser, "#status") == "OK").then_some(()));
    assert_eq!(browser.run("return document.querySelector('.summary a').href"), format!("{}/", proxy.url));
}

/// As in OctoPi, and in README for nginx: the service itself knows the path.
#[test]
fn below_webcam_without_a_proxy() {
    let Some((browser, _turn)) = browser() else { return };
    let service = Service::start(&SIX);
    browser.resize(1280, 900);
    for webcam in ["webcam", "webcam2"] {
        let base = format!("http://{}/{webcam}/", service.address);
        for page in [base.trim_end_matches('/'), &base] {
            assert_lives_below(&browser, page, &base);
        }
    }
}

#[test]
fn below_the_paths_of_a_real_nginx() {
    let Some((browser, _turn)) = browser() else { return };
    let service = Service::start(&SIX);
    browser.resize(1280, 900);
    let Some(nginx) = Nginx::start(service.address) else { return };
    for path in ["pin", "webcam"] {
        let base = format!("{}{path}/", nginx.url);
        assert_lives_below(&browser, &base, &base);
        // nginx redirects addresses without the slash.
        browser.open(base.trim_end_matches('/'));
        until_pictures(&browser, "without the slash", SOON, &SIX_PICTURES);
    }
}

#[test]
fn the_fault_of_an_address_is_named() {
    let Some((browser, _turn)) = browser() else { return };
    let service = Service::start(&["--size", "160x120", "--fps", "5", "test:"]);
    let proxy = PrefixProxy::start(service.address, "/pin");
    let base = format!("{}/", proxy.url);
    for page in [base.clone(), format!("{base}health")] {
        proxy.set(Mood::Passing);
        browser.open(&page);
        let is_well = || {
            let ok = if page == base {
                text(&browser, "#health") == "health: ok"
            } else {
                text(&browser, "#status") == "OK"
            };
            (ok && text(&browser, "#offline").is_empty()).then_some(())
        };
        until("all is well", SOON, is_well);
        for (mood, words, has_reload) in [
            (Mood::PageOnly, format!("Wrong address: Pinhole does not answer at {base}"), true),
            (Mood::OwnPage, format!("Wrong address: Pinhole does not answer at {base}"), true),
            (Mood::BadGateway, "cannot reach Pinhole (status 502)".to_owned(), false),
            (Mood::Login, "leads elsewhere now, perhaps to a login".to_owned(), true),
        ] {
            proxy.set(mood);
            until(&format!("{page}: {mood:?}"), SOON, || {
                text(&browser, "#offline").contains(&words).then_some(())
            });
            assert!(!text(&browser, "#offline").contains("Connection to Pinhole lost"));
            assert_eq!(!text(&browser, "#reload").is_empty(), has_reload, "{page}: {mood:?}");
            proxy.set(Mood::Passing);
            until(&format!("{page}: after {mood:?}"), SOON, is_well);
        }
    }
    // The button does what the message asks for; the proxy still forwards the page.
    browser.open(&base);
    proxy.set(Mood::PageOnly);
    until("the button", SOON, || (!text(&browser, "#reload").is_empty()).then_some(()));
    browser.run("window.before = true");
    browser.click("#reload");
    until("the page is a new one", SOON, || {
        browser.run("return window.before ?? null").is_null().then_some(())
    });
    proxy.set(Mood::Passing);
    until_pictures(&browser, "all is well again", SOON, &["live"]);
}

#[test]
fn a_required_password_is_not_a_lost_connection() {
    const CAMERA: [&str; 5] = ["--size", "160x120", "--fps", "5", "test:"];
    let Some((browser, _turn)) = browser() else { return };
    let hash = PasswordHash::of("hush").expect("a password");
    let mut service = Service::start(&CAMERA);
    let address = service.address;
    let file = std::env::temp_dir().join(format!("pinhole-address-{}.toml", std::process::id()));
    let configuration = format!(
        "[http]\nlisten = [\"{address}\"]\npassword_hash = \"{hash}\"\n[[camera]]\nsource = \"test:\"\n"
    );
    std::fs::write(&file, configuration).expect("written");
    for (path, all_is_well) in [("", "health: ok"), ("health", "OK")] {
        let is_well = || {
            let said = text(&browser, if path.is_empty() { "#health" } else { "#status" });
            (said == all_is_well && text(&browser, "#offline").is_empty()).then_some(())
        };
        browser.open(&format!("http://{address}/{path}"));
        until("all is well", SOON, is_well);
        drop(service);
        let closed = Service::from_command(
            Command::new(env!("CARGO_BIN_EXE_pinhole")).args(["serve", "--config"]).arg(&file),
        );
        let says = |words: &str| text(&browser, "#offline").contains(words);
        until("the page asks for the password", SOON, || says("A password is needed").then_some(()));
        assert_eq!(text(&browser, "#reload"), "Reload");
        drop(closed);
        until("the connection is lost", SOON, || says("Connection to Pinhole lost").then_some(()));
        service = start_on(address, &CAMERA);
        until("without a password again", SOON, is_well);
    }
    let _ = std::fs::remove_file(&file);
}
