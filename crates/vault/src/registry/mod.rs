//! What was declared: purposes, consents, flags and devices of persons, business sites.
//!
//! Every declaration keeps its history: a change is a new version, and the newest counts; devices keep none.
//! Rows are `id ‖ 0x00 ‖ (2³²−1 − version) u32 BE`, so that the newest comes first.
//! Deciding with them belongs to the policies above; times come from the caller.

mod consent;
mod device;
mod flags;
mod history;
mod purpose;
mod site;

pub use consent::{Consent, ConsentState, Guardian};
pub use device::Device;
pub use flags::Flags;
pub use history::Versioned;
pub use purpose::{LegalBasis, Notice, Purpose, Surety};
pub use site::Site;
