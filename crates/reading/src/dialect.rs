//! Which delimiter a text uses.
//!
//! The delimiter that splits most rows into the same number of cells, two or more. Excel's own
//! first line `sep=;` overrules it.

use crate::record::{Bounds, Delimiter, Record, Split, split};

/// Rows that a delimiter is judged by.
const ROWS: usize = 200;

const BOUNDS: Bounds = Bounds {
    columns: 4_096,
    cell: 1 << 20,
};

/// The likeliest delimiter of the text that `head` begins; `whole` says that nothing follows.
///
/// `name` is the file's name, which decides between equals.
pub(crate) fn guess(head: &[u8], whole: bool, name: &str) -> Delimiter {
    let by_name = if name.to_ascii_lowercase().ends_with(".tsv") {
        Delimiter::Tab
    } else {
        Delimiter::Comma
    };
    let mut best = (0.0, 0, by_name);
    for delimiter in Delimiter::ALL {
        let (share, width, _) = regularity(head, whole, delimiter);
        // `，` also separates the clauses of a sentence; only a very regular one delimits.
        let needed = if delimiter == Delimiter::FullWidthComma {
            0.95
        } else {
            0.5
        };
        let better = (share, width) > (best.0, best.1)
            || (share, width) == (best.0, best.1) && delimiter == by_name;
        if width >= 2 && share >= needed && better {
            best = (share, width, delimiter);
        }
    }
    best.2
}

/// The delimiter of a text that is clearly a table: of its rows, two or more, nearly all have the
/// same number of cells, and no name of a column is empty.
pub(crate) fn clear(head: &[u8], whole: bool) -> Option<Delimiter> {
    let share = |delimiter: Delimiter| (regularity(head, whole, delimiter), delimiter);
    let best = Delimiter::ALL
        .into_iter()
        .map(share)
        .filter(|((share, width, rows), _)| *share >= 0.95 && *width >= 2 && *rows >= 2)
        .filter(|(_, delimiter)| names_all(head, whole, *delimiter))
        // The first of equals: `max_by` would answer the last.
        .reduce(|best, one| {
            if (one.0.1, one.0.0) > (best.0.1, best.0.0) {
                one
            } else {
                best
            }
        });
    best.map(|(_, delimiter)| delimiter)
}

/// Whether every cell of the first row is filled: lines of code end with their delimiter.
fn names_all(head: &[u8], whole: bool, delimiter: Delimiter) -> bool {
    let mut record = Record::default();
    let came = split(head, whole, delimiter, BOUNDS, &mut record);
    let mut start = 0;
    let mut filled = record.ends.iter().map(|&end| {
        let cell = record.bytes.get(start..end).unwrap_or(&[]);
        start = end;
        !cell.trim_ascii().is_empty()
    });
    matches!(came, Split::Record(_)) && filled.all(|filled| filled)
}

/// The share of rows that have the commonest number of cells above one, that number, and
/// how many rows were looked at.
fn regularity(mut head: &[u8], whole: bool, delimiter: Delimiter) -> (f64, usize, usize) {
    let mut record = Record::default();
    let mut counts = std::collections::BTreeMap::new();
    let mut rows = 0usize;
    while rows < ROWS && !head.is_empty() {
        let Split::Record(n) = split(head, whole, delimiter, BOUNDS, &mut record) else {
            break;
        };
        head = &head[n..];
        if !record.is_blank() {
            rows += 1;
            *counts.entry(record.ends.len()).or_insert(0usize) += 1;
        }
    }
    let most = counts
        .into_iter()
        .filter(|(width, _)| *width > 1)
        .max_by_key(|(_, count)| *count);
    most.map_or((0.0, 1, rows), |(width, count)| {
        (count as f64 / rows as f64, width, rows)
    })
}

/// The delimiter that a first line `sep=;` states, and that line's length in bytes.
pub(crate) fn stated(head: &[u8]) -> Option<(Delimiter, usize)> {
    let length = crate::record::line_end(head)?;
    let line = std::str::from_utf8(&head[..length])
        .ok()?
        .trim_end_matches(['\r', '\n']);
    let mark = line
        .get(..4)
        .filter(|key| key.eq_ignore_ascii_case("sep="))
        .map(|_| &line[4..])?;
    let delimiter = Delimiter::ALL
        .into_iter()
        .find(|delimiter| delimiter.as_str() == mark)?;
    Some((delimiter, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delimiters_are_guessed() {
        let rows = [
            ("comma", "a,b\n1,2\n", "x.csv", Delimiter::Comma),
            (
                "semicolon, decimal commas",
                "a;b\n1,5;2\n1,7;3\n",
                "x.csv",
                Delimiter::Semicolon,
            ),
            (
                "tab, commas in addresses",
                "a\tb\n甲,乙\t1\n丙,丁\t2\n",
                "x.csv",
                Delimiter::Tab,
            ),
            ("pipe", "a|b|c\n1|2|3\n", "", Delimiter::Pipe),
            (
                "full width",
                "姓名，电话\n张三，1\n李四，2\n",
                "",
                Delimiter::FullWidthComma,
            ),
            (
                "sentences",
                "今天，晴\n明天，雨，冷\n后天\n",
                "",
                Delimiter::Comma,
            ),
            ("one column", "a\n1\n2\n", "x.csv", Delimiter::Comma),
            ("one column, tsv", "a\n1\n2\n", "x.TSV", Delimiter::Tab),
            (
                "title line",
                "报表\na;b;c\n1;2;3\n",
                "",
                Delimiter::Semicolon,
            ),
            (
                "quoted",
                "\"a,b\";\"c,d\"\n\"1,2\";\"3\"\n",
                "",
                Delimiter::Semicolon,
            ),
            ("empty", "", "", Delimiter::Comma),
        ];
        for (name, text, file, expected) in rows {
            assert_eq!(guess(text.as_bytes(), true, file), expected, "{name}");
        }
    }

    #[test]
    fn prose_with_commas_is_no_clear_table() {
        let rows = [
            (
                "table",
                "姓名,电话\n张三,1\n李四,2\n",
                Some(Delimiter::Comma),
            ),
            ("tabs", "a\tb, c\n1\t2\n", Some(Delimiter::Tab)),
            ("one row", "a,b\n", None),
            ("prose", "今天, 晴\n明天\n后天, 雨, 冷\n", None),
            ("code", "let x = f(a, b);\nreturn x;\n", None),
        ];
        for (name, text, expected) in rows {
            assert_eq!(clear(text.as_bytes(), true), expected, "{name}");
        }
    }

    #[test]
    fn excel_states_its_delimiter() {
        assert_eq!(stated(b"sep=;\r\na;b"), Some((Delimiter::Semicolon, 7)));
        assert_eq!(stated(b"SEP=\t\nx"), Some((Delimiter::Tab, 6)));
        assert_eq!(stated(b"sep=ab\nx"), None);
        assert_eq!(stated("甲,乙\n".as_bytes()), None);
    }
}
