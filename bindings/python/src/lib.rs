//! The Python module `corsac._native`: the types of the package `corsac`.
//!
//! It translates: Python's documents and requests into the core's, decisions and problems back. It
//! holds no rule of CORS.

mod asgi;
mod cell;
mod decision;
mod document;
mod explain;
mod file;
mod policy;
mod problem;
mod ready;
mod request;
mod s3;
mod wsgi;

use pyo3::exceptions::PyImportError;
use pyo3::prelude::*;

use crate::asgi::AsgiRequests;
use crate::cell::PolicyCell;
use crate::decision::Decision;
use crate::policy::Policy;
use crate::problem::Problem;
use crate::s3::S3Error;

/// The engine of the package `corsac`, which has everything of this module.
#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    refuse_subinterpreters()?;
    module.add_class::<Policy>()?;
    module.add_class::<PolicyCell>()?;
    module.add_class::<Decision>()?;
    module.add_class::<Problem>()?;
    module.add_class::<S3Error>()?;
    module.add("PolicyError", problem::policy_error_type(module.py())?)?;
    module.add_class::<AsgiRequests>()?;
    module.add_function(wrap_pyfunction!(wsgi::wsgi_decide, module)?)?;
    module.add_function(wrap_pyfunction!(wsgi::wsgi_edit, module)?)?;
    module.add_function(wrap_pyfunction!(wsgi::django_edit, module)?)?;
    module.add_function(wrap_pyfunction!(explain::simulate, module)?)?;
    module.add_function(wrap_pyfunction!(explain::simulate_sequence, module)?)?;
    module.add_function(wrap_pyfunction!(explain::explain, module)?)?;
    module.add("PUBLIC_SUFFIX_LIST", corsac::PUBLIC_SUFFIX_LIST)?;
    module.add("__version__", corsac::VERSION)
}

/// Types and interned strings of this module are shared by the whole process, which only the main
/// interpreter may rely on.
fn refuse_subinterpreters() -> PyResult<()> {
    // SAFETY: the interpreter that imports this module is attached to this thread, which
    // `PyInterpreterState_Get` requires, and what it gives is what `PyInterpreterState_GetID` takes.
    let id = unsafe { pyo3::ffi::PyInterpreterState_GetID(pyo3::ffi::PyInterpreterState_Get()) };
    if id == 0 {
        return Ok(());
    }
    Err(PyImportError::new_err(
        "corsac cannot be imported in a subinterpreter: import it in the main interpreter \
         (mod_wsgi: WSGIApplicationGroup %{GLOBAL}; uWSGI: single-interpreter = true), or use processes",
    ))
}
