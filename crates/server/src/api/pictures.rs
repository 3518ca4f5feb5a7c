//! `/v1/pictures`: pictures kept once, and copies of them marked for named recipients.

use axum::extract::multipart::Multipart;
use axum::extract::{FromRequest as _, Request, State};
use axum::http::StatusCode;
use axum::http::header::{self, HeaderValue};
use axum::response::{IntoResponse, Response};
use liuhen_service as inner;
use liuhen_service::Role;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::wire::{Receipt, Time, all};
use crate::auth::Authenticated;
use crate::error::{ApiError, Problem};
use crate::extract::{Json, Path, short_field};
use crate::state::AppState;
use crate::stream;

/// A picture kept for handing out copies.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Picture {
    /// Its id.
    pub id: String,
    /// Name of the file it came as.
    pub name: String,
    /// SHA-256 of that file, in hex.
    pub sha256: String,
    /// Columns of pixels.
    pub width: u32,
    /// Rows of pixels.
    pub height: u32,
    /// How marked copies are written: `jpg`, `png`, `webp` or `tiff`.
    pub format: String,
    /// Whether it is kept for a person, whose trace names every copy.
    pub of_person: bool,
    /// Copies handed out.
    pub copies: u64,
    /// When it came.
    pub added: Time,
    /// Who brought it.
    pub by: String,
}

/// A copy wanted for a recipient.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PictureCopyAsk {
    /// Who will hold the copy: a company or department, not a person concerned.
    pub recipient: String,
    /// The declared purpose, by id.
    pub purpose: String,
    /// Words written visibly over the whole copy, such as `仅供办理入学使用，他用无效，2026年11月22日`.
    #[serde(default)]
    pub visible: Option<String>,
}

/// A copy handed out.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PictureCopy {
    /// Its id.
    pub id: String,
    /// The picture.
    pub picture: String,
    /// What was asked for.
    pub request: PictureCopyAsk,
    /// Peak signal to noise of the hidden mark, in decibels; none when the picture has no room for one.
    pub psnr: Option<f64>,
    /// Whether it can be led back without its original; small pictures cannot, nor copies handed out by earlier versions.
    #[serde(default)]
    pub blind: bool,
    /// Who asked.
    pub by: String,
    /// When.
    pub issued: Time,
    /// The trace of the copy.
    pub receipt: Receipt,
}

/// A picture taken in, as a form, since whom it shows must stand in no address: servers and proxies keep those.
#[derive(Debug, ToSchema)]
#[expect(
    dead_code,
    reason = "says what the form holds; its parts are read as they come"
)]
pub(crate) struct PictureForm {
    /// Token of the person whom it shows, before the file: his trace then names every copy, and his cancelling deletes it.
    token: Option<String>,
    /// The file, with its name; nothing follows it.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// `POST /v1/pictures`: takes a picture in.
#[utoipa::path(post, path = "/v1/pictures", tag = "exports",
    request_body(content = PictureForm, content_type = "multipart/form-data"),
    responses((status = 201, body = Picture), (status = "4XX", body = Problem)))]
pub(crate) async fn add(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    request: Request,
) -> Result<(StatusCode, Json<Picture>), ApiError> {
    // Asked before the first byte is kept, so that nobody else can fill the disk.
    caller.need(Role::Importer, "bring pictures in")?;
    let mut form = Multipart::from_request(request, &state)
        .await
        .map_err(|_| ApiError::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE))?;
    let mut of = None;
    let mut part = stream::next_part(&state, &mut form).await?;
    if let Some(field) = part.as_mut().filter(|field| field.name() == Some("token")) {
        let token = short_field(&state, field).await?;
        of = Some(inner::Handle::Token { token });
        drop(part);
        part = stream::next_part(&state, &mut form).await?;
    }
    let file = part
        .filter(|field| field.name() == Some("file"))
        .ok_or_else(|| ApiError::malformed("the form has no file"))?;
    let name = file.file_name().unwrap_or_default().to_owned();
    let upload = stream::spool(&state, file).await?;
    // A token after the file would be passed over, and the picture kept as nobody's.
    if stream::next_part(&state, &mut form).await?.is_some() {
        return Err(ApiError::malformed("the file must be the last of the form"));
    }
    let view = state
        .service()
        .add_picture(&caller, upload, &name, of.as_ref())
        .await?;
    Ok((StatusCode::CREATED, Json(view.into())))
}

/// `GET /v1/pictures`: all pictures, newest first.
#[utoipa::path(get, path = "/v1/pictures", tag = "exports",
    responses((status = 200, body = Vec<Picture>), (status = "4XX", body = Problem)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
) -> Result<Json<Vec<Picture>>, ApiError> {
    let list = state
        .blocking(move |service| service.pictures(&caller))
        .await?;
    Ok(Json(all(list)))
}

/// `DELETE /v1/pictures/{id}`: deletes a picture; its copies can no longer be led back by it.
#[utoipa::path(delete, path = "/v1/pictures/{id}", tag = "exports", params(("id" = String, Path)),
    responses((status = 204), (status = "4XX", body = Problem)))]
pub(crate) async fn delete(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    state.service().delete_picture(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /v1/pictures/{id}/copies`: issues a copy to a recipient; its key is committed to in the trace first.
#[utoipa::path(post, path = "/v1/pictures/{id}/copies", tag = "exports", params(("id" = String, Path)),
    request_body = PictureCopyAsk,
    responses((status = 201, body = PictureCopy), (status = "4XX", body = Problem)))]
pub(crate) async fn issue(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
    Json(ask): Json<PictureCopyAsk>,
) -> Result<(StatusCode, Json<PictureCopy>), ApiError> {
    let service = state.service();
    let view = service
        .issue_picture(&caller, &id, ask.into(), None)
        .await?;
    Ok((StatusCode::CREATED, Json(view.into())))
}

/// `GET /v1/pictures/{id}/copies`: the copies of a picture, newest first.
#[utoipa::path(get, path = "/v1/pictures/{id}/copies", tag = "exports", params(("id" = String, Path)),
    responses((status = 200, body = Vec<PictureCopy>), (status = "4XX", body = Problem)))]
pub(crate) async fn copies(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
) -> Result<Json<Vec<PictureCopy>>, ApiError> {
    let list = state
        .blocking(move |service| service.picture_copies(&caller, &id))
        .await?;
    Ok(Json(all(list)))
}

/// `GET /v1/pictures/copies/{copy}/file`: the marked file of a copy; every fetch is traced.
#[utoipa::path(get, path = "/v1/pictures/copies/{copy}/file", tag = "exports", params(("copy" = String, Path)),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream"), (status = "4XX", body = Problem)))]
pub(crate) async fn file(
    State(state): State<AppState>,
    Authenticated(caller): Authenticated,
    Path(copy): Path<String>,
) -> Result<Response, ApiError> {
    let file = state.service().picture_file(&caller, &copy).await?;
    Ok(download(file))
}

/// A picture's file as a browser saves it.
pub(crate) fn download(file: inner::PictureFile) -> Response {
    let mut response = file.bytes.into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(file.media_type),
    );
    // The name is made of an id, hence of letters and digits.
    let name = format!("attachment; filename=\"{}\"", file.file_name);
    if let Ok(name) = HeaderValue::from_str(&name) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    response
}

/// The routes that answer soon.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(delete))
        .routes(routes!(copies))
}

/// The routes that take as long as the picture is large.
pub(crate) fn stream_routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(add))
        .routes(routes!(issue))
        .routes(routes!(file))
}

impl From<inner::PictureView> for Picture {
    fn from(view: inner::PictureView) -> Self {
        Self {
            id: view.id,
            name: view.name,
            sha256: view.sha256,
            width: view.width,
            height: view.height,
            format: view.format,
            of_person: view.of_person,
            copies: view.copies,
            added: Time(view.added),
            by: view.by,
        }
    }
}

impl From<PictureCopyAsk> for inner::PictureCopyRequest {
    fn from(ask: PictureCopyAsk) -> Self {
        Self {
            recipient: ask.recipient,
            purpose: ask.purpose,
            visible: ask.visible,
        }
    }
}

impl From<inner::PictureCopyView> for PictureCopy {
    fn from(view: inner::PictureCopyView) -> Self {
        Self {
            id: view.id,
            picture: view.picture,
            request: PictureCopyAsk {
                recipient: view.request.recipient,
                purpose: view.request.purpose,
                visible: view.request.visible,
            },
            psnr: view.psnr,
            blind: view.blind,
            by: view.by,
            issued: Time(view.issued),
            receipt: view.receipt.into(),
        }
    }
}
