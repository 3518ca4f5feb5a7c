//! The log's signing key.
//!
//! Rule: RFC 8032 (Ed25519). Here a key is 32 bytes in memory, wiped when
//! dropped; keeping it sealed at rest belongs to whoever opens the log.

use std::fmt;

use ed25519_dalek::SigningKey;
use zeroize::Zeroizing;

use crate::{
    error::LogError,
    note::{NoteError, Signer, Verifier},
};

/// An Ed25519 key that signs checkpoints and receipts. `Debug` shows no part of it.
#[derive(Clone)]
pub struct LogKey {
    // Wiped on drop by the `zeroize` feature of ed25519-dalek.
    key: SigningKey,
}

impl LogKey {
    /// Makes a key from the system's random numbers.
    ///
    /// # Errors
    ///
    /// [`LogError::Random`] when the system has none to give.
    pub fn generate() -> Result<Self, LogError> {
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(seed.as_mut_slice()).map_err(|_| LogError::Random)?;
        Ok(Self::from_seed(&seed))
    }

    /// Takes up a key from its 32-byte seed.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self {
            key: SigningKey::from_bytes(seed),
        }
    }

    /// The seed, for sealing; wiped when the copy is dropped.
    #[must_use]
    pub fn seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.key.to_bytes())
    }

    /// A note signer under `name`.
    ///
    /// # Errors
    ///
    /// [`NoteError::BadKeyName`].
    pub fn signer(&self, name: &str) -> Result<Signer, NoteError> {
        Signer::new(name, &self.key)
    }

    /// The verifier that belongs to [`LogKey::signer`].
    ///
    /// # Errors
    ///
    /// [`NoteError::BadKeyName`].
    pub fn verifier(&self, name: &str) -> Result<Verifier, NoteError> {
        Ok(self.signer(name)?.verifier())
    }
}

impl fmt::Debug for LogKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LogKey(32 bytes)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_key_again() {
        let key = LogKey::generate().unwrap();
        let again = LogKey::from_seed(&key.seed());
        let name = "log.example/a";
        assert_eq!(
            key.verifier(name).unwrap().to_string(),
            again.verifier(name).unwrap().to_string()
        );
        assert_eq!(format!("{key:?}"), "LogKey(32 bytes)");
    }
}
