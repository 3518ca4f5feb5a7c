//! Nothing readable on disk: no name, number or address of any person in any file of the data directory, in UTF-8, UTF-16 or GBK.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests stop where something is wrong"
)]

mod world;

use std::path::Path;

use aho_corasick::AhoCorasick;
use liuhen_kinds::Kind;
use liuhen_service::{Caller, ExportRequest, Handle, ReadRequest, Service, View};
use liuhen_testkit::{Encoding, Form, Sheet, people};

const PEOPLE: usize = 150;

/// Shorter patterns occur in ciphertext by chance: five bytes once in 2⁴⁰ positions.
const SHORTEST: usize = 6;

fn patterns(sheet: &Sheet) -> Vec<Vec<u8>> {
    let encodings = [
        Encoding::Utf8,
        Encoding::Gbk,
        Encoding::Utf16Le,
        Encoding::Utf16Be,
    ];
    let mut all: Vec<Vec<u8>> = sheet
        .rows
        .iter()
        .flatten()
        .flat_map(|value| {
            encodings.map(|encoding| {
                let bytes = encoding.encode(value);
                bytes[encoding.mark().len()..].to_vec()
            })
        })
        .filter(|bytes| bytes.len() >= SHORTEST)
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn search(dir: &Path, finder: &AhoCorasick, searched: &mut u64) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            search(&path, finder, searched);
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        *searched += bytes.len() as u64;
        let hit = finder.find(&bytes);
        assert!(
            hit.is_none(),
            "readable at byte {} of {}",
            hit.unwrap().start(),
            path.display()
        );
    }
}

async fn live(service: &std::sync::Arc<Service>, sheet: &Sheet) {
    let caller = Caller::local();
    let mobile = |row: usize| Handle::Value {
        kind: Kind::MOBILE,
        value: sheet.rows[row][sheet.column("手机号")].clone(),
    };
    for row in 0..20 {
        let ask = ReadRequest {
            purpose: "care".to_owned(),
            subjects: vec![mobile(row)],
            collection: None,
            fields: world::FIELDS.map(ToOwned::to_owned).to_vec(),
            view: View::Plain,
            questions: Vec::new(),
            reference: None,
        };
        service.read(&caller, &ask).await.unwrap();
    }
    service
        .invite_person(&caller, &mobile(1), "showed a card")
        .await
        .unwrap();
    service
        .set_objection(&caller, &mobile(2), true)
        .await
        .unwrap();
    let request = ExportRequest {
        recipient: "somebody".to_owned(),
        purpose: "care".to_owned(),
        collection: world::COLLECTION.to_owned(),
        fields: world::FIELDS.map(ToOwned::to_owned).to_vec(),
        limit: None,
        format: "xlsx".to_owned(),
        encoding: String::new(),
        exact: false,
        extra_canaries: None,
        expires: i64::MAX / 2,
        note: String::new(),
    };
    let asked = service.request_export(&caller, request).await.unwrap();
    let second = Caller {
        id: "staff:second".to_owned(),
        ..caller
    };
    service
        .decide_export(&second, &asked.id, true)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_value_is_readable_in_any_file() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let sheet = people(31, PEOPLE);
    let patterns = patterns(&sheet);
    assert!(patterns.len() > PEOPLE * 20, "{} patterns", patterns.len());
    let finder = AhoCorasick::new(&patterns).unwrap();
    // The search itself finds what is there.
    assert!(finder.is_match(&sheet.delimited(Form::csv(Encoding::Gbk))));

    let service = world::open(&data);
    world::prepare(&service).await;
    // An upload that waits to be confirmed lies in the spool.
    let mut waiting = service.upload().unwrap();
    std::io::Write::write_all(&mut waiting, &sheet.xlsx()).unwrap();
    waiting
        .finish_import(&Caller::local(), &format!("{}.xlsx", sheet.rows[0][0]))
        .unwrap();
    world::start_import(&service, &sheet.delimited(Form::csv(Encoding::Utf8))).await;
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    let done = |service: &std::sync::Arc<Service>| {
        let imports = service.imports(&Caller::local()).unwrap();
        imports
            .iter()
            .any(|one| one.counts.created == PEOPLE as u64)
    };
    while !done(&service) {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    live(&service, &sheet).await;
    let mut searched = 0;
    search(&data, &finder, &mut searched);
    service.close().unwrap();
    search(&data, &finder, &mut searched);
    assert!(
        searched > 1_000_000,
        "only {searched} bytes were there to search"
    );
}
