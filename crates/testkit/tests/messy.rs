//! What is made here is what `reading` and `detect` find: each checks the other.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of a test; a failure is a failed test"
)]

use std::io::Cursor;

use liuhen_detect::columns;
use liuhen_document::{Row, TableSource as _};
use liuhen_reading::{Limits, open};
use liuhen_testkit::{Encoding, Form, Messy, Sheet, messy_in, people};

const PEOPLE: usize = 300;

/// Rows read, and number and reason of those refused.
fn read(bytes: Vec<u8>) -> (Vec<String>, Vec<Row>, Vec<(u64, &'static str)>) {
    let mut table = open(Cursor::new(bytes), "list", &Limits::default()).unwrap();
    let (header, mut rows, mut bad) = (table.header().0.clone(), Vec::new(), Vec::new());
    while let Some(row) = table.next_row() {
        match row {
            Ok(row) => rows.push(row),
            Err(problem) => bad.push((problem.locator.row.unwrap(), problem.reason.code())),
        }
    }
    (header, rows, bad)
}

#[test]
fn every_encoding_is_read_and_every_bad_row_refused() {
    for (seed, encoding) in (1..).zip(Encoding::ALL) {
        let Messy {
            bytes,
            people,
            columns,
            bad,
            form,
        } = messy_in(seed, PEOPLE, encoding);
        let (header, rows, refused) = read(bytes);
        assert_eq!(refused, bad, "{form:?}");
        assert_eq!(rows.len(), people.rows.len(), "{form:?}");
        let named: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(header[1..header.len() - 1], named, "{form:?}");
    }
}

#[test]
fn every_column_is_recognised() {
    for (seed, encoding) in (1..).zip(Encoding::ALL) {
        let file = messy_in(seed, PEOPLE, encoding);
        let (header, rows, _) = read(file.bytes);
        let guesses = columns::guess(&liuhen_document::Header(header), &rows);
        let kinds: Vec<_> = guesses
            .iter()
            .map(|guess| guess.kind.map(|kind| kind.name()))
            .collect();
        let expected: Vec<_> = file.columns.iter().map(|(_, kind)| Some(*kind)).collect();
        assert_eq!(
            kinds[1..kinds.len() - 1],
            expected,
            "seed {seed}, {:?}",
            file.form
        );
        assert_eq!(
            [kinds[0], kinds[kinds.len() - 1]],
            [None, None],
            "number and remarks"
        );
    }
}

#[test]
fn a_workbook_holds_the_same_as_the_text() {
    let sheet = people(9, 40);
    let text = |(_, rows, bad): (Vec<String>, Vec<Row>, Vec<_>)| {
        assert!(bad.is_empty());
        rows.iter()
            .map(|row| (0..8).map(|column| row.cell(column).to_owned()).collect())
            .collect()
    };
    let from_csv: Vec<Vec<String>> = text(read(sheet.delimited(Form::csv(Encoding::Gbk))));
    let from_xlsx: Vec<Vec<String>> = text(read(sheet.xlsx()));
    assert_eq!(from_csv, from_xlsx);
    assert_eq!(
        Sheet {
            rows: from_xlsx,
            ..sheet.clone()
        },
        sheet
    );
}
