//! Arrow and Avro by pyarrow, Polars and fastavro (`../data/make.py`).

use super::{plain, told, with};
use liuhen_reading::{Limits, Wishes};

macro_rules! data {
    ($name:literal) => {
        include_bytes!(concat!("../data/", $name)).as_slice()
    };
}

/// Files by others for whoever spoils them.
pub(crate) fn vectors() -> Vec<(&'static str, &'static [u8], &'static str)> {
    vec![
        ("file.arrow", data!("pyarrow_file.arrow"), "某甲"),
        ("lz4.arrow", data!("pyarrow_lz4.arrow"), "某甲"),
        ("zstd.arrow", data!("pyarrow_zstd.arrow"), "某甲"),
        ("delta.arrows", data!("pyarrow_delta.arrows"), "某丙"),
        ("polars.arrow", data!("polars.arrow"), "某甲"),
        ("polars.arrows", data!("polars.arrows"), "某甲"),
        ("null.avro", data!("fastavro_null.avro"), "某甲"),
        ("deflate.avro", data!("fastavro_deflate.avro"), "某甲"),
        ("snappy.avro", data!("fastavro_snappy.avro"), "某甲"),
        ("zstd.avro", data!("fastavro_zstandard.avro"), "某甲"),
    ]
}

#[test]
fn arrow_is_a_table_whatever_its_packing() {
    // The second row is all nulls, and blank rows are passed over.
    let expected = "x: [姓名|手机|小|余额|出生|日|时|刻|在住|比|半|标签|住址|图|对|字节|定|城|大|空|看; \
        某甲|10000000001|255|12.30|1990-02-28|1990-02-28|08:30:00.25|2026-11-22 08:30:00.25|true|0.5|0.5|[\"一\",null]|{\"市\":\"甲市\",\"号\":1}|{\"k\":1}|[1,2]|0xff01|abcd|甲市|某甲||某甲; \
        某乙 with a longer name|-5|7|-0.05|1969-12-31|1969-12-31|23:59:59|2026-11-22 08:30:00.25|false|0.0000001|-2|[]|{\"市\":null,\"号\":2}|{}|[3,null]|ab|0xffffffff|甲市|某乙 with a longer name||某乙 with a longer name]";
    for bytes in [
        data!("pyarrow_file.arrow"),
        data!("pyarrow_lz4.arrow"),
        data!("pyarrow_zstd.arrow"),
    ] {
        assert_eq!(plain(bytes, "x"), [expected]);
    }
    assert_eq!(
        plain(data!("pyarrow_delta.arrows"), "x"),
        ["x: [姓名; 某甲; 某乙; 某丙; 某甲]"]
    );
    let polars = "x: [姓名|手机; 某甲|10000000001; 某乙 with a longer name|3]";
    assert_eq!(plain(data!("polars.arrow"), "x"), [polars]);
    assert_eq!(plain(data!("polars.arrows"), "x"), [polars]);
}

#[test]
fn avro_is_a_table_whatever_its_packing() {
    let rest = "|10000000001|-3|true|0.5|-2|1990-02-28|08:30:00.25|2026-11-22 08:30:00.25|-0.05|00000000-0000-0000-0000-000000000007|B|abcd|[\"一\\\"\",null]|{\"k\":1.5}|";
    let above = "{\"姓名\":\"某丙\",\"手机\":10000000001,\"次\":-3,\"在住\":true,\"比\":0.5,\"半\":-2,\"出生\":\"1990-02-28\",\"时\":\"08:30:00.25\",\"刻\":\"2026-11-22 08:30:00.25\",\"余额\":-0.05,\"号\":\"00000000-0000-0000-0000-000000000007\",\"级\":\"B\",\"定\":\"abcd\",\"标签\":[\"一\\\"\",null],\"图\":{\"k\":1.5},\"上\":null}";
    let head = "姓名|手机|次|在住|比|半|出生|时|刻|余额|号|级|定|标签|图|上";
    let expected = format!("x: [{head}; 某甲{rest}; {rest}; 某乙{rest}{above}]");
    for bytes in [
        data!("fastavro_null.avro"),
        data!("fastavro_deflate.avro"),
        data!("fastavro_snappy.avro"),
        data!("fastavro_zstandard.avro"),
        data!("fastavro_bzip2.avro"),
        data!("fastavro_xz.avro"),
    ] {
        assert_eq!(plain(bytes, "x"), [expected.as_str()]);
    }
}

#[test]
fn what_is_cut_short_or_damaged_is_read_as_far_as_it_goes() {
    let arrow = data!("pyarrow_file.arrow");
    let seen = plain(&arrow[..arrow.len() / 2], "x");
    assert!(
        seen[0].contains("某甲") && seen[0].contains("the Arrow file is damaged or cut short"),
        "{seen:?}"
    );
    let avro = data!("fastavro_deflate.avro");
    let seen = plain(&avro[..avro.len() - 8], "x");
    assert!(
        seen[0].contains("某甲") && seen[0].contains("the Avro file is damaged or cut short"),
        "{seen:?}"
    );
    // Bytes within a block: its rows are lost, the others are not.
    let mut avro = data!("fastavro_null.avro").to_vec();
    let at = memchr::memmem::find(&avro, "某甲".as_bytes()).unwrap();
    avro[at - 1] = 0xFF;
    let seen = plain(&avro, "x");
    assert!(
        seen[0].contains("x, row 2: ") && seen[0].contains("某乙"),
        "{seen:?}"
    );
}

#[test]
fn what_a_file_says_of_itself_is_bounded() {
    let schema = |text: &str| {
        let mut file = b"Obj\x01\x02\x16avro.schema".to_vec();
        let length = text.len() * 2;
        file.extend([
            length.to_le_bytes()[0] | 0x80,
            (length >> 7).to_le_bytes()[0],
        ]);
        file.extend(text.as_bytes());
        file.push(0);
        file.extend([7; 16]);
        file
    };
    // As many rows as a number can say, none of which takes a byte.
    let mut rows = schema(r#"{"type":"record","name":"a","fields":[{"name":"n","type":"null"}]}"#);
    rows.extend([0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1, 0]);
    rows.extend([7; 16]);
    assert!(plain(&rows, "x").len() <= 1);
    // A record within itself, as deep as one likes.
    let mut rows = schema(r#"{"type":"record","name":"a","fields":[{"name":"n","type":"a"}]}"#);
    rows.extend([2, 2, 0]);
    rows.extend([7; 16]);
    let seen = plain(&rows, "x");
    assert!(seen[0].contains("row 2"), "{seen:?}");
    // A list of as many nothings.
    let mut rows = schema(
        r#"{"type":"record","name":"a","fields":[{"name":"n","type":{"type":"array","items":"null"}}]}"#,
    );
    rows.extend([
        2, 20, 0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1,
    ]);
    rows.extend([7; 16]);
    let seen = plain(&rows, "x");
    assert!(seen[0].contains("row 2"), "{seen:?}");
    for bytes in [data!("pyarrow_lz4.arrow"), data!("pyarrow_zstd.arrow")] {
        let limits = Limits {
            max_memory_bytes: 4,
            ..Limits::default()
        };
        let seen = told(bytes, "x", &with(limits, &[]));
        assert!(
            seen.iter().any(|line| line.contains("bytes of memory")),
            "{seen:?}"
        );
    }
    let limits = Limits {
        max_columns: 5,
        ..Limits::default()
    };
    for bytes in [data!("pyarrow_file.arrow"), data!("fastavro_null.avro")] {
        let wishes: Wishes = with(limits.clone(), &[]);
        assert_eq!(
            told(bytes, "x", &wishes),
            ["x: unread: more than 5 columns"]
        );
    }
}
