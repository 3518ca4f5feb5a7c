//! The log's keys in time: which key signs, which signed before, and why to believe the change.
//!
//! Rule: our own format, as signed notes (C2SP signed-note). The file `keys`
//! holds the statements of all changes, oldest first, an empty line between
//! them; `vkey` beside it keeps the first key, and with it the log's identity:
//!
//! ```text
//! liuhen key rotation v1
//! <origin>
//! <old verifier key>
//! <new verifier key>
//! <size of the tree at the change>
//! <root of that tree>
//! <time of the change, milliseconds since 1970>
//! <the old key signs checkpoints too until then>
//!
//! — <origin> <signature by the old key>
//! — <origin> <signature by the new key>
//! ```
//!
//! The old key vouches for the new one, the new one for having been asked.
//! Whoever follows the statements takes no word of a retired key about
//! anything past the tree at which it was retired.

use std::{fmt, fs, io, path::Path};

use crate::{
    checkpoint::{Checkpoint, SignedCheckpoint, parse_decimal},
    disk::{Disk, write_durably},
    error::LogError,
    hash::Hash,
    key::LogKey,
    log::{Log, Options},
    note::{NoteError, SignedNote, Signer, Verifier},
    receipt::Receipt,
    recover::{lock, read_vkey},
    sequencer::write_checkpoint,
};

const HEAD: &str = "liuhen key rotation v1";
const FILE: &str = "keys";

/// One change of the signing key; both signatures are good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    /// The key before.
    pub old: Verifier,
    /// The key from then on.
    pub new: Verifier,
    /// Entries in the tree at the change: the old key speaks for no more.
    pub size: u64,
    /// Root of that tree.
    pub root: Hash,
    /// When: milliseconds since 1970, UTC.
    pub time_ms: u64,
    /// Until when the old key signs checkpoints too, for clients who know only it.
    pub until_ms: u64,
    note: SignedNote,
}

impl Rotation {
    /// Reads a statement and checks both signatures.
    ///
    /// # Errors
    ///
    /// [`NoteError::BadRotation`] with the part that is wrong;
    /// [`NoteError::Unsigned`] when one of the keys did not sign; those of [`SignedNote::parse`].
    pub fn verify(bytes: &[u8]) -> Result<Self, NoteError> {
        let bad = |part| NoteError::BadRotation { part };
        let note = SignedNote::parse(bytes)?;
        let lines: Vec<&str> = note.text().split('\n').collect();
        let [HEAD, origin, old, new, size, root, time, until, ""] = lines[..] else {
            return Err(bad("lines"));
        };
        let (old, new) = (Verifier::parse(old)?, Verifier::parse(new)?);
        if old.name() != origin || new.name() != origin {
            return Err(NoteError::OtherOrigin);
        }
        if old.id() == new.id() {
            return Err(bad("new key"));
        }
        note.verify(&[&old])?;
        note.verify(&[&new])?;
        Ok(Self {
            size: parse_decimal(size).ok_or(bad("size"))?,
            root: Hash::from_base64(root).ok_or(bad("root"))?,
            time_ms: parse_decimal(time).ok_or(bad("time"))?,
            until_ms: parse_decimal(until).ok_or(bad("end of overlap"))?,
            old,
            new,
            note,
        })
    }

    fn sign(
        old: &Signer,
        new: &Signer,
        at: &Checkpoint,
        time_ms: u64,
        until_ms: u64,
    ) -> Result<Self, NoteError> {
        let (before, after) = (old.verifier(), new.verifier());
        let Checkpoint {
            origin, size, root, ..
        } = at;
        let text =
            format!("{HEAD}\n{origin}\n{before}\n{after}\n{size}\n{root}\n{time_ms}\n{until_ms}\n");
        let note = old.sign(text)?.also(new)?;
        Self::verify(note.to_string().as_bytes())
    }
}

/// Writes the signed statement.
impl fmt::Display for Rotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.note.fmt(f)
    }
}

/// The keys of one log, oldest first: a trusted one, and those it vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    first: Verifier,
    rotations: Vec<Rotation>,
}

impl Keys {
    /// A log whose key never changed, as far as is known.
    #[must_use]
    pub fn of(key: Verifier) -> Self {
        Self {
            first: key,
            rotations: Vec::new(),
        }
    }

    /// Reads the statements that lead on from `first`.
    ///
    /// # Errors
    ///
    /// Those of [`Rotation::verify`]; [`NoteError::BadRotation`] when one does not follow the one before.
    pub fn parse(first: Verifier, text: &str) -> Result<Self, NoteError> {
        let mut keys = Self::of(first);
        for note in statements(text) {
            keys.extend(Rotation::verify(note.as_bytes())?)?;
        }
        Ok(keys)
    }

    /// Reads the statements of a log and keeps those that lead on from `trusted`, wherever among them it stands.
    ///
    /// # Errors
    ///
    /// As for [`Keys::parse`].
    pub fn following(trusted: Verifier, text: &str) -> Result<Self, NoteError> {
        let Some(first) = statements(text).next() else {
            return Ok(Self::of(trusted));
        };
        let first = Rotation::verify(first.as_bytes())?.old;
        Ok(Self::parse(first, text)?.since(&trusted))
    }

    /// As [`Keys::following`], of statements as they were fetched: those that do not hold are of no use, and `trusted` alone is believed.
    #[must_use]
    pub fn believed(trusted: Verifier, fetched: &[u8]) -> Self {
        let text = String::from_utf8_lossy(fetched);
        Self::following(trusted.clone(), &text).unwrap_or_else(|_| Self::of(trusted))
    }

    fn extend(&mut self, next: Rotation) -> Result<(), NoteError> {
        let bad = |part| Err(NoteError::BadRotation { part });
        if next.old != *self.current() {
            return bad("old key");
        }
        if self.all().any(|key| *key == next.new) {
            return bad("new key");
        }
        if self
            .rotations
            .last()
            .is_some_and(|last| last.size > next.size)
        {
            return bad("size");
        }
        self.rotations.push(next);
        Ok(())
    }

    /// The part of the chain from `trusted` on; `trusted` alone when it is not in it.
    #[must_use]
    pub fn since(&self, trusted: &Verifier) -> Self {
        let at = self.all().position(|key| key == trusted);
        Self {
            first: trusted.clone(),
            rotations: at.map_or_else(Vec::new, |at| self.rotations[at..].to_vec()),
        }
    }

    /// The first key: for a log's own directory, the one its identity is bound to.
    #[must_use]
    pub fn first(&self) -> &Verifier {
        &self.first
    }

    /// The key that signs now.
    #[must_use]
    pub fn current(&self) -> &Verifier {
        self.rotations.last().map_or(&self.first, |last| &last.new)
    }

    /// All keys, oldest first.
    pub fn all(&self) -> impl Iterator<Item = &Verifier> {
        let later = self.rotations.iter().map(|rotation| &rotation.new);
        std::iter::once(&self.first).chain(later)
    }

    /// The changes, oldest first.
    #[must_use]
    pub fn rotations(&self) -> &[Rotation] {
        &self.rotations
    }

    /// Keys whose word counts in a tree of `size` entries: those not retired at a smaller one.
    fn at(&self, size: u64) -> Vec<&Verifier> {
        let retired = self.rotations.iter().map(|rotation| Some(rotation.size));
        let retired = retired.chain(std::iter::once(None));
        let pairs = self.all().zip(retired);
        let counts = |retired: Option<u64>| retired.is_none_or(|at| size <= at);
        pairs
            .filter(|(_, at)| counts(*at))
            .map(|(key, _)| key)
            .collect()
    }

    /// Reads a checkpoint and checks that a key signed it that was not retired before it.
    ///
    /// # Errors
    ///
    /// As for [`SignedCheckpoint::verify`].
    pub fn verify_checkpoint(&self, bytes: &[u8]) -> Result<SignedCheckpoint, NoteError> {
        let size = Checkpoint::parse(SignedNote::parse(bytes)?.text())?.size;
        any(&self.at(size), |key| SignedCheckpoint::verify(bytes, key))
    }

    /// Checks a receipt by a key that was not retired before its entry.
    ///
    /// # Errors
    ///
    /// As for [`Receipt::verify`].
    pub fn verify_receipt(&self, receipt: &Receipt) -> Result<(), NoteError> {
        let size = receipt.index().saturating_add(1);
        any(&self.at(size), |key| receipt.verify(key))
    }
}

/// The signed notes in a file of statements.
fn statements(text: &str) -> impl Iterator<Item = String> {
    // Neither a statement's text nor its signatures hold an empty line: pairs of paragraphs.
    let paragraphs: Vec<&str> = match text.trim_end_matches('\n') {
        "" => Vec::new(),
        text => text.split("\n\n").collect(),
    };
    let notes: Vec<String> = paragraphs
        .chunks(2)
        .map(|pair| format!("{}\n", pair.join("\n\n")))
        .collect();
    notes.into_iter()
}

/// The first success; otherwise the first refusal that is more than a missing signature.
fn any<T>(
    keys: &[&Verifier],
    mut check: impl FnMut(&Verifier) -> Result<T, NoteError>,
) -> Result<T, NoteError> {
    let mut worst = NoteError::Unsigned;
    for key in keys {
        match check(key) {
            Ok(found) => return Ok(found),
            Err(NoteError::Unsigned) => {}
            Err(error) => worst = error,
        }
    }
    Err(worst)
}

/// Writes the statements as they are kept and served: oldest first, an empty line between them.
impl fmt::Display for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, rotation) in self.rotations.iter().enumerate() {
            if nth > 0 {
                writeln!(f)?;
            }
            rotation.fmt(f)?;
        }
        Ok(())
    }
}

/// Reads the keys that lie beside the log in `dir`, from its first one on.
///
/// # Errors
///
/// [`LogError::Io`]; [`LogError::Note`] for a statement that is refused.
pub fn read_keys(dir: &Path) -> Result<Keys, LogError> {
    let first = read_vkey(dir)?;
    let path = dir.join(FILE);
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Keys::parse(first, &text)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Keys::of(first)),
        Err(error) => Err(LogError::io("reading", &path)(error)),
    }
}

/// Changes the signing key of a log that nobody holds open.
///
/// First everything durable is put under a checkpoint by the old key, so that
/// none of its receipts lies past its time. `old` opens the log, as `options`
/// say; `new` signs from then on, and until `time_ms + overlap_ms` the old one too.
///
/// # Errors
///
/// As for [`Log::open`]; [`LogError::Locked`] when another process took the log meanwhile.
pub fn rotate(
    dir: &Path,
    old: &LogKey,
    new: &LogKey,
    options: Options,
    time_ms: u64,
    overlap_ms: u64,
) -> Result<Rotation, LogError> {
    let disk = std::sync::Arc::clone(&options.disk);
    let (log, _) = Log::open(dir, old.clone(), options)?;
    let size = log.checkpoint_now()?.size();
    log.close()?;
    let _lock = lock(dir)?;
    let mut keys = read_keys(dir)?;
    let origin = keys.first().name().to_owned();
    let path = dir.join("checkpoint");
    let bytes = fs::read(&path).map_err(LogError::io("reading", &path))?;
    let signed = keys.verify_checkpoint(&bytes)?;
    if signed.size() != size {
        return Err(LogError::Locked { dir: dir.into() });
    }
    let (old, new) = (old.signer(&origin)?, new.signer(&origin)?);
    let until_ms = time_ms.saturating_add(overlap_ms);
    let rotation = Rotation::sign(&old, &new, signed.checkpoint(), time_ms, until_ms)?;
    keys.extend(rotation.clone())?;
    write_keys(&*disk, dir, &keys)?;
    // Cut off here, the checkpoint bears the old key's signature only, which counts up to this size.
    write_checkpoint(&*disk, dir, &signed.also(&new)?)?;
    Ok(rotation)
}

fn write_keys(disk: &dyn Disk, dir: &Path, keys: &Keys) -> Result<(), LogError> {
    let path = dir.join(FILE);
    let failed = LogError::io("writing", &path);
    write_durably(disk, &path, keys.to_string().as_bytes()).map_err(failed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ORIGIN: &str = "rotation.example/log";

    fn signer(seed: u8) -> Signer {
        LogKey::from_seed(&[seed; 32]).signer(ORIGIN).unwrap()
    }

    fn at(size: u64) -> Checkpoint {
        Checkpoint {
            origin: ORIGIN.into(),
            size,
            root: Hash([1; 32]),
            extensions: Vec::new(),
        }
    }

    fn chain() -> Keys {
        let mut keys = Keys::of(signer(1).verifier());
        for (old, new, size) in [(1, 2, 10), (2, 3, 10), (3, 4, 25)] {
            let next = Rotation::sign(&signer(old), &signer(new), &at(size), 1000, 2000);
            keys.extend(next.unwrap()).unwrap();
        }
        keys
    }

    #[test]
    fn statements_come_back_and_count_only_up_to_their_size() {
        let keys = chain();
        let first = signer(1).verifier();
        assert_eq!(Keys::parse(first.clone(), &keys.to_string()).unwrap(), keys);
        assert_eq!(Keys::parse(first.clone(), "").unwrap(), Keys::of(first));
        let accepted = |seed: u8, size| {
            let bytes = at(size).sign(&signer(seed)).unwrap().to_string();
            keys.verify_checkpoint(bytes.as_bytes()).is_ok()
        };
        let rows = [
            (1, 10, true),
            (1, 11, false),
            (2, 10, true),
            (2, 11, false),
            (3, 11, true),
            (3, 25, true),
            (3, 26, false),
            (4, 26, true),
            (5, 5, false),
        ];
        for (seed, size, expected) in rows {
            assert_eq!(accepted(seed, size), expected, "key {seed} at {size}");
        }
        let later = keys.since(&signer(3).verifier());
        assert_eq!((later.all().count(), later.current()), (2, keys.current()));
        let stranger = keys.since(&signer(9).verifier());
        assert_eq!(stranger, Keys::of(signer(9).verifier()));
    }

    #[test]
    fn refuses_statements_by_one_key_forged_or_out_of_place() {
        let good = chain().rotations()[0].to_string();
        let (text, signatures) = good.split_once("\n\n").unwrap();
        let lines: Vec<&str> = signatures.lines().collect();
        let first = || signer(1).verifier();
        let forged = {
            // By the thief of the new key, who does not have the old one.
            let text = format!("{text}\n");
            signer(2)
                .sign(text)
                .unwrap()
                .also(&signer(7))
                .unwrap()
                .to_string()
        };
        let swapped = good.replacen("\n10\n", "\n11\n", 1);
        let later = chain().rotations()[1].to_string();
        let rows = [
            (
                "old key only",
                format!("{text}\n\n{}\n", lines[0]),
                NoteError::Unsigned,
            ),
            (
                "new key only",
                format!("{text}\n\n{}\n", lines[1]),
                NoteError::Unsigned,
            ),
            ("forged", forged, NoteError::Unsigned),
            (
                "size changed",
                swapped,
                NoteError::BadSignature {
                    name: ORIGIN.into(),
                },
            ),
            (
                "not from the first key",
                later,
                NoteError::BadRotation { part: "old key" },
            ),
            (
                "twice",
                format!("{good}\n{good}"),
                NoteError::BadRotation { part: "old key" },
            ),
            ("cut off", text.to_owned(), NoteError::NoSignatures),
        ];
        for (name, text, expected) in rows {
            assert_eq!(Keys::parse(first(), &text), Err(expected), "{name}");
        }
    }

    #[test]
    fn refuses_to_go_back_to_a_key_or_a_size() {
        let mut keys = chain();
        let back = Rotation::sign(&signer(4), &signer(2), &at(30), 0, 0).unwrap();
        assert_eq!(
            keys.extend(back),
            Err(NoteError::BadRotation { part: "new key" })
        );
        let smaller = Rotation::sign(&signer(4), &signer(5), &at(24), 0, 0).unwrap();
        assert_eq!(
            keys.extend(smaller),
            Err(NoteError::BadRotation { part: "size" })
        );
        let itself = Rotation::sign(&signer(4), &signer(4), &at(30), 0, 0);
        assert_eq!(itself, Err(NoteError::BadRotation { part: "new key" }));
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_without_panic(text in "(liuhen key rotation v1\n)?[ -~\n—]{0,200}") {
            let _ = Keys::parse(signer(1).verifier(), &text);
        }
    }
}
