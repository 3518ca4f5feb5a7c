//! The policy text: kept with its history, changed only when it parses, fits the schema and nobody else changed it meanwhile.

use liuhen_vault::store::{Batch, Space, Store, StoreError};
use serde::{Deserialize, Serialize};

use crate::caller::{Caller, Role};
use crate::clock::UnixMs;
use crate::error::{Result, ServiceError};
use crate::event::{Action, Outcome};
use crate::policy::{self, PolicyBook, PolicyLine, PolicyProblem};
use crate::{Service, shelf};

const CURRENT: &[u8] = b"current";
const HISTORY: &[u8] = b"history/";

/// Longest policy text taken.
const TEXT_BYTES: usize = 256 * 1024;

/// The policies in force.
#[derive(Debug, Clone, Serialize)]
pub struct PolicyView {
    /// The Cedar text.
    pub text: String,
    /// Its version: the first 16 bytes of its SHA-256, hexadecimal. Traces name it.
    pub version: String,
    /// When it was put in force.
    pub updated: UnixMs,
    /// By whom.
    pub by: String,
    /// The policies, by name.
    pub policies: Vec<PolicyLine>,
}

/// An earlier (or the present) version.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PolicyVersion {
    /// Version, as in [`PolicyView`].
    pub version: String,
    /// When it was put in force.
    pub updated: UnixMs,
    /// By whom.
    pub by: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct StoredPolicy {
    text: String,
    #[serde(flatten)]
    version: PolicyVersion,
}

/// The policies in force, or those a new vault begins with.
pub(crate) fn stored_policies(store: &dyn Store) -> Result<PolicyBook> {
    let stored: Option<StoredPolicy> = shelf::get(store, Space::Policies, CURRENT)?;
    PolicyBook::parse(
        stored
            .as_ref()
            .map_or(policy::DEFAULT, |stored| &stored.text),
    )
}

impl Service {
    /// The policies in force.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub fn policy(&self) -> Result<PolicyView> {
        let book = self.policies.load_full();
        let stored: Option<StoredPolicy> = shelf::get(self.store(), Space::Policies, CURRENT)?;
        let (updated, by) = stored.map_or((0, "liuhen".to_owned()), |stored| {
            (stored.version.updated, stored.version.by)
        });
        Ok(PolicyView {
            text: book.text.clone(),
            version: book.version.clone(),
            updated,
            by,
            policies: book.lines(),
        })
    }

    /// What is wrong with a policy text; nothing, if it may be put in force.
    pub fn check_policy(&self, text: &str) -> Vec<PolicyProblem> {
        if text.len() > TEXT_BYTES {
            return vec![PolicyProblem {
                line: 0,
                message: format!("longer than {TEXT_BYTES} bytes"),
            }];
        }
        policy::check(text)
    }

    /// Puts a policy text in force, if the one it replaces is still `expected`.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Policy`] when it does not parse or fit; [`ServiceError::Conflict`] when somebody else changed it meanwhile.
    pub async fn put_policy(
        &self,
        caller: &Caller,
        text: &str,
        expected: &str,
    ) -> Result<PolicyView> {
        caller.need(Role::Admin, "change policies")?;
        let problems = self.check_policy(text);
        if let Some(problem) = problems.first() {
            return Err(ServiceError::Policy(format!(
                "line {}: {}",
                problem.line, problem.message
            )));
        }
        let book = PolicyBook::parse(text)?;
        let _settings = self.settings.lock().await;
        let before = self.policies.load().version.clone();
        if before != expected {
            return Err(ServiceError::Conflict(
                "somebody else changed the policies meanwhile; look again".to_owned(),
            ));
        }
        let details = [("before", before), ("after", book.version.clone())];
        self.note(caller, Action::Policy, Outcome::Done, details)
            .await?;
        let version = PolicyVersion {
            version: book.version.clone(),
            updated: self.now(),
            by: caller.display.clone(),
        };
        let stored = StoredPolicy {
            text: text.to_owned(),
            version,
        };
        let mut batch = Batch::new();
        shelf::put(&mut batch, Space::Policies, CURRENT, &stored)?;
        let key = [HISTORY, &stored.version.updated.to_be_bytes()].concat();
        shelf::put(&mut batch, Space::Policies, &key, &stored)?;
        self.store()
            .write(&batch)
            .map_err(|error: StoreError| ServiceError::from(error))?;
        self.policies.store(std::sync::Arc::new(book));
        self.policy()
    }

    /// All versions ever in force, newest first.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub fn policy_history(&self) -> Result<Vec<PolicyVersion>> {
        let all: Vec<(Vec<u8>, StoredPolicy)> = shelf::all(self.store(), Space::Policies, HISTORY)?;
        Ok(all
            .into_iter()
            .rev()
            .map(|(_, stored)| stored.version)
            .collect())
    }
}
