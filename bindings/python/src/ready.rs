//! A policy's answers as Python objects, made when the policy is built, so that a decision makes
//! none or one.

use corsac::{Answer, HeaderEdit, Op, Request, Value};
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};

use crate::request::Lines;

/// The header edits of one answer of a policy, as far as they are known.
pub(crate) enum Ready {
    /// All.
    Whole(Py<PyTuple>),
    /// All but those that hold the request's `Origin`.
    WithOrigin(Box<[Slot]>),
    /// Made of the request: lines of it are sent back.
    Echo,
}

/// One edit of an answer.
pub(crate) enum Slot {
    Ready(Py<PyTuple>),
    /// With the request's `Origin` as its value.
    Origin {
        op: Py<PyString>,
        name: Py<PyString>,
    },
}

impl Ready {
    pub(crate) fn new(py: Python<'_>, answer: &Answer) -> PyResult<Self> {
        if answer.echoes() {
            return Ok(Ready::Echo);
        }
        let mut whole = Vec::new();
        let mut slots = Vec::new();
        for edit in answer.edits() {
            slots.push(match &edit.value {
                Value::Text(value) => {
                    let edit = tuple(py, edit.op, edit.header.name(), value.as_bytes())?;
                    whole.push(edit.clone());
                    Slot::Ready(edit.unbind())
                }
                Value::Origin => Slot::Origin {
                    op: PyString::intern(py, edit.op.name()).unbind(),
                    name: PyString::intern(py, edit.header.name()).unbind(),
                },
                // Only in answers that echo.
                Value::RequestMethod | Value::RequestHeaders => return Ok(Ready::Echo),
            });
        }
        if whole.len() == slots.len() {
            return Ok(Ready::Whole(PyTuple::new(py, whole)?.unbind()));
        }
        Ok(Ready::WithOrigin(slots.into()))
    }

    /// The headers of a decision on the request that `answer` was given to.
    pub(crate) fn headers(
        &self,
        py: Python<'_>,
        answer: &Answer,
        request: &Request<'_>,
        lines: &Lines,
    ) -> PyResult<Py<PyTuple>> {
        let edits: Vec<Bound<'_, PyTuple>> = match self {
            Ready::Whole(headers) => return Ok(headers.clone_ref(py)),
            Ready::WithOrigin(slots) => {
                let origin = match lines.origin_text(py) {
                    Some(origin) => origin.clone(),
                    None => latin1(py, one(request)),
                };
                let mut edits = Vec::with_capacity(slots.len());
                for slot in slots {
                    edits.push(match slot {
                        Slot::Ready(edit) => edit.bind(py).clone(),
                        Slot::Origin { op, name } => PyTuple::new(py, [op.bind(py), name.bind(py), &origin])?,
                    });
                }
                edits
            }
            Ready::Echo => answer
                .fill(request)
                .map(|HeaderEdit { op, header, value, .. }| tuple(py, op, header.name(), value))
                .collect::<PyResult<_>>()?,
        };
        Ok(PyTuple::new(py, edits)?.unbind())
    }
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
