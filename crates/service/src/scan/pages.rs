//! PDF: the text of its pages; what is only seen in their pictures is not read.

use std::io::{Read, Seek};

use liuhen_detect::Detector;
use liuhen_reading::Pdf;

use super::finding::Site;
use super::notes::Reason;
use super::sink::Sink;

/// Scans the text of a PDF, page by page.
pub(super) fn pdf<S: Read + Seek>(
    source: S,
    length: u64,
    detector: &Detector,
    sink: &mut Sink<'_>,
) -> Result<(), Reason> {
    let mut pdf =
        Pdf::open(source, &sink.request().wishes.limits).map_err(|error| Reason::from(&error))?;
    for page in 0..pdf.pages() {
        if sink.over {
            break;
        }
        let text = pdf.text(page).map_err(|error| Reason::from(&error))?;
        sink.watched(&text, false);
        detector.hits(&text, |found| {
            let site = Site::Page {
                page: page + 1,
                line: found.line,
            };
            sink.found(site, found.hit.span, found.hit, found.text, found.around());
        });
    }
    sink.read(length, 0);
    Ok(())
}
