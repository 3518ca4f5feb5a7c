//! What a client is told when something goes wrong.
//!
//! Rule: RFC 9457, problem details, with two members of ours: a stable `code` and the `request_id`.
//! The caller gets a code and a sentence; the cause goes to the log under the same request id, and neither carries personal information.
//! A handler returns [`ApiError`]; [`crate::headers`] writes the body, since only it knows the request id. The console turns the same error into a page.

use std::borrow::Cow;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use liuhen_service::ServiceError;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An error on its way to the client. It travels in the response's extensions until its body is written.
#[derive(Debug, Clone)]
pub struct ApiError {
    status: StatusCode,
    code: &'static str,
    detail: Cow<'static, str>,
    retry_after: Option<u64>,
    cause: Option<Box<str>>,
}

/// The body of every error: RFC 9457.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// A URN for the sort of problem: `urn:liuhen:problem:` and the code.
    #[serde(rename = "type")]
    #[schema(example = "urn:liuhen:problem:forbidden")]
    pub kind: String,
    /// The HTTP status, in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What to do about it, for people.
    pub detail: String,
    /// Stable, for programs.
    #[schema(example = "forbidden")]
    pub code: String,
    /// The same as the header `x-request-id`; the server's log has the cause under it.
    pub request_id: String,
}

impl ApiError {
    /// An error with a stable code and a sentence without personal information.
    pub fn new(
        status: StatusCode,
        code: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            status,
            code,
            detail: detail.into(),
            retry_after: None,
            cause: None,
        }
    }

    /// 400: the request cannot be read.
    pub fn malformed(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", detail)
    }

    /// 401: nobody is signed in.
    pub fn unauthenticated() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthenticated",
            "give an API key as `Authorization: Bearer lk_…`, or sign in",
        )
    }

    /// 403: an unsafe request with a session but without its token.
    pub fn csrf() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "csrf",
            "the form has expired or came from another site; load the page again",
        )
    }

    /// 404.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "nothing is here")
    }

    /// 413.
    pub fn too_large() -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_large",
            "the body is larger than this server accepts",
        )
    }

    /// 503: as many uploads run as may.
    pub fn busy() -> Self {
        let mut error = Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "busy",
            "too many uploads at once; try again shortly",
        );
        error.retry_after = Some(5);
        error
    }

    /// 500; the cause is for the log only and must hold no personal information.
    pub fn internal(cause: impl Into<String>) -> Self {
        let mut error = Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "the server failed; its log has the cause under this request id",
        );
        error.cause = Some(cause.into().into());
        error
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The sentence for people.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    pub(crate) fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    pub(crate) fn retry_after(&self) -> Option<u64> {
        self.retry_after
    }

    /// The body, for a request.
    pub fn problem(&self, request_id: &str) -> Problem {
        Problem {
            kind: format!("urn:liuhen:problem:{}", self.code),
            title: self.status.canonical_reason().unwrap_or("Error").to_owned(),
            status: self.status.as_u16(),
            detail: self.detail.clone().into_owned(),
            code: self.code.to_owned(),
            request_id: request_id.to_owned(),
        }
    }

    /// What to say about a bare status that some layer below answered.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        let (code, detail) = match status {
            StatusCode::NOT_FOUND => ("not_found", "nothing is here"),
            StatusCode::METHOD_NOT_ALLOWED => {
                ("method_not_allowed", "this address answers other methods")
            }
            StatusCode::PAYLOAD_TOO_LARGE => return Self::too_large(),
            StatusCode::REQUEST_TIMEOUT | StatusCode::GATEWAY_TIMEOUT => {
                ("timeout", "the server took too long; ask for less at once")
            }
            StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                ("media_type", "this address reads another content type")
            }
            status if status.is_server_error() => (
                "internal",
                "the server failed; its log has the cause under this request id",
            ),
            _ => ("malformed", "the request cannot be read"),
        };
        Self::new(status, code, detail)
    }
}

impl From<ServiceError> for ApiError {
    fn from(error: ServiceError) -> Self {
        let code = error.code();
        let status = status_of(code);
        if status.is_server_error() {
            let detail = match code {
                "trace_unavailable" => "the trace cannot be written, so nothing is released",
                "not_witnessed" => {
                    "the trace is written, but not yet as far as the purpose demands, so nothing is released; ask again later"
                }
                "models_missing" => {
                    "the networks that look at pictures cannot be used; run `liuhen models install` where the server runs"
                }
                "not_ready" => "no map root is under a checkpoint yet; ask again in some seconds",
                _ => "the server failed; its log has the cause under this request id",
            };
            let mut answer = Self::new(status, code, detail);
            answer.cause = Some(error.to_string().into());
            return answer;
        }
        let mut answer = Self::new(status, code, error.to_string());
        if let ServiceError::Throttled { seconds } = error {
            answer.retry_after = Some(seconds);
        }
        answer
    }
}

/// The HTTP status of a service's code; an unknown code is the server's fault.
fn status_of(code: &str) -> StatusCode {
    match code {
        "unauthenticated" => StatusCode::UNAUTHORIZED,
        "forbidden" => StatusCode::FORBIDDEN,
        "not_found" => StatusCode::NOT_FOUND,
        "conflict" => StatusCode::CONFLICT,
        "invalid" | "policy_invalid" | "unreadable_file" | "could_not_tell" => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
        "throttled" => StatusCode::TOO_MANY_REQUESTS,
        "trace_unavailable" | "store_failed" | "in_use" | "not_witnessed" | "not_ready"
        | "models_missing" => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses() {
        let rows = [
            (ServiceError::Unauthenticated("no such key"), 401),
            (ServiceError::NotFound("import"), 404),
            (ServiceError::Invalid("no fields".into()), 422),
            (ServiceError::Conflict("approved already".into()), 409),
            (ServiceError::Throttled { seconds: 7 }, 429),
            (ServiceError::Damaged("record"), 500),
        ];
        for (error, status) in rows {
            assert_eq!(ApiError::from(error).status().as_u16(), status);
        }
    }

    #[test]
    fn a_servers_fault_keeps_its_cause_from_the_client() {
        let error = ApiError::from(ServiceError::Damaged("record"));
        assert!(!error.detail().contains("record"));
        assert!(error.cause().unwrap().contains("record"));
        let problem = error.problem("r1");
        assert_eq!(problem.kind, "urn:liuhen:problem:damaged");
        assert_eq!(problem.request_id, "r1");
    }
}
