//! Phrases in Chinese and English, side by side, so that neither can be forgotten.
//!
//! A catalogue is a module of constants made by [`phrases!`]; blanks are written `{name}` and filled by [`Phrase::fill`].
//! Which language a page speaks is decided by the request; here a phrase only knows both.

use std::fmt::Display;

use liuhen_kinds::Lang;

/// One phrase in both languages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Phrase {
    /// In Chinese.
    pub(crate) zh: &'static str,
    /// In English.
    pub(crate) en: &'static str,
}

impl Phrase {
    /// The phrase in one language.
    pub(crate) fn get(self, lang: Lang) -> &'static str {
        match lang {
            Lang::Zh => self.zh,
            Lang::En => self.en,
        }
    }

    /// The phrase with its blanks filled. What fills them is plain text; escaping is the page's business.
    pub(crate) fn fill(self, lang: Lang, values: &[(&str, &dyn Display)]) -> String {
        let mut rest = self.get(lang);
        let mut whole = String::with_capacity(rest.len() + 32);
        // One pass from the left, so that a value which itself looks like a blank is never filled again.
        while let Some((before, blank, after)) = next_blank(rest) {
            whole.push_str(before);
            match values.iter().find(|(name, _)| *name == blank) {
                Some((_, value)) => whole.push_str(&value.to_string()),
                None => whole.push_str(blank),
            }
            rest = after;
        }
        whole.push_str(rest);
        whole
    }
}

/// Splits at the first `{name}`.
fn next_blank(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('{')?;
    let (blank, after) = rest.split_once('}')?;
    Some((before, blank, after))
}

/// The tag for `lang` attributes.
pub(crate) fn tag(lang: Lang) -> &'static str {
    match lang {
        Lang::Zh => "zh-CN",
        Lang::En => "en",
    }
}

/// Declares phrases as constants, and `ALL` with each of them and its name.
macro_rules! phrases {
    ($($name:ident: $zh:literal, $en:literal;)*) => {
        $(pub(crate) const $name: $crate::ui::i18n::Phrase = $crate::ui::i18n::Phrase { zh: $zh, en: $en };)*

        /// Every phrase of this catalogue, for the test that neither language is forgotten.
        #[cfg(test)]
        pub(crate) const ALL: &[(&str, $crate::ui::i18n::Phrase)] = &[$((stringify!($name), $name)),*];
    };
}
pub(crate) use phrases;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::ui::words;

    fn blanks(text: &str) -> BTreeSet<&str> {
        let mut found = BTreeSet::new();
        let mut rest = text;
        while let Some((_, blank, after)) = next_blank(rest) {
            found.insert(blank);
            rest = after;
        }
        found
    }

    fn has_han(text: &str) -> bool {
        text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c))
    }

    /// Whether nothing but signs stands around the blanks.
    fn only_signs(text: &str) -> bool {
        let (mut rest, mut around) = (text, String::new());
        while let Some((before, _, after)) = next_blank(rest) {
            around.push_str(before);
            rest = after;
        }
        around.push_str(rest);
        !around.chars().any(char::is_alphanumeric)
    }

    #[test]
    fn every_phrase_speaks_both_languages() {
        // What names the other language on purpose, and the letters of formulas.
        let excepted = ["LANG_OTHER", "COL_LN_E", "COL_P"];
        for (area, catalogue) in words::catalogues() {
            for (name, phrase) in catalogue {
                assert!(
                    !phrase.zh.trim().is_empty(),
                    "{area}::{name} has no Chinese"
                );
                assert!(
                    !phrase.en.trim().is_empty(),
                    "{area}::{name} has no English"
                );
                assert_eq!(
                    blanks(phrase.zh),
                    blanks(phrase.en),
                    "{area}::{name}: blanks differ"
                );
                if !excepted.contains(name) {
                    assert!(
                        has_han(phrase.zh) || only_signs(phrase.zh),
                        "{area}::{name}: Chinese without a Han character"
                    );
                    assert!(
                        !has_han(phrase.en),
                        "{area}::{name}: English with Han characters"
                    );
                }
            }
        }
    }

    #[test]
    fn names_are_unique_within_a_catalogue() {
        for (area, catalogue) in words::catalogues() {
            let names: BTreeSet<_> = catalogue.iter().map(|(name, _)| name).collect();
            assert_eq!(names.len(), catalogue.len(), "{area}");
        }
    }

    #[test]
    fn blanks_are_filled_once() {
        let phrase = Phrase {
            zh: "共 {n} 条,{who}",
            en: "{n} in all, {who}, {missing}",
        };
        let values: [(&str, &dyn Display); 2] = [("n", &3), ("who", &"{n}")];
        assert_eq!(phrase.fill(Lang::Zh, &values), "共 3 条,{n}");
        assert_eq!(phrase.fill(Lang::En, &values), "3 in all, {n}, missing");
    }
}
