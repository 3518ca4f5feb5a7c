//! Delimited text, through the front door.

mod common;

use common::{cells, drain, open_bytes};
use encoding_rs::{BIG5, Encoding, GB18030, UTF_8};
use liuhen_document::{ProblemCode, TableSource};
use liuhen_reading::{
    Charset, Delimiter, Format, HeaderChoice, Limits, Options, ReadError, open_with,
};
use proptest::prelude::*;

/// An encoding with or without its mark.
#[derive(Debug, Clone, Copy)]
enum Coded {
    By(&'static Encoding),
    Utf8Marked,
    Utf16 { little: bool, marked: bool },
}

const CODED: [Coded; 7] = [
    Coded::By(UTF_8),
    Coded::By(GB18030),
    Coded::Utf8Marked,
    Coded::Utf16 {
        little: true,
        marked: true,
    },
    Coded::Utf16 {
        little: false,
        marked: true,
    },
    Coded::Utf16 {
        little: true,
        marked: false,
    },
    Coded::Utf16 {
        little: false,
        marked: false,
    },
];

fn encode(text: &str, coded: Coded) -> Vec<u8> {
    match coded {
        Coded::By(encoding) => {
            let (bytes, _, lost) = encoding.encode(text);
            assert!(!lost);
            bytes.into_owned()
        }
        Coded::Utf8Marked => [b"\xEF\xBB\xBF", text.as_bytes()].concat(),
        Coded::Utf16 { little, marked } => {
            let units = marked
                .then_some(0xFEFF)
                .into_iter()
                .chain(text.encode_utf16());
            let bytes = |unit: u16| {
                if little {
                    unit.to_le_bytes()
                } else {
                    unit.to_be_bytes()
                }
            };
            units.flat_map(bytes).collect()
        }
    }
}

#[test]
fn every_encoding_delimiter_and_line_end() {
    for coded in CODED {
        for delimiter in Delimiter::ALL {
            for end in ["\r\n", "\n", "\r"] {
                let rows = [
                    ["姓名", "手机", "住址"],
                    ["某甲", "13800000000", "北京"],
                    ["某乙", "", "上海"],
                ];
                let text = rows.map(|row| row.join(delimiter.as_str())).join(end) + end;
                let mut table = open_bytes(&encode(&text, coded), "list").unwrap();
                let case = format!("{coded:?} {delimiter:?} {end:?} as {:?}", table.format());
                assert_eq!(table.header().0, rows[0], "{case}");
                let all = drain(&mut table);
                assert_eq!(all.len(), 2, "{case}");
                for (row, expected) in all.iter().zip(&rows[1..]) {
                    assert_eq!(cells(row.as_ref().unwrap()), expected, "{case}");
                }
                assert_eq!(table.progress().0, table.progress().1, "{case}");
            }
        }
    }
}

#[test]
fn traditional_text_in_big5() {
    let text = "姓名,地址\n陳大文,臺北市中正區\n林小明,高雄市三民區\n";
    let mut table = open_bytes(&BIG5.encode(text).0, "list.csv").unwrap();
    assert_eq!(
        table.format(),
        Format::Text {
            charset: Charset::BIG5,
            delimiter: Delimiter::Comma
        }
    );
    assert_eq!(
        cells(drain(&mut table)[0].as_ref().unwrap()),
        ["陳大文", "臺北市中正區"]
    );
}

#[test]
fn rows_keep_the_numbers_a_spreadsheet_shows() {
    let text = "报表,,\n\n姓名,手机,备注\n甲,1,\"两\n行\"\n\n乙,2,无\n";
    let mut table = open_bytes(text.as_bytes(), "list.csv").unwrap();
    assert_eq!(
        (table.header_row(), table.header().0[1].as_str()),
        (3, "手机")
    );
    assert_eq!(table.peek(2)[0].cell(0), "报表");
    let numbers: Vec<u64> = drain(&mut table)
        .iter()
        .map(|row| row.as_ref().unwrap().number)
        .collect();
    assert_eq!(numbers, [4, 6]);
}

#[test]
fn the_header_is_the_callers_choice() {
    let text = "甲,1\n乙,2\n丙,3\n";
    let rows = [
        (HeaderChoice::Auto, vec!["甲", "1"], 2),
        (HeaderChoice::FirstRow, vec!["甲", "1"], 2),
        (HeaderChoice::None, vec!["A", "B"], 3),
        (HeaderChoice::Row(2), vec!["乙", "2"], 1),
    ];
    for (header, names, count) in rows {
        let mut table = open_bytes(text.as_bytes(), "list.csv").unwrap();
        table.choose_header(header).unwrap();
        assert_eq!(table.header().0, names, "{header:?}");
        assert_eq!(drain(&mut table).len(), count, "{header:?}");
        assert!(matches!(
            table.choose_header(header),
            Err(ReadError::AlreadyReading)
        ));
    }
    let mut table = open_bytes(text.as_bytes(), "list.csv").unwrap();
    let missing = table.choose_header(HeaderChoice::Row(9));
    assert!(matches!(missing, Err(ReadError::NoSuchHeader { row: 9 })));
}

#[test]
fn ragged_rows_are_filled_up_or_refused() {
    let text = "a,b,c\n1,2\n1,2,3\n1,2,3,4\n1,2,3,,\n";
    let mut table = open_bytes(text.as_bytes(), "list.csv").unwrap();
    let short = table.next_row().unwrap().unwrap();
    assert_eq!(
        (cells(&short), table.last_row_was_short()),
        (vec!["1", "2", ""], true)
    );
    assert!(table.next_row().unwrap().is_ok() && !table.last_row_was_short());
    let long = table.next_row().unwrap().unwrap_err();
    assert_eq!(
        (long.reason, long.locator.row),
        (ProblemCode::TooManyColumns, Some(4))
    );
    assert_eq!(cells(&table.next_row().unwrap().unwrap()), ["1", "2", "3"]);
    assert_eq!(table.short_rows(), 1);
}

#[test]
fn numbers_a_spreadsheet_has_spoiled_are_refused() {
    let text = "姓名,证件\n甲,1.10101E+17\n乙,=\"001234\"\n丙,\"=\"\"0001\"\"\"\n";
    let mut table = open_bytes(text.as_bytes(), "list.csv").unwrap();
    let all = drain(&mut table);
    let spoiled = all[0].as_ref().unwrap_err();
    assert_eq!(
        (spoiled.locator.row, spoiled.locator.column),
        (Some(2), Some(2))
    );
    assert_eq!(all[1].as_ref().unwrap().cell(1), "001234");
    assert_eq!(all[2].as_ref().unwrap().cell(1), "0001");
}

#[test]
fn what_the_caller_states_overrules_the_guess() {
    let options = Options {
        charset: Charset::parse("gbk"),
        delimiter: Some(Delimiter::Semicolon),
        ..Options::default()
    };
    let source = std::io::Cursor::new(b"a,b;c\n1,2;3\n");
    let table = open_with(source, "x", &Limits::default(), &options).unwrap();
    assert_eq!(table.header().0, ["a,b", "c"]);
    assert_eq!(
        table.format(),
        Format::Text {
            charset: Charset::GB18030,
            delimiter: Delimiter::Semicolon
        }
    );
}

fn quote(cell: &str) -> String {
    format!("\"{}\"", cell.replace('"', "\"\""))
}

proptest! {
    #[test]
    fn written_rows_are_read_back(
        rows in proptest::collection::vec(
            proptest::collection::vec("[a-z0-9,;\"\r\n 张三李四北京]{0,12}x", 3), 1..12),
        coded in 0usize..CODED.len(),
        delimiter in 0usize..4,
    ) {
        let delimiter = Delimiter::ALL[delimiter];
        // A header of common characters gives short texts an encoding to be known by.
        let mut text = ["姓名", "手机号码", "住址"].join(delimiter.as_str()) + "\r\n";
        for row in &rows {
            let line: Vec<String> = row.iter().map(|cell| quote(cell)).collect();
            text += &(line.join(delimiter.as_str()) + "\r\n");
        }
        let options = Options { delimiter: Some(delimiter), header: HeaderChoice::FirstRow, ..Options::default() };
        let source = std::io::Cursor::new(encode(&text, CODED[coded]));
        let mut table = open_with(source, "x.csv", &Limits::default(), &options).unwrap();
        let all = drain(&mut table);
        prop_assert_eq!(all.len(), rows.len());
        for (came, row) in all.iter().zip(&rows) {
            prop_assert_eq!(cells(came.as_ref().unwrap()), row.iter().map(String::as_str).collect::<Vec<_>>());
        }
    }
}

/// Rows, and problems by their words, as one way of reading tells them.
type Told = Vec<Result<(u64, Vec<String>), String>>;

fn by_rows(table: &mut liuhen_reading::Table) -> Told {
    let width = table.header().len();
    std::iter::from_fn(|| table.next_row())
        .map(|row| match row {
            Ok(row) => {
                let cell = |at| row.cell(at).to_owned();
                Ok((row.number, (0..width).map(cell).collect()))
            }
            Err(problem) => Err(problem.to_string()),
        })
        .collect()
}

fn by_lines(table: &mut liuhen_reading::Table) -> Told {
    let width = table.header().len();
    let mut line = liuhen_reading::Line::default();
    let mut told = Vec::new();
    while let Some(row) = table.next_line(&mut line) {
        told.push(match row {
            Ok(number) => {
                let mut cells: Vec<String> = line.cells().map(str::to_owned).collect();
                cells.resize(width, String::new());
                Ok((number, cells))
            }
            Err(problem) => Err(problem.to_string()),
        });
    }
    told
}

#[test]
fn lines_are_the_same_rows() {
    let row = "王伟,=\"0123\",\"a,\n\"\"b\"\" \"\n\nx\n,,,\n1,2,3,,\n1,2,3,4\n1.10101E+17,b,c\n\0,b,c\n\"open\nd,e,f\n";
    let mut bytes = format!("甲,乙,丙\n{}", row.repeat(40)).into_bytes();
    bytes.extend(b"\xFF,b,c\nlast,\xE5,\n");
    let open = |bytes: &[u8]| {
        liuhen_reading::open(
            std::io::Cursor::new(bytes.to_vec()),
            "x.csv",
            &liuhen_reading::Limits::default(),
        )
        .unwrap()
    };
    let (mut rows, mut lines) = (open(&bytes), open(&bytes));
    let told = by_rows(&mut rows);
    assert!(told.len() > 200 && told.iter().any(Result::is_err));
    assert_eq!(by_lines(&mut lines), told);
    assert_eq!(lines.short_rows(), rows.short_rows());
}
