//! One event in words the person understands.

use liuhen_service::{Action, Event, Outcome, OwnEntry};

use crate::ui::words::portal as w;
use crate::ui::{Ctx, names};

/// The sentence for an event, without its time.
pub(super) fn sentence(c: &Ctx, entry: &OwnEntry) -> String {
    let event = &entry.event;
    let who = who(c, event);
    let purpose = match (&entry.purpose_zh, &entry.purpose_en, &event.purpose) {
        (Some(zh), Some(en), _) => c.either(zh, en).to_owned(),
        (_, _, Some(id)) => id.clone(),
        _ => c.t(w::NO_PURPOSE).to_owned(),
    };
    let fields = match event.fields.as_slice() {
        [] => c.t(w::FIELDS_NONE).to_owned(),
        fields => names::fields(c, fields),
    };
    let recipient = event
        .detail("recipient")
        .unwrap_or_else(|| c.t(w::RECIPIENT_NONE))
        .to_owned();
    let action = c.t(names::action(event.action));
    let phrase = match (event.action, event.outcome) {
        (Action::Read, Outcome::Plain) => w::SAY_PLAIN,
        (Action::Read, Outcome::Masked) => w::SAY_MASKED,
        (Action::Read, Outcome::Answered) => w::SAY_ANSWERED,
        (Action::Read, Outcome::Refused) => w::SAY_REFUSED,
        (Action::FaceCheck, Outcome::Answered | Outcome::Failed) => w::SAY_FACE_CHECK,
        (Action::FaceCheck, _) => w::SAY_FACE_CHECK_REFUSED,
        (Action::FaceEnrolment, Outcome::Done) => w::SAY_FACE_ENROLMENT,
        (Action::FaceEnrolment, _) => w::SAY_FACE_NOT_ENROLLED,
        (Action::FaceEnd, _) => w::SAY_FACE_END,
        (Action::Capture, Outcome::Done) => w::SAY_CAPTURE_ASKED,
        (Action::Capture, _) if event.detail("compared").is_some() => w::SAY_CAPTURE_COMPARED,
        (Action::Capture, _) => w::SAY_CAPTURE,
        (Action::Device, _) if event.detail("what") == Some("revoked") => w::SAY_DEVICE_REVOKED,
        (Action::Device, _) => w::SAY_DEVICE,
        (Action::Export, _) => w::SAY_EXPORT,
        (Action::Import, _) => w::SAY_IMPORT,
        (Action::Consent, _) => w::SAY_CONSENT,
        (Action::Objection, _) => w::SAY_OBJECTION,
        (Action::Correction, _) => w::SAY_CORRECTION,
        (Action::Invitation, _) => w::SAY_INVITATION,
        (Action::OwnView, _) => w::SAY_OWN_VIEW,
        (Action::Erasure, _) => w::SAY_ERASURE,
        (Action::SignIn, _) => w::SAY_WRONG_CODE,
        _ => w::SAY_OTHER,
    };
    c.f(
        phrase,
        &[
            ("who", &who),
            ("purpose", &purpose),
            ("fields", &fields),
            ("recipient", &recipient),
            ("action", &action),
        ],
    )
}

/// Staff and services by the name in the trace; the person himself as "you".
fn who(c: &Ctx, event: &Event) -> String {
    if event.who.starts_with("person:") {
        c.t(w::YOU).to_owned()
    } else {
        event.name.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Lang;

    fn entry(action: Action, outcome: Outcome, who: &str) -> OwnEntry {
        OwnEntry {
            n: 0,
            event: Event {
                v: 1,
                time: "2026-11-20T01:12:00.000Z".into(),
                action,
                outcome,
                who: who.into(),
                name: "前台三号".into(),
                purpose: Some("delivery".into()),
                fields: vec!["mobile".into()],
                decision: None,
                policies: None,
                details: vec![("recipient".into(), "Courier Ltd".into())],
            },
            purpose_zh: Some("送货".into()),
            purpose_en: Some("delivery of goods".into()),
            proof: None,
        }
    }

    #[test]
    fn plain_words() {
        let label = names::field(&Ctx::stranger(Lang::Zh, "/"), "mobile");
        let rows = [
            (
                Action::Read,
                Outcome::Masked,
                "staff:a",
                format!("前台三号 为了『送货』看了您的{label}（打码）"),
            ),
            (
                Action::Read,
                Outcome::Refused,
                "staff:a",
                format!("前台三号 想为了『送货』看您的{label}，被拒绝了"),
            ),
            (
                Action::Export,
                Outcome::Done,
                "staff:a",
                format!("前台三号 为了『送货』把您的{label}导出给了Courier Ltd"),
            ),
            (
                Action::SignIn,
                Outcome::Failed,
                "anonymous",
                "有人用错误的验证码试图打开本页面".to_owned(),
            ),
            (
                Action::OwnView,
                Outcome::Done,
                "person:x",
                "您本人 打开了本页面".to_owned(),
            ),
        ];
        let c = Ctx::stranger(Lang::Zh, "/");
        for (action, outcome, who, expected) in rows {
            assert_eq!(sentence(&c, &entry(action, outcome, who)), expected);
        }
    }

    #[test]
    fn every_action_has_a_sentence_in_both_languages() {
        let actions = [
            Action::Read,
            Action::Import,
            Action::Consent,
            Action::Objection,
            Action::Correction,
            Action::Erasure,
            Action::Leak,
            Action::Sighting,
            Action::Screen,
            Action::FaceEnrolment,
            Action::FaceCheck,
            Action::FaceEnd,
            Action::Capture,
            Action::Device,
            Action::Admin,
        ];
        for lang in [Lang::Zh, Lang::En] {
            let c = Ctx::stranger(lang, "/");
            for action in actions {
                let said = sentence(&c, &entry(action, Outcome::Unknown, "staff:a"));
                assert!(said.contains("前台三号") && !said.contains('{'), "{said}");
            }
        }
    }
}
