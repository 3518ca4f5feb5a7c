//! Programs and the business sites they speak for: API keys and sites.
//!
//! A key's secret is shown once; the store keeps its SHA-256 (the secret has 160 random bits, so nothing can be guessed from it).

use std::collections::HashMap;
use std::str::FromStr;

use liuhen_vault::SiteId;
use liuhen_vault::registry::Site;
use liuhen_vault::store::{Batch, Space};
use parking_lot::RwLock;
use serde::{Deserialize, Serialize};

use crate::caller::{Assurance, Caller, CallerKind, Role};
use crate::clock::UnixMs;
use crate::error::{Result, ServiceError};
use crate::event::{Action, Outcome};
use crate::{Service, ids, shelf};

const KEY: &[u8] = b"key/";

/// An API key, as shown.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ApiKeyView {
    /// Stable id.
    pub id: String,
    /// What it is called, also in traces.
    pub name: String,
    /// What it may do.
    pub roles: Vec<Role>,
    /// The business site it speaks for.
    pub site: Option<String>,
    /// Whether it is accepted.
    pub active: bool,
    /// When it was made.
    pub created: UnixMs,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct StoredKey {
    view: ApiKeyView,
    hash: [u8; 32],
    /// Who made it, and answers for what is asked with it.
    #[serde(default)]
    by: Option<String>,
}

/// A business site: whoever holds tokens instead of values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteView {
    /// Short id, part of its tokens.
    pub id: String,
    /// What it is called.
    pub name: String,
}

/// Keys by the hash of their secret, read on every API request.
#[derive(Debug, Default)]
pub(crate) struct KeyRing(RwLock<HashMap<[u8; 32], Caller>>);

impl KeyRing {
    fn replace(&self, keys: &[StoredKey]) {
        let callers = keys
            .iter()
            .filter(|key| key.view.active)
            .map(|key| (key.hash, caller(&key.view)));
        *self.0.write() = callers.collect();
    }
}

fn caller(view: &ApiKeyView) -> Caller {
    Caller {
        id: format!("key:{}", view.id),
        display: view.name.clone(),
        kind: CallerKind::Service,
        roles: view.roles.iter().copied().collect(),
        assurance: Assurance::Key,
        site: view.site.clone(),
    }
}

impl Service {
    pub(crate) fn load_keys(&self) -> Result<()> {
        self.key_ring().replace(&self.stored_keys()?);
        Ok(())
    }

    fn stored_keys(&self) -> Result<Vec<StoredKey>> {
        let keys: Vec<(Vec<u8>, StoredKey)> = shelf::all(self.store(), Space::ApiKeys, KEY)?;
        Ok(keys.into_iter().map(|(_, key)| key).collect())
    }

    /// Who made the key that a caller used.
    pub(crate) fn maker_of_key(&self, caller: &Caller) -> Result<Option<String>> {
        let Some(id) = caller.id.strip_prefix("key:") else {
            return Ok(None);
        };
        let stored = self.stored_keys()?;
        Ok(stored
            .into_iter()
            .find(|key| key.view.id == id)
            .and_then(|key| key.by))
    }

    /// The caller an API key stands for.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Unauthenticated`] when the key is unknown or revoked.
    pub fn caller_by_key(&self, secret: &str) -> Result<Caller> {
        self.key_ring()
            .0
            .read()
            .get(&ids::secret_hash(secret))
            .cloned()
            .ok_or(ServiceError::Unauthenticated(
                "the API key is unknown or revoked",
            ))
    }

    /// All API keys, without their secrets.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Forbidden`] for a caller who is not an administrator.
    pub fn api_keys(&self, caller: &Caller) -> Result<Vec<ApiKeyView>> {
        caller.need(Role::Admin, "see API keys")?;
        Ok(self
            .stored_keys()?
            .into_iter()
            .map(|key| key.view)
            .collect())
    }

    /// Makes an API key. The secret is returned here and never again.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Invalid`] without a name or role, or for an unknown site.
    pub async fn create_api_key(
        &self,
        caller: &Caller,
        name: &str,
        roles: &[Role],
        site: Option<&str>,
    ) -> Result<(ApiKeyView, String)> {
        caller.need(Role::Admin, "make API keys")?;
        let name = short_name(name)?;
        if roles.is_empty() {
            return Err(ServiceError::Invalid(
                "a key needs at least one role".to_owned(),
            ));
        }
        if let Some(site) = site {
            self.site(site)?;
        }
        let secret = ids::random("lk", 20)?;
        let view = ApiKeyView {
            id: ids::random("k", 8)?,
            name,
            roles: roles.to_vec(),
            site: site.map(ToOwned::to_owned),
            active: true,
            created: self.now(),
        };
        let names: Vec<&str> = roles.iter().map(|role| role.name()).collect();
        let details = [
            ("did", "create_api_key".to_owned()),
            ("key", view.id.clone()),
            ("roles", names.join(",")),
        ];
        self.note(caller, Action::Admin, Outcome::Done, details)
            .await?;
        let stored = StoredKey {
            view: view.clone(),
            hash: ids::secret_hash(&secret),
            by: Some(caller.id.clone()),
        };
        shelf::put_now(
            self.store(),
            Space::ApiKeys,
            &[KEY, view.id.as_bytes()].concat(),
            &stored,
        )?;
        self.load_keys()?;
        Ok((view, secret))
    }

    /// Revokes an API key at once.
    ///
    /// # Errors
    ///
    /// [`ServiceError::NotFound`] for an unknown key.
    pub async fn revoke_api_key(&self, caller: &Caller, id: &str) -> Result<()> {
        caller.need(Role::Admin, "revoke API keys")?;
        let key = [KEY, id.as_bytes()].concat();
        let mut stored: StoredKey = shelf::get(self.store(), Space::ApiKeys, &key)?
            .ok_or(ServiceError::NotFound("API key"))?;
        let details = [("did", "revoke_api_key".to_owned()), ("key", id.to_owned())];
        self.note(caller, Action::Admin, Outcome::Done, details)
            .await?;
        stored.view.active = false;
        shelf::put_now(self.store(), Space::ApiKeys, &key, &stored)?;
        self.load_keys()
    }

    /// All business sites.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub fn sites(&self) -> Result<Vec<SiteView>> {
        Ok(self
            .vault
            .sites()?
            .into_iter()
            .map(|site| view(site.value))
            .collect())
    }

    /// One business site.
    ///
    /// # Errors
    ///
    /// [`ServiceError::NotFound`].
    pub fn site(&self, id: &str) -> Result<SiteView> {
        let id = SiteId::from_str(id).map_err(|_| ServiceError::NotFound("site"))?;
        self.vault
            .site(&id)?
            .map(|site| view(site.value))
            .ok_or(ServiceError::NotFound("site"))
    }

    /// Declares or renames a business site.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Invalid`] for an id that is not 1 to 32 lower-case letters, digits or hyphens.
    pub async fn put_site(&self, caller: &Caller, id: &str, name: &str) -> Result<()> {
        caller.need(Role::Admin, "manage sites")?;
        let site = SiteId::from_str(id).map_err(|_| {
            ServiceError::Invalid(
                "a site's id has 1 to 32 lower-case letters, digits or hyphens".to_owned(),
            )
        })?;
        let site = Site {
            id: site,
            name: short_name(name)?,
            active: true,
            at: self.now(),
        };
        let details = [("did", "put_site".to_owned()), ("site", id.to_owned())];
        self.note(caller, Action::Admin, Outcome::Done, details)
            .await?;
        self.vault.put_site(&site, Batch::new())?;
        Ok(())
    }
}

fn view(site: Site) -> SiteView {
    SiteView {
        id: site.id.to_string(),
        name: site.name,
    }
}

/// A name of 1 to 80 characters without control characters.
pub(crate) fn short_name(name: &str) -> Result<String> {
    let name = name.trim();
    if (1..=80).contains(&name.chars().count()) && !name.chars().any(char::is_control) {
        return Ok(name.to_owned());
    }
    Err(ServiceError::Invalid(
        "a name has 1 to 80 characters".to_owned(),
    ))
}
