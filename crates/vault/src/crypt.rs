//! The cryptographic words of the vault: seal, open, derive, authenticate, draw at random.
//!
//! Rules: AES-256-GCM-SIV by RFC 8452, HKDF-SHA256 by RFC 5869, HMAC by RFC 2104.
//! A sealed value is `algorithm ‖ nonce[12] ‖ ciphertext ‖ tag[16]`; the first byte names the
//! algorithm, so that a national profile can live beside this one.
//! Which key seals what, and under which additional data, is decided by the callers.

use aes_gcm_siv::aead::{AeadInOut, KeyInit};
use aes_gcm_siv::{Aes256GcmSiv, Nonce, Tag};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::VaultError;

/// AES-256-GCM-SIV with a 96-bit nonce (RFC 8452).
pub(crate) const ALG_AES256_GCM_SIV: u8 = 1;
/// Bytes a sealed value is longer than its plaintext: algorithm, nonce and tag.
pub(crate) const OVERHEAD: usize = 1 + NONCE + TAG;
pub(crate) const NONCE: usize = 12;
pub(crate) const TAG: usize = 16;

/// A 256-bit secret. `Debug` prints nothing of it; dropped, it leaves memory.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Key([u8; 32]);

impl Key {
    /// Takes over 32 secret bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A key from the system's random numbers.
    ///
    /// # Errors
    ///
    /// [`VaultError::Randomness`].
    pub fn random() -> Result<Self, VaultError> {
        let mut bytes = [0; 32];
        fill_random(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// The secret itself, for a neighbour's cipher.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// HKDF-SHA256 with this key as input keying material, no salt, and `info` (the parts
    /// concatenated).
    #[must_use]
    pub fn derive(&self, info: &[&[u8]]) -> Self {
        let mut okm = [0; 32];
        hkdf_sha256(None, &self.0, info, &mut okm);
        Self(okm)
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(256 bits)")
    }
}

/// HKDF-SHA256 (RFC 5869). `okm` is at most 255 · 32 bytes; every caller passes 32 to 512.
#[expect(
    clippy::expect_used,
    reason = "the only error is an output above 8,160 bytes"
)]
pub(crate) fn hkdf_sha256(salt: Option<&[u8]>, ikm: &[u8], info: &[&[u8]], okm: &mut [u8]) {
    Hkdf::<Sha256>::new(salt, ikm)
        .expand_multi_info(info, okm)
        .expect("output length is within 255 hashes");
}

/// HMAC-SHA256 of the concatenated parts.
pub(crate) fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = hmac_state(key);
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// A keyed HMAC state; cloning it saves the two key blocks of every message.
#[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
pub(crate) fn hmac_state(key: &[u8]) -> Hmac<Sha256> {
    Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length")
}

/// SHA-256 of the concatenated parts.
pub(crate) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

/// Fills `out` from the system's random numbers.
pub(crate) fn fill_random(out: &mut [u8]) -> Result<(), VaultError> {
    getrandom::fill(out).map_err(|_| VaultError::Randomness)
}

/// System random numbers drawn in blocks, since a batch needs many small ones.
pub(crate) struct RandomPool {
    block: Zeroizing<[u8; 4096]>,
    used: usize,
}

impl RandomPool {
    pub(crate) fn new() -> Self {
        Self {
            block: Zeroizing::new([0; 4096]),
            used: 4096,
        }
    }

    /// `N` fresh bytes; they are wiped from the pool as they leave. `N` is at most 4096.
    pub(crate) fn take<const N: usize>(&mut self) -> Result<[u8; N], VaultError> {
        const { assert!(N <= 4096) };
        if self.used + N > self.block.len() {
            fill_random(self.block.as_mut_slice())?;
            self.used = 0;
        }
        let mut out = [0; N];
        let fresh = &mut self.block[self.used..self.used + N];
        out.copy_from_slice(fresh);
        fresh.zeroize();
        self.used += N;
        Ok(out)
    }
}

/// Encrypts `buffer` in place and answers its tag.
pub(crate) fn encrypt_detached(
    key: &[u8; 32],
    nonce: &[u8; NONCE],
    aad: &[u8],
    buffer: &mut [u8],
) -> Result<[u8; TAG], VaultError> {
    let cipher = Aes256GcmSiv::new(key.into());
    let tag = cipher
        .encrypt_inout_detached(&Nonce::from(*nonce), aad, buffer.into())
        .map_err(|_| VaultError::Bound {
            what: "a sealed value",
            bound: "below 64 GiB",
        })?;
    Ok(tag.into())
}

/// Checks the tag and decrypts `buffer` in place; on refusal the buffer holds no plaintext.
pub(crate) fn decrypt_detached(
    key: &[u8; 32],
    nonce: &[u8; NONCE],
    aad: &[u8],
    buffer: &mut [u8],
    tag: &[u8; TAG],
    what: &'static str,
) -> Result<(), VaultError> {
    let cipher = Aes256GcmSiv::new(key.into());
    cipher
        .decrypt_inout_detached(&Nonce::from(*nonce), aad, buffer.into(), &Tag::from(*tag))
        .map_err(|_| {
            buffer.zeroize();
            VaultError::sealed(what)
        })
}

/// Seals `plain` onto the end of `out` under a nonce that must not repeat for this key.
pub(crate) fn seal_into(
    out: &mut Vec<u8>,
    key: &Key,
    nonce: &[u8; NONCE],
    aad: &[u8],
    plain: &[u8],
) -> Result<(), VaultError> {
    // Room first: growing later would leave plaintext in a freed allocation.
    out.reserve(plain.len() + OVERHEAD);
    out.push(ALG_AES256_GCM_SIV);
    out.extend_from_slice(nonce);
    let start = out.len();
    out.extend_from_slice(plain);
    let tag = encrypt_detached(&key.0, nonce, aad, &mut out[start..])?;
    out.extend_from_slice(&tag);
    Ok(())
}

/// Seals `plain` under a random nonce.
pub(crate) fn seal(key: &Key, aad: &[u8], plain: &[u8]) -> Result<Vec<u8>, VaultError> {
    let mut nonce = [0; NONCE];
    fill_random(&mut nonce)?;
    let mut out = Vec::new();
    seal_into(&mut out, key, &nonce, aad, plain)?;
    Ok(out)
}

/// Opens what [`seal`] made.
pub(crate) fn open(
    key: &Key,
    aad: &[u8],
    sealed: &[u8],
    what: &'static str,
) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let (&algorithm, rest) = sealed.split_first().ok_or(VaultError::malformed(what))?;
    if algorithm != ALG_AES256_GCM_SIV {
        return Err(VaultError::malformed(what));
    }
    let (nonce, rest) = rest
        .split_first_chunk::<NONCE>()
        .ok_or(VaultError::malformed(what))?;
    let (body, tag) = rest
        .split_last_chunk::<TAG>()
        .ok_or(VaultError::malformed(what))?;
    let mut plain = Zeroizing::new(body.to_vec());
    decrypt_detached(&key.0, nonce, aad, &mut plain, tag, what)?;
    Ok(plain)
}

/// Additional data from parts, each preceded by its length, so that no two lists of parts
/// give the same bytes.
pub(crate) fn aad(parts: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::with_capacity(parts.iter().map(|part| part.len() + 4).sum());
    aad_into(&mut out, parts);
    out
}

/// [`aad`] into a buffer that is reused.
pub(crate) fn aad_into(out: &mut Vec<u8>, parts: &[&[u8]]) {
    out.clear();
    for part in parts {
        // Parts are names and numbers bounded far below 4 GiB; the full length is written.
        out.extend_from_slice(&(part.len() as u64).to_be_bytes());
        out.extend_from_slice(part);
    }
}

/// Lower-case RFC 4648 base32 without padding.
pub(crate) fn base32(bytes: &[u8]) -> String {
    data_encoding::BASE32_NOPAD
        .encode(bytes)
        .to_ascii_lowercase()
}

/// Reads [`base32`], of either case; refuses any other spelling of the same bytes.
pub(crate) fn from_base32(text: &str) -> Option<Vec<u8>> {
    data_encoding::BASE32_NOPAD_NOCASE
        .decode(text.as_bytes())
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hex(text: &str) -> Vec<u8> {
        data_encoding::HEXLOWER
            .decode(text.as_bytes())
            .expect("hex")
    }

    /// RFC 8452, appendix C.2 (AEAD_AES_256_GCM_SIV): plaintext, AAD, result.
    #[test]
    fn aes_256_gcm_siv_answers_rfc_8452() {
        let key: [u8; 32] = hex("0100000000000000000000000000000000000000000000000000000000000000")
            .try_into()
            .expect("32 bytes");
        let nonce: [u8; 12] = hex("030000000000000000000000")
            .try_into()
            .expect("12 bytes");
        let rows = [
            ("", "", "07f5f4169bbf55a8400cd47ea6fd400f"),
            (
                "0100000000000000",
                "",
                "c2ef328e5c71c83b843122130f7364b761e0b97427e3df28",
            ),
            (
                "010000000000000000000000",
                "",
                "9aab2aeb3faa0a34aea8e2b18ca50da9ae6559e48fd10f6e5c9ca17e",
            ),
            (
                "0200000000000000",
                "01",
                "1de22967237a813291213f267e3b452f02d01ae33e4ec854",
            ),
        ];
        for (plain, aad, expected) in rows {
            let mut buffer = hex(plain);
            let tag = encrypt_detached(&key, &nonce, &hex(aad), &mut buffer).expect("seals");
            buffer.extend_from_slice(&tag);
            assert_eq!(
                data_encoding::HEXLOWER.encode(&buffer),
                expected,
                "{plain}|{aad}"
            );
        }
    }

    /// RFC 5869, appendix A.1 and A.3.
    #[test]
    fn hkdf_answers_rfc_5869() {
        let ikm = [0x0b; 22];
        let mut okm = [0; 42];
        hkdf_sha256(
            Some(&hex("000102030405060708090a0b0c")),
            &ikm,
            &[&hex("f0f1f2f3f4"), &hex("f5f6f7f8f9")],
            &mut okm,
        );
        assert_eq!(
            data_encoding::HEXLOWER.encode(&okm),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
        );
        hkdf_sha256(None, &ikm, &[], &mut okm);
        assert_eq!(
            data_encoding::HEXLOWER.encode(&okm),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
        );
    }

    /// RFC 4231, test case 2.
    #[test]
    fn hmac_answers_rfc_4231() {
        let mac = hmac_sha256(b"Jefe", &[b"what do ya want ", b"for nothing?"]);
        assert_eq!(
            data_encoding::HEXLOWER.encode(&mac),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn aad_tells_borders_apart() {
        assert_ne!(aad(&[b"ab", b"c"]), aad(&[b"a", b"bc"]));
        assert_ne!(aad(&[b"ab"]), aad(&[b"ab", b""]));
    }

    #[test]
    fn refuses_another_algorithm_byte() {
        let key = Key::new([7; 32]);
        let mut sealed = seal(&key, b"a", b"value").expect("seals");
        sealed[0] = 2;
        assert!(matches!(
            open(&key, b"a", &sealed, "x"),
            Err(VaultError::Malformed { .. })
        ));
    }

    #[test]
    fn random_pool_never_repeats() {
        let mut pool = RandomPool::new();
        let mut seen = std::collections::HashSet::new();
        for _ in 0..2_000 {
            assert!(seen.insert(pool.take::<12>().expect("random")));
        }
    }

    #[test]
    fn debug_of_a_key_shows_no_bytes() {
        assert_eq!(format!("{:?}", Key::new([65; 32])), "Key(256 bits)");
    }

    proptest! {
        #[test]
        fn open_undoes_seal_and_refuses_one_flipped_bit(
            plain in proptest::collection::vec(any::<u8>(), 0..300),
            aad in proptest::collection::vec(any::<u8>(), 0..40),
            at in any::<proptest::sample::Index>(),
            bit in 0..8u8,
        ) {
            let key = Key::new([3; 32]);
            let sealed = seal(&key, &aad, &plain).expect("seals");
            prop_assert_eq!(sealed.len(), plain.len() + OVERHEAD);
            prop_assert_eq!(&**open(&key, &aad, &sealed, "x").expect("opens"), &plain);
            let mut bent = sealed.clone();
            bent[at.index(sealed.len())] ^= 1 << bit;
            prop_assert!(open(&key, &aad, &bent, "x").is_err());
            prop_assert!(open(&Key::new([4; 32]), &aad, &sealed, "x").is_err());
        }
    }
}
