//! One sensitive value.
//!
//! A [`Text`] tells its length to whoever prints it for debugging, is wiped
//! when dropped, and is not serialised: what leaves must be taken out by name.

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

/// One cell or value that may be personal information.
///
/// `Debug` prints the number of characters only. Serde is left out on purpose.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Zeroize, ZeroizeOnDrop)]
pub struct Text(String);

impl Text {
    /// The value itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Gives the value up; wiping it becomes the caller's affair.
    #[must_use]
    pub fn into_string(mut self) -> String {
        std::mem::take(&mut self.0)
    }

    /// Whether nothing but white space is in it.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.0.trim().is_empty()
    }

    /// Its length in bytes of UTF-8.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it has no bytes at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for Text {
    fn from(value: String) -> Text {
        Text(value)
    }
}

impl From<&str> for Text {
    fn from(value: &str) -> Text {
        Text(value.to_owned())
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({} chars)", self.0.chars().count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_tells_the_length_only() {
        let text = Text::from("张三丰 x");
        assert_eq!(format!("{text:?}"), "Text(5 chars)");
        assert_eq!(format!("{:?}", vec![text]), "[Text(5 chars)]");
    }

    #[test]
    fn gives_the_value_up_whole() {
        assert_eq!(Text::from("abc").into_string(), "abc");
        assert!(Text::from(" \u{3000}\t").is_blank());
        assert!(Text::default().is_empty());
        assert_eq!(Text::from("张").len(), 3);
    }
}
