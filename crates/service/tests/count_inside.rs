//! Rows that do not lie in plain columns: forms of mail, free text in cells, journals of databases.
#![expect(clippy::unwrap_used, reason = "a helper that fails is a failed test")]

use liuhen_service::count::{CountRequest, Report, Silent, count};
use tempfile::TempDir;

/// Names and telephones of people who do not exist.
fn people(range: std::ops::Range<usize>) -> Vec<(String, String)> {
    let sheet = liuhen_testkit::people(5, 60);
    let (name, phone) = (sheet.column("姓名"), sheet.column("手机号"));
    let rows = sheet.rows[range].iter();
    rows.map(|row| (row[name].clone(), row[phone].clone()))
        .collect()
}

fn counted(files: &[(&str, &[u8])]) -> Report {
    let dir = TempDir::new().unwrap();
    for (name, bytes) in files {
        std::fs::write(dir.path().join(name), bytes).unwrap();
    }
    let request = CountRequest::new(vec![dir.path().to_owned()], 1, &Silent);
    count(&request, None).unwrap().report
}

#[test]
fn a_mail_in_two_forms_counts_its_people_once_and_loses_none() {
    let plain: String = people(0..21)
        .iter()
        .map(|(name, phone)| format!("姓名：{name}\r\n电话：{phone}\r\n"))
        .collect();
    let rows: String = people(0..20)
        .iter()
        .map(|(name, phone)| format!("<tr><td>{name}</td><td>{phone}</td></tr>\r\n"))
        .collect();
    let page =
        format!("<html><table><tr><th>姓名</th><th>手机号</th></tr>\r\n{rows}</table></html>\r\n");
    let mail = |forms: &[(&str, &str)]| {
        let parts: String = forms
            .iter()
            .map(|(kind, text)| {
                format!("--b\r\nContent-Type: {kind}; charset=utf-8\r\n\r\n{text}\r\n")
            })
            .collect();
        format!(
            "MIME-Version: 1.0\r\nFrom: x\r\nSubject: y\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n{parts}--b--\r\n"
        )
    };
    let of = |text: &str| counted(&[("a.eml", text.as_bytes())]);
    let both = of(&mail(&[("text/plain", &plain), ("text/html", &page)]));
    // Of the plain form the one row that the page has not.
    assert_eq!((both.pipeline.valid, both.totals.persons), (21, 21));
    let empty = "<html><img src='cid:1'></html>\r\n";
    let one = of(&mail(&[("text/plain", &plain), ("text/html", empty)]));
    assert_eq!((one.pipeline.valid, one.totals.persons), (21, 21));
    // The same in a mixed body is said twice, and counts twice.
    let mixed = mail(&[("text/plain", &plain), ("text/html", &page)]);
    let mixed = of(&mixed.replace("alternative", "mixed"));
    assert_eq!((mixed.pipeline.valid, mixed.totals.persons), (41, 21));
}

#[test]
fn free_text_in_cells_is_searched_and_never_contradicts() {
    let told = people(0..30);
    let remarks: String = told
        .iter()
        .zip(1000..)
        .map(|((name, phone), n)| format!("{n},客户{name} 电话 {phone}，下午来\n"))
        .collect();
    let direct: String = told
        .iter()
        .zip(people(30..60))
        .map(|((name, phone), (_, other))| format!("{name},{phone},家人电话 {other}\n"))
        .collect();
    let missing: String = told
        .iter()
        .map(|(name, phone)| format!("{name},,电话 {phone}\n"))
        .collect();
    let report = counted(&[
        ("a.csv", format!("单号,备注\n{remarks}").as_bytes()),
        ("b.csv", format!("姓名,手机号,备注\n{direct}").as_bytes()),
        ("c.csv", format!("姓名,手机号,x\n{missing}").as_bytes()),
    ]);
    let valid: Vec<u64> = report.files.iter().map(|file| file.valid).collect();
    assert_eq!(valid, [30, 30, 30]);
    assert_eq!(report.totals.persons, 30, "the same thirty by telephone");
}

/// The resident ID of somebody who does not exist, with his name.
fn numbers(at: usize) -> (String, String) {
    let sheet = liuhen_testkit::people(5, 60);
    let (name, id) = (sheet.column("姓名"), sheet.column("身份证号"));
    (sheet.rows[at][name].clone(), sheet.rows[at][id].clone())
}

#[test]
fn what_is_found_in_a_row_changes_neither_its_equals_nor_its_columns() {
    let rows = |end: &str| -> String {
        people(0..30)
            .iter()
            .map(|(name, phone)| format!("{name},电话 {phone}{end}\n"))
            .collect()
    };
    let plain: String = people(0..30)
        .iter()
        .map(|(name, phone)| format!("{name},{phone}\n"))
        .collect();
    let report = counted(&[
        ("a.csv", format!("姓名,备注\n{}", rows("")).as_bytes()),
        ("b.csv", format!("姓名,备注,\n{}", rows(",")).as_bytes()),
        ("c.csv", format!("姓名,手机号\n{plain}").as_bytes()),
    ]);
    let told = serde_json::to_value(&report).unwrap();
    let exact = told["policies"]
        .as_array()
        .unwrap()
        .iter()
        .find(|policy| policy["policy"] == "exact_row");
    assert_eq!(exact.unwrap()["distinct"], 60, "{exact:?}");
    let columns: Vec<usize> = told["provenance"]["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| file["columns"].as_array().unwrap().len())
        .collect();
    assert!(columns.iter().all(|count| *count <= 3), "{columns:?}");
}

#[test]
fn persons_are_between_one_and_more_where_a_pair_is_told_twice() {
    let name = &people(0..1)[0].0;
    let [id, other] = [numbers(0).1, numbers(1).1];
    let [phone, second] = [people(2..3)[0].1.clone(), people(3..4)[0].1.clone()];
    let rows: String = [
        (&id, &phone),
        (&other, &phone),
        (&id, &second),
        (&other, &second),
    ]
    .iter()
    .map(|(id, phone)| format!("{name},{id},{phone}\n"))
    .collect();
    let near =
        counted(&[("a.csv", format!("姓名,身份证号,手机号\n{rows}").as_bytes())]).near_duplicates;
    assert_eq!(
        (near.persons_fewer_at_most, near.persons_between),
        (2, [1, 2])
    );
}

#[test]
fn rows_of_a_journal_beside_its_database_count() {
    let dir = TempDir::new().unwrap();
    let connection = rusqlite::Connection::open(dir.path().join("a.db")).unwrap();
    connection
        .execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (姓名, 手机号); PRAGMA wal_checkpoint(TRUNCATE);")
        .unwrap();
    for (name, phone) in people(0..20) {
        let row = [name, phone];
        connection
            .execute("INSERT INTO t VALUES (?, ?)", row)
            .unwrap();
    }
    let [database, journal] =
        ["a.db", "a.db-wal"].map(|name| std::fs::read(dir.path().join(name)).unwrap());
    let both = counted(&[("a.db", &database), ("a.db-wal", &journal)]);
    assert_eq!(both.totals.persons, 20);
    let log = both.files.iter().find(|file| file.path.ends_with("-wal"));
    assert_eq!(
        log.unwrap().unread.as_ref().unwrap().code,
        "format_not_read"
    );
    assert_eq!(counted(&[("a.db", &database)]).totals.persons, 0);
}
