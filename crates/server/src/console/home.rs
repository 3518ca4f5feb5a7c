//! The overview: the three phases with their counts, the log's head, reads per day, what waits for somebody; and the language switch.

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Redirect};
use axum::routing::get;
use liuhen_service::{
    Alarm, ExportState, ExportView, Health, LeakView, Role, SightingView, Stats, TraceStatus,
};
use maud::{Markup, html};

use super::request::{Answer, Desk, Page};
use super::sightings;
use crate::auth::is_local_path;
use crate::extract::{Path, Query};
use crate::lang::{Lang, remember};
use crate::state::AppState;
use crate::ui::words::{during, shell as w};
use crate::ui::{Ctx, Note, chart, layout, names, time};

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/", get(show))
        .route("/screen.png", get(screen))
        .route("/lang/{lang}", get(language))
}

#[derive(serde::Deserialize)]
struct Back {
    back: Option<String>,
}

async fn language(
    State(state): State<AppState>,
    Path(lang): Path<String>,
    Query(query): Query<Back>,
) -> Answer {
    let _ = state;
    let lang = if lang == "en" { Lang::En } else { Lang::Zh };
    let back = query
        .back
        .filter(|back| is_local_path(back))
        .unwrap_or_else(|| "/".to_owned());
    Ok(([(header::SET_COOKIE, remember(lang))], Redirect::to(&back)).into_response())
}

/// What the overview is made of. What a role may not see is left out rather than refused.
/// The pattern of the viewer's pages today. No cache may keep it, not even the browser's: whoever signs in next would carry it.
async fn screen(desk: Desk) -> Answer {
    let service = desk.state.service();
    let png = service.screen_mark(&desk.caller()).await?;
    Ok(([(header::CONTENT_TYPE, "image/png")], png).into_response())
}

struct Overview {
    health: Health,
    trace: TraceStatus,
    checkpoint: String,
    vkey: String,
    collections: usize,
    purposes: usize,
    imports: usize,
    stats: Option<Stats>,
    exports: Vec<ExportView>,
    leaks: Vec<LeakView>,
    sightings: Vec<SightingView>,
}

async fn show(desk: Desk) -> Page {
    let view = desk
        .ask(|service, caller| {
            Ok(Overview {
                health: service.health()?,
                trace: service.trace_status(),
                checkpoint: service.checkpoint_text(),
                vkey: service.log_vkey(),
                collections: service.collections().len(),
                purposes: service.purposes().len(),
                imports: service
                    .imports(caller)
                    .map(|imports| imports.len())
                    .unwrap_or_default(),
                stats: service.stats(caller, 30).ok(),
                exports: service.exports(caller).unwrap_or_default(),
                leaks: service.leaks(caller).unwrap_or_default(),
                sightings: service.sightings(caller).unwrap_or_default(),
            })
        })
        .await?;
    let c = &desk.c;
    let body = html! {
        @if view.collections == 0 && c.has(&[Role::Importer]) {
            div.note { strong { (c.t(w::HOME_EMPTY)) } p { a.button.slim href="/imports" { (c.t(w::HOME_EMPTY_DO)) } } }
        }
        @for alarm in &view.trace.alarms { (Note::bad(alarm_words(c, alarm))) }
        @for seen in view.sightings.iter().filter(|seen| !seen.settled) {
            a href="/sightings" { (Note::bad(sightings::line(c, seen))) }
        }
        (phases(c, &view))
        (reads(c, &view))
        div.grid2 { (pending(c, &view.exports)) (log(c, &view)) }
    };
    Ok(layout::page(
        c,
        c.t(w::HOME),
        Some(c.t(w::HOME_LEAD)),
        None,
        &body,
    ))
}

fn figure(name: &str, value: &Markup) -> Markup {
    html! { div { dt { (name) } dd { (value) } } }
}

fn count(n: u64) -> Markup {
    html! { (names::number(n)) }
}

fn length(n: usize) -> Markup {
    count(u64::try_from(n).unwrap_or(u64::MAX))
}

fn phases(c: &Ctx, view: &Overview) -> Markup {
    let accused = view
        .leaks
        .iter()
        .filter(|leak| leak.accused().next().is_some())
        .count();
    let totals = view.stats.as_ref().map(totals);
    html! {
        div.grid3 {
            section.sheet.phase {
                h2 { (c.t(w::BEFORE)) small { (c.t(w::HOME_BEFORE_SUB)) } }
                dl.figures {
                    (figure(c.t(w::HOME_IMPORTS), &length(view.imports)))
                    (figure(c.t(w::HOME_COLLECTIONS), &length(view.collections)))
                    (figure(c.t(w::HOME_PURPOSES), &length(view.purposes)))
                }
            }
            section.sheet.phase {
                h2 { (c.t(w::DURING)) small { (c.t(w::HOME_DURING_SUB)) } }
                dl.figures {
                    @if let Some((answered, refused)) = totals {
                        (figure(c.t(w::HOME_READS), &count(answered)))
                        (figure(c.t(w::HOME_REFUSED), &count(refused)))
                    }
                    (figure(c.t(w::HOME_OPEN_EXPORTS), &length(open(&view.exports).count())))
                }
            }
            section.sheet.phase {
                h2 { (c.t(w::AFTER)) small { (c.t(w::HOME_AFTER_SUB)) } }
                dl.figures {
                    (figure(c.t(w::HOME_LEAKS), &length(view.leaks.len())))
                    (figure(c.t(w::HOME_ACCUSED), &length(accused)))
                    (figure(c.t(w::HOME_LOG), &html! { (names::number(view.health.log_size)) " " (c.t(w::HOME_ENTRIES)) }))
                }
            }
        }
    }
}

fn totals(stats: &Stats) -> (u64, u64) {
    (
        answered_by_day(stats).iter().sum(),
        stats.refused.iter().sum(),
    )
}

/// The readers' counts added up, day by day.
pub(super) fn answered_by_day(stats: &Stats) -> Vec<u64> {
    (0..stats.days.len())
        .map(|day| {
            stats
                .readers
                .iter()
                .filter_map(|reader| reader.counts.get(day))
                .sum()
        })
        .collect()
}

/// Days without their year: a month's chart has no room for it.
pub(super) fn short_days(stats: &Stats) -> Vec<String> {
    stats
        .days
        .iter()
        .map(|day| day.get(5..).unwrap_or(day).to_owned())
        .collect()
}

fn reads(c: &Ctx, view: &Overview) -> Markup {
    let Some(stats) = &view.stats else {
        return html! {};
    };
    let (days, answered) = (short_days(stats), answered_by_day(stats));
    let figure = chart::Days {
        title: c.t(w::HOME_CHART),
        names: (c.t(w::ANSWERED), c.t(w::REFUSED)),
        day: c.t(w::DAY),
        days: &days,
        answered: &answered,
        refused: &stats.refused,
        as_table: c.t(w::AS_TABLE),
    };
    html! {
        section.sheet {
            header { h2 { (c.t(w::HOME_CHART)) } a.small href="/readers" { (c.t(w::NAV_READERS)) } }
            (figure.figure())
        }
    }
}

fn open(exports: &[ExportView]) -> impl Iterator<Item = &ExportView> {
    exports
        .iter()
        .filter(|export| export.state == ExportState::Requested)
}

fn pending(c: &Ctx, exports: &[ExportView]) -> Markup {
    html! {
        section.sheet {
            header { h2 { (c.t(w::HOME_PENDING)) } }
            @if open(exports).next().is_none() { p.empty { (c.t(w::HOME_PENDING_NONE)) } }
            @for export in open(exports) {
                div.row {
                    a href={ "/exports/" (export.id) } { (export.request.recipient) }
                    span.muted.small { (names::number(export.rows)) " " (c.t(during::ROWS)) " · " (export.by_name) " · " (time::element(export.requested)) }
                }
            }
        }
    }
}

/// Who confirms the log, and how far.
fn witnesses(c: &Ctx, trace: &TraceStatus) -> Markup {
    html! {
        @if let Some(cosigned) = trace.cosigned {
            p { (c.f(w::HOME_COSIGNED, &[("size", &names::number(cosigned))])) }
            ul.small {
                @for witness in &trace.witnesses {
                    li {
                        (witness.name) " · " (names::number(witness.size)) " " (c.t(w::HOME_ENTRIES))
                        @if let Some(at) = witness.cosigned_at { " · " (time::element(at)) }
                        @if let Some(trouble) = &witness.trouble { " · " span.tag.bad { (trouble) } }
                    }
                }
            }
        } @else {
            p.muted.small { (c.t(w::HOME_NO_WITNESSES)) }
        }
        p.small { (c.f(w::HOME_MAP, &[("labels", &names::number(trace.map.labels)), ("size", &names::number(trace.map.size))])) }
    }
}

fn alarm_words(c: &Ctx, alarm: &Alarm) -> String {
    let since = |seconds: &Option<u64>| match seconds {
        Some(seconds) => c.f(w::ALARM_SINCE, &[("seconds", seconds)]),
        None => c.t(w::ALARM_NEVER).to_owned(),
    };
    match alarm {
        Alarm::Stopped => c.t(w::HOME_TRACE_BAD).to_owned(),
        Alarm::Witness { name, seconds } => c.f(
            w::ALARM_WITNESS,
            &[("name", name), ("since", &since(seconds))],
        ),
        Alarm::Quorum { seconds } => c.f(w::ALARM_QUORUM, &[("since", &since(seconds))]),
        Alarm::Map { .. } => c.t(w::ALARM_MAP).to_owned(),
    }
}

fn log(c: &Ctx, view: &Overview) -> Markup {
    let root = view.checkpoint.lines().nth(2).unwrap_or_default();
    html! {
        section.sheet {
            header {
                h2 { (c.t(w::HOME_CHECKPOINT)) }
                @if view.health.ok { span.tag.ok { (c.t(w::HOME_TRACE_OK)) } }
                @else { span.tag.bad { (c.t(w::HOME_TRACE_BAD)) } }
            }
            p { strong { (names::number(view.health.checkpoint_size)) } " " (c.t(w::HOME_ENTRIES)) " · " code { (root) } }
            (witnesses(c, &view.trace))
            details { summary.small { (c.t(w::HOME_CHECKPOINT_RAW)) } pre { (view.checkpoint) } }
            details { summary.small { (c.t(w::HOME_VKEY)) } pre { (view.vkey) } }
        }
    }
}
