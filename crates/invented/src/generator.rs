//! One person after another, or any of them by number.

use std::fmt;
use std::ops::RangeInclusive;

use liuhen_kinds::segment::Numbers;
use liuhen_kinds::{Kind, digits, region};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::identity::{Identities, Identity};
use crate::permutation::Permutation;
use crate::words::{Word, Words};

/// Male or female, as the last order digit of a resident ID number says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sex {
    /// 男
    Male,
    /// 女
    Female,
}

impl Sex {
    /// `男` or `女`.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Sex::Male => "男",
            Sex::Female => "女",
        }
    }
}

/// A day of birth; displayed as `YYYY-MM-DD`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Birth {
    /// Four digits.
    pub year: u16,
    /// From 1.
    pub month: u8,
    /// From 1.
    pub day: u8,
}

impl fmt::Display for Birth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// A person who does not exist; every number in normalised form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Two to four Chinese characters.
    pub name: String,
    /// As the ID says.
    pub sex: Sex,
    /// As the ID says.
    pub birth: Birth,
    /// 18 characters; empty for people without one, see [`crate::Profile`].
    pub resident_id: String,
    /// 11 digits.
    pub mobile: String,
    /// `0AAA-NNNNNNN`.
    pub landline: String,
    /// Lower case, at a reserved domain.
    pub email: String,
    /// From the province to the room.
    pub address: String,
    /// 19 digits.
    pub bank_card: String,
    /// Seven characters.
    pub plate: String,
}

impl Person {
    /// Everything with its kind, in the order in which tables have it; what a person lacks is left out.
    #[must_use]
    pub fn fields(&self) -> Vec<(Kind, String)> {
        let fields = [
            (Kind::PERSON_NAME, self.name.clone()),
            (Kind::GENDER, self.sex.label().to_owned()),
            (Kind::DATE_OF_BIRTH, self.birth.to_string()),
            (Kind::RESIDENT_ID, self.resident_id.clone()),
            (Kind::MOBILE, self.mobile.clone()),
            (Kind::LANDLINE, self.landline.clone()),
            (Kind::EMAIL, self.email.clone()),
            (Kind::ADDRESS, self.address.clone()),
            (Kind::BANK_CARD, self.bank_card.clone()),
            (Kind::PLATE, self.plate.clone()),
        ];
        fields
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .collect()
    }
}

/// Births of people for whom codes of every sort were retired long before.
///
/// The lists of codes begin in 1980; older people have the codes of some rural counties alone.
pub(crate) const YEARS: RangeInclusive<u16> = 1988..=2006;

/// Characters of a serial with three letters.
const LETTERS: &[u8; 24] = b"ABCDEFGHJKLMNPQRSTUVWXYZ";
/// Letters of registration offices that every province has.
const OFFICES: &[u8; 4] = b"ABCD";
/// Places of three letters among five characters.
const PATTERNS: [[usize; 3]; 10] = [
    [0, 1, 2],
    [0, 1, 3],
    [0, 1, 4],
    [0, 2, 3],
    [0, 2, 4],
    [0, 3, 4],
    [1, 2, 3],
    [1, 2, 4],
    [1, 3, 4],
    [2, 3, 4],
];
/// Where generated people have their mailboxes.
const DOMAINS: [&str; 5] = [
    "example.com",
    "example.net",
    "example.org",
    "mail.example.com",
    "mail.example.net",
];

/// Mailbox numbers; with fewer people than this, no two share a mailbox.
const MAILBOXES: u64 = 10_000_000;

/// People from a seed.
///
/// No two of the first [`Generator::distinct`] people share a resident ID, a
/// mobile number, a card, a landline, a plate's letter and serial, or a mailbox.
#[derive(Debug, Clone)]
pub struct Generator {
    seed: u64,
    next: u64,
    identities: Identities,
    wardrobe: Wardrobe,
}

/// Everything that a person has beside an identity and a name.
#[derive(Debug, Clone)]
pub(crate) struct Wardrobe {
    mobiles: Permutation,
    landlines: Permutation,
    cards: Permutation,
    plates: Permutation,
    mailboxes: Permutation,
}

impl Generator {
    /// People of one seed, born from 1988 to 2006.
    #[must_use]
    pub fn new(seed: u64) -> Generator {
        #[expect(
            clippy::expect_used,
            reason = "the built-in regions have codes for these years; a test holds it"
        )]
        Generator::born(seed, YEARS).expect("codes retired before 1988")
    }

    /// People of one seed born in other years, children for instance.
    ///
    /// `None` when no region code was retired long enough before the last of
    /// these years, which is so before 1880; for births before 1986 there are codes of
    /// some rural counties alone. The last year should be over: nobody is kept from
    /// being born tomorrow.
    #[must_use]
    pub fn born(seed: u64, years: RangeInclusive<u16>) -> Option<Generator> {
        // The people themselves take the other streams.
        let mut rng = rng(seed, u64::MAX);
        Some(Generator {
            seed,
            next: 0,
            identities: Identities::new(&years, || rng.next_u64())?,
            wardrobe: Wardrobe::new(&mut rng),
        })
    }

    /// How many people have numbers of their own; at least ten million.
    #[must_use]
    pub fn distinct(&self) -> u64 {
        MAILBOXES.min(self.identities.len())
    }

    /// The next person.
    pub fn person(&mut self) -> Person {
        let person = self.person_at(self.next);
        self.next += 1;
        person
    }

    /// The person of a number, whoever was asked for before.
    #[must_use]
    pub fn person_at(&self, index: u64) -> Person {
        let identity = self.identities.at(index);
        let mut rng = rng(self.seed, index);
        let name = name(&identity, Words::builtin(), &mut rng);
        self.wardrobe.dress(index, identity, name, &mut rng)
    }
}

impl Wardrobe {
    pub(crate) fn new(rng: &mut impl Rng) -> Self {
        let numbers = Numbers::builtin();
        let mut of = |size: u64| Permutation::new(size, || rng.next_u64());
        let heads = |prefixes: &[String]| prefixes.len() as u64;
        Self {
            mobiles: of(heads(&numbers.mobile.invented) * MOBILES),
            landlines: of(heads(&numbers.landline.invented) * LANDLINES),
            cards: of(heads(&numbers.card.invented) * CARDS),
            plates: of(PLATES),
            mailboxes: of(MAILBOXES),
        }
    }

    /// A person of this identity and name; `index` chooses the numbers, `rng` the rest.
    pub(crate) fn dress(
        &self,
        index: u64,
        identity: Identity,
        (surname, given): (Word, Vec<Word>),
        rng: &mut ChaCha8Rng,
    ) -> Person {
        Person {
            email: self.email(index, surname, &given, &identity, rng),
            name: given
                .iter()
                .fold(surname.han.to_owned(), |name, word| name + word.han),
            address: address(identity.code, Words::builtin(), rng),
            mobile: self.mobile(index),
            landline: self.landline(index),
            bank_card: self.bank_card(index),
            plate: self.plate(index, identity.code),
            sex: identity.sex,
            birth: identity.birth,
            resident_id: identity.number,
        }
    }

    fn mobile(&self, index: u64) -> String {
        let place = self.mobiles.at(index);
        format!(
            "{}{:08}",
            prefix(&Numbers::builtin().mobile.invented, place / MOBILES),
            place % MOBILES
        )
    }

    fn landline(&self, index: u64) -> String {
        let place = self.landlines.at(index);
        let area = prefix(&Numbers::builtin().landline.invented, place / LANDLINES);
        format!("0{area}-{}", place % LANDLINES + 2_000_000)
    }

    fn bank_card(&self, index: u64) -> String {
        let place = self.cards.at(index);
        let mut card = format!(
            "{}{:014}",
            prefix(&Numbers::builtin().card.invented, place / CARDS),
            place % CARDS
        );
        card.extend(digits::luhn(card.as_bytes()).map(char::from));
        card
    }

    fn plate(&self, index: u64, code: u32) -> String {
        let mut place = self.plates.at(index);
        let mut take = |size: usize| {
            let taken = place % size as u64;
            place /= size as u64;
            usize::try_from(taken).unwrap_or(0)
        };
        let office = OFFICES[take(OFFICES.len())];
        let pattern = PATTERNS[take(PATTERNS.len())];
        let serial: String = (0..5)
            .map(|at| {
                let letter = pattern.contains(&at);
                char::from(if letter {
                    LETTERS[take(LETTERS.len())]
                } else {
                    b"0123456789"[take(10)]
                })
            })
            .collect();
        format!("{}{}{serial}", plate_province(code), char::from(office))
    }

    fn email(
        &self,
        index: u64,
        surname: Word,
        given: &[Word],
        identity: &Identity,
        rng: &mut ChaCha8Rng,
    ) -> String {
        let number = self.mailboxes.at(index);
        let full: String = given.iter().map(|word| word.pinyin).collect();
        let initials: String = given
            .iter()
            .filter_map(|word| word.pinyin.chars().next())
            .collect();
        let Birth { year, .. } = identity.birth;
        let surname = surname.pinyin;
        // The mailbox number comes last and with all its digits, so that two
        // people never share an address, whatever stands before it.
        let local = match pick(rng, 6) {
            0 => format!("{surname}{full}{number:07}"),
            1 => format!("{surname}.{full}{number:07}"),
            2 => format!("{full}_{surname}{number:07}"),
            3 => format!("{surname}{initials}{number:07}"),
            4 => format!("{full}{year}.{number:07}"),
            _ => format!("{initials}{surname}{number:07}"),
        };
        format!("{local}@{}", DOMAINS[pick(rng, DOMAINS.len())])
    }
}

/// Numbers behind one mobile head of three digits.
const MOBILES: u64 = 100_000_000;
/// Numbers of seven digits from 2000000 to 8999999.
const LANDLINES: u64 = 7_000_000;
/// Numbers between a card's prefix of four digits and its check digit.
const CARDS: u64 = 100_000_000_000_000;
/// Offices, patterns, three letters and two digits.
const PLATES: u64 = 4 * 10 * 24 * 24 * 24 * 100;

fn prefix(prefixes: &[String], at: u64) -> &str {
    usize::try_from(at)
        .ok()
        .and_then(|at| prefixes.get(at))
        .map_or("", String::as_str)
}

/// The random numbers of one person.
pub(crate) fn rng(seed: u64, stream: u64) -> ChaCha8Rng {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let mut rng = ChaCha8Rng::from_seed(bytes);
    rng.set_stream(stream);
    rng
}

/// A number below `size`, nearly even: sizes here are far below 2^32.
pub(crate) fn pick(rng: &mut impl Rng, size: usize) -> usize {
    usize::try_from((u64::from(rng.next_u32()) * size as u64) >> 32).unwrap_or(0)
}

/// A place in the list of surnames.
pub(crate) fn rank(count: usize, rng: &mut impl Rng) -> usize {
    // The smallest of three draws favours the beginning of the list about as
    // strongly as the surnames of the country are spread.
    pick(rng, count).min(pick(rng, count)).min(pick(rng, count))
}

/// A surname, common ones more often, and one or two characters of the time.
fn name(identity: &Identity, words: &Words, rng: &mut ChaCha8Rng) -> (Word, Vec<Word>) {
    let rank = rank(words.surnames.len(), rng);
    let characters = words.given(identity.sex, identity.birth.year);
    let first = characters[pick(rng, characters.len())];
    let given = if pick(rng, 10) < 2 {
        vec![first]
    } else {
        vec![first, characters[pick(rng, characters.len())]]
    };
    (words.surnames[rank], given)
}

/// An address in a county of today, in the province of the code.
fn address(code: u32, words: &Words, rng: &mut ChaCha8Rng) -> String {
    let counties = words.counties(code);
    let county = counties[pick(rng, counties.len())];
    let prefecture = region::lookup(county.code / 100 * 100).map_or("", |region| region.name);
    let city = if matches!(prefecture, "市辖区" | "县") {
        ""
    } else {
        prefecture
    };
    let road = words.roads[pick(rng, words.roads.len())];
    let compound = words.compounds[pick(rng, words.compounds.len())];
    let number = pick(rng, 380) + 1;
    let building = pick(rng, 28) + 1;
    let (unit, room) = (
        pick(rng, 4) + 1,
        (pick(rng, 28) + 1) * 100 + pick(rng, 4) + 1,
    );
    let region = format!("{}{city}{}", county.province, county.name);
    match pick(rng, 4) {
        0 => format!("{region}{road}{number}号{compound}{building}栋{unit}单元{room}室"),
        1 => format!("{region}{road}{number}号{compound}{building}幢{room}室"),
        2 => format!("{region}{road}{number}号{building}号楼{unit}单元{room}"),
        _ => format!("{region}{road}{number}号{room}室"),
    }
}

/// The character of a province on its plates.
const fn plate_province(code: u32) -> char {
    match code / 10_000 {
        11 => '京',
        12 => '津',
        13 => '冀',
        14 => '晋',
        15 => '蒙',
        21 => '辽',
        22 => '吉',
        23 => '黑',
        31 => '沪',
        32 => '苏',
        33 => '浙',
        34 => '皖',
        35 => '闽',
        36 => '赣',
        37 => '鲁',
        41 => '豫',
        42 => '鄂',
        43 => '湘',
        44 => '粤',
        45 => '桂',
        46 => '琼',
        50 => '渝',
        51 => '川',
        52 => '贵',
        53 => '云',
        54 => '藏',
        61 => '陕',
        62 => '甘',
        63 => '青',
        64 => '宁',
        _ => '新',
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::nobody::is_invented;

    #[test]
    fn people_are_the_same_every_time_and_in_any_order() {
        let mut generator = Generator::new(3);
        let first: Vec<Person> = (0..50).map(|_| generator.person()).collect();
        let again = Generator::new(3);
        for index in (0..50).rev() {
            assert_eq!(again.person_at(index as u64), first[index]);
        }
        assert_ne!(Generator::new(4).person_at(0), first[0]);
    }

    #[test]
    fn nobody_has_their_numbers() {
        for seed in [0, 1, u64::MAX] {
            let generator = Generator::new(seed);
            assert!((0..2000).all(|index| is_invented(&generator.person_at(index))));
        }
    }

    #[test]
    fn a_person_agrees_with_the_number() {
        let generator = Generator::new(5);
        for person in (0..2000).map(|index| generator.person_at(index)) {
            let id = &person.resident_id;
            assert_eq!(id[6..14], person.birth.to_string().replace('-', ""));
            let odd = id.as_bytes()[16] % 2 == 1;
            assert_eq!(odd, person.sex == Sex::Male);
            let province = region::province(id[..2].parse().unwrap()).unwrap();
            assert!(person.address.starts_with(province), "{}", person.address);
            assert!(
                person
                    .plate
                    .starts_with(plate_province(id[..6].parse().unwrap()))
            );
            assert_eq!((person.mobile.len(), person.bank_card.len()), (11, 19));
        }
    }

    #[test]
    fn no_number_is_given_twice() {
        let generator = Generator::new(11);
        let mut seen = HashSet::new();
        for index in 0..30_000 {
            let person = generator.person_at(index);
            for value in [
                person.resident_id,
                person.mobile,
                person.bank_card,
                person.landline,
                person.email,
            ] {
                assert!(seen.insert(value), "person {index}");
            }
            assert!(
                seen.insert(person.plate.chars().skip(1).collect()),
                "plate of {index}"
            );
        }
        assert!(generator.distinct() >= 1_000_000);
    }

    #[test]
    fn people_are_diverse() {
        let generator = Generator::new(13);
        let people: Vec<Person> = (0..5000).map(|index| generator.person_at(index)).collect();
        let distinct =
            |value: fn(&Person) -> String| people.iter().map(value).collect::<HashSet<_>>().len();
        assert!(distinct(|p| p.name.clone()) > 4000);
        assert!(distinct(|p| p.resident_id[..2].to_owned()) >= 28);
        assert!(distinct(|p| p.birth.year.to_string()) == 19);
        assert!(distinct(|p| p.address.clone()) > 4990);
        let men = people
            .iter()
            .filter(|person| person.sex == Sex::Male)
            .count();
        assert!((2300..2700).contains(&men), "{men}");
    }

    #[test]
    fn children_and_the_old_can_be_generated_and_those_before_cannot() {
        let children = Generator::born(1, 2014..=2026).unwrap();
        assert!((2014..=2026).contains(&children.person_at(0).birth.year));
        let old = Generator::born(1, 1940..=1970).unwrap();
        for person in (0..1000).map(|index| old.person_at(index)) {
            assert!((1940..=1970).contains(&person.birth.year));
            assert!(crate::is_invented(&person), "{}", person.resident_id);
        }
        assert!(Generator::born(1, 1800..=1870).is_none());
    }
}
