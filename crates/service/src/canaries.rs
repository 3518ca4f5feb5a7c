//! The canary persons that issued copies could have carried, drawn again from their keys.
//!
//! Nothing about a canary is stored: its number, its table and the likeness of its table's people give the same person each time. Two exports of one table share their canaries; which of them each carries is the secret of its key.

use std::collections::HashMap;

use liuhen_fingerprint::canary::Canary;
use liuhen_fingerprint::code::CodeKey;
use liuhen_fingerprint::table::plain;
use liuhen_invented::{Cast, Generator, Person, Profile};
use liuhen_kinds::Kind;

use crate::exports::StoredExport;
use crate::imports::lookup_form;

/// Kinds that lead from a leaked row to a person, surest first.
pub(crate) const LEADS: [Kind; 5] = [
    Kind::RESIDENT_ID,
    Kind::MOBILE,
    Kind::BANK_CARD,
    Kind::EMAIL,
    Kind::PLATE,
];

/// A table with the likeness of its people and the slots of its largest export.
type Plan = (Option<String>, Option<Profile>, u32);

/// Every canary that a copy could have carried.
pub(crate) struct Canaries {
    /// With its table; none for copies from before tables had their own.
    all: Vec<(Canary, Option<String>)>,
    /// Positions in that list by every value that leads to them, and by name with address.
    by_value: HashMap<(Kind, String), usize>,
}

/// The table whose canaries a copy carries.
fn table_of(export: &StoredExport) -> Option<&str> {
    let collection = export.view.request.collection.as_str();
    export.likeness.as_ref().map(|_| collection)
}

impl Canaries {
    /// Draws again every person that some copy could have carried: for each table and likeness as many as its largest plan.
    pub(crate) fn of<'a>(code: &CodeKey, exports: impl Iterator<Item = &'a StoredExport>) -> Self {
        let mut canaries = Self {
            all: Vec::new(),
            by_value: HashMap::new(),
        };
        let mut place_of: HashMap<(Option<String>, u32), usize> = HashMap::new();
        for (table, likeness, slots) in plans(exports) {
            let cast = likeness.map(Cast::new);
            for index in 0..slots {
                let canary = match &table {
                    Some(table) => Canary::of_table(code, table, index),
                    None => Canary::new(code, index),
                };
                let next = canaries.all.len();
                let place = *place_of.entry((table.clone(), index)).or_insert(next);
                if place == next {
                    canaries.all.push((canary, table.clone()));
                }
                let person = match &cast {
                    Some(cast) => cast.person(canary.seed()),
                    None => Generator::new(canary.seed()).person_at(0),
                };
                canaries.lead_to(place, &person);
            }
        }
        canaries
    }

    /// Notes everything by which a canary is known again.
    fn lead_to(&mut self, place: usize, person: &Person) {
        let fields = person.fields();
        let values: Vec<(Kind, &str)> = fields
            .iter()
            .map(|(kind, value)| (*kind, value.as_str()))
            .collect();
        if let Some((_, home)) = at_home(&values) {
            self.by_value.insert((Kind::ADDRESS, home), place);
        }
        for (kind, value) in fields {
            let lead = LEADS.contains(&kind).then(|| lookup_form(kind, &value));
            if let Some(normal) = lead.flatten() {
                self.by_value.insert((kind, normal), place);
            }
        }
    }

    /// The canaries, by position.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Canary> {
        self.all.iter().map(|(canary, _)| *canary)
    }

    /// The canary at a position.
    pub(crate) fn get(&self, place: usize) -> Option<Canary> {
        self.all.get(place).map(|(canary, _)| *canary)
    }

    /// The position of the canary to whom a value in its lookup form, or a name with address, belongs.
    pub(crate) fn find(&self, kind: Kind, normal: &str) -> Option<usize> {
        self.by_value.get(&(kind, normal.to_owned())).copied()
    }

    /// The position of the canary to whom a number or address of mail, in any written form, belongs.
    pub(crate) fn of_value(&self, kind: Kind, value: &str) -> Option<usize> {
        let lead = LEADS.contains(&kind).then(|| lookup_form(kind, value));
        self.find(kind, &lead.flatten()?)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The position of the canary whom a row is about, by a value or by name with address.
    pub(crate) fn of_row(&self, values: &[(Kind, &str)]) -> Option<usize> {
        let by_value = |(kind, value): &(Kind, &str)| self.of_value(*kind, value);
        values.iter().find_map(by_value).or_else(|| {
            let (_, home) = at_home(values)?;
            self.find(Kind::ADDRESS, &home)
        })
    }

    /// Whether an export's plan has the canary at a position; whether it carries it is its key's secret.
    pub(crate) fn planned_in(&self, place: usize, export: &StoredExport) -> bool {
        self.all.get(place).is_some_and(|(canary, table)| {
            table.as_deref() == table_of(export) && canary.index() < export.view.power.canary_slots
        })
    }

    /// What a canary is called for good: its table and number.
    pub(crate) fn name(&self, place: usize) -> Option<String> {
        let (canary, table) = self.all.get(place)?;
        let table = table.as_deref().unwrap_or_default();
        Some(format!("{table}#{}", canary.index()))
    }

    /// The position of a canary by its name.
    pub(crate) fn named(&self, name: &str) -> Option<usize> {
        let (table, index) = name.rsplit_once('#')?;
        let index: u32 = index.parse().ok()?;
        self.all.iter().position(|(canary, of)| {
            canary.index() == index && of.as_deref().unwrap_or_default() == table
        })
    }
}

fn plans<'a>(exports: impl Iterator<Item = &'a StoredExport>) -> Vec<Plan> {
    let mut plans: Vec<Plan> = Vec::new();
    for export in exports {
        let (table, likeness) = (table_of(export), &export.likeness);
        let slots = export.view.power.canary_slots;
        let same = |plan: &&mut Plan| plan.0.as_deref() == table && plan.1 == *likeness;
        match plans.iter_mut().find(same) {
            Some(plan) => plan.2 = plan.2.max(slots),
            None => plans.push((table.map(str::to_owned), likeness.clone(), slots)),
        }
    }
    plans
}

/// A row's name, and that name with the address in the one form that all its variants share.
pub(crate) fn at_home(values: &[(Kind, &str)]) -> Option<(String, String)> {
    let of = |wanted: Kind| values.iter().find(|(kind, _)| *kind == wanted);
    let name = lookup_form(Kind::PERSON_NAME, of(Kind::PERSON_NAME)?.1)?;
    let address = of(Kind::ADDRESS)?.1.trim();
    let plain = plain(Kind::ADDRESS.name(), address);
    let home = format!("{name}\n{}", plain.as_str());
    (!address.is_empty()).then_some((name, home))
}
