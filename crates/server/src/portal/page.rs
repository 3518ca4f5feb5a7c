//! The person's page: his trace with proofs, what is kept, his consents, and what he can do.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use liuhen_service::{ConsentView, OwnEntry, OwnFace, OwnRecord, PersonView};
use maud::{Markup, html};

use super::say::sentence;
use crate::auth::PersonSession;
use crate::error::ApiError;
use crate::extract::Query;
use crate::lang::Lang;
use crate::state::AppState;
use crate::ui::form::csrf;
use crate::ui::i18n::Phrase;
use crate::ui::table::{Set, Table};
use crate::ui::words::{portal as w, shell};
use crate::ui::{Ctx, Note, assets, layout, names, time};

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/me", get(show))
        .route("/me/key", get(key_file))
}

#[derive(serde::Deserialize)]
struct Done {
    done: Option<String>,
}

/// The surroundings of a person's page.
pub(super) fn context(session: &PersonSession, lang: Lang, back: &str) -> Ctx {
    Ctx {
        lang,
        staff: None,
        csrf: session.csrf().token().to_owned(),
        back: back.to_owned(),
    }
}

async fn show(
    State(state): State<AppState>,
    session: PersonSession,
    lang: Lang,
    Query(query): Query<Done>,
) -> Result<Markup, ApiError> {
    let c = context(&session, lang, "/me");
    let note = query.done.map(|_| Note::good(c.t(shell::SAVED)));
    me(&state, &session, &c, note.as_ref()).await
}

/// `GET /me/key`: the person's key file, for `liuhen verify mine` on his own machine.
async fn key_file(
    State(state): State<AppState>,
    session: PersonSession,
) -> Result<impl IntoResponse, ApiError> {
    let text = state
        .service()
        .person_key_file(&session.0, state.base_url())?;
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"liuhen-key.txt\"",
        ),
    ];
    Ok((headers, text.to_string()))
}

/// The whole page, under a note about what was just done.
pub(super) async fn me(
    state: &AppState,
    session: &PersonSession,
    c: &Ctx,
    note: Option<&Note>,
) -> Result<Markup, ApiError> {
    let mut view = state.service().person_view(&session.0).await?;
    if view.entries.iter().any(|entry| entry.proof.is_none()) {
        // Opening the page is itself an event, and the next checkpoint is at most a second away.
        tokio::time::sleep(Duration::from_millis(1200)).await;
        view = state.service().person_view(&session.0).await?;
    }
    let body = html! {
        @if let Some(note) = note { (note) }
        (trace(c, state, &view))
        section.sheet { h2 { (c.t(w::HELD)) } (records(c, &view.records)) }
        section.sheet { h2 { (c.t(w::CONSENTS)) } (consents(c, &view.consents)) }
        (faces(c, &view.faces))
        (super::devices::section(c, &view.devices))
        (marketing(c, view.objects_marketing))
        section.sheet {
            h2 { (c.t(w::CANCEL)) }
            p { (c.t(w::CANCEL_LEAD)) }
            a.button.plain href="/me/cancel" { (c.t(w::CANCEL_NEXT)) }
        }
        (limits(c))
        form method="post" action="/me/leave" { (csrf(c)) button.plain type="submit" { (c.t(w::LEAVE)) } }
        script type="module" src=(assets::href("verify-page.js")) {}
    };
    Ok(layout::alone(c, c.t(w::PORTAL), "reading", &body))
}

fn trace(c: &Ctx, state: &AppState, view: &PersonView) -> Markup {
    // A log signs under its own name, so the checkpoint must come from the log that the key names.
    let origin = view.vkey.split('+').next().unwrap_or_default();
    let shown = view.entries.len();
    let all = u64::try_from(shown).is_ok_and(|shown| shown >= view.entries_total);
    html! {
        section.sheet {
            h2 { (c.t(w::WHO_LOOKED)) }
            p.muted { (c.t(w::WHO_LOOKED_LEAD)) }
            div.note #verdict role="status" aria-live="polite" { p { (c.t(w::CHECKING)) } }
            noscript { (Note::bad(c.t(w::NO_SCRIPT))) }
            @if !all { p.muted.small { (c.f(w::TRUNCATED, &[("shown", &shown), ("total", &view.entries_total)])) } }
            ol.trace #trace data-key=(view.trace_key) data-checkpoint=(view.checkpoint) data-vkey=(view.vkey) data-origin=(origin)
                data-total=(view.entries_total) data-policy=(policy(state)) data-words=(page_words(c)) {
                @for entry in &view.entries { (item(c, entry)) }
            }
            @if view.entries.is_empty() { p.empty { (c.t(w::NOTHING_YET)) } }
            p.muted.small { (c.t(w::KEY_FILE_LEAD)) }
            a.button.plain href="/me/key" download { (c.t(w::KEY_FILE)) }
        }
    }
}

/// Whom the page asks to confirm: the witnesses this log names.
fn policy(state: &AppState) -> String {
    let (witnesses, quorum) = state.service().witnesses();
    let witnesses: Vec<_> = witnesses
        .into_iter()
        .map(|(name, vkey)| serde_json::json!({ "name": name, "vkey": vkey }))
        .collect();
    // Where no number says what suffices, the page only tells who confirmed.
    let quorum = quorum.unwrap_or(witnesses.len());
    serde_json::json!({ "witnesses": witnesses, "quorum": quorum }).to_string()
}

fn item(c: &Ctx, entry: &OwnEntry) -> Markup {
    // No way to fail: a struct of strings and numbers.
    let proof = entry
        .proof
        .as_ref()
        .and_then(|proof| serde_json::to_string(proof).ok());
    let ms = time::parse(&entry.event.time);
    html! {
        li id={ "entry-" (entry.n) } data-n=(entry.n) data-proof=[proof] {
            span.tick aria-hidden="true" {}
            p.say {
                time datetime=(entry.event.time) { (ms.map_or_else(|| entry.event.time.clone(), time::minute)) } " "
                (sentence(c, entry))
                " " span.sr data-state {}
            }
            details {
                summary.muted { "#" (entry.n + 1) " · " (c.t(w::RAW)) }
                pre data-raw { (c.t(w::RAW_LATER)) }
            }
        }
    }
}

/// What verify-page.js says, in the page's language.
fn page_words(c: &Ctx) -> String {
    const WORDS: [(&str, Phrase); 52] = [
        ("all_ok", w::V_ALL_OK),
        ("some_bad", w::V_SOME_BAD),
        ("gap", w::V_GAP),
        ("no_gap", w::V_NO_GAP),
        ("pending_more", w::V_PENDING),
        ("checkpoint_bad", w::V_CHECKPOINT_BAD),
        ("entry_ok", w::V_ENTRY_OK),
        ("entry_bad", w::V_ENTRY_BAD),
        ("pending", w::V_ENTRY_PENDING),
        ("no_crypto", w::V_NO_CRYPTO),
        ("no-ed25519", w::V_NO_ED25519),
        ("malformed", w::V_MALFORMED),
        ("outside-tree", w::V_OUTSIDE_TREE),
        ("path-too-long", w::V_PATH),
        ("path-too-short", w::V_PATH),
        ("bad-vkey", w::V_BAD_VKEY),
        ("bad-checkpoint", w::V_BAD_CHECKPOINT),
        ("other-log", w::V_OTHER_LOG),
        ("bad-signature", w::V_BAD_SIGNATURE),
        ("not-signed", w::V_NOT_SIGNED),
        ("not-in-log", w::V_NOT_IN_LOG),
        ("other-checkpoint", w::V_OTHER_CHECKPOINT),
        ("not-yours", w::V_NOT_YOURS),
        ("other-event", w::V_OTHER_EVENT),
        ("no-checkpoint", w::V_NO_CHECKPOINT),
        ("complete", w::V_COMPLETE),
        ("complete_alone", w::V_COMPLETE_ALONE),
        ("not_demanded", w::V_NOT_DEMANDED),
        ("not_confirmed", w::V_NOT_CONFIRMED),
        ("incomplete", w::V_INCOMPLETE),
        ("hidden", w::V_HIDDEN),
        ("changed", w::V_CHANGED),
        ("unproved", w::V_UNPROVED),
        ("asking", w::V_ASKING),
        ("fewer", w::V_FEWER),
        ("not-ready", w::V_NOT_READY),
        ("no-answer", w::V_NO_ANSWER),
        ("other-question", w::V_OTHER_QUESTION),
        ("not-in-tree", w::V_NOT_IN_LOG),
        ("entry-missing", w::V_ENTRY_MISSING),
        ("not-a-map-root", w::V_MAP),
        ("map-root-too-new", w::V_MAP),
        ("map-proof", w::V_MAP),
        ("gap-in-map", w::V_MAP),
        ("beyond-map", w::V_MAP),
        ("wrong-place", w::V_MAP),
        ("header-missing", w::V_ENTRY_MISSING),
        ("header-differs", w::V_OTHER_EVENT),
        ("bad-cosignature", w::V_BAD_COSIGNATURE),
        ("bad-policy", w::V_BAD_POLICY),
        ("broken-sha256", w::V_BROKEN),
        ("asked-twice", w::V_OTHER_QUESTION),
    ];
    let words: BTreeMap<&str, &str> = WORDS
        .iter()
        .map(|(key, phrase)| (*key, c.t(*phrase)))
        .collect();
    // Strings only: there is no way to fail.
    serde_json::to_string(&words).unwrap_or_default()
}

fn records(c: &Ctx, records: &[OwnRecord]) -> Markup {
    html! {
        @if records.is_empty() { p.empty { (c.t(w::HELD_NONE)) } }
        @for record in records {
            @if records.len() > 1 { h3 { (record.collection) } }
            (record_table(c, record))
        }
    }
}

/// For which purposes a face is kept; nothing where there is none.
fn faces(c: &Ctx, faces: &[OwnFace]) -> Markup {
    html! {
        @if !faces.is_empty() {
            section.sheet {
                h2 { (c.t(w::FACES)) }
                p.muted { (c.t(w::FACES_LEAD)) }
                ul { @for face in faces {
                    li { (c.f(w::FACES_ROW, &[("purpose", &c.either(&face.name_zh, &face.name_en)), ("alternative", &face.alternative)])) " " (time::element(face.since)) }
                } }
            }
        }
    }
}

fn record_table(c: &Ctx, record: &OwnRecord) -> Markup {
    let mut table = Table::new(&record.collection, c.t(w::HELD_NONE))
        .column(c.t(w::COL_FIELD), Set::Text)
        .column(c.t(w::COL_VALUE), Set::Text)
        .column(c.t(w::CORRECT), Set::Text);
    for field in &record.fields {
        table.row(vec![
            html! { (c.either(&field.label_zh, &field.label_en)) },
            html! { span.value { (field.value) } },
            html! { details {
                summary.small { (c.t(w::CORRECT)) }
                form method="post" action="/me/correct" {
                    (csrf(c))
                    input type="hidden" name="collection" value=(record.collection);
                    input type="hidden" name="field" value=(field.name);
                    input type="text" name="value" required aria-label=(c.t(w::CORRECT_NEW)) autocomplete="off";
                    button.slim type="submit" { (c.t(w::CORRECT_GO)) }
                }
            } },
        ]);
    }
    html! { (table) }
}

fn consents(c: &Ctx, consents: &[ConsentView]) -> Markup {
    let mut table = Table::new(c.t(w::CONSENTS), c.t(w::CONSENTS_NONE))
        .column(c.t(w::COL_PURPOSE), Set::Text)
        .column(c.t(w::COL_BASIS), Set::Text)
        .column(c.t(w::COL_STATE), Set::Tight)
        .column(c.t(w::WITHDRAW), Set::Action);
    for consent in consents {
        let given = consent.state == "given";
        table.row(vec![
            html! { (c.either(&consent.name_zh, &consent.name_en)) },
            html! { (c.t(names::basis(consent.basis))) },
            consent_state(c, consent),
            html! { @if given {
                form.inline method="post" action="/me/withdraw" {
                    (csrf(c))
                    input type="hidden" name="purpose" value=(consent.purpose);
                    button.plain.slim type="submit" { (c.t(w::WITHDRAW)) }
                }
            } },
        ]);
    }
    html! { (table) }
}

fn consent_state(c: &Ctx, consent: &ConsentView) -> Markup {
    let (class, phrase) = match consent.state {
        "given" => ("tag ok", w::STATE_GIVEN),
        "withdrawn" => ("tag bad", w::STATE_WITHDRAWN),
        _ if consent.basis == 1 => ("tag", w::STATE_NONE),
        _ => ("tag", w::STATE_NO_NEED),
    };
    html! {
        span class=(class) { (c.t(phrase)) }
        @if let Some(since) = consent.since { " " span.muted.small { (time::day(since)) } }
    }
}

fn marketing(c: &Ctx, objects: bool) -> Markup {
    let (state, button, wish) = if objects {
        (w::MARKETING_OFF, w::LIFT, "no")
    } else {
        (w::MARKETING_ON, w::OBJECT, "yes")
    };
    html! {
        section.sheet {
            h2 { (c.t(w::MARKETING)) }
            p { (c.t(state)) }
            form method="post" action="/me/object" {
                (csrf(c))
                input type="hidden" name="objects" value=(wish);
                button.plain type="submit" { (c.t(button)) }
            }
        }
    }
}

fn limits(c: &Ctx) -> Markup {
    html! {
        details.sheet {
            summary { (c.t(w::LIMITS)) }
            ul { li { (c.t(w::LIMITS_1)) } li { (c.t(w::LIMITS_2)) } li { (c.t(w::LIMITS_3)) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_script_finds_every_word_it_uses() {
        let script = include_str!("../../assets/verify-page.js");
        let verifier = include_str!("../../assets/verify.js");
        let words = page_words(&Ctx::stranger(Lang::En, "/me"));
        let words: BTreeMap<String, String> = serde_json::from_str(&words).unwrap();
        let used = script.match_indices("words.").map(|(at, _)| {
            script[at + 6..]
                .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .next()
                .unwrap()
        });
        // A code is the last argument of `need(…, "code")` or the only one of `Failed("code")`.
        let codes = verifier
            .lines()
            .filter(|line| line.contains("need(") || line.contains("Failed(\""))
            .filter_map(|line| {
                line.trim_end_matches(");")
                    .strip_suffix('"')
                    .and_then(|rest| rest.rsplit('"').next())
            });
        for word in used.chain(codes) {
            assert!(words.contains_key(word), "no words for {word}");
        }
    }
}
