//! What each sort of archive gives.

use std::io::{Cursor, Read as _, Write as _};
use std::ops::ControlFlow;

use super::made::*;
use super::{plain, told, with};
use liuhen_reading::{Content, Limits, Wishes, unpack};

#[test]
fn archives_within_archives_give_their_files_in_order() {
    let inner = zipped(&[("名单/b.csv", TEXT.as_bytes()), ("c.txt", b"note")]);
    let tar = tarred(&[("d/inner.zip", &inner), ("a.jpg", b"\xFF\xD8\xFF\xE0jpeg")]);
    let rows = [
        ("x.tar", tar.clone()),
        ("x.tar.gz", gz(&tar)),
        ("x.tar.bz2", bz2(&tar)),
        ("x.tar.zst", zst(&tar)),
        (
            "x.tar.zst",
            [zst(&tar[..1_000]), zst(&tar[1_000..])].concat(),
        ),
    ];
    for (name, bytes) in rows {
        let way = if name == "x.tar" {
            name.to_owned()
        } else {
            format!("{name} / x.tar")
        };
        let expected = [
            format!("{way} / d/inner.zip / 名单/b.csv: {TEXT}"),
            format!("{way} / d/inner.zip / c.txt: note"),
            format!("{way} / a.jpg: a JPEG picture of Ok(8) bytes"),
        ];
        assert_eq!(plain(&bytes, name), expected, "{name}");
    }
}

#[test]
fn other_packings_are_unpacked() {
    let list = format!("list.csv.xz / list.csv: {TEXT}");
    assert_eq!(plain(XZ, "list.csv.xz"), [list]);
    let seven = [
        format!("a.7z / 一/名单.csv: {TEXT}"),
        "a.7z / 二/note.txt: nothing".to_owned(),
    ];
    assert_eq!(plain(SEVEN, "a.7z"), seven);
}

#[test]
fn a_password_opens_what_is_locked_and_its_lack_is_said() {
    let aes = locked(".csv", TEXT.as_bytes(), "密码1");
    let refused = "protected by a password that was not given";
    let none = with(Limits::default(), &[]);
    let wrong = with(Limits::default(), &["x", "y"]);
    let right = with(Limits::default(), &["x", "密码1", "mima1"]);
    for wishes in [&none, &wrong] {
        let expected: Vec<_> = (1..4)
            .map(|n| format!("a.zip / {n}.csv: unread: {refused}"))
            .collect();
        assert_eq!(told(&aes, "a.zip", wishes), expected);
        assert_eq!(
            told(OLD_CIPHER, "a.zip", wishes),
            [format!("a.zip / a.csv: unread: {refused}")]
        );
        assert_eq!(
            told(LOCKED_SEVEN, "a.7z", wishes),
            [format!("a.7z: unread: {refused}")]
        );
    }
    let expected: Vec<_> = (1..4).map(|n| format!("a.zip / {n}.csv: {TEXT}")).collect();
    assert_eq!(told(&aes, "a.zip", &right), expected);
    assert_eq!(
        told(OLD_CIPHER, "a.zip", &right),
        [format!("a.zip / a.csv: {TEXT}")]
    );
    let seven = [
        format!("a.7z / 一/名单.csv: {TEXT}"),
        "a.7z / 二/note.txt: nothing".to_owned(),
    ];
    assert_eq!(told(LOCKED_SEVEN, "a.7z", &right), seven);
}

#[test]
fn a_changed_byte_of_a_locked_entry_is_noticed() {
    let mut aes = locked(".csv", TEXT.as_bytes(), "p");
    let at = aes.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    let data = aes.windows(5).position(|w| w == b"1.csv").unwrap() + 5 + 11 + 10;
    assert!(data < at);
    aes[data + 8] ^= 1;
    let seen = told(&aes, "a.zip", &with(Limits::default(), &["p"]));
    assert!(
        !seen[0].contains(TEXT) && seen[1].contains(TEXT),
        "{seen:?}"
    );
}

#[test]
fn names_in_gbk_are_read_and_nasty_ones_shown_plainly() {
    let gbk = encoding_rs::GBK.encode("名单/身份证.csv").0.into_owned();
    let long = "x".repeat(gbk.len());
    let mut zip = zipped(&[
        (&long, b"one"),
        ("../../etc/passwd", b"two"),
        ("a\x1b[2J\n", b"three"),
    ]);
    while let Some(at) = zip.windows(long.len()).position(|w| w == long.as_bytes()) {
        zip[at..at + long.len()].copy_from_slice(&gbk);
    }
    let expected = [
        "a.zip / 名单/身份证.csv: one",
        "a.zip / ../../etc/passwd: two",
        "a.zip / a\\u{1b}[2J\\n: three",
    ];
    assert_eq!(plain(&zip, "a.zip"), expected);
}

#[test]
fn entries_of_one_name_are_both_read() {
    let zip = zipped(&[("a.csv", b"one"), ("b.csv", b"two")]);
    let both: Vec<u8> = String::from_utf8_lossy(&zip).len().to_le_bytes().to_vec();
    assert!(!both.is_empty());
    let mut zip = zip;
    while let Some(at) = zip.windows(5).position(|w| w == b"b.csv") {
        zip[at] = b'a';
    }
    assert_eq!(plain(&zip, "z"), ["z / a.csv: one", "z / a.csv: two"]);
}

#[test]
fn links_and_devices_are_told_and_not_followed() {
    let mut tar = tar::Builder::new(Vec::new());
    for (kind, name) in [
        (tar::EntryType::Symlink, "link"),
        (tar::EntryType::Link, "hard"),
        (tar::EntryType::Fifo, "pipe"),
    ] {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(0);
        tar.append_link(&mut header, name, "/etc/passwd").unwrap();
    }
    let mut header = tar::Header::new_gnu();
    header.set_size(3);
    tar.append_data(&mut header, "n".repeat(300), &b"abc"[..])
        .unwrap();
    let seen = plain(&tar.into_inner().unwrap(), "t");
    assert!(
        seen[0].starts_with("t / link: unread") && seen[0].contains("a link inside an archive")
    );
    assert!(seen[1].starts_with("t / hard: unread") && seen[2].starts_with("t / pipe: unread"));
    assert_eq!(seen[3], format!("t / {}: abc", "n".repeat(300)));
}

#[test]
fn an_archive_cut_short_gives_what_is_whole() {
    let zip = zipped(&[("a.csv", TEXT.as_bytes()), ("b.txt", b"second")]);
    let at = zip.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    let seen = plain(&zip[..at + 10], "z");
    assert_eq!(
        seen,
        [
            "z: unread: the archive is damaged or cut short".to_owned(),
            format!("z / a.csv: {TEXT}"),
            "z / b.txt: second".to_owned()
        ]
    );
    let tar = tarred(&[("a.csv", TEXT.as_bytes()), ("b.txt", &[b'x'; 2_000])]);
    let seen = plain(&gz(&tar)[..gz(&tar).len() - 20], "t.gz");
    assert_eq!(seen[0], format!("t.gz / t / a.csv: {TEXT}"));
    assert!(
        seen.last().unwrap().contains("damaged or cut short"),
        "{seen:?}"
    );
}

#[test]
fn a_zip_behind_other_bytes_and_one_of_64_bits() {
    let zip = zipped(&[("a.csv", b"one")]);
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().large_file(true);
    writer.start_file("a.csv", options).unwrap();
    writer.write_all(b"one").unwrap();
    let wide = writer.finish().unwrap().into_inner();
    assert_eq!(plain(&wide, "z"), ["z / a.csv: one"]);
    // A stub before it, as in an archive that unpacks itself; the outer bytes still begin as a ZIP does.
    let moved = [b"PK\x07\x08PK\x03\x04stub", zip.as_slice()].concat();
    assert_eq!(plain(&moved, "z"), ["z / a.csv: one"]);
}

#[test]
fn a_film_is_handed_out_only_when_it_is_wished_for() {
    let film = b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41";
    let zip = zipped(&[("a.mp4", film), ("b.txt", b"plain")]);
    let unread = plain(&zip, "z.zip");
    assert_eq!(unread.len(), 2, "{unread:?}");
    assert!(
        unread[0].starts_with("z.zip / a.mp4: unread: "),
        "{unread:?}"
    );
    let wishes = Wishes {
        films: true,
        ..Wishes::default()
    };
    let mut seen = Vec::new();
    let told = unpack(Cursor::new(zip), "z.zip", &wishes, &mut |part| {
        if let Content::Film(film) = part.content {
            let format = film.format;
            let mut bytes = Vec::new();
            film.into_reader().read_to_end(&mut bytes).unwrap();
            seen.push((part.place.to_string(), format, bytes));
        }
        ControlFlow::Continue(())
    });
    assert_eq!(told.unwrap().parts, 2);
    assert_eq!(seen, [("z.zip / a.mp4".to_owned(), "video", film.to_vec())]);
}
