//! Measures the program as its users meet it: over HTTP on loopback, every flush to disk on.
//!
//! `reads`: durable traced reads a second at 1, 64, 256 and 1,024 keep-alive clients, beside what the same disk gives in the same run to bare group commit (one write and one fdatasync for as many records as there are clients).
//! `import ROWS`: rows a second and peak memory of an import of invented people.
//! The program measured is `target/release/liuhen`, or whatever `LIUHEN_BIN` names.

#![allow(clippy::print_stdout, reason = "a bench prints its table")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use liuhen_service::{
    Caller, Config, ImportPlan, ImportState, PlanColumn, PurposeView, Role, Service,
};
use liuhen_testkit::{Encoding, Form, Server, people};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Persons who are read.
const PERSONS: usize = 2000;

/// How long each number of clients is measured, after a second of warming up.
const SECONDS: u64 = 8;

/// Bytes of a record of the bare log: about what a traced read writes.
const RECORD: usize = 900;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Runtime::new()?;
    match arguments.first().map(String::as_str) {
        Some("reads") => reads(&runtime),
        Some("import") => {
            let rows = arguments.get(1).context("say how many rows")?.parse()?;
            runtime.block_on(import(rows))
        }
        _ => bail!("usage: liuhen-bench reads | import ROWS"),
    }
}

fn program() -> PathBuf {
    std::env::var_os("LIUHEN_BIN")
        .map_or_else(|| PathBuf::from("target/release/liuhen"), PathBuf::from)
}

/// A folder on the disk of the working directory, not in a temporary file system.
fn folder() -> Result<tempfile::TempDir> {
    Ok(tempfile::Builder::new()
        .prefix("liuhen-bench-")
        .tempdir_in(".")?)
}

fn purpose(fields: Vec<String>) -> PurposeView {
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
        version: 0,
        updated: 0,
    }
}

/// Uploads a file and imports it to the end; answers id and seconds.
async fn import_file(service: &Arc<Service>, bytes: &[u8]) -> Result<(String, f64)> {
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

async fn import(rows: usize) -> Result<()> {
    let dir = folder()?;
    let service = Service::open(&Config::in_dir(dir.path().join("data")))?;
    service.put_site(&Caller::local(), "shop", "a shop").await?;
    let bytes = people(1, rows).delimited(Form::csv(Encoding::Gb18030));
    println!(
        "{rows} rows of 8 columns, {} MB of CSV in GB18030",
        bytes.len() / 1_000_000
    );
    let before = resident("VmRSS")?;
    reset_peak()?;
    let (id, seconds) = import_file(&service, &bytes).await?;
    let counts = service.import_status(&Caller::local(), &id)?.counts;
    #[expect(clippy::cast_precision_loss, reason = "a rate for people to read")]
    let rate = rows as f64 / seconds;
    println!("{seconds:.1} s, {rate:.0} rows/s, {counts:?}");
    println!(
        "peak memory above the file held by this bench: {} MB",
        (resident("VmHWM")?.saturating_sub(before)) / 1024
    );
    service.close()?;
    Ok(())
}

/// A line of /proc/self/status, in KiB.
fn resident(what: &str) -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find(|line| line.starts_with(what))
        .context("no such line")?;
    Ok(line
        .split_whitespace()
        .nth(1)
        .context("no number")?
        .parse()?)
}

/// Makes the kernel count the peak anew.
fn reset_peak() -> Result<()> {
    Ok(std::fs::write("/proc/self/clear_refs", "5")?)
}

fn reads(runtime: &tokio::runtime::Runtime) -> Result<()> {
    let dir = folder()?;
    let data = dir.path().join("data");
    let (key, tokens) = runtime.block_on(async {
        let service = Service::open(&Config::in_dir(&data))?;
        let caller = Caller::local();
        service.put_site(&caller, "shop", "a shop").await?;
        service
            .put_purpose(
                &caller,
                purpose(vec!["person_name".to_owned(), "mobile".to_owned()]),
            )
            .await?;
        let (_, key) = service
            .create_api_key(&caller, "bench", &[Role::Reader], Some("shop"))
            .await?;
        let bytes = people(1, PERSONS).delimited(Form::csv(Encoding::Utf8));
        let (id, _) = import_file(&service, &bytes).await?;
        let tokens = service.import_tokens(&caller, &id, 0, PERSONS)?;
        service.close()?;
        anyhow::Ok((
            key,
            tokens
                .into_iter()
                .map(|(_, token)| token)
                .collect::<Vec<String>>(),
        ))
    })?;
    let server = Server::plan(program()).data(&data).start();
    let address = server.url().trim_start_matches("http://").to_owned();
    let requests: Arc<Vec<Vec<u8>>> = Arc::new(
        tokens
            .iter()
            .map(|token| request(&address, &key, token))
            .collect(),
    );
    println!("clients | reads/s | p50 ms | p99 ms | bare group commit: records/s | one flush ms");
    for clients in [1, 64, 256, 1024] {
        let (bare, flush) = bare(dir.path(), clients)?;
        let mut times = runtime.block_on(level(&address, &requests, clients))?;
        times.sort_unstable();
        let at = |share: usize| {
            times
                .get(times.len() * share / 100)
                .copied()
                .unwrap_or_default()
                .as_secs_f64()
                * 1000.0
        };
        let rate = times.len() as u64 / SECONDS;
        println!(
            "{clients:>7} | {rate:>7} | {:>6.1} | {:>6.1} | {bare:>28.0} | {flush:>12.2}",
            at(50),
            at(99)
        );
    }
    let _ = server.stop();
    Ok(())
}

fn request(address: &str, key: &str, token: &str) -> Vec<u8> {
    let body = serde_json::json!({
        "purpose": "care", "collection": "people", "fields": ["person_name", "mobile"], "view": "plain",
        "subjects": [{"token": token}],
    })
    .to_string();
    format!(
        "POST /v1/reads HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// What bare group commit gives `clients` writers who wait for each other: records a second, milliseconds a flush.
fn bare(dir: &Path, clients: usize) -> Result<(f64, f64)> {
    let mut file = std::fs::File::create(dir.join("bare"))?;
    let batch = vec![7u8; RECORD * clients];
    let (begun, mut flushes) = (Instant::now(), 0u32);
    while begun.elapsed() < Duration::from_secs(2) {
        file.write_all(&batch)?;
        file.sync_data()?;
        flushes += 1;
    }
    let flush = begun.elapsed().as_secs_f64() / f64::from(flushes);
    #[expect(clippy::cast_precision_loss, reason = "a rate for people to read")]
    let rate = clients as f64 / flush;
    Ok((rate, flush * 1000.0))
}

async fn level(
    address: &str,
    requests: &Arc<Vec<Vec<u8>>>,
    clients: usize,
) -> Result<Vec<Duration>> {
    let begin = Instant::now() + Duration::from_secs(1);
    let end = begin + Duration::from_secs(SECONDS);
    let mut tasks = Vec::with_capacity(clients);
    for client in 0..clients {
        let (address, requests) = (address.to_owned(), Arc::clone(requests));
        tasks.push(tokio::spawn(async move {
            one_client(&address, &requests, client, begin, end).await
        }));
    }
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await??);
    }
    Ok(times)
}

async fn one_client(
    address: &str,
    requests: &[Vec<u8>],
    client: usize,
    begin: Instant,
    end: Instant,
) -> Result<Vec<Duration>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut times = Vec::new();
    let mut buffer = Vec::with_capacity(16 * 1024);
    for turn in 0.. {
        let asked = Instant::now();
        if asked >= end {
            break;
        }
        let bytes = &requests[(client * 97 + turn * 13) % requests.len()];
        stream.write_all(bytes).await?;
        answer(&mut stream, &mut buffer).await?;
        if asked >= begin {
            times.push(asked.elapsed());
        }
    }
    Ok(times)
}

/// Reads one answer and checks that it released something.
async fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<()> {
    buffer.clear();
    loop {
        if stream.read_buf(buffer).await? == 0 {
            bail!("the server closed the connection");
        }
        let Some(head) = buffer.windows(4).position(|four| four == b"\r\n\r\n") else {
            continue;
        };
        let text = std::str::from_utf8(&buffer[..head])?.to_ascii_lowercase();
        if !text.starts_with("http/1.1 200") {
            bail!("not answered: {}", String::from_utf8_lossy(buffer));
        }
        let length = text
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .context("no length")?;
        if buffer.len() >= head + 4 + length.trim().parse::<usize>()? {
            if !buffer.windows(7).any(|seven| seven == b"\"plain\"") {
                bail!("nothing was released: {}", String::from_utf8_lossy(buffer));
            }
            return Ok(());
        }
    }
}
