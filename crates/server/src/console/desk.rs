//! The desk: a person who was identified gets the link and code of his own page, or has a consent or objection noted.
//!
//! Shows nothing of the person: whoever works here needs to find him, not to read him.

use axum::Router;
use axum::routing::get;
use liuhen_service::{Guardian, Handle, KindView, PersonInvite, PurposeView};
use maud::{Markup, html};

use super::look::handle;
use super::request::{Desk, Page, Pairs, Posted, refusal};
use super::sign::qr;
use crate::error::ApiError;
use crate::state::AppState;
use crate::ui::form::{Input, Select, csrf, radios};
use crate::ui::words::{after as w, during, shell};
use crate::ui::{Ctx, Note, layout, time};

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/desk", get(show).post(carry_out))
}

/// What a person can ask for here: the form's value and its words.
const ERRANDS: [(&str, crate::ui::i18n::Phrase); 5] = [
    ("link", w::DO_LINK),
    ("consent", w::DO_CONSENT),
    ("withdraw", w::DO_WITHDRAW),
    ("object", w::DO_OBJECT),
    ("lift", w::DO_LIFT),
];

async fn show(desk: Desk) -> Page {
    page(&desk, &Pairs(Vec::new()), None).await
}

async fn page(desk: &Desk, typed: &Pairs, note: Option<&Note>) -> Page {
    let (purposes, kinds) = desk
        .ask(|service, _| Ok((service.purposes(), service.kinds())))
        .await?;
    let c = &desk.c;
    let body = html! {
        form method="post" action="/desk" {
            (csrf(c))
            div.grid2 {
                section.sheet { h2 { (c.t(w::DESK_FIND)) } (find(c, &kinds, typed)) }
                section.sheet { h2 { (c.t(w::DESK_WHAT)) } (errand(c, &purposes, typed)) }
            }
            div { button type="submit" { (c.t(w::DESK_GO)) } }
        }
    };
    Ok(layout::page(
        c,
        c.t(w::DESK),
        Some(c.t(w::DESK_LEAD)),
        note,
        &body,
    ))
}

fn find(c: &Ctx, kinds: &[KindView], typed: &Pairs) -> Markup {
    let by = typed.some("by").unwrap_or("value");
    let ways = [
        ("value", during::BY_VALUE),
        ("token", during::BY_TOKEN),
        ("subject", during::BY_SUBJECT),
    ]
    .map(|(value, phrase)| (value.to_owned(), c.t(phrase).to_owned(), by == value));
    let kinds: Vec<_> = kinds
        .iter()
        .map(|kind| {
            (
                kind.name.name().to_owned(),
                c.either(&kind.label_zh, &kind.label_en).to_owned(),
            )
        })
        .collect();
    html! {
        (radios("by", c.t(w::DESK_BY), None, &ways))
        (Select::new("kind", c.t(w::DESK_KIND), &kinds).chosen(typed.some("kind").unwrap_or("resident_id")))
        (Input::text("value", c.t(w::DESK_VALUE)).value(typed.get("value")).hint(c.t(w::DESK_VALUE_HINT)).required())
        (Input::text("evidence", c.t(w::DESK_EVIDENCE)).value(typed.get("evidence")).hint(c.t(w::DESK_EVIDENCE_HINT)).required())
    }
}

fn errand(c: &Ctx, purposes: &[PurposeView], typed: &Pairs) -> Markup {
    let chosen = typed.some("do").unwrap_or("link");
    let errands =
        ERRANDS.map(|(value, phrase)| (value.to_owned(), c.t(phrase).to_owned(), value == chosen));
    let purposes: Vec<_> = purposes
        .iter()
        .map(|purpose| {
            (
                purpose.id.clone(),
                c.either(&purpose.name_zh, &purpose.name_en).to_owned(),
            )
        })
        .collect();
    html! {
        (radios("do", c.t(w::DESK_WHAT), None, &errands))
        (Select::new("purpose", c.t(w::DESK_PURPOSE), &purposes).chosen(typed.get("purpose")).hint(c.t(w::DESK_PURPOSE_HINT)))
        details {
            summary.small { (c.t(w::DESK_GUARDIAN)) }
            (Input::text("guardian", c.t(w::DESK_GUARDIAN_NAME)).value(typed.get("guardian")).hint(c.t(w::DESK_GUARDIAN_HINT)))
            (Input::text("relation", c.t(w::DESK_GUARDIAN_RELATION)).value(typed.get("relation")))
        }
    }
}

async fn carry_out(posted: Posted) -> Page {
    let (desk, form) = (&posted.desk, &posted.form);
    match attempt(desk, form).await {
        Ok(Some(invite)) => Ok(handed_over(desk, &invite)),
        Ok(None) => {
            page(
                desk,
                &Pairs(Vec::new()),
                Some(&Note::good(desk.c.t(w::DESK_DONE))),
            )
            .await
        }
        Err(error) => {
            let note = refusal(&desk.c, error)?;
            page(desk, form, Some(&note)).await
        }
    }
}

async fn attempt(desk: &Desk, form: &Pairs) -> Result<Option<PersonInvite>, ApiError> {
    let person: Handle = handle(form.get("by"), form.get("kind"), form.get("value"))?;
    let (service, caller) = (desk.state.service(), desk.caller());
    let (purpose, evidence) = (form.get("purpose"), form.get("evidence"));
    match form.get("do") {
        "link" => {
            return Ok(Some(
                service.invite_person(&caller, &person, evidence).await?,
            ));
        }
        "consent" => drop(
            service
                .set_consent(&caller, &person, purpose, true, evidence, guardian(form))
                .await?,
        ),
        "withdraw" => drop(
            service
                .set_consent(&caller, &person, purpose, false, evidence, None)
                .await?,
        ),
        "object" => drop(service.set_objection(&caller, &person, true).await?),
        "lift" => drop(service.set_objection(&caller, &person, false).await?),
        _ => return Err(ApiError::malformed("no such errand")),
    }
    Ok(None)
}

/// Who consents for a child, where the form names somebody.
fn guardian(form: &Pairs) -> Option<Guardian> {
    Some(Guardian {
        subject: None,
        name: form.some("guardian")?.to_owned(),
        relation: form.get("relation").to_owned(),
    })
}

fn handed_over(desk: &Desk, invite: &PersonInvite) -> Markup {
    let c = &desk.c;
    let link = format!("{}/p/{}", desk.state.base_url(), invite.link_secret);
    let body = html! {
        section.sheet {
            p { (c.t(w::INVITE_LEAD)) }
            div.grid2 {
                div.field {
                    span.label { (c.t(w::INVITE_LINK)) }
                    div.qr.small { (qr(&link)) }
                    span.secret #person-link { (link) }
                    div.noprint { button.plain.slim type="button" data-copy="person-link" data-done=(c.t(shell::COPIED)) { (c.t(shell::COPY)) } }
                }
                div.field {
                    span.label { (c.t(w::INVITE_CODE)) }
                    span.secret.big #person-code { (grouped(&invite.code)) }
                    span.hint { (c.t(w::INVITE_RULES)) }
                    span.hint { (c.t(w::INVITE_EXPIRES)) " " (time::element(invite.expires)) }
                }
            }
            div.row.noprint {
                button.plain type="button" data-print { (c.t(w::PRINT)) }
                a href="/desk" { (c.t(w::DESK)) }
            }
        }
    };
    layout::page(c, c.t(w::INVITE), None, None, &body)
}

/// Two groups of four, as people read numbers aloud.
fn grouped(code: &str) -> String {
    match code.split_at_checked(4) {
        Some((first, second)) => format!("{first} {second}"),
        None => code.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_shown_in_groups() {
        assert_eq!(grouped("12345678"), "1234 5678");
        assert_eq!(grouped("12"), "12");
    }
}
