//! MySQL and MariaDB.
//!
//! Rule: the manual's "Client/Server Protocol", handshake 10 and protocol 4.1, queries whose values
//! come as text. Of the ways to log in `mysql_native_password` and `caching_sha2_password` are spoken;
//! the latter's password in clear only through a Unix socket. A server's wish for a local file is
//! refused: it was never offered.

use liuhen_reading::Line;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use crate::address::Address;
use crate::error::DatabaseError;
use crate::wire::{Connection, Parts, shown};
use crate::{Listed, TableName};

/// Long password, database named, 4.1, transactions, 4.1's login, plugins; no local files, no
/// several queries in one, no compression.
const CAPABILITIES: u32 = 0x1 | 0x8 | 0x200 | 0x2000 | 0x8000 | 0x0008_0000;
/// What the server must be able to: 4.1, its login, plugins.
const NEEDED: u32 = 0x200 | 0x8000 | 0x0008_0000;
/// `utf8mb4_general_ci`.
const UTF8: u8 = 45;
/// Bytes of a packet; a message of more goes on in the next.
const WHOLE: usize = 0xff_ffff;

/// Columns that a table of the server may have (its manual, "Limits on Table Column Count").
const MOST_COLUMNS: usize = 4096;
/// Messages in which a login is settled; the ways that are spoken take three.
const MOST_OF_LOGIN: usize = 16;

const NATIVE: &[u8] = b"mysql_native_password";
const CACHING: &[u8] = b"caching_sha2_password";

/// Engines whose tables would dial further or read other files are listed and not read.
const TABLES: &str = "\
SELECT t.table_schema, t.table_name,
  CASE WHEN t.table_type = 'BASE TABLE' AND COALESCE(t.engine, '') NOT IN ('FEDERATED', 'CONNECT', 'SPIDER', 'S3', 'OQGRAPH', 'SPHINX', 'MRG_MYISAM') THEN 'read' ELSE 'other' END,
  k.column_name
FROM information_schema.tables t
LEFT JOIN information_schema.key_column_usage k ON k.table_schema = t.table_schema AND k.table_name = t.table_name AND k.constraint_name = 'PRIMARY'
WHERE t.table_schema NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')
ORDER BY t.table_schema, t.table_name, k.ordinal_position";

pub(crate) fn begin(
    connection: &mut Connection,
    address: &Address,
    password: Option<&str>,
) -> Result<(), DatabaseError> {
    let (salt, plugin) = greeting(connection)?;
    let answer = proof(&plugin, password, &salt).unwrap_or_default();
    let mut login = CAPABILITIES.to_le_bytes().to_vec();
    login.extend_from_slice(&u32::try_from(WHOLE).unwrap_or(u32::MAX).to_le_bytes());
    login.push(UTF8);
    login.extend_from_slice(&[0; 23]);
    login.extend_from_slice(address.user.as_bytes());
    login.push(0);
    login.push(u8::try_from(answer.len()).unwrap_or(0));
    login.extend_from_slice(&answer);
    login.extend_from_slice(address.database.as_bytes());
    login.push(0);
    login.extend_from_slice(&plugin);
    login.push(0);
    packet(connection, &login)?;
    logged_in(connection, password, plugin)?;
    for query in [
        "SET NAMES utf8mb4",
        "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
        "SET SESSION TRANSACTION READ ONLY",
        // No answer is changed on its way into text by what the administrator likes.
        "SET SESSION sql_mode = 'ANSI_QUOTES'",
        "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
    ] {
        run(connection, query, &mut |_| Ok(()))?;
    }
    Ok(())
}

/// Sends a message; all of ours fit one packet.
fn packet(connection: &mut Connection, body: &[u8]) -> Result<(), DatabaseError> {
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX).to_le_bytes();
    let mut bytes = length.get(..3).unwrap_or_default().to_vec();
    bytes.push(connection.sequence);
    connection.sequence = connection.sequence.wrapping_add(1);
    bytes.extend_from_slice(body);
    connection.send(&bytes)
}

/// Reads a message, joined of as many packets as it takes; answers its first byte.
fn next(connection: &mut Connection) -> Result<u8, DatabaseError> {
    connection.begin_message();
    loop {
        let [a, b, c, sequence] = connection.array::<4>()?;
        if sequence != connection.sequence {
            return Err(DatabaseError::Protocol("a packet is out of its turn"));
        }
        connection.sequence = sequence.wrapping_add(1);
        let length = u32::from_le_bytes([a, b, c, 0]) as usize;
        connection.append(length)?;
        if length < WHOLE {
            break;
        }
    }
    match connection.message.first() {
        Some(first) => Ok(*first),
        None if connection.too_long => Ok(0),
        None => Err(DatabaseError::Protocol("a message without a byte")),
    }
}

/// The server's salt, and how it wants the password.
fn greeting(connection: &mut Connection) -> Result<(Vec<u8>, Vec<u8>), DatabaseError> {
    match next(connection)? {
        10 => {}
        0xff => return Err(refusal(&connection.message)),
        _ => return Err(DatabaseError::Protocol("another version of its protocol")),
    }
    let mut parts = Parts(connection.message.get(1..).unwrap_or_default());
    parts.text()?;
    parts.take(4)?;
    let mut salt = parts.take(8)?.to_vec();
    parts.take(1)?;
    let low = u16::from_le_bytes(parts.array()?);
    parts.take(3)?;
    let high = u16::from_le_bytes(parts.array()?);
    if (u32::from(high) << 16 | u32::from(low)) & NEEDED != NEEDED {
        return Err(DatabaseError::Protocol("older than its version 4.1"));
    }
    let [length] = parts.array()?;
    parts.take(10)?;
    salt.extend_from_slice(parts.take(usize::from(length).saturating_sub(8).max(13))?);
    salt.truncate(20);
    Ok((salt, parts.text().unwrap_or(parts.0).to_vec()))
}

/// What proves the password; nothing proves an empty one, and none for a way that is not spoken.
fn proof(plugin: &[u8], password: Option<&str>, salt: &[u8]) -> Option<Vec<u8>> {
    let password = password.unwrap_or("").as_bytes();
    match plugin {
        NATIVE | CACHING if password.is_empty() => Some(Vec::new()),
        // SHA1(password) XOR SHA1(salt, SHA1(SHA1(password)))
        NATIVE => {
            let once = Sha1::digest(password);
            let salted = Sha1::new()
                .chain_update(salt)
                .chain_update(Sha1::digest(once));
            Some(xor(&once, &salted.finalize()))
        }
        // SHA256(password) XOR SHA256(SHA256(SHA256(password)), salt)
        CACHING => {
            let once = Sha256::digest(password);
            let salted = Sha256::new()
                .chain_update(Sha256::digest(once))
                .chain_update(salt);
            Some(xor(&once, &salted.finalize()))
        }
        _ => None,
    }
}

fn xor(a: &[u8], b: &[u8]) -> Vec<u8> {
    a.iter().zip(b).map(|(a, b)| a ^ b).collect()
}

fn logged_in(
    connection: &mut Connection,
    password: Option<&str>,
    mut plugin: Vec<u8>,
) -> Result<(), DatabaseError> {
    for _ in 0..MOST_OF_LOGIN {
        match next(connection)? {
            0 => return Ok(()),
            0xff => return Err(refusal(&connection.message)),
            // Another way to log in.
            0xfe => {
                let mut parts = Parts(connection.message.get(1..).unwrap_or_default());
                plugin = parts.text()?.to_vec();
                let salt = parts.0.strip_suffix(b"\0").unwrap_or(parts.0);
                let Some(answer) = proof(&plugin, password, salt) else {
                    return Err(DatabaseError::Method("a login of another kind"));
                };
                packet(connection, &answer)?;
            }
            1 if plugin == CACHING => match connection.message.get(1) {
                Some(3) => {}
                Some(4) if connection.is_private => {
                    let password = password.ok_or(DatabaseError::NoPassword)?;
                    packet(connection, &[password.as_bytes(), b"\0"].concat())?;
                }
                _ => {
                    return Err(DatabaseError::Method(
                        "a password in clear (connect through its Unix socket)",
                    ));
                }
            },
            _ => {
                return Err(DatabaseError::Protocol(
                    "a message that belongs to no login",
                ));
            }
        }
    }
    Err(DatabaseError::Protocol("a login that never ends"))
}

/// The server's number; its words may hold values.
fn refusal(message: &[u8]) -> DatabaseError {
    let code = message.get(1..3).and_then(|code| code.try_into().ok());
    DatabaseError::Refused(code.map_or(0, u16::from_le_bytes).to_string())
}

/// Sends a query of ours; answers its columns, none for a command.
fn ask(connection: &mut Connection, query: &str) -> Result<Vec<String>, DatabaseError> {
    connection.sequence = 0;
    packet(connection, &[b"\x03", query.as_bytes()].concat())?;
    let count = match next(connection)? {
        0 => return Ok(Vec::new()),
        0xff => return Err(refusal(&connection.message)),
        0xfb => {
            return Err(DatabaseError::Protocol(
                "it asks for a file of this machine",
            ));
        }
        _ => length(&mut Parts(&connection.message))?,
    };
    if count > MOST_COLUMNS {
        return Err(DatabaseError::Protocol("an answer of too many columns"));
    }
    let mut columns = Vec::new();
    for _ in 0..count {
        next(connection)?;
        let mut parts = Parts(&connection.message);
        // Catalogue, schema, table, its true name; then the name.
        for _ in 0..4 {
            text(&mut parts)?;
        }
        columns.push(shown(text(&mut parts)?.unwrap_or_default()).into_owned());
    }
    if next(connection)? != 0xfe {
        return Err(DatabaseError::Protocol("columns never end"));
    }
    connection.is_answering = true;
    Ok(columns)
}

/// A number whose first byte says how many it has.
fn length(parts: &mut Parts<'_>) -> Result<usize, DatabaseError> {
    let [first] = parts.array()?;
    let bytes = match first {
        0xfc => parts.take(2)?,
        0xfd => parts.take(3)?,
        0xfe => parts.take(8)?,
        0xfb | 0xff => return Err(DatabaseError::Protocol("a length is none")),
        small => return Ok(usize::from(small)),
    };
    let number = bytes
        .iter()
        .rev()
        .fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    usize::try_from(number).map_err(|_| DatabaseError::Protocol("a length is none"))
}

/// A text behind its length, or nothing.
fn text<'a>(parts: &mut Parts<'a>) -> Result<Option<&'a [u8]>, DatabaseError> {
    if parts.0.first() == Some(&0xfb) {
        parts.take(1)?;
        return Ok(None);
    }
    let length = length(parts)?;
    parts.take(length).map(Some)
}

/// The next row of the answer under way.
pub(crate) fn row(
    connection: &mut Connection,
    line: &mut Line,
) -> Result<Option<()>, DatabaseError> {
    line.clear();
    if !connection.is_answering {
        return Ok(None);
    }
    match next(connection) {
        Ok(0xfe) if connection.message.len() < 9 && !connection.too_long => {
            connection.is_answering = false;
            Ok(None)
        }
        Ok(0xff) => {
            connection.is_answering = false;
            Err(refusal(&connection.message))
        }
        Ok(_) => {
            let mut parts = Parts(&connection.message);
            while !parts.0.is_empty() {
                line.push(&shown(text(&mut parts)?.unwrap_or_default()));
            }
            Ok(Some(()))
        }
        Err(error) => {
            connection.is_answering = false;
            Err(error)
        }
    }
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
        if database.is_empty() || told.space == database {
            told.put(&mut tables, told.space, None);
        }
        Ok(())
    })?;
    Ok(tables)
}

fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

fn whole(table: &TableName) -> String {
    format!("{}.{}", quoted(&table.database), quoted(&table.name))
}

/// A text in a query, where a backslash leads what follows it.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

/// The columns that a table has and `*` leaves out.
fn invisible(connection: &mut Connection, table: &TableName) -> Result<Vec<String>, DatabaseError> {
    let query = format!(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = {} AND table_name = {} AND extra LIKE '%INVISIBLE%' ORDER BY ordinal_position",
        literal(&table.database),
        literal(&table.name)
    );
    let mut names = Vec::new();
    run(connection, &query, &mut |line| {
        names.extend(line.cells().next().map(str::to_owned));
        Ok(())
    })?;
    Ok(names)
}

/// Begins to read a table; answers its columns.
pub(crate) fn select(
    connection: &mut Connection,
    table: &TableName,
    sample: Option<u64>,
) -> Result<Vec<String>, DatabaseError> {
    // `*` is refused when a column may not be read; named by ourselves it would be left out.
    let mut columns = "*".to_owned();
    for name in invisible(connection, table)? {
        columns += &format!(", {}", quoted(&name));
    }
    let mut query = format!("SELECT {columns} FROM {}", whole(table));
    if !table.order.is_empty() {
        let columns: Vec<String> = table.order.iter().map(|name| quoted(name)).collect();
        query += &format!(" ORDER BY {}", columns.join(", "));
    }
    if let Some(sample) = sample {
        query += &format!(" LIMIT {sample}");
    }
    ask(connection, &query)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::said;

    fn packets(bodies: &[&[u8]], first: u8) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (sequence, body) in (first..).zip(bodies) {
            bytes.extend_from_slice(&u32::try_from(body.len()).unwrap().to_le_bytes()[..3]);
            bytes.push(sequence);
            bytes.extend_from_slice(body);
        }
        bytes
    }

    fn answer() -> Vec<u8> {
        let column = b"\x03def\x01d\x01t\x01t\x01n\x01n\x0c\x2d\0\0\0\0\0\xfd\0\0\0\0\0";
        let row = "\u{6}某甲".as_bytes();
        packets(
            &[
                b"\x01",
                column,
                b"\xfe\0\0\0\0",
                row,
                b"\xfb",
                b"\x02\xff\xfe",
                b"\xfe\0\0\0\0",
            ],
            1,
        )
    }

    fn read(bytes: Vec<u8>) -> Result<Vec<String>, DatabaseError> {
        let mut rows = Vec::new();
        run(&mut said(bytes), "", &mut |line| {
            rows.extend(line.cells().map(str::to_owned));
            Ok(())
        })?;
        Ok(rows)
    }

    #[test]
    fn rows_of_an_answer() {
        assert_eq!(read(answer()).unwrap(), ["某甲", "", "(2 bytes)"]);
    }

    #[test]
    fn hostile_answers_are_faults_and_no_panics() {
        let whole = answer();
        for cut in 0..whole.len() {
            assert!(read(whole[..cut].to_vec()).is_err(), "{cut}");
        }
        for at in 0..whole.len() {
            for byte in [0, 1, 0x7f, 0x80, 0xfb, 0xfc, 0xfe, 0xff] {
                let mut changed = whole.clone();
                changed[at] = byte;
                // Whatever it is taken for, the program goes on.
                let _ = read(changed);
            }
        }
        let error = read(packets(&[b"\xff\x28\x04#42000value 13800000000"], 1)).unwrap_err();
        assert_eq!(error.to_string(), "the server refused, code 1064");
        assert!(read(packets(&[b"\xfb/etc/passwd"], 1)).is_err());
        // As many columns as a length can say, each of them there.
        let column = b"\x03def\x01d\x01t\x01t\x01n\x01n\x0c\x2d\0\0\0\0\0\xfd\0\0\0\0\0";
        let mut bodies: Vec<&[u8]> = vec![b"\xfe\xff\xff\xff\xff\xff\xff\xff\x7f"];
        bodies.extend([&column[..]; 200]);
        let error = read(packets(&bodies, 1)).unwrap_err();
        assert!(error.to_string().contains("too many columns"), "{error}");
        // Another way to log in, and another, and another.
        let again = [b"\xfe", NATIVE, b"\0salt\0"].concat();
        let bytes: Vec<u8> = (0..100_u8)
            .flat_map(|at| packets(&[&again], at.wrapping_mul(2)))
            .collect();
        let error = logged_in(&mut said(bytes), None, NATIVE.to_vec()).unwrap_err();
        assert!(error.to_string().contains("never ends"), "{error}");
    }

    #[test]
    fn texts_in_queries_stay_texts() {
        assert_eq!(literal("it's \\ x"), "'it''s \\\\ x'");
    }

    /// From Python's hashlib, by the formulas of the manual.
    #[test]
    fn proofs() {
        let salt: Vec<u8> = (1..=20).collect();
        let hex =
            |plugin| data_encoding::HEXLOWER.encode(&proof(plugin, Some("secret"), &salt).unwrap());
        assert_eq!(hex(NATIVE), "b32bb3a583e1340c0a1108d58b1be49781ad8c2f");
        assert_eq!(
            hex(CACHING),
            "746ebe205d56a0707acb3e796e834e0dd7b1d61743b26bd5202c7a623230c7c9"
        );
        assert_eq!(proof(NATIVE, None, &salt), Some(Vec::new()));
        assert_eq!(proof(b"mysql_clear_password", Some("secret"), &salt), None);
    }
}
