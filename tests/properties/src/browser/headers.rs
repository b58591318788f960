//! Reading a header list: get, and extracting lists and numbers.

use super::is_token;
use crate::Line;

/// Strips optional white space, which is no part of a value on the wire.
fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// Fetch, "get": all values of a name joined by `, `; none where there is none.
pub(super) fn get(lines: &[Line], name: &str) -> Option<Vec<u8>> {
    let values: Vec<&[u8]> = lines
        .iter()
        .filter(|(of, _)| of.eq_ignore_ascii_case(name.as_bytes()))
        .map(|(_, value)| trim(value))
        .collect();
    (!values.is_empty()).then(|| values.join(&b", "[..]))
}

/// Fetch, "extract header list values" of a list of tokens: none where absent, an error where malformed.
pub(super) fn list(lines: &[Line], name: &str) -> Result<Option<Vec<String>>, ()> {
    let Some(value) = get(lines, name) else { return Ok(None) };
    let mut elements = Vec::new();
    for element in value.split(|byte| *byte == b',').map(trim) {
        if element.is_empty() {
            continue;
        }
        if !is_token(element) {
            return Err(());
        }
        elements.push(String::from_utf8_lossy(element).into_owned());
    }
    Ok(Some(elements))
}

/// The seconds of Access-Control-Max-Age; none where absent or malformed.
pub(super) fn max_age(lines: &[Line]) -> Option<u64> {
    let value = get(lines, "access-control-max-age")?;
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(String::from_utf8_lossy(&value).parse().unwrap_or(u64::MAX))
}
