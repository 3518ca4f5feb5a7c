//! Where pictures and their copies lie, and how they become brightness and back.

use std::collections::HashSet;
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::PathBuf;

use liuhen_fingerprint::code::ExportKey;
use liuhen_fingerprint::picture as hidden;
use liuhen_fingerprint::plane::Plane;
use liuhen_picture::{Encoding, Format, Limits, Picture, decode};
use liuhen_vault::store::{Batch, KeyRange, Space};
use liuhen_vault::{SubjectId, SubjectState};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{JPEG_QUALITY, StoredCopy, StoredPicture};
use crate::error::{Result, ServiceError};
use crate::{Service, ids, shelf};

/// The base that is the picture as it came.
pub(super) const PLAIN: &str = "plain";

/// Keys of pictures and of copies begin so.
const PICTURES: &[u8] = b"i_";
const COPIES: &[u8] = b"c_";

/// Whether a file's first bytes announce a picture.
pub(crate) fn is_picture(head: &[u8]) -> bool {
    Format::guess(head).is_some()
}

/// Pixels of a file.
pub(super) fn decoded(bytes: &[u8]) -> Result<Picture> {
    decode(bytes, &Limits::default()).map_err(|error| ServiceError::Invalid(error.to_string()))
}

/// The brightness that marks are made of.
pub(super) fn plane(picture: &Picture) -> Result<Plane> {
    let side = |length: u32| usize::try_from(length).unwrap_or(usize::MAX);
    Plane::new(
        side(picture.width()),
        side(picture.height()),
        picture.luma(),
    )
    .map_err(|error| ServiceError::Invalid(error.to_string()))
}

/// The mark of a copy upon its base, with a tile beside it or as earlier versions made it.
pub(super) fn mark(
    plane: &Plane,
    key: &ExportKey,
    picture: &str,
    tile: bool,
) -> Result<hidden::Mark> {
    let mark = if tile {
        hidden::mark_with_tile
    } else {
        hidden::mark
    };
    mark(plane, key, picture.as_bytes(), hidden::Limits::default())
        .map_err(|error| ServiceError::Invalid(error.to_string()))
}

/// How copies of a file are written: as it came.
pub(super) fn encoding_of(bytes: &[u8]) -> Encoding {
    match Format::guess(bytes).map(Encoding::of) {
        Some(Encoding::Jpeg { .. }) | None => Encoding::Jpeg {
            quality: JPEG_QUALITY,
        },
        Some(other) => other,
    }
}

pub(super) fn encoding_named(extension: &str) -> Encoding {
    let known = [Encoding::Png, Encoding::WebP, Encoding::Tiff];
    let found = known.into_iter().find(|one| one.extension() == extension);
    found.unwrap_or(Encoding::Jpeg {
        quality: JPEG_QUALITY,
    })
}

/// The name of the base with these words: the same words are drawn once.
pub(super) fn base_name_of(words: &str) -> String {
    ids::hex(&Sha256::digest(words.as_bytes()))
}

impl Service {
    pub(super) fn spooled_bytes(&self, id: &str) -> Result<Zeroizing<Vec<u8>>> {
        let mut reader = self.open_sealed(&self.spool(id), id)?;
        let mut bytes = Zeroizing::new(Vec::new());
        reader
            .read_to_end(&mut bytes)
            .map_err(ServiceError::io("read the upload"))?;
        Ok(bytes)
    }

    fn base_path(&self, id: &str, base: &str) -> PathBuf {
        self.dir.join("pictures").join(format!("{id}.{base}"))
    }

    pub(super) fn has_base(&self, id: &str, base: &str) -> bool {
        self.base_path(id, base).exists()
    }

    /// Keeps a base, sealed and whole: under another name until it is on the disk.
    pub(super) fn keep_base(&self, id: &str, base: &str, bytes: &[u8]) -> Result<()> {
        let path = self.base_path(id, base);
        let new = path.with_extension(ids::random("new", 8)?);
        let failed = || ServiceError::io("keep a picture");
        let mut writer = self.create_sealed(&new, &format!("{id}.{base}"))?;
        writer.write_all(bytes).map_err(failed())?;
        Self::finish_sealed(writer)?;
        fs::rename(&new, &path).map_err(failed())?;
        let dir = fs::File::open(self.dir.join("pictures")).map_err(failed())?;
        dir.sync_all().map_err(failed())
    }

    /// The pixels of a base.
    pub(super) fn base(&self, id: &str, base: &str) -> Result<Picture> {
        let mut reader = self.open_sealed(&self.base_path(id, base), &format!("{id}.{base}"))?;
        let mut bytes = Zeroizing::new(Vec::new());
        reader
            .read_to_end(&mut bytes)
            .map_err(ServiceError::io("read a picture"))?;
        decoded(&bytes)
    }

    fn put_sealed<T: Serialize>(&self, label: &str, key: &str, value: &T) -> Result<()> {
        let sealed = self.seal(label, &shelf::bytes(value)?)?;
        let mut batch = Batch::new();
        batch.put(Space::Pictures, key.as_bytes(), sealed);
        Ok(self.store().write(&batch)?)
    }

    fn all_sealed<T: DeserializeOwned>(
        &self,
        label: &'static str,
        prefix: &[u8],
    ) -> Result<Vec<T>> {
        let range = KeyRange::prefix(prefix);
        let rows = self
            .store()
            .scan(Space::Pictures, &range, usize::MAX, false)?;
        rows.iter()
            .map(|(_, sealed)| self.opened(label, sealed))
            .collect()
    }

    fn opened<T: DeserializeOwned>(&self, label: &'static str, sealed: &[u8]) -> Result<T> {
        let plain = self.unseal(label, sealed)?;
        serde_json::from_slice(&plain).map_err(|_| ServiceError::Damaged(label))
    }

    fn one_sealed<T: DeserializeOwned>(&self, label: &'static str, key: &str) -> Result<T> {
        let sealed = self.store().get(Space::Pictures, key.as_bytes())?;
        self.opened(label, &sealed.ok_or(ServiceError::NotFound(label))?)
    }

    pub(super) fn put_picture(&self, stored: &StoredPicture) -> Result<()> {
        self.put_sealed("picture", &stored.view.id, stored)
    }

    pub(super) fn stored_picture(&self, id: &str) -> Result<StoredPicture> {
        if !id.as_bytes().starts_with(PICTURES) {
            return Err(ServiceError::NotFound("picture"));
        }
        self.one_sealed("picture", id)
    }

    pub(super) fn stored_pictures(&self) -> Result<Vec<StoredPicture>> {
        self.all_sealed("picture", PICTURES)
    }

    pub(super) fn put_copy(&self, stored: &StoredCopy) -> Result<()> {
        self.put_sealed("copy", &stored.view.id, stored)
    }

    pub(super) fn stored_copy(&self, id: &str) -> Result<StoredCopy> {
        if !id.as_bytes().starts_with(COPIES) {
            return Err(ServiceError::NotFound("copy"));
        }
        self.one_sealed("copy", id)
    }

    pub(super) fn stored_copies(&self) -> Result<Vec<StoredCopy>> {
        self.all_sealed("copy", COPIES)
    }

    /// Forgets a picture, everything drawn upon it and the words that were; its copies stay on record with their keys.
    pub(super) fn drop_picture(&self, id: &str) -> Result<()> {
        // Files first: while the row stands, whoever deletes it again finds them.
        self.remove_files(|of| of == id)?;
        let mut batch = Batch::new();
        batch.delete(Space::Pictures, id.as_bytes());
        self.forget_words(&mut batch, |of| of == id)?;
        Ok(self.store().write(&batch)?)
    }

    /// Rewrites the copies of pictures whose id fits without their visible words, which may name a person, and without the hash of these.
    fn forget_words(&self, batch: &mut Batch, fits: impl Fn(&str) -> bool) -> Result<()> {
        for mut copy in self.stored_copies()? {
            if copy.view.request.visible.is_some() && fits(&copy.view.picture) {
                copy.view.request.visible = None;
                copy.base.clear();
                let sealed = self.seal("copy", &shelf::bytes(&copy)?)?;
                batch.put(Space::Pictures, copy.view.id.as_bytes(), sealed);
            }
        }
        Ok(())
    }

    /// Removes the files of pictures whose id fits.
    fn remove_files(&self, fits: impl Fn(&str) -> bool) -> Result<()> {
        let failed = || ServiceError::io("delete a picture");
        for entry in fs::read_dir(self.dir.join("pictures")).map_err(failed())? {
            let path = entry.map_err(failed())?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            if name
                .and_then(|name| name.split('.').next())
                .is_some_and(&fits)
            {
                fs::remove_file(&path).map_err(failed())?;
            }
        }
        Ok(())
    }

    /// Finishes at the start what a crash cut off: pictures of erased persons go, and files and words without a picture.
    pub(crate) fn sweep_pictures(&self) -> Result<()> {
        let mut known = HashSet::new();
        for stored in self.stored_pictures()? {
            let gone = match stored.subject {
                Some(subject) => self.vault.subject_state(&subject)? != SubjectState::Live,
                None => false,
            };
            if gone {
                self.drop_picture(&stored.view.id)?;
            } else {
                known.insert(stored.view.id);
            }
        }
        let mut batch = Batch::new();
        self.forget_words(&mut batch, |id| !known.contains(id))?;
        self.store().write(&batch)?;
        self.remove_files(|id| !known.contains(id))
    }

    /// Forgets the pictures of a person who cancelled.
    pub(crate) fn drop_pictures_of(&self, subject: &SubjectId) -> Result<()> {
        for stored in self.stored_pictures()? {
            if stored.subject == Some(*subject) {
                self.drop_picture(&stored.view.id)?;
            }
        }
        Ok(())
    }
}
