//! Listening to files while they are counted: words of the trade in headers, names and running text.
//!
//! Cells of tables are not looked at: they are other people's names and addresses.

use std::collections::BTreeMap;

use liuhen_forensics::slang::Slang;
use liuhen_forensics::{Batch, Exhibit, Exhibits, Step, TableHead, Unit, Unread};
use liuhen_kinds::Kind;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

/// A word in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    /// As the list has it.
    pub word: String,
    /// The file.
    pub file: String,
    /// How often.
    pub times: u64,
    /// The first row of running text that has it; none where only a header or a name does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<u64>,
}

/// By word and file: how often, first row.
type Found = BTreeMap<(usize, String), (u64, Option<u64>)>;

/// What has been heard so far.
#[derive(Debug, Default)]
pub struct Ear(Mutex<Found>);

impl Ear {
    /// Everything, by word and file.
    #[must_use]
    pub fn heard(&self) -> Vec<Heard> {
        let words = &Slang::builtin().words;
        let one = |((at, file), (times, row)): (&(usize, String), &(u64, Option<u64>))| Heard {
            word: words[*at].word.clone(),
            file: file.clone(),
            times: *times,
            row: *row,
        };
        self.0.lock().iter().map(one).collect()
    }

    fn hear(&self, path: &str, text: &str, row: Option<u64>) {
        Slang::builtin().find(text, |word| {
            let mut found = self.0.lock();
            let (times, first) = found.entry((word, path.to_owned())).or_insert((0, row));
            *times += 1;
            *first = first.or(row);
        });
    }
}

/// Files, with an ear to them.
pub(super) struct Listening<'a, F> {
    pub(super) files: &'a F,
    pub(super) ear: &'a Ear,
}

impl<F: Exhibits> Exhibits for Listening<'_, F> {
    fn open(&self, unit: &Unit) -> Result<Box<dyn Exhibit + '_>, Unread> {
        let name = unit.path.rsplit('/').next().unwrap_or(&unit.path);
        self.ear.hear(&unit.path, name, None);
        Ok(Box::new(Listened {
            inner: self.files.open(unit)?,
            ear: self.ear,
            path: unit.path.clone(),
            is_text: false,
        }))
    }

    fn digest(&self, unit: &Unit) -> Result<String, Unread> {
        self.files.digest(unit)
    }

    fn form(&self, unit: &Unit) -> Option<String> {
        self.files.form(unit)
    }
}

struct Listened<'a> {
    inner: Box<dyn Exhibit + 'a>,
    ear: &'a Ear,
    path: String,
    is_text: bool,
}

impl Exhibit for Listened<'_> {
    fn next(&mut self, batch: &mut Batch) -> Result<Step, Unread> {
        let step = self.inner.next(batch);
        if self.is_text {
            for (row, cells) in batch.rows() {
                // The last cell of running text is the line itself.
                self.ear
                    .hear(&self.path, cells.iter().last().unwrap_or(""), Some(row));
            }
        }
        if let Ok(Step::Table(head)) = &step {
            self.is_text = is_text(head);
            let words = head.header.0.iter().chain(&head.sheet);
            words.for_each(|word| self.ear.hear(&self.path, word, None));
        }
        step
    }

    fn taken(&self) -> u64 {
        self.inner.taken()
    }
}

/// Running text comes as a table without header, a column for each kind.
pub(super) fn is_text(head: &TableHead) -> bool {
    head.header.0.is_empty() && head.kinds.len() == Kind::BUILTIN.len()
}
