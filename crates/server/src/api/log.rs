//! The public log: `/checkpoint`, `/tile/…` and proofs.
//!
//! Rule: C2SP tlog-tiles: paths, content types, and full tiles that never change.
//! Open to everybody: leaves hold no readable personal information, and whoever audits the log needs no account.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{self, HeaderValue};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use liuhen_service::{self as inner, Service};
use liuhen_tlog::tile::TileId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::{ApiError, Problem};
use crate::extract::{Json, Path};
use crate::state::AppState;

/// Where one leaf lies in the log, against a signed checkpoint.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Proof {
    /// Index of the leaf, from zero.
    pub index: u64,
    /// Its hash, in hex.
    pub leaf_hash: String,
    /// Size of the tree proved against.
    pub size: u64,
    /// From leaf to root (RFC 9162, 2.1.3), in hex.
    pub path: Vec<String>,
    /// The signed checkpoint (C2SP tlog-checkpoint).
    pub checkpoint: String,
}

/// The key that signs the log.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct LogKey {
    /// As in C2SP signed-note: `name+id+key`.
    pub vkey: String,
}

/// `GET /v1/proofs/{index}`: an inclusion proof.
#[utoipa::path(get, path = "/v1/proofs/{index}", tag = "log", params(("index" = u64, Path)), security(()),
    responses((status = 200, body = Proof), (status = "4XX", body = Problem)))]
pub(crate) async fn proof(
    State(state): State<AppState>,
    Path(index): Path<u64>,
) -> Result<Json<Proof>, ApiError> {
    let proof = state.blocking(move |service| service.proof(index)).await?;
    Ok(Json(proof.into()))
}

/// `GET /v1/log-key`: the key that signs checkpoints and receipts. Keep a copy elsewhere before you need it.
#[utoipa::path(get, path = "/v1/log-key", tag = "log", security(()), responses((status = 200, body = LogKey)))]
pub(crate) async fn log_key(State(state): State<AppState>) -> Json<LogKey> {
    Json(LogKey {
        vkey: state.service().log_vkey(),
    })
}

/// `GET /checkpoint`: the newest checkpoint that a quorum of witnesses cosigned; without witnesses, the newest the log signed.
#[utoipa::path(get, path = "/checkpoint", tag = "log", security(()),
    responses((status = 200, body = String, content_type = "text/plain")))]
pub(crate) async fn checkpoint(State(state): State<AppState>) -> impl IntoResponse {
    changing(state.service().checkpoint_text())
}

/// `GET /checkpoint/newest`: the newest checkpoint the log signed, at most a second old; witnesses may not have seen it yet.
#[utoipa::path(get, path = "/checkpoint/newest", tag = "log", security(()),
    responses((status = 200, body = String, content_type = "text/plain")))]
pub(crate) async fn newest(State(state): State<AppState>) -> impl IntoResponse {
    changing(state.service().newest_checkpoint_text())
}

/// `GET /keys`: the statements by which the log's first key leads to the one that signs now; empty while it never changed (docs/operations.md).
#[utoipa::path(get, path = "/keys", tag = "log", security(()),
    responses((status = 200, body = String, content_type = "text/plain")))]
pub(crate) async fn keys(State(state): State<AppState>) -> impl IntoResponse {
    changing(state.service().log_keys())
}

/// `GET /witness-policy`: this log's key and its witnesses, as a C2SP tlog-policy. Whom to trust is yours to decide.
#[utoipa::path(get, path = "/witness-policy", tag = "log", security(()),
    responses((status = 200, body = String, content_type = "text/plain")))]
pub(crate) async fn policy(State(state): State<AppState>) -> impl IntoResponse {
    changing(state.service().witness_policy(Some(state.base_url())))
}

/// Text that is new again in a second.
fn changing(text: String) -> impl IntoResponse {
    (
        [
            (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
            (header::CACHE_CONTROL, "no-cache"),
        ],
        text,
    )
}

/// `POST /person-proof`: what the log holds under the labels of one person, and that it holds no more (docs/trace.md).
///
/// The body is `from` as 8 bytes, the highest first, and 1 to 4,096 labels of 32 bytes, numbered from `from` on.
#[utoipa::path(post, path = "/person-proof", tag = "log", security(()),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream"), (status = "4XX", body = Problem), (status = 503, body = Problem)))]
pub(crate) async fn person_proof(
    State(state): State<AppState>,
    question: Bytes,
) -> Result<Response, ApiError> {
    let (from, labels) = question
        .split_first_chunk::<8>()
        .map(|(from, rest)| (u64::from_be_bytes(*from), rest.as_chunks::<32>()))
        .and_then(|(from, (labels, rest))| rest.is_empty().then(|| (from, labels.to_vec())))
        .ok_or_else(|| ApiError::malformed("give 8 bytes of a number and labels of 32 bytes"))?;
    let place = state.proof_place()?;
    let made = move |service: &Arc<Service>| {
        // Held until the work ends, also when nobody waits for it any more.
        let _place = place;
        service.person_proof(from, &labels)
    };
    let proof = state.blocking(made).await?;
    let kind = [(header::CONTENT_TYPE, "application/octet-stream")];
    Ok((kind, proof).into_response())
}

/// `GET /tile/{path}`: a tile of hashes or a bundle of entries, as C2SP tlog-tiles names them. A tile that is full never changes and may be cached for ever.
#[utoipa::path(get, path = "/tile/{path}", tag = "log", security(()),
    params(("path" = String, Path, description = "`<level>/<N>[.p/<W>]` or `entries/<N>[.p/<W>]`")),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream"), (status = 404, body = Problem)))]
pub(crate) async fn tile(
    State(state): State<AppState>,
    Path(path): Path<String>,
) -> Result<Response, ApiError> {
    // A path that is no tile's leads nowhere, so none leads out of the log's directory.
    let tile = TileId::parse(&format!("tile/{path}")).ok_or_else(ApiError::not_found)?;
    let kept = match tile.is_full() {
        true => "public, max-age=31536000, immutable",
        // It gives way to a fuller one, yet its own bytes stay true.
        false => "public, max-age=300",
    };
    let bytes = state
        .blocking(move |service| service.tile(tile))
        .await?
        .ok_or_else(ApiError::not_found)?;
    let mut response = Bytes::from(bytes).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/octet-stream"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
    Ok(response)
}

/// The routes of this file.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    // OpenAPI knows no wildcard: the tile's route is added by hand under its described path.
    let (_, api) = OpenApiRouter::<AppState>::new()
        .routes(routes!(tile))
        .split_for_parts();
    OpenApiRouter::with_openapi(api)
        .routes(routes!(proof))
        .routes(routes!(log_key))
        .routes(routes!(checkpoint))
        .routes(routes!(newest))
        .routes(routes!(keys))
        .routes(routes!(policy))
        .routes(routes!(person_proof))
        .route("/tile/{*path}", get(tile))
}

impl From<inner::ProofView> for Proof {
    fn from(proof: inner::ProofView) -> Self {
        Self {
            index: proof.index,
            leaf_hash: proof.leaf_hash,
            size: proof.size,
            path: proof.path,
            checkpoint: proof.checkpoint,
        }
    }
}
