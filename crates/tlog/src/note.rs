//! Signed notes: text, a blank line, signature lines.
//!
//! Rule: C2SP signed-note, signature type 0x01 (Ed25519); signing-key strings
//! as Go's `golang.org/x/mod/sumdb/note` writes them. Parsing is strict and
//! every refusal has a name. What a note's text says belongs to `checkpoint`
//! and `receipt`; cosignatures of type 0x04 are judged by `cosignature`, those
//! of type 0x06 (ML-DSA) are carried, not judged.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signature as Ed25519Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// Signature type of plain Ed25519 notes.
const ED25519: u8 = 0x01;
/// Signature type of Ed25519 cosignatures with a time (C2SP tlog-cosignature).
pub(crate) const COSIGNATURE_V1: u8 = 0x04;
/// Longest note we read; a checkpoint with 16 post-quantum cosignatures is below 120 kB.
pub const MAX_NOTE_BYTES: usize = 1 << 20;
/// Most signatures we read; the specification demands at least 16.
pub const MAX_SIGNATURES: usize = 64;
const SIGNATURE_PREFIX: &str = "— ";
const SKEY_PREFIX: &str = "PRIVATE+KEY+";

/// Why a note, a checkpoint, a receipt or a key string was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoteError {
    /// Longer than [`MAX_NOTE_BYTES`].
    #[error("the note is longer than {MAX_NOTE_BYTES} bytes")]
    TooLong,
    /// Not UTF-8, or a control character other than a newline.
    #[error("the note holds bytes that no note may hold")]
    BadText,
    /// No blank line between the text and signatures, or no newline at the end.
    #[error("the note has no signature block")]
    NoSignatures,
    /// A signature line of another form.
    #[error("signature line {line} is malformed")]
    BadSignatureLine {
        /// Counted from one, within the signature block.
        line: usize,
    },
    /// More than [`MAX_SIGNATURES`].
    #[error("the note has more than {MAX_SIGNATURES} signatures")]
    TooManySignatures,
    /// Empty, or with a space, a plus or a control character.
    #[error("a key name is empty or holds a space, a plus or a control character")]
    BadKeyName,
    /// A verifier or signing key string of another form.
    #[error("the key string is malformed: {part}")]
    BadKey {
        /// The part that is wrong.
        part: &'static str,
    },
    /// A key we know signed nothing here.
    #[error("no signature by a known key")]
    Unsigned,
    /// A signature that names a key we know does not verify.
    #[error("the signature by {name} does not verify")]
    BadSignature {
        /// Name of the key.
        name: String,
    },
    /// The time of a cosignature, in seconds since 1970, is zero or past 2^63 - 1.
    #[error("the time of a cosignature is zero or past 2^63 - 1")]
    BadTime,
    /// A line of a checkpoint breaks C2SP tlog-checkpoint.
    #[error("the checkpoint is malformed: {part}")]
    BadCheckpoint {
        /// The part that is wrong.
        part: &'static str,
    },
    /// The note speaks for another log.
    #[error("the note is about another log")]
    OtherOrigin,
    /// A line of a receipt breaks its format.
    #[error("the receipt is malformed: {part}")]
    BadReceipt {
        /// The part that is wrong.
        part: &'static str,
    },
    /// A statement about a change of keys breaks its format or does not follow the one before.
    #[error("the statement about a change of keys is malformed: {part}")]
    BadRotation {
        /// The part that is wrong.
        part: &'static str,
    },
    /// The receipt's path does not lead to the signed root.
    #[error("the receipt's leaf is not in the signed batch")]
    NotInBatch,
}

/// A public key that checks signatures on notes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verifier {
    name: String,
    id: u32,
    key: VerifyingKey,
}

impl Verifier {
    /// Reads a verifier key string, `name+hex id+base64(0x01 ‖ key)`.
    ///
    /// # Errors
    ///
    /// [`NoteError::BadKeyName`]; [`NoteError::BadKey`] with the part that is wrong.
    pub fn parse(vkey: &str) -> Result<Self, NoteError> {
        let (name, id, material) = split_key(vkey, ED25519)?;
        let key = VerifyingKey::from_bytes(&material)
            .map_err(|_| NoteError::BadKey { part: "public key" })?;
        let verifier = Self::new(name, key)?;
        if verifier.id != id {
            return Err(NoteError::BadKey { part: "key id" });
        }
        Ok(verifier)
    }

    fn new(name: &str, key: VerifyingKey) -> Result<Self, NoteError> {
        check_name(name)?;
        let id = key_id(name, ED25519, key.as_bytes());
        Ok(Self {
            name: name.to_owned(),
            id,
            key,
        })
    }

    /// The key's name; for a log, its origin.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key's id: the first four bytes of a hash, big endian.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The public key: 32 bytes, RFC 8032.
    #[must_use]
    pub fn public_key(&self) -> [u8; 32] {
        self.key.to_bytes()
    }

    /// Whether a signature line names this key.
    #[must_use]
    pub fn claims(&self, signature: &Signature) -> bool {
        self.id == signature.id && self.name == signature.name
    }

    fn check(&self, text: &str, signature: &[u8]) -> Result<(), NoteError> {
        let bad = || NoteError::BadSignature {
            name: self.name.clone(),
        };
        let signature = Ed25519Signature::from_slice(signature).map_err(|_| bad())?;
        // Strict: refuses keys of small order, under which one signature fits many texts.
        self.key
            .verify_strict(text.as_bytes(), &signature)
            .map_err(|_| bad())
    }
}

/// Writes the verifier key string.
impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_vkey(f, &self.name, self.id, ED25519, &self.key)
    }
}

/// A private key that signs notes. `Debug` shows the verifier only.
#[derive(Clone)]
pub struct Signer {
    verifier: Verifier,
    key: SigningKey,
}

impl Signer {
    pub(crate) fn new(name: &str, key: &SigningKey) -> Result<Self, NoteError> {
        let verifier = Verifier::new(name, key.verifying_key())?;
        Ok(Self {
            verifier,
            key: key.clone(),
        })
    }

    /// Reads a signing key string, `PRIVATE+KEY+name+hex id+base64(0x01 ‖ seed)`.
    ///
    /// # Errors
    ///
    /// [`NoteError::BadKeyName`]; [`NoteError::BadKey`] with the part that is wrong.
    pub fn parse(skey: &str) -> Result<Self, NoteError> {
        let (name, id, material) = split_secret(skey, ED25519)?;
        let signer = Self::new(name, &SigningKey::from_bytes(&material))?;
        if signer.verifier.id != id {
            return Err(NoteError::BadKey { part: "key id" });
        }
        Ok(signer)
    }

    /// The signing key string; wiped when dropped.
    #[must_use]
    pub fn secret(&self) -> Zeroizing<String> {
        secret(&self.verifier.name, self.verifier.id, ED25519, &self.key)
    }

    /// The public half.
    #[must_use]
    pub fn verifier(&self) -> Verifier {
        self.verifier.clone()
    }

    /// Signs `text`, which must end in a newline and hold no control characters besides.
    ///
    /// # Errors
    ///
    /// [`NoteError::BadText`].
    pub fn sign(&self, text: String) -> Result<SignedNote, NoteError> {
        if !text.ends_with('\n') || !is_note_text(&text) {
            return Err(NoteError::BadText);
        }
        let signature = self.key.sign(text.as_bytes()).to_bytes();
        let signatures = vec![Signature {
            name: self.verifier.name.clone(),
            id: self.verifier.id,
            bytes: signature.to_vec(),
        }];
        Ok(SignedNote { text, signatures })
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.verifier)
    }
}

/// One signature line: who, and the bytes after the key id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Name of the key.
    pub name: String,
    /// Id of the key.
    pub id: u32,
    /// What the algorithm gave; 64 bytes for Ed25519.
    pub bytes: Vec<u8>,
}

impl Signature {
    /// Reads a signature line without its newline; judges its form only.
    ///
    /// `None` when it breaks C2SP signed-note.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        let (name, encoded) = line.strip_prefix(SIGNATURE_PREFIX)?.split_once(' ')?;
        check_name(name).ok()?;
        let tagged = STANDARD.decode(encoded).ok()?;
        let (id, bytes) = tagged.split_first_chunk::<4>()?;
        if bytes.is_empty() {
            return None;
        }
        Some(Self {
            name: name.to_owned(),
            id: u32::from_be_bytes(*id),
            bytes: bytes.to_vec(),
        })
    }

    /// Whether both name one key.
    pub(crate) fn same_key(&self, other: &Self) -> bool {
        self.id == other.id && self.name == other.name
    }
}

/// Writes the signature line, without a newline.
impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, id, bytes } = self;
        let mut tagged = id.to_be_bytes().to_vec();
        tagged.extend_from_slice(bytes);
        write!(f, "{SIGNATURE_PREFIX}{name} {}", STANDARD.encode(tagged))
    }
}

/// A note and its signatures, of good form but not yet believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedNote {
    text: String,
    signatures: Vec<Signature>,
}

impl SignedNote {
    /// Reads a note; judges its form only.
    ///
    /// # Errors
    ///
    /// The first rule of C2SP signed-note that it breaks.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > MAX_NOTE_BYTES {
            return Err(NoteError::TooLong);
        }
        let whole = std::str::from_utf8(bytes).map_err(|_| NoteError::BadText)?;
        if !is_note_text(whole) {
            return Err(NoteError::BadText);
        }
        let at = whole.rfind("\n\n").ok_or(NoteError::NoSignatures)?;
        let (text, block) = (&whole[..=at], &whole[at + 2..]);
        let block = block.strip_suffix('\n').ok_or(NoteError::NoSignatures)?;
        let mut signatures = Vec::new();
        for (at, line) in block.split('\n').enumerate() {
            if at == MAX_SIGNATURES {
                return Err(NoteError::TooManySignatures);
            }
            let malformed = NoteError::BadSignatureLine { line: at + 1 };
            signatures.push(Signature::parse(line).ok_or(malformed)?);
        }
        Ok(Self {
            text: text.to_owned(),
            signatures,
        })
    }

    /// Checks every signature whose name and id belong to one of `known`.
    ///
    /// Signatures by other keys are left alone, as the specification asks, so
    /// that cosignatures may be added. Returns the keys that signed.
    ///
    /// # Errors
    ///
    /// [`NoteError::Unsigned`]; [`NoteError::BadSignature`].
    pub fn verify<'a>(&self, known: &[&'a Verifier]) -> Result<Vec<&'a Verifier>, NoteError> {
        let mut by = Vec::new();
        for signature in &self.signatures {
            if let Some(verifier) = known.iter().find(|v| v.claims(signature)) {
                verifier.check(&self.text, &signature.bytes)?;
                by.push(*verifier);
            }
        }
        if by.is_empty() {
            return Err(NoteError::Unsigned);
        }
        Ok(by)
    }

    /// What was signed, its last newline included.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signature lines, in order.
    #[must_use]
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// The same text with those signatures alone that `keep` wants, each key's first.
    pub(crate) fn only(&self, keep: impl Fn(&Signature) -> bool) -> Self {
        let mut signatures: Vec<Signature> = Vec::new();
        for signature in self.signatures.iter().filter(|s| keep(s)) {
            if !signatures.iter().any(|s| s.same_key(signature)) {
                signatures.push(signature.clone());
            }
        }
        Self {
            text: self.text.clone(),
            signatures,
        }
    }

    /// Adds a signature line in place of any by the same key.
    ///
    /// # Errors
    ///
    /// Those of [`SignedNote::add`].
    pub(crate) fn put(&mut self, signature: Signature) -> Result<(), NoteError> {
        self.signatures.retain(|s| !s.same_key(&signature));
        self.add(signature)
    }

    /// Adds the signature of another key of ours.
    ///
    /// # Errors
    ///
    /// As for [`SignedNote::add`].
    pub(crate) fn also(mut self, signer: &Signer) -> Result<Self, NoteError> {
        let Verifier { name, id, .. } = &signer.verifier;
        self.add(Signature {
            name: name.clone(),
            id: *id,
            bytes: signer.key.sign(self.text.as_bytes()).to_bytes().to_vec(),
        })?;
        Ok(self)
    }

    /// Adds a signature line, such as a witness's cosignature.
    ///
    /// # Errors
    ///
    /// [`NoteError::BadKeyName`]; [`NoteError::TooManySignatures`].
    pub fn add(&mut self, signature: Signature) -> Result<(), NoteError> {
        check_name(&signature.name)?;
        if self.signatures.len() >= MAX_SIGNATURES {
            return Err(NoteError::TooManySignatures);
        }
        self.signatures.push(signature);
        Ok(())
    }
}

/// Writes the note as it is stored and sent.
impl fmt::Display for SignedNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        let mut lines = self.signatures.iter();
        lines.try_for_each(|signature| writeln!(f, "{signature}"))
    }
}

pub(crate) fn key_id(name: &str, kind: u8, public: &[u8; 32]) -> u32 {
    let mut sha = Sha256::new();
    sha.update(name.as_bytes());
    sha.update([b'\n', kind]);
    sha.update(public);
    let [a, b, c, d, ..]: [u8; 32] = sha.finalize().into();
    u32::from_be_bytes([a, b, c, d])
}

pub(crate) fn check_name(name: &str) -> Result<(), NoteError> {
    let bad = |c: char| c.is_whitespace() || c == '+' || c.is_control();
    if name.is_empty() || name.contains(bad) {
        return Err(NoteError::BadKeyName);
    }
    Ok(())
}

fn is_note_text(text: &str) -> bool {
    text.bytes().all(|b| b >= 0x20 || b == b'\n')
}

pub(crate) fn write_vkey(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    id: u32,
    kind: u8,
    key: &VerifyingKey,
) -> fmt::Result {
    let mut material = vec![kind];
    material.extend_from_slice(key.as_bytes());
    write!(f, "{name}+{id:08x}+{}", STANDARD.encode(material))
}

/// A signing key string: the prefix, name, id and base64 of `kind ‖ seed`.
pub(crate) fn secret(name: &str, id: u32, kind: u8, key: &SigningKey) -> Zeroizing<String> {
    let mut material = Zeroizing::new([kind; 33]);
    material[1..].copy_from_slice(key.as_bytes());
    let key = Zeroizing::new(STANDARD.encode(material.as_slice()));
    Zeroizing::new(format!("{SKEY_PREFIX}{name}+{id:08x}+{}", *key))
}

pub(crate) fn split_secret(skey: &str, kind: u8) -> Result<KeyParts<'_>, NoteError> {
    let bad = NoteError::BadKey { part: "prefix" };
    split_key(skey.strip_prefix(SKEY_PREFIX).ok_or(bad)?, kind)
}

/// Name, id, and 32 bytes of key.
type KeyParts<'a> = (&'a str, u32, Zeroizing<[u8; 32]>);

pub(crate) fn split_key(text: &str, kind: u8) -> Result<KeyParts<'_>, NoteError> {
    let bad = |part| NoteError::BadKey { part };
    // Base64 may hold a plus, names may not: split from the left.
    let mut parts = text.splitn(3, '+');
    let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(bad("three parts"));
    };
    check_name(name)?;
    let is_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    if id.len() != 8 || !id.bytes().all(is_hex) {
        return Err(bad("key id"));
    }
    let id = u32::from_str_radix(id, 16).map_err(|_| bad("key id"))?;
    let material = Zeroizing::new(STANDARD.decode(key).map_err(|_| bad("base64"))?);
    match material.split_first() {
        Some((&found, rest)) if found == kind => {
            let key: [u8; 32] = rest.try_into().map_err(|_| bad("key length"))?;
            Ok((name, id, Zeroizing::new(key)))
        }
        _ => Err(bad("key type")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::key::LogKey;

    /// The example of C2SP signed-note.
    const VKEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    const NOTE: &str = "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

    #[test]
    fn published_example_verifies() {
        let verifier = Verifier::parse(VKEY).unwrap();
        assert_eq!(verifier.to_string(), VKEY);
        let note = SignedNote::parse(NOTE.as_bytes()).unwrap();
        assert_eq!(note.verify(&[&verifier]).unwrap(), [&verifier]);
        assert_eq!(note.text(), "This is an example message.\n");
        assert_eq!(note.to_string(), NOTE);
    }

    #[test]
    fn refuses_malformed_notes() {
        use NoteError::*;
        let line = "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=";
        let rows: [(&str, String, NoteError); 12] = [
            ("empty", String::new(), NoSignatures),
            ("no blank line", format!("text\n{line}\n"), NoSignatures),
            ("no final newline", format!("text\n\n{line}"), NoSignatures),
            ("no signature", "text\n\n".into(), NoSignatures),
            ("carriage return", format!("text\r\n\n{line}\n"), BadText),
            ("nul", format!("te\0xt\n\n{line}\n"), BadText),
            (
                "hyphen for dash",
                format!("t\n\n{}\n", line.replace('—', "-")),
                BadSignatureLine { line: 1 },
            ),
            (
                "plus in name",
                format!("t\n\n{}\n", line.replace("/foo", "+foo")),
                BadSignatureLine { line: 1 },
            ),
            (
                "second line",
                format!("t\n\n{line}\n— a b\n"),
                BadSignatureLine { line: 2 },
            ),
            (
                "four bytes",
                "t\n\n— a AAAAAA==\n".into(),
                BadSignatureLine { line: 1 },
            ),
            (
                "unpadded",
                format!("t\n\n{}\n", line.trim_end_matches('=')),
                BadSignatureLine { line: 1 },
            ),
            (
                "too many",
                format!("t\n\n{}", format!("{line}\n").repeat(65)),
                TooManySignatures,
            ),
        ];
        for (name, text, expected) in rows {
            assert_eq!(SignedNote::parse(text.as_bytes()), Err(expected), "{name}");
        }
        assert_eq!(SignedNote::parse(&[0xff, b'\n']), Err(BadText));
        assert_eq!(
            SignedNote::parse(&vec![b'a'; MAX_NOTE_BYTES + 1]),
            Err(TooLong)
        );
    }

    #[test]
    fn refuses_malformed_keys() {
        use NoteError::*;
        let rows = [
            (
                "no parts",
                "example.com/foo",
                BadKey {
                    part: "three parts",
                },
            ),
            (
                "empty name",
                "+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
                BadKeyName,
            ),
            (
                "wrong id",
                "example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
                BadKey { part: "key id" },
            ),
            (
                "capital id",
                "example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
                BadKey { part: "key id" },
            ),
            (
                "signed id",
                "example.com/foo++30d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
                BadKey { part: "key id" },
            ),
            (
                "other type",
                "example.com/foo+530d903a+AukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
                BadKey { part: "key type" },
            ),
            (
                "short key",
                "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4",
                BadKey { part: "key length" },
            ),
        ];
        for (name, text, expected) in rows {
            assert_eq!(Verifier::parse(text), Err(expected), "{name}");
        }
    }

    #[test]
    fn refuses_changed_text_and_strangers() {
        let verifier = Verifier::parse(VKEY).unwrap();
        let changed = NOTE.replace("example message", "examp1e message");
        let note = SignedNote::parse(changed.as_bytes()).unwrap();
        let name = "example.com/foo".to_owned();
        assert_eq!(
            note.verify(&[&verifier]),
            Err(NoteError::BadSignature { name })
        );
        let stranger = LogKey::from_seed(&[1; 32])
            .verifier("example.com/foo")
            .unwrap();
        assert_eq!(note.verify(&[&stranger]), Err(NoteError::Unsigned));
    }

    proptest! {
        #[test]
        fn signed_notes_come_back(text in "[a-zA-Z0-9 \n—中]{0,80}", seed in any::<[u8; 32]>()) {
            let signer = LogKey::from_seed(&seed).signer("log.example/日志").unwrap();
            let note = signer.sign(format!("{text}\n")).unwrap();
            let again = SignedNote::parse(note.to_string().as_bytes()).unwrap();
            prop_assert_eq!(&again, &note);
            prop_assert!(again.verify(&[&signer.verifier()]).is_ok());
            let reread = Signer::parse(&signer.secret()).unwrap();
            prop_assert_eq!(reread.verifier(), signer.verifier());
        }

        #[test]
        fn any_bytes_are_parsed_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = SignedNote::parse(&bytes);
            let _ = Verifier::parse(&String::from_utf8_lossy(&bytes));
        }
    }
}
