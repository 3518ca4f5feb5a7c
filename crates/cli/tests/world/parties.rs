//! The parties to a trace, each as a program of its own: witnesses, the person concerned, whoever audits.

// Each test binary uses a part of this.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test binary uses a part of this"
)]

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use liuhen_testkit::Api;
use serde_json::Value;

pub const BIN: &str = env!("CARGO_BIN_EXE_liuhen");

/// Nothing of this should take a minute; a machine under load may.
const PATIENCE: Duration = Duration::from_secs(120);

/// Runs the program.
pub fn liuhen(args: &[&str]) -> Output {
    Command::new(BIN)
        .args(args)
        .env("LANG", "C.UTF-8")
        .stdin(Stdio::null())
        .output()
        .expect("the program runs")
}

pub fn said(output: &Output) -> String {
    let both = [&output.stdout[..], &output.stderr].concat();
    String::from_utf8_lossy(&both).into_owned()
}

/// Runs the program, and demands an exit code and a part of what it says.
#[track_caller]
pub fn ends(args: &[&str], code: i32, says: &str) -> String {
    let output = liuhen(args);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(code), "{args:?}\n{said}");
    assert!(said.contains(says), "{args:?}: no {says:?} in\n{said}");
    said
}

/// Runs the program with `--json`, and demands an exit code.
#[track_caller]
pub fn json(args: &[&str], code: i32) -> Value {
    let output = liuhen(&[args, &["--json"]].concat());
    let said = said(&output);
    assert_eq!(output.status.code(), Some(code), "{args:?}\n{said}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"))
}

/// Looks until something is so.
#[track_caller]
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "never: {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

pub fn text(path: &Path) -> &str {
    path.to_str().expect("test paths are text")
}

/// A running `liuhen witness`; killed when dropped.
pub struct Witness {
    child: Child,
    dir: PathBuf,
    /// Where it listens.
    pub url: String,
    /// What it prints for the log's policy.
    pub line: String,
}

impl Witness {
    /// Starts the witness `name` of the log `vkey` in `dir`, on a free port.
    pub fn start(dir: &Path, name: &str, vkey: &str) -> Self {
        let args = ["--name", name, "--log", vkey, "--listen", "127.0.0.1:0"];
        Self::run(dir, &args)
    }

    fn run(dir: &Path, args: &[&str]) -> Self {
        let mut child = Command::new(BIN)
            .args(["witness", "--json", "--dir", text(dir)])
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the witness starts");
        let mut first = String::new();
        let out = child.stdout.as_mut().expect("piped");
        let mut lines = BufReader::new(out);
        lines.read_line(&mut first).expect("text");
        let told: Value = serde_json::from_str(&first).expect("what a witness says");
        Self {
            child,
            dir: dir.to_owned(),
            url: told["listening"].as_str().expect("an address").to_owned(),
            line: told["policy"].as_str().expect("a line").to_owned(),
        }
    }

    /// Its name within a policy.
    pub fn short(&self) -> &str {
        self.line.split(' ').nth(1).expect("a name")
    }

    pub fn kill(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }

    /// Starts it again where it was, with what it kept.
    pub fn again(&mut self) {
        self.kill();
        let at = self.url.trim_start_matches("http://").to_owned();
        *self = Self::run(&self.dir.clone(), &["--listen", &at]);
    }

    /// Files of evidence it kept.
    pub fn evidence(&self) -> Vec<PathBuf> {
        let Ok(files) = std::fs::read_dir(self.dir.join("evidence")) else {
            return Vec::new();
        };
        let mut files: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
        files.sort();
        files
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Three witnesses of one log.
pub fn three(dir: &Path, vkey: &str) -> [Witness; 3] {
    std::array::from_fn(|at| {
        let name = format!("witness.example/w{}", at + 1);
        Witness::start(&dir.join(format!("witness-{}", at + 1)), &name, vkey)
    })
}

/// A policy's part on witnesses: `needed` of them.
pub fn policy(witnesses: &[Witness], needed: usize) -> String {
    let lines: Vec<&str> = witnesses.iter().map(|one| one.line.as_str()).collect();
    let names: Vec<&str> = witnesses.iter().map(Witness::short).collect();
    format!(
        "{}\ngroup enough {needed} {}\nquorum enough\n",
        lines.join("\n"),
        names.join(" ")
    )
}

/// The portal, as a browser sees it: with a cookie.
pub struct Portal {
    agent: ureq::Agent,
    base: String,
    cookie: String,
}

impl Portal {
    /// Goes in by link and code.
    pub fn enter(base: &str, link: &str, code: &str) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .build();
        let mut portal = Self {
            agent: config.into(),
            base: base.to_owned(),
            cookie: String::new(),
        };
        let answer = portal.post(&format!("/p/{link}"), &format!("code={code}"));
        assert_eq!(answer.0, 303, "{}", answer.2);
        portal.cookie = answer.1.split(';').next().expect("a cookie").to_owned();
        portal
    }

    /// Status, cookie and text.
    fn post(&self, path: &str, form: &str) -> (u16, String, String) {
        let mut answer = self
            .agent
            .post(format!("{}{path}", self.base))
            .header("cookie", &self.cookie)
            .header("sec-fetch-site", "same-origin")
            .content_type("application/x-www-form-urlencoded")
            .send(form)
            .expect("an answer");
        let cookie = answer.headers().get("set-cookie");
        let cookie = cookie.map(|cookie| cookie.to_str().expect("text").to_owned());
        let text = answer.body_mut().read_to_string().expect("text");
        (answer.status().as_u16(), cookie.unwrap_or_default(), text)
    }

    /// Status and text.
    pub fn get(&self, path: &str) -> (u16, String) {
        let ask = self.agent.get(format!("{}{path}", self.base));
        let mut answer = ask.header("cookie", &self.cookie).call().expect("answers");
        let text = answer.body_mut().read_to_string().expect("text");
        (answer.status().as_u16(), text)
    }

    /// Has everything about oneself destroyed; the page that says what was.
    pub fn cancel(&self) -> String {
        let (_, page) = self.get("/me/cancel");
        let token = page.split("name=\"_csrf\" value=\"").nth(1);
        let token = token.and_then(|rest| rest.split('"').next());
        let form = format!("_csrf={}&sure=yes", token.expect("a token"));
        let (status, _, page) = self.post("/me/cancel", &form);
        assert_eq!(status, 200, "{page}");
        page
    }
}

/// The size a checkpoint states.
pub fn size_in(checkpoint: &str) -> u64 {
    let line = checkpoint.lines().nth(1).expect("a size");
    line.parse().expect("a number")
}

/// A metric's value, added up over its labels.
pub fn metric(address: &str, name: &str) -> f64 {
    let page = Api::new(address).get("/metrics").expect_status(200).text();
    let rows = page.lines().filter(|line| {
        let rest = line.strip_prefix(name);
        rest.is_some_and(|rest| rest.starts_with([' ', '{']))
    });
    rows.filter_map(|row| row.rsplit(' ').next()?.parse::<f64>().ok())
        .sum()
}
