//! RAR of every age, by archives that WinRAR and RAR made (`fixtures/rar/README.md`).

use super::made::*;
use super::{plain, told, with};
use liuhen_reading::Limits;

macro_rules! rar {
    ($name:literal) => {
        include_bytes!(concat!("../fixtures/rar/", $name, ".rar")).as_slice()
    };
}

/// Archives by others for whoever spoils them, with something that stands in each.
pub(crate) fn vectors() -> Vec<(&'static str, &'static [u8], &'static str)> {
    vec![
        ("15.rar", rar!("rar15-comment"), "foooo"),
        ("202.rar", rar!("rar202-comment-psw"), "file1"),
        ("3-solid.rar", rar!("rar3-solid"), "001\n"),
        (
            "3-best.rar",
            rar!("rar_compress_best"),
            "LibarchiveAddingTest",
        ),
        ("4-locked.rar", rar!("rar4_solid_encrypted"), "from d.txt"),
        ("5-solid.rar", rar!("rar5-solid"), "001\n"),
        ("5-locked.rar", rar!("rar5-hpsw"), "001\n"),
        (
            "5-binary.rar",
            rar!("rar5_multiple_files_solid"),
            "test4.bin",
        ),
    ]
}

#[test]
fn members_of_every_age_are_read() {
    let lines = |name: &str, bytes| {
        let seen = plain(bytes, "a.rar");
        assert!(!seen.is_empty(), "{name}");
        seen
    };
    assert_eq!(
        lines("1.5", rar!("rar15-comment")),
        [
            "a.rar / FILE1.TXT: foooo\r\n",
            "a.rar / FILE2.TXT: baaaar\r\n"
        ]
    );
    assert_eq!(
        lines("3", rar!("rar3-subdirs")),
        [
            "a.rar / sub/dir2/file2.txt: file2\n",
            "a.rar / sub/with space/long fn.txt: long fn\n",
            "a.rar / sub/üȵĩöḋè/file.txt: file\n",
            "a.rar / sub/dir1/file1.txt: file1\n",
        ]
    );
    assert_eq!(
        lines("5", rar!("rar5-subdirs")),
        lines("3", rar!("rar3-subdirs"))
    );
    assert_eq!(
        lines("names", rar!("rar_unicode"))[..2],
        [
            "a.rar / 表だよ/漢字長いファイル名long-filename-in-漢字.txt: kanji",
            "a.rar / 表だよ/ファイル: unread: unrecognised format: looks like a link inside an archive, which is recognised but not read",
        ]
    );
    let numbers: String = (0..512).map(|n| format!("{n:03}\n")).collect();
    let solid = ["stest1.txt", "stest2.txt"].map(|name| format!("a.rar / {name}: {numbers}"));
    assert_eq!(lines("solid 3", rar!("rar3-solid")), solid);
    assert_eq!(lines("solid 5", rar!("rar5-solid")), solid);
    let best = lines("best", rar!("rar_compress_best"));
    assert_eq!(best.len(), 4);
    assert_eq!(
        best[0].split_once(": ").unwrap().1,
        best[3].split_once(": ").unwrap().1
    );
    assert!(best[0].contains("LibarchiveAddingTest") && best[0].trim_end().ends_with("</HTML>"));
    assert_eq!(
        lines("recovery record", rar!("testfile.rar5.rr"))[0],
        "a.rar / testfile.txt: Testing 123\n"
    );
}

#[test]
fn a_password_opens_members_and_headers() {
    let refused = "unread: protected by a password that was not given";
    let none = with(Limits::default(), &[]);
    let right = with(Limits::default(), &["x", "password", "y"]);
    let all = |name: &str| format!("a.rar / {name}.txt: This is from {name}.txt");
    let four = ["a", "b", "c", "d"].map(all);
    for bytes in [rar!("rar4_encrypted_filenames"), rar!("rar5-hpsw")] {
        assert_eq!(told(bytes, "a.rar", &none), [format!("a.rar: {refused}")]);
    }
    assert_eq!(
        told(rar!("rar4_encrypted_filenames"), "a.rar", &right),
        four
    );
    assert_eq!(told(rar!("rar4_solid_encrypted"), "a.rar", &right), four);
    let seen = told(rar!("rar4_solid_encrypted"), "a.rar", &none);
    assert_eq!(seen[0], format!("a.rar / a.txt: {refused}"));
    for bytes in [rar!("rar5-hpsw"), rar!("rar5-psw")] {
        let seen = told(bytes, "a.rar", &right);
        assert!(
            seen.len() == 2 && seen[1].starts_with("a.rar / stest2.txt: 000\n001\n"),
            "{seen:?}"
        );
    }
    // The first and third member are not locked, the second and fourth by a password each.
    for bytes in [rar!("rar4_encrypted"), rar!("rar5_encrypted")] {
        let one = told(bytes, "a.rar", &right);
        assert_eq!(one[..3], four[..3]);
        assert_eq!(one[3], format!("a.rar / d.txt: {refused}"));
        let both = with(Limits::default(), &["password", "password2"]);
        assert_eq!(told(bytes, "a.rar", &both), four);
        let seen = told(bytes, "a.rar", &none);
        assert_eq!(
            (seen[0].as_str(), seen[2].as_str()),
            (four[0].as_str(), four[2].as_str())
        );
        assert_eq!(seen[1], format!("a.rar / b.txt: {refused}"));
    }
    assert_eq!(
        told(rar!("rar202-comment-psw"), "a.rar", &right)[0],
        "a.rar / FILE1.TXT: file1\r\n"
    );
}

#[test]
fn links_are_told_and_what_lies_in_several_files_too() {
    let link = "unread: unrecognised format: looks like a link inside an archive, which is recognised but not read";
    let seen = plain(rar!("rar3-symlink-unix"), "a.rar");
    assert_eq!(seen[0], format!("a.rar / data_link: {link}"));
    assert_eq!(seen[1], "a.rar / data.txt: data\n");
    let seen = plain(rar!("rar5-evil-symlink-traversal"), "a.rar");
    assert_eq!(seen[0], format!("a.rar / up: {link}"));
    assert!(seen[1].starts_with("a.rar / up/pwned.txt: "), "{seen:?}");
    let seen = plain(rar!("rar3-vols.part3"), "a.rar");
    assert_eq!(
        seen[0],
        "a.rar / vols/bigfile.txt: unread: a part of an archive in several files, which are not put together"
    );
    assert!(
        seen[1].starts_with("a.rar / vols/smallfile.txt: ") && seen[1].ends_with(" 50\n"),
        "{}",
        seen[1]
    );
}

#[test]
fn an_archive_in_another_and_one_cut_short() {
    let list = rar5(&[("名单/某甲.csv", TEXT.as_bytes()), ("b.txt", b"second")]);
    let nested = rar4(&[("in.rar", &list), ("gz.csv.gz", &gz(TEXT.as_bytes()))]);
    let all = [
        format!("a.rar / in.rar / 名单/某甲.csv: {TEXT}"),
        "a.rar / in.rar / b.txt: second".to_owned(),
        format!("a.rar / gz.csv.gz / gz.csv: {TEXT}"),
    ];
    assert_eq!(plain(&nested, "a.rar"), all);
    let damaged = "unread: the archive is damaged or cut short";
    let seen = plain(&nested[..nested.len() - 20], "a.rar");
    assert_eq!(
        seen,
        [all[0].clone(), all[1].clone(), format!("a.rar: {damaged}")]
    );
    let mut spoiled = list.clone();
    let at = spoiled.windows(5).position(|w| w == b"b.txt").unwrap();
    spoiled[at] ^= 1;
    assert_eq!(
        plain(&spoiled, "a.rar"),
        [
            format!("a.rar / 名单/某甲.csv: {TEXT}"),
            "a.rar: unread: checksum differs: damaged, or another password".to_owned()
        ]
    );
    // A changed byte of what is stored: the checksum tells, and the next one is read.
    let mut spoiled = list;
    let at = spoiled.windows(3).position(|w| w == b"138").unwrap();
    spoiled[at] = b'2';
    let seen = plain(&spoiled, "a.rar");
    assert!(
        seen[0].contains("bytes, then: checksum differs"),
        "{seen:?}"
    );
    assert_eq!(seen[1], "a.rar / b.txt: second");
}

#[test]
fn bounds_hold_in_rar_too() {
    let swollen = rar!("rar5-solid");
    let limits = Limits {
        max_unpacked_bytes: 3_000,
        ..Limits::default()
    };
    let seen = told(swollen, "a.rar", &with(limits, &[]));
    assert!(
        seen.iter()
            .any(|line| line.contains("unpacks past 3000 bytes")),
        "{seen:?}"
    );
    let limits = Limits {
        max_files: 2,
        ..Limits::default()
    };
    let seen = told(swollen, "a.rar", &with(limits, &[]));
    assert!(
        seen.last()
            .unwrap()
            .ends_with("unpacks to more than 2 files"),
        "{seen:?}"
    );
    let limits = Limits {
        max_memory_bytes: 64 << 10,
        ..Limits::default()
    };
    let seen = told(swollen, "a.rar", &with(limits, &[]));
    assert!(
        seen[0].ends_with("needs more than 65536 bytes of memory"),
        "{seen:?}"
    );
}
