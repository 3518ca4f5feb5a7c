//! A file that turned up: which copies does it come from, and who read its persons one by one?
//!
//! Rows are led to persons through the blind index; only of persons found there are values opened, and only to read marks.
//! Two kinds of evidence, never mixed: marks and canaries (design-based: may accuse, with a bound on accusing an innocent copy) and reads (model-based: rank only).
//! The examined copies are all copies ever issued, chosen without regard to what the leak shows, as the bound demands.

use std::collections::{BTreeSet, HashSet};
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;

use liuhen_detect::columns;
use liuhen_document::{Header, Row, TableSource};
use liuhen_fingerprint::code::ExportKey;
use liuhen_fingerprint::decode::Coverage;
use liuhen_fingerprint::evalue::Epsilon;
use liuhen_fingerprint::model::Sighting;
use liuhen_fingerprint::power::symbols_needed;
use liuhen_fingerprint::sample::rows_missing;
use liuhen_fingerprint::table::coordinate::is_coordinate;
use liuhen_fingerprint::table::time::is_time;
use liuhen_fingerprint::table::{Cell, observe_row};
use liuhen_fingerprint::trace::{Candidate, Channel, Leak, Tracing, trace};
use liuhen_kinds::Kind;
use liuhen_reading as reading;
use liuhen_vault::store::{KeyRange, Space};
use liuhen_vault::{SubjectId, VaultError};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::caller::{Caller, Role};
use crate::canaries::{Canaries, LEADS, at_home};
use crate::clock::UnixMs;
use crate::decoys::{AccountView, DecoyPlaces, part_of};
use crate::error::{Result, ServiceError};
use crate::event::{Action, Outcome};
use crate::exports::{StoredExport, is_measured, threshold};
use crate::imports::{Upload, base_name, lookup_form};
use crate::ledger::named;
use crate::pictures::{Evidence, TILE, is_picture};
use crate::readers::ReaderRank;
use crate::{Service, ids, shelf};

/// A name shared by more persons than this is not looked into, even with an address beside it.
const NAMESAKES_AT_MOST: usize = 64;

/// Pictures of a PDF that are looked at, the first ones; and pages gone through for them.
const PICTURES_LOOKED_AT: usize = 12;
const PAGES_LOOKED_AT: usize = 2_000;

/// A value shared by more persons than this leads to nobody.
const SHARED_BY_AT_MOST: usize = 3;

/// Where an examination stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeakState {
    /// Being examined.
    Running,
    /// Examined.
    Done,
    /// It could not be examined; the error says why.
    Failed,
}

/// What one channel says about one copy.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ChannelView {
    /// `marks`, `canaries`, `picture`, `picture_tile` (read without the original) or `screen`.
    pub name: String,
    /// Its evidence, natural logarithm of the e-value.
    pub ln_e: f64,
}

/// What the leak says about one issued copy.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CopyView {
    /// The export.
    pub export: String,
    /// Who held the copy.
    pub recipient: String,
    /// Its purpose.
    pub purpose: String,
    /// Leaked persons who are in the copy.
    pub persons_shared: u64,
    /// Index of its trace, which predates the leak.
    pub trace_index: Option<u64>,
    /// Hash of that leaf, hexadecimal.
    #[serde(default)]
    pub leaf_hash: Option<String>,
    /// What that leaf commits to: the hash of the marking key.
    #[serde(default)]
    pub commitment: Option<String>,
    /// The channels.
    pub channels: Vec<ChannelView>,
    /// All channels in one, natural logarithm of the e-value.
    pub ln_e: f64,
    /// Whether the evidence reaches the threshold.
    pub accused: bool,
}

/// An original that a leaked picture shows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PictureFound {
    /// The picture's id; of a page of a PDF export, the export's.
    pub picture: String,
    /// The page of that export, counted from 1; none for a picture.
    #[serde(default)]
    pub page: Option<u32>,
    /// Name of the file it came as, or left as.
    pub name: String,
    /// SHA-256 of that file; of a page, of its unmarked pixels when it left.
    pub sha256: String,
    /// Places of the mark that could be read.
    pub carriers: u64,
    /// Whether the original was at hand as it was marked; a page is drawn otherwise once somebody on it was erased, a value changed, or the machine has another font, and then shows less of its mark.
    #[serde(default = "yes")]
    pub redrawn: bool,
}

fn yes() -> bool {
    true
}

/// An examined leak.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LeakView {
    /// Its id.
    pub id: String,
    /// Name of the file.
    pub file_name: String,
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
    /// Size in bytes.
    pub size: u64,
    /// Where the examination stands.
    pub state: LeakState,
    /// Why it failed.
    pub error: Option<String>,
    /// Rows read.
    pub rows: u64,
    /// Rows that could not be read.
    pub bad_rows: u64,
    /// Persons of the vault found in it.
    pub persons: u64,
    /// Canary persons found in it.
    pub canaries: u64,
    /// Mark symbols read from it.
    pub marks: u64,
    /// Largest chance of accusing any innocent copy.
    pub epsilon: f64,
    /// Copies ever issued, all examined.
    pub copies_examined: u64,
    /// Accounts that ever had a coin for a decoy, all examined beside the copies.
    #[serde(default)]
    pub accounts_examined: u64,
    /// Decoys found in it.
    #[serde(default)]
    pub decoys: u64,
    /// What the `ln_e` of a copy or an account must reach.
    pub threshold_ln: f64,
    /// The accounts that had coins for these decoys, strongest evidence first.
    #[serde(default)]
    pub accounts: Vec<AccountView>,
    /// The copies that share persons or canaries with it, strongest evidence first.
    pub copies: Vec<CopyView>,
    /// The originals it shows, when it is a picture.
    #[serde(default)]
    pub pictures: Vec<PictureFound>,
    /// Readers by likelihood; never an accusation.
    pub readers: Vec<ReaderRank>,
    /// Symbols more that would be needed to accuse a single leaker, when nobody is accused.
    pub symbols_missing: Option<u64>,
    /// Rows more like these that would be needed, when nobody is accused and the rows carry marks.
    #[serde(default)]
    pub rows_missing: Option<u64>,
    /// The outcome in plain words, Chinese.
    pub statements_zh: Vec<String>,
    /// The outcome in plain words, English.
    pub statements_en: Vec<String>,
    /// When it was given.
    pub created: UnixMs,
    /// By whom.
    pub by: String,
}

impl LeakView {
    /// The copies accused.
    pub fn accused(&self) -> impl Iterator<Item = &CopyView> {
        self.copies.iter().filter(|copy| copy.accused)
    }

    /// The accounts accused.
    pub fn accused_accounts(&self) -> impl Iterator<Item = &AccountView> {
        self.accounts.iter().filter(|account| account.accused)
    }
}

/// The examinations of this process.
#[derive(Debug, Default)]
pub(crate) struct Leaks {
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// Held by the one under way: each takes all processors and, for a picture or many copies, much memory.
    turn: Mutex<()>,
}

impl Leaks {
    /// Waits for the examinations under way.
    pub(crate) fn stop(&self) {
        for thread in self.threads.lock().drain(..) {
            // An examination that panicked stays "running" and is marked failed at the next start.
            let _ = thread.join();
        }
    }
}

/// What was seen in a leaked file.
#[derive(Default)]
struct Seen {
    rows: u64,
    bad_rows: u64,
    persons: HashSet<SubjectId>,
    /// By position among the issued ones.
    canaries: HashSet<usize>,
    /// In the order of their ids.
    decoys: BTreeSet<SubjectId>,
    leak: Leak,
    /// Where each mark stands, by position in the leak.
    owners: Vec<Owner>,
}

/// Where a mark stands.
struct Owner {
    subject: SubjectId,
    field: String,
    /// In a measured value, which an exact export leaves alone.
    measured: bool,
}

/// The cells of a leaked row.
struct Cells<'a> {
    /// With the kinds of their columns, surest lead first.
    known: Vec<(Kind, &'a str)>,
    /// Of any column that is not taken for a number, where their shape is a time's or coordinate's.
    measured: Vec<&'a str>,
}

/// Everything known about issued copies that examining needs.
struct Issued {
    exports: Vec<(StoredExport, ExportKey, HashSet<SubjectId>)>,
    canaries: Canaries,
    decoys: DecoyPlaces,
}

impl Service {
    /// Begins to examine an uploaded leak.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Invalid`] for an ε that is no probability.
    pub async fn start_leak(
        self: &Arc<Self>,
        caller: &Caller,
        upload: Upload,
        file_name: &str,
        epsilon: Option<f64>,
    ) -> Result<String> {
        caller.need(Role::Investigator, "trace leaks")?;
        let epsilon = match epsilon {
            Some(value) => {
                Epsilon::new(value).map_err(|error| ServiceError::Invalid(error.to_string()))?
            }
            None => Epsilon::DEFAULT,
        };
        let (id, size) = upload.seal()?;
        let mut view = LeakView {
            id: id.clone(),
            file_name: base_name(file_name),
            sha256: String::new(),
            size,
            state: LeakState::Running,
            error: None,
            rows: 0,
            bad_rows: 0,
            persons: 0,
            canaries: 0,
            marks: 0,
            epsilon: epsilon.get(),
            copies_examined: 0,
            accounts_examined: 0,
            decoys: 0,
            threshold_ln: 0.0,
            accounts: Vec::new(),
            copies: Vec::new(),
            pictures: Vec::new(),
            readers: Vec::new(),
            symbols_missing: None,
            rows_missing: None,
            statements_zh: Vec::new(),
            statements_en: Vec::new(),
            created: self.now(),
            by: caller.display.clone(),
        };
        self.put_leak(&view)?;
        let (service, caller) = (self.clone(), caller.clone());
        let thread = std::thread::Builder::new()
            .name("leak".to_owned())
            .spawn(move || {
                let _turn = service.leaks.turn.lock();
                // Somebody else made this file; whatever it does, the examination ends and the file goes.
                let examined = catch_unwind(AssertUnwindSafe(|| {
                    service.examine(&caller, &mut view, epsilon)
                }));
                view.error = match examined {
                    Ok(Ok(())) => None,
                    Ok(Err(error)) => Some(error.to_string()),
                    Err(_) => Some("a fault of the program; see the server's log".to_owned()),
                };
                if view.error.is_some() {
                    view.state = LeakState::Failed;
                }
                if let Err(error) = service.put_leak(&view) {
                    tracing::error!(leak = %view.id, %error, "the outcome of an examination could not be kept");
                }
                // The leaked file itself is not kept; sealing evidence is another use-case.
                let _ = std::fs::remove_file(service.spool(&view.id));
            })
            .map_err(ServiceError::io("start the examination"))?;
        self.leaks.threads.lock().push(thread);
        Ok(id)
    }

    fn put_leak(&self, view: &LeakView) -> Result<()> {
        let sealed = self.seal("leak", &shelf::bytes(view)?)?;
        let mut batch = liuhen_vault::store::Batch::new();
        batch.put(Space::Cases, view.id.as_bytes(), sealed);
        Ok(self.store().write(&batch)?)
    }

    fn open_leak(&self, sealed: &[u8]) -> Result<LeakView> {
        serde_json::from_slice(&self.unseal("leak", sealed)?)
            .map_err(|_| ServiceError::Damaged("leak"))
    }

    fn all_leaks(&self) -> Result<Vec<LeakView>> {
        let rows = self
            .store()
            .scan(Space::Cases, &KeyRange::all(), usize::MAX, false)?;
        rows.iter()
            .map(|(_, sealed)| self.open_leak(sealed))
            .collect()
    }

    /// Examinations that a crash cut off cannot be taken up (the file is gone with its upload): they are marked failed.
    pub(crate) fn sweep_leaks(&self) -> Result<()> {
        for mut view in self.all_leaks()? {
            if view.state == LeakState::Running {
                view.state = LeakState::Failed;
                view.error = Some("cut off by a restart; give the file again".to_owned());
                self.put_leak(&view)?;
                // It may be gone already.
                let _ = std::fs::remove_file(self.spool(&view.id));
            }
        }
        Ok(())
    }

    /// All examined leaks, newest first.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Forbidden`] without the role.
    pub fn leaks(&self, caller: &Caller) -> Result<Vec<LeakView>> {
        caller.need(Role::Investigator, "see leaks")?;
        let mut all = self.all_leaks()?;
        all.sort_by_key(|view| std::cmp::Reverse(view.created));
        Ok(all)
    }

    /// One examined leak.
    ///
    /// # Errors
    ///
    /// [`ServiceError::NotFound`].
    pub fn leak(&self, caller: &Caller, id: &str) -> Result<LeakView> {
        caller.need(Role::Investigator, "see leaks")?;
        let sealed = self
            .store()
            .get(Space::Cases, id.as_bytes())?
            .ok_or(ServiceError::NotFound("leak"))?;
        self.open_leak(&sealed)
    }

    fn examine(&self, caller: &Caller, view: &mut LeakView, epsilon: Epsilon) -> Result<()> {
        view.sha256 = self.spooled_sha256(&view.id)?;
        let head = self.spooled_head(&view.id)?;
        if is_picture(&head) {
            self.examine_picture(view, epsilon)?;
        } else if head.starts_with(b"%PDF-") {
            self.examine_pdf(view, epsilon)?;
        } else {
            self.examine_table(view, epsilon)?;
        }
        (view.statements_zh, view.statements_en) = statements(view);
        let mut event = self.event(caller, Action::Leak, Outcome::Done);
        let accused: Vec<&str> = view.accused().map(|copy| copy.export.as_str()).collect();
        event.details = named([
            ("leak", view.id.clone()),
            ("sha256", view.sha256.clone()),
            ("epsilon", view.epsilon.to_string()),
            ("accused", accused.join(",")),
        ]);
        let accounts: Vec<&str> = view.accused_accounts().map(|a| a.who.as_str()).collect();
        if !accounts.is_empty() {
            let told = [("accused_accounts", accounts.join(","))];
            event.details.extend(named(told));
        }
        self.ledger().operator_blocking(&event)?;
        view.state = LeakState::Done;
        Ok(())
    }

    /// The first bytes of the uploaded file, which say what it is.
    fn spooled_head(&self, id: &str) -> Result<Vec<u8>> {
        let mut head = Vec::new();
        self.open_sealed(&self.spool(id), id)?
            .take(16)
            .read_to_end(&mut head)
            .map_err(ServiceError::io("read the upload"))?;
        Ok(head)
    }

    /// Examines the rows that a PDF's letters make, and the pictures in its pages.
    fn examine_pdf(&self, view: &mut LeakView, epsilon: Epsilon) -> Result<()> {
        match self.examine_rows(view, epsilon) {
            // Scanned pages have pictures and no letters.
            Err(ServiceError::Reading(reading::ReadError::Empty)) => {}
            done => done?,
        }
        let gallery = self.gallery()?;
        // Every export is examined by its rows, whether it has pages or not.
        view.copies_examined = self.issued()?.exports.len() as u64 + gallery.beside_exports();
        if view.copies_examined == 0 {
            return Ok(());
        }
        // Accounts stand in the same report: its ε is shared by all.
        let judged = view.copies_examined + view.accounts_examined;
        let limit = threshold(judged, epsilon)?;
        view.threshold_ln = limit.ln();
        for account in &mut view.accounts {
            account.accused &= account.ln_e >= limit.ln();
        }
        let mut evidence = Evidence::default();
        let source = self.open_sealed(&self.spool(&view.id), &view.id)?;
        let mut pdf = reading::Pdf::open(source, &reading::Limits::default())?;
        let mut looked = 0;
        for page in 0..pdf.pages().min(PAGES_LOOKED_AT) {
            for picture in pdf.pictures(page)? {
                if looked < PICTURES_LOOKED_AT {
                    self.look_at_part(&gallery, picture, &mut evidence)?;
                    looked += 1;
                }
            }
            if looked >= PICTURES_LOOKED_AT {
                break;
            }
        }
        self.conclude(view, &gallery, &evidence, limit)?;
        // Only now: what a copy's rows say against it counts too.
        view.copies.retain(is_of_interest);
        view.symbols_missing = missing(view, epsilon)?;
        view.rows_missing = view.rows_missing.filter(|_| view.symbols_missing.is_some());
        Ok(())
    }

    fn examine_table(&self, view: &mut LeakView, epsilon: Epsilon) -> Result<()> {
        self.examine_rows(view, epsilon)?;
        view.copies.retain(is_of_interest);
        Ok(())
    }

    /// Scores every issued copy by the rows of the leak; all of them are in the view.
    fn examine_rows(&self, view: &mut LeakView, epsilon: Epsilon) -> Result<()> {
        let issued = self.issued()?;
        let mut seen = self.look_through(&view.id, &view.file_name, &issued)?;
        for (at, canary) in issued.canaries.iter().enumerate() {
            let sighting = if seen.canaries.contains(&at) {
                Sighting::Seen
            } else {
                Sighting::Unseen
            };
            seen.leak.canary(canary, sighting);
        }
        view.rows = seen.rows;
        view.bad_rows = seen.bad_rows;
        view.persons = seen.persons.len() as u64;
        view.canaries = seen.leak.canaries_seen() as u64;
        view.marks = seen.leak.marks_seen() as u64;
        view.copies_examined = issued.exports.len() as u64;
        view.decoys = seen.decoys.len() as u64;
        view.accounts_examined = self.accounts_examined()?;
        // Copies and accounts stand in one report, so that its ε is shared by all of them.
        let judged = view.copies_examined + view.accounts_examined;
        if judged > 0 {
            let threshold = threshold(judged, epsilon)?;
            view.threshold_ln = threshold.ln();
            view.accounts = self.accounts(&seen.decoys, threshold)?;
        }
        if !issued.exports.is_empty() {
            let part = part_of(epsilon, view.copies_examined, judged)?;
            let tracing = judge(&seen, &issued, part)?;
            view.copies = copies(&seen, &issued, &tracing);
            view.symbols_missing = missing(view, epsilon)?;
            view.rows_missing = rows_missing(&tracing, view.persons).filter(|rows| *rows > 0);
        }
        view.readers = self.rank_readers(&seen.persons)?;
        Ok(())
    }

    fn spooled_sha256(&self, id: &str) -> Result<String> {
        let mut reader = self.open_sealed(&self.spool(id), id)?;
        let mut hash = Sha256::new();
        let mut buffer = vec![0u8; 64 * 1024];
        loop {
            let read = reader
                .read(&mut buffer)
                .map_err(ServiceError::io("read the upload"))?;
            if read == 0 {
                return Ok(ids::hex(&hash.finalize()));
            }
            hash.update(buffer.get(..read).unwrap_or_default());
        }
    }

    fn issued(&self) -> Result<Issued> {
        let mut exports = Vec::new();
        for export in self
            .stored_exports()?
            .into_iter()
            .filter(|export| export.header.is_some())
        {
            let key = self.export_key(&export.key)?;
            let subjects = self.kept_subjects(&export.view.id)?.into_iter().collect();
            exports.push((export, key, subjects));
        }
        let canaries = Canaries::of(&self.code_key(), exports.iter().map(|(export, ..)| export));
        Ok(Issued {
            exports,
            canaries,
            decoys: self.decoy_places()?,
        })
    }

    /// Reads the file row by row, leading each to a person or a canary.
    fn look_through(&self, id: &str, name: &str, issued: &Issued) -> Result<Seen> {
        let mut seen = Seen::default();
        let sheets = {
            let table = self.open_spooled(id, name, &reading::Options::default())?;
            table.sheets().len().max(1)
        };
        for sheet in 0..sheets {
            let mut table = self.open_spooled(id, name, &reading::Options::default())?;
            if !table.sheets().is_empty() {
                table.choose_sheet(&reading::SheetChoice::Index(sheet))?;
            }
            self.look_through_sheet(&mut table, issued, &mut seen)?;
        }
        Ok(seen)
    }

    fn look_through_sheet(
        &self,
        table: &mut reading::Table,
        issued: &Issued,
        seen: &mut Seen,
    ) -> Result<()> {
        // Leaked rows need no header: what the header row holds is looked at like any other row.
        table.choose_header(reading::HeaderChoice::None)?;
        let header = table.header().clone();
        let mut sample = Vec::new();
        while sample.len() < 500 {
            match table.next_row() {
                Some(Ok(row)) => sample.push(row),
                Some(Err(_)) => seen.bad_rows += 1,
                None => break,
            }
        }
        let first = sample.split_first().map(|(first, rest)| {
            let names = Header(
                first
                    .cells
                    .iter()
                    .map(|cell| cell.as_str().into())
                    .collect(),
            );
            (columns::looks_like_header(&names, rest), names)
        });
        let (names_rows, header) = match first {
            Some((true, names)) => (1, names),
            _ => (0, header),
        };
        let kinds: Vec<Option<Kind>> = columns::guess(&header, &sample)
            .into_iter()
            .map(|guess| guess.kind)
            .collect();
        for row in &sample {
            self.look_at(row, &kinds, issued, seen)?;
        }
        while let Some(row) = table.next_row() {
            match row {
                Ok(row) => self.look_at(&row, &kinds, issued, seen)?,
                Err(_) => seen.bad_rows += 1,
            }
        }
        // Looked at like the others, but not one of those who leaked.
        seen.rows -= names_rows;
        Ok(())
    }

    fn look_at(
        &self,
        row: &Row,
        kinds: &[Option<Kind>],
        issued: &Issued,
        seen: &mut Seen,
    ) -> Result<()> {
        seen.rows += 1;
        let mut values: Vec<(Kind, &str)> = row
            .cells
            .iter()
            .zip(kinds)
            .filter_map(|(cell, kind)| Some(((*kind)?, cell.as_str().trim())))
            .filter(|(_, value)| !value.is_empty())
            .collect();
        values.sort_by_key(|(kind, _)| {
            LEADS
                .iter()
                .position(|lead| lead == kind)
                .unwrap_or(usize::MAX)
        });
        let mut person = None;
        for (kind, value) in values.iter().filter(|(kind, _)| LEADS.contains(kind)) {
            let Some(normal) = lookup_form(*kind, value) else {
                continue;
            };
            if let Some(place) = issued.canaries.find(*kind, &normal) {
                seen.canaries.insert(place);
                return Ok(());
            }
            if let Some(decoy) = self.decoy_of(&issued.decoys, *kind, &normal)? {
                seen.decoys.insert(decoy);
                return Ok(());
            }
            if person.is_none() {
                let found = self.vault.find(Some(*kind), &normal)?;
                person = found
                    .first()
                    .copied()
                    .filter(|_| found.len() <= SHARED_BY_AT_MOST && found.len() == 1);
            }
        }
        // No number led to anybody: a name with an address may.
        if let (None, Some((name, home))) = (person, at_home(&values)) {
            if let Some(place) = issued.canaries.find(Kind::ADDRESS, &home) {
                seen.canaries.insert(place);
                return Ok(());
            }
            if let Some(decoy) = self.decoy_of(&issued.decoys, Kind::ADDRESS, &home)? {
                seen.decoys.insert(decoy);
                return Ok(());
            }
            person = self.who_lives_there(&name, &home)?;
        }
        let Some(subject) = person else { return Ok(()) };
        seen.persons.insert(subject);
        let measured = row.cells.iter().zip(kinds);
        let measured = measured
            .filter(|(_, kind)| is_measured(**kind))
            .map(|(cell, _)| cell.as_str().trim())
            .filter(|cell| is_time(cell) || is_coordinate(cell))
            .collect();
        let cells = Cells {
            known: values,
            measured,
        };
        self.read_marks(&subject, &cells, seen)
    }

    /// The one person of this name who lives at this address, however it is written.
    fn who_lives_there(&self, name: &str, home: &str) -> Result<Option<SubjectId>> {
        let namesakes = self.vault.find(Some(Kind::PERSON_NAME), name)?;
        if namesakes.len() > NAMESAKES_AT_MOST {
            return Ok(None);
        }
        let mut found = None;
        for subject in namesakes {
            for collection in self.vault.collections(&subject).or_else(none_if_erased)? {
                let opened = self
                    .vault
                    .open_fields(&subject, &collection, &[])
                    .or_else(none_if_erased)?;
                let values: Vec<(Kind, &str)> = opened
                    .iter()
                    .filter_map(|field| Some((field.kind?, field.value.as_str())))
                    .collect();
                if at_home(&values).is_some_and(|(_, there)| there == home) {
                    if found.is_some_and(|other| other != subject) {
                        return Ok(None);
                    }
                    found = Some(subject);
                }
            }
        }
        Ok(found)
    }

    /// Reads the marks of one leaked row against what the vault holds of its person.
    fn read_marks(&self, subject: &SubjectId, row: &Cells<'_>, seen: &mut Seen) -> Result<()> {
        let carries = row.known.iter().any(|(kind, _)| CARRIERS.contains(kind));
        if !carries && row.measured.is_empty() {
            return Ok(());
        }
        let code = self.code_key();
        for collection in self.vault.collections(subject).or_else(none_if_erased)? {
            let opened = self
                .vault
                .open_fields(subject, &collection, &[])
                .or_else(none_if_erased)?;
            for field in &opened {
                let measured = is_measured(field.kind);
                let same = row
                    .known
                    .iter()
                    .filter(|(kind, _)| Some(*kind) == field.kind);
                let leaked: Vec<&str> = if measured {
                    row.measured.clone()
                } else {
                    same.map(|(_, leaked)| *leaked).collect()
                };
                let cell = Cell {
                    column: &field.name,
                    kind: field.kind.map_or("", Kind::name),
                    canonical: &field.value,
                };
                for leaked in leaked {
                    for (slot, observation) in
                        observe_row(&code, subject.as_bytes(), &[(cell, leaked)])
                    {
                        if seen.leak.mark(slot, observation) == seen.owners.len() {
                            seen.owners.push(Owner {
                                subject: *subject,
                                field: field.name.clone(),
                                measured,
                            });
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

/// Kinds whose written form may carry marks (fingerprint::table); times and coordinates are found by their shape.
const CARRIERS: [Kind; 2] = [Kind::ADDRESS, Kind::DATE_OF_BIRTH];

fn none_if_erased<T: Default>(error: VaultError) -> std::result::Result<T, VaultError> {
    match error {
        VaultError::Erased | VaultError::NotFound { .. } => Ok(T::default()),
        other => Err(other),
    }
}

/// Scores every issued copy.
fn judge(seen: &Seen, issued: &Issued, epsilon: Epsilon) -> Result<Tracing> {
    type Carries<'a> = Box<dyn Fn(usize) -> bool + Sync + 'a>;
    let carries: Vec<(Carries<'_>, Carries<'_>)> = issued
        .exports
        .iter()
        .map(|(export, _, subjects)| {
            let request = &export.view.request;
            let marks: Carries<'_> = Box::new(move |at| {
                let owner = seen.owners.get(at);
                owner.is_some_and(|owner| {
                    subjects.contains(&owner.subject)
                        && request.fields.contains(&owner.field)
                        && !(owner.measured && request.exact)
                })
            });
            let canaries: Carries<'_> = Box::new(move |at| issued.canaries.planned_in(at, export));
            (marks, canaries)
        })
        .collect();
    let candidates: Vec<Candidate<'_>> = issued
        .exports
        .iter()
        .zip(&carries)
        .map(|((_, key, _), (marks, canaries))| Candidate {
            key,
            marks: Coverage::Only(marks.as_ref()),
            canaries: Coverage::Only(canaries.as_ref()),
        })
        .collect();
    trace(&seen.leak, &candidates, epsilon)
        .map_err(|error| ServiceError::Invalid(error.to_string()))
}

fn copies(seen: &Seen, issued: &Issued, tracing: &Tracing) -> Vec<CopyView> {
    let mut views: Vec<CopyView> = issued
        .exports
        .iter()
        .zip(&tracing.copies)
        .map(|((export, key, subjects), score)| CopyView {
            export: export.view.id.clone(),
            recipient: export.view.request.recipient.clone(),
            purpose: export.view.request.purpose.clone(),
            persons_shared: seen.persons.intersection(subjects).count() as u64,
            trace_index: export.header,
            leaf_hash: export.view.receipt.as_ref().map(|r| r.leaf_hash.clone()),
            commitment: Some(ids::hex(&key.commitment())),
            channels: score
                .channels
                .iter()
                .map(|one| ChannelView {
                    name: match one.channel {
                        Channel::Marks => "marks".to_owned(),
                        Channel::Canaries => "canaries".to_owned(),
                    },
                    ln_e: one.evidence.ln(),
                })
                .collect(),
            ln_e: score.combined.ln(),
            accused: score.verdict.is_accused(),
        })
        .collect();
    views.sort_by(|a, b| b.ln_e.total_cmp(&a.ln_e));
    views
}

/// Whether a copy is to be told of: it shares persons, is accused, or canaries or pictures say something.
fn is_of_interest(copy: &CopyView) -> bool {
    let said = |channel: &ChannelView| match channel.name.as_str() {
        "marks" => false,
        "canaries" => channel.ln_e > 0.0,
        _ => true,
    };
    copy.persons_shared > 0 || copy.accused || copy.channels.iter().any(said)
}

fn missing(view: &LeakView, epsilon: Epsilon) -> Result<Option<u64>> {
    if view.persons == 0 || view.accused().next().is_some() {
        return Ok(None);
    }
    let judged = view.copies_examined + view.accounts_examined;
    let needed = symbols_needed(1, threshold(judged, epsilon)?)
        .map_err(|error| ServiceError::Invalid(error.to_string()))?;
    Ok(Some(needed.saturating_sub(view.marks)))
}

/// Which original a picture shows, Chinese and English.
fn shown_original(picture: &PictureFound) -> (String, String) {
    let (id, name, carriers) = (&picture.picture, &picture.name, picture.carriers);
    match picture.page {
        Some(page) => (
            format!("图片与导出 {id} 的第 {page} 页相符，可读标记 {carriers} 处。"),
            format!(
                "it shows page {page} of export {id}, in which {carriers} places of the mark could be read"
            ),
        ),
        None => (
            format!("图片与所保存的 {name}（{id}）相符，可读标记 {carriers} 处。"),
            format!("it shows {name} ({id}), in which {carriers} places of the mark could be read"),
        ),
    }
}

/// The outcome in plain words, Chinese and English.
fn statements(view: &LeakView) -> (Vec<String>, Vec<String>) {
    let (mut zh, mut en) = (Vec::new(), Vec::new());
    let mut say = |chinese: String, english: String| {
        zh.push(chinese);
        en.push(english);
    };
    let (rows, persons, canaries) = (view.rows, view.persons, view.canaries);
    // A table always has rows; a picture has none; a PDF may have both.
    if rows > 0 || view.bad_rows > 0 {
        say(
            format!("文件共 {rows} 行，其中查到本库中的 {persons} 人、替身 {canaries} 人。"),
            format!(
                "the file has {rows} rows; {persons} persons of this vault and {canaries} canary persons were found in it"
            ),
        );
    } else if view.pictures.is_empty() {
        say(
            "没有认出与所保存的任何一张图片相符。".to_owned(),
            "it was not recognised as any picture kept here".to_owned(),
        );
    }
    for picture in &view.pictures {
        let (chinese, english) = shown_original(picture);
        say(chinese, english);
        if !picture.redrawn {
            say(
                "该页已不能照原样重绘（页上有人已注销或其值已改，或字体不同），所读标记因此较少。".to_owned(),
                "that page can no longer be drawn as it left (somebody on it was erased, a value changed, or the font is another), so less of the mark is read".to_owned(),
            );
        }
    }
    for copy in view.accused() {
        let blind = copy.channels.iter().any(|channel| channel.name == TILE);
        let (how_zh, how_en) = match blind {
            true => ("，未借助原图读出", ", read without its original"),
            false => ("", ""),
        };
        say(
            format!(
                "来自副本 {}（接收者：{}{how_zh}）。误指任何无辜副本的概率不超过 {:e}。",
                copy.export, copy.recipient, view.epsilon
            ),
            format!(
                "it comes from copy {} (recipient: {}{how_en}); the chance of accusing any innocent copy is at most {:e}",
                copy.export, copy.recipient, view.epsilon
            ),
        );
    }
    if view.accused().next().is_none() {
        say(
            "没有足够的证据指认任何一份副本。".to_owned(),
            "no evidence that reaches the threshold against any copy".to_owned(),
        );
        if let Some(more) = view.symbols_missing.filter(|more| *more > 0) {
            say(
                match view.rows_missing {
                    Some(rows) => {
                        format!("若来自单一接收者，约需再有 {rows} 行（{more} 个标记位）方可指认。")
                    }
                    None => format!("若来自单一接收者，约需再有 {more} 个标记位方可指认。"),
                },
                match view.rows_missing {
                    Some(rows) => format!(
                        "were it a single recipient, about {rows} more rows ({more} mark symbols) would be needed"
                    ),
                    None => format!(
                        "were it a single recipient, about {more} more mark symbols would be needed"
                    ),
                },
            );
        }
    }
    decoys_say(view, &mut say);
    if !view.readers.is_empty() {
        say(
            "读取者排名只表示可能性大小，不构成指认。".to_owned(),
            "the ranking of readers says what is likely; it accuses nobody".to_owned(),
        );
    }
    say(
        "被指认的是一份副本，不是某个人：标记密钥的持有者本可嫁祸，因此密钥在导出前已在日志中承诺。".to_owned(),
        "what is accused is a copy, not a person: whoever holds the marking key could frame, which is why the key was committed in the log before the export left".to_owned(),
    );
    (zh, en)
}

/// What decoys that turned up say about those to whom the lot showed them.
fn decoys_say(view: &LeakView, say: &mut impl FnMut(String, String)) {
    if view.decoys == 0 {
        return;
    }
    let decoys = view.decoys;
    say(
        format!(
            "文件中有 {decoys} 名诱饵人物：世上没有此人，只按事先记入日志的概率在查询结果中出现。"
        ),
        format!(
            "it holds {decoys} decoys: persons who do not exist, shown among the results of look-ups with chances written into the log beforehand"
        ),
    );
    for account in view.accused_accounts() {
        let AccountView {
            name,
            who,
            coins,
            shown,
            expected,
            ..
        } = account;
        say(
            format!(
                "诱饵指向账号 {name}（{who}）：其中 {coins} 名曾为它抽签，显示了 {shown} 名，按概率应约 {expected:.1} 名。误指任何无辜账号或副本的概率不超过 {:e}。",
                view.epsilon
            ),
            format!(
                "its decoys lead to the account {name} ({who}): it had coins for {coins} of them and was shown {shown}, where chance would show about {expected:.1}; the chance of accusing any innocent account or copy is at most {:e}",
                view.epsilon
            ),
        );
    }
    if view.accused_accounts().next().is_none() {
        say(
            "诱饵的证据不足以指认任何账号。".to_owned(),
            "its decoys are not evidence enough against any account".to_owned(),
        );
        return;
    }
    say(
        "被指认的是账号所见的内容，不是某个人：可能是本人泄露、账号被盗，或他把看到的告诉了泄露的人。前提是无辜者没有把自己看到的诱饵转告给泄露者。".to_owned(),
        "what is accused is what an account was shown, not a person: whoever holds it may have leaked, been robbed, or told somebody who did; it assumes that an innocent passed on no decoy that he saw to whoever leaked".to_owned(),
    );
}
