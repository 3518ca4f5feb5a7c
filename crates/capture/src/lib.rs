#![doc = include_str!("../README.md")]

mod challenge;
mod doubt;
mod frame;
mod rules;

pub use challenge::{Deed, Plan, Step};
pub use doubt::{Demand, Doubt, Needs, Part, Recorded, Says, Signing, Told, best, doubt};
pub use frame::{Frame, Point};
pub use rules::{Asking, Devices, Passive, Rules};
