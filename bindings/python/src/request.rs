//! Reads the facts of a request from Python's headers.

use corsac::{Fact, Request};
use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString, PyTuple};

use crate::document::type_name;

/// The lines of a request's headers that a decision depends on, in order.
pub(crate) struct Lines<'py>(Vec<Line<'py>>);

/// One header line that is a fact.
struct Line<'py> {
    fact: Fact,
    /// An ASCII str or bytes: see [`header_value`].
    value: Bound<'py, PyAny>,
}

impl<'py> Lines<'py> {
    /// The lines of a mapping, or of an iterable of pairs. Values of headers that are no facts are
    /// not looked at.
    ///
    /// # Errors
    /// `TypeError` for any other type, and what an iterator of the caller raises.
    pub(crate) fn read(headers: &Bound<'py, PyAny>) -> PyResult<Self> {
        let mut lines = Lines(Vec::new());
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

    fn pair(&mut self, pair: &Bound<'py, PyAny>) -> PyResult<()> {
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

    fn header(&mut self, name: &Bound<'py, PyAny>, value: Bound<'py, PyAny>) -> PyResult<()> {
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

    fn line(&mut self, fact: Fact, value: Bound<'py, PyAny>) -> PyResult<()> {
        let value = header_value(value, || format!("the value of {}", header_name(fact)))?;
        self.0.push(Line { fact, value });
        Ok(())
    }

    /// Shows every line to `request`.
    pub(crate) fn show<'r>(&'r self, request: &mut Request<'r>) -> PyResult<()> {
        for line in &self.0 {
            request.header(header_name(line.fact), bytes(&line.value)?);
        }
        Ok(())
    }

    /// The value of `Origin`, if it came once and is a str already.
    pub(crate) fn origin_text(&self) -> Option<&Bound<'py, PyString>> {
        let line = self.0.iter().find(|line| line.fact == Fact::Origin)?;
        line.value.cast_exact::<PyString>().ok()
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
/// A character above U+00FF was never a byte. Such a str becomes UTF-8, whose bytes above 0x7F no
/// origin, method, header name or host has, so that the text is refused and never taken for another.
///
/// # Errors
/// `TypeError` for another type; `what` says what it is that has it.
pub(crate) fn header_value<'py>(
    value: Bound<'py, PyAny>,
    what: impl FnOnce() -> String,
) -> PyResult<Bound<'py, PyAny>> {
    if value.cast::<PyBytes>().is_ok() {
        return Ok(value);
    }
    let Ok(text) = value.cast::<PyString>() else {
        let message = format!("{} must be str or bytes, not {}", what(), type_name(&value));
        return Err(PyTypeError::new_err(message));
    };
    let encoded = match text.to_str() {
        Ok(text) if text.is_ascii() => None,
        Ok(text) => Some(latin1(text).unwrap_or_else(|| text.as_bytes().to_vec())),
        // Half a surrogate pair becomes U+FFFD, which is as foreign.
        Err(_) => Some(text.to_string_lossy().into_owned().into_bytes()),
    };
    match encoded {
        Some(encoded) => Ok(PyBytes::new(value.py(), &encoded).into_any()),
        None => Ok(value),
    }
}

fn latin1(text: &str) -> Option<Vec<u8>> {
    text.chars().map(|c| u8::try_from(c).ok()).collect()
}

/// The bytes of what [`header_value`] gave.
pub(crate) fn bytes<'v>(value: &'v Bound<'_, PyAny>) -> PyResult<&'v [u8]> {
    match value.cast::<PyBytes>() {
        Ok(bytes) => Ok(bytes.as_bytes()),
        Err(_) => Ok(value.cast::<PyString>()?.to_str()?.as_bytes()),
    }
}
