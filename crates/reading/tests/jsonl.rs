//! JSON Lines: keys become columns, broken lines cost themselves alone, bounds hold.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::io::Cursor;

use liuhen_document::{ProblemCode, TableSource};
use liuhen_reading::{Format, Limits, Table, open};
use proptest::prelude::*;

fn table(bytes: impl Into<Vec<u8>>) -> Table {
    open(Cursor::new(bytes.into()), "a.jsonl", &Limits::default()).unwrap()
}

fn rows(table: &mut Table) -> Vec<Result<Vec<String>, ProblemCode>> {
    std::iter::from_fn(|| table.next_row())
        .map(|row| {
            row.map(|row| {
                row.cells
                    .iter()
                    .map(|cell| cell.as_str().to_owned())
                    .collect()
            })
            .map_err(|problem| problem.reason)
        })
        .collect()
}

#[test]
fn objects_become_rows() {
    let text = "{\"姓名\":\"张三\",\"手机\":\"13800000000\"}\n\n{\"手机\":13900000000,\"姓名\":\"李\\n四\"}\r\n{\"姓名\":null}\n{\"姓名\":\"a\",\"手机\":110101199003071234}";
    let mut table = table(text);
    assert!(matches!(table.format(), Format::JsonLines { .. }));
    let mut names = table.header().0.clone();
    names.sort();
    assert_eq!(names, ["姓名", "手机"]);
    let name = table
        .header()
        .0
        .iter()
        .position(|name| name == "姓名")
        .unwrap();
    let rows: Vec<Vec<String>> = rows(&mut table).into_iter().map(Result::unwrap).collect();
    let cells: Vec<(&str, &str)> = rows
        .iter()
        .map(|row| (row[name].as_str(), row[1 - name].as_str()))
        .collect();
    // An object of empty values alone is a blank row, which every table passes over.
    assert_eq!(
        cells,
        [
            ("张三", "13800000000"),
            ("李\n四", "13900000000"),
            ("a", "110101199003071234")
        ]
    );
}

#[test]
fn broken_lines_cost_themselves_alone() {
    let mut lines = vec![r#"{"a":"1","b":"x"}"#.to_owned(); 70];
    lines[3] = r#"{"a":"1""#.to_owned();
    lines[4] = "[1,2]".to_owned();
    lines[69] = r#"{"a":"1","c":"late"}"#.to_owned();
    let mut table = table(lines.join("\n"));
    let rows = rows(&mut table);
    assert_eq!(rows.len(), 70);
    assert_eq!(rows[3], Err(ProblemCode::Malformed));
    assert_eq!(rows[4], Err(ProblemCode::Malformed));
    assert_eq!(rows[69], Err(ProblemCode::TooManyColumns));
    assert_eq!(rows.iter().filter(|row| row.is_ok()).count(), 67);
}

#[test]
fn refuses_lines_and_cells_past_their_bounds() {
    let limits = Limits {
        max_cell_bytes: 8,
        max_row_bytes: 64,
        ..Limits::default()
    };
    let long = "x".repeat(1_000_000);
    let text = format!(
        "{{\"a\":\"1\"}}\n{{\"a\":\"{long}\"}}\n{{\"a\":\"123456789\"}}\n{{\"a\":\"2\"}}\n"
    );
    let mut table = open(Cursor::new(text.into_bytes()), "a", &limits).unwrap();
    let rows = rows(&mut table);
    let expected = [
        Ok(vec!["1".to_owned()]),
        Err(ProblemCode::RowTooLong),
        Err(ProblemCode::CellTooLong),
        Ok(vec!["2".to_owned()]),
    ];
    assert_eq!(rows, expected);
}

#[test]
fn gb18030_and_deep_nesting() {
    let gbk = encoding_rs::GB18030
        .encode("{\"姓名\":\"张三\"}\n{\"姓名\":\"李四丰\"}\n")
        .0
        .into_owned();
    assert_eq!(
        rows(&mut table(gbk))
            .into_iter()
            .map(Result::unwrap)
            .collect::<Vec<_>>(),
        [["张三"], ["李四丰"]]
    );
    let deep = format!(
        "{{\"a\":1}}\n{{\"a\":{}1{}}}\n",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    assert_eq!(rows(&mut table(deep))[1], Err(ProblemCode::Malformed));
}

#[test]
fn a_table_that_begins_with_a_brace_stays_a_table() {
    let table = table("{a},b\n1,2\n");
    assert!(matches!(table.format(), Format::Text { .. }));
}

#[test]
fn json_is_utf8_also_where_two_bytes_could_be_chinese() {
    let mut table = table("{\"v\":\"\u{a1}\",\"n\":\"1\"}".to_owned());
    let column = table
        .header()
        .0
        .iter()
        .position(|name| name == "v")
        .unwrap();
    assert_eq!(rows(&mut table)[0].as_ref().unwrap()[column], "\u{a1}");
}

proptest! {
    #[test]
    fn what_serde_writes_is_read(values in proptest::collection::vec("[^\0]{1,12}", 1..20)) {
        let lines: Vec<String> = values.iter().map(|value| serde_json::json!({ "v": value, "n": "1" }).to_string()).collect();
        let mut table = table(lines.join("\n"));
        let column = table.header().0.iter().position(|name| name == "v").unwrap();
        let read: Vec<String> = rows(&mut table).into_iter().map(|row| row.unwrap()[column].clone()).collect();
        prop_assert_eq!(read, values);
    }
}
