//! `GET /healthz`: whether the server works. Open to everybody, so it says no more than that.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::ApiError;
use crate::extract::Json;
use crate::state::AppState;

/// Whether the server works.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// Reads are answered: the trace can be written.
    pub ok: bool,
    /// Leaves in the log.
    pub log_size: u64,
    /// Leaves under the newest signed checkpoint.
    pub checkpoint_size: u64,
}

/// `GET /healthz`: 200 when reads are answered, else 503.
#[utoipa::path(get, path = "/healthz", tag = "server", security(()),
    responses((status = 200, body = Health), (status = 503, body = Health)))]
pub(crate) async fn health(
    State(state): State<AppState>,
) -> Result<(StatusCode, Json<Health>), ApiError> {
    let health = state.blocking(|service| service.health()).await?;
    let status = match health.ok {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    let body = Health {
        ok: health.ok,
        log_size: health.log_size,
        checkpoint_size: health.checkpoint_size,
    };
    Ok((status, Json(body)))
}

/// The routes of this file.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(health))
}
