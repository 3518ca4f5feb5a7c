//! One row judged: whom it is about, what it tells of him, or why it does not count.
//!
//! A row is about one person, whose best identifier is its key: documents before telephones
//! before accounts (`[identifiers]` of the rule pack), the first column of a kind before later ones.
//! Rows without a direct identifier are kept when two indirect ones stand together.

use liuhen_kinds::{Kind, region};

use crate::age::{Age, Day};
use crate::batch::Cells;
use crate::hash::HashKey;
use crate::ports::{Judge, TableHead, Verdict};
use crate::reason::Reason;
use crate::rules::{Rules, bit};

/// What the columns of a table are for.
#[derive(Debug)]
pub(crate) struct Columns {
    columns: Vec<Column>,
    /// The sorts of data the table is.
    pub(crate) domains: u64,
    /// The kinds of the columns.
    pub(crate) kinds: Vec<Option<Kind>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Column {
    role: Option<Role>,
    when: bool,
    deceased: bool,
    school: bool,
    class: bool,
}

/// A kind, and what it is good for.
#[derive(Debug, Clone, Copy)]
struct Role {
    kind: Kind,
    bit: u64,
    rank: Option<usize>,
    quasi: Option<usize>,
}

impl Role {
    fn of(kind: Kind, rules: &Rules) -> Self {
        let place = |list: &[Kind]| list.iter().position(|one| *one == kind);
        Self {
            kind,
            bit: bit(kind) & rules.items,
            rank: place(&rules.ranks),
            quasi: place(&rules.quasi),
        }
    }
}

impl Columns {
    pub(crate) fn of(head: &TableHead, rules: &Rules) -> Self {
        let width = head.kinds.len().max(head.header.len());
        let column = |at: usize| {
            let kind = head.kinds.get(at).copied().flatten();
            let word = head.header.0.get(at).map_or("", String::as_str);
            let birth = kind == Some(Kind::DATE_OF_BIRTH);
            Column {
                // Kinds of a user's own have no bit and no tier.
                role: kind
                    .filter(|kind| bit(*kind) != 0)
                    .map(|kind| Role::of(kind, rules)),
                when: !birth && rules.says_when(word),
                deceased: rules.says_deceased(word),
                school: rules.says_school(word),
                class: rules.says_class(word),
            }
        };
        Self {
            columns: (0..width).map(column).collect(),
            domains: rules.domains_of(&head.header.0),
            kinds: head.kinds.clone(),
        }
    }
}

/// A row that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Valid {
    /// The whole row.
    pub(crate) row: u128,
    /// Whom it is about.
    pub(crate) person: u128,
    /// The kinds it holds.
    pub(crate) mask: u64,
    /// Hash of the name, 0 without one.
    pub(crate) name: u32,
    /// Hash of the telephone, 0 without one.
    pub(crate) phone: u32,
    pub(crate) age: Age,
    /// First four digits of the region's code, 0 when unknown.
    pub(crate) region: u16,
    /// The person at this time, when the row is of an event.
    pub(crate) event: Option<u128>,
    /// Name with telephone, name with address: each with what is to be compared.
    pub(crate) contacts: [Option<(u128, u64)>; 2],
    /// School, and class in it.
    pub(crate) cohort: Option<(u128, u128)>,
    pub(crate) deceased: bool,
    /// Fields that are untrue, though the row counts.
    pub(crate) untrue: Option<Reason>,
}

/// Digests of ID digits take the low bits; the two above say what the person's key is.
pub(crate) const NO_ID: u64 = 0;
pub(crate) const TRUE_ID: u64 = 1 << 54;
pub(crate) const UNTRUE_ID: u64 = 2 << 54;
pub(crate) const BY_ADDRESS: u64 = 3 << 54;

/// Domains of hashes, so that equal texts of different use differ.
const TAG_ROW: u8 = 0x80;
const TAG_QUASI: u8 = 0x81;
const TAG_EVENT: u8 = 0x82;
const TAG_CONTACT: u8 = 0x83;
const TAG_SCHOOL: u8 = 0x84;
const TAG_ADDRESS: u8 = 0x85;
const TAG_DIGIT: u8 = 0x86;

/// Judges row after row; keeps its room between them.
pub(crate) struct RowJudge<'a> {
    rules: &'a Rules,
    judge: &'a dyn Judge,
    key: HashKey,
    today: Day,
    landline: Role,
    value: String,
    row: String,
    buffer: Vec<u8>,
    seen: Seen,
}

/// What has been seen in the row under way.
#[derive(Default)]
struct Seen {
    mask: u64,
    best: Option<(usize, u128)>,
    untrue: Option<(usize, Reason)>,
    untrue_digest: u64,
    true_digest: u64,
    name: u128,
    phone: u128,
    address: u128,
    quasi: [u128; 8],
    school: u128,
    class: u128,
    when: u128,
    age: Age,
    region: u16,
    organisation: bool,
    fixed_line: bool,
    test: bool,
    deceased: bool,
}

impl<'a> RowJudge<'a> {
    pub(crate) fn new(rules: &'a Rules, judge: &'a dyn Judge, key: HashKey, today: Day) -> Self {
        Self {
            rules,
            judge,
            key,
            today,
            landline: Role::of(Kind::LANDLINE, rules),
            value: String::new(),
            row: String::new(),
            buffer: Vec::new(),
            seen: Seen::default(),
        }
    }

    fn hash(&mut self, tag: u8) -> u128 {
        self.buffer.clear();
        self.buffer.push(tag);
        self.buffer.extend_from_slice(self.value.as_bytes());
        self.key.hash(&self.buffer)
    }

    fn hash_of(&mut self, tag: u8, parts: &[u128]) -> u128 {
        self.buffer.clear();
        self.buffer.push(tag);
        for part in parts {
            self.buffer.extend_from_slice(&part.to_le_bytes());
        }
        self.key.hash(&self.buffer)
    }

    /// What a row comes to.
    pub(crate) fn row(&mut self, columns: &Columns, cells: Cells<'_>) -> Result<Valid, Reason> {
        self.seen = Seen::default();
        self.row.clear();
        let plain = Column::default();
        for (at, cell) in cells.iter().enumerate() {
            self.judge.fold(cell, &mut self.row);
            self.row.push('\u{1f}');
            if cell.is_empty() {
                continue;
            }
            self.cell(columns.columns.get(at).unwrap_or(&plain), cell);
        }
        self.decide()
    }

    fn cell(&mut self, column: &Column, cell: &str) {
        if let Some(role) = &column.role {
            self.typed(role, cell);
        }
        if column.when {
            self.value.clear();
            self.value.extend(cell.chars().filter(char::is_ascii_digit));
            self.seen.when = self.hash(TAG_EVENT);
        }
        if column.deceased && self.rules.affirms(cell) {
            self.seen.deceased = true;
        }
        if column.school || column.class {
            self.value.clear();
            self.judge.fold(cell, &mut self.value);
            let hash = self.hash(TAG_SCHOOL);
            if column.school {
                self.seen.school = hash;
            } else {
                self.seen.class = hash;
            }
        }
    }

    fn typed(&mut self, role: &Role, cell: &str) {
        self.value.clear();
        match self.judge.judge(role.kind, cell, &mut self.value) {
            Verdict::Holds => self.holds(role),
            Verdict::BadCheck => self.untrue(role, Reason::BadCheck, cell),
            Verdict::ImpossibleDate => self.untrue(role, Reason::ImpossibleDate, cell),
            Verdict::Organisation => self.seen.organisation = true,
            Verdict::Other if role.kind == Kind::MOBILE => self.other_telephone(cell),
            Verdict::Other if role.kind == Kind::PERSON_NAME => self.other_name(role, cell),
            Verdict::Blank | Verdict::Other => {}
        }
    }

    /// What is no name may still say that the row is a test.
    fn other_name(&mut self, role: &Role, cell: &str) {
        self.value.clear();
        self.judge.fold(cell, &mut self.value);
        self.seen.test |= self.rules.is_test(role.kind, &self.value);
    }

    /// Fixed telephones and hotlines stand in columns of telephones.
    fn other_telephone(&mut self, cell: &str) {
        self.value.clear();
        let role = self.landline;
        match self.judge.judge(role.kind, cell, &mut self.value) {
            Verdict::Holds => self.holds(&role),
            Verdict::Organisation => self.seen.organisation = true,
            _ => {}
        }
    }

    fn holds(&mut self, role: &Role) {
        let kind = role.kind;
        if self.rules.is_test(kind, &self.value) {
            self.seen.test |= kind == Kind::PERSON_NAME;
            return self.untrue(role, Reason::TestPattern, "");
        }
        if matches!(kind, Kind::USCC | Kind::ORG_CODE | Kind::ORGANISATION) {
            // A person may name his employer.
            self.seen.organisation |= kind != Kind::ORGANISATION;
            return;
        }
        self.seen.mask |= role.bit;
        if let Some(rank) = role.rank {
            let better = self.seen.best.is_none_or(|(best, _)| rank < best);
            let telephone = kind == Kind::MOBILE && self.seen.phone == 0;
            if better || telephone {
                let hash = self.hash(u8::try_from(rank).unwrap_or(TAG_QUASI));
                if better {
                    self.seen.best = Some((rank, hash));
                }
                if telephone {
                    self.seen.phone = hash;
                }
            }
        } else if let Some(quasi) = role.quasi {
            self.quasi(kind, quasi);
        }
        self.details(kind);
    }

    fn quasi(&mut self, kind: Kind, quasi: usize) {
        let hash = self.hash(TAG_QUASI);
        match self.seen.quasi.get_mut(quasi) {
            Some(slot) if *slot == 0 => *slot = hash,
            _ => return,
        }
        match kind {
            Kind::PERSON_NAME => self.seen.name = hash,
            Kind::ADDRESS => self.seen.address = hash,
            Kind::LANDLINE => self.seen.fixed_line = true,
            _ => {}
        }
    }

    /// Age and region, as a value tells them.
    fn details(&mut self, kind: Kind) {
        match kind {
            Kind::RESIDENT_ID | Kind::HK_MO_TW_RESIDENCE | Kind::FOREIGNER_ID
                if self.value.len() == 18 =>
            {
                if kind == Kind::RESIDENT_ID {
                    self.seen.region = self
                        .value
                        .get(..4)
                        .and_then(|code| code.parse().ok())
                        .unwrap_or(0);
                    self.seen.true_digest = self.digest();
                }
                if let Some(birth) = self.value.get(6..14).and_then(Day::compact) {
                    self.seen.age = self.age(birth);
                }
            }
            Kind::DATE_OF_BIRTH if self.seen.age == Age::Unknown => {
                if let Some(birth) = Day::parse(&self.value) {
                    self.seen.age = self.age(birth);
                }
            }
            Kind::ADDRESS if self.seen.region == 0 => {
                self.seen.region = crate::region::of_address(&self.value);
            }
            _ => {}
        }
    }

    fn age(&self, birth: Day) -> Age {
        Age::of(
            birth,
            self.today,
            self.rules.child_under,
            self.rules.minor_under,
        )
    }

    fn untrue(&mut self, role: &Role, reason: Reason, cell: &str) {
        let Some(rank) = role.rank else { return };
        if self.seen.untrue.is_none_or(|(best, _)| rank < best) {
            self.seen.untrue = Some((rank, reason));
            if role.kind == Kind::RESIDENT_ID && reason == Reason::BadCheck {
                self.value.clear();
                self.judge.fold(cell, &mut self.value);
                self.value.retain(|c| c.is_ascii_alphanumeric());
                self.value.make_ascii_uppercase();
                self.seen.untrue_digest = self.digest();
            }
        }
    }

    /// Three keyed bits for each of 18 places: how many places differ, and nothing of what stands there.
    fn digest(&mut self) -> u64 {
        let mut digest = 0;
        for (at, byte) in (0_u8..18).zip(self.value.bytes()) {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "three bits of it are wanted"
            )]
            let bits = self.key.hash(&[TAG_DIGIT, at, byte]) as u64 & 7;
            digest |= bits << (3 * at);
        }
        digest
    }

    fn decide(&mut self) -> Result<Valid, Reason> {
        let seen = &self.seen;
        let rules = self.rules;
        let named = seen.name != 0;
        let document = seen.best.is_some_and(|(rank, _)| rank < rules.documents);
        let bare_line = seen.best.is_none() && seen.fixed_line;
        let quasi = seen.quasi.iter().filter(|hash| **hash != 0).count();
        if seen.test {
            return Err(Reason::TestPattern);
        }
        if !named && !document && (seen.organisation || bare_line && quasi == 1) {
            return Err(Reason::OrgNotPerson);
        }
        let person = match seen.best {
            Some((_, hash)) => hash,
            None if quasi >= 2 => {
                let parts = seen.quasi;
                self.hash_of(TAG_QUASI, &parts)
            }
            None => {
                return Err(seen
                    .untrue
                    .map_or(Reason::NotIdentifiable, |(_, reason)| reason));
            }
        };
        Ok(self.valid(person, document))
    }

    fn valid(&mut self, person: u128, document: bool) -> Valid {
        let when = self.seen.when;
        let event = (self.seen.mask & self.rules.events != 0)
            .then(|| self.hash_of(TAG_EVENT, &[person, when]));
        let contacts = self.contacts(document);
        let (school, class) = (self.seen.school, self.seen.class);
        let cohort =
            (school != 0 || class != 0).then(|| (self.hash_of(TAG_SCHOOL, &[school]), class));
        // Empty cells at the end say nothing.
        let row = self.row.trim_end_matches('\u{1f}');
        self.buffer.clear();
        self.buffer.push(TAG_ROW);
        self.buffer.extend_from_slice(row.as_bytes());
        let seen = &self.seen;
        Valid {
            row: self.key.hash(&self.buffer),
            person,
            mask: seen.mask,
            name: low(seen.name),
            phone: low(seen.phone),
            age: seen.age,
            region: seen.region,
            event,
            contacts,
            cohort,
            deceased: seen.deceased,
            untrue: seen.untrue.map(|(_, reason)| reason),
        }
    }

    /// By what this person may be met again under another key.
    fn contacts(&mut self, document: bool) -> [Option<(u128, u64)>; 2] {
        let (name, phone, address) = (self.seen.name, self.seen.phone, self.seen.address);
        let class = match (document, self.seen.untrue_digest) {
            (true, _) => TRUE_ID | self.seen.true_digest,
            (false, 0) => NO_ID,
            (false, digest) => UNTRUE_ID | digest,
        };
        let by_phone = name != 0 && phone != 0;
        let by_address = name != 0 && address != 0 && !document;
        [
            by_phone.then(|| (self.hash_of(TAG_CONTACT, &[name, phone]), class)),
            by_address.then(|| (self.hash_of(TAG_ADDRESS, &[name, address]), BY_ADDRESS)),
        ]
    }
}

#[expect(clippy::cast_possible_truncation, reason = "some bits of a hash")]
fn low(hash: u128) -> u32 {
    hash as u32
}

/// Whether a region's code is one that reports can name.
pub(crate) fn known_region(code: u16) -> bool {
    code != 0 && region::province(u32::from(code) / 100).is_some()
}
