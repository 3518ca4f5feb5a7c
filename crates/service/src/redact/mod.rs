//! Copies of files in which what a scan finds is hidden, each scanned again before it is there.
//!
//! Every file is read, its copy written beside its place, scanned by the pipeline of `scan`, and
//! only then renamed: a file whose copy still holds something has none. One file after another,
//! since the same person is answered for by the same invented one throughout a run.
//!
//! What is done to a format belongs to `redact`; finding, to `detect`.

mod check;
mod eyes;
mod finder;
mod key;
mod outcome;
pub(crate) mod pdf;
mod place;
mod sheet;

use std::fs;
use std::io::Read as _;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use liuhen_detect::{Detector, Options};
use liuhen_redact::{Copy, Redactor, Refusal, Written};

pub use eyes::Eyes;
pub use liuhen_redact::{Action, Dropped, Format, Pictures, Policy, PolicyError, Replacer, Report};
pub use outcome::{Left, Outcome, RedactError, Summary, Why};
pub use pdf::Paged;

use self::finder::Engine;
use self::place::{Chosen, Places};
use crate::scan::{Leaves, Pack, Stop, What, shown, walk};
use crate::sight::Looker;

/// What to make copies of, and how.
#[derive(Clone)]
pub struct Request<'a> {
    /// Files and folders.
    pub paths: Vec<PathBuf>,
    /// The copy of one file, or the folder for copies of several.
    pub out: PathBuf,
    /// What is done with each kind.
    pub policy: Policy,
    /// Where the key lies by which answers are the same in another run; made when it is not there.
    /// Without it each run has a key of its own, which is never stored.
    pub key: Option<PathBuf>,
    /// Copies take the place of files that are there.
    pub force: bool,
    /// Whether the sequence model looks for names and addresses in running text.
    pub model: bool,
    /// Rule packs of the user's own, beside the built-in one.
    pub packs: &'a [Pack],
    /// Looks into pictures; without it they are refused, and blank within documents.
    pub pictures: Option<&'a dyn Pictures>,
    /// Eyes by which a copy's pictures are scanned again.
    pub looker: Option<&'a Looker>,
    /// Formats beside those of `liuhen-redact`.
    pub formats: Vec<&'a dyn Format>,
    /// Gives tokens; without it they are derived from the key.
    pub tokens: Option<&'a dyn Replacer>,
}

impl std::fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request")
            .field("paths", &self.paths)
            .field("out", &self.out)
            .finish_non_exhaustive()
    }
}

impl Request<'_> {
    /// A request with the defaults of the command line.
    #[must_use]
    pub fn new(paths: Vec<PathBuf>, out: PathBuf) -> Self {
        Self {
            paths,
            out,
            policy: Policy::default(),
            key: None,
            force: false,
            model: true,
            packs: &[],
            pictures: None,
            looker: None,
            formats: Vec::new(),
            tokens: None,
        }
    }
}

/// Makes a copy of every file that a request names; tells of each, in the order of their paths.
///
/// What goes wrong with a file is its outcome and no error, and the others go on.
///
/// # Errors
///
/// [`RedactError`], when nothing can be begun: the places of the copies, or the key.
pub fn redact(
    request: &Request<'_>,
    told: &mut dyn FnMut(&Outcome) -> ControlFlow<()>,
) -> Result<Summary, RedactError> {
    let places = Places::of(&request.paths, &request.out, request.force)?;
    let key = key::of(request.key.as_deref())?;
    let options = Options {
        model: request.model,
        least: request.policy.least(),
        ..Options::default()
    };
    let engine = Engine(Detector::with(request.packs, options));
    let mut redactor = Redactor::new(&request.policy, &engine, key);
    if let Some(pictures) = request.pictures {
        redactor = redactor.pictures(pictures);
    }
    if let Some(tokens) = request.tokens {
        redactor = redactor.tokens(tokens);
    }
    for format in &request.formats {
        redactor = redactor.format(*format);
    }
    let mut summary = Summary::default();
    summary.ignored = walk(
        &request.paths,
        &[],
        Leaves::Ignored,
        &mut |Stop { path, what }| {
            let mut outcome = Outcome::of(shown(&path));
            let made = match what {
                What::Folder => return ControlFlow::Continue(()),
                What::File => file(request, &places, &mut redactor, &path, &mut outcome),
                What::Not(reason) => Err(Why::Path(reason)),
                What::Stdin | What::Database => Err(Why::Refused(Refusal::Format("no file"))),
            };
            outcome.why = made.err();
            summary.add(&outcome);
            told(&outcome)
        },
    );
    Ok(summary)
}

/// One file: read, redacted, written, scanned again, and there.
fn file(
    request: &Request<'_>,
    places: &Places,
    redactor: &mut Redactor<'_>,
    path: &Path,
    outcome: &mut Outcome,
) -> Result<(), Why> {
    let mut names = Written::default();
    let chosen = places.target(path, &mut |name| {
        let (name, written) = redactor.name(name)?;
        names.add(&written);
        Ok(name)
    });
    let Chosen { target, named } = chosen.map_err(Why::Refused)?;
    places.allows(&target)?;
    let bytes = read(path)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // One file must not cost the copies of all others.
    let made = catch_unwind(AssertUnwindSafe(|| redactor.redact(&bytes, &name)));
    let Copy {
        bytes,
        report,
        mut written,
    } = made.map_err(|_| Why::Fault)?.map_err(Why::Refused)?;
    written.add(&names);
    outcome.report = report;
    let staged = place::Staged::write(&target, &bytes)?;
    outcome.left = check::check(request, &staged.file, &written, named)?;
    if !outcome.left.is_empty() {
        return Err(Why::Left);
    }
    staged.settle(&target, request.force)?;
    outcome.to = Some(shown(&target));
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>, Why> {
    let mut file = fs::File::open(path).map_err(|error| Why::system(&error))?;
    let mut bytes = Vec::new();
    let mut bounded = file.by_ref().take(place::LARGEST + 1);
    bounded
        .read_to_end(&mut bytes)
        .map_err(|error| Why::system(&error))?;
    if bytes.len() as u64 > place::LARGEST {
        return Err(Why::Refused(Refusal::TooLarge(place::LARGEST)));
    }
    Ok(bytes)
}
