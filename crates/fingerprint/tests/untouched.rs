//! What marking may change: only the documented kinds, and those only within what they mean.

use liuhen_detect::{check, mask, normalise};
use liuhen_fingerprint::code::{CodeKey, ExportKey};
use liuhen_fingerprint::table::{Cell, MASKED, mark_row, observe_row, plain};
use liuhen_kinds::Kind;
use proptest::prelude::*;

/// Kinds whose values marking may write in another form.
const CARRIERS: [Kind; 3] = [Kind::ADDRESS, Kind::DATE_OF_BIRTH, Kind::GPS];

/// Values that every rule would take hold of, were the kind its own.
const TEMPTING: [&str; 9] = [
    "广东省深圳市南山区科技路88号幸福小区3栋2单元501室",
    "文楼村3组",
    "1990年5月7日",
    "2026-05-07 13:45:21",
    "2026-05-07T13:45:21.347Z",
    "31.230415,121.473701",
    "138****5678",
    "13812345678",
    "440308199901101512",
];

fn marked(export: u8, column: &str, kind: &str, value: &str) -> String {
    let code = CodeKey::from_secret([9; 32]);
    let key = ExportKey::from_secret([export; 32]);
    let cell = Cell {
        column,
        kind,
        canonical: value,
    };
    mark_row(&code, &key, b"subject", &[cell]).values[0]
        .as_str()
        .to_owned()
}

#[test]
fn no_other_kind_is_altered() {
    let columns = ["x", "创建时间", "created_at", "地址"];
    for kind in Kind::BUILTIN.iter().filter(|kind| !CARRIERS.contains(kind)) {
        for (value, column) in TEMPTING.iter().flat_map(|v| columns.map(|c| (v, c))) {
            for export in 0..16 {
                assert_eq!(
                    marked(export, column, kind.name(), value),
                    *value,
                    "{kind} {column}"
                );
            }
        }
    }
    // The test bites: each carrier does change something.
    for kind in CARRIERS.map(Kind::name).into_iter().chain(["", MASKED]) {
        let changes = TEMPTING
            .iter()
            .any(|value| (0..16).any(|e| marked(e, "创建时间", kind, value) != **value));
        assert!(changes, "{kind}");
    }
}

#[test]
fn a_column_without_kind_changes_only_where_its_name_says_time() {
    for value in TEMPTING {
        for column in ["x", "备注", "出生时间", "expires_at", "order"] {
            assert!(
                (0..16).all(|export| marked(export, column, "", value) == value),
                "{column}"
            );
        }
        let is_time = value.starts_with("2026-05-07");
        let changes = (0..16).any(|export| marked(export, "创建时间", "", value) != value);
        assert_eq!(changes, is_time, "{value}");
    }
}

/// Addresses of several shapes.
fn addresses() -> impl Strategy<Value = String> {
    let head = prop_oneof![
        "(广东省|广东)深圳市南山区(科技|人民|解放)路[1-9][0-9]?号",
        "(北京市|北京)朝阳区(建国|望京)路[1-9]号",
        "河南省驻马店市上蔡县芦岗乡文楼村(10|[1-9]|[一二三四五六七八九十])组",
        "(内蒙古自治区|内蒙古)呼和浩特市新城区学府路[1-9]号",
    ];
    let tail = "(幸福小区[1-9][0-9]?(栋|幢|号楼)([1-9]|10)单元[1-9]0[1-4](室|房)?)?";
    (head, tail).prop_map(|(head, tail)| head + &tail)
}

proptest! {
    #[test]
    fn an_address_stays_the_address_it_was(address in addresses(), export in any::<u8>()) {
        let shown = marked(export, "home", "address", &address);
        let (before, after) = (check(Kind::ADDRESS, &address), check(Kind::ADDRESS, &shown));
        prop_assert_eq!(before.reason(), after.reason());
        // What `detect` compares is one and the same once the forms are brought together.
        let one = |text: &str| normalise(Kind::ADDRESS, plain("address", text).as_str());
        prop_assert_eq!(one(&address), one(&shown));
        // Down to the district they mean the same to a mask, long or short name of the province aside.
        let region = |text: &str| mask(Kind::ADDRESS, plain("address", text).as_str());
        prop_assert_eq!(region(&address), region(&shown));
    }

    #[test]
    fn a_date_of_birth_keeps_its_day(y in 1930_u16..2020, m in 1_u8..=12, d in 1_u8..=28, style in 0..4, export in any::<u8>()) {
        let date = match style {
            0 => format!("{y}年{m}月{d}日"),
            1 => format!("{y}年{m:02}月{d:02}日"),
            2 => format!("{y}-{m:02}-{d:02}"),
            _ => format!("{y}{m:02}{d:02}"),
        };
        let shown = marked(export, "birth", "date_of_birth", &date);
        prop_assert_eq!(normalise(Kind::DATE_OF_BIRTH, &date).unwrap(), normalise(Kind::DATE_OF_BIRTH, &shown).unwrap());
    }

    #[test]
    fn a_coordinate_moves_by_a_hand(lng in 73_000_000_u64..135_000_000, lat in 18_000_000_u64..53_000_000, export in any::<u8>()) {
        let degrees = |micro: u64| format!("{}.{:06}", micro / 1_000_000, micro % 1_000_000);
        let value = format!("{},{}", degrees(lng), degrees(lat));
        let shown = marked(export, "坐标", "gps", &value);
        for (before, after) in value.split(',').zip(shown.split(',')) {
            let (before, after): (f64, f64) = (before.parse().unwrap(), after.parse().unwrap());
            prop_assert!((before - after).abs() < 1.5e-6);
        }
        prop_assert_eq!(shown.len(), value.len());
    }

    #[test]
    fn a_time_moves_by_a_second_within_its_minute(h in 0_u8..24, m in 0_u8..60, s in 0_u8..60, export in any::<u8>(), t in any::<bool>()) {
        let gap = if t { "T" } else { " " };
        let zone = if t { "+08:00" } else { "" };
        let value = format!("2026-05-07{gap}{h:02}:{m:02}:{s:02}{zone}");
        let shown = marked(export, "下单时间", "", &value);
        prop_assert_eq!(&shown[..17], &value[..17]);
        prop_assert_eq!(&shown[19..], &value[19..]);
        let second: u8 = shown[17..19].parse().unwrap();
        prop_assert!(second.abs_diff(s) <= 1);
        prop_assert!(second != 0 || s == 0);
        prop_assert!(s != 0 || second == 0);
    }

    #[test]
    fn every_carrier_is_read_back(
        s in 1_u8..59, lng in 73_000_000_u64..135_000_000, mobile in 13_000_000_000_u64..19_999_999_999, export in any::<u8>(),
    ) {
        let code = CodeKey::from_secret([9; 32]);
        let key = ExportKey::from_secret([export; 32]);
        let time = format!("2026-05-07 13:45:{s:02}");
        let place = format!("{}.{:06}", lng / 1_000_000, lng % 1_000_000);
        let hidden = mask(Kind::MOBILE, &mobile.to_string());
        let cells = [
            Cell { column: "下单时间", kind: "", canonical: &time },
            Cell { column: "经度", kind: "gps", canonical: &place },
            Cell { column: "手机", kind: MASKED, canonical: &hidden },
        ];
        let row = mark_row(&code, &key, b"subject", &cells);
        let leaked: Vec<_> = cells.iter().copied().zip(row.values.iter().map(|value| value.as_str())).collect();
        let seen = observe_row(&code, b"subject", &leaked);
        prop_assert_eq!(seen.len(), row.symbols);
        for (slot, observation) in seen {
            prop_assert_eq!(usize::from(observation), key.symbol(&slot).index());
        }
    }
}
