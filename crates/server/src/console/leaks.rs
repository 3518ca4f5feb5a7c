//! Leaks: a file that turned up, the evidence against each copy ever issued, and the readers of its persons.
//!
//! Says what the evidence says and no more; "no evidence" is an answer.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::response::IntoResponse;
use axum::routing::get;
use liuhen_service::{AccountView, CopyView, LeakState, LeakView, ReaderRank, Role};
use maud::{Markup, html};

use super::request::{Answer, Desk, Page, Sent, go, refusal};
use crate::api::leaks::pdf;
use crate::error::ApiError;
use crate::extract::Path;
use crate::state::AppState;
use crate::stream;
use crate::ui::form::{Input, Select, csrf};
use crate::ui::table::{Set, Table};
use crate::ui::words::{after as w, shell};
use crate::ui::{Ctx, Note, chart, layout, names, time};

/// Copies drawn; the table has them all.
const DRAWN: usize = 25;

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        // A file is larger than a form; the spool has its own limit.
        .route(
            "/leaks",
            get(list).post(submit).layer(DefaultBodyLimit::disable()),
        )
        .route("/leaks/{id}", get(show))
        .route("/leaks/{id}/report", get(report))
}

async fn list(desk: Desk) -> Page {
    list_page(&desk, None).await
}

async fn list_page(desk: &Desk, note: Option<&Note>) -> Page {
    let leaks = desk.ask(|service, caller| service.leaks(caller)).await?;
    let c = &desk.c;
    let mut table = Table::new(c.t(w::LEAKS), c.t(w::LEAK_NONE))
        .column(c.t(w::COL_FILE), Set::Text)
        .column(c.t(w::COL_VERDICT), Set::Text)
        .column(c.t(w::COL_ROWS), Set::Number)
        .column(c.t(w::COL_BY), Set::Text)
        .column(c.t(w::COL_CREATED), Set::Tight);
    for leak in &leaks {
        table.row(vec![
            html! { a href={ "/leaks/" (leak.id) } { (leak.file_name) } },
            verdict_tag(c, leak),
            html! { (names::number(leak.rows)) },
            html! { (leak.by) },
            time::element(leak.created),
        ]);
    }
    let body = html! { (submit_form(c)) section.sheet { (table) } };
    Ok(layout::page(
        c,
        c.t(w::LEAKS),
        Some(c.t(w::LEAKS_LEAD)),
        note,
        &body,
    ))
}

fn accused(leak: &LeakView) -> usize {
    leak.accused().count()
}

fn verdict_tag(c: &Ctx, leak: &LeakView) -> Markup {
    html! {
        @match leak.state {
            LeakState::Running => span.tag.go { (c.t(w::RUNNING)) },
            LeakState::Failed => span.tag.bad { (c.t(w::FAILED)) },
            LeakState::Done if accused(leak) > 0 => span.tag.bad { (c.f(w::ACCUSED, &[("n", &accused(leak))])) },
            LeakState::Done => span.tag { (c.t(w::NO_EVIDENCE)) },
        }
    }
}

fn submit_form(c: &Ctx) -> Markup {
    let bounds = [
        ("1e-6", w::EPSILON_6),
        ("1e-9", w::EPSILON_9),
        ("1e-3", w::EPSILON_3),
    ]
    .map(|(value, phrase)| (value.to_owned(), c.t(phrase).to_owned()));
    html! {
        form.sheet method="post" action="/leaks" enctype="multipart/form-data" {
            h2 { (c.t(w::LEAK_NEW)) }
            (csrf(c))
            (Select::new("epsilon", c.t(w::EPSILON), &bounds).hint(c.t(w::EPSILON_HINT)))
            (Input::file("file", c.t(w::LEAK_FILE), ".csv,.tsv,.txt,.jsonl,.parquet,.xlsx,.pdf,.jpg,.jpeg,.png,.webp,.tif,.tiff").hint(c.t(w::LEAK_FILE_HINT)))
            button type="submit" { (c.t(w::LEAK_GO)) }
        }
    }
}

async fn submit(mut sent: Sent) -> Answer {
    match receive(&mut sent).await {
        Ok(id) => Ok(go(&format!("/leaks/{id}"))),
        Err(error) => {
            let note = refusal(&sent.desk.c, error)?;
            Ok(list_page(&sent.desk, Some(&note)).await?.into_response())
        }
    }
}

async fn receive(sent: &mut Sent) -> Result<String, ApiError> {
    let caller = sent.desk.caller();
    // Asked before the first byte is kept, so that nobody else can fill the disk.
    caller.need(Role::Investigator, "trace leaks")?;
    let epsilon = epsilon(sent).await?;
    let (name, field) = Sent::file(&mut sent.form).await?;
    let upload = stream::spool(&sent.desk.state, field).await?;
    Ok(sent
        .desk
        .state
        .service()
        .start_leak(&caller, upload, &name, Some(epsilon))
        .await?)
}

/// The bound that was chosen; it stands before the file.
async fn epsilon(sent: &mut Sent) -> Result<f64, ApiError> {
    let wrong = || ApiError::malformed("the form has no bound");
    let field = sent.form.next_field().await.map_err(|_| wrong())?;
    let field = field
        .filter(|field| field.name() == Some("epsilon"))
        .ok_or_else(wrong)?;
    field
        .text()
        .await
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or_else(wrong)
}

async fn show(desk: Desk, Path(id): Path<String>) -> Page {
    let leak = desk
        .ask(move |service, caller| service.leak(caller, &id))
        .await?;
    let c = &desk.c;
    let body = html! {
        p.crumb { a href="/leaks" { (c.t(w::LEAKS)) } }
        (content(&desk, &leak))
    };
    Ok(layout::page(c, &leak.file_name, None, None, &body))
}

/// The report as PDF, in the language of the page.
async fn report(desk: Desk, Path(id): Path<String>) -> Answer {
    let (name, chinese) = (id.clone(), desk.c.lang == crate::Lang::Zh);
    let bytes = desk
        .ask(move |service, caller| service.leak_report(caller, &id, chinese))
        .await?;
    Ok(pdf(&name, bytes))
}

fn content(desk: &Desk, leak: &LeakView) -> Markup {
    let c = &desk.c;
    match leak.state {
        LeakState::Running => html! {
            div #leak.stack hx-get={ "/leaks/" (leak.id) } hx-trigger="every 1s" hx-select="#leak" hx-swap="outerHTML" {
                section.sheet { p aria-live="polite" { (c.t(w::WORKING)) } progress aria-label=(c.t(w::RUNNING)) {} }
            }
        },
        LeakState::Failed => html! {
            div #leak.stack { (Note::bad(c.t(w::LEAK_FAILED)).line(leak.error.clone().unwrap_or_default())) }
        },
        LeakState::Done => html! {
            div #leak.stack {
                (verdict(desk, leak))
                p { a.button.plain href={ "/leaks/" (leak.id) "/report" } { (c.t(w::LEAK_REPORT)) } }
                section.sheet { h2 { (c.t(w::EVIDENCE)) } (evidence(desk, leak)) }
                @if leak.decoys > 0 { section.sheet { h2 { (c.t(w::ACCOUNTS)) } (accounts(c, leak)) } }
                section.sheet { (facts(c, leak)) }
                section.sheet { h2 { (c.t(w::READERS)) } (readers(c, &leak.readers)) }
            }
        },
    }
}

fn verdict(desk: &Desk, leak: &LeakView) -> Markup {
    let c = &desk.c;
    let named: Vec<&CopyView> = leak.accused().collect();
    let accounts: Vec<&AccountView> = leak.accused_accounts().collect();
    let statements = match c.lang {
        crate::Lang::Zh => &leak.statements_zh,
        crate::Lang::En => &leak.statements_en,
    };
    html! {
        @if named.is_empty() && accounts.is_empty() {
            div.note role="status" {
                strong { (c.t(w::NO_EVIDENCE_SAID)) }
                p { (c.t(w::NO_EVIDENCE_MORE)) }
                @if let Some(marks) = leak.symbols_missing { p { (c.f(w::MARKS_NEEDED, &[("n", &names::number(marks))])) } }
            }
        } @else {
            div.note.bad role="status" {
                strong { (c.f(w::ACCUSED, &[("n", &(named.len() + accounts.len()))])) }
                ul { @for copy in named {
                    li { a href={ "/exports/" (copy.export) } { (copy.recipient) } " · " (desk.purpose(&copy.purpose)) }
                } @for account in accounts {
                    li { (c.f(w::ACCUSED_ACCOUNT, &[("name", &account.name), ("who", &account.who)])) }
                } }
            }
        }
        @if !statements.is_empty() {
            section.sheet { h2 { (c.t(w::STATEMENTS)) } ul { @for statement in statements { li { (statement) } } } }
        }
    }
}

/// One decimal: a bar's length tells no more.
fn figure(value: f64) -> String {
    if value.is_finite() {
        format!("{value:.1}")
    } else {
        "—".to_owned()
    }
}

/// A small probability as people write it.
fn probability(value: f64) -> String {
    if value >= 0.001 {
        return format!("{value:.3}");
    }
    let text = format!("{value:.1e}");
    let Some((mantissa, exponent)) = text.split_once('e') else {
        return text;
    };
    let power: String = exponent.chars().map(raised).collect();
    match mantissa {
        "1.0" => format!("10{power}"),
        _ => format!("{mantissa}×10{power}"),
    }
}

/// A digit or minus of an exponent, set high.
fn raised(c: char) -> char {
    const DIGITS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    let digit = c.to_digit(10).and_then(|digit| usize::try_from(digit).ok());
    digit
        .and_then(|digit| DIGITS.get(digit).copied())
        .unwrap_or('⁻')
}

fn evidence(desk: &Desk, leak: &LeakView) -> Markup {
    let c = &desk.c;
    let limit = leak.threshold_ln;
    let mut copies: Vec<&CopyView> = leak.copies.iter().collect();
    copies.sort_by(|a, b| b.ln_e.total_cmp(&a.ln_e));
    let drawn = copies.iter().take(DRAWN);
    let scale = chart::Scale::of(drawn.clone().map(|copy| copy.ln_e), limit);
    let lead = c.f(w::EVIDENCE_LEAD, &[("epsilon", &probability(leak.epsilon))]);
    html! {
        @if copies.is_empty() { p.empty { (c.t(w::NO_EVIDENCE_SAID)) } }
        @else {
            p.muted { (lead) }
            div.legend {
                span { i.k2 {} (c.t(w::LEGEND_ACCUSED)) } span { i.k3 {} (c.t(w::LEGEND_OTHER)) }
                span { i.k4 {} (c.t(w::LEGEND_LIMIT)) " " (figure(limit)) }
            }
            div.chartrows { @for copy in drawn { (bar(c, scale, copy, limit)) } }
            @if copies.len() > DRAWN { p.muted.small { (c.f(w::COPIES_MORE, &[("n", &(copies.len() - DRAWN))])) } }
            details { summary.small { (c.t(shell::AS_TABLE)) } (copy_table(desk, &copies)) }
        }
    }
}

fn bar(c: &Ctx, scale: chart::Scale, copy: &CopyView, limit: f64) -> Markup {
    line(c, scale, &copy.recipient, copy.ln_e, copy.accused, limit)
}

fn line(c: &Ctx, scale: chart::Scale, name: &str, ln_e: f64, accused: bool, limit: f64) -> Markup {
    let title = c.f(
        w::BAR_TITLE,
        &[
            ("recipient", &name),
            ("ln_e", &figure(ln_e)),
            ("limit", &figure(limit)),
        ],
    );
    html! {
        div.chartrow {
            span { (name) " " @if accused { span.tag.bad { (c.t(w::ACCUSED_TAG)) } } }
            div.chart { (scale.bar(&title, ln_e, accused)) }
            span.end { (figure(ln_e)) }
        }
    }
}

fn channel_name(c: &Ctx, name: &str) -> String {
    match name {
        "marks" => c.t(w::CHANNEL_MARKS).to_owned(),
        "canaries" => c.t(w::CHANNEL_CANARIES).to_owned(),
        "picture" => c.t(w::CHANNEL_PICTURE).to_owned(),
        "picture_tile" => c.t(w::CHANNEL_TILE).to_owned(),
        "screen" => c.t(w::CHANNEL_SCREEN).to_owned(),
        other => other.to_owned(),
    }
}

fn copy_table(desk: &Desk, copies: &[&CopyView]) -> Markup {
    let c = &desk.c;
    let mut table = Table::new(c.t(w::EVIDENCE), c.t(w::NO_EVIDENCE_SAID))
        .column(c.t(w::COL_RECIPIENT), Set::Text)
        .column(c.t(w::COL_PURPOSE), Set::Text)
        .column(c.t(w::COL_SHARED), Set::Number)
        .column(c.t(w::COL_LN_E), Set::Number)
        .column(c.t(w::COL_CHANNELS), Set::Text);
    for copy in copies {
        table.row(vec![
            html! { a href={ "/exports/" (copy.export) } { (copy.recipient) } },
            html! { (desk.purpose(&copy.purpose)) },
            html! { (names::number(copy.persons_shared)) },
            html! { (figure(copy.ln_e)) },
            html! { @for channel in &copy.channels {
                div.small { (c.f(w::CHANNEL_LINE, &[("name", &channel_name(c, &channel.name)), ("ln_e", &figure(channel.ln_e))])) }
            } },
        ]);
    }
    html! { (table) }
}

fn facts(c: &Ctx, leak: &LeakView) -> Markup {
    html! {
        dl.facts {
            @for picture in &leak.pictures {
                dt { (c.t(w::FACT_ORIGINAL)) } dd { (picture.name) " " code { (picture.sha256) } }
            }
            dt { (c.t(w::FACT_ROWS)) } dd { (names::number(leak.rows)) }
            @if leak.bad_rows > 0 { dt { (c.t(w::FACT_BAD)) } dd { (names::number(leak.bad_rows)) } }
            dt { (c.t(w::FACT_PERSONS)) } dd { (names::number(leak.persons)) }
            dt { (c.t(w::FACT_CANARIES)) } dd { (names::number(leak.canaries)) }
            @if leak.decoys > 0 { dt { (c.t(w::FACT_DECOYS)) } dd { (names::number(leak.decoys)) } }
            @if leak.accounts_examined > 0 { dt { (c.t(w::FACT_ACCOUNTS)) } dd { (names::number(leak.accounts_examined)) } }
            dt { (c.t(w::FACT_MARKS)) } dd { (names::number(leak.marks)) }
            dt { (c.t(w::FACT_COPIES)) } dd { (names::number(leak.copies_examined)) }
            dt { (c.t(w::FACT_SHA)) } dd { code { (leak.sha256) } }
            dt { (c.t(w::COL_BY)) } dd { (leak.by) " · " (time::element(leak.created)) }
        }
    }
}

/// Accounts as bars and, with their coins, as a table.
fn accounts(c: &Ctx, leak: &LeakView) -> Markup {
    let limit = leak.threshold_ln;
    let drawn = leak.accounts.iter().take(DRAWN);
    let scale = chart::Scale::of(drawn.clone().map(|account| account.ln_e), limit);
    let mut table = Table::new(c.t(w::ACCOUNTS), c.t(w::ACCOUNTS_NONE))
        .column(c.t(w::COL_READER), Set::Text)
        .column(c.t(w::COL_COINS), Set::Number)
        .column(c.t(w::COL_SHOWN), Set::Number)
        .column(c.t(w::COL_EXPECTED), Set::Number)
        .column(c.t(w::COL_LN_E), Set::Number);
    for account in &leak.accounts {
        table.row(vec![
            html! { (account.name) " " code.muted { (account.who) } },
            html! { (names::number(account.coins)) },
            html! { (names::number(account.shown)) },
            html! { (figure(account.expected)) },
            html! { (figure(account.ln_e)) },
        ]);
    }
    html! {
        p.muted { (c.t(w::ACCOUNTS_LEAD)) }
        div.chartrows { @for account in drawn { (line(c, scale, &account.name, account.ln_e, account.accused, limit)) } }
        (table)
    }
}

fn readers(c: &Ctx, readers: &[ReaderRank]) -> Markup {
    let mut table = Table::new(c.t(w::READERS), c.t(w::READERS_NONE))
        .column(c.t(w::COL_RANK), Set::Number)
        .column(c.t(w::COL_READER), Set::Text)
        .column(c.t(w::COL_LEAKED_READ), Set::Number)
        .column(c.t(w::COL_READ), Set::Number)
        .column(c.t(w::COL_EXPECTED), Set::Number)
        .column(c.t(w::COL_P), Set::Number)
        .column(c.t(w::COL_P_WITHIN), Set::Number);
    for (i, reader) in readers.iter().enumerate() {
        table.row(vec![
            html! { (i + 1) },
            html! { (reader.name) " " code.muted { (reader.who) } },
            html! { (names::number(reader.leaked_read)) },
            html! { (names::number(reader.read)) },
            html! { (figure(reader.expected)) },
            html! { (probability(reader.p)) },
            html! { @match reader.p_within { Some(p) => (probability(p)), None => "—" } },
        ]);
    }
    html! { @if !readers.is_empty() { p.muted { (c.t(w::READERS_LEAD)) } } (table) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_evidence() {
        assert_eq!(figure(41.26), "41.3");
        assert_eq!(figure(f64::NEG_INFINITY), "—");
        assert_eq!(probability(0.000_001), "10⁻⁶");
        assert_eq!(probability(0.000_032), "3.2×10⁻⁵");
        assert_eq!(probability(1e-12), "10⁻¹²");
        assert_eq!(probability(0.25), "0.250");
    }
}
