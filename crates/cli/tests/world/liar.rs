//! A log that can say anything, since the test holds its key: its entries, its map, and a small server that shows whatever view of them it likes.

// Each test binary uses a part of this.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test binary uses a part of this"
)]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use liuhen_tlog::audit::{DirSource, SourceError, Tiles};
use liuhen_tlog::map::{Tree, prove};
use liuhen_tlog::note::Signature;
use liuhen_tlog::person::{Source, build};
use liuhen_tlog::proof::{Nodes, prove_consistency};
use liuhen_tlog::witness::AddCheckpoint;
use liuhen_tlog::{
    Entry, Hash, Label, Log, LogKey, MapRoot, Options, Receipt, SignedCheckpoint, Verifier,
};
use liuhen_vault::Key;
use liuhen_vault::trace::TraceKey;

pub const ORIGIN: &str = "liar.example/log";

fn key() -> LogKey {
    LogKey::from_seed(&[77; 32])
}

pub fn verifier() -> Verifier {
    key().signer(ORIGIN).expect("a signer").verifier()
}

/// The trace key of some person.
pub fn person(number: u8) -> TraceKey {
    TraceKey::new(Key::new([number; 32]))
}

/// What a log holds, or says it does.
#[derive(Clone, Default)]
pub struct Book {
    pub entries: Vec<Vec<u8>>,
    /// Labels that its map leaves out from now on, though it counts them.
    pub omitted: Vec<Label>,
}

impl Book {
    /// Somebody looks at a person for the n-th time.
    pub fn look(&mut self, person: &TraceKey, n: u64) -> u64 {
        let event = format!(
            "{{\"v\":1,\"time\":\"2026-11-22T08:00:{n:02}.000Z\",\"action\":\"read\",\"outcome\":\"masked\",\"who\":\"key:1\",\"name\":\"a shop\"}}"
        );
        let leaf = person.leaf(n, event.as_bytes()).expect("a leaf");
        self.entries.push(leaf.bytes);
        self.entries.len() as u64 - 1
    }

    /// Looks at others, who are of no matter.
    pub fn others(&mut self, number: u8, count: u64) {
        for n in 0..count {
            self.look(&person(number), n);
        }
    }

    fn map(&self, size: usize) -> (Tree, u64) {
        let mut labels: Vec<(Label, u64)> = Vec::new();
        for (index, entry) in (0u64..).zip(&self.entries[..size]) {
            if let Some(Entry::Event(event)) = Entry::parse(entry) {
                labels.push((*event.label, index));
            }
        }
        let mut all = Tree::new(0);
        all.insert_batch(&mut labels.clone());
        labels.retain(|(label, _)| !self.omitted.contains(label));
        let mut tree = Tree::new(0);
        tree.insert_batch(&mut labels);
        (tree, all.len())
    }

    /// States the map of all entries so far.
    pub fn map_root(&mut self) -> u64 {
        let size = self.entries.len();
        let (tree, labels) = self.map(size);
        let root = MapRoot {
            size: size as u64,
            labels,
            time_ms: 1_795_000_000_000 + size as u64,
            root: tree.root(),
        };
        self.entries.push(root.to_bytes());
        size as u64
    }

    /// Writes and signs a log of these entries; its newest map root is the one it answers persons by.
    pub fn view(&self, dir: &Path) -> View {
        Log::create(dir, &key(), ORIGIN).expect("makes a log");
        let (log, _) = Log::open(dir, key(), Options::default()).expect("opens");
        let mut last = None;
        for entry in &self.entries {
            let told = log.append_blocking(entry.clone(), Vec::new());
            last = Some(told.expect("appends"));
        }
        let last = last.expect("some entry");
        let receipt = log.sign_receipt(&last).expect("signs");
        let checkpoint = (*log.checkpoint_now().expect("signs")).clone();
        log.close().expect("closes");
        let is_root = |entry: &Vec<u8>| matches!(Entry::parse(entry), Some(Entry::MapRoot(_)));
        let bound = self.entries.iter().rposition(is_root);
        let bound = bound.expect("a map root");
        let (map, _) = self.map(bound);
        View {
            dir: dir.to_owned(),
            checkpoint,
            receipt,
            map: Arc::new(map),
            root_index: bound as u64,
            entries: self.entries.clone(),
        }
    }
}

/// What is shown to somebody.
#[derive(Clone)]
pub struct View {
    pub dir: PathBuf,
    pub checkpoint: SignedCheckpoint,
    /// For the last entry.
    pub receipt: Receipt,
    map: Arc<Tree>,
    root_index: u64,
    /// Entries as persons are answered; tiles are in `dir`.
    pub entries: Vec<Vec<u8>>,
}

impl View {
    pub fn size(&self) -> u64 {
        self.checkpoint.size()
    }

    fn consistency(&self, old: u64) -> Vec<Hash> {
        if old == 0 {
            return Vec::new();
        }
        let source = DirSource::new(&self.dir);
        let tiles = Tiles {
            source: &source,
            size: self.size(),
        };
        prove_consistency(&tiles, old, self.size()).expect("a proof")
    }

    /// Asks a witness to cosign, from a tree of `old` on; its status and answer. A cosignature is kept.
    pub fn submit(&mut self, witness: &str, old: u64) -> (u16, String) {
        let note = self.checkpoint.note().clone();
        let proof = match old < self.size() {
            true => self.consistency(old),
            false => Vec::new(),
        };
        let body = AddCheckpoint::new(old, proof, note).expect("a request");
        let config = ureq::Agent::config_builder().http_status_as_error(false);
        let agent: ureq::Agent = config.build().into();
        let mut answer = agent
            .post(format!("{witness}/add-checkpoint"))
            .send(body.to_string())
            .expect("an answer");
        let text = answer.body_mut().read_to_string().expect("text");
        let status = answer.status().as_u16();
        if status == 200 {
            for line in text.lines() {
                let line = Signature::parse(line).expect("a signature");
                self.checkpoint.put(line).expect("is put");
            }
            fs::write(self.dir.join("checkpoint"), self.checkpoint.to_string()).expect("is kept");
        }
        (status, text)
    }

    fn answer(&self, question: &[u8]) -> Option<Vec<u8>> {
        let (from, rest) = question.split_first_chunk::<8>()?;
        let (labels, _) = rest.as_chunks::<32>();
        let from = u64::from_be_bytes(*from);
        let proof = build(from, labels, &self.checkpoint, self.root_index, self);
        Some(proof.expect("a proof").to_bytes())
    }

    fn handle(&self, stream: &TcpStream) -> Option<()> {
        let mut reader = BufReader::new(stream);
        let (mut first, mut line, mut length) = (String::new(), String::new(), 0);
        reader.read_line(&mut first).ok()?;
        while line != "\r\n" {
            line.clear();
            reader.read_line(&mut line).ok()?;
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
        }
        let mut question = vec![0; length];
        reader.read_exact(&mut question).ok()?;
        let path = first.split(' ').nth(1)?.trim_start_matches('/');
        let body = match path {
            "person-proof" => self.answer(&question),
            path => fs::read(self.dir.join(path)).ok(),
        };
        let (status, body) = match body {
            Some(body) => ("200 OK", body),
            None => ("404 Not Found", Vec::new()),
        };
        let length = body.len();
        let head =
            format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
        let mut stream = stream;
        stream.write_all(&[head.as_bytes(), &body].concat()).ok()
    }

    /// Shows this for as long as the test runs; the address.
    pub fn serve(self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("listens");
        let address = listener.local_addr().expect("an address");
        let view = Arc::new(self);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let view = Arc::clone(&view);
                thread::spawn(move || view.handle(&stream));
            }
        });
        format!("http://{address}")
    }
}

impl Nodes for View {
    type Error = SourceError;

    fn node(&self, level: u32, index: u64) -> Result<Hash, SourceError> {
        let source = DirSource::new(&self.dir);
        let tiles = Tiles {
            source: &source,
            size: self.size(),
        };
        tiles.node(level, index)
    }
}

impl Source for View {
    fn find(&self, label: &Label) -> Result<Option<u64>, SourceError> {
        Ok(self.map.get(label))
    }

    fn prove_labels(&self, sorted: &[Label]) -> Result<Vec<u8>, SourceError> {
        Ok(prove(&self.map, sorted).expect("sorted"))
    }

    fn entry(&self, index: u64) -> Result<Vec<u8>, SourceError> {
        Ok(self.entries[usize::try_from(index).expect("small")].clone())
    }
}
