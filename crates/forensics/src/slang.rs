//! Words of the trade in personal information, for the glossary that a report ends with.
//!
//! Rule: `rules/slang.toml`, each word with its source. Finding one says that it stands there, and no
//! more: many have an ordinary sense too, and such are marked.

use std::collections::HashMap;
use std::sync::OnceLock;

use liuhen_kinds::Source;
use serde::Deserialize;

/// A word and what it means.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "rules/slang.toml explains each beside it")]
pub struct Word {
    pub word: String,
    pub zh: String,
    pub en: String,
    #[serde(default)]
    pub ambiguous: bool,
    pub source: Source,
}

/// The list, and its words by their first letters.
#[derive(Debug)]
pub struct Slang {
    /// Its version.
    pub version: String,
    /// The words.
    pub words: Vec<Word>,
    by_first: HashMap<char, Vec<usize>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: String,
    word: Vec<Word>,
}

impl Slang {
    /// The list that is compiled in; parsed once.
    #[must_use]
    pub fn builtin() -> &'static Self {
        static SLANG: OnceLock<Slang> = OnceLock::new();
        SLANG.get_or_init(|| {
            #[expect(
                clippy::expect_used,
                reason = "the text is compiled in, and a test parses it"
            )]
            let file: File =
                toml::from_str(include_str!("../rules/slang.toml")).expect("the list of slang");
            let mut by_first: HashMap<char, Vec<usize>> = HashMap::new();
            for (at, word) in file.word.iter().enumerate() {
                if let Some(first) = word.word.chars().next() {
                    by_first.entry(first).or_default().push(at);
                }
            }
            Self {
                version: file.version,
                words: file.word,
                by_first,
            }
        })
    }

    /// Tells each word that stands in a text, by its place in the list, as often as it does.
    ///
    /// Words of Latin letters stand alone: no letter or digit touches them.
    pub fn find(&self, text: &str, mut told: impl FnMut(usize)) {
        for (at, first) in text.char_indices() {
            let Some(words) = self.by_first.get(&first) else {
                continue;
            };
            for word in words {
                let wanted = self.words[*word].word.as_str();
                if text[at..].starts_with(wanted) && stands_alone(text, at, wanted) {
                    told(*word);
                }
            }
        }
    }
}

fn stands_alone(text: &str, at: usize, word: &str) -> bool {
    let touches = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let before = text[..at].chars().next_back();
    let after = text[at + word.len()..].chars().next();
    !word.is_ascii() || !(touches(before) || touches(after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_where_they_stand() {
        let slang = Slang::builtin();
        let found = |text: &str| {
            let mut all = Vec::new();
            slang.find(text, |at| all.push(slang.words[at].word.as_str()));
            all
        };
        assert_eq!(
            found("出一手料，可查头，支持过人脸"),
            ["一手料", "查头", "过人脸"]
        );
        assert_eq!(found("SGK 机器人, MSGKX"), ["SGK"]);
        assert_eq!(found("查档查档"), ["查档", "查档"]);
        assert!(found("材料 姓名 手机号").is_empty());
    }

    #[test]
    fn each_word_is_listed_once() {
        let mut words: Vec<&str> = Slang::builtin()
            .words
            .iter()
            .map(|one| one.word.as_str())
            .collect();
        words.sort_unstable();
        assert!(words.windows(2).all(|two| two[0] != two[1]));
    }
}
