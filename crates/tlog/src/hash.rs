//! Hashes of leaves and nodes.
//!
//! Rule: RFC 6962, section 2.1 (unchanged in RFC 9162): SHA-256, a zero byte
//! before a leaf, a one byte before two children, so that a node can never be
//! passed off as a leaf. Trees of many leaves belong to `tree` and `proof`.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256, block_api::compress256};

/// FIPS 180-4, section 5.3.3.
const START: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// A SHA-256 hash: of a leaf, a node or a whole tree.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// Bytes in a hash.
    pub const LEN: usize = 32;

    /// The root of the tree without leaves: SHA-256 of nothing.
    #[must_use]
    pub fn empty_root() -> Self {
        Self(Sha256::digest([]).into())
    }

    /// Reads exactly 32 bytes; any other number is `None`.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Reads standard, padded base64 (RFC 4648, section 4) of 32 bytes.
    #[must_use]
    pub fn from_base64(text: &str) -> Option<Self> {
        Self::from_slice(&STANDARD.decode(text).ok()?)
    }

    /// Standard, padded base64: 44 characters.
    #[must_use]
    pub fn to_base64(self) -> String {
        STANDARD.encode(self.0)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_base64())
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

/// `SHA-256(0x00 ‖ leaf)`.
#[must_use]
pub fn leaf_hash(leaf: &[u8]) -> Hash {
    let mut sha = Sha256::new();
    sha.update([0]);
    sha.update(leaf);
    Hash(sha.finalize().into())
}

/// `SHA-256(0x01 ‖ left ‖ right)`.
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    pair_hash(1, left, right)
}

/// `SHA-256(first ‖ left ‖ right)`: two blocks.
///
/// Padding and length are laid out here, since the general hasher takes about
/// as long for them as for a block.
pub(crate) fn pair_hash(first: u8, left: &Hash, right: &Hash) -> Hash {
    let mut blocks = [[0; 64]; 2];
    blocks[0][0] = first;
    blocks[0][1..33].copy_from_slice(&left.0);
    blocks[0][33..].copy_from_slice(&right.0[..31]);
    blocks[1][0] = right.0[31];
    blocks[1][1] = 0x80;
    blocks[1][62..].copy_from_slice(&(65u16 * 8).to_be_bytes());
    digest(&blocks)
}

/// SHA-256 of blocks that bear their padding already (FIPS 180-4, sections 5.1.1 and 6.2).
pub(crate) fn digest(blocks: &[[u8; 64]]) -> Hash {
    let mut state = START;
    compress256(&mut state, blocks);
    let mut hash = [0; 32];
    for (bytes, word) in hash.as_chunks_mut().0.iter_mut().zip(state) {
        *bytes = word.to_be_bytes();
    }
    Hash(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(hash: Hash) -> String {
        hash.0.iter().map(|b| format!("{b:02x}")).collect()
    }

    #[test]
    fn published_hashes() {
        let rows = [
            (
                "empty tree (FIPS 180-4)",
                Hash::empty_root(),
                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            ),
            (
                "empty leaf (transparency-dev/merkle)",
                leaf_hash(b""),
                "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            ),
            (
                "leaf L123456 (transparency-dev/merkle)",
                leaf_hash(b"L123456"),
                "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56",
            ),
        ];
        for (name, hash, expected) in rows {
            assert_eq!(hex(hash), expected, "{name}");
        }
    }

    #[test]
    fn nodes_are_hashed_as_the_general_hasher_does() {
        for byte in 0..=255 {
            let (left, right) = (leaf_hash(&[byte]), leaf_hash(&[byte, byte]));
            let mut sha = Sha256::new();
            sha.update([byte]);
            sha.update(left.0);
            sha.update(right.0);
            let general = Hash(sha.finalize().into());
            assert_eq!(pair_hash(byte, &left, &right), general);
        }
    }

    #[test]
    fn refuses_base64_of_another_length() {
        assert!(Hash::from_base64("AAAA").is_none());
        assert!(Hash::from_base64(&Hash([7; 32]).to_base64()[..43]).is_none());
        assert_eq!(
            Hash::from_base64(&Hash([7; 32]).to_base64()),
            Some(Hash([7; 32]))
        );
    }
}
