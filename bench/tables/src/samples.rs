//! Samples: are a few rows enough, and when not, does the tool say how many more?
//!
//! Rule: issue 5, point 8: 200 rows of a 100,000-row export to 1,000 recipients must suffice in at
//! least 95 % of trials at ε = 10⁻⁶.

use std::io::Write;

use anyhow::Result;
use liuhen_fingerprint::evalue::Epsilon;
use liuhen_fingerprint::model::Strategy;
use liuhen_fingerprint::sample::rows_missing;
use liuhen_fingerprint::simulate::{Attack, Dice, share_interval};

use crate::people::{People, Row};
use crate::trial::{Found, House, draw};

const SEED: u64 = 20_261_123;
const ROWS: usize = 100_000;
const COPIES: usize = 1_000;

/// Rows of samples, the last being the issue's.
const LENGTHS: [usize; 6] = [5, 10, 20, 50, 100, 200];

/// Rows drawn of one leaker's copy; a sample is its beginning, and more follow when asked for.
struct Seller<'a> {
    house: House<'a>,
    leaker: usize,
    rows: Vec<Row>,
}

impl<'a> Seller<'a> {
    fn new(people: &'a People, seed: u64) -> Result<Self> {
        let mut dice = Dice::new(seed);
        let house = House::new(people, COPIES, Epsilon::DEFAULT, &mut dice)?;
        let leaker = dice.below(COPIES);
        let alone = Attack::Mix(Strategy::Interleave);
        let rows = draw(1_000, ROWS, &mut dice)
            .into_iter()
            .map(|at| house.row(&[leaker], at, alone, 0.0, &mut dice))
            .collect();
        Ok(Self {
            house,
            leaker,
            rows,
        })
    }

    fn shows(&self, rows: usize) -> Result<Found> {
        let rows = rows.min(self.rows.len());
        self.house.trace(&self.rows[..rows], Epsilon::DEFAULT)
    }

    fn is_caught(&self, found: &Found) -> bool {
        let accused = found.traced.accused();
        accused.iter().any(|copy| copy.copy == self.leaker)
    }
}

/// Runs all lengths and writes a section of a page.
pub(crate) fn report(trials: usize, page: &mut impl Write) -> Result<()> {
    let people = People::new(SEED, ROWS);
    write!(
        page,
        "
## Samples

The first rows of a seller's file: {COPIES} copies of {ROWS} rows, ε = 10⁻⁶, no canary among the rows \
shown. `sample::rows_missing` says how many more rows would accuse a single leaker; the last column \
counts in how many of the trials that were not enough those rows, once shown, were.

```sh
cargo run --release -p liuhen-bench-tables -- samples {trials}
```

Seed {SEED}, {trials} trials; in brackets exact 95 % intervals.

| rows shown | symbols read | leaker accused | innocents accused | more rows named, on average | then accused |
|---|---|---|---|---|---|
"
    )?;
    let mut tallies = LENGTHS.map(|length| Tally {
        length,
        ..Tally::default()
    });
    for trial in 0..trials as u64 {
        // One seller for all lengths: drawing him takes longer than tracing him.
        let seller = Seller::new(&people, SEED + trial)?;
        for tally in &mut tallies {
            tally.count(&seller)?;
        }
    }
    for tally in &tallies {
        page.write_all(tally.line(trials).as_bytes())?;
    }
    Ok(())
}

/// What was seen of samples of one length.
#[derive(Default)]
struct Tally {
    length: usize,
    marks: usize,
    caught: usize,
    innocents: usize,
    /// Trials in which more rows were named, how many in all, and in how many they were enough.
    asked: usize,
    named: usize,
    kept: usize,
}

impl Tally {
    fn count(&mut self, seller: &Seller<'_>) -> Result<()> {
        let found = seller.shows(self.length)?;
        let caught = seller.is_caught(&found);
        self.marks += found.traced.marks_seen;
        self.innocents += found.traced.accused().len() - usize::from(caught);
        self.caught += usize::from(caught);
        if caught {
            return Ok(());
        }
        if let Some(more) = rows_missing(&found.traced, found.rows) {
            let more = usize::try_from(more)?;
            self.asked += 1;
            self.named += more;
            self.kept += usize::from(seller.is_caught(&seller.shows(self.length + more)?));
        }
        Ok(())
    }

    fn line(&self, trials: usize) -> String {
        let (more, then) = match self.asked {
            0 => ("–".to_owned(), "–".to_owned()),
            asked => ((self.named / asked).to_string(), share(self.kept, asked)),
        };
        format!(
            "| {} | {} | {} | {} | {more} | {then} |\n",
            self.length,
            self.marks / trials.max(1),
            share(self.caught, trials),
            self.innocents,
        )
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of trials")]
fn share(count: usize, of: usize) -> String {
    let (low, high) = share_interval(count, of);
    let share = 100.0 * count as f64 / of.max(1) as f64;
    format!("{share:.1} % ({:.1} to {:.1})", 100.0 * low, 100.0 * high)
}
