//! Random ids and one-time secrets, as text that survives being read aloud.

use data_encoding::{Encoding, Specification};
use sha2::{Digest, Sha256};

/// Lower-case base32 without padding (RFC 4648 alphabet).
fn base32() -> Encoding {
    let mut spec = Specification::new();
    spec.symbols.push_str("abcdefghijklmnopqrstuvwxyz234567");
    spec.translate.from.push_str("ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    spec.translate.to.push_str("abcdefghijklmnopqrstuvwxyz");
    // The specification above is constant and valid; the fallback keeps the same alphabet in capitals.
    spec.encoding().unwrap_or(data_encoding::BASE32_NOPAD)
}

/// `prefix_` and `bytes` random bytes in base32.
///
/// # Errors
///
/// When the system has no randomness to give; nothing may go on then.
pub(crate) fn random(prefix: &str, bytes: usize) -> crate::Result<String> {
    let mut buffer = vec![0u8; bytes];
    fill(&mut buffer)?;
    Ok(format!("{prefix}_{}", base32().encode(&buffer)))
}

/// Fills a buffer from the system's generator.
pub(crate) fn fill(buffer: &mut [u8]) -> crate::Result<()> {
    getrandom::fill(buffer)
        .map_err(|_| crate::ServiceError::Setup("the system gives no random numbers".to_owned()))
}

/// `count` random decimal digits, without bias.
pub(crate) fn digits(count: usize) -> crate::Result<String> {
    let mut text = String::with_capacity(count);
    let mut buffer = [0u8; 32];
    while text.len() < count {
        fill(&mut buffer)?;
        // 250 is the largest multiple of ten in a byte; what lies above would favour the small digits.
        let usable = buffer.iter().filter(|byte| **byte < 250);
        text.extend(
            usable
                .map(|byte| char::from(b'0' + byte % 10))
                .take(count - text.len()),
        );
    }
    Ok(text)
}

/// A random number below one that is at most 256, without bias.
pub(crate) fn below(most: usize) -> crate::Result<usize> {
    let most = most.clamp(1, 256);
    loop {
        let mut byte = [0u8; 1];
        fill(&mut byte)?;
        let number = usize::from(byte[0]);
        // What lies above the largest multiple would favour the small numbers.
        if number < 256 - 256 % most {
            return Ok(number % most);
        }
    }
}

/// What is stored of a secret: its SHA-256. The secrets hashed here have 128 random bits or more, so no salt or stretching is needed.
pub(crate) fn secret_hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_distinct_and_readable() {
        let a = random("x", 16).unwrap();
        let b = random("x", 16).unwrap();
        assert_ne!(a, b);
        assert!(a.starts_with("x_"));
        assert!(
            a[2..]
                .chars()
                .all(|c| c.is_ascii_lowercase() || ('2'..='7').contains(&c))
        );
        assert_eq!(a.len(), 2 + 26);
    }

    #[test]
    fn digits_have_the_asked_length() {
        let code = digits(8).unwrap();
        assert_eq!(code.len(), 8);
        assert!(code.bytes().all(|b| b.is_ascii_digit()));
    }
}
