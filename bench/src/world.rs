//! What every measurement needs: a folder, the program, a purpose, people imported.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use liuhen_service::{Caller, ImportPlan, ImportState, PlanColumn, PurposeView, Service};

pub(crate) fn program() -> PathBuf {
    std::env::var_os("LIUHEN_BIN")
        .map_or_else(|| PathBuf::from("target/release/liuhen"), PathBuf::from)
}

/// A folder on the disk of the working directory, not in a temporary file system.
pub(crate) fn folder() -> Result<tempfile::TempDir> {
    Ok(tempfile::Builder::new()
        .prefix("liuhen-bench-")
        .tempdir_in(".")?)
}

pub(crate) fn purpose(fields: Vec<String>) -> PurposeView {
    PurposeView {
        id: "care".to_owned(),
        name_zh: "诊疗".to_owned(),
        name_en: "care".to_owned(),
        basis: 2,
        fields,
        retention_days: 3650,
        notice: String::new(),
        notice_hash: String::new(),
        marketing: false,
        surety: liuhen_service::Surety::Durable,
        decoy_percent: None,
        face_alternative: None,
        version: 0,
        updated: 0,
    }
}

/// Uploads a file and imports it to the end; answers id and seconds.
pub(crate) async fn import_file(service: &Arc<Service>, bytes: &[u8]) -> Result<(String, f64)> {
    let caller = Caller::local();
    let mut upload = service.upload()?;
    upload.write_all(bytes)?;
    let id = upload.finish_import(&caller, "people.csv")?;
    let preview = service.import_preview(&caller, &id, None, None)?;
    let columns = preview.columns.iter().map(|column| PlanColumn {
        index: column.index,
        field: column.field.clone(),
        kind: column.kind,
        keep: true,
    });
    let plan = ImportPlan {
        collection: "people".to_owned(),
        site: Some("shop".to_owned()),
        sheet: None,
        has_header: preview.has_header,
        columns: columns.collect(),
    };
    let begun = Instant::now();
    service.import_start(&caller, &id, plan).await?;
    loop {
        let status = service.import_status(&caller, &id)?;
        match status.state {
            ImportState::Done => return Ok((id, begun.elapsed().as_secs_f64())),
            ImportState::Failed => bail!("the import failed: {}", status.error.unwrap_or_default()),
            _ => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}
