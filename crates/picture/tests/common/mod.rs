//! A font with Chinese, or word that tests of drawing are passed over.

#![allow(clippy::print_stdout, reason = "a test that is passed over says so")]

use liuhen_picture::Font;

/// The font that this machine offers for a text; `None`, said aloud, where it has none.
pub(crate) fn font(text: &str) -> Option<Font> {
    match Font::find(None, text) {
        Ok(font) => Some(font),
        Err(error) => {
            println!("SKIP: {error}");
            None
        }
    }
}
