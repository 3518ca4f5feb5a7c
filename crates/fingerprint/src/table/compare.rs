//! Reading which form a leaked value shows.
//!
//! Every combination of forms is written out and compared with the leaked value, both folded:
//! full width becomes half width, white space, punctuation and invisible characters go; the stars of a
//! mask stay where the value is a masked one.
//! First an equal text is sought, then one contained in the leaked value (a cell that holds more),
//! then the nearest by edit distance, then the nearest with both ends free (a cell that was cut).
//! What a leaker does to a value can only blur or flip a symbol, which the decoder reckons with.

use super::{Carrier, Place, Reading};
use crate::code::Symbol;

/// Characters of a leaked value that are compared; a longer one is not a single value.
const LONGEST: usize = 200;

/// One wrong character in so many is forgiven.
const FORGIVEN: usize = 8;

/// A way of writing the value: bit `i` is the symbol of place `i`.
struct Way {
    pattern: usize,
    text: Vec<char>,
}

/// See [`Carrier::observe`].
pub(super) fn observe(carrier: &Carrier, leaked: &str) -> Vec<Option<Symbol>> {
    let places = carrier.places().count();
    let masked = carrier.reading == Reading::Mask;
    let fold = |c| fold(c, masked);
    let leaked: Vec<char> = leaked.chars().filter_map(fold).take(LONGEST + 1).collect();
    if leaked.is_empty() || leaked.len() > LONGEST {
        return vec![None; places];
    }
    let ways = ways(carrier, places, fold);
    if let Some(way) = ways.iter().find(|way| way.text == leaked) {
        return (0..places)
            .map(|at| Some(symbol(way.pattern, at)))
            .collect();
    }
    let contained = |way: &Way| {
        let missing = leaked.len().saturating_sub(way.text.len());
        contains(&leaked, &way.text).then_some(missing)
    };
    let slack = ways
        .first()
        .map_or(0, |way| way.text.len() / FORGIVEN)
        .max(1);
    nearest(&ways, places, LONGEST, contained)
        .or_else(|| {
            nearest(&ways, places, slack, |way| {
                Some(distance(&leaked, &way.text, false))
            })
        })
        .or_else(|| {
            let slack = leaked.len() / FORGIVEN;
            nearest(&ways, places, slack, |way| {
                Some(distance(&leaked, &way.text, true))
            })
        })
        .unwrap_or_else(|| vec![None; places])
}

/// All ways of writing a value.
fn ways(carrier: &Carrier, places: usize, fold: impl Fn(char) -> Option<char>) -> Vec<Way> {
    let names: Vec<&Place> = carrier.places().collect();
    let write = |pattern: usize| {
        let text = carrier.write(|place| {
            let at = names.iter().position(|known| *known == place);
            symbol(pattern, at.unwrap_or(0))
        });
        Way {
            pattern,
            text: text.as_str().chars().filter_map(&fold).collect(),
        }
    };
    (0..1_usize << places).map(write).collect()
}

const fn symbol(pattern: usize, at: usize) -> Symbol {
    if pattern >> at & 1 == 1 {
        Symbol::One
    } else {
        Symbol::Zero
    }
}

/// For each place the form whose best way costs less; `None` when no way costs at most `most`.
fn nearest(
    ways: &[Way],
    places: usize,
    most: usize,
    cost: impl Fn(&Way) -> Option<usize>,
) -> Option<Vec<Option<Symbol>>> {
    let costs: Vec<(usize, usize)> = ways
        .iter()
        .filter_map(|way| Some((way.pattern, cost(way)?)))
        .collect();
    let best = costs.iter().map(|(_, cost)| *cost).min()?;
    if best > most {
        return None;
    }
    let least = |at: usize, form: Symbol| {
        let of = costs
            .iter()
            .filter(move |(pattern, _)| symbol(*pattern, at) == form);
        of.map(|(_, cost)| *cost).min().unwrap_or(usize::MAX)
    };
    let decide = |at: usize| match least(at, Symbol::Zero).cmp(&least(at, Symbol::One)) {
        std::cmp::Ordering::Less => Some(Symbol::Zero),
        std::cmp::Ordering::Equal => None,
        std::cmp::Ordering::Greater => Some(Symbol::One),
    };
    Some((0..places).map(decide).collect())
}

/// What remains of a character for comparison.
fn fold(c: char, masked: bool) -> Option<char> {
    let c = match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        _ => c,
    };
    let keeps = c.is_alphanumeric() || c == '-' || (masked && c == '*');
    keeps.then(|| c.to_ascii_uppercase())
}

fn contains(whole: &[char], part: &[char]) -> bool {
    !part.is_empty() && whole.windows(part.len()).any(|window| window == part)
}

/// Edit distance (Levenshtein); with `free`, what `whole` has before and after costs nothing.
fn distance(part: &[char], whole: &[char], free: bool) -> usize {
    let mut row: Vec<usize> = (0..=whole.len())
        .map(|at| if free { 0 } else { at })
        .collect();
    for (i, a) in part.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in whole.iter().enumerate() {
            let change = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = change.min(diagonal + 1).min(row[j] + 1);
        }
    }
    let last = row[whole.len()];
    if free {
        row.into_iter().min().unwrap_or(last)
    } else {
        last
    }
}

#[cfg(test)]
mod tests {
    use crate::table::observe;

    #[test]
    fn leaked_forms_and_what_they_show() {
        let stored = "广东省深圳市南山区科技路88号幸福小区3栋2单元501室";
        // province, building, unit, room; '?' is unclear.
        let rows = [
            (
                "as stored",
                "广东省深圳市南山区科技路88号幸福小区3栋2单元501室",
                "0100",
            ),
            (
                "all others",
                "广东深圳市南山区科技路88号幸福小区3号楼二单元501",
                "1011",
            ),
            (
                "full width",
                "广东深圳市南山区科技路８８号幸福小区３栋２单元５０１室",
                "1100",
            ),
            (
                "spaces",
                "广东省 深圳市 南山区 科技路 88号 幸福小区 3栋 2单元 501",
                "0101",
            ),
            (
                "in a sentence",
                "住址：广东深圳市南山区科技路88号幸福小区3栋2单元501室，勿动",
                "1100",
            ),
            (
                "one wrong character",
                "广东省深圳市南山区科枝路88号幸福小区3栋二单元501",
                "0111",
            ),
            ("head cut off", "科技路88号幸福小区3栋二单元501室", "?110"),
            ("tail cut off", "广东深圳市南山区科技路88号", "1???"),
            ("another address", "四川省成都市锦江区人民路2号", "????"),
            ("nothing", "", "????"),
        ];
        for (name, leaked, expected) in rows {
            let seen: String = observe("address", stored, leaked)
                .into_iter()
                .map(|symbol| symbol.map_or('?', |s| if s.index() == 1 { '1' } else { '0' }))
                .collect();
            assert_eq!(seen, expected, "{name}");
        }
    }

    #[test]
    fn refuses_values_too_long_to_be_one() {
        let long = "广东省深圳市南山区科技路88号".repeat(1_000);
        let seen = observe("address", "广东省深圳市南山区科技路88号", &long);
        assert_eq!(seen, [None]);
    }
}
