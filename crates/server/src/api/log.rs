//! The public log: `/checkpoint`, `/tile/…` and proofs.
//!
//! Rule: C2SP tlog-tiles: paths, content types, and full tiles that never change.
//! Open to everybody: leaves hold no readable personal information, and whoever audits the log needs no account.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{self, HeaderValue};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use liuhen_service as inner;
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

/// `GET /checkpoint`: the newest signed checkpoint.
#[utoipa::path(get, path = "/checkpoint", tag = "log", security(()),
    responses((status = 200, body = String, content_type = "text/plain")))]
pub(crate) async fn checkpoint(State(state): State<AppState>) -> impl IntoResponse {
    (
        [
            (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
            (header::CACHE_CONTROL, "no-cache"),
        ],
        state.service().checkpoint_text(),
    )
}

/// `GET /tile/{path}`: a tile of hashes or a bundle of entries, as C2SP tlog-tiles names them. A tile that is full never changes and may be cached for ever.
#[utoipa::path(get, path = "/tile/{path}", tag = "log", security(()),
    params(("path" = String, Path, description = "`<level>/<N>[.p/<W>]` or `entries/<N>[.p/<W>]`")),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream"), (status = 404, body = Problem)))]
pub(crate) async fn tile(
    State(state): State<AppState>,
    Path(path): Path<String>,
) -> Result<Response, ApiError> {
    let kind = tile_kind(&path).ok_or_else(ApiError::not_found)?;
    let full = format!("tile/{path}");
    let bytes = state
        .blocking(move |service| service.tile(&full))
        .await?
        .ok_or_else(ApiError::not_found)?;
    let mut response = Bytes::from(bytes).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/octet-stream"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(kind));
    Ok(response)
}

/// How long a tile may be kept, or `None` for a path that is no tile's.
///
/// Only digits, `x`, `p`, dots before `p`, slashes and the word `entries` pass, so that no path can lead out of the log's directory.
fn tile_kind(path: &str) -> Option<&'static str> {
    let mut parts = path.split('/').peekable();
    let level = parts.next()?;
    let known = level == "entries" || (is_number(level, 2) && level.parse::<u8>().ok()? < 64);
    if !known {
        return None;
    }
    parts.peek()?;
    let mut last = false;
    while let Some(part) = parts.next() {
        let (name, partial) = match part.strip_suffix(".p") {
            Some(name) => (name, true),
            None => (part, false),
        };
        let digits = name.strip_prefix('x').unwrap_or(name);
        let group = digits.len() == 3 && is_number_group(digits);
        // All groups but the last begin with x.
        if !group || last || name.starts_with('x') == (partial || parts.peek().is_none()) {
            return None;
        }
        if partial {
            let width = parts.next()?;
            let fits = is_number(width, 3) && (1..256).contains(&width.parse::<u16>().ok()?);
            // A partial tile is replaced by a fuller one, yet its own bytes stay true.
            return (fits && parts.next().is_none()).then_some("public, max-age=300");
        }
        last = !name.starts_with('x');
    }
    last.then_some("public, max-age=31536000, immutable")
}

fn is_number_group(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A decimal number without leading zeros.
fn is_number(text: &str, longest: usize) -> bool {
    !text.is_empty()
        && text.len() <= longest
        && is_number_group(text)
        && (text == "0" || !text.starts_with('0'))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tile_paths() {
        let full = Some("public, max-age=31536000, immutable");
        let partial = Some("public, max-age=300");
        let rows = [
            ("0/000", full),
            ("63/255", full),
            ("0/x001/x234/067", full),
            ("entries/x001/000", full),
            ("0/000.p/1", partial),
            ("entries/x001/x234/067.p/255", partial),
            ("64/000", None),
            ("00/000", None),
            ("0", None),
            ("0/", None),
            ("0/00", None),
            ("0/0000", None),
            ("0/x000", None),
            ("0/000/000", None),
            ("0/000.p/0", None),
            ("0/000.p/256", None),
            ("0/000.p/01", None),
            ("0/000.p", None),
            ("0/000.p/1/x", None),
            ("0/x000.p/1", None),
            ("entries", None),
            ("../root.key", None),
            ("0/../../root.key", None),
            ("0/%2e%2e", None),
            ("0//000", None),
            ("data/000", None),
            ("0/00\u{661}", None),
            ("", None),
        ];
        for (path, expected) in rows {
            assert_eq!(tile_kind(path), expected, "{path}");
        }
    }
}
