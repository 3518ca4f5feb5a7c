//! Pictures that leave for a named recipient: kept once, sealed; every copy marked as the recipient's.
//!
//! A copy carries a mark that is read against the original ([`liuhen_fingerprint::picture`]) and, where it was asked for, the visible words of its purpose. Its key is made first and committed to in the trace; only then can its file be fetched, and every fetch is traced too.
//! Beside it lies a tile that is read without the original ([`liuhen_fingerprint::tile`]), for the day when the original is deleted: its key and the copy's record stay, of the picture and of its words nothing.
//! A picture that shows a person is put under his token: his trace names every copy, and when he cancels, the picture and its bases are deleted.
//! Leading a picture that turned up back to its copy is [`examine`]'s.

mod examine;
mod room;

use std::sync::Arc;

use liuhen_fingerprint::code::ExportKey;
use liuhen_fingerprint::picture as hidden;
use liuhen_fingerprint::picture::Print;
use liuhen_picture::{Encoding, Font, Picture, PurposeMark};
use liuhen_vault::SubjectId;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

pub(crate) use examine::{Evidence, TILE};
pub(crate) use room::is_picture;

use crate::access::short_name;
use crate::caller::{Caller, Role};
use crate::clock::UnixMs;
use crate::error::{Result, ServiceError};
use crate::event::{Action, Event, Outcome};
use crate::exports::off_the_runtime;
use crate::imports::{Upload, base_name};
use crate::ledger::named;
use crate::policy::{Ask, Facts};
use crate::purposes::PurposeView;
use crate::reads::{Handle, ReceiptView};
use crate::{Service, ids};

/// Largest file of a picture, in bytes.
const FILE_AT_MOST: u64 = 64 << 20;

/// Pictures worked on at once: the pixels and the plane of one of 100 megapixels take 0.7 GB.
pub(crate) const AT_ONCE: usize = 2;

/// How strongly a picture of a person is to be protected: as cards and faces are, very high.
const PICTURE_LEVEL: i64 = 4;

/// Quality of marked JPEG copies.
const JPEG_QUALITY: u8 = 92;

/// A picture kept for handing out copies.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PictureView {
    /// Its id.
    pub id: String,
    /// Name of the file it came as.
    pub name: String,
    /// SHA-256 of that file, hexadecimal.
    pub sha256: String,
    /// Columns of pixels.
    pub width: u32,
    /// Rows of pixels.
    pub height: u32,
    /// How marked copies are written: `jpg`, `png`, `webp` or `tiff`.
    pub format: String,
    /// Whether it is kept for a person, whose trace names every copy.
    pub of_person: bool,
    /// Copies handed out.
    pub copies: u64,
    /// When it came.
    pub added: UnixMs,
    /// Who brought it.
    pub by: String,
}

/// A copy that is wanted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PictureCopyRequest {
    /// Who will hold it.
    pub recipient: String,
    /// The declared purpose, by id.
    pub purpose: String,
    /// Words written visibly over the whole copy, such as `仅供办理入学使用，他用无效`.
    #[serde(default)]
    pub visible: Option<String>,
}

/// A copy handed out.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PictureCopyView {
    /// Its id.
    pub id: String,
    /// The picture.
    pub picture: String,
    /// What was asked for.
    pub request: PictureCopyRequest,
    /// Peak signal to noise of the hidden mark, in decibels; none when the picture has no room for one.
    pub psnr: Option<f64>,
    /// Whether it can be led back without its original; small pictures cannot, nor copies handed out by earlier versions.
    #[serde(default)]
    pub blind: bool,
    /// Who asked.
    pub by: String,
    /// When.
    pub issued: UnixMs,
    /// The receipt of its trace.
    pub receipt: ReceiptView,
}

/// The file of a copy.
pub struct PictureFile {
    /// Name to save it under.
    pub file_name: String,
    /// Media type.
    pub media_type: &'static str,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for PictureFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PictureFile({} bytes)", self.bytes.len())
    }
}

/// A picture as kept.
#[derive(Clone, Serialize, Deserialize)]
struct StoredPicture {
    view: PictureView,
    subject: Option<SubjectId>,
    /// What it is found by among many.
    print: Print,
}

/// A copy as kept.
#[derive(Clone, Serialize, Deserialize)]
struct StoredCopy {
    view: PictureCopyView,
    /// What it was marked upon: the picture itself, or the picture with the words of a purpose; empty when words were forgotten with the picture.
    base: String,
    /// The marking key, sealed.
    key: Vec<u8>,
}

impl Service {
    /// Takes a picture in, to hand out marked copies of it.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Invalid`] for a file that is no picture we read.
    pub async fn add_picture(
        self: &Arc<Self>,
        caller: &Caller,
        upload: Upload,
        file_name: &str,
        of: Option<&Handle>,
    ) -> Result<PictureView> {
        caller.need(Role::Importer, "bring pictures in")?;
        let subject = of
            .map(|handle| self.one_subject(caller, handle))
            .transpose()?;
        let (spooled, size) = upload.seal()?;
        let (service, name, by) = (self.clone(), base_name(file_name), caller.display.clone());
        let made = self.with_pixels(move || {
            let made = service.take_in(&spooled, size, name, by, subject);
            // What was taken in lies elsewhere now; what was refused is not kept.
            let _ = std::fs::remove_file(service.spool(&spooled));
            made
        });
        let stored = made.await?;
        // A cancelling or deleting meanwhile waits, and then finds the row.
        let _guard = self.settings.lock().await;
        let mut event = self.event(caller, Action::Import, Outcome::Done);
        event.details = named([
            ("picture", stored.view.id.clone()),
            ("sha256", stored.view.sha256.clone()),
        ]);
        match subject {
            Some(subject) => self.ledger().subject(subject, &event).await?,
            None => self.ledger().operator(&event).await?,
        };
        self.put_picture(&stored)?;
        Ok(stored.view)
    }

    /// Slow work that holds a picture in memory: a few at a time, the others wait.
    pub(crate) async fn with_pixels<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        // The semaphore is never closed.
        let place = self.easels.clone().acquire_owned().await.ok();
        // Whoever asked may go away; the place is free when the work is over.
        off_the_runtime(move || {
            let _place = place;
            work()
        })
        .await
    }

    fn take_in(
        &self,
        spooled: &str,
        size: u64,
        name: String,
        by: String,
        subject: Option<SubjectId>,
    ) -> Result<StoredPicture> {
        if size > FILE_AT_MOST {
            return Err(ServiceError::Invalid(format!(
                "a picture's file has at most {FILE_AT_MOST} bytes"
            )));
        }
        let bytes = self.spooled_bytes(spooled)?;
        let sha256 = ids::hex(&Sha256::digest(&*bytes));
        let known = self.stored_pictures()?.into_iter();
        if let Some(known) = known
            .into_iter()
            .find(|known| known.view.sha256 == sha256 && known.subject == subject)
        {
            return Ok(known);
        }
        let picture = room::decoded(&bytes)?;
        let plane = room::plane(&picture)?;
        self.refuse_marked(&plane)?;
        let reference = hidden::Reference::new(&plane, hidden::Limits::default())
            .map_err(|error| ServiceError::Invalid(error.to_string()))?;
        let id = ids::random("i", 8)?;
        self.keep_base(&id, room::PLAIN, &bytes)?;
        Ok(StoredPicture {
            view: PictureView {
                id,
                name,
                sha256,
                width: picture.width(),
                height: picture.height(),
                format: room::encoding_of(&bytes).extension().to_owned(),
                of_person: subject.is_some(),
                copies: 0,
                added: self.now(),
                by,
            },
            subject,
            print: reference.print(),
        })
    }

    /// All pictures, newest first.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Forbidden`] for a caller who neither brings pictures in nor hands them out.
    pub fn pictures(&self, caller: &Caller) -> Result<Vec<PictureView>> {
        may_see(caller)?;
        let copies = self.stored_copies()?;
        let mut views: Vec<PictureView> = self
            .stored_pictures()?
            .into_iter()
            .map(|stored| stored.view)
            .collect();
        for view in &mut views {
            let of_it = copies.iter().filter(|copy| copy.view.picture == view.id);
            view.copies = of_it.count() as u64;
        }
        views.sort_by_key(|view| std::cmp::Reverse(view.added));
        Ok(views)
    }

    /// The copies of a picture, newest first.
    ///
    /// # Errors
    ///
    /// As [`Service::pictures`], or [`ServiceError::NotFound`].
    pub fn picture_copies(&self, caller: &Caller, id: &str) -> Result<Vec<PictureCopyView>> {
        may_see(caller)?;
        self.stored_picture(id)?;
        let mut views: Vec<PictureCopyView> = self
            .stored_copies()?
            .into_iter()
            .map(|stored| stored.view)
            .filter(|view| view.picture == id)
            .collect();
        views.sort_by_key(|view| std::cmp::Reverse(view.issued));
        Ok(views)
    }

    /// Issues a copy to a recipient: its key is committed to in the trace before its file exists.
    ///
    /// `font` names the font of the visible words; the system's are looked through when it is `None`.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Invalid`] for words that cannot be written; [`ServiceError::NotFound`] for an unknown picture or purpose.
    pub async fn issue_picture(
        self: &Arc<Self>,
        caller: &Caller,
        id: &str,
        mut request: PictureCopyRequest,
        font: Option<&std::path::Path>,
    ) -> Result<PictureCopyView> {
        caller.need(Role::Exporter, "hand out pictures")?;
        request.recipient = short_name(&request.recipient)?;
        let purpose = self.purpose(&request.purpose)?;
        let stored = self.stored_picture(id)?;
        if let Some(subject) = stored.subject {
            self.may_leave(caller, subject, &purpose).await?;
        }
        let mut secret = Zeroizing::new([0u8; 32]);
        ids::fill(secret.as_mut_slice())?;
        let key = ExportKey::from_secret(*secret);
        let commitment = ids::hex(&key.commitment());
        let (service, picture, words, font) = (
            self.clone(),
            stored.view.clone(),
            request.visible.clone(),
            font.map(ToOwned::to_owned),
        );
        // Everything that can fail comes before the trace, so that a trace stands for a copy.
        let (base, psnr, blind) = self
            .with_pixels(move || {
                let base = service.base_for(&picture.id, words.as_deref(), font.as_deref())?;
                let plane = room::plane(&service.base(&picture.id, &base)?)?;
                let mark = room::mark(&plane, &key, &picture.id, true)?;
                let psnr = Some(mark.psnr()).filter(|psnr| psnr.is_finite());
                Ok((base, psnr, mark.has_tile()))
            })
            .await?;
        let copy = ids::random("c", 8)?;
        let event = self.copy_event(caller, &copy, &stored.view, &request, commitment);
        let appended = match stored.subject {
            Some(subject) => self.ledger().subject(subject, &event).await?,
            None => self.ledger().operator(&event).await?,
        };
        let view = PictureCopyView {
            id: copy,
            picture: id.to_owned(),
            request,
            psnr,
            blind,
            by: caller.display.clone(),
            issued: self.now(),
            receipt: self.receipt(&appended)?,
        };
        self.put_copy(&StoredCopy {
            view: view.clone(),
            base,
            key: self.seal("export-key", secret.as_slice())?,
        })?;
        if matches!(self.stored_picture(id), Err(ServiceError::NotFound(_))) {
            // Deleted meanwhile: the copy stays on record, its words do not.
            self.drop_picture(id)?;
        }
        Ok(view)
    }

    /// Whether the policies let a picture of this person go to a recipient; a refusal is traced in his own list.
    async fn may_leave(
        &self,
        caller: &Caller,
        subject: SubjectId,
        purpose: &PurposeView,
    ) -> Result<()> {
        let facts = Facts {
            collection: "pictures",
            objects_marketing: self.objects_marketing(&subject)?,
            purpose: &purpose.id,
            basis: purpose.basis,
            marketing: purpose.marketing,
            // A picture has no fields to be declared; the purpose itself is what is weighed.
            purpose_fields: &[],
            fields: &[],
            level: PICTURE_LEVEL,
            consent: self.consent_state(&subject, &purpose.id)?,
            retention_over: false,
            count: 1,
        };
        let policies = self.policies.load_full();
        let reasons = policies.decide(caller, Ask::Export, &facts)?;
        let Some(reason) = reasons.first() else {
            return Ok(());
        };
        let mut event = self.event(caller, Action::Export, Outcome::Refused);
        event.purpose = Some(purpose.id.clone());
        event.policies = Some(policies.version.clone());
        event.details = named([("policy", reason.policy.clone())]);
        self.ledger().subject(subject, &event).await?;
        Err(ServiceError::Conflict(format!(
            "the policy {} refuses this copy",
            reason.policy
        )))
    }

    fn copy_event(
        &self,
        caller: &Caller,
        copy: &str,
        picture: &PictureView,
        request: &PictureCopyRequest,
        commitment: String,
    ) -> Event {
        let mut event = self.event(caller, Action::Export, Outcome::Plain);
        event.purpose = Some(request.purpose.clone());
        event.details = named([
            ("picture", picture.id.clone()),
            ("copy", copy.to_owned()),
            ("recipient", request.recipient.clone()),
            ("sha256", picture.sha256.clone()),
            ("mark_key_commitment", commitment),
        ]);
        // The words may name a person, and this leaf may be one that is never erased.
        if let Some(words) = &request.visible {
            let hash = ids::hex(&Sha256::digest(words.as_bytes()));
            event.details.push(("visible_sha256".to_owned(), hash));
        }
        event
    }

    /// The file of a copy, the same bytes each time; every fetch is traced.
    ///
    /// # Errors
    ///
    /// [`ServiceError::NotFound`] for an unknown copy or one whose picture was deleted.
    pub async fn picture_file(
        self: &Arc<Self>,
        caller: &Caller,
        copy: &str,
    ) -> Result<PictureFile> {
        caller.need(Role::Exporter, "fetch copies of pictures")?;
        let stored = self.stored_copy(copy)?;
        let picture = self.stored_picture(&stored.view.picture)?;
        let details = [
            ("copy", copy.to_owned()),
            ("recipient", stored.view.request.recipient.clone()),
        ];
        let mut event = self.event(caller, Action::ExportDownload, Outcome::Plain);
        event.details = named(details);
        // Of a person's picture he sees each fetch; of one who was erased none is made.
        let noted = match picture.subject {
            Some(subject) => self.ledger().subject(subject, &event).await?,
            None => self.ledger().operator(&event).await?,
        };
        let surety = self.purpose(&stored.view.request.purpose)?.surety;
        self.await_surety(surety, noted.index).await?;
        let service = self.clone();
        self.with_pixels(move || service.write_copy(&picture.view, &stored))
            .await
    }

    fn write_copy(&self, picture: &PictureView, copy: &StoredCopy) -> Result<PictureFile> {
        let mut pixels = self.base(&picture.id, &copy.base)?;
        let plane = room::plane(&pixels)?;
        let key = self.export_key(&copy.key)?;
        let mark = room::mark(&plane, &key, &picture.id, copy.view.blind)?;
        let change: Vec<f32> = mark.change().iter().map(|step| f32::from(*step)).collect();
        pixels
            .add_brightness(&change)
            .map_err(|error| ServiceError::Invalid(error.to_string()))?;
        let encoding = room::encoding_named(&picture.format);
        let bytes = liuhen_picture::encode(&pixels, encoding)
            .map_err(|error| ServiceError::Invalid(error.to_string()))?;
        Ok(PictureFile {
            file_name: format!("{}.{}", copy.view.id, encoding.extension()),
            media_type: encoding.media_type(),
            bytes,
        })
    }

    /// Deletes a picture: copies that are out are led back by their tiles only, where they have one.
    ///
    /// # Errors
    ///
    /// [`ServiceError::NotFound`].
    pub async fn delete_picture(&self, caller: &Caller, id: &str) -> Result<()> {
        caller.need(Role::Admin, "delete pictures")?;
        self.stored_picture(id)?;
        let details = [("picture", id.to_owned()), ("did", "delete".to_owned())];
        self.note(caller, Action::Admin, Outcome::Done, details)
            .await?;
        let _guard = self.settings.lock().await;
        self.drop_picture(id)
    }

    /// What a copy is marked upon; draws the words of its purpose when it is the first with them.
    fn base_for(
        &self,
        id: &str,
        words: Option<&str>,
        font: Option<&std::path::Path>,
    ) -> Result<String> {
        let Some(words) = words else {
            return Ok(room::PLAIN.to_owned());
        };
        let base = room::base_name_of(words);
        if self.has_base(id, &base) {
            return Ok(base);
        }
        let mut picture = self.base(id, room::PLAIN)?;
        stamp(&mut picture, words, font)?;
        let bytes = liuhen_picture::encode(&picture, Encoding::Png)
            .map_err(|error| ServiceError::Invalid(error.to_string()))?;
        self.keep_base(id, &base, &bytes)?;
        if self.stored_picture(id).is_err() {
            // Deleted meanwhile; nothing of it stays.
            self.drop_picture(id)?;
            return Err(ServiceError::NotFound("picture"));
        }
        Ok(base)
    }
}

/// A copy of a picture with the words of a purpose visibly over it, and nothing hidden; keeps nothing.
///
/// # Errors
///
/// [`ServiceError::Invalid`] for bytes that are no picture we read, and as the words demand.
pub fn mark_visibly(bytes: &[u8], words: &str, font: Option<&std::path::Path>) -> Result<Vec<u8>> {
    let mut picture = room::decoded(bytes)?;
    stamp(&mut picture, words, font)?;
    liuhen_picture::encode(&picture, room::encoding_of(bytes))
        .map_err(|error| ServiceError::Invalid(error.to_string()))
}

/// Writes the words of a purpose visibly over a whole picture: no font may have them, they may be too long, or the picture too small.
fn stamp(picture: &mut Picture, words: &str, font: Option<&std::path::Path>) -> Result<()> {
    let font = Font::find(font, words).map_err(|error| ServiceError::Invalid(error.to_string()))?;
    PurposeMark::new(words)
        .draw(picture, &font)
        .map(drop)
        .map_err(|error| ServiceError::Invalid(error.to_string()))
}

fn may_see(caller: &Caller) -> Result<()> {
    let may = [
        Role::Importer,
        Role::Exporter,
        Role::Investigator,
        Role::Admin,
    ];
    match may.iter().any(|role| caller.has(*role)) {
        true => Ok(()),
        false => caller.need(Role::Exporter, "see pictures"),
    }
}
