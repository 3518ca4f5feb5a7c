//! The body of an `add-checkpoint` request.
//!
//! Rule: C2SP tlog-witness: an old size, at most 63 hashes, a blank line, a
//! checkpoint. Judges form only; what a witness thinks of it belongs to `witness`.

use std::fmt;

use crate::{
    checkpoint::{Checkpoint, parse_decimal},
    hash::Hash,
    note::{NoteError, SignedNote},
};

/// Most hashes of a consistency proof.
pub const MAX_PROOF: usize = 63;
/// Longest request we read, in bytes; a checkpoint with 16 post-quantum cosignatures is below 120 kB.
pub const MAX_REQUEST_BYTES: usize = 256 << 10;
const OLD: &str = "old ";

/// Why the body of a request was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// Longer than [`MAX_REQUEST_BYTES`].
    #[error("the request is longer than {MAX_REQUEST_BYTES} bytes")]
    TooLong,
    /// Not UTF-8.
    #[error("the request is not UTF-8")]
    BadText,
    /// The first line is not `old` and a decimal number.
    #[error("the first line is not the old size")]
    BadOldSize,
    /// A line of the proof is not the base64 of 32 bytes.
    #[error("line {line} of the proof is not a hash")]
    BadHash {
        /// Counted from one.
        line: usize,
    },
    /// More than [`MAX_PROOF`] hashes.
    #[error("the proof has more than {MAX_PROOF} hashes")]
    ProofTooLong,
    /// The old size is above the checkpoint's.
    #[error("the old size is above the checkpoint's")]
    Shrinks,
    /// No blank line after the proof.
    #[error("no blank line after the proof")]
    NoCheckpoint,
    /// What follows the blank line is no checkpoint.
    #[error(transparent)]
    Note(#[from] NoteError),
}

/// A checkpoint offered to a witness, of good form but not yet believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddCheckpoint {
    old: u64,
    proof: Vec<Hash>,
    checkpoint: Checkpoint,
    note: SignedNote,
}

impl AddCheckpoint {
    /// Offers `note`, which must be a checkpoint, with a proof that it grew from `old` entries.
    ///
    /// # Errors
    ///
    /// [`RequestError::ProofTooLong`]; [`RequestError::Note`].
    pub fn new(old: u64, proof: Vec<Hash>, note: SignedNote) -> Result<Self, RequestError> {
        if proof.len() > MAX_PROOF {
            return Err(RequestError::ProofTooLong);
        }
        let checkpoint = Checkpoint::parse(note.text())?;
        Ok(Self {
            old,
            proof,
            checkpoint,
            note,
        })
    }

    /// Reads the body of a request.
    ///
    /// # Errors
    ///
    /// [`RequestError`] with the first rule that it breaks.
    pub fn parse(body: &[u8]) -> Result<Self, RequestError> {
        if body.len() > MAX_REQUEST_BYTES {
            return Err(RequestError::TooLong);
        }
        let text = std::str::from_utf8(body).map_err(|_| RequestError::BadText)?;
        let (head, note) = text.split_once("\n\n").ok_or(RequestError::NoCheckpoint)?;
        let mut lines = head.split('\n');
        let old = lines.next().and_then(|line| line.strip_prefix(OLD));
        let old = old
            .and_then(parse_decimal)
            .ok_or(RequestError::BadOldSize)?;
        let mut proof = Vec::new();
        for (at, line) in lines.enumerate() {
            if at == MAX_PROOF {
                return Err(RequestError::ProofTooLong);
            }
            let bad = RequestError::BadHash { line: at + 1 };
            proof.push(Hash::from_base64(line).ok_or(bad)?);
        }
        Self::new(old, proof, SignedNote::parse(note.as_bytes())?)
    }

    /// Size that the witness is thought to have cosigned last; zero for none.
    #[must_use]
    pub fn old(&self) -> u64 {
        self.old
    }

    /// Consistency proof from the old size to the checkpoint's.
    #[must_use]
    pub fn proof(&self) -> &[Hash] {
        &self.proof
    }

    /// What the log is said to say.
    #[must_use]
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The checkpoint's note.
    #[must_use]
    pub fn note(&self) -> &SignedNote {
        &self.note
    }
}

/// Writes the body of the request.
impl fmt::Display for AddCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{OLD}{}", self.old)?;
        for hash in &self.proof {
            writeln!(f, "{hash}")?;
        }
        write!(f, "\n{}", self.note)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The example of C2SP tlog-witness; its keys are not published.
    const EXAMPLE: &str = "old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=
";

    #[test]
    fn the_published_example_parses() {
        let request = AddCheckpoint::parse(EXAMPLE.as_bytes()).unwrap();
        assert_eq!((request.old(), request.proof().len()), (20_852_014, 4));
        assert_eq!(request.checkpoint().size, 20_852_163);
        assert_eq!(request.note().signatures().len(), 2);
        assert_eq!(request.to_string(), EXAMPLE);
    }

    #[test]
    fn refuses_malformed_requests() {
        use RequestError::*;
        let change = |from: &str, to: &str| EXAMPLE.replacen(from, to, 1);
        let hash = "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n";
        let many = |more: usize| change(hash, &hash.repeat(1 + more));
        let bad = |part| Note(NoteError::BadCheckpoint { part });
        let rows = [
            ("empty", String::new(), NoCheckpoint),
            ("no old size", change("old 20852014\n", ""), BadOldSize),
            ("capital", change("old", "Old"), BadOldSize),
            ("two spaces", change("old ", "old  "), BadOldSize),
            ("leading zero", change("old ", "old 0"), BadOldSize),
            ("plus", change("old ", "old +"), BadOldSize),
            (
                "past 64 bits",
                change("20852014", "18446744073709551616"),
                BadOldSize,
            ),
            ("carriage return", change("014\n", "014\r\n"), BadOldSize),
            ("short hash", change("PlRN", ""), BadHash { line: 1 }),
            (
                "unpadded hash",
                change("pkaw=", "pkaw"),
                BadHash { line: 1 },
            ),
            ("stray bits", change("j/0=", "j/1="), BadHash { line: 4 }),
            ("64 hashes", many(60), ProofTooLong),
            (
                "no blank line",
                change("0=\n\nexample", "0=\nexample"),
                BadHash { line: 5 },
            ),
            (
                "two blank lines",
                change("0=\n\n", "0=\n\n\n"),
                bad("origin"),
            ),
            (
                "no signatures",
                EXAMPLE.split("— ").next().unwrap().into(),
                Note(NoteError::NoSignatures),
            ),
            (
                "no final newline",
                EXAMPLE.trim_end().into(),
                Note(NoteError::NoSignatures),
            ),
            (
                "size with a zero",
                change("\n20852163", "\n020852163"),
                bad("size"),
            ),
        ];
        for (name, text, expected) in rows {
            assert_eq!(
                AddCheckpoint::parse(text.as_bytes()),
                Err(expected),
                "{name}"
            );
        }
        assert!(AddCheckpoint::parse(many(59).as_bytes()).is_ok());
        assert_eq!(AddCheckpoint::parse(b"old \xff\n\n"), Err(BadText));
        let long = vec![b'a'; MAX_REQUEST_BYTES + 1];
        assert_eq!(AddCheckpoint::parse(&long), Err(TooLong));
    }

    proptest! {
        #[test]
        fn any_bytes_are_parsed_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), at in any::<prop::sample::Index>(), with in any::<u8>()) {
            let _ = AddCheckpoint::parse(&bytes);
            let mut changed = EXAMPLE.as_bytes().to_vec();
            let at = at.index(changed.len());
            changed[at] = with;
            if let Ok(request) = AddCheckpoint::parse(&changed) {
                prop_assert_eq!(request.to_string().into_bytes(), changed);
            }
        }
    }
}
