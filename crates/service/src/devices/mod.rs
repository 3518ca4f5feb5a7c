//! Devices that sign for a person: registered, listed and revoked by himself, on his own page.
//!
//! Rule: W3C Web Authentication Level 3. He came to that page by a link and a code that staff handed him after identifying him, and his visit lasts an hour; whatever signs with a key made then is a device that he held. It does not say who holds it now beyond what the device itself asks of its user, nor that a camera is one.
//! Each registering and revoking is a leaf of his trace. What a signature covers is the business of whoever asks for one ([`crate::captures`]).

mod webauthn;

use std::collections::HashMap;

use liuhen_capture::{Rules, Signing};
use liuhen_vault::SubjectId;
use liuhen_vault::registry::Device;
use parking_lot::Mutex;
use serde::Serialize;

pub use webauthn::Place as DevicePlace;

use crate::clock::UnixMs;
use crate::error::{Result, ServiceError};
use crate::event::{Action, Outcome};
use crate::ledger::named;
use crate::person::PersonSession;
use crate::{Service, ids};
use webauthn::{Said, Wrong};

/// How long a device has to answer, in milliseconds.
const OFFER_MS: i64 = 5 * 60 * 1000;
/// Questions open at once; the oldest go first.
const OFFERS: usize = 10_000;

/// A device, for its owner.
#[derive(Debug, Clone, Serialize)]
pub struct OwnDevice {
    /// Its id.
    pub id: String,
    /// What he calls it.
    pub name: String,
    /// The host for which it signs.
    pub host: String,
    /// Since when.
    pub since: UnixMs,
    /// When it last signed.
    pub used: Option<UnixMs>,
}

/// What a device is asked to make a key for.
#[derive(Debug, Clone)]
pub struct DeviceOffer {
    /// What it must repeat.
    pub challenge: [u8; 32],
    /// Under which account it files the key: a random number, since a device may show it to others.
    pub user: [u8; 16],
    /// Keys that it may have already.
    pub known: Vec<Vec<u8>>,
}

/// A device's answer.
#[derive(Debug, Clone)]
pub struct NewDevice {
    /// What its owner calls it.
    pub name: String,
    /// `clientDataJSON`, byte for byte.
    pub client_data: Vec<u8>,
    /// `authenticatorData`, byte for byte.
    pub authenticator_data: Vec<u8>,
}

/// A signature of a device.
#[derive(Debug, Clone)]
pub struct DeviceSignature {
    /// The id of the key.
    pub credential: Vec<u8>,
    /// `clientDataJSON`, byte for byte.
    pub client_data: Vec<u8>,
    /// `authenticatorData`, byte for byte.
    pub authenticator_data: Vec<u8>,
    /// The signature.
    pub signature: Vec<u8>,
}

/// What was asked, and until when it can be answered.
type Offered = ([u8; 32], UnixMs);

/// What belongs to devices and lives as long as the service.
#[derive(Default)]
pub(crate) struct Devices {
    /// What was asked of a person's browser, by his visit, and until when.
    offers: Mutex<HashMap<Vec<u8>, Offered>>,
    /// Held from the look at a device until its row is written: two answers with one counter must not both fit.
    gate: Mutex<()>,
}

impl Devices {
    fn ask(&self, visit: &[u8], challenge: [u8; 32], now: UnixMs) {
        let mut offers = self.offers.lock();
        if offers.len() >= OFFERS {
            offers.retain(|_, (_, until)| *until > now);
        }
        while offers.len() >= OFFERS {
            let first = offers.iter().min_by_key(|(_, (_, until))| *until);
            match first.map(|(visit, _)| visit.clone()) {
                Some(visit) => offers.remove(&visit),
                None => break,
            };
        }
        offers.insert(visit.to_vec(), (challenge, now + OFFER_MS));
    }

    /// What was asked, once.
    fn asked(&self, visit: &[u8], now: UnixMs) -> Option<[u8; 32]> {
        let (challenge, until) = self.offers.lock().remove(visit)?;
        (until > now).then_some(challenge)
    }
}

impl Service {
    /// Asks a person's device to make a key.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Conflict`] when he has as many devices as one may have.
    pub fn person_offer_device(
        &self,
        session: &PersonSession,
        place: &DevicePlace,
    ) -> Result<DeviceOffer> {
        let held = self.vault.devices(session.subject())?;
        room(held.len())?;
        let (mut challenge, mut user) = ([0; 32], [0; 16]);
        ids::fill(&mut challenge)?;
        ids::fill(&mut user)?;
        self.devices.ask(session.visit(), challenge, self.now());
        let here = held.into_iter().filter(|device| device.host == place.host);
        Ok(DeviceOffer {
            challenge,
            user,
            known: here.map(|device| device.credential).collect(),
        })
    }

    /// Registers the device whose browser answered the last question of this visit.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Invalid`] for a name that is none, or an answer that does not hold; [`ServiceError::Conflict`] when nothing was asked, it was long ago, or the key is there already.
    pub async fn person_register_device(
        &self,
        session: &PersonSession,
        place: &DevicePlace,
        new: NewDevice,
    ) -> Result<()> {
        let name = new.name.trim().to_owned();
        if !(1..=40).contains(&name.chars().count()) || name.chars().any(char::is_control) {
            return Err(ServiceError::Invalid(
                "a device's name has 1 to 40 characters".to_owned(),
            ));
        }
        let asked = self.devices.asked(session.visit(), self.now());
        let challenge = asked.ok_or_else(|| {
            ServiceError::Conflict("the device answered too late; try again".to_owned())
        })?;
        let made = webauthn::made(&new.client_data, &new.authenticator_data, &challenge, place);
        let made = made.map_err(|wrong| ServiceError::Invalid(refusal(wrong).to_owned()))?;
        let device = Device {
            id: ids::random("dev", 8)?,
            name,
            host: place.host.clone(),
            credential: made.credential,
            key: made.key,
            counter: made.counter,
            at: self.now(),
            used: None,
        };
        self.room_for(session.subject(), &device)?;
        self.tell_device(session, &device.id, "registered").await?;
        let _one = self.devices.gate.lock();
        self.room_for(session.subject(), &device)?;
        Ok(self.vault.put_device(session.subject(), &device)?)
    }

    /// Revokes a device: what it signs from now on fits nothing.
    ///
    /// # Errors
    ///
    /// [`ServiceError::NotFound`] when it is none of his.
    pub async fn person_end_device(&self, session: &PersonSession, id: &str) -> Result<()> {
        let held = self.vault.devices(session.subject())?;
        if held.iter().all(|device| device.id != id) {
            return Err(ServiceError::NotFound("device"));
        }
        self.tell_device(session, id, "revoked").await?;
        let _one = self.devices.gate.lock();
        self.vault.end_device(session.subject(), id)?;
        Ok(())
    }

    /// A person's devices, for himself.
    pub(crate) fn own_devices(&self, subject: &SubjectId) -> Result<Vec<OwnDevice>> {
        let mut devices = self.vault.devices(subject)?;
        devices.sort_by_key(|device| device.at);
        let own = devices.into_iter().map(|device| OwnDevice {
            id: device.id,
            name: device.name,
            host: device.host,
            since: device.at,
            used: device.used,
        });
        Ok(own.collect())
    }

    /// The ids of the keys that may sign for a person at a place.
    pub(crate) fn keys_at(&self, subject: &SubjectId, place: &DevicePlace) -> Result<Vec<Vec<u8>>> {
        let held = self.vault.devices(subject)?.into_iter();
        let here = held.filter(|device| device.host == place.host);
        Ok(here.map(|device| device.credential).collect())
    }

    /// Whether a device of a person signed the answer to a question.
    pub(crate) fn signed_by_device(
        &self,
        subject: &SubjectId,
        given: Option<&DeviceSignature>,
        challenge: &[u8; 32],
        place: &DevicePlace,
    ) -> Result<Signing> {
        let _one = self.devices.gate.lock();
        let held = self.vault.devices(subject)?;
        let (device, counter) = match looked_at(&held, given, challenge, place) {
            Ok(signed) => signed,
            Err(signing) => return Ok(signing),
        };
        let used = Device {
            counter,
            used: Some(self.now()),
            ..device.clone()
        };
        self.vault.put_device(subject, &used)?;
        Ok(Signing::Signed)
    }

    fn room_for(&self, subject: &SubjectId, device: &Device) -> Result<()> {
        let held = self.vault.devices(subject)?;
        if held
            .iter()
            .any(|other| other.credential == device.credential)
        {
            return Err(ServiceError::Conflict(
                "this device is registered already".to_owned(),
            ));
        }
        room(held.len())
    }

    async fn tell_device(&self, session: &PersonSession, id: &str, what: &str) -> Result<()> {
        let mut event = self.event(&session.caller(), Action::Device, Outcome::Done);
        event.details = named([("device", id.to_owned()), ("what", what.to_owned())]);
        self.ledger().subject(*session.subject(), &event).await?;
        Ok(())
    }
}

/// Which device signed, and how often it has; or what there is instead.
fn looked_at<'d>(
    held: &'d [Device],
    given: Option<&DeviceSignature>,
    challenge: &[u8; 32],
    place: &DevicePlace,
) -> std::result::Result<(&'d Device, u32), Signing> {
    let mut here = held.iter().filter(|device| device.host == place.host);
    let Some(given) = given else {
        return Err(here.next().map_or(Signing::NoDevice, |_| Signing::Not));
    };
    let device = here
        .find(|device| device.credential == given.credential)
        .ok_or(Signing::AnotherDevice)?;
    let said = Said {
        client_data: &given.client_data,
        authenticator_data: &given.authenticator_data,
        signature: &given.signature,
    };
    match webauthn::signed(&device.key, device.counter, said, challenge, place) {
        Ok(counter) => Ok((device, counter)),
        Err(wrong) => Err(told(wrong)),
    }
}

fn room(held: usize) -> Result<()> {
    let most = Rules::builtin().device.at_most;
    if held < most {
        return Ok(());
    }
    Err(ServiceError::Conflict(format!(
        "a person has at most {most} devices; revoke one first"
    )))
}

/// What the person is told.
const fn refusal(wrong: Wrong) -> &'static str {
    match wrong {
        Wrong::Key => "this device signs in a way that is not read here",
        Wrong::Absent | Wrong::Unverified => {
            "the device did not ask for a fingerprint, a face or a number, so it does not do"
        }
        _ => "the device's answer does not hold; try again",
    }
}

/// What a capture is told.
const fn told(wrong: Wrong) -> Signing {
    match wrong {
        Wrong::Malformed | Wrong::Key | Wrong::Signature => Signing::Wrong,
        Wrong::Ceremony | Wrong::Challenge => Signing::SomethingElse,
        Wrong::Origin | Wrong::Host => Signing::Elsewhere,
        Wrong::Absent | Wrong::Unverified => Signing::Unverified,
        Wrong::Counter => Signing::CountedBack,
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::BASE64URL_NOPAD;
    use p256::ecdsa::signature::Signer as _;
    use sha2::{Digest as _, Sha256};

    use super::*;

    /// A device made of numbers, which signs whatever it is told to.
    struct Made {
        key: p256::ecdsa::SigningKey,
        credential: Vec<u8>,
    }

    impl Made {
        fn new(seed: u8) -> Self {
            Self {
                key: p256::ecdsa::SigningKey::from_slice(&[seed; 32]).unwrap(),
                credential: vec![seed; 16],
            }
        }

        fn data(host: &str, flags: u8, counter: u32) -> Vec<u8> {
            let host: [u8; 32] = Sha256::digest(host).into();
            [&host[..], &[flags], &counter.to_be_bytes()].concat()
        }

        fn client(ceremony: &str, challenge: &[u8; 32], origin: &str) -> Vec<u8> {
            let challenge = BASE64URL_NOPAD.encode(challenge);
            let json = serde_json::json!({
                "type": ceremony, "challenge": challenge, "origin": origin, "crossOrigin": false,
            });
            json.to_string().into_bytes()
        }

        fn registered(&self, counter: u32) -> Device {
            let point = self.key.verifying_key().to_sec1_point(false);
            let (x, y) = (point.x().unwrap(), point.y().unwrap());
            let cose = [
                &[0xA5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 0x20][..],
                x,
                &[0x22, 0x58, 0x20],
                y,
            ];
            let length = u16::try_from(self.credential.len()).unwrap();
            let data = [
                &Self::data("localhost", 0x45, counter)[..],
                &[0; 16],
                &length.to_be_bytes(),
                &self.credential,
                &cose.concat(),
            ];
            let client = Self::client("webauthn.create", &[1; 32], &here().origin);
            let made = webauthn::made(&client, &data.concat(), &[1; 32], &here()).unwrap();
            Device {
                id: "dev_a".to_owned(),
                name: "phone".to_owned(),
                host: here().host,
                credential: made.credential,
                key: made.key,
                counter: made.counter,
                at: 0,
                used: None,
            }
        }

        fn signs(&self, challenge: &[u8; 32], origin: &str, data: Vec<u8>) -> DeviceSignature {
            let client_data = Self::client("webauthn.get", challenge, origin);
            let hash: [u8; 32] = Sha256::digest(&client_data).into();
            let signature: p256::ecdsa::Signature = self.key.sign(&[&data[..], &hash].concat());
            DeviceSignature {
                credential: self.credential.clone(),
                client_data,
                authenticator_data: data,
                signature: signature.to_der().as_bytes().to_vec(),
            }
        }
    }

    fn here() -> DevicePlace {
        DevicePlace {
            origin: "http://localhost:8420".to_owned(),
            host: "localhost".to_owned(),
        }
    }

    #[test]
    fn signatures_are_taken_for_what_they_are() {
        let (mine, other) = (Made::new(3), Made::new(4));
        let held = [mine.registered(5)];
        let (frames, altered, here) = ([8; 32], [9; 32], here());
        let look = |given: Option<&DeviceSignature>, challenge| {
            looked_at(&held, given, challenge, &here).map(|(device, count)| {
                assert_eq!(device.id, "dev_a");
                count
            })
        };
        let data = |counter| Made::data("localhost", 0x05, counter);
        let signed = mine.signs(&frames, &here.origin, data(6));
        assert_eq!(look(Some(&signed), &frames), Ok(6));
        assert_eq!(look(None, &frames), Err(Signing::Not));
        assert_eq!(
            looked_at(&[], None, &frames, &here).err(),
            Some(Signing::NoDevice)
        );
        // Revoked, or never registered.
        assert_eq!(
            looked_at(&[], Some(&signed), &frames, &here).err(),
            Some(Signing::AnotherDevice)
        );
        let foreign = other.signs(&frames, &here.origin, data(6));
        assert_eq!(look(Some(&foreign), &frames), Err(Signing::AnotherDevice));
        let named = DeviceSignature {
            credential: mine.credential.clone(),
            ..foreign
        };
        assert_eq!(look(Some(&named), &frames), Err(Signing::Wrong));
        // A frame altered after the device signed, or a signature sent again.
        assert_eq!(look(Some(&signed), &altered), Err(Signing::SomethingElse));
        let away = mine.signs(&frames, "https://evil.invalid", data(6));
        assert_eq!(look(Some(&away), &frames), Err(Signing::Elsewhere));
        let away = Made::data("evil.invalid", 0x05, 6);
        let away = mine.signs(&frames, &here.origin, away);
        assert_eq!(look(Some(&away), &frames), Err(Signing::Elsewhere));
        for counter in [5, 4, 0] {
            let old = mine.signs(&frames, &here.origin, data(counter));
            assert_eq!(look(Some(&old), &frames), Err(Signing::CountedBack));
        }
        let unasked = Made::data("localhost", 0x01, 6);
        let unasked = mine.signs(&frames, &here.origin, unasked);
        assert_eq!(look(Some(&unasked), &frames), Err(Signing::Unverified));
    }

    #[test]
    fn a_question_is_answered_once_and_in_time() {
        let devices = Devices::default();
        devices.ask(b"a", [1; 32], 0);
        devices.ask(b"a", [2; 32], 0);
        devices.ask(b"b", [3; 32], 0);
        assert_eq!(devices.asked(b"a", 1), Some([2; 32]));
        assert_eq!(devices.asked(b"a", 1), None);
        assert_eq!(devices.asked(b"b", OFFER_MS), None);
    }

    #[test]
    fn open_questions_are_bounded() {
        let devices = Devices::default();
        for n in 0..OFFERS + 3 {
            let now = i64::try_from(n).unwrap();
            devices.ask(&n.to_be_bytes(), [0; 32], now);
        }
        assert_eq!(devices.offers.lock().len(), OFFERS);
        assert!(
            !devices
                .offers
                .lock()
                .contains_key(&0_usize.to_be_bytes()[..])
        );
    }
}
