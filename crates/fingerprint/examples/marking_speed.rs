//! How long marking takes: a table of names, mobile numbers, addresses, births and times, row by row.
//!
//! ```sh
//! cargo run --release -p liuhen-fingerprint --example marking_speed -- [rows] [threads]
//! ```

use std::time::Instant;

use liuhen_fingerprint::code::{CodeKey, ExportKey};
use liuhen_fingerprint::table::{Cell, mark_row};

#[expect(clippy::print_stdout, reason = "an example shows its figures")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<u64>());
    let rows = arguments.next().unwrap_or(Ok(1_000_000))?;
    let threads = arguments.next().unwrap_or(Ok(2))?.max(1);
    let code = CodeKey::from_secret([1; 32]);
    let export = ExportKey::from_secret([2; 32]);
    let table: Vec<[String; 5]> = (0..rows).map(row).collect();
    let started = Instant::now();
    let share = table.len().div_ceil(usize::try_from(threads)?).max(1);
    let symbols: usize = std::thread::scope(|scope| {
        let running: Vec<_> = (0_u64..)
            .zip(table.chunks(share))
            .map(|(at, chunk)| {
                let (code, export) = (&code, &export);
                scope.spawn(move || mark(code, export, at << 32, chunk))
            })
            .collect();
        running.into_iter().map(|one| one.join().unwrap_or(0)).sum()
    });
    println!(
        "{rows} rows, {symbols} symbols, {threads} threads: {:.2?}",
        started.elapsed()
    );
    Ok(())
}

/// Marks rows and answers how many symbols they carry.
fn mark(code: &CodeKey, export: &ExportKey, first: u64, rows: &[[String; 5]]) -> usize {
    let columns = ["name", "mobile", "home", "birth", "下单时间"];
    let kinds = ["person_name", "mobile", "address", "date_of_birth", ""];
    let mut symbols = 0;
    for (at, row) in (first..).zip(rows) {
        let cells: Vec<Cell<'_>> = row
            .iter()
            .zip(columns.into_iter().zip(kinds))
            .map(|(value, (column, kind))| Cell {
                column,
                kind,
                canonical: value,
            })
            .collect();
        symbols += mark_row(code, export, &u128::from(at).to_be_bytes(), &cells).symbols;
    }
    symbols
}

fn row(at: u64) -> [String; 5] {
    let (a, b, c) = (at % 97 + 1, at % 28 + 1, at % 12 + 1);
    [
        "某甲".to_owned(),
        format!("154{at:08}"),
        format!(
            "广东省深圳市南山区科技路{a}号幸福小区{b}栋{}单元{c}0{}室",
            b % 9 + 1,
            b % 4 + 1
        ),
        format!("19{:02}年{c}月{b}日", 50 + at % 50),
        format!(
            "2026-{c:02}-{b:02} {:02}:{:02}:{:02}",
            at % 24,
            at % 60,
            at % 59
        ),
    ]
}
