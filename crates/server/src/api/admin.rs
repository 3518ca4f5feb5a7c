//! `/v1/staff`, `/v1/api-keys`, `/v1/sites`: who may do what. For administrators.

use axum::extract::State;
use axum::http::StatusCode;
use liuhen_service as inner;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::wire::{Role, Time, all};
use crate::auth::Authenticated;
use crate::error::{ApiError, Problem};
use crate::extract::{Json, Path};
use crate::state::AppState;

/// A member of staff.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Staff {
    /// Stable id.
    pub id: String,
    /// What he signs in with.
    pub login: String,
    /// How he appears in traces.
    pub display: String,
    /// What he may do.
    pub roles: Vec<Role>,
    /// Whether he may sign in.
    pub active: bool,
    /// When he enrolled.
    pub created: Time,
}

/// What a member of staff may do from now on.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StaffChange {
    /// All his roles.
    pub roles: Vec<Role>,
    /// Whether he may sign in.
    pub active: bool,
}

/// Roles for somebody new.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StaffInvite {
    /// What he will be allowed to do.
    pub roles: Vec<Role>,
}

/// A link that is good once.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct StaffInvited {
    /// Hand it over in person; whoever opens it first enrols.
    pub link: String,
}

/// An API key, without its secret.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ApiKey {
    /// Stable id.
    pub id: String,
    /// What it is called, also in traces.
    pub name: String,
    /// What it may do.
    pub roles: Vec<Role>,
    /// The business site it speaks for.
    pub site: Option<String>,
    /// Whether it is accepted.
    pub active: bool,
    /// When it was made.
    pub created: Time,
}

/// A key to be made.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiKeyAsk {
    /// What it is to be called.
    pub name: String,
    /// What it may do.
    pub roles: Vec<Role>,
    /// The business site it speaks for.
    #[serde(default)]
    pub site: Option<String>,
}

/// A new key. The secret is shown here and never again.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct ApiKeyMade {
    /// The key.
    pub key: ApiKey,
    /// `lk_…`, for `Authorization: Bearer`.
    pub secret: String,
}

/// A business site: whoever holds tokens instead of values.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// Short id: 2 to 32 lower-case letters, digits or hyphens.
    pub id: String,
    /// What it is called.
    pub name: String,
}

/// A site's name.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SiteName {
    /// What it is called.
    pub name: String,
}

/// `GET /v1/staff`.
#[utoipa::path(get, path = "/v1/staff", tag = "admin",
    responses((status = 200, body = Vec<Staff>), (status = "4XX", body = Problem)))]
pub(crate) async fn staff(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
) -> Result<Json<Vec<Staff>>, ApiError> {
    let list = state
        .blocking(move |service| service.staff(&caller))
        .await?;
    Ok(Json(all(list)))
}

/// `POST /v1/staff/invitations`: a one-time link for somebody new.
#[utoipa::path(post, path = "/v1/staff/invitations", tag = "admin", request_body = StaffInvite,
    responses((status = 201, body = StaffInvited), (status = "4XX", body = Problem)))]
pub(crate) async fn invite(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Json(ask): Json<StaffInvite>,
) -> Result<(StatusCode, Json<StaffInvited>), ApiError> {
    let roles = inner_roles(&ask.roles);
    let secret = state.service().invite_staff(&caller, &roles).await?;
    let link = format!("{}/setup?secret={secret}", state.base_url());
    Ok((StatusCode::CREATED, Json(StaffInvited { link })))
}

/// `PUT /v1/staff/{id}`: changes roles, or lets somebody in or out.
#[utoipa::path(put, path = "/v1/staff/{id}", tag = "admin", params(("id" = String, Path)), request_body = StaffChange,
    responses((status = 204, description = "Changed"), (status = "4XX", body = Problem)))]
pub(crate) async fn change(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
    Json(change): Json<StaffChange>,
) -> Result<StatusCode, ApiError> {
    let roles = inner_roles(&change.roles);
    let service = state.service();
    service
        .set_staff(&caller, &id, &roles, change.active)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /v1/api-keys`.
#[utoipa::path(get, path = "/v1/api-keys", tag = "admin",
    responses((status = 200, body = Vec<ApiKey>), (status = "4XX", body = Problem)))]
pub(crate) async fn keys(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
) -> Result<Json<Vec<ApiKey>>, ApiError> {
    let list = state
        .blocking(move |service| service.api_keys(&caller))
        .await?;
    Ok(Json(all(list)))
}

/// `POST /v1/api-keys`: makes a key.
#[utoipa::path(post, path = "/v1/api-keys", tag = "admin", request_body = ApiKeyAsk,
    responses((status = 201, body = ApiKeyMade), (status = "4XX", body = Problem)))]
pub(crate) async fn make_key(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Json(ask): Json<ApiKeyAsk>,
) -> Result<(StatusCode, Json<ApiKeyMade>), ApiError> {
    let roles = inner_roles(&ask.roles);
    let service = state.service();
    let (key, secret) = service
        .create_api_key(&caller, &ask.name, &roles, ask.site.as_deref())
        .await?;
    let key = key.into();
    Ok((StatusCode::CREATED, Json(ApiKeyMade { key, secret })))
}

/// `DELETE /v1/api-keys/{id}`: revokes a key at once.
#[utoipa::path(delete, path = "/v1/api-keys/{id}", tag = "admin", params(("id" = String, Path)),
    responses((status = 204, description = "Revoked"), (status = "4XX", body = Problem)))]
pub(crate) async fn revoke_key(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    state.service().revoke_api_key(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /v1/sites`.
#[utoipa::path(get, path = "/v1/sites", tag = "admin",
    responses((status = 200, body = Vec<Site>), (status = "4XX", body = Problem)))]
pub(crate) async fn sites(
    State(state): State<AppState>,
    _signed_in: Authenticated,
) -> Result<Json<Vec<Site>>, ApiError> {
    let list = state.blocking(|service| service.sites()).await?;
    Ok(Json(all(list)))
}

/// `PUT /v1/sites/{id}`: declares or renames a site.
#[utoipa::path(put, path = "/v1/sites/{id}", tag = "admin", params(("id" = String, Path)), request_body = SiteName,
    responses((status = 204, description = "Kept"), (status = "4XX", body = Problem)))]
pub(crate) async fn put_site(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
    Json(site): Json<SiteName>,
) -> Result<StatusCode, ApiError> {
    state.service().put_site(&caller, &id, &site.name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The routes of this file.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(staff))
        .routes(routes!(invite))
        .routes(routes!(change))
        .routes(routes!(keys, make_key))
        .routes(routes!(revoke_key))
        .routes(routes!(sites))
        .routes(routes!(put_site))
}

fn inner_roles(roles: &[Role]) -> Vec<inner::Role> {
    roles.iter().copied().map(Into::into).collect()
}

impl std::fmt::Debug for ApiKeyMade {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ApiKeyMade({})", self.key.id)
    }
}

impl From<inner::StaffView> for Staff {
    fn from(staff: inner::StaffView) -> Self {
        Self {
            id: staff.id,
            login: staff.login,
            display: staff.display,
            roles: all(staff.roles),
            active: staff.active,
            created: Time(staff.created),
        }
    }
}

impl From<inner::ApiKeyView> for ApiKey {
    fn from(key: inner::ApiKeyView) -> Self {
        Self {
            id: key.id,
            name: key.name,
            roles: all(key.roles),
            site: key.site,
            active: key.active,
            created: Time(key.created),
        }
    }
}

impl From<inner::SiteView> for Site {
    fn from(site: inner::SiteView) -> Self {
        Self {
            id: site.id,
            name: site.name,
        }
    }
}
