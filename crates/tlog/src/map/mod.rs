//! The private map: where each label of the log stands, bound by one root.
//!
//! Rule: `docs/trace.md`, The map. Knows labels and indexes; what a label
//! stands for, when a map root is logged and who may ask belong to others.

pub mod proof;
pub mod tree;

mod journal;
mod node;
mod pin;
mod private;
#[cfg(test)]
mod reference;

pub use node::{EMPTY, Node, leaf, node};
pub use private::{MapError, PrivateMap, Repeated};
pub use proof::{MapProofError, prove, prove_pinned, verify};
pub use tree::{Builder, Tree};
