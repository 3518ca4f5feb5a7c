//! What makes the trace believable follows the log at its own pace: witnesses that stay away, and a machine's clock that is set back.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests stop where something is wrong"
)]

mod common;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use liuhen_service::{Caller, Config, Handle, Pace, ReadRequest, Service, TraceStatus, View};
use liuhen_testkit::{Encoding, Form, people};
use liuhen_tlog::submit::{Courier, CourierError, Reply};
use liuhen_tlog::witness::{self, Witness};
use liuhen_tlog::{Clock, Cosigner, Entry, MapRoot, Policy, Receipt, SignedCheckpoint};

/// Two or three witnesses of this process; each can be switched off.
struct Witnesses {
    there: [AtomicBool; 3],
    all: [Witness; 3],
}

struct Carries(Arc<Witnesses>);

impl Courier for Carries {
    fn post(&self, url: &str, body: &[u8]) -> Result<Reply, CourierError> {
        let at: usize = url
            .split(['w', '/'])
            .find_map(|part| part.parse().ok())
            .unwrap();
        if !self.0.there[at].load(Ordering::SeqCst) {
            return Err(CourierError("gone".to_owned()));
        }
        let answer = self.0.all[at].add_checkpoint(body);
        Ok(Reply {
            status: answer.status(),
            content_type: answer.content_type().to_owned(),
            body: answer.body().into_bytes(),
        })
    }
}

/// Three witnesses of the log `vkey`, and the policy that names them: two are needed.
fn witnesses(dir: &Path, vkey: &str) -> (Arc<Witnesses>, String) {
    let mut policy = String::new();
    let all = std::array::from_fn(|at| {
        let own = dir.join(format!("w{at}"));
        std::fs::create_dir_all(&own).unwrap();
        std::fs::write(own.join("logs"), format!("{vkey}\n")).unwrap();
        let seed = u8::try_from(at).unwrap() + 1;
        let name = format!("witness.example/w{at}");
        let cosigner = Cosigner::from_seed(&name, &[seed; 32]).unwrap();
        policy += &format!("witness w{at} {} http://w{at}/\n", cosigner.verifier());
        Witness::open(&own, cosigner, witness::Options::default()).unwrap()
    });
    policy += "group two 2 w0 w1 w2\nquorum two\n";
    let there = std::array::from_fn(|_| AtomicBool::new(true));
    (Arc::new(Witnesses { there, all }), policy)
}

fn quick() -> Pace {
    Pace {
        map_every: Duration::from_millis(50),
        witnesses_every: Duration::from_millis(20),
        alarm_after: Duration::from_millis(300),
    }
}

/// One more entry in the log.
async fn touch(service: &Arc<Service>) {
    let site = format!("s{}", service.health().unwrap().log_size);
    let done = service.put_site(&Caller::local(), &site, "a site").await;
    done.unwrap();
}

/// Waits until the trace is as told.
#[track_caller]
fn until(service: &Service, what: &str, holds: impl Fn(&TraceStatus) -> bool) {
    let begun = Instant::now();
    loop {
        let status = service.trace_status();
        if holds(&status) {
            return;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "{what}: {status:?}"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn alarms(status: &TraceStatus) -> Vec<&'static str> {
    status.alarms.iter().map(|alarm| alarm.name()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_witnesses_hold_up_nothing_and_raise_an_alarm_until_they_are_back() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let first = Service::open(&Config::in_dir(&data)).unwrap();
    let vkey = first.log_vkey();
    first.close().unwrap();
    let (peers, policy) = witnesses(dir.path(), &vkey);
    std::fs::write(data.join("witnesses"), &policy).unwrap();
    let config = Config {
        pace: quick(),
        ..Config::in_dir(&data)
    };
    let service = Service::open(&config).unwrap();
    service.ask_witnesses(Carries(Arc::clone(&peers))).unwrap();
    touch(&service).await;
    until(&service, "all cosign", |status| {
        let all = status.witnesses.iter().all(|one| one.size > 0);
        all && status.cosigned >= Some(1) && status.alarms.is_empty()
    });

    // One is gone: still a quorum, and an alarm that names the one.
    peers.there[1].store(false, Ordering::SeqCst);
    touch(&service).await;
    until(&service, "one is missed", |status| {
        alarms(status) == ["witness"] && status.cosigned >= Some(2)
    });

    // Two are gone: no quorum, an alarm, and the log goes on.
    peers.there[2].store(false, Ordering::SeqCst);
    let before = service.trace_status().size;
    touch(&service).await;
    until(&service, "no quorum", |status| {
        alarms(status) == ["witness", "witness", "quorum"]
    });
    touch(&service).await;
    let status = service.trace_status();
    assert!(status.size >= before + 2, "{status:?}");
    assert!(status.cosigned <= Some(before + 1), "{status:?}");
    let policy = Policy::parse(policy.as_bytes()).unwrap();
    let shown = service.checkpoint_text();
    let key = liuhen_tlog::Verifier::parse(&vkey).unwrap();
    let shown = SignedCheckpoint::verify(shown.as_bytes(), &key).unwrap();
    let verdict = policy.check(&shown).unwrap();
    assert!(verdict.quorum, "an older one, but confirmed: {verdict:?}");
    let newest = service.newest_checkpoint_text();
    let newest = SignedCheckpoint::verify(newest.as_bytes(), &key).unwrap();
    assert!(newest.size() > shown.size());
    assert_eq!(policy.check(&newest).unwrap().cosigned.len(), 0);

    // Back again: it catches up by itself, and the alarms go.
    for peer in &peers.there {
        peer.store(true, Ordering::SeqCst);
    }
    until(&service, "caught up", |status| {
        status.alarms.is_empty() && status.cosigned >= Some(before + 2)
    });
    service.close().unwrap();
}

/// The map roots of a closed vault's log, with their indexes.
fn map_roots(data: &Path) -> Vec<(u64, MapRoot)> {
    let config = Config::in_dir(data);
    let service = Service::open(&config).unwrap();
    let size = service.health().unwrap().checkpoint_size;
    service.close().unwrap();
    let source = liuhen_tlog::audit::DirSource::new(&data.join("log"));
    let mut found = Vec::new();
    for bundle in 0..size.div_ceil(256) {
        let width = (size - bundle * 256).min(256);
        let path = match width {
            256 => format!("tile/entries/{bundle:03}"),
            _ => format!("tile/entries/{bundle:03}.p/{width}"),
        };
        let bytes = liuhen_tlog::audit::Source::get(&source, &path);
        let bytes = bytes.unwrap().unwrap();
        for (at, entry) in entries(&bytes).into_iter().enumerate() {
            if let Some(Entry::MapRoot(root)) = Entry::parse(entry) {
                found.push((bundle * 256 + at as u64, root));
            }
        }
    }
    found
}

fn entries(mut bundle: &[u8]) -> Vec<&[u8]> {
    let mut entries = Vec::new();
    while let Some((length, rest)) = bundle.split_first_chunk::<2>() {
        let (entry, rest) = rest.split_at(u16::from_be_bytes(*length).into());
        entries.push(entry);
        bundle = rest;
    }
    entries
}

/// A few people, so that there is a collection to read from.
async fn import(service: &Arc<Service>) {
    let table = people(3, 4).delimited(Form::csv(Encoding::Utf8));
    common::import(service, &table, "people", None)
        .await
        .unwrap();
}

/// Somebody unknown is asked for: traced, and answered with a receipt.
async fn receipt_of_a_read(service: &Arc<Service>) -> Receipt {
    let caller = Caller::local();
    let purpose = common::purpose("care", 2, &["mobile"]);
    service.put_purpose(&caller, purpose).await.unwrap();
    let nobody = Handle::Value {
        kind: liuhen_kinds::Kind::MOBILE,
        value: "16400000001".to_owned(),
    };
    let ask = ReadRequest {
        purpose: "care".to_owned(),
        subjects: vec![nobody],
        collection: None,
        fields: vec!["mobile".to_owned()],
        view: View::Masked,
        questions: Vec::new(),
        reference: None,
    };
    let answer = service.read(&caller, &ask).await.unwrap();
    let receipt = &answer.results[0].receipt;
    Receipt::parse(&receipt.note).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_set_back_dates_neither_map_roots_nor_receipts_back() {
    const NOON: u64 = 1_795_000_000_000;
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let machine = Arc::new(AtomicU64::new(NOON));
    let read = Arc::clone(&machine);
    let config = Config {
        pace: quick(),
        log_clock: Clock::new(move || read.load(Ordering::SeqCst)),
        ..Config::in_dir(&data)
    };
    let service = Service::open(&config).unwrap();
    import(&service).await;
    let labels = |service: &Service| service.trace_status().map.labels;
    until(&service, "a map root", |status| status.map.labels >= 1);
    // An hour back while it runs.
    machine.store(NOON - 3_600_000, Ordering::SeqCst);
    let before = labels(&service);
    touch(&service).await;
    until(&service, "another", |status| status.map.labels > before);
    service.close().unwrap();
    // Two hours back while it does not run.
    machine.store(NOON - 7_200_000, Ordering::SeqCst);
    let service = Service::open(&config).unwrap();
    until(&service, "the map is back", |status| status.map.labels > 0);
    let before = labels(&service);
    let receipt = receipt_of_a_read(&service).await;
    until(&service, "a third", |status| status.map.labels > before);
    service.close().unwrap();

    let roots = map_roots(&data);
    assert!(roots.len() >= 3, "{roots:?}");
    assert!(
        roots.iter().all(|(_, root)| root.time_ms == NOON),
        "{roots:?}"
    );
    assert!(receipt.index() > roots[1].0);
    assert!(receipt.time_ms() >= NOON, "it would convict an honest log");
}
