//! JSON calls to a running server.
//!
//! An answer is an answer whatever its status: a test asserts on refusals as often as on success.

use std::time::Duration;

use serde_json::Value;

/// A client of one server, with one API key or none.
#[derive(Debug, Clone)]
pub struct Api {
    agent: ureq::Agent,
    base: String,
    key: Option<String>,
}

/// Status, headers and body of an answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status, such as 200 or 403.
    pub status: u16,
    /// Headers in order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body's bytes.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Panics
    ///
    /// When it is not JSON; with status and text.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!(
                "not JSON ({error}), status {}: {}",
                self.status,
                self.text()
            )
        })
    }

    /// The body as text, damaged bytes replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// First header of that name (lower case).
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.as_str())
    }

    /// This answer, if it has the status; for calls that must succeed before a test goes on.
    ///
    /// # Panics
    ///
    /// When the status differs; with the body.
    #[must_use]
    pub fn expect_status(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }
}

impl Api {
    /// A client without a key for the server at `base`, such as `http://127.0.0.1:40123`.
    #[must_use]
    pub fn new(base: &str) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(Duration::from_secs(120)))
            .build();
        Self {
            agent: config.into(),
            base: base.trim_end_matches('/').to_owned(),
            key: None,
        }
    }

    /// The same client with an API key, sent as `Authorization: Bearer`.
    #[must_use]
    pub fn with_key(&self, key: &str) -> Self {
        Self {
            key: Some(key.to_owned()),
            ..self.clone()
        }
    }

    /// `GET path`.
    ///
    /// # Panics
    ///
    /// When no answer comes; [`Api::send`] tells that apart.
    #[must_use]
    pub fn get(&self, path: &str) -> Answer {
        self.answered("GET", path, None, Vec::new())
    }

    /// `POST path` with a JSON body.
    ///
    /// # Panics
    ///
    /// When no answer comes.
    #[must_use]
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.json("POST", path, body)
    }

    /// Any method with a JSON body.
    ///
    /// # Panics
    ///
    /// When no answer comes.
    #[must_use]
    pub fn json(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.answered(
            method,
            path,
            Some("application/json"),
            body.to_string().into_bytes(),
        )
    }

    /// `POST path` with raw bytes of a media type, for uploads.
    ///
    /// # Panics
    ///
    /// When no answer comes.
    #[must_use]
    pub fn upload(&self, path: &str, media: &str, bytes: Vec<u8>) -> Answer {
        self.answered("POST", path, Some(media), bytes)
    }

    fn answered(&self, method: &str, path: &str, media: Option<&str>, body: Vec<u8>) -> Answer {
        self.send(method, path, media, body)
            .unwrap_or_else(|error| panic!("{method} {path}: no answer: {error}"))
    }

    /// Sends one request; for tests in which the server may die.
    ///
    /// # Errors
    ///
    /// When the connection fails or ends early. A refusal is an answer.
    pub fn send(
        &self,
        method: &str,
        path: &str,
        media: Option<&str>,
        body: Vec<u8>,
    ) -> Result<Answer, ureq::Error> {
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base));
        if let Some(key) = &self.key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        if let Some(media) = media {
            request = request.header("content-type", media);
        }
        let response = if body.is_empty() && media.is_none() {
            self.agent.run(request.body(())?)?
        } else {
            self.agent.run(request.body(body)?)?
        };
        let (head, mut body) = response.into_parts();
        let text = |value: &ureq::http::HeaderValue| {
            String::from_utf8_lossy(value.as_bytes()).into_owned()
        };
        let headers = head
            .headers
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), text(value)));
        Ok(Answer {
            status: head.status.as_u16(),
            headers: headers.collect(),
            body: body.with_config().limit(1 << 30).read_to_vec()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    use std::net::TcpListener;

    /// Answers one request with `reply`; gives the request's head and body back.
    fn once(reply: &'static str) -> (String, std::thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let seen = std::thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(&stream);
            let (mut head, mut length) = (String::new(), 0);
            while !head.ends_with("\r\n\r\n") {
                let from = head.len();
                reader.read_line(&mut head).unwrap();
                if let Some(value) = head[from..].to_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            (&stream).write_all(reply.as_bytes()).unwrap();
            head + &String::from_utf8(body).unwrap()
        });
        (base, seen)
    }

    #[test]
    fn refusals_are_answers() {
        let reply = "HTTP/1.1 403 Forbidden\r\nContent-Length: 12\r\nX-Request-Id: 7\r\n\r\n{\"code\":\"x\"}";
        let (base, seen) = once(reply);
        let answer = Api::new(&base)
            .with_key("k1")
            .post("/v1/reads", &serde_json::json!({"a": 1}));
        assert_eq!(
            (answer.status, answer.header("x-request-id")),
            (403, Some("7"))
        );
        assert_eq!(answer.json()["code"], "x");
        let seen = seen.join().unwrap().to_lowercase();
        assert!(seen.starts_with("post /v1/reads "), "{seen}");
        assert!(seen.contains("authorization: bearer k1"), "{seen}");
        assert!(seen.ends_with("{\"a\":1}"), "{seen}");
    }

    #[test]
    fn a_dead_server_is_an_error() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        assert!(Api::new(&base).send("GET", "/", None, Vec::new()).is_err());
    }
}
