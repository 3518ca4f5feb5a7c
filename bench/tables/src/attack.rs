//! The attacks, and the table of what became of them.

use std::io::Write;
use std::time::Instant;

use anyhow::{Context as _, Result};
use encoding_rs::GB18030;
use liuhen_fingerprint::evalue::Epsilon;
use liuhen_fingerprint::model::Strategy;
use liuhen_fingerprint::simulate::{Attack, Dice, share_interval};

use crate::people::{COLUMNS, HOME, ID, MOBILE, People, Row};
use crate::trial::{House, draw};

const SEED: u64 = 20_261_122;

/// Rows of the table that everybody got.
const ROWS: usize = 20_000;

/// Copies issued.
const COPIES: usize = 1_000;

/// Rows leaked where the attack is about something else than deletion: by one, and by several.
const LEAKED: usize = 1_000;
const LEAKED_TOGETHER: usize = 2_000;

/// The honest mixture of one leaker, who has nothing to mix.
const ALONE: Attack = Attack::Mix(Strategy::Interleave);

/// What is done to the finished file.
#[derive(Clone, Copy)]
enum Disguise {
    None,
    /// Rows and columns in another order, written as GB 18030 with tabs, and read again.
    Reencoded,
    /// Addresses in full width, with spaces between the characters.
    Wide,
    /// Commas between the parts of an address, quotes around it.
    Punctuated,
    /// Each character of an address wrong with this probability.
    Mistyped(f64),
    /// Each address as above, with full width and punctuation too.
    Retyped(f64),
}

/// One attack.
struct Case {
    name: String,
    leakers: usize,
    keep: usize,
    without: Vec<usize>,
    mix: Attack,
    flip: f64,
    disguise: Disguise,
    foreign: usize,
}

impl Case {
    fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            leakers: 1,
            keep: LEAKED,
            without: Vec::new(),
            mix: ALONE,
            flip: 0.0,
            disguise: Disguise::None,
            foreign: 0,
        }
    }
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (percent, keep) in [("90", 2_000), ("98", 400), ("99", 200), ("99.5", 100)] {
        cases.push(Case {
            keep,
            ..Case::new(format!("{percent} % of rows deleted"))
        });
    }
    for (name, without) in [
        ("resident ID deleted", vec![ID]),
        ("resident ID and mobile deleted", vec![ID, MOBILE]),
        ("addresses deleted (canaries remain)", vec![HOME]),
    ] {
        cases.push(Case {
            without,
            ..Case::new(name)
        });
    }
    for (name, disguise) in [
        ("shuffled, re-encoded as GB 18030", Disguise::Reencoded),
        ("addresses in full width, spaced out", Disguise::Wide),
        ("addresses with other punctuation", Disguise::Punctuated),
        (
            "1 % of an address's characters wrong",
            Disguise::Mistyped(0.01),
        ),
        (
            "5 % of an address's characters wrong",
            Disguise::Mistyped(0.05),
        ),
        (
            "20 % of an address's characters wrong",
            Disguise::Mistyped(0.2),
        ),
        (
            "re-typed: 5 % wrong, full width, punctuation",
            Disguise::Retyped(0.05),
        ),
    ] {
        cases.push(Case {
            disguise,
            ..Case::new(name)
        });
    }
    cases.push(Case {
        disguise: Disguise::Retyped(0.05),
        without: vec![ID, MOBILE],
        ..Case::new("the same without resident ID and mobile")
    });
    for flip in [1_u8, 5, 10, 20, 40] {
        cases.push(Case {
            flip: f64::from(flip) / 100.0,
            ..Case::new(format!("{flip} % of forms flipped"))
        });
    }
    cases.push(Case {
        foreign: 10 * LEAKED,
        ..Case::new("among ten times as many foreign rows")
    });
    cases.extend(collusions());
    cases
}

fn collusions() -> Vec<Case> {
    let mixes = [
        ("interleave", Strategy::Interleave),
        ("majority", Strategy::Majority),
        ("minority", Strategy::Minority),
        ("coin", Strategy::Coin),
        ("all-1", Strategy::AllOnes),
        ("all-0", Strategy::AllZeros),
        ("drop every difference", Strategy::Agreement),
    ];
    let of = |leakers: usize| {
        mixes.map(|(name, strategy)| Case {
            leakers,
            keep: LEAKED_TOGETHER,
            mix: Attack::Mix(strategy),
            ..Case::new(format!("{leakers} collude: {name}"))
        })
    };
    let mut cases: Vec<Case> = [2, 3, 5, 8, 10].into_iter().flat_map(of).collect();
    cases.push(Case {
        leakers: 10,
        keep: ROWS,
        mix: Attack::Mix(Strategy::Agreement),
        ..Case::new("10 collude: drop every difference, all rows")
    });
    cases
}

/// What became of an attack's trials.
#[derive(Default)]
struct Outcome {
    trials: usize,
    rows: u64,
    marks: usize,
    /// Trials in which at least one leaker was accused.
    caught: usize,
    leakers: usize,
    leakers_caught: usize,
    innocents: usize,
    innocents_accused: usize,
}

/// Runs every attack and writes the page, line by line.
pub(crate) fn report(trials: usize, page: &mut impl Write) -> Result<()> {
    let people = People::new(SEED, ROWS);
    let load_before = load();
    let started = Instant::now();
    head(trials, &people, page)?;
    let mut all = Outcome::default();
    for (number, case) in cases().iter().enumerate() {
        let outcome = run(&people, case, trials, SEED + 1_000 * number as u64)?;
        line(page, case, &outcome)?;
        page.flush()?;
        all.innocents += outcome.innocents;
        all.innocents_accused += outcome.innocents_accused;
    }
    let (_, most) = share_interval(all.innocents_accused, all.innocents);
    write!(
        page,
        "
Over all attacks together, {} of {} innocent copies were accused: at most {:.5} % at 95 % confidence. \
That the true share is far smaller is proved (`fingerprint::decode`), not measured.

The run took {:.0} s; load average {load_before} before it and {} after it: other work was under \
way, so the time says little, and the counts do not depend on it.
{NOTES}",
        all.innocents_accused,
        all.innocents,
        100.0 * most,
        started.elapsed().as_secs_f64(),
        load(),
    )?;
    Ok(())
}

/// What stands above the lines.
fn head(trials: usize, people: &People, page: &mut impl Write) -> Result<()> {
    write!(
        page,
        "# Attacks on marked tables

Each attack meets {COPIES} copies of a table of {ROWS} invented people (name, resident ID, mobile, \
date of birth, address), marked by `fingerprint::table` and carrying canaries by plan; an address \
carries {:.2} symbols on average, nothing else carries any. ε = 10⁻⁶ for all innocent copies \
together. Every trial draws new keys, leakers, rows and attackers' choices. Where an attack is not \
about deletion, {LEAKED} rows of one copy leak, or {LEAKED_TOGETHER} made of several.

```sh
cargo run --release -p liuhen-bench-tables -- attacks {trials}
```

Seed {SEED}; {trials} trials an attack. In brackets: exact 95 % intervals (Clopper and Pearson).

| attack | rows led back | symbols read | trials with a leaker caught | leakers caught | innocents accused |
|---|---|---|---|---|---|
",
        symbols_a_row(people)
    )?;
    Ok(())
}

fn run(people: &People, case: &Case, trials: usize, seed: u64) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    for trial in 0..trials as u64 {
        let mut dice = Dice::new(seed + trial);
        let house = House::new(people, COPIES, Epsilon::DEFAULT, &mut dice)?;
        let leakers = draw(case.leakers, COPIES, &mut dice);
        let file = file(&house, case, &leakers, &mut dice)?;
        let found = house.trace(&file, Epsilon::DEFAULT)?;
        let accused: Vec<usize> = found
            .traced
            .accused()
            .iter()
            .map(|copy| copy.copy)
            .collect();
        let guilty = accused.iter().filter(|copy| leakers.contains(copy)).count();
        outcome.trials += 1;
        outcome.rows += found.rows;
        outcome.marks += found.traced.marks_seen;
        outcome.caught += usize::from(guilty > 0);
        outcome.leakers += leakers.len();
        outcome.leakers_caught += guilty;
        outcome.innocents += COPIES - leakers.len();
        outcome.innocents_accused += accused.len() - guilty;
    }
    Ok(outcome)
}

/// The file that turns up.
fn file(house: &House<'_>, case: &Case, leakers: &[usize], dice: &mut Dice) -> Result<Vec<Row>> {
    let share = part(case.keep, ROWS);
    let mut file = house.canary_rows(leakers, case.mix, share, dice);
    for at in draw(case.keep, ROWS, dice) {
        file.push(house.row(leakers, at, case.mix, case.flip, dice));
    }
    if case.foreign > 0 {
        let others = People::new(dice.word(), case.foreign);
        file.extend(others.rows.into_iter().map(|row| row.map(Some)));
    }
    for row in &mut file {
        for column in &case.without {
            row[*column] = None;
        }
        if let Some(home) = &mut row[HOME] {
            *home = disguised(home, case.disguise, dice);
        }
    }
    match case.disguise {
        Disguise::Reencoded => reencoded(&file, dice),
        _ => Ok(file),
    }
}

fn disguised(home: &str, disguise: Disguise, dice: &mut Dice) -> String {
    match disguise {
        Disguise::None | Disguise::Reencoded => home.to_owned(),
        Disguise::Wide => home
            .chars()
            .flat_map(|c| [widened(c), '\u{3000}'])
            .collect(),
        Disguise::Punctuated => punctuated(home),
        Disguise::Mistyped(rate) => mistyped(home, rate, dice),
        Disguise::Retyped(rate) => punctuated(&mistyped(home, rate, dice))
            .chars()
            .map(widened)
            .collect(),
    }
}

fn widened(c: char) -> char {
    match c {
        '!'..='~' => char::from_u32(u32::from(c) + 0xfee0).unwrap_or(c),
        _ => c,
    }
}

fn punctuated(home: &str) -> String {
    let mut written = String::from("“");
    for c in home.chars() {
        written.push(c);
        if matches!(c, '省' | '市' | '区' | '县' | '号') {
            written.push('，');
        }
    }
    written + "”"
}

/// Replaces characters by others that turn up in addresses.
fn mistyped(home: &str, rate: f64, dice: &mut Dice) -> String {
    const OTHERS: [char; 12] = [
        '东', '西', '中', '新', '大', '和', '1', '3', '7', '0', '园', '里',
    ];
    home.chars()
        .map(|c| {
            if dice.chance(rate) {
                OTHERS[dice.below(OTHERS.len())]
            } else {
                c
            }
        })
        .collect()
}

/// Through a file: rows and columns shuffled, tabs, GB 18030, and back.
fn reencoded(file: &[Row], dice: &mut Dice) -> Result<Vec<Row>> {
    let columns = draw(COLUMNS.len(), COLUMNS.len(), dice);
    let mut writer = csv::WriterBuilder::new()
        .delimiter(b'\t')
        .from_writer(Vec::new());
    writer.write_record(columns.iter().map(|column| COLUMNS[*column].0))?;
    for at in draw(file.len(), file.len(), dice) {
        writer.write_record(
            columns
                .iter()
                .map(|column| file[at][*column].as_deref().unwrap_or("")),
        )?;
    }
    let written = String::from_utf8(writer.into_inner()?)?;
    let (bytes, ..) = GB18030.encode(&written);
    let (text, ..) = GB18030.decode(&bytes);
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(b'\t')
        .from_reader(text.as_bytes());
    let header = reader.headers()?.clone();
    let place = |column: usize| header.iter().position(|name| name == COLUMNS[column].0);
    let places: Vec<usize> = (0..COLUMNS.len())
        .map(|column| place(column).context("a column was lost"))
        .collect::<Result<_>>()?;
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record?;
        rows.push(std::array::from_fn(|column| {
            record
                .get(places[column])
                .filter(|cell| !cell.is_empty())
                .map(str::to_owned)
        }));
    }
    Ok(rows)
}

#[expect(clippy::cast_precision_loss, reason = "counts of trials and rows")]
fn part(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}

fn percent(count: usize, of: usize) -> String {
    let (low, high) = share_interval(count, of);
    format!(
        "{:.0} % ({:.0} to {:.0})",
        100.0 * part(count, of),
        100.0 * low,
        100.0 * high
    )
}

fn line(page: &mut impl Write, case: &Case, outcome: &Outcome) -> Result<()> {
    let trials = outcome.trials.max(1);
    let (_, most) = share_interval(outcome.innocents_accused, outcome.innocents);
    writeln!(
        page,
        "| {} | {} | {} | {} | {} | {} of {} (at most {:.4} %) |",
        case.name,
        outcome.rows / trials as u64,
        outcome.marks / trials,
        percent(outcome.caught, outcome.trials),
        percent(outcome.leakers_caught, outcome.leakers),
        outcome.innocents_accused,
        outcome.innocents,
        100.0 * most,
    )?;
    Ok(())
}

/// The machine's load, as Linux tells it.
fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(3).collect::<Vec<&str>>().join(" ")
}

fn symbols_a_row(people: &People) -> f64 {
    let of = |row: &[String; COLUMNS.len()]| {
        liuhen_fingerprint::table::capacity(&crate::people::cells(row))
    };
    part(people.rows.iter().map(of).sum(), people.rows.len())
}

const NOTES: &str = "
How to read it:

- \"Drop every difference\" blanks a value wherever the colluders' copies differ in any place of \
it. Many who do that to every address leave few addresses, and those are the ones on which almost \
everybody agrees, innocents included; canaries and rare forms remain.
- Forms flipped by the hundred also make a column of addresses whose style changes at random.
- A row without numbers is found by name and address in the form that all variants share. A wrong \
character in the address then loses the row, not only the place: see \"the same without\".
- A leaked row of somebody who is not in the vault leads nowhere and does no harm.
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_survives_being_written_otherwise() {
        let people = People::new(3, 200);
        let file: Vec<Row> = people
            .rows
            .iter()
            .map(|row| row.clone().map(Some))
            .collect();
        let mut back = reencoded(&file, &mut Dice::new(4)).unwrap();
        assert_ne!(back, file, "rows were to be shuffled");
        let mut file = file;
        back.sort();
        file.sort();
        assert_eq!(back, file);
    }

    #[test]
    fn disguises_change_an_address_and_leave_it_readable() {
        let home = "广东省深圳市南山区科技路88号3栋2单元501室";
        let mut dice = Dice::new(5);
        for disguise in [Disguise::Wide, Disguise::Punctuated, Disguise::Retyped(0.0)] {
            let written = disguised(home, disguise, &mut dice);
            assert_ne!(written, home);
            let seen = liuhen_fingerprint::table::observe("address", home, &written);
            assert!(seen.iter().all(Option::is_some), "{written}");
        }
    }
}
