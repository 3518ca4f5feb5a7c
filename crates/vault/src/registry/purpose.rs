//! Purposes: the declared reasons for which a field may be read.
//!
//! Rule: PIPL articles 6, 13, 17 and 19; the notice is identified by version and hash, so
//! that a consent can say which text it answered.

use liuhen_kinds::{Kind, Lang};
use serde::{Deserialize, Serialize};

use super::Versioned;
use super::history;
use crate::store::{Batch, Space};
use crate::{Vault, VaultError};

/// The seven legal bases of PIPL article 13, paragraph 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LegalBasis {
    /// (1) The person's consent.
    Consent,
    /// (2) A contract with the person, or human-resources management by law.
    Contract,
    /// (3) Statutory duties or obligations.
    StatutoryDuty,
    /// (4) Public health emergencies, or protecting life, health and property.
    Emergency,
    /// (5) News reporting and supervision by public opinion, within reason.
    PublicInterestNews,
    /// (6) Information disclosed by the person or lawfully, within reason.
    Disclosed,
    /// (7) Other circumstances provided by laws and administrative regulations.
    OtherLaw,
}

impl LegalBasis {
    /// Number of the item in article 13.
    #[must_use]
    pub const fn item(self) -> u8 {
        match self {
            Self::Consent => 1,
            Self::Contract => 2,
            Self::StatutoryDuty => 3,
            Self::Emergency => 4,
            Self::PublicInterestNews => 5,
            Self::Disclosed => 6,
            Self::OtherLaw => 7,
        }
    }

    /// Whether it needs the person's consent: only item (1) does (article 13, paragraph 2).
    #[must_use]
    pub const fn needs_consent(self) -> bool {
        matches!(self, Self::Consent)
    }
}

/// What a trace must have reached before a value leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Surety {
    /// The leaf is durable. Never less.
    #[default]
    Durable,
    /// A signed checkpoint covers the leaf: about a second.
    Checkpoint,
    /// A quorum of witnesses cosigned a checkpoint that covers the leaf: some seconds.
    Witnessed,
}

/// The notice given to persons (PIPL article 17).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// The operator's version of the text.
    pub version: String,
    /// SHA-256 of the text, lower-case hex.
    pub sha256: String,
    /// The text itself, so that it can be shown.
    pub text: String,
}

/// A declared purpose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purpose {
    /// Id: 1 to 64 of `a-z`, `0-9`, `-`, `_`, `.`.
    pub id: String,
    /// Name in Chinese.
    pub name_zh: String,
    /// Name in English.
    pub name_en: String,
    /// Legal basis.
    pub basis: LegalBasis,
    /// Kinds it may read.
    pub kinds: Vec<Kind>,
    /// Fields it may read beyond those kinds, by name.
    pub fields: Vec<String>,
    /// Days after which information kept for it is due for erasure (article 19).
    pub retention_days: Option<u32>,
    /// The notice.
    pub notice: Option<Notice>,
    /// Commercial marketing: an objection or withdrawal stops it (article 24).
    pub marketing: bool,
    /// How far the trace of a read must be before the value leaves.
    #[serde(default)]
    pub surety: Surety,
    /// The chance in percent that a look-up by name shows a decoy; none: decoys are never shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decoy_percent: Option<u8>,
    /// The other way than the face that is offered; a purpose without one uses no faces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub face_alternative: Option<String>,
    /// Whether it is in use; a retired purpose releases nothing.
    pub active: bool,
    /// When this version was declared: milliseconds since 1970 UTC.
    pub at: i64,
}

impl Purpose {
    /// The name in a language.
    #[must_use]
    pub fn name(&self, lang: Lang) -> &str {
        match lang {
            Lang::Zh => &self.name_zh,
            Lang::En => &self.name_en,
        }
    }

    /// Whether it may read a field of this name and kind.
    #[must_use]
    pub fn allows(&self, name: &str, kind: Option<Kind>) -> bool {
        kind.is_some_and(|kind| self.kinds.contains(&kind))
            || self.fields.iter().any(|field| field == name)
    }
}

impl Vault {
    /// Declares a purpose or a new version of it; answers the version.
    ///
    /// # Errors
    ///
    /// [`VaultError::Bound`] for a bad id; a conflict when another declared it meanwhile.
    pub fn put_purpose(&self, purpose: &Purpose, also: Batch) -> Result<u32, VaultError> {
        history::check_id("a purpose id", &purpose.id)?;
        let id = purpose.id.as_bytes();
        let previous = history::newest(&*self.records, Space::Purposes, id)?;
        let mut batch = also;
        let previous = previous.map(|previous| previous.version);
        let json = history::to_json(purpose)?;
        let version = history::stage(&mut batch, Space::Purposes, id, previous, json);
        self.records.write(&batch)?;
        Ok(version)
    }

    /// The newest version of a purpose.
    ///
    /// # Errors
    ///
    /// [`VaultError::Store`].
    pub fn purpose(&self, id: &str) -> Result<Option<Versioned<Purpose>>, VaultError> {
        let newest = history::newest(&*self.records, Space::Purposes, id.as_bytes())?;
        newest.map(parse).transpose()
    }

    /// Every purpose in its newest version.
    ///
    /// # Errors
    ///
    /// [`VaultError::Store`].
    pub fn purposes(&self) -> Result<Vec<Versioned<Purpose>>, VaultError> {
        let all = history::all_newest(&*self.records, Space::Purposes, b"")?;
        all.into_iter().map(|(_, row)| parse(row)).collect()
    }

    /// All versions of a purpose, newest first.
    ///
    /// # Errors
    ///
    /// [`VaultError::Store`].
    pub fn purpose_history(&self, id: &str) -> Result<Vec<Versioned<Purpose>>, VaultError> {
        let all = history::versions(&*self.records, Space::Purposes, id.as_bytes(), usize::MAX)?;
        all.into_iter().map(parse).collect()
    }
}

fn parse(row: Versioned<Vec<u8>>) -> Result<Versioned<Purpose>, VaultError> {
    Ok(Versioned {
        version: row.version,
        value: history::from_json(&row.value)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn purpose(id: &str, name: &str) -> Purpose {
        Purpose {
            id: id.to_owned(),
            name_zh: "配送".to_owned(),
            name_en: name.to_owned(),
            basis: LegalBasis::Contract,
            kinds: vec![Kind::MOBILE],
            fields: vec!["note".to_owned()],
            retention_days: Some(90),
            notice: None,
            marketing: false,
            surety: Surety::Durable,
            decoy_percent: None,
            face_alternative: None,
            active: true,
            at: 1,
        }
    }

    #[test]
    fn purposes_keep_their_history() {
        let vault = crate::testing::memory_vault();
        for (id, name) in [
            ("delivery", "one"),
            ("delivery", "two"),
            ("delivery-2", "other"),
        ] {
            vault
                .put_purpose(&purpose(id, name), Batch::new())
                .expect("declares");
        }
        let newest = vault.purpose("delivery").expect("reads").expect("exists");
        assert_eq!((newest.version, newest.value.name_en.as_str()), (2, "two"));
        assert_eq!(vault.purpose_history("delivery").expect("reads").len(), 2);
        assert_eq!(vault.purposes().expect("reads").len(), 2);
        assert!(vault.purpose("nothing").expect("reads").is_none());
        assert!(
            vault
                .put_purpose(&purpose("Bad Id", "x"), Batch::new())
                .is_err()
        );
    }

    #[test]
    fn a_purpose_allows_its_kinds_and_named_fields_only() {
        let purpose = purpose("p", "p");
        let rows = [
            ("phone", Some(Kind::MOBILE), true),
            ("note", None, true),
            ("mail", Some(Kind::EMAIL), false),
            ("other", None, false),
        ];
        for (name, kind, allowed) in rows {
            assert_eq!(purpose.allows(name, kind), allowed, "{name}");
        }
    }

    #[test]
    fn only_the_first_basis_needs_consent() {
        use LegalBasis::*;
        let all = [
            Consent,
            Contract,
            StatutoryDuty,
            Emergency,
            PublicInterestNews,
            Disclosed,
            OtherLaw,
        ];
        for (at, basis) in (1..).zip(all) {
            assert_eq!((basis.item(), basis.needs_consent()), (at, at == 1));
        }
    }
}
