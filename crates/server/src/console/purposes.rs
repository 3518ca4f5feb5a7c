//! Purposes: why anybody may look, on which basis, at which fields, for how long.

use std::collections::BTreeSet;

use axum::Router;
use axum::response::IntoResponse;
use axum::routing::get;
use liuhen_service::{CollectionView, PurposeView, Role, Surety};
use maud::{Markup, html};

use super::offer;
use super::request::{Answer, Desk, Done, Page, Pairs, Posted, done, go, refusal};
use crate::extract::{Path, Query};
use crate::state::AppState;
use crate::ui::form::{Input, Select, area, checks, csrf, tick};
use crate::ui::table::{Set, Table};
use crate::ui::words::before as w;
use crate::ui::{Ctx, Note, layout, names, time};

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/purposes", get(list).post(save))
        .route("/purposes/{id}", get(edit))
}

async fn load(desk: &Desk) -> Result<(Vec<PurposeView>, Vec<CollectionView>), crate::ApiError> {
    desk.ask(|service, _| Ok((service.purposes(), service.collections())))
        .await
}

async fn list(desk: Desk, Query(query): Query<Done>) -> Page {
    let note = done(&desk.c, &query);
    list_page(&desk, None, note.as_ref()).await
}

async fn list_page(desk: &Desk, draft: Option<PurposeView>, note: Option<&Note>) -> Page {
    let (purposes, collections) = load(desk).await?;
    let c = &desk.c;
    let admin = c.has(&[Role::Admin]);
    let body = html! {
        section.sheet { (purpose_table(c, &purposes, admin)) }
        @if admin { (purpose_form(c, &draft.unwrap_or_else(blank), &collections, false)) }
        @else { p.muted { (c.t(w::ONLY_ADMIN)) } }
    };
    Ok(layout::page(
        c,
        c.t(w::PURPOSES),
        Some(c.t(w::PURPOSES_LEAD)),
        note,
        &body,
    ))
}

fn purpose_table(c: &Ctx, purposes: &[PurposeView], admin: bool) -> Markup {
    let mut table = Table::new(c.t(w::PURPOSES), c.t(w::PURPOSE_NONE))
        .column(c.t(w::PURPOSE_ID), Set::Text)
        .column(c.t(w::BASIS), Set::Text)
        .column(c.t(w::FIELDS), Set::Text)
        .column(c.t(w::RETENTION), Set::Tight)
        .column(c.t(w::VERSION), Set::Number)
        .column(c.t(w::UPDATED), Set::Tight)
        .column(c.t(w::EDIT), Set::Action);
    for purpose in purposes {
        table.row(vec![
            html! {
                strong { (c.either(&purpose.name_zh, &purpose.name_en)) } " "
                @if purpose.marketing { span.tag { (c.t(w::MARKETING_TAG)) } }
                @if let Some(percent) = purpose.decoy_percent { " " span.tag { (c.f(w::DECOYS_TAG, &[("n", &percent)])) } }
                @if purpose.face_alternative.is_some() { " " span.tag.warn { (c.t(w::FACE_TAG)) } }
                div.muted.small.mono { (purpose.id) }
            },
            html! { (c.t(names::basis(purpose.basis))) },
            html! { (names::fields(c, &purpose.fields)) },
            html! { (c.f(w::DAYS, &[("n", &purpose.retention_days)])) },
            html! { (purpose.version) },
            time::element(purpose.updated),
            html! { @if admin { a.button.plain.slim href={ "/purposes/" (purpose.id) } { (c.t(w::EDIT)) } } },
        ]);
    }
    html! { (table) }
}

fn blank() -> PurposeView {
    PurposeView {
        id: String::new(),
        name_zh: String::new(),
        name_en: String::new(),
        basis: 1,
        fields: Vec::new(),
        retention_days: 365,
        notice: String::new(),
        notice_hash: String::new(),
        marketing: false,
        surety: Surety::Durable,
        decoy_percent: None,
        face_alternative: None,
        version: 0,
        updated: 0,
    }
}

fn purpose_form(
    c: &Ctx,
    purpose: &PurposeView,
    collections: &[CollectionView],
    exists: bool,
) -> Markup {
    let ticked = offer::fields(c, collections, |name| {
        purpose.fields.iter().any(|one| one == name)
    });
    let others: Vec<&str> = purpose
        .fields
        .iter()
        .map(String::as_str)
        .filter(|name| ticked.iter().all(|(known, ..)| known != name))
        .collect();
    let bases: Vec<_> = (1..=7_u8)
        .map(|item| (item.to_string(), c.t(names::basis(item)).to_owned()))
        .collect();
    html! {
        form.sheet method="post" action="/purposes" {
            h2 { (c.t(if exists { w::PURPOSE_EDIT } else { w::PURPOSE_NEW })) }
            (csrf(c))
            @if exists { input type="hidden" name="id" value=(purpose.id); p.mono { (purpose.id) } }
            @else { (Input::text("id", c.t(w::PURPOSE_ID)).value(&purpose.id).hint(c.t(w::PURPOSE_ID_HINT)).pattern("[a-z0-9_\\-]+").required()) }
            div.grid2 {
                (Input::text("name_zh", c.t(w::NAME_ZH)).value(&purpose.name_zh).required())
                (Input::text("name_en", c.t(w::NAME_EN)).value(&purpose.name_en).required())
            }
            (Select::new("basis", c.t(w::BASIS), &bases).chosen(&purpose.basis.to_string()))
            @if !ticked.is_empty() { (checks("field", c.t(w::FIELDS), Some(c.t(w::FIELDS_HINT)), &ticked)) }
            (Input::text("fields", c.t(w::FIELDS_MORE)).value(&others.join(" ")).hint(c.t(w::FIELDS_MORE_HINT)))
            (Input::text("retention_days", c.t(w::RETENTION)).kind("number").value(&purpose.retention_days.to_string()).required())
            (area("notice", c.t(w::NOTICE), &purpose.notice, Some(c.t(w::NOTICE_HINT)), false))
            (tick("marketing", c.t(w::MARKETING), purpose.marketing))
            (Select::new("surety", c.t(w::SURETY), &sureties(c)).chosen(surety_name(purpose.surety)).hint(c.t(w::SURETY_HINT)))
            (Input::text("face_alternative", c.t(w::FACE_ALTERNATIVE)).value(purpose.face_alternative.as_deref().unwrap_or_default()).hint(c.t(w::FACE_ALTERNATIVE_HINT)))
            (Select::new("decoys", c.t(w::DECOYS), &decoys(c, purpose.decoy_percent)).chosen(&percent_name(purpose.decoy_percent)).hint(c.t(w::DECOYS_HINT)))
            div.row {
                button type="submit" { (c.t(w::SAVE)) }
                @if exists { a href="/purposes" { (c.t(w::CANCEL)) } }
            }
        }
    }
}

async fn edit(desk: Desk, Path(id): Path<String>) -> Page {
    let (purposes, collections) = load(&desk).await?;
    let c = &desk.c;
    let purpose = purposes
        .iter()
        .find(|purpose| purpose.id == id)
        .ok_or_else(crate::ApiError::not_found)?;
    let body = purpose_form(c, purpose, &collections, true);
    Ok(layout::page(
        c,
        c.either(&purpose.name_zh, &purpose.name_en),
        Some(c.t(w::PURPOSES_LEAD)),
        None,
        &body,
    ))
}

const SURETIES: [Surety; 3] = [Surety::Durable, Surety::Checkpoint, Surety::Witnessed];

fn surety_name(surety: Surety) -> &'static str {
    match surety {
        Surety::Durable => "durable",
        Surety::Checkpoint => "checkpoint",
        Surety::Witnessed => "witnessed",
    }
}

fn sureties(c: &Ctx) -> Vec<(String, String)> {
    let words = [w::SURETY_DURABLE, w::SURETY_CHECKPOINT, w::SURETY_WITNESSED];
    let rows = SURETIES.into_iter().zip(words);
    rows.map(|(surety, word)| (surety_name(surety).to_owned(), c.t(word).to_owned()))
        .collect()
}

/// Chances offered; another one, set through the API, stays on offer.
const DECOYS: [u8; 4] = [5, 10, 25, 50];

fn percent_name(percent: Option<u8>) -> String {
    percent.map_or_else(|| "never".to_owned(), |percent| percent.to_string())
}

fn decoys(c: &Ctx, now: Option<u8>) -> Vec<(String, String)> {
    let mut percents: BTreeSet<u8> = DECOYS.into();
    percents.extend(now);
    let never = (percent_name(None), c.t(w::DECOYS_NEVER).to_owned());
    let chance = |percent: u8| {
        let label = c.f(w::DECOYS_CHANCE, &[("n", &percent)]);
        (percent_name(Some(percent)), label)
    };
    std::iter::once(never)
        .chain(percents.into_iter().map(chance))
        .collect()
}

fn from_form(form: &Pairs) -> PurposeView {
    let mut fields: BTreeSet<String> = form.all("field").into_iter().collect();
    let separators = |c: char| c.is_whitespace() || matches!(c, ',' | '，' | '、' | ';' | '；');
    fields.extend(
        form.get("fields")
            .split(separators)
            .filter(|name| !name.is_empty())
            .map(str::to_owned),
    );
    PurposeView {
        id: form.get("id").to_owned(),
        name_zh: form.get("name_zh").to_owned(),
        name_en: form.get("name_en").to_owned(),
        basis: form.number("basis").unwrap_or(0),
        fields: fields.into_iter().collect(),
        retention_days: form.number("retention_days").unwrap_or(0),
        notice: form.get("notice").to_owned(),
        marketing: form.ticked("marketing"),
        surety: SURETIES
            .into_iter()
            .find(|surety| surety_name(*surety) == form.get("surety"))
            .unwrap_or_default(),
        decoy_percent: form.number("decoys"),
        face_alternative: form.some("face_alternative").map(str::to_owned),
        ..blank()
    }
}

async fn save(posted: Posted) -> Answer {
    let purpose = from_form(&posted.form);
    let desk = &posted.desk;
    match desk
        .state
        .service()
        .put_purpose(&desk.caller(), purpose.clone())
        .await
    {
        Ok(_) => Ok(go("/purposes?done=1")),
        Err(error) => {
            let note = refusal(&desk.c, error.into())?;
            Ok(list_page(desk, Some(purpose), Some(&note))
                .await?
                .into_response())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_ticked_and_typed() {
        let row = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let form = Pairs(vec![
            row("field", "mobile"),
            row("field", "address"),
            row("fields", "note,mobile 、ward"),
            row("basis", "2"),
        ]);
        let purpose = from_form(&form);
        assert_eq!(purpose.fields, ["address", "mobile", "note", "ward"]);
        assert_eq!(purpose.basis, 2);
    }
}
