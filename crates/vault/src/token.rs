//! Tokens: what a business site holds instead of a value.
//!
//! A token is 20 random bytes per site and subject, so sites cannot join what they hold.
//! Its first four bytes are drawn once per batch, which keeps rows of one batch together on
//! disk; the other sixteen are random for every token: guessing one is guessing 128 bits.
//! Rows of [`Space::Tokens`]:
//!
//! - `0x00 ‖ site len u8 ‖ site ‖ token[20]` → subject, or nothing once it was erased;
//! - `0x01 ‖ subject[16] ‖ site` → token.

use std::fmt;
use std::str::FromStr;

use crate::VaultError;
use crate::crypt;
use crate::store::{Batch, KeyRange, Space, Store};
use crate::subject::SubjectId;

const BY_TOKEN: u8 = 0;
const BY_SUBJECT: u8 = 1;

/// A business site's name: 1 to 32 of `a-z`, `0-9` and `-`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct SiteId(Box<str>);

impl SiteId {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SiteId {
    type Err = VaultError;

    fn from_str(text: &str) -> Result<Self, VaultError> {
        let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if (1..=32).contains(&text.len()) && text.bytes().all(good) {
            Ok(Self(text.into()))
        } else {
            Err(VaultError::Bound {
                what: "a site id",
                bound: "1 to 32 of a-z, 0-9 and -",
            })
        }
    }
}

impl fmt::Display for SiteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl serde::Serialize for SiteId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for SiteId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A token; as text `t_<site>_<32 base32 characters>`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Token {
    site: SiteId,
    bytes: [u8; 20],
}

impl Token {
    pub(crate) const fn new(site: SiteId, bytes: [u8; 20]) -> Self {
        Self { site, bytes }
    }

    /// The site it was made for.
    #[must_use]
    pub const fn site(&self) -> &SiteId {
        &self.site
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "t_{}_{}", self.site, crypt::base32(&self.bytes))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({})", self.site)
    }
}

impl FromStr for Token {
    type Err = VaultError;

    fn from_str(text: &str) -> Result<Self, VaultError> {
        let parse = || {
            let (site, body) = text.strip_prefix("t_")?.split_once('_')?;
            let bytes = crypt::from_base32(body)?.try_into().ok()?;
            Some(Self {
                site: site.parse().ok()?,
                bytes,
            })
        };
        parse().ok_or(VaultError::malformed("a token"))
    }
}

/// What a token stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolved {
    /// A living subject.
    Subject(SubjectId),
    /// A subject that was erased.
    Erased,
    /// Nothing this site ever held.
    Unknown,
}

fn by_token(token: &Token) -> Vec<u8> {
    let site = token.site.as_str().as_bytes();
    let mut key = Vec::with_capacity(22 + site.len());
    key.push(BY_TOKEN);
    // A site id is at most 32 bytes.
    key.push(u8::try_from(site.len()).unwrap_or(u8::MAX));
    key.extend_from_slice(site);
    key.extend_from_slice(&token.bytes);
    key
}

fn by_subject(subject: &SubjectId, site: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(17 + site.len());
    key.push(BY_SUBJECT);
    key.extend_from_slice(subject.as_bytes());
    key.extend_from_slice(site.as_bytes());
    key
}

/// Adds both rows of a new token.
pub(crate) fn put(batch: &mut Batch, subject: &SubjectId, token: &Token) {
    batch.put(Space::Tokens, by_token(token), *subject.as_bytes());
    batch.put(
        Space::Tokens,
        by_subject(subject, token.site.as_str()),
        token.bytes,
    );
}

/// The token of a subject at a site, if there is one.
pub(crate) fn of_subject(
    store: &dyn Store,
    subject: &SubjectId,
    site: &SiteId,
) -> Result<Option<Token>, VaultError> {
    let Some(bytes) = store.get(Space::Tokens, &by_subject(subject, site.as_str()))? else {
        return Ok(None);
    };
    let bytes = bytes
        .try_into()
        .map_err(|_| VaultError::malformed("a token row"))?;
    Ok(Some(Token::new(site.clone(), bytes)))
}

/// Every token of a subject.
pub(crate) fn all_of_subject(
    store: &dyn Store,
    subject: &SubjectId,
) -> Result<Vec<Token>, VaultError> {
    let rows = store.scan(
        Space::Tokens,
        &KeyRange::prefix(&by_subject(subject, "")),
        usize::MAX,
        false,
    )?;
    rows.into_iter()
        .map(|(key, bytes)| {
            let site = key
                .get(17..)
                .and_then(|site| std::str::from_utf8(site).ok());
            let site = site.ok_or(VaultError::malformed("a token row"))?.parse()?;
            let bytes = bytes
                .try_into()
                .map_err(|_| VaultError::malformed("a token row"))?;
            Ok(Token::new(site, bytes))
        })
        .collect()
}

/// Turns a subject's tokens into tombstones and answers how many there were.
pub(crate) fn bury(
    store: &dyn Store,
    batch: &mut Batch,
    subject: &SubjectId,
) -> Result<u64, VaultError> {
    let tokens = all_of_subject(store, subject)?;
    for token in &tokens {
        batch.put(Space::Tokens, by_token(token), []);
        batch.delete(Space::Tokens, by_subject(subject, token.site.as_str()));
    }
    Ok(tokens.len() as u64)
}

/// What `text` stands for, asked by `site`. Another site's token is unknown here.
pub(crate) fn resolve(
    store: &dyn Store,
    site: &SiteId,
    text: &str,
) -> Result<Resolved, VaultError> {
    let Ok(token) = text.parse::<Token>() else {
        return Ok(Resolved::Unknown);
    };
    if token.site != *site {
        return Ok(Resolved::Unknown);
    }
    Ok(match store.get(Space::Tokens, &by_token(&token))? {
        None => Resolved::Unknown,
        Some(value) if value.is_empty() => Resolved::Erased,
        Some(value) => Resolved::Subject(SubjectId::read(&value)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::MemoryStore;
    use proptest::prelude::*;

    fn site(name: &str) -> SiteId {
        name.parse().expect("a site")
    }

    #[test]
    fn tokens_resolve_at_their_own_site_only() {
        let store = MemoryStore::new();
        let (shop, bank) = (site("shop"), site("bank"));
        let subject = SubjectId::from_bytes([4; 16]);
        let token = Token::new(shop.clone(), [5; 20]);
        let mut batch = Batch::new();
        put(&mut batch, &subject, &token);
        store.write(&batch).expect("writes");
        let text = token.to_string();
        assert_eq!(
            resolve(&store, &shop, &text).expect("resolves"),
            Resolved::Subject(subject)
        );
        assert_eq!(
            resolve(&store, &bank, &text).expect("resolves"),
            Resolved::Unknown
        );
        let forged = text.replace("t_shop_", "t_bank_");
        assert_eq!(
            resolve(&store, &bank, &forged).expect("resolves"),
            Resolved::Unknown
        );
        let mut batch = Batch::new();
        assert_eq!(bury(&store, &mut batch, &subject).expect("buries"), 1);
        store.write(&batch).expect("writes");
        assert_eq!(
            resolve(&store, &shop, &text).expect("resolves"),
            Resolved::Erased
        );
        assert_eq!(of_subject(&store, &subject, &shop).expect("asks"), None);
    }

    #[test]
    fn refuses_malformed_sites_and_tokens() {
        for text in ["", "Shop", "a_b", "a b", "店", &"x".repeat(33)] {
            assert!(text.parse::<SiteId>().is_err(), "{text}");
        }
        for text in [
            "",
            "t_",
            "t_shop",
            "t_shop_",
            "t_shop_aaaa",
            "s_shop_aaaa",
            "t__aaaa",
        ] {
            assert!(text.parse::<Token>().is_err(), "{text}");
        }
    }

    #[test]
    fn debug_of_a_token_shows_its_site_only() {
        assert_eq!(
            format!("{:?}", Token::new(site("shop"), [1; 20])),
            "Token(shop)"
        );
    }

    proptest! {
        #[test]
        fn text_form_undoes_itself(name in "[a-z0-9-]{1,32}", bytes in any::<[u8; 20]>()) {
            let token = Token::new(site(&name), bytes);
            prop_assert_eq!(token.to_string().parse::<Token>().expect("parses"), token);
        }
    }
}
