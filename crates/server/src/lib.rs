//! The HTTP API, the console and the person's portal.
//!
//! Handlers parse, ask `liuhen-service`, and shape the answer; wire types live here, so that inner types stay free to change.
//! No rule lives here: whether a value is released, who may export, what a leak proves, is `liuhen-service`'s to say.
//!
//! A page's handler looks like this:
//!
//! ```ignore
//! use axum::extract::State;
//! use liuhen_server::{AppState, Lang, auth::{StaffForm, StaffSession}, error::ApiError};
//!
//! async fn show(State(state): State<AppState>, session: StaffSession, lang: Lang)
//!     -> Result<maud::Markup, ApiError>
//! {
//!     let caller = session.caller();
//!     let imports = state.blocking(move |service| service.imports(&caller)).await?;
//!     Ok(maud::html! { form method="post" { (session.csrf()) } })
//! }
//!
//! // StaffForm refuses a form without the session's token.
//! async fn save(State(state): State<AppState>, StaffForm(session, form): StaffForm<Site>) { /* … */ }
//! ```

pub mod api;
pub mod auth;
pub mod console;
pub mod error;
pub mod extract;
pub mod headers;
pub mod lang;
mod listen;
pub mod portal;
pub mod state;
pub mod stream;
pub mod ui;

use axum::Router;
use axum::extract::DefaultBodyLimit;

pub use error::ApiError;
pub use lang::Lang;
pub use listen::{ServeOptions, check_address, serve};
pub use state::{AppState, Limits, Settings};

/// Why the server could not start or went on no longer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The address people are to type is not one.
    #[error("{0} is no address of a server; give one such as https://vault.example.com")]
    PublicUrl(String),
    /// Others could listen to what is said.
    #[error(
        "{0} is reachable from outside; put a proxy with TLS in front and give --public-url https://… or --behind-tls-proxy"
    )]
    Exposed(std::net::SocketAddr),
    /// The address cannot be listened on.
    #[error("cannot listen on {addr}: {source}")]
    Listen {
        /// Where.
        addr: std::net::SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// The runtime could not be started.
    #[error("cannot start: {0}")]
    Start(#[from] std::io::Error),
}

/// Everything that is served: API, console, portal, log, health.
pub fn router(state: AppState) -> Router {
    let limit = DefaultBodyLimit::max(state.limits().body_bytes);
    let short = api::short(&state)
        .merge(console::router(&state))
        .merge(portal::router(&state))
        .layer(limit);
    short
        .merge(api::streams())
        .fallback(async || ApiError::not_found())
        .method_not_allowed_fallback(async || {
            ApiError::of_status(axum::http::StatusCode::METHOD_NOT_ALLOWED)
        })
        .layer(axum::middleware::from_fn_with_state(
            state.clone(),
            headers::guard,
        ))
        .with_state(state)
}
