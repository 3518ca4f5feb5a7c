//! The code: which form of a slot each copy shows.
//!
//! Rule: a bias-based fingerprinting code (G. Tardos, "Optimal probabilistic fingerprint codes",
//! Journal of the ACM 55(2), 2008), with the arcsine law and cut-off of the house design, section 9.
//!
//! Byte formats, version 1. `lp(x)` is the length of `x` as four big-endian bytes, then `x`.
//!
//! | what | bytes |
//! |---|---|
//! | slot word | `HMAC-SHA256(code key, lp(namespace) ‖ lp(part) …)` |
//! | slot id | bytes 0..16 of the slot word |
//! | bias word `u` | bytes 16..24 of the slot word, big-endian |
//! | bias | `p = sin²(t' + (u + ½)/2⁶⁴ · (π/2 − 2t'))`, `sin² t' = t`, kept as `round(p·2³²)` |
//! | symbol key | bytes 0..16 of `HMAC-SHA256(export secret, lp("liuhen/fingerprint/symbol/v1"))` |
//! | symbol | 1 when bytes 0..4 of `AES-128(symbol key, slot id)`, big-endian, lie below the bias |
//! | signs of an export | bits of `AES-128` in counter mode, [`ExportKey::signs`] |
//! | other words of an export | `HMAC-SHA256(export secret, lp(label) ‖ lp(part) …)` |
//! | commitment | `SHA-256("liuhen/fingerprint/commitment/v1" ‖ export secret)` |
//!
//! The code key is common to all exports of a vault, so that the symbols of colluders refer to the
//! same slots and biases; the export secret belongs to one export alone.
//! The symbol comes from AES (FIPS 197) under a key that HMAC derived, because tracing evaluates it
//! once for each copy and slot: some nanoseconds a symbol, where HMAC takes some hundreds.
//! Keeping keys, deriving export secrets and committing to them in the log belong to the caller.

use std::fmt;

use aes::Aes128;
use aes::cipher::{Array, BlockCipherEncrypt, KeyInit};
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroize;

/// Colluders for whom the standard law's cut-off is chosen.
pub const DESIGN_COLLUDERS: u32 = 10;

/// How biases are distributed: the arcsine law between the cut-off `t` and `1 − t`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Law {
    low: f64,
    width: f64,
}

impl Law {
    /// The law with cut-off `1/(300 c)`; a count of zero is read as one.
    #[must_use]
    pub fn for_colluders(c: u32) -> Self {
        let cutoff = 1.0 / (300.0 * f64::from(c.max(1)));
        let low = cutoff.sqrt().asin();
        Self {
            low,
            width: std::f64::consts::FRAC_PI_2 - 2.0 * low,
        }
    }

    /// The bias at a uniform 64-bit word.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the word is a uniform fraction, and the product lies between 1 and 2^32 - 1"
    )]
    pub fn bias(self, word: u64) -> Bias {
        let fraction = (word as f64 + 0.5) / 18_446_744_073_709_551_616.0;
        let p = fraction.mul_add(self.width, self.low).sin().powi(2);
        let scaled = (p * Bias::SCALE).round();
        Bias(scaled.clamp(1.0, Bias::SCALE - 1.0) as u32)
    }
}

impl Default for Law {
    fn default() -> Self {
        Self::for_colluders(DESIGN_COLLUDERS)
    }
}

/// The probability `p` with which a copy shows form one of a slot, as a multiple of 2⁻³².
///
/// Kept as an integer so that the decoder reckons with exactly the probability that the marker used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bias(u32);

impl Bias {
    const SCALE: f64 = 4_294_967_296.0;

    /// The probability, strictly between 0 and 1.
    #[must_use]
    pub fn p(self) -> f64 {
        f64::from(self.0) / Self::SCALE
    }

    /// The symbol at a uniform 32-bit word.
    #[must_use]
    pub const fn symbol(self, word: u32) -> Symbol {
        if word < self.0 {
            Symbol::One
        } else {
            Symbol::Zero
        }
    }
}

/// Which of a slot's two forms is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Symbol {
    /// The first form.
    Zero,
    /// The second form.
    One,
}

impl Symbol {
    /// 0 or 1, to choose among two forms.
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Self::Zero => 0,
            Self::One => 1,
        }
    }
}

/// The name of a place that can carry one symbol; pseudo-random, tells nothing without the code key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SlotId(pub [u8; 16]);

/// Forms of up to 256 slots, a bit each.
pub(crate) type Ones = [u64; 4];

/// A slot and its bias.
///
/// Made by a [`CodeKey`] only, so that its bias is the one all exports share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    id: SlotId,
    bias: Bias,
}

impl Slot {
    /// The slot's name.
    #[must_use]
    pub const fn id(&self) -> SlotId {
        self.id
    }

    /// The slot's bias.
    #[must_use]
    pub const fn bias(&self) -> Bias {
        self.bias
    }
}

/// A keyed HMAC-SHA256 (RFC 2104) that takes length-prefixed parts.
#[derive(Clone)]
pub(crate) struct Prf(Hmac<Sha256>);

impl Prf {
    pub(crate) fn new(secret: &[u8; 32]) -> Self {
        // RFC 2104 pads a key shorter than the hash block with zeros, so this is the same key.
        let mut block = [0_u8; 64];
        block[..32].copy_from_slice(secret);
        let mac = Hmac::new(&Array::from(block));
        block.zeroize();
        Self(mac)
    }

    pub(crate) fn word(&self, label: &[u8], parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = self.0.clone();
        for part in std::iter::once(&label).chain(parts) {
            let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
            mac.update(&length.to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

/// The key that names slots and draws their biases; one for a vault.
#[derive(Clone)]
pub struct CodeKey {
    prf: Prf,
    law: Law,
}

impl CodeKey {
    /// Takes the vault's 32 secret bytes, with the standard law.
    #[must_use]
    pub fn from_secret(mut secret: [u8; 32]) -> Self {
        let prf = Prf::new(&secret);
        secret.zeroize();
        Self {
            prf,
            law: Law::default(),
        }
    }

    /// The slot named by `parts` within `namespace`.
    pub(crate) fn slot(&self, namespace: &[u8], parts: &[&[u8]]) -> Slot {
        let word = self.prf.word(namespace, parts);
        let (id, rest) = take::<16>(&word);
        let (bias, _) = take::<8>(rest);
        Slot {
            id: SlotId(id),
            bias: self.law.bias(u64::from_be_bytes(bias)),
        }
    }

    /// A pseudo-random number that is not a slot, such as the seed of an invented person.
    pub(crate) fn seed(&self, label: &[u8], parts: &[&[u8]]) -> u64 {
        u64::from_be_bytes(take::<8>(&self.prf.word(label, parts)).0)
    }
}

impl fmt::Debug for CodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CodeKey(32 bytes)")
    }
}

/// The key of one export: draws its symbols and the places of its canaries.
#[derive(Clone)]
pub struct ExportKey {
    symbols: Aes128,
    prf: Prf,
    commitment: [u8; 32],
}

impl ExportKey {
    /// Takes the export's 32 secret bytes.
    #[must_use]
    pub fn from_secret(mut secret: [u8; 32]) -> Self {
        let prf = Prf::new(&secret);
        let mut word = prf.word(b"liuhen/fingerprint/symbol/v1", &[]);
        let symbols = Aes128::new(&Array::from(take::<16>(&word).0));
        word.zeroize();
        let mut hash = Sha256::new();
        hash.update(b"liuhen/fingerprint/commitment/v1");
        hash.update(secret);
        secret.zeroize();
        Self {
            symbols,
            prf,
            commitment: hash.finalize().into(),
        }
    }

    /// What to publish in the log before the export leaves, so that the key cannot be chosen later.
    #[must_use]
    pub const fn commitment(&self) -> [u8; 32] {
        self.commitment
    }

    /// The form this export shows at `slot`.
    #[must_use]
    pub fn symbol(&self, slot: &Slot) -> Symbol {
        let mut block = Array::from(slot.id.0);
        self.symbols.encrypt_block(&mut block);
        slot.bias.symbol(u32::from_be_bytes(take::<4>(&block).0))
    }

    /// At which of up to 256 slots this export shows form one: slot `i` is bit `i mod 64` of word `i / 64`.
    ///
    /// Blocks go to the cipher by the hundred, for it takes up to 64 at a time.
    #[inline(always)]
    pub(crate) fn ones(&self, slots: &[Slot]) -> Ones {
        let mut blocks = [Array::from([0_u8; 16]); 256];
        for (block, slot) in blocks.iter_mut().zip(slots) {
            *block = Array::from(slot.id.0);
        }
        let count = slots.len().min(blocks.len());
        self.symbols.encrypt_blocks(&mut blocks[..count]);
        let mut ones = Ones::default();
        for ((word, blocks), slots) in ones.iter_mut().zip(blocks.chunks(64)).zip(slots.chunks(64))
        {
            for (bit, (block, slot)) in blocks.iter().zip(slots).enumerate() {
                let drawn = u32::from_be_bytes([block[0], block[1], block[2], block[3]]);
                *word |= u64::from(drawn < slot.bias.0) << bit;
            }
        }
        ones
    }

    /// `count` fair signs, each −1 or 1, of this export: what its copy adds to pictures and screens.
    ///
    /// Sign `i` is bit `i mod 128` (lowest first) of byte-wise block `AES-128(k, i / 128)`, where `k`
    /// is bytes 0..16 of `HMAC-SHA256(export secret, lp(label) ‖ lp(part))` and the block number
    /// stands in 16 big-endian bytes. Different labels or parts give independent signs.
    #[must_use]
    pub fn signs(&self, label: &[u8], part: &[u8], count: usize) -> Vec<i8> {
        let stream = self.sign_stream(label, part);
        let mut blocks = vec![[0_u8; 16]; count.div_ceil(128)];
        stream.fill(0, &mut blocks);
        let mut signs = Vec::with_capacity(blocks.len() * 128);
        for byte in blocks.as_flattened() {
            signs.extend((0..8).map(|bit| if byte >> bit & 1 == 1 { 1 } else { -1_i8 }));
        }
        signs.truncate(count);
        signs
    }

    /// The blocks from which [`Self::signs`] takes its bits, readable from anywhere.
    pub(crate) fn sign_stream(&self, label: &[u8], part: &[u8]) -> SignStream {
        let mut word = self.prf.word(label, &[part]);
        let stream = SignStream(Aes128::new(&Array::from(take::<16>(&word).0)));
        word.zeroize();
        stream
    }

    /// A pseudo-random word of this export for a purpose other than symbols.
    pub(crate) fn seed(&self, label: &[u8], parts: &[&[u8]]) -> u64 {
        u64::from_be_bytes(take::<8>(&self.prf.word(label, parts)).0)
    }
}

/// Signs of one label and part, 128 a block.
pub(crate) struct SignStream(Aes128);

impl SignStream {
    /// Writes the blocks from number `first` on.
    pub(crate) fn fill(&self, first: u64, into: &mut [[u8; 16]]) {
        const LANE: usize = 32;
        let mut number = u128::from(first);
        for group in into.chunks_mut(LANE) {
            let mut blocks = [Array::from([0_u8; 16]); LANE];
            for block in &mut blocks[..group.len()] {
                *block = Array::from(number.to_be_bytes());
                number += 1;
            }
            self.0.encrypt_blocks(&mut blocks[..group.len()]);
            for (into, block) in group.iter_mut().zip(blocks) {
                *into = block.0;
            }
        }
    }
}

impl fmt::Debug for ExportKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ExportKey(32 bytes)")
    }
}

/// The first `N` bytes and what follows them; bytes that are not there read as zero.
fn take<const N: usize>(bytes: &[u8]) -> ([u8; N], &[u8]) {
    match bytes.split_first_chunk::<N>() {
        Some((head, rest)) => (*head, rest),
        None => ([0; N], &[]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots(count: u32) -> Vec<Slot> {
        let code = CodeKey::from_secret([7; 32]);
        (0..count)
            .map(|i| code.slot(b"test", &[&i.to_be_bytes()]))
            .collect()
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        let code = CodeKey::from_secret([1; 32]);
        let rows: [&[&[u8]]; 5] = [
            &[b"ab", b"c"],
            &[b"a", b"bc"],
            &[b"abc"],
            &[b"abc", b""],
            &[b"", b"abc"],
        ];
        for (i, one) in rows.iter().enumerate() {
            for other in &rows[i + 1..] {
                assert_ne!(code.slot(b"n", one).id(), code.slot(b"n", other).id());
            }
        }
        assert_ne!(code.slot(b"n", &[b"x"]).id(), code.slot(b"m", &[b"x"]).id());
    }

    #[test]
    fn biases_follow_the_truncated_arcsine_law() {
        let law = Law::for_colluders(10);
        let (low, high) = (law.bias(0).p(), law.bias(u64::MAX).p());
        assert!((low - 1.0 / 3_000.0).abs() < 1e-8, "{low}");
        assert!((high + low - 1.0).abs() < 1e-8, "{high}");
        let slots = slots(20_000);
        let mean = slots.iter().map(|s| s.bias().p()).sum::<f64>() / 20_000.0;
        let square = slots.iter().map(|s| s.bias().p().powi(2)).sum::<f64>() / 20_000.0;
        // The untruncated law has mean 1/2 and second moment 3/8; the cut-off moves both little.
        assert!((mean - 0.5).abs() < 0.01, "{mean}");
        assert!((square - 0.375).abs() < 0.015, "{square}");
    }

    #[test]
    fn symbols_follow_their_bias_and_differ_between_exports() {
        let slots = slots(20_000);
        let exports = [[1; 32], [2; 32]].map(ExportKey::from_secret);
        let expected: f64 = slots.iter().map(|s| s.bias().p()).sum();
        let mut agreed = 0;
        for export in &exports {
            let ones = slots
                .iter()
                .filter(|s| export.symbol(s) == Symbol::One)
                .count();
            assert!(
                (ones as f64 - expected).abs() < 400.0,
                "{ones} of {expected}"
            );
        }
        for slot in &slots {
            agreed += usize::from(exports[0].symbol(slot) == exports[1].symbol(slot));
        }
        // Independent symbols agree with probability E[p² + (1-p)²] = 3/4.
        assert!((agreed as f64 / 20_000.0 - 0.75).abs() < 0.015, "{agreed}");
    }

    #[test]
    fn the_fast_way_and_the_plain_way_agree() {
        let slots = slots(600);
        let export = ExportKey::from_secret([9; 32]);
        for length in [0, 1, 63, 64, 200, 256] {
            for slots in [&slots[..length], &slots[600 - length..]] {
                let ones = export.ones(slots);
                for at in 0..256 {
                    let plain = slots
                        .get(at)
                        .is_some_and(|s| export.symbol(s) == Symbol::One);
                    assert_eq!(
                        ones[at / 64] >> (at % 64) & 1 == 1,
                        plain,
                        "{at} of {length}"
                    );
                }
            }
        }
    }

    #[test]
    fn signs_are_fair_and_differ_by_label_part_and_export() {
        let exports = [[1; 32], [2; 32]].map(ExportKey::from_secret);
        let base = exports[0].signs(b"a", b"x", 20_000);
        assert_eq!(base.len(), 20_000);
        assert_eq!(exports[0].signs(b"a", b"x", 300), base[..300]);
        for other in [
            exports[0].signs(b"b", b"x", 20_000),
            exports[0].signs(b"a", b"y", 20_000),
            exports[1].signs(b"a", b"x", 20_000),
        ] {
            let agreed: i32 = base.iter().zip(&other).map(|(a, b)| i32::from(a * b)).sum();
            assert!(agreed.abs() < 700, "{agreed}");
        }
        let sum: i32 = base.iter().copied().map(i32::from).sum();
        assert!(sum.abs() < 700, "{sum}");
    }

    #[test]
    fn keys_do_not_show_themselves() {
        assert_eq!(
            format!("{:?}", CodeKey::from_secret([0xab; 32])),
            "CodeKey(32 bytes)"
        );
        assert_eq!(
            format!("{:?}", ExportKey::from_secret([0xab; 32])),
            "ExportKey(32 bytes)"
        );
    }
}
