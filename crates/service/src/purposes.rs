//! Purposes and what persons said to them.
//!
//! Purposes are read on every request, so the newest versions are held in memory; the vault keeps all of them.
//! A consent is looked up in the same decision that releases a value: withdrawing works at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use liuhen_vault::registry::{
    Consent, ConsentState, Guardian, LegalBasis, Notice, Purpose, Surety,
};
use liuhen_vault::store::Batch;
use liuhen_vault::{SubjectId, Vault, VaultError};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::access::short_name;
use crate::caller::{Caller, Role};
use crate::clock::UnixMs;
use crate::decoys::DECOY_PERCENT;
use crate::error::{Result, ServiceError};
use crate::event::{Action, Outcome};
use crate::ledger::named;
use crate::reads::Handle;
use crate::{Service, faces, ids};

/// Longest retention one may declare: thirty years.
const RETENTION_DAYS: u32 = 10_958;

/// A declared purpose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurposeView {
    /// Its id.
    pub id: String,
    /// Its name in Chinese.
    pub name_zh: String,
    /// Its name in English.
    pub name_en: String,
    /// Legal basis: PIPL art. 13(1), item 1 to 7; 1 is consent.
    pub basis: u8,
    /// Fields it may see.
    pub fields: Vec<String>,
    /// Days after which it may see a record no more (PIPL art. 19).
    pub retention_days: u32,
    /// The notice given to persons (PIPL art. 17).
    pub notice: String,
    /// SHA-256 of the notice, hexadecimal; filled in when stored.
    #[serde(default)]
    pub notice_hash: String,
    /// Whether it is marketing, which a person may object to (PIPL art. 24).
    #[serde(default)]
    pub marketing: bool,
    /// How far the trace of a read must be before the value leaves.
    #[serde(default)]
    pub surety: Surety,
    /// The chance in percent that a look-up by name shows its reader a decoy, a person who does not exist; none: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decoy_percent: Option<u8>,
    /// The other way than the face that is offered, in words (人脸识别技术应用安全管理办法, article 10); a purpose without one uses no faces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub face_alternative: Option<String>,
    /// Version, counted from one; filled in when stored.
    #[serde(default)]
    pub version: u32,
    /// When this version was declared; filled in when stored.
    #[serde(default)]
    pub updated: UnixMs,
}

/// The newest version of every purpose, by id.
#[derive(Debug, Default)]
pub(crate) struct PurposeBook(BTreeMap<String, Arc<PurposeView>>);

/// Whether a person consented to a purpose.
#[derive(Debug, Clone, Serialize)]
pub struct ConsentView {
    /// The purpose.
    pub purpose: String,
    /// Its name in Chinese.
    pub name_zh: String,
    /// Its name in English.
    pub name_en: String,
    /// Its legal basis, as in [`PurposeView`].
    pub basis: u8,
    /// Whether it is marketing.
    pub marketing: bool,
    /// `given`, `withdrawn` or `none`.
    pub state: &'static str,
    /// Since when.
    pub since: Option<UnixMs>,
}

fn basis_of(item: u8) -> Option<LegalBasis> {
    Some(match item {
        1 => LegalBasis::Consent,
        2 => LegalBasis::Contract,
        3 => LegalBasis::StatutoryDuty,
        4 => LegalBasis::Emergency,
        5 => LegalBasis::PublicInterestNews,
        6 => LegalBasis::Disclosed,
        7 => LegalBasis::OtherLaw,
        _ => return None,
    })
}

/// All purposes, as stored.
pub(crate) fn stored_purposes(vault: &Vault) -> Result<PurposeBook> {
    let views = vault.purposes()?.into_iter().map(|stored| {
        let purpose = stored.value;
        let (notice, notice_hash) = purpose
            .notice
            .map(|notice| (notice.text, notice.sha256))
            .unwrap_or_default();
        let view = PurposeView {
            id: purpose.id.clone(),
            name_zh: purpose.name_zh,
            name_en: purpose.name_en,
            basis: purpose.basis.item(),
            fields: purpose.fields,
            retention_days: purpose.retention_days.unwrap_or(RETENTION_DAYS),
            notice,
            notice_hash,
            marketing: purpose.marketing,
            surety: purpose.surety,
            decoy_percent: purpose.decoy_percent,
            face_alternative: purpose.face_alternative,
            version: stored.version,
            updated: purpose.at,
        };
        (purpose.id, Arc::new(view))
    });
    Ok(PurposeBook(views.collect()))
}

/// What a purpose may offer by way of decoys.
fn checked_decoys(percent: Option<u8>, basis: LegalBasis) -> Result<Option<u8>> {
    let Some(percent) = percent else {
        return Ok(None);
    };
    if !DECOY_PERCENT.contains(&percent) {
        return Err(ServiceError::Invalid(format!(
            "decoys are shown with a chance of {} to {} percent",
            DECOY_PERCENT.start(),
            DECOY_PERCENT.end()
        )));
    }
    if basis == LegalBasis::Emergency {
        return Err(ServiceError::Invalid(
            "a purpose for emergencies shows nobody who does not exist".to_owned(),
        ));
    }
    Ok(Some(percent))
}

/// The other way than the face, in so many words that somebody can take it.
fn checked_alternative(view: &PurposeView) -> Result<Option<String>> {
    let Some(words) = view.face_alternative.as_deref().map(str::trim) else {
        return Ok(None);
    };
    if view.fields.iter().all(|field| field != faces::FIELD) {
        return Err(ServiceError::Invalid(
            "a purpose that uses faces lists the field face".to_owned(),
        ));
    }
    if !(2..=200).contains(&words.chars().count()) {
        return Err(ServiceError::Invalid(
            "the other way than the face is said in 2 to 200 characters".to_owned(),
        ));
    }
    Ok(Some(words.to_owned()))
}

fn check_purpose(view: &PurposeView) -> Result<Purpose> {
    let basis = basis_of(view.basis).ok_or_else(|| {
        ServiceError::Invalid("the legal basis is an item of PIPL article 13(1), 1 to 7".to_owned())
    })?;
    if view.fields.is_empty() || view.fields.len() > 200 {
        return Err(ServiceError::Invalid(
            "a purpose declares 1 to 200 fields".to_owned(),
        ));
    }
    if !(1..=RETENTION_DAYS).contains(&view.retention_days) {
        return Err(ServiceError::Invalid(format!(
            "retention is 1 to {RETENTION_DAYS} days"
        )));
    }
    if view.notice.chars().count() > 20_000 {
        return Err(ServiceError::Invalid(
            "a notice has at most 20,000 characters".to_owned(),
        ));
    }
    Ok(Purpose {
        id: view.id.clone(),
        name_zh: short_name(&view.name_zh)?,
        name_en: short_name(&view.name_en)?,
        basis,
        kinds: Vec::new(),
        fields: view.fields.clone(),
        retention_days: Some(view.retention_days),
        notice: Some(Notice {
            version: ids::hex(
                Sha256::digest(view.notice.as_bytes())
                    .get(..4)
                    .unwrap_or_default(),
            ),
            sha256: ids::hex(&Sha256::digest(view.notice.as_bytes())),
            text: view.notice.clone(),
        }),
        marketing: view.marketing,
        surety: view.surety,
        decoy_percent: checked_decoys(view.decoy_percent, basis)?,
        face_alternative: checked_alternative(view)?,
        active: true,
        at: 0,
    })
}

impl Service {
    /// All purposes.
    pub fn purposes(&self) -> Vec<PurposeView> {
        self.purposes
            .load()
            .0
            .values()
            .map(|purpose| PurposeView::clone(purpose))
            .collect()
    }

    /// One purpose.
    ///
    /// # Errors
    ///
    /// [`ServiceError::NotFound`].
    pub fn purpose(&self, id: &str) -> Result<Arc<PurposeView>> {
        self.purposes
            .load()
            .0
            .get(id)
            .cloned()
            .ok_or(ServiceError::NotFound("purpose"))
    }

    /// Declares a purpose, or a new version of one.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Invalid`] when it lacks what the law asks for.
    pub async fn put_purpose(&self, caller: &Caller, view: PurposeView) -> Result<()> {
        caller.need(Role::Admin, "declare purposes")?;
        let purpose = Purpose {
            at: self.now(),
            ..check_purpose(&view)?
        };
        let _settings = self.settings.lock().await;
        let mut event = self.event(caller, Action::Purpose, Outcome::Done);
        event.purpose = Some(view.id.clone());
        event.fields.clone_from(&view.fields);
        event.details = named([("basis", view.basis.to_string())]);
        if let Some(percent) = purpose.decoy_percent {
            let told = [("decoy_percent", percent.to_string())];
            event.details.extend(named(told));
        }
        self.ledger().operator(&event).await?;
        self.vault
            .put_purpose(&purpose, Batch::new())
            .map_err(|error| match error {
                VaultError::Bound { what, bound } => {
                    ServiceError::Invalid(format!("{what} must be {bound}"))
                }
                other => other.into(),
            })?;
        self.purposes.store(Arc::new(stored_purposes(&self.vault)?));
        Ok(())
    }

    /// `given`, `withdrawn` or `none`.
    pub(crate) fn consent_state(&self, subject: &SubjectId, purpose: &str) -> Result<&'static str> {
        Ok(state_name(
            self.vault
                .consent(subject, purpose)?
                .map(|stored| stored.value.state),
        ))
    }

    pub(crate) fn objects_marketing(&self, subject: &SubjectId) -> Result<bool> {
        let flags = self.vault.flags(subject)?;
        Ok(flags.objects_to_marketing || flags.do_not_contact)
    }

    pub(crate) fn consents_of(&self, subject: &SubjectId) -> Result<Vec<ConsentView>> {
        self.purposes()
            .into_iter()
            .map(|purpose| {
                let said = self.vault.consent(subject, &purpose.id)?;
                Ok(ConsentView {
                    state: state_name(said.as_ref().map(|stored| stored.value.state)),
                    since: said.map(|stored| stored.value.at),
                    name_zh: purpose.name_zh,
                    name_en: purpose.name_en,
                    basis: purpose.basis,
                    marketing: purpose.marketing,
                    purpose: purpose.id,
                })
            })
            .collect()
    }

    /// Files a consent or its withdrawal on behalf of a person, at the desk.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Invalid`] without evidence; [`ServiceError::NotFound`] for an unknown person or purpose.
    pub async fn set_consent(
        &self,
        caller: &Caller,
        handle: &Handle,
        purpose: &str,
        given: bool,
        evidence: &str,
        guardian: Option<Guardian>,
    ) -> Result<()> {
        caller.need(Role::Desk, "file consents")?;
        if evidence.trim().is_empty() || evidence.chars().count() > 500 {
            return Err(ServiceError::Invalid(
                "say how the consent can be shown (1 to 500 characters)".to_owned(),
            ));
        }
        let said = Said {
            given,
            evidence: evidence.trim(),
            guardian: guardian.map(checked_guardian).transpose()?,
        };
        let subject = self.one_subject(caller, handle)?;
        self.change_consent(caller, subject, purpose, said).await
    }

    pub(crate) async fn change_consent(
        &self,
        caller: &Caller,
        subject: SubjectId,
        purpose: &str,
        said: Said<'_>,
    ) -> Result<()> {
        let purpose = self.purpose(purpose)?;
        // Nobody's face is enrolled on a consent that is being withdrawn.
        let gate = self.faces.closed().await;
        let did = if said.given { "give" } else { "withdraw" };
        let mut event = self.event(caller, Action::Consent, Outcome::Done);
        event.purpose = Some(purpose.id.clone());
        event.details = named([("did", did.to_owned())]);
        if said.guardian.is_some() {
            event.details.extend(named([("by", "guardian".to_owned())]));
        }
        self.ledger().subject(subject, &event).await?;
        let consent = Consent {
            purpose: purpose.id.clone(),
            state: if said.given {
                ConsentState::Given
            } else {
                ConsentState::Withdrawn
            },
            at: self.now(),
            purpose_version: purpose.version,
            notice_sha256: Some(purpose.notice_hash.clone()),
            separate: true,
            evidence: said.evidence.to_owned(),
            guardian: said.guardian,
        };
        let mut also = Batch::new();
        if !said.given {
            self.vault.mark_face(&mut also, &subject, &purpose.id)?;
        }
        self.vault.put_consent(&subject, &consent, also)?;
        if !said.given {
            self.destroy_face(&subject, &purpose.id)?;
        }
        drop(gate);
        Ok(())
    }

    /// Files an objection to marketing, or lifts it, at the desk.
    ///
    /// # Errors
    ///
    /// [`ServiceError::NotFound`] for an unknown person.
    pub async fn set_objection(
        &self,
        caller: &Caller,
        handle: &Handle,
        objects: bool,
    ) -> Result<()> {
        caller.need(Role::Desk, "file objections")?;
        let subject = self.one_subject(caller, handle)?;
        self.change_objection(caller, subject, objects).await
    }

    pub(crate) async fn change_objection(
        &self,
        caller: &Caller,
        subject: SubjectId,
        objects: bool,
    ) -> Result<()> {
        let mut event = self.event(caller, Action::Objection, Outcome::Done);
        event.details = named([("did", if objects { "object" } else { "lift" }.to_owned())]);
        self.ledger().subject(subject, &event).await?;
        let mut flags = self.vault.flags(&subject)?;
        flags.objects_to_marketing = objects;
        flags.at = self.now();
        self.vault.put_flags(&subject, &flags, Batch::new())?;
        Ok(())
    }
}

/// What somebody said to a purpose.
pub(crate) struct Said<'a> {
    given: bool,
    evidence: &'a str,
    guardian: Option<Guardian>,
}

impl<'a> Said<'a> {
    pub(crate) const fn withdrawn(evidence: &'a str) -> Self {
        Self {
            given: false,
            evidence,
            guardian: None,
        }
    }
}

fn checked_guardian(guardian: Guardian) -> Result<Guardian> {
    let (name, relation) = (guardian.name.trim(), guardian.relation.trim());
    let fits = |text: &str| (1..=80).contains(&text.chars().count());
    if !fits(name) || !fits(relation) {
        return Err(ServiceError::Invalid(
            "a guardian has a name and a relation of 1 to 80 characters each".to_owned(),
        ));
    }
    Ok(Guardian {
        subject: guardian.subject,
        name: name.to_owned(),
        relation: relation.to_owned(),
    })
}

fn state_name(state: Option<ConsentState>) -> &'static str {
    match state {
        None => "none",
        Some(ConsentState::Given) => "given",
        Some(ConsentState::Refused | ConsentState::Withdrawn) => "withdrawn",
    }
}
