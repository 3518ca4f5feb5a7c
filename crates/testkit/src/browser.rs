//! Chromium without a screen, driven as a person would drive it.
//!
//! Rule: W3C WebDriver, spoken by ChromeDriver; what WebDriver lacks (phone screens, whole-page
//! pictures) goes through ChromeDriver's door to the DevTools protocol.
//! Calls block, since tests read better so; anything not wrapped here is reached by
//! [`Browser::with`].

use std::future::Future;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fantoccini::actions::{InputSource as _, MOUSE_BUTTON_LEFT, MouseActions, PointerAction};
use fantoccini::elements::Element;
use fantoccini::error::CmdError;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use crate::driver::{Driver, capabilities, chromedriver, chromium};

/// Set to `1` where a missing browser is a failure: under `.ci/run`.
pub const REQUIRE: &str = "LIUHEN_REQUIRE_BROWSER";

/// How long an element may take to appear.
const PATIENCE: Duration = Duration::from_secs(10);

/// A screen in CSS pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Screen {
    /// Width in CSS pixels.
    pub width: u32,
    /// Height in CSS pixels.
    pub height: u32,
    /// Device pixels per CSS pixel.
    pub scale: u32,
    /// Whether the page sees touch and a mobile viewport.
    pub mobile: bool,
}

impl Screen {
    /// A laptop.
    pub const DESKTOP: Self = Self {
        width: 1280,
        height: 800,
        scale: 1,
        mobile: false,
    };
    /// A phone held upright.
    pub const PHONE: Self = Self {
        width: 390,
        height: 844,
        scale: 2,
        mobile: true,
    };
}

/// A browser with a profile of its own; both end with it.
#[derive(Debug)]
pub struct Browser {
    // Fields drop in this order: the client first, the folders last.
    client: Option<Client>,
    runtime: Runtime,
    driver: Driver,
    agent: ureq::Agent,
    session: String,
    downloads: PathBuf,
    _home: TempDir,
}

/// A browser, or a printed `SKIP` line where Chromium or ChromeDriver is absent.
///
/// # Panics
///
/// When one is absent and [`REQUIRE`] is `1`, or when they are present and do not start.
#[must_use]
pub fn browser_or_skip(test: &str) -> Option<Browser> {
    started_or_skip(test, None)
}

/// As [`browser_or_skip`], with a camera that plays a film (MJPEG or Y4M) and is allowed to every page.
///
/// # Panics
///
/// As [`browser_or_skip`].
#[must_use]
pub fn browser_with_camera_or_skip(test: &str, film: &Path) -> Option<Browser> {
    started_or_skip(test, Some(film))
}

fn started_or_skip(test: &str, camera: Option<&Path>) -> Option<Browser> {
    let (Some(chromium), Some(driver)) = (chromium(), chromedriver()) else {
        let why = "Chromium or ChromeDriver is absent (Debian: chromium, chromium-driver)";
        assert!(
            std::env::var(REQUIRE).as_deref() != Ok("1"),
            "{test}: {why}, and {REQUIRE}=1"
        );
        // Written past the test harness's capture, so that a skip is seen where tests pass.
        let _unheard = writeln!(std::io::stderr(), "SKIP {test}: {why}");
        return None;
    };
    Some(Browser::start(chromium, driver, camera))
}

impl Browser {
    fn start(chromium: &Path, driver: &Path, camera: Option<&Path>) -> Self {
        let home = TempDir::new().expect("a temporary folder");
        let downloads = home.path().join("downloads");
        std::fs::create_dir(&downloads).expect("a folder for downloads");
        let driver = Driver::start(driver, home.path());
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build();
        let runtime = runtime.expect("a runtime");
        let capabilities = capabilities(chromium, &home.path().join("profile"), &downloads, camera);
        let connecting = async {
            // Plain HTTP is enough: ChromeDriver listens on loopback.
            let mut builder = ClientBuilder::new(HttpConnector::new());
            let client = builder
                .capabilities(capabilities)
                .connect(&driver.url)
                .await?;
            let session = client.session_id().await.ok().flatten().unwrap_or_default();
            Ok::<_, fantoccini::error::NewSessionError>((client, session))
        };
        let (client, session) = runtime
            .block_on(connecting)
            .unwrap_or_else(|error| panic!("no browser: {error}"));
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .build()
            .into();
        let browser = Self {
            client: Some(client),
            runtime,
            driver,
            agent,
            session,
            downloads,
            _home: home,
        };
        browser.screen(Screen::DESKTOP);
        browser
    }

    /// Runs any of fantoccini's calls to its end.
    ///
    /// # Panics
    ///
    /// When the call fails.
    pub fn with<F, T>(&self, ask: impl FnOnce(Client) -> F) -> T
    where
        F: Future<Output = Result<T, CmdError>>,
    {
        let client = self.client.clone().expect("the client lives until drop");
        self.runtime
            .block_on(ask(client))
            .unwrap_or_else(|error| panic!("browser: {error}"))
    }

    /// Opens a page and waits for its load event.
    pub fn open(&self, url: &str) {
        self.with(|client| async move { client.goto(url).await });
    }

    /// Address of the page.
    #[must_use]
    pub fn address(&self) -> String {
        self.with(|client| async move { client.current_url().await })
            .to_string()
    }

    /// Waits until the address contains `part`.
    ///
    /// # Panics
    ///
    /// When ten seconds pass without it; with the address and the page's text.
    pub fn wait_for_address(&self, part: &str) {
        self.wait(&format!("an address with {part:?}"), || {
            self.address().contains(part)
        });
    }

    /// Waits until the page's visible text contains `part`.
    ///
    /// # Panics
    ///
    /// When ten seconds pass without it; with the address and the page's text.
    pub fn wait_for_text(&self, part: &str) {
        self.wait(&format!("the text {part:?}"), || self.text().contains(part));
    }

    fn wait(&self, what: &str, mut holds: impl FnMut() -> bool) {
        let until = Instant::now() + PATIENCE;
        while !holds() {
            assert!(
                Instant::now() < until,
                "{what} never came; at {} one reads:\n{}",
                self.address(),
                self.text()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The element of a CSS selector, waited for.
    ///
    /// # Panics
    ///
    /// When ten seconds pass without it; with the address and the page's text.
    #[must_use]
    pub fn find(&self, css: &str) -> Element {
        let found = self.client.as_ref().map(|client| {
            self.runtime.block_on(
                client
                    .wait()
                    .at_most(PATIENCE)
                    .for_element(Locator::Css(css)),
            )
        });
        match found {
            Some(Ok(element)) => element,
            _ => panic!(
                "no {css} at {}; one reads:\n{}",
                self.address(),
                self.text()
            ),
        }
    }

    /// How many elements match now.
    #[must_use]
    pub fn count(&self, css: &str) -> usize {
        self.with(|client| async move { client.find_all(Locator::Css(css)).await })
            .len()
    }

    /// Clicks the element, as a pointer would: it must be visible and uncovered.
    pub fn click(&self, css: &str) {
        let element = self.find(css);
        self.with(|_| async move { element.click().await });
    }

    /// Clicks the button or link with that visible text.
    ///
    /// # Panics
    ///
    /// When there is none; with the address and the page's text.
    pub fn press(&self, label: &str) {
        let quoted = label.replace('\'', "\u{2019}");
        let path = format!(
            "//*[self::button or self::a or self::summary][normalize-space(.)='{quoted}']\
             | //input[@type='submit'][@value='{quoted}']"
        );
        let found = self.client.as_ref().map(|client| {
            self.runtime.block_on(
                client
                    .wait()
                    .at_most(PATIENCE)
                    .for_element(Locator::XPath(&path)),
            )
        });
        let Some(Ok(element)) = found else {
            panic!(
                "nothing to press named {label:?} at {}; one reads:\n{}",
                self.address(),
                self.text()
            );
        };
        self.with(|_| async move { element.click().await });
    }

    /// Empties a field and types into it.
    pub fn fill(&self, css: &str, text: &str) {
        let element = self.find(css);
        self.with(|_| async move {
            element.clear().await?;
            element.send_keys(text).await
        });
    }

    /// Chooses an option of a `select` by its value.
    pub fn choose(&self, css: &str, value: &str) {
        let element = self.find(css);
        self.with(|_| async move { element.select_by_value(value).await });
    }

    /// Hands a file to an `input type=file`.
    pub fn attach(&self, css: &str, file: &Path) {
        let element = self.find(css);
        let path = file.canonicalize().expect("the file to attach exists");
        self.with(|_| async move { element.send_keys(&path.to_string_lossy()).await });
    }

    /// Types keys into whatever has the focus: `fantoccini::key::Key` gives Tab, Enter and so on.
    pub fn keys(&self, keys: &str) {
        self.with(|client| async move { client.active_element().await?.send_keys(keys).await });
    }

    /// Presses the mouse at one place of the viewport, in CSS pixels, and lets it go at another.
    pub fn drag(&self, from: (f64, f64), to: (f64, f64)) {
        let to_place = |(x, y): (f64, f64)| PointerAction::MoveTo {
            duration: Some(Duration::from_millis(50)),
            x,
            y,
        };
        let half = (from.0.midpoint(to.0), from.1.midpoint(to.1));
        let actions = MouseActions::new("mouse".to_owned())
            .then(to_place(from))
            .then(PointerAction::Down {
                button: MOUSE_BUTTON_LEFT,
            })
            .then(to_place(half))
            .then(to_place(to))
            .then(PointerAction::Up {
                button: MOUSE_BUTTON_LEFT,
            });
        self.with(|client| async move { client.perform_actions(actions).await });
    }

    /// Visible text of the page.
    #[must_use]
    pub fn text(&self) -> String {
        let answer = self.script("return document.body ? document.body.innerText : ''");
        answer.as_str().unwrap_or_default().to_owned()
    }

    /// Runs a function body in the page; its `return` is the answer.
    pub fn script(&self, body: &str) -> Value {
        self.with(|client| async move { client.execute(body, Vec::new()).await })
    }

    /// Gives the page another screen.
    pub fn screen(&self, screen: Screen) {
        let metrics = json!({
            "width": screen.width, "height": screen.height,
            "deviceScaleFactor": screen.scale, "mobile": screen.mobile,
        });
        self.devtools("Emulation.setDeviceMetricsOverride", &metrics);
        self.devtools(
            "Emulation.setTouchEmulationEnabled",
            &json!({ "enabled": screen.mobile }),
        );
    }

    /// Writes what the screen shows to a PNG file, making its folder.
    pub fn picture(&self, file: &Path) {
        let png = self.with(|client| async move { client.screenshot().await });
        save(file, &png);
    }

    /// Writes the page from top to bottom to a PNG file, making its folder.
    pub fn picture_of_page(&self, file: &Path) {
        let size = self.script(
            "const e = document.documentElement; \
             return [e.clientWidth, Math.max(e.scrollHeight, document.body.scrollHeight)]",
        );
        let clip = json!({ "x": 0, "y": 0, "width": size[0], "height": size[1], "scale": 1 });
        let ask = json!({ "format": "png", "captureBeyondViewport": true, "clip": clip });
        let answer = self.devtools("Page.captureScreenshot", &ask);
        let text = answer["data"]
            .as_str()
            .expect("DevTools answers with base64");
        let png = STANDARD.decode(text).expect("DevTools answers with base64");
        save(file, &png);
    }

    /// Whether nothing on the page is wider than its screen: a page that scrolls sideways on a
    /// phone is broken.
    #[must_use]
    pub fn fits(&self) -> bool {
        let overflow =
            self.script("const e = document.documentElement; return e.scrollWidth - e.clientWidth");
        overflow.as_i64().is_some_and(|pixels| pixels <= 0)
    }

    /// What the browser complained of since last asked: script errors, refused loads, violations
    /// of the Content-Security-Policy.
    #[must_use]
    pub fn complaints(&self) -> Vec<String> {
        let answer = self.command("se/log", &json!({ "type": "browser" }));
        let entries = answer.as_array().cloned().unwrap_or_default();
        let text = |entry: &Value| entry["message"].as_str().unwrap_or_default().to_owned();
        entries.iter().map(text).collect()
    }

    /// Waits for a download to end, and gives its path.
    ///
    /// # Panics
    ///
    /// When no file has arrived after ten seconds.
    #[must_use]
    pub fn downloaded(&self, name_contains: &str) -> PathBuf {
        let mut found = None;
        self.wait(&format!("a download named like {name_contains:?}"), || {
            let files = std::fs::read_dir(&self.downloads).expect("the folder of downloads");
            found = files.flatten().map(|file| file.path()).find(|path| {
                let name = path
                    .file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned();
                name.contains(name_contains) && !name.ends_with(".crdownload")
            });
            found.is_some()
        });
        found.expect("waited for")
    }

    /// Sends a command of the DevTools protocol.
    ///
    /// # Panics
    ///
    /// When the browser refuses it.
    pub fn devtools(&self, command: &str, params: &Value) -> Value {
        self.command(
            "goog/cdp/execute",
            &json!({ "cmd": command, "params": params }),
        )
    }

    /// Gives the browser a device that signs: a platform authenticator whose user is always there and
    /// always verified (WebAuthn Level 3, section 11).
    ///
    /// # Panics
    ///
    /// When the browser refuses it.
    pub fn authenticator(&self) {
        let device = json!({
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": true,
            "hasUserVerification": true, "isUserVerified": true,
        });
        self.command("webauthn/authenticator", &device);
    }

    /// A command that fantoccini does not know.
    fn command(&self, path: &str, body: &Value) -> Value {
        let url = format!("{}/session/{}/{path}", self.driver.url, self.session);
        let mut response = self
            .agent
            .post(url)
            .send_json(body)
            .expect("ChromeDriver answers");
        let status = response.status();
        let limit = response.body_mut().with_config().limit(1 << 28);
        let answer: Value = limit.read_json().expect("ChromeDriver speaks JSON");
        assert!(status.is_success(), "{path}: {answer}");
        answer["value"].clone()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if let Some(client) = self.client.take() {
            // A browser that has gone already needs no farewell.
            let _gone = self.runtime.block_on(client.close());
        }
    }
}

fn save(file: &Path, png: &[u8]) {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).expect("a folder for pictures");
    }
    std::fs::write(file, png).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
}
