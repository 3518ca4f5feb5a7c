//! The trace: every event becomes a durable leaf before its effect, then a row of the projection that pages and charts read.
//!
//! The log is the truth; the projection (spaces Events, SubjectEvents, Stats) follows it within a fraction of a second and is caught up from the write-ahead log after a crash.
//! The write-ahead log carries, beside each leaf, a sealed note (whose event, which counter) so that the projection can be caught up although leaves themselves tell nobody anything.
//!
//! Invariant: a subject's counters n run without gap in the order of the log. A counter is taken and its leaf queued under one lock, so a crash cuts off a tail of the queue and never a piece from its middle.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use liuhen_tlog::entry::{self, MAX_CHUNK};
use liuhen_tlog::{Appended, Log, LogError, MapRoot};
use liuhen_vault::store::{Batch, Space, Store};
use liuhen_vault::trace::{EventPlace, Owner, Reservation, Trace, TraceKey};
use liuhen_vault::{SubjectId, Vault};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::{broadcast, oneshot};

use crate::caller::Caller;
use crate::clock::{UnixMs, rfc3339};
use crate::error::{Result, ServiceError};
use crate::event::{Action, Event, Outcome};
use crate::meter::Meter;
use crate::{Service, shelf};

/// How many events the projector writes in one transaction.
const PROJECT_AT_ONCE: usize = 4096;

/// How long the projector lets events gather: each transaction costs a disk flush that the log's own flushes compete with.
const GATHER: Duration = Duration::from_millis(200);

/// How often a page that waits for the projector looks again.
const CATCH_UP_STEP: Duration = Duration::from_millis(10);

const PROJECTED: &[u8] = b"projected";

/// What is answered once a leaf is durable, or never will be.
type Done = oneshot::Receiver<std::result::Result<Appended, LogError>>;

/// What the note beside a leaf says; sealed, kept only in the write-ahead log.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Note {
    /// Whose events: pairs of an owner and his n. One pair, but for chunk leaves, where the order is that of the labels.
    counted: Vec<([u8; 16], u64)>,
    /// The event's JSON; empty for chunk leaves.
    event: String,
    /// For chunk leaves: index of the header leaf.
    header: Option<u64>,
    /// For reads of a decoy, which the operator's key traces: its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    decoy: Option<SubjectId>,
}

impl Note {
    fn of_event(reserved: &Reservation, event: &[u8]) -> Self {
        Self {
            counted: vec![(reserved.owner().bytes(), reserved.n())],
            event: String::from_utf8_lossy(event).into_owned(),
            header: None,
            decoy: None,
        }
    }
}

/// The event of an export, durable, before the persons concerned are named.
pub(crate) struct Header {
    pub(crate) appended: Appended,
    commitment: [u8; 32],
    shared: TraceKey,
}

/// One row of the projection.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct EventRow {
    /// The subject, until he is erased.
    pub(crate) subject: Option<SubjectId>,
    pub(crate) n: u64,
    pub(crate) event: Event,
    /// The decoy that was read in place of a subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) decoy: Option<SubjectId>,
}

/// Reads of one caller on one day.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct DayCount {
    pub(crate) name: String,
    pub(crate) released: u64,
    pub(crate) refused: u64,
}

/// An event as pages show it.
#[derive(Debug, Clone, Serialize)]
pub struct EventView {
    /// Index of its leaf.
    pub index: u64,
    /// The subject's opaque id, unless there is none or he was erased.
    pub subject: Option<String>,
    /// What was traced.
    #[serde(flatten)]
    pub event: Event,
}

struct Projected {
    index: u64,
    note: Note,
}

/// The trace of one vault.
pub(crate) struct Ledger {
    log: Arc<Log>,
    vault: Arc<Vault>,
    queue: Mutex<Option<mpsc::Sender<Projected>>>,
    projector: Mutex<Option<JoinHandle<()>>>,
    live: broadcast::Sender<EventView>,
    meter: Arc<Meter>,
}

impl Ledger {
    /// Catches the projection up with what the log recovered, then starts the projector.
    pub(crate) fn start(
        log: Arc<Log>,
        vault: Arc<Vault>,
        recovered: Vec<liuhen_tlog::Recovered>,
    ) -> Result<Self> {
        let (live, _) = broadcast::channel(1024);
        let mut rows = Vec::with_capacity(recovered.len());
        let projected = projected_size(vault.store().as_ref())?;
        for record in recovered
            .into_iter()
            .filter(|record| record.index >= projected)
        {
            rows.push(Projected {
                index: record.index,
                note: open_note(&vault, &record.note)?,
            });
        }
        for part in rows.chunks(PROJECT_AT_ONCE) {
            project(&vault, part, &live)?;
        }
        let caught_up = projected_size(vault.store().as_ref())?;
        if caught_up != log.size() {
            return Err(ServiceError::Setup(format!(
                "the log holds {} leaves but the projection knows {caught_up}; restore the data directory from one backup, not from two",
                log.size()
            )));
        }
        log.acknowledge(caught_up);
        let (queue, incoming) = mpsc::channel();
        let projector = std::thread::Builder::new()
            .name("projector".to_owned())
            .spawn({
                let (log, vault, live) = (log.clone(), vault.clone(), live.clone());
                move || run_projector(&log, &vault, &live, &incoming)
            })
            .map_err(ServiceError::io("start the projector"))?;
        Ok(Self {
            log,
            vault,
            queue: Mutex::new(Some(queue)),
            projector: Mutex::new(Some(projector)),
            live,
            meter: Arc::default(),
        })
    }

    /// Lets everything traced so far be projected, then stops the projector.
    pub(crate) fn stop(&self) {
        drop(self.queue.lock().take());
        if let Some(projector) = self.projector.lock().take() {
            // A projector that died said so in the log; what it left undone is caught up at the next start.
            let _ = projector.join();
        }
    }

    pub(crate) fn meter(&self) -> &Meter {
        &self.meter
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<EventView> {
        self.live.subscribe()
    }

    /// Queues one leaf; what is returned resolves when it is durable.
    fn queue_leaf(&self, owner: Owner, event: &Event, decoy: Option<SubjectId>) -> Result<Done> {
        let bytes = event.to_bytes();
        let reserved = self.vault.trace().reserve(owner)?;
        let leaf = reserved.leaf(&bytes)?;
        let note = Note {
            decoy,
            ..Note::of_event(&reserved, &bytes)
        };
        let done = self.append(leaf.bytes, note)?;
        reserved.queued();
        Ok(done)
    }

    /// Hands a leaf to the log; an error means that nothing was queued, so that its number stays free.
    fn append(&self, leaf: Vec<u8>, note: Note) -> Result<Done> {
        let sealed = seal_note(&self.vault, &note)?;
        let queue = self
            .queue
            .lock()
            .clone()
            .ok_or_else(|| ServiceError::Conflict("the vault is closing".to_owned()))?;
        let (send, done) = oneshot::channel();
        let (meter, start) = (Arc::clone(&self.meter), Instant::now());
        self.log.append(leaf, sealed, move |result| {
            match &result {
                Ok(_) => meter.appended(start.elapsed()),
                Err(_) => meter.append_failed(),
            }
            if let Ok(appended) = &result {
                // The projector only goes away when the vault closes; the next start catches up.
                let _ = queue.send(Projected {
                    index: appended.index,
                    note,
                });
            }
            let _ = send.send(result);
        });
        unless_refused(done)
    }

    /// Waits until the projection holds leaf `index`.
    pub(crate) async fn projected(&self, index: u64) -> Result<()> {
        for _ in 0..600 {
            if projected_size(self.vault.store().as_ref())? > index {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err(ServiceError::Conflict(
            "the projection does not follow the log; restart and try again".to_owned(),
        ))
    }

    /// Waits, at most for `bound`, until the projection holds what the log held when it was asked; from a thread that may wait.
    ///
    /// A projection that stopped is no error: the rows before are still there, and the log says why.
    pub(crate) fn catch_up_blocking(&self, bound: Duration) -> Result<()> {
        let (size, start) = (self.log.size(), Instant::now());
        while projected_size(self.vault.store().as_ref())? < size && start.elapsed() < bound {
            std::thread::sleep(CATCH_UP_STEP);
        }
        Ok(())
    }

    /// Traces an event of a subject; durable when it returns.
    ///
    /// # Errors
    ///
    /// `Vault(Erased)` when the subject was erased; nothing is traced then.
    pub(crate) async fn subject(&self, subject: SubjectId, event: &Event) -> Result<Appended> {
        finish(self.queue_leaf(Owner::Subject(subject), event, None)?.await)
    }

    /// Traces an event that concerns no subject.
    pub(crate) async fn operator(&self, event: &Event) -> Result<Appended> {
        finish(self.queue_leaf(Owner::Operator, event, None)?.await)
    }

    /// Traces a read of a decoy: a leaf of the operator, as long as a subject's and told apart by nobody without its key.
    pub(crate) async fn decoy(&self, decoy: SubjectId, event: &Event) -> Result<Appended> {
        finish(self.queue_leaf(Owner::Operator, event, Some(decoy))?.await)
    }

    /// The same, from a thread that may wait.
    pub(crate) fn operator_blocking(&self, event: &Event) -> Result<Appended> {
        finish(
            self.queue_leaf(Owner::Operator, event, None)?
                .blocking_recv(),
        )
    }

    /// Appends a root of the private map, which concerns nobody and counts for nobody.
    pub(crate) fn map_root_blocking(&self, root: MapRoot) -> Result<Appended> {
        let note = Note {
            counted: Vec::new(),
            event: String::new(),
            header: None,
            decoy: None,
        };
        finish(self.append(root.to_bytes(), note)?.blocking_recv())
    }

    /// Traces an event that concerns many subjects; the persons follow by [`Ledger::chunks_blocking`].
    pub(crate) fn header_blocking(&self, event: &Event) -> Result<Header> {
        let bytes = event.to_bytes();
        let trace = self.vault.trace();
        let reserved = trace.reserve(Owner::Operator)?;
        let leaf = reserved.shared_leaf(&bytes)?;
        let shared = trace.key(Owner::Operator)?.share(reserved.n());
        let note = Note::of_event(&reserved, &bytes);
        let done = self.append(leaf.bytes, note)?;
        reserved.queued();
        Ok(Header {
            appended: finish(done.blocking_recv())?,
            commitment: leaf.commitment,
            shared,
        })
    }

    /// Traces one event under the labels of many subjects, in chunks that name its header and hold, wrapped for each, the key to it.
    ///
    /// All numbers of a chunk are held until its leaf is queued, so that a crash leaves no gap.
    /// A subject erased meanwhile is an error: the caller leaves him out and asks again.
    pub(crate) fn chunks_blocking(&self, subjects: &[SubjectId], header: &Header) -> Result<()> {
        let index = header.appended.index;
        for part in subjects.chunks(MAX_CHUNK) {
            let owners: Vec<Owner> = part.iter().copied().map(Owner::Subject).collect();
            let reserved = self.vault.trace().reserve_many(&owners)?;
            let named: Vec<_> = reserved
                .iter()
                .map(|one| (one.label(), one.wrap(&header.shared)))
                .collect();
            let leaf = entry::chunk(index, &header.commitment, &named)
                .ok_or(ServiceError::Damaged("chunk of an export"))?;
            let note = Note {
                counted: reserved
                    .iter()
                    .map(|one| (one.owner().bytes(), one.n()))
                    .collect(),
                event: String::new(),
                header: Some(index),
                decoy: None,
            };
            let done = self.append(leaf, note)?;
            reserved.into_iter().for_each(Reservation::queued);
            finish(done.blocking_recv())?;
        }
        Ok(())
    }
}

/// What the log refuses, having no room for it, it refuses before it returns.
///
/// A number counted for such a leaf would be a gap: nothing of its owner could be proved past it.
fn unless_refused(mut done: Done) -> Result<Done> {
    let Ok(answered) = done.try_recv() else {
        return Ok(done);
    };
    let appended = answered?;
    let (send, done) = oneshot::channel();
    // Whoever asked holds the other end.
    let _ = send.send(Ok(appended));
    Ok(done)
}

fn finish(
    received: std::result::Result<
        std::result::Result<Appended, LogError>,
        oneshot::error::RecvError,
    >,
) -> Result<Appended> {
    match received {
        Ok(result) => Ok(result?),
        Err(_) => Err(ServiceError::Conflict("the vault is closing".to_owned())),
    }
}

fn seal_note(vault: &Vault, note: &Note) -> Result<Vec<u8>> {
    Ok(vault.seal("wal-note", &shelf::bytes(note)?)?)
}

fn open_note(vault: &Vault, sealed: &[u8]) -> Result<Note> {
    let bytes = vault.unseal("wal-note", sealed)?;
    serde_json::from_slice(&bytes).map_err(|_| ServiceError::Damaged("note in the write-ahead log"))
}

/// How many leaves the projection has taken in.
pub(crate) fn projected_size(store: &dyn Store) -> Result<u64> {
    Ok(shelf::get(store, Space::Meta, PROJECTED)?.unwrap_or(0))
}

fn run_projector(
    log: &Log,
    vault: &Vault,
    live: &broadcast::Sender<EventView>,
    incoming: &mpsc::Receiver<Projected>,
) {
    while let Ok(first) = incoming.recv() {
        let mut batch = vec![first];
        std::thread::sleep(GATHER);
        batch.extend(incoming.try_iter().take(PROJECT_AT_ONCE - 1));
        let next = batch.last().map_or(0, |row| row.index + 1);
        match project(vault, &batch, live) {
            Ok(()) => log.acknowledge(next),
            Err(error) => {
                // Nothing is lost: the write-ahead log keeps what was not acknowledged, and the next start catches up.
                tracing::error!(%error, "the projection stopped; pages show no newer events until a restart");
                return;
            }
        }
    }
}

fn project(vault: &Vault, rows: &[Projected], live: &broadcast::Sender<EventView>) -> Result<()> {
    let store = vault.store().as_ref();
    let mut batch = Batch::new();
    let mut days: BTreeMap<Vec<u8>, DayCount> = BTreeMap::new();
    let mut views = Vec::with_capacity(rows.len());
    for row in rows {
        for (position, (owner, n)) in (0u16..).zip(&row.note.counted) {
            let place = match row.note.header {
                None => EventPlace {
                    index: row.index,
                    chunk: None,
                },
                Some(header) => EventPlace {
                    index: header,
                    chunk: Some((row.index, position)),
                },
            };
            Trace::project(&mut batch, owner_of(*owner), *n, place);
        }
        if row.note.event.is_empty() {
            continue;
        }
        let event: Event =
            serde_json::from_str(&row.note.event).map_err(|_| ServiceError::Damaged("event"))?;
        let (owner, n) = row.note.counted.first().copied().unwrap_or_default();
        let subject = match owner_of(owner) {
            Owner::Subject(subject) => Some(subject),
            Owner::Operator => None,
        };
        let decoy = row.note.decoy;
        // A decoy is nobody: whoever was shown one read no person more.
        if decoy.is_none() {
            count_day(store, &mut days, &event)?;
        }
        shelf::put(
            &mut batch,
            Space::Events,
            &row.index.to_be_bytes(),
            &EventRow {
                subject,
                n,
                event: event.clone(),
                decoy,
            },
        )?;
        // Some who watch are readers too: a decoy looks like anybody, and its coin is not shown.
        if event.action != Action::Decoy {
            views.push(EventView {
                index: row.index,
                subject: subject.or(decoy).map(|id| id.to_string()),
                event,
            });
        }
    }
    for (key, count) in &days {
        shelf::put(&mut batch, Space::Stats, key, count)?;
    }
    if let Some(last) = rows.last() {
        shelf::put(&mut batch, Space::Meta, PROJECTED, &(last.index + 1))?;
    }
    store.write(&batch)?;
    for (owner, n) in rows.iter().flat_map(|row| &row.note.counted) {
        vault.trace().projected(owner_of(*owner), *n);
    }
    for view in views {
        // Nobody may be watching.
        let _ = live.send(view);
    }
    Ok(())
}

fn owner_of(bytes: [u8; 16]) -> Owner {
    if bytes == Owner::Operator.bytes() {
        return Owner::Operator;
    }
    Owner::Subject(SubjectId::from_bytes(bytes))
}

/// Counts reads by day and reader; other events are not drawn.
fn count_day(
    store: &dyn Store,
    days: &mut BTreeMap<Vec<u8>, DayCount>,
    event: &Event,
) -> Result<()> {
    if event.action != Action::Read {
        return Ok(());
    }
    let ms: UnixMs = event
        .time
        .parse::<jiff::Timestamp>()
        .map_or(0, |time| time.as_millisecond());
    let key = [crate::clock::day(ms).as_bytes(), b"/", event.who.as_bytes()].concat();
    let count = match days.entry(key) {
        std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
        std::collections::btree_map::Entry::Vacant(entry) => {
            let stored = shelf::get(store, Space::Stats, entry.key())?.unwrap_or_default();
            entry.insert(stored)
        }
    };
    count.name.clone_from(&event.name);
    match event.outcome.released() {
        true => count.released += 1,
        false => count.refused += 1,
    }
    Ok(())
}

impl Service {
    /// An event of `caller`, now.
    pub(crate) fn event(&self, caller: &Caller, action: Action, outcome: Outcome) -> Event {
        self.event_as(&caller.id, &caller.display, action, outcome)
    }

    pub(crate) fn event_as(
        &self,
        who: &str,
        name: &str,
        action: Action,
        outcome: Outcome,
    ) -> Event {
        Event {
            v: 1,
            time: rfc3339(self.now()),
            action,
            outcome,
            who: who.to_owned(),
            name: name.to_owned(),
            purpose: None,
            fields: Vec::new(),
            decision: None,
            policies: None,
            details: Vec::new(),
        }
    }

    /// Traces an event that concerns no subject; durable when it returns.
    pub(crate) async fn note(
        &self,
        caller: &Caller,
        action: Action,
        outcome: Outcome,
        details: impl IntoIterator<Item = (&'static str, String)>,
    ) -> Result<Appended> {
        self.note_as(&caller.id, &caller.display, action, outcome, details)
            .await
    }

    pub(crate) async fn note_as(
        &self,
        who: &str,
        name: &str,
        action: Action,
        outcome: Outcome,
        details: impl IntoIterator<Item = (&'static str, String)>,
    ) -> Result<Appended> {
        let mut event = self.event_as(who, name, action, outcome);
        event.details = named(details);
        self.ledger().operator(&event).await
    }
}

/// Details with owned keys.
pub(crate) fn named(
    details: impl IntoIterator<Item = (&'static str, String)>,
) -> Vec<(String, String)> {
    details
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_log_refuses_at_once_is_not_waited_for() {
        let (send, done) = oneshot::channel();
        let _ = send.send(Err(LogError::Overloaded { waiting: 1 }));
        assert!(unless_refused(done).is_err());
    }

    #[test]
    fn what_is_on_its_way_is_waited_for() {
        let (send, done) = oneshot::channel();
        let done = unless_refused(done).expect("nothing was refused");
        let _ = send.send(Err(LogError::Closed));
        assert!(matches!(done.blocking_recv(), Ok(Err(LogError::Closed))));
    }

    #[test]
    fn what_is_durable_already_is_still_told() {
        let dir = tempfile::tempdir().expect("a folder");
        let key = || liuhen_tlog::LogKey::from_seed(&[3; 32]);
        Log::create(dir.path(), &key(), "ledger.example/log").expect("a log");
        let (log, _) =
            Log::open(dir.path(), key(), liuhen_tlog::Options::default()).expect("opens");
        let appended = log
            .append_blocking(b"leaf".to_vec(), Vec::new())
            .expect("appends");
        let (send, done) = oneshot::channel();
        let _ = send.send(Ok(appended));
        let done = unless_refused(done).expect("it was not refused");
        assert!(matches!(done.blocking_recv(), Ok(Ok(told)) if told.index == 0));
    }
}
