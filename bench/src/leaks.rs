//! Leads leaked parts of exports back: all exports of one collection to many recipients, then the program's own `trace`.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use liuhen_service::{Caller, Config, ExportRequest, Service};
use liuhen_testkit::{Encoding, Form, Sheet, people};

use crate::world::{folder, import_file, program, purpose};

const FIELDS: [&str; 4] = ["person_name", "resident_id", "mobile", "address"];

/// Share of the rows that turns up.
const SHARE: f64 = 0.05;

/// How many leaks of a single recipient are tried.
const TRIES: usize = 20;

pub(crate) async fn run(recipients: usize, rows: usize) -> Result<()> {
    let dir = folder()?;
    let data = dir.path().join("data");
    let sheet = people(1, rows);
    let service = Service::open(&Config::in_dir(&data))?;
    let caller = Caller::local();
    service.put_site(&caller, "shop", "a shop").await?;
    service
        .put_purpose(&caller, purpose(FIELDS.map(ToOwned::to_owned).to_vec()))
        .await?;
    import_file(&service, &sheet.delimited(Form::csv(Encoding::Utf8))).await?;
    let begun = Instant::now();
    let mut copies = Vec::with_capacity(recipients);
    for recipient in 0..recipients {
        copies.push(issue(&service, &name(recipient)).await?);
    }
    println!(
        "{recipients} exports of {rows} rows and {} fields: {:.1} s each",
        FIELDS.len(),
        begun.elapsed().as_secs_f64() / recipients as f64
    );
    service.close()?;

    let mut right = 0;
    for turn in 0..TRIES {
        let leaker = (turn * 37 + 11) % recipients;
        let leak = copies[leaker]
            .subset(SHARE, turn as u64)
            .shuffled(turn as u64);
        let accused = trace(&data, dir.path(), &leak)?;
        right += usize::from(accused == [name(leaker)]);
        if accused != [name(leaker)] {
            println!("leak {turn} of {}: accused {accused:?}", name(leaker));
        }
    }
    println!("{SHARE:.0e} of one copy: right {right} of {TRIES}");

    let (one, two) = (3 % recipients, 58 % recipients);
    let merged = Sheet::merged(&[&copies[one], &copies[two]], &copies[one].header[1], 7);
    let mut accused = trace(&data, dir.path(), &merged)?;
    accused.sort();
    println!(
        "two whole copies merged cell by cell: accused {accused:?} of {} and {}",
        name(one),
        name(two)
    );
    let parts = Sheet::merged(
        &[&copies[one].subset(SHARE, 8), &copies[two].subset(SHARE, 9)],
        &copies[one].header[1],
        7,
    );
    let mut accused_parts = trace(&data, dir.path(), &parts)?;
    accused_parts.sort();
    println!("5% of each of two copies, merged: accused {accused_parts:?}");

    let own = trace(&data, dir.path(), &sheet)?;
    let foreign = trace(&data, dir.path(), &people(99, rows))?;
    println!("the people before they came in: accused {own:?}; strangers: accused {foreign:?}");
    let both = [name(one), name(two)];
    if right < TRIES || accused != both || !own.is_empty() || !foreign.is_empty() {
        bail!("somebody was missed, or somebody innocent accused");
    }
    Ok(())
}

fn name(recipient: usize) -> String {
    format!("recipient {recipient:03}")
}

/// One export, approved by a second person, as its recipient gets it.
async fn issue(service: &Arc<Service>, recipient: &str) -> Result<Sheet> {
    let request = ExportRequest {
        recipient: recipient.to_owned(),
        purpose: "care".to_owned(),
        collection: "people".to_owned(),
        fields: FIELDS.map(ToOwned::to_owned).to_vec(),
        limit: None,
        format: "csv".to_owned(),
        encoding: "utf-8".to_owned(),
        exact: false,
        extra_canaries: None,
        expires: i64::MAX / 2,
        note: String::new(),
    };
    let second = Caller {
        id: "staff:second".to_owned(),
        ..Caller::local()
    };
    let asked = service.request_export(&Caller::local(), request).await?;
    let made = service.decide_export(&second, &asked.id, true).await?;
    let mut file = service.export_file(&Caller::local(), &made.id).await?;
    let mut text = String::new();
    file.reader.read_to_string(&mut text)?;
    Ok(Sheet::parse(&text))
}

/// Whom the program accuses.
fn trace(data: &Path, dir: &Path, leak: &Sheet) -> Result<Vec<String>> {
    let path = dir.join("leak.csv");
    std::fs::File::create(&path)?.write_all(&leak.delimited(Form::csv(Encoding::Gb18030)))?;
    let begun = Instant::now();
    let output = Command::new(program())
        .args(["trace", "--json", "--dir"])
        .arg(data)
        .arg(&path)
        .output()?;
    let told: serde_json::Value = serde_json::from_slice(&output.stdout)
        .with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
    println!(
        "  {} rows, {} marks, {} copies compared: {:.1} s",
        told["rows"],
        told["marks"],
        told["copies_examined"],
        begun.elapsed().as_secs_f64()
    );
    let copies = told["copies"].as_array().context("no copies")?;
    let accused = copies.iter().filter(|copy| copy["accused"] == true);
    Ok(accused
        .filter_map(|copy| Some(copy["recipient"].as_str()?.to_owned()))
        .collect())
}
