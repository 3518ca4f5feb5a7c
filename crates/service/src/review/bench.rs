//! What is held of the pictures under review: in memory only, within bounds, each member's apart.
//!
//! Knows no clock and no network: times and results come from outside, so that every bound can be
//! tried by itself.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use zeroize::Zeroizing;

use super::document::Begun;
use super::rules::Rules;
use super::{
    ReviewCopy, ReviewDecision, ReviewMark, ReviewPage, ReviewPart, ReviewProblem, ReviewState,
    ReviewView,
};
use crate::caller::Caller;
use crate::clock::UnixMs;
use crate::error::{Result, ServiceError};
use crate::sight::{Area, Decided, Mark};

/// Bytes that are overwritten when nobody holds them any more.
pub(super) type Bytes = Arc<Zeroizing<Vec<u8>>>;

/// All benches and who works on them.
#[derive(Default)]
pub(super) struct Benches {
    by: BTreeMap<String, Bench>,
    /// Whether somebody takes jobs.
    working: bool,
    /// Whether somebody clears what is idle.
    watched: bool,
}

/// One member's pictures.
#[derive(Default)]
struct Bench {
    pictures: Vec<Held>,
    /// When he last did something, or something was done for him.
    touched: UnixMs,
    /// Jobs done for him, so that a long batch does not keep others waiting.
    served: u64,
    /// Pictures he brought.
    count: u32,
}

/// One picture, or one PDF.
struct Held {
    view: ReviewView,
    by: Caller,
    file: Bytes,
    /// What is shown of each page that was looked at.
    shown: Vec<Bytes>,
    copy: Option<Bytes>,
    /// What the letters of pages say that are still to be looked at.
    said: VecDeque<Vec<Mark>>,
    /// A copy of which some pages are written, and how many bytes they take.
    begun: Option<Begun>,
    begun_bytes: u64,
    /// Whether somebody works on it at this moment.
    at_work: bool,
}

impl Held {
    fn bytes(&self) -> u64 {
        let parts = [&self.file].into_iter().chain(&self.shown);
        let parts = parts.chain(self.copy.as_ref());
        let held: u64 = parts.map(|part| part.len() as u64).sum();
        held + self.begun_bytes
    }

    /// Holds nothing more of it than why.
    fn refuse(&mut self, problem: ReviewProblem) {
        self.view.state = ReviewState::Refused;
        self.view.problem = Some(problem);
        self.view.marks.clear();
        self.view.pages.clear();
        self.view.done = 0;
        self.file = Bytes::default();
        self.shown.clear();
        self.said.clear();
    }

    /// Whether a decision fits what was found and how large the pages are.
    fn check(&self, decision: &ReviewDecision, rules: &Rules) -> Result<()> {
        if !matches!(self.view.state, ReviewState::Open | ReviewState::Saved) {
            return Err(ServiceError::Conflict(
                "this picture is worked on, or cannot be; look again".to_owned(),
            ));
        }
        let marks = self.view.marks.len();
        if decision.released.iter().any(|&at| at == 0 || at > marks) {
            return Err(no_mark());
        }
        for (&page, drawn) in &decision.drawn {
            let ReviewPage { width, height } = self.page(page)?;
            if drawn.len() > rules.picture.boxes {
                return Err(ServiceError::Invalid(format!(
                    "at most {} boxes are drawn on one picture",
                    rules.picture.boxes
                )));
            }
            let outside = |&[left, top, wide, high]: &[u32; 4]| {
                wide == 0 || high == 0 || left >= width || top >= height
            };
            if drawn.iter().any(outside) {
                return Err(ServiceError::Invalid(
                    "a box lies outside the picture or has no size".to_owned(),
                ));
            }
        }
        Ok(())
    }

    fn page(&self, page: u32) -> Result<ReviewPage> {
        let pages = &self.view.pages;
        let found = index(page).and_then(|at| pages.get(at));
        found.copied().ok_or_else(|| {
            ServiceError::Invalid("there is no such page; load the page again".to_owned())
        })
    }

    /// Takes a decision that fits; the copy of an earlier one is gone.
    fn take(&mut self, decision: ReviewDecision, state: ReviewState) {
        self.view.decision = decision;
        self.view.state = state;
        self.view.copy = None;
        self.view.done = 0;
        self.copy = None;
    }

    /// What is to be done next.
    fn task(&mut self) -> Task {
        let page = self.shown.len();
        match self.view.state {
            ReviewState::ToSave | ReviewState::Saving => {
                self.view.state = ReviewState::Saving;
                let begun = Box::new(self.begun.take().unwrap_or_default());
                Task::Save {
                    decided: self.decided(number(begun.pages)),
                    coarsen: self.view.decision.coarsen,
                    begun,
                }
            }
            _ => {
                self.view.state = ReviewState::Looking;
                match self.view.paged && self.view.pages.is_empty() {
                    true => Task::Hear,
                    false => Task::Look {
                        page,
                        said: self.said.pop_front().unwrap_or_default(),
                    },
                }
            }
        }
    }

    /// What was decided of one page.
    fn decided(&self, page: u32) -> Decided {
        let decision = &self.view.decision;
        let marks = |wanted: bool| {
            let marks = self.view.marks.iter().filter(|mark| mark.page == page);
            let marks = marks.filter(|mark| decision.released.contains(&mark.number) == wanted);
            marks.map(|mark| mark.mark.clone()).collect()
        };
        let area = |side: [u32; 4]| {
            let [left, top, width, height] = side.map(|value| value as f32);
            Area::new(left, top, width, height)
        };
        let drawn = decision.drawn.get(&page).into_iter().flatten();
        Decided {
            hidden: marks(false),
            released: marks(true),
            drawn: drawn.copied().map(area).collect(),
        }
    }
}

/// The number of a page, from 1, by its place.
fn number(at: usize) -> u32 {
    u32::try_from(at).map_or(u32::MAX, |at| at.saturating_add(1))
}

/// The place of a page by its number.
fn index(page: u32) -> Option<usize> {
    usize::try_from(page).ok()?.checked_sub(1)
}

fn no_mark() -> ServiceError {
    ServiceError::Invalid("there is no such mark on this picture; load the page again".to_owned())
}

impl Bench {
    fn bytes(&self) -> u64 {
        self.pictures.iter().map(Held::bytes).sum()
    }

    fn has_work(&self) -> bool {
        let mut states = self.pictures.iter().map(|held| held.view.state);
        states.any(ReviewState::is_underway)
    }
}

/// What is to be done next.
pub(super) struct Job {
    pub(super) by: Caller,
    pub(super) id: String,
    pub(super) number: u32,
    pub(super) file: Bytes,
    /// Whether it is a PDF, and of how many pages, once they were counted.
    pub(super) paged: bool,
    pub(super) pages: usize,
    /// How many marks are hidden, boxes drawn and marks released, by the last decision.
    pub(super) counts: [usize; 3],
    pub(super) task: Task,
}

/// One step; whoever waits gets his turn after each.
pub(super) enum Task {
    /// The letters of a PDF, before its pages are looked at.
    Hear,
    /// A picture, or a page, counted from 0, with what its letters say.
    Look { page: usize, said: Vec<Mark> },
    /// Painting what was decided, of a PDF the page that `begun` comes to next.
    Save {
        decided: Decided,
        coarsen: bool,
        begun: Box<Begun>,
    },
}

/// What a look found.
pub(super) struct Looked {
    pub(super) shown: Zeroizing<Vec<u8>>,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) marks: Vec<Mark>,
    pub(super) beside: Vec<&'static str>,
}

/// What became of a decision.
pub(super) struct Saved {
    /// The copy, where nothing is seen that was not released.
    pub(super) copy: Option<(Zeroizing<Vec<u8>>, ReviewCopy)>,
    /// What only a later look found, each with its page, from 1.
    pub(super) late: Vec<(u32, Mark)>,
    /// How much is seen still.
    pub(super) left: usize,
}

impl Benches {
    /// Whether a file of so many bytes finds room.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Conflict`], saying what is full.
    pub(super) fn room(&self, owner: &str, bytes: u64, rules: &Rules) -> Result<()> {
        let (pictures, held) = self
            .by
            .get(owner)
            .map_or((0, 0), |bench| (bench.pictures.len(), bench.bytes()));
        if pictures >= rules.member.pictures {
            return Err(ServiceError::Conflict(format!(
                "at most {} pictures are held for one person; download or drop some first",
                rules.member.pictures
            )));
        }
        if held.saturating_add(bytes) > rules.member.bytes {
            return Err(ServiceError::Conflict(format!(
                "at most {} bytes of pictures are held for one person; download or drop some first",
                rules.member.bytes
            )));
        }
        let all: u64 = self.by.values().map(Bench::bytes).sum();
        if all.saturating_add(bytes) > rules.all.bytes {
            return Err(ServiceError::Conflict(
                "the memory for pictures under review is full; try again later".to_owned(),
            ));
        }
        Ok(())
    }

    /// Puts a picture on its bringer's bench.
    ///
    /// # Errors
    ///
    /// As [`Benches::room`].
    pub(super) fn add(
        &mut self,
        by: &Caller,
        mut view: ReviewView,
        file: Zeroizing<Vec<u8>>,
        now: UnixMs,
        rules: &Rules,
    ) -> Result<ReviewView> {
        self.room(&by.id, file.len() as u64, rules)?;
        let bench = self.by.entry(by.id.clone()).or_default();
        bench.touched = now;
        bench.count += 1;
        view.number = bench.count;
        bench.pictures.push(Held {
            view: view.clone(),
            by: by.clone(),
            file: Arc::new(file),
            shown: Vec::new(),
            copy: None,
            said: VecDeque::new(),
            begun: None,
            begun_bytes: 0,
            at_work: false,
        });
        Ok(view)
    }

    /// All pictures of a member, in the order they came.
    pub(super) fn all(&self, owner: &str) -> Vec<ReviewView> {
        let bench = self.by.get(owner);
        bench.map_or_else(Vec::new, |bench| {
            let views = bench.pictures.iter().map(|held| &held.view);
            views.cloned().collect()
        })
    }

    /// One picture of a member.
    pub(super) fn one(&self, owner: &str, id: &str) -> Result<ReviewView> {
        self.held(owner, id).map(|held| held.view.clone())
    }

    /// What is shown of one of its pages, counted from 1.
    pub(super) fn shown(&self, owner: &str, id: &str, page: u32) -> Result<Bytes> {
        let held = self.held(owner, id)?;
        let shown = index(page).and_then(|at| held.shown.get(at));
        shown.cloned().ok_or(ServiceError::NotFound("picture"))
    }

    /// Its copy.
    pub(super) fn copy(&self, owner: &str, id: &str) -> Result<(ReviewCopy, Bytes)> {
        let held = self.held(owner, id)?;
        match (&held.view.copy, &held.copy) {
            (Some(view), Some(bytes)) => Ok((view.clone(), bytes.clone())),
            _ => Err(ServiceError::NotFound("copy")),
        }
    }

    /// Every copy of a member.
    pub(super) fn copies(&self, owner: &str) -> Vec<(String, ReviewCopy, Bytes)> {
        let bench = self.by.get(owner);
        let held = bench.map_or(&[][..], |bench| &bench.pictures);
        held.iter()
            .filter_map(|held| {
                let (view, bytes) = (held.view.copy.clone()?, held.copy.clone()?);
                Some((held.view.id.clone(), view, bytes))
            })
            .collect()
    }

    /// Notes that a member is there.
    pub(super) fn touch(&mut self, owner: &str, now: UnixMs) {
        if let Some(bench) = self.by.get_mut(owner) {
            bench.touched = now;
        }
    }

    /// Drops one picture.
    pub(super) fn discard(&mut self, owner: &str, id: &str) -> Result<()> {
        self.held(owner, id)?;
        if let Some(bench) = self.by.get_mut(owner) {
            bench.pictures.retain(|held| held.view.id != id);
        }
        Ok(())
    }

    /// Drops everything of a member.
    pub(super) fn clear(&mut self, owner: &str) {
        self.by.remove(owner);
    }

    /// Drops everything.
    pub(super) fn clear_all(&mut self) {
        self.by.clear();
    }

    /// Drops what nobody asked for in so many milliseconds and nobody works on; answers whether
    /// something is left.
    pub(super) fn sweep(&mut self, now: UnixMs, idle_ms: i64) -> bool {
        self.by.retain(|_, bench| {
            !bench.pictures.is_empty()
                && (bench.has_work() || now.saturating_sub(bench.touched) <= idle_ms)
        });
        !self.by.is_empty()
    }

    /// Takes a decision, to be painted; the copy of an earlier one is gone.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Conflict`] while the picture is looked at or painted, or was refused;
    /// [`ServiceError::Invalid`] for a mark or page that there is not, or too many boxes.
    pub(super) fn decide(
        &mut self,
        owner: &str,
        id: &str,
        decision: ReviewDecision,
        rules: &Rules,
        now: UnixMs,
    ) -> Result<()> {
        let held = self.held_mut(owner, id)?;
        held.check(&decision, rules)?;
        held.take(decision, ReviewState::ToSave);
        held.view.problem = None;
        self.touch(owner, now);
        Ok(())
    }

    /// Takes what was decided of one page, all others staying as they were decided before, to be
    /// painted or only to be kept; a copy is gone unless nothing changes.
    ///
    /// # Errors
    ///
    /// As [`Benches::decide`], also for a mark that is not on this page.
    pub(super) fn decide_page(
        &mut self,
        owner: &str,
        id: &str,
        part: ReviewPart,
        rules: &Rules,
        now: UnixMs,
    ) -> Result<()> {
        let held = self.held_mut(owner, id)?;
        let mut decision = held.view.decision.clone();
        let marks = held.view.marks.iter().filter(|mark| mark.page == part.page);
        let here: BTreeSet<usize> = marks.map(|mark| mark.number).collect();
        if !part.released.is_subset(&here) {
            // A page that nobody could load has no marks either.
            held.page(part.page)?;
            return Err(no_mark());
        }
        decision.released.retain(|number| !here.contains(number));
        decision.released.extend(part.released);
        decision.drawn.insert(part.page, part.drawn);
        decision.coarsen = part.coarsen;
        held.check(&decision, rules)?;
        decision.drawn.retain(|_, drawn| !drawn.is_empty());
        if part.paint {
            held.take(decision, ReviewState::ToSave);
            held.view.problem = None;
        } else if decision != held.view.decision {
            held.take(decision, ReviewState::Open);
        }
        self.touch(owner, now);
        Ok(())
    }

    /// Whether the caller is to take jobs, since nobody does and there are some.
    pub(super) fn begin_work(&mut self) -> bool {
        let begin = !self.working && self.by.values().any(Bench::has_work);
        self.working |= begin;
        begin
    }

    /// Whether the caller is to sweep, since nobody does.
    pub(super) fn begin_watch(&mut self) -> bool {
        !std::mem::replace(&mut self.watched, true)
    }

    /// Nobody sweeps from now on.
    pub(super) fn end_watch(&mut self) {
        self.watched = false;
    }

    /// The next job; when there is none, nobody takes jobs from now on.
    ///
    /// What somebody waits for before his screen comes first; then whoever was served least.
    pub(super) fn next(&mut self) -> Option<Job> {
        let first = |bench: &Bench| {
            let of = |states: [ReviewState; 2]| {
                let mut held = bench.pictures.iter();
                held.position(|held| !held.at_work && states.contains(&held.view.state))
            };
            let saving = of([ReviewState::ToSave, ReviewState::Saving]);
            let looking = || of([ReviewState::Waiting, ReviewState::Looking]);
            let saving = saving.map(|at| (0_u8, bench.served, at));
            saving.or_else(|| looking().map(|at| (1, bench.served, at)))
        };
        let benches = self.by.values_mut();
        let found = benches
            .filter_map(|bench| first(bench).map(|rank| (rank, bench)))
            .min_by_key(|((urgency, served, _), _)| (*urgency, *served));
        let Some(((_, _, at), bench)) = found else {
            self.working = false;
            return None;
        };
        bench.served += 1;
        let held = bench.pictures.get_mut(at)?;
        held.at_work = true;
        let decision = &held.view.decision;
        let released = decision.released.len();
        Some(Job {
            by: held.by.clone(),
            id: held.view.id.clone(),
            number: held.view.number,
            file: held.file.clone(),
            paged: held.view.paged,
            pages: held.view.pages.len(),
            counts: [
                held.view.marks.len().saturating_sub(released),
                decision.drawn.values().map(Vec::len).sum(),
                released,
            ],
            task: held.task(),
        })
    }

    /// Takes what the letters of a PDF say, page by page.
    pub(super) fn heard(
        &mut self,
        job: &Job,
        said: std::result::Result<Vec<Vec<Mark>>, ReviewProblem>,
        now: UnixMs,
    ) {
        self.touch(&job.by.id, now);
        let Ok(held) = self.held_mut(&job.by.id, &job.id) else {
            return;
        };
        held.at_work = false;
        match said {
            Ok(said) => {
                held.view.pages = vec![ReviewPage::default(); said.len()];
                held.said = said.into();
            }
            Err(problem) => held.refuse(problem),
        }
    }

    /// Takes what a look found; nothing happens when the picture was dropped meanwhile.
    pub(super) fn looked(
        &mut self,
        job: &Job,
        found: std::result::Result<Looked, ReviewProblem>,
        rules: &Rules,
        now: UnixMs,
    ) {
        self.touch(&job.by.id, now);
        let found = found.and_then(|found| {
            // One more must fit where its file is held already.
            match self.fits(&job.by.id, found.shown.len() as u64, rules) {
                true => Ok(found),
                false => Err(ReviewProblem::NoRoom),
            }
        });
        let Ok(held) = self.held_mut(&job.by.id, &job.id) else {
            return;
        };
        held.at_work = false;
        let found = match found {
            Ok(found) => found,
            Err(problem) => return held.refuse(problem),
        };
        let at = held.shown.len();
        let page = ReviewPage {
            width: found.width,
            height: found.height,
        };
        match held.view.pages.get_mut(at) {
            Some(known) => *known = page,
            None => held.view.pages.push(page),
        }
        let before = held.view.marks.len();
        let marks = found.marks.into_iter().map(|mark| (number(at), mark));
        held.view.marks.extend(numbered(marks, before, false));
        held.view.beside.extend(found.beside);
        held.shown.push(Arc::new(found.shown));
        held.view.done = number(at);
        if held.shown.len() == held.view.pages.len() {
            held.view.state = ReviewState::Open;
            held.view.done = 0;
        }
    }

    /// Takes a copy back of which one page more is painted.
    pub(super) fn went_on(&mut self, job: &Job, begun: Begun, rules: &Rules, now: UnixMs) {
        self.touch(&job.by.id, now);
        let bytes = begun.bytes();
        let grown = self.held(&job.by.id, &job.id).map(|held| held.begun_bytes);
        let more = bytes.saturating_sub(grown.unwrap_or_default());
        let fits = self.fits(&job.by.id, more, rules);
        let Ok(held) = self.held_mut(&job.by.id, &job.id) else {
            return;
        };
        held.at_work = false;
        if fits {
            held.view.done = u32::try_from(begun.pages).unwrap_or(u32::MAX);
            held.begun_bytes = bytes;
            held.begun = Some(begun);
        } else {
            held.begun_bytes = 0;
            held.view.done = 0;
            held.view.state = ReviewState::Open;
            held.view.problem = Some(ReviewProblem::NoRoom);
        }
    }

    /// Takes what became of a decision.
    pub(super) fn saved(
        &mut self,
        job: &Job,
        found: std::result::Result<Saved, ReviewProblem>,
        rules: &Rules,
        now: UnixMs,
    ) {
        self.touch(&job.by.id, now);
        let size = match &found {
            Ok(saved) => saved.copy.as_ref().map_or(0, |(bytes, _)| bytes.len()),
            Err(_) => 0,
        };
        if let Ok(held) = self.held_mut(&job.by.id, &job.id) {
            held.begun_bytes = 0;
        }
        let fits = self.fits(&job.by.id, size as u64, rules);
        let Ok(held) = self.held_mut(&job.by.id, &job.id) else {
            return;
        };
        held.at_work = false;
        held.view.state = ReviewState::Open;
        held.view.done = 0;
        match found {
            Ok(saved) => {
                let marks = held.view.marks.len();
                let late = numbered(saved.late, marks, true);
                held.view.marks.extend(late);
                match saved.copy {
                    Some((bytes, copy)) if fits => {
                        held.view.state = ReviewState::Saved;
                        held.view.copy = Some(copy);
                        held.copy = Some(Arc::new(bytes));
                    }
                    Some(_) => held.view.problem = Some(ReviewProblem::NoRoom),
                    None => held.view.problem = Some(ReviewProblem::StillSeen(saved.left)),
                }
            }
            Err(problem) => held.view.problem = Some(problem),
        }
    }

    fn fits(&self, owner: &str, bytes: u64, rules: &Rules) -> bool {
        let held = self.by.get(owner).map_or(0, Bench::bytes);
        let all: u64 = self.by.values().map(Bench::bytes).sum();
        held.saturating_add(bytes) <= rules.member.bytes
            && all.saturating_add(bytes) <= rules.all.bytes
    }

    fn held(&self, owner: &str, id: &str) -> Result<&Held> {
        let bench = self.by.get(owner);
        let mut held = bench.into_iter().flat_map(|bench| &bench.pictures);
        held.find(|held| held.view.id == id)
            .ok_or(ServiceError::NotFound("picture"))
    }

    fn held_mut(&mut self, owner: &str, id: &str) -> Result<&mut Held> {
        let bench = self.by.get_mut(owner);
        let mut held = bench.into_iter().flat_map(|bench| &mut bench.pictures);
        held.find(|held| held.view.id == id)
            .ok_or(ServiceError::NotFound("picture"))
    }
}

fn numbered(
    marks: impl IntoIterator<Item = (u32, Mark)>,
    before: usize,
    late: bool,
) -> Vec<ReviewMark> {
    let marks = marks.into_iter().enumerate();
    let numbered = marks.map(|(at, (page, mark))| ReviewMark {
        number: before + at + 1,
        page,
        mark,
        late,
    });
    numbered.collect()
}

impl ReviewDecision {
    /// Nothing released, nothing drawn, faces filled.
    pub(super) fn none() -> Self {
        Self {
            released: BTreeSet::new(),
            drawn: BTreeMap::new(),
            coarsen: false,
        }
    }
}
