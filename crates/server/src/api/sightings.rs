//! `/v1/sightings`: canary persons seen outside, and the exports that carried them.

use axum::extract::State;
use liuhen_service as inner;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::leaks::DecoyAccount;
use super::wire::{Time, all};
use crate::auth::Authenticated;
use crate::error::{ApiError, Problem};
use crate::extract::{Json, Path};
use crate::state::AppState;

/// Values seen at a place outside: a listing, an inbound call or message.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SightingAsk {
    /// Where: an address of a listing, a number that called, a file.
    pub place: String,
    /// Telephone numbers, resident IDs, cards, e-mail addresses or plates, in any written form; compared and forgotten.
    pub values: Vec<String>,
}

/// What a report led to.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SightingAnswer {
    /// How many values were compared.
    pub compared: u64,
    /// The alert, when one of them is a canary's.
    pub alert: Option<Sighting>,
}

/// An alert: canaries turned up at a place.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Sighting {
    /// Its id.
    pub id: String,
    /// Where they were seen.
    pub place: String,
    /// The canaries seen there, by table and number, and the decoys, by `decoy/` and id.
    pub canaries: Vec<String>,
    /// Exports that carried one of them, those with most first.
    pub carriers: Vec<Carrier>,
    /// Accounts that were shown one of the decoys among them, strongest evidence first.
    #[serde(default)]
    pub accounts: Vec<DecoyAccount>,
    /// Copies ever issued, all examined.
    pub copies_examined: u64,
    /// Accounts that ever had a coin for a decoy, all examined.
    #[serde(default)]
    pub accounts_examined: u64,
    /// What the `ln_e` of a copy or account must reach.
    pub threshold_ln: f64,
    /// When it was last reported.
    pub seen: Time,
    /// By whom.
    pub by: String,
    /// Whether somebody has looked into it.
    pub settled: bool,
}

/// An export that carried canaries seen at a place.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Carrier {
    /// The export.
    pub export: String,
    /// Who holds it.
    pub recipient: String,
    /// How many of the canaries seen there it carried.
    pub carried: u64,
    /// Evidence of all canaries seen there: natural logarithm of the e-value.
    pub ln_e: f64,
    /// Whether that reaches the threshold; below it, the export is named and not accused.
    pub accused: bool,
}

/// `POST /v1/sightings`: compares values seen outside with the canaries; one of them raises an alert.
#[utoipa::path(post, path = "/v1/sightings", tag = "leaks", request_body = SightingAsk,
    responses((status = 200, body = SightingAnswer), (status = "4XX", body = Problem)))]
pub(crate) async fn report(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Json(ask): Json<SightingAsk>,
) -> Result<Json<SightingAnswer>, ApiError> {
    let report = inner::SightingReport {
        place: ask.place,
        values: ask.values,
    };
    let answer = state.service().report_sighting(&caller, &report).await?;
    Ok(Json(answer.into()))
}

/// `GET /v1/sightings`: all alerts, newest first.
#[utoipa::path(get, path = "/v1/sightings", tag = "leaks",
    responses((status = 200, body = Vec<Sighting>), (status = "4XX", body = Problem)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
) -> Result<Json<Vec<Sighting>>, ApiError> {
    let list = state
        .blocking(move |service| service.sightings(&caller))
        .await?;
    Ok(Json(all(list)))
}

/// `POST /v1/sightings/{id}/settle`: marks an alert as looked into.
#[utoipa::path(post, path = "/v1/sightings/{id}/settle", tag = "leaks", params(("id" = String, Path)),
    responses((status = 200, body = Sighting), (status = "4XX", body = Problem)))]
pub(crate) async fn settle(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
) -> Result<Json<Sighting>, ApiError> {
    let view = state.service().settle_sighting(&caller, &id).await?;
    Ok(Json(view.into()))
}

/// The routes of this file.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(report, list))
        .routes(routes!(settle))
}

impl From<inner::SightingAnswer> for SightingAnswer {
    fn from(answer: inner::SightingAnswer) -> Self {
        Self {
            compared: answer.compared,
            alert: answer.alert.map(Into::into),
        }
    }
}

impl From<inner::SightingView> for Sighting {
    fn from(view: inner::SightingView) -> Self {
        Self {
            id: view.id,
            place: view.place,
            canaries: view.canaries,
            carriers: all(view.carriers),
            accounts: all(view.accounts),
            copies_examined: view.copies_examined,
            accounts_examined: view.accounts_examined,
            threshold_ln: view.threshold_ln,
            seen: Time(view.seen),
            by: view.by,
            settled: view.settled,
        }
    }
}

impl From<inner::Carrier> for Carrier {
    fn from(carrier: inner::Carrier) -> Self {
        Self {
            export: carrier.export,
            recipient: carrier.recipient,
            carried: carrier.carried,
            ln_e: carrier.ln_e,
            accused: carrier.accused,
        }
    }
}
