//! A picture that turned up: which original it shows, and whose copy it is.
//!
//! Four ways: the mark of a copy, read against its original; where that is gone or the leak cannot be laid over it, the tile of the copy; the mark of a page of a PDF export, read against the page drawn again; and the pattern of a viewer's screens, read without an original. Originals are found and laid under the leak without any key; only then are the copies' keys asked. Every copy of every picture, every PDF export and every viewer-day counts among those examined, whether anything of it was found or not.
//!
//! # Why an innocent copy's expectation stays at most one
//!
//! A picture's copies share their original. Pages of exports do not: each copy has pages of its own, with its own forms and its own invented persons. So each export is judged by its own page under its own key. Given everything but the signs that export drew for its pages (the leak, all pages of all exports, all other keys), those signs are independent fair ones while the export is innocent: they come from another label of the key than forms and invented persons do, and no leaker held a page that shows them. All that happens before the signs are asked depends on none of them:
//!
//! * which pages are compared: at most [`PAGES_TRIED`], and [`PAGES_OF_ONE`] of an export, by what their prints share with the leak and how alike those before were;
//! * which of one export's pages counts: the one the leak is most alike when laid over it. The choice asks no key, so nothing is paid for the pages that were not chosen; an export with no page among those compared gets no evidence.
//!
//! So each e-value of a leaked picture against an export has expectation at most one ([`liuhen_fingerprint::picture`]), whatever page it was, even a wrong one or one drawn otherwise than it left: a wrong original costs evidence against the guilty, never an innocent.
//! A copy's tile has signs of another label of its key than its mark. Either is asked, never both of one leaked picture: the mark where the original could be laid under the leak, else the tile; and whether it could, no key decides. So a copy has one e-value a leaked picture, of expectation at most one, and nothing is multiplied that would have to be independent.
//! Several pictures of one leak (a PDF's pages): what shows the same original is averaged, since the signs are the same; what shows different ones is multiplied, since their signs are drawn for different names and are independent. The marks and canaries of a table's rows come from other labels again, so that their e-value multiplies with this one.

use std::collections::{BTreeMap, BTreeSet};

use liuhen_fingerprint::code::ExportKey;
use liuhen_fingerprint::evalue::{DesignBased, EValue, Epsilon, Threshold};
use liuhen_fingerprint::picture::{Limits, Print, Reference, Registered, Shelf};
use liuhen_fingerprint::plane::Plane;
use liuhen_fingerprint::tile;
use liuhen_picture::{Font, Picture};
use liuhen_reading::PdfPicture;

use super::{FILE_AT_MOST, StoredCopy, StoredPicture, room};
use crate::error::{Result, ServiceError};
use crate::exports::{StoredExport, threshold};
use crate::leaks::{ChannelView, CopyView, LeakView, PictureFound};
use crate::pages::{self, KeptPages};
use crate::screens::{self, StoredScreen};
use crate::{Service, ids};

/// Originals laid under a leak: those whose features share most with it.
const ORIGINALS_TRIED: usize = 8;

/// Pages of exports laid under a leak, likewise; those of copies with the same people look alike.
const PAGES_TRIED: usize = 16;

/// Pages of one export laid under a leak.
const PAGES_OF_ONE: usize = 2;

/// Likeness from which on no other page of the export is tried.
const SURE: f64 = 0.45;

/// The channel of a copy's tile, read without its original.
pub(crate) const TILE: &str = "picture_tile";

/// Copies listed of those that are not accused.
const LISTED: usize = 1000;

/// All that a leaked picture is compared with, loaded once for all pictures of a leak.
pub(crate) struct Gallery {
    pictures: Vec<StoredPicture>,
    copies: Vec<StoredCopy>,
    screens: Vec<StoredScreen>,
    exports: Vec<PagedExport>,
    /// Of pages; none when there are none, or no font is found any more.
    font: Option<Font>,
}

/// An export with pages.
struct PagedExport {
    export: StoredExport,
    key: ExportKey,
    kept: KeptPages,
}

/// Who could have held what a picture shows, by position in the gallery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Holder {
    Copy(usize),
    Export(usize),
    Screen(usize),
}

/// What the pictures of a leak say.
#[derive(Default)]
pub(crate) struct Evidence {
    /// For each holder and each original whose signs were asked, one e-value a leaked picture.
    scores: BTreeMap<Holder, BTreeMap<String, Vec<EValue<DesignBased>>>>,
    pictures: Vec<PictureFound>,
    pages: Vec<PageFound>,
    /// Copies whose mark was read against an original, by position.
    laid: BTreeSet<usize>,
}

/// A page that a leaked picture was laid over.
struct PageFound {
    export: usize,
    number: u32,
    likeness: f64,
    carriers: u64,
    same: bool,
}

impl Evidence {
    fn note(&mut self, holder: Holder, original: String, evidence: EValue<DesignBased>) {
        let of_holder = self.scores.entry(holder).or_default();
        of_holder.entry(original).or_default().push(evidence);
    }

    /// All that was noted of a holder in one: means over what shows the same, their product over what does not.
    fn of(&self, holder: Holder) -> Result<Option<EValue<DesignBased>>> {
        let Some(originals) = self.scores.get(&holder) else {
            return Ok(None);
        };
        let mut whole = EValue::NEUTRAL;
        for alike in originals.values() {
            let count = u32::try_from(alike.len()).unwrap_or(u32::MAX);
            let share = 1.0 / f64::from(count);
            let parts: Vec<_> = alike.iter().map(|one| (*one, share)).collect();
            whole = whole.and_independent(EValue::average(&parts).map_err(told)?);
        }
        Ok(Some(whole))
    }
}

impl Gallery {
    /// Copies of pictures, exports with pages and viewer-days.
    pub(crate) fn examined(&self) -> u64 {
        (self.copies.len() + self.screens.len() + self.exports.len()) as u64
    }

    /// Those of them that hold no rows.
    pub(crate) fn beside_exports(&self) -> u64 {
        (self.copies.len() + self.screens.len()) as u64
    }

    /// How a leak lies upon tiles; none when nobody has one, or the leak is too small or too large to be looked at.
    fn tiles_on(&self, leak: &Plane) -> Option<tile::Look> {
        let some = !self.screens.is_empty() || self.copies.iter().any(|copy| copy.view.blind);
        some.then(|| tile::look(leak).ok()).flatten()
    }
}

impl Service {
    /// Examines a leaked picture.
    pub(crate) fn examine_picture(&self, view: &mut LeakView, epsilon: Epsilon) -> Result<()> {
        if view.size > FILE_AT_MOST {
            return Err(ServiceError::Invalid(format!(
                "a picture's file has at most {FILE_AT_MOST} bytes"
            )));
        }
        let bytes = self.spooled_bytes(&view.id)?;
        let leak = room::plane(&room::decoded(&bytes)?)?;
        let gallery = self.gallery()?;
        view.copies_examined = gallery.examined();
        if view.copies_examined == 0 {
            return Ok(());
        }
        let limit = threshold(view.copies_examined, epsilon)?;
        view.threshold_ln = limit.ln();
        let mut evidence = Evidence::default();
        self.look_at_picture(&gallery, &leak, &mut evidence)?;
        self.conclude(view, &gallery, &evidence, limit)?;
        let accused = view.accused().count();
        view.copies.truncate(LISTED.max(accused));
        Ok(())
    }

    /// Notes what a picture out of a leaked document says; nothing when it cannot be read or is too large.
    pub(crate) fn look_at_part(
        &self,
        gallery: &Gallery,
        picture: PdfPicture,
        evidence: &mut Evidence,
    ) -> Result<()> {
        let decoded = match picture {
            PdfPicture::Jpeg(bytes) => room::decoded(&bytes),
            PdfPicture::Rgb {
                width,
                height,
                pixels,
            } => Picture::rgb(width, height, pixels)
                .map_err(|error| ServiceError::Invalid(error.to_string())),
            _ => return Ok(()),
        };
        match decoded.and_then(|picture| room::plane(&picture)) {
            Ok(plane) => self.look_at_picture(gallery, &plane, evidence),
            Err(_) => Ok(()),
        }
    }

    /// Loads what leaked pictures are compared with.
    pub(crate) fn gallery(&self) -> Result<Gallery> {
        let mut exports = Vec::new();
        let mut stored = self.stored_exports()?;
        stored.sort_by_key(|export| export.view.requested);
        // Copies that were never made are not examined.
        for export in stored.into_iter().filter(|export| export.header.is_some()) {
            if let Some(kept) = self.kept_pages(&export.view.id)? {
                let key = self.export_key(&export.key)?;
                exports.push(PagedExport { export, key, kept });
            }
        }
        let font = match exports.is_empty() {
            true => None,
            false => pages::font()
                .inspect_err(|error| tracing::error!(%error, "pages cannot be drawn again"))
                .ok(),
        };
        Ok(Gallery {
            pictures: self.stored_pictures()?,
            copies: self.stored_copies()?,
            screens: self.screens()?,
            exports,
            font,
        })
    }

    /// Notes what one picture says about every copy, page and screen.
    pub(crate) fn look_at_picture(
        &self,
        gallery: &Gallery,
        leak: &Plane,
        evidence: &mut Evidence,
    ) -> Result<()> {
        let tiles = gallery.tiles_on(leak);
        if let Some(look) = &tiles {
            let found = self.screen_scores(&gallery.screens, look);
            for (at, found) in found.into_iter().enumerate() {
                evidence.note(Holder::Screen(at), String::new(), found);
            }
        }
        let print = Print::of_leak(leak, Limits::default()).map_err(told)?;
        let mut asked = BTreeSet::new();
        for at in shortlisted(
            &print,
            gallery.pictures.iter().map(|stored| &stored.print),
            ORIGINALS_TRIED,
        ) {
            if let Some(original) = gallery.pictures.get(at) {
                asked.extend(self.look_at_original(gallery, original, leak, evidence)?);
            }
        }
        if let Some(look) = tiles {
            self.look_at_tiles(gallery, (leak, look), &asked, evidence)?;
        }
        evidence.laid.append(&mut asked);
        self.look_at_pages(gallery, (leak, &print), evidence);
        Ok(())
    }

    /// Asks the tiles of all copies whose mark could not be read.
    fn look_at_tiles(
        &self,
        gallery: &Gallery,
        (leak, mut look): (&Plane, tile::Look),
        asked: &BTreeSet<usize>,
        evidence: &mut Evidence,
    ) -> Result<()> {
        let copies = gallery.copies.iter().enumerate();
        let mut blind = copies
            .filter(|(at, copy)| copy.view.blind && !asked.contains(at))
            .peekable();
        if blind.peek().is_some() {
            look.ways.extend(tile::lay_upright(leak).map_err(told)?);
        }
        for (at, copy) in blind {
            let picture = &copy.view.picture;
            let key = self.export_key(&copy.key)?;
            for found in look.score(&[key], picture.as_bytes()) {
                evidence.note(Holder::Copy(at), picture.clone(), found);
            }
        }
        Ok(())
    }

    /// Reads the marks of an original's copies; gives the copies whose marks were read.
    fn look_at_original(
        &self,
        gallery: &Gallery,
        original: &StoredPicture,
        leak: &Plane,
        evidence: &mut Evidence,
    ) -> Result<Vec<usize>> {
        let mut asked = Vec::new();
        let mut likeness = None;
        for (base, copies) in by_base(&gallery.copies, original) {
            let registered = match self.laid(original, &base, leak) {
                Ok(Some(registered)) => registered,
                Ok(None) => continue,
                // Deleted meanwhile, or damaged: the others are compared all the same.
                Err(error) => {
                    tracing::error!(picture = %original.view.id, %error, "an original could not be compared");
                    continue;
                }
            };
            likeness = likeness.max(Some(registered.carriers()));
            for (copy, found) in self.scored(&registered, original, &gallery.copies, &copies)? {
                evidence.note(Holder::Copy(copy), original.view.id.clone(), found);
                asked.push(copy);
            }
        }
        if let Some(carriers) = likeness {
            evidence.pictures.push(PictureFound {
                picture: original.view.id.clone(),
                page: None,
                name: original.view.name.clone(),
                sha256: original.view.sha256.clone(),
                carriers: carriers as u64,
                redrawn: true,
            });
        }
        Ok(asked)
    }

    /// Lays the likeliest pages of exports under the leak, and asks each export's key on the one most like it.
    fn look_at_pages(
        &self,
        gallery: &Gallery,
        (leak, print): (&Plane, &Print),
        evidence: &mut Evidence,
    ) {
        let Some(font) = &gallery.font else { return };
        let pages: Vec<(usize, usize)> = gallery
            .exports
            .iter()
            .enumerate()
            .flat_map(|(at, paged)| (0..paged.kept.pages.len()).map(move |page| (at, page)))
            .collect();
        let prints = gallery.exports.iter().flat_map(|paged| &paged.kept.pages);
        let prints = prints.map(|page| &page.print);
        let mut likest: BTreeMap<usize, (PageFound, Registered)> = BTreeMap::new();
        let mut tried: BTreeMap<usize, usize> = BTreeMap::new();
        for at in shortlisted(print, prints, PAGES_TRIED * 8) {
            let Some((export, page)) = pages.get(at).copied() else {
                continue;
            };
            let before = likest.get(&export).map(|(known, _)| known.likeness);
            let of_export = tried.entry(export).or_default();
            if *of_export >= PAGES_OF_ONE || before.is_some_and(|before| before >= SURE) {
                continue;
            }
            *of_export += 1;
            let number = u32::try_from(page + 1).unwrap_or(u32::MAX);
            let found = gallery.exports.get(export);
            let found = found.map(|paged| self.laid_page(paged, number, font, leak));
            let (same, registered) = match found {
                Some(Ok(Some(found))) => found,
                Some(Ok(None)) | None => continue,
                Some(Err(error)) => {
                    tracing::error!(%error, "a page could not be compared");
                    continue;
                }
            };
            let found = PageFound {
                export,
                number,
                likeness: registered.likeness(),
                carriers: registered.carriers() as u64,
                same,
            };
            if before.is_none_or(|before| before < found.likeness) {
                likest.insert(export, (found, registered));
            }
            if tried.values().sum::<usize>() >= PAGES_TRIED {
                break;
            }
        }
        for (export, (found, registered)) in likest {
            if let Some(paged) = gallery.exports.get(export) {
                let id = pages::page_id(&paged.export.view.id, found.number);
                let score = registered.evidence(&paged.key, id.as_bytes());
                evidence.note(Holder::Export(export), id, score);
                evidence.pages.push(found);
            }
        }
    }

    fn laid_page(
        &self,
        paged: &PagedExport,
        number: u32,
        font: &Font,
        leak: &Plane,
    ) -> Result<Option<(bool, Registered)>> {
        let again = self.page_again((&paged.export, &paged.key), &paged.kept, number, font)?;
        let reference = Reference::new(&again.plane, Limits::default()).map_err(told)?;
        let registered = reference.register(leak, Limits::default()).map_err(told)?;
        Ok(registered.map(|registered| (again.same, registered)))
    }

    /// Refuses an original that carries somebody's mark: all its copies would carry it too and accuse him.
    pub(super) fn refuse_marked(&self, plane: &Plane) -> Result<()> {
        let gallery = self.gallery()?;
        if gallery.examined() == 0 {
            return Ok(());
        }
        let limit = threshold(gallery.examined(), Epsilon::DEFAULT)?;
        let mut evidence = Evidence::default();
        self.look_at_picture(&gallery, plane, &mut evidence)?;
        for holder in evidence.scores.keys() {
            let found = evidence.of(*holder)?;
            if found.is_some_and(|found| limit.judge(found).is_accused()) {
                return Err(ServiceError::Invalid(
                    "this picture carries the mark of a copy or screen; take in the original"
                        .to_owned(),
                ));
            }
        }
        Ok(())
    }

    /// What each viewer's screens say.
    fn screen_scores(
        &self,
        screens: &[StoredScreen],
        look: &tile::Look,
    ) -> Vec<EValue<DesignBased>> {
        let keys: Vec<ExportKey> = screens
            .iter()
            .map(|screen| self.screen_key(&screen.who, &screen.day))
            .collect();
        look.score(&keys, screens::PART)
    }

    fn laid(
        &self,
        original: &StoredPicture,
        base: &str,
        leak: &Plane,
    ) -> Result<Option<Registered>> {
        let plane = room::plane(&self.base(&original.view.id, base)?)?;
        let reference = Reference::new(&plane, Limits::default()).map_err(told)?;
        reference.register(leak, Limits::default()).map_err(told)
    }

    fn scored(
        &self,
        registered: &Registered,
        original: &StoredPicture,
        all: &[StoredCopy],
        copies: &[usize],
    ) -> Result<Vec<(usize, EValue<DesignBased>)>> {
        let keys: Vec<ExportKey> = copies
            .iter()
            .filter_map(|at| all.get(*at))
            .map(|copy| self.export_key(&copy.key))
            .collect::<Result<_>>()?;
        let refs: Vec<&ExportKey> = keys.iter().collect();
        let scores = registered.score(&refs, original.view.id.as_bytes());
        Ok(copies.iter().copied().zip(scores).collect())
    }

    /// Joins what pictures say with what the view says of a table already, and accuses whoever reaches the limit.
    pub(crate) fn conclude(
        &self,
        view: &mut LeakView,
        gallery: &Gallery,
        evidence: &Evidence,
        limit: Threshold,
    ) -> Result<()> {
        for copy in &mut view.copies {
            let alone = EValue::from_ln(copy.ln_e).map_err(told)?;
            copy.accused = limit.judge(alone).is_accused();
        }
        for holder in evidence.scores.keys().copied() {
            let Some(found) = evidence.of(holder)? else {
                continue;
            };
            let by_tile = match holder {
                Holder::Screen(_) => true,
                Holder::Copy(at) => !evidence.laid.contains(&at),
                Holder::Export(_) => false,
            };
            // Nearly all of the many viewer-days and tiles say nothing; they were examined and count.
            if by_tile && found.ln() <= 0.0 {
                continue;
            }
            let Some(mut shown) = self.holder_view(gallery, holder, (found, by_tile), limit) else {
                continue;
            };
            match view
                .copies
                .iter_mut()
                .find(|copy| copy.export == shown.export)
            {
                Some(copy) => {
                    let whole = EValue::from_ln(copy.ln_e).map_err(told)?;
                    let whole = whole.and_independent(found);
                    copy.channels.append(&mut shown.channels);
                    copy.ln_e = whole.ln();
                    copy.accused = limit.judge(whole).is_accused();
                }
                None => view.copies.push(shown),
            }
        }
        view.copies.sort_by(|a, b| {
            let order = b.ln_e.total_cmp(&a.ln_e);
            order.then_with(|| a.export.cmp(&b.export))
        });
        // What several pictures of a leak show is told once.
        for shown in &evidence.pictures {
            if !view
                .pictures
                .iter()
                .any(|known| known.picture == shown.picture)
            {
                view.pictures.push(shown.clone());
            }
        }
        let accused: Vec<String> = view.accused().map(|copy| copy.export.clone()).collect();
        let pages = shown_pages(gallery, evidence, &accused);
        view.pictures.extend(pages);
        Ok(())
    }

    /// The view of a holder, on what its pictures say.
    fn holder_view(
        &self,
        gallery: &Gallery,
        holder: Holder,
        (evidence, by_tile): (EValue<DesignBased>, bool),
        limit: Threshold,
    ) -> Option<CopyView> {
        let mut view = CopyView {
            export: String::new(),
            recipient: String::new(),
            purpose: String::new(),
            persons_shared: 0,
            trace_index: None,
            leaf_hash: None,
            commitment: None,
            channels: Vec::new(),
            ln_e: evidence.ln(),
            accused: limit.judge(evidence).is_accused(),
        };
        let (channel, commitment) = match holder {
            Holder::Copy(at) => {
                let copy = gallery.copies.get(at)?;
                view.export.clone_from(&copy.view.id);
                view.recipient.clone_from(&copy.view.request.recipient);
                view.purpose.clone_from(&copy.view.request.purpose);
                view.trace_index = Some(copy.view.receipt.index);
                view.leaf_hash = Some(copy.view.receipt.leaf_hash.clone());
                let channel = if by_tile { TILE } else { "picture" };
                (channel, self.export_key(&copy.key).ok()?.commitment())
            }
            Holder::Export(at) => {
                let paged = gallery.exports.get(at)?;
                let export = &paged.export;
                view.export.clone_from(&export.view.id);
                view.recipient.clone_from(&export.view.request.recipient);
                view.purpose.clone_from(&export.view.request.purpose);
                view.trace_index = export.header;
                let receipt = export.view.receipt.as_ref();
                view.leaf_hash = receipt.map(|receipt| receipt.leaf_hash.clone());
                ("picture", paged.key.commitment())
            }
            Holder::Screen(at) => {
                let screen = gallery.screens.get(at)?;
                view.export = screen.id();
                view.recipient.clone_from(&screen.name);
                view.trace_index = Some(screen.index);
                view.leaf_hash = Some(screen.leaf_hash.clone());
                let key = self.screen_key(&screen.who, &screen.day);
                ("screen", key.commitment())
            }
        };
        view.commitment = Some(ids::hex(&commitment));
        view.channels.push(ChannelView {
            name: channel.to_owned(),
            ln_e: evidence.ln(),
        });
        Some(view)
    }
}
/// Positions of the copies of one picture by what they were marked upon.
fn by_base(copies: &[StoredCopy], original: &StoredPicture) -> BTreeMap<String, Vec<usize>> {
    let mut bases: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, copy) in copies.iter().enumerate() {
        if copy.view.picture == original.view.id {
            bases.entry(copy.base.clone()).or_default().push(at);
        }
    }
    bases
}

/// The originals that share most with a leak, by position, likeliest first; no key is asked.
fn shortlisted<'p>(
    leak: &Print,
    prints: impl Iterator<Item = &'p Print>,
    most: usize,
) -> Vec<usize> {
    let mut shelf = Shelf::new();
    for print in prints {
        shelf.add_for(print, leak);
    }
    shelf.shortlist(leak, most)
}

/// The pages to tell of: of copies accused, and else the one most like the leak; copies with the same people have pages alike.
fn shown_pages(gallery: &Gallery, evidence: &Evidence, accused: &[String]) -> Vec<PictureFound> {
    let named = |page: &&PageFound| {
        let paged = gallery.exports.get(page.export);
        paged.is_some_and(|paged| accused.contains(&paged.export.view.id))
    };
    let mut told: Vec<&PageFound> = evidence.pages.iter().filter(named).collect();
    if told.is_empty() {
        let alike = |a: &&PageFound, b: &&PageFound| a.likeness.total_cmp(&b.likeness);
        told.extend(evidence.pages.iter().max_by(alike));
    }
    told.sort_by_key(|page| (page.export, page.number));
    told.dedup_by_key(|page| (page.export, page.number));
    let shown = |page: &PageFound| {
        let paged = gallery.exports.get(page.export)?;
        let at = usize::try_from(page.number.checked_sub(1)?).ok()?;
        Some(PictureFound {
            picture: paged.export.view.id.clone(),
            page: Some(page.number),
            name: format!("{}.pdf", paged.export.view.id),
            sha256: paged.kept.pages.get(at)?.sha256.clone(),
            carriers: page.carriers,
            redrawn: page.same,
        })
    };
    told.into_iter().filter_map(shown).collect()
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "for map_err, which hands the error over"
)]
fn told(error: liuhen_fingerprint::FingerprintError) -> ServiceError {
    ServiceError::Invalid(error.to_string())
}
