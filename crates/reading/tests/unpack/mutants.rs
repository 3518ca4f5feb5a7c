//! Files changed at random: whatever the bytes, every format answers and none panics.

use super::made::*;
use super::{told, with};
use liuhen_reading::{Limits, Wishes};

/// A generator of numbers with a fixed seed (xorshift, Marsaglia 2003).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound.max(1) as u64).unwrap()
    }
}

fn mutant(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    match random.below(5) {
        0 => bytes.truncate(random.below(bytes.len())),
        1 => {
            let at = random.below(bytes.len());
            let end = (at + random.below(64)).min(bytes.len());
            bytes.drain(at..end);
        }
        2 => {
            let at = random.below(bytes.len());
            let end = (at + 1 + random.below(8)).min(bytes.len());
            bytes[at..end].fill([0, 0xFF, 0x7F][random.below(3)]);
        }
        3 => {
            let from = random.below(bytes.len());
            let piece = bytes[from..(from + 40).min(bytes.len())].to_vec();
            let at = random.below(bytes.len());
            bytes.splice(at..at, piece);
        }
        _ => {
            for _ in 0..=random.below(6) {
                let at = random.below(bytes.len());
                bytes[at] ^= 1 << random.below(8);
            }
        }
    }
    bytes
}

#[test]
fn no_mutant_of_any_format_panics() {
    let limits = Limits {
        max_unpacked_bytes: 32 << 20,
        max_memory_bytes: 64 << 20,
        ..Limits::default()
    };
    let wishes = Wishes {
        records: true,
        strings: true,
        ..with(limits, &["p", "mima1", "password"])
    };
    let mut random = Random(0x6C69_7568_656E);
    let mut mutants = 0;
    let own = samples()
        .into_iter()
        .map(|(name, bytes)| (name, bytes, "某甲"));
    let others = [super::rar::vectors(), super::columns::vectors()].concat();
    let others = others
        .into_iter()
        .map(|(name, bytes, mark)| (name, bytes.to_vec(), mark));
    for (name, bytes, mark) in own.chain(others) {
        assert!(
            told(&bytes, name, &wishes)
                .iter()
                .any(|line| line.contains(mark)),
            "{name}"
        );
        // Where each try at a password costs its half second, fewer.
        let count = if name.contains("locked") { 3 } else { 40 };
        for _ in 0..count {
            // A panic of a decoder is caught and becomes this error: no format may come to that.
            let seen = told(&mutant(&bytes, &mut random), name, &wishes);
            assert!(
                !seen.iter().any(|line| line.contains("this program failed")),
                "{name}: {seen:?}"
            );
            mutants += 1;
        }
    }
    assert!(mutants >= 500, "{mutants}");
}
