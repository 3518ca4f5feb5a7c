//! Resident ID numbers that were never issued.
//!
//! Reasoning: the first six digits are the code of the place where a person was
//! first registered, and nobody is registered before birth. A number whose code
//! went out of use before the birth it names can therefore not have been issued;
//! we leave some years between, since registers change over slowly. Codes with
//! endings that cards carry beside the lists, and codes given anew later, are
//! left out.
//!
//! Nor was anybody numbered before the first cards: a code out of use as many years
//! before those names nobody, however old. That holds for rural counties alone, since
//! cities began earlier; the dates and their source stand in `numbers.toml`.

use std::ops::RangeInclusive;

use liuhen_kinds::segment::Numbers;
use liuhen_kinds::{digits, region};

use crate::generator::{Birth, Sex};
use crate::permutation::Permutation;

/// Order codes of a day, 001 to 999.
const ORDERS: u64 = 999;

/// The last year in which a code was in use, if no card may carry it since.
fn last_year_of_use(code: u32) -> Option<u16> {
    let endings = &Numbers::builtin().identity.unlisted_endings;
    region::retired(code).filter(|_| !endings.contains(&(code % 100)))
}

/// The first year of birth whose people surely lack a code; `None` while somebody may have it.
pub(crate) fn nobodys_from(code: u32) -> Option<u16> {
    let plan = &Numbers::builtin().identity;
    let from = last_year_of_use(code)? + plan.invented_gap_years;
    let rural = |digits: u32| (plan.rural_first..=plan.rural_last).contains(&(digits % 100));
    let unissued = from <= plan.issued_from && rural(code / 100) && rural(code);
    Some(if unissued {
        plan.earliest_birth_year
    } else {
        from
    })
}

/// A code and the days on which its people are born.
#[derive(Debug, Clone)]
struct Source {
    code: u32,
    first_day: u64,
    /// Numbers of this source and of all before it.
    numbers_until: u64,
}

/// All numbers that a generator may give, in one row, permuted.
#[derive(Debug, Clone)]
pub(crate) struct Identities {
    sources: Vec<Source>,
    order: Permutation,
}

/// One number with what it says.
pub(crate) struct Identity {
    pub(crate) number: String,
    pub(crate) code: u32,
    pub(crate) sex: Sex,
    pub(crate) birth: Birth,
}

impl Identities {
    /// Numbers of people born in these years; `None` when no code fits.
    pub(crate) fn new(
        years: &RangeInclusive<u16>,
        next: impl FnMut() -> u64,
    ) -> Option<Identities> {
        let end = days_before(years.end() + 1);
        let mut sources: Vec<Source> = Vec::new();
        let mut numbers = 0;
        for region in region::all().iter().filter(|region| region.is_county()) {
            let Some(from) = nobodys_from(region.code) else {
                continue;
            };
            let first_day = days_before(from.max(*years.start()));
            // A code with several stretches stands in the list several times.
            let known = sources
                .last()
                .is_some_and(|source| source.code == region.code);
            if known || first_day >= end {
                continue;
            }
            numbers += (end - first_day) * ORDERS;
            sources.push(Source {
                code: region.code,
                first_day,
                numbers_until: numbers,
            });
        }
        (numbers > 0).then(|| Identities {
            sources,
            order: Permutation::new(numbers, next),
        })
    }

    /// How many numbers there are.
    pub(crate) fn len(&self) -> u64 {
        self.sources.last().map_or(0, |source| source.numbers_until)
    }

    /// A number of somebody of this birth, with a code of the province or, where none went out of
    /// use early enough there, of another: people move. `order` is from 1, odd for men.
    ///
    /// Empty when no code at all fits, which [`Identities::new`] excludes for its years.
    pub(crate) fn number_of(
        &self,
        province: u8,
        birth: Birth,
        order: usize,
        next: &mut dyn FnMut() -> u64,
    ) -> String {
        let day = days_before(birth.year);
        let fits = |source: &&Source| source.first_day <= day;
        let near = |source: &&Source| source.code / 10_000 == u32::from(province);
        let mut sources: Vec<&Source> = self.sources.iter().filter(fits).filter(near).collect();
        if sources.is_empty() {
            sources = self.sources.iter().filter(fits).collect();
        }
        let at = usize::try_from(next() % (sources.len() as u64).max(1)).unwrap_or(0);
        let order = u64::try_from(order).unwrap_or(1);
        sources
            .get(at)
            .map_or_else(String::new, |source| number(source.code, birth, order))
    }

    pub(crate) fn at(&self, index: u64) -> Identity {
        let place = self.order.at(index);
        let found = self
            .sources
            .partition_point(|source| source.numbers_until <= place);
        let source = &self.sources[found];
        let before = found
            .checked_sub(1)
            .map_or(0, |before| self.sources[before].numbers_until);
        let (day, order) = ((place - before) / ORDERS, (place - before) % ORDERS + 1);
        let birth = birth_on(source.first_day + day);
        Identity {
            number: number(source.code, birth, order),
            code: source.code,
            sex: if order % 2 == 1 {
                Sex::Male
            } else {
                Sex::Female
            },
            birth,
        }
    }
}

/// The number of a code, birth and order, with its check digit.
fn number(code: u32, birth: Birth, order: u64) -> String {
    let Birth { year, month, day } = birth;
    let first = format!("{code:06}{year:04}{month:02}{day:02}{order:03}");
    let check = first
        .as_bytes()
        .first_chunk::<17>()
        .and_then(digits::resident_id);
    first + check.map_or("", |check| CHECKS[usize::from(check_place(check))])
}

/// The day so many days after the first of January of a year.
pub(crate) fn day_of_year(year: u16, day: u64) -> Birth {
    birth_on(days_before(year) + day)
}

const CHECKS: [&str; 11] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "X"];

const fn check_place(check: u8) -> u8 {
    if check.is_ascii_digit() {
        check - b'0'
    } else {
        10
    }
}

const fn is_leap(year: u16) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

/// Days from the year 1 to the first of January of `year`.
fn days_before(year: u16) -> u64 {
    let past = u64::from(year - 1);
    past * 365 + past / 4 - past / 100 + past / 400
}

/// The day so many days after the first of January of the year 1.
fn birth_on(day: u64) -> Birth {
    let mut year = u16::try_from(day / 366 + 1).unwrap_or(u16::MAX);
    while days_before(year + 1) <= day {
        year += 1;
    }
    let mut rest = day - days_before(year);
    let lengths = [
        31,
        if is_leap(year) { 29 } else { 28 },
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
        31,
    ];
    let mut month = 1;
    for length in lengths {
        if rest < length {
            break;
        }
        rest -= length;
        month += 1;
    }
    Birth {
        year,
        month,
        day: u8::try_from(rest + 1).unwrap_or(31),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_become_births() {
        let rows = [
            (1988, 0, "1988-01-01"),
            (1988, 59, "1988-02-29"),
            (1988, 365, "1988-12-31"),
            (1999, 364, "1999-12-31"),
            (2000, 60, "2000-03-01"),
        ];
        for (year, day, expected) in rows {
            assert_eq!(birth_on(days_before(year) + day).to_string(), expected);
        }
    }

    #[test]
    fn no_code_in_use_is_given() {
        let identities = Identities::new(&(1988..=2006), || 1).unwrap();
        assert!(identities.len() > 1_000_000_000, "{}", identities.len());
        for source in &identities.sources {
            assert!(last_year_of_use(source.code).is_some(), "{}", source.code);
            assert!(
                !region::history(source.code)
                    .iter()
                    .any(|region| region.to.is_none())
            );
        }
    }

    #[test]
    fn the_old_have_codes_of_counties_that_were_gone_before_cards() {
        let old = Identities::new(&(1930..=1970), || 1).unwrap();
        assert!(old.sources.len() > 50, "{}", old.sources.len());
        for source in &old.sources {
            assert!(
                last_year_of_use(source.code) <= Some(1981),
                "{}",
                source.code
            );
            assert_eq!(birth_on(source.first_day).year, 1930);
        }
        // 密云县 (a city's), 市中区 of 绵阳 (a district's), 昌平县 as given anew: whoever is old may have them.
        for code in [110_208, 512_202, 110_221, 440_308] {
            assert!(nobodys_from(code).is_none_or(|from| from > 1980), "{code}");
        }
        assert_eq!(nobodys_from(512_129), Some(1880));
    }

    #[test]
    fn births_from_1988_on_keep_the_numbers_that_they_had() {
        let (before, wider) = (
            Identities::new(&(1988..=2006), || 1).unwrap(),
            Identities::new(&(1930..=2006), || 1).unwrap(),
        );
        for seed in 0..500_u64 {
            let birth = day_of_year(1988 + u16::try_from(seed % 19).unwrap(), seed % 365);
            let of = |all: &Identities| all.number_of(33, birth, 7, &mut || seed * 7_919);
            assert_eq!(of(&before), of(&wider));
        }
    }
}
