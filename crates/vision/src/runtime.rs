//! What runs networks: `rten`, in this program; or an onnxruntime that lies on the machine, which is
//! faster, where the program was built with the feature `ort` and the variable names its library.

use std::path::PathBuf;
use std::sync::OnceLock;

use crate::VisionError;

/// The variable that names onnxruntime's library (`libonnxruntime.so.1.…`); `rten` when it is not set.
pub const VARIABLE: &str = "LIUHEN_ONNXRUNTIME";

/// What runs networks in this process.
#[derive(Clone)]
pub(crate) enum Runtime {
    Rten,
    #[cfg(feature = "ort")]
    Onnx(ort::environment::Environment),
}

/// What runs networks, in words, for reports: results of different runtimes differ in their last digits.
///
/// # Errors
///
/// [`VisionError::Runtime`] when the one that was named cannot be used.
pub fn runtime() -> Result<String, VisionError> {
    Ok(match chosen()? {
        Runtime::Rten => "rten 0.27".to_owned(),
        #[cfg(feature = "ort")]
        Runtime::Onnx(_) => ort::info().to_owned(),
    })
}

/// Chosen once, when the first network is loaded.
pub(crate) fn chosen() -> Result<Runtime, VisionError> {
    static CHOSEN: OnceLock<Result<Runtime, (PathBuf, String)>> = OnceLock::new();
    let chosen = CHOSEN.get_or_init(|| {
        let named = std::env::var_os(VARIABLE).filter(|value| !value.is_empty());
        match named.map(PathBuf::from) {
            None => Ok(Runtime::Rten),
            Some(library) => begin(&library).map_err(|why| (library, why)),
        }
    });
    chosen
        .clone()
        .map_err(|(library, why)| VisionError::Runtime { library, why })
}

#[cfg(feature = "ort")]
fn begin(library: &std::path::Path) -> Result<Runtime, String> {
    let environment = ort::init_from(library).map_err(|error| error.to_string())?;
    let environment = environment.with_name("liuhen").build();
    environment
        .map(Runtime::Onnx)
        .map_err(|error| error.to_string())
}

#[cfg(not(feature = "ort"))]
fn begin(_library: &std::path::Path) -> Result<Runtime, String> {
    Err("this program was built without the feature `ort`".to_owned())
}
