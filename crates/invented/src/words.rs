//! Words of names and addresses: our own lists, under `data/`.

use std::sync::OnceLock;

use liuhen_kinds::region::{self, Region};

use crate::generator::Sex;

/// A word in Chinese characters and in pinyin.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Word {
    pub(crate) han: &'static str,
    pub(crate) pinyin: &'static str,
}

impl Word {
    /// Of `王wang`.
    fn parse(text: &'static str) -> Word {
        let at = text
            .find(|c: char| c.is_ascii_lowercase())
            .unwrap_or(text.len());
        let (han, pinyin) = text.split_at(at);
        Word { han, pinyin }
    }
}

/// Characters that were given to children of one sex from a year on.
#[derive(Debug)]
struct Fashion {
    sex: Sex,
    from: u16,
    characters: Vec<Word>,
}

/// Everything that a person's words are chosen from.
#[derive(Debug)]
pub(crate) struct Words {
    /// The commonest first.
    pub(crate) surnames: Vec<Word>,
    fashions: Vec<Fashion>,
    pub(crate) roads: Vec<&'static str>,
    pub(crate) compounds: Vec<&'static str>,
    /// Counties of today by the first two digits of their codes.
    counties: Vec<Vec<Region>>,
}

/// A name in the words of our lists.
pub(crate) struct Spelled {
    pub(crate) surname: Word,
    pub(crate) given: Vec<Word>,
    /// The only sex to whose children all its characters are given.
    pub(crate) sex: Option<Sex>,
}

impl Words {
    pub(crate) fn builtin() -> &'static Words {
        static WORDS: OnceLock<Words> = OnceLock::new();
        WORDS.get_or_init(|| {
            let places = |name: &str| {
                let line =
                    content(include_str!("../data/places.txt")).find(|line| line.starts_with(name));
                line.map(|line| line.split(' ').skip(1).collect())
                    .unwrap_or_default()
            };
            Words {
                surnames: content(include_str!("../data/surnames.txt"))
                    .flat_map(|line| line.split(' '))
                    .map(Word::parse)
                    .collect(),
                fashions: content(include_str!("../data/given.txt"))
                    .filter_map(fashion)
                    .collect(),
                roads: places("roads"),
                compounds: places("compounds"),
                counties: counties(),
            }
        })
    }

    /// Characters of given names in fashion at a birth.
    pub(crate) fn given(&self, sex: Sex, year: u16) -> &[Word] {
        let fits = |fashion: &&Fashion| fashion.sex == sex && fashion.from <= year;
        let latest = self
            .fashions
            .iter()
            .filter(fits)
            .max_by_key(|fashion| fashion.from);
        latest.map_or(&[], |fashion| &fashion.characters)
    }

    /// A name in the words of our lists; nothing when one of its characters is in none of them.
    pub(crate) fn spelled(&self, name: &str) -> Option<Spelled> {
        let begins = |word: &&Word| name.starts_with(word.han);
        // Of 欧阳 and 欧, the longer.
        let surname = self
            .surnames
            .iter()
            .filter(begins)
            .max_by_key(|word| word.han.len())?;
        let rest = name.strip_prefix(surname.han)?;
        let mut given = Vec::new();
        let mut sexes: Option<[bool; 2]> = None;
        for han in rest.split("").filter(|han| !han.is_empty()) {
            let known = |sex: Sex| {
                let of_sex = self
                    .fashions
                    .iter()
                    .filter(move |fashion| fashion.sex == sex);
                let mut words = of_sex.flat_map(|fashion| &fashion.characters);
                words.find(|word| word.han == han)
            };
            let (male, female) = (known(Sex::Male), known(Sex::Female));
            given.push(*male.or(female)?);
            let [men, women] = sexes.unwrap_or([true, true]);
            sexes = Some([men && male.is_some(), women && female.is_some()]);
        }
        let sex = match sexes? {
            [true, false] => Some(Sex::Male),
            [false, true] => Some(Sex::Female),
            _ => None,
        };
        Some(Spelled {
            surname: *surname,
            given,
            sex,
        })
    }

    /// The first two digits of every province that has counties.
    pub(crate) fn provinces(&self) -> impl Iterator<Item = u8> {
        (0..)
            .zip(&self.counties)
            .filter(|(_, counties)| !counties.is_empty())
            .map(|(code, _)| code)
    }

    /// Counties of the province that a code lies in.
    pub(crate) fn counties(&self, code: u32) -> &[Region] {
        self.counties
            .get((code / 10_000) as usize)
            .map_or(&[], Vec::as_slice)
    }
}

fn content(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
}

fn fashion(line: &'static str) -> Option<Fashion> {
    let mut words = line.split(' ');
    let sex = if words.next()? == "m" {
        Sex::Male
    } else {
        Sex::Female
    };
    Some(Fashion {
        sex,
        from: words.next()?.parse().ok()?,
        characters: words.map(Word::parse).collect(),
    })
}

/// Counties in use today, the districts that only the lists know left out.
fn counties() -> Vec<Vec<Region>> {
    let mut counties = vec![Vec::new(); 100];
    for region in region::all() {
        if region.to.is_none() && region.is_county() && region.name != "市辖区" {
            counties[(region.code / 10_000) as usize].push(*region);
        }
    }
    counties
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_whole() {
        let words = Words::builtin();
        assert!(words.surnames.len() > 100);
        assert!(words.roads.len() >= 90 && words.compounds.len() >= 50);
        for sex in [Sex::Male, Sex::Female] {
            for year in [1950, 1985, 2000, 2020] {
                let given = words.given(sex, year);
                assert!(given.len() >= 40);
                assert!(
                    given
                        .iter()
                        .all(|word| !word.han.is_empty() && !word.pinyin.is_empty())
                );
            }
        }
        assert!(words.given(Sex::Male, 1900).is_empty());
        assert!(words.counties(330_106).len() > 50);
    }
}
