//! An independent witness over HTTP.
//!
//! Rule: C2SP tlog-witness: `POST /add-checkpoint`, `GET /<origin hash>/checkpoint`. Judging belongs to `liuhen_tlog::witness`; this carries questions and answers.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use liuhen_tlog::witness::{Answer, Witness, request::MAX_REQUEST_BYTES};
use tower_http::timeout::TimeoutLayer;

/// The addresses of a witness.
pub(crate) fn router(witness: Arc<Witness>, patience: Duration) -> Router {
    Router::new()
        .route("/add-checkpoint", post(add_checkpoint))
        .route("/{origin}/checkpoint", get(checkpoint))
        .layer(DefaultBodyLimit::max(MAX_REQUEST_BYTES))
        // A body that never ends must not hold a place for ever.
        .layer(TimeoutLayer::with_status_code(
            StatusCode::REQUEST_TIMEOUT,
            patience,
        ))
        .with_state(witness)
}

async fn add_checkpoint(State(witness): State<Arc<Witness>>, body: Bytes) -> Response {
    judged(move || witness.add_checkpoint(&body)).await
}

async fn checkpoint(State(witness): State<Arc<Witness>>, Path(origin): Path<String>) -> Response {
    judged(move || witness.checkpoint(&origin)).await
}

/// Asks the witness, which waits for the disk: no work for the threads that serve everybody.
async fn judged(judge: impl FnOnce() -> Answer + Send + 'static) -> Response {
    match tokio::task::spawn_blocking(judge).await {
        Ok(answer) => response(answer),
        Err(error) => {
            tracing::error!(%error, "the witness failed");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn response(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, answer.body()).into_response();
    let kind = HeaderValue::from_static(answer.content_type());
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
