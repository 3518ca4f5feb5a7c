//! The words of SQL that a dump is made of: blanks, names, literals, ends of statements.

/// How far something reaches.
pub(super) enum Scan {
    Whole(usize),
    /// Its end is not at hand.
    Open,
}

/// The head of an `INSERT`.
pub(super) struct Insert {
    pub(super) table: String,
    pub(super) columns: Vec<String>,
    pub(super) length: usize,
}

/// One value of a row.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Value {
    pub(super) text: String,
}

/// How words are read.
pub(super) struct Words {
    /// A backslash escapes in every string, not only in those marked `E`.
    pub(super) backslash: bool,
}

impl Words {
    /// Bytes of blanks and comments at the beginning, as far as they end at hand.
    pub(super) fn blanks(&self, text: &str) -> usize {
        let mut at = 0;
        loop {
            let rest = &text[at..];
            let blank = rest.len()
                - rest
                    .trim_start_matches(|c: char| c.is_whitespace() || c == ';')
                    .len();
            at += blank;
            let rest = &text[at..];
            let comment = if rest.starts_with("--") || rest.starts_with('#') {
                rest.find('\n').map(|end| end + 1)
            } else if rest.starts_with("/*") {
                rest.find("*/").map(|end| end + 2)
            } else {
                None
            };
            match comment {
                Some(length) => at += length,
                None => return at,
            }
        }
    }

    /// A statement with its semicolon; strings and names in quotes may hold others.
    pub(super) fn statement(&self, text: &str) -> Scan {
        let bytes = text.as_bytes();
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            match byte {
                b';' => return Scan::Whole(at + 1),
                b'\'' | b'"' | b'`' => match self.quoted(text, at, false) {
                    Some((_, end)) => at = end,
                    None => return Scan::Open,
                },
                _ => at += 1,
            }
        }
        Scan::Open
    }

    /// A string or name in quotes that begins at `at`: what it says, and where it ends.
    fn quoted(&self, text: &str, at: usize, marked: bool) -> Option<(String, usize)> {
        let bytes = text.as_bytes();
        let quote = *bytes.get(at)?;
        let escapes = (self.backslash || marked) && quote != b'`';
        let mut out = String::new();
        let mut from = at + 1;
        let mut next = from;
        loop {
            let byte = *bytes.get(next)?;
            if byte == quote {
                out.push_str(text.get(from..next)?);
                if bytes.get(next + 1) != Some(&quote) {
                    return Some((out, next + 1));
                }
                // A quote written twice stands for one.
                from = next + 1;
                next += 2;
            } else if byte == b'\\' && escapes {
                out.push_str(text.get(from..next)?);
                let c = text.get(next + 1..)?.chars().next()?;
                out.push(unescaped(c));
                next += 1 + c.len_utf8();
                from = next;
            } else {
                next += 1;
            }
        }
    }

    /// A name, in quotes or not, without the schema before it.
    fn name(&self, text: &str) -> Option<(String, usize)> {
        let mut at = 0;
        loop {
            let rest = text.get(at..)?;
            let (name, length) = match rest.as_bytes().first()? {
                b'`' | b'"' => self
                    .quoted(text, at, false)
                    .map(|(name, end)| (name, end - at))?,
                b'[' => {
                    let end = rest.find(']')?;
                    (rest[1..end].to_owned(), end + 1)
                }
                _ => {
                    let end = rest.find(|c: char| !(c.is_alphanumeric() || "_$#@".contains(c)))?;
                    (rest[..end].to_owned(), end)
                }
            };
            at += length;
            if length == 0 {
                return None;
            }
            if text[at..].starts_with('.') {
                at += 1;
            } else {
                return Some((name, at));
            }
        }
    }

    /// Names in parentheses: where they end, and the first name of each part.
    fn names(&self, text: &str) -> Option<(Vec<String>, usize)> {
        let mut at = 1;
        let mut names = Vec::new();
        loop {
            at += self.blanks(text.get(at..)?);
            let (name, length) = self.name(text.get(at..)?)?;
            names.push(name);
            at += length;
            at += self.blanks(text.get(at..)?);
            match text.as_bytes().get(at)? {
                b',' => at += 1,
                b')' => return Some((names, at + 1)),
                _ => return None,
            }
        }
    }

    /// `INSERT INTO table (columns) VALUES`, and its relatives.
    pub(super) fn insert(&self, text: &str) -> Option<Insert> {
        let mut at = word(text, 0, &["INSERT", "REPLACE"])?;
        while let Some(next) = word(
            text,
            at,
            &["INTO", "IGNORE", "OR", "REPLACE", "DELAYED", "LOW_PRIORITY"],
        ) {
            at = next;
        }
        let (table, columns, mut at) = self.target(text, at)?;
        if let Some(next) = word(text, at, &["OVERRIDING"]) {
            at = word(text, word(text, next, &["SYSTEM", "USER"])?, &["VALUE"])?;
        }
        let length = word(text, at, &["VALUES", "VALUE"])?;
        Some(Insert {
            table,
            columns,
            length,
        })
    }

    /// `CREATE TABLE name (column type, …)`.
    pub(super) fn create(&self, text: &str) -> Option<(String, Vec<String>)> {
        let mut at = word(text, 0, &["CREATE"])?;
        while let Some(next) = word(
            text,
            at,
            &["TEMPORARY", "TEMP", "UNLOGGED", "GLOBAL", "LOCAL"],
        ) {
            at = next;
        }
        at = word(text, at, &["TABLE"])?;
        while let Some(next) = word(text, at, &["IF", "NOT", "EXISTS"]) {
            at = next;
        }
        let (table, length) = self.name(text.get(at..)?)?;
        at += length;
        at += self.blanks(text.get(at..)?);
        if !text.get(at..)?.starts_with('(') {
            return None;
        }
        at += 1;
        let mut columns = Vec::new();
        loop {
            at += self.blanks(text.get(at..)?);
            let constraint = [
                "PRIMARY",
                "KEY",
                "UNIQUE",
                "CONSTRAINT",
                "INDEX",
                "FOREIGN",
                "CHECK",
                "FULLTEXT",
                "SPATIAL",
                "EXCLUDE",
                "LIKE",
            ];
            if word(text, at, &constraint).is_none()
                && let Some((column, length)) = self.name(text.get(at..)?)
            {
                columns.push(column);
                at += length;
            }
            let (end, closed) = self.part(text, at)?;
            at = end + 1;
            if closed {
                return Some((table, columns));
            }
        }
    }

    /// `table (columns)` or `table` alone from `at` on, and where that ends.
    fn target(&self, text: &str, mut at: usize) -> Option<(String, Vec<String>, usize)> {
        let (table, length) = self.name(text.get(at..)?)?;
        at += length;
        at += self.blanks(text.get(at..)?);
        let mut columns = Vec::new();
        if text.get(at..)?.starts_with('(') {
            let (names, length) = self.names(&text[at..])?;
            columns = names;
            at += length;
        }
        Some((table, columns, at))
    }

    /// `COPY table (columns) FROM stdin`.
    pub(super) fn copy(&self, text: &str) -> Option<(String, Vec<String>)> {
        let at = word(text, 0, &["COPY"])?;
        let (table, columns, at) = self.target(text, at)?;
        word(text, word(text, at, &["FROM"])?, &["STDIN"]).map(|_| (table, columns))
    }

    /// Where the part of a list that holds `at` ends, and whether the list does there.
    fn part(&self, text: &str, mut at: usize) -> Option<(usize, bool)> {
        let mut depth = 0u32;
        loop {
            match text.as_bytes().get(at)? {
                b'(' => depth += 1,
                b')' if depth == 0 => return Some((at, true)),
                b')' => depth -= 1,
                b',' if depth == 0 => return Some((at, false)),
                b'\'' | b'"' | b'`' => {
                    at = self.quoted(text, at, false)?.1;
                    continue;
                }
                _ => {}
            }
            at += 1;
        }
    }

    /// A row in parentheses: its values, and where it ends.
    pub(super) fn tuple(&self, text: &str) -> Option<(Vec<Value>, usize)> {
        let mut values = Vec::new();
        let mut at = 1;
        loop {
            at += self.blanks(text.get(at..)?);
            let (end, closed) = self.value_end(text, at)?;
            values.push(self.value(text.get(at..end)?.trim()));
            at = end + 1;
            if closed {
                return Some((values, at));
            }
        }
    }

    fn value_end(&self, text: &str, at: usize) -> Option<(usize, bool)> {
        // A mark before a string says how it escapes.
        let marked = matches!(text.as_bytes().get(at)?, b'E' | b'e')
            && text.as_bytes().get(at + 1)? == &b'\'';
        match marked {
            true => self.part(text, self.quoted(text, at + 1, true)?.1),
            false => self.part(text, at),
        }
    }

    fn value(&self, raw: &str) -> Value {
        let text = match raw.as_bytes() {
            _ if raw.eq_ignore_ascii_case("null") => String::new(),
            [b'\'' | b'"', ..] => self.string(raw, 0, false),
            [b'E' | b'e', b'\'', ..] => self.string(raw, 1, true),
            [b'N' | b'n', b'\'', ..] => self.string(raw, 1, false),
            // MySQL's mark of a string's encoding.
            [b'_', ..] if raw.contains('\'') => {
                self.string(raw, raw.find('\'').unwrap_or(0), false)
            }
            _ => raw.to_owned(),
        };
        Value { text }
    }

    fn string(&self, raw: &str, at: usize, marked: bool) -> String {
        // A cast behind the string is left out; anything else makes it no literal.
        match self.quoted(raw, at, marked) {
            Some((text, end)) if raw[end..].is_empty() || raw[end..].starts_with("::") => text,
            _ => raw.to_owned(),
        }
    }
}

/// Where the text goes on behind one of these words and the blanks around it.
fn word(text: &str, at: usize, words: &[&str]) -> Option<usize> {
    let rest = text.get(at..)?;
    let trimmed = rest.trim_start();
    let length = trimmed.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))?;
    let found = trimmed.get(..length)?;
    let behind = trimmed[length..].trim_start();
    words
        .iter()
        .any(|word| word.eq_ignore_ascii_case(found))
        .then(|| text.len() - behind.len())
}

fn unescaped(c: char) -> char {
    match c {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'b' => '\u{8}',
        'Z' => '\u{1A}',
        '0' => '\u{FFFD}',
        c => c,
    }
}

/// A value of `COPY`: `\N` is none, a backslash escapes (PostgreSQL, COPY, text format).
pub(super) fn copied(raw: &str) -> Value {
    if raw == "\\N" {
        return Value {
            text: String::new(),
        };
    }
    let mut text = String::with_capacity(raw.len());
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => text.extend(chars.next().map(unescaped)),
            c => text.push(c),
        }
    }
    Value { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(row: &str, backslash: bool) -> Vec<String> {
        let (values, length) = Words { backslash }.tuple(row).unwrap();
        assert_eq!(length, row.len());
        values.into_iter().map(|value| value.text).collect()
    }

    #[test]
    fn values_of_a_row() {
        let mysql = r"(1,'某甲','it''s \'so\'\n',NULL, -2.5 ,_binary 'x',CONCAT('a','b'),0xFF)";
        let expected = [
            "1",
            "某甲",
            "it's 'so'\n",
            "",
            "-2.5",
            "x",
            "CONCAT('a','b')",
            "0xFF",
        ];
        assert_eq!(texts(mysql, true), expected);
        let postgres = r"('C:\',E'a\'b','2020-01-01'::date,(1+2))";
        assert_eq!(
            texts(postgres, false),
            [r"C:\", "a'b", "2020-01-01", "(1+2)"]
        );
        assert!(Words { backslash: true }.tuple("(1,'open").is_none());
    }

    #[test]
    fn heads_of_statements() {
        let words = Words { backslash: true };
        let head = words
            .insert("insert ignore into `db`.`人` (`a b`, c) VALUES (1,2)")
            .unwrap();
        assert_eq!((head.table.as_str(), head.columns.len()), ("人", 2));
        assert!(words.insert("INSERT INTO t SELECT * FROM u;").is_none());
        let create = "CREATE TABLE IF NOT EXISTS \"public\".t (id int(11) NOT NULL DEFAULT '1,2)', `名` varchar(9), PRIMARY KEY (id), KEY k (`名`));";
        assert_eq!(
            words.create(create).unwrap(),
            ("t".to_owned(), vec!["id".to_owned(), "名".to_owned()])
        );
        let copy = words.copy("COPY public.t (a, b) FROM stdin;").unwrap();
        assert_eq!(copy.1, ["a", "b"]);
        assert_eq!(copied(r"a\tb\\c").text, "a\tb\\c");
        assert_eq!(copied(r"\N").text, "");
    }
}
