//! What a scan comes to: counts by kind and level, and where to look first.

use std::collections::BTreeMap;

use liuhen_kinds::{Kind, Level, RulePack};

use super::notes::Note;

/// Files kept as places to look first.
const PLACES: usize = 200;

/// One file or folder, done.
#[derive(Debug, Clone, Default)]
pub struct FileReport {
    /// The path, as it is shown.
    pub path: String,
    /// Whether it was a file that was read; a folder, or what was not read, has a name only.
    pub read: bool,
    /// Bytes read.
    pub bytes: u64,
    /// Findings reported, by kind and level.
    pub findings: BTreeMap<(Kind, Level), u64>,
    /// All findings by kind, those accepted by a baseline included.
    pub all: BTreeMap<Kind, u64>,
    /// Findings accepted by the baseline.
    pub accepted: u64,
    /// Findings that a remark in the file allows.
    pub allowed: u64,
    /// Sequences of bytes that did not decode.
    pub malformed: u64,
    /// Persons with two kinds of findings or more.
    pub sets: u64,
    /// Kinds of the person with most of them.
    pub largest_set: usize,
    /// Pictures in it that there were eyes for.
    pub pictures: Pictures,
}

impl FileReport {
    /// Findings reported.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.findings.values().sum()
    }

    /// How much harm lies here: each finding by its level (1, 3, 10, 30), each person with a set
    /// of several kinds ten for every kind beyond the first of the largest set.
    fn weight(&self) -> u64 {
        let findings = self.findings.iter();
        let alone: u64 = findings
            .map(|((_, level), count)| count * level_weight(*level))
            .sum();
        alone + self.sets * 10 * (self.largest_set.saturating_sub(1)) as u64
    }
}

const fn level_weight(level: Level) -> u64 {
    match level {
        Level::Low => 1,
        Level::Medium => 3,
        Level::High => 10,
        Level::VeryHigh => 30,
    }
}

/// A place to look first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hot {
    /// The path.
    pub path: String,
    /// The highest level found there.
    pub level: Level,
    /// Findings reported.
    pub findings: u64,
    /// The kinds found, commonest first.
    pub kinds: Vec<Kind>,
    /// Persons with two kinds of findings or more.
    pub sets: u64,
    /// Kinds of the person with most of them.
    pub largest_set: usize,
    /// Pictures of faces or documents, by their names, that lie in the same folder as a number
    /// which leads to one person: together they are a set.
    pub pictures: u64,
    /// What the places are ordered by.
    pub weight: u64,
}

/// Pictures, by how far they were looked at. Each is in one of these, or among what was not read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pictures {
    /// Looked at with all networks.
    pub looked: u64,
    /// Passed over: too small to be read.
    pub small: u64,
    /// Passed over: no text at a small size. What faces were large enough to be seen is told.
    pub unlikely: u64,
    /// The same bytes as one met before, of which the same is told.
    pub repeated: u64,
}

impl Pictures {
    /// Those not looked at closely, equal ones left out.
    #[must_use]
    pub const fn passed_over(&self) -> u64 {
        self.small + self.unlikely
    }

    fn add(&mut self, other: Self) {
        self.looked += other.looked;
        self.small += other.small;
        self.unlikely += other.unlikely;
        self.repeated += other.repeated;
    }
}

/// What a scan comes to.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// Files read.
    pub files: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Paths that `.liuhenignore` left out, and folders named `.git`.
    pub ignored: u64,
    /// Findings reported, by kind and level.
    pub findings: BTreeMap<(Kind, Level), u64>,
    /// Findings accepted by the baseline.
    pub accepted: u64,
    /// Findings that a remark in their file allows.
    pub allowed: u64,
    /// Sequences of bytes that did not decode.
    pub malformed: u64,
    /// Persons with two kinds of findings or more.
    pub sets: u64,
    /// Files with findings.
    pub files_with: u64,
    /// Pictures that there were eyes for.
    pub pictures: Pictures,
    /// Whatever was not read, or not wholly.
    pub notes: Vec<Note>,
    places: Vec<Hot>,
}

impl Summary {
    /// Findings reported.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.findings.values().sum()
    }

    /// Findings of each kind with its highest level, most first.
    #[must_use]
    pub fn kinds(&self) -> Vec<(Kind, Level, u64)> {
        let mut kinds: BTreeMap<Kind, (Level, u64)> = BTreeMap::new();
        for ((kind, level), count) in &self.findings {
            let one = kinds.entry(*kind).or_insert((*level, 0));
            *one = (one.0.max(*level), one.1 + count);
        }
        let mut all: Vec<_> = kinds
            .into_iter()
            .map(|(kind, (level, n))| (kind, level, n))
            .collect();
        all.sort_by(|a, b| b.2.cmp(&a.2).then(a.0.cmp(&b.0)));
        all
    }

    /// Whether something that should have been read was not.
    #[must_use]
    pub fn is_incomplete(&self) -> bool {
        self.notes.iter().any(|note| note.reason.is_failure())
    }

    /// The files to look at first, the weightiest first; at most two hundred.
    #[must_use]
    pub fn places(&self) -> &[Hot] {
        &self.places
    }

    pub(super) fn add(&mut self, report: &FileReport) {
        self.files += u64::from(report.read);
        self.bytes += report.bytes;
        self.accepted += report.accepted;
        self.allowed += report.allowed;
        self.malformed += report.malformed;
        self.sets += report.sets;
        self.pictures.add(report.pictures);
        for (key, count) in &report.findings {
            *self.findings.entry(*key).or_insert(0) += count;
        }
        let Some(level) = report.findings.keys().map(|(_, level)| *level).max() else {
            return;
        };
        self.files_with += 1;
        let mut kinds: Vec<_> = report.all.iter().collect();
        kinds.sort_by(|a, b| b.1.cmp(a.1));
        self.places.push(Hot {
            path: report.path.clone(),
            level,
            findings: report.count(),
            kinds: kinds.into_iter().map(|(kind, _)| *kind).collect(),
            sets: report.sets,
            largest_set: report.largest_set,
            pictures: 0,
            weight: report.weight(),
        });
        if self.places.len() >= PLACES * 2 {
            self.order();
        }
    }

    /// Weighs what lies beside each other, once everything was seen.
    pub(super) fn finish(&mut self) {
        let pack = RulePack::builtin();
        let mut pictures: BTreeMap<&str, u64> = BTreeMap::new();
        for note in &self.notes {
            if let Some((folder, name)) = split(&note.path)
                && note.reason.is_picture()
                && shows_person(pack, name)
            {
                *pictures.entry(folder).or_insert(0) += 1;
            }
        }
        for hot in &mut self.places {
            let beside = split(&hot.path).and_then(|(folder, _)| pictures.get(folder));
            let leads = hot.kinds.iter().any(|kind| pack.info(*kind).identifying);
            if let Some(beside) = beside.filter(|_| leads) {
                hot.pictures = *beside;
                hot.weight += beside * level_weight(Level::VeryHigh);
                hot.level = Level::VeryHigh;
            }
        }
        self.order();
    }

    /// Puts the places in order and lets go of those past the bound.
    pub(super) fn order(&mut self) {
        self.places
            .sort_by(|a, b| b.weight.cmp(&a.weight).then_with(|| a.path.cmp(&b.path)));
        self.places.truncate(PLACES);
    }
}

/// A path's folder and name; what has none of both lies beside nothing.
fn split(path: &str) -> Option<(&str, &str)> {
    path.rsplit_once(['/', '\\'])
}

/// Whether a picture's name says that it shows a face or an identity document.
fn shows_person(pack: &RulePack, name: &str) -> bool {
    is_named(pack, name, |_, _| true)
}

/// Whether a picture's name says that it shows an identity document; `photo` says nothing there.
pub(super) fn shows_document(name: &str) -> bool {
    let of_document = |kind, word: &str| kind == Kind::RESIDENT_ID || word.contains('证');
    is_named(RulePack::builtin(), name, of_document)
}

fn is_named(pack: &RulePack, name: &str, wanted: impl Fn(Kind, &str) -> bool) -> bool {
    let name = name.to_lowercase();
    // Single characters and `id` stand in many names.
    let tells = |word: &String| {
        word.chars().count() > 2 - usize::from(!word.is_ascii()) && name.contains(word.as_str())
    };
    [Kind::FACE_IMAGE, Kind::RESIDENT_ID].iter().any(|kind| {
        let mut words = pack.info(*kind).headers.iter();
        words.any(|word| wanted(*kind, word) && tells(word))
    })
}

#[cfg(test)]
mod tests {
    use super::super::notes::Reason;
    use super::*;

    fn report(path: String, level: Level, count: u64, sets: u64) -> FileReport {
        FileReport {
            path,
            read: true,
            bytes: 10,
            findings: BTreeMap::from([((Kind::MOBILE, level), count)]),
            all: BTreeMap::from([(Kind::MOBILE, count)]),
            sets,
            largest_set: if sets > 0 { 3 } else { 1 },
            ..FileReport::default()
        }
    }

    #[test]
    fn sets_of_a_person_weigh_more_than_single_values() {
        let mut summary = Summary::default();
        summary.add(&report("many".to_owned(), Level::Medium, 20, 0));
        summary.add(&report("set".to_owned(), Level::Medium, 9, 3));
        summary.add(&report("one".to_owned(), Level::VeryHigh, 1, 0));
        summary.add(&FileReport {
            read: true,
            ..FileReport::default()
        });
        summary.order();
        let order: Vec<&str> = summary
            .places()
            .iter()
            .map(|hot| hot.path.as_str())
            .collect();
        assert_eq!(order, ["set", "many", "one"]);
        assert_eq!(
            (summary.files, summary.files_with, summary.count()),
            (4, 3, 30)
        );
        assert_eq!(summary.kinds(), [(Kind::MOBILE, Level::VeryHigh, 30)]);
    }

    #[test]
    fn a_face_beside_a_number_is_a_set() {
        let id = |path: &str| FileReport {
            all: BTreeMap::from([(Kind::RESIDENT_ID, 1)]),
            ..report(path.to_owned(), Level::High, 1, 0)
        };
        let picture = |path: &str| Note {
            path: path.to_owned(),
            reason: Reason::Format("a JPEG picture"),
        };
        let mut summary = Summary::default();
        summary.add(&id("a/form.txt"));
        summary.add(&id("b/form.txt"));
        summary.add(&report("a/phones.txt".to_owned(), Level::Medium, 50, 0));
        summary.notes = vec![
            picture("a/身份证正面.jpg"),
            picture("a/Selfie-01.jpg"),
            picture("b/logo.jpg"),
            picture("c/人脸.jpg"),
        ];
        summary.finish();
        let told: Vec<_> = summary
            .places()
            .iter()
            .map(|hot| (hot.path.as_str(), hot.pictures, hot.level))
            .collect();
        assert_eq!(
            told,
            [
                ("a/phones.txt", 2, Level::VeryHigh),
                ("a/form.txt", 2, Level::VeryHigh),
                ("b/form.txt", 0, Level::High),
            ]
        );
    }

    #[test]
    fn names_of_documents_are_told_from_those_that_any_camera_gives() {
        let rows = [
            ("身份证正面.jpg", true),
            ("张三手持身份证.png", true),
            ("证件照.jpg", true),
            ("photo_2026-11-23.jpg", false),
            ("头像.png", false),
            ("IMG_0001.JPG", false),
        ];
        for (name, expected) in rows {
            assert_eq!(shows_document(name), expected, "{name}");
        }
    }

    #[test]
    fn places_are_bounded() {
        let mut summary = Summary::default();
        for n in 0..1_000 {
            summary.add(&report(format!("{n:04}"), Level::Low, n, 0));
        }
        summary.order();
        assert_eq!(summary.places().len(), PLACES);
        assert_eq!(summary.places()[0].path, "0999");
    }
}
