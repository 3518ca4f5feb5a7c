//! Workbooks, through the front door, with `calamine` as the oracle.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot make its file has failed"
)]

mod common;

use std::io::Cursor;

use calamine::{Data, Reader};
use common::{cells, drain, inline_row, open_bytes, workbook};
use liuhen_document::{ProblemCode, TableSource};
use liuhen_reading::{Limits, Options, ReadError, SheetChoice, open_with};
use proptest::prelude::*;
use rust_xlsxwriter::{ExcelDateTime, Format as Style, Workbook};

#[test]
fn cells_are_shown_as_a_person_sees_them() {
    let rows = [
        ("shared string", r#"<c t="s"><v>0</v></c>"#, "姓名"),
        (
            "runs without pronunciation",
            r#"<c t="s"><v>1</v></c>"#,
            "某甲 & 乙",
        ),
        (
            "escapes and spaces",
            r#"<c t="s"><v>2</v></c>"#,
            " a\rb\nc ",
        ),
        (
            "inline string",
            r#"<c t="inlineStr"><is><t>x&lt;y</t></is></c>"#,
            "x<y",
        ),
        (
            "inline runs",
            r#"<c t="inlineStr"><is><r><rPr/><t>a</t></r><r><t>b</t></r></is></c>"#,
            "ab",
        ),
        (
            "kept value of a formula",
            r#"<c t="str"><f>A1&amp;B1</f><v>ok</v></c>"#,
            "ok",
        ),
        ("number", r#"<c><v>13800000000</v></c>"#, "13800000000"),
        (
            "number with an exponent",
            r#"<c t="n"><v>1.38E10</v></c>"#,
            "13800000000",
        ),
        (
            "date, built in",
            r#"<c s="1"><v>45292</v></c>"#,
            "2024-01-01",
        ),
        ("date, custom", r#"<c s="2"><v>45292</v></c>"#, "2024-01-01"),
        ("zeros in front", r#"<c s="3"><v>10010</v></c>"#, "010010"),
        ("true", r#"<c t="b"><v>1</v></c>"#, "TRUE"),
        (
            "iso date",
            r#"<c t="d"><v>2024-01-01</v></c>"#,
            "2024-01-01",
        ),
        ("empty", r#"<c s="1"/>"#, ""),
    ];
    for (name, cell, expected) in rows {
        let row = format!(r#"<row r="2">{cell}<c t="b"><v>0</v></c></row>"#);
        let bytes = workbook(&(inline_row(1, &["甲", "乙"]) + &row));
        let mut table = open_bytes(&bytes, "a.xlsx").unwrap();
        let row = table.next_row().unwrap().unwrap();
        assert_eq!(
            (row.number, cells(&row)),
            (2, vec![expected, "FALSE"]),
            "{name}"
        );
        assert!(
            table.next_row().is_none() && table.failure().is_none(),
            "{name}"
        );
    }
}

#[test]
fn cells_that_cannot_be_trusted_are_refused_in_place() {
    let rows = [
        (
            "18 digits as a number",
            "<c><v>110101199003070000</v></c>",
            ProblemCode::PrecisionLost,
        ),
        (
            "19 digits with an exponent",
            "<c><v>6.22202000000000E+18</v></c>",
            ProblemCode::PrecisionLost,
        ),
        (
            "error",
            r#"<c t="e"><v>#N/A</v></c>"#,
            ProblemCode::FormulaError,
        ),
        (
            "no such string",
            r#"<c t="s"><v>99</v></c>"#,
            ProblemCode::Malformed,
        ),
        ("no number", "<c><v>abc</v></c>", ProblemCode::Malformed),
        (
            "unknown sort",
            r#"<c t="zz"><v>1</v></c>"#,
            ProblemCode::Malformed,
        ),
        (
            "entity of its own",
            r#"<c t="str"><v>&x;</v></c>"#,
            ProblemCode::Malformed,
        ),
    ];
    for (name, cell, expected) in rows {
        let spoiled = format!(r#"<row r="5"><c t="b"><v>1</v></c>{cell}</row>"#);
        let all = inline_row(1, &["甲", "乙"]) + &spoiled + &inline_row(6, &["x", "y"]);
        let mut table = open_bytes(&workbook(&all), "a.xlsx").unwrap();
        let problem = table.next_row().unwrap().unwrap_err();
        assert_eq!(problem.reason, expected, "{name}");
        assert_eq!(
            (problem.locator.row, problem.locator.column),
            (Some(5), Some(2)),
            "{name}"
        );
        assert_eq!(problem.locator.sheet.as_deref(), Some("名单"), "{name}");
        assert_eq!(
            cells(&table.next_row().unwrap().unwrap()),
            ["x", "y"],
            "{name}"
        );
    }
}

#[test]
fn sheets_are_listed_and_chosen() {
    let bytes = workbook(&inline_row(1, &["甲"]));
    let mut table = open_bytes(&bytes, "a.xlsx").unwrap();
    let names: Vec<_> = table
        .sheets()
        .iter()
        .map(|info| (info.name.as_str(), info.hidden))
        .collect();
    assert_eq!(names, [("名单", false), ("旧", true)]);
    table.choose_sheet(&SheetChoice::Name("旧".into())).unwrap();
    assert_eq!(
        (table.header().0[0].as_str(), table.sheet()),
        ("旧表头", Some(1))
    );
    assert_eq!(cells(&table.next_row().unwrap().unwrap()), ["x", "y"]);
    assert!(matches!(
        table.choose_sheet(&SheetChoice::Index(7)),
        Err(ReadError::NoSuchSheet)
    ));
    table.choose_sheet(&SheetChoice::Index(0)).unwrap();
    assert_eq!(table.header().0, ["甲"]);
    let options = Options {
        sheet: SheetChoice::Index(1),
        ..Options::default()
    };
    let table = open_with(Cursor::new(bytes), "a.xlsx", &Limits::default(), &options).unwrap();
    assert_eq!(table.sheet(), Some(1));
}

#[test]
fn titles_and_gaps_keep_their_numbers() {
    let all = inline_row(2, &["花名册"])
        + &inline_row(4, &["姓名", "手机", "住址"])
        + r#"<row r="7"><c r="A7"><v>1</v></c><c r="C7"><v>3</v></c></row>"#
        + r#"<row r="8"><c r="E8"><v>5</v></c></row>"#;
    let mut table = open_bytes(&workbook(&all), "a.xlsx").unwrap();
    assert_eq!((table.header_row(), table.header().len()), (4, 5));
    let row = table.next_row().unwrap().unwrap();
    assert_eq!((row.number, cells(&row)), (7, vec!["1", "", "3", "", ""]));
    assert_eq!(table.next_row().unwrap().unwrap().cell(4), "5");
    assert_eq!(table.short_rows(), 0);
}

/// What `calamine` says a cell shows; nothing where the two differ by design.
fn oracle(data: &Data) -> Option<String> {
    match data {
        Data::Empty => Some(String::new()),
        Data::String(text) => Some(text.clone()),
        Data::Int(n) => Some(n.to_string()),
        Data::Float(n) if n.abs() < 1e15 && n.fract() == 0.0 => Some(format!("{n:.0}")),
        Data::Bool(b) => Some(if *b { "TRUE" } else { "FALSE" }.to_owned()),
        Data::DateTime(when) => {
            let (year, month, day, ..) = when.to_ymd_hms_milli();
            Some(format!("{year:04}-{month:02}-{day:02}"))
        }
        _ => None,
    }
}

#[derive(Debug, Clone)]
enum Value {
    Text(String),
    Number(i64),
    Date(u16, u8, u8),
    Bool(bool),
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        "[ -~张三，]{1,20}"
            .prop_filter("not blank", |text| !text.trim().is_empty())
            .prop_map(Value::Text),
        (-999_999_999_999_999i64..=999_999_999_999_999).prop_map(Value::Number),
        (1900u16..2100, 1u8..=12, 1u8..=28).prop_map(|(y, m, d)| Value::Date(y, m, d)),
        any::<bool>().prop_map(Value::Bool),
    ]
}

fn write(rows: &[Vec<Value>], inline: bool) -> Vec<u8> {
    let mut workbook = Workbook::new();
    let date = Style::new().set_num_format("yyyy-mm-dd");
    let sheet = if inline {
        workbook.add_worksheet_with_constant_memory().unwrap()
    } else {
        workbook.add_worksheet()
    };
    for (number, row) in (0u32..).zip(rows) {
        for (column, value) in (0u16..).zip(row) {
            match value {
                Value::Text(text) => sheet.write_string(number, column, text).unwrap(),
                Value::Number(n) => sheet.write_number(number, column, *n as f64).unwrap(),
                Value::Date(y, m, d) => {
                    let when = ExcelDateTime::from_ymd(*y, *m, *d).unwrap();
                    sheet
                        .write_datetime_with_format(number, column, when, &date)
                        .unwrap()
                }
                Value::Bool(b) => sheet.write_boolean(number, column, *b).unwrap(),
            };
        }
    }
    workbook.save_to_buffer().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn agrees_with_calamine(
        rows in proptest::collection::vec(proptest::collection::vec(value(), 4), 1..12),
        inline in any::<bool>(),
    ) {
        let bytes = write(&rows, inline);
        let mut theirs: calamine::Xlsx<_> = calamine::open_workbook_from_rs(Cursor::new(bytes.clone())).unwrap();
        let theirs = theirs.worksheet_range_at(0).unwrap().unwrap();
        let mut table = open_bytes(&bytes, "a.xlsx").unwrap();
        table.choose_header(liuhen_reading::HeaderChoice::None).unwrap();
        let ours = drain(&mut table);
        prop_assert_eq!(ours.len(), rows.len());
        for (our_row, their_row) in ours.iter().zip(theirs.rows()) {
            let our_row = our_row.as_ref().unwrap();
            for (column, cell) in their_row.iter().enumerate() {
                if let Some(expected) = oracle(cell) {
                    prop_assert_eq!(our_row.cell(column), expected);
                }
            }
        }
    }
}
