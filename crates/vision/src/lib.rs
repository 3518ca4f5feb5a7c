//! A picture yields words, faces, codes.
//!
//! [`Eyes`] are opened over a [`models::Folder`] of weights, once, and look at
//! as many pictures as one likes: lines of Chinese and Latin text with boxes
//! and order, faces with landmarks and quality, QR and bar codes with what
//! they say. "Could not tell" is an answer of its own ([`Verdict`]).
//!
//! Nothing here keeps a picture, looks anybody up, or draws a face. Networks
//! run by `rten`, in Rust; weights are never part of the program.
//!
//! Leaves to others: bytes and pixels (`picture`), what a text means
//! (`detect`), hiding what was found (`redact`), fetching weights (`service`).

mod codes;
mod error;
mod eyes;
mod faces;
mod geometry;
mod hidden;
pub mod models;
mod network;
mod raster;
mod rules;
mod runtime;
mod strokes;
mod words;

pub use codes::Code;
pub use error::VisionError;
pub use eyes::{Eyes, Glimpse, Look, Sight};
pub use faces::{Embedding, Face, Quality, Verdict};
pub use geometry::{Area, Point, Quad};
pub use hidden::{Hidden, hidden};
pub use raster::whole;
pub use runtime::{VARIABLE as RUNTIME_VARIABLE, runtime};
pub use words::{Line, Words};
