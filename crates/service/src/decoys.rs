//! Decoys among the results of look-ups: the trace as evidence that may accuse.
//!
//! Rule: house design, section 9, and [`liuhen_fingerprint::exposure`], whose page proves the bound and names its conditions. This room chooses the decoys, writes propensities into the log and says who saw what.
//!
//! A decoy is a person who does not exist and bears a name that persons of a collection share. It is drawn from a key by collection and name, so that everybody who looks up that name has a coin for the same decoy; its numbers are nobody's. Under a purpose that opted in, and only there:
//!
//! 1. A look-up by name that releases something of a real namesake, and asks for fields by which the decoy could be known again, gets a coin, once for each reader and decoy. The propensity is the purpose's; which coins there are depends on no coin.
//! 2. Reader, decoy and propensity become a leaf of the log and a row of the store. Until both are durable, nothing is released.
//! 3. The coin falls. It is not kept: [`ExposureKey::toss`] gives the same each time from the propensity kept, for the answer and for the evidence.
//! 4. Once shown, the decoy stays: by name, by its numbers and by its id, for this reader, under any purpose that opted in. Everybody else is told that it is unknown, so that a decoy told on shows itself to nobody without a coin of his own.
//!
//! Decoys lie in a space of their own. They have no key, no record, no place in a collection: whatever counts, exports, erases or proves persons cannot meet them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::sync::Arc;

use liuhen_fingerprint::evalue::{Epsilon, Threshold};
use liuhen_fingerprint::exposure::{Exposure, ExposureKey, Propensity, evidence};
use liuhen_invented::{Cast, Profile};
use liuhen_kinds::{Kind, RulePack};
use liuhen_vault::store::{Batch, KeyRange, Space, StoreError};
use liuhen_vault::{OpenField, SubjectId, VaultError};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::caller::CallerKind;
use crate::canaries::{LEADS, at_home};
use crate::clock::{UnixMs, day};
use crate::error::{Result, ServiceError};
use crate::event::{Action, Outcome};
use crate::imports::{indexed, lookup_form};
use crate::ledger::named;
use crate::likeness::{Column, traits};
use crate::policy::{PolicyBook, View};
use crate::reads::{Asked, Found, Handle, MATCHES_AT_MOST};
use crate::{Service, shelf};

/// The chance of a decoy, in percent.
///
/// Source: with propensity π a look-up yields π·ln(1/π) nats against whoever leaks it, the most at 1/e; above a half, staff meet more decoys for less evidence.
pub(crate) const DECOY_PERCENT: RangeInclusive<u8> = 1..=50;

/// Persons of a collection that its decoys are likened to.
const LIKENESS_ROWS: usize = 500;

/// Accounts listed beside those accused.
const ACCOUNTS_SHOWN: usize = 50;

/// What begins the name of a decoy in an alert.
const NAMED: &str = "decoy/";

/// Somebody who does not exist, as one collection would hold him.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Decoy {
    pub(crate) id: SubjectId,
    collection: String,
    fields: Vec<Held>,
}

/// A field of a decoy.
#[derive(Clone, Serialize, Deserialize)]
struct Held {
    name: String,
    kind: Option<Kind>,
    value: String,
}

impl Decoy {
    /// The named fields, in the order of the record.
    pub(crate) fn open(&self, names: &[String]) -> Vec<OpenField> {
        let wanted = |held: &&Held| names.contains(&held.name);
        let opened = |held: &Held| OpenField {
            name: held.name.clone(),
            kind: held.kind,
            value: held.value.clone().into(),
        };
        self.fields.iter().filter(wanted).map(opened).collect()
    }

    fn values(&self) -> Vec<(Kind, &str)> {
        self.fields
            .iter()
            .filter_map(|held| Some((held.kind?, held.value.as_str())))
            .collect()
    }

    /// Everything by which it is known again: numbers in their lookup form, name with address.
    fn leads(&self) -> Vec<(Kind, String)> {
        leads(&self.values())
    }

    /// Whether what these fields show suffices to know it again.
    fn is_known_by(&self, fields: &[String]) -> bool {
        let opened = self.open(fields);
        let values: Vec<(Kind, &str)> = opened
            .iter()
            .filter_map(|field| Some((field.kind?, field.value.as_str())))
            .collect();
        !leads(&values).is_empty()
    }
}

fn leads(values: &[(Kind, &str)]) -> Vec<(Kind, String)> {
    let numbers = values.iter().filter(|(kind, _)| LEADS.contains(kind));
    let home = at_home(values).map(|(_, home)| (Kind::ADDRESS, home));
    numbers
        .filter_map(|(kind, value)| Some((*kind, lookup_form(*kind, value)?)))
        .chain(home)
        .collect()
}

/// What was settled before a coin fell.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Coin {
    /// The reader as shown then.
    name: String,
    purpose: String,
    propensity: Propensity,
    at: UnixMs,
    /// The leaf that holds it.
    index: u64,
}

/// What the decoys of a collection look like.
struct Likeness {
    cast: Cast,
    columns: HashMap<String, Column>,
}

/// Likenesses of this process, by collection.
#[derive(Default)]
pub(crate) struct Likenesses(Mutex<HashMap<String, Arc<Likeness>>>);

/// An account that had coins for decoys which turned up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AccountView {
    /// Caller id.
    pub who: String,
    /// As shown in traces.
    pub name: String,
    /// Decoys found for which it had a coin.
    pub coins: u64,
    /// How many of them it was shown.
    pub shown: u64,
    /// How many one would expect by those chances, had it nothing to do with the leak.
    pub expected: f64,
    /// Leaves in which the chances of these coins were written down.
    pub leaves: Vec<u64>,
    /// The evidence, natural logarithm of the e-value.
    pub ln_e: f64,
    /// Whether that reaches the threshold.
    pub accused: bool,
}

/// A coin of an account, tossed again.
struct Tossed {
    who: String,
    coin: Coin,
    exposure: Exposure,
}

/// All decoys by the values that lead to them, for scans and imports, which ask of each value and meet hardly any.
#[derive(Default)]
pub(crate) struct Decoys {
    all: Vec<SubjectId>,
    by_value: HashMap<(Kind, String), usize>,
}

impl Decoys {
    fn add(&mut self, decoy: &Decoy) {
        let place = self.all.len();
        self.all.push(decoy.id);
        let leads = decoy.leads().into_iter();
        self.by_value.extend(leads.map(|lead| (lead, place)));
    }

    /// The position of the decoy to whom a value in its lookup form, or a name with address, belongs.
    fn find(&self, kind: Kind, normal: &str) -> Option<usize> {
        self.by_value.get(&(kind, normal.to_owned())).copied()
    }

    /// What the decoy to whom a number belongs is called in an alert.
    pub(crate) fn name_of(&self, kind: Kind, value: &str) -> Option<String> {
        let normal = LEADS.contains(&kind).then(|| lookup_form(kind, value));
        self.name(self.find(kind, &normal.flatten()?)?)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether a row is about a decoy.
    pub(crate) fn has_row(&self, values: &[(Kind, &str)]) -> bool {
        let leads = leads(values);
        leads
            .iter()
            .any(|(kind, normal)| self.find(*kind, normal).is_some())
    }

    fn name(&self, place: usize) -> Option<String> {
        self.all.get(place).map(|id| format!("{NAMED}{id}"))
    }
}

/// The collections that decoys are looked for in.
pub(crate) struct DecoyPlaces(Vec<String>);

/// The decoys among what an alert names.
pub(crate) fn decoys_named<'a>(names: impl IntoIterator<Item = &'a String>) -> BTreeSet<SubjectId> {
    let id = |name: &String| SubjectId::from_str(name.strip_prefix(NAMED)?).ok();
    names.into_iter().filter_map(id).collect()
}

/// Kinds that one may be looked up by and that many share: a name.
fn is_shared(kind: Kind) -> bool {
    !RulePack::builtin().info(kind).identifying && indexed(kind, "").is_some()
}

fn decoy_key(id: &SubjectId) -> Vec<u8> {
    [b"d".as_slice(), id.as_bytes()].concat()
}

fn coins_of(id: &SubjectId) -> Vec<u8> {
    [b"c".as_slice(), id.as_bytes()].concat()
}

fn coin_key(id: &SubjectId, who: &str) -> Vec<u8> {
    [&coins_of(id), who.as_bytes()].concat()
}

fn reader_key(who: &str) -> Vec<u8> {
    [b"r".as_slice(), who.as_bytes()].concat()
}

/// Puts a decoy among persons where its id belongs: look-ups answer in the order of ids.
fn place(found: &mut Vec<Found>, decoy: Decoy) {
    found.retain(|found| !matches!(found, Found::Unknown));
    let after = |found: &Found| matches!(found, Found::Subject(id, _) if *id > decoy.id);
    let at = found.iter().position(after).unwrap_or(found.len());
    found.insert(at, Found::Decoy(Box::new(decoy)));
}

impl Service {
    fn exposure_key(&self) -> ExposureKey {
        ExposureKey::from_secret(*self.vault.derive("exposure").expose())
    }

    /// Bytes drawn from the root key for a collection, kind and value; names are no parts of each other, lengths stand before them.
    fn drawn(&self, what: &str, collection: &str, kind: Kind, normal: &str) -> [u8; 32] {
        let (of, name) = (collection.len(), kind.name());
        let label = format!("decoy/{what}/{of}/{collection}/{name}/{normal}");
        *self.vault.derive(&label).expose()
    }

    fn decoy_id(&self, collection: &str, kind: Kind, normal: &str) -> SubjectId {
        let drawn = self.drawn("id", collection, kind, normal);
        SubjectId::from_bytes(*drawn.first_chunk::<16>().unwrap_or(&[0; 16]))
    }

    fn lead_key(&self, collection: &str, kind: Kind, normal: &str) -> Vec<u8> {
        let drawn = self.drawn("lead", collection, kind, normal);
        [b"v".as_slice(), &drawn].concat()
    }

    /// What a handle led to, with the decoy that the lot, or an earlier one, shows this reader.
    pub(crate) async fn among(
        &self,
        asked: &Asked<'_>,
        policies: &PolicyBook,
        handle: &Handle,
        mut found: Vec<Found>,
    ) -> Result<Vec<Found>> {
        let Some(percent) = asked.purpose.decoy_percent else {
            return Ok(found);
        };
        let shown = match handle {
            Handle::Value { kind, value } if is_shared(*kind) => match lookup_form(*kind, value) {
                Some(normal) => {
                    let named = (*kind, normal.as_str());
                    self.by_name(asked, policies, named, &found, percent)
                        .await?
                }
                None => None,
            },
            Handle::Value { kind, value } => self.by_number(asked, *kind, value)?,
            Handle::Subject { subject } if asked.caller.kind != CallerKind::Service => {
                match SubjectId::from_str(subject) {
                    Ok(id) => self.shown_before(asked, &id)?,
                    Err(_) => None,
                }
            }
            Handle::Subject { .. } | Handle::Token { .. } => None,
        };
        if let Some(decoy) = shown {
            place(&mut found, decoy);
        }
        Ok(found)
    }

    async fn by_name(
        &self,
        asked: &Asked<'_>,
        policies: &PolicyBook,
        (kind, normal): (Kind, &str),
        found: &[Found],
        percent: u8,
    ) -> Result<Option<Decoy>> {
        let id = self.decoy_id(asked.collection, kind, normal);
        if self.coin(&id, &asked.caller.id)?.is_some() {
            return self.shown_before(asked, &id);
        }
        // One more would be told by being one too many, and yes or no shows nobody.
        if found.len() >= MATCHES_AT_MOST || asked.request.view == View::Answer {
            return Ok(None);
        }
        let Some(bearer) = self.released_to(asked, policies, found)? else {
            return Ok(None);
        };
        let known = self.decoy(&id)?;
        let fresh = known.is_none();
        let decoy = match known {
            Some(decoy) => decoy,
            None => match self.invent(asked.collection, id, kind, &bearer)? {
                Some(decoy) => decoy,
                None => return Ok(None),
            },
        };
        let granted = self.decide_decoy(asked, policies)?.outcome.released();
        if !granted || !decoy.is_known_by(&asked.request.fields) {
            return Ok(None);
        }
        self.settle_coin(asked, &decoy, fresh, percent).await?;
        self.shown_before(asked, &id)
    }

    /// A person found whose values this request releases, plain or masked.
    fn released_to(
        &self,
        asked: &Asked<'_>,
        policies: &PolicyBook,
        found: &[Found],
    ) -> Result<Option<SubjectId>> {
        for found in found {
            let Found::Subject(subject, _) = found else {
                continue;
            };
            let Some(since) = self.member_since(subject, asked.collection)? else {
                continue;
            };
            let decided = self.decide_view(asked, policies, subject, since)?;
            if matches!(decided.outcome, Outcome::Plain | Outcome::Masked) {
                return Ok(Some(*subject));
            }
        }
        Ok(None)
    }

    /// The decoy to whom a number belongs, if this reader was shown it.
    fn by_number(&self, asked: &Asked<'_>, kind: Kind, value: &str) -> Result<Option<Decoy>> {
        let Some(normal) = lookup_form(kind, value) else {
            return Ok(None);
        };
        let key = self.lead_key(asked.collection, kind, &normal);
        match self.store().get(Space::Decoys, &key)? {
            Some(id) => self.shown_before(asked, &id_of(&id)?),
            None => Ok(None),
        }
    }

    /// The decoy, if this reader's coin for it was settled and shows it.
    fn shown_before(&self, asked: &Asked<'_>, id: &SubjectId) -> Result<Option<Decoy>> {
        let who = &asked.caller.id;
        let Some(coin) = self.coin(id, who)? else {
            return Ok(None);
        };
        let decoy = match self.toss(who, id, 0, &coin).is_shown() {
            true => self.decoy(id)?,
            false => None,
        };
        Ok(decoy.filter(|decoy| decoy.collection == asked.collection))
    }

    fn toss(&self, who: &str, id: &SubjectId, number: u32, coin: &Coin) -> Exposure {
        let key = self.exposure_key();
        key.toss(who.as_bytes(), id.as_bytes(), number, coin.propensity)
    }

    fn coin(&self, id: &SubjectId, who: &str) -> Result<Option<Coin>> {
        shelf::get(self.store(), Space::Decoys, &coin_key(id, who))
    }

    fn decoy(&self, id: &SubjectId) -> Result<Option<Decoy>> {
        let sealed = self.store().get(Space::Decoys, &decoy_key(id))?;
        sealed.map(|sealed| self.open_decoy(&sealed)).transpose()
    }

    fn open_decoy(&self, sealed: &[u8]) -> Result<Decoy> {
        serde_json::from_slice(&self.unseal("decoy", sealed)?)
            .map_err(|_| ServiceError::Damaged("decoy"))
    }

    /// Writes down, in the log and then in the store, with which chance this reader is shown this decoy.
    ///
    /// A crash between the two leaves a leaf whose coin never fell: nothing was released, and the next look-up settles it again.
    async fn settle_coin(
        &self,
        asked: &Asked<'_>,
        decoy: &Decoy,
        fresh: bool,
        percent: u8,
    ) -> Result<()> {
        let propensity = Propensity::new(f64::from(percent) / 100.0)
            .map_err(|error| ServiceError::Invalid(error.to_string()))?;
        let mut event = self.event(asked.caller, Action::Decoy, Outcome::Done);
        event.purpose = Some(asked.purpose.id.clone());
        event.decision = Some(asked.decision.to_owned());
        event.details = named([
            ("collection", asked.collection.to_owned()),
            ("decoy", decoy.id.to_string()),
            ("propensity", format!("{}/2^32", u32::from(propensity))),
        ]);
        let traced = self.ledger().operator(&event).await?;
        let coin = Coin {
            name: asked.caller.display.clone(),
            purpose: asked.purpose.id.clone(),
            propensity,
            at: self.now(),
            index: traced.index,
        };
        self.keep_coin(&asked.caller.id, decoy, fresh, &coin)
    }

    fn keep_coin(&self, who: &str, decoy: &Decoy, fresh: bool, coin: &Coin) -> Result<()> {
        let mut batch = Batch::new();
        let key = coin_key(&decoy.id, who);
        batch.expect(Space::Decoys, key.clone(), None);
        shelf::put(&mut batch, Space::Decoys, &key, coin)?;
        shelf::put(&mut batch, Space::Decoys, &reader_key(who), &coin.name)?;
        let with_coin_only = batch.clone();
        if fresh {
            let key = decoy_key(&decoy.id);
            batch.expect(Space::Decoys, key.clone(), None);
            batch.put(
                Space::Decoys,
                key,
                self.seal("decoy", &shelf::bytes(decoy)?)?,
            );
            for (kind, normal) in decoy.leads() {
                let key = self.lead_key(&decoy.collection, kind, &normal);
                batch.put(Space::Decoys, key, *decoy.id.as_bytes());
            }
        }
        match self.store().write(&batch) {
            // Somebody else's look-up drew the same decoy meanwhile, or another one of this reader settled the coin.
            Err(StoreError::Conflict { .. }) => match self.store().write(&with_coin_only) {
                Err(StoreError::Conflict { .. }) => Ok(()),
                written => Ok(written?),
            },
            written => Ok(written?),
        }
    }

    /// Draws the decoy of a name: a person like those of the collection, with the fields that a real bearer has.
    fn invent(
        &self,
        collection: &str,
        id: SubjectId,
        kind: Kind,
        bearer: &SubjectId,
    ) -> Result<Option<Decoy>> {
        let fields = match self.vault.open_fields(bearer, collection, &[]) {
            Err(VaultError::Erased | VaultError::NotFound { .. }) => return Ok(None),
            fields => fields?,
        };
        let Some(borne) = fields.iter().find(|field| field.kind == Some(kind)) else {
            return Ok(None);
        };
        let likeness = self.likeness_of(collection)?;
        let seed = u64::from_be_bytes(
            *self
                .drawn("seed", collection, kind, &id.to_string())
                .first_chunk::<8>()
                .unwrap_or(&[0; 8]),
        );
        let person = likeness.cast.namesake(seed, &borne.value);
        let own: HashMap<Kind, String> = person.fields().into_iter().collect();
        let value = |field: &OpenField| match (field.kind, likeness.columns.get(&field.name)) {
            (Some(of), _) if of == kind => borne.value.to_string(),
            (Some(of), Some(column)) if own.contains_key(&of) => {
                column.written(own.get(&of).map_or("", String::as_str))
            }
            (Some(of), None) => own.get(&of).cloned().unwrap_or_default(),
            (_, Some(column)) => column.drawn(seed),
            (None, None) => String::new(),
        };
        let held = |field: &OpenField| Held {
            name: field.name.clone(),
            kind: field.kind,
            value: value(field),
        };
        let fields = fields.iter().map(held);
        Ok(Some(Decoy {
            id,
            collection: collection.to_owned(),
            fields: fields.filter(|held| !held.value.is_empty()).collect(),
        }))
    }

    /// Counts the people and columns of a collection; nothing of any one person is kept.
    fn likeness_of(&self, collection: &str) -> Result<Arc<Likeness>> {
        if let Some(known) = self.likenesses.0.lock().get(collection) {
            return Ok(known.clone());
        }
        let (mut people, mut columns) = (Vec::new(), HashMap::<String, Vec<String>>::new());
        for subject in self.subjects_in(collection, None, LIKENESS_ROWS)? {
            let fields = match self.vault.open_fields(&subject, collection, &[]) {
                Err(VaultError::Erased | VaultError::NotFound { .. }) => continue,
                fields => fields?,
            };
            people.push(traits(&fields));
            for field in fields {
                let column = columns.entry(field.name).or_default();
                column.push(field.value.to_string());
            }
        }
        let kind = |name: &str| self.field_kind(collection, name);
        let numbered = columns
            .keys()
            .any(|name| kind(name) == Some(Kind::RESIDENT_ID));
        let this_year = day(self.now());
        let this_year = this_year.get(..4).and_then(|year| year.parse().ok());
        let profile = Profile::of(people, this_year.unwrap_or(2026_u16) - 1, numbered);
        let columns = columns.into_iter().map(|(name, values)| {
            let column = Column::of(kind(&name), values);
            (name, column)
        });
        let likeness = Arc::new(Likeness {
            cast: Cast::new(profile),
            columns: columns.collect(),
        });
        let mut known = self.likenesses.0.lock();
        known.insert(collection.to_owned(), likeness.clone());
        Ok(likeness)
    }

    /// Every decoy for which somebody had a coin, by the values that lead to it.
    pub(crate) fn all_decoys(&self) -> Result<Decoys> {
        let mut decoys = Decoys::default();
        self.decoy_rows(b"d", |_, sealed| {
            decoys.add(&self.open_decoy(sealed)?);
            Ok(())
        })?;
        Ok(decoys)
    }

    /// Where an examination may meet decoys; nowhere while nobody had a coin.
    pub(crate) fn decoy_places(&self) -> Result<DecoyPlaces> {
        let range = KeyRange::prefix(b"d");
        let some = self.store().scan(Space::Decoys, &range, 1, false)?;
        let known = if some.is_empty() {
            Vec::new()
        } else {
            self.collections()
        };
        Ok(DecoyPlaces(known.into_iter().map(|one| one.name).collect()))
    }

    /// The decoy to whom a value in its lookup form, or a name with address, belongs, looked for in the store: a leak costs memory for the decoys it holds, not for all.
    pub(crate) fn decoy_of(
        &self,
        places: &DecoyPlaces,
        kind: Kind,
        normal: &str,
    ) -> Result<Option<SubjectId>> {
        for collection in &places.0 {
            let key = self.lead_key(collection, kind, normal);
            if let Some(id) = self.store().get(Space::Decoys, &key)? {
                return Ok(Some(id_of(&id)?));
            }
        }
        Ok(None)
    }

    /// How many accounts ever had a coin: all of them are examined whenever one is.
    pub(crate) fn accounts_examined(&self) -> Result<u64> {
        let range = KeyRange::prefix(b"r");
        Ok(self.store().count_range(Space::Decoys, &range)?)
    }

    /// What the decoys found say about each account that had a coin for one, strongest evidence first.
    pub(crate) fn accounts(
        &self,
        found: &BTreeSet<SubjectId>,
        threshold: Threshold,
    ) -> Result<Vec<AccountView>> {
        let mut tossed = Vec::new();
        for (number, id) in (0..).zip(found) {
            let prefix = coins_of(id);
            self.decoy_rows(&prefix, |key, value| {
                let who = key.get(prefix.len()..).unwrap_or_default();
                let who = String::from_utf8(who.to_vec())
                    .map_err(|_| ServiceError::Damaged("coin of a decoy"))?;
                let coin: Coin = serde_json::from_slice(value)
                    .map_err(|_| ServiceError::Damaged("coin of a decoy"))?;
                tossed.push(Tossed {
                    exposure: self.toss(&who, id, number, &coin),
                    who,
                    coin,
                });
                Ok(())
            })?;
        }
        weigh(tossed, threshold)
    }

    fn decoy_rows(
        &self,
        prefix: &[u8],
        mut each: impl FnMut(&[u8], &[u8]) -> Result<()>,
    ) -> Result<()> {
        let mut range = KeyRange::prefix(prefix);
        loop {
            let page = self.store().scan(Space::Decoys, &range, 1000, false)?;
            let Some((last, _)) = page.last() else {
                return Ok(());
            };
            range = range.after(last);
            for (key, value) in &page {
                each(key, value)?;
            }
        }
    }
}

fn id_of(bytes: &[u8]) -> Result<SubjectId> {
    let bytes = <[u8; 16]>::try_from(bytes);
    bytes
        .map(SubjectId::from_bytes)
        .map_err(|_| ServiceError::Damaged("decoy"))
}

/// Weighs the coins of each account for decoys that turned up.
fn weigh(tossed: Vec<Tossed>, threshold: Threshold) -> Result<Vec<AccountView>> {
    let mut by_account: BTreeMap<String, Vec<Tossed>> = BTreeMap::new();
    for one in tossed {
        by_account.entry(one.who.clone()).or_default().push(one);
    }
    let mut views = Vec::new();
    for (who, coins) in by_account {
        let exposures: Vec<Exposure> = coins.iter().map(|one| one.exposure).collect();
        let weighed = evidence(&exposures, |_| true)
            .map_err(|error| ServiceError::Invalid(error.to_string()))?;
        let newest = coins.iter().max_by_key(|one| one.coin.at);
        let mut leaves: Vec<u64> = coins.iter().map(|one| one.coin.index).collect();
        leaves.sort_unstable();
        let shown = exposures.iter().filter(|coin| coin.is_shown());
        views.push(AccountView {
            who,
            name: newest.map(|one| one.coin.name.clone()).unwrap_or_default(),
            coins: exposures.len() as u64,
            shown: shown.count() as u64,
            expected: coins.iter().map(|one| one.coin.propensity.p()).sum(),
            leaves,
            ln_e: weighed.ln(),
            accused: threshold.judge(weighed).is_accused(),
        });
    }
    views.sort_by(|a, b| b.ln_e.total_cmp(&a.ln_e).then_with(|| a.who.cmp(&b.who)));
    let accused = views.iter().filter(|view| view.accused).count();
    views.truncate(accused.max(ACCOUNTS_SHOWN));
    Ok(views)
}

/// The part of ε that some of those judged together may use up, so that each is judged at all / ε.
pub(crate) fn part_of(epsilon: Epsilon, some: u64, all: u64) -> Result<Epsilon> {
    #[expect(clippy::cast_precision_loss, reason = "counts of copies and accounts")]
    let share = some as f64 / all as f64;
    Epsilon::new(epsilon.get() * share).map_err(|error| ServiceError::Invalid(error.to_string()))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn coin(percent: u8, index: u64) -> Coin {
        Coin {
            name: "a reader".to_owned(),
            purpose: "desk".to_owned(),
            propensity: Propensity::new(f64::from(percent) / 100.0).unwrap(),
            at: 0,
            index,
        }
    }

    fn tossed(key: &ExposureKey, who: &str, number: u32, percent: u8) -> Tossed {
        let coin = coin(percent, u64::from(number));
        Tossed {
            exposure: key.toss(
                who.as_bytes(),
                &number.to_be_bytes(),
                number,
                coin.propensity,
            ),
            who: who.to_owned(),
            coin,
        }
    }

    /// Innocents expect at most one, whatever turned up: here six decoys with chances of 10 to 50 percent, over 30,000 keys.
    #[test]
    fn an_innocent_account_expects_one() {
        let threshold = Threshold::new(2, Epsilon::DEFAULT).unwrap();
        let rounds = 30_000_u32;
        let (mut sum, mut squares) = (0.0, 0.0);
        let mut accused = 0;
        for round in 0..rounds {
            let mut secret = [0; 32];
            secret[..4].copy_from_slice(&round.to_be_bytes());
            let key = ExposureKey::from_secret(secret);
            // Few coins, so that the average is not ruled by one trial in a million.
            let coins =
                (0..6).map(|n| tossed(&key, "staff:1", n, [50, 25, 40, 10, 33, 50][n as usize]));
            let views = weigh(coins.collect(), threshold).unwrap();
            let e = views[0].ln_e.exp();
            sum += e;
            squares += e * e;
            accused += u32::from(views[0].accused);
        }
        let n = f64::from(rounds);
        let mean = sum / n;
        let error = ((squares / n - mean * mean) / n).sqrt();
        assert!(error < 0.05, "{error}");
        assert!((mean - 1.0).abs() < 4.0 * error, "{mean} ± {error}");
        assert_eq!(accused, 0);
    }

    #[test]
    fn the_source_is_accused_and_coins_are_counted() {
        let key = ExposureKey::from_secret([3; 32]);
        let of =
            |who: &str| -> Vec<Tossed> { (0..200).map(|n| tossed(&key, who, n, 25)).collect() };
        let own: HashSet<u32> = of("staff:1")
            .iter()
            .filter(|one| one.exposure.is_shown())
            .map(|one| one.exposure.decoy())
            .collect();
        let leaked = |who: &str| {
            let mut coins = of(who);
            coins.retain(|one| own.contains(&one.exposure.decoy()));
            coins
        };
        let all = ["staff:1", "staff:2", "key:a"].into_iter().flat_map(leaked);
        let threshold = Threshold::new(103, Epsilon::DEFAULT).unwrap();
        let views = weigh(all.collect(), threshold).unwrap();
        let accused: Vec<&str> = views
            .iter()
            .filter(|view| view.accused)
            .map(|view| view.who.as_str())
            .collect();
        assert_eq!(accused, ["staff:1"]);
        assert_eq!(views[0].coins, own.len() as u64);
        assert_eq!(views[0].shown, own.len() as u64);
        assert!((views[0].expected - own.len() as f64 / 4.0).abs() < 1e-6);
        assert_eq!(views[0].leaves.len(), own.len());
        assert!(views[1].ln_e < 0.0 && views[2].ln_e < 0.0);
    }

    #[test]
    fn the_bound_is_shared_by_copies_and_accounts() {
        let whole = Threshold::new(7, Epsilon::DEFAULT).unwrap();
        let part = part_of(Epsilon::DEFAULT, 5, 7).unwrap();
        let copies = Threshold::new(5, part).unwrap();
        assert!((whole.ln() - copies.ln()).abs() < 1e-9);
    }

    #[test]
    fn only_names_are_shared() {
        assert!(is_shared(Kind::PERSON_NAME));
        for kind in LEADS {
            assert!(!is_shared(kind), "{}", kind.name());
        }
    }
}
