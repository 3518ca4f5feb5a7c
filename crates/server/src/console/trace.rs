//! The live trace: the newest events, refreshed while one watches, and one event with its proof.

use axum::Router;
use axum::routing::get;
use liuhen_kinds::{Kind, RulePack};
use liuhen_service::{Action, EventQuery, EventView, ProofView};
use maud::{Markup, html};

use super::request::{Desk, Page};
use crate::extract::{Path, Query};
use crate::state::AppState;
use crate::ui::form::Select;
use crate::ui::layout::quote;
use crate::ui::table::{Set, Table};
use crate::ui::words::during as w;
use crate::ui::{Ctx, layout, names, time};

/// Events on one page.
const PAGE: usize = 50;

/// The actions offered as filters, most asked first.
const FILTERS: [Action; 11] = [
    Action::Read,
    Action::Export,
    Action::ExportDownload,
    Action::Import,
    Action::Policy,
    Action::Purpose,
    Action::Consent,
    Action::Erasure,
    Action::Leak,
    Action::Sighting,
    Action::SignIn,
];

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/trace", get(show))
        .route("/trace/rows", get(rows))
        .route("/trace/{index}", get(entry))
}

#[derive(Debug, Clone, Default, serde::Deserialize)]
struct Watch {
    #[serde(default)]
    action: String,
    #[serde(default)]
    who: String,
    before: Option<u64>,
    pause: Option<String>,
}

impl Watch {
    fn query(&self) -> EventQuery {
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        EventQuery {
            before: self.before,
            limit: PAGE,
            action: some(&self.action),
            who: some(&self.who),
            subject: None,
        }
    }

    /// The filters as an address's query, to which more may be added.
    fn filters(&self) -> String {
        format!("action={}&who={}", quote(&self.action), quote(&self.who))
    }
}

async fn load(desk: &Desk, watch: &Watch) -> Result<Vec<EventView>, crate::ApiError> {
    let query = watch.query();
    desk.ask(move |service, caller| service.events(caller, &query))
        .await
}

async fn show(desk: Desk, Query(watch): Query<Watch>) -> Page {
    let events = load(&desk, &watch).await?;
    let c = &desk.c;
    let live = watch.before.is_none() && watch.pause.is_none();
    let refresh = live.then(|| format!("/trace/rows?{}", watch.filters()));
    let body = html! {
        (filter(c, &watch))
        section.sheet {
            div.row {
                @if live { a href={ "/trace?pause=1&" (watch.filters()) } { (c.t(w::PAUSE)) } }
                @else { a href={ "/trace?" (watch.filters()) } { (c.t(if watch.before.is_some() { w::NEWEST } else { w::RESUME })) } }
            }
            div #rows hx-get=[refresh] hx-trigger=[live.then_some("every 2s")] { (event_table(&desk, &events)) }
            @if events.len() == PAGE {
                @if let Some(last) = events.last() {
                    a href={ "/trace?before=" (last.index) "&" (watch.filters()) } { (c.t(w::OLDER)) " →" }
                }
            }
        }
    };
    Ok(layout::page(
        c,
        c.t(w::TRACE),
        Some(c.t(w::TRACE_LEAD)),
        None,
        &body,
    ))
}

async fn rows(desk: Desk, Query(watch): Query<Watch>) -> Page {
    let events = load(&desk, &watch).await?;
    Ok(event_table(&desk, &events))
}

fn filter(c: &Ctx, watch: &Watch) -> Markup {
    let mut actions = vec![(String::new(), c.t(w::EVERYTHING).to_owned())];
    actions.extend(FILTERS.map(|action| {
        (
            action.name().to_owned(),
            c.t(names::action(action)).to_owned(),
        )
    }));
    html! {
        form.inline method="get" action="/trace" {
            (Select::new("action", c.t(w::COL_ACTION), &actions).chosen(&watch.action).bare())
            @if !watch.who.is_empty() { input type="hidden" name="who" value=(watch.who); span.tag { (watch.who) } }
            button.plain.slim type="submit" { (c.t(w::FILTER)) }
        }
    }
}

fn event_table(desk: &Desk, events: &[EventView]) -> Markup {
    let c = &desk.c;
    let mut table = Table::new(c.t(w::TRACE), c.t(w::TRACE_NONE))
        .column(c.t(w::COL_TIME), Set::Tight)
        .column(c.t(w::COL_WHO), Set::Text)
        .column(c.t(w::COL_ACTION), Set::Tight)
        .column(c.t(w::COL_PURPOSE), Set::Text)
        .column(c.t(w::COL_FIELDS), Set::Text)
        .column(c.t(w::COL_OUTCOME), Set::Tight)
        .column(c.t(w::COL_INDEX), Set::Number);
    for EventView { index, event, .. } in events {
        table.row(vec![
            when(&event.time),
            html! { a href={ "/trace?who=" (quote(&event.who)) } { (names::who(c, event)) } },
            html! { (c.t(names::action(event.action))) },
            html! { @if let Some(purpose) = &event.purpose { (desk.purpose(purpose)) } },
            html! { (names::fields(c, &event.fields)) },
            names::outcome_tag(c, event.outcome),
            html! { a href={ "/trace/" (index) } { (index) } },
        ]);
    }
    html! { (table) }
}

fn when(text: &str) -> Markup {
    html! { time datetime=(text) { (time::parse(text).map_or_else(|| text.to_owned(), time::second)) } }
}

async fn entry(desk: Desk, Path(index): Path<u64>) -> Page {
    let query = EventQuery {
        before: index.checked_add(1),
        limit: 1,
        action: None,
        who: None,
        subject: None,
    };
    let (events, proof) = desk
        .ask(move |service, caller| {
            Ok((service.events(caller, &query)?, service.proof(index).ok()))
        })
        .await?;
    let view = events
        .first()
        .filter(|view| view.index == index)
        .ok_or_else(crate::ApiError::not_found)?;
    let c = &desk.c;
    let body = html! {
        p.crumb { a href="/trace" { (c.t(w::TRACE)) } }
        section.sheet { (facts(&desk, view)) }
        section.sheet {
            h2 { (c.t(w::PROOF)) }
            @match &proof { Some(proof) => (proof_facts(c, proof)), None => p.muted { (c.t(w::PROOF_LATER)) } }
        }
    };
    Ok(layout::page(
        c,
        &c.f(w::ENTRY, &[("n", &index)]),
        Some(c.t(w::ENTRY_LEAD)),
        None,
        &body,
    ))
}

fn facts(desk: &Desk, view: &EventView) -> Markup {
    let (c, event) = (&desk.c, &view.event);
    let optional = [
        (w::SUBJECT, &view.subject),
        (w::DECISION, &event.decision),
        (w::POLICY_VERSION, &event.policies),
    ];
    html! {
        dl.facts {
            dt { (c.t(w::COL_TIME)) } dd { (when(&event.time)) }
            dt { (c.t(w::COL_WHO)) } dd { (names::who(c, event)) " " code { (event.who) } }
            dt { (c.t(w::COL_ACTION)) } dd { (c.t(names::action(event.action))) }
            dt { (c.t(w::COL_OUTCOME)) } dd { (names::outcome_tag(c, event.outcome)) }
            @if !event.fields.is_empty() { dt { (c.t(w::COL_FIELDS)) } dd { (names::fields(c, &event.fields)) } }
            @if let Some(purpose) = &event.purpose { dt { (c.t(w::COL_PURPOSE)) } dd { (desk.purpose(purpose)) " " code { (purpose) } } }
            @for (name, value) in optional { @if let Some(value) = value { dt { (c.t(name)) } dd { code { (value) } } } }
            @for (key, value) in &event.details { dt { (names::detail(c, key)) } dd { (detail(c, key, value)) } }
        }
    }
}

/// A detail's value: the kinds among them have names that people know.
fn detail(c: &Ctx, key: &str, value: &str) -> String {
    match Kind::parse(value) {
        Ok(kind) if key == "kind" => RulePack::builtin().label(kind, c.lang).to_owned(),
        _ => value.to_owned(),
    }
}

fn proof_facts(c: &Ctx, proof: &ProofView) -> Markup {
    html! {
        p.hint { (c.t(w::PROOF_HINT)) }
        dl.facts {
            dt { (c.t(w::LEAF_HASH)) } dd { code { (proof.leaf_hash) } }
            dt { (c.t(w::PATH)) } dd { @for step in &proof.path { div { code { (step) } } } }
            dt { (c.t(w::CHECKPOINT)) } dd { pre { (proof.checkpoint) } }
        }
    }
}
