//! A headless Chromium, driven over the WebDriver protocol (<https://www.w3.org/TR/webdriver2/>).

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

/// Starting Chromium takes the longest, on a small machine under load.
const COMMAND_TIME_MAX: Duration = Duration::from_mins(1);

const FLAGS: [&str; 10] = [
    "--headless",
    "--no-sandbox", // Chromium refuses to run as root with it.
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage", // /dev/shm is tiny in many containers.
    "--hide-scrollbars",
];

/// One browser with its own profile. It ends when dropped.
pub struct Browser {
    agent: ureq::Agent,
    session: Option<String>,
    driver: Child,
    chromium: Option<Pid>,
    profile: PathBuf,
}

/// An element of the page, by the browser's id for it.
pub struct Element(String);

impl Browser {
    /// Starts a browser.
    ///
    /// # Errors
    /// Why this machine cannot.
    pub fn start() -> Result<Self, String> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let profile = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("chromium-{}-{number}", std::process::id()));
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(COMMAND_TIME_MAX))
            .http_status_as_error(false)
            .build()
            .into();
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("chromedriver: {error}"))?;
        let output = driver.stdout.take().expect("it is piped");
        let mut browser = Self { agent, session: None, driver, chromium: None, profile };
        let port = BufReader::new(output)
            .lines()
            .map_while(Result::ok)
            .find_map(|line| {
                line.strip_prefix("ChromeDriver was started successfully on port ")
                    .map(|rest| rest.trim_end_matches('.').to_owned())
            })
            .ok_or("chromedriver does not start")?;
        browser.open_session(&format!("http://127.0.0.1:{port}/session"))?;
        Ok(browser)
    }

    fn open_session(&mut self, url: &str) -> Result<(), String> {
        let mut flags: Vec<String> = FLAGS.iter().map(ToString::to_string).collect();
        flags.push(format!("--user-data-dir={}", self.profile.display()));
        let wanted =
            json!({ "capabilities": { "alwaysMatch": { "goog:chromeOptions": { "args": flags } } } });
        let opened = self.request("POST", url, &wanted)?;
        let id = opened["sessionId"].as_str().ok_or("no session")?;
        self.session = Some(format!("{url}/{id}"));
        self.chromium = opened["capabilities"]["goog:processID"]
            .as_i64()
            .and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
        Ok(())
    }

    fn request(&self, method: &str, url: &str, body: &Value) -> Result<Value, String> {
        let sent = match method {
            "GET" => self.agent.get(url).call(),
            "DELETE" => self.agent.delete(url).call(),
            _ => self.agent.post(url).send_json(body),
        };
        let mut answer = sent.map_err(|error| format!("chromedriver: {error}"))?;
        let body: Value = answer
            .body_mut()
            .with_config()
            .limit(64 << 20) // A screenshot is larger than ureq's default limit.
            .read_json()
            .map_err(|error| format!("chromedriver: {error}"))?;
        let value = body["value"].clone();
        match value["error"].as_str() {
            Some(error) => {
                let message = value["message"].as_str().unwrap_or_default();
                Err(format!("{error}: {}", message.lines().next().unwrap_or_default()))
            }
            None => Ok(value),
        }
    }

    /// A command of this session.
    ///
    /// # Panics
    /// If the browser refuses it.
    fn command(&self, method: &str, path: &str, body: &Value) -> Value {
        let session = self.session.as_ref().expect("started");
        self.request(method, &format!("{session}{path}"), body)
            .unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// A command of Chromium's own protocol.
    fn chromium(&self, name: &str, parameters: &Value) -> Value {
        self.command("POST", "/goog/cdp/execute", &json!({ "cmd": name, "params": parameters }))
    }

    /// Opens an address.
    pub fn open(&self, url: &str) {
        self.command("POST", "/url", &json!({ "url": url }));
    }

    /// Sets the window's size in CSS pixels; a real window has a least width of about 500.
    pub fn resize(&self, width: u32, height: u32) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.chromium("Emulation.setDeviceMetricsOverride", &size);
    }

    /// The value that a script returns.
    pub fn run(&self, script: &str) -> Value {
        self.command("POST", "/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// The value that a script passes to `done`, asynchronously.
    pub fn run_later(&self, script: &str) -> Value {
        let script = format!("const done = arguments[arguments.length - 1]; {script}");
        self.command("POST", "/execute/async", &json!({ "script": script, "args": [] }))
    }

    /// The first element that a CSS selector matches.
    pub fn element(&self, selector: &str) -> Element {
        let found = self.command("POST", "/element", &json!({ "using": "css selector", "value": selector }));
        let name = found.as_object().and_then(|found| found.values().next()?.as_str().map(str::to_owned));
        Element(name.expect("an element has a name"))
    }

    /// A picture of an element, as PNG in Base64.
    pub fn screenshot(&self, element: &Element) -> String {
        let picture = self.command("GET", &format!("/element/{}/screenshot", element.0), &Value::Null);
        picture.as_str().expect("a picture").to_owned()
    }

    /// Sets the preferred colour scheme: `"light"` or `"dark"`.
    pub fn choose_colours(&self, scheme: &str) {
        let feature = json!({ "name": "prefers-color-scheme", "value": scheme });
        self.chromium("Emulation.setEmulatedMedia", &json!({ "features": [feature] }));
    }

    /// Saves downloads into this folder, without asking.
    pub fn save_downloads(&self, folder: &Path) {
        let behaviour = json!({ "behavior": "allow", "downloadPath": folder });
        self.chromium("Browser.setDownloadBehavior", &behaviour);
    }

    /// A mouse click in the middle of an element, which nothing may cover.
    pub fn click(&self, selector: &str) {
        self.command("POST", &format!("/element/{}/click", self.element(selector).0), &json!({}));
    }

    /// Two quick mouse clicks in the middle of an element.
    pub fn double_click(&self, selector: &str) {
        let element = json!({ "element-6066-11e4-a52e-4f735466cecf": self.element(selector).0 });
        let mut strokes = vec![json!({ "type": "pointerMove", "origin": element, "x": 0, "y": 0 })];
        for _ in 0..2 {
            strokes.push(json!({ "type": "pointerDown", "button": 0 }));
            strokes.push(json!({ "type": "pointerUp", "button": 0 }));
        }
        let mouse = json!({ "type": "pointer", "id": "mouse", "actions": strokes });
        self.command("POST", "/actions", &json!({ "actions": [mouse] }));
    }

    /// An element's name for screen readers.
    pub fn label(&self, element: &Element) -> String {
        let label = self.command("GET", &format!("/element/{}/computedlabel", element.0), &Value::Null);
        label.as_str().expect("a name").to_owned()
    }

    /// Every element that a CSS selector matches.
    pub fn elements(&self, selector: &str) -> Vec<Element> {
        let found = self.command("POST", "/elements", &json!({ "using": "css selector", "value": selector }));
        let name =
            |it: &Value| it.as_object()?.values().next()?.as_str().map(|name| Element(name.to_owned()));
        found.as_array().expect("a list").iter().filter_map(name).collect()
    }

    /// Every tab, as described by Chromium: including one whose page never finishes loading, which WebDriver
    /// waits for.
    pub fn tabs(&self) -> Vec<Value> {
        let targets = self.chromium("Target.getTargets", &json!({}));
        let all = targets["targetInfos"].as_array().expect("a list");
        all.iter().filter(|target| target["type"] == "page").cloned().collect()
    }

    /// Closes one of [`Self::tabs`].
    pub fn close(&self, tab: &Value) {
        self.chromium("Target.closeTarget", &json!({ "targetId": tab["targetId"] }));
    }

    /// Runs a script in every page opened from now on, before the page's own.
    pub fn run_first(&self, script: &str) {
        self.chromium("Page.addScriptToEvaluateOnNewDocument", &json!({ "source": script }));
    }

    /// The address of the page.
    pub fn address(&self) -> String {
        self.command("GET", "/url", &Value::Null).as_str().expect("an address").to_owned()
    }

    /// Presses and releases a key of the keyboard.
    pub fn press(&self, key: char) {
        let strokes = json!([{ "type": "keyDown", "value": key }, { "type": "keyUp", "value": key }]);
        let keyboard = json!({ "type": "key", "id": "keyboard", "actions": strokes });
        self.command("POST", "/actions", &json!({ "actions": [keyboard] }));
    }

    /// Opens another tab in front of the present one, which becomes hidden.
    pub fn open_tab(&self) -> Tab {
        let before = self.command("GET", "/window", &Value::Null);
        let new = self.command("POST", "/window/new", &json!({ "type": "tab" }));
        self.command("POST", "/window", &json!({ "handle": new["handle"] }));
        Tab { before }
    }

    /// Closes the front tab; the previous one becomes visible again.
    pub fn close_tab(&self, tab: &Tab) {
        self.command("DELETE", "/window", &Value::Null);
        self.command("POST", "/window", &json!({ "handle": tab.before }));
    }
}

/// A tab that was opened in front of another.
pub struct Tab {
    before: Value,
}

/// Keys that are not letters, in WebDriver's coding.
pub mod key {
    /// Enter.
    pub const ENTER: char = '\u{e007}';
    /// Escape.
    pub const ESCAPE: char = '\u{e00c}';
    /// Arrow to the left.
    pub const LEFT: char = '\u{e012}';
    /// Arrow to the right.
    pub const RIGHT: char = '\u{e014}';
}

impl Drop for Browser {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            let _ = self.request("DELETE", &session, &Value::Null);
        }
        // A driver that hangs leaves its browser behind.
        if let Some(chromium) = self.chromium {
            let _ = kill_process(chromium, Signal::KILL);
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}
