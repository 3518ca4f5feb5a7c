//! A running server, asked over its API.
//!
//! Plain HTTP to loopback only: this program carries no TLS, and an API key must not cross a network in the clear. A tunnel (`ssh -L`) reaches servers elsewhere.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::Read;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use liuhen_server::api::wire::Made;
use liuhen_server::error::Problem;
use serde::Serialize;
use serde::de::DeserializeOwned;
use ureq::http::{Response, Uri};
use ureq::typestate::WithBody;
use ureq::{Agent, Body, RequestBuilder, SendBody};

/// A running server and the key to it.
pub(crate) struct Remote {
    base: String,
    key: String,
    agent: Agent,
}

impl Remote {
    /// Reads the key and checks that it will stay on this machine.
    pub(crate) fn new(url: &str) -> Result<Self> {
        let base = url.trim_end_matches('/').to_owned();
        refuse_exposed(&base)?;
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(Duration::from_secs(10)))
            .max_redirects(0)
            .build();
        Ok(Self {
            base,
            key: read_key()?,
            agent: config.new_agent(),
        })
    }

    /// Asks for something.
    pub(crate) fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, String)],
    ) -> Result<T> {
        let request = self.agent.get(self.address(path)).header(AUTH, self.auth());
        let pairs = query.iter().map(|(name, value)| (*name, value.as_str()));
        let answer = request.query_pairs(pairs).call();
        parsed(self.reached(answer)?)
    }

    /// Sends something that is answered without a body.
    pub(crate) fn post(&self, path: &str, body: &impl Serialize) -> Result<()> {
        let request = self.agent.post(self.address(path));
        let answer = request.header(AUTH, self.auth()).send_json(body);
        checked(self.reached(answer)?).map(drop)
    }

    /// Sends something and takes the answer.
    pub(crate) fn post_for<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T> {
        let request = self.agent.post(self.address(path));
        let answer = request.header(AUTH, self.auth()).send_json(body);
        parsed(self.reached(answer)?)
    }

    /// Removes something.
    pub(crate) fn delete(&self, path: &str) -> Result<()> {
        let request = self.agent.delete(self.address(path));
        let answer = request.header(AUTH, self.auth()).call();
        checked(self.reached(answer)?).map(drop)
    }

    /// Streams a file; answers the id of what it became.
    pub(crate) fn upload(
        &self,
        path: &str,
        query: &[(&str, String)],
        reader: impl Read,
    ) -> Result<String> {
        let pairs = query.iter().map(|(name, value)| (*name, value.as_str()));
        let request = self.agent.post(self.address(path)).query_pairs(pairs);
        let made: Made = self.stream(request, "application/octet-stream", reader)?;
        Ok(made.id)
    }

    /// Streams a form of short fields and a file, its last part, and takes the answer.
    pub(crate) fn upload_form<T: DeserializeOwned>(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        file_name: &str,
        reader: impl Read,
    ) -> Result<T> {
        let form = Form::new();
        let (head, tail) = (form.head(fields, file_name), form.tail());
        let body = head.as_bytes().chain(reader).chain(tail.as_bytes());
        let request = self.agent.post(self.address(path));
        self.stream(request, &form.media_type(), body)
    }

    fn stream<T: DeserializeOwned>(
        &self,
        request: RequestBuilder<WithBody>,
        media_type: &str,
        mut body: impl Read,
    ) -> Result<T> {
        let request = request
            .header(AUTH, self.auth())
            // A refusal then comes before the file is sent, and is read rather than lost in a broken pipe.
            .header("expect", "100-continue")
            .content_type(media_type);
        let answer = request.send(SendBody::from_reader(&mut body));
        parsed(self.reached(answer)?)
    }

    /// The bytes of something, at most 256 MiB.
    pub(crate) fn bytes(&self, path: &str) -> Result<Vec<u8>> {
        let request = self.agent.get(self.address(path)).header(AUTH, self.auth());
        let mut answer = checked(self.reached(request.call())?)?;
        let body = answer.body_mut().with_config().limit(256 << 20);
        body.read_to_vec().context("the answer broke off")
    }

    fn address(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    fn auth(&self) -> String {
        format!("Bearer {}", self.key)
    }

    fn reached(&self, answer: Result<Response<Body>, ureq::Error>) -> Result<Response<Body>> {
        answer.with_context(|| format!("asking {}; is `liuhen serve` running there?", self.base))
    }
}

const AUTH: &str = "authorization";

/// Writes `multipart/form-data` (RFC 7578).
struct Form {
    boundary: String,
}

impl Form {
    /// A form whose boundary no file foresees.
    fn new() -> Self {
        let word = || RandomState::new().build_hasher().finish();
        Self {
            boundary: format!("liuhen-{:016x}{:016x}", word(), word()),
        }
    }

    fn media_type(&self) -> String {
        format!("multipart/form-data; boundary={}", self.boundary)
    }

    /// The fields, and all of the file's part that stands before its bytes.
    fn head(&self, fields: &[(&str, &str)], file_name: &str) -> String {
        let boundary = &self.boundary;
        let part = |(name, value): &(&str, &str)| {
            format!(
                "--{boundary}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            )
        };
        let fields: String = fields.iter().map(part).collect();
        let file_name = quoted(file_name);
        format!(
            "{fields}--{boundary}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{file_name}\"\r\ncontent-type: application/octet-stream\r\n\r\n"
        )
    }

    fn tail(&self) -> String {
        format!("\r\n--{}--\r\n", self.boundary)
    }
}

/// A file's name within quotes, as browsers write it (HTML, multipart form data).
fn quoted(name: &str) -> String {
    name.replace('"', "%22")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn parsed<T: DeserializeOwned>(answer: Response<Body>) -> Result<T> {
    checked(answer)?
        .body_mut()
        .with_config()
        .limit(64 << 20)
        .read_json()
        .context("the server's answer is not what this version expects")
}

/// Turns a problem into an error with the server's own words.
fn checked(mut answer: Response<Body>) -> Result<Response<Body>> {
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    match answer.body_mut().read_json::<Problem>() {
        Ok(problem) => bail!(
            "{} ({}, request {})",
            problem.detail,
            problem.code,
            problem.request_id
        ),
        Err(_) => bail!("the server answered {status}; is it liuhen's?"),
    }
}

fn read_key() -> Result<String> {
    if let Ok(key) = std::env::var("LIUHEN_KEY") {
        return Ok(key.trim().to_owned());
    }
    let Some(path) = std::env::var_os("LIUHEN_KEY_FILE") else {
        bail!("no API key: set LIUHEN_KEY_FILE to a file that holds one, or LIUHEN_KEY");
    };
    let path = std::path::PathBuf::from(path);
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("reading the API key in {}", path.display()))?;
    Ok(text.trim().to_owned())
}

fn refuse_exposed(base: &str) -> Result<()> {
    let uri: Uri = base
        .parse()
        .with_context(|| format!("{base} is no address of a server"))?;
    let tunnel = "open a tunnel (ssh -L 8420:127.0.0.1:8420 host) and give http://127.0.0.1:8420";
    if uri.scheme_str() != Some("http") {
        bail!("give an address such as http://127.0.0.1:8420; for a server elsewhere {tunnel}");
    }
    if matches!(uri.host(), Some("localhost" | "127.0.0.1" | "[::1]")) {
        return Ok(());
    }
    bail!("the API key would cross the network in the clear; {tunnel}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_to_send_a_key_over_the_network_in_the_clear() {
        let rows = [
            ("http://127.0.0.1:8420", true),
            ("http://localhost:1", true),
            ("http://[::1]:1", true),
            ("http://vault.example.com", false),
            ("http://127.0.0.1.evil.example", false),
            ("http://127.0.0.1@evil.example", false),
            ("http://localhost:1@evil.example", false),
            ("https://vault.example.com", false),
            ("127.0.0.1:8420", false),
        ];
        for (url, fine) in rows {
            assert_eq!(refuse_exposed(url).is_ok(), fine, "{url}");
        }
    }
}
