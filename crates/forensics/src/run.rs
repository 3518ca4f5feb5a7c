//! A count from beginning to end: exhibits on several threads, then partitions on several threads.
//!
//! Feeders read exhibits into batches, workers judge rows and gather keys; a file as large as all
//! others together still keeps every worker busy, since one feeder reads faster than a worker
//! judges. Sums add up in any order and records are sorted afterwards, so that the number of
//! threads changes nothing.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use liuhen_kinds::RulePack;
use parking_lot::{Condvar, Mutex};

use crate::acts::Acts;
use crate::age::Day;
use crate::batch::Batch;
use crate::error::CountError;
use crate::hash::HashKey;
use crate::ledger::{self, At, Entry};
use crate::merge::{Merge, Sums, person_extra};
use crate::near;
use crate::place::{self, MOST_ROWS, Place};
use crate::ports::{Exhibits, Judge, Progress, Step, TableHead, Unit, Unread};
use crate::provenance::habit::{self, Shape};
use crate::provenance::pairs::Crowd;
use crate::provenance::shared::Shared;
use crate::provenance::{self, Facts, Provenance};
use crate::reason::Reason;
use crate::row::{Columns, RowJudge, Valid};
use crate::rules::Rules;
use crate::sight::Sight;
use crate::spill::{self, Buffers, PARTS, Record, Spill, Stream};
use crate::unit::{RowCounts, UnitDone};
use crate::work::{Identity, Work};

/// What to count, and how.
#[derive(Debug)]
pub struct Plan<'a> {
    /// The files, in the order in which a first occurrence is the first.
    pub units: Vec<Unit>,
    /// The rules.
    pub rules: &'a Rules,
    /// The key of the hashes; a count that goes on keeps the one it began with.
    pub key: HashKey,
    /// Threads; at least one of each sort.
    pub jobs: usize,
    /// The day on which ages are taken.
    pub date: Day,
    /// Acts, counterparties and actors.
    pub acts: Acts,
    /// Whether a ledger will be asked for.
    pub ledger: bool,
    /// How the exhibits read files, in any words: read in another way it is another count.
    pub reading: String,
    /// By what they look at pictures, where they do; `reading` names it too.
    pub sight: Option<Sight>,
    /// A directory of the count's own; emptied by [`Counted::finish`].
    pub work: PathBuf,
}

/// A finished count: its sums, and its ledger on disk until it is finished.
pub struct Counted<'a> {
    pub(crate) plan: Plan<'a>,
    pub(crate) units: Vec<UnitDone>,
    pub(crate) sums: Sums,
    pub(crate) provenance: Provenance,
    /// None where the partitions lay elsewhere ([`crate::apart`]).
    pub(crate) work: Option<Work>,
}

impl std::fmt::Debug for Counted<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Counted({} files)", self.units.len())
    }
}

/// Counts everything a plan names.
///
/// # Errors
///
/// [`CountError`] when the work directory fails or belongs to another count, or when the progress
/// asked to stop. An exhibit that cannot be read is told of in the count and is no error.
pub fn count<'a>(
    plan: Plan<'a>,
    exhibits: &dyn Exhibits,
    judge: &dyn Judge,
    progress: &dyn Progress,
) -> Result<Counted<'a>, CountError> {
    place::check(plan.units.len())?;
    let identity = Identity {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        rules: plan.rules.version.clone(),
        kinds: RulePack::builtin().version.clone(),
        date: plan.date,
        units: plan.units.clone(),
        acts: plan.acts.clone(),
        lines: plan.ledger,
        reading: plan.reading.clone(),
    };
    let work = Work::open(&plan.work, identity, plan.key)?;
    let units = read_all(&plan, &work, exhibits, judge, progress)?;
    let sums = merge_all(&plan, &work, &units, progress)?;
    let provenance = kinship(&plan, &work, &units, &sums)?;
    Ok(Counted {
        plan,
        units,
        sums,
        provenance,
        work: Some(work),
    })
}

impl Counted<'_> {
    /// Tells every line of the ledger, in the order of the exhibits.
    ///
    /// # Errors
    ///
    /// [`CountError::Ledger`] with what `told` answers; [`CountError::Work`] and
    /// [`CountError::Damaged`] when the lines cannot be read back.
    pub fn ledger(
        &self,
        told: &mut dyn FnMut(&Entry) -> std::io::Result<()>,
    ) -> Result<(), CountError> {
        let Some(work) = self.work.as_ref().filter(|_| self.plan.ledger) else {
            return Ok(());
        };
        let paths = (0..PARTS).map(|part| work.lines(part)).collect();
        ledger::merged(paths, &mut |line| {
            told(&ledger::entry(&line, self.plan.rules, &|place| {
                self.at(place)
            }))
        })
    }

    /// The records of one stream and partition, of all exhibits, in no order.
    ///
    /// None of a count that was made elsewhere.
    pub(crate) fn records(&self, stream: Stream, part: usize) -> Result<Vec<Record>, CountError> {
        let mut records = Vec::new();
        if let Some(work) = &self.work {
            for (unit, done) in self.units.iter().enumerate() {
                spill::read(&work.spill(unit), &done.blocks, stream, part, &mut records)?;
            }
        }
        Ok(records)
    }

    /// The path of a place's file, as reports show it.
    pub(crate) fn path(&self, place: Place) -> &str {
        let unit = self.plan.units.get(place.unit());
        unit.map_or("", |unit| &unit.path)
    }

    pub(crate) fn at(&self, place: Place) -> At {
        let unit = self.plan.units.get(place.unit());
        let done = self.units.get(place.unit());
        let (table, row) = self.spot(place);
        let name = |names: fn(&UnitDone) -> &Vec<Option<String>>| {
            done.and_then(|done| names(done).get(table).cloned()?)
        };
        At {
            file: unit.map(|unit| unit.path.clone()).unwrap_or_default(),
            inside: name(|done| &done.inside),
            sheet: name(|done| &done.sheets),
            row,
            picture: done.and_then(|done| done.shown(table, row)),
        }
    }

    /// The table of a place within its file, from 0, and the row in it, from 1.
    pub(crate) fn spot(&self, place: Place) -> (usize, u64) {
        let done = self.units.get(place.unit());
        done.map_or((0, place.row()), |done| done.spot(place))
    }

    /// Empties the work directory.
    ///
    /// # Errors
    ///
    /// [`CountError::Work`] when a file cannot be removed.
    pub fn finish(&self) -> Result<(), CountError> {
        self.work.as_ref().map_or(Ok(()), |work| work.empty(PARTS))
    }
}

/// What threads share while they read.
struct Reading<'p, 'a> {
    plan: &'p Plan<'a>,
    work: &'p Work,
    exhibits: &'p dyn Exhibits,
    judge: &'p dyn Judge,
    progress: &'p dyn Progress,
    todo: Vec<usize>,
    next: AtomicUsize,
    stopped: AtomicBool,
    failed: Mutex<Option<CountError>>,
    spare: Mutex<Vec<Batch>>,
}

/// An exhibit being read.
struct Active {
    unit: usize,
    spill: Mutex<(Option<Spill>, RowCounts)>,
    digest: Mutex<Option<Result<String, Unread>>>,
    form: Mutex<Option<String>>,
    waiting: Mutex<usize>,
    idle: Condvar,
}

enum Job {
    Digest(Arc<Active>),
    /// Rows of a table, and behind which row of the file it begins.
    Rows(Arc<Active>, Arc<Columns>, u64, Batch),
}

impl Job {
    const fn active(&self) -> &Arc<Active> {
        match self {
            Self::Digest(active) | Self::Rows(active, ..) => active,
        }
    }
}

/// Batches in the channel for each worker.
const AHEAD: usize = 3;

fn read_all(
    plan: &Plan<'_>,
    work: &Work,
    exhibits: &dyn Exhibits,
    judge: &dyn Judge,
    progress: &dyn Progress,
) -> Result<Vec<UnitDone>, CountError> {
    let mut todo = Vec::new();
    for unit in 0..plan.units.len() {
        match work.unit(unit)? {
            Some(done) => progress.read(plan.units[unit].bytes, done.counts.raw),
            None => todo.push(unit),
        }
    }
    let jobs = plan.jobs.max(1);
    let reading = Reading {
        plan,
        work,
        exhibits,
        judge,
        progress,
        todo,
        next: AtomicUsize::new(0),
        stopped: AtomicBool::new(false),
        failed: Mutex::new(None),
        spare: Mutex::new(Vec::new()),
    };
    let (give, take) = sync_channel(jobs * AHEAD);
    let take = Mutex::new(take);
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| reading.work(&take));
        }
        for _ in 0..jobs.min(reading.todo.len()) {
            let give = give.clone();
            let reading = &reading;
            scope.spawn(move || reading.feed(&give));
        }
        drop(give);
    });
    match reading.failed.into_inner() {
        Some(error) => Err(error),
        None => (0..plan.units.len())
            .map(|unit| {
                work.unit(unit)?
                    .ok_or_else(|| CountError::Damaged(work.spill(unit)))
            })
            .collect(),
    }
}

impl Reading<'_, '_> {
    fn fail(&self, error: CountError) {
        self.stopped.store(true, Ordering::Relaxed);
        self.failed.lock().get_or_insert(error);
    }

    fn is_stopped(&self) -> bool {
        if self.progress.stop() && !self.stopped.load(Ordering::Relaxed) {
            self.fail(CountError::Stopped);
        }
        self.stopped.load(Ordering::Relaxed)
    }

    /// Reads one exhibit after another.
    fn feed(&self, give: &SyncSender<Job>) {
        while !self.is_stopped() {
            let Some(unit) = self.todo.get(self.next.fetch_add(1, Ordering::Relaxed)) else {
                return;
            };
            if let Err(error) = self.exhibit(*unit, give) {
                self.fail(error);
            }
        }
    }

    fn exhibit(&self, unit: usize, give: &SyncSender<Job>) -> Result<(), CountError> {
        let active = Arc::new(Active {
            unit,
            spill: Mutex::new((
                Some(Spill::create(&self.work.spill(unit))?),
                RowCounts::default(),
            )),
            digest: Mutex::new(None),
            form: Mutex::new(None),
            waiting: Mutex::new(0),
            idle: Condvar::new(),
        });
        let mut done = UnitDone::default();
        self.send(give, &active, Job::Digest(Arc::clone(&active)));
        // A reader that fails on hostile bytes must not cost the others.
        let read = catch_unwind(AssertUnwindSafe(|| self.rows(&active, give, &mut done)));
        let mut waiting = active.waiting.lock();
        while *waiting > 0 {
            active.idle.wait(&mut waiting);
        }
        drop(waiting);
        if self.is_stopped() {
            return Ok(());
        }
        let unread = read.unwrap_or_else(|_| {
            Err(Unread {
                code: "internal".to_owned(),
                text: "this program failed on it".to_owned(),
            })
        });
        let (spill, counts) = std::mem::take(&mut *active.spill.lock());
        let digest = active.digest.lock().take();
        let (blocks, spilled) = spill.map(Spill::finish).transpose()?.unwrap_or_default();
        let done = UnitDone {
            counts,
            sha256: digest.and_then(Result::ok),
            form: active.form.lock().take(),
            unread: unread.err(),
            blocks,
            spilled,
            ..done
        };
        self.work.unit_done(unit, &done)
    }

    fn send(&self, give: &SyncSender<Job>, active: &Active, job: Job) {
        *active.waiting.lock() += 1;
        if give.send(job).is_err() {
            active.done();
        }
    }

    fn rows(
        &self,
        active: &Arc<Active>,
        give: &SyncSender<Job>,
        done: &mut UnitDone,
    ) -> Result<(), Unread> {
        let unit = &self.plan.units[active.unit];
        let mut exhibit = self.exhibits.open(unit)?;
        let mut columns = Arc::new(Columns::of(&TableHead::default(), self.plan.rules));
        let mut taken = 0;
        let (mut begin, mut last) = (0, 0);
        while !self.is_stopped() {
            let mut batch = self.spare.lock().pop().unwrap_or_default();
            batch.clear();
            let step = exhibit.next(&mut batch);
            // What was read before a fault counts.
            if !batch.is_empty() {
                let now = exhibit.taken();
                let rows = batch.rows().count() + batch.faults().len();
                self.progress.read(now.saturating_sub(taken), rows as u64);
                taken = now.max(taken);
                last = last.max(batch.last());
                if last > MOST_ROWS - begin {
                    return Err(Unread {
                        code: "too_many_rows".to_owned(),
                        text: "its rows have higher numbers than a count can name".to_owned(),
                    });
                }
                self.send(
                    give,
                    active,
                    Job::Rows(Arc::clone(active), Arc::clone(&columns), begin, batch),
                );
            }
            match step? {
                Step::Table(head) => {
                    columns = Arc::new(Columns::of(&head, self.plan.rules));
                    if done.shape.as_ref().is_none_or(Shape::is_unknown) {
                        done.shape = Some(Shape::of(&head, self.work.key));
                    }
                    begin += std::mem::take(&mut last);
                    done.table(head, begin);
                }
                Step::Picture(looked) => {
                    done.pictures.looked(&looked);
                    self.progress.looked();
                    // A picture takes seconds and may have no row that would move a bar.
                    let now = exhibit.taken();
                    self.progress.read(now.saturating_sub(taken), 0);
                    taken = now.max(taken);
                }
                Step::Rows => {}
                Step::Unread(part) => done.unread_part(part),
                Step::End => break,
            }
        }
        Ok(())
    }

    /// Takes jobs until no feeder is left.
    fn work(&self, take: &Mutex<Receiver<Job>>) {
        let mut judge = RowJudge::new(self.plan.rules, self.judge, self.work.key, self.plan.date);
        let mut buffers = Buffers::new();
        loop {
            let next = take.lock().recv();
            let Ok(job) = next else { return };
            let active = Arc::clone(job.active());
            // Whoever waits for the job must hear of its end, however it ends.
            let done = catch_unwind(AssertUnwindSafe(|| {
                self.job(job, &mut judge, &mut buffers);
            }));
            if done.is_err() {
                self.fail(CountError::Fault);
            }
            active.done();
        }
    }

    fn job(&self, job: Job, judge: &mut RowJudge<'_>, buffers: &mut Buffers) {
        match job {
            Job::Digest(active) => {
                let unit = &self.plan.units[active.unit];
                *active.digest.lock() = Some(self.exhibits.digest(unit));
                *active.form.lock() = self.exhibits.form(unit);
            }
            Job::Rows(active, columns, begin, batch) => {
                if !self.is_stopped() {
                    self.judged(&active, &columns, begin, &batch, judge, buffers);
                }
                self.spare.lock().push(batch);
            }
        }
    }

    fn judged(
        &self,
        active: &Active,
        columns: &Columns,
        begin: u64,
        batch: &Batch,
        judge: &mut RowJudge<'_>,
        buffers: &mut Buffers,
    ) {
        let counts = judge_rows(batch, columns, (active.unit, begin), judge, buffers);
        let mut held = active.spill.lock();
        held.1.add(&counts);
        if let Some(spill) = &mut held.0
            && let Err(error) = spill.take(buffers)
        {
            self.fail(error);
        }
    }
}

impl Active {
    fn done(&self) {
        let mut waiting = self.waiting.lock();
        *waiting -= 1;
        if *waiting == 0 {
            self.idle.notify_all();
        }
    }
}

/// Judges the rows of a batch of one table, which is named by its exhibit and the row of it behind
/// which it begins.
pub(crate) fn judge_rows(
    batch: &Batch,
    columns: &Columns,
    (unit, begin): (usize, u64),
    judge: &mut RowJudge<'_>,
    buffers: &mut Buffers,
) -> RowCounts {
    let mut counts = RowCounts::default();
    for &number in batch.faults() {
        // Of some faults the row is not known.
        let place = Place::of(unit, begin + number.max(1));
        out(Reason::UnreadableRow, place, &mut counts, buffers);
    }
    for (number, cells) in batch.rows() {
        let place = Place::of(unit, begin + number);
        if habit::is_looked_at(number) {
            counts.habits.see(&columns.kinds, cells);
        }
        match judge.row(columns, cells) {
            Ok(valid) => {
                counts.valid(&valid);
                gather(&valid, place, buffers);
            }
            Err(reason) => out(reason, place, &mut counts, buffers),
        }
    }
    for domain in crate::merge::bits(columns.domains) {
        counts.domains.insert(domain, counts.valid);
    }
    counts
}

fn out(reason: Reason, place: Place, counts: &mut RowCounts, buffers: &mut Buffers) {
    counts.fault(reason);
    let record = Record {
        key: 0,
        place,
        mask: reason as u64,
        extra: 0,
    };
    buffers.push(Stream::Out, &record);
}

/// The keys of a row that counts.
fn gather(valid: &Valid, place: Place, buffers: &mut Buffers) {
    let mut push = |stream, key, mask, extra| {
        let record = Record {
            key,
            place,
            mask,
            extra,
        };
        buffers.push(stream, &record);
    };
    push(Stream::Rows, valid.row, valid.mask, 0);
    push(
        Stream::Persons,
        valid.person,
        valid.mask,
        person_extra(valid),
    );
    if let Some(key) = valid.event {
        push(Stream::Events, key, valid.mask, 0);
    }
    for (key, class) in valid.contacts.into_iter().flatten() {
        push(Stream::Contacts, key, class, near::whom(valid));
    }
    if let Some((school, class)) = valid.cohort {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "half of a key tells persons of a class apart"
        )]
        let person = valid.person as u64;
        push(Stream::Cohorts, school, person, class);
    }
}

/// Brings every partition together.
fn merge_all(
    plan: &Plan<'_>,
    work: &Work,
    units: &[UnitDone],
    progress: &dyn Progress,
) -> Result<Sums, CountError> {
    let next = AtomicUsize::new(0);
    let all = Mutex::new(Ok(Sums::default()));
    std::thread::scope(|scope| {
        for _ in 0..plan.jobs.clamp(1, PARTS) {
            scope.spawn(|| {
                loop {
                    let part = next.fetch_add(1, Ordering::Relaxed);
                    if part >= PARTS || all.lock().is_err() {
                        return;
                    }
                    let sums = match progress.stop() {
                        true => Err(CountError::Stopped),
                        false => merge(plan, work, units, part),
                    };
                    let mut all = all.lock();
                    match (&mut *all, sums) {
                        (Ok(all), Ok(sums)) => all.add(&sums),
                        (Ok(_), Err(error)) => *all = Err(error),
                        (Err(_), _) => return,
                    }
                }
            });
        }
    });
    all.into_inner()
}

/// What the files are to each other.
fn kinship(
    plan: &Plan<'_>,
    work: &Work,
    units: &[UnitDone],
    sums: &Sums,
) -> Result<Provenance, CountError> {
    let of_unit = |unit: usize| {
        let persons = sums.files.get(&unit).map_or(0, |counts| counts[0]);
        [persons, sums.contacts.get(&unit).copied().unwrap_or(0)]
    };
    let facts = Facts {
        units: &plan.units,
        done: units,
        crowd: Crowd((0..units.len()).map(of_unit).collect()),
        rules: &plan.rules.provenance,
        kinships: &plan.rules.kinships,
    };
    let groups: Vec<PathBuf> = (0..PARTS).map(|part| work.shared(part)).collect();
    provenance::weave(&facts, &groups)
}

fn merge(
    plan: &Plan<'_>,
    work: &Work,
    units: &[UnitDone],
    part: usize,
) -> Result<Sums, CountError> {
    if let Some(sums) = work.part(part)? {
        return Ok(sums);
    }
    let mut merge = Merge {
        rules: plan.rules,
        acts: &plan.acts,
        lines: plan.ledger.then(Vec::new),
        shared: (units.len() > 1).then(Shared::default),
        sums: Sums::default(),
    };
    for stream in Stream::ALL {
        let mut records = Vec::new();
        for (unit, done) in units.iter().enumerate() {
            spill::read(&work.spill(unit), &done.blocks, stream, part, &mut records)?;
        }
        merge.stream(stream, &mut records);
    }
    if let Some(shared) = merge.shared.take() {
        shared.keep(&work.shared(part))?;
        merge.sums.contacts = shared.contacts;
    }
    if let Some(lines) = merge.lines.take() {
        ledger::keep(&work.lines(part), lines)?;
    }
    work.part_done(part, &merge.sums)?;
    Ok(merge.sums)
}

#[cfg(test)]
mod tests {
    use liuhen_kinds::Kind;

    use super::*;
    use crate::ports::{Exhibit, Silent, Verdict};

    struct One;

    struct Rows(usize);

    impl Exhibit for Rows {
        fn next(&mut self, batch: &mut Batch) -> Result<Step, Unread> {
            self.0 += 1;
            if self.0 == 1 {
                return Ok(Step::Table(TableHead {
                    kinds: vec![Some(Kind::MOBILE)],
                    ..TableHead::default()
                }));
            }
            batch.cell("13800138000");
            batch.row(1);
            Ok(if self.0 == 2 { Step::Rows } else { Step::End })
        }

        fn taken(&self) -> u64 {
            0
        }
    }

    impl Exhibits for One {
        fn open(&self, _unit: &Unit) -> Result<Box<dyn Exhibit + '_>, Unread> {
            Ok(Box::new(Rows(0)))
        }

        fn digest(&self, _unit: &Unit) -> Result<String, Unread> {
            Ok(String::new())
        }
    }

    struct Fails;

    impl Judge for Fails {
        fn judge(&self, _kind: Kind, _cell: &str, _out: &mut String) -> Verdict {
            panic!("as it must not");
        }

        fn fold(&self, _cell: &str, _out: &mut String) {}
    }

    #[test]
    fn a_fault_while_rows_are_judged_ends_the_count_and_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let unit = Unit {
            path: "a".to_owned(),
            bytes: 1,
            changed_ns: 0,
        };
        let plan = Plan {
            units: vec![unit],
            rules: Rules::builtin(),
            key: HashKey([1; 16]),
            jobs: 2,
            date: Day::parse("2026-11-22").unwrap(),
            acts: Acts::default(),
            ledger: false,
            reading: String::new(),
            sight: None,
            work: dir.path().to_owned(),
        };
        let told = count(plan, &One, &Fails, &Silent).map(drop);
        assert!(matches!(told, Err(CountError::Fault)), "{told:?}");
    }
}
