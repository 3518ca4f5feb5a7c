//! Leaks whose count is known: files as one meets them, and the numbers that must come out.
//!
//! The truth is kept as strings in sets while the rows are made, by no code of the counter: who a
//! row is about, which kinds it tells, why it does not count. Written forms (full width, spaces,
//! `+86`, 15 digits) are chosen by the seed and never change the truth.

use std::collections::{BTreeMap, BTreeSet};

use liuhen_invented::{Generator, Person};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use crate::known::{Known, hashed};
use crate::sheet::{Encoding, Form, Sheet};

/// Numbers that a count of the leak must give.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Truth {
    /// Rows, headers left out.
    pub raw: u64,
    /// Rows that do not count, by the code of the reason.
    pub excluded: BTreeMap<&'static str, u64>,
    /// Rows that count though their ID fails its check.
    pub kept_bad_check: u64,
    /// Rows that count.
    pub valid: u64,
    /// Kinds told by rows that count, each row's added up.
    pub items: u64,
    /// Distinct items by policy.
    pub distinct: BTreeMap<&'static str, u64>,
    /// People of whom the rows that count are, whatever keys they come under, as far as rows that
    /// share an ID, a telephone, or name and address let one know.
    pub people: u64,
    /// Persons under 14, from 14 to 17, of 18 and more, of unknown age, on 2026-11-22.
    pub ages: [u64; 4],
    /// Links by rule.
    pub links: BTreeMap<&'static str, u64>,
    /// Schools and classes in them.
    pub schools: (u64, u64),
    /// Persons in each file.
    pub persons_of_file: BTreeMap<String, u64>,
}

/// Files and their truth.
#[derive(Debug)]
pub struct CountedLeak {
    /// Names, which sort in this order, and bytes.
    pub files: Vec<(String, Vec<u8>)>,
    /// What must come out.
    pub truth: Truth,
}

/// How a file is written.
#[derive(Debug, Clone, Copy)]
enum Written {
    Csv(Encoding),
    Tsv(Encoding),
    Xlsx,
    Jsonl,
}

/// The columns of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// 姓名, 身份证号, 手机号, 地址
    Members,
    /// 姓名, 手机号, 下单时间, 订单号
    Orders,
    /// 学生姓名, 身份证号, 学校, 班级, 家长电话
    Students,
}

impl Shape {
    fn header(self) -> Vec<String> {
        let words: &[&str] = match self {
            Self::Members => &["姓名", "身份证号", "手机号", "地址"],
            Self::Orders => &["姓名", "手机号", "下单时间", "订单号"],
            Self::Students => &["学生姓名", "身份证号", "学校", "班级", "家长电话"],
        };
        words.iter().map(|word| (*word).to_owned()).collect()
    }
}

const FILES: [(Shape, Written, &str); 8] = [
    (
        Shape::Members,
        Written::Csv(Encoding::Utf8),
        "a-members.csv",
    ),
    (Shape::Members, Written::Csv(Encoding::Gbk), "b-members.csv"),
    (
        Shape::Members,
        Written::Tsv(Encoding::Utf16Le),
        "c-members.tsv",
    ),
    (Shape::Members, Written::Xlsx, "d-members.xlsx"),
    (Shape::Members, Written::Jsonl, "e-members.jsonl"),
    (
        Shape::Orders,
        Written::Csv(Encoding::Gb18030),
        "f-orders.csv",
    ),
    (Shape::Orders, Written::Jsonl, "g-orders.jsonl"),
    (
        Shape::Students,
        Written::Csv(Encoding::Utf8Bom),
        "h-students.csv",
    ),
];

/// Sets from which the truth is read off.
#[derive(Default)]
struct Books {
    truth: Truth,
    rows: BTreeSet<Vec<String>>,
    types: BTreeSet<(String, &'static str)>,
    events: BTreeSet<(String, &'static str, String)>,
    ages: BTreeMap<String, usize>,
    /// By name and telephone: the persons, whether with an ID, and whether one ID is nearly right.
    contacts: BTreeMap<(String, String), (BTreeSet<String>, bool)>,
    /// By name and address: the persons, their telephones, whether by an ID.
    addresses: BTreeMap<(String, String), BTreeSet<Living>>,
    people: Known,
    schools: BTreeSet<String>,
    classes: BTreeSet<(String, String)>,
    in_file: BTreeSet<(String, String)>,
}

/// Who lives somewhere: the person, his telephone, whether he is known by an ID.
type Living = (String, String, bool);

/// What a row tells, before it is written.
struct Told {
    person: String,
    kinds: Vec<&'static str>,
    age: usize,
    near_id: bool,
    by_id: bool,
    name: String,
    phone: String,
    address: String,
}

/// A leak of some `rows` rows in eight files, the same for the same seed.
///
/// # Panics
///
/// When the generator has no children, which a test of `invented` holds.
#[must_use]
pub fn counted_leak(seed: u64, rows: usize) -> CountedLeak {
    let maker = Maker {
        random: ChaCha8Rng::seed_from_u64(seed),
        adults: Generator::new(seed),
        children: Generator::born(seed ^ 1, 2009..=2020).expect("children"),
        crowd: (rows as u64 / 2).max(8),
        books: Books::default(),
        said: BTreeMap::new(),
    };
    maker.leak(rows)
}

struct Maker {
    random: ChaCha8Rng,
    adults: Generator,
    children: Generator,
    /// People whom the rows are drawn from: fewer than rows, so that they repeat.
    crowd: u64,
    books: Books,
    /// Rows written so far, by shape, to be copied.
    said: BTreeMap<&'static str, Vec<(Vec<String>, Outcome)>>,
}

/// What became of a row.
#[derive(Clone)]
enum Outcome {
    Out(&'static str),
    In(std::rc::Rc<Told>, Option<String>, Option<(String, String)>),
}

impl Maker {
    fn leak(mut self, rows: usize) -> CountedLeak {
        let mut files = Vec::new();
        for (shape, written, name) in FILES {
            let mut sheet = Vec::new();
            for _ in 0..rows / FILES.len() {
                sheet.push(self.row(shape, name));
            }
            files.push((name.to_owned(), self.bytes(shape, written, sheet)));
        }
        let mut books = self.books;
        let truth = &mut books.truth;
        truth.distinct = BTreeMap::from([
            ("exact_row", books.rows.len() as u64),
            ("person", books.ages.len() as u64),
            ("person_type", books.types.len() as u64),
            ("person_type_event", books.events.len() as u64),
            ("person_type_act", books.types.len() as u64),
        ]);
        for age in books.ages.values() {
            truth.ages[*age] += 1;
        }
        truth.links = BTreeMap::from([
            ("typing_error_in_id", 0),
            ("id_in_one_only", 0),
            ("two_ids", 0),
            ("changed_telephone", 0),
        ]);
        for (persons, near) in books
            .contacts
            .values()
            .filter(|(persons, _)| persons.len() > 1)
        {
            let rule = if *near {
                "typing_error_in_id"
            } else {
                "id_in_one_only"
            };
            *truth.links.entry(rule).or_default() += persons.len() as u64 - 1;
        }
        for persons in books.addresses.values() {
            let known = persons.iter().find(|(_, _, by_id)| *by_id);
            let moved = match known {
                Some((_, known, _)) => persons
                    .iter()
                    .filter(|(_, phone, by_id)| !by_id && phone != known)
                    .count(),
                None => persons.len() - 1,
            };
            *truth.links.entry("changed_telephone").or_default() += moved as u64;
        }
        truth.people = books.people.people();
        truth.schools = (books.schools.len() as u64, books.classes.len() as u64);
        for (file, _) in &books.in_file {
            *truth.persons_of_file.entry(file.clone()).or_default() += 1;
        }
        CountedLeak {
            files,
            truth: books.truth,
        }
    }

    fn somebody(&mut self, shape: Shape) -> (Person, usize) {
        let index = self.random.random_range(0..self.crowd);
        if shape == Shape::Students || index.is_multiple_of(11) {
            let person = self.children.person_at(index);
            let age = age_group(&person);
            return (person, age);
        }
        (self.adults.person_at(index), 2)
    }

    fn row(&mut self, shape: Shape, file: &str) -> Vec<String> {
        let name = shape_name(shape);
        self.books.truth.raw += 1;
        let copied = self.random.random_ratio(1, 6).then(|| {
            let said = self.said.get(name)?;
            let at = self.random.random_range(0..said.len());
            said.get(at).cloned()
        });
        let (cells, outcome) = copied.flatten().unwrap_or_else(|| match shape {
            Shape::Members => self.member(),
            Shape::Orders => self.order(),
            Shape::Students => self.student(),
        });
        self.book(&cells, &outcome, file);
        self.said
            .entry(name)
            .or_default()
            .push((cells.clone(), outcome));
        cells
    }

    fn book(&mut self, cells: &[String], outcome: &Outcome, file: &str) {
        let books = &mut self.books;
        let (told, when, school) = match outcome {
            Outcome::Out(code) => {
                *books.truth.excluded.entry(code).or_default() += 1;
                return;
            }
            Outcome::In(told, when, school) => (told, when, school),
        };
        books.truth.valid += 1;
        books.truth.items += told.kinds.len() as u64;
        books.truth.kept_bad_check += u64::from(told.near_id);
        let mut row: Vec<String> = cells.iter().map(|cell| half_width(cell)).collect();
        while row.last().is_some_and(String::is_empty) {
            row.pop();
        }
        books.rows.insert(row);
        for kind in &told.kinds {
            books.types.insert((told.person.clone(), kind));
            let when = when.clone().filter(|_| *kind == "order");
            books
                .events
                .insert((told.person.clone(), kind, when.unwrap_or_default()));
        }
        let age = books.ages.entry(told.person.clone()).or_insert(told.age);
        if *age == 3 {
            *age = told.age;
        }
        if !told.phone.is_empty() {
            let contact = books
                .contacts
                .entry((told.name.clone(), told.phone.clone()))
                .or_default();
            contact.0.insert(told.person.clone());
            contact.1 |= told.near_id;
        }
        if !told.address.is_empty() {
            let known = (told.person.clone(), told.phone.clone(), told.by_id);
            books
                .addresses
                .entry((told.name.clone(), told.address.clone()))
                .or_default()
                .insert(known);
        }
        let at = || hashed(&["at", &told.name, &told.address]);
        let tel = || hashed(&[&format!("tel:{}", told.phone)]);
        books.people.row(
            [
                Some(hashed(&[&told.person])),
                (!told.phone.is_empty()).then(tel),
                (!told.address.is_empty()).then(at),
            ]
            .into_iter()
            .flatten(),
        );
        if let Some((school, class)) = school {
            books.schools.insert(school.clone());
            books.classes.insert((school.clone(), class.clone()));
        }
        books.in_file.insert((file.to_owned(), told.person.clone()));
    }

    fn member(&mut self) -> (Vec<String>, Outcome) {
        let (person, age) = self.somebody(Shape::Members);
        let kind = self.random.random_range(0..40);
        let row = |name: &str, id: &str, phone: &str, address: &str| {
            [name, id, phone, address].map(str::to_owned).to_vec()
        };
        let tel = |phone: &str| format!("tel:{phone}");
        match kind {
            0 => (
                row(&person.name, &wrong_check(&person.resident_id), "", ""),
                Outcome::Out("BAD_CHECK"),
            ),
            1 => (
                row(&person.name, &month_13(&person.resident_id), "", ""),
                Outcome::Out("IMPOSSIBLE_DATE"),
            ),
            2 => (
                row("测试", &person.resident_id, &person.mobile, ""),
                Outcome::Out("TEST_PATTERN"),
            ),
            3 => (row("", "", "13800138000", ""), Outcome::Out("TEST_PATTERN")),
            4 => (
                row("某某科技有限公司", "", &person.landline, ""),
                Outcome::Out("ORG_NOT_PERSON"),
            ),
            5 => (
                row(&person.name, "", "", ""),
                Outcome::Out("NOT_IDENTIFIABLE"),
            ),
            // The ID fails its check; the telephone holds.
            6 | 7 => {
                let told = Told {
                    person: tel(&person.mobile),
                    kinds: vec!["person_name", "mobile", "address"],
                    age: 3,
                    near_id: true,
                    by_id: false,
                    name: person.name.clone(),
                    phone: person.mobile.clone(),
                    address: person.address.clone(),
                };
                let cells = row(
                    &person.name,
                    &wrong_check(&person.resident_id),
                    &person.mobile,
                    &person.address,
                );
                (cells, Outcome::In(told.into(), None, None))
            }
            // Without an ID, and under another telephone.
            8 => {
                let phone = self
                    .adults
                    .person_at(2 * self.crowd + self.random.random_range(0..self.crowd))
                    .mobile;
                let told = Told {
                    person: tel(&phone),
                    kinds: vec!["person_name", "mobile", "address"],
                    age: 3,
                    near_id: false,
                    by_id: false,
                    name: person.name.clone(),
                    phone: phone.clone(),
                    address: person.address.clone(),
                };
                (
                    row(&person.name, "", &phone, &person.address),
                    Outcome::In(told.into(), None, None),
                )
            }
            _ => {
                let told = Told {
                    person: format!("id:{}", person.resident_id),
                    kinds: vec!["person_name", "resident_id", "mobile", "address"],
                    age,
                    near_id: false,
                    by_id: true,
                    name: person.name.clone(),
                    phone: person.mobile.clone(),
                    address: person.address.clone(),
                };
                let id = self.id_written(&person.resident_id);
                let phone = self.phone_written(&person.mobile);
                (
                    row(&person.name, &id, &phone, &person.address),
                    Outcome::In(told.into(), None, None),
                )
            }
        }
    }

    fn order(&mut self) -> (Vec<String>, Outcome) {
        let (person, _) = self.somebody(Shape::Orders);
        let day = self.random.random_range(1..=3);
        let number = format!("DD{:08}", self.random.random_range(0..1_000_000));
        let told = Told {
            person: format!("tel:{}", person.mobile),
            kinds: vec!["person_name", "mobile", "order"],
            age: 3,
            near_id: false,
            by_id: false,
            name: person.name.clone(),
            phone: person.mobile.clone(),
            address: String::new(),
        };
        let phone = self.phone_written(&person.mobile);
        let when = format!("2026-05-0{day} 10:00:00");
        let cells = vec![person.name, phone, when.clone(), number];
        (cells, Outcome::In(told.into(), Some(when), None))
    }

    fn student(&mut self) -> (Vec<String>, Outcome) {
        let (person, age) = self.somebody(Shape::Students);
        let school = format!("第{}中学", self.random.random_range(1..=4));
        let class = format!("{}班", self.random.random_range(1..=5));
        let told = Told {
            person: format!("id:{}", person.resident_id),
            kinds: vec!["person_name", "resident_id", "school_class", "mobile"],
            age,
            near_id: false,
            by_id: true,
            name: person.name.clone(),
            phone: person.mobile.clone(),
            address: String::new(),
        };
        let cells = vec![
            person.name,
            person.resident_id,
            school.clone(),
            class.clone(),
            person.mobile,
        ];
        (cells, Outcome::In(told.into(), None, Some((school, class))))
    }

    /// An ID as people write it.
    fn id_written(&mut self, id: &str) -> String {
        match self.random.random_range(0..12) {
            0 if id.get(6..8) == Some("19") => format!("{}{}", &id[..6], &id[8..17]),
            1 => id.chars().map(full_width).collect(),
            2 => id.to_lowercase(),
            3 => format!(" {id}"),
            _ => id.to_owned(),
        }
    }

    fn phone_written(&mut self, phone: &str) -> String {
        match self.random.random_range(0..10) {
            0 => format!("+86 {phone}"),
            1 => format!("{}-{}-{}", &phone[..3], &phone[3..7], &phone[7..]),
            2 => phone.chars().map(full_width).collect(),
            _ => phone.to_owned(),
        }
    }

    fn bytes(&mut self, shape: Shape, written: Written, rows: Vec<Vec<String>>) -> Vec<u8> {
        let sheet = Sheet::new(shape.header(), rows);
        match written {
            Written::Csv(encoding) => self.with_broken(&sheet, Form::csv(encoding)),
            Written::Tsv(encoding) => self.with_broken(&sheet, Form::tsv(encoding)),
            Written::Xlsx => sheet.xlsx(),
            Written::Jsonl => jsonl(&sheet),
        }
    }

    /// Delimited text with a row too wide after about every hundredth.
    fn with_broken(&mut self, sheet: &Sheet, form: Form) -> Vec<u8> {
        let mut bytes = form.encoding.mark().to_vec();
        bytes.extend(form.line(&sheet.header));
        for row in &sheet.rows {
            bytes.extend(form.line(row));
            if self.random.random_ratio(1, 100) {
                bytes.extend(
                    form.line(&[row.as_slice(), &["多".to_owned(), "余".to_owned()]].concat()),
                );
                self.books.truth.raw += 1;
                *self
                    .books
                    .truth
                    .excluded
                    .entry("UNREADABLE_ROW")
                    .or_default() += 1;
            }
        }
        bytes
    }
}

const fn shape_name(shape: Shape) -> &'static str {
    match shape {
        Shape::Members => "members",
        Shape::Orders => "orders",
        Shape::Students => "students",
    }
}

fn jsonl(sheet: &Sheet) -> Vec<u8> {
    let mut text = String::new();
    for row in &sheet.rows {
        let object: serde_json::Map<String, serde_json::Value> = sheet
            .header
            .iter()
            .cloned()
            .zip(row.iter().map(|cell| cell.clone().into()))
            .collect();
        text.push_str(&serde_json::Value::Object(object).to_string());
        text.push('\n');
    }
    text.into_bytes()
}

/// 0 under 14, 1 from 14 to 17, 2 above, on 2026-11-22.
pub(crate) fn age_group(person: &Person) -> usize {
    let birth = person.birth;
    let before = (birth.month, birth.day) <= (11, 22);
    match 2026 - birth.year - u16::from(!before) {
        0..14 => 0,
        14..18 => 1,
        _ => 2,
    }
}

/// The last character changed to one that fails the check.
pub(crate) fn wrong_check(id: &str) -> String {
    let last = if id.ends_with('5') { '6' } else { '5' };
    format!("{}{last}", &id[..17])
}

pub(crate) fn month_13(id: &str) -> String {
    format!("{}13{}", &id[..10], &id[12..])
}

pub(crate) fn full_width(c: char) -> char {
    match c {
        '0'..='9' | 'A'..='Z' => char::from_u32(u32::from(c) + 0xfee0).unwrap_or(c),
        other => other,
    }
}

/// The same in half width, trimmed.
pub(crate) fn half_width(cell: &str) -> String {
    let half = |c: char| match u32::from(c) {
        code @ 0xff01..=0xff5e => char::from_u32(code - 0xfee0).unwrap_or(c),
        _ => c,
    };
    cell.chars().map(half).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_for_the_same_seed_and_every_reason_occurs() {
        let leak = counted_leak(3, 4000);
        let again = counted_leak(3, 4000);
        assert_eq!(leak.truth, again.truth);
        assert_eq!(leak.files[0], again.files[0]);
        let out: u64 = leak.truth.excluded.values().sum();
        assert_eq!(leak.truth.raw, leak.truth.valid + out);
        assert_eq!(leak.truth.excluded.len(), 6, "{:?}", leak.truth.excluded);
        assert!(
            leak.truth.ages.iter().all(|count| *count > 0),
            "{:?}",
            leak.truth.ages
        );
        assert!(
            leak.truth
                .links
                .values()
                .filter(|count| **count > 0)
                .count()
                == 3
        );
    }
}
