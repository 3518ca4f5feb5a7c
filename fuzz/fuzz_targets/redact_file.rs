//! Any bytes under any name: a copy or a refusal, and the copy is such bytes again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use liuhen_document::Row;
use liuhen_kinds::Kind;
use liuhen_redact::{Finder, Key, Policy, Redactor, Spot};

struct Marks;

impl Finder for Marks {
    fn in_text(&self, text: &str) -> Vec<Spot> {
        let found = text.match_indices("13800138000");
        found.map(|(at, it)| Spot::new(Kind::MOBILE, at, at + it.len())).collect()
    }

    fn in_table(&self, rows: &[Row], _: usize) -> Vec<(usize, usize, Spot)> {
        let mut out = Vec::new();
        for (at, row) in rows.iter().enumerate() {
            for (column, cell) in row.cells.iter().enumerate() {
                let spots = self.in_text(cell.as_str());
                out.extend(spots.into_iter().map(|spot| (at, column, spot)));
            }
        }
        out
    }
}

const NAMES: [&str; 8] = ["a.txt", "a.csv", "a.json", "a.html", "a.xml", "a.eml", "a.docx", "a.xlsx"];

fuzz_target!(|data: &[u8]| {
    let Some((first, bytes)) = data.split_first() else { return };
    let name = NAMES[usize::from(*first) % NAMES.len()];
    let policy = Policy::default();
    let mut redactor = Redactor::new(&policy, &Marks, Key::new([0; 32]));
    if let Ok(copy) = redactor.redact(bytes, name) {
        // What was made of it can be taken in again.
        let _ = redactor.redact(&copy.bytes, name);
    }
});
