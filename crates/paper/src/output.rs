//! Objects of a PDF, written as they come.
//!
//! Rule: ISO 32000-1, 7.5. Only places of objects are kept, so that a file may be larger than
//! memory. The file's identifier is the SHA-256 of everything before the cross-reference table, cut
//! to 16 bytes, so equal content has an equal identifier.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::ZlibEncoder;
use pdf_writer::{Chunk, Date, Filter, Finish as _, Name, Ref, Settings, TextStr};
use sha2::{Digest as _, Sha256};

use crate::{Lang, PaperError};

/// Largest number of objects: what ten digits of an offset and viewers bear.
const OBJECTS: usize = 8_000_000;

/// A PDF under way.
pub(crate) struct Output<W> {
    to: W,
    at: u64,
    hash: Sha256,
    places: Vec<u64>,
}

/// What the document says of itself.
pub(crate) struct About<'a> {
    pub(crate) title: &'a str,
    pub(crate) lang: Lang,
    /// Year, month and day.
    pub(crate) created: Option<(u16, u8, u8)>,
}

impl<W: Write> Output<W> {
    pub(crate) fn new(to: W) -> Result<Output<W>, PaperError> {
        let mut output = Output {
            to,
            at: 0,
            hash: Sha256::new(),
            places: Vec::new(),
        };
        // Four bytes beyond ASCII tell whoever transfers the file that it is no text.
        output.put(b"%PDF-1.7\n%\xe7\x95\x99\xe7\n")?;
        Ok(output)
    }

    /// Bytes written so far.
    pub(crate) const fn bytes(&self) -> u64 {
        self.at
    }

    /// The number of an object that is written later.
    pub(crate) fn reserve(&mut self) -> Result<Ref, PaperError> {
        if self.places.len() >= OBJECTS {
            return Err(PaperError::TooMany);
        }
        self.places.push(0);
        let number = i32::try_from(self.places.len()).map_err(|_| PaperError::TooMany)?;
        Ok(Ref::new(number))
    }

    /// Writes the object of this number.
    pub(crate) fn write(
        &mut self,
        id: Ref,
        object: impl FnOnce(&mut Chunk),
    ) -> Result<(), PaperError> {
        let mut chunk = Chunk::with_settings(Settings { pretty: false });
        object(&mut chunk);
        let index = usize::try_from(id.get()).unwrap_or(0).wrapping_sub(1);
        if let Some(place) = self.places.get_mut(index) {
            *place = self.at;
        }
        self.put(chunk.as_bytes())?;
        Ok(())
    }

    /// Writes what a page draws, as [`deflated`] packs it.
    pub(crate) fn content(&mut self, id: Ref, packed: &[u8]) -> Result<(), PaperError> {
        self.write(id, |chunk| {
            chunk
                .stream(id, packed)
                .filter(Filter::FlateDecode)
                .finish();
        })
    }

    /// Writes what every document ends with, and hands the target back.
    pub(crate) fn finish(
        mut self,
        pages: Ref,
        kids: &[Ref],
        about: &About<'_>,
    ) -> Result<W, PaperError> {
        let (root, info) = (self.reserve()?, self.reserve()?);
        let count = i32::try_from(kids.len()).map_err(|_| PaperError::TooMany)?;
        self.write(pages, |chunk| {
            chunk.pages(pages).kids(kids.iter().copied()).count(count);
        })?;
        self.write(root, |chunk| {
            let mut catalog = chunk.indirect(root).dict();
            catalog.pair(Name(b"Type"), Name(b"Catalog"));
            catalog.pair(Name(b"Pages"), pages);
            catalog.pair(Name(b"Lang"), TextStr(about.lang.tag()));
            let mut viewer = catalog.insert(Name(b"ViewerPreferences")).dict();
            viewer.pair(Name(b"DisplayDocTitle"), true);
        })?;
        self.write(info, |chunk| {
            let mut words = chunk.indirect(info).dict();
            words.pair(Name(b"Title"), TextStr(about.title));
            words.pair(Name(b"Producer"), TextStr("Liuhen"));
            if let Some((year, month, day)) = about.created {
                words.pair(Name(b"CreationDate"), Date::new(year).month(month).day(day));
            }
            words.finish();
        })?;
        self.close(root, info)?;
        self.to.flush()?;
        Ok(self.to)
    }

    /// The cross-reference table and the trailer.
    fn close(&mut self, root: Ref, info: Ref) -> io::Result<()> {
        let start = self.at;
        let size = self.places.len() + 1;
        let mut table = format!("xref\n0 {size}\n0000000000 65535 f \n");
        for place in &self.places {
            table.push_str(&format!("{place:010} 00000 n \n"));
        }
        let digest = std::mem::take(&mut self.hash).finalize();
        let id: String = digest
            .iter()
            .take(16)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        table.push_str(&format!(
            "trailer\n<</Size {size}/Root {} 0 R/Info {} 0 R/ID[<{id}><{id}>]>>\n\
             startxref\n{start}\n%%EOF\n",
            root.get(),
            info.get()
        ));
        self.put(table.as_bytes())
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.to.write_all(bytes)?;
        self.hash.update(bytes);
        self.at += bytes.len() as u64;
        Ok(())
    }
}

/// Bytes as a PDF's `FlateDecode` wants them.
pub(crate) fn deflated(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::with_capacity(bytes.len() / 4), Compression::default());
    encoder.write_all(bytes)?;
    encoder.finish()
}
