//! SCRAM-SHA-256, the client's side.
//!
//! Rule: RFC 5802 and RFC 7677, without channel binding; tested with RFC 7677's example. Passwords are
//! taken as they are: SASLprep changes none that is ASCII.

use data_encoding::BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::error::DatabaseError;

/// Rounds that a server may ask for; 4096 is usual.
const MOST_ROUNDS: u32 = 1 << 20;

/// A login under way.
pub(crate) struct Scram {
    /// The first message without its head.
    bare: String,
    nonce: String,
    /// What the server must prove to know.
    expected: Option<[u8; 32]>,
}

impl Scram {
    pub(crate) fn begin(user: &str) -> Result<Self, DatabaseError> {
        let mut random = [0; 18];
        getrandom::fill(&mut random)
            .map_err(|_| DatabaseError::Method("random numbers of the system"))?;
        Ok(Self::with(user, BASE64.encode(&random)))
    }

    fn with(user: &str, nonce: String) -> Self {
        Self {
            bare: format!("n={user},r={nonce}"),
            nonce,
            expected: None,
        }
    }

    pub(crate) fn first(&self) -> String {
        format!("n,,{}", self.bare)
    }

    /// The answer to the server's first message.
    pub(crate) fn last(&mut self, server: &[u8], password: &str) -> Result<String, DatabaseError> {
        let wrong = || DatabaseError::Protocol("its challenge is none");
        let server = std::str::from_utf8(server).map_err(|_| wrong())?;
        let (nonce, salt, rounds) = (
            field(server, "r="),
            field(server, "s="),
            field(server, "i="),
        );
        let (Some(nonce), Some(salt), Some(rounds)) = (nonce, salt, rounds) else {
            return Err(wrong());
        };
        let salt = BASE64.decode(salt.as_bytes()).map_err(|_| wrong())?;
        let rounds: u32 = rounds.parse().map_err(|_| wrong())?;
        let ours = nonce.starts_with(&self.nonce) && nonce.len() > self.nonce.len();
        if !ours || rounds == 0 || rounds > MOST_ROUNDS {
            return Err(wrong());
        }
        let salted = Zeroizing::new(stretched(password, &salt, rounds));
        let without_proof = format!("c=biws,r={nonce}");
        let all = format!("{},{server},{without_proof}", self.bare);
        let client = Zeroizing::new(mac(&*salted, &[b"Client Key"]));
        let stored: [u8; 32] = Sha256::digest(*client).into();
        let signature = mac(&stored, &[all.as_bytes()]);
        let proof: [u8; 32] = std::array::from_fn(|at| client[at] ^ signature[at]);
        self.expected = Some(mac(&mac(&*salted, &[b"Server Key"]), &[all.as_bytes()]));
        Ok(format!("{without_proof},p={}", BASE64.encode(&proof)))
    }

    /// Whether the server has proved that it knows the password.
    pub(crate) fn is_proved(&self, server: &[u8]) -> bool {
        let proof = std::str::from_utf8(server)
            .ok()
            .and_then(|text| field(text, "v="));
        let proof = proof.and_then(|proof| BASE64.decode(proof.as_bytes()).ok());
        self.expected
            .is_some_and(|expected| proof.as_deref() == Some(&expected[..]))
    }
}

fn field<'a>(message: &'a str, name: &str) -> Option<&'a str> {
    message.split(',').find_map(|part| part.strip_prefix(name))
}

fn mac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return [0; 32];
    };
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

/// PBKDF2 of one block (RFC 8018, 5.2).
fn stretched(password: &str, salt: &[u8], rounds: u32) -> [u8; 32] {
    let mut round = mac(password.as_bytes(), &[salt, &1_u32.to_be_bytes()]);
    let mut all = round;
    for _ in 1..rounds {
        round = mac(password.as_bytes(), &[&round]);
        all.iter_mut()
            .zip(round)
            .for_each(|(all, byte)| *all ^= byte);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: &str =
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";

    #[test]
    fn the_example_of_rfc_7677() {
        let mut scram = Scram::with("user", "rOprNGfwEbeRWgbNEkqO".to_owned());
        assert_eq!(scram.first(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        assert_eq!(
            scram.last(SERVER.as_bytes(), "pencil").unwrap(),
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        );
        assert!(scram.is_proved(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="));
        assert!(!scram.is_proved(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5="));
        assert!(!scram.is_proved(b"e=invalid-proof"));
    }

    #[test]
    fn refuses_challenges_of_others() {
        let rows = [
            ("another's nonce", SERVER.replace("rOpr", "xOpr")),
            (
                "nothing added to the nonce",
                "r=rOprNGfwEbeRWgbNEkqO,s=W22Z,i=4096".to_owned(),
            ),
            ("endless work", SERVER.replace("i=4096", "i=4000000000")),
            ("no work", SERVER.replace("i=4096", "i=0")),
            ("no salt", SERVER.replace("s=", "z=")),
        ];
        for (name, challenge) in rows {
            let mut scram = Scram::with("user", "rOprNGfwEbeRWgbNEkqO".to_owned());
            assert!(
                scram.last(challenge.as_bytes(), "pencil").is_err(),
                "{name}"
            );
        }
    }
}
