//! Where lines break.
//!
//! Rule, as far as it goes: GB/T 15834-2011 and the simple cases of Unicode UAX 14. Between Chinese
//! characters anywhere, but not before closing punctuation nor behind an opening bracket; between
//! words at spaces. What fits on no line is broken between any two characters.

/// A text in lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrapped {
    /// At least one line; spaces at a break belong to no line.
    pub(crate) lines: Vec<String>,
    /// Whether a word had to be broken within itself.
    pub(crate) forced: bool,
}

/// Breaks `text` into lines of at most `width`, `advance` giving the width of a character in the
/// same unit. Line feeds break, tabs count as spaces.
pub(crate) fn wrap(text: &str, width: f32, advance: impl Fn(char) -> f32) -> Wrapped {
    let mut wrapped = Wrapped {
        lines: Vec::new(),
        forced: false,
    };
    for paragraph in text.split('\n') {
        let characters: Vec<char> = paragraph
            .trim_end_matches('\r')
            .chars()
            .map(|character| if character == '\t' { ' ' } else { character })
            .collect();
        break_paragraph(&characters, width, &advance, &mut wrapped);
    }
    wrapped
}

fn break_paragraph(
    characters: &[char],
    width: f32,
    advance: &impl Fn(char) -> f32,
    wrapped: &mut Wrapped,
) {
    let mut rest = characters;
    loop {
        let fitting = fitting(rest, width, advance);
        if fitting == rest.len() {
            wrapped.lines.push(rest.iter().collect());
            return;
        }
        let natural = (1..=fitting)
            .rev()
            .find(|&at| may_break(rest[at - 1], rest[at]));
        wrapped.forced |= natural.is_none();
        let (line, behind) = rest.split_at(natural.unwrap_or(fitting.max(1)));
        wrapped
            .lines
            .push(line.iter().collect::<String>().trim_end().to_owned());
        let spaces = behind
            .iter()
            .take_while(|character| **character == ' ')
            .count();
        rest = &behind[spaces..];
        if rest.is_empty() {
            return;
        }
    }
}

/// How many characters fit; spaces at the end may stick out.
fn fitting(characters: &[char], width: f32, advance: &impl Fn(char) -> f32) -> usize {
    let mut along = 0.0;
    let slack = width * 1e-4;
    let over = characters.iter().position(|&character| {
        along += advance(character);
        character != ' ' && along > width + slack
    });
    over.unwrap_or(characters.len())
}

/// Whether a line may end with `before` and the next begin with `after`.
fn may_break(before: char, after: char) -> bool {
    if after == ' ' || is_closing(after) || is_opening(before) {
        return false;
    }
    before == ' ' || is_wide(before) || is_wide(after)
}

/// Never at the start of a line.
fn is_closing(character: char) -> bool {
    "，。、；：？！）》」』】〉〕”’…—～·,.;:!?)]}%‰℃°".contains(character)
}

/// Never at the end of a line.
fn is_opening(character: char) -> bool {
    "（《「『【〈〔“‘([{￥¥$".contains(character)
}

/// Characters that stand alone: Chinese, Japanese, Korean and their punctuation.
fn is_wide(character: char) -> bool {
    matches!(
        u32::from(character),
        0x2e80..=0x9fff | 0xac00..=0xd7af | 0xf900..=0xfaff | 0xff00..=0xffef | 0x2_0000..=0x3_ffff
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Chinese is 2 wide, all else 1.
    fn lines(text: &str, width: f32) -> Vec<String> {
        wrap(
            text,
            width,
            |character| if is_wide(character) { 2.0 } else { 1.0 },
        )
        .lines
    }

    #[test]
    fn lines_break_where_they_may() {
        let rows: &[(&str, f32, &[&str])] = &[
            ("", 9.0, &[""]),
            ("一二三四五", 6.0, &["一二三", "四五"]),
            ("一二三，四五", 6.0, &["一二", "三，四", "五"]),
            ("一二“三四”", 6.0, &["一二", "“三四”"]),
            ("one two three", 8.0, &["one two", "three"]),
            ("one two", 3.0, &["one", "two"]),
            ("某人 call 他", 9.0, &["某人 call", "他"]),
            ("abcdefgh", 3.0, &["abc", "def", "gh"]),
            ("a\nb\r\n\nc", 9.0, &["a", "b", "", "c"]),
            ("a\tb", 9.0, &["a b"]),
            (
                "号码13800138000在此",
                12.0,
                &["号码", "13800138000", "在此"],
            ),
            ("一", 0.5, &["一"]),
            ("trailing   ", 8.0, &["trailing   "]),
        ];
        for (text, width, expected) in rows {
            assert_eq!(lines(text, *width), *expected, "{text:?}");
        }
    }

    #[test]
    fn nothing_is_lost_but_spaces_at_breaks() {
        let text = "《个人信息保护法》第五十五条：处理敏感个人信息，应当事前评估 (impact assessment)，并记录。";
        for width in 1..60_u8 {
            let joined: String = lines(text, f32::from(width)).concat();
            let plain = |text: &str| text.replace(' ', "");
            assert_eq!(plain(&joined), plain(text), "{width}");
        }
    }

    #[test]
    fn a_broken_word_is_told() {
        let advance = |_| 1.0;
        assert!(!wrap("one two", 4.0, advance).forced);
        assert!(wrap("eleven", 4.0, advance).forced);
    }
}
