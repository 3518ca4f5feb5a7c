//! `/v1/captures`: whether somebody sits before a screen now.

use axum::extract::State;
use axum::http::StatusCode;
use liuhen_service as inner;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::faces::{FaceDoubt, FaceVerdict};
use super::wire::{Person, Receipt, Time};
use crate::auth::Authenticated;
use crate::error::{ApiError, Problem};
use crate::extract::{Json, Path};
use crate::state::AppState;

/// What is asked for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CaptureAsk {
    /// Of whom.
    pub person: Person,
    /// The declared purpose, by id.
    pub purpose: String,
    /// `usual`: movements, depth, frames; `strict`: the light of the screen, too, which no bright room passes.
    #[serde(default)]
    pub demand: CaptureDemand,
    /// Whether a device that the person registered on his own page must have signed the frames.
    #[serde(default)]
    pub signed: bool,
    /// Whether a recording that fits is compared with the face that is kept for the purpose, as `POST /v1/faces/verify` does it.
    #[serde(default)]
    pub compare: bool,
    /// Whether some frames are shown to the opt-in network (`liuhen models install --liveness`), whose origin is not documented: it may withhold, and never vouches or accuses.
    #[serde(default)]
    pub passive: bool,
}

/// How much is demanded.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "CaptureAsk says it")]
pub enum CaptureDemand {
    #[default]
    Usual,
    Strict,
}

/// A capture.
#[derive(Debug, Serialize, ToSchema)]
pub struct Capture {
    /// Its id.
    pub id: String,
    /// The declared purpose.
    pub purpose: String,
    /// How much is demanded.
    pub demand: CaptureDemand,
    /// Whether a device's signature is demanded.
    pub signed: bool,
    /// Whether it is compared with the face that is kept.
    pub compare: bool,
    /// Whether the opt-in network is shown some frames.
    pub passive: bool,
    /// `asked`, `begun`, `answered` or `expired`.
    pub state: String,
    /// When it was asked for.
    pub asked: Time,
    /// Until when it can go on.
    pub until: Time,
    /// The path of the page for the person, told once: hand it to nobody else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// What the recording is taken for, when it was answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doubt: Option<CaptureDoubt>,
    /// Whether it shows the person whose face is kept: told where that was asked and the recording fits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub face: Option<CaptureFace>,
    /// Its last trace.
    pub receipt: Receipt,
}

/// Whether a recording shows the person whose face is kept.
#[derive(Debug, Serialize, ToSchema)]
pub struct CaptureFace {
    /// The answer.
    pub answer: FaceVerdict,
    /// Why it could not be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doubt: Option<FaceDoubt>,
}

/// What a recording is taken for.
#[derive(Debug, Serialize, ToSchema)]
pub struct CaptureDoubt {
    /// `fits`; `against` when a part is (`light` only where it is demanded, `passive` never); else `could_not_tell` when a part that is demanded could not be told, or `passive` is against.
    pub says: String,
    /// The parts.
    pub parts: Vec<CapturePart>,
    /// The chance that a recording made before the question fits as well, where it can be told.
    pub chance: Option<f64>,
    /// The rule pack.
    pub rules: String,
}

/// One measurement.
#[derive(Debug, Serialize, ToSchema)]
pub struct CapturePart {
    /// `frames`, `movements`, `depth`, `light`, `repeats`, `camera`, `device` or, where it was asked for, `passive`.
    pub part: String,
    /// `fits`, `could_not_tell` or `against`.
    pub says: String,
    /// Why, as a stable word.
    pub why: String,
    /// The number it rests on.
    pub number: Option<f64>,
}

/// `POST /v1/captures`: asks a person to show that he sits before a screen.
#[utoipa::path(post, path = "/v1/captures", tag = "faces", request_body = CaptureAsk,
    responses((status = 201, body = Capture), (status = "4XX", body = Problem)))]
async fn ask(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Json(asked): Json<CaptureAsk>,
) -> Result<(StatusCode, Json<Capture>), ApiError> {
    let request = inner::CaptureRequest {
        person: asked.person.try_into()?,
        purpose: asked.purpose,
        demand: match asked.demand {
            CaptureDemand::Usual => inner::Demand::Usual,
            CaptureDemand::Strict => inner::Demand::Strict,
        },
        signed: asked.signed,
        compare: asked.compare,
        passive: asked.passive,
    };
    let made = state.service().request_capture(&caller, &request).await?;
    let mut capture = Capture::from(made.capture);
    capture.path = Some(made.path);
    Ok((StatusCode::CREATED, Json(capture)))
}

/// `GET /v1/captures/{id}`: a capture that the caller asked for.
#[utoipa::path(get, path = "/v1/captures/{id}", tag = "faces",
    responses((status = 200, body = Capture), (status = "4XX", body = Problem)))]
async fn one(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
) -> Result<Json<Capture>, ApiError> {
    Ok(Json(state.service().capture(&caller, &id)?.into()))
}

/// The routes.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(ask))
        .routes(routes!(one))
}

/// The name that a value without data serialises to.
fn word<T: Serialize>(value: T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}

impl From<inner::CaptureView> for Capture {
    fn from(view: inner::CaptureView) -> Self {
        Self {
            id: view.id,
            purpose: view.purpose,
            demand: match view.demand {
                inner::Demand::Usual => CaptureDemand::Usual,
                inner::Demand::Strict => CaptureDemand::Strict,
            },
            signed: view.signed,
            compare: view.compare,
            passive: view.passive,
            state: word(view.state),
            asked: Time(view.asked),
            until: Time(view.until),
            path: None,
            doubt: view.doubt.map(CaptureDoubt::from),
            face: view.face.map(|face| CaptureFace {
                answer: face.answer.into(),
                doubt: face.doubt.map(FaceDoubt::from),
            }),
            receipt: view.receipt.into(),
        }
    }
}

impl From<inner::Doubt> for CaptureDoubt {
    fn from(doubt: inner::Doubt) -> Self {
        let part = |told: inner::CaptureTold| CapturePart {
            part: word(told.part),
            says: word(told.says),
            why: told.why.to_owned(),
            number: told.number,
        };
        Self {
            says: word(doubt.says),
            parts: doubt.parts.into_iter().map(part).collect(),
            chance: doubt.chance,
            rules: doubt.rules,
        }
    }
}
