//! The words of the reports, in both languages.

use std::time::Duration;

use liuhen_kinds::{Kind, Lang, Level};
use liuhen_service::scan::{self, Pack};

/// What kinds are called, packs of the user's own included, and in which language.
#[derive(Clone, Copy)]
pub(super) struct Labels<'p> {
    pub(super) packs: &'p [Pack],
    pub(super) chinese: bool,
}

impl<'p> Labels<'p> {
    /// The language of the report.
    pub(super) fn lang(self) -> Lang {
        if self.chinese { Lang::Zh } else { Lang::En }
    }

    /// The label of a kind.
    pub(super) fn of(self, kind: Kind) -> &'p str {
        scan::label(self.packs, kind, self.lang())
    }
}

/// The level that a name means, `very-high` as well as `very_high`.
pub(super) fn level(name: &str) -> Option<Level> {
    let folded = name.to_ascii_lowercase().replace('-', "_");
    LEVELS
        .into_iter()
        .find(|level| level_name(*level) == folded)
}

/// Every level, the highest first.
pub(super) const LEVELS: [Level; 4] = [Level::VeryHigh, Level::High, Level::Medium, Level::Low];

/// The stable name of a level.
pub(super) fn level_name(level: Level) -> &'static str {
    match level {
        Level::Low => "low",
        Level::Medium => "medium",
        Level::High => "high",
        Level::VeryHigh => "very_high",
    }
}

/// The word for a level.
pub(super) fn level_word(level: Level, chinese: bool) -> &'static str {
    match (level, chinese) {
        (Level::Low, true) => "低",
        (Level::Medium, true) => "中",
        (Level::High, true) => "高",
        (Level::VeryHigh, true) => "极高",
        (Level::Low, false) => "low",
        (Level::Medium, false) => "medium",
        (Level::High, false) => "high",
        (Level::VeryHigh, false) => "very high",
    }
}

/// One of two texts.
pub(super) fn say(chinese: bool, zh: &'static str, en: &'static str) -> &'static str {
    if chinese { zh } else { en }
}

/// Bytes as a person reads them.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1000.0 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    match unit {
        0 => format!("{bytes} B"),
        _ => format!("{value:.1} {}", UNITS[unit]),
    }
}

/// How much was looked through, how long it took and how fast that was.
pub(super) fn pace(chinese: bool, files: u64, bytes: u64, took: Duration) -> String {
    let seconds = took.as_secs_f64().max(1e-3);
    let speed = bytes as f64 / seconds / 1e6;
    let (size, files) = (size(bytes), grouped(files));
    match chinese {
        true => format!("读了 {files} 个文件、{size}，用时 {seconds:.2} 秒（{speed:.0} MB/s）"),
        false => format!("{files} files, {size}, {seconds:.2} s ({speed:.0} MB/s)"),
    }
}

/// A count with its thousands set apart.
pub(super) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_people_read_them() {
        assert_eq!(
            (grouped(0), grouped(1234567)),
            ("0".to_owned(), "1,234,567".to_owned())
        );
        assert_eq!(
            (size(999), size(10_500_000)),
            ("999 B".to_owned(), "10.5 MB".to_owned())
        );
    }

    #[test]
    fn levels_have_names() {
        for one in LEVELS {
            assert_eq!(level(level_name(one)), Some(one));
        }
        assert_eq!(level("Very-High"), Some(Level::VeryHigh));
        assert_eq!(level("mobile"), None);
    }
}
