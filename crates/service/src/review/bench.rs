//! What is held of the pictures under review: in memory only, within bounds, each member's apart.
//!
//! Knows no clock and no network: times and results come from outside, so that every bound can be
//! tried by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use zeroize::Zeroizing;

use super::rules::Rules;
use super::{ReviewCopy, ReviewDecision, ReviewMark, ReviewProblem, ReviewState, ReviewView};
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

/// One picture.
struct Held {
    view: ReviewView,
    by: Caller,
    file: Bytes,
    shown: Option<Bytes>,
    copy: Option<Bytes>,
}

impl Held {
    fn bytes(&self) -> u64 {
        let parts = [Some(&self.file), self.shown.as_ref(), self.copy.as_ref()];
        let parts = parts.into_iter().flatten();
        parts.map(|part| part.len() as u64).sum()
    }
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
    pub(super) task: Task,
}

/// Looking, or painting what was decided.
pub(super) enum Task {
    Look,
    Save { decided: Decided, coarsen: bool },
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
    /// What only a later look found.
    pub(super) late: Vec<Mark>,
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
            shown: None,
            copy: None,
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

    /// What the page shows of it.
    pub(super) fn shown(&self, owner: &str, id: &str) -> Result<Bytes> {
        let shown = self.held(owner, id)?.shown.clone();
        shown.ok_or(ServiceError::NotFound("picture"))
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
    /// [`ServiceError::Invalid`] for a mark that there is not, or too many boxes.
    pub(super) fn decide(
        &mut self,
        owner: &str,
        id: &str,
        decision: ReviewDecision,
        rules: &Rules,
        now: UnixMs,
    ) -> Result<()> {
        let held = self.held_mut(owner, id)?;
        if !matches!(held.view.state, ReviewState::Open | ReviewState::Saved) {
            return Err(ServiceError::Conflict(
                "this picture is worked on, or cannot be; look again".to_owned(),
            ));
        }
        let marks = held.view.marks.len();
        if decision.released.iter().any(|&at| at == 0 || at > marks) {
            return Err(ServiceError::Invalid(
                "there is no such mark on this picture; load the page again".to_owned(),
            ));
        }
        if decision.drawn.len() > rules.picture.boxes {
            return Err(ServiceError::Invalid(format!(
                "at most {} boxes are drawn on one picture",
                rules.picture.boxes
            )));
        }
        let (width, height) = (held.view.width, held.view.height);
        let outside = |&[left, top, wide, high]: &[u32; 4]| {
            wide == 0 || high == 0 || left >= width || top >= height
        };
        if decision.drawn.iter().any(outside) {
            return Err(ServiceError::Invalid(
                "a box lies outside the picture or has no size".to_owned(),
            ));
        }
        held.view.decision = decision;
        held.view.state = ReviewState::ToSave;
        held.view.problem = None;
        held.view.copy = None;
        held.copy = None;
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
            let of = |state| {
                let mut held = bench.pictures.iter();
                held.position(|held| held.view.state == state)
            };
            let saving = of(ReviewState::ToSave).map(|at| (0_u8, bench.served, at));
            saving.or_else(|| of(ReviewState::Waiting).map(|at| (1, bench.served, at)))
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
        let task = if held.view.state == ReviewState::ToSave {
            held.view.state = ReviewState::Saving;
            let decision = &held.view.decision;
            let released = |mark: &&ReviewMark| decision.released.contains(&mark.number);
            let marks = |wanted: bool| {
                let marks = held.view.marks.iter();
                let marks = marks.filter(move |mark| released(mark) == wanted);
                marks.map(|mark| mark.mark.clone()).collect()
            };
            let area = |side: [u32; 4]| {
                let [left, top, width, height] = side.map(|value| value as f32);
                Area::new(left, top, width, height)
            };
            Task::Save {
                decided: Decided {
                    hidden: marks(false),
                    released: marks(true),
                    drawn: decision.drawn.iter().copied().map(area).collect(),
                },
                coarsen: decision.coarsen,
            }
        } else {
            held.view.state = ReviewState::Looking;
            Task::Look
        };
        Some(Job {
            by: held.by.clone(),
            id: held.view.id.clone(),
            number: held.view.number,
            file: held.file.clone(),
            task,
        })
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
        match found {
            Ok(found) => {
                held.view.state = ReviewState::Open;
                held.view.width = found.width;
                held.view.height = found.height;
                held.view.beside = found.beside;
                held.view.marks = numbered(found.marks, 0, false);
                held.shown = Some(Arc::new(found.shown));
            }
            Err(problem) => {
                held.view.state = ReviewState::Refused;
                held.view.problem = Some(problem);
                held.file = Bytes::default();
            }
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
        let fits = self.fits(&job.by.id, size as u64, rules);
        let Ok(held) = self.held_mut(&job.by.id, &job.id) else {
            return;
        };
        held.view.state = ReviewState::Open;
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

fn numbered(marks: Vec<Mark>, before: usize, late: bool) -> Vec<ReviewMark> {
    let marks = marks.into_iter().enumerate();
    let numbered = marks.map(|(at, mark)| ReviewMark {
        number: before + at + 1,
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
            drawn: Vec::new(),
            coarsen: false,
        }
    }
}
