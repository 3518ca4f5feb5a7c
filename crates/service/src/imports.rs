//! Bringing personal information in: upload, guess, correct, start, resume.
//!
//! An upload lies sealed in the spool until its import is done or discarded; before the user has confirmed what each column is, nothing of it is stored.
//! A running import commits batch by batch, its progress in the same transaction as its rows, so a crash repeats nothing and loses nothing.
//! A row that cannot be right (say, a resident ID whose check digit fails) is reported by file, row, column and reason, never by value; the rest goes in.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use liuhen_detect::{Verdict, check, columns, mask, normalise};
use liuhen_document::{Header, Row, TableSource};
use liuhen_kinds::{Kind, Lang, RulePack};
use liuhen_reading as reading;
use liuhen_vault::sealed::SealedWriter;
use liuhen_vault::store::{Batch, KeyRange, Space};
use liuhen_vault::{IdentityKey, IncomingField, IncomingRow, Ingested, SiteId};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::caller::{Caller, Role};
use crate::canaries::Canaries;
use crate::clock::UnixMs;
use crate::decoys::Decoys;
use crate::error::{Result, ServiceError};
use crate::event::{Action, Outcome};
use crate::ledger::named;
use crate::{Service, ids, members, shelf};

/// Rows committed at once: large enough that the disk flush of a batch is small beside its work, small enough that a crash repeats little.
const BATCH_ROWS: usize = 2000;

/// Rows looked at to guess what a column holds.
const SAMPLE_ROWS: usize = 1000;

/// Masked values shown per column.
const SHOWN_SAMPLES: usize = 3;

const JOB: &[u8] = b"import/";
const PROBLEM: &[u8] = b"import-problem/";
const TOKEN: &[u8] = b"import-token/";

/// Where an import stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportState {
    /// Uploaded; nothing stored yet.
    Uploaded,
    /// Rows are going in.
    Running,
    /// All rows are in or reported.
    Done,
    /// It cannot go on; what went in stays and the error says why.
    Failed,
}

/// How far an import is.
#[derive(Debug, Clone, Serialize)]
pub struct ImportStatus {
    /// Id of the import.
    pub id: String,
    /// Name of the uploaded file.
    pub file_name: String,
    /// Where the rows go.
    pub collection: String,
    /// Uploaded, running, done or failed.
    pub state: ImportState,
    /// Why it failed.
    pub error: Option<String>,
    /// Bytes of the file read so far.
    pub bytes_done: u64,
    /// Size of the file.
    pub bytes_total: u64,
    /// Counts so far.
    #[serde(flatten)]
    pub counts: Counts,
    /// When the upload was complete.
    pub started: UnixMs,
    /// When it ended.
    pub ended: Option<UnixMs>,
    /// Who uploaded it.
    pub by: String,
}

/// What became of the rows of an import.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Rows read, without the header.
    pub rows: u64,
    /// Persons seen for the first time.
    pub created: u64,
    /// Rows that changed the record of a known person (the older version is kept).
    pub changed: u64,
    /// Rows that said nothing new.
    pub unchanged: u64,
    /// Rows reported and left out.
    pub bad: u64,
    /// Rows without any value.
    pub blank: u64,
}

/// What a column is taken for, as the user confirmed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanColumn {
    /// Position, from zero.
    pub index: usize,
    /// Name of the field it becomes.
    pub field: String,
    /// Kind of personal information, if any.
    pub kind: Option<Kind>,
    /// Whether it is stored at all.
    pub keep: bool,
}

/// How a file is to be imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportPlan {
    /// Where the rows go.
    pub collection: String,
    /// The business site that gets tokens.
    pub site: Option<String>,
    /// Sheet of a workbook.
    pub sheet: Option<String>,
    /// Whether the first row names the columns.
    pub has_header: bool,
    /// The columns.
    pub columns: Vec<PlanColumn>,
}

/// What a file seems to hold.
#[derive(Debug, Clone, Serialize)]
pub struct Preview {
    /// Id of the import.
    pub id: String,
    /// Name of the uploaded file.
    pub file_name: String,
    /// Size in bytes.
    pub size: u64,
    /// Format and encoding, in words.
    pub format: String,
    /// Sheets of a workbook.
    pub sheets: Vec<String>,
    /// The sheet looked at.
    pub sheet: Option<String>,
    /// Whether the first row seems to name the columns.
    pub has_header: bool,
    /// What each column seems to hold.
    pub columns: Vec<PreviewColumn>,
    /// How many rows the guess rests on.
    pub rows_sampled: u64,
}

/// What a column seems to hold.
#[derive(Debug, Clone, Serialize)]
pub struct PreviewColumn {
    /// Position, from zero.
    pub index: usize,
    /// Its name in the file.
    pub header: String,
    /// The field name proposed.
    pub field: String,
    /// The kind guessed.
    pub kind: Option<Kind>,
    /// How sure the guess is, 0 to 1.
    pub confidence: f32,
    /// Why, in Chinese.
    pub evidence_zh: Vec<String>,
    /// Why, in English.
    pub evidence_en: Vec<String>,
    /// A few values, masked.
    pub samples: Vec<String>,
}

/// A row that was left out, and why.
#[derive(Debug, Clone, Serialize)]
pub struct ProblemView {
    /// Name of the file.
    pub file: String,
    /// Row as a spreadsheet numbers it, the header being row 1.
    pub row: u64,
    /// Column, from zero.
    pub column: Option<u32>,
    /// Field the column was to become.
    pub column_name: Option<String>,
    /// Stable code.
    pub code: String,
    /// The reason in Chinese.
    pub text_zh: String,
    /// The reason in English.
    pub text_en: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct StoredProblem {
    column: Option<u32>,
    code: String,
    zh: String,
    en: String,
}

/// A kind of personal information, as shown in lists to choose from.
#[derive(Debug, Clone, Serialize)]
pub struct KindView {
    /// Stable name.
    pub name: Kind,
    /// Name in Chinese.
    pub label_zh: String,
    /// Name in English.
    pub label_en: String,
    /// Protection level, 1 low to 4 very high.
    pub level: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct StoredImport {
    /// Name of the file, sealed: people name files after people.
    sealed_name: Vec<u8>,
    size: u64,
    state: ImportState,
    error: Option<String>,
    plan: Option<ImportPlan>,
    /// The last row (as numbered by `reading`) that is settled.
    settled: u64,
    counts: Counts,
    bytes_done: u64,
    started: UnixMs,
    ended: Option<UnixMs>,
    by: String,
    by_name: String,
}

/// The running imports of this process.
#[derive(Debug, Default)]
pub(crate) struct Imports {
    stopping: Arc<AtomicBool>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Imports {
    /// Asks the running imports to stop after their current batch, and waits.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        for thread in self.threads.lock().drain(..) {
            // An import that panicked left its last commit behind, which is where it resumes.
            let _ = thread.join();
        }
    }
}

/// An upload under way: whatever is written is sealed before it reaches the disk.
pub struct Upload {
    service: Arc<Service>,
    writer: Option<SealedWriter<BufWriter<File>>>,
    path: PathBuf,
    id: String,
    size: u64,
}

impl std::fmt::Debug for Upload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upload")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl Write for Upload {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let writer = self
            .writer
            .as_mut()
            .ok_or_else(|| std::io::Error::other("the upload is finished"))?;
        let written = writer.write(bytes)?;
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.writer.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Drop for Upload {
    /// An upload that was not finished leaves nothing behind.
    fn drop(&mut self) {
        if self.writer.take().is_some() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl Upload {
    /// Completes the spooled file: path and size.
    pub(crate) fn seal(mut self) -> Result<(String, u64)> {
        if let Some(writer) = self.writer.take() {
            Service::finish_sealed(writer)?;
        }
        Ok((self.id.clone(), self.size))
    }

    /// Completes the upload as an import to be looked at.
    ///
    /// # Errors
    ///
    /// When the spool cannot be written.
    pub fn finish_import(self, caller: &Caller, file_name: &str) -> Result<String> {
        caller.need(Role::Importer, "import")?;
        let service = self.service.clone();
        let (id, size) = self.seal()?;
        let job = StoredImport {
            sealed_name: service.seal("file-name", base_name(file_name).as_bytes())?,
            size,
            state: ImportState::Uploaded,
            error: None,
            plan: None,
            settled: 0,
            counts: Counts::default(),
            bytes_done: 0,
            started: service.now(),
            ended: None,
            by: caller.id.clone(),
            by_name: caller.display.clone(),
        };
        shelf::put_now(service.store(), Space::Jobs, &job_key(&id), &job)?;
        Ok(id)
    }
}

/// The last part of a path somebody sent; never used as a path here.
pub(crate) fn base_name(file_name: &str) -> String {
    let last = file_name.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last.chars().filter(|c| !c.is_control()).take(200).collect();
    if clean.trim().is_empty() {
        "upload".to_owned()
    } else {
        clean
    }
}

fn job_key(id: &str) -> Vec<u8> {
    [JOB, id.as_bytes()].concat()
}

fn row_key(prefix: &[u8], id: &str, row: u64) -> Vec<u8> {
    [prefix, id.as_bytes(), b"/", &row.to_be_bytes()].concat()
}

fn reading_options(plan_sheet: Option<&str>, has_header: Option<bool>) -> reading::Options {
    reading::Options {
        sheet: plan_sheet.map_or(reading::SheetChoice::FirstVisible, |name| {
            reading::SheetChoice::Name(name.to_owned())
        }),
        header: match has_header {
            Some(false) => reading::HeaderChoice::None,
            _ => reading::HeaderChoice::Auto,
        },
        ..reading::Options::default()
    }
}

impl Service {
    /// Begins an upload; write the file's bytes into it, then finish it.
    ///
    /// # Errors
    ///
    /// When the spool cannot be written.
    pub fn upload(self: &Arc<Self>) -> Result<Upload> {
        let id = ids::random("u", 10)?;
        let path = self.spool(&id);
        let writer = self.create_sealed(&path, &id)?;
        Ok(Upload {
            service: self.clone(),
            writer: Some(writer),
            path,
            id,
            size: 0,
        })
    }

    pub(crate) fn spool(&self, id: &str) -> PathBuf {
        self.dir.join("spool").join(id)
    }

    pub(crate) fn open_spooled(
        &self,
        id: &str,
        name: &str,
        options: &reading::Options,
    ) -> Result<reading::Table> {
        let reader = self.open_sealed(&self.spool(id), id)?;
        Ok(reading::open_with(
            reader,
            name,
            &reading::Limits::default(),
            options,
        )?)
    }

    fn job(&self, id: &str) -> Result<StoredImport> {
        shelf::get(self.store(), Space::Jobs, &job_key(id))?.ok_or(ServiceError::NotFound("import"))
    }

    fn file_name(&self, job: &StoredImport) -> Result<String> {
        let name = self.unseal("file-name", &job.sealed_name)?;
        Ok(String::from_utf8_lossy(&name).into_owned())
    }

    /// What an uploaded file seems to hold; stores nothing.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Reading`] when it is no table we read.
    pub fn import_preview(
        &self,
        caller: &Caller,
        id: &str,
        sheet: Option<&str>,
        has_header: Option<bool>,
    ) -> Result<Preview> {
        caller.need(Role::Importer, "import")?;
        let job = self.job(id)?;
        let name = self.file_name(&job)?;
        let (guess, rows_sampled) = self.guess(id, &name, sheet, has_header)?;
        Ok(Preview {
            id: id.to_owned(),
            file_name: name,
            size: job.size,
            rows_sampled,
            ..guess
        })
    }

    fn guess(
        &self,
        id: &str,
        name: &str,
        sheet: Option<&str>,
        has_header: Option<bool>,
    ) -> Result<(Preview, u64)> {
        let mut table = self.open_spooled(id, name, &reading_options(sheet, has_header))?;
        let header = table.header().clone();
        let sample: Vec<Row> = std::iter::from_fn(|| table.next_row())
            .take(SAMPLE_ROWS)
            .filter_map(std::result::Result::ok)
            .collect();
        let named = has_header.unwrap_or_else(|| columns::looks_like_header(&header, &sample));
        if has_header.is_none() && !named {
            // The first row is data: look again with it among the values.
            return self.guess(id, name, sheet, Some(false));
        }
        let columns = preview_columns(&header, &sample);
        let preview = Preview {
            id: String::new(),
            file_name: String::new(),
            size: 0,
            format: table.format().name(),
            sheet: table
                .sheet()
                .and_then(|at| table.sheets().get(at))
                .map(|sheet| sheet.name.clone()),
            sheets: table
                .sheets()
                .iter()
                .map(|sheet| sheet.name.clone())
                .collect(),
            has_header: named,
            columns,
            rows_sampled: 0,
        };
        Ok((preview, sample.len() as u64))
    }

    /// Starts an import as confirmed.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Invalid`] for a plan that does not fit; [`ServiceError::Conflict`] when it already runs.
    pub async fn import_start(
        self: &Arc<Self>,
        caller: &Caller,
        id: &str,
        plan: ImportPlan,
    ) -> Result<()> {
        caller.need(Role::Importer, "import")?;
        check_plan(&plan)?;
        if let Some(site) = &plan.site {
            self.site(site)?;
        }
        let _settings = self.settings.lock().await;
        let mut job = self.job(id)?;
        if job.state != ImportState::Uploaded {
            return Err(ServiceError::Conflict(
                "this import was started before".to_owned(),
            ));
        }
        self.declare_fields(&plan)?;
        let details = [
            ("did", "start".to_owned()),
            ("import", id.to_owned()),
            ("collection", plan.collection.clone()),
        ];
        self.note(caller, Action::Import, Outcome::Done, details)
            .await?;
        job.plan = Some(plan);
        job.state = ImportState::Running;
        shelf::put_now(self.store(), Space::Jobs, &job_key(id), &job)?;
        self.run_import(id.to_owned())
    }

    /// Takes up the imports that a crash or a stop cut off.
    pub(crate) fn resume_imports(self: &Arc<Self>) -> Result<()> {
        for (key, job) in shelf::all::<StoredImport>(self.store(), Space::Jobs, JOB)? {
            if job.state == ImportState::Running {
                let id =
                    String::from_utf8_lossy(key.get(JOB.len()..).unwrap_or_default()).into_owned();
                tracing::info!(import = %id, settled = job.settled, "resuming an import");
                self.run_import(id)?;
            }
        }
        Ok(())
    }

    fn run_import(self: &Arc<Self>, id: String) -> Result<()> {
        let service = self.clone();
        let thread = std::thread::Builder::new()
            .name("import".to_owned())
            .spawn(move || {
                if let Err(error) = service.carry_import(&id) {
                    tracing::error!(import = %id, %error, "an import failed");
                    service.fail_import(&id, &error);
                }
            })
            .map_err(ServiceError::io("start the import"))?;
        self.imports.threads.lock().push(thread);
        Ok(())
    }

    fn fail_import(&self, id: &str, cause: &ServiceError) {
        let failed = self.job(id).and_then(|mut job| {
            job.state = ImportState::Failed;
            job.error = Some(cause.to_string());
            job.ended = Some(self.now());
            shelf::put_now(self.store(), Space::Jobs, &job_key(id), &job)
        });
        if let Err(error) = failed {
            tracing::error!(import = %id, %error, "the failure could not be recorded");
        }
    }

    fn carry_import(&self, id: &str) -> Result<()> {
        let mut job = self.job(id)?;
        let plan = job
            .plan
            .clone()
            .ok_or(ServiceError::Damaged("import plan"))?;
        let name = self.file_name(&job)?;
        let mut table = self.open_spooled(
            id,
            &name,
            &reading_options(plan.sheet.as_deref(), Some(plan.has_header)),
        )?;
        let site = plan.site.as_deref().map(SiteId::from_str).transpose()?;
        let mut pending = Pending::default();
        let (canaries, decoys) = (self.issued_canaries()?, self.all_decoys()?);
        while let Some(row) = table.next_row() {
            let number = match &row {
                Ok(row) => row.number,
                Err(problem) => problem.locator.row.unwrap_or(0),
            };
            // Rows settled before a crash are read past, not stored again.
            if number <= job.settled {
                continue;
            }
            if let Ok(row) = &row {
                refuse_invented(row, &plan, &canaries, &decoys)?;
            }
            pending.take(number, row, &plan);
            if pending.rows() >= BATCH_ROWS {
                job.bytes_done = table.progress().0;
                self.settle(id, &mut job, std::mem::take(&mut pending), site.as_ref())?;
                if self.imports.stopping.load(Ordering::Relaxed) {
                    return Ok(());
                }
            }
        }
        job.bytes_done = job.size;
        self.settle(id, &mut job, pending, site.as_ref())?;
        if let Some(error) = table.failure() {
            return Err(ServiceError::Invalid(format!(
                "the file cannot be read beyond row {}: {error}; the rows before are stored, whatever follows is not",
                job.settled
            )));
        }
        self.end_import(id, job)
    }

    /// Commits a batch: rows, problems, tokens and progress in one transaction.
    fn settle(
        &self,
        id: &str,
        job: &mut StoredImport,
        pending: Pending,
        site: Option<&SiteId>,
    ) -> Result<()> {
        let mut next = job.clone();
        next.settled = pending.last.max(job.settled);
        next.counts.rows += pending.seen;
        next.counts.bad += pending.bad.len() as u64;
        next.counts.blank += pending.blank;
        let collection = job
            .plan
            .as_ref()
            .map(|plan| plan.collection.as_str())
            .unwrap_or_default();
        let now = self.now();
        let finished = |ingested: &[Ingested]| -> Batch {
            let mut batch = Batch::new();
            for (row, done) in pending.numbers.iter().zip(ingested) {
                if done.created || done.changed {
                    members::joined(&mut batch, collection, &done.subject, now);
                }
                match (done.created, done.changed) {
                    (true, _) => next.counts.created += 1,
                    (false, true) => next.counts.changed += 1,
                    (false, false) => next.counts.unchanged += 1,
                }
                if let Some(token) = &done.token {
                    batch.put(Space::Jobs, row_key(TOKEN, id, *row), token.to_string());
                }
            }
            for (row, problem) in &pending.bad {
                batch.put(
                    Space::JobProblems,
                    row_key(PROBLEM, id, *row),
                    shelf::bytes(problem).unwrap_or_default(),
                );
            }
            batch.put(
                Space::Jobs,
                job_key(id),
                shelf::bytes(&next).unwrap_or_default(),
            );
            batch
        };
        self.vault.ingest_then(&pending.good, site, finished)?;
        *job = next;
        Ok(())
    }

    fn end_import(&self, id: &str, mut job: StoredImport) -> Result<()> {
        let mut event = self.event_as(&job.by, &job.by_name, Action::Import, Outcome::Done);
        let counts = job.counts;
        event.details = named([
            ("did", "end".to_owned()),
            ("import", id.to_owned()),
            ("rows", counts.rows.to_string()),
            ("created", counts.created.to_string()),
            ("bad", counts.bad.to_string()),
        ]);
        self.ledger().operator_blocking(&event)?;
        job.state = ImportState::Done;
        job.ended = Some(self.now());
        shelf::put_now(self.store(), Space::Jobs, &job_key(id), &job)?;
        fs::remove_file(self.spool(id)).map_err(ServiceError::io("remove the spooled upload"))
    }

    /// Forgets an upload that was not started.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Conflict`] when it was.
    pub fn discard_import(&self, caller: &Caller, id: &str) -> Result<()> {
        caller.need(Role::Importer, "import")?;
        if self.job(id)?.state != ImportState::Uploaded {
            return Err(ServiceError::Conflict(
                "only an import that was not started can be discarded".to_owned(),
            ));
        }
        let mut batch = Batch::new();
        batch.delete(Space::Jobs, job_key(id));
        self.store().write(&batch)?;
        fs::remove_file(self.spool(id)).map_err(ServiceError::io("remove the spooled upload"))
    }

    /// All imports, newest first.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Forbidden`] without the role.
    pub fn imports(&self, caller: &Caller) -> Result<Vec<ImportStatus>> {
        caller.need(Role::Importer, "see imports")?;
        let jobs: Vec<(Vec<u8>, StoredImport)> = shelf::all(self.store(), Space::Jobs, JOB)?;
        let mut list = Vec::with_capacity(jobs.len());
        for (key, job) in jobs {
            let id = String::from_utf8_lossy(key.get(JOB.len()..).unwrap_or_default()).into_owned();
            list.push(self.status(id, job)?);
        }
        list.sort_by_key(|status| std::cmp::Reverse(status.started));
        Ok(list)
    }

    /// How far an import is.
    ///
    /// # Errors
    ///
    /// [`ServiceError::NotFound`].
    pub fn import_status(&self, caller: &Caller, id: &str) -> Result<ImportStatus> {
        caller.need(Role::Importer, "see imports")?;
        self.status(id.to_owned(), self.job(id)?)
    }

    fn status(&self, id: String, job: StoredImport) -> Result<ImportStatus> {
        Ok(ImportStatus {
            file_name: self.file_name(&job)?,
            id,
            collection: job.plan.map(|plan| plan.collection).unwrap_or_default(),
            state: job.state,
            error: job.error,
            bytes_done: job.bytes_done,
            bytes_total: job.size,
            counts: job.counts,
            started: job.started,
            ended: job.ended,
            by: job.by_name,
        })
    }

    /// Rows that were left out, from row `from` on.
    ///
    /// # Errors
    ///
    /// [`ServiceError::NotFound`].
    pub fn import_problems(
        &self,
        caller: &Caller,
        id: &str,
        from: u64,
        limit: usize,
    ) -> Result<Vec<ProblemView>> {
        caller.need(Role::Importer, "see imports")?;
        let job = self.job(id)?;
        let file = self.file_name(&job)?;
        let names: HashMap<u32, String> = job
            .plan
            .iter()
            .flat_map(|plan| &plan.columns)
            .filter_map(|column| Some((u32::try_from(column.index).ok()?, column.field.clone())))
            .collect();
        let rows = self.store().scan(
            Space::JobProblems,
            &KeyRange::between(row_key(PROBLEM, id, from), row_key(PROBLEM, id, u64::MAX)),
            limit,
            false,
        )?;
        rows.into_iter()
            .map(|(key, value)| {
                let stored: StoredProblem =
                    serde_json::from_slice(&value).map_err(|_| ServiceError::Damaged("problem"))?;
                Ok(ProblemView {
                    file: file.clone(),
                    row: row_of(&key),
                    column: stored.column,
                    column_name: stored.column.and_then(|column| names.get(&column).cloned()),
                    code: stored.code,
                    text_zh: stored.zh,
                    text_en: stored.en,
                })
            })
            .collect()
    }

    /// Tokens the business site holds instead of its rows: pairs of row and token, from row `from` on.
    ///
    /// # Errors
    ///
    /// [`ServiceError::NotFound`].
    pub fn import_tokens(
        &self,
        caller: &Caller,
        id: &str,
        from: u64,
        limit: usize,
    ) -> Result<Vec<(u64, String)>> {
        caller.need(Role::Importer, "see imports")?;
        self.job(id)?;
        let rows = self.store().scan(
            Space::Jobs,
            &KeyRange::between(row_key(TOKEN, id, from), row_key(TOKEN, id, u64::MAX)),
            limit,
            false,
        )?;
        Ok(rows
            .into_iter()
            .map(|(key, token)| (row_of(&key), String::from_utf8_lossy(&token).into_owned()))
            .collect())
    }

    /// All kinds of personal information, for lists to choose from.
    pub fn kinds(&self) -> Vec<KindView> {
        let pack = RulePack::builtin();
        Kind::BUILTIN
            .iter()
            .map(|kind| KindView {
                name: *kind,
                label_zh: pack.label(*kind, Lang::Zh).to_owned(),
                label_en: pack.label(*kind, Lang::En).to_owned(),
                level: level_of(Some(*kind)),
            })
            .collect()
    }
}

/// Protection level of a kind, 1 low to 4 very high; a field of no known kind counts as medium.
pub(crate) fn level_of(kind: Option<Kind>) -> i64 {
    use liuhen_kinds::Level;
    kind.map_or(2, |kind| match RulePack::builtin().info(kind).level {
        Level::Low => 1,
        Level::Medium => 2,
        Level::High => 3,
        Level::VeryHigh => 4,
    })
}

fn row_of(key: &[u8]) -> u64 {
    key.last_chunk::<8>()
        .map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

fn preview_columns(header: &Header, sample: &[Row]) -> Vec<PreviewColumn> {
    let mut used: HashMap<String, u32> = HashMap::new();
    columns::guess(header, sample)
        .into_iter()
        .map(|guess| {
            let base = match guess.kind {
                Some(kind) => kind.name().to_owned(),
                None if guess.header.trim().is_empty() => format!("column_{}", guess.column + 1),
                None => guess.header.trim().chars().take(60).collect(),
            };
            let times = used
                .entry(base.clone())
                .and_modify(|n| *n += 1)
                .or_insert(1);
            let field = if *times == 1 {
                base
            } else {
                format!("{base}_{times}")
            };
            let samples = sample
                .iter()
                .filter_map(|row| row.cells.get(guess.column))
                .filter(|cell| !cell.as_str().trim().is_empty())
                .take(SHOWN_SAMPLES)
                .map(|cell| masked(guess.kind, cell.as_str()))
                .collect();
            PreviewColumn {
                index: guess.column,
                header: guess.header,
                field,
                kind: guess.kind,
                confidence: guess.confidence,
                evidence_zh: guess
                    .evidence
                    .iter()
                    .map(|line| line.text(Lang::Zh))
                    .collect(),
                evidence_en: guess
                    .evidence
                    .iter()
                    .map(|line| line.text(Lang::En))
                    .collect(),
                samples,
            }
        })
        .collect()
}

/// A value with most characters hidden; of an unknown kind, all but the first.
pub(crate) fn masked(kind: Option<Kind>, value: &str) -> String {
    match kind {
        Some(kind) => mask(kind, value),
        None => {
            let mut chars = value.chars();
            let first: String = chars.next().into_iter().collect();
            let hidden = chars.count().min(8);
            first + &"*".repeat(hidden)
        }
    }
}

fn check_plan(plan: &ImportPlan) -> Result<()> {
    let invalid = |why: &str| Err(ServiceError::Invalid(why.to_owned()));
    let name_fits = |name: &str| {
        (1..=60).contains(&name.chars().count())
            && !name.chars().any(|c| c.is_control() || c == '/')
    };
    if !name_fits(&plan.collection) {
        return invalid(
            "a collection's name has 1 to 60 characters without / or control characters",
        );
    }
    let kept: Vec<&PlanColumn> = plan.columns.iter().filter(|column| column.keep).collect();
    if kept.is_empty() {
        return invalid("keep at least one column");
    }
    let mut names: Vec<&str> = kept.iter().map(|column| column.field.as_str()).collect();
    if names.iter().any(|name| !name_fits(name)) {
        return invalid("a field's name has 1 to 60 characters without / or control characters");
    }
    names.sort_unstable();
    if names.windows(2).any(|pair| pair[0] == pair[1]) {
        return invalid("two columns cannot become the same field");
    }
    Ok(())
}

/// Rows gathered for one commit.
#[derive(Default)]
struct Pending {
    good: Vec<IncomingRow>,
    numbers: Vec<u64>,
    bad: Vec<(u64, StoredProblem)>,
    blank: u64,
    seen: u64,
    last: u64,
}

impl Pending {
    fn rows(&self) -> usize {
        self.good.len() + self.bad.len()
    }

    fn take(
        &mut self,
        number: u64,
        row: std::result::Result<Row, liuhen_document::RowProblem>,
        plan: &ImportPlan,
    ) {
        self.seen += 1;
        self.last = number;
        match row {
            Err(problem) => self.bad.push((
                number,
                StoredProblem {
                    column: problem.locator.column,
                    code: problem.reason.code().to_owned(),
                    zh: problem.text(Lang::Zh).to_owned(),
                    en: problem.text(Lang::En).to_owned(),
                },
            )),
            Ok(row) => match incoming(&row, plan) {
                Ok(Some(incoming)) => {
                    self.good.push(incoming);
                    self.numbers.push(number);
                }
                Ok(None) => self.blank += 1,
                Err(problem) => self.bad.push((number, problem)),
            },
        }
    }
}

/// Refuses the invented people of this house.
///
/// A canary of an issued copy, taken in, would leave again with every copy and accuse whoever held the first; so would the forms of his other rows. A decoy does not exist.
fn refuse_invented(
    row: &Row,
    plan: &ImportPlan,
    canaries: &Canaries,
    decoys: &Decoys,
) -> Result<()> {
    if canaries.is_empty() && decoys.is_empty() {
        return Ok(());
    }
    let (number, values) = (row.number, leading(row, plan));
    if canaries.of_row(&values).is_some() {
        return Err(ServiceError::Invalid(format!(
            "row {number} is a canary of an issued copy; a file that was handed out must not come back in, take in its source"
        )));
    }
    if decoys.has_row(&values) {
        return Err(ServiceError::Invalid(format!(
            "row {number} is a decoy, shown among the results of look-ups; such a person does not exist and is not taken in"
        )));
    }
    Ok(())
}

/// The cells of a row whose kind is known.
fn leading<'a>(row: &'a Row, plan: &ImportPlan) -> Vec<(Kind, &'a str)> {
    let value = |column: &PlanColumn| {
        let cell = row.cells.get(column.index)?;
        Some((column.kind?, cell.as_str().trim()))
    };
    plan.columns.iter().filter_map(value).collect()
}

/// A row as the vault takes it; nothing for a blank row, a problem for one that cannot be right.
fn incoming(
    row: &Row,
    plan: &ImportPlan,
) -> std::result::Result<Option<IncomingRow>, StoredProblem> {
    let mut fields = Vec::with_capacity(plan.columns.len());
    for column in plan.columns.iter().filter(|column| column.keep) {
        let value = row
            .cells
            .get(column.index)
            .map_or("", |cell| cell.as_str().trim());
        if !value.is_empty() {
            fields.push(incoming_field(column, value)?);
        }
    }
    if fields.is_empty() {
        return Ok(None);
    }
    let identity = identity(&fields);
    Ok(Some(IncomingRow {
        collection: plan.collection.clone(),
        fields,
        identity,
    }))
}

fn incoming_field(
    column: &PlanColumn,
    value: &str,
) -> std::result::Result<IncomingField, StoredProblem> {
    let mut index = None;
    if let Some(kind) = column.kind {
        match check(kind, value) {
            Verdict::Valid(normal) | Verdict::Doubtful(normal, _) => {
                index = indexed(kind, normal.as_str())
            }
            Verdict::Invalid(reason) if is_strict(kind) => {
                return Err(StoredProblem {
                    column: u32::try_from(column.index).ok(),
                    code: reason.code().to_owned(),
                    zh: reason.text(Lang::Zh).to_owned(),
                    en: reason.text(Lang::En).to_owned(),
                });
            }
            // A name or an address in an unusual form is still what the row says: kept, but not looked up by.
            Verdict::Invalid(_) => {}
        }
    }
    Ok(IncomingField {
        name: column.field.clone(),
        kind: column.kind,
        value: value.to_owned().into(),
        index,
    })
}

/// Kinds with a form so strict that a value outside it cannot be right.
fn is_strict(kind: Kind) -> bool {
    [
        Kind::RESIDENT_ID,
        Kind::MOBILE,
        Kind::EMAIL,
        Kind::BANK_CARD,
    ]
    .contains(&kind)
}

/// What a value is looked up by, if its kind identifies a person.
pub(crate) fn indexed(kind: Kind, normal: &str) -> Option<zeroize::Zeroizing<String>> {
    (RulePack::builtin().info(kind).identifying || kind == Kind::PERSON_NAME)
        .then(|| normal.to_owned().into())
}

/// The normalised form under which a value is looked up.
pub(crate) fn lookup_form(kind: Kind, value: &str) -> Option<String> {
    normalise(kind, value.trim())
}

/// Same resident ID or, failing that, same mobile and name: same person.
fn identity(fields: &[IncomingField]) -> Vec<IdentityKey> {
    let of = |kind: Kind| {
        fields
            .iter()
            .find(|field| field.kind == Some(kind) && field.index.is_some())
            .and_then(|field| field.index.clone())
    };
    let mut keys = Vec::with_capacity(2);
    if let Some(id) = of(Kind::RESIDENT_ID) {
        keys.push(IdentityKey::ResidentId(id));
    }
    if let (Some(mobile), Some(name)) = (of(Kind::MOBILE), of(Kind::PERSON_NAME)) {
        keys.push(IdentityKey::MobileAndName(mobile, name));
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_names_lose_their_folders() {
        let rows = [
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\x\\名单.xlsx", "名单.xlsx"),
            ("a\u{0}b", "ab"),
            ("", "upload"),
            ("/", "upload"),
        ];
        for (given, expected) in rows {
            assert_eq!(base_name(given), expected);
        }
    }

    #[test]
    fn refuses_plans_that_do_not_fit() {
        let column = |field: &str, keep| PlanColumn {
            index: 0,
            field: field.to_owned(),
            kind: None,
            keep,
        };
        let plan = |collection: &str, columns| ImportPlan {
            collection: collection.to_owned(),
            site: None,
            sheet: None,
            has_header: true,
            columns,
        };
        let rows = [
            ("fits", plan("patients", vec![column("a", true)]), true),
            (
                "nothing kept",
                plan("patients", vec![column("a", false)]),
                false,
            ),
            (
                "same field twice",
                plan("patients", vec![column("a", true), column("a", true)]),
                false,
            ),
            ("no collection", plan("", vec![column("a", true)]), false),
            ("slash", plan("a/b", vec![column("a", true)]), false),
        ];
        for (name, plan, fits) in rows {
            assert_eq!(check_plan(&plan).is_ok(), fits, "{name}");
        }
    }
}
