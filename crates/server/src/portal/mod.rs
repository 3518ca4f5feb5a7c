//! The person's portal: what is kept about him, who touched it, each entry with a proof that his own browser checks.
//!
//! He comes with a link and a code that staff handed him after identifying him; nothing here is reachable otherwise.
//! What may be corrected, withdrawn or destroyed, and what that does, is the service's business.

mod actions;
mod door;
mod page;
mod say;

use axum::Router;

use crate::state::AppState;
use crate::ui::problem;

/// The pages, with their errors as pages.
///
/// `state` is needed by the layer that turns errors into pages in the reader's language.
pub fn router(state: &AppState) -> Router<AppState> {
    Router::new()
        .merge(door::routes())
        .merge(page::routes())
        .merge(actions::routes())
        .layer(axum::middleware::from_fn_with_state(state.clone(), problem::pages))
}
