//! `/v1/policies`: the Cedar policies that decide. For administrators.

use axum::extract::State;
use liuhen_service as inner;
use liuhen_service::Role;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::wire::{Time, all};
use crate::auth::Authenticated;
use crate::error::{ApiError, Problem};
use crate::extract::Json;
use crate::state::AppState;

/// The policies in force.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Policies {
    /// Cedar text.
    pub text: String,
    /// Hash of the text.
    pub version: String,
    /// Since when.
    pub updated: Time,
    /// Who put them in force.
    pub by: String,
    /// Each policy of the text.
    pub policies: Vec<Policy>,
}

/// One policy.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Policy {
    /// Its `@id`.
    pub id: String,
    /// `permit` or `forbid`.
    pub effect: String,
    /// What a refused caller is told, in Chinese.
    pub zh: String,
    /// What a refused caller is told, in English.
    pub en: String,
}

/// New policies.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PoliciesChange {
    /// Cedar text.
    pub text: String,
    /// The version this change was made from; another one in force meanwhile is a conflict.
    pub expected_version: String,
}

/// Policies to be looked at.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PoliciesCheck {
    /// Cedar text.
    pub text: String,
}

/// What is wrong with a policy text.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PolicyProblem {
    /// Line, from one; zero when none is known.
    pub line: u32,
    /// What is wrong.
    pub message: String,
}

/// Policies once in force.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PolicyVersion {
    /// Hash of the text.
    pub version: String,
    /// Since when.
    pub updated: Time,
    /// Who put them in force.
    pub by: String,
}

/// `GET /v1/policies`: the policies in force.
#[utoipa::path(get, path = "/v1/policies", tag = "rules",
    responses((status = 200, body = Policies), (status = "4XX", body = Problem)))]
pub(crate) async fn show(
    State(state): State<AppState>,
    _signed_in: Authenticated,
) -> Result<Json<Policies>, ApiError> {
    let policy = state.blocking(|service| service.policy()).await?;
    Ok(Json(policy.into()))
}

/// `PUT /v1/policies`: puts new policies in force, if they parse and fit the schema.
#[utoipa::path(put, path = "/v1/policies", tag = "rules", request_body = PoliciesChange,
    responses((status = 200, body = Policies), (status = "4XX", body = Problem)))]
pub(crate) async fn put(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Json(change): Json<PoliciesChange>,
) -> Result<Json<Policies>, ApiError> {
    let service = state.service();
    let policy = service
        .put_policy(&caller, &change.text, &change.expected_version)
        .await?;
    Ok(Json(policy.into()))
}

/// `POST /v1/policies/check`: what is wrong with a text; an empty list when nothing is.
#[utoipa::path(post, path = "/v1/policies/check", tag = "rules", request_body = PoliciesCheck,
    responses((status = 200, body = Vec<PolicyProblem>), (status = "4XX", body = Problem)))]
pub(crate) async fn check(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Json(ask): Json<PoliciesCheck>,
) -> Result<Json<Vec<PolicyProblem>>, ApiError> {
    // Checking is work: only for those who may also put policies in force.
    caller.need(Role::Admin, "check policies")?;
    let problems = state
        .blocking(move |service| Ok(service.check_policy(&ask.text)))
        .await?;
    Ok(Json(all(problems)))
}

/// `GET /v1/policies/history`: which policies were in force when.
#[utoipa::path(get, path = "/v1/policies/history", tag = "rules",
    responses((status = 200, body = Vec<PolicyVersion>), (status = "4XX", body = Problem)))]
pub(crate) async fn history(
    State(state): State<AppState>,
    _signed_in: Authenticated,
) -> Result<Json<Vec<PolicyVersion>>, ApiError> {
    let list = state.blocking(|service| service.policy_history()).await?;
    Ok(Json(all(list)))
}

/// The routes of this file.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(show, put))
        .routes(routes!(check))
        .routes(routes!(history))
}

impl From<inner::PolicyView> for Policies {
    fn from(policy: inner::PolicyView) -> Self {
        Self {
            text: policy.text,
            version: policy.version,
            updated: Time(policy.updated),
            by: policy.by,
            policies: all(policy.policies),
        }
    }
}

impl From<inner::PolicyLine> for Policy {
    fn from(policy: inner::PolicyLine) -> Self {
        Self {
            id: policy.id,
            effect: policy.effect,
            zh: policy.zh,
            en: policy.en,
        }
    }
}

impl From<inner::PolicyProblem> for PolicyProblem {
    fn from(problem: inner::PolicyProblem) -> Self {
        Self {
            line: problem.line,
            message: problem.message,
        }
    }
}

impl From<inner::PolicyVersion> for PolicyVersion {
    fn from(version: inner::PolicyVersion) -> Self {
        Self {
            version: version.version,
            updated: Time(version.updated),
            by: version.by,
        }
    }
}
