//! A compiled policy, as Python sees it.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use corsac::s3::S3Options;
use corsac::{BuildError, Kind, Request};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyString, PyTuple, PyType};

use crate::asgi::AsgiAnswer;
use crate::decision::{Asked, Decision};
use crate::document::{to_json, type_name};
use crate::file;
use crate::problem::{policy_error, tuple};
use crate::ready::Ready;
use crate::request::{Lines, Text};
use crate::s3::S3Error;
use crate::wsgi::WsgiAnswer;

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
///     **keywords: The same keys as keyword arguments, in place of a document. None means absent,
///         here and inside.
///         allow_origins: Who may read responses: "*" for everyone, or a list of origins such as
///             "https://app.example.com" and patterns such as "https://*.example.com". Required,
///             unless there are rules.
///         allow_methods: Methods beyond GET, HEAD and POST, or "*".
///         allow_headers: Request headers beyond the safelisted ones, or "*" for every header.
///         expose_headers: Response headers that scripts may read, or "*".
///         allow_credentials: Whether cookies, TLS certificates and HTTP authentication may be sent.
///         max_age: How long a browser may keep the answer to a preflight: 0 to 86400 seconds.
///         timing_allow_origin: Who may see the timing of responses: True for those who may read
///             them, "*" for everyone, False, the default, for nobody.
///         dangerously_allow: What is refused otherwise: "insecure-origins", "public-suffixes",
///             "null-origin".
///         name: A name for decisions and logs.
///         description: A text for people.
///         rules: A list of mappings with the keys above, in place of them: the first rule that
///             matches an origin decides alone. Only name and description may stand beside it.
///         preflight_status: The status of an answered preflight: 204, the default, or 200.
///         refused_requests: What becomes of a refused request that is no preflight: "forward", the
///             default, or "forbid", which answers 403.
///         own_origins: The server's own origins, where Host does not tell.
///         foreign_headers: What becomes of CORS headers that the application sets: "remove", the
///             default, or "keep".
///         expect: A mapping of "allow" and "refuse" to lists of origins: a policy that does
///             otherwise is not built.
///         acknowledge: Codes of warnings that are known and not to be reported.
///
/// Attributes:
///     warnings: What is worth a look but stopped nothing: a tuple of at most 1,000 Problem, in order.
///     warnings_unreported: How many further warnings were counted but are not listed.
///
/// Raises:
///     PolicyError: With every problem of every value.
///     TypeError: If a value has a type that JSON does not know, at any depth, or both a document and
///         keywords are given.
#[pyclass(frozen, weakref, module = "corsac")]
pub(crate) struct Policy {
    policy: corsac::Policy,
    ready: Box<[Ready]>,
    /// The decision on every request that is not CORS.
    not_cors: Py<Decision>,
    /// The answers as messages of ASGI, if it is used.
    asgi: PyOnceLock<Box<[Py<AsgiAnswer>]>>,
    /// The answers as headers of WSGI, if it is used.
    wsgi: PyOnceLock<Box<[WsgiAnswer]>>,
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
        let policy = match built {
            Ok(policy) => policy,
            Err(error) => return Err(policy_error(py, &error, from_text, file)?),
        };
        let ready =
            policy.answers().iter().map(|answer| Ready::new(py, answer)).collect::<PyResult<Box<[_]>>>()?;
        let request = Request::new("GET");
        let decision = policy.evaluate(&request);
        let answer = policy.answer(decision.verdict().answer());
        let headers = Ready::new(py, answer)?.headers(py, answer, &request, &Lines::none())?;
        let asked = Asked::NotCors { line: decision.to_string() };
        let not_cors = Py::new(py, Decision::new(decision.verdict(), headers, asked))?;
        let warnings = tuple(py, policy.warnings(), from_text)?.unbind();
        Ok(Policy { policy, ready, not_cors, asgi: PyOnceLock::new(), wsgi: PyOnceLock::new(), warnings })
    }

    /// The answers as messages of ASGI.
    pub(crate) fn asgi(&self, py: Python<'_>) -> PyResult<&[Py<AsgiAnswer>]> {
        let made =
            || self.policy.answers().iter().map(|answer| Py::new(py, AsgiAnswer::new(py, answer)?)).collect();
        Ok(self.asgi.get_or_try_init(py, made)?)
    }

    /// The answers as headers of WSGI.
    pub(crate) fn wsgi(&self, py: Python<'_>) -> PyResult<&[WsgiAnswer]> {
        let made = || self.policy.answers().iter().map(|answer| WsgiAnswer::new(py, answer)).collect();
        Ok(self.wsgi.get_or_try_init(py, made)?)
    }

    /// The decision on every request that is not CORS.
    pub(crate) fn not_cors(&self, py: Python<'_>) -> Py<Decision> {
        self.not_cors.clone_ref(py)
    }

    /// The decision on a request.
    pub(crate) fn decided(slf: &Bound<'_, Self>, method: Text, lines: Lines) -> PyResult<Py<Decision>> {
        let (py, this) = (slf.py(), slf.get());
        let mut request = Request::new(method.bytes(py)?);
        lines.show(py, &mut request)?;
        let verdict = this.policy.decide(&request);
        if verdict.kind() == Kind::NotCors {
            return Ok(this.not_cors(py));
        }
        let answer = this.policy.answer(verdict.answer());
        let headers = match this.ready.get(verdict.answer().index()) {
            Some(ready) => ready.headers(py, answer, &request, &lines)?,
            None => Ready::new(py, answer)?.headers(py, answer, &request, &lines)?,
        };
        let asked = Asked::Request { policy: slf.clone().unbind(), method, lines };
        Py::new(py, Decision::new(verdict, headers, asked))
    }

    /// Something of the core's decision on a request.
    fn decision_of<T>(
        slf: &Bound<'_, Self>,
        method: Bound<'_, PyAny>,
        headers: &Bound<'_, PyAny>,
        read: impl FnOnce(&corsac::Decision<'_>) -> T,
    ) -> PyResult<T> {
        let py = slf.py();
        let method = Text::new(method, || "method".to_owned())?;
        let lines = Lines::read(headers)?;
        let mut request = Request::new(method.bytes(py)?);
        lines.show(py, &mut request)?;
        Ok(read(&slf.get().policy.evaluate(&request)))
    }

    pub(crate) fn core(&self) -> &corsac::Policy {
        &self.policy
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

    /// Reads the CORS configuration of an S3 bucket: a CORSConfiguration in XML, or one of the JSON forms of AWS.
    ///
    /// Args:
    ///     text: The configuration, as str, or as bytes in UTF-8.
    ///     dialect: Whose S3 it is: "zenko" or "aws".
    ///     strict: S3 to the byte. Without it the Vary that S3 forgets is sent, and the grammar of Origin
    ///         is checked first.
    ///
    /// Returns:
    ///     The policy, which answers every OPTIONS, as S3 does.
    ///
    /// Raises:
    ///     PolicyError: With the first problem in the order of S3, and its s3_code.
    ///     TypeError: If text is neither str nor bytes, or dialect or strict has another type.
    #[staticmethod]
    #[pyo3(signature = (text, /, dialect="zenko", strict=false))]
    fn from_s3(py: Python<'_>, text: &Bound<'_, PyAny>, dialect: &str, strict: bool) -> PyResult<Self> {
        let options = match S3Options::new(dialect, strict) {
            Ok(options) => options,
            Err(error) => return Err(policy_error(py, &error, true, None)?),
        };
        let built = if let Ok(text) = text.cast::<PyBytes>() {
            let text = text.as_bytes();
            py.detach(|| corsac::Policy::from_s3(text, options))
        } else if let Ok(text) = text.cast::<PyString>() {
            // With half a surrogate pair it is no UTF-8, which the core reports.
            let text = text.to_str().map_or(b"\xff".as_slice(), str::as_bytes);
            py.detach(|| corsac::Policy::from_s3(text, options))
        } else {
            let message = format!("text must be str or bytes, not {}", type_name(text));
            return Err(PyTypeError::new_err(message));
        };
        Policy::built(py, built, true, None)
    }

    /// The configuration of a policy of from_s3 as XML.
    ///
    /// Returns:
    ///     The text; None for any other policy.
    fn s3_xml(&self) -> Option<String> {
        let options = self.policy.s3_options()?;
        Some(self.policy.s3_configuration()?.to_xml(options.dialect))
    }

    /// The CORS headers of the decision on a request as S3 spells and orders them, for servers that answer
    /// as S3 does to the byte. Others use evaluate.
    ///
    /// Args:
    ///     method: The method of the request, as in evaluate.
    ///     headers: All headers of the request, as in evaluate.
    ///
    /// Returns:
    ///     Pairs of name and value; none where S3 sends none.
    ///
    /// Raises:
    ///     TypeError: As evaluate.
    fn s3_headers(
        slf: &Bound<'_, Self>,
        method: Bound<'_, PyAny>,
        headers: &Bound<'_, PyAny>,
    ) -> PyResult<Vec<(&'static str, String)>> {
        let latin1 = |value: Vec<u8>| value.into_iter().map(char::from).collect();
        Policy::decision_of(slf, method, headers, |decision| {
            decision.s3_headers().into_iter().map(|(name, value)| (name, latin1(value))).collect()
        })
    }

    /// The error in which S3 refuses a preflight, to be sent with the headers of the decision.
    ///
    /// Args:
    ///     method: The method of the request, as in evaluate.
    ///     headers: All headers of the request, as in evaluate.
    ///
    /// Returns:
    ///     The error; None where S3 refuses nothing.
    ///
    /// Raises:
    ///     TypeError: As evaluate.
    fn s3_error(
        slf: &Bound<'_, Self>,
        method: Bound<'_, PyAny>,
        headers: &Bound<'_, PyAny>,
    ) -> PyResult<Option<S3Error>> {
        Policy::decision_of(slf, method, headers, |decision| decision.s3_error().map(S3Error))
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
    ///     TypeError: If method, headers, the name of a header, or a value of one of the six headers that
    ///         a decision depends on has another type. Values of other headers are not looked at.
    pub(crate) fn evaluate<'py>(
        slf: &Bound<'py, Self>,
        method: Bound<'py, PyAny>,
        headers: &Bound<'py, PyAny>,
    ) -> PyResult<Py<Decision>> {
        let method = Text::new(method, || "method".to_owned())?;
        Policy::decided(slf, method, Lines::read(headers)?)
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
        py: Python<'_>,
        origin: Option<Bound<'_, PyAny>>,
        credentials: bool,
    ) -> PyResult<bool> {
        let origin = origin.map(|origin| Text::new(origin, || "origin".to_owned())).transpose()?;
        let origin = origin.as_ref().map(|origin| origin.bytes(py)).transpose()?;
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

    #[getter]
    fn warnings_unreported(&self) -> usize {
        self.policy.warnings_unreported()
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
        let document = PyString::new(py, &document).repr()?;
        Ok(match self.policy.s3_options() {
            None => format!("Policy.from_json({document})"),
            Some(S3Options { dialect, strict }) => {
                let strict = if strict { "True" } else { "False" };
                format!("Policy.from_s3({document}, dialect='{dialect}', strict={strict})")
            }
        })
    }

    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }

    /// Pickled as its document: the copy is equal, and its warnings are those of the document.
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        let (py, class): (_, Bound<'py, PyType>) = (slf.py(), slf.get_type());
        let document = slf.get().document();
        Ok(match slf.get().policy.s3_options() {
            None => (class.getattr("from_json")?, (document,).into_pyobject(py)?),
            Some(S3Options { dialect, strict }) => {
                (class.getattr("from_s3")?, (document, dialect.name(), strict).into_pyobject(py)?)
            }
        })
    }
}
