//! People who look like those of a table: ages, provinces, sexes and lengths of names as there.
//!
//! A [`Profile`] holds counts over many people and nothing of any one of them: a count below
//! [`Profile::LEAST`] is forgotten. A [`Cast`] draws people from it; the same seed under the same
//! profile is the same person for ever, so whoever keeps the profile can draw him again.
//!
//! What the numbers say bounds what can be imitated: the older a person, the fewer places a resident
//! ID that surely nobody has can name (see the crate's page). Profiles kept from before the old had
//! any keep to births from 1988 on, so that their people stay who they are;
//! [`Profile::share_too_old`] says how many of a table's people are left out.
//! Reading ages and provinces off a table belongs to the caller.

use liuhen_kinds::region;
use rand::Rng;
use serde::{Deserialize, Serialize};

use crate::generator::{self, Birth, Person, Sex, Wardrobe, pick, rng};
use crate::identity::{Identities, Identity};
use crate::words::{Spelled, Word, Words};

/// Decades of births, the first beginning in 1930.
const DECADES: usize = 10;
/// The first of them.
const FIRST: u16 = 1930;
/// Provinces by the first two digits of their codes.
const PROVINCES: usize = 100;
/// Characters of a name: two, three, four or more.
const LENGTHS: usize = 3;

/// What can be counted of one person; nothing where it is unknown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traits {
    /// The year of birth.
    pub year: Option<u16>,
    /// The first two digits of a region code.
    pub province: Option<u8>,
    /// Male or female.
    pub sex: Option<Sex>,
    /// Characters of the name.
    pub name: Option<usize>,
}

/// Counts over the people of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// People by decade of birth, from 1930.
    births: Vec<u32>,
    /// People by the first two digits of their region, two digits and a count.
    provinces: Vec<(u8, u32)>,
    /// Men and women.
    sexes: [u32; 2],
    /// Names of two, three, four and more characters.
    lengths: [u32; LENGTHS],
    /// The last year anybody is born in.
    until: u16,
    /// Whether the people have resident IDs.
    numbered: bool,
    /// Whether those may be of any age; in profiles kept from before, births begin in 1988.
    #[serde(default)]
    any_age: bool,
    /// People in a thousand born before anybody who is drawn.
    too_old: u16,
}

impl Profile {
    /// A count below this is forgotten: it would speak of some few people.
    pub const LEAST: u32 = 5;

    /// Counts people. `until` is the last year that is over; `numbered` says that the table has
    /// resident IDs.
    ///
    /// A trait of which nothing remains is drawn as [`Profile::default`] has it.
    #[must_use]
    pub fn of(people: impl IntoIterator<Item = Traits>, until: u16, numbered: bool) -> Self {
        let (mut births, mut provinces) = (vec![0; DECADES], [0_u32; PROVINCES]);
        let (mut sexes, mut lengths) = ([0; 2], [0; LENGTHS]);
        let (mut aged, mut too_old) = (0_u32, 0_u32);
        for person in people {
            if let Some(year) = person.year {
                aged += 1;
                too_old += u32::from(year < FIRST);
                if let Some(count) = decade(year).and_then(|decade| births.get_mut(decade)) {
                    *count += 1;
                }
            }
            if let Some(count) = person
                .province
                .and_then(|code| provinces.get_mut(usize::from(code)))
            {
                *count += 1;
            }
            if let Some(sex) = person.sex {
                sexes[usize::from(sex == Sex::Female)] += 1;
            }
            if let Some(length) = person.name.filter(|length| *length >= 2) {
                lengths[(length - 2).min(LENGTHS - 1)] += 1;
            }
        }
        let plain = Self::default();
        // Nobody can be given an address where no county is known.
        let known: Vec<u8> = Words::builtin().provinces().collect();
        let provinces = (0_u8..)
            .zip(forget(&provinces))
            .filter(|(code, count)| *count > 0 && known.contains(code));
        let provinces: Vec<(u8, u32)> = provinces.collect();
        Self {
            births: or(forget(&births), plain.births),
            provinces: if provinces.is_empty() {
                plain.provinces
            } else {
                provinces
            },
            sexes: or(forget(&sexes), plain.sexes.to_vec())
                .try_into()
                .unwrap_or(plain.sexes),
            lengths: or(forget(&lengths), plain.lengths.to_vec())
                .try_into()
                .unwrap_or(plain.lengths),
            until,
            numbered,
            any_age: true,
            too_old: u16::try_from(u64::from(too_old) * 1000 / u64::from(aged).max(1))
                .unwrap_or(1000),
        }
    }

    /// Whether the people have resident IDs.
    #[must_use]
    pub const fn is_numbered(&self) -> bool {
        self.numbered
    }

    /// The share of the table's people whose ages no invented person has.
    #[must_use]
    pub fn share_too_old(&self) -> f64 {
        f64::from(self.too_old) / 1000.0
    }

    /// The first year of birth there can be.
    const fn first_year(&self) -> u16 {
        if self.numbered && !self.any_age {
            *generator::YEARS.start()
        } else {
            FIRST
        }
    }

    /// The years of a decade in which somebody may be born.
    fn years(&self, at: usize) -> (u16, u16) {
        let begins = year_of(at).max(self.first_year());
        (begins, (year_of(at) + 9).min(self.until).max(begins))
    }
}

impl Default for Profile {
    /// Adults of today, every province with counties, as many women as men. Our own choice; no census.
    fn default() -> Self {
        let provinces = Words::builtin().provinces();
        Self {
            births: vec![1, 2, 4, 8, 10, 12, 14, 10, 0, 0],
            provinces: provinces.map(|code| (code, 1)).collect(),
            sexes: [1, 1],
            lengths: [2, 8, 0],
            until: 2008,
            numbered: false,
            any_age: true,
            too_old: 0,
        }
    }
}

/// Counts that speak of few people are forgotten.
fn forget(counts: &[u32]) -> Vec<u32> {
    let keep = |count: &u32| if *count < Profile::LEAST { 0 } else { *count };
    counts.iter().map(keep).collect()
}

fn or(counts: Vec<u32>, fallback: Vec<u32>) -> Vec<u32> {
    if counts.iter().any(|count| *count > 0) {
        counts
    } else {
        fallback
    }
}

fn decade(year: u16) -> Option<usize> {
    Some(usize::from(year.checked_sub(FIRST)? / 10))
}

const fn year_of(decade: usize) -> u16 {
    #[expect(clippy::cast_possible_truncation, reason = "there are ten decades")]
    let decade = decade as u16;
    FIRST + 10 * decade
}

/// People of one profile.
#[derive(Debug, Clone)]
pub struct Cast {
    profile: Profile,
    identities: Option<Identities>,
}

impl Cast {
    /// People of this profile.
    #[must_use]
    pub fn new(profile: Profile) -> Self {
        let identities = profile
            .numbered
            .then(|| Identities::new(&(FIRST..=*generator::YEARS.end()), || 0))
            .flatten();
        Self {
            profile,
            identities,
        }
    }

    /// The person of a seed; without resident ID where the profile's people have none.
    ///
    /// Seeds are taken to be random: two of them share a number about as often as two random numbers do.
    #[must_use]
    pub fn person(&self, seed: u64) -> Person {
        self.cast(seed, None)
    }

    /// The person of a seed under a name that others bear.
    ///
    /// Of the sex that the name is given to, where only one is; the mailbox spells the name, or
    /// holds no name at all where its characters are not in our lists.
    #[must_use]
    pub fn namesake(&self, seed: u64, name: &str) -> Person {
        let mut person = self.cast(seed, Words::builtin().spelled(name));
        if person.name != name {
            let digits = |part: &str| part.len() - part.trim_end_matches(char::is_numeric).len();
            if let Some((local, domain)) = person.email.split_once('@') {
                let number = local.get(local.len() - digits(local)..).unwrap_or(local);
                person.email = format!("{}{number}@{domain}", person.birth.year);
            }
            name.clone_into(&mut person.name);
        }
        person
    }

    fn cast(&self, seed: u64, spelled: Option<Spelled>) -> Person {
        let mut dice = rng(seed, CAST);
        let profile = &self.profile;
        let drawn = if draw(&profile.sexes, &mut dice) == 0 {
            Sex::Male
        } else {
            Sex::Female
        };
        let sex = spelled.as_ref().and_then(|name| name.sex).unwrap_or(drawn);
        let birth = self.birth(&mut dice);
        let counts: Vec<u32> = profile.provinces.iter().map(|(_, count)| *count).collect();
        let province = profile
            .provinces
            .get(draw(&counts, &mut dice))
            .map_or(11, |(code, _)| *code);
        let drawn = self.name(sex, birth.year, &mut dice);
        let name = spelled.map_or(drawn, |name| (name.surname, name.given));
        let identity = Identity {
            number: String::new(),
            code: u32::from(province) * 10_000,
            sex,
            birth,
        };
        let wardrobe = Wardrobe::new(&mut dice);
        let mut person = wardrobe.dress(0, identity, name, &mut dice);
        if let Some(identities) = &self.identities {
            let order = pick(&mut dice, 499) * 2 + if sex == Sex::Male { 1 } else { 2 };
            person.resident_id =
                identities.number_of(province, birth, order, &mut || dice.next_u64());
        }
        person
    }

    fn birth(&self, dice: &mut impl Rng) -> Birth {
        let (first, last) = self.profile.years(draw(&self.profile.births, dice));
        let year = first + u16::try_from(pick(dice, usize::from(last - first) + 1)).unwrap_or(0);
        crate::identity::day_of_year(year, pick(dice, 365) as u64)
    }

    /// A surname and given name of the profile's lengths.
    fn name(&self, sex: Sex, year: u16, dice: &mut impl Rng) -> (Word, Vec<Word>) {
        let words = Words::builtin();
        let length = draw(&self.profile.lengths, dice) + 2;
        let compound = length > 3;
        let surnames: Vec<Word> = words
            .surnames
            .iter()
            .filter(|word| (word.han.chars().count() > 1) == compound)
            .copied()
            .collect();
        let characters = words.given(sex, year.max(1940));
        let given = if length == 2 { 1 } else { 2 };
        let given = (0..given)
            .map(|_| characters[pick(dice, characters.len())])
            .collect();
        (surnames[generator::rank(surnames.len(), dice)], given)
    }
}

/// The stream of a cast's dice; a generator's people take the numbers of their index.
const CAST: u64 = u64::MAX - 1;

/// A place drawn by its count; the first where all are zero.
fn draw(counts: &[u32], dice: &mut impl Rng) -> usize {
    let all: u64 = counts.iter().copied().map(u64::from).sum();
    let wide = (u128::from(dice.next_u64()) * u128::from(all)) >> 64;
    let mut place = u64::try_from(wide).unwrap_or(0);
    for (at, count) in counts.iter().enumerate() {
        match place.checked_sub(u64::from(*count)) {
            Some(rest) => place = rest,
            None => return at,
        }
    }
    0
}

/// The first two digits of the code of the province that an address begins with, in long or short form.
#[must_use]
pub fn province_of(address: &str) -> Option<u8> {
    (11..=65_u8).find(|code| {
        region::province(u32::from(*code)).is_some_and(|name| {
            let short: String = name
                .chars()
                .take(
                    if name.starts_with("内蒙古") || name.starts_with("黑龙江") {
                        3
                    } else {
                        2
                    },
                )
                .collect();
            address.starts_with(&short)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nobody::is_invented;

    fn traits(year: u16, province: u8, sex: Sex, name: usize) -> Traits {
        Traits {
            year: Some(year),
            province: Some(province),
            sex: Some(sex),
            name: Some(name),
        }
    }

    /// A table of pensioners in two provinces, mostly women.
    fn pensioners(numbered: bool) -> Profile {
        let people = (0..1000_u16).map(|i| {
            let sex = if i % 4 == 0 { Sex::Male } else { Sex::Female };
            traits(
                1940 + i % 20,
                if i % 5 == 0 { 31 } else { 33 },
                sex,
                if i % 10 == 0 { 2 } else { 3 },
            )
        });
        Profile::of(people, 2025, numbered)
    }

    fn share(people: &[Person], holds: impl Fn(&Person) -> bool) -> f64 {
        people.iter().filter(|person| holds(person)).count() as f64 / people.len() as f64
    }

    #[test]
    fn people_are_as_the_table_is() {
        let cast = Cast::new(pensioners(false));
        let people: Vec<Person> = (0..4000).map(|seed| cast.person(seed)).collect();
        let near = |share: f64, expected: f64| (share - expected).abs() < 0.04;
        assert!(
            people
                .iter()
                .all(|person| (1940..1960).contains(&person.birth.year))
        );
        assert!(near(share(&people, |p| p.sex == Sex::Male), 0.25));
        assert!(near(
            share(&people, |p| p.address.starts_with("浙江省")),
            0.8
        ));
        assert!(near(
            share(&people, |p| p.address.starts_with("上海市")),
            0.2
        ));
        assert!(near(share(&people, |p| p.name.chars().count() == 2), 0.1));
        assert!(
            people
                .iter()
                .all(|person| person.resident_id.is_empty() && is_invented(person))
        );
    }

    #[test]
    fn people_with_numbers_are_as_old_as_the_table_and_nobody() {
        let mixed = Profile::of(
            (0..1000_u16).map(|i| traits(1970 + i % 40, 33, Sex::Male, 3)),
            2025,
            true,
        );
        let ancient = Profile::of(
            (0..1000_u16).map(|i| traits(1900 + i % 40, 33, Sex::Male, 3)),
            2025,
            true,
        );
        assert!((ancient.share_too_old() - 0.75).abs() < 1e-9);
        for (profile, young) in [(pensioners(true), 0.0), (mixed, 0.5)] {
            assert!(profile.share_too_old() < 1e-9);
            let cast = Cast::new(profile);
            let people: Vec<Person> = (0..1000).map(|seed| cast.person(seed)).collect();
            let from_1990 = share(&people, |person| person.birth.year >= 1990);
            assert!((from_1990 - young).abs() < 0.05, "{from_1990}");
            for person in people {
                assert!(is_invented(&person), "{}", person.resident_id);
                assert_eq!(
                    person.resident_id[6..14],
                    person.birth.to_string().replace('-', "")
                );
                assert_eq!(
                    person.resident_id.as_bytes()[16] % 2 == 1,
                    person.sex == Sex::Male
                );
            }
        }
    }

    /// Of a profile kept before the old had numbers, every canary that left is the person it was.
    #[test]
    fn people_of_older_profiles_stay_who_they_are() {
        let kept = r#"{"births":[0,0,0,0,0,300,300,300,0,0],"provinces":[[33,600],[51,300]],
            "sexes":[1,1],"lengths":[100,800,0],"until":2025,"numbered":true,"too_old":400}"#;
        let cast = Cast::new(serde_json::from_str(kept).unwrap());
        let drawn = |seed: u64| cast.person(seed).resident_id;
        for seed in 0..1000 {
            assert!(cast.person(seed).birth.year >= 1988);
        }
        assert_eq!(
            [drawn(1), drawn(2), drawn(3)],
            [
                "332222198809050699",
                "332225198805118368",
                "332824198909043774"
            ]
        );
    }

    #[test]
    fn a_seed_is_one_person_and_no_two_share_a_number() {
        let cast = Cast::new(Profile::of(std::iter::empty(), 2025, true));
        let mut seen = std::collections::HashSet::new();
        for seed in (0..2000_u64).map(|i| i.wrapping_mul(0x9E37_79B9_7F4A_7C15)) {
            let person = cast.person(seed);
            assert_eq!(person, cast.person(seed));
            assert!(seen.insert(person.resident_id) && seen.insert(person.mobile));
        }
    }

    #[test]
    fn a_namesake_is_one_in_itself() {
        let cast = Cast::new(Profile::of(std::iter::empty(), 2025, true));
        for seed in 0..200 {
            let person = cast.namesake(seed, "王建国");
            assert_eq!((person.name.as_str(), person.sex), ("王建国", Sex::Male));
            assert!(is_invented(&person));
            let spelled = ["wang", "jianguo"]
                .iter()
                .any(|part| person.email.contains(part));
            assert!(spelled, "{}", person.email);
            assert_eq!(person, cast.namesake(seed, "王建国"));
            // Characters of no list: the mailbox tells no other name.
            let other = cast.namesake(seed, "阿依古丽·买买提");
            assert_eq!(other.name, "阿依古丽·买买提");
            let local = other.email.split('@').next().unwrap();
            assert!(local.bytes().all(|b| b.is_ascii_digit()) && local.len() >= 11);
            assert!(is_invented(&other));
        }
    }

    #[test]
    fn what_few_people_share_is_forgotten() {
        let people = (0..1000_u16).map(|i| {
            traits(
                if i < 4 { 1935 } else { 1985 },
                if i < 4 { 54 } else { 33 },
                Sex::Male,
                3,
            )
        });
        let profile = Profile::of(people, 2025, false);
        assert_eq!(profile.births[0], 0);
        assert_eq!(profile.provinces, [(33, 996)]);
    }

    #[test]
    fn a_profile_survives_keeping() {
        let profile = pensioners(false);
        let kept = serde_json::to_string(&profile).unwrap();
        assert_eq!(serde_json::from_str::<Profile>(&kept).unwrap(), profile);
    }

    #[test]
    fn provinces_of_addresses() {
        for (address, code) in [
            ("浙江省杭州市", Some(33)),
            ("内蒙古呼和浩特市", Some(15)),
            ("北京朝阳区", Some(11)),
            ("幸福路1号", None),
        ] {
            assert_eq!(province_of(address), code, "{address}");
        }
    }
}
