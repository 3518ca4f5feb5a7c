//! Number plans: mobile heads, area codes, card issuers, plate letters.
//!
//! Rule: `rules/numbers.toml`, `rules/areas.tsv`, `rules/bins.tsv`, each with
//! its source. Whether a whole text is such a number belongs to `detect`.

use std::collections::HashMap;
use std::sync::OnceLock;

use serde::Deserialize;

use crate::{PackError, Source};

/// What the head of a mobile number is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Segment {
    /// Given to people's telephones.
    Assigned,
    /// Given to data cards and machines.
    Things,
    /// Given to satellite and emergency service.
    Satellite,
    /// Given to nobody.
    Unassigned,
}

/// The number plans of the built-in rule pack.
#[derive(Debug)]
pub struct Numbers {
    /// Mobile numbers.
    pub mobile: Mobile,
    /// Fixed telephones.
    pub landline: Landline,
    /// Bank cards.
    pub card: Card,
    /// Vehicle plates.
    pub plate: Plate,
    /// Resident ID numbers.
    pub identity: Identity,
    /// How a column is recognised.
    pub columns: Columns,
    /// The day on which the facts were looked up.
    pub date: String,
    heads: Vec<Segment>,
    areas: HashMap<u32, &'static str>,
    issuers: HashMap<u32, Vec<Issuer>>,
    prefixes: Box<[u16; 1000]>,
}

/// Heads of mobile numbers.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    missing_docs,
    reason = "rules/numbers.toml explains each list beside it"
)]
pub struct Mobile {
    pub source: Source,
    pub assigned: Vec<String>,
    pub things_source: Source,
    pub things: Vec<String>,
    pub satellite_source: Source,
    pub satellite: Vec<String>,
    pub invented_source: Source,
    pub invented: Vec<String>,
}

/// Fixed telephones.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    missing_docs,
    reason = "rules/numbers.toml explains each list beside it"
)]
pub struct Landline {
    pub source: Source,
    pub first: String,
    pub invented_source: Source,
    pub invented: Vec<String>,
}

/// Bank cards.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    missing_docs,
    reason = "rules/numbers.toml explains each list beside it"
)]
pub struct Card {
    pub source: Source,
    pub digits: (usize, usize),
    pub networks: Vec<Network>,
    pub invented_source: Source,
    pub invented: Vec<String>,
}

/// A range of card prefixes that belongs to a network, ends included.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// The first prefix.
    pub from: String,
    /// The last prefix, of the same length.
    pub to: String,
    /// Fewest and most digits of a whole card.
    pub digits: (usize, usize),
    /// The network's name.
    pub name: String,
}

/// Vehicle plates.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    missing_docs,
    reason = "rules/numbers.toml explains each list beside it"
)]
pub struct Plate {
    pub source: Source,
    pub provinces: String,
    pub endings: String,
    pub new_energy_source: Source,
    pub new_energy: String,
    pub serial_letters_source: Source,
    pub serial_letters: usize,
}

/// Resident ID numbers.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    missing_docs,
    reason = "rules/numbers.toml explains each list beside it"
)]
pub struct Identity {
    pub source: Source,
    pub provinces: Vec<u32>,
    pub earliest_birth_year: u16,
    pub unlisted_source: Source,
    pub unlisted_endings: Vec<u32>,
    pub invented_source: Source,
    pub invented_gap_years: u16,
    pub issued_source: Source,
    pub issued_from: u16,
    pub rural_source: Source,
    pub rural_first: u32,
    pub rural_last: u32,
}

/// Shares from which a column is taken for a kind.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    missing_docs,
    reason = "rules/numbers.toml explains each number beside it"
)]
pub struct Columns {
    pub source: Source,
    pub share_strong: f32,
    pub share_weak: f32,
    pub share_named: f32,
    pub least_confidence: f32,
    pub birth_spread_years: u16,
    pub increasing_share: f32,
}

/// Who issues cards with a prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Issuer {
    /// Digits of the whole card.
    pub digits: usize,
    /// The bank's name in Chinese.
    pub bank: &'static str,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NumbersFile {
    #[expect(dead_code, reason = "the version of kinds.toml is the pack's")]
    version: String,
    date: String,
    mobile: Mobile,
    landline: Landline,
    card: Card,
    plate: Plate,
    identity: Identity,
    columns: Columns,
}

/// Digits of a mobile number that decide its segment.
const HEAD_DIGITS: u32 = 5;

impl Numbers {
    /// The plans that are compiled in; parsed once.
    #[must_use]
    pub fn builtin() -> &'static Numbers {
        static NUMBERS: OnceLock<Numbers> = OnceLock::new();
        NUMBERS.get_or_init(|| {
            #[expect(
                clippy::expect_used,
                reason = "the text is compiled in, and a test parses it"
            )]
            Numbers::parse(include_str!("../rules/numbers.toml")).expect("built-in number plans")
        })
    }

    fn parse(text: &str) -> Result<Numbers, PackError> {
        let file: NumbersFile = toml::from_str(text)?;
        let mut heads = vec![Segment::Unassigned; 10_usize.pow(HEAD_DIGITS)];
        let lists = [
            (&file.mobile.things, Segment::Things),
            (&file.mobile.satellite, Segment::Satellite),
            (&file.mobile.assigned, Segment::Assigned),
        ];
        for (prefixes, segment) in lists {
            for range in prefixes.iter().filter_map(|prefix| head_range(prefix)) {
                heads[range].fill(segment);
            }
        }
        let issuers = issuers();
        Ok(Numbers {
            mobile: file.mobile,
            landline: file.landline,
            card: file.card,
            plate: file.plate,
            identity: file.identity,
            columns: file.columns,
            date: file.date,
            heads,
            areas: areas(),
            prefixes: prefixes(&issuers),
            issuers,
        })
    }

    /// The segment of a mobile number by its first five digits.
    #[must_use]
    pub fn mobile_segment(&self, head: u32) -> Segment {
        let at = usize::try_from(head).unwrap_or(usize::MAX);
        self.heads.get(at).copied().unwrap_or(Segment::Unassigned)
    }

    /// The place of an area code, given without its leading 0.
    #[must_use]
    pub fn area(&self, code: u32) -> Option<&'static str> {
        self.areas.get(&code).copied()
    }

    /// Who issued a card, given as ASCII digits, by its longest known prefix.
    ///
    /// The number of digits must fit the issuer's.
    #[must_use]
    pub fn issuer(&self, card: &[u8]) -> Option<Issuer> {
        let mut found = None;
        let mut prefix = 0;
        let mut lengths = 0;
        for (at, digit) in card.iter().take(9).enumerate() {
            prefix = prefix * 10 + u32::from(digit.checked_sub(b'0').filter(|d| *d < 10)?);
            if at == 2 {
                lengths = self.prefixes[prefix as usize];
            }
            if lengths >> at & 1 == 1
                && let Some(issuers) = self.issuers.get(&prefix)
            {
                found = issuers
                    .iter()
                    .find(|i| i.digits == card.len())
                    .copied()
                    .or(found);
            }
        }
        found
    }

    /// The network whose range a card, given as ASCII digits, lies in.
    #[must_use]
    pub fn network(&self, card: &[u8]) -> Option<&Network> {
        self.card.networks.iter().find(|network| {
            let (from, to) = (network.from.as_bytes(), network.to.as_bytes());
            (network.digits.0..=network.digits.1).contains(&card.len())
                && card
                    .get(..from.len())
                    .is_some_and(|head| from <= head && head <= to)
        })
    }
}

/// The five-digit heads that a shorter prefix covers.
fn head_range(prefix: &str) -> Option<std::ops::Range<usize>> {
    let digits = u32::try_from(prefix.len()).ok()?;
    let step = 10_usize.pow(HEAD_DIGITS.checked_sub(digits)?);
    let start = prefix.parse::<usize>().ok()? * step;
    Some(start..start + step)
}

/// Every area code with its place, `(310, "河北省邯郸市")`, without the leading 0.
fn areas() -> HashMap<u32, &'static str> {
    let line = |line: &'static str| {
        let (code, place) = line.split_once('\t')?;
        Some((code.parse().ok()?, place))
    };
    include_str!("../rules/areas.tsv")
        .lines()
        .filter_map(line)
        .collect()
}

/// For each three digits that prefixes of issuers begin with, their lengths less one, as bits.
fn prefixes(issuers: &HashMap<u32, Vec<Issuer>>) -> Box<[u16; 1000]> {
    let mut lengths = Box::new([0; 1000]);
    for prefix in issuers.keys() {
        let last = prefix.checked_ilog10().unwrap_or(0);
        if let Some(down) = last.checked_sub(2) {
            lengths[(prefix / 10_u32.pow(down)) as usize] |= 1 << last;
        }
    }
    lengths
}

fn issuers() -> HashMap<u32, Vec<Issuer>> {
    let mut issuers: HashMap<u32, Vec<Issuer>> = HashMap::new();
    for line in include_str!("../rules/bins.tsv").lines() {
        let mut fields = line.split('\t');
        let (Some(prefix), Some(digits), Some(bank)) =
            (fields.next(), fields.next(), fields.nth(2))
        else {
            continue;
        };
        if let (Ok(prefix), Ok(digits)) = (prefix.parse(), digits.parse()) {
            issuers
                .entry(prefix)
                .or_default()
                .push(Issuer { digits, bank });
        }
    }
    issuers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mobile_segments() {
        let numbers = Numbers::parse(include_str!("../rules/numbers.toml")).unwrap();
        let rows = [
            ("common", 13_800, Segment::Assigned),
            ("narrow", 16_100, Segment::Assigned),
            ("beside the narrow", 16_110, Segment::Unassigned),
            ("virtual", 17_405, Segment::Assigned),
            ("satellite", 17_490, Segment::Satellite),
            ("data card", 14_600, Segment::Things),
            ("nobody's", 15_400, Segment::Unassigned),
            ("not a mobile head", 200, Segment::Unassigned),
            ("out of range", 4_000_000, Segment::Unassigned),
        ];
        for (name, head, expected) in rows {
            assert_eq!(numbers.mobile_segment(head), expected, "{name}");
        }
    }

    #[test]
    fn invented_numbers_lie_where_nobody_is() {
        let numbers = Numbers::builtin();
        for head in &numbers.mobile.invented {
            let range = head_range(head).unwrap();
            assert!(
                numbers.heads[range]
                    .iter()
                    .all(|s| *s == Segment::Unassigned),
                "{head}"
            );
        }
        for area in &numbers.landline.invented {
            assert_eq!(numbers.area(area.parse().unwrap()), None, "{area}");
        }
        for prefix in &numbers.card.invented {
            let known = numbers
                .issuers
                .keys()
                .any(|known| known.to_string().starts_with(prefix));
            assert!(!known, "{prefix}");
        }
    }

    #[test]
    fn areas_have_places() {
        let numbers = Numbers::builtin();
        assert_eq!(numbers.area(10), Some("北京市"));
        assert_eq!(numbers.area(310), Some("河北省邯郸市"));
        assert_eq!(numbers.area(26), None);
    }

    #[test]
    fn cards_have_issuers_and_networks() {
        let numbers = Numbers::builtin();
        let bank = |card: &[u8]| numbers.issuer(card).map(|issuer| issuer.bank);
        assert_eq!(bank(b"6222021234567890128"), Some("中国工商银行"));
        assert_eq!(bank(b"622202123456789"), None, "too short for this issuer");
        assert_eq!(bank(b"62x2021234567890128"), None);
        let network = |card: &[u8]| numbers.network(card).map(|network| network.name.as_str());
        assert_eq!(network(b"6291234567890123456"), Some("UnionPay"));
        assert_eq!(network(b"2720990000000000"), Some("Mastercard"));
        assert_eq!(network(b"2721000000000000"), None);
        assert_eq!(network(b"91"), None);
    }
}
