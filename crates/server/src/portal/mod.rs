//! The person's portal: what is kept about him, who touched it, each entry with a proof that his own browser checks.
//!
//! He comes with a link and a code that staff handed him after identifying him; nothing here is reachable otherwise.
//! What may be corrected, withdrawn or destroyed, and what that does, is the service's business.

mod actions;
mod capture;
mod devices;
mod door;
mod page;
mod say;

use axum::Router;

use crate::state::AppState;

/// The pages.
pub fn router() -> Router<AppState> {
    Router::new()
        .merge(door::routes())
        .merge(page::routes())
        .merge(actions::routes())
        .merge(capture::routes())
        .merge(devices::routes())
}
