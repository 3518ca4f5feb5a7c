//! The person concerned: his own page, by a link and a code that staff hand him after identifying him.
//!
//! He sees what is held about him and every event under his labels, each with what his browser needs to check it against the signed checkpoint.
//! He may correct, withdraw a consent, object to marketing, or cancel; cancelling destroys his keys, and the log still verifies.

use liuhen_kinds::Kind;
use liuhen_tlog::SignedCheckpoint;
use liuhen_vault::store::{Batch, Space, StoreError};
use liuhen_vault::trace::{EventPlace, Owner, TraceKey};
use liuhen_vault::{Disposal, DisposalReceipt, IncomingField, SubjectId, VaultError};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::caller::{Assurance, Caller, CallerKind, Role};
use crate::clock::UnixMs;
use crate::devices::OwnDevice;
use crate::error::{Result, ServiceError};
use crate::event::{Action, Event, Outcome};
use crate::faces::OwnFace;
use crate::imports::indexed;
use crate::mine::KeyFile;
use crate::purposes::{ConsentView, Said};
use crate::reads::{Handle, Released, released};
use crate::{Service, ids, ledger, members, shelf};

/// How long a link waits for its code.
const LINK_MS: i64 = 7 * 24 * 3600 * 1000;

/// How long a person stays signed in.
const SESSION_MS: i64 = 60 * 60 * 1000;

/// Wrong codes after which a link is dead: with eight digits, a guesser has five chances in a hundred million.
const WRONG_CODES: u32 = 5;

/// Events shown at once, newest first.
const SHOWN: usize = 500;

/// What staff hand to a person they identified.
#[derive(Debug, Clone, Serialize)]
pub struct PersonInvite {
    /// Part of the link.
    pub link_secret: String,
    /// Eight digits, handed over apart from the link.
    pub code: String,
    /// When both become worthless.
    pub expires: UnixMs,
}

/// A person who is signed in.
#[derive(Debug, Clone)]
pub struct PersonSession {
    /// The cookie's value; filled only when the session is made.
    pub secret: String,
    /// What unsafe requests must repeat.
    pub csrf: String,
    /// When it ends.
    pub expires: UnixMs,
    subject: SubjectId,
    key: Vec<u8>,
}

impl PersonSession {
    /// Whose.
    pub(crate) const fn subject(&self) -> &SubjectId {
        &self.subject
    }

    /// What tells this visit from others.
    pub(crate) fn visit(&self) -> &[u8] {
        &self.key
    }

    pub(crate) fn caller(&self) -> Caller {
        Caller {
            id: format!("person:{}", self.subject),
            display: "本人 (the person concerned)".to_owned(),
            kind: CallerKind::Person,
            roles: std::collections::BTreeSet::new(),
            assurance: Assurance::TwoFactor,
            site: None,
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct StoredLink {
    subject: SubjectId,
    /// argon2id: eight digits are few enough to be tried against a stolen database.
    code: String,
    wrong: u32,
    expires: UnixMs,
}

#[derive(Debug, Serialize, Deserialize)]
struct StoredSession {
    subject: SubjectId,
    csrf: String,
    expires: UnixMs,
}

/// A person's own page.
#[derive(Debug, Clone, Serialize)]
pub struct PersonView {
    /// His opaque id.
    pub subject: String,
    /// What is held about him.
    pub records: Vec<OwnRecord>,
    /// Purposes, and whether he consented.
    pub consents: Vec<ConsentView>,
    /// Faces held of him, one a purpose.
    pub faces: Vec<OwnFace>,
    /// Devices that sign for him.
    pub devices: Vec<OwnDevice>,
    /// Whether he objects to marketing.
    pub objects_marketing: bool,
    /// Events under his labels, newest first.
    pub entries: Vec<OwnEntry>,
    /// How many events there are in all.
    pub entries_total: u64,
    /// The signed checkpoint every proof leads to.
    pub checkpoint: String,
    /// The log's verifier key.
    pub vkey: String,
    /// His trace key, hexadecimal: with it the page recomputes labels and salts, and nobody else's.
    pub trace_key: String,
}

/// What is held about a person in one collection.
#[derive(Debug, Clone, Serialize)]
pub struct OwnRecord {
    /// The collection.
    pub collection: String,
    /// Its fields, in plain: they are his.
    pub fields: Vec<Released>,
}

/// One event, with its proof.
#[derive(Debug, Clone, Serialize)]
pub struct OwnEntry {
    /// Number among his events, from zero.
    pub n: u64,
    /// What was traced.
    pub event: Event,
    /// Name of the purpose in Chinese.
    pub purpose_zh: Option<String>,
    /// Name of the purpose in English.
    pub purpose_en: Option<String>,
    /// What the page checks; none while the newest checkpoint (at most a second old) does not cover the event.
    pub proof: Option<OwnProof>,
}

/// What a browser needs to check one event (crates/vault/docs/leaf-v1.md).
#[derive(Debug, Clone, Serialize)]
pub struct OwnProof {
    /// Index of the leaf that holds the event.
    pub index: u64,
    /// The leaf, base64.
    pub leaf: String,
    /// The event's exact bytes.
    pub event: String,
    /// The salt of its commitment, hexadecimal.
    pub salt: String,
    /// Tree size of the checkpoint.
    pub size: u64,
    /// Path from leaf to root, hexadecimal.
    pub path: Vec<String>,
    /// For exports: the leaf that carries his label.
    pub chunk: Option<ChunkProof>,
}

/// The chunk leaf of an export that carries a person's label.
#[derive(Debug, Clone, Serialize)]
pub struct ChunkProof {
    /// Its index.
    pub index: u64,
    /// Position of the label in it.
    pub position: u16,
    /// The leaf, base64.
    pub leaf: String,
    /// Path from leaf to root, hexadecimal.
    pub path: Vec<String>,
}

/// What is left after cancelling: that something was destroyed, not what it said.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DisposalView {
    /// When.
    pub time: UnixMs,
    /// What was disposed of: `subject`, that is everything held about one person.
    pub class: String,
    /// Why.
    pub reason: String,
    /// Who approved it, by role.
    pub approver: String,
    /// Records destroyed.
    pub records: u64,
    /// Fields destroyed.
    pub fields: u64,
    /// Index rows removed.
    pub index_rows: u64,
    /// Tokens that now answer "erased".
    pub tokens: u64,
    /// Templates of faces destroyed, with their keys.
    #[serde(default)]
    pub faces: u64,
}

fn link_key(secret: &str) -> Vec<u8> {
    [b"person/".as_slice(), &ids::secret_hash(secret)].concat()
}

fn session_key(secret: &str) -> Vec<u8> {
    [b"person/".as_slice(), &ids::secret_hash(secret)].concat()
}

impl Service {
    /// Makes the link and code for a person whom staff identified.
    ///
    /// # Errors
    ///
    /// [`ServiceError::NotFound`] when the handle leads to nobody.
    pub async fn invite_person(
        &self,
        caller: &Caller,
        handle: &Handle,
        evidence: &str,
    ) -> Result<PersonInvite> {
        caller.need(Role::Desk, "hand a person his link")?;
        let evidence = evidence.trim();
        if !(2..=200).contains(&evidence.chars().count()) {
            return Err(ServiceError::Invalid(
                "say how the person was identified (2 to 200 characters)".to_owned(),
            ));
        }
        let subject = self.one_subject(caller, handle)?;
        let mut event = self.event(caller, Action::Invitation, Outcome::Done);
        event.details = ledger::named([("identified_by", evidence.to_owned())]);
        self.ledger().subject(subject, &event).await?;
        let invite = PersonInvite {
            link_secret: ids::random("p", 20)?,
            code: ids::digits(8)?,
            expires: self.now() + LINK_MS,
        };
        let stored = StoredLink {
            subject,
            code: crate::staff::hash_password(invite.code.clone()).await?,
            wrong: 0,
            expires: invite.expires,
        };
        shelf::put_now(
            self.store(),
            Space::Invites,
            &link_key(&invite.link_secret),
            &stored,
        )?;
        Ok(invite)
    }

    /// Signs a person in. The link is used up; a new one is handed out at the desk.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Unauthenticated`] for a wrong code or a dead link.
    pub async fn person_sign_in(&self, link_secret: &str, code: &str) -> Result<PersonSession> {
        const WRONG: ServiceError =
            ServiceError::Unauthenticated("the link or the code is wrong, used or too old");
        let key = link_key(link_secret);
        let before = self.store().get(Space::Invites, &key)?.ok_or(WRONG)?;
        let mut link: StoredLink =
            serde_json::from_slice(&before).map_err(|_| ServiceError::Damaged("link"))?;
        if link.expires <= self.now() || link.wrong >= WRONG_CODES {
            return Err(WRONG);
        }
        // The attempt is spent before the code is looked at, so that parallel guesses cannot share one.
        link.wrong += 1;
        let mut batch = Batch::new();
        batch.expect(Space::Invites, key.clone(), Some(before));
        shelf::put(&mut batch, Space::Invites, &key, &link)?;
        self.store().write(&batch).map_err(|_| WRONG)?;
        let code: String = code.chars().filter(char::is_ascii_digit).collect();
        if !crate::staff::password_fits(link.code.clone(), code).await? {
            let mut event = self.event_as("anonymous", "somebody", Action::SignIn, Outcome::Failed);
            event.details = ledger::named([("portal", "wrong code".to_owned())]);
            self.ledger().subject(link.subject, &event).await?;
            return Err(WRONG);
        }
        let session = self.new_person_session(link.subject)?;
        self.ledger()
            .subject(
                link.subject,
                &self.event(&session.caller(), Action::OwnView, Outcome::Done),
            )
            .await?;
        let mut batch = Batch::new();
        batch.delete(Space::Invites, key);
        self.store().write(&batch)?;
        Ok(session)
    }

    fn new_person_session(&self, subject: SubjectId) -> Result<PersonSession> {
        let secret = ids::random("ps", 20)?;
        let stored = StoredSession {
            subject,
            csrf: ids::random("cf", 20)?,
            expires: self.now() + SESSION_MS,
        };
        let key = session_key(&secret);
        shelf::put_now(self.store(), Space::Sessions, &key, &stored)?;
        Ok(PersonSession {
            secret,
            csrf: stored.csrf,
            expires: stored.expires,
            subject,
            key,
        })
    }

    /// The person's session a cookie stands for.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Unauthenticated`] when it is unknown or over.
    pub fn person_session(&self, secret: &str) -> Result<PersonSession> {
        let key = session_key(secret);
        let stored: StoredSession = shelf::get(self.store(), Space::Sessions, &key)?
            .filter(|stored: &StoredSession| stored.expires > self.now())
            .ok_or(ServiceError::Unauthenticated(
                "this visit is over; ask for a new link at the desk",
            ))?;
        Ok(PersonSession {
            secret: String::new(),
            csrf: stored.csrf,
            expires: stored.expires,
            subject: stored.subject,
            key,
        })
    }

    /// Ends a person's session.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub fn person_sign_out(&self, session: &PersonSession) -> Result<()> {
        let mut batch = Batch::new();
        batch.delete(Space::Sessions, session.key.clone());
        Ok(self.store().write(&batch)?)
    }

    /// What is held about a person and who looked at it, with proofs.
    ///
    /// # Errors
    ///
    /// `Vault(Erased)` after he cancelled.
    pub async fn person_view(&self, session: &PersonSession) -> Result<PersonView> {
        let subject = session.subject;
        // What was traced before this call is shown by it, however busy the projector is.
        if let Some(last) = self.log.size().checked_sub(1) {
            self.ledger().projected(last).await?;
        }
        let key = self.vault.trace().key(Owner::Subject(subject))?;
        let events = self
            .vault
            .trace()
            .events(Owner::Subject(subject), u64::MAX, SHOWN, true)?;
        let checkpoint = self.log.checkpoint();
        let mut entries = Vec::with_capacity(events.len());
        for (n, place) in &events {
            entries.push(self.own_entry(&key, *n, *place, &checkpoint)?);
        }
        Ok(PersonView {
            subject: subject.to_string(),
            records: self.own_records(&subject)?,
            consents: self.consents_of(&subject)?,
            faces: self.own_faces(&subject)?,
            devices: self.own_devices(&subject)?,
            objects_marketing: self.objects_marketing(&subject)?,
            entries_total: events.first().map_or(0, |(n, _)| n + 1),
            entries,
            checkpoint: checkpoint.to_string(),
            vkey: self.log.verifier().to_string(),
            trace_key: ids::hex(key.expose()),
        })
    }

    /// What a person keeps to check his trace on his own machine: his key, this log at `url`, its witnesses.
    ///
    /// # Errors
    ///
    /// `Vault(Erased)` after he cancelled.
    pub fn person_key_file(&self, session: &PersonSession, url: &str) -> Result<Zeroizing<String>> {
        let key = self.vault.trace().key(Owner::Subject(session.subject))?;
        Ok(KeyFile::write(&key, &self.witness_policy(Some(url))))
    }

    fn own_records(&self, subject: &SubjectId) -> Result<Vec<OwnRecord>> {
        let mut records = Vec::new();
        for collection in self.vault.collections(subject)? {
            let opened = self.vault.open_fields(subject, &collection, &[])?;
            let fields = opened
                .iter()
                .map(|field| released(&field.name, field.kind, field.value.to_string()));
            records.push(OwnRecord {
                fields: fields.collect(),
                collection,
            });
        }
        Ok(records)
    }

    fn own_entry(
        &self,
        key: &TraceKey,
        n: u64,
        place: EventPlace,
        checkpoint: &SignedCheckpoint,
    ) -> Result<OwnEntry> {
        let leaf = self.log.leaf(place.index)?;
        let opening = match place.chunk {
            None => key.open_leaf(n, &leaf)?,
            // The wrap beside his label would open it too, but not in a browser.
            Some(_) => self.open_header(place.index, &leaf)?,
        };
        let event =
            Event::from_bytes(opening.event.as_bytes()).ok_or(ServiceError::Damaged("event"))?;
        let purpose = event
            .purpose
            .as_deref()
            .and_then(|id| self.purpose(id).ok());
        let size = checkpoint.size();
        let last = place
            .chunk
            .map_or(place.index, |(index, _)| index.max(place.index));
        let proof = match last < size {
            false => None,
            true => Some(OwnProof {
                index: place.index,
                leaf: data_encoding::BASE64.encode(&leaf),
                event: opening.event,
                salt: ids::hex(&opening.salt),
                size,
                path: self.path_hex(place.index, size)?,
                chunk: place
                    .chunk
                    .map(|at| self.chunk_proof(at, size))
                    .transpose()?,
            }),
        };
        Ok(OwnEntry {
            n,
            event,
            purpose_zh: purpose.as_ref().map(|purpose| purpose.name_zh.clone()),
            purpose_en: purpose.map(|purpose| purpose.name_en.clone()),
            proof,
        })
    }

    fn chunk_proof(&self, (index, position): (u64, u16), size: u64) -> Result<ChunkProof> {
        Ok(ChunkProof {
            index,
            position,
            leaf: data_encoding::BASE64.encode(&self.log.leaf(index)?),
            path: self.path_hex(index, size)?,
        })
    }

    /// Opens the header of an export: which of the operator's events it is stands in the projection.
    fn open_header(&self, index: u64, leaf: &[u8]) -> Result<liuhen_vault::trace::Opening> {
        let row: ledger::EventRow = shelf::get(self.store(), Space::Events, &index.to_be_bytes())?
            .ok_or(ServiceError::NotFound("event"))?;
        let operator = self.vault.trace().key(Owner::Operator)?;
        Ok(operator.share(row.n).open_shared(leaf)?)
    }

    /// Corrects a field of one's own record; the older value is kept as a version until erasure.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Invalid`] when the value cannot be right.
    pub async fn person_correct(
        &self,
        session: &PersonSession,
        collection: &str,
        field: &str,
        value: &str,
    ) -> Result<()> {
        let value = value.trim();
        if value.is_empty() || value.chars().count() > 1000 {
            return Err(ServiceError::Invalid(
                "a value has 1 to 1,000 characters".to_owned(),
            ));
        }
        let own = match self.vault.record_shape(&session.subject, collection) {
            Err(VaultError::NotFound { .. }) => return Err(ServiceError::NotFound("record")),
            own => own?,
        };
        if own.fields.iter().all(|known| known.name != field) {
            return Err(ServiceError::NotFound("field"));
        }
        let kind = self.field_kind(collection, field);
        let index = match kind.map(|kind| (kind, liuhen_detect::check(kind, value))) {
            Some((_, liuhen_detect::Verdict::Invalid(reason))) => {
                return Err(ServiceError::Invalid(
                    reason.text(liuhen_kinds::Lang::En).to_owned(),
                ));
            }
            Some((
                kind,
                liuhen_detect::Verdict::Valid(normal) | liuhen_detect::Verdict::Doubtful(normal, _),
            )) => indexed(kind, normal.as_str()),
            None => None,
        };
        // A number that names one person alone must not be taken by another: whoever looks him up by it would be led to two.
        let taken = match (kind, &index) {
            (Some(Kind::RESIDENT_ID), Some(normal)) => self
                .vault
                .find(kind, normal)?
                .iter()
                .any(|holder| *holder != session.subject),
            _ => false,
        };
        let outcome = if taken {
            Outcome::Refused
        } else {
            Outcome::Done
        };
        let mut event = self.event(&session.caller(), Action::Correction, outcome);
        event.fields = vec![field.to_owned()];
        event.details = ledger::named([("collection", collection.to_owned())]);
        self.ledger().subject(session.subject, &event).await?;
        if taken {
            return Err(ServiceError::Conflict(
                "this identity number cannot be entered here; bring the document to the desk"
                    .to_owned(),
            ));
        }
        self.vault.correct(
            &session.subject,
            collection,
            IncomingField {
                name: field.to_owned(),
                kind,
                value: value.to_owned().into(),
                index,
            },
            Batch::new(),
        )?;
        Ok(())
    }

    /// Withdraws one's consent to a purpose (PIPL art. 15).
    ///
    /// # Errors
    ///
    /// [`ServiceError::NotFound`] for an unknown purpose.
    pub async fn person_withdraw(&self, session: &PersonSession, purpose: &str) -> Result<()> {
        let said = Said::withdrawn("portal");
        self.change_consent(&session.caller(), session.subject, purpose, said)
            .await
    }

    /// Objects to marketing, or lifts the objection (PIPL art. 24).
    ///
    /// # Errors
    ///
    /// When the trace or the store fails.
    pub async fn person_object(&self, session: &PersonSession, objects: bool) -> Result<()> {
        self.change_objection(&session.caller(), session.subject, objects)
            .await
    }

    /// Cancels: destroys the person's keys, records and index rows, and the files of exports that hold him (PIPL art. 47). What stays: the log, which still verifies and can no longer be opened, and a receipt of what was destroyed.
    ///
    /// # Errors
    ///
    /// When the trace or the store fails; asked again, it goes on where it stopped.
    pub async fn person_cancel(&self, session: &PersonSession) -> Result<DisposalView> {
        let event = self.event(&session.caller(), Action::Erasure, Outcome::Done);
        let traced = self.ledger().subject(session.subject, &event).await?;
        // Until the projection has it, it would write the subject's rows anew after they are deleted.
        self.ledger().projected(traced.index).await?;
        let guard = self.settings.lock().await;
        self.drop_pictures_of(&session.subject)?;
        self.withdraw_exports_of(&session.subject)?;
        let mut batch = self.without_subject(&session.subject)?;
        batch.delete(Space::Sessions, session.key.clone());
        let receipt = match self.vault.erase(
            &session.subject,
            Disposal {
                reason: "cancelled by the person",
                approver: "the person concerned",
                at: self.now(),
            },
            batch,
        ) {
            // The keys are destroyed; only making the files forget the old pages waits for a reader to leave.
            Err(VaultError::Store(StoreError::Busy)) => {
                self.vault.finish_erasures()?;
                self.vault
                    .disposal_receipt(&session.subject)?
                    .ok_or(ServiceError::Damaged("disposal receipt"))?
            }
            erased => erased?,
        };
        drop(guard);
        Ok(receipt.into())
    }

    /// Deletes what in the service's own rows leads from events or collections to a subject.
    fn without_subject(&self, subject: &SubjectId) -> Result<Batch> {
        let mut batch = Batch::new();
        for collection in self.vault.collections(subject)? {
            members::left(&mut batch, &collection, subject);
        }
        let mut from = 0;
        loop {
            let page = self
                .vault
                .trace()
                .events(Owner::Subject(*subject), from, 1000, false)?;
            let Some((last, _)) = page.last() else {
                return Ok(batch);
            };
            from = last + 1;
            for (_, place) in page.iter().filter(|(_, place)| place.chunk.is_none()) {
                let key = place.index.to_be_bytes();
                let row: Option<ledger::EventRow> = shelf::get(self.store(), Space::Events, &key)?;
                if let Some(row) = row {
                    shelf::put(
                        &mut batch,
                        Space::Events,
                        &key,
                        &ledger::EventRow {
                            subject: None,
                            ..row
                        },
                    )?;
                }
            }
        }
    }
}

impl From<DisposalReceipt> for DisposalView {
    fn from(receipt: DisposalReceipt) -> Self {
        Self {
            time: receipt.at,
            class: receipt.class,
            reason: receipt.reason,
            approver: receipt.approver,
            records: receipt.records,
            fields: receipt.fields,
            index_rows: receipt.index_entries,
            tokens: receipt.tokens,
            faces: receipt.faces,
        }
    }
}
