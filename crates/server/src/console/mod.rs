//! The console: pages for staff, laid out by the three phases of personal information.
//!
//! A page's handler asks the service and shows the answer; whatever it shows of a person came through `service.read`, traced.
//! Everything works as plain forms; htmx only keeps progress and the live trace fresh.

mod admin;
mod desk;
mod exports;
mod faces;
mod home;
mod imports;
mod leaks;
mod look;
mod offer;
mod pictures;
mod policies;
mod preview;
mod purposes;
mod readers;
mod redact;
mod request;
mod retouch;
mod sightings;
mod sign;
mod sites;
mod trace;

use axum::Router;

pub(crate) use request::Pairs;

use crate::state::AppState;
use crate::ui::assets;

/// The pages and the files they load.
pub fn router() -> Router<AppState> {
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
        .merge(pictures::routes())
        .merge(redact::routes())
        .merge(faces::routes())
        .merge(leaks::routes())
        .merge(sightings::routes())
        .merge(desk::routes())
        .merge(admin::routes())
        .merge(assets::router())
}
