//! What a page knows of its request: language, who is signed in, the token for its forms, and where it is.

use std::fmt::Display;

use liuhen_service::{Role, StaffView};

use super::i18n::Phrase;
use crate::Lang;

/// The surroundings of one page.
#[derive(Debug, Clone)]
pub(crate) struct Ctx {
    /// The language of the page.
    pub(crate) lang: Lang,
    /// The member of staff, where one is signed in.
    pub(crate) staff: Option<StaffView>,
    /// The session's token against forged forms; empty where nobody is signed in.
    pub(crate) csrf: String,
    /// The address to come back to after the language is changed.
    pub(crate) back: String,
}

impl Ctx {
    /// A page for somebody who is not signed in.
    pub(crate) fn stranger(lang: Lang, back: &str) -> Self {
        Self {
            lang,
            staff: None,
            csrf: String::new(),
            back: back.to_owned(),
        }
    }

    /// A phrase in the page's language.
    pub(crate) fn t(&self, phrase: Phrase) -> &'static str {
        phrase.get(self.lang)
    }

    /// A phrase with its blanks filled.
    pub(crate) fn f(&self, phrase: Phrase, values: &[(&str, &dyn Display)]) -> String {
        phrase.fill(self.lang, values)
    }

    /// One of two texts that came in both languages.
    pub(crate) fn either<'a>(&self, zh: &'a str, en: &'a str) -> &'a str {
        match self.lang {
            Lang::Zh => zh,
            Lang::En => en,
        }
    }

    /// Whether the member of staff has one of these roles.
    pub(crate) fn has(&self, roles: &[Role]) -> bool {
        self.staff
            .as_ref()
            .is_some_and(|staff| staff.roles.iter().any(|role| roles.contains(role)))
    }
}
