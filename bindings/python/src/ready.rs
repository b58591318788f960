//! A policy's answers as Python objects, made when the policy is built, so that a decision makes
//! none or one.

use corsac::{Answer, Edit, HeaderEdit, Op, Reason, Request, Value, Verdict};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyString, PyTuple};

use crate::decision::Decision;
use crate::request::Lines;

/// One answer of a policy.
pub(crate) struct Ready {
    edits: Edits,
    /// The decisions that were made with it, by reason, where they are all the same.
    decisions: [PyOnceLock<Py<Decision>>; Reason::ALL.len()],
}

/// The header edits of an answer as far as they are known.
enum Edits {
    /// All.
    Whole(Py<PyTuple>),
    /// All but one, which holds the request's `Origin`: those before and behind it.
    AroundOrigin { before: Vec<Py<PyTuple>>, op: Py<PyString>, name: Py<PyString>, behind: Vec<Py<PyTuple>> },
    /// Made of the request: lines of it are sent back.
    Echo,
}

impl Ready {
    pub(crate) fn new(py: Python<'_>, answer: &Answer) -> PyResult<Self> {
        Ok(Ready { edits: Edits::new(py, answer)?, decisions: [const { PyOnceLock::new() }; _] })
    }

    /// The decision that `verdict` is, of the request that `answer` was given to.
    pub(crate) fn decision(
        &self,
        py: Python<'_>,
        verdict: Verdict,
        answer: &Answer,
        request: &Request<'_>,
        lines: &Lines<'_>,
    ) -> PyResult<Py<Decision>> {
        let headers = match &self.edits {
            Edits::Whole(headers) => {
                let cached = self.decisions.get(verdict.reason().number() as usize - 1);
                let Some(cached) = cached else { return new_decision(py, verdict, headers.clone_ref(py)) };
                let ready =
                    cached.get_or_try_init(py, || new_decision(py, verdict, headers.clone_ref(py)))?;
                if ready.get().is(&verdict) {
                    return Ok(ready.clone_ref(py));
                }
                headers.clone_ref(py)
            }
            Edits::AroundOrigin { before, op, name, behind } => {
                let value = match lines.origin_text() {
                    Some(origin) => origin.clone(),
                    None => latin1(py, one(request)),
                };
                let edit = PyTuple::new(py, [op.bind(py), name.bind(py), &value])?;
                let edits: Vec<&Bound<'_, PyTuple>> = before
                    .iter()
                    .map(|edit| edit.bind(py))
                    .chain([&edit])
                    .chain(behind.iter().map(|edit| edit.bind(py)))
                    .collect();
                PyTuple::new(py, edits)?.unbind()
            }
            Edits::Echo => {
                let edits: Vec<Bound<'_, PyTuple>> = answer
                    .fill(request)
                    .map(|HeaderEdit { op, header, value, .. }| tuple(py, op, header.name(), value))
                    .collect::<PyResult<_>>()?;
                PyTuple::new(py, edits)?.unbind()
            }
        };
        new_decision(py, verdict, headers)
    }
}

impl Edits {
    fn new(py: Python<'_>, answer: &Answer) -> PyResult<Self> {
        if answer.echoes() {
            return Ok(Edits::Echo);
        }
        let constant = |edits: &[Edit]| -> PyResult<Option<Vec<Bound<'_, PyTuple>>>> {
            let value = |edit: &'_ Edit| match &edit.value {
                Value::Text(value) => Some(tuple(py, edit.op, edit.header.name(), value.as_bytes())),
                _ => None,
            };
            edits.iter().map(value).map(Option::transpose).collect()
        };
        if let Some(edits) = constant(answer.edits())? {
            return Ok(Edits::Whole(PyTuple::new(py, edits)?.unbind()));
        }
        let of_origin = answer.edits().iter().position(|edit| matches!(edit.value, Value::Origin));
        let split = of_origin.and_then(|at| answer.edits().split_at_checked(at));
        let Some((before, [edit, behind @ ..])) = split else { return Ok(Edits::Echo) };
        match (constant(before)?, constant(behind)?) {
            (Some(before), Some(behind)) => Ok(Edits::AroundOrigin {
                before: before.into_iter().map(Bound::unbind).collect(),
                op: PyString::intern(py, edit.op.name()).unbind(),
                name: PyString::intern(py, edit.header.name()).unbind(),
                behind: behind.into_iter().map(Bound::unbind).collect(),
            }),
            _ => Ok(Edits::Echo),
        }
    }
}

fn new_decision(py: Python<'_>, verdict: Verdict, headers: Py<PyTuple>) -> PyResult<Py<Decision>> {
    Py::new(py, Decision::new(verdict, headers))
}

/// The value of `Origin`, which came exactly once where it is sent back.
fn one<'r>(request: &'r Request<'r>) -> &'r [u8] {
    match corsac::Facts::origin(request) {
        corsac::HeaderLine::One(value) => value,
        _ => b"",
    }
}

fn tuple<'py>(py: Python<'py>, op: Op, name: &'static str, value: &[u8]) -> PyResult<Bound<'py, PyTuple>> {
    PyTuple::new(py, [PyString::intern(py, op.name()), PyString::intern(py, name), latin1(py, value)])
}

/// The text of a header value, a character a byte, as servers take and give it.
fn latin1<'py>(py: Python<'py>, value: &[u8]) -> Bound<'py, PyString> {
    match std::str::from_utf8(value) {
        Ok(text) if text.is_ascii() => PyString::new(py, text),
        _ => PyString::new(py, &value.iter().copied().map(char::from).collect::<String>()),
    }
}
