//! The rules of detection in the form the engine works with.
//!
//! A kind becomes a small number, a set of kinds a bit set, a confidence the
//! logarithm of its odds, and every word knows which kinds it speaks for.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

use liuhen_kinds::detection::{Detection, LabelRule};
use liuhen_kinds::segment::Numbers;
use liuhen_kinds::{Kind, RulePack};

use super::hit::Reasons;
use super::labels::KeyTails;
use super::own::OwnKind;
use super::words::{Characters, Words};

/// The number of a kind within one detector.
pub(super) type KindId = u8;

/// Most kinds of one detector: the bits of a set.
pub(super) const MOST_KINDS: usize = 128;

/// Kinds as a bit set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct KindSet(u128);

impl KindSet {
    pub(super) const fn of(kind: KindId) -> KindSet {
        KindSet(1 << (kind as u32 % 128))
    }

    pub(super) const fn has(self, kind: KindId) -> bool {
        self.0 & KindSet::of(kind).0 != 0
    }

    pub(super) const fn and(self, other: KindSet) -> KindSet {
        KindSet(self.0 | other.0)
    }

    pub(super) const fn meets(self, other: KindSet) -> bool {
        self.0 & other.0 != 0
    }

    pub(super) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The members in ascending order.
    pub(super) fn iter(self) -> impl Iterator<Item = KindId> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let kind = KindId::try_from(rest.trailing_zeros())
                .ok()
                .filter(|_| rest != 0)?;
            rest &= rest - 1;
            Some(kind)
        })
    }
}

/// What a word speaks for and against.
#[derive(Debug, Clone, Copy)]
pub(super) struct WordInfo {
    pub(super) text: &'static str,
    /// Kinds it is a label of: a header word.
    pub(super) labels: KindSet,
    /// Kinds it speaks for, labels and their families included.
    pub(super) supports: KindSet,
    /// Kinds it speaks against by name.
    pub(super) against: KindSet,
    /// Speaks against every number of a person.
    pub(super) against_all: bool,
    /// A value without a form of its own may stand behind it.
    pub(super) points: bool,
    /// Such a value may follow with nothing between.
    pub(super) points_bare: bool,
    /// A label in Latin letters without a space, which is known as a key before a sign.
    pub(super) is_key: bool,
}

/// The rules, compiled.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) kinds: Vec<Kind>,
    /// Logarithms of odds of whole forms, by kind.
    pub(super) bare: Vec<f32>,
    pub(super) labels: Vec<Option<LabelRule>>,
    weights: [f32; 64],
    pub(super) words: Words,
    pub(super) infos: Vec<WordInfo>,
    /// Latin header words, lower case and without signs, by which keys are known.
    keys: HashMap<&'static [u8], u16, BuildHasherDefault<KeyHasher>>,
    key_tails: KeyTails,
    /// Characters that plates begin with.
    pub(super) provinces: Characters,
    never: HashSet<&'static [u8], BuildHasherDefault<KeyHasher>>,
    /// Kinds with values that nobody has.
    nobodys: KindSet,
    /// Kinds whose exact value leads to one person.
    pub(super) identifying: KindSet,
    placeholders: HashSet<&'static str>,
    /// Kinds whose label behind a number means it is no other number.
    pub(super) numbers: KindSet,
    pub(super) characters: usize,
    pub(super) own: Vec<OwnKind>,
}

/// Chinese numerals; circled digits and the like are counted by the census.
const NUMERALS: &str = "一二三四五六七八九零〇幺两壹贰叁肆伍陆柒捌玖貳參陸";

/// Kinds that share their header words, so that a label of one is a label of all.
const FAMILIES: [&[Kind]; 6] = [
    &[
        Kind::RESIDENT_ID,
        Kind::HK_MO_TW_RESIDENCE,
        Kind::FOREIGNER_ID,
        Kind::PASSPORT,
        Kind::HK_MO_PERMIT,
        Kind::TW_PERMIT,
        Kind::MILITARY_ID,
    ],
    &[Kind::MOBILE, Kind::LANDLINE],
    &[Kind::CALL_RECORD, Kind::MOBILE, Kind::LANDLINE],
    &[Kind::BANK_CARD, Kind::BANK_ACCOUNT],
    &[Kind::IMEI, Kind::ADVERTISING_ID, Kind::MAC],
    &[Kind::USCC, Kind::ORG_CODE],
];

/// Kinds of numbers: their label makes any other reading of a number doubtful.
const NUMBERS: [Kind; 24] = [
    Kind::RESIDENT_ID,
    Kind::FOREIGNER_ID,
    Kind::HK_MO_TW_RESIDENCE,
    Kind::PASSPORT,
    Kind::HK_MO_PERMIT,
    Kind::TW_PERMIT,
    Kind::MILITARY_ID,
    Kind::LANDLINE,
    Kind::BANK_CARD,
    Kind::BANK_ACCOUNT,
    Kind::ENGINE_NUMBER,
    Kind::VIN,
    Kind::IMEI,
    Kind::IMSI,
    Kind::ICCID,
    Kind::QQ,
    Kind::WAYBILL,
    Kind::TICKET,
    Kind::STUDENT_ID,
    Kind::SOCIAL_SECURITY,
    Kind::MEDICAL_RECORD,
    Kind::ORDER,
    Kind::USCC,
    Kind::ORG_CODE,
];

/// Labels that say what a number is called and not what it is, so that a mobile
/// number behind them is one still: accounts are often telephone numbers.
const OPEN: [&str; 8] = [
    "账号",
    "帐号",
    "account no",
    "account",
    "account_no",
    "账户",
    "卡号",
    "card no",
];

impl Compiled {
    /// Compiles rules, with kinds of the user's own behind the built-in ones.
    pub(super) fn new(rules: &'static Detection, own: Vec<OwnKind>) -> Compiled {
        let mut kinds = Kind::BUILTIN.to_vec();
        for kind in own.iter().map(|own| own.kind) {
            if !kinds.contains(&kind) && kinds.len() < MOST_KINDS {
                kinds.push(kind);
            }
        }
        let mut compiled = Compiled {
            bare: vec![0.0; kinds.len()],
            labels: vec![None; kinds.len()],
            weights: weights(rules),
            words: Words::new(std::iter::empty(), ""),
            infos: Vec::new(),
            keys: HashMap::default(),
            key_tails: KeyTails::new(std::iter::empty()),
            provinces: Characters::new(&Numbers::builtin().plate.provinces),
            never: HashSet::default(),
            nobodys: KindSet::default(),
            identifying: KindSet::default(),
            placeholders: rules
                .placeholders
                .words
                .iter()
                .map(String::as_str)
                .collect(),
            numbers: KindSet::default(),
            characters: rules.reach.characters,
            own: Vec::new(),
            kinds,
        };
        compiled.numbers = compiled.set(&NUMBERS);
        let pack = RulePack::builtin();
        let identifying = compiled
            .kinds
            .iter()
            .filter(|kind| pack.info(**kind).identifying);
        compiled.identifying = compiled.set(&identifying.copied().collect::<Vec<_>>());
        for rule in &rules.kind {
            if let Some(kind) = compiled.id(rule.name) {
                compiled.bare[usize::from(kind)] = logit(rule.bare);
                compiled.labels[usize::from(kind)] = rule.label;
            }
        }
        for never in &rules.never {
            if let Some(kind) = compiled.id(never.kind) {
                compiled.nobodys = compiled.nobodys.and(KindSet::of(kind));
                compiled
                    .never
                    .extend(never.values.iter().map(|value| value.as_bytes()));
            }
        }
        for own in &own {
            if let Some(kind) = compiled.id(own.kind)
                && let Some(bare) = own.bare
            {
                compiled.bare[usize::from(kind)] = logit(bare);
            }
        }
        compiled.own = own;
        compiled.collect_words(rules);
        compiled
    }

    /// The number of a kind.
    pub(super) fn id(&self, kind: Kind) -> Option<KindId> {
        let at = self.kinds.iter().position(|known| *known == kind)?;
        KindId::try_from(at).ok()
    }

    fn set(&self, kinds: &[Kind]) -> KindSet {
        kinds
            .iter()
            .filter_map(|kind| self.id(*kind))
            .fold(KindSet::default(), |set, kind| set.and(KindSet::of(kind)))
    }

    fn family(&self, kind: Kind) -> KindSet {
        FAMILIES
            .iter()
            .filter(|family| family.contains(&kind))
            .fold(self.set(&[kind]), |set, family| set.and(self.set(family)))
    }

    /// Every word of the rules, each once, with all it speaks for.
    fn collect_words(&mut self, rules: &'static Detection) {
        let mut index: HashMap<&'static str, usize> = HashMap::new();
        let mut infos: Vec<WordInfo> = Vec::new();
        let mut word = |text: &'static str| {
            *index.entry(text).or_insert_with(|| {
                infos.push(WordInfo {
                    text,
                    labels: KindSet::default(),
                    supports: KindSet::default(),
                    against: KindSet::default(),
                    against_all: false,
                    points: false,
                    points_bare: false,
                    is_key: text.is_ascii() && !text.contains(' '),
                });
                infos.len() - 1
            })
        };
        let mut entries: Vec<(usize, KindSet, KindSet, KindSet)> = Vec::new();
        let none = KindSet::default();
        for info in RulePack::builtin().iter() {
            let labels = self.set(&[info.kind]);
            for text in &info.headers {
                let supports = if OPEN.contains(&text.as_str()) {
                    self.family(info.kind)
                        .and(self.set(&[Kind::MOBILE, Kind::EMAIL]))
                } else {
                    self.family(info.kind)
                };
                entries.push((word(text), labels, supports, none));
            }
        }
        for rule in &rules.kind {
            let kind = self.set(&[rule.name]);
            entries.extend(
                rule.context
                    .iter()
                    .map(|text| (word(text), none, kind, none)),
            );
            entries.extend(
                rule.against
                    .iter()
                    .map(|text| (word(text), none, none, kind)),
            );
        }
        for own in &self.own {
            let kind = self.set(&[own.kind]);
            entries.extend(
                own.context
                    .iter()
                    .map(|text| (word(text), none, kind, none)),
            );
            entries.extend(
                own.against
                    .iter()
                    .map(|text| (word(text), none, none, kind)),
            );
        }
        let against: Vec<usize> = rules.against.words.iter().map(|text| word(text)).collect();
        for (at, labels, supports, opposes) in entries {
            infos[at].labels = infos[at].labels.and(labels);
            infos[at].supports = infos[at].supports.and(supports);
            infos[at].against = infos[at].against.and(opposes);
        }
        for at in against {
            infos[at].against_all = true;
        }
        for info in &mut infos {
            for rule in info
                .labels
                .iter()
                .filter_map(|kind| self.labels[usize::from(kind)])
            {
                info.points = true;
                info.points_bare |= rule.bare_gap;
            }
        }
        let numbered = || {
            infos
                .iter()
                .enumerate()
                .filter_map(|(at, info)| Some((info, u16::try_from(at).ok()?)))
        };
        self.words = Words::new(
            numbered()
                .filter(|(info, _)| searched(info))
                .map(|(info, at)| (info.text, at)),
            NUMERALS,
        );
        let is_key = |text: &str| {
            text.is_ascii()
                && (text.len() > 3 || rules.short_keys.words.iter().any(|key| key == text))
        };
        for (info, at) in numbered().filter(|(info, _)| is_key(info.text)) {
            let key: Vec<u8> = super::labels::key(info.text.as_bytes());
            self.keys.entry(key.leak()).or_insert(at);
        }
        let spaced = infos.iter().filter(|info| info.text.is_ascii());
        let spaced = spaced.map(|info| info.text.as_bytes());
        self.key_tails = KeyTails::new(self.keys.keys().copied().chain(spaced));
        self.infos = infos;
    }

    /// The word that the Latin key before `end` is, or that its last parts are.
    pub(super) fn key_ending(&self, text: &[u8], end: usize) -> Option<u16> {
        if !self.key_tails.may_end(text, end) {
            return None;
        }
        super::labels::key_ending(text, end)?
            .suffixes()
            .find_map(|suffix| self.keys.get(suffix).copied())
    }

    /// Whether a Latin key, or a label of Latin words, may end at `end`.
    pub(super) fn may_end_key(&self, text: &[u8], end: usize) -> bool {
        end > 0 && text[end - 1].is_ascii_alphanumeric() && self.key_tails.may_end(text, end)
    }

    /// What a reason adds to the logarithm of the odds.
    pub(super) fn weight(&self, reasons: Reasons) -> f32 {
        let mut bits = reasons.bits();
        let mut sum = 0.0;
        while bits != 0 {
            sum += self.weights[bits.trailing_zeros() as usize];
            bits &= bits - 1;
        }
        sum
    }

    /// Whether nobody has this value, whatever its form.
    pub(super) fn is_never(&self, kind: KindId, value: &[u8]) -> bool {
        self.nobodys.has(kind) && self.never.contains(value)
    }

    /// Whether a text stands for a value that is not there.
    pub(super) fn is_placeholder(&self, text: &str) -> bool {
        if text.len() > 40 {
            return false;
        }
        // A key in the place of a value names what belongs there.
        let key = super::labels::key(text.as_bytes());
        self.placeholders.contains(text.to_lowercase().as_str())
            || (text.is_ascii() && self.keys.contains_key(key.as_slice()))
    }
}

/// Hashes short keys; they come from the rules and not from outside, so nobody
/// can choose them to collide.
#[derive(Debug, Default)]
struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte))
                .wrapping_mul(0x9E37_79B9_7F4A_7C15)
                .rotate_left(23);
        }
    }
}

/// Words looked for everywhere: a single Latin word that heads a column is known
/// as a key before a sign, and says nothing elsewhere.
fn searched(info: &WordInfo) -> bool {
    !info.text.is_ascii() || info.labels.is_empty() || info.text.contains(' ')
}

fn weights(rules: &Detection) -> [f32; 64] {
    let mut weights = [0.0; 64];
    for (reason, code) in Reasons::ALL {
        if let Some(weight) = rules.weights.of.get(*code) {
            weights[reason.bits().trailing_zeros() as usize] = *weight;
        }
    }
    weights
}

pub(super) fn logit(confidence: f32) -> f32 {
    let confidence = confidence.clamp(0.001, 0.999);
    (confidence / (1.0 - confidence)).ln()
}

pub(super) fn confidence(logit: f32) -> f32 {
    1.0 / (1.0 + (-logit).exp())
}
