//! A PDF's pages as text, each at its place.

use super::Pdf;
use crate::ReadError;
use crate::unpack::{Flow, Step};

/// Page after page: its number, then its text.
pub(crate) struct Pages {
    pdf: Pdf,
    page: usize,
    said: bool,
}

impl Pages {
    pub(crate) fn new(pdf: Pdf) -> Self {
        Self {
            pdf,
            page: 0,
            said: false,
        }
    }
}

impl Flow for Pages {
    fn step(&mut self) -> Result<Option<Step>, ReadError> {
        if self.page >= self.pdf.pages() {
            return Ok(None);
        }
        if !self.said {
            self.said = true;
            return Ok(Some(Step::Section(format!("page {}", self.page + 1))));
        }
        let text = self.pdf.text(self.page)?;
        self.page += 1;
        self.said = false;
        Ok(Some(Step::Text(text)))
    }
}
