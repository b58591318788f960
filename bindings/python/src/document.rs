//! Writes a Python document as JSON text, so that the core reads every document in one way.

use std::fmt::Write;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyByteArray, PyBytes, PyFloat, PyFrozenSet, PyInt, PyList, PyMapping, PyMemoryView, PySequence,
    PySet, PyString, PyTuple,
};

/// Deeper than any document of a policy, and far from the end of the stack; also what ends a list
/// that holds itself.
const MAX_DEPTH: usize = 32;

/// Python refuses to write integers in decimal beyond a number of digits that can be set, but never
/// below 640, which these stay under.
const MAX_INTEGER_BITS: usize = 2048;

/// The JSON text of a mapping. A key whose value is None is absent, at any depth.
///
/// # Errors
/// `TypeError`, which names the path of what JSON cannot say.
pub(crate) fn to_json(document: &Bound<'_, PyAny>) -> PyResult<String> {
    let mut writer = Writer { json: String::new(), path: Vec::new() };
    if document.cast::<PyString>().is_ok() || document.cast::<PyBytes>().is_ok() {
        let message =
            format!("document must be a mapping, not {}: Policy.from_json reads text", type_name(document));
        return Err(PyTypeError::new_err(message));
    }
    let Ok(mapping) = document.cast::<PyMapping>() else {
        let message = format!("document must be a mapping, not {}", type_name(document));
        return Err(PyTypeError::new_err(message));
    };
    writer.mapping(mapping)?;
    Ok(writer.json)
}

/// The name of a value's type, for a message.
pub(crate) fn type_name(value: &Bound<'_, PyAny>) -> String {
    value.get_type().name().map_or_else(|_| "an object".to_owned(), |name| name.to_string())
}

/// A step from a value to one inside it.
enum Step {
    Key(String),
    Index(usize),
}

struct Writer {
    json: String,
    path: Vec<Step>,
}

impl Writer {
    /// Where the value is that is being written, as in the path of a problem.
    fn place(&self) -> String {
        let mut place = String::new();
        for step in &self.path {
            match step {
                Step::Index(index) => {
                    let _ = write!(place, "[{index}]");
                }
                Step::Key(key) if is_plain(key) => {
                    if !place.is_empty() {
                        place.push('.');
                    }
                    place.push_str(key);
                }
                Step::Key(key) => {
                    place.push('[');
                    push_quoted(&mut place, key.chars().map(Ok));
                    place.push(']');
                }
            }
        }
        if place.is_empty() { "document".to_owned() } else { place }
    }

    /// Whether the value is an element of `rules`, the one list that is not of str.
    fn is_rule(&self) -> bool {
        matches!(self.path.as_slice(), [Step::Key(key), Step::Index(_)] if key == "rules")
    }

    fn type_error(&self, expected: &str, value: &Bound<'_, PyAny>) -> PyErr {
        PyTypeError::new_err(format!("{} must be {expected}, not {}", self.place(), type_name(value)))
    }

    fn mapping(&mut self, mapping: &Bound<'_, PyMapping>) -> PyResult<()> {
        self.json.push('{');
        let mut first = true;
        for item in mapping.items()?.iter() {
            let (key, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) = item.extract()?;
            let Ok(key) = key.cast::<PyString>() else {
                let message =
                    format!("keys of {} must be str, not {}: {}", self.place(), type_name(&key), key.repr()?);
                return Err(PyTypeError::new_err(message));
            };
            if value.is_none() {
                continue;
            }
            if !std::mem::take(&mut first) {
                self.json.push(',');
            }
            self.string(key)?;
            self.json.push(':');
            self.inside(Step::Key(key.to_string_lossy().into_owned()), &value)?;
        }
        self.json.push('}');
        Ok(())
    }

    fn array<'py>(&mut self, elements: impl Iterator<Item = PyResult<Bound<'py, PyAny>>>) -> PyResult<()> {
        self.json.push('[');
        for (index, element) in elements.enumerate() {
            if index > 0 {
                self.json.push(',');
            }
            self.inside(Step::Index(index), &element?)?;
        }
        self.json.push(']');
        Ok(())
    }

    fn inside(&mut self, step: Step, value: &Bound<'_, PyAny>) -> PyResult<()> {
        self.path.push(step);
        if self.path.len() > MAX_DEPTH {
            let message = format!("{} is nested more than {MAX_DEPTH} levels deep", self.place());
            return Err(PyTypeError::new_err(message));
        }
        self.value(value)?;
        self.path.pop();
        Ok(())
    }

    fn value(&mut self, value: &Bound<'_, PyAny>) -> PyResult<()> {
        if let Ok(text) = value.cast::<PyString>() {
            self.string(text)
        } else if let Ok(list) = value.cast_exact::<PyList>() {
            self.array(list.iter().map(Ok))
        } else if let Ok(tuple) = value.cast::<PyTuple>() {
            self.array(tuple.iter().map(Ok))
        } else if value.is_none() {
            self.json.push_str("null");
            Ok(())
        } else if let Ok(boolean) = value.cast::<PyBool>() {
            self.json.push_str(if boolean.is_true() { "true" } else { "false" });
            Ok(())
        } else if let Ok(integer) = value.cast::<PyInt>() {
            self.integer(integer)
        } else if let Ok(float) = value.cast::<PyFloat>() {
            self.float(float)
        } else if value.cast::<PySet>().is_ok() || value.cast::<PyFrozenSet>().is_ok() {
            self.set(value)
        } else if value.cast::<PyBytes>().is_ok()
            || value.cast::<PyByteArray>().is_ok()
            || value.cast::<PyMemoryView>().is_ok()
        {
            Err(self.type_error(if self.is_rule() { "a mapping" } else { "str" }, value))
        } else if let Ok(mapping) = value.cast::<PyMapping>() {
            self.mapping(mapping)
        } else if value.cast::<PySequence>().is_ok() {
            self.array(value.try_iter()?)
        } else {
            let expected = match self.path.last() {
                _ if self.is_rule() => "a mapping",
                Some(Step::Index(_)) => "str",
                _ => "a value of JSON",
            };
            Err(self.type_error(expected, value))
        }
    }

    /// In the order of the text, so that equal sets give one document.
    fn set(&mut self, set: &Bound<'_, PyAny>) -> PyResult<()> {
        let mut elements: Vec<Bound<'_, PyAny>> = set.try_iter()?.collect::<PyResult<_>>()?;
        elements.sort_by_cached_key(|element| {
            element.cast::<PyString>().map(|text| text.to_string_lossy().into_owned()).ok()
        });
        self.array(elements.into_iter().map(Ok))
    }

    fn integer(&mut self, integer: &Bound<'_, PyInt>) -> PyResult<()> {
        match integer.extract::<i64>() {
            Ok(small) => {
                let _ = write!(self.json, "{small}");
            }
            Err(_) => {
                // Of int itself: a subclass may say anything.
                let int = integer.py().get_type::<PyInt>();
                let bits: usize = int.call_method1("bit_length", (integer,))?.extract()?;
                if bits > MAX_INTEGER_BITS {
                    let message =
                        format!("{} must be a value of JSON, not an int of {bits} bits", self.place());
                    return Err(PyTypeError::new_err(message));
                }
                let text = int.call_method1("__repr__", (integer,))?;
                self.json.push_str(&text.extract::<String>()?);
            }
        }
        Ok(())
    }

    fn float(&mut self, float: &Bound<'_, PyFloat>) -> PyResult<()> {
        if !float.value().is_finite() {
            let message = format!("{} must be a value of JSON, not {}", self.place(), float.value());
            return Err(PyTypeError::new_err(message));
        }
        let text = float.py().get_type::<PyFloat>().call_method1("__repr__", (float,))?;
        self.json.push_str(&text.extract::<String>()?);
        Ok(())
    }

    fn string(&mut self, text: &Bound<'_, PyString>) -> PyResult<()> {
        if let Ok(text) = text.to_str() {
            push_quoted(&mut self.json, text.chars().map(Ok));
            return Ok(());
        }
        // With a lone surrogate, which JSON can only say as an escape; the core reports it.
        let units = char::decode_utf16(utf16(text)?);
        push_quoted(&mut self.json, units.map(|c| c.map_err(|error| error.unpaired_surrogate())));
        Ok(())
    }
}

/// The text of a str that may hold halves of surrogate pairs, and so has no UTF-8.
pub(crate) fn utf16(text: &Bound<'_, PyString>) -> PyResult<Vec<u16>> {
    let bytes =
        text.py().get_type::<PyString>().call_method1("encode", (text, "utf-16-le", "surrogatepass"))?;
    let units = bytes.cast::<PyBytes>()?.as_bytes().as_chunks::<2>().0;
    Ok(units.iter().map(|&unit| u16::from_le_bytes(unit)).collect())
}

/// Whether a key stands in a path as it is.
fn is_plain(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$'))
}

/// Writes a JSON string; what is no character, half a surrogate pair, as an escape.
fn push_quoted(json: &mut String, text: impl Iterator<Item = Result<char, u16>>) {
    json.push('"');
    for c in text {
        match c {
            Ok(c @ ('"' | '\\')) => json.extend(['\\', c]),
            Ok(c) if c < ' ' => {
                let _ = write!(json, "\\u{:04x}", u32::from(c));
            }
            Ok(c) => json.push(c),
            Err(half) => {
                let _ = write!(json, "\\u{half:04x}");
            }
        }
    }
    json.push('"');
}
