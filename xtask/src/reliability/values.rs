//! Values of a person who does not exist, in the many ways in which people write them.

use liuhen_invented::Person;
use liuhen_kinds::segment::Numbers;
use liuhen_kinds::{Kind, digits};
use rand::RngExt as _;
use rand::seq::IndexedRandom as _;
use rand_chacha::ChaCha8Rng;

use super::domain::Writer;

/// What the texts say of somebody.
pub(super) struct Subject {
    person: Person,
    mobile: String,
    card: String,
    landline: String,
    plate: String,
    account: String,
}

/// Issuers' prefixes and lengths of cards.
const CARDS: [(&str, usize); 4] = [
    ("622202", 19),
    ("622848", 19),
    ("621700", 19),
    ("436742", 16),
];

impl Subject {
    pub(super) fn new(person: Person, writer: &mut Writer) -> Subject {
        let heads = &Numbers::builtin().mobile.assigned;
        let head = heads
            .choose(&mut writer.random)
            .map_or("138", String::as_str);
        let mobile = format!("{head}{}", writer.digits(11 - head.len()));
        let (prefix, length) = *CARDS.choose(&mut writer.random).unwrap_or(&CARDS[0]);
        let payload = format!("{prefix}{}", writer.digits(length - 1 - prefix.len()));
        let check = digits::luhn(payload.as_bytes()).unwrap_or(b'0');
        let area = writer.one_of(&["010", "021", "0571", "0755", "028"]);
        let subscriber = format!("{}{}", writer.random.random_range(2..9), writer.digits(7));
        let place: String = person.plate.chars().take(2).collect();
        let serial = writer.digits(4);
        let letter = writer.one_of(&["A", "K", "7", "Z", "0"]);
        let account = format!(
            "{}{}",
            writer.one_of(&["xiao_", "lan", "wx-", "cat"]),
            writer.digits(5)
        );
        Subject {
            person,
            mobile,
            card: format!("{payload}{}", char::from(check)),
            landline: format!("{area}-{subscriber}"),
            plate: format!("{place}{letter}{serial}"),
            account,
        }
    }

    fn plain(&self, kind: Kind, random: &mut ChaCha8Rng) -> String {
        let number =
            |random: &mut ChaCha8Rng, from: u64, to: u64| random.random_range(from..to).to_string();
        match kind {
            Kind::RESIDENT_ID => self.person.resident_id.clone(),
            Kind::MOBILE => self.mobile.clone(),
            Kind::BANK_CARD => self.card.clone(),
            Kind::LANDLINE => self.landline.clone(),
            Kind::EMAIL => self.person.email.clone(),
            Kind::PLATE => self.plate.clone(),
            Kind::PASSPORT => format!("E{:08}", random.random_range(0..100_000_000)),
            Kind::QQ => number(random, 10_000, 4_000_000_000),
            Kind::WECHAT_ID => self.account.clone(),
            Kind::PASSWORD => format!("{}@{}", self.account, random.random_range(10..9999)),
            Kind::OTP => format!("{:06}", random.random_range(0..1_000_000)),
            Kind::IP => {
                let part = |random: &mut ChaCha8Rng| random.random_range(1..255_u8);
                let first = [36, 58, 101, 112, 183, 218]
                    .choose(random)
                    .copied()
                    .unwrap_or(58);
                format!("{first}.{}.{}.{}", part(random), part(random), part(random))
            }
            _ => self.person.birth.to_string(),
        }
    }
}

/// A value as somebody may write it; `free` is text written by hand.
pub(super) fn written(
    kind: Kind,
    subject: &Subject,
    random: &mut ChaCha8Rng,
    free: bool,
) -> String {
    let plain = subject.plain(kind, random);
    let numeric = [Kind::RESIDENT_ID, Kind::MOBILE, Kind::BANK_CARD].contains(&kind);
    if !numeric {
        return if free && random.random_bool(0.05) {
            full_width(&plain)
        } else {
            plain
        };
    }
    let forms: &[(Form, u32)] = if free { &BY_HAND } else { &BY_PROGRAM };
    let chosen = forms.choose_weighted(random, |(_, share)| *share);
    match chosen.map_or(Form::Plain, |(form, _)| *form) {
        Form::Plain => plain,
        Form::Grouped => grouped(kind, &plain, " "),
        Form::Dashed => grouped(kind, &plain, "-"),
        Form::Prefixed if kind == Kind::MOBILE => format!("+86{plain}"),
        Form::Prefixed => plain,
        Form::FullWidth => full_width(&plain),
        Form::Numerals => plain.chars().map(numeral).collect(),
        Form::Invisible => grouped(kind, &plain, "\u{200B}"),
        Form::Broken => grouped_once(&plain, "\n"),
        Form::Confused => confused(&plain, random),
        Form::Masked => masked(kind, &plain),
        Form::LowerCase => plain.to_lowercase(),
    }
}

#[derive(Clone, Copy)]
enum Form {
    Plain,
    Grouped,
    Dashed,
    Prefixed,
    FullWidth,
    Numerals,
    Invisible,
    Broken,
    Confused,
    Masked,
    LowerCase,
}

const BY_HAND: [(Form, u32); 11] = [
    (Form::Plain, 600),
    (Form::Grouped, 90),
    (Form::Dashed, 50),
    (Form::Prefixed, 30),
    (Form::FullWidth, 30),
    (Form::Numerals, 30),
    (Form::Invisible, 20),
    (Form::Broken, 20),
    (Form::Confused, 40),
    (Form::Masked, 80),
    (Form::LowerCase, 10),
];

const BY_PROGRAM: [(Form, u32); 4] = [
    (Form::Plain, 880),
    (Form::Prefixed, 40),
    (Form::Masked, 60),
    (Form::LowerCase, 20),
];

fn grouped(kind: Kind, value: &str, joint: &str) -> String {
    let sizes: &[usize] = match kind {
        Kind::MOBILE => &[3, 4, 4],
        Kind::RESIDENT_ID => &[6, 4, 4, 4],
        _ => &[4, 4, 4, 4, 4],
    };
    let mut parts = Vec::new();
    let mut left = value;
    for size in sizes {
        let (part, rest) = left.split_at((*size).min(left.len()));
        if !part.is_empty() {
            parts.push(part);
        }
        left = rest;
    }
    parts.join(joint)
}

fn grouped_once(value: &str, joint: &str) -> String {
    let (first, second) = value.split_at(value.len() / 2);
    format!("{first}{joint}{second}")
}

fn full_width(value: &str) -> String {
    let wide = |c: char| match c {
        '!'..='~' => char::from_u32(c as u32 + 0xFEE0).unwrap_or(c),
        c => c,
    };
    value.chars().map(wide).collect()
}

fn numeral(c: char) -> char {
    let digit = c
        .to_digit(10)
        .and_then(|digit| "零一二三四五六七八九".chars().nth(digit as usize));
    digit.unwrap_or(c)
}

/// One or two digits read as letters.
fn confused(value: &str, random: &mut ChaCha8Rng) -> String {
    let share = 0.4;
    value
        .chars()
        .map(|c| match c {
            '0' if random.random_bool(share) => 'O',
            '1' if random.random_bool(share) => 'l',
            '5' if random.random_bool(share) => 'S',
            '8' if random.random_bool(share) => 'B',
            c => c,
        })
        .collect()
}

fn masked(kind: Kind, value: &str) -> String {
    let (first, last) = match kind {
        Kind::MOBILE => (3, 4),
        _ => (6, 4),
    };
    let hidden = value.len() - first - last;
    format!(
        "{}{}{}",
        &value[..first],
        "*".repeat(hidden),
        &value[value.len() - last..]
    )
}
