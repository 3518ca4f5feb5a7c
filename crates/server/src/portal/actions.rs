//! What the person can do: correct, withdraw, object, leave, and cancel in two steps.

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use liuhen_service::DisposalView;
use maud::{Markup, html};

use super::page::{context, me};
use crate::auth::{Jar, PersonForm, PersonSession};
use crate::console::Pairs;
use crate::error::ApiError;
use crate::lang::Lang;
use crate::state::AppState;
use crate::ui::form::{csrf, tick};
use crate::ui::words::portal as w;
use crate::ui::{Ctx, Note, layout, names, problem, time};

/// A form of the portal, its token checked.
pub(super) type Sent = PersonForm<Vec<(String, String)>>;

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/me/correct", post(correct))
        .route("/me/withdraw", post(withdraw))
        .route("/me/object", post(object))
        .route("/me/leave", post(leave))
        .route("/me/cancel", get(ask_cancel).post(cancel))
}

/// Back to the page; what the person can mend is said there.
pub(super) async fn back(
    state: &AppState,
    session: &PersonSession,
    lang: Lang,
    done: liuhen_service::Result<()>,
) -> Result<Response, ApiError> {
    match done.map_err(ApiError::from) {
        Ok(()) => Ok(Redirect::to("/me?done=1").into_response()),
        Err(error) if error.status().is_client_error() => {
            let c = context(session, lang, "/me");
            Ok(me(state, session, &c, Some(&problem::note(&c, &error)))
                .await?
                .into_response())
        }
        Err(error) => Err(error),
    }
}

async fn correct(
    State(state): State<AppState>,
    lang: Lang,
    PersonForm(session, pairs): Sent,
) -> Result<Response, ApiError> {
    let form = Pairs(pairs);
    let (collection, field, value) = (form.get("collection"), form.get("field"), form.get("value"));
    let done = state
        .service()
        .person_correct(&session.0, collection, field, value)
        .await;
    back(&state, &session, lang, done).await
}

async fn withdraw(
    State(state): State<AppState>,
    lang: Lang,
    PersonForm(session, pairs): Sent,
) -> Result<Response, ApiError> {
    let done = state
        .service()
        .person_withdraw(&session.0, Pairs(pairs).get("purpose"))
        .await;
    back(&state, &session, lang, done).await
}

async fn object(
    State(state): State<AppState>,
    lang: Lang,
    PersonForm(session, pairs): Sent,
) -> Result<Response, ApiError> {
    let done = state
        .service()
        .person_object(&session.0, Pairs(pairs).ticked("objects"))
        .await;
    back(&state, &session, lang, done).await
}

async fn leave(
    State(state): State<AppState>,
    PersonForm(session, _): Sent,
) -> Result<Response, ApiError> {
    state
        .blocking(move |service| service.person_sign_out(&session.0))
        .await?;
    let cookie = Jar::Person.forget(&state);
    Ok((
        AppendHeaders([(header::SET_COOKIE, cookie)]),
        Redirect::to("/portal?out=1"),
    )
        .into_response())
}

async fn ask_cancel(session: PersonSession, lang: Lang) -> Markup {
    confirm_page(&context(&session, lang, "/me/cancel"), None)
}

fn confirm_page(c: &Ctx, note: Option<&Note>) -> Markup {
    let goes = [w::CANCEL_GOES_1, w::CANCEL_GOES_2, w::CANCEL_GOES_3];
    let stays = [w::CANCEL_STAYS_1, w::CANCEL_STAYS_2, w::CANCEL_STAYS_3];
    layout::alone(
        c,
        c.t(w::CANCEL_TITLE),
        "reading",
        &html! {
            @if let Some(note) = note { (note) }
            div.grid2 {
                section.sheet { h2 { (c.t(w::CANCEL_GOES)) } ul { @for line in goes { li { (c.t(line)) } } } }
                section.sheet { h2 { (c.t(w::CANCEL_STAYS)) } ul { @for line in stays { li { (c.t(line)) } } } }
            }
            form.sheet method="post" action="/me/cancel" {
                (csrf(c))
                (tick("sure", c.t(w::CANCEL_TICK), false))
                div.row {
                    button.danger type="submit" { (c.t(w::CANCEL_GO)) }
                    a href="/me" { (c.t(w::CANCEL_BACK)) }
                }
            }
        },
    )
}

async fn cancel(
    State(state): State<AppState>,
    lang: Lang,
    PersonForm(session, pairs): Sent,
) -> Result<Response, ApiError> {
    let c = context(&session, lang, "/me/cancel");
    if !Pairs(pairs).ticked("sure") {
        return Ok(confirm_page(&c, Some(&Note::bad(c.t(w::CANCEL_UNTICKED)))).into_response());
    }
    let disposal = state.service().person_cancel(&session.0).await?;
    let cookie = Jar::Person.forget(&state);
    let c = Ctx::stranger(lang, "/portal");
    Ok((
        AppendHeaders([(header::SET_COOKIE, cookie)]),
        cancelled_page(&c, &disposal),
    )
        .into_response())
}

fn cancelled_page(c: &Ctx, disposal: &DisposalView) -> Markup {
    let figures = [
        (w::DISPOSED_RECORDS, disposal.records),
        (w::DISPOSED_FIELDS, disposal.fields),
        (w::DISPOSED_INDEX, disposal.index_rows),
        (w::DISPOSED_TOKENS, disposal.tokens),
    ];
    layout::alone(
        c,
        c.t(w::CANCELLED),
        "narrow",
        &html! {
            (Note::good(c.t(w::CANCELLED_SAID)))
            section.sheet {
                dl.figures {
                    div { dt { (c.t(w::DISPOSED_WHY)) } dd { (c.t(w::DISPOSED_BY_PERSON)) } }
                    div { dt { (c.t(w::DISPOSED_TIME)) } dd { (time::element(disposal.time)) } }
                    @for (name, count) in figures { div { dt { (c.t(name)) } dd { (names::number(count)) } } }
                }
            }
        },
    )
}
