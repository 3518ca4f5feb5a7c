//! A vault in miniature: invented addresses, one code key, many export keys.
#![allow(dead_code, reason = "each test program uses its share")]

use liuhen_fingerprint::code::{CodeKey, ExportKey, Slot};
use liuhen_fingerprint::model::Observation;
use liuhen_fingerprint::simulate::Dice;
use liuhen_fingerprint::table::{Cell, mark_row, observe_row};
use liuhen_fingerprint::trace::Tracing;

const CITIES: [&str; 4] = [
    "广东省深圳市",
    "浙江省杭州市",
    "江苏省南京市",
    "四川省成都市",
];
const COMPOUNDS: [&str; 4] = ["幸福小区", "阳光花园", "翠竹苑", "东湖家园"];

pub(crate) struct House {
    pub(crate) code: CodeKey,
    pub(crate) exports: Vec<ExportKey>,
    seed: u64,
}

impl House {
    pub(crate) fn new(seed: u64, exports: usize) -> Self {
        let mut dice = Dice::new(seed);
        Self {
            code: CodeKey::from_secret(dice.bytes()),
            exports: (0..exports)
                .map(|_| ExportKey::from_secret(dice.bytes()))
                .collect(),
            seed,
        }
    }

    /// The stored address of a row: four places each.
    pub(crate) fn address(&self, row: usize) -> String {
        let mut dice = Dice::new(self.seed ^ (row as u64) << 20);
        format!(
            "{}某区某路{}号{}{}栋{}单元{}{:02}",
            CITIES[dice.below(4)],
            dice.below(300) + 1,
            COMPOUNDS[dice.below(4)],
            dice.below(40) + 1,
            dice.below(6) + 1,
            dice.below(30) + 1,
            dice.below(4) + 1,
        )
    }

    /// The row's address as an export shows it.
    pub(crate) fn export(&self, export: usize, row: usize) -> String {
        let address = self.address(row);
        let marked = mark_row(
            &self.code,
            &self.exports[export],
            &key(row),
            &[cell(&address)],
        );
        marked
            .values
            .into_iter()
            .map(liuhen_document::Text::into_string)
            .collect()
    }

    pub(crate) fn observe(&self, row: usize, leaked: &str) -> Vec<(Slot, Observation)> {
        let address = self.address(row);
        observe_row(&self.code, &key(row), &[(cell(&address), leaked)])
    }

    /// The slots of some rows.
    pub(crate) fn slots(&self, rows: std::ops::Range<usize>) -> Vec<Slot> {
        let of = |row| self.observe(row, &self.address(row));
        rows.flat_map(of).map(|(slot, _)| slot).collect()
    }
}

fn key(row: usize) -> [u8; 8] {
    (row as u64).to_be_bytes()
}

const fn cell(address: &str) -> Cell<'_> {
    Cell {
        column: "home",
        kind: "address",
        canonical: address,
    }
}

/// The accused copies, by position.
pub(crate) fn accused(traced: &Tracing) -> Vec<usize> {
    let mut accused: Vec<usize> = traced.accused().iter().map(|copy| copy.copy).collect();
    accused.sort_unstable();
    accused
}
