//! The person concerned: an opaque id, and what makes two rows the same person.

use std::fmt;
use std::str::FromStr;

use zeroize::Zeroizing;

use crate::VaultError;
use crate::crypt;

/// A subject's id: 16 random bytes; as text `s_` and 26 base32 characters.
///
/// The first four bytes are drawn once per ingested batch, the other twelve per subject: rows
/// that arrive together lie together on disk, and the id tells nothing of order or person.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubjectId([u8; 16]);

impl SubjectId {
    /// The id of these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The id's bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    pub(crate) fn read(bytes: &[u8]) -> Result<Self, VaultError> {
        bytes
            .try_into()
            .map(Self)
            .map_err(|_| VaultError::malformed("a subject id"))
    }
}

impl fmt::Display for SubjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s_{}", crypt::base32(&self.0))
    }
}

impl fmt::Debug for SubjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for SubjectId {
    type Err = VaultError;

    fn from_str(text: &str) -> Result<Self, VaultError> {
        let body = text
            .strip_prefix("s_")
            .ok_or(VaultError::malformed("a subject id"))?;
        let bytes = crypt::from_base32(body).ok_or(VaultError::malformed("a subject id"))?;
        Self::read(&bytes)
    }
}

impl serde::Serialize for SubjectId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for SubjectId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Something that says who a row is about, over normalised values.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum IdentityKey {
    /// The resident ID number: decides alone.
    ResidentId(Zeroizing<String>),
    /// Mobile number and name together: decides where no resident ID speaks against it.
    MobileAndName(Zeroizing<String>, Zeroizing<String>),
}

impl IdentityKey {
    /// From a normalised resident ID number.
    #[must_use]
    pub fn resident_id(normalised: impl Into<String>) -> Self {
        Self::ResidentId(Zeroizing::new(normalised.into()))
    }

    /// From a normalised mobile number and name.
    #[must_use]
    pub fn mobile_and_name(mobile: impl Into<String>, name: impl Into<String>) -> Self {
        Self::MobileAndName(Zeroizing::new(mobile.into()), Zeroizing::new(name.into()))
    }

    /// Whether a part is empty: such a key would make one person of all who lack the value,
    /// so it identifies nobody.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::ResidentId(id) => id.is_empty(),
            Self::MobileAndName(mobile, name) => mobile.is_empty() || name.is_empty(),
        }
    }

    /// Whether the key decides alone.
    #[must_use]
    pub const fn is_strong(&self) -> bool {
        matches!(self, Self::ResidentId(_))
    }
}

impl fmt::Debug for IdentityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ResidentId(id) => write!(f, "ResidentId({} bytes)", id.len()),
            Self::MobileAndName(mobile, name) => {
                write!(
                    f,
                    "MobileAndName({} bytes, {} bytes)",
                    mobile.len(),
                    name.len()
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn refuses_what_is_no_subject_id() {
        for text in [
            "",
            "s_",
            "t_aaaa",
            "s_aaaa",
            "s_!",
            "s_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        ] {
            assert!(text.parse::<SubjectId>().is_err(), "{text}");
        }
    }

    #[test]
    fn debug_of_identity_shows_lengths_only() {
        let key = IdentityKey::mobile_and_name("16400000000", "Invented");
        assert_eq!(format!("{key:?}"), "MobileAndName(11 bytes, 8 bytes)");
    }

    proptest! {
        #[test]
        fn text_form_undoes_itself(bytes in any::<[u8; 16]>()) {
            let id = SubjectId::from_bytes(bytes);
            prop_assert_eq!(id.to_string().parse::<SubjectId>().expect("parses"), id);
            let json = serde_json::to_string(&id).expect("json");
            prop_assert_eq!(serde_json::from_str::<SubjectId>(&json).expect("json"), id);
        }
    }
}
