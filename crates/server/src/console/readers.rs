//! Readers: who looked at how many persons, day by day, on one common scale.

use axum::Router;
use axum::routing::get;
use liuhen_service::{ReaderSeries, Stats};
use maud::{Markup, html};

use super::home::{answered_by_day, short_days};
use super::request::{Desk, Page};
use crate::extract::Query;
use crate::state::AppState;
use crate::ui::layout::quote;
use crate::ui::table::{Set, Table};
use crate::ui::words::{during as w, shell};
use crate::ui::{Ctx, chart, layout, names};

/// The spans offered, in days.
const SPANS: [u32; 3] = [7, 30, 90];

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/readers", get(show))
}

#[derive(serde::Deserialize)]
struct Span {
    days: Option<u32>,
}

async fn show(desk: Desk, Query(query): Query<Span>) -> Page {
    let days = query.days.filter(|days| SPANS.contains(days)).unwrap_or(30);
    let stats = desk
        .ask(move |service, caller| service.stats(caller, days))
        .await?;
    let c = &desk.c;
    let body = html! {
        nav.row aria-label=(c.t(w::FILTER)) {
            @for span in SPANS {
                a href={ "/readers?days=" (span) } aria-current=[(span == days).then_some("true")]
                    class=(if span == days { "tag go" } else { "tag" }) { (c.f(w::READERS_DAYS, &[("n", &span)])) }
            }
        }
        section.sheet { (all_days(c, &stats)) }
        @if stats.readers.is_empty() { p.empty { (c.t(w::READERS_NONE)) } }
        @else { section.sheet { h2 { (c.t(w::READERS)) } (rows(c, &stats)) details { summary.small { (c.t(shell::AS_TABLE)) } (table(c, &stats)) } } }
    };
    Ok(layout::page(
        c,
        c.t(w::READERS),
        Some(c.t(w::READERS_LEAD)),
        None,
        &body,
    ))
}

fn all_days(c: &Ctx, stats: &Stats) -> Markup {
    let (days, answered) = (short_days(stats), answered_by_day(stats));
    chart::Days {
        title: c.t(w::READERS),
        names: (c.t(shell::ANSWERED), c.t(shell::REFUSED)),
        day: c.t(shell::DAY),
        days: &days,
        answered: &answered,
        refused: &stats.refused,
        as_table: c.t(shell::AS_TABLE),
    }
    .figure()
}

fn total(reader: &ReaderSeries) -> u64 {
    reader.counts.iter().sum()
}

fn rows(c: &Ctx, stats: &Stats) -> Markup {
    let top = stats
        .readers
        .iter()
        .flat_map(|reader| reader.counts.iter().copied())
        .max()
        .unwrap_or(0);
    html! {
        div.chartrows {
            @for reader in &stats.readers {
                @let sum = names::number(total(reader));
                div.chartrow {
                    a href={ "/trace?who=" (quote(&reader.who)) } { (reader.name) }
                    div.chart { (chart::small_columns(&c.f(w::READERS_ROW, &[("name", &reader.name), ("n", &sum)]), &stats.days, &reader.counts, top)) }
                    span.end { (sum) }
                }
            }
        }
    }
}

fn table(c: &Ctx, stats: &Stats) -> Markup {
    let mut table = Table::new(c.t(w::READERS_TABLE), c.t(w::READERS_NONE))
        .column(c.t(w::COL_WHO), Set::Text)
        .column(c.t(w::COL_TOTAL), Set::Number)
        .column(c.t(w::COL_PEAK), Set::Number)
        .column(c.t(w::COL_PEAK_DAY), Set::Tight);
    for reader in &stats.readers {
        let peak = reader
            .counts
            .iter()
            .copied()
            .zip(&stats.days)
            .max_by_key(|(count, _)| *count);
        let (most, day) = peak.map_or((0, ""), |(count, day)| (count, day.as_str()));
        table.row(vec![
            html! { (reader.name) " " code.muted { (reader.who) } },
            html! { (names::number(total(reader))) },
            html! { (names::number(most)) },
            html! { (day) },
        ]);
    }
    html! { (table) }
}
