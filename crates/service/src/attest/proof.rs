//! A person's proof: what the log holds under his labels, and that it holds no more.
//!
//! Rule: `docs/trace.md`, A person's proof. Whoever knows a label may ask; nobody can guess one.

use liuhen_tlog::entry::Label;
use liuhen_tlog::map::MapProofError;
use liuhen_tlog::person::{BuildError, Source, build};
use liuhen_tlog::proof::Nodes;
use liuhen_tlog::{Hash, Log, LogError};

use super::Shared;
use crate::Service;
use crate::error::{Result, ServiceError};

/// The log, and the map as one of its roots binds it. The map is held only while it is asked, never while entries are read.
struct Parts<'a, N> {
    log: &'a Log,
    nodes: N,
    shared: &'a Shared,
    /// Size of the map proved.
    size: u64,
}

/// Why a part could not be had.
#[derive(Debug, thiserror::Error)]
enum PartError {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Map(#[from] MapProofError),
}

type Part<T> = std::result::Result<T, PartError>;

impl<N: Nodes<Error = LogError>> Nodes for Parts<'_, N> {
    type Error = PartError;

    fn node(&self, level: u32, index: u64) -> Part<Hash> {
        Ok(self.nodes.node(level, index)?)
    }
}

impl<N: Nodes<Error = LogError>> Source for Parts<'_, N> {
    fn find(&self, label: &Label) -> Part<Option<u64>> {
        // The tree may have gone on since.
        let index = self.shared.map.read().find(label);
        Ok(index.filter(|index| *index < self.size))
    }

    fn prove_labels(&self, sorted: &[Label]) -> Part<Vec<u8>> {
        Ok(self.shared.map.read().prove(self.size, sorted)?)
    }

    fn entry(&self, index: u64) -> Part<Vec<u8>> {
        Ok(self.log.leaf(index)?)
    }

    fn entries(&self, indexes: &[u64]) -> Part<Vec<Vec<u8>>> {
        Ok(self.log.leaves(indexes)?)
    }

    fn prove_entries(&self, indexes: &[u64], size: u64) -> Part<Vec<Hash>> {
        Ok(self.log.prove_entries(indexes, size)?)
    }
}

impl Service {
    /// Proves which entries stand under `labels`, the numbers `from`, `from + 1`, … of one person, up to the first that is absent.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Invalid`] for no labels, too many, or one twice; [`ServiceError::NotReady`] while no map root is under a checkpoint.
    pub fn person_proof(&self, from: u64, labels: &[Label]) -> Result<Vec<u8>> {
        let shared = &self.attest.shared;
        // Without a map under the cosigned checkpoint, the log's own word must do; whoever checks sees whose word it is.
        for checkpoint in [shared.best_checkpoint(), self.log.checkpoint()] {
            let Some(bound) = shared.map.read().provable(checkpoint.size()) else {
                continue;
            };
            let parts = Parts {
                log: &self.log,
                nodes: self.log.nodes(),
                shared,
                size: bound.root.size,
            };
            match build(from, labels, &checkpoint, bound.index, &parts) {
                Ok(proof) => return Ok(proof.to_bytes()),
                // That version of the map is no longer kept.
                Err(BuildError::Source(PartError::Map(_))) => {}
                Err(BuildError::Source(PartError::Log(error))) => return Err(error.into()),
                Err(BuildError::NotCovered { .. } | BuildError::BadEntry { .. }) => {
                    return Err(ServiceError::Damaged("private map"));
                }
                Err(refused) => return Err(ServiceError::Invalid(refused.to_string())),
            }
        }
        Err(ServiceError::NotReady)
    }
}
