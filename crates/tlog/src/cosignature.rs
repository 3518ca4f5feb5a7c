//! Cosignatures: a witness's word that a log only ever grew, and when it said so.
//!
//! Rule: C2SP tlog-cosignature, signature type 0x04 (Ed25519, `cosignature/v1`).
//! Times are POSIX seconds. Cosignatures of other types stay in a note unread;
//! when a witness may cosign belongs to `witness`, how many suffice to `policy`.

use std::fmt;

use ed25519_dalek::{Signature as Ed25519Signature, Signer as _, SigningKey, VerifyingKey};
use zeroize::Zeroizing;

use crate::{
    checkpoint::Checkpoint,
    error::LogError,
    note::{
        COSIGNATURE_V1, NoteError, Signature, SignedNote, check_name, key_id, secret, split_key,
        split_secret, write_vkey,
    },
};

/// Last time a cosignature may bear: 2^63 - 1 seconds.
pub const MAX_TIME: u64 = i64::MAX as u64;

/// A witness's public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CosignerVerifier {
    name: String,
    id: u32,
    key: VerifyingKey,
}

impl CosignerVerifier {
    /// Reads a verifier key string, `name+hex id+base64(0x04 ‖ key)`.
    ///
    /// # Errors
    ///
    /// [`NoteError::BadKeyName`]; [`NoteError::BadKey`] with the part that is wrong.
    pub fn parse(vkey: &str) -> Result<Self, NoteError> {
        let (name, id, material) = split_key(vkey, COSIGNATURE_V1)?;
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
        Ok(Self {
            name: name.to_owned(),
            id: key_id(name, COSIGNATURE_V1, key.as_bytes()),
            key,
        })
    }

    /// The witness's name.
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

    /// Checks one cosignature of the checkpoint that reads `text`; tells its time.
    ///
    /// # Errors
    ///
    /// [`NoteError::BadSignature`]; [`NoteError::BadTime`].
    pub fn check(&self, text: &str, signature: &Signature) -> Result<u64, NoteError> {
        let bad = || NoteError::BadSignature {
            name: self.name.clone(),
        };
        let (time, bytes) = signature.bytes.split_first_chunk().ok_or_else(bad)?;
        let time = check_time(u64::from_be_bytes(*time))?;
        let bytes = Ed25519Signature::from_slice(bytes).map_err(|_| bad())?;
        self.key
            .verify_strict(message(text, time).as_bytes(), &bytes)
            .map_err(|_| bad())?;
        Ok(time)
    }

    /// Checks every cosignature that names this key; tells the latest time, `None` without any.
    ///
    /// # Errors
    ///
    /// [`NoteError::BadSignature`] and [`NoteError::BadTime`]: a note that
    /// bears a false signature of a known key is no good note (C2SP signed-note).
    pub fn verify(&self, note: &SignedNote) -> Result<Option<u64>, NoteError> {
        let mut latest = None;
        for signature in note.signatures().iter().filter(|s| self.claims(s)) {
            latest = latest.max(Some(self.check(note.text(), signature)?));
        }
        Ok(latest)
    }
}

/// Writes the verifier key string.
impl fmt::Display for CosignerVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_vkey(f, &self.name, self.id, COSIGNATURE_V1, &self.key)
    }
}

/// A witness's private key. `Debug` shows the verifier only.
///
/// What is signed does not name the witness, so two witnesses must not share a key.
#[derive(Clone)]
pub struct Cosigner {
    verifier: CosignerVerifier,
    // Wiped on drop by the `zeroize` feature of ed25519-dalek.
    key: SigningKey,
}

impl Cosigner {
    /// Makes a key from the system's random numbers.
    ///
    /// # Errors
    ///
    /// [`LogError::Random`] when the system has none to give; [`NoteError::BadKeyName`].
    pub fn generate(name: &str) -> Result<Self, LogError> {
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(seed.as_mut_slice()).map_err(|_| LogError::Random)?;
        Ok(Self::from_seed(name, &seed)?)
    }

    /// Takes up a key from its 32-byte seed.
    ///
    /// # Errors
    ///
    /// [`NoteError::BadKeyName`].
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, NoteError> {
        let key = SigningKey::from_bytes(seed);
        let verifier = CosignerVerifier::new(name, key.verifying_key())?;
        Ok(Self { verifier, key })
    }

    /// Reads a signing key string, `PRIVATE+KEY+name+hex id+base64(0x04 ‖ seed)`.
    ///
    /// # Errors
    ///
    /// [`NoteError::BadKeyName`]; [`NoteError::BadKey`] with the part that is wrong.
    pub fn parse(skey: &str) -> Result<Self, NoteError> {
        let (name, id, seed) = split_secret(skey, COSIGNATURE_V1)?;
        let cosigner = Self::from_seed(name, &seed)?;
        if cosigner.verifier.id != id {
            return Err(NoteError::BadKey { part: "key id" });
        }
        Ok(cosigner)
    }

    /// The signing key string; wiped when dropped.
    #[must_use]
    pub fn secret(&self) -> Zeroizing<String> {
        let CosignerVerifier { name, id, .. } = &self.verifier;
        secret(name, *id, COSIGNATURE_V1, &self.key)
    }

    /// The public half.
    #[must_use]
    pub fn verifier(&self) -> &CosignerVerifier {
        &self.verifier
    }

    /// Cosigns a checkpoint at `time`, in seconds since 1970. Judges nothing but the time.
    ///
    /// # Errors
    ///
    /// [`NoteError::BadTime`].
    pub fn cosign(&self, checkpoint: &Checkpoint, time: u64) -> Result<Signature, NoteError> {
        let message = message(&checkpoint.to_string(), check_time(time)?);
        let mut bytes = time.to_be_bytes().to_vec();
        bytes.extend_from_slice(&self.key.sign(message.as_bytes()).to_bytes());
        Ok(Signature {
            name: self.verifier.name.clone(),
            id: self.verifier.id,
            bytes,
        })
    }
}

impl fmt::Debug for Cosigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cosigner({})", self.verifier)
    }
}

/// What is signed: two lines, then the whole text of the checkpoint, extensions and all.
fn message(text: &str, time: u64) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

fn check_time(time: u64) -> Result<u64, NoteError> {
    match time {
        1..=MAX_TIME => Ok(time),
        _ => Err(NoteError::BadTime),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{hash::Hash, key::LogKey};

    /// A public checkpoint of May 2026, and the keys its witnesses publish.
    const NOTE: &str = "arche2025h1.staging.ct.transparency.dev\n1432088532\nU7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=\n\n\
        — arche2025h1.staging.ct.transparency.dev zTM8sQAAAZ5W0WdjBAMARjBEAiBjW5IQf9pvsYLfQFX6hoGREPMHbdQ3urbllzalApkptQIgIpwtEroeW2BXaHAI4kJXFbon5Ch9MNL5zRNZ55lvGt0=\n\
        — arche2025h1.staging.ct.transparency.dev ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=\n\
        — transparency.dev/DEV:witness-little-garden 2AQqhwAAAABqEiEgzgFIqqhbUoDwjMWE6UP8nd8/KYTzwZ2rhIgcqoXHAwVkjZr4AscylP3v7sEodkRAErumC2q44vdgJY096st5BQ==\n\
        — witness1.smartit.nu/witness1 pIyCDwAAAABqEiEghIp82KWebrw7/oHQwlTAm3g2RKS4+eebl8eO0WH+/iEcxZ75W3u5hNI7TOQtmJbqmNWVuE0tgh0XwzdZsDsUAQ==\n\
        — remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==\n\
        — witness.stagemole.eu Z/euoAAAAABqEiEgw0i+7g2ENfDAWHmtRzCfKTHSDwYDJA2NmKeGi9Y8FtEyOUvVr+AJmIY/2TUFucgKi7lI7cUiOvKFYe/TmN9DAg==\n";
    const VKEYS: [&str; 4] = [
        "transparency.dev/DEV:witness-little-garden+d8042a87+BCtusOxINQNUTN5Oj8HObRkh2yHf/MwYaGX4CPdiVEPM",
        "witness1.smartit.nu/witness1+a48c820f+BPSFWg9G6KPiO7QPryYO5Xq4oYJJ+kAvLKLSimDhoxMO",
        "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
        "witness.stagemole.eu+67f7aea0+BEqSG3yu9YrmcM3BHvQYTxwFj3uSWakQepafafpUqklv",
    ];

    fn checkpoint(size: u64) -> Checkpoint {
        Checkpoint {
            origin: "log.example/a".into(),
            size,
            root: Hash([7; 32]),
            extensions: Vec::new(),
        }
    }

    fn cosigner() -> Cosigner {
        Cosigner::from_seed("witness.example/w1", &[4; 32]).unwrap()
    }

    #[test]
    fn cosignatures_of_four_public_witnesses_verify() {
        let note = SignedNote::parse(NOTE.as_bytes()).unwrap();
        for vkey in VKEYS {
            let witness = CosignerVerifier::parse(vkey).unwrap();
            assert_eq!(witness.to_string(), vkey);
            assert_eq!(witness.verify(&note), Ok(Some(1_779_573_024)), "{vkey}");
        }
        let grown = NOTE.replace("1432088532", "1432088533");
        let grown = SignedNote::parse(grown.as_bytes()).unwrap();
        for vkey in VKEYS {
            let witness = CosignerVerifier::parse(vkey).unwrap();
            let name = witness.name().to_owned();
            assert_eq!(
                witness.verify(&grown),
                Err(NoteError::BadSignature { name })
            );
        }
    }

    #[test]
    fn refuses_keys_of_another_type() {
        let other = NoteError::BadKey { part: "key type" };
        let log = LogKey::from_seed(&[4; 32])
            .signer("witness.example/w1")
            .unwrap();
        let vkey = log.verifier().to_string();
        assert_eq!(CosignerVerifier::parse(&vkey), Err(other.clone()));
        assert_eq!(Cosigner::parse(&log.secret()).unwrap_err(), other);
        let moved = VKEYS[2].replace("remora", "murena");
        let id = NoteError::BadKey { part: "key id" };
        assert_eq!(CosignerVerifier::parse(&moved), Err(id));
    }

    #[test]
    fn a_plain_signature_is_no_cosignature() {
        // The same key pair under the same name, as the specification warns of.
        let log = LogKey::from_seed(&[4; 32])
            .signer("witness.example/w1")
            .unwrap();
        let mut note = log.sign(checkpoint(7).to_string()).unwrap();
        assert_eq!(cosigner().verifier().verify(&note), Ok(None));
        let mut forged = note.signatures()[0].clone();
        forged.id = cosigner().verifier().id();
        note.add(forged).unwrap();
        assert!(cosigner().verifier().verify(&note).is_err());
    }

    #[test]
    fn refuses_times_that_no_cosignature_may_bear() {
        for time in [0, MAX_TIME + 1, u64::MAX] {
            let refused = cosigner().cosign(&checkpoint(7), time);
            assert_eq!(refused, Err(NoteError::BadTime), "{time}");
        }
        let text = checkpoint(7).to_string();
        let mut signature = cosigner().cosign(&checkpoint(7), MAX_TIME).unwrap();
        let verifier = cosigner().verifier().clone();
        assert_eq!(verifier.check(&text, &signature), Ok(MAX_TIME));
        signature.bytes[..8].fill(0);
        assert_eq!(verifier.check(&text, &signature), Err(NoteError::BadTime));
        signature.bytes.truncate(71);
        assert!(verifier.check(&text, &signature).is_err());
    }

    proptest! {
        #[test]
        fn cosignatures_come_back(seed in any::<[u8; 32]>(), size in any::<u64>(), time in 1..=MAX_TIME) {
            let cosigner = Cosigner::from_seed("w.example/证人", &seed).unwrap();
            let again = Cosigner::parse(&cosigner.secret()).unwrap();
            let line = again.cosign(&checkpoint(size), time).unwrap().to_string();
            let signature = Signature::parse(&line).unwrap();
            let text = checkpoint(size).to_string();
            let vkey = cosigner.verifier().to_string();
            let verifier = CosignerVerifier::parse(&vkey).unwrap();
            prop_assert_eq!(verifier.check(&text, &signature), Ok(time));
            let other = checkpoint(size ^ 1).to_string();
            prop_assert!(verifier.check(&other, &signature).is_err());
        }
    }
}
