//! Devices of a person: public keys with which he signs that something comes from a device of his.
//!
//! Rule: W3C Web Authentication Level 3 (a credential record, section 4). A device says something
//! about its owner, so every row is sealed under the subject's own key and dies with it. Rows are
//! `subject[16] ‖ id`; a device that was revoked is deleted, so nothing that it signs fits again.
//! What a signature has to cover, and whether it holds, is decided above.

use serde::{Deserialize, Serialize};

use crate::crypt;
use crate::store::{Batch, KeyRange, Space};
use crate::subject::SubjectId;
use crate::{Vault, VaultError};

use super::history::{check_id, from_json, to_json};

/// A device that a person registered.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// Its id here: 1 to 64 of `a-z`, `0-9`, `-`, `_` and `.`.
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// The host name for which it signs.
    pub host: String,
    /// The id under which the device itself knows the key.
    pub credential: Vec<u8>,
    /// Its public key, a `COSE_Key` (RFC 9052, section 7).
    pub key: Vec<u8>,
    /// How often it signed, as it says; zero where it does not count.
    pub counter: u32,
    /// When it was registered: milliseconds since 1970 UTC.
    pub at: i64,
    /// When it last signed.
    pub used: Option<i64>,
}

impl std::fmt::Debug for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Device({}, {} bytes)", self.id, self.key.len())
    }
}

const CLASS: &str = "device";
const WHAT: &str = "a device";

fn row_key(subject: &SubjectId, id: &str) -> Vec<u8> {
    [subject.as_bytes(), id.as_bytes()].concat()
}

impl Vault {
    fn device_aad(&self, key: &[u8]) -> Vec<u8> {
        crypt::aad(&[b"liuhen/device/v1", self.tenant.as_bytes(), key])
    }

    /// Keeps a device, in place of one of the same id.
    ///
    /// # Errors
    ///
    /// [`VaultError::Erased`], [`VaultError::NotFound`] about the subject;
    /// [`VaultError::Bound`] for a bad id.
    pub fn put_device(&self, subject: &SubjectId, device: &Device) -> Result<(), VaultError> {
        check_id("a device id", &device.id)?;
        let _writing = self.writing();
        let row = row_key(subject, &device.id);
        let key = self.keys_of(subject)?.field_key(CLASS);
        let sealed = crypt::seal(&key, &self.device_aad(&row), &to_json(device)?)?;
        let mut batch = Batch::new();
        batch.put(Space::Devices, row, sealed);
        Ok(self.records.write(&batch)?)
    }

    /// A person's devices, in the order of their ids.
    ///
    /// # Errors
    ///
    /// [`VaultError::Erased`], [`VaultError::Sealed`].
    pub fn devices(&self, subject: &SubjectId) -> Result<Vec<Device>, VaultError> {
        let range = KeyRange::prefix(subject.as_bytes());
        let rows = self
            .records
            .scan(Space::Devices, &range, usize::MAX, false)?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let key = self.keys_of(subject)?.field_key(CLASS);
        rows.iter()
            .map(|(row, sealed)| {
                from_json(&crypt::open(&key, &self.device_aad(row), sealed, WHAT)?)
            })
            .collect()
    }

    /// Forgets a device; answers whether there was one.
    ///
    /// # Errors
    ///
    /// [`VaultError::Store`].
    pub fn end_device(&self, subject: &SubjectId, id: &str) -> Result<bool, VaultError> {
        let _writing = self.writing();
        let row = row_key(subject, id);
        let held = self.records.get(Space::Devices, &row)?.is_some();
        let mut batch = Batch::new();
        batch.delete(Space::Devices, row);
        self.records.write(&batch)?;
        Ok(held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Disposal;
    use crate::testing::{Stores, row};

    fn device(id: &str) -> Device {
        Device {
            id: id.to_owned(),
            name: "phone".to_owned(),
            host: "localhost".to_owned(),
            credential: vec![7; 32],
            key: vec![9; 77],
            counter: 1,
            at: 5,
            used: None,
        }
    }

    #[test]
    fn devices_are_sealed_and_end_with_their_owner() {
        let stores = Stores::new();
        let vault = stores.open();
        let two = [row(1), row(2)];
        let taken = vault.ingest(&two, None, Batch::new()).expect("stores");
        let (one, other) = (taken[0].subject, taken[1].subject);
        for id in ["dev_b", "dev_a"] {
            vault.put_device(&one, &device(id)).expect("keeps");
        }
        vault.put_device(&other, &device("dev_a")).expect("keeps");
        let later = Device {
            counter: 2,
            ..device("dev_a")
        };
        vault.put_device(&one, &later).expect("keeps");
        assert_eq!(
            vault.devices(&one).expect("reads"),
            [later, device("dev_b")]
        );
        let rows = stores
            .records
            .scan(Space::Devices, &KeyRange::all(), usize::MAX, false)
            .expect("reads");
        let shows = |needle: &[u8]| {
            rows.iter()
                .any(|(_, sealed)| sealed.windows(needle.len()).any(|part| part == needle))
        };
        assert!(!shows(b"phone") && !shows(b"localhost"));
        assert!(vault.end_device(&one, "dev_b").expect("ends"));
        assert!(!vault.end_device(&one, "dev_b").expect("ends"));
        assert_eq!(vault.devices(&one).expect("reads").len(), 1);
        let why = Disposal {
            reason: "cancelled",
            approver: "the person concerned",
            at: 6,
        };
        let receipt = vault.erase(&one, why, Batch::new()).expect("erases");
        assert_eq!(receipt.declarations, 1);
        assert!(vault.devices(&one).expect("reads").is_empty());
        assert_eq!(vault.devices(&other).expect("reads").len(), 1);
        assert!(vault.put_device(&one, &device("dev_c")).is_err());
    }

    #[test]
    fn a_row_moved_to_another_person_does_not_open() {
        let stores = Stores::new();
        let vault = stores.open();
        let two = [row(1), row(2)];
        let taken = vault.ingest(&two, None, Batch::new()).expect("stores");
        let (one, other) = (taken[0].subject, taken[1].subject);
        vault.put_device(&one, &device("dev_a")).expect("keeps");
        let sealed = stores
            .records
            .get(Space::Devices, &row_key(&one, "dev_a"))
            .expect("reads")
            .expect("is there");
        let mut batch = Batch::new();
        batch.put(Space::Devices, row_key(&other, "dev_a"), sealed);
        stores.records.write(&batch).expect("writes");
        assert!(vault.devices(&other).is_err());
    }
}
