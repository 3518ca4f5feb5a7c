//! Pictures: taken in once, handed out as copies marked for their recipients.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use liuhen_service::{PictureCopyRequest, PictureCopyView, PictureView, PurposeView, Role};
use maud::{Markup, html};

use super::look;
use super::request::{Answer, Desk, Page, Posted, Sent, go, refusal};
use crate::api::pictures::download;
use crate::error::ApiError;
use crate::extract::Path;
use crate::state::AppState;
use crate::stream;
use crate::ui::form::{Input, Select, csrf};
use crate::ui::table::{Set, Table};
use crate::ui::words::during as w;
use crate::ui::{Ctx, Note, layout, names, time};

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        // A file is larger than a form; the spool has its own limit.
        .route(
            "/pictures",
            get(list).post(add).layer(DefaultBodyLimit::disable()),
        )
        .route("/pictures/{id}", get(show).post(issue))
        .route("/pictures/copies/{copy}/file", post(file))
}

async fn list(desk: Desk) -> Page {
    list_page(&desk, None).await
}

async fn list_page(desk: &Desk, note: Option<&Note>) -> Page {
    let pictures = desk.ask(|service, caller| service.pictures(caller)).await?;
    let c = &desk.c;
    let mut table = Table::new(c.t(w::PICTURES), c.t(w::PICTURE_NONE))
        .column(c.t(w::PICTURE_FILE), Set::Text)
        .column(c.t(w::PICTURE_SIZE), Set::Tight)
        .column(c.t(w::PICTURE_COPIES), Set::Number)
        .column(c.t(w::COL_BY), Set::Text)
        .column(c.t(w::COL_REQUESTED), Set::Tight);
    for picture in &pictures {
        table.row(vec![
            html! { a href={ "/pictures/" (picture.id) } { (picture.name) } },
            html! { (picture.width) " × " (picture.height) },
            html! { (names::number(picture.copies)) },
            html! { (picture.by) },
            time::element(picture.added),
        ]);
    }
    let body = html! {
        @if c.has(&[Role::Importer]) { (add_form(c)) }
        section.sheet { (table) }
    };
    let lead = Some(c.t(w::PICTURES_LEAD));
    Ok(layout::page(c, c.t(w::PICTURES), lead, note, &body))
}

fn add_form(c: &Ctx) -> Markup {
    html! {
        form.sheet method="post" action="/pictures" enctype="multipart/form-data" {
            h2 { (c.t(w::PICTURE_NEW)) }
            (csrf(c))
            (Input::file("file", c.t(w::PICTURE_FILE), ".jpg,.jpeg,.png,.webp,.tif,.tiff").hint(c.t(w::PICTURE_FILE_HINT)))
            button type="submit" { (c.t(w::PICTURE_ADD)) }
        }
    }
}

async fn add(mut sent: Sent) -> Answer {
    match receive(&mut sent).await {
        Ok(picture) => Ok(go(&format!("/pictures/{}", picture.id))),
        Err(error) => {
            let note = refusal(&sent.desk.c, error)?;
            Ok(list_page(&sent.desk, Some(&note)).await?.into_response())
        }
    }
}

async fn receive(sent: &mut Sent) -> Result<PictureView, ApiError> {
    let caller = sent.desk.caller();
    // Asked before the first byte is kept, so that nobody else can fill the disk.
    caller.need(Role::Importer, "bring pictures in")?;
    let (name, field) = Sent::file(&mut sent.form).await?;
    let upload = stream::spool(&sent.desk.state, field).await?;
    let service = sent.desk.state.service();
    Ok(service.add_picture(&caller, upload, &name, None).await?)
}

async fn show(desk: Desk, Path(id): Path<String>) -> Page {
    one_page(&desk, id, None).await
}

async fn one_page(desk: &Desk, id: String, note: Option<&Note>) -> Page {
    let (picture, copies, purposes) = desk
        .ask(move |service, caller| {
            let picture = service.pictures(caller)?.into_iter().find(|p| p.id == id);
            let picture = picture.ok_or(liuhen_service::ServiceError::NotFound("picture"))?;
            let copies = service.picture_copies(caller, &picture.id)?;
            Ok((picture, copies, service.purposes()))
        })
        .await?;
    let c = &desk.c;
    let body = html! {
        p.crumb { a href="/pictures" { (c.t(w::PICTURES)) } }
        @if c.has(&[Role::Exporter]) { (issue_form(c, &picture, &purposes)) }
        section.sheet { (copy_table(desk, &copies)) }
    };
    Ok(layout::page(c, &picture.name, None, note, &body))
}

fn issue_form(c: &Ctx, picture: &PictureView, purposes: &[PurposeView]) -> Markup {
    let purposes: Vec<(String, String)> = purposes
        .iter()
        .map(|p| (p.id.clone(), c.either(&p.name_zh, &p.name_en).to_owned()))
        .collect();
    html! {
        form.sheet method="post" action={ "/pictures/" (picture.id) } {
            h2 { (c.t(w::PICTURE_ISSUE)) }
            (csrf(c))
            (Input::text("recipient", c.t(w::RECIPIENT)).hint(c.t(w::RECIPIENT_HINT)).required())
            (Select::new("purpose", c.t(w::PURPOSE), &purposes))
            (Input::text("visible", c.t(w::PICTURE_WORDS)).hint(c.t(w::PICTURE_WORDS_HINT)))
            button type="submit" { (c.t(w::PICTURE_ISSUE)) }
        }
    }
}

fn copy_table(desk: &Desk, copies: &[PictureCopyView]) -> Markup {
    let c = &desk.c;
    let mut table = Table::new(c.t(w::PICTURE_COPIES), c.t(w::PICTURE_NO_COPIES))
        .column(c.t(w::COL_RECIPIENT), Set::Text)
        .column(c.t(w::PURPOSE), Set::Text)
        .column(c.t(w::PICTURE_WORDS), Set::Text)
        .column(c.t(w::PICTURE_PSNR), Set::Number)
        .column(c.t(w::COL_REQUESTED), Set::Tight)
        .column(c.t(w::DOWNLOAD), Set::Action);
    for copy in copies {
        table.row(vec![
            html! { (copy.request.recipient) (look::receipt(c, &copy.receipt)) },
            html! { (desk.purpose(&copy.request.purpose)) },
            html! { (copy.request.visible.as_deref().unwrap_or("—")) },
            html! { @match copy.psnr {
                Some(psnr) => (format!("{psnr:.1} dB")),
                None => span.tag.warn { (c.t(w::PICTURE_NO_ROOM)) },
            } },
            time::element(copy.issued),
            html! {
                form method="post" action={ "/pictures/copies/" (copy.id) "/file" } {
                    (csrf(c)) button.plain.slim type="submit" { (c.t(w::DOWNLOAD)) }
                }
            },
        ]);
    }
    html! { (table) }
}

async fn issue(Path(id): Path<String>, posted: Posted) -> Answer {
    let (desk, form) = (&posted.desk, &posted.form);
    let request = PictureCopyRequest {
        recipient: form.get("recipient").to_owned(),
        purpose: form.get("purpose").to_owned(),
        visible: form.some("visible").map(str::to_owned),
    };
    let service = desk.state.service();
    let caller = desk.caller();
    match service.issue_picture(&caller, &id, request, None).await {
        Ok(_) => Ok(go(&format!("/pictures/{id}"))),
        Err(error) => {
            let note = refusal(&desk.c, error.into())?;
            Ok(one_page(desk, id, Some(&note)).await?.into_response())
        }
    }
}

async fn file(Path(copy): Path<String>, posted: Posted) -> Answer {
    let desk = &posted.desk;
    let service = desk.state.service();
    let file = service.picture_file(&desk.caller(), &copy).await?;
    Ok(download(file))
}
