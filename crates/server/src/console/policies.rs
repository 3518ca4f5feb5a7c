//! Policies: the Cedar text, checked before it is put in force, with the reasons people read and the history.

use axum::Router;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use liuhen_service::{PolicyProblem, PolicyVersion, PolicyView, Role};
use maud::{Markup, html};

use super::request::{Answer, Desk, Done, Page, Posted, done, go, refusal};
use crate::extract::Query;
use crate::state::AppState;
use crate::ui::form::{area, csrf};
use crate::ui::table::{Set, Table};
use crate::ui::words::before as w;
use crate::ui::{Ctx, Note, layout, time};

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/policies", get(show).post(save))
        .route("/policies/check", post(check).get(show))
}

async fn show(desk: Desk, Query(query): Query<Done>) -> Page {
    let note = done(&desk.c, &query);
    page(&desk, None, note.as_ref()).await
}

async fn page(desk: &Desk, draft: Option<&str>, note: Option<&Note>) -> Page {
    let (policy, history) = desk
        .ask(|service, _| Ok((service.policy()?, service.policy_history()?)))
        .await?;
    let c = &desk.c;
    let admin = c.has(&[Role::Admin]);
    let text = draft.unwrap_or(&policy.text);
    let body = html! {
        section.sheet { header { h2 { (c.t(w::POLICY_IN_FORCE)) } (version_line(c, &policy)) } (reasons(c, &policy)) }
        @if admin { (editor(c, text, &policy.version)) }
        @else { section.sheet { p.muted { (c.t(w::ONLY_ADMIN)) } pre { (policy.text) } } }
        section.sheet { h2 { (c.t(w::POLICY_HISTORY)) } (history_table(c, &history)) }
    };
    Ok(layout::page(
        c,
        c.t(w::POLICIES),
        Some(c.t(w::POLICIES_LEAD)),
        note,
        &body,
    ))
}

fn version_line(c: &Ctx, policy: &PolicyView) -> Markup {
    html! { span.muted.small { (c.t(w::POLICY_NOW)) " " code { (policy.version) } @if policy.updated > 0 { " · " (time::element(policy.updated)) " · " (policy.by) } } }
}

fn reasons(c: &Ctx, policy: &PolicyView) -> Markup {
    let mut table = Table::new(c.t(w::POLICY_IN_FORCE), "—")
        .column(c.t(w::POLICY_EFFECT), Set::Tight)
        .column(c.t(w::REASON), Set::Text)
        .column("@id", Set::Text);
    for line in &policy.policies {
        let effect = if line.effect == "permit" {
            html! { span.tag.ok { (c.t(w::POLICY_PERMIT)) } }
        } else {
            html! { span.tag.bad { (c.t(w::POLICY_FORBID)) } }
        };
        table.row(vec![
            effect,
            html! { (c.either(&line.zh, &line.en)) },
            html! { code { (line.id) } },
        ]);
    }
    html! { (table) }
}

fn editor(c: &Ctx, text: &str, version: &str) -> Markup {
    html! {
        form.sheet method="post" action="/policies" {
            (csrf(c))
            // Two people may edit at once: whoever saves second is told instead of overwriting the first.
            input type="hidden" name="version" value=(version);
            (area("text", c.t(w::POLICY_TEXT), text, Some(c.t(w::POLICY_HINT)), true))
            div #checked aria-live="polite" {}
            div.row {
                button type="submit" { (c.t(w::POLICY_SAVE)) }
                button.plain type="submit" formaction="/policies/check" hx-post="/policies/check" hx-target="#checked" { (c.t(w::POLICY_CHECK)) }
            }
        }
    }
}

fn history_table(c: &Ctx, history: &[PolicyVersion]) -> Markup {
    let mut table = Table::new(c.t(w::POLICY_HISTORY), c.t(w::POLICY_UNCHANGED))
        .column(c.t(w::UPDATED), Set::Tight)
        .column(c.t(w::POLICY_BY), Set::Text)
        .column(c.t(w::VERSION), Set::Text);
    for version in history {
        table.row(vec![
            time::element(version.updated),
            html! { (version.by) },
            html! { code { (version.version) } },
        ]);
    }
    html! { (table) }
}

fn verdict(c: &Ctx, problems: &[PolicyProblem]) -> Note {
    if problems.is_empty() {
        return Note::good(c.t(w::POLICY_GOOD));
    }
    let note = Note::bad(c.f(w::POLICY_PROBLEMS, &[("n", &problems.len())]));
    problems
        .iter()
        .fold(note, |note, problem| match problem.line {
            0 => note.line(problem.message.clone()),
            line => note.line(c.f(
                w::POLICY_LINE,
                &[("n", &line), ("message", &problem.message)],
            )),
        })
}

async fn check(headers: axum::http::HeaderMap, posted: Posted) -> Answer {
    let text = posted.form.exact("text").replace("\r\n", "\n");
    let asked = text.clone();
    let problems = posted
        .desk
        .ask(move |service, _| Ok(service.check_policy(&asked)))
        .await?;
    let note = verdict(&posted.desk.c, &problems);
    if headers.contains_key("hx-request") {
        return Ok(html! { (note) }.into_response());
    }
    Ok(page(&posted.desk, Some(&text), Some(&note))
        .await?
        .into_response())
}

async fn save(posted: Posted) -> Answer {
    // Browsers send line ends as CR LF; the text is kept and hashed with LF.
    let text = posted.form.exact("text").replace("\r\n", "\n");
    let desk = &posted.desk;
    let asked = text.clone();
    let problems = desk
        .ask(move |service, _| Ok(service.check_policy(&asked)))
        .await?;
    if !problems.is_empty() {
        return Ok(page(desk, Some(&text), Some(&verdict(&desk.c, &problems)))
            .await?
            .into_response());
    }
    match desk
        .state
        .service()
        .put_policy(&desk.caller(), &text, posted.form.get("version"))
        .await
    {
        Ok(_) => Ok(go("/policies?done=1")),
        Err(error) => {
            let note = refusal(&desk.c, error.into())?;
            Ok(page(desk, Some(&text), Some(&note)).await?.into_response())
        }
    }
}
