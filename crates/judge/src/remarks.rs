//! Free text in cells: remarks in which somebody is named with his number.
//!
//! A column without a kind is searched when the word above it promises free text or the first rows
//! hold identifiers among other words (`[free_text]` of the rule pack). What is found stands beside
//! the row's cells, one value of each kind, and only where the row's own columns of that kind are
//! empty: a remark adds, and never contradicts.

use liuhen_detect::Detector;
use liuhen_document::{Header, Row};
use liuhen_forensics::{Batch, Rules};
use liuhen_kinds::{Kind, RulePack};

/// Characters that a cell must have to be searched at all.
const SHORTEST: usize = 4;
/// Cells by which a column is judged, so that a wide table costs no more than its rows.
const JUDGED: usize = 200;

/// The columns of a table that are searched, and room for what is found.
#[derive(Debug)]
pub struct Remarks {
    searched: Vec<usize>,
    /// The kind of each column of the table.
    kinds: Vec<Option<Kind>>,
    found: Vec<(Kind, String)>,
}

impl Remarks {
    /// The free text of a table, by its header and first rows; nothing where there is none.
    #[must_use]
    pub fn of(
        header: &Header,
        kinds: &[Option<Kind>],
        sample: &[Row],
        detector: &Detector,
    ) -> Option<Self> {
        let widest = sample.iter().map(|row| row.cells.len()).max().unwrap_or(0);
        let width = widest.max(header.len()).max(kinds.len());
        let rules = Rules::builtin();
        let is_free = |at: &usize| {
            let word = header.0.get(*at).map_or("", String::as_str);
            let cells = sample.iter().map(|row| row.cell(*at));
            kinds.get(*at).copied().flatten().is_none()
                && (rules.says_free_text(word) || tells(cells, detector, rules.free_text_one_in()))
        };
        let searched: Vec<usize> = (0..width).filter(is_free).collect();
        let mut kinds = kinds.to_vec();
        kinds.resize(width, None);
        Self::searching(kinds, searched)
    }

    /// These columns of a table of so many kinds; nothing where there are none.
    #[must_use]
    pub fn searching(kinds: Vec<Option<Kind>>, searched: Vec<usize>) -> Option<Self> {
        (!searched.is_empty()).then(|| Self {
            searched,
            kinds,
            found: Vec::new(),
        })
    }

    /// The columns that are searched, from 0.
    #[must_use]
    pub fn searched(&self) -> &[usize] {
        &self.searched
    }

    /// Appends the cells of a row, and beside them what its free text holds.
    pub fn row<'a>(
        &mut self,
        cells: impl Iterator<Item = &'a str> + Clone,
        detector: &Detector,
        batch: &mut Batch,
    ) {
        self.found.clear();
        for (at, cell) in cells.clone().enumerate() {
            if self.searched.contains(&at) && cell.chars().nth(SHORTEST - 1).is_some() {
                first_of_each(detector, cell, &mut self.found);
            }
            batch.cell(cell);
        }
        if self.found.is_empty() {
            return;
        }
        for (cell, kind) in cells.zip(&self.kinds) {
            if !cell.trim().is_empty() {
                self.found.retain(|(found, _)| Some(*found) != *kind);
            }
        }
        for kind in Kind::BUILTIN {
            if let Some((_, text)) = self.found.iter().find(|(found, _)| found == kind) {
                batch.found(*kind, text);
            }
        }
    }
}

/// Keeps the first value of each kind that a text holds.
pub fn first_of_each(detector: &Detector, text: &str, found: &mut Vec<(Kind, String)>) {
    detector.hits(text, |hit| {
        if !found.iter().any(|(kind, _)| *kind == hit.hit.kind) {
            found.push((hit.hit.kind, hit.text.to_owned()));
        }
    });
}

/// Whether one in so many cells holds an identifier among other words.
fn tells<'a>(cells: impl Iterator<Item = &'a str>, detector: &Detector, one_in: usize) -> bool {
    let pack = RulePack::builtin();
    let (mut filled, mut telling) = (0, 0);
    let cells = cells.map(str::trim).filter(|cell| !cell.is_empty());
    for cell in cells.take(JUDGED) {
        filled += 1;
        let words = |text: &str| text.chars().filter(|c| c.is_alphabetic()).count();
        let all = words(cell);
        // Two letters beside the value: a number of its own sort has none.
        if all < 2 || !cell.bytes().any(|byte| byte.is_ascii_digit()) {
            continue;
        }
        let mut tells = false;
        detector.hits(cell, |hit| {
            tells |= pack.info(hit.hit.kind).identifying && all >= words(hit.text) + 2;
        });
        telling += usize::from(tells);
    }
    telling > 0 && telling * one_in >= filled
}

#[cfg(test)]
mod tests {
    use liuhen_forensics::apart::{Mapper, Table};
    use liuhen_forensics::{Day, HashKey, TableHead};

    use super::*;
    use crate::Validators;

    fn searched(header: &[&str], rows: &[&[&str]]) -> Option<Vec<usize>> {
        let header = Header(header.iter().map(|&word| word.to_owned()).collect());
        let rows: Vec<Row> = (2..)
            .zip(rows)
            .map(|(number, cells)| Row {
                number,
                cells: cells.iter().map(|&cell| cell.into()).collect(),
            })
            .collect();
        let detector = Detector::new(liuhen_detect::Options {
            model: false,
            ..Default::default()
        });
        Remarks::of(&header, &[Some(Kind::PERSON_NAME)], &rows, &detector).map(|r| r.searched)
    }

    #[test]
    fn free_text_is_known_by_its_word_or_by_what_it_holds() {
        let told = "客户电话 13912345678，下午来";
        assert_eq!(
            searched(&["姓名", "备注"], &[&["某甲", "好"]]),
            Some(vec![1])
        );
        assert_eq!(searched(&["姓名", "x"], &[&["某甲", told]]), Some(vec![1]));
        assert_eq!(searched(&["姓名", "x"], &[&["某甲", "13912345678"]]), None);
        assert_eq!(searched(&["姓名", "x"], &[&["某甲", "no. 20250102"]]), None);
        let mut rows: Vec<&[&str]> = vec![&["某甲", "好"]; 99];
        let last = ["某甲", told];
        rows.push(&last);
        assert_eq!(searched(&["姓名", "x"], &rows), None);
    }

    #[test]
    fn a_row_wider_than_the_sample_is_searched_and_its_own_cells_have_no_kind() {
        let detector = Detector::new(liuhen_detect::Options {
            model: false,
            ..Default::default()
        });
        let kinds = vec![Some(Kind::PERSON_NAME), None];
        let head = TableHead {
            kinds: kinds.clone(),
            ..TableHead::default()
        };
        let mut remarks = Remarks::searching(kinds, vec![1]).unwrap();
        let (rules, judge) = (Rules::builtin(), &Validators);
        let day = Day::parse("2026-11-22").unwrap();
        let mut valid = |cells: &[&str]| {
            let mut batch = Batch::default();
            remarks.row(cells.iter().copied(), &detector, &mut batch);
            batch.row(1);
            let own: Vec<&str> = batch.rows().flat_map(|(_, own)| own.iter()).collect();
            assert_eq!(own, cells, "its own cells and no others");
            let mut mapper = Mapper::new(rules, judge, HashKey([1; 16]), day);
            mapper.rows(0, &Table::new(&head, rules), &batch);
            mapper.counts().unwrap().contains("\"valid\":1")
        };
        // An ID under no header; a remark that a comma cut in two.
        assert!(!valid(&["某甲", "好", "440308199901101512"]));
        assert!(valid(&["某甲", "电话 15400138007", "下午来"]));
        assert!(valid(&["某甲", "电话 15400138007"]));
    }
}
