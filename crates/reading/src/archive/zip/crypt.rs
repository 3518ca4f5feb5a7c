//! The two encryptions of ZIP: PKWARE's old cipher (APPNOTE 6.1) and WinZip's AES (AE-1, AE-2).
//!
//! Only reading. The old cipher checks a password by one byte, so that one in 256 wrong ones
//! passes; whether the right one was given shows in what comes out.

use std::io::{self, Read};

use aes::cipher::{Array, BlockCipherEncrypt, KeyInit as _};
use aes::{Aes128, Aes192, Aes256};
use hmac::{Hmac, Mac as _};
use sha1::Sha1;

use super::directory::{Aes, Entry};
use crate::ReadError;
use crate::source::Blob;

type HmacSha1 = Hmac<Sha1>;

/// Rounds of PBKDF2, by WinZip's specification.
const ROUNDS: usize = 1_000;
/// Bytes of the code that authenticates an entry.
const CODE: u64 = 10;

/// Decrypts an entry; nothing when the password is another one.
pub(super) fn unlock(
    data: &Blob,
    entry: &Entry,
    password: &[u8],
) -> Result<Option<Box<dyn Read + Send>>, ReadError> {
    match entry.aes {
        Some(aes) => unlock_aes(data, aes, password),
        None => unlock_old(data, entry, password),
    }
}

/// The three keys of the old cipher.
struct Keys([u32; 3], [u32; 256]);

impl Keys {
    fn new(password: &[u8]) -> Self {
        let table = std::array::from_fn(|n| {
            let n = u32::try_from(n).unwrap_or(0);
            (0..8).fold(n, |crc, _| (crc >> 1) ^ (0xEDB8_8320 * (crc & 1)))
        });
        let mut keys = Self([0x1234_5678, 0x2345_6789, 0x3456_7890], table);
        for byte in password {
            keys.update(*byte);
        }
        keys
    }

    fn crc(&self, crc: u32, byte: u8) -> u32 {
        let at = (crc ^ u32::from(byte)) & 0xFF;
        (crc >> 8) ^ self.1[at as usize]
    }

    fn update(&mut self, plain: u8) {
        let [a, b, c] = self.0;
        let a = self.crc(a, plain);
        let b = b
            .wrapping_add(a & 0xFF)
            .wrapping_mul(134_775_813)
            .wrapping_add(1);
        let c = self.crc(c, b.to_be_bytes()[0]);
        self.0 = [a, b, c];
    }

    fn decrypt(&mut self, byte: u8) -> u8 {
        let t = (self.0[2] | 2) & 0xFFFF;
        let [.., mask, _] = t.wrapping_mul(t ^ 1).to_be_bytes();
        let plain = byte ^ mask;
        self.update(plain);
        plain
    }
}

fn unlock_old(
    data: &Blob,
    entry: &Entry,
    password: &[u8],
) -> Result<Option<Box<dyn Read + Send>>, ReadError> {
    let mut source = io::BufReader::new(data.open());
    let mut keys = Keys::new(password);
    let mut header = [0; 12];
    source.read_exact(&mut header).map_err(ReadError::of)?;
    let last = header.map(|byte| keys.decrypt(byte))[11];
    // With sizes behind the data the checksum was not known yet, so the time stands in for it.
    let expected = match entry.flags & 8 {
        0 => entry.crc.to_be_bytes()[0],
        _ => entry.time.to_be_bytes()[0],
    };
    Ok((last == expected).then(|| Box::new(Old { source, keys }) as Box<dyn Read + Send>))
}

struct Old<R> {
    source: R,
    keys: Keys,
}

impl<R: Read> Read for Old<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.source.read(buffer)?;
        for byte in &mut buffer[..n] {
            *byte = self.keys.decrypt(*byte);
        }
        Ok(n)
    }
}

/// AES of any of the three key lengths, forwards only.
enum Cipher {
    A(Box<Aes128>),
    B(Box<Aes192>),
    C(Box<Aes256>),
}

impl Cipher {
    fn new(key: &[u8]) -> Option<Self> {
        Some(match key.len() {
            16 => Self::A(Box::new(Aes128::new_from_slice(key).ok()?)),
            24 => Self::B(Box::new(Aes192::new_from_slice(key).ok()?)),
            _ => Self::C(Box::new(Aes256::new_from_slice(key).ok()?)),
        })
    }

    fn block(&self, counter: u128) -> [u8; 16] {
        let mut block = Array::from(counter.to_le_bytes());
        match self {
            Self::A(cipher) => cipher.encrypt_block(&mut block),
            Self::B(cipher) => cipher.encrypt_block(&mut block),
            Self::C(cipher) => cipher.encrypt_block(&mut block),
        }
        block.into()
    }
}

fn unlock_aes(
    data: &Blob,
    aes: Aes,
    password: &[u8],
) -> Result<Option<Box<dyn Read + Send>>, ReadError> {
    let (salt_bytes, key_bytes) = match aes.strength {
        1 => (8, 16),
        2 => (12, 24),
        3 => (16, 32),
        _ => return Err(ReadError::UnknownMethod { method: "AES" }),
    };
    let mut source = data.open();
    let mut head = vec![0; salt_bytes + 2];
    source.read_exact(&mut head).map_err(ReadError::of)?;
    let (salt, check) = head.split_at(salt_bytes);
    let keys = pbkdf2(password, salt, 2 * key_bytes + 2);
    if keys[2 * key_bytes..] != *check {
        return Ok(None);
    }
    let (key, code_key) = keys[..2 * key_bytes].split_at(key_bytes);
    let (Some(cipher), Ok(code)) = (Cipher::new(key), HmacSha1::new_from_slice(code_key)) else {
        return Err(ReadError::Fault);
    };
    let left = data.len().saturating_sub(head.len() as u64 + CODE);
    Ok(Some(Box::new(Counter {
        source: io::BufReader::with_capacity(32 << 10, source),
        left,
        cipher,
        code: Some(code),
        counter: 0,
        mask: [0; 16],
        used: 16,
    })))
}

/// RFC 8018, section 5.2, with HMAC-SHA-1.
fn pbkdf2(password: &[u8], salt: &[u8], length: usize) -> Vec<u8> {
    let mac = |message: &[&[u8]]| -> [u8; 20] {
        // HMAC takes keys of any length.
        let Ok(mut mac) = HmacSha1::new_from_slice(password) else {
            return [0; 20];
        };
        for part in message {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    };
    let mut keys = Vec::new();
    let mut number = 0u32;
    while keys.len() < length {
        number += 1;
        let mut round = mac(&[salt, &number.to_be_bytes()]);
        let mut sum = round;
        for _ in 1..ROUNDS {
            round = mac(&[&round]);
            for (byte, other) in sum.iter_mut().zip(round) {
                *byte ^= other;
            }
        }
        keys.extend_from_slice(&sum);
    }
    keys.truncate(length);
    keys
}

/// AES in counter mode, the counter little end first from 1; the code is compared at the end.
struct Counter<R> {
    source: R,
    left: u64,
    cipher: Cipher,
    code: Option<HmacSha1>,
    counter: u128,
    mask: [u8; 16],
    used: usize,
}

impl<R: Read> Read for Counter<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.source.by_ref().take(self.left).read(buffer)?;
        self.left -= n as u64;
        if n == 0 && !buffer.is_empty() {
            return self.compare().map(|()| 0);
        }
        if let Some(code) = &mut self.code {
            code.update(&buffer[..n]);
        }
        for byte in &mut buffer[..n] {
            if self.used == 16 {
                self.counter += 1;
                self.mask = self.cipher.block(self.counter);
                self.used = 0;
            }
            *byte ^= self.mask[self.used];
            self.used += 1;
        }
        Ok(n)
    }
}

impl<R: Read> Counter<R> {
    fn compare(&mut self) -> io::Result<()> {
        let Some(code) = self.code.take() else {
            return Ok(());
        };
        let mut stated = Vec::new();
        self.source.by_ref().take(CODE).read_to_end(&mut stated)?;
        match self.left == 0 && code.verify_truncated_left(&stated).is_ok() {
            true => Ok(()),
            false => Err(ReadError::Checksum.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pbkdf2_as_another_makes_it() {
        // By Python's hashlib: RFC 6070 has no vector of 1,000 rounds.
        let key = pbkdf2(b"password", b"salt", 24);
        let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "6e88be8bad7eae9d9e10aa061224034fed48d03fcbad968b");
    }
}
