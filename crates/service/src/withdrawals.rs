//! Files of exports that hold somebody who cancelled: deleted with his keys, so that nobody fetches his row any more (PIPL art. 47).
//!
//! What stays of such a copy is what leading a leak back takes: its key, its place in the log, and by opaque ids whose rows it held.
//! Whoever fetched the file before still holds it, as the mark in it says.

use std::collections::{BTreeSet, HashSet};
use std::fs;

use liuhen_vault::SubjectId;
use liuhen_vault::trace::Owner;
use parking_lot::Mutex;

use crate::Service;
use crate::error::{Result, ServiceError};
use crate::exports::{ExportState, StoredExport};

/// Who cancelled while this process ran: an export that listed him before may be in the making.
#[derive(Debug, Default)]
pub(crate) struct Gone(Mutex<HashSet<SubjectId>>);

impl Service {
    /// Deletes the files of all exports that hold a person; those in the making follow when they are done.
    ///
    /// The caller holds the lock on settings until the person is erased, so that no export is completed in between.
    pub(crate) fn withdraw_exports_of(&self, subject: &SubjectId) -> Result<()> {
        self.gone.0.lock().insert(*subject);
        let headers = self.export_headers_of(subject)?;
        if headers.is_empty() {
            return Ok(());
        }
        for mut export in self.stored_exports()? {
            if export
                .header
                .is_some_and(|header| headers.contains(&header))
            {
                self.withdraw(&mut export)?;
                self.put_export(&export)?;
            }
        }
        Ok(())
    }

    /// Withdraws an export that is done when somebody in it cancelled while it was made.
    ///
    /// The caller holds the lock on settings.
    pub(crate) fn withdraw_if_somebody_left(&self, export: &mut StoredExport) -> Result<()> {
        if self.gone.0.lock().is_empty() {
            return Ok(());
        }
        let subjects = self.kept_subjects(&export.view.id)?;
        let gone = self.gone.0.lock();
        let left = subjects.iter().any(|subject| gone.contains(subject));
        drop(gone);
        if left {
            self.withdraw(export)?;
        }
        Ok(())
    }

    fn withdraw(&self, export: &mut StoredExport) -> Result<()> {
        match fs::remove_file(self.export_path(&export.view.id)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(ServiceError::io("delete the file of an export")(error));
            }
            _ => {}
        }
        if export.view.state == ExportState::Ready {
            export.view.state = ExportState::Withdrawn;
        }
        Ok(())
    }

    /// The leaves of all exports that a person's trace names.
    fn export_headers_of(&self, subject: &SubjectId) -> Result<BTreeSet<u64>> {
        let (mut headers, mut from) = (BTreeSet::new(), 0);
        loop {
            let owner = Owner::Subject(*subject);
            let page = self.vault.trace().events(owner, from, 1000, false)?;
            let Some((last, _)) = page.last() else {
                return Ok(headers);
            };
            from = last + 1;
            let exported = page.iter().filter(|(_, place)| place.chunk.is_some());
            headers.extend(exported.map(|(_, place)| place.index));
        }
    }
}
