//! The door of the portal: the link, then the code. A wrong link and a wrong code are answered alike.

use axum::extract::State;
use axum::http::header;
use axum::response::{AppendHeaders, IntoResponse, Redirect};
use axum::routing::get;
use axum::{Form, Router};
use maud::{Markup, html};

use crate::auth::Jar;
use crate::console::Pairs;
use crate::error::ApiError;
use crate::extract::{Path, Query};
use crate::lang::Lang;
use crate::state::AppState;
use crate::ui::form::Input;
use crate::ui::layout::quote;
use crate::ui::words::portal as w;
use crate::ui::{Ctx, Note, layout, problem};

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/portal", get(portal))
        .route("/p/{link}", get(ask_code).post(enter))
}

#[derive(serde::Deserialize)]
struct Door {
    link: Option<String>,
    out: Option<String>,
}

async fn portal(lang: Lang, Query(door): Query<Door>) -> Markup {
    if let Some(link) = door.link {
        return code_page(
            &Ctx::stranger(lang, &format!("/p/{}", quote(&link))),
            &link,
            None,
        );
    }
    let c = Ctx::stranger(lang, "/portal");
    let body = html! {
        @if door.out.is_some() { (Note::good(c.t(w::PORTAL_OUT))) }
        p { (c.t(w::PORTAL_NO_LINK)) }
    };
    layout::alone(&c, c.t(w::PORTAL), "narrow", &body)
}

async fn ask_code(lang: Lang, Path(link): Path<String>) -> Markup {
    code_page(
        &Ctx::stranger(lang, &format!("/p/{}", quote(&link))),
        &link,
        None,
    )
}

fn code_page(c: &Ctx, link: &str, note: Option<&Note>) -> Markup {
    layout::alone(
        c,
        c.t(w::PORTAL),
        "narrow",
        &html! {
            @if let Some(note) = note { (note) }
            p.muted { (c.t(w::CODE_LEAD)) }
            form.sheet method="post" action={ "/p/" (quote(link)) } {
                (Input::code("code", c.t(w::CODE), "[0-9 ]{8,9}").hint(c.t(w::CODE_HINT)))
                button type="submit" { (c.t(w::CODE_GO)) }
            }
        },
    )
}

async fn enter(
    State(state): State<AppState>,
    lang: Lang,
    Path(link): Path<String>,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Result<axum::response::Response, ApiError> {
    let c = Ctx::stranger(lang, &format!("/p/{}", quote(&link)));
    // The code is shown in two groups, and people type it so.
    let code: String = Pairs(pairs)
        .get("code")
        .chars()
        .filter(|one| !one.is_whitespace())
        .collect();
    match state
        .service()
        .person_sign_in(&link, &code)
        .await
        .map_err(ApiError::from)
    {
        Ok(session) => {
            let cookie = Jar::Person.keep(&state, &session.secret, session.expires);
            Ok((
                AppendHeaders([(header::SET_COOKIE, cookie)]),
                Redirect::to("/me"),
            )
                .into_response())
        }
        Err(error) if error.status().is_client_error() => {
            let note = match error.code() {
                "throttled" => problem::note(&c, &error),
                _ => Note::bad(c.t(w::CODE_WRONG)),
            };
            Ok((error.status(), code_page(&c, &link, Some(&note))).into_response())
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_links_stay_text() {
        let c = Ctx::stranger(Lang::Zh, "/portal");
        let page = code_page(&c, "\"><script>alert(1)</script>", None).into_string();
        assert!(!page.contains("<script>alert"), "{page}");
        assert!(page.contains("action=\"/p/%22%3E%3Cscript%3E"), "{page}");
    }
}
