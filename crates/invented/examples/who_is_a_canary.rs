//! Whether a canary can be told from the people it stands among, by a classifier that knows the
//! generator's own features: decade and half of the decade of birth, sex, province, length of the
//! name, its characters, length and form of the address, head of the mobile number.
//!
//! The table's people have their ages year by year and traits that hang together (older people
//! have more names of two characters, the young are more often women and of the coast); the
//! canaries know only counts of each trait alone. Half of both trains a logistic regression, the
//! other half is told apart; 0.5 is chance.
//!
//! ```sh
//! cargo run --release -p liuhen-invented --example who_is_a_canary -- [people of a kind] [seed]
//! ```

use liuhen_invented::{Cast, Generator, Person, Profile, Sex, Traits};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Weights of the classifier; features are hashed onto them.
const WEIGHTS: usize = 1 << 13;
/// Passes over the training half.
const PASSES: usize = 30;

#[expect(clippy::print_stdout, reason = "an example shows its figures")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<u64>());
    let people = usize::try_from(arguments.next().unwrap_or(Ok(8_000))?)?;
    let seed = arguments.next().unwrap_or(Ok(1))?;
    let mut dice = ChaCha8Rng::seed_from_u64(seed);
    println!(
        "{people} people and {people} canaries, half of each trains; area under the curve, 95 %"
    );
    let young = |person: &Person| person.birth.year >= 1988;
    for (name, numbered, fits) in [
        ("all ages", false, None),
        ("with resident IDs", true, None),
        (
            "with IDs, born 1988 on",
            true,
            Some(young as fn(&Person) -> bool),
        ),
    ] {
        let table: Vec<Person> = std::iter::repeat_with(|| townsman(&mut dice))
            .filter(|person| fits.is_none_or(|fits| fits(person)))
            .take(people)
            .collect();
        // The profile is taken from a thousand of them, as a service does.
        let profile = Profile::of(table.iter().take(1_000).map(traits), 2025, numbered);
        let cast = Cast::new(profile.clone());
        let canaries: Vec<Person> = (0..people).map(|_| cast.person(dice.next_u64())).collect();
        let before: Vec<Person> = (0..people)
            .map(|_| Generator::new(dice.next_u64()).person_at(0))
            .collect();
        println!(
            "{name}: {:.1} % of the people too old for anybody drawn",
            profile.share_too_old() * 100.0
        );
        let mut say = |what: &str, who: &[Person], sees: Sees| {
            println!("  {what}  {}", told_apart(&table, who, sees, &mut dice));
        };
        say("people of one sort", &before, Sees::People);
        say("people by profile ", &canaries, Sees::People);
        if numbered {
            say("and the ID's place", &canaries, Sees::Places);
        }
        say("and number plans  ", &canaries, Sees::Plans);
    }
    Ok(())
}

/// What a classifier looks at.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Sees {
    /// What the profile counts, and forms of names, addresses and numbers.
    People,
    /// Also the province in the first two digits of the resident ID, beside that of the address.
    Places,
    /// Also whether the number plans know the head of the mobile number, which they do for
    /// everybody's but a canary's.
    Plans,
}

/// A number below `size`.
fn below(dice: &mut impl Rng, size: u64) -> u64 {
    ((u128::from(dice.next_u64()) * u128::from(size)) >> 64) as u64
}

/// One of the table's people.
fn townsman(dice: &mut ChaCha8Rng) -> Person {
    // The sum of dice is about a bell: around 1986, and the older around 1963.
    let bell: u64 = (0..4).map(|_| below(dice, 13)).sum();
    let year = u16::try_from(if below(dice, 10) < 7 {
        1962 + bell
    } else {
        1939 + bell
    })
    .unwrap_or(1980);
    let old = year < 1975;
    let sex = if below(dice, 100) < if old { 50 } else { 38 } {
        Sex::Male
    } else {
        Sex::Female
    };
    let coast = [33_u8, 31, 32, 44, 35, 33, 33, 31];
    let inland = [34_u8, 41, 36, 42, 51, 50, 61, 43];
    let list = if below(dice, 100) < if old { 60 } else { 75 } {
        coast
    } else {
        inland
    };
    let province = list[usize::try_from(below(dice, 8)).unwrap_or(0)];
    let name = if below(dice, 100) < if old { 35 } else { 12 } {
        2
    } else {
        3
    };
    let alone = Traits {
        year: Some(year),
        province: Some(province),
        sex: Some(sex),
        name: Some(name),
    };
    let cast = Cast::new(Profile::of(std::iter::repeat_n(alone, 5), 2025, false));
    let mut person = cast.person(dice.next_u64());
    person.birth.year = year;
    // Of the ID only the place is looked at. Six in seven live where they were first registered,
    // the others come from anywhere here: our own choice.
    let registered = if below(dice, 7) > 0 {
        province
    } else {
        let all = [coast, inland].concat();
        all[usize::try_from(below(dice, 16)).unwrap_or(0)]
    };
    person.resident_id = registered.to_string();
    person
}

fn traits(person: &Person) -> Traits {
    Traits {
        year: Some(person.birth.year),
        province: liuhen_invented::province_of(&person.address),
        sex: Some(person.sex),
        name: Some(person.name.chars().count()),
    }
}

fn features(person: &Person, is_canary: bool, sees: Sees) -> Vec<usize> {
    let birth = person.birth;
    let name: Vec<char> = person.name.chars().collect();
    let mut texts = vec![
        format!("decade {}", birth.year / 10),
        format!("half {}", birth.year / 5),
        format!("sex {}", person.sex.label()),
        format!(
            "province {:?}",
            liuhen_invented::province_of(&person.address)
        ),
        format!("length {}", name.len()),
        format!("surname {}", name[0]),
        format!("address {}", person.address.chars().count() / 3),
        format!(
            "building {}",
            ["栋", "幢", "号楼"]
                .iter()
                .filter(|word| person.address.contains(**word))
                .count()
        ),
        format!("head {}", &person.mobile[..3]),
        format!("born {} {}", birth.year / 10, name.len()),
        format!("sex {} {}", birth.year / 10, person.sex.label()),
    ];
    texts.extend(name[1..].iter().map(|c| format!("given {c}")));
    if sees >= Sees::Places {
        let (place, home) = (
            person.resident_id.get(..2),
            liuhen_invented::province_of(&person.address),
        );
        let same = place.and_then(|place| place.parse().ok()) == home;
        texts.push(format!("place {place:?}"));
        texts.push(format!("place same {same} {}", birth.year / 10));
    }
    if sees == Sees::Plans {
        texts.push(format!("head unassigned {is_canary}"));
    }
    texts.iter().map(|text| hash(text)).collect()
}

/// FNV-1a, folded.
fn hash(text: &str) -> usize {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    });
    (hash >> 51) as usize % WEIGHTS
}

/// The area under the curve of a logistic regression, with its interval.
fn told_apart(table: &[Person], canaries: &[Person], sees: Sees, dice: &mut ChaCha8Rng) -> String {
    let seen = |people: &[Person], canary: bool| -> Vec<(Vec<usize>, f64)> {
        people
            .iter()
            .map(|person| (features(person, canary, sees), f64::from(u8::from(canary))))
            .collect()
    };
    let (people, canaries) = (seen(table, false), seen(canaries, true));
    let half = people.len() / 2;
    let mut training: Vec<&(Vec<usize>, f64)> =
        people[..half].iter().chain(&canaries[..half]).collect();
    let mut weights = vec![0.0; WEIGHTS];
    for pass in 0..PASSES {
        let step = 0.1 / (1.0 + pass as f64);
        for at in (1..training.len()).rev() {
            training.swap(at, usize::try_from(below(dice, at as u64 + 1)).unwrap_or(0));
        }
        for (features, label) in &training {
            let sum: f64 = features.iter().map(|at| weights[*at]).sum();
            let error = label - 1.0 / (1.0 + (-sum).exp());
            for at in features {
                weights[*at] += step * (error - 0.001 * weights[*at]);
            }
        }
    }
    let score = |one: &(Vec<usize>, f64)| -> f64 { one.0.iter().map(|at| weights[*at]).sum() };
    let (low, high) = (
        people[half..].iter().map(score).collect::<Vec<_>>(),
        canaries[half..].iter().map(score).collect::<Vec<_>>(),
    );
    let area = area(&low, &high);
    let error = standard_error(area, low.len() as f64, high.len() as f64);
    format!(
        "{area:.3} ({:.3} to {:.3})",
        area - 1.96 * error,
        (area + 1.96 * error).min(1.0)
    )
}

/// The chance that one of `high` scores above one of `low`, ties half (Mann and Whitney).
fn area(low: &[f64], high: &[f64]) -> f64 {
    let mut low = low.to_vec();
    low.sort_by(f64::total_cmp);
    let won = high.iter().map(|score| {
        let under = low.partition_point(|other| other < score);
        let tied = low.partition_point(|other| other <= score) - under;
        under as f64 + tied as f64 / 2.0
    });
    won.sum::<f64>() / (low.len() * high.len()) as f64
}

/// Rule: J. A. Hanley and B. J. McNeil, Radiology 143(1), 1982.
fn standard_error(area: f64, low: f64, high: f64) -> f64 {
    let (q1, q2) = (area / (2.0 - area), 2.0 * area * area / (1.0 + area));
    let spread = (high - 1.0) * (q1 - area * area) + (low - 1.0) * (q2 - area * area);
    ((area * (1.0 - area) + spread) / (low * high)).sqrt()
}
