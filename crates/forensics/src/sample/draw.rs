//! Drawing: the rows of each stratum with the least SHA-256 of seed and place.

use std::collections::{BTreeMap, BinaryHeap};

use liuhen_kinds::{Kind, RulePack};
use sha2::{Digest as _, Sha256};

use super::allocate::allocate;
use super::{Drawn, Group, METHOD, Repeated, Sample, SampleRules, Stratum, VERSION};
use crate::error::CountError;
use crate::ledger::At;
use crate::place::Place;
use crate::reason::Reason;
use crate::rules::kinds_of;
use crate::run::Counted;
use crate::spill::{PARTS, Stream};

/// What to draw, and from which sealed count.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Rows in all; more when the strata's least numbers are more.
    pub size: u64,
    /// Any text; equal texts draw equal rows.
    pub seed: String,
    /// The count's folder, such as `results/0001`.
    pub count: String,
    /// SHA-256 of its `count.json`.
    pub count_sha256: String,
}

/// A row that may be drawn; the least come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Ticket {
    hash: [u8; 32],
    place: Place,
    first: Option<Place>,
}

#[derive(Default)]
struct Pool {
    rows: u64,
    least: BinaryHeap<Ticket>,
}

/// What puts a row into a stratum: file, reason, main kind.
type Key = (usize, Option<Reason>, Option<Kind>);

/// Every stratum and the tickets that may be wanted of it.
struct Pools<'a> {
    seed: &'a str,
    most: usize,
    pools: BTreeMap<Key, Pool>,
}

impl Pools<'_> {
    fn take(&mut self, counted: &Counted<'_>, key: Key, place: Place, first: Option<Place>) {
        let pool = self.pools.entry(key).or_default();
        pool.rows += 1;
        let ticket = Ticket {
            hash: lot(self.seed, counted.path(place), counted.spot(place)),
            place,
            first,
        };
        pool.least.push(ticket);
        if pool.least.len() > self.most {
            pool.least.pop();
        }
    }
}

/// SHA-256 of five lines: method, seed, file, table from 0, row from 1.
fn lot(seed: &str, file: &str, (table, row): (usize, u64)) -> [u8; 32] {
    Sha256::digest(format!("{METHOD}\n{seed}\n{file}\n{table}\n{row}\n").as_bytes()).into()
}

/// The most sensitive kind of a mask, the catalogue's first of several.
fn main_kind(mask: u64) -> Option<Kind> {
    let pack = RulePack::builtin();
    kinds_of(mask).min_by_key(|kind| pack.info(*kind).tier)
}

impl Counted<'_> {
    /// Draws a sample of the rows that are persons, and of those that do not count.
    ///
    /// Where the least numbers of all strata are more than half of what is asked for, files are not
    /// told apart.
    ///
    /// # Errors
    ///
    /// [`CountError`] when the records cannot be read back.
    pub fn sample(&self, asked: &Asked) -> Result<Sample, CountError> {
        let rules = SampleRules::builtin();
        let size = asked.size.min(rules.most);
        let mut pools = Pools {
            seed: &asked.seed,
            most: usize::try_from(size).unwrap_or(usize::MAX),
            pools: BTreeMap::new(),
        };
        for part in 0..PARTS {
            self.persons_into(part, &mut pools)?;
            for record in self.records(Stream::Out, part)? {
                let reason = u8::try_from(record.mask).ok().and_then(Reason::of);
                let key = (record.place.unit(), reason, None);
                pools.take(self, key, record.place, None);
            }
        }
        let mut pools = pools.pools;
        if pools.len() as u64 * rules.least > size / 2 {
            pools = over_files(pools);
        }
        Ok(self.drawn(&pools, size, asked))
    }

    /// The first row of each person, and the rows that repeat one.
    fn persons_into(&self, part: usize, pools: &mut Pools<'_>) -> Result<(), CountError> {
        let mut records = self.records(Stream::Persons, part)?;
        records.sort_unstable_by_key(|record| (record.key, record.place));
        for group in records.chunk_by(|a, b| a.key == b.key) {
            let Some((first, others)) = group.split_first() else {
                continue;
            };
            let key = (first.place.unit(), None, main_kind(first.mask));
            pools.take(self, key, first.place, None);
            for other in others {
                let key = (other.place.unit(), Some(Reason::DuplicateOf), None);
                pools.take(self, key, other.place, Some(first.place));
            }
        }
        Ok(())
    }

    /// Tells each person's key, with the first row that is about him.
    ///
    /// # Errors
    ///
    /// [`CountError`] when the records cannot be read back.
    pub fn each_person(&self, told: &mut dyn FnMut(u128, At)) -> Result<(), CountError> {
        for part in 0..PARTS {
            let mut records = self.records(Stream::Persons, part)?;
            records.sort_unstable_by_key(|record| (record.key, record.place));
            for first in records
                .chunk_by(|a, b| a.key == b.key)
                .filter_map(<[_]>::first)
            {
                told(first.key, self.at(first.place));
            }
        }
        Ok(())
    }

    fn drawn(&self, pools: &BTreeMap<Key, Pool>, size: u64, asked: &Asked) -> Sample {
        let rules = SampleRules::builtin();
        let (out, counted): (Vec<_>, Vec<_>) = pools.iter().partition(|(key, _)| key.1.is_some());
        let apart = match out.is_empty() || counted.is_empty() {
            true => 0.0,
            false => rules.excluded_share,
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a share of at most ten thousand"
        )]
        let of_out = if counted.is_empty() {
            size
        } else {
            (size as f64 * apart) as u64
        };
        let mut strata = Vec::new();
        let mut tickets: Vec<(Ticket, usize)> = Vec::new();
        for (pools, size) in [(counted, size - of_out), (out, of_out)] {
            let rows: Vec<u64> = pools.iter().map(|(_, pool)| pool.rows).collect();
            for ((key, pool), drawn) in pools.iter().zip(allocate(&rows, size, rules.least)) {
                let least = pool.least.clone().into_sorted_vec();
                let wanted = usize::try_from(drawn).unwrap_or(usize::MAX);
                tickets.extend(least.iter().take(wanted).map(|one| (*one, strata.len())));
                strata.push(Stratum {
                    group: self.group(key),
                    rows: pool.rows,
                    drawn,
                });
            }
        }
        tickets.sort_unstable_by_key(|(ticket, _)| ticket.place);
        let row = |(n, (ticket, stratum)): (u64, (Ticket, usize))| Drawn {
            n,
            stratum,
            table: self.spot(ticket.place).0,
            at: self.at(ticket.place),
            first: ticket.first.map(|first| {
                Box::new(Repeated {
                    table: self.spot(first).0,
                    at: self.at(first),
                })
            }),
        };
        Sample {
            liuhen_sample: VERSION,
            method: METHOD.to_owned(),
            seed: asked.seed.clone(),
            size: asked.size,
            rules: rules.version.clone(),
            count: asked.count.clone(),
            count_sha256: asked.count_sha256.clone(),
            strata,
            rows: (1..).zip(tickets).map(row).collect(),
        }
    }

    fn group(&self, (unit, code, kind): &Key) -> Group {
        Group {
            code: *code,
            kind: *kind,
            file: self.plan.units.get(*unit).map(|unit| unit.path.clone()),
        }
    }
}

/// The same strata with all files as one.
fn over_files(pools: BTreeMap<Key, Pool>) -> BTreeMap<Key, Pool> {
    let mut together: BTreeMap<Key, Pool> = BTreeMap::new();
    for ((_, code, kind), pool) in pools {
        let to = together.entry((usize::MAX, code, kind)).or_default();
        to.rows += pool.rows;
        to.least.extend(pool.least);
    }
    together
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `printf 'stratified-least-sha256-1\ns\na.csv\n0\n7\n' | sha256sum`
    #[test]
    fn anybody_can_draw_the_same_lot() {
        let lot = lot("s", "a.csv", (0, 7));
        assert_eq!(
            data_encoding::HEXLOWER.encode(&lot),
            "cb328069968955047fbfdaf82f51ff41feb2c5a91b3f8b8043b739a1950d63be"
        );
    }
}
