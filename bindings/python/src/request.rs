//! Reads the facts of a request from Python's headers.

use corsac::{Fact, Request};
use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString, PyTuple};

use crate::document::{type_name, utf16};

/// The lines of a request's headers that a decision depends on, in order.
pub(crate) struct Lines(Vec<Line>);

/// One header line that is a fact.
struct Line {
    fact: Fact,
    value: Text,
}

impl Lines {
    /// Those of a request without any.
    pub(crate) fn none() -> Self {
        Lines(Vec::new())
    }

    /// The lines of a mapping, or of an iterable of pairs. Values of headers that are no facts are
    /// not looked at.
    ///
    /// # Errors
    /// `TypeError` for any other type, and what an iterator of the caller raises.
    pub(crate) fn read(headers: &Bound<'_, PyAny>) -> PyResult<Self> {
        let mut lines = Lines::none();
        if let Ok(list) = headers.cast::<PyList>() {
            for pair in list.iter() {
                lines.pair(&pair)?;
            }
        } else if let Ok(dict) = headers.cast_exact::<PyDict>() {
            for (name, value) in dict.iter() {
                lines.header(&name, value)?;
            }
        } else if headers.cast::<PyString>().is_ok() || headers.cast::<PyBytes>().is_ok() {
            return Err(no_headers(headers));
        } else {
            // Many frameworks have mappings of headers whose items have a name more than once.
            let pairs = match headers.getattr_opt(intern!(headers.py(), "items"))? {
                Some(items) => items.call0()?.try_iter()?,
                None => headers.try_iter().map_err(|_| no_headers(headers))?,
            };
            for pair in pairs {
                lines.pair(&pair?)?;
            }
        }
        Ok(lines)
    }

    fn pair(&mut self, pair: &Bound<'_, PyAny>) -> PyResult<()> {
        if let Ok(pair) = pair.cast::<PyTuple>() {
            if pair.len() == 2 {
                return self.header(&pair.get_item(0)?, pair.get_item(1)?);
            }
        } else if let Ok(pair) = pair.cast::<PyList>()
            && pair.len() == 2
        {
            return self.header(&pair.get_item(0)?, pair.get_item(1)?);
        }
        Err(PyTypeError::new_err(format!("a header must be a pair of name and value, not {}", pair.repr()?)))
    }

    fn header(&mut self, name: &Bound<'_, PyAny>, value: Bound<'_, PyAny>) -> PyResult<()> {
        let fact = if let Ok(name) = name.cast::<PyBytes>() {
            Fact::of_header(name.as_bytes())
        } else if let Ok(name) = name.cast::<PyString>() {
            // A name with half a surrogate pair is no header's.
            name.to_str().ok().and_then(|name| Fact::of_header(name.as_bytes()))
        } else {
            let message = format!("the name of a header must be str or bytes, not {}", type_name(name));
            return Err(PyTypeError::new_err(message));
        };
        let Some(fact) = fact else { return Ok(()) };
        if let Ok(values) = value.cast::<PyList>() {
            values.iter().try_for_each(|value| self.line(fact, value))
        } else if let Ok(values) = value.cast::<PyTuple>() {
            values.iter().try_for_each(|value| self.line(fact, value))
        } else {
            self.line(fact, value)
        }
    }

    /// Adds a line.
    ///
    /// # Errors
    /// `TypeError` if the value is no text.
    pub(crate) fn line(&mut self, fact: Fact, value: Bound<'_, PyAny>) -> PyResult<()> {
        let value = Text::new(value, || format!("the value of {}", header_name(fact)))?;
        self.0.push(Line { fact, value });
        Ok(())
    }

    /// Shows every line to `request`.
    pub(crate) fn show<'r>(&'r self, py: Python<'r>, request: &mut Request<'r>) -> PyResult<()> {
        for line in &self.0 {
            request.fact(line.fact, line.value.bytes(py)?);
        }
        Ok(())
    }

    /// The value of `Origin`, as bytes.
    pub(crate) fn origin_bytes<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let Some(line) = self.0.iter().find(|line| line.fact == Fact::Origin) else { return Ok(None) };
        Ok(Some(match line.value.0.bind(py).cast::<PyBytes>() {
            Ok(bytes) => bytes.clone(),
            Err(_) => PyBytes::new(py, line.value.bytes(py)?),
        }))
    }

    /// The value of `Origin`, if it came once and is a str already.
    pub(crate) fn origin_text<'l, 'py>(&'l self, py: Python<'py>) -> Option<&'l Bound<'py, PyString>> {
        let line = self.0.iter().find(|line| line.fact == Fact::Origin)?;
        line.value.0.bind(py).cast::<PyString>().ok()
    }
}

fn header_name(fact: Fact) -> &'static str {
    match fact {
        Fact::Origin => "Origin",
        Fact::RequestMethod => "Access-Control-Request-Method",
        Fact::RequestHeaders => "Access-Control-Request-Headers",
        Fact::Host => "Host",
        Fact::Authority => ":authority",
        Fact::FetchSite => "Sec-Fetch-Site",
    }
}

fn no_headers(headers: &Bound<'_, PyAny>) -> PyErr {
    let message = format!("headers must be a mapping or an iterable of pairs, not {}", type_name(headers));
    PyTypeError::new_err(message)
}

/// A text of a request as something that lends its bytes: bytes as they are, a str of ASCII as it
/// is, any other str as the bytes of its characters (latin-1, as servers decode them).
///
/// It is kept as long as a decision, and can be: it is immutable, and refers to nothing.
pub(crate) struct Text(Py<PyAny>);

/// Stands for what was never a byte of a header, above U+00FF. It is no byte of an origin, a method,
/// a header name or a host, so that the text is refused and never taken for another.
const UNREADABLE: u8 = 0xff;

impl Text {
    /// # Errors
    /// `TypeError` for another type; `what` says what it is that has it.
    pub(crate) fn new(value: Bound<'_, PyAny>, what: impl FnOnce() -> String) -> PyResult<Text> {
        if value.cast_exact::<PyBytes>().is_ok() {
            return Ok(Text(value.unbind()));
        }
        let encoded = if let Ok(text) = value.cast::<PyString>() {
            match text.to_str() {
                Ok(ascii) if ascii.is_ascii() && value.cast_exact::<PyString>().is_ok() => {
                    return Ok(Text(value.unbind()));
                }
                Ok(text) => narrow(text.encode_utf16()),
                // With half a surrogate pair.
                Err(_) => narrow(utf16(text)?),
            }
        } else if let Ok(bytes) = value.cast::<PyBytes>() {
            bytes.as_bytes().to_vec()
        } else {
            let message = format!("{} must be str or bytes, not {}", what(), type_name(&value));
            return Err(PyTypeError::new_err(message));
        };
        Ok(Text(PyBytes::new(value.py(), &encoded).into_any().unbind()))
    }

    pub(crate) fn bytes<'t>(&'t self, py: Python<'t>) -> PyResult<&'t [u8]> {
        let value = self.0.bind(py);
        match value.cast::<PyBytes>() {
            Ok(bytes) => Ok(bytes.as_bytes()),
            Err(_) => Ok(value.cast::<PyString>()?.to_str()?.as_bytes()),
        }
    }
}

/// One byte for each unit of UTF-16, so that a text has the same length where strings are made of them.
fn narrow(units: impl IntoIterator<Item = u16>) -> Vec<u8> {
    units.into_iter().map(|unit| u8::try_from(unit).unwrap_or(UNREADABLE)).collect()
}
