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
    /// The telephone, and name with address: each with what is to be compared.
    pub(crate) contacts: [Option<(u128, u64)>; 2],
    /// School, and class in it.
    pub(crate) cohort: Option<(u128, u128)>,
    pub(crate) deceased: bool,
    /// Fields that are untrue, though the row counts.
    pub(crate) untrue: Option<Reason>,
}

/// The hidden digits of an ID take the low bits; the two above say what the person's key is.
pub(crate) const NO_ID: u64 = 0;
pub(crate) const TRUE_ID: u64 = 1 << 60;
pub(crate) const UNTRUE_ID: u64 = 2 << 60;
/// By name and address: the low bits are of the telephone.
pub(crate) const BY_ADDRESS: u64 = 3 << 60;
/// By name and address, of somebody whose key is a document's.
pub(crate) const DOCUMENTED: u64 = 1 << 32;

/// Domains of hashes, so that equal texts of different use differ.
const TAG_ROW: u8 = 0x80;
const TAG_QUASI: u8 = 0x81;
const TAG_EVENT: u8 = 0x82;
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
    /// Values of indirect identifiers, of which a row with a better one needs few.
    held: String,
    /// Digits of the time.
    when: String,
    row: String,
    /// Where the cells of the folded row end in its text.
    ends: Vec<u32>,
    digits: Box<[[u8; 256]; ID_DIGITS]>,
    seen: Seen,
}

/// Characters of a resident ID.
const ID_DIGITS: usize = 18;

/// What each digit of an ID becomes, at each of its places: a permutation of ten, of eleven at the
/// last with its `X`, drawn by the key, so that equal digits stay equal and no others become so.
fn digits(key: HashKey) -> Box<[[u8; 256]; ID_DIGITS]> {
    let mut digits = Box::new([[0; 256]; ID_DIGITS]);
    for (at, place) in (0_u8..).zip(digits.iter_mut()) {
        let written = match usize::from(at) + 1 == ID_DIGITS {
            true => b"0123456789X".as_slice(),
            false => b"0123456789".as_slice(),
        };
        let mut order: Vec<u8> = (0..).take(written.len()).collect();
        let mut lot = key.tagged(TAG_DIGIT, &[at]);
        for left in (1..order.len()).rev() {
            let count = left as u128 + 1;
            order.swap(left, usize::try_from(lot % count).unwrap_or(0));
            lot /= count;
        }
        for (byte, hidden) in written.iter().zip(order) {
            place[usize::from(*byte)] = hidden;
        }
    }
    digits
}

/// In how many places two IDs differ, by their hidden digits.
pub(crate) fn places_apart(a: u64, b: u64) -> u32 {
    let hidden = |meta: u64| meta & (TRUE_ID - 1);
    let (mut a, mut b) = (hidden(a), hidden(b));
    let mut apart = u32::from(a % LAST_DIGITS != b % LAST_DIGITS);
    (a, b) = (a / LAST_DIGITS, b / LAST_DIGITS);
    while a != b {
        apart += u32::from(a % 10 != b % 10);
        (a, b) = (a / 10, b / 10);
    }
    apart
}

/// What may stand at the last place of an ID.
const LAST_DIGITS: u64 = 11;

/// Where a value is held until it is known whether it must be hashed.
type Held = (usize, usize);

/// What has been seen in the row under way.
#[derive(Default)]
struct Seen {
    mask: u64,
    best: Option<(usize, u128)>,
    untrue: Option<(usize, Reason)>,
    untrue_digest: u64,
    true_digest: u64,
    phone: u128,
    name: Option<Held>,
    address: Option<Held>,
    quasi: [Option<Held>; 8],
    school: u128,
    class: u128,
    when: bool,
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
            held: String::new(),
            when: String::new(),
            row: String::new(),
            ends: Vec::new(),
            digits: digits(key),
            seen: Seen::default(),
        }
    }

    fn hash(&self, tag: u8) -> u128 {
        self.key.tagged(tag, self.value.as_bytes())
    }

    /// What a row comes to.
    pub(crate) fn row(&mut self, columns: &Columns, cells: Cells<'_>) -> Result<Valid, Reason> {
        self.seen = Seen::default();
        self.held.clear();
        for (column, cell) in columns.columns.iter().zip(cells.iter()) {
            if !cell.is_empty() {
                self.cell(column, cell);
            }
        }
        for (kind, value) in cells.found().filter(|(kind, _)| bit(*kind) != 0) {
            self.typed(&Role::of(kind, self.rules), value);
        }
        let person = self.person()?;
        let row = self.whole(cells);
        Ok(self.valid(row, person))
    }

    /// The hash of the row's own folded cells; empty ones at the end say nothing.
    fn whole(&mut self, cells: Cells<'_>) -> u128 {
        self.ends.clear();
        let spaced = |cell: &str| cell.trim().len() < cell.len();
        let text = if self.judge.is_plain(cells.text()) && !cells.iter().any(spaced) {
            let mut end = 0;
            self.ends.extend(cells.iter().map(|cell| {
                end += cell.len();
                offset(end)
            }));
            cells.text()
        } else {
            self.row.clear();
            for cell in cells.iter() {
                self.judge.fold(cell, &mut self.row);
                self.ends.push(offset(self.row.len()));
            }
            &self.row
        };
        let last = offset(text.len());
        let filled = self.ends.partition_point(|end| *end < last) + usize::from(last > 0);
        let ends = self.ends.get(..filled).unwrap_or_default();
        self.key.cells(TAG_ROW, ends, text)
    }

    fn cell(&mut self, column: &Column, cell: &str) {
        if let Some(role) = &column.role {
            self.typed(role, cell);
        }
        if column.when {
            self.when.clear();
            self.when.extend(cell.chars().filter(char::is_ascii_digit));
            self.seen.when = true;
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
        // Whose row it is: of another's document nothing is told of him.
        let mut his = true;
        if let Some(rank) = role.rank {
            let better = self.seen.best.is_none_or(|(best, _)| rank < best);
            his = better;
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
        if his {
            self.details(kind);
        }
    }

    fn quasi(&mut self, kind: Kind, quasi: usize) {
        let Some(slot) = self.seen.quasi.get_mut(quasi).filter(|slot| slot.is_none()) else {
            return;
        };
        let start = self.held.len();
        self.held.push_str(&self.value);
        *slot = Some((start, self.held.len()));
        match kind {
            Kind::PERSON_NAME => self.seen.name = *slot,
            Kind::ADDRESS => self.seen.address = *slot,
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

    /// The 18 digits of an ID, hidden under the key: as a number below 11 × 10¹⁷, which 60 bits hold.
    fn digest(&self) -> u64 {
        let mut digest = 0;
        for (at, (byte, hidden)) in self.value.bytes().zip(self.digits.iter()).enumerate() {
            let digits = if at + 1 == ID_DIGITS { LAST_DIGITS } else { 10 };
            digest = digest * digits + u64::from(hidden[usize::from(byte)]);
        }
        digest
    }

    /// The hash of a value held; 0 where there is none.
    fn held(&self, value: Option<Held>) -> u128 {
        let text = value.and_then(|(start, end)| self.held.get(start..end));
        text.map_or(0, |text| self.key.tagged(TAG_QUASI, text.as_bytes()))
    }

    fn has_document(&self) -> bool {
        let best = self.seen.best;
        best.is_some_and(|(rank, _)| rank < self.rules.documents)
    }

    /// Whose row it is, or why it does not count.
    fn person(&self) -> Result<u128, Reason> {
        let seen = &self.seen;
        let bare_line = seen.best.is_none() && seen.fixed_line;
        let quasi = seen.quasi.iter().flatten().count();
        if seen.test {
            return Err(Reason::TestPattern);
        }
        if seen.name.is_none()
            && !self.has_document()
            && (seen.organisation || bare_line && quasi == 1)
        {
            return Err(Reason::OrgNotPerson);
        }
        match seen.best {
            Some((_, hash)) => Ok(hash),
            None if quasi >= 2 => {
                let parts = seen.quasi.map(|value| self.held(value));
                Ok(self.key.joined(TAG_QUASI, &parts))
            }
            None => Err(seen
                .untrue
                .map_or(Reason::NotIdentifiable, |(_, reason)| reason)),
        }
    }

    fn valid(&self, row: u128, person: u128) -> Valid {
        let seen = &self.seen;
        let name = self.held(seen.name);
        let event = (seen.mask & self.rules.events != 0).then(|| {
            let when = match seen.when {
                true => self.key.tagged(TAG_EVENT, self.when.as_bytes()),
                false => 0,
            };
            self.key.joined(TAG_EVENT, &[person, when])
        });
        let cohort = (seen.school != 0 || seen.class != 0)
            .then(|| (self.key.joined(TAG_SCHOOL, &[seen.school]), seen.class));
        Valid {
            row,
            person,
            mask: seen.mask,
            name: low(name),
            phone: low(seen.phone),
            age: seen.age,
            region: seen.region,
            event,
            contacts: self.contacts(name),
            cohort,
            deceased: seen.deceased,
            untrue: seen.untrue.map(|(_, reason)| reason),
        }
    }

    /// By what this person may be met again under another key.
    fn contacts(&self, name: u128) -> [Option<(u128, u64)>; 2] {
        let (phone, address) = (self.seen.phone, self.seen.address);
        let document = self.has_document();
        let class = match (document, self.seen.untrue_digest) {
            (true, _) => TRUE_ID | self.seen.true_digest,
            (false, 0) => NO_ID,
            (false, digest) => UNTRUE_ID | digest,
        };
        let by_address = name != 0 && address.is_some();
        [
            (phone != 0).then_some((phone, class)),
            by_address.then(|| {
                let address = self.held(address);
                let documented = if document { DOCUMENTED } else { 0 };
                let class = BY_ADDRESS | documented | u64::from(low(phone));
                (self.key.joined(TAG_ADDRESS, &[name, address]), class)
            }),
        ]
    }
}

fn offset(end: usize) -> u32 {
    u32::try_from(end).unwrap_or(u32::MAX)
}

#[expect(clippy::cast_possible_truncation, reason = "some bits of a hash")]
fn low(hash: u128) -> u32 {
    hash as u32
}

/// Whether a region's code is one that reports can name.
pub(crate) fn known_region(code: u16) -> bool {
    code != 0 && region::province(u32::from(code) / 100).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Batch;

    /// Folding is trimming; says so, or has every cell folded.
    struct Trims(bool);

    impl Judge for Trims {
        fn judge(&self, _kind: Kind, _cell: &str, _out: &mut String) -> Verdict {
            Verdict::Other
        }

        fn fold(&self, cell: &str, out: &mut String) {
            out.push_str(cell.trim());
        }

        fn is_plain(&self, _text: &str) -> bool {
            self.0
        }
    }

    fn hash(cells: &[&str], plain: bool) -> u128 {
        let day = Day::parse("2026-11-22").unwrap();
        let judge = Trims(plain);
        let mut judge = RowJudge::new(Rules::builtin(), &judge, HashKey([7; 16]), day);
        let mut batch = Batch::default();
        batch.cell("of the row before");
        batch.row(1);
        cells.iter().for_each(|cell| batch.cell(cell));
        batch.row(2);
        judge.whole(batch.rows().nth(1).unwrap().1)
    }

    #[test]
    fn a_row_is_the_same_however_its_text_was_folded() {
        let same: [&[&str]; 5] = [
            &["甲", "", "b c"],
            &["甲", "", "b c", "", ""],
            &[" 甲", "\u{1680}", "b c "],
            &["甲", " ", "b c", " "],
            &["甲\u{2003}", "", "b c"],
        ];
        for cells in same {
            for plain in [false, true] {
                assert_eq!(
                    hash(cells, plain),
                    hash(same[0], false),
                    "{cells:?} {plain}"
                );
            }
        }
        let others: [&[&str]; 6] = [
            &["甲", "b c"],
            &["", "甲", "b c"],
            &["甲b", "", " c"],
            &["甲", "", "b", "c"],
            &["甲", "", "bc"],
            &[],
        ];
        for cells in others {
            assert_eq!(hash(cells, true), hash(cells, false), "{cells:?}");
            assert_ne!(hash(cells, true), hash(same[0], true), "{cells:?}");
        }
        assert_eq!(hash(&["", " "], true), hash(&[], true));
    }
}
