//! What a device answers, checked.
//!
//! Rule: W3C Web Authentication Level 3, sections 7.1 and 7.2 (what a relying party verifies), 6.1
//! (authenticator data) and 5.8.1 (client data); RFC 9053, sections 2.1 and 2.2, for ES256 and Ed25519.
//! No attestation statement is asked for and none is read: which make a device is does not matter here.
//! Keys are `COSE_Key` in the one form that CTAP2's canonical encoding allows, so that no reader of
//! CBOR is needed. RS256 is not taken: the one well-kept crate for it stands under an advisory.

use data_encoding::BASE64URL_NOPAD;
use ed25519_dalek::Verifier as _;
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// Where a page was opened, as its server knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Scheme, host and port: `https://vault.example.com`.
    pub origin: String,
    /// The host alone, lower case: the relying party's id.
    pub host: String,
}

/// Why an answer does not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrong {
    /// It is no such answer.
    Malformed,
    /// Its key is of no kind that is taken.
    Key,
    /// It is not signed by the key.
    Signature,
    /// It answers another ceremony.
    Ceremony,
    /// It answers another question.
    Challenge,
    /// It was made for another page, or inside one.
    Origin,
    /// It was made for another host.
    Host,
    /// The device did not see its user.
    Absent,
    /// The device did not ask its user who he is.
    Unverified,
    /// It signed more often before.
    Counter,
}

/// A key that a device made.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Made {
    /// The id under which the device knows it.
    pub(super) credential: Vec<u8>,
    /// A `COSE_Key`.
    pub(super) key: Vec<u8>,
    /// How often it signed.
    pub(super) counter: u32,
}

/// Most bytes of a credential's id (section 5.8.3).
pub(super) const CREDENTIAL: usize = 1023;

const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
const ATTESTED: u8 = 0x40;
const EXTENDED: u8 = 0x80;

/// `{1: 2, 3: -7, -1: 1, -2: x, -3: y}`, up to the 32 bytes of `x`.
const ES256: [u8; 10] = [0xA5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20];
/// Between `x` and `y`.
const ES256_Y: [u8; 3] = [0x22, 0x58, 0x20];
/// `{1: 1, 3: -8, -1: 6, -2: x}`, up to the 32 bytes of `x`.
const ED25519: [u8; 10] = [0xA4, 0x01, 0x01, 0x03, 0x27, 0x20, 0x06, 0x21, 0x58, 0x20];

#[derive(Deserialize)]
struct ClientData {
    #[serde(rename = "type")]
    ceremony: String,
    challenge: String,
    origin: String,
    #[serde(rename = "crossOrigin", default)]
    cross_origin: bool,
}

/// What an authenticator says, split.
struct Data<'a> {
    host: &'a [u8; 32],
    flags: u8,
    counter: u32,
    rest: &'a [u8],
}

impl<'a> Data<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let (host, rest) = bytes.split_first_chunk::<32>()?;
        let (flags, rest) = rest.split_first()?;
        let (counter, rest) = rest.split_first_chunk::<4>()?;
        Some(Self {
            host,
            flags: *flags,
            counter: u32::from_be_bytes(*counter),
            rest,
        })
    }

    fn stands(&self, place: &Place) -> Result<(), Wrong> {
        let host: [u8; 32] = Sha256::digest(&place.host).into();
        if *self.host != host {
            return Err(Wrong::Host);
        }
        match (self.flags & PRESENT, self.flags & VERIFIED) {
            (0, _) => Err(Wrong::Absent),
            (_, 0) => Err(Wrong::Unverified),
            _ => Ok(()),
        }
    }
}

/// A `COSE_Key` that is taken.
enum Key {
    Es256(p256::ecdsa::VerifyingKey),
    Ed25519(ed25519_dalek::VerifyingKey),
}

impl Key {
    /// The key at the start of some bytes, and how many it has.
    fn read(bytes: &[u8]) -> Option<(Self, usize)> {
        if let Some(rest) = bytes.strip_prefix(&ES256) {
            let (x, rest) = rest.split_first_chunk::<32>()?;
            let (y, _) = rest.strip_prefix(&ES256_Y)?.split_first_chunk::<32>()?;
            // SEC 1, section 2.3.4: a point that is not compressed. One off the curve is refused.
            let point = [&[4], &x[..], y].concat();
            let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(&point).ok()?;
            return Some((Self::Es256(key), ES256.len() + 32 + ES256_Y.len() + 32));
        }
        let (x, _) = bytes.strip_prefix(&ED25519)?.split_first_chunk::<32>()?;
        let key = ed25519_dalek::VerifyingKey::from_bytes(x).ok()?;
        Some((Self::Ed25519(key), ED25519.len() + 32))
    }

    fn signed(&self, bytes: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Es256(key) => p256::ecdsa::Signature::from_der(signature)
                .is_ok_and(|signature| key.verify(bytes, &signature).is_ok()),
            Self::Ed25519(key) => ed25519_dalek::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_strict(bytes, &signature).is_ok()),
        }
    }
}

fn answers(
    client_data: &[u8],
    ceremony: &str,
    challenge: &[u8; 32],
    place: &Place,
) -> Result<(), Wrong> {
    let client: ClientData = serde_json::from_slice(client_data).map_err(|_| Wrong::Malformed)?;
    if client.ceremony != ceremony {
        Err(Wrong::Ceremony)
    } else if client.challenge != BASE64URL_NOPAD.encode(challenge) {
        Err(Wrong::Challenge)
    } else if client.origin != place.origin || client.cross_origin {
        Err(Wrong::Origin)
    } else {
        Ok(())
    }
}

/// The key that a device made for a question.
pub(super) fn made(
    client_data: &[u8],
    authenticator_data: &[u8],
    challenge: &[u8; 32],
    place: &Place,
) -> Result<Made, Wrong> {
    answers(client_data, "webauthn.create", challenge, place)?;
    let data = Data::read(authenticator_data).ok_or(Wrong::Malformed)?;
    data.stands(place)?;
    let attested = || {
        // After its make (AAGUID, 16 bytes), which nobody vouches for.
        let (_, rest) = data.rest.split_at_checked(16)?;
        let (length, rest) = rest.split_first_chunk::<2>()?;
        rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
    };
    let (credential, rest) = attested()
        .filter(|(credential, _)| {
            data.flags & ATTESTED != 0 && (1..=CREDENTIAL).contains(&credential.len())
        })
        .ok_or(Wrong::Malformed)?;
    let (_, length) = Key::read(rest).ok_or(Wrong::Key)?;
    let (key, after) = rest.split_at_checked(length).ok_or(Wrong::Key)?;
    if !after.is_empty() && data.flags & EXTENDED == 0 {
        return Err(Wrong::Malformed);
    }
    Ok(Made {
        credential: credential.to_vec(),
        key: key.to_vec(),
        counter: data.counter,
    })
}

/// What a device signed.
#[derive(Clone, Copy)]
pub(super) struct Said<'a> {
    pub(super) client_data: &'a [u8],
    pub(super) authenticator_data: &'a [u8],
    pub(super) signature: &'a [u8],
}

/// Whether a key signed the answer to a question; answers how often it has signed, as the device says.
///
/// The signature comes first: what the rest says is the device's word only if it is signed.
pub(super) fn signed(
    key: &[u8],
    counter: u32,
    said: Said<'_>,
    challenge: &[u8; 32],
    place: &Place,
) -> Result<u32, Wrong> {
    let (key, _) = Key::read(key).ok_or(Wrong::Key)?;
    let data = Data::read(said.authenticator_data).ok_or(Wrong::Malformed)?;
    let hash: [u8; 32] = Sha256::digest(said.client_data).into();
    let bytes = [said.authenticator_data, &hash].concat();
    if !key.signed(&bytes, said.signature) {
        return Err(Wrong::Signature);
    }
    answers(said.client_data, "webauthn.get", challenge, place)?;
    data.stands(place)?;
    // Section 6.1.1: a device that counts at all counts upwards.
    match data.counter > counter || (data.counter == 0 && counter == 0) {
        true => Ok(data.counter),
        false => Err(Wrong::Counter),
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;
    use serde_json::Value;

    use super::*;

    /// One published pair of a registration and an assertion.
    struct Vector(Value);

    impl Vector {
        fn named(name: &str) -> Self {
            let all: Value = serde_json::from_str(include_str!("vectors.json")).unwrap();
            let vectors = all["vectors"].as_array().unwrap();
            let found = vectors.iter().find(|vector| vector["name"] == name);
            Self(found.unwrap().clone())
        }

        fn bytes(&self, of: &str, name: &str) -> Vec<u8> {
            let hex = self.0[of][name].as_str().unwrap();
            HEXLOWER.decode(hex.as_bytes()).unwrap()
        }

        fn challenge(&self, of: &str) -> [u8; 32] {
            self.bytes(of, "challenge").try_into().unwrap()
        }

        fn made(&self) -> Result<Made, Wrong> {
            let (client, data) = (
                self.bytes("new", "client_data"),
                self.bytes("new", "authenticator_data"),
            );
            made(&client, &data, &self.challenge("new"), &place())
        }

        /// The key of a registration whose device did not verify its user, which is not taken.
        fn key(&self) -> Vec<u8> {
            let mut data = self.bytes("new", "authenticator_data");
            data[32] |= PRESENT | VERIFIED;
            let client = self.bytes("new", "client_data");
            made(&client, &data, &self.challenge("new"), &place())
                .unwrap()
                .key
        }

        fn signed(&self, change: impl FnOnce(&mut [Vec<u8>; 3])) -> Result<u32, Wrong> {
            self.signed_at(0, &place(), change)
        }

        fn signed_at(
            &self,
            counter: u32,
            place: &Place,
            change: impl FnOnce(&mut [Vec<u8>; 3]),
        ) -> Result<u32, Wrong> {
            let mut parts = ["client_data", "authenticator_data", "signature"]
                .map(|name| self.bytes("used", name));
            change(&mut parts);
            let said = Said {
                client_data: &parts[0],
                authenticator_data: &parts[1],
                signature: &parts[2],
            };
            signed(&self.key(), counter, said, &self.challenge("used"), place)
        }
    }

    fn place() -> Place {
        Place {
            origin: "https://example.org".to_owned(),
            host: "example.org".to_owned(),
        }
    }

    #[test]
    fn published_answers_are_taken_for_what_they_are() {
        // W3C Web Authentication Level 3, section 16: name, the registration, the assertion. Most of
        // its devices did not verify their user; the signature is looked at before that is.
        let rows = [
            ("packed-es256", Ok(()), Ok(0)),
            ("tpm-es256", Ok(()), Ok(0)),
            ("none-es256", Err(Wrong::Unverified), Err(Wrong::Unverified)),
            (
                "none-es256-long-credential-id",
                Err(Wrong::Unverified),
                Ok(0),
            ),
            (
                "packed-eddsa",
                Err(Wrong::Unverified),
                Err(Wrong::Unverified),
            ),
        ];
        for (name, new, used) in rows {
            let vector = Vector::named(name);
            assert_eq!(vector.made().map(|_| ()), new, "{name}");
            assert_eq!(vector.signed(|_| ()), used, "{name}");
        }
        let vector = Vector::named("packed-es256");
        let credential = vector.0["credential"].as_str().unwrap().as_bytes();
        assert_eq!(
            vector.made().unwrap().credential,
            HEXLOWER.decode(credential).unwrap()
        );
        for name in ["none-es256-crossOrigin", "none-es256-topOrigin"] {
            assert_eq!(Vector::named(name).made(), Err(Wrong::Origin), "{name}");
        }
        for name in ["packed-es384", "packed-rs256"] {
            let vector = Vector::named(name);
            let (client, mut data) = (
                vector.bytes("new", "client_data"),
                vector.bytes("new", "authenticator_data"),
            );
            data[32] |= PRESENT | VERIFIED;
            let made = made(&client, &data, &vector.challenge("new"), &place());
            assert_eq!(made, Err(Wrong::Key), "{name}");
        }
    }

    #[test]
    fn refuses_one_changed_bit_anywhere() {
        for name in ["packed-es256", "packed-eddsa"] {
            let vector = Vector::named(name);
            for part in 0..3 {
                let mut at = 0;
                loop {
                    let mut over = false;
                    let answer = vector.signed(|parts| match parts[part].get_mut(at) {
                        Some(byte) => *byte ^= 1,
                        None => over = true,
                    });
                    if over {
                        break;
                    }
                    assert_eq!(answer, Err(Wrong::Signature), "{name}: byte {at} of {part}");
                    at += 7;
                }
            }
        }
    }

    #[test]
    fn refuses_what_answers_something_else() {
        let vector = Vector::named("packed-es256");
        let other = |origin: &str, host: &str| Place {
            origin: origin.to_owned(),
            host: host.to_owned(),
        };
        let elsewhere = other("https://example.com", "example.org");
        assert_eq!(vector.signed_at(0, &elsewhere, |_| ()), Err(Wrong::Origin));
        let elsewhere = other("https://example.org", "example.com");
        assert_eq!(vector.signed_at(0, &elsewhere, |_| ()), Err(Wrong::Host));
        // The same answer to another question is a replay.
        let parts = ["client_data", "authenticator_data", "signature"]
            .map(|name| vector.bytes("used", name));
        let said = Said {
            client_data: &parts[0],
            authenticator_data: &parts[1],
            signature: &parts[2],
        };
        let again = signed(&vector.key(), 0, said, &[7; 32], &place());
        assert_eq!(again, Err(Wrong::Challenge));
        // Who counted before and counts no more is a copy.
        assert_eq!(vector.signed_at(5, &place(), |_| ()), Err(Wrong::Counter));
        // A registration is no assertion, though a device signed one like it.
        let client = vector.bytes("new", "client_data");
        let challenge = vector.challenge("new");
        assert_eq!(
            answers(&client, "webauthn.get", &challenge, &place()),
            Err(Wrong::Ceremony)
        );
    }

    #[test]
    fn refuses_registrations_that_are_cut_or_too_long() {
        let vector = Vector::named("packed-es256");
        let client = vector.bytes("new", "client_data");
        let (data, challenge) = (
            vector.bytes("new", "authenticator_data"),
            vector.challenge("new"),
        );
        let take = |data: &[u8]| made(&client, data, &challenge, &place()).err();
        for end in 0..data.len() {
            assert!(take(&data[..end]).is_some(), "cut at {end}");
        }
        let longer = [&data[..], &[0]].concat();
        assert_eq!(take(&longer), Some(Wrong::Malformed));
        // A point off the curve.
        let mut off = data;
        let last = off.len() - 1;
        off[last] ^= 1;
        assert_eq!(take(&off), Some(Wrong::Key));
        assert_eq!(
            made(b"{}", &off, &challenge, &place()),
            Err(Wrong::Malformed)
        );
    }
}
