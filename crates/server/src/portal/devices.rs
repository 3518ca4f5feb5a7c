//! Devices that sign for the person: he registers the one he holds, sees which there are, revokes one.
//!
//! Rule: W3C Web Authentication Level 3, section 7.1; the page asks for a platform authenticator that verifies its user, and for no attestation.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::post;
use axum::{Json, Router};
use data_encoding::BASE64URL_NOPAD;
use liuhen_service::{NewDevice, OwnDevice};
use maud::{Markup, html};
use serde_json::{Value, json};

use super::actions::{Sent, back};
use super::capture::bytes_of;
use crate::auth::{PersonForm, PersonSession};
use crate::console::Pairs;
use crate::error::ApiError;
use crate::lang::Lang;
use crate::state::AppState;
use crate::ui::form::csrf;
use crate::ui::words::portal as w;
use crate::ui::{Ctx, assets, time};

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/me/devices", post(register))
        .route("/me/devices/begin", post(begin))
        .route("/me/devices/end", post(end))
}

/// The part of his page that lists them.
pub(super) fn section(c: &Ctx, devices: &[OwnDevice]) -> Markup {
    html! {
        section.sheet id="devices" {
            h2 { (c.t(w::DEVICES)) }
            p.muted { (c.t(w::DEVICES_LEAD)) }
            @if devices.is_empty() { p.empty { (c.t(w::DEVICES_NONE)) } }
            ul { @for device in devices {
                li {
                    strong { (device.name) } " " span.muted.small { (device.host) }
                    " " (c.t(w::DEVICES_SINCE)) " " (time::element(device.since))
                    @if let Some(used) = device.used { " " (c.t(w::DEVICES_USED)) " " (time::element(used)) }
                    " "
                    form.inline method="post" action="/me/devices/end" {
                        (csrf(c))
                        input type="hidden" name="id" value=(device.id);
                        button.plain.slim type="submit" { (c.t(w::DEVICES_END)) }
                    }
                }
            } }
            form id="device-form" method="post" action="/me/devices" data-unable=(c.t(w::DEVICES_UNABLE)) data-failed=(c.t(w::DEVICES_FAILED)) {
                (csrf(c))
                input type="hidden" name="client_data";
                input type="hidden" name="authenticator_data";
                input type="text" name="name" required maxlength="40" aria-label=(c.t(w::DEVICES_NAME)) placeholder=(c.t(w::DEVICES_NAME)) autocomplete="off";
                button.plain type="submit" { (c.t(w::DEVICES_GO)) }
                p id="device-say" role="status" aria-live="polite" {}
            }
            script type="module" src=(assets::href("device.js")) {}
        }
    }
}

async fn begin(
    State(state): State<AppState>,
    headers: HeaderMap,
    session: PersonSession,
) -> Result<Json<Value>, ApiError> {
    let offer = state
        .service()
        .person_offer_device(&session.0, &state.place(&headers)?)?;
    let known = offer.known.iter().map(|key| BASE64URL_NOPAD.encode(key));
    Ok(Json(json!({
        "challenge": BASE64URL_NOPAD.encode(&offer.challenge),
        "user": BASE64URL_NOPAD.encode(&offer.user),
        "known": known.collect::<Vec<_>>(),
    })))
}

async fn register(
    State(state): State<AppState>,
    lang: Lang,
    headers: HeaderMap,
    PersonForm(session, pairs): Sent,
) -> Result<Response, ApiError> {
    let form = Pairs(pairs);
    let place = state.place(&headers)?;
    let new = NewDevice {
        name: form.get("name").to_owned(),
        client_data: bytes_of(form.get("client_data"))?,
        authenticator_data: bytes_of(form.get("authenticator_data"))?,
    };
    let done = state
        .service()
        .person_register_device(&session.0, &place, new)
        .await;
    back(&state, &session, lang, done).await
}

async fn end(
    State(state): State<AppState>,
    lang: Lang,
    PersonForm(session, pairs): Sent,
) -> Result<Response, ApiError> {
    let done = state
        .service()
        .person_end_device(&session.0, Pairs(pairs).get("id"))
        .await;
    back(&state, &session, lang, done).await
}
