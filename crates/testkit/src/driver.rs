//! ChromeDriver and the settings with which it starts Chromium.
//!
//! Rule: W3C WebDriver, capabilities; `goog:chromeOptions` is ChromeDriver's own.
//! What is done with the browser belongs to `browser`.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use crate::server::Printed;

const CHROMIUM: [&str; 4] = [
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome",
    "/snap/bin/chromium",
];
const DRIVER: [&str; 2] = ["/usr/bin/chromedriver", "/usr/local/bin/chromedriver"];

/// As root in a closed network: no sandbox, and nothing in the background that calls out.
const FLAGS: [&str; 12] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
    "--hide-scrollbars",
    "--lang=en-US",
];

/// Chromium's program, where it is installed.
pub(crate) fn chromium() -> Option<&'static Path> {
    first(&CHROMIUM)
}

/// ChromeDriver's program, where it is installed.
pub(crate) fn chromedriver() -> Option<&'static Path> {
    first(&DRIVER)
}

/// What a session asks for: a camera that plays a film where one is given, a profile and a folder for downloads of its own.
pub(crate) fn capabilities(
    chromium: &Path,
    profile: &Path,
    downloads: &Path,
    camera: Option<&Path>,
) -> Map<String, Value> {
    let mut args: Vec<String> = FLAGS.iter().map(|&flag| flag.to_owned()).collect();
    if let Some(film) = camera {
        args.push("--use-fake-ui-for-media-stream".to_owned());
        args.push("--use-fake-device-for-media-stream".to_owned());
        args.push(format!(
            "--use-file-for-fake-video-capture={}",
            film.display()
        ));
    }
    args.push(format!("--user-data-dir={}", profile.display()));
    let wanted = json!({
        "browserName": "chrome",
        "goog:chromeOptions": {
            "binary": chromium,
            "args": args,
            "prefs": {
                "download.default_directory": downloads,
                "download.prompt_for_download": false,
                "intl.accept_languages": "en-US,en",
            },
        },
        "goog:loggingPrefs": { "browser": "ALL" },
    });
    wanted.as_object().cloned().unwrap_or_default()
}

/// A running ChromeDriver; killed when dropped.
#[derive(Debug)]
pub(crate) struct Driver {
    child: Child,
    /// Address without a path.
    pub(crate) url: String,
}

impl Driver {
    /// Starts it on a free port.
    ///
    /// # Panics
    ///
    /// When it cannot be run or names no port within thirty seconds.
    pub(crate) fn start(program: &Path, home: &Path) -> Self {
        let mut child = Command::new(program)
            .arg("--port=0")
            .env("HOME", home)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{} cannot be run: {error}", program.display()));
        let printed = Printed::default();
        printed.follow(child.stdout.take().expect("stdout is piped"));
        let mut driver = Self {
            child,
            url: String::new(),
        };
        let until = Instant::now() + Duration::from_secs(30);
        while driver.url.is_empty() {
            assert!(
                Instant::now() < until,
                "ChromeDriver is silent: {:?}",
                printed.lines()
            );
            std::thread::sleep(Duration::from_millis(20));
            if let Some(port) = printed.lines().iter().find_map(|line| port(line)) {
                driver.url = format!("http://127.0.0.1:{port}");
            }
        }
        driver
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _gone_already = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// The port in `ChromeDriver was started successfully on port 41234.`
fn port(line: &str) -> Option<u16> {
    let (_, rest) = line.split_once("started successfully on port ")?;
    rest.trim_end_matches('.').parse().ok()
}

fn first(paths: &[&'static str]) -> Option<&'static Path> {
    paths
        .iter()
        .map(|&path| Path::new(path))
        .find(|path| path.exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_in_lines() {
        let rows = [
            (
                "said",
                "ChromeDriver was started successfully on port 41234.",
                Some(41234),
            ),
            (
                "something else",
                "Starting ChromeDriver 156.0 (x) on port 0",
                None,
            ),
            (
                "not a number",
                "was started successfully on port many.",
                None,
            ),
        ];
        for (name, line, expected) in rows {
            assert_eq!(port(line), expected, "{name}");
        }
    }
}
