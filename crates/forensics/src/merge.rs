//! One partition: equal keys brought together and counted under every policy.
//!
//! Records are ordered by key and place, so the first of a group is the first in the exhibits,
//! whatever thread wrote it when.

use std::collections::BTreeMap;

use liuhen_kinds::Tier;
use serde::{Deserialize, Serialize};

use crate::acts::{Act, ActKind, Acts};
use crate::age::Age;
use crate::ledger::Line;
use crate::near::{self, Link};
use crate::place::Place;
use crate::provenance::shared::Shared;
use crate::reason::{Policy, Reason};
use crate::row::{Valid, known_region};
use crate::rules::{Reading, Rules, Tiers};
use crate::spill::{Record, Stream};
use crate::threshold::ByTier;

/// Sums of some partitions; adding them up in any order gives the same.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sums {
    /// Distinct items under each policy.
    pub(crate) distinct: [u64; 5],
    /// The same by tier, under each reading.
    pub(crate) tiers: [[ByTier; 3]; 5],
    /// Distinct rows that hold two kinds or more.
    pub(crate) bundles: u64,
    /// Persons by age group.
    pub(crate) ages: [u64; 4],
    /// Persons by the first four digits of their region.
    pub(crate) regions: BTreeMap<u16, u64>,
    /// Persons of whom something sensitive is told: PIPL, GB/T 35273, GB/T 45574.
    pub(crate) sensitive: [u64; 3],
    /// Persons of whom each kind is told, by the kind's bit.
    pub(crate) kinds: BTreeMap<u32, u64>,
    pub(crate) several_names: u64,
    /// Persons more, if each name under one telephone or account is somebody.
    pub(crate) more: u64,
    pub(crate) several_phones: u64,
    /// By file: persons in it, and of them those in no earlier file.
    pub(crate) files: BTreeMap<usize, [u64; 3]>,
    /// Items as article 11 counts them, of everybody and of each actor.
    pub(crate) article_11: BTreeMap<String, [ByTier; 3]>,
    pub(crate) links: [u64; 4],
    /// Persons fewer at most, if every link were true.
    pub(crate) fewer: u64,
    pub(crate) schools: u64,
    pub(crate) classes: u64,
    /// Persons of the largest class.
    pub(crate) largest_class: u64,
    /// Persons in classes.
    pub(crate) in_classes: u64,
    /// By file: its pairs of name and telephone; empty for a single file.
    pub(crate) contacts: BTreeMap<usize, u64>,
}

fn add_maps<K: Ord + Clone>(to: &mut BTreeMap<K, u64>, from: &BTreeMap<K, u64>) {
    for (key, count) in from {
        *to.entry(key.clone()).or_default() += count;
    }
}

impl Sums {
    pub(crate) fn add(&mut self, other: &Self) {
        let pairs = |to: &mut [u64], from: &[u64]| {
            to.iter_mut().zip(from).for_each(|(to, from)| *to += from)
        };
        pairs(&mut self.distinct, &other.distinct);
        pairs(&mut self.ages, &other.ages);
        pairs(&mut self.sensitive, &other.sensitive);
        pairs(&mut self.links, &other.links);
        for (to, from) in self.tiers.iter_mut().zip(&other.tiers) {
            to.iter_mut().zip(from).for_each(|(to, from)| to.add(*from));
        }
        add_maps(&mut self.regions, &other.regions);
        add_maps(&mut self.kinds, &other.kinds);
        add_maps(&mut self.contacts, &other.contacts);
        for (unit, counts) in &other.files {
            pairs(self.files.entry(*unit).or_default(), counts);
        }
        for (actor, tiers) in &other.article_11 {
            let to = self.article_11.entry(actor.clone()).or_default();
            to.iter_mut()
                .zip(tiers)
                .for_each(|(to, from)| to.add(*from));
        }
        self.bundles += other.bundles;
        self.several_names += other.several_names;
        self.more += other.more;
        self.several_phones += other.several_phones;
        self.fewer += other.fewer;
        self.schools += other.schools;
        self.classes += other.classes;
        self.in_classes += other.in_classes;
        self.largest_class = self.largest_class.max(other.largest_class);
    }
}

/// What a person's record holds beside its key.
pub(crate) fn person_extra(valid: &Valid) -> u128 {
    let low = u64::from(valid.name) | u64::from(valid.phone) << 32;
    let high = u64::from(valid.region) | (valid.age as u64) << 16;
    u128::from(low) | u128::from(high) << 64
}

fn names_of(extra: u128) -> (u32, u32, u16, usize) {
    let part =
        |shift: u32, bits: u32| u32::try_from(extra >> shift & ((1 << bits) - 1)).unwrap_or(0);
    let region = u16::try_from(part(64, 16)).unwrap_or(0);
    (part(0, 32), part(32, 32), region, part(80, 2) as usize)
}

/// Counts the groups of one partition.
pub(crate) struct Merge<'a> {
    pub(crate) rules: &'a Rules,
    pub(crate) acts: &'a Acts,
    /// Whether lines of the ledger are wanted.
    pub(crate) lines: Option<Vec<Line>>,
    /// Who is met in several files; none for a single file.
    pub(crate) shared: Option<Shared>,
    pub(crate) sums: Sums,
}

impl Merge<'_> {
    fn line(&mut self, line: Line) {
        if let Some(lines) = &mut self.lines {
            lines.push(line);
        }
    }

    fn duplicate(&mut self, policy: Policy, place: Place, first: Place, mask: u64) {
        self.line(Line {
            place,
            first: Some(first),
            reason: Reason::DuplicateOf,
            detail: policy as u8,
            mask,
        });
    }

    /// An item of these kinds, of the tier of the most sensitive.
    fn item(&mut self, policy: Policy, mask: u64) {
        self.sums.distinct[policy as usize] += 1;
        for (reading, tiers) in self.rules.tiers.iter().enumerate() {
            self.sums.tiers[policy as usize][reading].add(one(tiers, mask));
        }
    }

    /// Items of one kind each.
    fn items(&mut self, policy: Policy, mask: u64) {
        self.sums.distinct[policy as usize] += u64::from(mask.count_ones());
        for (reading, tiers) in self.rules.tiers.iter().enumerate() {
            self.sums.tiers[policy as usize][reading].add(each(tiers, mask));
        }
    }

    /// Takes in everything that one stream holds for the partition.
    pub(crate) fn stream(&mut self, stream: Stream, records: &mut [Record]) {
        match stream {
            Stream::Rows => self.rows(records),
            Stream::Persons => self.persons(records),
            Stream::Events => self.events(records),
            Stream::Contacts => self.contacts(records),
            Stream::Cohorts => self.cohorts(records),
            Stream::Out => self.out(records),
        }
    }

    /// Rows that are out are lines and nothing more: they were counted where they were read.
    fn out(&mut self, records: &[Record]) {
        for record in records {
            let reason = u8::try_from(record.mask).ok().and_then(Reason::of);
            self.line(Line {
                place: record.place,
                first: None,
                reason: reason.unwrap_or(Reason::UnreadableRow),
                detail: 0,
                mask: 0,
            });
        }
    }

    fn rows(&mut self, records: &mut [Record]) {
        sort(records);
        for group in records.chunk_by(|a, b| a.key == b.key) {
            let Some(first) = group.first() else { continue };
            let mask = group.iter().fold(0, |mask, record| mask | record.mask);
            self.item(Policy::ExactRow, mask);
            self.sums.bundles += u64::from(mask.count_ones() >= 2);
            self.sums.files.entry(first.place.unit()).or_default()[2] += 1;
            for other in group.iter().skip(1) {
                self.duplicate(Policy::ExactRow, other.place, first.place, 0);
            }
        }
    }

    fn persons(&mut self, records: &mut [Record]) {
        sort(records);
        for group in records.chunk_by(|a, b| a.key == b.key) {
            self.person(group);
            if let Some(shared) = &mut self.shared {
                shared.person(group);
            }
        }
    }

    fn person(&mut self, group: &[Record]) {
        let Some(first) = group.first() else { return };
        let mask = group.iter().fold(0, |mask, record| mask | record.mask);
        self.item(Policy::Person, mask);
        self.items(Policy::PersonType, mask);
        self.items(Policy::PersonTypeEvent, mask & !self.rules.events);
        self.about(group, mask);
        let mut unit = usize::MAX;
        for record in group {
            if record.place.unit() != unit {
                unit = record.place.unit();
                let file = self.sums.files.entry(unit).or_default();
                file[0] += 1;
                file[1] += u64::from(unit == first.place.unit());
            }
        }
        self.acts(group, mask);
        if self.lines.is_some() {
            for other in group.iter().skip(1) {
                self.duplicate(Policy::Person, other.place, first.place, 0);
            }
            self.repeated(Policy::PersonType, group.iter().copied(), u64::MAX);
            self.repeated(
                Policy::PersonTypeEvent,
                group.iter().copied(),
                !self.rules.events,
            );
        }
    }

    /// Lines for each kind that an earlier record of the group held.
    fn repeated(&mut self, policy: Policy, group: impl Iterator<Item = Record>, wanted: u64) {
        let mut firsts = [Place(0); 64];
        let mut known = 0_u64;
        for record in group {
            let mask = record.mask & wanted;
            let mut again = mask & known;
            while again != 0 {
                let first = firsts[again.trailing_zeros() as usize];
                let same = bits(again)
                    .filter(|at| firsts[*at] == first)
                    .fold(0, |mask, at| mask | 1 << at);
                self.duplicate(policy, record.place, first, same);
                again &= !same;
            }
            bits(mask & !known).for_each(|at| firsts[at] = record.place);
            known |= mask;
        }
    }

    /// Age, region, sensitivity and kinds of a person; what an earlier row tells goes first.
    fn about(&mut self, group: &[Record], mask: u64) {
        let (mut name, mut phone, mut region, mut age) = (0, 0, 0, 0);
        let (mut names, mut phones) = (false, false);
        for record in group {
            let (its_name, its_phone, its_region, its_age) = names_of(record.extra);
            names |= name != 0 && its_name != 0 && name != its_name;
            phones |= phone != 0 && its_phone != 0 && phone != its_phone;
            name = if name == 0 { its_name } else { name };
            phone = if phone == 0 { its_phone } else { phone };
            region = if region == 0 { its_region } else { region };
            age = if age == 0 { its_age } else { age };
        }
        let sums = &mut self.sums;
        sums.several_names += u64::from(names);
        if names && mask & self.rules.document_kinds == 0 {
            let mut names: Vec<u32> = group
                .iter()
                .map(|record| names_of(record.extra).0)
                .collect();
            names.retain(|name| *name != 0);
            names.sort_unstable();
            names.dedup();
            sums.more += names.len() as u64 - 1;
        }
        sums.several_phones += u64::from(phones);
        if let Some(count) = sums.ages.get_mut(age) {
            *count += 1;
        }
        if known_region(region) {
            *sums.regions.entry(region).or_default() += 1;
        }
        // PIPL, article 28, and GB/T 45574: everything about a child under fourteen.
        let child = age == Age::Child as usize;
        let lists = [
            (self.rules.pipl, child),
            (self.rules.gb35273, false),
            (self.rules.gb45574, child),
        ];
        for (count, (list, child)) in sums.sensitive.iter_mut().zip(lists) {
            *count += u64::from(child || mask & list != 0);
        }
        for at in bits(mask) {
            *sums
                .kinds
                .entry(u32::try_from(at).unwrap_or(0))
                .or_default() += 1;
        }
    }

    /// Person × type × act × counterparty, and what article 11 makes of it.
    fn acts(&mut self, group: &[Record], mask: u64) {
        if self.acts.acts.is_empty() {
            return self.items(Policy::PersonTypeAct, mask);
        }
        // By act; a file without an act stands under none.
        let mut by_act: BTreeMap<Option<u16>, Vec<Record>> = BTreeMap::new();
        for record in group {
            let acts = self.acts.of(record.place.unit());
            if acts.is_empty() {
                by_act.entry(None).or_default().push(*record);
            }
            for act in acts {
                by_act.entry(Some(*act)).or_default().push(*record);
            }
        }
        for records in by_act.values() {
            let held = records.iter().fold(0, |mask, record| mask | record.mask);
            self.items(Policy::PersonTypeAct, held);
            if self.lines.is_some() {
                self.repeated(Policy::PersonTypeAct, records.iter().copied(), u64::MAX);
            }
        }
        let acts = self.acts;
        let held = |records: &[Record]| records.iter().fold(0, |mask, record| mask | record.mask);
        let done: Vec<(Option<&Act>, u64)> = by_act
            .iter()
            .map(|(at, records)| (at.and_then(|at| acts.act(at)), held(records)))
            .collect();
        self.article_11("", &done);
        for actor in acts.actors() {
            let his: Vec<_> = done
                .iter()
                .filter(|(act, _)| act.is_some_and(|act| act.actor == actor))
                .copied()
                .collect();
            if !his.is_empty() {
                self.article_11(actor, &his);
            }
        }
    }

    /// One item for each to whom it went, or one when it went to nobody. Where more was obtained
    /// than handed on to anybody, the most sensitive of them is as what was obtained: it counts
    /// once, and not for less than if nothing had been sold.
    fn article_11(&mut self, actor: &str, done: &[(Option<&Act>, u64)]) {
        let mut received: BTreeMap<&str, u64> = BTreeMap::new();
        for (act, mask) in done {
            if let Some(act) = act.filter(|act| act.kind == ActKind::Provided) {
                *received.entry(&act.counterparty).or_default() |= mask;
            }
        }
        let all = done.iter().fold(0, |all, (_, mask)| all | mask);
        let masks: Vec<u64> = if received.is_empty() {
            vec![all]
        } else {
            received.into_values().collect()
        };
        let counts = self.sums.article_11.entry(actor.to_owned()).or_default();
        for (count, tiers) in counts.iter_mut().zip(&self.rules.tiers) {
            let mut told: Vec<Tier> = masks.iter().map(|mask| tiers.of(*mask)).collect();
            if let Some(most) = told.iter_mut().min() {
                *most = tiers.of(all).min(*most);
            }
            told.iter().for_each(|tier| count.add(of(*tier)));
        }
    }

    fn events(&mut self, records: &mut [Record]) {
        sort(records);
        for group in records.chunk_by(|a, b| a.key == b.key) {
            let mask = group.iter().fold(0, |mask, record| mask | record.mask) & self.rules.events;
            self.items(Policy::PersonTypeEvent, mask);
            if self.lines.is_some() {
                self.repeated(
                    Policy::PersonTypeEvent,
                    group.iter().copied(),
                    self.rules.events,
                );
            }
        }
    }

    fn contacts(&mut self, records: &mut [Record]) {
        sort(records);
        let mut told: Vec<(Link, Place, Place)> = Vec::new();
        for group in records.chunk_by(|a, b| a.key == b.key) {
            self.sums.fewer += near::links(group, &mut |link, late, early| {
                told.push((link, late, early))
            });
            if let Some(shared) = &mut self.shared {
                shared.contact(group);
            }
        }
        for (link, place, first) in told {
            self.sums.links[link as usize] += 1;
            self.line(Line {
                place,
                first: Some(first),
                reason: Reason::NearDuplicateOf,
                detail: link as u8,
                mask: 0,
            });
        }
    }

    fn cohorts(&mut self, records: &mut [Record]) {
        // The mask of these records is a part of the person's key.
        records.sort_unstable_by_key(|record| (record.key, record.extra, record.mask));
        for school in records.chunk_by(|a, b| a.key == b.key) {
            self.sums.schools += 1;
            for class in school
                .chunk_by(|a, b| a.extra == b.extra)
                .filter(|class| class.first().is_some_and(|one| one.extra != 0))
            {
                let persons = class.chunk_by(|a, b| a.mask == b.mask).count() as u64;
                self.sums.classes += 1;
                self.sums.in_classes += persons;
                self.sums.largest_class = self.sums.largest_class.max(persons);
            }
        }
    }
}

fn sort(records: &mut [Record]) {
    records.sort_unstable_by_key(|record| (record.key, record.place));
}

/// The places of the bits that are set.
pub(crate) fn bits(mut mask: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let at = mask.trailing_zeros();
        mask &= mask.wrapping_sub(1);
        (at < 64).then_some(at as usize)
    })
}

fn one(tiers: &Tiers, mask: u64) -> ByTier {
    of(tiers.of(mask))
}

fn of(tier: Tier) -> ByTier {
    ByTier {
        t50: u64::from(tier == Tier::T50),
        t500: u64::from(tier == Tier::T500),
        t5000: u64::from(tier == Tier::T5000),
    }
}

fn each(tiers: &Tiers, mask: u64) -> ByTier {
    let count = |tier: u64| u64::from((mask & tier).count_ones());
    ByTier {
        t50: count(tiers.t50),
        t500: count(tiers.t500),
        t5000: count(tiers.t5000),
    }
}

const _: () = assert!(Reading::ALL.len() == 3 && Policy::ALL.len() == 5);
