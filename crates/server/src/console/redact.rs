//! Pictures and PDF are brought, decided on mark by mark, and leave as copies in which what they show of persons is hidden.
//!
//! Everything works as plain forms: marks are released by ticks and boxes given as numbers. `redact.js` lets them be drawn and taken back on the picture.
//! Deciding is the page of one picture, or of one page of a PDF, [`super::retouch`].

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use liuhen_service::{ReviewLimits, ReviewProblem, ReviewState, ReviewSummary, ReviewView};
use maud::{Markup, html};

use super::request::{Answer, Desk, Page, Posted, Sent, go, refusal};
use super::retouch;
use crate::api::pictures::download;
use crate::api::redactions;
use crate::error::ApiError;
use crate::extract::{Path, Query};
use crate::state::AppState;
use crate::ui::form::csrf;
use crate::ui::i18n::Phrase;
use crate::ui::table::{Set, Table};
use crate::ui::words::redact as w;
use crate::ui::{Ctx, Note, layout, names};

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        // Files are larger than a form; how large and how many is asked file by file.
        .route(
            "/redact",
            get(list).post(add).layer(DefaultBodyLimit::disable()),
        )
        .route("/redact/progress", get(progress))
        .route("/redact/summary", get(summary))
        .route("/redact/files", post(files))
        .route("/redact/discard", post(discard_all))
        .route("/redact/{id}/file", post(file))
        .route("/redact/{id}/discard", post(discard))
        .merge(retouch::routes())
}

/// Whether the page is to reload itself, for browsers without scripts.
#[derive(Debug, Default, serde::Deserialize)]
struct Reload {
    reload: Option<String>,
}

async fn list(desk: Desk, Query(query): Query<Reload>) -> Answer {
    let (page, underway) = list_page(&desk, None).await?;
    let mut response = page.into_response();
    if underway && query.reload.is_some() {
        let name = HeaderName::from_static("refresh");
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static("5"));
    }
    Ok(response)
}

/// The page, and whether something is being done.
async fn list_page(desk: &Desk, note: Option<&Note>) -> Result<(Markup, bool), ApiError> {
    let (limits, ready, views, sum) = desk
        .ask(|service, caller| {
            let ready = service.review_ready().is_ok();
            let views = service.reviews(caller, true)?;
            let sum = service.review_summary(caller, true)?;
            Ok((service.review_limits()?, ready, views, sum))
        })
        .await?;
    let c = &desk.c;
    let missing = Note::bad(c.t(w::NO_MODELS))
        .line(c.f(w::NO_MODELS_DO, &[("command", &"liuhen models install")]));
    let body = html! {
        @if ready { (bring(c, &limits)) } @else { (missing) }
        (part(c, &views, &sum))
    };
    let lead = Some(c.t(w::REDACT_LEAD));
    let page = layout::page(c, c.t(w::REDACT), lead, note, &body);
    Ok((page, underway(&views)))
}

fn underway(views: &[ReviewView]) -> bool {
    views.iter().any(|view| view.state.is_underway())
}

fn bring(c: &Ctx, limits: &ReviewLimits) -> Markup {
    let pixels = match c.lang {
        crate::Lang::Zh => limits.pixels / 10_000,
        crate::Lang::En => limits.pixels / 1_000_000,
    };
    let hint = c.f(
        w::FILES_HINT,
        &[
            ("file", &names::bytes(limits.file)),
            ("pixels", &pixels),
            ("pictures", &limits.pictures),
            ("pages", &limits.pages),
            ("bytes", &names::bytes(limits.bytes)),
        ],
    );
    html! {
        form.sheet method="post" action="/redact" enctype="multipart/form-data" {
            h2 { (c.t(w::BRING)) }
            (csrf(c))
            div.field {
                label for="f-file" { (c.t(w::FILES)) }
                input.drop id="f-file" name="file" type="file" multiple required
                    accept=".jpg,.jpeg,.png,.webp,.tif,.tiff,.gif,.bmp,.pdf" aria-describedby="f-file-hint";
                span.hint id="f-file-hint" { (hint) }
            }
            button type="submit" { (c.t(w::BRING_GO)) }
            p.muted.small { (c.f(w::KEPT, &[("minutes", &limits.minutes)])) }
        }
    }
}

async fn progress(desk: Desk) -> Page {
    let (views, sum) = desk
        .ask(|service, caller| {
            Ok((
                service.reviews(caller, false)?,
                service.review_summary(caller, false)?,
            ))
        })
        .await?;
    Ok(part(&desk.c, &views, &sum))
}

/// Progress, the pictures, what became of them; asks for itself anew while something is done.
fn part(c: &Ctx, views: &[ReviewView], sum: &ReviewSummary) -> Markup {
    let running = underway(views);
    let done = views.len() - views.iter().filter(|v| v.state.is_underway()).count();
    let said = c.f(w::PROGRESS_OF, &[("done", &done), ("total", &views.len())]);
    html! {
        div.stack #pictures hx-get=[running.then_some("/redact/progress")] hx-trigger=[running.then_some("every 1s")] hx-swap=[running.then_some("outerHTML")] {
            section.sheet {
                h2 { (c.t(w::LIST)) }
                @if running {
                    progress max=(views.len()) value=(done) aria-label=(c.t(w::PROGRESS)) {}
                    noscript { p { a href="/redact?reload=yes" { (c.t(w::RELOAD)) } } }
                }
                @if !views.is_empty() { p.muted.small aria-live="polite" { (said) } }
                (table(c, views))
                @if !views.is_empty() {
                    div.row {
                        @if sum.copies > 0 {
                            form.inline method="post" action="/redact/files" { (csrf(c)) button type="submit" { (c.t(w::DOWNLOAD_ALL)) } }
                        }
                        form.inline method="post" action="/redact/discard" data-confirm=(c.t(w::DISCARD_ALL_SURE)) {
                            (csrf(c)) button.plain type="submit" { (c.t(w::DISCARD_ALL)) }
                        }
                    }
                }
            }
            @if !views.is_empty() && !running { (summed(c, sum)) }
        }
    }
}

fn table(c: &Ctx, views: &[ReviewView]) -> Markup {
    let mut table = Table::new(c.t(w::LIST), c.t(w::LIST_NONE))
        .column(c.t(w::COL_NUMBER), Set::Number)
        .column(c.t(w::COL_NAME), Set::Text)
        .column(c.t(w::COL_SIZE), Set::Tight)
        .column(c.t(w::COL_STATE), Set::Text)
        .column(c.t(w::COL_FOUND), Set::Number)
        .column(c.t(w::COL_RELEASED), Set::Number)
        .column(c.t(w::COL_ADDED), Set::Number)
        .column(c.t(w::COL_DO), Set::Action);
    for view in views {
        let refused = view.state == ReviewState::Refused;
        let seen = view.first().width > 0;
        table.row(vec![
            html! { (view.number) },
            html! { @if refused { (view.name) } @else { a href={ "/redact/" (view.id) } { (view.name) } } },
            html! { (size(c, view)) },
            html! {
                (state_tag(c, view.state))
                @if let Some(done) = pages_done(c, view) { p.small { (done) } }
                @if let Some(problem) = view.problem { p.small { (why(c, problem)) } }
            },
            html! { @if seen { (view.marks.len()) } },
            html! { @if seen { (view.decision.released.len()) } },
            html! { @if seen { (view.drawn()) } },
            actions(c, view),
        ]);
    }
    html! { (table) }
}

/// Pixels of a picture, pages of a PDF.
fn size(c: &Ctx, view: &ReviewView) -> String {
    let first = view.first();
    match view.pages.len() {
        0 => String::new(),
        pages if view.paged => c.f(w::PAGES_N, &[("n", &pages)]),
        _ if first.width == 0 => String::new(),
        _ => format!("{} × {}", first.width, first.height),
    }
}

/// How far the pages of a PDF are while it is worked on.
pub(super) fn pages_done(c: &Ctx, view: &ReviewView) -> Option<String> {
    let (done, total) = (view.done, view.pages.len());
    let shown = view.paged && total > 0;
    let working = matches!(view.state, ReviewState::Looking | ReviewState::Saving);
    (shown && working).then(|| c.f(w::PAGES_DONE, &[("done", &done), ("total", &total)]))
}

pub(super) fn actions(c: &Ctx, view: &ReviewView) -> Markup {
    html! {
        div.row {
            @if view.copy.is_some() {
                form.inline method="post" action={ "/redact/" (view.id) "/file" } {
                    (csrf(c)) button.plain.slim type="submit" { (c.t(w::DOWNLOAD)) }
                }
            }
            form.inline method="post" action={ "/redact/" (view.id) "/discard" } {
                (csrf(c)) button.plain.slim type="submit" { (c.t(w::DISCARD)) }
            }
        }
    }
}

pub(super) fn state_tag(c: &Ctx, state: ReviewState) -> Markup {
    let (class, phrase): (&str, Phrase) = match state {
        ReviewState::Waiting => ("tag", w::STATE_WAITING),
        ReviewState::Looking => ("tag go", w::STATE_LOOKING),
        ReviewState::Open => ("tag warn", w::STATE_OPEN),
        ReviewState::ToSave => ("tag", w::STATE_TO_SAVE),
        ReviewState::Saving => ("tag go", w::STATE_SAVING),
        ReviewState::Saved => ("tag ok", w::STATE_SAVED),
        ReviewState::Refused => ("tag bad", w::STATE_REFUSED),
    };
    html! { span class=(class) { (c.t(phrase)) } }
}

/// Why a picture was refused or has no copy.
pub(super) fn why(c: &Ctx, problem: ReviewProblem) -> String {
    let phrase = match problem {
        ReviewProblem::TooLarge => w::WHY_TOO_LARGE,
        ReviewProblem::NoPicture => w::WHY_NO_PICTURE,
        ReviewProblem::Encrypted => w::WHY_ENCRYPTED,
        ReviewProblem::TooManyPages(n) => return c.f(w::WHY_TOO_MANY_PAGES, &[("n", &n)]),
        ReviewProblem::Several => w::WHY_SEVERAL,
        ReviewProblem::Damaged => w::WHY_DAMAGED,
        ReviewProblem::Networks => w::WHY_NETWORKS,
        ReviewProblem::StillSeen(n) => return c.f(w::WHY_STILL_SEEN, &[("n", &n)]),
        ReviewProblem::NotWritten => w::WHY_NOT_WRITTEN,
        ReviewProblem::NotTraced => w::WHY_NOT_TRACED,
        ReviewProblem::NoRoom => w::WHY_NO_ROOM,
    };
    c.t(phrase).to_owned()
}

fn summed(c: &Ctx, sum: &ReviewSummary) -> Markup {
    let figures = [
        (w::SUM_PICTURES, sum.pictures),
        (w::SUM_PAGES, sum.pages),
        (w::SUM_COPIES, sum.copies),
        (w::SUM_REFUSED, sum.refused),
        (w::SUM_CODES, sum.codes),
        (w::SUM_UNSURE, sum.unsure),
        (w::SUM_ADDED, sum.added),
        (w::SUM_RELEASED, sum.released),
    ];
    html! {
        section.sheet {
            h2 { (c.t(w::SUMMARY)) }
            dl.figures { @for (name, count) in figures { div { dt { (c.t(name)) } dd { (names::number(count)) } } } }
            @if !sum.hidden.is_empty() {
                h3 { (c.t(w::SUM_HIDDEN)) }
                dl.figures { @for (kind, count) in &sum.hidden { div { dt { (names::field(c, kind.name())) } dd { (names::number(*count)) } } } }
            }
            p { a href="/redact/summary" download="summary.json" { (c.t(w::SUMMARY_GET)) } }
        }
    }
}

async fn add(mut sent: Sent) -> Answer {
    match receive(&mut sent).await {
        Ok(()) => Ok(go("/redact")),
        // The page says what is missing and which command brings it.
        Err(error) if error.code() == "models_missing" => {
            let (page, _) = list_page(&sent.desk, None).await?;
            Ok((StatusCode::SERVICE_UNAVAILABLE, page).into_response())
        }
        Err(error) => {
            let status = error.status();
            let note = refusal(&sent.desk.c, error)?;
            let (page, _) = list_page(&sent.desk, Some(&note)).await?;
            Ok((status, page).into_response())
        }
    }
}

async fn receive(sent: &mut Sent) -> Result<(), ApiError> {
    let caller = sent.desk.caller();
    let state = sent.desk.state.clone();
    // Asked before the first byte is kept, so that nobody fills the memory.
    state.service().review_room(&caller)?;
    redactions::receive(&state, &caller, &mut sent.form)
        .await
        .map(drop)
}

async fn summary(desk: Desk) -> Answer {
    let sum = desk
        .ask(|service, caller| service.review_summary(caller, true))
        .await?;
    let body =
        serde_json::to_vec_pretty(&sum).map_err(|_| ApiError::internal("a summary is no JSON"))?;
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"summary.json\"",
        ),
    ];
    Ok((headers, body).into_response())
}

async fn file(Path(id): Path<String>, posted: Posted) -> Answer {
    let desk = &posted.desk;
    let service = desk.state.service();
    let file = service.hand_out_review(&desk.caller(), &id).await?;
    Ok(download(file))
}

async fn files(posted: Posted) -> Result<Response, ApiError> {
    let desk = &posted.desk;
    let service = desk.state.service();
    Ok(download(service.hand_out_reviews(&desk.caller()).await?))
}

async fn discard(Path(id): Path<String>, posted: Posted) -> Answer {
    let ask =
        move |service: &std::sync::Arc<liuhen_service::Service>,
              caller: &liuhen_service::Caller| { service.discard_review(caller, &id) };
    posted.desk.ask(ask).await?;
    Ok(go("/redact"))
}

async fn discard_all(posted: Posted) -> Answer {
    let desk = &posted.desk;
    desk.state.service().discard_reviews(&desk.caller());
    Ok(go("/redact"))
}
