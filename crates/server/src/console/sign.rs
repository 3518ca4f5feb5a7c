//! Signing in and out, and setting up an account from a one-time link.
//!
//! Every page here answers a wrong secret, login, password or code with the same words, so that none of them can be guessed apart.

use axum::extract::State;
use axum::http::header;
use axum::response::{AppendHeaders, IntoResponse, Redirect};
use axum::routing::{get, post};
use axum::{Form, Router};
use liuhen_service::{Enrolment, PASSWORD_CHARS, Session};
use maud::{Markup, PreEscaped, html};
use qrcode::QrCode;
use qrcode::render::svg;

use super::request::{Answer, Pairs, Posted};
use crate::auth::{Jar, is_local_path};
use crate::error::ApiError;
use crate::extract::Query;
use crate::lang::Lang;
use crate::state::AppState;
use crate::ui::form::Input;
use crate::ui::layout::quote;
use crate::ui::words::shell as w;
use crate::ui::{Ctx, Note, layout, names, problem};

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/login", get(show_login).post(sign_in))
        .route("/logout", post(sign_out))
        .route("/setup", get(show_setup).post(set_up))
}

#[derive(serde::Deserialize)]
struct LoginQuery {
    next: Option<String>,
    out: Option<String>,
}

async fn show_login(lang: Lang, Query(query): Query<LoginQuery>) -> Markup {
    let next = query.next.unwrap_or_default();
    let c = Ctx::stranger(lang, "/login");
    let note = query.out.map(|_| Note::good(c.t(w::SIGNED_OUT)));
    login_page(&c, &next, "", note.as_ref())
}

fn login_page(c: &Ctx, next: &str, login: &str, note: Option<&Note>) -> Markup {
    layout::alone(
        c,
        c.t(w::LOGIN),
        "narrow",
        &html! {
            @if let Some(note) = note { (note) }
            form.sheet method="post" action="/login" {
                input type="hidden" name="next" value=(next);
                (Input::text("login", c.t(w::LOGIN_NAME)).value(login).autocomplete("username").required())
                (Input::password("password", c.t(w::PASSWORD), "current-password"))
                (Input::code("code", c.t(w::TOTP), "[0-9]{6}").hint(c.t(w::TOTP_HINT)))
                button type="submit" { (c.t(w::LOGIN)) }
            }
        },
    )
}

async fn sign_in(
    State(state): State<AppState>,
    lang: Lang,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Answer {
    let form = Pairs(pairs);
    let c = Ctx::stranger(lang, "/login");
    let answer = state
        .service()
        .sign_in(
            form.get("login"),
            form.exact("password"),
            &digits(form.get("code")),
        )
        .await;
    match answer.map_err(ApiError::from) {
        Ok(session) => {
            let next = form
                .some("next")
                .filter(|next| is_local_path(next))
                .unwrap_or("/");
            Ok(enter(&state, &session, next))
        }
        Err(error) if error.code() == "unauthenticated" => {
            let note = Note::bad(c.t(w::LOGIN_FAILED));
            Ok((
                error.status(),
                login_page(&c, form.get("next"), form.get("login"), Some(&note)),
            )
                .into_response())
        }
        Err(error) if error.status().is_client_error() => {
            let page = login_page(
                &c,
                form.get("next"),
                form.get("login"),
                Some(&problem::note(&c, &error)),
            );
            Ok((error.status(), page).into_response())
        }
        Err(error) => Err(error),
    }
}

/// Authenticators show the code in two groups, and people type it so.
fn digits(code: &str) -> String {
    code.chars().filter(|c| !c.is_whitespace()).collect()
}

fn enter(state: &AppState, session: &Session, next: &str) -> axum::response::Response {
    let cookie = Jar::Staff.keep(state, &session.secret, session.expires);
    (
        AppendHeaders([(header::SET_COOKIE, cookie)]),
        Redirect::to(next),
    )
        .into_response()
}

async fn sign_out(posted: Posted) -> Answer {
    let session = posted.desk.session.0.clone();
    posted
        .desk
        .state
        .blocking(move |service| service.sign_out(&session))
        .await?;
    let cookie = Jar::Staff.forget(&posted.desk.state);
    Ok((
        AppendHeaders([(header::SET_COOKIE, cookie)]),
        Redirect::to("/login?out=1"),
    )
        .into_response())
}

#[derive(serde::Deserialize)]
struct SetupQuery {
    #[serde(default)]
    secret: String,
}

async fn show_setup(
    State(state): State<AppState>,
    lang: Lang,
    Query(query): Query<SetupQuery>,
) -> Answer {
    let c = Ctx::stranger(lang, &format!("/setup?secret={}", quote(&query.secret)));
    setup_page(&state, &c, query.secret, ("", ""), None).await
}

async fn setup_page(
    state: &AppState,
    c: &Ctx,
    secret: String,
    typed: (&str, &str),
    note: Option<Note>,
) -> Answer {
    let asked = secret.clone();
    let enrolment = match state
        .blocking(move |service| service.enrol_begin(&asked))
        .await
    {
        Ok(enrolment) => enrolment,
        Err(error) if error.status().is_client_error() => {
            let page = layout::alone(
                c,
                c.t(w::SETUP),
                "narrow",
                &html! { (Note::bad(c.t(w::SETUP_BAD))) },
            );
            return Ok((error.status(), page).into_response());
        }
        Err(error) => return Err(error),
    };
    let body = html! {
        @if let Some(note) = &note { (note) }
        p.muted { (c.t(w::SETUP_LEAD)) }
        p { (names::role_tags(c, &enrolment.roles)) }
        (authenticator(c, &enrolment))
        (who_form(c, &secret, typed))
    };
    Ok(layout::alone(c, c.t(w::SETUP), "narrow", &body).into_response())
}

fn authenticator(c: &Ctx, enrolment: &Enrolment) -> Markup {
    html! {
        section.sheet {
            h2 { (c.t(w::SETUP_SCAN)) }
            p.hint { (c.t(w::SETUP_SCAN_HINT)) }
            div.qr { (qr(&enrolment.otpauth_uri)) }
            div.field {
                span.label { (c.t(w::SETUP_SECRET)) }
                div.row {
                    span.secret #totp-secret { (enrolment.totp_secret) }
                    button.plain.slim type="button" data-copy="totp-secret" data-done=(c.t(w::COPIED)) { (c.t(w::COPY)) }
                }
            }
        }
    }
}

fn who_form(c: &Ctx, secret: &str, (login, display): (&str, &str)) -> Markup {
    let hint = c.f(w::PASSWORD_HINT, &[("n", &PASSWORD_CHARS)]);
    html! {
        form.sheet method="post" action="/setup" {
            h2 { (c.t(w::SETUP_YOU)) }
            input type="hidden" name="secret" value=(secret);
            (Input::text("login", c.t(w::LOGIN_NAME)).value(login).hint(c.t(w::LOGIN_NAME_HINT)).autocomplete("username").required())
            (Input::text("display", c.t(w::DISPLAY_NAME)).value(display).hint(c.t(w::DISPLAY_NAME_HINT)).required())
            (Input::password("password", c.t(w::PASSWORD), "new-password").hint(&hint).at_least(PASSWORD_CHARS))
            div.field {
                meter min="0" max="4" low="2" high="3" optimum="4" value="0" hidden data-for="f-password" data-say="strength"
                    data-words=(c.t(w::PASSWORD_STRENGTH)) aria-label=(c.t(w::PASSWORD_STRENGTH_LABEL)) {}
                span.hint #strength aria-live="polite" {}
            }
            (Input::code("code", c.t(w::TOTP), "[0-9]{6}").hint(c.t(w::TOTP_HINT)))
            button type="submit" { (c.t(w::SETUP_GO)) }
        }
    }
}

async fn set_up(
    State(state): State<AppState>,
    lang: Lang,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Answer {
    let form = Pairs(pairs);
    let secret = form.get("secret");
    let c = Ctx::stranger(lang, &format!("/setup?secret={}", quote(secret)));
    let (login, display) = (form.get("login"), form.get("display"));
    let code = digits(form.get("code"));
    match state
        .service()
        .enrol_finish(secret, login, display, form.exact("password"), &code)
        .await
        .map_err(ApiError::from)
    {
        Ok(session) => Ok(enter(&state, &session, "/")),
        Err(error) if error.status().is_client_error() => {
            let note = problem::note(&c, &error);
            setup_page(&state, &c, secret.to_owned(), (login, display), Some(note)).await
        }
        Err(error) => Err(error),
    }
}

/// A QR code as SVG without inline style; nothing where the text does not fit into one.
pub(super) fn qr(text: &str) -> Markup {
    let Ok(code) = QrCode::new(text.as_bytes()) else {
        return html! {};
    };
    let drawing = code
        .render::<svg::Color<'_>>()
        .min_dimensions(200, 200)
        .quiet_zone(true)
        .build();
    // The renderer writes attributes only; what was encoded appears as modules, not as text.
    let drawing = drawing
        .find("<svg")
        .and_then(|start| drawing.get(start..))
        .unwrap_or_default();
    PreEscaped(drawing.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn qr_codes_hold_no_text_and_no_style() {
        let drawing = qr("otpauth://totp/x?secret=<script>").into_string();
        assert!(
            drawing.starts_with("<svg") && drawing.ends_with("</svg>"),
            "{drawing}"
        );
        assert!(
            !drawing.contains("script") && !drawing.contains("style="),
            "{drawing}"
        );
    }

    #[test]
    fn codes_are_read_in_groups() {
        assert_eq!(digits("123 456"), "123456");
    }

    #[test]
    fn the_login_page_escapes_what_was_typed() {
        let c = Ctx::stranger(Lang::Zh, "/login");
        let page = login_page(&c, "\"><script>", "<b>", None).into_string();
        assert!(
            !page.contains("<b>") && !page.contains("\"><script>"),
            "{page}"
        );
    }
}
