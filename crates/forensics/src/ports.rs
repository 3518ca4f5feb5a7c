//! What a count needs from others: files that yield rows, and verdicts on cells.

use liuhen_document::Header;
use liuhen_kinds::Kind;

use crate::batch::Batch;
use crate::sight::Shown;

/// One file to be counted.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Unit {
    /// Its path as reports show it.
    pub path: String,
    /// Its length in bytes when the count was planned.
    pub bytes: u64,
    /// When it was last changed, in nanoseconds since 1970; a count is only resumed on equal files.
    pub changed_ns: i128,
}

/// Why a file, or the rest of it, was not read.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Unread {
    /// A stable name.
    pub code: String,
    /// In words, without anything from inside the file.
    pub text: String,
}

/// Something within a file that was not read, or not to its end.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct UnreadPart {
    /// The way to it within the file; empty for what is the file's own.
    pub inside: String,
    /// Why.
    #[serde(flatten)]
    pub why: Unread,
}

/// A picture, as an exhibit met it; its rows, where it has any, follow as a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Looked {
    /// It was looked at.
    Seen {
        /// It shows a face.
        face: bool,
        /// It shows what may be a face, and none that is one for sure.
        perhaps: bool,
        /// Its rows hold a direct identifier, or two indirect ones.
        identifiers: bool,
        /// Its file says where it was taken.
        place: bool,
    },
    /// It was not, for a reason of this stable name.
    NotSeen(String),
}

/// What a table is called and what its columns hold.
#[derive(Debug, Clone, Default)]
pub struct TableHead {
    /// Where its rows stand in the picture that it was read from, the row numbered 1 first; empty
    /// for every other table.
    pub shown: Vec<Shown>,
    /// The way to it within the file, where it lies in something within it.
    pub inside: Option<String>,
    /// The sheet's name, where there are sheets.
    pub sheet: Option<String>,
    /// The words above the columns.
    pub header: Header,
    /// The kind of each column, where it has one.
    pub kinds: Vec<Option<Kind>>,
}

/// What an exhibit yields next.
#[derive(Debug)]
pub enum Step {
    /// A table begins; the rows that follow are its.
    Table(TableHead),
    /// The batch was filled with rows of the table begun last.
    Rows,
    /// A picture was met.
    Picture(Looked),
    /// Something within the file is not read; what follows it may be.
    Unread(UnreadPart),
    /// There is nothing more.
    End,
}

/// One file being read.
pub trait Exhibit {
    /// The next table or some of its rows, which are put into `batch`.
    ///
    /// # Errors
    ///
    /// [`Unread`] when the rest of the file cannot be read; what came before counts.
    fn next(&mut self, batch: &mut Batch) -> Result<Step, Unread>;

    /// Bytes read so far, for a bar.
    fn taken(&self) -> u64;
}

/// Files that can be opened for reading, each perhaps more than once.
pub trait Exhibits: Sync {
    /// Opens a file.
    ///
    /// # Errors
    ///
    /// [`Unread`] when not a row of it can be read.
    fn open(&self, unit: &Unit) -> Result<Box<dyn Exhibit + '_>, Unread>;

    /// The SHA-256 of a file's bytes, in hexadecimal.
    ///
    /// # Errors
    ///
    /// [`Unread`] when its bytes cannot be read.
    fn digest(&self, unit: &Unit) -> Result<String, Unread>;

    /// How a file is written, in a few words: format, encoding, ends of lines. Nothing where it
    /// is not known.
    fn form(&self, unit: &Unit) -> Option<String> {
        let _ = unit;
        None
    }
}

/// Whether a cell is of its column's kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing is in it, or a word that stands for nothing.
    Blank,
    /// It is; its normalised form was written.
    Holds,
    /// It has the form and fails its check digit, or names what does not exist.
    BadCheck,
    /// It has the form and names a day that does not exist, or is yet to come.
    ImpossibleDate,
    /// It is an organisation's: a firm's name, a hotline.
    Organisation,
    /// It is something else, or partly masked.
    Other,
}

/// Whoever can tell.
pub trait Judge: Sync {
    /// Judges a cell of a kind; writes the form in which values are compared into `out`, which
    /// is empty before, when it holds.
    fn judge(&self, kind: Kind, cell: &str, out: &mut String) -> Verdict;

    /// Appends a cell with its written forms brought to one (full width, spaces), trimmed.
    fn fold(&self, cell: &str, out: &mut String);

    /// Whether folding any part of a text does no more than trim it; a no costs time only.
    fn is_plain(&self, _text: &str) -> bool {
        false
    }
}

/// Told how far a count has come.
pub trait Progress: Sync {
    /// So many more bytes were read, and so many rows counted.
    fn read(&self, bytes: u64, rows: u64);

    /// One more picture was looked at.
    fn looked(&self) {}

    /// Whether the count should stop.
    fn stop(&self) -> bool {
        false
    }
}

/// Tells nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn read(&self, _bytes: u64, _rows: u64) {}
}
