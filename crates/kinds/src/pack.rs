//! Rule packs: what each kind is called, and how it weighs.
//!
//! Rule: `rules/kinds.toml`, dated; every axis names its source.
//! The numbers by which a text is judged belong to `segment` and
//! `region`.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use crate::{Kind, KindError, PackError};

/// A language the house speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lang {
    /// Chinese, simplified.
    #[default]
    Zh,
    /// English.
    En,
}

/// Sensitivity by two standards that disagree, kept side by side.
///
/// All information of a person under fourteen is sensitive besides (PIPL,
/// article 28); that depends on the person and not on the kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sensitivity {
    /// Listed by GB/T 45574-2025, annex A, in force since 2025-11-01.
    pub gb45574: bool,
    /// Listed by GB/T 35273-2020, annex B.
    pub gb35273: bool,
}

impl Sensitivity {
    /// Whether either standard lists the kind.
    #[must_use]
    pub const fn any(self) -> bool {
        self.gb45574 || self.gb35273
    }
}

/// How many items make the offence serious: Fa Shi (2017) 10, article 5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Tier {
    /// Fifty: traces, content of messages, credit reports, property.
    T50,
    /// Five hundred: lodging, call records, health, transactions and their like.
    T500,
    /// Five thousand: any other personal information.
    T5000,
    /// Not information of a person by itself.
    #[serde(rename = "none")]
    None,
}

impl Tier {
    /// The count at which the offence is serious, if the kind is counted at all.
    #[must_use]
    pub const fn count(self) -> Option<u32> {
        match self {
            Tier::T50 => Some(50),
            Tier::T500 => Some(500),
            Tier::T5000 => Some(5000),
            Tier::None => None,
        }
    }
}

/// How strongly this product protects a kind; our own decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Harmless alone.
    Low,
    /// Harmful together with others.
    Medium,
    /// Harmful alone.
    High,
    /// Cannot be changed or taken back.
    VeryHigh,
}

/// The general sort a kind belongs to, after the taxonomy of GB/T 35273-2020, annex A.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Name, birth, sex, residence.
    Basic,
    /// Documents that identify.
    Identity,
    /// Face, voice, gait.
    Biometric,
    /// Accounts on the network.
    Account,
    /// School and studies.
    Education,
    /// Employment.
    Work,
    /// Money and things.
    Property,
    /// Passwords and codes.
    Authentication,
    /// Numbers, mail, calls and messages.
    Communication,
    /// Health.
    Health,
    /// Devices and network addresses.
    Device,
    /// Where a person is, was or will be.
    Location,
    /// Orders, parcels, payments.
    Trade,
    /// Cars.
    Vehicle,
    /// Belief and other special status.
    Special,
    /// An organisation's, not a person's.
    Organisation,
}

/// How far a fact of the rule pack may be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mark {
    /// `C`: read in the source named by the key.
    Confirmed,
    /// `X`: confirmed by running it.
    Executed,
    /// `M`: from memory, not verified.
    Memory,
    /// `D`: our own decision.
    Design,
}

/// Where a fact of the rule pack comes from, written `C:key`, `X`, `M` or `D`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Source {
    /// How far it may be relied on.
    pub mark: Mark,
    /// The source, as the rule file names it; may be empty.
    pub key: String,
}

impl Source {
    /// Whether the fact was read or run, and is not from memory.
    #[must_use]
    pub const fn verified(&self) -> bool {
        !matches!(self.mark, Mark::Memory)
    }
}

impl TryFrom<String> for Source {
    type Error = KindError;

    fn try_from(text: String) -> Result<Source, KindError> {
        let (mark, key) = text.split_once(':').unwrap_or((&text, ""));
        let mark = match mark {
            "C" => Mark::Confirmed,
            "X" => Mark::Executed,
            "M" => Mark::Memory,
            "D" => Mark::Design,
            _ => return Err(KindError::BadSource),
        };
        Ok(Source {
            mark,
            key: key.to_owned(),
        })
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.mark {
            Mark::Confirmed => "C",
            Mark::Executed => "X",
            Mark::Memory => "M",
            Mark::Design => "D",
        };
        f.write_str(mark)?;
        if self.key.is_empty() {
            Ok(())
        } else {
            write!(f, ":{}", self.key)
        }
    }
}

impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Source, D::Error> {
        let text = String::deserialize(deserializer)?;
        Source::try_from(text).map_err(serde::de::Error::custom)
    }
}

/// What the rule pack says of one kind.
#[derive(Debug, Clone)]
pub struct KindInfo {
    /// The kind described.
    pub kind: Kind,
    /// Its label in Chinese.
    pub label_zh: String,
    /// Its label in English.
    pub label_en: String,
    /// Words that head a column of it: Chinese, English and pinyin, lower case.
    pub headers: Vec<String>,
    /// The sort it belongs to.
    pub category: Category,
    /// First axis: sensitivity.
    pub sensitivity: Sensitivity,
    /// Source of the first axis.
    pub sensitivity_source: Source,
    /// Second axis: criminal tier.
    pub tier: Tier,
    /// Another tier that courts have used for the same kind.
    pub tier_also: Option<Tier>,
    /// Source of the second axis.
    pub tier_source: Source,
    /// Third axis: how strongly this product protects it.
    pub level: Level,
    /// Source of the third axis.
    pub level_source: Source,
    /// Whether an exact value leads to one person, so that it is blind-indexed.
    pub identifying: bool,
}

impl KindInfo {
    /// The label in a language.
    #[must_use]
    pub fn label(&self, lang: Lang) -> &str {
        match lang {
            Lang::Zh => &self.label_zh,
            Lang::En => &self.label_en,
        }
    }

    /// What is known of a kind that no pack describes: nothing, so it is kept high.
    fn undescribed(kind: Kind) -> KindInfo {
        let ours = || Source {
            mark: Mark::Design,
            key: String::new(),
        };
        KindInfo {
            kind,
            label_zh: kind.name().to_owned(),
            label_en: kind.name().to_owned(),
            headers: Vec::new(),
            category: Category::Special,
            sensitivity: Sensitivity {
                gb45574: false,
                gb35273: false,
            },
            sensitivity_source: ours(),
            tier: Tier::T5000,
            tier_also: None,
            tier_source: ours(),
            level: Level::High,
            level_source: ours(),
            identifying: false,
        }
    }
}

/// A dated set of descriptions, one for each kind.
#[derive(Debug, Clone)]
pub struct RulePack {
    /// The version that reports and traces name.
    pub version: String,
    /// The day on which its facts were looked up, `YYYY-MM-DD`.
    pub date: String,
    kinds: BTreeMap<Kind, KindInfo>,
    order: Vec<Kind>,
    other: KindInfo,
}

impl RulePack {
    /// The pack that is compiled in; parsed once.
    #[must_use]
    pub fn builtin() -> &'static RulePack {
        static PACK: OnceLock<RulePack> = OnceLock::new();
        PACK.get_or_init(|| {
            #[expect(
                clippy::expect_used,
                reason = "the text is compiled in, and a test parses it"
            )]
            RulePack::parse(include_str!("../rules/kinds.toml")).expect("built-in rule pack")
        })
    }

    /// Reads a pack that describes every built-in kind, and perhaps others.
    ///
    /// # Errors
    ///
    /// [`PackError::Syntax`] when the text is not a rule pack,
    /// [`PackError::Twice`] and [`PackError::Missing`] when a kind is described
    /// twice or not at all.
    pub fn parse(text: &str) -> Result<RulePack, PackError> {
        let file: PackFile = toml::from_str(text)?;
        let mut kinds = BTreeMap::new();
        let mut order = Vec::with_capacity(file.kind.len());
        for info in file.kind {
            let info = KindInfo::from(info);
            let kind = info.kind;
            order.push(kind);
            if kinds.insert(kind, info).is_some() {
                return Err(PackError::Twice(kind));
            }
        }
        if let Some(kind) = Kind::BUILTIN.iter().find(|kind| !kinds.contains_key(kind)) {
            return Err(PackError::Missing(*kind));
        }
        let other = KindInfo::undescribed(Kind::ORDER);
        Ok(RulePack {
            version: file.version,
            date: file.date,
            kinds,
            order,
            other,
        })
    }

    /// What the pack says of a kind.
    ///
    /// A kind the pack does not describe is answered with a cautious default:
    /// high level, no header words, not identifying.
    #[must_use]
    pub fn info(&self, kind: Kind) -> &KindInfo {
        self.kinds.get(&kind).unwrap_or(&self.other)
    }

    /// The label of a kind; its name when the pack has none.
    #[must_use]
    pub fn label(&self, kind: Kind, lang: Lang) -> &str {
        self.kinds
            .get(&kind)
            .map_or(kind.name(), |info| info.label(lang))
    }

    /// Every description, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &KindInfo> {
        self.order.iter().filter_map(|kind| self.kinds.get(kind))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PackFile {
    version: String,
    date: String,
    kind: Vec<KindFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KindFile {
    name: Kind,
    zh: String,
    en: String,
    category: Category,
    gb45574: bool,
    gb35273: bool,
    sensitivity_source: Source,
    tier: Tier,
    tier_also: Option<Tier>,
    tier_source: Source,
    level: Level,
    level_source: Source,
    identifying: bool,
    headers: Vec<String>,
}

impl From<KindFile> for KindInfo {
    fn from(file: KindFile) -> KindInfo {
        KindInfo {
            kind: file.name,
            label_zh: file.zh,
            label_en: file.en,
            headers: file.headers,
            category: file.category,
            sensitivity: Sensitivity {
                gb45574: file.gb45574,
                gb35273: file.gb35273,
            },
            sensitivity_source: file.sensitivity_source,
            tier: file.tier,
            tier_also: file.tier_also,
            tier_source: file.tier_source,
            level: file.level,
            level_source: file.level_source,
            identifying: file.identifying,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_builtin_pack_describes_every_kind() {
        let pack = RulePack::parse(include_str!("../rules/kinds.toml")).unwrap();
        assert_eq!(pack.iter().count(), Kind::BUILTIN.len());
        for info in pack.iter() {
            assert!(!info.headers.is_empty(), "{}", info.kind);
            assert!(
                info.headers.iter().all(|word| *word == word.to_lowercase()),
                "{}",
                info.kind
            );
        }
    }

    #[test]
    fn a_header_word_names_one_kind_only() {
        let mut seen = BTreeMap::new();
        for info in RulePack::builtin().iter() {
            for word in &info.headers {
                if let Some(other) = seen.insert(word, info.kind) {
                    panic!("{word} heads both {other} and {}", info.kind);
                }
            }
        }
    }

    #[test]
    fn axes_disagree_where_the_standards_do() {
        let id = RulePack::builtin().info(Kind::RESIDENT_ID);
        assert_eq!(
            id.sensitivity,
            Sensitivity {
                gb45574: false,
                gb35273: true
            }
        );
        assert_eq!((id.tier, id.tier_also), (Tier::T500, Some(Tier::T5000)));
        assert_eq!(id.tier.count(), Some(500));
        assert!(
            RulePack::builtin()
                .info(Kind::DIAGNOSIS)
                .sensitivity
                .gb45574
        );
    }

    #[test]
    fn facts_from_memory_are_flagged() {
        let pack = RulePack::builtin();
        assert!(!pack.info(Kind::MOBILE).tier_source.verified());
        assert!(pack.info(Kind::FACE_IMAGE).tier_source.verified());
        assert_eq!(
            pack.info(Kind::FACE_IMAGE).tier_source.to_string(),
            "C:GC35 192"
        );
    }

    #[test]
    fn refuses_a_pack_that_forgets_a_kind() {
        let text = "version = \"1\"\ndate = \"2026-11-22\"\nkind = []\n";
        assert!(matches!(RulePack::parse(text), Err(PackError::Missing(_))));
    }

    #[test]
    fn refuses_a_source_without_a_mark() {
        assert!(Source::try_from("someone said so".to_owned()).is_err());
    }

    #[test]
    fn an_undescribed_kind_is_kept_high() {
        let kind = Kind::define("shelf_mark").unwrap();
        let pack = RulePack::builtin();
        assert_eq!(pack.info(kind).level, Level::High);
        assert_eq!(pack.label(kind, Lang::En), "shelf_mark");
    }
}
