//! `/v1/imports`: upload a table, look at what its columns seem to hold, confirm, follow.

use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use liuhen_service as inner;
use liuhen_service::Role;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::wire::{Made, Page, RowProblem, Time, all, kind, kind_name};
use crate::auth::Authenticated;
use crate::error::{ApiError, Problem};
use crate::extract::{Json, Path, Query};
use crate::state::AppState;
use crate::stream;

/// How far an import is.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ImportStatus {
    /// Id of the import.
    pub id: String,
    /// Name of the uploaded file.
    pub file_name: String,
    /// Where the rows go; empty until it is started.
    pub collection: String,
    /// How it stands.
    pub state: ImportState,
    /// Why it failed.
    pub error: Option<String>,
    /// Bytes of the file read so far.
    pub bytes_done: u64,
    /// Bytes of the file.
    pub bytes_total: u64,
    /// Rows read, without the header.
    pub rows: u64,
    /// Persons seen for the first time.
    pub created: u64,
    /// Rows that changed a known person's record.
    pub changed: u64,
    /// Rows that said nothing new.
    pub unchanged: u64,
    /// Rows reported and left out.
    pub bad: u64,
    /// Rows without any value.
    pub blank: u64,
    /// When the upload was complete.
    pub started: Time,
    /// When it ended.
    pub ended: Option<Time>,
    /// Who uploaded it.
    pub by: String,
}

/// How an import stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImportState {
    /// Nothing is stored yet: look at the preview, then start.
    Uploaded,
    /// Rows are going in; after a crash it goes on by itself.
    Running,
    /// All rows are in or reported.
    Done,
    /// It cannot go on; what went in stays.
    Failed,
}

/// What a file seems to hold.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Preview {
    /// Id of the import.
    pub id: String,
    /// Name of the file.
    pub file_name: String,
    /// Bytes.
    pub size: u64,
    /// Format and encoding, in words.
    pub format: String,
    /// Sheets of a workbook.
    pub sheets: Vec<String>,
    /// The sheet looked at.
    pub sheet: Option<String>,
    /// Whether the first row names the columns.
    pub has_header: bool,
    /// What each column seems to hold.
    pub columns: Vec<PreviewColumn>,
    /// How many rows the guess rests on.
    pub rows_sampled: u64,
}

/// What a column seems to hold.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PreviewColumn {
    /// Position, from zero.
    pub index: usize,
    /// Its header in the file.
    pub header: String,
    /// The field name proposed.
    pub field: String,
    /// The kind guessed; none for no kind we know.
    pub kind: Option<String>,
    /// How sure the guess is, 0 to 1.
    pub confidence: f32,
    /// Why, in Chinese.
    pub evidence_zh: Vec<String>,
    /// Why, in English.
    pub evidence_en: Vec<String>,
    /// A few values, masked.
    pub samples: Vec<String>,
}

/// How a file is to be imported, as somebody confirmed it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportPlan {
    /// Where the rows go; made when it is new.
    pub collection: String,
    /// The business site that gets tokens.
    #[serde(default)]
    pub site: Option<String>,
    /// Sheet of a workbook.
    #[serde(default)]
    pub sheet: Option<String>,
    /// Whether the first row names the columns.
    pub has_header: bool,
    /// The columns.
    pub columns: Vec<PlanColumn>,
}

/// What becomes of a column.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanColumn {
    /// Position, from zero.
    pub index: usize,
    /// The field it becomes.
    pub field: String,
    /// Its kind, if any.
    #[serde(default)]
    pub kind: Option<String>,
    /// Whether it is stored at all.
    pub keep: bool,
}

/// A row and the token a site holds instead of it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RowToken {
    /// Row in the file, from one, the header included.
    pub row: u64,
    /// The token.
    pub token: String,
}

/// What an uploaded file is called.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct UploadName {
    /// The file's name. Its ending helps to judge the format.
    file_name: String,
}

/// How to look at an uploaded file.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PreviewAsk {
    /// Sheet of a workbook.
    sheet: Option<String>,
    /// Whether the first row names the columns; guessed when not given.
    has_header: Option<bool>,
}

/// `POST /v1/imports`: uploads a file; the body is the file's bytes. Nothing is stored as records yet.
#[utoipa::path(
    post, path = "/v1/imports", tag = "imports", params(UploadName),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 201, body = Made), (status = "4XX", body = Problem))
)]
pub(crate) async fn upload(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Query(name): Query<UploadName>,
    body: Body,
) -> Result<(StatusCode, Json<Made>), ApiError> {
    // Asked before the first byte is kept, so that nobody else can fill the disk.
    caller.need(Role::Importer, "import")?;
    let upload = stream::spool(&state, body.into_data_stream()).await?;
    let id = state
        .blocking(move |_| upload.finish_import(&caller, &name.file_name))
        .await?;
    Ok((StatusCode::CREATED, Json(Made { id })))
}

/// `GET /v1/imports`: all imports, newest first.
#[utoipa::path(get, path = "/v1/imports", tag = "imports",
    responses((status = 200, body = Vec<ImportStatus>), (status = "4XX", body = Problem)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
) -> Result<Json<Vec<ImportStatus>>, ApiError> {
    let list = state
        .blocking(move |service| service.imports(&caller))
        .await?;
    Ok(Json(all(list)))
}

/// `GET /v1/imports/{id}`: how far it is.
#[utoipa::path(get, path = "/v1/imports/{id}", tag = "imports", params(("id" = String, Path)),
    responses((status = 200, body = ImportStatus), (status = "4XX", body = Problem)))]
pub(crate) async fn status(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
) -> Result<Json<ImportStatus>, ApiError> {
    let status = state
        .blocking(move |service| service.import_status(&caller, &id))
        .await?;
    Ok(Json(status.into()))
}

/// `GET /v1/imports/{id}/preview`: what the columns seem to hold, and why.
#[utoipa::path(get, path = "/v1/imports/{id}/preview", tag = "imports", params(("id" = String, Path), PreviewAsk),
    responses((status = 200, body = Preview), (status = "4XX", body = Problem)))]
pub(crate) async fn preview(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
    Query(ask): Query<PreviewAsk>,
) -> Result<Json<Preview>, ApiError> {
    let preview = state
        .blocking(move |service| {
            service.import_preview(&caller, &id, ask.sheet.as_deref(), ask.has_header)
        })
        .await?;
    Ok(Json(preview.into()))
}

/// `POST /v1/imports/{id}/start`: confirms the columns; rows begin to go in.
#[utoipa::path(post, path = "/v1/imports/{id}/start", tag = "imports", params(("id" = String, Path)), request_body = ImportPlan,
    responses((status = 202, description = "Started; follow its status"), (status = "4XX", body = Problem)))]
pub(crate) async fn start(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
    Json(plan): Json<ImportPlan>,
) -> Result<StatusCode, ApiError> {
    let plan = inner::ImportPlan::try_from(plan)?;
    state.service().import_start(&caller, &id, plan).await?;
    Ok(StatusCode::ACCEPTED)
}

/// `DELETE /v1/imports/{id}`: forgets an upload that was not started.
#[utoipa::path(delete, path = "/v1/imports/{id}", tag = "imports", params(("id" = String, Path)),
    responses((status = 204, description = "Forgotten"), (status = "4XX", body = Problem)))]
pub(crate) async fn discard(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    state
        .blocking(move |service| service.discard_import(&caller, &id))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /v1/imports/{id}/problems`: rows that were left out, from a row on.
#[utoipa::path(get, path = "/v1/imports/{id}/problems", tag = "imports", params(("id" = String, Path), Page),
    responses((status = 200, body = Vec<RowProblem>), (status = "4XX", body = Problem)))]
pub(crate) async fn problems(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
    Query(page): Query<Page>,
) -> Result<Json<Vec<RowProblem>>, ApiError> {
    let list = state
        .blocking(move |service| service.import_problems(&caller, &id, page.from, page.limit()))
        .await?;
    Ok(Json(all(list)))
}

/// `GET /v1/imports/{id}/tokens`: the tokens the site holds instead of its rows, from a row on.
#[utoipa::path(get, path = "/v1/imports/{id}/tokens", tag = "imports", params(("id" = String, Path), Page),
    responses((status = 200, body = Vec<RowToken>), (status = "4XX", body = Problem)))]
pub(crate) async fn tokens(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
    Query(page): Query<Page>,
) -> Result<Json<Vec<RowToken>>, ApiError> {
    let list = state
        .blocking(move |service| service.import_tokens(&caller, &id, page.from, page.limit()))
        .await?;
    let list = list.into_iter().map(|(row, token)| RowToken { row, token });
    Ok(Json(list.collect()))
}

/// The routes of this file that answer soon.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(status, discard))
        .routes(routes!(preview))
        .routes(routes!(start))
        .routes(routes!(problems))
        .routes(routes!(tokens))
}

/// The route that takes as long as the file.
pub(crate) fn stream_routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(upload))
}

impl TryFrom<ImportPlan> for inner::ImportPlan {
    type Error = ApiError;

    fn try_from(plan: ImportPlan) -> Result<Self, ApiError> {
        let columns = plan.columns.into_iter().map(|column| {
            Ok(inner::PlanColumn {
                index: column.index,
                field: column.field,
                kind: column.kind.as_deref().map(kind).transpose()?,
                keep: column.keep,
            })
        });
        Ok(Self {
            collection: plan.collection,
            site: plan.site,
            sheet: plan.sheet,
            has_header: plan.has_header,
            columns: columns.collect::<Result<_, ApiError>>()?,
        })
    }
}

impl From<inner::ImportStatus> for ImportStatus {
    fn from(status: inner::ImportStatus) -> Self {
        Self {
            id: status.id,
            file_name: status.file_name,
            collection: status.collection,
            state: status.state.into(),
            error: status.error,
            bytes_done: status.bytes_done,
            bytes_total: status.bytes_total,
            rows: status.counts.rows,
            created: status.counts.created,
            changed: status.counts.changed,
            unchanged: status.counts.unchanged,
            bad: status.counts.bad,
            blank: status.counts.blank,
            started: Time(status.started),
            ended: status.ended.map(Time),
            by: status.by,
        }
    }
}

impl From<inner::ImportState> for ImportState {
    fn from(state: inner::ImportState) -> Self {
        match state {
            inner::ImportState::Uploaded => Self::Uploaded,
            inner::ImportState::Running => Self::Running,
            inner::ImportState::Done => Self::Done,
            inner::ImportState::Failed => Self::Failed,
        }
    }
}

impl From<inner::Preview> for Preview {
    fn from(preview: inner::Preview) -> Self {
        Self {
            id: preview.id,
            file_name: preview.file_name,
            size: preview.size,
            format: preview.format,
            sheets: preview.sheets,
            sheet: preview.sheet,
            has_header: preview.has_header,
            columns: all(preview.columns),
            rows_sampled: preview.rows_sampled,
        }
    }
}

impl From<inner::PreviewColumn> for PreviewColumn {
    fn from(column: inner::PreviewColumn) -> Self {
        Self {
            index: column.index,
            header: column.header,
            field: column.field,
            kind: kind_name(column.kind),
            confidence: column.confidence,
            evidence_zh: column.evidence_zh,
            evidence_en: column.evidence_en,
            samples: column.samples,
        }
    }
}
