//! Imports: the list, the upload, one import's progress, its problems and tokens.
//!
//! Confirming the columns is [`super::preview`]; bytes go straight to the service's encrypted spool.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use liuhen_service::{ImportState, ImportStatus, ProblemView, Role};
use maud::{Markup, html};

use super::preview;
use super::request::{Answer, Desk, Page, Posted, Sent, go, refusal};
use crate::error::ApiError;
use crate::extract::{Path, Query};
use crate::state::AppState;
use crate::stream;
use crate::ui::form::{Input, csrf};
use crate::ui::i18n::Phrase;
use crate::ui::table::{Set, Table};
use crate::ui::words::before as w;
use crate::ui::{Ctx, Note, layout, names, time};

/// Rows of problems or tokens on one page.
const PAGE: usize = 100;

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        // A file is larger than a form; the spool has its own limit.
        .route(
            "/imports",
            get(list).post(upload).layer(DefaultBodyLimit::disable()),
        )
        .route("/imports/{id}", get(show))
        .route("/imports/{id}/progress", get(progress))
        .route("/imports/{id}/start", post(preview::start))
        .route("/imports/{id}/discard", post(discard))
}

async fn list(desk: Desk) -> Page {
    list_page(&desk, None).await
}

async fn list_page(desk: &Desk, note: Option<Note>) -> Page {
    let imports = desk.ask(|service, caller| service.imports(caller)).await?;
    let c = &desk.c;
    let mut table = Table::new(c.t(w::IMPORT_LIST), c.t(w::IMPORT_NONE))
        .column(c.t(w::COL_FILE), Set::Text)
        .column(c.t(w::COL_COLLECTION), Set::Text)
        .column(c.t(w::COL_STATE), Set::Tight)
        .column(c.t(w::COL_ROWS), Set::Number)
        .column(c.t(w::COL_BAD), Set::Number)
        .column(c.t(w::COL_BY), Set::Text)
        .column(c.t(w::COL_STARTED), Set::Tight);
    for import in &imports {
        table.row(vec![
            html! { a href={ "/imports/" (import.id) } { (import.file_name) } },
            html! { (import.collection) },
            state_tag(c, import.state),
            html! { (names::number(import.counts.rows)) },
            html! { (names::number(import.counts.bad)) },
            html! { (import.by) },
            time::element(import.started),
        ]);
    }
    let body = html! {
        section.sheet {
            h2 { (c.t(w::UPLOAD)) }
            form method="post" action="/imports" enctype="multipart/form-data" {
                (csrf(c))
                (Input::file("file", c.t(w::UPLOAD_FILE), ".csv,.tsv,.txt,.jsonl,.parquet,.xlsx").hint(c.t(w::UPLOAD_HINT)))
                button type="submit" { (c.t(w::UPLOAD_GO)) }
            }
        }
        section.sheet { h2 { (c.t(w::IMPORT_LIST)) } (table) }
    };
    Ok(layout::page(
        c,
        c.t(w::IMPORTS),
        Some(c.t(w::IMPORTS_LEAD)),
        note.as_ref(),
        &body,
    ))
}

async fn upload(mut sent: Sent) -> Answer {
    let result = receive(&mut sent).await;
    match result {
        Ok(id) => Ok(go(&format!("/imports/{id}"))),
        Err(error) => {
            let note = refusal(&sent.desk.c, error)?;
            Ok(list_page(&sent.desk, Some(note)).await?.into_response())
        }
    }
}

async fn receive(sent: &mut Sent) -> Result<String, ApiError> {
    let caller = sent.desk.caller();
    // Asked before the first byte is kept, so that nobody else can fill the disk.
    caller.need(Role::Importer, "import")?;
    let (name, field) = Sent::file(&mut sent.form).await?;
    let upload = stream::spool(&sent.desk.state, field).await?;
    sent.desk
        .state
        .blocking(move |_| upload.finish_import(&caller, &name))
        .await
}

pub(super) fn state_tag(c: &Ctx, state: ImportState) -> Markup {
    let (class, phrase): (&str, Phrase) = match state {
        ImportState::Uploaded => ("tag warn", w::STATE_UPLOADED),
        ImportState::Running => ("tag go", w::STATE_RUNNING),
        ImportState::Done => ("tag ok", w::STATE_DONE),
        ImportState::Failed => ("tag bad", w::STATE_FAILED),
    };
    html! { span class=(class) { (c.t(phrase)) } }
}

/// Where in the lists of problems and tokens, and how to read the file while it waits.
#[derive(Debug, Default, serde::Deserialize)]
pub(super) struct ShowQuery {
    pub(super) problems: Option<u64>,
    pub(super) tokens: Option<u64>,
    pub(super) sheet: Option<String>,
    pub(super) header: Option<String>,
}

async fn show(desk: Desk, Path(id): Path<String>, Query(query): Query<ShowQuery>) -> Page {
    let asked = id.clone();
    let status = desk
        .ask(move |service, caller| service.import_status(caller, &asked))
        .await?;
    match status.state {
        ImportState::Uploaded => preview::page(&desk, &id, &query, None).await,
        _ => shown(&desk, &status, &query).await,
    }
}

async fn shown(desk: &Desk, status: &ImportStatus, query: &ShowQuery) -> Page {
    let c = &desk.c;
    let (id, from, tokens_from) = (
        status.id.clone(),
        query.problems.unwrap_or(0),
        query.tokens.unwrap_or(0),
    );
    let settled = status.state != ImportState::Running;
    let (problems, tokens) = desk
        .ask(move |service, caller| {
            if !settled {
                return Ok((Vec::new(), Vec::new()));
            }
            Ok((
                service.import_problems(caller, &id, from, PAGE)?,
                service.import_tokens(caller, &id, tokens_from, PAGE)?,
            ))
        })
        .await?;
    let body = html! {
        p.crumb { a href="/imports" { (c.t(w::IMPORTS)) } " / " (status.collection) }
        (progress_part(c, status))
        @if settled {
            (problems_part(c, status, &problems))
            (tokens_part(c, status, &tokens))
        }
    };
    Ok(layout::page(c, &status.file_name, None, None, &body))
}

async fn progress(desk: Desk, Path(id): Path<String>) -> Answer {
    let status = desk
        .ask(move |service, caller| service.import_status(caller, &id))
        .await?;
    if status.state != ImportState::Running {
        // The whole page has more to show now.
        return Ok([("hx-refresh", "true")].into_response());
    }
    Ok(progress_part(&desk.c, &status).into_response())
}

fn progress_part(c: &Ctx, status: &ImportStatus) -> Markup {
    let running = status.state == ImportState::Running;
    let refresh = running.then(|| format!("/imports/{}/progress", status.id));
    let said = c.f(
        w::PROGRESS_OF,
        &[
            ("done", &names::bytes(status.bytes_done)),
            ("total", &names::bytes(status.bytes_total)),
        ],
    );
    html! {
        section.sheet #progress hx-get=[refresh] hx-trigger=[running.then_some("every 1s")] hx-swap=[running.then_some("outerHTML")] {
            header { h2 { @if running { (c.t(w::PROGRESS)) } @else { (c.t(w::RESULT)) } } (state_tag(c, status.state)) }
            @if running {
                progress max=(status.bytes_total.max(1)) value=(status.bytes_done) aria-label=(c.t(w::PROGRESS)) {}
                p.muted.small aria-live="polite" { (said) }
            }
            @if let Some(error) = &status.error { (Note::bad(c.t(w::IMPORT_FAILED)).line(error).line(c.t(w::IMPORT_FAILED_HINT))) }
            dl.figures { @for (name, count) in figures(c, status) { div { dt { (name) } dd { (names::number(count)) } } } }
            @if let Some(ended) = status.ended { p.muted.small { (time::element(status.started)) " – " (time::element(ended)) " · " (status.by) } }
        }
    }
}

fn figures(c: &Ctx, status: &ImportStatus) -> [(&'static str, u64); 6] {
    let counts = &status.counts;
    [
        (c.t(w::COL_ROWS), counts.rows),
        (c.t(w::CREATED), counts.created),
        (c.t(w::CHANGED), counts.changed),
        (c.t(w::UNCHANGED), counts.unchanged),
        (c.t(w::BLANK), counts.blank),
        (c.t(w::COL_BAD), counts.bad),
    ]
}

fn problems_part(c: &Ctx, status: &ImportStatus, problems: &[ProblemView]) -> Markup {
    html! {
        section.sheet {
            header { h2 { (c.t(w::PROBLEMS)) } }
            @if status.counts.bad > 0 { p.muted { (c.t(w::PROBLEMS_LEAD)) } }
            (problem_table(c, problems))
            @if problems.len() == PAGE {
                @if let Some(last) = problems.last() {
                    a href={ "/imports/" (status.id) "?problems=" (last.row + 1) } { (c.t(w::MORE)) " →" }
                }
            }
        }
    }
}

/// Problems of a file: place and reason.
pub(super) fn problem_table(c: &Ctx, problems: &[ProblemView]) -> Markup {
    let mut table = Table::new(c.t(w::PROBLEMS), c.t(w::PROBLEMS_NONE))
        .column(c.t(w::COL_FILE), Set::Text)
        .column(c.t(w::ROW), Set::Number)
        .column(c.t(w::COLUMN), Set::Text)
        .column(c.t(w::REASON), Set::Text);
    for problem in problems {
        let column = problem
            .column_name
            .clone()
            .or_else(|| problem.column.map(|number| number.to_string()));
        table.row(vec![
            html! { (problem.file) },
            html! { (names::number(problem.row)) },
            html! { (column.unwrap_or_default()) },
            html! { (c.either(&problem.text_zh, &problem.text_en)) },
        ]);
    }
    html! { (table) }
}

fn tokens_part(c: &Ctx, status: &ImportStatus, tokens: &[(u64, String)]) -> Markup {
    let mut table = Table::new(c.t(w::TOKENS), c.t(w::TOKENS_NONE))
        .column(c.t(w::ROW), Set::Number)
        .column(c.t(w::TOKEN), Set::Text);
    for (row, token) in tokens {
        table.row(vec![
            html! { (names::number(*row)) },
            html! { code { (token) } },
        ]);
    }
    html! {
        section.sheet {
            header { h2 { (c.t(w::TOKENS)) } }
            @if !tokens.is_empty() { p.muted { (c.t(w::TOKENS_LEAD)) } }
            (table)
            @if tokens.len() == PAGE {
                @if let Some((row, _)) = tokens.last() {
                    a href={ "/imports/" (status.id) "?tokens=" (row + 1) } { (c.t(w::MORE)) " →" }
                }
            }
        }
    }
}

async fn discard(Path(id): Path<String>, posted: Posted) -> Answer {
    posted
        .desk
        .ask(move |service, caller| service.discard_import(caller, &id))
        .await?;
    Ok(go("/imports"))
}
