//! Decoys among look-ups by name: who is shown one, what a leak of them proves, and where they never are.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests stop where something is wrong"
)]

mod common;

use std::collections::{BTreeSet, HashMap};
use std::io::{Read as _, Write as _};
use std::sync::Arc;

use liuhen_invented::belongs_to_nobody;
use liuhen_kinds::Kind;
use liuhen_paper::{Column, TableLayout, TablePdf};
use liuhen_picture::{Encoding as Encode, Font, Picture, encode};
use liuhen_service::{
    Caller, Config, EventQuery, ExportRequest, Handle, LeakView, Outcome, PictureCopyRequest,
    PurposeView, ReadAnswer, ReadRequest, Role, Service, ServiceError, SightingReport,
    SubjectAnswer, View,
};
use liuhen_testkit::{Encoding, Form, Sheet, people};
use liuhen_vault::store::{Batch, KeyRange, Space, SqliteStore, Store as _};

const FIELDS: [&str; 3] = ["person_name", "mobile", "address"];

fn open(dir: &std::path::Path) -> Arc<Service> {
    Service::open(&Config::in_dir(dir)).expect("opens")
}

fn reader(n: usize) -> Caller {
    Caller {
        id: format!("staff:reader{n}"),
        display: format!("reader {n}"),
        ..Caller::local()
    }
}

fn purpose(id: &str, decoy_percent: Option<u8>) -> PurposeView {
    PurposeView {
        decoy_percent,
        ..common::purpose(id, 2, &FIELDS)
    }
}

/// A vault of a table of 160 people, and a purpose that shows decoys half the time beside one that never does.
async fn prepare(service: &Arc<Service>) -> Sheet {
    let caller = Caller::local();
    service.put_site(&caller, "shop", "a shop").await.unwrap();
    for (id, percent) in [("desk", Some(50)), ("care", None)] {
        service
            .put_purpose(&caller, purpose(id, percent))
            .await
            .unwrap();
    }
    let sheet = people(31, 160);
    take_in(service, &sheet.delimited(Form::csv(Encoding::Utf8)))
        .await
        .unwrap();
    sheet
}

async fn take_in(service: &Arc<Service>, bytes: &[u8]) -> Result<String, String> {
    common::import(service, bytes, "people", Some("shop")).await
}

fn ask(purpose: &str, handle: Handle, view: View) -> ReadRequest {
    ReadRequest {
        purpose: purpose.to_owned(),
        subjects: vec![handle],
        collection: None,
        fields: FIELDS.map(str::to_owned).to_vec(),
        view,
        questions: Vec::new(),
        reference: None,
    }
}

fn named(name: &str) -> Handle {
    Handle::Value {
        kind: Kind::PERSON_NAME,
        value: name.to_owned(),
    }
}

fn names(sheet: &Sheet) -> BTreeSet<String> {
    let column = sheet.column("姓名");
    sheet.rows.iter().map(|row| row[column].clone()).collect()
}

async fn look(service: &Service, caller: &Caller, name: &str) -> ReadAnswer {
    service
        .read(caller, &ask("desk", named(name), View::Plain))
        .await
        .expect("reads")
}

fn value(answer: &SubjectAnswer, field: &str) -> String {
    let field = answer.fields.iter().find(|one| one.name == field);
    field.expect("the field").value.clone()
}

/// Those of an answer who do not exist, by the mobile numbers the table holds.
fn invented<'a>(answer: &'a ReadAnswer, sheet: &Sheet) -> Vec<&'a SubjectAnswer> {
    let column = sheet.column("手机号");
    let real: BTreeSet<&String> = sheet.rows.iter().map(|row| &row[column]).collect();
    let own = |one: &&SubjectAnswer| {
        one.outcome == Outcome::Plain && !real.contains(&value(one, "mobile"))
    };
    answer.results.iter().filter(own).collect()
}

async fn examine(service: &Arc<Service>, rows: &[Vec<String>]) -> LeakView {
    let mut text = "姓名,手机号,地址\n".to_owned();
    for row in rows {
        text.push_str(&row.join(","));
        text.push('\n');
    }
    common::examine(service, "found.csv", text.as_bytes()).await
}

fn row(answer: &SubjectAnswer) -> Vec<String> {
    FIELDS.iter().map(|field| value(answer, field)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_leaks_what_he_was_shown_is_accused_and_nobody_else() {
    let dir = tempfile::tempdir().unwrap();
    let service = open(dir.path());
    let sheet = prepare(&service).await;
    let mut shown: HashMap<usize, Vec<Vec<String>>> = HashMap::new();
    let mut decoys: HashMap<String, BTreeSet<Vec<String>>> = HashMap::new();
    let names = names(&sheet);
    assert!(names.len() > 90, "{}", names.len());
    for n in 0..4 {
        for name in &names {
            let answer = look(&service, &reader(n), name).await;
            let rows = shown.entry(n).or_default();
            rows.extend(answer.results.iter().map(row));
            let invented = invented(&answer, &sheet);
            assert!(invented.len() <= 1);
            for one in invented {
                // Like anybody: a receipt, an id, the name that was looked up, a number of nobody.
                assert_eq!(value(one, "person_name"), *name);
                assert!(belongs_to_nobody(Kind::MOBILE, &value(one, "mobile")));
                assert!(one.subject.as_ref().is_some_and(|id| id.starts_with("s_")));
                assert_eq!(one.token, None);
                let receipt = liuhen_tlog::Receipt::parse(&one.receipt.note).unwrap();
                let key = liuhen_tlog::Verifier::parse(&service.log_vkey()).unwrap();
                receipt.verify(&key).unwrap();
                decoys.entry(name.clone()).or_default().insert(row(one));
            }
            let ids: Vec<_> = answer.results.iter().map(|one| &one.subject).collect();
            let bytes = |id: &&Option<String>| -> Vec<u8> {
                let id: liuhen_vault::SubjectId = id.as_ref().unwrap().parse().unwrap();
                id.as_bytes().to_vec()
            };
            assert!(
                ids.is_sorted_by_key(bytes),
                "a decoy has no place of its own"
            );
        }
    }
    // One decoy for a name, whoever looks; about half of the coins show it.
    assert!(decoys.values().all(|rows| rows.len() == 1));
    for n in 0..4 {
        let seen = shown[&n].len() - sheet.rows.len();
        // Five standard errors of a fair coin.
        let (half, error) = (names.len() as f64 / 2.0, (names.len() as f64 / 4.0).sqrt());
        assert!((seen as f64 - half).abs() < 5.0 * error, "{seen} of {half}");
    }

    let leak = examine(&service, &shown[&2]).await;
    let accused: Vec<&str> = leak
        .accused_accounts()
        .map(|one| one.who.as_str())
        .collect();
    assert_eq!(accused, ["staff:reader2"], "{:?}", leak.accounts);
    assert_eq!((leak.accounts.len(), leak.accounts_examined), (4, 4));
    assert_eq!(leak.decoys, (shown[&2].len() - sheet.rows.len()) as u64);
    assert!((leak.threshold_ln - 4e6_f64.ln()).abs() < 1e-9);
    assert_eq!(
        leak.persons,
        sheet.rows.len() as u64,
        "a decoy is no person"
    );
    assert!(
        leak.statements_en
            .iter()
            .any(|said| said.contains("reader 2"))
    );
    assert!(
        leak.statements_zh
            .iter()
            .any(|said| said.contains("reader 2"))
    );
    // The coins lie in the log, before the leak.
    for index in &leak.accounts[0].leaves {
        let query = EventQuery {
            before: Some(index + 1),
            limit: 1,
            ..EventQuery::default()
        };
        let event = &service.events(&Caller::local(), &query).unwrap()[0].event;
        assert_eq!(
            (event.action.name(), event.who.as_str()),
            ("decoy", "staff:reader2")
        );
        assert_eq!(event.detail("propensity"), Some("2147483648/2^32"));
    }
    let again = examine(&service, &shown[&2]).await;
    let told =
        |view: &LeakView| serde_json::to_string(&(&view.accounts, &view.statements_zh)).unwrap();
    assert_eq!(told(&leak), told(&again));
    let report = |view: &LeakView| {
        service
            .leak_report(&Caller::local(), &view.id, false)
            .unwrap()
    };
    assert_eq!(report(&leak), report(&again));

    // A file of persons who exist accuses nobody, nor do three decoys.
    let columns = ["姓名", "手机号", "地址"].map(|name| sheet.column(name));
    let real = |row: &Vec<String>| columns.map(|at| row[at].clone()).to_vec();
    let real: Vec<Vec<String>> = sheet.rows.iter().map(real).collect();
    assert!(examine(&service, &real).await.accounts.is_empty());
    let few: Vec<_> = decoys.values().flatten().take(3).cloned().collect();
    let few = examine(&service, &few).await;
    assert_eq!((few.decoys, few.accused_accounts().count()), (3, 0));

    // One number of a decoy, seen outside, names whom it was shown to.
    let (name, rows) = decoys.iter().next().unwrap();
    let report = SightingReport {
        place: "a listing".to_owned(),
        values: vec![rows.first().unwrap()[1].clone()],
    };
    let told = service.report_sighting(&Caller::local(), &report).await;
    let alert = told.unwrap().alert.expect("an alert");
    assert!(alert.carriers.is_empty() && alert.accounts.iter().all(|one| !one.accused));
    let mut who: Vec<&str> = alert.accounts.iter().map(|one| one.who.as_str()).collect();
    who.sort_unstable();
    let mut expected = Vec::new();
    for n in 0..4 {
        if !invented(&look(&service, &reader(n), name).await, &sheet).is_empty() {
            expected.push(reader(n).id);
        }
    }
    assert_eq!(who, expected);
    service.close().unwrap();
}

/// A document of these rows, as a program of the leaker's would print it.
fn printed(font: &Font, rows: &[Vec<String>]) -> Vec<u8> {
    let columns = [("姓名", 1.0), ("手机号", 1.3), ("地址", 3.5)];
    let columns = columns.map(|(title, parts)| Column::new(title).parts(parts));
    let layout = TableLayout {
        dpi: 72,
        ..TableLayout::new("found", columns.to_vec())
    };
    let mut pdf = TablePdf::new(font, layout, Vec::new(), |_, _, _, _| ()).unwrap();
    for row in rows {
        pdf.row(row).unwrap();
    }
    pdf.finish().unwrap().0
}

/// A document is held against copies of tables, copies of pictures, screens and accounts; one ε is
/// shared by all of them, and rows alone get no more of it than their share.
#[tokio::test(flavor = "multi_thread")]
async fn a_leaked_document_shares_its_bound_among_all_that_it_may_accuse() {
    let Ok(font) = Font::find(None, "姓名住址省市区路号第页") else {
        println!("SKIP no Chinese font on this machine: documents are not tested");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let service = open(dir.path());
    let sheet = prepare(&service).await;
    let caller = Caller::local();
    let mut rows = Vec::new();
    for n in 0..4 {
        for name in names(&sheet) {
            let answer = look(&service, &reader(n), &name).await;
            if n == 2 {
                rows.extend(invented(&answer, &sheet).into_iter().map(row));
            }
        }
    }
    let request = ExportRequest {
        recipient: "a recipient".to_owned(),
        purpose: "care".to_owned(),
        collection: "people".to_owned(),
        fields: FIELDS.map(str::to_owned).to_vec(),
        limit: None,
        format: "csv".to_owned(),
        encoding: String::new(),
        exact: false,
        extra_canaries: None,
        expires: 1_900_000_000_000,
        note: String::new(),
    };
    let asked = service.request_export(&caller, request).await.unwrap();
    let second = common::second_person();
    let made = service.decide_export(&second, &asked.id, true);
    let export = made.await.unwrap().id;
    let mut bytes = String::new();
    let mut file = service.export_file(&caller, &export).await.unwrap();
    file.reader.read_to_string(&mut bytes).unwrap();
    let sheet = Sheet::parse(bytes.trim_start_matches('\u{feff}'));
    rows.extend(sheet.rows.into_iter().take(60));
    // Copies of pictures and a screen, of which the document shows nothing.
    let mut upload = service.upload().unwrap();
    let grey: Vec<u8> = (0..400_u32 * 300)
        .map(|at| u8::try_from(at.wrapping_mul(2_654_435_761) >> 25).unwrap() + 60)
        .collect();
    let picture = Picture::from_grey(400, 300, &grey).unwrap();
    upload
        .write_all(&encode(&picture, Encode::Png).unwrap())
        .unwrap();
    let added = service.add_picture(&caller, upload, "a.png", None).await;
    let picture = added.unwrap().id;
    for recipient in ["one", "two", "three"] {
        let request = PictureCopyRequest {
            recipient: recipient.to_owned(),
            purpose: "care".to_owned(),
            visible: None,
        };
        let issued = service.issue_picture(&caller, &picture, request, None);
        issued.await.unwrap();
    }
    service.screen_mark(&reader(0)).await.unwrap();

    let document = printed(&font, &rows);
    let at = async |epsilon: f64| {
        common::examine_at(&service, "found.pdf", &document, Some(epsilon)).await
    };
    // One table, three copies of a picture, one viewer's day; four accounts.
    let (copies, accounts) = (5.0, 4.0);
    let found = at(1e-6).await;
    assert_eq!((found.copies_examined, found.accounts_examined), (5, 4));
    let limit = ((copies + accounts) / 1e-6_f64).ln();
    assert!((found.threshold_ln - limit).abs() < 1e-9);
    let (copy, account) = (&found.copies[0], &found.accounts[0]);
    assert!(copy.accused && account.accused, "{copy:?} {account:?}");
    assert_eq!(
        (copy.export.as_str(), account.who.as_str()),
        (export.as_str(), "staff:reader2")
    );
    // Judged by rows alone, at (1 + 4) / ε, each would still be accused at an ε at which all nine
    // together leave too little: what lies between the two is what sharing takes away.
    for ln_e in [copy.ln_e, account.ln_e] {
        let shared = |factor: f64| factor * (copies + accounts) / ln_e.exp();
        for (factor, accused) in [(1.02, true), (0.9, false)] {
            let epsilon = shared(factor);
            assert!((1.0 + accounts) / epsilon < ln_e.exp(), "rows alone accuse");
            let found = at(epsilon).await;
            let is = |wanted: f64, held: f64| (held - wanted).abs() < 1e-6;
            let copies = found.copies.iter().filter(|copy| is(ln_e, copy.ln_e));
            let both = found.accounts.iter().filter(|one| is(ln_e, one.ln_e));
            let told: Vec<bool> = copies
                .map(|copy| copy.accused)
                .chain(both.map(|one| one.accused))
                .collect();
            assert_eq!(told, [accused], "{factor} of the shared bound");
        }
    }
    service.close().unwrap();
}

/// A name whose decoy the first of two readers is shown and the second is not.
async fn told_apart(service: &Service, sheet: &Sheet) -> (String, SubjectAnswer) {
    for name in names(sheet) {
        let first = look(service, &reader(0), &name).await;
        let second = look(service, &reader(1), &name).await;
        if let ([one], []) = (&*invented(&first, sheet), &*invented(&second, sheet)) {
            return (name, (*one).clone());
        }
    }
    panic!("every coin fell alike");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decoy_stays_for_whom_it_was_shown_to_and_is_nobody_elsewhere() {
    let dir = tempfile::tempdir().unwrap();
    let service = open(dir.path());
    let sheet = prepare(&service).await;
    let (name, decoy) = told_apart(&service, &sheet).await;
    let id = || Handle::Subject {
        subject: decoy.subject.clone().unwrap(),
    };
    let number = || Handle::Value {
        kind: Kind::MOBILE,
        value: value(&decoy, "mobile"),
    };
    let read = async |n: usize, purpose: &str, handle: Handle, view: View| {
        let answer = service.read(&reader(n), &ask(purpose, handle, view)).await;
        answer.unwrap().results
    };
    // To whom it was shown it stays, by id, by number and masked; to the other it is unknown.
    for handle in [id(), number()] {
        let again = read(0, "desk", handle.clone(), View::Plain).await;
        assert_eq!((again.len(), row(&again[0])), (1, row(&decoy)));
        let masked = read(0, "desk", handle.clone(), View::Masked).await;
        assert_eq!(masked[0].outcome, Outcome::Masked);
        assert_ne!(value(&masked[0], "mobile"), value(&decoy, "mobile"));
        let other = read(1, "desk", handle.clone(), View::Plain).await;
        assert_eq!(other[0].outcome, Outcome::Unknown);
        // A purpose that did not opt in shows it to nobody.
        let care = read(0, "care", handle, View::Plain).await;
        assert_eq!(care[0].outcome, Outcome::Unknown);
    }
    let masked = read(0, "desk", named(&name), View::Masked).await;
    assert!(masked.iter().any(|one| one.subject == decoy.subject));
    let care = read(0, "care", named(&name), View::Plain).await;
    assert!(care.iter().all(|one| one.subject != decoy.subject));
    // Nothing that concerns a person can be done to it.
    let refused = service.set_objection(&reader(0), &id(), true).await;
    assert!(matches!(refused, Err(ServiceError::NotFound("person"))));
    let invited = service.invite_person(&reader(0), &id(), "form 1").await;
    assert!(matches!(invited, Err(ServiceError::NotFound("person"))));
    // It cannot come in as a person either.
    let file = format!("姓名,手机号,地址\n{}\n", row(&decoy).join(","));
    let refused = take_in(&service, file.as_bytes()).await.unwrap_err();
    assert!(refused.contains("row 2 is a decoy"), "{refused}");
    let people = service.collections();
    assert_eq!(people[0].name, "people");

    // An investigator is told; an approver, who may be a reader, is not.
    let told = |view: &&liuhen_service::EventView| view.event.detail("decoy") == Some("shown");
    let query = EventQuery {
        limit: 1000,
        ..EventQuery::default()
    };
    let all = service.events(&Caller::local(), &query).unwrap();
    let shown = all.iter().filter(told).count();
    assert!(shown > 3, "{shown}");
    let approver = Caller {
        roles: [Role::Approver].into(),
        ..reader(0)
    };
    let query = EventQuery {
        limit: 1000,
        subject: decoy.subject.clone(),
        ..EventQuery::default()
    };
    let events = service.events(&approver, &query).unwrap();
    assert!(!events.is_empty());
    assert!(
        events
            .iter()
            .all(|view| view.event.action.name() == "read" && view.event.detail("decoy").is_none())
    );

    // It stays after a restart.
    service.close().unwrap();
    drop(service);
    let service = open(dir.path());
    let again = service
        .read(&reader(0), &ask("desk", id(), View::Plain))
        .await;
    assert_eq!(row(&again.unwrap().results[0]), row(&decoy));
    service.close().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_shows_a_decoy_unless_a_name_is_looked_up_and_something_released() {
    let dir = tempfile::tempdir().unwrap();
    let service = open(dir.path());
    let sheet = prepare(&service).await;
    let coins = || {
        let query = EventQuery {
            limit: 1000,
            action: Some("decoy".to_owned()),
            ..EventQuery::default()
        };
        service.events(&Caller::local(), &query).unwrap().len()
    };
    let all: Vec<String> = names(&sheet).into_iter().take(12).collect();
    for name in &all {
        let care = ask("care", named(name), View::Plain);
        service.read(&reader(0), &care).await.unwrap();
        let mut nothing_known = ask("desk", named(name), View::Plain);
        nothing_known.fields = vec!["person_name".to_owned()];
        service.read(&reader(0), &nothing_known).await.unwrap();
        let mut refused = ask("desk", named(name), View::Plain);
        refused.fields.push("bank_card".to_owned());
        let refused = service.read(&reader(0), &refused).await.unwrap();
        assert!(
            refused
                .results
                .iter()
                .all(|one| one.outcome == Outcome::Refused)
        );
    }
    for nobody in ["查无此人", "无名"] {
        let answer = look(&service, &reader(0), nobody).await;
        assert_eq!(answer.results[0].outcome, Outcome::Unknown);
    }
    let column = sheet.column("手机号");
    let number = Handle::Value {
        kind: Kind::MOBILE,
        value: sheet.rows[0][column].clone(),
    };
    let request = ask("desk", number, View::Plain);
    service.read(&reader(0), &request).await.unwrap();
    assert_eq!(coins(), 0);
    for name in &all {
        look(&service, &reader(0), name).await;
        look(&service, &reader(0), name).await;
    }
    assert_eq!(coins(), all.len(), "one coin for each reader and decoy");
    service.close().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_and_exports_hold_no_decoy() {
    let dir = tempfile::tempdir().unwrap();
    let service = open(dir.path());
    let sheet = prepare(&service).await;
    let (mut persons, mut decoys) = (0, 0);
    for name in names(&sheet) {
        let answer = look(&service, &reader(0), &name).await;
        decoys += invented(&answer, &sheet).len() as u64;
        persons += answer.results.len() as u64;
    }
    assert!(decoys > 10);
    let stats = service.stats(&Caller::local(), 2).unwrap();
    let mine = stats.readers.iter().find(|one| one.who == reader(0).id);
    assert_eq!(mine.unwrap().counts.iter().sum::<u64>(), persons - decoys);
    let request = liuhen_service::ExportRequest {
        purpose: "desk".to_owned(),
        collection: "people".to_owned(),
        fields: FIELDS.map(str::to_owned).to_vec(),
        recipient: "somebody".to_owned(),
        format: "csv".to_owned(),
        encoding: String::new(),
        note: String::new(),
        limit: None,
        exact: false,
        extra_canaries: None,
        expires: 9_999_999_999_999,
    };
    let asked = service.request_export(&Caller::local(), request).await;
    assert_eq!(asked.unwrap().rows, sheet.rows.len() as u64);
    service.close().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_chances_out_of_range_and_emergencies() {
    let dir = tempfile::tempdir().unwrap();
    let service = open(dir.path());
    for percent in [0, 51, 100] {
        let put = service
            .put_purpose(&Caller::local(), purpose("desk", Some(percent)))
            .await;
        assert!(matches!(put, Err(ServiceError::Invalid(_))), "{percent}");
    }
    let emergency = PurposeView {
        basis: 4,
        ..purpose("desk", Some(25))
    };
    let put = service.put_purpose(&Caller::local(), emergency).await;
    assert!(matches!(put, Err(ServiceError::Invalid(_))));
    service.close().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_durable_trace_no_name_is_answered_and_no_coin_falls() {
    let dir = tempfile::tempdir().unwrap();
    let service = open(dir.path());
    let sheet = prepare(&service).await;
    let all: Vec<String> = names(&sheet).into_iter().take(12).collect();
    // The log takes nothing more.
    service.close().unwrap();
    for name in &all {
        let request = ask("desk", named(name), View::Plain);
        assert!(service.read(&reader(0), &request).await.is_err());
    }
    drop(service);
    assert_eq!(rows_of_decoys(dir.path(), false), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_trace_and_row_changes_no_coin() {
    let dir = tempfile::tempdir().unwrap();
    let service = open(dir.path());
    let sheet = prepare(&service).await;
    let all: Vec<String> = names(&sheet).into_iter().take(30).collect();
    let look_at_all = async |service: &Service| {
        let mut seen = Vec::new();
        for name in &all {
            let answer = look(service, &reader(0), name).await;
            seen.push(answer.results.iter().map(row).collect::<Vec<_>>());
        }
        seen
    };
    let before = look_at_all(&service).await;
    service.close().unwrap();
    drop(service);
    // As after a crash: the leaves are durable, the rows that follow them are not.
    assert!(rows_of_decoys(dir.path(), true) >= 30);
    let service = open(dir.path());
    let traced = EventQuery {
        limit: 1000,
        action: Some("decoy".to_owned()),
        ..EventQuery::default()
    };
    let leaves = service.events(&Caller::local(), &traced).unwrap();
    assert_eq!(leaves.len(), 30, "what was traced is still there");
    assert_eq!(look_at_all(&service).await, before);
    service.close().unwrap();
    drop(service);
    let service = open(dir.path());
    let leaves = service.events(&Caller::local(), &traced).unwrap();
    assert_eq!(
        leaves.len(),
        60,
        "each coin was settled anew before it fell"
    );
    service.close().unwrap();
}

/// Rows in the space of decoys of a closed vault; taken away when asked.
fn rows_of_decoys(dir: &std::path::Path, take_away: bool) -> usize {
    let store = SqliteStore::open(dir.join("vault.db")).unwrap();
    let rows = store.scan(Space::Decoys, &KeyRange::all(), usize::MAX, false);
    let rows = rows.unwrap();
    if take_away {
        let mut batch = Batch::new();
        for (key, _) in &rows {
            batch.delete(Space::Decoys, key.clone());
        }
        store.write(&batch).unwrap();
    }
    rows.len()
}
