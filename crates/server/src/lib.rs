//! The HTTP API, the console and the person's portal.
//!
//! Handlers parse, ask `liuhen-service`, and shape the answer; wire types live here, so that inner types stay free to change.
//! No rule lives here: whether a value is released, who may export, what a leak proves, is `liuhen-service`'s to say.
//!
//! ```
//! use axum::body::Body;
//! use axum::http::Request;
//! use liuhen_server::{AppState, Settings, router};
//! use liuhen_service::{Config, Service};
//! use tower::ServiceExt as _;
//!
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let dir = tempfile::tempdir()?;
//! let service = Service::open(&Config::in_dir(dir.path().join("data")))?;
//! let app = router(AppState::new(service.clone(), Settings::default())?);
//! let ask = Request::get("/healthz").header("host", "localhost");
//! let answer = app.oneshot(ask.body(Body::empty())?).await?;
//! assert_eq!(answer.status(), 200);
//! service.close()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod api;
pub mod auth;
pub mod console;
pub mod error;
pub mod extract;
pub mod headers;
pub mod lang;
mod listen;
mod metrics;
pub mod portal;
pub mod state;
pub mod stream;
pub mod ui;
mod witness;

use axum::Router;
use axum::extract::DefaultBodyLimit;

pub use error::ApiError;
pub use lang::Lang;
pub use listen::{ServeOptions, WitnessOptions, check_address, serve, serve_witness};
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
        .merge(console::router())
        .merge(portal::router())
        .layer(limit);
    short
        .merge(api::streams())
        .fallback(async || ApiError::not_found())
        .method_not_allowed_fallback(async || {
            ApiError::of_status(axum::http::StatusCode::METHOD_NOT_ALLOWED)
        })
        .layer(axum::middleware::from_fn_with_state(
            state.clone(),
            ui::problem::pages,
        ))
        .layer(axum::middleware::from_fn_with_state(
            state.clone(),
            headers::guard,
        ))
        .with_state(state)
}
