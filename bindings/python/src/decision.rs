//! The answer to one request, as Python sees it.

use std::hash::{DefaultHasher, Hash, Hasher};

use corsac::{Action, Kind, Reason, Request, Verdict};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};

use crate::policy::Policy;
use crate::request::{Lines, Text};

/// The answer to one request: what it was, what to do, why, and which headers of the response
/// change. Immutable; made by Policy.evaluate.
///
/// Attributes:
///     kind: Which request it was: "not-cors", "actual" or "preflight".
///     action: What to do: "forward" (let the application respond and apply the headers to its
///         response) or "respond" (respond at once with the status, the headers and no body).
///     status: The status to respond with; 0 where the application responds.
///     allowed: Whether the request is allowed; True for requests that are not CORS.
///     reason: Why, a stable name such as "allowed" or "origin-not-allowed". Take one that you
///         don't know as refused.
///     rule: The index of the rule that decided; None if no rule matched.
///     rule_name: The name of that rule; None without one.
///     origin: The Origin of the request as the line for a log shows it: escaped and capped, "several" for
///         more than one; None without one.
///     headers: The header edits in the order in which they apply, a tuple of (op, name, value).
///         "set" replaces all lines of the name by one, "add" adds a line, "vary" merges the value
///         into Vary, "remove" removes all lines (its value is empty).
///
/// str() gives one line for a log, escaped and capped whatever the request holds. Decisions are equal
/// if they do the same for the same reason, whatever their requests were.
#[pyclass(frozen, module = "corsac")]
pub(crate) struct Decision {
    verdict: Verdict,
    #[pyo3(get)]
    headers: Py<PyTuple>,
    asked: Asked,
}

/// What was decided on, for what is told only when somebody asks.
pub(crate) enum Asked {
    /// A request that is not CORS: the decision is the same for all of them, and so is its line.
    NotCors { line: String },
    /// The request by which policy. Nothing is copied: its texts are those that were read to decide.
    Request { policy: Py<Policy>, method: Text, lines: Lines },
}

impl Decision {
    pub(crate) fn new(verdict: Verdict, headers: Py<PyTuple>, asked: Asked) -> Self {
        Decision { verdict, headers, asked }
    }

    pub(crate) fn verdict(&self) -> Verdict {
        self.verdict
    }

    pub(crate) fn headers<'py>(&self, py: Python<'py>) -> Bound<'py, PyTuple> {
        self.headers.bind(py).clone()
    }

    /// Decides the same request once more, for the decision of the core.
    fn again<T>(&self, py: Python<'_>, told: impl FnOnce(&corsac::Decision<'_>) -> T) -> PyResult<Option<T>> {
        let Asked::Request { policy, method, lines } = &self.asked else { return Ok(None) };
        let mut request = Request::new(method.bytes(py)?);
        lines.show(py, &mut request)?;
        Ok(Some(told(&policy.get().core().evaluate(&request))))
    }

    /// What counts besides the headers: the number of an answer means nothing outside its policy.
    fn outcome(&self) -> (Kind, Action, u16, Reason, Option<u32>) {
        let verdict = self.verdict;
        (verdict.kind(), verdict.action(), verdict.status(), verdict.reason(), verdict.rule())
    }
}

/// The interned name of a constant of the core.
macro_rules! name {
    ($py:expr, $value:expr, $($constant:path),+) => {
        match $value {
            $($constant => intern!($py, $constant.name()).clone(),)+
            #[allow(unreachable_patterns)]
            other => PyString::new($py, other.name()),
        }
    };
}

#[pymethods]
impl Decision {
    #[getter]
    fn kind<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        name!(py, self.verdict.kind(), Kind::NotCors, Kind::Actual, Kind::Preflight)
    }

    #[getter]
    fn action<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        name!(py, self.verdict.action(), Action::Forward, Action::Respond)
    }

    #[getter]
    fn status(&self) -> u16 {
        self.verdict.status()
    }

    #[getter]
    fn allowed(&self) -> bool {
        self.verdict.allowed()
    }

    #[getter]
    fn reason<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        name!(
            py,
            self.verdict.reason(),
            Reason::Allowed,
            Reason::NotCors,
            Reason::SameOrigin,
            Reason::MalformedOrigin,
            Reason::NullOriginNotAllowed,
            Reason::OriginNotAllowed,
            Reason::MalformedRequestMethod,
            Reason::MethodNotAllowed,
            Reason::RequestHeadersTooLarge,
            Reason::MalformedRequestHeaders,
            Reason::HeaderNotAllowed
        )
    }

    #[getter]
    fn rule(&self) -> Option<u32> {
        self.verdict.rule()
    }

    #[getter]
    fn rule_name(&self, py: Python<'_>) -> PyResult<Option<String>> {
        if self.verdict.rule().is_none() {
            return Ok(None);
        }
        Ok(self.again(py, |decision| decision.rule_name().map(str::to_owned))?.flatten())
    }

    #[getter]
    fn origin(&self, py: Python<'_>) -> PyResult<Option<String>> {
        Ok(self.again(py, |decision| decision.escaped_origin())?.flatten())
    }

    fn __str__(&self, py: Python<'_>) -> PyResult<String> {
        if let Asked::NotCors { line } = &self.asked {
            return Ok(line.clone());
        }
        Ok(self.again(py, |decision| decision.to_string())?.unwrap_or_default())
    }

    fn __eq__(&self, py: Python<'_>, other: &Self) -> PyResult<bool> {
        Ok(self.outcome() == other.outcome()
            && self.headers.bind(py).eq(&other.headers)?
            && self.rule_name(py)? == other.rule_name(py)?)
    }

    fn __hash__(&self, py: Python<'_>) -> PyResult<u64> {
        let mut hasher = DefaultHasher::new();
        self.verdict.kind().hash(&mut hasher);
        self.verdict.reason().hash(&mut hasher);
        self.headers.bind(py).hash()?.hash(&mut hasher);
        Ok(hasher.finish())
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let (kind, action, status, reason, rule) = self.outcome();
        let rule = rule.map_or("None".to_owned(), |rule| rule.to_string());
        let allowed = if self.verdict.allowed() { "True" } else { "False" };
        let headers = self.headers.bind(py).repr()?;
        Ok(format!(
            "<Decision kind={kind} action={action} status={status} allowed={allowed} reason={reason} rule={rule} headers={headers}>"
        ))
    }

    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }
}
