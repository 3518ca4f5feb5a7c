//! The numbers of a count, ready to be shown; the same bytes for the same count.
//!
//! Three totals stand apart and are never added or exchanged: items (条, under a policy), bundles
//! (套: a row that tells two kinds or more of one person) and persons (人). Advice only.

use std::collections::{BTreeMap, BTreeSet};

use liuhen_kinds::{Kind, RulePack};
use serde::Serialize;

use crate::acts::ActKind;
use crate::age::Age;
use crate::provenance::Provenance;
use crate::reason::{Policy, Reason};
use crate::region;
use crate::rules::Reading;
use crate::run::{Counted, Plan};
use crate::sight::{PictureCounts, Sight};
use crate::threshold::{Assessment, ByTier, Circumstances, assess};
use crate::unit::RowCounts;

/// What is known of a case beside its files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Case {
    /// Obtained in the course of duty or service.
    pub insider: bool,
    /// Names of flags of the rule pack that are stated to be true.
    pub flags: BTreeSet<String>,
    /// Gains in hundredths of a yuan, by actor; under the empty name, of all together.
    pub gains_fen: BTreeMap<String, u64>,
    /// For article 6: profit in hundredths of a yuan.
    pub business_profit_fen: Option<u64>,
}

/// A count.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Program and rules.
    pub tool: Tool,
    /// What was asked for, beside the files.
    pub parameters: Parameters,
    /// How rows fall out, step by step.
    pub pipeline: Pipeline,
    /// Rows out, by reason.
    pub excluded: BTreeMap<Reason, u64>,
    /// Rows that count, though a field of them is untrue.
    pub kept_with_untrue_field: BTreeMap<Reason, u64>,
    /// Rows that count and say the person has died.
    pub deceased_kept: u64,
    /// Items, bundles, persons: three totals.
    pub totals: Totals,
    /// Items under each policy, held against the thresholds.
    pub policies: Vec<PolicyCount>,
    /// Items as article 11 counts them; none where no act is declared.
    pub article_11: Vec<Actor>,
    /// Persons, by what is known of them.
    pub persons: Persons,
    /// Likely repetitions, which are not excluded.
    pub near_duplicates: Near,
    /// Schools and classes.
    pub schools: Schools,
    /// Pictures, and by what they were looked at.
    pub pictures: Pictures,
    /// Sorts of data, by rows that count.
    pub domains: Vec<Named>,
    /// Each file.
    pub files: Vec<FileCount>,
    /// Which file is a copy, an extract, a merge or a re-sale of which.
    pub provenance: Provenance,
}

/// Program and rules of a count.
#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Tool {
    pub name: &'static str,
    pub version: &'static str,
    pub count_rules: String,
    pub count_rules_date: String,
    pub kind_rules: String,
    pub kind_rules_date: String,
    /// Kinds whose tier is from memory and unverified.
    pub unverified_tiers: Vec<Kind>,
}

/// What was asked for.
#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Parameters {
    pub ages_on: String,
    pub insider: bool,
    pub flags: BTreeSet<String>,
    pub gains_yuan: BTreeMap<String, String>,
    pub business_profit_yuan: Option<String>,
    pub acts: usize,
}

/// How rows fall out.
#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Pipeline {
    pub raw: u64,
    pub parsed: u64,
    pub identifiable: u64,
    pub valid: u64,
}

/// Three totals that are never confused.
#[derive(Debug, Serialize)]
pub struct Totals {
    /// 条: distinct items under each policy.
    pub items: BTreeMap<Policy, u64>,
    /// 套: rows that tell two kinds or more of a person, before and after equal rows are one.
    pub bundles: u64,
    /// As before, distinct.
    pub bundles_distinct: u64,
    /// 人: distinct persons.
    pub persons: u64,
}

/// Items under one policy.
#[derive(Debug, Serialize)]
pub struct PolicyCount {
    /// The policy.
    pub policy: Policy,
    /// Items before repetitions are taken off.
    pub items_before: u64,
    /// Repetitions.
    pub duplicates: u64,
    /// What is left.
    pub distinct: u64,
    /// The same by tier, under each reading of the disputed kinds.
    pub readings: Vec<ReadingCount>,
}

/// Items by tier under one reading.
#[derive(Debug, Serialize)]
pub struct ReadingCount {
    /// `pack`, `strict` or `mild`.
    pub reading: &'static str,
    /// Items.
    pub items: ByTier,
    /// Held against the thresholds.
    pub advice: Assessment,
}

/// Items of one actor, or of all together.
#[derive(Debug, Serialize)]
pub struct Actor {
    /// The actor; empty for all together.
    pub actor: String,
    /// His items as article 11 counts them, and his gains.
    pub readings: Vec<ReadingCount>,
}

/// A province or city.
#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct RegionCount {
    /// The first four digits of its code, 00 at the end for a province alone.
    pub code: String,
    pub province: Option<&'static str>,
    pub city: Option<&'static str>,
    pub persons: u64,
}

/// Persons, by what is known of them.
#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Persons {
    pub ages: BTreeMap<&'static str, u64>,
    pub regions: Vec<RegionCount>,
    pub provinces: u64,
    pub cities: u64,
    /// Of whom something sensitive is told, by each standard; standards disagree.
    pub sensitive: BTreeMap<&'static str, u64>,
    pub kinds: BTreeMap<Kind, u64>,
    /// One key under several names: a shared number, or a name mistyped.
    pub several_names: u64,
    pub several_telephones: u64,
}

/// Likely repetitions.
#[derive(Debug, Serialize)]
pub struct Near {
    /// By rule.
    pub rules: Vec<NearRule>,
    /// Persons fewer at most, if every link were true.
    pub persons_fewer_at_most: u64,
    /// Persons more at most, if every name under one telephone or account were somebody.
    pub persons_more_at_most: u64,
    /// Least and most persons by both: those of the policy `person` less and more so many.
    pub persons_between: [u64; 2],
}

/// Links by one rule.
#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct NearRule {
    pub rule: String,
    pub confidence: String,
    pub source: String,
    pub links: u64,
}

/// Schools and classes met.
#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Schools {
    pub schools: u64,
    pub classes: u64,
    pub persons_in_classes: u64,
    pub largest_class: u64,
}

/// Pictures met, and by what they were looked at.
#[derive(Debug, Serialize)]
pub struct Pictures {
    /// The networks; none where no picture was met or none was looked at.
    pub sight: Option<Sight>,
    /// How many there were, and what they show.
    #[serde(flatten)]
    pub counts: PictureCounts,
}

/// A count with the names of what is counted.
#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Named {
    pub name: String,
    pub zh: String,
    pub en: String,
    pub rows: u64,
}

/// One file.
#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct FileCount {
    pub path: String,
    pub bytes: u64,
    pub sha256: Option<String>,
    /// Why it, or the rest of it, was not read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unread: Option<crate::ports::Unread>,
    /// What within it was not read: the first thousand.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unread_parts: Vec<crate::ports::UnreadPart>,
    /// How many more were not.
    #[serde(skip_serializing_if = "is_zero")]
    pub unread_parts_more: u64,
    pub raw: u64,
    pub excluded: BTreeMap<Reason, u64>,
    pub valid: u64,
    /// Rows that no earlier file, nor earlier row, has.
    pub rows_first_here: u64,
    pub persons: u64,
    /// Persons that no earlier file has.
    pub persons_first_here: u64,
    pub domains: Vec<String>,
    /// Pictures in it.
    #[serde(skip_serializing_if = "PictureCounts::is_empty")]
    pub pictures: PictureCounts,
}

impl Counted<'_> {
    /// The numbers, held against the thresholds under these circumstances.
    #[must_use]
    pub fn report(&self, case: &Case) -> Report {
        let mut counts = RowCounts::default();
        self.units.iter().for_each(|unit| counts.add(&unit.counts));
        let unread = counts.out.get(&Reason::UnreadableRow).copied().unwrap_or(0);
        let nobody = counts
            .out
            .get(&Reason::NotIdentifiable)
            .copied()
            .unwrap_or(0);
        Report {
            tool: self.tool(),
            parameters: self.parameters(case),
            pipeline: Pipeline {
                raw: counts.raw,
                parsed: counts.raw - unread,
                identifiable: counts.raw - unread - nobody,
                valid: counts.valid,
            },
            totals: Totals {
                items: Policy::ALL
                    .map(|policy| (policy, self.sums.distinct[policy as usize]))
                    .into(),
                bundles: counts.bundles,
                bundles_distinct: self.sums.bundles,
                persons: self.sums.distinct[Policy::Person as usize],
            },
            policies: Policy::ALL
                .map(|policy| self.policy(policy, &counts, case))
                .into(),
            article_11: self.article_11(case),
            persons: self.persons(),
            near_duplicates: self.near(),
            schools: Schools {
                schools: self.sums.schools,
                classes: self.sums.classes,
                persons_in_classes: self.sums.in_classes,
                largest_class: self.sums.largest_class,
            },
            pictures: self.pictures(),
            domains: self.domains(&counts),
            files: (0..self.units.len())
                .filter_map(|unit| self.file(unit))
                .collect(),
            provenance: self.provenance.clone(),
            excluded: counts.out,
            kept_with_untrue_field: counts.untrue,
            deceased_kept: counts.deceased,
        }
    }

    fn tool(&self) -> Tool {
        let pack = RulePack::builtin();
        Tool {
            name: "liuhen",
            version: env!("CARGO_PKG_VERSION"),
            count_rules: self.plan.rules.version.clone(),
            count_rules_date: self.plan.rules.date.clone(),
            kind_rules: pack.version.clone(),
            kind_rules_date: pack.date.clone(),
            unverified_tiers: self
                .kinds_met()
                .filter(|kind| !pack.info(*kind).tier_source.verified())
                .collect(),
        }
    }

    fn kinds_met(&self) -> impl Iterator<Item = Kind> {
        let kind = |at: &u32| Kind::BUILTIN.get(*at as usize).copied();
        self.sums.kinds.keys().filter_map(kind)
    }

    fn parameters(&self, case: &Case) -> Parameters {
        Parameters {
            ages_on: self.plan.date.to_string(),
            insider: case.insider,
            flags: case.flags.clone(),
            gains_yuan: case
                .gains_fen
                .iter()
                .map(|(actor, fen)| (actor.clone(), yuan(*fen)))
                .collect(),
            business_profit_yuan: case.business_profit_fen.map(yuan),
            acts: self.plan.acts.acts.len(),
        }
    }

    fn policy(&self, policy: Policy, counts: &RowCounts, case: &Case) -> PolicyCount {
        let items_before = match policy {
            Policy::ExactRow | Policy::Person => counts.valid,
            Policy::PersonType | Policy::PersonTypeEvent => counts.items,
            // What a file was used for several times counts for each.
            Policy::PersonTypeAct => {
                let units = self.units.iter().enumerate();
                units
                    .map(|(at, unit)| {
                        unit.counts.items * (self.plan.acts.of(at).len() as u64).max(1)
                    })
                    .sum()
            }
        };
        let distinct = self.sums.distinct[policy as usize];
        let circumstances = circumstances(case, "", &self.plan);
        PolicyCount {
            policy,
            items_before,
            duplicates: items_before - distinct,
            distinct,
            readings: self.readings(&self.sums.tiers[policy as usize], &circumstances),
        }
    }

    fn readings(&self, tiers: &[ByTier; 3], case: &Circumstances) -> Vec<ReadingCount> {
        let reading = |(reading, items): (Reading, &ByTier)| ReadingCount {
            reading: reading.name(),
            items: *items,
            advice: assess(*items, case, &self.plan.rules.thresholds),
        };
        Reading::ALL.into_iter().zip(tiers).map(reading).collect()
    }

    fn article_11(&self, case: &Case) -> Vec<Actor> {
        let mut actors: BTreeSet<&str> = self.plan.acts.actors().into_iter().collect();
        if !self.plan.acts.acts.is_empty() {
            actors.insert("");
        }
        let none = [ByTier::default(); 3];
        let actor = |actor: &str| Actor {
            actor: actor.to_owned(),
            readings: self.readings(
                self.sums.article_11.get(actor).unwrap_or(&none),
                &circumstances(case, actor, &self.plan),
            ),
        };
        actors.into_iter().map(actor).collect()
    }

    fn persons(&self) -> Persons {
        let regions: Vec<RegionCount> = self
            .sums
            .regions
            .iter()
            .map(|(code, persons)| {
                let (province, city) = region::name(*code);
                RegionCount {
                    code: format!("{code:04}"),
                    province,
                    city,
                    persons: *persons,
                }
            })
            .collect();
        let provinces: BTreeSet<u16> = self.sums.regions.keys().map(|code| code / 100).collect();
        let cities = self
            .sums
            .regions
            .keys()
            .filter(|code| !code.is_multiple_of(100));
        let [pipl, gb35273, gb45574] = self.sums.sensitive;
        Persons {
            ages: Age::NAMES.into_iter().zip(self.sums.ages).collect(),
            provinces: provinces.len() as u64,
            cities: cities.count() as u64,
            regions,
            sensitive: BTreeMap::from([
                ("pipl_28", pipl),
                ("gbt_35273_2020", gb35273),
                ("gbt_45574_2025", gb45574),
            ]),
            kinds: self
                .kinds_met()
                .zip(self.sums.kinds.values().copied())
                .collect(),
            several_names: self.sums.several_names,
            several_telephones: self.sums.several_phones,
        }
    }

    fn near(&self) -> Near {
        let rule = |(rule, links): (&crate::rules::LinkRule, u64)| NearRule {
            rule: rule.name.clone(),
            confidence: format!("{:.2}", rule.confidence),
            source: rule.source.to_string(),
            links,
        };
        let persons = self.sums.distinct[Policy::Person as usize];
        Near {
            rules: self
                .plan
                .rules
                .links
                .iter()
                .zip(self.sums.links)
                .map(rule)
                .collect(),
            persons_fewer_at_most: self.sums.fewer,
            persons_more_at_most: self.sums.more,
            persons_between: [
                // A pair met by two contacts is told twice, and somebody always remains.
                persons.saturating_sub(self.sums.fewer).max(persons.min(1)),
                persons + self.sums.more,
            ],
        }
    }

    fn pictures(&self) -> Pictures {
        let mut counts = PictureCounts::default();
        self.units
            .iter()
            .for_each(|unit| counts.add(&unit.pictures));
        // A count of tables alone says the same on a machine with networks as on one without.
        let sight = self.plan.sight.clone().filter(|_| !counts.is_empty());
        Pictures { sight, counts }
    }

    fn domains(&self, counts: &RowCounts) -> Vec<Named> {
        let domain = |(at, rows): (&usize, &u64)| {
            let domain = self.plan.rules.domains.get(*at)?;
            Some(Named {
                name: domain.name.clone(),
                zh: domain.zh.clone(),
                en: domain.en.clone(),
                rows: *rows,
            })
        };
        counts.domains.iter().filter_map(domain).collect()
    }

    fn file(&self, at: usize) -> Option<FileCount> {
        let (unit, done) = (self.plan.units.get(at)?, self.units.get(at)?);
        let [persons, persons_first_here, rows_first_here] =
            self.sums.files.get(&at).copied().unwrap_or_default();
        let domains = done
            .counts
            .domains
            .keys()
            .filter_map(|at| self.plan.rules.domains.get(*at));
        Some(FileCount {
            path: unit.path.clone(),
            bytes: unit.bytes,
            sha256: done.sha256.clone(),
            unread: done.unread.clone(),
            unread_parts: done.unread_parts.clone(),
            unread_parts_more: done.unread_parts_more,
            raw: done.counts.raw,
            excluded: done.counts.out.clone(),
            valid: done.counts.valid,
            rows_first_here,
            persons,
            persons_first_here,
            domains: domains.map(|domain| domain.name.clone()).collect(),
            pictures: done.pictures.clone(),
        })
    }
}

/// What weighs for one actor: gains are his own, or those of all together.
fn circumstances(case: &Case, actor: &str, plan: &Plan<'_>) -> Circumstances {
    let stated = |special: bool| {
        plan.rules
            .flags
            .iter()
            .any(|flag| flag.special == special && case.flags.contains(&flag.name))
    };
    Circumstances {
        insider: case.insider,
        gain_fen: case.gains_fen.get(actor).copied().unwrap_or(0),
        serious_flag: stated(false),
        special_flag: stated(true),
        business_profit_fen: case.business_profit_fen,
        provided: plan
            .acts
            .acts
            .iter()
            .any(|act| act.kind == ActKind::Provided && (actor.is_empty() || act.actor == actor)),
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

fn yuan(fen: u64) -> String {
    format!("{}.{:02}", fen / 100, fen % 100)
}
