//! A compiled policy, as Python sees it.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use corsac::{BuildError, Request};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString, PyTuple, PyType};

use crate::decision::Decision;
use crate::document::{to_json, type_name};
use crate::problem::{policy_error, tuple};
use crate::ready::Ready;
use crate::request::{Lines, bytes, header_value};
use crate::{file, request};

/// A compiled CORS policy: immutable, safe to share between threads.
///
/// Building checks everything; afterwards nothing can fail.
///
///     policy = Policy(
///         allow_origins=["https://app.example.com", "https://*.example.com"],
///         allow_methods=["PUT", "DELETE"],
///         allow_headers=["content-type"],
///         max_age=600,
///     )
///
/// Args:
///     document: A mapping with the keys of a policy document, such as a part of a configuration.
///     **keywords: The same keys as keyword arguments, in place of a document. None means absent.
///         allow_origins: Who may read responses: "*" for everyone, or a list of origins such as
///             "https://app.example.com" and patterns such as "https://*.example.com". Required.
///         allow_methods: Methods beyond GET, HEAD and POST, or "*".
///         allow_headers: Request headers beyond the safelisted ones, or "*" for every header.
///         expose_headers: Response headers that scripts may read, or "*".
///         allow_credentials: Whether cookies, TLS certificates and HTTP authentication may be sent.
///         max_age: How long a browser may keep the answer to a preflight: 0 to 86400 seconds.
///
/// Attributes:
///     warnings: What is worth a look but stopped nothing: a tuple of Problem, in order.
///
/// Raises:
///     PolicyError: With every problem of every value.
///     TypeError: If a value has a type that JSON does not know, or both a document and keywords
///         are given.
#[pyclass(frozen, weakref, module = "corsac")]
pub(crate) struct Policy {
    policy: corsac::Policy,
    ready: Box<[Ready]>,
    #[pyo3(get)]
    warnings: Py<PyTuple>,
}

impl Policy {
    /// The policy that was built, or a `PolicyError`. `from_text` says whether lines and columns
    /// mean something to the caller.
    fn built(
        py: Python<'_>,
        built: Result<corsac::Policy, BuildError>,
        from_text: bool,
        file: Option<&Path>,
    ) -> PyResult<Self> {
        match built {
            Ok(policy) => Ok(Policy {
                ready: policy
                    .answers()
                    .iter()
                    .map(|answer| Ready::new(py, answer))
                    .collect::<PyResult<_>>()?,
                warnings: tuple(py, policy.warnings(), from_text)?.unbind(),
                policy,
            }),
            Err(error) => Err(policy_error(py, &error, from_text, file)?),
        }
    }
}

#[pymethods]
impl Policy {
    #[new]
    #[pyo3(signature = (document=None, /, **keywords))]
    fn new(
        py: Python<'_>,
        document: Option<&Bound<'_, PyAny>>,
        keywords: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let json = match (document, keywords) {
            (Some(_), Some(_)) => {
                return Err(PyTypeError::new_err("Policy takes a document or keywords, not both"));
            }
            (Some(document), None) => to_json(document)?,
            (None, Some(keywords)) => to_json(keywords)?,
            (None, None) => "{}".to_owned(),
        };
        // A large policy takes a while, which other threads need not wait for.
        Policy::built(py, py.detach(|| corsac::Policy::from_json(&json)), false, None)
    }

    /// Reads a policy document: one JSON object.
    ///
    /// Args:
    ///     text: The document, as str, or as bytes in UTF-8.
    ///
    /// Returns:
    ///     The policy.
    ///
    /// Raises:
    ///     PolicyError: With every problem of the document, each with its line and column.
    ///     TypeError: If text is neither str nor bytes.
    #[staticmethod]
    #[pyo3(signature = (text, /))]
    fn from_json(py: Python<'_>, text: &Bound<'_, PyAny>) -> PyResult<Self> {
        let encoded;
        let document = if let Ok(text) = text.cast::<PyBytes>() {
            text.as_bytes()
        } else if let Ok(text) = text.cast::<PyString>() {
            match text.to_str() {
                Ok(text) => text.as_bytes(),
                // With half a surrogate pair it is no UTF-8, which the core reports.
                Err(_) => {
                    let arguments = (text, "utf-8", "surrogatepass");
                    encoded = py.get_type::<PyString>().call_method1("encode", arguments)?;
                    encoded.cast::<PyBytes>()?.as_bytes()
                }
            }
        } else {
            let message = format!("text must be str or bytes, not {}", type_name(text));
            return Err(PyTypeError::new_err(message));
        };
        Policy::built(py, py.detach(|| corsac::Policy::from_json(document)), true, None)
    }

    /// Reads a policy document from a file: one JSON object in UTF-8.
    ///
    /// Args:
    ///     path: The path of the file, as str or os.PathLike.
    ///
    /// Returns:
    ///     The policy.
    ///
    /// Raises:
    ///     PolicyError: With every problem of the document; its text names the file.
    ///     OSError: If the file cannot be read; it names the path.
    ///     TypeError: If path is no path.
    #[staticmethod]
    #[pyo3(signature = (path, /))]
    fn from_file(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let document = file::read(py, &path)?;
        Policy::built(py, py.detach(|| corsac::Policy::from_json(document)), true, Some(&path))
    }

    /// Decides one request. It takes time linear in the headers and never raises PolicyError.
    ///
    /// Args:
    ///     method: The method of the request, as str or bytes.
    ///     headers: All headers of the request: a mapping of names to values, or to lists of values
    ///         where a header came in several lines; or an iterable of pairs of name and value, such
    ///         as the headers of an ASGI scope. Names, in any case of letters, and values are str
    ///         (a character a byte, latin-1) or bytes. Of HTTP/2, show :authority too.
    ///
    /// Returns:
    ///     The decision.
    ///
    /// Raises:
    ///     TypeError: If an argument has another type.
    pub(crate) fn evaluate<'py>(
        &self,
        py: Python<'py>,
        method: Bound<'py, PyAny>,
        headers: &Bound<'py, PyAny>,
    ) -> PyResult<Py<Decision>> {
        let method = header_value(method, || "method".to_owned())?;
        let lines = Lines::read(headers)?;
        let mut request = Request::new(bytes(&method)?);
        lines.show(&mut request)?;
        let verdict = self.policy.decide(&request);
        let answer = self.policy.answer(verdict.answer());
        match self.ready.get(verdict.answer().index()) {
            Some(ready) => ready.decision(py, verdict, answer, &request, &lines),
            None => Ready::new(py, answer)?.decision(py, verdict, answer, &request, &lines),
        }
    }

    /// Whether an origin may read responses, for WebSocket handshakes and CSRF checks.
    ///
    /// An origin that is absent, empty or malformed is refused, even where everybody may read: a
    /// handshake carries cookies whatever the policy says.
    ///
    /// Args:
    ///     origin: The value of Origin, as str or bytes; None if the request has none.
    ///     credentials: Whether the policy must allow credentials too. Leave it True wherever
    ///         cookies decide who somebody is.
    ///
    /// Returns:
    ///     True if the origin is allowed.
    ///
    /// Raises:
    ///     TypeError: If an argument has another type.
    #[pyo3(signature = (origin, credentials=true))]
    pub(crate) fn allows_origin(
        &self,
        origin: Option<Bound<'_, PyAny>>,
        credentials: bool,
    ) -> PyResult<bool> {
        let origin = origin.map(|origin| header_value(origin, || "origin".to_owned())).transpose()?;
        let origin = origin.as_ref().map(request::bytes).transpose()?;
        Ok(self.policy.allows_origin(origin, credentials))
    }

    /// The canonical document: JSON text without white space. A policy built from it is equal, and
    /// has the same text in every language.
    ///
    /// Returns:
    ///     The text.
    fn document(&self) -> String {
        self.policy.document()
    }

    fn __eq__(slf: &Bound<'_, Self>, other: &Bound<'_, Self>) -> bool {
        slf.is(other) || slf.get().policy == other.get().policy
    }

    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.policy.document().hash(&mut hasher);
        hasher.finish()
    }

    pub(crate) fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        const SHOWN: usize = 500;
        let document = self.policy.document();
        if document.chars().nth(SHOWN).is_some() {
            let start: String = document.chars().take(SHOWN).collect();
            return Ok(format!("<Policy {start}... ({} bytes)>", document.len()));
        }
        Ok(format!("Policy.from_json({})", PyString::new(py, &document).repr()?))
    }

    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }

    /// Pickled as its document: the copy is equal, but has no warnings.
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (String,))> {
        let class: Bound<'py, PyType> = slf.get_type();
        Ok((class.getattr("from_json")?, (slf.get().document(),)))
    }
}
