//! Word lists: surnames, words of addresses and organisations, ethnic groups.
//!
//! Rule: `rules/*.txt`, each with its mark.
//! How words make a name or an address belongs to `detect`.

use std::collections::HashSet;
use std::sync::OnceLock;

/// The surnames.
#[derive(Debug)]
pub struct Surnames {
    common: Vec<char>,
    single: Chars,
    compound: Vec<&'static str>,
    /// With what a compound surname begins.
    begins: Chars,
}

/// A set of characters that is asked for each name of a table: a bit for each of the first 65,536.
#[derive(Debug)]
struct Chars {
    bits: Vec<u64>,
    beyond: Vec<char>,
}

impl FromIterator<char> for Chars {
    fn from_iter<T: IntoIterator<Item = char>>(chars: T) -> Self {
        let mut set = Self {
            bits: vec![0; 0x1_0000 / 64],
            beyond: Vec::new(),
        };
        for c in chars {
            match set.bits.get_mut(c as usize / 64) {
                Some(word) => *word |= 1 << (c as usize % 64),
                None => set.beyond.push(c),
            }
        }
        set
    }
}

impl Chars {
    fn contains(&self, c: char) -> bool {
        match self.bits.get(c as usize / 64) {
            Some(word) => word >> (c as usize % 64) & 1 == 1,
            None => self.beyond.contains(&c),
        }
    }
}

impl Surnames {
    /// The list that is compiled in.
    #[must_use]
    pub fn builtin() -> &'static Surnames {
        static SURNAMES: OnceLock<Surnames> = OnceLock::new();
        SURNAMES.get_or_init(|| {
            let mut lines = content(include_str!("../rules/surnames.txt"));
            let common: Vec<char> = lines.next().unwrap_or("").chars().collect();
            let others = lines.next().unwrap_or("").chars();
            let single = common.iter().copied().chain(others).collect();
            let compound: Vec<_> = lines.next().unwrap_or("").split(' ').collect();
            Surnames {
                common,
                single,
                begins: compound.iter().filter_map(|c| c.chars().next()).collect(),
                compound,
            }
        })
    }

    /// The commonest single surnames, in rough order.
    #[must_use]
    pub fn common(&self) -> &[char] {
        &self.common
    }

    /// The compound surnames.
    #[must_use]
    pub fn compound(&self) -> &[&'static str] {
        &self.compound
    }

    /// How many characters at the beginning of `name` are a surname: 0, 1 or 2.
    #[must_use]
    pub fn prefix(&self, name: &str) -> usize {
        let Some(first) = name.chars().next() else {
            return 0;
        };
        let whole = |surname: &&str| name.starts_with(*surname);
        if self.begins.contains(first) && self.compound.iter().any(whole) {
            return 2;
        }
        usize::from(self.single.contains(first))
    }
}

/// A level of an address, from the widest to the narrowest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(
    missing_docs,
    reason = "the names say it; rules/address.txt lists the words"
)]
pub enum AddressLevel {
    Province,
    City,
    County,
    Town,
    Village,
    Road,
    Number,
    Compound,
    Building,
    Unit,
    Room,
}

const LEVELS: [(&str, AddressLevel); 11] = [
    ("province", AddressLevel::Province),
    ("city", AddressLevel::City),
    ("county", AddressLevel::County),
    ("town", AddressLevel::Town),
    ("village", AddressLevel::Village),
    ("road", AddressLevel::Road),
    ("number", AddressLevel::Number),
    ("compound", AddressLevel::Compound),
    ("building", AddressLevel::Building),
    ("unit", AddressLevel::Unit),
    ("room", AddressLevel::Room),
];

/// A word and the level it closes.
type AddressWord = (&'static str, AddressLevel);

/// The words of addresses, to be looked up by their first character.
#[derive(Debug)]
struct AddressWords {
    /// By first character, then the longest first.
    words: Vec<(char, AddressWord)>,
    /// Whether any word begins with a character of this lowest byte.
    begins: [bool; 256],
}

fn low_byte(c: char) -> usize {
    (c as usize) & 0xFF
}

/// The word of an address that `text` begins with and that `fits`, the longest first.
///
/// `号楼2单元` answers `号楼` before `号`, unless `fits` refuses its level.
pub fn address_word(text: &str, fits: impl Fn(&AddressLevel) -> bool) -> Option<AddressWord> {
    static WORDS: OnceLock<AddressWords> = OnceLock::new();
    let AddressWords { words, begins } = WORDS.get_or_init(read_address_words);
    let first = text.chars().next()?;
    if !begins[low_byte(first)] {
        return None;
    }
    let start = words.partition_point(|(other, _)| *other < first);
    words[start..]
        .iter()
        .take_while(|(other, _)| *other == first)
        .map(|(_, word)| *word)
        .find(|(word, level)| text.starts_with(word) && fits(level))
}

fn read_address_words() -> AddressWords {
    let mut words = Vec::new();
    let mut begins = [false; 256];
    for line in content(include_str!("../rules/address.txt")) {
        let (level, list) = line.split_once(": ").unwrap_or((line, ""));
        let Some((_, level)) = LEVELS.iter().find(|(name, _)| *name == level) else {
            continue;
        };
        for word in list.split(' ') {
            if let Some(first) = word.chars().next() {
                begins[low_byte(first)] = true;
                words.push((first, (word, *level)));
            }
        }
    }
    words.sort_by_key(|(first, (word, level))| (*first, std::cmp::Reverse(word.len()), *level));
    AddressWords { words, begins }
}

/// Whether a text ends with a word that an organisation's name has and a person's has not.
#[must_use]
pub fn ends_as_organisation(text: &str) -> bool {
    static WORDS: OnceLock<(Vec<&'static str>, Chars)> = OnceLock::new();
    let (words, ends) = WORDS.get_or_init(|| {
        let words = words(ORGANISATIONS);
        let ends = words.iter().filter_map(|word| word.chars().last());
        (words.clone(), ends.collect())
    });
    let last = text.chars().next_back();
    last.is_some_and(|last| ends.contains(last)) && words.iter().any(|word| text.ends_with(word))
}

const ORGANISATIONS: &str = include_str!("../rules/organisation.txt");

/// Common words that begin with a surname and are no names.
#[must_use]
pub fn not_names() -> &'static HashSet<&'static str> {
    static WORDS: OnceLock<HashSet<&'static str>> = OnceLock::new();
    WORDS.get_or_init(|| {
        words(include_str!("../rules/not_names.txt"))
            .into_iter()
            .collect()
    })
}

/// The 56 ethnic groups, without the closing `族`.
#[must_use]
pub fn ethnicities() -> &'static [&'static str] {
    static WORDS: OnceLock<Vec<&'static str>> = OnceLock::new();
    WORDS.get_or_init(|| words(include_str!("../rules/ethnicities.txt")))
}

/// The lines of a list that are not comments.
fn content(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
}

fn words(text: &'static str) -> Vec<&'static str> {
    content(text).flat_map(|line| line.split(' ')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn surnames_are_found_at_the_beginning() {
        let surnames = Surnames::builtin();
        let rows = [
            ("王小明", 1),
            ("欧阳锋", 2),
            ("覃某", 1),
            ("某王", 0),
            ("", 0),
            ("Wang", 0),
        ];
        for (name, expected) in rows {
            assert_eq!(surnames.prefix(name), expected, "{name}");
        }
        assert!(surnames.common().len() >= 100);
        let bits = surnames.single.bits.iter().map(|word| word.count_ones());
        assert!(bits.sum::<u32>() >= 390);
        assert!(!surnames.single.contains('\u{1F600}'));
        assert!(
            surnames
                .compound()
                .iter()
                .all(|name| name.chars().count() == 2)
        );
    }

    #[test]
    fn longer_address_words_come_first() {
        let rows = [
            ("自治区成都", Some(("自治区", AddressLevel::Province))),
            ("街道12号", Some(("街道", AddressLevel::Town))),
            ("街12号", Some(("街", AddressLevel::Road))),
            ("号楼2单元", Some(("号楼", AddressLevel::Building))),
            ("单元401", Some(("单元", AddressLevel::Unit))),
            ("今天", None),
            ("", None),
        ];
        for (text, expected) in rows {
            assert_eq!(address_word(text, |_| true), expected, "{text}");
        }
        let room = address_word("户", |level| *level == AddressLevel::Province);
        assert_eq!(room, None);
        assert!(AddressLevel::Province < AddressLevel::Room);
    }

    #[test]
    fn there_are_56_ethnic_groups() {
        let groups = ethnicities();
        assert_eq!(groups.len(), 56);
        assert_eq!(groups.iter().collect::<HashSet<_>>().len(), 56);
    }

    #[test]
    fn no_organisation_word_is_a_surname_alone() {
        for word in words(ORGANISATIONS) {
            assert!(
                word.chars().count() > 1 || Surnames::builtin().prefix(word) == 0,
                "{word}"
            );
        }
    }
}
