//! Administrative divisions by their codes, 1980 to now, retired ones included.
//!
//! Rule: GB/T 2260, by its yearly lists; data and provenance in
//! `rules/regions.tsv`.
//! A resident ID number begins with the code of the place of first
//! registration; whether a text is such a number belongs to `detect`.

use std::sync::OnceLock;

/// One code in one stretch of years; a code that was given anew has several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    /// Six digits: province, prefecture, county.
    pub code: u32,
    /// The name in Chinese, of this level alone (`东城区`).
    pub name: &'static str,
    /// The province's name, as it is today.
    pub province: &'static str,
    /// The first year of use; 1980 where the lists begin.
    pub from: u16,
    /// The last year of use, when it is over.
    pub to: Option<u16>,
}

impl Region {
    /// Whether the code is a county's or district's, and not a wider region's.
    #[must_use]
    pub const fn is_county(&self) -> bool {
        !self.code.is_multiple_of(100)
    }
}

/// Every region, sorted by code and then by first year.
#[must_use]
pub fn all() -> &'static [Region] {
    static ALL: OnceLock<Vec<Region>> = OnceLock::new();
    ALL.get_or_init(|| {
        let mut regions: Vec<Region> = include_str!("../rules/regions.tsv")
            .lines()
            .filter_map(parse)
            .collect();
        // A retired stretch must come before the one in use, whatever the file's order.
        regions.sort_by_key(|region| (region.code, region.from));
        regions
    })
}

/// One line of the table; `None` for a comment. A test holds that no line is lost.
fn parse(line: &'static str) -> Option<Region> {
    let mut fields = line.split('\t');
    let code: u32 = fields.next()?.parse().ok()?;
    let name = fields.next()?;
    let from = fields.next()?.parse().ok()?;
    let to = fields.next()?.parse().ok();
    Some(Region {
        code,
        name,
        province: province(code / 10_000)?,
        from,
        to,
    })
}

/// Every stretch of years a code was in use, oldest first; empty when unknown.
#[must_use]
pub fn history(code: u32) -> &'static [Region] {
    // The codes alone fit into the nearest cache, the regions do not.
    static CODES: OnceLock<Vec<u32>> = OnceLock::new();
    let codes = CODES.get_or_init(|| all().iter().map(|region| region.code).collect());
    let start = codes.partition_point(|other| *other < code);
    let len = codes[start..]
        .iter()
        .take_while(|other| **other == code)
        .count();
    &all()[start..start + len]
}

/// Whether a code of six digits was in use at any time since 1980.
#[must_use]
pub fn is_listed(code: u32) -> bool {
    // A bit for every code: a look-up by millions costs no search.
    static LISTED: OnceLock<Vec<u64>> = OnceLock::new();
    let listed = LISTED.get_or_init(|| {
        let mut listed = vec![0; 1_000_000 / 64];
        for region in all() {
            if let Some(word) = listed.get_mut(region.code as usize / 64) {
                *word |= 1 << (region.code % 64);
            }
        }
        listed
    });
    listed
        .get(code as usize / 64)
        .is_some_and(|word| word >> (code % 64) & 1 == 1)
}

/// What a code means now or, when it is retired, what it meant last.
#[must_use]
pub fn lookup(code: u32) -> Option<Region> {
    let history = history(code);
    history
        .iter()
        .find(|region| region.to.is_none())
        .or(history.last())
        .copied()
}

/// The last year of use of a code that is in use no longer.
#[must_use]
pub fn retired(code: u32) -> Option<u16> {
    history(code)
        .iter()
        .map(|region| region.to)
        .try_fold(0, |last, to| Some(last.max(to?)))
        .filter(|year| *year > 0)
}

/// The name of a province by the first two digits of its codes.
///
/// Includes Taiwan (71), Hong Kong (81) and Macao (82), whose counties have no
/// codes here, and the leading 83 of Taiwan residents' permits.
#[must_use]
pub const fn province(prefix: u32) -> Option<&'static str> {
    Some(match prefix {
        11 => "北京市",
        12 => "天津市",
        13 => "河北省",
        14 => "山西省",
        15 => "内蒙古自治区",
        21 => "辽宁省",
        22 => "吉林省",
        23 => "黑龙江省",
        31 => "上海市",
        32 => "江苏省",
        33 => "浙江省",
        34 => "安徽省",
        35 => "福建省",
        36 => "江西省",
        37 => "山东省",
        41 => "河南省",
        42 => "湖北省",
        43 => "湖南省",
        44 => "广东省",
        45 => "广西壮族自治区",
        46 => "海南省",
        50 => "重庆市",
        51 => "四川省",
        52 => "贵州省",
        53 => "云南省",
        54 => "西藏自治区",
        61 => "陕西省",
        62 => "甘肃省",
        63 => "青海省",
        64 => "宁夏回族自治区",
        65 => "新疆维吾尔自治区",
        71 | 83 => "台湾省",
        81 => "香港特别行政区",
        82 => "澳门特别行政区",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_of_the_table_is_lost() {
        let lines = include_str!("../rules/regions.tsv").lines();
        assert_eq!(
            lines.filter(|line| !line.starts_with('#')).count(),
            all().len()
        );
        assert!(all().len() > 7000);
    }

    #[test]
    fn codes_have_their_history() {
        let rows = [
            ("in use since ever", 110_101, Some(("东城区", None))),
            ("retired", 110_103, Some(("崇文区", Some(2009)))),
            (
                "moved to another province",
                510_200,
                Some(("重庆市", Some(1996))),
            ),
            ("born late", 500_000, Some(("重庆市", None))),
            ("never", 110_999, None),
            ("too short", 11, None),
        ];
        for (name, code, expected) in rows {
            assert_eq!(
                lookup(code).map(|region| (region.name, region.to)),
                expected,
                "{name}"
            );
            assert_eq!(is_listed(code), expected.is_some(), "{name}");
        }
        assert_eq!(history(512_501).len(), 2);
        assert_eq!(
            lookup(110_101).map(|region| region.province),
            Some("北京市")
        );
    }

    #[test]
    fn only_codes_out_of_use_are_retired() {
        assert_eq!(retired(110_103), Some(2009));
        assert_eq!(retired(512_501), Some(1995));
        assert_eq!(retired(110_101), None);
        assert_eq!(retired(999_999), None);
    }

    #[test]
    fn a_code_given_anew_is_not_retired() {
        // 220281 was Huadian for one year and is Jiaohe now.
        assert_eq!(retired(220_281), None);
        assert_eq!(lookup(220_281).map(|region| region.name), Some("蛟河市"));
    }
}
