//! PDF: the text of its pages and, with eyes, what their pictures show.

use std::io::{Read, Seek};

use liuhen_detect::Detector;
use liuhen_picture::Picture;
use liuhen_reading::{Pdf, PdfPicture};

use super::finding::Site;
use super::notes::Reason;
use super::pictures::{self, not_seen};
use super::sink::Sink;
use crate::sight::Source;

/// What a picture of a page is called.
pub(crate) const PAGE_PICTURE: &str = "a picture of a page";

/// Scans the text of a PDF, page by page.
pub(super) fn pdf<S: Read + Seek>(
    source: S,
    length: u64,
    detector: &Detector,
    sink: &mut Sink<'_>,
) -> Result<(), Reason> {
    let mut pdf =
        Pdf::open(source, &sink.request().wishes.limits).map_err(|error| Reason::from(&error))?;
    let mut unseen = false;
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
        // Without models one picture speaks for all.
        if unseen || !sink.request().wants_pictures() {
            continue;
        }
        for picture in pdf.pictures(page).map_err(|error| Reason::from(&error))? {
            if let Err(reason) = shown(picture, page + 1, detector, sink) {
                unseen = matches!(reason, Reason::NoModels(_));
                sink.note(reason);
                if unseen {
                    break;
                }
            }
        }
    }
    sink.read(length, 0);
    Ok(())
}

/// Tells what a picture of a page shows.
pub(super) fn shown(
    picture: PdfPicture,
    page: usize,
    detector: &Detector,
    sink: &mut Sink<'_>,
) -> Result<(), Reason> {
    let mut look = |source| pictures::looked(PAGE_PICTURE, source, page, detector, sink);
    match picture {
        PdfPicture::Jpeg(bytes) => look(Source::Bytes(&bytes)),
        PdfPicture::Rgb {
            width,
            height,
            pixels,
        } => match Picture::rgb(width, height, pixels) {
            Ok(picture) => look(Source::Pixels(picture)),
            Err(error) => Err(not_seen(PAGE_PICTURE)(&error.into())),
        },
        _ => Err(Reason::Format(PAGE_PICTURE)),
    }
}
