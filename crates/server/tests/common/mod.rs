//! A router over a real service in a folder of its own, and ways to ask it.

// Each test binary uses a part of this.
#![allow(dead_code)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper that fails is a failed test"
)]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use liuhen_server::{AppState, Limits, Settings, router};
use liuhen_service::{Caller, Config, Role, Service};
use liuhen_testkit::{Encoding, Form, Sheet};
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt as _;

/// A server without a socket.
pub(crate) struct World {
    pub(crate) service: Arc<Service>,
    pub(crate) app: Router,
    config: Config,
    // Last, so that the folder outlives the service.
    _dir: TempDir,
}

impl Drop for World {
    fn drop(&mut self) {
        self.service.close().unwrap();
    }
}

/// Who asks.
#[derive(Clone)]
pub(crate) enum As {
    Nobody,
    Key(String),
    /// Cookie and token.
    Session(String, String),
    /// Cookie without token.
    Cookie(String),
}

/// An answer, read to its end.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error} in {}: {}", self.status, self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        self
    }

    /// Asserts an RFC 9457 body with this status and code.
    #[track_caller]
    pub(crate) fn problem(self, status: u16, code: &str) -> Self {
        let reply = self.expect(status);
        assert_eq!(reply.headers["content-type"], "application/problem+json");
        let body = reply.json();
        assert_eq!(body["code"], code, "{body}");
        assert_eq!(body["status"], status);
        assert_eq!(
            body["request_id"],
            reply.headers["x-request-id"].to_str().unwrap()
        );
        reply
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(Settings::default())
    }

    pub(crate) fn small() -> Self {
        let limits = Limits {
            body_bytes: 4096,
            upload_bytes: 64 * 1024,
            upload_idle: Duration::from_millis(200),
            ..Limits::default()
        };
        Self::with(Settings {
            limits,
            ..Settings::default()
        })
    }

    pub(crate) fn with(settings: Settings) -> Self {
        Self::over(settings, None)
    }

    /// A server whose networks' weights lie in `models`.
    pub(crate) fn looking(models: impl Into<PathBuf>) -> Self {
        Self::over(Settings::default(), Some(models.into()))
    }

    fn over(settings: Settings, models: Option<PathBuf>) -> Self {
        let dir = TempDir::new().unwrap();
        let config = Config {
            models,
            ..Config::in_dir(dir.path().join("data"))
        };
        let service = Service::open(&config).unwrap();
        let state = AppState::new(service.clone(), settings).unwrap();
        Self {
            app: router(state),
            service,
            config,
            _dir: dir,
        }
    }

    /// Closes the vault and opens it again, as a restart does.
    pub(crate) fn restart(&mut self) {
        self.service.close().unwrap();
        self.service = Service::open(&self.config).unwrap();
        let state = AppState::new(self.service.clone(), Settings::default()).unwrap();
        self.app = router(state);
    }

    pub(crate) async fn key(&self, name: &str, roles: &[Role], site: Option<&str>) -> As {
        let made = self
            .service
            .create_api_key(&Caller::local(), name, roles, site)
            .await;
        As::Key(made.unwrap().1)
    }

    /// Uses the one-time secret of the first start, as the setup page does.
    pub(crate) async fn first_admin(&self) -> liuhen_service::Session {
        let secret = self.service.first_start().unwrap().unwrap();
        self.enrol(&secret, "first.admin").await
    }

    pub(crate) async fn enrol(&self, secret: &str, login: &str) -> liuhen_service::Session {
        let enrolment = self.service.enrol_begin(secret).unwrap();
        let code = totp(&enrolment.totp_secret);
        self.service
            .enrol_finish(
                secret,
                login,
                "First Admin",
                "correct horse battery 7",
                &code,
            )
            .await
            .unwrap()
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Reply {
        let response = self.app.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Reply {
            status: parts.status,
            headers: parts.headers,
            body: body.into(),
        }
    }

    pub(crate) async fn get(&self, who: &As, path: &str) -> Reply {
        self.send(request(Method::GET, who, path, Body::empty()))
            .await
    }

    pub(crate) async fn delete(&self, who: &As, path: &str) -> Reply {
        self.send(request(Method::DELETE, who, path, Body::empty()))
            .await
    }

    pub(crate) async fn post(&self, who: &As, path: &str, body: Value) -> Reply {
        self.json(Method::POST, who, path, body).await
    }

    pub(crate) async fn put(&self, who: &As, path: &str, body: Value) -> Reply {
        self.json(Method::PUT, who, path, body).await
    }

    async fn json(&self, method: Method, who: &As, path: &str, body: Value) -> Reply {
        let mut request = request(method, who, path, Body::from(body.to_string()));
        let headers = request.headers_mut();
        headers.insert("content-type", "application/json".parse().unwrap());
        self.send(request).await
    }

    pub(crate) async fn upload(&self, who: &As, path: &str, bytes: Vec<u8>) -> Reply {
        self.send(request(Method::POST, who, path, Body::from(bytes)))
            .await
    }

    /// Sends a form; a part with a file name is a file.
    pub(crate) async fn form(
        &self,
        who: &As,
        path: &str,
        parts: &[(&str, Option<&str>, &[u8])],
    ) -> Reply {
        let mut body = Vec::new();
        for (name, file, bytes) in parts {
            let file = file.map_or(String::new(), |file| format!("; filename=\"{file}\""));
            let head =
                format!("--edge\r\ncontent-disposition: form-data; name=\"{name}\"{file}\r\n\r\n");
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(bytes);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--edge--\r\n");
        let mut request = request(Method::POST, who, path, Body::from(body));
        let media = "multipart/form-data; boundary=edge".parse().unwrap();
        request.headers_mut().insert("content-type", media);
        self.send(request).await
    }

    /// Imports a sheet as the guess stands; answers the import's id and the field of each kind.
    pub(crate) async fn import(
        &self,
        who: &As,
        sheet: &Sheet,
        site: Option<&str>,
    ) -> (String, Value) {
        let bytes = sheet.delimited(Form::csv(Encoding::Gb18030));
        let path = "/v1/imports?file_name=members.csv";
        let id = self.upload(who, path, bytes).await.expect(201).json()["id"].clone();
        let id = id.as_str().unwrap().to_owned();
        let preview = self.get(who, &format!("/v1/imports/{id}/preview")).await;
        let preview = preview.expect(200).json();
        let columns: Vec<Value> = preview["columns"]
            .as_array()
            .unwrap()
            .iter()
            .map(|c| json!({"index": c["index"], "field": c["field"], "kind": c["kind"], "keep": true}))
            .collect();
        let plan =
            json!({"collection": "members", "site": site, "has_header": true, "columns": columns});
        self.post(who, &format!("/v1/imports/{id}/start"), plan)
            .await
            .expect(202);
        let status = self.until(who, &format!("/v1/imports/{id}")).await;
        assert_eq!(status["state"], "done", "{status}");
        let fields = columns
            .iter()
            .filter_map(|c| Some((c["kind"].as_str()?.to_owned(), c["field"].clone())))
            .collect::<serde_json::Map<String, Value>>();
        (id, Value::Object(fields))
    }

    /// Asks until the state is neither running nor uploaded.
    pub(crate) async fn until(&self, who: &As, path: &str) -> Value {
        for _ in 0..600 {
            let status = self.get(who, path).await.expect(200).json();
            if !matches!(status["state"].as_str(), Some("running" | "uploaded")) {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{path} never ended");
    }

    pub(crate) async fn purpose(&self, who: &As, id: &str, basis: u8, fields: &[&str]) {
        let purpose = json!({
            "name_zh": "办理业务", "name_en": "service", "basis": basis, "fields": fields,
            "retention_days": 365, "notice": "我们为办理业务使用这些信息。", "marketing": false,
        });
        self.put(who, &format!("/v1/purposes/{id}"), purpose)
            .await
            .expect(204);
    }
}

pub(crate) fn request(method: Method, who: &As, path: &str, body: Body) -> Request<Body> {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "localhost:8420");
    match who {
        As::Nobody => (),
        As::Key(key) => request = request.header("authorization", format!("Bearer {key}")),
        As::Cookie(secret) => {
            request = request.header("cookie", format!("liuhen_staff={secret}"));
        }
        As::Session(secret, csrf) => {
            request = request
                .header("cookie", format!("liuhen_staff={secret}"))
                .header("x-csrf-token", csrf);
        }
    }
    request.body(body).unwrap()
}

/// The six digits of now (RFC 6238, SHA-1, 30 s), as a phone shows them.
pub(crate) fn totp(secret_base32: &str) -> String {
    let secret = data_encoding::BASE32_NOPAD
        .decode(secret_base32.as_bytes())
        .unwrap();
    let totp = totp_rs::Builder::new().with_secret(secret).build().unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    totp.generate(now.as_secs()).to_string()
}

pub(crate) fn session_of(session: &liuhen_service::Session) -> As {
    As::Session(session.secret.clone(), session.csrf.clone())
}
