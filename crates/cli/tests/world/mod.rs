//! A vault made through `service`, for tests that then run the program on its folder.

// Each test binary uses a part of this.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test binary uses a part of this"
)]

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use liuhen_service::{
    Caller, Config, ImportPlan, ImportState, PlanColumn, PurposeView, Role, Service,
};

use serde_json::{Value, json};

pub const COLLECTION: &str = "people";

pub const FIELDS: [&str; 8] = [
    "person_name",
    "resident_id",
    "mobile",
    "email",
    "bank_card",
    "address",
    "plate",
    "date_of_birth",
];

pub fn open(dir: &Path) -> Arc<Service> {
    Service::open(&Config::in_dir(dir)).expect("the vault opens")
}

/// A site, a purpose and an API key with every role a program may have.
pub async fn prepare(service: &Arc<Service>) -> String {
    let caller = Caller::local();
    service
        .put_site(&caller, "shop", "a shop")
        .await
        .expect("site");
    let purpose = PurposeView {
        id: "care".to_owned(),
        name_zh: "诊疗".to_owned(),
        name_en: "care".to_owned(),
        basis: 2,
        fields: FIELDS.map(ToOwned::to_owned).to_vec(),
        retention_days: 3650,
        notice: "notice".to_owned(),
        notice_hash: String::new(),
        marketing: false,
        surety: Default::default(),
        decoy_percent: None,
        face_alternative: None,
        version: 0,
        updated: 0,
    };
    service
        .put_purpose(&caller, purpose)
        .await
        .expect("purpose");
    let roles = [Role::Reader, Role::Importer];
    let (_, secret) = service
        .create_api_key(&caller, "test", &roles, Some("shop"))
        .await
        .expect("key");
    secret
}

/// Uploads a file and starts its import as guessed.
pub async fn start_import(service: &Arc<Service>, bytes: &[u8]) -> String {
    let caller = Caller::local();
    let mut upload = service.upload().expect("upload");
    upload.write_all(bytes).expect("writes");
    let id = upload
        .finish_import(&caller, "people.csv")
        .expect("finishes");
    let preview = service
        .import_preview(&caller, &id, None, None)
        .expect("preview");
    let column = |column: &liuhen_service::PreviewColumn| PlanColumn {
        index: column.index,
        field: column.field.clone(),
        kind: column.kind,
        keep: true,
    };
    let plan = ImportPlan {
        collection: COLLECTION.to_owned(),
        site: Some("shop".to_owned()),
        sheet: preview.sheet.clone(),
        has_header: preview.has_header,
        columns: preview.columns.iter().map(column).collect(),
    };
    service
        .import_start(&caller, &id, plan)
        .await
        .expect("starts");
    id
}

/// Waits until every import is done.
pub async fn settle(service: &Arc<Service>) {
    let begun = Instant::now();
    loop {
        let imports = service.imports(&Caller::local()).expect("imports");
        assert!(
            imports.iter().all(|one| one.state != ImportState::Failed),
            "{imports:?}"
        );
        if imports.iter().all(|one| one.state == ImportState::Done) {
            return;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(300),
            "imports never end: {imports:?}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The body of a read of one person's mobile number, found by that number.
pub fn read_of(mobile: &str, view: &str) -> Vec<u8> {
    let ask = json!({
        "purpose": "care", "fields": ["mobile"], "view": view, "collection": COLLECTION,
        "subjects": [{"kind": "mobile", "value": mobile}],
    });
    serde_json::to_vec(&ask).expect("JSON")
}

/// Index and leaf hash of answered reads.
pub type Receipts = BTreeMap<u64, String>;

/// Index and leaf hash in the answer to [`read_of`].
pub fn receipt_in(answer: &Value) -> (u64, String) {
    let receipt = &answer["results"][0]["receipt"];
    let hash = receipt["leaf_hash"].as_str().expect("a hash");
    (
        receipt["index"].as_u64().expect("an index"),
        hash.to_owned(),
    )
}

/// Demands that the vault in `dir` opens, holds the leaf of every receipt, and has a log that verifies; answers how many leaves there are.
pub fn holds_all(dir: &Path, receipts: &Receipts) -> u64 {
    // Closing writes the checkpoint under which the proofs are then asked for.
    open(dir).close().expect("closes");
    let service = open(dir);
    for (index, hash) in receipts {
        let proof = service.proof(*index).expect("the leaf is in the log");
        assert_eq!(proof.leaf_hash, *hash, "leaf {index}");
    }
    service.close().expect("closes");
    let report = liuhen_service::verify_log_dir(&dir.join("log"), None, |_| {}).expect("a log");
    assert!(report.is_sound(), "{report:?}");
    report.entries
}
