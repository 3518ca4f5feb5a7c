//! Canaries seen outside: the alerts, and a form to compare numbers from a listing, a call or a message.
//!
//! Names the exports that carried a canary; accuses one only when the evidence reaches the threshold.

use axum::Router;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use liuhen_service::{SightingAnswer, SightingReport, SightingView};
use maud::{Markup, html};

use super::request::{Answer, Desk, Done, Page, Posted, done, go, refusal};
use crate::extract::{Path, Query};
use crate::state::AppState;
use crate::ui::form::{Input, area, csrf};
use crate::ui::table::{Set, Table};
use crate::ui::words::after as w;
use crate::ui::{Ctx, Note, layout, names, time};

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/sightings", get(list).post(report))
        .route("/sightings/{id}/settle", post(settle))
}

/// What an alert says in one line.
pub(super) fn line(c: &Ctx, view: &SightingView) -> String {
    let n = view.carriers.len();
    match view.accounts.len() {
        0 => c.f(w::SIGHTING_ALERT, &[("place", &view.place), ("n", &n)]),
        m => {
            let told: [(&str, &dyn std::fmt::Display); 3] =
                [("place", &view.place), ("n", &n), ("m", &m)];
            c.f(w::SIGHTING_ALERT_SHOWN, &told)
        }
    }
}

async fn list(desk: Desk, Query(query): Query<Done>) -> Page {
    let note = done(&desk.c, &query);
    list_page(&desk, note.as_ref()).await
}

async fn list_page(desk: &Desk, note: Option<&Note>) -> Page {
    let alerts = desk
        .ask(|service, caller| service.sightings(caller))
        .await?;
    let c = &desk.c;
    let body = html! { (form(c)) section.sheet { (table(c, &alerts)) } };
    let lead = Some(c.t(w::SIGHTINGS_LEAD));
    Ok(layout::page(c, c.t(w::SIGHTINGS), lead, note, &body))
}

fn form(c: &Ctx) -> Markup {
    html! {
        form.sheet method="post" action="/sightings" {
            (csrf(c))
            (Input::text("place", c.t(w::SIGHTING_PLACE)).hint(c.t(w::SIGHTING_PLACE_HINT)).required())
            (area("values", c.t(w::SIGHTING_VALUES), "", None, true))
            button type="submit" { (c.t(w::SIGHTING_GO)) }
        }
    }
}

fn table(c: &Ctx, alerts: &[SightingView]) -> Markup {
    let mut table = Table::new(c.t(w::SIGHTINGS), c.t(w::SIGHTINGS_EMPTY))
        .column(c.t(w::SIGHTING_PLACE), Set::Text)
        .column(c.t(w::COL_CANARIES), Set::Number)
        .column(c.t(w::COL_CARRIERS), Set::Text)
        .column(c.t(w::COL_CREATED), Set::Tight)
        .column(c.t(w::SIGHTING_SETTLE), Set::Action);
    for view in alerts {
        table.row(vec![
            html! { (view.place) div.muted.small { (view.by) } },
            html! { (names::number(view.canaries.len() as u64)) },
            carriers(c, view),
            time::element(view.seen),
            html! {
                @if view.settled { span.tag.ok { (c.t(w::SIGHTING_SETTLE)) } }
                @else {
                    form method="post" action={ "/sightings/" (view.id) "/settle" } {
                        (csrf(c)) button.plain.slim type="submit" { (c.t(w::SIGHTING_SETTLE)) }
                    }
                }
            },
        ]);
    }
    html! { (table) }
}

fn carriers(c: &Ctx, view: &SightingView) -> Markup {
    html! {
        @for carrier in &view.carriers {
            div {
                a href={ "/exports/" (carrier.export) } { (carrier.recipient) }
                " " (carrier.carried) "/" (view.canaries.len())
                @if carrier.accused { " " span.tag.bad { (c.t(w::ACCUSED_TAG)) } }
            }
        }
        @if !view.accounts.is_empty() { div.muted.small { (c.t(w::SIGHTING_ACCOUNTS)) } }
        @for account in &view.accounts {
            div {
                (account.name) " " code.muted { (account.who) } " " (account.shown) "/" (account.coins)
                @if account.accused { " " span.tag.bad { (c.t(w::ACCUSED_TAG)) } }
            }
        }
    }
}

async fn report(posted: Posted) -> Answer {
    let (desk, form) = (&posted.desk, &posted.form);
    let report = SightingReport {
        place: form.get("place").to_owned(),
        values: form
            .get("values")
            .lines()
            .map(str::trim)
            .filter(|value| !value.is_empty())
            .map(str::to_owned)
            .collect(),
    };
    let service = desk.state.service();
    let note = match service.report_sighting(&desk.caller(), &report).await {
        Ok(answer) => outcome(&desk.c, &answer),
        Err(error) => refusal(&desk.c, error.into())?,
    };
    Ok(list_page(desk, Some(&note)).await?.into_response())
}

fn outcome(c: &Ctx, answer: &SightingAnswer) -> Note {
    match &answer.alert {
        Some(alert) => Note::bad(c.t(w::SIGHTING_FOUND)).line(line(c, alert)),
        None => Note::good(c.f(w::SIGHTING_NONE, &[("n", &answer.compared)])),
    }
}

async fn settle(Path(id): Path<String>, posted: Posted) -> Answer {
    let desk = &posted.desk;
    let service = desk.state.service();
    service.settle_sighting(&desk.caller(), &id).await?;
    Ok(go("/sightings?done=1"))
}
