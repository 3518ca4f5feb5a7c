//! Merging runs: when enough of similar size have gathered, they become one.
//!
//! Sizes are compared by powers of eight, so an entry is rewritten about once per factor of
//! eight to twelve in the size of the index. A merge writes its result under a new number
//! that the directory first lists as meaningless, so that an interrupted one leaves rubbish
//! that opening sweeps away, and never a wrong answer.

use std::sync::Arc;

use super::{Directory, Index, Run, run};
use crate::VaultError;
use crate::store::Batch;

/// Runs of similar size that are merged.
const FAN_IN: usize = 12;
/// Block rows read or deleted at a time.
pub(super) const PAGE: usize = 4_096;
/// Block rows written per batch: about 4 MiB.
const WRITE_ROWS: usize = 4_096;

/// Runs are of similar size when their entries have as many octal digits.
fn tier(run: &Run) -> u32 {
    run.entries.max(1).ilog(8)
}

/// The runs to be merged next, if any tier has enough.
fn candidates(directory: &Directory) -> Option<Vec<Arc<Run>>> {
    (0..=u64::MAX.ilog(8))
        .map(|wanted| {
            let same = directory.runs.iter().filter(|run| tier(run) == wanted);
            same.cloned().collect::<Vec<_>>()
        })
        .find(|runs| runs.len() >= FAN_IN)
}

impl Index {
    /// Merges runs until no tier is full. Called by the writer after a commit.
    pub(crate) fn maintain(&self) -> Result<(), VaultError> {
        while let Some(sources) = candidates(&self.snapshot()) {
            self.merge(&sources)?;
            self.sweep()?;
        }
        Ok(())
    }

    /// Announces the number of the result as meaningless, before a row of it is written.
    fn announce(&self) -> Result<u32, VaultError> {
        let mut directory = (*self.snapshot()).clone();
        let id = directory.next;
        directory.next += 1;
        directory.swept.push(id);
        let mut batch = Batch::new();
        directory.stage(&mut batch);
        self.store.write(&batch)?;
        *self.directory.write() = Arc::new(directory);
        Ok(id)
    }

    fn merge(&self, sources: &[Arc<Run>]) -> Result<(), VaultError> {
        let id = self.announce()?;
        let total: u64 = sources.iter().map(|run| run.entries).sum();
        let mut writer = run::Writer::new(id, usize::try_from(total).unwrap_or(usize::MAX));
        let mut readers: Vec<_> = sources.iter().map(|run| run::Reader::new(run.id)).collect();
        let mut batch = Batch::new();
        while let Some(entry) = self.least(&mut readers)? {
            writer.push_entry(&mut batch, &entry);
            if batch.len() >= WRITE_ROWS {
                self.store.write(&std::mem::take(&mut batch))?;
            }
        }
        let merged = Arc::new(writer.finish(&mut batch));
        let mut directory = (*self.snapshot()).clone();
        let is_source = |id: u32| sources.iter().any(|run| run.id == id);
        directory.runs.retain(|run| !is_source(run.id));
        directory.runs.push(merged);
        directory.swept.retain(|swept| *swept != id);
        directory.swept.extend(sources.iter().map(|run| run.id));
        directory.merges += 1;
        directory.stage(&mut batch);
        self.store.write(&batch)?;
        *self.directory.write() = Arc::new(directory);
        Ok(())
    }

    /// Takes the least entry of all readers; the same entry in several runs joins its uses.
    fn least(&self, readers: &mut [run::Reader]) -> Result<Option<run::Entry>, VaultError> {
        let mut least: Option<run::Entry> = None;
        for reader in readers.iter_mut() {
            if let Some(entry) = reader.peek(&*self.store)?
                && least.is_none_or(|least| entry[..run::HEAD] < least[..run::HEAD])
            {
                least = Some(entry);
            }
        }
        let Some(mut entry) = least else {
            return Ok(None);
        };
        for reader in readers {
            if let Some(other) = reader.peek(&*self.store)?
                && other[..run::HEAD] == entry[..run::HEAD]
            {
                entry[run::HEAD] |= other[run::HEAD];
                reader.advance();
            }
        }
        Ok(Some(entry))
    }
}
