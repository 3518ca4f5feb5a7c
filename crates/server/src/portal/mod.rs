//! Pages of the portal.

use axum::Router;

use crate::state::AppState;

/// The pages.
pub fn router() -> Router<AppState> {
    Router::new()
}
