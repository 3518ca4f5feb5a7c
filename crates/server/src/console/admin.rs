//! Staff and API keys: who may do what. Secrets are shown once, in the answer to the form that made them.

use axum::Router;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use liuhen_service::{ApiKeyView, Role, SiteView, StaffView};
use maud::{Markup, html};

use super::request::{Answer, Desk, Done, Page, Pairs, Posted, done, go, refusal};
use crate::extract::{Path, Query};
use crate::state::AppState;
use crate::ui::form::{Input, Select, checks, csrf, tick};
use crate::ui::table::{Set, Table};
use crate::ui::words::{after as w, shell};
use crate::ui::{Ctx, Note, layout, names, time};

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/admin", get(show))
        .route("/admin/staff", get(show).post(invite))
        .route("/admin/staff/{id}", post(change))
        .route("/admin/keys", get(show).post(make_key))
        .route("/admin/keys/{id}/revoke", post(revoke))
}

async fn show(desk: Desk, Query(query): Query<Done>) -> Page {
    let note = done(&desk.c, &query);
    page(&desk, note.as_ref(), &html! {}).await
}

async fn page(desk: &Desk, note: Option<&Note>, once: &Markup) -> Page {
    let (staff, keys, sites) = desk
        .ask(|service, caller| {
            Ok((
                service.staff(caller)?,
                service.api_keys(caller)?,
                service.sites()?,
            ))
        })
        .await?;
    let c = &desk.c;
    let body = html! {
        (once)
        section.sheet { h2 { (c.t(w::STAFF)) } (staff_table(c, &staff)) }
        (invite_form(c))
        section.sheet { h2 { (c.t(w::KEYS)) } (key_table(c, &keys)) }
        (key_form(c, &sites))
    };
    Ok(layout::page(
        c,
        c.t(w::ADMIN),
        Some(c.t(w::ADMIN_LEAD)),
        note,
        &body,
    ))
}

fn role_choices(c: &Ctx, chosen: &[Role]) -> Vec<(String, String, bool)> {
    Role::ALL
        .iter()
        .map(|role| {
            (
                role.name().to_owned(),
                c.t(names::role(*role)).to_owned(),
                chosen.contains(role),
            )
        })
        .collect()
}

fn roles(form: &Pairs) -> Vec<Role> {
    form.all("role")
        .iter()
        .filter_map(|name| Role::parse(name))
        .collect()
}

fn active_tag(c: &Ctx, active: bool, inactive: crate::ui::i18n::Phrase) -> Markup {
    html! { @if active { span.tag.ok { (c.t(w::ACTIVE)) } } @else { span.tag { (c.t(inactive)) } } }
}

fn staff_table(c: &Ctx, staff: &[StaffView]) -> Markup {
    let mut table = Table::new(c.t(w::STAFF), c.t(w::STAFF_NONE))
        .column(c.t(w::COL_NAME), Set::Text)
        .column(c.t(w::COL_LOGIN), Set::Text)
        .column(c.t(w::COL_ROLES), Set::Text)
        .column(c.t(w::COL_ACTIVE), Set::Tight)
        .column(c.t(w::COL_SINCE), Set::Tight);
    for one in staff {
        table.row(vec![
            html! { (one.display) },
            html! { code { (one.login) } },
            html! {
                div { (names::role_tags(c, &one.roles)) }
                details { summary.small { (c.t(w::CHANGE)) } (change_form(c, one)) }
            },
            active_tag(c, one.active, w::INACTIVE),
            time::element(one.created),
        ]);
    }
    html! { (table) }
}

fn change_form(c: &Ctx, one: &StaffView) -> Markup {
    html! {
        form method="post" action={ "/admin/staff/" (one.id) } {
            (csrf(c))
            (checks("role", c.t(w::ROLES), None, &role_choices(c, &one.roles)))
            (tick("active", c.t(w::STAFF_ACTIVE), one.active))
            button.slim type="submit" { (c.t(w::CHANGE)) }
        }
    }
}

fn invite_form(c: &Ctx) -> Markup {
    html! {
        form.sheet method="post" action="/admin/staff" {
            h2 { (c.t(w::INVITE_STAFF)) }
            (csrf(c))
            (checks("role", c.t(w::ROLES), None, &role_choices(c, &[])))
            button type="submit" { (c.t(w::INVITE_STAFF_GO)) }
        }
    }
}

fn key_table(c: &Ctx, keys: &[ApiKeyView]) -> Markup {
    let mut table = Table::new(c.t(w::KEYS), c.t(w::KEYS_NONE))
        .column(c.t(w::COL_NAME), Set::Text)
        .column(c.t(w::COL_ROLES), Set::Text)
        .column(c.t(w::COL_SITE), Set::Text)
        .column(c.t(w::COL_ACTIVE), Set::Tight)
        .column(c.t(w::COL_SINCE), Set::Tight)
        .column(c.t(w::REVOKE), Set::Action);
    for key in keys {
        table.row(vec![
            html! { (key.name) },
            names::role_tags(c, &key.roles),
            html! { (key.site.as_deref().unwrap_or_default()) },
            active_tag(c, key.active, w::REVOKED),
            time::element(key.created),
            html! { @if key.active {
                form.inline method="post" action={ "/admin/keys/" (key.id) "/revoke" } data-confirm=(c.t(w::REVOKE_SURE)) {
                    (csrf(c))
                    button.plain.slim type="submit" { (c.t(w::REVOKE)) }
                }
            } },
        ]);
    }
    html! { (table) }
}

fn key_form(c: &Ctx, sites: &[SiteView]) -> Markup {
    let mut options = vec![(String::new(), c.t(w::KEY_SITE_NONE).to_owned())];
    options.extend(
        sites
            .iter()
            .map(|site| (site.id.clone(), site.name.clone())),
    );
    html! {
        form.sheet method="post" action="/admin/keys" {
            h2 { (c.t(w::KEY_NEW)) }
            (csrf(c))
            div.grid2 {
                (Input::text("name", c.t(w::KEY_NAME)).hint(c.t(w::KEY_NAME_HINT)).required())
                (Select::new("site", c.t(w::KEY_SITE), &options))
            }
            (checks("role", c.t(w::ROLES), None, &role_choices(c, &[Role::Reader])))
            button type="submit" { (c.t(w::KEY_GO)) }
        }
    }
}

/// A secret in the only page that ever shows it.
fn shown_once(c: &Ctx, said: &str, secret: &str) -> Markup {
    html! {
        div.note.ok role="status" {
            strong { (said) }
            div.row {
                span.secret #once { (secret) }
                button.plain.slim type="button" data-copy="once" data-done=(c.t(shell::COPIED)) { (c.t(shell::COPY)) }
            }
        }
    }
}

async fn refused(desk: &Desk, error: liuhen_service::ServiceError) -> Answer {
    let note = refusal(&desk.c, error.into())?;
    Ok(page(desk, Some(&note), &html! {}).await?.into_response())
}

async fn invite(posted: Posted) -> Answer {
    let desk = &posted.desk;
    match desk
        .state
        .service()
        .invite_staff(&desk.caller(), &roles(&posted.form))
        .await
    {
        Ok(secret) => {
            let link = format!(
                "{}/setup?secret={}",
                desk.state.base_url(),
                layout::quote(&secret)
            );
            let once = shown_once(&desk.c, desk.c.t(w::INVITE_STAFF_SAID), &link);
            Ok(page(desk, None, &once).await?.into_response())
        }
        Err(error) => refused(desk, error).await,
    }
}

async fn change(Path(id): Path<String>, posted: Posted) -> Answer {
    let (desk, form) = (&posted.desk, &posted.form);
    match desk
        .state
        .service()
        .set_staff(&desk.caller(), &id, &roles(form), form.ticked("active"))
        .await
    {
        Ok(()) => Ok(go("/admin?done=1")),
        Err(error) => refused(desk, error).await,
    }
}

async fn make_key(posted: Posted) -> Answer {
    let (desk, form) = (&posted.desk, &posted.form);
    let made = desk
        .state
        .service()
        .create_api_key(
            &desk.caller(),
            form.get("name"),
            &roles(form),
            form.some("site"),
        )
        .await;
    match made {
        Ok((_, secret)) => {
            let once = shown_once(&desk.c, desk.c.t(w::KEY_SAID), &secret);
            Ok(page(desk, None, &once).await?.into_response())
        }
        Err(error) => refused(desk, error).await,
    }
}

async fn revoke(Path(id): Path<String>, posted: Posted) -> Answer {
    let desk = &posted.desk;
    match desk
        .state
        .service()
        .revoke_api_key(&desk.caller(), &id)
        .await
    {
        Ok(()) => Ok(go("/admin?done=1")),
        Err(error) => refused(desk, error).await,
    }
}
