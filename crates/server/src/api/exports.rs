//! `/v1/exports`: rows for a named recipient, asked by one person and approved by another; the file is marked as the recipient's.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{self, HeaderValue};
use axum::response::Response;
use liuhen_service as inner;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::wire::{Receipt, Time, all};
use crate::auth::Authenticated;
use crate::error::{ApiError, Problem};
use crate::extract::{Json, Path};
use crate::state::AppState;
use crate::stream;

/// Rows wanted for a recipient.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportAsk {
    /// Who will hold the copy: a company or department, not a person concerned.
    pub recipient: String,
    /// The declared purpose, by id.
    pub purpose: String,
    /// The collection.
    pub collection: String,
    /// The columns.
    pub fields: Vec<String>,
    /// How many rows at most; all when left out.
    #[serde(default)]
    pub limit: Option<u64>,
    /// The file's format.
    #[serde(default)]
    pub format: ExportFormat,
    /// For CSV: the encoding.
    #[serde(default)]
    pub encoding: ExportEncoding,
    /// Leaves times and coordinates exactly as stored; their last digits then carry no marks.
    #[serde(default)]
    pub exact: bool,
    /// Places for invented persons beyond those planned, at most `power.extra_canaries_most`.
    #[serde(default)]
    pub extra_canaries: Option<u32>,
    /// When the recipient must have destroyed it.
    pub expires: Time,
    /// For whoever approves.
    #[serde(default)]
    pub note: String,
}

/// The format of an exported file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ExportFormat {
    /// Comma-separated, RFC 4180.
    #[default]
    Csv,
    /// Tab-separated, UTF-8.
    Tsv,
    /// JSON Lines, UTF-8: an object a line, every value a string.
    Jsonl,
    /// Apache Parquet: every column text, a missing value null.
    Parquet,
    /// A workbook.
    Xlsx,
    /// Pages whose pictures carry the copy's mark too, with the words invisibly over them.
    Pdf,
}

/// The encoding of an exported CSV file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum ExportEncoding {
    /// UTF-8 with a byte order mark.
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    /// GBK, for older programs.
    #[serde(rename = "gbk")]
    Gbk,
}

/// An export.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Export {
    /// Its id.
    pub id: String,
    /// What was asked for.
    pub request: ExportAsk,
    /// How it stands.
    pub state: ExportState,
    /// Why it failed.
    pub error: Option<String>,
    /// Persons in it; before approval, in the collection.
    pub rows: u64,
    /// Persons the policies kept out.
    pub left_out: u64,
    /// Invented persons among the rows.
    pub canaries: u64,
    /// What of it must turn up for the copy to be recognised.
    pub power: Power,
    /// Who asked: caller id.
    pub by: String,
    /// Who asked, as shown.
    pub by_name: String,
    /// Who approved or declined.
    pub decided_by: Option<String>,
    /// When it was asked for.
    pub requested: Time,
    /// The trace of the export.
    pub receipt: Option<Receipt>,
}

/// How an export stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExportState {
    /// Waits for a second person.
    Requested,
    /// Approved; the file is being made.
    Approved,
    /// Declined.
    Declined,
    /// The file can be fetched.
    Ready,
    /// It could not be made.
    Failed,
    /// Somebody in it cancelled: the file is deleted.
    Withdrawn,
}

/// What of a copy must turn up for it to be recognised.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Power {
    /// Places that carry the copy's mark; before approval, an estimate.
    pub symbols: u64,
    /// Invented persons planned; about half of them become rows.
    pub canary_slots: u32,
    /// Leaked rows needed, by number of colluders.
    pub lines: Vec<PowerLine>,
    /// The most colluders of whom the whole copy convicts at least one.
    pub colluders_survived: usize,
    /// The leaked share of the rows at which the invented persons alone lead back; none when no share does.
    pub canary_share: Option<f64>,
    /// How many places for invented persons beyond those planned may be asked for.
    pub extra_canaries_most: u32,
    /// That share with all of them.
    pub canary_share_most: Option<f64>,
    /// Pages of a PDF, each of which carries a mark in its picture too; 0 for other formats.
    pub pages: u64,
    /// What would help, in Chinese.
    pub advice_zh: String,
    /// What would help, in English.
    pub advice_en: String,
}

/// Rows needed against a number of colluders.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
pub struct PowerLine {
    /// Recipients who merge their copies.
    pub colluders: usize,
    /// Leaked rows that convict one of them; none when the whole copy is not enough.
    pub rows: Option<u64>,
}

/// Whether an export may leave.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportDecision {
    /// Approved, or declined.
    pub approve: bool,
}

/// `POST /v1/exports`: asks for an export. Another person must approve it.
#[utoipa::path(post, path = "/v1/exports", tag = "exports", request_body = ExportAsk,
    responses((status = 201, body = Export), (status = "4XX", body = Problem)))]
pub(crate) async fn request(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Json(ask): Json<ExportAsk>,
) -> Result<(StatusCode, Json<Export>), ApiError> {
    let export = state.service().request_export(&caller, ask.into()).await?;
    Ok((StatusCode::CREATED, Json(export.into())))
}

/// `GET /v1/exports`: all exports, newest first.
#[utoipa::path(get, path = "/v1/exports", tag = "exports",
    responses((status = 200, body = Vec<Export>), (status = "4XX", body = Problem)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
) -> Result<Json<Vec<Export>>, ApiError> {
    let list = state
        .blocking(move |service| service.exports(&caller))
        .await?;
    Ok(Json(all(list)))
}

/// `GET /v1/exports/{id}`.
#[utoipa::path(get, path = "/v1/exports/{id}", tag = "exports", params(("id" = String, Path)),
    responses((status = 200, body = Export), (status = "4XX", body = Problem)))]
pub(crate) async fn show(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
) -> Result<Json<Export>, ApiError> {
    let export = state
        .blocking(move |service| service.export(&caller, &id))
        .await?;
    Ok(Json(export.into()))
}

/// `POST /v1/exports/{id}/decision`: approves or declines what another person asked for. Approving answers when the file is made.
#[utoipa::path(post, path = "/v1/exports/{id}/decision", tag = "exports", params(("id" = String, Path)), request_body = ExportDecision,
    responses((status = 200, body = Export), (status = "4XX", body = Problem)))]
pub(crate) async fn decide(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
    Json(decision): Json<ExportDecision>,
) -> Result<Json<Export>, ApiError> {
    let service = state.service();
    let export = service
        .decide_export(&caller, &id, decision.approve)
        .await?;
    Ok(Json(export.into()))
}

/// `GET /v1/exports/{id}/file`: the marked file. Each time it is fetched is traced.
#[utoipa::path(get, path = "/v1/exports/{id}/file", tag = "exports", params(("id" = String, Path)),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream"), (status = "4XX", body = Problem)))]
pub(crate) async fn file(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let file = state.service().export_file(&caller, &id).await?;
    Ok(download(file))
}

/// Answers with an exported file, piece by piece.
pub fn download(file: inner::ExportFile) -> Response {
    let mut response = Response::new(stream::body(file.reader));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(file.media_type),
    );
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(file.size));
    headers.insert(header::CONTENT_DISPOSITION, attachment(&file.file_name));
    response
}

/// Rule: RFC 6266 with the extended notation of RFC 8187, so that no name can end the header's quotes.
fn attachment(name: &str) -> HeaderValue {
    let mut text = String::from("attachment; filename*=UTF-8''");
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("attachment"))
}

/// The routes of this file that answer soon.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(request, list))
        .routes(routes!(show))
}

/// The routes that take as long as the file: approving makes it, fetching sends it.
pub(crate) fn stream_routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(decide))
        .routes(routes!(file))
}

impl From<ExportAsk> for inner::ExportRequest {
    fn from(ask: ExportAsk) -> Self {
        Self {
            recipient: ask.recipient,
            purpose: ask.purpose,
            collection: ask.collection,
            fields: ask.fields,
            limit: ask.limit,
            format: match ask.format {
                ExportFormat::Csv => "csv".to_owned(),
                ExportFormat::Tsv => "tsv".to_owned(),
                ExportFormat::Jsonl => "jsonl".to_owned(),
                ExportFormat::Parquet => "parquet".to_owned(),
                ExportFormat::Xlsx => "xlsx".to_owned(),
                ExportFormat::Pdf => "pdf".to_owned(),
            },
            encoding: match ask.encoding {
                ExportEncoding::Utf8 => "utf-8".to_owned(),
                ExportEncoding::Gbk => "gbk".to_owned(),
            },
            exact: ask.exact,
            extra_canaries: ask.extra_canaries,
            expires: ask.expires.0,
            note: ask.note,
        }
    }
}

impl From<inner::ExportRequest> for ExportAsk {
    fn from(request: inner::ExportRequest) -> Self {
        Self {
            recipient: request.recipient,
            purpose: request.purpose,
            collection: request.collection,
            fields: request.fields,
            limit: request.limit,
            format: match request.format.as_str() {
                "tsv" => ExportFormat::Tsv,
                "jsonl" => ExportFormat::Jsonl,
                "parquet" => ExportFormat::Parquet,
                "xlsx" => ExportFormat::Xlsx,
                "pdf" => ExportFormat::Pdf,
                _ => ExportFormat::Csv,
            },
            encoding: match request.encoding.as_str() {
                "gbk" => ExportEncoding::Gbk,
                _ => ExportEncoding::Utf8,
            },
            exact: request.exact,
            extra_canaries: request.extra_canaries,
            expires: Time(request.expires),
            note: request.note,
        }
    }
}

impl From<inner::ExportView> for Export {
    fn from(export: inner::ExportView) -> Self {
        Self {
            id: export.id,
            request: export.request.into(),
            state: export.state.into(),
            error: export.error,
            rows: export.rows,
            left_out: export.left_out,
            canaries: export.canaries,
            power: export.power.into(),
            by: export.by,
            by_name: export.by_name,
            decided_by: export.decided_by,
            requested: Time(export.requested),
            receipt: export.receipt.map(Into::into),
        }
    }
}

impl From<inner::ExportState> for ExportState {
    fn from(state: inner::ExportState) -> Self {
        match state {
            inner::ExportState::Requested => Self::Requested,
            inner::ExportState::Approved => Self::Approved,
            inner::ExportState::Declined => Self::Declined,
            inner::ExportState::Ready => Self::Ready,
            inner::ExportState::Failed => Self::Failed,
            inner::ExportState::Withdrawn => Self::Withdrawn,
        }
    }
}

impl From<inner::PowerView> for Power {
    fn from(power: inner::PowerView) -> Self {
        let lines = power.lines.into_iter();
        Self {
            symbols: power.symbols,
            canary_slots: power.canary_slots,
            lines: lines
                .map(|(colluders, rows)| PowerLine { colluders, rows })
                .collect(),
            colluders_survived: power.colluders_survived,
            canary_share: power.canary_share,
            extra_canaries_most: power.extra_canaries_most,
            canary_share_most: power.canary_share_most,
            pages: power.pages,
            advice_zh: power.advice_zh,
            advice_en: power.advice_en,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_cannot_leave_their_quotes() {
        let rows = [
            ("a.csv", "attachment; filename*=UTF-8''a.csv"),
            (
                "会员.xlsx",
                "attachment; filename*=UTF-8''%E4%BC%9A%E5%91%98.xlsx",
            ),
            (
                "a\"\r\nx: y",
                "attachment; filename*=UTF-8''a%22%0D%0Ax%3A%20y",
            ),
        ];
        for (name, header) in rows {
            assert_eq!(attachment(name), header, "{name}");
        }
    }
}
