//! What canaries have to look like so that they do not stand out in a table: its people and its columns.
//!
//! People are counted ([`Profile`](liuhen_invented::Profile)), columns are looked at for how they write dates and for values so common that they say nothing about anybody.
//! No value of a person is ever copied into a canary's row unless [`COMMON_VALUE`] rows share it; times are drawn between those of others.
//! Inventing belongs to `invented`, marking to `fingerprint`.

use std::collections::HashMap;

use jiff::civil::DateTime;
use liuhen_detect::normalise;
use liuhen_invented::{Sex, Traits, province_of};
use liuhen_kinds::Kind;
use liuhen_vault::OpenField;

/// Kinds that say how old somebody is, of which sex and where.
pub(crate) const TRAITS: [Kind; 5] = [
    Kind::PERSON_NAME,
    Kind::RESIDENT_ID,
    Kind::DATE_OF_BIRTH,
    Kind::GENDER,
    Kind::ADDRESS,
];

/// A value that fewer rows share says something about a person, so no canary borrows it.
const COMMON_VALUE: u32 = 5;

/// Ways of writing a time that a drawn one can be given.
const TIMES: [&str; 4] = [
    "%Y-%m-%d %H:%M:%S",
    "%Y/%m/%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d %H:%M",
];

/// Ways of writing a date of birth, and what the digits of one look like.
const DATES: [(&str, &str); 9] = [
    ("9999-99-99", "%Y-%m-%d"),
    ("9999/99/99", "%Y/%m/%d"),
    ("99999999", "%Y%m%d"),
    ("9999.99.99", "%Y.%m.%d"),
    ("9999年9月99日", "%Y年%-m月%-d日"),
    ("9999/9/99", "%Y/%-m/%-d"),
    ("9999-9-99", "%Y-%-m-%-d"),
    ("9999年99月99日", "%Y年%m月%d日"),
    ("9999-99", "%Y-%m"),
];

/// What can be counted of one person.
pub(crate) fn traits(fields: &[OpenField]) -> Traits {
    let of = |kind: Kind| {
        let found = fields.iter().find(|field| field.kind == Some(kind));
        found.and_then(|field| normalise(kind, field.value.as_str()))
    };
    let id = of(Kind::RESIDENT_ID).unwrap_or_default();
    let born = of(Kind::DATE_OF_BIRTH).unwrap_or_default();
    let number = |text: Option<&str>| text.and_then(|text| text.parse::<u16>().ok());
    let order = number(id.get(16..17));
    let sex = match of(Kind::GENDER).as_deref() {
        Some("男") => Some(Sex::Male),
        Some("女") => Some(Sex::Female),
        _ => order.map(|order| {
            if order % 2 == 1 {
                Sex::Male
            } else {
                Sex::Female
            }
        }),
    };
    let home = of(Kind::ADDRESS).and_then(|address| province_of(&address));
    let registered = number(id.get(..2)).and_then(|code| u8::try_from(code).ok());
    Traits {
        year: number(born.get(..4)).or(number(id.get(6..10))),
        province: home.or(registered),
        sex,
        name: of(Kind::PERSON_NAME).map(|name| name.chars().count()),
    }
}

/// How a column is written.
#[derive(Debug)]
pub(crate) enum Column {
    /// As the person has it.
    Plain,
    /// Dates of birth in this form.
    Births(&'static str),
    /// Times in this form, between two of them.
    Times(&'static str, DateTime, DateTime),
    /// One of the values that many rows share.
    Common(Vec<String>),
}

impl Column {
    pub(crate) fn of(kind: Option<Kind>, values: Vec<String>) -> Self {
        if kind == Some(Kind::DATE_OF_BIRTH) {
            return births(&values).map_or(Self::Plain, Self::Births);
        }
        if let (None, Some(times)) = (kind, times(&values)) {
            return times;
        }
        Self::Common(often(values))
    }

    /// What an invented person has, in the column's way of writing.
    pub(crate) fn written(&self, own: &str) -> String {
        let date = |format: &str| {
            let date: jiff::civil::Date = own.parse().ok()?;
            jiff::fmt::strtime::format(format, date).ok()
        };
        match self {
            Self::Births(format) => date(format).unwrap_or_else(|| own.to_owned()),
            _ => own.to_owned(),
        }
    }

    /// What stands where no invented person has anything; the same for the same canary.
    pub(crate) fn drawn(&self, seed: u64) -> String {
        match self {
            Self::Common(values) => {
                let at = usize::try_from(seed % (values.len() as u64).max(1));
                let value = at.ok().and_then(|at| values.get(at));
                value.cloned().unwrap_or_default()
            }
            Self::Times(format, first, last) => between(*first, *last, seed)
                .and_then(|time| jiff::fmt::strtime::format(format, time).ok())
                .unwrap_or_default(),
            Self::Plain | Self::Births(_) => String::new(),
        }
    }
}

/// A time between two, by the second.
fn between(first: DateTime, last: DateTime, seed: u64) -> Option<DateTime> {
    let seconds = first.until((jiff::Unit::Second, last)).ok()?.get_seconds();
    let range = u64::try_from(seconds).ok()?.max(1);
    let after = i64::try_from(seed % range).ok()?;
    first
        .checked_add(jiff::Span::new().try_seconds(after).ok()?)
        .ok()
}

/// The form in which most dates of birth are written.
fn births(values: &[String]) -> Option<&'static str> {
    let mut counts = [0_u32; DATES.len()];
    for value in values {
        let shape: String = value
            .trim()
            .chars()
            .map(|c| if c.is_ascii_digit() { '9' } else { c })
            .collect();
        if let Some(at) = DATES.iter().position(|(known, _)| *known == shape) {
            counts[at] += 1;
        }
    }
    let most = (0..DATES.len()).max_by_key(|at| (counts[*at], std::cmp::Reverse(*at)))?;
    (counts[most] > 0).then_some(DATES[most].1)
}

/// Times, when most values are; the twentieth part at either end is left out, since the first and the last time are somebody's.
fn times(values: &[String]) -> Option<Column> {
    for format in TIMES {
        let mut times: Vec<DateTime> = values
            .iter()
            .filter_map(|value| DateTime::strptime(format, value.trim()).ok())
            .collect();
        if times.len() >= COMMON_VALUE as usize * 4 && times.len() * 2 > values.len() {
            times.sort_unstable();
            let cut = times.len() / 20;
            let (first, last) = (times.get(cut)?, times.get(times.len() - 1 - cut)?);
            return Some(Column::Times(format, *first, *last));
        }
    }
    None
}

fn often(values: Vec<String>) -> Vec<String> {
    let mut counts: HashMap<String, u32> = HashMap::new();
    for value in values {
        *counts.entry(value).or_default() += 1;
    }
    let mut values: Vec<String> = counts
        .into_iter()
        .filter(|(_, count)| *count >= COMMON_VALUE)
        .map(|(value, _)| value)
        .collect();
    values.sort_unstable();
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(kind: Kind, value: &str) -> OpenField {
        OpenField {
            name: kind.name().to_owned(),
            kind: Some(kind),
            value: value.to_owned().into(),
        }
    }

    #[test]
    fn traits_of_a_row() {
        let person = liuhen_invented::Generator::new(4).person_at(1);
        let told = traits(&[
            field(Kind::PERSON_NAME, "王伟"),
            field(Kind::DATE_OF_BIRTH, "1975年5月7日"),
            field(Kind::GENDER, "女"),
            field(Kind::ADDRESS, "浙江省杭州市西湖区文三路1号"),
        ]);
        let expected = Traits {
            year: Some(1975),
            province: Some(33),
            sex: Some(Sex::Female),
            name: Some(2),
        };
        assert_eq!(told, expected);
        let numbered = traits(&[field(Kind::RESIDENT_ID, &person.resident_id)]);
        assert_eq!(numbered.year, Some(person.birth.year));
        assert_eq!(numbered.sex, Some(person.sex));
        assert_eq!(traits(&[]), Traits::default());
    }

    #[test]
    fn columns_are_written_as_they_are() {
        let births = |value: &str| Column::of(Some(Kind::DATE_OF_BIRTH), vec![value.to_owned(); 9]);
        for (table, own) in [
            ("1960/01/02", "1975/05/07"),
            ("1960年01月02日", "1975年05月07日"),
            ("1960年1月12日", "1975年5月7日"),
            ("19600102", "19750507"),
            ("1960-01-02", "1975-05-07"),
            ("born so", "1975-05-07"),
        ] {
            assert_eq!(births(table).written("1975-05-07"), own);
        }
        let common = [vec!["金卡".to_owned(); 5], vec!["唯一".to_owned(); 4]].concat();
        let column = Column::of(None, common);
        assert!((0..50).all(|seed| column.drawn(seed) == "金卡"));
    }

    #[test]
    fn a_drawn_time_is_nobodys_and_lies_between() {
        let values: Vec<String> = (0..100)
            .map(|i| format!("2026-03-{:02} 1{}:20:{:02}", i % 28 + 1, i % 10, i % 60))
            .collect();
        let column = Column::of(None, values.clone());
        let drawn: Vec<String> = (0..40_u64)
            .map(|i| column.drawn(i.wrapping_mul(0x9E37_79B9_7F4A_7C15)))
            .collect();
        assert!(
            drawn
                .iter()
                .all(|time| time.starts_with("2026-03-") && time.len() == 19)
        );
        assert!(drawn.iter().filter(|time| values.contains(time)).count() < 3);
    }
}
