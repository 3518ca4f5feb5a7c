//! Business sites: who holds tokens.

use serde::{Deserialize, Serialize};

use super::Versioned;
use super::history;
use crate::store::{Batch, Space};
use crate::token::SiteId;
use crate::{Vault, VaultError};

/// A business site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    /// Its id, part of every token.
    pub id: SiteId,
    /// Its name, for people.
    pub name: String,
    /// Whether it may ask; a closed site resolves nothing.
    pub active: bool,
    /// When this version was declared: milliseconds since 1970 UTC.
    pub at: i64,
}

impl Vault {
    /// Declares a site or a new version of it; answers the version.
    ///
    /// # Errors
    ///
    /// A conflict when another declared it meanwhile.
    pub fn put_site(&self, site: &Site, also: Batch) -> Result<u32, VaultError> {
        let id = site.id.as_str().as_bytes();
        let previous = history::newest(&*self.records, Space::Sites, id)?.map(|row| row.version);
        let mut batch = also;
        let json = history::to_json(site)?;
        let version = history::stage(&mut batch, Space::Sites, id, previous, json);
        self.records.write(&batch)?;
        Ok(version)
    }

    /// The newest version of a site.
    ///
    /// # Errors
    ///
    /// [`VaultError::Store`].
    pub fn site(&self, id: &SiteId) -> Result<Option<Versioned<Site>>, VaultError> {
        let newest = history::newest(&*self.records, Space::Sites, id.as_str().as_bytes())?;
        newest.map(parse).transpose()
    }

    /// Every site in its newest version.
    ///
    /// # Errors
    ///
    /// [`VaultError::Store`].
    pub fn sites(&self) -> Result<Vec<Versioned<Site>>, VaultError> {
        let all = history::all_newest(&*self.records, Space::Sites, b"")?;
        all.into_iter().map(|(_, row)| parse(row)).collect()
    }
}

fn parse(row: Versioned<Vec<u8>>) -> Result<Versioned<Site>, VaultError> {
    Ok(Versioned {
        version: row.version,
        value: history::from_json(&row.value)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sites_are_declared_closed_and_listed() {
        let vault = crate::testing::memory_vault();
        let id: SiteId = "shop".parse().expect("a site id");
        let mut site = Site {
            id: id.clone(),
            name: "Shop".to_owned(),
            active: true,
            at: 1,
        };
        assert_eq!(vault.put_site(&site, Batch::new()).expect("declares"), 1);
        site.active = false;
        assert_eq!(vault.put_site(&site, Batch::new()).expect("declares"), 2);
        assert_eq!(vault.site(&id).expect("reads").expect("exists").value, site);
        assert_eq!(vault.sites().expect("reads").len(), 1);
    }
}
