//! The built program, run as a user runs it.
//!
//! Starts `liuhen serve` on a free port of loopback, waits until it answers, and ends it as a test
//! wishes: politely (SIGINT), or as a power cut would (SIGKILL).
//! What it printed is kept line by line, so that a test can find the administrator's first link.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// How long a start may take; `--demo` writes a year of reads in a debug build.
const PATIENCE: Duration = Duration::from_secs(120);

/// What to run and where.
#[derive(Debug)]
pub struct Plan {
    binary: PathBuf,
    data: Option<PathBuf>,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    patience: Duration,
}

impl Plan {
    /// Keeps the data in `data` rather than in a folder that goes with the server.
    #[must_use]
    pub fn data(mut self, data: impl Into<PathBuf>) -> Self {
        self.data = Some(data.into());
        self
    }

    /// Adds an argument to `serve`.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Sets a variable of the environment.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Waits at most so long for readiness; 120 seconds unless told.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Starts the server and waits until `/healthz` answers 200.
    ///
    /// # Panics
    ///
    /// When it exits or stays silent; with everything it printed.
    #[must_use]
    pub fn start(self) -> Server {
        self.try_start()
            .unwrap_or_else(|failure| panic!("serve did not start: {failure}"))
    }

    /// Starts the server, or says how it ended: for starts that ought to be refused.
    ///
    /// # Errors
    ///
    /// The exit and what was printed, when the server ended before it answered or outlasted
    /// [`Plan::patience`].
    pub fn try_start(self) -> Result<Server, Failure> {
        let patience = self.patience;
        let mut server = self.spawn();
        server.until_ready(patience)?;
        Ok(server)
    }

    /// Starts the server and does not wait: for one that stands by.
    ///
    /// # Panics
    ///
    /// When the program cannot be run.
    #[must_use]
    pub fn spawn(self) -> Server {
        let own = self
            .data
            .is_none()
            .then(|| TempDir::new().expect("a temporary folder"));
        let fallback = own.as_ref().map(|dir| dir.path().join("data"));
        let data = self.data.or(fallback).expect("one of the two is set");
        let mut child = Command::new(&self.binary)
            .arg("serve")
            .args([OsStr::new("--dir"), data.as_os_str()])
            .args(["--listen", "127.0.0.1:0"])
            .args(&self.args)
            .envs(self.env)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{} cannot be run: {error}", self.binary.display()));
        let printed = Printed::default();
        printed.follow(child.stdout.take().expect("stdout is piped"));
        printed.follow(child.stderr.take().expect("stderr is piped"));
        Server {
            child,
            printed,
            data,
            url: String::new(),
            _own: own,
        }
    }
}

/// How a start failed.
#[derive(Debug)]
pub struct Failure {
    /// The exit, or nothing when patience ended first.
    pub status: Option<ExitStatus>,
    /// Lines of both streams.
    pub printed: Vec<String>,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.status {
            Some(status) => write!(f, "{status}; it printed:\n{}", self.printed.join("\n")),
            None => write!(
                f,
                "no answer in time; it printed:\n{}",
                self.printed.join("\n")
            ),
        }
    }
}

/// A running server; killed when dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    printed: Printed,
    data: PathBuf,
    url: String,
    _own: Option<TempDir>,
}

impl Server {
    /// Plans a run of the program at `binary`, usually `env!("CARGO_BIN_EXE_liuhen")`.
    pub fn plan(binary: impl AsRef<Path>) -> Plan {
        Plan {
            binary: binary.as_ref().to_path_buf(),
            data: None,
            args: Vec::new(),
            env: Vec::new(),
            patience: PATIENCE,
        }
    }

    /// Starts the program with a new data folder that goes with the server.
    #[must_use]
    pub fn start(binary: impl AsRef<Path>) -> Self {
        Self::plan(binary).start()
    }

    /// Waits until it answers.
    ///
    /// # Errors
    ///
    /// As for [`Plan::try_start`].
    pub fn until_ready(&mut self, patience: Duration) -> Result<(), Failure> {
        let until = Instant::now() + patience;
        loop {
            if let Some(status) = self.ended() {
                // The readers end with the pipes; a moment lets the last lines arrive.
                thread::sleep(Duration::from_millis(50));
                return Err(Failure {
                    status: Some(status),
                    printed: self.printed.lines(),
                });
            }
            if self.answers() {
                return Ok(());
            }
            if Instant::now() > until {
                return Err(Failure {
                    status: None,
                    printed: self.printed.lines(),
                });
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// How it ended, if it has.
    ///
    /// # Panics
    ///
    /// When the system does not say.
    #[must_use]
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child can be waited for")
    }

    /// Address without a path, such as `http://127.0.0.1:40123`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The data folder.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Lines printed so far, both streams.
    #[must_use]
    pub fn printed(&self) -> Vec<String> {
        self.printed.lines()
    }

    /// The first printed web address that contains `part`, such as the administrator's first link.
    #[must_use]
    pub fn link(&self, part: &str) -> Option<String> {
        self.printed
            .lines()
            .iter()
            .flat_map(|line| addresses(line))
            .find(|link| link.contains(part))
    }

    /// Waits for a printed line that contains `part`.
    ///
    /// # Panics
    ///
    /// When ten seconds pass without one; with everything printed.
    #[must_use]
    pub fn line(&self, part: &str) -> String {
        let until = Instant::now() + Duration::from_secs(10);
        loop {
            let lines = self.printed.lines();
            if let Some(line) = lines.iter().find(|line| line.contains(part)) {
                return line.clone();
            }
            assert!(
                Instant::now() < until,
                "never printed {part:?}, but:\n{}",
                lines.join("\n")
            );
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Asks it to stop, as Ctrl-C does, and waits for the end.
    ///
    /// # Panics
    ///
    /// When it has not ended after thirty seconds.
    pub fn stop(mut self) -> ExitStatus {
        let _gone_already = kill_process(Pid::from_child(&self.child), Signal::INT);
        let until = Instant::now() + Duration::from_secs(30);
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                return status;
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!(
            "still running 30 s after SIGINT; it printed:\n{}",
            self.printed.lines().join("\n")
        );
    }

    /// Kills it where it stands, as a power cut would (kill −9), and waits for the end.
    pub fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        let _gone_already = self.child.kill();
        let _reaped = self.child.wait();
    }

    /// Whether the address is known and answers; sets [`Server::url`].
    fn answers(&mut self) -> bool {
        if self.url.is_empty() {
            let lines = self.printed.lines();
            let links = lines.iter().flat_map(|line| addresses(line));
            let Some(found) = links.into_iter().find_map(|link| authority(&link)) else {
                return false;
            };
            self.url = format!("http://{found}");
        }
        healthy(self.url.trim_start_matches("http://")).unwrap_or(false)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

/// `GET /healthz` by hand, so that readiness depends on no client.
fn healthy(authority: &str) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(authority)?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    let ask = format!("GET /healthz HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n");
    stream.write_all(ask.as_bytes())?;
    let mut head = [0; 12];
    stream.read_exact(&mut head)?;
    Ok(&head == b"HTTP/1.1 200")
}

/// Web addresses within a line.
fn addresses(line: &str) -> Vec<String> {
    let from_http = line.match_indices("http://").map(|(at, _)| &line[at..]);
    from_http
        .map(|rest| {
            let end = rest.find(|c: char| c.is_whitespace() || "\"'<>`\u{1b}".contains(c));
            rest[..end.unwrap_or(rest.len())]
                .trim_end_matches(['.', ',', ')'])
                .to_owned()
        })
        .collect()
}

/// `127.0.0.1:port` of an address on loopback.
fn authority(link: &str) -> Option<String> {
    let rest = link.strip_prefix("http://")?;
    let authority = rest.split('/').next()?;
    let (host, port) = authority.rsplit_once(':')?;
    let port: u16 = port.parse().ok()?;
    (matches!(host, "127.0.0.1" | "localhost") && port != 0).then(|| format!("{host}:{port}"))
}

/// What a child printed, shared with the threads that read it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Printed(Arc<Mutex<Vec<String>>>);

impl Printed {
    pub(crate) fn lines(&self) -> Vec<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Reads a stream to its end on a thread of its own, so that the child never waits for us.
    pub(crate) fn follow(&self, stream: impl std::io::Read + Send + 'static) {
        let kept = Arc::clone(&self.0);
        thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                kept.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(line);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_within_lines() {
        let rows = [
            ("bare", "http://127.0.0.1:8080", Some("127.0.0.1:8080")),
            (
                "in a sentence",
                "listening on http://127.0.0.1:9/x.",
                Some("127.0.0.1:9"),
            ),
            (
                "coloured",
                "\u{1b}[1mhttp://localhost:70/a\u{1b}[0m",
                Some("localhost:70"),
            ),
            ("elsewhere", "see http://example.com:80/", None),
            ("port unknown", "http://127.0.0.1:0", None),
            ("none", "starting", None),
        ];
        for (name, line, expected) in rows {
            let found = addresses(line).iter().find_map(|link| authority(link));
            assert_eq!(found.as_deref(), expected, "{name}");
        }
    }
}
