//! Rows that leave for a named recipient: asked for by one person, approved by another, traced, marked.
//!
//! The order when an export is made: decide for every person by policy; trace the export with all its subjects; only then open values, mark them, and write the file (sealed).
//! The key that marks a copy is made before and committed to in the trace, so nobody can later frame a recipient with a key made up for the purpose.
//! Marks and canaries themselves are `fingerprint`'s; leading a leak back is [`crate::leaks`]'s.

use std::collections::HashMap;
use std::fs;
use std::io::Read;
use std::sync::Arc;

use liuhen_fingerprint::canary::{self, Canary};
use liuhen_fingerprint::code::{CodeKey, ExportKey};
use liuhen_fingerprint::evalue::{Epsilon, Threshold};
use liuhen_fingerprint::power::{PowerLine, PowerTable, power_table};
use liuhen_fingerprint::table::{Cell, capacity, mark_row};
use liuhen_invented::{Cast, Profile};
use liuhen_kinds::Kind;
use liuhen_tlog::Appended;
use liuhen_vault::store::Space;
use liuhen_vault::{OpenField, SubjectId, VaultError};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::access::short_name;
use crate::caller::{Caller, CallerKind, Role};
use crate::clock::{UnixMs, day, rfc3339};
use crate::error::{Result, ServiceError};
use crate::event::{Action, Outcome};
use crate::ledger::named;
use crate::policy::{Ask, Facts};
use crate::purposes::PurposeView;
use crate::reads::ReceiptView;
use crate::tables::{TableFormat, write_table};
use crate::{Service, ids, likeness, pages, shelf};

/// Rows one export may hold: its workbook or its marks are built in memory.
const ROWS_AT_MOST: u64 = 2_000_000;

/// Rows of a workbook that fit comfortably in memory.
const XLSX_ROWS_AT_MOST: u64 = 200_000;

/// Rows opened (and shown to nobody) to estimate how many symbols an export will carry.
const ESTIMATE_ROWS: usize = 200;

/// Rows opened (and shown to nobody) to learn what canaries should look like.
const LIKENESS_ROWS: usize = 1_000;

/// What is asked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ExportRequest {
    /// Who will hold the copy.
    pub recipient: String,
    /// The declared purpose, by id.
    pub purpose: String,
    /// The collection.
    pub collection: String,
    /// The fields, in the order of the columns.
    pub fields: Vec<String>,
    /// At most this many rows.
    #[serde(default)]
    pub limit: Option<u64>,
    /// `csv`, `tsv`, `jsonl`, `parquet`, `xlsx` or `pdf`.
    pub format: String,
    /// `utf-8` or `gbk`, for CSV.
    #[serde(default)]
    pub encoding: String,
    /// Leaves times and coordinates exactly as stored, for recipients who match them to the last digit.
    #[serde(default)]
    pub exact: bool,
    /// Canary slots beyond those planned, at most [`PowerView::extra_canaries_most`].
    #[serde(default)]
    pub extra_canaries: Option<u32>,
    /// Until when the copy may be kept.
    pub expires: UnixMs,
    /// Why, in the requester's words.
    #[serde(default)]
    pub note: String,
}

/// Where an export stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExportState {
    /// Waits for a second person.
    Requested,
    /// Approved; the file is being made.
    Approved,
    /// A second person said no.
    Declined,
    /// The file can be fetched.
    Ready,
    /// It could not be made.
    Failed,
    /// Somebody in it cancelled: the file is deleted; the copy counts as issued.
    Withdrawn,
}

/// What a copy can prove, should it leak.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PowerView {
    /// Symbols the copy carries (before approval: an estimate).
    pub symbols: u64,
    /// Canary persons planned (slots; about half become rows).
    pub canary_slots: u32,
    /// Leaked rows needed to accuse, by number of colluders.
    pub lines: Vec<(usize, Option<u64>)>,
    /// The most colluders of whom the whole copy convicts at least one.
    pub colluders_survived: usize,
    /// The leaked share of the rows at which canaries alone lead back; `None` when no share does.
    #[serde(default)]
    pub canary_share: Option<f64>,
    /// How many canary slots beyond those planned may be asked for.
    #[serde(default)]
    pub extra_canaries_most: u32,
    /// That share with all of them.
    #[serde(default)]
    pub canary_share_most: Option<f64>,
    /// Pages, each of which carries a mark in its picture too; none unless it is a PDF (before approval: an estimate).
    #[serde(default)]
    pub pages: u64,
    /// What to do about it, in Chinese.
    pub advice_zh: String,
    /// What to do about it, in English.
    pub advice_en: String,
}

impl PowerView {
    /// Notes the pages of a PDF, and says what they add.
    fn count_pages(&mut self, pages: u64) {
        self.pages = pages;
        if pages > 0 {
            let (zh, en) = page_advice(pages);
            self.advice_zh.push_str(&zh);
            self.advice_en.push_str(&en);
        }
    }
}

/// An export, as shown.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ExportView {
    /// Its id.
    pub id: String,
    /// What was asked for.
    pub request: ExportRequest,
    /// Where it stands.
    pub state: ExportState,
    /// Why it failed.
    pub error: Option<String>,
    /// Persons in it (before approval: in the collection).
    pub rows: u64,
    /// Persons the policies kept out.
    pub left_out: u64,
    /// Canary persons in it.
    pub canaries: u64,
    /// What it can prove.
    pub power: PowerView,
    /// Who asked.
    pub by: String,
    /// As shown.
    pub by_name: String,
    /// Who approved or declined.
    pub decided_by: Option<String>,
    /// When it was asked for.
    pub requested: UnixMs,
    /// The receipt of its trace.
    pub receipt: Option<ReceiptView>,
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct StoredExport {
    pub(crate) view: ExportView,
    /// Who asked, with the roles he had then.
    asker: Caller,
    /// Who made the API key it was asked with, if it was.
    #[serde(default)]
    answers_for: Option<String>,
    /// The marking key, sealed.
    pub(crate) key: Vec<u8>,
    /// Index of its header leaf; copies that were never made are not examined.
    pub(crate) header: Option<u64>,
    /// The people its canaries look like; nothing for copies from before canaries had a likeness.
    #[serde(default)]
    pub(crate) likeness: Option<Profile>,
}

/// The file of an export, opened for reading.
pub struct ExportFile {
    /// Name to save it under.
    pub file_name: String,
    /// Media type.
    pub media_type: &'static str,
    /// Size in bytes.
    pub size: u64,
    /// The bytes.
    pub reader: Box<dyn Read + Send>,
}

impl std::fmt::Debug for ExportFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExportFile")
            .field("file_name", &self.file_name)
            .finish_non_exhaustive()
    }
}

impl Service {
    pub(crate) fn code_key(&self) -> CodeKey {
        CodeKey::from_secret(*self.vault.derive("fingerprint-code").expose())
    }

    pub(crate) fn export_key(&self, sealed: &[u8]) -> Result<ExportKey> {
        let secret = self.unseal("export-key", sealed)?;
        let secret: [u8; 32] = secret
            .as_slice()
            .try_into()
            .map_err(|_| ServiceError::Damaged("export key"))?;
        Ok(ExportKey::from_secret(secret))
    }

    pub(crate) fn stored_exports(&self) -> Result<Vec<StoredExport>> {
        let all: Vec<(Vec<u8>, StoredExport)> = shelf::all(self.store(), Space::Exports, &[])?;
        Ok(all.into_iter().map(|(_, export)| export).collect())
    }

    fn stored_export(&self, id: &str) -> Result<StoredExport> {
        shelf::get(self.store(), Space::Exports, id.as_bytes())?
            .ok_or(ServiceError::NotFound("export"))
    }

    pub(crate) fn put_export(&self, export: &StoredExport) -> Result<()> {
        shelf::put_now(
            self.store(),
            Space::Exports,
            export.view.id.as_bytes(),
            export,
        )
    }

    /// All exports, newest first.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Forbidden`] for a caller who neither asks for, approves nor investigates exports.
    pub fn exports(&self, caller: &Caller) -> Result<Vec<ExportView>> {
        let may = [
            Role::Exporter,
            Role::Approver,
            Role::Investigator,
            Role::Admin,
        ];
        if !may.iter().any(|role| caller.has(*role)) {
            caller.need(Role::Exporter, "see exports")?;
        }
        let mut views: Vec<ExportView> = self
            .stored_exports()?
            .into_iter()
            .map(|export| export.view)
            .collect();
        views.sort_by_key(|view| std::cmp::Reverse(view.requested));
        Ok(views)
    }

    /// One export.
    ///
    /// # Errors
    ///
    /// As for [`Service::exports`], or [`ServiceError::NotFound`].
    pub fn export(&self, caller: &Caller, id: &str) -> Result<ExportView> {
        self.exports(caller)?
            .into_iter()
            .find(|view| view.id == id)
            .ok_or(ServiceError::NotFound("export"))
    }

    /// Asks for an export; it waits for a second person.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Invalid`] for a request that cannot be met.
    pub async fn request_export(
        self: &Arc<Self>,
        caller: &Caller,
        mut request: ExportRequest,
    ) -> Result<ExportView> {
        caller.need(Role::Exporter, "ask for exports")?;
        request.recipient = short_name(&request.recipient)?;
        let format = TableFormat::parse(&request.format, &request.encoding)?;
        let purpose = self.purpose(&request.purpose)?;
        self.check_export(&request, &purpose)?;
        let service = self.clone();
        let asked = request.clone();
        let (rows, power) = off_the_runtime(move || service.estimate(&asked)).await?;
        let most = power.extra_canaries_most;
        if request.extra_canaries.is_some_and(|extra| extra > most) {
            return Err(ServiceError::Invalid(format!(
                "an export of {rows} rows takes at most {most} canary slots more"
            )));
        }
        if format == TableFormat::Pdf {
            pages::check(&request, rows)?;
        }
        if format == TableFormat::Xlsx && rows > XLSX_ROWS_AT_MOST {
            return Err(ServiceError::Invalid(format!(
                "a workbook holds at most {XLSX_ROWS_AT_MOST} rows here; ask for csv"
            )));
        }
        let mut secret = Zeroizing::new([0u8; 32]);
        ids::fill(secret.as_mut_slice())?;
        let view = ExportView {
            id: ids::random("x", 8)?,
            request,
            state: ExportState::Requested,
            error: None,
            rows,
            left_out: 0,
            canaries: 0,
            power,
            by: caller.id.clone(),
            by_name: caller.display.clone(),
            decided_by: None,
            requested: self.now(),
            receipt: None,
        };
        let mut event = self.event(caller, Action::ExportRequest, Outcome::Done);
        event.purpose = Some(view.request.purpose.clone());
        event.fields.clone_from(&view.request.fields);
        event.details = named([
            ("export", view.id.clone()),
            ("recipient", view.request.recipient.clone()),
        ]);
        self.ledger().operator(&event).await?;
        let export = StoredExport {
            asker: caller.clone(),
            answers_for: self.maker_of_key(caller)?,
            view,
            key: self.seal("export-key", secret.as_slice())?,
            header: None,
            likeness: None,
        };
        self.put_export(&export)?;
        Ok(export.view)
    }

    fn check_export(&self, request: &ExportRequest, purpose: &PurposeView) -> Result<()> {
        let invalid = |why: String| Err(ServiceError::Invalid(why));
        let known = self.collections();
        let Some(collection) = known
            .iter()
            .find(|collection| collection.name == request.collection)
        else {
            return Err(ServiceError::NotFound("collection"));
        };
        if request.fields.is_empty() {
            return invalid("an export needs at least one field".to_owned());
        }
        for field in &request.fields {
            if !collection.fields.iter().any(|known| known.name == *field) {
                return invalid(format!("{} has no field {field}", request.collection));
            }
            if !purpose.fields.contains(field) {
                return invalid(format!(
                    "the purpose {} does not declare the field {field}",
                    purpose.id
                ));
            }
        }
        if request.limit == Some(0) {
            return invalid("an export has at least one row".to_owned());
        }
        if request.expires <= self.now() {
            return invalid("an export must expire in the future".to_owned());
        }
        if request.note.chars().count() > 500 {
            return invalid("a note has at most 500 characters".to_owned());
        }
        Ok(())
    }

    /// How many rows there would be and what they could prove.
    fn estimate(&self, request: &ExportRequest) -> Result<(u64, PowerView)> {
        let count = self.count_in(&request.collection)?;
        let rows = count
            .min(request.limit.unwrap_or(ROWS_AT_MOST))
            .min(ROWS_AT_MOST);
        let sample = self.subjects_in(&request.collection, None, ESTIMATE_ROWS)?;
        let mut symbols = 0usize;
        for subject in &sample {
            let opened = self.open_row(subject, request)?;
            symbols += capacity(&cells(request, &opened));
        }
        let each = symbols as u64;
        let estimated = each * rows / (sample.len() as u64).max(1);
        let extra = request.extra_canaries.unwrap_or(0);
        let mut power = self.power(rows, estimated, extra)?;
        let canaries = u64::from(power.canary_slots / 2);
        power.count_pages(estimated_pages(request, rows, canaries));
        Ok((rows, power))
    }

    fn power(&self, rows: u64, symbols: u64, extra: u32) -> Result<PowerView> {
        let copies = self
            .stored_exports()?
            .iter()
            .filter(|export| export.header.is_some())
            .count() as u64
            + 1;
        let threshold = threshold(copies, Epsilon::DEFAULT)?;
        let plan = canary::plan(rows, threshold);
        let all = plan.with_extra(u32::MAX, rows);
        let mut view = power_view(
            &power_table(rows, symbols, threshold),
            plan.with_extra(extra, rows),
            threshold,
        );
        view.extra_canaries_most = plan.most_extra(rows);
        view.canary_share_most = all.share_needed(threshold);
        Ok(view)
    }

    pub(crate) fn open_row(
        &self,
        subject: &SubjectId,
        request: &ExportRequest,
    ) -> Result<Vec<OpenField>> {
        let names: Vec<&str> = request.fields.iter().map(String::as_str).collect();
        match self.vault.open_fields(subject, &request.collection, &names) {
            // Erased between listing and opening.
            Err(VaultError::Erased) => Ok(Vec::new()),
            opened => Ok(opened?),
        }
    }

    /// Approves (and makes) or declines an export.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Conflict`] when the same person asked for it, or it was decided before.
    pub async fn decide_export(
        self: &Arc<Self>,
        caller: &Caller,
        id: &str,
        approve: bool,
    ) -> Result<ExportView> {
        caller.need(Role::Approver, "approve exports")?;
        if caller.kind == CallerKind::Service {
            return Err(ServiceError::Conflict(
                "an API key is no second person; a member of staff must approve".to_owned(),
            ));
        }
        let settings = self.settings.lock().await;
        let mut export = self.stored_export(id)?;
        if export.view.by == caller.id || export.answers_for.as_ref() == Some(&caller.id) {
            return Err(ServiceError::Conflict(
                "whoever asked for an export cannot approve it; a second person must".to_owned(),
            ));
        }
        if export.view.state != ExportState::Requested {
            return Err(ServiceError::Conflict(
                "this export was decided before".to_owned(),
            ));
        }
        let did = if approve { "approve" } else { "decline" };
        let details = [
            ("export", id.to_owned()),
            ("did", did.to_owned()),
            ("asked_by", export.view.by.clone()),
        ];
        self.note(caller, Action::ExportDecision, Outcome::Done, details)
            .await?;
        export.view.decided_by = Some(caller.display.clone());
        export.view.state = if approve {
            ExportState::Approved
        } else {
            ExportState::Declined
        };
        self.put_export(&export)?;
        drop(settings);
        if !approve {
            return Ok(export.view);
        }
        let (service, caller) = (self.clone(), caller.clone());
        off_the_runtime(move || service.make_and_record(&caller, export)).await
    }

    fn make_and_record(&self, approver: &Caller, mut export: StoredExport) -> Result<ExportView> {
        let made = self.make_export(approver, &mut export);
        // Whoever cancels from here on finds the export done.
        let _settings = self.settings.blocking_lock();
        match &made {
            Ok(()) => export.view.state = ExportState::Ready,
            Err(error) => {
                export.view.state = ExportState::Failed;
                export.view.error = Some(error.to_string());
            }
        }
        if made.is_ok() {
            self.withdraw_if_somebody_left(&mut export)?;
        }
        self.put_export(&export)?;
        made.map(|()| export.view)
    }

    /// Decides for every person, traces, then writes the file.
    fn make_export(&self, approver: &Caller, export: &mut StoredExport) -> Result<()> {
        let (subjects, left_out) = self.allowed_subjects(&export.asker, &export.view)?;
        let copies = self
            .stored_exports()?
            .iter()
            .filter(|other| other.header.is_some())
            .count() as u64
            + 1;
        let rows = subjects.len() as u64;
        let extra = export.view.request.extra_canaries.unwrap_or(0);
        let plan = canary::plan(rows, threshold(copies, Epsilon::DEFAULT)?).with_extra(extra, rows);
        let key = self.export_key(&export.key)?;
        let table = &export.view.request.collection;
        let canaries = canary::carried_in(&self.code_key(), table, &key, plan.slots);
        let likeness = self.likeness(&export.view.request, &subjects)?;
        let cast = Cast::new(likeness.clone());
        export.likeness = Some(likeness);
        export.view.rows = rows;
        export.view.left_out = left_out;
        export.view.canaries = canaries.len() as u64;
        export.view.power.canary_slots = plan.slots;
        let header = self.trace_export(approver, export, &key, &subjects)?;
        export.header = Some(header.index);
        export.view.receipt = Some(self.receipt(&header)?);
        self.keep_subjects(&export.view.id, &subjects)?;
        // From here on the copy counts as issued, whatever becomes of its file.
        self.put_export(export)?;
        let symbols = self.write_export(&export.view, &key, &subjects, (&canaries, &cast))?;
        let slots = export.view.power.canary_slots;
        export.view.power = self.power(export.view.rows, symbols, extra)?;
        export.view.power.canary_slots = slots;
        let canaries = export.view.canaries;
        let pages = estimated_pages(&export.view.request, rows, canaries);
        export.view.power.count_pages(pages);
        Ok(())
    }

    /// The persons the policies allow into the export, and how many they keep out.
    fn allowed_subjects(&self, asker: &Caller, view: &ExportView) -> Result<(Vec<SubjectId>, u64)> {
        let request = &view.request;
        let purpose = self.purpose(&request.purpose)?;
        let policies = self.policies.load_full();
        let limit = request.limit.unwrap_or(ROWS_AT_MOST).min(ROWS_AT_MOST);
        let level = self.highest_level(&request.collection, &request.fields);
        let (mut allowed, mut left_out, mut after) = (Vec::new(), 0, None);
        while (allowed.len() as u64) < limit {
            let page = self.subjects_in(&request.collection, after.as_ref(), 1000)?;
            let Some(last) = page.last() else { break };
            after = Some(*last);
            for subject in page {
                let consent = self.consent_state(&subject, &purpose.id)?;
                // Listed just now; if he left meanwhile, what he leaves is nothing.
                let since = self.member_since(&subject, &request.collection)?;
                let retention_over = since.is_none_or(|at| self.retention_over(at, &purpose));
                let facts = Facts {
                    collection: &request.collection,
                    objects_marketing: self.objects_marketing(&subject)?,
                    purpose: &purpose.id,
                    basis: purpose.basis,
                    marketing: purpose.marketing,
                    purpose_fields: &purpose.fields,
                    fields: &request.fields,
                    level,
                    consent,
                    retention_over,
                    count: 1,
                };
                match policies.decide(asker, Ask::Export, &facts)?.is_empty() {
                    true if (allowed.len() as u64) < limit => allowed.push(subject),
                    true => break,
                    false => left_out += 1,
                }
            }
        }
        if allowed.is_empty() {
            return Err(ServiceError::Invalid(
                "the policies allow no person into this export".to_owned(),
            ));
        }
        Ok((allowed, left_out))
    }

    fn trace_export(
        &self,
        approver: &Caller,
        export: &StoredExport,
        key: &ExportKey,
        subjects: &[SubjectId],
    ) -> Result<Appended> {
        let view = &export.view;
        let mut event = self.event_as(&view.by, &view.by_name, Action::Export, Outcome::Plain);
        event.purpose = Some(view.request.purpose.clone());
        event.fields.clone_from(&view.request.fields);
        event.details = named([
            ("export", view.id.clone()),
            ("recipient", view.request.recipient.clone()),
            ("approved_by", approver.display.clone()),
            ("rows", subjects.len().to_string()),
            ("expires", rfc3339(view.request.expires)),
            ("mark_key_commitment", ids::hex(&key.commitment())),
        ]);
        let header = self.ledger().header_blocking(&event)?;
        self.ledger().chunks_blocking(subjects, &header)?;
        Ok(header.appended)
    }

    /// Which persons a copy holds, sealed: what a leak is compared with.
    fn keep_subjects(&self, id: &str, subjects: &[SubjectId]) -> Result<()> {
        let bytes: Vec<u8> = subjects
            .iter()
            .flat_map(|subject| *subject.as_bytes())
            .collect();
        let sealed = self.seal("export-rows", &bytes)?;
        let path = self.export_path(&format!("{id}.rows"));
        fs::write(&path, sealed).map_err(ServiceError::io("write the rows of an export"))
    }

    /// The persons a copy holds.
    pub(crate) fn kept_subjects(&self, id: &str) -> Result<Vec<SubjectId>> {
        let sealed = fs::read(self.export_path(&format!("{id}.rows")))
            .map_err(ServiceError::io("read the rows of an export"))?;
        let bytes = self.unseal("export-rows", &sealed)?;
        let chunks = bytes
            .chunks_exact(16)
            .filter_map(|chunk| chunk.try_into().ok());
        Ok(chunks.map(SubjectId::from_bytes).collect())
    }

    pub(crate) fn export_path(&self, name: &str) -> std::path::PathBuf {
        self.dir.join("exports").join(name)
    }

    /// Writes the marked file, sealed; returns how many symbols it carries.
    fn write_export(
        &self,
        view: &ExportView,
        key: &ExportKey,
        subjects: &[SubjectId],
        (canaries, cast): (&[Canary], &Cast),
    ) -> Result<u64> {
        let request = &view.request;
        let code = self.code_key();
        let columns = self.column_likeness(request, subjects)?;
        let mut places = canary::positions(key, subjects.len() as u64, canaries.len())
            .into_iter()
            .peekable();
        let (mut persons, mut invented) = (subjects.iter(), canaries.iter());
        let format = TableFormat::parse(&request.format, &request.encoding)?;
        let (mut symbols, mut kept) = (0u64, Vec::new());
        let total = subjects.len() + canaries.len();
        let rows = (0..total as u64).map(|at| {
            let canary = places.next_if_eq(&at).and_then(|_| invented.next());
            let (natural, values) = match canary {
                Some(canary) => {
                    let natural = [b"canary/".as_slice(), &canary.index().to_be_bytes()].concat();
                    (natural, self.canary_row(canary, cast, request, &columns))
                }
                None => {
                    let subject = persons.next().ok_or(ServiceError::Damaged("row count"))?;
                    (
                        subject.as_bytes().to_vec(),
                        self.open_row(subject, request)?,
                    )
                }
            };
            let marked = mark_row(&code, key, &natural, &cells(request, &values));
            symbols += marked.symbols as u64;
            let written: Vec<String> = marked
                .values
                .iter()
                .map(|value| value.as_str().to_owned())
                .collect();
            if canary.is_some() && format == TableFormat::Pdf {
                kept.push(written.clone());
            }
            Ok(written)
        });
        let mut sealed = self.create_sealed(&self.export_path(&view.id), &view.id)?;
        let names = self.column_names(request)?;
        if format == TableFormat::Pdf {
            let pages = self.write_pages(&mut sealed, view, key, names, rows)?;
            // Before the file is whole: a page that left can be led back.
            self.keep_pages(&view.id, pages, kept)?;
        } else {
            write_table(&mut sealed, format, &names, rows)?;
        }
        Self::finish_sealed(sealed)?;
        Ok(symbols)
    }

    /// Column headers: what a person calls the field.
    fn column_names(&self, request: &ExportRequest) -> Result<Vec<String>> {
        let pack = liuhen_kinds::RulePack::builtin();
        request
            .fields
            .iter()
            .map(|field| {
                let kind = self.field_kind(&request.collection, field);
                let plain = kind.filter(|kind| kind.name() == field);
                Ok(plain.map_or(field.clone(), |kind| {
                    pack.label(kind, liuhen_kinds::Lang::Zh).to_owned()
                }))
            })
            .collect()
    }

    /// The row of a person who does not exist, written as the columns are.
    fn canary_row(
        &self,
        canary: &Canary,
        cast: &Cast,
        request: &ExportRequest,
        columns: &HashMap<String, likeness::Column>,
    ) -> Vec<OpenField> {
        let fields = cast.person(canary.seed()).fields();
        let person: HashMap<Kind, String> = fields.into_iter().collect();
        let field = |name: &String| {
            let kind = self.field_kind(&request.collection, name);
            let own = kind.and_then(|kind| person.get(&kind));
            let column = columns.get(name);
            let value = match (own, column) {
                (Some(own), Some(column)) => column.written(own),
                (Some(own), None) => own.clone(),
                (None, Some(column)) => column.drawn(canary.seed()),
                (None, None) => String::new(),
            };
            OpenField {
                name: name.clone(),
                kind,
                value: value.into(),
            }
        };
        request.fields.iter().map(field).collect()
    }

    /// How the columns of an export are written, for the rows of canaries.
    fn column_likeness(
        &self,
        request: &ExportRequest,
        subjects: &[SubjectId],
    ) -> Result<HashMap<String, likeness::Column>> {
        let mut values: HashMap<String, Vec<String>> = HashMap::new();
        for subject in subjects.iter().take(LIKENESS_ROWS) {
            for field in self.open_row(subject, request)? {
                let column = values.entry(field.name).or_default();
                column.push(field.value.to_string());
            }
        }
        Ok(values
            .into_iter()
            .map(|(field, values)| {
                let kind = self.field_kind(&request.collection, &field);
                (field, likeness::Column::of(kind, values))
            })
            .collect())
    }

    /// The people that the canaries of a collection look like: those of its first export, so that a
    /// canary stays one person; anew only when IDs are asked for and the first had none to show.
    fn likeness(&self, request: &ExportRequest, subjects: &[SubjectId]) -> Result<Profile> {
        let shows_ids = |fields: &[String]| {
            let mut kinds = fields
                .iter()
                .map(|field| self.field_kind(&request.collection, field));
            kinds.any(|kind| kind == Some(Kind::RESIDENT_ID))
        };
        let mut before = self.stored_exports()?;
        before.sort_by_key(|export| export.view.requested);
        let known = before
            .into_iter()
            .filter(|export| export.view.request.collection == request.collection)
            .filter_map(|export| export.likeness)
            .find(|profile| profile.is_numbered() || !shows_ids(&request.fields));
        match known {
            Some(profile) => Ok(profile),
            None => self.count_people(&request.collection, subjects),
        }
    }

    /// Counts ages, provinces, sexes and lengths of names; nothing of any one person is kept.
    fn count_people(&self, collection: &str, subjects: &[SubjectId]) -> Result<Profile> {
        let fields = self.collections();
        let fields = fields.iter().find(|known| known.name == collection);
        let of_interest =
            |kind: Option<Kind>| kind.is_some_and(|kind| likeness::TRAITS.contains(&kind));
        let names: Vec<&str> = fields
            .into_iter()
            .flat_map(|known| &known.fields)
            .filter(|field| of_interest(field.kind))
            .map(|field| field.name.as_str())
            .collect();
        let mut people = Vec::new();
        for subject in subjects.iter().take(LIKENESS_ROWS) {
            let opened = if names.is_empty() {
                Ok(Vec::new())
            } else {
                self.vault.open_fields(subject, collection, &names)
            };
            match opened {
                Ok(opened) => people.push(likeness::traits(&opened)),
                Err(VaultError::Erased) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let numbered = names
            .iter()
            .any(|name| self.field_kind(collection, name) == Some(Kind::RESIDENT_ID));
        let this_year: u16 = day(self.now())
            .get(..4)
            .and_then(|year| year.parse().ok())
            .unwrap_or(2026);
        Ok(Profile::of(people, this_year - 1, numbered))
    }

    /// Opens the file of an export for its requester or approver; every fetch is traced.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Conflict`] while it is not ready, after it expired, or when somebody in it cancelled.
    pub async fn export_file(&self, caller: &Caller, id: &str) -> Result<ExportFile> {
        let export = self.stored_export(id)?;
        let view = &export.view;
        let involved = view.by == caller.id || caller.has(Role::Approver);
        if !involved {
            caller.need(Role::Approver, "fetch an export another person asked for")?;
        }
        if view.state == ExportState::Withdrawn {
            return Err(ServiceError::Conflict(
                "somebody in this export has cancelled, so its file was deleted; ask for it anew"
                    .to_owned(),
            ));
        }
        if view.state != ExportState::Ready {
            return Err(ServiceError::Conflict(
                "this export is not ready".to_owned(),
            ));
        }
        if view.request.expires <= self.now() {
            return Err(ServiceError::Conflict("this export has expired".to_owned()));
        }
        let details = [
            ("export", id.to_owned()),
            ("recipient", view.request.recipient.clone()),
        ];
        let noted = self.note(caller, Action::ExportDownload, Outcome::Plain, details);
        let noted = noted.await?;
        // Later in the log than the export and all it names, so that these are covered too.
        let surety = self.purpose(&view.request.purpose)?.surety;
        self.await_surety(surety, noted.index).await?;
        let format = TableFormat::parse(&view.request.format, &view.request.encoding)?;
        let reader = self.open_sealed(&self.export_path(id), id)?;
        Ok(ExportFile {
            file_name: format!("{}.{}", view.id, format.extension()),
            media_type: format.media_type(),
            size: reader.content_len(),
            reader: Box::new(reader),
        })
    }
}

pub(crate) fn threshold(copies: u64, epsilon: Epsilon) -> Result<Threshold> {
    Threshold::new(copies, epsilon).map_err(|error| ServiceError::Invalid(error.to_string()))
}

/// Pages of a PDF with so many rows and canaries; none of other formats.
fn estimated_pages(request: &ExportRequest, rows: u64, canaries: u64) -> u64 {
    match TableFormat::parse(&request.format, &request.encoding) {
        Ok(TableFormat::Pdf) => pages::pages_of(request, rows + canaries),
        _ => 0,
    }
}

/// Runs slow work where it keeps no other request waiting.
pub(crate) async fn off_the_runtime<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| ServiceError::Setup("a worker stopped unexpectedly; see the log".to_owned()))?
}

/// The cells of a row, in the order of the columns; a field the record lacks is empty.
pub(crate) fn cells<'a>(request: &'a ExportRequest, opened: &'a [OpenField]) -> Vec<Cell<'a>> {
    let cell = |name: &'a String| {
        let found = opened.iter().find(|field| field.name == *name);
        let kind = found.and_then(|field| field.kind);
        let exact = request.exact && is_measured(kind);
        Cell {
            column: name,
            kind: if exact {
                EXACT
            } else {
                kind.map_or("", Kind::name)
            },
            canonical: found.map_or("", |field| field.value.as_str()),
        }
    };
    request.fields.iter().map(cell).collect()
}

/// A kind that carries nothing: [`ExportRequest::exact`].
const EXACT: &str = "exact";

/// Whether marks in such a column move a measured value by its last digit, instead of rewriting it.
pub(crate) fn is_measured(kind: Option<Kind>) -> bool {
    matches!(kind, None | Some(Kind::GPS))
}

/// What the pages of a PDF add, Chinese and English.
fn page_advice(pages: u64) -> (String, String) {
    (
        format!("另有 {pages} 页，每页的画面也带标记：一页的图片或照片即可溯源。"),
        format!(
            "; each of its {pages} pages carries a mark in its picture too, which a picture or photograph of one page leads back by"
        ),
    )
}

fn power_view(table: &PowerTable, plan: canary::CanaryPlan, threshold: Threshold) -> PowerView {
    let within = |line: &PowerLine| line.rows_needed.filter(|_| line.within_reach);
    let alone = table.lines.first().and_then(within);
    let share = plan.share_needed(threshold);
    let survived = table.colluders_survived;
    let percent = share.unwrap_or(1.0) * 100.0;
    let (advice_zh, advice_en) = match (alone, share) {
        (Some(rows), _) => (
            format!("单个接收者外泄约 {rows} 行即可指认；整份外泄时可承受 {survived} 人合谋。"),
            format!("about {rows} leaked rows lead back to a single recipient; leaked whole, the copy withstands {survived} colluders"),
        ),
        (None, Some(_)) => (
            format!("该导出的字段不足以标记，只靠替身行：外泄 {percent:.0}% 以上的行才可指认。"),
            format!("the fields here carry too few marks; canary rows alone lead back when {percent:.0}% of the rows or more leak"),
        ),
        (None, None) => (
            "该导出太小，外泄后不足以指认接收者。请加入住址字段，增加替身名额，或合并为更大的导出。".to_owned(),
            "this export is too small to lead a leak back; add the address field, ask for more canaries, or combine it with others".to_owned(),
        ),
    };
    PowerView {
        symbols: table.symbols,
        canary_slots: plan.slots,
        lines: table
            .lines
            .iter()
            .map(|line| (line.colluders, within(line)))
            .collect(),
        colluders_survived: survived,
        canary_share: share,
        extra_canaries_most: 0,
        canary_share_most: None,
        pages: 0,
        advice_zh,
        advice_en,
    }
}
