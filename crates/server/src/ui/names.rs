//! What the service's stable names are called on a page: actions, outcomes, roles, states, views.

use liuhen_kinds::{Kind, RulePack};
use liuhen_service::{Action, Event, Outcome, Role, View};
use maud::{Markup, html};

use super::Ctx;
use super::i18n::Phrase;
use super::words::names as w;

/// An action.
pub(crate) fn action(action: Action) -> Phrase {
    match action {
        Action::Read => w::ACTION_READ,
        Action::ExportRequest => w::ACTION_EXPORT_REQUEST,
        Action::ExportDecision => w::ACTION_EXPORT_DECISION,
        Action::Export => w::ACTION_EXPORT,
        Action::ExportDownload => w::ACTION_EXPORT_DOWNLOAD,
        Action::Import => w::ACTION_IMPORT,
        Action::Policy => w::ACTION_POLICY,
        Action::Purpose => w::ACTION_PURPOSE,
        Action::Consent => w::ACTION_CONSENT,
        Action::FaceEnrolment => w::ACTION_FACE_ENROLMENT,
        Action::FaceCheck => w::ACTION_FACE_CHECK,
        Action::FaceEnd => w::ACTION_FACE_END,
        Action::Objection => w::ACTION_OBJECTION,
        Action::Correction => w::ACTION_CORRECTION,
        Action::Erasure => w::ACTION_ERASURE,
        Action::Invitation => w::ACTION_INVITATION,
        Action::OwnView => w::ACTION_OWN_VIEW,
        Action::Leak => w::ACTION_LEAK,
        Action::Sighting => w::ACTION_SIGHTING,
        Action::Decoy => w::ACTION_DECOY,
        Action::Screen => w::ACTION_SCREEN,
        Action::Capture => w::ACTION_CAPTURE,
        Action::Redaction => w::ACTION_REDACTION,
        Action::Device => w::ACTION_DEVICE,
        Action::Admin => w::ACTION_ADMIN,
        Action::SignIn => w::ACTION_SIGN_IN,
    }
}

/// An outcome.
pub(crate) fn outcome(outcome: Outcome) -> Phrase {
    match outcome {
        Outcome::Plain => w::OUTCOME_PLAIN,
        Outcome::Masked => w::OUTCOME_MASKED,
        Outcome::Answered => w::OUTCOME_ANSWERED,
        Outcome::Refused => w::OUTCOME_REFUSED,
        Outcome::Erased => w::OUTCOME_ERASED,
        Outcome::Unknown => w::OUTCOME_UNKNOWN,
        Outcome::Done => w::OUTCOME_DONE,
        Outcome::Failed => w::OUTCOME_FAILED,
    }
}

/// An outcome as a coloured tag; the word says it too, so colour is never alone.
pub(crate) fn outcome_tag(c: &Ctx, value: Outcome) -> Markup {
    let class = match value {
        Outcome::Plain => "tag warn",
        Outcome::Masked | Outcome::Answered => "tag go",
        Outcome::Refused | Outcome::Failed => "tag bad",
        Outcome::Done => "tag ok",
        Outcome::Erased | Outcome::Unknown => "tag",
    };
    html! { span class=(class) { (c.t(outcome(value))) } }
}

/// A role.
pub(crate) fn role(role: Role) -> Phrase {
    match role {
        Role::Admin => w::ROLE_ADMIN,
        Role::Importer => w::ROLE_IMPORTER,
        Role::Reader => w::ROLE_READER,
        Role::Exporter => w::ROLE_EXPORTER,
        Role::Approver => w::ROLE_APPROVER,
        Role::Investigator => w::ROLE_INVESTIGATOR,
        Role::Desk => w::ROLE_DESK,
    }
}

/// Roles as tags.
pub(crate) fn role_tags(c: &Ctx, roles: &[Role]) -> Markup {
    html! { @for one in roles { span.tag { (c.t(role(*one))) } " " } }
}

/// A view.
pub(crate) fn view(view: View) -> Phrase {
    match view {
        View::Plain => w::VIEW_PLAIN,
        View::Masked => w::VIEW_MASKED,
        View::Answer => w::VIEW_ANSWER,
    }
}

/// A field's name as people read it: the kind's label where the field is named after its kind.
pub(crate) fn field(c: &Ctx, name: &str) -> String {
    match Kind::parse(name) {
        Ok(kind) => RulePack::builtin().label(kind, c.lang).to_owned(),
        Err(_) => name.to_owned(),
    }
}

/// Several fields, joined as the language joins.
pub(crate) fn fields(c: &Ctx, names: &[String]) -> String {
    let labels: Vec<String> = names.iter().map(|name| field(c, name)).collect();
    labels.join(c.t(w::LIST_COMMA))
}

/// Who an event names; nobody in particular has no name of his own.
pub(crate) fn who<'a>(c: &Ctx, event: &'a Event) -> &'a str {
    match event.who.as_str() {
        "anonymous" => c.t(w::ANONYMOUS),
        _ => &event.name,
    }
}

/// What a detail of an event is called; its stable key where a page has no words for it.
pub(crate) fn detail<'a>(c: &Ctx, key: &'a str) -> &'a str {
    let phrase = match key {
        "collection" => w::DETAIL_COLLECTION,
        "policy" => w::DETAIL_POLICY,
        "recipient" => w::DETAIL_RECIPIENT,
        "reference" => w::DETAIL_REFERENCE,
        "export" => w::DETAIL_EXPORT,
        "import" => w::DETAIL_IMPORT,
        "leak" => w::DETAIL_LEAK,
        "sighting" => w::DETAIL_SIGHTING,
        "screen" => w::DETAIL_SCREEN,
        "picture" => w::DETAIL_PICTURE,
        "copy" => w::DETAIL_COPY,
        "visible_sha256" => w::DETAIL_VISIBLE,
        "place" => w::DETAIL_PLACE,
        "face" => w::DETAIL_FACE,
        "canaries" => w::DETAIL_CANARIES,
        "exports" => w::DETAIL_EXPORTS,
        "did" => w::DETAIL_DID,
        "hidden" => w::DETAIL_HIDDEN,
        "added" => w::DETAIL_ADDED,
        "released" => w::DETAIL_RELEASED,
        "rows" => w::DETAIL_ROWS,
        "bad" => w::DETAIL_BAD,
        "roles" => w::DETAIL_ROLES,
        "site" => w::DETAIL_SITE,
        "staff" => w::DETAIL_STAFF,
        "key" => w::DETAIL_KEY,
        "expires" => w::DETAIL_EXPIRES,
        "accused" => w::DETAIL_ACCUSED,
        "accused_accounts" | "accounts" => w::DETAIL_ACCOUNTS,
        "decoy" => w::DETAIL_DECOY,
        "propensity" | "decoy_percent" => w::DETAIL_PROPENSITY,
        "identified_by" => w::DETAIL_IDENTIFIED,
        "before" => w::DETAIL_BEFORE,
        "after" => w::DETAIL_AFTER,
        _ => return key,
    };
    c.t(phrase)
}

/// A legal basis: the item of article 13, paragraph 1 of the Personal Information Protection Law.
pub(crate) fn basis(item: u8) -> Phrase {
    match item {
        1 => w::BASIS_1,
        2 => w::BASIS_2,
        3 => w::BASIS_3,
        4 => w::BASIS_4,
        5 => w::BASIS_5,
        6 => w::BASIS_6,
        _ => w::BASIS_7,
    }
}

/// Bytes, as people say them.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 4] = ["KB", "MB", "GB", "TB"];
    if count < 1000 {
        return format!("{count} B");
    }
    // In tenths of a unit, so that no float is needed.
    let mut tenths = count / 100;
    for unit in UNITS {
        if tenths < 10_000 || unit == "TB" {
            return format!("{}.{} {unit}", tenths / 10, tenths % 10);
        }
        tenths /= 1000;
    }
    format!("{count} B")
}

/// A count with a thin grouping: `1,234,567`.
pub(crate) fn number(count: u64) -> String {
    let digits = count.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures() {
        for (n, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(number(n), text);
        }
        for (n, text) in [
            (12, "12 B"),
            (1_500, "1.5 KB"),
            (5_400_000, "5.4 MB"),
            (999_999, "999.9 KB"),
            (7_000_000_000_000_000, "7000.0 TB"),
        ] {
            assert_eq!(bytes(n), text);
        }
    }
}
