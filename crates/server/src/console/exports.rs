//! Exports: asked for with a recipient, purpose and end; decided by a second person who sees what a leak of the file would show; then downloaded.

use axum::Router;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use liuhen_service::{
    CollectionView, ExportRequest, ExportState, ExportView, PowerView, PurposeView, Role,
};
use maud::{Markup, html};

use super::look;
use super::offer;
use super::request::{Answer, Desk, Page, Pairs, Posted, go, refusal};
use crate::api::exports::download;
use crate::extract::Path;
use crate::state::AppState;
use crate::ui::form::{Input, Select, area, checks, csrf};
use crate::ui::i18n::Phrase;
use crate::ui::table::{Set, Table};
use crate::ui::words::during as w;
use crate::ui::{Ctx, Note, layout, names, time};

/// An export lasts ninety days unless somebody says otherwise in the form.
const DAYS: i64 = 90;

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/exports", get(list).post(ask))
        .route("/exports/{id}", get(show))
        .route("/exports/{id}/decide", post(decide))
        .route("/exports/{id}/file", post(file))
}

struct Choices {
    exports: Vec<ExportView>,
    purposes: Vec<PurposeView>,
    collections: Vec<CollectionView>,
}

async fn list(desk: Desk) -> Page {
    list_page(&desk, &Pairs(Vec::new()), None).await
}

async fn list_page(desk: &Desk, typed: &Pairs, note: Option<&Note>) -> Page {
    let choices = desk
        .ask(|service, caller| {
            Ok(Choices {
                exports: service.exports(caller)?,
                purposes: service.purposes(),
                collections: service.collections(),
            })
        })
        .await?;
    let c = &desk.c;
    let body = html! {
        section.sheet { (export_table(desk, &choices.exports)) }
        @if c.has(&[Role::Exporter]) {
            @if choices.purposes.is_empty() || choices.collections.is_empty() { p.muted { (c.t(w::NOTHING_TO_EXPORT)) } }
            @else { (ask_form(c, &choices, typed)) }
        }
    };
    Ok(layout::page(
        c,
        c.t(w::EXPORTS),
        Some(c.t(w::EXPORTS_LEAD)),
        note,
        &body,
    ))
}

fn export_table(desk: &Desk, exports: &[ExportView]) -> Markup {
    let c = &desk.c;
    let mut table = Table::new(c.t(w::EXPORTS), c.t(w::EXPORT_NONE))
        .column(c.t(w::COL_RECIPIENT), Set::Text)
        .column(c.t(w::PURPOSE), Set::Text)
        .column(c.t(w::COL_ROWS), Set::Number)
        .column(c.t(w::COL_STATE), Set::Tight)
        .column(c.t(w::COL_BY), Set::Text)
        .column(c.t(w::COL_REQUESTED), Set::Tight)
        .column(c.t(w::COL_EXPIRES), Set::Tight);
    for export in exports {
        table.row(vec![
            html! { a href={ "/exports/" (export.id) } { (export.request.recipient) } },
            html! { (desk.purpose(&export.request.purpose)) },
            html! { (names::number(export.rows)) },
            state_tag(c, export.state),
            html! { (export.by_name) },
            time::element(export.requested),
            html! { (time::day(export.request.expires)) },
        ]);
    }
    html! { (table) }
}

fn state_tag(c: &Ctx, state: ExportState) -> Markup {
    let (class, phrase): (&str, Phrase) = match state {
        ExportState::Requested => ("tag warn", w::STATE_REQUESTED),
        ExportState::Approved => ("tag go", w::STATE_APPROVED),
        ExportState::Declined => ("tag bad", w::STATE_DECLINED),
        ExportState::Ready => ("tag ok", w::STATE_READY),
        ExportState::Failed => ("tag bad", w::STATE_FAILED),
        ExportState::Withdrawn => ("tag bad", w::STATE_WITHDRAWN),
    };
    html! { span class=(class) { (c.t(phrase)) } }
}

fn pairs(rows: &[(&str, &str)]) -> Vec<(String, String)> {
    rows.iter()
        .map(|(value, text)| ((*value).to_owned(), (*text).to_owned()))
        .collect()
}

fn ask_form(c: &Ctx, choices: &Choices, typed: &Pairs) -> Markup {
    let purposes = offer::purposes(c, &choices.purposes);
    let collections = offer::collections(&choices.collections);
    let chosen = typed.all("field");
    let fields = offer::fields(c, &choices.collections, |name| {
        chosen.iter().any(|one| one == name)
    });
    let later = time::day(jiff::Timestamp::now().as_millisecond() + DAYS * 86_400_000);
    html! {
        form.sheet method="post" action="/exports" {
            h2 { (c.t(w::EXPORT_NEW)) }
            (csrf(c))
            div.grid2 {
                (Input::text("recipient", c.t(w::RECIPIENT)).value(typed.get("recipient")).hint(c.t(w::RECIPIENT_HINT)).required())
                (Select::new("purpose", c.t(w::PURPOSE), &purposes).chosen(typed.get("purpose")))
                (Select::new("collection", c.t(w::COLLECTION), &collections).chosen(typed.get("collection")))
                (Input::text("limit", c.t(w::LIMIT)).kind("number").value(typed.get("limit")).hint(c.t(w::LIMIT_HINT)))
                (Select::new("format", c.t(w::FORMAT), &pairs(&[("csv", "CSV"), ("tsv", "TSV"), ("jsonl", "JSON Lines"), ("parquet", "Parquet"), ("xlsx", "XLSX"), ("pdf", "PDF")])).chosen(typed.get("format")))
                (Select::new("encoding", c.t(w::ENCODING), &pairs(&[("utf-8", "UTF-8"), ("gbk", "GBK")])).chosen(typed.get("encoding")))
                (Input::text("extra_canaries", c.t(w::EXTRA_CANARIES)).kind("number").value(typed.get("extra_canaries")).hint(c.t(w::EXTRA_CANARIES_HINT)))
                (Input::text("expires", c.t(w::EXPIRES)).kind("date").value(typed.some("expires").unwrap_or(&later)).required())
            }
            (checks("field", c.t(w::COLUMNS), None, &fields))
            (checks("exact", c.t(w::EXACT), Some(c.t(w::EXACT_HINT)), &[("yes".to_owned(), c.t(w::EXACT_YES).to_owned(), typed.get("exact") == "yes")]))
            (area("note", c.t(w::NOTE), typed.get("note"), None, false))
            button type="submit" { (c.t(w::EXPORT_ASK)) }
        }
    }
}

fn request(form: &Pairs) -> Result<ExportRequest, crate::ApiError> {
    let expires = time::end_of_day(form.get("expires"))
        .ok_or_else(|| crate::ApiError::malformed("expires is no date"))?;
    let limit = match form.some("limit") {
        None => None,
        Some(text) => Some(
            text.parse()
                .map_err(|_| crate::ApiError::malformed("the number of rows is no number"))?,
        ),
    };
    let extra_canaries = match form.some("extra_canaries") {
        None => None,
        Some(text) => Some(
            text.parse()
                .map_err(|_| crate::ApiError::malformed("the number of stand-ins is no number"))?,
        ),
    };
    Ok(ExportRequest {
        recipient: form.get("recipient").to_owned(),
        purpose: form.get("purpose").to_owned(),
        collection: form.get("collection").to_owned(),
        fields: form.all("field"),
        limit,
        format: form.get("format").to_owned(),
        // Only CSV comes in another encoding than UTF-8.
        encoding: if form.get("format") == "csv" {
            form.get("encoding").to_owned()
        } else {
            String::new()
        },
        exact: form.get("exact") == "yes",
        extra_canaries,
        expires,
        note: form.get("note").to_owned(),
    })
}

async fn ask(posted: Posted) -> Answer {
    let desk = &posted.desk;
    let asked = match request(&posted.form) {
        Ok(request) => desk
            .state
            .service()
            .request_export(&desk.caller(), request)
            .await
            .map_err(Into::into),
        Err(error) => Err(error),
    };
    match asked {
        Ok(export) => Ok(go(&format!("/exports/{}", export.id))),
        Err(error) => {
            let note = refusal(&desk.c, error)?;
            Ok(list_page(desk, &posted.form, Some(&note))
                .await?
                .into_response())
        }
    }
}

async fn show(desk: Desk, Path(id): Path<String>) -> Page {
    one_page(&desk, id, None).await
}

async fn one_page(desk: &Desk, id: String, note: Option<&Note>) -> Page {
    let export = desk
        .ask(move |service, caller| service.export(caller, &id))
        .await?;
    let c = &desk.c;
    let making = export.state == ExportState::Approved;
    let body = html! {
        p.crumb { a href="/exports" { (c.t(w::EXPORTS)) } }
        section.sheet #export hx-get=[making.then(|| format!("/exports/{}", export.id))] hx-trigger=[making.then_some("every 1s")]
            hx-select=[making.then_some("#export")] hx-swap=[making.then_some("outerHTML")] {
            header { h2 { (export.request.recipient) } (state_tag(c, export.state)) }
            (facts(desk, &export))
            (act(c, &export))
        }
        section.sheet { h2 { (c.t(w::POWER)) } (power(c, &export.power)) }
    };
    Ok(layout::page(
        c,
        &export.request.recipient,
        None,
        note,
        &body,
    ))
}

fn facts(desk: &Desk, export: &ExportView) -> Markup {
    let (c, ask) = (&desk.c, &export.request);
    html! {
        dl.facts {
            dt { (c.t(w::PURPOSE)) } dd { (desk.purpose(&ask.purpose)) }
            dt { (c.t(w::COLLECTION)) } dd { (ask.collection) }
            dt { (c.t(w::COLUMNS)) } dd { (names::fields(c, &ask.fields)) }
            dt { (c.t(w::FORMAT)) } dd { (ask.format.to_uppercase()) @if ask.format == "csv" { " · " (ask.encoding.to_uppercase()) } }
            dt { (c.t(w::COL_ROWS)) } dd {
                (names::number(export.rows))
                @if export.left_out > 0 { " · " (c.f(w::LEFT_OUT, &[("n", &names::number(export.left_out))])) }
            }
            @if matches!(export.state, ExportState::Ready | ExportState::Withdrawn) { dt { (c.t(w::CANARIES)) } dd { (names::number(export.canaries)) } }
            dt { (c.t(w::COL_BY)) } dd { (export.by_name) " · " (time::element(export.requested)) }
            @if let Some(by) = &export.decided_by { dt { (c.t(w::APPROVED_BY)) } dd { (by) } }
            dt { (c.t(w::COL_EXPIRES)) } dd { (time::day(ask.expires)) }
            @if !ask.note.is_empty() { dt { (c.t(w::NOTE)) } dd { (ask.note) } }
        }
    }
}

/// What can be done now: decide, wait, or download.
fn act(c: &Ctx, export: &ExportView) -> Markup {
    html! {
        @match export.state {
            ExportState::Requested if own(c, export) => p.muted { (c.t(w::OWN_REQUEST)) },
            ExportState::Requested if c.has(&[Role::Approver]) => (decide_form(c, export)),
            ExportState::Requested => p.muted { (c.t(w::WAITS)) },
            ExportState::Approved => p aria-live="polite" { (c.t(w::MAKING)) },
            ExportState::Ready => {
                form.inline method="post" action={ "/exports/" (export.id) "/file" } {
                    (csrf(c))
                    button type="submit" { (c.t(w::DOWNLOAD)) }
                    span.hint { (c.t(w::DOWNLOAD_HINT)) }
                }
            }
            ExportState::Failed => (Note::bad(c.t(w::STATE_FAILED)).line(export.error.clone().unwrap_or_default())),
            ExportState::Withdrawn => (Note::bad(c.t(w::STATE_WITHDRAWN)).line(c.t(w::WITHDRAWN_HINT))),
            ExportState::Declined => {}
        }
        @if let Some(receipt) = &export.receipt { (look::receipt(c, receipt)) }
    }
}

/// Whether the member of staff asked for this export himself. The service refuses him anyway; the page says it before he tries.
fn own(c: &Ctx, export: &ExportView) -> bool {
    c.staff
        .as_ref()
        .is_some_and(|staff| export.by == format!("staff:{}", staff.id))
}

fn decide_form(c: &Ctx, export: &ExportView) -> Markup {
    html! {
        form method="post" action={ "/exports/" (export.id) "/decide" } {
            (csrf(c))
            p.hint { (c.t(w::DECIDE_HINT)) }
            div.row {
                button type="submit" name="decision" value="approve" { (c.t(w::APPROVE)) }
                button.plain type="submit" name="decision" value="decline" { (c.t(w::DECLINE)) }
            }
        }
    }
}

fn power(c: &Ctx, power: &PowerView) -> Markup {
    let mut table = Table::new(c.t(w::POWER), c.t(w::POWER_NONE))
        .column(c.t(w::POWER_COLLUDERS), Set::Text)
        .column(c.t(w::POWER_ROWS), Set::Text);
    // More colluders need more rows: after the first number the file does not suffice for, all are alike.
    let enough = power
        .lines
        .iter()
        .take_while(|(_, rows)| rows.is_some())
        .count();
    for (colluders, rows) in power.lines.iter().take(enough + 1) {
        let rows = rows.map_or_else(|| c.t(w::POWER_NO_ROWS).to_owned(), names::number);
        table.row(vec![html! { (colluders) }, html! { (rows) }]);
    }
    let alone = power
        .lines
        .iter()
        .find(|(colluders, _)| *colluders == 1)
        .and_then(|(_, rows)| *rows);
    html! {
        p.muted { (c.t(w::POWER_LEAD)) }
        @match alone {
            Some(rows) => div.note.ok { strong { (c.f(w::POWER_ONE, &[("n", &names::number(rows))])) } },
            None => div.note.warn { strong { (c.t(w::POWER_NONE)) } },
        }
        p.muted.small { (c.f(w::POWER_CARRIES, &[("symbols", &names::number(power.symbols)), ("canaries", &power.canary_slots)])) }
        (table)
        @if let Some(share) = power.canary_share {
            p.small { (c.f(w::POWER_CANARIES, &[("share", &percent(share))])) }
        }
        @if let (1.., Some(share)) = (power.extra_canaries_most, power.canary_share_most) {
            p.small { (c.f(w::POWER_MORE, &[("n", &power.extra_canaries_most), ("share", &percent(share))])) }
        }
        @let advice = c.either(&power.advice_zh, &power.advice_en);
        @if !advice.is_empty() { p { (advice) } }
    }
}

fn percent(share: f64) -> String {
    format!("{:.0}%", share * 100.0)
}

async fn decide(Path(id): Path<String>, posted: Posted) -> Answer {
    let desk = &posted.desk;
    let approve = match posted.form.get("decision") {
        "approve" => true,
        "decline" => false,
        _ => return Err(crate::ApiError::malformed("approve or decline")),
    };
    match desk
        .state
        .service()
        .decide_export(&desk.caller(), &id, approve)
        .await
    {
        Ok(_) => Ok(go(&format!("/exports/{id}"))),
        Err(error) => {
            let note = refusal(&desk.c, error.into())?;
            Ok(one_page(desk, id, Some(&note)).await?.into_response())
        }
    }
}

async fn file(Path(id): Path<String>, posted: Posted) -> Answer {
    let desk = &posted.desk;
    let file = desk
        .state
        .service()
        .export_file(&desk.caller(), &id)
        .await?;
    Ok(download(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_requests_without_a_date_or_with_words_for_numbers() {
        let form = |expires: &str, limit: &str| {
            Pairs(vec![
                ("expires".to_owned(), expires.to_owned()),
                ("limit".to_owned(), limit.to_owned()),
            ])
        };
        assert!(request(&form("", "")).is_err());
        assert!(request(&form("2026-12-31", "many")).is_err());
        assert_eq!(request(&form("2026-12-31", "")).unwrap().limit, None);
        assert_eq!(request(&form("2026-12-31", "20")).unwrap().limit, Some(20));
    }
}
