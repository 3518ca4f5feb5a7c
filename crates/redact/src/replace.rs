//! What stands in the place of a value.
//!
//! Within a run, equal values get equal answers, and the values of one person those of one invented
//! person. Everything is derived from the run's key by HMAC-SHA-256 (RFC 2104), so that who has the
//! key and a list of values could tell which is which: a run without a key file forgets its key.

use std::collections::{HashMap, HashSet};

use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use liuhen_detect::{fold, mask, normalise};
use liuhen_invented::{Generator, Person};
use liuhen_kinds::{Kind, Lang, RulePack};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::policy::Per;
use crate::{Action, Policy, Refusal, date};

/// The key of a run: 32 bytes, wiped when dropped.
pub struct Key(Zeroizing<[u8; 32]>);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key")
    }
}

impl Key {
    /// A key from elsewhere.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// A key that nobody has.
    ///
    /// # Errors
    ///
    /// Whatever the system answers that gives no random numbers.
    pub fn fresh() -> std::io::Result<Self> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(bytes.as_mut_slice())?;
        Ok(Self(bytes))
    }

    fn derive(&self, parts: &[&str]) -> [u8; 32] {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.0.as_slice()) else {
            // HMAC takes keys of any length.
            return [0; 32];
        };
        for part in parts {
            mac.update(&(part.len() as u64).to_le_bytes());
            mac.update(part.as_bytes());
        }
        mac.finalize().into_bytes().into()
    }

    fn number(&self, parts: &[&str]) -> u64 {
        let bytes = self.derive(parts);
        bytes
            .first_chunk()
            .map_or(0, |eight| u64::from_le_bytes(*eight))
    }
}

/// Gives tokens: the same for the same value.
pub trait Replacer {
    /// The token of a value in its normalised form.
    ///
    /// # Errors
    ///
    /// [`Refusal::Port`], when there is none; the file then has no copy.
    fn token(&self, kind: Kind, value: &str) -> Result<String, Refusal>;
}

/// The answers of one run.
pub(crate) struct Run<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) tokens: Option<&'a dyn Replacer>,
    key: Key,
    people: Generator,
    /// Which invented person answers for a value.
    persons: HashMap<(Kind, String), u64>,
    taken: HashSet<u64>,
    /// Answers that were given.
    answers: HashMap<(Kind, String), String>,
}

impl<'a> Run<'a> {
    pub(crate) fn new(policy: &'a Policy, key: Key) -> Self {
        let people = Generator::new(key.number(&["people"]));
        Self {
            policy,
            tokens: None,
            key,
            people,
            persons: HashMap::new(),
            taken: HashSet::new(),
            answers: HashMap::new(),
        }
    }

    /// The invented person who answers for somebody of whom these values are known.
    pub(crate) fn who(&mut self, values: &[(Kind, &str)]) -> Option<u64> {
        let pack = RulePack::builtin();
        let mut known: Vec<(Kind, String)> = values
            .iter()
            .filter(|(kind, _)| rank(*kind).is_some())
            .map(|(kind, text)| (*kind, plain(*kind, text)))
            .collect();
        known.sort_by_key(|(kind, _)| rank(*kind));
        let leads = |kind: Kind| pack.info(kind).identifying;
        // A name alone is no proof of who it is when there is something better.
        let strong: Vec<&(Kind, String)> = known.iter().filter(|(kind, _)| leads(*kind)).collect();
        let anchors = if strong.is_empty() {
            known.iter().collect()
        } else {
            strong
        };
        let first = *anchors.first()?;
        let met = anchors
            .iter()
            .find_map(|anchor| self.persons.get(*anchor).copied());
        let who = met.unwrap_or_else(|| {
            let count = self.people.distinct();
            let mut at = self.key.number(&["person", first.0.name(), &first.1]) % count;
            while !self.taken.insert(at) && (self.taken.len() as u64) < count {
                at = (at + 1) % count;
            }
            at
        });
        for value in &known {
            self.persons.entry(value.clone()).or_insert(who);
        }
        Some(who)
    }

    /// What stands in the place of a value; `fits` says what may be written there.
    pub(crate) fn answer(
        &mut self,
        kind: Kind,
        text: &str,
        who: Option<u64>,
        fits: &dyn Fn(&str) -> bool,
    ) -> Result<String, Refusal> {
        let given = match self.policy.action(kind) {
            Action::Keep => return Ok(text.to_owned()),
            Action::Remove => return Ok(String::new()),
            Action::Label => None,
            Action::Mask => Some(mask(kind, text)),
            Action::Token => Some(self.token(kind, text)?),
            Action::Invented => self.invented(kind, text, who),
            Action::Shift => self.shifted(text, who),
        };
        Ok(given
            .filter(|given| fits(given))
            .unwrap_or_else(|| self.label(kind, fits)))
    }

    /// The name of a kind; in English where the encoding has no Chinese.
    pub(crate) fn label(&self, kind: Kind, fits: &dyn Fn(&str) -> bool) -> String {
        let pack = RulePack::builtin();
        let zh = format!("【{}】", pack.label(kind, Lang::Zh));
        if self.policy.language == Lang::Zh && fits(&zh) {
            return zh;
        }
        format!("[{}]", pack.label(kind, Lang::En))
    }

    fn token(&mut self, kind: Kind, text: &str) -> Result<String, Refusal> {
        let value = plain(kind, text);
        if let Some(tokens) = self.tokens {
            return tokens.token(kind, &value);
        }
        let mac = self.key.derive(&["token", kind.name(), &value]);
        let code = BASE32_NOPAD.encode(mac.first_chunk::<10>().map_or(&[], |ten| ten.as_slice()));
        Ok(format!("tok_{}", code.to_lowercase()))
    }

    fn invented(&mut self, kind: Kind, text: &str, who: Option<u64>) -> Option<String> {
        let value = (kind, plain(kind, text));
        let leads = RulePack::builtin().info(kind).identifying;
        // The same number is the same wherever it stands; a name belongs to whom it stands beside.
        if (leads || who.is_none())
            && let Some(answer) = self.answers.get(&value)
        {
            return Some(answer.clone());
        }
        let who = match who {
            Some(who) => who,
            None => match self.persons.get(&value) {
                Some(who) => *who,
                None => self.who(&[(kind, text)])?,
            },
        };
        let answer = field(&self.people.person_at(who), kind)?;
        self.answers.entry(value).or_insert_with(|| answer.clone());
        Some(answer)
    }

    fn shifted(&mut self, text: &str, who: Option<u64>) -> Option<String> {
        let most = u64::from(self.policy.shift_days);
        let number = match (self.policy.shift_per, who) {
            (Per::Person, Some(who)) => self.key.number(&["shift", &who.to_string()]),
            _ => self.key.number(&["shift"]),
        };
        // Never by nothing.
        let days = i64::try_from(number / 2 % most + 1).ok()?;
        date::shifted(text, if number % 2 == 0 { days } else { -days })
    }
}

/// The form in which values are compared.
fn plain(kind: Kind, text: &str) -> String {
    normalise(kind, text).map_or_else(|| fold(text).into_owned(), |value| value.to_string())
}

/// Kinds that lead to a person, the surest first; kinds that do not, not at all.
fn rank(kind: Kind) -> Option<usize> {
    const ORDER: [Kind; 12] = [
        Kind::RESIDENT_ID,
        Kind::HK_MO_TW_RESIDENCE,
        Kind::FOREIGNER_ID,
        Kind::PASSPORT,
        Kind::MOBILE,
        Kind::BANK_CARD,
        Kind::EMAIL,
        Kind::WECHAT_ID,
        Kind::QQ,
        Kind::STUDENT_ID,
        Kind::LANDLINE,
        Kind::PLATE,
    ];
    if let Some(at) = ORDER.iter().position(|known| *known == kind) {
        return Some(at);
    }
    match kind {
        Kind::PERSON_NAME => Some(ORDER.len() + 1),
        Kind::ADDRESS => Some(ORDER.len() + 2),
        kind => RulePack::builtin()
            .info(kind)
            .identifying
            .then_some(ORDER.len()),
    }
}

fn field(person: &Person, kind: Kind) -> Option<String> {
    let fields = person.fields();
    fields
        .into_iter()
        .find_map(|(known, value)| (known == kind).then_some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(text: &str) -> Policy {
        Policy::parse(&format!("version = 1\n{text}")).unwrap()
    }

    #[test]
    fn one_person_is_answered_for_by_one_person() {
        let policy = policy("default = \"invented\"");
        let mut run = Run::new(&policy, Key::new([7; 32]));
        let any = |_: &str| true;
        let row = [
            (Kind::PERSON_NAME, "王伟"),
            (Kind::MOBILE, "138 0013 8000"),
            (Kind::EMAIL, "w@example.com"),
        ];
        let who = run.who(&row);
        let answers: Vec<String> = row
            .iter()
            .map(|(kind, text)| run.answer(*kind, text, who, &any).unwrap())
            .collect();
        let person = run.people.person_at(who.unwrap());
        assert_eq!(answers, [person.name, person.mobile.clone(), person.email]);
        // Elsewhere, alone, in another form.
        let alone = run.answer(Kind::MOBILE, "13800138000", None, &any).unwrap();
        assert_eq!(alone, person.mobile);
        // Another of the same name, beside another number.
        let other = [(Kind::PERSON_NAME, "王伟"), (Kind::MOBILE, "13900139000")];
        let second = run.who(&other);
        assert_ne!(second, who);
        let mut again = Run::new(&policy, Key::new([7; 32]));
        assert_eq!(again.who(&row), who);
        assert_ne!(Run::new(&policy, Key::new([8; 32])).who(&row), who);
    }

    #[test]
    fn what_cannot_be_invented_or_written_becomes_a_label() {
        let policy = policy("default = \"invented\"\n[kinds]\ndate_of_birth = \"shift\"");
        let mut run = Run::new(&policy, Key::new([1; 32]));
        let any = |_: &str| true;
        let diagnosis = run.answer(Kind::DIAGNOSIS, "某病", None, &any).unwrap();
        assert_eq!(
            diagnosis,
            "【诊断】".replace("诊断", RulePack::builtin().label(Kind::DIAGNOSIS, Lang::Zh))
        );
        let ascii = |text: &str| text.is_ascii();
        assert_eq!(
            run.answer(Kind::PERSON_NAME, "某甲", None, &ascii).unwrap(),
            "[person's name]"
        );
        let moved = run
            .answer(Kind::DATE_OF_BIRTH, "1990-01-01", None, &any)
            .unwrap();
        assert_eq!(moved.len(), 10);
        assert_ne!(moved, "1990-01-01");
        assert_eq!(
            moved,
            run.answer(Kind::DATE_OF_BIRTH, "1990-01-01", None, &any)
                .unwrap()
        );
    }

    #[test]
    fn tokens_are_equal_for_equal_values() {
        let policy = policy("default = \"token\"");
        let any = |_: &str| true;
        let mut run = Run::new(&policy, Key::new([1; 32]));
        let one = run.answer(Kind::MOBILE, "13800138000", None, &any).unwrap();
        assert_eq!(
            one,
            run.answer(Kind::MOBILE, "+86 138-0013-8000", None, &any)
                .unwrap()
        );
        assert!(one.starts_with("tok_") && one.len() == 20);
    }
}
