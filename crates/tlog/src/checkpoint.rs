//! Checkpoints: a log's origin, size and root, as the text of a signed note.
//!
//! Rule: C2SP tlog-checkpoint. Judges form and the log's own signature;
//! whether the tree behind it is sound belongs to `proof` and `verify`.

use std::fmt;

use crate::{
    hash::Hash,
    note::{NoteError, Signature, SignedNote, Signer, Verifier},
};

/// What a log says of itself at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's identity: one non-empty line.
    pub origin: String,
    /// Number of leaves.
    pub size: u64,
    /// Root of the tree of that size.
    pub root: Hash,
    /// Opaque, non-empty lines. We write none.
    pub extensions: Vec<String>,
}

impl Checkpoint {
    /// Reads the text of a note.
    ///
    /// # Errors
    ///
    /// [`NoteError::BadCheckpoint`] with the part that is wrong.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let bad = |part| NoteError::BadCheckpoint { part };
        let body = text.strip_suffix('\n').ok_or(bad("final newline"))?;
        let mut lines = body.split('\n');
        let origin = lines.next().filter(|o| !o.is_empty());
        let origin = origin.ok_or(bad("origin"))?.to_owned();
        let size = lines.next().and_then(parse_decimal).ok_or(bad("size"))?;
        let root = lines.next().and_then(Hash::from_base64);
        let root = root.ok_or(bad("root hash"))?;
        let extensions: Vec<String> = lines.map(str::to_owned).collect();
        if extensions.iter().any(String::is_empty) {
            return Err(bad("extension line"));
        }
        Ok(Self {
            origin,
            size,
            root,
            extensions,
        })
    }

    /// Signs the checkpoint.
    ///
    /// # Errors
    ///
    /// [`NoteError::BadText`] when origin or extensions hold what no note may hold.
    pub fn sign(self, signer: &Signer) -> Result<SignedCheckpoint, NoteError> {
        let text = self.to_string();
        // What would not read back must not be signed.
        if Self::parse(&text)? != self {
            return Err(NoteError::BadText);
        }
        let note = signer.sign(text)?;
        Ok(SignedCheckpoint {
            checkpoint: self,
            note,
        })
    }
}

/// Writes the text that is signed.
impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, self.root)?;
        self.extensions
            .iter()
            .try_for_each(|line| writeln!(f, "{line}"))
    }
}

/// A checkpoint whose log signature was checked or made here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    checkpoint: Checkpoint,
    note: SignedNote,
}

impl SignedCheckpoint {
    /// Reads a signed note and checks that `log` signed it about itself.
    ///
    /// # Errors
    ///
    /// Those of [`SignedNote::parse`], [`SignedNote::verify`] and
    /// [`Checkpoint::parse`]; [`NoteError::OtherOrigin`] when the origin is
    /// not the key's name.
    pub fn verify(bytes: &[u8], log: &Verifier) -> Result<Self, NoteError> {
        Self::verify_note(SignedNote::parse(bytes)?, &[log])
    }

    /// Checks that one of `logs`, the keys of one log or of several, signed the note about itself.
    ///
    /// # Errors
    ///
    /// As for [`SignedCheckpoint::verify`].
    pub fn verify_note(note: SignedNote, logs: &[&Verifier]) -> Result<Self, NoteError> {
        let signed = note.verify(logs)?;
        let checkpoint = Checkpoint::parse(note.text())?;
        if !signed.iter().any(|log| log.name() == checkpoint.origin) {
            return Err(NoteError::OtherOrigin);
        }
        Ok(Self { checkpoint, note })
    }

    /// Adds a signature line in place of any by the same key, such as a newer cosignature.
    ///
    /// # Errors
    ///
    /// [`NoteError::BadKeyName`]; [`NoteError::TooManySignatures`].
    pub fn put(&mut self, signature: Signature) -> Result<(), NoteError> {
        self.note.put(signature)
    }

    pub(crate) fn into_parts(self) -> (Checkpoint, SignedNote) {
        (self.checkpoint, self.note)
    }

    /// The same, signed by another key of the log too.
    pub(crate) fn also(self, signer: &Signer) -> Result<Self, NoteError> {
        let note = self.note.also(signer)?;
        Ok(Self { note, ..self })
    }

    /// What the log says.
    #[must_use]
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The note with all its signatures.
    #[must_use]
    pub fn note(&self) -> &SignedNote {
        &self.note
    }

    /// Number of leaves.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.checkpoint.size
    }

    /// Root of the tree.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.checkpoint.root
    }
}

/// Writes the signed note, as served at `checkpoint`.
impl fmt::Display for SignedCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.note.fmt(f)
    }
}

/// ASCII digits without leading zeros.
pub(crate) fn parse_decimal(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits || (text.len() > 1 && text.starts_with('0')) {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::key::LogKey;

    /// The example of C2SP tlog-checkpoint (its key is not published there).
    const TEXT: &str =
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
    const LINE: &str = "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n";

    #[test]
    fn published_example_parses() {
        let note = SignedNote::parse(format!("{TEXT}\n{LINE}").as_bytes()).unwrap();
        let checkpoint = Checkpoint::parse(note.text()).unwrap();
        assert_eq!(checkpoint.origin, "example.com/behind-the-sofa");
        assert_eq!(checkpoint.size, 20_852_163);
        assert_eq!(checkpoint.to_string(), TEXT);
    }

    #[test]
    fn refuses_malformed_checkpoints() {
        let root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
        let rows = [
            ("empty", String::new(), "final newline"),
            ("no final newline", format!("a\n1\n{root}"), "final newline"),
            ("empty origin", format!("\n1\n{root}\n"), "origin"),
            ("leading zero", format!("a\n01\n{root}\n"), "size"),
            ("plus sign", format!("a\n+1\n{root}\n"), "size"),
            ("empty size", format!("a\n\n{root}\n"), "size"),
            (
                "past 64 bits",
                format!("a\n18446744073709551616\n{root}\n"),
                "size",
            ),
            ("no root", "a\n1\n".to_owned(), "root hash"),
            ("short root", "a\n1\nAAAA\n".to_owned(), "root hash"),
            (
                "unpadded root",
                format!("a\n1\n{}\n", root.trim_end_matches('=')),
                "root hash",
            ),
            (
                "empty extension",
                format!("a\n1\n{root}\n\n"),
                "extension line",
            ),
        ];
        for (name, text, part) in rows {
            let expected = Err(NoteError::BadCheckpoint { part });
            assert_eq!(Checkpoint::parse(&text), expected, "{name}");
        }
    }

    #[test]
    fn refuses_a_checkpoint_about_another_log() {
        let signer = LogKey::from_seed(&[3; 32]).signer("log.example/a").unwrap();
        let foreign = Checkpoint {
            origin: "log.example/b".into(),
            size: 0,
            root: Hash::empty_root(),
            extensions: Vec::new(),
        };
        let bytes = foreign.sign(&signer).unwrap().to_string();
        assert_eq!(
            SignedCheckpoint::verify(bytes.as_bytes(), &signer.verifier()),
            Err(NoteError::OtherOrigin)
        );
    }

    #[test]
    fn refuses_to_sign_what_would_not_read_back() {
        let signer = LogKey::from_seed(&[3; 32]).signer("log.example/a").unwrap();
        let split = Checkpoint {
            origin: "two\nlines".into(),
            size: 0,
            root: Hash::empty_root(),
            extensions: Vec::new(),
        };
        assert!(split.sign(&signer).is_err());
    }

    proptest! {
        #[test]
        fn checkpoints_come_back(size in any::<u64>(), root in any::<[u8; 32]>(), ext in proptest::collection::vec("[a-z 中]{1,9}", 0..3)) {
            let signer = LogKey::from_seed(&[9; 32]).signer("log.example/a").unwrap();
            let checkpoint = Checkpoint { origin: "log.example/a".into(), size, root: Hash(root), extensions: ext };
            let signed = checkpoint.clone().sign(&signer).unwrap();
            let again = SignedCheckpoint::verify(signed.to_string().as_bytes(), &signer.verifier()).unwrap();
            prop_assert_eq!(again.checkpoint(), &checkpoint);
        }
    }
}
