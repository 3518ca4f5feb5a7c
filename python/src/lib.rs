//! Scanning, redacting and counting over Arrow, for Python.
//!
//! Tables come in by Arrow's PyCapsule protocol, so pandas, Polars, DuckDB and PyArrow are alike
//! here. The rules, detectors and counts are the program's own; errors never hold a cell.

mod cells;
mod counting;
mod finding;

use pyo3::prelude::*;

/// The compiled half of the package `liuhen`.
#[pymodule]
fn _liuhen(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("PARTS", liuhen_forensics::apart::PARTS)?;
    module.add("SAMPLE", liuhen_judge::SAMPLE)?;
    module.add_function(wrap_pyfunction!(finding::scan, module)?)?;
    module.add_function(wrap_pyfunction!(finding::redact, module)?)?;
    module.add_function(wrap_pyfunction!(finding::columns, module)?)?;
    module.add_class::<counting::Mapper>()?;
    module.add_function(wrap_pyfunction!(counting::merge, module)?)?;
    module.add_function(wrap_pyfunction!(counting::total, module)?)?;
    module.add_function(wrap_pyfunction!(counting::new_key, module)?)?;
    Ok(())
}
