//! Reading requests: JSON, queries, paths and forms, with errors that never echo what was sent.
//!
//! The extractors of axum answer with the parser's own message, which quotes values; these name the place and what was expected there.

use axum::body::{Body, Bytes};
use axum::extract::multipart::Field;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::{self, HeaderValue};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::auth::{CSRF_FIELD, CSRF_HEADER, Csrf};
use crate::error::ApiError;
use crate::state::AppState;

/// A JSON body, in or out. At most 1 MiB in, as [`crate::state::Limits`] says.
#[derive(Debug, Clone, Copy)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> FromRequest<AppState> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, ApiError> {
        let is_json = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok())
            .is_some_and(|kind| kind.trim_start().starts_with("application/json"));
        if !is_json {
            return Err(ApiError::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "media_type",
                "send the body as application/json",
            ));
        }
        let bytes = body(request, state).await?;
        serde_json::from_slice(&bytes)
            .map(Self)
            .map_err(|error| ApiError::malformed(describe(&error)))
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// Reads a whole body within the limits of size and time.
async fn body(request: Request, state: &AppState) -> Result<Bytes, ApiError> {
    let limits = state.limits();
    let reading = axum::body::to_bytes(request.into_body(), limits.body_bytes);
    match tokio::time::timeout(limits.request_timeout, reading).await {
        Ok(Ok(bytes)) => Ok(bytes),
        // A body cut off by its sender has nobody left to answer; any other is too large.
        Ok(Err(_)) => Err(ApiError::too_large()),
        Err(_) => Err(ApiError::of_status(StatusCode::REQUEST_TIMEOUT)),
    }
}

/// Characters of a field that is a token or another short secret.
const SHORT_FIELD: usize = 256;

/// The text of a short field of a multipart form.
///
/// # Errors
///
/// 400 when it is longer than any token, or no text; 408 when it is too long in coming.
pub async fn short_field(state: &AppState, field: &mut Field<'_>) -> Result<String, ApiError> {
    let mut given = Vec::new();
    loop {
        let next = tokio::time::timeout(state.limits().upload_idle, field.chunk()).await;
        let next = next.map_err(|_| ApiError::of_status(StatusCode::REQUEST_TIMEOUT))?;
        let Some(piece) = next.map_err(|_| ApiError::malformed("the upload broke off"))? else {
            break;
        };
        given.extend_from_slice(&piece);
        if given.len() > SHORT_FIELD {
            return Err(ApiError::malformed("a field of the form is too long"));
        }
    }
    String::from_utf8(given).map_err(|_| ApiError::malformed("a field of the form is no text"))
}

/// Where the JSON is wrong and what was expected there.
///
/// The parser's message is `<what it met>, expected <what we expect> at line … column …`; only what stands after the last `expected` is ours.
fn describe(error: &serde_json::Error) -> String {
    let place = format!("line {}, column {}", error.line(), error.column());
    let message = error.to_string();
    let message = message
        .rsplit_once(" at line ")
        .map_or(message.as_str(), |(before, _)| before);
    let ours = match error.classify() {
        serde_json::error::Category::Data => expectation(message),
        _ => None,
    };
    match ours {
        Some(ours) => format!("the JSON does not fit at {place}: {ours}"),
        None if error.is_data() => format!("the JSON does not fit at {place}"),
        None => format!("not valid JSON at {place}"),
    }
}

fn expectation(message: &str) -> Option<String> {
    const OURS_WHOLE: [&str; 2] = ["missing field `", "duplicate field `"];
    const OURS_LAST: [&str; 5] = [
        "invalid type: ",
        "invalid value: ",
        "invalid length ",
        "unknown variant `",
        "unknown field `",
    ];
    if OURS_WHOLE.iter().any(|start| message.starts_with(start)) {
        return Some(message.to_owned());
    }
    if !OURS_LAST.iter().any(|start| message.starts_with(start)) {
        return None;
    }
    message
        .rsplit_once(", expected ")
        .map(|(_, ours)| format!("expected {ours}"))
}

/// The query of the address.
#[derive(Debug, Clone, Copy)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<AppState> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, ApiError> {
        axum::extract::Query::try_from_uri(&parts.uri)
            .map(|query| Self(query.0))
            .map_err(|_| ApiError::malformed("the query has a parameter that does not fit"))
    }
}

/// The variables in the path.
#[derive(Debug, Clone, Copy)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<AppState> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        axum::extract::Path::from_request_parts(parts, state)
            .await
            .map(|path| Self(path.0))
            .map_err(|_| ApiError::not_found())
    }
}

/// The fields of a form, not yet given a type.
pub(crate) struct Fields {
    header: Option<String>,
    bytes: Bytes,
}

impl Fields {
    pub(crate) async fn from_request(request: Request, state: &AppState) -> Result<Self, ApiError> {
        let header = request
            .headers()
            .get(CSRF_HEADER)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        let bytes = body(request, state).await?;
        Ok(Self { header, bytes })
    }

    /// Compares the header, or else the field, with the session's token.
    pub(crate) async fn check(&self, csrf: &Csrf) -> Result<(), ApiError> {
        if let Some(token) = &self.header {
            return csrf.check(token);
        }
        let pairs: Vec<(String, String)> = self.parse().await?;
        let token = pairs.iter().find(|(name, _)| name == CSRF_FIELD);
        csrf.check(token.map_or("", |(_, token)| token))
    }

    pub(crate) async fn parse<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        form(self.bytes.clone()).await
    }
}

/// Reads `application/x-www-form-urlencoded`.
async fn form<T: DeserializeOwned>(bytes: Bytes) -> Result<T, ApiError> {
    let mut request = axum::http::Request::new(Body::from(bytes));
    *request.method_mut() = Method::POST;
    request.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/x-www-form-urlencoded"),
    );
    axum::Form::<T>::from_request(request, &())
        .await
        .map(|form| form.0)
        .map_err(|_| ApiError::malformed("the form has a field that is missing or does not fit"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        #[allow(dead_code)]
        count: u8,
    }

    #[test]
    fn json_errors_never_echo_values() {
        let rows = [
            r#"{"count":"13800000000"}"#,
            r#"{"count":13800000000}"#,
            r#"{"13800000000":1}"#,
            r#"{"count":"x, expected 13800000000"}"#,
            r#"{"count":[13800000000]}"#,
            r#"13800000000"#,
            r#"{"count": 13800000000"#,
        ];
        for text in rows {
            let error = serde_json::from_str::<Sample>(text).unwrap_err();
            let said = describe(&error);
            assert!(!said.contains("138"), "{said}");
            assert!(said.contains("line 1"), "{said}");
        }
    }

    #[test]
    fn json_errors_say_what_is_expected() {
        let error = serde_json::from_str::<Sample>("{}").unwrap_err();
        assert!(describe(&error).contains("missing field `count`"));
        let error = serde_json::from_str::<Sample>(r#"{"count":"a"}"#).unwrap_err();
        assert!(describe(&error).contains("expected u8"));
    }

    #[tokio::test]
    async fn forms() {
        let text = "a=1&a=%E5%BC%A0+b&_csrf=t";
        let pairs: Vec<(String, String)> = form(text.into()).await.unwrap();
        assert_eq!(pairs[1], ("a".into(), "张 b".into()));
        let long = format!("a={}", "x".repeat(200_000));
        let pairs: Vec<(String, String)> = form(long.into()).await.unwrap();
        assert_eq!(pairs[0].1.len(), 200_000);
        let error = form::<Sample>("count=13800000000".into())
            .await
            .unwrap_err();
        assert!(!error.detail().contains("138"));
    }
}
