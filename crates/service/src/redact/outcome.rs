//! What became of each file, and of all of them; never a value.

use liuhen_kinds::{Kind, Lang};
use liuhen_redact::{Refusal, Report};

use crate::scan::{Reason, Site};

/// Why nothing could be begun.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RedactError {
    /// Copies of several files need a folder.
    #[error("copies of several files or of a folder go into a folder, and the output is a file")]
    NotAFolder,
    /// A copy in the folder would be an input of the next run.
    #[error("the output lies inside an input folder; choose a place outside of it")]
    Inside,
    /// Standard input and databases have no copy.
    #[error("only files and folders have copies")]
    NoFile,
    /// A path that is not there.
    #[error("no such file or folder: {0}")]
    Missing(String),
    /// The file system refused.
    #[error("output: {0}")]
    Output(std::io::Error),
    /// The key file could not be read or made.
    #[error("key file: {0}")]
    Key(std::io::Error),
    /// Others may read the key.
    #[error("key file: others than its owner may read it; chmod 600 it")]
    KeyIsOpen,
    /// It is not what this program writes.
    #[error("key file: not 64 hexadecimal digits")]
    KeyForm,
    /// The system gives no random numbers.
    #[error("no random numbers: {0}")]
    Random(std::io::Error),
}

/// Something that a scan of a copy still found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// The way inside the file; empty for the file itself.
    pub inside: String,
    /// Where.
    pub site: Site,
    /// What.
    pub kind: Kind,
}

/// Why a file has no copy.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Why {
    /// There is none of its format, or of this file.
    Refused(Refusal),
    /// The path itself could not be used.
    Path(Reason),
    /// The copy could not be read again, so nobody knows what is in it.
    Unread(Reason),
    /// A scan of the copy still found something.
    Left,
    /// There is a file already where the copy would be.
    Exists,
    /// The copy would take the place of an input.
    IsInput,
    /// The system refused, in its own words.
    System(String),
    /// This program failed on it.
    Fault,
}

impl Why {
    pub(super) fn system(error: &std::io::Error) -> Self {
        Self::System(error.to_string())
    }

    /// A stable name.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.code(),
            Self::Path(reason) => reason.code(),
            Self::Unread(_) => "not_checked",
            Self::Left => "still_found",
            Self::Exists => "exists",
            Self::IsInput => "is_input",
            Self::System(_) => "unreadable",
            Self::Fault => "internal",
        }
    }

    /// Whether the file is one that is never read, such as a link: no failure of this run.
    #[must_use]
    pub const fn is_passed_over(&self) -> bool {
        matches!(self, Self::Path(reason) if !reason.is_failure())
    }

    /// The reason in words.
    #[must_use]
    pub fn text(&self, lang: Lang) -> String {
        let zh = matches!(lang, Lang::Zh);
        let say = |chinese: &str, english: &str| (if zh { chinese } else { english }).to_owned();
        match self {
            Self::Refused(refusal) => refusal.text(lang),
            Self::Path(reason) => reason.text(lang),
            Self::Unread(reason) => format!(
                "{}{}",
                say("无法复查输出：", "the copy could not be checked: "),
                reason.text(lang)
            ),
            Self::Left => say("复查输出时仍有发现", "the copy still holds something"),
            Self::Exists => say(
                "输出已存在；要覆盖请加 --force",
                "the output exists; --force replaces it",
            ),
            Self::IsInput => say("输出就是输入文件", "the output is an input"),
            Self::System(error) => error.clone(),
            Self::Fault => say("程序内部故障", "a fault of this program"),
        }
    }
}

/// What became of one file.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The file, as it is shown.
    pub from: String,
    /// Its copy; none when it was refused.
    pub to: Option<String>,
    /// What was done to it.
    pub report: Report,
    /// What is still found, for which it has no copy.
    pub left: Vec<Left>,
    /// Why it has no copy.
    pub why: Option<Why>,
}

impl Outcome {
    pub(super) fn of(from: String) -> Self {
        Self {
            from,
            to: None,
            report: Report::default(),
            left: Vec::new(),
            why: None,
        }
    }
}

/// What a run came to.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// Files with a copy.
    pub copies: u64,
    /// Files without one.
    pub refused: u64,
    /// Of these, files whose copy still held something.
    pub left: u64,
    /// Links and the like, which are never read.
    pub passed_over: u64,
    /// Paths that `.liuhenignore` left out, and folders named `.git`: without a copy.
    pub ignored: u64,
    /// What was done to all files with a copy.
    pub report: Report,
}

impl Summary {
    pub(super) fn add(&mut self, outcome: &Outcome) {
        match &outcome.why {
            None => {
                self.copies += 1;
                self.report.add(&outcome.report);
            }
            Some(why) if why.is_passed_over() => self.passed_over += 1,
            Some(why) => {
                self.refused += 1;
                self.left += u64::from(*why == Why::Left);
            }
        }
    }

    /// Whether every file has a copy.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.refused == 0
    }
}
