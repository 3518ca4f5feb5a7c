//! `/v1/purposes`, `/v1/consents`, `/v1/objections`: what information may be used for.

use axum::extract::State;
use axum::http::StatusCode;
use liuhen_service as inner;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::wire::{Person, Time, all};
use crate::auth::Authenticated;
use crate::error::{ApiError, Problem};
use crate::extract::{Json, Path};
use crate::state::AppState;

/// A declared purpose.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Purpose {
    /// Stable id.
    pub id: String,
    /// In Chinese.
    pub name_zh: String,
    /// In English.
    pub name_en: String,
    /// Legal basis: PIPL article 13, paragraph 1, item 1 (consent) to 7.
    #[schema(minimum = 1, maximum = 7)]
    pub basis: u8,
    /// The fields it needs; no other is released under it.
    pub fields: Vec<String>,
    /// How long the information is kept for it, in days.
    pub retention_days: u32,
    /// What persons were told.
    pub notice: String,
    /// SHA-256 of the notice, in hex.
    pub notice_hash: String,
    /// Whether it is marketing, to which a person may object.
    pub marketing: bool,
    /// How far the trace of a read must be before the value leaves.
    #[serde(default)]
    pub surety: Surety,
    /// The chance, in percent, that a look-up by name shows a decoy, a person who does not exist, among namesakes; never when it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decoy_percent: Option<u8>,
    /// The other way than the face; a purpose without one uses no faces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub face_alternative: Option<String>,
    /// Counts its changes.
    pub version: u32,
    /// When it was last changed.
    pub updated: Time,
}

/// A purpose to be declared or changed.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PurposeChange {
    /// In Chinese.
    pub name_zh: String,
    /// In English.
    pub name_en: String,
    /// Legal basis: PIPL article 13, paragraph 1, item 1 (consent) to 7.
    #[schema(minimum = 1, maximum = 7)]
    pub basis: u8,
    /// The fields it needs.
    pub fields: Vec<String>,
    /// How long the information is kept for it, in days.
    pub retention_days: u32,
    /// What persons are told.
    pub notice: String,
    /// Whether it is marketing.
    #[serde(default)]
    pub marketing: bool,
    /// How far the trace of a read must be before the value leaves.
    #[serde(default)]
    pub surety: Surety,
    /// The chance, in percent, that a look-up by name shows a decoy among namesakes. Staff may then see somebody who does not exist: not for care or emergencies. Never when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 50)]
    pub decoy_percent: Option<u8>,
    /// The other way than the face that is offered, such as `card shown at the desk`; a purpose without one uses no faces, and one with it lists the field `face`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub face_alternative: Option<String>,
}

/// How far the trace of a read must be before the value leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Surety {
    /// The leaf is durable: some milliseconds. Never less.
    #[default]
    Durable,
    /// A signed checkpoint covers it: about a second.
    Checkpoint,
    /// A quorum of witnesses cosigned a checkpoint that covers it: some seconds, and none is answered while they are away.
    Witnessed,
}

impl From<inner::Surety> for Surety {
    fn from(surety: inner::Surety) -> Self {
        match surety {
            inner::Surety::Durable => Self::Durable,
            inner::Surety::Checkpoint => Self::Checkpoint,
            inner::Surety::Witnessed => Self::Witnessed,
        }
    }
}

impl From<Surety> for inner::Surety {
    fn from(surety: Surety) -> Self {
        match surety {
            Surety::Durable => Self::Durable,
            Surety::Checkpoint => Self::Checkpoint,
            Surety::Witnessed => Self::Witnessed,
        }
    }
}

/// A consent given or withdrawn.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConsentChange {
    /// Whose.
    pub person: Person,
    /// For which purpose.
    pub purpose: String,
    /// Given, or withdrawn.
    pub given: bool,
    /// How it is known, such as the number of a form. No personal information.
    pub evidence: String,
    /// Who consents for a child under fourteen. Kept sealed under the child's key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guardian: Option<Guardian>,
}

/// Who consents for a child.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Guardian {
    /// Name, or another mark by which he is known.
    pub name: String,
    /// Such as `parent`.
    pub relation: String,
}

impl std::fmt::Debug for Guardian {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Guardian({} chars)", self.name.chars().count())
    }
}

/// An objection to marketing, made or lifted.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ObjectionChange {
    /// Whose.
    pub person: Person,
    /// Made, or lifted.
    pub objects: bool,
}

/// `GET /v1/purposes`.
#[utoipa::path(get, path = "/v1/purposes", tag = "rules",
    responses((status = 200, body = Vec<Purpose>), (status = "4XX", body = Problem)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    _signed_in: Authenticated,
) -> Json<Vec<Purpose>> {
    Json(all(state.service().purposes()))
}

/// `PUT /v1/purposes/{id}`: declares or changes a purpose.
#[utoipa::path(put, path = "/v1/purposes/{id}", tag = "rules", params(("id" = String, Path)), request_body = PurposeChange,
    responses((status = 204, description = "Kept"), (status = "4XX", body = Problem)))]
pub(crate) async fn put(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
    Json(change): Json<PurposeChange>,
) -> Result<StatusCode, ApiError> {
    let purpose = change.into_inner(id);
    state.service().put_purpose(&caller, purpose).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /v1/consents`: notes that a consent was given or withdrawn. Effective for the next read.
#[utoipa::path(post, path = "/v1/consents", tag = "rules", request_body = ConsentChange,
    responses((status = 204, description = "Noted"), (status = "4XX", body = Problem)))]
pub(crate) async fn consent(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Json(change): Json<ConsentChange>,
) -> Result<StatusCode, ApiError> {
    let handle = inner::Handle::try_from(change.person)?;
    let service = state.service();
    service
        .set_consent(
            &caller,
            &handle,
            &change.purpose,
            change.given,
            &change.evidence,
            change.guardian.map(|one| inner::Guardian {
                subject: None,
                name: one.name,
                relation: one.relation,
            }),
        )
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /v1/objections`: notes that a person objects to marketing, or no longer.
#[utoipa::path(post, path = "/v1/objections", tag = "rules", request_body = ObjectionChange,
    responses((status = 204, description = "Noted"), (status = "4XX", body = Problem)))]
pub(crate) async fn objection(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Json(change): Json<ObjectionChange>,
) -> Result<StatusCode, ApiError> {
    let handle = inner::Handle::try_from(change.person)?;
    let service = state.service();
    service
        .set_objection(&caller, &handle, change.objects)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The routes of this file.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(put))
        .routes(routes!(consent))
        .routes(routes!(objection))
}

impl PurposeChange {
    /// Version, time and hash are the service's to fill.
    fn into_inner(self, id: String) -> inner::PurposeView {
        inner::PurposeView {
            id,
            name_zh: self.name_zh,
            name_en: self.name_en,
            basis: self.basis,
            fields: self.fields,
            retention_days: self.retention_days,
            notice: self.notice,
            notice_hash: String::new(),
            marketing: self.marketing,
            surety: self.surety.into(),
            decoy_percent: self.decoy_percent,
            face_alternative: self.face_alternative,
            version: 0,
            updated: 0,
        }
    }
}

impl From<inner::PurposeView> for Purpose {
    fn from(purpose: inner::PurposeView) -> Self {
        Self {
            id: purpose.id,
            name_zh: purpose.name_zh,
            name_en: purpose.name_en,
            basis: purpose.basis,
            fields: purpose.fields,
            retention_days: purpose.retention_days,
            notice: purpose.notice,
            notice_hash: purpose.notice_hash,
            marketing: purpose.marketing,
            surety: purpose.surety.into(),
            decoy_percent: purpose.decoy_percent,
            face_alternative: purpose.face_alternative,
            version: purpose.version,
            updated: Time(purpose.updated),
        }
    }
}
