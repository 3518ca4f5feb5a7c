//! kill −9 at random moments under load: every answered read is in the log, the log verifies, no import row is doubled or lost.
//!
//! `LIUHEN_KILLS` sets how often (a few by default, so that the suite stays quick; a hundred for a thorough run).

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
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use liuhen_service::Caller;
use liuhen_testkit::{Api, Encoding, Form, Server, Sheet, people};

const BIN: &str = env!("CARGO_BIN_EXE_liuhen");

/// Persons read, and rows imported while the program is killed.
const KNOWN: usize = 100;
const ARRIVING: usize = 6000;

type Receipts = Mutex<world::Receipts>;

fn kills() -> u64 {
    std::env::var("LIUHEN_KILLS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(6)
}

/// Reads as fast as the server answers, until told to stop; keeps every receipt.
fn read_on(
    url: &str,
    key: &str,
    sheet: &Sheet,
    seed: usize,
    stop: &AtomicBool,
    receipts: &Receipts,
) {
    let api = Api::new(url).with_key(key);
    let mobile = sheet.column("手机号");
    for turn in 0.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let person = &sheet.rows[(seed * 31 + turn * 7) % sheet.rows.len()];
        let body = world::read_of(&person[mobile], "masked");
        // The server dies under this call: then there is no answer, and nothing was promised.
        let Ok(answer) = api.send("POST", "/v1/reads", Some("application/json"), body) else {
            return;
        };
        if answer.status != 200 {
            return;
        }
        let (index, hash) = world::receipt_in(&answer.json());
        let before = receipts.lock().unwrap().insert(index, hash);
        assert_eq!(before, None, "two answers with one index");
    }
}

fn one_life(data: &Path, key: &str, sheet: &Sheet, millis: u64, receipts: &Receipts) {
    let server = Server::plan(BIN)
        .data(data)
        .patience(Duration::from_secs(120))
        .start();
    let (stop, url) = (AtomicBool::new(false), server.url().to_owned());
    std::thread::scope(|scope| {
        for seed in 0..6 {
            let (url, stop) = (&url, &stop);
            scope.spawn(move || read_on(url, key, sheet, seed, stop, receipts));
        }
        std::thread::sleep(Duration::from_millis(millis));
        server.kill();
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn answered_reads_and_imported_rows_survive_kills() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let everyone = people(21, KNOWN + ARRIVING);
    let part = |rows: &[Vec<String>]| Sheet::new(everyone.header.clone(), rows.to_vec());
    let known = part(&everyone.rows[..KNOWN]);
    let arriving = part(&everyone.rows[KNOWN..]);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let key = runtime.block_on(async {
        let service = world::open(&data);
        let key = world::prepare(&service).await;
        world::start_import(&service, &known.delimited(Form::csv(Encoding::Utf8))).await;
        world::settle(&service).await;
        // Begun here, carried on (and cut off) by the lives below.
        world::start_import(&service, &arriving.delimited(Form::csv(Encoding::Gbk))).await;
        service.close().unwrap();
        key
    });

    let receipts = Receipts::default();
    for life in 0..kills() {
        // Spread over the whole of a life: opening, recovering, reading, importing.
        one_life(&data, &key, &known, 20 + (life * 7919) % 700, &receipts);
    }

    let service = world::open(&data);
    runtime.block_on(world::settle(&service));
    let imports = service.imports(&Caller::local()).unwrap();
    let arrived = imports
        .iter()
        .find(|one| one.counts.rows == ARRIVING as u64)
        .expect("the large import");
    assert_eq!(
        (arrived.counts.created, arrived.counts.bad),
        (ARRIVING as u64, 0),
        "doubled or lost: {arrived:?}"
    );
    let receipts = receipts.into_inner().unwrap();
    assert!(!receipts.is_empty(), "no read was answered at all");
    service.close().unwrap();
    let leaves = world::holds_all(&data, &receipts);
    println!(
        "{} kills, {} answered reads, {} leaves",
        kills(),
        receipts.len(),
        leaves
    );
}
