//! What several tests of the service begin with: purposes, imports, examinations.

#![allow(dead_code, reason = "each test file uses its part")]
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a helper that fails is a failed test"
)]

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use liuhen_service::{
    Caller, ImportPlan, ImportState, LeakState, LeakView, PlanColumn, PurposeView, Service, Surety,
};

/// Somebody else than [`Caller::local`], who may approve what that one asked for.
pub(crate) fn second_person() -> Caller {
    Caller {
        id: "staff:second".to_owned(),
        display: "second person".to_owned(),
        ..Caller::local()
    }
}

/// A purpose as one is put first, on a legal basis of PIPL 13(1) by its number.
pub(crate) fn purpose(id: &str, basis: u8, fields: &[&str]) -> PurposeView {
    PurposeView {
        id: id.to_owned(),
        name_zh: format!("用途{id}"),
        name_en: format!("purpose {id}"),
        basis,
        fields: fields.iter().map(|field| (*field).to_owned()).collect(),
        retention_days: 365,
        notice: "notice".to_owned(),
        notice_hash: String::new(),
        marketing: false,
        surety: Surety::Durable,
        decoy_percent: None,
        face_alternative: None,
        version: 0,
        updated: 0,
    }
}

/// Starts an import as its preview proposes it, for a site or none; answers its id.
pub(crate) async fn start_import(
    service: &Arc<Service>,
    bytes: &[u8],
    collection: &str,
    site: Option<&str>,
) -> String {
    let caller = Caller::local();
    let mut upload = service.upload().expect("upload");
    upload.write_all(bytes).expect("writes");
    let id = upload.finish_import(&caller, "list.csv").expect("finishes");
    let preview = service
        .import_preview(&caller, &id, None, None)
        .expect("preview");
    let columns = preview.columns.iter().map(|column| PlanColumn {
        index: column.index,
        field: column.field.clone(),
        kind: column.kind,
        keep: true,
    });
    let plan = ImportPlan {
        collection: collection.to_owned(),
        site: site.map(ToOwned::to_owned),
        sheet: preview.sheet,
        has_header: preview.has_header,
        columns: columns.collect(),
    };
    service
        .import_start(&caller, &id, plan)
        .await
        .expect("starts");
    id
}

/// Imports to the end; answers the id, or why it failed.
pub(crate) async fn import(
    service: &Arc<Service>,
    bytes: &[u8],
    collection: &str,
    site: Option<&str>,
) -> Result<String, String> {
    let id = start_import(service, bytes, collection, site).await;
    for _ in 0..1200 {
        let status = service
            .import_status(&Caller::local(), &id)
            .expect("status");
        match status.state {
            ImportState::Done => return Ok(id),
            ImportState::Failed => return Err(status.error.unwrap_or_default()),
            _ => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    panic!("the import never ended");
}

/// Examines a leak to the end.
pub(crate) async fn examine(service: &Arc<Service>, name: &str, bytes: &[u8]) -> LeakView {
    examine_at(service, name, bytes, None).await
}

/// Examines a leak to the end, at a bound of one's own.
pub(crate) async fn examine_at(
    service: &Arc<Service>,
    name: &str,
    bytes: &[u8],
    epsilon: Option<f64>,
) -> LeakView {
    let caller = Caller::local();
    let mut upload = service.upload().expect("upload");
    upload.write_all(bytes).expect("writes");
    let id = service
        .start_leak(&caller, upload, name, epsilon)
        .await
        .expect("starts");
    for _ in 0..2400 {
        let view = service.leak(&caller, &id).expect("leak");
        match view.state {
            LeakState::Done => return view,
            LeakState::Failed => panic!("examination failed: {:?}", view.error),
            LeakState::Running => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    panic!("the examination never ended");
}
