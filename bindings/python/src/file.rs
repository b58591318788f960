//! Reads a policy file, with Python's own errors.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use corsac::limits::MAX_DOCUMENT_BYTES;
use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;

/// The content of a file; of a file beyond the core's limit one byte more than that.
///
/// # Errors
/// `OSError`, of the subclass that the error number asks for, which names the path.
pub(crate) fn read(py: Python<'_>, path: &Path) -> PyResult<Vec<u8>> {
    py.detach(|| read_limited(path)).map_err(|error| os_error(py, &error, path))
}

fn read_limited(path: &Path) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    File::open(path)?.take(MAX_DOCUMENT_BYTES as u64 + 1).read_to_end(&mut content)?;
    Ok(content)
}

fn os_error(py: Python<'_>, error: &io::Error, path: &Path) -> PyErr {
    // OSError makes FileNotFoundError and its like of these, and names the file in its text.
    let name = path.as_os_str().to_owned();
    let Some(number) = error.raw_os_error() else {
        return PyOSError::new_err(format!("{error}: {}", path.display()));
    };
    if cfg!(windows) {
        return PyOSError::new_err((0, error.to_string(), name, number));
    }
    let text = py.import("os").and_then(|os| os.call_method1("strerror", (number,))?.extract::<String>());
    match text {
        Ok(text) => PyOSError::new_err((number, text, name)),
        Err(error) => error,
    }
}
