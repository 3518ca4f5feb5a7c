//! The console: pages for staff, laid out by the three phases of personal information.
//!
//! A page's handler asks the service and shows the answer; whatever it shows of a person came through `service.read`, traced.
//! Everything works as plain forms; htmx only keeps progress and the live trace fresh.

mod admin;
mod desk;
mod exports;
mod home;
mod imports;
mod leaks;
mod look;
mod policies;
mod preview;
mod purposes;
mod readers;
mod request;
mod sign;
mod sites;
mod trace;

use axum::Router;

pub(crate) use request::Pairs;

use crate::state::AppState;
use crate::ui::{assets, problem};

/// The pages, the files they load, and their errors as pages.
///
/// `state` is needed by the layer that turns errors into pages in the reader's language.
pub fn router(state: &AppState) -> Router<AppState> {
    Router::new()
        .merge(home::routes())
        .merge(sign::routes())
        .merge(imports::routes())
        .merge(purposes::routes())
        .merge(policies::routes())
        .merge(sites::routes())
        .merge(trace::routes())
        .merge(look::routes())
        .merge(readers::routes())
        .merge(exports::routes())
        .merge(leaks::routes())
        .merge(desk::routes())
        .merge(admin::routes())
        .layer(axum::middleware::from_fn_with_state(state.clone(), problem::pages))
        .merge(assets::router())
}
