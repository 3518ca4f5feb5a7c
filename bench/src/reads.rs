//! Durable traced reads a second over HTTP, beside what the same disk gives to bare group commit.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use liuhen_service::{Caller, Config, Role, Service};
use liuhen_testkit::{Encoding, Form, Server, people};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::world::{folder, import_file, program, purpose};

/// Persons who are read.
const PERSONS: usize = 2000;

/// How long each number of clients is measured, after a second of warming up.
const SECONDS: u64 = 8;

/// Bytes of a record of the bare log: about what a traced read writes.
const RECORD: usize = 900;

pub(crate) fn run(runtime: &tokio::runtime::Runtime) -> Result<()> {
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
