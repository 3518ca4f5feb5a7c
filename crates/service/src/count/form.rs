//! How a file is written: format and encoding, ends of lines, quotes. A habit of its maker, and
//! evidence beside a relation, no more.

use std::fs::File;
use std::io::{Read as _, Seek as _};

use liuhen_reading::{self as reading, Format, Limits, Nature, nature};

/// Bytes that tell.
const HEAD: u64 = 16 << 10;

/// In a few words, such as `CSV, utf-8, crlf`; nothing for what cannot be opened here.
pub(super) fn form(mut file: File, path: &str) -> Option<String> {
    let mut head = Vec::new();
    file.by_ref().take(HEAD).read_to_end(&mut head).ok()?;
    file.rewind().ok()?;
    let name = path.rsplit('/').next().unwrap_or(path);
    let told = match nature(&head, name) {
        Nature::Table(_) | Nature::Regular(_) => {
            // The head is enough, and a file may be large.
            let table = reading::open(std::io::Cursor::new(head.clone()), "", &Limits::default());
            let format = table.ok()?.format();
            let text = matches!(format, Format::Text { .. });
            format!(
                "{}{}",
                format.name(),
                if text { written(&head) } else { "" }
            )
        }
        _ => name
            .rsplit_once('.')
            .map(|(_, ending)| ending.to_lowercase())?,
    };
    Some(told)
}

/// Ends of lines and quotes, in any encoding in which they are bytes of their own.
fn written(head: &[u8]) -> &'static str {
    match (head.contains(&b'\r'), head.contains(&b'"')) {
        (false, false) => ", lf",
        (true, false) => ", crlf",
        (false, true) => ", lf, quoted",
        (true, true) => ", crlf, quoted",
    }
}
