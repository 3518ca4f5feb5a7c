//! `/v1/faces`: faces enrolled under a purpose, asked about, ended; how many are held.

use axum::extract::multipart::{Field, Multipart};
use axum::extract::{FromRequest as _, Request, State};
use axum::http::StatusCode;
use liuhen_service as inner;
use liuhen_service::Role;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use zeroize::Zeroizing;

use super::reads::{Outcome, Reason};
use super::wire::{Person, Receipt, Time, all};
use crate::auth::Authenticated;
use crate::error::{ApiError, Problem};
use crate::extract::{Json, short_field};
use crate::state::AppState;
use crate::stream;

/// A picture of one face, as a form. It is held in memory, looked at and dropped; it reaches no disk.
#[derive(Debug, ToSchema)]
#[expect(
    dead_code,
    reason = "says what the form holds; its parts are read as they come"
)]
pub(crate) struct FaceForm {
    /// The declared purpose, by id; it must name another way than the face.
    purpose: String,
    /// The person, by the token the caller's site holds; or by `kind` and `value`, or `subject`.
    token: Option<String>,
    /// The kind of a value, such as `mobile` or `resident_id`.
    kind: Option<String>,
    /// The value, in any written form.
    value: Option<String>,
    /// The opaque id that the console shows; not for API keys.
    subject: Option<String>,
    /// The caller's own case or order number, kept in the trace of a question. No personal information.
    reference: Option<String>,
    /// The picture (JPEG, PNG, WebP, TIFF, BMP or GIF); nothing follows it.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// A face that was enrolled.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct FaceEnrolled {
    /// Whether one kept before for the purpose was replaced: its key is destroyed.
    pub renewed: bool,
    /// The trace was durable before anything was kept.
    pub receipt: Receipt,
}

/// What became of a question about a face.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct FaceAnswer {
    /// Id of the decision; it is in the trace too.
    pub decision: String,
    /// `answered`; `failed` when the picture does not do; `refused`; `erased`; `unknown`.
    pub outcome: Outcome,
    /// The answer; none when the question was refused or nobody was found.
    pub answer: Option<FaceVerdict>,
    /// Why it could not be told.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub doubt: Option<FaceDoubt>,
    /// Why it was refused.
    pub reasons: Vec<Reason>,
    /// The trace was durable before this answer left.
    pub receipt: Receipt,
}

/// Whether a picture shows the person who was enrolled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FaceVerdict {
    /// It does, as far as such networks tell; not that a living person stands before the camera.
    Yes,
    /// It shows somebody else.
    No,
    /// It could not be told; use the other way, or another picture.
    CouldNotTell,
}

/// Why it could not be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FaceDoubt {
    /// The picture shows no face.
    NoFace,
    /// It shows several.
    SeveralFaces,
    /// What it shows may be a face.
    Unclear,
    /// The face is too small.
    TooSmall,
    /// The face is turned away.
    TurnedAway,
    /// The face is blurred.
    Blurred,
    /// The faces are neither alike enough nor different enough.
    Borderline,
    /// No face is kept for this purpose.
    NotEnrolled,
}

/// A face that is to end.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FaceEnd {
    /// Whose.
    pub person: Person,
    /// For which purpose.
    pub purpose: String,
}

/// A face that ended.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct FaceEnded {
    /// The trace was durable before the key was destroyed.
    pub receipt: Receipt,
}

/// How many persons' faces are held, and the clock of filing.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct FacesHeld {
    /// Persons of whom a face is held, each counted once.
    pub persons: u64,
    /// The number at which the law asks for filing.
    pub threshold: u64,
    /// How near it is.
    pub state: FilingState,
    /// When it was first reached.
    pub reached: Option<Time>,
    /// The last day to file, `YYYY-MM-DD`; Monday to Friday are counted, public holidays are not known here.
    pub due: Option<String>,
    /// Number of the filing, as noted.
    pub reference: Option<String>,
    /// Version of the rules.
    pub rules: String,
}

/// How near the number of faces is to the one from which they are filed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FilingState {
    /// Not near.
    Below,
    /// Four fifths of it or more.
    Near,
    /// It was reached and no filing is noted.
    Due,
    /// A filing is noted.
    Filed,
}

/// That faces were filed.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FilingNote {
    /// Number or other mark of the filing.
    pub reference: String,
}

/// `POST /v1/faces`: enrols a face, or enrols it anew under a new key. Of the picture only a protected template is kept, its key elsewhere.
#[utoipa::path(post, path = "/v1/faces", tag = "faces",
    request_body(content = FaceForm, content_type = "multipart/form-data"),
    responses((status = 201, body = FaceEnrolled),
        (status = 409, body = Problem, description = "The consent is missing, or a guardian's; the refusal is traced"),
        (status = 422, body = Problem, description = "`could_not_tell`: the picture does not do; or `invalid`: the purpose names no other way"),
        (status = "4XX", body = Problem),
        (status = 503, body = Problem, description = "The trace cannot be written, or the networks are not installed")))]
pub(crate) async fn enrol(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    request: Request,
) -> Result<(StatusCode, Json<FaceEnrolled>), ApiError> {
    // Asked before the first byte is taken.
    caller.need(Role::Importer, "enrol faces")?;
    let form = Form::of(&state, request).await?;
    let person = form.person()?;
    let service = state.service();
    let done = service
        .enrol_face(&caller, &person, &form.purpose, form.file)
        .await?;
    let body = FaceEnrolled {
        renewed: done.renewed,
        receipt: done.receipt.into(),
    };
    Ok((StatusCode::CREATED, Json(body)))
}

/// `POST /v1/faces/verify`: whether a picture shows the person enrolled for a purpose. Every question is traced; refusals are answered 200 with their reasons; a person can be asked about only so often.
#[utoipa::path(post, path = "/v1/faces/verify", tag = "faces",
    request_body(content = FaceForm, content_type = "multipart/form-data"),
    responses((status = 200, body = FaceAnswer), (status = "4XX", body = Problem),
        (status = 503, body = Problem, description = "The trace cannot be written, or the networks are not installed; nothing was answered")))]
pub(crate) async fn verify(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    request: Request,
) -> Result<Json<FaceAnswer>, ApiError> {
    caller.need(Role::Reader, "ask about faces")?;
    let form = Form::of(&state, request).await?;
    let question = inner::FaceQuestion {
        person: form.person()?,
        purpose: form.purpose,
        reference: form.reference,
    };
    let service = state.service();
    let answer = service.verify_face(&caller, &question, form.file).await?;
    Ok(Json(answer.into()))
}

/// `POST /v1/faces/end`: ends a face; its key is destroyed, and no copy of the template can be used again.
#[utoipa::path(post, path = "/v1/faces/end", tag = "faces", request_body = FaceEnd,
    responses((status = 200, body = FaceEnded), (status = "4XX", body = Problem)))]
pub(crate) async fn end(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Json(ask): Json<FaceEnd>,
) -> Result<Json<FaceEnded>, ApiError> {
    let person = inner::Handle::try_from(ask.person)?;
    let service = state.service();
    let receipt = service.end_face(&caller, &person, &ask.purpose).await?;
    Ok(Json(FaceEnded {
        receipt: receipt.into(),
    }))
}

/// `GET /v1/faces`: how many persons' faces are held, and where the clock of filing stands.
#[utoipa::path(get, path = "/v1/faces", tag = "faces",
    responses((status = 200, body = FacesHeld), (status = "4XX", body = Problem)))]
pub(crate) async fn held(
    State(state): State<AppState>,
    Authenticated(_caller): Authenticated,
) -> Result<Json<FacesHeld>, ApiError> {
    let filing = state.blocking(|service| service.face_filing()).await?;
    Ok(Json(filing.into()))
}

/// `POST /v1/faces/filing`: notes that faces were filed, and under which number.
#[utoipa::path(post, path = "/v1/faces/filing", tag = "faces", request_body = FilingNote,
    responses((status = 204, description = "Noted"), (status = "4XX", body = Problem)))]
pub(crate) async fn filing(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Json(note): Json<FilingNote>,
) -> Result<StatusCode, ApiError> {
    let service = state.service();
    service.note_face_filing(&caller, &note.reference).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a form said.
struct Form {
    purpose: String,
    token: Option<String>,
    kind: Option<String>,
    value: Option<String>,
    subject: Option<String>,
    reference: Option<String>,
    file: Zeroizing<Vec<u8>>,
}

impl Form {
    /// Reads a form: its fields in any order, then the file.
    async fn of(state: &AppState, request: Request) -> Result<Self, ApiError> {
        let at_most = state.service().face_file_at_most()?;
        let mut parts = Multipart::from_request(request, state)
            .await
            .map_err(|_| ApiError::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE))?;
        let mut purpose = None;
        let mut form = Self {
            purpose: String::new(),
            token: None,
            kind: None,
            value: None,
            subject: None,
            reference: None,
            file: Zeroizing::default(),
        };
        loop {
            let mut field = stream::next_part(state, &mut parts)
                .await?
                .ok_or_else(|| ApiError::malformed("the form has no file"))?;
            let slot = match field.name() {
                Some("file") => {
                    form.file = stream::in_memory(state, field, at_most).await?;
                    break;
                }
                Some("purpose") => &mut purpose,
                Some("token") => &mut form.token,
                Some("kind") => &mut form.kind,
                Some("value") => &mut form.value,
                Some("subject") => &mut form.subject,
                Some("reference") => &mut form.reference,
                _ => {
                    return Err(ApiError::malformed(
                        "the form has a field that is not asked for",
                    ));
                }
            };
            fill(state, slot, &mut field).await?;
        }
        if stream::next_part(state, &mut parts).await?.is_some() {
            return Err(ApiError::malformed("the file must be the last of the form"));
        }
        form.purpose = purpose.ok_or_else(|| ApiError::malformed("the form names no purpose"))?;
        Ok(form)
    }

    fn person(&self) -> Result<inner::Handle, ApiError> {
        let person = match (&self.token, &self.kind, &self.value, &self.subject) {
            (Some(token), None, None, None) => Person::Token {
                token: token.clone(),
            },
            (None, Some(kind), Some(value), None) => Person::Value {
                kind: kind.clone(),
                value: value.clone(),
            },
            (None, None, None, Some(subject)) => Person::Subject {
                subject: subject.clone(),
            },
            _ => {
                return Err(ApiError::malformed(
                    "name the person by token, by kind and value, or by subject",
                ));
            }
        };
        person.try_into()
    }
}

async fn fill(
    state: &AppState,
    slot: &mut Option<String>,
    field: &mut Field<'_>,
) -> Result<(), ApiError> {
    let text = short_field(state, field).await?;
    match slot.replace(text) {
        None => Ok(()),
        Some(_) => Err(ApiError::malformed("a field of the form comes twice")),
    }
}

/// The routes that answer soon.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(held))
        .routes(routes!(end))
        .routes(routes!(filing))
}

/// The routes that look at a picture.
pub(crate) fn stream_routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(enrol))
        .routes(routes!(verify))
}

impl From<inner::FaceAnswer> for FaceAnswer {
    fn from(answer: inner::FaceAnswer) -> Self {
        Self {
            decision: answer.decision,
            outcome: answer.outcome.into(),
            answer: answer.answer.map(Into::into),
            doubt: answer.doubt.map(Into::into),
            reasons: all(answer.reasons),
            receipt: answer.receipt.into(),
        }
    }
}

impl From<inner::FaceVerdict> for FaceVerdict {
    fn from(verdict: inner::FaceVerdict) -> Self {
        match verdict {
            inner::FaceVerdict::Yes => Self::Yes,
            inner::FaceVerdict::No => Self::No,
            inner::FaceVerdict::CouldNotTell => Self::CouldNotTell,
        }
    }
}

impl From<inner::FaceDoubt> for FaceDoubt {
    fn from(doubt: inner::FaceDoubt) -> Self {
        match doubt {
            inner::FaceDoubt::NoFace => Self::NoFace,
            inner::FaceDoubt::SeveralFaces => Self::SeveralFaces,
            inner::FaceDoubt::Unclear => Self::Unclear,
            inner::FaceDoubt::TooSmall => Self::TooSmall,
            inner::FaceDoubt::TurnedAway => Self::TurnedAway,
            inner::FaceDoubt::Blurred => Self::Blurred,
            inner::FaceDoubt::Borderline => Self::Borderline,
            inner::FaceDoubt::NotEnrolled => Self::NotEnrolled,
        }
    }
}

impl From<inner::FaceFiling> for FacesHeld {
    fn from(filing: inner::FaceFiling) -> Self {
        Self {
            persons: filing.persons,
            threshold: filing.threshold,
            state: match filing.state {
                inner::FilingState::Below => FilingState::Below,
                inner::FilingState::Near => FilingState::Near,
                inner::FilingState::Due => FilingState::Due,
                inner::FilingState::Filed => FilingState::Filed,
            },
            reached: filing.reached.map(Time),
            due: filing.due,
            reference: filing.reference,
            rules: filing.rules,
        }
    }
}
