//! Who asks: an authenticated service, member of staff, person concerned, or the operator at the machine itself.
//!
//! Roles are coarse and decide who may manage what; whether a value is released is decided by the Cedar policies in [`crate::policy`].

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::error::{Result, ServiceError};

/// What a member of staff or an API key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Manages staff, keys, sites, purposes and policies.
    Admin,
    /// Brings personal information in.
    Importer,
    /// Asks to read, as far as the policies allow.
    Reader,
    /// Asks for exports.
    Exporter,
    /// Approves what another person asked for.
    Approver,
    /// Traces leaks.
    Investigator,
    /// Identifies persons at the desk and hands them their link and code.
    Desk,
}

impl Role {
    /// Every role, in the order shown.
    pub const ALL: [Self; 7] = [
        Self::Admin,
        Self::Importer,
        Self::Reader,
        Self::Exporter,
        Self::Approver,
        Self::Investigator,
        Self::Desk,
    ];

    /// The stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Importer => "importer",
            Self::Reader => "reader",
            Self::Exporter => "exporter",
            Self::Approver => "approver",
            Self::Investigator => "investigator",
            Self::Desk => "desk",
        }
    }

    /// Reads a stable name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// What sort of caller this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallerKind {
    /// A member of staff, signed in to the console.
    Staff,
    /// A program with an API key.
    Service,
    /// The person concerned, in the portal.
    Person,
    /// The operator, at the machine, with the data directory in hand.
    Local,
}

/// How sure we are who the caller is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Assurance {
    /// A password alone.
    Password,
    /// An API key.
    Key,
    /// Two factors, or the machine itself.
    TwoFactor,
}

/// An authenticated caller.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Caller {
    /// Stable id, such as `staff:m4q…` or `key:9fk…`.
    pub id: String,
    /// How the caller is shown in a trace.
    pub display: String,
    /// Staff, service, person or local.
    pub kind: CallerKind,
    /// What the caller may do.
    pub roles: BTreeSet<Role>,
    /// How sure we are.
    pub assurance: Assurance,
    /// The business site this caller speaks for; tokens of other sites are unknown to it.
    pub site: Option<String>,
}

impl Caller {
    /// The operator at the machine: holds the data directory and the root key, so no role is kept from him; he is traced like everybody.
    pub fn local() -> Self {
        Self {
            id: "local:operator".to_owned(),
            display: "operator at the machine".to_owned(),
            kind: CallerKind::Local,
            roles: Role::ALL.into_iter().collect(),
            assurance: Assurance::TwoFactor,
            site: None,
        }
    }

    /// Whether the caller has `role`.
    pub fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// Refuses a caller without `role`.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Forbidden`].
    pub fn need(&self, role: Role, what: &'static str) -> Result<()> {
        if self.has(role) {
            return Ok(());
        }
        Err(ServiceError::Forbidden {
            caller: self.id.clone(),
            what,
            role: role.name(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn role_names_round_trip() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.name()), Some(role));
        }
        assert_eq!(Role::parse("root"), None);
    }

    #[test]
    fn need_refuses_a_missing_role() {
        let mut caller = Caller::local();
        assert!(caller.need(Role::Admin, "manage staff").is_ok());
        caller.roles.clear();
        let refusal = caller.need(Role::Admin, "manage staff").unwrap_err();
        assert_eq!(refusal.code(), "forbidden");
    }
}
