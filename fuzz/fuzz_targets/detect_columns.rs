//! Small tables of any cells.
#![no_main]

use libfuzzer_sys::fuzz_target;
use liuhen_detect::columns;
use liuhen_document::{Header, Row, Text};

fuzz_target!(|table: (Vec<String>, Vec<Vec<String>>)| {
    let (header, rows) = table;
    let widest = rows.iter().map(Vec::len).max().unwrap_or(0).max(header.len());
    let rows: Vec<Row> = (2u64..)
        .zip(rows)
        .map(|(number, cells)| Row { number, cells: cells.into_iter().map(Text::from).collect() })
        .collect();
    let guesses = columns::guess(&Header(header), &rows);
    assert_eq!(guesses.len(), widest);
    assert!(guesses.iter().all(|guess| (0.0..=1.0).contains(&guess.confidence)));
});
