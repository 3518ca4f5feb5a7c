//! Addresses: the places that Chinese usage writes in two ways.
//!
//! | place | forms | why they mean the same |
//! |---|---|---|
//! | `province` | 广东省 / 广东 before a city | the name stands for the province alone, and a city follows |
//! | `region` | 内蒙古自治区 / 内蒙古 before a city | likewise; the five autonomous regions |
//! | `municipality` | 北京市 / 北京 before a district | likewise; the four municipalities |
//! | `building` | 3号楼 / 3栋 (also 3幢) | three words for a numbered building |
//! | `group` | 3组 / 三组 after a village, one to ten | the numeral's script alone |
//! | `unit` | 2单元 / 二单元, one to ten | the numeral's script alone |
//! | `floor` | 5层 / 5楼 after a building or 座 | within a named building 楼 counts floors |
//! | `room` | 501室 / 501 (also 501房) at the end | a closing number after building, unit, floor or 号 is the room |
//!
//! Each place is used once in an address, where it stands first.
//! A place that could be read otherwise is left alone: 浙江中路 is a street, 海南藏族自治州 lies in
//! Qinghai, 3栋楼 are three buildings, 劲松12楼 may be a building.
//! Names of streets, compounds and districts never change.

use super::Carrier;

/// Names in their long and short forms.
type Names = [(&'static str, &'static str)];

/// Whether what must come after such a name stands ahead.
type Follows = fn(&[char]) -> bool;

/// Provinces by their short names; the long form adds 省.
const PROVINCES: [(&str, &str); 23] = [
    ("河北省", "河北"),
    ("山西省", "山西"),
    ("辽宁省", "辽宁"),
    ("吉林省", "吉林"),
    ("黑龙江省", "黑龙江"),
    ("江苏省", "江苏"),
    ("浙江省", "浙江"),
    ("安徽省", "安徽"),
    ("福建省", "福建"),
    ("江西省", "江西"),
    ("山东省", "山东"),
    ("河南省", "河南"),
    ("湖北省", "湖北"),
    ("湖南省", "湖南"),
    ("广东省", "广东"),
    ("海南省", "海南"),
    ("四川省", "四川"),
    ("贵州省", "贵州"),
    ("云南省", "云南"),
    ("陕西省", "陕西"),
    ("甘肃省", "甘肃"),
    ("青海省", "青海"),
    ("台湾省", "台湾"),
];

/// Autonomous regions, long and short.
const REGIONS: [(&str, &str); 5] = [
    ("内蒙古自治区", "内蒙古"),
    ("广西壮族自治区", "广西"),
    ("西藏自治区", "西藏"),
    ("宁夏回族自治区", "宁夏"),
    ("新疆维吾尔自治区", "新疆"),
];

/// Municipalities, long and short.
const MUNICIPALITIES: [(&str, &str); 4] = [
    ("北京市", "北京"),
    ("天津市", "天津"),
    ("上海市", "上海"),
    ("重庆市", "重庆"),
];

/// Words for a numbered building.
const BUILDINGS: [&str; 3] = ["号楼", "栋", "幢"];

/// Words for a room.
const ROOMS: [&str; 2] = ["室", "房"];

/// Numbers of units and groups in both scripts.
const NUMERALS: [[&str; 2]; 10] = [
    ["1", "一"],
    ["2", "二"],
    ["3", "三"],
    ["4", "四"],
    ["5", "五"],
    ["6", "六"],
    ["7", "七"],
    ["8", "八"],
    ["9", "九"],
    ["10", "十"],
];

/// Characters with which the name of a city or district does not go on.
const BREAKS: &str = "省市区县州路街道巷弄号里镇乡村楼栋幢室座";

/// Takes an address apart.
#[must_use]
pub fn parse(address: &str) -> Carrier {
    let text: Vec<char> = address.chars().collect();
    let mut scan = Scan {
        text: &text,
        at: 0,
        used: Vec::new(),
        carrier: Carrier::new(),
    };
    scan.head();
    while scan.at < text.len() {
        if !(scan.building() || scan.group() || scan.unit() || scan.floor() || scan.room()) {
            scan.keep(1);
        }
    }
    scan.carrier
}

/// A walk through an address.
struct Scan<'a> {
    text: &'a [char],
    at: usize,
    used: Vec<&'static str>,
    carrier: Carrier,
}

impl Scan<'_> {
    /// Copies characters unchanged.
    fn keep(&mut self, count: usize) {
        self.carrier
            .fixed(self.text[self.at..self.at + count].iter().copied());
        self.at += count;
    }

    /// Replaces `length` characters by a place.
    fn place(&mut self, name: &'static str, forms: [&'static str; 2], length: usize) -> bool {
        self.carrier.place(name, forms);
        self.used.push(name);
        self.at += length;
        true
    }

    fn is_free(&self, name: &'static str) -> bool {
        !self.used.contains(&name)
    }

    fn before(&self) -> Option<char> {
        self.at.checked_sub(1).map(|at| self.text[at])
    }

    /// Whether `word` stands `offset` characters ahead.
    fn sees(&self, offset: usize, word: &str) -> bool {
        starts_with(&self.text[(self.at + offset).min(self.text.len())..], word)
    }

    fn digits(&self) -> usize {
        self.text[self.at..]
            .iter()
            .take_while(|c| c.is_ascii_digit())
            .count()
    }

    /// A number that begins here, with its length; not the tail of a longer one.
    fn number(&self, lengths: std::ops::RangeInclusive<usize>) -> Option<usize> {
        let tail = self.before().is_some_and(|c| c.is_ascii_digit());
        let digits = self.digits();
        (!tail && lengths.contains(&digits)).then_some(digits)
    }

    /// The province, region or municipality at the beginning.
    fn head(&mut self) {
        let lists: [(&'static str, &Names, Follows); 3] = [
            ("province", &PROVINCES, is_city_ahead),
            ("region", &REGIONS, is_city_ahead),
            ("municipality", &MUNICIPALITIES, is_district_ahead),
        ];
        for (name, list, follows) in lists {
            for (long, short) in list {
                for form in [*long, *short] {
                    let length = form.chars().count();
                    if self.sees(0, form) && follows(&self.text[length..]) {
                        self.place(name, [long, short], length);
                        return;
                    }
                }
            }
        }
    }

    /// `3号楼`, `3栋`, `3幢`.
    fn building(&mut self) -> bool {
        let listed = matches!(
            self.before(),
            Some('-' | '－' | '—' | '~' | '至' | '、' | '.')
        );
        let Some(digits) = self
            .number(1..=3)
            .filter(|_| !listed && self.is_free("building"))
        else {
            return false;
        };
        let word = BUILDINGS.iter().find(|word| self.sees(digits, word));
        let Some(length) = word.map(|word| word.chars().count()) else {
            return false;
        };
        if ["楼", "栋", "幢", "梁", "号"]
            .iter()
            .any(|next| self.sees(digits + length, next))
        {
            return false;
        }
        self.keep(digits);
        self.place("building", ["号楼", "栋"], length)
    }

    /// `2单元`, `二单元`.
    fn unit(&mut self) -> bool {
        let numeral = |c: char| c.is_ascii_digit() || "〇零一二三四五六七八九十百第-".contains(c);
        !self.before().is_some_and(numeral) && self.numeral("unit", "单元", |_| true)
    }

    /// `3组`, `三组` of a village: `文楼村3组`; not 三组团 or 三组合.
    fn group(&mut self) -> bool {
        let ends = |next: Option<&char>| next.is_none_or(|c| c.is_ascii_digit() || *c == '，');
        self.before() == Some('村') && self.numeral("group", "组", ends)
    }

    /// A numeral of one to ten in either script, before `word` and what may come after that.
    fn numeral(
        &mut self,
        name: &'static str,
        word: &str,
        may_follow: impl Fn(Option<&char>) -> bool,
    ) -> bool {
        if !self.is_free(name) {
            return false;
        }
        for forms in NUMERALS {
            for form in forms {
                let length = form.chars().count();
                let next = self.text.get(self.at + length + word.chars().count());
                if self.sees(0, form) && self.sees(length, word) && may_follow(next) {
                    return self.place(name, forms, length);
                }
            }
        }
        false
    }

    /// `5层`, `5楼` directly after a building.
    fn floor(&mut self) -> bool {
        let inside = matches!(self.before(), Some('座' | '栋' | '幢' | '厦')) || self.after("号楼");
        let Some(digits) = self
            .number(1..=2)
            .filter(|_| inside && self.is_free("floor"))
        else {
            return false;
        };
        let word = ["层", "楼"].iter().any(|word| self.sees(digits, word));
        let next = self.text.get(self.at + digits + 1);
        if !word || next.is_some_and(|c| !c.is_ascii_digit()) {
            return false;
        }
        self.keep(digits);
        self.place("floor", ["层", "楼"], 1)
    }

    /// `501室`, `501房`, `501` at the end.
    fn room(&mut self) -> bool {
        let Some(digits) = self.number(3..=4).filter(|_| self.is_room_place()) else {
            return false;
        };
        let rest = self.text.len() - self.at - digits;
        let named = ROOMS.iter().any(|word| self.sees(digits, word));
        if rest > 1 || (rest == 1 && !named) {
            return false;
        }
        self.keep(digits);
        self.place("room", ["室", ""], rest)
    }

    /// Whether a number here can only be a room.
    fn is_room_place(&self) -> bool {
        match self.before() {
            Some('元' | '栋' | '幢' | '座' | '层' | '楼' | '厦' | '号') => true,
            Some('-') => {
                let head = &self.text[..self.at - 1];
                let digits = head.iter().rev().take_while(|c| c.is_ascii_digit()).count();
                (1..=2).contains(&digits)
            }
            _ => false,
        }
    }

    /// Whether `word` ends here.
    fn after(&self, word: &str) -> bool {
        let length = word.chars().count();
        self.at >= length && starts_with(&self.text[self.at - length..], word)
    }
}

fn starts_with(text: &[char], word: &str) -> bool {
    let mut text = text.iter();
    word.chars().all(|c| text.next() == Some(&c))
}

/// How many characters of a name stand ahead, up to the first that ends one.
fn name_length(text: &[char]) -> usize {
    let goes_on = |c: &&char| ('\u{4e00}'..='\u{9fff}').contains(*c) && !BREAKS.contains(**c);
    text.iter().take_while(goes_on).count()
}

/// Whether a city or autonomous prefecture follows: `深圳市`, `大理白族自治州`.
///
/// 藏族自治州 alone is the rest of Qinghai's 海南藏族自治州; 市场 and 市民 name no city; 大学 belongs
/// to the name of a university.
fn is_city_ahead(text: &[char]) -> bool {
    let length = name_length(text);
    let ends = match text.get(length) {
        Some('市') => !matches!(text.get(length + 1), Some('场' | '民' | '政')),
        Some('州') => true,
        _ => false,
    };
    ends && (2..=9).contains(&length) && !starts_with(text, "藏族") && !starts_with(text, "大学")
}

/// Whether a district or county follows: `朝阳区`, `石柱土家族自治县`; not 校区, 小区 and their like.
fn is_district_ahead(text: &[char]) -> bool {
    let length = name_length(text);
    let last = length.checked_sub(1).map(|at| text[at]);
    let ends = match text.get(length) {
        Some('区') => length <= 3 && !last.is_some_and(|c| "校院园社小厂景".contains(c)),
        Some('县') => true,
        _ => false,
    };
    ends && (2..=9).contains(&length) && !starts_with(text, "大学")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::Symbol;

    fn forms(address: &str) -> Vec<&'static str> {
        parse(address).places().map(|place| place.name).collect()
    }

    #[test]
    fn places_of_addresses() {
        let rows: [(&str, &[&str]); 31] = [
            (
                "河南省驻马店市上蔡县芦岗乡文楼村3组",
                &["province", "group"],
            ),
            ("芦岗乡文楼村十组12号", &["group"]),
            ("芦岗乡文楼村十二组", &[]),
            ("文楼村三组团小区3栋", &["building"]),
            ("第三组", &[]),
            (
                "广东省深圳市南山区科技路88号幸福小区3栋2单元501室",
                &["province", "building", "unit", "room"],
            ),
            ("广东深圳市南山区科技路88号", &["province"]),
            (
                "北京市朝阳区建国路1号A座12层1201",
                &["municipality", "floor", "room"],
            ),
            ("北京朝阳区建国路1号", &["municipality"]),
            ("内蒙古自治区呼和浩特市新城区", &["region"]),
            ("云南省大理白族自治州大理市", &["province"]),
            ("吉林省吉林市昌邑区", &["province"]),
            ("吉林市昌邑区", &[]),
            ("海南藏族自治州共和县", &[]),
            ("河南蒙古族自治县", &[]),
            ("浙江中路88号", &[]),
            ("重庆北路88号黄浦区", &[]),
            ("北京市北京市朝阳区", &[]),
            ("幸福小区3-2-501", &["room"]),
            ("幸福小区12幢101房", &["building", "room"]),
            ("幸福小区十二单元", &[]),
            ("这里有3栋楼", &[]),
            ("劲松12楼501", &["room"]),
            ("劲松12楼", &[]),
            ("幸福路88号", &[]),
            ("电话0755-8888", &[]),
            ("北京大学医学部家属区", &[]),
            ("北京师范校区", &[]),
            ("河南小商品市场", &[]),
            ("湖北大学城市花园", &[]),
            ("", &[]),
        ];
        for (address, expected) in rows {
            assert_eq!(forms(address), expected, "{address}");
        }
    }

    #[test]
    fn all_variants_lead_to_one_form() {
        let rows = [
            "广东省深圳市南山区科技路88号幸福小区3幢2单元501房",
            "天津和平区南京路9号5号楼十单元1201",
            "新疆乌鲁木齐市天山区人民路2号国贸大厦5楼503室",
            "上海市浦东新区世纪大道1号3-2-501",
            "河南省驻马店市上蔡县芦岗乡文楼村七组12号",
        ];
        for address in rows {
            let carrier = parse(address);
            let places: Vec<_> = carrier.places().copied().collect();
            for pattern in 0..1_usize << places.len() {
                let text = carrier.write(|place| {
                    let at = places.iter().position(|known| known == place).unwrap();
                    if pattern >> at & 1 == 1 {
                        Symbol::One
                    } else {
                        Symbol::Zero
                    }
                });
                assert!(parse(text.as_str()) == carrier, "{}", text.as_str());
            }
        }
    }
}
