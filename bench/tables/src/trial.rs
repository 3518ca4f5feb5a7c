//! One trial: copies are issued, leakers make a file of theirs, and the file is traced.

use liuhen_fingerprint::canary::{self, Canary};
use liuhen_fingerprint::code::{CodeKey, ExportKey, Symbol};
use liuhen_fingerprint::evalue::{Epsilon, Threshold};
use liuhen_fingerprint::model::{Observation, Sighting};
use liuhen_fingerprint::simulate::{Attack, Dice};
use liuhen_fingerprint::table::{mark_row, observe_row, variants};
use liuhen_fingerprint::trace::{Candidate, Leak, Tracing, trace};
use liuhen_invented::Generator;

use crate::people::{COLUMNS, Index, People, Row, cells, values};

/// A vault's keys, the copies it issued, and its canaries.
pub(crate) struct House<'a> {
    people: &'a People,
    code: CodeKey,
    exports: Vec<ExportKey>,
    canaries: Vec<(Canary, [String; COLUMNS.len()])>,
    strangers: Index,
}

/// What was found in a file.
pub(crate) struct Found {
    pub(crate) traced: Tracing,
    /// Rows that led to a person.
    pub(crate) rows: u64,
}

impl<'a> House<'a> {
    /// Draws keys for `copies` exports of everybody.
    pub(crate) fn new(
        people: &'a People,
        copies: usize,
        epsilon: Epsilon,
        dice: &mut Dice,
    ) -> anyhow::Result<Self> {
        let code = CodeKey::from_secret(dice.bytes());
        let threshold = Threshold::new(copies as u64, epsilon)?;
        let slots = canary::plan(people.rows.len() as u64, threshold).slots;
        let mut strangers = Index::default();
        let mut canaries = Vec::new();
        for index in 0..slots {
            let canary = Canary::new(&code, index);
            let person = values(&Generator::new(canary.seed()).person_at(0));
            strangers.enter(&person, canaries.len());
            canaries.push((canary, person));
        }
        Ok(Self {
            people,
            code,
            exports: (0..copies)
                .map(|_| ExportKey::from_secret(dice.bytes()))
                .collect(),
            canaries,
            strangers,
        })
    }

    /// What `leakers` make of row `at`; a value is `None` where they drop it.
    pub(crate) fn row(
        &self,
        leakers: &[usize],
        at: usize,
        attack: Attack,
        flip: f64,
        dice: &mut Dice,
    ) -> Row {
        let stored = &self.people.rows[at];
        let copies: Vec<_> = leakers
            .iter()
            .map(|who| {
                let key = at.to_be_bytes();
                mark_row(&self.code, &self.exports[*who], &key, &cells(stored)).values
            })
            .collect();
        std::array::from_fn(|column| {
            let shown: Vec<&str> = copies.iter().map(|copy| copy[column].as_str()).collect();
            mix(
                COLUMNS[column].1,
                &stored[column],
                &shown,
                attack,
                flip,
                dice,
            )
        })
    }

    /// The canary rows that `leakers` show of the share of rows that they keep.
    pub(crate) fn canary_rows(
        &self,
        leakers: &[usize],
        attack: Attack,
        share: f64,
        dice: &mut Dice,
    ) -> Vec<Row> {
        let mut rows = Vec::new();
        for (canary, person) in &self.canaries {
            let carry = |who: &&usize| canary.is_carried_by(&self.exports[**who]);
            let ones = leakers.iter().filter(carry).count();
            let shown = attack.show(ones, leakers.len(), 0.0, dice);
            let present = shown.is_some_and(|shown| shown != Observation::Zero);
            if present && dice.chance(share) {
                rows.push(person.clone().map(Some));
            }
        }
        rows
    }

    /// Leads a file's rows back, reads their marks and scores every copy.
    pub(crate) fn trace(&self, file: &[Row], epsilon: Epsilon) -> anyhow::Result<Found> {
        let mut leak = Leak::new();
        let mut sighted = vec![Sighting::Unseen; self.canaries.len()];
        let mut rows = 0;
        for row in file {
            if let Some(canary) = self.strangers.find(row) {
                sighted[canary] = Sighting::Seen;
            } else if let Some(at) = self.people.index.find(row) {
                rows += 1;
                let stored = cells(&self.people.rows[at]);
                let shown: Vec<_> = stored
                    .into_iter()
                    .zip(row)
                    .filter_map(|(cell, shown)| Some((cell, shown.as_deref()?)))
                    .collect();
                for (slot, form) in observe_row(&self.code, &at.to_be_bytes(), &shown) {
                    leak.mark(slot, form);
                }
            }
        }
        for ((canary, _), sighting) in self.canaries.iter().zip(sighted) {
            leak.canary(*canary, sighting);
        }
        let copies: Vec<Candidate<'_>> = self.exports.iter().map(Candidate::whole).collect();
        let traced = trace(&leak, &copies, epsilon)?;
        Ok(Found { traced, rows })
    }
}

/// One value out of the leakers': place by place as the attack says, flipped now and then.
///
/// Where it drops a place, the whole value goes: half an address helps no buyer.
fn mix(
    kind: &str,
    stored: &str,
    shown: &[&str],
    attack: Attack,
    flip: f64,
    dice: &mut Dice,
) -> Option<String> {
    let Some(carrier) = variants(kind, stored) else {
        return Some(stored.to_owned());
    };
    let forms: Vec<Vec<Option<Symbol>>> =
        shown.iter().map(|value| carrier.observe(value)).collect();
    let mut chosen = Vec::new();
    for place in 0..carrier.places().count() {
        let is_one = |forms: &&Vec<Option<Symbol>>| forms.get(place) == Some(&Some(Symbol::One));
        let ones = forms.iter().filter(is_one).count();
        chosen.push(match attack.show(ones, shown.len(), flip, dice)? {
            Observation::Zero => Symbol::Zero,
            Observation::One | Observation::Both => Symbol::One,
        });
    }
    let mut chosen = chosen.into_iter();
    let value = carrier.write(|_| chosen.next().unwrap_or(Symbol::Zero));
    Some(value.into_string())
}

/// `count` different numbers below `bound`, in the order drawn.
pub(crate) fn draw(count: usize, bound: usize, dice: &mut Dice) -> Vec<usize> {
    let mut all: Vec<usize> = (0..bound).collect();
    for at in 0..count.min(bound) {
        let other = at + dice.below(bound - at);
        all.swap(at, other);
    }
    all.truncate(count);
    all
}
