//! Looking for personal information in files and folders, without a vault.
//!
//! Walks what it is given, reads every file as a table or as text, and hands out what the engine
//! finds, file after file in the order of their paths, while several workers read ahead. What
//! could not be read is handed out too: nothing is passed over in silence.
//! A finding holds places and kinds, never a value; a masked sample only when it was asked for.
//!
//! Finding belongs to `detect`, formats to `reading`; how findings look, to the skins.

mod allow;
mod baseline;
pub(crate) mod databases;
mod file;
mod finding;
mod ignored;
mod notes;
mod packed;
mod pages;
mod pictures;
mod pool;
mod sink;
mod summary;
mod table;
mod walk;
mod watch;

use std::ops::ControlFlow;
use std::path::PathBuf;

use liuhen_detect::{Detector, Options};
use liuhen_kinds::{Kind, Lang, Level, RulePack};

use crate::sight::{Films, Looker, Triage};

pub use baseline::Baseline;
pub use databases::Databases;
pub use finding::{Finding, Site};
pub use liuhen_detect::own::{ExampleFailure, Pack, PackError};
pub use liuhen_reading::{Limits, Passwords, Wishes};
pub use notes::{Note, Reason};
pub use summary::{FileReport, Hot, Pictures, Summary};

pub(crate) use file::shown;
pub(crate) use packed::journal_of;
pub(crate) use pages::PAGE_PICTURE;
pub(crate) use pictures::not_seen;
pub(crate) use table::{header_of, names, names_columns};
pub(crate) use walk::{Leaves, Stop, What, walk};

/// Told of a value: the file it stands in, its kind and itself; and of every number long enough for a telephone, an identity or a card.
pub type Watcher<'a> = dyn Fn(&str, Kind, &str) + Sync + 'a;

/// Answers whether a finding of this kind and text is accepted.
pub type Spare<'a> = dyn Fn(Kind, &str) -> bool + Sync + 'a;

/// What to look through, and how.
#[derive(Clone)]
pub struct Request<'a> {
    /// Files, folders and addresses of databases; `-` is standard input.
    pub paths: Vec<PathBuf>,
    /// Files read at once; at least one.
    pub jobs: usize,
    /// The kinds to report; all of them when empty.
    pub kinds: Vec<Kind>,
    /// The least confidence reported, 0 to 1.
    pub least: f32,
    /// Whether the sequence model looks for names and addresses in running text.
    pub model: bool,
    /// Which row of a table names its columns.
    pub header: HeaderRow,
    /// Delimited text is read as running text.
    pub as_text: bool,
    /// How database servers are read.
    pub databases: Databases,
    /// How archives and documents are taken apart: bounds, passwords, strings of binary data.
    pub wishes: Wishes,
    /// Eyes for pictures; without them a picture is told as not read.
    pub looker: Option<&'a Looker>,
    /// Pictures are wanted and there are no models: the command that fetches them is told.
    pub no_models: bool,
    /// With it, pictures that hardly are documents are passed over, and counted.
    pub triage: Option<&'a Triage>,
    /// With it, frames of films are looked at by the same eyes.
    pub films: Option<Films>,
    /// Findings carry a masked sample.
    pub show: bool,
    /// Rule packs of the user's own, beside the built-in one.
    pub packs: &'a [Pack],
    /// Findings that are known and accepted.
    pub baseline: Option<&'a Baseline>,
    /// Files that are left alone: the ones being written.
    pub except: Vec<PathBuf>,
    /// Told of every value found, whether reported or not, from several threads.
    pub watch: Option<&'a Watcher<'a>>,
    /// Findings of this kind and text are accepted: a redaction wrote them itself.
    pub spare: Option<&'a Spare<'a>>,
    /// Told of every stretch of bytes read, from several threads.
    pub meter: Option<&'a (dyn Fn(u64) + Sync)>,
}

impl Request<'_> {
    /// Whether pictures are looked at, or told as not looked at for want of models.
    fn wants_pictures(&self) -> bool {
        self.looker.is_some() || self.no_models
    }

    /// A request with the defaults of the command line.
    #[must_use]
    pub fn new(paths: Vec<PathBuf>) -> Self {
        Self {
            paths,
            jobs: 1,
            kinds: Vec::new(),
            least: 0.5,
            model: true,
            header: HeaderRow::Auto,
            as_text: false,
            databases: Databases::default(),
            wishes: Wishes::default(),
            looker: None,
            no_models: false,
            triage: None,
            films: None,
            show: false,
            packs: &[],
            baseline: None,
            except: Vec::new(),
            watch: None,
            spare: None,
            meter: None,
        }
    }
}

/// Which row of a table names its columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HeaderRow {
    /// The table is asked.
    #[default]
    Auto,
    /// The first row that is not blank.
    First,
    /// None; every row is data.
    None,
}

/// What a scan tells while it goes on.
#[derive(Debug)]
pub enum Event<'a> {
    /// Something was found in the file at this path.
    Finding(&'a str, &'a Finding),
    /// Something could not be read, or not wholly.
    Note(&'a Note),
    /// A file or folder is done.
    Done(&'a FileReport),
}

/// Looks through everything a request names.
///
/// Events come in the order of the paths; `told` may end the scan by breaking off.
///
/// What goes wrong with a file is an event and no error.
pub fn scan(request: &Request<'_>, told: &mut dyn FnMut(Event<'_>) -> ControlFlow<()>) -> Summary {
    let options = Options {
        model: request.model,
        least: request.least,
        ..Options::default()
    };
    let detector = Detector::with(request.packs, options);
    pool::run(request, &detector, told)
}

/// What a kind is called: by a pack of the user's own, else by the rule pack.
#[must_use]
pub fn label(packs: &[Pack], kind: Kind, lang: Lang) -> &str {
    let own = packs.iter().find_map(|pack| pack.label(kind, lang));
    own.unwrap_or_else(|| RulePack::builtin().label(kind, lang))
}

/// The level of a kind: by a pack of the user's own, else by the rule pack.
#[must_use]
pub fn level(packs: &[Pack], kind: Kind) -> Level {
    let own = packs.iter().find_map(|pack| pack.level(kind));
    own.unwrap_or_else(|| RulePack::builtin().info(kind).level)
}
