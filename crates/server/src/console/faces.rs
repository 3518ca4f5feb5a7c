//! Faces: of how many persons one is held, for which purposes, and the clock of filing.
//!
//! Shows no face and no person: nothing here could be led back to anybody.

use axum::Router;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use liuhen_service::{FaceFiling, FilingState, PurposeView, Role};
use maud::{Markup, html};

use super::request::{Answer, Desk, Done, Page, Posted, done, go, refusal};
use crate::extract::Query;
use crate::state::AppState;
use crate::ui::form::{Input, csrf};
use crate::ui::table::{Set, Table};
use crate::ui::words::faces as w;
use crate::ui::{Ctx, Note, layout, names, time};

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/faces", get(show))
        .route("/faces/filing", post(note))
}

async fn show(desk: Desk, Query(query): Query<Done>) -> Page {
    let note = done(&desk.c, &query);
    page(&desk, note.as_ref()).await
}

async fn page(desk: &Desk, note: Option<&Note>) -> Page {
    let (filing, purposes) = desk
        .ask(|service, _| Ok((service.face_filing()?, service.purposes())))
        .await?;
    let c = &desk.c;
    let body = html! {
        (clock(c, &filing))
        section.sheet { h2 { (c.t(w::PURPOSES)) } (table(c, &purposes)) }
        section.sheet {
            h2 { (c.t(w::KEPT)) }
            p { (c.t(w::KEPT_HOW)) }
            p.muted { (c.t(w::LIMITS)) }
        }
    };
    Ok(layout::page(
        c,
        c.t(w::FACES),
        Some(c.t(w::FACES_LEAD)),
        note,
        &body,
    ))
}

fn clock(c: &Ctx, filing: &FaceFiling) -> Markup {
    let said = match filing.state {
        FilingState::Below => c.t(w::STATE_BELOW),
        FilingState::Near => c.t(w::STATE_NEAR),
        FilingState::Due => c.t(w::STATE_DUE),
        FilingState::Filed => c.t(w::STATE_FILED),
    };
    let class = match filing.state {
        FilingState::Below => "tag ok",
        FilingState::Near => "tag warn",
        FilingState::Due => "tag bad",
        FilingState::Filed => "tag go",
    };
    html! {
        section.sheet {
            h2 { (c.t(w::CLOCK)) " " span class=(class) { (said) } }
            dl.figures {
                div { dt { (c.t(w::PERSONS)) } dd { (names::number(filing.persons)) } }
                div { dt { (c.t(w::THRESHOLD)) } dd { (names::number(filing.threshold)) } }
                @if let Some(at) = filing.reached { div { dt { (c.t(w::REACHED)) } dd { (time::element(at)) } } }
                @if let Some(due) = &filing.due { div { dt { (c.t(w::DUE)) } dd { time datetime=(due) { (due) } } } }
                @if let Some(reference) = &filing.reference { div { dt { (c.t(w::REFERENCE)) } dd { (reference) } } }
            }
            p.small { (c.t(w::CLOCK_RULE)) }
            @if c.has(&[Role::Admin]) {
                form method="post" action="/faces/filing" {
                    (csrf(c))
                    (Input::text("reference", c.t(w::REFERENCE)).value(filing.reference.as_deref().unwrap_or_default()).hint(c.t(w::REFERENCE_HINT)).required())
                    button.plain type="submit" { (c.t(w::NOTE_FILING)) }
                }
            }
        }
    }
}

fn table(c: &Ctx, purposes: &[PurposeView]) -> Markup {
    let mut table = Table::new(c.t(w::PURPOSES), c.t(w::PURPOSES_NONE))
        .column(c.t(w::PURPOSE), Set::Text)
        .column(c.t(w::ALTERNATIVE), Set::Text);
    for purpose in purposes {
        if let Some(alternative) = &purpose.face_alternative {
            table.row(vec![
                html! { (c.either(&purpose.name_zh, &purpose.name_en)) " " code.muted { (purpose.id) } },
                html! { (alternative) },
            ]);
        }
    }
    html! { (table) }
}

async fn note(posted: Posted) -> Answer {
    let desk = &posted.desk;
    let reference = posted.form.get("reference");
    match desk
        .state
        .service()
        .note_face_filing(&desk.caller(), reference)
        .await
    {
        Ok(()) => Ok(go("/faces?done=1")),
        Err(error) => {
            let note = refusal(&desk.c, error.into())?;
            Ok(page(desk, Some(&note)).await?.into_response())
        }
    }
}
