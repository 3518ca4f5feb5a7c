//! Leaves: one traced event, sealed for those who may read it.
//!
//! Leaf format 1, all integers big-endian, `‖` concatenation, text without terminator:
//!
//! ```text
//! label(n)   = HMAC-SHA256(k_s, "liuhen/label/v1" ‖ n:u64)                  32 bytes
//! salt(n)    = HMAC-SHA256(k_s, "liuhen/salt/v1" ‖ n:u64)                   32 bytes
//! commitment = SHA-256("liuhen/commitment/v1" ‖ salt ‖ event)               32 bytes
//! leaf key   = HKDF-SHA256(ikm k_s, no salt, info "liuhen/leaf-key/v1")     32 bytes
//! padded     = event ‖ 0x80 ‖ 0x00…   to the next multiple of 256 bytes
//! ciphertext = AES-256-GCM-SIV(leaf key, nonce label[0..12], aad 0x01 ‖ label ‖ commitment,
//!              padded)                                                      tag last, 16 bytes
//! leaf       = 0x01 ‖ label ‖ commitment ‖ ciphertext
//!
//! shared key = HMAC-SHA256(k_operator, "liuhen/share/v1" ‖ n:u64)           32 bytes
//! wrap       = shared key ⊕ HMAC-SHA256(k_s, "liuhen/wrap/v1" ‖ n:u64)      32 bytes
//! ```
//!
//! The leaf of an event that concerns many has the operator's label(n), and salt(0) and leaf key
//! of its shared key; each person concerned finds the shared key in a chunk, wrapped for him.
//! What everybody can read of a leaf belongs to `liuhen_tlog::entry`.
//! The nonce never repeats under one key unless n does; [`super::counter`] sees to that.
//! What an event says is the service's business; here it is bytes.

use liuhen_tlog::entry::{self, BLOCK, EVENT, Entry};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::VaultError;
use crate::crypt::{self, Key};

/// Longest event: with its padding and framing the leaf stays within the 65,535 bytes that
/// a C2SP entry bundle can frame.
pub const MAX_EVENT: usize = 65_279;
/// Bytes before the ciphertext of an event leaf: version, label, commitment.
const HEAD: usize = 1 + 32 + 32;

/// A subject's trace key (or the operator's): makes and opens the leaves of one person.
///
/// Shared with the person on enrolment; `Debug` prints nothing of it.
#[derive(Clone, Debug)]
pub struct TraceKey {
    secret: Key,
    leaf_key: Key,
}

/// A made leaf, with what its maker keeps about it.
#[derive(Clone, PartialEq, Eq)]
pub struct Leaf {
    /// Position among the events of the key's owner, from zero.
    pub n: u64,
    /// Public, unlinkable name of the n-th event.
    pub label: [u8; 32],
    /// Salted commitment to the event.
    pub commitment: [u8; 32],
    /// The bytes for the log.
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for Leaf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Leaf({} bytes)", self.bytes.len())
    }
}

/// What opens a commitment: enough to prove one event to somebody, and nothing about others.
///
/// A verifier checks `SHA-256("liuhen/commitment/v1" ‖ salt ‖ event) = commitment`, that the
/// commitment stands at bytes 33..65 of the leaf, and that the leaf is included in the log.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Opening {
    /// Position among the owner's events.
    pub n: u64,
    /// The salt, 64 hex digits.
    #[serde(with = "hex32")]
    pub salt: [u8; 32],
    /// The event's exact bytes: canonical JSON, UTF-8.
    pub event: String,
}

impl std::fmt::Debug for Opening {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Opening({} bytes)", self.event.len())
    }
}

impl Opening {
    /// The commitment this opens.
    #[must_use]
    pub fn commitment(&self) -> [u8; 32] {
        commitment(&self.salt, self.event.as_bytes())
    }
}

impl TraceKey {
    /// The trace key of these 32 secret bytes.
    #[must_use]
    pub fn new(secret: Key) -> Self {
        let leaf_key = secret.derive(&[b"liuhen/leaf-key/v1"]);
        Self { secret, leaf_key }
    }

    /// The 32 bytes a person receives on enrolment.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 32] {
        self.secret.expose()
    }

    /// The label of the `n`-th event.
    #[must_use]
    pub fn label(&self, n: u64) -> [u8; 32] {
        crypt::hmac_sha256(self.expose(), &[b"liuhen/label/v1", &n.to_be_bytes()])
    }

    /// The salt of the `n`-th event.
    #[must_use]
    pub fn salt(&self, n: u64) -> [u8; 32] {
        crypt::hmac_sha256(self.expose(), &[b"liuhen/salt/v1", &n.to_be_bytes()])
    }

    /// Makes the leaf of the `n`-th event.
    ///
    /// # Errors
    ///
    /// [`VaultError::Bound`] when `event` is longer than [`MAX_EVENT`].
    pub fn leaf(&self, n: u64, event: &[u8]) -> Result<Leaf, VaultError> {
        self.seal(n, self.label(n), &self.salt(n), event)
    }

    /// Makes the leaf of the `n`-th event, to be shared with those it concerns: they are given
    /// [`TraceKey::share`], which opens this leaf and no other.
    ///
    /// # Errors
    ///
    /// As [`TraceKey::leaf`].
    pub fn shared_leaf(&self, n: u64, event: &[u8]) -> Result<Leaf, VaultError> {
        let shared = self.share(n);
        shared.seal(n, self.label(n), &shared.salt(0), event)
    }

    /// The key to the `n`-th event alone.
    #[must_use]
    pub fn share(&self, n: u64) -> Self {
        let secret = crypt::hmac_sha256(self.expose(), &[b"liuhen/share/v1", &n.to_be_bytes()]);
        Self::new(Key::new(secret))
    }

    /// `shared`, wrapped for the owner of this key, who finds it beside his `n`-th label.
    #[must_use]
    pub fn wrap(&self, n: u64, shared: &Self) -> [u8; 32] {
        self.masked(n, shared.expose())
    }

    /// The shared key that stands wrapped beside the `n`-th label.
    #[must_use]
    pub fn unwrap(&self, n: u64, wrap: &[u8; 32]) -> Self {
        Self::new(Key::new(self.masked(n, wrap)))
    }

    fn masked(&self, n: u64, bytes: &[u8; 32]) -> [u8; 32] {
        let mask = crypt::hmac_sha256(self.expose(), &[b"liuhen/wrap/v1", &n.to_be_bytes()]);
        std::array::from_fn(|at| mask[at] ^ bytes[at])
    }

    fn seal(
        &self,
        n: u64,
        label: [u8; 32],
        salt: &[u8; 32],
        event: &[u8],
    ) -> Result<Leaf, VaultError> {
        if event.len() > MAX_EVENT {
            return Err(VaultError::Bound {
                what: "an event",
                bound: "at most 65,279 bytes",
            });
        }
        let commitment = commitment(salt, event);
        let padded = (event.len() / BLOCK + 1) * BLOCK;
        let mut bytes = Vec::with_capacity(HEAD + padded + crypt::TAG);
        bytes.push(EVENT);
        bytes.extend_from_slice(&label);
        bytes.extend_from_slice(&commitment);
        bytes.extend_from_slice(event);
        bytes.push(0x80);
        bytes.resize(HEAD + padded, 0);
        let (head, body) = bytes.split_at_mut(HEAD);
        let tag = crypt::encrypt_detached(self.leaf_key.expose(), &nonce(&label), head, body)?;
        bytes.extend_from_slice(&tag);
        Ok(Leaf {
            n,
            label,
            commitment,
            bytes,
        })
    }

    /// Opens the leaf of the `n`-th event and checks its commitment.
    ///
    /// # Errors
    ///
    /// [`VaultError::Malformed`] when the bytes are no event leaf; [`VaultError::Sealed`] when
    /// it is another's leaf, another n's, or was changed.
    pub fn open_leaf(&self, n: u64, leaf: &[u8]) -> Result<Opening, VaultError> {
        let parts = event_leaf(leaf)?;
        if *parts.label != self.label(n) {
            return Err(VaultError::sealed(WHAT));
        }
        let event = self.unseal(leaf, &parts, &self.salt(n))?;
        let salt = self.salt(n);
        Ok(Opening { n, salt, event })
    }

    /// Opens the leaf that this key was shared for; the opening's n is 0, since salt(0) opens it.
    ///
    /// # Errors
    ///
    /// As [`TraceKey::open_leaf`].
    pub fn open_shared(&self, leaf: &[u8]) -> Result<Opening, VaultError> {
        let salt = self.salt(0);
        let event = self.unseal(leaf, &event_leaf(leaf)?, &salt)?;
        Ok(Opening { n: 0, salt, event })
    }

    fn unseal(
        &self,
        leaf: &[u8],
        parts: &entry::Event<'_>,
        salt: &[u8; 32],
    ) -> Result<String, VaultError> {
        let (body, tag) = parts
            .ciphertext
            .split_last_chunk()
            .ok_or(VaultError::malformed(WHAT))?;
        let mut plain = Zeroizing::new(body.to_vec());
        let head = &leaf[..HEAD];
        let key = self.leaf_key.expose();
        crypt::decrypt_detached(key, &nonce(parts.label), head, &mut plain, tag, WHAT)?;
        let end = plain.iter().rposition(|byte| *byte != 0).unwrap_or(0);
        if plain.get(end) != Some(&0x80) {
            return Err(VaultError::malformed(WHAT));
        }
        let event = &plain[..end];
        if commitment(salt, event) != *parts.commitment {
            return Err(VaultError::sealed(WHAT));
        }
        String::from_utf8(event.to_vec()).map_err(|_| VaultError::malformed(WHAT))
    }
}

const WHAT: &str = "a leaf";

/// The public parts of an event leaf.
///
/// # Errors
///
/// [`VaultError::Malformed`] when the bytes are no event leaf.
pub fn event_leaf(leaf: &[u8]) -> Result<entry::Event<'_>, VaultError> {
    match Entry::parse(leaf) {
        Some(Entry::Event(event)) => Ok(event),
        _ => Err(VaultError::malformed(WHAT)),
    }
}

fn nonce(label: &[u8; 32]) -> [u8; crypt::NONCE] {
    let mut nonce = [0; crypt::NONCE];
    nonce.copy_from_slice(&label[..crypt::NONCE]);
    nonce
}

/// SHA-256("liuhen/commitment/v1" ‖ salt ‖ event).
#[must_use]
pub fn commitment(salt: &[u8; 32], event: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"liuhen/commitment/v1");
    hash.update(salt);
    hash.update(event);
    hash.finalize().into()
}

mod hex32 {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8; 32], s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&data_encoding::HEXLOWER.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<[u8; 32], D::Error> {
        let text = String::deserialize(d)?;
        let bytes = data_encoding::HEXLOWER
            .decode(text.as_bytes())
            .map_err(serde::de::Error::custom)?;
        bytes
            .try_into()
            .map_err(|_| serde::de::Error::custom("32 bytes are expected"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(byte: u8) -> TraceKey {
        TraceKey::new(Key::new([byte; 32]))
    }

    #[test]
    fn padding_hides_lengths_in_steps_of_256() {
        let rows = [
            (0, 256),
            (1, 256),
            (255, 256),
            (256, 512),
            (MAX_EVENT, 65_280),
        ];
        for (length, padded) in rows {
            let leaf = key(1).leaf(0, &vec![b'x'; length]).expect("fits");
            assert_eq!(leaf.bytes.len(), HEAD + padded + 16, "{length}");
            assert!(leaf.bytes.len() <= 65_535);
        }
        assert!(key(1).leaf(0, &vec![b'x'; MAX_EVENT + 1]).is_err());
    }

    #[test]
    fn refuses_another_key_another_n_and_a_changed_leaf() {
        let leaf = key(1).leaf(7, b"{}").expect("makes");
        assert!(key(1).open_leaf(7, &leaf.bytes).is_ok());
        assert!(key(2).open_leaf(7, &leaf.bytes).is_err());
        assert!(key(1).open_leaf(8, &leaf.bytes).is_err());
        for at in [0, 1, 40, 70, leaf.bytes.len() - 1] {
            let mut bent = leaf.bytes.clone();
            bent[at] ^= 1;
            assert!(key(1).open_leaf(7, &bent).is_err(), "byte {at}");
        }
        assert!(
            key(1)
                .open_leaf(7, &leaf.bytes[..leaf.bytes.len() - 1])
                .is_err()
        );
        assert!(key(1).open_leaf(7, &[]).is_err());
    }

    #[test]
    fn a_shared_leaf_opens_with_its_own_key_alone() {
        let operator = key(1);
        let leaf = operator.shared_leaf(7, b"{\"rows\":3}").expect("fits");
        let next = operator.shared_leaf(8, b"{}").expect("fits");
        let person = key(2);
        let wrap = person.wrap(40, &operator.share(7));
        let opened = person.unwrap(40, &wrap).open_shared(&leaf.bytes);
        let opening = opened.expect("opens");
        assert_eq!(opening.event, "{\"rows\":3}");
        assert_eq!(opening.commitment(), leaf.commitment);
        assert!(person.unwrap(40, &wrap).open_shared(&next.bytes).is_err());
        assert!(person.unwrap(41, &wrap).open_shared(&leaf.bytes).is_err());
        assert!(key(3).unwrap(40, &wrap).open_shared(&leaf.bytes).is_err());
        // The operator's own leaves stay closed to whoever holds a shared key, and the other way round.
        assert!(operator.open_leaf(7, &leaf.bytes).is_err());
        let own = operator.leaf(7, b"{}").expect("fits");
        assert!(operator.share(7).open_shared(&own.bytes).is_err());
    }

    proptest! {
        #[test]
        fn opening_undoes_making(secret in any::<[u8; 32]>(), n in any::<u64>(), event in ".{0,600}") {
            let key = TraceKey::new(Key::new(secret));
            let leaf = key.leaf(n, event.as_bytes()).expect("makes");
            let opening = key.open_leaf(n, &leaf.bytes).expect("opens");
            prop_assert_eq!(&opening.event, &event);
            prop_assert_eq!(opening.commitment(), leaf.commitment);
            let json = serde_json::to_string(&opening).expect("json");
            prop_assert!(serde_json::from_str::<Opening>(&json).expect("json") == opening);
        }

        #[test]
        fn parsers_take_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            prop_assert!(key(1).open_leaf(0, &bytes).is_err());
            prop_assert!(key(1).open_shared(&bytes).is_err());
        }
    }
}
