//! Pictures: what their pixels show, and what their files say beside.

use std::io::Read;

use liuhen_detect::Detector;
use liuhen_reading::ReadError;

use super::finding::Site;
use super::notes::Reason;
use super::sink::Sink;
use super::summary::shows_document;
use crate::sight::{Glance, LARGEST, Reel, SightError, Source, Spot, pixels};

/// Scans a picture; `format` is its English name.
pub(super) fn scan(
    format: &'static str,
    source: impl Read,
    detector: &Detector,
    sink: &mut Sink<'_>,
) -> Result<(), Reason> {
    // Asked before anything is read.
    sink.looker(format)?;
    let mut held = Vec::new();
    let mut source = source.take(LARGEST + 1);
    source
        .read_to_end(&mut held)
        .map_err(|error| Reason::from(&error))?;
    if held.len() as u64 > LARGEST {
        return Err(Reason::Bound(format!(
            "a picture of more than {LARGEST} bytes"
        )));
    }
    if let Some(meter) = sink.request().meter {
        meter(held.len() as u64);
    }
    bytes(format, &held, detector, sink)
}

/// Scans the bytes of a picture.
pub(super) fn bytes(
    format: &'static str,
    bytes: &[u8],
    detector: &Detector,
    sink: &mut Sink<'_>,
) -> Result<(), Reason> {
    looked(format, Source::Bytes(bytes), 0, detector, sink)?;
    sink.read(bytes.len() as u64, 0);
    Ok(())
}

/// Looks at a picture, closely or not, and tells what it shows; `page` is that of a PDF which
/// shows it, or 0.
pub(super) fn looked(
    format: &'static str,
    source: Source<'_>,
    page: usize,
    detector: &Detector,
    sink: &mut Sink<'_>,
) -> Result<(), Reason> {
    let looker = sink.looker(format)?;
    let Some(triage) = sink.request().triage else {
        let seen = match source {
            Source::Bytes(bytes) => looker.see(bytes, detector),
            Source::Pixels(picture) => looker.see_pixels(picture, detector),
        };
        let seen = seen.map_err(|error| not_seen(format)(&error))?;
        sink.pictures().looked += 1;
        found(&seen.spots, page, sink);
        return Ok(());
    };
    let named = shows_document(name_in(sink.path()));
    let (glance, again) = triage.see(looker, source, named, detector);
    let glance = glance.as_ref().as_ref().map_err(not_seen(format))?;
    let pictures = sink.pictures();
    *match glance {
        _ if again => &mut pictures.repeated,
        Glance::Looked(_) => &mut pictures.looked,
        Glance::Small => &mut pictures.small,
        Glance::Unlikely(_) => &mut pictures.unlikely,
    } += 1;
    found(glance.spots(), page, sink);
    Ok(())
}

/// Looks at frames of a film that lies within something: ffmpeg seeks in it, so its bytes go into a file that
/// has no name, and is gone however this ends. What unpacking it may cost bounds them.
pub(super) fn film_within(
    format: &'static str,
    source: &mut dyn Read,
    detector: &Detector,
    sink: &mut Sink<'_>,
) -> Result<(), Reason> {
    let mut held = tempfile::tempfile().map_err(|error| Reason::from(&error))?;
    let length =
        std::io::copy(source, &mut held).map_err(|error| Reason::from(&ReadError::of(error)))?;
    film(format, Reel::Open(&held), length, detector, sink)
}

/// Looks at frames of a film of so many bytes. Frames alike are looked at once each: what stands still is
/// told of its first moment, as long as nothing else shows.
pub(super) fn film(
    format: &'static str,
    reel: Reel<'_>,
    length: u64,
    detector: &Detector,
    sink: &mut Sink<'_>,
) -> Result<(), Reason> {
    let request = sink.request();
    let (Some(looker), Some(films)) = (request.looker, request.films) else {
        return Err(Reason::Format(format));
    };
    let mut before = Vec::new();
    for moment in films.moments(reel)? {
        let frame = films.frame(reel, moment)?;
        if frame.is_empty() || frame == before {
            continue;
        }
        if let Some(meter) = request.meter {
            meter(frame.len() as u64);
        }
        let seen = looker.see(&frame, detector);
        let seen = seen.map_err(|error| not_seen(format)(&error))?;
        sink.pictures().looked += 1;
        let at = u64::try_from(moment.as_millis()).unwrap_or(u64::MAX);
        for spot in &seen.spots {
            let Some(area) = spot.area() else { continue };
            let site = Site::Frame {
                at,
                area: pixels(&area),
            };
            sink.watched(&spot.text, false);
            sink.found(site, spot.hit.span, &spot.hit, &spot.text, &spot.line);
        }
        before = frame;
    }
    sink.read(length, 0);
    Ok(())
}

/// The last name of a path, whatever lies around it.
fn name_in(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// Tells what a picture shows.
fn found(spots: &[Spot], page: usize, sink: &mut Sink<'_>) {
    for spot in spots {
        let site = spot.area().map_or(Site::PictureFile, |area| Site::Picture {
            page,
            area: pixels(&area),
        });
        sink.watched(&spot.text, false);
        sink.found(site, spot.hit.span, &spot.hit, &spot.text, &spot.line);
    }
}

/// What is not read by its format stays so; what is damaged or too large is told as such.
pub(crate) fn not_seen(format: &'static str) -> impl Fn(&SightError) -> Reason {
    move |error| match error {
        SightError::Picture(
            liuhen_picture::PictureError::UnknownFormat
            | liuhen_picture::PictureError::Unsupported(_)
            | liuhen_picture::PictureError::Animated(_),
        ) => Reason::Format(format),
        SightError::Picture(
            error @ (liuhen_picture::PictureError::TooManyPixels { .. }
            | liuhen_picture::PictureError::TooLarge { .. }),
        ) => Reason::Bound(error.to_string()),
        SightError::Picture(error) => Reason::Broken(error.to_string()),
        SightError::Vision(error) => Reason::System(error.to_string()),
    }
}
