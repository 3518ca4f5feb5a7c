//! A log as it is served over HTTP (C2SP tlog-tiles), for whoever audits it.
//!
//! No TLS and none needed for truth: every byte is checked against what the log signed. For a log that answers over TLS alone, a local forwarder (stunnel, socat, a proxy) stands between.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Result, bail};
use liuhen_service::mine::Asked;
use liuhen_tlog::audit::{Source, SourceError};
use liuhen_tlog::{Hash, MAX_LEAF, tile};
use ureq::Agent;

/// One answer takes at most this long: a full bundle may have 16 MiB.
const PATIENCE: Duration = Duration::from_secs(60);
/// Pauses between tries, once the log has answered at all: half a minute together.
const PAUSES: [Duration; 6] = [
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(16),
];
/// Longest checkpoint read, and longest list of changes of the key.
const MAX_NOTES: u64 = 1 << 20;
/// Longest bundle there can be.
const MAX_BUNDLE: u64 = tile::WIDTH * (MAX_LEAF as u64 + 2);
/// Longest person's proof read: entries are bounded by 8 MiB, and hashes are fewer.
const MAX_PROOF: u64 = 32 << 20;
/// Longest tile of hashes.
const MAX_TILE: u64 = tile::WIDTH * Hash::LEN as u64;

/// A log at an address.
pub(crate) struct Served {
    base: String,
    agent: Agent,
    /// Whether it ever answered: a wrong address should not be tried for half a minute.
    reached: AtomicBool,
}

/// Why a try gave nothing.
enum Miss {
    /// Try again.
    Passing(String),
    Final(SourceError),
}

impl Served {
    /// The log whose checkpoint lies at `url/checkpoint`; `at_once` requests may be under way together.
    pub(crate) fn new(url: &str, at_once: usize) -> Result<Self> {
        if url.starts_with("https:") {
            bail!(
                "this program carries no TLS; give the address of a local forwarder, such as http://127.0.0.1:PORT"
            );
        }
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(Duration::from_secs(10)))
            .timeout_global(Some(PATIENCE))
            .max_redirects(0)
            .max_idle_connections(at_once)
            .max_idle_connections_per_host(at_once)
            .build();
        Ok(Self {
            base: url.trim_end_matches('/').to_owned(),
            agent: config.new_agent(),
            reached: AtomicBool::new(false),
        })
    }

    fn ask(&self, path: &str) -> Result<Option<Vec<u8>>, Miss> {
        let passing = |error: ureq::Error| Miss::Passing(error.to_string());
        let url = format!("{}/{path}", self.base);
        let mut answer = self.agent.get(url).call().map_err(passing)?;
        self.reached.store(true, Ordering::Relaxed);
        match answer.status().as_u16() {
            200 => {}
            404 | 410 => return Ok(None),
            429 | 500..600 => return Err(Miss::Passing(format!("{} answered", answer.status()))),
            _ => {
                let reason = format!("{path}: {} answered", answer.status());
                return Err(Miss::Final(SourceError::Unreachable(reason)));
            }
        }
        let limit = limit(path);
        match answer
            .body_mut()
            .with_config()
            .limit(limit + 1)
            .read_to_vec()
        {
            Ok(bytes) if bytes.len() as u64 <= limit => Ok(Some(bytes)),
            Ok(_) | Err(ureq::Error::BodyExceedsLimit(_)) => Err(Miss::Final(
                SourceError::Unreadable(format!("longer than {limit} bytes")),
            )),
            Err(error) => Err(passing(error)),
        }
    }
}

impl Asked for Served {
    fn person_proof(&self, question: &[u8]) -> Result<Vec<u8>, SourceError> {
        let failed = |error: ureq::Error| SourceError::Unreachable(error.to_string());
        let url = format!("{}/person-proof", self.base);
        let request = self
            .agent
            .post(url)
            .content_type("application/octet-stream");
        let mut answer = request.send(question).map_err(failed)?;
        if answer.status().as_u16() == 503 {
            // Busy, or no map root is under a checkpoint yet: one comes within some seconds.
            return Err(SourceError::Unreachable(
                "the log is busy or has nothing to prove yet; ask again in some seconds".to_owned(),
            ));
        }
        if !answer.status().is_success() {
            let status = answer.status();
            return Err(SourceError::Unreachable(format!(
                "person-proof: {status} answered"
            )));
        }
        let body = answer.body_mut().with_config().limit(MAX_PROOF);
        body.read_to_vec().map_err(failed)
    }
}

impl Source for Served {
    fn get(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        let mut pauses = PAUSES.iter();
        loop {
            let reason = match self.ask(path) {
                Ok(answer) => return Ok(answer),
                Err(Miss::Final(error)) => return Err(error),
                Err(Miss::Passing(reason)) => reason,
            };
            let reached = self.reached.load(Ordering::Relaxed);
            match pauses.next().filter(|_| reached) {
                Some(pause) => thread::sleep(*pause),
                None => return Err(SourceError::Unreachable(format!("{path}: {reason}"))),
            }
        }
    }
}

fn limit(path: &str) -> u64 {
    match path {
        "checkpoint" | "keys" => MAX_NOTES,
        bundle if bundle.starts_with("tile/entries/") => MAX_BUNDLE,
        _ => MAX_TILE,
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::net::TcpListener;

    use super::*;

    /// Answers each request with the next of these, then is gone.
    fn serve(answers: Vec<Vec<u8>>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/log/", listener.local_addr().unwrap());
        thread::spawn(move || {
            for answer in answers {
                let (stream, _) = listener.accept().unwrap();
                let mut lines = BufReader::new(&stream).lines();
                while lines.next().is_some_and(|line| !line.unwrap().is_empty()) {}
                (&stream).write_all(&answer).unwrap();
            }
        });
        address
    }

    fn answer(status: &str, body: &[u8]) -> Vec<u8> {
        let length = body.len();
        let head =
            format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
        [head.as_bytes(), body].concat()
    }

    fn get(answers: Vec<Vec<u8>>, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        Served::new(&serve(answers), 2).unwrap().get(path)
    }

    #[test]
    fn answers_are_taken_for_what_they_say() {
        let found = get(vec![answer("200 OK", b"text")], "checkpoint");
        assert_eq!(found, Ok(Some(b"text".to_vec())));
        assert_eq!(
            get(vec![answer("404 Not Found", b"")], "checkpoint"),
            Ok(None)
        );
        let forbidden = get(vec![answer("403 Forbidden", b"")], "checkpoint");
        assert!(matches!(forbidden, Err(SourceError::Unreachable(_))));
        let elsewhere = get(vec![answer("302 Found\r\nlocation: /", b"")], "checkpoint");
        assert!(matches!(elsewhere, Err(SourceError::Unreachable(_))));
    }

    #[test]
    fn a_passing_failure_is_tried_again() {
        let torn = answer("200 OK", b"whole")[..60].to_vec();
        let answers = vec![answer("503 Busy", b""), torn, answer("200 OK", b"whole")];
        assert_eq!(get(answers, "tile/0/000"), Ok(Some(b"whole".to_vec())));
    }

    #[test]
    fn a_tile_longer_than_any_can_be_is_the_logs_fault() {
        let long = vec![answer("200 OK", &[0; 8193])];
        let refused = get(long, "tile/0/000");
        assert!(
            matches!(refused, Err(SourceError::Unreadable(_))),
            "{refused:?}"
        );
        let full = vec![answer("200 OK", &[0; 8192])];
        assert_eq!(get(full, "tile/0/000"), Ok(Some(vec![0; 8192])));
    }

    #[test]
    fn nobody_there_is_told_at_once() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let nobody = Served::new(&address, 1).unwrap().get("checkpoint");
        assert!(matches!(nobody, Err(SourceError::Unreachable(_))));
        assert!(Served::new("https://log.example", 1).is_err());
    }
}
