//! Which file is a copy, an extract, a merge or a re-sale of which.
//!
//! Rule: `[provenance]` and `[[kinship]]` of the rule pack. People that files share are found by
//! a sample and then counted (`pairs`); errors, columns and containment say what two files are to
//! each other (`relation`); here relations become a graph in which what a third file explains is
//! left out. Nothing here is proof: a relation names its rule, its evidence and a confidence that
//! is our judgement.

mod graph;
pub(crate) mod habit;
pub(crate) mod pairs;
mod relation;
pub(crate) mod rules;
pub(crate) mod shared;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::error::CountError;
use crate::ports::Unit;
use crate::unit::UnitDone;
use habit::{Habits, Shape};
use pairs::{Crowd, Pair, Pairs};
use relation::{Draft, Found, decide, shares};

pub use graph::draw;
pub use habit::Spelling;
pub use relation::{Columns, Relation};
pub use rules::{KinRules, Kinship};
pub use shared::By;

/// Files and what they are to each other.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Provenance {
    /// Every file, numbered from 1.
    pub files: Vec<FileHabits>,
    /// Relations that no third file explains.
    pub edges: Vec<Edge>,
    /// Relations that a third file explains.
    pub indirect: Vec<Indirect>,
    /// Files that share many people, and nothing else that speaks of kinship.
    pub unresolved: Vec<Overlap>,
    /// The rules that edges name.
    pub rules: Vec<RuleTold>,
    /// Pairs that were not compared, being too many; they share fewer people than those that were.
    pub pairs_left_off: usize,
}

/// A file as its maker has it.
#[derive(Debug, Clone, Serialize)]
pub struct FileHabits {
    /// Its number in edges.
    pub file: usize,
    /// Its path.
    pub path: String,
    /// Its persons.
    pub persons: u64,
    /// Its pairs of name and telephone.
    pub contacts: u64,
    /// Format and encoding, where they were told.
    pub form: Option<String>,
    /// The kinds of its first table's columns in order.
    pub columns: Vec<Option<String>>,
    /// Spellings of a sample of its cells, by kind.
    pub spelling: BTreeMap<String, BTreeMap<Spelling, u64>>,
}

/// What one file is to another.
#[derive(Debug, Clone, Serialize)]
pub struct Edge {
    /// The number of the file that was first; where nothing says so, of the first by path.
    pub from: usize,
    /// The number of the other.
    pub to: usize,
    /// Whether something says that `from` was first.
    pub directed: bool,
    /// What `to` is to `from`.
    pub relation: Relation,
    /// Why, by the rule's name.
    pub rule: &'static str,
    /// How sure, 0 to 1, by the rule pack.
    pub confidence: String,
    /// What was compared and found.
    pub evidence: Evidence,
}

/// What was found in two files.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Evidence {
    /// By what people were compared.
    pub by: Option<By>,
    /// People in both.
    pub common: u64,
    /// Their share of the people of `from`.
    pub of_from: String,
    /// Their share of the people of `to`.
    pub of_to: String,
    /// IDs that fail their check in both, under the same name and telephone.
    pub shared_errors: u64,
    /// Those that fail in `from` and hold in `to`.
    pub errors_only_in_from: u64,
    /// Those that fail in `to` and hold in `from`.
    pub errors_only_in_to: u64,
    /// Agreement of the order of rows, -1 to 1 (Kendall's tau on a sample).
    pub order: Option<String>,
    /// How the columns compare.
    pub columns: Option<Columns>,
    /// Whether the words above the columns are the same.
    pub same_header: bool,
    /// Whether format and encoding are the same.
    pub same_form: bool,
    /// Kinds that are spelled otherwise.
    pub spelled_otherwise: Vec<String>,
}

/// A relation that a third file explains.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Indirect {
    pub from: usize,
    pub to: usize,
    pub relation: Relation,
    pub through: usize,
}

/// Two files that share people.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Overlap {
    pub files: [usize; 2],
    pub by: By,
    pub common: u64,
    pub shares: [String; 2],
}

/// A rule of kinship.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct RuleTold {
    pub rule: String,
    pub zh: String,
    pub en: String,
    pub confidence: String,
    pub source: String,
}

/// A number that looks drawn, from any number; the same everywhere (SplitMix64, Steele et al. 2014).
pub(crate) const fn mix(number: u64) -> u64 {
    let a = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let b = (a ^ (a >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let c = (b ^ (b >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    c ^ (c >> 31)
}

/// In thousandths.
fn share(part: u64, all: u64) -> u64 {
    part * 1000 / all.max(1)
}

/// Thousandths as a number.
fn thousandths(share: u64) -> String {
    format!("{}.{:03}", share / 1000, share % 1000)
}

/// What is known of files.
pub(crate) struct Facts<'a> {
    pub(crate) units: &'a [Unit],
    pub(crate) done: &'a [UnitDone],
    pub(crate) crowd: Crowd,
    pub(crate) rules: &'a KinRules,
    pub(crate) kinships: &'a [crate::rules::LinkRule],
}

impl Facts<'_> {
    fn shape(&self, unit: usize) -> &Shape {
        static NONE: Shape = Shape {
            kinds: Vec::new(),
            header: String::new(),
        };
        let shape = self.done.get(unit).and_then(|done| done.shape.as_ref());
        shape.unwrap_or(&NONE)
    }

    fn habits(&self, unit: usize) -> Option<&Habits> {
        self.done.get(unit).map(|done| &done.counts.habits)
    }

    fn kinds(&self, unit: usize) -> BTreeSet<&str> {
        self.habits(unit)
            .into_iter()
            .flat_map(Habits::kinds)
            .collect()
    }

    fn form(&self, unit: usize) -> Option<&str> {
        self.done.get(unit)?.form.as_deref()
    }

    fn spelled_otherwise(&self, a: usize, b: usize) -> Vec<String> {
        match (self.habits(a), self.habits(b)) {
            (Some(a), Some(b)) => a.differ(b),
            _ => Vec::new(),
        }
    }

    fn have_other_habits(&self, a: usize, b: usize) -> bool {
        let (one, two) = (self.shape(a), self.shape(b));
        one != two || !self.spelled_otherwise(a, b).is_empty()
    }

    fn file(&self, unit: usize) -> FileHabits {
        FileHabits {
            file: unit + 1,
            path: self
                .units
                .get(unit)
                .map(|unit| unit.path.clone())
                .unwrap_or_default(),
            persons: self.crowd.of(unit, By::Person),
            contacts: self.crowd.of(unit, By::Contact),
            form: self.form(unit).map(str::to_owned),
            columns: self.shape(unit).kinds.clone(),
            spelling: self
                .habits(unit)
                .map(|habits| habits.0.clone())
                .unwrap_or_default(),
        }
    }

    fn evidence(&self, pair: &Pair, from: usize) -> Evidence {
        let (from, to) = if pair.units[0] == from {
            (0, 1)
        } else {
            (1, 0)
        };
        let [a, b] = [from, to].map(|at| pair.units[at]);
        let shares = shares(pair, self);
        let sign = |order: i64| if order < 0 { "-" } else { "" };
        let order = |order: i64| format!("{}{}", sign(order), thousandths(order.unsigned_abs()));
        Evidence {
            by: Some(pair.by),
            common: pair.common,
            of_from: thousandths(shares[from]),
            of_to: thousandths(shares[to]),
            shared_errors: pair.shared_errors,
            errors_only_in_from: pair.own_errors[from],
            errors_only_in_to: pair.own_errors[to],
            order: pair.order().map(order),
            columns: Some(relation::columns(self.shape(a), self.shape(b))),
            same_header: self.shape(a).header == self.shape(b).header,
            same_form: self.form(a) == self.form(b),
            spelled_otherwise: self.spelled_otherwise(a, b),
        }
    }

    fn rule(&self, kinship: Kinship) -> Option<&crate::rules::LinkRule> {
        self.kinships.get(kinship as usize)
    }

    fn confidence(&self, kinship: Kinship) -> f64 {
        self.rule(kinship).map_or(0.0, |rule| rule.confidence)
    }
}

/// The graph of some files, from the groups that their partitions kept.
///
/// # Errors
///
/// [`CountError::Work`] and [`CountError::Damaged`] when groups cannot be read back.
pub(crate) fn weave(
    facts: &Facts<'_>,
    groups: &[std::path::PathBuf],
) -> Result<Provenance, CountError> {
    let found = match facts.units.len() {
        0 | 1 => Pairs::default(),
        _ => pairs::find(groups, &facts.crowd, facts.rules)?,
    };
    let mut weft = Weft::new(facts, &found);
    weft.break_cycles();
    weft.one_of_copies();
    weft.leave_out_explained();
    Ok(weft.told())
}

/// Files whose people are those of several others that were made in different ways.
fn merged(facts: &Facts<'_>, found: &Pairs) -> BTreeSet<usize> {
    let mut parts: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let mut too_large = BTreeSet::new();
    for pair in &found.pairs {
        let shares = shares(pair, facts);
        for (part, whole) in [(0, 1), (1, 0)] {
            if shares[part] >= facts.rules.whole && shares[whole] < facts.rules.whole {
                parts
                    .entry(pair.units[whole])
                    .or_default()
                    .push(pair.units[part]);
                // One that is most of it already is its source or its extract.
                if shares[whole] >= facts.rules.mostly {
                    too_large.insert(pair.units[whole]);
                }
            }
        }
    }
    let made = |(whole, parts): &(usize, Vec<usize>)| {
        let covered = found.covered.get(whole).copied().unwrap_or_default();
        let share = By::ALL.map(|by| share(covered[by as usize], facts.crowd.of(*whole, by)));
        let differ = parts
            .iter()
            .any(|a| parts.iter().any(|b| facts.have_other_habits(*a, *b)));
        share[0].max(share[1]) >= facts.rules.nearly && differ && !too_large.contains(whole)
    };
    parts
        .into_iter()
        .filter(made)
        .map(|(whole, _)| whole)
        .collect()
}

/// Relations on their way to a graph.
struct Weft<'a> {
    facts: &'a Facts<'a>,
    pairs: BTreeMap<[usize; 2], &'a Pair>,
    drafts: Vec<Draft>,
    indirect: Vec<(Draft, usize)>,
    unresolved: Vec<&'a Pair>,
    left_off: usize,
}

impl<'a> Weft<'a> {
    fn new(facts: &'a Facts<'a>, found: &'a Pairs) -> Self {
        let merged = merged(facts, found);
        let same = same_bytes(facts.done);
        let mut weft = Self {
            facts,
            pairs: found.pairs.iter().map(|pair| (pair.units, pair)).collect(),
            drafts: Vec::new(),
            indirect: Vec::new(),
            unresolved: Vec::new(),
            left_off: found.left_off,
        };
        for (later, first) in &same {
            weft.drafts.push(Draft {
                from: *first,
                to: *later,
                directed: false,
                relation: Relation::Copy,
                kinship: Kinship::SameBytes,
            });
        }
        // What is true of a file is true of its double.
        let single = |pair: &&Pair| !pair.units.iter().any(|unit| same.contains_key(unit));
        for pair in found.pairs.iter().filter(single) {
            match decide(pair, facts, &merged) {
                Found::Kin(draft) => weft.drafts.push(draft),
                Found::Unresolved => weft.unresolved.push(pair),
                Found::Nothing => {}
            }
        }
        weft
    }

    fn pair(&self, a: usize, b: usize) -> Option<&'a Pair> {
        self.pairs.get(&[a.min(b), a.max(b)]).copied()
    }

    /// What contradicts surer relations has no direction.
    fn break_cycles(&mut self) {
        let weight = |draft: &Draft| {
            let common = self
                .pair(draft.from, draft.to)
                .map_or(0, |pair| pair.common);
            (self.facts.confidence(draft.kinship), common)
        };
        let mut order: Vec<(f64, u64, usize)> = self
            .drafts
            .iter()
            .enumerate()
            .filter(|(_, draft)| draft.directed)
            .map(|(at, draft)| (weight(draft).0, weight(draft).1, at))
            .collect();
        order.sort_by(|a, b| b.0.total_cmp(&a.0).then(b.1.cmp(&a.1)).then(a.2.cmp(&b.2)));
        let mut after: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
        for (_, _, at) in order {
            let Some(draft) = self.drafts.get_mut(at) else {
                continue;
            };
            if reaches(&after, draft.to, draft.from) {
                draft.directed = false;
                draft.relation = Relation::Siblings;
                draft.kinship = Kinship::Undecided;
            } else {
                after.entry(draft.from).or_default().insert(draft.to);
            }
        }
    }

    /// Of copies that nothing tells apart, the first by path stands for all.
    fn one_of_copies(&mut self) {
        let mut first: BTreeMap<usize, usize> = BTreeMap::new();
        let is_copy = |draft: &Draft| !draft.directed && draft.relation != Relation::Siblings;
        let (mut copies, others): (Vec<Draft>, Vec<Draft>) = std::mem::take(&mut self.drafts)
            .into_iter()
            .partition(is_copy);
        copies.sort_by_key(|draft| (draft.kinship != Kinship::SameBytes, draft.from, draft.to));
        for draft in copies {
            let [a, b] = [draft.from, draft.to].map(|unit| stands_for(&first, unit));
            if a == b {
                self.indirect.push((draft, a));
            } else {
                first.insert(a.max(b), a.min(b));
                self.drafts.push(draft);
            }
        }
        for draft in others {
            let [a, b] = [draft.from, draft.to].map(|unit| stands_for(&first, unit));
            let moved = if a == draft.from { b } else { a };
            if (a, b) != (draft.from, draft.to) && (a == b || self.pair(a, b).is_some()) {
                self.indirect.push((draft, moved));
            } else {
                self.drafts.push(draft);
            }
        }
    }

    /// Leaves out what passes through a third file.
    fn leave_out_explained(&mut self) {
        let drafts = std::mem::take(&mut self.drafts);
        let directed: BTreeSet<(usize, usize)> = drafts
            .iter()
            .filter(|draft| draft.directed)
            .map(|draft| (draft.from, draft.to))
            .collect();
        let kin: BTreeSet<(usize, usize)> = drafts
            .iter()
            .flat_map(|draft| [(draft.from, draft.to), (draft.to, draft.from)])
            .collect();
        for draft in &drafts {
            let (from, to) = (draft.from, draft.to);
            let explains = |third: &usize| {
                let third = *third;
                let comes = |a, b| directed.contains(&(a, b));
                match draft.directed {
                    true => comes(from, third) && comes(third, to),
                    false => {
                        draft.relation == Relation::Siblings
                            && (comes(third, from) && kin.contains(&(third, to))
                                || comes(third, to) && kin.contains(&(third, from)))
                            && !comes(from, third)
                            && !comes(to, third)
                    }
                }
            };
            let pair = self.pair(from, to);
            let holds = |third: &usize| {
                pair.is_some_and(|pair| pair.also_in(*third) >= self.facts.rules.between)
            };
            let mut thirds = pair.into_iter().flat_map(Pair::others).filter(holds);
            match thirds.find(explains) {
                Some(third) => self.indirect.push((*draft, third)),
                None => self.drafts.push(*draft),
            }
        }
    }

    fn told(mut self) -> Provenance {
        self.drafts.sort_by_key(|draft| (draft.from, draft.to));
        self.indirect
            .sort_by_key(|(draft, _)| (draft.from, draft.to));
        let edges: Vec<Edge> = self.drafts.iter().map(|draft| self.edge(draft)).collect();
        let rule = |rule: &crate::rules::LinkRule| RuleTold {
            rule: rule.name.clone(),
            zh: rule.zh.clone(),
            en: rule.en.clone(),
            confidence: format!("{:.2}", rule.confidence),
            source: rule.source.to_string(),
        };
        let overlap = |pair: &&Pair| Overlap {
            files: pair.units.map(|unit| unit + 1),
            by: pair.by,
            common: pair.common,
            shares: shares(pair, self.facts).map(thousandths),
        };
        let indirect = |(draft, through): &(Draft, usize)| Indirect {
            from: draft.from + 1,
            to: draft.to + 1,
            relation: draft.relation,
            through: through + 1,
        };
        Provenance {
            files: (0..self.facts.units.len())
                .map(|unit| self.facts.file(unit))
                .collect(),
            edges,
            indirect: self.indirect.iter().map(indirect).collect(),
            unresolved: self.unresolved.iter().map(overlap).collect(),
            rules: self.facts.kinships.iter().map(rule).collect(),
            pairs_left_off: self.left_off,
        }
    }

    fn edge(&self, draft: &Draft) -> Edge {
        let pair = self.pair(draft.from, draft.to);
        Edge {
            from: draft.from + 1,
            to: draft.to + 1,
            directed: draft.directed,
            relation: draft.relation,
            rule: draft.kinship.name(),
            confidence: format!("{:.2}", self.facts.confidence(draft.kinship)),
            evidence: pair
                .map(|pair| self.facts.evidence(pair, draft.from))
                .unwrap_or_default(),
        }
    }
}

fn stands_for(first: &BTreeMap<usize, usize>, mut unit: usize) -> usize {
    while let Some(earlier) = first.get(&unit) {
        unit = *earlier;
    }
    unit
}

fn reaches(after: &BTreeMap<usize, BTreeSet<usize>>, from: usize, to: usize) -> bool {
    let (mut todo, mut met) = (vec![from], BTreeSet::new());
    while let Some(unit) = todo.pop() {
        if unit == to {
            return true;
        }
        if met.insert(unit) {
            todo.extend(after.get(&unit).into_iter().flatten());
        }
    }
    false
}

/// Files whose bytes an earlier one has, and that one; files without a row that counts are left alone.
fn same_bytes(done: &[UnitDone]) -> BTreeMap<usize, usize> {
    let mut first: BTreeMap<&str, usize> = BTreeMap::new();
    let mut same = BTreeMap::new();
    for (unit, done) in done
        .iter()
        .enumerate()
        .filter(|(_, done)| done.counts.valid > 0)
    {
        if let Some(digest) = &done.sha256 {
            match first.get(digest.as_str()) {
                Some(earlier) => drop(same.insert(unit, *earlier)),
                None => drop(first.insert(digest, unit)),
            }
        }
    }
    same
}

#[cfg(test)]
mod tests {
    use super::shared::Shared;
    use super::*;
    use crate::place::Place;
    use crate::row::{TRUE_ID, UNTRUE_ID};
    use crate::rules::Rules;
    use crate::spill::Record;

    /// A person, and whether the ID is mistyped.
    type Row = (u64, bool);

    fn record(unit: usize, row: usize, mask: u64) -> Record {
        Record {
            key: 0,
            place: Place::of(unit, row as u64 + 1),
            mask,
            extra: 1,
        }
    }

    /// The graph of files that hold these rows; `done` says what else is known of them.
    fn graph_of(files: &[Vec<Row>], done: &[UnitDone]) -> Provenance {
        let mut people: BTreeMap<u64, Vec<(usize, usize, bool)>> = BTreeMap::new();
        for (unit, rows) in files.iter().enumerate() {
            for (row, (person, slip)) in rows.iter().enumerate() {
                people.entry(*person).or_default().push((unit, row, *slip));
            }
        }
        let mut shared = Shared::default();
        for met in people.values() {
            let right = met.iter().filter(|(.., slip)| !slip);
            let person: Vec<Record> = right.map(|(unit, row, _)| record(*unit, *row, 0)).collect();
            shared.person(&person);
            let class = |slip: bool| if slip { UNTRUE_ID } else { TRUE_ID };
            let contact: Vec<Record> = met
                .iter()
                .map(|(unit, row, slip)| record(*unit, *row, class(*slip)))
                .collect();
            shared.contact(&contact);
        }
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("shared");
        shared.keep(&path).unwrap();
        let unit = |at: usize| Unit {
            path: format!("{at}.csv"),
            bytes: 0,
            changed_ns: 0,
        };
        let units: Vec<Unit> = (0..files.len()).map(unit).collect();
        let crowd = |rows: &Vec<Row>| {
            let right = rows.iter().filter(|(_, slip)| !slip).count() as u64;
            [right, rows.len() as u64]
        };
        let rules = Rules::builtin();
        let facts = Facts {
            units: &units,
            done,
            crowd: Crowd(files.iter().map(crowd).collect()),
            rules: &rules.provenance,
            kinships: &rules.kinships,
        };
        weave(&facts, &[path]).unwrap()
    }

    fn edges(told: &Provenance) -> Vec<(usize, usize, bool, &'static str, &'static str)> {
        let told = told.edges.iter();
        told.map(|edge| {
            let relation = edge.relation.name();
            (edge.from, edge.to, edge.directed, relation, edge.rule)
        })
        .collect()
    }

    fn people(range: std::ops::Range<u64>) -> Vec<Row> {
        range.map(|person| (person, person % 50 == 7)).collect()
    }

    /// Three of four rows, other people from `foreign` on, and some IDs mistyped.
    fn resold(source: &[Row], foreign: u64, salt: u64) -> Vec<Row> {
        let kept = source
            .iter()
            .filter(|(person, _)| !mix(person ^ salt).is_multiple_of(4));
        let slip =
            |(person, slip): &Row| (*person, *slip || mix(person ^ salt ^ 99).is_multiple_of(30));
        let mut rows: Vec<Row> = kept.map(slip).collect();
        rows.extend(people(foreign..foreign + source.len() as u64 / 4));
        rows.sort_by_key(|(person, _)| mix(person ^ salt ^ 5));
        rows
    }

    #[test]
    fn a_chain_of_four_generations_in_any_order_of_paths() {
        let first = people(0..4_000);
        let second = resold(&first, 10_000, 1 << 40);
        let third = resold(&second, 20_000, 2 << 40);
        let fourth = resold(&third, 30_000, 3 << 40);
        let re_sale = |from, to| (from, to, true, "re_sale", "own_errors");
        let told = graph_of(
            &[first.clone(), second.clone(), third.clone(), fourth.clone()],
            &[],
        );
        assert_eq!(edges(&told), [re_sale(1, 2), re_sale(2, 3), re_sale(3, 4)]);
        assert!(
            told.indirect
                .iter()
                .any(|left| (left.from, left.to, left.through) == (1, 3, 2))
        );
        let told = graph_of(&[third, first, fourth, second], &[]);
        assert_eq!(edges(&told), [re_sale(1, 3), re_sale(2, 4), re_sale(4, 1)]);
    }

    #[test]
    fn of_an_unseen_file_there_are_siblings() {
        let unseen = people(0..4_000);
        let files = [
            resold(&unseen, 10_000, 1 << 40),
            resold(&unseen, 20_000, 2 << 40),
        ];
        assert_eq!(
            edges(&graph_of(&files, &[])),
            [(1, 2, false, "siblings", "errors_on_both_sides")]
        );
        // With it they are its children, and no more is said of the two.
        let [one, two] = files;
        let told = graph_of(&[one, two, unseen], &[]);
        let re_sale = |to| (3, to, true, "re_sale", "own_errors");
        assert_eq!(edges(&told), [re_sale(1), re_sale(2)]);
    }

    #[test]
    fn people_that_chance_gives_two_files_make_no_kin() {
        // A third of each in common; each errs on its own.
        let errs = |range: std::ops::Range<u64>, salt: u64| -> Vec<Row> {
            let mut rows: Vec<Row> = range
                .map(|person| (person, mix(person ^ salt).is_multiple_of(40)))
                .collect();
            rows.retain(|(person, _)| !mix(person ^ salt ^ 3).is_multiple_of(3));
            rows.sort_by_key(|(person, _)| mix(person ^ salt ^ 5));
            // Errors in both of the same person are what chance hardly gives.
            rows.iter_mut()
                .for_each(|(person, slip)| *slip &= *person % 2 == salt >> 40 & 1);
            rows
        };
        let told = graph_of(&[errs(0..3_000, 1 << 40), errs(1_500..4_500, 2 << 40)], &[]);
        assert_eq!(edges(&told), []);
        assert_eq!(told.unresolved.len(), 1);
        let apart = graph_of(&[errs(0..3_000, 1 << 40), errs(2_950..6_000, 2 << 40)], &[]);
        assert!(apart.edges.is_empty() && apart.unresolved.is_empty());
    }

    #[test]
    fn copies_extracts_and_merges() {
        let whole = people(0..2_000);
        let mut shuffled = whole.clone();
        shuffled.sort_by_key(|(person, _)| mix(*person));
        let extract: Vec<Row> = whole
            .iter()
            .copied()
            .filter(|(person, _)| mix(*person).is_multiple_of(3))
            .collect();
        let told = graph_of(&[whole.clone(), whole.clone(), shuffled, extract], &[]);
        assert_eq!(
            edges(&told),
            [
                (1, 2, false, "copy", "same_people"),
                (1, 3, false, "copy_reordered", "same_people"),
                (1, 4, true, "subset", "lies_within"),
            ]
        );
        let shape = |kind: &str| UnitDone {
            shape: Some(Shape {
                kinds: vec![Some(kind.to_owned())],
                header: String::new(),
            }),
            ..UnitDone::default()
        };
        let (left, right) = (people(0..900), people(900..2_000));
        let parts = [whole, left, right];
        let told = graph_of(&parts, &[shape("mobile"), shape("mobile"), shape("qq")]);
        assert_eq!(
            edges(&told),
            [
                (2, 1, true, "merge_of", "made_of_parts"),
                (3, 1, true, "merge_of", "made_of_parts"),
            ]
        );
        // Cut into parts by one who kept his habits: the parts come from the whole.
        let told = graph_of(&parts, &[]);
        assert!(
            told.edges
                .iter()
                .all(|edge| edge.from == 1 && edge.relation == Relation::Subset)
        );
    }

    #[test]
    fn contradictions_lose_their_direction_and_pictures_hold_no_markup() {
        let mut told = graph_of(&[people(0..100), people(0..100)], &[]);
        told.files[1].path = "dir/<b>&\u{202e}.csv".to_owned();
        let drawn = draw(&told, false);
        assert!(drawn.contains("&lt;b&gt;&amp;\u{fffd}.csv") && !drawn.contains("dir/"));
        assert_eq!(drawn, draw(&told, false));
        assert!(draw(&told, true).contains("副本"));
        let after = BTreeMap::from([(1, BTreeSet::from([2])), (2, BTreeSet::from([1, 3]))]);
        assert!(reaches(&after, 1, 3) && !reaches(&after, 3, 1));
    }
}
