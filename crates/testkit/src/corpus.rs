//! Forty files whose count and whose kinship are known: ten formats, three encodings, and a
//! re-sale chain of four generations among files that have nothing to do with it.
//!
//! Rows are made from numbers of people and a sort, so that five million of them fit into memory;
//! the truth is gathered from what is written, by no code of the counter. A generation is a part of
//! the one before, shuffled or sorted, with foreign people, a seller's own columns and spelling,
//! and IDs of his own mistyped.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use liuhen_invented::{Generator, Person};
use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use crate::counted::{Truth, age_group, full_width, half_width, month_13, wrong_check};
use crate::known::{Known, hashed};
use crate::sheet::{Encoding, Form, Sheet};

/// A format in which the corpus has files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Made {
    Csv,
    Tsv,
    Xlsx,
    Jsonl,
    Text,
    Sql,
    Html,
    Sqlite,
    CsvGz,
    CsvZip,
}

impl Made {
    /// Every format.
    pub const ALL: [Self; 10] = [
        Self::Csv,
        Self::Tsv,
        Self::Xlsx,
        Self::Jsonl,
        Self::Text,
        Self::Sql,
        Self::Html,
        Self::Sqlite,
        Self::CsvGz,
        Self::CsvZip,
    ];

    const fn ending(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::Xlsx => "xlsx",
            Self::Jsonl => "jsonl",
            Self::Text => "txt",
            Self::Sql => "sql",
            Self::Html => "html",
            Self::Sqlite => "sqlite",
            Self::CsvGz => "csv.gz",
            Self::CsvZip => "zip",
        }
    }
}

/// What one file is to another, as it was made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kin {
    /// The name of the source, or of the first where there is none.
    pub from: String,
    /// The name of the other.
    pub to: String,
    /// Whether one was made from the other, and the count can know it.
    pub directed: bool,
    /// What it was made into.
    pub relation: &'static str,
}

/// What is true of a corpus.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CorpusTruth {
    /// Numbers that a count must give.
    pub truth: Truth,
    /// Which file was made from which; nothing else is kin.
    pub kin: Vec<Kin>,
}

impl CorpusTruth {
    /// The same as JSON.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        let truth = &self.truth;
        let kin: Vec<_> = self
            .kin
            .iter()
            .map(|kin| {
                serde_json::json!({
                    "from": kin.from, "to": kin.to, "directed": kin.directed, "relation": kin.relation,
                })
            })
            .collect();
        serde_json::json!({
            "raw": truth.raw, "excluded": truth.excluded, "valid": truth.valid, "items": truth.items,
            "kept_bad_check": truth.kept_bad_check, "distinct": truth.distinct, "ages": truth.ages,
            "links": truth.links, "schools": truth.schools.0, "classes": truth.schools.1,
            "persons_of_file": truth.persons_of_file, "people": truth.people, "kin": kin,
        })
    }
}

/// What a row is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Whole,
    BadCheck,
    ImpossibleDate,
    TestName,
    TestPhone,
    Organisation,
    NameOnly,
    /// The ID is mistyped; the telephone holds.
    Slip,
    NoId,
    /// No ID, another telephone.
    NewPhone,
}

/// A row before it is written.
#[derive(Debug, Clone, Copy)]
struct Item {
    who: u32,
    sort: Sort,
}

/// What a file's rows tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Members,
    Orders,
    Students,
    Lines,
}

/// How a seller writes.
#[derive(Debug, Clone, Copy)]
struct Habit {
    /// The order of the columns of members.
    columns: [usize; 4],
    words: [&'static str; 4],
    phone: Phone,
    lower_x: bool,
}

#[derive(Debug, Clone, Copy)]
enum Phone {
    Plain,
    Hyphens,
    CountryCode,
    Spaces,
}

const HABITS: [Habit; 4] = [
    Habit {
        columns: [0, 1, 2, 3],
        words: ["姓名", "身份证号", "手机号", "地址"],
        phone: Phone::Plain,
        lower_x: false,
    },
    Habit {
        columns: [2, 0, 3, 1],
        words: ["客户姓名", "证件号码", "手机号码", "住址"],
        phone: Phone::Hyphens,
        lower_x: true,
    },
    Habit {
        columns: [1, 0, 3, 2],
        words: ["姓名", "身份证号码", "联系电话", "联系地址"],
        phone: Phone::CountryCode,
        lower_x: false,
    },
    Habit {
        columns: [0, 2, 1, 3],
        words: ["名字", "身份证", "电话", "家庭住址"],
        phone: Phone::Spaces,
        lower_x: false,
    },
];

const FILES: u64 = 40;
/// Where the people of files that are kin begin; everybody else is drawn from below.
const KIN: u32 = 4_000_000;
/// What is added for another telephone, and for a child's: nobody else has it.
const OTHER: u64 = 50_000_000;
const CHILD: u64 = 80_000_000;

const NAME: u8 = 1;
const ID: u8 = 2;
const MOBILE: u8 = 4;
const ADDRESS: u8 = 8;
const ORDER: u8 = 16;
const SCHOOL: u8 = 32;

/// A file before it is written.
struct Planned {
    name: String,
    made: Made,
    encoding: Encoding,
    shape: Shape,
    habit: Habit,
    items: Vec<Item>,
}

/// Writes a corpus of some `rows` rows into a directory, the same for the same seed; a format that
/// is not among `formats` is written as CSV.
///
/// # Errors
///
/// Those of writing.
///
/// # Panics
///
/// When the generator has no children, which a test of `invented` holds, or a format's writer fails.
pub fn corpus(dir: &Path, seed: u64, rows: u64, formats: &[Made]) -> io::Result<CorpusTruth> {
    let mut maker = Maker {
        random: ChaCha8Rng::seed_from_u64(seed),
        crowd: u32::try_from(rows * 55 / 100).unwrap_or(KIN).clamp(8, KIN),
        next: KIN,
        rows: usize::try_from(rows / FILES).unwrap_or(usize::MAX).max(40),
        kin: Vec::new(),
        files: Vec::new(),
        formats: formats.to_vec(),
    };
    maker.plan();
    let mut books = Books::new(seed);
    for mut file in maker.files {
        books.write(dir, &file)?;
        // What is written needs no room any more.
        file.items = Vec::new();
    }
    Ok(CorpusTruth {
        truth: books.truth(),
        kin: maker.kin,
    })
}

struct Maker {
    random: ChaCha8Rng,
    crowd: u32,
    next: u32,
    rows: usize,
    kin: Vec<Kin>,
    files: Vec<Planned>,
    formats: Vec<Made>,
}

impl Maker {
    fn plan(&mut self) {
        self.chain();
        self.siblings();
        self.parts();
        self.others();
    }

    fn file(&mut self, what: &str, made: Made, encoding: Encoding, habit: usize, items: Vec<Item>) {
        let number = self.files.len() + 1;
        // The name says what is in it.
        let made = if self.formats.contains(&made) {
            made
        } else {
            Made::Csv
        };
        self.files.push(Planned {
            name: format!("{number:02}-{what}.{}", made.ending()),
            made,
            encoding,
            shape: Shape::Members,
            habit: HABITS[habit],
            items,
        });
    }

    fn related(&mut self, from: usize, to: usize, directed: bool, relation: &'static str) {
        let name = |at: usize| self.files[at - 1].name.clone();
        let (from, to) = (name(from), name(to));
        self.kin.push(Kin {
            from,
            to,
            directed,
            relation,
        });
    }

    /// People nobody else has, some of them twice.
    fn fresh(&mut self, count: usize) -> Vec<Item> {
        let mut items: Vec<Item> = Vec::with_capacity(count);
        while items.len() < count {
            if !items.is_empty() && self.random.random_ratio(1, 20) {
                let again = items[self.random.random_range(0..items.len())];
                items.push(again);
                continue;
            }
            let who = self.next;
            self.next += 1;
            items.push(Item {
                who,
                sort: self.sort(),
            });
        }
        items
    }

    fn sort(&mut self) -> Sort {
        match self.random.random_range(0..40) {
            0 => Sort::BadCheck,
            1 => Sort::ImpossibleDate,
            2 => Sort::TestName,
            3 => Sort::TestPhone,
            4 => Sort::Organisation,
            5 => Sort::NameOnly,
            6 => Sort::Slip,
            7 => Sort::NoId,
            8 => Sort::NewPhone,
            _ => Sort::Whole,
        }
    }

    /// Three quarters of a file, a quarter of others, and IDs mistyped on the way.
    fn resold(&mut self, source: &[Item]) -> Vec<Item> {
        let mut items: Vec<Item> = source.to_vec();
        items.retain(|_| self.random.random_ratio(3, 4));
        self.slips(&mut items);
        let foreign = self.rows - items.len().min(self.rows);
        items.extend(self.fresh(foreign));
        items.shuffle(&mut self.random);
        items
    }

    fn slips(&mut self, items: &mut [Item]) {
        for item in items.iter_mut().filter(|item| item.sort == Sort::Whole) {
            if self.random.random_ratio(1, 40) {
                item.sort = Sort::Slip;
            }
        }
    }

    /// Files 1 to 5: four generations, and a shuffled copy of the first.
    fn chain(&mut self) {
        let first = self.fresh(self.rows);
        let second = self.resold(&first);
        let mut third = self.resold(&second);
        // This one sorts: by an order that has nothing to do with that of his source.
        third.sort_by_key(|item| item.who.wrapping_mul(0x9e37_79b1));
        let fourth = self.resold(&third);
        let mut copy = first.clone();
        copy.shuffle(&mut self.random);
        self.file("first", Made::Csv, Encoding::Utf8, 0, first);
        self.file("second", Made::Tsv, Encoding::Gb18030, 1, second);
        self.file("third", Made::Xlsx, Encoding::Utf8, 2, third);
        self.file("fourth", Made::Csv, Encoding::Utf16Le, 3, fourth);
        self.file("shuffled", Made::Jsonl, Encoding::Utf8, 0, copy);
        for generation in 1..4 {
            self.related(generation, generation + 1, true, "re_sale");
        }
        self.related(1, 5, false, "copy_reordered");
    }

    /// Files 6 and 7: from one that is not there.
    fn siblings(&mut self) {
        let unseen = self.fresh(self.rows * 5 / 4);
        for (name, made, encoding, habit) in [
            ("one", Made::Csv, Encoding::Gb18030, 1),
            ("other", Made::Sql, Encoding::Utf8, 2),
        ] {
            let items = self.resold(&unseen);
            self.file(name, made, encoding, habit, items);
        }
        self.related(6, 7, false, "siblings");
    }

    /// Files 8 to 14: an extract, a merge of two, and the same bytes twice.
    fn parts(&mut self) {
        let whole = self.fresh(self.rows);
        let mut extract = whole.clone();
        extract.retain(|_| self.random.random_ratio(2, 5));
        self.file("whole", Made::Html, Encoding::Utf8, 0, whole);
        self.file("extract", Made::Csv, Encoding::Utf8, 0, extract);
        self.related(8, 9, true, "subset");
        let (left, right) = (self.fresh(self.rows / 2), self.fresh(self.rows / 2));
        let both = [left.clone(), right.clone()].concat();
        self.file("left", Made::Sqlite, Encoding::Utf8, 1, left);
        self.file("right", Made::CsvGz, Encoding::Gb18030, 3, right);
        self.file("both", Made::CsvZip, Encoding::Utf8, 0, both);
        self.related(10, 12, true, "merge_of");
        self.related(11, 12, true, "merge_of");
        let twice = self.fresh(self.rows);
        self.file("twice", Made::Tsv, Encoding::Utf16Le, 2, twice.clone());
        self.file("twice-again", Made::Tsv, Encoding::Utf16Le, 2, twice);
        self.related(13, 14, false, "copy");
    }

    /// The other files: people of one crowd, drawn anew for each, rows repeated within and between.
    fn others(&mut self) {
        let encodings = [Encoding::Utf8, Encoding::Gb18030, Encoding::Utf16Le];
        let mut written: Vec<Item> = Vec::new();
        while self.files.len() < usize::try_from(FILES).unwrap_or(0) {
            let number = self.files.len();
            let made = Made::ALL[number % Made::ALL.len()];
            let (shape, what) = match (made, number % 7) {
                (Made::Text, _) => (Shape::Lines, "lines"),
                (_, 3) => (Shape::Orders, "orders"),
                (_, 5) => (Shape::Students, "students"),
                _ => (Shape::Members, "members"),
            };
            let items = self.drawn(shape, &written);
            if shape == Shape::Members {
                written.extend(items.iter().step_by(3));
            }
            self.file(what, made, encodings[number % 3], number % 4, items);
            if let Some(file) = self.files.last_mut() {
                file.shape = shape;
            }
        }
    }

    fn drawn(&mut self, shape: Shape, written: &[Item]) -> Vec<Item> {
        let mut items: Vec<Item> = Vec::with_capacity(self.rows);
        while items.len() < self.rows {
            let pick = self.random.random_range(0..100);
            let from = if pick < 8 { items.as_slice() } else { written };
            if pick < 12 && !from.is_empty() {
                let again = from[self.random.random_range(0..from.len())];
                items.push(again);
                continue;
            }
            let sort = match shape {
                Shape::Members => self.sort(),
                _ => Sort::Whole,
            };
            items.push(Item {
                who: self.random.random_range(0..self.crowd),
                sort,
            });
        }
        items
    }
}

/// Where the truth is gathered.
struct Books {
    adults: Generator,
    children: Generator,
    truth: Truth,
    /// Kinds and age of each person.
    persons: HashMap<u128, (u8, usize)>,
    rows: HashSet<u128>,
    orders: HashSet<u128>,
    /// By telephone: 1 with an ID, 2 without, 4 mistyped.
    contacts: HashMap<u128, u8>,
    /// By name and address: 1 without an ID under the one telephone, 2 under the other, 4 with one.
    addresses: HashMap<u128, u8>,
    people: Known,
    schools: BTreeSet<String>,
    classes: BTreeSet<(String, String)>,
    in_file: HashSet<u128>,
}

fn id_and_telephone(person: &Person) -> [Option<u128>; 3] {
    let id = hashed(&["id", &person.resident_id]);
    [Some(id), Some(hashed(&["tel", &person.mobile])), None]
}

/// A row as it is written, and what it tells.
struct Said {
    cells: Vec<String>,
    told: Result<Told, &'static str>,
}

struct Told {
    person: u128,
    /// ID, telephone, name with address: what is told of them.
    known: [Option<u128>; 3],
    kinds: u8,
    age: usize,
    contact: Option<(u128, u8)>,
    address: Option<(u128, u8)>,
    order: Option<u128>,
}

impl Books {
    fn new(seed: u64) -> Self {
        Self {
            adults: Generator::new(seed),
            children: Generator::born(seed ^ 1, 2009..=2020).expect("children"),
            truth: Truth::default(),
            persons: HashMap::new(),
            rows: HashSet::new(),
            orders: HashSet::new(),
            contacts: HashMap::new(),
            addresses: HashMap::new(),
            people: Known::default(),
            schools: BTreeSet::new(),
            classes: BTreeSet::new(),
            in_file: HashSet::new(),
        }
    }

    fn person(&self, who: u32, shape: Shape) -> Person {
        if shape == Shape::Students || who.is_multiple_of(11) {
            Person {
                mobile: self.adults.person_at(u64::from(who) + CHILD).mobile,
                ..self.children.person_at(u64::from(who))
            }
        } else {
            self.adults.person_at(u64::from(who))
        }
    }

    fn write(&mut self, dir: &Path, file: &Planned) -> io::Result<()> {
        let header = header(file);
        let mut out = Out::create(&dir.join(&file.name), file, &header)?;
        self.in_file.clear();
        for (at, item) in file.items.iter().enumerate() {
            let said = self.said(file, *item, at);
            out.row(&said.cells)?;
            self.book(&said, file.made);
            if out.is_delimited() && at % 150 == 77 {
                out.too_wide(header.len())?;
                self.truth.raw += 1;
                *self.truth.excluded.entry("UNREADABLE_ROW").or_default() += 1;
            }
        }
        out.finish()?;
        let persons = self.in_file.len() as u64;
        self.truth
            .persons_of_file
            .insert(file.name.clone(), persons);
        Ok(())
    }

    fn book(&mut self, said: &Said, made: Made) {
        self.truth.raw += 1;
        let told = match &said.told {
            Ok(told) => told,
            Err(code) => {
                *self.truth.excluded.entry(code).or_default() += 1;
                return;
            }
        };
        let cells: Vec<String> = said.cells.iter().map(|cell| half_width(cell)).collect();
        let mut row: Vec<&str> = cells.iter().map(String::as_str).collect();
        while row.last().is_some_and(|cell| cell.is_empty()) {
            row.pop();
        }
        if made == Made::Text {
            row.insert(0, "a line");
        }
        self.rows.insert(hashed(&row));
        self.truth.valid += 1;
        self.truth.items += u64::from(told.kinds.count_ones());
        self.people.row(told.known.into_iter().flatten());
        let known = self.persons.entry(told.person).or_insert((0, told.age));
        known.0 |= told.kinds;
        if known.1 == 3 {
            known.1 = told.age;
        }
        if let Some((contact, bits)) = told.contact {
            *self.contacts.entry(contact).or_default() |= bits;
            self.truth.kept_bad_check += u64::from(bits & 4 != 0);
        }
        if let Some((address, bits)) = told.address {
            *self.addresses.entry(address).or_default() |= bits;
        }
        self.orders.extend(told.order);
        self.in_file.insert(told.person);
    }

    fn said(&mut self, file: &Planned, item: Item, at: usize) -> Said {
        let person = self.person(item.who, file.shape);
        match file.shape {
            Shape::Members => self.member(file, item, &person, at),
            Shape::Orders => order(file, item, &person),
            Shape::Students => self.student(item, &person),
            Shape::Lines => line(file, &person, at),
        }
    }

    fn member(&self, file: &Planned, item: Item, person: &Person, at: usize) -> Said {
        let (name, wrong) = (person.name.as_str(), wrong_check(&person.resident_id));
        let impossible = month_13(&person.resident_id);
        let (address, mobile) = (person.address.as_str(), person.mobile.as_str());
        let other = match item.sort {
            Sort::NewPhone => self.adults.person_at(u64::from(item.who) + OTHER).mobile,
            _ => String::new(),
        };
        let (cells, told): ([&str; 4], Result<(), &'static str>) = match item.sort {
            Sort::Whole => ([name, &person.resident_id, mobile, address], Ok(())),
            Sort::BadCheck => ([name, &wrong, "", ""], Err("BAD_CHECK")),
            Sort::ImpossibleDate => ([name, &impossible, "", ""], Err("IMPOSSIBLE_DATE")),
            Sort::TestName => (
                ["测试", &person.resident_id, mobile, ""],
                Err("TEST_PATTERN"),
            ),
            Sort::TestPhone => (["", "", "13800138000", ""], Err("TEST_PATTERN")),
            Sort::Organisation => (
                ["某某科技有限公司", "", &person.landline, ""],
                Err("ORG_NOT_PERSON"),
            ),
            Sort::NameOnly => ([name, "", "", ""], Err("NOT_IDENTIFIABLE")),
            Sort::Slip => ([name, &wrong, mobile, address], Ok(())),
            Sort::NoId => ([name, "", mobile, address], Ok(())),
            Sort::NewPhone => ([name, "", &other, address], Ok(())),
        };
        let phone = if other.is_empty() { mobile } else { &other };
        let by_id = item.sort == Sort::Whole;
        let bits = match item.sort {
            Sort::Whole => 1,
            Sort::Slip => 2 | 4,
            _ => 2,
        };
        let lives = hashed(&["at", name, address]);
        let told = told.map(|()| Told {
            known: [
                by_id.then(|| hashed(&["id", &person.resident_id])),
                Some(hashed(&["tel", phone])),
                Some(lives),
            ],
            person: match by_id {
                true => hashed(&["id", &person.resident_id]),
                false => hashed(&["tel", phone]),
            },
            kinds: NAME | MOBILE | ADDRESS | if by_id { ID } else { 0 },
            age: if by_id { age_group(person) } else { 3 },
            contact: Some((hashed(&[phone]), bits)),
            address: Some((
                lives,
                match item.sort {
                    Sort::NewPhone => 2,
                    _ if by_id => 4,
                    _ => 1,
                },
            )),
            order: None,
        });
        let spelled = cells.map(str::to_owned);
        let spelled = match told.is_ok() {
            true => file.habit.spelled(spelled, at),
            false => spelled,
        };
        Said {
            cells: file.habit.columns.map(|at| spelled[at].clone()).to_vec(),
            told,
        }
    }

    fn student(&mut self, item: Item, person: &Person) -> Said {
        let school = format!("第{}中学", item.who % 4 + 1);
        let class = format!("{}班", item.who % 5 + 1);
        self.schools.insert(school.clone());
        self.classes.insert((school.clone(), class.clone()));
        let told = Told {
            person: hashed(&["id", &person.resident_id]),
            known: id_and_telephone(person),
            kinds: NAME | ID | SCHOOL | MOBILE,
            age: age_group(person),
            contact: Some((hashed(&[&person.mobile]), 1)),
            address: None,
            order: None,
        };
        let (name, id) = (person.name.clone(), person.resident_id.clone());
        Said {
            cells: vec![name, id, school, class, person.mobile.clone()],
            told: Ok(told),
        }
    }

    fn truth(mut self) -> Truth {
        let types = |mask: u8| {
            self.persons
                .values()
                .map(|(kinds, _)| u64::from((kinds & mask).count_ones()))
                .sum::<u64>()
        };
        let by_type = types(u8::MAX);
        self.truth.distinct = BTreeMap::from([
            ("exact_row", self.rows.len() as u64),
            ("person", self.persons.len() as u64),
            ("person_type", by_type),
            (
                "person_type_event",
                types(!ORDER) + self.orders.len() as u64,
            ),
            ("person_type_act", by_type),
        ]);
        for (_, age) in self.persons.values() {
            self.truth.ages[*age] += 1;
        }
        let contacts = |wanted: fn(u8) -> bool| {
            let both = self.contacts.values().filter(|bits| **bits & 3 == 3);
            both.filter(|bits| wanted(**bits)).count() as u64
        };
        let moved = |bits: &&u8| **bits & 2 != 0 && **bits & 5 != 0;
        let addresses = self.addresses.values().filter(moved).count();
        self.truth.people = self.people.people();
        self.truth.links = BTreeMap::from([
            ("typing_error_in_id", contacts(|bits| bits & 4 != 0)),
            ("id_in_one_only", contacts(|bits| bits & 4 == 0)),
            ("two_ids", 0),
            ("changed_telephone", addresses as u64),
        ]);
        self.truth.schools = (self.schools.len() as u64, self.classes.len() as u64);
        self.truth
    }
}

impl Habit {
    /// Name, ID, telephone, address as this seller writes them; now and then in full width.
    fn spelled(&self, [name, id, phone, address]: [String; 4], at: usize) -> [String; 4] {
        let id = if self.lower_x { id.to_lowercase() } else { id };
        let id = match at % 30 {
            7 => id.chars().map(full_width).collect(),
            _ => id,
        };
        let parts = phone.get(..3).zip(phone.get(3..7)).zip(phone.get(7..));
        let phone = match (self.phone, parts) {
            (Phone::Hyphens, Some(((a, b), c))) => format!("{a}-{b}-{c}"),
            (Phone::Spaces, Some(((a, b), c))) => format!("{a} {b} {c}"),
            (Phone::CountryCode, Some(_)) => format!("+86{phone}"),
            _ => phone,
        };
        [name, id, phone, address]
    }
}

fn order(file: &Planned, item: Item, person: &Person) -> Said {
    let when = format!("2026-05-0{} 10:00:00", item.who % 3 + 1);
    let tel = hashed(&["tel", &person.mobile]);
    let told = Told {
        person: tel,
        known: [None, Some(tel), None],
        kinds: NAME | MOBILE | ORDER,
        age: 3,
        contact: Some((hashed(&[&person.mobile]), 2)),
        address: None,
        order: Some(hashed(&["order", &format!("{tel:x}"), &when])),
    };
    // Orders are numbered by file.
    let number = format!("DD{}{:08}", file.name.get(..2).unwrap_or("00"), item.who);
    Said {
        cells: vec![person.name.clone(), person.mobile.clone(), when, number],
        told: Ok(told),
    }
}

fn line(file: &Planned, person: &Person, at: usize) -> Said {
    let (id, phone) = (person.resident_id.clone(), person.mobile.clone());
    let nobody = at % 40 == 13;
    let cells = match (file.made, nobody) {
        (Made::Text, true) => vec![format!("第 {at} 行没有登记")],
        (Made::Text, false) => vec![format!("身份证号：{id}，手机号：{phone}")],
        (_, true) => vec![String::new(), String::new(), "没有登记".to_owned()],
        (_, false) => vec![id, phone, String::new()],
    };
    let told = Told {
        person: hashed(&["id", &person.resident_id]),
        known: id_and_telephone(person),
        kinds: ID | MOBILE,
        age: age_group(person),
        contact: Some((hashed(&[&person.mobile]), 1)),
        address: None,
        order: None,
    };
    Said {
        cells,
        told: if nobody {
            Err("NOT_IDENTIFIABLE")
        } else {
            Ok(told)
        },
    }
}

fn header(file: &Planned) -> Vec<String> {
    let words: Vec<&str> = match file.shape {
        Shape::Members => file.habit.columns.map(|at| file.habit.words[at]).to_vec(),
        Shape::Orders => vec!["姓名", "手机号", "下单时间", "订单号"],
        Shape::Students => vec!["学生姓名", "身份证号", "学校", "班级", "家长电话"],
        Shape::Lines if file.made == Made::Text => vec![],
        Shape::Lines => vec!["身份证号", "手机号", "备注"],
    };
    words.into_iter().map(str::to_owned).collect()
}

/// A file being written.
enum Out {
    Delimited(Box<dyn Write>, Form),
    Packed(Box<zip::ZipWriter<File>>, Form),
    Text(Box<dyn Write>, Encoding, How, Vec<String>),
    Sheet(std::path::PathBuf, Vec<String>, Vec<Vec<String>>),
    Sqlite(Box<rusqlite::Connection>, String),
}

/// How a row becomes text.
#[derive(Clone, Copy)]
enum How {
    Json,
    Plain,
    Sql,
    Html,
}

impl Out {
    fn create(path: &Path, file: &Planned, header: &[String]) -> io::Result<Self> {
        let plain = || File::create(path).map(BufWriter::new);
        let encoding = file.encoding;
        let delimited = |mut out: Box<dyn Write>, form: Form| {
            out.write_all(form.encoding.mark())?;
            out.write_all(&form.line(header))?;
            Ok(Self::Delimited(out, form))
        };
        match file.made {
            Made::Csv => delimited(Box::new(plain()?), Form::csv(encoding)),
            Made::Tsv => delimited(Box::new(plain()?), Form::tsv(encoding)),
            Made::CsvGz => {
                let level = flate2::Compression::fast();
                let out = flate2::write::GzEncoder::new(plain()?, level);
                delimited(Box::new(out), Form::csv(encoding))
            }
            Made::CsvZip => {
                let mut out = zip::ZipWriter::new(File::create(path)?);
                let options = zip::write::SimpleFileOptions::default();
                out.start_file("leak.csv", options.large_file(true))?;
                let form = Form::csv(encoding);
                out.write_all(form.encoding.mark())?;
                out.write_all(&form.line(header))?;
                Ok(Self::Packed(Box::new(out), form))
            }
            Made::Xlsx => Ok(Self::Sheet(path.to_owned(), header.to_vec(), Vec::new())),
            Made::Sqlite => sqlite(path, header),
            Made::Jsonl => Self::text(plain()?, encoding, How::Json, header),
            Made::Text => Self::text(plain()?, encoding, How::Plain, header),
            // Dumps and pages say their encoding, and these say UTF-8.
            Made::Sql => Self::text(plain()?, Encoding::Utf8, How::Sql, header),
            Made::Html => Self::text(plain()?, Encoding::Utf8, How::Html, header),
        }
    }

    fn text(
        mut out: BufWriter<File>,
        encoding: Encoding,
        how: How,
        header: &[String],
    ) -> io::Result<Self> {
        out.write_all(encoding.mark())?;
        let begin = match how {
            How::Json | How::Plain => String::new(),
            How::Sql => format!(
                "CREATE TABLE `people` ({});\n",
                header
                    .iter()
                    .map(|word| format!("`{word}` varchar(200)"))
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
            How::Html => format!(
                "<!DOCTYPE html><html><head><meta charset=\"utf-8\"></head><body><table>\n<tr><th>{}</th></tr>\n",
                header.join("</th><th>")
            ),
        };
        out.write_all(begin.as_bytes())?;
        Ok(Self::Text(Box::new(out), encoding, how, header.to_vec()))
    }

    const fn is_delimited(&self) -> bool {
        matches!(self, Self::Delimited(..) | Self::Packed(..))
    }

    fn row(&mut self, cells: &[String]) -> io::Result<()> {
        match self {
            Self::Delimited(out, form) => out.write_all(&form.line(cells)),
            Self::Packed(out, form) => out.write_all(&form.line(cells)),
            Self::Sheet(_, _, rows) => {
                rows.push(cells.to_vec());
                Ok(())
            }
            Self::Sqlite(base, insert) => base
                .prepare_cached(insert)
                .and_then(|mut insert| insert.execute(rusqlite::params_from_iter(cells)))
                .map(drop)
                .map_err(io::Error::other),
            Self::Text(out, encoding, how, header) => {
                let text = how.row(header, cells);
                let line = Form {
                    encoding: *encoding,
                    ..Form::tsv(*encoding)
                };
                match encoding {
                    Encoding::Utf8 => out.write_all(text.as_bytes()),
                    _ => out.write_all(&line.encoding.encode(&text)[line.encoding.mark().len()..]),
                }
            }
        }
    }

    /// A row with more cells than any reader takes for one.
    fn too_wide(&mut self, width: usize) -> io::Result<()> {
        self.row(&vec!["多".to_owned(); width + 3])
    }

    fn finish(self) -> io::Result<()> {
        match self {
            Self::Delimited(mut out, _) => out.flush(),
            Self::Packed(out, _) => out.finish().map(drop).map_err(Into::into),
            Self::Sheet(path, header, rows) => {
                std::fs::write(path, Sheet::new(header, rows).xlsx())
            }
            Self::Sqlite(base, _) => base.execute_batch("commit").map_err(io::Error::other),
            Self::Text(mut out, _, how, _) => {
                if matches!(how, How::Html) {
                    out.write_all(b"</table></body></html>\n")?;
                }
                out.flush()
            }
        }
    }
}

impl How {
    fn row(self, header: &[String], cells: &[String]) -> String {
        match self {
            Self::Plain => format!("{}\n", cells.join("")),
            Self::Html => format!("<tr><td>{}</td></tr>\n", cells.join("</td><td>")),
            Self::Sql => format!("INSERT INTO `people` VALUES ('{}');\n", cells.join("', '")),
            Self::Json => {
                // By hand, so that the keys keep their order.
                let text = |text: &String| serde_json::Value::from(text.as_str()).to_string();
                let pairs = header.iter().zip(cells);
                let pairs: Vec<String> = pairs
                    .map(|(key, cell)| format!("{}:{}", text(key), text(cell)))
                    .collect();
                format!("{{{}}}\n", pairs.join(","))
            }
        }
    }
}

fn sqlite(path: &Path, header: &[String]) -> io::Result<Out> {
    let _ = std::fs::remove_file(path);
    let base = rusqlite::Connection::open(path).map_err(io::Error::other)?;
    let columns: Vec<String> = header
        .iter()
        .map(|word| format!("\"{word}\" text"))
        .collect();
    let create = format!("create table people ({}); begin", columns.join(", "));
    base.execute_batch(&create).map_err(io::Error::other)?;
    let places = vec!["?"; header.len()].join(", ");
    Ok(Out::Sqlite(
        Box::new(base),
        format!("insert into people values ({places})"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_for_the_same_seed_with_every_reason_and_format() {
        let dirs = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let [one, two] = [0, 1].map(|at| corpus(dirs[at].path(), 3, 4_000, &Made::ALL).unwrap());
        assert_eq!(one, two);
        let out: u64 = one.truth.excluded.values().sum();
        assert_eq!(one.truth.raw, one.truth.valid + out);
        assert_eq!(one.truth.excluded.len(), 6, "{:?}", one.truth.excluded);
        assert!(one.truth.ages.iter().all(|count| *count > 0));
        assert_eq!(one.kin.len(), 9);
        let mut endings = BTreeSet::new();
        for entry in std::fs::read_dir(dirs[0].path()).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            endings.insert(name.split_once('.').unwrap().1.to_owned());
        }
        assert_eq!(endings.len(), 10);
        assert_eq!(one.truth.persons_of_file.len(), 40);
    }
}
