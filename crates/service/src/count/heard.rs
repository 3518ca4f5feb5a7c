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
    /// The way within the file to where it was met first, where that lies in something within it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inside: Option<String>,
    /// The sheet, where there are sheets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// The first row of running text that has it; none where only a header or a name does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<u64>,
}

/// What was heard, and of which words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeardList {
    /// Of the list of words.
    pub words: String,
    /// By word and file.
    pub heard: Vec<Heard>,
}

/// Where a word was met within a file; the row is not known of names and headers.
#[derive(Debug, Clone, Default)]
struct Spot {
    inside: Option<String>,
    sheet: Option<String>,
    row: Option<u64>,
}

/// By word and file: how often, and where first; running text goes before names.
type Found = BTreeMap<(usize, String), (u64, Spot)>;

/// What has been heard so far.
#[derive(Debug, Default)]
pub struct Ear(Mutex<Found>);

impl Ear {
    /// Everything, by word and file.
    #[must_use]
    pub fn heard(&self) -> Vec<Heard> {
        let words = &Slang::builtin().words;
        let one = |((at, file), (times, spot)): (&(usize, String), &(u64, Spot))| Heard {
            word: words[*at].word.clone(),
            file: file.clone(),
            times: *times,
            inside: spot.inside.clone(),
            sheet: spot.sheet.clone(),
            row: spot.row,
        };
        self.0.lock().iter().map(one).collect()
    }

    /// The same with the version of the list of words.
    #[must_use]
    pub fn list(&self) -> HeardList {
        HeardList {
            words: Slang::builtin().version.clone(),
            heard: self.heard(),
        }
    }

    fn hear(&self, path: &str, text: &str, spot: &Spot) {
        Slang::builtin().find(text, |word| {
            let mut found = self.0.lock();
            let known = found.entry((word, path.to_owned()));
            let (times, first) = known.or_insert_with(|| (0, spot.clone()));
            *times += 1;
            if first.row.is_none() && spot.row.is_some() {
                first.clone_from(spot);
            }
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
        self.ear.hear(&unit.path, name, &Spot::default());
        Ok(Box::new(Listened {
            inner: self.files.open(unit)?,
            ear: self.ear,
            path: unit.path.clone(),
            spot: Spot::default(),
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
    /// The table under way.
    spot: Spot,
    is_text: bool,
}

impl Exhibit for Listened<'_> {
    fn next(&mut self, batch: &mut Batch) -> Result<Step, Unread> {
        let step = self.inner.next(batch);
        if self.is_text {
            for (row, cells) in batch.rows() {
                // The last cell of running text is the line itself.
                self.spot.row = Some(row);
                let line = cells.iter().last().unwrap_or("");
                self.ear.hear(&self.path, line, &self.spot);
            }
        }
        if let Ok(Step::Table(head)) = &step {
            self.is_text = is_text(head);
            // The name of a member is heard once, however many tables it has.
            let is_other = self.spot.inside != head.inside;
            self.spot = Spot {
                inside: head.inside.clone(),
                sheet: head.sheet.clone(),
                row: None,
            };
            let inside = head.inside.iter().filter(|_| is_other);
            let words = head.header.0.iter().chain(&head.sheet).chain(inside);
            words.for_each(|word| self.ear.hear(&self.path, word, &self.spot));
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

#[cfg(test)]
mod tests {
    use liuhen_document::Header;

    use super::*;

    struct Archive;

    /// Tables and running text of two members, in their order.
    struct Members(std::vec::IntoIter<(TableHead, Vec<&'static str>)>);

    impl Exhibits for Archive {
        fn open(&self, _: &Unit) -> Result<Box<dyn Exhibit + '_>, Unread> {
            let head = |inside: &str, sheet: &str, header: &[&str]| TableHead {
                shown: Vec::new(),
                inside: Some(inside.to_owned()),
                sheet: Some(sheet.to_owned()).filter(|sheet| !sheet.is_empty()),
                header: Header(header.iter().map(|word| (*word).to_owned()).collect()),
                kinds: match header.is_empty() {
                    true => vec![None; Kind::BUILTIN.len()],
                    false => Vec::new(),
                },
            };
            let members = vec![
                (head("四件套/a.xlsx", "一", &["姓名"]), vec!["料子"]),
                (head("四件套/a.xlsx", "料子", &["姓名"]), Vec::new()),
                (head("b.txt", "", &[]), vec!["您好", "可查头"]),
            ];
            Ok(Box::new(Members(members.into_iter())))
        }

        fn digest(&self, _: &Unit) -> Result<String, Unread> {
            Ok(String::new())
        }
    }

    impl Exhibit for Members {
        fn next(&mut self, batch: &mut Batch) -> Result<Step, Unread> {
            let Some((head, lines)) = self.0.as_mut_slice().first_mut() else {
                return Ok(Step::End);
            };
            if !head.kinds.is_empty() || !head.header.0.is_empty() {
                return Ok(Step::Table(std::mem::take(head)));
            }
            for (number, line) in (1..).zip(lines.drain(..)) {
                batch.cell(line);
                batch.row(number);
            }
            self.0.next();
            Ok(Step::Rows)
        }

        fn taken(&self) -> u64 {
            0
        }
    }

    /// A line of a member is a place only with the member's name; a cell of a table is not listened to.
    #[test]
    fn words_are_heard_with_member_sheet_and_line() {
        let ear = Ear::default();
        let listening = Listening {
            files: &Archive,
            ear: &ear,
        };
        let unit = Unit {
            path: "照片活化.zip".to_owned(),
            bytes: 0,
            changed_ns: 0,
        };
        let mut exhibit = listening.open(&unit).unwrap();
        let mut batch = Batch::default();
        while !matches!(exhibit.next(&mut batch).unwrap(), Step::End) {
            batch.clear();
        }
        let heard = ear.list();
        assert_eq!(heard.words, Slang::builtin().version);
        let mut found: Vec<_> = heard
            .heard
            .iter()
            .map(|one| {
                let (inside, sheet) = (one.inside.as_deref(), one.sheet.as_deref());
                (one.word.as_str(), one.times, inside, sheet, one.row)
            })
            .collect();
        found.sort_unstable();
        let member = Some("四件套/a.xlsx");
        assert_eq!(
            found,
            [
                ("四件套", 1, member, Some("一"), None),
                ("料子", 1, member, Some("料子"), None),
                ("查头", 1, Some("b.txt"), None, Some(2)),
                ("照片活化", 1, None, None, None),
            ]
        );
    }
}
