//! Counting a leak without a case: files and folders in, numbers and a ledger out.
//!
//! Which rows count and under which policies is said by `forensics`; here files become tables
//! (`tables`; of what lies within them, `inside`); cells get their verdicts from the room `judge`.

mod databases;
mod form;
mod forms;
mod heard;
mod inside;
mod people;
mod persons;
mod pictures;
mod sample;
mod tables;

use std::collections::HashMap;
use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use liuhen_forensics::{Act, ActKind, Acts, Exhibits, HashKey, Plan, Unit};
use liuhen_judge::Validators;
use serde::Deserialize;

use crate::scan::{Databases, Leaves, Note, Reason, Stop, What, Wishes, shown, walk};
pub use heard::{Ear, Heard};
pub use persons::{Persons, persons};
pub use pictures::Eyes;
pub use sample::{Cell, Drawing, Shown, draw};

use tables::{Files, changed_ns};

pub use liuhen_forensics::near::Link;
pub use liuhen_forensics::provenance;
pub use liuhen_forensics::report::{Actor, PolicyCount, ReadingCount, RegionCount};
pub use liuhen_forensics::{
    At, Case, CountError, Day, Entry, Policy, Progress, Reached, Reason as Excluded, Report, Rules,
    Silent,
};

/// What to count, and how.
pub struct CountRequest<'a> {
    /// Files and folders.
    pub paths: Vec<PathBuf>,
    /// Report and ledger name files from this folder on, so that they say the same wherever it lies.
    pub base: Option<PathBuf>,
    /// How archives and documents are taken apart: bounds, passwords, strings of binary data.
    pub wishes: Wishes,
    /// Threads.
    pub jobs: usize,
    /// The day on which ages are taken; that of the rule pack when not given, so that the same
    /// count says the same on another day.
    pub date: Option<Day>,
    /// What is known of the case beside its files.
    pub case: Case,
    /// Acts and counterparties, as TOML.
    pub acts: Option<&'a str>,
    /// Where the count keeps what it has done, so that it can go on after a crash; a directory
    /// that ends with the count when not given.
    pub work: Option<PathBuf>,
    /// Files that are left alone: the ones being written.
    pub except: Vec<PathBuf>,
    /// Listens for words of the trade while files are read, where one is wanted.
    pub ear: Option<&'a Ear>,
    /// How database servers are read.
    pub databases: Databases,
    /// Whether pictures are looked at, and by what.
    pub eyes: Eyes,
    /// Told how far it is.
    pub progress: &'a dyn Progress,
}

impl<'a> CountRequest<'a> {
    /// These files in the usual way, on so many threads; what is asked beside is set on it.
    #[must_use]
    pub fn new(paths: Vec<PathBuf>, jobs: usize, progress: &'a dyn Progress) -> Self {
        Self {
            paths,
            base: None,
            wishes: Wishes::default(),
            jobs,
            date: None,
            case: Case::default(),
            acts: None,
            work: None,
            except: Vec::new(),
            ear: None,
            databases: Databases::default(),
            eyes: Eyes::default(),
            progress,
        }
    }
}

impl std::fmt::Debug for CountRequest<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CountRequest")
            .field("paths", &self.paths)
            .finish_non_exhaustive()
    }
}

/// Whoever keeps the ledger.
pub type LedgerSink<'a> = dyn FnMut(&Entry) -> io::Result<()> + 'a;

/// A count, and what was not read.
#[derive(Debug)]
pub struct Counted {
    /// The numbers.
    pub report: Report,
    /// Paths that were not read, or not wholly, each with its reason.
    pub notes: Vec<Note>,
}

impl Counted {
    /// Whether something that should have been read was not.
    #[must_use]
    pub fn is_incomplete(&self) -> bool {
        let of_file = self.report.files.iter().flat_map(|file| {
            let parts = file.unread_parts.iter().map(|part| &part.why);
            parts.chain(&file.unread)
        });
        self.notes.iter().any(|note| note.reason.is_failure())
            || of_file.into_iter().any(|why| why.code != "format_not_read")
            || self.report.files.iter().any(|f| f.unread_parts_more > 0)
    }
}

/// Why nothing was counted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CountFailure {
    /// The count itself failed.
    #[error(transparent)]
    Count(#[from] CountError),
    /// The acts are no TOML of the form that docs/counting.md shows; what stands there may be a
    /// name and is not told.
    #[error("acts: line {line}, column {column}: not of the form that docs/counting.md shows")]
    Acts {
        /// From 1.
        line: usize,
        /// From 1, in characters.
        column: usize,
    },
    /// An act names what is not among the files.
    #[error("acts: {0} is none of the files counted")]
    NoSuchFile(String),
    /// A gain is told of somebody whom no act names, so that nothing is his to weigh it with.
    #[error(
        "gain: no act names {0}; say who did what with --acts, or give the gain without a name"
    )]
    NoSuchActor(String),
    /// No directory to work in.
    #[error("a directory to work in: {0}")]
    Work(io::Error),
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    Random,
}

/// Counts everything a request names; lines of the ledger go to `ledger`, where there is one.
///
/// # Errors
///
/// [`CountFailure`]; a file that cannot be read is told of in the answer and is no error.
pub fn count(
    request: &CountRequest<'_>,
    ledger: Option<&mut LedgerSink<'_>>,
) -> Result<Counted, CountFailure> {
    let wanted = ledger.is_some();
    let (counted, ()) = count_then(request, None, wanted, |counted, _| match ledger {
        Some(told) => Ok(counted.ledger(told)?),
        None => Ok(()),
    })?;
    Ok(counted)
}

/// Counts, and asks something of the count before what it kept on disk goes.
fn count_then<T>(
    request: &CountRequest<'_>,
    key: Option<HashKey>,
    ledger: bool,
    then: impl FnOnce(&liuhen_forensics::Counted<'_>, &Files) -> Result<T, CountFailure>,
) -> Result<(Counted, T), CountFailure> {
    let mut databases = databases::Tables::new(&request.databases);
    let (units, files, notes) = units(request, &mut databases);
    let files = Files::new(
        files,
        databases,
        request.wishes.clone(),
        request.eyes.clone(),
    );
    let acts = request
        .acts
        .map(|text| acts(text, &units))
        .transpose()?
        .unwrap_or_default();
    let named = acts.actors();
    let gains = request.case.gains_fen.keys();
    if let Some(actor) = gains
        .filter(|actor| !actor.is_empty())
        .find(|actor| !named.contains(&actor.as_str()))
    {
        return Err(CountFailure::NoSuchActor(actor.clone()));
    }
    let rules = Rules::builtin();
    let mut fresh = [0; 16];
    getrandom::fill(&mut fresh).map_err(|_| CountFailure::Random)?;
    let own = match &request.work {
        Some(_) => None,
        None => Some(Temporary::create()?),
    };
    let work = own
        .as_ref()
        .map(|own| own.0.clone())
        .or_else(|| request.work.clone())
        .unwrap_or_default();
    let plan = Plan {
        units,
        rules,
        key: key.unwrap_or(HashKey(fresh)),
        jobs: request.jobs,
        date: request
            .date
            .or_else(|| Day::parse(&rules.date))
            .ok_or(CountError::Stopped)?,
        acts,
        ledger,
        reading: reading(request),
        sight: request.eyes.sight(),
        work,
    };
    let listening = request
        .ear
        .map(|ear| heard::Listening { files: &files, ear });
    let exhibits: &dyn Exhibits = match &listening {
        Some(listening) => listening,
        None => &files,
    };
    let counted = liuhen_forensics::count(plan, exhibits, &Validators, request.progress)?;
    let answer = then(&counted, &files)?;
    let report = counted.report(&request.case);
    counted.finish()?;
    Ok((Counted { report, notes }, answer))
}

/// How files are read, for the work directory: of the passwords too little to guess them by.
fn reading(request: &CountRequest<'_>) -> String {
    let wishes = &request.wishes;
    let limits = &wishes.limits;
    format!(
        "unpacked {}, ratio {}, depth {}, files {}, strings {}, passwords {:04x}, sample {:?}, pictures {}",
        limits.max_unpacked_bytes,
        limits.max_ratio,
        limits.max_depth,
        limits.max_files,
        wishes.strings,
        wishes.passwords.check(),
        request.databases.sample,
        request.eyes.reading(),
    )
}

/// The files to count, where they lie, and what is not among them.
fn units(
    request: &CountRequest<'_>,
    databases: &mut databases::Tables,
) -> (Vec<Unit>, HashMap<String, PathBuf>, Vec<Note>) {
    let (mut units, mut files, mut notes) = (Vec::new(), HashMap::new(), Vec::new());
    walk(
        &request.paths,
        &request.except,
        Leaves::Nothing,
        &mut |Stop { path, what }| {
            if what == What::Database {
                match databases.add(&path) {
                    Ok((tables, others)) => {
                        units.extend(tables);
                        notes.extend(others.into_iter().map(|path| Note {
                            path,
                            reason: databases::Tables::not_read(),
                        }));
                    }
                    Err(reason) => notes.push(Note {
                        path: crate::scan::databases::shown(&path),
                        reason,
                    }),
                }
                return ControlFlow::Continue(());
            }
            let inside = request
                .base
                .as_ref()
                .and_then(|base| path.strip_prefix(base).ok());
            let mut name = shown(inside.unwrap_or(&path));
            // A name may be made to look like what bytes that are no text are shown as.
            while files.contains_key(&name) {
                name.push('\u{2032}');
            }
            let mut note = |reason| {
                notes.push(Note {
                    path: name.clone(),
                    reason,
                })
            };
            match what {
                What::Folder | What::Database => {}
                What::Not(reason) => note(reason),
                What::Stdin => note(Reason::Format("standard input; give a file")),
                What::File => match fs::metadata(&path) {
                    Ok(meta) => {
                        units.push(Unit {
                            path: name.clone(),
                            bytes: meta.len(),
                            changed_ns: changed_ns(&meta),
                        });
                        files.insert(name, path);
                    }
                    Err(error) => note(Reason::from(&error)),
                },
            }
            ControlFlow::Continue(())
        },
    );
    (units, files, notes)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ActsFile {
    act: Vec<ActOfFiles>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ActOfFiles {
    files: Vec<String>,
    kind: ActKind,
    #[serde(default)]
    counterparty: String,
    #[serde(default)]
    actor: String,
}

/// Acts as a TOML file states them, each for the files it names or all in a folder it names.
fn acts(text: &str, units: &[Unit]) -> Result<Acts, CountFailure> {
    let file: ActsFile = toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        let before = text.get(..at).unwrap_or("");
        let begin = before.rfind('\n').map_or(0, |at| at + 1);
        CountFailure::Acts {
            line: before.matches('\n').count() + 1,
            column: before[begin..].chars().count() + 1,
        }
    })?;
    let mut acts = Acts {
        acts: Vec::new(),
        of_unit: vec![Vec::new(); units.len()],
    };
    for stated in file.act {
        let act = Act {
            kind: stated.kind,
            counterparty: stated.counterparty,
            actor: stated.actor,
        };
        let known = acts.acts.iter().position(|one| *one == act);
        let at = known.unwrap_or(acts.acts.len());
        if known.is_none() {
            acts.acts.push(act);
        }
        let at = u16::try_from(at).map_err(|_| CountError::TooMany(usize::from(u16::MAX)))?;
        for name in stated.files {
            let wanted = Path::new(&name);
            let mut met = false;
            for (unit, of_unit) in units.iter().zip(&mut acts.of_unit) {
                if Path::new(&unit.path).starts_with(wanted) {
                    met = true;
                    if !of_unit.contains(&at) {
                        of_unit.push(at);
                    }
                }
            }
            if !met {
                return Err(CountFailure::NoSuchFile(name));
            }
        }
    }
    Ok(acts)
}

/// A directory that goes when the count ends.
struct Temporary(PathBuf);

impl Temporary {
    fn create() -> Result<Self, CountFailure> {
        let mut name = [0; 8];
        getrandom::fill(&mut name).map_err(|_| CountFailure::Random)?;
        let name = data_encoding::HEXLOWER.encode(&name);
        let dir = std::env::temp_dir().join(format!("liuhen-count-{name}"));
        fs::DirBuilder::new()
            .mode(0o700)
            .create(&dir)
            .map_err(CountFailure::Work)?;
        Ok(Self(dir))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // What cannot be removed now is in the system's directory for what passes.
        let _ = fs::remove_dir_all(&self.0);
    }
}
