//! Tables: places within a value that may be written in two equivalent ways.
//!
//! Rule: house design, section 9: never alter an identity number, telephone number, card or name;
//! carriers keep the value's meaning. Zero-width characters, spacing and file styles are no carriers.
//! Which equivalences hold is written beside each rule, in [`address`] and [`date`]; [`time`] and
//! [`coordinate`] change a measured value by one unit of its last digit; [`masked`] hides a digit more.
//!
//! A slot is named by the row's natural key, the column and the place within the value, so that
//! shuffling, cutting and merging tables moves no slot.
//! Finding out which subject a leaked row is about belongs to the caller.

pub mod address;
pub mod coordinate;
pub mod date;
pub mod masked;
pub mod time;

mod compare;
mod digit;

use liuhen_document::Text;

use crate::code::{CodeKey, ExportKey, Slot, Symbol};
use crate::model::Observation;

/// Namespace of slots in table values.
const NAMESPACE: &[u8] = b"liuhen/fingerprint/mark/v1";

/// One value of a row as the vault holds it.
#[derive(Clone, Copy)]
pub struct Cell<'a> {
    /// The column's lasting name, such as the vault's field name; not the header of one export.
    pub column: &'a str,
    /// The name of its kind, as `Kind::name` gives it, empty for a column without one, or [`MASKED`];
    /// most kinds carry nothing, see [`carrier`].
    pub kind: &'a str,
    /// The stored value.
    pub canonical: &'a str,
}

/// A place with two equivalent forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The place's name within its value, part of the slot's name; never changes.
    pub name: &'static str,
    /// The forms of symbols zero and one.
    pub forms: [&'static str; 2],
}

/// A stretch of a value.
#[derive(Clone, PartialEq, Eq)]
enum Piece {
    Fixed(Text),
    Place(Place),
}

/// How the forms of a leaked value are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// As text, forgiving a few wrong characters.
    Words,
    /// As text in which stars stand for digits.
    Mask,
    /// As the same time in whatever notation; a wrong digit is another time.
    Time,
    /// As the same number.
    Coordinate,
}

/// A value taken apart into fixed text and places.
#[derive(Clone, PartialEq, Eq)]
pub struct Carrier {
    pieces: Vec<Piece>,
    reading: Reading,
}

/// The kind of a value that leaves masked: [`Cell::canonical`] is then the value as the policy masks
/// it, whatever it was before.
pub const MASKED: &str = "masked";

/// Takes a value apart; `None` when its kind carries nothing or no rule applies to it.
///
/// | kind | carries |
/// |---|---|
/// | `address` | equivalent forms, [`address`] |
/// | `date_of_birth` | leading zeros of the Chinese form, [`date`] |
/// | `gps` | the last of six or more decimals, [`coordinate`] |
/// | [`MASKED`] | where the mask ends, [`masked`] |
/// | none, in a column named for times of events | seconds, [`time`] |
///
/// Identity numbers, telephone numbers, cards, names and every other kind are left alone.
#[must_use]
pub fn carrier(cell: &Cell<'_>) -> Option<Carrier> {
    let carrier = match cell.kind {
        "address" => address::parse(cell.canonical),
        "date_of_birth" => date::parse(cell.canonical),
        "gps" => coordinate::parse(cell.canonical),
        MASKED => masked::parse(cell.canonical),
        "" if time::is_event_column(cell.column) => time::parse(cell.canonical),
        _ => return None,
    };
    let carries = carrier.places().next().is_some();
    carries.then_some(carrier)
}

/// [`carrier`] of a value whose column says nothing about it.
#[must_use]
pub fn variants(kind: &str, canonical: &str) -> Option<Carrier> {
    carrier(&Cell {
        column: "",
        kind,
        canonical,
    })
}

impl Carrier {
    fn new() -> Self {
        Self {
            pieces: Vec::new(),
            reading: Reading::Words,
        }
    }

    /// Appends characters that stay as they are.
    fn fixed(&mut self, text: impl IntoIterator<Item = char>) {
        let mut whole = match self.pieces.pop() {
            Some(Piece::Fixed(last)) => last.into_string(),
            Some(place) => {
                self.pieces.push(place);
                String::new()
            }
            None => String::new(),
        };
        whole.extend(text);
        if !whole.is_empty() {
            self.pieces.push(Piece::Fixed(Text::from(whole)));
        }
    }

    fn place(&mut self, name: &'static str, forms: [&'static str; 2]) {
        self.pieces.push(Piece::Place(Place { name, forms }));
    }

    /// The places, from left to right; each has a name of its own.
    pub fn places(&self) -> impl Iterator<Item = &Place> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Place(place) => Some(place),
            Piece::Fixed(_) => None,
        })
    }

    /// Writes the value with the form that `choose` names for each place.
    #[must_use]
    pub fn write(&self, mut choose: impl FnMut(&Place) -> Symbol) -> Text {
        let mut written = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Fixed(text) => written.push_str(text.as_str()),
                Piece::Place(place) => written.push_str(place.forms[choose(place).index()]),
            }
        }
        Text::from(written)
    }

    /// The one form to which every variant of the value leads.
    #[must_use]
    pub fn plain(&self) -> Text {
        self.write(|_| Symbol::Zero)
    }

    /// Reads the form of each place, in the order of [`Carrier::places`], from a leaked value.
    ///
    /// Width of characters, spaces, punctuation and a few wrong characters do no harm; what is
    /// unclear reads as `None`.
    #[must_use]
    pub fn observe(&self, leaked: &str) -> Vec<Option<Symbol>> {
        match self.reading {
            Reading::Words | Reading::Mask => compare::observe(self, leaked),
            Reading::Time => vec![time::observe(self.plain().as_str(), leaked)],
            Reading::Coordinate => coordinate::observe(self.plain().as_str(), leaked),
        }
    }
}

/// Reads the symbols of a leaked value, place by place; empty when the value carries none.
#[must_use]
pub fn observe(kind: &str, canonical: &str, leaked: &str) -> Vec<Option<Symbol>> {
    variants(kind, canonical).map_or_else(Vec::new, |carrier| carrier.observe(leaked))
}

/// The one form to which all variants of a value lead; the value itself when it carries nothing.
#[must_use]
pub fn plain(kind: &str, value: &str) -> Text {
    variants(kind, value).map_or_else(|| Text::from(value), |carrier| carrier.plain())
}

/// The slot of a place in a row.
fn slot(code: &CodeKey, natural_key: &[u8], cell: &Cell<'_>, place: &Place) -> Slot {
    let parts = [natural_key, cell.column.as_bytes(), place.name.as_bytes()];
    code.slot(NAMESPACE, &parts)
}

/// A row as one export shows it.
#[derive(Debug, Clone)]
pub struct MarkedRow {
    /// One value for each cell, in order.
    pub values: Vec<Text>,
    /// How many symbols they carry.
    pub symbols: usize,
}

/// Marks a row for an export.
///
/// `natural_key` names the subject or record in bytes that stay the same in every export, such as
/// its opaque id; two rows of one export with the same key share their slots.
#[must_use]
pub fn mark_row(
    code: &CodeKey,
    export: &ExportKey,
    natural_key: &[u8],
    cells: &[Cell<'_>],
) -> MarkedRow {
    let mut symbols = 0;
    let mut mark = |cell: &Cell<'_>| {
        let Some(carrier) = carrier(cell) else {
            return Text::from(cell.canonical);
        };
        carrier.write(|place| {
            symbols += 1;
            export.symbol(&slot(code, natural_key, cell, place))
        })
    };
    let values = cells.iter().map(&mut mark).collect();
    MarkedRow { values, symbols }
}

/// How many symbols a row carries.
#[must_use]
pub fn capacity(cells: &[Cell<'_>]) -> usize {
    let carriers = cells.iter().filter_map(carrier);
    carriers.map(|carrier| carrier.places().count()).sum()
}

/// Reads the symbols of a leaked row; cells and leaked values go in pairs.
///
/// A value the leak does not have is left out. What comes back goes into
/// [`crate::trace::Leak::mark`].
#[must_use]
pub fn observe_row(
    code: &CodeKey,
    natural_key: &[u8],
    cells: &[(Cell<'_>, &str)],
) -> Vec<(Slot, Observation)> {
    let mut seen = Vec::new();
    for (cell, leaked) in cells {
        let Some(carrier) = carrier(cell) else {
            continue;
        };
        for (place, symbol) in carrier.places().zip(carrier.observe(leaked)) {
            let observation = match symbol {
                Some(Symbol::Zero) => Observation::Zero,
                Some(Symbol::One) => Observation::One,
                None => continue,
            };
            seen.push((slot(code, natural_key, cell, place), observation));
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FULL: &str = "广东省深圳市南山区科技路88号幸福小区3栋2单元501室";

    fn row(address: &str) -> [Cell<'_>; 4] {
        let cell = |column, kind, canonical| Cell {
            column,
            kind,
            canonical,
        };
        [
            cell("name", "person_name", "栋省室"),
            cell("id", "resident_id", "3号楼2单元501室"),
            cell("mobile", "mobile", "3栋2单元501"),
            cell("home", "address", address),
        ]
    }

    #[test]
    fn only_the_address_changes() {
        let code = CodeKey::from_secret([1; 32]);
        let cells = row(FULL);
        for export in (0..20).map(|i| ExportKey::from_secret([i; 32])) {
            let marked = mark_row(&code, &export, b"subject", &cells);
            assert_eq!(marked.symbols, 4);
            for (cell, value) in cells.iter().zip(&marked.values).take(3) {
                assert_eq!(value.as_str(), cell.canonical);
            }
            assert_eq!(
                plain("address", marked.values[3].as_str()),
                plain("address", FULL)
            );
        }
    }

    #[test]
    fn refuses_to_touch_what_identifies() {
        for kind in [
            "resident_id",
            "mobile",
            "bank_card",
            "person_name",
            "email",
            "plate",
            "",
        ] {
            assert!(variants(kind, FULL).is_none(), "{kind}");
        }
    }

    #[test]
    fn rows_and_columns_have_slots_of_their_own() {
        let code = CodeKey::from_secret([1; 32]);
        let cell = |column| Cell {
            column,
            kind: "address",
            canonical: FULL,
        };
        let mut ids = Vec::new();
        for key in [b"a", b"b"] {
            for column in ["home", "work"] {
                let seen = observe_row(&code, key, &[(cell(column), FULL)]);
                assert_eq!(seen.len(), 4);
                ids.extend(seen.into_iter().map(|(slot, _)| slot.id()));
            }
        }
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 16);
    }

    /// How a leaker might disfigure a value without changing a word.
    fn disguise(value: &str, style: usize) -> String {
        match style {
            0 => value.to_owned(),
            1 => value.chars().flat_map(|c| [c, ' ']).collect(),
            2 => value.chars().map(widen).collect(),
            3 => format!("“{value}”。"),
            _ => format!("\u{feff}{}\u{200b}", value.replace("区", "区，")),
        }
    }

    fn widen(c: char) -> char {
        match c {
            '!'..='~' => char::from_u32(u32::from(c) + 0xfee0).unwrap_or(c),
            _ => c,
        }
    }

    proptest! {
        #[test]
        fn what_was_marked_is_observed(
            secret in any::<[u8; 32]>(),
            building in 1_u32..999,
            unit in 1_u32..10,
            room in 101_u32..9_999,
            style in 0_usize..5,
        ) {
            let address = format!("江苏省南京市鼓楼区湖北路7号{building}幢{unit}单元{room}");
            let code = CodeKey::from_secret([2; 32]);
            let export = ExportKey::from_secret(secret);
            let cells = row(&address);
            let marked = mark_row(&code, &export, b"key", &cells);
            let leaked = disguise(marked.values[3].as_str(), style);
            let seen = observe_row(&code, b"key", &[(cells[3], leaked.as_str())]);
            prop_assert_eq!(seen.len(), 4);
            for (slot, observation) in seen {
                prop_assert_eq!(usize::from(observation), export.symbol(&slot).index());
            }
        }

        #[test]
        fn any_text_is_written_back_when_nothing_is_chosen(text in "[0-9号楼栋幢单元室房省市区座层二三十一江西广东北京 -]{0,24}") {
            let carrier = address::parse(&text);
            let places: Vec<Place> = carrier.places().copied().collect();
            for pattern in 0..1_usize << places.len() {
                let chosen = carrier.write(|place| pick(&places, place, pattern));
                prop_assert_eq!(&address::parse(chosen.as_str()).plain(), &carrier.plain());
                let seen = carrier.observe(chosen.as_str());
                for (place, symbol) in places.iter().zip(seen) {
                    prop_assert!(symbol.is_none_or(|s| s == pick(&places, place, pattern)));
                }
            }
        }
    }

    fn pick(places: &[Place], place: &Place, pattern: usize) -> Symbol {
        let at = places.iter().position(|known| known == place).unwrap();
        if pattern >> at & 1 == 1 {
            Symbol::One
        } else {
            Symbol::Zero
        }
    }
}
