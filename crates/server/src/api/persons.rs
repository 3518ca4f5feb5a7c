//! `POST /v1/persons/invitations`: the desk hands an identified person his link and code.

use axum::extract::State;
use axum::http::StatusCode;
use liuhen_service as inner;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::wire::{Person, Time};
use crate::auth::Authenticated;
use crate::error::{ApiError, Problem};
use crate::extract::Json;
use crate::state::AppState;

/// Who stands at the desk, and how he was identified.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonInvite {
    /// The person.
    pub person: Person,
    /// How he was identified, such as `resident card seen`; kept in the trace, so no personal information.
    pub evidence: String,
}

/// What to hand over: the link by one way, the code by another.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct PersonInvited {
    /// Opens the portal.
    pub link: String,
    /// Eight digits; five wrong ones end the link.
    pub code: String,
    /// When both end.
    pub expires: Time,
}

impl std::fmt::Debug for PersonInvited {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PersonInvited(until {})", self.expires)
    }
}

/// `POST /v1/persons/invitations`: makes a link and a code for a person who was identified.
#[utoipa::path(post, path = "/v1/persons/invitations", tag = "rules", request_body = PersonInvite,
    responses((status = 201, body = PersonInvited), (status = "4XX", body = Problem)))]
pub(crate) async fn invite(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Json(ask): Json<PersonInvite>,
) -> Result<(StatusCode, Json<PersonInvited>), ApiError> {
    let handle = inner::Handle::try_from(ask.person)?;
    let service = state.service();
    let invite = service
        .invite_person(&caller, &handle, &ask.evidence)
        .await?;
    let body = PersonInvited {
        link: format!("{}/portal?link={}", state.base_url(), invite.link_secret),
        code: invite.code,
        expires: Time(invite.expires),
    };
    Ok((StatusCode::CREATED, Json(body)))
}

/// The routes of this file.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(invite))
}
