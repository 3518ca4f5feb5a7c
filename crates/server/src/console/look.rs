//! Looking: a declared purpose, whom, which fields, how much; then the answer with its reasons and receipt.
//!
//! The answer is the body of the form's own reply: no address leads back to it, and nothing of it is kept.

use std::collections::BTreeSet;

use axum::Router;
use axum::routing::get;
use liuhen_kinds::Kind;
use liuhen_service::{
    CollectionView, Handle, KindView, Outcome, PurposeView, Question, ReadAnswer, ReadRequest,
    ReceiptView, SubjectAnswer, View,
};
use maud::{Markup, html};

use super::offer;
use super::request::{Desk, Page, Pairs, Posted, refusal};
use crate::state::AppState;
use crate::ui::form::{Input, Select, area, checks, csrf, radios};
use crate::ui::layout::quote;
use crate::ui::words::{during as w, names as n};
use crate::ui::{Ctx, Note, layout, names};

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/look", get(show).post(look))
}

/// What the form offers.
struct Choices {
    purposes: Vec<PurposeView>,
    collections: Vec<CollectionView>,
    kinds: Vec<KindView>,
}

async fn choices(desk: &Desk) -> Result<Choices, crate::ApiError> {
    desk.ask(|service, _| {
        Ok(Choices {
            purposes: service.purposes(),
            collections: service.collections(),
            kinds: service.kinds(),
        })
    })
    .await
}

async fn show(desk: Desk) -> Page {
    page(&desk, &Pairs(Vec::new()), None, &html! {}).await
}

async fn page(desk: &Desk, typed: &Pairs, note: Option<&Note>, answer: &Markup) -> Page {
    let choices = choices(desk).await?;
    let c = &desk.c;
    let body = html! {
        (answer)
        @if choices.purposes.is_empty() { (Note::bad(c.t(w::NO_PURPOSE))) }
        @else { (look_form(c, &choices, typed)) }
    };
    Ok(layout::page(
        c,
        c.t(w::LOOK),
        Some(c.t(w::LOOK_LEAD)),
        note,
        &body,
    ))
}

fn look_form(c: &Ctx, choices: &Choices, typed: &Pairs) -> Markup {
    html! {
        form method="post" action="/look" {
            (csrf(c))
            div.grid2 {
                section.sheet { h2 { (c.t(w::LOOK_WHOM)) } (whom(c, choices, typed)) }
                section.sheet { h2 { (c.t(w::LOOK_WHY)) } (why(c, choices, typed)) }
            }
            div { button type="submit" { (c.t(w::LOOK_GO)) } }
        }
    }
}

fn whom(c: &Ctx, choices: &Choices, typed: &Pairs) -> Markup {
    let by = typed.some("by").unwrap_or("value");
    let ways = [
        ("value", w::BY_VALUE),
        ("token", w::BY_TOKEN),
        ("subject", w::BY_SUBJECT),
    ]
    .map(|(value, phrase)| (value.to_owned(), c.t(phrase).to_owned(), by == value));
    let kinds = identifying(c, choices);
    html! {
        (radios("by", c.t(w::BY), None, &ways))
        (Select::new("kind", c.t(w::VALUE_KIND), &kinds).chosen(typed.some("kind").unwrap_or("mobile")))
        (area("values", c.t(w::VALUES), typed.get("values"), Some(c.t(w::VALUES_HINT)), false))
        (Input::text("reference", c.t(w::REFERENCE)).value(typed.get("reference")).hint(c.t(w::REFERENCE_HINT)))
    }
}

/// Kinds that stand in the collections first, since those can lead to somebody; all when there are none.
fn identifying(c: &Ctx, choices: &Choices) -> Vec<(String, String)> {
    let present: BTreeSet<Kind> = choices
        .collections
        .iter()
        .flat_map(|collection| &collection.fields)
        .filter_map(|field| field.kind)
        .collect();
    let label = |kind: &KindView| {
        (
            kind.name.name().to_owned(),
            c.either(&kind.label_zh, &kind.label_en).to_owned(),
        )
    };
    let some: Vec<_> = choices
        .kinds
        .iter()
        .filter(|kind| present.contains(&kind.name))
        .map(label)
        .collect();
    if some.is_empty() {
        choices.kinds.iter().map(label).collect()
    } else {
        some
    }
}

fn why(c: &Ctx, choices: &Choices, typed: &Pairs) -> Markup {
    let purposes = offer::purposes(c, &choices.purposes);
    let collections = offer::collections(&choices.collections);
    let chosen = typed.all("field");
    let fields = offer::fields(c, &choices.collections, |name| {
        chosen.iter().any(|one| one == name)
    });
    let view = typed.some("view").unwrap_or("masked");
    let views = [View::Masked, View::Plain, View::Answer].map(|one| {
        let name = view_name(one);
        (
            name.to_owned(),
            c.t(names::view(one)).to_owned(),
            name == view,
        )
    });
    let mut askable = vec![(String::new(), c.t(n::NONE).to_owned())];
    askable.extend(
        fields
            .iter()
            .map(|(name, label, _)| (name.clone(), label.clone())),
    );
    html! {
        (Select::new("purpose", c.t(w::PURPOSE), &purposes).chosen(typed.get("purpose")))
        @if collections.len() > 1 { (Select::new("collection", c.t(w::COLLECTION), &collections).chosen(typed.get("collection"))) }
        (checks("field", c.t(w::FIELDS), Some(c.t(w::FIELDS_HINT)), &fields))
        (radios("view", c.t(w::VIEW), Some(c.t(w::VIEW_HINT)), &views))
        details open[view == "answer"] {
            summary { (c.t(w::QUESTION)) }
            div.stack {
                (Select::new("ask_field", c.t(w::ASK_FIELD), &askable).chosen(typed.get("ask_field")))
                (Input::text("ask_equals", c.t(w::ASK_EQUALS)))
                (Input::text("ask_age", c.t(w::ASK_AGE)).kind("number").value(typed.get("ask_age")))
            }
        }
    }
}

fn view_name(view: View) -> &'static str {
    match view {
        View::Plain => "plain",
        View::Masked => "masked",
        View::Answer => "answer",
    }
}

/// Reads the form; an unknown kind or view is refused rather than guessed.
fn request(form: &Pairs) -> Result<ReadRequest, crate::ApiError> {
    let wrong = |what: &'static str| crate::ApiError::malformed(what);
    let view = match form.get("view") {
        "plain" => View::Plain,
        "answer" => View::Answer,
        "masked" => View::Masked,
        _ => return Err(wrong("no such view")),
    };
    let subjects: Result<Vec<Handle>, crate::ApiError> = form
        .get("values")
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(|line| handle(form.get("by"), form.get("kind"), line))
        .collect();
    let mut fields = form.all("field");
    let questions = questions(form);
    for question in &questions {
        if let Question::Equals { field, .. } = question
            && !fields.contains(field)
        {
            // What is asked about is a field that was looked at.
            fields.push(field.clone());
        }
    }
    Ok(ReadRequest {
        purpose: form.get("purpose").to_owned(),
        subjects: subjects?,
        collection: form.some("collection").map(str::to_owned),
        fields,
        view,
        questions: if view == View::Answer {
            questions
        } else {
            Vec::new()
        },
        reference: form.some("reference").map(str::to_owned),
    })
}

/// A person named by an exact value, a token or an id.
pub(super) fn handle(by: &str, kind: &str, text: &str) -> Result<Handle, crate::ApiError> {
    match by {
        "token" => Ok(Handle::Token {
            token: text.to_owned(),
        }),
        "subject" => Ok(Handle::Subject {
            subject: text.to_owned(),
        }),
        _ => {
            let kind = Kind::parse(kind).map_err(|_| crate::ApiError::malformed("no such kind"))?;
            Ok(Handle::Value {
                kind,
                value: text.to_owned(),
            })
        }
    }
}

fn questions(form: &Pairs) -> Vec<Question> {
    let mut questions = Vec::new();
    if let (Some(field), Some(equals)) = (form.some("ask_field"), form.some("ask_equals")) {
        questions.push(Question::Equals {
            field: field.to_owned(),
            equals: equals.to_owned(),
        });
    }
    if let Some(age_at_least) = form.number("ask_age") {
        questions.push(Question::Age { age_at_least });
    }
    questions
}

async fn look(posted: Posted) -> Page {
    let desk = &posted.desk;
    let answered = match request(&posted.form) {
        Ok(request) => {
            let answer = desk.state.service().read(&desk.caller(), &request).await;
            answer.map(|answer| (answer, request)).map_err(Into::into)
        }
        Err(error) => Err(error),
    };
    match answered {
        Ok((answer, request)) => {
            page(
                desk,
                &posted.form,
                None,
                &answer_part(&desk.c, &answer, &request),
            )
            .await
        }
        Err(error) => {
            let note = refusal(&desk.c, error)?;
            page(desk, &posted.form, Some(&note), &html! {}).await
        }
    }
}

fn answer_part(c: &Ctx, answer: &ReadAnswer, request: &ReadRequest) -> Markup {
    html! {
        section.sheet #answer aria-live="polite" {
            header { h2 { (c.t(w::ANSWER)) } span.muted.small { (c.f(w::ANSWER_LEAD, &[("decision", &answer.decision)])) } }
            @for (i, result) in answer.results.iter().enumerate() {
                div.stack.answer {
                    @if answer.results.len() > 1 { h3 { (c.f(w::PERSON_N, &[("n", &(i + 1))])) } }
                    (one(c, result, request))
                }
            }
        }
    }
}

fn one(c: &Ctx, result: &SubjectAnswer, request: &ReadRequest) -> Markup {
    html! {
        div.row {
            (names::outcome_tag(c, result.outcome))
            @if let Some(subject) = &result.subject { span.muted.small { (c.t(w::BY_SUBJECT)) " " code { (subject) } } }
            @if let Some(token) = &result.token { span.muted.small { (c.t(w::TOKEN)) " " code { (token) } } }
        }
        (reasons(c, result))
        @if result.outcome == Outcome::Erased { p { (c.t(w::ERASED_SAID)) } }
        @if result.outcome == Outcome::Unknown { p { (c.t(w::UNKNOWN_SAID)) } }
        @if !result.fields.is_empty() || !result.answers.is_empty() {
            dl.facts {
                @for field in &result.fields {
                    dt { (c.either(&field.label_zh, &field.label_en)) } dd.value { (field.value) }
                }
                @for (question, yes) in request.questions.iter().zip(&result.answers) {
                    dt { (question_text(c, question)) } dd.value { (c.t(if *yes { n::YES } else { n::NO })) }
                }
            }
        }
        (receipt(c, &result.receipt))
    }
}

fn question_text(c: &Ctx, question: &Question) -> String {
    match question {
        Question::Equals { field, .. } => {
            c.f(w::QUESTION_EQUALS, &[("field", &names::field(c, field))])
        }
        Question::Age { age_at_least } => c.f(w::QUESTION_AGE, &[("n", age_at_least)]),
    }
}

fn reasons(c: &Ctx, result: &SubjectAnswer) -> Markup {
    if result.reasons.is_empty() {
        return html! {};
    }
    let (class, head) = match result.outcome {
        Outcome::Refused => ("note bad", w::REASONS_REFUSED),
        _ => ("note warn", w::REASONS_MASKED),
    };
    html! {
        div class=(class) {
            strong { (c.t(head)) }
            ul { @for reason in &result.reasons { li { (c.either(&reason.zh, &reason.en)) " " code.muted { (reason.policy) } } } }
        }
    }
}

/// A receipt to keep. It holds hashes and a signature only, so it may stand in the page's own address of a file.
pub(super) fn receipt(c: &Ctx, receipt: &ReceiptView) -> Markup {
    let file = format!("data:text/plain;charset=utf-8,{}", quote(&receipt.note));
    html! {
        p.small.muted {
            (c.f(w::RECEIPT_SAID, &[("n", &receipt.index)])) " · "
            a href=(file) download={ "receipt-" (receipt.index) ".txt" } { (c.t(w::RECEIPT_GET)) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Lang;

    fn form(rows: &[(&str, &str)]) -> Pairs {
        Pairs(
            rows.iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        )
    }

    #[test]
    fn a_form_becomes_a_request() {
        let form = form(&[
            ("by", "value"),
            ("kind", "mobile"),
            ("values", " a \r\n\r\nb"),
            ("purpose", "delivery"),
            ("field", "address"),
            ("view", "answer"),
            ("ask_field", "person_name"),
            ("ask_equals", "x"),
            ("ask_age", "18"),
        ]);
        let request = request(&form).unwrap();
        assert_eq!(request.subjects.len(), 2);
        assert_eq!(request.fields, ["address", "person_name"]);
        assert_eq!(request.questions.len(), 2);
        assert_eq!(request.collection, None);
    }

    #[test]
    fn refuses_kinds_and_views_it_does_not_know() {
        for rows in [
            [
                ("by", "value"),
                ("kind", "shoe_size"),
                ("values", "44"),
                ("view", "masked"),
            ],
            [
                ("by", "value"),
                ("kind", "mobile"),
                ("values", "1"),
                ("view", "everything"),
            ],
        ] {
            assert!(request(&form(&rows)).is_err());
        }
    }

    #[test]
    fn hostile_values_are_escaped() {
        let c = Ctx::stranger(Lang::Zh, "/look");
        let hostile = "<img src=x onerror=alert(1)>";
        let result = SubjectAnswer {
            outcome: Outcome::Plain,
            reasons: vec![],
            subject: None,
            token: None,
            fields: vec![liuhen_service::Released {
                name: hostile.into(),
                kind: None,
                label_zh: hostile.into(),
                label_en: hostile.into(),
                value: hostile.into(),
            }],
            answers: vec![],
            receipt: ReceiptView {
                index: 7,
                leaf_hash: String::new(),
                note: "a\n<b>".into(),
            },
        };
        let request = request(&form(&[("view", "masked")])).unwrap();
        let page = one(&c, &result, &request).into_string();
        assert!(
            !page.contains("<img") && page.contains("&lt;img src=x"),
            "{page}"
        );
        assert!(
            page.contains("data:text/plain;charset=utf-8,a%0A%3Cb%3E"),
            "{page}"
        );
    }
}
