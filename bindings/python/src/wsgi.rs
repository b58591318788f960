//! The native half of the WSGI and Django middleware: one call decides on an environ, another makes the
//! headers of the response, as a list for WSGI and as a dict for Django.
//!
//! What the application has is only read, and what is made is new.

use corsac::{Answer, Fact, Op, ResponseHeader, Value};
use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyTuple};

use crate::asgi::{VARY, name_bit};
use crate::decision::Decision;
use crate::document::type_name;
use crate::policy::Policy;
use crate::request::{Lines, Text};

/// Decides on the request of a WSGI environ.
#[pyfunction]
#[pyo3(signature = (policy, environ, /))]
pub(crate) fn wsgi_decide(policy: &Bound<'_, Policy>, environ: &Bound<'_, PyDict>) -> PyResult<Py<Decision>> {
    let py = environ.py();
    // Most requests have no Origin, and all of those have one decision.
    let mut lines = Lines::none();
    match environ.get_item(intern!(py, "HTTP_ORIGIN"))? {
        Some(origin) => lines.line(Fact::Origin, origin)?,
        None if policy.get().core().s3_options().is_none() => return Ok(policy.get().not_cors(py)),
        // S3 takes every OPTIONS for a preflight.
        None => {}
    }
    let others = [
        (Fact::RequestMethod, intern!(py, "HTTP_ACCESS_CONTROL_REQUEST_METHOD")),
        (Fact::RequestHeaders, intern!(py, "HTTP_ACCESS_CONTROL_REQUEST_HEADERS")),
        (Fact::Host, intern!(py, "HTTP_HOST")),
        (Fact::FetchSite, intern!(py, "HTTP_SEC_FETCH_SITE")),
    ];
    for (fact, key) in others {
        if let Some(value) = environ.get_item(key)? {
            lines.line(fact, value)?;
        }
    }
    let method = match environ.get_item(intern!(py, "REQUEST_METHOD"))? {
        Some(method) => method,
        None => PyString::new(py, "").into_any(),
    };
    Policy::decided(policy, Text::new(method, || "REQUEST_METHOD".to_owned())?, lines)
}

/// One answer of a policy in the form of WSGI: pairs of str.
pub(crate) struct WsgiAnswer {
    /// The names whose lines of the application go, as bits of `name_bit`.
    drops: u16,
    /// What is merged into Vary.
    vary: Box<[Box<str>]>,
    /// The line where the application has no Vary.
    vary_line: Option<Py<PyTuple>>,
    lines: Box<[Line]>,
    /// Whether more of the request than Origin is sent back: then the lines are those of the decision.
    echoes: bool,
}

struct Line {
    key: Py<PyString>,
    name: Py<PyString>,
    /// None where the request's Origin is sent back.
    line: Option<Py<PyTuple>>,
}

impl WsgiAnswer {
    pub(crate) fn new(py: Python<'_>, answer: &Answer) -> PyResult<Self> {
        let mut drops = 0;
        let (mut vary, mut lines) = (Vec::new(), Vec::new());
        for edit in answer.edits() {
            let name = edit.header.name();
            let key = PyString::intern(py, &name.to_ascii_lowercase()).unbind();
            if edit.op == Op::Vary {
                if let Value::Text(token) = &edit.value {
                    vary.push(text(token).into_boxed_str());
                }
                continue;
            }
            drops |= name_bit(name.as_bytes());
            let name = PyString::intern(py, name);
            let line = match &edit.value {
                _ if edit.op == Op::Remove => continue,
                Value::Text(value) => {
                    Some(PyTuple::new(py, [&name, &PyString::new(py, &text(value))])?.unbind())
                }
                _ => None,
            };
            lines.push(Line { key, name: name.unbind(), line });
        }
        let vary_line = if vary.is_empty() {
            None
        } else {
            Some(PyTuple::new(py, [ResponseHeader::Vary.name(), &vary.join(", ")])?.unbind())
        };
        Ok(WsgiAnswer { drops, vary: vary.into(), vary_line, lines: lines.into(), echoes: answer.echoes() })
    }

    /// The lines that are added, but for Vary, each with its key: `then` gets both.
    fn each_line<'py>(
        &self,
        decision: &Bound<'py, Decision>,
        mut then: impl FnMut(&Bound<'py, PyString>, Bound<'py, PyTuple>) -> PyResult<()>,
    ) -> PyResult<()> {
        let py = decision.py();
        let edits = decision.get().headers(py);
        if self.echoes {
            for edit in edits.iter() {
                let (op, name, value): (Bound<'py, PyString>, Bound<'py, PyString>, Bound<'py, PyString>) =
                    edit.extract()?;
                if matches!(op.to_str()?, "set" | "add") {
                    let key = PyString::intern(py, &name.to_str()?.to_ascii_lowercase());
                    then(&key, PyTuple::new(py, [name, value])?)?;
                }
            }
            return Ok(());
        }
        for line in &self.lines {
            let pair = match &line.line {
                Some(pair) => pair.bind(py).clone(),
                None => {
                    // The decision has it, wherever it stands there.
                    let place =
                        edits.iter().find(|edit| edit.get_item(1).is_ok_and(|name| name.is(&line.name)));
                    let Some(edit) = place else { continue };
                    PyTuple::new(py, [line.name.bind(py).as_any(), &edit.get_item(2)?])?
                }
            };
            then(line.key.bind(py), pair)?;
        }
        Ok(())
    }

    /// The value of Vary with what the answer adds, as one line; none if the lines have all of it.
    fn merged(&self, lines: &[String]) -> Option<String> {
        let elements = || lines.iter().flat_map(|line| line.split(',')).map(str::trim_ascii);
        if elements().any(|element| element == "*") {
            return None;
        }
        let missing = self.vary.iter().map(AsRef::as_ref);
        let missing: Vec<&str> =
            missing.filter(|token| !elements().any(|element| element.eq_ignore_ascii_case(token))).collect();
        if missing.is_empty() {
            return None;
        }
        let all: Vec<&str> = elements().filter(|element| !element.is_empty()).chain(missing).collect();
        Some(all.join(", "))
    }
}

/// What a policy itself puts into a header is ASCII.
fn text(value: &impl AsRef<[u8]>) -> String {
    String::from_utf8_lossy(value.as_ref()).into_owned()
}

/// A new list of headers: those of an application with a decision applied.
#[pyfunction]
#[pyo3(signature = (policy, decision, headers, /))]
pub(crate) fn wsgi_edit<'py>(
    policy: &Bound<'py, Policy>,
    decision: &Bound<'py, Decision>,
    headers: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyList>> {
    let py = headers.py();
    let answer = answer_of(policy, decision)?;
    let edited = PyList::empty(py);
    let mut vary: Vec<Bound<'py, PyAny>> = Vec::new();
    let mut place = 0;
    for pair in headers.try_iter()? {
        let pair = pair?;
        let bit = match pair.get_item(0) {
            // The server tells what is wrong with any other.
            Ok(name) => name.cast::<PyString>().map_or(0, |name| name.to_str().map_or(0, bit_of)),
            Err(_) => 0,
        };
        if bit == VARY && !answer.vary.is_empty() {
            if vary.is_empty() {
                place = edited.len();
            }
            vary.push(pair);
        } else if bit & answer.drops == 0 {
            edited.append(pair)?;
        }
    }
    if vary.is_empty() {
        if let Some(line) = &answer.vary_line {
            edited.append(line)?;
        }
    } else {
        let values = vary.iter().map(|pair| value_of(&pair.get_item(1)?)).collect::<PyResult<Vec<_>>>()?;
        match answer.merged(&values) {
            Some(value) => edited.insert(place, (ResponseHeader::Vary.name(), value))?,
            // Nothing is missing in it.
            None => {
                for (offset, pair) in vary.iter().enumerate() {
                    edited.insert(place + offset, pair)?;
                }
            }
        }
    }
    answer.each_line(decision, |_, pair| edited.append(pair))?;
    Ok(edited)
}

/// A new store of Django's headers, a dict of names in lower case to pairs of name and value: that of a
/// response with a decision applied.
#[pyfunction]
#[pyo3(signature = (policy, decision, store, /))]
pub(crate) fn django_edit<'py>(
    policy: &Bound<'py, Policy>,
    decision: &Bound<'py, Decision>,
    store: &Bound<'py, PyDict>,
) -> PyResult<Bound<'py, PyDict>> {
    let py = store.py();
    let answer = answer_of(policy, decision)?;
    let edited = store.copy()?;
    for (key, _) in store.iter() {
        // There are more names that may go than headers that are there.
        let name = key.cast::<PyString>()?.to_str()?;
        if name_bit(name.as_bytes()) & answer.drops != 0 {
            edited.del_item(key)?;
        }
    }
    if let Some(line) = &answer.vary_line {
        let key = intern!(py, "vary");
        match edited.get_item(key)? {
            None => edited.set_item(key, line)?,
            Some(pair) => {
                if let Some(value) = answer.merged(&[value_of(&pair.get_item(1)?)?]) {
                    edited.set_item(key, (ResponseHeader::Vary.name(), value))?;
                }
            }
        }
    }
    answer.each_line(decision, |key, pair| match edited.get_item(key)? {
        None => edited.set_item(key, pair),
        // There is one line a header, and what an answer adds is a list.
        Some(before) => {
            let value = format!("{}, {}", value_of(&before.get_item(1)?)?, value_of(&pair.get_item(1)?)?);
            edited.set_item(key, (pair.get_item(0)?, value))
        }
    })?;
    Ok(edited)
}

fn answer_of<'p>(policy: &'p Bound<'_, Policy>, decision: &Bound<'_, Decision>) -> PyResult<&'p WsgiAnswer> {
    let answers = policy.get().wsgi(policy.py())?;
    answers
        .get(decision.get().verdict().answer().index())
        .ok_or_else(|| PyTypeError::new_err("the decision is one of another policy"))
}

fn bit_of(name: &str) -> u16 {
    name_bit(name.trim_ascii().as_bytes())
}

/// The text of a header value.
fn value_of(value: &Bound<'_, PyAny>) -> PyResult<String> {
    match value.cast::<PyString>() {
        Ok(value) => Ok(value.to_str()?.to_owned()),
        Err(_) => Err(PyTypeError::new_err(format!("a header must be str, not {}", type_name(value)))),
    }
}
