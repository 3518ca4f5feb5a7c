//! A trace among its parties, each a program of its own: the vault, three witnesses, a person, an auditor.
//!
//! Nobody lies here; who does is met in `trace_lies.rs`. What fails are witnesses, and the vault goes on.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests stop where something is wrong"
)]

#[path = "world/parties.rs"]
mod parties;
mod world;

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use liuhen_service::{Caller, ExportRequest, Handle, PersonInvite, PurposeView, Service, Surety};
use liuhen_testkit::{Api, Encoding, Form, Server, Sheet, people};
use liuhen_tlog::{Policy, SignedCheckpoint, Verifier};
use parties::{Portal, Witness, ends, json as told, metric, policy, size_in, text, three, until};
use serde_json::{Value, json};
use tempfile::TempDir;

const BIN: &str = parties::BIN;

/// How many persons the vault holds: more than the entries of one bundle, once each was read.
const PERSONS: usize = 260;
/// The one whose trace is followed.
const SHE: usize = 7;

/// A vault on disk that nobody serves yet.
struct Vault {
    dir: TempDir,
    sheet: Sheet,
    /// Reads as the shop.
    key: String,
    vkey: String,
    invite: PersonInvite,
}

impl Vault {
    fn new(seed: u64, persons: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let sheet = people(seed, persons);
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let (key, vkey, invite) = runtime.block_on(async {
            let service = world::open(&dir.path().join("data"));
            let key = world::prepare(&service).await;
            sworn(&service).await;
            world::start_import(&service, &sheet.delimited(Form::csv(Encoding::Utf8))).await;
            world::settle(&service).await;
            export(&service).await;
            let her = Handle::Value {
                kind: liuhen_kinds::Kind::MOBILE,
                value: mobile(&sheet, SHE).to_owned(),
            };
            let caller = Caller::local();
            let invite = service.invite_person(&caller, &her, "card seen");
            let invite = invite.await.unwrap();
            let vkey = service.log_vkey();
            service.close().unwrap();
            (key, vkey, invite)
        });
        Self {
            dir,
            sheet,
            key,
            vkey,
            invite,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Starts three witnesses, of whom two are needed, and the vault.
    fn serve(&self) -> World<'_> {
        let witnesses = three(self.dir.path(), &self.vkey);
        fs::write(self.path("data/witnesses"), policy(&witnesses, 2)).unwrap();
        let metrics = free_address();
        let server = Server::plan(BIN)
            .data(self.path("data"))
            .arg("--metrics")
            .arg(&metrics)
            .start();
        let api = Api::new(server.url()).with_key(&self.key);
        let shown = api.get("/witness-policy").expect_status(200).text();
        let portal = Portal::enter(server.url(), &self.invite.link_secret, &self.invite.code);
        let (status, kept) = portal.get("/me/key");
        assert_eq!(status, 200, "her key file");
        assert!(kept.ends_with(&shown), "with the witnesses as they are");
        let key_file = self.write("her-key.txt", &kept);
        self.write("looks-now.txt", &kept);
        World {
            vault: self,
            witnesses,
            server,
            api,
            metrics: format!("http://{metrics}"),
            portal,
            key_file,
            policy: self.write("policy.txt", &shown),
        }
    }
}

/// The vault served, and all who have to do with its trace.
struct World<'a> {
    vault: &'a Vault,
    witnesses: [Witness; 3],
    server: Server,
    api: Api,
    metrics: String,
    /// Her visit.
    portal: Portal,
    key_file: String,
    policy: String,
}

impl World<'_> {
    /// Reads one person's number; the index of the leaf.
    fn read(&self, row: usize) -> u64 {
        let body = world::read_of(mobile(&self.vault.sheet, row), "masked");
        let answer = self
            .api
            .send("POST", "/v1/reads", Some("application/json"), body);
        let answer = answer.unwrap().expect_status(200).json();
        world::receipt_in(&answer).0
    }

    /// Reads everybody once, in one call; the highest index.
    fn read_all(&self) -> u64 {
        let sheet = &self.vault.sheet;
        let subjects: Vec<_> = (0..sheet.rows.len())
            .map(|row| json!({"kind": "mobile", "value": mobile(sheet, row)}))
            .collect();
        let mut last = 0;
        for part in subjects.chunks(50) {
            let ask = json!({
                "purpose": "care", "fields": ["mobile"], "view": "masked",
                "collection": world::COLLECTION, "subjects": part,
            });
            let answer = self.api.post("/v1/reads", &ask).expect_status(200).json();
            for result in answer["results"].as_array().unwrap() {
                last = last.max(result["receipt"]["index"].as_u64().unwrap());
            }
        }
        last
    }

    fn checkpoint(&self) -> String {
        self.api.get("/checkpoint").expect_status(200).text()
    }

    /// The names of those who confirmed what is shown, by the rule that others would use.
    fn confirmed_by(&self, checkpoint: &str) -> usize {
        let log = Verifier::parse(&self.vault.vkey).unwrap();
        let signed = SignedCheckpoint::verify(checkpoint.as_bytes(), &log).unwrap();
        let policy = Policy::parse(&fs::read(&self.policy).unwrap()).unwrap();
        policy.check(&signed).unwrap().cosigned.len()
    }

    /// Waits until so many witnesses confirmed a tree with this entry.
    fn await_cosigned(&self, index: u64, by: usize) {
        until("a cosigned checkpoint", || {
            let shown = self.checkpoint();
            (size_in(&shown) > index && self.confirmed_by(&shown) >= by).then_some(())
        });
    }

    /// Waits until she would be shown so many looks, confirmed by so many; with a key file of its own, so that nothing is remembered for the other.
    fn await_looks(&self, looks: u64, by: usize) -> Value {
        let file = self.vault.path("looks-now.txt");
        until("her looks", || {
            let output = parties::liuhen(&["verify", "mine", text(&file), "--json"]);
            let shown: Value = serde_json::from_slice(&output.stdout).ok()?;
            let cosigned = shown["cosigned"].as_array().map_or(0, Vec::len);
            (shown["looks"] == looks && cosigned >= by).then_some(shown)
        })
    }

    fn mine(&self, more: &[&str], code: i32, says: &str) -> String {
        let args = [&["verify", "mine", &self.key_file, "--lang", "en"], more].concat();
        ends(&args, code, says)
    }
}

fn mobile(sheet: &Sheet, row: usize) -> &str {
    &sheet.rows[row][sheet.column("手机号")]
}

/// A purpose whose reads must be witnessed before a value leaves.
async fn sworn(service: &std::sync::Arc<Service>) {
    let purpose = PurposeView {
        id: "sworn".to_owned(),
        name_zh: "见证".to_owned(),
        name_en: "sworn".to_owned(),
        basis: 2,
        fields: world::FIELDS.map(ToOwned::to_owned).to_vec(),
        retention_days: 365,
        notice: "notice".to_owned(),
        notice_hash: String::new(),
        marketing: false,
        surety: Surety::Witnessed,
        decoy_percent: None,
        face_alternative: None,
        version: 0,
        updated: 0,
    };
    service
        .put_purpose(&Caller::local(), purpose)
        .await
        .unwrap();
}

/// Everybody leaves in one file, approved by a second person.
async fn export(service: &std::sync::Arc<Service>) {
    let request = ExportRequest {
        recipient: "courier".to_owned(),
        purpose: "care".to_owned(),
        collection: world::COLLECTION.to_owned(),
        fields: vec!["person_name".to_owned(), "mobile".to_owned()],
        limit: None,
        format: "csv".to_owned(),
        encoding: "utf-8".to_owned(),
        exact: false,
        extra_canaries: None,
        expires: i64::MAX / 2,
        note: String::new(),
    };
    let first = Caller::local();
    let second = Caller {
        id: "staff:second".to_owned(),
        display: "second person".to_owned(),
        ..Caller::local()
    };
    let asked = service.request_export(&first, request).await.unwrap();
    service
        .decide_export(&second, &asked.id, true)
        .await
        .unwrap();
    service.export_file(&first, &asked.id).await.unwrap();
}

/// An address that was free a moment ago.
fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

/// Lines that show an entry.
fn shown_entries(said: &str) -> usize {
    said.lines().filter(|line| line.starts_with('#')).count()
}

#[test]
fn a_person_and_an_auditor_check_what_three_witnesses_confirm() {
    let vault = Vault::new(51, PERSONS);
    let mut world = vault.serve();
    let last = world.read_all();
    for _ in 0..3 {
        world.read(SHE);
    }
    world.await_cosigned(last, 2);
    let newest = world.api.get("/checkpoint/newest").expect_status(200);
    assert_eq!(world.confirmed_by(&newest.text()), 0, "the log's own alone");

    a_person_checks(&world);
    an_auditor_checks(&world);
    witnesses_come_and_go(&mut world);
    a_second_server_is_refused(&world);
    she_cancels(&world);
    let data = world.server.data().to_owned();
    assert!(world.server.stop().success());
    nothing_leads_to_her(&vault, &data);
}

/// Four reads and an export: five looks, among her other entries.
fn a_person_checks(world: &World<'_>) {
    let shown = world.await_looks(5, 3);
    assert_eq!(
        (&shown["sound"], &shown["quorum"]),
        (&true.into(), &true.into())
    );
    let first = world.mine(&[], 0, "You were looked at 5 times");
    assert!(first.contains("confirmed by 3 of 3 witnesses"), "{first}");
    assert!(
        first.contains("export/plain"),
        "the export is hers too: {first}"
    );
    let entries = shown["entries"].as_u64().unwrap();
    assert_eq!(shown_entries(&first) as u64, entries, "{first}");
    let again = world.mine(&[], 0, "confirmed by 3 of 3 witnesses");
    assert_eq!(shown_entries(&again), 0, "{again}");

    world.read(SHE);
    world.await_looks(6, 3);
    let third = world.mine(&[], 0, "You were looked at 6 times");
    assert_eq!(shown_entries(&third), 1, "only what is new: {third}");
    let zh = ["verify", "mine", &world.key_file, "--lang", "zh", "--all"];
    let zh = ends(&zh, 0, "您的信息被查看过 6 次");
    assert!(zh.contains("3 位见证人中有 3 位确认"), "{zh}");
    assert_eq!(shown_entries(&zh) as u64, entries + 1, "{zh}");
}

/// The second audit reads what is new, and a bundle that was not full.
fn an_auditor_checks(world: &World<'_>) {
    let state = world.vault.path("audit");
    let url = world.server.url();
    let ask = [
        "verify",
        "log",
        url,
        "--policy",
        &world.policy,
        "--state",
        text(&state),
    ];
    let first = told(&ask, 0);
    let size = first["entries"].as_u64().unwrap();
    assert!(size > 256 && first["read"] == size, "{first}");
    assert!(first["found"]["map_roots"].as_u64() >= Some(1), "{first}");
    assert!(first["witnesses"]["cosigned"].as_array().unwrap().len() >= 2);
    let index = world.read(1);
    world.await_cosigned(index, 2);
    let second = told(&ask, 0);
    let grown = second["entries"].as_u64().unwrap();
    assert!(grown > size, "{second}");
    let read = second["read"].as_u64().unwrap();
    assert!(
        read >= grown - size && read <= grown - size + 255,
        "{second}"
    );
    assert!(
        second["earlier_checkpoints"].as_u64() >= Some(1),
        "{second}"
    );
}

fn witnesses_come_and_go(world: &mut World<'_>) {
    world.witnesses[2].kill();
    world.read(SHE);
    world.await_looks(7, 2);
    world.mine(&[], 0, "confirmed by 2 of 3 witnesses");

    world.witnesses[1].kill();
    let shown = world.checkpoint();
    let failures = metric(&world.metrics, "liuhen_witness_failures_total");
    let index = world.read(SHE);
    until("failures of the two", || {
        let now = metric(&world.metrics, "liuhen_witness_failures_total");
        (now >= failures + 2.0).then_some(())
    });
    assert_eq!(world.checkpoint(), shown, "no quorum, no newer checkpoint");
    assert!(metric(&world.metrics, "liuhen_log_cosigned_size") <= index as f64);
    let newest = world
        .api
        .get("/checkpoint/newest")
        .expect_status(200)
        .text();
    assert!(size_in(&newest) > size_in(&shown));
    world.read(2);
    // Whoever demands all three is told that this is not confirmed.
    let demanding = policy(&world.witnesses, 3);
    let demanding = format!("log {}\n{demanding}", world.vault.vkey);
    let demanding = world.vault.write("all-three.txt", &demanding);
    world.mine(&["--policy", &demanding], 5, "NOT confirmed");

    world.witnesses[1].again();
    world.witnesses[2].again();
    world.await_cosigned(index, 3);
    world.await_looks(8, 3);
    world.mine(
        &["--policy", &demanding],
        0,
        "confirmed by 3 of 3 witnesses",
    );
}

fn a_second_server_is_refused(world: &World<'_>) {
    let dir = text(world.server.data());
    ends(
        &["serve", "--dir", dir, "--listen", "127.0.0.1:0"],
        6,
        "held by process",
    );
    world.read(3);
}

/// Her keys are gone, the log is as before; only the key that she keeps opens her leaves.
fn she_cancels(world: &World<'_>) {
    let page = world.portal.cancel();
    assert!(page.contains("dl class=\"figures\""), "{page}");
    assert_ne!(world.portal.get("/me").0, 200, "her visit is over");
    let body = world::read_of(mobile(&world.vault.sheet, SHE), "masked");
    let after = world
        .api
        .send("POST", "/v1/reads", Some("application/json"), body);
    let after = after.unwrap().expect_status(200).json();
    assert_eq!(after["results"][0]["outcome"], "unknown", "{after}");
    let (index, _) = world::receipt_in(&after);
    world.await_cosigned(index, 3);
    // Her visit and the erasure are the last under her labels.
    let erased = until("the erasure", || {
        let said = world.mine(&["--all"], 0, "confirmed by 3 of 3 witnesses");
        said.contains("erasure/done").then_some(said)
    });
    assert!(erased.contains("You were looked at 8 times"), "{erased}");
    let state = world.vault.path("audit");
    let url = world.server.url();
    let ask = [
        "verify",
        "log",
        url,
        "--policy",
        &world.policy,
        "--state",
        text(&state),
    ];
    assert_eq!(told(&ask, 0)["sound"], true);
}

fn nothing_leads_to_her(vault: &Vault, data: &Path) {
    ends(
        &["verify", text(data), "--vkey", &vault.vkey],
        0,
        "signed by",
    );
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let service = world::open(data);
        let her = Handle::Value {
            kind: liuhen_kinds::Kind::MOBILE,
            value: mobile(&vault.sheet, SHE).to_owned(),
        };
        let desk = Caller::local();
        let invited = service.invite_person(&desk, &her, "card seen");
        assert_eq!(invited.await.unwrap_err().code(), "not_found");
        service.close().unwrap();
    });
    let kept = fs::read_to_string(vault.path("her-key.txt")).unwrap();
    let hex = kept.lines().nth(1).unwrap();
    let hex = hex.strip_prefix("key ").unwrap();
    let raw = data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap();
    for name in ["vault.db", "keys.db"] {
        let bytes = fs::read(data.join(name)).unwrap();
        for needle in [hex.as_bytes(), &raw] {
            let found = bytes.windows(needle.len()).any(|window| window == needle);
            assert!(!found, "her trace key is in {name}");
        }
    }
}

#[test]
fn a_value_that_must_be_witnessed_does_not_leave_without_witnesses() {
    let vault = Vault::new(52, 12);
    let mut world = vault.serve();
    let ask = json!({
        "purpose": "sworn", "fields": ["mobile"], "view": "plain",
        "collection": world::COLLECTION,
        "subjects": [{"kind": "mobile", "value": mobile(&vault.sheet, SHE)}],
    });
    let answer = world.api.post("/v1/reads", &ask).expect_status(200).json();
    let (index, _) = world::receipt_in(&answer);
    // The leaf lay under a quorum when the value left.
    let shown = world.checkpoint();
    assert!(size_in(&shown) > index && world.confirmed_by(&shown) >= 2);

    world.witnesses[0].kill();
    world.witnesses[1].kill();
    let refused = world.api.post("/v1/reads", &ask).expect_status(503);
    assert_eq!(refused.json()["code"], "not_witnessed");
    assert!(!refused.text().contains(mobile(&vault.sheet, SHE)));
    assert!(refused.json().get("results").is_none());
    // Purposes that demand less are answered meanwhile.
    world.read(SHE);
    world.witnesses[0].again();
    until("witnesses are heard again", || {
        let answer = world.api.post("/v1/reads", &ask);
        (answer.status == 200).then_some(())
    });
}
