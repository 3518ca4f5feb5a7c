//! Terms: keyed hashes of normalised values.

use std::collections::HashMap;

use hmac::{Hmac, Mac};
use parking_lot::RwLock;
use sha2::Sha256;

use crate::crypt;
use crate::root::RootKey;
use crate::subject::IdentityKey;

/// Bytes of a term: kind tag and truncated HMAC.
pub(crate) const TERM: usize = 18;
/// A kind's tag and 16 bytes of HMAC over a normalised value.
pub(crate) type Term = [u8; TERM];

/// Class of fields that are indexed without a kind.
const NO_KIND: &str = "text";
/// Class of the identity made of a mobile number and a name.
const MOBILE_AND_NAME: &str = "mobile+person_name";

type Keyed = ([u8; 2], Hmac<Sha256>);

/// Makes terms; holds one keyed state per class, derived from the root when first used.
pub(crate) struct Terms {
    root: RootKey,
    tenant: Box<str>,
    states: RwLock<HashMap<&'static str, Keyed>>,
}

impl Terms {
    pub(crate) fn new(root: &RootKey, tenant: &str) -> Self {
        Self {
            root: root.clone(),
            tenant: tenant.into(),
            states: RwLock::default(),
        }
    }

    fn state(&self, class: &'static str) -> Keyed {
        if let Some(state) = self.states.read().get(class) {
            return state.clone();
        }
        let parts: [&[u8]; 2] = [self.tenant.as_bytes(), class.as_bytes()];
        let key = self
            .root
            .derive_parts(&[b"liuhen/blind-index/v1", &crypt::aad(&parts)]);
        let hash = crypt::sha256(&[b"liuhen/index-tag/v1", class.as_bytes()]);
        let state = ([hash[0], hash[1]], crypt::hmac_state(key.expose()));
        self.states.write().insert(class, state.clone());
        state
    }

    fn term(&self, class: &'static str, parts: &[&[u8]]) -> Term {
        let (tag, mut mac) = self.state(class);
        for part in parts {
            mac.update(part);
        }
        let mut term = [0; TERM];
        term[..2].copy_from_slice(&tag);
        term[2..].copy_from_slice(&mac.finalize().into_bytes()[..16]);
        term
    }

    /// The term of a field's normalised value.
    pub(crate) fn of_value(&self, kind: Option<liuhen_kinds::Kind>, normalised: &str) -> Term {
        let class = kind.map_or(NO_KIND, liuhen_kinds::Kind::name);
        self.term(class, &[normalised.as_bytes()])
    }

    /// The term of an identity. That of a resident ID is the same as the field's own, so one
    /// entry serves both uses.
    pub(crate) fn of_identity(&self, identity: &IdentityKey) -> Term {
        match identity {
            IdentityKey::ResidentId(id) => self.of_value(Some(liuhen_kinds::Kind::RESIDENT_ID), id),
            IdentityKey::MobileAndName(mobile, name) => {
                // The length goes first, so that no other pair gives the same bytes.
                let border = (mobile.len() as u64).to_be_bytes();
                self.term(
                    MOBILE_AND_NAME,
                    &[&border, mobile.as_bytes(), name.as_bytes()],
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use liuhen_kinds::Kind;

    #[test]
    fn terms_differ_by_tenant_kind_root_and_border() {
        let terms = |root: u8, tenant: &str| Terms::new(&RootKey::from_bytes([root; 32]), tenant);
        let base = terms(1, "a").of_value(Some(Kind::MOBILE), "16400000000");
        assert_eq!(
            base,
            terms(1, "a").of_value(Some(Kind::MOBILE), "16400000000")
        );
        for other in [
            terms(2, "a").of_value(Some(Kind::MOBILE), "16400000000"),
            terms(1, "b").of_value(Some(Kind::MOBILE), "16400000000"),
            terms(1, "a").of_value(Some(Kind::LANDLINE), "16400000000"),
            terms(1, "a").of_value(None, "16400000000"),
        ] {
            assert_ne!(base[2..], other[2..]);
        }
        let pair =
            |m: &str, n: &str| terms(1, "a").of_identity(&IdentityKey::mobile_and_name(m, n));
        assert_ne!(pair("12", "3"), pair("1", "23"));
    }
}
