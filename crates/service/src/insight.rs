//! What pages draw: events, reads per reader and day, health, the log's public files.

use std::collections::BTreeMap;
use std::time::Duration;

use liuhen_tlog::tile::TileId;
use liuhen_vault::store::{KeyRange, Space};
use serde::{Deserialize, Serialize};

use crate::caller::{Caller, Role};
use crate::error::{Result, ServiceError};
use crate::event::Action;
use crate::ledger::{DayCount, EventRow, EventView};
use crate::{Service, ids};

/// How many rows of the projection one query may look through for its filter.
const LOOK_THROUGH: usize = 20_000;

/// How long a page waits for the projection to follow the log: many times what the projector gathers.
const CATCH_UP: Duration = Duration::from_secs(5);

/// Days a chart may span.
const DAYS_AT_MOST: u32 = 731;

/// Which events to show.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct EventQuery {
    /// Only events before this index.
    pub before: Option<u64>,
    /// How many.
    pub limit: usize,
    /// Only this action, by its stable name.
    pub action: Option<String>,
    /// Only this caller id.
    pub who: Option<String>,
    /// Only this subject.
    pub subject: Option<String>,
}

/// Reads per reader and day.
#[derive(Debug, Clone, Serialize)]
pub struct Stats {
    /// Days, oldest first, `YYYY-MM-DD`.
    pub days: Vec<String>,
    /// One series per reader, most active first.
    pub readers: Vec<ReaderSeries>,
    /// Refusals per day, all readers together.
    pub refused: Vec<u64>,
}

/// Reads of one reader.
#[derive(Debug, Clone, Serialize)]
pub struct ReaderSeries {
    /// Caller id.
    pub who: String,
    /// As shown.
    pub name: String,
    /// Persons read per day, in the order of [`Stats::days`].
    pub counts: Vec<u64>,
}

/// How the vault is.
#[derive(Debug, Clone, Serialize)]
pub struct Health {
    /// Whether reads are answered: the trace can be written.
    pub ok: bool,
    /// Leaves durable in the log.
    pub log_size: u64,
    /// Leaves under the latest checkpoint.
    pub checkpoint_size: u64,
    /// Leaves the projection has taken in.
    pub projected: u64,
}

/// Whoever administers, investigates or approves may watch the trace.
fn may_watch(caller: &Caller, what: &'static str) -> Result<()> {
    let any = [Role::Admin, Role::Investigator, Role::Approver];
    if any.into_iter().any(|role| caller.has(role)) {
        return Ok(());
    }
    caller.need(Role::Investigator, what)
}

/// Proof that a leaf lies in the log.
#[derive(Debug, Clone, Serialize)]
pub struct ProofView {
    /// Index of the leaf.
    pub index: u64,
    /// Its hash, hexadecimal.
    pub leaf_hash: String,
    /// Size of the tree the path leads to.
    pub size: u64,
    /// Hashes from leaf to root, hexadecimal (RFC 9162, 2.1.3).
    pub path: Vec<String>,
    /// The signed checkpoint of that tree.
    pub checkpoint: String,
}

impl Service {
    /// Events, newest first: all that were released before this was asked, though the projection is written behind.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Forbidden`] for a caller who is neither administrator, investigator nor approver.
    pub fn events(&self, caller: &Caller, query: &EventQuery) -> Result<Vec<EventView>> {
        may_watch(caller, "see the trace")?;
        self.ledger().catch_up_blocking(CATCH_UP)?;
        let mut range = KeyRange::all();
        if let Some(before) = query.before {
            range = range.before(&before.to_be_bytes());
        }
        let limit = query.limit.clamp(1, 1000);
        let mut found = Vec::with_capacity(limit);
        let mut looked = 0;
        while found.len() < limit && looked < LOOK_THROUGH {
            let page = self.store().scan(Space::Events, &range, 1000, true)?;
            looked += page.len();
            let Some((last, _)) = page.last() else { break };
            range = range.before(last);
            for (key, value) in &page {
                let mut row: EventRow =
                    serde_json::from_slice(value).map_err(|_| ServiceError::Damaged("event"))?;
                // Administrators and approvers may be readers too: only an investigator is told who is a decoy.
                if !caller.has(Role::Investigator) && row.event.action == Action::Decoy {
                    continue;
                }
                if caller.has(Role::Investigator) && row.decoy.is_some() {
                    let told = ("decoy".to_owned(), "shown".to_owned());
                    row.event.details.push(told);
                }
                let view = EventView {
                    index: key.as_slice().try_into().map_or(0, u64::from_be_bytes),
                    subject: row.subject.or(row.decoy).map(|id| id.to_string()),
                    event: row.event,
                };
                if found.len() < limit && fits(query, &view) {
                    found.push(view);
                }
            }
        }
        Ok(found)
    }

    /// Reads per reader and day, for the last `days` days.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Forbidden`] as for [`Service::events`].
    pub fn stats(&self, caller: &Caller, days: u32) -> Result<Stats> {
        may_watch(caller, "see the readers")?;
        self.ledger().catch_up_blocking(CATCH_UP)?;
        let count = days.clamp(1, DAYS_AT_MOST);
        let days: Vec<String> = (0..i64::from(count))
            .rev()
            .map(|back| crate::clock::day(self.now() - back * 86_400_000))
            .collect();
        let first = days.first().cloned().unwrap_or_default();
        let mut readers: BTreeMap<String, ReaderSeries> = BTreeMap::new();
        let mut refused = vec![0; days.len()];
        for (key, count) in self.day_counts(&first)? {
            let Some((day, who)) = key.split_once('/') else {
                continue;
            };
            let Ok(at) = days.binary_search_by(|known| known.as_str().cmp(day)) else {
                continue;
            };
            refused[at] += count.refused;
            let series = readers
                .entry(who.to_owned())
                .or_insert_with(|| ReaderSeries {
                    who: who.to_owned(),
                    name: String::new(),
                    counts: vec![0; days.len()],
                });
            series.name = count.name;
            series.counts[at] += count.released;
        }
        let mut readers: Vec<ReaderSeries> = readers.into_values().collect();
        readers.sort_by_key(|series| std::cmp::Reverse(series.counts.iter().sum::<u64>()));
        Ok(Stats {
            days,
            readers,
            refused,
        })
    }

    fn day_counts(&self, first: &str) -> Result<Vec<(String, DayCount)>> {
        let mut counts = Vec::new();
        let mut range = KeyRange::from(first.as_bytes());
        loop {
            let page = self.store().scan(Space::Stats, &range, 1000, false)?;
            let Some((last, _)) = page.last() else {
                return Ok(counts);
            };
            range = range.after(last);
            for (key, value) in page {
                let count =
                    serde_json::from_slice(&value).map_err(|_| ServiceError::Damaged("count"))?;
                counts.push((String::from_utf8_lossy(&key).into_owned(), count));
            }
        }
    }

    /// Whether reads are answered, and how far the log is.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub fn health(&self) -> Result<Health> {
        Ok(Health {
            ok: self.log.poisoned().is_none(),
            log_size: self.log.size(),
            checkpoint_size: self.log.checkpoint().size(),
            projected: crate::ledger::projected_size(self.store())?,
        })
    }

    /// Events as they are traced.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Forbidden`] as for [`Service::events`]: who may see the past may see the present.
    pub fn subscribe(
        &self,
        caller: &Caller,
    ) -> Result<tokio::sync::broadcast::Receiver<EventView>> {
        may_watch(caller, "see the trace")?;
        Ok(self.ledger().subscribe())
    }

    /// The log's verifier key (C2SP signed-note).
    pub fn log_vkey(&self) -> String {
        self.log.verifier().to_string()
    }

    /// The statements by which the log's first key leads to its current one: signed notes, oldest first, an empty line between them; nothing while the key never changed.
    pub fn log_keys(&self) -> String {
        self.log.keys().to_string()
    }

    /// A tile or entry bundle of the log (C2SP tlog-tiles); none when the log has it not, or no more.
    ///
    /// # Errors
    ///
    /// When the disk fails.
    pub fn tile(&self, id: TileId) -> Result<Option<Vec<u8>>> {
        match std::fs::read(self.log.dir().join(id.to_string())) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(ServiceError::Io {
                what: "read a tile",
                source,
            }),
        }
    }

    /// Proves that leaf `index` lies under the latest checkpoint.
    ///
    /// # Errors
    ///
    /// [`ServiceError::NotFound`] while no checkpoint covers it (one does within a second).
    pub fn proof(&self, index: u64) -> Result<ProofView> {
        let checkpoint = self.log.checkpoint();
        if index >= checkpoint.size() {
            return Err(ServiceError::NotFound("leaf under the latest checkpoint"));
        }
        let leaf = self.log.leaf(index)?;
        Ok(ProofView {
            index,
            leaf_hash: ids::hex(&liuhen_tlog::leaf_hash(&leaf).0),
            size: checkpoint.size(),
            path: self.path_hex(index, checkpoint.size())?,
            checkpoint: checkpoint.to_string(),
        })
    }

    pub(crate) fn path_hex(&self, index: u64, size: u64) -> Result<Vec<String>> {
        Ok(self
            .log
            .inclusion(index, size)?
            .iter()
            .map(|hash| ids::hex(&hash.0))
            .collect())
    }

    /// Persons in the vault.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub fn event_count(&self) -> Result<u64> {
        crate::ledger::projected_size(self.store())
    }
}

fn fits(query: &EventQuery, view: &EventView) -> bool {
    query
        .action
        .as_deref()
        .is_none_or(|action| view.event.action.name() == action)
        && query.who.as_deref().is_none_or(|who| view.event.who == who)
        && query
            .subject
            .as_deref()
            .is_none_or(|subject| view.subject.as_deref() == Some(subject))
}
