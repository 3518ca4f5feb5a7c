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
