//! Files within files: what comes out, in what order, under which names, and what is refused.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot make its file has failed"
)]

mod archives;
mod bombs;
mod columns;
mod documents;
mod made;
mod mutants;
mod rar;
mod records;

use std::io::{Cursor, Read as _};
use std::ops::ControlFlow;

use liuhen_document::TableSource as _;
use liuhen_reading::{Content, Limits, Passwords, Wishes, unpack};

/// A part as a line to compare: its place, then what it holds.
pub(crate) fn told(bytes: &[u8], name: &str, wishes: &Wishes) -> Vec<String> {
    let mut seen = Vec::new();
    let report = unpack(Cursor::new(bytes.to_vec()), name, wishes, &mut |part| {
        let holds = match part.content {
            Content::Text(text) => {
                let mut bytes = Vec::new();
                match text.into_reader().read_to_end(&mut bytes) {
                    Ok(_) => String::from_utf8_lossy(&bytes).into_owned(),
                    Err(error) => {
                        format!(
                            "{} bytes, then: {}",
                            bytes.len(),
                            liuhen_reading::ReadError::of(error)
                        )
                    }
                }
            }
            Content::Table(table) => {
                let mut rows = vec![table.header().0.join("|")];
                while let Some(row) = table.next_row() {
                    rows.push(match row {
                        Ok(row) => row
                            .cells
                            .iter()
                            .map(|c| c.as_str())
                            .collect::<Vec<_>>()
                            .join("|"),
                        Err(problem) => problem.to_string(),
                    });
                }
                rows.extend(table.failure().map(ToString::to_string));
                format!("[{}]", rows.join("; "))
            }
            Content::Picture(picture) => {
                let format = picture.format;
                format!(
                    "{format} of {:?} bytes",
                    picture.bytes(1 << 20).map(|b| b.len())
                )
            }
            Content::Unread(error) => format!("unread: {error}"),
            other => format!("{other:?}"),
        };
        seen.push(format!("{}: {holds}", part.place));
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(report.parts + report.unread, seen.len() as u64);
    seen
}

pub(crate) fn plain(bytes: &[u8], name: &str) -> Vec<String> {
    told(bytes, name, &Wishes::default())
}

pub(crate) fn with(limits: Limits, passwords: &[&str]) -> Wishes {
    Wishes {
        limits,
        passwords: Passwords::new(passwords.iter().map(|&p| p.to_owned())),
        ..Wishes::default()
    }
}
