//! Files made to swell: each ends with a bound that is named, and what comes after is read.

use super::made::*;
use super::{told, with};
use liuhen_reading::Limits;

#[test]
fn an_entry_of_zeros_ends_at_the_ratio_and_the_next_is_read() {
    let zip = zipped(&[("zeros", &vec![0; 40 << 20]), ("a.csv", TEXT.as_bytes())]);
    let seen = told(&zip, "z", &with(Limits::default(), &[]));
    // Zeros are binary data, of which only the first bytes are looked at.
    assert!(seen[0].contains("binary data"), "{}", &seen[0]);
    assert_eq!(seen[1], format!("z / a.csv: {TEXT}"));
    let zip = zipped(&[("a.txt", &vec![b'x'; 40 << 20]), ("a.csv", TEXT.as_bytes())]);
    let seen = told(&zip, "z", &with(Limits::default(), &[]));
    assert!(
        seen[0].ends_with("then: unpacks to more than 400 times its size"),
        "{:.90}",
        &seen[0]
    );
    assert_eq!(seen[1], format!("z / a.csv: {TEXT}"));
    let limits = Limits {
        max_ratio: 5_000,
        ..Limits::default()
    };
    let seen = told(&zip, "z", &with(limits, &[]));
    assert!(seen[0].ends_with("xxxx"), "a raised bound is heeded");
}

#[test]
fn nesting_ends_at_the_depth() {
    let mut bytes = TEXT.as_bytes().to_vec();
    for _ in 0..12 {
        bytes = gz(&bytes);
    }
    let seen = told(&bytes, "a", &with(Limits::default(), &[]));
    assert_eq!(seen.len(), 1);
    assert!(
        seen[0].ends_with("unread: files within files, deeper than 8"),
        "{seen:?}"
    );
    let limits = Limits {
        max_depth: 12,
        ..Limits::default()
    };
    let seen = told(&bytes, "a", &with(limits, &[]));
    assert!(seen[0].ends_with(TEXT), "{seen:?}");
}

#[test]
fn archives_of_archives_of_archives_end_at_the_whole_budget() {
    // 42.zip in small: sixteen archives in each, four levels, a text of 16 MiB in every last one.
    let mut bytes = zipped(&[("t.txt", &vec![b'x'; 16 << 20])]);
    for _ in 0..3 {
        let names: Vec<String> = (0..16).map(|n| format!("{n}.zip")).collect();
        let entries: Vec<(&str, &[u8])> = names
            .iter()
            .map(|name| (name.as_str(), bytes.as_slice()))
            .collect();
        bytes = zipped(&entries);
    }
    let mut last = String::new();
    let mut parts = 0;
    let wishes = with(Limits::default(), &[]);
    let source = std::io::Cursor::new(bytes);
    let report = liuhen_reading::unpack(source, "42.zip", &wishes, &mut |part| {
        parts += 1;
        last = match part.content {
            liuhen_reading::Content::Text(text) => {
                let read = std::io::copy(&mut text.into_reader(), &mut std::io::sink());
                format!("{:?}", read.map_err(liuhen_reading::ReadError::of))
            }
            other => format!("{other:?}"),
        };
        std::ops::ControlFlow::Continue(())
    })
    .unwrap();
    assert!(report.bytes < 300 << 20 && parts < 40, "{report:?}");
    assert!(last.contains("RatioTooHigh"), "{last}");
}

#[test]
fn files_are_counted_over_all_archives() {
    let names: Vec<String> = (0..50).map(|n| format!("{n}.txt")).collect();
    let entries: Vec<(&str, &[u8])> = names
        .iter()
        .map(|name| (name.as_str(), b"x".as_slice()))
        .collect();
    let inner = tarred(&entries);
    let zip = zipped(&[("1.tar", &inner), ("2.tar", &inner)]);
    let limits = Limits {
        max_files: 60,
        ..Limits::default()
    };
    let seen = told(&zip, "z", &with(limits, &[]));
    assert_eq!(
        seen.len(),
        58,
        "two archives, the outermost file, and 57 texts"
    );
    assert!(
        seen.last()
            .unwrap()
            .ends_with("unpacks to more than 60 files")
    );
}
