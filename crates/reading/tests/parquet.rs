//! Parquet written by others: pyarrow 22, Polars 1 and DuckDB 1 (`data/README.md` says how).

#![cfg(feature = "parquet")]
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::fs;
use std::io::Cursor;
use std::path::Path;

use liuhen_document::TableSource as _;
use liuhen_reading::{Format, Limits, ReadError, Table, open};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

fn bytes(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    fs::read(folder.join(name)).unwrap()
}

fn opened(bytes: Vec<u8>, limits: &Limits) -> Result<Table, ReadError> {
    open(Cursor::new(bytes), "a.parquet", limits)
}

fn rows(table: &mut Table) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    while let Some(row) = table.next_row() {
        let cells = row.unwrap().cells;
        rows.push(cells.iter().map(|cell| cell.as_str().to_owned()).collect());
    }
    rows
}

/// The third row is all nulls, and blank rows are passed over.
#[test]
fn values_are_shown_as_people_write_them_whatever_the_packing() {
    for packing in ["none", "snappy", "zstd", "gzip", "lz4"] {
        let file = bytes(&format!("pyarrow_{packing}.parquet"));
        let mut table = opened(file, &Limits::default()).unwrap();
        assert_eq!(table.format(), Format::Parquet);
        assert_eq!(
            table.header().0,
            [
                "姓名", "手机", "余额", "出生", "毫秒", "纳秒", "在住", "比", "标签", "住址",
                "字节"
            ]
        );
        let rows = rows(&mut table);
        assert!(table.failure().is_none(), "{packing}");
        assert_eq!(
            rows,
            [
                [
                    "某甲",
                    "10000000001",
                    "12.30",
                    "1990-02-28",
                    "2026-11-22 08:30:00",
                    "2026-09-21 14:13:20.123456789",
                    "true",
                    "0.5",
                    "[\"a\",\"乙\"]",
                    "{\"市\":\"甲市\",\"号\":1}",
                    "0xff00",
                ],
                [
                    "某乙",
                    "10000000002",
                    "-0.05",
                    "2000-12-31",
                    "1969-12-31 23:59:59.500",
                    "1970-01-01 00:00:00",
                    "false",
                    "-1.25",
                    "[]",
                    "{\"市\":null,\"号\":2}",
                    "字",
                ],
            ],
            "{packing}"
        );
    }
}

#[test]
fn other_writers_are_read_too() {
    let mut table = opened(bytes("polars.parquet"), &Limits::default()).unwrap();
    let found = rows(&mut table);
    assert_eq!(found[0], ["某甲", "1", "2026-01-02 03:04:05"]);
    assert_eq!(found[1], ["某乙", "2", ""]);

    let mut table = opened(bytes("duckdb.parquet"), &Limits::default()).unwrap();
    let found = rows(&mut table);
    assert_eq!(found.len(), 500);
    assert_eq!(found[499], ["某499", "499", "2021-05-14"]);
    let (done, all) = table.progress();
    assert_eq!(done, all);
}

#[test]
fn bounds_are_kept_and_named() {
    let narrow = Limits {
        max_columns: 10,
        ..Limits::default()
    };
    let refused = opened(bytes("pyarrow_none.parquet"), &narrow).unwrap_err();
    assert!(matches!(refused, ReadError::TooManyColumns { limit: 10 }));

    let small = Limits {
        max_unpacked_bytes: 1_000,
        ..Limits::default()
    };
    let mut table = opened(bytes("duckdb.parquet"), &small).unwrap();
    while table.next_row().is_some() {}
    let failure = table.failure().unwrap();
    assert_eq!(failure.to_string(), "unpacks past 1000 bytes");
}

/// A file changed at random is read as something or refused; it never ends the program, and never
/// gives more rows than bytes could hold.
#[test]
fn damaged_files_end_in_an_error() {
    let mut dice = ChaCha8Rng::seed_from_u64(2026);
    let mut refused = 0;
    let names = ["pyarrow_snappy", "pyarrow_zstd", "pyarrow_none", "duckdb"];
    // What a panic of the library says is of no use here, and would fill the output.
    std::panic::set_hook(Box::new(|_| {}));
    for name in names {
        let whole = bytes(&format!("{name}.parquet"));
        for _ in 0..150 {
            let mut file = whole.clone();
            if dice.random_bool(0.3) {
                file.truncate(dice.random_range(4..file.len()));
            }
            for _ in 0..dice.random_range(1..8) {
                let at = dice.random_range(4..file.len());
                file[at] = dice.random();
            }
            let Ok(mut table) = opened(file, &Limits::default()) else {
                refused += 1;
                continue;
            };
            let mut count = 0;
            while let Some(row) = table.next_row() {
                count += usize::from(row.is_ok());
                assert!(count < 100_000);
            }
            refused += usize::from(table.failure().is_some());
        }
    }
    drop(std::panic::take_hook());
    assert!(refused > 200, "{refused} of 600");
}
