//! Applies the header edits of an answer to a response of the crate `http`.

use http::HeaderMap;
use http::header::{Entry, HeaderValue, VARY};

use crate::answer::{Answer, HeaderEdit, Op};
use crate::header::trim_ows;
use crate::request::Facts;

impl Answer {
    /// Applies the header edits to a response. Doing it twice changes nothing.
    ///
    /// `request` must be the one that was decided, or one with the same `Origin`,
    /// `Access-Control-Request-Method` and `Access-Control-Request-Headers`.
    pub fn apply(&self, request: &dyn Facts, response: &mut HeaderMap) {
        // Nearly all applications set none of the headers that are to be removed.
        let foreign = response.keys().any(|name| name.as_str().starts_with("access-control-"));
        for edit in self.fill(request) {
            if edit.op != Op::Remove || foreign {
                apply(&edit, response);
            }
        }
    }
}

/// The value for a [`HeaderMap`].
///
/// Values of the policy were checked when it was built, values of the request before they are sent
/// back; a value that is none all the same is left out rather than sent.
fn value_of(edit: &HeaderEdit<'_>) -> Option<HeaderValue> {
    edit.text.cloned().or_else(|| HeaderValue::from_bytes(edit.value).ok())
}

fn apply(edit: &HeaderEdit<'_>, response: &mut HeaderMap) {
    match edit.op {
        Op::Set => {
            if let Some(value) = value_of(edit) {
                response.insert(edit.header.header_name(), value);
            }
        }
        Op::Add => {
            if let Some(value) = value_of(edit) {
                response.append(edit.header.header_name(), value);
            }
        }
        Op::Vary => merge_vary(edit, response),
        Op::Remove => {
            response.remove(edit.header.header_name());
        }
    }
}

/// Merges a header name into `Vary`, whose lines are joined (RFC 9110 section 12.5.5).
fn merge_vary(edit: &HeaderEdit<'_>, response: &mut HeaderMap) {
    let token = edit.value;
    let mut lines = match response.entry(VARY) {
        Entry::Vacant(vacant) => {
            if let Some(value) = value_of(edit) {
                vacant.insert(value);
            }
            return;
        }
        Entry::Occupied(lines) => lines,
    };
    let mut joined: Vec<u8> = Vec::new();
    for line in lines.iter() {
        for element in line.as_bytes().split(|&byte| byte == b',') {
            let element = trim_ows(element);
            if element == b"*" || element.eq_ignore_ascii_case(token) {
                return;
            }
            if !element.is_empty() {
                joined.extend_from_slice(element);
                joined.extend_from_slice(b", ");
            }
        }
    }
    joined.extend_from_slice(token);
    if let Ok(value) = HeaderValue::from_bytes(&joined) {
        lines.insert(value);
    }
}
