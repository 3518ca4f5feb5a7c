//! Long runs of letters and digits: wallet addresses, and text in base64.
//!
//! Rules: Base58Check (Bitcoin), Bech32 (BIP 173, 350), TRON's Base58Check with
//! version 0x41, Ethereum's forty hexadecimal digits.

use sha2::{Digest, Sha256};

use super::hit::Reasons;
use super::ids;
use super::window::{Rank, Window};

/// Longest run that is looked into, in bytes.
const LONGEST: usize = 6 << 10;

/// The run of letters and digits around `at`: proposed as a wallet address, or
/// reported in [`Window::encoded`]; answers where it ends.
pub(super) fn propose(window: &mut Window<'_>, at: usize) -> usize {
    let text = window.text;
    let mut start = at;
    while start > 0 && at - start < 64 && text[start - 1].is_ascii_alphanumeric() {
        start -= 1;
    }
    let end = at
        + text[at..]
            .iter()
            .take(LONGEST)
            .take_while(|b| b.is_ascii_alphanumeric())
            .count();
    let run = &text[start..end];
    let is_wallet = match run {
        [b'1' | b'3', ..] => (26..=35).contains(&run.len()) && base58check(run, &[0x00, 0x05]),
        [b'T', ..] => run.len() == 34 && base58check(run, &[0x41]),
        [b'b', b'c', b'1', ..] | [b'B', b'C', b'1', ..] => {
            (14..=90).contains(&run.len()) && bech32(run)
        }
        [b'0', b'x', hex @ ..] => hex.len() == 40 && hex.iter().all(u8::is_ascii_hexdigit),
        _ => false,
    };
    if is_wallet && window.begins(start) {
        let rank = if run[0] == b'0' {
            Rank::Shaped
        } else {
            Rank::Checked
        };
        let reasons = if run[0] == b'0' {
            Reasons::STRUCTURE
        } else {
            Reasons::CHECK_DIGIT
        };
        window.propose(ids::WALLET_ADDRESS, start, end, reasons, rank);
        return end;
    }
    let in_base64 = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_');
    let mut from = start;
    while from > 0 && start - from < LONGEST / 2 && in_base64(text[from - 1]) {
        from -= 1;
    }
    let mut to = end
        + text[end..]
            .iter()
            .take(LONGEST)
            .take_while(|b| in_base64(**b))
            .count();
    while text.get(to) == Some(&b'=') && to - end < 2 + LONGEST {
        to += 1;
    }
    let case = |test: fn(&u8) -> bool| text[from..to].iter().any(test);
    if to - from < LONGEST && case(u8::is_ascii_uppercase) && case(u8::is_ascii_lowercase) {
        window.encoded.push((from, to));
    }
    to
}

const BASE58: &[u8] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// Whether a text is Base58Check of 21 bytes that begin with one of the versions.
fn base58check(text: &[u8], versions: &[u8]) -> bool {
    let mut bytes = [0_u8; 25];
    for character in text {
        let Some(value) = BASE58.iter().position(|known| known == character) else {
            return false;
        };
        let mut carry = u32::try_from(value).unwrap_or(0);
        for byte in bytes.iter_mut().rev() {
            carry += u32::from(*byte) * 58;
            *byte = carry.to_le_bytes()[0];
            carry >>= 8;
        }
        if carry > 0 {
            return false;
        }
    }
    let hash = Sha256::digest(Sha256::digest(&bytes[..21]));
    versions.contains(&bytes[0]) && hash[..4] == bytes[21..]
}

/// Whether a text is Bech32 or Bech32m with the prefix `bc`.
fn bech32(text: &[u8]) -> bool {
    const CHARACTERS: &[u8] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    const GENERATOR: [u32; 5] = [
        0x3B6A_57B2,
        0x2650_8E6D,
        0x1EA1_19FA,
        0x3D42_33DD,
        0x2A14_62B3,
    ];
    let lower = text.iter().all(|b| !b.is_ascii_uppercase());
    let upper = text.iter().all(|b| !b.is_ascii_lowercase());
    if !lower && !upper {
        return false;
    }
    let step = |sum: u32, value: u32| {
        let top = sum >> 25;
        let shifted = (sum & 0x01FF_FFFF) << 5 ^ value;
        GENERATOR
            .iter()
            .enumerate()
            .filter(|(bit, _)| top >> bit & 1 == 1)
            .fold(shifted, |sum, (_, generator)| sum ^ generator)
    };
    // The prefix `bc` expanded: high bits, zero, low bits.
    let mut sum = [3, 3, 0, 2, 3].into_iter().fold(1, step);
    for character in &text[3..] {
        let lower = character.to_ascii_lowercase();
        match CHARACTERS.iter().position(|known| *known == lower) {
            Some(value) => sum = step(sum, u32::try_from(value).unwrap_or(0)),
            None => return false,
        }
    }
    matches!(sum, 1 | 0x2BC8_30A3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_addresses() {
        // From BIP 173 and BIP 350, the first block of Bitcoin, TRON's own documents.
        assert!(base58check(b"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", &[0]));
        assert!(!base58check(b"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", &[0]));
        assert!(base58check(b"TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", &[0x41]));
        assert!(bech32(b"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"));
        assert!(bech32(b"BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4"));
        assert!(!bech32(b"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5"));
        assert!(bech32(
            b"bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0"
        ));
    }
}
