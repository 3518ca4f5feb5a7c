//! SHA-256 and HMAC for requests to a store, by the house's one cryptography.
//!
//! Rule: FIPS 180-4 and RFC 2104, as AWS Signature Version 4 wants them. How a
//! request is signed is `object_store`'s.

use hmac::{Hmac, KeyInit as _, Mac as _};
use object_store::{
    Error, Result,
    client::{
        CryptoProvider, DigestAlgorithm, DigestContext, HmacContext, Signer, SigningAlgorithm,
    },
};
use sha2::{Digest as _, Sha256};

const STORE: &str = "S3";

/// The provider that `object_store` is given.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HouseCrypto;

/// A hash or code under way, or done.
#[derive(Debug)]
struct Context<T> {
    under_way: Option<T>,
    done: [u8; 32],
}

impl<T> Context<T> {
    fn new(state: T) -> Box<Self> {
        Box::new(Self {
            under_way: Some(state),
            done: [0; 32],
        })
    }

    fn take(&mut self) -> Result<T> {
        self.under_way.take().ok_or_else(|| Error::Generic {
            store: STORE,
            source: "finished already".into(),
        })
    }
}

impl CryptoProvider for HouseCrypto {
    fn digest(&self, algorithm: DigestAlgorithm) -> Result<Box<dyn DigestContext>> {
        match algorithm {
            DigestAlgorithm::Sha256 => Ok(Context::new(Sha256::new())),
            _ => Err(unsupported()),
        }
    }

    fn hmac(&self, algorithm: DigestAlgorithm, secret: &[u8]) -> Result<Box<dyn HmacContext>> {
        match algorithm {
            DigestAlgorithm::Sha256 => {
                let state = Hmac::<Sha256>::new_from_slice(secret).map_err(|_| unsupported())?;
                Ok(Context::new(state))
            }
            _ => Err(unsupported()),
        }
    }

    fn sign(&self, _: SigningAlgorithm, _: &[u8]) -> Result<Box<dyn Signer>> {
        Err(unsupported())
    }
}

fn unsupported() -> Error {
    Error::NotSupported {
        source: "S3 needs SHA-256 and nothing else".into(),
    }
}

impl DigestContext for Context<Sha256> {
    fn update(&mut self, data: &[u8]) {
        if let Some(state) = &mut self.under_way {
            state.update(data);
        }
    }

    fn finish(&mut self) -> Result<&[u8]> {
        self.done = self.take()?.finalize().into();
        Ok(&self.done)
    }
}

impl HmacContext for Context<Hmac<Sha256>> {
    fn update(&mut self, data: &[u8]) {
        if let Some(state) = &mut self.under_way {
            state.update(data);
        }
    }

    fn finish(&mut self) -> Result<&[u8]> {
        self.done = self.take()?.finalize().into_bytes().into();
        Ok(&self.done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn known_answers() {
        // FIPS 180-4, "abc"; RFC 4231, test case 2.
        let mut digest = HouseCrypto.digest(DigestAlgorithm::Sha256).unwrap();
        digest.update(b"a");
        digest.update(b"bc");
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hex(digest.finish().unwrap()), expected);
        assert!(digest.finish().is_err());
        let mut code = HouseCrypto.hmac(DigestAlgorithm::Sha256, b"Jefe").unwrap();
        code.update(b"what do ya want for nothing?");
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(hex(code.finish().unwrap()), expected);
    }
}
