//! The rule pack of counting, and its sets of kinds compiled to masks.
//!
//! Rule: `rules/count.toml`, dated, every fact with its source; tiers and the lists of the two
//! standards are those of `kinds`. A kind is a bit: its place in [`Kind::BUILTIN`].

use std::collections::HashSet;
use std::sync::OnceLock;

use liuhen_kinds::{Kind, RulePack, Source, Tier};
use serde::Deserialize;

use crate::error::CountError;
use crate::provenance::KinRules;

/// The bit of a kind; none for kinds of a user's own, which are not counted.
#[must_use]
pub fn bit(kind: Kind) -> u64 {
    static ORDER: OnceLock<std::collections::HashMap<Kind, u32>> = OnceLock::new();
    let order = ORDER.get_or_init(|| Kind::BUILTIN.iter().copied().zip(0..64).collect());
    order.get(&kind).map_or(0, |at| 1 << at)
}

/// The kinds of a mask, in the order of the catalogue.
pub fn kinds_of(mask: u64) -> impl Iterator<Item = Kind> {
    let set = move |(at, kind): (u32, &Kind)| (mask >> at & 1 == 1).then_some(*kind);
    (0..64).zip(Kind::BUILTIN).filter_map(set)
}

fn mask(kinds: &[Kind]) -> u64 {
    kinds.iter().fold(0, |mask, kind| mask | bit(*kind))
}

/// The numbers of Fa Shi (2017) 10, articles 5 and 6.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "rules/count.toml explains each beside it")]
pub struct Thresholds {
    pub source: Source,
    pub t50: u64,
    pub t500: u64,
    pub t5000: u64,
    pub gain_yuan: u64,
    pub insider_divisor: u64,
    pub special_factor: u64,
    pub business_profit_yuan: u64,
    pub proportional_special_source: Source,
    pub below_source: Source,
}

/// A fact that weighs whatever the number.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "rules/count.toml explains each beside it")]
pub struct Flag {
    pub name: String,
    pub zh: String,
    pub en: String,
    pub special: bool,
    pub source: Source,
}

/// A rule that links two keys.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "rules/count.toml explains each beside it")]
pub struct LinkRule {
    pub name: String,
    pub zh: String,
    pub en: String,
    pub confidence: f64,
    pub source: Source,
}

/// A sort of data.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "rules/count.toml explains each beside it")]
pub struct Domain {
    pub name: String,
    pub zh: String,
    pub en: String,
    pub headers: Vec<String>,
    pub source: Source,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: String,
    date: String,
    thresholds: Thresholds,
    flag: Vec<Flag>,
    identifiers: Identifiers,
    pipl: Pipl,
    events: Events,
    test: Test,
    deceased: Deceased,
    schools: Schools,
    free_text: FreeText,
    pictures: Pictures,
    link: Vec<LinkRule>,
    domain: Vec<Domain>,
    provenance: KinRules,
    kinship: Vec<LinkRule>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Identifiers {
    #[expect(dead_code, reason = "read so that it must be there")]
    source: Source,
    documents: Vec<Kind>,
    telephones: Vec<Kind>,
    accounts: Vec<Kind>,
    quasi: Vec<Kind>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pipl {
    #[expect(dead_code, reason = "read so that it must be there")]
    source: Source,
    #[expect(dead_code, reason = "read so that it must be there")]
    kinds_source: Source,
    sensitive: Vec<Kind>,
    child_under: u16,
    minor_under: u16,
    #[expect(dead_code, reason = "read so that it must be there")]
    age_source: Source,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Events {
    #[expect(dead_code, reason = "read so that it must be there")]
    source: Source,
    kinds: Vec<Kind>,
    headers: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Test {
    #[expect(dead_code, reason = "read so that it must be there")]
    source: Source,
    mobiles: HashSet<String>,
    mobile_tails: HashSet<String>,
    resident_ids: HashSet<String>,
    names: HashSet<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Deceased {
    #[expect(dead_code, reason = "read so that it must be there")]
    source: Source,
    headers: Vec<String>,
    yes: HashSet<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Schools {
    #[expect(dead_code, reason = "read so that it must be there")]
    source: Source,
    schools: Vec<String>,
    classes: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FreeText {
    #[expect(dead_code, reason = "read so that it must be there")]
    source: Source,
    headers: Vec<String>,
    one_in: usize,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pictures {
    #[expect(dead_code, reason = "read so that it must be there")]
    source: Source,
    unsure_below: f32,
}

/// Kinds by tier, under one reading of the disputed ones.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tiers {
    pub(crate) t50: u64,
    pub(crate) t500: u64,
    pub(crate) t5000: u64,
}

impl Tiers {
    /// The tier of an item with these kinds: the most sensitive one present.
    pub(crate) fn of(&self, mask: u64) -> Tier {
        if mask & self.t50 != 0 {
            Tier::T50
        } else if mask & self.t500 != 0 {
            Tier::T500
        } else if mask & self.t5000 != 0 {
            Tier::T5000
        } else {
            Tier::None
        }
    }

    fn add(&mut self, tier: Tier, kind: Kind) {
        match tier {
            Tier::T50 => self.t50 |= bit(kind),
            Tier::T500 => self.t500 |= bit(kind),
            Tier::T5000 => self.t5000 |= bit(kind),
            Tier::None => {}
        }
    }
}

/// How the tiers of disputed kinds are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// As the rule pack has them.
    Pack,
    /// The more sensitive one, wherever courts differ.
    Strict,
    /// The less sensitive one.
    Mild,
}

impl Reading {
    /// Every reading, in the order of arrays of them.
    pub const ALL: [Self; 3] = [Self::Pack, Self::Strict, Self::Mild];

    /// A stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pack => "pack",
            Self::Strict => "strict",
            Self::Mild => "mild",
        }
    }

    fn tier(self, first: Tier, also: Option<Tier>) -> Tier {
        let also = also.unwrap_or(first);
        match self {
            Self::Pack => first,
            Self::Strict => first.min(also),
            Self::Mild => first.max(also),
        }
    }
}

/// Everything a count goes by.
#[derive(Debug)]
pub struct Rules {
    /// The version that reports name.
    pub version: String,
    /// The day on which its facts were looked up, `YYYY-MM-DD`.
    pub date: String,
    /// Numbers of the law.
    pub thresholds: Thresholds,
    /// Facts that weigh whatever the number.
    pub flags: Vec<Flag>,
    /// Rules of links, in the order of [`Link`](crate::near::Link).
    pub links: Vec<LinkRule>,
    /// Sorts of data.
    pub domains: Vec<Domain>,
    /// Bounds between relations of files.
    pub provenance: KinRules,
    /// Rules of kinship, in the order of [`Kinship`](crate::provenance::Kinship).
    pub kinships: Vec<LinkRule>,
    /// Years below which everything is sensitive.
    pub child_under: u16,
    /// Years below which a person is a minor.
    pub minor_under: u16,
    pub(crate) ranks: Vec<Kind>,
    pub(crate) documents: usize,
    /// The kinds of documents.
    pub(crate) document_kinds: u64,
    pub(crate) quasi: Vec<Kind>,
    pub(crate) tiers: [Tiers; 3],
    pub(crate) items: u64,
    pub(crate) pipl: u64,
    pub(crate) gb35273: u64,
    pub(crate) gb45574: u64,
    pub(crate) events: u64,
    event_headers: Vec<String>,
    test: Test,
    deceased: Deceased,
    schools: Schools,
    free_text: FreeText,
    unsure_below: f32,
}

impl Rules {
    /// The pack that is compiled in; parsed once.
    #[must_use]
    pub fn builtin() -> &'static Self {
        static RULES: OnceLock<Rules> = OnceLock::new();
        RULES.get_or_init(|| {
            #[expect(
                clippy::expect_used,
                reason = "the text is compiled in, and a test parses it"
            )]
            Self::parse(include_str!("../rules/count.toml")).expect("built-in rules of counting")
        })
    }

    /// Reads a pack.
    ///
    /// # Errors
    ///
    /// [`CountError::Rules`] when the text is not one.
    pub fn parse(text: &str) -> Result<Self, CountError> {
        let file: File = toml::from_str(text)?;
        let identifiers = file.identifiers;
        let ranks = [
            identifiers.documents.as_slice(),
            &identifiers.telephones,
            &identifiers.accounts,
        ];
        let pack = RulePack::builtin();
        let listed = |says: &dyn Fn(&liuhen_kinds::KindInfo) -> bool| {
            let kinds: Vec<Kind> = pack
                .iter()
                .filter(|info| says(info))
                .map(|info| info.kind)
                .collect();
            mask(&kinds)
        };
        Ok(Self {
            version: file.version,
            date: file.date,
            thresholds: file.thresholds,
            flags: file.flag,
            links: file.link,
            domains: file.domain,
            provenance: file.provenance,
            kinships: file.kinship,
            child_under: file.pipl.child_under,
            minor_under: file.pipl.minor_under,
            ranks: ranks.concat(),
            documents: identifiers.documents.len(),
            document_kinds: mask(&identifiers.documents),
            quasi: identifiers.quasi,
            tiers: Reading::ALL.map(|reading| tiers(pack, reading)),
            items: listed(&|info| info.tier != Tier::None),
            pipl: mask(&file.pipl.sensitive),
            gb35273: listed(&|info| info.sensitivity.gb35273),
            gb45574: listed(&|info| info.sensitivity.gb45574),
            events: mask(&file.events.kinds),
            event_headers: file.events.headers,
            test: file.test,
            deceased: file.deceased,
            schools: file.schools,
            free_text: file.free_text,
            unsure_below: file.pictures.unsure_below,
        })
    }

    /// Whether a normalised value is one of examples and tests.
    pub(crate) fn is_test(&self, kind: Kind, value: &str) -> bool {
        match kind {
            Kind::MOBILE => {
                self.test.mobiles.contains(value)
                    || value
                        .get(3..)
                        .is_some_and(|tail| self.test.mobile_tails.contains(tail))
            }
            Kind::RESIDENT_ID => self.test.resident_ids.contains(value),
            Kind::PERSON_NAME => {
                self.test.names.contains(value)
                    || value.is_ascii() && self.test.names.contains(&value.to_ascii_lowercase())
            }
            _ => false,
        }
    }

    /// Whether a column says when; births are left to the caller.
    pub(crate) fn says_when(&self, header: &str) -> bool {
        has_any(header, &self.event_headers)
    }

    pub(crate) fn says_deceased(&self, header: &str) -> bool {
        has_any(header, &self.deceased.headers)
    }

    pub(crate) fn affirms(&self, value: &str) -> bool {
        let value = value.trim();
        self.deceased.yes.contains(value)
            || value.len() >= 8
                && value
                    .bytes()
                    .next()
                    .is_some_and(|first| first.is_ascii_digit())
    }

    pub(crate) fn says_school(&self, header: &str) -> bool {
        has_any(header, &self.schools.schools)
    }

    /// Whether the word above a column without a kind promises running text.
    #[must_use]
    pub fn says_free_text(&self, header: &str) -> bool {
        has_any(header, &self.free_text.headers)
    }

    /// Letters of a picture read with less confidence than this, 0 to 1, make their row unsure.
    #[must_use]
    pub fn unsure_below(&self) -> f32 {
        self.unsure_below
    }

    /// Whether a kind is the number of a document, which no two people share.
    #[must_use]
    pub fn is_document(&self, kind: Kind) -> bool {
        let place = self.ranks.iter().position(|one| *one == kind);
        place.is_some_and(|place| place < self.documents)
    }

    /// Whether a kind tells whose a row is: by itself, or beside another that does not.
    #[must_use]
    pub fn identifies(&self, kind: Kind) -> Option<bool> {
        if self.ranks.contains(&kind) {
            return Some(true);
        }
        self.quasi.contains(&kind).then_some(false)
    }

    /// One in so many cells with an identifier among other words makes a column running text.
    #[must_use]
    pub fn free_text_one_in(&self) -> usize {
        self.free_text.one_in
    }

    pub(crate) fn says_class(&self, header: &str) -> bool {
        has_any(header, &self.schools.classes)
    }

    /// The sorts of data a table with these headers is, as bits in the order of the pack.
    pub(crate) fn domains_of(&self, headers: &[String]) -> u64 {
        let bits = (0..64).zip(&self.domains);
        let fits = |domain: &Domain| {
            headers
                .iter()
                .any(|header| has_any(header, &domain.headers))
        };
        bits.filter(|(_, domain)| fits(domain))
            .fold(0, |mask, (at, _)| mask | 1 << at)
    }
}

fn tiers(pack: &RulePack, reading: Reading) -> Tiers {
    let mut tiers = Tiers::default();
    for info in pack.iter() {
        tiers.add(reading.tier(info.tier, info.tier_also), info.kind);
    }
    tiers
}

fn has_any(header: &str, words: &[String]) -> bool {
    let header = header.to_lowercase();
    words.iter().any(|word| header.contains(word.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_builtin_pack_parses_and_names_what_it_knows() {
        let rules = Rules::parse(include_str!("../rules/count.toml")).unwrap();
        assert!(rules.domains.len() <= 64 && Kind::BUILTIN.len() <= 64);
        assert_eq!(rules.links.len(), crate::near::Link::ALL.len());
        for (rule, link) in rules.links.iter().zip(crate::near::Link::ALL) {
            assert_eq!(rule.name, link.name());
            assert!((0.0..=1.0).contains(&rule.confidence));
        }
        assert_eq!(rules.kinships.len(), crate::provenance::Kinship::ALL.len());
        for (rule, kinship) in rules.kinships.iter().zip(crate::provenance::Kinship::ALL) {
            assert_eq!(rule.name, kinship.name());
            assert!((0.0..=1.0).contains(&rule.confidence));
        }
        assert!(rules.thresholds.source.verified());
    }

    #[test]
    fn readings_differ_where_courts_do() {
        let rules = Rules::builtin();
        let [pack, strict, mild] = rules.tiers;
        let rows = [
            (Kind::RESIDENT_ID, [Tier::T500, Tier::T500, Tier::T5000]),
            (Kind::TICKET, [Tier::T500, Tier::T50, Tier::T500]),
            (Kind::GEO_TRACE, [Tier::T50; 3]),
            (Kind::MOBILE, [Tier::T5000; 3]),
            (Kind::USCC, [Tier::None; 3]),
        ];
        for (kind, expected) in rows {
            let found = [pack, strict, mild].map(|tiers| tiers.of(bit(kind)));
            assert_eq!(found, expected, "{kind}");
        }
        let both = bit(Kind::MOBILE) | bit(Kind::GEO_TRACE);
        assert_eq!(
            pack.of(both),
            Tier::T50,
            "the most sensitive type present, once"
        );
    }

    #[test]
    fn bits_come_back_as_kinds() {
        let some = [Kind::RESIDENT_ID, Kind::MOBILE, Kind::ORG_CODE];
        assert_eq!(kinds_of(mask(&some)).collect::<Vec<_>>(), some);
    }

    #[test]
    fn test_values() {
        let rules = Rules::builtin();
        assert!(
            rules.is_test(Kind::MOBILE, "13800138000")
                && rules.is_test(Kind::MOBILE, "17712345678")
        );
        assert!(
            rules.is_test(Kind::PERSON_NAME, "Test") && !rules.is_test(Kind::PERSON_NAME, "王伟")
        );
        assert!(!rules.is_test(Kind::MOBILE, "13912345670"));
    }
}
