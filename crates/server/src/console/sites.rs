//! Sites: the businesses that hold tokens instead of numbers.

use axum::Router;
use axum::response::IntoResponse;
use axum::routing::get;
use liuhen_service::Role;
use maud::html;

use super::request::{Answer, Desk, Done, Page, Posted, done, go, refusal};
use crate::extract::Query;
use crate::state::AppState;
use crate::ui::form::{Input, csrf};
use crate::ui::table::{Set, Table};
use crate::ui::words::before as w;
use crate::ui::{Note, layout};

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/sites", get(list).post(save))
}

async fn list(desk: Desk, Query(query): Query<Done>) -> Page {
    let note = done(&desk.c, &query);
    page(&desk, ("", ""), note.as_ref()).await
}

async fn page(desk: &Desk, typed: (&str, &str), note: Option<&Note>) -> Page {
    let sites = desk.ask(|service, _| service.sites()).await?;
    let c = &desk.c;
    let mut table = Table::new(c.t(w::SITES), c.t(w::SITE_EMPTY))
        .column(c.t(w::SITE_NAME), Set::Text)
        .column(c.t(w::SITE_ID), Set::Text);
    for site in &sites {
        table.row(vec![html! { (site.name) }, html! { code { (site.id) } }]);
    }
    let body = html! {
        section.sheet { (table) }
        @if c.has(&[Role::Admin]) {
            form.sheet method="post" action="/sites" {
                h2 { (c.t(w::SITE_NEW)) }
                (csrf(c))
                div.grid2 {
                    (Input::text("id", c.t(w::SITE_ID)).value(typed.0).hint(c.t(w::SITE_ID_HINT)).pattern("[a-z0-9\\-]+").required())
                    (Input::text("name", c.t(w::SITE_NAME)).value(typed.1).required())
                }
                button type="submit" { (c.t(w::SAVE)) }
            }
        } @else { p.muted { (c.t(w::ONLY_ADMIN)) } }
    };
    Ok(layout::page(
        c,
        c.t(w::SITES),
        Some(c.t(w::SITES_LEAD)),
        note,
        &body,
    ))
}

async fn save(posted: Posted) -> Answer {
    let desk = &posted.desk;
    let (id, name) = (posted.form.get("id"), posted.form.get("name"));
    match desk
        .state
        .service()
        .put_site(&desk.caller(), id, name)
        .await
    {
        Ok(_) => Ok(go("/sites?done=1")),
        Err(error) => {
            let note = refusal(&desk.c, error.into())?;
            Ok(page(desk, (id, name), Some(&note)).await?.into_response())
        }
    }
}
