//! A count taken apart comes to what one machine comes to.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeMap;

use liuhen_document::Header;
use liuhen_forensics::apart::{Mapper, Table, merge, total};
use liuhen_forensics::{
    Acts, Batch, Case, Day, Entry, Exhibit, Exhibits, HashKey, Plan, Rules, Silent, Step,
    TableHead, Unit, Unread, count,
};
use liuhen_judge::{Validators, column_kinds};

/// Files as rows of cells.
struct Memory(Vec<Vec<[String; 4]>>);

/// One of them, being read.
struct Reading<'a> {
    rows: std::slice::Iter<'a, [String; 4]>,
    number: u64,
}

fn head() -> TableHead {
    let header = Header(
        ["姓名", "身份证号", "手机号", "住址"]
            .map(Into::into)
            .to_vec(),
    );
    TableHead {
        kinds: column_kinds(&header, &[]),
        header,
        ..TableHead::default()
    }
}

fn put(batch: &mut Batch, row: &[String; 4], number: u64) {
    row.iter().for_each(|cell| batch.cell(cell));
    batch.row(number);
}

impl Exhibit for Reading<'_> {
    fn next(&mut self, batch: &mut Batch) -> Result<Step, Unread> {
        if self.number == 0 {
            self.number = 1;
            return Ok(Step::Table(head()));
        }
        while !batch.is_full() {
            let Some(row) = self.rows.next() else { break };
            self.number += 1;
            put(batch, row, self.number);
        }
        Ok(if batch.is_empty() {
            Step::End
        } else {
            Step::Rows
        })
    }

    fn taken(&self) -> u64 {
        self.number
    }
}

impl Exhibits for Memory {
    fn open(&self, unit: &Unit) -> Result<Box<dyn Exhibit + '_>, Unread> {
        let at: usize = unit.path.parse().unwrap();
        Ok(Box::new(Reading {
            rows: self.0[at].iter(),
            number: 0,
        }))
    }

    fn digest(&self, _: &Unit) -> Result<String, Unread> {
        Err(Unread {
            code: "memory".to_owned(),
            text: "no bytes".to_owned(),
        })
    }
}

/// Rows of invented people: some twice, some untrue, some nobody's.
fn files() -> Memory {
    let mut people = liuhen_invented::Generator::new(7);
    let rows: Vec<[String; 4]> = (0..900)
        .map(|at| {
            let one = people.person();
            let (name, id) = (one.name, one.resident_id);
            let (mobile, address) = (one.mobile, one.address);
            match at % 9 {
                0 => [name, String::new(), String::new(), address],
                1 => [
                    String::new(),
                    "110101199913101234".into(),
                    String::new(),
                    String::new(),
                ],
                2 => [name, String::new(), String::new(), String::new()],
                3 => [name, String::new(), mobile, address],
                _ => [name, id, mobile, address],
            }
        })
        .collect();
    let again = |from: usize, step: usize| rows[from..].iter().step_by(step).cloned().collect();
    Memory(vec![
        rows[..600].to_vec(),
        again(300, 1),
        again(0, 3),
        again(5, 7),
    ])
}

fn plan<'a>(units: &Memory, work: &std::path::Path, jobs: usize) -> Plan<'a> {
    let rules = Rules::builtin();
    Plan {
        units: (0..units.0.len())
            .map(|at| Unit {
                path: at.to_string(),
                bytes: 1,
                changed_ns: 0,
            })
            .collect(),
        rules,
        key: HashKey([9; 16]),
        jobs,
        date: Day::parse(&rules.date).unwrap(),
        acts: Acts::default(),
        ledger: true,
        reading: String::new(),
        sight: None,
        work: work.to_owned(),
    }
}

fn text(entry: &Entry) -> String {
    serde_json::to_string(entry).unwrap()
}

#[test]
fn tasks_and_partitions_anywhere_come_to_the_same() {
    let (files, dir) = (files(), tempfile::tempdir().unwrap());
    let whole = count(plan(&files, dir.path(), 2), &files, &Validators, &Silent).unwrap();
    let mut ledger = Vec::new();
    whole
        .ledger(&mut |entry| {
            ledger.push(text(entry));
            Ok(())
        })
        .unwrap();
    assert!(ledger.len() > 1000);

    let rules = Rules::builtin();
    let nowhere = plan(&files, std::path::Path::new("/nonexistent"), 1);
    let table = Table::new(&head(), rules);
    let mut parts: BTreeMap<usize, Vec<Vec<u8>>> = BTreeMap::new();
    let mut counts = Vec::new();
    // Tasks hold pieces of files, in no order, and give keys away as they like.
    for task in (0..5).rev() {
        let mut mapper = Mapper::new(rules, &Validators, nowhere.key, nowhere.date);
        for (unit, rows) in files.0.iter().enumerate() {
            let mut batch = Batch::default();
            let numbered = (2..).zip(rows);
            for (number, row) in numbered.skip(task).step_by(5) {
                put(&mut batch, row, number);
            }
            mapper.rows(unit, &table, &batch);
            if unit % 2 == 0 {
                let keys = mapper.keys().into_iter();
                keys.for_each(|keys| parts.entry(keys.part).or_default().push(keys.bytes));
            }
        }
        let keys = mapper.keys().into_iter();
        keys.for_each(|keys| parts.entry(keys.part).or_default().push(keys.bytes));
        counts.push(mapper.counts().unwrap());
    }
    let names: Vec<String> = nowhere.units.iter().map(|unit| unit.path.clone()).collect();
    let (mut sums, mut lines) = (Vec::new(), Vec::new());
    for keys in parts.values() {
        let keys = keys.iter().map(Vec::as_slice);
        let part = merge(rules, &nowhere.acts, true, &names, keys).unwrap();
        sums.push(part.sums);
        lines.extend(part.lines);
    }
    lines.sort_by(|(a, _), (b, _)| a.cmp(b));
    let apart: Vec<String> = lines.iter().map(|(_, entry)| text(entry)).collect();
    assert_eq!(apart, ledger);
    let apart = total(nowhere, &counts, &sums).unwrap();
    // Which file came from which is asked on one machine only.
    let told = |counted: &liuhen_forensics::Counted<'_>| {
        let mut report = serde_json::to_value(counted.report(&Case::default())).unwrap();
        report["provenance"].take();
        report
    };
    assert_eq!(told(&apart), told(&whole));
}

#[test]
fn refuses_what_is_no_part_of_a_count() {
    let rules = Rules::builtin();
    let merged = |bytes: &[u8]| merge(rules, &Acts::default(), false, &[], [bytes]);
    assert!(merged(&[]).is_err());
    assert!(merged(&[0, 1, 2]).is_err());
    assert!(merged(&[99]).is_err());
    assert!(merged(&[0; 33]).is_ok());
    let dir = std::path::Path::new("/nonexistent");
    let bad = ["{\"7\":{}}".to_owned()];
    assert!(total(plan(&Memory(Vec::new()), dir, 1), &bad, &[]).is_err());
}
