//! A leak counted as the law counts it.
//!
//! [`count`] takes a [`Plan`] and three ports: [`Exhibits`] yield rows, a [`Judge`] gives verdicts
//! on cells, a [`Progress`] is told how far it is. [`Counted::report`] answers the numbers, and
//! [`Counted::ledger`] every row that is not among them, with its reason and its place.
//!
//! Rules: `rules/count.toml` ([`Rules`]), dated and with sources; what they mean, docs/counting.md.
//! Same files, rules, version and options: the same report, whatever the number of threads and
//! however often the count was killed and went on.
//!
//! Reading formats belongs to `reading`, recognising values to `detect`; this room sees cells for
//! as long as it takes to hash them, and keeps hashes, places and kinds.

mod acts;
mod age;
pub mod apart;
mod batch;
pub mod case;
mod error;
mod hash;
mod ledger;
pub mod link;
mod merge;
pub mod near;
mod place;
mod ports;
pub mod provenance;
mod reason;
mod region;
pub mod report;
mod row;
pub mod rules;
mod run;
pub mod sample;
mod sight;
pub mod slang;
mod spill;
mod threshold;
mod unit;
mod work;

pub use acts::{Act, ActKind, Acts};
pub use age::Day;
pub use batch::{Batch, Cells};
pub use error::CountError;
pub use hash::HashKey;
pub use ledger::{At, Entry};
pub use ports::{
    Exhibit, Exhibits, Judge, Looked, Progress, Silent, Step, TableHead, Unit, Unread, UnreadPart,
    Verdict,
};
pub use reason::{Policy, Reason};
pub use report::{Case, Report};
pub use rules::Rules;
pub use run::{Counted, Plan, count};
pub use sight::{Network, PictureCounts, Shown, Sight};
pub use threshold::{Assessment, ByTier, Circumstances, Reached, assess};
