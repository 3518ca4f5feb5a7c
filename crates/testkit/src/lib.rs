//! Generated tables, leaks and clients for tests.
//!
//! Dev-only: nothing that ships may import it (`cargo xtask layers`).
//! People come from `liuhen-invented`; who asks for them, and what is asserted, belongs to the
//! tests.
//!
//! The harnesses panic with their reason: a failed harness is a failed test.

#![expect(
    clippy::result_large_err,
    reason = "a harness reports an error once and stops; its size costs nothing"
)]
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "test support: a failure here is a failed test and says why where it stands"
)]

mod api;
mod browser;
mod corpus;
mod counted;
mod driver;
mod known;
mod leak;
pub mod pdf;
mod people;
pub mod pictures;
mod server;
mod sheet;

pub use api::{Answer, Api};
pub use browser::{Browser, REQUIRE, Screen, browser_or_skip, browser_with_camera_or_skip};
pub use corpus::{CorpusTruth, Kin, Made, corpus};
pub use counted::{CountedLeak, Truth, counted_leak};
pub use fantoccini;
pub use people::{Messy, messy, messy_in, people};
pub use server::{Failure, Plan, Server};
pub use sheet::{Encoding, Form, Sheet};
