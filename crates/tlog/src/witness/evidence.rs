//! Evidence that convicts a log: two of its own signed words that cannot both hold.
//!
//! Stale is not false. A checkpoint smaller than one known proves nothing, and
//! neither does a missing proof. These do:
//!
//! - **fork**: two checkpoints of one size with two roots;
//! - **rewrite**: a larger checkpoint, and a consistency proof that leads to its
//!   root from another root of the older size than the log signed;
//! - **replaced**: a receipt for a leaf, and a checkpoint under which another
//!   leaf lies at that index.
//!
//! Rule: our own format, text, read strictly: whatever reads back writes the same
//! bytes. Lengths count bytes, the newline at the end of a note included.
//!
//! ```text
//! liuhen log misbehaviour v1
//! fork | rewrite | replaced
//! <one sentence for people, made from what follows>
//!
//! note <bytes>                       fork: the two; rewrite: the older, the newer
//! <a signed note>
//! receipt <bytes>                    replaced: before the note
//! <a receipt>
//! hash <base64>                      rewrite: root of the older size within the newer tree;
//!                                    replaced: the leaf at the receipt's index
//! proof <count>                      rewrite: consistency; replaced: inclusion
//! <base64 of each hash>
//! ```
//!
//! Anyone who trusts the log's key can check such a file without network; whoever
//! does not can see that the key's owner signed both. That the key was stolen
//! instead cannot be told apart from here.

use std::fmt;

use crate::{
    checkpoint::{Checkpoint, SignedCheckpoint, parse_decimal},
    hash::Hash,
    note::{NoteError, SignedNote, Verifier},
    proof::{self, ProofError},
    receipt::Receipt,
};

const HEADER: &str = "liuhen log misbehaviour v1";
/// Longest evidence we read, in bytes: two notes of the longest kind and a proof.
pub const MAX_EVIDENCE_BYTES: usize = 3 << 20;
/// A tree of 2^64 leaves has proofs no longer than this.
const MAX_PROOF: u64 = 65;

/// Why evidence convicts nobody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EvidenceError {
    /// Longer than [`MAX_EVIDENCE_BYTES`].
    #[error("the evidence is longer than {MAX_EVIDENCE_BYTES} bytes")]
    TooLong,
    /// A part breaks the format.
    #[error("the evidence is malformed: {part}")]
    Malformed {
        /// The part that is wrong.
        part: &'static str,
    },
    /// A note or receipt is malformed or not signed by the log.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// A proof does not lead where it must.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// The two words are of two logs.
    #[error("the two statements are of two logs")]
    TwoLogs,
    /// Both statements may hold.
    #[error("the statements do not contradict each other")]
    NoContradiction,
}

/// What a log did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Misbehaviour {
    /// It signed two trees of one size.
    Fork {
        /// Their size.
        size: u64,
    },
    /// It signed a larger tree whose beginning is not the smaller tree it signed.
    Rewrite {
        /// Size of the smaller tree.
        old: u64,
        /// Size of the larger tree.
        new: u64,
    },
    /// It gave a receipt for a leaf and put another one in its place.
    Replaced {
        /// Index of the leaf.
        index: u64,
        /// Size of the tree that holds the other leaf.
        size: u64,
    },
}

impl fmt::Display for Misbehaviour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fork { size } => write!(f, "signed two different trees of {size} entries"),
            Self::Rewrite { old, new } => write!(
                f,
                "signed a tree of {new} entries whose first {old} are not those it had signed"
            ),
            Self::Replaced { index, size } => write!(
                f,
                "gave a receipt for entry {index} and signed a tree of {size} entries with another in its place"
            ),
        }
    }
}

/// A log found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conviction {
    /// The log.
    pub origin: String,
    /// What it did.
    pub misbehaviour: Misbehaviour,
}

/// Says it in one sentence.
impl fmt::Display for Conviction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.origin, self.misbehaviour)
    }
}

/// Two words of a log that contradict each other, and what shows that they do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    conviction: Conviction,
    material: Material,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Material {
    Fork {
        notes: [SignedNote; 2],
    },
    Rewrite {
        notes: [SignedNote; 2],
        prefix: Hash,
        proof: Vec<Hash>,
    },
    Replaced {
        receipt: Receipt,
        note: SignedNote,
        leaf: Hash,
        proof: Vec<Hash>,
    },
}

impl Evidence {
    /// Two checkpoints of one size and two roots. Signatures are not looked at here.
    ///
    /// # Errors
    ///
    /// [`EvidenceError::TwoLogs`]; [`EvidenceError::NoContradiction`]; [`EvidenceError::Note`].
    pub fn fork(first: SignedNote, second: SignedNote) -> Result<Self, EvidenceError> {
        let notes = [first, second];
        Self::new(Material::Fork { notes })
    }

    /// Two checkpoints of which the larger grew from `prefix`, another root than the smaller's.
    ///
    /// `proof` is a consistency proof from `prefix`, at the size of `older`, to
    /// the root of `newer`. Signatures are not looked at here.
    ///
    /// # Errors
    ///
    /// Those of [`Evidence::fork`]; [`EvidenceError::Proof`].
    pub fn rewrite(
        older: SignedNote,
        newer: SignedNote,
        prefix: Hash,
        proof: Vec<Hash>,
    ) -> Result<Self, EvidenceError> {
        let notes = [older, newer];
        Self::new(Material::Rewrite {
            notes,
            prefix,
            proof,
        })
    }

    /// A receipt, and a checkpoint under which `leaf`, another one, lies at the receipt's index.
    ///
    /// `proof` is an inclusion proof of `leaf`. Signatures are not looked at
    /// here, and neither is the receipt's path.
    ///
    /// # Errors
    ///
    /// Those of [`Evidence::fork`]; [`EvidenceError::Proof`].
    pub fn replaced(
        receipt: Receipt,
        note: SignedNote,
        leaf: Hash,
        proof: Vec<Hash>,
    ) -> Result<Self, EvidenceError> {
        Self::new(Material::Replaced {
            receipt,
            note,
            leaf,
            proof,
        })
    }

    fn new(material: Material) -> Result<Self, EvidenceError> {
        let conviction = contradiction(&material)?;
        Ok(Self {
            conviction,
            material,
        })
    }

    /// Reads evidence; what it says is true of whoever signed it. Ask [`Evidence::judge`] who did.
    ///
    /// # Errors
    ///
    /// [`EvidenceError`] with the first thing that is wrong.
    pub fn parse(text: &str) -> Result<Self, EvidenceError> {
        if text.len() > MAX_EVIDENCE_BYTES {
            return Err(EvidenceError::TooLong);
        }
        let mut reader = Reader(text);
        reader.expect(HEADER, "first line")?;
        let kind = reader.line("kind")?;
        reader.line("sentence")?;
        reader.expect("", "blank line")?;
        let evidence = Self::new(reader.material(kind)?)?;
        // The sentence, and anything else that could be written in two ways.
        if evidence.to_string() != text {
            return Err(EvidenceError::Malformed { part: "sentence" });
        }
        Ok(evidence)
    }

    /// Checks that one of `logs`, the keys of one log, signed both statements.
    ///
    /// # Errors
    ///
    /// [`EvidenceError::Note`].
    pub fn judge(&self, logs: &[&Verifier]) -> Result<&Conviction, EvidenceError> {
        let note = |note: &SignedNote| SignedCheckpoint::verify_note(note.clone(), logs).map(drop);
        match &self.material {
            Material::Fork { notes } | Material::Rewrite { notes, .. } => {
                notes.iter().try_for_each(note)?;
            }
            Material::Replaced {
                receipt, note: of, ..
            } => {
                note(of)?;
                let origin = &self.conviction.origin;
                let mut verdict = Err(NoteError::Unsigned);
                for log in logs.iter().filter(|log| log.name() == origin) {
                    verdict = verdict.or_else(|_| receipt.verify(log));
                }
                verdict?;
            }
        }
        Ok(&self.conviction)
    }

    /// What it shows, provided that the log signed it.
    #[must_use]
    pub fn claim(&self) -> &Conviction {
        &self.conviction
    }
}

/// Reads evidence and checks it against the keys of one log, whom it then convicts.
///
/// Several keys are given for a log that changed its key. Needs no network and
/// no clock.
///
/// # Errors
///
/// [`EvidenceError`] when it convicts nobody, and why.
pub fn verify_evidence(text: &str, logs: &[&Verifier]) -> Result<Conviction, EvidenceError> {
    Ok(Evidence::parse(text)?.judge(logs)?.clone())
}

/// Writes the file's text.
impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            conviction,
            material,
        } = self;
        writeln!(f, "{HEADER}\n{}\n{conviction}\n", material.kind())?;
        match material {
            Material::Fork { notes: [a, b] } => {
                block(f, "note", &a.to_string())?;
                block(f, "note", &b.to_string())
            }
            Material::Rewrite {
                notes: [a, b],
                prefix,
                proof,
            } => {
                block(f, "note", &a.to_string())?;
                block(f, "note", &b.to_string())?;
                hashes(f, prefix, proof)
            }
            Material::Replaced {
                receipt,
                note,
                leaf,
                proof,
            } => {
                block(f, "receipt", &receipt.to_string())?;
                block(f, "note", &note.to_string())?;
                hashes(f, leaf, proof)
            }
        }
    }
}

impl Material {
    fn kind(&self) -> &'static str {
        match self {
            Self::Fork { .. } => "fork",
            Self::Rewrite { .. } => "rewrite",
            Self::Replaced { .. } => "replaced",
        }
    }
}

fn block(f: &mut fmt::Formatter<'_>, name: &str, text: &str) -> fmt::Result {
    write!(f, "{name} {}\n{text}", text.len())
}

fn hashes(f: &mut fmt::Formatter<'_>, hash: &Hash, proof: &[Hash]) -> fmt::Result {
    writeln!(f, "hash {hash}\nproof {}", proof.len())?;
    proof.iter().try_for_each(|hash| writeln!(f, "{hash}"))
}

fn contradiction(material: &Material) -> Result<Conviction, EvidenceError> {
    match material {
        Material::Fork { notes: [a, b] } => {
            let (a, b) = (Checkpoint::parse(a.text())?, Checkpoint::parse(b.text())?);
            let differ = a.size == b.size && a.root != b.root;
            convict(
                &a.origin,
                &b.origin,
                differ,
                Misbehaviour::Fork { size: a.size },
            )
        }
        Material::Rewrite {
            notes: [a, b],
            prefix,
            proof,
        } => {
            let (a, b) = (Checkpoint::parse(a.text())?, Checkpoint::parse(b.text())?);
            proof::verify_consistency(a.size, b.size, proof, prefix, &b.root)?;
            let (old, new) = (a.size, b.size);
            let misbehaviour = Misbehaviour::Rewrite { old, new };
            let differ = old < new && a.root != *prefix;
            convict(&a.origin, &b.origin, differ, misbehaviour)
        }
        Material::Replaced {
            receipt,
            note,
            leaf,
            proof,
        } => {
            let checkpoint = Checkpoint::parse(note.text())?;
            let (index, size) = (receipt.index(), checkpoint.size);
            proof::verify_inclusion(leaf, index, size, proof, &checkpoint.root)?;
            let differ = *leaf != receipt.leaf_hash();
            let origin = receipt.origin()?;
            let misbehaviour = Misbehaviour::Replaced { index, size };
            convict(&origin, &checkpoint.origin, differ, misbehaviour)
        }
    }
}

fn convict(
    one: &str,
    other: &str,
    contradict: bool,
    misbehaviour: Misbehaviour,
) -> Result<Conviction, EvidenceError> {
    if one != other {
        return Err(EvidenceError::TwoLogs);
    }
    if !contradict {
        return Err(EvidenceError::NoContradiction);
    }
    Ok(Conviction {
        origin: one.to_owned(),
        misbehaviour,
    })
}

/// What is left to read.
struct Reader<'a>(&'a str);

impl<'a> Reader<'a> {
    fn line(&mut self, part: &'static str) -> Result<&'a str, EvidenceError> {
        let split = self.0.split_once('\n');
        let (line, rest) = split.ok_or(EvidenceError::Malformed { part })?;
        self.0 = rest;
        Ok(line)
    }

    fn expect(&mut self, line: &str, part: &'static str) -> Result<(), EvidenceError> {
        if self.line(part)? != line {
            return Err(EvidenceError::Malformed { part });
        }
        Ok(())
    }

    /// A line of the form `name value`.
    fn value(&mut self, name: &'static str) -> Result<&'a str, EvidenceError> {
        let value = self.line(name)?.strip_prefix(name);
        let value = value.and_then(|rest| rest.strip_prefix(' '));
        value.ok_or(EvidenceError::Malformed { part: name })
    }

    fn block(&mut self, name: &'static str) -> Result<&'a str, EvidenceError> {
        let length = parse_decimal(self.value(name)?);
        let length = length.and_then(|length| usize::try_from(length).ok());
        let split = length.and_then(|length| self.0.split_at_checked(length));
        let (text, rest) = split.ok_or(EvidenceError::Malformed { part: name })?;
        self.0 = rest;
        Ok(text)
    }

    fn note(&mut self) -> Result<SignedNote, EvidenceError> {
        Ok(SignedNote::parse(self.block("note")?.as_bytes())?)
    }

    fn hash(&mut self) -> Result<Hash, EvidenceError> {
        let hash = Hash::from_base64(self.value("hash")?);
        hash.ok_or(EvidenceError::Malformed { part: "hash" })
    }

    fn proof(&mut self) -> Result<Vec<Hash>, EvidenceError> {
        let bad = EvidenceError::Malformed { part: "proof" };
        let count = parse_decimal(self.value("proof")?).filter(|count| *count <= MAX_PROOF);
        let mut proof = Vec::new();
        for _ in 0..count.ok_or(bad.clone())? {
            let hash = Hash::from_base64(self.line("proof")?);
            proof.push(hash.ok_or(bad.clone())?);
        }
        Ok(proof)
    }

    fn material(&mut self, kind: &str) -> Result<Material, EvidenceError> {
        match kind {
            "fork" => Ok(Material::Fork {
                notes: [self.note()?, self.note()?],
            }),
            "rewrite" => Ok(Material::Rewrite {
                notes: [self.note()?, self.note()?],
                prefix: self.hash()?,
                proof: self.proof()?,
            }),
            "replaced" => Ok(Material::Replaced {
                receipt: Receipt::parse(self.block("receipt")?)?,
                note: self.note()?,
                leaf: self.hash()?,
                proof: self.proof()?,
            }),
            _ => Err(EvidenceError::Malformed { part: "kind" }),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{hash::leaf_hash, key::LogKey, receipt::Batch, tree::MemoryTree};

    const ORIGIN: &str = "log.example/a";

    fn key() -> Verifier {
        LogKey::from_seed(&[1; 32]).verifier(ORIGIN).unwrap()
    }

    fn tree(tag: u8) -> MemoryTree {
        MemoryTree::new((0..30).map(|i| leaf_hash(&[tag, i])).collect())
    }

    fn note(origin: &str, tag: u8, size: u64) -> SignedNote {
        let Ok(root) = proof::root(&tree(tag), size);
        let checkpoint = Checkpoint {
            origin: origin.into(),
            size,
            root,
            extensions: Vec::new(),
        };
        let signer = LogKey::from_seed(&[1; 32]).signer(origin).unwrap();
        checkpoint.sign(&signer).unwrap().note().clone()
    }

    fn fork() -> Evidence {
        Evidence::fork(note(ORIGIN, 0, 13), note(ORIGIN, 1, 13)).unwrap()
    }

    fn rewrite() -> Evidence {
        let Ok(proof) = proof::prove_consistency(&tree(1), 13, 20);
        let Ok(prefix) = proof::root(&tree(1), 13);
        Evidence::rewrite(note(ORIGIN, 0, 13), note(ORIGIN, 1, 20), prefix, proof).unwrap()
    }

    fn receipt() -> Receipt {
        let leaves = (5..9).map(|i| leaf_hash(&[0, i])).collect();
        let signer = LogKey::from_seed(&[1; 32]).signer(ORIGIN).unwrap();
        Batch::new(5, 1_700_000_000_000, leaves)
            .receipt(7, &signer)
            .unwrap()
    }

    fn replaced() -> Evidence {
        let Ok(path) = proof::prove_inclusion(&tree(1), 7, 20);
        let note = note(ORIGIN, 1, 20);
        Evidence::replaced(receipt(), note, leaf_hash(&[1, 7]), path).unwrap()
    }

    #[test]
    fn the_format_is_the_one_written_down() {
        let (a, b) = (
            note(ORIGIN, 0, 13).to_string(),
            note(ORIGIN, 1, 13).to_string(),
        );
        let expected = format!(
            "liuhen log misbehaviour v1\nfork\nlog.example/a signed two different trees of 13 entries\n\n\
             note {}\n{a}note {}\n{b}",
            a.len(),
            b.len()
        );
        assert_eq!(fork().to_string(), expected);
        let lines = rewrite().to_string();
        let tail: Vec<&str> = lines.lines().rev().skip(6).take(2).collect();
        let Ok(prefix) = proof::root(&tree(1), 13);
        assert_eq!(tail, ["proof 6".to_owned(), format!("hash {prefix}")]);
        assert!(lines.starts_with("liuhen log misbehaviour v1\nrewrite\nlog.example/a signed a tree of 20 entries whose first 13 are not those it had signed\n\nnote "));
        assert!(replaced().to_string().starts_with("liuhen log misbehaviour v1\nreplaced\nlog.example/a gave a receipt for entry 7 and signed a tree of 20 entries with another in its place\n\nreceipt "));
    }

    #[test]
    fn evidence_comes_back_and_convicts_its_log_alone() {
        let stranger = LogKey::from_seed(&[2; 32]).verifier(ORIGIN).unwrap();
        let same_key = LogKey::from_seed(&[1; 32])
            .verifier("log.example/b")
            .unwrap();
        for evidence in [fork(), rewrite(), replaced()] {
            let text = evidence.to_string();
            assert_eq!(Evidence::parse(&text).as_ref(), Ok(&evidence));
            let conviction = verify_evidence(&text, &[&key()]).unwrap();
            assert_eq!(&conviction, evidence.claim());
            assert!(verify_evidence(&text, &[&stranger, &key()]).is_ok());
            for other in [&stranger, &same_key] {
                assert!(verify_evidence(&text, &[other]).is_err());
            }
            assert!(verify_evidence(&text, &[]).is_err());
        }
    }

    #[test]
    fn refuses_what_may_both_hold() {
        use EvidenceError::*;
        let n = |tag, size| note(ORIGIN, tag, size);
        assert_eq!(Evidence::fork(n(0, 13), n(0, 13)), Err(NoContradiction));
        assert_eq!(Evidence::fork(n(0, 13), n(1, 14)), Err(NoContradiction));
        let elsewhere = note("log.example/b", 1, 13);
        assert_eq!(Evidence::fork(n(0, 13), elsewhere), Err(TwoLogs));
        let Ok(proof) = proof::prove_consistency(&tree(0), 13, 20);
        let Ok(prefix) = proof::root(&tree(0), 13);
        let honest = Evidence::rewrite(n(0, 13), n(0, 20), prefix, proof.clone());
        assert_eq!(honest, Err(NoContradiction));
        // A root made up does not lead to the one signed.
        let made_up = Evidence::rewrite(n(0, 13), n(0, 20), leaf_hash(b"x"), proof.clone());
        assert_eq!(made_up, Err(Proof(ProofError::Mismatch)));
        let swapped = Evidence::rewrite(n(1, 20), n(0, 13), prefix, proof);
        assert_eq!(
            swapped,
            Err(Proof(ProofError::Shrinks { old: 20, new: 13 }))
        );
        // Of one size, an older root that is another is shown as a fork, not as growth.
        let Ok(root) = proof::root(&tree(1), 13);
        assert_eq!(
            Evidence::rewrite(n(0, 13), n(1, 13), root, vec![]),
            Err(NoContradiction)
        );
        let Ok(path) = proof::prove_inclusion(&tree(0), 7, 20);
        let own = Evidence::replaced(receipt(), n(0, 20), leaf_hash(&[0, 7]), path.clone());
        assert_eq!(own, Err(NoContradiction));
        let made_up = Evidence::replaced(receipt(), n(0, 20), leaf_hash(b"x"), path);
        assert_eq!(made_up, Err(Proof(ProofError::Mismatch)));
        let early = Evidence::replaced(receipt(), n(0, 7), leaf_hash(b"x"), vec![]);
        assert_eq!(
            early,
            Err(Proof(ProofError::OutOfRange { index: 7, size: 7 }))
        );
    }

    #[test]
    fn refuses_malformed_evidence() {
        let text = rewrite().to_string();
        let change = |from: &str, to: &str| text.replacen(from, to, 1);
        let first = note(ORIGIN, 0, 13);
        let head = format!("note {}", first.to_string().len());
        let within = format!("note {}", first.text().len() + 2);
        let rows = [
            ("empty", String::new(), "first line"),
            ("version", change(" v1", " v2"), "first line"),
            ("kind", change("\nrewrite\n", "\nrewrites\n"), "kind"),
            (
                "sentence",
                change("log.example/a signed", "log.example/b signed"),
                "sentence",
            ),
            (
                "no blank line",
                change("signed\n\n", "signed\nx\n"),
                "blank line",
            ),
            ("length with a zero", change("note ", "note 0"), "note"),
            ("length beyond", change("note ", "note 9"), "note"),
            ("length within a character", change(&head, &within), "note"),
            ("hash", change("hash ", "hash A"), "hash"),
            ("proof too long", change("proof 6", "proof 66"), "proof"),
            ("proof cut", change("proof 6", "proof 7"), "proof"),
            ("bytes behind", format!("{text}\n"), "sentence"),
        ];
        for (name, changed, part) in rows {
            assert_ne!(changed, text, "{name}");
            let expected = Err(EvidenceError::Malformed { part });
            assert_eq!(Evidence::parse(&changed), expected, "{name}");
        }
        let long = "x".repeat(MAX_EVIDENCE_BYTES + 1);
        assert_eq!(Evidence::parse(&long), Err(EvidenceError::TooLong));
    }

    proptest! {
        /// Whatever is changed of a file, it convicts of the same or of nothing.
        #[test]
        fn changed_evidence_convicts_nobody_else(which in 0usize..3, at in any::<prop::sample::Index>(), with in any::<u8>()) {
            let evidence = [fork(), rewrite(), replaced()][which].clone();
            let mut bytes = evidence.to_string().into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = with;
            if let Ok(text) = String::from_utf8(bytes) && text != evidence.to_string() {
                prop_assert!(verify_evidence(&text, &[&key()]).is_err());
            }
        }
    }
}
