//! How many persons' faces are held, and the clock of filing that starts at 100,000.
//!
//! Rule: 人脸识别技术应用安全管理办法, article 15. Days from Monday to Friday are counted: the State
//! Council's holidays and the weekends it makes working days are announced year by year, and whoever
//! files looks at them.

use jiff::civil::{Date, Weekday};
use liuhen_vault::store::Space;
use serde::{Deserialize, Serialize};

use super::rules::{Law, rules};
use crate::caller::{Caller, Role};
use crate::clock::{UnixMs, day};
use crate::error::{Result, ServiceError};
use crate::event::{Action, Outcome};
use crate::{Service, shelf};

const ROW: &[u8] = b"face-filing";

/// How near the number of faces is to the one from which they are filed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FilingState {
    /// Fewer than the console warns at.
    Below,
    /// Not far from it.
    Near,
    /// It was reached: the days run.
    Due,
    /// Filed.
    Filed,
}

/// The count and the clock.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FaceFiling {
    /// Persons of whom a face is held.
    pub persons: u64,
    /// The number at which the law asks for filing.
    pub threshold: u64,
    /// How near it is.
    pub state: FilingState,
    /// When it was first reached here.
    pub reached: Option<UnixMs>,
    /// The last day to file, `YYYY-MM-DD`, Monday to Friday counted.
    pub due: Option<String>,
    /// Number or other mark of the filing, as noted.
    pub reference: Option<String>,
    /// Version of the rules.
    pub rules: String,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Stored {
    reached: Option<UnixMs>,
    #[serde(default)]
    reference: Option<String>,
}

impl Service {
    /// How many persons' faces are held, and where the clock of filing stands.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub fn face_filing(&self) -> Result<FaceFiling> {
        let law = &rules()?.law;
        let persons = self.vault.faces_held();
        let stored = self.stored_filing()?;
        let state = stored.state(persons, law);
        let due = stored.reached.and_then(|at| due(at, law.working_days));
        Ok(FaceFiling {
            persons,
            threshold: law.persons,
            state,
            reached: stored.reached,
            due,
            reference: stored.reference,
            rules: rules()?.version.clone(),
        })
    }

    /// Notes that faces were filed, under which number.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Invalid`] without a number.
    pub async fn note_face_filing(&self, caller: &Caller, reference: &str) -> Result<()> {
        caller.need(Role::Admin, "note a filing")?;
        let reference = reference.trim();
        if !(1..=80).contains(&reference.chars().count()) {
            return Err(ServiceError::Invalid(
                "a filing has a number of 1 to 80 characters".to_owned(),
            ));
        }
        let _settings = self.settings.lock().await;
        let details = [
            ("did", "file-faces".to_owned()),
            ("reference", reference.to_owned()),
        ];
        self.note(caller, Action::Admin, Outcome::Done, details)
            .await?;
        let stored = Stored {
            reference: Some(reference.to_owned()),
            ..self.stored_filing()?
        };
        shelf::put_now(self.store(), Space::Settings, ROW, &stored)
    }

    fn stored_filing(&self) -> Result<Stored> {
        Ok(shelf::get(self.store(), Space::Settings, ROW)?.unwrap_or_default())
    }

    /// Starts the clock when the number is reached; it stays started when the number falls again.
    pub(super) fn mind_the_clock(&self) -> Result<()> {
        let (persons, law) = (self.vault.faces_held(), &rules()?.law);
        match self.stored_filing()?.started(persons, law, self.now()) {
            Some(stored) => shelf::put_now(self.store(), Space::Settings, ROW, &stored),
            None => Ok(()),
        }
    }
}

impl Stored {
    fn state(&self, persons: u64, law: &Law) -> FilingState {
        match (&self.reached, &self.reference) {
            (_, Some(_)) => FilingState::Filed,
            (Some(_), None) => FilingState::Due,
            (None, None) if persons.saturating_mul(100) >= law.persons * law.near => {
                FilingState::Near
            }
            (None, None) => FilingState::Below,
        }
    }

    /// With the clock started, when it is to start now.
    fn started(self, persons: u64, law: &Law, now: UnixMs) -> Option<Self> {
        let starts = self.reached.is_none() && persons >= law.persons;
        starts.then_some(Self {
            reached: Some(now),
            ..self
        })
    }
}

/// The last of so many working days after the day of `at`.
fn due(at: UnixMs, working_days: u32) -> Option<String> {
    let mut date: Date = day(at).parse().ok()?;
    let mut left = working_days;
    while left > 0 {
        date = date.tomorrow().ok()?;
        if !matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday) {
            left -= 1;
        }
    }
    Some(date.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_starts_once_and_stays_started() {
        let law = &rules().unwrap().law;
        let none = Stored::default();
        let rows = [
            (0, FilingState::Below),
            (79_999, FilingState::Below),
            (80_000, FilingState::Near),
            (99_999, FilingState::Near),
        ];
        for (persons, state) in rows {
            assert_eq!(none.state(persons, law), state, "{persons}");
            assert!(none.clone().started(persons, law, 5).is_none(), "{persons}");
        }
        let reached = none.started(100_000, law, 5).unwrap();
        assert_eq!(reached.reached, Some(5));
        assert_eq!(reached.state(3, law), FilingState::Due, "the number fell");
        assert!(reached.clone().started(200_000, law, 9).is_none());
        let filed = Stored {
            reference: Some("2027-1".to_owned()),
            ..reached
        };
        assert_eq!(filed.state(200_000, law), FilingState::Filed);
    }

    #[test]
    fn the_last_day_to_file() {
        let noon = |text: &str| {
            let time: jiff::Timestamp = format!("{text}T04:00:00Z").parse().unwrap();
            time.as_millisecond()
        };
        let rows = [
            // A Monday: six weeks later.
            ("2026-11-23", 30, "2027-01-04"),
            ("2026-11-27", 1, "2026-11-30"),
            ("2026-11-28", 1, "2026-11-30"),
            ("2026-11-29", 5, "2026-12-04"),
        ];
        for (from, days, expected) in rows {
            assert_eq!(due(noon(from), days).as_deref(), Some(expected), "{from}");
        }
    }
}
