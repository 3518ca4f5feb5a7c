//! A vault made through `service`, for tests that then run the program on its folder.

// Each test binary uses a part of this.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test binary uses a part of this"
)]

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use liuhen_service::{
    Caller, Config, ImportPlan, ImportState, PlanColumn, PurposeView, Role, Service,
};

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
