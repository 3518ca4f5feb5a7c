//! What every request passes and every response carries: host and origin checks, request ids, security headers, problem bodies.
//!
//! Rules: OWASP's secure headers; Fetch Metadata (W3C) against requests from other sites; RFC 9457 for bodies of errors.
//! Log lines name the route's pattern and never the path or query, which may hold secrets of links.

use std::fmt::Write as _;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;

use crate::error::ApiError;
use crate::state::AppState;

/// The header that carries the request id.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Everything comes from this server, nothing runs inline, nobody may frame it, forms go home.
pub const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Names one request, in the answer and in the log.
#[derive(Debug, Clone)]
pub struct RequestId(HeaderValue);

impl RequestId {
    /// A random prefix for each start of the program, then a count.
    fn next() -> Self {
        static PREFIX: LazyLock<u32> = LazyLock::new(|| {
            let mut bytes = [0; 4];
            // Without randomness ids still differ within one start, which is all they are for.
            let _ = getrandom::fill(&mut bytes);
            u32::from_be_bytes(bytes)
        });
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let mut text = String::with_capacity(20);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        // Writing to a string cannot fail.
        let _ = write!(text, "{:08x}-{count:x}", *PREFIX);
        Self(HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("unnamed")))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or("unnamed")
    }
}

/// The outermost layer of the router.
pub async fn guard(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = RequestId::next();
    request.extensions_mut().insert(id.clone());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let method = request.method().clone();
    let mut response = match admit(&state, &request) {
        Ok(()) => next.run(request).await,
        Err(error) => axum::response::IntoResponse::into_response(error),
    };
    let status = response.status();
    // A fragment for htmx may tell of an error under the status 200.
    let told = response.extensions().get::<ApiError>().is_some();
    if told || status.is_client_error() || status.is_server_error() {
        response = write_problem(response, &id);
    }
    let camera = response.extensions().get::<CameraAllowed>().is_some();
    secure(response.headers_mut(), state.secure(), camera);
    tracing::debug!(
        request_id = id.as_str(),
        method = %method,
        route = route.as_ref().map_or("none", MatchedPath::as_str),
        status = response.status().as_u16(),
        micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
        "answered"
    );
    response.headers_mut().insert(REQUEST_ID, id.0);
    response
}

fn admit(state: &AppState, request: &Request) -> Result<(), ApiError> {
    let host = host(request).ok_or_else(|| ApiError::malformed("the request names no host"))?;
    if !state.host_allowed(host) {
        return Err(ApiError::new(
            StatusCode::MISDIRECTED_REQUEST,
            "wrong_host",
            "this server does not answer to that host name; set --public-url to the name it is reached by",
        ));
    }
    if is_unsafe(request.method()) && !same_site(request.headers(), host) {
        return Err(ApiError::csrf());
    }
    Ok(())
}

fn host(request: &Request) -> Option<&str> {
    match request.headers().get(header::HOST) {
        Some(value) => value.to_str().ok(),
        None => request.uri().authority().map(|a| a.as_str()),
    }
}

/// Whether a method may change something.
pub(crate) fn is_unsafe(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Whether a browser says that the request came from our own pages. Programs send neither header and pass.
fn same_site(headers: &HeaderMap, host: &str) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return matches!(site.as_bytes(), b"same-origin" | b"none");
    }
    let Some(origin) = headers.get(header::ORIGIN) else {
        return true;
    };
    let Ok(origin) = origin.to_str() else {
        return false;
    };
    origin
        .split_once("://")
        .is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(host))
}

/// Gives an error its body, and its cause to the log.
///
/// An answer that some layer below wrote by itself might echo what was sent; it is replaced by a plain one.
fn write_problem(mut response: Response, id: &RequestId) -> Response {
    let is_page = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    let known = response.extensions_mut().remove::<ApiError>();
    if is_page && known.is_none() {
        return response;
    }
    let error = known.unwrap_or_else(|| ApiError::of_status(response.status()));
    report(&error, id);
    if is_page {
        return response;
    }
    let body = serde_json::to_vec(&error.problem(id.as_str())).unwrap_or_default();
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    if let Some(seconds) = error.retry_after() {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if error.status() == StatusCode::UNAUTHORIZED {
        headers.insert(
            header::WWW_AUTHENTICATE,
            HeaderValue::from_static("Bearer realm=\"liuhen\""),
        );
    }
    *response.body_mut() = Body::from(body);
    response
}

fn report(error: &ApiError, id: &RequestId) {
    let request_id = id.as_str();
    let (status, code) = (error.status().as_u16(), error.code());
    if error.status().is_server_error() {
        let cause = error.cause().unwrap_or("none given");
        tracing::error!(request_id, status, code, cause, "failed");
    } else {
        tracing::info!(request_id, status, code, "refused");
    }
}

/// On a response: its page may ask for the camera. No other may.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CameraAllowed;

fn secure(headers: &mut HeaderMap, tls: bool, camera: bool) {
    const FIXED: [(HeaderName, &str); 5] = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, CSP),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ];
    for (name, value) in FIXED {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if is_html(headers) {
        headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
        headers.insert(
            HeaderName::from_static("permissions-policy"),
            HeaderValue::from_static(match camera {
                true => "camera=(self), geolocation=(), microphone=()",
                false => "camera=(), geolocation=(), microphone=()",
            }),
        );
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    if tls {
        headers.insert(
            header::STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static("max-age=31536000"),
        );
    }
}

fn is_html(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(rows: &[(&'static str, &'static str)]) -> HeaderMap {
        rows.iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    #[test]
    fn same_site_rows() {
        type Row = (&'static str, &'static [(&'static str, &'static str)], bool);
        let rows: [Row; 8] = [
            ("a program", &[], true),
            ("our page", &[("sec-fetch-site", "same-origin")], true),
            ("typed", &[("sec-fetch-site", "none")], true),
            ("another site", &[("sec-fetch-site", "cross-site")], false),
            ("a sibling", &[("sec-fetch-site", "same-site")], false),
            ("our origin", &[("origin", "http://localhost:8420")], true),
            (
                "another port",
                &[("origin", "http://localhost:9999")],
                false,
            ),
            ("sandboxed", &[("origin", "null")], false),
        ];
        for (name, given, expected) in rows {
            assert_eq!(
                same_site(&headers(given), "localhost:8420"),
                expected,
                "{name}"
            );
        }
    }

    #[test]
    fn request_ids_differ() {
        assert_ne!(RequestId::next().as_str(), RequestId::next().as_str());
    }
}
