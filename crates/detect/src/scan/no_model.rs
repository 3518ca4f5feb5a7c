//! Stands in for the sequence model where the crate is built without it.

use super::engine::Engine;

/// Finds nothing.
#[derive(Debug, Default)]
pub(super) struct Running;

impl Running {
    pub(super) fn segments(&mut self, _: &[u8], _: usize, _: usize, _: bool, _: &mut Engine) {}

    pub(super) fn pending(&self) -> usize {
        usize::MAX
    }

    pub(super) fn shift(&mut self, _: usize) {}

    pub(super) fn clear(&mut self) {}
}
