//! A small log with persons, a map written word for word after `docs/trace.md`, and liars.
//!
//! Shares no code with what it tests but hashes of leaves and nodes and signing: the
//! map, the proofs and the container are made here a second time, slowly and plainly.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signer as _, SigningKey};
use liuhen_tlog::{
    Checkpoint, Hash, Label, LogKey, MapRoot, SignedCheckpoint, entry, leaf_hash, node_hash,
    note::Signature, person::Source, proof::Nodes,
};
use sha2::{Digest, Sha256};

/// Name of the log.
pub(crate) const ORIGIN: &str = "trace.example.cn/log";
/// Names of the witnesses that are trusted, and of one that is not.
pub(crate) const WITNESSES: [&str; 3] = [
    "one.witness.example",
    "two.witness.example",
    "stranger.example",
];

/// SHA-256 of some parts in a row.
pub(crate) fn sha(parts: &[&[u8]]) -> [u8; 32] {
    let mut sha = Sha256::new();
    parts.iter().for_each(|part| sha.update(part));
    sha.finalize().into()
}

/// RFC 2104 with SHA-256, for keys of 32 bytes.
fn hmac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let pad = |byte: u8| {
        let mut pad = [byte; 64];
        pad.iter_mut().zip(key).for_each(|(pad, key)| *pad ^= key);
        pad
    };
    let mut inner = vec![pad(0x36).to_vec()];
    inner.extend(parts.iter().map(|part| part.to_vec()));
    sha(&[&pad(0x5c), &sha(&[&inner.concat()])])
}

/// A person's key, by name.
pub(crate) fn trace_key(name: &str) -> [u8; 32] {
    sha(&[b"a trace key for tests only: ", name.as_bytes()])
}

/// The n-th label of a person.
pub(crate) fn label(name: &str, n: u64) -> Label {
    hmac(&trace_key(name), &[b"liuhen/label/v1", &n.to_be_bytes()])
}

/// Bytes that look like ciphertext.
fn noise(seed: &[u8], length: usize) -> Vec<u8> {
    let block = |i: u32| sha(&[b"noise", seed, &i.to_be_bytes()]);
    (0u32..).flat_map(block).take(length).collect()
}

/// An event of `blocks` times 256 bytes of text.
pub(crate) fn event(name: &str, n: u64, blocks: usize) -> Vec<u8> {
    let label = label(name, n);
    let mut bytes = vec![entry::EVENT];
    bytes.extend_from_slice(&label);
    bytes.extend_from_slice(&sha(&[b"commitment", &label]));
    bytes.extend_from_slice(&noise(&label, 256 * blocks + 16));
    bytes
}

/// A chunk of the export whose header is `leaf`, at `header`.
pub(crate) fn chunk(header: u64, leaf: &[u8], owners: &[Label]) -> Vec<u8> {
    let commitment = leaf[33..65].try_into().unwrap();
    let owners: Vec<(Label, [u8; 32])> = owners
        .iter()
        .map(|owner| (*owner, sha(&[b"wrap", owner])))
        .collect();
    entry::chunk(header, commitment, &owners).unwrap()
}

// The map: docs/trace.md, The map and Proof of labels in a map.

fn bit(label: &Label, depth: usize) -> bool {
    label[depth / 8] >> (7 - depth % 8) & 1 == 1
}

/// The map's root over sorted labels, all of which share `depth` bits.
pub(crate) fn map_root(labels: &[(Label, u64)], depth: usize) -> Hash {
    match labels {
        [] => Hash([0; 32]),
        [(label, index)] => Hash(sha(&[&[2], label, &index.to_be_bytes()])),
        many => {
            let (left, right) = halves(many, depth);
            let (left, right) = (map_root(left, depth + 1), map_root(right, depth + 1));
            Hash(sha(&[&[3], &left.0, &right.0]))
        }
    }
}

type Halves<'a> = (&'a [(Label, u64)], &'a [(Label, u64)]);

fn halves(labels: &[(Label, u64)], depth: usize) -> Halves<'_> {
    labels.split_at(labels.partition_point(|(label, _)| !bit(label, depth)))
}

/// The proof of `asked`, sorted, in the map of `labels`, sorted.
pub(crate) fn map_proof(labels: &[(Label, u64)], asked: &[Label]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let positions: Vec<(Label, u32)> = asked.iter().copied().zip(0..).collect();
    map_walk(labels, &positions, 0, &mut bytes);
    bytes
}

fn map_walk(labels: &[(Label, u64)], asked: &[(Label, u32)], depth: usize, bytes: &mut Vec<u8>) {
    if asked.is_empty() {
        bytes.extend_from_slice(&map_root(labels, depth).0);
        return;
    }
    match labels {
        [] => bytes.push(0),
        [(label, index)] => match asked.iter().find(|(one, _)| one == label) {
            None => {
                bytes.push(1);
                bytes.extend_from_slice(label);
                bytes.extend_from_slice(&index.to_be_bytes());
            }
            Some((_, position)) => {
                bytes.push(2);
                bytes.extend_from_slice(&index.to_be_bytes());
                bytes.extend_from_slice(&position.to_be_bytes());
            }
        },
        many => {
            bytes.push(3);
            let (left, right) = halves(many, depth);
            let (asked_left, asked_right) =
                asked.split_at(asked.partition_point(|(label, _)| !bit(label, depth)));
            map_walk(left, asked_left, depth + 1, bytes);
            map_walk(right, asked_right, depth + 1, bytes);
        }
    }
}

// The tree: RFC 9162, section 2.1.1, and docs/trace.md, Proof of entries in a tree.

fn mth(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Hash::empty_root(),
        [one] => *one,
        many => {
            let (left, right) = many.split_at(many.len().next_power_of_two() / 2);
            node_hash(&mth(left), &mth(right))
        }
    }
}

/// The proof of the leaves for which `asked` holds.
fn tree_proof(leaves: &[Hash], first: u64, asked: &dyn Fn(u64) -> bool, proof: &mut Vec<u8>) {
    let end = first + leaves.len() as u64;
    if !(first..end).any(asked) {
        proof.extend_from_slice(&mth(leaves).0);
    } else if leaves.len() > 1 {
        let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
        tree_proof(left, first, asked, proof);
        tree_proof(right, first + left.len() as u64, asked, proof);
    }
}

/// A container's parts, free to be wrong.
#[derive(Debug, Clone)]
pub(crate) struct Parts {
    pub(crate) checkpoint: Vec<u8>,
    pub(crate) map_root: u64,
    pub(crate) from: u64,
    pub(crate) asked: u32,
    pub(crate) entries: Vec<(u64, Vec<u8>)>,
    pub(crate) map_proof: Vec<u8>,
    pub(crate) tree_proof: Vec<u8>,
}

impl Parts {
    /// docs/trace.md, A person's proof.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let sized = |part: &[u8]| [&(part.len() as u32).to_be_bytes(), part].concat();
        let entry = |(index, entry): &(u64, Vec<u8>)| {
            let length = (entry.len() as u16).to_be_bytes();
            [&index.to_be_bytes()[..], &length, entry].concat()
        };
        [
            b"LHPP\x01".to_vec(),
            sized(&self.checkpoint),
            self.map_root.to_be_bytes().to_vec(),
            self.from.to_be_bytes().to_vec(),
            self.asked.to_be_bytes().to_vec(),
            (self.entries.len() as u32).to_be_bytes().to_vec(),
            self.entries.iter().flat_map(entry).collect(),
            sized(&self.map_proof),
            sized(&self.tree_proof),
        ]
        .concat()
    }
}

/// A log in memory: its entries, and the maps that its map roots claim.
#[derive(Debug, Clone, Default)]
pub(crate) struct World {
    pub(crate) entries: Vec<Vec<u8>>,
    /// By index of the map root; sorted.
    pub(crate) maps: BTreeMap<u64, Vec<(Label, u64)>>,
}

impl World {
    /// Appends an entry; its index.
    pub(crate) fn push(&mut self, entry: Vec<u8>) -> u64 {
        self.entries.push(entry);
        self.entries.len() as u64 - 1
    }

    /// The map of all labels so far.
    pub(crate) fn labels(&self) -> Vec<(Label, u64)> {
        let mut map = BTreeMap::new();
        for (index, leaf) in (0..).zip(&self.entries) {
            for label in liuhen_tlog::Entry::parse(leaf).unwrap().labels() {
                map.entry(*label).or_insert(index);
            }
        }
        map.into_iter().collect()
    }

    /// Appends a map root that claims `map`; its index.
    pub(crate) fn push_map(&mut self, size: u64, map: Vec<(Label, u64)>) -> u64 {
        let root = MapRoot {
            size,
            labels: map.len() as u64,
            time_ms: 1_795_000_000_000 + size,
            root: map_root(&map, 0),
        };
        let index = self.push(root.to_bytes());
        self.maps.insert(index, map);
        index
    }

    /// Appends the true map root; its index.
    pub(crate) fn push_true_map(&mut self) -> u64 {
        self.push_map(self.entries.len() as u64, self.labels())
    }

    fn leaves(&self) -> Vec<Hash> {
        self.entries.iter().map(|entry| leaf_hash(entry)).collect()
    }

    /// The checkpoint of everything, cosigned by some of [`WITNESSES`], each at its time.
    pub(crate) fn checkpoint(&self, cosigned: &[(usize, u64)]) -> SignedCheckpoint {
        let checkpoint = Checkpoint {
            origin: ORIGIN.to_owned(),
            size: self.entries.len() as u64,
            root: mth(&self.leaves()),
            extensions: Vec::new(),
        };
        let text = checkpoint.to_string();
        let signed = checkpoint.sign(&log_key().signer(ORIGIN).unwrap()).unwrap();
        let mut note = signed.note().clone();
        for (witness, time) in cosigned {
            note.add(cosignature(*witness, *time, &text)).unwrap();
        }
        let verifier = log_key().verifier(ORIGIN).unwrap();
        SignedCheckpoint::verify(note.to_string().as_bytes(), &verifier).unwrap()
    }

    /// The honest answer to a question, made without the code under test.
    pub(crate) fn answer(
        &self,
        checkpoint: &SignedCheckpoint,
        map_root: u64,
        from: u64,
        labels: &[Label],
    ) -> Parts {
        let map: BTreeMap<Label, u64> = self.maps[&map_root].iter().copied().collect();
        let known = labels
            .iter()
            .take_while(|label| map.contains_key(*label))
            .count();
        let labels = &labels[..labels.len().min(known + 1)];
        let mut indexes = vec![map_root];
        for index in labels.iter().filter_map(|label| map.get(label)) {
            indexes.push(*index);
            if let Some(liuhen_tlog::Entry::Chunk(chunk)) = self.parse(*index) {
                indexes.push(chunk.header);
            }
        }
        let mut parts = Parts {
            checkpoint: checkpoint.to_string().into_bytes(),
            map_root,
            from,
            asked: labels.len() as u32,
            entries: Vec::new(),
            map_proof: self.map_proof(map_root, labels),
            tree_proof: Vec::new(),
        };
        self.give(&mut parts, indexes);
        parts
    }

    fn parse(&self, index: u64) -> Option<liuhen_tlog::Entry<'_>> {
        liuhen_tlog::Entry::parse(self.entries.get(index as usize)?)
    }

    /// The proof of labels, in whatever order, in the map of `map_root`.
    pub(crate) fn map_proof(&self, map_root: u64, labels: &[Label]) -> Vec<u8> {
        let mut sorted = labels.to_vec();
        sorted.sort_unstable();
        map_proof(&self.maps[&map_root], &sorted)
    }

    /// Gives these entries and no others, with their tree proof.
    pub(crate) fn give(&self, parts: &mut Parts, mut indexes: Vec<u64>) {
        indexes.sort_unstable();
        indexes.dedup();
        parts.tree_proof.clear();
        tree_proof(
            &self.leaves(),
            0,
            &|index| indexes.contains(&index),
            &mut parts.tree_proof,
        );
        let entry = |index: &u64| (*index, self.entries[*index as usize].clone());
        parts.entries = indexes.iter().map(entry).collect();
    }
}

/// The log's key.
pub(crate) fn log_key() -> LogKey {
    LogKey::from_seed(&sha(&[b"a log key for tests only"]))
}

fn witness_key(witness: usize) -> SigningKey {
    SigningKey::from_bytes(&sha(&[b"a witness key for tests only", &[witness as u8]]))
}

/// C2SP tlog-cosignature: the key's type byte and 32 bytes, and its id.
fn witness_id(witness: usize) -> (Vec<u8>, u32) {
    let mut material = vec![4];
    material.extend_from_slice(witness_key(witness).verifying_key().as_bytes());
    let id = sha(&[WITNESSES[witness].as_bytes(), b"\n", &material]);
    (material, u32::from_be_bytes(id[..4].try_into().unwrap()))
}

/// A witness's verifier key string.
pub(crate) fn witness_vkey(witness: usize) -> String {
    let (material, id) = witness_id(witness);
    format!(
        "{}+{id:08x}+{}",
        WITNESSES[witness],
        STANDARD.encode(material)
    )
}

/// C2SP tlog-cosignature, Ed25519.
pub(crate) fn cosignature(witness: usize, time: u64, text: &str) -> Signature {
    let message = format!("cosignature/v1\ntime {time}\n{text}");
    let signature = witness_key(witness).sign(message.as_bytes());
    Signature {
        name: WITNESSES[witness].to_owned(),
        id: witness_id(witness).1,
        bytes: [&time.to_be_bytes()[..], &signature.to_bytes()].concat(),
    }
}

/// A log and the map of one of its map roots, as the code under test wants them.
pub(crate) struct Whole<'a>(pub(crate) &'a World, pub(crate) u64);

impl Nodes for Whole<'_> {
    type Error = std::convert::Infallible;

    fn node(&self, level: u32, index: u64) -> Result<Hash, Self::Error> {
        let (start, end) = ((index << level) as usize, ((index + 1) << level) as usize);
        Ok(mth(&self.0.leaves()[start..end]))
    }
}

impl Source for Whole<'_> {
    fn find(&self, label: &Label) -> Result<Option<u64>, Self::Error> {
        let map = &self.0.maps[&self.1];
        let at = map.binary_search_by_key(label, |one| one.0);
        Ok(at.ok().map(|at| map[at].1))
    }

    fn prove_labels(&self, sorted: &[Label]) -> Result<Vec<u8>, Self::Error> {
        Ok(map_proof(&self.0.maps[&self.1], sorted))
    }

    fn entry(&self, index: u64) -> Result<Vec<u8>, Self::Error> {
        Ok(self.0.entries[index as usize].clone())
    }
}
