//! `/v1`: everything a program can do, one file per noun; the log's own addresses; health; the API's description.
//!
//! Rule of the description: OpenAPI 3.1, made from the handlers themselves; `openapi.json` in this crate keeps it for comparison.

pub mod admin;
pub mod captures;
pub mod catalogue;
pub mod events;
pub mod exports;
pub mod faces;
pub mod health;
pub mod imports;
pub mod leaks;
pub mod log;
pub mod persons;
pub mod pictures;
pub mod policies;
pub mod purposes;
pub mod reads;
pub mod redactions;
pub mod sightings;
pub mod wire;

use std::sync::LazyLock;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use tower_http::timeout::TimeoutLayer;
use utoipa::OpenApi;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;

use crate::state::AppState;

/// What the description says before the paths.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Liuhen",
        description = "Keep personal information so that every look leaves a trace. Every error is an RFC 9457 problem with a stable `code` and the `request_id` of the log.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    components(schemas(crate::error::Problem)),
    modifiers(&Security),
    security(("key" = []), ("session" = [])),
    tags(
        (name = "reads", description = "Ask for values of persons, under a purpose"),
        (name = "imports", description = "Bring a table in"),
        (name = "exports", description = "Hand rows to a named recipient, marked as his"),
        (name = "redactions", description = "Hide what pictures show of persons, decided mark by mark"),
        (name = "faces", description = "Enrol faces under a purpose, ask yes or no, end them"),
        (name = "leaks", description = "Lead a leaked file back to where it came from"),
        (name = "rules", description = "Purposes, policies, consents and objections"),
        (name = "trace", description = "Events, statistics and proofs"),
        (name = "log", description = "The public log, as in C2SP tlog-tiles"),
        (name = "admin", description = "Staff, API keys and sites"),
        (name = "server", description = "Health"),
    )
)]
struct Description;

struct Security;

impl utoipa::Modify for Security {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let components = openapi.components.get_or_insert_with(Default::default);
        let key = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("lk_…")
            .description(Some("An API key, made in the console"))
            .build();
        components.add_security_scheme("key", SecurityScheme::Http(key));
        let cookie = ApiKeyValue::with_description(
            "liuhen_staff",
            "A session of the console. Unsafe methods also need its token in the header `x-csrf-token`. Over TLS the name begins with `__Host-`.",
        );
        components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    }
}

/// Handlers that answer soon; they end at the request timeout.
fn short_routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .merge(reads::routes())
        .merge(imports::routes())
        .merge(exports::routes())
        .merge(pictures::routes())
        .merge(redactions::routes())
        .merge(faces::routes())
        .merge(leaks::routes())
        .merge(sightings::routes())
        .merge(purposes::routes())
        .merge(policies::routes())
        .merge(persons::routes())
        .merge(captures::routes())
        .merge(catalogue::routes())
        .merge(admin::routes())
        .merge(events::routes())
        .merge(log::routes())
        .merge(health::routes())
}

/// Handlers that run as long as a file or a connection lasts.
fn stream_routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .merge(imports::stream_routes())
        .merge(exports::stream_routes())
        .merge(pictures::stream_routes())
        .merge(redactions::stream_routes())
        .merge(faces::stream_routes())
        .merge(leaks::stream_routes())
        .merge(events::stream_routes())
}

/// The short half of the API, under its timeout.
pub(crate) fn short(state: &AppState) -> Router<AppState> {
    let timeout =
        TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, state.limits().request_timeout);
    short_routes()
        .split_for_parts()
        .0
        .route("/openapi.json", get(describe))
        .layer(timeout)
}

/// The long half of the API; each upload bounds itself.
pub(crate) fn streams() -> Router<AppState> {
    stream_routes()
        .split_for_parts()
        .0
        .layer(DefaultBodyLimit::disable())
}

/// The description of the API: OpenAPI 3.1.
pub fn openapi() -> utoipa::openapi::OpenApi {
    OpenApiRouter::<AppState>::with_openapi(Description::openapi())
        .merge(short_routes())
        .merge(stream_routes())
        .into_openapi()
}

/// The description as pretty JSON with a final newline, as `openapi.json` keeps it.
pub fn openapi_json() -> String {
    // The description is made of strings and maps with string keys, which always serialise.
    let mut text = openapi().to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

async fn describe() -> impl IntoResponse {
    static TEXT: LazyLock<String> = LazyLock::new(openapi_json);
    ([(header::CONTENT_TYPE, "application/json")], TEXT.as_str())
}

#[cfg(test)]
mod tests {
    /// `cargo xtask golden` writes the file anew after an intended change.
    #[test]
    fn the_description_is_the_one_kept() {
        let kept = include_str!("../../openapi.json");
        assert!(
            super::openapi_json() == kept,
            "crates/server/openapi.json is stale: run `cargo xtask golden` and read the difference"
        );
    }

    #[test]
    fn the_description_is_openapi_3_1() {
        let text = super::openapi_json();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert!(value["openapi"].as_str().unwrap().starts_with("3.1"));
        assert!(value["paths"]["/v1/reads"]["post"].is_object());
    }
}
