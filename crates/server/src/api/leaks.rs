//! `/v1/leaks`: a file that turned up; which copies and readers it leads to.

use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{self, HeaderValue};
use axum::response::{IntoResponse, Response};
use liuhen_service as inner;
use liuhen_service::Role;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::wire::{Made, Time, all};
use crate::auth::Authenticated;
use crate::error::{ApiError, Problem};
use crate::extract::{Json, Path, Query};
use crate::state::AppState;
use crate::stream;

/// What a leaked file leads to.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Leak {
    /// Its id.
    pub id: String,
    /// Name of the file.
    pub file_name: String,
    /// SHA-256 of the file, in hex.
    pub sha256: String,
    /// Bytes of the file.
    pub size: u64,
    /// How the examination stands.
    pub state: LeakState,
    /// Why it failed.
    pub error: Option<String>,
    /// Whether any copy or account is accused.
    pub verdict: Verdict,
    /// Rows read.
    pub rows: u64,
    /// Rows that could not be read.
    pub bad_rows: u64,
    /// Persons of the vault found in it.
    pub persons: u64,
    /// Invented persons found in it.
    pub canaries: u64,
    /// Mark symbols read from it.
    pub marks: u64,
    /// Bound on the probability that any innocent copy or account is accused.
    pub epsilon: f64,
    /// Copies ever issued, all of them examined.
    pub copies_examined: u64,
    /// Decoys found in it: persons who do not exist, shown by lot among the results of look-ups.
    #[serde(default)]
    pub decoys: u64,
    /// Accounts that ever had a coin for a decoy, all of them examined.
    #[serde(default)]
    pub accounts_examined: u64,
    /// What the `ln_e` of a copy or account must reach: the logarithm of copies and accounts examined divided by epsilon.
    pub threshold_ln: f64,
    /// The accounts that had coins for these decoys, strongest evidence first.
    #[serde(default)]
    pub accounts: Vec<DecoyAccount>,
    /// The copies that share persons or canaries with it, strongest evidence first.
    pub copies: Vec<LeakCopy>,
    /// The originals it shows, when it is a picture.
    #[serde(default)]
    pub pictures: Vec<LeakPicture>,
    /// Who read those persons, most likely first: a ranking, never an accusation.
    pub readers: Vec<LeakReader>,
    /// When nobody is accused: symbols more that would convict a single leaker.
    pub symbols_missing: Option<u64>,
    /// When nobody is accused: rows more like these that would convict a single leaker.
    pub rows_missing: Option<u64>,
    /// What was and was not shown, in Chinese.
    pub statements_zh: Vec<String>,
    /// What was and was not shown, in English.
    pub statements_en: Vec<String>,
    /// When it was handed in.
    pub created: Time,
    /// Who handed it in.
    pub by: String,
}

/// Whether any copy or account is accused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The examination is under way or failed.
    Open,
    /// At least one copy or account reaches the threshold.
    Accused,
    /// None does.
    NoEvidence,
}

/// How an examination stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LeakState {
    /// Under way.
    Running,
    /// Ended.
    Done,
    /// The file could not be examined.
    Failed,
}

/// An original that a leaked picture shows.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct LeakPicture {
    /// The picture's id; of a page of a PDF export, the export's.
    pub picture: String,
    /// The page of that export, counted from 1; none for a picture.
    pub page: Option<u32>,
    /// Name of the file it came as, or left as.
    pub name: String,
    /// SHA-256 of that file, in hex; of a page, of its unmarked pixels.
    pub sha256: String,
    /// Places of the mark that could be read.
    pub carriers: u64,
    /// Whether the original was at hand as it was marked.
    pub redrawn: bool,
}

/// Evidence about one copy.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct LeakCopy {
    /// The export.
    pub export: String,
    /// Who held the copy.
    pub recipient: String,
    /// For which purpose.
    pub purpose: String,
    /// Leaked persons who are in the copy.
    pub persons_shared: u64,
    /// Index of the export's trace, which is older than the leak.
    pub trace_index: Option<u64>,
    /// Hash of that entry, in hex.
    pub leaf_hash: Option<String>,
    /// What that entry commits to: the hash of the marking key, in hex.
    pub commitment: Option<String>,
    /// Evidence by channel.
    pub channels: Vec<LeakChannel>,
    /// All channels in one: natural logarithm of the e-value.
    pub ln_e: f64,
    /// Whether the threshold is reached.
    pub accused: bool,
}

/// Evidence of one channel.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct LeakChannel {
    /// `marks`, `canaries`, `picture`, `picture_tile` (read without the original) or `screen`.
    pub name: String,
    /// Natural logarithm of its e-value.
    pub ln_e: f64,
}

/// An account that had coins for decoys which turned up.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct DecoyAccount {
    /// Caller id.
    pub who: String,
    /// As shown in traces.
    pub name: String,
    /// Decoys found for which it had a coin.
    pub coins: u64,
    /// How many of them it was shown.
    pub shown: u64,
    /// How many one would expect by chance.
    pub expected: f64,
    /// Entries of the log in which the chances of these coins were written down.
    pub leaves: Vec<u64>,
    /// Natural logarithm of the e-value.
    pub ln_e: f64,
    /// Whether the threshold is reached: the account is accused, not a person.
    pub accused: bool,
}

impl From<inner::AccountView> for DecoyAccount {
    fn from(account: inner::AccountView) -> Self {
        Self {
            who: account.who,
            name: account.name,
            coins: account.coins,
            shown: account.shown,
            expected: account.expected,
            leaves: account.leaves,
            ln_e: account.ln_e,
            accused: account.accused,
        }
    }
}

/// A reader of the leaked persons.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct LeakReader {
    /// Caller id.
    pub who: String,
    /// As shown in traces.
    pub name: String,
    /// Persons he read in all.
    pub read: u64,
    /// Leaked persons he read.
    pub leaked_read: u64,
    /// How many one would expect by chance.
    pub expected: f64,
    /// Probability of as many or more by chance.
    pub p: f64,
    /// The same, compared only with readers of the same sort, on the same days, for the same purposes.
    pub p_within: Option<f64>,
    /// Both in one: natural logarithm of a calibrated e-value that ranks and never accuses.
    pub ln_e: f64,
}

/// How to examine a file.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct LeakAsk {
    /// The file's name. Its ending helps to judge the format.
    file_name: String,
    /// Bound on the probability that any innocent is accused; one in a million when left out.
    epsilon: Option<f64>,
}

/// `POST /v1/leaks`: hands in a file that turned up; the body is the file's bytes. Follow its state.
#[utoipa::path(post, path = "/v1/leaks", tag = "leaks", params(LeakAsk),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 202, body = Made), (status = "4XX", body = Problem)))]
pub(crate) async fn submit(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Query(ask): Query<LeakAsk>,
    body: Body,
) -> Result<(StatusCode, Json<Made>), ApiError> {
    // Asked before the first byte is kept, so that nobody else can fill the disk.
    caller.need(Role::Investigator, "trace leaks")?;
    let upload = stream::spool(&state, body.into_data_stream()).await?;
    let service = state.service();
    let id = service
        .start_leak(&caller, upload, &ask.file_name, ask.epsilon)
        .await?;
    Ok((StatusCode::ACCEPTED, Json(Made { id })))
}

/// `GET /v1/leaks`: all leaks, newest first.
#[utoipa::path(get, path = "/v1/leaks", tag = "leaks",
    responses((status = 200, body = Vec<Leak>), (status = "4XX", body = Problem)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
) -> Result<Json<Vec<Leak>>, ApiError> {
    let list = state
        .blocking(move |service| service.leaks(&caller))
        .await?;
    Ok(Json(all(list)))
}

/// `GET /v1/leaks/{id}`: what a leak leads to.
#[utoipa::path(get, path = "/v1/leaks/{id}", tag = "leaks", params(("id" = String, Path)),
    responses((status = 200, body = Leak), (status = "4XX", body = Problem)))]
pub(crate) async fn show(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
) -> Result<Json<Leak>, ApiError> {
    let leak = state
        .blocking(move |service| service.leak(&caller, &id))
        .await?;
    Ok(Json(leak.into()))
}

/// In which language a report is written.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReportAsk {
    /// `zh` or `en`; Chinese when left out.
    lang: Option<ReportLang>,
}

/// A language of reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ReportLang {
    /// Chinese.
    Zh,
    /// English.
    En,
}

/// `GET /v1/leaks/{id}/report`: the report on a leak as PDF; equal bytes each time.
#[utoipa::path(get, path = "/v1/leaks/{id}/report", tag = "leaks", params(("id" = String, Path), ReportAsk),
    responses((status = 200, body = Vec<u8>, content_type = "application/pdf"), (status = "4XX", body = Problem)))]
pub(crate) async fn report(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
    Query(ask): Query<ReportAsk>,
) -> Result<Response, ApiError> {
    let chinese = ask.lang != Some(ReportLang::En);
    let name = id.clone();
    let bytes = state
        .blocking(move |service| service.leak_report(&caller, &id, chinese))
        .await?;
    Ok(pdf(&name, bytes))
}

/// A report as a browser saves it.
pub(crate) fn pdf(id: &str, bytes: Vec<u8>) -> Response {
    let mut response = bytes.into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/pdf"),
    );
    // The leak was found by its id, which is made of letters and digits.
    let name = format!("attachment; filename=\"{id}.pdf\"");
    if let Ok(name) = HeaderValue::from_str(&name) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    response
}

/// The routes of this file that answer soon.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(report))
        .routes(routes!(list))
        .routes(routes!(show))
}

/// The route that takes as long as the file.
pub(crate) fn stream_routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(submit))
}

impl From<inner::LeakView> for Leak {
    fn from(leak: inner::LeakView) -> Self {
        let verdict = match leak.state {
            inner::LeakState::Done
                if leak.accused().next().is_some() || leak.accused_accounts().next().is_some() =>
            {
                Verdict::Accused
            }
            inner::LeakState::Done => Verdict::NoEvidence,
            inner::LeakState::Running | inner::LeakState::Failed => Verdict::Open,
        };
        Self {
            id: leak.id,
            file_name: leak.file_name,
            sha256: leak.sha256,
            size: leak.size,
            state: leak.state.into(),
            error: leak.error,
            verdict,
            rows: leak.rows,
            bad_rows: leak.bad_rows,
            persons: leak.persons,
            canaries: leak.canaries,
            marks: leak.marks,
            epsilon: leak.epsilon,
            copies_examined: leak.copies_examined,
            decoys: leak.decoys,
            accounts_examined: leak.accounts_examined,
            threshold_ln: leak.threshold_ln,
            accounts: all(leak.accounts),
            copies: all(leak.copies),
            pictures: all(leak.pictures),
            readers: all(leak.readers),
            symbols_missing: leak.symbols_missing,
            rows_missing: leak.rows_missing,
            statements_zh: leak.statements_zh,
            statements_en: leak.statements_en,
            created: Time(leak.created),
            by: leak.by,
        }
    }
}

impl From<inner::LeakState> for LeakState {
    fn from(state: inner::LeakState) -> Self {
        match state {
            inner::LeakState::Running => Self::Running,
            inner::LeakState::Done => Self::Done,
            inner::LeakState::Failed => Self::Failed,
        }
    }
}

impl From<inner::CopyView> for LeakCopy {
    fn from(copy: inner::CopyView) -> Self {
        Self {
            export: copy.export,
            recipient: copy.recipient,
            purpose: copy.purpose,
            persons_shared: copy.persons_shared,
            trace_index: copy.trace_index,
            leaf_hash: copy.leaf_hash,
            commitment: copy.commitment,
            channels: all(copy.channels),
            ln_e: copy.ln_e,
            accused: copy.accused,
        }
    }
}

impl From<inner::ChannelView> for LeakChannel {
    fn from(channel: inner::ChannelView) -> Self {
        Self {
            name: channel.name,
            ln_e: channel.ln_e,
        }
    }
}

impl From<inner::PictureFound> for LeakPicture {
    fn from(found: inner::PictureFound) -> Self {
        Self {
            picture: found.picture,
            page: found.page,
            redrawn: found.redrawn,
            name: found.name,
            sha256: found.sha256,
            carriers: found.carriers,
        }
    }
}

impl From<inner::ReaderRank> for LeakReader {
    fn from(reader: inner::ReaderRank) -> Self {
        Self {
            who: reader.who,
            name: reader.name,
            read: reader.read,
            leaked_read: reader.leaked_read,
            expected: reader.expected,
            p: reader.p,
            p_within: reader.p_within,
            ln_e: reader.ln_e,
        }
    }
}
