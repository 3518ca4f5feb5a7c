//! `/v1/redactions`: pictures and PDF are brought, decided on mark by mark, and leave as copies in which what they show of persons is hidden.
//!
//! Held in memory, for whoever brought them alone, until they are deleted or nothing was asked for a while.

use axum::extract::multipart::Multipart;
use axum::extract::{FromRequest as _, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use liuhen_service as inner;
use liuhen_service::Service;
use liuhen_service::sight::{Mark, Sort, pixels};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use zeroize::Zeroizing;

use super::pictures::download;
use crate::auth::Authenticated;
use crate::error::{ApiError, Problem};
use crate::extract::{Json, Path};
use crate::state::AppState;
use crate::stream;

/// A picture or a PDF whose contents are to be hidden.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Redaction {
    /// Its id.
    pub id: String,
    /// Which of the caller's pictures, from 1.
    pub number: u32,
    /// Name of the file it came as.
    pub name: String,
    /// SHA-256 of that file, in hex; none for what was refused at once.
    pub sha256: Option<String>,
    /// `waiting` and `looking` come first; `open` waits for a decision; then `to_save`, `saving`, and `saved` with a copy; `refused` for what cannot be looked at. A PDF is `looking` and `saving` page by page.
    pub state: String,
    /// Why it was refused or has no copy: `too_large`, `no_picture`, `encrypted`, `too_many_pages`, `several_pictures`, `damaged`, `networks_failed`, `still_seen`, `not_written`, `trace_unavailable` or `no_room`.
    pub problem: Option<String>,
    /// Columns of pixels, of a PDF those of its first page; 0 until it was looked at.
    pub width: u32,
    /// Rows of pixels, of a PDF those of its first page; 0 until it was looked at.
    pub height: u32,
    /// The pages of a PDF once they are counted; a picture is one page.
    pub pages: Vec<RedactionPage>,
    /// Pages done while it is `looking` or `saving`.
    pub pages_done: u32,
    /// What was found; hidden unless released.
    pub marks: Vec<RedactionMark>,
    /// What the file says beside its pixels, none of which a copy has: `place`, `time`, `device`, `texts`, `thumbnail`.
    pub beside: Vec<String>,
    /// What was decided last.
    pub decision: RedactionDecision,
    /// The copy.
    pub copy: Option<RedactionCopy>,
}

/// A page. Places on it are told in its pixels; a PDF's page has 200 to the inch, or fewer where it is very large.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RedactionPage {
    /// Its number, from 1.
    pub number: u32,
    /// Columns of pixels; 0 until it was looked at.
    pub width: u32,
    /// Rows of pixels; 0 until it was looked at.
    pub height: u32,
}

/// A place of a picture that is hidden unless it is released. Never says what stands there.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RedactionMark {
    /// Its number, from 1, through all pages; stays what it is when others come.
    pub number: usize,
    /// The page it is on, from 1.
    pub page: u32,
    /// `words`, `face`, `code`, `number` (long, of no known kind) or `unread`.
    pub sort: String,
    /// Kinds of what stands there.
    pub kinds: Vec<String>,
    /// How sure, 0 to 1; below one half the answer is "could not tell". None for what was not recognised.
    pub confidence: Option<f32>,
    /// The upright box around it: left, top, width, height in pixels.
    pub area: [u32; 4],
    /// Whether only a later look found it.
    pub late: bool,
}

/// What is decided about a picture; what is not named is hidden.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RedactionDecision {
    /// Numbers of marks that may be seen.
    #[serde(default)]
    pub released: Vec<usize>,
    /// Boxes to fill beside on the picture, or on the first page: left, top, width, height in pixels.
    #[serde(default)]
    pub drawn: Vec<[u32; 4]>,
    /// Boxes to fill beside on the pages of a PDF, by the number of the page: `{"2": [[left, top, width, height]]}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub drawn_on: BTreeMap<u32, Vec<[u32; 4]>>,
    /// Whether faces become coarse squares instead of being filled.
    #[serde(default)]
    pub coarse_faces: bool,
}

/// A copy that can be given out.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RedactionCopy {
    /// Name to save it under.
    pub file_name: String,
    /// Bytes.
    pub bytes: u64,
    /// SHA-256, in hex.
    pub sha256: String,
    /// Times it was looked at, of a PDF the page that was looked at most.
    pub looks: u32,
}

/// Pictures and PDF, as a form.
#[derive(Debug, ToSchema)]
#[expect(
    dead_code,
    reason = "says what the form holds; its parts are read as they come"
)]
pub(crate) struct RedactionForm {
    /// The files, each a part of this name.
    #[schema(value_type = Vec<String>, format = Binary)]
    file: Vec<Vec<u8>>,
}

/// `POST /v1/redactions`: brings pictures and PDF; they are looked at one after another.
#[utoipa::path(post, path = "/v1/redactions", tag = "redactions",
    request_body(content = RedactionForm, content_type = "multipart/form-data"),
    responses((status = 202, body = Vec<Redaction>), (status = "4XX", body = Problem), (status = 503, body = Problem)))]
pub(crate) async fn add(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    request: Request,
) -> Result<(StatusCode, Json<Vec<Redaction>>), ApiError> {
    // Asked before the first byte is kept, so that nobody fills the memory.
    state.service().review_room(&caller)?;
    let mut form = Multipart::from_request(request, &state)
        .await
        .map_err(|_| ApiError::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE))?;
    let taken = receive(&state, &caller, &mut form).await?;
    let taken = taken.into_iter().map(Redaction::from).collect();
    Ok((StatusCode::ACCEPTED, Json(taken)))
}

/// Takes every file of a form. What is too long is told with the others.
///
/// # Errors
///
/// 400 without a file, 409 when too much is held, and what the service answers; what came before stays taken.
pub(crate) async fn receive(
    state: &AppState,
    caller: &inner::Caller,
    form: &mut Multipart,
) -> Result<Vec<inner::ReviewView>, ApiError> {
    let service = state.service();
    let limits = service.review_limits()?;
    let mut taken = Vec::new();
    while let Some(field) = stream::next_part(state, form).await? {
        let name = field.file_name().unwrap_or_default().to_owned();
        if field.name() != Some("file") || name.is_empty() {
            continue;
        }
        service.review_room(caller)?;
        let file = match stream::in_memory(state, field, limits.file).await {
            // As long as it is, and no longer: room for the longest was made.
            Ok(bytes) => Some(Zeroizing::new(bytes.to_vec())),
            Err(error) if error.code() == "too_large" => None,
            Err(error) => return Err(error),
        };
        taken.push(service.take_for_review(caller, &name, file).await?);
    }
    match taken.is_empty() {
        false => Ok(taken),
        true => Err(ApiError::malformed("no file was chosen")),
    }
}

/// `GET /v1/redactions`: the caller's pictures, in the order they came.
#[utoipa::path(get, path = "/v1/redactions", tag = "redactions",
    responses((status = 200, body = Vec<Redaction>), (status = "4XX", body = Problem)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
) -> Result<Json<Vec<Redaction>>, ApiError> {
    let views = state
        .blocking(move |service| service.reviews(&caller, true))
        .await?;
    Ok(Json(views.into_iter().map(Redaction::from).collect()))
}

/// `GET /v1/redactions/{id}`: one of the caller's pictures.
#[utoipa::path(get, path = "/v1/redactions/{id}", tag = "redactions", params(("id" = String, Path)),
    responses((status = 200, body = Redaction), (status = "4XX", body = Problem)))]
pub(crate) async fn one(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
) -> Result<Json<Redaction>, ApiError> {
    let view = state
        .blocking(move |service| service.review(&caller, &id, true))
        .await?;
    Ok(Json(view.into()))
}

/// `GET /v1/redactions/{id}/pages/{page}`: one page as it is before anything is hidden, made smaller where it is large; a picture is page 1.
#[utoipa::path(get, path = "/v1/redactions/{id}/pages/{page}", tag = "redactions", params(("id" = String, Path), ("page" = u32, Path)),
    responses((status = 200, body = Vec<u8>, content_type = "image/jpeg"), (status = "4XX", body = Problem)))]
pub(crate) async fn page(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Path((id, page)): Path<(String, u32)>,
) -> Result<Response, ApiError> {
    let shown = state
        .blocking(move |service| service.review_shown(&caller, &id, page))
        .await?;
    Ok(([(header::CONTENT_TYPE, "image/jpeg")], shown.to_vec()).into_response())
}

/// `POST /v1/redactions/{id}/decision`: decides on all pages, paints and looks again; an earlier copy is gone at once.
#[utoipa::path(post, path = "/v1/redactions/{id}/decision", tag = "redactions", params(("id" = String, Path)),
    request_body = RedactionDecision,
    responses((status = 202), (status = "4XX", body = Problem)))]
pub(crate) async fn decide(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
    Json(ask): Json<RedactionDecision>,
) -> Result<StatusCode, ApiError> {
    let service: &Arc<Service> = state.service();
    service.decide_review(&caller, &id, ask.into())?;
    Ok(StatusCode::ACCEPTED)
}

/// `GET /v1/redactions/{id}/file`: the copy; every fetch is traced.
#[utoipa::path(get, path = "/v1/redactions/{id}/file", tag = "redactions", params(("id" = String, Path)),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream"), (status = "4XX", body = Problem)))]
pub(crate) async fn file(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let file = state.service().hand_out_review(&caller, &id).await?;
    Ok(download(file))
}

/// `GET /v1/redactions/files`: all copies as ZIP, with what became of each picture as `summary.json`; every copy's fetch is traced.
#[utoipa::path(get, path = "/v1/redactions/files", tag = "redactions",
    responses((status = 200, body = Vec<u8>, content_type = "application/zip"), (status = "4XX", body = Problem)))]
pub(crate) async fn files(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
) -> Result<Response, ApiError> {
    Ok(download(state.service().hand_out_reviews(&caller).await?))
}

/// `DELETE /v1/redactions/{id}`: drops a picture and its copy.
#[utoipa::path(delete, path = "/v1/redactions/{id}", tag = "redactions", params(("id" = String, Path)),
    responses((status = 204), (status = "4XX", body = Problem)))]
pub(crate) async fn delete(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    state.service().discard_review(&caller, &id)?;
    Ok(StatusCode::NO_CONTENT)
}

/// The routes that answer soon.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(one, delete))
        .routes(routes!(page))
        .routes(routes!(decide))
}

/// The routes that take as long as the pictures are large.
pub(crate) fn stream_routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(add))
        .routes(routes!(files))
        .routes(routes!(file))
}

impl From<inner::ReviewView> for Redaction {
    fn from(view: inner::ReviewView) -> Self {
        let first = view.first();
        let mut drawn_on = view.decision.drawn;
        Self {
            id: view.id,
            number: view.number,
            name: view.name,
            sha256: Some(view.sha256).filter(|sum| !sum.is_empty()),
            state: view.state.name().to_owned(),
            problem: view.problem.map(|problem| problem.code().to_owned()),
            width: first.width,
            height: first.height,
            pages: (1..)
                .zip(&view.pages)
                .map(|(number, page)| RedactionPage {
                    number,
                    width: page.width,
                    height: page.height,
                })
                .collect(),
            pages_done: view.done,
            marks: view.marks.iter().map(RedactionMark::from).collect(),
            beside: view.beside.into_iter().map(str::to_owned).collect(),
            decision: RedactionDecision {
                released: view.decision.released.into_iter().collect(),
                drawn: drawn_on.remove(&1).unwrap_or_default(),
                drawn_on,
                coarse_faces: view.decision.coarsen,
            },
            copy: view.copy.map(|copy| RedactionCopy {
                file_name: copy.file_name,
                bytes: copy.bytes,
                sha256: copy.sha256,
                looks: copy.looks,
            }),
        }
    }
}

impl From<&inner::ReviewMark> for RedactionMark {
    fn from(given: &inner::ReviewMark) -> Self {
        let mark: &Mark = &given.mark;
        let sort = match mark.sort {
            Sort::Words => "words",
            Sort::Face => "face",
            Sort::Code => "code",
            Sort::Number => "number",
            Sort::Unread => "unread",
        };
        Self {
            number: given.number,
            page: given.page,
            sort: sort.to_owned(),
            kinds: mark.kinds.iter().map(ToString::to_string).collect(),
            confidence: mark.confidence,
            area: mark.area().as_ref().map_or([0; 4], pixels),
            late: given.late,
        }
    }
}

impl From<RedactionDecision> for inner::ReviewDecision {
    fn from(ask: RedactionDecision) -> Self {
        let mut drawn = ask.drawn_on;
        if !ask.drawn.is_empty() {
            drawn.entry(1).or_default().extend(ask.drawn);
        }
        Self {
            released: ask.released.into_iter().collect(),
            drawn,
            coarsen: ask.coarse_faces,
        }
    }
}
