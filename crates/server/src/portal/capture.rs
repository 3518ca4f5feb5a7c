//! The page on which a person shows that he sits before a screen. Whoever has its address is who was asked; there is no other session.
//!
//! The plan is told when he begins and not before. Frames come in one form and are dropped once measured.

use axum::extract::multipart::{Field, Multipart};
use axum::extract::{DefaultBodyLimit, FromRequest as _, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use data_encoding::BASE64URL_NOPAD;
use liuhen_service::{CaptureState, CaptureView, DeviceSignature, Recording, Service};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::ApiError;
use crate::extract::Path;
use crate::headers::CameraAllowed;
use crate::lang::Lang;
use crate::state::AppState;
use crate::stream;
use crate::ui::words::portal as w;
use crate::ui::{Ctx, Note, assets, layout};

/// Bytes of all frames together: four hundred of 40 kB.
const FORM: usize = 16 << 20;
/// Bytes of one frame, of 320 columns.
const FRAME: u64 = 128 << 10;
/// Bytes of a camera's name.
const CAMERA: u64 = 512;
/// Bytes of a device's answer: a credential's id has at most 1,023.
const DEVICE: u64 = 8 << 10;

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/capture/{key}", get(page))
        .route("/capture/{key}/begin", post(begin))
        .route(
            "/capture/{key}/frames",
            post(frames).layer(DefaultBodyLimit::max(FORM)),
        )
}

async fn page(
    State(state): State<AppState>,
    lang: Lang,
    Path(key): Path<String>,
) -> Result<Response, ApiError> {
    let c = Ctx::stranger(lang, &format!("/capture/{}", layout::quote(&key)));
    let (view, way) = state.service().capture_behind(&key)?;
    let body = match view.state {
        CaptureState::Asked => asked(&c, &view, &way),
        _ => html! { (Note::bad(c.t(w::CAPTURE_USED))) },
    };
    let page = layout::alone(&c, c.t(w::CAPTURE), "narrow", &body);
    // This page alone may ask for the camera.
    Ok((axum::Extension(CameraAllowed), page).into_response())
}

fn asked(c: &Ctx, view: &CaptureView, way: &str) -> Markup {
    let kept = match view.compare {
        true => w::CAPTURE_COMPARED,
        false => w::CAPTURE_NOT_COMPARED,
    };
    html! {
        p { (c.t(w::CAPTURE_LEAD)) " " (c.t(kept)) }
        @if view.signed { p { (c.t(w::CAPTURE_SIGNED)) } }
        ul {
            li { (c.t(w::CAPTURE_DO_1)) }
            li { (c.t(w::CAPTURE_DO_2)) }
            li { (c.t(w::CAPTURE_DO_3)) }
        }
        p { (c.f(w::CAPTURE_OTHER_WAY, &[("way", &way)])) }
        noscript { (Note::bad(c.t(w::CAPTURE_NO_SCRIPT))) }
        div id="capture" data-words=(words(c)) {
            button.main id="capture-go" type="button" { (c.t(w::CAPTURE_GO)) }
            p id="capture-say" role="status" aria-live="assertive" {}
            video id="capture-view" playsinline muted hidden {}
        }
        div id="capture-light" hidden {}
        script type="module" src=(assets::href("capture.js")) {}
    }
}

/// What capture.js says, in the page's language.
fn words(c: &Ctx) -> String {
    let told = [
        ("straight", w::CAPTURE_STRAIGHT),
        ("left", w::CAPTURE_LEFT),
        ("right", w::CAPTURE_RIGHT),
        ("up", w::CAPTURE_UP),
        ("down", w::CAPTURE_DOWN),
        ("light", w::CAPTURE_LIGHT),
        ("sign", w::CAPTURE_SIGN),
        ("sending", w::CAPTURE_SENDING),
        ("fits", w::CAPTURE_FITS),
        ("could_not_tell", w::CAPTURE_COULD_NOT_TELL),
        ("against", w::CAPTURE_AGAINST),
        ("no_camera", w::CAPTURE_NO_CAMERA),
        ("failed", w::CAPTURE_FAILED),
    ];
    let words: serde_json::Map<String, Value> = told
        .into_iter()
        .map(|(name, phrase)| (name.to_owned(), Value::from(c.t(phrase))))
        .collect();
    Value::Object(words).to_string()
}

async fn begin(
    State(state): State<AppState>,
    Path(key): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, ApiError> {
    let begun = state
        .service()
        .begin_capture(&key, &state.place(&headers)?)?;
    let keys = begun.keys.iter().map(|key| BASE64URL_NOPAD.encode(key));
    Ok(Json(json!({
        "steps": begun.plan.steps,
        "device": {
            "nonce": BASE64URL_NOPAD.encode(&begun.nonce),
            "keys": keys.collect::<Vec<_>>(),
            "timeout": Service::capture_signing_ms(),
        },
    })))
}

async fn frames(
    State(state): State<AppState>,
    Path(key): Path<String>,
    request: Request,
) -> Result<Json<Value>, ApiError> {
    // Asked before the first byte is kept, so that nobody else can fill the memory.
    if state.service().capture_behind(&key)?.0.state != CaptureState::Begun {
        return Err(ApiError::of_status(StatusCode::CONFLICT));
    }
    let place = state.place(request.headers())?;
    let mut form = Multipart::from_request(request, &state)
        .await
        .map_err(|_| ApiError::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE))?;
    let mut recording = Recording {
        camera: String::new(),
        frames: Vec::new(),
        signature: None,
    };
    while let Some(field) = stream::next_part(&state, &mut form).await? {
        if recording.frames.len() > Service::capture_frames_at_most() {
            return Err(ApiError::too_large());
        }
        take(&state, field, &mut recording).await?;
    }
    let says = state
        .service()
        .answer_capture(&key, recording, &place)
        .await?;
    Ok(Json(json!({ "says": says })))
}

/// What a device signed, each in base64url without padding.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Signature {
    credential: String,
    client_data: String,
    authenticator_data: String,
    signature: String,
}

/// Bytes that a page sends as text.
///
/// # Errors
///
/// 400 for what is no base64url.
pub(super) fn bytes_of(text: &str) -> Result<Vec<u8>, ApiError> {
    BASE64URL_NOPAD
        .decode(text.as_bytes())
        .map_err(|_| ApiError::malformed("the device's answer cannot be read"))
}

fn signature(text: &[u8]) -> Result<DeviceSignature, ApiError> {
    let given: Signature = serde_json::from_slice(text)
        .map_err(|_| ApiError::malformed("the device's answer cannot be read"))?;
    Ok(DeviceSignature {
        credential: bytes_of(&given.credential)?,
        client_data: bytes_of(&given.client_data)?,
        authenticator_data: bytes_of(&given.authenticator_data)?,
        signature: bytes_of(&given.signature)?,
    })
}

/// A frame under its time, the name of the camera, or what a device signed.
async fn take(
    state: &AppState,
    field: Field<'_>,
    recording: &mut Recording,
) -> Result<(), ApiError> {
    let name = field.name().unwrap_or_default().to_owned();
    match name.parse::<u32>() {
        Ok(ms) => {
            let bytes = stream::in_memory(state, field, FRAME).await?;
            recording.frames.push((ms, bytes));
        }
        Err(_) if name == "camera" => {
            let bytes = stream::in_memory(state, field, CAMERA).await?;
            recording.camera = String::from_utf8_lossy(&bytes).into_owned();
        }
        Err(_) if name == "device" => {
            let bytes = stream::in_memory(state, field, DEVICE).await?;
            recording.signature = Some(signature(&bytes)?);
        }
        Err(_) => return Err(ApiError::malformed("a part of the recording has no time")),
    }
    Ok(())
}
