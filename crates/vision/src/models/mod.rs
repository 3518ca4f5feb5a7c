//! Which weights there are, where they lie, and that they are the right ones.
//!
//! The list is [`catalogue`]: versioned data with a licence, an origin and a sum for each file.
//! A [`Folder`] holds the files as the packages ship them; each is compared with its sum whenever
//! it is loaded, and made ready for the runtime in memory.
//! Fetching packages belongs to `service`.

mod fold;
mod onnx;
mod protobuf;

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::VisionError;

/// What a model is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Job {
    /// Faces with five landmarks.
    Faces,
    /// Dense and small faces.
    SmallFaces,
    /// A face becomes 128 numbers.
    FaceEmbedding,
    /// Lines of text are found.
    TextFind,
    /// A line of text is read.
    TextRead,
    /// Whether a line stands on its head.
    TextTurn,
    /// Whether a face looks as if taken of a living person.
    Liveness,
}

impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Job::Faces => "faces",
            Job::SmallFaces => "small faces",
            Job::FaceEmbedding => "comparing faces",
            Job::TextFind => "finding text",
            Job::TextRead => "reading text",
            Job::TextTurn => "turned text",
            Job::Liveness => "liveness",
        })
    }
}

/// Models that are fetched together.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Set {
    /// What every verb needs.
    #[default]
    Standard,
    /// Better at text, several times slower.
    Thorough,
    /// A network that guesses whether a face is alive; where it comes from is not documented.
    Liveness,
}

/// A package of a registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// Which registry: `pypi` or `npm`.
    pub registry: String,
    /// Its name there.
    pub name: String,
    /// The one version that is meant.
    pub version: String,
}

/// One file of weights.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// What it is for.
    pub job: Job,
    /// The package it comes in.
    pub package: String,
    /// Its path inside the package.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
    /// Its licence, as SPDX writes it.
    pub licence: String,
    /// Who made it.
    pub origin: String,
    /// What it is fetched with.
    pub set: Set,
}

impl Model {
    /// Its name in a folder: that in the package, without the way to it.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// Whether these bytes are the stated file.
    #[must_use]
    pub fn is(&self, bytes: &[u8]) -> bool {
        bytes.len() as u64 == self.bytes && sum(bytes) == self.sha256
    }
}

/// The list of models.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// The day it was drawn up.
    pub version: String,
    /// The packages, each once.
    #[serde(rename = "package")]
    pub packages: Vec<Package>,
    /// The files in them.
    #[serde(rename = "model")]
    pub models: Vec<Model>,
}

impl Catalogue {
    /// The models of a set. Each takes the standard one along: the thorough has no faces of its own.
    pub fn of(&self, set: Set) -> impl Iterator<Item = &Model> {
        self.models
            .iter()
            .filter(move |model| model.set == Set::Standard || model.set == set)
    }

    /// The model that does a job in a set: the thorough one where both could. Whoever asks for the
    /// larger network is not given the smaller one instead.
    #[must_use]
    pub fn used(&self, set: Set, job: Job) -> Option<&Model> {
        let fitting = self.of(set).filter(|model| model.job == job);
        fitting.reduce(|best, model| if model.set > best.set { model } else { best })
    }

    /// The package of a model.
    #[must_use]
    pub fn package(&self, model: &Model) -> Option<&Package> {
        self.packages
            .iter()
            .find(|package| package.name == model.package)
    }
}

/// The list this program was built with.
#[must_use]
pub fn catalogue() -> &'static Catalogue {
    static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
        // A test reads the same text, so that it is never found wanting here.
        toml::from_str(include_str!("../../models.toml")).unwrap_or(Catalogue {
            version: String::new(),
            packages: Vec::new(),
            models: Vec::new(),
        })
    });
    &CATALOGUE
}

/// Where weights lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder(PathBuf);

/// Whether a model is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// There, with the right sum.
    Installed,
    /// Not there.
    Missing,
    /// There, with another sum.
    Changed,
}

impl Folder {
    /// A folder of weights, which need not exist yet.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Folder {
        Folder(path.into())
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Where a model lies, or would.
    #[must_use]
    pub fn of(&self, model: &Model) -> PathBuf {
        self.0.join(model.file_name())
    }

    /// What is there of each model of a list.
    ///
    /// # Errors
    ///
    /// [`VisionError::File`] for a file that is there and cannot be read.
    pub fn states<'a>(
        &self,
        models: impl Iterator<Item = &'a Model>,
    ) -> Result<BTreeMap<&'a str, State>, VisionError> {
        models
            .map(|model| Ok((model.file_name(), self.state(model)?)))
            .collect()
    }

    /// Asks whether there is a file of a set for each of these jobs; what is in it is asked when it
    /// is loaded.
    ///
    /// # Errors
    ///
    /// [`VisionError::NotInstalled`] names the first that is missing.
    pub fn has(&self, set: Set, jobs: &[Job]) -> Result<(), VisionError> {
        let mut wanted = catalogue()
            .of(set)
            .filter(|model| jobs.contains(&model.job));
        match wanted.find(|model| !self.of(model).is_file()) {
            Some(model) => Err(VisionError::NotInstalled {
                job: model.job,
                folder: self.0.clone(),
            }),
            None => Ok(()),
        }
    }

    /// Whether a model is there.
    ///
    /// # Errors
    ///
    /// [`VisionError::File`] for a file that is there and cannot be read.
    pub fn state(&self, model: &Model) -> Result<State, VisionError> {
        let path = self.of(model);
        match read(&path, model) {
            Ok(bytes) if model.is(&bytes) => Ok(State::Installed),
            Ok(_) => Ok(State::Changed),
            Err(source) if source.kind() == std::io::ErrorKind::NotFound => Ok(State::Missing),
            Err(source) => Err(VisionError::File { path, source }),
        }
    }

    /// Keeps the file of a model: first under another name, so that a half-written one is never
    /// taken for it.
    ///
    /// # Errors
    ///
    /// [`VisionError::Changed`] if the bytes are not the stated ones, [`VisionError::File`].
    pub fn keep(&self, model: &Model, bytes: &[u8]) -> Result<(), VisionError> {
        let path = self.of(model);
        if !model.is(bytes) {
            return Err(changed(model, path, bytes));
        }
        let failed = |source| VisionError::File {
            path: path.clone(),
            source,
        };
        fs::create_dir_all(&self.0).map_err(failed)?;
        let part = self.0.join(format!("{}.part", model.file_name()));
        let mut file = fs::File::create(&part).map_err(failed)?;
        file.write_all(bytes).map_err(failed)?;
        file.sync_all().map_err(failed)?;
        fs::rename(&part, &path).map_err(failed)
    }

    /// The weights for a job, the thorough ones first where both are there and allowed.
    ///
    /// # Errors
    ///
    /// [`VisionError::NotInstalled`], [`VisionError::Changed`], [`VisionError::File`],
    /// [`VisionError::Weights`].
    pub(crate) fn weights(&self, job: Job, set: Set) -> Result<Weights, VisionError> {
        let missing = || VisionError::NotInstalled {
            job,
            folder: self.0.clone(),
        };
        let model = catalogue().used(set, job).ok_or_else(missing)?;
        let path = self.of(model);
        let bytes = match read(&path, model) {
            Ok(bytes) => bytes,
            Err(source) if source.kind() == std::io::ErrorKind::NotFound => return Err(missing()),
            Err(source) => return Err(VisionError::File { path, source }),
        };
        if !model.is(&bytes) {
            return Err(changed(model, path, &bytes));
        }
        Ok(Weights {
            letters: onnx::metadata(&bytes, "character")?,
            bytes,
        })
    }
}

/// A file as far as it can be a model's: one byte more tells that it is another.
fn read(path: &Path, model: &Model) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?
        .take(model.bytes + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Weights in memory, as the package ships them.
pub(crate) struct Weights {
    bytes: Vec<u8>,
    /// One letter a line, for networks that read.
    pub(crate) letters: Option<String>,
}

impl Weights {
    /// ONNX as runtimes read it, with fewer steps that say the same.
    pub(crate) fn with_fewer_steps(&self) -> Result<Vec<u8>, VisionError> {
        onnx::prepare(&self.bytes, true)
    }

    /// ONNX as runtimes read it, for one that finds fewer steps itself.
    #[cfg(feature = "ort")]
    pub(crate) fn as_they_are(&self) -> Result<Vec<u8>, VisionError> {
        onnx::prepare(&self.bytes, false)
    }
}

fn changed(model: &Model, path: PathBuf, bytes: &[u8]) -> VisionError {
    VisionError::Changed {
        job: model.job,
        path,
        expected: model.sha256.clone(),
        found: sum(bytes),
    }
}

fn sum(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        let _ = write!(out, "{byte:02x}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_read_and_whole() {
        let list: Catalogue = toml::from_str(include_str!("../../models.toml")).unwrap();
        assert_eq!(&list, catalogue());
        for model in &list.models {
            assert!(list.package(model).is_some(), "{}", model.package);
            assert_eq!(model.sha256.len(), 64);
            assert!(!model.licence.is_empty() && !model.origin.is_empty());
        }
        for job in [
            Job::Faces,
            Job::SmallFaces,
            Job::FaceEmbedding,
            Job::TextFind,
            Job::TextRead,
            Job::TextTurn,
        ] {
            assert!(
                list.of(Set::Standard).any(|model| model.job == job),
                "{job}"
            );
        }
    }

    #[test]
    fn other_bytes_are_never_kept_and_never_loaded() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::new(dir.path().join("models"));
        let model = &catalogue().models[0];
        assert!(matches!(
            folder.keep(model, b"something else"),
            Err(VisionError::Changed { .. })
        ));
        assert_eq!(folder.state(model).unwrap(), State::Missing);
        assert!(matches!(
            folder.weights(model.job, Set::Standard),
            Err(VisionError::NotInstalled { .. })
        ));
        fs::create_dir_all(folder.path()).unwrap();
        fs::write(folder.of(model), b"something else").unwrap();
        assert_eq!(folder.state(model).unwrap(), State::Changed);
        assert!(matches!(
            folder.weights(model.job, Set::Standard),
            Err(VisionError::Changed { .. })
        ));
    }
}
