//! Who read the persons of a leak one by one: a ranking, never an accusation.
//!
//! Two views of the same reads, averaged since they depend on each other: over the whole log, and within strata of role, day and task, where a reader is compared only with those who did the same sort of work on the same day.
//! The arithmetic and what it assumes are [`liuhen_fingerprint::reads`]'s.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use liuhen_fingerprint::evalue::{EValue, ModelBased};
use liuhen_fingerprint::reads::{Look, ReaderScore, Stratum, rank, strata};
use liuhen_vault::SubjectId;
use liuhen_vault::store::{KeyRange, Space};
use serde::{Deserialize, Serialize};

use crate::Service;
use crate::error::{Result, ServiceError};
use crate::event::{Action, Event, Outcome};
use crate::ledger::EventRow;

/// Readers shown.
const READERS_SHOWN: usize = 20;

/// How long a ranking waits for the projection to hold what was traced before it.
const CATCH_UP: Duration = Duration::from_secs(60);
/// Rows of the projection read at a time.
const PAGE: usize = 2000;

/// A reader, ranked by how far his reads of the leaked persons exceed chance.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReaderRank {
    /// Caller id.
    pub who: String,
    /// As shown.
    pub name: String,
    /// Persons he read in all.
    pub read: u64,
    /// Leaked persons he read.
    pub leaked_read: u64,
    /// How many one would expect if the leak had nothing to do with him.
    pub expected: f64,
    /// Chance of reading as many or more of them then.
    pub p: f64,
    /// The same chance when he is compared only with readers of his own sort, on the same days, for the same purposes.
    #[serde(default)]
    pub p_within: Option<f64>,
    /// Both views in one, natural logarithm of a calibrated e-value; it ranks, and never accuses.
    #[serde(default)]
    pub ln_e: f64,
}

/// Role (as the sort of caller), day and declared purpose of a read.
type Work = (String, String, String);

/// Everything that was read in plain.
#[derive(Default)]
struct Reads {
    readers: Vec<Reader>,
    reader_at: HashMap<String, usize>,
    work_at: HashMap<Work, usize>,
    /// Reader and work by position.
    looks: Vec<Look<usize, SubjectId>>,
    anyone: HashSet<SubjectId>,
}

struct Reader {
    who: String,
    name: String,
    persons: HashSet<SubjectId>,
}

impl Reads {
    fn note(&mut self, event: Event, subject: SubjectId) {
        let next = self.work_at.len();
        let stratum = *self.work_at.entry(work_of(&event)).or_insert(next);
        let next = self.readers.len();
        let reader = *self.reader_at.entry(event.who.clone()).or_insert(next);
        if reader == next {
            self.readers.push(Reader {
                who: event.who,
                name: String::new(),
                persons: HashSet::new(),
            });
        }
        if let Some(known) = self.readers.get_mut(reader) {
            known.name = event.name;
            known.persons.insert(subject);
        }
        self.anyone.insert(subject);
        self.looks.push(Look {
            reader,
            stratum,
            person: subject,
        });
    }

    /// Each reader against all others, over the whole log.
    fn whole(&self, leaked: &HashSet<SubjectId>) -> Vec<Vec<Stratum>> {
        let persons = self.anyone.union(leaked).count() as u64;
        let one = |reader: &Reader| {
            vec![Stratum {
                persons,
                leaked: leaked.len() as u64,
                read: reader.persons.len() as u64,
                both: reader.persons.intersection(leaked).count() as u64,
            }]
        };
        self.readers.iter().map(one).collect()
    }
}

/// The sort of work a read belongs to.
fn work_of(event: &Event) -> Work {
    let sort = event.who.split(':').next().unwrap_or_default();
    let day = event.time.get(..10).unwrap_or_default();
    let purpose = event.purpose.clone().unwrap_or_default();
    (sort.to_owned(), day.to_owned(), purpose)
}

impl Service {
    /// Ranks readers by how many of the leaked persons they read one by one, in everything that was traced before it was asked.
    pub(crate) fn rank_readers(&self, leaked: &HashSet<SubjectId>) -> Result<Vec<ReaderRank>> {
        if leaked.is_empty() {
            return Ok(Vec::new());
        }
        self.ledger().catch_up_blocking(CATCH_UP)?;
        ranks(&self.reads()?, leaked)
    }

    fn reads(&self) -> Result<Reads> {
        let mut reads = Reads::default();
        let mut range = KeyRange::all();
        loop {
            let page = self.store().scan(Space::Events, &range, PAGE, false)?;
            let Some((last, _)) = page.last() else {
                return Ok(reads);
            };
            range = range.after(last);
            for (_, value) in &page {
                let row: EventRow =
                    serde_json::from_slice(value).map_err(|_| ServiceError::Damaged("event"))?;
                let Some(subject) = row.subject else { continue };
                if row.event.action == Action::Read && row.event.outcome == Outcome::Plain {
                    reads.note(row.event, subject);
                }
            }
        }
    }
}

fn ranks(reads: &Reads, leaked: &HashSet<SubjectId>) -> Result<Vec<ReaderRank>> {
    let whole = scores(&reads.whole(leaked))?;
    // What a whole sort of work never read stays out of it.
    let within = scores(&strata(reads.readers.len(), &reads.looks, leaked))?;
    let mut ranks = Vec::new();
    for (at, reader) in reads.readers.iter().enumerate() {
        let (Some(whole), Some(within)) = (whole.get(&at), within.get(&at)) else {
            continue;
        };
        if whole.both > 0 {
            ranks.push(ReaderRank {
                who: reader.who.clone(),
                name: reader.name.clone(),
                read: whole.read,
                leaked_read: whole.both,
                expected: whole.expected,
                p: whole.ln_p.exp(),
                p_within: Some(within.ln_p.exp()),
                ln_e: both(whole.evidence, within.evidence)?.ln(),
            });
        }
    }
    ranks.sort_by(|a, b| b.ln_e.total_cmp(&a.ln_e).then_with(|| a.who.cmp(&b.who)));
    ranks.truncate(READERS_SHOWN);
    Ok(ranks)
}

/// Scores by position of the reader.
fn scores(strata: &[Vec<Stratum>]) -> Result<HashMap<usize, ReaderScore>> {
    let scores = rank(strata).map_err(|error| ServiceError::Invalid(error.to_string()))?;
    Ok(scores
        .into_iter()
        .map(|score| (score.reader, score))
        .collect())
}

/// Two views of the same reads depend on each other, so they are averaged.
fn both(whole: EValue<ModelBased>, within: EValue<ModelBased>) -> Result<EValue<ModelBased>> {
    EValue::average(&[(whole, 0.5), (within, 0.5)])
        .map_err(|error| ServiceError::Invalid(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(n: u16) -> SubjectId {
        let mut bytes = [0; 16];
        bytes[..2].copy_from_slice(&n.to_be_bytes());
        SubjectId::from_bytes(bytes)
    }

    fn event(who: &str, day: u8, purpose: &str) -> Event {
        Event {
            v: 1,
            time: format!("2026-11-{day:02}T08:00:00.000Z"),
            action: Action::Read,
            outcome: Outcome::Plain,
            who: who.to_owned(),
            name: who.to_owned(),
            purpose: Some(purpose.to_owned()),
            fields: Vec::new(),
            decision: None,
            policies: None,
            details: Vec::new(),
        }
    }

    /// Four clerks read 50 persons a day each at random; a fifth works another day on exactly those who leak.
    #[test]
    fn whoever_read_the_leaked_leads_and_his_day_alone_accuses_nobody() {
        let mut reads = Reads::default();
        for clerk in 0..4_u16 {
            for n in 0..50_u16 {
                let person = (n * 37 + clerk * 101) % 400;
                reads.note(event(&format!("staff:{clerk}"), 1, "desk"), subject(person));
            }
        }
        let leaked: HashSet<SubjectId> = (500..530).map(subject).collect();
        for person in &leaked {
            reads.note(event("staff:9", 2, "desk"), *person);
        }
        let ranks = ranks(&reads, &leaked).unwrap();
        assert_eq!(ranks.len(), 1, "nobody else read one of them");
        let first = &ranks[0];
        assert_eq!(
            (first.who.as_str(), first.leaked_read, first.read),
            ("staff:9", 30, 30)
        );
        assert!(first.p < 1e-20, "{}", first.p);
        // The only reader of that day read all of his stratum, as anyone in his place would have.
        let within = first.p_within.unwrap();
        assert!((within - 1.0).abs() < 1e-9, "{within}");
    }

    #[test]
    fn heavy_but_ordinary_work_is_explained_by_its_stratum() {
        let mut reads = Reads::default();
        // Both leaked persons were delivered to on the couriers' day; the desk never saw them.
        for person in 0..20 {
            reads.note(event("key:a", 1, "delivery"), subject(person));
            reads.note(event("key:b", 1, "delivery"), subject(person));
        }
        for person in 100..900 {
            reads.note(event("staff:1", 1, "desk"), subject(person));
        }
        let leaked: HashSet<SubjectId> = (0..20).map(subject).collect();
        let ranks = ranks(&reads, &leaked).unwrap();
        assert_eq!(ranks.len(), 2);
        for rank in ranks {
            assert!(rank.p < 1e-20);
            assert!((rank.p_within.unwrap() - 1.0).abs() < 1e-9);
        }
    }
}
