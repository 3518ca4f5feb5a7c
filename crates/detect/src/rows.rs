//! Rows of a table yield findings, column by column.
//!
//! Rule: the columns are typed once, from the header and a sample
//! ([`columns::guess`](crate::columns::guess)). A cell of a typed column that its
//! validator accepts is a finding as a whole, so that names and addresses are
//! found without a model; any other cell is read as running text, with the
//! column's kind as its label. What stands in one row belongs to one person.

use liuhen_document::{Header, Row, Span};
use liuhen_kinds::RulePack;

use crate::check::check;
use crate::columns::{ColumnGuess, guess, is_filler};
use crate::scan::{Again, Detector, Found, Given, Hit, NOBODY, Reasons};
use crate::verdict::{ReasonCode, Verdict};

/// What a doubtful value keeps of its column's confidence.
const DOUBTFUL: f32 = 0.8;

/// Scans the rows of one table.
///
/// ```
/// use liuhen_detect::{Detector, RowScanner};
/// use liuhen_document::{Header, Row};
/// use liuhen_kinds::Kind;
///
/// let header = Header(vec!["姓名".into(), "备注".into()]);
/// let row = Row { number: 2, cells: vec!["王伟".into(), "手机13800138000".into()] };
/// let mut scanner = RowScanner::new(Detector::builtin(), &header, std::slice::from_ref(&row));
/// let mut kinds = Vec::new();
/// scanner.scan(&row, &mut |column, found| kinds.push((column, found.hit.kind, found.hit.person)));
/// assert_eq!(kinds, [(0, Kind::PERSON_NAME, 1), (1, Kind::MOBILE, 1)]);
/// ```
#[derive(Debug)]
pub struct RowScanner<'d> {
    detector: &'d Detector,
    columns: Vec<ColumnGuess>,
    given: Vec<Given>,
    again: Again,
    hits: Vec<(usize, Hit)>,
    persons: u64,
}

impl<'d> RowScanner<'d> {
    /// Types the columns from the header and a sample of rows.
    #[must_use]
    pub fn new(detector: &'d Detector, header: &Header, sample: &[Row]) -> RowScanner<'d> {
        let columns = guess(header, sample);
        let given = columns
            .iter()
            .map(|column| {
                column
                    .kind
                    .map_or_else(Given::default, |kind| detector.given(kind))
            })
            .collect();
        RowScanner {
            detector,
            columns,
            given,
            again: Again::default(),
            hits: Vec::new(),
            persons: 0,
        }
    }

    /// What each column was taken for, and why.
    #[must_use]
    pub fn columns(&self) -> &[ColumnGuess] {
        &self.columns
    }

    /// Hands every hit of a row to `found`, with its column from 0; spans count within the cell.
    pub fn scan(&mut self, row: &Row, found: &mut dyn FnMut(usize, Found<'_>)) {
        self.hits.clear();
        for (column, cell) in row.cells.iter().enumerate() {
            if !cell.is_blank() {
                self.cell(column, cell.as_str());
            }
        }
        self.link();
        for (column, hit) in &self.hits {
            let text = row.cells[*column].as_str();
            let place = |at: u64| usize::try_from(at).unwrap_or(text.len());
            let (start, end) = (place(hit.span.bytes.0), place(hit.span.bytes.1));
            found(
                *column,
                Found {
                    hit,
                    text: text.get(start..end).unwrap_or(""),
                    line: 1,
                    column: hit.span.chars.0 + 1,
                    behind: (text.as_bytes(), start, end),
                },
            );
        }
    }

    fn cell(&mut self, column: usize, text: &str) {
        if let Some(hit) = self.typed(column, text) {
            self.hits.push((column, hit));
            return;
        }
        let given = self.given.get(column).copied().unwrap_or_default();
        let hits = &mut self.hits;
        self.detector
            .hits_in(text, given, &mut self.again, &mut |found| {
                hits.push((column, *found.hit))
            });
    }

    /// The whole cell, when its column has a kind and the cell is of it.
    fn typed(&self, column: usize, text: &str) -> Option<Hit> {
        let guess = self.columns.get(column)?;
        let kind = guess.kind?;
        let whole = text.trim();
        let (share, reasons) = match check(kind, whole) {
            Verdict::Valid(_) => (1.0, Reasons::STRUCTURE),
            // Read as text, a masked value is known for what it is.
            Verdict::Doubtful(_, ReasonCode::Masked) | Verdict::Invalid(_) => return None,
            Verdict::Doubtful(..) => (DOUBTFUL, Reasons::LOOSE),
        };
        if is_filler(whole) {
            return None;
        }
        let confidence = guess.confidence * share;
        let start = text.len() - text.trim_start().len();
        let span = Span::of(text, start, start + whole.len())?;
        (confidence >= self.detector.least()).then_some(Hit {
            kind,
            span,
            confidence,
            reasons: reasons.and(Reasons::COLUMN),
            word: None,
            person: 0,
        })
    }

    /// Gives the hits of a row to one person.
    fn link(&mut self) {
        let counted = |hit: &Hit| !NOBODY.contains(&hit.kind);
        if self.hits.iter().filter(|(_, hit)| counted(hit)).count() < 2 {
            return;
        }
        self.persons += 1;
        let pack = RulePack::builtin();
        let identifying = self
            .hits
            .iter()
            .any(|(_, hit)| pack.info(hit.kind).identifying && !hit.reasons.has(Reasons::MASKED));
        for (_, hit) in self.hits.iter_mut().filter(|(_, hit)| counted(hit)) {
            hit.person = self.persons;
            if identifying {
                hit.reasons = hit.reasons.and(Reasons::BUNDLE);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use liuhen_kinds::Kind;

    use super::*;

    fn kinds(header: &[&str], rows: &[&[&str]]) -> Vec<Vec<(usize, Kind)>> {
        let header = Header(header.iter().map(|word| (*word).to_owned()).collect());
        let rows: Vec<Row> = rows
            .iter()
            .zip(2..)
            .map(|(cells, number)| Row {
                number,
                cells: cells.iter().map(|cell| (*cell).into()).collect(),
            })
            .collect();
        let mut scanner = RowScanner::new(Detector::builtin(), &header, &rows);
        rows.iter()
            .map(|row| {
                let mut found = Vec::new();
                scanner.scan(row, &mut |column, hit| found.push((column, hit.hit.kind)));
                found
            })
            .collect()
    }

    #[test]
    fn names_and_addresses_are_found_by_their_columns() {
        let rows: &[&[&str]] = &[
            &["王伟", "浙江省杭州市西湖区文三路1号", "13800138000"],
            &["李小明", "上海市静安区南京西路1266号", "无"],
        ];
        assert_eq!(
            kinds(&["收件人", "地址", "电话"], rows),
            [
                vec![
                    (0, Kind::PERSON_NAME),
                    (1, Kind::ADDRESS),
                    (2, Kind::MOBILE)
                ],
                vec![(0, Kind::PERSON_NAME), (1, Kind::ADDRESS)],
            ]
        );
    }

    #[test]
    fn a_column_of_orders_holds_no_cards() {
        let rows: &[&[&str]] = &[
            &["6222021234567890128"],
            &["2024011512345678901"],
            &["2024011512345678902"],
        ];
        let found = kinds(&["订单号"], rows);
        assert!(
            found.iter().flatten().all(|(_, kind)| *kind == Kind::ORDER),
            "{found:?}"
        );
    }
}
