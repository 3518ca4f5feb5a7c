//! Provinces and cities, from resident IDs and addresses.
//!
//! Rule: the first four digits of a resident ID (place of first registration, GB/T 2260), else
//! the beginning of an address. Telephones are not asked: numbers keep their holder when he
//! moves (since 2019-12-01).

use std::collections::HashMap;
use std::sync::OnceLock;

use liuhen_kinds::region;

/// Characters of a province's name that suffice to know it.
const SHORT: usize = 2;

struct Names {
    /// The first two characters of a province's name, and its first two digits.
    provinces: HashMap<String, u16>,
    /// City names of each province with their four digits.
    cities: HashMap<u16, Vec<(&'static str, u16)>>,
}

fn names() -> &'static Names {
    static NAMES: OnceLock<Names> = OnceLock::new();
    NAMES.get_or_init(|| {
        let mut names = Names {
            provinces: HashMap::new(),
            cities: HashMap::new(),
        };
        for region in region::all() {
            let (Ok(province), Ok(city)) = (
                u16::try_from(region.code / 10_000),
                u16::try_from(region.code / 100),
            ) else {
                continue;
            };
            names
                .provinces
                .insert(region.province.chars().take(SHORT).collect(), province);
            // Codes ending in 01 to 03 name no city but its place in a list (市辖区, 县).
            if region.code.is_multiple_of(100)
                && !region.code.is_multiple_of(10_000)
                && region.name.ends_with(['市', '州', '盟', '区'])
            {
                names
                    .cities
                    .entry(province)
                    .or_default()
                    .push((region.name, city));
            }
        }
        names
    })
}

/// The first four digits of the code of an address's city, `PP00` for a province alone, 0 for neither.
pub(crate) fn of_address(address: &str) -> u16 {
    let names = names();
    let end = address
        .char_indices()
        .nth(SHORT)
        .map_or(address.len(), |(at, _)| at);
    let Some(province) = address
        .get(..end)
        .and_then(|short| names.provinces.get(short))
    else {
        return 0;
    };
    let cities = names.cities.get(province).map_or(&[][..], Vec::as_slice);
    let rest = address.get(end..).unwrap_or("");
    // The city follows the rest of the province's name, at most seven characters.
    let within: usize = rest.chars().take(7).map(char::len_utf8).sum();
    let found = cities
        .iter()
        .find(|(name, _)| rest.find(name).is_some_and(|at| at <= within));
    found.map_or(province * 100, |(_, city)| *city)
}

/// The names of a province and, where it has one, a city by four digits of their code.
pub(crate) fn name(code: u16) -> (Option<&'static str>, Option<&'static str>) {
    let province = region::province(u32::from(code) / 100);
    let city = (!code.is_multiple_of(100))
        .then(|| region::lookup(u32::from(code) * 100))
        .flatten();
    (
        province,
        city.map(|region| region.name)
            .filter(|name| !matches!(*name, "市辖区" | "县")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lie_in_cities() {
        let rows = [
            ("江苏省南京市秦淮区某路1号", 3201),
            ("江苏南京市某路", 3201),
            ("新疆维吾尔自治区乌鲁木齐市某区", 6501),
            ("北京市朝阳区某路", 1100),
            ("某处", 0),
            ("", 0),
        ];
        for (address, expected) in rows {
            assert_eq!(of_address(address), expected, "{address}");
        }
        assert_eq!(name(3201), (Some("江苏省"), Some("南京市")));
        assert_eq!(name(3200), (Some("江苏省"), None));
    }
}
