//! RFC 3161: asking for a time stamp, and seeing what an answer stamps.
//!
//! Only the two DER structures that this needs are written and found; whether the stamper is one to
//! believe is asked of `openssl ts -verify`, which knows certificates.

use data_encoding::HEXLOWER;

use super::listing::Sums;

/// Why a time stamp is not taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StampError {
    /// Not an answer of RFC 3161.
    #[error("this is no RFC 3161 answer over a SHA-256 sum")]
    Malformed,
    /// The stamper said no.
    #[error("the time stamp was refused by the stamper (status {0})")]
    Refused(u8),
    /// It stamps something else.
    #[error("the time stamp is of no checkpoint that this case asked for")]
    Other,
    /// What it stamps is no beginning of this custody log under this case's key.
    #[error("what the time stamp is of was not signed by this case over its own custody log")]
    Foreign,
    /// A checkpoint keeps one stamp.
    #[error("that checkpoint has a time stamp; ask for one over the latest")]
    Again,
}

/// AlgorithmIdentifier of SHA-256 (RFC 5754, section 2.2), its parameters left out or NULL.
const SHA256: [&[u8]; 2] = [
    b"\x30\x0D\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00",
    b"\x30\x0B\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01",
];

/// Bytes of a SHA-256 sum.
const SUM: usize = 32;

/// A TimeStampReq (RFC 3161, section 2.4.1) over a SHA-256 sum, asking for the stamper's certificate.
#[must_use]
pub fn query(sums: &Sums) -> Vec<u8> {
    let mut imprint = SHA256[0].to_vec();
    imprint.extend([0x04, 0x20]);
    // Sums are made in hexadecimal, so there is nothing to refuse.
    imprint.extend(HEXLOWER.decode(sums.sha256.as_bytes()).unwrap_or_default());
    let mut inside = vec![0x02, 0x01, 0x01];
    inside.extend(sequence(&imprint));
    inside.extend([0x01, 0x01, 0xFF]);
    sequence(&inside)
}

/// Lengths here are below 128, so a byte says them.
fn sequence(inside: &[u8]) -> Vec<u8> {
    let length = u8::try_from(inside.len()).unwrap_or(0);
    [&[0x30, length], inside].concat()
}

/// The SHA-256 sum that a granted TimeStampResp (RFC 3161, section 2.4.2) stamps, in hexadecimal.
pub(super) fn imprint(answer: &[u8]) -> Result<String, StampError> {
    let status = status(answer).ok_or(StampError::Malformed)?;
    // 0 granted, 1 granted with modifications.
    if status > 1 {
        return Err(StampError::Refused(status));
    }
    let found = SHA256.iter().find_map(|algorithm| {
        let octets = [algorithm, &[0x04, 0x20][..]].concat();
        let at = memchr::memmem::find(answer, &octets)? + octets.len();
        answer.get(at..at + SUM)
    });
    found
        .map(|sum| HEXLOWER.encode(sum))
        .ok_or(StampError::Malformed)
}

/// PKIStatus: the first number within the two outermost sequences.
fn status(answer: &[u8]) -> Option<u8> {
    let info = enter(answer)?;
    match enter(info)? {
        [0x02, 0x01, status, ..] => Some(*status),
        _ => None,
    }
}

/// What lies in the sequence that the bytes begin with, and behind it.
fn enter(bytes: &[u8]) -> Option<&[u8]> {
    match bytes {
        [0x30, short, rest @ ..] if *short < 0x80 => Some(rest),
        [0x30, long, rest @ ..] => rest.get(usize::from(long & 0x7F)..),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::listing::sums_of;

    #[test]
    fn a_query_is_the_standards_structure() {
        let query = query(&sums_of(b"abc"));
        let expected = [
            &b"\x30\x39\x02\x01\x01\x30\x31"[..],
            SHA256[0],
            b"\x04\x20\xba\x78\x16\xbf\x8f\x01\xcf\xea\x41\x41\x40\xde\x5d\xae\x22\x23",
            b"\xb0\x03\x61\xa3\x96\x17\x7a\x9c\xb4\x10\xff\x61\xf2\x00\x15\xad",
            b"\x01\x01\xff",
        ];
        assert_eq!(query, expected.concat());
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        let refusal = b"\x30\x05\x30\x03\x02\x01\x02";
        assert_eq!(imprint(refusal), Err(StampError::Refused(2)));
        for bytes in [
            &b""[..],
            b"\x30",
            b"\x30\x84",
            b"abc",
            b"\x30\x05\x30\x03\x02\x01\x00",
        ] {
            assert_eq!(imprint(bytes), Err(StampError::Malformed));
        }
    }
}
