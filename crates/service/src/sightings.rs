//! Canary persons seen somewhere: in a scan, a listing, an inbound call or message.
//!
//! A canary is nobody, so whoever calls, writes to or sells one holds a copy that we issued. A sighting raises an alert that names the exports which carried the canary; it accuses a copy only when the canaries seen at one place together reach the threshold of [`liuhen_fingerprint::evalue`].
//! Values handed in are compared and forgotten; what is kept is the canary's number and the place.

use std::collections::BTreeSet;
use std::sync::Arc;

use liuhen_fingerprint::canary::Canary;
use liuhen_fingerprint::code::ExportKey;
use liuhen_fingerprint::decode::Coverage;
use liuhen_fingerprint::evalue::Epsilon;
use liuhen_fingerprint::model::Sighting as Shown;
use liuhen_fingerprint::trace::{Candidate, Leak, trace};
use liuhen_kinds::Kind;
use liuhen_vault::store::{Batch, KeyRange, Space};
use serde::{Deserialize, Serialize};

use crate::caller::{Caller, Role};
use crate::canaries::{Canaries, LEADS};
use crate::clock::UnixMs;
use crate::decoys::{AccountView, Decoys, decoys_named, part_of};
use crate::error::{Result, ServiceError};
use crate::event::{Action, Outcome};
use crate::exports::{StoredExport, off_the_runtime, threshold};
use crate::ledger::named;
use crate::{Service, ids, shelf};

/// Values one report may hold.
const VALUES_AT_MOST: usize = 10_000;

/// Characters of a place: the address of a listing may be long.
const PLACE_AT_MOST: usize = 300;

/// Values seen at a place outside.
#[derive(Clone, Serialize, Deserialize)]
pub struct SightingReport {
    /// Where: a listing's address, a number that called, a file. No personal information of those concerned.
    pub place: String,
    /// What was seen: telephone numbers, resident IDs, cards, e-mail addresses, plates, in any written form.
    pub values: Vec<String>,
}

impl std::fmt::Debug for SightingReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SightingReport({} values)", self.values.len())
    }
}

/// An export that carried canaries seen at a place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Carrier {
    /// The export.
    pub export: String,
    /// Who holds it.
    pub recipient: String,
    /// How many of the canaries seen there it carried.
    pub carried: u64,
    /// Evidence of all canaries seen there, natural logarithm of the e-value.
    pub ln_e: f64,
    /// Whether that reaches the threshold.
    pub accused: bool,
}

/// An alert: canaries turned up at a place.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SightingView {
    /// Its id.
    pub id: String,
    /// Where they were seen.
    pub place: String,
    /// The canaries seen there, by table and number, and the decoys, by `decoy/` and id.
    pub canaries: Vec<String>,
    /// Exports that carried one of them, those with most first.
    pub carriers: Vec<Carrier>,
    /// Accounts that were shown one of the decoys among them, strongest evidence first.
    #[serde(default)]
    pub accounts: Vec<AccountView>,
    /// Copies ever issued, all examined.
    pub copies_examined: u64,
    /// Accounts that ever had a coin for a decoy, all examined.
    #[serde(default)]
    pub accounts_examined: u64,
    /// What the `ln_e` of a copy or account must reach.
    pub threshold_ln: f64,
    /// When it was last reported.
    pub seen: UnixMs,
    /// By whom.
    pub by: String,
    /// Whether somebody has looked into it.
    pub settled: bool,
}

/// What a report led to.
#[derive(Debug, Clone, Serialize)]
pub struct SightingAnswer {
    /// How many values were compared.
    pub compared: u64,
    /// The alert, when one of them is a canary's.
    pub alert: Option<SightingView>,
}

/// Canaries of a vault, to be looked for where only values are at hand.
pub struct Watch {
    canaries: Canaries,
    decoys: Decoys,
}

impl Watch {
    /// The canary or decoy to whom a value of some kind belongs.
    pub fn of(&self, kind: Kind, value: &str) -> Option<String> {
        match self.canaries.of_value(kind, value) {
            Some(place) => self.canaries.name(place),
            None => self.decoys.name_of(kind, value),
        }
    }

    /// The canary or decoy to whom a value of any kind belongs.
    pub fn of_any(&self, value: &str) -> Option<String> {
        LEADS.iter().find_map(|kind| self.of(*kind, value))
    }
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Watch({} canaries)", self.canaries.iter().count())
    }
}

impl Service {
    /// The canaries to look for.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Forbidden`] without the role: whoever knows the canaries could take them out.
    pub fn watch(&self, caller: &Caller) -> Result<Watch> {
        caller.need(Role::Investigator, "look for canaries")?;
        Ok(Watch {
            canaries: self.issued_canaries()?,
            decoys: self.all_decoys()?,
        })
    }

    /// Compares values seen outside with the canaries and raises an alert when one of them is a canary's.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Invalid`] for a report without values or place, or with too many values.
    pub async fn report_sighting(
        self: &Arc<Self>,
        caller: &Caller,
        report: &SightingReport,
    ) -> Result<SightingAnswer> {
        caller.need(Role::Investigator, "look for canaries")?;
        if report.values.is_empty() || report.values.len() > VALUES_AT_MOST {
            return Err(ServiceError::Invalid(format!(
                "a report holds between 1 and {VALUES_AT_MOST} values"
            )));
        }
        let (service, asked, values) = (self.clone(), caller.clone(), report.values.clone());
        let found: BTreeSet<String> = off_the_runtime(move || {
            let watch = service.watch(&asked)?;
            let own = values.iter().filter_map(|value| watch.of_any(value));
            Ok(own.collect())
        })
        .await?;
        Ok(SightingAnswer {
            compared: report.values.len() as u64,
            alert: self.sight(caller, &report.place, &found).await?,
        })
    }

    /// Notes canaries seen at a place; `None` when there is none.
    ///
    /// # Errors
    ///
    /// As [`Service::report_sighting`].
    pub async fn sight(
        self: &Arc<Self>,
        caller: &Caller,
        place: &str,
        found: &BTreeSet<String>,
    ) -> Result<Option<SightingView>> {
        caller.need(Role::Investigator, "report canaries")?;
        let place = place_name(place)?;
        if found.is_empty() {
            return Ok(None);
        }
        let guard = self.settings.lock().await;
        let (service, caller_there, found) = (self.clone(), caller.clone(), found.clone());
        let view =
            off_the_runtime(move || service.weigh_sighting(&caller_there, place, found)).await?;
        let mut event = self.event(caller, Action::Sighting, Outcome::Done);
        let named_exports: Vec<&str> = view.carriers.iter().map(|c| c.export.as_str()).collect();
        event.details = named([
            // The place stays in the sealed alert: it may be a telephone number or a file named after a person.
            ("sighting", view.id.clone()),
            ("canaries", view.canaries.len().to_string()),
            ("exports", named_exports.join(",")),
        ]);
        if !view.accounts.is_empty() {
            let who: Vec<&str> = view.accounts.iter().map(|one| one.who.as_str()).collect();
            let told = [("accounts", who.join(","))];
            event.details.extend(named(told));
        }
        self.ledger().operator(&event).await?;
        self.put_sighting(&view)?;
        drop(guard);
        Ok(Some(view))
    }

    /// The alert of a place, with what was seen there before; weighed anew over all of it.
    fn weigh_sighting(
        &self,
        caller: &Caller,
        place: String,
        found: BTreeSet<String>,
    ) -> Result<SightingView> {
        let known = self
            .all_sightings()?
            .into_iter()
            .find(|view| view.place == place);
        let mut canaries = found;
        canaries.extend(known.iter().flat_map(|view| view.canaries.iter().cloned()));
        let exports = self.issued_exports()?;
        let accounts_examined = self.accounts_examined()?;
        let judged = exports.len() as u64 + accounts_examined;
        let carriers = self.carriers(&exports, &canaries, judged)?;
        let decoys = decoys_named(&canaries);
        let (accounts, threshold_ln) = match judged {
            0 => (Vec::new(), 0.0),
            _ => {
                let threshold = threshold(judged, Epsilon::DEFAULT)?;
                (self.accounts(&decoys, threshold)?, threshold.ln())
            }
        };
        Ok(SightingView {
            id: known.map_or_else(|| ids::random("s", 8), |view| Ok(view.id))?,
            place,
            canaries: canaries.into_iter().collect(),
            carriers,
            accounts: accounts.into_iter().filter(|one| one.shown > 0).collect(),
            copies_examined: exports.len() as u64,
            accounts_examined,
            threshold_ln,
            seen: self.now(),
            by: caller.display.clone(),
            settled: false,
        })
    }

    /// All alerts, newest first.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Forbidden`] without the role.
    pub fn sightings(&self, caller: &Caller) -> Result<Vec<SightingView>> {
        caller.need(Role::Investigator, "see alerts")?;
        let mut all = self.all_sightings()?;
        all.sort_by_key(|view| std::cmp::Reverse(view.seen));
        Ok(all)
    }

    /// Marks an alert as looked into.
    ///
    /// # Errors
    ///
    /// [`ServiceError::NotFound`].
    pub async fn settle_sighting(&self, caller: &Caller, id: &str) -> Result<SightingView> {
        caller.need(Role::Investigator, "settle alerts")?;
        let _guard = self.settings.lock().await;
        let sealed = self.store().get(Space::Canaries, id.as_bytes())?;
        let mut view = self.open_sighting(&sealed.ok_or(ServiceError::NotFound("alert"))?)?;
        let details = [("sighting", id.to_owned()), ("did", "settle".to_owned())];
        self.note(caller, Action::Sighting, Outcome::Done, details)
            .await?;
        view.settled = true;
        self.put_sighting(&view)?;
        Ok(view)
    }

    /// How many alerts nobody has looked into: a number for the monitor.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Store`] when the store cannot be read.
    pub fn open_sightings(&self) -> Result<usize> {
        let open = |view: &&SightingView| !view.settled;
        Ok(self.all_sightings()?.iter().filter(open).count())
    }

    /// The canaries of all issued copies.
    pub(crate) fn issued_canaries(&self) -> Result<Canaries> {
        let exports = self.issued_exports()?;
        Ok(Canaries::of(
            &self.code_key(),
            exports.iter().map(|(export, _)| export),
        ))
    }

    fn issued_exports(&self) -> Result<Vec<(StoredExport, ExportKey)>> {
        self.stored_exports()?
            .into_iter()
            .filter(|export| export.header.is_some())
            .map(|export| {
                let key = self.export_key(&export.key)?;
                Ok((export, key))
            })
            .collect()
    }

    /// Exports that carried one of the canaries, and what the evidence of all of them together says, with `judged` copies and accounts in one alert.
    ///
    /// Canaries that were not seen say nothing here: a call or a listing shows a few values, not a file.
    fn carriers(
        &self,
        exports: &[(StoredExport, ExportKey)],
        seen: &BTreeSet<String>,
        judged: u64,
    ) -> Result<Vec<Carrier>> {
        if exports.is_empty() {
            return Ok(Vec::new());
        }
        let all = Canaries::of(&self.code_key(), exports.iter().map(|(export, _)| export));
        let canaries: Vec<(usize, Canary)> = seen
            .iter()
            .filter_map(|name| {
                let place = all.named(name)?;
                Some((place, all.get(place)?))
            })
            .collect();
        let mut leak = Leak::new();
        for (_, canary) in &canaries {
            leak.canary(*canary, Shown::Seen);
        }
        let planned: Vec<_> = exports
            .iter()
            .map(|(export, _)| {
                let (all, canaries) = (&all, &canaries);
                move |at: usize| {
                    let canary = canaries.get(at);
                    canary.is_some_and(|(place, _)| all.planned_in(*place, export))
                }
            })
            .collect();
        let candidates: Vec<Candidate<'_>> = exports
            .iter()
            .zip(&planned)
            .map(|((_, key), planned)| Candidate {
                canaries: Coverage::Only(planned),
                ..Candidate::whole(key)
            })
            .collect();
        let part = part_of(Epsilon::DEFAULT, exports.len() as u64, judged)?;
        let traced = trace(&leak, &candidates, part)
            .map_err(|error| ServiceError::Invalid(error.to_string()))?;
        let mut carriers = Vec::new();
        for ((export, key), score) in exports.iter().zip(&traced.copies) {
            let carried = canaries
                .iter()
                .filter(|(place, canary)| {
                    all.planned_in(*place, export) && canary.is_carried_by(key)
                })
                .count() as u64;
            if carried > 0 {
                carriers.push(Carrier {
                    export: export.view.id.clone(),
                    recipient: export.view.request.recipient.clone(),
                    carried,
                    ln_e: score.combined.ln(),
                    accused: score.verdict.is_accused(),
                });
            }
        }
        carriers.sort_by(|a, b| {
            let order = b.carried.cmp(&a.carried);
            order.then_with(|| b.ln_e.total_cmp(&a.ln_e))
        });
        Ok(carriers)
    }

    fn put_sighting(&self, view: &SightingView) -> Result<()> {
        let sealed = self.seal("sighting", &shelf::bytes(view)?)?;
        let mut batch = Batch::new();
        batch.put(Space::Canaries, view.id.as_bytes(), sealed);
        Ok(self.store().write(&batch)?)
    }

    fn open_sighting(&self, sealed: &[u8]) -> Result<SightingView> {
        serde_json::from_slice(&self.unseal("sighting", sealed)?)
            .map_err(|_| ServiceError::Damaged("alert"))
    }

    fn all_sightings(&self) -> Result<Vec<SightingView>> {
        let rows =
            self.store()
                .scan(Space::Canaries, &KeyRange::prefix(b"s_"), usize::MAX, false)?;
        rows.iter()
            .map(|(_, sealed)| self.open_sighting(sealed))
            .collect()
    }
}

/// A place of 1 to 300 characters without control characters.
fn place_name(place: &str) -> Result<String> {
    let place = place.trim();
    if (1..=PLACE_AT_MOST).contains(&place.chars().count()) && !place.chars().any(char::is_control)
    {
        return Ok(place.to_owned());
    }
    Err(ServiceError::Invalid(format!(
        "a place has 1 to {PLACE_AT_MOST} characters"
    )))
}
