//! One door to the validators.

use liuhen_kinds::Kind;

use crate::verdict::{Judgement, Normalised, ReasonCode, Verdict};
use crate::{
    address, bank_card, date, email, fold, gender, identity, landline, mobile, person_name, plate,
    uscc, vin,
};

/// What judges a text.
type Validator = fn(&str) -> Verdict;

/// The validator of each kind that has one, the commonest first.
const VALIDATORS: [(Kind, Validator); 16] = [
    (Kind::RESIDENT_ID, identity::resident_id),
    (Kind::MOBILE, mobile::check),
    (Kind::PERSON_NAME, person_name::check),
    (Kind::ADDRESS, address::check),
    (Kind::BANK_CARD, bank_card::check),
    (Kind::EMAIL, email::check),
    (Kind::LANDLINE, landline::check),
    (Kind::PLATE, plate::check),
    (Kind::DATE_OF_BIRTH, date::check),
    (Kind::GENDER, gender::check),
    (Kind::ETHNICITY, gender::ethnicity),
    (Kind::HK_MO_TW_RESIDENCE, identity::hk_mo_tw_residence),
    (Kind::FOREIGNER_ID, identity::foreigner_id),
    (Kind::PASSPORT, identity::passport),
    (Kind::VIN, vin::check),
    (Kind::USCC, uscc::check),
];

/// Whether `text` is of `kind`, and the form in which such values are compared.
///
/// A kind that has no validator answers [`Verdict::Doubtful`] with
/// [`ReasonCode::Unchecked`]. Days in the future are judged by the system's
/// clock, in the time of China.
#[must_use]
pub fn check(kind: Kind, text: &str) -> Verdict {
    validator(kind).unwrap_or(unchecked)(text)
}

/// As [`check`], the form in which values are compared put into a buffer, which is empty before.
///
/// The kinds that fill large tables cost no allocation. For whoever judges millions of cells; the
/// buffer is the caller's to wipe.
///
/// # Errors
///
/// The reason why the text is not of the kind.
pub fn check_into(kind: Kind, text: &str, out: &mut String) -> Judgement {
    match kind {
        Kind::RESIDENT_ID => identity::resident_id_into(text, out),
        Kind::MOBILE => mobile::check_into(text, out),
        Kind::PERSON_NAME => named(text, out),
        kind => check(kind, text).into_buffer(out),
    }
}

fn named(text: &str, out: &mut String) -> Judgement {
    let judged = person_name::check_into(text, out);
    if judged.is_err() {
        out.clear();
    }
    judged
}

fn validator(kind: Kind) -> Option<Validator> {
    VALIDATORS
        .iter()
        .find(|(known, _)| *known == kind)
        .map(|(_, validator)| *validator)
}

/// The form in which values of a kind are compared; `None` when `text` is not of it.
///
/// Normalising twice changes nothing more. Spaces, hyphens and full-width
/// characters go, an ID number of 15 digits becomes one of 18, letters get one
/// case, an address keeps its words.
#[must_use]
pub fn normalise(kind: Kind, text: &str) -> Option<String> {
    check(kind, text).normalised().map(Normalised::into_string)
}

/// Whether [`check`] has rules for a kind.
pub(crate) fn has_rules(kind: Kind) -> bool {
    validator(kind).is_some()
}

fn unchecked(text: &str) -> Verdict {
    let folded = fold::fold(text);
    if folded.is_empty() {
        return Verdict::Invalid(ReasonCode::Empty);
    }
    Verdict::Doubtful(folded.into_owned().into(), ReasonCode::Unchecked)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn kinds_without_rules_are_doubtful() {
        for kind in Kind::BUILTIN {
            let unchecked = check(*kind, "whatever").reason() == Some(ReasonCode::Unchecked);
            assert_eq!(unchecked, !has_rules(*kind), "{kind}");
        }
        assert_eq!(
            normalise(Kind::QQ, " １０００１ ").as_deref(),
            Some("10001")
        );
        assert_eq!(normalise(Kind::QQ, "\u{200B}"), None);
    }

    /// Texts that come near the forms of values, and texts that do not.
    fn near_values() -> impl Strategy<Value = String> {
        prop_oneof![
            "\\PC{0,30}",
            "[0-9０-９xX .-]{10,22}",
            "[1-9][0-9]{5}(19|20)[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9])[0-9]{3}[0-9X]",
            "(\\+86|0086|86|0)? ?1[3-9][0-9]{9}",
            "0[1-9][0-9]{1,2}-?[2-8][0-9]{6,7}(-[0-9]{1,4})?",
            "(62|4|5[1-5])[0-9]{13,17}",
            "[王李张欧阳司马阿]{1,2}[ 一-龥·•]{0,6}(先生|女士)?",
            "(浙江省|上海市)?[一-龥]{1,3}(市|区|县)[一-龥 ]{1,4}(路|街|镇)[0-9０-９ ]{0,4}(号|弄)?",
            "[京沪粤][A-Z]·?[A-Z0-9]{4,6}[学挂]?",
            "[A-Za-z0-9.+]{1,9}@[a-zA-Z0-9-]{1,8}\\.(com|cn|COM)",
            "[0-9]{2,4}[-/.年][0-9]{1,2}([-/.月][0-9]{1,2}日?)?",
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn judged_into_a_buffer_it_is_the_same(text in near_values()) {
            for kind in Kind::BUILTIN {
                let (mut into, mut from) = (String::new(), String::new());
                let judged = check_into(*kind, &text, &mut into);
                prop_assert_eq!(judged, check(*kind, &text).into_buffer(&mut from), "{}", kind);
                prop_assert_eq!(into, from, "{}", kind);
            }
        }

        #[test]
        fn normalising_twice_changes_nothing_more(text in near_values()) {
            for kind in Kind::BUILTIN {
                if let Some(once) = normalise(*kind, &text) {
                    let twice = normalise(*kind, &once);
                    prop_assert_eq!(twice.as_deref(), Some(once.as_str()), "{}", kind);
                }
            }
        }
    }
}
