//! The 518 proof probes of transparency-dev/merkle, from `data/merkle_probes.txt`.
//!
//! Some probes use strings of 0, 12, 18 or so bytes where a hash belongs, which
//! our type cannot hold. The empty string is refused by that type. For the
//! others a hash of our own stands in: what was equal stays equal, what
//! differed differs.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::collections::HashMap;

use liuhen_tlog::{Hash, ProofError, leaf_hash, proof};

struct Probe<'a> {
    check: &'a str,
    good: bool,
    numbers: Vec<u64>,
    path: &'a str,
    name: &'a str,
}

fn unhex(text: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(byte).collect()
}

fn probe(line: &str) -> Probe<'_> {
    let parts: Vec<&str> = line.splitn(3, " : ").collect();
    let mut words = parts[0].split(' ');
    Probe {
        check: words.next().unwrap(),
        good: match words.next() {
            Some("ok") => true,
            Some("no") => false,
            other => panic!("neither ok nor no: {other:?}"),
        },
        numbers: words.map(|w| w.parse().unwrap()).collect(),
        path: parts[1],
        name: parts[2],
    }
}

fn run(probe: &Probe<'_>, table: &HashMap<u64, Option<Hash>>) -> Option<Result<(), ProofError>> {
    let words = probe.path.split(' ').filter(|w| !w.is_empty());
    let path: Option<Vec<Hash>> = words.map(|w| table[&w.parse().unwrap()]).collect();
    let (path, hash) = (path?, |number| table[number]);
    Some(match (probe.check, &probe.numbers[..]) {
        ("inclusion", [index, size, leaf, root]) => {
            proof::verify_inclusion(&hash(leaf)?, *index, *size, &path, &hash(root)?)
        }
        ("subtree-inclusion", [index, start, end, leaf, root]) => {
            let range = (*start, *end);
            proof::verify_subtree_inclusion(&hash(leaf)?, *index, range, &path, &hash(root)?)
        }
        ("consistency", [old, new, a, b]) => {
            proof::verify_consistency(*old, *new, &path, &hash(a)?, &hash(b)?)
        }
        ("subtree-consistency", [start, end, size, a, b]) => {
            let (a, b) = (hash(a)?, hash(b)?);
            proof::verify_subtree_consistency(*start, *end, *size, &path, &a, &b)
        }
        other => panic!("no such check: {other:?}"),
    })
}

/// `None` for the empty string.
fn hash(hex: &str) -> Option<Hash> {
    if hex == "-" {
        return None;
    }
    let stand_in = || leaf_hash(format!("stands in for {hex}").as_bytes());
    Some(Hash::from_slice(&unhex(hex)).unwrap_or_else(stand_in))
}

#[test]
fn all_published_probes_are_judged_as_published() {
    let mut table = HashMap::new();
    let mut wrong = Vec::new();
    let mut seen = HashMap::new();
    for line in include_str!("data/merkle_probes.txt").lines() {
        if line.starts_with('#') {
            continue;
        }
        if let Some(entry) = line.strip_prefix("h ") {
            let (number, hex) = entry.split_once(' ').unwrap();
            table.insert(number.parse().unwrap(), hash(hex));
            continue;
        }
        let probe = probe(line);
        *seen.entry((probe.check, probe.good)).or_insert(0) += 1;
        let verdict = run(&probe, &table);
        if matches!(verdict, Some(Ok(()))) != probe.good {
            wrong.push(format!("{} {}: {verdict:?}", probe.check, probe.name));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(seen.values().sum::<i32>(), 518);
    assert!(
        seen.values().all(|count| *count > 0) && seen.len() == 8,
        "{seen:?}"
    );
}
