//! PostgreSQL.
//!
//! Rule: the manual's chapter "Frontend/Backend Protocol", version 3.0, simple queries, whose values
//! come as text. Of the ways to log in SCRAM-SHA-256 is spoken, and a password in clear through a Unix
//! socket; MD5 is broken and refused.

use liuhen_reading::Line;

use crate::address::Address;
use crate::error::DatabaseError;
use crate::scram::Scram;
use crate::wire::{Connection, Parts, shown};
use crate::{Listed, TableName};

const VERSION: u32 = 196_608;

/// Row-level security would leave rows out in silence; so the server refuses instead. Beside another
/// scan of a table ours would begin wherever that one is.
const SETTINGS: [(&str, &str); 7] = [
    ("client_encoding", "UTF8"),
    ("application_name", "liuhen"),
    ("default_transaction_read_only", "on"),
    ("DateStyle", "ISO, YMD"),
    ("row_security", "off"),
    ("synchronize_seqscans", "off"),
    ("search_path", "pg_catalog"),
];

/// Tables and the columns of their primary keys; catalogue names are those of the server's manual.
const TABLES: &str = "\
SELECT n.nspname, c.relname, CASE WHEN c.relkind IN ('r', 'm') THEN 'read' WHEN c.relkind = 'p' THEN 'parts' ELSE 'other' END,
  a.attname
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
LEFT JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY k(num, at) ON k.at <= i.indnkeyatts
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.num
WHERE c.relkind IN ('r', 'm', 'v', 'f', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%'
ORDER BY n.nspname, c.relname, k.at";

pub(crate) fn begin(
    connection: &mut Connection,
    address: &Address,
    password: Option<&str>,
) -> Result<(), DatabaseError> {
    let mut startup = VERSION.to_be_bytes().to_vec();
    let named = [
        ("user", address.user.as_str()),
        ("database", &address.database),
    ];
    for (name, value) in named.into_iter().chain(SETTINGS) {
        for text in [name, value] {
            startup.extend_from_slice(text.as_bytes());
            startup.push(0);
        }
    }
    startup.push(0);
    connection.send(&framed(None, &startup))?;
    log_in(connection, password)?;
    run(
        connection,
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        &mut |_| Ok(()),
    )
}

/// A message: its letter, its length, itself.
fn framed(letter: Option<u8>, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap_or(u32::MAX);
    let mut message = Vec::with_capacity(body.len() + 5);
    message.extend(letter);
    message.extend_from_slice(&length.to_be_bytes());
    message.extend_from_slice(body);
    message
}

/// Reads a message; answers its letter.
fn next(connection: &mut Connection) -> Result<u8, DatabaseError> {
    let [letter, length @ ..] = connection.array::<5>()?;
    let length =
        (u32::from_be_bytes(length) as usize)
            .checked_sub(4)
            .ok_or(DatabaseError::Protocol(
                "a message is shorter than its length",
            ))?;
    connection.begin_message();
    connection.append(length)?;
    Ok(letter)
}

fn log_in(connection: &mut Connection, password: Option<&str>) -> Result<(), DatabaseError> {
    let mut scram: Option<Scram> = None;
    // Of the server, and of its saying that we are in.
    let (mut proved, mut admitted) = (false, false);
    let wanted = || password.ok_or(DatabaseError::NoPassword);
    loop {
        match next(connection)? {
            b'R' => {}
            b'E' => return Err(refusal(&connection.message)),
            b'Z' if admitted => return Ok(()),
            b'Z' => return Err(DatabaseError::Impostor),
            // Settings of the server, its key for cancelling, notices.
            b'S' | b'K' | b'N' | b'v' => continue,
            _ => {
                return Err(DatabaseError::Protocol(
                    "a message that belongs to no login",
                ));
            }
        }
        let message = std::mem::take(&mut connection.message);
        let mut parts = Parts(&message);
        match (u32::from_be_bytes(parts.array()?), &mut scram) {
            // A server that was asked to prove itself must have done so, and where somebody could
            // stand between, one that was given no chance to is not believed where there is a password.
            (0, Some(_)) if !proved => return Err(DatabaseError::Impostor),
            (0, None) if password.is_some() && !connection.is_private => {
                return Err(DatabaseError::Impostor);
            }
            (0, _) => admitted = true,
            (_, _) if admitted => return Err(DatabaseError::Impostor),
            (3, _) if connection.is_private => {
                connection.send(&framed(Some(b'p'), &[wanted()?.as_bytes(), b"\0"].concat()))?;
            }
            (3, _) => return Err(DatabaseError::Method("a password in clear")),
            (5, _) => return Err(DatabaseError::Method("a password hashed by MD5")),
            (10, _) => {
                wanted()?;
                let offered = parts.0.split(|byte| *byte == 0);
                if !offered.into_iter().any(|name| name == b"SCRAM-SHA-256") {
                    return Err(DatabaseError::Method("SASL other than SCRAM-SHA-256"));
                }
                // What was proved in another exchange proves nothing in this one.
                proved = false;
                // The server knows the user already, and takes no other name here.
                let begun = scram.insert(Scram::begin("")?).first();
                let length = u32::try_from(begun.len()).unwrap_or(0).to_be_bytes();
                let body = [b"SCRAM-SHA-256\0", &length[..], begun.as_bytes()].concat();
                connection.send(&framed(Some(b'p'), &body))?;
            }
            (11, Some(scram)) => {
                let answer = scram.last(parts.0, wanted()?)?;
                connection.send(&framed(Some(b'p'), answer.as_bytes()))?;
            }
            (12, Some(scram)) => proved = scram.is_proved(parts.0),
            _ => return Err(DatabaseError::Method("a login of another kind")),
        }
    }
}

/// The server's code; its words may hold values (manual, "Error and Notice Message Fields").
fn refusal(message: &[u8]) -> DatabaseError {
    let code = message
        .split(|byte| *byte == 0)
        .find_map(|field| field.strip_prefix(b"C"))
        .filter(|code| code.len() == 5 && code.iter().all(u8::is_ascii_alphanumeric));
    DatabaseError::Refused(code.map_or_else(
        || "unknown".to_owned(),
        |code| String::from_utf8_lossy(code).into_owned(),
    ))
}

/// Sends a query of ours.
fn ask(connection: &mut Connection, query: &str) -> Result<(), DatabaseError> {
    connection.send(&framed(Some(b'Q'), &[query.as_bytes(), b"\0"].concat()))?;
    connection.is_answering = true;
    Ok(())
}

/// Runs a query and tells each row.
fn run(
    connection: &mut Connection,
    query: &str,
    told: &mut dyn FnMut(&Line) -> Result<(), DatabaseError>,
) -> Result<(), DatabaseError> {
    ask(connection, query)?;
    crate::rows(connection, row, told)
}

pub(crate) fn tables(
    connection: &mut Connection,
    database: &str,
) -> Result<Vec<TableName>, DatabaseError> {
    let mut tables: Vec<TableName> = Vec::new();
    run(connection, TABLES, &mut |line| {
        let told = Listed::of(line)?;
        // A partitioned table's rows lie in its parts, which come by themselves.
        if told.kind != "parts" {
            told.put(&mut tables, database, Some(told.space));
        }
        Ok(())
    })?;
    Ok(tables)
}

/// After a refusal the transaction takes no more queries until it goes back.
fn back(connection: &mut Connection) -> Result<(), DatabaseError> {
    run(connection, "ROLLBACK TO SAVEPOINT liuhen", &mut |_| Ok(()))
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn whole(table: &TableName) -> String {
    let schema = table.schema.as_deref().unwrap_or("public");
    format!("{}.{}", quoted(schema), quoted(&table.name))
}

/// Begins to read a table; answers its columns.
pub(crate) fn select(
    connection: &mut Connection,
    table: &TableName,
    sample: Option<u64>,
) -> Result<Vec<String>, DatabaseError> {
    if run(connection, "SAVEPOINT liuhen", &mut |_| Ok(())).is_err() {
        // The table before ended in a refusal.
        back(connection)?;
    }
    // ONLY: what inherits from it is a table of its own.
    let mut query = format!("SELECT * FROM ONLY {}", whole(table));
    if !table.order.is_empty() {
        let columns: Vec<String> = table.order.iter().map(|name| quoted(name)).collect();
        query += &format!(" ORDER BY {}", columns.join(", "));
    }
    if let Some(sample) = sample {
        query += &format!(" LIMIT {sample}");
    }
    ask(connection, &query)?;
    loop {
        match next(connection)? {
            b'T' => return columns(&connection.message),
            b'S' | b'N' => {}
            b'E' => {
                let error = refusal(&connection.message);
                rest(connection)?;
                back(connection)?;
                return Err(error);
            }
            _ => return Err(DatabaseError::Protocol("no columns before the rows")),
        }
    }
}

fn columns(message: &[u8]) -> Result<Vec<String>, DatabaseError> {
    let mut parts = Parts(message);
    let count = u16::from_be_bytes(parts.array()?);
    let mut column = || {
        let name = shown(parts.text()?).into_owned();
        parts.take(18)?;
        Ok(name)
    };
    (0..count).map(|_| column()).collect()
}

/// Passes over what is left of an answer.
fn rest(connection: &mut Connection) -> Result<(), DatabaseError> {
    while connection.is_answering {
        connection.is_answering = next(connection)? != b'Z';
    }
    Ok(())
}

/// The next row of the answer under way.
pub(crate) fn row(
    connection: &mut Connection,
    line: &mut Line,
) -> Result<Option<()>, DatabaseError> {
    while connection.is_answering {
        match next(connection)? {
            b'D' => {
                line.clear();
                cells(connection, line)?;
                return Ok(Some(()));
            }
            b'Z' => connection.is_answering = false,
            b'E' => {
                let error = refusal(&connection.message);
                rest(connection)?;
                return Err(error);
            }
            // The columns, the end of the command, notices and settings.
            b'T' | b'C' | b'I' | b'N' | b'S' => {}
            _ => {
                return Err(DatabaseError::Protocol(
                    "a message that belongs to no answer",
                ));
            }
        }
    }
    Ok(None)
}

fn cells(connection: &Connection, line: &mut Line) -> Result<(), DatabaseError> {
    if connection.too_long {
        return Ok(());
    }
    let mut parts = Parts(&connection.message);
    for _ in 0..u16::from_be_bytes(parts.array()?) {
        // A length below zero stands for nothing.
        match usize::try_from(i32::from_be_bytes(parts.array()?)) {
            Ok(length) => line.push(&bytes_shown(parts.take(length)?)),
            Err(_) => line.push(""),
        }
    }
    Ok(())
}

/// Bytes come as `\x` and hexadecimal digits.
fn bytes_shown(cell: &[u8]) -> std::borrow::Cow<'_, str> {
    let digits = cell.strip_prefix(b"\\x");
    match digits.and_then(|digits| data_encoding::HEXLOWER.decode(digits).ok()) {
        Some(bytes) => shown(&bytes).into_owned().into(),
        None => shown(cell),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::said;

    fn data(cells: &[Option<&[u8]>]) -> Vec<u8> {
        let mut body = u16::try_from(cells.len()).unwrap().to_be_bytes().to_vec();
        for cell in cells {
            let length = cell.map_or(-1, |cell| i32::try_from(cell.len()).unwrap());
            body.extend_from_slice(&length.to_be_bytes());
            body.extend_from_slice(cell.unwrap_or_default());
        }
        framed(Some(b'D'), &body)
    }

    fn read(bytes: Vec<u8>) -> Result<Vec<Vec<String>>, DatabaseError> {
        let mut connection = said(bytes);
        let mut rows = Vec::new();
        run(&mut connection, "", &mut |line| {
            rows.push(line.cells().map(str::to_owned).collect());
            Ok(())
        })?;
        Ok(rows)
    }

    #[test]
    fn rows_of_an_answer() {
        let bytes = [
            data(&[Some("某甲".as_bytes()), None, Some(b"")]),
            data(&[Some(b"\\x00ff"), Some(b"\\x6162"), Some(b"\\xzz")]),
            framed(Some(b'C'), b"SELECT 2\0"),
            framed(Some(b'Z'), b"T"),
        ];
        let expected = [["某甲", "", ""], ["(2 bytes)", "ab", "\\xzz"]];
        assert_eq!(read(bytes.concat()).unwrap(), expected);
    }

    #[test]
    fn hostile_answers_are_faults_and_no_panics() {
        let whole = [data(&[Some(b"abc"), None]), framed(Some(b'Z'), b"T")].concat();
        for cut in 0..whole.len() - 1 {
            assert!(read(whole[..cut].to_vec()).is_err(), "{cut}");
        }
        for at in 0..whole.len() {
            for byte in [0, 1, 0x7f, 0x80, 0xff] {
                let mut changed = whole.clone();
                changed[at] = byte;
                // Whatever it is taken for, the program goes on.
                let _ = read(changed);
            }
        }
        let refused = framed(Some(b'E'), b"SERROR\0C42501\0Mvalue 13800000000\0\0");
        let error = read([refused, framed(Some(b'Z'), b"E")].concat()).unwrap_err();
        assert_eq!(error.to_string(), "the server refused, code 42501");
    }

    #[test]
    fn a_server_that_does_not_prove_itself_is_an_impostor() {
        let sasl = [&10_u32.to_be_bytes()[..], b"SCRAM-SHA-256\0\0"].concat();
        let ok = framed(Some(b'R'), &0_u32.to_be_bytes());
        let sasl = framed(Some(b'R'), &sasl);
        let ready = framed(Some(b'Z'), b"I");
        // Without SASL, before and after its beginning, and over again when it had been admitted.
        for messages in [
            vec![&sasl, &ok],
            vec![&sasl, &ready],
            vec![&ready],
            vec![&ok, &ready],
        ] {
            let bytes = messages.into_iter().flatten().copied().collect();
            let error = log_in(&mut said(bytes), Some("secret")).unwrap_err();
            assert!(matches!(error, DatabaseError::Impostor), "{error}");
        }
        // Where no password was given a server that asks for none is believed.
        log_in(&mut said([ok.clone(), ready.clone()].concat()), None).unwrap();
        let again = log_in(&mut said([ok, sasl].concat()), None).unwrap_err();
        assert!(matches!(again, DatabaseError::Impostor), "{again}");
        let log_in = |bytes: Vec<u8>| log_in(&mut said(bytes), Some("secret")).unwrap_err();
        for method in [3_u32, 5] {
            let asked = framed(Some(b'R'), &[&method.to_be_bytes()[..], b"salt"].concat());
            assert!(
                matches!(log_in(asked), DatabaseError::Method(_)),
                "{method}"
            );
        }
    }
}
