//! One function per use-case; the only place where rooms meet.
//!
//! [`Service`] holds a vault, its trace and its policies, and answers the skins (`server`, `cli`), which only show what it says.
//! The order inside every use-case that releases or changes something is the same: who asks, may he, trace it durably, then do it.
//!
//! It knows nothing of HTTP, cookies, terminals or pages.

mod access;
mod attest;
pub mod backup;
mod caller;
mod canaries;
mod captures;
pub mod case;
pub mod case_link;
pub mod case_report;
mod clock;
mod collections;
pub mod count;
mod decoys;
pub mod demo;
mod devices;
mod error;
mod event;
mod exports;
mod faces;
mod ids;
mod imports;
mod insight;
mod leak_report;
mod leaks;
mod lease;
mod ledger;
mod likeness;
mod members;
mod meter;
pub mod mine;
pub mod models;
mod open;
mod pages;
mod person;
mod pictures;
mod policies;
mod policy;
mod purposes;
mod readers;
mod reads;
pub mod redact;
mod review;
pub mod sample;
pub mod scan;
mod screens;
mod shelf;
pub mod sight;
mod sightings;
mod staff;
mod tables;
mod withdrawals;

use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use liuhen_tlog::Log;
use liuhen_vault::Vault;
use liuhen_vault::store::Store;
use parking_lot::Mutex;
use zeroize::Zeroizing;

pub use access::{ApiKeyView, SiteView};
pub use attest::{Alarm, MapStatus, Pace, TraceStatus, WitnessStatus};
pub use caller::{Assurance, Caller, CallerKind, Role};
pub use captures::{
    CaptureAsked, CaptureBegun, CaptureFace, CaptureRequest, CaptureState, CaptureView, Recording,
};
pub use clock::{UnixMs, day, rfc3339};
pub use collections::{CollectionView, FieldView};
pub use decoys::AccountView;
pub use devices::{DeviceOffer, DevicePlace, DeviceSignature, NewDevice, OwnDevice};
pub use error::{Result, ServiceError};
pub use event::{Action, Event, Outcome};
pub use exports::{ExportFile, ExportRequest, ExportState, ExportView, PowerView};
pub use faces::{
    FaceAnswer, FaceDoubt, FaceEnrolment, FaceFiling, FaceQuestion, FaceVerdict, FilingState,
    OwnFace,
};
pub use imports::{
    ImportPlan, ImportState, ImportStatus, KindView, PlanColumn, Preview, PreviewColumn,
    ProblemView, Upload,
};
pub use insight::{EventQuery, Health, ProofView, ReaderSeries, Stats};
pub use leaks::{ChannelView, CopyView, LeakState, LeakView, PictureFound};
pub use lease::{Holder, Waiting};
pub use ledger::EventView;
pub use liuhen_capture::{Demand, Doubt, Says, Told as CaptureTold};
pub use liuhen_tlog::{DirReport, verify_dir as verify_log_dir};
pub use liuhen_vault::registry::{Guardian, Surety};
pub use meter::{APPEND_BOUNDS, AppendTimes};
pub use open::{Config, KEY_OVERLAP, rotate_log_key};
pub use person::{
    ChunkProof, DisposalView, OwnEntry, OwnProof, OwnRecord, PersonInvite, PersonSession,
    PersonView,
};
pub use pictures::{PictureCopyRequest, PictureCopyView, PictureFile, PictureView, mark_visibly};
pub use policies::{PolicyVersion, PolicyView};
pub use policy::{PolicyLine, PolicyProblem, Reason, View};
pub use purposes::{ConsentView, PurposeView};
pub use readers::ReaderRank;
pub use reads::{Handle, Question, ReadAnswer, ReadRequest, ReceiptView, Released, SubjectAnswer};
pub use review::{
    ReviewCopy, ReviewDecision, ReviewLimits, ReviewLine, ReviewMark, ReviewPage, ReviewPart,
    ReviewProblem, ReviewState, ReviewSummary, ReviewView,
};
pub use sightings::{Carrier, SightingAnswer, SightingReport, SightingView, Watch};
pub use staff::{Enrolment, PASSWORD_CHARS, Session, StaffView, same_secret};

use crate::access::KeyRing;
use crate::clock::Clock;
use crate::ledger::Ledger;
use crate::policy::PolicyBook;
use crate::staff::Attempts;

/// A vault with its trace, policies and people.
pub struct Service {
    /// Held for as long as the service lives: one process per data directory.
    lock: Mutex<Option<lease::DirLock>>,
    dir: PathBuf,
    clock: Clock,
    vault: Arc<Vault>,
    log: Arc<Log>,
    ledger: Arc<Ledger>,
    attest: attest::Attest,
    policies: ArcSwap<PolicyBook>,
    purposes: ArcSwap<purposes::PurposeBook>,
    collections: ArcSwap<collections::CollectionBook>,
    /// One change of settings at a time, so that a check and the write after it see the same state.
    settings: tokio::sync::Mutex<()>,
    keys: KeyRing,
    attempts: Attempts,
    imports: imports::Imports,
    leaks: leaks::Leaks,
    likenesses: decoys::Likenesses,
    gone: withdrawals::Gone,
    faces: faces::Faces,
    captures: captures::Captures,
    reviews: review::Reviews,
    devices: devices::Devices,
    /// Places for work that holds pictures in memory.
    easels: Arc<tokio::sync::Semaphore>,
    /// Verified against when the login is unknown, so that both take as long.
    dummy_password: String,
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service")
            .field("dir", &self.dir)
            .finish_non_exhaustive()
    }
}

impl Service {
    pub(crate) fn now(&self) -> UnixMs {
        self.clock.now()
    }

    pub(crate) fn store(&self) -> &dyn Store {
        self.vault.store().as_ref()
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    pub(crate) fn key_ring(&self) -> &KeyRing {
        &self.keys
    }

    pub(crate) fn attempts(&self) -> &Attempts {
        &self.attempts
    }

    pub(crate) fn dummy_password(&self) -> Result<String> {
        Ok(self.dummy_password.clone())
    }

    pub(crate) fn seal(&self, label: &str, plain: &[u8]) -> Result<Vec<u8>> {
        Ok(self.vault.seal(label, plain)?)
    }

    pub(crate) fn unseal(&self, label: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        Ok(self.vault.unseal(label, sealed)?)
    }
}
