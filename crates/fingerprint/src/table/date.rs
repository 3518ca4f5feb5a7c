//! Dates: the leading zero of month and day in the Chinese way of writing.
//!
//! | place | forms | why they mean the same |
//! |---|---|---|
//! | `month` | 1990年5月7日 / 1990年05月7日 | the same number |
//! | `day` | 1990年5月7日 / 1990年5月07日 | the same number |
//!
//! Other ways (1990-05-07, 19900507) are left alone: machines read them, and a column that mixes
//! them stands out. GB/T 7408 writes both with two digits, and people write either.

use super::Carrier;

/// Months and days below ten, with and without the zero.
const SHORT: [[&str; 2]; 9] = [
    ["1", "01"],
    ["2", "02"],
    ["3", "03"],
    ["4", "04"],
    ["5", "05"],
    ["6", "06"],
    ["7", "07"],
    ["8", "08"],
    ["9", "09"],
];

/// Takes a date apart; what is no date of this shape comes back whole.
#[must_use]
pub fn parse(date: &str) -> Carrier {
    shaped(date).unwrap_or_else(|| {
        let mut whole = Carrier::new();
        whole.fixed(date.chars());
        whole
    })
}

/// `YYYY年M月D日`.
fn shaped(date: &str) -> Option<Carrier> {
    let (year, rest) = date.split_once('年')?;
    let (month, rest) = rest.split_once('月')?;
    let day = rest.strip_suffix('日')?;
    let digits = |text: &str, lengths: std::ops::RangeInclusive<usize>| {
        lengths.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
    };
    if !(digits(year, 4..=4) && digits(month, 1..=2) && digits(day, 1..=2)) {
        return None;
    }
    let mut carrier = Carrier::new();
    carrier.fixed(year.chars().chain(['年']));
    number(&mut carrier, "month", month);
    carrier.fixed(['月']);
    number(&mut carrier, "day", day);
    carrier.fixed(['日']);
    Some(carrier)
}

fn number(carrier: &mut Carrier, name: &'static str, digits: &str) {
    match SHORT.iter().find(|forms| forms.contains(&digits)) {
        Some(forms) => carrier.place(name, *forms),
        None => carrier.fixed(digits.chars()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_their_places() {
        let rows = [
            ("1990年5月7日", 2),
            ("1990年05月07日", 2),
            ("1990年12月7日", 1),
            ("1990年12月17日", 0),
            ("1990-05-07", 0),
            ("90年5月7日", 0),
            ("1990年5月", 0),
            ("", 0),
        ];
        for (date, places) in rows {
            let carrier = parse(date);
            assert_eq!(carrier.places().count(), places, "{date}");
        }
        assert!(parse("1990年05月7日") == parse("1990年5月07日"));
    }
}
