//! Measures a vault on disk: rows ingested a second, time of one look, time of an erasure.
//!
//! Corpus: invented rows of six fields, four of them indexed, identity by resident ID and by
//! mobile and name; one site with tokens. Unit: rows a second, microseconds a look.
//!
//! ```text
//! cargo run --release -p liuhen-vault --example rates -- [rows] [batch] [dir]
//! ```

#![allow(clippy::print_stdout, reason = "an example shows what it measures")]

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use liuhen_kinds::Kind;
use liuhen_vault::store::{Batch, Space, SqliteStore};
use liuhen_vault::{
    Disposal, IdentityKey, IncomingField, IncomingRow, Ingested, Resolved, RootKey, SiteId, Vault,
};

/// A row about nobody: counters spread over the space of numbers.
fn row(n: u64) -> IncomingRow {
    let spread = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let id = format!("{:018}", spread % 1_000_000_000_000_000_000);
    let (mobile, mail) = (
        format!("164{:08}", spread % 100_000_000),
        format!("u{spread:x}@example.com"),
    );
    let (card, name) = (
        format!("{:019}", spread >> 1),
        format!("虚构{}", spread % 9_973),
    );
    let field = |name: &str, kind, value: &str| IncomingField::new(name, Some(kind), value);
    IncomingRow {
        collection: "customers".to_owned(),
        fields: vec![
            field("身份证号", Kind::RESIDENT_ID, &id).indexed(id.as_str()),
            field("手机", Kind::MOBILE, &mobile).indexed(mobile.as_str()),
            field("邮箱", Kind::EMAIL, &mail).indexed(mail.as_str()),
            field("银行卡", Kind::BANK_CARD, &card).indexed(card.as_str()),
            field("姓名", Kind::PERSON_NAME, &name),
            field(
                "地址",
                Kind::ADDRESS,
                "虚构省虚构市虚构路一百二十三号四单元五〇一室",
            ),
        ],
        identity: vec![
            IdentityKey::resident_id(id),
            IdentityKey::mobile_and_name(mobile, name),
        ],
    }
}

fn open(dir: &Path) -> Result<Vault, Box<dyn Error>> {
    let records = Arc::new(SqliteStore::open(dir.join("vault.db"))?);
    let keys = Arc::new(SqliteStore::open(dir.join("keys.db"))?);
    Ok(Vault::open(
        records,
        keys,
        RootKey::from_bytes([7; 32]),
        "bench",
    )?)
}

fn ingest(
    vault: &Vault,
    site: &SiteId,
    rows: u64,
    batch: u64,
) -> Result<Vec<Ingested>, Box<dyn Error>> {
    let mut sample = Vec::new();
    let (start, mut lap, mut spent) = (Instant::now(), Instant::now(), 0.0);
    for first in (0..rows).step_by(usize::try_from(batch)?) {
        let incoming: Vec<_> = (first..rows.min(first + batch)).map(row).collect();
        let mut also = Batch::new();
        also.put(Space::Jobs, *b"job", first.to_be_bytes());
        let inside = Instant::now();
        let done = vault.ingest(&incoming, Some(site), also)?;
        spent += inside.elapsed().as_secs_f64();
        sample.extend(done.into_iter().step_by(37));
        if (first + batch).is_multiple_of(100_000) {
            println!(
                "{:>9} rows, last 100,000 at {:>6.0} rows/s",
                first + batch,
                1e5 / lap.elapsed().as_secs_f64()
            );
            lap = Instant::now();
        }
    }
    let total = start.elapsed().as_secs_f64();
    println!(
        "ingest: {:.0} rows/s inside the vault, {:.0} with making the rows ({total:.1} s)",
        rows as f64 / spent,
        rows as f64 / total
    );
    Ok(sample)
}

fn look(
    vault: &Vault,
    site: &SiteId,
    sample: &[Ingested],
    what: &str,
) -> Result<(), Box<dyn Error>> {
    let mut times = Vec::with_capacity(sample.len());
    for one in sample {
        let token = one.token.as_ref().ok_or("a token")?.to_string();
        let start = Instant::now();
        let Resolved::Subject(subject) = vault.resolve_token(site, &token)? else {
            return Err("the token leads nowhere".into());
        };
        let fields = vault.open_fields(&subject, "customers", &["手机", "姓名", "地址"])?;
        times.push(start.elapsed().as_nanos());
        assert_eq!(fields.len(), 3);
    }
    report(what, times);
    Ok(())
}

fn report(what: &str, mut times: Vec<u128>) {
    times.sort_unstable();
    let at = |part: usize| times[(times.len() - 1) * part / 1000] as f64 / 1e3;
    println!(
        "{what}: median {:.1} µs, p99 {:.1} µs, p99.9 {:.1} µs ({} times)",
        at(500),
        at(990),
        at(999),
        times.len()
    );
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let rows: u64 = args.next().map_or(Ok(200_000), |text| text.parse())?;
    let batch: u64 = args.next().map_or(Ok(4_000), |text| text.parse())?;
    let kept = args.next();
    let temporary = tempfile::tempdir()?;
    let dir = kept.as_deref().map_or(temporary.path(), Path::new);
    let vault = open(dir)?;
    let site: SiteId = "shop".parse()?;
    let sample = ingest(&vault, &site, rows, batch)?;
    drop(vault);
    let start = Instant::now();
    let vault = open(dir)?;
    println!("open again: {:.1} ms", start.elapsed().as_secs_f64() * 1e3);
    look(
        &vault,
        &site,
        &sample,
        "token to 3 fields, keys to be unwrapped",
    )?;
    let warm: Vec<_> = sample.iter().take(2_000).cloned().collect();
    look(&vault, &site, &warm, "token to 3 fields, warming")?;
    look(&vault, &site, &warm, "token to 3 fields, keys at hand")?;
    let mut times = Vec::new();
    for n in (0..rows).step_by(41) {
        let row = row(n);
        let start = Instant::now();
        let found = vault.find(Some(Kind::EMAIL), &row.fields[2].value)?;
        times.push(start.elapsed().as_nanos());
        assert_eq!(found.len(), 1);
    }
    report("exact value to subject", times);
    let again: Vec<_> = (0..batch.min(rows)).map(row).collect();
    let start = Instant::now();
    let done = vault.ingest(&again, Some(&site), Batch::new())?;
    assert!(done.iter().all(|one| !one.created && !one.changed));
    println!(
        "the same rows again: {:.0} rows/s",
        done.len() as f64 / start.elapsed().as_secs_f64()
    );
    let mut times = Vec::new();
    for one in sample.iter().take(20) {
        let start = Instant::now();
        let why = Disposal {
            reason: "measured",
            approver: "nobody",
            at: 0,
        };
        vault.erase(&one.subject, why, Batch::new())?;
        times.push(start.elapsed().as_nanos());
    }
    report("erase", times);
    println!("files: {} MB", vault.store().size()? / 1_000_000);
    Ok(())
}
