//! Tables of invented people, tidy or as one meets them.
//!
//! People come from `liuhen-invented`; the columns are named as Chinese files name them.
//! A messy table says which rows a reader must refuse, so that a test can compare.

use liuhen_invented::{Generator, Person};
use rand::seq::{IndexedRandom as _, SliceRandom as _};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use crate::sheet::{Encoding, Form, Sheet};

/// A kind's name and the headers under which it is met, the tidy one first.
const COLUMNS: [(&str, [&str; 4]); 8] = [
    ("person_name", ["姓名", "客户姓名", "收货人", "name"]),
    (
        "resident_id",
        ["身份证号", "证件号码", "公民身份号码", "id_card"],
    ),
    ("mobile", ["手机号", "手机号码", "联系电话", "phone"]),
    ("email", ["邮箱", "电子邮箱", "E-mail", "email"]),
    ("bank_card", ["银行卡号", "卡号", "收款账号", "bank_card"]),
    ("address", ["地址", "家庭住址", "收货地址", "address"]),
    ("plate", ["车牌号", "车牌", "号牌号码", "plate"]),
    (
        "date_of_birth",
        ["出生日期", "生日", "出生年月日", "birthday"],
    ),
];

/// A tidy table of `count` people under the columns 姓名, 身份证号, 手机号, 邮箱, 银行卡号, 地址,
/// 车牌号, 出生日期; the same for the same seed.
#[must_use]
pub fn people(seed: u64, count: usize) -> Sheet {
    let mut generator = Generator::new(seed);
    let header = COLUMNS
        .iter()
        .map(|(_, headers)| headers[0].to_owned())
        .collect();
    Sheet::new(
        header,
        (0..count).map(|_| cells(&generator.person())).collect(),
    )
}

fn cells(person: &Person) -> Vec<String> {
    let fields = person.fields();
    let value = |name: &str| {
        let found = fields.iter().find(|(kind, _)| kind.name() == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    COLUMNS.iter().map(|(name, _)| value(name)).collect()
}

/// A table as one meets it.
#[derive(Debug)]
pub struct Messy {
    /// The file.
    pub bytes: Vec<u8>,
    /// How it is written.
    pub form: Form,
    /// The people in it, tidy and in the file's order.
    pub people: Sheet,
    /// Header and kind of each column that holds a kind, in the file's order.
    pub columns: Vec<(String, &'static str)>,
    /// Rows that must be refused: number in the file, header included, and reason's code.
    pub bad: Vec<(u64, &'static str)>,
}

/// `count` people in a file of the seed's choosing: some encoding and delimiter, columns in some
/// order under some headers beside a running number and remarks, numbers grouped or in full width,
/// and one bad row after about every fiftieth.
#[must_use]
pub fn messy(seed: u64, count: usize) -> Messy {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let encoding = *Encoding::ALL.choose(&mut random).unwrap_or(&Encoding::Utf8);
    messy_in(seed, count, encoding)
}

/// As [`messy`], in this encoding.
#[must_use]
pub fn messy_in(seed: u64, count: usize, encoding: Encoding) -> Messy {
    let mut random = ChaCha8Rng::seed_from_u64(seed ^ 0x6d65_7373);
    let delimiter = *[b',', b'\t', b';'].choose(&mut random).unwrap_or(&b',');
    let form = Form {
        encoding,
        delimiter,
        crlf: random.random(),
        quoted: random.random(),
    };
    let people = people(seed, count);
    let mut order: Vec<usize> = (0..COLUMNS.len()).collect();
    order.shuffle(&mut random);
    let named = |&column: &usize| {
        let (kind, headers) = COLUMNS[column];
        (
            headers
                .choose(&mut random)
                .copied()
                .unwrap_or(headers[0])
                .to_owned(),
            kind,
        )
    };
    let columns: Vec<(String, &'static str)> = order.iter().map(named).collect();

    let mut header = vec!["序号".to_owned()];
    header.extend(columns.iter().map(|(name, _)| name.clone()));
    header.push("备注".to_owned());
    let mut lines = vec![form.line(&header)];
    let mut bad = Vec::new();
    for (index, person) in people.rows.iter().enumerate() {
        let mut row = vec![(index + 1).to_string()];
        row.extend(
            order
                .iter()
                .map(|&column| written(&person[column], column, &mut random)),
        );
        row.push(
            ["", "老客户", "勿扰, 谢谢", "加\"急\""]
                .choose(&mut random)
                .copied()
                .unwrap_or("")
                .into(),
        );
        lines.push(form.line(&row));
        if random.random_ratio(1, 50) {
            let (line, code) = spoiled(row, form, &mut random);
            lines.push(line);
            bad.push((lines.len() as u64, code));
        }
    }
    Messy {
        bytes: [form.encoding.mark().to_vec(), lines.concat()].concat(),
        form,
        people,
        columns,
        bad,
    }
}

/// A cell as people write it: numbers sometimes grouped, in full width, or within blanks.
fn written(value: &str, column: usize, random: &mut ChaCha8Rng) -> String {
    let digits = value.chars().filter(char::is_ascii_digit).count();
    let number = digits > 10 && matches!(COLUMNS[column].0, "resident_id" | "mobile" | "bank_card");
    match random.random_range(0..10) {
        0 => format!(" {value} "),
        1 if number => value.chars().map(full_width).collect(),
        2 if number => grouped(value),
        3 if number => value.to_lowercase(),
        _ => value.to_owned(),
    }
}

fn full_width(c: char) -> char {
    match c {
        '0'..='9' | 'A'..='Z' => char::from_u32(u32::from(c) + 0xfee0).unwrap_or(c),
        other => other,
    }
}

/// `13800138000` as `138 0013 8000`; other lengths in fours.
fn grouped(value: &str) -> String {
    let head = if value.len() == 11 {
        3
    } else {
        value.len().min(4)
    };
    let mut parts = vec![value[..head].to_owned()];
    let rest: Vec<char> = value[head..].chars().collect();
    parts.extend(rest.chunks(4).map(|part| part.iter().collect()));
    parts.join(" ")
}

/// The row spoiled in one of the ways that a reader must report.
fn spoiled(mut row: Vec<String>, form: Form, random: &mut ChaCha8Rng) -> (Vec<u8>, &'static str) {
    if random.random() {
        row.extend(["多".to_owned(), "余".to_owned()]);
        return (form.line(&row), "too_many_columns");
    }
    let mut line = form.line(&row);
    // Before the first cell: a place that every encoding and every quoting has.
    let wrong = form.encoding.undecodable();
    line.splice(0..0, wrong.iter().copied());
    (line, "bad_encoding")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_the_same_for_the_same_seed() {
        let sheet = people(1, 30);
        assert_eq!(sheet, people(1, 30));
        assert_ne!(sheet, people(2, 30));
        assert!(sheet.rows.iter().flatten().all(|cell| !cell.is_empty()));
        let id = sheet.column("身份证号");
        assert!(sheet.rows.iter().all(|row| row[id].len() == 18));
    }

    #[test]
    fn ways_of_writing() {
        assert_eq!(grouped("13800138000"), "138 0013 8000");
        assert_eq!(grouped("123456789012"), "1234 5678 9012");
        assert_eq!(full_width('7'), '７');
        assert_eq!(full_width('X'), 'Ｘ');
        assert_eq!(full_width('张'), '张');
    }

    #[test]
    fn a_messy_file_has_its_rows_and_its_bad_ones() {
        let file = messy_in(4, 400, Encoding::Utf8);
        assert!(!file.bad.is_empty());
        let lines: Vec<&[u8]> = file.bytes.split_inclusive(|&byte| byte == b'\n').collect();
        assert_eq!(lines.len(), 1 + 400 + file.bad.len());
        for (number, code) in &file.bad {
            let line = lines[usize::try_from(*number).unwrap() - 1];
            assert_eq!(
                std::str::from_utf8(line).is_err(),
                *code == "bad_encoding",
                "{number}"
            );
        }
        let header = std::str::from_utf8(lines[0]).unwrap();
        assert!(
            file.columns
                .iter()
                .all(|(name, _)| header.contains(name.as_str()))
        );
    }

    #[test]
    fn every_encoding_is_met() {
        let met: std::collections::HashSet<_> = (0..60)
            .map(|seed| format!("{:?}", messy(seed, 1).form.encoding))
            .collect();
        assert_eq!(met.len(), Encoding::ALL.len());
    }
}
