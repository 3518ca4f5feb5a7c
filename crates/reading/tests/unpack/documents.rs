//! What documents, workbooks and databases give.

use std::io::Cursor;
use std::ops::ControlFlow;

use super::made::*;
use super::{plain, told, with};
use liuhen_document::TableSource as _;
use liuhen_reading::{Content, Limits, Source, Wishes, unpack_beside};

#[test]
fn documents_give_their_text_and_tables() {
    let rows: [(&str, Vec<u8>, &[&str]); 6] = [
        (
            "a.docx",
            docx(),
            &[
                "a.docx: 联系人：某甲\n",
                "a.docx: [姓名|手机; 某甲|13800000000]",
                "a.docx: 第二段\n页眉\n",
            ],
        ),
        (
            "a.pptx",
            pptx(),
            &[
                "a.pptx / slide 1: 第一页 某甲\n",
                "a.pptx / slide 2: 第二页\n",
                "a.pptx / slide 10: 第十页\n",
            ],
        ),
        (
            "a.odt",
            ODT.to_vec(),
            &["a.odt: 联系人：某甲\n电话 13800000000\n"],
        ),
        (
            "a.ods",
            ODS.to_vec(),
            &["a.ods / 名单: [姓名|手机; 某甲|13800000000]"],
        ),
        (
            "a.epub",
            epub(),
            &[
                "a.epub / 1.xhtml: 第一章 某甲 & 某乙\n段\n",
                "a.epub / 2.xhtml: [姓名|手机; 某甲|138]",
            ],
        ),
        (
            "a.rtf",
            RTF.to_vec(),
            &["a.rtf: 联系人：某甲\n电话 138，😀\n"],
        ),
    ];
    for (name, bytes, expected) in rows {
        assert_eq!(plain(&bytes, name), expected, "{name}");
    }
}

#[test]
fn a_picture_in_a_document_is_a_part_of_it() {
    let document = zipped(&[
        (
            "word/document.xml",
            b"<w:document xmlns:w='w'><w:body/></w:document>".as_slice(),
        ),
        ("word/media/image1.jpeg", b"\xFF\xD8\xFF\xE0"),
    ]);
    assert_eq!(
        plain(&document, "a.docx"),
        ["a.docx / word/media/image1.jpeg: a JPEG picture of Ok(4) bytes"]
    );
}

#[test]
fn entities_that_multiply_or_fetch_do_neither() {
    let laughs = "<!DOCTYPE d [<!ENTITY a 'haha'><!ENTITY b '&a;&a;&a;'><!ENTITY e SYSTEM 'file:///etc/passwd'>]>\
        <w:document xmlns:w='w'><w:p><w:t>x&b;&e;某甲</w:t></w:p></w:document>";
    let document = zipped(&[("word/document.xml", laughs.as_bytes())]);
    assert_eq!(plain(&document, "a"), ["a: x\u{FFFD}\u{FFFD}某甲\n"]);
}

#[test]
fn a_sheet_of_a_million_columns_costs_its_rows_only() {
    let wide = "<office:document-content xmlns:office='o' xmlns:table='t' xmlns:text='x'><table:table table:name='s'>\
        <table:table-row><table:table-cell><text:p>a</text:p></table:table-cell></table:table-row>\
        <table:table-row><table:table-cell table:number-columns-repeated='1000000'><text:p>x</text:p></table:table-cell></table:table-row>\
        <table:table-row table:number-rows-repeated='9999999999'><table:table-cell><text:p>b</text:p></table:table-cell>\
        <table:table-cell table:number-columns-repeated='1000000'/></table:table-row>\
        </table:table></office:document-content>";
    let document = zipped(&[("content.xml", wide.as_bytes())]);
    assert_eq!(
        plain(&document, "w"),
        ["w / s: [a; w / s, row 2: more columns than the header has; b]"]
    );
}

#[test]
fn old_workbooks_give_every_sheet() {
    assert_eq!(
        plain(XLS, "a.xls"),
        [
            "a.xls / 名单: [姓名|手机; 某甲|13800000000]",
            "a.xls / 二: [a; b]"
        ]
    );
}

#[test]
fn databases_give_every_table_and_run_nothing() {
    assert_eq!(
        plain(&database(), "a.db"),
        [
            "a.db / 人: [姓名|电话; 某甲|13800000000; 某乙|]",
            "a.db / k: [id|v; 1|x; 2|(2 bytes)]",
            "a.db / empty: [a]",
        ]
    );
}

#[test]
fn a_page_gives_its_tables_when_records_are_wished_for() {
    let page = "<!DOCTYPE html><html><head><title>名单</title><script>var a = '<td>';</script></head>\n<body>\n<p>说明&#65306;a &lt; b\n\
        <table><tr><th>姓名<th>手机\n<tr><td>某甲</td><td>138&nbsp;0000</td></tr></table><!-- 某乙 <td> --><p>完";
    let wishes = Wishes {
        records: true,
        ..Wishes::default()
    };
    assert_eq!(
        told(page.as_bytes(), "p.html", &wishes),
        [
            "p.html: 名单\n说明：a < b\n",
            "p.html: [姓名|手机; 某甲|138 0000]",
            "p.html: 完\n"
        ]
    );
    assert_eq!(
        plain(page.as_bytes(), "p.html"),
        [format!("p.html: {page}")]
    );
}

#[test]
fn a_dump_gives_its_rows_under_the_names_of_its_columns() {
    let wishes = Wishes {
        records: true,
        ..Wishes::default()
    };
    let mysql = "-- MySQL dump 10.13\n/*!40101 SET NAMES utf8 */;\nCREATE TABLE `人` (\n  `id` int NOT NULL,\n  `姓名` varchar(9) COMMENT 'a;b',\n  PRIMARY KEY (`id`)\n);\n\
        INSERT INTO `人` VALUES (1,'某甲'),(2,'某\\'乙');\nLOCK TABLES `人` WRITE;\nINSERT INTO `人` VALUES (3,NULL);\n\
        INSERT INTO `人` (`姓名`,`id`) VALUES ('某丙',4) ON DUPLICATE KEY UPDATE id=1;\nINSERT INTO u VALUES (9),(10);\n";
    assert_eq!(
        told(mysql.as_bytes(), "a.sql", &wishes),
        [
            "a.sql / 人: [id|姓名; 1|某甲; 2|某'乙; 3|]",
            "a.sql / 人: [姓名|id; 某丙|4]",
            "a.sql / u: [A; 9; 10]",
        ]
    );
    let postgres = "--\n-- PostgreSQL database dump\n--\nCREATE TABLE public.t (id integer, \"名\" text);\n\
        COPY public.t (id, \"名\") FROM stdin;\n1\t某甲\n2\t\\N\n\\.\n\nSELECT pg_catalog.setval('x', 1);\nINSERT INTO public.t VALUES (3, 'C:\\');\n";
    assert_eq!(
        told(postgres.as_bytes(), "p.sql", &wishes),
        ["p.sql / t: [id|名; 1|某甲; 2|; 3|C:\\]"]
    );
    // A long dump, packed: rows across every edge of what is read at once.
    let rows: Vec<String> = (0..60_000).map(|n| format!("({n},'某甲{n}')")).collect();
    let long = format!("INSERT INTO t (a,b) VALUES {};\n", rows.join(","));
    let seen = told(&gz(long.as_bytes()), "l.sql.gz", &wishes);
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].matches("某甲").count(), 60_000);
    assert!(seen[0].ends_with("59999|某甲59999]"));
}

#[test]
fn rows_that_lie_in_the_journal_only_are_read_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.db");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; CREATE TABLE t (a); INSERT INTO t VALUES ('one');
             PRAGMA wal_checkpoint(TRUNCATE); INSERT INTO t VALUES ('某甲');",
        )
        .unwrap();
    let database = std::fs::read(&path).unwrap();
    let journal = std::fs::read(dir.path().join("a.db-wal")).unwrap();
    drop(connection);
    let wishes = with(Limits::default(), &[]);
    let rows = |journal: Option<Vec<u8>>| {
        let mut rows = Vec::new();
        let journal = journal.map(|bytes| Box::new(Cursor::new(bytes)) as Box<dyn Source>);
        let source = Cursor::new(database.clone());
        let report = unpack_beside(source, journal, "a.db", &wishes, &mut |part| {
            if let Content::Table(table) = part.content {
                while let Some(row) = table.next_row() {
                    rows.push(row.unwrap().cell(0).to_owned());
                }
            }
            ControlFlow::Continue(())
        });
        assert_eq!(report.unwrap().unread, 0);
        rows
    };
    assert_eq!(rows(None), ["one"]);
    assert_eq!(rows(Some(journal.clone())), ["one", "某甲"]);
    // What is not of this database, or damaged, adds nothing and takes nothing away.
    let mut damaged = journal.clone();
    let at = damaged.len() - 10;
    damaged[at] ^= 1;
    assert_eq!(rows(Some(damaged)), ["one"]);
    assert_eq!(rows(Some(b"noise".to_vec())), ["one"]);
    assert!(plain(&journal, "a.db-wal")[0].contains("a journal of an SQLite database"));
}
