//! Any bytes as a file: CSV, TSV, some encoding, or nothing we read.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use liuhen_document::TableSource as _;
use liuhen_reading::{Limits, open};

const CELL: usize = 512;

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits {
        max_columns: 64,
        max_cell_bytes: CELL,
        max_row_bytes: 4 * CELL,
        max_unpacked_bytes: 1 << 20,
        ..Limits::default()
    };
    let Ok(mut table) = open(Cursor::new(bytes.to_vec()), "fuzz.csv", &limits) else { return };
    let mut last = 0;
    while let Some(row) = table.next_row() {
        if let Ok(row) = row {
            assert!(row.number > last, "row numbers rise");
            last = row.number;
            assert!(row.cells.iter().all(|cell| cell.as_str().len() <= CELL));
        }
        let (done, total) = table.progress();
        assert!(done <= total, "{done} of {total}");
    }
});
