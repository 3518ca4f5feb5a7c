//! A reader that shares no code with us: Go's `golang.org/x/mod/sumdb`, in `tools/outside`, verifies the log of the running program over HTTP and on disk.
//!
//! Needs Debian's `golang-go` and `golang-golang-x-mod-dev`; says so and skips where they are absent, unless `LIUHEN_REQUIRE_GO=1`.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests stop where something is wrong"
)]

mod world;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use liuhen_testkit::{Api, Encoding, Form, Server, Sheet, people};
use liuhen_tlog::{Log, LogKey, Options, leaf_hash};
use serde_json::json;

const BIN: &str = env!("CARGO_BIN_EXE_liuhen");

/// Debian's folder of Go sources, and the package needed from it.
const SOURCES: &str = "/usr/share/gocode";
const SUMDB: &str = "src/golang.org/x/mod/sumdb/tlog";

const REQUIRE: &str = "LIUHEN_REQUIRE_GO";

/// How many persons one call reads: one leaf each.
const AT_ONCE: usize = 50;

/// The built client, or a printed `SKIP` line where Go is absent.
fn client_or_skip(test: &str) -> Option<&'static Path> {
    static BUILT: OnceLock<Option<PathBuf>> = OnceLock::new();
    let built = BUILT.get_or_init(build);
    if built.is_none() {
        let why = "Go or its sumdb is absent (Debian: golang-go, golang-golang-x-mod-dev)";
        assert!(
            std::env::var(REQUIRE).as_deref() != Ok("1"),
            "{test}: {why}, and {REQUIRE}=1"
        );
        // Written past the test harness's capture, so that a skip is seen where tests pass.
        let _unheard = writeln!(std::io::stderr(), "SKIP {test}: {why}");
    }
    built.as_deref()
}

fn build() -> Option<PathBuf> {
    if !Path::new(SOURCES).join(SUMDB).is_dir() {
        return None;
    }
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let program = target.join("outside");
    let built = Command::new("go")
        .args(["build", "-o"])
        .arg(&program)
        .arg(".")
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tools/outside"))
        .env("GO111MODULE", "off")
        .env("GOPATH", SOURCES)
        .env("GOFLAGS", "-mod=")
        .env("GOCACHE", target.join("go-cache"))
        .output();
    let output = match built {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        other => other.expect("go runs"),
    };
    assert!(output.status.success(), "{}", said(&output));
    Some(program)
}

fn said(output: &Output) -> String {
    let stdout = String::from_utf8_lossy(&output.stdout);
    format!("{stdout}{}", String::from_utf8_lossy(&output.stderr))
}

/// What the client is asked: where the log is, whose it is, and what is remembered of it.
struct Ask<'a> {
    client: &'a Path,
    url: String,
    vkey: &'a str,
    earlier: Option<&'a Path>,
    save: Option<&'a Path>,
}

impl Ask<'_> {
    fn run(&self) -> Output {
        let mut command = Command::new(self.client);
        for (flag, file) in [("-earlier", self.earlier), ("-save", self.save)] {
            command.args(
                file.map(|file| [Path::new(flag), file])
                    .into_iter()
                    .flatten(),
            );
        }
        command
            .args([&self.url, self.vkey])
            .output()
            .expect("the client runs")
    }

    /// The line that says all is well.
    #[track_caller]
    fn verifies(&self) -> String {
        let output = self.run();
        let said = said(&output);
        assert!(output.status.success() && said.starts_with("OK "), "{said}");
        println!("{}", said.trim_end());
        said
    }

    #[track_caller]
    fn faults(&self, name: &str, part: &str) {
        let output = self.run();
        let said = said(&output);
        assert_eq!(output.status.code(), Some(1), "{name}: {said}");
        assert!(
            said.starts_with("FAULT: ") && said.contains(part),
            "{name}: {said}"
        );
    }
}

/// The number behind `name=` in the client's line.
fn number(line: &str, name: &str) -> u64 {
    let word = line
        .split_whitespace()
        .find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
    word.and_then(|number| number.parse().ok())
        .unwrap_or_else(|| panic!("no {name} in {line}"))
}

fn in_dir(dir: &Path) -> String {
    format!("file://{}", dir.display())
}

/// A vault with these people and an API key that may read them.
fn prepared(data: &Path, everyone: &Sheet) -> String {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let service = world::open(data);
        let key = world::prepare(&service).await;
        world::start_import(&service, &everyone.delimited(Form::csv(Encoding::Utf8))).await;
        world::settle(&service).await;
        service.close().unwrap();
        key
    })
}

/// Reads everyone, in calls of [`AT_ONCE`]; answers one more than the highest index of a leaf.
fn read_all(api: &Api, everyone: &Sheet) -> u64 {
    let mobile = everyone.column("手机号");
    let mut size = 0;
    for part in everyone.rows.chunks(AT_ONCE) {
        let subjects: Vec<_> = part
            .iter()
            .map(|row| json!({"kind": "mobile", "value": row[mobile]}))
            .collect();
        let ask = json!({
            "purpose": "care", "fields": ["mobile"], "view": "masked",
            "collection": world::COLLECTION, "subjects": subjects,
        });
        let answer = api.post("/v1/reads", &ask).expect_status(200).json();
        for result in answer["results"].as_array().expect("results") {
            let index = result["receipt"]["index"].as_u64().expect("a receipt");
            size = size.max(index + 1);
        }
    }
    size
}

/// Waits until the published checkpoint covers `size` leaves.
fn await_checkpoint(api: &Api, size: u64) {
    let begun = Instant::now();
    loop {
        let text = api.get("/checkpoint").expect_status(200).text();
        let covered: u64 = text.lines().nth(1).unwrap().parse().unwrap();
        if covered >= size {
            return;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "no checkpoint over {size} leaves: {text}"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn the_served_log_is_read_and_grows_from_what_was_seen() {
    let Some(client) = client_or_skip("the_served_log") else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let everyone = people(33, 200);
    let key = prepared(&data, &everyone);
    let server = Server::plan(BIN).data(&data).start();
    let api = Api::new(server.url()).with_key(&key);
    let log_key = api.get("/v1/log-key").json();
    let vkey = log_key["vkey"].as_str().expect("a key");
    let seen = dir.path().join("seen.txt");

    let first = read_all(&api, &everyone);
    await_checkpoint(&api, first);
    let mut ask = Ask {
        client,
        url: server.url().to_owned(),
        vkey,
        earlier: None,
        save: Some(&seen),
    };
    let line = ask.verifies();
    assert!(number(&line, "size") >= first, "{line}");
    assert_eq!(number(&line, "entries"), number(&line, "size"), "{line}");

    // As many again, so that tiles which were partial are full now, and gone as partial ones.
    let second = (0..2).map(|_| read_all(&api, &everyone)).max().unwrap();
    assert!(first / 256 < second / 256 && second > 512);
    await_checkpoint(&api, second);
    (ask.earlier, ask.save) = (Some(seen.as_path()), None);
    let line_now = ask.verifies();
    assert!(number(&line_now, "size") >= second, "{line_now}");
    assert_eq!(
        number(&line_now, "consistent-with"),
        number(&line, "size"),
        "{line_now}"
    );

    assert!(server.stop().success());
    ask.url = in_dir(&data.join("log"));
    ask.verifies();
    changed_files_are_seen(&data.join("log"), &mut ask);

    // Under the checkpoint seen first, the log of today is still readable.
    std::fs::copy(&seen, data.join("log/checkpoint")).unwrap();
    assert_eq!(number(&ask.verifies(), "size"), number(&line, "size"));
}

/// Changes one file at a time, a byte in its middle, and puts it back.
fn changed_files_are_seen(log: &Path, ask: &mut Ask<'_>) {
    let size: u64 = std::fs::read_to_string(log.join("checkpoint"))
        .unwrap()
        .lines()
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    let (full, rest) = (size / 256, size % 256);
    assert!(full > 0 && rest > 0, "{size} leaves make no partial tile");
    let rows = [
        ("full tile", "tile/0/000".to_owned(), ""),
        ("full bundle", "tile/entries/000".to_owned(), ""),
        (
            "partial tile",
            format!("tile/0/{full:03}.p/{rest}"),
            "inconsistent tile",
        ),
        (
            "partial bundle",
            format!("tile/entries/{full:03}.p/{rest}"),
            "",
        ),
        (
            "tile above",
            format!("tile/1/000.p/{full}"),
            "inconsistent tile",
        ),
        ("checkpoint", "checkpoint".to_owned(), "checkpoint: "),
    ];
    for (name, path, part) in rows {
        let path = log.join(path);
        let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut changed = bytes.clone();
        changed[bytes.len() / 2] ^= 1;
        std::fs::write(&path, changed).unwrap();
        ask.faults(name, part);
        std::fs::remove_file(&path).unwrap();
        ask.faults(&format!("{name}, absent"), "");
        std::fs::write(&path, bytes).unwrap();
    }
    ask.verifies();
    an_entry_changed_with_its_hash_is_seen(log, ask);
}

/// Changes the first entry and its hash in the tile, so that the two agree.
fn an_entry_changed_with_its_hash_is_seen(log: &Path, ask: &Ask<'_>) {
    let paths = [log.join("tile/entries/000"), log.join("tile/0/000")];
    let before = paths.clone().map(|path| std::fs::read(path).unwrap());
    let [mut bundle, mut tile] = before.clone();
    let length = usize::from(u16::from_be_bytes([bundle[0], bundle[1]]));
    bundle[2 + length - 1] ^= 1;
    tile[..32].copy_from_slice(&leaf_hash(&bundle[2..2 + length]).0);
    std::fs::write(&paths[0], bundle).unwrap();
    std::fs::write(&paths[1], tile).unwrap();
    ask.faults("entry and hash", "lead to another root");
    for (path, bytes) in paths.iter().zip(before) {
        std::fs::write(path, bytes).unwrap();
    }
    ask.verifies();
}

/// A log of `count` leaves, each of which says `word`; its key is always the same.
fn grown(dir: &Path, word: &str, count: usize) -> String {
    let key = || LogKey::from_seed(&[9; 32]);
    Log::create(dir, &key(), "outside.example/log").unwrap();
    let (log, _) = Log::open(dir, key(), Options::default()).unwrap();
    for nth in 0..count {
        log.append(format!("{word} {nth}").into(), Vec::new(), |done| {
            drop(done.unwrap());
        });
    }
    log.close().unwrap();
    log.verifier().to_string()
}

#[test]
fn a_fork_a_rollback_and_another_key_are_seen() {
    let Some(client) = client_or_skip("a_fork") else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let (one, two, short, empty) = (
        dir.path().join("one"),
        dir.path().join("two"),
        dir.path().join("short"),
        dir.path().join("empty"),
    );
    let vkey = grown(&one, "leaf", 300);
    assert_eq!(grown(&two, "other", 700), vkey);
    grown(&short, "leaf", 299);
    grown(&empty, "leaf", 0);
    let ask = |log: &Path, earlier: Option<&Path>| Ask {
        client,
        url: in_dir(log),
        vkey: &vkey,
        earlier: earlier.map(|log| Box::leak(log.join("checkpoint").into_boxed_path()) as &Path),
        save: None,
    };
    for log in [&one, &two, &short, &empty] {
        ask(log, None).verifies();
    }
    // The short log is a prefix of the first, and every log extends the empty one.
    ask(&one, Some(&short)).verifies();
    ask(&two, Some(&empty)).verifies();
    ask(&two, Some(&one)).faults("fork", "does not extend");
    ask(&short, Some(&one)).faults("rollback", "went back");
    let other = dir.path().join("same size");
    grown(&other, "other", 300);
    ask(&other, Some(&one)).faults("fork of one size", "another root");

    let stranger = LogKey::from_seed(&[8; 32]);
    let stranger = stranger.signer("outside.example/log").unwrap();
    let mut asked = ask(&one, None);
    let strange = stranger.verifier().to_string();
    asked.vkey = &strange;
    asked.faults("another key", "no verifiable signatures");
}
