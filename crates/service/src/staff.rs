//! Members of staff: invitations, enrolment with a second factor, signing in, sessions.
//!
//! Passwords are kept as argon2id (RFC 9106, the crate's defaults: 19 MiB, two passes), second factors as TOTP (RFC 6238), each code good once.
//! There is no default account: the first administrator enrols through a one-time secret printed when the vault is made.
//! How a session travels (cookies, CSRF fields) is the skins' business.

use std::collections::{BTreeSet, HashMap};

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use liuhen_vault::store::{Batch, KeyRange, Space, StoreError};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::caller::{Assurance, Caller, CallerKind, Role};
use crate::clock::UnixMs;
use crate::error::{Result, ServiceError};
use crate::event::{Action, Outcome};
use crate::exports::off_the_runtime;
use crate::{Service, ids, shelf};

/// NIST SP 800-63B, 3.1.1.2: at least fifteen characters where a password stands alone, eight beside a second factor; we ask for more than eight.
pub const PASSWORD_CHARS: usize = 12;

/// OWASP session management: idle and absolute timeouts for sensitive applications.
const IDLE_MS: i64 = 30 * 60 * 1000;
const ABSOLUTE_MS: i64 = 12 * 3600 * 1000;

/// An invitation that nobody used dies after three days.
const INVITATION_MS: i64 = 3 * 24 * 3600 * 1000;

/// Failed attempts after which a login has to wait, and the longest wait.
const FREE_ATTEMPTS: u32 = 5;
const LONGEST_WAIT_S: u64 = 900;

const INVITATION: &[u8] = b"invitation/";
const PERSON: &[u8] = b"staff/";
const LOGIN: &[u8] = b"login/";

/// A member of staff, as shown.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StaffView {
    /// Stable id.
    pub id: String,
    /// What he signs in with.
    pub login: String,
    /// How he appears in traces.
    pub display: String,
    /// What he may do.
    pub roles: Vec<Role>,
    /// Whether he may sign in.
    pub active: bool,
    /// When he enrolled.
    pub created: UnixMs,
}

#[derive(Debug, Serialize, Deserialize)]
struct StoredStaff {
    view: StaffView,
    password: String,
    /// Sealed under a key derived from the root.
    totp: Vec<u8>,
    /// The last TOTP step used: a code is good once.
    last_step: u64,
    /// Sessions begun before are over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sessions_from: Option<UnixMs>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Invitation {
    roles: Vec<Role>,
    expires: UnixMs,
    by: String,
    /// The second factor offered so far, sealed; so that reloading the page shows the same one.
    totp: Option<Vec<u8>>,
}

/// What the enrolment page shows.
#[derive(Debug, Clone, Serialize)]
pub struct Enrolment {
    /// Roles the invitation carries.
    pub roles: Vec<Role>,
    /// For typing into an authenticator.
    pub totp_secret: String,
    /// For an authenticator that reads a QR code.
    pub otpauth_uri: String,
}

/// A signed-in member of staff.
#[derive(Debug, Clone, Serialize)]
pub struct Session {
    /// The cookie's value; filled only when the session is made.
    #[serde(skip)]
    pub secret: String,
    /// What unsafe requests must repeat.
    #[serde(skip)]
    pub csrf: String,
    /// Who it is.
    pub staff: StaffView,
    /// When it ends if nothing happens.
    pub expires: UnixMs,
    #[serde(skip)]
    key: Vec<u8>,
}

impl Session {
    /// The caller this session speaks for.
    pub fn caller(&self) -> Caller {
        Caller {
            id: format!("staff:{}", self.staff.id),
            display: self.staff.display.clone(),
            kind: CallerKind::Staff,
            roles: self.staff.roles.iter().copied().collect(),
            assurance: Assurance::TwoFactor,
            site: None,
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct StoredSession {
    staff: String,
    csrf: String,
    begun: UnixMs,
    seen: UnixMs,
}

/// Failed attempts by login, in memory: a restart costs the attacker more than it gives him.
#[derive(Debug, Default)]
pub(crate) struct Attempts(Mutex<HashMap<String, (u32, UnixMs)>>);

impl Attempts {
    /// Counts one attempt, or refuses it when it comes too soon after too many failures.
    ///
    /// The attempt counts as failed before it is looked at, so that parallel guesses cannot slip past.
    pub(crate) fn begin(&self, who: &str, now: UnixMs) -> Result<()> {
        let mut failures = self.0.lock();
        if failures.len() > 10_000 {
            failures.retain(|_, (_, last)| now - *last < 3_600_000);
        }
        let entry = failures.entry(who.to_owned()).or_insert((0, now));
        if entry.0 >= FREE_ATTEMPTS {
            let wait = LONGEST_WAIT_S.min(1 << (entry.0 - FREE_ATTEMPTS + 1).min(20));
            let since = u64::try_from(now - entry.1).unwrap_or(0) / 1000;
            if since < wait {
                return Err(ServiceError::Throttled {
                    seconds: wait - since,
                });
            }
        }
        *entry = (entry.0.saturating_add(1), now);
        Ok(())
    }

    pub(crate) fn succeed(&self, who: &str) {
        self.0.lock().remove(who);
    }
}

impl Service {
    /// The one-time secret for the first administrator, while no staff are enrolled.
    ///
    /// # Errors
    ///
    /// When the store or the system's randomness fails.
    pub fn first_start(&self) -> Result<Option<String>> {
        if !self
            .store()
            .scan(Space::Staff, &KeyRange::prefix(PERSON), 1, false)?
            .is_empty()
        {
            return Ok(None);
        }
        // An earlier start may have printed another one: only the newest is good.
        let mut batch = Batch::new();
        for (key, _) in shelf::all::<Invitation>(self.store(), Space::Invites, INVITATION)? {
            batch.delete(Space::Invites, key);
        }
        self.store().write(&batch)?;
        self.new_invitation(&Role::ALL, "first start").map(Some)
    }

    fn new_invitation(&self, roles: &[Role], by: &str) -> Result<String> {
        let secret = ids::random("inv", 20)?;
        let invitation = Invitation {
            roles: roles.to_vec(),
            expires: self.now() + INVITATION_MS,
            by: by.to_owned(),
            totp: None,
        };
        shelf::put_now(
            self.store(),
            Space::Invites,
            &invitation_key(&secret),
            &invitation,
        )?;
        Ok(secret)
    }

    /// Makes a one-time secret with which a new member of staff enrols.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Forbidden`] for a caller who is not an administrator.
    pub async fn invite_staff(&self, caller: &Caller, roles: &[Role]) -> Result<String> {
        caller.need(Role::Admin, "invite staff")?;
        if roles.is_empty() {
            return Err(ServiceError::Invalid(
                "an invitation needs at least one role".to_owned(),
            ));
        }
        let names: Vec<&str> = roles.iter().map(|role| role.name()).collect();
        self.note(
            caller,
            Action::Admin,
            Outcome::Done,
            [
                ("did", "invite_staff".to_owned()),
                ("roles", names.join(",")),
            ],
        )
        .await?;
        self.new_invitation(roles, &caller.id)
    }

    /// What the enrolment page shows for an invitation.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Unauthenticated`] when the secret is unknown, used or too old.
    pub fn enrol_begin(&self, secret: &str) -> Result<Enrolment> {
        let mut invitation = self.invitation(secret)?;
        let totp = match &invitation.totp {
            Some(sealed) => self.unseal("totp", sealed)?,
            None => {
                let mut fresh = Zeroizing::new(vec![0u8; 20]);
                ids::fill(&mut fresh)?;
                invitation.totp = Some(self.seal("totp", &fresh)?);
                shelf::put_now(
                    self.store(),
                    Space::Invites,
                    &invitation_key(secret),
                    &invitation,
                )?;
                fresh
            }
        };
        let text = data_encoding::BASE32_NOPAD.encode(&totp);
        Ok(Enrolment {
            roles: invitation.roles,
            otpauth_uri: format!("otpauth://totp/Liuhen?secret={text}&issuer=Liuhen"),
            totp_secret: text,
        })
    }

    fn invitation(&self, secret: &str) -> Result<Invitation> {
        shelf::get::<Invitation>(self.store(), Space::Invites, &invitation_key(secret))?
            .filter(|invitation| invitation.expires > self.now())
            .ok_or(ServiceError::Unauthenticated(
                "this invitation is unknown, used or too old",
            ))
    }

    /// Enrols: the invitation is used up and the new member of staff is signed in.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Invalid`] for a weak password, a taken login or a wrong code.
    pub async fn enrol_finish(
        &self,
        secret: &str,
        login: &str,
        display: &str,
        password: &str,
        code: &str,
    ) -> Result<Session> {
        let invitation = self.invitation(secret)?;
        let login = clean_login(login)?;
        let display = clean_display(display)?;
        strong_enough(password, &login)?;
        let sealed = invitation
            .totp
            .clone()
            .ok_or(ServiceError::Unauthenticated(
                "open the enrolment page first",
            ))?;
        let step = self.totp_step(&sealed, code)?.ok_or_else(|| {
            ServiceError::Invalid(
                "the six-digit code does not fit; is the clock of your phone right?".to_owned(),
            )
        })?;
        let staff = StoredStaff {
            view: StaffView {
                id: ids::random("m", 10)?,
                login: login.clone(),
                display,
                roles: invitation.roles,
                active: true,
                created: self.now(),
            },
            password: hash_password(password.to_owned()).await?,
            totp: sealed,
            last_step: step,
            sessions_from: None,
        };
        self.note_as(
            &format!("staff:{}", staff.view.id),
            &staff.view.display,
            Action::Admin,
            Outcome::Done,
            [
                ("did", "enrol".to_owned()),
                ("invited_by", invitation.by.clone()),
            ],
        )
        .await?;
        let mut batch = Batch::new();
        batch.expect(Space::Staff, login_key(&login), None);
        batch.put(
            Space::Staff,
            login_key(&login),
            staff.view.id.as_bytes().to_vec(),
        );
        batch.delete(Space::Invites, invitation_key(secret));
        shelf::put(&mut batch, Space::Staff, &staff_key(&staff.view.id), &staff)?;
        self.store().write(&batch).map_err(|error| match error {
            StoreError::Conflict { .. } => ServiceError::Invalid("this login is taken".to_owned()),
            other => other.into(),
        })?;
        self.new_session(staff.view)
    }

    /// Signs in with password and second factor.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Unauthenticated`] without saying which part was wrong; [`ServiceError::Throttled`] after too many failures.
    pub async fn sign_in(&self, login: &str, password: &str, code: &str) -> Result<Session> {
        let login = login.trim().to_lowercase();
        self.attempts().begin(&login, self.now())?;
        let staff = self.staff_by_login(&login)?;
        let proven = self.prove(staff.as_ref(), password, code).await?;
        let Some((staff, step)) = staff.zip(proven) else {
            self.note_as("anonymous", "somebody", Action::SignIn, Outcome::Failed, [])
                .await?;
            return Err(ServiceError::Unauthenticated(
                "login, password or code is wrong",
            ));
        };
        let before = shelf::bytes(&staff)?;
        let staff = StoredStaff {
            last_step: step,
            ..staff
        };
        let key = staff_key(&staff.view.id);
        let mut batch = Batch::new();
        // Two sign-ins with one code at the same moment: one of them loses here.
        batch.expect(Space::Staff, key.clone(), Some(before));
        shelf::put(&mut batch, Space::Staff, &key, &staff)?;
        self.store()
            .write(&batch)
            .map_err(|_| ServiceError::Unauthenticated("login, password or code is wrong"))?;
        let who = format!("staff:{}", staff.view.id);
        self.note_as(&who, &staff.view.display, Action::SignIn, Outcome::Done, [])
            .await?;
        self.attempts().succeed(&login);
        self.new_session(staff.view)
    }

    /// The TOTP step proven, if password and code are right. Takes as long for an unknown login.
    async fn prove(
        &self,
        staff: Option<&StoredStaff>,
        password: &str,
        code: &str,
    ) -> Result<Option<u64>> {
        let stored = match staff {
            Some(staff) => staff.password.clone(),
            None => self.dummy_password()?,
        };
        let right = password_fits(stored, password.to_owned()).await?;
        let Some(staff) = staff.filter(|staff| right && staff.view.active) else {
            return Ok(None);
        };
        Ok(self
            .totp_step(&staff.totp, code)?
            .filter(|step| *step > staff.last_step))
    }

    fn totp_step(&self, sealed: &[u8], code: &str) -> Result<Option<u64>> {
        let secret = self.unseal("totp", sealed)?;
        let totp = totp_rs::Builder::new()
            .with_secret(secret.to_vec())
            .build()
            .map_err(|_| ServiceError::Damaged("second factor"))?;
        let seconds = u64::try_from(self.now() / 1000).unwrap_or(0);
        let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        let plausible = code.len() == 6 && code.bytes().all(|b| b.is_ascii_digit());
        Ok(if plausible {
            totp.check(&code, seconds)
        } else {
            None
        })
    }

    fn staff_by_login(&self, login: &str) -> Result<Option<StoredStaff>> {
        match self.store().get(Space::Staff, &login_key(login))? {
            None => Ok(None),
            Some(id) => shelf::get(self.store(), Space::Staff, &[PERSON, &id].concat()),
        }
    }

    fn new_session(&self, staff: StaffView) -> Result<Session> {
        let secret = ids::random("ss", 20)?;
        let csrf = ids::random("cf", 20)?;
        let now = self.now();
        let stored = StoredSession {
            staff: staff.id.clone(),
            csrf: csrf.clone(),
            begun: now,
            seen: now,
        };
        let key = ids::secret_hash(&secret).to_vec();
        shelf::put_now(self.store(), Space::Sessions, &key, &stored)?;
        Ok(Session {
            secret,
            csrf,
            staff,
            expires: now + IDLE_MS,
            key,
        })
    }

    /// The session a cookie stands for; each use prolongs it up to twelve hours.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Unauthenticated`] when it is unknown, ended or the member of staff was deactivated.
    pub fn session(&self, secret: &str) -> Result<Session> {
        const GONE: ServiceError =
            ServiceError::Unauthenticated("the session has ended; sign in again");
        let key = ids::secret_hash(secret).to_vec();
        let mut stored: StoredSession =
            shelf::get(self.store(), Space::Sessions, &key)?.ok_or(GONE)?;
        let now = self.now();
        if now - stored.seen > IDLE_MS || now - stored.begun > ABSOLUTE_MS {
            let mut batch = Batch::new();
            batch.delete(Space::Sessions, key);
            self.store().write(&batch)?;
            return Err(GONE);
        }
        let staff: StoredStaff = shelf::get(self.store(), Space::Staff, &staff_key(&stored.staff))?
            .filter(|staff: &StoredStaff| {
                staff.view.active && staff.sessions_from.is_none_or(|from| stored.begun >= from)
            })
            .ok_or(GONE)?;
        // Writing the time of every click would cost a disk flush each; a minute is fine enough.
        if now - stored.seen > 60_000 {
            stored.seen = now;
            shelf::put_now(self.store(), Space::Sessions, &key, &stored)?;
        }
        Ok(Session {
            secret: String::new(),
            csrf: stored.csrf,
            staff: staff.view,
            expires: (now + IDLE_MS).min(stored.begun + ABSOLUTE_MS),
            key,
        })
    }

    /// Ends a session; its cookie is worth nothing afterwards, and pictures under review are dropped.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub fn sign_out(&self, session: &Session) -> Result<()> {
        let mut batch = Batch::new();
        batch.delete(Space::Sessions, session.key.clone());
        self.discard_reviews(&session.caller());
        Ok(self.store().write(&batch)?)
    }

    /// All staff.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Forbidden`] for a caller who is not an administrator.
    pub fn staff(&self, caller: &Caller) -> Result<Vec<StaffView>> {
        caller.need(Role::Admin, "see the staff")?;
        let stored: Vec<(Vec<u8>, StoredStaff)> = shelf::all(self.store(), Space::Staff, PERSON)?;
        let mut staff: Vec<StaffView> = stored.into_iter().map(|(_, staff)| staff.view).collect();
        staff.sort_by_key(|view| view.created);
        Ok(staff)
    }

    /// Changes roles, or lets somebody in or out.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Conflict`] when it would leave no administrator.
    pub async fn set_staff(
        &self,
        caller: &Caller,
        id: &str,
        roles: &[Role],
        active: bool,
    ) -> Result<()> {
        let others = self
            .staff(caller)?
            .into_iter()
            .filter(|staff| staff.id != id);
        let stays = active && roles.contains(&Role::Admin);
        if !stays
            && !others
                .into_iter()
                .any(|staff| staff.active && staff.roles.contains(&Role::Admin))
        {
            return Err(ServiceError::Conflict(
                "the last administrator cannot be removed".to_owned(),
            ));
        }
        let mut staff: StoredStaff = shelf::get(self.store(), Space::Staff, &staff_key(id))?
            .ok_or(ServiceError::NotFound("member of staff"))?;
        let names: Vec<&str> = roles.iter().map(|role| role.name()).collect();
        let details = [
            ("did", "set_staff".to_owned()),
            ("staff", id.to_owned()),
            ("roles", names.join(",")),
            ("active", active.to_string()),
        ];
        self.note(caller, Action::Admin, Outcome::Done, details)
            .await?;
        staff.view.roles = roles
            .iter()
            .copied()
            .collect::<BTreeSet<Role>>()
            .into_iter()
            .collect();
        if !active {
            // Whoever is let in again signs in again.
            staff.sessions_from = Some(self.now() + 1);
            self.reviews.drop_of(&format!("staff:{id}"));
        }
        staff.view.active = active;
        shelf::put_now(self.store(), Space::Staff, &staff_key(id), &staff)
    }
}

/// Whether two secrets are the same, in constant time.
pub fn same_secret(a: &str, b: &str) -> bool {
    a.as_bytes().ct_eq(b.as_bytes()).into()
}

/// Hashes a password where its deliberate slowness keeps no other request waiting.
pub(crate) async fn hash_password(password: String) -> Result<String> {
    off_the_runtime(move || hash_password_here(&password)).await
}

/// The same, on a thread that may take its time.
pub(crate) fn hash_password_here(password: &str) -> Result<String> {
    Argon2::default()
        .hash_password(password.as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|_| ServiceError::Setup("the password could not be hashed".to_owned()))
}

/// Whether a password (or code) fits its stored hash.
pub(crate) async fn password_fits(stored: String, given: String) -> Result<bool> {
    off_the_runtime(move || {
        let parsed = PasswordHash::new(&stored).map_err(|_| ServiceError::Damaged("password"))?;
        Ok(Argon2::default()
            .verify_password(given.as_bytes(), &parsed)
            .is_ok())
    })
    .await
}

fn invitation_key(secret: &str) -> Vec<u8> {
    [INVITATION, &ids::secret_hash(secret)].concat()
}

fn staff_key(id: &str) -> Vec<u8> {
    [PERSON, id.as_bytes()].concat()
}

fn login_key(login: &str) -> Vec<u8> {
    [LOGIN, login.as_bytes()].concat()
}

fn clean_login(login: &str) -> Result<String> {
    let login = login.trim().to_lowercase();
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '@');
    if (2..=64).contains(&login.len()) && login.chars().all(allowed) {
        return Ok(login);
    }
    Err(ServiceError::Invalid(
        "a login has 2 to 64 letters, digits or . - _ @".to_owned(),
    ))
}

fn clean_display(display: &str) -> Result<String> {
    let display = display.trim();
    if (1..=64).contains(&display.chars().count()) && !display.chars().any(char::is_control) {
        return Ok(display.to_owned());
    }
    Err(ServiceError::Invalid(
        "the name shown in traces has 1 to 64 characters".to_owned(),
    ))
}

fn strong_enough(password: &str, login: &str) -> Result<()> {
    let weak = |why: &str| {
        Err(ServiceError::Invalid(format!(
            "the password is too weak: {why}"
        )))
    };
    if password.chars().count() < PASSWORD_CHARS {
        return weak(&format!("at least {PASSWORD_CHARS} characters"));
    }
    if password.chars().count() > 1024 {
        return Err(ServiceError::Invalid(
            "the password is longer than 1,024 characters".to_owned(),
        ));
    }
    let distinct: BTreeSet<char> = password.chars().collect();
    if distinct.len() < 6 {
        return weak("too few different characters");
    }
    if password.to_lowercase().contains(login) {
        return weak("it contains the login");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_wait_longer_and_longer() {
        let attempts = Attempts::default();
        for _ in 0..FREE_ATTEMPTS {
            attempts.begin("a", 0).unwrap();
        }
        assert!(matches!(
            attempts.begin("a", 0),
            Err(ServiceError::Throttled { seconds: 2 })
        ));
        attempts.begin("a", 2_000).unwrap();
        assert!(matches!(
            attempts.begin("a", 3_000),
            Err(ServiceError::Throttled { seconds: 3 })
        ));
        attempts.begin("b", 0).unwrap();
        attempts.succeed("a");
        attempts.begin("a", 3_000).unwrap();
    }

    #[test]
    fn refuses_weak_passwords() {
        let rows = [
            ("short", "Ab1!Ab1!Ab1", false),
            ("few characters", "aaaaaaaaaaaabbbb", false),
            ("holds the login", "mynameiswangwei", false),
            ("a sentence", "correct horse battery", true),
            ("Chinese", "春眠不觉晓处处闻啼鸟夜来", true),
        ];
        for (name, password, fine) in rows {
            assert_eq!(strong_enough(password, "wangwei").is_ok(), fine, "{name}");
        }
    }

    #[test]
    fn logins() {
        for (login, fine) in [
            ("a", false),
            ("Wang.Wei", true),
            ("a b", false),
            ("../x", false),
            ("王", false),
        ] {
            assert_eq!(clean_login(login).is_ok(), fine, "{login}");
        }
    }
}
