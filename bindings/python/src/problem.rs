//! What is wrong with a configuration, as Python sees it: `Problem` and `PolicyError`.

use std::borrow::Cow;
use std::fmt;
use std::path::Path;

use corsac::BuildError;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyString, PyTuple, PyType};

use crate::s3::S3Error;

/// One thing that is wrong with a configuration, or worth a warning. Immutable.
///
/// Attributes:
///     code: The stable kebab-case name of this kind of problem, such as "origin-with-path".
///     path: Where it is, such as "allow_origins[3]"; empty for the document as a whole.
///     value: The offending value: a string as it is, anything else as JSON text; None without one.
///     message: One sentence: what is wrong and what to write instead.
///     suggestion: What to write instead, in the form of value; None without one.
///     line: The line in the text, from 1; None if the configuration was no text.
///     column: The column in the text, from 1, in characters; None if the configuration was no text.
///
/// str() gives "line:column: path: message".
#[pyclass(frozen, eq, hash, module = "corsac")]
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Problem {
    #[pyo3(get)]
    code: Cow<'static, str>,
    #[pyo3(get)]
    path: String,
    #[pyo3(get)]
    value: Option<String>,
    #[pyo3(get)]
    message: String,
    #[pyo3(get)]
    suggestion: Option<String>,
    #[pyo3(get)]
    line: Option<u32>,
    #[pyo3(get)]
    column: Option<u32>,
}

#[pymethods]
impl Problem {
    #[classattr]
    fn __match_args__() -> (&'static str, &'static str, &'static str, &'static str) {
        ("code", "path", "value", "message")
    }

    #[new]
    #[pyo3(signature = (code, path, value, message, suggestion=None, line=None, column=None))]
    fn new(
        code: String,
        path: String,
        value: Option<String>,
        message: String,
        suggestion: Option<String>,
        line: Option<u32>,
        column: Option<u32>,
    ) -> Self {
        Problem { code: Cow::Owned(code), path, value, message, suggestion, line, column }
    }

    fn __str__(&self) -> String {
        self.to_string()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let text = |text: &str| PyString::new(py, text).repr();
        let or_none = |value: &Option<String>| match value {
            Some(value) => text(value),
            None => Ok(PyString::new(py, "None")),
        };
        let number = |number: Option<u32>| number.map_or("None".to_owned(), |number| number.to_string());
        Ok(format!(
            "Problem(code={}, path={}, value={}, message={}, suggestion={}, line={}, column={})",
            text(&self.code)?,
            text(&self.path)?,
            or_none(&self.value)?,
            text(&self.message)?,
            or_none(&self.suggestion)?,
            number(self.line),
            number(self.column),
        ))
    }

    #[allow(clippy::type_complexity)]
    fn __reduce__<'py>(
        slf: &Bound<'py, Self>,
    ) -> (
        Bound<'py, PyType>,
        (String, String, Option<String>, String, Option<String>, Option<u32>, Option<u32>),
    ) {
        let this = slf.get().clone();
        let code = this.code.into_owned();
        let arguments = (code, this.path, this.value, this.message, this.suggestion, this.line, this.column);
        (slf.get_type(), arguments)
    }
}

impl Problem {
    /// A problem of the core; its line and column only tell something if `from_text`.
    fn new_from(problem: &corsac::Problem, from_text: bool) -> Self {
        Problem {
            code: Cow::Borrowed(problem.code),
            path: problem.path.clone(),
            value: problem.value.clone(),
            message: problem.message.clone(),
            suggestion: problem.suggestion.clone(),
            line: problem.line.filter(|_| from_text),
            column: problem.column.filter(|_| from_text),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(f, "{line}:{column}: ")?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

/// Problems or warnings of the core as a tuple.
pub(crate) fn tuple<'py>(
    py: Python<'py>,
    problems: &[corsac::Problem],
    from_text: bool,
) -> PyResult<Bound<'py, PyTuple>> {
    let problems: Vec<Bound<'py, Problem>> = problems
        .iter()
        .map(|problem| Bound::new(py, Problem::new_from(problem, from_text)))
        .collect::<PyResult<_>>()?;
    PyTuple::new(py, problems)
}

/// The class `PolicyError`. It is made by a call, since a class of the stable ABI can only derive
/// from a built-in exception from Python 3.12 on.
pub(crate) fn policy_error_type(py: Python<'_>) -> PyResult<&Bound<'_, PyType>> {
    static TYPE: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let class = TYPE.get_or_try_init(py, || {
        let class = PyErr::new_type(
            py,
            c"corsac.PolicyError",
            Some(
                c"A configuration that no policy can be made of.

Attributes:
    problems: Everything that is wrong with it, in its order: a tuple of at most 1,000 Problem.
    unreported: How many further problems were counted but are not listed.
    s3_code: The S3 error code that refuses the configuration of a bucket, such as MalformedXML; None for
        any other configuration.
    s3_error: That error, with its message and body; None for any other configuration.

str() lists every problem, one a line.",
            ),
            Some(&py.get_type::<PyValueError>()),
            None,
        )?;
        // What an error has that somebody else makes. Set here, since `new_type` of PyO3 0.30 frees a
        // dictionary of attributes before it reads it.
        class.bind(py).setattr("problems", PyTuple::empty(py))?;
        class.bind(py).setattr("unreported", 0)?;
        class.bind(py).setattr("s3_code", py.None())?;
        class.bind(py).setattr("s3_error", py.None())?;
        Ok::<_, PyErr>(class)
    })?;
    Ok(class.bind(py))
}

/// A `PolicyError` that lists every problem; `file` is named in front of each.
pub(crate) fn policy_error(
    py: Python<'_>,
    error: &BuildError,
    from_text: bool,
    file: Option<&Path>,
) -> PyResult<PyErr> {
    let problems = tuple(py, error.problems(), from_text)?;
    let mut message = String::new();
    for problem in error.problems() {
        if !message.is_empty() {
            message.push('\n');
        }
        if let Some(file) = file {
            message.push_str(&file.to_string_lossy());
            message.push(':');
            if problem.line.is_none() {
                message.push(' ');
            }
        }
        message.push_str(&Problem::new_from(problem, from_text).to_string());
    }
    if error.unreported() > 0 {
        message.push_str(&format!("\n(and {} more)", error.unreported()));
    }
    let error_object = policy_error_type(py)?.call1((message,))?;
    error_object.setattr("problems", problems)?;
    error_object.setattr("unreported", error.unreported())?;
    if let Some(error) = error.s3_error() {
        error_object.setattr("s3_code", &**error.code())?;
        error_object.setattr("s3_error", Bound::new(py, S3Error(error.clone()))?)?;
    }
    Ok(PyErr::from_value(error_object))
}
