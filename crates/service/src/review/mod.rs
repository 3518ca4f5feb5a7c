//! Pictures and PDF under review: brought by a member of staff, looked at, decided on mark by mark, painted over and looked at again, before a copy is given out.
//!
//! Nothing of it comes near the vault or the disk: files, what is shown of them and copies lie in memory, overwritten when they go, and go when their member signs out or does nothing for a while ([`rules`]). Nobody but who brought a picture can ask for it.
//! What may be seen in a copy is what a person released by hand and nothing else: while a look finds more, there is no copy. Bringing a picture, saving a copy and handing it out are each traced before they take effect; no event, log line or error holds a name of a file or a value.
//!
//! Finding and painting is [`crate::sight`]'s, of the letters of a PDF [`crate::redact`]'s.

mod bench;
mod document;
mod rules;
mod summary;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::Duration;

use liuhen_kinds::Kind;
use liuhen_picture::{Encoding, Format, Limits, Picture, PictureError, decode, encode};
use liuhen_vision::models::{Folder, Set};
use parking_lot::Mutex;
use serde::Serialize;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

pub use summary::{ReviewLine, ReviewSummary};

use self::bench::{Benches, Job, Looked, Saved, Task};
use self::document::Begun;
use self::rules::rules;
use crate::caller::Caller;
use crate::clock::UnixMs;
use crate::error::{Result, ServiceError};
use crate::event::{Action, Outcome};
use crate::imports::base_name;
use crate::models::default_folder;
use crate::pictures::PictureFile;
use crate::sight::{self, Decided, Faces, Hide, HideError, Looker, Mark, Seen, SightError, Sort};
use crate::{Service, ids};

/// Threads of one look; one picture is worked on at a time.
const THREADS: usize = 2;
/// What the page shows is for the eye; copies are made of the file.
const SHOWN: Encoding = Encoding::Jpeg { quality: 85 };
/// How often is looked for what is idle.
const SWEEP: Duration = Duration::from_secs(30);

/// Where a picture or a PDF stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReviewState {
    /// It waits to be looked at.
    Waiting,
    /// It is looked at.
    Looking,
    /// Its marks wait for a decision.
    Open,
    /// A decision waits to be painted.
    ToSave,
    /// It is painted and looked at again.
    Saving,
    /// It has a copy.
    Saved,
    /// It cannot be looked at.
    Refused,
}

impl ReviewState {
    /// The stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Looking => "looking",
            Self::Open => "open",
            Self::ToSave => "to_save",
            Self::Saving => "saving",
            Self::Saved => "saved",
            Self::Refused => "refused",
        }
    }

    /// Whether something is being done, or is about to be, without anybody's doing.
    #[must_use]
    pub const fn is_underway(self) -> bool {
        matches!(
            self,
            Self::Waiting | Self::Looking | Self::ToSave | Self::Saving
        )
    }
}

/// Why a picture was refused, or has no copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReviewProblem {
    /// The file is longer than is taken, or announces more pixels.
    TooLarge,
    /// It is neither a picture that is read nor a PDF.
    NoPicture,
    /// A PDF that is locked by a password.
    Encrypted,
    /// A PDF of more pages than are taken, which are so many.
    TooManyPages(usize),
    /// Several pictures in one, as animations are.
    Several,
    /// It ends early or contradicts its format.
    Damaged,
    /// The networks failed.
    Networks,
    /// So many places are seen still, after all rounds.
    StillSeen(usize),
    /// The copy could not be written, as when its format cannot hold it.
    NotWritten,
    /// The trace could not be made durable.
    NotTraced,
    /// There is no memory left for it.
    NoRoom,
}

impl ReviewProblem {
    /// The stable name.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::NoPicture => "no_picture",
            Self::Encrypted => "encrypted",
            Self::TooManyPages(_) => "too_many_pages",
            Self::Several => "several_pictures",
            Self::Damaged => "damaged",
            Self::Networks => "networks_failed",
            Self::StillSeen(_) => "still_seen",
            Self::NotWritten => "not_written",
            Self::NotTraced => "trace_unavailable",
            Self::NoRoom => "no_room",
        }
    }
}

/// A mark with its number, by which it is released.
#[derive(Debug, Clone, PartialEq)]
pub struct ReviewMark {
    /// From 1, through all pages; stays what it is when others come.
    pub number: usize,
    /// On which page, from 1; a picture is one.
    pub page: u32,
    /// What and where.
    pub mark: Mark,
    /// Whether only a later look found it.
    pub late: bool,
}

/// What a person decided; what is not named is hidden.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewDecision {
    /// Numbers of marks that may be seen.
    pub released: BTreeSet<usize>,
    /// Boxes to fill by the number of their page, from 1: each left, top, width and height in
    /// pixels of the page.
    pub drawn: BTreeMap<u32, Vec<[u32; 4]>>,
    /// Whether faces become coarse squares instead of being filled.
    pub coarsen: bool,
}

/// What a person decided of one page, all others staying as they were decided before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewPart {
    /// Which, from 1.
    pub page: u32,
    /// Numbers of its marks that may be seen.
    pub released: BTreeSet<usize>,
    /// Boxes to fill on it.
    pub drawn: Vec<[u32; 4]>,
    /// Whether faces, on all pages, become coarse squares.
    pub coarsen: bool,
    /// Whether all pages are painted now; otherwise the decision is kept.
    pub paint: bool,
}

/// A page; a picture is one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReviewPage {
    /// Pixels a row; 0 until it was looked at.
    pub width: u32,
    /// Rows; 0 until it was looked at.
    pub height: u32,
}

/// A copy that can be given out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewCopy {
    /// Name to save it under; says nothing of the name it came under.
    pub file_name: String,
    /// Media type.
    pub media_type: &'static str,
    /// Bytes.
    pub bytes: u64,
    /// SHA-256, hexadecimal.
    pub sha256: String,
    /// Times it was looked at, of a PDF the page that was looked at most.
    pub looks: u32,
}

/// A picture or a PDF under review.
#[derive(Debug, Clone)]
pub struct ReviewView {
    /// Its id.
    pub id: String,
    /// Which of its member's pictures, from 1.
    pub number: u32,
    /// Name of the file it came as; for its member's eyes only.
    pub name: String,
    /// SHA-256 of that file, hexadecimal; empty for what was refused at the door.
    pub sha256: String,
    /// Bytes of that file.
    pub bytes: u64,
    /// Where it stands.
    pub state: ReviewState,
    /// Whether it is a PDF.
    pub paged: bool,
    /// Its pages once they are counted, one for a picture once it was looked at.
    pub pages: Vec<ReviewPage>,
    /// Pages done of what is under way.
    pub done: u32,
    /// What was found, in the order of its numbers.
    pub marks: Vec<ReviewMark>,
    /// What the file says beside its pixels, none of which a copy has: `place`, `time`, `device`, `texts`, `thumbnail`.
    pub beside: Vec<&'static str>,
    /// What was decided last.
    pub decision: ReviewDecision,
    /// Why it was refused or has no copy.
    pub problem: Option<ReviewProblem>,
    /// Its copy.
    pub copy: Option<ReviewCopy>,
}

impl ReviewView {
    /// Whether a mark is to be seen in the copy.
    #[must_use]
    pub fn is_released(&self, mark: &ReviewMark) -> bool {
        self.decision.released.contains(&mark.number)
    }

    /// Its first page, which for a picture is the picture.
    #[must_use]
    pub fn first(&self) -> ReviewPage {
        self.pages.first().copied().unwrap_or_default()
    }

    /// How many boxes were drawn, on all pages.
    #[must_use]
    pub fn drawn(&self) -> usize {
        self.decision.drawn.values().map(Vec::len).sum()
    }
}

/// How much is taken, and how long it is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReviewLimits {
    /// Bytes of a file.
    pub file: u64,
    /// Pixels of a picture.
    pub pixels: u64,
    /// Pictures held for one member.
    pub pictures: usize,
    /// Bytes held for one member.
    pub bytes: u64,
    /// Boxes drawn on one picture or page.
    pub boxes: usize,
    /// Pages of a PDF.
    pub pages: usize,
    /// Minutes after which idle pictures are dropped.
    pub minutes: i64,
}

/// What belongs to reviews and lives as long as the service.
pub(crate) struct Reviews {
    folder: Folder,
    /// Opened at the first picture.
    looker: Mutex<Option<Arc<Looker>>>,
    benches: Mutex<Benches>,
}

impl Reviews {
    pub(crate) fn with(models: Option<PathBuf>) -> Self {
        Self {
            folder: models.map_or_else(default_folder, Folder::new),
            looker: Mutex::default(),
            benches: Mutex::default(),
        }
    }

    /// Drops everything of one member, by the id of his callers.
    pub(crate) fn drop_of(&self, owner: &str) {
        self.benches.lock().clear(owner);
    }

    /// Drops everything that is held.
    pub(crate) fn stop(&self) {
        self.benches.lock().clear_all();
    }

    fn looker(&self) -> Result<Arc<Looker>> {
        let mut looker = self.looker.lock();
        if let Some(looker) = &*looker {
            return Ok(Arc::clone(looker));
        }
        let opened = Looker::when_needed(&self.folder, Set::Standard, THREADS)?;
        Ok(Arc::clone(looker.insert(Arc::new(opened))))
    }
}

impl Service {
    /// How much is taken for review, and how long it is held.
    ///
    /// # Errors
    ///
    /// Never in a tested build.
    pub fn review_limits(&self) -> Result<ReviewLimits> {
        let rules = rules()?;
        Ok(ReviewLimits {
            file: rules.picture.file,
            pixels: rules.picture.pixels,
            pictures: rules.member.pictures,
            bytes: rules.member.bytes,
            boxes: rules.picture.boxes,
            pages: rules.pdf.pages,
            minutes: rules.idle.minutes,
        })
    }

    /// Refuses where pictures cannot be looked at.
    ///
    /// # Errors
    ///
    /// [`ServiceError::NoModels`], with the command that installs what is missing.
    pub fn review_ready(&self) -> Result<()> {
        self.reviews.looker().map(drop)
    }

    /// Refuses when no further picture of a member would be taken, before its bytes come.
    ///
    /// # Errors
    ///
    /// As [`Service::take_for_review`].
    pub fn review_room(&self, caller: &Caller) -> Result<()> {
        self.review_ready()?;
        self.reviews.benches.lock().room(&caller.id, 1, rules()?)
    }

    /// Takes a picture or a PDF for review and looks at it as soon as its turn comes; what is neither
    /// is told with it. `None` stands for a file that was longer than is taken.
    ///
    /// # Errors
    ///
    /// [`ServiceError::NoModels`]; [`ServiceError::Conflict`] when too much is held already; [`ServiceError::Trace`] when the trace cannot be made durable, in which case nothing is taken.
    pub async fn take_for_review(
        self: &Arc<Self>,
        caller: &Caller,
        file_name: &str,
        file: Option<Zeroizing<Vec<u8>>>,
    ) -> Result<ReviewView> {
        self.review_ready()?;
        let rules = rules()?;
        let file = file.filter(|file| file.len() as u64 <= rules.picture.file);
        let paged = file.as_ref().is_some_and(|file| document::is_one(file));
        let problem = match &file {
            None => Some(ReviewProblem::TooLarge),
            Some(_) if paged => None,
            Some(file) if Format::guess(file).is_none() => Some(ReviewProblem::NoPicture),
            Some(_) => None,
        };
        // What is refused is not kept.
        let file = file.filter(|_| problem.is_none()).unwrap_or_default();
        self.reviews
            .benches
            .lock()
            .room(&caller.id, file.len() as u64, rules)?;
        let view = ReviewView {
            id: ids::random("r", 8)?,
            number: 0,
            name: base_name(file_name),
            sha256: match problem {
                None => ids::hex(&Sha256::digest(&*file)),
                Some(_) => String::new(),
            },
            bytes: file.len() as u64,
            state: match problem {
                None => ReviewState::Waiting,
                Some(_) => ReviewState::Refused,
            },
            paged,
            pages: Vec::new(),
            done: 0,
            marks: Vec::new(),
            beside: Vec::new(),
            decision: ReviewDecision::none(),
            problem,
            copy: None,
        };
        if problem.is_none() {
            let details = [
                ("did", "taken".to_owned()),
                ("picture", view.id.clone()),
                ("sha256", view.sha256.clone()),
            ];
            self.note(caller, Action::Redaction, Outcome::Done, details)
                .await?;
        }
        let view = {
            let mut benches = self.reviews.benches.lock();
            benches.add(caller, view, file, self.now(), rules)?
        };
        self.watch_reviews();
        self.work_on_reviews();
        Ok(view)
    }

    /// A member's pictures, in the order they came. `there` says that he did something, which
    /// puts off their being dropped; a page that asks by itself does not.
    ///
    /// # Errors
    ///
    /// Never in a tested build.
    pub fn reviews(&self, caller: &Caller, there: bool) -> Result<Vec<ReviewView>> {
        let (now, idle) = (self.now(), idle()?);
        let mut benches = self.reviews.benches.lock();
        benches.sweep(now, idle);
        if there {
            benches.touch(&caller.id, now);
        }
        Ok(benches.all(&caller.id))
    }

    /// One of a member's pictures; `there` as for [`Service::reviews`].
    ///
    /// # Errors
    ///
    /// [`ServiceError::NotFound`], also for a picture of somebody else.
    pub fn review(&self, caller: &Caller, id: &str, there: bool) -> Result<ReviewView> {
        let (now, idle) = (self.now(), idle()?);
        let mut benches = self.reviews.benches.lock();
        benches.sweep(now, idle);
        if there {
            benches.touch(&caller.id, now);
        }
        benches.one(&caller.id, id)
    }

    /// What is shown of a picture, or of a page, counted from 1: JPEG, upright, made smaller where it is large; without what its file says beside.
    ///
    /// # Errors
    ///
    /// [`ServiceError::NotFound`], also for a picture of somebody else.
    pub fn review_shown(
        &self,
        caller: &Caller,
        id: &str,
        page: u32,
    ) -> Result<Arc<Zeroizing<Vec<u8>>>> {
        self.reviews.benches.lock().shown(&caller.id, id, page)
    }

    /// Takes a decision: the picture is painted and looked at again as soon as its turn comes. An
    /// earlier copy is gone.
    ///
    /// # Errors
    ///
    /// [`ServiceError::NotFound`], also for a picture of somebody else; [`ServiceError::Conflict`] while it is worked on; [`ServiceError::Invalid`] for marks or boxes that do not fit it.
    pub fn decide_review(
        self: &Arc<Self>,
        caller: &Caller,
        id: &str,
        decision: ReviewDecision,
    ) -> Result<()> {
        let (rules, now) = (rules()?, self.now());
        {
            let mut benches = self.reviews.benches.lock();
            benches.decide(&caller.id, id, decision, rules, now)?;
        }
        self.work_on_reviews();
        Ok(())
    }

    /// Takes what was decided of one page and keeps it, or paints all pages as
    /// [`Service::decide_review`] does; an earlier copy is gone if anything changes.
    ///
    /// # Errors
    ///
    /// As [`Service::decide_review`]; [`ServiceError::Invalid`] also for a page that there is not.
    pub fn decide_review_page(
        self: &Arc<Self>,
        caller: &Caller,
        id: &str,
        part: ReviewPart,
    ) -> Result<()> {
        let (rules, now) = (rules()?, self.now());
        {
            let mut benches = self.reviews.benches.lock();
            benches.decide_page(&caller.id, id, part, rules, now)?;
        }
        self.work_on_reviews();
        Ok(())
    }

    /// One page, counted from 1, of the copy of a PDF as it lies in the copy, to be looked at by who made it.
    ///
    /// # Errors
    ///
    /// [`ServiceError::NotFound`] where there is none, also for somebody else's.
    pub fn review_copy_page(&self, caller: &Caller, id: &str, page: u32) -> Result<PictureFile> {
        let (view, bytes) = self.reviews.benches.lock().copy(&caller.id, id)?;
        let at = usize::try_from(page)
            .ok()
            .and_then(|page| page.checked_sub(1));
        let shown = at.and_then(|at| document::page_of_copy(&bytes, at));
        Ok(PictureFile {
            file_name: view.file_name,
            media_type: document::PAGE_TYPE,
            bytes: shown.ok_or(ServiceError::NotFound("copy"))?.to_vec(),
        })
    }

    /// The copy of a picture, to be looked at by who made it.
    ///
    /// # Errors
    ///
    /// [`ServiceError::NotFound`] where there is none, also for a picture of somebody else.
    pub fn review_copy(&self, caller: &Caller, id: &str) -> Result<PictureFile> {
        let (view, bytes) = self.reviews.benches.lock().copy(&caller.id, id)?;
        Ok(PictureFile {
            file_name: view.file_name,
            media_type: view.media_type,
            bytes: bytes.to_vec(),
        })
    }

    /// The copy of a picture, to be given out; traced first.
    ///
    /// # Errors
    ///
    /// As [`Service::review_copy`]; [`ServiceError::Trace`] when the trace cannot be made durable.
    pub async fn hand_out_review(&self, caller: &Caller, id: &str) -> Result<PictureFile> {
        let (view, _) = self.reviews.benches.lock().copy(&caller.id, id)?;
        self.note_handed_out(caller, id, &view).await?;
        self.review_copy(caller, id)
    }

    /// All copies of a member in one ZIP, with the summary as `summary.json`; traced first.
    ///
    /// # Errors
    ///
    /// [`ServiceError::NotFound`] where there is no copy; [`ServiceError::Trace`] when the trace cannot be made durable.
    pub async fn hand_out_reviews(&self, caller: &Caller) -> Result<PictureFile> {
        let copies = self.reviews.benches.lock().copies(&caller.id);
        if copies.is_empty() {
            return Err(ServiceError::NotFound("copy"));
        }
        for (id, view, _) in &copies {
            self.note_handed_out(caller, id, view).await?;
        }
        let summary = serde_json::to_vec_pretty(&self.review_summary(caller, true)?)
            .map_err(|_| ServiceError::Damaged("summary"))?;
        let made = crate::exports::off_the_runtime(move || {
            summary::packed(&copies, &summary).map_err(|_| ServiceError::Damaged("package"))
        });
        Ok(PictureFile {
            file_name: "pictures.zip".to_owned(),
            media_type: "application/zip",
            bytes: made.await?,
        })
    }

    /// What became of all pictures of a member; `there` as for [`Service::reviews`].
    ///
    /// # Errors
    ///
    /// Never in a tested build.
    pub fn review_summary(&self, caller: &Caller, there: bool) -> Result<ReviewSummary> {
        let views = self.reviews(caller, there)?;
        Ok(ReviewSummary::of(&views, self.now(), &rules()?.version))
    }

    /// Drops a picture and its copy.
    ///
    /// # Errors
    ///
    /// [`ServiceError::NotFound`], also for a picture of somebody else.
    pub fn discard_review(&self, caller: &Caller, id: &str) -> Result<()> {
        self.reviews.benches.lock().discard(&caller.id, id)
    }

    /// Drops all pictures of a caller and their copies.
    pub fn discard_reviews(&self, caller: &Caller) {
        self.reviews.drop_of(&caller.id);
    }

    async fn note_handed_out(&self, caller: &Caller, id: &str, view: &ReviewCopy) -> Result<()> {
        let details = [
            ("did", "handed_out".to_owned()),
            ("picture", id.to_owned()),
            ("sha256", view.sha256.clone()),
        ];
        self.note(caller, Action::Redaction, Outcome::Done, details)
            .await
            .map(drop)
    }

    /// Takes jobs until there are none, unless somebody does already: one picture at a time, so
    /// that a batch leaves room for whoever else looks at pictures.
    fn work_on_reviews(self: &Arc<Self>) {
        if !self.reviews.benches.lock().begin_work() {
            return;
        }
        let service = Arc::clone(self);
        tokio::spawn(async move {
            loop {
                let job = service.reviews.benches.lock().next();
                match job {
                    Some(job) => service.do_review(job).await,
                    None => return,
                }
            }
        });
    }

    async fn do_review(&self, mut job: Job) {
        let Ok(rules) = rules() else { return };
        match std::mem::replace(&mut job.task, Task::Hear) {
            Task::Hear => {
                let said = self.hear_for_review(&job).await;
                let now = self.now();
                self.reviews.benches.lock().heard(&job, said, now);
            }
            Task::Look { page, said } => {
                let found = self.look_for_review(&job, page, said).await;
                let now = self.now();
                let mut benches = self.reviews.benches.lock();
                benches.looked(&job, found, rules, now);
            }
            Task::Save {
                decided,
                coarsen,
                begun,
            } => {
                let found = match job.paged {
                    true => self.save_page(&job, decided, coarsen, *begun).await,
                    false => self
                        .save_picture(&job, decided, coarsen)
                        .await
                        .map(Step::Done),
                };
                let found = match found {
                    Ok(Step::On(begun)) => {
                        let now = self.now();
                        let mut benches = self.reviews.benches.lock();
                        benches.went_on(&job, begun, rules, now);
                        return;
                    }
                    Ok(Step::Done(saved)) => self.note_saved(&job, saved).await,
                    Err(problem) => Err(problem),
                };
                let now = self.now();
                let mut benches = self.reviews.benches.lock();
                benches.saved(&job, found, rules, now);
            }
        }
    }

    async fn hear_for_review(&self, job: &Job) -> Told<Vec<Vec<Mark>>> {
        let file = Arc::clone(&job.file);
        let heard = self.with_pixels(move || Ok(whole(|| document::heard(&file))));
        heard.await.map_err(|_| ReviewProblem::Networks)?
    }

    async fn look_for_review(&self, job: &Job, page: usize, said: Vec<Mark>) -> Told<Looked> {
        let looker = self.reviews.looker().map_err(|_| ReviewProblem::Networks)?;
        let (file, paged) = (Arc::clone(&job.file), job.paged);
        let looked = self.with_pixels(move || {
            Ok(match paged {
                true => whole(|| document::looked(&looker, &file, page, said)),
                false => looked(&looker, &file),
            })
        });
        looked.await.map_err(|_| ReviewProblem::Networks)?
    }

    async fn save_picture(&self, job: &Job, decided: Decided, coarsen: bool) -> Told<Saved> {
        let looker = self.reviews.looker().map_err(|_| ReviewProblem::Networks)?;
        let (file, number) = (Arc::clone(&job.file), job.number);
        let painted =
            self.with_pixels(move || Ok(painted(&looker, &file, number, &decided, coarsen)));
        painted.await.map_err(|_| ReviewProblem::Networks)?
    }

    /// Paints one page more of a copy; after the last there is one, or none.
    async fn save_page(
        &self,
        job: &Job,
        decided: Decided,
        coarsen: bool,
        begun: Begun,
    ) -> Told<Step> {
        let looker = self.reviews.looker().map_err(|_| ReviewProblem::Networks)?;
        let (file, number, pages) = (Arc::clone(&job.file), job.number, job.pages);
        let painted = self.with_pixels(move || {
            Ok(whole(|| {
                let mut begun = begun.page(&looker, &file, &decided, coarsen)?;
                if begun.pages < pages {
                    return Ok(Step::On(begun));
                }
                let copy = begun.finished()?.map(|bytes| {
                    let copy = ReviewCopy {
                        file_name: format!("document-{number:03}.pdf"),
                        media_type: "application/pdf",
                        bytes: bytes.len() as u64,
                        sha256: ids::hex(&Sha256::digest(&*bytes)),
                        looks: begun.looks,
                    };
                    (bytes, copy)
                });
                Ok(Step::Done(Saved {
                    copy,
                    late: begun.late,
                    left: begun.left,
                }))
            }))
        });
        painted.await.map_err(|_| ReviewProblem::Networks)?
    }

    /// No copy without its trace.
    async fn note_saved(&self, job: &Job, saved: Saved) -> Told<Saved> {
        let [hidden, added, released] = job.counts;
        let count = |number: usize| number.to_string();
        let mut details = vec![
            ("did", "saved".to_owned()),
            ("picture", job.id.clone()),
            ("hidden", count(hidden + saved.late.len())),
            ("added", count(added)),
            ("released", count(released)),
        ];
        let outcome = match &saved.copy {
            Some((_, copy)) => {
                details.push(("sha256", copy.sha256.clone()));
                Outcome::Done
            }
            None => Outcome::Refused,
        };
        self.note(&job.by, Action::Redaction, outcome, details)
            .await
            .map_err(|_| ReviewProblem::NotTraced)?;
        Ok(saved)
    }

    /// Drops what is idle, from time to time, as long as anything is held.
    fn watch_reviews(self: &Arc<Self>) {
        if !self.reviews.benches.lock().begin_watch() {
            return;
        }
        // The service must be able to end while somebody waits here.
        let service: Weak<Self> = Arc::downgrade(self);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(SWEEP).await;
                let Some(service) = service.upgrade() else {
                    return;
                };
                let (now, Ok(idle)) = (service.now(), idle()) else {
                    return;
                };
                let mut benches = service.reviews.benches.lock();
                if !benches.sweep(now, idle) {
                    benches.end_watch();
                    return;
                }
            }
        });
    }
}

/// What became of a step, or why there is nothing.
type Told<T> = std::result::Result<T, ReviewProblem>;

/// How far a copy is.
enum Step {
    On(Begun),
    Done(Saved),
}

/// What a file makes its painter stumble over is the file's fault, and nobody else's.
fn whole<T>(work: impl FnOnce() -> Told<T>) -> Told<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(ReviewProblem::Damaged))
}

fn idle() -> Result<UnixMs> {
    Ok(rules()?.idle.minutes.saturating_mul(60_000))
}

fn opened(file: &[u8]) -> std::result::Result<Picture, ReviewProblem> {
    let limits = Limits {
        pixels: rules().map_err(|_| ReviewProblem::Networks)?.picture.pixels,
        ..Limits::default()
    };
    // Colours under what is transparent may show what the picture does not.
    let picture = decode(file, &limits).map_err(|error| problem(&error))?;
    Ok(picture.flattened())
}

fn looked(looker: &Looker, file: &[u8]) -> std::result::Result<Looked, ReviewProblem> {
    let seen = seen(looker, opened(file)?)?;
    let marks = seen.marks(&Hide::default());
    shown(&seen, marks, beside(file))
}

/// What a picture, or a page, shows.
fn seen(looker: &Looker, picture: Picture) -> Told<Seen> {
    looker
        .see_pixels(picture, sight::detector())
        .map_err(|error| sight_problem(&error))
}

/// What was seen as the console shows it.
fn shown(seen: &Seen, marks: Vec<Mark>, beside: Vec<&'static str>) -> Told<Looked> {
    let longest = rules().map_err(|_| ReviewProblem::Networks)?.picture.shown;
    let shown = encode(&seen.picture.shrunk(longest), SHOWN).map_err(|error| problem(&error))?;
    Ok(Looked {
        shown: Zeroizing::new(shown),
        width: seen.picture.width(),
        height: seen.picture.height(),
        marks,
        beside,
    })
}

fn painted(
    looker: &Looker,
    file: &[u8],
    number: u32,
    decided: &Decided,
    coarsen: bool,
) -> std::result::Result<Saved, ReviewProblem> {
    let hide = Hide {
        faces: faces(coarsen),
        ..Hide::default()
    };
    let settled = looker
        .hide_decided(opened(file)?, sight::detector(), &hide, decided)
        .map_err(|error| hide_problem(&error))?;
    let copy = match settled.painted {
        None => None,
        Some(painted) => {
            let encoding = Format::guess(file).map_or(Encoding::Png, Encoding::of);
            let bytes = encode(&painted.picture, encoding);
            let bytes = Zeroizing::new(bytes.map_err(|_| ReviewProblem::NotWritten)?);
            let copy = ReviewCopy {
                file_name: format!("picture-{number:03}.{}", encoding.extension()),
                media_type: encoding.media_type(),
                bytes: bytes.len() as u64,
                sha256: ids::hex(&Sha256::digest(&*bytes)),
                looks: painted.looks,
            };
            Some((bytes, copy))
        }
    };
    Ok(Saved {
        copy,
        late: settled.late.into_iter().map(|mark| (1, mark)).collect(),
        left: settled.left,
    })
}

fn faces(coarsen: bool) -> Faces {
    match coarsen {
        true => Faces::Coarsen,
        false => Faces::Fill,
    }
}

/// What a file says beside its pixels, by sort.
fn beside(file: &[u8]) -> Vec<&'static str> {
    let hidden = sight::hidden(file);
    let said = [
        ("place", hidden.place.is_some()),
        ("time", hidden.time.is_some()),
        (
            "device",
            hidden.device.is_some() || !hidden.serials.is_empty(),
        ),
        (
            "texts",
            !hidden.names.is_empty() || !hidden.remarks.is_empty(),
        ),
        ("thumbnail", hidden.thumbnail),
    ];
    let said = said.into_iter().filter(|(_, is)| *is);
    said.map(|(name, _)| name).collect()
}

fn hide_problem(error: &HideError) -> ReviewProblem {
    match error {
        HideError::Sight(error) => sight_problem(error),
        HideError::Picture(error) => problem(error),
        HideError::StillSeen(left, _) => ReviewProblem::StillSeen(*left),
    }
}

fn sight_problem(error: &SightError) -> ReviewProblem {
    match error {
        SightError::Picture(error) => problem(error),
        SightError::Vision(_) => ReviewProblem::Networks,
    }
}

fn problem(error: &PictureError) -> ReviewProblem {
    match error {
        PictureError::TooLarge { .. } | PictureError::TooManyPixels { .. } => {
            ReviewProblem::TooLarge
        }
        PictureError::UnknownFormat | PictureError::Unsupported(_) => ReviewProblem::NoPicture,
        PictureError::Animated(_) => ReviewProblem::Several,
        PictureError::Side { .. } | PictureError::Encode(_) => ReviewProblem::NotWritten,
        _ => ReviewProblem::Damaged,
    }
}

/// How many marks of each kind are hidden, of those that satisfy a condition; codes and places of
/// no known kind apart.
fn counted<'a>(marks: impl Iterator<Item = &'a ReviewMark>) -> (BTreeMap<Kind, u64>, u64, u64) {
    let (mut kinds, mut codes, mut unsure) = (BTreeMap::new(), 0, 0);
    for ReviewMark { mark, .. } in marks {
        for &kind in &mark.kinds {
            *kinds.entry(kind).or_insert(0) += 1;
        }
        codes += u64::from(mark.sort == Sort::Code);
        unsure += u64::from(matches!(mark.sort, Sort::Number | Sort::Unread));
    }
    (kinds, codes, unsure)
}

#[cfg(test)]
mod tests;
