//! Links between cases, as `forensics` makes them.

pub use liuhen_forensics::link::*;
